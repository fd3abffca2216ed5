//! What is right in Harrier, and means something else where its author comes from.
//!
//! Owns the warnings of such habits: texts that put no value in, a comment that was meant to divide, a `let` that was meant to
//! assign, a program without `main`. They look for names that are in view, so that nothing else is taken for them. Must not know
//! what names of the top level mean.

use super::diagnostics::{Diagnostic, Severity};
use super::lexer;
use super::tree::*;
use rustc_hash::FxHashSet;
use std::cell::OnceCell;

/// Names are looked up in a walk through the whole text: not for more texts and comments than people read about.
const MOST_LOOKS: usize = 200;

/// The warnings for a text.
pub(super) fn warnings(unit: &Unit) -> Vec<Diagnostic> {
    if unit.source.is_library {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut looks = MOST_LOOKS;
    let own = OnceCell::new();
    for (index, node) in unit.nodes.iter().enumerate() {
        if matches!(node, Node::String(_)) {
            found.extend(not_put_in(unit, unit.spans[index], &mut looks));
        }
        found.extend(text_is_first(unit, node, unit.spans[index], &own));
        found.extend(places_of_values(unit, node, &own));
    }
    if unit.source.text.contains(" // ") {
        found.extend(divisions(unit, &mut looks));
    }
    found.extend(shadows(unit));
    found
}

/// The warning for a main file that only defines things, none of which is `main`.
pub fn nothing_to_run(unit: &Unit) -> Option<Diagnostic> {
    let runs = |item: &Item| match item {
        Item::Function { name, .. } => unit.name(*name) == "main",
        Item::Expression { .. } | Item::Let { .. } | Item::Test { .. } => true,
        _ => false,
    };
    // A file that takes in others may be there for what they do.
    if !unit.uses.is_empty() || !unit.exports.is_empty() || unit.items.iter().any(runs) {
        return None;
    }
    let function = |item: &Item| match item {
        Item::Function { name, span, .. } => Some((unit.name(*name), *span)),
        _ => None,
    };
    let functions: Vec<(&str, Span)> = unit.items.iter().filter_map(function).collect();
    let (first, at) = *functions.first()?;
    let called = |name: &str| {
        ["main", "start", "run", "init", "app", "program"].iter().any(|word| name.eq_ignore_ascii_case(word))
    };
    let (name, at) = functions.iter().copied().find(|(name, _)| called(name)).unwrap_or((first, at));
    let text = unit.source.text.get(at.start as usize..).unwrap_or_default();
    let end = text.find(['{', '\n']).map_or(text.len(), |end| text[..end].trim_end().len());
    let span = Span { start: at.start, end: at.start + end as u32 };
    let mut warning = Diagnostic::new(Severity::Warning, "nothing runs in this file", Some(span));
    warning.label = Some("only defined".into());
    warning.help = Some(if called(name) {
        format!("a program begins with the function `main`: call this `fn main()`, or write `{name}()` below")
    } else {
        "a program begins with the function `main`: write `fn main() { … }`".into()
    });
    Some(warning)
}

/// The error of a `main` that can be called neither with the arguments of the program nor without.
pub fn main_takes(unit: &Unit) -> Option<Diagnostic> {
    let arities = unit.items.iter().find_map(|item| match item {
        Item::Function { name, function, .. } if unit.name(*name) == "main" => Some(&unit.function(*function).arities),
        _ => None,
    })?;
    let [arity, ..] = &arities[..] else { return None };
    if arities.iter().any(|arity| arity.params.len() <= 1) {
        return None;
    }
    let spans = arity.params.iter().map(|param| unit.pattern_spans[param.index()]);
    let span = spans.reduce(|first, last| Span { start: first.start, end: last.end })?;
    let text = unit.source.text.get(span.start as usize..span.end as usize)?;
    let message = "`main` gets the arguments of the program as one vector";
    let mut error = Diagnostic::new(Severity::Error, message, Some(span));
    error.label = Some("it takes one parameter, or none".into());
    error.help = Some(format!("`fn main(args)`; `fn main([{text}])` takes it apart"));
    Some(error)
}

/// The names of the unit's own functions, collected when somebody asks.
type Own<'u> = OnceCell<FxHashSet<&'u str>>;

/// The name by which a function that the unit does not make itself is called, and the arguments.
fn called<'u>(unit: &'u Unit, node: &Node) -> Option<(&'u str, &'u [NodeId])> {
    let Node::Call { callee, args, .. } = node else { return None };
    let Node::Global(global) = unit.node(*callee) else { return None };
    let global = unit.globals[global.index()];
    global.alias.is_none().then(|| (unit.name(global.name), unit.list(*args)))
}

fn is_own<'u>(unit: &'u Unit, name: &str, own: &Own<'u>) -> bool {
    let function = |item: &Item| match item {
        Item::Function { name, .. } => Some(unit.name(*name)),
        _ => None,
    };
    own.get_or_init(|| unit.items.iter().filter_map(function).collect()).contains(name)
}

/// `split(",", text)` and `replace("a", "b", text)`: the text is the first argument.
fn text_is_first<'u>(unit: &'u Unit, node: &Node, span: Span, own: &Own<'u>) -> Option<Diagnostic> {
    let (name, args) = called(unit, node)?;
    let literal = |node: NodeId| match unit.node(node) {
        Node::String(text) => Some(unit.name(*text)),
        _ => None,
    };
    let (order, given) = match (name, args) {
        ("split", [first, second]) => {
            let sign = literal(*first)?;
            let separates = !sign.is_empty() && sign.len() <= 2 && !sign.contains(char::is_alphanumeric);
            let text = !matches!(unit.node(*second), Node::String(_)) || literal(*second)?.len() > 2;
            ("split(text, separator)", separates && text)
        }
        ("replace" | "replace-first", [first, second, third]) => {
            let part = literal(*second)?;
            let third = literal(*third).is_none_or(|text| text.contains(part));
            ("replace(text, part, other)", !literal(*first)?.contains(part) && third)
        }
        _ => return None,
    };
    if !given || is_own(unit, name, own) {
        return None;
    }
    let mut warning = Diagnostic::new(Severity::Warning, format!("`{name}` takes the text first"), Some(span));
    warning.label = Some("the order may be another one".into());
    warning.help = Some(format!("write `{order}`; after a text, `text |> {name}(…)`"));
    Some(warning)
}

/// `println("{} is {}", name, age)` and `"{}".format(age)`: the text has a place for each of the other arguments, as elsewhere.
fn places_of_values<'u>(unit: &'u Unit, node: &Node, own: &Own<'u>) -> Option<Diagnostic> {
    let (name, text, values) = match node {
        // With any other number of arguments, and with most values, the call is an error that tells the same.
        Node::MethodCall { object, name, args, .. } if args.len == 1 && unit.name(*name) == "format" => {
            let values = unit.list(*args);
            let own =
                |item: &Item| matches!(item, Item::Extend(extend) if extend.methods.iter().any(|(own, _)| own == name));
            if !matches!(unit.node(values[0]), Node::Int(_)) || unit.items.iter().any(own) {
                return None;
            }
            ("format", object, values)
        }
        _ => {
            let (name, args) = called(unit, node)?;
            let (text, values) = args.split_first()?;
            (name, text, values)
        }
    };
    if !matches!(name, "println" | "print" | "eprintln" | "format") {
        return None;
    }
    let Node::String(written) = unit.node(*text) else { return None };
    let written = unit.name(*written);
    let places = written.matches("{}").count()
        + ["%d", "%s", "%v", "%f"].map(|p| written.matches(p).count()).iter().sum::<usize>();
    if values.is_empty() || places != values.len() || is_own(unit, name, own) {
        return None;
    }
    let mut warning = Diagnostic::new(Severity::Warning, "the text has no places for values", Some(unit.span(*text)));
    warning.label = Some("stands there as it is".into());
    let value = unit.span(values[0]);
    let value = unit.source.text.get(value.start as usize..value.end as usize);
    let value = value.filter(|text| lexer::is_name(text)).unwrap_or("x");
    warning.help = Some(format!("a value is put into a text by `${{…}}`: `\"… ${{{value}}} …\"`"));
    Some(warning)
}

/// Is a variable of this name in view there?
fn in_view(unit: &Unit, name: &str, at: u32, looks: &mut usize) -> bool {
    let Some(left) = looks.checked_sub(1) else { return false };
    *looks = left;
    let functions = unit.functions.iter().filter(|f| f.span.start <= at && at < f.span.end);
    let mut vars = functions.flat_map(|f| &f.arities).flat_map(|arity| &arity.vars);
    vars.any(|var| unit.name(var.name) == name && var.scope.start <= at && at < var.scope.end)
}

/// `#{name}`, `$name` or `{name}` in a text, where that is a variable in view.
fn not_put_in(unit: &Unit, span: Span, looks: &mut usize) -> Option<Diagnostic> {
    let text = unit.source.text.get(span.start as usize..span.end as usize)?;
    if !text.starts_with(['"', '}']) || !text.contains(['{', '$']) {
        return None;
    }
    for (at, sign) in text.match_indices(['{', '$']) {
        let begin = at + 1;
        if text[..at].ends_with(['\\', '$']) || !text[begin..].starts_with(|c: char| c == '_' || c.is_alphabetic()) {
            continue;
        }
        let end = lexer::name_end(text, begin);
        let (braced, ruby) = (sign == "{", sign == "{" && text[..at].ends_with('#'));
        if braced && !text[end..].starts_with('}') {
            continue;
        }
        let name = if braced { &text[begin..end] } else { text[begin..end].trim_end_matches(['?', '!']) };
        if !in_view(unit, name, span.start, looks) {
            continue;
        }
        let place = Span {
            start: span.start + (at - usize::from(ruby)) as u32,
            end: span.start + (begin + name.len() + usize::from(braced)) as u32,
        };
        let mut warning =
            Diagnostic::new(Severity::Warning, format!("the text does not get the value of `{name}`"), Some(place));
        warning.label = Some("stands there as it is".into());
        warning.help = Some(format!("a value is put into a text by `${{{name}}}`"));
        return Some(warning);
    }
    None
}

/// `expression // name` at the end of a line: a comment, where a division was meant.
fn divisions(unit: &Unit, looks: &mut usize) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in unit.source.text.split_inclusive('\n') {
        found.extend(divided(unit, start, line, looks));
        start += line.len();
    }
    found
}

fn divided(unit: &Unit, start: usize, line: &str, looks: &mut usize) -> Option<Diagnostic> {
    let (before, after) = line.split_once("//")?;
    let (value, divisor) = (before.trim(), after.trim().trim_end_matches([')', ']', ',', ';']));
    let number = !divisor.is_empty() && divisor.bytes().all(|b| b.is_ascii_digit());
    if !(number || lexer::is_name(divisor))
        || !before.ends_with(' ')
        || !value.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | ']'))
    {
        return None;
    }
    let at = (start + before.len()) as u32;
    let in_text = |(node, span): (&Node, &Span)| {
        matches!(node, Node::String(_) | Node::Interpolate(_)) && span.start < at && at < span.end
    };
    // What is a number, and follows a name alone, may say what that is; a division by a number follows a name that is computed with.
    let last = value.rsplit(|c: char| !(c.is_alphanumeric() || "-_?!".contains(c))).next().unwrap_or_default();
    let meant = if number {
        (value.starts_with("let ") || value.starts_with("return ")) && in_view(unit, last, at, looks)
    } else {
        in_view(unit, divisor, at, looks)
    };
    if !meant || unit.nodes.iter().zip(&unit.spans).any(in_text) {
        return None;
    }
    let span = Span { start: at, end: (start + before.len() + 2 + after.trim_end().len()) as u32 };
    let mut warning = Diagnostic::new(Severity::Warning, "a comment, and no division", Some(span));
    warning.label = Some("`//` begins a comment".into());
    warning.help =
        Some(format!("`a / b` of two Ints gives the whole quotient, `floor-div(a, b)` rounds down: `… / {divisor}`"));
    Some(warning)
}

/// A `let` that nobody reads, in view of a variable of that name that can be assigned.
fn shadows(unit: &Unit) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for arity in unit.functions.iter().flat_map(|f| &f.arities) {
        let unread = |var: &&Var| var.kind == VarKind::Local && var.uses == 0 && !var.captured && !var.mutable;
        for var in arity.vars.iter().filter(unread).take(MOST_LOOKS) {
            let name = unit.name(var.name);
            let before = unit.source.text.get(..var.span.start as usize).unwrap_or_default();
            if name.starts_with('_') || !before.trim_end().ends_with("let") {
                continue;
            }
            let hidden = arity
                .vars
                .iter()
                .find(|other| other.mutable && other.name == var.name && other.span.start < var.span.start);
            let Some(hidden) = hidden else { continue };
            let mut warning = Diagnostic::new(Severity::Warning, format!("nobody reads this `{name}`"), Some(var.span));
            warning.label = Some("another variable of the same name".into());
            warning.secondary.push((hidden.span, "this one stays as it is".into()));
            warning.help = Some(format!("to change the first one, assign it: `{name} = …`, without `let`"));
            found.push(warning);
        }
    }
    found
}
