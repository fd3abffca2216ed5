//! Where printed text goes: standard output (`runtime/system/console.rs`), or the Writer that the dynamic variable `out` holds.

use std::io;

use super::builder;
use crate::gc::{Handle, Thread, Thrown};
use crate::object::Word;
use crate::object::layout::STRING_BUILDER;
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::program::methods::Method;
use crate::runtime::system::console;
use crate::runtime::system::streams::Stream;
use crate::runtime::values::collections::map;

/// Writes to the Writer that `out` holds.
pub fn write_out(cx: &mut Thread, text: &str) -> Result<(), Thrown> {
    match writer(cx) {
        None => console::write(cx, text.as_bytes())?.map_err(|error| io_error(cx, "print", &error)),
        Some(writer) => cx.scope(|cx| write_to(cx, writer, text)),
    }
}

/// Writes to a Writer.
pub fn write_to(cx: &mut Thread, writer: Handle, text: &str) -> Result<(), Thrown> {
    if cx.get(writer).is(STRING_BUILDER) && !Method::Write.is_extended(cx.get(writer)) {
        return builder::append(cx, writer, text.as_bytes());
    }
    if let Some(stream) = Stream::of(cx, writer)
        && !Method::Write.is_extended(cx.get(writer))
    {
        return stream.write(cx, text.as_bytes())?.map_err(|error| io_error(cx, "write", &error));
    }
    let text = super::strings::of(cx, text)?;
    Method::Write.call(cx, &[writer, text]).map(|_| ())
}

/// The Writer that `out` is bound to, none for standard output.
fn writer(cx: &Thread) -> Option<Handle> {
    let bindings = cx.dynamic();
    if bindings.is_null() {
        return None;
    }
    let binding = cx.vm().namespaces.find("core")?.member("out")?;
    let key = crate::gc::Value::immediate(cx, Word::int(i64::from(binding.index))?)?;
    let value = map::get(bindings, key).ok()??;
    // The default is the value of the binding itself.
    if Some(value) == binding.get(cx) { None } else { Some(cx.root(value)) }
}

/// An error of the operating system as IOError.
#[cold]
pub fn io_error(cx: &mut Thread, operation: &str, error: &io::Error) -> Thrown {
    cx.throw(ErrorKind::IOError, format!("{operation}: {error}"))
}
