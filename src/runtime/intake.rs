//! Text on its way in: a buffer behind a file descriptor. Standard input and files that are read are intakes.
//!
//! Invariant: the lock is never held while somebody waits: one thread at a time is `busy` reading, and has the buffer.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use super::descriptor::{self, SLICE, Stop};
use super::outlet::closed;
use crate::locks::{Condvar, Mutex, MutexGuard};

/// The most bytes that are read into one text: what the length of a String can say.
const MOST: usize = u32::MAX as usize;

#[derive(Clone, Debug)]
enum Origin {
    /// A descriptor that is never closed.
    Standard(RawFd),
    File(Arc<OwnedFd>),
    Closed,
}

/// An intake.
#[derive(Debug)]
pub struct Intake {
    state: Mutex<State>,
    /// Nobody is busy any more.
    idle: Condvar,
}

#[derive(Debug)]
struct State {
    origin: Origin,
    /// What was read, and how much of it was given out.
    bytes: Vec<u8>,
    given: usize,
    busy: bool,
}

/// A thread is busy with an intake until this is dropped, also by a panic: others wait for it.
struct Busy<'a>(&'a Intake);

impl Busy<'_> {
    /// Under the lock with which what is left was given back.
    fn end(self, mut state: MutexGuard<'_, State>) {
        state.busy = false;
        drop(state);
        self.0.idle.notify_all();
        std::mem::forget(self);
    }
}

/// Who unwinds.
impl Drop for Busy<'_> {
    fn drop(&mut self) {
        super::lock(&self.0.state).busy = false;
        self.0.idle.notify_all();
    }
}

impl Intake {
    /// The intake of a descriptor that stays open.
    pub const fn standard(fd: RawFd) -> Intake {
        Intake::new(Origin::Standard(fd))
    }

    /// The intake of a file.
    pub fn file(fd: OwnedFd) -> Intake {
        Intake::new(Origin::File(Arc::new(fd)))
    }

    const fn new(origin: Origin) -> Intake {
        Intake { state: Mutex::new(State { origin, bytes: Vec::new(), given: 0, busy: false }), idle: Condvar::new() }
    }

    /// The next line with its end, the last one perhaps without; none at the end.
    pub fn line(&self, stop: Stop<'_>) -> io::Result<Option<Vec<u8>>> {
        let line = self.take(stop, &|bytes| bytes.iter().position(|b| *b == b'\n').map(|i| i + 1))?;
        Ok((!line.is_empty()).then_some(line))
    }

    /// All that is left.
    pub fn all(&self, stop: Stop<'_>) -> io::Result<Vec<u8>> {
        self.take(stop, &|_| None)
    }

    /// Reads until `end` finds in what is new how much of it to give, or all.
    fn take(&self, stop: Stop<'_>, end: &dyn Fn(&[u8]) -> Option<usize>) -> io::Result<Vec<u8>> {
        let mut state = super::lock(&self.state);
        while state.busy {
            if let Some(error) = stop() {
                return Err(error);
            }
            state = self.idle.wait_timeout(state, Duration::from_millis(SLICE));
        }
        let origin = state.origin.clone();
        let fd = match &origin {
            Origin::Standard(fd) => *fd,
            Origin::File(file) => file.as_raw_fd(),
            Origin::Closed => return Err(closed()),
        };
        let (mut bytes, mut given) = (std::mem::take(&mut state.bytes), state.given);
        state.busy = true;
        drop(state);
        let busy = Busy(self);
        let mut stop = || stop().or_else(|| self.is_closed().then(closed));
        let mut seen = given;
        let result = loop {
            if let Some(more) = end(&bytes[seen..]) {
                break Ok(seen + more);
            }
            if given > 0 {
                bytes.drain(..given);
                given = 0;
            }
            seen = bytes.len();
            match descriptor::read_more(fd, &mut bytes, MOST, &mut stop) {
                Ok(0) => break Ok(seen),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        // What is left, or all when it failed, is for the next who asks.
        let taken = match &result {
            Ok(end) if given == 0 && *end == bytes.len() => std::mem::take(&mut bytes),
            Ok(end) => bytes[std::mem::replace(&mut given, *end)..*end].to_vec(),
            Err(_) => Vec::new(),
        };
        let mut state = super::lock(&self.state);
        (state.bytes, state.given) = (bytes, given);
        busy.end(state);
        result.map(|_| taken)
    }

    /// Was it closed?
    pub fn is_closed(&self) -> bool {
        matches!(super::lock(&self.state).origin, Origin::Closed)
    }

    /// Closes the file. Who waits for something from it gets an error.
    pub fn close(&self) {
        super::lock(&self.state).origin = Origin::Closed;
    }
}
