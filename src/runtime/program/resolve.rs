//! What happens when a call reaches an entry that does not yet know where to go.
//!
//! Owns the resolvers behind the entries of code records, link cells and dispatch tables: they find the function, compile it,
//! pack rest arguments, or throw the ArityError or TypeError; and they store the answer where the next call finds it.
//!
//! Invariant: while a resolver runs, closure and arguments of the call are in the context (`closure_spill`, `arg_spill`) and
//! known to the collector as roots; what the resolver leaves there is what the target gets. Where the call goes is read last:
//! a [`Destination`] cannot be held over an allocation.

use crate::mutations::{Mutation, mutated};
use crate::runtime::fault::errors;
use crate::runtime::fault::explain;
use crate::runtime::program::instances;
use crate::runtime::values::foreign;
use crate::runtime::values::support::spread;
use std::sync::atomic::{Ordering, fence};

use super::code::{ArityInfo, CodeSource, Destination, MANY};
use super::dispatch::{MethodInfo, Table, TableKind, Target, takes_so_many};
use super::entry::{code_of, not_callable};
use super::types::{FieldInfo, LayoutInfo, TypeKind};
use crate::asm::memory::MemoryError;
use crate::gc::mutator::call::MAX_SPILLED;
use crate::gc::{Handle, Thread, Thrown};
use crate::object::{Word, layout};
use crate::runtime::Binding;
use crate::runtime::fault::advice;
use crate::runtime::fault::tail_calls::Failed;
use crate::runtime::fault::trace;
use crate::runtime::observe::observer;
use crate::runtime::program::errors::{ErrorKind, arity_message};
use crate::runtime::program::held::Held;
use crate::runtime::values::leaves;
use crate::runtime::{Code, Vm};
use crate::windows::window;

/// What a thunk resolves.
#[derive(Clone, Copy, Debug)]
pub enum Thunk {
    /// A function value is called with 6 or more arguments.
    Many,
    /// The link cell of a binding for this number of arguments.
    Link(&'static Binding, u32),
    /// An unresolved entry of a dispatch table.
    Dispatch(u32),
    /// `v.name(…)` where the layout has a field of that name: (table, slot).
    FieldCall(u32, u32),
}

/// Behind `entry[n]` of a code record.
///
/// # Safety
/// Called by a `resolve_stub` with the calling thread's context.
pub unsafe extern "C" fn entry(cx: *mut Thread, argc: u64) -> usize {
    // SAFETY: the caller's.
    let cx = unsafe { &mut *cx };
    let target = guarded(cx, "resolve_entry", |cx| resolve_value(cx, argc as usize));
    if target == 0 && !cx.jumps() {
        value_failed(cx, argc as usize);
    }
    target
}

/// Behind all thunks.
///
/// # Safety
/// Called by a `resolve_stub` with the calling thread's context.
pub unsafe extern "C" fn thunk(cx: *mut Thread, n: u64) -> usize {
    // SAFETY: the caller's.
    let cx = unsafe { &mut *cx };
    let target = guarded(cx, "resolve_thunk", |cx| -> Result<Destination<'_>, Thrown> {
        let Some(kind) = cx.vm().stubs.thunk_kind(n as u32) else {
            return Err(cx.throw(ErrorKind::InternalError, format!("there is no thunk {n}")));
        };
        match kind {
            Thunk::Many => {
                let argc = cx.arg_count();
                cx.set_spilled_roots(argc.min(MAX_SPILLED));
                resolve_value(cx, argc)
            }
            Thunk::Link(binding, argc) => {
                let null = cx.root_word(Word::NULL);
                cx.set_spilled_closure(null);
                cx.set_arg_count(argc as usize);
                cx.set_spilled_roots(argc as usize);
                super::link::resolve(cx, binding, argc as usize)
            }
            Thunk::Dispatch(table) => with_receiver(cx, table, dispatch),
            Thunk::FieldCall(table, slot) => with_receiver(cx, table, |cx, table| field_call(cx, table, slot as usize)),
        }
    });
    if target == 0 && !cx.jumps() {
        thunk_failed(cx, n as u32);
    }
    target
}

/// Behind `packed` of a code record: the rest arguments of the call are a vector.
///
/// # Safety
/// Called by a `resolve_stub` with the calling thread's context.
pub unsafe extern "C" fn call_packed(cx: *mut Thread, _: u64) -> usize {
    // SAFETY: the caller's.
    let cx = unsafe { &mut *cx };
    let target = guarded(cx, "resolve_packed", |cx| {
        let code = code_of(cx.spilled_closure());
        let Some((code, arity)) = code.and_then(|code| Some((code, code.rest()?))) else {
            return Err(cx.throw(ErrorKind::InternalError, "a function without a rest was called with one"));
        };
        let params = arity.params as usize;
        cx.set_arg_count(params + 1);
        cx.set_spilled_roots(params + 1);
        compiled(cx, code, arity, params)
    });
    if target == 0 && !cx.jumps() {
        value_failed(cx, cx.arg_count());
    }
    target
}

/// Says for the trace which call of a function value failed.
#[cold]
fn value_failed(cx: &Thread, argc: usize) {
    if let Some(code) = code_of(cx.spilled_closure()) {
        trace::failing(cx, Failed::Value(code.name.to_string(), argc));
    }
}

/// Says for the trace which call by a thunk failed.
#[cold]
fn thunk_failed(cx: &Thread, n: u32) {
    match cx.vm().stubs.thunk_kind(n) {
        Some(Thunk::Many) => value_failed(cx, cx.arg_count()),
        Some(Thunk::Link(binding, argc)) => {
            if let Some(code) = binding.get(cx).and_then(code_of) {
                trace::failing(cx, Failed::Value(code.name.to_string(), argc as usize));
            }
        }
        Some(Thunk::Dispatch(table) | Thunk::FieldCall(table, _)) => {
            if let Some(table) = cx.vm().dispatch.table(table) {
                trace::failing(cx, Failed::Dispatch(table.kind, table.argc as usize));
            }
        }
        None => {}
    }
}

fn guarded(
    cx: &mut Thread,
    name: &str,
    f: impl for<'h> FnOnce(&'h mut Thread) -> Result<Destination<'h>, Thrown>,
) -> usize {
    (observer().resolves)(cx, name);
    let mark = cx.mark();
    let word = crate::runtime::boundary(cx, name, |cx| f(cx).map(|target| Word(target.address() as u64)));
    cx.release(mark);
    if word == Word::THROWN { 0 } else { word.0 as usize }
}

fn with_receiver(
    cx: &mut Thread,
    table: u32,
    f: impl for<'h> FnOnce(&'h mut Thread, &'static Table) -> Result<Destination<'h>, Thrown>,
) -> Result<Destination<'_>, Thrown> {
    let Some(table) = cx.vm().dispatch.table(table) else {
        return Err(cx.throw(ErrorKind::InternalError, format!("there is no dispatch table {table}")));
    };
    let null = cx.root_word(Word::NULL);
    cx.set_spilled_closure(null);
    cx.set_arg_count(table.argc as usize);
    cx.set_spilled_roots(table.argc as usize);
    f(cx, table)
}

/// Where the call of the function value in `closure_spill` goes.
fn resolve_value(cx: &mut Thread, argc: usize) -> Result<Destination<'_>, Thrown> {
    let closure = cx.root(cx.spilled_closure());
    match code_of(cx.get(closure)) {
        Some(code) => resolve_code(cx, code, argc),
        None => Err(not_callable(cx, closure)),
    }
}

/// Where a call of this code with the arguments in the spill area goes. Stores the answer when it holds for all such calls.
pub(super) fn resolve_code<'h>(
    cx: &'h mut Thread,
    code: &'static Code,
    argc: usize,
) -> Result<Destination<'h>, Thrown> {
    let vm = cx.vm();
    let target = match &code.source {
        CodeSource::Builtin(builtin) => {
            if !builtin.accepts(argc) {
                return Err(errors::builtin_arity(cx, builtin, argc));
            }
            with_memory(cx, || vm.stubs.builtin(&vm.publisher, *builtin, argc))?
        }
        CodeSource::Method(method) => {
            if code.arity_for(argc).is_none() {
                return Err(arity_error(cx, code, argc));
            }
            let table = with_memory(cx, || vm.dispatch.method_table(vm, method, argc as u32))?;
            let target = with_memory(cx, || table.dispatcher(vm))?;
            if argc >= MANY {
                return Ok(Destination::new(cx, target));
            }
            target
        }
        CodeSource::Function { .. } => match code.arity_for(argc) {
            None => return Err(arity_error(cx, code, argc)),
            Some(arity) if arity.rest => {
                let params = arity.params as usize;
                let stub = with_memory(cx, || vm.stubs.packing(&vm.publisher, params, argc))?;
                if let Some(stub) = stub {
                    window();
                    code.entry[argc].store(stub, Ordering::Release);
                }
                return packed(cx, code, arity, argc);
            }
            // Whoever compiles it stores the entry too.
            Some(arity) => return compiled(cx, code, arity, argc),
        },
    };
    window();
    code.entry[argc.min(MANY)].store(target, Ordering::Release);
    Ok(Destination::new(cx, target))
}

/// Packs the rest arguments of the call in the spill area into a vector.
fn packed<'h>(
    cx: &'h mut Thread,
    code: &'static Code,
    arity: &ArityInfo,
    argc: usize,
) -> Result<Destination<'h>, Thrown> {
    let params = arity.params as usize;
    let early = code.body(arity).filter(|_| mutated(Mutation::BodyHeld));
    // Where the allocation buffer has room, nothing need be rooted for it.
    let rest = match leaves::collections::spilled_vector(cx, params, argc).map(|rest| cx.root(rest)) {
        Some(rest) => rest,
        None => {
            let surplus: Vec<Handle> = (params..argc).map(|i| cx.root(cx.spilled_arg(i))).collect();
            foreign::vector_of(cx, &surplus)?
        }
    };
    cx.set_spilled_arg(params, cx.get(rest));
    cx.set_arg_count(params + 1);
    cx.set_spilled_roots(params + 1);
    if let Some(body) = early {
        return Ok(Destination::new(cx, body));
    }
    compiled(cx, code, arity, params)
}

/// The body of an arity, which is compiled if need be; so many arguments in the spill area give hints.
pub(super) fn compiled<'h>(
    cx: &'h mut Thread,
    code: &'static Code,
    arity: &ArityInfo,
    observable: usize,
) -> Result<Destination<'h>, Thrown> {
    loop {
        if let Some(body) = code.body(arity) {
            window();
            return Ok(Destination::new(cx, body));
        }
        // Another thread may make the function forget this body at once.
        (cx.vm().compiler)(cx, code, arity, observable)?;
    }
}

/// The error of a wrong number of arguments.
#[cold]
pub(super) fn arity_error(cx: &mut Thread, code: &Code, argc: usize) -> Thrown {
    match code.builtin() {
        Some(builtin) => errors::builtin_arity(cx, builtin, argc),
        None => arity_misfit(cx, &code.name, &code.takes(), argc),
    }
}

/// The error of a wrong number of arguments for what is called so and takes these numbers.
#[cold]
fn arity_misfit(cx: &mut Thread, name: &str, takes: &[(usize, bool)], argc: usize) -> Thrown {
    let help = match name.strip_prefix("core/") {
        Some(name) => advice::arity(name, argc),
        None => advice::callback(cx, takes, argc),
    };
    cx.throw(ErrorKind::ArityError, arity_message(&advice::function_name(name), takes, argc) + &help)
}

/// What publishes code. Where the system refuses memory, what nobody can reach any more may make room: it is tried once more
/// after a collection.
pub(super) fn with_memory<T>(cx: &mut Thread, make: impl Fn() -> Result<T, MemoryError>) -> Result<T, Thrown> {
    if let Ok(made) = make() {
        return Ok(made);
    }
    cx.vm().reclaim.search(cx);
    make().map_err(|error| no_memory(cx, error))
}

/// The error of code memory that is used up.
#[cold]
pub(super) fn no_memory(cx: &mut Thread, error: MemoryError) -> Thrown {
    cx.throw(ErrorKind::OutOfMemory, error.to_string())
}

// ---- apply ----

/// Behind `apply` with so many arguments.
///
/// # Safety
/// Called by a `resolve_stub` with the calling thread's context.
pub unsafe extern "C" fn apply(cx: *mut Thread, argc: u64) -> usize {
    // SAFETY: the caller's.
    let cx = unsafe { &mut *cx };
    guarded(cx, "apply", |cx| applied(cx, argc as usize))
}

/// Behind `apply` with 6 or more arguments, whose number is in the context.
///
/// # Safety
/// As for [`apply`].
pub unsafe extern "C" fn apply_many(cx: *mut Thread, _: u64) -> usize {
    // SAFETY: the caller's.
    let cx = unsafe { &mut *cx };
    guarded(cx, "apply", |cx| {
        let argc = cx.arg_count();
        applied(cx, argc)
    })
}

/// Where `apply` with the arguments in the spill area goes: to the function, with the elements of the collection.
fn applied(cx: &mut Thread, argc: usize) -> Result<Destination<'_>, Thrown> {
    let args: Vec<Handle> = (0..argc.min(MAX_SPILLED)).map(|i| cx.root(cx.spilled_arg(i))).collect();
    // Going through the collection may run the program, whose calls use the spill area, too.
    cx.forget_spilled();
    let list = spread(cx, &args)?;
    let function = args[0];
    let Some(code) = code_of(cx.get(function)) else { return Err(not_callable(cx, function)) };
    if mutated(Mutation::CallsAtTheEnd) {
        let result = cx.call(function, &list)?;
        cx.spill(function, &[result]);
        return Ok(Destination::new(cx, cx.vm().stubs.give));
    }
    if list.len() <= MAX_SPILLED {
        cx.spill(function, &list);
        return Ok(Destination::new(cx, code.entry[list.len().min(MANY)].load(Ordering::Acquire)));
    }
    if let Some(builtin) = code.builtin() {
        let result = crate::runtime::program::builtin::call(cx, builtin, &list)?;
        cx.spill(function, &[result]);
        return Ok(Destination::new(cx, cx.vm().stubs.give));
    }
    let (arity, packed) = super::entry::pack_many(cx, code, &list)?;
    cx.spill(function, &packed);
    compiled(cx, code, arity, 0)
}

// ---- dispatch ----

/// What a dispatch finds.
enum Found {
    Code(Held),
    Builtin(&'static crate::runtime::Builtin),
    Field(usize),
    /// A field that the present declaration has, and the object was made without.
    Added(&'static FieldInfo),
    /// A method that is declared with these other numbers of arguments.
    Misfit(&'static MethodInfo, Vec<(usize, bool)>),
    Nothing,
}

fn dispatch<'h>(cx: &'h mut Thread, table: &'static Table) -> Result<Destination<'h>, Thrown> {
    let vm = cx.vm();
    let layout = cx.spilled_arg(0).layout();
    let argc = table.argc as usize;
    if layout == layout::TYPE
        && let TableKind::Selector(name) = table.kind
    {
        return of_type(cx, table, name);
    }
    let version = vm.dispatch.version();
    let found = find(cx, table, true);
    match found {
        Found::Nothing => Err(no_implementation(cx, table)),
        Found::Field(slot) => {
            let thunk = with_memory(cx, || {
                let slot = slot as u32;
                vm.stubs.shared_thunk(&vm.publisher, (table.index, slot), Thunk::FieldCall(table.index, slot))
            })?;
            table.resolved(&vm.dispatch, version, layout, thunk, || true);
            Ok(Destination::new(cx, thunk))
        }
        Found::Added(field) => {
            // The default runs the program, whose calls use the spill area, too.
            let spill = cx.save_spill();
            let object = cx.root(cx.spilled_arg(0));
            let held = super::present::added_value(cx, object, field)?;
            cx.restore_spill(spill);
            call_held(cx, table, held)
        }
        found => {
            let (target, stable) = call_found(cx, &found, argc)?;
            let address = target.address();
            if stable {
                table.resolved(&vm.dispatch, version, layout, address, || is_body(&found, argc, address));
            }
            // A method of `core` in tail position was called, for it might have been the builtin.
            match table.kind {
                TableKind::Method(method) if method.builtin().is_some() && matches!(found, Found::Code(_)) => {
                    Err(cx.jump_to(address))
                }
                _ => Ok(Destination::new(cx, address)),
            }
        }
    }
}

/// Is what was found no function, or one whose body is at this address? It knows afterwards that tables may hold it.
fn is_body(found: &Found, argc: usize, address: usize) -> bool {
    let Found::Code(held) = found else { return true };
    let code = held.code();
    code.in_tables.store(true, Ordering::Release);
    // As in `Code::publish`: stored, then looked. `Code::reset` takes the body away, and then looks whether tables hold it.
    fence(Ordering::SeqCst);
    code.exact(argc).and_then(|arity| code.body(arity)) == Some(address)
}

/// Where a call of what was found goes, and whether that holds for all such calls.
fn call_found<'h>(cx: &'h mut Thread, found: &Found, argc: usize) -> Result<(Destination<'h>, bool), Thrown> {
    let vm = cx.vm();
    match found {
        Found::Builtin(builtin) => {
            if !builtin.accepts(argc) {
                return Err(errors::builtin_arity(cx, builtin, argc));
            }
            let stub = with_memory(cx, || vm.stubs.builtin(&vm.publisher, *builtin, argc))?;
            // The stub for many arguments reads their number from the context, which a dispatch does not set.
            Ok((Destination::new(cx, stub), argc < MANY))
        }
        Found::Code(held) => {
            let code = held.code();
            match code.arity_for(argc) {
                None => Err(arity_error(cx, code, argc)),
                Some(arity) if arity.rest => Ok((packed(cx, code, arity, argc)?, false)),
                Some(arity) => Ok((compiled(cx, code, arity, argc)?, true)),
            }
        }
        Found::Misfit(method, takes) => Err(arity_misfit(cx, &method.qualified, takes, argc)),
        Found::Field(_) | Found::Added(_) | Found::Nothing => {
            Err(cx.throw(ErrorKind::InternalError, "a dispatch that found nothing was called"))
        }
    }
}

/// `v.name(…)` where v has a field of that name: a function in the field is called with the other arguments.
fn field_call<'h>(cx: &'h mut Thread, table: &'static Table, slot: usize) -> Result<Destination<'h>, Thrown> {
    let field = cx.root(cx.spilled_arg(0).slot(slot));
    call_held(cx, table, field)
}

/// The same with what the field holds.
fn call_held<'h>(cx: &'h mut Thread, table: &'static Table, field: Handle) -> Result<Destination<'h>, Thrown> {
    let argc = table.argc as usize;
    let Some(code) = code_of(cx.get(field)) else {
        let found = find(cx, table, false);
        if matches!(found, Found::Nothing) {
            if cx.get(field).is_null() {
                return Err(not_callable(cx, field));
            }
            let (what, name) = (cx.describe(field), table.name());
            let message = format!(
                "{what} cannot be called: it is not a function; without the parentheses `v.{name}` reads the field"
            );
            return Err(cx.throw(ErrorKind::TypeError, message));
        }
        return Ok(call_found(cx, &found, argc)?.0);
    };
    Ok(without_receiver(cx, field, code, argc))
}

/// `T.name(…)`, where T is a type: its own function with the other arguments; else what types themselves have. All types share
/// a layout, so a table cannot hold the answer: code that knows T by its name does not come here.
fn of_type<'h>(cx: &'h mut Thread, table: &'static Table, name: &'static str) -> Result<Destination<'h>, Thrown> {
    let argc = table.argc as usize;
    let type_ = instances::type_behind(cx.spilled_arg(0));
    let own = type_.and_then(|t| cx.vm().dispatch.associated(Target { type_: t.id, variant: None }, name));
    if let Some((code, binding)) = own
        && let Some(function) = binding.get(cx).map(|f| cx.root(f))
    {
        return Ok(without_receiver(cx, function, &code, argc));
    }
    match find(cx, table, true) {
        Found::Nothing => Err(no_implementation(cx, table)),
        found => Ok(call_found(cx, &found, argc)?.0),
    }
}

/// The call of a function with all arguments but the first.
fn without_receiver<'h>(cx: &'h mut Thread, function: Handle, code: &Code, argc: usize) -> Destination<'h> {
    for i in 1..argc {
        let value = cx.root(cx.spilled_arg(i));
        cx.set_spilled_arg(i - 1, cx.get(value));
    }
    cx.set_spilled_closure(function);
    cx.set_arg_count(argc - 1);
    cx.set_spilled_roots(argc - 1);
    Destination::new(cx, code.entry[(argc - 1).min(MANY)].load(Ordering::Acquire))
}

/// What runs for the value in the spill area.
fn find(cx: &Thread, table: &'static Table, fields: bool) -> Found {
    let vm = cx.vm();
    let Some(layout) = vm.types.layout(cx.spilled_arg(0).layout()) else { return Found::Nothing };
    let whole = Target { type_: layout.type_, variant: None };
    let targets: &[Target] = &match layout.variant {
        Some(variant) => [Target { type_: layout.type_, variant: Some(variant) }, whole],
        None => [whole, whole],
    };
    match table.kind {
        TableKind::Method(method) if method.is_gone() => Found::Nothing,
        TableKind::Method(method) => of_methods(vm, &[method], layout, targets, table.argc as usize),
        TableKind::Selector(name) => {
            if fields && let Some(slot) = layout.slot(name) {
                return Found::Field(slot);
            }
            if fields && let Some(added) = super::present::added_field(cx, layout, name) {
                return Found::Added(added);
            }
            let argc = table.argc as usize;
            let own =
                || targets.iter().filter_map(|target| vm.dispatch.associated(*target, name)).map(|(code, _)| code);
            if let Some(code) = own().find(|code| code.accepts(argc)) {
                return Found::Code(code);
            }
            // Of a function that takes another number of arguments it is said what it takes, unless a method fits.
            match (of_methods(vm, &vm.dispatch.methods_named(name), layout, targets, argc), own().next()) {
                (Found::Builtin(builtin), Some(code)) if !builtin.accepts(argc) => Found::Code(code),
                (Found::Misfit(..) | Found::Nothing, Some(code)) => Found::Code(code),
                (found, _) => found,
            }
        }
    }
}

/// What these methods of one name run for a value of the layout. Those that are declared with so many arguments come first, whose
/// implementations, and then defaults, are for this number; of the others it is said what they take.
fn of_methods(vm: &Vm, methods: &[&'static MethodInfo], layout: &LayoutInfo, targets: &[Target], argc: usize) -> Found {
    let builtin_type = vm.types.get(layout.type_).kind == TypeKind::Builtin;
    let (fitting, others): (Vec<_>, Vec<_>) = methods.iter().copied().partition(|method| method.declares(argc));
    let implementation = |method: &MethodInfo, target: &Target| vm.dispatch.implementation(*target, method.id);
    // What implements only some arities of a method leaves the others to the enum's implementation and the default.
    for target in targets {
        let mut codes = fitting.iter().filter_map(|method| implementation(method, target));
        if let Some(code) = codes.find(|code| code.accepts(argc)) {
            return Found::Code(code);
        }
    }
    let fallback = |method: &MethodInfo| {
        let builtin = method.builtin();
        let default = || method.default().filter(|code| code.accepts(argc)).map(|code| Found::Code(Held::new(code)));
        let for_type = builtin.filter(|_| builtin_type).map(Found::Builtin);
        for_type.or_else(default).or_else(|| builtin.filter(|_| method.builtin_for_all()).map(Found::Builtin))
    };
    if let Some(found) = fitting.iter().find_map(|method| fallback(method)) {
        return found;
    }
    // What implements one that was declared with so many arguments before is none of the present method.
    let misfit = targets.iter().find_map(|target| others.iter().find(|m| implementation(m, target).is_some()));
    let misfit = misfit.or_else(|| others.iter().find(|m| m.default().is_some()).filter(|_| fitting.is_empty()));
    if let Some(method) = misfit {
        let takes = method.declared();
        return match takes_so_many(&takes, argc) {
            // It has been declared anew since.
            true => of_methods(vm, methods, layout, targets, argc),
            false => Found::Misfit(method, takes),
        };
    }
    let builtin = |m: &&MethodInfo| m.builtin().filter(|_| builtin_type || m.builtin_for_all());
    others.iter().filter(|_| fitting.is_empty()).find_map(builtin).map_or(Found::Nothing, Found::Builtin)
}

#[cold]
fn no_implementation(cx: &mut Thread, table: &'static Table) -> Thrown {
    let receiver = cx.root(cx.spilled_arg(0));
    let what = cx.describe(receiver);
    let type_name = cx.vm().types.name_of(cx.get(receiver));
    let lacks = |method: &MethodInfo| {
        let (name, protocol, which) = (method.name, method.protocol_name, arity_words(method, table.argc));
        format!("{name}: {type_name} does not implement {protocol}{which} (called with {what})")
    };
    let message = match table.kind {
        TableKind::Method(method) if method.is_gone() => {
            format!("{}: {} has no such method any more (called with {what})", method.name, method.protocol_name)
        }
        TableKind::Method(method) => lacks(method),
        TableKind::Selector(name) => {
            let value = cx.get(receiver);
            if let Some(type_) = instances::type_behind(value).filter(|_| value.is(layout::TYPE)) {
                format!("{} has no function {name}{}", type_.name, explain::own_functions(cx, type_, name))
            } else {
                explain::focus_on_method(cx, name);
                let value = cx.get(receiver);
                let methods = cx.vm().dispatch.methods_named(name);
                let fitting = methods.iter().find(|method| method.declares(table.argc as usize));
                match fitting.or(methods.first()) {
                    // As it would fail when it were called as a function.
                    Some(method) => lacks(method),
                    None => {
                        let help = explain::method_help(cx, value, name, table.argc as usize);
                        format!("{type_name} has no function or field {name} (called on {what}){help}")
                    }
                }
            }
        }
    };
    cx.throw(ErrorKind::TypeError, message)
}

/// Which of a method's declarations is meant, when there are several: a type may implement some of them.
fn arity_words(method: &MethodInfo, argc: u32) -> String {
    match method.declared().len() {
        0 | 1 => String::new(),
        _ => format!(" for {argc} argument{}", if argc == 1 { "" } else { "s" }),
    }
}
