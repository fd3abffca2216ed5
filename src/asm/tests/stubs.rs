//! The stubs, with a fake context and a small unwinder.

use super::*;
use crate::asm::host::stubs::{ENTER_PREVIOUS_EXIT, ENTER_SP, core, exit_stub, resolve_stub, thunk_block};
use crate::asm::stubs::{THROWN, THUNK_STRIDE};

/// Reads the word at `fp + offset`.
fn word(fp: u64, offset: i64) -> u64 {
    // SAFETY: the tests only name words of frames that exist.
    unsafe { ((fp as i64 + offset) as *const u64).read() }
}

/// Unwinds to the handler noted in `core[0..2]` (return address, handler), else out of the `enter` frame.
extern "C" fn unwind(ctx: *mut Ctx) {
    // SAFETY: the stub hands over the context.
    let ctx = unsafe { &mut *ctx };
    let [return_address, handler, entry_return, propagate] = ctx.core;
    let mut fp = ctx.exit_frame;
    ctx.saved = std::array::from_fn(|i| word(fp, -8 * (1 + i as i64)));
    loop {
        let return_to = word(fp, 8) as usize;
        fp = word(fp, 0);
        if return_to == entry_return {
            (ctx.pc, ctx.fp, ctx.sp) = (propagate as u64, fp, (fp as i64 + i64::from(ENTER_SP)) as u64);
            return;
        }
        if return_to == return_address {
            (ctx.pc, ctx.fp, ctx.sp) = (handler as u64, fp, fp - 64);
            return;
        }
    }
}

fn rig() -> (Rig, Box<Ctx>) {
    let rig = Rig::new(31, unwind as *const () as usize);
    let mut ctx = Ctx::new();
    ctx.core = [0, 0, rig.entry_return, rig.propagate];
    (rig, ctx)
}

fn publish(rig: &Rig, masm: Result<Assembled, TooFar>) -> usize {
    rig.memory.publish_with_room(&[&masm.expect("finish")], 0).expect("publish").starts[0]
}

/// A function with a frame of 64 bytes.
fn function(emit: impl FnOnce(&mut Host)) -> Result<Assembled, TooFar> {
    let mut masm = Host::new();
    let prologue = masm.prologue(0b1111);
    masm.set_frame_size(prologue, 64);
    emit(&mut masm);
    masm.epilogue(0b1111);
    masm.ret();
    masm.finish()
}

extern "C" fn note(ctx: *mut Ctx, a: u64, b: u64, c: u64, d: u64, e: u64) -> u64 {
    // SAFETY: the stub hands over the context.
    let ctx = unsafe { &mut *ctx };
    ctx.log.extend([a, b, c, d, e]);
    for i in 0..SAVED_REGS as i64 {
        let slot = (ctx.exit_frame as i64 - 8 * (i + 1)) as *mut u64;
        // SAFETY: the exit frame holds the callee-saved registers there; this plays the collector that moves them.
        unsafe {
            ctx.log.push(slot.read());
            slot.write(slot.read() + 1000);
        }
    }
    4711
}

extern "C" fn fail(ctx: *mut Ctx, a: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: the stub hands over the context.
    unsafe { (*ctx).exception = a };
    THROWN
}

#[test]
fn arguments_and_results() {
    let (rig, mut ctx) = rig();
    let code = function(|m| {
        m.mov(Host::RESULT, Host::CLOSURE);
        for (i, arg) in Host::ARGS.into_iter().enumerate() {
            m.shift_imm(Shift::Left, arg, arg, 8 * (i + 1) as u8);
            m.alu(Alu::Add, Host::RESULT, Host::RESULT, arg);
        }
    });
    let result = rig.call(&mut ctx, &code.expect("finish"), 1, [2, 3, 4, 5, 6]);
    assert_eq!(result, 0x060504030201);
    assert_eq!(ctx.exit_frame, 0);
}

#[test]
fn exits_and_moved_registers() {
    let (rig, mut ctx) = rig();
    let stub = publish(&rig, exit_stub(&config(), rig.throw, note as *const () as usize, None));
    let code = function(|m| {
        for (i, r) in Host::CALLEE_SAVED.into_iter().enumerate() {
            m.mov_imm(r, 10 + i as i64);
        }
        m.call_code(stub);
        for (i, r) in Host::CALLEE_SAVED.into_iter().enumerate() {
            m.store(ctx_mem(offset_of!(Ctx, memory) + 8 * i), r);
        }
    });
    let result = rig.call(&mut ctx, &code.expect("finish"), 0, [1, 2, 3, 4, 5]);
    assert_eq!(result, 4711);
    assert_eq!(ctx.log, [1, 2, 3, 4, 5, 10, 11, 12, 13]);
    assert_eq!(ctx.memory[..4], [1010, 1011, 1012, 1013]);
    assert_eq!(ctx.exit_frame, 0);
}

#[test]
fn throws_to_a_handler_and_out() {
    let (rig, mut ctx) = rig();
    let stub = publish(&rig, exit_stub(&config(), rig.throw, fail as *const () as usize, None));
    let mut masm = Host::new();
    let prologue = masm.prologue(0b1111);
    masm.set_frame_size(prologue, 64);
    masm.mov_imm(Host::CALLEE_SAVED[2], 77);
    masm.store_imm(Mem::at(Host::FP, -40), 5);
    masm.call_code(stub);
    let return_offset = masm.offset();
    masm.mov_imm(Host::RESULT, -1);
    masm.epilogue(0b1111);
    masm.ret();
    let handler = masm.offset();
    masm.alu(Alu::Add, Host::RESULT, Host::RESULT, Host::CALLEE_SAVED[2]);
    masm.alu_mem(Alu::Add, Host::RESULT, Host::RESULT, Mem::at(Host::FP, -40));
    masm.epilogue(0b1111);
    masm.ret();
    let start = publish(&rig, masm.finish());
    ctx.core[0] = start + return_offset as usize;
    ctx.core[1] = start + handler as usize;
    let args = [100u64, 0, 0, 0, 0];
    assert_eq!((rig.enter)(&mut *ctx, start, 0, args.as_ptr()), 182);
    assert_eq!(ctx.exit_frame, 0);

    ctx.core[0] = 0;
    ctx.exit_frame = 0xABC;
    assert_eq!((rig.enter)(&mut *ctx, start, 0, args.as_ptr()), THROWN);
    assert_eq!((ctx.exception, ctx.exit_frame), (100, 0xABC));
}

/// `log` holds: enter, code, depth.
extern "C" fn enter_again(ctx: *mut Ctx, a: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: the stub hands over the context; nobody else uses it now.
    let (enter, code, exit_frame) = unsafe {
        let ctx = &mut *ctx;
        (ctx.log[0], ctx.log[1] as usize, ctx.exit_frame)
    };
    if a == 0 {
        // The chain of exit frames leads out through all `enter` frames.
        // SAFETY: the stub hands over the context.
        let entry_return = unsafe { (*ctx).core[2] };
        let (mut exits, mut exit) = (0, exit_frame);
        while exit != 0 {
            exits += 1;
            let mut fp = exit;
            loop {
                let return_to = word(fp, 8) as usize;
                fp = word(fp, 0);
                if return_to == entry_return {
                    break;
                }
            }
            exit = word(fp, i64::from(ENTER_PREVIOUS_EXIT));
        }
        return exits;
    }
    // SAFETY: the test put `enter` there.
    let enter = unsafe { std::mem::transmute::<usize, Enter>(enter as usize) };
    let result = enter(ctx, code, 0, [a - 1, 0, 0, 0, 0].as_ptr());
    // SAFETY: the stub hands over the context.
    assert_eq!(unsafe { (*ctx).exit_frame }, exit_frame);
    result
}

#[test]
fn nested_entries() {
    let (rig, mut ctx) = rig();
    let stub = publish(&rig, exit_stub(&config(), rig.throw, enter_again as *const () as usize, None));
    let code = publish(&rig, function(|m| m.call_code(stub)));
    ctx.log = vec![rig.enter as usize as u64, code as u64];
    assert_eq!((rig.enter)(&mut *ctx, code, 0, [6, 0, 0, 0, 0].as_ptr()), 7);
}

/// Jumps to the code in `log[0]` with the arguments changed; fails when that is 0.
extern "C" fn resolve(ctx: *mut Ctx, n: u32) -> u64 {
    // SAFETY: the stub hands over the context.
    let ctx = unsafe { &mut *ctx };
    ctx.log.push(n.into());
    ctx.log.push(ctx.spilled);
    ctx.log.push(ctx.arg_count);
    for (i, arg) in ctx.arg_spill[..ARG_REGS].iter_mut().enumerate() {
        *arg += 10 * (i as u64 + 1);
    }
    ctx.closure += 7;
    ctx.exception = 55;
    ctx.log[0]
}

fn adder(rig: &Rig) -> usize {
    publish(
        rig,
        function(|m| {
            m.mov(Host::RESULT, Host::CLOSURE);
            for arg in Host::ARGS {
                m.alu(Alu::Add, Host::RESULT, Host::RESULT, arg);
            }
        }),
    )
}

#[test]
fn thunks() {
    let (rig, mut ctx) = rig();
    let target = adder(&rig);
    let common = publish(&rig, resolve_stub(&config(), rig.throw, resolve as *const () as usize, None));
    let thunks = publish(&rig, thunk_block(1000, 50, common));
    for k in 0..50 {
        let thunk = thunks + (THUNK_STRIDE * k) as usize;
        let cell = rig.memory.alloc_data(8, 8).expect("data").cast::<usize>();
        // SAFETY: the cell is ours.
        unsafe { cell.write(thunk) };
        ctx.log = vec![target as u64];
        let code = function(|m| m.call_cell(cell.as_ptr() as usize)).expect("finish");
        assert_eq!(rig.call(&mut ctx, &code, 1, [1, 1, 1, 1, 1]), 6 + 7 + 150);
        assert_eq!(ctx.log[1..3], [1000 + u64::from(k), 0]);
        assert_eq!(ctx.spilled, 0);

        ctx.log = vec![0];
        assert_eq!(rig.call(&mut ctx, &code, 1, [1, 1, 1, 1, 1]), THROWN);
        assert_eq!((ctx.spilled, ctx.exception), (0, 55));
    }
}

#[test]
fn resolving_with_a_count() {
    let (rig, mut ctx) = rig();
    let target = adder(&rig);
    let stub = publish(&rig, resolve_stub(&config(), rig.throw, resolve as *const () as usize, Some(3)));
    ctx.log = vec![target as u64];
    let mut masm = Host::new();
    masm.jump_code(stub);
    let code = masm.finish().expect("finish");
    assert_eq!(rig.call(&mut ctx, &code, 1, [1, 1, 1, 1, 1]), 6 + 7 + 150);
    assert_eq!(ctx.log[1..], [3, 4, 3]);
    assert_eq!(ctx.spilled, 0);
}

extern "C" fn plain(a: u64, b: u64) -> u64 {
    a * 2 + b
}

#[test]
fn the_ways_to_call_and_jump() {
    let (rig, mut ctx) = rig();
    let target = adder(&rig);
    let cell = rig.memory.alloc_data(8, 8).expect("data").cast::<usize>();
    // SAFETY: the cell is ours.
    unsafe { cell.write(target) };
    let address = cell.as_ptr() as usize;
    ctx.memory[3] = target as u64;
    let slot = ctx_mem(offset_of!(Ctx, memory) + 24);
    let args = [1, 2, 3, 4, 5];
    let tail = |emit: &dyn Fn(&mut Host)| {
        let mut masm = Host::new();
        emit(&mut masm);
        masm.trap();
        masm.finish().expect("finish")
    };
    for code in [
        function(|m| m.call_cell(address)).expect("finish"),
        function(|m| m.call_mem(slot)).expect("finish"),
        function(|m| m.call_code(target)).expect("finish"),
        tail(&|m| m.jump_cell(address)),
        tail(&|m| m.jump_mem(slot)),
        tail(&|m| m.jump_code(target)),
        tail(&|m| {
            let free =
                registers().into_iter().find(|r| *r != Host::CLOSURE && !Host::ARGS.contains(r)).expect("register");
            m.load(free, slot);
            m.jump_reg(free);
        }),
    ] {
        assert_eq!(rig.call(&mut ctx, &code, 6, args), 21);
    }
    let code = function(|m| {
        let (this, out) = (m.label(), m.label());
        m.jump(out);
        m.bind(this);
        m.alu(Alu::Add, Host::RESULT, Host::ARGS[0], Host::ARGS[1]);
        m.ret();
        m.bind(out);
        m.call_label(this);
    });
    assert_eq!(rig.call(&mut ctx, &code.expect("finish"), 6, args), 3);
    let code = function(|m| {
        // ARGS[0] is the second argument of a C function.
        m.mov_imm(Host::CLOSURE, 21);
        m.call_c(plain as *const () as usize);
    });
    assert_eq!(rig.call(&mut ctx, &code.expect("finish"), 0, args), 43);
}

#[test]
fn frames_of_all_masks() {
    let (rig, mut ctx) = rig();
    for saved in 0..16u8 {
        for extra in [0, 16, 112, 4096, 1 << 17] {
            let mut masm = Host::new();
            let prologue = masm.prologue(saved);
            let base = (8 * saved.count_ones()).next_multiple_of(16);
            masm.set_frame_size(prologue, 4096);
            masm.set_frame_size(prologue, base + extra);
            let mut at = 0;
            masm.alu(Alu::Sub, Host::RESULT, Host::FP, Host::SP);
            for (i, r) in Host::CALLEE_SAVED.into_iter().enumerate() {
                if saved >> i & 1 != 0 {
                    at -= 8;
                    masm.compare_mem(r, Mem::at(Host::FP, at));
                    let good = masm.label();
                    masm.branch(Cond::Equal, good);
                    masm.trap();
                    masm.bind(good);
                    masm.mov_imm(r, -1);
                }
            }
            masm.epilogue(saved);
            masm.ret();
            let inner = publish(&rig, masm.finish());
            let code = function(|m| {
                for (i, r) in Host::CALLEE_SAVED.into_iter().enumerate() {
                    m.mov_imm(r, 100 + i as i64);
                }
                m.call_code(inner);
                for (i, r) in Host::CALLEE_SAVED.into_iter().enumerate() {
                    m.store(ctx_mem(offset_of!(Ctx, memory) + 8 * i), r);
                }
            });
            let bytes = rig.call(&mut ctx, &code.expect("finish"), 0, [0; 5]);
            assert_eq!(bytes, u64::from(base + extra));
            assert_eq!(ctx.memory[..4], [100, 101, 102, 103]);
        }
    }
}

#[test]
fn the_core_is_one_piece() {
    let core = core(&config(), 0).expect("core");
    assert!(core.enter < core.entry_return && core.entry_return < core.propagate && core.propagate < core.throw);
    assert!(core.throw < core.code.code.len() as u32);
}

#[test]
fn a_large_frame_is_asked_for_before_it_is_made() {
    let (rig, mut ctx) = rig();
    let floor = offset_of!(Ctx, exception) as i32;
    let mut masm = Host::new();
    masm.mov_imm(Host::RESULT, 7);
    masm.ret();
    let instead = publish(&rig, masm.finish());
    for saved in [0, 0b1, 0b1111] {
        for (limit, expected) in [(0, 5), (u64::MAX, 7)] {
            ctx.exception = limit;
            let mut masm = Host::new();
            let prologue = masm.prologue(saved);
            // The lowest word of the frame.
            masm.mov_imm(Host::RESULT, 5);
            masm.store(Mem::at(Host::FP, -40_000), Host::RESULT);
            masm.epilogue(saved);
            masm.ret();
            masm.set_large_frame_size(prologue, saved, 40_000, floor, instead);
            let code = masm.finish().expect("finish");
            assert_eq!(rig.call(&mut ctx, &code, 0, [0; 5]), expected, "{saved:b}");
        }
    }
}
