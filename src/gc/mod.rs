//! The heap: words, object layouts, allocation, handles, the frame walker, roots, the collectors.
//!
//! Knows objects by their shapes and frames by their stack maps. Knows nothing of syntax, builtins or terminals.

pub mod layout;
pub mod word;

pub use word::Word;
