//! What a word is, what an object is, and room for another one.
//!
//! Owns the sequences for these questions. Each leaves the word where it is.

use crate::asm::masm::{Cond, Label, MacroAssembler, Mem, Reg};
use crate::gc::thread::{OFFSET_TLAB_CURSOR, OFFSET_TLAB_LIMIT};
use crate::object::layout::{HEADER_DISP, LayoutId, header_low};
use crate::object::word::{TAG_FUNCTION, TAG_MASK, TAG_OBJECT};

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

/// To `other` unless the word is an inline Int.
pub fn branch_unless_int<M: MacroAssembler>(asm: &mut M, word: Reg, other: Label) {
    asm.test_imm(word, TAG_MASK as i64);
    asm.branch(Cond::NotEqual, other);
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
