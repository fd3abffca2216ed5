//! Joins: places where several ways meet, each with a state of its own.
//!
//! A way into a join notes its state and leaves through a label of its own. When the join is placed, a state is chosen that all
//! ways can agree with at little cost; ways that already agree go straight to it, the others get their moves on the edge.
//! Nothing is spilled to be safe.

use super::facts::Facts;
use super::generator::Generator;
use super::state::{Owner, Place, State, Value};
use crate::asm::masm::*;
use crate::mutations::{Mutation, mutated};
use std::rc::Rc;

/// A way into a join.
#[derive(Clone)]
pub(super) struct Edge {
    /// Shared, because edges are moved about and copied.
    pub(super) state: Rc<State>,
    pub(super) label: Label,
}

impl Edge {
    pub(super) fn new(state: State, label: Label) -> Edge {
        Edge { state: Rc::new(state), label }
    }

    pub(super) fn state_mut(&mut self) -> &mut State {
        Rc::make_mut(&mut self.state)
    }
}

/// A join that is not yet placed.
#[derive(Clone, Default)]
pub(super) struct Join {
    pub(super) edges: Vec<Edge>,
}

impl Join {
    /// A join without ways in.
    pub(super) fn new() -> Join {
        Join::default()
    }
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// A label from which control goes to the join with the present state.
    pub(super) fn edge(&mut self, join: &mut Join) -> Label {
        let label = self.asm.label();
        join.edges.push(Edge::new(self.state.clone(), label));
        label
    }

    /// Goes to the join; nothing is reached after it.
    pub(super) fn goto(&mut self, join: &mut Join) {
        if !self.state.reachable {
            return;
        }
        let label = self.edge(join);
        self.asm.jump(label);
        self.unreachable();
    }

    /// Places a join here, at this height of the operand stack; the present point, when reachable, is a way in as well.
    pub(super) fn place(&mut self, join: Join) {
        self.unpin();
        let mut edges = join.edges;
        if edges.is_empty() {
            return;
        }
        let target = {
            let own = self.state.clone();
            let mut incoming: Vec<&State> = Vec::with_capacity(edges.len() + 1);
            if own.reachable {
                incoming.push(&own);
            }
            incoming.extend(edges.iter().map(|e| &*e.state));
            self.meeting_state(&incoming)
        };
        let here = self.asm.label();
        if self.state.reachable {
            self.agree(&target);
        }
        // Edges without moves arrive at the join itself; the others are written out of line.
        let mut moving = Vec::new();
        for edge in edges.drain(..) {
            debug_assert_eq!(edge.state.height(), target.height(), "ways that meet have the same height");
            if Self::agrees(&edge.state, &target) {
                self.asm.bind(edge.label);
            } else {
                moving.push(edge);
            }
        }
        self.asm.bind(here);
        let at = self.at;
        for edge in moving {
            let (target, handler) = (target.clone(), self.handler.clone());
            self.later(move |g| {
                g.asm.bind(edge.label);
                g.enter_cold(Rc::unwrap_or_clone(edge.state), at, handler);
                g.agree(&target);
                g.asm.jump(here);
            });
        }
        self.state.becomes(self.asm.offset(), target);
        self.state.set_reachable(true);
        self.unpin();
    }

    /// The state in which all incoming ones can meet. The first is the preferred one. Only what is not the same in all of them
    /// is looked at.
    fn meeting_state(&mut self, incoming: &[&State]) -> State {
        let (base, others) = (incoming[0], &incoming[1..]);
        let mut target = base.clone();
        target.reachable = true;
        let mut unplaced: Vec<(Owner, Value, bool)> = Vec::new();
        for owner in base.differing(others.iter().copied()) {
            let value = base.get(owner);
            if others.iter().any(|s| s.get(owner).place == Place::None) && matches!(owner, Owner::Var(_)) {
                target.set(owner, Value::none());
                continue;
            }
            let facts = others.iter().fold(value.facts, |f, s| f.join(s.get(owner).facts));
            let facts = if mutated(Mutation::FactsOfFirst) { value.facts } else { facts };
            let constants = mutated(Mutation::ConstantsMeet) && value.place.is_const();
            let same = |place: Place| place == value.place || constants && place.is_const();
            let same_place = others.iter().all(|s| same(s.get(owner).place));
            let copy = value.copy.filter(|_| same_place && others.iter().all(|s| s.get(owner).copy == value.copy));
            let var = value.var.filter(|_| others.iter().all(|s| s.get(owner).var == value.var));
            let merged = Value { copy, var, ..*value }.widened(facts);
            // An equal place may be shared with another owner only when it is shared in all states, which it is: places
            // are equal in all.
            if same_place {
                target.set(owner, merged);
            } else {
                let raw = facts.is_float() && incoming.iter().any(|s| s.get(owner).place.is_raw());
                target.set(owner, Value::none());
                unplaced.push((owner, merged, raw));
            }
        }
        // All that stays where it is counts before new places are chosen.
        for (owner, value, raw) in unplaced {
            let all: Vec<Place> = incoming.iter().map(|s| s.get(owner).place).collect();
            let place = self.choose_place(&target, &all, raw, owner);
            target.set(owner, Value { place, ..value });
        }
        target
    }

    /// A place for a value that is in several: one of them if it is free, else another register, else the frame.
    pub(super) fn choose_place(&mut self, taken: &State, candidates: &[Place], raw: bool, owner: Owner) -> Place {
        if raw {
            for place in candidates {
                if let Place::Float(f) = place
                    && taken.uses_of_float(*f) == 0
                {
                    return *place;
                }
            }
            if let Some(f) = self.chance.one_of(M::FLOATS.iter().filter(|f| taken.uses_of_float(**f) == 0)) {
                return Place::Float(*f);
            }
            return Place::FloatSlot(self.free_slot_of(taken, 0));
        }
        if let Owner::Var(var) = owner
            && let Some(home) = self.home(var)
            && taken.uses_of(home) == 0
        {
            return Place::Reg(home);
        }
        let homeless = |r: Reg| !M::CALLEE_SAVED.contains(&r);
        for place in candidates {
            if let Place::Reg(r) = place
                && taken.uses_of(*r) == 0
                && homeless(*r)
            {
                return *place;
            }
        }
        if let Some(r) = self.chance.one_of(M::CALLER_SAVED.iter().filter(|r| taken.uses_of(**r) == 0)) {
            return Place::Reg(*r);
        }
        Place::Slot(self.free_slot_of(taken, 0))
    }

    /// Splits the condition of a node: control goes on when its truth is not `when`, and to the join when it is.
    pub(super) fn branch_on_value(&mut self, when: bool, join: &mut Join) {
        if !self.state.reachable {
            self.state.drop_top();
            return;
        }
        let i = self.top(0);
        let facts = self.state.operand(i).facts;
        if let Some(word) = self.constant_word(i) {
            self.state.drop_top();
            if word.is_falsy() != when {
                self.goto(join);
            }
            return;
        }
        if !facts.may_be_falsy() {
            self.state.drop_top();
            if when {
                self.goto(join);
            }
            return;
        }
        let r = self.in_register(i);
        let truthy = if facts.is_bool() {
            self.asm.compare_imm(r, crate::object::Word::TRUE.0 as i64);
            Cond::Equal
        } else {
            self.asm.scratch().alu_imm(Alu::And, r, !8).compare_imm(4);
            Cond::NotEqual
        };
        self.state.drop_top();
        self.unpin();
        let label = self.edge(join);
        self.asm.branch(if when { truthy } else { truthy.negate() }, label);
    }

    /// Puts a Bool on the stack from two joins: control is at the true end, the false ways are in the join.
    pub(super) fn bool_from(&mut self, false_ways: Join) {
        let mut end = Join::new();
        let base = self.state.height();
        self.push_constant(crate::object::Word::TRUE);
        self.goto(&mut end);
        // Also where there is no false way, and in a twin that nothing has arrived in yet, the height is that of the walk.
        self.state.drop_to(base);
        self.place(false_ways);
        if self.state.reachable {
            self.push_constant(crate::object::Word::FALSE);
            self.goto(&mut end);
        } else {
            self.push_constant(crate::object::Word::NULL);
        }
        self.state.drop_top();
        self.place(end);
        if !self.state.reachable {
            self.push_constant(crate::object::Word::NULL);
        } else {
            let i = self.top(0);
            let value = *self.state.operand(i);
            self.state.set_operand(self.asm.offset(), i, Value { facts: Facts::BOOL, ..value });
        }
    }
}
