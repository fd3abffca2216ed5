//! Values that are held beyond the frame that they were in.
//!
//! Owns how a variable of a frame that waits is read, and the words that the runtime took from the variables of frames which an
//! exception is about to leave: they are roots of their thread until all are let go.

use super::handle::Handle;
use super::thread::Thread;
use super::value::Value;
use crate::asm::Host;
use crate::asm::masm::{MacroAssembler, Reg};
use crate::asm::variables::Home;
use crate::gc::trace::walker::Frame;
use crate::object::layout::BOX_VALUE;
use crate::object::word::Word;

/// What a variable held.
#[derive(Clone, Copy, Debug)]
pub enum Held {
    /// A raw float.
    Float(f64),
    /// The value with this number among those that are held.
    Value(usize),
}

/// What a variable of a frame that waits holds now.
#[derive(Clone, Copy)]
pub enum Content<'h> {
    /// A raw float.
    Float(f64),
    /// A value.
    Value(Value<'h>),
}

impl Frame<'_> {
    /// The word that is at home there while the frame waits, or a raw float's bits. None of what the call does not keep: of a
    /// tagged word the stack map has the say.
    fn bits_at(&self, home: Home) -> Option<u64> {
        let slot = |slot| self.fp.wrapping_add_signed(self.function.slot_offset(slot) as isize);
        let address = match home {
            Home::Nowhere | Home::Float(_) => return None,
            Home::Word(bits) | Home::FloatBits(bits) => return Some(bits),
            Home::Cell(address) => address,
            Home::FloatSlot(number) => slot(number),
            Home::Slot(number) => slot(self.safepoint.slots().find(|live| *live == number)?),
            Home::Reg(number) => {
                let index = Host::CALLEE_SAVED.iter().position(|register| *register == Reg(number))?;
                (self.safepoint.live_saved() >> index & 1 != 0).then(|| self.registers[index])?
            }
        };
        // SAFETY: a word of the stack, which stays as it is while the frame is looked at, or a data cell of the frame's code.
        Some(unsafe { *(address as *const u64) })
    }
}

impl Thread {
    /// What a variable of a frame of this thread holds; for one in a box, what is in there now. None of what is not kept.
    pub fn content(&self, frame: &Frame<'_>, home: Home, boxed: bool) -> Option<Content<'_>> {
        let bits = frame.bits_at(home)?;
        if matches!(home, Home::FloatSlot(_) | Home::FloatBits(_)) {
            return Some(Content::Float(f64::from_bits(bits)));
        }
        let value = self.value(Word(bits));
        let value = if boxed { value.slot(BOX_VALUE) } else { value };
        (!matches!(value.word(), Word::UNDEFINED | Word::POISON)).then_some(Content::Value(value))
    }

    /// Holds what a variable of a frame of this thread holds.
    pub fn hold(&self, frame: &Frame<'_>, home: Home, boxed: bool) -> Option<Held> {
        match self.content(frame, home, boxed)? {
            Content::Float(float) => Some(Held::Float(float)),
            Content::Value(value) => self.with_held(|held| {
                held.push(value.word());
                Some(Held::Value(held.len() - 1))
            }),
        }
    }

    /// A value that is held.
    pub fn held(&self, index: usize) -> Option<Value<'_>> {
        self.with_held(|held| held.get(index).copied()).map(|word| self.value(word))
    }

    /// Nothing is held any more, but by these handles: [`Thread::hold_again`] takes them.
    pub fn set_held_aside(&self) -> Vec<Handle> {
        self.with_held(std::mem::take).into_iter().map(|word| self.root(self.value(word))).collect()
    }

    /// These values are held, and no others.
    pub fn hold_again(&self, values: &[Handle]) {
        let words = values.iter().map(|value| self.get(*value).word()).collect();
        self.with_held(|held| *held = words);
    }

    /// Nothing is held any more.
    pub fn hold_nothing(&self) {
        self.with_held(Vec::clear);
    }
}
