//! Going through vectors and building them.

use super::{Stub, bytes, count};
use crate::asm::masm::{Alu, Cond, MacroAssembler, Mem, Reg, Shift};
use crate::emit::{At, Emit, Holds, Store, Stored};
use crate::emit::{objects, vectors};
use crate::object::Word;
use crate::object::collections::{OVER_VECTOR, VECTOR_MOST_SKIPPED, VECTOR_SKIP_SHIFT};
use crate::object::layout::{
    self, ARRAY_ELEMENTS, ARRAY_LENGTH, BUILDER_BEFORE, BUILDER_COUNT, BUILDER_LEAF, BUILDER_LEAVES,
    BUILDER_LEAVES_COUNT, CURSOR_IS_SET, CURSOR_KIND, CURSOR_POSITION, CURSOR_SOURCE, VECTOR_BITS as BITS,
    VECTOR_COUNT, VECTOR_ROOT, VECTOR_SHAPE, VECTOR_TAIL, VECTOR_WIDTH as WIDTH, slot_disp, slots,
};
use crate::object::word::TAG_OBJECT;

/// `(collection)`: a cursor at the beginning of a vector.
pub fn iterate<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (vector, cursor, end) = (M::ARGS[0], M::RESULT, M::ARGS[1]);
    stub.check(vector, layout::VECTOR);
    stub.allocate(cursor, end, bytes(slots(layout::CURSOR)));
    stub.init_header(cursor, 0, layout::CURSOR);
    stub.store(Store::Init, At::fresh(cursor, 0, CURSOR_SOURCE), Stored::Word(vector, Holds::Pointer));
    stub.word(cursor, 0, CURSOR_POSITION, count(0));
    stub.word(cursor, 0, CURSOR_KIND, count(OVER_VECTOR));
    stub.word(cursor, 0, CURSOR_IS_SET, Word::FALSE.0 as i32);
    stub.asm.alu_imm(Alu::Add, cursor, cursor, TAG_OBJECT as i64);
    stub.asm.ret();
}

/// `(cursor)`: the next leaf of a vector that skips nothing.
pub fn next_chunk<M: MacroAssembler>(stub: &mut Stub<M>) {
    let cursor = M::ARGS[0];
    let (vector, position) = (M::ARGS[1], M::ARGS[2]);
    let (total, start) = (M::ARGS[3], M::ARGS[4]);
    stub.expect(cursor, CURSOR_KIND, count(OVER_VECTOR));
    let asm = &mut stub.asm;
    let (in_tail, at_end) = (asm.label(), asm.label());
    asm.load(vector, Mem::at(cursor, slot_disp(CURSOR_SOURCE)));
    asm.load(position, Mem::at(cursor, slot_disp(CURSOR_POSITION)));
    asm.load(total, Mem::at(vector, slot_disp(VECTOR_COUNT)));
    asm.load(M::RESULT, Mem::at(vector, slot_disp(VECTOR_TAIL)));
    asm.load(start, Mem::at(M::RESULT, slot_disp(ARRAY_LENGTH)));
    asm.alu(Alu::Sub, start, total, start);
    asm.compare(position, total);
    asm.branch(Cond::AboveEqual, at_end);
    asm.compare(position, start);
    asm.branch(Cond::Equal, in_tail);
    asm.branch(Cond::Above, stub.slow);
    asm.test_imm(position, count(WIDTH - 1) as i64);
    asm.branch(Cond::NotEqual, stub.slow);
    vectors::leaf(asm, vector, Some(position), (M::RESULT, start), stub.slow);
    asm.alu_imm(Alu::Add, position, position, count(WIDTH) as i64);
    stub.store_count(At::slot(cursor, CURSOR_POSITION), position);
    stub.asm.ret();
    stub.asm.bind(in_tail);
    stub.store_count(At::slot(cursor, CURSOR_POSITION), total);
    let asm = &mut stub.asm;
    asm.ret();
    asm.bind(at_end);
    asm.mov_imm(M::RESULT, Word::NULL.0 as i64);
    asm.ret();
}

/// `(vector, from, after)`: the elements behind the first ones, as `vector::slice` gives them: what skips more of the same tree, or up
/// to 32 elements copied from the tail. To the helper where something is left out at the end, and where nothing is.
pub fn sub_vector<M: MacroAssembler>(stub: &mut Stub<M>) {
    stub.asm.compare_imm(M::ARGS[2], count(0).into());
    stub.asm.branch(Cond::NotEqual, stub.slow);
    rest(stub, M::ARGS[0], M::ARGS[1]);
}

/// `(vector)`: the vector without its first element.
pub fn rest_of_one<M: MacroAssembler>(stub: &mut Stub<M>) {
    stub.asm.mov_imm(M::ARGS[1], count(1).into());
    rest(stub, M::ARGS[0], M::ARGS[1]);
}

/// `(n, vector)`: the vector without its first elements.
pub fn drop_first<M: MacroAssembler>(stub: &mut Stub<M>) {
    let n = M::ARGS[0];
    objects::branch_unless_int(&mut stub.asm, n, stub.slow);
    rest(stub, M::ARGS[1], n);
}

/// A vector without so many of its elements, an Int, that come first.
fn rest<M: MacroAssembler>(stub: &mut Stub<M>, vector: Reg, from: Reg) {
    let (shape, end, fresh) = (M::ARGS[3], M::ARGS[4], M::RESULT);
    // The helper may want all three arguments.
    let taken = [fresh, shape, end, M::ARGS[0], M::ARGS[1], M::ARGS[2]];
    let left = M::CALLER_SAVED.iter().copied().find(|r| !taken.contains(r)).unwrap_or(M::CLOSURE);
    stub.check(vector, layout::VECTOR);
    let few = stub.asm.label();
    let asm = &mut stub.asm;
    asm.compare_imm(from, 0);
    asm.branch(Cond::LessEqual, stub.slow);
    asm.load(left, Mem::at(vector, slot_disp(VECTOR_COUNT)));
    asm.compare(from, left);
    asm.branch(Cond::Above, stub.slow);
    asm.alu(Alu::Sub, left, left, from);
    asm.compare_imm(left, count(WIDTH).into());
    asm.branch(Cond::BelowEqual, few);
    // As many more are skipped. Where that is many times what is left, that is copied.
    asm.shift_imm(Shift::Left, shape, from, VECTOR_SKIP_SHIFT as u8);
    asm.alu_mem(Alu::Add, shape, shape, Mem::at(vector, slot_disp(VECTOR_SHAPE)));
    asm.shift_imm(Shift::RightLogical, end, shape, VECTOR_SKIP_SHIFT as u8 + VECTOR_MOST_SKIPPED.ilog2() as u8);
    asm.compare(end, left);
    asm.branch(Cond::AboveEqual, stub.slow);
    stub.allocate(fresh, end, bytes(slots(layout::VECTOR)));
    stub.init_header(fresh, 0, layout::VECTOR);
    stub.store(Store::Init, At::fresh(fresh, 0, VECTOR_COUNT), Stored::Word(left, Holds::NoPointer));
    stub.store(Store::Init, At::fresh(fresh, 0, VECTOR_SHAPE), Stored::Word(shape, Holds::NoPointer));
    for i in [VECTOR_ROOT, VECTOR_TAIL] {
        stub.asm.load(end, Mem::at(vector, slot_disp(i)));
        stub.store(Store::Init, At::fresh(fresh, 0, i), Stored::Word(end, Holds::Anything));
    }
    stub.asm.alu_imm(Alu::Add, fresh, fresh, TAG_OBJECT as i64);
    stub.asm.ret();
    stub.asm.bind(few);
    end_of_tail(stub, vector, left);
}

/// A vector of the last elements of another, which are in its tail.
fn end_of_tail<M: MacroAssembler>(stub: &mut Stub<M>, vector: Reg, left: Reg) {
    let (tail, end, fresh) = (M::ARGS[3], M::ARGS[4], M::RESULT);
    let asm = &mut stub.asm;
    asm.load(tail, Mem::at(vector, slot_disp(VECTOR_TAIL)));
    asm.compare_mem(left, Mem::at(tail, slot_disp(ARRAY_LENGTH)));
    asm.branch(Cond::Above, stub.slow);
    // The address at which the tail would be if it began with these.
    asm.load(end, Mem::at(tail, slot_disp(ARRAY_LENGTH)));
    asm.alu(Alu::Add, tail, tail, end);
    asm.alu(Alu::Sub, tail, tail, left);
    let tail_at = bytes(slots(layout::VECTOR));
    stub.allocate_words(fresh, end, left, tail_at + bytes(ARRAY_ELEMENTS));
    stub.init_header(fresh, 0, layout::VECTOR);
    stub.word(fresh, 0, VECTOR_SHAPE, count(0));
    stub.word(fresh, 0, VECTOR_ROOT, Word::NULL.0 as i32);
    stub.init_header(fresh, tail_at, layout::NODE);
    stub.store(Store::Init, At::fresh(fresh, 0, VECTOR_COUNT), Stored::Word(left, Holds::NoPointer));
    stub.store(Store::Init, At::fresh(fresh, tail_at, ARRAY_LENGTH), Stored::Word(left, Holds::NoPointer));
    stub.asm.lea(end, Mem::at(fresh, tail_at + TAG_OBJECT as i32));
    stub.store(Store::Init, At::fresh(fresh, 0, VECTOR_TAIL), Stored::Word(end, Holds::Pointer));
    stub.copy_elements(tail, fresh, tail_at, left, end);
    stub.asm.alu_imm(Alu::Add, fresh, fresh, TAG_OBJECT as i64);
    stub.asm.ret();
}

/// `()`: a builder.
pub fn new_builder<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (leaf, other) = (M::RESULT, M::ARGS[0]);
    let at = bytes(ARRAY_ELEMENTS + WIDTH);
    stub.allocate(leaf, other, at + bytes(slots(layout::VECTOR_BUILDER)));
    stub.leaf(leaf, 0, other);
    stub.init_header(leaf, at, layout::VECTOR_BUILDER);
    stub.store_pointer(Store::Init, At::fresh(leaf, at, BUILDER_LEAF), Mem::at(leaf, TAG_OBJECT as i32));
    stub.word(leaf, at, BUILDER_COUNT, count(0));
    stub.word(leaf, at, BUILDER_LEAVES, Word::NULL.0 as i32);
    stub.word(leaf, at, BUILDER_LEAVES_COUNT, count(0));
    stub.word(leaf, at, BUILDER_BEFORE, Word::NULL.0 as i32);
    stub.asm.lea(M::RESULT, Mem::at(leaf, at + TAG_OBJECT as i32));
    stub.asm.ret();
}

/// `(builder, value)`: the leaf is full, and there is room for it among the leaves, or it is the first of them.
pub fn builder_push<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (builder, value) = (M::ARGS[0], M::ARGS[1]);
    let (leaves, full, n) = (M::ARGS[2], M::ARGS[3], M::ARGS[4]);
    let fresh = M::RESULT;
    let (first, filled) = (stub.asm.label(), stub.asm.label());
    stub.check(builder, layout::VECTOR_BUILDER);
    stub.expect(builder, BUILDER_COUNT, count(WIDTH));
    stub.asm.load(leaves, Mem::at(builder, slot_disp(BUILDER_LEAVES)));
    stub.asm.compare_imm(leaves, Word::NULL.0 as i64);
    stub.asm.branch(Cond::Equal, first);
    stub.asm.load(n, Mem::at(builder, slot_disp(BUILDER_LEAVES_COUNT)));
    stub.asm.compare_imm(n, count(WIDTH) as i64);
    stub.asm.branch(Cond::Equal, stub.slow);
    stub.allocate(fresh, full, bytes(ARRAY_ELEMENTS + WIDTH));
    stub.leaf(fresh, 0, full);
    stub.asm.bind(filled);
    stub.store(Store::Init, At::fresh(fresh, 0, ARRAY_ELEMENTS), Stored::Word(value, Holds::Anything));
    // A builder, its leaves and their node may be of any age; no other thread knows them.
    stub.asm.load(full, Mem::at(builder, slot_disp(BUILDER_LEAF)));
    stub.store(Store::Private, At::element(leaves, n, 0, ARRAY_ELEMENTS), Stored::Word(full, Holds::Pointer));
    stub.asm.alu_imm(Alu::Add, n, n, count(1) as i64);
    stub.store_count(At::slot(builder, BUILDER_LEAVES_COUNT), n);
    stub.asm.alu_imm(Alu::Add, fresh, fresh, TAG_OBJECT as i64);
    stub.store(Store::Private, At::slot(builder, BUILDER_LEAF), Stored::Word(fresh, Holds::Pointer));
    stub.store(Store::Private, At::slot(builder, BUILDER_COUNT), count(1));
    stub.asm.mov(M::RESULT, value);
    stub.asm.ret();
    stub.asm.bind(first);
    let leaves_at = bytes(ARRAY_ELEMENTS + WIDTH);
    stub.allocate(fresh, full, leaves_at + bytes(ARRAY_ELEMENTS + WIDTH));
    stub.leaf(fresh, 0, full);
    stub.leaf(fresh, leaves_at, full);
    stub.asm.lea(leaves, Mem::at(fresh, leaves_at + TAG_OBJECT as i32));
    stub.store(Store::Private, At::slot(builder, BUILDER_LEAVES), Stored::Word(leaves, Holds::Pointer));
    stub.asm.mov_imm(n, 0);
    stub.asm.jump(filled);
}

/// `(builder)`: the vector of its elements, while they fit one node of leaves: the nodes of the builder, each cut to what is
/// in use, become the vector's own. What is cut off is nobody's until the next collection.
pub fn builder_done<M: MacroAssembler>(stub: &mut Stub<M>) {
    let builder = M::ARGS[0];
    let (leaf, used, fresh, n, leaves) = (M::ARGS[1], M::ARGS[2], M::ARGS[3], M::ARGS[4], M::RESULT);
    let (flat, made) = (stub.asm.label(), stub.asm.label());
    stub.check(builder, layout::VECTOR_BUILDER);
    stub.expect(builder, BUILDER_BEFORE, Word::NULL.0 as i32);
    // An empty NODE for the builder, the vector.
    let vector_at = bytes(ARRAY_ELEMENTS);
    stub.allocate(fresh, n, vector_at + bytes(slots(layout::VECTOR)));
    stub.init_header(fresh, 0, layout::NODE);
    stub.word(fresh, 0, ARRAY_LENGTH, count(0));
    stub.init_header(fresh, vector_at, layout::VECTOR);
    let asm = &mut stub.asm;
    asm.load(leaf, Mem::at(builder, slot_disp(BUILDER_LEAF)));
    asm.load(used, Mem::at(builder, slot_disp(BUILDER_COUNT)));
    asm.load(leaves, Mem::at(builder, slot_disp(BUILDER_LEAVES)));
    stub.store_count(At::slot(leaf, ARRAY_LENGTH), used);
    stub.store(Store::Init, At::fresh(fresh, vector_at, VECTOR_ROOT), Stored::Word(leaves, Holds::Anything));
    stub.store(Store::Init, At::fresh(fresh, vector_at, VECTOR_TAIL), Stored::Word(leaf, Holds::Pointer));
    stub.asm.compare_imm(leaves, Word::NULL.0 as i64);
    stub.asm.branch(Cond::Equal, flat);
    stub.asm.load(n, Mem::at(builder, slot_disp(BUILDER_LEAVES_COUNT)));
    stub.store_count(At::slot(leaves, ARRAY_LENGTH), n);
    stub.asm.shift_imm(Shift::Left, n, n, BITS as u8);
    stub.asm.alu(Alu::Add, used, used, n);
    stub.word(fresh, vector_at, VECTOR_SHAPE, count(BITS));
    stub.store(Store::Private, At::slot(builder, BUILDER_LEAVES), Word::NULL.0 as i32);
    stub.store(Store::Private, At::slot(builder, BUILDER_LEAVES_COUNT), count(0));
    stub.asm.jump(made);
    stub.asm.bind(flat);
    stub.word(fresh, vector_at, VECTOR_SHAPE, count(0));
    stub.asm.bind(made);
    stub.store_count(At::fresh(fresh, vector_at, VECTOR_COUNT), used);
    stub.store_pointer(Store::Private, At::slot(builder, BUILDER_LEAF), Mem::at(fresh, TAG_OBJECT as i32));
    stub.store(Store::Private, At::slot(builder, BUILDER_COUNT), count(0));
    let asm = &mut stub.asm;
    asm.lea(M::RESULT, Mem::at(fresh, vector_at + TAG_OBJECT as i32));
    asm.ret();
}
