//! From a function of a unit to published code.
//!
//! Owns what is done before and after the generator runs: having its questions answered (`link.rs`), turning what the
//! first call showed into hints, publishing the code and registering what is known of it. Must not know how code looks.
//!
//! Invariant: code is registered in the code map before its address is known to anybody (`asm/publish.rs`).

pub mod ahead;
mod answers;
pub mod dump;
pub(crate) mod link;
pub mod reclaim;
mod results;
pub mod sites;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::vm::Vm;
use crate::asm::Host;
use crate::asm::code_map::Function;
use crate::asm::lines::Lines;
use crate::asm::masm::TooFar;
use crate::asm::publish::Piece;
use crate::codegen::facts::Seen;
use crate::codegen::failure::GivenUp;
use crate::codegen::{self, Generated};
use crate::gc::mutator::activity::Activity;
use crate::gc::mutator::call::MAX_SPILLED;
use crate::gc::{Thread, Thrown, Value};
use crate::object::layout;
use crate::reader::tree::FunctionId;
use crate::runtime::fault::stop;
use crate::runtime::observe::{self, Why, observer};
use crate::runtime::program::code::{ArityInfo, Code, CompileError, CompiledCode};
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::program::linked::LinkedUnit;
use crate::runtime::values::text::room;
use crate::stack;
use crate::windows::window;
use ahead::Ahead;
use answers::Answers;
use link::RuntimeLink;
use reclaim::{Chunk, Owned, Place};

/// Hints look this deep into objects, and at so many slots.
const HINT_DEPTH: u32 = 3;
const HINT_SLOTS: usize = 16;

/// Gives an arity a body: one that was compiled ahead, or a new one. This is the generator that a machine is started with.
pub fn compile(cx: &mut Thread, code: &'static Code, arity: &ArityInfo, observable: usize) -> Result<(), Thrown> {
    let Some((unit, function)) = code.function() else {
        return Err(cx.throw(ErrorKind::InternalError, format!("{} has no text", code.name)));
    };
    let hints = hints(cx, observable);
    let captured = link::captured(cx, code);
    if let Some((body, resets)) = ahead::take(code, arity, &hints, &captured) {
        window();
        code.publish(cx, arity, body, resets);
        return Ok(());
    }
    let resets = code.resets.load(Ordering::SeqCst);
    reclaim::now_and_then(cx);
    let mut made = new_body(cx, unit, function, arity.index as usize, code, &hints);
    if let Err(CompileError::Full(_)) = made {
        // What nobody can reach any more may make room.
        cx.vm().reclaim.search(cx);
        made = new_body(cx, unit, function, arity.index as usize, code, &hints);
    }
    match made {
        Ok(made) => {
            window();
            code.publish(cx, arity, made.address, resets);
            Ok(())
        }
        Err(CompileError::Thrown(thrown)) => Err(thrown),
        Err(CompileError::Refused(why) | CompileError::Full(why)) => {
            Err(cx.throw(ErrorKind::CompileError, format!("cannot compile {}: {why}", code.name)))
        }
    }
}

/// What the arguments in the spill area show.
fn hints(cx: &Thread, argc: usize) -> Vec<Seen> {
    (0..argc.min(MAX_SPILLED)).map(|i| hint(cx.spilled_arg(i))).collect()
}

/// Compiles and publishes one arity, and perhaps functions that are likely to be called next.
fn new_body(
    cx: &mut Thread,
    unit: &Arc<LinkedUnit>,
    function: FunctionId,
    arity: usize,
    code: &'static Code,
    hints: &[Seen],
) -> Result<CompiledCode, CompileError> {
    let mark = cx.mark();
    let _busy = cx.busy(Activity::Compiling);
    let started = (observer().watches_compilation)().then(Instant::now);
    let mut bodies = vec![generate(cx, unit, function, arity, code, hints)?];
    compile_ahead(cx, unit, function, hints, &mut bodies);
    reclaim::made(cx.vm(), bodies.len());
    if started.is_some() {
        bodies.iter().for_each(|body| note(unit, arity, body));
    }
    let made = publish(cx.vm(), unit, bodies);
    if let Some(started) = started {
        (observer().waited)(&code.name, started.elapsed());
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
    (observer().compiled)(&observe::Body {
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
    let about = &code.arities.iter().find(|about| about.index as usize == arity).expect("an arity of the function");
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
        takes_marked: about.takes_marked.load(Ordering::Acquire),
        unsettled: false,
        failed: None,
    };
    let started = (observer().watches_compilation)().then(Instant::now);
    let generated = codegen::generate::<Host>(&mut link, &unit.unit, function, arity, hints);
    let took = started.map_or(Duration::ZERO, |started| started.elapsed());
    let RuntimeLink { cx, owned, failed, unsettled, .. } = link;
    let why = match generated {
        Ok(generated) => {
            // Before anybody can call it.
            if generated.takes_marked {
                about.takes_marked.store(true, Ordering::Release);
            }
            return Ok(Body { took, code, function, generated, owned, resets, unsettled });
        }
        Err(why) => why,
    };
    reclaim::free(vm, owned);
    Err(match why {
        GivenUp::NoStack => CompileError::Thrown(cx.stack_overflow()),
        GivenUp::NoMemory => CompileError::Thrown(room::out_of_memory(cx, "the code of a function")),
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
    (matches!(array.layout(), layout::ARRAY | layout::NODE) && array.array_len() > 0)
        .then(|| array.slot(layout::ARRAY_ELEMENTS))
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
        layout::VECTOR => {
            first_of(value.slot(layout::VECTOR_TAIL)).map(|v| hint_of(v, depth - 1)).into_iter().collect()
        }
        _ if id >= layout::FIRST_USER_LAYOUT => {
            let fields = value.thread().vm().types.layout(id).map_or(0, |l| l.fields.len());
            (0..fields.min(HINT_SLOTS)).map(|i| hint_of(value.slot(i), depth - 1)).collect()
        }
        _ => Vec::new(),
    };
    Seen::Object(id, slots)
}

impl From<TooFar> for CompileError {
    fn from(error: TooFar) -> CompileError {
        CompileError::Refused(error.to_string())
    }
}
