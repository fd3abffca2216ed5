//! Text on its way in: a buffer behind a file descriptor. Standard input and files that are read are intakes.
//!
//! Invariant: the lock is never held while somebody waits: one thread at a time is `busy` reading, and has the buffer.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::descriptor::{self, SLICE, Stop};
use super::outlet::closed;

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
    /// What was read and not given out.
    bytes: Vec<u8>,
    busy: bool,
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
        Intake { state: Mutex::new(State { origin, bytes: Vec::new(), busy: false }), idle: Condvar::new() }
    }

    /// The next line with its end, the last one perhaps without; none at the end.
    pub fn line(&self, stop: Stop<'_>) -> io::Result<Option<Vec<u8>>> {
        let mut seen = 0;
        let line = self.take(stop, &mut |bytes| {
            let end = bytes[seen..].iter().position(|b| *b == b'\n').map(|i| seen + i + 1);
            seen = bytes.len();
            end
        })?;
        Ok((!line.is_empty()).then_some(line))
    }

    /// All that is left.
    pub fn all(&self, stop: Stop<'_>) -> io::Result<Vec<u8>> {
        self.take(stop, &mut |_| None)
    }

    /// Reads until `end` finds where to stop, or all.
    fn take(&self, stop: Stop<'_>, end: &mut dyn FnMut(&[u8]) -> Option<usize>) -> io::Result<Vec<u8>> {
        let mut state = super::lock(&self.state);
        while state.busy {
            if let Some(error) = stop() {
                return Err(error);
            }
            let waited = self.idle.wait_timeout(state, Duration::from_millis(SLICE));
            state = waited.map_or_else(|e| e.into_inner().0, |(state, _)| state);
        }
        let origin = state.origin.clone();
        let fd = match &origin {
            Origin::Standard(fd) => *fd,
            Origin::File(file) => file.as_raw_fd(),
            Origin::Closed => return Err(closed()),
        };
        let mut bytes = std::mem::take(&mut state.bytes);
        state.busy = true;
        drop(state);
        let mut stop = || stop().or_else(|| self.is_closed().then(closed));
        let result = loop {
            if let Some(at) = end(&bytes) {
                break Ok(at);
            }
            match descriptor::read_more(fd, &mut bytes, MOST, &mut stop) {
                Ok(0) => break Ok(bytes.len()),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        let mut state = super::lock(&self.state);
        state.busy = false;
        self.idle.notify_all();
        // What is left, or all when it failed, is for the next who asks.
        state.bytes = bytes.split_off(*result.as_ref().unwrap_or(&0));
        result.map(|_| bytes)
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
