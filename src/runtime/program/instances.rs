//! Which type a value is of, and which protocols that type implements.

use super::builtin::{kind_of, kinds};
use super::dispatch::Target;
use super::types::{TypeInfo, TypeKind};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::layout;

/// What kind of type a value is of.
pub fn type_kind(value: Value<'_>) -> Option<TypeKind> {
    value.thread().vm().types.type_of(value).map(|t| t.kind)
}

/// The type behind a TYPE or PROTOCOL object.
pub fn type_behind(value: Value<'_>) -> Option<&'static TypeInfo> {
    if !value.is(layout::TYPE) && !value.is(layout::PROTOCOL) {
        return None;
    }
    value.thread().vm().types.find(u32::try_from(value.slot(layout::ENTRY_INDEX).as_int()?).ok()?)
}

/// Is a value one of a type, or does its type implement a protocol?
pub fn is_instance(cx: &mut Thread, value: Handle, type_: Handle) -> Result<bool, Thrown> {
    let value = cx.get(value);
    Ok(match type_behind(cx.get(type_)) {
        Some(type_) if type_.kind == TypeKind::Protocol => implements(value, type_),
        Some(type_) => cx.vm().types.type_of(value).is_some_and(|t| t.id == type_.id),
        None => false,
    })
}

/// Does the type of a value implement a protocol?
pub fn implements(value: Value<'_>, protocol: &TypeInfo) -> bool {
    let vm = value.thread().vm();
    let Some(info) = vm.types.layout(value.layout()) else { return false };
    let targets = [Target { type_: info.type_, variant: info.variant }, Target { type_: info.type_, variant: None }];
    if targets.iter().any(|t| vm.dispatch.protocols_of(*t).contains(&protocol.id)) {
        return true;
    }
    // Builtin types implement the core protocols natively: the builtin itself says for which types.
    let builtin = vm.types.get(info.type_).kind == TypeKind::Builtin;
    builtin && protocol.namespace == "core" && native(value, protocol.name)
}

/// Which builtin types implement which core protocols.
fn native(value: Value<'_>, protocol: &str) -> bool {
    let kind = kind_of(value);
    use kinds::*;
    let who = match protocol {
        "Format" | "Hashable" => ANY,
        "Indexed" => STRING | VECTOR | MAP | ARRAY | RANGE | MUTABLE_LIST | MUTABLE_MAP | SEQ,
        "Length" => SEQABLE | STRING_BUILDER,
        "Push" => VECTOR,
        "Conj" => VECTOR | MAP | SET,
        "Associable" => VECTOR | MAP,
        "Keys" => MAP,
        "Seqable" => SEQABLE,
        "Seq" => SEQ,
        "Contains" => STRING | VECTOR | MAP | SET | ARRAY | RANGE | MUTABLE_MAP | MUTABLE_SET,
        "Comparable" => INT | FLOAT | STRING | KEYWORD,
        "Writer" => STRING_BUILDER,
        _ => 0,
    };
    kind & who != 0
}
