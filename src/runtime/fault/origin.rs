//! Where an operand comes from, by the text.
//!
//! Owns the way from an operation that has failed to the expression that gave it a value, through the `let` that binds a
//! local, and what is known of expressions that give `null`. Looked up in the tree when the fault has happened: nothing is
//! spent before. Says nothing where the text leaves a choice.

use super::explain::{nodes_here, text_of};
use crate::gc::Thread;
use crate::reader::is_name;
use crate::reader::tree::{Arity, FunctionId, Name, Node, NodeId, Pattern, Span, UnaryOp, Unit, VarId, VarKind};

/// Functions that may give `null`, and what that means.
const GIVERS: &[(&[&str], &str)] = &[
    (&["parse-int"], "`null` for what is no Int"),
    (&["parse-float"], "`null` for what is no number"),
    (&["first-of", "second", "third", "last", "min-of", "max-of", "min-by", "max-by"], "`null` when there is none"),
    (&["find", "find-entry"], "`null` when nothing is found"),
    (&["read-line"], "`null` at the end of the input"),
    (&["unwrap"], "`null` for a failure; `unwrap!` throws its error"),
    (&["for-each"], "it is called for the effect alone"),
    (&["first", "next", "seq"], "`null` at the end"),
];

/// What is said of the operand (counted from 0) of the operation that has failed here, which was `null`: where that came
/// from. Operations are called as they are written: a sign, or the name of a function. Empty when the text does not tell.
#[cold]
pub fn of_null(cx: &Thread, operation: &str, operand: usize) -> String {
    let Some((unit, nodes)) = nodes_here(cx) else { return String::new() };
    let operands = nodes.iter().filter_map(|node| operand_of(&unit, *node, operation, operand));
    let mut operands = operands.filter(|node| may_be_null(&unit, *node));
    let (Some(node), None) = (operands.next(), operands.next()) else { return String::new() };
    null_from(&unit, node)
}

/// The text of an operand of the operation that has failed here, if it is a name.
pub fn name_of(cx: &Thread, operation: &str, operand: usize) -> Option<String> {
    let (unit, nodes) = nodes_here(cx)?;
    let operands = nodes.iter().filter_map(|node| operand_of(&unit, *node, operation, operand));
    let mut names = operands.filter(|node| matches!(unit.node(*node), Node::Local(_) | Node::Global(_)));
    let (Some(name), None) = (names.next(), names.next()) else { return None };
    text_of(&unit, name)
}

/// The local collection that is assigned to here, its element or field as a key, and whether the local may be assigned itself.
pub fn assigned_element(cx: &Thread) -> Option<(String, String, bool)> {
    let (unit, nodes) = nodes_here(cx)?;
    let (object, key) = nodes.iter().find_map(|node| match unit.node(*node) {
        Node::AssignIndex { object, index, .. } => Some((*object, text_of(&unit, *index)?)),
        Node::AssignField { object, name, .. } => Some((*object, format!(":{}", unit.name(*name)))),
        _ => None,
    })?;
    let Node::Local(var) = unit.node(object) else { return None };
    let arity = arity_around(&unit, unit.span(object))?;
    Some((text_of(&unit, object)?, key, arity.vars.get(var.index())?.mutable))
}

/// Where the `null` that this expression has given comes from.
pub fn null_from(unit: &Unit, node: NodeId) -> String {
    let (name, giver) = match definition(unit, node) {
        Some(value) => (text_of(unit, node), result(unit, value)),
        None if matches!(unit.node(node), Node::Global(_)) => return String::new(),
        None => (None, result(unit, node)),
    };
    let what = name.map_or("it".to_string(), |name| format!("`{name}`"));
    if let Node::If { otherwise: None, .. } = unit.node(giver) {
        let line = unit.source.line_column(unit.span(giver).start).0;
        return format!("; {what} is what the `if` of line {line} gives, which has no `else`");
    }
    let Some(text) = text_of(unit, giver).filter(|_| !matches!(unit.node(giver), Node::Null)) else {
        return String::new();
    };
    match unit.node(giver) {
        // A parameter, or what is assigned: nothing is known but the name.
        Node::Local(_) => String::new(),
        _ => format!("; {what} is what `{text}` gives{}", meaning(unit, giver)),
    }
}

/// What it means that this expression gives `null`, and how to have something else.
pub fn meaning(unit: &Unit, node: NodeId) -> String {
    let instead = |object: NodeId, key: NodeId| match (text_of(unit, object), text_of(unit, key)) {
        (Some(object), Some(text)) => {
            let keyword = match unit.node(key) {
                // Only where the program has that keyword: other maps have texts as keys.
                Node::String(name)
                    if is_name(unit.name(*name)) && unit.source.text.contains(&format!(":{}", unit.name(*name))) =>
                {
                    format!("; the keyword is another key: `{object}[:{}]`", unit.name(*name))
                }
                _ => String::new(),
            };
            format!(" (a missing key gives `null`: `get({object}, {text}, default)`{keyword})")
        }
        _ => " (a missing key gives `null`)".to_string(),
    };
    match unit.node(node) {
        Node::Index { object, index, .. } => instead(*object, *index),
        Node::Call { callee, args, .. } => match (core_name(unit, *callee), unit.list(*args)) {
            (Some("get"), [object, key]) => instead(*object, *key),
            (Some("get-in"), [_, _]) => " (`null` where the way ends: `get-in(c, path, default)`)".to_string(),
            (Some(name), _) => {
                let giver = GIVERS.iter().find(|(names, _)| names.contains(&name));
                giver.map_or(String::new(), |(_, meaning)| format!(" ({meaning})"))
            }
            _ => String::new(),
        },
        _ => String::new(),
    }
}

/// The name of what is called, where that may be a function of `core`.
fn core_name(unit: &Unit, callee: NodeId) -> Option<&str> {
    match unit.node(callee) {
        Node::Global(global) => {
            let reference = &unit.globals[global.index()];
            reference.alias.is_none().then(|| unit.name(reference.name))
        }
        _ => None,
    }
}

/// The operand of a node, if the node is such an operation.
fn operand_of(unit: &Unit, node: NodeId, operation: &str, operand: usize) -> Option<NodeId> {
    match unit.node(node) {
        Node::Binary { op, left, right } if op.sign() == operation => [*left, *right].get(operand).copied(),
        Node::Unary { op: UnaryOp::Negate, operand: of } if operation == "negate" => Some(*of),
        Node::Index { object, index, .. } if operation == "get" => [*object, *index].get(operand).copied(),
        Node::Call { callee, args, .. } => match unit.node(*callee) {
            Node::Global(global) if unit.name(unit.globals[global.index()].name) == operation => {
                unit.list(*args).get(operand).copied()
            }
            _ => None,
        },
        _ => None,
    }
}

/// May it have given `null`? Literals and operators do not.
fn may_be_null(unit: &Unit, node: NodeId) -> bool {
    !matches!(
        unit.node(result(unit, node)),
        Node::Int(_)
            | Node::BigInt(_)
            | Node::Float(_)
            | Node::String(_)
            | Node::Keyword(_)
            | Node::Bool(_)
            | Node::Interpolate(_)
            | Node::Vector(_)
            | Node::Map(_)
            | Node::Set(_)
            | Node::Struct(_)
            | Node::Function(_)
            | Node::Unary { .. }
            | Node::Binary { .. }
    )
}

/// The expression whose value a block or a `let` gives.
fn result(unit: &Unit, mut node: NodeId) -> NodeId {
    loop {
        node = match unit.node(node) {
            Node::Block(list) => match unit.list(*list).last() {
                Some(last) => *last,
                None => return node,
            },
            Node::Let { value, .. } => *value,
            _ => return node,
        };
    }
}

/// The expression that a name stands for, when it is bound by a `let` to nothing else.
fn definition(unit: &Unit, node: NodeId) -> Option<NodeId> {
    match unit.node(node) {
        Node::Local(var) => local(unit, unit.span(node), *var),
        Node::Global(global) => {
            let reference = &unit.globals[global.index()];
            reference.alias.is_none().then(|| top_level(unit, reference.name))?
        }
        _ => None,
    }
}

fn local(unit: &Unit, at: Span, var: VarId) -> Option<NodeId> {
    let arity = arity_around(unit, at)?;
    let var = arity.vars.get(var.index()).filter(|v| !v.assigned && v.kind == VarKind::Local)?;
    unit.nodes.iter().find_map(|node| match node {
        Node::Let { pattern, value } => {
            let binds = matches!(unit.pattern(*pattern), Pattern::Bind(_));
            (binds && unit.pattern_spans[pattern.index()] == var.span).then_some(*value)
        }
        _ => None,
    })
}

/// The innermost arity around a place.
fn arity_around(unit: &Unit, at: Span) -> Option<&Arity> {
    let functions = (0..unit.functions.len()).map(|i| unit.function(FunctionId(i as u32)));
    let around = functions.flat_map(|f| &f.arities).filter(|a| a.span.start <= at.start && at.end <= a.span.end);
    around.min_by_key(|a| a.span.end - a.span.start)
}

fn top_level(unit: &Unit, name: Name) -> Option<NodeId> {
    let mut values = unit.nodes.iter().filter_map(|node| match node {
        Node::DefineGlobals(definition) => match (&definition.names[..], unit.pattern(definition.pattern)) {
            ([(_, defined)], Pattern::Bind(_)) if *defined == name => Some(definition.value),
            _ => None,
        },
        _ => None,
    });
    values.next().filter(|_| values.next().is_none())
}
