//! How much native stack is left: the one rule for everything that goes deeper with its data or with the program.
//!
//! Each thread has a *floor*, [`RESERVE`] bytes above the end of its stack. Above it is the program's. Whatever recurses
//! asks at each level whether the floor is passed, and gives up with a StackOverflow: generated code before it makes calls
//! or a frame larger than [`SMALL_FRAME`], Rust code that reads, compiles, prints, compares or decodes what can be deep, and
//! every call from Rust into the program. What does not recurse need not ask: it runs in the reserve (a collection, the
//! building of an error and of its stack trace, one step of the generator, a hash, which looks 64 levels deep at most).
//!
//! What the reserve must hold is measured, not guessed: under `--gc-verify` each thread looks at its end how far its reserve
//! was written ([`reserve_used`]), and half of it must be untouched. Below the reserve lies the system's guard page.

use std::cell::Cell;

/// Bytes between the floor and the end of the stack.
pub const RESERVE: usize = 256 << 10;
/// Frames of generated code up to this size are made without a question: two of them may lie below the floor.
pub const SMALL_FRAME: u32 = 4096;

thread_local! {
    static FLOOR: Cell<usize> = const { Cell::new(0) };
}

/// Says where the calling thread's stack ends; gives its floor.
pub fn set_end(low: usize) -> usize {
    FLOOR.set(low + RESERVE);
    low + RESERVE
}

/// Has the calling thread passed its floor? Then nothing may go any deeper.
#[inline]
pub fn is_low() -> bool {
    let here = 0u8;
    (&raw const here as usize) < FLOOR.get()
}

/// How much of the reserve above `low` has ever been written.
///
/// # Safety
/// The calling thread's stack must begin at `low`, with memory that was zero when the thread began.
pub unsafe fn reserve_used(low: usize) -> usize {
    let mut words = (low..low + RESERVE).step_by(8);
    // SAFETY: the caller's: these words are of this thread's own stack, below all frames in use.
    let written = words.find(|at| unsafe { (*at as *const u64).read_volatile() } != 0);
    written.map_or(0, |at| low + RESERVE - at)
}
