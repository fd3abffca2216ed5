//! Text on its way in: a buffer behind a file descriptor. Standard input and files that are read are intakes.
//!
//! Threads read in turn: who reads has the buffer.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use super::descriptor::{self, Stop};
use super::outlet::closed;
use super::turn::InTurn;

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
pub struct Intake(InTurn<State>);

#[derive(Debug)]
struct State {
    origin: Origin,
    /// What was read, and how much of it was given out.
    bytes: Vec<u8>,
    given: usize,
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
        Intake(InTurn::new(State { origin, bytes: Vec::new(), given: 0 }))
    }

    /// The next line with its end, the last one perhaps without; none at the end. One of more bytes than `most` stays unread: an
    /// OutOfMemory.
    pub fn line(&self, most: usize, stop: Stop<'_>) -> io::Result<Option<Vec<u8>>> {
        let line = self.take(most, stop, &|bytes| bytes.iter().position(|b| *b == b'\n').map(|i| i + 1))?;
        Ok((!line.is_empty()).then_some(line))
    }

    /// All that is left, if it is not more than so many bytes.
    pub fn all(&self, most: usize, stop: Stop<'_>) -> io::Result<Vec<u8>> {
        self.take(most, stop, &|_| None)
    }

    /// What was read and not given out is dropped; so many bytes.
    pub fn forget(&self) -> usize {
        let mut state = self.0.lock();
        let (bytes, given) = (std::mem::take(&mut state.bytes), std::mem::take(&mut state.given));
        bytes.len() - given
    }

    /// Reads until `end` finds in what is new how much of it to give, or all.
    fn take(&self, most: usize, stop: Stop<'_>, end: &dyn Fn(&[u8]) -> Option<usize>) -> io::Result<Vec<u8>> {
        let mut state = self.0.lock_idle(stop)?;
        let origin = state.origin.clone();
        let fd = match &origin {
            Origin::Standard(fd) => *fd,
            Origin::File(file) => file.as_raw_fd(),
            Origin::Closed => return Err(closed()),
        };
        let (mut bytes, mut given) = (std::mem::take(&mut state.bytes), state.given);
        let turn = self.0.begin(&mut state);
        drop(state);
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
            match descriptor::read_more(fd, &mut bytes, most.min(MOST), &mut stop) {
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
        let mut state = self.0.lock();
        (state.bytes, state.given) = (bytes, given);
        turn.end(state);
        result.map(|_| taken)
    }

    /// Was it closed?
    pub fn is_closed(&self) -> bool {
        matches!(self.0.lock().origin, Origin::Closed)
    }

    /// Closes the file. Who waits for something from it gets an error.
    pub fn close(&self) {
        self.0.lock().origin = Origin::Closed;
    }
}
