//! Builtins: the namespace `io`, and what `core` has of reading and closing.

use std::io;
use std::sync::Arc;

use crate::builtins;
use crate::gc::{Handle, NativeType, Thread, Thrown, Value};
use crate::object::{Word, layout};
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::fault::trace::innermost_location;
use crate::runtime::program::builtin::specs::native;
use crate::runtime::program::builtin::{Args, Spec};
use crate::runtime::system::files;
use crate::runtime::system::streams::{Mode, Standard, Stream};
use crate::runtime::system::threads;
use crate::runtime::values::foreign;
use crate::runtime::values::support::{Outcome, null, wrong_type};
use crate::runtime::values::text::{output, strings};

const STREAM: Spec = native("stream (`unwrap!(io/open(path))` gives one)");

builtins! { pub static TABLE: "io";
    /// Opens a file: `ok(stream)` or `err(error)`. The mode is `:read` (which it is when not given), `:write` or `:append`. `ok?(io/open("no such file"))` is `false`.
    "open" (path: String, mode: opt(or(Keyword, String))) = open;
    /// The next line without its end, `null` at the end: `ok(line)` or `err(error)`. Without argument from standard input. `io/read-line(stream)`.
    "read-line" (stream: opt(STREAM)) = read_line;
    /// All that is left: `ok(text)` or `err(error)`. Without argument from standard input.
    /// `io/read-all(stream)`; `unwrap!(with-open(io/open(path), io/read-all))` gives the text of a file.
    "read-all" (stream: opt(STREAM)) = read_all;
    /// Writes a text: `ok(stream)` or `err(error)`. `ok?(io/write(io/stdout, ""))` is `true`.
    "write" (stream: STREAM, text: String) = write;
    /// Closes a stream: `ok(stream)` or `err(error)`. `io/close(stream)`.
    "close" (stream: STREAM) = close;
    /// Writes out what is buffered: `ok(stream)` or `err(error)`. Without argument of standard output. `ok?(io/flush())` is `true`.
    "flush" (stream: opt(STREAM)) = flush;
    /// The text of a file: `ok(text)` or `err(error)`. `io/read-file("notes.txt")`; `ok?(io/read-file("no such file"))` is `false`.
    "read-file" (path: String) = read_file;
    /// The lines of a file, without their ends: `ok(vector)` or `err(error)`. `unwrap!(io/read-lines("/dev/null"))` is `[]`.
    "read-lines" (path: String) = read_lines;
    /// Writes a file anew: `ok(path)` or `err(error)`. `unwrap!(io/write-file("/dev/null", "text"))` is `"/dev/null"`.
    "write-file" (path: String, text: String) = write_file;
    /// Writes at the end of a file: `ok(path)` or `err(error)`. `unwrap!(io/append-file("/dev/null", "text"))` is `"/dev/null"`.
    "append-file" (path: String, text: String) = append_file;
    /// Is there a file or folder of this name? `io/exists?("no such file")` is `false`.
    "exists?" (path: String) = exists;
    /// Is it a folder? `io/directory?("/")` is `true`.
    "directory?" (path: String) = is_directory;
    /// Removes a file, or a folder that is empty: `ok(path)` or `err(error)`. `ok?(io/delete("no such file"))` is `false`.
    "delete" (path: String) = delete;
    /// Gives a file or folder another name: `ok(to)` or `err(error)`. `ok?(io/rename("no such file", "other"))` is `false`.
    "rename" (from: String, to: String) = rename;
    /// Makes a folder, with those around it: `ok(path)` or `err(error)`. `unwrap!(io/create-directory("/"))` is `"/"`.
    "create-directory" (path: String) = create_directory;
    /// The names in a folder, in order: `ok(vector)` or `err(error)`. `ok?(io/list-directory("no such folder"))` is `false`.
    "list-directory" (path: String) = list_directory;
    /// A variable of the environment, `null` where it is not set. `io/environment("HOME")`; `io/environment("NOT_SET")` is `null`.
    "environment" (name: String) = environment;
}

builtins! { pub static CORE: "core";
    /// The next line of standard input without its end, `null` at the end. `read-line()`.
    "read-line" () = core_read_line;
    /// Closes a stream; what needs no closing stays as it is.
    "close" (resource: Any) = core_close;
}

/// A variant of `Result` with its one field.
fn result(cx: &mut Thread, variant: &str, value: Handle) -> Outcome {
    let vm = cx.vm();
    let binding = vm.namespaces.find("core").and_then(|core| core.member("Result"));
    let layout = binding
        .and_then(|b| b.type_id())
        .or_else(|| binding.and_then(|b| b.get(cx)).and_then(type_number))
        .and_then(|id| vm.types.get(id).variant(variant))
        .map(|v| v.layout);
    match layout {
        Some(layout) => cx.alloc_slots(layout, &[value]),
        None => Err(cx.throw(ErrorKind::InternalError, "there is no Result")),
    }
}

fn type_number(object: Value<'_>) -> Option<crate::runtime::TypeId> {
    if !object.is(layout::TYPE) {
        return None;
    }
    object.slot(layout::ENTRY_INDEX).as_int().and_then(|i| u32::try_from(i).ok()).map(crate::runtime::TypeId)
}

/// `ok(value)`
pub(super) fn ok(cx: &mut Thread, value: Handle) -> Outcome {
    result(cx, "Ok", value)
}

/// `err(error)` with a SystemError.
fn err(cx: &mut Thread, kind: ErrorKind, message: &str) -> Outcome {
    let location = innermost_location(cx);
    let error = cx.make_error(kind, message, &location)?;
    result(cx, "Err", error)
}

fn io_err(cx: &mut Thread, name: &str, stream: &str, error: &io::Error) -> Outcome {
    let stream = if stream.is_empty() { "\"\"" } else { stream };
    match error.kind() {
        io::ErrorKind::InvalidInput if stream.contains('\0') => err(
            cx,
            ErrorKind::IOError,
            &format!("{name}: {}: no name of a file has the character of code 0", stream.escape_debug()),
        ),
        _ => err(cx, ErrorKind::IOError, &format!("{name}: {stream}: {error}")),
    }
}

/// The stream argument, or a standard stream when it is not given.
fn stream(cx: &mut Thread, name: &str, args: &Args<'_>, default: Standard) -> Result<Arc<Stream>, Thrown> {
    match args.opt(0) {
        None => Ok(Stream::standard(default)),
        Some(value) => match Stream::of(cx, value) {
            Some(stream) => Ok(stream),
            None => Err(wrong_type(cx, name, 1, "a stream", value)),
        },
    }
}

fn open(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let mode = match args.opt(1) {
        None => Some(Mode::Read),
        Some(mode) => {
            let value = cx.get(mode);
            let text = match value.as_keyword() {
                Some(index) => cx.vm().keywords.text(index),
                None => value.str().unwrap_or(""),
            };
            match text {
                "read" | "r" => Some(Mode::Read),
                "write" | "w" => Some(Mode::Write),
                "append" | "a" => Some(Mode::Append),
                _ => None,
            }
        }
    };
    let Some(mode) = mode else {
        let message = format!("open: the mode must be :read, :write or :append, got {}", cx.describe(args[1]));
        return Err(cx.throw(ErrorKind::ArgumentError, message));
    };
    let path = strings::text(cx, args[0]).to_owned();
    let mut opened = threads::waiting(cx, |stop| Stream::open(&path, mode, stop))?;
    if opened.as_ref().err().is_some_and(files::are_too_many) {
        // Files that the program has dropped without closing them are closed when they are collected.
        cx.collect();
        opened = threads::waiting(cx, |stop| Stream::open(&path, mode, stop))?;
    }
    match opened {
        Ok(stream) => {
            let native = cx.alloc_native(stream)?;
            ok(cx, native)
        }
        Err(error) => io_err(cx, "open", &path, &error),
    }
}

fn read_line(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let stream = stream(cx, "read-line", args, Standard::In)?;
    match stream.read_line(cx)? {
        Ok(None) => {
            let end = null(cx)?;
            ok(cx, end)
        }
        Ok(Some(bytes)) => decoded(cx, "read-line", &stream, bytes),
        Err(error) => io_err(cx, "read-line", &stream.print(), &error),
    }
}

fn read_all(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let stream = stream(cx, "read-all", args, Standard::In)?;
    match stream.read_all(cx)? {
        Ok(bytes) => decoded(cx, "read-all", &stream, bytes),
        Err(error) => io_err(cx, "read-all", &stream.print(), &error),
    }
}

/// `ok(text)`, or the error of bytes that are not UTF-8.
fn decoded(cx: &mut Thread, name: &str, stream: &Stream, bytes: Vec<u8>) -> Outcome {
    match String::from_utf8(bytes) {
        Ok(text) => {
            let text = strings::of(cx, &text)?;
            ok(cx, text)
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let message = format!("{name}: {}: the bytes are not UTF-8 from byte {at} on", stream.print());
            err(cx, ErrorKind::EncodingError, &message)
        }
    }
}

fn write(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let stream = stream(cx, "write", args, Standard::Out)?;
    let text = strings::text(cx, args[1]).to_owned();
    match stream.write(cx, text.as_bytes())? {
        Ok(()) => ok(cx, args[0]),
        Err(error) => io_err(cx, "write", &stream.print(), &error),
    }
}

fn close(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let stream = stream(cx, "close", args, Standard::Out)?;
    match stream.close(cx)? {
        Ok(()) => ok(cx, args[0]),
        Err(error) => io_err(cx, "close", &stream.print(), &error),
    }
}

fn flush(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let stream = stream(cx, "flush", args, Standard::Out)?;
    match stream.flush(cx)? {
        Ok(()) => {
            let value = match args.opt(0) {
                Some(value) => value,
                None => null(cx)?,
            };
            ok(cx, value)
        }
        Err(error) => io_err(cx, "flush", &stream.print(), &error),
    }
}

/// What an open file gives, after which it is closed.
pub(super) fn with_file<T>(
    cx: &mut Thread,
    name: &str,
    path: Handle,
    mode: Mode,
    f: impl FnOnce(&mut Thread, &Stream) -> Result<io::Result<T>, Thrown>,
) -> Result<Result<(Arc<Stream>, T), Handle>, Thrown> {
    let path = strings::text(cx, path).to_owned();
    let stream = match threads::waiting(cx, |stop| Stream::open(&path, mode, stop))? {
        Ok(stream) => stream,
        Err(error) => return Ok(Err(io_err(cx, name, &path, &error)?)),
    };
    let given = f(cx, &stream)?;
    let closed = stream.close(cx)?;
    match given.and_then(|given| closed.map(|()| given)) {
        Ok(given) => Ok(Ok((stream, given))),
        Err(error) => Ok(Err(io_err(cx, name, &path, &error)?)),
    }
}

fn read_file(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match with_file(cx, "read-file", args[0], Mode::Read, |cx, stream| stream.read_all(cx))? {
        Ok((stream, bytes)) => decoded(cx, "read-file", &stream, bytes),
        Err(error) => Ok(error),
    }
}

fn read_lines(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let (stream, bytes) = match with_file(cx, "read-lines", args[0], Mode::Read, |cx, stream| stream.read_all(cx))? {
        Ok(read) => read,
        Err(error) => return Ok(error),
    };
    match String::from_utf8(bytes) {
        Ok(text) => lines_of(cx, text.lines()),
        Err(error) => decoded(cx, "read-lines", &stream, error.into_bytes()),
    }
}

/// `ok` with a vector of texts.
fn lines_of<'a>(cx: &mut Thread, texts: impl Iterator<Item = &'a str>) -> Outcome {
    let mut elements = Vec::new();
    for text in texts {
        let element = strings::of(cx, text)?;
        cx.keep_in(&mut elements, element)?;
    }
    let vector = foreign::vector_of(cx, &elements)?;
    ok(cx, vector)
}

fn write_file(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    write_to(cx, "write-file", args, Mode::Write)
}

fn append_file(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    write_to(cx, "append-file", args, Mode::Append)
}

fn write_to(cx: &mut Thread, name: &str, args: &Args<'_>, mode: Mode) -> Outcome {
    let text = strings::text(cx, args[1]).to_owned();
    match with_file(cx, name, args[0], mode, |cx, stream| stream.write(cx, text.as_bytes()))? {
        Ok(_) => ok(cx, args[0]),
        Err(error) => Ok(error),
    }
}

fn exists(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let path = strings::text(cx, args[0]).to_owned();
    let there = files::exists(cx, &path);
    crate::runtime::values::support::bool(cx, there)
}

fn is_directory(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let path = strings::text(cx, args[0]).to_owned();
    let folder = files::is_folder(cx, &path);
    crate::runtime::values::support::bool(cx, folder)
}

/// `ok` with what was asked for, or the error with the path.
fn done(cx: &mut Thread, name: &str, path: &str, outcome: io::Result<()>, value: Handle) -> Outcome {
    match outcome {
        Ok(()) => ok(cx, value),
        Err(error) => io_err(cx, name, path, &error),
    }
}

fn delete(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let path = strings::text(cx, args[0]).to_owned();
    let outcome = files::delete(cx, &path);
    done(cx, "delete", &path, outcome, args[0])
}

fn rename(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let (from, to) = (strings::text(cx, args[0]).to_owned(), strings::text(cx, args[1]).to_owned());
    let outcome = files::rename(cx, &from, &to);
    done(cx, "rename", &from, outcome, args[1])
}

fn create_directory(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let path = strings::text(cx, args[0]).to_owned();
    let outcome = files::create_folder(cx, &path);
    done(cx, "create-directory", &path, outcome, args[0])
}

fn list_directory(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let path = strings::text(cx, args[0]).to_owned();
    match files::names_in(cx, &path) {
        Ok(names) => lines_of(cx, names.iter().map(String::as_str)),
        Err(error) => io_err(cx, "list-directory", &path, &error),
    }
}

fn environment(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match files::variable(strings::text(cx, args[0])) {
        Some(value) => strings::of(cx, &value),
        None => null(cx),
    }
}

fn core_read_line(cx: &mut Thread, _args: &Args<'_>) -> Outcome {
    let stream = Stream::standard(Standard::In);
    match stream.read_line(cx)? {
        Ok(None) => null(cx),
        Ok(Some(bytes)) => match String::from_utf8(bytes) {
            Ok(text) => strings::of(cx, &text),
            Err(_) => Err(cx.throw(ErrorKind::EncodingError, "read-line: the bytes are not UTF-8")),
        },
        Err(error) => Err(output::io_error(cx, "read-line", &error)),
    }
}

fn core_close(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let value = cx.get(args[0]);
    if value.is(layout::STRING_BUILDER) {
        return null(cx);
    }
    let Some(stream) = Stream::of(cx, args[0]) else { return Err(wrong_type(cx, "close", 1, "a Closeable", args[0])) };
    match stream.close(cx)? {
        Ok(()) => Ok(cx.root_word(Word::NULL)),
        Err(error) => Err(output::io_error(cx, "close", &error)),
    }
}
