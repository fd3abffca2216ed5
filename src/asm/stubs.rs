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

use super::masm::Assembled;

/// What a Rust function returns when it has stored an exception in the context.
pub const THROWN: u64 = 0x1C;

/// Distance of thunks, in bytes.
pub use super::host::stubs::THUNK_STRIDE;

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
}
