//! Machine code in front of helpers: the common case of those that loops over collections live on, and of arithmetic on what
//! nobody could foresee to be Floats, without the way into Rust. What is not the common case jumps to the helper's exit stub, as
//! if that had been called.
//!
//! These stubs have no frame, never collect and never throw: they allocate from what the allocation buffer has left. They may
//! use every caller-saved register, like the helpers themselves.

use super::collections::builder;
use super::collections::vector::WIDTH;
use super::iterate;
use crate::asm::masm::{Alu, Assembled, Cond, FCond, FReg, Falu, Label, MacroAssembler, Mem, Reg, Shift, TooFar};
use crate::codegen::link::Helper;
use crate::gc::Word;
use crate::gc::layout::{self, HEADER_BYTES, HEADER_DISP, LayoutId, header, header_low, slot_disp, slot_offset};
use crate::gc::thread::{OFFSET_TLAB_CURSOR, OFFSET_TLAB_LIMIT};
use crate::gc::word::{FLOAT_BIT, INT_SHIFT, TAG_MASK, TAG_OBJECT};

/// The code in front of a helper whose exit stub is at `exit`, for those that have some.
pub(super) fn code<M: MacroAssembler>(helper: Helper, exit: usize) -> Option<Result<Assembled, TooFar>> {
    let write: &dyn Fn(&mut Stub<M>) = match helper {
        Helper::Iterate => &iterate,
        Helper::NextChunk => &next_chunk,
        Helper::NewBuilder => &new_builder,
        Helper::BuilderPush => &builder_push,
        Helper::BuilderDone => &builder_done,
        Helper::Add => &|stub| float_operation(stub, Falu::Add),
        Helper::Subtract => &|stub| float_operation(stub, Falu::Sub),
        Helper::Multiply => &|stub| float_operation(stub, Falu::Mul),
        Helper::Divide => &|stub| float_operation(stub, Falu::Div),
        Helper::Less => &|stub| float_comparison(stub, FCond::Less),
        Helper::LessEqual => &|stub| float_comparison(stub, FCond::LessEqual),
        Helper::Greater => &|stub| float_comparison(stub, FCond::Greater),
        Helper::GreaterEqual => &|stub| float_comparison(stub, FCond::GreaterEqual),
        Helper::Equal => &|stub| float_comparison(stub, FCond::Equal),
        _ => return None,
    };
    let mut asm = M::new();
    let slow = asm.label();
    let mut stub = Stub { asm, slow };
    write(&mut stub);
    let Stub { mut asm, slow } = stub;
    asm.bind(slow);
    asm.jump_code(exit);
    Some(asm.finish())
}

/// A stub being written.
struct Stub<M> {
    asm: M,
    /// Where the helper itself takes over.
    slow: Label,
}

/// Bytes of an object with so many words after the header.
const fn bytes(words: usize) -> i32 {
    (HEADER_BYTES + 8 * words) as i32
}

/// The tagged word of a small count.
const fn count(n: usize) -> i32 {
    (n << INT_SHIFT) as i32
}

impl<M: MacroAssembler> Stub<M> {
    /// `dst =` the address of so many fresh bytes; `end` is lost.
    fn allocate(&mut self, dst: Reg, end: Reg, bytes: i32) {
        assert_ne!(dst, end, "on ARM64 one register has two roles here");
        let asm = &mut self.asm;
        asm.load(dst, Mem::at(M::CTX, OFFSET_TLAB_CURSOR));
        asm.lea(end, Mem::at(dst, bytes));
        asm.compare_mem(end, Mem::at(M::CTX, OFFSET_TLAB_LIMIT));
        asm.branch(Cond::Above, self.slow);
        asm.store(Mem::at(M::CTX, OFFSET_TLAB_CURSOR), end);
    }

    /// Writes a header at `address + offset`.
    fn header(&mut self, address: Reg, offset: i32, layout: LayoutId) {
        self.asm.store_imm(Mem::at(address, offset), header(layout, 0) as i32);
    }

    /// Writes word `i` of the object at `address + offset`.
    fn word(&mut self, address: Reg, offset: i32, i: usize, word: i32) {
        self.asm.store_imm(Mem::at(address, offset + slot_offset(i) as i32), word);
    }

    /// To the helper when the object in `r`, which may be anything, has another layout.
    fn check(&mut self, r: Reg, layout: LayoutId) {
        self.asm.lea(M::SCRATCH, Mem::at(r, -(TAG_OBJECT as i32)));
        self.asm.test_imm(M::SCRATCH, TAG_MASK as i64);
        self.asm.branch(Cond::NotEqual, self.slow);
        self.asm.compare_mem32_imm(Mem::at(r, HEADER_DISP), header_low(layout));
        self.asm.branch(Cond::NotEqual, self.slow);
    }

    /// Goes to the helper unless slot `i` of an object is this word.
    fn expect(&mut self, object: Reg, i: usize, word: i32) {
        self.asm.load(M::SCRATCH, Mem::at(object, slot_disp(i)));
        self.asm.compare_imm(M::SCRATCH, word as i64);
        self.asm.branch(Cond::NotEqual, self.slow);
    }

    /// A leaf of a builder at an address: full length, all null, which is then in `null`.
    fn leaf(&mut self, address: Reg, null: Reg) {
        assert_ne!(address, null, "on ARM64 one register has two roles here");
        self.header(address, 0, layout::NODE);
        self.word(address, 0, 0, count(WIDTH));
        self.asm.mov_imm(null, Word::NULL.0 as i64);
        for i in 0..WIDTH {
            self.asm.store(Mem::at(address, slot_offset(1 + i) as i32), null);
        }
    }
}

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
fn float_operation<M: MacroAssembler>(stub: &mut Stub<M>, op: Falu) {
    let (a, b) = two_floats(stub);
    stub.asm.falu(op, a, a, b);
    stub.asm.tag_float(M::RESULT, a, stub.slow);
    stub.asm.ret();
}

/// `(a, b)`: a Bool.
fn float_comparison<M: MacroAssembler>(stub: &mut Stub<M>, cond: FCond) {
    let (a, b) = two_floats(stub);
    let no = stub.asm.label();
    stub.asm.branch_float(cond, a, b, false, no);
    stub.asm.mov_imm(M::RESULT, Word::TRUE.0 as i64);
    stub.asm.ret();
    stub.asm.bind(no);
    stub.asm.mov_imm(M::RESULT, Word::FALSE.0 as i64);
    stub.asm.ret();
}

/// `(collection)`: a cursor at the beginning of a vector.
fn iterate<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (vector, cursor, end) = (M::ARGS[0], M::RESULT, M::ARGS[1]);
    stub.check(vector, layout::VECTOR);
    stub.allocate(cursor, end, bytes(4));
    stub.header(cursor, 0, layout::CURSOR);
    stub.asm.store(Mem::at(cursor, slot_offset(0) as i32), vector);
    stub.word(cursor, 0, 1, count(0));
    stub.word(cursor, 0, 2, count(iterate::VECTOR));
    stub.word(cursor, 0, 3, Word::FALSE.0 as i32);
    stub.asm.alu_imm(Alu::Add, cursor, cursor, TAG_OBJECT as i64);
    stub.asm.ret();
}

/// `(cursor)`: the next leaf of a vector with at most one level of nodes above its leaves.
fn next_chunk<M: MacroAssembler>(stub: &mut Stub<M>) {
    let cursor = M::ARGS[0];
    let (vector, position) = (M::ARGS[1], M::ARGS[2]);
    let (total, start) = (M::ARGS[3], M::ARGS[4]);
    stub.expect(cursor, 2, count(iterate::VECTOR));
    let asm = &mut stub.asm;
    let (in_tail, at_end) = (asm.label(), asm.label());
    asm.load(vector, Mem::at(cursor, slot_disp(0)));
    asm.load(position, Mem::at(cursor, slot_disp(1)));
    asm.load(total, Mem::at(vector, slot_disp(0)));
    asm.load(M::RESULT, Mem::at(vector, slot_disp(3)));
    asm.load(start, Mem::at(M::RESULT, slot_disp(0)));
    asm.alu(Alu::Sub, start, total, start);
    asm.compare(position, total);
    asm.branch(Cond::AboveEqual, at_end);
    asm.compare(position, start);
    asm.branch(Cond::Equal, in_tail);
    asm.branch(Cond::Above, stub.slow);
    asm.test_imm(position, count(WIDTH - 1) as i64);
    asm.branch(Cond::NotEqual, stub.slow);
    stub.expect(vector, 1, count(WIDTH.trailing_zeros() as usize));
    let asm = &mut stub.asm;
    asm.load(vector, Mem::at(vector, slot_disp(2)));
    // The tagged position is a multiple of the tagged width: shifted, it is the offset of the leaf's slot.
    asm.shift_imm(Shift::Right, start, position, WIDTH.trailing_zeros() as u8);
    asm.load(M::RESULT, Mem::indexed(vector, start, 0, slot_disp(1)));
    asm.alu_imm(Alu::Add, position, position, count(WIDTH) as i64);
    asm.store(Mem::at(cursor, slot_disp(1)), position);
    asm.ret();
    asm.bind(in_tail);
    asm.store(Mem::at(cursor, slot_disp(1)), total);
    asm.ret();
    asm.bind(at_end);
    asm.mov_imm(M::RESULT, Word::NULL.0 as i64);
    asm.ret();
}

/// `()`: a builder.
fn new_builder<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (leaf, other) = (M::RESULT, M::ARGS[0]);
    let at = bytes(1 + WIDTH);
    stub.allocate(leaf, other, at + bytes(builder::SLOTS));
    stub.leaf(leaf, other);
    stub.header(leaf, at, layout::VECTOR_BUILDER);
    stub.asm.lea(M::SCRATCH, Mem::at(leaf, TAG_OBJECT as i32));
    stub.asm.store(Mem::at(leaf, at + slot_offset(builder::LEAF) as i32), M::SCRATCH);
    stub.word(leaf, at, builder::COUNT, count(0));
    stub.word(leaf, at, builder::LEAVES, Word::NULL.0 as i32);
    stub.word(leaf, at, builder::LEAVES_COUNT, count(0));
    stub.word(leaf, at, builder::BEFORE, Word::NULL.0 as i32);
    stub.asm.lea(M::RESULT, Mem::at(leaf, at + TAG_OBJECT as i32));
    stub.asm.ret();
}

/// `(builder, value)`: the leaf is full and there is room for it among the leaves.
fn builder_push<M: MacroAssembler>(stub: &mut Stub<M>) {
    let (builder, value) = (M::ARGS[0], M::ARGS[1]);
    let (leaves, full, n) = (M::ARGS[2], M::ARGS[3], M::ARGS[4]);
    let fresh = M::RESULT;
    stub.check(builder, layout::VECTOR_BUILDER);
    stub.expect(builder, builder::COUNT, count(WIDTH));
    stub.asm.load(leaves, Mem::at(builder, slot_disp(builder::LEAVES)));
    stub.asm.compare_imm(leaves, Word::NULL.0 as i64);
    stub.asm.branch(Cond::Equal, stub.slow);
    stub.asm.load(n, Mem::at(builder, slot_disp(builder::LEAVES_COUNT)));
    stub.asm.compare_imm(n, count(WIDTH) as i64);
    stub.asm.branch(Cond::Equal, stub.slow);
    stub.allocate(fresh, full, bytes(1 + WIDTH));
    stub.leaf(fresh, full);
    let asm = &mut stub.asm;
    asm.store(Mem::at(fresh, slot_offset(1) as i32), value);
    // NO-BARRIER: a builder and what it holds are as young as each other, and no other thread knows them.
    asm.load(full, Mem::at(builder, slot_disp(builder::LEAF)));
    asm.store(Mem::indexed(leaves, n, 0, slot_disp(1)), full);
    asm.alu_imm(Alu::Add, n, n, count(1) as i64);
    asm.store(Mem::at(builder, slot_disp(builder::LEAVES_COUNT)), n);
    asm.alu_imm(Alu::Add, fresh, fresh, TAG_OBJECT as i64);
    asm.store(Mem::at(builder, slot_disp(builder::LEAF)), fresh);
    asm.store_imm(Mem::at(builder, slot_disp(builder::COUNT)), count(1));
    asm.mov(M::RESULT, value);
    asm.ret();
}

/// `(builder)`: the vector of what is in the first leaf.
fn builder_done<M: MacroAssembler>(stub: &mut Stub<M>) {
    let builder = M::ARGS[0];
    let (leaf, used, fresh, end) = (M::ARGS[1], M::ARGS[2], M::ARGS[3], M::ARGS[4]);
    stub.check(builder, layout::VECTOR_BUILDER);
    stub.expect(builder, builder::LEAVES, Word::NULL.0 as i32);
    stub.expect(builder, builder::BEFORE, Word::NULL.0 as i32);
    // An empty NODE for the builder, the vector, its tail of as many elements as are in use.
    let (vector_at, tail_at) = (bytes(1), bytes(1) + bytes(4));
    let asm = &mut stub.asm;
    asm.load(leaf, Mem::at(builder, slot_disp(builder::LEAF)));
    asm.load(used, Mem::at(builder, slot_disp(builder::COUNT)));
    asm.load(fresh, Mem::at(M::CTX, OFFSET_TLAB_CURSOR));
    asm.lea(end, Mem::indexed(fresh, used, 0, tail_at + bytes(1)));
    asm.compare_mem(end, Mem::at(M::CTX, OFFSET_TLAB_LIMIT));
    asm.branch(Cond::Above, stub.slow);
    asm.store(Mem::at(M::CTX, OFFSET_TLAB_CURSOR), end);
    stub.header(fresh, 0, layout::NODE);
    stub.word(fresh, 0, 0, count(0));
    stub.header(fresh, vector_at, layout::VECTOR);
    stub.word(fresh, vector_at, 1, count(0));
    stub.word(fresh, vector_at, 2, Word::NULL.0 as i32);
    stub.header(fresh, tail_at, layout::NODE);
    let asm = &mut stub.asm;
    asm.store(Mem::at(fresh, vector_at + slot_offset(0) as i32), used);
    asm.lea(M::SCRATCH, Mem::at(fresh, tail_at + TAG_OBJECT as i32));
    asm.store(Mem::at(fresh, vector_at + slot_offset(3) as i32), M::SCRATCH);
    asm.store(Mem::at(fresh, tail_at + slot_offset(0) as i32), used);
    asm.lea(M::SCRATCH, Mem::at(fresh, TAG_OBJECT as i32));
    asm.store(Mem::at(builder, slot_disp(builder::LEAF)), M::SCRATCH);
    asm.store_imm(Mem::at(builder, slot_disp(builder::COUNT)), count(0));
    // The elements, the last first.
    let (next, done) = (asm.label(), asm.label());
    asm.bind(next);
    asm.alu_imm(Alu::Sub, used, used, count(1) as i64);
    asm.compare_imm(used, 0);
    asm.branch(Cond::Less, done);
    asm.load(M::RESULT, Mem::indexed(leaf, used, 0, slot_disp(1)));
    asm.store(Mem::indexed(fresh, used, 0, tail_at + slot_offset(1) as i32), M::RESULT);
    asm.jump(next);
    asm.bind(done);
    asm.lea(M::RESULT, Mem::at(fresh, vector_at + TAG_OBJECT as i32));
    asm.ret();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asm::arm64::Arm64;
    use crate::asm::x64::X64;

    /// On one machine RESULT is CLOSURE, on the other it is not: what is written for both is looked at on every host.
    #[test]
    fn registers_have_one_role_on_both_machines() {
        use Helper::*;
        for helper in [Iterate, NextChunk, NewBuilder, BuilderPush, BuilderDone] {
            assert!(code::<X64>(helper, 0).is_some_and(|code| code.is_ok()));
            assert!(code::<Arm64>(helper, 0).is_some_and(|code| code.is_ok()));
        }
    }
}
