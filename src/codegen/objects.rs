//! Structs, fields and elements.
//!
//! A field is read at a fixed offset when the layout is known; otherwise the likely layout is tested inline (what the first call
//! showed, or the one struct that has such a field), and last through an inline cache in a data cell.

use super::facts::{Facts, Hint, Seen, Types};
use super::generator::Generator;
use super::link::{Helper, Literal, SideExit, StructType};
use super::safepoints::Argument;
use super::state::{Place, Value};
use super::twin::Promotion;
use super::version::{Failing, Slow};
use crate::asm::masm::*;
use crate::emit::{At, Emit, Holds, Store, Stored};
use crate::emit::{objects, vectors};
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::object::layout::{
    self, ARRAY_ELEMENTS, ARRAY_LENGTH, CLOSURE_CODE, HEADER_DISP, VECTOR_COUNT, VECTOR_ROOT, VECTOR_SHAPE,
    VECTOR_TAIL, slot_disp,
};
use crate::object::word::{INT_SHIFT, TAG_OBJECT};
use crate::reader::tree::*;

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// `Name { … }`, `Enum.variant { … }`
    pub(super) fn struct_literal(&mut self, node: NodeId, literal: &StructLiteral) {
        let &StructLiteral { type_, variant, base, ref fields, values } = literal;
        let unit = self.unit;
        let info = self.link.struct_type(type_, variant.map(|v| unit.name(v)));
        if let Some(info) = &info
            && let Some(cell) = info.singleton
            && fields.is_empty()
            && base.is_none()
        {
            return self.variant_of_braces(node, info, cell);
        }
        let height = self.state.height();
        if let Some(base) = base {
            self.expression(base);
            self.goes_to(node);
            if let Some(info) = &info {
                let copy = self.base_may_change(info, literal) && !mutated(Mutation::BaseReadLate);
                self.base(info, copy);
            }
        }
        let first = self.state.height();
        for value in unit.list(values) {
            self.expression(*value);
        }
        self.arrive(node);
        self.goes_to(node);
        let info = match info {
            Some(info) if self.refused(&info, literal).is_none() => info,
            info => {
                let text = self.why_refused(info.as_ref(), literal);
                self.state.drop_to(height);
                return self.refuse_literal(&text);
            }
        };
        let sources = self.sources(&info, literal, first);
        if !self.state.reachable {
            self.state.drop_to(height);
            self.push_constant(Word::NULL);
            return;
        }
        // In the hot version it is asked before whether the layout is outdated, so that it keeps what it knows of the object; not
        // where there is more to compute than the values, which nothing may do twice.
        let computes_more =
            base.is_some() || info.fields.iter().any(|f| !fields.iter().any(|g| unit.name(*g) == f.name));
        let left = !computes_more && self.leave_if_outdated(node, &info);
        let object = self.allocate(info.layout, 0, info.fields.len());
        for (slot, source) in sources.iter().enumerate() {
            if let Some(i) = source {
                self.init_field(object, slot, *i);
            }
        }
        let from_base: Vec<usize> = (0..sources.len()).filter(|slot| sources[*slot].is_none()).collect();
        if !from_base.is_empty() {
            self.copy_fields(object, height, info.layout, from_base);
        }
        self.is_newborn(false);
        if left {
            let n = self.state.height() - height;
            return self.replace_reg(n, object, Facts::object(info.layout));
        }
        self.push_reg(object, Facts::of(Types::OBJECT));
        self.check_outdated(object, base.map(|_| height), &info, fields);
        let n = self.state.height() - height;
        let hint = self.hints.of(&Seen::Object(info.layout, Vec::new()));
        self.replace(n, Value::new(Place::Reg(object), Facts::of(Types::OBJECT)).hinted(hint));
    }

    /// The latest operand is the base of a literal: what has the layout that is known is taken as it is, unless it is to be copied.
    fn base(&mut self, info: &StructType, copy: bool) {
        let raws = [u64::from(info.layout), u64::from(copy)];
        let i = self.top(0);
        let facts = self.state.operand(i).facts;
        if copy || !self.state.reachable || !facts.types.meets(Types::OBJECT) || self.version.in_place().is_some() {
            return self.call_helper(Helper::StructBase, 1, &raws, Facts::of(Types::OBJECT));
        }
        if facts.layout == Some(info.layout) {
            return;
        }
        let from = self.in_register(i);
        let dst = self.register();
        let arguments = vec![self.argument(i), Argument::Raw(raws[0]), Argument::Raw(raws[1])];
        let failing = self.slow(Slow::Call { helper: Helper::StructBase, arguments, spent: 1, dst: Some(dst) });
        self.check_layout(from, facts, info.layout, failing.label);
        self.asm.mov(dst, from);
        self.resumes(&failing);
        self.replace(1, Value::new(Place::Reg(dst), Facts::of(Types::OBJECT)));
    }

    /// The operand that each slot of a literal gets: of the values, which are operands from `first` on, the one written last, a default
    /// as one more operand, or none where it is the base's.
    fn sources(&mut self, info: &StructType, literal: &StructLiteral, first: usize) -> Vec<Option<usize>> {
        let unit = self.unit;
        let mut sources = Vec::with_capacity(info.fields.len());
        for field in &info.fields {
            let given = literal.fields.iter().rposition(|f| unit.name(*f) == field.name);
            match given {
                Some(k) => sources.push(Some(first + k)),
                None if literal.base.is_some() => sources.push(None),
                None => {
                    match field.default {
                        Some(cell) => self.call_default(info, cell),
                        None => self.push_constant(Word::NULL),
                    }
                    sources.push(Some(self.top(0)));
                }
            }
        }
        sources
    }

    /// Writes a field of a new object, to which no other name leads yet.
    fn init_field(&mut self, object: Reg, slot: usize, i: usize) {
        let constant = self.state.operand(i).place.is_const();
        self.store_field(object, At::slot(object, slot), i);
        if let Place::Reg(word) = self.state.operand(i).place
            && !constant
        {
            self.note_field(object, slot, word);
        }
    }

    /// A vector of the latest operands, a few: the VECTOR, and behind it the NODE that is its tail.
    pub(super) fn small_vector(&mut self, n: usize) {
        if self.dead(n) {
            return;
        }
        let tail = layout::slot_offset(layout::slots(layout::VECTOR));
        let (object, end) = self.fresh(tail + layout::slot_offset(ARRAY_ELEMENTS + n));
        let tail = tail as i32;
        let counted = (n << INT_SHIFT) as i32;
        self.init_header(object, 0, layout::VECTOR);
        let words = [(VECTOR_COUNT, counted), (VECTOR_SHAPE, 0), (VECTOR_ROOT, Word::NULL.0 as i32)];
        for (slot, word) in words {
            self.store(Store::Init, At::fresh(object, 0, slot), word);
        }
        self.asm.lea(end, Mem::at(object, tail + TAG_OBJECT as i32));
        self.store(Store::Init, At::fresh(object, 0, VECTOR_TAIL), Stored::Word(end, Holds::Pointer));
        self.init_header(object, tail, layout::NODE);
        self.store(Store::Init, At::fresh(object, tail, ARRAY_LENGTH), counted);
        self.asm.alu_imm(Alu::Add, object, object, TAG_OBJECT as i64);
        self.pinned = self.pinned.without(end);
        self.is_newborn(true);
        for k in 0..n {
            self.store_field(object, At::behind(object, tail, ARRAY_ELEMENTS + k), self.top(n - 1 - k));
        }
        self.is_newborn(false);
        self.replace_reg(n, object, Facts::object(layout::VECTOR));
    }

    /// Throws the error of a literal that its type does not allow.
    fn refuse_literal(&mut self, message: &str) {
        let cell = self.link.literal(&Literal::String(message));
        self.state.push(Value::new(Place::Cell(cell), Facts::STRING));
        self.call_helper(Helper::NoLiteral, 1, &[], Facts::ANY);
    }

    /// In hot code: leaves when a type has another layout by now. False in other code.
    fn leave_if_outdated(&mut self, node: NodeId, info: &StructType) -> bool {
        let Some(failing) = self.leave(node, SideExit::Outdated) else { return false };
        self.branch_if_outdated(info, failing.label);
        self.state.unseal();
        true
    }

    fn branch_if_outdated(&mut self, info: &StructType, label: Label) {
        self.asm.scratch().load_cell(info.outdated).compare_imm(0);
        self.asm.branch(Cond::NotEqual, label);
    }

    /// Why a literal that was right when its text was read is wrong now: none when it is right.
    fn refused(&self, info: &StructType, literal: &StructLiteral) -> Option<String> {
        let given = |name: &str| literal.fields.iter().any(|f| self.unit.name(*f) == name);
        let known = |name: &str| info.fields.iter().any(|f| f.name == name);
        if let Some(gone) = literal.fields.iter().map(|f| self.unit.name(*f)).find(|name| !known(name))
            && !mutated(Mutation::GoneFieldsDropped)
        {
            return Some(format!("has no field {gone}"));
        }
        let missing = info.fields.iter().find(|f| f.default.is_none() && !given(&f.name));
        missing.filter(|_| literal.base.is_none()).map(|f| format!("needs the field {}", f.name))
    }

    /// What is said of such a literal, or of one whose name stands for no such type any more.
    fn why_refused(&self, info: Option<&StructType>, literal: &StructLiteral) -> String {
        let unit = self.unit;
        let name = unit.name(unit.globals[literal.type_.index()].name);
        let variant = literal.variant.map(|variant| unit.name(variant));
        match (info.and_then(|info| self.refused(info, literal)), variant) {
            (Some(why), Some(variant)) => format!("{name}.{variant} {why}"),
            (Some(why), None) => format!("{name} {why}"),
            (None, Some(variant)) => format!("{name} has no variant {variant}"),
            (None, None) => format!("{name} is no struct"),
        }
    }

    /// May what the literal takes from its base change while its values are computed?
    fn base_may_change(&self, info: &StructType, literal: &StructLiteral) -> bool {
        let given = |name: &str| literal.fields.iter().any(|f| self.unit.name(*f) == name);
        info.fields.iter().any(|f| f.mutable && !given(&f.name))
            && self.unit.list(literal.values).iter().any(|value| !self.changes_nothing(*value))
    }

    /// Does evaluating it certainly assign no field of a struct? Only what is common is looked at.
    fn changes_nothing(&self, node: NodeId) -> bool {
        match self.unit.node(node) {
            Node::Int(_) | Node::BigInt(_) | Node::Float(_) | Node::String(_) | Node::Keyword(_) | Node::Bool(_) => {
                true
            }
            // Not a field: one that its type has got since is what its default gives.
            Node::Null | Node::Local(_) => true,
            // Arithmetic knows numbers alone; what compares may be the program's.
            Node::Binary { op, left, right } => {
                let arithmetic = matches!(
                    op,
                    BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder
                );
                arithmetic && self.changes_nothing(*left) && self.changes_nothing(*right)
            }
            _ => false,
        }
    }

    /// Copies fields from the object at operand `base`. It has another layout only where `layout` is outdated: then the literal
    /// is made anew anyway.
    fn copy_fields(&mut self, object: Reg, base: usize, layout: layout::LayoutId, slots: Vec<usize>) {
        let from = self.in_register(base);
        let (other, done) = (self.asm.label(), self.asm.label());
        objects::branch_unless_layout(&mut self.asm, from, layout, other);
        for &slot in &slots {
            self.init_copy(At::slot(object, slot), Mem::at(from, slot_disp(slot)));
        }
        self.asm.bind(done);
        self.unpin();
        self.pin(object);
        self.later(move |g| {
            g.asm.bind(other);
            for slot in slots {
                g.store(Store::Init, At::slot(object, slot), Word::NULL.0 as i32);
            }
            g.asm.jump(done);
        });
    }

    /// The literal at the latest operand was compiled for the layout that was the present one then: if it is no more, the
    /// type may know its fields no longer.
    fn check_outdated(&mut self, object: Reg, base: Option<usize>, info: &StructType, fields: &[Name]) {
        let names: Vec<&str> = fields.iter().map(|f| self.unit.name(*f)).collect();
        let (address, length) = self.link.field_names(&names.join(" "));
        let base = base.map_or(Argument::Place(Place::Const(Word::NULL)), |i| self.argument(i));
        let raws = [address as u64, length as u64, u64::from(info.layout)].map(Argument::Raw);
        let mut arguments = vec![self.argument(self.top(0)), base];
        arguments.extend(raws);
        let failing = self.slow(Slow::Call { helper: Helper::Remake, arguments, spent: 0, dst: Some(object) });
        self.branch_if_outdated(info, failing.label);
        self.resumes(&failing);
    }

    /// `Enum.variant`, whose only value is in a cell: throws where the enum has no such variant without fields any more. So what is
    /// there has the layout that is known.
    fn variant(&mut self, node: NodeId, info: &StructType, name: &str) {
        self.arrive(node);
        self.goes_to(node);
        let Some(cell) = info.singleton else {
            let fields: Vec<&str> = info.fields.iter().map(|f| f.name.as_str()).collect();
            let text = format!("the variant {name} has fields: it is written `{name} {{ {} }}`", fields.join(", "));
            return self.refuse_literal(&text);
        };
        if self.state.reachable {
            let layout = Argument::Raw(u64::from(info.layout));
            let failing = self.slow(Slow::call(Helper::NoVariant, vec![layout]));
            self.branch_if_outdated(info, failing.label);
            self.resumes(&failing);
        }
        self.state.push(Value::new(Place::Cell(cell), Facts::object(info.layout)));
    }

    /// `Enum.variant { }`, which gets what the variant has of fields by now.
    fn variant_of_braces(&mut self, node: NodeId, info: &StructType, cell: usize) {
        self.arrive(node);
        self.goes_to(node);
        self.state.push(Value::new(Place::Cell(cell), Facts::of(Types::OBJECT)));
        if !self.state.reachable {
            return;
        }
        let object = self.in_register(self.top(0));
        self.check_outdated(object, None, info, &[]);
        let hint = self.hints.of(&Seen::Object(info.layout, Vec::new()));
        self.replace(1, Value::new(Place::Reg(object), Facts::of(Types::OBJECT)).hinted(hint));
    }

    /// Calls what gives the default of a field; not that of a declaration that is outdated, for the object is made anew then.
    fn call_default(&mut self, info: &StructType, cell: usize) {
        if !self.state.reachable {
            self.push_constant(Word::NULL);
            return;
        }
        let above = self.state.height();
        self.save_for_call(above);
        let (outdated, done) = (self.asm.label(), self.asm.label());
        self.branch_if_outdated(info, outdated);
        self.asm.load_cell(M::CLOSURE, cell);
        self.asm.scratch().load(Mem::at(M::CLOSURE, layout::closure_disp(CLOSURE_CODE))).call_at(0);
        self.safepoint();
        self.asm.bind(done);
        self.unpin();
        self.push_reg(M::RESULT, Facts::ANY);
        self.later(move |g| {
            g.asm.bind(outdated);
            g.asm.mov_imm(M::RESULT, Word::NULL.0 as i64);
            g.asm.jump(done);
        });
    }

    /// `object.name`
    pub(super) fn field(&mut self, node: NodeId, object: NodeId, name: Name) {
        let text = self.unit.name(name);
        if let Node::Global(global) = self.unit.node(object)
            && let Some(info) = self.link.struct_type(*global, Some(text))
        {
            let name = format!("{}.{text}", self.unit.name(self.unit.globals[global.index()].name));
            return self.variant(node, &info, &name);
        }
        self.expression(object);
        self.arrive(node);
        self.goes_to(node);
        if self.dead(1) {
            return;
        }
        self.read_field(node, text);
    }

    /// Replaces the latest operand, an object whose layout is known, by what is in a slot of it.
    pub(super) fn load_field(&mut self, dst: Reg, slot: usize) {
        let i = self.top(0);
        let hint = self.hints.slot(self.state.operand(i).hint, slot);
        let object = self.in_register(i);
        self.asm.load(dst, Mem::at(object, slot_disp(slot)));
        self.note_field(object, slot, dst);
        self.replace(1, Value::new(Place::Reg(dst), Facts::ANY).hinted(hint));
    }

    /// Reads the field of the latest operand.
    pub(super) fn read_field(&mut self, node: NodeId, text: &str) {
        let i = self.top(0);
        let value = *self.state.operand(i);
        if let Some(known) = value.facts.layout
            && let Some((slot, _)) = self.link.slot_of(known, text)
        {
            let object = self.in_register(i);
            if let Some(word) = self.field_echo(object, slot as usize) {
                let hint = self.hints.slot(value.hint, slot as usize);
                let facts = if self.state.echoes().raw_of(word).is_some() { Facts::FLOAT } else { Facts::ANY };
                return self.replace(1, Value::new(Place::Reg(word), facts).hinted(hint));
            }
            let dst = self.result_register(node);
            return self.load_field(dst, slot as usize);
        }
        if !value.facts.types.meets(Types::OBJECT) || value.facts.layout.is_some() {
            let site = self.link.site(text);
            return self.call_helper(Helper::GetField, 1, &[site as u64], Facts::ANY);
        }
        let seen = value.hint.layout().and_then(|l| self.link.slot_of(l, text).map(|(s, _)| (l, s)));
        let guess = seen.or_else(|| {
            let layout = self.link.guess_layout(text)?;
            self.link.slot_of(layout, text).map(|(s, _)| (layout, s))
        });
        let r = self.in_register(i);
        let dst = self.result_register(node);
        let site = self.link.site(text);
        let arguments = vec![self.argument(i), Argument::Raw(site as u64)];
        let slow = Slow::Call { helper: Helper::GetField, arguments, spent: 0, dst: Some(dst) };
        let failing = match guess {
            Some(_) => self.fail(node, SideExit::Layout, slow),
            None => self.slow(slow),
        };
        match guess {
            Some((layout, slot)) => {
                if failing.leaves() || !mutated(Mutation::HintBelieved) {
                    self.expect_layout(i, r, layout, &failing);
                }
                self.asm.load(dst, Mem::at(r, slot_disp(slot as usize)));
            }
            None => {
                self.cached_displacement(dst, r, value.facts, site, failing.label);
                self.asm.load(dst, Mem::indexed(r, dst, 0, 0));
            }
        }
        self.resumes(&failing);
        if let Some((_, slot)) = guess {
            self.note_field(r, slot as usize, dst);
        }
        let hint = guess.map_or(Hint::None, |(_, slot)| self.hints.slot(value.hint, slot as usize));
        self.replace(1, Value::new(Place::Reg(dst), Facts::ANY).hinted(hint));
    }

    /// `object.name = value`: the operands are object and value; the value stays.
    pub(super) fn assign_field(&mut self, node: NodeId, name: Name) {
        self.arrive(node);
        if self.dead(2) {
            return;
        }
        let text = self.unit.name(name);
        let (i, j) = (self.top(1), self.top(0));
        let value = *self.state.operand(i);
        let slot_in = |g: &mut Self, l| g.link.slot_of(l, text).filter(|(_, m)| *m).map(|(s, _)| (l, s));
        let known = value.facts.layout.and_then(|l| slot_in(self, l));
        let guess = known.or_else(|| value.hint.layout().and_then(|l| slot_in(self, l))).or_else(|| {
            let layout = self.link.guess_layout(text)?;
            slot_in(self, layout)
        });
        if !value.facts.types.meets(Types::OBJECT) || (guess.is_none() && value.facts.layout.is_some()) {
            // The helper gives the value back.
            let (site, facts) = (self.link.site(text), self.state.operand(j).facts);
            return self.call_helper(Helper::SetField, 2, &[site as u64], facts);
        }
        let object = self.in_register(i);
        if Self::store_constant(&self.state.operand(j).place).is_none() {
            self.in_register(j);
        }
        let (to, failing) = match guess {
            Some((_, slot)) if known.is_some() => (At::slot(object, slot as usize), None),
            Some((layout, slot)) => {
                let (slow, _) = self.field_setter(text);
                let failing = self.fail(node, SideExit::Layout, slow);
                self.expect_layout(i, object, layout, &failing);
                (At::slot(object, slot as usize), Some(failing))
            }
            None => {
                let displacement = self.register();
                let (slow, site) = self.field_setter(text);
                let failing = self.slow(slow);
                self.cached_displacement(displacement, object, value.facts, site, failing.label);
                (At::displaced(object, displacement), Some(failing))
            }
        };
        let word = self.stored(j);
        self.store(Store::Shared, to, word);
        if let Some(failing) = failing {
            self.resumes(&failing);
        }
        if let Some((_, slot)) = guess {
            self.note_store(object, slot as usize, j);
        }
        let result = *self.state.operand(j);
        self.replace(2, result);
    }

    /// How a helper assigns the latest operand to a field of the one before, and the site.
    fn field_setter(&mut self, name: &str) -> (Slow<'static>, usize) {
        let site = self.link.site(name);
        let arguments = vec![self.argument(self.top(1)), self.argument(self.top(0)), Argument::Raw(site as u64)];
        (Slow::call(Helper::SetField, arguments), site)
    }

    /// Asks whether operand `i`, which is in a register, has a layout.
    fn expect_layout(&mut self, i: usize, object: Reg, layout: layout::LayoutId, failing: &Failing) {
        self.check_layout(object, self.state.operand(i).facts, layout, failing.label);
        if failing.leaves() {
            self.promote(i, Promotion::Layout(layout));
            self.learn(i, Facts::object(layout));
        }
    }

    /// Asks the inline cache of a site where an object has its field: `dst` is the displacement.
    fn cached_displacement(&mut self, dst: Reg, object: Reg, facts: Facts, site: usize, failing: Label) {
        if facts.types != Types::OBJECT {
            objects::branch_unless_object(&mut self.asm, object, failing);
        }
        // The cache is read once: another thread may fill it with another layout's meanwhile.
        self.asm.load_cell(dst, site);
        self.asm.compare32_mem(dst, Mem::at(object, HEADER_DISP));
        self.asm.branch(Cond::NotEqual, failing);
        self.asm.shift_imm(Shift::RightLogical, dst, dst, 32);
    }

    /// Operand `i` as a word that is stored to an object: it is in a register then, unless it is constant.
    pub(super) fn stored(&mut self, i: usize) -> Stored {
        match Self::store_constant(&self.state.operand(i).place) {
            Some(imm) => Stored::Immediate(imm),
            None => Stored::Word(self.in_register(i), self.types_of(i).holds()),
        }
    }

    fn store_constant(place: &Place) -> Option<i32> {
        match place {
            Place::Const(word) => Self::immediate(*word).map(|imm| imm as i32),
            _ => None,
        }
    }

    /// `object[index]` for the latest two operands.
    pub(super) fn index(&mut self, node: NodeId) {
        self.arrive(node);
        if self.dead(2) {
            return;
        }
        self.goes_to(node);
        if self.link.builtin_extended() {
            return self.call_helper(Helper::GetIndex, 2, &[], Facts::ANY);
        }
        let (i, j) = (self.top(1), self.top(0));
        let value = *self.state.operand(i);
        let seen = value.facts.layout.or(value.hint.layout());
        let array = seen.is_none_or(|l| l == layout::ARRAY);
        if seen == Some(layout::MAP) {
            return self.look_up(Helper::GetIndex, 2);
        }
        if let Some(text @ (layout::STRING | layout::STRING_PREFIX)) = seen
            && self.state.operand(j).facts.may_be_int()
            && let Some(characters) = self.link.characters()
        {
            return self.character(node, text, characters);
        }
        let indexable = matches!(seen, None | Some(layout::ARRAY | layout::VECTOR));
        if !indexable || !value.facts.types.meets(Types::OBJECT) || !self.state.operand(j).facts.may_be_int() {
            self.call_helper(Helper::GetIndex, 2, &[], Facts::ANY);
            return;
        }
        let hint = self.hints.element(value.hint);
        let object = self.in_register(i);
        // An index that is no part of an instruction is in its register before the way out is noted.
        let constant =
            self.constant_int(j).filter(|n| (0..if array { 1 << 20 } else { layout::VECTOR_WIDTH as i64 }).contains(n));
        if constant.is_none() {
            self.in_register(j);
        }
        let dst = self.register();
        let node_reg = if array { None } else { Some(self.register()) };
        let failing = self.failing(node, SideExit::Element, (Helper::GetIndex, 2), dst);
        let wanted = if array { layout::ARRAY } else { layout::VECTOR };
        if value.facts.layout != Some(wanted) {
            self.expect_layout(i, object, wanted, &failing);
        }
        self.check_ints(&[0], &failing);
        match node_reg {
            None => self.load_element(dst, object, (constant, j), failing.label),
            Some(node) => self.load_from_vector(dst, node, object, (constant, j), failing.label),
        }
        self.resumes(&failing);
        self.replace(2, Value::new(Place::Reg(dst), Facts::ANY).hinted(hint));
    }

    /// `text[index]` for the latest two operands, where a text of this layout is known or was seen: inline when it is ASCII. One that is
    /// not, and an index without a character, are the helper's, and no reason to leave.
    fn character(&mut self, node: NodeId, seen: layout::LayoutId, characters: usize) {
        let (i, j) = (self.top(1), self.top(0));
        let text = self.in_register(i);
        let index = self.in_register(j);
        let (dst, at) = (self.register(), self.register());
        let mut known = self.state.operand(i).facts.layout == Some(seen);
        if !known && let Some(leaving) = self.leave(node, SideExit::Element) {
            self.expect_layout(i, text, seen, &leaving);
            self.state.unseal();
            known = true;
        }
        let arguments = vec![self.argument(i), self.argument(j)];
        let failing = self.slow(Slow::Call { helper: Helper::GetIndex, arguments, spent: 2, dst: Some(dst) });
        if !known {
            self.check_layout(text, self.state.operand(i).facts, seen, failing.label);
        }
        self.check_ints(&[0], &failing);
        let asm = &mut self.asm;
        objects::load_ascii(asm, (text, seen), index, (dst, at), failing.label);
        asm.load_cell(at, characters);
        asm.load(dst, Mem::indexed(at, dst, 3, slot_disp(ARRAY_ELEMENTS)));
        self.resumes(&failing);
        // Whatever a text gives is a character, which is a STRING.
        let facts = if known { Facts::object(layout::STRING) } else { Facts::ANY };
        let hint = self.hints.of(&Seen::Object(layout::STRING, Vec::new()));
        self.replace(2, Value::new(Place::Reg(dst), facts).hinted(hint));
    }

    fn load_element(&mut self, dst: Reg, array: Reg, (constant, j): (Option<i64>, usize), failing: Label) {
        match constant {
            Some(n) => {
                self.asm.compare_mem_imm(Mem::at(array, slot_disp(ARRAY_LENGTH)), n << INT_SHIFT);
                self.asm.branch(Cond::BelowEqual, failing);
                vectors::known_word(&mut self.asm, dst, array, n as usize);
            }
            None => {
                let index = self.in_register(j);
                vectors::branch_outside(&mut self.asm, array, index, failing);
                vectors::word_at(&mut self.asm, dst, array, index);
            }
        }
    }

    /// An element of a vector: in its tail, or out of line in its tree when that is not too high.
    fn load_from_vector(
        &mut self,
        dst: Reg,
        node: Reg,
        vector: Reg,
        (constant, j): (Option<i64>, usize),
        failing: Label,
    ) {
        let (in_tree, done) = (self.asm.label(), self.asm.label());
        let index = match constant {
            Some(_) => None,
            None => Some(self.in_register(j)),
        };
        let known = constant.unwrap_or(0) as usize;
        let asm = &mut self.asm;
        match index {
            None => {
                vectors::first_in_tail(asm, (vector, known), (node, dst), failing, in_tree);
                vectors::known_word(asm, dst, node, known);
            }
            Some(index) => {
                vectors::in_tail(asm, (vector, index), (node, dst), failing, in_tree);
                vectors::word_at(asm, dst, node, dst);
            }
        }
        asm.bind(done);
        self.later(move |g| {
            let asm = &mut g.asm;
            asm.bind(in_tree);
            vectors::leaf(asm, vector, index, (node, dst), failing);
            match index {
                None => vectors::known_word(asm, dst, node, known),
                Some(index) => {
                    vectors::place(asm, dst, index, 0);
                    vectors::word_at(asm, dst, node, dst);
                }
            }
            asm.jump(done);
        });
    }

    /// `object[index] = value` for the latest three operands; the value stays.
    pub(super) fn assign_index(&mut self, node: NodeId) {
        self.arrive(node);
        if self.dead(3) {
            return;
        }
        let (i, j, k) = (self.top(2), self.top(1), self.top(0));
        let value = *self.state.operand(i);
        let seen = value.facts.layout.or(value.hint.layout());
        let array = seen.is_none_or(|l| l == layout::ARRAY) && value.facts.types.meets(Types::OBJECT);
        if !array || !self.state.operand(j).facts.may_be_int() {
            let facts = self.state.operand(k).facts;
            self.call_helper(Helper::SetIndex, 3, &[], facts);
            return;
        }
        let object = self.in_register(i);
        let index = self.in_register(j);
        if Self::store_constant(&self.state.operand(k).place).is_none() {
            self.in_register(k);
        }
        let arguments = vec![self.argument(i), self.argument(j), self.argument(k)];
        let failing = self.fail(node, SideExit::Element, Slow::call(Helper::SetIndex, arguments));
        if value.facts.layout != Some(layout::ARRAY) {
            self.expect_layout(i, object, layout::ARRAY, &failing);
        }
        self.check_ints(&[1], &failing);
        vectors::branch_outside(&mut self.asm, object, index, failing.label);
        let word = self.stored(k);
        self.store(Store::Shared, At::element(object, index, 0, ARRAY_ELEMENTS), word);
        self.resumes(&failing);
        let result = *self.state.operand(k);
        self.replace(3, result);
    }
}
