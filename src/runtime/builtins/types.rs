//! Builtins that ask for types.

use super::{Args, kind_of, kinds};
use crate::builtins;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::{Word, layout};
use crate::runtime::program::dispatch::Target;
use crate::runtime::program::types::{TypeInfo, TypeKind};
use crate::runtime::values::equality::identical;

builtins! { pub static TABLE: "core";
    /// Are both the very same object? Equal Ints, Floats of the same bits, Bools and keywords are.
    /// `identical?([1], [1])` is `false`.
    "identical?" (a: Any, b: Any) = |cx, args| answer(cx, identical(cx.get(args[0]), cx.get(args[1]))) => super::leaf_numbers::identical;
    /// The type of a value: `type-of(1)` is `Int`. Variants have the type of their enum.
    "type-of" (value: Any) = type_of => super::leaf_numbers::type_of;
    /// Is the value of this type? Of a protocol: does its type implement it?
    /// `instance-of(5, Int)` is `true`.
    "instance-of" (value: Any, type_: Type) = instance_of, quiet => super::leaf_numbers::instance_of;
    /// Is it an instance of a struct?
    /// `struct?(ok(1))` is `false`.
    "struct?" (value: Any) = |cx, args| answer(cx, type_kind(cx.get(args[0])) == Some(TypeKind::Struct)) => super::leaf_numbers::is_struct;
    /// Is it a variant of an enum?
    /// `enum?(ok(1))` is `true`.
    "enum?" (value: Any) = |cx, args| answer(cx, type_kind(cx.get(args[0])) == Some(TypeKind::Enum)) => super::leaf_numbers::is_enum;
    /// Is it a function?
    /// `function?(println)` is `true`.
    "function?" (value: Any) = |cx, args| has_kind(cx, args, kinds::FUNCTION), quiet => super::leaf_numbers::is_function;
    /// Is it a String?
    /// `string?("a")` is `true`.
    "string?" (value: Any) = |cx, args| has_kind(cx, args, kinds::STRING), quiet => super::leaf_numbers::is_string;
    /// Is it an Int?
    /// `int?(1.0)` is `false`.
    "int?" (value: Any) = |cx, args| has_kind(cx, args, kinds::INT), quiet => super::leaf_numbers::is_int;
    /// Is it a Float?
    /// `float?(1.0)` is `true`.
    "float?" (value: Any) = |cx, args| has_kind(cx, args, kinds::FLOAT), quiet => super::leaf_numbers::is_float;
    /// Is it an Int or a Float?
    /// `number?(1.5)` is `true`.
    "number?" (value: Any) = |cx, args| has_kind(cx, args, kinds::INT | kinds::FLOAT), quiet => super::leaf_numbers::is_number;
    /// Is it a Vector?
    /// `vector?([1])` is `true`.
    "vector?" (value: Any) = |cx, args| has_kind(cx, args, kinds::VECTOR), quiet => super::leaf_numbers::is_vector;
    /// Is it a Map?
    /// `map?({})` is `true`.
    "map?" (value: Any) = |cx, args| has_kind(cx, args, kinds::MAP), quiet => super::leaf_numbers::is_map;
    /// Is it a Set?
    /// `set?(#{1})` is `true`.
    "set?" (value: Any) = |cx, args| has_kind(cx, args, kinds::SET), quiet => super::leaf_numbers::is_set;
    /// Is it a mutable Array?
    /// `array?([1])` is `false`.
    "array?" (value: Any) = |cx, args| has_kind(cx, args, kinds::ARRAY), quiet => super::leaf_numbers::is_array;
    /// Is it `true` or `false`?
    /// `bool?(null)` is `false`.
    "bool?" (value: Any) = |cx, args| has_kind(cx, args, kinds::BOOL) => super::leaf_numbers::is_bool;
    /// Is it `null`?
    /// `null?(null)` is `true`.
    "null?" (value: Any) = |cx, args| has_kind(cx, args, kinds::NULL), quiet => super::leaf_numbers::is_null;
    /// Is it a keyword?
    /// `keyword?(:a)` is `true`.
    "keyword?" (value: Any) = |cx, args| has_kind(cx, args, kinds::KEYWORD) => super::leaf_numbers::is_keyword;
    /// Is it an Atom?
    /// `atom?(1)` is `false`.
    "atom?" (value: Any) = |cx, args| has_kind(cx, args, kinds::ATOM), quiet => super::leaf_numbers::is_atom;
}

fn answer(cx: &Thread, yes: bool) -> Result<Handle, Thrown> {
    Ok(cx.root_word(Word::bool(yes)))
}

fn has_kind(cx: &mut Thread, args: &Args<'_>, kinds: u32) -> Result<Handle, Thrown> {
    answer(cx, kind_of(cx.get(args[0])) & kinds != 0)
}

pub(super) fn type_kind(value: Value<'_>) -> Option<TypeKind> {
    value.thread().vm().types.type_of(value).map(|t| t.kind)
}

fn type_of(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let object = cx.vm().types.type_of(cx.get(args[0])).and_then(|t| t.object.get(cx));
    Ok(object.map_or_else(|| cx.root_word(Word::NULL), |o| cx.root(o)))
}

/// The type behind a TYPE or PROTOCOL object.
pub fn type_behind(value: Value<'_>) -> Option<&'static TypeInfo> {
    if !value.is(layout::TYPE) && !value.is(layout::PROTOCOL) {
        return None;
    }
    value.thread().vm().types.find(u32::try_from(value.slot(layout::ENTRY_INDEX).as_int()?).ok()?)
}

fn instance_of(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let yes = is_instance(cx, args[0], args[1])?;
    answer(cx, yes)
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
