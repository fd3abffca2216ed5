//! Operands and variables: where their words are, and how they get into registers.
//!
//! An operand is asked for by its index on the state's stack; asking may load, tag or untag it, and the state remembers where it
//! is now. Variables are given their values here, into the home that the survey chose for them when they have one.

use super::facts::{Facts, Types};
use super::generator::Generator;
use super::state::{Owner, Place, Value};
use crate::asm::masm::*;
use crate::emit::objects;
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::object::layout;
use crate::object::word::FLOAT_BIT;
use crate::reader::tree::*;

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// The index of the `n`th latest operand (0: the latest).
    pub(super) fn top(&self, n: usize) -> usize {
        self.state.height() - 1 - n
    }

    /// Puts a result in a register on the stack.
    pub(super) fn push_reg(&mut self, r: Reg, facts: Facts) {
        self.state.push(Value::new(Place::Reg(r), facts));
    }

    /// Puts a constant on the stack.
    pub(super) fn push_constant(&mut self, word: Word) {
        self.state.push(Value::constant(word));
    }

    /// Operand `i` as a tagged word in a register, pinned.
    pub(super) fn in_register(&mut self, i: usize) -> Reg {
        let value = *self.state.operand(i);
        let r = match value.place {
            Place::Reg(r) => {
                self.pin(r);
                return r;
            }
            Place::Slot(slot) => {
                let r = self.register();
                let mem = self.slot(slot);
                self.asm.load(r, mem);
                // A variable read again soon is read from the register.
                if let Some(var) = value.var
                    && self.state.var(var).place == value.place
                    && !self.is_settled(var)
                {
                    let held = Value { place: Place::Reg(r), copy: Some(slot), ..*self.state.var(var) };
                    self.state.set_var(self.asm.offset(), var, held);
                }
                self.state.set_operand(self.asm.offset(), i, Value { place: Place::Reg(r), copy: Some(slot), ..value });
                return r;
            }
            Place::Const(word) => {
                let r = self.register();
                self.asm.mov_imm(r, word.0 as i64);
                r
            }
            Place::Cell(address) => {
                let r = self.register();
                self.asm.load_cell(r, address);
                r
            }
            Place::Float(_) | Place::FloatSlot(_) => {
                let f = self.in_float(i);
                match self.word_echo(f) {
                    Some(r) => r,
                    None => {
                        let r = self.register();
                        self.tag_into(r, f);
                        self.note_raw(r, f);
                        r
                    }
                }
            }
            Place::FloatConst(f) => {
                let r = self.register();
                match Word::float(f.value()) {
                    Some(word) => self.asm.mov_imm(r, word.0 as i64),
                    None => {
                        let f = self.in_float(i);
                        self.tag_into(r, f);
                    }
                }
                r
            }
            Place::None => self.register(),
        };
        let value = *self.state.operand(i);
        self.state.set_operand(self.asm.offset(), i, Value { place: Place::Reg(r), copy: None, ..value });
        r
    }

    /// Tags a raw float into a register.
    pub(super) fn tag_into(&mut self, dst: Reg, src: FReg) {
        let boxed = self.asm.label();
        let done = self.asm.label();
        self.asm.tag_float(dst, src, boxed);
        self.asm.bind(done);
        self.later(move |g| {
            g.asm.bind(boxed);
            g.box_float(src).mov_to(dst);
            g.asm.jump(done);
        });
    }

    /// Tags a raw float into memory.
    pub(super) fn tag_to(&mut self, mem: Mem, src: FReg) {
        let boxed = self.asm.label();
        let done = self.asm.label();
        let tag = |asm: &mut M, word: Reg| {
            asm.tag_float(word, src, boxed);
            asm.bind(done);
        };
        self.asm.scratch().by(tag).store(mem);
        self.later(move |g| {
            g.asm.bind(boxed);
            g.box_float(src).jump(done);
        });
    }

    /// Boxes a raw float.
    fn box_float(&mut self, src: FReg) -> Scratch<'_, M> {
        let stub = self.link.box_float_stub();
        self.asm.fmov(M::FSCRATCH, src);
        self.asm.scratch().by(|asm, _| asm.call_code(stub))
    }

    /// Untags a word that is certainly a Float, immediate or boxed.
    pub(super) fn untag_into(&mut self, dst: FReg, src: Reg) {
        let boxed = self.asm.label();
        let done = self.asm.label();
        objects::raw_float(&mut self.asm, dst, src, boxed);
        self.asm.bind(done);
        self.later(move |g| {
            g.asm.bind(boxed);
            g.asm.fload(dst, Mem::at(src, layout::slot_disp(layout::FLOAT_BITS)));
            g.asm.jump(done);
        });
    }

    /// Untags a word in memory that is certainly a Float, immediate or boxed.
    pub(super) fn untag_from(&mut self, dst: FReg, mem: Mem) {
        let boxed = self.asm.label();
        let done = self.asm.label();
        self.asm.scratch().load(mem).untag_float(dst, FLOAT_BIT as u32, boxed);
        self.asm.bind(done);
        self.later(move |g| {
            g.asm.bind(boxed);
            g.asm.scratch().by(|_, _| {}).fload_at(dst, layout::slot_disp(layout::FLOAT_BITS));
            g.asm.jump(done);
        });
    }

    /// Operand `i`, certainly a Float, raw in a register, pinned.
    pub(super) fn in_float(&mut self, i: usize) -> FReg {
        let value = *self.state.operand(i);
        let f = match value.place {
            Place::Float(f) => {
                self.pin_float(f);
                return f;
            }
            Place::FloatSlot(slot) => {
                let f = self.float_register();
                let mem = self.slot(slot);
                self.asm.fload(f, mem);
                if let Some(var) = value.var
                    && self.state.var(var).place == value.place
                {
                    let held = Value { place: Place::Float(f), copy: Some(slot), ..*self.state.var(var) };
                    self.state.set_var(self.asm.offset(), var, held);
                }
                self.state.set_operand(
                    self.asm.offset(),
                    i,
                    Value { place: Place::Float(f), copy: Some(slot), ..value },
                );
                return f;
            }
            Place::FloatConst(c) => {
                let f = self.float_register();
                self.asm.fmov_imm(f, c.value());
                f
            }
            _ => {
                let r = self.in_register(i);
                match self.raw_echo(r) {
                    Some(f) => f,
                    None => {
                        let f = self.float_register();
                        self.untag_into(f, r);
                        self.note_raw(r, f);
                        f
                    }
                }
            }
        };
        let value = *self.state.operand(i);
        self.state.set_operand(
            self.asm.offset(),
            i,
            Value { place: Place::Float(f), copy: None, facts: Facts::FLOAT, ..value },
        );
        f
    }

    /// Operand `i`, certainly an inline Int, as a raw float in a register, pinned. The operand stays as it is.
    pub(super) fn int_as_float(&mut self, i: usize) -> FReg {
        let f = self.float_register();
        if let Place::Const(word) = self.state.operand(i).place
            && let Some(n) = word.as_int()
        {
            self.asm.fmov_imm(f, n as f64);
            return f;
        }
        let r = self.in_register(i);
        self.asm.scratch().shift_imm(Shift::Right, r, 3).int_to_float(f);
        f
    }

    /// The constant Int of an operand.
    pub(super) fn constant_int(&self, i: usize) -> Option<i64> {
        match self.state.operand(i).place {
            Place::Const(word) => word.as_int(),
            _ => None,
        }
    }

    /// The constant word of an operand.
    pub(super) fn constant_word(&self, i: usize) -> Option<Word> {
        match self.state.operand(i).place {
            Place::Const(word) => Some(word),
            Place::FloatConst(f) => Word::float(f.value()),
            _ => None,
        }
    }

    /// Something was learnt of operand `i` that holds from here on, so it holds of its variable as well.
    pub(super) fn learn(&mut self, i: usize, facts: Facts) {
        let value = *self.state.operand(i);
        if let Some(var) = value.var {
            let known = *self.state.var(var);
            if known.place != Place::None && !known.place.is_raw() {
                self.state.set_var(self.asm.offset(), var, Value { facts, ..known });
            }
        }
        self.learn_of_copies(&value, facts);
        self.state.set_operand(self.asm.offset(), i, Value { facts, ..value });
    }

    /// Replaces the latest `n` operands by a value.
    pub(super) fn replace(&mut self, n: usize, value: Value) {
        self.state.push(value);
        let result = self.state.pop();
        for _ in 0..n {
            self.state.drop_top();
        }
        self.state.push(result);
        self.unpin();
    }

    /// Replaces the latest `n` operands by a word in a register.
    pub(super) fn replace_reg(&mut self, n: usize, r: Reg, facts: Facts) {
        self.replace(n, Value::new(Place::Reg(r), facts));
    }

    /// When the point cannot be reached, replaces the latest `n` operands by anything and says so.
    pub(super) fn dead(&mut self, n: usize) -> bool {
        if self.state.reachable {
            return false;
        }
        self.replace(n, Value::constant(Word::NULL));
        true
    }

    /// From here on nothing is reached; an operand stands for the value that is never seen.
    pub(super) fn unreachable(&mut self) {
        self.state.set_reachable(false);
    }

    // ---- variables ----

    /// The register in which a variable lives across calls.
    pub(super) fn home(&self, var: VarId) -> Option<Reg> {
        self.survey.home(var).map(|i| M::CALLEE_SAVED[i as usize])
    }

    /// Gives the latest operand to a variable and takes it off the stack.
    pub(super) fn store_var(&mut self, var: VarId) {
        if !self.state.reachable {
            self.state.drop_top();
            return;
        }
        if let Some(place) = self.settled.place(var) {
            return self.store_settled(var, place);
        }
        self.own_copy();
        let i = self.top(0);
        let value = *self.state.operand(i);
        let home = self.home(var);
        let place = match (value.place, home) {
            // A home is for tagged words; a raw float stays raw.
            (Place::Reg(r), Some(home)) if r != home => {
                self.pin(r);
                self.vacate_home(home, var);
                self.asm.mov(home, r);
                Value { place: Place::Reg(home), copy: None, var: None, ..value }
            }
            (Place::Slot(_) | Place::Cell(_), Some(home)) => {
                let r = self.in_register(i);
                self.vacate_home(home, var);
                self.asm.mov(home, r);
                Value { place: Place::Reg(home), copy: None, var: None, ..value }
            }
            // Another variable's callee-saved register is not for this one.
            (Place::Reg(r), None) if self.is_callee_saved(r) => {
                let to = self.register();
                self.asm.mov(to, r);
                Value { place: Place::Reg(to), copy: None, var: None, ..value }
            }
            _ => Value { var: None, ..value },
        };
        self.state.drop_top();
        self.state.set_var(self.asm.offset(), var, place);
        self.unalias(var);
        self.unpin();
    }

    /// Pending operands that alias a variable keep the old value: they are no longer it.
    pub(super) fn unalias(&mut self, var: VarId) {
        if mutated(Mutation::AliasKept) {
            return;
        }
        self.state.unalias(var);
    }

    /// Before a home register gets a new value: operands that alias the old one move away.
    pub(super) fn vacate_home(&mut self, home: Reg, var: VarId) {
        let mut others = self.state.uses_of(home);
        if self.state.var(var).place == Place::Reg(home) {
            others -= 1;
        }
        if others == 0 {
            return;
        }
        let to = self.register();
        self.asm.mov(to, home);
        let moved = |v: &Value| Value { place: Place::Reg(to), ..*v };
        self.state.replace_place(self.asm.offset(), Place::Reg(home), |owner| owner != Owner::Var(var), moved);
    }

    /// Pushes a variable's value.
    pub(super) fn push_var(&mut self, var: VarId) {
        let value = *self.state.var(var);
        if value.place == Place::None {
            debug_assert!(!self.state.reachable, "{var:?} has no value, or was forgotten too early");
            self.push_constant(Word::NULL);
            return;
        }
        self.state.push(Value { var: Some(var), ..value });
    }

    /// Forgets the variables that are not used any more.
    pub(super) fn forget_dead(&mut self) {
        if mutated(Mutation::DeadInTheFrame) {
            return;
        }
        // Settled ones, too: what a landing pad may still need of them counts as a use, and comes later.
        self.state.forget(self.asm.offset(), self.now);
    }

    /// The types that operand `i` may have.
    pub(super) fn types_of(&self, i: usize) -> Types {
        self.state.operand(i).facts.types
    }
}
