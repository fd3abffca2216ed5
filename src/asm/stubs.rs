//! What the stubs of all machines have in common: the contract between generated code and Rust.
//!
//! Owns the description of the fields of the thread context that the stubs touch. It does not know the context itself: the
//! runtime hands over byte offsets. The code is in `x64/stubs.rs` and `arm64/stubs.rs`, as functions of the same names.
//!
//! # Frames
//!
//! `exit_frame` is the frame pointer of the newest frame through which Harrier left into Rust. That frame always looks like
//! that of a Harrier function with `prologue(0b1111)`: the caller's frame pointer at `FP`, the return address at `FP + 8`,
//! the four callee-saved registers at `FP - 8`, `FP - 16`… A walker starts there, and goes on from frame to frame until it
//! meets the return address [`Core::entry_return`]; the frame of that call of `enter` is then the present one, and
//! `FP + ENTER_PREVIOUS_EXIT` holds the `exit_frame` of before (0: none).
//!
//! # `exit_stub`
//!
//! Calls `extern "C" fn(ctx, a0, a1, a2, a3, a4) -> u64` with the arguments found in ARGS (CLOSURE is lost). The function may
//! collect. When it returns [`THROWN`], the exception in the context is thrown from here. The callee-saved registers are
//! reloaded from the frame, where the collector may have changed them.
//!
//! # `resolve_stub`
//!
//! Calls `extern "C" fn(ctx, n: u32) -> u64` to learn the code address where the interrupted call goes on. CLOSURE and the
//! argument registers are in `closure` and `arg_spill[0..5]` meanwhile and are reloaded afterwards, whatever the function has
//! made of them. With `fixed = Some(argc)` the stub stores `argc` to `arg_count` (64 bits) and `argc + 1` to `spilled`;
//! without it `n` is a thunk's number and `spilled` is 0: the function itself has to say which words are values before it
//! allocates. `spilled = 1 + n` means that the closure and the first `n` words of `arg_spill` are roots. The stub clears it.
//! When the function returns 0, the exception in the context is thrown. A function that runs Harrier code must put `arg_spill`,
//! `closure` and `spilled` aside first, for that code uses them too.

use super::masm::{Assembled, MacroAssembler, Mem, SAVED_REGS, TooFar};

/// What a Rust function returns when it has stored an exception in the context.
pub const THROWN: u64 = 0x1C;

/// Distance of thunks, in bytes.
pub use super::host::stubs::THUNK_STRIDE;

/// A C function `extern "C" fn(ctx, kind: u64, frame: usize)` that is told of each passage through a stub, under `--stats`: `frame`
/// is the frame pointer of the stub, above which lies the return address into generated code. It neither collects nor throws.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// Its address.
    pub function: usize,
    /// What it counts.
    pub kind: u32,
}

/// Bytes that an exit stub needs in its frame, below the saved registers, in order to count: the arguments.
pub const COUNTING_BYTES: u32 = 48;

/// In an exit stub: tells the counter, and keeps the arguments.
pub(super) fn count<M: MacroAssembler>(masm: &mut M, counter: Counter) {
    let place = |i: usize| Mem::at(M::FP, -8 * (SAVED_REGS + 1 + i) as i32);
    for (i, arg) in M::ARGS.iter().enumerate() {
        masm.store(place(i), *arg);
    }
    call_counter(masm, counter);
    for (i, arg) in M::ARGS.iter().enumerate() {
        masm.load(*arg, place(i));
    }
}

/// Tells the counter, in a stub with a frame. Clobbers caller-saved registers.
pub fn call_counter<M: MacroAssembler>(masm: &mut M, counter: Counter) {
    masm.mov_imm(M::ARGS[0], i64::from(counter.kind));
    masm.mov(M::ARGS[1], M::FP);
    masm.mov(M::CLOSURE, M::CTX);
    masm.call_c(counter.function);
}

/// A stub that only counts: called from generated code at any point, it keeps all registers but the scratch register.
pub fn counting_stub<M: MacroAssembler>(counter: Counter) -> Result<Assembled, TooFar> {
    let mut masm = M::new();
    let prologue = masm.prologue(0);
    let general = M::CALLER_SAVED.iter().enumerate().map(|(i, r)| (*r, Mem::at(M::FP, -8 * (1 + i) as i32)));
    let general: Vec<_> = general.collect();
    let floats = M::FLOATS.iter().enumerate().map(|(i, f)| (*f, Mem::at(M::FP, -8 * (1 + general.len() + i) as i32)));
    let floats: Vec<_> = floats.collect();
    general.iter().for_each(|(r, mem)| masm.store(*mem, *r));
    floats.iter().for_each(|(f, mem)| masm.fstore(*mem, *f));
    call_counter(&mut masm, counter);
    general.iter().for_each(|(r, mem)| masm.load(*r, *mem));
    floats.iter().for_each(|(f, mem)| masm.fload(*f, *mem));
    masm.epilogue(0);
    masm.ret();
    masm.set_frame_size(prologue, (8 * (general.len() + floats.len()) as u32).next_multiple_of(16));
    masm.finish()
}

/// Byte offsets of the landing place in the thread context, which the unwinder fills.
#[derive(Clone, Copy, Debug)]
pub struct LandingConfig {
    /// Where to go on.
    pub pc: i32,
    /// Its stack pointer.
    pub sp: i32,
    /// Its frame pointer.
    pub fp: i32,
    /// The callee-saved registers: four words.
    pub saved: i32,
}

/// Byte offsets of fields in the thread context.
#[derive(Clone, Copy, Debug)]
pub struct StubConfig {
    /// Frame pointer of the newest exit frame.
    pub exit_frame: i32,
    /// Array of words: arguments beyond the registers, and the registers' arguments in a `resolve_stub`.
    pub arg_spill: i32,
    /// The closure in a `resolve_stub`.
    pub closure: i32,
    /// How many words of those are roots: 0, or 1 for the closure plus the number of arguments. 64 bits.
    pub spilled: i32,
    /// The number of arguments of the present call. 64 bits.
    pub arg_count: i32,
    /// The exception on its way.
    pub exception: i32,
    /// What is there when none is: not an offset, but the word.
    pub no_exception: i32,
    /// Where it goes.
    pub landing: LandingConfig,
}

/// The stubs that every thread needs, in one piece of code; the numbers are offsets in it.
#[derive(Debug)]
pub struct Core {
    /// The code.
    pub code: Assembled,
    /// `extern "C" fn(ctx, code: usize, closure: u64, args: *const [u64; 5]) -> u64`: runs Harrier code. [`THROWN`] when an
    /// exception leaves it.
    pub enter: u32,
    /// The return address in `enter` by which its frame is known.
    pub entry_return: u32,
    /// Landing place that leaves through an `enter` frame: fp is that frame's, sp is `fp + ENTER_SP`.
    pub propagate: u32,
    /// Where code goes with an exception in the context while its own frame is the exit frame.
    pub throw: u32,
    /// The end of `throw`: the frame pointer, and the registers that functions keep, are those of where it lands.
    pub land: u32,
}
