//! `breakpoint()`: a place where a program stops for somebody to look at it. And the steps from there to the next stop.
//!
//! Owns who is asked there, what is told where nobody can be, which texts get stops before all their statements (`reader/stops.rs`), and
//! which of these stop at the moment. Who is asked says so ([`ask`]): this room knows no prompt. What a stopped program can be asked is in
//! `locals.rs` and `trace.rs`.
//!
//! A step ends by the frame that comes to a stop: that of the function that is stepped through, or one outside of it, has an address at
//! least as high, for stacks grow downwards. While somebody steps, functions with stops keep their frames in tail position as well.
//!
//! Only the thread stops that the program began in: it is the one that the interrupt key interrupts, and there is one terminal. Others
//! go on, as all do where nobody was ever to be asked.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::tail_calls::Body;
use super::trace;
use crate::gc::{Handle, Thread, Thrown};
use crate::locks::Mutex;
use crate::reader::stops;
use crate::reader::tree::{GlobalRef, Span, Unit};
use crate::runtime::system::console;
use crate::runtime::vm::Vm;

/// How the program goes on.
#[derive(Debug)]
pub enum GoesOn {
    /// Behind the breakpoint.
    Behind,
    /// In the caller of the function that has come to it, which gives this value: see [`can_return`].
    Returns(Handle),
}

/// Why a program has stopped.
#[derive(Clone, Copy, Debug)]
pub enum Reason {
    /// It has come to a breakpoint.
    Breakpoint,
    /// A step has ended.
    Step,
    /// The function that was to be finished is about to be left, with this value …
    Left(Handle),
    /// … or has been left by an error.
    Thrown,
    /// This error is about to be thrown.
    Error(Handle),
}

/// Looks at the program that is stopped here, and comes back when it is to go on.
pub type Asked = fn(&mut Thread, Reason) -> Result<GoesOn, Thrown>;

/// What is told of a place that was passed begins so.
pub const PASSED: &str = "harrier: passed the breakpoint at ";
/// Of so many places it is told that they were passed.
const PLACES: usize = 100;

/// What is known of breakpoints.
#[derive(Default)]
pub struct Breakpoints {
    /// Who is asked, in the thread with this number.
    asked: OnceLock<(u64, Asked)>,
    /// The places that were passed.
    passed: Mutex<HashSet<String>>,
    /// Errors stop where they are thrown.
    errors: AtomicBool,
    /// So many talks about a stopped program are going on.
    talks: AtomicUsize,
    /// Somebody steps.
    steps: AtomicBool,
    step: Mutex<Step>,
}

/// A step that has not ended.
#[derive(Clone, Copy, Default)]
struct Step {
    /// It ends in frames at this address and above.
    from: usize,
    /// The frame of the function that is to be finished; an address that no frame has, when an error has left that.
    finishes: Option<usize>,
}

/// Somebody is there who is asked, in this thread.
pub fn ask(cx: &Thread, asked: Asked) {
    let _first = cx.vm().breakpoints.asked.set((cx.id(), asked));
}

/// Is this the thread that stops?
pub fn somebody_is_asked(cx: &Thread) -> bool {
    cx.vm().breakpoints.asked.get().is_some_and(|(thread, _)| *thread == cx.id())
}

/// The declarations of a text that is loaded which get stops: those that call `breakpoint()`, if somebody can be asked there. What is
/// compiled from now on says where its variables live then.
pub(in crate::runtime) fn declarations(vm: &Vm, unit: &Unit) -> Vec<Span> {
    let calls = |global: &&GlobalRef| unit.name(global.name) == stops::BREAKPOINT;
    let calls: Vec<Span> = unit.globals.iter().filter(calls).map(|global| global.span).collect();
    if vm.breakpoints.asked.get().is_none() || calls.is_empty() || unit.source.is_library {
        return Vec::new();
    }
    keep_variables(vm);
    stops::declarations(unit, &|around| calls.iter().any(|call| around.start <= call.start && call.end <= around.end))
}

/// What is compiled from now on says where its variables live.
pub(in crate::runtime) fn keep_variables(vm: &Vm) {
    vm.keeps_variables.store(true, Ordering::Relaxed);
}

/// The program has come to a breakpoint.
pub fn breakpoint(cx: &mut Thread) -> Result<(), Thrown> {
    match cx.vm().breakpoints.asked.get() {
        Some((thread, _)) if *thread == cx.id() => stop(cx, Reason::Breakpoint),
        Some(_) => pass(cx, "only the thread that the program began in stops"),
        None => pass(cx, "it stops where stdin and stdout are a terminal"),
    }
}

/// From now on errors stop where they are thrown, whether something catches them or not; or they do not any more.
pub fn at_errors(cx: &Thread, stops: bool) {
    if stops {
        keep_variables(cx.vm());
    }
    if cx.vm().breakpoints.errors.swap(stops, Ordering::SeqCst) != stops {
        // What is compiled keeps its variables for what may throw, or does not.
        cx.vm().reclaim.reset_all(cx);
    }
}

/// Do they?
pub fn stops_at_errors(cx: &Thread) -> bool {
    cx.vm().breakpoints.errors.load(Ordering::Relaxed)
}

/// An error is about to be thrown. What goes wrong in what is typed while the program is stopped stops nobody.
pub fn error(cx: &mut Thread, error: Handle) -> Result<(), Thrown> {
    let talks = cx.vm().breakpoints.talks.load(Ordering::Relaxed) > 0;
    if !stops_at_errors(cx) || talks || !somebody_is_asked(cx) || cx.innermost_frame(|_| ()).is_none() {
        return Ok(());
    }
    // What is typed may declare something, too.
    if cx.vm().loader.is_declaring(cx) {
        return Ok(());
    }
    stop(cx, Reason::Error(error))
}

/// A talk about a stopped program: it is over when this is dropped, by a panic as well.
struct Talk<'v>(&'v AtomicUsize);

impl Talk<'_> {
    fn begin(talks: &AtomicUsize) -> Talk<'_> {
        talks.fetch_add(1, Ordering::Relaxed);
        Talk(talks)
    }
}

impl Drop for Talk<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Asks who is there to be asked.
fn stop(cx: &mut Thread, reason: Reason) -> Result<(), Thrown> {
    run(cx);
    let Some((_, asked)) = cx.vm().breakpoints.asked.get() else { return Ok(()) };
    let aside = trace::set_aside(cx);
    let talk = Talk::begin(&cx.vm().breakpoints.talks);
    let goes_on = asked(cx, reason);
    drop(talk);
    // What it throws, if it does, has no trace yet.
    let goes_on = goes_on?;
    trace::put_back(cx, aside);
    match goes_on {
        GoesOn::Behind => Ok(()),
        GoesOn::Returns(value) => return_value(cx, value),
    }
}

// ---- what the code of functions with stops asks ----

/// Does anybody step? If not, functions with stops need not ask anything else.
pub fn steps(cx: &Thread) -> bool {
    cx.vm().breakpoints.steps.load(Ordering::Relaxed)
}

/// The step that has not ended, where it may end in the function that asks, and the frame of that.
fn step_here(cx: &Thread) -> Option<(Step, usize)> {
    if !steps(cx) || !somebody_is_asked(cx) {
        return None;
    }
    let step = *crate::runtime::lock(&cx.vm().breakpoints.step);
    let frame = cx.innermost_frame(|frame| frame.fp)?;
    (frame >= step.from).then_some((step, frame))
}

/// The program has come to a statement of a function with stops.
pub fn statement(cx: &mut Thread) -> Result<(), Thrown> {
    match step_here(cx) {
        None => Ok(()),
        Some((Step { finishes: None, .. }, _)) => stop(cx, Reason::Step),
        Some((Step { finishes: Some(finished), .. }, frame)) if frame > finished => stop(cx, Reason::Thrown),
        Some(_) => Ok(()),
    }
}

/// Does the function stay where it calls in tail position, since somebody waits for it?
pub fn stays(cx: &Thread) -> bool {
    step_here(cx).is_some()
}

/// A function with stops is about to be left, with this value.
pub fn leaves(cx: &mut Thread, value: Handle) -> Result<(), Thrown> {
    match step_here(cx) {
        Some((Step { finishes: Some(finished), .. }, frame)) if frame == finished => stop(cx, Reason::Left(value)),
        Some((Step { from, finishes: None }, frame)) if frame == from => {
            // The next call of somebody else may have its frame here.
            begin(cx, Step { from: frame + 1, finishes: None });
            Ok(())
        }
        _ => Ok(()),
    }
}

/// An exception has left all frames below this address. Other functions may have theirs there from now on.
pub(super) fn left_below(cx: &Thread, landing: usize) {
    if !steps(cx) || !somebody_is_asked(cx) {
        return;
    }
    let mut step = crate::runtime::lock(&cx.vm().breakpoints.step);
    // A step into whichever function has no frame of its own.
    if step.from != 0 && step.from < landing {
        let finishes = step.finishes.map(|_| landing - 1);
        *step = Step { from: landing, finishes };
    }
}

// ---- what is said at a stop ----

/// The program runs to the next breakpoint.
pub fn run(cx: &Thread) {
    cx.vm().breakpoints.steps.store(false, Ordering::Relaxed);
}

fn begin(cx: &Thread, step: Step) {
    *crate::runtime::lock(&cx.vm().breakpoints.step) = step;
    cx.vm().breakpoints.steps.store(true, Ordering::Relaxed);
}

/// It runs to the next statement with a stop, in whichever function.
pub fn step(cx: &Thread) {
    begin(cx, Step::default());
}

/// It runs to the next statement with a stop in the function that waits as the one with this number, or in one that waits for that. None
/// of them has any where it is false, so that it runs on.
pub fn next(cx: &Thread, number: usize) -> bool {
    let frames = frames(cx, number);
    let from = frames.first().map_or(usize::MAX, |frame| frame.address);
    begin(cx, Step { from, finishes: None });
    frames.iter().any(|frame| frame.has_stops(cx))
}

/// It runs to where this function is left; false where that has no stops.
pub fn finish(cx: &Thread, number: usize) -> bool {
    let frames = frames(cx, number);
    let Some(frame) = frames.first().filter(|frame| frame.has_stops(cx)) else { return false };
    begin(cx, Step { from: frame.address, finishes: Some(frame.address) });
    true
}

/// The number of the function of the program's own that waits as the one with this number or for it, if there is one.
pub fn own(cx: &Thread, number: usize) -> Option<usize> {
    let is_own = |frame: &Waiting| frame.text(cx).is_some_and(|(unit, _)| !unit.source().is_library);
    frames(cx, number).iter().position(is_own).map(|behind| behind + number)
}

/// The text of the function that waits as the one with this number.
pub fn waiting(cx: &Thread, number: usize) -> Option<Body> {
    frames(cx, number).first().and_then(|frame| frame.text(cx))
}

/// A function that waits.
struct Waiting {
    address: usize,
    text: u32,
}

impl Waiting {
    fn text(&self, cx: &Thread) -> Option<Body> {
        cx.vm().sources.get(self.text)
    }

    fn has_stops(&self, cx: &Thread) -> bool {
        self.text(cx).is_some_and(|(unit, function)| stops::has_stops(&unit.unit, function))
    }
}

/// Those that wait, from the one with this number outwards.
fn frames(cx: &Thread, first: usize) -> Vec<Waiting> {
    let (mut frames, mut number) = (Vec::new(), 0);
    cx.frames(&mut |frame| {
        if number >= first {
            frames.push(Waiting { address: frame.fp, text: frame.function.source });
        }
        number += 1;
        ControlFlow::Continue(())
    });
    frames
}

/// Why the function that waits at a breakpoint cannot be left, if it cannot.
pub fn can_return(cx: &Thread) -> Result<(), &'static str> {
    match cx.innermost_frame(|frame| frame.safepoint.handler().is_some()) {
        None => Err("no function waits here"),
        Some(true) => {
            Err("a `try`, `finally` or `binding` is around the breakpoint, and would not be left as it should")
        }
        Some(false) => Ok(()),
    }
}

/// Leaves the function that has come to the breakpoint, with this value: a call of `identity` takes its place.
fn return_value(cx: &mut Thread, value: Handle) -> Result<(), Thrown> {
    let identity = cx.vm().namespaces.find("core").and_then(|core| core.member("identity"));
    let Some(identity) = identity.and_then(|identity| identity.get(cx)) else { return Ok(()) };
    let identity = cx.root(identity);
    let jumps = cx.jump(identity, &[value]).map(|_| ());
    if cx.jumps() {
        cx.leave_caller();
    }
    jumps
}

/// Goes on, and tells it for the first time.
fn pass(cx: &mut Thread, why: &str) -> Result<(), Thrown> {
    let place = trace::innermost_location(cx);
    {
        let mut passed = crate::runtime::lock(&cx.vm().breakpoints.passed);
        if passed.len() == PLACES || !passed.insert(place.clone()) {
            return Ok(());
        }
    }
    // Nobody is there to be told that it could not be.
    let _ = console::write_to_stderr(cx, format!("{PASSED}{place}: {why}\n").as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_talk_that_panics_is_over() {
        let talks = AtomicUsize::new(0);
        let panics = std::panic::catch_unwind(|| {
            let _talk = Talk::begin(&talks);
            assert_eq!(talks.load(Ordering::Relaxed), 1);
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(panics.is_err() && talks.load(Ordering::Relaxed) == 0);
    }
}
