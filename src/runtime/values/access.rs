//! What generated code, the builtins and the accumulators of loops do alike: an element by index or key, lengths, adding, taking away.
//!
//! Owns the operations on all builtin collections that helpers name as well as rows of `library/core/collections.rs`.

use super::support::{
    Outcome, argument_error, bool, index_below, is_seqable, no_collection, null, or_null, out_of_range, seqable,
    type_name, wrong_type,
};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::object::layout;
use crate::runtime::fault::advice;
use crate::runtime::program::builtin::{self, Args, with_article};
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::program::methods::Method;
use crate::runtime::values::collections::view::Slots;
use crate::runtime::values::collections::{List, map, marks, mutable, set, vector};
use crate::runtime::values::hashing;
use crate::runtime::values::iterate::{self, Items};
use crate::runtime::values::numbers::{self, new_int};
use crate::runtime::values::ranges::Range;
use crate::runtime::values::sequences;
use crate::runtime::values::text::strings;

/// Is it a collection that has elements under keys or indices?
fn indexable(cx: &Thread, coll: Handle) -> bool {
    let value = cx.get(coll);
    matches!(
        value.layout(),
        layout::MAP | layout::SET | layout::MUTABLE_MAP | layout::MUTABLE_SET | layout::VECTOR | layout::ARRAY
    )
}

/// The length of what is indexed by position.
pub fn indexed_len(cx: &Thread, coll: Handle) -> Option<usize> {
    let value = cx.get(coll);
    match value.layout() {
        layout::MAP | layout::SET | layout::MUTABLE_MAP | layout::MUTABLE_SET | layout::NULL => None,
        _ => sequences::length(value),
    }
}

/// Element `i` of what is indexed by position; `i` is less than its length.
pub fn element(cx: &mut Thread, coll: Handle, i: usize) -> Outcome {
    let value = cx.get(coll);
    match value.layout() {
        layout::VECTOR => or_null(cx, vector::get(value, i)),
        layout::ARRAY | layout::NODE => or_null(cx, Some(Slots::of(value).get(i))),
        layout::MUTABLE_LIST => {
            let (slots, n) = List::view(value);
            or_null(cx, (i < n).then(|| slots.get(i)))
        }
        layout::STRING | layout::STRING_PREFIX => {
            let c = strings::char_at(value, i).unwrap_or('\0');
            strings::of_char(cx, c)
        }
        layout::RANGE => Range::of(value).get(cx, i),
        _ => {
            let mut items = Items::of(cx, coll)?;
            items.skip(cx, i)?;
            Ok(items.next(cx)?.unwrap_or(cx.root_word(Word::NULL)))
        }
    }
}

/// The Int of a range at an index that is no inline Int.
pub fn far_element(cx: &mut Thread, coll: Handle, index: Handle) -> Result<Option<Handle>, Thrown> {
    match (cx.get(coll).is(layout::RANGE), cx.get(index).big_int()) {
        (true, Some((negative, limbs))) => Range::of(cx.get(coll)).nth(cx, &numbers::big(negative, limbs)),
        _ => Ok(None),
    }
}

/// The present MAP of a map or set, mutable or not.
pub fn map_behind(coll: Value<'_>) -> Option<Value<'_>> {
    match coll.layout() {
        layout::MAP => Some(coll),
        layout::MUTABLE_MAP | layout::MUTABLE_SET => Some(mutable::map_of(coll)),
        layout::SET => Some(set::map_of(coll)),
        _ => None,
    }
}

pub fn is_set(coll: Value<'_>) -> bool {
    matches!(coll.layout(), layout::SET | layout::MUTABLE_SET)
}

/// The value of a key of a map or set; the second is whether it is one of these.
fn keyed(cx: &mut Thread, coll: Handle, key: Handle) -> Result<(Option<Handle>, bool), Thrown> {
    let Some(map) = map_behind(cx.get(coll)) else { return Ok((None, false)) };
    let map = cx.root(map);
    hashing::prepare(cx, key)?;
    match map::get(cx.get(map), cx.get(key)) {
        Ok(found) => Ok((found.map(|v| cx.root(v)), true)),
        Err(deep) => Err(deep.throw(cx)),
    }
}

/// `get` for builtin types; also behind `coll[key]`. Errors name the function `who`,
/// a String, or `get`.
pub fn get_from(cx: &mut Thread, who: Option<Handle>, coll: Handle, key: Handle, default: Option<Handle>) -> Outcome {
    if let (found, true) = keyed(cx, coll, key)? {
        return match (found, default) {
            (Some(value), _) | (None, Some(value)) => Ok(value),
            (None, None) => null(cx),
        };
    }
    if let Some(len) = indexed_len(cx, coll) {
        if let Some(i) = index_below(cx.get(key), len) {
            return element(cx, coll, i);
        }
        if let Some(found) = far_element(cx, coll, key)? {
            return Ok(found);
        }
        if let Some(default) = default {
            return Ok(default);
        }
        let (who, what) = (name_of(cx, who), type_name(cx.get(coll)));
        if numbers::is_int(cx.get(key)) {
            let len = sequences::count_text(cx.get(coll));
            return Err(out_of_range(cx, &who, key, what, len));
        }
        let message = format!("{who}: the index of {} must be an Int, got {}", with_article(what), cx.describe(key));
        return Err(cx.throw(ErrorKind::TypeError, message));
    }
    match default {
        Some(default) => Ok(default),
        None => {
            let who = name_of(cx, who);
            let help = match cx.get(coll).is_null() {
                true => advice::operand(cx, &who, 0, coll),
                false if indexable(cx, key) => format!("; the collection comes first: {who}(coll, key)"),
                false => advice::operand(cx, &who, 0, coll),
            };
            let message = format!("{who}: {} cannot be indexed (by {}){help}", cx.describe(coll), cx.describe(key));
            Err(cx.throw(ErrorKind::TypeError, message))
        }
    }
}

/// `coll[key]`
pub fn get_index(cx: &mut Thread, coll: Handle, key: Handle) -> Outcome {
    if Method::Get.is_extended(cx.get(coll)) {
        marks::freeze(cx, cx.get(coll));
        return Method::Get.jump(cx, &[coll, key]);
    }
    get_from(cx, None, coll, key, None)
}

/// Calls a method of `core` with what an accumulator holds (`codegen/accumulators.rs`): with a value of a builtin type that
/// nobody extended `f` does what the method does, and keeps nothing of it.
#[inline]
fn on_accumulator(
    cx: &mut Thread,
    method: Method,
    args: &[Handle],
    f: fn(&mut Thread, &Args<'_>) -> Outcome,
) -> Outcome {
    let coll = cx.get(args[0]);
    if coll.layout() < layout::FIRST_USER_LAYOUT && !method.is_extended(coll) {
        return f(cx, &Args::new(args, args.len()));
    }
    marks::freeze(cx, coll);
    method.jump(cx, args)
}

/// `get(coll, key, default)` of an accumulator.
pub fn get_or(cx: &mut Thread, coll: Handle, key: Handle, default: Handle) -> Outcome {
    on_accumulator(cx, Method::Get, &[coll, key, default], get)
}

/// `contains?(coll, x)` of an accumulator.
pub fn contains_in(cx: &mut Thread, coll: Handle, x: Handle) -> Outcome {
    on_accumulator(cx, Method::Contains, &[coll, x], contains)
}

/// `length(coll)` of an accumulator.
pub fn length_of(cx: &mut Thread, coll: Handle) -> Outcome {
    on_accumulator(cx, Method::Length, &[coll], length)
}

/// `coll = assoc(coll, key, value)` of an accumulator.
pub fn assoc_in_place(cx: &mut Thread, coll: Handle, key: Handle, value: Handle) -> Outcome {
    on_accumulator(cx, Method::Assoc, &[coll, key, value], |cx, args| match cx.get(args[0]).layout() {
        layout::MAP => map::assoc_in_place(cx, args[0], args[1], args[2]),
        layout::VECTOR => marked(cx, args, assoc),
        _ => assoc(cx, args),
    })
}

/// What a builtin makes of the vector of an accumulator where the leaf has found no memory: it goes on with the mark of
/// the vector, which is no more.
fn marked(cx: &mut Thread, args: &Args<'_>, f: fn(&mut Thread, &Args<'_>) -> Outcome) -> Outcome {
    let new = f(cx, args)?;
    if cx.get(new).is(layout::VECTOR) {
        marks::pass_on(cx, cx.get(args[0]), cx.get(new));
    }
    Ok(new)
}

/// `coll = push(coll, value)` of an accumulator.
pub fn push_in_place(cx: &mut Thread, coll: Handle, value: Handle) -> Outcome {
    on_accumulator(cx, Method::Push, &[coll, value], |cx, args| match cx.get(args[0]).is(layout::VECTOR) {
        true => marked(cx, args, push),
        false => push(cx, args),
    })
}

/// `coll = butlast(coll)` of an accumulator.
pub fn butlast_in_place(cx: &mut Thread, coll: Handle) -> Outcome {
    let (args, f): (_, fn(&mut Thread, &Args<'_>) -> Outcome) = ([coll], butlast);
    let args = Args::new(&args, 1);
    if cx.get(coll).is(layout::VECTOR) { marked(cx, &args, f) } else { f(cx, &args) }
}

/// `count(coll)` of an accumulator.
pub fn count_of(cx: &mut Thread, coll: Handle) -> Outcome {
    if Method::Length.is_extended(cx.get(coll)) {
        marks::freeze(cx, cx.get(coll));
    }
    count_elements(cx, &Args::new(&[coll], 1))
}

/// `coll[key] = value`
pub fn set_index(cx: &mut Thread, coll: Handle, key: Handle, value: Handle) -> Outcome {
    let target = cx.get(coll);
    match target.layout() {
        layout::ARRAY | layout::MUTABLE_LIST => {
            let (slots, len) = match target.layout() {
                layout::ARRAY => (Slots::of(target), Slots::of(target).len()),
                _ => List::view(target),
            };
            if let Some(i) = index_below(cx.get(key), len) {
                cx.set_slot(slots.object(), layout::ARRAY_ELEMENTS + i, cx.get(value));
                return Ok(value);
            }
            let what = type_name(target);
            if numbers::is_int(cx.get(key)) {
                return Err(out_of_range(cx, "[]=", key, what, len));
            }
            let message = format!("[]=: the index must be an Int, got {}", cx.describe(key));
            Err(cx.throw(ErrorKind::TypeError, message))
        }
        layout::MUTABLE_MAP => {
            mutable::put(cx, coll, key, value)?;
            Ok(value)
        }
        layout::VECTOR
        | layout::MAP
        | layout::SET
        | layout::MUTABLE_SET
        | layout::STRING
        | layout::STRING_PREFIX
        | layout::RANGE
        | layout::SEQ => {
            let what = type_name(target);
            let help = match target.layout() {
                layout::STRING | layout::STRING_PREFIX => {
                    "`substring(s, 0, i) ++ c ++ substring(s, i + 1)` gives a changed one, `replace(s, part, other)` too".into()
                }
                _ => advice::changed_copy(cx),
            };
            let message = format!("[]=: {} cannot be changed; {help}", with_article(what));
            Err(cx.throw(ErrorKind::MutabilityError, message))
        }
        _ => {
            let message = format!("[]=: cannot store into {}", cx.describe(coll));
            Err(cx.throw(ErrorKind::TypeError, message))
        }
    }
}

/// The builtin of this name.
pub fn get(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    get_from(cx, None, args[0], args[1], args.opt(2))
}

fn name_of(cx: &Thread, who: Option<Handle>) -> String {
    who.map_or("get", |who| strings::text(cx, who)).to_string()
}

/// The builtin of this name.
pub fn length(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match sequences::count(cx, args[0])? {
        Some(n) if !cx.get(args[0]).is_null() => Ok(n),
        _ => Err(wrong_type(cx, "length", 1, "a String or a collection", args[0])),
    }
}

/// The builtin of this name.
pub fn count_elements(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    if Method::Length.is_extended(cx.get(args[0])) {
        return Method::Length.jump(cx, &[args[0]]);
    }
    if let Some(n) = sequences::count(cx, args[0])? {
        return Ok(n);
    }
    let coll = seqable(cx, "count", args, 0)?;
    let mut items = Items::of(cx, coll)?;
    let mut n = 0;
    while items.next(cx)?.is_some() {
        n += 1;
    }
    new_int(cx, n)
}

/// The builtin of this name.
pub fn push(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match cx.get(args[0]).layout() {
        layout::VECTOR => vector::push(cx, args[0], args[1]),
        layout::MUTABLE_LIST => {
            List(args[0]).push(cx, args[1])?;
            Ok(args[0])
        }
        _ => {
            let help = advice::collection_first(cx, "push", args[0], args[1]);
            Err(argument_error(cx, "push", 1, "a Vector", args[0], &help))
        }
    }
}

/// The builtin of this name.
pub fn assoc(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = cx.get(args[0]);
    match coll.layout() {
        layout::MAP => map::assoc(cx, args[0], args[1], args[2]),
        layout::VECTOR => {
            let len = vector::len(coll);
            match index_below(cx.get(args[1]), len) {
                Some(i) => vector::assoc(cx, args[0], i, args[2]),
                None if numbers::is_int(cx.get(args[1])) => Err(out_of_range(cx, "assoc", args[1], "Vector", len)),
                None => Err(wrong_type(cx, "assoc", 2, "an Int", args[1])),
            }
        }
        _ => Err(wrong_type(cx, "assoc", 1, "a Map or a Vector", args[0])),
    }
}

/// The builtin of this name.
pub fn contains(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    if let (found, true) = keyed(cx, args[0], args[1])? {
        return bool(cx, found.is_some());
    }
    if let Some(text) = cx.get(args[0]).str() {
        let Some(part) = cx.get(args[1]).str() else { return Err(swapped(cx, "contains?", args)) };
        return bool(cx, text.contains(part));
    }
    match indexed_len(cx, args[0]) {
        Some(len) => {
            let there = index_below(cx.get(args[1]), len).is_some() || far_element(cx, args[0], args[1])?.is_some();
            bool(cx, there)
        }
        None => Err(wrong_type(cx, "contains?", 1, "a String or a collection", args[0])),
    }
}

/// What is looked for in a String is a String: anything else stands in the wrong place.
#[cold]
pub fn swapped(cx: &mut Thread, name: &str, args: &Args<'_>) -> Thrown {
    let what = cx.describe(args[1]);
    let message = format!(
        "{name}: argument 2 must be a String where argument 1 is one, got {what}; the collection comes first: {name}(coll, x)"
    );
    cx.throw(ErrorKind::TypeError, message)
}

/// The builtin of this name.
pub fn butlast(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "butlast", args, 0)?;
    let vector = iterate::to_vector(cx, coll)?;
    if vector::len(cx.get(vector)) == 0 { Ok(vector) } else { vector::pop(cx, vector) }
}

/// `coll = dissoc(coll, key)` of an accumulator (`codegen/accumulators.rs`).
pub fn dissoc_in_place(cx: &mut Thread, coll: Handle, key: Handle) -> Outcome {
    if cx.get(coll).is(layout::MAP) {
        return map::dissoc_in_place(cx, coll, key);
    }
    call(cx, "dissoc", &[coll, key])
}

/// `set = set-add(set, x)` of an accumulator.
pub fn set_add_in_place(cx: &mut Thread, coll: Handle, x: Handle) -> Outcome {
    if cx.get(coll).is(layout::SET) { set::add_in_place(cx, coll, x) } else { call(cx, "set-add", &[coll, x]) }
}

/// `set = set-remove(set, x)` of an accumulator.
pub fn set_remove_in_place(cx: &mut Thread, coll: Handle, x: Handle) -> Outcome {
    if cx.get(coll).is(layout::SET) { set::remove_in_place(cx, coll, x) } else { call(cx, "set-remove", &[coll, x]) }
}

/// Calls a builtin of `core`: with what is none of its arguments, for its error.
fn call(cx: &mut Thread, name: &str, args: &[Handle]) -> Outcome {
    match cx.vm().library.builtin("core", name) {
        Some(builtin) => builtin::call(cx, builtin, args),
        None => null(cx),
    }
}

/// What `enumerate` would number, as a vector: nothing of it can change, or is still to be made, while a loop goes through it.
pub fn enumerated(cx: &mut Thread, coll: Handle) -> Outcome {
    if !is_seqable(cx.get(coll)) {
        return Err(no_collection(cx, "enumerate", 1, coll));
    }
    iterate::to_vector(cx, coll)
}
