//! Stores into objects.
//!
//! Owns the one way by which generated code writes a word of an object: who stores says which object it is ([`Store`]) and what is
//! known of the word ([`Holds`]).
//!
//! Where the plan remembers stores ([`Barrier::Remember`](crate::gc::plan::Barrier::Remember)), a store into what may be old is
//! followed by its barrier: the flag [`OLD`](crate::object::layout::OLD) of the object is asked, and code out of line calls
//! the stub that remembers it ([`Missed`]). That stub keeps all registers, so a barrier is no safepoint and wants no stack map.
//!
//! Invariant: an object is [`Store::Init`] as long as nothing that may collect lies between its allocation and the store.

use crate::asm::masm::{Alu, Cond, Label, MacroAssembler, Mem, Reg};
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::object::layout::{
    COUNT_SHIFT, HEADER_DISP, LayoutId, OLD_BIT, OLD_BYTE, closure_disp, header, slot_disp, slot_offset,
};
use crate::object::word::{FLOAT_BIT, TAG_OBJECT};

/// What is stored to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Store {
    /// An object that this thread has made since the last collection: nothing that may collect lies between. So it is young.
    Init,
    /// An object that no other thread knows. It may be old all the same.
    Private,
    /// An object that other threads may know: what they find there must be whole, so a pointer is stored with release.
    Shared,
}

/// What is known of a word that is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holds {
    /// It is none of the pointers.
    NoPointer,
    /// A Float, self-tagged or boxed. One that is boxed was published when it was made.
    Float,
    /// A boxed Float, or no pointer.
    NoObject,
    /// A pointer.
    Pointer,
    /// Nothing.
    Anything,
}

/// What is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stored {
    /// What is in a register.
    Word(Reg, Holds),
    /// A word that is no pointer.
    Immediate(i32),
}

impl From<i32> for Stored {
    fn from(word: i32) -> Stored {
        Stored::Immediate(word)
    }
}

/// A word of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct At {
    mem: Mem,
}

impl At {
    /// A slot of the object that a pointer leads to.
    pub fn slot(object: Reg, slot: usize) -> At {
        At { mem: Mem::at(object, slot_disp(slot)) }
    }

    /// The word that lies `index << scale` bytes behind a slot.
    pub fn element(object: Reg, index: Reg, scale: u8, slot: usize) -> At {
        At { mem: Mem::indexed(object, index, scale, slot_disp(slot)) }
    }

    /// The word at a displacement in a register, which takes account of the pointer's tag.
    pub fn displaced(object: Reg, displacement: Reg) -> At {
        At { mem: Mem::indexed(object, displacement, 0, 0) }
    }

    /// A word of a function that is being made.
    pub fn of_function(function: Reg, slot: usize) -> At {
        At { mem: Mem::at(function, closure_disp(slot)) }
    }

    /// A slot of the object that is being made `offset` bytes behind an address.
    pub fn fresh(address: Reg, offset: i32, slot: usize) -> At {
        At { mem: Mem::at(address, offset + slot_offset(slot) as i32) }
    }

    /// The same, with an index in bytes.
    pub fn fresh_element(address: Reg, index: Reg, offset: i32, slot: usize) -> At {
        At { mem: Mem::indexed(address, index, 0, offset + slot_offset(slot) as i32) }
    }

    /// A slot of the object that is being made `offset` bytes behind the one that a pointer leads to.
    pub fn behind(object: Reg, offset: i32, slot: usize) -> At {
        At { mem: Mem::at(object, offset + slot_disp(slot)) }
    }

    /// The header of the object that is being made `offset` bytes behind an address.
    pub fn header(address: Reg, offset: i32) -> At {
        At { mem: Mem::at(address, offset) }
    }
}

/// What is left to do where an object that was stored to has the flag, out of line.
#[derive(Clone, Copy, Debug)]
pub struct Missed {
    entry: Label,
    back: Label,
    slot: Mem,
    /// Where what was stored is, when it need not be a pointer.
    word: Option<Reg>,
    /// The flag has not been asked yet.
    ask: bool,
}

/// The byte of the flags, from a pointer to an object.
fn flags(object: Reg) -> Mem {
    Mem::at(object, OLD_BYTE - TAG_OBJECT as i32)
}

impl Missed {
    /// Writes it, with a call of the stub that remembers stores: see `stubs::remember`. `framed`: the code around it has a frame.
    pub fn write<M: MacroAssembler>(self, asm: &mut M, stub: usize, framed: bool) {
        let object = self.slot.base;
        if !framed {
            asm.frameless();
        }
        asm.bind(self.entry);
        if self.ask {
            asm.test_mem8_imm(flags(object), OLD_BIT);
            asm.branch(Cond::Equal, self.back);
        }
        if let Some(word) = self.word {
            // Both tags of pointers are 01 in their lowest bits.
            asm.scratch().alu_imm(Alu::And, word, 3).compare_imm(1);
            asm.branch(Cond::NotEqual, self.back);
        }
        let prologue = (!framed).then(|| asm.prologue(0));
        asm.bits_float(M::FSCRATCH, object);
        asm.scratch().lea(self.slot).bits_float(M::FSCRATCH2);
        asm.call_code(stub);
        if let Some(prologue) = prologue {
            asm.set_frame_size(prologue, 0);
            asm.epilogue(0);
        }
        asm.jump(self.back);
    }
}

/// Who writes code that stores into objects.
pub trait Emit<M: MacroAssembler> {
    /// What it writes with.
    fn asm(&mut self) -> &mut M;

    /// Does the plan remember stores into old objects?
    fn remembers(&mut self) -> bool;

    /// Has this written behind the code that everybody runs.
    fn out_of_line(&mut self, missed: Missed);

    /// Stores a word. The flags are lost.
    fn store(&mut self, how: Store, at: At, word: impl Into<Stored>) {
        let word = word.into();
        match word {
            Stored::Immediate(imm) => self.asm().store_imm(at.mem, imm),
            Stored::Word(r, Holds::Pointer | Holds::Anything) if how == Store::Shared => {
                self.asm().store_release(at.mem, r);
            }
            Stored::Word(r, _) => self.asm().store(at.mem, r),
        }
        match word {
            Stored::Immediate(imm) => debug_assert!(!Word(imm as i64 as u64).is_pointer()),
            Stored::Word(_, Holds::NoPointer) => {}
            Stored::Word(r, holds) if how != Store::Init && self.remembers() => {
                self.barrier(at, Some(r).filter(|_| holds != Holds::Pointer), holds == Holds::Float);
            }
            Stored::Word(..) => {}
        }
    }

    /// The barrier behind a store of what is in `word`, or of a pointer. `float`: it is one, which is hardly ever boxed.
    fn barrier(&mut self, at: At, word: Option<Reg>, float: bool) {
        if mutated(Mutation::BarrierForgotten) {
            return;
        }
        let asm = self.asm();
        let (entry, back) = (asm.label(), asm.label());
        match word.filter(|_| float) {
            Some(word) => {
                asm.test_imm(word, FLOAT_BIT as i64);
                asm.branch(Cond::Equal, entry);
            }
            None => {
                asm.test_mem8_imm(flags(at.mem.base), OLD_BIT);
                asm.branch(Cond::NotEqual, entry);
            }
        }
        asm.bind(back);
        let (word, ask) = (word.filter(|_| !float), float);
        self.out_of_line(Missed { entry, back, slot: at.mem, word, ask });
    }

    /// Stores a count or a position, an Int, to an object that no other thread knows.
    fn store_count(&mut self, at: At, count: Reg) {
        self.asm().store(at.mem, count);
    }

    /// Stores a count, an Int: who sees it sees all that was stored before.
    fn publish_count(&mut self, at: At, count: Reg) {
        self.asm().store_release(at.mem, count);
    }

    /// Stores a pointer to the object that lies at an address with its tag.
    fn store_pointer(&mut self, how: Store, at: At, to: Mem) {
        self.asm().scratch().lea(to).store(at.mem);
        if how != Store::Init && self.remembers() {
            self.barrier(at, None, false);
        }
    }

    /// Writes the header of an object that is being made.
    fn init_header(&mut self, address: Reg, offset: i32, layout: LayoutId) {
        self.asm().store_imm(Mem::at(address, offset), header(layout, 0) as i32);
    }

    /// The same, of a header that is made already; `r` may be lost.
    fn init_header_word(&mut self, address: Reg, word: u64, r: Reg) {
        if word as i64 == word as i32 as i64 {
            self.asm().store_imm(Mem::at(address, 0), word as i32);
        } else {
            self.asm().mov_imm(r, word as i64);
            self.asm().store(Mem::at(address, 0), r);
        }
    }

    /// Writes a word that no collection looks at of an object that is being made.
    fn init_raw(&mut self, at: At, word: i64) {
        self.asm().scratch().imm(word).store(at.mem);
    }

    /// Copies a word to an object that is being made.
    fn init_copy(&mut self, at: At, from: Mem) {
        self.asm().scratch().load(from).store(at.mem);
    }

    /// Goes to the label when the count in the header of an object is 0.
    fn branch_unless_counted(&mut self, object: Reg, label: Label) {
        // The count is what the header's upper half has above its flags.
        let asm = self.asm();
        asm.compare_mem32_imm(flags(object), 1 << (COUNT_SHIFT - 8 * OLD_BYTE as u32));
        asm.branch(Cond::Below, label);
    }

    /// Sets the count in the header of an object back to 0.
    fn clear_count(&mut self, object: Reg, layout: LayoutId) {
        if !self.remembers() {
            return self.asm().store_imm(Mem::at(object, HEADER_DISP), header(layout, 0) as i32);
        }
        // Another thread may take a flag out of its byte meanwhile. Where the count is 0 nobody writes.
        let asm = self.asm();
        let done = asm.label();
        asm.compare_mem32_imm(flags(object), 1 << (COUNT_SHIFT - 8 * OLD_BYTE as u32));
        asm.branch(Cond::Below, done);
        let count = |k: i32| Mem::at(object, HEADER_DISP + (COUNT_SHIFT / 8) as i32 + k);
        asm.scratch().imm(0).store8(count(0)).store8(count(1)).store8(count(2)).forget();
        asm.bind(done);
    }
}
