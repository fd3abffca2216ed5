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
use super::version::Slow;
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
            Path::Int => self.int_ordering(op, node, when, join),
            Path::Float if [i, j].iter().all(|k| self.constant_int(*k).is_none() || self.exact_as_float(*k)) => {
                self.float_ordering(op, node, when, join);
            }
            Path::Float | Path::General => self.compare_by_call(helper_of(op), when, join),
        }
    }

    fn compare_by_call(&mut self, helper: Helper, when: bool, join: &mut Join) {
        self.call_helper(helper, 2, &[], Facts::BOOL);
        self.branch_on_value(when, join);
    }

    /// An Int that can be part of a comparison.
    fn immediate_int(&self, i: usize) -> Option<i64> {
        self.constant_int(i).filter(|n| Self::immediate(Word((*n << INT_SHIFT) as u64)).is_some())
    }

    /// Goes to the join on the comparison of the latest two operands, two Ints: operands `i` and `j`, which are in registers unless the
    /// second one is part of the comparison.
    fn branch_on_ints(&mut self, cond: Cond, (i, j): (usize, usize), when: bool, join: &mut Join) {
        let a = self.in_register(i);
        match self.immediate_int(j) {
            Some(n) => self.asm.compare_imm(a, n << INT_SHIFT),
            None => {
                let b = self.in_register(j);
                self.asm.compare(a, b);
            }
        }
        self.branch_to(cond, when, join, 2);
    }

    fn int_ordering(&mut self, op: BinaryOp, node: NodeId, when: bool, join: &mut Join) {
        let (i, j) = (self.top(1), self.top(0));
        for k in [i, j] {
            if self.constant_int(k).is_none() {
                self.in_register(k);
            }
        }
        if self.constant_int(i).is_some() {
            self.in_register(i);
        }
        if self.immediate_int(j).is_none() {
            self.in_register(j);
        }
        let known = self.state.operand(i).facts.is_int() && self.state.operand(j).facts.is_int();
        let failing = (!known).then(|| {
            let slow = Slow::Condition { helper: helper_of(op), when, join: &mut *join };
            let failing = self.fail(node, SideExit::Comparison, slow);
            self.check_ints(&[1, 0], &failing);
            failing
        });
        let cond = match op {
            BinaryOp::Less => Cond::Less,
            BinaryOp::LessEqual => Cond::LessEqual,
            BinaryOp::Greater => Cond::Greater,
            _ => Cond::GreaterEqual,
        };
        self.branch_on_ints(cond, (i, j), when, join);
        failing.iter().for_each(|failing| self.resumes(failing));
    }

    fn float_ordering(&mut self, op: BinaryOp, node: NodeId, when: bool, join: &mut Join) {
        let (i, j) = (self.top(1), self.top(0));
        let known = [i, j].iter().all(|k| {
            let facts = self.state.operand(*k).facts;
            facts.is_float() || facts.is_int() && self.exact_as_float(*k)
        });
        let failing = (!known).then(|| {
            self.ready_for_floats(i, j);
            self.reserve(2, 2);
            self.fail(node, SideExit::Comparison, Slow::Condition { helper: helper_of(op), when, join: &mut *join })
        });
        let (a, b) = match &failing {
            Some(failing) => self.numbers((i, j), failing, true),
            None => (self.float_operand_sure(i), self.float_operand_sure(j)),
        };
        let cond = match op {
            BinaryOp::Less => FCond::Less,
            BinaryOp::LessEqual => FCond::LessEqual,
            BinaryOp::Greater => FCond::Greater,
            _ => FCond::GreaterEqual,
        };
        self.branch_on_floats(cond, (a, b), when, join);
        failing.iter().for_each(|failing| self.resumes(failing));
    }

    /// Goes to the join on the comparison of the latest two operands, which are had raw.
    fn branch_on_floats(&mut self, cond: FCond, (a, b): (FReg, FReg), when: bool, join: &mut Join) {
        self.state.drop_top();
        self.state.drop_top();
        let label = self.edge(join);
        self.asm.branch_float(cond, a, b, when, label);
        self.unpin();
    }

    /// May the operand be compared as a Float? Ints and Floats are compared by value, and an Int beyond 2^53 may have no
    /// Float of its value: the helper compares such exactly.
    fn exact_as_float(&self, i: usize) -> bool {
        let value = self.state.operand(i);
        !value.facts.is_int()
            || self.constant_int(i).is_some_and(|n| n.unsigned_abs() <= 1 << 53)
            || mutated(Mutation::ExactAsFloat)
    }

    /// The latest two operands are asked whether they are equal: goes to the join when the answer is `when`.
    pub(super) fn equality(&mut self, node: NodeId, when: bool, join: &mut Join) {
        let (mut i, mut j) = (self.top(1), self.top(0));
        // A constant goes to the right.
        if self.constant_word(i).is_some() && self.constant_word(j).is_none() {
            std::mem::swap(&mut i, &mut j);
        }
        let (fa, fb) = (self.state.operand(i).facts, self.state.operand(j).facts);
        let numbers = |f: &Facts| f.is_float() || f.is_int();
        if fa.is_identity() || fb.is_identity() || fa.is_int() && fb.is_int() {
            self.identity(i, j, when, join);
        } else if (fa.is_float() || fb.is_float())
            && [fa, fb].iter().all(numbers)
            && self.exact_as_float(i)
            && self.exact_as_float(j)
        {
            let a = self.float_operand_sure(self.top(1));
            let b = self.float_operand_sure(self.top(0));
            self.branch_on_floats(FCond::Equal, (a, b), when, join);
        } else if fa.may_be_int() && fb.may_be_int() {
            self.int_equality(node, (i, j), when, join);
        } else {
            self.compare_by_call(Helper::Equal, when, join);
        }
    }

    /// Two operands that are equal when they are one word.
    fn identity(&mut self, i: usize, j: usize, when: bool, join: &mut Join) {
        let (fa, fb) = (self.state.operand(i).facts, self.state.operand(j).facts);
        if !fa.types.meets(fb.types) && (fa.is_identity() || fb.is_identity()) {
            // Of what cannot be one value nothing is written: it would be code for a state that no run is in.
            self.state.drop_top();
            self.state.drop_top();
            self.unpin();
            if !when {
                self.goto(join);
            }
            return;
        }
        let word = self.constant_word(j).filter(|w| Self::immediate(*w).is_some());
        let a = self.in_register(i);
        match word {
            Some(w) => self.asm.compare_imm(a, w.0 as i64),
            None => {
                let b = self.in_register(j);
                self.asm.compare(a, b);
            }
        }
        let asked = *self.state.operand(i);
        let constant = self.constant_word(j);
        self.branch_to(Cond::Equal, when, join, 2);
        // What the comparison says of the variable holds on one side of it only.
        if let (Some(var), Some(Word::NULL)) = (asked.var, constant)
            && when
        {
            let known = *self.state.var(var);
            let types = Types(known.facts.types.0 & !Types::NULL.0);
            if known.place == asked.place && types.0 != 0 {
                let facts = Facts { types, ..known.facts };
                self.state.set_var(self.asm.offset(), var, Value { facts, ..known });
            }
        }
    }

    /// Inline for Ints; anything else asks the helper.
    fn int_equality(&mut self, node: NodeId, (i, j): (usize, usize), when: bool, join: &mut Join) {
        self.in_register(i);
        if self.immediate_int(j).is_none() {
            self.in_register(j);
        }
        let slow = Slow::Condition { helper: Helper::Equal, when, join: &mut *join };
        let failing = self.fail(node, SideExit::Comparison, slow);
        self.check_ints(&[1, 0], &failing);
        self.branch_on_ints(Cond::Equal, (i, j), when, join);
        self.resumes(&failing);
    }
}

/// Is the operator a comparison?
pub(super) fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(op, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}
