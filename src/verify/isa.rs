//! What the verifier asks of a machine: the one place where the two differ for all that is not what an instruction does.

use super::step::Step;
use crate::asm::masm::{ARG_REGS, Reg, SAVED_REGS};

/// Where an instruction leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// To the next one.
    Next,
    /// There or to the next one. `zero`: there when the last compare came out as zero (or as not zero), if it asks for that.
    Branch {
        /// The address.
        to: u64,
        /// When.
        zero: Option<bool>,
    },
    /// To this address.
    Jump(u64),
    /// To an address out of memory or a register.
    JumpThrough,
    /// To this address, and then to the next one.
    Call(u64),
    /// To an address out of memory or a register, and then to the next one.
    CallThrough,
    /// To the caller.
    Return,
    /// Nowhere.
    Trap,
    /// Nobody has said where.
    Unknown,
}

impl Control {
    /// Does control go on behind it?
    pub fn goes_on(self) -> bool {
        matches!(self, Control::Next | Control::Branch { .. }) || self.is_call()
    }

    /// Does control come back?
    pub fn is_call(self) -> bool {
        matches!(self, Control::Call(_) | Control::CallThrough)
    }

    /// Where it leads at once, besides to the next one.
    pub fn branch_target(self) -> Option<u64> {
        match self {
            Control::Branch { to, .. } | Control::Jump(to) => Some(to),
            _ => None,
        }
    }
}

/// What each register is for.
pub struct Convention {
    /// The stack pointer.
    pub sp: Reg,
    /// The frame pointer.
    pub fp: Reg,
    /// The thread context.
    pub ctx: Reg,
    /// The called closure.
    pub closure: Reg,
    /// The result.
    pub result: Reg,
    /// Arguments.
    pub args: [Reg; ARG_REGS],
    /// What a callee gives back as it was.
    pub callee_saved: [Reg; SAVED_REGS],
    /// What it does not.
    pub caller_saved: &'static [Reg],
    /// The scratch register.
    pub scratch: Reg,
    /// Further registers that even stubs clobber which keep all others.
    pub clobbered: &'static [Reg],
    /// Float registers that they clobber.
    pub float_scratch: &'static [u8],
    /// The register in which a call leaves the return address, where it does not push it.
    pub link: Option<Reg>,
    /// The name of a general register.
    pub name: fn(u8) -> &'static str,
    /// What stands before the number of a float register.
    pub float_prefix: &'static str,
}

impl Convention {
    /// The stack pointer at the entry, by its distance from the place of the return address: it lies there, or will be pushed.
    pub fn sp_at_entry(&self) -> i32 {
        if self.link.is_some() { 8 } else { 0 }
    }
}

/// A machine.
pub trait Isa {
    /// An instruction.
    type Instruction: Copy;
    /// Its registers.
    const CONVENTION: &'static Convention;
    /// The instruction at an offset of code that lies at an address, and its length. Nothing: these bytes are none.
    fn decode(code: &[u8], at: u32, address: u64) -> Option<(Self::Instruction, u32)>;
    /// Where it leads.
    fn control(instruction: &Self::Instruction) -> Control;
    /// What it does, if it leads only to the next one or is a branch. `false`: nobody has said so.
    fn take(step: &mut Step<'_>, instruction: &Self::Instruction) -> bool;
    /// Of a jump or call through memory or a register: is the address one of code? Gives it where it is known.
    fn through(step: &mut Step<'_>, instruction: &Self::Instruction) -> Option<u64>;
}
