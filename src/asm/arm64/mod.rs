//! ARM64.
//!
//! Required of the machine: ARMv8.0. Both this module and its tests of encodings compile on every host.

pub mod disasm;
pub mod encode;
pub mod masm;
pub mod regs;
pub mod stubs;

pub use encode::apply_absolute;
pub use masm::Arm64;
