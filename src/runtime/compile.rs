//! From a function of a unit to published code: the generator's [`Link`] to the runtime.
//!
//! Owns what is done before and after the generator runs: answering its questions with addresses and layouts, turning what the
//! first call showed into hints, publishing the code and registering what is known of it. Must not know how code looks.
//!
//! Invariant: code is registered in the code map before its address is known to anybody.

use std::rc::Rc;
use std::sync::Arc;

use super::binding::{Binding, BindingKind};
use super::code::{Code, CodeSource, CompileError, CompiledCode};
use super::linked::LinkedUnit;
use super::reclaim::{self, Owned};
use super::roots::RootCell;
use super::sites::FieldSite;
use super::types::TypeKind;
use super::vm::Vm;
use crate::asm::Host;
use crate::asm::code_map::{Function, SafepointInfo, Safepoints};
use crate::asm::masm::{MacroAssembler, Mem, TooFar};
use crate::codegen::facts::Hint;
use crate::codegen::link::*;
use crate::codegen::{self, Generated};
use crate::gc::layout::{self, LayoutId};
use crate::gc::{Thread, Value, Word};
use crate::reader::tree::{FunctionId, GlobalId};

/// Hints look this deep into objects, and at so many slots.
const HINT_DEPTH: u32 = 3;
const HINT_SLOTS: usize = 16;

/// Compiles and publishes one arity. See [`super::code::Compiler`].
pub fn compile(
    cx: &mut Thread,
    unit: &Arc<LinkedUnit>,
    function: FunctionId,
    arity: usize,
    code: &'static Code,
    observed: &[Word],
) -> Result<CompiledCode, CompileError> {
    let hints: Vec<Hint> = observed.iter().map(|w| hint_of_word(cx, *w)).collect();
    let vm = cx.vm();
    let mut link = RuntimeLink { cx, vm, unit, record: code, owned: Owned::default(), failed: None };
    let generated = codegen::generate::<Host>(&mut link, &unit.unit, function, arity, &hints);
    let RuntimeLink { mut owned, failed, .. } = link;
    let published = match (failed, generated) {
        (Some(failed), _) => Err(failed),
        (None, Err(too_far)) => Err(CompileError::from(too_far)),
        (None, Ok(generated)) => {
            vm.memory.publish(&[&generated.code]).map(|p| (p, generated)).map_err(CompileError::from)
        }
    };
    let (published, generated) = match published {
        Ok(both) => both,
        Err(error) => {
            reclaim::free(vm, owned);
            return Err(error);
        }
    };
    let start = published.starts[0];
    owned.published = Some((published.clone(), start));
    super::lock(&code.owned).push(owned);
    let source = *code.number.get_or_init(|| vm.sources.add(unit, function));
    vm.code_map.register(&published, vec![describe(&generated, code.name.to_string(), start, source)]);
    super::dump::function(vm, unit, start);
    Ok(CompiledCode { address: start })
}

/// What the code map keeps of a function.
fn describe(generated: &Generated, name: String, start: usize, source: u32) -> Function {
    let infos = generated.safepoints.iter().map(|p| SafepointInfo {
        return_offset: p.return_offset,
        live_saved: p.live_saved,
        slots: p.slots.iter().map(|s| u32::from(*s)).collect(),
        handler: p.handler,
    });
    Function {
        name,
        source,
        start,
        size: generated.code.code.len() as u32,
        saved: generated.saved,
        frame_bytes: generated.frame_bytes,
        safepoints: Safepoints::new(infos.collect()),
        lines: generated.lines.clone(),
        comments: generated.code.comments.clone(),
    }
}

fn hint_of_word(cx: &Thread, word: Word) -> Hint {
    // SAFETY: the words are the arguments of the call being resolved: live values, and nothing has allocated since they were
    // read.
    let value = unsafe { Value::from_raw(cx, word) };
    hint_of(value, HINT_DEPTH)
}

/// The first element of an ARRAY or NODE.
fn first_of(array: Value<'_>) -> Option<Value<'_>> {
    (matches!(array.layout(), layout::ARRAY | layout::NODE) && array.array_len() > 0).then(|| array.slot(1))
}

/// What can be seen of a value.
fn hint_of(value: Value<'_>, depth: u32) -> Hint {
    if value.is_int() {
        return Hint::Int;
    }
    if value.as_float().is_some() {
        return Hint::Float;
    }
    if !value.word().is_object() {
        return Hint::Other;
    }
    let id = value.layout();
    let slots: Vec<Hint> = match id {
        _ if depth == 0 => Vec::new(),
        layout::ARRAY | layout::NODE => first_of(value).map(|v| hint_of(v, depth - 1)).into_iter().collect(),
        layout::VECTOR => first_of(value.slot(3)).map(|v| hint_of(v, depth - 1)).into_iter().collect(),
        _ if id >= layout::FIRST_USER_LAYOUT => {
            let fields = value.thread().vm().types.layout(id).map_or(0, |l| l.fields.len());
            (0..fields.min(HINT_SLOTS)).map(|i| hint_of(value.slot(i), depth - 1)).collect()
        }
        _ => Vec::new(),
    };
    Hint::Object(id, Rc::from(slots))
}

struct RuntimeLink<'a> {
    cx: &'a mut Thread,
    vm: &'static Vm,
    unit: &'a Arc<LinkedUnit>,
    /// The function that is being compiled.
    record: &'static Code,
    /// What the code will own.
    owned: Owned,
    /// The first thing that could not be had; what was generated then is thrown away.
    failed: Option<CompileError>,
}

impl RuntimeLink<'_> {
    fn or_fail<T, E: Into<CompileError>>(&mut self, result: Result<T, E>, instead: T) -> T {
        match result {
            Ok(value) => value,
            Err(error) => {
                self.failed.get_or_insert(error.into());
                instead
            }
        }
    }

    /// A root cell with a value.
    fn cell(&mut self, value: Result<crate::gc::Handle, crate::gc::Thrown>) -> usize {
        let made = value.map_err(CompileError::from).and_then(|handle| {
            let cell = RootCell::new(&self.vm.memory, &self.vm.heap)?;
            cell.set(self.cx.get(handle));
            self.owned.roots.push(cell);
            Ok(cell.address())
        });
        // Never used when it failed, but the generator wants an address in reach.
        let instead = self.vm.stubs.enter;
        self.or_fail(made, instead)
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

    fn function_at(&self, binding: usize) -> Option<&'static Code> {
        self.binding(binding).get(self.cx).and_then(super::entry::code_of)
    }
}

impl Link for RuntimeLink<'_> {
    fn helper(&mut self, helper: Helper) -> usize {
        self.vm.helpers.address(helper)
    }

    fn box_float_stub(&mut self) -> usize {
        self.vm.helpers.box_float
    }

    fn look_up(&mut self) -> usize {
        super::lookup::look_up as *const () as usize
    }

    fn string(&mut self, text: &str) -> usize {
        let string = self.cx.alloc_string(text);
        self.cell(string)
    }

    fn big_int(&mut self, digits: &str) -> usize {
        let int = super::foreign::int_of_digits(self.cx, digits);
        self.cell(int)
    }

    fn keyword(&mut self, name: &str) -> Word {
        Word::keyword(self.vm.keywords.intern(name))
    }

    fn site(&mut self, field: &str) -> usize {
        match FieldSite::new(&self.vm.memory, super::keywords::intern(field)) {
            Ok(site) => {
                self.owned.sites.push(site);
                site.address()
            }
            Err(error) => self.or_fail(Err(error), self.vm.stubs.enter),
        }
    }

    fn global(&mut self, global: GlobalId) -> Option<Global> {
        let binding = self.unit.global(global).binding;
        let address = binding.address();
        if binding.kind() == BindingKind::Dynamic {
            binding.depend(self.record);
            return Some(Global { binding: address, kind: GlobalKind::Dynamic, builtin: false, collection: None });
        }
        let core = binding.namespace.name == "core";
        let value = binding.get(self.cx);
        let kind = match value {
            Some(v) if core && matches!(binding.name, "PI" | "E" | "TAU") => GlobalKind::Constant(v.word()),
            Some(v) => match super::entry::code_of(v).map(|c| &c.source) {
                Some(CodeSource::Method(_)) => match intrinsic(binding.name).filter(|_| core) {
                    Some(intrinsic) => GlobalKind::Intrinsic(intrinsic),
                    None => GlobalKind::Method,
                },
                Some(CodeSource::Builtin(_)) if core => match intrinsic(binding.name) {
                    Some(intrinsic) => GlobalKind::Intrinsic(intrinsic),
                    None => GlobalKind::Plain,
                },
                _ => GlobalKind::Plain,
            },
            None => GlobalKind::Plain,
        };
        let builtin = match value.and_then(super::entry::code_of).map(|c| &c.source) {
            Some(CodeSource::Builtin(_)) => true,
            Some(CodeSource::Method(method)) => method.builtin().is_some(),
            _ => false,
        };
        if kind != GlobalKind::Plain || builtin {
            binding.depend(self.record);
        }
        let collection = if core && builtin { collection_call(binding.name) } else { None };
        Some(Global { binding: address, kind, builtin, collection })
    }

    fn own_binding(&mut self, name: &str) -> usize {
        match self.unit.namespace.member(name) {
            Some(binding) => binding.address(),
            None => self.or_fail(Err(CompileError::Refused(format!("{name} is not declared"))), self.vm.stubs.enter),
        }
    }

    fn link_cell(&mut self, binding: usize, arguments: usize) -> Option<usize> {
        let cell = self.binding(binding).link_cell(self.cx, arguments);
        self.or_fail(cell, None)
    }

    fn method_table(&mut self, binding: usize, arguments: usize) -> Option<usize> {
        let code = self.function_at(binding)?;
        let CodeSource::Method(method) = code.source else { return None };
        code.exact(arguments)?;
        let table = self.vm.dispatch.method_table(self.vm, method, arguments as u32).map(|t| Some(t.cell()));
        self.or_fail(table, None)
    }

    fn selector_table(&mut self, name: &str, arguments: usize) -> usize {
        let table = self.vm.dispatch.selector_table(self.vm, name, arguments as u32).map(|t| t.cell());
        let instead = self.vm.stubs.enter;
        self.or_fail(table, instead)
    }

    fn struct_type(&mut self, global: GlobalId, variant: Option<&str>) -> Option<StructType> {
        let binding = self.unit.global(global).binding;
        let type_ = self.vm.types.get(binding.type_id()?);
        type_.depend(self.record);
        let (layout, number) = match (type_.kind, variant) {
            (TypeKind::Enum, Some(name)) => {
                let number = type_.variant_names().iter().position(|v| *v == name)?;
                (type_.variant(name)?.layout, Some(number as u32))
            }
            (TypeKind::Struct, None) => (type_.layout()?, None),
            (TypeKind::Builtin, None) => (type_.layout()?, None),
            _ => return None,
        };
        let info = self.vm.types.layout(layout)?;
        let mut fields = Vec::with_capacity(info.fields.len());
        for field in &info.fields {
            let default = field.default.map(|code| self.code_cell(code));
            fields.push(FieldType { name: field.name.to_string(), default });
        }
        let layouts = type_.body().layouts;
        let same = |id: &&LayoutId| {
            self.vm.types.layout(**id).is_some_and(|l| l.variant == variant.map(super::keywords::intern))
        };
        let redefined = layouts.iter().filter(same).count() > 1;
        let singleton = info.singleton.map(|cell| cell.address());
        Some(StructType { type_id: type_.id.0, variant: number, layout, redefined, fields, singleton })
    }

    fn slot_of(&mut self, layout: LayoutId, field: &str) -> Option<(u32, bool)> {
        if layout < layout::FIRST_USER_LAYOUT {
            return None;
        }
        let info = self.vm.types.layout(layout)?;
        let slot = info.slot(field)?;
        Some((slot as u32, info.fields[slot].mutable))
    }

    fn guess_layout(&mut self, field: &str) -> Option<LayoutId> {
        self.vm.types.only_layout_with(field)
    }

    fn code(&mut self, function: FunctionId) -> usize {
        let code = self.unit.code(self.vm, function).map(|c| c.address());
        let instead = self.vm.stubs.enter;
        self.or_fail(code, instead)
    }

    fn closure_cell(&mut self, function: FunctionId) -> usize {
        match self.unit.code(self.vm, function) {
            Ok(code) => self.code_cell(code),
            Err(error) => self.or_fail(Err(error), self.vm.stubs.enter),
        }
    }

    fn hint(&mut self, binding: usize) -> Hint {
        match self.binding(binding).get(self.cx) {
            None => Hint::None,
            Some(value) => hint_of(value, HINT_DEPTH),
        }
    }

    fn has_stack(&mut self) -> bool {
        if self.cx.stack_is_low() {
            let thrown = self.cx.throw(super::errors::ErrorKind::StackOverflow, "calls are nested too deeply");
            self.failed.get_or_insert(CompileError::Thrown(thrown));
        }
        self.failed.is_none()
    }

    fn refuse(&mut self, why: &str) {
        self.failed.get_or_insert(CompileError::Refused(why.to_string()));
    }

    fn notes(&self) -> bool {
        self.vm.dump_asm.load(std::sync::atomic::Ordering::Relaxed)
    }
}

fn collection_call(name: &str) -> Option<CollectionCall> {
    Some(match name {
        "get" => CollectionCall::Index,
        "contains?" => CollectionCall::Contains,
        "length" => CollectionCall::Length,
        "assoc" => CollectionCall::Assoc,
        "dissoc" => CollectionCall::Dissoc,
        _ => return None,
    })
}

fn intrinsic(name: &str) -> Option<Intrinsic> {
    Some(match name {
        "to-float" => Intrinsic::ToFloat,
        "sqrt" => Intrinsic::Sqrt,
        "abs" => Intrinsic::Abs,
        "floor" => Intrinsic::Floor,
        "ceil" => Intrinsic::Ceil,
        "truncate" => Intrinsic::Truncate,
        "to-int" => Intrinsic::ToInt,
        "not" => Intrinsic::Not,
        "even?" => Intrinsic::Even,
        "odd?" => Intrinsic::Odd,
        "length" => Intrinsic::Length,
        "range" => Intrinsic::Range,
        "get" => Intrinsic::Get,
        "_builder-push!" => Intrinsic::BuilderPush,
        _ => return None,
    })
}

/// The stub that boxes the float in FSCRATCH into SCRATCH and keeps all other registers: it never collects, so nobody walks
/// its frame.
pub(super) fn box_float_code<M: MacroAssembler>(function: usize) -> Result<crate::asm::masm::Assembled, TooFar> {
    let mut asm = M::new();
    let prologue = asm.prologue(0);
    let mut slot = 0;
    let mut next = || {
        slot += 8;
        Mem::at(M::FP, -slot)
    };
    let general: Vec<_> = M::CALLER_SAVED.iter().map(|r| (*r, next())).collect();
    let floats: Vec<_> = M::FLOATS.iter().map(|f| (*f, next())).collect();
    let result = next();
    for (r, mem) in &general {
        asm.store(*mem, *r);
    }
    for (f, mem) in &floats {
        asm.fstore(*mem, *f);
    }
    asm.float_bits(M::ARGS[0], M::FSCRATCH);
    asm.mov(M::CLOSURE, M::CTX);
    asm.call_c(function);
    asm.store(result, M::RESULT);
    for (r, mem) in &general {
        asm.load(*r, *mem);
    }
    for (f, mem) in &floats {
        asm.fload(*f, *mem);
    }
    // SCRATCH may be lost in the epilogue of some machine, so the result goes through it last.
    asm.load(M::SCRATCH, result);
    asm.epilogue(0);
    asm.ret();
    asm.set_frame_size(prologue, (slot as u32).next_multiple_of(16));
    asm.finish()
}

impl From<TooFar> for CompileError {
    fn from(error: TooFar) -> CompileError {
        CompileError::Refused(error.to_string())
    }
}
