//! Where the elements of a persistent vector lie: the ways from an index to the NODE that has the element.
//!
//! Owns these ways. An index is an Int that stays where it is; registers in which nothing is kept are told by what is found in them.

use crate::asm::masm::{Alu, Cond, Label, MacroAssembler, Mem, Reg, Shift};
use crate::mutations::{Mutation, mutated};
use crate::object::collections::{VECTOR_SHIFT_MASK, VECTOR_SKIP_SHIFT};
use crate::object::layout::{
    ARRAY_ELEMENTS, ARRAY_LENGTH, VECTOR_BITS, VECTOR_COUNT, VECTOR_ROOT, VECTOR_SHAPE, VECTOR_TAIL, VECTOR_WIDTH,
    slot_disp,
};
use crate::object::word::INT_SHIFT;

/// [`leaf`] knows trees of so many levels of nodes above their leaves: a million elements.
const LEVELS: usize = 3;

/// The bits of an index that say where in a node an element or a child is, as the tagged index has them when they are lowest.
const DIGIT: i64 = ((VECTOR_WIDTH - 1) << INT_SHIFT) as i64;

/// The tail, in `node`, and, in `at`, the place of the element in it: to `outside` where the vector has no such element, to `in_tree`
/// where it is not in the tail.
pub fn in_tail<M: MacroAssembler>(
    asm: &mut M,
    (vector, index): (Reg, Reg),
    (node, at): (Reg, Reg),
    outside: Label,
    in_tree: Label,
) {
    asm.load(at, Mem::at(vector, slot_disp(VECTOR_COUNT)));
    asm.load(node, Mem::at(vector, slot_disp(VECTOR_TAIL)));
    asm.compare(index, at);
    asm.branch(Cond::AboveEqual, outside);
    asm.alu_mem(Alu::Sub, at, at, Mem::at(node, slot_disp(ARRAY_LENGTH)));
    asm.compare(index, at);
    asm.branch(Cond::Below, in_tree);
    asm.alu(Alu::Sub, at, index, at);
}

/// The same for an element that is among the first [`VECTOR_WIDTH`]: where there is a tree, it is in there. `count` is lost.
pub fn first_in_tail<M: MacroAssembler>(
    asm: &mut M,
    (vector, n): (Reg, usize),
    (node, count): (Reg, Reg),
    outside: Label,
    in_tree: Label,
) {
    asm.load(count, Mem::at(vector, slot_disp(VECTOR_COUNT)));
    asm.load(node, Mem::at(vector, slot_disp(VECTOR_TAIL)));
    asm.compare_imm(count, (n << INT_SHIFT) as i64);
    asm.branch(Cond::BelowEqual, outside);
    asm.compare_mem(count, Mem::at(node, slot_disp(ARRAY_LENGTH)));
    if !mutated(Mutation::TreeTakenForTail) {
        asm.branch(Cond::NotEqual, in_tree);
    }
}

/// `at =` the place of a position in a node that has so many levels of nodes and leaves below.
pub fn place<M: MacroAssembler>(asm: &mut M, at: Reg, position: Reg, level: usize) {
    match level {
        0 => asm.alu_imm(Alu::And, at, position, DIGIT),
        _ => {
            asm.shift_imm(Shift::RightLogical, at, position, (level * VECTOR_BITS) as u8);
            asm.alu_imm(Alu::And, at, at, DIGIT);
        }
    }
}

/// `dst =` the word at such a place.
pub fn word_at<M: MacroAssembler>(asm: &mut M, dst: Reg, node: Reg, at: Reg) {
    asm.load(dst, Mem::indexed(node, at, 0, slot_disp(ARRAY_ELEMENTS)));
}

/// `dst =` the word at a place that is known.
pub fn known_word<M: MacroAssembler>(asm: &mut M, dst: Reg, node: Reg, at: usize) {
    asm.load(dst, Mem::at(node, slot_disp(ARRAY_ELEMENTS + at)));
}

/// The leaf in the tree, in `node`, that has an index, or the first leaf; `at` is lost. To `other` where the tree has more than
/// [`LEVELS`] levels, and where the vector skips elements of it, which the same word says.
pub fn leaf<M: MacroAssembler>(asm: &mut M, vector: Reg, index: Option<Reg>, (node, at): (Reg, Reg), other: Label) {
    let labels: [Label; LEVELS] = std::array::from_fn(|_| asm.label());
    asm.load(node, Mem::at(vector, slot_disp(VECTOR_ROOT)));
    asm.load(at, Mem::at(vector, slot_disp(VECTOR_SHAPE)));
    for (k, label) in labels.iter().enumerate() {
        asm.compare_imm(at, (((k + 1) * VECTOR_BITS) << INT_SHIFT) as i64);
        asm.branch(Cond::Equal, *label);
    }
    asm.jump(other);
    for (k, label) in labels.iter().enumerate().rev() {
        asm.bind(*label);
        match index {
            Some(index) => {
                place(asm, at, index, k + 1);
                word_at(asm, node, node, at);
            }
            None => known_word(asm, node, node, 0),
        }
    }
}

/// The leaf in a tree of any height, in `node`, that has an index, and, in `at`, the place of the element in it. Elements that the vector
/// skips count, too. `level` and `position` are lost.
pub fn any_leaf<M: MacroAssembler>(
    asm: &mut M,
    (vector, index): (Reg, Reg),
    (node, at): (Reg, Reg),
    (level, position): (Reg, Reg),
) {
    let (top, last) = (asm.label(), asm.label());
    asm.load(level, Mem::at(vector, slot_disp(VECTOR_SHAPE)));
    asm.load(node, Mem::at(vector, slot_disp(VECTOR_ROOT)));
    asm.shift_imm(Shift::RightLogical, position, level, VECTOR_SKIP_SHIFT as u8);
    asm.alu_imm(Alu::And, position, position, -(1 << INT_SHIFT));
    asm.alu(Alu::Add, position, position, index);
    asm.shift_imm(Shift::RightLogical, level, level, INT_SHIFT as u8);
    asm.alu_imm(Alu::And, level, level, VECTOR_SHIFT_MASK as i64);
    asm.bind(top);
    asm.compare_imm(level, VECTOR_BITS as i64);
    asm.branch(Cond::Equal, last);
    asm.shift(Shift::RightLogical, at, position, level);
    asm.alu_imm(Alu::And, at, at, DIGIT);
    word_at(asm, node, node, at);
    asm.alu_imm(Alu::Sub, level, level, VECTOR_BITS as i64);
    asm.jump(top);
    asm.bind(last);
    place(asm, at, position, 1);
    word_at(asm, node, node, at);
    place(asm, at, position, 0);
}

/// To `outside` unless the index of an ARRAY or a NODE, an Int, is one of its elements'.
pub fn branch_outside<M: MacroAssembler>(asm: &mut M, array: Reg, index: Reg, outside: Label) {
    asm.compare_mem(index, Mem::at(array, slot_disp(ARRAY_LENGTH)));
    let signed = mutated(Mutation::SignedIndex);
    asm.branch(if signed { Cond::GreaterEqual } else { Cond::AboveEqual }, outside);
}
