//! Twins: the general version of a loop or a body, for the ways that would make the hot version forget what it knows.
//!
//! While a hot region is written, an operation whose check fails does not join the hot path again: it leaves through an
//! [`Exit`] that notes its point of the program (the node) and its state. When the hot code is done, the region is walked once
//! more, cold and without leaving; where an exit's node comes by, the exit's state is made to agree with the state there. So
//! the hot path keeps its facts, and the language's full meaning is one jump away.
//!
//! A region is an innermost loop, or a body without loops. What the hot walk finds out of a variable that it could have asked
//! before the loop is noted as a [`Promotion`]; the loop is then written again, with the question before its header.

use super::facts::Facts;
use super::generator::Generator;
use super::join::{Edge, Join};
use super::link::SideExit;
use super::state::{Owner, Place, State, Value};
use super::trials::Optimisation;
use crate::asm::masm::*;
use crate::emit::objects;
use crate::mutations::{Mutation, mutated};
use crate::object::layout::LayoutId;
use crate::reader::tree::*;
use rustc_hash::FxHashMap;

/// Bodies with more nodes than this get no twin.
pub(super) const BODY_CAP: u32 = 300;
/// Loops with more nodes than this get no twin.
pub(super) const LOOP_CAP: u32 = 500;

/// A way out of a hot region.
#[derive(Clone)]
pub(super) struct Exit {
    pub(super) node: NodeId,
    pub(super) edge: Edge,
    pub(super) reason: SideExit,
}

/// What is worth asking of a variable before a loop.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Promotion {
    /// An inline Int.
    Int,
    /// A Float, to be held raw.
    Float,
    /// An object of this layout.
    Layout(LayoutId),
}

/// A region that is being written.
#[derive(Clone, Default)]
pub(super) struct Region {
    /// The hot version: checks that fail leave.
    pub(super) hot: bool,
    /// The ways out so far.
    pub(super) exits: Vec<Exit>,
    /// In the twin: the exits that have not arrived yet, by node.
    pub(super) pending: FxHashMap<NodeId, Vec<Edge>>,
    /// What was found worth asking before the loop.
    pub(super) found: Vec<(VarId, Promotion)>,
    /// First node of the region: variables defined before it can be asked for.
    pub(super) start: u32,
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// Is there a twin to leave for, or a real call?
    pub(super) fn is_hot(&self) -> bool {
        self.inline.is_some() || self.region.as_ref().is_some_and(|r| r.hot)
    }

    /// In a hot region: a label through which the present state leaves for the twin, at the point just before the operation
    /// of this node.
    pub(super) fn leave(&mut self, node: NodeId, reason: SideExit) -> Option<Label> {
        if self.inline.is_some() {
            return self.leave_inlined(reason);
        }
        if !self.is_hot() {
            return None;
        }
        let label = self.asm.label();
        let mut state = self.state.clone();
        if let Some(below) = state.height().checked_sub(2).filter(|_| mutated(Mutation::ExitSwapped)) {
            let (a, b) = (*state.operand(below), *state.operand(below + 1));
            state.set_operand(below, b);
            state.set_operand(below + 1, a);
        }
        if let Some(region) = &mut self.region {
            region.exits.push(Exit { node, edge: Edge::new(state, label), reason });
        }
        Some(label)
    }

    /// The edges of exits by the node that they left at; where somebody counts, each passes through a call that does.
    pub(super) fn pending(&mut self, exits: Vec<Exit>) -> FxHashMap<NodeId, Vec<Edge>> {
        let mut pending: FxHashMap<NodeId, Vec<Edge>> = FxHashMap::default();
        for Exit { node, edge, reason } in exits {
            let edge = self.counted(edge, node, reason);
            pending.entry(node).or_default().push(edge);
        }
        pending
    }

    /// Where somebody counts side exits: another edge, behind a call that counts. Nothing is reached here otherwise.
    pub(super) fn counted(&mut self, edge: Edge, node: NodeId, reason: SideExit) -> Edge {
        let Some(stub) = self.link.side_exit(reason) else { return edge };
        let (label, at) = (self.asm.label(), self.at);
        self.asm.bind(edge.label);
        self.goes_to(node);
        self.asm.call_code(stub);
        self.asm.jump(label);
        self.goes_to(at);
        Edge { label, ..edge }
    }

    /// In a twin: exits that left at this point arrive here.
    pub(super) fn arrive(&mut self, node: NodeId) {
        let Some(region) = &mut self.region else { return };
        if region.hot || region.pending.is_empty() {
            return;
        }
        let Some(edges) = region.pending.get(&node) else { return };
        let join = Join { edges: edges.clone() };
        if !self.state.reachable {
            // The height is that of the walk; what the operands are is said by the exits.
            debug_assert!(join.edges.iter().all(|e| e.state.height() == self.state.height()));
        }
        self.place(join);
    }

    /// In a hot region: operand `i` turned out to be something that could have been asked before the loop.
    pub(super) fn promote(&mut self, i: usize, promotion: Promotion) {
        let Some(var) = self.state.operand(i).var else { return };
        if self.trials.is_off(Optimisation::Promotions) {
            return;
        }
        if let Some(region) = &mut self.region
            && region.hot
            && self.survey.start(var) < region.start
            && !region.found.iter().any(|(v, _)| *v == var)
        {
            region.found.push((var, promotion));
        }
    }

    /// Asks before a loop what the loop would ask in each turn; the edges lead to the twin.
    pub(super) fn ask_before(&mut self, var: VarId, promotion: Promotion, twin: &mut Vec<Edge>) {
        let value = *self.state.var(var);
        if value.place == Place::None || value.place.is_raw() {
            return;
        }
        self.push_var(var);
        let i = self.top(0);
        let state = self.state_without_top();
        let label = self.asm.label();
        let facts = match promotion {
            Promotion::Int => {
                if value.facts.is_int() {
                    self.state.drop_top();
                    return;
                }
                let r = self.in_register(i);
                objects::branch_unless_int(&mut self.asm, r, label);
                Facts::INT
            }
            Promotion::Float => {
                let f = if value.facts.is_float() {
                    self.in_float(i)
                } else {
                    let r = self.in_register(i);
                    let f = self.float_register();
                    objects::raw_float(&mut self.asm, f, r, label);
                    f
                };
                let state = self.state_after_loads(&state);
                twin.push(Edge::new(state, label));
                self.state.drop_top();
                self.state.set_var(
                    self.asm.offset(),
                    var,
                    Value { place: Place::Float(f), copy: None, facts: Facts::FLOAT, ..value },
                );
                self.unpin();
                return;
            }
            Promotion::Layout(layout) => {
                if value.facts.layout == Some(layout) {
                    self.state.drop_top();
                    return;
                }
                let r = self.in_register(i);
                self.check_layout(r, value.facts, layout, label);
                Facts::object(layout)
            }
        };
        let state = self.state_after_loads(&state);
        twin.push(Edge::new(state, label));
        self.learn(i, facts);
        self.state.drop_top();
        self.unpin();
    }

    fn state_without_top(&mut self) -> State {
        let mut state = self.state.clone();
        state.pop();
        state
    }

    /// Loading an operand may have moved others: the edge's state is the present one without the operand, with the facts of
    /// before.
    fn state_after_loads(&self, before: &State) -> State {
        let mut state = self.state.clone();
        state.pop();
        for owner in before.differing([&*self.state]) {
            if let Owner::Var(var) = owner {
                let now = *state.var(var);
                state.set_var(var, Value { facts: before.var(var).facts, ..now });
            }
        }
        state
    }

    /// Flags and branches for "the word in `r` is an object of this layout": to `other` when not.
    pub(super) fn check_layout(&mut self, r: Reg, known: Facts, layout: LayoutId, other: Label) {
        debug_assert_ne!(layout, crate::object::layout::CLOSURE);
        if known.types != super::facts::Types::OBJECT {
            objects::branch_unless_object(&mut self.asm, r, other);
        }
        objects::branch_unless_layout(&mut self.asm, r, layout, other);
    }
}
