//! Turns: what has a lock that is never held while somebody waits for the system. One thread at a time is at work, without the
//! lock; others that want to be wait for their turn. Intakes and outlets are such.

use std::io;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::descriptor::{SLICE, Stop};
use crate::locks::{Condvar, Mutex, MutexGuard};

/// A state in which threads work in turn.
#[derive(Debug)]
pub struct InTurn<S> {
    state: Mutex<State<S>>,
    /// Nobody is at work any more.
    idle: Condvar,
}

/// The state, under the lock.
#[derive(Debug)]
pub struct State<S> {
    state: S,
    busy: bool,
}

impl<S> State<S> {
    /// Is a thread at work?
    pub const fn is_busy(&self) -> bool {
        self.busy
    }
}

impl<S> Deref for State<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.state
    }
}

impl<S> DerefMut for State<S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.state
    }
}

impl<S: Default> Default for InTurn<S> {
    fn default() -> InTurn<S> {
        InTurn::new(S::default())
    }
}

/// A thread is at work until this is dropped, also by a panic: others wait for it.
pub struct Turn<'a, S>(&'a InTurn<S>);

impl<S> InTurn<S> {
    /// Nobody is at work.
    pub const fn new(state: S) -> InTurn<S> {
        InTurn { state: Mutex::new(State { state, busy: false }), idle: Condvar::new() }
    }

    /// The state as it is now, whoever is at work.
    pub fn lock(&self) -> MutexGuard<'_, State<S>> {
        crate::runtime::lock(&self.state)
    }

    /// The state when nobody is at work; the error of `stop` when it calls off the wait.
    pub fn lock_idle(&self, stop: Stop<'_>) -> io::Result<MutexGuard<'_, State<S>>> {
        let mut state = self.lock();
        while state.busy {
            if let Some(error) = stop() {
                return Err(error);
            }
            state = self.idle.wait_timeout(state, Duration::from_millis(SLICE));
        }
        Ok(state)
    }

    /// From now on this thread is at work.
    pub fn begin(&self, state: &mut State<S>) -> Turn<'_, S> {
        debug_assert!(!state.busy, "two threads are at work");
        state.busy = true;
        Turn(self)
    }
}

impl<S> Turn<'_, S> {
    /// Under the lock with which it was seen that nothing is left to do.
    pub fn end(self, mut state: MutexGuard<'_, State<S>>) {
        state.busy = false;
        drop(state);
        self.0.idle.notify_all();
        std::mem::forget(self);
    }
}

/// Who unwinds.
impl<S> Drop for Turn<'_, S> {
    fn drop(&mut self) {
        self.0.lock().busy = false;
        self.0.idle.notify_all();
    }
}
