//! `--race-windows=SEED`: where two reads, or a look and a store, must agree although other threads run in between, they do run in
//! between.
//!
//! Such a place is a *window*: it says so by [`window`]. Most are a few instructions wide, and no thread is ever stopped there by
//! itself. When a seed is set, a thread that comes to one goes on at once or sleeps for a while, by chance; so all
//! that the others can do in between is done. Every taking of one of our locks is a window, too (`locks.rs`): what is looked at
//! before it may be otherwise behind it. Machine code has none: its windows are those of single loads and stores.
//!
//! Without a seed a window is a load and a branch.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What was asked for, plus one; 0: nothing.
static SEED: AtomicU64 = AtomicU64::new(0);
/// Threads that have come to a window.
static THREADS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The thread's own chances; 0: it has come to no window yet.
    static CHANCES: Cell<u64> = const { Cell::new(0) };
}

/// From now on windows are open.
pub fn open(seed: u64) {
    SEED.store(seed.wrapping_add(1).max(1), Ordering::Relaxed);
}

/// Others may run here: what was read before may be otherwise behind.
#[inline(always)]
pub fn window() {
    if SEED.load(Ordering::Relaxed) != 0 {
        pass();
    }
}

#[cold]
#[inline(never)]
fn pass() {
    let mut chances = CHANCES.get();
    if chances == 0 {
        let number = THREADS.fetch_add(1, Ordering::Relaxed) + 1;
        chances = (SEED.load(Ordering::Relaxed) ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15)).max(1);
    }
    // xorshift64 (Marsaglia 2003): never 0.
    chances ^= chances << 13;
    chances ^= chances >> 7;
    chances ^= chances << 17;
    CHANCES.set(chances);
    // Long waits seldom: a thread comes by thousands of windows for each call that it compiles.
    match chances >> 54 {
        0..960 => {}
        // Not `yield_now`: where other processes run as well, each has its turn before that comes back.
        960..1020 => std::thread::sleep(Duration::from_micros(1)),
        _ => std::thread::sleep(Duration::from_micros(chances >> 32 & 0x3FF)),
    }
}
