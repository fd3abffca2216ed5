//! Text on its way out: a buffer in front of a file descriptor. Standard output and files that are written are outlets.
//!
//! Invariants: texts leave in the order in which they were written, whole ones never interleaved with those of other threads;
//! the lock is never held while somebody waits: one thread at a time is `busy` writing, and it goes on until the buffer is
//! empty. So who closes an outlet in which another thread waits leaves the rest to that thread.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::descriptor::{self, SLICE, Stop};
use crate::locks::{Condvar, Mutex, MutexGuard};

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

/// An outlet.
#[derive(Debug)]
pub struct Outlet {
    state: Mutex<State>,
    /// Nobody is busy any more.
    idle: Condvar,
    /// Bytes that were written so far.
    moved: AtomicU64,
}

#[derive(Debug)]
struct State {
    target: Target,
    bytes: Vec<u8>,
    busy: bool,
    /// What came last did not end its line.
    open: bool,
}

/// The error of a stream that was closed.
pub fn closed() -> io::Error {
    io::Error::other("the stream is closed")
}

/// A thread is busy with an outlet until this is dropped, also by a panic: others wait for it.
struct Busy<'a>(&'a Outlet);

impl<'a> Busy<'a> {
    fn of(outlet: &'a Outlet, state: &mut State) -> Busy<'a> {
        state.busy = true;
        Busy(outlet)
    }
}

impl Busy<'_> {
    /// Under the lock with which it was seen that nothing is left: who comes next writes himself.
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
        self.0.lock().busy = false;
        self.0.idle.notify_all();
    }
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
        let state = State { target, bytes: Vec::new(), busy: false, open: false };
        Outlet { state: Mutex::new(state), idle: Condvar::new(), moved: AtomicU64::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        super::lock(&self.state)
    }

    /// Takes a text; whether there is now so much that it should be flushed.
    pub fn push(&self, text: &[u8]) -> io::Result<bool> {
        let mut state = self.lock();
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
        std::mem::take(&mut self.lock().open)
    }

    /// Writes out what is buffered. What was not written when it is called off stays.
    pub fn flush(&self, stop: Stop<'_>) -> io::Result<()> {
        let mut state = self.lock();
        while state.busy {
            if let Some(error) = stop() {
                return Err(error);
            }
            state = self.idle.wait_timeout(state, Duration::from_millis(SLICE));
        }
        let target = state.target.clone();
        self.drain(state, &target, stop)
    }

    /// The same, unless nothing moves for so long: that is the error that `stuck` gives.
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

    /// How many bytes are buffered.
    pub fn buffered(&self) -> usize {
        self.lock().bytes.len()
    }

    /// Writes until the buffer is empty. Nobody is busy.
    fn drain<'a>(&'a self, mut state: MutexGuard<'a, State>, target: &Target, stop: Stop<'_>) -> io::Result<()> {
        let fd = match target {
            Target::Standard(fd) => *fd,
            Target::File(file) => file.as_raw_fd(),
            Target::Closed => return Err(closed()),
        };
        let busy = Busy::of(self, &mut state);
        // Given back before that.
        let mut state = state;
        let result = loop {
            let bytes = std::mem::take(&mut state.bytes);
            if bytes.is_empty() {
                break Ok(());
            }
            drop(state);
            let mut rest = &bytes[..];
            let result = descriptor::write_all(fd, &mut rest, &self.moved, stop);
            state = self.lock();
            if let Err(error) = result {
                if descriptor::is_called_off(&error) {
                    let mut rest = rest.to_vec();
                    rest.append(&mut state.bytes);
                    state.bytes = rest;
                }
                break Err(error);
            }
        };
        busy.end(state);
        result
    }

    /// Writes out what is buffered and closes the file. When another thread is writing, it writes the rest as well.
    pub fn close(&self, stop: Stop<'_>) -> io::Result<()> {
        let mut state = self.lock();
        let target = std::mem::replace(&mut state.target, Target::Closed);
        if state.busy || matches!(target, Target::Closed) {
            return Ok(());
        }
        let result = self.drain(state, &target, stop);
        if result.as_ref().is_err_and(descriptor::is_called_off) {
            self.lock().target = target;
        }
        result
    }

    /// Is it closed, and all of it written?
    pub fn is_done(&self) -> bool {
        let state = self.lock();
        matches!(state.target, Target::Closed) && state.bytes.is_empty() && !state.busy
    }

    /// Closes a file that nobody can write to any more, unless that would mean to wait.
    pub fn abandon(&self) -> io::Result<()> {
        let state = self.lock();
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
        let hurry = hurry || self.lock().busy;
        let result = match hurry {
            true => self.flush_while_moving(PATIENCE, descriptor::called_off, patient),
            false => self.flush(patient),
        };
        if self.is_done() { Ok(()) } else { result }
    }
}
