//! The macro assembler, code memory, and what is known of published code.
//!
//! Knows machines; knows nothing of the language, the heap or the tree.

pub mod arm64;
pub mod buffer;
mod cache;
pub mod code_map;
pub mod disasm;
pub mod lines;
pub mod masm;
pub mod memory;
pub mod publish;
pub mod stubs;
pub mod variables;
pub mod x64;

/// The machine that this process runs on.
#[cfg(target_arch = "aarch64")]
pub use arm64 as host;
/// The machine that this process runs on.
#[cfg(not(target_arch = "aarch64"))]
pub use x64 as host;

/// Its assembler.
#[cfg(target_arch = "aarch64")]
pub type Host = arm64::Arm64;
/// Its assembler.
#[cfg(not(target_arch = "aarch64"))]
pub type Host = x64::X64;

#[cfg(test)]
mod tests;
