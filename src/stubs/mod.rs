//! Code without a tree: written by hand when the program starts, or when first asked for.
//!
//! Owns the code and its addresses. Knows objects, the context of a thread, and the assembler; what the runtime has (its functions,
//! the rows of builtins, what a thunk stands for) it is handed: see [`Functions`], [`Row`] and [`Stubs`].
//!
//! | file | its idea |
//! | --- | --- |
//! | [`table`] | which stubs there are, and where: made once, or when first asked for |
//! | `code` | ways in and out, and jumps through dispatch tables; what differs more by machine is in `asm/<machine>/stubs.rs` |
//! | [`access`], [`maps`], [`numbers`], [`sequences`], [`texts`], [`apply`] | what stands in front of helpers and builtins |
//!
//! In front of helpers and builtins stands machine code for the common case of those that loops over collections and texts live on,
//! and of arithmetic on what nobody could foresee to be Floats, without the way into Rust. What is not the common case jumps to the
//! exit stub, as if that had been called. Which of them have such code is said beside them (`runtime/helpers/fast.rs`,
//! the rows of the library, with the names of `front.rs`).
//!
//! These stubs have no frame, never collect and never throw (`apply` jumps to what it applies): they allocate from what the
//! allocation buffer has left. They may use every caller-saved register, like the functions themselves. What has a leaf
//! (`runtime/values/leaves/mod.rs`) asks that before the exit stub; while it runs there is a frame, in which nothing is looked for.

pub mod access;
pub mod apply;
pub mod claims;
mod code;
pub mod front;
pub mod maps;
pub mod numbers;
pub mod sequences;
pub mod table;
pub mod texts;

pub use code::{box_float, remember};
pub use table::{Enter, Functions, Row, Stubs, publish};

use crate::asm::masm::{ARG_REGS, Alu, Assembled, Cond, FCond, Label, MacroAssembler, Mem, Reg, TooFar};
use crate::emit::objects;
use crate::emit::{At, Emit, Holds, Missed, Store, Stored};
use crate::gc::Thread;
use crate::object::Word;
use crate::object::layout::{self, HEADER_BYTES, LayoutId, VECTOR_WIDTH as WIDTH, slot_disp};
use crate::object::word::INT_SHIFT;

/// The entry of a code record for 6 or more arguments: those that do not fit the registers.
pub const MANY: usize = ARG_REGS + 1;
/// The number of entries: one for each number of arguments up to 5, and one for more.
pub const ENTRIES: usize = MANY + 1;
/// Where a code record says where a call goes whose rest arguments are a vector already: behind its entries.
pub const PACKED: i32 = 8 * ENTRIES as i32;

/// As many arguments a leaf has; those that were not given are UNDEFINED.
pub const LEAF_ARGS: usize = 3;

/// The C function that is asked in front of a helper or builtin: THROWN when it has no answer.
pub type LeafEntry = unsafe extern "C" fn(*mut Thread, Word, Word, Word) -> Word;

/// What writes the common case.
pub type Write<'a, M> = &'a dyn Fn(&mut Stub<M>);

/// What the stubs look at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outside {
    /// The address of a byte that is 0 while no builtin type has been extended.
    pub extended: usize,
    /// The cell of the array of one-character strings.
    pub ascii: usize,
    /// The stub that remembers stores into old objects, where the plan wants that.
    pub remember: Option<usize>,
}

/// `(a, b)`: a Bool, of two Floats or two texts.
pub fn comparison<M: MacroAssembler>(stub: &mut Stub<M>, floats: FCond, bytes: Cond) {
    let (helper, no_floats) = (stub.slow, stub.asm.label());
    stub.slow = no_floats;
    numbers::comparison(stub, floats);
    stub.asm.bind(no_floats);
    stub.slow = helper;
    texts::comparison(stub, bytes);
}

/// The code that packs the rest of `argc` arguments, those behind `params`; where it has no room, the resolver does.
pub fn packing<M: MacroAssembler>(
    params: usize,
    argc: usize,
    outside: Outside,
    resolver: usize,
) -> Result<Assembled, TooFar> {
    stub(outside, &|stub| apply::pack_rest(stub, params, argc), |asm: &mut M| asm.jump_code(resolver))
}

/// A stub that tries machine code, then a leaf, as far as there are such, and does `otherwise` at last.
pub fn front<M: MacroAssembler>(
    outside: Outside,
    write: Option<Write<'_, M>>,
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
pub fn look_up<M: MacroAssembler>(function: usize, outside: Outside) -> Result<Assembled, TooFar> {
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
    let mut stub = Stub { asm, slow, outside, missed: Vec::new() };
    common(&mut stub);
    stub.asm.bind(stub.slow);
    otherwise(&mut stub.asm);
    for missed in stub.missed {
        missed.write(&mut stub.asm, outside.remember.unwrap_or_default(), false);
    }
    stub.asm.finish()
}

/// A stub being written.
pub struct Stub<M> {
    asm: M,
    /// Where the helper itself takes over.
    slow: Label,
    outside: Outside,
    /// Barriers, to be written at the end.
    missed: Vec<Missed>,
}

/// Bytes of an object with so many words after the header.
const fn bytes(words: usize) -> i32 {
    (HEADER_BYTES + 8 * words) as i32
}

/// The tagged word of a small count.
const fn count(n: usize) -> i32 {
    (n << INT_SHIFT) as i32
}

impl<M: MacroAssembler> Emit<M> for Stub<M> {
    fn asm(&mut self) -> &mut M {
        &mut self.asm
    }

    fn remembers(&mut self) -> bool {
        self.outside.remember.is_some()
    }

    fn out_of_line(&mut self, missed: Missed) {
        self.missed.push(missed);
    }
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
        objects::allocate(&mut self.asm, dst, end, after, self.slow);
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

    /// Writes word `i` of the object that is being made at `address + offset`.
    fn word(&mut self, address: Reg, offset: i32, i: usize, word: i32) {
        self.store(Store::Init, At::fresh(address, offset, i), word);
    }

    /// To the helper when the object in `r`, which may be anything, has another layout.
    fn check(&mut self, r: Reg, layout: LayoutId) {
        objects::branch_unless_object(&mut self.asm, r, self.slow);
        objects::branch_unless_layout(&mut self.asm, r, layout, self.slow);
    }

    /// To the helper when a builtin type has been extended; `r` is lost.
    pub fn unless_extended(&mut self, r: Reg) {
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
        let to = At::fresh_element(address, n, offset, layout::ARRAY_ELEMENTS);
        self.store(Store::Init, to, Stored::Word(word, Holds::Anything));
        self.asm.jump(next);
        self.asm.bind(done);
    }

    /// A leaf of a builder at `address + offset`: full length, all null, which is then in `null`.
    fn leaf(&mut self, address: Reg, offset: i32, null: Reg) {
        assert_ne!(address, null, "on ARM64 one register has two roles here");
        self.init_header(address, offset, layout::NODE);
        self.word(address, offset, layout::ARRAY_LENGTH, count(WIDTH));
        self.asm.mov_imm(null, Word::NULL.0 as i64);
        for i in 0..WIDTH {
            let to = At::fresh(address, offset, layout::ARRAY_ELEMENTS + i);
            self.store(Store::Init, to, Stored::Word(null, Holds::NoPointer));
        }
    }
}
