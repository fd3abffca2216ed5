//! Arithmetic and comparisons of what nobody could foresee to be Floats, and the smallest and largest of a few numbers.

use super::Stub;
use crate::asm::masm::{Alu, Cond, FCond, FReg, Falu, MacroAssembler, Shift};
use crate::emit::objects;
use crate::object::Word;
use crate::object::word::{INT_SHIFT, TAG_MASK};

/// The two arguments as raw floats: both self-tagged Floats.
fn two_floats<M: MacroAssembler>(stub: &mut Stub<M>) -> (FReg, FReg) {
    let (a, b) = (M::FLOATS[0], M::FLOATS[1]);
    stub.asm.alu(Alu::And, M::RESULT, M::ARGS[0], M::ARGS[1]);
    objects::branch_unless_float(&mut stub.asm, M::RESULT, stub.slow);
    stub.asm.untag_float(a, M::ARGS[0]);
    stub.asm.untag_float(b, M::ARGS[1]);
    (a, b)
}

/// `(a, b)`: a Float that need not be boxed.
pub fn operation<M: MacroAssembler>(stub: &mut Stub<M>, op: Falu) {
    let (a, b) = two_floats(stub);
    stub.asm.falu(op, a, a, b);
    stub.asm.tag_float(M::RESULT, a, stub.slow);
    stub.asm.ret();
}

/// `(a, b)`: a Bool.
pub fn comparison<M: MacroAssembler>(stub: &mut Stub<M>, cond: FCond) {
    let (a, b) = two_floats(stub);
    let no = stub.asm.label();
    stub.asm.branch_float(cond, a, b, false, no);
    stub.give(Word::TRUE);
    stub.asm.bind(no);
    stub.give(Word::FALSE);
}

/// `(a, b)` or `(a, b, c)`, which are inline Ints: the first of those that are less (or greater) than all before them.
pub fn extreme<M: MacroAssembler>(stub: &mut Stub<M>, argc: usize, better: Cond) {
    stub.asm.alu(Alu::Or, M::RESULT, M::ARGS[0], M::ARGS[1]);
    if argc > 2 {
        stub.asm.alu(Alu::Or, M::RESULT, M::RESULT, M::ARGS[2]);
    }
    let others = stub.asm.label();
    objects::branch_unless_int(&mut stub.asm, M::RESULT, others);
    stub.asm.mov(M::RESULT, M::ARGS[0]);
    for &candidate in &M::ARGS[1..argc] {
        let keep = stub.asm.label();
        stub.asm.compare(candidate, M::RESULT);
        stub.asm.branch(better.negate(), keep);
        stub.asm.mov(M::RESULT, candidate);
        stub.asm.bind(keep);
    }
    stub.asm.ret();
    stub.asm.bind(others);
    if argc == 2 {
        // Of two Floats that are neither equal nor NaN.
        let (a, b) = two_floats(stub);
        let second = stub.asm.label();
        let cond = if better == Cond::Less { FCond::Less } else { FCond::Greater };
        stub.asm.branch_float(cond, b, a, true, second);
        stub.asm.branch_float(cond, a, b, false, stub.slow);
        stub.asm.mov(M::RESULT, M::ARGS[0]);
        stub.asm.ret();
        stub.asm.bind(second);
        stub.asm.mov(M::RESULT, M::ARGS[1]);
        stub.asm.ret();
    } else {
        stub.asm.jump(stub.slow);
    }
}

/// `(x, low, high)`, which are inline Ints: `x`, or the bound that it lies beyond.
pub fn clamp<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (x, low, high) = (M::ARGS[0], M::ARGS[1], M::ARGS[2]);
    let asm = &mut stub.asm;
    asm.alu(Alu::Or, M::RESULT, x, low);
    asm.alu(Alu::Or, M::RESULT, M::RESULT, high);
    objects::branch_unless_int(asm, M::RESULT, stub.slow);
    asm.compare(low, high);
    asm.branch(Cond::Greater, stub.slow);
    for (bound, beyond) in [(low, Cond::Less), (high, Cond::Greater)] {
        let within = asm.label();
        asm.compare(x, bound);
        asm.branch(beyond.negate(), within);
        asm.mov(M::RESULT, bound);
        asm.ret();
        asm.bind(within);
    }
    asm.mov(M::RESULT, x);
    asm.ret();
}

/// `(n)`, an inline Int: how many bits of it are set.
pub fn popcount<M: MacroAssembler>(stub: &mut Stub<M>) {
    let asm = &mut stub.asm;
    asm.test_imm(M::ARGS[0], TAG_MASK as i64);
    asm.branch(Cond::NotEqual, stub.slow);
    asm.shift_imm(Shift::Right, M::RESULT, M::ARGS[0], INT_SHIFT as u8);
    asm.popcount(M::RESULT, M::RESULT);
    asm.shift_imm(Shift::Left, M::RESULT, M::RESULT, INT_SHIFT as u8);
    asm.ret();
}
