//! Arithmetic: chosen by facts, with the general meaning one helper away.
//!
//! Ints are added on their tagged form with a jump on overflow; raw floats in one instruction. What is not known is tested:
//! the test that is inline is that of the type the facts or hints make likely. A failing test leaves for the twin in a hot
//! region; elsewhere it calls the helper and joins again with less known.

use super::facts::{Facts, Hint, Types};
use super::generator::Generator;
use super::link::{Helper, SideExit};
use super::state::{Place, Value};
use super::twin::Promotion;
use super::version::Failing;
use crate::asm::masm::*;
use crate::emit::objects;
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::object::word::{INT_SHIFT, TAG_MASK};
use crate::reader::tree::*;

/// The helper with the operator's general meaning.
pub(super) fn helper_of(op: BinaryOp) -> Helper {
    match op {
        BinaryOp::Add => Helper::Add,
        BinaryOp::Subtract => Helper::Subtract,
        BinaryOp::Multiply => Helper::Multiply,
        BinaryOp::Divide => Helper::Divide,
        BinaryOp::Remainder => Helper::Remainder,
        BinaryOp::Concat => Helper::Concat,
        BinaryOp::ShiftLeft => Helper::ShiftLeft,
        BinaryOp::ShiftRight => Helper::ShiftRight,
        BinaryOp::ShiftRightLogical => Helper::ShiftRightLogical,
        BinaryOp::BitAnd => Helper::BitAnd,
        BinaryOp::BitXor => Helper::BitXor,
        BinaryOp::BitOr => Helper::BitOr,
        BinaryOp::Equal | BinaryOp::NotEqual => Helper::Equal,
        BinaryOp::Less => Helper::Less,
        BinaryOp::LessEqual => Helper::LessEqual,
        BinaryOp::Greater => Helper::Greater,
        BinaryOp::GreaterEqual => Helper::GreaterEqual,
    }
}

/// Ints below are constants of an instruction.
const IMMEDIATE: u64 = 1 << 27;

/// Which path is written inline.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Path {
    Int,
    Float,
    General,
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// The path for two numbers by what is known or likely of the latest two operands.
    pub(super) fn number_path(&self) -> Path {
        let (a, b) = (self.state.operand(self.top(1)), self.state.operand(self.top(0)));
        let (fa, fb) = (a.facts, b.facts);
        let number = |f: Facts| f.may_be_int() || f.may_be_float();
        if !number(fa) || !number(fb) {
            return Path::General;
        }
        if fa.is_float() || fb.is_float() {
            return Path::Float;
        }
        if fa.is_int() && fb.is_int() {
            return Path::Int;
        }
        let likely_float = |v: &Value| !v.facts.is_int() && v.facts.may_be_float() && v.hint == Hint::Float;
        if likely_float(a) || likely_float(b) || !(fa.may_be_int() && fb.may_be_int()) {
            return Path::Float;
        }
        Path::Int
    }

    /// `a op b` for the latest two operands.
    pub(super) fn binary(&mut self, op: BinaryOp, node: NodeId) {
        self.arrive(node);
        if self.dead(2) {
            return;
        }
        self.goes_to(node);
        use BinaryOp::*;
        match op {
            Add | Subtract | Multiply | Divide | Remainder => match self.number_path() {
                Path::Int => self.int_binary(op, node),
                Path::Float if op != Remainder => self.float_binary(op, node),
                _ => self.general_binary(op),
            },
            ShiftLeft | ShiftRight | ShiftRightLogical | BitAnd | BitXor | BitOr => {
                let may = |i: usize| self.state.operand(i).facts.may_be_int();
                if may(self.top(0)) && may(self.top(1)) { self.bit_binary(op, node) } else { self.general_binary(op) }
            }
            Concat => self.call_helper(Helper::Concat, 2, &[], Facts::STRING),
            Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual => {
                unreachable!("comparisons are conditions")
            }
        }
    }

    fn general_binary(&mut self, op: BinaryOp) {
        let (a, b) = (self.state.operand(self.top(1)).facts, self.state.operand(self.top(0)).facts);
        let facts = if a.is_float() || b.is_float() { Facts::FLOAT } else { Facts::ANY };
        let facts = if matches!(
            op,
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder
        ) {
            facts
        } else {
            Facts::INTEGER
        };
        self.call_helper(helper_of(op), 2, &[], facts);
    }

    /// Tests operands (by distance from the top) for inline Ints, those that are not known to be. Where the failing way leaves for
    /// good they are known to be from here on.
    pub(super) fn check_ints(&mut self, operands: &[usize], failing: &Failing) {
        let unknown: Vec<usize> =
            operands.iter().map(|n| self.top(*n)).filter(|i| !self.state.operand(*i).facts.is_int()).collect();
        match unknown[..] {
            [] => {}
            [i] => {
                let r = self.in_register(i);
                objects::branch_unless_int(&mut self.asm, r, failing.label);
            }
            _ => {
                let a = self.in_register(unknown[0]);
                let b = self.in_register(unknown[1]);
                objects::branch_unless_ints(&mut self.asm, a, b, failing.label);
            }
        }
        if failing.leaves() {
            for i in unknown {
                self.promote(i, Promotion::Int);
                self.learn(i, Facts::INT);
            }
        }
    }

    fn load_operands(&mut self, n: usize) {
        for k in (0..n).rev() {
            let i = self.top(k);
            if self.constant_int(i).is_none() {
                self.in_register(i);
            }
        }
    }

    /// The operands are probably inline Ints.
    pub(super) fn int_binary(&mut self, op: BinaryOp, node: NodeId) {
        use BinaryOp::*;
        match op {
            Add | Subtract => self.int_add(op, node),
            Multiply => self.int_multiply(node),
            _ => self.int_divide(op, node),
        }
    }

    fn int_add(&mut self, op: BinaryOp, node: NodeId) {
        // A constant on the left of an addition goes to the right.
        if op == BinaryOp::Add && self.constant_int(self.top(1)).is_some() && self.constant_int(self.top(0)).is_none() {
            let (i, j) = (self.top(1), self.top(0));
            let (a, b) = (*self.state.operand(i), *self.state.operand(j));
            if self.state.operand(j).facts.is_int() {
                self.state.set_operand(self.asm.offset(), i, b);
                self.state.set_operand(self.asm.offset(), j, a);
            }
        }
        self.load_operands(2);
        let (i, j) = (self.top(1), self.top(0));
        // What needs a register gets it before the failing way notes the state.
        if self.constant_int(j).is_some_and(|n| n.unsigned_abs() >= IMMEDIATE) {
            self.in_register(j);
        }
        if self.constant_int(i).is_some() {
            self.in_register(i);
        }
        let dst = self.result_register(node);
        let failing = self.failing(node, SideExit::Arithmetic, (helper_of(op), 2), dst);
        self.check_ints(&[1, 0], &failing);
        let alu = if op == BinaryOp::Add { Alu::Add } else { Alu::Sub };
        let a = self.in_register(i);
        match self.constant_int(j) {
            Some(n) if mutated(Mutation::OverflowUnchecked) => self.asm.alu_imm(alu, dst, a, n << INT_SHIFT),
            Some(n) => self.asm.alu_imm_overflow(alu, dst, a, n << INT_SHIFT, failing.label),
            None => {
                let b = self.in_register(j);
                self.asm.alu_overflow(alu, dst, a, b, failing.label);
            }
        }
        self.finish_int(dst, failing, Facts::INTEGER);
    }

    /// The result of an operation on Ints: known to be an Int when no slow path joins.
    fn finish_int(&mut self, dst: Reg, failing: Failing, slow: Facts) {
        let both_ints = self.types_of(self.top(0)).within(Facts::INTEGER.types)
            && self.types_of(self.top(1)).within(Facts::INTEGER.types);
        self.resumes(&failing);
        let facts = match failing.leaves() {
            true => Facts::INT,
            false if both_ints => slow,
            false => Facts::ANY,
        };
        self.replace_reg(2, dst, facts);
    }

    fn int_multiply(&mut self, node: NodeId) {
        if self.constant_int(self.top(1)).is_some() && self.state.operand(self.top(0)).facts.is_int() {
            let (i, j) = (self.top(1), self.top(0));
            let (a, b) = (*self.state.operand(i), *self.state.operand(j));
            self.state.set_operand(self.asm.offset(), i, b);
            self.state.set_operand(self.asm.offset(), j, a);
        }
        self.load_operands(2);
        let (i, j) = (self.top(1), self.top(0));
        if self.constant_int(i).is_some() {
            self.in_register(i);
        }
        let dst = self.result_register(node);
        let failing = self.failing(node, SideExit::Arithmetic, (Helper::Multiply, 2), dst);
        self.check_ints(&[1, 0], &failing);
        let a = self.in_register(i);
        // One side is untagged in the result's register, so that both operands are whole when it overflows.
        match self.constant_int(j) {
            Some(n) => self.asm.mov_imm(dst, n),
            None => {
                let b = self.in_register(j);
                self.asm.shift_imm(Shift::Right, dst, b, INT_SHIFT as u8);
            }
        }
        self.asm.mul_overflow(dst, dst, a, failing.label);
        self.finish_int(dst, failing, Facts::INTEGER);
    }

    fn int_divide(&mut self, op: BinaryOp, node: NodeId) {
        let (i, j) = (self.top(1), self.top(0));
        let constant = self.constant_int(j);
        if let Some(n) = constant
            && n > 0
            && (n as u64).is_power_of_two()
            && n < 1 << 27
        {
            return self.divide_by_power(op, n.trailing_zeros(), node);
        }
        if let Some((quotient, remainder)) = M::DIV {
            self.take_register(quotient);
            if !mutated(Mutation::DivisionClobbers) {
                self.take_register(remainder);
            }
        }
        let a = self.in_register(i);
        let b = self.in_register(j);
        let (quotient, remainder) = match M::DIV {
            Some(pair) => pair,
            None => (self.register(), self.register()),
        };
        let dst = if op == BinaryOp::Divide { quotient } else { remainder };
        let failing = self.failing(node, SideExit::Arithmetic, (helper_of(op), 2), dst);
        self.check_ints(&[1, 0], &failing);
        match constant {
            Some(n) if n != 0 && n != -1 => {}
            _ => {
                // 0 and -1 (which overflows with the smallest Int) are the helper's: b + 8 is 8 or 0, so unsigned at most 8.
                self.asm.scratch().alu_imm(Alu::Add, b, 8).compare_imm(8);
                self.asm.branch(Cond::BelowEqual, failing.label);
            }
        }
        self.asm.div_rem(quotient, remainder, a, b);
        if op == BinaryOp::Divide {
            self.asm.shift_imm(Shift::Left, dst, quotient, INT_SHIFT as u8);
        }
        self.finish_int(dst, failing, Facts::INTEGER);
    }

    /// Division by 2^k, truncating: a negative dividend is moved towards zero by the bits that get lost.
    fn divide_by_power(&mut self, op: BinaryOp, k: u32, node: NodeId) {
        let (i, j) = (self.top(1), self.top(0));
        let _ = j;
        let a = self.in_register(i);
        let dst = self.result_register(node);
        let rounded = self.register();
        let failing = self.failing(node, SideExit::Arithmetic, (helper_of(op), 2), dst);
        self.check_ints(&[1], &failing);
        let low = ((1i64 << k) - 1) << INT_SHIFT;
        if k == 1 {
            // The sign is the bit that is added.
            self.asm.shift_imm(Shift::RightLogical, rounded, a, 63);
            if mutated(Mutation::RoundsDown) {
                self.asm.mov_imm(rounded, 0);
            }
            self.asm.lea(rounded, Mem::indexed(a, rounded, INT_SHIFT as u8, 0));
        } else {
            self.asm.shift_imm(Shift::Right, rounded, a, 63);
            self.asm.alu_imm(Alu::And, rounded, rounded, low);
            self.asm.alu(Alu::Add, rounded, rounded, a);
        }
        if op == BinaryOp::Divide {
            self.asm.shift_imm(Shift::Right, dst, rounded, k as u8);
            self.asm.alu_imm(Alu::And, dst, dst, !(TAG_MASK as i64));
        } else {
            self.asm.alu_imm(Alu::And, rounded, rounded, !low);
            self.asm.alu(Alu::Sub, dst, a, rounded);
        }
        self.finish_int(dst, failing, Facts::INTEGER);
    }

    fn bit_binary(&mut self, op: BinaryOp, node: NodeId) {
        use BinaryOp::*;
        let (i, j) = (self.top(1), self.top(0));
        let count = self.constant_int(j);
        match op {
            BitAnd | BitOr | BitXor => {
                self.load_operands(2);
                let a = self.in_register(i);
                let dst = self.result_register(node);
                let failing = self.failing(node, SideExit::Arithmetic, (helper_of(op), 2), dst);
                self.check_ints(&[1, 0], &failing);
                let alu = match op {
                    BitAnd => Alu::And,
                    BitOr => Alu::Or,
                    _ => Alu::Xor,
                };
                match count {
                    Some(n) => self.asm.alu_imm(alu, dst, a, n << INT_SHIFT),
                    None => {
                        let b = self.in_register(j);
                        self.asm.alu(alu, dst, a, b);
                    }
                }
                self.finish_int(dst, failing, Facts::INTEGER);
            }
            ShiftLeft if count.is_some_and(|n| (0..60).contains(&n)) => {
                let n = count.unwrap_or(0) as u8;
                let a = self.in_register(i);
                let dst = self.result_register(node);
                let failing = self.failing(node, SideExit::Arithmetic, (Helper::ShiftLeft, 2), dst);
                self.check_ints(&[1], &failing);
                self.asm.shift_imm(Shift::Left, dst, a, n);
                self.asm.scratch().shift_imm(Shift::Right, dst, n).compare(a);
                let lost = if mutated(Mutation::ShiftUnchecked) { Cond::Less } else { Cond::NotEqual };
                self.asm.branch(lost, failing.label);
                self.finish_int(dst, failing, Facts::INTEGER);
            }
            ShiftRight if count.is_some_and(|n| (0..60).contains(&n)) => {
                let n = count.unwrap_or(0) as u8;
                let a = self.in_register(i);
                let dst = self.result_register(node);
                let failing = self.failing(node, SideExit::Arithmetic, (Helper::ShiftRight, 2), dst);
                self.check_ints(&[1], &failing);
                self.asm.shift_imm(Shift::Right, dst, a, n);
                self.asm.alu_imm(Alu::And, dst, dst, !(TAG_MASK as i64));
                self.finish_int(dst, failing, Facts::INTEGER);
            }
            ShiftLeft | ShiftRight => {
                let a = self.in_register(i);
                let b = self.in_register(j);
                let dst = self.result_register(node);
                let count = self.register();
                let failing = self.failing(node, SideExit::Arithmetic, (helper_of(op), 2), dst);
                self.check_ints(&[1, 0], &failing);
                self.asm.compare_imm(b, 59 << INT_SHIFT);
                self.asm.branch(Cond::Above, failing.label);
                self.asm.shift_imm(Shift::Right, count, b, INT_SHIFT as u8);
                if op == ShiftLeft {
                    self.asm.shift(Shift::Left, dst, a, count);
                    self.asm.shift(Shift::Right, count, dst, count);
                    self.asm.compare(count, a);
                    self.asm.branch(Cond::NotEqual, failing.label);
                } else {
                    self.asm.shift(Shift::Right, dst, a, count);
                    self.asm.alu_imm(Alu::And, dst, dst, !(TAG_MASK as i64));
                }
                self.finish_int(dst, failing, Facts::INTEGER);
            }
            _ => self.general_binary(op),
        }
    }

    // ---- floats ----

    /// An operand of an operation on Floats, raw; it is tested when it is not known. Nothing is learnt where the slow way comes back.
    pub(super) fn float_operand(&mut self, i: usize, failing: &Failing) -> FReg {
        let value = *self.state.operand(i);
        if value.facts.is_float() || value.facts.is_int() {
            return self.float_operand_sure(i);
        }
        let r = self.in_register(i);
        let f = match self.raw_echo(r) {
            Some(f) => f,
            None => {
                let f = self.float_register();
                objects::raw_float(&mut self.asm, f, r, failing.label);
                f
            }
        };
        if failing.leaves() {
            self.note_raw(r, f);
            self.promote(i, Promotion::Float);
            self.learn(i, Facts::FLOAT);
        }
        f
    }

    /// An operand of an operation whose other operand is certainly a Float, raw: a Float, or an Int, which counts as the nearest Float, or
    /// has to be one `exactly`. The likely one is asked for first, the other out of line.
    fn number_operand(&mut self, i: usize, failing: &Failing, exactly: bool) -> FReg {
        let value = *self.state.operand(i);
        let facts = value.facts;
        if facts.is_float() || !facts.may_be_int() || facts.is_int() && (!exactly || value.place.is_const()) {
            return self.float_operand(i, failing);
        }
        let either = facts.types.within(Types::INT.or(Types::FLOAT));
        let int = value.hint == Hint::Int && !either;
        // What is known of a variable from here on is worth more than that it may be either.
        let one = failing.leaves() && value.var.is_some() && !either;
        if facts.is_int() || !facts.may_be_float() || one && int {
            return self.int_operand(i, failing, exactly);
        }
        if one {
            return self.float_operand(i, failing);
        }
        let r = self.in_register(i);
        if let Some(f) = self.raw_echo(r) {
            return f;
        }
        let f = self.float_register();
        let (other, done, label) = (self.asm.label(), self.asm.label(), failing.label);
        if int {
            objects::branch_unless_int(&mut self.asm, r, other);
            self.convert_int(f, r, exactly, label);
        } else {
            objects::raw_float(&mut self.asm, f, r, other);
        }
        self.asm.bind(done);
        self.later(move |g| {
            g.asm.bind(other);
            if int {
                objects::raw_float(&mut g.asm, f, r, label);
            } else {
                objects::branch_unless_int(&mut g.asm, r, label);
                g.convert_int(f, r, exactly, label);
            }
            g.asm.jump(done);
        });
        f
    }

    /// An operand that is probably an Int, as a raw Float.
    fn int_operand(&mut self, i: usize, failing: &Failing, exactly: bool) -> FReg {
        let r = self.in_register(i);
        if !self.state.operand(i).facts.is_int() {
            objects::branch_unless_int(&mut self.asm, r, failing.label);
            if failing.leaves() {
                self.promote(i, Promotion::Int);
                self.learn(i, Facts::INT);
            }
        }
        let f = self.float_register();
        self.convert_int(f, r, exactly, failing.label);
        f
    }

    /// The Float that is nearest to an inline Int; to `other` where it has to be of the same value and the Int is beyond 2^53, so that there
    /// may be none.
    fn convert_int(&mut self, f: FReg, r: Reg, exactly: bool, other: Label) {
        if exactly && !mutated(Mutation::ExactAsFloat) {
            let above = |asm: &mut M, high: Reg| {
                // 0 or -1 for what has 53 bits and a sign.
                asm.shift_imm(Shift::Right, high, r, 53 + INT_SHIFT as u8);
                asm.alu_imm(Alu::Add, high, high, 1);
            };
            self.asm.scratch().by(above).compare_imm(1);
            self.asm.branch(Cond::Above, other);
        }
        self.asm.scratch().shift_imm(Shift::Right, r, INT_SHIFT as u8).int_to_float(f);
    }

    /// The operands of an operation one of which is probably a Float, raw: no two Ints come through, for one is asked for as a Float,
    /// and that is one behind the question. `exactly`: what is compared has to have the value.
    pub(super) fn numbers(&mut self, (i, j): (usize, usize), failing: &Failing, exactly: bool) -> (FReg, FReg) {
        let (a, b) = (*self.state.operand(i), *self.state.operand(j));
        let int =
            |v: &Value| v.facts.is_int() || v.hint == Hint::Int || v.facts.types.within(Types::INT.or(Types::FLOAT));
        // What is known to be an Int is not asked for as a Float.
        let prefers = b.facts.is_float() || a.facts.is_int() || !a.facts.is_float() && int(&a) && !int(&b);
        let right_first = prefers && !b.facts.is_int();
        if right_first {
            let right = self.float_operand(j, failing);
            return (self.number_operand(i, failing, exactly), right);
        }
        let left = self.float_operand(i, failing);
        (left, self.number_operand(j, failing, exactly))
    }

    /// Operands must be in registers before the failing way notes the state: what is loaded later, the variables that are
    /// read along included, would not be kept by a slow path that comes back.
    pub(super) fn ready_for_floats(&mut self, i: usize, j: usize) {
        for k in [i, j] {
            let value = *self.state.operand(k);
            match value.place {
                Place::FloatSlot(_) => {
                    self.in_float(k);
                }
                Place::Slot(_) => {
                    self.in_register(k);
                }
                // An Int, too, although it is not tested: what makes room would move it, and it would be loaded again later.
                _ if !(value.facts.is_float() || value.facts.is_int() && value.place.is_const()) => {
                    self.in_register(k);
                }
                _ if value.facts.is_float() && !value.place.is_const() => {
                    self.in_float(k);
                }
                _ => {}
            }
        }
    }

    fn float_binary(&mut self, op: BinaryOp, node: NodeId) {
        let (i, j) = (self.top(1), self.top(0));
        let (fa, fb) = (self.state.operand(i).facts, self.state.operand(j).facts);
        let sure = |f: Facts| f.is_float() || f.is_int();
        let checks = !sure(fa) || !sure(fb);
        // With one Float the result is a Float, or an error; with none it may be an Int after all.
        let float_result = fa.is_float() || fb.is_float();
        let falu = match op {
            BinaryOp::Add => Falu::Add,
            BinaryOp::Subtract => Falu::Sub,
            BinaryOp::Multiply => Falu::Mul,
            _ => Falu::Div,
        };
        if !checks {
            let a = self.float_operand_sure(i);
            let b = self.float_operand_sure(j);
            let dst = self.float_result(i, a);
            self.asm.falu(falu, dst, a, b);
            self.replace(2, Value::new(Place::Float(dst), Facts::FLOAT));
            return;
        }
        self.ready_for_floats(i, j);
        self.reserve(2, 3);
        if let Some(failing) = self.leave(node, SideExit::Float) {
            let (a, b) = self.numbers((i, j), &failing, false);
            let dst = self.float_result(i, a);
            self.asm.falu(falu, dst, a, b);
            self.replace(2, Value::new(Place::Float(dst), Facts::FLOAT));
            return;
        }
        let word = self.register();
        let dst = self.float_register();
        let failing = self.failing(node, SideExit::Float, (helper_of(op), 2), word);
        let (a, b) = self.numbers((i, j), &failing, false);
        self.asm.falu(falu, dst, a, b);
        let Some(resume) = failing.resume() else { return };
        if float_result {
            // The slow path gives a Float: it is untagged there, and the hot path stays raw.
            let join = self.asm.label();
            self.asm.bind(join);
            self.state.echoes_mut().forget();
            self.later(move |g| {
                g.asm.bind(resume);
                g.untag_into(dst, word);
                g.asm.jump(join);
            });
            self.replace(2, Value::new(Place::Float(dst), Facts::FLOAT));
        } else {
            self.tag_into(word, dst);
            self.resumes(&failing);
            self.replace(2, Value::new(Place::Reg(word), Facts::ANY).hinted(Hint::Float));
        }
    }

    /// Where the result of a float operation goes: into its first operand when that was made for it alone.
    fn float_result(&mut self, i: usize, a: FReg) -> FReg {
        let held = u32::from(self.state.operand(i).place == Place::Float(a));
        let alone = self.state.uses_of_float(a) == held && !self.state.echoes().need_float(a);
        if alone { a } else { self.float_register() }
    }

    /// An operand that is certainly a Float or an Int, raw.
    pub(super) fn float_operand_sure(&mut self, i: usize) -> FReg {
        if self.state.operand(i).facts.is_int() {
            self.int_as_float(i)
        } else {
            if self.is_hot() && !self.state.operand(i).place.is_raw() {
                self.promote(i, Promotion::Float);
            }
            self.in_float(i)
        }
    }

    /// `-x` for the latest operand.
    pub(super) fn negate(&mut self, node: NodeId) {
        self.arrive(node);
        if self.dead(1) {
            return;
        }
        self.goes_to(node);
        let i = self.top(0);
        let value = *self.state.operand(i);
        if value.facts.is_float() {
            let f = self.in_float(i);
            let dst = self.float_register();
            self.asm.fneg(dst, f);
            self.replace(1, Value::new(Place::Float(dst), Facts::FLOAT));
            return;
        }
        if value.facts.may_be_float() && (value.hint == Hint::Float || !value.facts.may_be_int()) && self.is_hot() {
            self.in_register(i);
            self.reserve(1, 2);
            if let Some(failing) = self.leave(node, SideExit::Float) {
                let f = self.float_operand(i, &failing);
                let dst = self.float_register();
                self.asm.fneg(dst, f);
                self.replace(1, Value::new(Place::Float(dst), Facts::FLOAT));
                return;
            }
        }
        if !value.facts.may_be_int() {
            self.call_helper(Helper::Negate, 1, &[], Facts::ANY);
            return;
        }
        let a = self.in_register(i);
        let dst = self.register();
        let failing = self.failing(node, SideExit::Arithmetic, (Helper::Negate, 1), dst);
        self.check_ints(&[0], &failing);
        self.asm.neg_overflow(dst, a, failing.label);
        self.resumes(&failing);
        let facts = match failing.leaves() {
            true => Facts::INT,
            false if value.facts.types.within(Facts::INTEGER.types) => Facts::INTEGER,
            false => Facts::ANY,
        };
        self.replace_reg(1, dst, facts);
    }

    /// `min(a, b)` or `max(a, b)` of the latest two operands, where they are Ints: the first of equal ones.
    pub(super) fn int_extreme(&mut self, node: NodeId, least: bool) -> bool {
        if self.dead(2) {
            return true;
        }
        let (i, j) = (self.top(1), self.top(0));
        let sure = [i, j].iter().all(|i| self.state.operand(*i).facts.is_int());
        if !(sure || self.is_hot() && matches!(self.number_path(), Path::Int)) {
            return false;
        }
        self.in_register(i);
        self.in_register(j);
        self.reserve(1, 0);
        if !sure {
            let Some(failing) = self.leave(node, SideExit::Arithmetic) else { return false };
            self.check_ints(&[1, 0], &failing);
        }
        let (a, b) = (self.in_register(i), self.in_register(j));
        let dst = self.register();
        let keep = self.asm.label();
        self.asm.mov(dst, a);
        self.asm.compare(a, b);
        self.asm.branch(if least { Cond::LessEqual } else { Cond::GreaterEqual }, keep);
        self.asm.mov(dst, b);
        self.asm.bind(keep);
        self.replace_reg(2, dst, Facts::INT);
        true
    }

    /// `abs(x)` of the latest operand, where it is an Int.
    pub(super) fn int_abs(&mut self, node: NodeId) -> bool {
        if !self.is_hot() {
            return false;
        }
        let i = self.top(0);
        self.in_register(i);
        self.reserve(1, 0);
        let Some(failing) = self.leave(node, SideExit::Arithmetic) else { return false };
        self.check_ints(&[0], &failing);
        let a = self.in_register(i);
        let dst = self.register();
        let keep = self.asm.label();
        self.asm.mov(dst, a);
        self.asm.compare_imm(a, 0);
        self.asm.branch(Cond::GreaterEqual, keep);
        // The least inline Int has no opposite among them.
        self.asm.neg_overflow(dst, a, failing.label);
        self.asm.bind(keep);
        self.replace_reg(1, dst, Facts::INT);
        true
    }

    /// A word as an operand of a comparison with an immediate.
    pub(super) fn immediate(word: Word) -> Option<i64> {
        let imm = word.0 as i64;
        (imm == imm as i32 as i64).then_some(imm)
    }
}
