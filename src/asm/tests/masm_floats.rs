//! Floats.

use super::*;

const ROUNDS: usize = 600;

/// Runs `emit`, expects `dst` to hold `expected` and all else to be as before.
fn check(rig: &Rig, ctx: &mut Ctx, what: &str, emit: impl FnOnce(&mut Host, Label), dst: FReg, expected: f64) {
    rig.run(ctx, emit);
    for f in Host::FLOATS {
        let f = f.0 as usize;
        let out = ctx.floats_out[f];
        if f == dst.0 as usize {
            let same = out == expected.to_bits() || (expected.is_nan() && f64::from_bits(out).is_nan());
            assert!(same, "{what}: {:?} for {expected:?}", f64::from_bits(out));
        } else {
            assert_eq!(out, ctx.floats_in[f], "{what}: float {f} is clobbered");
        }
    }
    for r in registers() {
        assert_eq!(ctx.regs_out[r.0 as usize], ctx.regs_in[r.0 as usize], "{what}: {r:?} is clobbered");
    }
}

fn fregs(rig: &mut Rig) -> (FReg, FReg, FReg) {
    let (x, y, z) = (rig.freg(), rig.freg(), rig.freg());
    match rig.random.below(6) {
        0 => (x, x, y),
        1 => (x, y, x),
        2 => (x, y, y),
        3 => (x, x, x),
        _ => (x, y, z),
    }
}

#[test]
fn arithmetic() {
    let (mut rig, mut ctx) = (Rig::new(21, 0), Ctx::new());
    for _ in 0..ROUNDS {
        rig.shuffle(&mut ctx);
        let (dst, a, b) = fregs(&mut rig);
        let value = |r: FReg| f64::from_bits(ctx.floats_in[r.0 as usize]);
        let (va, vb) = (value(a), value(b));
        for (op, result) in [(Falu::Add, va + vb), (Falu::Sub, va - vb), (Falu::Mul, va * vb), (Falu::Div, va / vb)] {
            check(&rig, &mut ctx, "falu", |m, _| m.falu(op, dst, a, b), dst, result);
        }
        check(&rig, &mut ctx, "fsqrt", |m, _| m.fsqrt(dst, a), dst, va.sqrt());
        check(&rig, &mut ctx, "fneg", |m, _| m.fneg(dst, a), dst, -va);
        check(&rig, &mut ctx, "fabs", |m, _| m.fabs(dst, a), dst, va.abs());
        check(&rig, &mut ctx, "floor", |m, _| m.fround(Round::Floor, dst, a), dst, va.floor());
        check(&rig, &mut ctx, "ceil", |m, _| m.fround(Round::Ceil, dst, a), dst, va.ceil());
        check(&rig, &mut ctx, "trunc", |m, _| m.fround(Round::Truncate, dst, a), dst, va.trunc());
        check(&rig, &mut ctx, "fmov", |m, _| m.fmov(dst, a), dst, va);
        let imm = rig.random.float();
        check(&rig, &mut ctx, "fmov_imm", |m, _| m.fmov_imm(dst, imm), dst, imm);
    }
}

#[test]
fn memory_and_conversion() {
    let (mut rig, mut ctx) = (Rig::new(22, 0), Ctx::new());
    for _ in 0..ROUNDS {
        rig.shuffle(&mut ctx);
        let word = rig.random.below(64);
        let mem = rig.mem(&mut ctx, word);
        let (f, r) = (rig.freg(), rig.reg());
        let content = f64::from_bits(ctx.memory[word]);
        check(&rig, &mut ctx, "fload", |m, _| m.fload(f, mem), f, content);
        let int = ctx.regs_in[r.0 as usize] as i64;
        check(&rig, &mut ctx, "int_to_float", |m, _| m.int_to_float(f, r), f, int as f64);
        check(&rig, &mut ctx, "bits_float", |m, _| m.bits_float(f, r), f, f64::from_bits(int as u64));
        let bits = ctx.floats_in[f.0 as usize];
        rig.check(&mut ctx, "float_bits", |m, _| m.float_bits(r, f), &[(r, Some(bits))], false);
        let value = f64::from_bits(bits);
        if value.abs() < 9e18 {
            let result = value as i64 as u64;
            rig.check(&mut ctx, "float_to_int", |m, _| m.float_to_int(r, f), &[(r, Some(result))], false);
        }
        rig.check(&mut ctx, "fstore", |m, _| m.fstore(mem, f), &[], false);
        assert_eq!(ctx.memory[word], bits);
    }
}

#[test]
fn branches() {
    let (mut rig, mut ctx) = (Rig::new(23, 0), Ctx::new());
    for round in 0..4 * ROUNDS {
        rig.shuffle(&mut ctx);
        let (_, a, b) = fregs(&mut rig);
        if rig.random.below(4) == 0 {
            ctx.floats_in[b.0 as usize] = ctx.floats_in[a.0 as usize];
        }
        let (va, vb) = (f64::from_bits(ctx.floats_in[a.0 as usize]), f64::from_bits(ctx.floats_in[b.0 as usize]));
        let (cond, holds) = match round % 6 {
            0 => (FCond::Equal, va == vb),
            1 => (FCond::NotEqual, va != vb),
            2 => (FCond::Less, va < vb),
            3 => (FCond::LessEqual, va <= vb),
            4 => (FCond::Greater, va > vb),
            _ => (FCond::GreaterEqual, va >= vb),
        };
        for when in [true, false] {
            let code = |m: &mut Host, l| m.branch_float(cond, a, b, when, l);
            rig.check(&mut ctx, &format!("{va} {cond:?} {vb}"), code, &[], holds == when);
        }
    }
}

#[test]
fn tags() {
    let (mut rig, mut ctx) = (Rig::new(24, 0), Ctx::new());
    for _ in 0..2 * ROUNDS {
        rig.shuffle(&mut ctx);
        let (f, r) = (rig.freg(), rig.reg());
        let bits = ctx.floats_in[f.0 as usize];
        let word = bits.rotate_left(4).wrapping_add(3);
        let boxed = word & 2 == 0;
        let code = |m: &mut Host, l| m.tag_float(r, f, l);
        rig.check(&mut ctx, "tag", code, &[(r, (!boxed).then_some(word))], boxed);
        if !boxed {
            ctx.regs_in[r.0 as usize] = word;
            check(&rig, &mut ctx, "untag", |m, _| m.untag_float(f, r), f, f64::from_bits(bits));
        }
    }
}
