//! The variables of the frames that an exception has left, as they were when it was thrown: for those who ask at the prompt.
//!
//! Owns what is taken of them while the frames are still there, and its form as text. Nothing is taken unless the machine was
//! told to (`Vm::keeps_locals`). What a thread has thrown comes to who joins it with its variables as text. Values are taken, not their places: they are held by the thread until the trace that they belong
//! to is forgotten, and become text as soon as the error has reached those who show it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::brief::brief_within;
use crate::gc::Thread;
use crate::gc::held::Held;
use crate::gc::walker::Frame;
use crate::runtime::program::linked::LinkedUnit;
use crate::runtime::values::numbers::float;
use crate::runtime::vm::Vm;

/// Of so many frames, the innermost, the variables are taken, and so many of each frame.
const FRAMES: usize = 16;
const VARIABLES: usize = 40;
/// A value is about so many bytes of text at most.
const TEXT: usize = 2000;

/// What was taken of the frames, innermost first.
#[derive(Default, Debug)]
pub struct Taken {
    /// What is shown of the thread that threw the exception, when it came here by `join`.
    elsewhere: Option<Arc<[Shown]>>,
    frames: Vec<TakenFrame>,
    /// So many frames outside of them were left out.
    left_out: usize,
}

#[derive(Debug)]
struct TakenFrame {
    function: String,
    unit: Option<Arc<LinkedUnit>>,
    /// Where in the text it stood.
    source: Option<u32>,
    /// None when its code has no table. Else names, by number, with what they stood for, if it was kept.
    variables: Option<Vec<(u32, Option<Held>)>>,
    /// So many variables were left out.
    others: usize,
}

/// From now on it is kept where variables live, and what they hold when an exception leaves their frames.
pub fn keep(vm: &Vm) {
    vm.keeps_variables.store(true, Ordering::Relaxed);
    vm.keeps_locals.store(true, Ordering::Relaxed);
}

impl Taken {
    /// Lets go of everything.
    pub(super) fn clear(&mut self, cx: &Thread) {
        self.elsewhere = None;
        self.frames.clear();
        self.left_out = 0;
        cx.hold_nothing();
    }

    /// The exception was thrown by another thread, of which this is shown.
    pub(super) fn continue_from(&mut self, elsewhere: Arc<[Shown]>) {
        self.elsewhere = Some(elsewhere);
    }

    /// The exception is about to leave this frame.
    pub(super) fn take(&mut self, cx: &Thread, frame: &Frame<'_>) {
        if self.frames.len() == FRAMES {
            self.left_out += 1;
            return;
        }
        let function = frame.function;
        let unit = cx.vm().sources.get(function.source).map(|(unit, _)| unit);
        // The call, behind which it would have gone on.
        let at = (frame.return_address - function.start) as u32 - 1;
        let place = function.lines.at(at).map(|row| function.lines.own_source(row));
        let mut variables = function.variables.is_kept().then(|| function.variables.visible(at, place.unwrap_or(0)));
        let named = |name: u32| unit.as_ref().and_then(|unit| unit.unit.names.get(name as usize));
        // The reader's own.
        variables
            .iter_mut()
            .for_each(|all| all.retain(|(variable, _)| named(variable.name).is_some_and(|n| **n != *"_")));
        let others = variables.as_ref().map_or(0, |all| all.len().saturating_sub(VARIABLES));
        let variables = variables.map(|all| {
            let first = all.into_iter().take(VARIABLES);
            first.map(|(variable, home)| (variable.name, cx.hold(frame, home, variable.boxed))).collect()
        });
        let source = frame.source_offset();
        self.frames.push(TakenFrame { function: function.name.to_string(), unit, source, variables, others });
    }
}

/// The variables of a frame, as text.
#[derive(Clone, Debug)]
pub struct Locals {
    /// `user/f (repl[2]:3)`
    pub frame: String,
    /// None when nothing is known of them. Else names and values, those that were not kept without one.
    pub variables: Option<Vec<(String, Option<String>)>>,
    /// So many more there were.
    pub others: usize,
}

/// What people see of an error's variables.
#[derive(Clone, Debug)]
pub enum Shown {
    /// Those of a frame.
    Frame(Locals),
    /// So many frames are left out.
    LeftOut(usize),
    /// What stands before happened in another thread, what comes waited for it.
    Joined,
}

/// Those of the frames that the pending exception has left, innermost first, as they were when it was thrown.
pub fn of_pending(cx: &Thread) -> Vec<Shown> {
    if !cx.is_traced(cx.exception()) {
        return Vec::new();
    }
    let trace = cx.state().trace.borrow();
    let Taken { elsewhere, frames, left_out } = &trace.taken;
    let mut all = elsewhere.as_deref().unwrap_or_default().to_vec();
    all.extend((!all.is_empty()).then_some(Shown::Joined));
    all.extend(frames.iter().map(|frame| Shown::Frame(shown(cx, frame))));
    all.extend((*left_out > 0).then_some(Shown::LeftOut(*left_out)));
    all
}

fn shown(cx: &Thread, taken: &TakenFrame) -> Locals {
    let place = taken.unit.as_ref().zip(taken.source).map(|(unit, offset)| {
        let source = unit.source();
        format!(" ({}:{})", source.name, source.line_column(offset).0)
    });
    let frame = format!("{}{}", taken.function, place.unwrap_or_default());
    let name = |name: u32| taken.unit.as_ref().map_or(String::new(), |unit| unit.unit.names[name as usize].to_string());
    let variables = taken.variables.as_ref().map(|all| {
        all.iter().map(|(variable, held)| (name(*variable), held.and_then(|held| text(cx, held)))).collect()
    });
    Locals { frame, variables, others: taken.others }
}

fn text(cx: &Thread, held: Held) -> Option<String> {
    match held {
        Held::Float(value) => Some(float::to_text(value)),
        Held::Value(index) => cx.held(index).map(|value| brief_within(value, TEXT)),
    }
}
