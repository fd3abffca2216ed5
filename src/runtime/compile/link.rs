//! The generator's questions, answered: what names are, where things lie.
//!
//! Owns what code relies on: whatever is taken for granted of a name or type is registered with it before it is looked at, so that a
//! change finds the function that is to be compiled anew. What a walk may ask again is looked up once (`answers.rs`).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Owned;
use super::answers::Answers;
use super::hint;
use super::results;
use super::sites::FieldSite;
use crate::codegen::facts::Seen;
use crate::codegen::failure::{GivenUp, give_up};
use crate::codegen::link::*;
use crate::codegen::trials::Trials;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::object::layout::{self, LayoutId};
use crate::reader::tree::{FunctionId, GlobalId};
use crate::runtime::program::binding::{Binding, BindingKind};
use crate::runtime::program::code::{Code, CodeSource, CompileError};
use crate::runtime::program::dispatch::Target;
use crate::runtime::program::entry;
use crate::runtime::program::instances::type_behind;
use crate::runtime::program::keywords;
use crate::runtime::program::linked::LinkedUnit;
use crate::runtime::program::roots::RootCell;
use crate::runtime::program::types::{TypeInfo, TypeKind};
use crate::runtime::values::collections::vector;
use crate::runtime::values::foreign;
use crate::runtime::values::text::strings;
use crate::runtime::vm::Vm;
use crate::windows::window;

pub(super) struct RuntimeLink<'a> {
    pub(super) cx: &'a mut Thread,
    pub(super) vm: &'static Vm,
    pub(super) unit: &'a Arc<LinkedUnit>,
    /// The function that is being compiled.
    pub(super) record: &'static Code,
    /// Its revision before anything was looked at, if code can compare it.
    pub(super) revision: Option<i32>,
    /// It has loops.
    pub(super) has_loops: bool,
    /// What the code will own.
    pub(super) owned: Owned,
    /// See [`Link::builtin_extended`]: one answer for all walks of a compilation.
    pub(super) builtin_extended: bool,
    pub(super) answers: Answers,
    /// Somebody wants to know where variables live, and looks at errors where they are thrown.
    pub(super) variables: bool,
    pub(super) errors_stop: bool,
    pub(super) takes_marked: bool,
    /// Something that the function names has no value yet, or a loop may find another there than we do.
    pub(super) unsettled: bool,
    /// What could not be had: the end of the compilation.
    pub(super) failed: Option<CompileError>,
}

impl RuntimeLink<'_> {
    /// The answer, or the end of this compilation.
    fn or_fail<T, E: Into<CompileError>>(&mut self, result: Result<T, E>) -> T {
        match result {
            Ok(value) => value,
            Err(error) => {
                self.failed = Some(error.into());
                give_up(GivenUp::Unanswered)
            }
        }
    }

    /// What a type, or a variant of it, is now.
    fn find_struct_type(&mut self, global: GlobalId, variant: Option<&'static str>) -> Option<StructType> {
        let binding = self.unit.global(global).binding;
        // Before it is looked at: the name may get another type, or its first.
        binding.depend(self.record);
        let type_ = self.vm.types.get(binding.type_id()?);
        let settled = type_.settled();
        type_.depend(self.record);
        // Before what it is compared for: a declaration that comes between is taken for one that the code does not know.
        let declarations = type_.declarations();
        let layout = match (type_.kind, variant) {
            (TypeKind::Enum, Some(name)) => type_.variant(name)?.layout,
            (TypeKind::Struct | TypeKind::Builtin, None) => type_.layout()?,
            _ => return None,
        };
        drop(settled);
        let info = self.vm.types.layout(layout)?;
        let mut fields = Vec::with_capacity(info.fields.len());
        for field in &info.fields {
            let default = field.default.map(|code| self.code_cell(code));
            fields.push(FieldType { name: field.name.to_string(), mutable: field.mutable, default });
        }
        let same = |id: &&LayoutId| self.vm.types.layout(**id).is_some_and(|l| l.variant == variant);
        let redefined = type_.has_old_layouts() && type_.body().layouts.iter().filter(same).count() > 1;
        let singleton = info.singleton.map(|cell| cell.address());
        let outdated = info.outdated.as_ptr() as usize;
        Some(StructType { layout, outdated, declarations, redefined, fields, singleton })
    }

    /// The type that the name stands for now.
    fn type_named(&mut self, global: GlobalId) -> Option<&'static TypeInfo> {
        self.once(
            |answers| &mut answers.named,
            global,
            |link| {
                let binding = link.unit.global(global).binding;
                // Before it is looked at.
                binding.depend(link.record);
                binding.get(link.cx).and_then(type_behind)
            },
        )
    }

    /// A root cell with a value.
    fn cell(&mut self, value: Result<crate::gc::Handle, crate::gc::Thrown>) -> usize {
        let made = value.map_err(CompileError::from).and_then(|handle| {
            let cell = RootCell::new(&self.vm.memory, &self.vm.heap)?;
            cell.set(self.cx, self.cx.get(handle));
            self.owned.roots.push(cell);
            Ok(cell.address())
        });
        self.or_fail(made)
    }

    /// A cell that holds the function value of a function without captures.
    fn code_cell(&mut self, code: &'static Code) -> usize {
        let value = self.cx.alloc_closure(code.address(), &[]);
        self.cell(value)
    }

    fn binding(&self, address: usize) -> &'static Binding {
        // SAFETY: the generator hands back the addresses that `global` gave it.
        unsafe { Binding::at(address) }
    }

    /// What a name is now.
    fn find_global(&mut self, global: GlobalId) -> Global {
        let binding = self.unit.global(global).binding;
        let found = self.look_at(binding);
        // A plain function is not taken for granted: link cells follow it.
        let followed = found.collection.is_none() && !(found.builtin || found.quiet || found.shows);
        let plain = found.kind == GlobalKind::Plain && followed;
        if plain && binding.is_defined() {
            return found;
        }
        // Another thread may have changed it before it knew that this function depends on it.
        binding.depend(self.record);
        window();
        let found = self.look_at(binding);
        // What has no value yet may get any kind.
        self.unsettled |= found.kind != GlobalKind::Dynamic && !binding.is_defined();
        found
    }

    /// The function bound there, when it can be written in place of calls.
    fn find_inlinable(&self, binding: usize, arguments: usize) -> Option<Inlinable> {
        let code = self.function_at(binding)?;
        let (unit, function) = code.function()?;
        let arity = code.exact(arguments)?;
        if !Arc::ptr_eq(unit, self.unit) || code.captures > 0 {
            return None;
        }
        self.revision.is_some().then_some(Inlinable { function, arity: arity.index as usize })
    }

    fn find_method_table(&mut self, binding: usize, arguments: usize) -> Option<usize> {
        let code = self.function_at(binding)?;
        let CodeSource::Method(method) = code.source else { return None };
        code.exact(arguments)?;
        // Other names go through link cells, which follow when they change.
        if !method.is_named(self.binding(binding)) {
            return None;
        }
        let table = self.vm.dispatch.method_table(self.vm, method, arguments as u32).map(|t| Some(t.named()));
        self.or_fail(table)
    }

    fn find_builtin_entries(&mut self, binding: usize, arguments: usize) -> Option<[usize; 2]> {
        let Some(CodeSource::Method(method)) = self.function_at(binding).map(|code| &code.source) else { return None };
        let builtin = method.builtin()?;
        let table = self.vm.dispatch.method_table(self.vm, method, arguments as u32);
        let miss = self.or_fail(table).miss;
        if !builtin.accepts(arguments) {
            return Some([miss; 2]);
        }
        let stub = self.vm.stubs.builtin(&self.vm.publisher, builtin, arguments);
        Some([self.or_fail(stub), miss])
    }

    /// The layouts of structs that have a method or function of this name, the latest first, where several types have. One of them
    /// is left out where that is possible: it shares its call with what nobody foresaw.
    fn find_receivers(&self, name: &'static str) -> Receivers {
        let targets = self.vm.dispatch.targets_of(name);
        let present = |target: &Target| match target.variant {
            Some(variant) => Some(self.vm.types.get(target.type_).variant(variant)?.layout),
            None => self.vm.types.get(target.type_).layout(),
        };
        let mut layouts: Vec<_> =
            targets.iter().filter_map(present).filter(|l| *l >= layout::FIRST_USER_LAYOUT).collect();
        layouts.sort_unstable_by(|a, b| b.cmp(a));
        if layouts.len() == targets.len() {
            layouts.pop();
        }
        let mut receivers = Receivers::default();
        receivers.iter_mut().zip(layouts).for_each(|(to, layout)| *to = layout);
        receivers
    }

    fn find_associated(&mut self, global: GlobalId, name: &str) -> Option<Global> {
        let target = Target { type_: self.type_named(global)?.id, variant: None };
        let (_, binding) = self.vm.dispatch.associated(target, name)?;
        let kind = GlobalKind::Plain;
        Some(Global { binding: binding.address(), kind, builtin: false, quiet: false, collection: None, shows: false })
    }

    /// What a name stands for at this moment.
    fn look_at(&self, binding: &Binding) -> Global {
        let none = Global {
            binding: binding.address(),
            kind: GlobalKind::Dynamic,
            builtin: false,
            quiet: false,
            collection: None,
            shows: false,
        };
        if binding.kind() == BindingKind::Dynamic {
            return none;
        }
        let core = binding.namespace.name == "core";
        let value = binding.get(self.cx);
        let code = value.and_then(entry::code_of);
        let source = code.map(|code| &code.source);
        let kind = match value {
            Some(v) if core && matches!(binding.name, "PI" | "E" | "TAU") && !v.word().is_pointer() => {
                GlobalKind::Constant(v.word())
            }
            _ => match (code.filter(|_| core).and_then(own_intrinsic), source) {
                (Some(intrinsic), _) => GlobalKind::Intrinsic(intrinsic),
                (None, Some(CodeSource::Method(_))) => GlobalKind::Method,
                (None, _) => GlobalKind::Plain,
            },
        };
        let builtin = match source {
            Some(CodeSource::Builtin(builtin)) => !builtin.ends_in_call(),
            Some(CodeSource::Method(method)) => method.builtin().is_some(),
            _ => false,
        };
        let collection = match source {
            _ if core && builtin => collection_call(binding.name),
            Some(CodeSource::Function { unit, .. }) if core && binding.name == "update" => {
                unit.source().is_library.then_some(CollectionCall::Update)
            }
            _ => None,
        };
        let quiet = matches!(source, Some(CodeSource::Builtin(b)) if b.quiet);
        let shows = self.variables && matches!(source, Some(CodeSource::Builtin(b)) if b.stops());
        Global { kind, builtin, quiet, collection, shows, ..none }
    }

    fn function_at(&self, binding: usize) -> Option<&'static Code> {
        self.binding(binding).get(self.cx).and_then(entry::code_of)
    }
}

/// The value of a literal. The reader bounds how deep it is.
fn literal_value(cx: &mut Thread, literal: &Literal<'_>) -> Result<Handle, Thrown> {
    match literal {
        Literal::Word(word) => Ok(cx.root_word(*word)),
        Literal::Float(bits) => cx.alloc_float(f64::from_bits(*bits)),
        Literal::String(text) => cx.alloc_string(text),
        Literal::BigInt(digits) => foreign::int_of_digits(cx, digits),
        Literal::Vector(items) => cx.scoped(|cx| {
            let items: Result<Vec<Handle>, Thrown> = items.iter().map(|item| literal_value(cx, item)).collect();
            vector::of(cx, &items?)
        }),
    }
}

impl Link for RuntimeLink<'_> {
    fn helper(&mut self, helper: Helper) -> usize {
        self.vm.helpers.address(helper)
    }

    fn may_go_on(&mut self) -> Result<(), GivenUp> {
        if self.vm.heap.is_short_outside() {
            return Err(GivenUp::NoMemory);
        }
        if self.cx.take_interrupt() {
            self.failed = Some(CompileError::Thrown(self.cx.throw_interrupt()));
            return Err(GivenUp::Unanswered);
        }
        Ok(())
    }

    fn remember_stub(&mut self) -> Option<usize> {
        self.vm.helpers.remember
    }

    fn box_float_stub(&mut self) -> usize {
        self.vm.helpers.box_float
    }

    fn side_exit(&mut self, reason: SideExit) -> Option<usize> {
        self.vm.helpers.side_exits.get(reason as usize).copied()
    }

    fn look_up(&mut self) -> usize {
        self.vm.helpers.look_up
    }

    fn characters(&mut self) -> Option<usize> {
        // They are made with the first of them that anybody asks for, and stay.
        let made = strings::of_char(self.cx, '\0').map(|_| self.vm.text.ascii.address());
        Some(self.or_fail(made.map_err(CompileError::from)))
    }

    fn literal(&mut self, literal: &Literal<'_>) -> usize {
        let value = literal_value(self.cx, literal);
        self.cell(value)
    }

    fn keyword(&mut self, name: &str) -> Word {
        Word::keyword(self.vm.keywords.intern(name))
    }

    fn site(&mut self, field: &str) -> usize {
        match FieldSite::new(&self.vm.memory, keywords::intern(field)) {
            Ok(site) => {
                self.owned.sites.push(site);
                site.address()
            }
            Err(error) => self.or_fail(Err(error)),
        }
    }

    fn global(&mut self, global: GlobalId) -> Option<Global> {
        Some(self.once(|answers| &mut answers.globals, global, |link| link.find_global(global)))
    }

    fn updated(&mut self) -> Global {
        match self.vm.namespaces.find("core").and_then(|core| core.member("_updated")) {
            Some(binding) => self.look_at(binding),
            None => self.or_fail(Err(CompileError::Refused("core/_updated is not declared".into()))),
        }
    }

    fn own_binding(&mut self, name: &str) -> usize {
        match self.unit.namespace.member(name) {
            Some(binding) => binding.address(),
            None => self.or_fail(Err(CompileError::Refused(format!("{name} is not declared")))),
        }
    }

    fn link_cell(&mut self, binding: usize, arguments: usize) -> Option<usize> {
        self.once(
            |answers| &mut answers.link_cells,
            (binding, arguments),
            |link| {
                let cell = link.binding(binding).link_cell(link.cx, arguments);
                link.or_fail(cell)
            },
        )
    }

    fn inlinable(&mut self, binding: usize, arguments: usize) -> Option<Inlinable> {
        let find = |link: &mut Self| link.find_inlinable(binding, arguments);
        self.once(|answers| &mut answers.inlinable, (binding, arguments), find)
    }

    fn revision(&mut self) -> (usize, i32) {
        (self.record.revision.as_ptr() as usize, self.revision.unwrap_or(-1))
    }

    fn relies_on(&mut self, binding: usize, arguments: usize, found: Inlinable) -> bool {
        let still = |link: &mut Self| {
            link.binding(binding).depend(link.record);
            window();
            // Another thread may have changed it before it knew that this function depends on it.
            link.find_inlinable(binding, arguments) == Some(found)
        };
        self.once(|answers| &mut answers.relied_on, (binding, arguments), still)
    }

    fn method_table(&mut self, binding: usize, arguments: usize) -> Option<usize> {
        let find = |link: &mut Self| link.find_method_table(binding, arguments);
        self.once(|answers| &mut answers.method_tables, (binding, arguments), find)
    }

    fn builtin_entries(&mut self, binding: usize, arguments: usize) -> Option<[usize; 2]> {
        let find = |link: &mut Self| link.find_builtin_entries(binding, arguments);
        self.once(|answers| &mut answers.builtin_entries, (binding, arguments), find)
    }

    fn method_receivers(&mut self, binding: usize) -> Receivers {
        self.selector_receivers(self.binding(binding).name)
    }

    fn selector_receivers(&mut self, name: &str) -> Receivers {
        let name = keywords::intern(name);
        self.once(|answers| &mut answers.receivers, name, |link| link.find_receivers(name))
    }

    fn selector_table(&mut self, name: &str, arguments: usize) -> usize {
        let table = self.vm.dispatch.selector_table(self.vm, name, arguments as u32).map(|t| t.cell());
        self.or_fail(table)
    }

    fn associated(&mut self, global: GlobalId, name: &str) -> Option<Global> {
        let name = keywords::intern(name);
        self.once(|answers| &mut answers.associated, (global, name), |link| link.find_associated(global, name))
    }

    fn named_struct(&mut self, global: GlobalId) -> Option<StructType> {
        let type_ = self.type_named(global)?;
        let is_its_name = |link: &mut Self| link.unit.global(global).binding.type_id() == Some(type_.id);
        if !self.once(|answers| &mut answers.own_names, global, is_its_name) {
            return None;
        }
        self.struct_type(global, None)
    }

    fn struct_type(&mut self, global: GlobalId, variant: Option<&str>) -> Option<StructType> {
        let variant = variant.map(keywords::intern);
        let find = |link: &mut Self| link.find_struct_type(global, variant);
        self.once(|answers| &mut answers.types, (global, variant), find)
    }

    fn builtin_extended(&self) -> bool {
        self.builtin_extended
    }

    fn is_interrupt(&mut self, global: GlobalId) -> bool {
        let look = |link: &mut Self| {
            let binding = link.unit.global(global).binding;
            // Before it is looked at.
            binding.depend(link.record);
            let types = &link.vm.types;
            binding.type_id() == types.layout(types.interrupt_layout()).map(|layout| layout.type_)
        };
        self.once(|answers| &mut answers.interrupts, global, look)
    }

    fn field_names(&mut self, names: &str) -> (usize, usize) {
        let names = keywords::intern(names);
        (names.as_ptr() as usize, names.len())
    }

    fn slot_of(&mut self, layout: LayoutId, field: &str) -> Option<(u32, bool)> {
        if layout < layout::FIRST_USER_LAYOUT {
            return None;
        }
        let find = |link: &mut Self| {
            let info = link.vm.types.layout(layout)?;
            link.vm.types.get(info.type_).depend(link.record);
            let slot = info.slot(field)?;
            Some((slot as u32, info.fields[slot].mutable))
        };
        self.once(|answers| &mut answers.slots, (layout, keywords::intern(field)), find)
    }

    fn guess_layout(&mut self, field: &str) -> Option<LayoutId> {
        let find = |link: &mut Self| link.vm.types.only_layout_with(field);
        self.once(|answers| &mut answers.guesses, keywords::intern(field), find)
    }

    fn code(&mut self, function: FunctionId) -> usize {
        let code = self.unit.code(self.vm, function).map(|c| c.address());
        self.or_fail(code)
    }

    fn closure_cell(&mut self, function: FunctionId) -> usize {
        match self.unit.code(self.vm, function) {
            Ok(code) => self.code_cell(code),
            Err(error) => self.or_fail(Err(error)),
        }
    }

    fn result(&mut self, binding: usize, arguments: usize) -> Seen {
        let find = |link: &mut Self| match link.function_at(binding) {
            Some(code) => results::of_call(link.cx, code, arguments),
            None => Seen::None,
        };
        self.once(|answers| &mut answers.results, (binding, arguments), find)
    }

    fn seen(&mut self, binding: usize) -> Seen {
        let look = |link: &mut Self| {
            let value = link.binding(binding).get(link.cx);
            // Functions stay what they are; a vector may be empty now and full of Floats when the loop runs.
            link.unsettled |= link.has_loops && value.is_some_and(|v| entry::code_of(v).is_none());
            value.map_or(Seen::None, hint)
        };
        self.once(|answers| &mut answers.seen, binding, look)
    }

    fn captured(&mut self, index: u32) -> Seen {
        let called = called(self.cx, self.record).filter(|f| (index as usize) < f.capture_count());
        called.map_or(Seen::None, |f| hint_of_captured(f.capture(index as usize)))
    }

    fn trials(&self) -> Trials {
        self.vm.trials.get().copied().unwrap_or_default()
    }

    fn variables(&self) -> bool {
        self.variables
    }

    fn errors_stop(&self) -> bool {
        self.errors_stop
    }

    fn takes_marked(&self) -> bool {
        self.takes_marked
    }

    fn notes(&self) -> bool {
        self.vm.dump_asm.load(Ordering::Relaxed)
    }
}

fn collection_call(name: &str) -> Option<CollectionCall> {
    Some(match name {
        "get" => CollectionCall::Index,
        "contains?" => CollectionCall::Contains,
        "length" => CollectionCall::Length,
        "count" => CollectionCall::Count,
        "empty?" | "first-of" | "second" | "third" | "last" | "nth" | "includes?" => CollectionCall::Look,
        "assoc" => CollectionCall::Assoc,
        "dissoc" => CollectionCall::Dissoc,
        "set-contains?" => CollectionCall::SetContains,
        "set-add" => CollectionCall::SetAdd,
        "set-remove" => CollectionCall::SetRemove,
        "push" => CollectionCall::Push,
        "butlast" => CollectionCall::Butlast,
        _ => return None,
    })
}

/// What the generator knows of a function of `core`, by what it is and not by where it was found: the program may have put a
/// function of its own there.
fn own_intrinsic(code: &Code) -> Option<Intrinsic> {
    intrinsic(match &code.source {
        CodeSource::Builtin(builtin) if builtin.namespace == "core" => builtin.name,
        CodeSource::Method(method) if method.builtin().is_some() => method.qualified.strip_prefix("core/")?,
        CodeSource::Function { unit, .. } if unit.source().is_library => code.name.strip_prefix("core/")?,
        _ => return None,
    })
}

pub(crate) fn intrinsic(name: &str) -> Option<Intrinsic> {
    Some(match name {
        "to-float" => Intrinsic::ToFloat,
        "sqrt" => Intrinsic::Sqrt,
        "abs" => Intrinsic::Abs,
        "min" => Intrinsic::Min,
        "max" => Intrinsic::Max,
        "floor" => Intrinsic::Floor,
        "ceil" => Intrinsic::Ceil,
        "truncate" => Intrinsic::Truncate,
        "to-int" => Intrinsic::ToInt,
        "not" => Intrinsic::Not,
        "even?" => Intrinsic::Even,
        "odd?" => Intrinsic::Odd,
        "null?" | "nil?" => Intrinsic::IsNull,
        "some?" => Intrinsic::IsSome,
        "function?" => Intrinsic::IsFunction,
        "int?" => Intrinsic::IsInt,
        "float?" => Intrinsic::IsFloat,
        "number?" => Intrinsic::IsNumber,
        "string?" => Intrinsic::IsString,
        "vector?" => Intrinsic::IsVector,
        "map?" => Intrinsic::IsMap,
        "set?" => Intrinsic::IsSet,
        "array?" => Intrinsic::IsArray,
        "atom?" => Intrinsic::IsAtom,
        "instance-of" => Intrinsic::InstanceOf,
        "length" | "_length" => Intrinsic::Length,
        "range" => Intrinsic::Range,
        "enumerate" => Intrinsic::Enumerate,
        "get" => Intrinsic::Get,
        "_vector-builder" => Intrinsic::NewBuilder,
        "_builder-done" => Intrinsic::BuilderDone,
        "_builder-push!" => Intrinsic::BuilderPush,
        _ => return None,
    })
}

/// The closure that is being called, where this is its code.
fn called<'h>(cx: &'h Thread, code: &Code) -> Option<Value<'h>> {
    cx.called_closure().filter(|f| entry::code_of(*f).is_some_and(|c| std::ptr::eq(c, code)))
}

fn hint_of_captured(value: Value<'_>) -> Seen {
    // A variable that is assigned, too.
    if value.is(layout::BOX) { Seen::None } else { hint(value) }
}

/// What the closure that is being called has captured shows.
pub(super) fn captured(cx: &Thread, code: &Code) -> Vec<Seen> {
    called(cx, code).map_or(Vec::new(), |f| (0..f.capture_count()).map(|k| hint_of_captured(f.capture(k))).collect())
}
