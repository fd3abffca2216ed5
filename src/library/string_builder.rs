//! Builtins: the namespace `string-builder`.

use crate::builtins;
use crate::gc::{Thread, Thrown};
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::builtin::Args;
use crate::runtime::values::leaves;
use crate::runtime::values::numbers::{self, Number, new_int, new_usize};
use crate::runtime::values::support::{Outcome, count, index_below, out_of_range, text};
use crate::runtime::values::text::builder;
use crate::runtime::values::text::format;
use crate::runtime::values::text::strings::MAX_BYTES;

builtins! { pub static TABLE: "string-builder";
    /// A new builder, with room for some bytes.
    /// `string-builder/length(string-builder/new())` is `0`.
    "new" (capacity: opt(Int)) = new;
    /// Appends a String; gives the builder.
    /// `string-builder/to-string(string-builder/append!(string-builder/new(), "a"))` is `"a"`.
    "append!" (builder: StringBuilder, text: String) = append => leaves::texts::builder_append;
    /// Appends a byte, 0 to 255; gives the builder.
    /// `string-builder/to-string(string-builder/append-byte!(string-builder/new(), 65))` is `"A"`.
    "append-byte!" (builder: StringBuilder, byte: Int) = append_byte;
    /// Appends a character: a one-character String or a code point; gives the builder.
    /// `string-builder/to-string(string-builder/append-char!(string-builder/new(), "é"))` is `"é"`.
    "append-char!" (builder: StringBuilder, character: or(String, Int)) = append_char => leaves::texts::builder_append_char;
    /// Appends the digits of an Int; gives the builder.
    /// `string-builder/to-string(string-builder/append-int!(string-builder/new(), 42))` is `"42"`.
    "append-int!" (builder: StringBuilder, n: Int) = append_int => leaves::texts::builder_append_int;
    /// Appends the text of a number as a Float; gives the builder.
    /// `string-builder/to-string(string-builder/append-float!(string-builder/new(), 1.5))` is `"1.5"`.
    "append-float!" (builder: StringBuilder, x: Number) = append_float;
    /// Appends a String, if given, and a newline; gives the builder.
    /// `string-builder/to-string(string-builder/append-line!(string-builder/new(), "a"))` is `"a\n"`.
    "append-line!" (builder: StringBuilder, text: opt(String)) = append_line;
    /// How many bytes.
    /// `string-builder/length(string-builder/append!(string-builder/new(), "é"))` is `2`.
    "length" (builder: StringBuilder) = length;
    /// Takes all bytes away; gives the builder.
    /// `string-builder/length(string-builder/clear!(string-builder/append!(string-builder/new(), "a")))` is `0`.
    "clear!" (builder: StringBuilder) = clear;
    /// The byte at an index.
    /// `string-builder/byte-at(string-builder/append!(string-builder/new(), "AB"), 1)` is `66`.
    "byte-at" (builder: StringBuilder, index: Int) = byte_at;
    /// Reverses the characters (the bytes, when they are not UTF-8); gives the builder.
    /// `string-builder/to-string(string-builder/reverse!(string-builder/append!(string-builder/new(), "ab")))` is `"ba"`.
    "reverse!" (builder: StringBuilder) = reverse;
    /// The text; throws EncodingError when the bytes are not UTF-8.
    /// `string-builder/to-string(string-builder/append!(string-builder/new(), "a"))` is `"a"`.
    "to-string" (builder: StringBuilder) = to_string => leaves::texts::builder_to_string;
}

fn new(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    if let Some(given) = args.opt(0)
        && matches!(Number::of(cx.get(given)), Some(Number::Int(..0) | Number::Big(true, _)))
    {
        let message = format!("new: the capacity must not be negative, got {}", cx.describe(given));
        return Err(cx.throw(ErrorKind::ArgumentError, message));
    }
    let capacity = args.opt(0).map_or(32, |h| count(cx, h));
    if capacity > MAX_BYTES {
        let message = format!("new: a builder can hold at most {MAX_BYTES} bytes");
        return Err(cx.throw(ErrorKind::ArgumentError, message));
    }
    builder::new(cx, capacity)
}

fn append(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    builder::append_string(cx, args[0], args[1])?;
    Ok(args[0])
}

fn append_byte(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match cx.get(args[1]).as_int().and_then(|i| u8::try_from(i).ok()) {
        Some(byte) => {
            builder::append(cx, args[0], &[byte])?;
            Ok(args[0])
        }
        None => {
            let message = format!("append-byte!: argument 2 must be from 0 to 255, got {}", cx.describe(args[1]));
            Err(cx.throw(ErrorKind::ArgumentError, message))
        }
    }
}

fn append_char(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let value = cx.get(args[1]);
    let character = match value.str() {
        Some(text) => {
            let mut chars = text.chars();
            chars.next().filter(|_| chars.next().is_none())
        }
        None => value.as_int().and_then(|i| u32::try_from(i).ok()).and_then(char::from_u32),
    };
    match character {
        Some(c) => {
            builder::append(cx, args[0], c.encode_utf8(&mut [0; 4]).as_bytes())?;
            Ok(args[0])
        }
        None => {
            let message =
                format!("append-char!: argument 2 must be one character or a code point, got {}", cx.describe(args[1]));
            Err(cx.throw(ErrorKind::ArgumentError, message))
        }
    }
}

/// Appends the text of a number.
fn append_number(cx: &mut Thread, args: &Args<'_>, f: impl Fn(&mut String, Number<'_>)) -> Result<(), Thrown> {
    let mut out = String::new();
    if let Some(number) = Number::of(cx.get(args[1])) {
        f(&mut out, number);
    }
    builder::append(cx, args[0], out.as_bytes())
}

fn append_int(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    append_number(cx, args, format::write_number)?;
    Ok(args[0])
}

fn append_float(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    append_number(cx, args, |out, number| numbers::float::write(out, number.to_float()))?;
    Ok(args[0])
}

fn append_line(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    // One append: what another thread appends comes before the line or after it.
    let mut line = args.opt(1).map_or_else(Vec::new, |_| text(cx, args, 1).as_bytes().to_vec());
    line.push(b'\n');
    builder::append(cx, args[0], &line)?;
    Ok(args[0])
}

fn length(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let n = builder::contents(cx.get(args[0])).len();
    new_usize(cx, n)
}

fn clear(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    builder::reset(cx, args[0], &[])?;
    Ok(args[0])
}

fn byte_at(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let bytes = builder::contents(cx.get(args[0]));
    match index_below(cx.get(args[1]), bytes.len()) {
        Some(i) => {
            let byte = bytes[i];
            new_int(cx, i64::from(byte))
        }
        None => {
            let len = bytes.len();
            Err(out_of_range(cx, "byte-at", args[1], "StringBuilder", len))
        }
    }
}

fn reverse(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let bytes = builder::contents(cx.get(args[0]));
    let reversed: Vec<u8> = match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().rev().collect::<String>().into_bytes(),
        Err(_) => bytes.iter().rev().copied().collect(),
    };
    builder::reset(cx, args[0], &reversed)?;
    Ok(args[0])
}

fn to_string(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    builder::to_string(cx, args[0])
}
