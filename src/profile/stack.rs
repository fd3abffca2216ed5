//! The walk from anywhere: over the Harrier frames of a thread that was interrupted at any instruction.
//!
//! Owns the way from the registers to the innermost frame. From there on frames are linked, and the walk goes as the
//! collector's does (`gc/walker.rs`), but it trusts nothing: it reads only words of the thread's stack, goes outwards only, and
//! ends where something does not fit. So it may be made in a signal handler, and of a program that is broken. It allocates
//! nothing.

use std::ops::Range;

use super::registers::Registers;
use crate::asm::code_map::{Function, View};
use crate::asm::host::stubs::ENTER_PREVIOUS_EXIT;
use crate::asm::masm::Frame;

/// A piece of Harrier code on the stack.
#[derive(Clone, Copy, Debug)]
pub struct Call<'v> {
    /// The function or stub.
    pub function: &'v Function,
    /// Where it is: the next instruction, or where the call it waits for returns to.
    pub pc: usize,
    /// It waits for a call.
    pub waits: bool,
}

impl Call<'_> {
    /// An offset within the instruction that it is at.
    pub fn offset(&self) -> u32 {
        (self.pc - self.function.start) as u32 - u32::from(self.waits)
    }
}

/// Where the walk is.
#[derive(Clone, Copy, Debug)]
enum At {
    /// In generated code, at its innermost instruction.
    Inside,
    /// In a frame that waits.
    Waits { pc: usize, fp: usize },
    /// At its end.
    End,
}

/// A walk outwards.
pub struct Walk<'v> {
    view: &'v View<'v>,
    entry_return: usize,
    stack: Range<usize>,
    exit_frame: usize,
    registers: Registers,
    at: At,
}

impl<'v> Walk<'v> {
    /// The walk of a thread that has these registers and whose stack has these bounds.
    ///
    /// # Safety
    /// The words between the stack pointer and the upper bound can be read.
    pub unsafe fn new(
        view: &'v View<'v>,
        entry_return: usize,
        stack: Range<usize>,
        exit_frame: usize,
        registers: Registers,
    ) -> Walk<'v> {
        let stack = registers.sp.max(stack.start)..stack.end;
        let mut walk = Walk { view, entry_return, stack, exit_frame, registers, at: At::Inside };
        if view.function(registers.pc).is_none() {
            walk.at = walk.behind_rust(registers.fp);
        }
        walk
    }

    /// A word of the stack.
    fn word(&self, at: usize) -> Option<usize> {
        let inside = at.is_multiple_of(8) && self.stack.contains(&at) && self.stack.contains(&(at + 7));
        // SAFETY: a word of the stack above the stack pointer, which `new` says can be read.
        inside.then(|| unsafe { (at as *const usize).read_volatile() })
    }

    /// Through frames of Rust to the code that has called it: they are linked too, and if not, the exit frame is known.
    fn behind_rust(&self, fp: usize) -> At {
        self.linked_behind_rust(fp).unwrap_or_else(|| self.waiting(self.exit_frame))
    }

    fn linked_behind_rust(&self, mut fp: usize) -> Option<At> {
        loop {
            let (outer, pc) = (self.word(fp)?, self.word(fp.checked_add(8)?)?);
            if self.view.caller(pc).is_some() {
                return Some(At::Waits { pc, fp: outer });
            }
            if outer <= fp {
                return None;
            }
            fp = outer;
        }
    }

    /// The frame that waits for what the frame at `fp` does.
    fn waiting(&self, fp: usize) -> At {
        match (self.word(fp), self.word(fp.wrapping_add(8))) {
            (Some(outer), Some(pc)) => At::Waits { pc, fp: outer },
            _ => At::End,
        }
    }

    /// The frame around the innermost one.
    fn around_innermost(&self, function: &Function) -> At {
        let Registers { pc, sp, fp, link } = self.registers;
        let back = |at: usize, fp| self.word(at).map_or(At::End, |pc| At::Waits { pc, fp });
        let around = match function.frame((pc - function.start) as u32) {
            Frame::Linked => self.waiting(fp),
            Frame::Pushed => self.word(sp).map_or(At::End, |fp| back(sp + 8, fp)),
            Frame::None if cfg!(target_arch = "x86_64") => back(sp, fp),
            Frame::None => At::Waits { pc: link, fp },
        };
        match around {
            // In `enter` itself, which Rust calls.
            At::Waits { pc, fp } if self.view.caller(pc).is_none() => self.behind_rust(fp),
            around => around,
        }
    }
}

impl<'v> Iterator for Walk<'v> {
    type Item = Call<'v>;

    fn next(&mut self) -> Option<Call<'v>> {
        let call = match self.at {
            At::Inside => {
                Call { function: self.view.function(self.registers.pc)?, pc: self.registers.pc, waits: false }
            }
            At::Waits { pc, .. } => Call { function: self.view.caller(pc)?, pc, waits: true },
            At::End => return None,
        };
        self.at = match self.at {
            At::Waits { pc, fp } if pc == self.entry_return => {
                // Rust has called: the frames that wait for it are behind the exit frame of before.
                self.stack.start = self.stack.start.max(fp.wrapping_add_signed(ENTER_PREVIOUS_EXIT as isize));
                let previous = self.word(fp.wrapping_add_signed(ENTER_PREVIOUS_EXIT as isize));
                previous.map_or(At::End, |exit| self.waiting(exit))
            }
            At::Waits { fp, .. } => {
                // Outwards only: what lies further in is not looked at again.
                self.stack.start = self.stack.start.max(fp);
                let at = self.waiting(fp);
                self.stack.start += 8;
                at
            }
            At::Inside | At::End => self.around_innermost(call.function),
        };
        Some(call)
    }
}
