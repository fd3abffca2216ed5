//! What is suspicious in a tree that is right: values that nobody uses, arms that nobody reaches.
//!
//! Owns the warnings that can be given without knowing what a name stands for. Must not know of types: whether a match
//! misses variants is for whoever resolves names.

use rustc_hash::FxHashMap;

use super::diagnostics::{Diagnostic, Severity};
use super::kept::{self, Fate, Taker};
use super::tree::*;
use super::{brackets, habits};

/// The warnings for a text, in the order in which they stand there.
pub fn warnings(unit: &Unit) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut takers = None;
    for (index, node) in unit.nodes.iter().enumerate() {
        match node {
            Node::Block(list) => {
                unused(unit, unit.list(*list), &mut found);
                found.extend(never_run(unit, unit.list(*list)));
            }
            Node::Match { arms, .. } => unreached(unit, arms, &mut found),
            Node::Let { value, .. } => found.extend(not_a_vector(unit, *value, &mut takers)),
            Node::DefineGlobals(define) => found.extend(not_a_vector(unit, define.value, &mut takers)),
            Node::For { body, .. } | Node::While { body, .. } | Node::Loop { body, .. } => {
                if let Some(last) = value_of_block(unit, *body)
                    && let Node::If { then, otherwise: None, .. } = unit.node(last)
                    && let Some(given) = dropped(unit, *then)
                {
                    let takers = takers.get_or_insert_with(|| Takers::of(unit));
                    found.extend(takers.not_left(NodeId(index as u32), *body, given));
                }
            }
            _ => {}
        }
    }
    found.extend(main_twice(unit));
    found.extend(habits::warnings(unit));
    found.extend(brackets::warnings(unit));
    found.sort_by_key(|warning| warning.span.unwrap_or_default().start);
    found
}

/// `main()` at the end of a file that defines it, as it is written elsewhere.
fn main_twice(unit: &Unit) -> Option<Diagnostic> {
    let defines = |item: &Item| matches!(item, Item::Function { name, .. } if unit.name(*name) == "main");
    if !unit.source.has_file() || !unit.items.iter().any(defines) {
        return None;
    }
    let calls = |item: &Item| match item {
        Item::Expression { node } => match unit.node(*node) {
            Node::Call { callee, .. } => {
                matches!(unit.node(*callee), Node::Global(g) if unit.name(unit.globals[g.index()].name) == "main")
                    .then_some(*node)
            }
            _ => None,
        },
        _ => None,
    };
    let node = unit.items.iter().find_map(calls)?;
    let mut warning = Diagnostic::new(Severity::Warning, "`main` runs twice", Some(unit.span(node)));
    warning.label = Some("called here, and once more when the file has been read".into());
    warning.help = Some("a program's `main` is called by itself: delete this line".into());
    Some(warning)
}

fn unused(unit: &Unit, ids: &[NodeId], found: &mut Vec<Diagnostic>) {
    let Some((_, before_last)) = ids.split_last() else { return };
    for (at, id) in before_last.iter().enumerate() {
        if let Node::If { .. } = unit.node(*id) {
            found.extend(not_left(unit, *id));
        }
        if !pure(unit, *id) {
            continue;
        }
        let mut warning = Diagnostic::new(Severity::Warning, "a value that nobody uses", Some(unit.span(*id)));
        warning.label = Some("computed, and dropped".into());
        let starts_with_sign = unit.source.text.as_bytes().get(unit.span(*id).start as usize) == Some(&b'-');
        let text = &unit.source.text[..unit.span(*id).start as usize];
        let begins_a_block = at == 0 && text.trim_end().ends_with('{');
        let entry = match unit.node(*id) {
            Node::Keyword(_) => true,
            // `{"a" 1}`: what stands behind it on the line is its value.
            Node::String(_) => unit
                .source
                .text
                .get(unit.span(*id).end as usize..unit.span(ids[at + 1]).start as usize)
                .is_some_and(|between| !between.contains(['\n', ';'])),
            _ => false,
        };
        let appends = matches!(unit.node(*id), Node::Binary { op: BinaryOp::ShiftLeft, .. });
        warning.help = Some(if appends {
            "`<<` shifts an Int; `xs = push(xs, x)` appends to a vector, `s = s ++ part` to a text".into()
        } else if begins_a_block && entry {
            "a brace here begins a block; a map stands in parentheses: `({:key value})`".into()
        } else if at > 0 && starts_with_sign {
            "a line that starts with `-` is an expression of its own: end the line before with the `-` instead".into()
        } else {
            "only the last value of a block counts; delete this one, or give it a name".into()
        });
        found.push(warning);
    }
}

/// What a block ends in.
fn value_of_block(unit: &Unit, block: NodeId) -> Option<NodeId> {
    match unit.node(block) {
        Node::Block(list) => unit.list(*list).last().copied(),
        _ => None,
    }
}

/// The value of the block of an `if`, where it does nothing but give it: what is meant leaves the function, or the loop.
fn dropped(unit: &Unit, block: NodeId) -> Option<NodeId> {
    let given = |id: &NodeId| !matches!(unit.node(*id), Node::Null | Node::Function(_)) && pure(unit, *id);
    value_of_block(unit, block).filter(given)
}

/// Is it more than a name or a constant?
fn is_computed(unit: &Unit, id: NodeId) -> bool {
    let mut operands = Vec::new();
    operands_of_pure(unit, id, &mut operands) && !operands.is_empty()
}

/// A `let` of a loop that computes something in each turn: it gets what the last turn gives.
fn not_a_vector<'u>(unit: &'u Unit, value: NodeId, takers: &mut Option<Takers<'u>>) -> Option<Diagnostic> {
    let Node::For { pattern, iterable, body, .. } = *unit.node(value) else { return None };
    let given = dropped(unit, body).filter(|given| is_computed(unit, *given))?;
    if takers.get_or_insert_with(|| Takers::of(unit)).is_left_with_a_value(value, body) {
        return None;
    }
    let title = "a value that only the last turn gives";
    let mut warning = Diagnostic::new(Severity::Warning, title, Some(unit.span(given)));
    warning.label = Some("dropped in every other turn".into());
    let (over, each, span) = (short(unit, iterable), short(unit, given), unit.pattern_spans[pattern.index()]);
    let name = unit.source.text.get(span.start as usize..span.end as usize);
    let all = match name.filter(|_| matches!(unit.pattern(pattern), Pattern::Bind(_)) && over != "…" && each != "…")
    {
        Some(name) => format!("`map(fn({name}) {{ {each} }}, {over})`"),
        None => "`map`".into(),
    };
    warning.help = Some(format!("the value of a `for` is that of its last turn; {all} gives a vector of all"));
    Some(warning)
}

/// An `if` among the statements of a block, whose value nobody uses.
fn not_left(unit: &Unit, id: NodeId) -> Option<Diagnostic> {
    let Node::If { then, otherwise, .. } = unit.node(id) else { return None };
    let given = dropped(unit, *then)?;
    if otherwise.is_some_and(|block| dropped(unit, block).is_none()) {
        return None;
    }
    let mut warning = Diagnostic::new(Severity::Warning, "a value that nobody uses", Some(unit.span(given)));
    warning.label = Some("computed, and dropped".into());
    // At the top level there is nothing to return from.
    let help = match kept::function_around(unit, unit.span(id)) == unit.init {
        true => "what follows stands in an `else { … }`".into(),
        false => {
            format!(
                "what follows stands in an `else {{ … }}`, or leave the function by `return {}`",
                short(unit, given)
            )
        }
    };
    warning.help = Some(help);
    Some(warning)
}

/// The text of a node, where it is short.
fn short(unit: &Unit, id: NodeId) -> &str {
    let span = unit.span(id);
    unit.source.text.get(span.start as usize..span.end as usize).filter(|text| text.len() < 40).unwrap_or("…")
}

/// Who looks at the values of a unit.
struct Takers<'u> {
    unit: &'u Unit,
    unseen: Vec<FunctionId>,
    fates: Vec<Fate>,
}

impl Takers<'_> {
    fn of(unit: &Unit) -> Takers<'_> {
        let unseen = kept::unseen(unit);
        Takers { unit, fates: kept::fates(unit, &unseen), unseen }
    }

    /// A loop whose body ends in an `if` without `else` that gives a value. A `for` or `while` has the value of its last turn, a
    /// `loop` none but what `break` gives.
    fn not_left(&self, id: NodeId, body: NodeId, given: NodeId) -> Option<Diagnostic> {
        let Fate { taker, in_turns } = self.fates[id.index()];
        let endless = matches!(self.unit.node(id), Node::Loop { .. });
        let of_last_turn = taker != Taker::Nobody && !endless;
        // Who leaves the loop with a value elsewhere may well mean another one for its end.
        if of_last_turn && self.is_left_with_a_value(id, body) {
            return None;
        }
        let value = short(self.unit, given);
        let leaves = match taker {
            Taker::Caller => format!("to leave it with the value, write `return {value}`"),
            Taker::Here if endless || !in_turns => format!("to leave it with the value, write `break {value}`"),
            Taker::Here => {
                format!("to leave all loops with the value, put them into a function, and write `return {value}`")
            }
            Taker::Nobody if self.has_caller(id) => {
                format!("to leave it with the value, write `return {value}`")
            }
            Taker::Nobody => {
                format!("to leave it with the value, write `break {value}`, and `let found =` before the loop")
            }
        };
        let (title, label, goes_on) = match of_last_turn {
            true => (
                "a value that only the last turn gives",
                "dropped in every other turn",
                "the loop goes on behind this, and its value is that of its last turn",
            ),
            false => ("a value that nobody uses", "computed, and dropped", "the loop goes on behind this"),
        };
        let mut warning = Diagnostic::new(Severity::Warning, title, Some(self.unit.span(given)));
        warning.label = Some(label.into());
        warning.help = Some(format!("{goes_on}; {leaves}"));
        Some(warning)
    }

    /// Does a `break` with a value leave the loop?
    fn is_left_with_a_value(&self, id: NodeId, body: NodeId) -> bool {
        let (Node::For { loop_, .. } | Node::While { loop_, .. } | Node::Loop { loop_, .. }) = *self.unit.node(id)
        else {
            return false;
        };
        let start = self.unit.span(body).start;
        let within = (0..body.0).rev().map(NodeId).take_while(|id| self.unit.span(*id).start >= start);
        // Loops are numbered in each function for itself.
        let around = |id: NodeId| kept::function_around(self.unit, self.unit.span(id));
        let leaves =
            |of: NodeId| matches!(self.unit.node(of), Node::Break { loop_: left, value: Some(_) } if *left == loop_);
        within.filter(|of| leaves(*of)).any(|of| around(of) == around(id))
    }

    /// Does somebody get what the function around the node returns?
    fn has_caller(&self, id: NodeId) -> bool {
        let around = kept::function_around(self.unit, self.unit.span(id));
        around != self.unit.init && !self.unseen.contains(&around)
    }
}

/// What stands behind a `return`, `break`, `continue` or `throw` in a block.
fn never_run(unit: &Unit, ids: &[NodeId]) -> Option<Diagnostic> {
    let at = ids.iter().position(|id| {
        matches!(unit.node(*id), Node::Return(_) | Node::Break { .. } | Node::Continue { .. } | Node::Throw(_))
    })?;
    let (way_out, next) = (ids[at], *ids.get(at + 1)?);
    let mut warning = Diagnostic::new(Severity::Warning, "code that is never reached", Some(unit.span(next)));
    warning.secondary.push((unit.span(way_out), "this leaves the block".into()));
    if matches!(unit.node(way_out), Node::Return(None) | Node::Break { value: None, .. }) {
        warning.help = Some("the value stands on the line of its `return` or `break`".into());
    }
    Some(warning)
}

/// Whether evaluating the node does nothing but give a value (or fault on operands of the wrong type).
fn pure(unit: &Unit, id: NodeId) -> bool {
    let mut work = vec![id];
    while let Some(id) = work.pop() {
        if !matches!(unit.node(id), Node::Function(_)) && !operands_of_pure(unit, id, &mut work) {
            return false;
        }
    }
    true
}

/// Whether the node, once its operands are evaluated, does nothing but give a value (or fault); they are added to the work.
pub fn operands_of_pure(unit: &Unit, id: NodeId, work: &mut Vec<NodeId>) -> bool {
    match unit.node(id) {
        Node::Int(_) | Node::BigInt(_) | Node::Float(_) | Node::String(_) | Node::Keyword(_) | Node::Bool(_) => {}
        Node::Null | Node::Local(_) | Node::Global(_) => {}
        Node::Vector(list) | Node::Map(list) | Node::Set(list) => work.extend_from_slice(unit.list(*list)),
        Node::Unary { operand, .. } => work.push(*operand),
        Node::Binary { left, right, .. } | Node::And { left, right } | Node::Or { left, right } => {
            work.extend([*left, *right]);
        }
        _ => return false,
    }
    true
}

fn unreached(unit: &Unit, arms: &[Arm], found: &mut Vec<Diagnostic>) {
    let mut before = Before::default();
    for arm in arms {
        let mut alternatives = Vec::new();
        flatten(unit, arm.pattern, &mut alternatives);
        let takers: Option<Vec<PatternId>> = alternatives.iter().map(|p| before.taker(unit, *p)).collect();
        if let Some(&taker) = takers.as_ref().and_then(|t| t.first()) {
            found.push(never_reached(unit, arm.pattern, taker));
        }
        if arm.guard.is_none() {
            alternatives.into_iter().for_each(|p| before.add(unit, p));
        }
    }
}

fn never_reached(unit: &Unit, pattern: PatternId, taker: PatternId) -> Diagnostic {
    let span = unit.pattern_spans[pattern.index()];
    let mut warning = Diagnostic::new(Severity::Warning, "an arm that can never be reached", Some(span));
    let label = if takes_all(unit, taker) { "this arm takes every value" } else { "this takes all that fits here" };
    warning.secondary.push((unit.pattern_spans[taker.index()], label.into()));
    if matches!(unit.pattern(taker), Pattern::Bind(_)) {
        let name = unit.pattern_spans[taker.index()];
        let name = unit.source.text.get(name.start as usize..name.end as usize).unwrap_or_default();
        warning.help = Some(match unit.own_member(name) {
            Some(member) => format!("a name in a pattern binds, it does not compare; the variant is `{member}`"),
            None => "a name in a pattern binds, it does not compare; to compare, write `v if v == name`".into(),
        });
    }
    warning
}

/// A pattern without the alternatives at its top.
fn flatten(unit: &Unit, id: PatternId, all: &mut Vec<PatternId>) {
    match unit.pattern(id) {
        Pattern::Or(list) => list.iter().for_each(|p| flatten(unit, *p, all)),
        _ => all.push(id),
    }
}

/// More patterns of one head are not compared: the time for a match of many thousand arms stays in proportion.
const MOST_OF_A_HEAD: usize = 64;

/// The patterns of the arms so far that have no guard.
#[derive(Default)]
struct Before {
    everything: Option<PatternId>,
    by_head: FxHashMap<Head, Vec<PatternId>>,
}

impl Before {
    fn add(&mut self, unit: &Unit, id: PatternId) {
        match head(unit, id) {
            Some(head) => {
                let list = self.by_head.entry(head).or_default();
                if list.len() < MOST_OF_A_HEAD {
                    list.push(id);
                }
            }
            None => self.everything = self.everything.or(Some(id)),
        }
    }

    /// The pattern that takes all that this one fits.
    fn taker(&self, unit: &Unit, id: PatternId) -> Option<PatternId> {
        self.everything.or_else(|| {
            let head = head(unit, id)?;
            // `E { }` takes all variants of an enum.
            let whole = match head {
                Head::Struct(alias, name, Some(_)) => self.by_head.get(&Head::Struct(alias, name, None)),
                _ => None,
            };
            let mut before = whole.into_iter().chain(self.by_head.get(&head)).flatten().copied();
            before.find(|p| covers(unit, *p, id))
        })
    }
}

/// What a pattern asks of a value before it looks inside: values that fit patterns of different heads may be the same
/// (a type can have two names), those of one head are told apart by the parts alone.
#[derive(PartialEq, Eq, Hash)]
enum Head {
    Int(i64),
    BigInt(Name),
    Float(u64),
    String(Name),
    Keyword(Name),
    Bool(bool),
    Null,
    Vector,
    Map,
    Struct(Option<Name>, Name, Option<Name>),
}

/// The head of a pattern; none for those that take everything, and for alternatives.
fn head(unit: &Unit, id: PatternId) -> Option<Head> {
    match unit.pattern(id) {
        Pattern::Ignore | Pattern::Bind(_) | Pattern::Or(_) => None,
        Pattern::Literal(node) => literal(unit, *node),
        Pattern::Vector { .. } => Some(Head::Vector),
        Pattern::Map(_) => Some(Head::Map),
        Pattern::Struct { type_, variant, .. } => {
            let type_ = unit.globals[type_.index()];
            Some(Head::Struct(type_.alias, type_.name, *variant))
        }
    }
}

/// The head of the type of a variant.
fn of_type(variant: Option<Head>) -> Option<Head> {
    match variant {
        Some(Head::Struct(alias, name, Some(_))) => Some(Head::Struct(alias, name, None)),
        _ => None,
    }
}

fn literal(unit: &Unit, id: NodeId) -> Option<Head> {
    Some(match unit.node(id) {
        Node::Int(value) => Head::Int(*value),
        Node::BigInt(digits) => Head::BigInt(*digits),
        // What equals an Int fits its pattern.
        Node::Float(value) if *value as i64 as f64 == *value && value.abs() < (1u64 << 63) as f64 => {
            Head::Int(*value as i64)
        }
        Node::Float(value) => Head::Float(value.to_bits()),
        Node::String(text) => Head::String(*text),
        Node::Keyword(name) => Head::Keyword(*name),
        Node::Bool(value) => Head::Bool(*value),
        Node::Null => Head::Null,
        _ => return None,
    })
}

/// Whether all that fits `b` fits `a` too. May say no where the truth is yes, never the other way.
fn covers(unit: &Unit, a: PatternId, b: PatternId) -> bool {
    if takes_all(unit, a) {
        return true;
    }
    match (unit.pattern(a), unit.pattern(b)) {
        (_, Pattern::Or(all)) => all.iter().all(|b| covers(unit, a, *b)),
        (Pattern::Or(all), _) => all.iter().any(|a| covers(unit, *a, b)),
        // `nan` fits nothing, and so takes nothing away.
        (Pattern::Literal(node), Pattern::Literal(_)) => {
            !matches!(unit.node(*node), Node::Float(f) if f.is_nan()) && head(unit, a) == head(unit, b)
        }
        (
            Pattern::Vector { before, rest, after },
            Pattern::Vector { before: b_before, rest: b_rest, after: b_after },
        ) => {
            let (a, b) = ((&before[..], rest, &after[..]), (&b_before[..], b_rest, &b_after[..]));
            vector_covers(unit, a, b)
        }
        (Pattern::Map(a), Pattern::Map(b)) => a.iter().all(|(key, p)| {
            let same = b.iter().find(|(k, _)| literal(unit, *k) == literal(unit, *key));
            same.is_some_and(|(_, q)| covers(unit, *p, *q))
        }),
        (
            Pattern::Struct { fields: a_fields, variant, .. },
            Pattern::Struct { fields: b_fields, variant: b_variant, .. },
        ) => {
            let whole = variant.is_none() && a_fields.is_empty() && b_variant.is_some();
            (head(unit, a) == head(unit, b) || whole && of_type(head(unit, b)) == head(unit, a))
                && a_fields.iter().all(|(name, p)| match b_fields.iter().find(|(n, _)| n == name) {
                    Some((_, q)) => covers(unit, *p, *q),
                    None => takes_all(unit, *p),
                })
        }
        _ => false,
    }
}

type VectorParts<'a> = (&'a [PatternId], &'a Option<PatternId>, &'a [PatternId]);

fn vector_covers(unit: &Unit, a: VectorParts<'_>, b: VectorParts<'_>) -> bool {
    let ((a_before, a_rest, a_after), (b_before, b_rest, b_after)) = (a, b);
    let (a_least, b_least) = (a_before.len() + a_after.len(), b_before.len() + b_after.len());
    let lengths = match (a_rest, b_rest) {
        (None, None) => a_least == b_least,
        (None, Some(_)) => false,
        (Some(rest), _) => takes_all(unit, *rest) && a_least <= b_least,
    };
    if !lengths {
        return false;
    }
    // Elements that `b` counts from an end; those that lie within its rest can be anything.
    let from_start = |k: usize| match b_rest {
        None => b_before.iter().chain(b_after).nth(k),
        Some(_) => b_before.get(k),
    };
    let from_end = |k: usize| match b_rest {
        None => b_before.iter().chain(b_after).rev().nth(k),
        Some(_) => b_after.iter().rev().nth(k),
    };
    let fits = |a: &PatternId, b: Option<&PatternId>| b.map_or(takes_all(unit, *a), |b| covers(unit, *a, *b));
    a_before.iter().enumerate().all(|(k, p)| fits(p, from_start(k)))
        && a_after.iter().rev().enumerate().all(|(k, p)| fits(p, from_end(k)))
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

    /// The titles and the ends of the helps of the warnings of a text.
    fn advice(name: &str, text: &str) -> Vec<(String, String)> {
        let unit = read(Arc::new(Source::new(name, text)), &Surroundings::default()).expect("right");
        let end = |help: String| help.rsplit("; ").next().unwrap_or_default().to_string();
        warnings(&unit).into_iter().map(|w| (w.title, end(w.help.unwrap_or_default()))).collect()
    }

    #[test]
    fn values_at_the_end_of_a_loop() {
        let (nobody, last) = ("a value that nobody uses", "a value that only the last turn gives");
        let (returns, breaks) =
            ("to leave it with the value, write `return x`", "to leave it with the value, write `break x`");
        let function = "to leave all loops with the value, put them into a function, and write `return x`";
        let found = "to leave it with the value, write `break x`, and `let found =` before the loop";
        let all = [
            // What a function ends in, also by a branch.
            ("fn f(xs) { for x in xs { if x { x } } }", last, returns),
            ("fn f(x) { if g(x) { while x { if x { x } } } else { 1 } }", last, returns),
            ("fn f(x) { match x { 1 => while x { if x { x } }, _ => 2 } }", last, returns),
            ("fn f(x) { try { while x { if x { x } } } catch (e) { e } }", last, returns),
            ("fn f(xs) { for y in xs { for x in xs { if x { x } } } }", last, returns),
            ("fn f(x) { g(fn() { while x { if x { x } } }) }", last, returns),
            // What takes the value.
            ("fn f(xs) { let r = for x in xs { if x { x } } r }", last, breaks),
            ("fn f(xs) { g(for x in xs { if x { x } }) }", last, breaks),
            ("fn f(xs) { [1 + (for x in xs { if x { x } })] }", last, breaks),
            ("fn f(xs) { let r = if g(1) { for x in xs { if x { x } } } r }", last, breaks),
            ("fn f(xs) { let r = for y in xs { for x in xs { if x { x } } } r }", last, function),
            // A `loop` gives what `break` gives, whoever takes it.
            ("fn f(x) { let r = loop { if x { x } } r }", nobody, breaks),
            ("fn f(x) { loop { if x { x } } }", nobody, returns),
            ("fn f(x) { let r = for y in x { loop { if x { x } } } r }", nobody, breaks),
            // Nobody takes it.
            ("fn f(xs) { for x in xs { if x { x } } null }", nobody, returns),
            ("fn f(x) { try { 1 } finally { while x { if x { x } } } }", nobody, returns),
            ("fn f(xs) { loop { for x in xs { if x { x } } } }", nobody, returns),
            ("fn main() { for x in [1] { if x { x } } }", nobody, found),
            ("for x in [1] { if x { x } }", nobody, found),
            ("let x = 1\ntest \"t\" { while x { if x { x } } }", nobody, found),
            ("if true { 1 }\n2 |> println", nobody, "what follows stands in an `else { … }`"),
        ];
        for (text, title, help) in all {
            assert_eq!(advice("t.hr", text), [(title.to_string(), help.to_string())], "{text}");
        }
        // At the prompt the value is shown, and there is nothing to return from.
        assert_eq!(advice("repl[1]", "for x in [1] { if x { x } }"), [(last.into(), breaks.into())]);
        assert_eq!(advice("<eval>", "let r = loop { for x in [1] { if x { x } } }")[0].1, found);
        // Loops are numbered in each function for itself.
        let inner = "fn f(xs) { let r = for x in xs { g(fn(y) { for z in y { break z } }) if x { x } } r }";
        assert_eq!(advice("t.hr", inner), [(last.into(), breaks.into())]);
        // Who leaves it with a value elsewhere knows what it gives.
        let quiet = "fn f(xs) { let r = for x in xs { if x == 1 { break :one } if x { x } } r }";
        assert!(advice("t.hr", quiet).is_empty());
    }

    #[test]
    fn brackets_behind_what_is_complete() {
        let told = |w: &&String| w.contains(" on the same line ") || w.contains(" on a line below ");
        let count = |text: &str| found(text).iter().filter(told).count();
        for text in [
            "fn f(x) { for y in x { g(y) } [x] }",
            "fn f(x) { for y in x { g(y) } (x) }",
            "fn f(x) { for y in x { g(y) }[0] }",
            "fn f(x) { while g(x) { x.a = 1 } [x] }",
            "fn f(x) { loop { break x } (x) }",
            "fn f(x) { if x { g(x) } (x) }",
            "fn f(x) { if x { g(x) } else if g(x) { x }[0] }",
            "fn f(x) { if x { g(x) } else { x } [0] }",
            "fn f(x) { match x { 1 => g(x), _ => x } (1) }",
            "fn f(x) { try { g(x) } catch (e) { e } [0] }",
            "fn f(x) { let h = fn(y) { y } [x] }",
            "fn f(x) { g([6 [7]]) }",
            "fn f(x) { g(6 [7]) }",
            "fn f(x) { g(x, :a (7)) }",
            "let s = #{1, 6 [7]}",
            "let m = {:a 6 [7] :b 1}",
            "let m = {:a :b [7] :c 1}",
            "let m = [\"a\" [1]]",
            "let m = [[1] [0]]",
            "let m = [[1]\n [0]]",
            "let m = [[1] // one\n // two\n [0]]",
            "let m = [1 + 2 [0]]",
            "let m = [-1 [0], 5]",
            "let m = {:a [1] [0] :b 2}",
            "let m = {:a 6 [7] [8] :b 2}",
            "fn f(x) { let a = 6 [7] a }",
        ] {
            assert_eq!(count(text), 1, "{text}: {:?}", found(text));
        }
        for text in [
            "fn f(x) { for y in x { g(y) }\n [x] }",
            "fn f(x) { for y in x { g(y) }; [x] }",
            "fn f(x) { (for y in x { g(y) })[0] }",
            "fn f(x) { (if x { g } else { f }) (x) }",
            "fn f(x) { if x { g } else { f }(x) }",
            "fn f(x) { match x { 1 => g, _ => f }(x) }",
            "fn f(x) { fn(y) { y }(x) }",
            "fn f(x) { (fn(y) { y }) (x) }",
            "fn f(x) { let a = [1, 2] [x] a }",
            "fn f(x) { let a = \"text\" [0] a }",
            "fn f(x) { g([x [0], g (1)]) }",
            "fn f(x) { x |> (fn(y) { y }) }",
            "fn f(x) { for y in x { } |> g(1) }",
            "fn f(x) { [\"abc\"[0], [1, 2][0], 5] }",
            "let m = {:a 6, [7] 8}",
        ] {
            assert_eq!(count(text), 0, "{text}: {:?}", found(text));
        }
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

    /// How many of the arms are never reached, each pattern an arm.
    fn unreachable(patterns: &[&str]) -> usize {
        let arms: Vec<String> = patterns.iter().map(|p| format!("{p} => 1")).collect();
        found(&format!("fn f(v) {{ match v {{\n{}\n}} }}", arms.join("\n"))).len()
    }

    #[test]
    fn patterns_that_take_what_others_fit() {
        for (first, second) in [
            ("[a, b]", "[a, b]"),
            ("[a, _]", "[1, [b]]"),
            ("[...r]", "[q]"),
            ("[...]", "[a, ...b, c]"),
            ("[a, ...r]", "[a, b, ...r]"),
            ("[...r, 1]", "[2, 1]"),
            ("P { }", "P { b }"),
            ("P { b }", "P { }"),
            ("P { a: 1 }", "P { a: 1, b: 2 }"),
            ("A.x", "A.x"),
            ("A.x { f }", "A.x { f: 1 }"),
            ("n/A.x", "n/A.x { f: 1 }"),
            ("A { }", "A.x"),
            ("n/A { }", "n/A.x { f: 1 }"),
            ("[A { }]", "[A.x { f }]"),
            ("A { } | B.x", "B.x | A.x"),
            ("{a}", "{a, b}"),
            ("{}", "{a}"),
            ("{a: 1 | 2, \"k\": v}", "{a: 2, \"k\": [v]}"),
            ("1 | 2 | 3", "3 | 1"),
            ("\"a\"", "\"a\""),
            ("1.5", "1.5"),
            ("[1 | 2]", "[1] | [2]"),
        ] {
            assert_eq!(unreachable(&[first, second]), 1, "{first} then {second}");
        }
        assert_eq!(unreachable(&["1", "2", "1 | 2", "3"]), 1);
    }

    #[test]
    fn patterns_that_leave_something() {
        for (first, second) in [
            ("A.x", "B.x"),
            ("A { }", "B.x"),
            ("A { }", "n/A.x"),
            ("A.x", "A { }"),
            ("A.x", "n/A.x"),
            ("A.x", "A.y"),
            ("[a]", "[a, b]"),
            ("[a, b]", "[...r]"),
            ("[1, ...r]", "[...r, 1]"),
            ("[a, b, ...]", "[a, ...]"),
            ("[a, ...[b]]", "[a, b, c]"),
            ("[a, ...r, 1]", "[a, ...r]"),
            ("[1, ...]", "[...r, 1, 2]"),
            ("[1]", "[2]"),
            ("P { b: 1 }", "P { b }"),
            ("P { b: 1 }", "P { }"),
            ("{a, b}", "{a}"),
            ("{a}", "{\"a\": x}"),
            ("{a: 1}", "{a}"),
            ("nan", "nan"),
            ("\"a\"", ":a"),
            ("[1 | 2]", "[n]"),
            ("1 | 2", "2 | 3"),
            ("[a, b] if a", "[a, b]"),
        ] {
            assert_eq!(unreachable(&[first, second]), 0, "{first} then {second}");
        }
    }
}
