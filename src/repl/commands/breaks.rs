//! Breakpoints that are set from outside: `:break`, `:unbreak`.
//!
//! Owns which declarations have some. One is given a call of `breakpoint()` by evaluating its text anew with the call in it, as any
//! redefinition: so code without breakpoints costs nothing, and what runs already ends in the code that it began in. All else of the
//! text is blank then, so that lines are where they were. The sessions of a thread share them, as they do what is traced.

use std::cell::RefCell;
use std::sync::Arc;

use super::{Given, lookup, search};
use crate::gc::Thread;
use crate::reader::lexer;
use crate::reader::tree::{Function, Item, Node, Source, Span, Unit};
use crate::repl::entry;
use crate::repl::session::{Answer, Session};
use crate::runtime::Namespace;
use crate::runtime::fault::stop;
use crate::runtime::load::{self, LoadError};
use crate::runtime::program::binding::{Binding, Place};

/// What is written into a text.
const CALL: &str = "core/breakpoint()";

thread_local! {
    /// The declarations that have breakpoints.
    static BROKEN: RefCell<Vec<Broken>> = const { RefCell::new(Vec::new()) };
}

/// A declaration of a function, or what a type is extended with.
#[derive(Clone)]
struct Declaration {
    namespace: &'static Namespace,
    /// That of the function.
    binding: Option<&'static Binding>,
    source: Arc<Source>,
    span: Span,
}

/// One that has breakpoints.
#[derive(Clone)]
struct Broken {
    declaration: Declaration,
    stops: Vec<Stop>,
}

/// A place in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stop {
    at: u32,
    /// The end of a body that is no block.
    end: Option<u32>,
}

impl Declaration {
    fn is(&self, other: &Declaration) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && self.span == other.span
    }

    /// Does the name stand for another function meanwhile?
    fn is_gone(&self) -> bool {
        let place = self.binding.map(|binding| binding.about().place);
        place.is_some_and(|place| !place.is_some_and(|place| Arc::ptr_eq(&place.source, &self.source)))
    }

    /// What it is called.
    fn name(&self) -> String {
        self.binding.map_or_else(|| format!("the `extend` in {}", self.place(self.span.start)), Binding::qualified)
    }

    fn place(&self, at: u32) -> String {
        format!("{}:{}", self.source.name, self.source.line_column(at).0)
    }

    /// The text with these breakpoints in it, and nothing else but the declaration.
    fn text(&self, stops: &[Stop]) -> String {
        let mut inserted: Vec<(u32, String)> = Vec::new();
        for stop in stops {
            match stop.end {
                None => inserted.push((stop.at, format!("{CALL}; "))),
                // It gives `null`; and the body stays the last that the function does.
                Some(end) => inserted.extend([(stop.at, format!("{CALL} || (")), (end, ")".to_string())]),
            }
        }
        inserted.sort_by_key(|(at, _)| *at);
        let blank = |byte: u8| if byte == b'\n' { '\n' } else { ' ' };
        let mut text: String = self.source.text.bytes().take(self.span.start as usize).map(blank).collect();
        let mut from = self.span.start;
        for (at, piece) in inserted {
            text.push_str(&self.source.text[from as usize..at as usize]);
            text.push_str(&piece);
            from = at;
        }
        text.push_str(&self.source.text[from as usize..self.span.end as usize]);
        text
    }

    /// Evaluates it with these breakpoints; what is said of the name stays.
    fn declare(&self, cx: &mut Thread, stops: &[Stop]) -> Result<(), LoadError> {
        let about = self.binding.map(Binding::about);
        load::entry(cx, &self.source.name, &self.text(stops), self.namespace)?;
        if let Some((binding, about)) = self.binding.zip(about) {
            binding.set_about(about.doc, about.place, about.type_);
        }
        Ok(())
    }
}

/// Forgets those that were defined anew, without breakpoints.
fn forget_what_is_gone() {
    BROKEN.with_borrow_mut(|all| all.retain(|broken| !broken.declaration.is_gone()));
}

/// `:break [NAME[/N]|FILE:LINE]`
pub fn set(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    forget_what_is_gone();
    if given.text.is_empty() {
        return Answer::Text(listed());
    }
    let found = match line_of(given.text) {
        Some((file, line)) => at_line(cx, file, line),
        None => match of_function(session, cx, given.text) {
            Some(found) => found,
            None => return search::nothing(session, cx, given.text),
        },
    };
    let (declaration, stops) = match found {
        Ok(found) => found,
        Err(why) => return Answer::Error(format!("{why}\n")),
    };
    let known = BROKEN.with_borrow(|all| all.iter().find(|broken| broken.declaration.is(&declaration)).cloned());
    let mut broken = known.unwrap_or_else(|| Broken { declaration, stops: Vec::new() });
    let first = stops.first().map_or(0, |stop| stop.at);
    broken.stops.extend(stops.into_iter().filter(|stop| !broken.stops.contains(stop)).collect::<Vec<_>>());
    if let Err(error) = broken.declaration.declare(cx, &broken.stops) {
        return session.failed(cx, error);
    }
    let asked =
        if stop::somebody_is_asked(cx) { "" } else { ": nobody can be asked here, so that it is passed and told" };
    let said = format!("{} stops at {}{asked}\n", broken.declaration.name(), broken.declaration.place(first));
    BROKEN.with_borrow_mut(|all| {
        all.retain(|other| !other.declaration.is(&broken.declaration));
        all.push(broken);
    });
    Answer::Text(said)
}

fn listed() -> String {
    let lines = BROKEN.with_borrow(|all| {
        let line = |broken: &Broken| {
            let mut places: Vec<String> = broken.stops.iter().map(|stop| broken.declaration.place(stop.at)).collect();
            places.dedup();
            format!("{} stops at {}\n", broken.declaration.name(), places.join(", "))
        };
        all.iter().map(line).collect::<String>()
    });
    if lines.is_empty() { "there is no breakpoint that was set here\n".into() } else { lines }
}

/// `:unbreak [NAME|FILE:LINE]`
pub fn unset(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    forget_what_is_gone();
    let wanted = match line_of(given.text) {
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
    let (ended, stay) = BROKEN
        .take()
        .into_iter()
        .partition::<Vec<_>, _>(|broken| wanted.as_ref().is_none_or(|declaration| broken.declaration.is(declaration)));
    BROKEN.set(stay);
    let mut text = String::new();
    for broken in ended {
        if let Err(error) = broken.declaration.declare(cx, &[]) {
            BROKEN.with_borrow_mut(|all| all.push(broken));
            return session.failed(cx, error);
        }
        text.push_str(&format!("{} does not stop any more\n", broken.declaration.name()));
    }
    if text.is_empty() { Answer::Text("there is no breakpoint that was set here\n".into()) } else { Answer::Text(text) }
}

/// Where to stop, or why that cannot be.
type Found = Result<(Declaration, Vec<Stop>), String>;

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
    let place = place.ok_or_else(no_declaration)?;
    let unit = load::read_for(place.source.clone(), Some(binding.namespace)).map_err(|_| no_declaration())?;
    let is_there = |span: &Span| span.start <= place.span.end && place.span.start < span.end;
    let found = unit.items.iter().find_map(|item| match item {
        Item::Function { function, span, .. } if declared(&unit, item) == Some(binding.name) && is_there(span) => {
            Some((*span, unit.function(*function)))
        }
        _ => None,
    });
    let (span, function) = found.ok_or_else(no_declaration)?;
    let stops = starts(&unit, function, arity);
    if stops.is_empty() {
        return Err(format!("{} does not take {} arguments", binding.qualified(), arity.unwrap_or_default()));
    }
    let source = place.source.clone();
    Ok((Declaration { namespace: binding.namespace, binding: Some(binding), source, span }, stops))
}

/// Where the bodies of a function begin.
fn starts(unit: &Unit, function: &Function, arity: Option<usize>) -> Vec<Stop> {
    let wanted =
        function.arities.iter().filter(|one| arity.is_none_or(|n| one.rest.is_none() && one.params.len() == n));
    let start = |body| {
        let span = unit.span(body);
        match unit.node(body) {
            Node::Block(_) if unit.source.text[span.start as usize..].starts_with('{') => {
                Stop { at: span.start + 1, end: None }
            }
            _ => Stop { at: span.start, end: Some(span.end) },
        }
    };
    wanted.map(|one| start(one.body)).collect()
}

/// Before the first statement on a line, or on the next one that has some, of a declaration.
fn at_line(cx: &Thread, file: &str, line: u32) -> Found {
    let mut lines = false;
    for (namespace, source) in sources(cx, file) {
        let Ok(unit) = load::read_for(source.clone(), Some(namespace)) else { continue };
        let line_at = |at: u32| source.line_column(at).0;
        let spans = unit.items.iter().filter(|item| matches!(item, Item::Function { .. } | Item::Extend(_)));
        let item = spans
            .map(|item| (item, unit.item_span(item)))
            .find(|(_, span)| line_at(span.start) <= line && line <= line_at(span.end.saturating_sub(1)));
        let Some((item, span)) = item else { continue };
        lines = true;
        let binding = declared(&unit, item).and_then(|name| namespace.own(name));
        let declaration = Declaration { namespace, binding, source: source.clone(), span };
        if declaration.is_gone() {
            continue;
        }
        let statements = statements(&unit, span);
        let Some(at) = statements.into_iter().filter(|at| line_at(*at) >= line).min() else { continue };
        return Ok((declaration, vec![Stop { at, end: None }]));
    }
    Err(match lines {
        true => format!("no statement of a function begins on line {line} of {file}, or behind it"),
        false => format!("there is no function on line {line} of a loaded text {file}"),
    })
}

/// The texts of this name, with the namespaces that they have defined something in.
fn sources(cx: &Thread, file: &str) -> Vec<(&'static Namespace, Arc<Source>)> {
    let mut found: Vec<(&'static Namespace, Arc<Source>)> = Vec::new();
    for namespace in cx.vm().namespaces.all() {
        let places = namespace.members().into_iter().filter_map(|(_, binding)| Some(binding.about().place?.source));
        for source in namespace.source().into_iter().chain(places) {
            let is_meant = source.name == file || source.name.strip_suffix(file).is_some_and(|dir| dir.ends_with('/'));
            if is_meant && !source.is_library && !found.iter().any(|(_, known)| Arc::ptr_eq(known, &source)) {
                found.push((namespace, source));
            }
        }
    }
    found
}

/// Where the statements of blocks in a declaration begin.
fn statements(unit: &Unit, item: Span) -> Vec<u32> {
    let tokens = lexer::lex(&unit.source.text).tokens;
    let lists = unit.nodes.iter().filter_map(|node| match node {
        Node::Block(list) => Some(unit.list(*list)),
        _ => None,
    });
    let begins = lists.flatten().map(|id| unit.span(*id).start).filter(|at| item.start < *at && *at < item.end);
    begins.filter_map(|at| entry::start_of_statement(&tokens, at)).collect()
}

/// The name of a function that is declared.
fn declared<'u>(unit: &'u Unit, item: &Item) -> Option<&'u str> {
    match item {
        Item::Function { name, .. } => Some(unit.name(*name)),
        _ => None,
    }
}
