//! Twins: the general version of a loop or a body, for the ways that would make the hot version forget what it knows.
//!
//! While a hot region is written, an operation whose check fails does not join the hot path again: it leaves through an
//! [`Exit`] that notes its [`Point`] of the program and its state. When the hot code is done, the region is walked once
//! more, cold and without leaving; where an exit's point comes by, the exit's state is made to agree with the state there. So
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
use super::version::{General, Hot, Version};
use crate::asm::masm::*;
use crate::emit::objects;
use crate::object::layout::LayoutId;
use crate::reader::tree::*;

/// Bodies with more nodes than this get no twin.
pub(super) const BODY_CAP: u32 = 300;
/// Loops with more nodes than this get no twin.
pub(super) const LOOP_CAP: u32 = 500;

/// A point of the program: just before the operation of a node, or just before a pattern is tested.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Point {
    Node(NodeId),
    Pattern(PatternId),
}

impl From<NodeId> for Point {
    fn from(node: NodeId) -> Point {
        Point::Node(node)
    }
}

impl From<PatternId> for Point {
    fn from(pattern: PatternId) -> Point {
        Point::Pattern(pattern)
    }
}

/// A way out of a hot region.
pub(super) struct Exit {
    pub(super) point: Point,
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

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// The general version, in which these exits arrive; where somebody counts them, each passes through a call that does.
    pub(super) fn twin_of(&mut self, hot: Hot) -> Version {
        let mut twin = General::default();
        for Exit { point, edge, reason } in hot.exits {
            let edge = self.counted(edge, point, reason);
            twin.pending.entry(point).or_default().push(edge);
        }
        Version::General(twin)
    }

    /// Where somebody counts side exits: another edge, behind a call that counts. Nothing is reached here otherwise.
    pub(super) fn counted(&mut self, edge: Edge, point: impl Into<Point>, reason: SideExit) -> Edge {
        let Some(stub) = self.link.side_exit(reason) else { return edge };
        let (label, at) = (self.asm.label(), self.at);
        self.asm.bind(edge.label);
        match point.into() {
            Point::Node(node) => self.goes_to(node),
            Point::Pattern(pattern) => self.goes_to_pattern(at, pattern),
        }
        self.asm.call_code(stub);
        self.asm.jump(label);
        self.goes_to(at);
        Edge { label, ..edge }
    }

    /// In a twin: exits that left at this point arrive here.
    pub(super) fn arrive(&mut self, point: impl Into<Point>) {
        let Version::General(twin) = &self.version else { return };
        let Some(edges) = twin.pending.get(&point.into()) else { return };
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
        if let Some(region) = self.version.region_mut()
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
