//! Machine code in front of helpers: the common case of those that loops over collections live on, and of arithmetic on what
//! nobody could foresee to be Floats, without the way into Rust. What is not the common case jumps to the helper's exit stub, as
//! if that had been called.
//!
//! These stubs have no frame, never collect and never throw: they allocate from what the allocation buffer has left. They may
//! use every caller-saved register, like the helpers themselves.

mod floats;
mod maps;
mod sequences;

use super::collections::vector::WIDTH;
use crate::asm::masm::{Assembled, Cond, FCond, Falu, Label, MacroAssembler, Mem, Reg, TooFar};
use crate::codegen::link::Helper;
use crate::gc::Word;
use crate::gc::layout::{self, HEADER_BYTES, HEADER_DISP, LayoutId, header, header_low, slot_disp, slot_offset};
use crate::gc::thread::{OFFSET_TLAB_CURSOR, OFFSET_TLAB_LIMIT};
use crate::gc::word::{INT_SHIFT, TAG_MASK, TAG_OBJECT};

/// The code in front of a helper whose exit stub is at `exit`, for those that have some. `extended` is the address of a byte that
/// is 0 while no builtin type has been extended.
pub(super) fn code<M: MacroAssembler>(
    helper: Helper,
    exit: usize,
    extended: usize,
) -> Option<Result<Assembled, TooFar>> {
    let write: &dyn Fn(&mut Stub<M>) = match helper {
        Helper::Iterate => &sequences::iterate,
        Helper::NextChunk => &sequences::next_chunk,
        Helper::NewBuilder => &sequences::new_builder,
        Helper::BuilderPush => &sequences::builder_push,
        Helper::BuilderDone => &sequences::builder_done,
        Helper::AssocInPlace => &move |stub| maps::assoc_in_place(stub, extended),
        Helper::Add => &|stub| floats::operation(stub, Falu::Add),
        Helper::Subtract => &|stub| floats::operation(stub, Falu::Sub),
        Helper::Multiply => &|stub| floats::operation(stub, Falu::Mul),
        Helper::Divide => &|stub| floats::operation(stub, Falu::Div),
        Helper::Less => &|stub| floats::comparison(stub, FCond::Less),
        Helper::LessEqual => &|stub| floats::comparison(stub, FCond::LessEqual),
        Helper::Greater => &|stub| floats::comparison(stub, FCond::Greater),
        Helper::GreaterEqual => &|stub| floats::comparison(stub, FCond::GreaterEqual),
        Helper::Equal => &|stub| floats::comparison(stub, FCond::Equal),
        _ => return None,
    };
    Some(stub(write, |asm: &mut M| asm.jump_code(exit)))
}

/// The code that looks into maps, in front of the C function at `function`: see `runtime/lookup.rs`.
pub(super) fn look_up<M: MacroAssembler>(function: usize, extended: usize) -> Result<Assembled, TooFar> {
    let ask = |asm: &mut M| {
        let prologue = asm.prologue(0);
        asm.mov(M::CLOSURE, M::CTX);
        asm.call_c(function);
        asm.epilogue(0);
        asm.ret();
        asm.set_frame_size(prologue, 0);
    };
    stub(&|stub| maps::look_up(stub, extended), ask)
}

/// A stub: the common case, and behind it what is done otherwise.
fn stub<M: MacroAssembler>(common: &dyn Fn(&mut Stub<M>), otherwise: impl FnOnce(&mut M)) -> Result<Assembled, TooFar> {
    let mut asm = M::new();
    let slow = asm.label();
    let mut stub = Stub { asm, slow };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asm::arm64::Arm64;
    use crate::asm::x64::X64;

    /// On one machine RESULT is CLOSURE, on the other it is not: what is written for both is looked at on every host.
    #[test]
    fn registers_have_one_role_on_both_machines() {
        use Helper::*;
        for helper in [Iterate, NextChunk, NewBuilder, BuilderPush, BuilderDone, AssocInPlace] {
            assert!(code::<X64>(helper, 0, 0).is_some_and(|code| code.is_ok()));
            assert!(code::<Arm64>(helper, 0, 0).is_some_and(|code| code.is_ok()));
        }
        assert!(look_up::<X64>(0, 0).is_ok() && look_up::<Arm64>(0, 0).is_ok());
    }
}
