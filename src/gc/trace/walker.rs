//! The walk over the frames of generated code: one for the collector, for exceptions and for stack traces.
//!
//! Owns the rule by which one gets from a frame to its caller, and where a callee-saved register of a frame is now. It knows
//! frames by their return addresses through the code map, and nothing else of code.
//!
//! ```text
//! exit frame        fp + 8  return address -> the innermost frame's safepoint
//! (Rust above it)   fp      frame pointer of the innermost frame
//!                   fp - 8, fp - 16 …  all callee-saved registers, as the innermost frame left them
//! frame             fp + 8  return address -> its caller's safepoint
//!                   fp      frame pointer of its caller
//!                   fp - 8 …  the callee-saved registers of its saved mask, lowest bit first, as its caller left them
//! enter frame       its caller is Rust; it keeps the previous exit frame, where the walk goes on
//! ```
//!
//! A register that a frame saves belongs to that frame while it runs, and what it saved to its caller; one that it does not
//! save is still where it was for the caller. So each live register is met once, in the frame that owns it.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use crate::asm::code_map::{CodeMap, Function, Safepoint, View, saved_offset};
use crate::asm::host;
use crate::gc::mutator::call::{Landing, SAVED};
use crate::gc::mutator::thread::Thread;
use crate::object::word::Word;

/// What the walk must know of published code.
#[derive(Clone)]
pub struct Code {
    /// What is known of each return address.
    pub map: Arc<CodeMap>,
    /// The return address within the `enter` stub by which its frame is known.
    pub entry_return: usize,
    /// The landing place of an exception that leaves through an `enter` frame.
    pub propagate: usize,
}

/// A frame of generated code.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'v> {
    /// The frame pointer.
    pub fp: usize,
    /// Where the call it is waiting for returns to.
    pub return_address: usize,
    /// The function.
    pub function: &'v Function,
    /// What is live across that call.
    pub safepoint: Safepoint<'v>,
    /// Where its callee-saved registers are now.
    pub registers: [usize; SAVED],
}

/// What a step of the walk meets.
#[derive(Clone, Copy, Debug)]
pub enum Step<'v> {
    /// A frame of generated code.
    Frame(Frame<'v>),
    /// A frame of the `enter` stub (its frame pointer): Rust called generated code here.
    Enter(usize),
}

/// A walk from an exit frame outwards.
pub struct Walker<'v> {
    view: &'v View<'v>,
    entry_return: usize,
    fp: usize,
    return_address: usize,
    registers: [usize; SAVED],
    /// What was found for return addresses: in recursion they are the same again and again.
    recent: [Option<(usize, &'v Function, Safepoint<'v>)>; RECENT],
}

/// How many return addresses a walk remembers.
const RECENT: usize = 4;

/// # Safety
/// The address must be that of a word of a stack that is being walked.
#[inline]
unsafe fn word_at(address: usize) -> usize {
    // SAFETY: the caller's.
    unsafe { *(address as *const usize) }
}

impl<'v> Walker<'v> {
    /// A walk that starts at an exit frame; 0 for no frame at all.
    ///
    /// # Safety
    /// The exit frame and all frames outside of it must stay as they are during the walk (but for the values in them).
    pub unsafe fn new(view: &'v View<'v>, entry_return: usize, exit_frame: usize) -> Walker<'v> {
        let registers = [0; SAVED];
        let mut walker = Walker { view, entry_return, fp: 0, return_address: 0, registers, recent: [None; RECENT] };
        // SAFETY: the caller's.
        unsafe { walker.start(exit_frame) };
        walker
    }

    /// # Safety
    /// As for `new`.
    unsafe fn start(&mut self, exit_frame: usize) {
        self.fp = 0;
        if exit_frame != 0 {
            // SAFETY: an exit frame is linked, and saves all callee-saved registers below its frame pointer.
            unsafe {
                self.fp = word_at(exit_frame);
                self.return_address = word_at(exit_frame + 8);
            }
            self.registers = std::array::from_fn(|i| exit_frame - 8 * (i + 1));
        }
    }

    /// The next step outwards; none after the outermost.
    ///
    /// # Panics
    /// When there is no map for a return address: generated code has broken its contract.
    #[inline]
    pub fn step(&mut self) -> Option<Step<'v>> {
        if self.fp == 0 {
            return None;
        }
        let fp = self.fp;
        if self.return_address == self.entry_return {
            // SAFETY: an `enter` frame keeps the previous exit frame there.
            unsafe {
                let previous = word_at(fp.wrapping_add_signed(host::stubs::ENTER_PREVIOUS_EXIT as isize));
                self.start(previous);
            }
            return Some(Step::Enter(fp));
        }
        let (function, safepoint) = self.find();
        let frame = Frame { fp, return_address: self.return_address, function, safepoint, registers: self.registers };
        if function.saved != 0 {
            for (i, register) in self.registers.iter_mut().enumerate() {
                if let Some(offset) = saved_offset(function.saved, i) {
                    *register = fp.wrapping_add_signed(offset as isize);
                }
            }
        }
        // SAFETY: frames of generated code are linked.
        unsafe {
            self.return_address = word_at(fp + 8);
            self.fp = word_at(fp);
        }
        Some(Step::Frame(frame))
    }

    /// The function and the safepoint of the present return address.
    #[inline]
    fn find(&mut self) -> (&'v Function, Safepoint<'v>) {
        let recent = &mut self.recent[(self.return_address >> 3) % RECENT];
        if let Some((address, function, safepoint)) = *recent
            && address == self.return_address
        {
            return (function, safepoint);
        }
        let Some((function, safepoint)) = self.view.safepoint(self.return_address) else {
            panic!("no stack map for the return address {:#x}", self.return_address)
        };
        *recent = Some((self.return_address, function, safepoint));
        (function, safepoint)
    }

    /// The frames of generated code, through all calls from Rust.
    pub fn frames(mut self) -> impl Iterator<Item = Frame<'v>> {
        std::iter::from_fn(move || {
            loop {
                match self.step()? {
                    Step::Frame(frame) => return Some(frame),
                    Step::Enter(_) => {}
                }
            }
        })
    }
}

impl Frame<'_> {
    /// Calls `f` with the address of each live tagged word that this frame owns.
    #[inline]
    pub fn visit(&self, f: &mut dyn FnMut(*mut u64)) {
        for slot in self.safepoint.slots() {
            let at = self.fp.wrapping_add_signed(self.function.slot_offset(slot) as isize);
            f(at as *mut u64);
        }
        let live = self.safepoint.live_saved();
        if live != 0 {
            for (i, &register) in self.registers.iter().enumerate() {
                if live >> i & 1 != 0 {
                    f(register as *mut u64);
                }
            }
        }
    }

    /// Overwrites dead slots and registers of this frame that look like pointers to what moves, so that a map which has
    /// forgotten one is found out. Raw numbers share these places and are not in the map: hence `is_stale`.
    ///
    /// # Safety
    /// The frame must be that of a stopped thread.
    ///
    /// # Panics
    /// When the map contradicts itself.
    pub unsafe fn poison_dead(&self, is_stale: &dyn Fn(Word) -> bool) {
        let unsaved = self.safepoint.live_saved() & !self.function.saved;
        assert!(unsaved == 0, "{}: the registers {unsaved:#b} are live but not saved", self.function.name);
        let saved = self.function.saved.count_ones();
        let slots = (self.function.frame_bytes / 8).saturating_sub(saved);
        let mut live_slots = self.safepoint.slots().peekable();
        let poison = |at: usize| {
            // SAFETY: a word of this frame that the map says nobody reads before it is written.
            unsafe {
                let word = at as *mut Word;
                if is_stale(*word) {
                    *word = Word::POISON;
                }
            }
        };
        for slot in 0..slots {
            if live_slots.next_if_eq(&slot).is_none() {
                poison(self.fp.wrapping_add_signed(self.function.slot_offset(slot) as isize));
            }
        }
        for (i, &register) in self.registers.iter().enumerate() {
            if (self.function.saved & !self.safepoint.live_saved()) >> i & 1 != 0 {
                poison(register);
            }
        }
    }

    /// The source offset of the call.
    pub fn source_offset(&self) -> Option<u32> {
        self.function.source_before(self.return_address)
    }

    /// The text of the call, as offsets; empty where only its start is known.
    pub fn text(&self) -> Option<Range<u32>> {
        self.function.text_before(self.return_address)
    }
}

/// Where an exception lands that is thrown while this exit frame is the innermost: at a handler, or in the `enter` stub,
/// which hands it to the Rust code that called it; there as well when it is not to be `handled`. None when no generated code runs.
///
/// # Safety
/// As for [`Walker::new`].
pub unsafe fn find_handler(view: &View<'_>, code: &Code, exit_frame: usize, handled: bool) -> Option<Landing> {
    // SAFETY: the caller's.
    let mut walker = unsafe { Walker::new(view, code.entry_return, exit_frame) };
    loop {
        match walker.step()? {
            Step::Frame(frame) => {
                if let Some(handler) = frame.safepoint.handler().filter(|_| handled) {
                    let pc = frame.function.start + handler as usize;
                    let sp = frame.fp - frame.function.frame_bytes as usize;
                    // SAFETY: the places of its registers are words of the stack.
                    let saved = frame.registers.map(|at| unsafe { word_at(at) } as u64);
                    return Some(Landing { pc, sp, fp: frame.fp, saved });
                }
            }
            Step::Enter(fp) => {
                let sp = fp.wrapping_add_signed(host::stubs::ENTER_SP as isize);
                return Some(Landing { pc: code.propagate, sp, fp, saved: [0; SAVED] });
            }
        }
    }
}

/// The frame that a jump from this exit frame takes the place of, and the registers of its caller: that of the exit frame, or, where
/// nothing is left to do behind the call or that `leaves` it, that of the innermost function. The stack pointer is at the frame pointer.
///
/// # Safety
/// As for [`Walker::new`].
pub unsafe fn departure(view: &View<'_>, code: &Code, exit_frame: usize, leaves: bool) -> Landing {
    // SAFETY: the caller's.
    let mut walker = unsafe { Walker::new(view, code.entry_return, exit_frame) };
    let (mut fp, mut registers) = (exit_frame, walker.registers);
    if let Some(Step::Frame(frame)) = walker.step()
        && (leaves || frame.safepoint.is_tail())
    {
        (fp, registers) = (frame.fp, walker.registers);
    }
    // SAFETY: the places of the registers are words of the stack.
    let saved = registers.map(|at| unsafe { word_at(at) } as u64);
    Landing { pc: 0, sp: fp, fp, saved }
}

impl Thread {
    /// Calls `f` with each frame of generated code of this thread, innermost first, until it says stop: for stack traces.
    pub fn frames(&self, f: &mut dyn FnMut(&Frame<'_>) -> ControlFlow<()>) {
        let Some(code) = self.heap().code() else { return };
        let view = code.map.view();
        // SAFETY: the frames outside of the exit frame wait for this thread, which is here.
        let walker = unsafe { Walker::new(&view, code.entry_return, self.exit_frame()) };
        for frame in walker.frames() {
            if f(&frame).is_break() {
                return;
            }
        }
    }

    /// What `f` makes of the innermost frame of generated code of this thread, if there is one.
    pub fn innermost_frame<T>(&self, mut f: impl FnMut(&Frame<'_>) -> T) -> Option<T> {
        let mut found = None;
        self.frames(&mut |frame| {
            found = Some(f(frame));
            ControlFlow::Break(())
        });
        found
    }
}
