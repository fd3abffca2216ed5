//! What a word is, what an object is, and room for another one.
//!
//! Owns the sequences for these questions. Each leaves the word where it is.

use crate::asm::masm::{Alu, Cond, FReg, Label, MacroAssembler, Mem, Reg, Shift};
use crate::gc::mutator::thread::{OFFSET_TLAB_CURSOR, OFFSET_TLAB_LIMIT};
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::object::layout::{
    self, BYTES_CONTENT, HEADER_DISP, LayoutId, STRING_BASE, STRING_BYTES, STRING_SIZES, header_low, slot_disp,
};
use crate::object::word::{FLOAT_BIT, INT_SHIFT, TAG_FUNCTION, TAG_MASK, TAG_OBJECT};

/// Flags: `Equal` when the word is a pointer to an object that is no function.
pub fn test_object<M: MacroAssembler>(asm: &mut M, word: Reg) {
    asm.scratch().lea(Mem::at(word, -(TAG_OBJECT as i32))).test_mask(TAG_MASK as u32);
}

/// Flags: `Equal` when the word is a function.
pub fn test_function<M: MacroAssembler>(asm: &mut M, word: Reg) {
    asm.scratch().lea(Mem::at(word, -(TAG_FUNCTION as i32))).test_mask(TAG_MASK as u32);
}

/// To `other` unless the word is a pointer to an object that is no function.
pub fn branch_unless_object<M: MacroAssembler>(asm: &mut M, word: Reg, other: Label) {
    test_object(asm, word);
    asm.branch(Cond::NotEqual, other);
}

/// Flags: `Equal` when the word is an inline Int.
pub fn test_int<M: MacroAssembler>(asm: &mut M, word: Reg) {
    asm.test_imm(word, TAG_MASK as i64);
}

/// To `other` unless the word is an inline Int.
pub fn branch_unless_int<M: MacroAssembler>(asm: &mut M, word: Reg, other: Label) {
    test_int(asm, word);
    asm.branch(Cond::NotEqual, other);
}

/// To `other` unless both words are inline Ints.
pub fn branch_unless_ints<M: MacroAssembler>(asm: &mut M, a: Reg, b: Reg, other: Label) {
    if a == b {
        return branch_unless_int(asm, a, other);
    }
    asm.scratch().alu(Alu::Or, a, b).test_mask(TAG_MASK as u32);
    asm.branch(Cond::NotEqual, other);
}

/// Flags: `NotEqual` when the word is a Float that is not boxed.
pub fn test_float<M: MacroAssembler>(asm: &mut M, word: Reg) {
    asm.test_imm(word, FLOAT_BIT as i64);
}

/// To `other` unless the word is a Float that is not boxed.
pub fn branch_unless_float<M: MacroAssembler>(asm: &mut M, word: Reg, other: Label) {
    test_float(asm, word);
    asm.branch(Cond::Equal, other);
}

/// The Float that the word is, raw; to `other` unless it is one that is not boxed.
pub fn raw_float<M: MacroAssembler>(asm: &mut M, dst: FReg, word: Reg, other: Label) {
    branch_unless_float(asm, word, other);
    asm.untag_float(dst, word);
}

/// `class =` the low half of an object's header, which says its layout.
pub fn load_class<M: MacroAssembler>(asm: &mut M, class: Reg, object: Reg) {
    asm.load32(class, Mem::at(object, HEADER_DISP));
}

/// `class =` what [`load_class`] would give if a word that is no object had a header; then to `found`.
pub fn classify<M: MacroAssembler>(asm: &mut M, class: Reg, word: Reg, found: Label) {
    let is = |asm: &mut M, id: LayoutId| asm.mov_imm(class, header_low(id) as i64);
    is(asm, layout::INT);
    test_int(asm, word);
    asm.branch(Cond::Equal, found);
    is(asm, layout::FLOAT);
    test_float(asm, word);
    asm.branch(Cond::NotEqual, found);
    is(asm, layout::NULL);
    asm.compare_imm(word, Word::NULL.0 as i64);
    asm.branch(Cond::Equal, found);
    is(asm, layout::BOOL);
    asm.compare_imm(word, Word::TRUE.0 as i64);
    asm.branch(Cond::Equal, found);
    if !mutated(Mutation::FalseIsKeyword) {
        asm.compare_imm(word, Word::FALSE.0 as i64);
        asm.branch(Cond::Equal, found);
    }
    // Of the words that are left only functions have it.
    is(asm, layout::CLOSURE);
    asm.test_imm(word, 1);
    asm.branch(Cond::NotEqual, found);
    is(asm, layout::KEYWORD);
    asm.jump(found);
}

/// Flags: `Equal` when the object has this layout.
pub fn compare_layout<M: MacroAssembler>(asm: &mut M, object: Reg, layout: LayoutId) {
    asm.compare_mem32_imm(Mem::at(object, HEADER_DISP), header_low(layout));
}

/// To `other` unless the object has this layout.
pub fn branch_unless_layout<M: MacroAssembler>(asm: &mut M, object: Reg, layout: LayoutId, other: Label) {
    compare_layout(asm, object, layout);
    asm.branch(Cond::NotEqual, other);
}

/// `dst =` the address of fresh memory up to `after`, which is counted from `dst`; to `full` when the thread's buffer has not so much.
/// `end` is lost.
pub fn allocate<M: MacroAssembler>(asm: &mut M, dst: Reg, end: Reg, after: Mem, full: Label) {
    assert_ne!(dst, end, "on ARM64 one register has two roles here");
    asm.load(dst, Mem::at(M::CTX, OFFSET_TLAB_CURSOR));
    asm.lea(end, after);
    asm.compare_mem(end, Mem::at(M::CTX, OFFSET_TLAB_LIMIT));
    asm.branch(Cond::Above, full);
    asm.store(Mem::at(M::CTX, OFFSET_TLAB_CURSOR), end);
}

/// `dst =` the byte, as an untagged number, at an index, an Int, of a text of this layout (STRING or STRING_PREFIX) that is ASCII; to
/// `other` with a text that is not, and where it has no such character. `at` is lost.
pub fn load_ascii<M: MacroAssembler>(
    asm: &mut M,
    (text, layout): (Reg, LayoutId),
    index: Reg,
    (dst, at): (Reg, Reg),
    other: Label,
) {
    asm.load(dst, Mem::at(text, slot_disp(STRING_SIZES)));
    asm.load32(at, Mem::at(text, slot_disp(STRING_SIZES)));
    asm.shift_imm(Shift::RightLogical, dst, dst, 32);
    asm.compare(dst, at);
    asm.branch(Cond::NotEqual, other);
    // A negative index is a large one.
    asm.shift_imm(Shift::RightLogical, at, index, INT_SHIFT as u8);
    asm.compare(at, dst);
    asm.branch(Cond::AboveEqual, other);
    let mut holder = text;
    if layout == layout::STRING_PREFIX {
        // The bytes lie in a BYTES object, behind as many words as in a STRING.
        holder = dst;
        asm.load(holder, Mem::at(text, slot_disp(STRING_BASE)));
    }
    const _: () = assert!(STRING_BYTES == BYTES_CONTENT);
    asm.load8(dst, Mem::indexed(holder, at, 0, slot_disp(STRING_BYTES)));
}
