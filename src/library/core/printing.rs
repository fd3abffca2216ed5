//! Builtins: printing.

use super::strings::append_text;
use crate::builtins;
use crate::gc::{Thread, Thrown};
use crate::object::layout;
use crate::runtime::fault::brief;
use crate::runtime::program::builtin::Args;
use crate::runtime::program::methods;
use crate::runtime::system::console;
use crate::runtime::system::streams;
use crate::runtime::values::leaves;
use crate::runtime::values::support::{Outcome, null, wrong_type};
use crate::runtime::values::text::format::{self, Style};
use crate::runtime::values::text::{builder, output, strings};

builtins! { pub static TABLE: "core";
    /// The value as `println` shows it. `to-string(1.0)` is `"1.0"`.
    "to-string" (value: Any) = to_string => leaves::texts::to_string;
    /// The value in its readable form: a String is quoted. `repr("a")` is `"\"a\""`.
    "repr" (value: Any) = repr;
    /// The printed form of a value; depth 0 is the outermost level. `format("a", 1)` is `"\"a\""`.
    /// `format("a", 1)` is `"\"a\""`.
    "format" (value: Any, depth: Int) = format_value;
    /// Prints the arguments with spaces between; gives the last. `print("a", 1)` prints `a 1`.
    "print" (values: rest(Any)) = print;
    /// Prints the arguments with spaces between, and a newline; gives the last. `println("a", 1)` prints `a 1`.
    "println" (values: rest(Any)) = println;
    /// Prints the arguments with spaces between, and a newline, to standard error; gives the last. `eprintln("bad line", 3)`.
    "eprintln" (values: rest(Any)) = eprintln;
    /// A value in few words, as messages have it: no code of the program runs.
    "_brief" (value: Any) = |cx, args| cx.alloc_string(&brief::brief_within(cx.get(args[0]), 60)), quiet;
    /// A Writer that collects what is written to it: `to-string` gives the text. `to-string(write(new-string-buffer(), "a"))` is `"a"`.
    "new-string-buffer" () = new_string_buffer;
    /// Writes a text to a Writer; gives the Writer.
    "write" (writer: Any, text: String) = write;
}

fn to_string(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let value = cx.get(args[0]);
    if value.str().is_some() && !methods::Method::Format.is_extended(value) {
        return Ok(args[0]);
    }
    let text = format::to_text(cx, args[0], Style::Display)?;
    strings::of(cx, &text)
}

fn repr(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let text = format::to_text(cx, args[0], Style::Readable)?;
    strings::of(cx, &text)
}

fn format_value(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let depth = cx.get(args[1]).as_int().unwrap_or(0).max(0);
    let text = format::format(cx, args[0], depth)?;
    strings::of(cx, &text)
}

/// The texts of all arguments with spaces between.
fn line(cx: &mut Thread, args: &Args<'_>) -> Result<String, Thrown> {
    let mut out = String::new();
    for (i, &value) in args.all().iter().enumerate() {
        if i > 0 {
            out.push(' ');
        }
        append_text(cx, &mut out, value)?;
    }
    Ok(out)
}

fn last(cx: &Thread, args: &Args<'_>) -> Outcome {
    match args.all().last() {
        Some(&value) => Ok(value),
        None => null(cx),
    }
}

fn print(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let text = line(cx, args)?;
    output::write_out(cx, &text)?;
    last(cx, args)
}

fn println(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let mut text = line(cx, args)?;
    text.push('\n');
    output::write_out(cx, &text)?;
    last(cx, args)
}

fn eprintln(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let mut text = line(cx, args)?;
    text.push('\n');
    // There is nobody left to tell when stderr does not work.
    let _ = console::write_to_stderr(cx, text.as_bytes())?;
    last(cx, args)
}

fn new_string_buffer(cx: &mut Thread, _args: &Args<'_>) -> Outcome {
    builder::new(cx, 64)
}

fn write(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    if cx.get(args[0]).is(layout::STRING_BUILDER) {
        builder::append_string(cx, args[0], args[1])?;
        return Ok(args[0]);
    }
    if streams::Stream::of(cx, args[0]).is_some() {
        let text = strings::text(cx, args[1]).to_owned();
        output::write_to(cx, args[0], &text)?;
        return Ok(args[0]);
    }
    Err(wrong_type(cx, "write", 1, "a Writer", args[0]))
}
