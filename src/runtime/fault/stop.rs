//! `breakpoint()`: a place where a program stops for somebody to look at it.
//!
//! Owns who is asked there, what is told where nobody can be, and which programs keep for it where their variables live. Who is asked
//! says so ([`ask`]): this room knows no prompt. What a stopped program can be asked is in `locals.rs` and `trace.rs`.
//!
//! Only the thread stops that the program began in: it is the one that the interrupt key interrupts, and there is one terminal. Others
//! go on, as all do where nobody was ever to be asked.

use std::collections::HashSet;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use super::trace;
use crate::gc::{Handle, Thread, Thrown};
use crate::locks::Mutex;
use crate::reader::tree::{GlobalRef, Unit};
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

/// Looks at the program that is stopped here, and comes back when it is to go on.
pub type Asked = fn(&mut Thread) -> Result<GoesOn, Thrown>;

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
}

/// Somebody is there who is asked, in this thread.
pub fn ask(cx: &Thread, asked: Asked) {
    let _first = cx.vm().breakpoints.asked.set((cx.id(), asked));
}

/// Is this the thread that stops?
pub fn somebody_is_asked(cx: &Thread) -> bool {
    cx.vm().breakpoints.asked.get().is_some_and(|(thread, _)| *thread == cx.id())
}

/// A text is loaded: if the program can stop in it, what is compiled from now on says where its variables live.
pub(in crate::runtime) fn prepare(vm: &Vm, unit: &Unit) {
    let stops = |global: &GlobalRef| unit.name(global.name) == "breakpoint";
    if vm.breakpoints.asked.get().is_some() && unit.globals.iter().any(stops) {
        vm.keeps_variables.store(true, Ordering::Relaxed);
    }
}

/// The program has come to a breakpoint.
pub fn breakpoint(cx: &mut Thread) -> Result<(), Thrown> {
    match cx.vm().breakpoints.asked.get() {
        Some((thread, asked)) if *thread == cx.id() => {
            let aside = trace::set_aside(cx);
            // What it throws, if it does, has no trace yet.
            let goes_on = asked(cx)?;
            trace::put_back(cx, aside);
            match goes_on {
                GoesOn::Behind => Ok(()),
                GoesOn::Returns(value) => return_value(cx, value),
            }
        }
        Some(_) => pass(cx, "only the thread that the program began in stops"),
        None => pass(cx, "it stops where stdin and stdout are a terminal"),
    }
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
