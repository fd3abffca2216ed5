//! Names that are not known by heart: `:apropos`, and what is said of a name that is not in view.

use std::sync::Arc;

use super::Given;
use crate::gc::Thread;
use crate::reader::tree::{Item, Source};
use crate::reader::{self, Surroundings};
use crate::repl::completion;
use crate::repl::session::{Answer, Session};
use crate::runtime::Code;
use crate::runtime::load;
use crate::runtime::program::binding::Binding;
use crate::runtime::program::entry::code_of;

/// So many lines of each kind are shown.
const MOST: usize = 60;
/// So much of a doc comment's first sentence.
const SENTENCE: usize = 96;

/// A name that was found.
struct Hit {
    namespace: String,
    name: String,
    signature: String,
    doc: String,
    /// The text that was looked for stands in its doc comment only.
    in_doc: bool,
    /// Its namespace is not loaded.
    elsewhere: bool,
}

/// The first sentence of a doc comment.
pub fn first_sentence(doc: &str) -> String {
    let doc = doc.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = [". ", ": `", "; "].iter().filter_map(|sign| doc.find(sign)).min();
    let sentence = end.map_or(doc.as_str(), |at| &doc[..at]).trim_end_matches(['.', ':']);
    match sentence.char_indices().nth(SENTENCE) {
        Some((at, _)) => format!("{}…", &sentence[..at]),
        None => sentence.to_string(),
    }
}

/// `:apropos TEXT`
pub fn apropos(_session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    let wanted = given.text.to_lowercase();
    let mut hits = loaded(cx, &wanted);
    hits.extend(not_loaded(cx, &wanted));
    if hits.is_empty() {
        return Answer::Text(format!("no name and no documentation contains {}\n", given.text));
    }
    hits.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    let mut text = String::new();
    let (by_name, by_doc): (Vec<_>, Vec<_>) = hits.iter().partition(|hit| !hit.in_doc);
    list(&mut text, &by_name);
    if !by_doc.is_empty() {
        text.push_str("in the documentation of:\n");
        list(&mut text, &by_doc);
    }
    let mut unseen: Vec<&str> = hits.iter().filter(|hit| hit.elsewhere).map(|hit| hit.namespace.as_str()).collect();
    unseen.dedup();
    unseen.sort_unstable();
    unseen.dedup();
    for namespace in unseen {
        text.push_str(&format!("not loaded: write `use {namespace}`\n"));
    }
    Answer::Text(text)
}

fn list(text: &mut String, hits: &[&Hit]) {
    let left = |hit: &Hit| format!("{}/{}{}", hit.namespace, hit.name, hit.signature);
    let shown = &hits[..hits.len().min(MOST)];
    let width = shown.iter().map(|hit| left(hit).chars().count()).filter(|n| *n <= 40).max().unwrap_or_default();
    for hit in shown {
        let line = format!("  {:<width$}  {}", left(hit), hit.doc);
        text.push_str(&format!("{}\n", line.trim_end()));
    }
    if hits.len() > shown.len() {
        text.push_str(&format!("  … {} more\n", hits.len() - shown.len()));
    }
}

/// Does it fit by its name, or else by its documentation?
fn fits(name: &str, doc: &str, wanted: &str) -> Option<bool> {
    if name.to_lowercase().contains(wanted) {
        return Some(false);
    }
    // Whoever looks for a letter or two does not mean all texts that have them.
    (wanted.chars().count() > 2 && doc.to_lowercase().contains(wanted)).then_some(true)
}

fn loaded(cx: &Thread, wanted: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    // The variables of a function that is stopped are no definitions.
    for namespace in cx.vm().namespaces.all().into_iter().filter(|namespace| namespace.outer().is_none()) {
        for (name, binding) in namespace.members() {
            let private = name.starts_with('_') && !wanted.starts_with('_');
            if private || !binding.is_defined() || namespace.member_for(name, false).is_none() {
                continue;
            }
            let doc = binding.about().doc.unwrap_or_default();
            if let Some(in_doc) = fits(name, &doc, wanted) {
                hits.push(Hit {
                    namespace: namespace.name.into(),
                    name: name.into(),
                    signature: signature(cx, binding),
                    doc: first_sentence(&doc),
                    in_doc,
                    elsewhere: false,
                });
            }
        }
    }
    hits
}

fn signature(cx: &Thread, binding: &Binding) -> String {
    let signatures = binding.get(cx).and_then(code_of).map(Code::signatures).unwrap_or_default();
    match signatures.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, ..] => format!("{first} …"),
    }
}

/// In the texts of namespaces that `use` would find.
fn not_loaded(cx: &Thread, wanted: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (namespace, text) in load::texts_not_loaded(cx.vm()) {
        // A text that is wrong has nothing to offer.
        let source = Arc::new(Source::new(namespace.as_str(), text));
        let Ok(unit) = reader::read(source, &Surroundings::default()) else { continue };
        for item in &unit.items {
            let (name, doc) = match item {
                Item::Function { name, doc, .. }
                | Item::Struct { name, doc, .. }
                | Item::Enum { name, doc, .. }
                | Item::Protocol { name, doc, .. } => (*name, *doc),
                Item::Let { names, doc, .. } => match names.first() {
                    Some((name, _)) => (*name, *doc),
                    None => continue,
                },
                Item::Extend(_) | Item::Expression { .. } | Item::Test { .. } => continue,
            };
            let (name, doc) = (unit.name(name), doc.map(|doc| unit.name(doc)).unwrap_or_default());
            if name.starts_with('_') {
                continue;
            }
            if let Some(in_doc) = fits(name, doc, wanted) {
                hits.push(Hit {
                    namespace: namespace.clone(),
                    name: name.to_string(),
                    signature: String::new(),
                    doc: first_sentence(doc),
                    in_doc,
                    elsewhere: true,
                });
            }
        }
    }
    hits
}

/// Names of other namespaces that are said when one means nothing here.
const MOST_ELSEWHERE: usize = 6;

/// What is said of a name that means nothing here: where there is one, or what was meant.
pub fn nothing(session: &Session, cx: &mut Thread, name: &str) -> Answer {
    let mut text = format!("there is no {name} in view");
    let plain = name.rsplit('/').next().unwrap_or(name);
    let mut elsewhere: Vec<String> = loaded(cx, &plain.to_lowercase())
        .into_iter()
        .chain(not_loaded(cx, &plain.to_lowercase()))
        .filter(|hit| hit.name == plain)
        .map(|hit| format!("{}/{}", hit.namespace, hit.name))
        .collect();
    elsewhere.sort();
    elsewhere.dedup();
    let names: Vec<String> = completion::globals(cx, session.namespace()).collect();
    match load::closest(name, names.iter().map(String::as_str)) {
        _ if !elsewhere.is_empty() => {
            let more = elsewhere.len().saturating_sub(MOST_ELSEWHERE);
            elsewhere.truncate(MOST_ELSEWHERE);
            text.push_str(&format!("; there is {}", elsewhere.join(", ")));
            if more > 0 {
                text.push_str(&format!(", and {more} more (`:apropos {plain}`)"));
            }
        }
        Some(meant) => text.push_str(&format!("; did you mean {meant}?")),
        None => text.push_str(&format!("; `:apropos {name}` looks further")),
    }
    Answer::Text(format!("{text}\n"))
}
