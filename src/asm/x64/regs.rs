//! The registers of x86-64 and what each is for.
//!
//! Owns the register convention on this machine. A called Harrier function finds its arguments where a C function has its
//! second to sixth, so that an exit stub into Rust only has to put the thread context into the first.
//!
//! | register | use |
//! | --- | --- |
//! | `rax` | result; quotient |
//! | `rdi` | the called closure |
//! | `rsi rdx rcx r8 r9` | arguments |
//! | `r10` | temporary |
//! | `r11` | scratch of the assembler, never allocated |
//! | `rbx r12 r13 r14` | callee-saved |
//! | `r15` | thread context |
//! | `rbp rsp` | frame, stack |
//! | `xmm0`–`xmm13` | floats, caller-saved |
//! | `xmm14 xmm15` | scratch of the assembler |

use crate::asm::masm::{ARG_REGS, FReg, Reg, SAVED_REGS};

#[rustfmt::skip]
mod names {
    #![allow(missing_docs)]
    use super::Reg;
    pub const RAX: Reg = Reg(0);
    pub const RCX: Reg = Reg(1);
    pub const RDX: Reg = Reg(2);
    pub const RBX: Reg = Reg(3);
    pub const RSP: Reg = Reg(4);
    pub const RBP: Reg = Reg(5);
    pub const RSI: Reg = Reg(6);
    pub const RDI: Reg = Reg(7);
    pub const R8: Reg = Reg(8);
    pub const R9: Reg = Reg(9);
    pub const R10: Reg = Reg(10);
    pub const R11: Reg = Reg(11);
    pub const R12: Reg = Reg(12);
    pub const R13: Reg = Reg(13);
    pub const R14: Reg = Reg(14);
    pub const R15: Reg = Reg(15);
}
pub use names::*;

/// Arguments.
pub const ARGS: [Reg; ARG_REGS] = [RSI, RDX, RCX, R8, R9];
/// Callee-saved registers; the order is that of the masks.
pub const CALLEE_SAVED: [Reg; SAVED_REGS] = [RBX, R12, R13, R14];
/// Allocatable caller-saved registers. Those that no call needs come first.
pub const CALLER_SAVED: [Reg; 8] = [RAX, R10, R9, R8, RDI, RCX, RDX, RSI];
/// Scratch.
pub const SCRATCH: Reg = R11;
/// Scratch.
pub const FSCRATCH: FReg = FReg(15);
/// Second scratch.
pub const FSCRATCH2: FReg = FReg(14);
/// Allocatable float registers.
pub const FLOATS: [FReg; 14] = {
    let mut all = [FReg(0); 14];
    let mut i = 0;
    while i < 14 {
        all[i] = FReg(i as u8);
        i += 1;
    }
    all
};
