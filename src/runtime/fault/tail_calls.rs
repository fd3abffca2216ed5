//! Which tail calls led from a call that is on the stack to where an exception was thrown.
//!
//! A call in tail position leaves no frame, so a trace lacks the function that made it. No instruction is spent on that: the
//! way is looked for in the text, when a trace is shown, as debuggers look for it among the call sites of a function (DWARF 5,
//! section 3.4; gdb's "tail call frames"). It is shown when there is exactly one.

use std::ops::Range;
use std::sync::Arc;

use super::trace::{TraceLine, nodes_at};
use crate::gc::Thread;
use crate::reader::tree::{FunctionId, Node, NodeId, Span, Unit};
use crate::runtime::program::code::Code;
use crate::runtime::program::dispatch::TableKind;
use crate::runtime::program::entry::code_of;
use crate::runtime::program::linked::LinkedUnit;

/// A function by its text.
pub type Body = (Arc<LinkedUnit>, FunctionId);

/// A call that was jumped to and did not get anywhere: nobody has a frame of it.
#[derive(Clone, Debug)]
pub enum Failed {
    /// Of a function value: the function's name.
    Value(String, usize),
    /// By a dispatch table.
    Dispatch(TableKind, usize),
}

/// What a way leads to.
pub enum Goal<'a> {
    /// A function that has a frame.
    Frame(&'a str),
    /// A call that failed.
    Failed(&'a Failed),
}

/// Ways are looked for in so many functions …
const MOST_FUNCTIONS: usize = 200;
/// … and have at most so many calls.
const MOST_CALLS: usize = 12;

/// The calls in tail position that lead from the function to the goal, the last one first; none when there is no way, or more
/// than one.
pub fn way(cx: &Thread, from: &Body, goal: &Goal<'_>) -> Vec<TraceLine> {
    let mut search = Search { cx, goal, left: MOST_FUNCTIONS, path: Vec::new(), found: Vec::new() };
    search.function(from);
    match search.found.len() {
        1 => search.found.remove(0).iter().rev().map(|(body, span)| line(body, Some(*span))).collect(),
        _ => alike(&search.found),
    }
}

/// The ways differ in nothing but where in its text the last function calls: it is named without a place.
fn alike(ways: &[Vec<Step>]) -> Vec<TraceLine> {
    let Some((first, others)) = ways.split_first() else { return Vec::new() };
    let Some(((last, _), before)) = first.split_last() else { return Vec::new() };
    let same = |way: &Vec<Step>| {
        let steps = way.len() == first.len() && way.iter().zip(before).all(|((_, a), (_, b))| a == b);
        steps && way.last().is_some_and(|(body, _)| body.1 == last.1 && Arc::ptr_eq(&body.0, &last.0))
    };
    if !others.iter().all(same) {
        return Vec::new();
    }
    let before = before.iter().rev().map(|(body, span)| line(body, Some(*span)));
    std::iter::once(line(last, None)).chain(before).collect()
}

fn line((unit, function): &Body, place: Option<Span>) -> TraceLine {
    TraceLine { function: unit.function_name(*function), place: place.map(|span| (unit.source().clone(), span)) }
}

/// The function that the call at this place of a text names; none where several calls may be meant.
pub fn callee(cx: &Thread, unit: &LinkedUnit, place: &Range<u32>) -> Option<&'static Code> {
    let text = unit.unit.as_written();
    let mut named = nodes_at(text, place).filter_map(|node| named(cx, unit, text.node(node)));
    named.next().filter(|_| named.next().is_none())
}

/// The function that a call of the text names.
fn named(cx: &Thread, unit: &LinkedUnit, node: &Node) -> Option<&'static Code> {
    let Node::Call { callee, .. } = node else { return None };
    let Node::Global(global) = unit.unit.as_written().node(*callee) else { return None };
    code_of(unit.global(*global).binding.get(cx)?)
}

/// The text of a function, if it has one.
pub fn body(code: &Code) -> Option<Body> {
    code.function().map(|(unit, function)| (unit.clone(), function))
}

/// A function, and the place of a call in it.
type Step = (Body, Span);

struct Search<'a, 'c> {
    cx: &'c Thread,
    goal: &'a Goal<'a>,
    left: usize,
    path: Vec<Step>,
    found: Vec<Vec<Step>>,
}

impl Search<'_, '_> {
    fn function(&mut self, body: &Body) {
        let around = |(other, _): &Step| other.1 == body.1 && Arc::ptr_eq(&other.0, &body.0);
        if self.path.len() >= MOST_CALLS || self.path.iter().any(around) || self.left == 0 {
            return;
        }
        self.left -= 1;
        for id in tail_calls(body) {
            let unit = body.0.unit.as_written();
            self.path.push((body.clone(), unit.span(id)));
            let callee = named(self.cx, &body.0, unit.node(id));
            if self.arrives(unit, unit.node(id), callee) {
                self.found.push(self.path.clone());
            } else if let Some(next) = callee.and_then(self::body) {
                self.function(&next);
            }
            self.path.pop();
        }
    }

    /// Is this the call that leads to the goal?
    fn arrives(&self, text: &Unit, node: &Node, callee: Option<&'static Code>) -> bool {
        match (self.goal, node) {
            (Goal::Frame(name), _) => callee.is_some_and(|code| *code.name == **name),
            (Goal::Failed(Failed::Value(name, argc)), Node::Call { args, callee: called, .. }) => {
                let unnamed = !matches!(text.node(*called), Node::Global(_));
                args.len as usize == *argc && callee.map_or(unnamed, |code| *code.name == **name)
            }
            (Goal::Failed(Failed::Dispatch(TableKind::Method(method), argc)), Node::Call { args, .. }) => {
                args.len as usize == *argc && callee.is_some_and(|code| *code.name == *method.qualified)
            }
            (Goal::Failed(Failed::Dispatch(kind, argc)), Node::MethodCall { name, args, .. }) => {
                let wanted = match kind {
                    TableKind::Method(method) => method.name,
                    TableKind::Selector(name) => name,
                };
                args.len as usize + 1 == *argc && text.name(*name) == wanted
            }
            _ => false,
        }
    }
}

/// The calls in tail position of the text of a function, those of functions within it left out.
fn tail_calls((unit, function): &Body) -> Vec<NodeId> {
    let unit = unit.unit.as_written();
    let whole = unit.function(*function).span;
    let within = |outer: Span, inner: Span| outer.start <= inner.start && inner.end <= outer.end;
    let nested = |span: Span| {
        let functions = (0..unit.functions.len()).map(|i| FunctionId(i as u32)).filter(|id| id != function);
        functions.map(|id| unit.function(id).span).any(|f| within(whole, f) && f != whole && within(f, span))
    };
    let tails = unit
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| matches!(node, Node::Call { tail: true, .. } | Node::MethodCall { tail: true, .. }));
    let ids = tails.map(|(i, _)| NodeId(i as u32));
    ids.filter(|id| within(whole, unit.span(*id)) && !nested(unit.span(*id))).collect()
}
