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
use super::version::{Failing, Slow};
use crate::asm::masm::*;
use crate::emit::objects;
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::object::layout::{self, STRING_BYTES, STRING_SIZES, slot_disp};
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
        let objects = [i, j].iter().any(|k| self.state.operand(*k).hint.layout().is_some());
        if let Some((value, text)) = self.short_text(node) {
            let value = if value { self.top(1) } else { self.top(0) };
            self.equals_short_text(node, value, text, when, join);
        } else if fa.is_identity() || fb.is_identity() || fa.is_int() && fb.is_int() {
            self.identity(i, j, when, join);
        } else if (fa.is_float() || fb.is_float())
            && [fa, fb].iter().all(numbers)
            && self.exact_as_float(i)
            && self.exact_as_float(j)
        {
            let a = self.float_operand_sure(self.top(1));
            let b = self.float_operand_sure(self.top(0));
            self.branch_on_floats(FCond::Equal, (a, b), when, join);
        } else if fa.layout == Some(layout::STRING) && fb.types.meets(Types::OBJECT) {
            self.text_equality(node, (i, j), when, join);
        } else if fb.layout == Some(layout::STRING) && fa.types.meets(Types::OBJECT) {
            self.text_equality(node, (j, i), when, join);
        } else if fa.may_be_int() && fb.may_be_int() && (fa.is_int() || fb.is_int() || !objects) {
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

    /// The comparison, or the literal of a pattern, has a text of one word as operand: the text, and whether the other operand is the former.
    fn short_text(&self, node: NodeId) -> Option<(bool, &'a str)> {
        let unit = self.unit;
        let text = |node: NodeId| match unit.node(node) {
            Node::String(text) => Some(unit.name(*text)).filter(|text| (1..=8).contains(&text.len())),
            _ => None,
        };
        match unit.node(node) {
            Node::Binary { left, right, .. } => {
                let of_right = text(*right).map(|text| (true, text));
                of_right.or_else(|| text(*left).map(|text| (false, text)))
            }
            _ => text(node).map(|text| (true, text)),
        }
    }

    /// Where a comparison goes that finds the latest two operands, which it pops, equal or not: to the join when the answer is `when`, else
    /// to `on`.
    fn answers(&mut self, when: bool, join: &mut Join) -> Answers {
        self.state.drop_top();
        self.state.drop_top();
        self.unpin();
        let (taken, on) = (self.edge(join), self.asm.label());
        if when { Answers { equal: taken, differ: on, on } } else { Answers { equal: on, differ: taken, on } }
    }

    /// Like [`Generator::fail`], but what is not foreseen is asked of the helper and no reason to leave.
    fn ask_equal(&mut self, node: NodeId, when: bool, join: &mut Join) -> Failing {
        let slow = Slow::Condition { helper: Helper::Equal, when, join };
        if self.version.in_place().is_some() { self.fail(node, SideExit::Comparison, slow) } else { self.slow(slow) }
    }

    /// Goes on only where the word in `r` is a STRING: what is no object differs from every text.
    fn expect_string(&mut self, r: Reg, facts: Facts, differ: Label, other: Label) {
        if facts.layout == Some(layout::STRING) {
            return;
        }
        if facts.types != Types::OBJECT {
            objects::branch_unless_object(&mut self.asm, r, differ);
        }
        objects::branch_unless_layout(&mut self.asm, r, layout::STRING, other);
    }

    /// Operand `i` is compared with a literal of 1 to 8 bytes, which is the other one of the latest two.
    fn equals_short_text(&mut self, node: NodeId, i: usize, text: &str, when: bool, join: &mut Join) {
        let facts = self.state.operand(i).facts;
        let r = self.in_register(i);
        let failing = self.ask_equal(node, when, join);
        let answers = self.answers(when, join);
        self.expect_string(r, facts, answers.differ, failing.label);
        // As many bytes, and the same: then as many characters. What pads the word is 0.
        let mut word = [0; 8];
        word[..text.len()].copy_from_slice(text.as_bytes());
        let asm = &mut self.asm;
        asm.compare_mem32_imm(Mem::at(r, slot_disp(STRING_SIZES)), text.len() as u32);
        asm.branch(Cond::NotEqual, answers.differ);
        asm.compare_mem_imm(Mem::at(r, slot_disp(STRING_BYTES)), i64::from_le_bytes(word));
        asm.branch(if when { Cond::Equal } else { Cond::NotEqual }, if when { answers.equal } else { answers.differ });
        asm.bind(answers.on);
        self.resumes(&failing);
    }

    /// The latest two operands are compared, of which `i` is a STRING: inline where they are one, have up to 8 bytes,
    /// or differ in their sizes or first bytes.
    fn text_equality(&mut self, node: NodeId, (i, j): (usize, usize), when: bool, join: &mut Join) {
        let facts = self.state.operand(j).facts;
        let (a, b) = (self.in_register(i), self.in_register(j));
        let failing = self.ask_equal(node, when, join);
        let answers = self.answers(when, join);
        self.asm.compare(a, b);
        self.asm.branch(Cond::Equal, answers.equal);
        self.expect_string(b, facts, answers.differ, failing.label);
        let asm = &mut self.asm;
        let of = |r: Reg, slot: usize| Mem::at(r, slot_disp(slot));
        asm.scratch().load(of(a, STRING_SIZES)).compare_mem(of(b, STRING_SIZES));
        asm.branch(Cond::NotEqual, answers.differ);
        // Two that are empty have no first word.
        asm.compare_mem32_imm(of(a, STRING_SIZES), 0);
        asm.branch(Cond::Equal, failing.label);
        asm.scratch().load(of(a, STRING_BYTES)).compare_mem(of(b, STRING_BYTES));
        asm.branch(Cond::NotEqual, answers.differ);
        asm.compare_mem32_imm(of(a, STRING_SIZES), 8);
        asm.branch(Cond::Above, failing.label);
        if when {
            asm.jump(answers.equal);
        }
        asm.bind(answers.on);
        self.resumes(&failing);
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

/// Where the answers of a comparison lead; `on` is one of the two, which is bound where it goes on.
struct Answers {
    equal: Label,
    differ: Label,
    on: Label,
}

/// Is the operator a comparison?
pub(super) fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(op, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}
