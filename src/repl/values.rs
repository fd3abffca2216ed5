//! The values that an entry names, as far as they can be had without running anything.
//!
//! Owns how a path of names (`a`, `alias/a`, `a.field`) leads to a value, and what can be said of one: its members, keys, signatures.

use super::completion::start_of_name;
use crate::gc::{Thread, Value};
use crate::object::layout;
use crate::reader::lexer::{Kind, Token};
use crate::runtime::Namespace;
use crate::runtime::program::binding::Binding;
use crate::runtime::program::dispatch::Target;
use crate::runtime::program::entry::code_of;
use crate::runtime::program::instances::type_behind;
use crate::runtime::program::types::TypeKind;
use crate::runtime::values::collections::map;

/// A name and the fields behind it.
pub type Path = Vec<String>;

/// The path that ends with the last of these tokens of a text: empty where something else ends there.
pub fn path_before(text: &str, tokens: &[Token]) -> Path {
    let mut path = Path::new();
    let mut left = tokens;
    loop {
        let Some((name, rest)) = left.split_last().filter(|(name, _)| name.kind == Kind::Ident) else {
            return Path::new();
        };
        let start = start_of_name(text, name.end as usize);
        path.insert(0, text[start..name.end as usize].to_string());
        left = rest;
        // `alias/name` is one name.
        while left.last().is_some_and(|token| token.start as usize >= start) {
            left = &left[..left.len() - 1];
        }
        match left.split_last() {
            Some((dot, rest)) if dot.kind == Kind::Dot => left = rest,
            _ => return path,
        }
    }
}

/// What a name of the present namespace stands for.
pub fn binding(cx: &Thread, namespace: &'static Namespace, name: &str) -> Option<&'static Binding> {
    let vm = cx.vm();
    match name.rsplit_once('/').filter(|(alias, name)| !alias.is_empty() && !name.is_empty()) {
        Some((alias, name)) => {
            let namespace = namespace.alias(alias).or_else(|| vm.namespaces.find(alias))?;
            namespace.member_for(name, false).filter(|binding| binding.is_defined())
        }
        None => {
            let own = namespace.own(name).filter(|binding| binding.is_defined());
            own.or_else(|| vm.namespaces.find("core")?.member_for(name, false))
        }
    }
}

/// Asks the value at the end of a path.
pub fn at(
    cx: &Thread,
    namespace: &'static Namespace,
    path: &[String],
    ask: fn(&Thread, Value<'_>) -> Vec<String>,
) -> Vec<String> {
    let Some((name, fields)) = path.split_first() else { return Vec::new() };
    let Some(mut value) = binding(cx, namespace, name).and_then(|binding| binding.get(cx)) else { return Vec::new() };
    for field in fields {
        let slot = cx.vm().types.layout(value.layout()).filter(|_| is_instance(value)).and_then(|l| l.slot(field));
        let Some(slot) = slot else { return Vec::new() };
        value = value.slot(slot);
    }
    ask(cx, value)
}

/// Is it a value of a struct, or of a variant of an enum?
pub fn is_instance(value: Value<'_>) -> bool {
    value.layout() >= layout::FIRST_USER_LAYOUT
}

/// What may stand behind the dot: fields, functions that the type was given, variants, and the functions of `core` whose first
/// parameter is called `self`.
pub fn members(cx: &Thread, value: Value<'_>) -> Vec<String> {
    let vm = cx.vm();
    if let Some(type_) = type_behind(value) {
        let given = vm.dispatch.associated_names(Target { type_: type_.id, variant: None });
        return type_.variant_names().into_iter().chain(given).map(str::to_string).collect();
    }
    let mut names: Vec<String> = Vec::new();
    if let Some(layout) = vm.types.layout(value.layout()) {
        if is_instance(value) {
            names.extend(layout.present_fields().map(|(_, field)| field.name.to_string()));
            let added = vm.types.present(layout).into_iter().flat_map(|present| &present.fields);
            names.extend(added.filter(|f| layout.made_with(f.name).is_none()).map(|field| field.name.to_string()));
        }
        for variant in [None, layout.variant] {
            let target = Target { type_: layout.type_, variant };
            names.extend(vm.dispatch.names_of(target).into_iter().map(str::to_string));
        }
    }
    if !is_instance(value) {
        let core = vm.namespaces.find("core").map(Namespace::members).unwrap_or_default();
        let takes_self = |binding: &Binding| {
            let code = binding.get(cx).and_then(code_of);
            code.is_some_and(|code| code.signatures().iter().any(|signature| signature.starts_with("(self")))
        };
        let of_core = core.into_iter().filter(|(name, binding)| !name.starts_with('_') && takes_self(binding));
        names.extend(of_core.map(|(name, _)| name.to_string()));
    }
    names
}

/// The keys of a map that are keywords, as they are written.
pub fn keys(cx: &Thread, value: Value<'_>) -> Vec<String> {
    if !value.is(layout::MAP) {
        return Vec::new();
    }
    let keywords = map::iter(value).take(1000).filter_map(|(key, _)| key.as_keyword());
    keywords.map(|keyword| format!(":{}", cx.vm().keywords.text(keyword))).collect()
}

/// The fields of a struct or variant, as its literal names them.
pub fn fields_of_literal(cx: &Thread, namespace: &'static Namespace, path: &[String]) -> Vec<String> {
    let Some((name, variant)) = path.split_first() else { return Vec::new() };
    let value = binding(cx, namespace, name).and_then(|binding| binding.get(cx));
    let Some(type_) = value.and_then(type_behind) else { return Vec::new() };
    let layout = match variant {
        [variant] => type_.variant(variant).map(|variant| variant.layout),
        _ if type_.kind == TypeKind::Struct => type_.layout(),
        _ => None,
    };
    let layout = layout.and_then(|id| cx.vm().types.layout(id));
    layout.map(|l| l.present_fields().map(|(_, f)| format!("{}: ", f.name)).collect()).unwrap_or_default()
}

/// The signatures of a function, with its name.
pub fn signatures(cx: &Thread, namespace: &'static Namespace, name: &str) -> Vec<String> {
    let code = binding(cx, namespace, name).and_then(|binding| binding.get(cx)).and_then(code_of);
    code.map(|code| code.signatures().iter().map(|s| format!("{name}{s}")).collect()).unwrap_or_default()
}
