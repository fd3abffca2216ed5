//! Files and the standard streams: the Rust objects behind NATIVE values.
//!
//! Owns opening, and which operations a stream has; buffers and waiting are those of [`Outlet`] and [`Intake`]. Everything that
//! may block runs outside (`Thread::outside`), so that other threads can collect meanwhile. Buffers of files that nobody closed
//! are written when the process ends.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::client::{self, Served};
use super::descriptor::{self, Stop};
use super::intake::Intake;
use super::outlet::{Outlet, closed};
use super::{console, threads};
use crate::gc::{Handle, NativeType, Thread, Thrown};
use crate::locks::Mutex;
use crate::runtime::values::text::room;

/// A file or standard stream.
#[derive(Debug)]
pub struct Stream {
    name: Arc<str>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Stdin,
    Stdout,
    Stderr,
    Reader(Intake),
    Writer(Arc<Outlet>),
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

static STDIN: Intake = Intake::standard(libc::STDIN_FILENO);

/// The files that were opened for writing and not closed: what they hold is written, even if the program has lost them.
static WRITERS: Mutex<Vec<(Arc<str>, Arc<Outlet>)>> = Mutex::new(Vec::new());

/// Writes out the buffers of all files: the process is about to end.
pub fn finish(hurry: bool) {
    let writers = std::mem::take(&mut *crate::runtime::lock(&WRITERS));
    for (name, file) in writers {
        if let Err(error) = file.finish(hurry) {
            console::note_lost(&name, &error);
        }
    }
}

/// What is read of an intake, if it fits beside the objects of the heap: else what was read so far is lost.
fn bounded<T>(
    cx: &mut Thread,
    what: &str,
    intake: &Intake,
    read: impl Fn(usize, Stop<'_>) -> io::Result<T>,
) -> Result<io::Result<T>, Thrown> {
    let is_full = |result: &io::Result<T>| matches!(result, Err(e) if e.kind() == io::ErrorKind::OutOfMemory);
    let most = cx.heap().free_outside();
    let mut result = threads::waiting(cx, |stop| read(most, stop))?;
    if is_full(&result) {
        // Garbage may take the room.
        cx.collect();
        let most = cx.heap().free_outside();
        result = threads::waiting(cx, |stop| read(most, stop))?;
    }
    if is_full(&result) {
        let bytes = intake.forget();
        return Err(room::does_not_fit(cx, what, bytes));
    }
    Ok(result)
}

/// The next line of standard input with its end; none at the end.
pub fn line_of_stdin(stop: Stop<'_>) -> io::Result<Option<Vec<u8>>> {
    STDIN.line(usize::MAX, stop)
}

fn wrong(what: &str) -> io::Error {
    io::Error::other(what.to_string())
}

fn not_for(what: &str) -> Result<io::Result<()>, Thrown> {
    Ok(Err(wrong(&format!("the stream is not open for {what}"))))
}

impl Drop for Stream {
    fn drop(&mut self) {
        let Kind::Writer(file) = &self.kind else { return };
        // Nobody may wait here: what a pipe would wait for goes out at the end.
        if let Err(error) = file.abandon() {
            console::note_lost(&self.name, &error);
        }
    }
}

impl NativeType for Stream {
    fn print(&self) -> String {
        match self.kind {
            Kind::Stdin | Kind::Stdout | Kind::Stderr => self.name.to_string(),
            _ => format!("file {:?}", self.name),
        }
    }
}

impl Stream {
    /// A standard stream.
    pub fn standard(which: Standard) -> Arc<Stream> {
        let (name, kind) = match which {
            Standard::In => ("stdin", Kind::Stdin),
            Standard::Out => ("stdout", Kind::Stdout),
            Standard::Err => ("stderr", Kind::Stderr),
        };
        Arc::new(Stream { name: name.into(), kind })
    }

    /// Opens a file.
    pub fn open(path: &str, mode: Mode, stop: Stop<'_>) -> io::Result<Arc<Stream>> {
        let flags = match mode {
            Mode::Read => libc::O_RDONLY,
            Mode::Write => libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC,
            Mode::Append => libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND,
        };
        let fd = descriptor::open(Path::new(path), flags, stop)?;
        let name: Arc<str> = path.into();
        if mode == Mode::Read {
            if descriptor::is_folder(&fd) {
                return Err(wrong("is a directory"));
            }
            return Ok(Arc::new(Stream { name, kind: Kind::Reader(Intake::file(fd)) }));
        }
        let file = Arc::new(Outlet::file(fd));
        let mut writers = crate::runtime::lock(&WRITERS);
        writers.retain(|(_, file)| !file.is_done());
        writers.push((name.clone(), file.clone()));
        Ok(Arc::new(Stream { name, kind: Kind::Writer(file) }))
    }

    /// The stream behind a value.
    pub fn of(cx: &Thread, value: Handle) -> Option<Arc<Stream>> {
        cx.native_as(cx.get(value))
    }

    /// Where it reads from. What stdout got goes out before somebody is asked for something.
    fn intake(&self, cx: &mut Thread) -> Result<io::Result<&Intake>, Thrown> {
        Ok(match &self.kind {
            Kind::Stdin => {
                console::flush_for_prompt(cx)?;
                Ok(&STDIN)
            }
            Kind::Reader(file) => Ok(file),
            _ => Err(wrong("the stream is not open for reading")),
        })
    }

    /// The client that is asked instead of standard input.
    fn client(&self, cx: &Thread) -> Option<Arc<Served>> {
        client::of(cx).filter(|_| matches!(self.kind, Kind::Stdin))
    }

    /// The next line without its end, none at the end of the stream.
    pub fn read_line(&self, cx: &mut Thread) -> Result<io::Result<Option<Vec<u8>>>, Thrown> {
        if let Some(client) = self.client(cx) {
            let line = threads::waiting(cx, |stop| client.line(stop))?;
            return Ok(line.map(|line| line.map(without_end)));
        }
        let intake = match self.intake(cx)? {
            Ok(intake) => intake,
            Err(error) => return Ok(Err(error)),
        };
        let line = bounded(cx, "a line", intake, |most, stop| intake.line(most, stop))?;
        Ok(line.map(|line| line.map(without_end)))
    }

    /// All that is left.
    pub fn read_all(&self, cx: &mut Thread) -> Result<io::Result<Vec<u8>>, Thrown> {
        if let Some(client) = self.client(cx) {
            return threads::waiting(cx, |stop| client.all(stop));
        }
        match self.intake(cx)? {
            Ok(intake) => bounded(cx, "a text", intake, |most, stop| intake.all(most, stop)),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Writes bytes.
    pub fn write(&self, cx: &mut Thread, bytes: &[u8]) -> Result<io::Result<()>, Thrown> {
        match &self.kind {
            Kind::Stdout => console::write(cx, bytes),
            Kind::Stderr => console::write_to_stderr(cx, bytes),
            Kind::Writer(file) => match file.push(bytes) {
                Ok(true) => threads::waiting(cx, |stop| file.flush(stop)),
                other => Ok(other.map(|_| ())),
            },
            _ => not_for("writing"),
        }
    }

    /// Writes out what is buffered.
    pub fn flush(&self, cx: &mut Thread) -> Result<io::Result<()>, Thrown> {
        match &self.kind {
            Kind::Stdout => console::flush(cx),
            Kind::Writer(file) => threads::waiting(cx, |stop| file.flush(stop)),
            Kind::Reader(file) if file.is_closed() => Ok(Err(closed())),
            _ => Ok(Ok(())),
        }
    }

    /// Closes a file; standard streams and closed files stay as they are.
    pub fn close(&self, cx: &mut Thread) -> Result<io::Result<()>, Thrown> {
        match &self.kind {
            Kind::Stdin | Kind::Stderr => Ok(Ok(())),
            Kind::Stdout => console::flush(cx),
            Kind::Reader(file) => {
                file.close();
                Ok(Ok(()))
            }
            Kind::Writer(file) => threads::waiting(cx, |stop| file.close(stop)),
        }
    }
}

/// A line without its end.
pub fn without_end(mut line: Vec<u8>) -> Vec<u8> {
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    line
}
