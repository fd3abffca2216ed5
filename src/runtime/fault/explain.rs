//! What the text at the place of a fault says about it.
//!
//! Owns the parts of messages that are taken from the tree when the fault has happened: what was called, and what a pattern
//! asks for that is not there. Costs nothing before. Must not run code of the program.

use std::sync::Arc;

use super::brief::brief;
use super::errors::function_help;
use super::origin::null_from;
use super::trace::{innermost_node, nodes_at};
use crate::gc::{Handle, Thread, Value};
use crate::object::layout;
use crate::reader::foreign_words::{Place, word};
use crate::reader::tree::{Node, NodeId, Pattern, PatternId, Span, Unit};
use crate::runtime::fault::suggest::closest;
use crate::runtime::program::dispatch::Target;
use crate::runtime::program::types::TypeInfo;
use crate::runtime::values::collections::{map, vector};

/// What was meant is looked for among so many keys.
const MOST_KEYS: usize = 200;

/// Longer texts would hide the message.
const LONGEST: usize = 60;

/// The unit of the innermost frame in the program's own text, and the nodes that are the text at which it stands.
pub(super) fn nodes_here(cx: &Thread) -> Option<(Arc<Unit>, Vec<NodeId>)> {
    let (linked, text) = innermost_node(cx)?;
    let unit = linked.unit.written.clone().unwrap_or_else(|| linked.unit.clone());
    if unit.source.is_library {
        return None;
    }
    let nodes: Vec<NodeId> = nodes_at(&unit, &text).collect();
    Some((unit, nodes))
}

/// Where the null that is called here comes from, when there is one call alone.
pub fn callee(cx: &Thread) -> Option<String> {
    let (unit, nodes) = nodes_here(cx)?;
    let mut callees = nodes.iter().filter_map(|node| match unit.node(*node) {
        Node::Call { callee, .. } => Some(*callee),
        _ => None,
    });
    let (callee, None) = (callees.next()?, callees.next()) else { return None };
    whence(&unit, callee)
}

/// The name of the local that is called here, though it is no function, where `core` has a function of that name.
pub fn hidden_function(cx: &Thread) -> Option<String> {
    let (unit, nodes) = nodes_here(cx)?;
    let mut callees = nodes.iter().filter_map(|node| match unit.node(*node) {
        Node::Call { callee, .. } => Some(*callee),
        _ => None,
    });
    let (callee, None) = (callees.next()?, callees.next()) else { return None };
    let Node::Local(_) = unit.node(callee) else { return None };
    let name = text_of(&unit, callee)?;
    let known = cx
        .vm()
        .namespaces
        .find("core")?
        .member(&name)?
        .get(cx)
        .and_then(crate::runtime::program::entry::code_of)
        .is_some();
    known.then_some(name)
}

/// Where the null that a field is read of here comes from, when there is one field of that name alone.
pub fn receiver(cx: &Thread, name: &str) -> Option<String> {
    let (unit, nodes) = nodes_here(cx)?;
    let mut objects = nodes.iter().filter_map(|node| match unit.node(*node) {
        Node::Field { object, name: field } if unit.name(*field) == name => Some(*object),
        _ => None,
    });
    let (object, None) = (objects.next()?, objects.next()) else { return None };
    whence(&unit, object)
}

/// Points the error of a method that is not there at its name, where the call goes over lines or is one of a chain.
pub fn focus_on_method(cx: &Thread, name: &str) {
    let Some((unit, nodes)) = nodes_here(cx) else { return };
    let text = |span: Span| unit.source.text.get(span.start as usize..span.end as usize).unwrap_or_default();
    let mut calls = nodes.iter().filter_map(|node| match unit.node(*node) {
        Node::MethodCall { object, name: method, .. } if unit.name(*method) == name => {
            Some((unit.span(*node), *object))
        }
        _ => None,
    });
    let (Some((call, object)), None) = (calls.next(), calls.next()) else { return };
    let start = call.start..call.start;
    if nodes_at(&unit, &start).all(|node| unit.span(node).end <= call.end) && !text(call).contains('\n') {
        return;
    }
    let behind = Span { start: unit.span(object).end, end: call.end };
    if let Some(at) = text(behind).find(&format!(".{name}")) {
        let start = behind.start + at as u32;
        super::trace::focus_on(cx, Span { start, end: start + 1 + name.len() as u32 });
    }
}

/// Where null comes from by the text, and be it only the expression that gives it.
fn whence(unit: &Unit, node: NodeId) -> Option<String> {
    let known = null_from(unit, node);
    if known.is_empty() { text_of(unit, node).map(|text| format!("; it is what `{text}` gives")) } else { Some(known) }
}

pub(super) fn text_of(unit: &Unit, node: NodeId) -> Option<String> {
    let span = unit.span(node);
    let text = unit.source.text.get(span.start as usize..span.end as usize)?;
    (text.len() <= LONGEST && !text.contains('\n') && text != "null").then(|| text.to_string())
}

/// What does not fit, and the part of the pattern that asks for it where that is a smaller one.
type Misfit = (String, Option<Span>);

/// Why the value does not fit the one pattern that stands here.
pub fn misfit(cx: &Thread, value: Handle) -> Option<Misfit> {
    let (unit, nodes) = nodes_here(cx)?;
    let pattern = nodes.iter().find_map(|node| match unit.node(*node) {
        Node::Let { pattern, .. } | Node::For { pattern, .. } => Some(*pattern),
        Node::DefineGlobals(definition) => Some(definition.pattern),
        Node::Match { arms, .. } if arms.len() == 1 && arms[0].guard.is_none() => Some(arms[0].pattern),
        _ => None,
    })?;
    unfit(&unit, pattern, cx.get(value))
}

fn unfit(unit: &Unit, pattern: PatternId, value: Value<'_>) -> Option<Misfit> {
    match unit.pattern(pattern) {
        Pattern::Map(entries) => {
            if value.layout() != layout::MAP {
                return Some((format!("{} is no Map", brief(value)), None));
            }
            entries.iter().find_map(|(key, inner)| match entry(unit, *key, value)? {
                Ok(found) => unfit(unit, *inner, found),
                Err(missing) => Some((missing, Some(unit.span(*key)))),
            })
        }
        Pattern::Vector { before, rest, after } => {
            if value.layout() != layout::VECTOR {
                return Some((format!("{} is no Vector", brief(value)), None));
            }
            let (has, least) = (vector::len(value), before.len() + after.len());
            if has < least || has > least && rest.is_none() {
                let more = if rest.is_some() { " or more" } else { "" };
                return Some((format!("it has length {has}, the pattern takes {least}{more}"), None));
            }
            let elements =
                before.iter().enumerate().chain(after.iter().enumerate().map(|(i, p)| (has - after.len() + i, p)));
            elements.into_iter().find_map(|(i, inner)| unfit(unit, *inner, vector::get(value, i)?))
        }
        _ => None,
    }
}

/// The value under a key of a pattern, or what to say of the key when it is not there. None for keys that are not looked up here.
fn entry<'h>(unit: &Unit, key: NodeId, map: Value<'h>) -> Option<Result<Value<'h>, String>> {
    let vm = map.thread().vm();
    let (text, keyword) = match unit.node(key) {
        Node::Keyword(name) => (unit.name(*name), true),
        Node::String(name) => (unit.name(*name), false),
        _ => return None,
    };
    let same = |k: Value<'_>| match k.as_keyword() {
        Some(index) => keyword && vm.keywords.text(index) == text,
        None => !keyword && k.str() == Some(text),
    };
    let found = map::iter(map).find(|(k, _)| same(*k)).map(|(_, v)| v);
    let written = |text: &str| if keyword { format!(":{text}") } else { format!("{text:?}") };
    Some(found.ok_or_else(|| {
        let names = keys(map, keyword);
        let meant = closest(text, names.iter().map(String::as_str));
        let help = meant.map_or(String::new(), |meant| format!("; did you mean {}?", written(meant)));
        format!("the key {} is missing{help}", written(text))
    }))
}

/// The keywords among the keys of a map, or the texts: of a large map, some.
pub fn keys(map: Value<'_>, keywords: bool) -> Vec<String> {
    let vm = map.thread().vm();
    let text = |key: Value<'_>| match key.as_keyword() {
        Some(index) => keywords.then(|| vm.keywords.text(index).to_string()),
        None => key.str().filter(|_| !keywords).map(str::to_string),
    };
    map::iter(map).take(MOST_KEYS).filter_map(|(key, _)| text(key)).collect()
}

/// What a type has in place of a function of its own that is not there.
pub fn own_functions(cx: &Thread, type_: &TypeInfo, name: &str) -> String {
    let names = cx.vm().dispatch.associated_names(Target { type_: type_.id, variant: None });
    match closest(name, names.iter().copied()) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None if !names.is_empty() => format!("; its functions: {}", names.join(", ")),
        None => match cx.vm().dispatch.methods_named(name).first() {
            Some(method) => format!("; {name} is a method of {}: call it on a value", method.protocol_name),
            None => word(name, Place::OfType).map_or(String::new(), |help| format!("; {help}")),
        },
    }
}

/// What may have been meant by `value.name(…)`, where neither the type nor anybody else has such a function.
pub fn method_help(cx: &Thread, value: Value<'_>, name: &str, argc: usize) -> String {
    if let Some(help) = super::advice::method(value, name, argc) {
        return format!("; {help}");
    }
    let help = function_help(cx, name, argc);
    if !help.is_empty() {
        return help;
    }
    let vm = cx.vm();
    let mut own: Vec<&str> = Vec::new();
    if let Some(info) = vm.types.layout(value.layout()) {
        for variant in [info.variant, None] {
            own.extend(vm.dispatch.names_of(Target { type_: info.type_, variant }));
        }
        if value.layout() >= layout::FIRST_USER_LAYOUT {
            own.extend(info.present_fields().map(|(_, field)| field.name));
        }
    }
    if let Some(meant) = closest(name, own) {
        return format!("; did you mean `{meant}`?");
    }
    let names = vm.namespaces.find("core").map(|core| core.names_for(false)).unwrap_or_default();
    match closest(name, names.iter().map(String::as_str)) {
        Some(meant) => {
            let help = function_help(cx, meant, argc);
            // A value or a type of `core` is nothing that could be called.
            if help.is_empty() { help } else { format!("; did you mean `{meant}`? {}", help.trim_start_matches("; ")) }
        }
        None => String::new(),
    }
}
