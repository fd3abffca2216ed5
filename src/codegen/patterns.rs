//! Patterns and `match`: compiled to decision code.
//!
//! A pattern is tested against an operand that stays on the stack; what does not fit leaves for the misfit join with the stack
//! as it was. What a test has shown (the layout of a struct) is known to the tests and bodies behind it.

use super::facts::{Facts, Types};
use super::generator::Generator;
use super::join::Join;
use super::link::{Helper, SideExit, StructType};
use super::safepoints::Argument;
use super::state::{Place, Value};
use crate::asm::masm::*;
use crate::emit::objects;
use crate::object::Word;
use crate::object::layout::{self, slot_disp};
use crate::reader::tree::*;

/// A way out of line on which an object is asked for as one of a layout: see [`Generator::other_layout`].
#[derive(Clone, Copy)]
pub(super) struct OtherLayout {
    /// Where it begins.
    pub entry: Label,
    /// The object in the layout, where there is one.
    view: Reg,
    ask: Label,
    answered: Label,
}

/// The subject of a `match`, and what becomes of it where it is no object.
pub(super) struct Others {
    /// The operand.
    i: usize,
    /// Whatever comes to the pattern that is tested now is an object.
    is_object: bool,
    /// The ways of what is none, from arms that take objects alone to the first that does not.
    ways: Join,
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// `match subject { arms }`
    pub(super) fn match_(&mut self, node: NodeId, subject: NodeId, arms: &[Arm], unwanted: bool) {
        self.match_arms(node, subject, arms, &mut |g, body| {
            g.unwanted = unwanted.then_some(body);
            g.expression(body);
            g.lets_go(unwanted);
        });
    }

    /// The same with another way to write the body of an arm, which leaves one operand.
    pub(super) fn match_arms(
        &mut self,
        node: NodeId,
        subject: NodeId,
        arms: &[Arm],
        write: &mut dyn FnMut(&mut Self, NodeId),
    ) {
        self.expression(subject);
        let i = self.top(0);
        let asked = self.ask_types(node, subject, arms);
        let mut others = Others { i, is_object: false, ways: Join::new() };
        let mut end = Join::new();
        for (k, arm) in arms.iter().enumerate() {
            let mut next = Join::new();
            self.goes_to(node);
            self.types_asked = asked;
            others = self.match_arm(arm.pattern, others, &mut next);
            self.types_asked = None;
            if let Some(guard) = arm.guard {
                if self.subject_is_done(&arms[k + 1..]) {
                    self.state.set_operand(self.asm.offset(), i, Value::constant(Word::NULL));
                }
                self.condition(guard, false, &mut next);
            }
            // The body asks for the subject no more, and does not hold it.
            self.state.set_operand(self.asm.offset(), i, Value::constant(Word::NULL));
            write(self, arm.body);
            // The value takes the subject's place.
            let value = self.state.pop();
            self.state.set_operand(self.asm.offset(), i, value);
            self.goto(&mut end);
            self.state.set_operand(self.asm.offset(), i, Value::constant(Word::NULL));
            self.place(next);
        }
        self.goes_to(node);
        self.place(others.ways);
        if self.state.reachable {
            self.call_throwing(Helper::MatchError, 1);
        }
        self.state.drop_top();
        self.finish_value(end);
    }

    /// Tests the subject of a `match` against the pattern of an arm. What is found to be no object goes past all arms that take objects
    /// alone, so that the others of these need not ask again.
    fn match_arm(&mut self, pattern: PatternId, mut others: Others, next: &mut Join) -> Others {
        let i = others.i;
        if !self.takes_objects_alone(pattern) {
            self.place(others.ways);
            self.match_pattern(pattern, i, next);
            return Others { i, is_object: false, ways: Join::new() };
        }
        debug_assert!(self.others.is_none(), "the patterns of two arms are tested at once");
        self.others = Some(others);
        self.match_pattern(pattern, i, next);
        others = self.others.take().unwrap_or_else(|| Others { i, is_object: true, ways: Join::new() });
        others.is_object = true;
        others
    }

    /// Is whatever fits the pattern certainly an object?
    fn takes_objects_alone(&mut self, pattern: PatternId) -> bool {
        let unit = self.unit;
        match unit.pattern(pattern) {
            Pattern::Ignore | Pattern::Bind(_) | Pattern::Literal(_) => false,
            Pattern::Vector { .. } | Pattern::Map(_) => true,
            Pattern::Struct { type_, variant, .. } => self.declared(*type_, *variant).is_some(),
            Pattern::Or(parts) => parts.iter().all(|part| self.takes_objects_alone(*part)),
        }
    }

    /// What a pattern names, when it is a struct or a variant.
    fn declared(&mut self, type_: GlobalId, variant: Option<Name>) -> Option<StructType> {
        let declared = self.link.struct_type(type_, variant.map(|v| self.unit.name(v)));
        declared.filter(|info| info.layout >= layout::FIRST_USER_LAYOUT)
    }

    /// To `other` unless operand `i`, which is in a register, has a layout; what is known to be no object may go another way.
    fn branch_unless(&mut self, i: usize, layout: layout::LayoutId, other: Label) {
        let r = self.in_register(i);
        let known = self.state.operand(i).facts;
        let mut none = other;
        let mut is_object = known.types == Types::OBJECT;
        if let Some(mut others) = self.others.take_if(|others| others.i == i) {
            is_object |= others.is_object;
            if !is_object {
                none = self.edge(&mut others.ways);
            }
            self.others = Some(others);
        }
        if !is_object {
            objects::branch_unless_object(&mut self.asm, r, none);
        }
        objects::branch_unless_layout(&mut self.asm, r, layout, other);
    }

    /// Operand `i` is known to be no object, or one of another layout: it does not fit.
    fn never_fits(&mut self, i: usize, misfit: &mut Join) {
        let is_none = !self.state.operand(i).facts.types.meets(Types::OBJECT);
        match self.others.take_if(|others| is_none && others.i == i) {
            Some(mut others) => {
                self.goto(&mut others.ways);
                self.others = Some(others);
            }
            None => self.goto(misfit),
        }
    }

    /// In a hot region: have the types in the patterns of a `match` been declared anew since this was compiled? Then the twin goes
    /// on: it knows objects of later declarations too. So the patterns here need not ask until something else has run, and what
    /// they find out holds. Nor need this be asked of an argument in a function that has run nothing yet: it would have been
    /// compiled anew before it was called with such an object. None in other code, which asks where a pattern does not fit.
    fn ask_types(&mut self, node: NodeId, subject: NodeId, arms: &[Arm]) -> Option<usize> {
        let mut declarations = Vec::new();
        arms.iter().for_each(|arm| self.declarations(arm.pattern, &mut declarations));
        if declarations.is_empty() {
            return None;
        }
        self.arrive(node);
        if !self.state.reachable {
            return None;
        }
        let asked = Some(self.safepoints.len());
        let binds = |p: &PatternId, var| matches!(self.unit.pattern(*p), Pattern::Bind(bound) if *bound == var);
        let argument = |var| self.arity.params.iter().any(|p| binds(p, var));
        let of_argument = matches!(*self.unit.node(subject), Node::Local(var) if argument(var));
        if of_argument && self.has_run_nothing() {
            return asked;
        }
        let label = self.leave(node, SideExit::Outdated)?.label;
        for (cell, count) in declarations {
            self.asm.scratch().load_cell(cell).compare_imm(count);
            self.asm.branch(Cond::NotEqual, label);
        }
        self.state.unseal();
        asked
    }

    /// Has the function certainly run nothing of the program yet? Then what it takes for granted is so: it would have been compiled anew
    /// before it was called.
    pub(super) fn has_run_nothing(&self) -> bool {
        self.safepoints.is_empty() && self.loops.is_empty() && self.is_hot()
    }

    /// The cells that count the declarations of the types in a pattern, each once, with what they should say.
    fn declarations(&mut self, pattern: PatternId, all: &mut Vec<(usize, i32)>) {
        self.deeper();
        let unit = self.unit;
        match unit.pattern(pattern) {
            Pattern::Ignore | Pattern::Bind(_) | Pattern::Literal(_) => {}
            Pattern::Vector { before, rest, after } => {
                before.iter().chain(rest).chain(after).for_each(|part| self.declarations(*part, all));
            }
            Pattern::Map(entries) => entries.iter().for_each(|(_, part)| self.declarations(*part, all)),
            Pattern::Or(parts) => parts.iter().for_each(|part| self.declarations(*part, all)),
            Pattern::Struct { type_, variant, fields } => {
                if let Some(info) = self.link.struct_type(*type_, variant.map(|v| unit.name(v)))
                    && !info.redefined
                    && !all.contains(&info.declarations)
                {
                    all.push(info.declarations);
                }
                fields.iter().for_each(|(_, part)| self.declarations(*part, all));
            }
        }
    }

    /// Does the first of the arms behind a guard take any value without a look at it? Then the guard need not keep the subject.
    fn subject_is_done(&self, arms: &[Arm]) -> bool {
        arms.first().is_some_and(|arm| arm.guard.is_none() && matches!(self.unit.pattern(arm.pattern), Pattern::Ignore))
    }

    /// Tests operand `i` against a pattern and binds its variables.
    pub(super) fn match_pattern(&mut self, pattern: PatternId, i: usize, misfit: &mut Join) {
        self.deeper();
        let unit = self.unit;
        if !self.state.reachable && self.version.is_plain() {
            return;
        }
        match unit.pattern(pattern) {
            Pattern::Ignore => {}
            Pattern::Bind(var) => {
                let value = *self.state.operand(i);
                self.state.push(value);
                self.define(*var);
            }
            Pattern::Literal(node) => {
                let value = self.as_known(i);
                self.state.push(value);
                self.pattern_literal(*node);
                self.test_equal(*node, misfit);
            }
            Pattern::Vector { before, rest, after } => self.match_vector(i, before, *rest, after, misfit),
            Pattern::Map(entries) => self.match_map(i, entries, misfit),
            Pattern::Struct { .. } => self.match_struct(pattern, i, misfit),
            Pattern::Or(alternatives) => {
                let mut fits = Join::new();
                let Some((last, others)) = alternatives.split_last() else { return };
                for alternative in others {
                    let mut next = Join::new();
                    self.match_pattern(*alternative, i, &mut next);
                    if let Some(others) = self.others.as_mut().filter(|others| others.i == i) {
                        others.is_object = true;
                    }
                    self.goto(&mut fits);
                    self.place(next);
                }
                self.match_pattern(*last, i, misfit);
                self.place(fits);
            }
        }
    }

    /// Operand `i` with what has been learnt of the variable it was read from, since another pattern was tested.
    fn as_known(&self, i: usize) -> Value {
        let value = *self.state.operand(i);
        match value.var.map(|var| *self.state.var(var)) {
            Some(known) if known.place != Place::None && known.facts.types.within(value.facts.types) => {
                Value { facts: known.facts, ..value }
            }
            _ => value,
        }
    }

    /// Pushes a literal of a pattern. The survey gives it no tick: what is dead before it is dead behind it.
    fn pattern_literal(&mut self, node: NodeId) {
        let now = self.now;
        self.expression(node);
        self.now = now;
    }

    /// The latest operand against a pattern; it is taken off, on both ways.
    fn match_top(&mut self, pattern: PatternId, misfit: &mut Join) {
        let i = self.top(0);
        let mut inner = Join::new();
        self.match_pattern(pattern, i, &mut inner);
        self.take_off(i, inner, misfit);
    }

    /// Takes off operand `i`, on the way that fits and on those that do not.
    fn take_off(&mut self, i: usize, mut inner: Join, misfit: &mut Join) {
        for edge in &mut inner.edges {
            edge.state_mut().drop_to(i);
        }
        misfit.edges.append(&mut inner.edges);
        self.state.drop_to(i);
        self.unpin();
    }

    /// Pops two operands; unequal ones do not fit.
    fn test_equal(&mut self, node: NodeId, misfit: &mut Join) {
        self.arrive(node);
        if !self.state.reachable {
            self.state.drop_top();
            self.state.drop_top();
            return;
        }
        self.equality(node, false, misfit);
    }

    /// Leaves for `misfit` unless operand `i` is an object of this layout; then it is known to be.
    fn test_layout(&mut self, i: usize, wanted: layout::LayoutId, misfit: &mut Join) {
        if !self.state.reachable {
            return;
        }
        let facts = self.state.operand(i).facts;
        if facts.layout == Some(wanted) {
            return;
        }
        if facts.layout.is_some() || !facts.types.meets(Types::OBJECT) {
            return self.never_fits(i, misfit);
        }
        self.in_register(i);
        let label = self.edge(misfit);
        self.branch_unless(i, wanted, label);
        self.learn(i, Facts::object(wanted));
        self.unpin();
    }

    fn match_vector(
        &mut self,
        i: usize,
        before: &[PatternId],
        rest: Option<PatternId>,
        after: &[PatternId],
        misfit: &mut Join,
    ) {
        self.test_layout(i, layout::VECTOR, misfit);
        let least = before.len() + after.len();
        if self.state.reachable {
            let r = self.in_register(i);
            let count = self.register();
            self.asm.load(count, Mem::at(r, slot_disp(layout::VECTOR_COUNT)));
            self.asm.compare_imm(count, (least as i64) << 3);
            let label = self.edge(misfit);
            self.asm.branch(if rest.is_some() { Cond::Less } else { Cond::NotEqual }, label);
            self.unpin();
        }
        let exact = rest.is_none() && least <= 32;
        for (k, pattern) in before.iter().enumerate() {
            if matches!(self.unit.pattern(*pattern), Pattern::Ignore) {
                continue;
            }
            self.vector_element(i, k, exact);
            self.match_top(*pattern, misfit);
        }
        if let Some(pattern) = rest
            && !matches!(self.unit.pattern(pattern), Pattern::Ignore)
        {
            let value = *self.state.operand(i);
            self.state.push(value);
            self.push_constant(Word((before.len() as u64) << 3));
            self.push_constant(Word((after.len() as u64) << 3));
            self.call_helper(Helper::SubVector, 3, &[], Facts::object(layout::VECTOR));
            self.match_top(pattern, misfit);
        }
        for (k, pattern) in after.iter().enumerate() {
            if exact {
                self.vector_element(i, before.len() + k, true);
            } else {
                self.element_from_end(i, after.len() - k);
            }
            self.match_top(*pattern, misfit);
        }
    }

    /// Pushes element `k` of the vector at operand `i`. A vector of known length has all its elements in the tail.
    fn vector_element(&mut self, i: usize, k: usize, in_tail: bool) {
        if !self.state.reachable {
            self.push_constant(Word::NULL);
            return;
        }
        let value = *self.state.operand(i);
        if in_tail {
            let hint = self.hints.element(value.hint);
            let r = self.in_register(i);
            let dst = self.register();
            self.asm.load(dst, Mem::at(r, slot_disp(layout::VECTOR_TAIL)));
            self.asm.load(dst, Mem::at(dst, slot_disp(layout::ARRAY_ELEMENTS + k)));
            return self.replace(0, Value::new(Place::Reg(dst), Facts::ANY).hinted(hint));
        }
        self.state.push(value);
        self.push_constant(Word((k as u64) << 3));
        self.call_helper(Helper::GetIndex, 2, &[], Facts::ANY);
    }

    /// Pushes the `k`th last element of the vector at operand `i`.
    fn element_from_end(&mut self, i: usize, k: usize) {
        if !self.state.reachable {
            self.push_constant(Word::NULL);
            return;
        }
        let value = *self.state.operand(i);
        self.state.push(value);
        let r = self.in_register(i);
        let index = self.register();
        self.asm.load(index, Mem::at(r, slot_disp(layout::VECTOR_COUNT)));
        self.asm.alu_imm(Alu::Sub, index, index, (k as i64) << 3);
        self.push_reg(index, Facts::INT);
        self.unpin();
        self.call_helper(Helper::GetIndex, 2, &[], Facts::ANY);
    }

    fn match_map(&mut self, i: usize, entries: &[(NodeId, PatternId)], misfit: &mut Join) {
        self.test_layout(i, layout::MAP, misfit);
        for (key, pattern) in entries {
            if !self.state.reachable {
                self.push_constant(Word::NULL);
                self.match_top(*pattern, misfit);
                continue;
            }
            let value = *self.state.operand(i);
            self.state.push(value);
            self.pattern_literal(*key);
            self.call_helper(Helper::MapFind, 2, &[], Facts::ANY);
            let found = self.in_register(self.top(0));
            self.asm.compare_imm(found, Word::UNDEFINED.0 as i64);
            let value = self.state.pop();
            let label = self.edge(misfit);
            self.state.push(value);
            self.asm.branch(Cond::Equal, label);
            self.unpin();
            self.match_top(*pattern, misfit);
        }
    }

    fn match_struct(&mut self, pattern: PatternId, i: usize, misfit: &mut Join) {
        let unit = self.unit;
        let Pattern::Struct { type_, variant, fields } = unit.pattern(pattern) else { return };
        let Some(info) = self.declared(*type_, *variant) else {
            // A pattern that names a variant or fields was read for another type than the name has now.
            return match variant.is_some() || !fields.is_empty() {
                true => self.goto(misfit),
                false => self.test_type(i, *type_, misfit),
            };
        };
        self.arrive(pattern);
        let asked: Vec<(&str, PatternId)> = fields
            .iter()
            .filter(|(_, pattern)| !matches!(unit.pattern(*pattern), Pattern::Ignore))
            .map(|(name, pattern)| (unit.name(*name), *pattern))
            .collect();
        let names: Vec<&str> = fields.iter().map(|(name, _)| unit.name(*name)).collect();
        let mut view = None;
        if !info.redefined && self.types_asked == Some(self.safepoints.len()) {
            self.test_layout(i, info.layout, misfit);
        } else if !self.test_or_leave(pattern, i, &info, misfit) {
            view = self.test_struct(i, &info, &names, !asked.is_empty(), misfit);
        }
        if asked.is_empty() {
            return self.unpin();
        }
        // An operand in all versions of this: who leaves one of them finds as many in the other.
        let view = view.unwrap_or(*self.state.operand(i));
        self.state.push(view);
        self.unpin();
        let view = self.top(0);
        let mut inner = Join::new();
        self.match_fields(view, &info, &asked, &mut inner);
        self.take_off(view, inner, misfit);
    }

    /// Leaves for `misfit` unless operand `i` is a value of an enum or of a builtin type, which have several layouts.
    fn test_type(&mut self, i: usize, type_: GlobalId, misfit: &mut Join) {
        let value = *self.state.operand(i);
        self.state.push(value);
        self.global(type_);
        self.call_helper(Helper::InstanceOf, 2, &[], Facts::ANY);
        self.branch_on_value(false, misfit);
    }

    /// The fields of the object at operand `i` against their patterns.
    fn match_fields(&mut self, i: usize, info: &StructType, fields: &[(&str, PatternId)], misfit: &mut Join) {
        let asked = self.types_asked;
        for (name, pattern) in fields {
            if !self.state.reachable {
                self.push_constant(Word::NULL);
            } else {
                let value = *self.state.operand(i);
                self.state.push(value);
                self.read_known_field(info, name);
            }
            // What is written to a field may have been made since.
            self.types_asked = asked.filter(|_| info.fields.iter().any(|f| f.name == *name && !f.mutable));
            self.match_top(*pattern, misfit);
        }
        self.types_asked = asked;
    }

    /// In hot code: goes to `misfit` unless operand `i` is of the layout that a type has, and leaves, just before the pattern, where the
    /// type has been declared anew, for then objects of other layouts may be of it. So the layout is known behind the test. False in
    /// other code, and where the type had other layouts before.
    fn test_or_leave(&mut self, pattern: PatternId, i: usize, info: &StructType, misfit: &mut Join) -> bool {
        let facts = self.state.operand(i).facts;
        if !self.state.reachable || facts.layout.is_some() || !facts.types.meets(Types::OBJECT) || info.redefined {
            return false;
        }
        self.in_register(i);
        let Some(failing) = self.leave(pattern, SideExit::Outdated) else { return false };
        let unfit = self.edge(misfit);
        let other = self.asm.label();
        self.branch_unless(i, info.layout, other);
        let (cell, count) = info.declarations;
        self.later(move |g| {
            g.asm.bind(other);
            g.asm.scratch().load_cell(cell).compare_imm(count);
            g.asm.branch(Cond::Equal, unfit);
            g.asm.jump(failing.label);
        });
        self.learn(i, Facts::object(info.layout));
        self.unpin();
        true
    }

    /// Leaves for `misfit` unless operand `i` is an instance of a struct or variant. Where the type was declared before, or is anew
    /// while this runs, objects of other layouts are asked out of line, and read from a copy in this one: where fields are to be
    /// read, gives what they are read from. So nothing is known of operand `i` itself behind the test.
    fn test_struct(
        &mut self,
        i: usize,
        info: &StructType,
        names: &[&str],
        reads: bool,
        misfit: &mut Join,
    ) -> Option<Value> {
        let value = *self.state.operand(i);
        if !self.state.reachable || value.facts.layout == Some(info.layout) {
            return None;
        }
        // An object of another layout may be of this type.
        if value.facts.layout.is_some() && !info.redefined || !value.facts.types.meets(Types::OBJECT) {
            self.never_fits(i, misfit);
            return None;
        }
        let r = self.in_register(i);
        let other = self.other_layout(i, info, names);
        let resume = self.asm.label();
        let unfit = self.edge(misfit);
        self.branch_unless(i, info.layout, other.entry);
        self.other_layout_leads_to(other, info, resume, unfit);
        if reads {
            self.asm.mov(other.view, r);
        }
        self.asm.bind(resume);
        self.state.echoes_mut().forget();
        reads.then(|| Value::new(Place::Reg(other.view), Facts::object(info.layout)).hinted(value.hint))
    }

    /// The way of operand `i` where it is not of the layout that a type has. The type may have others, or get them while this runs.
    pub(super) fn other_layout(&mut self, i: usize, info: &StructType, names: &[&str]) -> OtherLayout {
        let view = self.register();
        let (address, length) = self.link.field_names(&names.join(" "));
        let raws = [u64::from(info.layout), address as u64, length as u64].map(Argument::Raw);
        let arguments = std::iter::once(self.argument(i)).chain(raws).collect();
        let answered = self.asm.label();
        let ask = self.slow_path(Helper::InLayout, arguments, 0, Some(view), answered);
        OtherLayout { entry: self.asm.label(), view, ask, answered }
    }

    /// Where that way goes: to `yes` with the object in this layout in `view`, if it is one of the type, else to `no`.
    pub(super) fn other_layout_leads_to(&mut self, other: OtherLayout, info: &StructType, yes: Label, no: Label) {
        let (declarations, layout) = ((!info.redefined).then_some(info.declarations), info.layout);
        self.later(move |g| {
            g.asm.bind(other.entry);
            if let Some((cell, count)) = declarations {
                g.asm.scratch().load_cell(cell).compare_imm(count);
                g.asm.branch(Cond::Equal, no);
            }
            g.asm.jump(other.ask);
            g.asm.bind(other.answered);
            g.check_layout(other.view, Facts::ANY, layout, no);
            g.asm.jump(yes);
        });
    }

    /// Replaces the latest operand, an object of a struct's layout, by its field. The struct may have got another declaration since the
    /// text was read, without the field: then the helper says so.
    fn read_known_field(&mut self, info: &StructType, name: &str) {
        match self.link.slot_of(info.layout, name) {
            Some((slot, _)) => {
                self.in_register(self.top(0));
                let dst = self.register();
                self.load_field(dst, slot as usize);
            }
            None => {
                let site = self.link.site(name);
                self.call_helper(Helper::GetField, 1, &[site as u64], Facts::ANY);
            }
        }
    }
}
