//! Keys that a map certainly does not have, and has a like of: it is a literal, or a variable that holds one.
//!
//! Owns the warnings of `m["name"]`, `m[:nmae]` and `get(m, :nmae)`, which give `null` without a word. Must not know of anything
//! else that is wrong with a unit.

use super::*;
use crate::reader::tree::Var;

/// Shorter names are all like one another.
const SHORT: usize = 4;

/// A variable that always holds the same map literal.
struct Held<'a> {
    var: &'a Var,
    literal: NodeId,
}

impl<'a> Checker<'a> {
    /// Looks at all lookups by a literal key.
    pub(super) fn keys(&mut self) {
        let lookups: Vec<(NodeId, NodeId)> =
            (0..self.unit.nodes.len()).filter_map(|index| self.lookup(NodeId(index as u32))).collect();
        if lookups.is_empty() {
            return;
        }
        let held = self.held_literals();
        for (object, key) in lookups {
            let literal = match self.unit.node(object) {
                Node::Map(_) => Some(object),
                Node::Local(_) => self.literal_of(object, &held),
                _ => None,
            };
            if let Some(literal) = literal {
                self.missing_key(literal, key);
            }
        }
    }

    /// `object[key]`, or `get(object, key)`, with a literal as key.
    fn lookup(&self, node: NodeId) -> Option<(NodeId, NodeId)> {
        let (object, key) = match self.unit.node(node) {
            Node::Index { object, index, .. } => (*object, *index),
            Node::Call { callee, args, .. } if self.core_function(*callee) == Some("get") => {
                let [object, key] = self.unit.list(*args) else { return None };
                (*object, *key)
            }
            _ => return None,
        };
        let may_be_known = matches!(self.unit.node(object), Node::Map(_) | Node::Local(_));
        (may_be_known && self.written_key(key).is_some()).then_some((object, key))
    }

    /// A key as it is written: `:name`, `"name"`.
    fn written_key(&self, key: NodeId) -> Option<String> {
        match self.unit.node(key) {
            Node::Keyword(name) => Some(format!(":{}", self.name(*name))),
            Node::String(text) => Some(format!("\"{}\"", self.name(*text))),
            _ => None,
        }
    }

    /// The keys of a map literal, if all of them are literals of these kinds.
    fn literal_keys(&self, literal: NodeId) -> Option<Vec<String>> {
        let Node::Map(entries) = self.unit.node(literal) else { return None };
        let keys: Option<Vec<String>> =
            self.unit.list(*entries).iter().step_by(2).map(|key| self.written_key(*key)).collect();
        keys.filter(|keys| !keys.is_empty())
    }

    /// The variables that are never assigned and hold a map literal.
    fn held_literals(&self) -> Vec<Held<'a>> {
        let unit = self.unit;
        let arities = unit.functions.iter().flat_map(|function| &function.arities);
        let bound: FxHashMap<u32, &'a Var> = arities
            .flat_map(|arity| &arity.vars)
            .filter(|v| !v.mutable && !v.assigned)
            .map(|v| (v.span.start, v))
            .collect();
        let literal = |node: &Node| match node {
            Node::Let { pattern, value } if matches!(unit.node(*value), Node::Map(_)) => {
                let var = bound.get(&unit.pattern_spans[pattern.index()].start)?;
                matches!(unit.pattern(*pattern), Pattern::Bind(_)).then_some(Held { var, literal: *value })
            }
            _ => None,
        };
        unit.nodes.iter().filter_map(literal).collect()
    }

    /// The literal that a variable holds where it is named here.
    fn literal_of(&self, named: NodeId, held: &[Held<'_>]) -> Option<NodeId> {
        let at = self.unit.span(named);
        let name = self.unit.source.text.get(at.start as usize..at.end as usize)?;
        let means = |var: &Var| var.scope.start <= at.start && at.end <= var.scope.end && self.name(var.name) == name;
        let last = held.iter().filter(|held| means(held.var)).max_by_key(|held| held.var.span.start)?;
        // Another variable of this name may hide it.
        let arities = self.unit.functions.iter().flat_map(|function| &function.arities);
        let hidden = arities.flat_map(|arity| &arity.vars).any(|v| v.span.start > last.var.span.start && means(v));
        (!hidden).then_some(last.literal)
    }

    fn missing_key(&mut self, literal: NodeId, key: NodeId) {
        let (Some(keys), Some(written)) = (self.literal_keys(literal), self.written_key(key)) else { return };
        if keys.contains(&written) {
            return;
        }
        let name = |key: &str| key.trim_matches([':', '"']).to_string();
        let other = keys.iter().find(|known| name(known) == name(&written));
        let help = match other {
            Some(known) if known.starts_with(':') => {
                format!("its keys are keywords, and a String is another key: write `{known}`")
            }
            Some(known) => format!("its keys are Strings, and a keyword is another key: write `{known}`"),
            // Who asks for a key that is nothing like those that there are may want to see that it is missing.
            None if name(&written).chars().count() < SHORT => return,
            None => match closest(&written, keys.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => return,
            },
        };
        let (unit, title) = (self.unit, format!("the map has no key {written}"));
        let warning = self.warning(unit.span(key), title);
        warning.help = Some(help);
        warning.secondary.push((unit.span(literal), "this is the whole map".into()));
    }
}
