//! The heap: allocation, handles, the frame walker, roots, the plans by which it is collected.
//!
//! Knows objects by their shapes and frames by their stack maps. Knows nothing of syntax, builtins or terminals.
//!
//! | room | its idea |
//! | --- | --- |
//! | [`thread`], [`handle`], [`value`] | the context of a thread; how Rust code holds values, and for how long |
//! | [`alloc`], [`text`], [`mutate`], [`natives`] | making objects, texts among them, changing them, Rust objects that the heap owns |
//! | [`slow`] | what generated code and its stubs call |
//! | [`heap`], [`options`], [`stats`] | what threads share, when to collect, what can be chosen, what it has taken |
//! | [`spaces`] | blocks, and who owns them |
//! | [`plan`], [`trace`] | what becomes of what is reached, and what must be remembered for it; the one tracing loop |
//! | `roots`, [`walker`] | where tracing starts; the one walk over frames |
//! | `safepoint` | stopping the world |
//! | [`extent`] | how much hangs on an object |
//! | [`owners`] | whose a node of a map is, as headers say it |
//! | `stress`, `verify` | `--gc-always`, `--gc-verify` |
//!
//! # Rules for Rust code
//!
//! - A [`Value`] lives until the next thing that may collect; what must live longer is rooted as a [`Handle`]. The compiler
//!   sees to it.
//! - What may block (locks that others hold while they allocate, input, sleep) runs in [`Thread::outside`]; otherwise a
//!   collection waits for it. An OS thread is attached to a heap once.
//! - Loops that run long without allocating call [`Thread::poll`].
//! - A function that has nothing to return but [`Thrown`] has put the exception into the thread.

pub mod alloc;
pub mod extent;
pub mod handle;
pub mod heap;
pub mod held;
pub mod mutate;
pub mod natives;
pub mod options;
pub mod outside;
pub mod owners;
pub mod plan;
pub mod prefetch;
mod roots;
mod safepoint;
pub mod slow;
pub mod spaces;
pub mod stats;
mod stress;
pub mod text;
pub mod thread;
pub mod trace;
pub mod value;
mod verify;
pub mod walker;
pub mod weak;

pub use alloc::Fresh;
pub use handle::{Handle, Mark};
pub use heap::{Heap, Hooks};
pub use mutate::Room;
pub use natives::Native;
pub use options::{CollectorKind, Options, Stress};
pub use outside::Claim;
pub use slow::Poll;
pub use stats::{Event, Pauses, Stats};
pub use text::SpareText;
pub use thread::{Attached, Interrupter, Landing, Spill, Thread, Thrown};
pub use value::Value;

#[cfg(test)]
mod tests;
