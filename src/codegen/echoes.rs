//! Echoes: what registers hold that nobody owns.
//!
//! A word that was untagged is still there beside the raw Float, and a field that was read or written is still in a register: who
//! asks for the same again is given that. Echoes own nothing: they keep no register from being given out, no safepoint tells
//! of them, and no two states agree on them.
//!
//! Invariant: a register that is given out, or written to, has no echo any more ([`Echoes::overwritten`],
//! [`Echoes::float_overwritten`]); and wherever code comes together, or something may have run that does not keep all
//! registers, or that may have stored to a field, there are none ([`Echoes::forget`]): behind calls, where a slow way joins
//! again, and where the state becomes another.

use super::generator::Generator;
use super::state::Place;
use crate::asm::masm::{FReg, MacroAssembler, Reg};

/// So many fields are remembered.
const FIELDS: usize = 8;

/// A field whose word is in a register.
#[derive(Clone, Copy, Debug)]
struct Field {
    object: Reg,
    slot: usize,
    word: Reg,
}

/// What is in registers besides what owners hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echoes {
    /// By general register that holds a Float's word: the register with the same, raw.
    raws: [Option<FReg>; 32],
    fields: [Option<Field>; FIELDS],
    /// The field that gives way to the next.
    next: usize,
}

impl Echoes {
    /// Nothing is known any more.
    pub fn forget(&mut self) {
        *self = Echoes::default();
    }

    /// A general register is given out, or gets another value.
    pub fn overwritten(&mut self, r: Reg) {
        self.raws[r.0 as usize] = None;
        self.forget_fields(|field| field.object == r || field.word == r);
    }

    /// The same of a float register.
    pub fn float_overwritten(&mut self, f: FReg) {
        for raw in self.raws.iter_mut().filter(|raw| **raw == Some(f)) {
            *raw = None;
        }
    }

    /// Nothing is known of fields any more.
    pub fn forget_all_fields(&mut self) {
        self.fields = Default::default();
    }

    fn forget_fields(&mut self, gone: impl Fn(&Field) -> bool) {
        for field in &mut self.fields {
            *field = field.filter(|field| !gone(field));
        }
    }

    /// The Float in a general register, raw.
    pub fn raw_of(&self, r: Reg) -> Option<FReg> {
        self.raws[r.0 as usize]
    }

    /// The word of the Float in a float register.
    fn word_of(&self, f: FReg) -> Option<Reg> {
        self.raws.iter().position(|raw| *raw == Some(f)).map(|r| Reg(r as u8))
    }

    /// Does an echo need what is in a general register?
    pub fn need(&self, r: Reg) -> bool {
        self.raw_of(r).is_some() || self.fields.iter().flatten().any(|field| field.object == r || field.word == r)
    }

    /// Does an echo need what is in a float register?
    pub fn need_float(&self, f: FReg) -> bool {
        self.word_of(f).is_some()
    }
}

impl<M: MacroAssembler> Generator<'_, M> {
    /// Are there echoes here, and of this register? Elsewhere ways that come back are many, and in homes other values are put without
    /// asking for a register.
    fn has_echoes(&self, r: Reg) -> bool {
        self.is_hot() && !self.is_callee_saved(r)
    }

    /// The word in `r` is the Float in `f`.
    pub(super) fn note_raw(&mut self, r: Reg, f: FReg) {
        if self.has_echoes(r) && f != M::FSCRATCH {
            self.state.echoes_mut().raws[r.0 as usize] = Some(f);
        }
    }

    /// The Float in `r`, raw, if it is in a register; that is pinned.
    pub(super) fn raw_echo(&mut self, r: Reg) -> Option<FReg> {
        let f = self.state.echoes().raw_of(r)?;
        self.pin_float(f);
        Some(f)
    }

    /// The word of the Float in `f`, if it is in a register; that is pinned.
    pub(super) fn word_echo(&mut self, f: FReg) -> Option<Reg> {
        let r = self.state.echoes().word_of(f)?;
        self.pin(r);
        Some(r)
    }

    /// A slot of the object in `object` was read: it is what is in `word`.
    pub(super) fn note_field(&mut self, object: Reg, slot: usize, word: Reg) {
        if object == word || !self.has_echoes(object) || !self.has_echoes(word) {
            return;
        }
        let echoes = self.state.echoes_mut();
        echoes.fields[echoes.next] = Some(Field { object, slot, word });
        echoes.next = (echoes.next + 1) % FIELDS;
    }

    /// What is stored to a slot of an object, perhaps by another name of it, is operand `i`.
    pub(super) fn note_store(&mut self, object: Reg, slot: usize, i: usize) {
        self.state.echoes_mut().forget_fields(|field| field.slot == slot);
        if let Place::Reg(word) = self.state.operand(i).place {
            self.note_field(object, slot, word);
        }
    }

    /// The register in which a slot of an object is already; it is pinned.
    pub(super) fn field_echo(&mut self, object: Reg, slot: usize) -> Option<Reg> {
        let mut fields = self.state.echoes().fields.iter().flatten();
        let word = fields.find(|field| field.object == object && field.slot == slot)?.word;
        self.pin(word);
        Some(word)
    }
}
