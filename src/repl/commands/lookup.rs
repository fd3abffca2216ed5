//! What a name that is typed behind a command means.
//!
//! Owns the order in which it is looked for: commands (with their colon), what the present namespace sees, words and signs of
//! the language, what belongs to a type (`Point.x`, `.x`), namespaces.

use super::forms::Form;
use super::{Command, forms};
use crate::gc::Thread;
use crate::object::layout::LayoutId;
use crate::repl::values;
use crate::runtime::load;
use crate::runtime::program::binding::{Binding, Place};
use crate::runtime::program::dispatch::{MethodInfo, Target};
use crate::runtime::program::entry::code_of;
use crate::runtime::program::held::Held;
use crate::runtime::program::types::{FieldInfo, TypeKind, VariantInfo};
use crate::runtime::{Code, Namespace, TypeInfo};

/// Something that has a name.
pub enum Thing {
    /// A command.
    Command(&'static Command),
    /// What a namespace defines.
    Binding(&'static Binding),
    /// A word or sign of the language.
    Form(&'static Form),
    /// A field of a struct or variant.
    Field(&'static TypeInfo, FieldInfo),
    /// A variant.
    Variant(&'static TypeInfo, VariantInfo),
    /// A function that belongs to a type.
    Function(&'static TypeInfo, Held),
    /// A method of a protocol.
    Method(&'static MethodInfo),
    /// A namespace.
    Namespace(&'static Namespace),
}

/// All that a name means in a namespace; a field or method that is named without its type may be several things.
pub fn find(here: &'static Namespace, cx: &mut Thread, name: &str) -> Vec<Thing> {
    if let Some(command) = name.strip_prefix(':').and_then(super::find) {
        return vec![Thing::Command(command)];
    }
    if let Some(binding) = binding(here, cx, name) {
        return vec![Thing::Binding(binding)];
    }
    if let Some(form) = forms::find(name) {
        return vec![Thing::Form(form)];
    }
    if let Some((type_, member)) = name.rsplit_once('.') {
        let things = match type_ {
            "" => of_any_type(cx, member),
            _ => type_named(here, cx, type_).map(|type_| of_type(cx, type_, member)).unwrap_or_default(),
        };
        if !things.is_empty() {
            return things;
        }
    }
    namespace(here, cx, name).map(Thing::Namespace).into_iter().collect()
}

/// The binding that a name in view stands for, if it has a value.
pub fn binding(here: &'static Namespace, cx: &Thread, name: &str) -> Option<&'static Binding> {
    values::binding(cx, here, name)
}

/// The namespace of this name or alias. One of the library is loaded where it is not: what is asked for runs no file of the program.
pub fn namespace(here: &'static Namespace, cx: &mut Thread, name: &str) -> Option<&'static Namespace> {
    match here.alias(name).or_else(|| cx.vm().namespaces.find(name)) {
        Some(namespace) => Some(namespace),
        None if cx.vm().library.text(name).is_some() => load::require(cx, name).ok(),
        None => None,
    }
}

/// The type that a name in view stands for.
fn type_named(here: &'static Namespace, cx: &Thread, name: &str) -> Option<&'static TypeInfo> {
    cx.vm().types.find(binding(here, cx, name)?.type_id()?.0)
}

/// The type of a binding: the one that it names, else that of its value.
pub fn type_of_binding(cx: &Thread, binding: &Binding) -> Option<&'static TypeInfo> {
    let value = binding.get(cx)?;
    crate::runtime::program::instances::type_behind(value).or_else(|| cx.vm().types.type_of(value))
}

/// What can be called on the values of a type by what it was extended with, and the functions of the type.
pub fn functions_of(cx: &Thread, type_: &'static TypeInfo) -> Vec<(&'static str, Held)> {
    let dispatch = &cx.vm().dispatch;
    let variants = type_.body().variants;
    let of_variants = variants.iter().map(|variant| Some(variant.name));
    let mut all = Vec::new();
    for variant in std::iter::once(None).chain(of_variants) {
        let target = Target { type_: type_.id, variant };
        for name in dispatch.associated_names(target) {
            all.extend(dispatch.associated(target, name).map(|(code, _)| (name, code)));
        }
        for method in dispatch.protocols_of(target).into_iter().flat_map(|id| dispatch.methods_of(id)) {
            all.extend(dispatch.implementation(target, method.id).map(|code| (method.name, code)));
        }
    }
    all
}

/// The layouts of new objects of a type: one, or one for each variant.
pub fn layouts_of(type_: &TypeInfo) -> Vec<LayoutId> {
    match type_.kind {
        TypeKind::Enum => type_.body().variants.iter().map(|variant| variant.layout).collect(),
        TypeKind::Struct => type_.layout().into_iter().collect(),
        TypeKind::Builtin | TypeKind::Protocol => Vec::new(),
    }
}

/// What a type has under a name.
fn of_type(cx: &Thread, type_: &'static TypeInfo, name: &str) -> Vec<Thing> {
    let vm = cx.vm();
    let mut things: Vec<Thing> =
        type_.variant(name).map(|variant| Thing::Variant(type_, variant)).into_iter().collect();
    for layout in layouts_of(type_).into_iter().filter_map(|id| vm.types.layout(id)) {
        things.extend(layout.fields.iter().filter(|f| f.name == name).map(|f| Thing::Field(type_, f.clone())));
    }
    let functions = functions_of(cx, type_).into_iter().filter(|(other, _)| *other == name);
    things.extend(functions.map(|(_, code)| Thing::Function(type_, code)));
    if type_.kind == TypeKind::Protocol {
        things.extend(vm.dispatch.method(type_.id, name).map(Thing::Method));
    }
    things
}

/// What types have under a name, and the methods that are called so.
fn of_any_type(cx: &Thread, name: &str) -> Vec<Thing> {
    let vm = cx.vm();
    let types = (0..vm.types.count() as u32).filter_map(|id| vm.types.find(id));
    let mut things: Vec<Thing> =
        types.filter(|t| t.kind != TypeKind::Protocol).flat_map(|type_| of_type(cx, type_, name)).collect();
    things.extend(vm.dispatch.methods_named(name).into_iter().map(Thing::Method));
    things
}

impl Thing {
    /// Where its text is, if it has one.
    pub fn place(&self, cx: &Thread) -> Option<Place> {
        match self {
            Thing::Binding(binding) => binding.about().place.or_else(|| place_of_code(code_of(binding.get(cx)?)?)),
            Thing::Function(_, code) => place_of_code(code),
            Thing::Field(type_, _) | Thing::Variant(type_, _) => type_.body().place,
            Thing::Method(method) => {
                let protocol = cx.vm().types.find(method.protocol.0)?;
                protocol.body().place
            }
            Thing::Namespace(_) | Thing::Form(_) | Thing::Command(_) => None,
        }
    }
}

/// The functions of this name that types were extended with: where they are defined, and where their texts are.
pub fn functions_named(cx: &Thread, name: &str) -> Vec<(&'static Namespace, Place)> {
    let functions = of_any_type(cx, name).into_iter().filter_map(|thing| match thing {
        Thing::Function(_, code) => Some((code.function()?.0.namespace, place_of_code(&code)?)),
        _ => None,
    });
    functions.collect()
}

fn place_of_code(code: &Code) -> Option<Place> {
    let (unit, function) = code.function()?;
    Some(Place { source: unit.source().clone(), span: unit.unit.function(function).span })
}
