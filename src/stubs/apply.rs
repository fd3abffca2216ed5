//! `apply(f, args)` and `apply(f, a, args)` with a small vector: a jump to the function, which returns to whoever called `apply`.
//! The other way, a call of a function that takes a rest: a jump to its body with the rest in a vector.

use super::{MANY, PACKED, Stub, bytes, count};
use crate::asm::masm::{ARG_REGS, Alu, Cond, MacroAssembler, Mem, Shift};
use crate::emit::objects;
use crate::emit::{At, Emit, Holds, Store, Stored};
use crate::gc::mutator::thread::{OFFSET_ARG_COUNT, OFFSET_ARG_SPILL};
use crate::object::Word;
use crate::object::layout::{
    self, ARRAY_ELEMENTS, ARRAY_LENGTH, CLOSURE_CODE, VECTOR_COUNT, VECTOR_ROOT, VECTOR_SHAPE, VECTOR_TAIL, slot_disp,
    slots,
};
use crate::object::word::TAG_OBJECT;

/// `(f, …, vector)`: `argc` arguments, 2 or 3.
pub fn apply<M: MacroAssembler>(stub: &mut Stub<M>, argc: usize) {
    let (function, vector, given) = (M::ARGS[0], M::ARGS[argc - 1], argc - 2);
    let mut others = M::CALLER_SAVED.iter().copied().filter(|r| !M::ARGS.contains(r) && *r != M::CLOSURE);
    let (tail, n) = (others.next().unwrap_or(M::RESULT), others.next().unwrap_or(M::RESULT));
    objects::test_function(&mut stub.asm, function);
    stub.asm.branch(Cond::NotEqual, stub.slow);
    stub.check(vector, layout::VECTOR);
    stub.expect(vector, VECTOR_ROOT, Word::NULL.0 as i32);
    let asm = &mut stub.asm;
    asm.load(tail, Mem::at(vector, slot_disp(VECTOR_TAIL)));
    asm.load(n, Mem::at(tail, slot_disp(ARRAY_LENGTH)));
    let in_registers = ARG_REGS - given;
    let few = asm.label();
    asm.compare_imm(n, count(in_registers) as i64);
    asm.branch(Cond::BelowEqual, few);
    // Those that have no register go where a call has them.
    let (i, x) = (M::ARGS[3], M::ARGS[4]);
    let next = asm.label();
    asm.mov_imm(i, count(in_registers) as i64);
    asm.bind(next);
    asm.load(x, Mem::indexed(tail, i, 0, slot_disp(ARRAY_ELEMENTS)));
    asm.store(Mem::indexed(M::CTX, i, 0, OFFSET_ARG_SPILL + 8 * given as i32), x);
    asm.alu_imm(Alu::Add, i, i, count(1) as i64);
    asm.compare(i, n);
    asm.branch(Cond::Less, next);
    asm.alu_imm(Alu::Add, x, n, count(given) as i64);
    asm.shift_imm(Shift::RightLogical, x, x, crate::object::word::INT_SHIFT as u8);
    asm.store(Mem::at(M::CTX, OFFSET_ARG_COUNT), x);
    asm.bind(few);
    asm.mov(M::CLOSURE, function);
    for k in 0..given {
        asm.mov(M::ARGS[k], M::ARGS[k + 1]);
    }
    let loaded = asm.label();
    for (k, &arg) in M::ARGS[given..].iter().enumerate() {
        asm.compare_imm(n, count(k) as i64);
        asm.branch(Cond::BelowEqual, loaded);
        asm.load(arg, Mem::at(tail, slot_disp(ARRAY_ELEMENTS + k)));
    }
    asm.bind(loaded);
    // A tagged number is the offset of an entry.
    let known = asm.label();
    asm.alu_imm(Alu::Add, n, n, count(given) as i64);
    asm.compare_imm(n, count(MANY) as i64);
    asm.branch(Cond::BelowEqual, known);
    asm.mov_imm(n, count(MANY) as i64);
    asm.bind(known);
    asm.scratch().load(Mem::at(M::CLOSURE, layout::closure_disp(CLOSURE_CODE))).jump_indexed(n, 0);
}

/// `(a, …)`: `argc` arguments, those behind `params` for the rest of the function in CLOSURE.
pub fn pack_rest<M: MacroAssembler>(stub: &mut Stub<M>, params: usize, argc: usize) {
    let n = argc - params;
    let mut others = M::CALLER_SAVED.iter().copied().filter(|r| !M::ARGS.contains(r) && *r != M::CLOSURE);
    let (fresh, end) = (others.next().unwrap_or(M::RESULT), others.next().unwrap_or(M::RESULT));
    let tail_at = bytes(slots(layout::VECTOR));
    stub.allocate(fresh, end, tail_at + bytes(ARRAY_ELEMENTS + n));
    stub.init_header(fresh, 0, layout::VECTOR);
    stub.word(fresh, 0, VECTOR_COUNT, count(n));
    stub.word(fresh, 0, VECTOR_SHAPE, count(0));
    stub.word(fresh, 0, VECTOR_ROOT, Word::NULL.0 as i32);
    stub.init_header(fresh, tail_at, layout::NODE);
    stub.word(fresh, tail_at, ARRAY_LENGTH, count(n));
    let tail = Mem::at(fresh, tail_at + TAG_OBJECT as i32);
    stub.store_pointer(Store::Init, At::fresh(fresh, 0, VECTOR_TAIL), tail);
    for (i, &arg) in M::ARGS[params..argc].iter().enumerate() {
        let to = At::fresh(fresh, tail_at, ARRAY_ELEMENTS + i);
        stub.store(Store::Init, to, Stored::Word(arg, Holds::Anything));
    }
    let asm = &mut stub.asm;
    asm.lea(M::ARGS[params], Mem::at(fresh, TAG_OBJECT as i32));
    asm.load(end, Mem::at(M::CLOSURE, layout::closure_disp(CLOSURE_CODE)));
    asm.load(end, Mem::at(end, PACKED));
    asm.jump_reg(end);
}
