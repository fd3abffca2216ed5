//! What the text at the place of a fault says about it.
//!
//! Owns the parts of messages that are taken from the tree when the fault has happened: what was called, and what a pattern
//! asks for that is not there. Costs nothing before. Must not run code of the program.

use std::sync::Arc;

use super::brief::brief;
use super::collections::{map, vector};
use super::trace::innermost_node;
use crate::gc::{Handle, Thread, Value, layout};
use crate::reader::tree::{Node, NodeId, Pattern, PatternId, Unit};

/// Longer texts would hide the message.
const LONGEST: usize = 60;

/// The unit of the innermost frame in the program's own text, and the nodes that begin where it stands.
fn nodes_here(cx: &Thread) -> Option<(Arc<Unit>, Vec<NodeId>)> {
    let (linked, offset) = innermost_node(cx)?;
    let unit = linked.unit.clone();
    if unit.source.is_library {
        return None;
    }
    let here = |n: &usize| unit.spans[*n].start == offset;
    let nodes = (0..unit.nodes.len()).filter(here).map(|n| NodeId(n as u32)).collect();
    Some((unit, nodes))
}

/// The text of what is called here, when there is one call alone.
pub fn callee(cx: &Thread) -> Option<String> {
    let (unit, nodes) = nodes_here(cx)?;
    let mut callees = nodes.iter().filter_map(|node| match unit.node(*node) {
        Node::Call { callee, .. } => Some(*callee),
        _ => None,
    });
    let (callee, None) = (callees.next()?, callees.next()) else { return None };
    text_of(&unit, callee)
}

/// The text of what a field is read of here, when there is one field of that name alone.
pub fn receiver(cx: &Thread, name: &str) -> Option<String> {
    let (unit, nodes) = nodes_here(cx)?;
    let mut objects = nodes.iter().filter_map(|node| match unit.node(*node) {
        Node::Field { object, name: field } if unit.name(*field) == name => Some(*object),
        _ => None,
    });
    let (object, None) = (objects.next()?, objects.next()) else { return None };
    text_of(&unit, object)
}

fn text_of(unit: &Unit, node: NodeId) -> Option<String> {
    let span = unit.span(node);
    let text = unit.source.text.get(span.start as usize..span.end as usize)?;
    (text.len() <= LONGEST && !text.contains('\n') && text != "null").then(|| text.to_string())
}

/// Why the value does not fit the one pattern that stands here.
pub fn misfit(cx: &Thread, value: Handle) -> Option<String> {
    let (unit, nodes) = nodes_here(cx)?;
    let pattern = nodes.iter().find_map(|node| match unit.node(*node) {
        Node::Let { pattern, .. } | Node::For { pattern, .. } => Some(*pattern),
        Node::DefineGlobals(definition) => Some(definition.pattern),
        Node::Match { arms, .. } if arms.len() == 1 && arms[0].guard.is_none() => Some(arms[0].pattern),
        _ => None,
    })?;
    unfit(&unit, pattern, cx.get(value))
}

fn unfit(unit: &Unit, pattern: PatternId, value: Value<'_>) -> Option<String> {
    match unit.pattern(pattern) {
        Pattern::Map(entries) => {
            if value.layout() != layout::MAP {
                return Some(format!("{} is no Map", brief(value)));
            }
            entries.iter().find_map(|(key, inner)| match entry(unit, *key, value)? {
                Ok(found) => unfit(unit, *inner, found),
                Err(key) => Some(format!("the key {key} is missing")),
            })
        }
        Pattern::Vector { before, rest, after } => {
            if value.layout() != layout::VECTOR {
                return Some(format!("{} is no Vector", brief(value)));
            }
            let (has, least) = (vector::len(value), before.len() + after.len());
            if has < least || has > least && rest.is_none() {
                let more = if rest.is_some() { " or more" } else { "" };
                return Some(format!("it has length {has}, the pattern takes {least}{more}"));
            }
            let elements =
                before.iter().enumerate().chain(after.iter().enumerate().map(|(i, p)| (has - after.len() + i, p)));
            elements.into_iter().find_map(|(i, inner)| unfit(unit, *inner, vector::get(value, i)?))
        }
        _ => None,
    }
}

/// The value under a key of a pattern, or the key as it is written when it is not there. None for keys that are not looked up here.
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
    Some(found.ok_or_else(|| if keyword { format!(":{text}") } else { format!("{text:?}") }))
}
