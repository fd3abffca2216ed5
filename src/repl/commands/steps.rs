//! Steps from a stop to the next one: `:next`, `:step`, `:finish`.
//!
//! Owns which functions get stops so that `:step` can enter them: those of the program that the waiting function's declaration names.
//! They are given back as they were when the program goes on without a step.

use std::sync::Arc;

use super::declared::{self, Declaration};
use super::{Given, frames, lookup};
use crate::gc::Thread;
use crate::reader::stops;
use crate::reader::tree::{GlobalId, Item, Node, Source, Span, Unit};
use crate::repl::session::{Answer, Session};
use crate::runtime::Namespace;
use crate::runtime::fault::stop;
use crate::runtime::load;
use crate::runtime::program::code::CodeSource;
use crate::runtime::program::entry::code_of;
use crate::runtime::program::linked::LinkedUnit;

/// `:next`
pub fn next(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    let Some(stopped) = &session.stopped else { return frames::go_on(session, cx, given) };
    match stop::next(cx, stopped.selected) {
        true => Answer::Quit,
        false => {
            let said = Answer::Text("no function that waits here has stops: the program goes on\n".into());
            Answer::Both(Box::new(said), Box::new(Answer::Quit))
        }
    }
}

/// `:step`
pub fn step(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    let Some(stopped) = &session.stopped else { return frames::go_on(session, cx, given) };
    if let Some((unit, function)) = stop::waiting(cx, stopped.selected) {
        let named = named(cx, &unit, unit.unit.function(function).span);
        for declaration in named {
            if let Err(error) = declared::stop_in(cx, declaration, &[]) {
                return session.failed(cx, error);
            }
        }
    }
    stop::step(cx);
    Answer::Quit
}

/// `:finish`
pub fn finish(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    let Some(stopped) = &session.stopped else { return frames::go_on(session, cx, given) };
    match stop::finish(cx, stopped.selected) {
        true => Answer::Quit,
        false => Answer::Error(format!(
            "{} has no stops, so nobody is told when it ends; `:break` gives a function some for its next calls\n",
            stopped.function()
        )),
    }
}

/// The program goes on without a step: what has stops for steps alone gets its own code again.
pub fn end(cx: &mut Thread) {
    // What cannot be declared again keeps its stops, which nobody notices but by their cost.
    let _ = declared::end(cx, &|declared| declared.breakpoints.is_empty());
}

/// The declarations without stops of functions that are named around this place of a text.
fn named(cx: &Thread, unit: &LinkedUnit, at: Span) -> Vec<Declaration> {
    let tree = &unit.unit;
    let contains = |outer: Span, inner: Span| outer.start <= inner.start && inner.end <= outer.end;
    let is_statement = |item: &Item| matches!(item, Item::Let { .. } | Item::Expression { .. });
    let declarations: Vec<Span> =
        tree.items.iter().filter(|item| !is_statement(item)).map(|item| tree.item_span(item)).collect();
    let is_named = |span: Span| match declarations.iter().find(|around| contains(**around, at)) {
        Some(around) => contains(*around, span),
        // The top level.
        None => !declarations.iter().any(|other| contains(*other, span)),
    };
    let mut finder = Finder { texts: Vec::new(), found: Vec::new() };
    let mut methods: Vec<&str> = Vec::new();
    let globals = tree.globals.iter().enumerate().filter(|(_, global)| !global.inserted && is_named(global.span));
    for (index, _) in globals {
        let binding = unit.global(GlobalId(index as u32)).binding;
        let Some(code) = binding.get(cx).and_then(code_of) else { continue };
        match (&code.source, binding.about().place) {
            (CodeSource::Method(method), _) => methods.push(method.name),
            (CodeSource::Function { unit, function }, Some(place)) if !stops::has_stops(&unit.unit, *function) => {
                finder.add(binding.namespace, &place.source, place.span);
            }
            _ => {}
        }
    }
    let nodes = tree.nodes.iter().zip(&tree.spans).filter(|(_, span)| is_named(**span));
    methods.extend(nodes.filter_map(|(node, _)| match node {
        Node::MethodCall { name, .. } => Some(tree.name(*name)),
        _ => None,
    }));
    methods.sort_unstable();
    methods.dedup();
    let defaults = methods.iter().flat_map(|name| cx.vm().dispatch.methods_named(name));
    for (unit, function) in defaults.filter_map(|method| method.default()?.function()) {
        if !stops::has_stops(&unit.unit, function) {
            finder.add(unit.namespace, unit.source(), unit.unit.function(function).span);
        }
    }
    for (namespace, place) in methods.into_iter().flat_map(|name| lookup::functions_named(cx, name)) {
        finder.add(namespace, &place.source, place.span);
    }
    let known = declared::all(cx);
    finder.found.retain(|declaration| !known.iter().any(|declared| declared.declaration.is(declaration)));
    finder.found
}

/// Finds declarations; each text is read once.
struct Finder {
    texts: Vec<(Arc<Source>, Unit)>,
    found: Vec<Declaration>,
}

impl Finder {
    /// That around this place of a text of the program.
    fn add(&mut self, namespace: &'static Namespace, source: &Arc<Source>, at: Span) {
        if source.is_library || namespace.is_library() {
            return;
        }
        if !self.texts.iter().any(|(known, _)| Arc::ptr_eq(known, source)) {
            let Ok(unit) = load::read_for(source.clone(), Some(namespace)) else { return };
            self.texts.push((source.clone(), unit));
        }
        let Some((_, unit)) = self.texts.iter().find(|(known, _)| Arc::ptr_eq(known, source)) else { return };
        let around = unit.items.iter().find(|item| {
            let span = unit.item_span(item);
            span.start <= at.start && at.end <= span.end
        });
        let declaration = around.and_then(|item| Declaration::of(unit, item, namespace, source));
        if let Some((declaration, _)) = declaration
            && !self.found.iter().any(|known| known.is(&declaration))
        {
            self.found.push(declaration);
        }
    }
}
