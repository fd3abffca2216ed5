//! Moves, integers, flags and branches.

use super::*;

const ROUNDS: usize = 400;

fn rig(seed: u64) -> (Rig, Box<Ctx>) {
    (Rig::new(seed, 0), Ctx::new())
}

fn value(ctx: &Ctx, r: Reg) -> u64 {
    ctx.regs_in[r.0 as usize]
}

fn compute(op: Alu, a: u64, b: u64) -> (u64, bool) {
    let (sa, sb) = (a as i64, b as i64);
    match op {
        Alu::Add => (a.wrapping_add(b), sa.checked_add(sb).is_none()),
        Alu::Sub => (a.wrapping_sub(b), sa.checked_sub(sb).is_none()),
        Alu::And => (a & b, false),
        Alu::Or => (a | b, false),
        Alu::Xor => (a ^ b, false),
    }
}

const ALU: [Alu; 5] = [Alu::Add, Alu::Sub, Alu::And, Alu::Or, Alu::Xor];
const CONDITIONS: [Cond; 10] = [
    Cond::Equal,
    Cond::NotEqual,
    Cond::Less,
    Cond::LessEqual,
    Cond::Greater,
    Cond::GreaterEqual,
    Cond::Below,
    Cond::BelowEqual,
    Cond::Above,
    Cond::AboveEqual,
];

fn holds(cond: Cond, a: u64, b: u64) -> bool {
    let (sa, sb) = (a as i64, b as i64);
    match cond {
        Cond::Equal => a == b,
        Cond::NotEqual => a != b,
        Cond::Less => sa < sb,
        Cond::LessEqual => sa <= sb,
        Cond::Greater => sa > sb,
        Cond::GreaterEqual => sa >= sb,
        Cond::Below => a < b,
        Cond::BelowEqual => a <= b,
        Cond::Above => a > b,
        Cond::AboveEqual => a >= b,
    }
}

#[test]
fn moves() {
    let (mut rig, mut ctx) = rig(1);
    for _ in 0..ROUNDS {
        rig.shuffle(&mut ctx);
        let (dst, a, _) = rig.regs();
        let va = value(&ctx, a);
        rig.check(&mut ctx, "mov", |m, _| m.mov(dst, a), &[(dst, Some(va))], false);
        let imm = rig.random.word();
        rig.check(&mut ctx, "mov_imm", |m, _| m.mov_imm(dst, imm as i64), &[(dst, Some(imm))], false);
        let vd = value(&ctx, dst);
        rig.check(&mut ctx, "swap", |m, _| m.swap(dst, a), &[(dst, Some(va)), (a, Some(vd))], false);
    }
}

#[test]
fn loads_and_stores() {
    let (mut rig, mut ctx) = rig(2);
    for _ in 0..ROUNDS {
        rig.shuffle(&mut ctx);
        let word = rig.random.below(64);
        let mem = rig.mem(&mut ctx, word);
        let (dst, address) = (rig.reg(), &raw const ctx.memory[word] as u64);
        let content = ctx.memory[word];
        rig.check(&mut ctx, "load", |m, _| m.load(dst, mem), &[(dst, Some(content))], false);
        rig.check(&mut ctx, "load_acquire", |m, _| m.load_acquire(dst, mem), &[(dst, Some(content))], false);
        rig.check(&mut ctx, "load32", |m, _| m.load32(dst, mem), &[(dst, Some(content as u32 as u64))], false);
        rig.check(&mut ctx, "load8", |m, _| m.load8(dst, mem), &[(dst, Some(content as u8 as u64))], false);
        rig.check(&mut ctx, "prefetch", |m, _| m.prefetch(mem), &[], false);
        rig.check(&mut ctx, "lea", |m, _| m.lea(dst, mem), &[(dst, Some(address))], false);

        let src = dst;
        rig.check(&mut ctx, "store", |m, _| m.store(mem, src), &[], false);
        assert_eq!(ctx.memory[word], value(&ctx, src), "store");
        ctx.memory[word] = content;
        rig.check(&mut ctx, "store8", |m, _| m.store8(mem, src), &[], false);
        assert_eq!(ctx.memory[word], content & !0xFF | value(&ctx, src) & 0xFF, "store8");
        let imm = rig.random.word() as i32;
        rig.check(&mut ctx, "store_imm", |m, _| m.store_imm(mem, imm), &[], false);
        assert_eq!(ctx.memory[word], imm as i64 as u64, "store_imm");
    }
}

#[test]
fn frame_slots() {
    let (mut rig, mut ctx) = rig(3);
    rig.shuffle(&mut ctx);
    for base in [Host::FP, Host::SP] {
        let (a, b) = (Host::RESULT, Host::CALLEE_SAVED[1]);
        let va = value(&ctx, a);
        let disp = if base == Host::FP { -72 } else { 8 };
        let code = |m: &mut Host, _| {
            m.store(Mem::at(base, disp), a);
            m.load(b, Mem::at(base, disp));
        };
        rig.check(&mut ctx, "slots", code, &[(b, Some(va))], false);
    }
    let a = Host::RESULT;
    rig.check(&mut ctx, "frame", |m, _| m.alu(Alu::Sub, a, Host::FP, Host::SP), &[(a, Some(128))], false);
    let code = |m: &mut Host, _| {
        m.mov(a, Host::SP);
        m.alu(Alu::Add, a, Host::SP, a);
        m.alu(Alu::Sub, a, a, Host::SP);
        m.alu(Alu::Sub, a, a, Host::SP);
    };
    rig.check(&mut ctx, "stack pointer", code, &[(a, Some(0))], false);
}

#[test]
fn cells() {
    let (mut rig, mut ctx) = rig(4);
    let cell = rig.memory.alloc_data(16, 8).expect("data").cast::<u64>();
    let address = cell.as_ptr() as usize;
    for _ in 0..100 {
        rig.shuffle(&mut ctx);
        let (dst, a, _) = rig.regs();
        let word = rig.random.word();
        // SAFETY: the cell is ours.
        unsafe { cell.write(word) };
        rig.check(&mut ctx, "load_cell", |m, _| m.load_cell(dst, address), &[(dst, Some(word))], false);
        for cond in CONDITIONS {
            let taken = holds(cond, value(&ctx, a) << 32, u64::from(word as u32) << 32);
            let code = |m: &mut Host, l| {
                m.mov_imm(Host::SCRATCH, address as i64 - 8);
                m.compare32_mem(a, Mem::at(Host::SCRATCH, 8));
                m.branch(cond, l);
            };
            rig.check(&mut ctx, "compare32_mem", code, &[], taken);
        }
        rig.check(&mut ctx, "store_cell", |m, _| m.store_cell(address, a), &[], false);
        // SAFETY: the cell is ours.
        assert_eq!(unsafe { cell.read() }, value(&ctx, a));
        let code = |m: &mut Host, _| {
            m.mov_imm(Host::SCRATCH, address as i64 + 24);
            m.store_release(Mem::at(Host::SCRATCH, -24), a);
        };
        rig.check(&mut ctx, "store_release", code, &[], false);
        // SAFETY: the cell is ours.
        assert_eq!(unsafe { cell.read() }, value(&ctx, a));
    }
}

#[test]
fn alu() {
    let (mut rig, mut ctx) = rig(5);
    for _ in 0..ROUNDS {
        for op in ALU {
            rig.shuffle(&mut ctx);
            let (dst, a, b) = rig.regs();
            let (va, vb) = (value(&ctx, a), value(&ctx, b));
            let (result, _) = compute(op, va, vb);
            let what = format!("{op:?} {dst:?} {a:?} {b:?}");
            rig.check(&mut ctx, &what, |m, _| m.alu(op, dst, a, b), &[(dst, Some(result))], false);

            let imm = rig.random.word();
            let (result, over) = compute(op, va, imm);
            let what = format!("{op:?} {dst:?} {a:?} {imm:#x}");
            rig.check(&mut ctx, &what, |m, _| m.alu_imm(op, dst, a, imm as i64), &[(dst, Some(result))], false);
            if matches!(op, Alu::Add | Alu::Sub) {
                let code = |m: &mut Host, l| m.alu_imm_overflow(op, dst, a, imm as i64, l);
                rig.check(&mut ctx, &what, code, &[(dst, Some(result))], over);
                let (result, over) = compute(op, va, vb);
                let code = |m: &mut Host, l| m.alu_overflow(op, dst, a, b, l);
                rig.check(&mut ctx, "alu_overflow", code, &[(dst, Some(result))], over);
            }

            let word = rig.random.below(64);
            let mem = rig.mem(&mut ctx, word);
            let (result, _) = compute(op, value(&ctx, a), ctx.memory[word]);
            let what = format!("{op:?} {dst:?} {a:?} {mem:?}");
            rig.check(&mut ctx, &what, |m, _| m.alu_mem(op, dst, a, mem), &[(dst, Some(result))], false);
        }
    }
}

#[test]
fn alu_imm_every_edge() {
    let (mut rig, mut ctx) = rig(6);
    rig.shuffle(&mut ctx);
    let edges = [0, 1, -1, 127, 128, -128, -129, 255, 0xFFF, 0x1000, 0xFFF000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF];
    for imm in edges.into_iter().chain([i32::MIN as i64, i64::MIN, i64::MAX, -8, 0x7FFF_FFFF_FFFF_FFF8]) {
        for op in ALU {
            for (dst, a) in [(Reg(0), Reg(0)), (Reg(1), Reg(2)), (Host::CALLEE_SAVED[2], Host::CALLEE_SAVED[1])] {
                for va in [0, 5, u64::MAX, 1 << 63, i64::MAX as u64] {
                    ctx.regs_in[a.0 as usize] = va;
                    let (result, over) = compute(op, va, imm as u64);
                    let what = format!("{op:?} {dst:?} {a:?} {imm:#x}");
                    rig.check(&mut ctx, &what, |m, _| m.alu_imm(op, dst, a, imm), &[(dst, Some(result))], false);
                    if matches!(op, Alu::Add | Alu::Sub) {
                        let code = |m: &mut Host, l| m.alu_imm_overflow(op, dst, a, imm, l);
                        rig.check(&mut ctx, &what, code, &[(dst, Some(result))], over);
                    }
                }
            }
        }
    }
}

#[test]
fn multiply_and_negate() {
    let (mut rig, mut ctx) = rig(7);
    for _ in 0..ROUNDS {
        rig.shuffle(&mut ctx);
        let (dst, a, b) = rig.regs();
        let (va, vb) = (value(&ctx, a), value(&ctx, b));
        let result = va.wrapping_mul(vb);
        rig.check(&mut ctx, "mul", |m, _| m.mul(dst, a, b), &[(dst, Some(result))], false);
        let over = (va as i64).checked_mul(vb as i64).is_none();
        let result = (!over).then_some(result);
        rig.check(&mut ctx, "mul_overflow", |m, l| m.mul_overflow(dst, a, b, l), &[(dst, result)], over);
        let over = va as i64 == i64::MIN;
        let code = |m: &mut Host, l| m.neg_overflow(dst, a, l);
        rig.check(&mut ctx, "neg", code, &[(dst, (!over).then_some(va.wrapping_neg()))], over);
    }
}

#[test]
fn divide() {
    let (mut rig, mut ctx) = rig(8);
    for _ in 0..ROUNDS {
        rig.shuffle(&mut ctx);
        let (_, a, mut b) = rig.regs();
        let (mut quotient, mut remainder) = (rig.reg(), rig.reg());
        let mut changed = Vec::new();
        if let Some((q, r)) = Host::DIV {
            if rig.random.below(3) > 0 {
                (quotient, remainder) = (q, r);
            }
            while b == q || b == r {
                b = rig.reg();
            }
            changed.extend([(q, None), (r, None)]);
        }
        let (va, vb) = (value(&ctx, a) as i64, value(&ctx, b) as i64);
        let (Some(q), Some(r), true) = (va.checked_div(vb), va.checked_rem(vb), quotient != remainder) else {
            continue;
        };
        changed.retain(|(r, _)| *r != quotient && *r != remainder);
        changed.extend([(quotient, Some(q as u64)), (remainder, Some(r as u64))]);
        let what = format!("{quotient:?} {remainder:?} = {a:?} {b:?}");
        rig.check(&mut ctx, &what, |m, _| m.div_rem(quotient, remainder, a, b), &changed, false);
    }
}

#[test]
fn shifts_and_counts() {
    let (mut rig, mut ctx) = rig(9);
    let compute = |op, a: u64, n: u32| match op {
        Shift::Left => a << n,
        Shift::Right => (a as i64 >> n) as u64,
        Shift::RightLogical => a >> n,
    };
    for _ in 0..2 * ROUNDS {
        for op in [Shift::Left, Shift::Right, Shift::RightLogical] {
            rig.shuffle(&mut ctx);
            let (dst, mut a, mut count) = rig.regs();
            // The machine may have a favourite among the registers: meet it often.
            if rig.random.below(3) == 0 {
                count = Host::ARGS[2];
            }
            if rig.random.below(4) == 0 {
                a = Host::ARGS[2];
            }
            let n = rig.random.below(64) as u8;
            let result = compute(op, value(&ctx, a), n.into());
            rig.check(&mut ctx, "shift_imm", |m, _| m.shift_imm(op, dst, a, n), &[(dst, Some(result))], false);
            let result = compute(op, value(&ctx, a), (value(&ctx, count) & 63) as u32);
            let what = format!("{op:?} {dst:?} {a:?} {count:?}");
            rig.check(&mut ctx, &what, |m, _| m.shift(op, dst, a, count), &[(dst, Some(result))], false);
            let result = value(&ctx, a).count_ones().into();
            rig.check(&mut ctx, "popcount", |m, _| m.popcount(dst, a), &[(dst, Some(result))], false);
        }
    }
}

#[test]
fn comparisons() {
    let (mut rig, mut ctx) = rig(10);
    for round in 0..ROUNDS {
        rig.shuffle(&mut ctx);
        let cond = CONDITIONS[round % 10];
        let (dst, a, b) = rig.regs();
        if rig.random.below(3) == 0 {
            ctx.regs_in[b.0 as usize] = value(&ctx, a);
        }
        let (va, vb) = (value(&ctx, a), value(&ctx, b));
        let taken = holds(cond, va, vb);
        let code = |m: &mut Host, l| {
            m.compare(a, b);
            m.branch(cond, l);
        };
        rig.check(&mut ctx, "compare", code, &[], taken);
        let code = |m: &mut Host, l| {
            m.compare(a, b);
            m.set(cond, dst);
            m.branch(cond, l);
        };
        rig.check(&mut ctx, "set", code, &[(dst, Some(taken as u64))], taken);

        let imm = if rig.random.below(3) == 0 { va } else { rig.random.word() };
        let code = |m: &mut Host, l| {
            m.compare_imm(a, imm as i64);
            m.branch(cond, l);
        };
        rig.check(&mut ctx, "compare_imm", code, &[], holds(cond, va, imm));

        let word = rig.random.below(64);
        let mem = rig.mem(&mut ctx, word);
        let (va, content) = (value(&ctx, a), ctx.memory[word]);
        let code = |m: &mut Host, l| {
            m.compare_mem(a, mem);
            m.branch(cond, l);
        };
        rig.check(&mut ctx, "compare_mem", code, &[], holds(cond, va, content));
        let imm = if rig.random.below(3) == 0 { content } else { rig.random.word() } as u32;
        let code = |m: &mut Host, l| {
            m.compare_mem32_imm(mem, imm);
            m.branch(cond, l);
        };
        rig.check(&mut ctx, "compare_mem32_imm", code, &[], holds(cond, content << 32, u64::from(imm) << 32));
        let (imm, cond) =
            (1 << rig.random.below(8), if rig.random.below(2) == 0 { Cond::Equal } else { Cond::NotEqual });
        let code = |m: &mut Host, l| {
            m.test_mem8_imm(mem, imm);
            m.branch(cond, l);
        };
        let clear = content & u64::from(imm) == 0;
        rig.check(&mut ctx, "test_mem8_imm", code, &[], clear == (cond == Cond::Equal));
    }
}

#[test]
fn tests_of_bits() {
    let (mut rig, mut ctx) = rig(11);
    for round in 0..ROUNDS {
        rig.shuffle(&mut ctx);
        let cond = CONDITIONS[round % 2];
        let (_, a, b) = rig.regs();
        let (va, vb) = (value(&ctx, a), value(&ctx, b));
        let imm = if round % 3 == 0 { 1 << rig.random.below(64) } else { rig.random.word() };
        let code = |m: &mut Host, l| {
            m.test_imm(a, imm as i64);
            m.branch(cond, l);
        };
        rig.check(&mut ctx, "test_imm", code, &[], (va & imm == 0) == (cond == Cond::Equal));
        let code = |m: &mut Host, l| {
            m.test(a, b);
            m.branch(cond, l);
        };
        rig.check(&mut ctx, "test", code, &[], (va & vb == 0) == (cond == Cond::Equal));
    }
}

#[test]
fn moves_leave_the_flags() {
    let (mut rig, mut ctx) = rig(12);
    let cell = rig.memory.alloc_data(8, 8).expect("data").as_ptr() as usize;
    for _ in 0..ROUNDS {
        rig.shuffle(&mut ctx);
        let (a, b) = (Reg(0), Reg(1));
        let (va, vb) = (value(&ctx, a), value(&ctx, b));
        let cond = CONDITIONS[rig.random.below(10)];
        let mem = ctx_mem(offset_of!(Ctx, memory) + 8);
        let taken = holds(cond, va, vb);
        let (f, g) = (Host::FLOATS[0], Host::FLOATS[1]);
        rig.run(&mut ctx, |m, l| {
            m.compare(a, b);
            m.fload(f, mem);
            m.fmov(g, f);
            m.fmov_imm(f, 0.0);
            m.fmov_imm(f, 1.1);
            for op in [Falu::Add, Falu::Sub, Falu::Mul, Falu::Div] {
                m.falu(op, f, g, f);
            }
            m.fsqrt(f, g);
            m.fneg(f, f);
            m.fabs(f, f);
            m.fround(Round::Floor, f, f);
            m.float_to_int(b, f);
            m.int_to_float(f, b);
            m.fstore(mem, f);
            m.store(mem, b);
            m.store_imm(mem, 0x1234567);
            m.load(b, mem);
            m.lea(b, mem);
            m.mov(b, a);
            m.mov_imm(b, 0);
            m.mov_imm(b, -1);
            m.mov_imm(b, i64::MAX);
            m.swap(a, b);
            m.store_cell(cell, b);
            m.load_cell(b, cell);
            m.store8(ctx_mem(offset_of!(Ctx, memory)), b);
            m.load8(b, ctx_mem(offset_of!(Ctx, memory)));
            m.load32(b, ctx_mem(offset_of!(Ctx, memory)));
            m.branch(cond, l);
        });
        assert_eq!(ctx.taken == 1, taken, "{cond:?} {:x?}", ctx.regs_in);
    }
}

#[test]
fn stack_limit() {
    let (rig, mut ctx) = rig(13);
    let disp = offset_of!(Ctx, exception) as i32;
    for (limit, taken) in [(0, false), (u64::MAX, true), (1 << 16, false)] {
        ctx.exception = limit;
        rig.check(&mut ctx, "limit", |m, l| m.branch_stack_limit(disp, l), &[], taken);
    }
    // At the limit exactly.
    let code = |m: &mut Host, l| {
        m.mov(Reg(0), Host::SP);
        m.store(Mem::at(Host::CTX, disp), Reg(0));
        m.branch_stack_limit(disp, l);
    };
    rig.check(&mut ctx, "limit", code, &[(Reg(0), None)], true);
}

#[test]
fn loops_and_distances() {
    let (rig, mut ctx) = rig(14);
    // Backward branches of many lengths, short and long, and forward ones across the same distance.
    for padding in (0..150).chain([1000, 40_000, 300_000]) {
        let (i, sum) = (Host::CALLEE_SAVED[0], Host::CALLEE_SAVED[1]);
        ctx.regs_in[i.0 as usize] = 10;
        ctx.regs_in[sum.0 as usize] = 0;
        let code = |m: &mut Host, _| {
            let (head, done) = (m.label(), m.label());
            m.align_loop();
            m.bind(head);
            m.compare_imm(i, 0);
            m.branch(Cond::Equal, done);
            m.alu(Alu::Add, sum, sum, i);
            for _ in 0..padding {
                m.mov(Reg(0), Reg(1));
            }
            m.alu_imm(Alu::Sub, i, i, 1);
            if padding % 2 == 0 {
                m.jump(head);
            } else {
                m.compare_imm(i, 0);
                m.branch(Cond::NotEqual, head);
            }
            m.bind(done);
        };
        rig.check(&mut ctx, "loop", code, &[(i, Some(0)), (sum, Some(55)), (Reg(0), None)], false);
    }
}

#[test]
fn rollback() {
    let (rig, mut ctx) = rig(15);
    let (a, b) = (Host::CALLEE_SAVED[0], Host::CALLEE_SAVED[1]);
    ctx.regs_in[a.0 as usize] = 3;
    let cell = rig.memory.alloc_data(8, 8).expect("data").as_ptr() as usize;
    let code = |m: &mut Host, taken| {
        let (early, later) = (m.label(), m.label());
        m.keep_comments(true);
        m.comment(|| "kept".into());
        m.compare_imm(a, 3);
        m.branch(Cond::Equal, later);
        m.bind(early);
        let mark = m.mark();
        let at = m.offset();
        for _ in 0..3 {
            // Everything here is to vanish, the binding of `later` included.
            let inner = m.label();
            m.comment(|| "gone".into());
            m.trap();
            m.bind(later);
            m.load_cell(b, cell);
            m.jump(inner);
            m.branch(Cond::Equal, early);
            m.bind(inner);
            m.prologue(3);
            m.rollback(&mark);
            assert_eq!(m.offset(), at);
            assert_eq!(m.position(later), None);
            assert_eq!(m.position(early), Some(at));
        }
        m.mov_imm(b, 1);
        m.bind(later);
        assert_eq!(m.position(later), Some(m.offset()));
        m.mov_imm(b, 7);
        m.compare_imm(b, 7);
        m.branch(Cond::Equal, taken);
    };
    rig.check(&mut ctx, "rollback", code, &[(b, Some(7))], true);

    let mut masm = Host::new();
    masm.keep_comments(true);
    masm.comment(|| "one".into());
    let mark = masm.mark();
    masm.trap();
    masm.comment(|| "two".into());
    masm.jump_code(0);
    masm.rollback(&mark);
    let code = masm.finish().expect("finish");
    assert!(code.code.is_empty() && code.absolute.is_empty());
    assert_eq!(code.comments, [(0, "one".to_string())]);
}
