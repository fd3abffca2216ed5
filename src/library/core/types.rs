//! Builtins that ask for types.

use crate::builtins;
use crate::gc::{Handle, Thread, Thrown};
use crate::object::Word;
use crate::runtime::program::builtin::{Args, kind_of, kinds};
use crate::runtime::program::instances::{is_instance, type_kind};
use crate::runtime::program::types::TypeKind;
use crate::runtime::values::equality::identical;
use crate::runtime::values::leaves;

builtins! { pub static TABLE: "core";
    /// Are both the very same object? Equal Ints, Floats of the same bits, Bools and keywords are.
    /// `identical?([1], [1])` is `false`.
    "identical?" (a: Any, b: Any) = |cx, args| answer(cx, identical(cx.get(args[0]), cx.get(args[1]))) => leaves::numbers::identical;
    /// The type of a value: `type-of(1)` is `Int`. Variants have the type of their enum.
    "type-of" (value: Any) = type_of => leaves::numbers::type_of;
    /// Is the value of this type? Of a protocol: does its type implement it?
    /// `instance-of(5, Int)` is `true`.
    "instance-of" (value: Any, type_: Type) = instance_of, quiet => leaves::numbers::instance_of;
    /// Is it an instance of a struct?
    /// `struct?(ok(1))` is `false`.
    "struct?" (value: Any) = |cx, args| answer(cx, type_kind(cx.get(args[0])) == Some(TypeKind::Struct)) => leaves::numbers::is_struct;
    /// Is it a variant of an enum?
    /// `enum?(ok(1))` is `true`.
    "enum?" (value: Any) = |cx, args| answer(cx, type_kind(cx.get(args[0])) == Some(TypeKind::Enum)) => leaves::numbers::is_enum;
    /// Is it a function?
    /// `function?(println)` is `true`.
    "function?" (value: Any) = |cx, args| has_kind(cx, args, kinds::FUNCTION), quiet => leaves::numbers::is_function;
    /// Is it a String?
    /// `string?("a")` is `true`.
    "string?" (value: Any) = |cx, args| has_kind(cx, args, kinds::STRING), quiet => leaves::numbers::is_string;
    /// Is it an Int?
    /// `int?(1.0)` is `false`.
    "int?" (value: Any) = |cx, args| has_kind(cx, args, kinds::INT), quiet => leaves::numbers::is_int;
    /// Is it a Float?
    /// `float?(1.0)` is `true`.
    "float?" (value: Any) = |cx, args| has_kind(cx, args, kinds::FLOAT), quiet => leaves::numbers::is_float;
    /// Is it an Int or a Float?
    /// `number?(1.5)` is `true`.
    "number?" (value: Any) = |cx, args| has_kind(cx, args, kinds::INT | kinds::FLOAT), quiet => leaves::numbers::is_number;
    /// Is it a Vector?
    /// `vector?([1])` is `true`.
    "vector?" (value: Any) = |cx, args| has_kind(cx, args, kinds::VECTOR), quiet => leaves::numbers::is_vector;
    /// Is it a Map?
    /// `map?({})` is `true`.
    "map?" (value: Any) = |cx, args| has_kind(cx, args, kinds::MAP), quiet => leaves::numbers::is_map;
    /// Is it a Set?
    /// `set?(#{1})` is `true`.
    "set?" (value: Any) = |cx, args| has_kind(cx, args, kinds::SET), quiet => leaves::numbers::is_set;
    /// Is it a mutable Array?
    /// `array?([1])` is `false`.
    "array?" (value: Any) = |cx, args| has_kind(cx, args, kinds::ARRAY), quiet => leaves::numbers::is_array;
    /// Is it `true` or `false`?
    /// `bool?(null)` is `false`.
    "bool?" (value: Any) = |cx, args| has_kind(cx, args, kinds::BOOL) => leaves::numbers::is_bool;
    /// Is it `null`?
    /// `null?(null)` is `true`.
    "null?" (value: Any) = |cx, args| has_kind(cx, args, kinds::NULL), quiet => leaves::numbers::is_null;
    /// Is it a keyword?
    /// `keyword?(:a)` is `true`.
    "keyword?" (value: Any) = |cx, args| has_kind(cx, args, kinds::KEYWORD) => leaves::numbers::is_keyword;
    /// Is it an Atom?
    /// `atom?(1)` is `false`.
    "atom?" (value: Any) = |cx, args| has_kind(cx, args, kinds::ATOM), quiet => leaves::numbers::is_atom;
}

fn answer(cx: &Thread, yes: bool) -> Result<Handle, Thrown> {
    Ok(cx.root_word(Word::bool(yes)))
}

fn has_kind(cx: &mut Thread, args: &Args<'_>, kinds: u32) -> Result<Handle, Thrown> {
    answer(cx, kind_of(cx.get(args[0])) & kinds != 0)
}

fn type_of(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let object = cx.vm().types.type_of(cx.get(args[0])).and_then(|t| t.object.get(cx));
    Ok(object.map_or_else(|| cx.root_word(Word::NULL), |o| cx.root(o)))
}

fn instance_of(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let yes = is_instance(cx, args[0], args[1])?;
    answer(cx, yes)
}
