//! The macro assembler, code memory, and what is known of published code.
//!
//! Knows machines; knows nothing of the language, the heap or the tree.

pub mod masm;
