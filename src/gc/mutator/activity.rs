//! What a thread is busy with, for profiles.

use std::sync::atomic::{AtomicU8, Ordering};

use super::thread::Thread;

/// What a thread is busy with: profiles show what is not the program as a frame of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Activity {
    /// The program, or what it has called.
    Program,
    /// A collection.
    Collecting,
    /// The generation of code.
    Compiling,
    /// The reading and checking of a text.
    Reading,
}

/// A thread is busy with something else than the program while this is there: see [`Thread::busy`].
#[must_use]
pub struct Busy {
    activity: *const AtomicU8,
    before: u8,
}

impl Drop for Busy {
    fn drop(&mut self) {
        // SAFETY: the thread that made this is still attached, and a `Thread` stays at its address while it is.
        unsafe { &*self.activity }.store(self.before, Ordering::Relaxed);
    }
}

impl Thread {
    /// What this thread is busy with, as an [`Activity`]. May be asked in a signal handler of this thread.
    pub fn activity(&self) -> u8 {
        self.activity.load(Ordering::Relaxed)
    }

    /// This thread is busy with something else than the program until what comes back is dropped, which is before the thread
    /// ends.
    pub fn busy(&self, with: Activity) -> Busy {
        let before = self.activity.swap(with as u8, Ordering::Relaxed);
        Busy { activity: &self.activity, before }
    }
}
