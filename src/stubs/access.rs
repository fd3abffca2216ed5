//! Elements of vectors, arrays, mutable lists and texts at an index, and how many there are.

use super::{Stub, bytes, count};
use crate::asm::masm::{Alu, Cond, MacroAssembler, Mem, Reg, Shift};
use crate::emit::{At, Emit, Holds, Store, Stored};
use crate::emit::{objects, vectors};
use crate::gc::mutator::buffer::ROOMS;
use crate::gc::mutator::owners::{OWNERS, SHARED};
use crate::gc::mutator::thread::OFFSET_ROOMS;
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::object::collections::PATIENCE;
use crate::object::layout::{
    self, ARRAY_ELEMENTS, ARRAY_LENGTH, ATOM_VALUE, ELEMENT_COUNT, HEADER_DISP, LayoutId, MUTABLE_LIST_NODE,
    STRING_BYTES, STRING_SIZES, VECTOR_COUNT, VECTOR_ROOT, VECTOR_SHAPE, VECTOR_TAIL, VECTOR_WIDTH as WIDTH,
    header_low, slot_disp, slots,
};
use crate::object::word::{INT_SHIFT, TAG_OBJECT};

/// The slot before an element: of the one that is indexed by the length of an array, the last.
const BEFORE: usize = ARRAY_ELEMENTS - 1;

/// `(collection, index)`: the element, where the collection is of one of these layouts and has such an element.
pub fn element<M: MacroAssembler>(stub: &mut Stub<M>, layouts: &[LayoutId]) {
    let (coll, index) = (M::ARGS[0], M::ARGS[1]);
    objects::branch_unless_int(&mut stub.asm, index, stub.slow);
    dispatch(stub, coll, layouts, &mut |stub, layout| match layout {
        layout::VECTOR => in_vector(stub, coll, index),
        layout::ARRAY => {
            vectors::branch_outside(&mut stub.asm, coll, index, stub.slow);
            vectors::word_at(&mut stub.asm, M::RESULT, coll, index);
            stub.asm.ret();
        }
        layout::MUTABLE_LIST => {
            let node = list_slots(stub, coll, index);
            vectors::word_at(&mut stub.asm, M::RESULT, node, index);
            stub.asm.ret();
        }
        _ => {
            let code = ascii_at(stub, coll, index, layout);
            let table = M::ARGS[4];
            stub.asm.load_cell(table, stub.outside.ascii);
            stub.asm.compare_imm(table, Word::UNDEFINED.0 as i64);
            stub.asm.branch(Cond::Equal, stub.slow);
            stub.asm.load(M::RESULT, Mem::indexed(table, code, 3, slot_disp(ARRAY_ELEMENTS)));
            stub.asm.ret();
        }
    });
}

/// `(array or list, index, value)`: stores the value; gives it, or the collection.
pub fn store<M: MacroAssembler>(stub: &mut Stub<M>, layouts: &[LayoutId], gives: usize) {
    let (coll, index, value) = (M::ARGS[0], M::ARGS[1], M::ARGS[2]);
    objects::branch_unless_int(&mut stub.asm, index, stub.slow);
    dispatch(stub, coll, layouts, &mut |stub, layout| {
        let slots = match layout {
            layout::ARRAY => {
                vectors::branch_outside(&mut stub.asm, coll, index, stub.slow);
                coll
            }
            _ => list_slots(stub, coll, index),
        };
        let to = At::element(slots, index, 0, ARRAY_ELEMENTS);
        stub.store(Store::Shared, to, Stored::Word(value, Holds::Anything));
        stub.asm.mov(M::RESULT, M::ARGS[gives]);
        stub.asm.ret();
    });
}

/// `(array, i, j)`: exchanges two elements; gives the array.
pub fn swap<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (array, i, j) = (M::ARGS[0], M::ARGS[1], M::ARGS[2]);
    let (a, b) = (M::ARGS[3], M::ARGS[4]);
    stub.check(array, layout::ARRAY);
    stub.asm.alu(Alu::Or, a, i, j);
    objects::branch_unless_int(&mut stub.asm, a, stub.slow);
    for index in [i, j] {
        vectors::branch_outside(&mut stub.asm, array, index, stub.slow);
    }
    stub.asm.load(a, Mem::indexed(array, i, 0, slot_disp(ARRAY_ELEMENTS)));
    stub.asm.load(b, Mem::indexed(array, j, 0, slot_disp(ARRAY_ELEMENTS)));
    stub.store(Store::Shared, At::element(array, i, 0, ARRAY_ELEMENTS), Stored::Word(b, Holds::Anything));
    stub.store(Store::Shared, At::element(array, j, 0, ARRAY_ELEMENTS), Stored::Word(a, Holds::Anything));
    stub.asm.mov(M::RESULT, array);
    stub.asm.ret();
}

/// `(string, index)`: the code of a character of an ASCII text.
pub fn char_code_at<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (text, index) = (M::ARGS[0], M::ARGS[1]);
    objects::branch_unless_int(&mut stub.asm, index, stub.slow);
    dispatch(stub, text, &[layout::STRING, layout::STRING_PREFIX], &mut |stub, layout| {
        let code = ascii_at(stub, text, index, layout);
        stub.asm.shift_imm(Shift::Left, M::RESULT, code, INT_SHIFT as u8);
        stub.asm.ret();
    });
}

/// `(string)`: the code of its first character, which is ASCII.
pub fn char_code<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (text, code) = (M::ARGS[0], M::RESULT);
    stub.check(text, layout::STRING);
    stub.asm.compare_mem32_imm(Mem::at(text, slot_disp(STRING_SIZES)), 0);
    stub.asm.branch(Cond::Equal, stub.slow);
    stub.asm.load8(code, Mem::at(text, slot_disp(STRING_BYTES)));
    stub.asm.compare_imm(code, 0x80);
    stub.asm.branch(Cond::AboveEqual, stub.slow);
    stub.asm.shift_imm(Shift::Left, code, code, INT_SHIFT as u8);
    stub.asm.ret();
}

/// `(collection)`: how many elements, characters or entries.
pub fn length<M: MacroAssembler>(stub: &mut Stub<M>, layouts: &[LayoutId]) {
    let coll = M::ARGS[0];
    dispatch(stub, coll, layouts, &mut |stub, layout| {
        match layout {
            layout::STRING | layout::STRING_PREFIX => {
                stub.asm.load(M::RESULT, Mem::at(coll, slot_disp(STRING_SIZES)));
                stub.asm.shift_imm(Shift::RightLogical, M::RESULT, M::RESULT, 32);
                stub.asm.shift_imm(Shift::Left, M::RESULT, M::RESULT, INT_SHIFT as u8);
            }
            layout::MUTABLE_LIST => {
                list_parts(stub, coll, M::ARGS[1], M::ARGS[2], M::RESULT);
            }
            _ => stub.asm.load(M::RESULT, Mem::at(coll, slot_disp(ELEMENT_COUNT))),
        }
        stub.asm.ret();
    });
}

/// The NODE of a mutable list, its length, and how many elements it has, which is the last word of the NODE.
fn list_parts<M: MacroAssembler>(stub: &mut Stub<M>, list: Reg, node: Reg, len: Reg, n: Reg) {
    stub.asm.load(node, Mem::at(list, slot_disp(MUTABLE_LIST_NODE)));
    stub.asm.load(len, Mem::at(node, slot_disp(ARRAY_LENGTH)));
    stub.asm.load_acquire(n, Mem::indexed(node, len, 0, slot_disp(BEFORE)));
}

/// `(list, value)`: adds a value where there is room; gives the list.
pub fn list_push<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (list, value, node, len, n) = (M::ARGS[0], M::ARGS[1], M::ARGS[2], M::ARGS[3], M::ARGS[4]);
    let more = M::RESULT;
    stub.check(list, layout::MUTABLE_LIST);
    list_parts(stub, list, node, len, n);
    let asm = &mut stub.asm;
    asm.alu_imm(Alu::Add, more, n, count(1) as i64);
    asm.compare(more, len);
    asm.branch(Cond::AboveEqual, stub.slow);
    // The element first: what the count covers is there.
    stub.store(Store::Shared, At::element(node, n, 0, ARRAY_ELEMENTS), Stored::Word(value, Holds::Anything));
    stub.publish_count(At::element(node, len, 0, BEFORE), more);
    stub.asm.mov(M::RESULT, list);
    stub.asm.ret();
}

/// `(list)`: takes the last value of several. Its place gets the value below: see `List::pop`.
pub fn list_pop<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (list, node, len, n, below) = (M::ARGS[0], M::ARGS[1], M::ARGS[2], M::ARGS[3], M::ARGS[4]);
    stub.check(list, layout::MUTABLE_LIST);
    list_parts(stub, list, node, len, n);
    let asm = &mut stub.asm;
    asm.alu_imm(Alu::Sub, n, n, count(1) as i64);
    asm.compare_imm(n, 0);
    asm.branch(Cond::LessEqual, stub.slow);
    asm.load(M::RESULT, Mem::indexed(node, n, 0, slot_disp(ARRAY_ELEMENTS)));
    asm.load(below, Mem::indexed(node, n, 0, slot_disp(BEFORE)));
    stub.store(Store::Shared, At::element(node, n, 0, ARRAY_ELEMENTS), Stored::Word(below, Holds::Anything));
    stub.publish_count(At::element(node, len, 0, BEFORE), n);
    stub.asm.ret();
}

/// `(vector, value)`: the vector with one more element, when its tail has room.
pub fn vector_push<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (vector, tail, used) = (M::ARGS[0], M::ARGS[2], M::ARGS[3]);
    stub.check(vector, layout::VECTOR);
    let asm = &mut stub.asm;
    asm.load(tail, Mem::at(vector, slot_disp(VECTOR_TAIL)));
    asm.load(used, Mem::at(tail, slot_disp(ARRAY_LENGTH)));
    asm.compare_imm(used, count(WIDTH) as i64);
    asm.branch(if mutated(Mutation::TailTooLong) { Cond::Above } else { Cond::AboveEqual }, stub.slow);
    pushed_copy(stub, None);
}

/// `(vector, value)` of an accumulator: puts the value behind the last one where the vector's own tail has room
/// (`collections/ends.rs`). As long as the vector has no owner there is a copy, with the next mark.
pub fn push_in_place<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (vector, value) = (M::ARGS[0], M::ARGS[1]);
    let (tail, used, end) = (M::ARGS[2], M::ARGS[3], M::ARGS[4]);
    let taken = [vector, value, tail, used, end, M::RESULT];
    let mark = M::CALLER_SAVED.iter().copied().find(|r| !taken.contains(r)).unwrap_or(M::CLOSURE);
    stub.check(vector, layout::VECTOR);
    stub.unless_extended(end);
    let asm = &mut stub.asm;
    let (first, next) = (asm.label(), asm.label());
    asm.load(tail, Mem::at(vector, slot_disp(VECTOR_TAIL)));
    asm.load(used, Mem::at(tail, slot_disp(ARRAY_LENGTH)));
    asm.compare_imm(used, count(WIDTH) as i64);
    asm.branch(Cond::AboveEqual, stub.slow);
    asm.load(mark, Mem::at(vector, HEADER_DISP));
    asm.shift_imm(Shift::RightLogical, mark, mark, layout::COUNT_SHIFT as u8);
    asm.compare_imm(mark, i64::from(SHARED));
    asm.branch(Cond::Equal, first);
    asm.compare_imm(mark, i64::from(OWNERS + PATIENCE));
    asm.branch(Cond::AboveEqual, stub.slow);
    asm.compare_imm(mark, i64::from(OWNERS));
    asm.branch(Cond::AboveEqual, next);
    // The tail has the same owner.
    asm.load(end, Mem::at(tail, HEADER_DISP));
    asm.shift_imm(Shift::RightLogical, end, end, layout::COUNT_SHIFT as u8);
    asm.compare(end, mark);
    asm.branch(Cond::NotEqual, stub.slow);
    asm.alu_imm(Alu::And, mark, mark, (ROOMS - 1) as i64);
    asm.compare_mem(tail, Mem::indexed(M::CTX, mark, 3, OFFSET_ROOMS));
    asm.branch(Cond::NotEqual, stub.slow);
    // Each collection makes the thread forget its rooms: the tail was made since the last one.
    stub.store(Store::Init, At::element(tail, used, 0, ARRAY_ELEMENTS), Stored::Word(value, Holds::Anything));
    stub.asm.alu_imm(Alu::Add, used, used, count(1) as i64);
    stub.store_count(At::slot(tail, ARRAY_LENGTH), used);
    stub.asm.load(end, Mem::at(vector, slot_disp(VECTOR_COUNT)));
    stub.asm.alu_imm(Alu::Add, end, end, count(1) as i64);
    stub.store_count(At::slot(vector, VECTOR_COUNT), end);
    let asm = &mut stub.asm;
    asm.mov(M::RESULT, vector);
    asm.ret();
    asm.bind(first);
    asm.mov_imm(mark, i64::from(OWNERS));
    asm.bind(next);
    asm.alu_imm(Alu::Add, mark, mark, 1);
    asm.shift_imm(Shift::Left, mark, mark, layout::COUNT_SHIFT as u8);
    asm.alu_imm(Alu::Or, mark, mark, i64::from(header_low(layout::VECTOR)));
    pushed_copy(stub, Some(mark));
}

/// Gives a copy of the vector that is argument 0, with argument 1 at its end; argument 2 is its tail, which has room
/// for one more, argument 3 how many elements that has. `header` is its header, when it has a mark.
fn pushed_copy<M: MacroAssembler>(stub: &mut Stub<M>, header: Option<Reg>) {
    let (vector, value) = (M::ARGS[0], M::ARGS[1]);
    let (tail, used, end) = (M::ARGS[2], M::ARGS[3], M::ARGS[4]);
    let fresh = M::RESULT;
    // The vector, and behind it its tail of one more element than before.
    let tail_at = bytes(slots(layout::VECTOR));
    stub.allocate_words(fresh, end, used, tail_at + bytes(ARRAY_ELEMENTS + 1));
    match header {
        Some(header) => stub.store(Store::Init, At::header(fresh, 0), Stored::Word(header, Holds::NoPointer)),
        None => stub.init_header(fresh, 0, layout::VECTOR),
    }
    stub.init_header(fresh, tail_at, layout::NODE);
    for i in [VECTOR_SHAPE, VECTOR_ROOT] {
        stub.asm.load(end, Mem::at(vector, slot_disp(i)));
        stub.store(Store::Init, At::fresh(fresh, 0, i), Stored::Word(end, Holds::Anything));
    }
    stub.asm.load(end, Mem::at(vector, slot_disp(VECTOR_COUNT)));
    stub.asm.alu_imm(Alu::Add, end, end, count(1) as i64);
    stub.store_count(At::fresh(fresh, 0, VECTOR_COUNT), end);
    stub.asm.lea(end, Mem::at(fresh, tail_at + TAG_OBJECT as i32));
    stub.store(Store::Init, At::fresh(fresh, 0, VECTOR_TAIL), Stored::Word(end, Holds::Pointer));
    let added = At::fresh_element(fresh, used, tail_at, ARRAY_ELEMENTS);
    stub.store(Store::Init, added, Stored::Word(value, Holds::Anything));
    stub.asm.alu_imm(Alu::Add, end, used, count(1) as i64);
    stub.store_count(At::fresh(fresh, tail_at, ARRAY_LENGTH), end);
    stub.copy_elements(tail, fresh, tail_at, used, end);
    let asm = &mut stub.asm;
    asm.alu_imm(Alu::Add, M::RESULT, fresh, TAG_OBJECT as i64);
    asm.ret();
}

/// `(atom)`: its value.
pub fn deref<M: MacroAssembler>(stub: &mut Stub<M>) {
    stub.check(M::ARGS[0], layout::ATOM);
    stub.asm.load(M::RESULT, Mem::at(M::ARGS[0], slot_disp(ATOM_VALUE)));
    stub.asm.ret();
}

/// Writes a case for each layout that the value in `r` may have; what has none of them is the helper's.
fn dispatch<M: MacroAssembler>(
    stub: &mut Stub<M>,
    r: Reg,
    layouts: &[LayoutId],
    case: &mut dyn FnMut(&mut Stub<M>, LayoutId),
) {
    objects::branch_unless_object(&mut stub.asm, r, stub.slow);
    for (k, layout) in layouts.iter().enumerate() {
        let last = k + 1 == layouts.len();
        let other = if last { stub.slow } else { stub.asm.label() };
        objects::branch_unless_layout(&mut stub.asm, r, *layout, other);
        case(stub, *layout);
        if !last {
            stub.asm.bind(other);
        }
    }
}

/// The element of a vector at an Int.
fn in_vector<M: MacroAssembler>(stub: &mut Stub<M>, vector: Reg, index: Reg) {
    find_in_vector(stub, vector, index, &|stub, node, at| {
        vectors::word_at(&mut stub.asm, M::RESULT, node, at);
        stub.asm.ret();
    });
}

/// `(vector, index, value)` of an accumulator: stores the value where the node belongs to the vector (`collections/replacing.rs`).
/// Goes on with what is no vector.
pub fn replace_in_place<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (vector, index, value) = (M::ARGS[0], M::ARGS[1], M::ARGS[2]);
    let other = stub.asm.label();
    objects::branch_unless_object(&mut stub.asm, vector, other);
    objects::branch_unless_layout(&mut stub.asm, vector, layout::VECTOR, other);
    objects::branch_unless_int(&mut stub.asm, index, stub.slow);
    stub.unless_extended(M::ARGS[4]);
    find_in_vector(stub, vector, index, &|stub, node, at| {
        // The node is the vector's when it has the same owner; it is nobody's without one. Flags do not matter.
        stub.asm.load(M::RESULT, Mem::at(vector, HEADER_DISP));
        stub.asm.shift_imm(Shift::RightLogical, M::RESULT, M::RESULT, layout::COUNT_SHIFT as u8);
        stub.asm.compare_imm(M::RESULT, i64::from(SHARED));
        stub.asm.branch(Cond::Equal, stub.slow);
        stub.asm.load(M::RESULT, Mem::at(vector, HEADER_DISP));
        stub.asm.alu_mem(Alu::Xor, M::RESULT, M::RESULT, Mem::at(node, HEADER_DISP));
        stub.asm.shift_imm(Shift::RightLogical, M::RESULT, M::RESULT, layout::COUNT_SHIFT as u8);
        stub.asm.compare_imm(M::RESULT, 0);
        stub.asm.branch(Cond::NotEqual, stub.slow);
        let to = At::element(node, at, 0, ARRAY_ELEMENTS);
        stub.store(Store::Private, to, Stored::Word(value, Holds::Anything));
        stub.asm.mov(M::RESULT, vector);
        stub.asm.ret();
    });
    stub.asm.bind(other);
}

/// Finds the element of a vector at an Int, and writes at each end what is done with it: the NODE and the index there are given, RESULT
/// is free.
fn find_in_vector<M: MacroAssembler>(
    stub: &mut Stub<M>,
    vector: Reg,
    index: Reg,
    end: &dyn Fn(&mut Stub<M>, Reg, Reg),
) {
    let (node, at, level) = (M::ARGS[4], M::ARGS[3], M::RESULT);
    // The one register besides that carries no argument (of three).
    let taken = [level, node, at, M::ARGS[0], M::ARGS[1], M::ARGS[2]];
    let position = M::CALLER_SAVED.iter().copied().find(|r| !taken.contains(r)).unwrap_or(M::CLOSURE);
    let in_tree = stub.asm.label();
    vectors::in_tail(&mut stub.asm, (vector, index), (node, at), stub.slow, in_tree);
    end(stub, node, at);
    stub.asm.bind(in_tree);
    vectors::any_leaf(&mut stub.asm, (vector, index), (node, at), (level, position));
    end(stub, node, at);
}

/// The NODE of a mutable list, which has an element at an Int.
fn list_slots<M: MacroAssembler>(stub: &mut Stub<M>, list: Reg, index: Reg) -> Reg {
    let (node, n) = (M::ARGS[4], M::ARGS[3]);
    list_parts(stub, list, node, n, n);
    stub.asm.compare(index, n);
    stub.asm.branch(Cond::AboveEqual, stub.slow);
    node
}

/// The byte, as an untagged number, at an Int of a STRING or STRING_PREFIX that is ASCII.
fn ascii_at<M: MacroAssembler>(stub: &mut Stub<M>, text: Reg, index: Reg, layout: LayoutId) -> Reg {
    let (chars, at) = (M::ARGS[3], M::ARGS[4]);
    objects::load_ascii(&mut stub.asm, (text, layout), index, (chars, at), stub.slow);
    chars
}
