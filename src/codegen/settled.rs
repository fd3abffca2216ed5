//! Settled places: what a landing pad finds where it was when the region was entered.
//!
//! An exception arrives at its landing pad with nothing but the frame and the callee-saved registers, and the pad is written for
//! one state: that of the entry. So a variable that is assigned in the region is *settled* there: it has a tagged place that
//! it alone owns and that does not change, and every assignment goes there at once. Everything else that lives is where no
//! assignment reaches it, and its frame slots are held while the region lasts ([`HeldSlots`]). What a region costs depends on what is
//! assigned in it, not on how much lives.
//!
//! Nobody but its owner keeps a settled place: a pending operand may alias it until the next assignment
//! ([`Generator::vacate_slot`]) or the next region, another variable never does ([`Generator::own_copy`]). At every call that
//! may land somewhere, a checked build compares what the pad expects with what is there ([`Generator::assert_pad`]).

use super::facts::Facts;
use super::generator::Generator;
use super::state::{Owner, Place, Slots, State, Value};
use crate::asm::masm::*;
use crate::mutations::{Mutation, mutated};
use crate::reader::tree::*;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// The variables that are settled, by the regions that are open.
#[derive(Default)]
pub(super) struct Settled {
    order: Vec<(VarId, Place)>,
    places: FxHashMap<VarId, Place>,
    /// Who settled in a frame slot last. He may have died since.
    owners: FxHashMap<u16, VarId>,
}

impl Settled {
    /// How many there are: what [`Settled::truncate`] goes back to.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// The place of a settled variable.
    pub(super) fn place(&self, var: VarId) -> Option<Place> {
        self.places.get(&var).copied()
    }

    fn push(&mut self, var: VarId, place: Place) {
        self.order.push((var, place));
        self.places.insert(var, place);
        if let Place::Slot(slot) = place {
            self.owners.insert(slot, var);
        }
    }

    /// The regions entered since then have ended: no pad expects their variables any more.
    pub(super) fn truncate(&mut self, len: usize) {
        for (var, place) in self.order.drain(len..) {
            self.places.remove(&var);
            if let Place::Slot(slot) = place
                && self.owners.get(&slot) == Some(&var)
            {
                self.owners.remove(&slot);
            }
        }
    }
}

/// A landing pad.
#[derive(Clone)]
pub(super) struct Pad {
    pub(super) label: Label,
    /// The state at the entry of its region, which is what it expects.
    pub(super) entry: Rc<State>,
    /// The frame slots of that state.
    pub(super) held: Rc<HeldSlots>,
    /// The tick at which its region ends: what dies before is not asked for.
    pub(super) until: u32,
}

/// Frame slots that the landing pads of the open regions ask for: whatever becomes of the values that are there, nobody else gets
/// them, and the collector sees them.
#[derive(Clone, Debug)]
pub struct HeldSlots {
    slots: Slots,
    /// Those of the regions around.
    outer: Option<Rc<HeldSlots>>,
}

impl HeldSlots {
    /// What is held here, and in each region around.
    pub fn all(&self) -> impl Iterator<Item = &Slots> {
        std::iter::successors(Some(self), |held| held.outer.as_deref()).map(|held| &held.slots)
    }
}

/// The entry of a region.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) state: Rc<State>,
    pub(super) held: Rc<HeldSlots>,
}

/// Where slots are taken by chance, frames larger than this get no further gaps.
const GAPS_BELOW: u16 = 200;

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// The lowest frame slot that is free in a state, not below another one, and held for no landing pad.
    pub(super) fn free_slot_of(&self, state: &State, from: u16) -> u16 {
        // By chance frames get gaps, as long as there is much room.
        let gap = if self.slot_count < GAPS_BELOW { self.chance.below(4) as u16 } else { 0 };
        let held = self.handler.as_ref().map(|pad| &*pad.held).filter(|_| !mutated(Mutation::SlotNotHeld));
        let slot = state.free_slot_from(from + gap, held);
        debug_assert!(!self.is_held(slot), "slot {slot} is held for a landing pad");
        slot
    }

    /// Does a landing pad ask for a frame slot?
    fn is_held(&self, slot: u16) -> bool {
        self.handler.iter().flat_map(|pad| pad.held.all()).any(|slots| slots.uses_of(slot) > 0)
    }

    /// The lowest free frame slot.
    pub(super) fn free_slot(&self) -> u16 {
        self.free_slot_of(&self.state, 0)
    }

    /// Must the variable stay in its place for a landing pad?
    pub(super) fn is_settled(&self, var: VarId) -> bool {
        self.settled.place(var).is_some()
    }

    /// The living variable that is settled in a frame slot.
    fn settler(&self, slot: u16) -> Option<VarId> {
        let var = self.settled.owners.get(&slot).copied()?;
        (self.state.var(var).place == Place::Slot(slot)).then_some(var)
    }

    /// Everything that lives goes where a landing pad will find it, before the region of a `try` or `binding`. What dies before
    /// the end of its body is asked for by no pad, and not held for it.
    pub(super) fn settle(&mut self, node: NodeId, body: NodeId) -> Entry {
        self.forget_dead();
        let mut assigned = self.survey.assigned_in(node);
        // A boxed variable's place holds its box, which stays the same.
        assigned.retain(|var| !self.arity.vars[var.index()].boxed && self.state.has(Owner::Var(*var)));
        for var in &assigned {
            let forgotten = mutated(Mutation::NotSettled) && self.home(*var).is_none();
            if !self.is_settled(*var) && !forgotten {
                self.settle_var(*var);
            }
        }
        let height = self.state.height();
        for i in 0..height {
            self.settle_operand(i);
        }
        self.save_for_call(height);
        let mut state = self.state.clone();
        // Only what is in a register has a copy, only operands are read from a variable.
        for owner in self.state.owners_in_registers().into_iter().chain((0..height).map(Owner::Operand)) {
            state.set(owner, Value { copy: None, var: None, ..*self.state.get(owner) });
        }
        for var in assigned {
            state.set_var(var, Value { facts: Facts::ANY, ..*state.var(var) });
        }
        let mut lasting = state.clone();
        lasting.forget(self.survey.tick(body));
        let outer = self.handler.as_ref().map(|pad| pad.held.clone());
        Entry { state: Rc::new(state), held: Rc::new(HeldSlots { slots: lasting.slots().clone(), outer }) }
    }

    /// Gives a variable a tagged place that it alone owns: its home, or a frame slot.
    fn settle_var(&mut self, var: VarId) {
        let value = *self.state.var(var);
        let place = match value.place {
            Place::Reg(r) if Some(r) == self.home(var) => {
                self.vacate_home(r, var);
                Place::Reg(r)
            }
            _ => {
                self.state.push(Value { var: None, ..value });
                let r = self.in_register(self.top(0));
                self.state.drop_top();
                let slot = self.free_slot();
                let mem = self.slot(slot);
                self.asm.store(mem, r);
                Place::Slot(slot)
            }
        };
        self.unpin();
        let value = *self.state.var(var);
        self.state.set_var(self.asm.offset(), var, Value { place, copy: None, var: None, ..value });
        self.settled.push(var, place);
    }

    /// A pending operand waits in the frame, where no assignment reaches it.
    fn settle_operand(&mut self, i: usize) {
        let value = *self.state.operand(i);
        let moves = match value.place {
            Place::Reg(_) => true,
            // An outer landing pad may expect the operand where it is: it moves only when an assignment may write there.
            Place::Slot(slot) => self.settler(slot).is_some(),
            _ => false,
        };
        if !moves {
            return self.state.set_operand(self.asm.offset(), i, Value { var: None, ..value });
        }
        let r = self.in_register(i);
        let slot = self.free_slot();
        let mem = self.slot(slot);
        self.asm.store(mem, r);
        let value = *self.state.operand(i);
        self.state.set_operand(
            self.asm.offset(),
            i,
            Value { place: Place::Slot(slot), copy: None, var: None, ..value },
        );
        self.unpin();
    }

    /// The latest operand is to become a variable: where it shares a settled place, it gets a register instead.
    pub(super) fn own_copy(&mut self) {
        if mutated(Mutation::SettledPlaceShared) {
            return;
        }
        let i = self.top(0);
        if let Place::Slot(slot) = self.state.operand(i).place
            && self.settler(slot).is_some()
        {
            self.in_register(i);
        }
        let value = *self.state.operand(i);
        if value.copy.is_some_and(|slot| self.settler(slot).is_some()) {
            self.state.set_operand(self.asm.offset(), i, Value { copy: None, ..value });
        }
    }

    /// Before a variable's frame slot gets a new value: operands that share it move away.
    pub(super) fn vacate_slot(&mut self, slot: u16, var: VarId) {
        let holds = |v: &Value| v.place == Place::Slot(slot) || v.copy == Some(slot);
        if self.state.uses_of_slot(slot) == u32::from(holds(self.state.var(var))) {
            return;
        }
        debug_assert!(
            !self.state.vars().into_iter().any(|v| v != var && holds(self.state.var(v))),
            "a settled place is shared by another variable"
        );
        let to = self.register();
        let mem = self.slot(slot);
        self.asm.load(to, mem);
        let others = self.state.values().filter(|(owner, v)| *owner != Owner::Var(var) && holds(v));
        for owner in others.map(|(owner, _)| owner).collect::<Vec<_>>() {
            let value = *self.state.get(owner);
            let place = if value.place == Place::Slot(slot) { Place::Reg(to) } else { value.place };
            self.state.set(self.asm.offset(), owner, Value { place, copy: None, ..value });
        }
    }

    /// A variable that a landing pad expects in its place: the latest operand goes there at once, and is taken off.
    pub(super) fn store_settled(&mut self, var: VarId, place: Place) {
        debug_assert!([place, Place::None].contains(&self.state.var(var).place), "a settled variable has been moved");
        let i = self.top(0);
        let r = self.in_register(i);
        let facts = self.state.operand(i).facts;
        match place {
            Place::Reg(home) => {
                self.vacate_home(home, var);
                if r != home {
                    self.asm.mov(home, r);
                }
            }
            Place::Slot(slot) => {
                self.vacate_slot(slot, var);
                let mem = self.slot(slot);
                self.asm.store(mem, r);
            }
            _ => {}
        }
        self.state.drop_top();
        self.state.set_var(self.asm.offset(), var, Value::new(place, facts));
        self.unalias(var);
        self.unpin();
    }

    /// In a checked build: at a call, is everything where the landing pad of its exceptions expects it?
    pub(super) fn assert_pad(&self) {
        let Some(pad) = self.handler.as_ref().filter(|_| cfg!(debug_assertions)) else { return };
        let held = |place: Place| match place {
            Place::Slot(slot) | Place::FloatSlot(slot) => pad.held.all().any(|slots| slots.uses_of(slot) > 0),
            _ => false,
        };
        for (owner, wanted) in pad.entry.values() {
            let holds = match owner {
                Owner::Var(var) if self.survey.end(var) <= pad.until => true,
                Owner::Var(var) if !self.is_settled(var) && (wanted.place.is_const() || held(wanted.place)) => true,
                Owner::Var(var) => self.state.var(var).place == wanted.place,
                Owner::Operand(i) => i < self.state.height() && self.state.operand(i).place == wanted.place,
            };
            assert!(holds, "{owner:?} is not where its landing pad expects it: {:?}", wanted.place);
        }
    }
}
