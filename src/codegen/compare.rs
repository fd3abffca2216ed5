//! Conditions: comparison and branching are one thing.
//!
//! A condition is never a value unless somebody wants the value: [`Generator::condition`] goes to a join when the truth of a
//! node is `when`, and goes on otherwise.

use super::arith::{Path, helper_of};
use super::facts::{Facts, Types};
use super::generator::Generator;
use super::join::Join;
use super::link::{Helper, SideExit};
use super::safepoints::Argument;
use super::state::Value;
use crate::asm::masm::*;
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::object::word::INT_SHIFT;
use crate::reader::tree::*;

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// Goes to `join` when the truth of `node` is `when`; goes on when it is not.
    pub(super) fn condition(&mut self, node: NodeId, when: bool, join: &mut Join) {
        self.deeper();
        let (mut node, mut when) = (node, when);
        loop {
            // Any of the negations may be what was evaluated.
            if self.take_evaluated(node) {
                return self.branch_on_value(when, join);
            }
            let Node::Unary { op: UnaryOp::Not, operand } = self.unit.node(node) else { break };
            (node, when) = (*operand, !when);
        }
        match self.unit.node(node).clone() {
            Node::Binary { op, left, right } if is_comparison(op) => self.comparison(op, left, right, node, when, join),
            // Each operand but the last may decide.
            Node::And { .. } | Node::Or { .. } => {
                let deciding = matches!(self.unit.node(node), Node::Or { .. });
                let operands = self.operands_of(node);
                let mut decided = Join::new();
                for (k, operand) in operands.iter().enumerate() {
                    if deciding == when || k + 1 == operands.len() {
                        self.condition(*operand, when, join);
                    } else {
                        self.condition(*operand, deciding, &mut decided);
                    }
                }
                if deciding != when {
                    self.place(decided);
                }
            }
            Node::Bool(b) => {
                if b == when {
                    self.goto(join);
                }
            }
            Node::Call { callee, args, .. } if self.predicate(callee, args, node, when, join) => {}
            _ => {
                self.expression(node);
                self.goes_to(node);
                self.branch_on_value(when, join);
            }
        }
    }

    /// The operands of `a && b && c …`, or of `||`, from left to right.
    fn operands_of(&self, node: NodeId) -> Vec<NodeId> {
        let mut operands = Vec::new();
        let mut first = node;
        while let (Node::And { left, right }, Node::And { .. }) | (Node::Or { left, right }, Node::Or { .. }) =
            (self.unit.node(first), self.unit.node(node))
        {
            operands.push(*right);
            first = *left;
        }
        operands.push(first);
        operands.reverse();
        operands
    }

    fn comparison(&mut self, op: BinaryOp, left: NodeId, right: NodeId, node: NodeId, when: bool, join: &mut Join) {
        self.expression(left);
        self.expression(right);
        self.arrive(node);
        if !self.state.reachable {
            self.state.drop_top();
            self.state.drop_top();
            return;
        }
        self.goes_to(node);
        match op {
            BinaryOp::Equal => self.equality(node, when, join),
            BinaryOp::NotEqual => self.equality(node, !when, join),
            _ => self.ordering(op, node, when, join),
        }
    }

    /// Pops the operands and goes to the join on the flags.
    fn branch_to(&mut self, cond: Cond, when: bool, join: &mut Join, operands: usize) {
        for _ in 0..operands {
            self.state.drop_top();
        }
        self.unpin();
        let label = self.edge(join);
        self.asm.branch(if when { cond } else { cond.negate() }, label);
    }

    /// The slow path of a condition: the helper's Bool decides where to go, so it never comes back into the hot path's flags.
    pub(super) fn slow_condition(&mut self, helper: Helper, when: bool, join: &mut Join) -> (Label, Label) {
        let arguments: Vec<Argument> = [1, 0].iter().map(|n| self.argument(self.top(*n))).collect();
        let label = self.asm.label();
        let resume = self.asm.label();
        let mut state = self.state.clone();
        let full = state.clone();
        state.pop();
        state.pop();
        let taken = self.asm.label();
        join.edges.push(super::join::Edge::new(state, taken));
        let (at, handler) = (self.at, self.handler.clone());
        self.later(move |g| {
            g.asm.bind(label);
            g.enter_cold(full, at, handler);
            g.call_helper_cold(helper, &arguments, 0).compare_imm(Word::TRUE.0 as i32);
            g.asm.branch(if when { Cond::Equal } else { Cond::NotEqual }, taken);
            g.asm.jump(resume);
        });
        (label, resume)
    }

    /// The latest two operands are compared: goes to the join when the answer is `when`.
    pub(super) fn ordering(&mut self, op: BinaryOp, node: NodeId, when: bool, join: &mut Join) {
        let (i, j) = (self.top(1), self.top(0));
        match self.number_path() {
            Path::General => {
                self.call_helper(helper_of(op), 2, &[], Facts::BOOL);
                self.branch_on_value(when, join);
            }
            Path::Float if !self.exact_as_float(i) || !self.exact_as_float(j) => {
                self.call_helper(helper_of(op), 2, &[], Facts::BOOL);
                self.branch_on_value(when, join);
            }
            Path::Int => {
                for k in [i, j] {
                    if self.constant_int(k).is_none() {
                        self.in_register(k);
                    }
                }
                if self.constant_int(i).is_some() {
                    self.in_register(i);
                }
                if self.constant_int(j).is_some_and(|n| Self::immediate(Word((n << INT_SHIFT) as u64)).is_none()) {
                    self.in_register(j);
                }
                let known = self.state.operand(i).facts.is_int() && self.state.operand(j).facts.is_int();
                let mut resume = None;
                if !known {
                    match self.leave(node, SideExit::Comparison) {
                        Some(label) => self.check_ints(&[1, 0], label, true),
                        None => {
                            let (label, back) = self.slow_condition(helper_of(op), when, join);
                            self.check_ints(&[1, 0], label, false);
                            resume = Some(back);
                        }
                    }
                }
                let a = self.in_register(i);
                match self.constant_int(j) {
                    Some(n) => self.asm.compare_imm(a, n << INT_SHIFT),
                    None => {
                        let b = self.in_register(j);
                        self.asm.compare(a, b);
                    }
                }
                let cond = match op {
                    BinaryOp::Less => Cond::Less,
                    BinaryOp::LessEqual => Cond::LessEqual,
                    BinaryOp::Greater => Cond::Greater,
                    _ => Cond::GreaterEqual,
                };
                self.branch_to(cond, when, join, 2);
                if let Some(resume) = resume {
                    self.asm.bind(resume);
                }
            }
            Path::Float => {
                let sure = |f: Facts| f.is_float() || f.is_int();
                let (fa, fb) = (self.state.operand(i).facts, self.state.operand(j).facts);
                let mut resume = None;
                let mut failing = None;
                if !sure(fa) || !sure(fb) {
                    self.ready_for_floats(i, j);
                    self.reserve(2, 2);
                    failing = self.leave(node, SideExit::Comparison);
                    if failing.is_none() {
                        let (label, back) = self.slow_condition(helper_of(op), when, join);
                        failing = Some(label);
                        resume = Some(back);
                    }
                }
                let (a, b) = match failing {
                    Some(label) => (self.float_operand(i, label), self.float_operand(j, label)),
                    None => (self.float_operand_sure(i), self.float_operand_sure(j)),
                };
                let cond = match op {
                    BinaryOp::Less => FCond::Less,
                    BinaryOp::LessEqual => FCond::LessEqual,
                    BinaryOp::Greater => FCond::Greater,
                    _ => FCond::GreaterEqual,
                };
                self.state.drop_top();
                self.state.drop_top();
                let label = self.edge(join);
                self.asm.branch_float(cond, a, b, when, label);
                self.unpin();
                if let Some(resume) = resume {
                    self.asm.bind(resume);
                }
            }
        }
    }

    /// May the operand be compared as a Float? Ints and Floats are compared by value, and an Int beyond 2^53 may have no
    /// Float of its value: the helper compares such exactly.
    fn exact_as_float(&self, i: usize) -> bool {
        let value = self.state.operand(i);
        !value.facts.is_int()
            || self.constant_int(i).is_some_and(|n| n.unsigned_abs() <= 1 << 53)
            || mutated(Mutation::ExactAsFloat)
    }

    pub(super) fn equality(&mut self, node: NodeId, when: bool, join: &mut Join) {
        let (mut i, mut j) = (self.top(1), self.top(0));
        // A constant goes to the right.
        if self.constant_word(i).is_some() && self.constant_word(j).is_none() {
            std::mem::swap(&mut i, &mut j);
        }
        let (fa, fb) = (self.state.operand(i).facts, self.state.operand(j).facts);
        let identity = fa.is_identity() || fb.is_identity();
        let ints = fa.is_int() && fb.is_int();
        if identity && !fa.types.meets(fb.types) {
            // Of what cannot be one value nothing is written: it would be code for a state that no run is in.
            self.state.drop_top();
            self.state.drop_top();
            self.unpin();
            if !when {
                self.goto(join);
            }
            return;
        }
        if identity || ints {
            let word = self.constant_word(j).filter(|w| Self::immediate(*w).is_some());
            let a = self.in_register(i);
            match word {
                Some(w) => self.asm.compare_imm(a, w.0 as i64),
                None => {
                    let b = self.in_register(j);
                    self.asm.compare(a, b);
                }
            }
            // What the comparison says of the variable holds on one side of it only.
            let learn = *self.state.operand(i);
            let constant = self.constant_word(j);
            self.branch_to(Cond::Equal, when, join, 2);
            if let (Some(var), Some(Word::NULL)) = (learn.var, constant)
                && when
            {
                let known = *self.state.var(var);
                let types = Types(known.facts.types.0 & !Types::NULL.0);
                if known.place == learn.place && types.0 != 0 {
                    self.state.set_var(
                        self.asm.offset(),
                        var,
                        Value { facts: Facts { types, ..known.facts }, ..known },
                    );
                }
            }
            return;
        }
        if (fa.is_float() || fb.is_float())
            && [fa, fb].iter().all(|f| f.is_float() || f.is_int())
            && self.exact_as_float(i)
            && self.exact_as_float(j)
        {
            let a = self.float_operand_sure(self.top(1));
            let b = self.float_operand_sure(self.top(0));
            self.state.drop_top();
            self.state.drop_top();
            let label = self.edge(join);
            self.asm.branch_float(FCond::Equal, a, b, when, label);
            self.unpin();
            return;
        }
        if fa.may_be_int() && fb.may_be_int() {
            // Inline for Ints; anything else asks the helper.
            let constant = self.constant_int(j).filter(|n| Self::immediate(Word((*n << INT_SHIFT) as u64)).is_some());
            self.in_register(i);
            if constant.is_none() {
                self.in_register(j);
            }
            let mut resume = None;
            let failing = match self.leave(node, SideExit::Comparison) {
                Some(label) => label,
                None => {
                    let (label, back) = self.slow_condition(Helper::Equal, when, join);
                    resume = Some(back);
                    label
                }
            };
            self.check_ints(&[1, 0], failing, resume.is_none());
            let a = self.in_register(i);
            match constant {
                Some(n) => self.asm.compare_imm(a, n << INT_SHIFT),
                None => {
                    let b = self.in_register(j);
                    self.asm.compare(a, b);
                }
            }
            self.branch_to(Cond::Equal, when, join, 2);
            if let Some(resume) = resume {
                self.asm.bind(resume);
            }
            return;
        }
        self.call_helper(Helper::Equal, 2, &[], Facts::BOOL);
        self.branch_on_value(when, join);
    }
}

/// Is the operator a comparison?
pub(super) fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(op, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}
