//! Brackets behind what is complete without them: `for … { } [x]`, `[6 [7]]`. They index or call what stands before them.
//!
//! Owns the warnings where that is surely not meant, by what is written alone. What stands in parentheses is meant. Must not know what
//! names mean.

use std::cell::OnceCell;

use rustc_hash::FxHashSet;

use super::diagnostics::{Diagnostic, Severity};
use super::tree::*;

/// The warnings for a text.
pub(super) fn warnings(unit: &Unit) -> Vec<Diagnostic> {
    if unit.source.is_library {
        return Vec::new();
    }
    let elements = OnceCell::new();
    let behind = |(index, node): (usize, &Node)| {
        let (before, indexes) = before(node)?;
        let gap = Gap::of(unit, before, if indexes { '[' } else { '(' })?;
        let whole = Span { start: gap.bracket, end: unit.spans[index].end };
        block_before(unit, before, &gap, indexes, whole)
            .or_else(|| literal_before(unit, before, &gap, whole, &elements))
    };
    unit.nodes.iter().enumerate().filter_map(behind).collect()
}

/// What is indexed, or called.
fn before(node: &Node) -> Option<(NodeId, bool)> {
    match node {
        Node::Index { object, .. } | Node::AssignIndex { object, .. } => Some((*object, true)),
        Node::Call { callee, .. } => Some((*callee, false)),
        _ => None,
    }
}

/// Is the node a call or an index whose bracket does not touch what stands before it?
pub(super) fn stands_apart(unit: &Unit, id: NodeId) -> Option<Span> {
    let (before, indexes) = before(unit.node(id))?;
    let gap = Gap::of(unit, before, if indexes { '[' } else { '(' })?;
    gap.spaced.then_some(Span { start: gap.bracket, end: unit.span(id).end })
}

/// What is between an operand and the bracket behind it.
struct Gap {
    /// Where the bracket stands.
    bracket: u32,
    spaced: bool,
    /// On another line, inside of other brackets.
    newline: bool,
}

impl Gap {
    /// None where something else stands there: the parenthesis that closes around the operand, or a pipe.
    fn of(unit: &Unit, before: NodeId, bracket: char) -> Option<Gap> {
        let end = unit.span(before).end;
        let behind = unit.source.text.get(end as usize..)?;
        let mut rest = behind.trim_start();
        while rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, next)| next).trim_start();
        }
        let gap = behind.len() - rest.len();
        let newline = behind[..gap].contains('\n');
        rest.starts_with(bracket).then_some(Gap { bracket: end + gap as u32, spaced: gap > 0, newline })
    }

    /// Where the bracket stands, in words.
    fn line(&self) -> &'static str {
        if self.newline { "on a line below" } else { "on the same line" }
    }
}

/// The word that a construct with a block begins with, and whether its value may well be indexed or called where it stands.
fn construct(unit: &Unit, id: NodeId) -> Option<(&'static str, bool)> {
    Some(match unit.node(id) {
        Node::For { .. } => ("for", false),
        Node::While { .. } => ("while", false),
        Node::Loop { .. } => ("loop", false),
        Node::If { .. } => ("if", has_else(unit, id)),
        Node::Match { .. } => ("match", true),
        Node::Try(_) => ("try", true),
        Node::Binding(_) => ("binding", true),
        _ => return None,
    })
}

/// Does the `if` give something on each way?
fn has_else(unit: &Unit, mut id: NodeId) -> bool {
    while let Node::If { otherwise, .. } = unit.node(id) {
        let Some(next) = otherwise else { return false };
        id = *next;
    }
    true
}

/// `for … { } [x]`, `if c { } (x)`
fn block_before(unit: &Unit, before: NodeId, gap: &Gap, indexes: bool, whole: Span) -> Option<Diagnostic> {
    let function = indexes && matches!(unit.node(before), Node::Function(_));
    let (word, has_value) = if function { ("fn", false) } else { construct(unit, before)? };
    if has_value && !gap.spaced {
        return None;
    }
    let (sign, does, place) = if indexes { ("[", "indexes", "[i]") } else { ("(", "calls", "(x)") };
    let mut warning = Diagnostic::new(
        Severity::Warning,
        format!("a `{sign}` {} {does} what the `{word}` gives", gap.line()),
        Some(whole),
    );
    warning.label = Some(format!("{does} what stands before it"));
    // A new line ends nothing inside of brackets, and no more does a `;`.
    let apart = if gap.newline { "put a `,` before it" } else { "put `;` or a new line before it" };
    warning.help = Some(match function {
        true => format!("a function has no elements; {apart}"),
        false => format!("{apart}; if that is meant, put the `{word}` in parentheses: `({word} … {{ … }}){place}`"),
    });
    Some(warning)
}

/// `[6 [7]]`: what has no elements and is no function, with a space between. In a collection, and among arguments, of any literal: a comma
/// was forgotten there.
fn literal_before(
    unit: &Unit,
    before: NodeId,
    gap: &Gap,
    whole: Span,
    elements: &OnceCell<FxHashSet<NodeId>>,
) -> Option<Diagnostic> {
    let scalar = match unit.node(before) {
        Node::Int(_) | Node::BigInt(_) | Node::Float(_) | Node::Bool(_) | Node::Null | Node::Keyword(_) => true,
        Node::String(_) | Node::Vector(_) | Node::Map(_) | Node::Set(_) => false,
        _ => return None,
    };
    let is_element = || {
        let elements = elements.get_or_init(|| elements_of(unit));
        elements.contains(&before)
    };
    if !gap.spaced || !(scalar || is_element()) {
        return None;
    }
    let bracket = unit.source.text.get(whole.start as usize..=whole.start as usize).unwrap_or("[");
    let (does, elsewhere) = if bracket == "[" { ("indexes", "a vector") } else { ("calls", "a parenthesis") };
    let title = format!("a `{bracket}` {} {does} what stands before it", gap.line());
    let mut warning = Diagnostic::new(Severity::Warning, title, Some(whole));
    warning.label = Some(format!("{does} the value before it"));
    warning.help = Some(match is_element() {
        true => "a `,` between the two makes them two elements".into(),
        false => format!("put a `,`, `;` or a new line before {elsewhere}"),
    });
    Some(warning)
}

/// What is indexed or called first where an element of a collection or an argument is expected.
fn elements_of(unit: &Unit) -> FxHashSet<NodeId> {
    let mut found = FxHashSet::default();
    for node in &unit.nodes {
        let (Node::Vector(list)
        | Node::Map(list)
        | Node::Set(list)
        | Node::Call { args: list, .. }
        | Node::MethodCall { args: list, .. }) = node
        else {
            continue;
        };
        for element in unit.list(*list) {
            let mut first = *element;
            loop {
                first = match unit.node(first) {
                    Node::Binary { right, .. } => *right,
                    Node::Unary { operand, .. } => *operand,
                    node => match before(node) {
                        Some((before, _)) => before,
                        None => break,
                    },
                };
            }
            found.insert(first);
        }
    }
    found
}
