//! Stack traces: which functions an exception has left, and where.
//!
//! Owns the recording of return addresses while an exception unwinds, and their translation into functions and lines. The walk
//! over frames is the collector's (`gc/trace/walker.rs`).
//!
//! An exception that passes through Rust code (a builtin that called back) is thrown again from there: the trace goes on. One
//! that a handler has caught begins a new trace when it is thrown again, unless the very frame that caught it throws the same
//! value (`finally`, a `catch` that does not fit): then the first trace goes on too.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustc_hash::FxHashMap;

use super::locals::{Shown, Taken};
use super::probe;
use super::stop;
use super::tail_calls::{self, Body, Failed, Goal};
use crate::asm::code_map::Function;
use crate::gc::mutator::call::Landing;
use crate::gc::mutator::slow;
use crate::gc::{Handle, Thread};
use crate::reader::tree::{Node, NodeId, Source, Span, Unit};
use crate::runtime::program::code::Code;
use crate::runtime::program::linked::LinkedUnit;

/// At most so many frames are kept at the inner end of a stack …
const INNER: usize = 400;
/// … and so many at its outer end.
const OUTER: usize = 100;

/// The frames that the exception on its way has left, innermost first. Whose trace it is stands in the thread
/// ([`Thread::is_traced`]): it keeps nothing alive.
#[derive(Default, Debug)]
pub struct Trace {
    /// Return addresses: the inner ones.
    inner: Vec<usize>,
    /// The outer ones, as a ring.
    outer: Vec<usize>,
    outer_next: usize,
    /// How many there were between.
    skipped: usize,
    /// The frame that has caught the exception, 0 while nobody has, and the function that it was of: another call may have
    /// its frame at the same place later.
    caught_by: usize,
    caught_in: usize,
    /// The call that failed before it had a frame: the one on its way to `unwind`, and that of this exception.
    failing: Option<Failed>,
    failed: Option<Failed>,
    /// The function that Rust called, when the exception has left it, and nothing is known of what it jumped to.
    outermost: Option<Body>,
    /// The part of the innermost place that the exception is about, where it is known better than the place itself.
    focus: Option<Span>,
    /// The same for the exception that is about to be thrown.
    next_focus: Option<Span>,
    /// The stack of the thread that threw the exception, when it came here by `join`.
    elsewhere: Option<Arc<[TraceEntry]>>,
    /// The variables of its inner frames, when somebody may ask for them.
    pub(super) taken: Taken,
}

impl Trace {
    fn clear(&mut self, cx: &Thread) {
        self.taken.clear(cx);
        self.inner.clear();
        self.outer.clear();
        self.outer_next = 0;
        self.skipped = 0;
        self.caught_by = 0;
        self.caught_in = 0;
        self.failed = None;
        self.outermost = None;
        self.focus = None;
        self.elsewhere = None;
    }

    fn push(&mut self, address: usize) {
        if self.inner.len() < INNER {
            self.inner.push(address);
        } else if self.outer.len() < OUTER {
            self.outer.push(address);
        } else {
            self.outer[self.outer_next] = address;
            self.outer_next = (self.outer_next + 1) % OUTER;
            self.skipped += 1;
        }
    }

    /// Functions and places, innermost first.
    fn entries(&self, cx: &Thread) -> Vec<TraceEntry> {
        let mut entries = self.elsewhere.as_deref().unwrap_or_default().to_vec();
        if !entries.is_empty() {
            entries.push(TraceEntry::Joined);
        }
        let mut stack =
            Stack { cx, entries, below: self.failed.as_ref().map(Below::Failed), known: FxHashMap::default() };
        for (i, address) in self.inner.iter().enumerate() {
            stack.push(*address, self.focus.filter(|_| i == 0));
        }
        if self.skipped > 0 {
            stack.entries.push(TraceEntry::Skipped(self.skipped));
            stack.below = None;
        }
        let (late, early) = self.outer.split_at(self.outer_next);
        early.iter().chain(late).for_each(|address| stack.push(*address, None));
        if let Some(outermost) = &self.outermost {
            stack.jumps(outermost);
        }
        stack.entries
    }
}

/// Finds where the exception lands and notes the frames it leaves. Called by the `throw` stub while the present frame is an
/// exit frame. What goes on with a jump lands at the stub that carries it out.
///
/// # Safety
/// `cx` is the calling thread's context, and its exit frame is set.
pub unsafe extern "C" fn unwind(cx: *mut Thread) {
    // SAFETY: the caller's.
    let cx = unsafe {
        if (*cx).jumps() {
            let pc = (*cx).vm().stubs.jump;
            return (*cx).set_landing(Landing { pc, ..slow::departure(&*cx) });
        }
        slow::unwind(cx);
        &mut *cx
    };
    let landing = cx.landing();
    let propagates = landing.pc == cx.vm().stubs.propagate;
    stop::left_below(cx, landing.fp);
    let mut trace = cx.state().trace.borrow_mut();
    let same = cx.is_traced(cx.exception());
    let first = cx.innermost_frame(|frame| (frame.fp, frame.function.start)).unwrap_or((0, 0));
    let failing = trace.failing.take();
    let focus = trace.next_focus.take();
    let goes_on = same && (trace.caught_by == 0 || (trace.caught_by, trace.caught_in) == first);
    // The frame that throws again has been noted where it caught.
    let mut skip_first = goes_on && trace.caught_by != 0;
    if !goes_on {
        trace.clear(cx);
        trace.failed = failing;
        trace.focus = focus;
        cx.set_traced(Some(cx.exception()));
    }
    let takes = cx.vm().keeps_locals.load(Ordering::Relaxed);
    cx.frames(&mut |frame| {
        if frame.fp > landing.fp || propagates && frame.fp >= landing.fp {
            return ControlFlow::Break(());
        }
        if !std::mem::take(&mut skip_first) {
            trace.push(frame.return_address);
            if takes {
                trace.taken.take(cx, frame);
            }
        }
        trace.caught_in = frame.function.start;
        ControlFlow::Continue(())
    });
    trace.caught_by = if propagates { 0 } else { landing.fp };
    if !propagates {
        probe::landing(landing.fp, landing.pc);
    }
}

/// A function in a stack trace.
#[derive(Clone, Debug)]
pub struct TraceLine {
    /// `shapes/area`
    pub function: String,
    /// The text and the place of the call, when they are known.
    pub place: Option<(Arc<Source>, Span)>,
}

/// What a trace shows.
#[derive(Clone, Debug)]
pub enum TraceEntry {
    /// A function.
    Line(TraceLine),
    /// So many frames are left out.
    Skipped(usize),
    /// What stands before happened in another thread, what comes waited for it.
    Joined,
}

/// The trace of an exception, innermost frame first; empty when it never passed generated code.
pub fn of_exception(cx: &Thread, exception: Handle) -> Vec<TraceEntry> {
    let trace = cx.state().trace.borrow();
    if !cx.is_traced(cx.get(exception)) {
        return Vec::new();
    }
    trace.entries(cx)
}

/// The calls that wait in this thread, innermost first.
pub fn of_waiting(cx: &Thread) -> Vec<TraceEntry> {
    let mut trace = Trace::default();
    cx.frames(&mut |frame| {
        trace.push(frame.return_address);
        ControlFlow::Continue(())
    });
    trace.entries(cx)
}

/// The call with this number among them, of those that left a frame.
pub fn waiting_line(cx: &Thread, number: usize) -> Option<TraceLine> {
    let (mut found, mut at) = (None, 0);
    cx.frames(&mut |frame| {
        if at == number {
            let mut line = line_in(cx, frame.function, frame.return_address);
            let text = cx.vm().sources.get(frame.function.source).zip(frame.source_offset());
            if let (0, Some((_, place)), Some(((unit, _), offset))) = (number, &mut line.place, text) {
                // Not a failure: nothing of the statement has happened yet.
                *place = widest_at(&unit.unit, offset..offset);
            }
            found = Some(line);
            return ControlFlow::Break(());
        }
        at += 1;
        ControlFlow::Continue(())
    });
    found
}
/// What the next frame of a trace has called: that frame's own call says, or some function that it jumped to from there.
enum Below<'a> {
    Failed(&'a Failed),
    Frame(String),
}

/// A trace that is being written down.
struct Stack<'a> {
    cx: &'a Thread,
    entries: Vec<TraceEntry>,
    below: Option<Below<'a>>,
    /// What the call before a return address names, when that is one function: a recursion asks again and again.
    known: FxHashMap<usize, Option<&'static Code>>,
}

impl Stack<'_> {
    /// The frame that this return address leads to, behind those that jumped away on the way from there. `focus` is where it
    /// stands, when that is known better.
    fn push(&mut self, return_address: usize, focus: Option<Span>) {
        let cx = self.cx;
        let callee = *self.known.entry(return_address).or_insert_with(|| {
            let (unit, text) = text_at(cx, return_address)?;
            tail_calls::callee(cx, &unit, &text)
        });
        let direct = |code: &Code| matches!(&self.below, Some(Below::Frame(name)) if *code.name == **name);
        if let Some(body) = callee.filter(|code| !direct(code)).and_then(tail_calls::body) {
            self.jumps(&body);
        }
        let mut line = line(self.cx, return_address);
        if let (Some(focus), Some((_, span))) = (focus, &mut line.place) {
            *span = focus;
        }
        self.below = Some(Below::Frame(line.function.clone()));
        self.entries.push(TraceEntry::Line(line));
    }

    /// The jumps that lead from this function to what is below.
    fn jumps(&mut self, from: &Body) {
        let goal = match &self.below {
            Some(Below::Failed(failed)) => Goal::Failed(failed),
            Some(Below::Frame(name)) => Goal::Frame(name),
            None => return,
        };
        let way = tail_calls::way(self.cx, from, &goal);
        self.entries.extend(way.into_iter().map(TraceEntry::Line));
    }
}

/// The call in the spill area, which is about to throw, has no frame.
pub(in crate::runtime) fn failing(cx: &Thread, call: Failed) {
    cx.state().trace.borrow_mut().failing = Some(call);
}

/// The pending exception has left a function that Rust called.
pub fn leaves(cx: &Thread, function: &Body) {
    if cx.is_traced(cx.exception()) {
        cx.state().trace.borrow_mut().outermost = Some(function.clone());
    }
}

/// The exception, which is about to be thrown here, was thrown by another thread, with this trace and these variables.
pub fn continue_from(cx: &Thread, exception: Handle, elsewhere: Arc<[TraceEntry]>, variables: Arc<[Shown]>) {
    let mut trace = cx.state().trace.borrow_mut();
    trace.clear(cx);
    trace.elsewhere = Some(elsewhere);
    trace.taken.continue_from(variables);
    cx.set_traced(Some(cx.get(exception)));
}

/// The exception that is thrown here next is about this part of the text of the innermost frame.
pub(in crate::runtime) fn focus_on(cx: &Thread, span: Span) {
    cx.state().trace.borrow_mut().next_focus = Some(span);
}

/// A trace that nobody adds to, while something else runs that throws errors of its own.
pub struct Aside {
    trace: Trace,
    held: Vec<Handle>,
    traced: Option<Handle>,
}

/// Sets the trace aside: the exception may be thrown again by who has caught it.
pub fn set_aside(cx: &Thread) -> Aside {
    let trace = cx.state().trace.take();
    Aside { trace, held: cx.set_held_aside(), traced: cx.traced().map(|value| cx.root(value)) }
}

/// Puts it back, in the place of what was recorded since.
pub fn put_back(cx: &Thread, aside: Aside) {
    cx.state().trace.replace(aside.trace);
    cx.hold_again(&aside.held);
    cx.set_traced(aside.traced.map(|value| cx.get(value)));
}

/// Forgets the trace.
pub fn forget(cx: &Thread) {
    cx.state().trace.borrow_mut().clear(cx);
    cx.set_traced(None);
}

/// Function and place of a return address.
fn line(cx: &Thread, return_address: usize) -> TraceLine {
    let view = cx.vm().code_map.view();
    match view.caller(return_address) {
        Some(function) => line_in(cx, function, return_address),
        None => TraceLine { function: "(code that is gone)".into(), place: None },
    }
}

/// Place of a return address in this function. The code map may be locked.
fn line_in(cx: &Thread, function: &Function, return_address: usize) -> TraceLine {
    let text = function.text_before(return_address);
    let unit = cx.vm().sources.get(function.source);
    let place = unit.zip(text).map(|((unit, _), text)| (unit.source().clone(), span_at(&unit.unit, text)));
    TraceLine { function: function.name.to_string(), place }
}

/// The text of a return address, and where in it that is.
fn text_at(cx: &Thread, return_address: usize) -> Option<(Arc<LinkedUnit>, Range<u32>)> {
    let view = cx.vm().code_map.view();
    let function = view.caller(return_address)?;
    let unit = cx.vm().sources.get(function.source).map(|(unit, _)| unit);
    unit.zip(function.text_before(return_address))
}

/// The text of the innermost frame, and where in it the frame stands.
pub(super) fn innermost_node(cx: &Thread) -> Option<(Arc<LinkedUnit>, Range<u32>)> {
    let node = cx.innermost_frame(|frame| {
        let (unit, _) = cx.vm().sources.get(frame.function.source)?;
        Some((unit, frame.text()?))
    });
    node.flatten()
}

/// The function of the library that the innermost frame is of: its name without its namespace, if everybody may know it.
pub(super) fn innermost_library_function(cx: &Thread) -> Option<String> {
    let name = cx.innermost_frame(|frame| {
        let (unit, _) = cx.vm().sources.get(frame.function.source)?;
        unit.source().is_library.then(|| frame.function.name.to_string())
    })??;
    let (_, name) = name.rsplit_once('/')?;
    (!name.starts_with('_') && !name.contains(':')).then(|| name.to_string())
}

/// Is it a function of the library that nobody but the library calls?
pub fn is_private(line: &TraceLine) -> bool {
    let library = line.place.as_ref().is_some_and(|(source, _)| source.is_library);
    library && line.function.rsplit_once('/').is_some_and(|(_, name)| name.starts_with('_'))
}

/// What is shown of the node whose code has failed: all of it, as far as its line goes. Of a `let` it is the pattern that can fail, of an
/// operator that goes on a chain (`a + b + c`) the sign and what is behind it: all of the chain begins at one place.
fn span_at(unit: &Unit, text: Range<u32>) -> Span {
    let unit = unit.as_written();
    let patterns = nodes_at(unit, &text).filter_map(|node| match unit.node(node) {
        Node::Let { pattern, .. } => Some(*pattern),
        Node::DefineGlobals(definition) => Some(definition.pattern),
        _ => None,
    });
    if let Some(pattern) = patterns.last() {
        return unit.pattern_spans[pattern.index()];
    }
    let widest = widest_at(unit, text.clone());
    let shown = Span { start: text.start, end: text.end };
    let links = nodes_at(unit, &text).filter_map(|node| match unit.node(node) {
        Node::Binary { left, .. } if widest == shown => link_of_chain(unit, shown, *left),
        _ => None,
    });
    links.last().unwrap_or(widest)
}

/// The sign and the right side of an operator whose left side is an operator that begins where it does.
fn link_of_chain(unit: &Unit, operation: Span, left: NodeId) -> Option<Span> {
    let goes_on = matches!(unit.node(left), Node::Binary { .. }) && unit.span(left).start == operation.start;
    let start = unit.span(left).end;
    let behind = unit.source.text.get(start as usize..operation.end as usize).filter(|_| goes_on)?;
    let sign = behind.trim_start_matches(|c: char| c.is_whitespace() || c == ')');
    Some(Span { start: operation.end - sign.len() as u32, end: operation.end })
}

/// The nodes that are this text; where only its start is known, those that begin there.
pub(super) fn nodes_at(unit: &Unit, text: &Range<u32>) -> impl Iterator<Item = NodeId> {
    let spans = unit.spans.iter().enumerate();
    let here = spans.filter(move |(_, s)| s.start == text.start && (text.is_empty() || s.end == text.end));
    here.map(|(n, _)| NodeId(n as u32))
}

/// The widest node on its line that starts where this text does and is a part of it (of all that start there, where no end is known).
fn widest_at(unit: &Unit, text: Range<u32>) -> Span {
    let unit = unit.as_written();
    let offset = text.start;
    let behind = unit.source.text.get(offset as usize..).unwrap_or_default();
    let line_end = offset + behind.find('\n').unwrap_or(behind.len()) as u32;
    let most = if text.is_empty() { line_end } else { line_end.min(text.end) };
    // What `&&` and `||` stand between fails, and not they.
    let fails = |node: &Node| !matches!(node, Node::And { .. } | Node::Or { .. });
    let here = unit.nodes.iter().zip(&unit.spans).filter(|(node, s)| s.start == offset && fails(node));
    let widest = here.map(|(_, s)| s.end).filter(|end| *end <= most).max();
    Span { start: offset, end: widest.unwrap_or(offset + 1) }
}

/// The place that an error is shown at: the innermost one in the program's own text, if there is one.
pub fn innermost(places: impl Iterator<Item = (Arc<Source>, Span)>) -> Option<(Arc<Source>, Span)> {
    let mut first = None;
    for place in places {
        if !place.0.is_library {
            return Some(place);
        }
        first.get_or_insert(place);
    }
    first
}

/// `file.hr:12:5` of the innermost Harrier frame in the program's own text; empty when there is none.
pub fn innermost_location(cx: &Thread) -> String {
    let mut places = Vec::new();
    let mut focus = cx.state().trace.borrow().next_focus;
    cx.frames(&mut |frame| {
        let mut place = line_in(cx, frame.function, frame.return_address).place;
        if let (Some(focus), Some((_, span))) = (focus.take(), &mut place) {
            *span = focus;
        }
        let found = place.as_ref().is_some_and(|(source, _)| !source.is_library);
        places.extend(place);
        if found || places.len() > INNER { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    innermost(places.into_iter()).map_or(String::new(), |(source, span)| {
        let (line, column) = source.line_column(span.start);
        format!("{}:{line}:{column}", source.name)
    })
}

/// The namespace of the innermost Harrier frame.
pub fn innermost_namespace(cx: &Thread) -> Option<&'static crate::runtime::Namespace> {
    let source = cx.innermost_frame(|frame| frame.function.source)?;
    Some(cx.vm().sources.get(source)?.0.namespace)
}
