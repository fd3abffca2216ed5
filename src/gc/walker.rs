//! The walk over the frames of generated code: one for the collector, for exceptions and for stack traces.
//!
//! Owns the rule by which one gets from a frame to its caller, and where a callee-saved register of a frame is now. It knows
//! frames by what [`FrameMaps`] says of a return address, and nothing else of code.
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
//! A register that a frame saves belongs to its caller from there on outwards; one that it does not save is still where it
//! was for the caller.

use super::thread::{Landing, SAVED};

/// What is known of the return addresses of generated code.
pub trait FrameMaps: Send + Sync {
    /// The map of the call that returns there.
    fn safepoint(&self, return_address: usize) -> Option<Safepoint>;
    /// Calls `f` with the index of each live frame slot of a safepoint: slot `i` is at `fp - 8 * (i + 1)`.
    fn live_slots(&self, safepoint: &Safepoint, f: &mut dyn FnMut(usize));
    /// Calls `f` with the index of each frame slot that nobody will read before it is written, if that is known.
    fn dead_slots(&self, _safepoint: &Safepoint, _f: &mut dyn FnMut(usize)) {}
    /// The return address within the `enter` stub by which its frame is known.
    fn entry_return(&self) -> usize;
    /// Where an `enter` frame keeps the previous exit frame, relative to its frame pointer.
    fn previous_exit(&self) -> isize;
    /// The landing of an exception that leaves through an `enter` frame: code address, and stack pointer relative to the
    /// frame pointer.
    fn propagate(&self) -> (usize, isize);
}

/// What is known of one return address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Safepoint {
    /// Which callee-saved registers the function saves.
    pub saved: u8,
    /// Which callee-saved registers hold live tagged words across the call.
    pub live: u8,
    /// Which callee-saved registers hold anything that is needed across the call. `None`: not known.
    pub used: Option<u8>,
    /// The live slots, as [`FrameMaps`] understands it.
    pub slots: u64,
    /// Bytes of the frame below the frame pointer.
    pub frame_bytes: u32,
    /// Where an exception thrown by the call is caught.
    pub handler: Option<usize>,
    /// Which function it is in, as [`FrameMaps`] numbers them.
    pub function: u64,
    /// The place in the source.
    pub source: u32,
}

/// A frame of generated code.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// The frame pointer.
    pub fp: usize,
    /// Where the call it is waiting for returns to.
    pub return_address: usize,
    /// What is known of that.
    pub safepoint: Safepoint,
    /// Where its callee-saved registers are now.
    pub registers: [usize; SAVED],
}

/// What a step of the walk meets.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A frame of generated code.
    Frame(Frame),
    /// A frame of the `enter` stub (its frame pointer): Rust called generated code here.
    Enter(usize),
}

/// A walk from an exit frame outwards.
pub struct Walker<'m> {
    maps: &'m dyn FrameMaps,
    fp: usize,
    return_address: usize,
    registers: [usize; SAVED],
}

/// # Safety
/// The address must be that of a word of a stack that is being walked.
#[inline]
unsafe fn word_at(address: usize) -> usize {
    // SAFETY: the caller's.
    unsafe { *(address as *const usize) }
}

impl<'m> Walker<'m> {
    /// A walk that starts at an exit frame; 0 for no frame at all.
    ///
    /// # Safety
    /// The exit frame and all frames outside of it must stay as they are during the walk (but for the values in slots).
    pub unsafe fn new(maps: &'m dyn FrameMaps, exit_frame: usize) -> Walker<'m> {
        let mut walker = Walker { maps, fp: 0, return_address: 0, registers: [0; SAVED] };
        // SAFETY: the caller's.
        unsafe { walker.start(exit_frame) };
        walker
    }

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
    /// When there is no map for a return address: generated code broke its contract.
    #[inline]
    pub fn step(&mut self) -> Option<Step> {
        if self.fp == 0 {
            return None;
        }
        let fp = self.fp;
        if self.return_address == self.maps.entry_return() {
            // SAFETY: an `enter` frame keeps the previous exit frame there.
            unsafe {
                let previous = word_at(fp.wrapping_add_signed(self.maps.previous_exit()));
                self.start(previous);
            }
            return Some(Step::Enter(fp));
        }
        let Some(safepoint) = self.maps.safepoint(self.return_address) else {
            panic!("no stack map for the return address {:#x}", self.return_address)
        };
        let frame = Frame { fp, return_address: self.return_address, safepoint, registers: self.registers };
        let mut at = fp;
        for (i, register) in self.registers.iter_mut().enumerate() {
            if safepoint.saved >> i & 1 != 0 {
                at -= 8;
                *register = at;
            }
        }
        // SAFETY: frames of generated code are linked.
        unsafe {
            self.return_address = word_at(fp + 8);
            self.fp = word_at(fp);
        }
        Some(Step::Frame(frame))
    }

    /// The frames of generated code, through all calls from Rust.
    pub fn frames(mut self) -> impl Iterator<Item = Frame> + 'm {
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

impl Frame {
    /// Calls `f` with the address of each live tagged word that this frame owns.
    pub fn visit(&self, maps: &dyn FrameMaps, f: &mut dyn FnMut(*mut u64)) {
        if self.safepoint.slots != 0 {
            maps.live_slots(&self.safepoint, &mut |i| f((self.fp - 8 * (i + 1)) as *mut u64));
        }
        if self.safepoint.live != 0 {
            for (i, &register) in self.registers.iter().enumerate() {
                if self.safepoint.live >> i & 1 != 0 {
                    f(register as *mut u64);
                }
            }
        }
    }

    /// Overwrites what this frame will not read again, so that reading it is noticed.
    ///
    /// # Safety
    /// The frame must be that of a stopped thread.
    pub unsafe fn poison(&self, maps: &dyn FrameMaps) {
        let poison = super::word::Word::POISON.0;
        maps.dead_slots(&self.safepoint, &mut |i| {
            // SAFETY: a slot of this frame, which nobody reads before it is written.
            unsafe { *((self.fp - 8 * (i + 1)) as *mut u64) = poison }
        });
        // A register that the function saves is its own to use; if it does not need it across this call, it is dead.
        let Some(used) = self.safepoint.used else { return };
        for (i, &register) in self.registers.iter().enumerate() {
            if self.safepoint.saved & !used & !self.safepoint.live & 1 << i != 0 {
                // SAFETY: where this frame's register is now; its caller's value is in this frame's saved slot.
                unsafe { *(register as *mut u64) = poison }
            }
        }
    }
}

/// Where an exception lands that is thrown while this exit frame is the innermost: at a handler, or in the `enter` stub,
/// which hands it to the Rust code that called it. None when no generated code runs.
///
/// # Safety
/// As for [`Walker::new`].
pub unsafe fn find_handler(maps: &dyn FrameMaps, exit_frame: usize) -> Option<Landing> {
    // SAFETY: the caller's.
    let mut walker = unsafe { Walker::new(maps, exit_frame) };
    loop {
        match walker.step()? {
            Step::Frame(frame) => {
                if let Some(pc) = frame.safepoint.handler {
                    let sp = frame.fp - frame.safepoint.frame_bytes as usize;
                    // SAFETY: the places of its registers are words of the stack.
                    let saved = frame.registers.map(|at| unsafe { word_at(at) } as u64);
                    return Some(Landing { pc, sp, fp: frame.fp, saved });
                }
            }
            Step::Enter(fp) => {
                let (pc, sp) = maps.propagate();
                return Some(Landing { pc, sp: fp.wrapping_add_signed(sp), fp, saved: [0; SAVED] });
            }
        }
    }
}
