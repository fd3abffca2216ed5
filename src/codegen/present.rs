//! The state of the point at which code is being written, and the one way in which it changes.
//!
//! Whoever moves a variable says at which offset of the code it is there: so where each variable lives, by range of code, is
//! written down by the change itself and cannot be forgotten. States of other points (of ways into joins, of headers) are
//! plain [`State`]s; the present one becomes another by [`Present::becomes`] alone.
//!
//! Of operands nothing is written down, but those that are the variables of a function which is written in place of its call.

use super::echoes::Echoes;
use super::state::{Owner, Place, State, Value};
use crate::asm::variables::{Change, Home, Row, Variable, Variables};
use crate::reader::tree::VarId;
use std::ops::Deref;

/// The present state.
pub(super) struct Present {
    state: State,
    /// None when nobody wants to know.
    notes: Option<Notes>,
    /// In a checked build: the registers of operands that were taken off to be used, general and float.
    popped: [u32; 2],
    /// In a checked build: a failing way has noted the state, so nothing may move before the operation is done.
    sealed: bool,
}

/// Where variables are by code offset.
struct Notes {
    rows: Vec<Row>,
    /// Those of the function, by their ids, and behind them those of functions in place.
    variables: Vec<Variable>,
    /// The operands that are variables now, with their indices there.
    named: Vec<(usize, u32)>,
}

impl Notes {
    fn named(&self, i: usize) -> Vec<u32> {
        self.named.iter().filter(|(other, _)| *other == i).map(|(_, variable)| *variable).collect()
    }
}

/// How much was noted.
pub(super) struct Noted {
    rows: usize,
    variables: usize,
    named: Vec<(usize, u32)>,
}

impl Deref for Present {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl Present {
    /// The state at the start of the code; with the variables of the function, when somebody wants to know where they are.
    pub(super) fn new(state: State, variables: Option<Vec<Variable>>) -> Present {
        let notes = variables.map(|variables| Notes { rows: Vec::new(), variables, named: Vec::new() });
        Present { state, notes, popped: [0; 2], sealed: false }
    }

    /// What was noted of variables.
    pub(super) fn variables(&self) -> Variables {
        self.notes.as_ref().map_or_else(Variables::default, |notes| Variables::new(&notes.variables, &notes.rows))
    }

    /// How much was noted: what [`Present::cut`] goes back to.
    pub(super) fn noted(&self) -> Option<Noted> {
        let Notes { rows, variables, named } = self.notes.as_ref()?;
        Some(Noted { rows: rows.len(), variables: variables.len(), named: named.clone() })
    }

    /// What was written since is taken back: the state is that of then.
    pub(super) fn cut(&mut self, noted: Option<&Noted>, state: State) {
        if let Some((notes, noted)) = self.notes.as_mut().zip(noted) {
            notes.rows.truncate(noted.rows);
            notes.variables.truncate(noted.variables);
            notes.named.clone_from(&noted.named);
        }
        self.let_go();
        self.state = state;
    }

    fn note(&mut self, code: u32, change: Change) {
        if let Some(notes) = &mut self.notes {
            notes.rows.push(Row { code, change });
        }
    }

    /// From `code` on an operand is a variable of a function in place, until [`Present::unname`].
    pub(super) fn name_operand(&mut self, code: u32, i: usize, variable: impl FnOnce() -> Variable) {
        if let Some(notes) = &mut self.notes {
            let index = notes.variables.len() as u32;
            notes.variables.push(variable());
            notes.named.push((i, index));
            notes.rows.push(Row { code, change: Change::At(index, home(self.state.operand(i).place)) });
        }
    }

    /// From `code` on these operands are no variables.
    pub(super) fn unname(&mut self, code: u32, which: impl Fn(usize) -> bool) {
        if let Some(Notes { rows, named, .. }) = &mut self.notes {
            let gone =
                named.extract_if(.., |(i, _)| which(*i)).map(|(_, variable)| Change::At(variable, Home::Nowhere));
            rows.extend(gone.map(|change| Row { code, change }));
        }
    }

    /// From `code` on a variable is there; a place of `None` forgets it.
    pub(super) fn set_var(&mut self, code: u32, var: VarId, value: Value) {
        if self.notes.is_some() && self.state.var(var).place != value.place {
            let dies = value.place == Place::None;
            self.note(code, if dies { Change::Dying(var.0) } else { Change::At(var.0, home(value.place)) });
        }
        self.is_held(value.place);
        self.state.set_var(var, value);
    }

    /// From `code` on the owner's value is there.
    pub(super) fn set(&mut self, code: u32, owner: Owner, value: Value) {
        match owner {
            Owner::Var(var) => self.set_var(code, var, value),
            Owner::Operand(i) => self.set_operand(code, i, value),
        }
    }

    /// From `code` on the value of operand `i` is there.
    pub(super) fn set_operand(&mut self, code: u32, i: usize, value: Value) {
        if let Some(notes) = &self.notes
            && self.state.operand(i).place != value.place
        {
            notes.named(i).into_iter().for_each(|variable| self.note(code, Change::At(variable, home(value.place))));
        }
        self.is_held(value.place);
        self.state.set_operand(i, value);
    }

    /// From `code` on what is in a place is changed for the owners for which `moved` holds.
    pub(super) fn replace_place(
        &mut self,
        code: u32,
        place: Place,
        moved: impl Fn(Owner) -> bool,
        change: impl Fn(&Value) -> Value,
    ) {
        for owner in self.state.owners_of(place) {
            if moved(owner) {
                let value = change(self.state.get(owner));
                // What is learnt moves nothing.
                debug_assert!(
                    !self.sealed || value.place == place,
                    "{place:?} moves after a failing way has noted the state"
                );
                self.set(code, owner, value);
            }
        }
    }

    /// Forgets the variables that are dead after a tick.
    pub(super) fn forget(&mut self, code: u32, now: u32) {
        for var in self.state.dead_after(now) {
            self.set_var(code, var, Value::none());
        }
    }

    /// What follows moves values without saying so one by one: nothing is told of variables until the state becomes another.
    pub(super) fn moves(&mut self, code: u32) {
        self.note(code, Change::Moving);
    }

    /// What follows is written for no state that is known, or not yet for the present one.
    pub(super) fn is_unknown(&mut self, code: u32) {
        self.note(code, Change::Unknown);
    }

    /// From `code` on the variables that the state has in `place` are in `at` instead, until it is said that they are back.
    pub(super) fn is_at(&mut self, code: u32, place: Place, at: Place) {
        let Some(notes) = &self.notes else { return };
        let there = self.state.owners_of(place).into_iter().flat_map(|owner| match owner {
            Owner::Var(var) => vec![var.0],
            Owner::Operand(i) => notes.named(i),
        });
        let there: Vec<u32> = there.collect();
        there.into_iter().for_each(|variable| self.note(code, Change::At(variable, home(at))));
    }

    /// From `code` on the state is this one.
    pub(super) fn becomes(&mut self, code: u32, state: State) {
        if let Some(Notes { rows, named, .. }) = &mut self.notes {
            let changed = self.state.vars_differing(&state).into_iter().map(|var| (var.0, state.var(var).place));
            let operands = named.iter().map(|(i, variable)| (*variable, state.get(Owner::Operand(*i)).place));
            let changed = changed.chain(operands);
            rows.extend(changed.map(|(variable, place)| Row { code, change: Change::At(variable, home(place)) }));
            rows.push(Row { code, change: Change::Known });
        }
        self.let_go();
        self.state = state;
        self.state.echoes.forget();
    }

    // ---- what moves no variable ----

    /// What registers hold besides.
    pub(super) fn echoes(&self) -> &Echoes {
        &self.state.echoes
    }

    /// The same, to be changed.
    pub(super) fn echoes_mut(&mut self) -> &mut Echoes {
        &mut self.state.echoes
    }

    /// Can this point be reached?
    pub(super) fn set_reachable(&mut self, reachable: bool) {
        self.state.reachable = reachable;
    }

    /// See [`State::push`].
    pub(super) fn push(&mut self, value: Value) {
        self.is_held(value.place);
        self.state.push(value);
    }

    /// See [`State::pop`].
    #[must_use]
    pub(super) fn pop(&mut self) -> Value {
        let value = self.state.pop();
        if cfg!(debug_assertions) {
            let [general, float] = bits(value.place);
            self.popped = [self.popped[0] | general, self.popped[1] | float];
        }
        value
    }

    /// Takes the latest operand off, which nobody uses any more.
    pub(super) fn drop_top(&mut self) {
        self.state.pop();
    }

    /// The state holds what is in a place: if that was taken off, it is back.
    fn is_held(&mut self, place: Place) {
        if cfg!(debug_assertions) {
            let [general, float] = bits(place);
            self.popped = [self.popped[0] & !general, self.popped[1] & !float];
        }
    }

    /// The operation is done: what was taken off has been used.
    pub(super) fn let_go(&mut self) {
        self.popped = [0; 2];
        self.sealed = false;
    }

    /// A failing way of the present operation has noted the state.
    pub(super) fn seal(&mut self) {
        self.sealed = cfg!(debug_assertions);
    }

    /// That way has joined again, or whatever goes it has gone.
    pub(super) fn unseal(&mut self) {
        self.sealed = false;
    }

    /// In a checked build: nobody is about to use what he took off the stack in this register, which is given to another.
    pub(super) fn assert_not_popped(&self, place: Place) {
        let [general, float] = bits(place);
        debug_assert!(
            self.popped[0] & general == 0 && self.popped[1] & float == 0,
            "{place:?} was taken off the stack, and is given away before it is used"
        );
    }

    /// See [`State::drop_to`].
    pub(super) fn drop_to(&mut self, height: usize) {
        self.state.drop_to(height);
    }

    /// See [`State::unalias`].
    pub(super) fn unalias(&mut self, var: VarId) {
        self.state.unalias(var);
    }
}

/// The register of a place, as bits: general and float.
fn bits(place: Place) -> [u32; 2] {
    match place {
        Place::Reg(r) => [1 << r.0, 0],
        Place::Float(r) => [0, 1 << r.0],
        _ => [0; 2],
    }
}

fn home(place: Place) -> Home {
    match place {
        Place::None => Home::Nowhere,
        Place::Reg(r) => Home::Reg(r.0),
        Place::Float(r) => Home::Float(r.0),
        Place::Slot(slot) => Home::Slot(slot.into()),
        Place::FloatSlot(slot) => Home::FloatSlot(slot.into()),
        Place::Const(word) => Home::Word(word.0),
        Place::FloatConst(bits) => Home::FloatBits(bits.value().to_bits()),
        Place::Cell(address) => Home::Cell(address),
    }
}
