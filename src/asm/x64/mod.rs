//! x86-64.
//!
//! Required of the machine: baseline x86-64 with SSE4.1 (`roundsd`) and `popcnt`: every x86-64 processor since 2008. BMI and
//! AVX are not assumed.

pub mod disasm;
pub mod encode;
pub mod masm;
pub mod regs;
pub mod stubs;

pub use masm::{X64, apply_absolute};
