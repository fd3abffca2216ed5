//! Where the variables of the program live while the code runs: read off the state at each row of the line table and at each
//! call, when a debugger wants to know.

use super::generator::Generator;
use super::state::{Owner, Place};
use crate::asm::masm::MacroAssembler;
use crate::asm::variables::{Home, Variable};
use crate::reader::tree::{Arity, VarId};

/// What was noted so far.
#[derive(Default)]
pub(super) struct VariableNotes {
    wanted: bool,
    /// From an offset on a variable is there: ascending. Of two at one offset the later counts.
    changes: Vec<(u32, VarId, Place)>,
    /// Those that are somewhere now.
    present: Vec<(VarId, Place)>,
}

/// A state of the notes to which they can be cut back.
pub(super) struct VariableMark {
    changes: usize,
    present: Vec<(VarId, Place)>,
}

impl VariableNotes {
    pub(super) fn new(wanted: bool) -> VariableNotes {
        VariableNotes { wanted, ..VariableNotes::default() }
    }

    pub(super) fn mark(&self) -> VariableMark {
        VariableMark { changes: self.changes.len(), present: self.present.clone() }
    }

    pub(super) fn rollback(&mut self, mark: &VariableMark) {
        self.changes.truncate(mark.changes);
        self.present.clone_from(&mark.present);
    }

    fn note(&mut self, offset: u32, now: Vec<(VarId, Place)>) {
        for (var, place) in &now {
            if !self.present.contains(&(*var, *place)) {
                self.changes.push((offset, *var, *place));
            }
        }
        for (var, _) in &self.present {
            if !now.iter().any(|(other, _)| other == var) {
                self.changes.push((offset, *var, Place::None));
            }
        }
        self.present = now;
    }

    /// The ranges of a function with so many bytes of code.
    pub(super) fn ranges(self, arity: &Arity, end: u32) -> Vec<Variable> {
        let mut ranges = Vec::new();
        let mut open: Vec<(u32, Place)> = vec![(0, Place::None); arity.vars.len()];
        let ends = (0..arity.vars.len()).map(|i| (end, VarId(i as u32), Place::None));
        for (offset, id, place) in self.changes.into_iter().chain(ends) {
            let var = &arity.vars[id.index()];
            let (from, was) = std::mem::replace(&mut open[id.index()], (offset, place));
            if let Some(home) = home(was).filter(|_| from < offset) {
                ranges.push(Variable { from, to: offset, name: var.name.0, boxed: var.boxed, home });
            }
        }
        ranges.sort_by_key(|range| range.from);
        ranges
    }
}

fn home(place: Place) -> Option<Home> {
    Some(match place {
        Place::None => return None,
        Place::Reg(r) => Home::Reg(r.0),
        Place::Float(f) => Home::Float(f.0),
        Place::Slot(slot) => Home::Slot(slot.into()),
        Place::FloatSlot(slot) => Home::FloatSlot(slot.into()),
        Place::Const(word) => Home::Word(word.0),
        Place::FloatConst(bits) => Home::FloatBits(bits.value().to_bits()),
        Place::Cell(address) => Home::Cell(address),
    })
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// Notes where the variables are from an offset on.
    pub(super) fn note_variables(&mut self, offset: u32) {
        if !self.variables.wanted {
            return;
        }
        let place = |(owner, value): (Owner, &super::state::Value)| match owner {
            Owner::Var(var) => Some((var, value.place)),
            Owner::Operand(_) => None,
        };
        let now = if self.state.reachable { self.state.values().filter_map(place).collect() } else { Vec::new() };
        self.variables.note(offset, now);
    }
}
