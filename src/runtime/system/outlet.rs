//! Text on its way out: a buffer in front of a file descriptor. Standard output and files that are written are outlets.
//!
//! Invariants: texts leave in the order in which they were written, whole ones never interleaved with those of other threads;
//! threads write in turn, and who writes goes on until the buffer is empty. So who closes an outlet in which another thread waits leaves the rest to that thread.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::descriptor::{self, Stop};
use super::turn::{self, InTurn};
use crate::locks::MutexGuard;

/// Buffered text is written when there is so much of it.
const FULL: usize = 32 << 10;
/// Where nothing moves for so long, the end of a program does not wait any longer.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where the text goes.
#[derive(Clone, Debug)]
enum Target {
    /// A descriptor that is never closed.
    Standard(RawFd),
    File(Arc<OwnedFd>),
    Closed,
}

impl Target {
    fn fd(&self) -> io::Result<RawFd> {
        match self {
            Target::Standard(fd) => Ok(*fd),
            Target::File(file) => Ok(file.as_raw_fd()),
            Target::Closed => Err(closed()),
        }
    }
}

/// An outlet.
#[derive(Debug)]
pub struct Outlet {
    state: InTurn<State>,
    /// Bytes that were written so far.
    moved: AtomicU64,
}

#[derive(Debug)]
struct State {
    target: Target,
    bytes: Vec<u8>,
    /// What came last did not end its line.
    open: bool,
}

type Locked<'a> = MutexGuard<'a, turn::State<State>>;

/// The error of a stream that was closed.
pub fn closed() -> io::Error {
    io::Error::other("the stream is closed")
}

impl Outlet {
    /// The outlet of a descriptor that stays open.
    pub const fn standard(fd: RawFd) -> Outlet {
        Outlet::new(Target::Standard(fd))
    }

    /// The outlet of a file.
    pub fn file(fd: OwnedFd) -> Outlet {
        Outlet::new(Target::File(Arc::new(fd)))
    }

    const fn new(target: Target) -> Outlet {
        let state = State { target, bytes: Vec::new(), open: false };
        Outlet { state: InTurn::new(state), moved: AtomicU64::new(0) }
    }

    /// Takes a text; whether there is now so much that it should be flushed.
    pub fn push(&self, text: &[u8]) -> io::Result<bool> {
        let mut state = self.state.lock();
        if matches!(state.target, Target::Closed) {
            return Err(closed());
        }
        // Many threads may write into one that nobody reads.
        state.bytes.try_reserve(text.len()).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        state.bytes.extend_from_slice(text);
        state.open = text.last().map_or(state.open, |last| *last != b'\n');
        Ok(state.bytes.len() >= FULL)
    }

    /// Is the line open that was written last? From now on it is not: whoever asks ends it.
    pub fn take_open_line(&self) -> bool {
        std::mem::take(&mut self.state.lock().open)
    }

    /// Writes out what is buffered. What was not written when it is called off stays.
    pub fn flush(&self, stop: Stop<'_>) -> io::Result<()> {
        let state = self.state.lock_idle(stop)?;
        let target = state.target.clone();
        self.drain(state, &target, stop)
    }

    /// Writes out what goes at once: neither another thread that writes nor a slow reader is waited for. The rest stays.
    pub fn flush_at_once(&self) -> io::Result<()> {
        let state = self.state.lock();
        if state.is_busy() || state.bytes.is_empty() {
            return Ok(());
        }
        let target = state.target.clone();
        let fd = target.fd()?;
        self.drain(state, &target, &mut || (!descriptor::takes_more(fd)).then(descriptor::called_off))
    }

    /// The same as `flush`, unless nothing moves for so long: that is the error that `stuck` gives.
    pub fn flush_while_moving(&self, patience: Duration, stuck: fn() -> io::Error, stop: Stop<'_>) -> io::Result<()> {
        let (mut moved, mut since) = (self.moved.load(Ordering::Relaxed), Instant::now());
        self.flush(&mut || {
            let now = self.moved.load(Ordering::Relaxed);
            if now != moved {
                (moved, since) = (now, Instant::now());
            }
            if since.elapsed() > patience { Some(stuck()) } else { stop() }
        })
    }

    /// Forgets what is buffered: the person who interrupted the program does not want the rest of what it was printing.
    pub fn forget(&self) {
        let mut state = self.state.lock();
        if !state.bytes.is_empty() {
            state.bytes = Vec::new();
            state.open = true;
        }
    }

    /// How many bytes are buffered.
    pub fn buffered(&self) -> usize {
        self.state.lock().bytes.len()
    }

    /// Writes until the buffer is empty. Nobody is at work.
    fn drain<'a>(&'a self, mut state: Locked<'a>, target: &Target, stop: Stop<'_>) -> io::Result<()> {
        let fd = target.fd()?;
        let turn = self.state.begin(&mut state);
        // Given back before that.
        let mut state = state;
        let result = loop {
            let mut bytes = std::mem::take(&mut state.bytes);
            if bytes.is_empty() {
                break Ok(());
            }
            drop(state);
            let mut rest = &bytes[..];
            let result = descriptor::write_all(fd, &mut rest, &self.moved, stop);
            let rest = rest.len();
            state = self.state.lock();
            if let Err(error) = result {
                if descriptor::is_called_off(&error) {
                    // There may be much left: it stays where it is.
                    bytes.drain(..bytes.len() - rest);
                    bytes.append(&mut state.bytes);
                    state.bytes = bytes;
                }
                break Err(error);
            }
        };
        turn.end(state);
        result
    }

    /// Writes out what is buffered and closes the file. When another thread is writing, it writes the rest as well.
    pub fn close(&self, stop: Stop<'_>) -> io::Result<()> {
        let mut state = self.state.lock();
        let target = std::mem::replace(&mut state.target, Target::Closed);
        if state.is_busy() || matches!(target, Target::Closed) {
            return Ok(());
        }
        let result = self.drain(state, &target, stop);
        if result.as_ref().is_err_and(descriptor::is_called_off) {
            self.state.lock().target = target;
        }
        result
    }

    /// Is it closed, and all of it written?
    pub fn is_done(&self) -> bool {
        let state = self.state.lock();
        matches!(state.target, Target::Closed) && state.bytes.is_empty() && !state.is_busy()
    }

    /// Closes a file that nobody can write to any more, unless that would mean to wait.
    pub fn abandon(&self) -> io::Result<()> {
        let state = self.state.lock();
        let at_once = match &state.target {
            Target::File(file) => state.bytes.is_empty() || descriptor::is_file(file.as_raw_fd()),
            _ => true,
        };
        drop(state);
        if at_once { self.close(&mut descriptor::patient) } else { Ok(()) }
    }

    /// Writes out what is buffered because the program ends: where another thread is writing, or with `hurry`, only as long as
    /// something moves.
    pub fn finish(&self, hurry: bool) -> io::Result<()> {
        let patient = &mut descriptor::patient;
        let hurry = hurry || self.state.lock().is_busy();
        let result = match hurry {
            true => self.flush_while_moving(PATIENCE, descriptor::called_off, patient),
            false => self.flush(patient),
        };
        if self.is_done() { Ok(()) } else { result }
    }
}
