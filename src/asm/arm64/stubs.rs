//! The hand-written code between Rust and Harrier on ARM64.
//!
//! Owns the shapes of the frames in which Rust and generated code meet. It does not know what the Rust functions do; it gets
//! their addresses. See [`crate::asm::stubs`] for the contract common to all machines.

use super::masm::{Arm64, asm};
use super::regs::{ARGS, CALLEE_SAVED, FP, SCRATCH, SP, X0};
use crate::asm::masm::*;
use crate::asm::stubs::{COUNTING_BYTES, Core, Counter, StubConfig, THROWN, count};
use dynasmrt::{DynasmApi, dynasm};

/// Distance of thunks.
pub const THUNK_STRIDE: u32 = 20;
/// Where an `enter` frame keeps the previous `exit_frame`, relative to its frame pointer.
pub const ENTER_PREVIOUS_EXIT: i32 = -48;
/// The stack pointer of an `enter` frame relative to its frame pointer, as `propagate` wants it.
pub const ENTER_SP: i32 = -48;

const CTX: Reg = Arm64::CTX;

/// Bytes that the exit frame reserves below the frame pointer: the saved registers.
const EXIT_BYTES: u32 = 8 * SAVED_REGS as u32;

/// `enter`, `propagate`, `throw` and `land`: see [`Core`].
///
/// ```text
///   enter's frame                      an exit frame
///   x29 + 8   return into Rust         x29 + 8   return into Harrier
///   x29       Rust's x29               x29       x29 of the Harrier function
///   x29 - 8   x19                      x29 - 8   x19
///   x29 - 16  x20                      x29 - 16  x20
///   x29 - 24  x21                      x29 - 24  x21
///   x29 - 32  x22                      x29 - 32  x22   <- sp
///   x29 - 40  x28
///   x29 - 48  previous exit_frame      <- sp
/// ```
///
/// The other registers that C wants kept, x23 to x27 and d8 to d15, are not touched by Harrier code.
pub fn core(config: &StubConfig, unwind: usize) -> Result<Core, TooFar> {
    let mut masm = Arm64::new();
    let leave = masm.label();

    // enter(ctx: x0, code: x1, closure: x2, args: x3) -> x0
    masm.comment(|| "enter".into());
    let enter = masm.offset();
    let prologue = masm.prologue(0b1111);
    masm.set_frame_size(prologue, -ENTER_SP as u32);
    masm.store(Mem::at(FP, -40), CTX);
    masm.load(SCRATCH, Mem::at(X0, config.exit_frame));
    masm.store(Mem::at(FP, ENTER_PREVIOUS_EXIT), SCRATCH);
    asm!(masm.buf ; mov x28, x0 ; mov x0, x2 ; mov x6, x1 ; mov x7, x3);
    for (i, arg) in ARGS.into_iter().enumerate() {
        masm.load(arg, Mem::at(Reg(7), 8 * i as i32));
    }
    asm!(masm.buf ; blr x6);
    let entry_return = masm.offset();
    masm.bind(leave);
    masm.load(SCRATCH, Mem::at(FP, ENTER_PREVIOUS_EXIT));
    masm.store(Mem::at(CTX, config.exit_frame), SCRATCH);
    masm.load(CTX, Mem::at(FP, -40));
    masm.epilogue(0b1111);
    masm.ret();

    // propagate: x29 is the frame pointer of an enter frame, sp is x29 + ENTER_SP.
    masm.comment(|| "propagate".into());
    let propagate = masm.offset();
    masm.store(Mem::at(CTX, config.exception), X0);
    masm.mov_imm(X0, THROWN as i64);
    masm.jump(leave);

    // throw: the present frame is an exit frame, and exit_frame says so.
    masm.comment(|| "throw".into());
    let throw = masm.offset();
    masm.mov(X0, CTX);
    masm.call_c(unwind);
    for (i, reg) in CALLEE_SAVED.into_iter().enumerate() {
        masm.load(reg, Mem::at(CTX, config.landing.saved + 8 * i as i32));
    }
    masm.load(X0, Mem::at(CTX, config.exception));
    // Whoever lands has it; the context holds it no longer.
    masm.store_imm(Mem::at(CTX, config.exception), config.no_exception);
    masm.load(FP, Mem::at(CTX, config.landing.fp));
    masm.comment(|| "land".into());
    let land = masm.offset();
    masm.load(SCRATCH, Mem::at(CTX, config.landing.sp));
    masm.mov(SP, SCRATCH);
    masm.jump_mem(Mem::at(CTX, config.landing.pc));

    Ok(Core { code: masm.finish()?, enter, entry_return, propagate, throw, land })
}

/// Links an exit frame, with so many bytes more below what is saved, and publishes it in the context.
fn push_exit_frame(masm: &mut Arm64, config: &StubConfig, more: u32) {
    let prologue = masm.prologue(0b1111);
    masm.set_frame_size(prologue, EXIT_BYTES + more);
    masm.store(Mem::at(CTX, config.exit_frame), FP);
}

/// Code that calls `function(ctx, a0, …, a4) -> u64` with an exit frame: see [`crate::asm::stubs`].
/// It tells the counter before, if there is one.
pub fn exit_stub(
    config: &StubConfig,
    throw: usize,
    function: usize,
    counter: Option<Counter>,
) -> Result<Assembled, TooFar> {
    let mut masm = Arm64::new();
    push_exit_frame(&mut masm, config, if counter.is_some() { COUNTING_BYTES } else { 0 });
    if let Some(counter) = counter {
        count(&mut masm, counter);
    }
    masm.mov(X0, CTX);
    masm.call_c(function);
    let thrown = masm.label();
    masm.compare_imm(X0, THROWN as i64);
    masm.branch(Cond::Equal, thrown);
    masm.epilogue(0b1111);
    masm.ret();
    masm.bind(thrown);
    masm.jump_code(throw);
    masm.finish()
}

/// Code that asks `function(ctx, n) -> u64` where to go on: see [`crate::asm::stubs`].
pub fn resolve_stub(
    config: &StubConfig,
    throw: usize,
    function: usize,
    fixed: Option<u32>,
) -> Result<Assembled, TooFar> {
    let mut masm = Arm64::new();
    // The number of a thunk is in x17, which the assembler would use: keep it elsewhere first.
    asm!(masm.buf ; mov w15, w17);
    push_exit_frame(&mut masm, config, 0);
    masm.store(Mem::at(CTX, config.closure), X0);
    for (i, arg) in ARGS.into_iter().enumerate() {
        masm.store(Mem::at(CTX, config.arg_spill + 8 * i as i32), arg);
    }
    let spilled = Mem::at(CTX, config.spilled);
    match fixed {
        Some(n) => {
            masm.store_imm(Mem::at(CTX, config.arg_count), n as i32);
            masm.store_imm(spilled, n as i32 + 1);
            masm.mov_imm(ARGS[0], i64::from(n));
        }
        None => {
            masm.store_imm(spilled, 0);
            asm!(masm.buf ; mov w1, w15);
        }
    }
    masm.mov(X0, CTX);
    masm.call_c(function);
    let thrown = masm.label();
    masm.store_imm(spilled, 0);
    masm.compare_imm(X0, 0);
    masm.branch(Cond::Equal, thrown);
    asm!(masm.buf ; mov x6, x0);
    masm.load(X0, Mem::at(CTX, config.closure));
    for (i, arg) in ARGS.into_iter().enumerate() {
        masm.load(arg, Mem::at(CTX, config.arg_spill + 8 * i as i32));
    }
    masm.epilogue(0b1111);
    masm.jump_reg(Reg(6));
    masm.bind(thrown);
    masm.jump_code(throw);
    Ok(masm.finish()?.going_on())
}

/// `count` thunks of [`THUNK_STRIDE`] bytes: thunk `i` jumps to `common` (a `resolve_stub` without a fixed argument) with
/// `first + i`.
pub fn thunk_block(first: u32, count: u32, common: usize) -> Result<Assembled, TooFar> {
    let mut masm = Arm64::new();
    for i in 0..count {
        let number = first.wrapping_add(i);
        asm!(masm.buf ; movz w17, number & 0xFFFF ; movk w17, number >> 16, lsl 16);
        masm.jump_code(common);
    }
    Ok(masm.finish()?.going_on())
}
