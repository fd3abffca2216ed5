//! The stack of a thread that was interrupted at any instruction: in generated code, in a stub, in Rust or in the C library.
//!
//! Owns the one walk from the registers outwards, that of samples and of reports of faults. It runs in signal handlers, and of
//! programs that are broken: it takes no lock, allocates nothing, reads nothing but the stack between the stack pointer and its
//! end, goes outwards only, and ends where something does not fit. So it gives raw addresses. What they mean says the code map,
//! to whoever may look at it and when ([`Interrupted::calls`]; `resolve.rs`): also whether the innermost function had its frame
//! already or no longer, for then the chain of frames begins at that of its caller ([`Innermost::caller`]).
//!
//! Generated code and stubs keep frame pointers always. Rust code keeps them, but the C library need not: where the chain does
//! not lead through it, the walk goes on at the exit frame, through which the program left for Rust (`gc/trace/walker.rs`, whose walk
//! of a thread that has stopped trusts all that it reads, and wants what is live).

use std::ops::Range;

use super::registers::Registers;
use crate::asm::code_map::{Function, View};
use crate::asm::host::stubs::ENTER_PREVIOUS_EXIT;
use crate::asm::masm::Frame;
use crate::runtime::Vm;

/// So many frames of Rust are looked at between two frames of generated code.
const MOST_RUST_FRAMES: usize = 128;

/// What the walk knows of code.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// All code memory.
    pub code: Range<usize>,
    /// The piece of code with `enter` and `throw`, whose frames are not like others.
    pub core: Range<usize>,
    /// The return address by which the frame of `enter` is known.
    pub entry_return: usize,
}

impl Known {
    /// That of a machine.
    pub fn of(vm: &Vm) -> Known {
        Known { code: vm.memory.range(), core: vm.stubs.core.clone(), entry_return: vm.stubs.entry_return }
    }
}

/// The words of a stack that can be read.
#[derive(Clone, Copy, Debug)]
struct Stack {
    low: usize,
    high: usize,
}

impl Stack {
    fn word(&self, at: usize) -> Option<usize> {
        let inside = at.is_multiple_of(8) && self.low <= at && at < self.high && self.high - at >= 8;
        // SAFETY: a word above the stack pointer, which `Interrupted::new` says can be read.
        inside.then(|| unsafe { (at as *const usize).read_volatile() })
    }

    /// The two words of a frame with this frame pointer: that of its caller, and where it returns to.
    #[inline]
    fn frame(&self, fp: usize) -> Option<(usize, usize)> {
        let inside = fp.is_multiple_of(8) && self.low <= fp && fp < self.high && self.high - fp >= 16;
        // SAFETY: two words above the stack pointer, as above.
        inside.then(|| unsafe { ((fp as *const usize).read_volatile(), ((fp + 8) as *const usize).read_volatile()) })
    }
}

/// The innermost instruction, and what can be the return address of a function that has no frame there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Innermost {
    /// The next instruction.
    pub pc: usize,
    /// The two words at the stack pointer.
    pub top: [usize; 2],
    /// The link register.
    pub link: usize,
}

impl Innermost {
    /// Where the function that it is in returns to, when it has no frame at this point: at its beginning, at its end, or because
    /// it is a stub that needs none. The chain of frame pointers begins at the frame of its caller then.
    pub fn caller(&self, function: &Function) -> Option<usize> {
        match function.frame((self.pc - function.start) as u32) {
            Frame::Linked => None,
            Frame::Pushed => Some(self.top[1]),
            Frame::None if cfg!(target_arch = "aarch64") => Some(self.link),
            Frame::None => Some(self.top[0]),
        }
    }
}

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

/// A thread, and where it is.
pub struct Interrupted<'k> {
    known: &'k Known,
    registers: Registers,
    stack: Stack,
    exit_frame: usize,
}

impl<'k> Interrupted<'k> {
    /// The thread that has these registers, and whose stack has these bounds.
    ///
    /// # Safety
    /// The words between the stack pointer and the upper bound can be read, as long as this is used.
    pub unsafe fn new(known: &'k Known, registers: Registers, bounds: Range<usize>, exit_frame: usize) -> Self {
        let stack = Stack { low: registers.sp.max(bounds.start), high: bounds.end };
        Interrupted { known, registers, stack, exit_frame }
    }

    /// What the walk knows of code.
    pub fn known(&self) -> &'k Known {
        self.known
    }

    /// Its innermost instruction.
    pub fn innermost(&self) -> Innermost {
        let Registers { pc, sp, link, .. } = self.registers;
        let top = [0, 8].map(|offset| self.stack.word(sp.wrapping_add(offset)).unwrap_or(0));
        Innermost { pc, top, link }
    }

    /// The return addresses that lead into generated code and stubs, innermost first, as far as there are frames.
    pub fn return_addresses(&self) -> Walk<'k> {
        let (known, stack) = (self.known, self.stack);
        let Innermost { pc, top, link } = self.innermost();
        let mut walk = Walk { known, stack, fp: self.registers.fp, stub: 0 };
        let in_code = known.code.contains(&pc) && !known.core.contains(&pc);
        let from_rust = || [top[0], top[1], link].contains(&known.entry_return);
        let outside = || stack.frame(walk.fp).is_some_and(|(_, address)| !known.code.contains(&address));
        if !in_code {
            walk.through_rust(walk.fp, self.exit_frame);
        } else if from_rust() && outside() {
            // Rust has called what has no frame yet: the innermost frame is that of `enter`.
            walk.behind_enter(walk.fp);
        }
        walk
    }

    /// What of Harrier is on the stack, innermost first.
    pub fn calls<'v>(&self, view: &'v View<'v>) -> impl Iterator<Item = Call<'v>> + use<'v, 'k> {
        let innermost = self.innermost();
        let function = view.function(innermost.pc);
        let first = function.map(|function| Call { function, pc: innermost.pc, waits: false });
        let caller = function.and_then(|function| innermost.caller(function));
        let waiting = caller.into_iter().chain(self.return_addresses());
        first.into_iter().chain(waiting.filter_map(|pc| Some(Call { function: view.caller(pc)?, pc, waits: true })))
    }
}

/// A walk outwards over return addresses.
pub struct Walk<'k> {
    known: &'k Known,
    stack: Stack,
    /// The frame pointer of the next frame; 0 at the end.
    fp: usize,
    /// The address in a stub through which the program left for Rust, when it is the next one to be told; else 0.
    stub: usize,
}

impl Walk<'_> {
    /// From a frame of `enter`, by which Rust called the program, to where the program had called Rust.
    fn behind_enter(&mut self, fp: usize) {
        let previous = self.stack.word(fp.wrapping_add_signed(ENTER_PREVIOUS_EXIT as isize)).unwrap_or(0);
        self.fp = 0;
        if previous > fp {
            self.through_rust(self.stack.word(fp).unwrap_or(0), previous);
        }
    }

    /// From a frame of Rust to the nearest frame of generated code outside of it, which is that of an exit stub mostly. The
    /// address in that stub is told if the chain of frame pointers leads there.
    fn through_rust(&mut self, mut at: usize, exit_frame: usize) {
        self.fp = exit_frame;
        for _ in 0..MOST_RUST_FRAMES {
            let Some((outer, address)) = self.stack.frame(at).filter(|_| at != exit_frame) else { return };
            if self.known.code.contains(&address) && address != self.known.entry_return {
                // Within the stub: most are exit frames, but those that call what is short are none.
                (self.stub, self.fp) = (address, outer);
                return;
            }
            if outer <= at {
                return;
            }
            at = outer;
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.stub != 0 {
            return Some(std::mem::take(&mut self.stub));
        }
        let fp = std::mem::take(&mut self.fp);
        let (outer, address) = self.stack.frame(fp)?;
        if outer <= fp || !self.known.code.contains(&address) {
            return None;
        }
        self.fp = outer;
        if address == self.known.entry_return {
            self.behind_enter(outer);
        }
        Some(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The return addresses, but for those in `enter`, in a stack of these words, which begins at the stack pointer; words below
    /// 100, and the frame pointers, are indices into it.
    fn walked(words: &[usize], pc: usize, fp: usize, exit_frame: usize) -> Vec<usize> {
        let mut stack = vec![0usize; words.len()].into_boxed_slice();
        let low = stack.as_ptr() as usize;
        let place = |i: usize| if (1..100).contains(&i) { low + 8 * i } else { i };
        stack.iter_mut().zip(words).for_each(|(word, &w)| *word = place(w));
        let known = Known { code: 0x10000..0x20000, core: 0x10000..0x10100, entry_return: 0x10010 };
        let registers = Registers { pc, sp: low, fp: place(fp), link: 0 };
        // SAFETY: the words are there until the end of this function.
        let here = unsafe { Interrupted::new(&known, registers, 0..low + 8 * stack.len(), place(exit_frame)) };
        here.return_addresses().filter(|address| *address != known.entry_return).collect()
    }

    #[test]
    fn frames_of_code_are_linked() {
        // A frame at 2, its caller's at 4, which `enter` called; enter's frame at 10, without an exit frame of before.
        let stack = [0, 0, 4, 0x11000, 10, 0x10010, 0, 0, 0, 0, 0, 0x555];
        assert_eq!(walked(&stack, 0x12000, 2, 0), [0x11000]);
    }

    #[test]
    fn a_chain_that_leads_nowhere_goes_on_at_the_exit_frame() {
        // The frame pointer is garbage; the exit frame is at 3.
        let stack = [0, 0, 0, 5, 0x11000, 10, 0x10010, 0, 0, 0, 0, 0x555];
        assert_eq!(walked(&stack, 0x7777_0000, 50, 3), [0x11000]);
    }

    #[test]
    fn what_rust_calls_has_callers_before_it_has_a_frame() {
        // The frame of `enter` at 9, the exit frame of before at 13, which is noted six words below; Rust's frame at 11.
        let mut stack = [0, 0, 0, 13, 0, 0, 0, 0, 0, 11, 0x7777, 13, 0x11008, 16, 0x11000, 0, 18, 0x10010, 0, 0];
        for at in [0, 1] {
            stack[at] = 0x10010;
            assert_eq!(walked(&stack, 0x12000, 9, 0), [0x11008, 0x11000]);
            stack[at] = 0;
        }
        assert_eq!(walked(&stack, 0x12000, 9, 0), [0usize; 0]);
    }

    #[test]
    fn loops_and_wild_pointers_end_the_walk() {
        let stack = [0, 0, 2, 0x11000, 0, 0];
        assert_eq!(walked(&stack, 0x12000, 2, 0), [0usize; 0]);
        // Nothing is read outside of the stack: not at its last word, nor where addresses wrap around.
        for fp in [5, 6, 90, 0x11001, 8, usize::MAX - 7, usize::MAX - 15] {
            assert_eq!(walked(&stack, 0x12000, fp, 0), [0usize; 0]);
            assert_eq!(walked(&stack, 0x7777_0000, fp, fp), [0usize; 0]);
        }
    }
}
