//! Comparisons of short texts, which whoever reads a text character by character lives on.

use super::Stub;
use crate::asm::masm::{Alu, Cond, MacroAssembler, Mem, Shift};
use crate::object::Word;
use crate::object::layout::{self, slot_disp};

/// `(a, b)`: a Bool. The order of texts is that of their UTF-8 bytes, which is that of their code points.
pub fn comparison<M: MacroAssembler>(stub: &mut Stub<M>, cond: Cond) {
    let (a, b, x, y) = (M::ARGS[0], M::ARGS[1], M::ARGS[2], M::ARGS[3]);
    stub.check(a, layout::STRING);
    stub.check(b, layout::STRING);
    if cond != Cond::Equal {
        stub.unless_extended(x);
    }
    stub.asm.load(x, Mem::at(a, slot_disp(layout::STRING_SIZES)));
    stub.asm.load(y, Mem::at(b, slot_disp(layout::STRING_SIZES)));
    if cond != Cond::Equal {
        // Both of one character that is one byte.
        for size in [x, y] {
            stub.asm.alu_imm(Alu::Sub, size, size, 1 << 32 | 1);
        }
        stub.asm.alu(Alu::Or, x, x, y);
        stub.asm.compare_imm(x, 0);
        stub.asm.branch(Cond::NotEqual, stub.slow);
        stub.asm.load8(x, Mem::at(a, slot_disp(layout::STRING_BYTES)));
        stub.asm.load8(y, Mem::at(b, slot_disp(layout::STRING_BYTES)));
        stub.asm.compare(x, y);
        return stub.give_bool(cond);
    }
    // Other numbers of characters or bytes: other texts. The words of equal ones are equal, what pads the last one too.
    let (next, differ) = (stub.asm.label(), stub.asm.label());
    stub.asm.compare(x, y);
    stub.asm.branch(Cond::NotEqual, differ);
    let (at, word) = (M::ARGS[4], M::RESULT);
    stub.asm.load32(x, Mem::at(a, slot_disp(layout::STRING_SIZES)));
    stub.asm.alu_imm(Alu::Add, x, x, 7);
    stub.asm.shift_imm(Shift::RightLogical, x, x, 3);
    stub.asm.mov_imm(at, 0);
    let equal = stub.asm.label();
    stub.asm.bind(next);
    stub.asm.compare(at, x);
    stub.asm.branch(Cond::Equal, equal);
    stub.asm.load(word, Mem::indexed(a, at, 3, slot_disp(layout::STRING_BYTES)));
    stub.asm.load(y, Mem::indexed(b, at, 3, slot_disp(layout::STRING_BYTES)));
    stub.asm.alu_imm(Alu::Add, at, at, 1);
    stub.asm.compare(word, y);
    stub.asm.branch(Cond::Equal, next);
    stub.asm.bind(differ);
    stub.give(Word::FALSE);
    stub.asm.bind(equal);
    stub.give(Word::TRUE);
}
