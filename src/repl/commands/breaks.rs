//! Breakpoints that are set from outside: `:break`, `:unbreak`.
//!
//! Owns which place of which declaration is meant. How one gets its stops is [`declared`]'s.

use std::sync::Arc;

use super::declared::{self, Declaration, Declared};
use super::{Given, lookup, search};
use crate::gc::Thread;
use crate::reader::stops;
use crate::reader::tree::{Item, Source, Span, Unit};
use crate::repl::session::{Answer, Session};
use crate::runtime::Namespace;
use crate::runtime::fault::stop;
use crate::runtime::load;
use crate::runtime::program::binding::{Binding, Place};

/// What stands for all errors. No function of the program is meant by it: `user/error` is one.
const ERROR: &str = "error";

/// `:break [NAME[/N]|FILE:LINE|error]`
pub fn set(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    match given.text {
        "" => return Answer::Text(listed(cx)),
        ERROR => {
            stop::at_errors(cx, true);
            return Answer::Text(format!("errors stop where they are thrown, caught or not{}\n", nobody(cx)));
        }
        _ => {}
    }
    let found = match line_of(given.text) {
        Some((file, line)) => at_line(cx, file, line),
        None => match of_function(session, cx, given.text) {
            Some(found) => found,
            None => return search::nothing(session, cx, given.text),
        },
    };
    let (declaration, places) = match found {
        Ok(found) => found,
        Err(why) => return Answer::Error(format!("{why}\n")),
    };
    let (name, first) = (declaration.name(), places.first().copied().unwrap_or_default());
    let place = declaration.place(first);
    if let Err(error) = declared::stop_in(cx, declaration, &places) {
        return session.failed(cx, error);
    }
    let told = if stop::somebody_is_asked(cx) { "" } else { " and told" };
    Answer::Text(format!("{name} stops at {place}{}{told}\n", nobody(cx)))
}

/// What is to be said where nobody can be asked.
fn nobody(cx: &Thread) -> &'static str {
    if stop::somebody_is_asked(cx) { "" } else { ": nobody can be asked here, so that it is passed" }
}

fn listed(cx: &Thread) -> String {
    let line = |declared: &Declared| {
        let Declared { declaration, breakpoints } = declared;
        let mut places: Vec<String> = breakpoints.iter().map(|at| declaration.place(*at)).collect();
        places.dedup();
        format!("{} stops at {}\n", declaration.name(), places.join(", "))
    };
    let all = declared::all(cx);
    let errors = if stop::stops_at_errors(cx) { "errors stop where they are thrown\n" } else { "" };
    let lines: String = all.iter().filter(|declared| !declared.breakpoints.is_empty()).map(line).collect();
    if lines.is_empty() && errors.is_empty() { NONE.into() } else { lines + errors }
}

const NONE: &str = "there is no breakpoint that was set here\n";

/// `:unbreak [NAME|FILE:LINE|error]`
pub fn unset(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    let errors = stop::stops_at_errors(cx) && ["", ERROR].contains(&given.text);
    if errors {
        stop::at_errors(cx, false);
    }
    let errors = if errors { "errors do not stop any more\n" } else { "" };
    let wanted = match line_of(given.text) {
        _ if given.text == ERROR => return Answer::Text(if errors.is_empty() { NONE.into() } else { errors.into() }),
        _ if given.text.is_empty() => None,
        Some((file, line)) => Some(at_line(cx, file, line)),
        None => of_function(session, cx, given.text),
    };
    let wanted = match wanted {
        Some(Ok((declaration, _))) => Some(declaration),
        Some(Err(why)) => return Answer::Error(format!("{why}\n")),
        None if given.text.is_empty() => None,
        None => return search::nothing(session, cx, given.text),
    };
    let is_meant = |declared: &Declared| wanted.as_ref().is_none_or(|declaration| declared.declaration.is(declaration));
    match declared::end(cx, &is_meant) {
        Ok(names) if names.is_empty() && errors.is_empty() => Answer::Text(NONE.into()),
        Ok(names) => {
            let lines: String = names.iter().map(|name| format!("{name} does not stop any more\n")).collect();
            Answer::Text(lines + errors)
        }
        Err(error) => session.failed(cx, error),
    }
}

/// Where to stop, or why that cannot be.
type Found = Result<(Declaration, Vec<u32>), String>;

/// `main.hr:12`, `repl[3]:1`
fn line_of(text: &str) -> Option<(&str, u32)> {
    let (file, line) = text.rsplit_once(':')?;
    Some((file, line.parse().ok()?)).filter(|(file, _)| !file.is_empty())
}

/// At the start of a function, of one arity or of all; none where there is no such name.
fn of_function(session: &Session, cx: &Thread, text: &str) -> Option<Found> {
    let (name, arity) = match text.rsplit_once('/').map(|(name, arity)| (name, arity.parse::<usize>())) {
        Some((name, Ok(arity))) if !name.is_empty() => (name, Some(arity)),
        _ => (text, None),
    };
    let binding = lookup::binding(session.namespace(), cx, name)?;
    let place = binding.about().place;
    if binding.namespace.is_library() || place.as_ref().is_some_and(|place| place.source.is_library) {
        return Some(Err(format!("{} is of the library, which calls it for its own ends", binding.qualified())));
    }
    Some(declaration(binding, place, arity))
}

/// What has declared the function of a name, and where its bodies begin.
fn declaration(binding: &'static Binding, place: Option<Place>, arity: Option<usize>) -> Found {
    let no_declaration = || format!("{} is not declared by `fn {}(…)`", binding.qualified(), binding.name);
    let Place { source, span } = place.ok_or_else(no_declaration)?;
    let unit = load::read_for(source.clone(), Some(binding.namespace)).map_err(|_| no_declaration())?;
    let is_there = |item: &&Item| {
        let at = unit.item_span(item);
        let names = matches!(item, Item::Function { name, .. } if unit.name(*name) == binding.name);
        names && at.start <= span.end && span.start < at.end
    };
    let found = unit.items.iter().find(is_there);
    let found = found.and_then(|item| Declaration::of(&unit, item, binding.namespace, &source));
    let (declaration, functions) = found.ok_or_else(no_declaration)?;
    let statements = stops::entries(&unit, &[declaration.span]);
    let arities = functions.iter().flat_map(|function| &unit.function(*function).arities);
    let wanted = arities.filter(|one| arity.is_none_or(|n| one.rest.is_none() && one.params.len() == n));
    let bodies: Vec<Span> = wanted.map(|one| one.span).collect();
    if bodies.is_empty() {
        return Err(format!("{} does not take {} arguments", binding.qualified(), arity.unwrap_or_default()));
    }
    let first = |body: &Span| statements.iter().copied().filter(|at| body.start <= *at && *at < body.end).min();
    let places: Vec<u32> = bodies.iter().filter_map(first).collect();
    match places.is_empty() {
        true => Err(format!("{} has no statement to stop at", binding.qualified())),
        false => Ok((declaration, places)),
    }
}

/// Before the first statement on a line, or on the next one that has some, of a declaration.
fn at_line(cx: &Thread, file: &str, line: u32) -> Found {
    let mut lines = false;
    for (namespace, source) in sources(cx, file) {
        let Ok(unit) = load::read_for(source.clone(), Some(namespace)) else { continue };
        let Some((declaration, statements)) = around_line(&unit, namespace, &source, line) else { continue };
        lines = true;
        let at = statements.into_iter().filter(|at| source.line_column(*at).0 >= line).min();
        if let Some(at) = at.filter(|_| !declaration.is_gone(cx)) {
            return Ok((declaration, vec![at]));
        }
    }
    Err(match lines {
        true => format!("no statement of a function begins on line {line} of {file}, or behind it"),
        false => format!("there is no function on line {line} of a loaded text {file}"),
    })
}

/// The declaration around a line of a text, and where its statements begin.
fn around_line(
    unit: &Unit,
    namespace: &'static Namespace,
    source: &Arc<Source>,
    line: u32,
) -> Option<(Declaration, Vec<u32>)> {
    let line_at = |at: u32| source.line_column(at).0;
    let declarations = unit.items.iter().filter_map(|item| Declaration::of(unit, item, namespace, source));
    let mut declarations = declarations.map(|(declaration, _)| declaration);
    let declaration =
        declarations.find(|one| line_at(one.span.start) <= line && line <= line_at(one.span.end.saturating_sub(1)))?;
    let statements = stops::statements(unit, &[declaration.span]);
    Some((declaration, statements))
}

/// The texts of this name, with the namespaces that they have defined something in.
fn sources(cx: &Thread, file: &str) -> Vec<(&'static Namespace, Arc<Source>)> {
    let mut found: Vec<(&'static Namespace, Arc<Source>)> = Vec::new();
    let mut note = |namespace: &'static Namespace, source: Arc<Source>| {
        let is_meant = source.name == file || source.name.strip_suffix(file).is_some_and(|dir| dir.ends_with('/'));
        if is_meant && !source.is_library && !found.iter().any(|(_, known)| Arc::ptr_eq(known, &source)) {
            found.push((namespace, source));
        }
    };
    for namespace in cx.vm().namespaces.all() {
        let places = namespace.members().into_iter().filter_map(|(_, binding)| Some(binding.about().place?.source));
        namespace.source().into_iter().chain(places).for_each(|source| note(namespace, source));
    }
    // A text that only extends a type defines no name.
    for unit in cx.vm().sources.units() {
        note(unit.namespace, unit.source().clone());
    }
    found
}
