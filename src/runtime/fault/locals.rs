//! The variables of frames, for those who ask at the prompt: of the frames that an exception has left, as they were when it was
//! thrown, and of those that wait while the program is stopped.
//!
//! Owns what is taken of the former while the frames are still there, how the latter are read, and the form of both as text. Nothing
//! is taken unless the machine was told to (`Vm::keeps_locals`). What a thread has thrown comes to who joins it with its variables as
//! text. Values are taken, not their places: they are held by the thread until the trace that they belong to is forgotten, and become
//! text as soon as the error has reached those who show it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::brief::brief_within;
use crate::asm::variables::{Home, Variable};
use crate::gc::mutator::held::{Content, Held};
use crate::gc::trace::walker::Frame;
use crate::gc::{Handle, Thread, Thrown};
use crate::runtime::program::linked::LinkedUnit;
use crate::runtime::program::namespace::Namespace;
use crate::runtime::values::collections::marks;
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
        let InView { unit, variables } = in_view(cx, frame);
        let others = variables.as_ref().map_or(0, |all| all.len().saturating_sub(VARIABLES));
        let variables = variables.map(|all| {
            let first = all.into_iter().take(VARIABLES);
            first.map(|(variable, home)| (variable.name, cx.hold(frame, home, variable.boxed))).collect()
        });
        let source = frame.source_offset();
        self.frames.push(TakenFrame { function: frame.function.name.to_string(), unit, source, variables, others });
    }
}

/// What names mean where a frame waits.
struct InView {
    unit: Option<Arc<LinkedUnit>>,
    /// None when its code has no table.
    variables: Option<Vec<(Variable, Home)>>,
}

fn in_view(cx: &Thread, frame: &Frame<'_>) -> InView {
    let function = frame.function;
    let unit = cx.vm().sources.get(function.source).map(|(unit, _)| unit);
    // The call, behind which it would have gone on.
    let at = (frame.return_address - function.start) as u32 - 1;
    let place = function.lines.at(at).map(|row| function.lines.own_source(row));
    let mut variables = function.variables.is_kept().then(|| function.variables.visible(at, place.unwrap_or(0)));
    let named = |name: u32| unit.as_ref().and_then(|unit| unit.unit.names.get(name as usize));
    // The reader's own.
    variables.iter_mut().for_each(|all| all.retain(|(variable, _)| named(variable.name).is_some_and(|n| **n != *"_")));
    InView { unit, variables }
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

/// Those of the frames that wait in this thread, innermost first, as they are now.
pub fn of_waiting(cx: &Thread) -> Vec<Shown> {
    let (mut all, mut left_out) = (Vec::new(), 0);
    cx.frames(&mut |frame| {
        if all.len() < FRAMES {
            all.push(Shown::Frame(waiting_shown(cx, frame)));
        } else {
            left_out += 1;
        }
        ControlFlow::Continue(())
    });
    all.extend((left_out > 0).then_some(Shown::LeftOut(left_out)));
    all
}

fn waiting_shown(cx: &Thread, frame: &Frame<'_>) -> Locals {
    let InView { unit, variables } = in_view(cx, frame);
    let others = variables.as_ref().map_or(0, |all| all.len().saturating_sub(VARIABLES));
    let variables = variables.map(|all| {
        let first = all.into_iter().take(VARIABLES);
        let content = |(variable, home): (Variable, Home)| {
            let content = cx.content(frame, home, variable.boxed);
            (name(unit.as_ref(), variable.name), content.map(text))
        };
        first.map(content).collect()
    });
    Locals { frame: place(&frame.function.name, unit.as_ref(), frame.source_offset()), variables, others }
}

/// A frame that waits, and what its variables hold.
pub struct Waiting {
    /// `user/f`
    pub function: String,
    /// Where the text of the function stands.
    pub namespace: &'static Namespace,
    /// By name; none of what is not kept. Empty for functions of the library, whose variables are its own affair.
    pub variables: Vec<(String, Option<Handle>)>,
}

/// The frame with this number among those that wait in this thread, innermost first. What it holds may be held by others from now on.
pub fn waiting(cx: &mut Thread, number: usize) -> Result<Option<Waiting>, Thrown> {
    /// A raw float has no object yet.
    enum Found {
        Float(f64),
        Value(Handle),
    }
    let (mut found, mut at) = (None, 0);
    let shared: &Thread = cx;
    shared.frames(&mut |frame| {
        if at < number {
            at += 1;
            return ControlFlow::Continue(());
        }
        let InView { unit, variables } = in_view(shared, frame);
        if let Some(unit) = unit {
            let all = variables.filter(|_| !unit.source().is_library).unwrap_or_default().into_iter();
            let all = all.map(|(variable, home)| {
                let content = shared.content(frame, home, variable.boxed).map(|content| match content {
                    Content::Float(float) => Found::Float(float),
                    Content::Value(value) => {
                        marks::freeze(shared, value);
                        Found::Value(shared.root(value))
                    }
                });
                (name(Some(&unit), variable.name), content)
            });
            found = Some((frame.function.name.to_string(), unit.namespace, all.collect::<Vec<_>>()));
        }
        ControlFlow::Break(())
    });
    let Some((function, namespace, all)) = found else { return Ok(None) };
    let mut variables = Vec::with_capacity(all.len());
    for (name, content) in all {
        let value = match content {
            Some(Found::Float(float)) => Some(cx.alloc_float(float)?),
            Some(Found::Value(value)) => Some(value),
            None => None,
        };
        variables.push((name, value));
    }
    Ok(Some(Waiting { function, namespace, variables }))
}

fn shown(cx: &Thread, taken: &TakenFrame) -> Locals {
    let frame = place(&taken.function, taken.unit.as_ref(), taken.source);
    let held = |held: Held| match held {
        Held::Float(float) => Some(Content::Float(float)),
        Held::Value(index) => cx.held(index).map(Content::Value),
    };
    let variables = taken.variables.as_ref().map(|all| {
        let one = |(variable, content): &(u32, Option<Held>)| {
            (name(taken.unit.as_ref(), *variable), content.and_then(held).map(text))
        };
        all.iter().map(one).collect()
    });
    Locals { frame, variables, others: taken.others }
}

/// `user/f (repl[2]:3)`
fn place(function: &str, unit: Option<&Arc<LinkedUnit>>, source: Option<u32>) -> String {
    let place = unit.zip(source).map(|(unit, offset)| {
        let source = unit.source();
        format!(" ({}:{})", source.name, source.line_column(offset).0)
    });
    format!("{function}{}", place.unwrap_or_default())
}

fn name(unit: Option<&Arc<LinkedUnit>>, name: u32) -> String {
    unit.map_or(String::new(), |unit| unit.unit.names[name as usize].to_string())
}

fn text(content: Content<'_>) -> String {
    match content {
        Content::Float(float) => float::to_text(float),
        Content::Value(value) => brief_within(value, TEXT),
    }
}
