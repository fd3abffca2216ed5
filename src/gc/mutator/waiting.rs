//! Waiting for what other threads do: one way for all of it, which an interrupt ends at once.
//!
//! Owns the word that a thread sleeps on. It is a futex (futex(2); Franke, Russell, Kirkwood, "Fuss, Futexes and Furwocks", 2002) and no
//! condition variable, because a signal handler wakes the thread, too. Nobody polls: who waits sleeps until it is woken.
//!
//! Invariant: whoever changes what a thread may wait for wakes it *after* the change. So a thread that reads the word, then looks,
//! and sleeps only while the word is as it was, misses nothing.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::thread::Thread;

/// How often a thread was woken.
#[derive(Default)]
pub(in crate::gc) struct Wakeups(AtomicU32);

impl Wakeups {
    /// Wakes the thread. Safe to use in a signal handler.
    pub(in crate::gc) fn wake(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the word is alive; nobody is woken when nobody sleeps on it.
        unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1) };
    }

    fn seen(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }

    /// Sleeps while nobody has woken the thread since `seen`; it may wake up for no reason.
    fn sleep(&self, seen: u32, time: Option<Duration>) {
        let time = time.map(|time| libc::timespec {
            tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: time.subsec_nanos().into(),
        });
        let time = time.as_ref().map_or(std::ptr::null(), |time| &raw const *time);
        // SAFETY: the word and the time are alive; whatever ends the wait is no error, for the caller looks again.
        unsafe {
            libc::syscall(libc::SYS_futex, self.0.as_ptr(), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, seen, time)
        };
    }
}

impl Thread {
    /// Waits outside of the heap until `look` gives something. It is asked at first, and each time that somebody has
    /// [woken](super::attached::Interrupter::wake) this thread. None when the time is over, or the thread was interrupted.
    pub fn wait_for<R>(&mut self, until: Option<Instant>, mut look: impl FnMut() -> Option<R>) -> Option<R> {
        let own = self.interrupter();
        self.outside(|| {
            loop {
                let seen = own.wakeups().seen();
                if let Some(found) = look() {
                    return Some(found);
                }
                let left = until.map(|until| until.saturating_duration_since(Instant::now()));
                if own.is_pending() || left.is_some_and(|left| left.is_zero()) {
                    return None;
                }
                own.wakeups().sleep(seen, left);
            }
        })
    }
}
