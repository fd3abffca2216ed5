//! The stack of a thread as a signal finds it, wherever it is: in generated code, in a stub, in Rust or in the C library.
//!
//! Owns the walk that samples are made of. It runs in signal handlers: it takes no lock, allocates nothing, reads nothing but
//! the stack between the stack pointer and its end, and gives raw addresses. What they mean is found out later
//! (`resolve.rs`), also whether the innermost function had its frame already or no longer.
//!
//! Generated code and stubs keep frame pointers always. Rust code keeps them, but the C library need not: where the chain does
//! not lead through it, the walk goes on at the exit frame, through which the program left for Rust (`gc/walker.rs`).

use std::ops::Range;

use super::registers::Registers;
use super::ring::Record;
use crate::asm::host::stubs::ENTER_PREVIOUS_EXIT;

/// So many return addresses are kept of a stack. A call that repeats the one before it is kept once.
const MOST_ADDRESSES: usize = 512;
/// So many frames are looked at: deeper recursions lose their outer end.
const MOST_FRAMES: usize = 4096;
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

/// Words of a record before the return addresses: see [`capture`].
pub const HEADER_WORDS: usize = 5;

struct Stack {
    low: usize,
    high: usize,
}

impl Stack {
    fn word(&self, at: usize) -> Option<usize> {
        let inside = self.low <= at && at < self.high && self.high - at >= 8 && at.is_multiple_of(8);
        // SAFETY: the thread's own stack, above its stack pointer: it can be read.
        inside.then(|| unsafe { (at as *const usize).read_volatile() })
    }

    /// Frame pointer and return address of the caller of the frame with this frame pointer.
    fn caller(&self, fp: usize) -> Option<(usize, usize)> {
        Some((self.word(fp)?, self.word(fp.checked_add(8)?)?))
    }
}

/// Writes down where a thread is: its activity, `pc`, the two words at the stack pointer, the link register; then the return addresses, innermost first.
pub fn capture(
    registers: Registers,
    high: usize,
    exit_frame: usize,
    activity: u64,
    known: &Known,
    record: &mut Record<'_>,
) {
    let stack = Stack { low: registers.sp, high };
    let Registers { pc, sp, fp, link } = registers;
    let top = |i: usize| stack.word(sp + 8 * i).unwrap_or(0) as u64;
    for word in [activity, pc as u64, top(0), top(1), link as u64] {
        record.push(word);
    }
    let in_code = known.code.contains(&pc) && !known.core.contains(&pc);
    let from_rust = || [top(0), top(1), link as u64].contains(&(known.entry_return as u64));
    let outside = || stack.caller(fp).is_some_and(|(_, address)| !known.code.contains(&address));
    let mut fp = match in_code {
        false => through_rust(&stack, fp, exit_frame, known, record),
        // Rust has called what has no frame yet: the innermost frame is that of `enter`.
        true if from_rust() && outside() => behind_enter(&stack, fp, known, record),
        true => Some(fp),
    };
    let (mut last, mut kept) = (0, 0);
    for _ in 0..MOST_FRAMES {
        let Some((next, address)) = fp.and_then(|fp| stack.caller(fp)) else { break };
        if !known.code.contains(&address) || Some(next) <= fp {
            break;
        }
        if address == known.entry_return {
            fp = behind_enter(&stack, next, known, record);
            last = 0;
            continue;
        }
        if address != last {
            kept += 1;
            if kept > MOST_ADDRESSES || !record.push(address as u64) {
                break;
            }
        }
        (fp, last) = (Some(next), address);
    }
}

/// From a frame of `enter`, by which Rust called the program, to where the program had called Rust.
fn behind_enter(stack: &Stack, fp: usize, known: &Known, record: &mut Record<'_>) -> Option<usize> {
    let previous = stack.word(fp.wrapping_add_signed(ENTER_PREVIOUS_EXIT as isize)).unwrap_or(0);
    let rust = stack.word(fp).unwrap_or(0);
    if previous > fp { through_rust(stack, rust, previous, known, record) } else { None }
}

/// From a frame of Rust to the nearest frame of generated code outside of it, which is that of an exit stub mostly: its frame
/// pointer. The address in that stub is noted if the chain of frame pointers leads there.
fn through_rust(stack: &Stack, fp: usize, exit_frame: usize, known: &Known, record: &mut Record<'_>) -> Option<usize> {
    let mut at = fp;
    for _ in 0..MOST_RUST_FRAMES {
        if at == exit_frame {
            return Some(at);
        }
        let Some((next, address)) = stack.caller(at) else { break };
        if known.code.contains(&address) && address != known.entry_return {
            // Within the stub: most are exit frames, but those that call what is short are none.
            record.push(address as u64);
            return Some(next);
        }
        if next <= at {
            break;
        }
        at = next;
    }
    stack.word(exit_frame).map(|_| exit_frame)
}

#[cfg(test)]
mod tests {
    use super::super::ring::Ring;
    use super::*;

    /// What is captured of a stack of these words, which begins at the stack pointer; words below 100, and the frame pointers,
    /// are indices into it.
    fn captured(words: &[usize], pc: usize, fp: usize, exit_frame: usize) -> Vec<u64> {
        let mut stack = vec![0usize; words.len()].into_boxed_slice();
        let low = stack.as_ptr() as usize;
        let place = |i: usize| if (1..100).contains(&i) { low + 8 * i } else { i };
        stack.iter_mut().zip(words).for_each(|(word, &w)| *word = place(w));
        let known = Known { code: 0x10000..0x20000, core: 0x10000..0x10100, entry_return: 0x10010 };
        let ring = Ring::new().expect("memory");
        let mut record = ring.begin(1);
        let registers = Registers { pc, sp: low, fp: place(fp), link: 0 };
        capture(registers, low + 8 * stack.len(), place(exit_frame), 0, &known, &mut record);
        record.commit();
        let mut found = Vec::new();
        ring.drain(&mut |_, words| found.extend(&words[HEADER_WORDS..]));
        found
    }

    #[test]
    fn frames_of_code_are_linked() {
        // A frame at 2, its caller's at 4, which `enter` called; enter's frame at 10, without an exit frame of before.
        let stack = [0, 0, 4, 0x11000, 10, 0x10010, 0, 0, 0, 0, 0, 0x555];
        assert_eq!(captured(&stack, 0x12000, 2, 0), [0x11000]);
    }

    #[test]
    fn a_chain_that_leads_nowhere_goes_on_at_the_exit_frame() {
        // The frame pointer is garbage; the exit frame is at 3.
        let stack = [0, 0, 0, 5, 0x11000, 10, 0x10010, 0, 0, 0, 0, 0x555];
        assert_eq!(captured(&stack, 0x7777_0000, 50, 3), [0x11000]);
    }

    #[test]
    fn what_rust_calls_has_callers_before_it_has_a_frame() {
        // The frame of `enter` at 9, the exit frame of before at 13, which is noted six words below; Rust's frame at 11.
        let mut stack = [0, 0, 0, 13, 0, 0, 0, 0, 0, 11, 0x7777, 13, 0x11008, 16, 0x11000, 0, 18, 0x10010, 0, 0];
        for at in [0, 1] {
            stack[at] = 0x10010;
            assert_eq!(captured(&stack, 0x12000, 9, 0), [0x11008, 0x11000]);
            stack[at] = 0;
        }
        assert_eq!(captured(&stack, 0x12000, 9, 0), [0u64; 0]);
    }

    #[test]
    fn loops_and_wild_pointers_end_the_walk() {
        let stack = [0, 0, 2, 0x11000, 0, 0];
        assert_eq!(captured(&stack, 0x12000, 2, 0), [0u64; 0]);
        assert_eq!(captured(&stack, 0x12000, 90, 0), [0u64; 0]);
    }
}
