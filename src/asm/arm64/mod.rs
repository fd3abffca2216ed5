//! ARM64.

pub mod disasm;
