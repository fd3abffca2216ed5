//! What names mean: `:doc`, `:source`, `:members`, `:ns`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::lookup::{self, Thing, functions_of, layouts_of};
use super::{Given, search};
use crate::gc::Thread;
use crate::repl::session::{Answer, Session};
use crate::runtime::program::binding::{Binding, Place};
use crate::runtime::program::declare;
use crate::runtime::program::entry::code_of;
use crate::runtime::program::types::{FieldInfo, TypeKind};
use crate::runtime::{Code, Namespace, TypeInfo, load};

/// `:doc NAME`
pub fn doc(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    let things = lookup::find(session.namespace(), cx, given.text);
    if things.is_empty() {
        return search::nothing(session, cx, given.text);
    }
    Answer::Text(things.iter().map(|thing| describe(cx, thing)).collect())
}

/// `:source NAME`
pub fn source(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    let things = lookup::find(session.namespace(), cx, given.text);
    if things.is_empty() {
        return search::nothing(session, cx, given.text);
    }
    let mut text = String::new();
    let mut told: Vec<Place> = Vec::new();
    for thing in &things {
        match thing.place(cx) {
            Some(place) if told.iter().any(|p| Arc::ptr_eq(&p.source, &place.source) && p.span == place.span) => {}
            Some(place) => {
                text.push_str(&shown(&place));
                told.push(place);
            }
            None => text.push_str(&without_text(cx, thing)),
        }
    }
    Answer::Text(text)
}

/// The text at a place, with its name.
fn shown(place: &Place) -> String {
    let (source, span) = (&place.source, place.span);
    let text = source.text.get(span.start as usize..span.end as usize).unwrap_or_default();
    // The lines that follow are indented as they are there; the first one begins behind its own indentation.
    let before = source.text.get(..span.start as usize).unwrap_or_default();
    let indentation = before.rsplit('\n').next().unwrap_or_default();
    let indentation = if indentation.trim().is_empty() { indentation } else { "" };
    format!("// {}:{}\n{indentation}{text}\n", source.name, source.line_column(span.start).0)
}

/// What is said of something that has no text in Harrier.
fn without_text(cx: &mut Thread, thing: &Thing) -> String {
    match thing {
        Thing::Binding(binding) => match binding.get(cx).and_then(code_of) {
            Some(code) if code.builtin().is_some() => {
                let signature = code.signatures().join(" ");
                format!("// {}{signature} is a builtin: it is written in Rust\n", binding.qualified())
            }
            _ => format!("// {} is a builtin: it has no text\n", binding.qualified()),
        },
        Thing::Namespace(namespace) => match namespace.source() {
            Some(source) => format!("// {}\n{}\n", source.name, source.text.trim_end()),
            None if let Some(text) = cx.vm().library.text(namespace.name) => format!("{}\n", text.trim_end()),
            None => format!("// the namespace {} consists of builtins, which are written in Rust\n", namespace.name),
        },
        _ => describe(cx, thing),
    }
}

/// What `:doc` says of something.
fn describe(cx: &mut Thread, thing: &Thing) -> String {
    match thing {
        Thing::Command(command) => command.describe(),
        Thing::Form(form) => format!("{}\n", form.what),
        Thing::Binding(binding) => describe_binding(cx, binding),
        Thing::Namespace(namespace) => describe_namespace(cx, namespace),
        Thing::Field(type_, field) => {
            let default = if field.default.is_some() { "has a default" } else { "must be given" };
            let mutable = if field.mutable { ", can be assigned" } else { "" };
            let mut text = format!("{}.{}: a field of {}; it {default}{mutable}\n", type_.name, field.name, type_.name);
            push_doc(&mut text, field.doc.as_deref());
            text
        }
        Thing::Variant(type_, variant) => {
            let fields = fields_text(cx, variant.layout);
            let mut text = format!("{}.{}{fields}: a variant of {}\n", type_.name, variant.name, type_.name);
            push_doc(&mut text, variant.doc.as_deref());
            text
        }
        Thing::Function(type_, code) => {
            let name = code.name.rsplit(['/', '.']).next().unwrap_or_default();
            let mut text = String::new();
            for signature in code.signatures() {
                text.push_str(&format!("{}.{name}{signature}\n", type_.name));
            }
            push_doc(&mut text, doc_of_code(code).as_deref());
            push_place(&mut text, thing.place(cx));
            text
        }
        Thing::Method(method) => {
            let mut text = String::new();
            for signature in method.signatures() {
                text.push_str(&format!("{}{signature}\n", method.qualified));
            }
            text.push_str(&format!("  a method of the protocol {}\n", method.protocol_name));
            push_place(&mut text, thing.place(cx));
            text
        }
    }
}

fn describe_binding(cx: &mut Thread, binding: &'static Binding) -> String {
    let about = binding.about();
    let mut text = String::new();
    match binding.get(cx).and_then(code_of).map(Code::signatures) {
        Some(signatures) => {
            signatures.iter().for_each(|s| text.push_str(&format!("{}{s}\n", binding.qualified())));
        }
        None => text.push_str(&format!("{}{}\n", binding.qualified(), kind(cx, binding))),
    }
    push_doc(&mut text, doc_of_binding(cx, binding).as_deref());
    push_place(&mut text, about.place);
    text
}

/// What is said of a name; of one that holds a function what is said of that.
fn doc_of_binding(cx: &Thread, binding: &'static Binding) -> Option<String> {
    let said = binding.about().doc.map(|doc| doc.to_string());
    said.or_else(|| binding.get(cx).and_then(code_of).and_then(doc_of_code))
}

/// What a binding that is no function is.
fn kind(cx: &Thread, binding: &Binding) -> String {
    let Some(type_) = lookup::type_of_binding(cx, binding) else { return String::new() };
    if binding.type_id() != Some(type_.id) {
        return format!(": a value of type {}", type_.name);
    }
    let layouts = layouts_of(type_);
    match type_.kind {
        TypeKind::Builtin => ": a type of the language".into(),
        TypeKind::Protocol => ": a protocol".into(),
        TypeKind::Struct => {
            format!(": struct {}{}", type_.name, layouts.first().map_or(String::new(), |id| fields_text(cx, *id)))
        }
        TypeKind::Enum => {
            let variants = type_.body().variants;
            let all: Vec<String> =
                variants.iter().map(|v| format!("{}{}", v.name, fields_text(cx, v.layout))).collect();
            format!(": enum {} {{ {} }}", type_.name, all.join(", "))
        }
    }
}

/// ` { x, y }`
fn fields_text(cx: &Thread, layout: u32) -> String {
    let names: Vec<&str> =
        cx.vm().types.layout(layout).map(|l| l.fields.iter().map(|f| f.name).collect()).unwrap_or_default();
    if names.is_empty() { String::new() } else { format!(" {{ {} }}", names.join(", ")) }
}

fn push_doc(text: &mut String, doc: Option<&str>) {
    doc.unwrap_or_default().lines().for_each(|line| text.push_str(&format!("  {}\n", line.trim_end())));
}

fn push_place(text: &mut String, place: Option<Place>) {
    if let Some(place) = place {
        let line = place.source.line_column(place.span.start).0;
        text.push_str(&format!("  ({}:{line})\n", place.source.name));
    }
}

/// The doc comment of a function that no binding has.
fn doc_of_code(code: &Code) -> Option<String> {
    let (unit, function) = code.function()?;
    unit.unit.function(function).doc.map(|doc| unit.unit.name(doc).to_string())
}

fn describe_namespace(cx: &mut Thread, namespace: &'static Namespace) -> String {
    let mut text = format!("namespace {}\n", namespace.name);
    push_doc(&mut text, namespace.doc().as_deref());
    text.push_str(&format!("{}\n", public_names(namespace).into_iter().collect::<Vec<_>>().join(" ")));
    if cx.vm().namespaces.find("core").is_some_and(|core| std::ptr::eq(core, namespace)) {
        text.push_str("In view everywhere.\n");
    }
    text
}

/// The names of the members that have a value and are not private.
fn public_names(namespace: &Namespace) -> BTreeSet<&'static str> {
    let members = namespace.members().into_iter();
    members.filter(|(name, binding)| binding.is_defined() && !name.starts_with('_')).map(|(name, _)| name).collect()
}

/// What a name means, in parts: for those who show it in their own way.
pub struct About {
    /// Without its namespace.
    pub name: String,
    /// Where it is defined, if it is a definition.
    pub namespace: Option<&'static str>,
    /// What the documentation says of it.
    pub doc: String,
    /// `(x, y)`, for each arity.
    pub signatures: Vec<String>,
    /// The name of its text, line and column.
    pub place: Option<(String, u32, u32)>,
}

/// The first thing that a name means in a namespace.
pub fn explain(here: &'static Namespace, cx: &mut Thread, name: &str) -> Option<About> {
    let thing = lookup::find(here, cx, name).into_iter().next()?;
    let place = thing.place(cx).map(|place| {
        let (line, column) = place.source.line_column(place.span.start);
        (place.source.name.clone(), line, column)
    });
    Some(match &thing {
        Thing::Binding(binding) => About {
            name: binding.name.to_string(),
            namespace: Some(binding.namespace.name),
            doc: doc_of_binding(cx, binding).unwrap_or_default(),
            signatures: binding.get(cx).and_then(code_of).map(Code::signatures).unwrap_or_default(),
            place,
        },
        _ => About {
            name: name.to_string(),
            namespace: None,
            doc: describe(cx, &thing).trim_end().to_string(),
            signatures: Vec::new(),
            place,
        },
    })
}

// ---- :members ----

/// `:members [NAME]`
pub fn members(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    if given.text.is_empty() {
        return Answer::Text(members_of_namespace(cx, session.namespace()));
    }
    // `seq` is a function as well as a namespace, and has members as the latter only.
    let known = session.namespace().alias(given.text).or_else(|| cx.vm().namespaces.find(given.text));
    if let Some(namespace) = known {
        return Answer::Text(members_of_namespace(cx, namespace));
    }
    let things = lookup::find(session.namespace(), cx, given.text);
    let mut text = String::new();
    for thing in &things {
        match thing {
            Thing::Namespace(namespace) => text.push_str(&members_of_namespace(cx, namespace)),
            Thing::Binding(binding) => match lookup::type_of_binding(cx, binding) {
                Some(type_) => text.push_str(&members_of_type(cx, type_)),
                None => text.push_str("nothing\n"),
            },
            other => text.push_str(&describe(cx, other)),
        }
    }
    if things.is_empty() { search::nothing(session, cx, given.text) } else { Answer::Text(text) }
}

/// Names in a column, what is said of each in another.
fn table(rows: &[(String, String)]) -> String {
    const WIDEST: usize = 32;
    let width = rows.iter().map(|(name, _)| name.chars().count()).filter(|n| *n <= WIDEST).max().unwrap_or_default();
    let row = |(name, what): &(String, String)| match what.is_empty() {
        true => format!("  {name}\n"),
        false => format!("  {name:<width$}  {what}\n"),
    };
    rows.iter().map(row).collect()
}

fn members_of_namespace(cx: &mut Thread, namespace: &'static Namespace) -> String {
    let mut rows = Vec::new();
    for (name, binding) in namespace.members() {
        if !binding.is_defined() || name.starts_with('_') {
            continue;
        }
        let signatures = binding.get(cx).and_then(code_of).map(Code::signatures).unwrap_or_default();
        let left = match signatures.as_slice() {
            [one] => format!("{name}{one}"),
            [first, ..] => format!("{name}{first} …"),
            [] => name.to_string(),
        };
        let doc = binding.about().doc.map(|doc| search::first_sentence(&doc)).unwrap_or_default();
        let what = match (doc.is_empty(), signatures.is_empty()) {
            (true, true) => kind(cx, binding).trim_start_matches(": ").to_string(),
            _ => doc,
        };
        rows.push((left, what));
    }
    match rows.len() {
        0 => format!("the namespace {} defines nothing yet\n", namespace.name),
        _ => format!("namespace {}\n{}", namespace.name, table(&rows)),
    }
}

fn members_of_type(cx: &Thread, type_: &'static TypeInfo) -> String {
    let vm = cx.vm();
    let field = |f: &FieldInfo| {
        let default = if f.default.is_some() { "has a default" } else { "" };
        (format!(".{}", f.name), f.doc.as_deref().map_or(default.to_string(), search::first_sentence))
    };
    let mut rows = Vec::new();
    match type_.kind {
        TypeKind::Enum => {
            for variant in type_.body().variants {
                let doc = variant.doc.as_deref().map(search::first_sentence).unwrap_or_default();
                let fields = fields_text(cx, variant.layout);
                rows.push((format!("{}.{}{fields}", type_.name, variant.name), doc));
            }
        }
        _ => {
            for layout in layouts_of(type_).into_iter().filter_map(|id| vm.types.layout(id)) {
                rows.extend(layout.fields.iter().map(field));
            }
        }
    }
    for (name, code) in functions_of(cx, type_) {
        let signature = code.signatures().into_iter().next().unwrap_or_default();
        let doc = doc_of_code(&code).as_deref().map(search::first_sentence).unwrap_or_default();
        rows.push((format!(".{name}{signature}"), doc));
    }
    if type_.kind == TypeKind::Protocol {
        for method in vm.dispatch.methods_of(type_.id) {
            let signature = method.signatures().into_iter().next().unwrap_or_default();
            let default = if method.default().is_some() { "has a default" } else { "" };
            rows.push((format!("{}{signature}", method.name), default.to_string()));
        }
    }
    let word = match type_.kind {
        TypeKind::Builtin => "type",
        TypeKind::Struct => "struct",
        TypeKind::Enum => "enum",
        TypeKind::Protocol => "protocol",
    };
    let mut text = format!("{word} {}/{}\n{}", type_.namespace, type_.name, table(&rows));
    if type_.kind == TypeKind::Builtin {
        text.push_str("  its functions are those of the namespaces: see :apropos\n");
    }
    text
}

// ---- :ns ----

/// `:ns [NAME]`
pub fn namespace(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    let name = given.text;
    if name.is_empty() {
        return Answer::Text(format!("{}\n", session.namespace().name));
    }
    if !load::paths::is_namespace_name(name) {
        return Answer::Error(format!("`{name}` is not a name for a namespace\n"));
    }
    let found = match session.namespace().alias(name) {
        Some(namespace) => Ok(namespace),
        None if load::is_there(cx.vm(), name) => load::require(cx, name),
        None => declare::namespace(cx, name).map_err(|e| load::LoadError::Thrown(e.throw(cx))),
    };
    match found {
        Ok(namespace) => {
            session.namespace = namespace;
            Answer::Text(format!("{}\n", namespace.name))
        }
        Err(error) => session.failed(cx, error),
    }
}
