//! What is suspicious in a tree that is right: values that nobody uses, arms that nobody reaches.
//!
//! Owns the warnings that can be given without knowing what a name stands for. Must not know of types: whether a match
//! misses variants is for whoever resolves names.

use super::diagnostics::{Diagnostic, Severity};
use super::tree::*;

/// The warnings for a text, in the order in which they stand there.
pub fn warnings(unit: &Unit) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for node in &unit.nodes {
        match node {
            Node::Block(list) => unused(unit, unit.list(*list), &mut found),
            Node::Match { arms, .. } => unreached(unit, arms, &mut found),
            _ => {}
        }
    }
    found.sort_by_key(|warning| warning.span.unwrap_or_default().start);
    found
}

fn unused(unit: &Unit, ids: &[NodeId], found: &mut Vec<Diagnostic>) {
    let Some((_, before_last)) = ids.split_last() else { return };
    for (at, id) in before_last.iter().enumerate() {
        if !pure(unit, *id) {
            continue;
        }
        let mut warning = Diagnostic::new(Severity::Warning, "a value that nobody uses", Some(unit.span(*id)));
        warning.label = Some("computed, and dropped".into());
        let starts_with_sign = unit.source.text.as_bytes().get(unit.span(*id).start as usize) == Some(&b'-');
        warning.help = Some(if at > 0 && starts_with_sign {
            "a line that starts with `-` is an expression of its own: end the line before with the `-` instead".into()
        } else {
            "only the last value of a block counts; delete this one, or give it a name".into()
        });
        found.push(warning);
    }
}

/// Whether evaluating the node does nothing but give a value (or fault on operands of the wrong type).
fn pure(unit: &Unit, id: NodeId) -> bool {
    match unit.node(id) {
        Node::Int(_) | Node::BigInt(_) | Node::Float(_) | Node::String(_) | Node::Keyword(_) | Node::Bool(_) => true,
        Node::Null | Node::Local(_) | Node::Global(_) | Node::Function(_) => true,
        Node::Vector(list) | Node::Map(list) | Node::Set(list) => unit.list(*list).iter().all(|id| pure(unit, *id)),
        Node::Unary { operand, .. } => pure(unit, *operand),
        Node::Binary { left, right, .. } | Node::And { left, right } | Node::Or { left, right } => {
            pure(unit, *left) && pure(unit, *right)
        }
        _ => false,
    }
}

fn unreached(unit: &Unit, arms: &[Arm], found: &mut Vec<Diagnostic>) {
    let Some(at) = arms.iter().position(|arm| arm.guard.is_none() && takes_all(unit, arm.pattern)) else { return };
    let taker = arms[at].pattern;
    for arm in &arms[at + 1..] {
        let span = unit.pattern_spans[arm.pattern.index()];
        let mut warning = Diagnostic::new(Severity::Warning, "an arm that can never be reached", Some(span));
        warning.secondary.push((unit.pattern_spans[taker.index()], "this arm takes every value".into()));
        if matches!(unit.pattern(taker), Pattern::Bind(_)) {
            warning.help =
                Some("a name in a pattern binds, it does not compare; to compare, write `v if v == name`".into());
        }
        found.push(warning);
    }
}

/// Whether every value fits the pattern. Alternatives nest as deeply as the parser allows, no deeper.
fn takes_all(unit: &Unit, id: PatternId) -> bool {
    match unit.pattern(id) {
        Pattern::Ignore | Pattern::Bind(_) => true,
        Pattern::Or(all) => all.iter().any(|p| takes_all(unit, *p)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Surroundings, read};
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let source = Arc::new(Source::new("t.hr", text));
        let unit = read(Arc::clone(&source), &Surroundings::default()).expect("right");
        warnings(&unit)
            .iter()
            .map(|w| {
                let (line, column) = source.line_column(w.span.unwrap_or_default().start);
                format!("{line}:{column} {}", w.title)
            })
            .collect()
    }

    #[test]
    fn values_that_nobody_uses() {
        assert_eq!(
            found("fn f(a) {\n a + 1\n -3\n a\n}"),
            ["2:2 a value that nobody uses", "3:2 a value that nobody uses"]
        );
        assert_eq!(found("fn f(a) { [a, 1] a }").len(), 1);
        assert!(found("fn f(a) { g(a) a.x = 1 let b = 1 a.x a }").is_empty());
        assert!(found("fn f(a) { while a { 1 } for x in a { x } if a { 1 } }").is_empty());
    }

    #[test]
    fn arms_that_nobody_reaches() {
        let unreached = "an arm that can never be reached";
        assert_eq!(
            found("fn f(a) { match a { x => 1\n 2 => 3\n _ => 4 } }"),
            [format!("2:2 {unreached}"), format!("3:2 {unreached}")]
        );
        assert_eq!(found("fn f(a) { match a { 1 | _ => 1, 2 => 3 } }").len(), 1);
        assert!(found("fn f(a) { match a { x if x > 1 => 1, 2 => 3, _ => 4 } }").is_empty());
    }
}
