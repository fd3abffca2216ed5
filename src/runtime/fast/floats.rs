//! Arithmetic and comparisons of what nobody could foresee to be Floats.

use super::Stub;
use crate::asm::masm::{Alu, Cond, FCond, FReg, Falu, MacroAssembler};
use crate::gc::Word;
use crate::gc::word::FLOAT_BIT;

/// The two arguments as raw floats: both self-tagged Floats.
fn two_floats<M: MacroAssembler>(stub: &mut Stub<M>) -> (FReg, FReg) {
    let (a, b) = (M::FLOATS[0], M::FLOATS[1]);
    stub.asm.alu(Alu::And, M::RESULT, M::ARGS[0], M::ARGS[1]);
    stub.asm.test_imm(M::RESULT, FLOAT_BIT as i64);
    stub.asm.branch(Cond::Equal, stub.slow);
    stub.asm.untag_float(a, M::ARGS[0]);
    stub.asm.untag_float(b, M::ARGS[1]);
    (a, b)
}

/// `(a, b)`: a Float that need not be boxed.
pub(super) fn operation<M: MacroAssembler>(stub: &mut Stub<M>, op: Falu) {
    let (a, b) = two_floats(stub);
    stub.asm.falu(op, a, a, b);
    stub.asm.tag_float(M::RESULT, a, stub.slow);
    stub.asm.ret();
}

/// `(a, b)`: a Bool.
pub(super) fn comparison<M: MacroAssembler>(stub: &mut Stub<M>, cond: FCond) {
    let (a, b) = two_floats(stub);
    let no = stub.asm.label();
    stub.asm.branch_float(cond, a, b, false, no);
    stub.asm.mov_imm(M::RESULT, Word::TRUE.0 as i64);
    stub.asm.ret();
    stub.asm.bind(no);
    stub.asm.mov_imm(M::RESULT, Word::FALSE.0 as i64);
    stub.asm.ret();
}
