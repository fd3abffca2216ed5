//! From a function of a unit to published code: the generator's [`Link`] to the runtime.
//!
//! Owns what is done before and after the generator runs: answering its questions with addresses and layouts, turning what the
//! first call showed into hints, publishing the code and registering what is known of it. Must not know how code looks.
//!
//! Invariant: code is registered in the code map before its address is known to anybody (`asm/publish.rs`).

pub mod ahead;
mod answers;
pub mod dump;
pub mod reclaim;
pub mod sites;

use crate::runtime::program::entry;
use crate::runtime::program::keywords;
use crate::runtime::values::foreign;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::vm::Vm;
use crate::asm::Host;
use crate::asm::code_map::Function;
use crate::asm::lines::Lines;
use crate::asm::masm::{MacroAssembler, Mem, TooFar};
use crate::asm::publish::Piece;
use crate::asm::stubs::{Counter, call_counter};
use crate::codegen::facts::Seen;
use crate::codegen::failure::{GivenUp, give_up};
use crate::codegen::link::*;
use crate::codegen::trials::Trials;
use crate::codegen::{self, Generated};
use crate::gc::layout::{self, LayoutId};
use crate::gc::thread::Activity;
use crate::gc::{Handle, Thread, Thrown, Value, Word};
use crate::profile::stats::{self, Why};
use crate::reader::tree::{FunctionId, GlobalId};
use crate::runtime::fault::stop;
use crate::runtime::program::binding::{Binding, BindingKind};
use crate::runtime::program::code::{Code, CodeSource, CompileError, CompiledCode};
use crate::runtime::program::dispatch::Target;
use crate::runtime::program::linked::LinkedUnit;
use crate::runtime::program::roots::RootCell;
use crate::runtime::program::types::{TypeInfo, TypeKind};
use crate::runtime::values::collections::vector;
use crate::stack;
use crate::windows::window;
use ahead::Ahead;
use answers::Answers;
use reclaim::{Chunk, Owned, Place};
use sites::FieldSite;

/// Hints look this deep into objects, and at so many slots.
const HINT_DEPTH: u32 = 3;
const HINT_SLOTS: usize = 16;

/// Compiles and publishes one arity, and perhaps functions that are likely to be called next. See [`crate::runtime::program::code::Compiler`].
pub fn compile(
    cx: &mut Thread,
    unit: &Arc<LinkedUnit>,
    function: FunctionId,
    arity: usize,
    code: &'static Code,
    hints: &[Seen],
) -> Result<CompiledCode, CompileError> {
    let mark = cx.mark();
    let _busy = cx.busy(Activity::Compiling);
    let started = stats::watches_compilation().then(Instant::now);
    let mut bodies = vec![generate(cx, unit, function, arity, code, hints)?];
    compile_ahead(cx, unit, function, hints, &mut bodies);
    reclaim::compiled(cx.vm(), bodies.len());
    if started.is_some() {
        bodies.iter().for_each(|body| note(unit, arity, body));
    }
    let made = publish(cx.vm(), unit, bodies);
    if let Some(started) = started {
        stats::waited(&code.name, started.elapsed());
    }
    cx.release(mark);
    made
}

/// A body that is not yet at its place.
struct Body {
    /// What generating it took.
    took: Duration,
    code: &'static Code,
    function: FunctionId,
    generated: Generated,
    owned: Owned,
    /// How often the function had forgotten its bodies before anything was looked at.
    resets: u32,
    /// The code might be another at a later time: see [`RuntimeLink`].
    unsettled: bool,
}

/// Tells who watches.
fn note(unit: &LinkedUnit, arity: usize, body: &Body) {
    let function = unit.unit.function(body.function);
    let ahead = body.owned.ahead.is_some();
    let index = if ahead { 0 } else { arity };
    let arity = &function.arities[index];
    let binding = function.name.and_then(|name| unit.namespace.member(unit.unit.name(name)));
    let is_new = body.resets == 0 && super::lock(&body.code.owned).iter().all(|o| o.arity as usize != index);
    let why = match ahead {
        true => Why::Ahead,
        false if is_new && binding.is_none_or(|b| b.version() <= 1) => Why::FirstCall,
        false => Why::Again,
    };
    stats::compiled(&stats::Body {
        name: &body.code.name,
        arity: arity.params.len() + usize::from(arity.rest.is_some()),
        bytes: body.generated.code.code.len() as u32,
        took: body.took,
        why,
    });
}

fn generate(
    cx: &mut Thread,
    unit: &Arc<LinkedUnit>,
    function: FunctionId,
    arity: usize,
    code: &'static Code,
    hints: &[Seen],
) -> Result<Body, CompileError> {
    let vm = cx.vm();
    let resets = code.resets.load(Ordering::SeqCst);
    let revision = i32::try_from(code.revision.load(Ordering::SeqCst)).ok();
    let has_loops = !unit.unit.function(function).arities[arity].loops.is_empty();
    let owned = Owned { arity: arity as u32, ..Owned::default() };
    let builtin_extended = vm.dispatch.builtin_extended() && !unit.source().is_library;
    let errors_stop = stop::stops_at_errors(cx);
    let mut link = RuntimeLink {
        cx,
        vm,
        unit,
        record: code,
        revision,
        owned,
        has_loops,
        builtin_extended,
        answers: Answers::default(),
        variables: vm.keeps_variables.load(Ordering::Relaxed),
        errors_stop,
        unsettled: false,
        failed: None,
    };
    let started = stats::watches_compilation().then(Instant::now);
    let generated = codegen::generate::<Host>(&mut link, &unit.unit, function, arity, hints);
    let took = started.map_or(Duration::ZERO, |started| started.elapsed());
    let RuntimeLink { cx, owned, failed, unsettled, .. } = link;
    let why = match generated {
        Ok(generated) => return Ok(Body { took, code, function, generated, owned, resets, unsettled }),
        Err(why) => why,
    };
    reclaim::free(vm, owned);
    Err(match why {
        GivenUp::NoStack => CompileError::Thrown(cx.stack_overflow()),
        GivenUp::Unanswered => failed.unwrap_or(CompileError::Refused("no code".into())),
        GivenUp::TooLarge => {
            CompileError::Refused("the function is too large: its code would not fit; divide it".into())
        }
        GivenUp::TooManyValues => CompileError::Refused(
            "too many values are kept at once in the function (more than 60 000); divide it".into(),
        ),
        GivenUp::TooIntricate => CompileError::Refused("loops too intricate: divide the function".into()),
        GivenUp::TooFar(error) => error.into(),
    })
}

/// Adds the bodies of functions that nobody has called yet.
fn compile_ahead(
    cx: &mut Thread,
    unit: &Arc<LinkedUnit>,
    function: FunctionId,
    hints: &[Seen],
    bodies: &mut Vec<Body>,
) {
    let vm = cx.vm();
    // A listing shows what is called.
    if vm.dump_asm.load(Ordering::Relaxed) || stack::is_low() {
        return;
    }
    let plan = unit.order.plan(vm, function);
    let mut next = function.index() + 1;
    for index in plan.range {
        if bodies.len() > plan.count {
            break;
        }
        let id = FunctionId(index as u32);
        let hints = ahead::expected(&unit.unit, id, function, hints);
        if let Some(body) = generate_ahead(cx, unit, id, hints) {
            bodies.push(body);
            next = next.max(index + 1);
        }
    }
    unit.order.expect(next, bodies.len());
}

/// The body of a function that nobody has called yet, if it may and can be had. A value that keeps the record alive is among
/// the handles afterwards, until the body is published.
fn generate_ahead(cx: &mut Thread, unit: &Arc<LinkedUnit>, function: FunctionId, hints: &[Seen]) -> Option<Body> {
    let (value, code) = ahead::candidate(cx, unit, function)?;
    let _kept = cx.root(value);
    let mark = cx.mark();
    // Whatever goes wrong here will be reported when the function is called, and not before.
    let made = catch_unwind(AssertUnwindSafe(|| generate(cx, unit, function, 0, code, hints)));
    cx.release(mark);
    match made {
        Ok(Ok(mut body)) if !body.unsettled => {
            body.owned.ahead = Some(Ahead::with(hints, body.resets));
            return Some(body);
        }
        Ok(Ok(body)) => reclaim::free(cx.vm(), body.owned),
        Ok(Err(CompileError::Thrown(thrown))) => {
            let _dropped = cx.take_exception(thrown);
        }
        _ => {}
    }
    unit.order.in_vain(&unit.unit, function);
    None
}

/// Publishes the bodies in one chunk, or the first of them alone: the others were not asked for. Gives the first.
fn publish(vm: &'static Vm, unit: &Arc<LinkedUnit>, mut bodies: Vec<Body>) -> Result<CompiledCode, CompileError> {
    let mut published = vm.publisher.publish(pieces(vm, unit, &bodies));
    if published.is_err() && bodies.len() > 1 {
        bodies.drain(1..).for_each(|body| reclaim::free(vm, body.owned));
        published = vm.publisher.publish(pieces(vm, unit, &bodies));
    }
    let published = match published {
        Ok(published) => published,
        Err(error) => {
            bodies.into_iter().for_each(|body| reclaim::free(vm, body.owned));
            return Err(CompileError::from(error));
        }
    };
    let chunk = Arc::new(Chunk { id: published.chunk, range: published.range.clone() });
    for (body, &start) in bodies.into_iter().zip(&published.starts) {
        let end = start + body.generated.code.code.len();
        let place = Place { chunk: chunk.clone(), code: start..end };
        let mut owned = Owned { place: Some(place), ..body.owned };
        let mut all = super::lock(&body.code.owned);
        // What is compiled ahead may be outdated already (`forget_bodies` counts before it takes this lock): nobody need take it.
        if body.code.resets.load(Ordering::SeqCst) != body.resets {
            owned.ahead = None;
        }
        super::push_first(&mut all, owned);
        drop(all);
        dump::function(vm, unit, start);
    }
    Ok(CompiledCode { address: published.starts[0] })
}

/// The bodies with what is to be known of them.
fn pieces<'a>(vm: &Vm, unit: &Arc<LinkedUnit>, bodies: &'a [Body]) -> Vec<Piece<'a>> {
    let piece = |body: &'a Body| {
        let source = *body.code.number.get_or_init(|| vm.sources.add(unit, body.function));
        Piece::function(&body.generated.code, describe(&body.generated, body.code.name.to_string(), source))
    };
    bodies.iter().map(piece).collect()
}

/// What can be seen of a value.
pub(super) fn hint(value: Value<'_>) -> Seen {
    hint_of(value, HINT_DEPTH)
}

/// What the code map keeps of a function.
fn describe(generated: &Generated, name: String, source: u32) -> Function {
    Function {
        name: name.into(),
        source,
        saved: generated.saved,
        arguments: generated.arguments,
        frame_bytes: generated.frame_bytes,
        safepoints: generated.safepoints.clone(),
        lines: Lines::new(&generated.lines, &generated.inlined),
        variables: generated.variables.clone(),
        comments: generated.code.comments.clone(),
        parts: generated.parts.as_slice().into(),
        ..Function::default()
    }
}

/// The first element of an ARRAY or NODE.
fn first_of(array: Value<'_>) -> Option<Value<'_>> {
    (matches!(array.layout(), layout::ARRAY | layout::NODE) && array.array_len() > 0).then(|| array.slot(1))
}

fn hint_of(value: Value<'_>, depth: u32) -> Seen {
    if value.is_int() {
        return Seen::Int;
    }
    if value.as_float().is_some() {
        return Seen::Float;
    }
    if !value.word().is_object() {
        return Seen::Other;
    }
    let id = value.layout();
    let slots: Vec<Seen> = match id {
        _ if depth == 0 => Vec::new(),
        layout::ARRAY | layout::NODE => first_of(value).map(|v| hint_of(v, depth - 1)).into_iter().collect(),
        layout::VECTOR => first_of(value.slot(3)).map(|v| hint_of(v, depth - 1)).into_iter().collect(),
        _ if id >= layout::FIRST_USER_LAYOUT => {
            let fields = value.thread().vm().types.layout(id).map_or(0, |l| l.fields.len());
            (0..fields.min(HINT_SLOTS)).map(|i| hint_of(value.slot(i), depth - 1)).collect()
        }
        _ => Vec::new(),
    };
    Seen::Object(id, slots)
}

struct RuntimeLink<'a> {
    cx: &'a mut Thread,
    vm: &'static Vm,
    unit: &'a Arc<LinkedUnit>,
    /// The function that is being compiled.
    record: &'static Code,
    /// Its revision before anything was looked at, if code can compare it.
    revision: Option<i32>,
    /// It has loops.
    has_loops: bool,
    /// What the code will own.
    owned: Owned,
    /// See [`Link::builtin_extended`]: one answer for all walks of a compilation.
    builtin_extended: bool,
    answers: Answers,
    /// Somebody wants to know where variables live, and looks at errors where they are thrown.
    variables: bool,
    errors_stop: bool,
    /// Something that the function names has no value yet, or a loop may find another there than we do.
    unsettled: bool,
    /// What could not be had: the end of the compilation.
    failed: Option<CompileError>,
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
                binding.get(link.cx).and_then(super::builtins::types::type_behind)
            },
        )
    }

    /// A root cell with a value.
    fn cell(&mut self, value: Result<crate::gc::Handle, crate::gc::Thrown>) -> usize {
        let made = value.map_err(CompileError::from).and_then(|handle| {
            let cell = RootCell::new(&self.vm.memory, &self.vm.heap)?;
            cell.set(self.cx.get(handle));
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
        let plain = found.kind == GlobalKind::Plain && !(found.builtin || found.quiet || found.shows);
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
        let collection = if core && builtin { collection_call(binding.name) } else { None };
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

    fn box_float_stub(&mut self) -> usize {
        self.vm.helpers.box_float
    }

    fn side_exit(&mut self, reason: SideExit) -> Option<usize> {
        self.vm.helpers.side_exits.get(reason as usize).copied()
    }

    fn look_up(&mut self) -> usize {
        self.vm.helpers.look_up
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

    fn selector_table(&mut self, name: &str, arguments: usize) -> usize {
        let table = self.vm.dispatch.selector_table(self.vm, name, arguments as u32).map(|t| t.cell());
        self.or_fail(table)
    }

    fn associated(&mut self, global: GlobalId, name: &str) -> Option<Global> {
        let name = keywords::intern(name);
        self.once(|answers| &mut answers.associated, (global, name), |link| link.find_associated(global, name))
    }

    fn named_struct(&mut self, global: GlobalId) -> Option<StructType> {
        let named = self.unit.global(global).binding;
        let type_ = self.type_named(global)?;
        if named.type_id() != Some(type_.id) {
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
        let binding = self.unit.global(global).binding;
        // Before it is looked at.
        binding.depend(self.record);
        binding.type_id() == self.vm.types.layout(self.vm.types.interrupt_layout()).map(|layout| layout.type_)
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
        let called =
            self.cx.called_closure().filter(|f| entry::code_of(*f).is_some_and(|c| std::ptr::eq(c, self.record)));
        match called.filter(|f| (index as usize) < f.capture_count()).map(|f| f.capture(index as usize)) {
            // A variable that is assigned, too.
            Some(value) if !value.is(layout::BOX) => hint(value),
            _ => Seen::None,
        }
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

pub(super) fn intrinsic(name: &str) -> Option<Intrinsic> {
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

/// The stub that boxes the float in FSCRATCH into the scratch register and keeps all other registers: it never collects, so nobody walks
/// its frame.
pub(super) fn box_float_code<M: MacroAssembler>(
    function: usize,
    counter: Option<Counter>,
) -> Result<crate::asm::masm::Assembled, TooFar> {
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
    if let Some(counter) = counter {
        // The float is kept where the result will be.
        asm.fstore(result, M::FSCRATCH);
        call_counter(&mut asm, counter);
        asm.fload(M::FSCRATCH, result);
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
    asm.scratch().load(result).return_from(0);
    asm.set_frame_size(prologue, (slot as u32).next_multiple_of(16));
    asm.finish()
}

impl From<TooFar> for CompileError {
    fn from(error: TooFar) -> CompileError {
        CompileError::Refused(error.to_string())
    }
}
