//! The hand-written code between Rust and Harrier on x86-64.
//!
//! Owns the shapes of the frames in which Rust and generated code meet. It does not know what the Rust functions do; it gets
//! their addresses. See [`crate::asm::stubs`] for the contract common to all machines.

use super::masm::{X64, asm};
use super::regs::{ARGS, CALLEE_SAVED, RAX, RBP, RDI, RSP, SCRATCH};
use crate::asm::masm::*;
use crate::asm::stubs::{COUNTING_BYTES, Core, Counter, StubConfig, THROWN, count};
use crate::mutations::{Mutation, mutated};
use dynasmrt::{DynasmApi, dynasm};

/// Distance of thunks.
pub const THUNK_STRIDE: u32 = 16;
/// Where an `enter` frame keeps the previous `exit_frame`, relative to its frame pointer.
pub const ENTER_PREVIOUS_EXIT: i32 = -48;
/// The stack pointer of an `enter` frame relative to its frame pointer, as `propagate` wants it.
pub const ENTER_SP: i32 = -48;

const CTX: Reg = X64::CTX;

/// Bytes that the exit frame reserves below the frame pointer: the saved registers.
const EXIT_BYTES: u32 = 8 * SAVED_REGS as u32;

/// `enter`, `propagate`, `throw` and `land`: see [`Core`].
///
/// ```text
///   enter's frame                      an exit frame
///   rbp + 8   return into Rust         rbp + 8   return into Harrier
///   rbp       Rust's rbp               rbp       rbp of the Harrier function
///   rbp - 8   rbx                      rbp - 8   rbx
///   rbp - 16  r12                      rbp - 16  r12
///   rbp - 24  r13                      rbp - 24  r13
///   rbp - 32  r14                      rbp - 32  r14   <- rsp
///   rbp - 40  r15
///   rbp - 48  previous exit_frame      <- rsp
/// ```
pub fn core(config: &StubConfig, unwind: usize) -> Result<Core, TooFar> {
    let mut masm = X64::new();
    let leave = masm.label();

    // enter(ctx: rdi, code: rsi, closure: rdx, args: rcx) -> rax
    masm.comment(|| "enter".into());
    let enter = masm.offset();
    asm!(masm.buf ; push rbp);
    masm.buf.frame(Frame::Pushed);
    asm!(masm.buf ; mov rbp, rsp);
    masm.buf.frame(Frame::Linked);
    asm!(masm.buf ; push rbx ; push r12 ; push r13 ; push r14 ; push r15);
    asm!(masm.buf ; push QWORD [rdi + config.exit_frame] ; mov r15, rdi ; mov rdi, rdx ; mov rax, rsi ; mov r11, rcx);
    for (i, arg) in ARGS.into_iter().enumerate() {
        masm.load(arg, Mem::at(SCRATCH, 8 * i as i32));
    }
    asm!(masm.buf ; call rax);
    let entry_return = masm.offset();
    masm.bind(leave);
    asm!(masm.buf ; pop QWORD [r15 + config.exit_frame]);
    asm!(masm.buf ; pop r15 ; pop r14 ; pop r13 ; pop r12 ; pop rbx ; pop rbp);
    masm.buf.frame(Frame::None);
    masm.ret();

    // propagate: rbp is the frame pointer of an enter frame, rsp is rbp + ENTER_SP.
    masm.comment(|| "propagate".into());
    let propagate = masm.offset();
    masm.store(Mem::at(CTX, config.exception), RAX);
    masm.mov_imm(RAX, THROWN as i64);
    masm.jump(leave);

    // throw: the present frame is an exit frame, and exit_frame says so.
    masm.comment(|| "throw".into());
    let throw = masm.offset();
    masm.mov(RDI, CTX);
    masm.call_c(unwind);
    for (i, reg) in CALLEE_SAVED.into_iter().enumerate() {
        masm.load(reg, Mem::at(CTX, config.landing.saved + 8 * i as i32));
    }
    masm.load(RAX, Mem::at(CTX, config.exception));
    // Whoever lands has it; the context holds it no longer.
    masm.store_imm(Mem::at(CTX, config.exception), config.no_exception);
    // The frame pointer first, so that the chain of frames is whole at each instruction.
    masm.load(RBP, Mem::at(CTX, config.landing.fp));
    masm.comment(|| "land".into());
    let land = masm.offset();
    masm.load(RSP, Mem::at(CTX, config.landing.sp));
    masm.jump_mem(Mem::at(CTX, config.landing.pc));

    Ok(Core { code: masm.finish()?, enter, entry_return, propagate, throw, land })
}

/// Links an exit frame, with so many bytes more below what is saved, and publishes it in the context.
fn push_exit_frame(masm: &mut X64, config: &StubConfig, more: u32) {
    let prologue = masm.prologue(0b1111);
    masm.set_frame_size(prologue, EXIT_BYTES + more);
    masm.store(Mem::at(CTX, config.exit_frame), RBP);
}

/// Code that calls `function(ctx, a0, …, a4) -> u64` with an exit frame: see [`crate::asm::stubs`].
/// It tells the counter before, if there is one.
pub fn exit_stub(
    config: &StubConfig,
    throw: usize,
    function: usize,
    counter: Option<Counter>,
) -> Result<Assembled, TooFar> {
    let mut masm = X64::new();
    push_exit_frame(&mut masm, config, if counter.is_some() { COUNTING_BYTES } else { 0 });
    if let Some(counter) = counter {
        count(&mut masm, counter);
    }
    masm.mov(RDI, CTX);
    masm.call_c(function);
    let thrown = masm.label();
    masm.compare_imm(RAX, THROWN as i64);
    masm.branch(Cond::Equal, thrown);
    masm.epilogue(if mutated(Mutation::ExitStubClobbers) { 0b0111 } else { 0b1111 });
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
    let mut masm = X64::new();
    push_exit_frame(&mut masm, config, 0);
    masm.store(Mem::at(CTX, config.closure), RDI);
    for (i, arg) in ARGS.into_iter().enumerate() {
        masm.store(Mem::at(CTX, config.arg_spill + 8 * i as i32), arg);
    }
    let spilled = Mem::at(CTX, config.spilled);
    match fixed {
        Some(n) => {
            masm.store_imm(Mem::at(CTX, config.arg_count), n as i32);
            masm.store_imm(spilled, n as i32 + i32::from(!mutated(Mutation::ArgumentNoRoot)));
            masm.mov_imm(ARGS[0], i64::from(n));
        }
        None => {
            masm.store_imm(spilled, 0);
            asm!(masm.buf ; mov esi, r11d);
        }
    }
    masm.mov(RDI, CTX);
    masm.call_c(function);
    let thrown = masm.label();
    masm.store_imm(spilled, 0);
    masm.compare_imm(RAX, 0);
    masm.branch(Cond::Equal, thrown);
    masm.load(RDI, Mem::at(CTX, config.closure));
    for (i, arg) in ARGS.into_iter().enumerate() {
        masm.load(arg, Mem::at(CTX, config.arg_spill + 8 * i as i32));
    }
    masm.epilogue(0b1111);
    masm.jump_reg(RAX);
    masm.bind(thrown);
    masm.jump_code(throw);
    Ok(masm.finish()?.going_on())
}

/// `count` thunks of [`THUNK_STRIDE`] bytes: thunk `i` jumps to `common` (a `resolve_stub` without a fixed argument) with
/// `first + i`.
pub fn thunk_block(first: u32, count: u32, common: usize) -> Result<Assembled, TooFar> {
    let mut masm = X64::new();
    for i in 0..count {
        let start = masm.offset();
        asm!(masm.buf ; mov r11d, DWORD first.wrapping_add(i) as i32);
        masm.jump_code(common);
        let end = start + THUNK_STRIDE;
        masm.buf.bytes.resize(end as usize, 0xCC);
    }
    Ok(masm.finish()?.going_on())
}
