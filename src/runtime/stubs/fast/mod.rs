//! Machine code in front of helpers and builtins: the common case of those that loops over collections and texts live on, and of
//! arithmetic on what nobody could foresee to be Floats, without the way into Rust. What is not the common case jumps to the exit
//! stub, as if that had been called.
//!
//! These stubs have no frame, never collect and never throw (`apply` jumps to what it applies): they allocate from what the
//! allocation buffer has left. They may use every caller-saved register, like the functions themselves. What has a leaf
//! (`runtime/helpers/leaf.rs`) asks that before the exit stub; while it runs there is a frame, in which nothing is looked for.

mod access;
mod apply;
mod maps;
mod numbers;
mod sequences;
mod texts;

use crate::asm::masm::{Alu, Assembled, Cond, FCond, Falu, Label, MacroAssembler, Mem, Reg, TooFar};
use crate::codegen::link::Helper;
use crate::gc::thread::{OFFSET_TLAB_CURSOR, OFFSET_TLAB_LIMIT};
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::object::layout::{self, HEADER_BYTES, HEADER_DISP, LayoutId, header, header_low, slot_disp, slot_offset};
use crate::object::word::{INT_SHIFT, TAG_MASK, TAG_OBJECT};
use crate::runtime::builtins::Builtin;
use crate::runtime::helpers::leaf::{self, LEAF_ARGS, LeafEntry};
use crate::runtime::values::collections::vector::WIDTH;

/// What the stubs look at.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::runtime) struct Outside {
    /// The address of a byte that is 0 while no builtin type has been extended.
    pub extended: usize,
    /// The cell of the array of one-character strings.
    pub ascii: usize,
}

/// The code in front of a helper whose exit stub is at `exit`, for those that have some.
pub(in crate::runtime) fn code<M: MacroAssembler>(
    helper: Helper,
    exit: usize,
    outside: Outside,
) -> Option<Result<Assembled, TooFar>> {
    use layout::{ARRAY, MUTABLE_LIST, STRING, STRING_PREFIX, VECTOR};
    let write: Option<&dyn Fn(&mut Stub<M>)> = Some(match helper {
        Helper::Iterate => &sequences::iterate,
        Helper::NextChunk => &sequences::next_chunk,
        Helper::NewBuilder => &sequences::new_builder,
        Helper::BuilderPush => &sequences::builder_push,
        Helper::BuilderDone => &sequences::builder_done,
        Helper::AssocInPlace => &maps::assoc_in_place,
        Helper::PushInPlace => &access::push_in_place,
        Helper::MapFind => &maps::look_up,
        Helper::GetIndex => &|stub| {
            stub.unless_extended(M::RESULT);
            access::element(stub, &[VECTOR, STRING, ARRAY, MUTABLE_LIST, STRING_PREFIX]);
        },
        Helper::SetIndex => &|stub| access::store(stub, &[ARRAY, MUTABLE_LIST], 2),
        Helper::Add => &|stub| numbers::operation(stub, Falu::Add),
        Helper::Subtract => &|stub| numbers::operation(stub, Falu::Sub),
        Helper::Multiply => &|stub| numbers::operation(stub, Falu::Mul),
        Helper::Divide => &|stub| numbers::operation(stub, Falu::Div),
        Helper::Less => &|stub| comparison(stub, FCond::Less, Cond::Below),
        Helper::LessEqual => &|stub| comparison(stub, FCond::LessEqual, Cond::BelowEqual),
        Helper::Greater => &|stub| comparison(stub, FCond::Greater, Cond::Above),
        Helper::GreaterEqual => &|stub| comparison(stub, FCond::GreaterEqual, Cond::AboveEqual),
        Helper::Equal => &|stub| comparison(stub, FCond::Equal, Cond::Equal),
        _ => {
            return leaf::of_helper(helper)
                .map(|leaf| front(outside, None, Some(leaf), |asm: &mut M| asm.jump_code(exit)));
        }
    });
    Some(front(outside, write, leaf::of_helper(helper), |asm: &mut M| asm.jump_code(exit)))
}

/// `(a, b)`: a Bool, of two Floats or two texts.
fn comparison<M: MacroAssembler>(stub: &mut Stub<M>, floats: FCond, bytes: Cond) {
    let (helper, no_floats) = (stub.slow, stub.asm.label());
    stub.slow = no_floats;
    numbers::comparison(stub, floats);
    stub.asm.bind(no_floats);
    stub.slow = helper;
    texts::comparison(stub, bytes);
}

/// The code in front of a builtin that is called with `argc` arguments, for those that have some; `otherwise` is what is done
/// without. Core methods come here only for types that nobody has extended with them.
pub(super) fn builtin<M: MacroAssembler>(
    builtin: &Builtin,
    argc: usize,
    outside: Outside,
    otherwise: impl FnOnce(&mut M),
) -> Option<Result<Assembled, TooFar>> {
    use layout::{ARRAY, MUTABLE_LIST, STRING, STRING_PREFIX, VECTOR};
    let leaf = builtin.leaf.filter(|_| argc <= LEAF_ARGS).map(|leaf| (leaf, argc));
    let write: &dyn Fn(&mut Stub<M>) = match (builtin.namespace, builtin.name, argc) {
        ("core", "apply", 2 | 3) if !mutated(Mutation::CallsAtTheEnd) => &|stub| apply::apply(stub, argc),
        ("core", "get", 2 | 3) => &|stub| access::element(stub, &[VECTOR, STRING, ARRAY, MUTABLE_LIST, STRING_PREFIX]),
        ("core", "nth", 2 | 3) => &|stub| {
            stub.unless_extended(M::RESULT);
            access::element(stub, &[VECTOR, STRING, ARRAY, MUTABLE_LIST, STRING_PREFIX]);
        },
        ("core", "length", 1) => {
            &|stub| access::length(stub, &[VECTOR, STRING, ARRAY, MUTABLE_LIST, layout::MAP, STRING_PREFIX])
        }
        ("core", "push" | "conj", 2) => &access::vector_push,
        ("core", "deref", 1) => &access::deref,
        ("core", "char-code-at", 2) => &access::char_code_at,
        ("core", "min", 2 | 3) => &|stub| numbers::extreme(stub, argc, Cond::Less),
        ("core", "clamp", 3) => &numbers::clamp,
        ("core", "max", 2 | 3) => &|stub| numbers::extreme(stub, argc, Cond::Greater),
        ("mutable-array", "get", 2 | 3) | ("mutable-array", "read-field", 2) => &|stub| access::element(stub, &[ARRAY]),
        ("mutable-array", "write-field", 3) => &|stub| access::store(stub, &[ARRAY], 2),
        ("mutable-array", "swap", 3) => &access::swap,
        ("mutable-list", "get", 2 | 3) => &|stub| access::element(stub, &[MUTABLE_LIST]),
        ("mutable-list", "set!", 3) => &|stub| access::store(stub, &[MUTABLE_LIST], 0),
        ("mutable-list", "push!", 2) => &access::list_push,
        ("mutable-list", "pop!", 1) => &access::list_pop,
        ("mutable-list", "count", 1) => &|stub| access::length(stub, &[MUTABLE_LIST]),
        ("mutable-map", "get", 2 | 3) => &maps::mutable_get,
        ("mutable-map", "put!", 3) => &maps::mutable_put,
        _ => return leaf.map(|leaf| front(outside, None, Some(leaf), otherwise)),
    };
    Some(front(outside, Some(write), leaf, otherwise))
}

/// The code that packs the rest of `argc` arguments, those behind `params`; where it has no room, the resolver does.
pub(super) fn packing<M: MacroAssembler>(
    params: usize,
    argc: usize,
    outside: Outside,
    resolver: usize,
) -> Result<Assembled, TooFar> {
    stub(outside, &|stub| apply::pack_rest(stub, params, argc), |asm: &mut M| asm.jump_code(resolver))
}

/// A stub that tries machine code, then a leaf, as far as there are such, and does `otherwise` at last.
fn front<M: MacroAssembler>(
    outside: Outside,
    write: Option<&dyn Fn(&mut Stub<M>)>,
    leaf: Option<(LeafEntry, usize)>,
    otherwise: impl FnOnce(&mut M),
) -> Result<Assembled, TooFar> {
    let common = |stub: &mut Stub<M>| {
        if let Some(write) = write {
            write(stub);
        }
        if let Some((leaf, argc)) = leaf {
            if write.is_some() {
                stub.asm.bind(stub.slow);
                stub.slow = stub.asm.label();
            }
            ask(stub, leaf, argc);
        }
    };
    stub(outside, &common, otherwise)
}

/// Asks a leaf; where it has no answer, the arguments are as before.
fn ask<M: MacroAssembler>(stub: &mut Stub<M>, leaf: LeafEntry, argc: usize) {
    let asm = &mut stub.asm;
    let kept = |k: usize| Mem::at(M::FP, -8 * (k as i32 + 1));
    let prologue = asm.prologue(0);
    asm.set_frame_size(prologue, 16 * argc.div_ceil(2) as u32);
    for k in 0..argc {
        asm.store(kept(k), M::ARGS[k]);
    }
    for &missing in &M::ARGS[argc..LEAF_ARGS] {
        asm.mov_imm(missing, Word::UNDEFINED.0 as i64);
    }
    asm.mov(M::CLOSURE, M::CTX);
    asm.call_c(leaf as *const () as usize);
    let unanswered = asm.label();
    asm.compare_imm(M::RESULT, Word::THROWN.0 as i64);
    asm.branch(Cond::Equal, unanswered);
    asm.epilogue(0);
    asm.ret();
    asm.bind(unanswered);
    for k in 0..argc {
        asm.load(M::ARGS[k], kept(k));
    }
    asm.epilogue(0);
}

/// The code that looks into maps, in front of the C function at `function`: see `runtime/helpers/lookup.rs`.
pub(in crate::runtime) fn look_up<M: MacroAssembler>(function: usize, outside: Outside) -> Result<Assembled, TooFar> {
    let ask = |asm: &mut M| {
        let prologue = asm.prologue(0);
        asm.mov(M::CLOSURE, M::CTX);
        asm.call_c(function);
        asm.epilogue(0);
        asm.ret();
        asm.set_frame_size(prologue, 0);
    };
    stub(outside, &maps::look_up, ask)
}

/// A stub: the common case, and behind it what is done otherwise.
fn stub<M: MacroAssembler>(
    outside: Outside,
    common: &dyn Fn(&mut Stub<M>),
    otherwise: impl FnOnce(&mut M),
) -> Result<Assembled, TooFar> {
    let mut asm = M::new();
    let slow = asm.label();
    let mut stub = Stub { asm, slow, outside };
    common(&mut stub);
    stub.asm.bind(stub.slow);
    otherwise(&mut stub.asm);
    stub.asm.finish()
}

/// A stub being written.
struct Stub<M> {
    asm: M,
    /// Where the helper itself takes over.
    slow: Label,
    outside: Outside,
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
        self.allocate_up_to(dst, end, Mem::at(dst, bytes));
    }

    /// `dst =` the address of so many fresh bytes and a word for each of the count in `n`; `end` is lost.
    fn allocate_words(&mut self, dst: Reg, end: Reg, n: Reg, bytes: i32) {
        self.allocate_up_to(dst, end, Mem::indexed(dst, n, 0, bytes));
    }

    fn allocate_up_to(&mut self, dst: Reg, end: Reg, after: Mem) {
        assert_ne!(dst, end, "on ARM64 one register has two roles here");
        let asm = &mut self.asm;
        asm.load(dst, Mem::at(M::CTX, OFFSET_TLAB_CURSOR));
        asm.lea(end, after);
        asm.compare_mem(end, Mem::at(M::CTX, OFFSET_TLAB_LIMIT));
        asm.branch(Cond::Above, self.slow);
        asm.store(Mem::at(M::CTX, OFFSET_TLAB_CURSOR), end);
    }

    /// Gives a Bool, as the flags say.
    fn give_bool(&mut self, cond: Cond) {
        let no = self.asm.label();
        self.asm.branch(cond.negate(), no);
        self.give(Word::TRUE);
        self.asm.bind(no);
        self.give(Word::FALSE);
    }

    fn give(&mut self, word: Word) {
        self.asm.mov_imm(M::RESULT, word.0 as i64);
        self.asm.ret();
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
        self.asm.scratch().lea(Mem::at(r, -(TAG_OBJECT as i32))).test_mask(TAG_MASK as u32);
        self.asm.branch(Cond::NotEqual, self.slow);
        self.asm.compare_mem32_imm(Mem::at(r, HEADER_DISP), header_low(layout));
        self.asm.branch(Cond::NotEqual, self.slow);
    }

    /// To the helper when a builtin type has been extended; `r` is lost.
    fn unless_extended(&mut self, r: Reg) {
        self.asm.mov_imm(r, self.outside.extended as i64);
        self.asm.load8(r, Mem::at(r, 0));
        self.asm.compare_imm(r, 0);
        self.asm.branch(Cond::NotEqual, self.slow);
    }

    /// Goes to the helper unless slot `i` of an object is this word.
    fn expect(&mut self, object: Reg, i: usize, word: i32) {
        self.asm.compare_mem_imm(Mem::at(object, slot_disp(i)), word as i64);
        self.asm.branch(Cond::NotEqual, self.slow);
    }

    /// Copies the elements of a NODE to the one at `address + offset`, the last first; their number, in `n`, and `word` are lost.
    fn copy_elements(&mut self, node: Reg, address: Reg, offset: i32, n: Reg, word: Reg) {
        let asm = &mut self.asm;
        let (next, done) = (asm.label(), asm.label());
        asm.bind(next);
        asm.alu_imm(Alu::Sub, n, n, count(1) as i64);
        asm.compare_imm(n, 0);
        asm.branch(Cond::Less, done);
        asm.load(word, Mem::indexed(node, n, 0, slot_disp(layout::ARRAY_ELEMENTS)));
        asm.store(Mem::indexed(address, n, 0, offset + slot_offset(layout::ARRAY_ELEMENTS) as i32), word);
        asm.jump(next);
        asm.bind(done);
    }

    /// A leaf of a builder at `address + offset`: full length, all null, which is then in `null`.
    fn leaf(&mut self, address: Reg, offset: i32, null: Reg) {
        assert_ne!(address, null, "on ARM64 one register has two roles here");
        self.header(address, offset, layout::NODE);
        self.word(address, offset, layout::ARRAY_LENGTH, count(WIDTH));
        self.asm.mov_imm(null, Word::NULL.0 as i64);
        for i in 0..WIDTH {
            self.asm.store(Mem::at(address, offset + slot_offset(layout::ARRAY_ELEMENTS + i) as i32), null);
        }
    }
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
        let with_leaves = [Interpolate, Concat, MakeVector, MakeMap, MakeSet, Equal, Less];
        let machine_code = [Iterate, NextChunk, NewBuilder, BuilderPush, BuilderDone, AssocInPlace, GetIndex, SetIndex];
        for helper in [PushInPlace].into_iter().chain(machine_code).chain(with_leaves) {
            assert!(code::<X64>(helper, 0, Outside::default()).is_some_and(|code| code.is_ok()));
            assert!(code::<Arm64>(helper, 0, Outside::default()).is_some_and(|code| code.is_ok()));
        }
        let outside = Outside::default();
        assert!(look_up::<X64>(0, outside).is_ok() && look_up::<Arm64>(0, outside).is_ok());
        for (params, argc) in (0..5).flat_map(|params| (params..=5).map(move |argc| (params, argc))) {
            assert!(packing::<X64>(params, argc, outside, 0).is_ok());
            assert!(packing::<Arm64>(params, argc, outside, 0).is_ok());
        }
        let (mut with_code, mut in_machine_code) = (0, 0);
        for (row, argc) in
            crate::runtime::builtins::TABLES.iter().copied().flatten().flat_map(|b| (0..6).map(move |n| (b, n)))
        {
            if let Some(code) = builtin::<X64>(row, argc, outside, |_| ()).filter(|_| row.accepts(argc)) {
                assert!(code.is_ok(), "{} of {argc}", row.name);
                assert!(builtin::<Arm64>(row, argc, outside, |_| ()).is_some_and(|code| code.is_ok()));
                with_code += 1;
                let alone = builtin::<X64>(&Builtin { leaf: None, ..**row }, argc, outside, |_| ());
                in_machine_code += usize::from(alone.is_some());
            }
        }
        assert!(with_code > 150, "{with_code}");
        assert_eq!(in_machine_code, 30);
    }
}
