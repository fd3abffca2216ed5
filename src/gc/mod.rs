//! The heap: words, object layouts, allocation, handles, the frame walker, roots, the collectors.
//!
//! Knows objects by their shapes and frames by their stack maps. Knows nothing of syntax, builtins or terminals.

pub mod alloc;
pub mod handle;
pub mod heap;
pub mod layout;
pub mod mutate;
pub mod options;
pub mod shapes;
pub mod slow;
pub mod thread;
pub mod value;
pub mod word;

pub use alloc::Fresh;
pub use handle::{Handle, Mark};
pub use heap::{Heap, Hooks};
pub use layout::LayoutId;
pub use options::Options;
pub use thread::{Thread, Thrown};
pub use value::Value;
pub use word::Word;
