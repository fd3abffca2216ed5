//! The heap: allocation, handles, the frame walker, roots, the plans by which it is collected.
//!
//! Knows objects by their shapes and frames by their stack maps. Knows nothing of syntax, builtins or terminals.
//!
//! | room | its idea |
//! | --- | --- |
//! | [`mutator`] | a thread of the program: its context, its stack, how it holds, makes and changes objects |
//! | [`heap`], [`options`], [`stats`] | what threads share, when to collect, what can be chosen, what it has taken |
//! | [`spaces`] | blocks, and who owns them |
//! | [`plan`] | what becomes of what is reached, and what must be remembered for it |
//! | [`trace`] | what is reached: the one tracing loop, roots, the one walk over frames, what is weak; `--gc-verify` |
//! | `safepoint`, `stress` | stopping the world; `--gc-always` |
//!
//! # Rules for Rust code
//!
//! - A [`Value`] lives until the next thing that may collect; what must live longer is rooted as a [`Handle`]. The compiler
//!   sees to it.
//! - What may block (locks that others hold while they allocate, input, sleep) runs in [`Thread::outside`]; otherwise a
//!   collection waits for it. An OS thread is attached to a heap once.
//! - Loops that run long without allocating call [`Thread::poll`].
//! - A function that has nothing to return but [`Thrown`] has put the exception into the thread.

pub mod heap;
pub mod mutator;
pub mod options;
pub mod outside;
pub mod plan;
mod safepoint;
pub mod spaces;
pub mod stats;
mod stress;
pub mod trace;

pub use heap::{Heap, Hooks};
pub use mutator::alloc::Fresh;
pub use mutator::attached::{Attached, Interrupter};
pub use mutator::call::{Landing, Spill, Thrown};
pub use mutator::handle::{Handle, Mark};
pub use mutator::mutate::Room;
pub use mutator::natives::{Native, NativeType};
pub use mutator::slow::Poll;
pub use mutator::text::SpareText;
pub use mutator::thread::Thread;
pub use mutator::value::Value;

pub use options::{CollectorKind, Options, Stress};
pub use outside::Claim;
pub use stats::{Event, Pauses, Stats};

#[cfg(test)]
mod tests;
