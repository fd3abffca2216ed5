//! Headers of loops: what is known where each turn begins, and whether it holds at the end of a turn.
//!
//! Owns the choice of places for what a loop assigns.

use super::facts::Facts;
use super::generator::Generator;
use super::state::{Owner, Place, State, Value};
use crate::asm::masm::*;
use crate::mutations::{Mutation, mutated};

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// Before the header: what the loop assigns gets a place of its own, with what was found out about it.
    pub(super) fn prepare_header(&mut self, assigned: &[Owner], widened: &[(Owner, Facts)], calls: bool) {
        for owner in assigned {
            let value = *self.state.get(*owner);
            if value.place == Place::None {
                continue;
            }
            // What has widened did so from what an earlier attempt knew here, which may have been more.
            let facts = widened.iter().find(|(o, _)| o == owner).map_or(value.facts, |(_, f)| f.join(value.facts));
            if let Owner::Var(var) = owner
                && self.is_settled(*var)
                && !(mutated(Mutation::SettledInTheBlock) || mutated(Mutation::SettledInTheHandler))
            {
                match value.place {
                    Place::Reg(home) => self.vacate_home(home, *var),
                    Place::Slot(slot) => self.vacate_slot(slot, *var),
                    _ => {}
                }
                self.unpin();
                self.state.set_var(self.asm.offset(), *var, Value { copy: None, ..value }.widened(facts));
                continue;
            }
            let place = if facts.is_float() { self.own_float(*owner) } else { self.own_register(*owner) };
            let value = *self.state.get(*owner);
            let copy = value.copy.filter(|_| mutated(Mutation::SharedCopy));
            self.state.set(self.asm.offset(), *owner, Value { place, copy, var: None, ..value }.widened(facts));
            self.unpin();
        }
        if calls {
            let height = self.state.height();
            self.save_for_call(height);
            // A slot that others share is not the loop's own.
            for owner in assigned.iter().filter(|_| !mutated(Mutation::SharedCopy)) {
                let value = *self.state.get(*owner);
                self.state.set(self.asm.offset(), *owner, Value { copy: None, ..value });
            }
        }
    }

    /// The owner's value as a raw float in a register that nobody else uses.
    fn own_float(&mut self, owner: Owner) -> Place {
        let value = *self.state.get(owner);
        self.state.push(value);
        let i = self.top(0);
        let f = self.in_float(i);
        let shared = self.state.uses_of_float(f) > 1 + u32::from(self.state.get(owner).place == Place::Float(f));
        let own = if shared {
            let own = self.float_register();
            self.asm.fmov(own, f);
            own
        } else {
            f
        };
        self.state.drop_top();
        Place::Float(own)
    }

    /// The owner's value as a word in a register that nobody else uses: a variable's home when it has one.
    fn own_register(&mut self, owner: Owner) -> Place {
        let home = match owner {
            Owner::Var(var) => self.home(var),
            Owner::Operand(_) => None,
        };
        let value = *self.state.get(owner);
        if let (Some(home), Owner::Var(var)) = (home, owner) {
            if value.place == Place::Reg(home) {
                self.vacate_home(home, var);
                return Place::Reg(home);
            }
            self.state.push(Value { var: None, ..value });
            let i = self.top(0);
            let r = self.in_register(i);
            self.vacate_home(home, var);
            self.asm.mov(home, r);
            self.state.drop_top();
            return Place::Reg(home);
        }
        self.state.push(Value { var: None, ..value });
        let i = self.top(0);
        let r = self.in_register(i);
        let shared = self.state.uses_of(r) > 1 + u32::from(self.state.get(owner).place == Place::Reg(r));
        let own = if shared || M::CALLEE_SAVED.contains(&r) {
            let own = self.register();
            self.asm.mov(own, r);
            own
        } else {
            r
        };
        self.state.drop_top();
        Place::Reg(own)
    }

    /// At a back-edge: does the header's state hold? What has widened is noted.
    pub(super) fn holds(&mut self, header: &State, assigned: &[Owner], widened: &mut Vec<(Owner, Facts)>) -> bool {
        if !self.state.reachable {
            return true;
        }
        let mut good = true;
        for owner in assigned {
            let (before, now) = (header.get(*owner), self.state.get(*owner));
            if before.place == Place::None || now.place == Place::None {
                continue;
            }
            let layout = before.facts.layout.is_none()
                || before.facts.layout == now.facts.layout
                || mutated(Mutation::LayoutNotWidened);
            if !now.facts.types.within(before.facts.types) || !layout {
                good = false;
                let joined = before.facts.join(now.facts);
                match widened.iter_mut().find(|(o, _)| o == owner) {
                    Some((_, facts)) => *facts = facts.join(joined),
                    None => widened.push((*owner, joined)),
                }
            }
        }
        good
    }
}
