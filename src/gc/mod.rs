//! The heap: words, object layouts, allocation, handles, the frame walker, roots, the collectors.
//!
//! Knows objects by their shapes and frames by their stack maps. Knows nothing of syntax, builtins or terminals.

pub mod alloc;
pub mod collectors;
pub mod handle;
pub mod heap;
pub mod layout;
pub mod mutate;
pub mod natives;
pub mod options;
mod roots;
mod safepoint;
pub mod shapes;
pub mod slow;
pub mod spaces;
mod stress;
pub mod thread;
pub mod trace;
pub mod value;
mod verify;
pub mod walker;
pub mod word;

pub use alloc::Fresh;
pub use handle::{Handle, Mark};
pub use heap::{Heap, Hooks, Stats};
pub use layout::LayoutId;
pub use natives::Native;
pub use options::{Options, Stress};
pub use slow::Poll;
pub use thread::{Attached, Interrupter, Landing, Thread, Thrown};
pub use value::Value;
pub use word::Word;

#[cfg(test)]
mod tests;
