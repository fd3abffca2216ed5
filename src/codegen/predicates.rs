//! Predicates of `core` as conditions: a test of the word, without a call.

use super::facts::{Facts, Types};
use super::generator::Generator;
use super::join::Join;
use super::link::{GlobalKind, Helper, Intrinsic, StructType};
use super::state::{Place, Value};
use super::version::Slow;
use crate::asm::masm::*;
use crate::emit::objects;
use crate::object::Word;
use crate::object::layout::{self, LayoutId};
use crate::object::word::INT_SHIFT;
use crate::reader::tree::*;

/// What a type predicate is true of.
struct TypeTest {
    /// Words that are no heap objects.
    immediate: Types,
    /// Layouts of heap objects.
    layouts: &'static [LayoutId],
}

/// The test behind a predicate.
fn type_test(intrinsic: Intrinsic) -> Option<TypeTest> {
    use Intrinsic::*;
    let none = Types(0);
    let (immediate, layouts): (Types, &[LayoutId]) = match intrinsic {
        IsNull => (Types::NULL, &[]),
        IsFunction => (Types::FUNCTION, &[]),
        IsInt => (Types::INT, &[layout::BIG_INT]),
        IsFloat => (Types::FLOAT, &[layout::FLOAT]),
        IsNumber => (Types::INT.or(Types::FLOAT), &[layout::FLOAT, layout::BIG_INT]),
        IsString => (none, &[layout::STRING, layout::STRING_PREFIX]),
        IsVector => (none, &[layout::VECTOR]),
        IsMap => (none, &[layout::MAP]),
        IsSet => (none, &[layout::SET]),
        IsArray => (none, &[layout::ARRAY]),
        IsAtom => (none, &[layout::ATOM]),
        _ => return None,
    };
    Some(TypeTest { immediate, layouts })
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// Writes a call of a predicate as a condition, when it is one: goes to the join when its truth is `when`.
    pub(super) fn predicate(&mut self, callee: NodeId, args: List, node: NodeId, when: bool, join: &mut Join) -> bool {
        let Node::Global(global) = *self.unit.node(callee) else { return false };
        let Some(GlobalKind::Intrinsic(which)) = self.link.global(global).map(|g| g.kind) else { return false };
        let operand = match *self.unit.list(args) {
            [operand] => operand,
            [operand, type_] if which == Intrinsic::InstanceOf => {
                let Some(named) = self.named_type(type_) else { return false };
                self.expression(operand);
                self.arrive(node);
                self.goes_to(node);
                self.instance_condition(node, &named, when, join);
                return true;
            }
            _ => return false,
        };
        match which {
            Intrinsic::Not => self.condition(operand, !when, join),
            Intrinsic::IsSome => {
                self.expression(operand);
                self.goes_to(node);
                self.type_condition(&TypeTest { immediate: Types::NULL, layouts: &[] }, !when, join);
            }
            Intrinsic::Even | Intrinsic::Odd => {
                self.expression(operand);
                self.goes_to(node);
                self.parity(which, global, node, when, join);
            }
            _ => {
                let Some(test) = type_test(which) else { return false };
                self.expression(operand);
                self.goes_to(node);
                self.type_condition(&test, when, join);
            }
        }
        true
    }

    fn parity(&mut self, which: Intrinsic, global: GlobalId, node: NodeId, when: bool, join: &mut Join) {
        if self.state.reachable && !self.state.operand(self.top(0)).facts.is_int() {
            self.call_global(global, 1, false, node);
            return self.branch_on_value(when, join);
        }
        if !self.state.reachable {
            self.state.drop_top();
            return;
        }
        let r = self.in_register(self.top(0));
        self.asm.test_imm(r, 1 << INT_SHIFT);
        self.state.drop_top();
        self.unpin();
        let even = if which == Intrinsic::Even { Cond::Equal } else { Cond::NotEqual };
        let label = self.edge(join);
        self.asm.branch(if when { even } else { even.negate() }, label);
    }

    /// The struct that an expression names, and the binding of the name.
    pub(super) fn named_type(&mut self, type_: NodeId) -> Option<(StructType, usize)> {
        let Node::Global(global) = *self.unit.node(type_) else { return None };
        // Values of builtin types have several layouts.
        let info = self.link.named_struct(global).filter(|s| s.layout >= layout::FIRST_USER_LAYOUT)?;
        Some((info, self.link.global(global)?.binding))
    }

    /// Asks whether the latest operand, which it takes off, is an instance of a struct: goes to the join when the outcome is `when`.
    /// When the name has come to stand for something else since, the helper is asked, or the twin.
    fn instance_condition(&mut self, node: NodeId, named: &(StructType, usize), when: bool, join: &mut Join) {
        if !self.state.reachable {
            self.state.drop_top();
            return;
        }
        let (info, binding) = named;
        let i = self.top(0);
        let facts = self.state.operand(i).facts;
        // A function in place has asked already.
        let place = self.version.in_place().is_some();
        let asked = place || self.has_run_nothing() || self.leave_if_revised(node);
        if asked && (facts.layout == Some(info.layout) || !facts.types.meets(Types::OBJECT)) {
            self.state.drop_top();
            if (facts.layout == Some(info.layout)) == when {
                self.goto(join);
            }
            return;
        }
        let r = self.in_register(i);
        let other = self.other_layout(i, info, &[]);
        let mut failing = None;
        if !asked {
            self.state.push(Value::new(Place::Cell(*binding), Facts::ANY));
            failing = Some(self.slow(Slow::Condition { helper: Helper::InstanceOf, when, join: &mut *join }));
            self.state.drop_top();
            failing.iter().for_each(|failing| self.branch_if_revised(failing.label));
        }
        self.state.drop_top();
        self.unpin();
        let away = self.edge(join);
        let here = self.asm.label();
        let (yes, no) = if when { (away, here) } else { (here, away) };
        self.check_layout(r, facts, info.layout, other.entry);
        self.other_layout_leads_to(other, info, yes, no);
        if when {
            self.asm.jump(away);
        }
        self.asm.bind(here);
        self.state.echoes_mut().forget();
        failing.iter().for_each(|failing| self.resumes(failing));
    }

    /// Tests the latest operand and takes it off: goes to the join when the outcome is `when`.
    fn type_condition(&mut self, test: &TypeTest, when: bool, join: &mut Join) {
        if !self.state.reachable {
            self.state.drop_top();
            return;
        }
        let i = self.top(0);
        let value = *self.state.operand(i);
        if let Some(known) = outcome(value.facts, test) {
            self.state.drop_top();
            if known == when {
                self.goto(join);
            }
            return;
        }
        let r = self.in_register(i);
        let value = self.state.pop();
        self.unpin();
        let away = self.edge(join);
        let here = self.asm.label();
        let (yes, no) = if when { (away, here) } else { (here, away) };
        self.test_word(r, test, yes, no, when);
        self.asm.bind(here);
        self.state.echoes_mut().forget();
        if !when && let Some(facts) = learnt(test) {
            self.learn_of_variable(&value, facts);
        }
    }

    /// Branches on the word in `r`: goes on at `yes` or `no`, of which one follows at once: `no` when `when`.
    fn test_word(&mut self, r: Reg, test: &TypeTest, yes: Label, no: Label, when: bool) {
        let mut last = None;
        for class in [Types::INT, Types::FLOAT, Types::NULL, Types::FUNCTION] {
            if !class.meets(test.immediate) {
                continue;
            }
            if let Some(cond) = last {
                self.asm.branch(cond, yes);
            }
            last = Some(self.test_class(r, class));
        }
        if let Some((final_, others)) = test.layouts.split_last() {
            if let Some(cond) = last {
                self.asm.branch(cond, yes);
            }
            objects::branch_unless_object(&mut self.asm, r, no);
            for layout in others {
                objects::compare_layout(&mut self.asm, r, *layout);
                self.asm.branch(Cond::Equal, yes);
            }
            objects::compare_layout(&mut self.asm, r, *final_);
            last = Some(Cond::Equal);
        }
        match last {
            Some(cond) if when => self.asm.branch(cond, yes),
            Some(cond) => self.asm.branch(cond.negate(), no),
            None => {}
        }
    }

    /// Flags for "the word in `r` is of this class": the condition under which it is.
    fn test_class(&mut self, r: Reg, class: Types) -> Cond {
        match class {
            Types::INT => {
                objects::test_int(&mut self.asm, r);
                Cond::Equal
            }
            Types::FLOAT => {
                objects::test_float(&mut self.asm, r);
                Cond::NotEqual
            }
            Types::NULL => {
                self.asm.compare_imm(r, Word::NULL.0 as i64);
                Cond::Equal
            }
            _ => {
                objects::test_function(&mut self.asm, r);
                Cond::Equal
            }
        }
    }

    /// Where a test has succeeded: its outcome holds of the variable that was asked for.
    fn learn_of_variable(&mut self, asked: &Value, facts: Facts) {
        let Some(var) = asked.var else { return };
        let known = *self.state.var(var);
        if known.place == asked.place && !known.place.is_raw() && facts.types.within(known.facts.types) {
            self.state.set_var(self.asm.offset(), var, Value { facts, ..known });
        }
    }
}

/// The outcome of a test that the facts decide.
fn outcome(facts: Facts, test: &TypeTest) -> Option<bool> {
    let objects = if test.layouts.is_empty() { Types(0) } else { Types::OBJECT };
    if !facts.types.meets(test.immediate.or(objects)) {
        return Some(false);
    }
    if facts.types.within(test.immediate) {
        return Some(true);
    }
    let layout = facts.layout.filter(|_| facts.types == Types::OBJECT)?;
    Some(test.layouts.contains(&layout))
}

/// What is known of a word for which a test has succeeded.
fn learnt(test: &TypeTest) -> Option<Facts> {
    match *test.layouts {
        [] => Some(Facts::of(test.immediate)),
        // A Float is one whether it is boxed or not.
        [layout::FLOAT] => Some(Facts::FLOAT),
        [layout] if test.immediate.0 == 0 => Some(Facts::object(layout)),
        _ => None,
    }
}
