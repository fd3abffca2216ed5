//! Stores into objects.
//!
//! Owns the one way by which generated code writes a word of an object: who stores says which object it is ([`Store`]) and what is
//! known of the word ([`Holds`]).
//!
//! Invariant: an object is [`Store::Init`] as long as nothing that may collect lies between its allocation and the store.

use crate::asm::masm::{MacroAssembler, Mem, Reg};
use crate::object::layout::{HEADER_DISP, LayoutId, closure_disp, header, slot_disp, slot_offset};

/// What is stored to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Store {
    /// An object that this thread has just made: nothing that may collect lies between.
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

/// Who writes code that stores into objects.
pub trait Emit<M: MacroAssembler> {
    /// What it writes with.
    fn asm(&mut self) -> &mut M;

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
    fn store_pointer(&mut self, _how: Store, at: At, to: Mem) {
        self.asm().scratch().lea(to).store(at.mem);
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

    /// Sets the count in the header of an object back to 0.
    fn clear_count(&mut self, object: Reg, layout: LayoutId) {
        self.asm().store_imm(Mem::at(object, HEADER_DISP), header(layout, 0) as i32);
    }
}
