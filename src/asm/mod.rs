//! The macro assembler, code memory, and what is known of published code.
//!
//! Knows machines; knows nothing of the language, the heap or the tree.

pub mod buffer;
mod cache;
pub mod code_map;
pub mod masm;
pub mod memory;
pub mod stubs;
pub mod x64;

/// The machine that this process runs on.
pub use x64 as host;
/// Its assembler.
pub type Host = x64::X64;

#[cfg(test)]
mod tests;
