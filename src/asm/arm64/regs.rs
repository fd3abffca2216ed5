//! The registers of ARM64 and what each is for.
//!
//! Owns the register convention on this machine. A called Harrier function finds its arguments where a C function has its
//! second to sixth, so that an exit stub into Rust only has to put the thread context into the first.
//!
//! | register | use |
//! | --- | --- |
//! | `x0` | result; the called closure |
//! | `x1`–`x5` | arguments |
//! | `x6`–`x15` | temporaries |
//! | `x16 x17` | scratch of the assembler, never allocated |
//! | `x18` | the platform's |
//! | `x19`–`x22` | callee-saved |
//! | `x23`–`x27` | not used: whatever Rust keeps there stays |
//! | `x28` | thread context |
//! | `x29 x30 sp` | frame, link, stack |
//! | `d0`–`d7 d16`–`d29` | floats, caller-saved |
//! | `d8`–`d15` | not used: whatever Rust keeps there stays |
//! | `d30 d31` | scratch of the assembler |

use crate::asm::masm::{ARG_REGS, FReg, Reg, SAVED_REGS};

/// Result, and the called closure.
pub const X0: Reg = Reg(0);
/// Scratch.
pub const SCRATCH: Reg = Reg(16);
/// Second scratch, of this module's own.
pub const SCRATCH2: Reg = Reg(17);
/// Thread context.
pub const CTX: Reg = Reg(28);
/// Frame pointer.
pub const FP: Reg = Reg(29);
/// Return address.
pub const LINK: Reg = Reg(30);
/// Stack pointer, where an instruction has one.
pub const SP: Reg = Reg(31);
/// Zero, where an instruction has it: the same number.
pub const ZERO: Reg = Reg(31);

/// Arguments.
pub const ARGS: [Reg; ARG_REGS] = [Reg(1), Reg(2), Reg(3), Reg(4), Reg(5)];
/// Callee-saved registers; the order is that of the masks.
pub const CALLEE_SAVED: [Reg; SAVED_REGS] = [Reg(19), Reg(20), Reg(21), Reg(22)];
/// Allocatable caller-saved registers. Those that no call needs come first.
#[rustfmt::skip]
pub const CALLER_SAVED: [Reg; 16] = [
    Reg(9), Reg(10), Reg(11), Reg(12), Reg(13), Reg(14), Reg(15), Reg(8), Reg(7), Reg(6),
    Reg(0), Reg(5), Reg(4), Reg(3), Reg(2), Reg(1),
];
/// Scratch.
pub const FSCRATCH: FReg = FReg(31);
/// Second scratch.
pub const FSCRATCH2: FReg = FReg(30);
/// Allocatable float registers.
#[rustfmt::skip]
pub const FLOATS: [FReg; 22] = [
    FReg(0), FReg(1), FReg(2), FReg(3), FReg(4), FReg(5), FReg(6), FReg(7),
    FReg(16), FReg(17), FReg(18), FReg(19), FReg(20), FReg(21), FReg(22), FReg(23),
    FReg(24), FReg(25), FReg(26), FReg(27), FReg(28), FReg(29),
];
