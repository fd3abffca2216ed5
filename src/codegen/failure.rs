//! Giving up: the one way out of the midst of a function that cannot be compiled.
//!
//! Whoever finds that it cannot go on (the survey, the generator, the link) unwinds to [`caught`], which makes an error of it.
//! So there is no state of half a function that others would have to expect: nothing is written after it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::asm::masm::TooFar;
use crate::stack;

/// Why there is no code.
#[derive(Debug)]
pub enum GivenUp {
    /// The stack is used up.
    NoStack,
    /// The code would not fit, or writing it is more work than any sensible function makes.
    TooLarge,
    /// There is no memory for what it takes to write the code.
    NoMemory,
    /// More values are kept at once than a frame has slots for.
    TooManyValues,
    /// Loops in loops have been written again and again.
    TooIntricate,
    /// A branch does not reach its target.
    TooFar(TooFar),
    /// The link could not answer, and knows why.
    Unanswered,
}

/// Leaves the generator.
#[cold]
pub fn give_up(why: GivenUp) -> ! {
    // Not a panic: the hook that reports those is not called.
    resume_unwind(Box::new(why))
}

/// What recurses over the tree goes one level deeper.
#[inline]
pub(super) fn check_stack() {
    if stack::is_low() {
        give_up(GivenUp::NoStack);
    }
}

/// Runs what may give up.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, GivenUp>) -> Result<T, GivenUp> {
    // Unwind-safe: all that the work has made is dropped, and the link undoes what it did for it.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| match payload.downcast::<GivenUp>() {
        Ok(why) => Err(*why),
        Err(panic) => resume_unwind(panic),
    })
}
