//! Where printed text goes.
//!
//! Owns the buffer before standard output, and the way of a text to the Writer that the dynamic variable `out` holds.

use std::io::{self, IsTerminal, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use super::builder;
use crate::gc::layout::STRING_BUILDER;
use crate::gc::{Handle, Thread, Thrown, Word};
use crate::runtime::collections::map;
use crate::runtime::errors::ErrorKind;
use crate::runtime::methods::Method;

/// Standard output is written in pieces of this size (to a terminal: line by line).
const BUFFER: usize = 1 << 16;

struct Stdout {
    buffer: Vec<u8>,
    terminal: bool,
}

static STDOUT: LazyLock<Mutex<Stdout>> = LazyLock::new(|| {
    Mutex::new(Stdout { buffer: Vec::with_capacity(BUFFER), terminal: io::stdout().is_terminal() })
});

fn stdout() -> MutexGuard<'static, Stdout> {
    STDOUT.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stdout {
    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let result = io::stdout().write_all(&self.buffer).and_then(|()| io::stdout().flush());
        // What cannot be written now is not tried again.
        self.buffer.clear();
        result
    }
}

/// Writes to standard output.
pub fn write_stdout(text: &[u8]) -> io::Result<()> {
    let mut out = stdout();
    out.buffer.extend_from_slice(text);
    if out.buffer.len() >= BUFFER || out.terminal && text.contains(&b'\n') { out.flush() } else { Ok(()) }
}

/// Writes what is waiting: before the program ends, reads input, or writes to standard error.
pub fn flush_stdout() -> io::Result<()> {
    stdout().flush()
}

/// Writes to standard error, after all that went to standard output.
pub fn write_stderr(text: &[u8]) -> io::Result<()> {
    let _ = flush_stdout();
    io::stderr().lock().write_all(text)
}

/// Writes to the Writer that `out` holds.
pub fn write_out(cx: &mut Thread, text: &str) -> Result<(), Thrown> {
    match writer(cx) {
        None => write_stdout(text.as_bytes()).map_err(|error| io_error(cx, "print", &error)),
        Some(writer) => cx.scope(|cx| write_to(cx, writer, text)),
    }
}

/// Writes to a Writer.
pub fn write_to(cx: &mut Thread, writer: Handle, text: &str) -> Result<(), Thrown> {
    if cx.get(writer).is(STRING_BUILDER) && !Method::Write.is_extended(cx.get(writer)) {
        return builder::append(cx, writer, text.as_bytes());
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
