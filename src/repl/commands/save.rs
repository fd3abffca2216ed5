//! `:save`: the session's definitions as a file.
//!
//! Owns what entries have declared: texts with the comments before them, by what they declare. A later declaration takes the place
//! of an earlier one of the same names, so that what uses them finds them before itself, as it did.

use std::path::Path;
use std::sync::Arc;

use super::Given;
use super::units;
use crate::gc::Thread;
use crate::reader::tree::{Item, Source, Span, Unit};
use crate::reader::{self, Surroundings};
use crate::repl::results;
use crate::repl::session::{Answer, Session};
use crate::runtime::Namespace;
use crate::runtime::load::{Evaluated, LoadError};
use crate::runtime::system::{descriptor, files};

/// What a file begins with that was written here.
const FIRST_LINE: &str = "// Saved from a session of Harrier";

/// What entries have declared, in order.
#[derive(Default)]
pub struct Kept(Vec<Piece>);

struct Piece {
    namespace: &'static str,
    /// What it declares: `fn f`, or the head of an `extend`, or a whole `use` line.
    key: String,
    /// The names that it defines.
    names: Vec<String>,
    text: String,
    /// It names a result of the session.
    of_session: bool,
}

impl Kept {
    /// Notes what a text has declared that was evaluated.
    pub fn note(&mut self, namespace: &'static Namespace, text: &str, evaluated: &Result<Evaluated, LoadError>) {
        // What was thrown at its top level came after functions and types were declared; which values were, nobody knows.
        let (namespace, values) = match evaluated {
            Ok(evaluated) => (evaluated.namespace, true),
            Err(LoadError::Thrown(_)) => (namespace, false),
            Err(LoadError::Problems(_)) => return,
        };
        let source = Arc::new(Source::new("<repl>", text));
        let Ok(unit) = reader::read(source, &Surroundings::default()) else { return };
        let mut line = |text: String| {
            let (namespace, key) = (namespace.name, text.clone());
            self.add(Piece { namespace, key, names: Vec::new(), text, of_session: false });
        };
        for used in &unit.uses {
            let alias = if used.alias_given { format!(" as {}", unit.name(used.alias)) } else { String::new() };
            let names: Vec<&str> = used.names.iter().map(|(name, _)| unit.name(*name)).collect();
            let names = if names.is_empty() { String::new() } else { format!(" {{ {} }}", names.join(", ")) };
            line(format!("use {}{alias}{names}", unit.name(used.path)));
        }
        for export in &unit.exports {
            let reference = unit.globals[export.index()];
            let alias = reference.alias.map_or(String::new(), |alias| format!("{}/", unit.name(alias)));
            line(format!("export {alias}{}", unit.name(reference.name)));
        }
        let mut before = 0;
        for item in &unit.items {
            let span = unit.item_span(item);
            let from = std::mem::replace(&mut before, span.end);
            let Some((key, names)) = declares(&unit, item).filter(|_| values || !matches!(item, Item::Let { .. }))
            else {
                continue;
            };
            // What stands between is comments, and what divides items.
            let between = unit.source.text.get(from as usize..span.start as usize).unwrap_or_default();
            // A comment on the same line belongs to it.
            let behind =
                unit.source.text.get(span.end as usize..).and_then(|rest| rest.lines().next()).unwrap_or_default();
            let end = if behind.trim_start().starts_with("//") { span.end + behind.len() as u32 } else { span.end };
            before = end;
            let own = unit.source.text.get(span.start as usize..end as usize).unwrap_or_default();
            let of_session = unit.globals.iter().any(|reference| {
                results::is_name(unit.name(reference.name))
                    && span.start <= reference.span.start
                    && reference.span.end <= span.end
            });
            let text = format!("{}{own}", own_lines(between).trim_start_matches([';', '\n', ' ', '\t']));
            self.add(Piece { namespace: namespace.name, key, names, text, of_session });
        }
    }

    fn add(&mut self, piece: Piece) {
        let same = |old: &Piece| old.namespace == piece.namespace && old.key == piece.key;
        let Some(at) = self.0.iter().position(same) else { return self.0.push(piece) };
        // Another kind of declaration of one of its names stands between: then this one comes last.
        let overtaken = self.0[at + 1..].iter().any(|other| {
            other.namespace == piece.namespace && other.names.iter().any(|name| piece.names.contains(name))
        });
        if overtaken {
            self.0.remove(at);
            self.0.push(piece);
        } else {
            self.0[at] = piece;
        }
    }

    fn of(&self, namespace: &str) -> Vec<&Piece> {
        self.0.iter().filter(|piece| piece.namespace == namespace).collect()
    }
}

/// Without the lines of `use`, `export` and `namespace`, which are kept by themselves.
fn own_lines(text: &str) -> String {
    let word = |line: &str| line.split_whitespace().next().map(str::to_string);
    let other = |line: &&str| !matches!(word(line).as_deref(), Some("use" | "export" | "namespace"));
    text.split('\n').filter(other).collect::<Vec<_>>().join("\n")
}

/// What an item declares: a key, and the names that it defines; none of an expression.
fn declares(unit: &Unit, item: &Item) -> Option<(String, Vec<String>)> {
    let name = |name| unit.name(name).to_string();
    let head = |span: Span| {
        let text = unit.source.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        text.split('{').next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let names = match item {
        Item::Function { name: n, .. }
        | Item::Struct { name: n, .. }
        | Item::Enum { name: n, .. }
        | Item::Protocol { name: n, .. } => vec![name(*n)],
        Item::Let { names, .. } => names.iter().map(|(n, _)| name(*n)).collect(),
        Item::Extend(extend) => return Some((head(extend.span), Vec::new())),
        Item::Test { name: n, .. } => return Some((format!("test {}", unit.name(*n)), Vec::new())),
        Item::Expression { .. } => return None,
    };
    Some((names.join(" "), names))
}

/// `:save FILE`
pub fn save(session: &mut Session, _: &mut Thread, given: Given<'_>) -> Answer {
    let path = Path::new(given.text);
    let namespace = session.namespace().name;
    let pieces = session.kept.of(namespace);
    if pieces.is_empty() {
        return Answer::Text(format!("the session has defined nothing in the namespace {namespace}\n"));
    }
    let name = given.text;
    match files::begins_with(path, FIRST_LINE.as_bytes()) {
        Ok(Some(true) | None) => {}
        Ok(Some(false)) => {
            let message = format!("{name} is there, and was not written by :save: name another file, or remove it\n");
            return Answer::Error(message);
        }
        Err(error) => return Answer::Error(format!("cannot write {name}: {}\n", descriptor::why(&error))),
    }
    let mut text = format!("{FIRST_LINE} {}.\n", env!("CARGO_PKG_VERSION"));
    let mut long = true;
    for piece in &pieces {
        // What takes one line stands together.
        let is_long = piece.text.contains('\n');
        if long || is_long {
            text.push('\n');
        }
        long = is_long;
        if piece.of_session {
            text.push_str("// `_` was the last value of the session:\n");
            piece.text.lines().for_each(|line| text.push_str(&format!("// {line}\n")));
        } else {
            text.push_str(&piece.text);
            text.push('\n');
        }
    }
    match std::fs::write(path, text) {
        Ok(()) => Answer::Text(format!(
            "{} of the namespace {namespace} written to {}\n",
            units::counted(pieces.len() as u64, "definition"),
            given.text
        )),
        Err(error) => Answer::Error(format!("cannot write {}: {}\n", given.text, descriptor::why(&error))),
    }
}
