//! Builtins that look at programs: namespaces, documentation, types.

use crate::builtins;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::{Word, layout};
use crate::runtime::Namespace;
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::binding::{Binding, Place};
use crate::runtime::program::builtin::Args;
use crate::runtime::program::code::Code;
use crate::runtime::program::dispatch::Target;
use crate::runtime::program::entry::code_of;
use crate::runtime::program::instances::type_behind;
use crate::runtime::program::present;
use crate::runtime::program::types::TypeKind;
use crate::runtime::values::foreign;

builtins! { pub static TABLE: "reflect";
    /// The names of a namespace's members, in the order of their definition. Takes the namespace or its name.
    /// `includes?(reflect/namespace-members("core"), "map")` is `true`.
    "namespace-members" (namespace: or(Namespace, String)) = namespace_members;
    /// The names of all namespaces.
    /// `includes?(reflect/namespaces(), "core")` is `true`.
    "namespaces" () = namespaces;
    /// The value of a namespace's member; `null` when it has none of this name.
    /// `reflect/member("core", "PI")` is `3.141592653589793`.
    "member" (namespace: or(Namespace, String), name: String) = member;
    /// What there is to say about a value: its kind, name, doc comment, signatures, source location.
    /// `map?(reflect/info(map))` is `true`.
    "info" (value: Any) = info;
    /// The doc comment of a function, type, protocol or namespace; `null` when it has none.
    /// `string?(reflect/doc(map))` is `true`.
    "doc" (value: Any) = doc;
    /// The text that defines a function, type or protocol; `null` when it is not known.
    /// `reflect/source(println)` is `null`.
    "source" (value: Any) = source;
    /// Where something is defined, `file.hr:12`; `null` when it is not known.
    /// `reflect/location(println)` is `null`.
    "location" (value: Any) = location;
    /// The names of the fields of a struct (or of an instance or variant), in order.
    /// `reflect/fields(ok(1))` is `["value"]`.
    "fields" (value: Any) = fields;
    /// The names of the variants of an enum, in order.
    /// `reflect/variants(Result)` is `["Ok", "Err"]`.
    "variants" (type_: Any) = variants;
    /// The numbers of arguments that a function takes, as signatures: `["(a, b)"]`.
    /// `reflect/args(map)` is `["(f, c)"]`.
    "args" (f: Function) = signatures;
    /// The names of the protocols that a type was extended with. `reflect/protocols(Result)` is `[]`.
    "protocols" (type_: Type) = protocols;
}

builtins! { pub static CORE: "core";
    /// The doc comment of a function, type, protocol or namespace; `null` when it has none.
    /// `string?(doc(map))` is `true`.
    "doc" (value: Any) = doc;
    /// The qualified names, of all namespaces, that contain a text. `length(apropos("json-enc"))` is `1`.
    "apropos" (text: String) = apropos;
}

fn null(cx: &Thread) -> Handle {
    cx.root_word(Word::NULL)
}

fn strings<T: AsRef<str>>(cx: &mut Thread, texts: impl IntoIterator<Item = T>) -> Result<Handle, Thrown> {
    let mut handles = Vec::new();
    for text in texts {
        handles.push(cx.alloc_string(text.as_ref())?);
    }
    foreign::vector_of(cx, &handles)
}

fn optional(cx: &mut Thread, text: Option<impl AsRef<str>>) -> Result<Handle, Thrown> {
    match text {
        Some(text) => cx.alloc_string(text.as_ref()),
        None => Ok(null(cx)),
    }
}

/// The namespace that an argument names or is.
fn namespace_of(cx: &mut Thread, argument: Handle) -> Result<&'static Namespace, Thrown> {
    let value = cx.get(argument);
    let found = match value.str() {
        Some(name) => cx.vm().namespaces.find(name),
        None => namespace_behind(value),
    };
    match found {
        Some(namespace) => Ok(namespace),
        None => {
            let what = cx.describe(argument);
            Err(cx.throw(ErrorKind::ArgumentError, format!("there is no namespace {what}")))
        }
    }
}

fn namespace_behind(value: Value<'_>) -> Option<&'static Namespace> {
    if !value.is(layout::NAMESPACE) {
        return None;
    }
    value.thread().vm().namespaces.by_index(u32::try_from(value.slot(layout::ENTRY_INDEX).as_int()?).ok()?)
}

fn namespace_members(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let namespace = namespace_of(cx, args[0])?;
    let members = namespace.members();
    let seen = |(name, b): &(&str, &Binding)| b.is_defined() && namespace.member_for(name, false).is_some();
    strings(cx, members.into_iter().filter(seen).map(|(name, _)| name))
}

fn namespaces(cx: &mut Thread, _args: &Args<'_>) -> Result<Handle, Thrown> {
    let all = cx.vm().namespaces.all();
    strings(cx, all.into_iter().map(|n| n.name))
}

fn member(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let namespace = namespace_of(cx, args[0])?;
    let binding = cx.get(args[1]).str().and_then(|name| namespace.member_for(name, false));
    Ok(binding.and_then(|b| b.get(cx)).map_or_else(|| null(cx), |v| cx.root(v)))
}

/// The binding under which a value is defined: of functions the one their name says, of types and protocols likewise.
pub fn binding_of(value: Value<'_>) -> Option<&'static Binding> {
    let vm = value.thread().vm();
    let (namespace, name) = if let Some(type_) = type_behind(value) {
        (type_.namespace.to_string(), type_.name.to_string())
    } else {
        let code = code_of(value)?;
        let (namespace, name) = split_qualified(&code.name)?;
        (namespace.to_string(), name.to_string())
    };
    let binding = vm.namespaces.find(&namespace)?.member(&name)?;
    // The name may have been given to something else since.
    let current = binding.get(value.thread())?;
    (current == value || code_of(current).zip(code_of(value)).is_some_and(|(a, b)| std::ptr::eq(a, b)))
        .then_some(binding)
}

/// `a/b/name` as `a/b` and `name`.
fn split_qualified(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('/')
}

fn doc_of(value: Value<'_>) -> Option<String> {
    if let Some(namespace) = namespace_behind(value) {
        return namespace.doc().map(|d| d.to_string());
    }
    let Some(about) = binding_of(value).map(Binding::about) else {
        // A function that no name of a namespace stands for: a local one, or one of a type.
        let (unit, function) = code_of(value)?.function()?;
        return unit.unit.function(function).doc.map(|doc| unit.unit.name(doc).to_string());
    };
    // What is declared in Rust has its comment as it stands there, with the space in front of each line.
    let line = |line| if about.place.is_none() { str::strip_prefix(line, ' ').unwrap_or(line) } else { line };
    about.doc.as_ref().map(|doc| doc.lines().map(line).collect::<Vec<_>>().join("\n"))
}

fn place_of(value: Value<'_>) -> Option<Place> {
    if let Some(place) = binding_of(value).and_then(|b| b.about().place) {
        return Some(place);
    }
    let (unit, function) = code_of(value)?.function()?;
    Some(Place { source: unit.source().clone(), span: unit.unit.function(function).span })
}

fn doc(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let text = doc_of(cx.get(args[0]));
    optional(cx, text)
}

fn source(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let text = place_of(cx.get(args[0]))
        .and_then(|p| p.source.text.get(p.span.start as usize..p.span.end as usize).map(str::to_string));
    optional(cx, text)
}

fn location_of(value: Value<'_>) -> Option<String> {
    if let Some(namespace) = namespace_behind(value) {
        return namespace.source().map(|s| format!("{}:1", s.name));
    }
    place_of(value).map(|p| format!("{}:{}", p.source.name, p.source.line_column(p.span.start).0))
}

fn location(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let text = location_of(cx.get(args[0]));
    optional(cx, text)
}

fn fields(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let vm = cx.vm();
    let value = cx.get(args[0]);
    let layout = match type_behind(value) {
        Some(type_) => type_.layout().and_then(|id| vm.types.layout(id)),
        None => vm.types.layout(value.layout()),
    };
    let names: Vec<&str> = match layout {
        Some(layout) if layout.id == value.layout() => present::shown(value, layout).map(|s| s.field.name).collect(),
        Some(layout) => layout.present_fields().map(|(_, f)| f.name).collect(),
        None => Vec::new(),
    };
    strings(cx, names)
}

fn variants(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let value = cx.get(args[0]);
    let type_ = type_behind(value).or_else(|| cx.vm().types.type_of(value)).filter(|t| t.kind == TypeKind::Enum);
    let names = type_.map(|t| t.variant_names()).unwrap_or_default();
    strings(cx, names)
}

fn signatures(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let list = code_of(cx.get(args[0])).map(Code::signatures).unwrap_or_default();
    strings(cx, list)
}

fn protocols(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let vm = cx.vm();
    let type_ = type_behind(cx.get(args[0]));
    let list = type_.map(|t| vm.dispatch.protocols_of(Target { type_: t.id, variant: None })).unwrap_or_default();
    strings(cx, list.into_iter().map(|id| vm.types.get(id).name))
}

fn info(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let value = cx.get(args[0]);
    let kind = match type_behind(value).map(|t| t.kind) {
        Some(TypeKind::Struct) => "struct",
        Some(TypeKind::Enum) => "enum",
        Some(TypeKind::Protocol) => "protocol",
        Some(TypeKind::Builtin) => "type",
        None if value.is_function() => "function",
        None if namespace_behind(value).is_some() => "namespace",
        None => "value",
    };
    let name = match (type_behind(value), code_of(value), namespace_behind(value)) {
        (Some(type_), _, _) => Some(format!("{}/{}", type_.namespace, type_.name)),
        (_, Some(code), _) => Some(code.name.to_string()),
        (_, _, Some(namespace)) => Some(namespace.name.to_string()),
        _ => None,
    };
    let rows = [
        ("kind", Some(kind.to_string())),
        ("name", name),
        ("doc", doc_of(value)),
        ("location", location_of(value)),
        ("args", code_of(value).map(|c| c.signatures().join(" "))),
    ];
    let mut entries = Vec::new();
    for (key, text) in rows {
        let Some(text) = text else { continue };
        let key = cx.vm().keywords.intern(key);
        entries.push(cx.root_word(Word::keyword(key)));
        entries.push(cx.alloc_string(&text)?);
    }
    foreign::map_of(cx, &entries)
}

fn apropos(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let text = cx.get(args[0]).str().unwrap_or_default().to_string();
    let names = apropos_names(cx, &text);
    strings(cx, names)
}

/// The qualified names that contain a text; names that begin with `_` only when the text does.
pub fn apropos_names(cx: &Thread, text: &str) -> Vec<String> {
    let mut names = Vec::new();
    // The variables of a function that is stopped are no definitions.
    for namespace in cx.vm().namespaces.all().into_iter().filter(|namespace| namespace.outer().is_none()) {
        for (name, binding) in namespace.members() {
            let wanted = name.contains(text) && (!name.starts_with('_') || text.starts_with('_'));
            if wanted && binding.is_defined() && namespace.member_for(name, false).is_some() {
                names.push(format!("{}/{name}", namespace.name));
            }
        }
    }
    names.sort();
    names
}
