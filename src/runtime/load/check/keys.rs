//! Keys that a map certainly does not have, and has a like of: it is a literal, or a variable that holds one.
//!
//! Owns the warnings of `m["name"]`, `m[:nmae]` and `get(m, :nmae)`, which give `null` without a word. Must not know of anything
//! else that is wrong with a unit.

use super::*;
use crate::reader::tree::Var;

/// Shorter names are all like one another.
const SHORT: usize = 4;
/// What may have been meant is looked for in all keys: not for more keys than people read about.
const MOST_GUESSES: usize = 50;

/// The variables of a unit by their names, each list in the order of the text, and the literals that are bound, by where.
struct Bound<'a> {
    vars: FxHashMap<&'a str, Vec<&'a Var>>,
    literals: FxHashMap<u32, NodeId>,
}

/// The keys of a map literal as they are written.
type Keys = FxHashSet<String>;

impl<'a> Checker<'a> {
    /// Looks at all lookups by a literal key.
    pub(super) fn keys(&mut self) {
        let lookups: Vec<(NodeId, NodeId)> =
            (0..self.unit.nodes.len()).filter_map(|index| self.lookup(NodeId(index as u32))).collect();
        if lookups.is_empty() {
            return;
        }
        let bound = self.bound();
        let mut known: FxHashMap<NodeId, Option<Keys>> = FxHashMap::default();
        let mut guesses = 0;
        for (object, key) in lookups {
            let literal = match self.unit.node(object) {
                Node::Map(_) => Some(object),
                Node::Local(_) => self.literal_of(object, &bound),
                _ => None,
            };
            let Some(literal) = literal else { continue };
            let keys = known.entry(literal).or_insert_with(|| self.literal_keys(literal));
            if let Some((keys, written)) = keys.as_ref().zip(self.written_key(key))
                && !keys.contains(&written)
            {
                guesses += 1;
                self.missing_key(literal, keys, (key, &written), guesses <= MOST_GUESSES);
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
    fn literal_keys(&self, literal: NodeId) -> Option<Keys> {
        let Node::Map(entries) = self.unit.node(literal) else { return None };
        self.unit.list(*entries).iter().step_by(2).map(|key| self.written_key(*key)).collect()
    }

    fn bound(&self) -> Bound<'a> {
        let unit = self.unit;
        let mut vars: FxHashMap<&'a str, Vec<&'a Var>> = FxHashMap::default();
        for var in unit.functions.iter().flat_map(|function| &function.arities).flat_map(|arity| &arity.vars) {
            vars.entry(unit.name(var.name)).or_default().push(var);
        }
        vars.values_mut().for_each(|list| list.sort_by_key(|var| var.span.start));
        let literal = |node: &Node| match node {
            Node::Let { pattern, value }
                if matches!(unit.node(*value), Node::Map(_)) && matches!(unit.pattern(*pattern), Pattern::Bind(_)) =>
            {
                Some((unit.pattern_spans[pattern.index()].start, *value))
            }
            _ => None,
        };
        Bound { vars, literals: unit.nodes.iter().filter_map(literal).collect() }
    }

    /// The literal that a variable holds where it is named here, if it always does.
    fn literal_of(&self, named: NodeId, bound: &Bound<'a>) -> Option<NodeId> {
        let at = self.unit.span(named);
        let name = self.unit.source.text.get(at.start as usize..at.end as usize)?;
        let vars = bound.vars.get(name)?;
        // The latest one hides those before it.
        let before = &vars[..vars.partition_point(|var| var.span.start < at.start)];
        let var = before.iter().rev().find(|var| var.scope.start <= at.start && at.end <= var.scope.end)?;
        bound.literals.get(&var.span.start).copied().filter(|_| !var.mutable && !var.assigned)
    }

    /// Tells of a key that the literal has a like of: looked for among all, where `guess` allows.
    fn missing_key(&mut self, literal: NodeId, keys: &Keys, (key, written): (NodeId, &str), guess: bool) {
        let name = written.trim_matches([':', '"']);
        let help = if keys.contains(&format!(":{name}")) {
            format!("its keys are keywords, and a String is another key: write `:{name}`")
        } else if keys.contains(&format!("\"{name}\"")) {
            format!("its keys are Strings, and a keyword is another key: write `\"{name}\"`")
        } else {
            // Who asks for a key that is nothing like those that there are may want to see that it is missing.
            let meant = closest(written, keys.iter().map(String::as_str).filter(|_| guess));
            match meant.filter(|_| name.chars().count() >= SHORT) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => return,
            }
        };
        let unit = self.unit;
        let warning = self.warning(unit.span(key), format!("the map has no key {written}"));
        warning.help = Some(help);
        warning.secondary.push((unit.span(literal), "this is the whole map".into()));
    }
}
