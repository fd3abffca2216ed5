//! Files and the standard streams: the Rust objects behind NATIVE values.
//!
//! Owns opening, buffering, reading and writing. Everything that may block runs outside (`Thread::outside`), the lock of the
//! stream included, so that other threads can collect meanwhile. Buffers of files that nobody closed are written when the
//! process ends in order.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::sync::{Arc, Mutex, Weak};

use super::console;
use crate::gc::{Handle, Thread, Value};

/// A file or standard stream.
#[derive(Debug)]
pub struct Stream {
    name: String,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Stdin,
    Stdout,
    Stderr,
    Reader(BufReader<File>),
    Writer(BufWriter<File>),
    Closed,
}

/// A standard stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standard {
    /// Standard input.
    In,
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// For reading.
    Read,
    /// For writing, from scratch.
    Write,
    /// For writing at its end.
    Append,
}

/// The files that were opened for writing.
static WRITERS: Mutex<Vec<Weak<Stream>>> = Mutex::new(Vec::new());

/// Writes out the buffers of all files: the process is about to end.
pub fn flush_all() {
    for stream in super::lock(&WRITERS).drain(..) {
        if let Some(stream) = stream.upgrade()
            && let State::Writer(file) = &mut *super::lock(&stream.state)
        {
            // Nobody is left to be told.
            let _ = file.flush();
        }
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::other(what.to_string())
}

impl Stream {
    /// A standard stream.
    pub fn standard(which: Standard) -> Arc<Stream> {
        let (name, state) = match which {
            Standard::In => ("stdin", State::Stdin),
            Standard::Out => ("stdout", State::Stdout),
            Standard::Err => ("stderr", State::Stderr),
        };
        Arc::new(Stream { name: name.to_string(), state: Mutex::new(state) })
    }

    /// Opens a file.
    pub fn open(path: &str, mode: Mode) -> io::Result<Arc<Stream>> {
        let state = match mode {
            Mode::Read => {
                let file = File::open(path)?;
                if file.metadata()?.is_dir() {
                    return Err(wrong("is a directory"));
                }
                State::Reader(BufReader::new(file))
            }
            Mode::Write => State::Writer(BufWriter::new(File::create(path)?)),
            Mode::Append => State::Writer(BufWriter::new(OpenOptions::new().append(true).create(true).open(path)?)),
        };
        let stream = Arc::new(Stream { name: path.to_string(), state: Mutex::new(state) });
        if mode != Mode::Read {
            let mut writers = super::lock(&WRITERS);
            writers.retain(|writer| writer.strong_count() > 0);
            writers.push(Arc::downgrade(&stream));
        }
        Ok(stream)
    }

    /// How it prints.
    pub fn describe(&self) -> String {
        match self.name.as_str() {
            "stdin" | "stdout" | "stderr" => self.name.clone(),
            path => format!("file {path:?}"),
        }
    }

    /// The stream behind a value.
    pub fn of(cx: &Thread, value: Handle) -> Option<Arc<Stream>> {
        cx.native_as(cx.get(value))
    }

    /// The stream behind a value.
    pub fn behind(value: Value<'_>) -> Option<Arc<Stream>> {
        value.thread().native_as(value)
    }

    /// The next line without its end, none at the end of the stream.
    pub fn read_line(&self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let n = match &mut *super::lock(&self.state) {
            State::Stdin => {
                let _ = console::flush();
                io::stdin().lock().read_until(b'\n', &mut line)?
            }
            State::Reader(file) => file.read_until(b'\n', &mut line)?,
            State::Closed => return Err(wrong("the stream is closed")),
            _ => return Err(wrong("the stream is not open for reading")),
        };
        if n == 0 {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        Ok(Some(line))
    }

    /// All that is left.
    pub fn read_all(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match &mut *super::lock(&self.state) {
            State::Stdin => io::stdin().lock().read_to_end(&mut bytes)?,
            State::Reader(file) => file.read_to_end(&mut bytes)?,
            State::Closed => return Err(wrong("the stream is closed")),
            _ => return Err(wrong("the stream is not open for reading")),
        };
        Ok(bytes)
    }

    /// Writes bytes. Standard output goes through `console`.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match &mut *super::lock(&self.state) {
            State::Stdout => {
                console::print_bytes(bytes);
                Ok(())
            }
            State::Stderr => {
                console::flush()?;
                io::stderr().lock().write_all(bytes)
            }
            State::Writer(file) => file.write_all(bytes),
            State::Closed => Err(wrong("the stream is closed")),
            _ => Err(wrong("the stream is not open for writing")),
        }
    }

    /// Writes out what is buffered.
    pub fn flush(&self) -> io::Result<()> {
        match &mut *super::lock(&self.state) {
            State::Stdout => console::flush(),
            State::Writer(file) => file.flush(),
            State::Closed => Err(wrong("the stream is closed")),
            _ => Ok(()),
        }
    }

    /// Closes a file; standard streams and closed files stay as they are.
    pub fn close(&self) -> io::Result<()> {
        let mut state = super::lock(&self.state);
        match &mut *state {
            State::Stdin | State::Stderr | State::Closed => Ok(()),
            State::Stdout => console::flush(),
            State::Reader(_) => {
                *state = State::Closed;
                Ok(())
            }
            State::Writer(file) => {
                let result = file.flush();
                *state = State::Closed;
                result
            }
        }
    }
}
