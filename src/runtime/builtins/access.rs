//! Builtins: looking into collections and making changed ones, for all builtin collections alike. Most are what the core
//! protocols' methods do for builtin types.

use super::Args;
use super::support::{
    Outcome, argument_error, bool, deep_bool, index_below, no_collection, null, or_null, out_of_range, seqable,
    type_name, wrong_type,
};
use crate::builtins;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::object::layout;
use crate::runtime::fault::advice;
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::methods::Method;
use crate::runtime::values::collections::view::Slots;
use crate::runtime::values::collections::{List, map, marks, mutable, set, vector};
use crate::runtime::values::equality::equal;
use crate::runtime::values::hashing;
use crate::runtime::values::iterate::{self, Items};
use crate::runtime::values::numbers::{self, new_int};
use crate::runtime::values::ranges::Range;
use crate::runtime::values::sequences;
use crate::runtime::values::text::strings;

builtins! { pub static TABLE: "core";
    /// The element at an index, the value of a key, `default` when there is none. Without default: IndexError for an index
    /// that is out of range, `null` for a key that is missing. `get([1, 2], 0)` is `1`.
    /// `get({:a 1}, :b, 0)` is `0`.
    "get" (coll: Any, key: Any, default: opt(Any)) = get => super::leaf_collections::get;
    /// What `get` gives, for the library: errors name the function that asks.
    "_get-for" (coll: Any, key: Any, who: String) = get_for;
    /// How many elements or characters. `length("abc")` is `3`.
    /// `length("abc")` is `3`.
    "length" (coll: Any) = length => super::leaf_collections::length;
    /// How many elements a vector of the library has, whoever has extended Vector.
    "_length" (vector: Vector) = own_length, quiet;
    /// How many elements, of anything seqable. `count([1, 2])` is `2`.
    "count" (coll: Seqable) = count_elements => super::leaf_collections::count;
    /// Are there no elements? `empty?([])` is `true`.
    "empty?" (coll: Seqable) = is_empty => super::leaf_collections::is_empty;
    /// The vector with a value at its end. `push([1], 2)` is `[1, 2]`.
    /// `push([1], 2)` is `[1, 2]`.
    "push" (coll: Any, value: Any) = push;
    /// The collection with a value where that is natural: at the end of a vector, in a set, an entry `[k, v]` in a map.
    /// `conj(#{1}, 2)` is `#{1, 2}`.
    /// `conj([1], 2)` is `[1, 2]`.
    "conj" (coll: Any, value: Any) = conj => super::leaf_maps::conj;
    /// The map with an entry, or the vector with another element at an index. `assoc({:a 1}, :b, 2)` is `{:a 1, :b 2}`.
    "assoc" (coll: Any, key: Any, value: Any) = assoc => super::leaf_collections::assoc;
    /// Is there such an index (vector, array), key (map), member (set) or substring (String)? `contains?({:a 1}, :a)` is `true`.
    "contains?" (coll: Any, x: Any) = contains => super::leaf_collections::contains;
    /// Is there such a value? `includes?([1, 2], 2)` is `true`.
    "includes?" (coll: Seqable, x: Any) = includes => super::leaf_collections::includes;
    /// The element at an index of anything seqable, `default` when there is none. `nth([5, 6], 1)` is `6`.
    "nth" (coll: Seqable, index: Int, default: opt(Any)) = nth => super::leaf_collections::nth;
    /// The first element, `null` when there is none. `first-of([5, 6])` is `5`.
    "first-of" (coll: Seqable) = first_of => super::leaf_collections::first_of;
    /// The second element, `null` when there is none. `second([5, 6])` is `6`.
    "second" (coll: Seqable) = second => super::leaf_collections::second;
    /// The third element, `null` when there is none. `third([5, 6])` is `null`.
    "third" (coll: Seqable) = third => super::leaf_collections::third;
    /// The last element, `null` when there is none. `last([5, 6])` is `6`.
    "last" (coll: Seqable) = last => super::leaf_collections::last;
    /// All elements but the first. `rest([5, 6])` is `[6]`.
    "rest" (coll: Seqable) = rest => super::leaf_collections::rest;
    /// All elements but the last. `butlast([5, 6])` is `[5]`.
    "butlast" (coll: Seqable) = butlast => super::leaf_collections::butlast;
    /// A seq over the elements, `null` when there are none. `first(seq([7, 8]))` is `7`.
    /// `first(seq([1, 2]))` is `1`.
    "seq" (coll: Any) = seq;
    /// The element at a seq's position. `first(seq([7, 8]))` is `7`.
    /// `first(seq([1, 2]))` is `1`.
    "first" (seq: Any) = first;
    /// The seq after this position, `null` at the end. `next(seq([7]))` is `null`.
    /// `first(next(seq([1, 2])))` is `2`.
    "next" (seq: Any) = next;
    /// An Int that is the same for equal values. `hash-of(1) == hash-of(1.0)` is `true`.
    /// `hash-of(1) == hash-of(1.0)` is `true`.
    "hash-of" (value: Any) = hash_of;
}

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
fn element(cx: &mut Thread, coll: Handle, i: usize) -> Outcome {
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
fn far_element(cx: &mut Thread, coll: Handle, index: Handle) -> Result<Option<Handle>, Thrown> {
    match (cx.get(coll).is(layout::RANGE), cx.get(index).big_int()) {
        (true, Some((negative, limbs))) => Range::of(cx.get(coll)).nth(cx, &numbers::big(negative, limbs)),
        _ => Ok(None),
    }
}

/// The present MAP of a map or set, mutable or not.
fn map_behind(coll: Value<'_>) -> Option<Value<'_>> {
    match coll.layout() {
        layout::MAP => Some(coll),
        layout::MUTABLE_MAP | layout::MUTABLE_SET => Some(mutable::map_of(coll)),
        layout::SET => Some(set::map_of(coll)),
        _ => None,
    }
}

fn is_set(coll: Value<'_>) -> bool {
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
fn get_from(cx: &mut Thread, who: Option<Handle>, coll: Handle, key: Handle, default: Option<Handle>) -> Outcome {
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
        let message =
            format!("{who}: the index of {} must be an Int, got {}", super::with_article(what), cx.describe(key));
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
            let message = format!("[]=: {} cannot be changed; {help}", super::with_article(what));
            Err(cx.throw(ErrorKind::MutabilityError, message))
        }
        _ => {
            let message = format!("[]=: cannot store into {}", cx.describe(coll));
            Err(cx.throw(ErrorKind::TypeError, message))
        }
    }
}

fn get(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    get_from(cx, None, args[0], args[1], args.opt(2))
}

fn get_for(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    if Method::Get.is_extended(cx.get(args[0])) {
        return Method::Get.jump(cx, &[args[0], args[1]]);
    }
    get_from(cx, Some(args[2]), args[0], args[1], None)
}

fn name_of(cx: &Thread, who: Option<Handle>) -> String {
    who.map_or("get", |who| strings::text(cx, who)).to_string()
}

fn length(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match sequences::count(cx, args[0])? {
        Some(n) if !cx.get(args[0]).is_null() => Ok(n),
        _ => Err(wrong_type(cx, "length", 1, "a String or a collection", args[0])),
    }
}

fn own_length(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let n = vector::len(cx.get(args[0]));
    numbers::new_usize(cx, n)
}

fn count_elements(cx: &mut Thread, args: &Args<'_>) -> Outcome {
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

fn is_empty(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    if let Some(n) = sequences::length(cx.get(args[0])) {
        return bool(cx, n == 0);
    }
    let coll = seqable(cx, "empty?", args, 0)?;
    let empty = iterate::is_empty(cx, coll)?;
    bool(cx, empty)
}

fn push(cx: &mut Thread, args: &Args<'_>) -> Outcome {
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

fn conj(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    conj_onto(cx, "conj", args[0], args[1])
}

/// A collection with one more value, where that is natural.
pub fn conj_onto(cx: &mut Thread, name: &str, coll: Handle, value: Handle) -> Outcome {
    match cx.get(coll).layout() {
        layout::VECTOR => vector::push(cx, coll, value),
        layout::SET => set::add(cx, coll, value),
        layout::MAP if cx.get(value).is(layout::MAP) => super::maps::merged(cx, coll, value),
        layout::MAP => {
            let (key, value) = entry(cx, name, value)?;
            map::assoc(cx, coll, key, value)
        }
        layout::MUTABLE_LIST => {
            List(coll).push(cx, value)?;
            Ok(coll)
        }
        _ if Method::Conj.is_extended(cx.get(coll)) => Method::Conj.call(cx, &[coll, value]),
        _ => {
            let help = advice::collection_first(cx, name, coll, value);
            Err(argument_error(cx, name, 1, "a collection", coll, &help))
        }
    }
}

/// Key and value of an entry `[k, v]`.
pub fn entry(cx: &mut Thread, name: &str, entry: Handle) -> Result<(Handle, Handle), Thrown> {
    let value = cx.get(entry);
    if value.is(layout::VECTOR)
        && vector::len(value) == 2
        && let (Some(k), Some(v)) = (vector::get(value, 0), vector::get(value, 1))
    {
        return Ok((cx.root(k), cx.root(v)));
    }
    let message = format!("{name}: an entry of a map must be a vector [key, value], got {}", cx.describe(entry));
    Err(cx.throw(ErrorKind::TypeError, message))
}

/// Puts all entries of a map (or seqable of entries) into a builder.
pub fn put_all(cx: &mut Thread, builder: &map::Builder, entries: Handle) -> Result<(), Thrown> {
    let mut items = Items::of(cx, entries)?;
    while let Some(item) = items.next(cx)? {
        let (key, value) = entry(cx, "into", item)?;
        builder.put(cx, key, value)?;
    }
    Ok(())
}

fn assoc(cx: &mut Thread, args: &Args<'_>) -> Outcome {
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

fn contains(cx: &mut Thread, args: &Args<'_>) -> Outcome {
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
fn swapped(cx: &mut Thread, name: &str, args: &Args<'_>) -> Thrown {
    let what = cx.describe(args[1]);
    let message = format!(
        "{name}: argument 2 must be a String where argument 1 is one, got {what}; the collection comes first: {name}(coll, x)"
    );
    cx.throw(ErrorKind::TypeError, message)
}

fn includes(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    hashing::prepare(cx, args[1])?;
    let (coll, x) = (cx.get(args[0]), cx.get(args[1]));
    if let Some(text) = coll.str() {
        let Some(part) = x.str() else { return Err(swapped(cx, "includes?", args)) };
        let found = text.contains(part);
        return bool(cx, found);
    }
    if let Some(result) = sequences::includes(coll, x) {
        return deep_bool(cx, result);
    }
    let coll = seqable(cx, "includes?", args, 0)?;
    let mut items = Items::of(cx, coll)?;
    while let Some(item) = items.next(cx)? {
        match equal(cx.get(item), cx.get(args[1])) {
            Ok(true) => return bool(cx, true),
            Ok(false) => {}
            Err(deep) => return Err(deep.throw(cx)),
        }
    }
    bool(cx, false)
}

/// The element of anything seqable with a number, or how many there are where that took walking: the collection is let go on the way.
fn nth_of(cx: &mut Thread, coll: Handle, i: usize) -> Result<Result<Handle, Option<usize>>, Thrown> {
    if let Some(len) = indexed_len(cx, coll) {
        return if i < len { element(cx, coll, i).map(Ok) } else { Ok(Err(None)) };
    }
    if let Some(map) = map_behind(cx.get(coll)) {
        if i >= map::len(map) {
            return Ok(Err(Some(map::len(map))));
        }
        if i < iterate::CHUNK {
            let found = map::iter(map).nth(i).map(|(key, value)| (cx.root(key), cx.root(value)));
            return match found {
                Some(parts) => sequences::entry(cx, is_set(cx.get(coll)), parts).map(Ok),
                None => Ok(Err(None)),
            };
        }
        let mut items = Items::of(cx, coll)?;
        items.skip(cx, i)?;
        return Ok(items.next(cx)?.ok_or(None));
    }
    let mut items = Items::of(cx, coll)?;
    let mut passed = 0;
    while let Some(item) = items.next(cx)? {
        if passed == i {
            return Ok(Ok(item));
        }
        passed += 1;
    }
    Ok(Err(Some(passed)))
}

fn nth(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "nth", args, 0)?;
    let i = cx.get(args[1]).as_int().and_then(|i| usize::try_from(i).ok());
    let what = type_name(cx.get(coll));
    let mut walked = None;
    if let Some(i) = i {
        match nth_of(cx, coll, i)? {
            Ok(found) => return Ok(found),
            Err(len) => walked = len,
        }
    }
    if let Some(found) = far_element(cx, coll, args[1])? {
        return Ok(found);
    }
    if let Some(default) = args.opt(2) {
        return Ok(default);
    }
    let known = |cx: &Thread| sequences::length(cx.get(coll)).map(|_| sequences::count_text(cx.get(coll)));
    match walked.map(|len| len.to_string()).or_else(|| known(cx)) {
        Some(len) => Err(out_of_range(cx, "nth", args[1], what, len)),
        None => {
            let what = super::with_article(what);
            Err(cx.throw(ErrorKind::IndexError, format!("nth: index out of range for {what}")))
        }
    }
}

fn position(cx: &mut Thread, name: &str, args: &Args<'_>, i: usize) -> Outcome {
    let coll = seqable(cx, name, args, 0)?;
    match nth_of(cx, coll, i)? {
        Ok(found) => Ok(found),
        Err(_) => null(cx),
    }
}

fn first_of(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    position(cx, "first-of", args, 0)
}

fn second(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    position(cx, "second", args, 1)
}

fn third(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    position(cx, "third", args, 2)
}

fn last(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "last", args, 0)?;
    if let Some(range) = sequences::range_behind(cx.get(coll)) {
        // There may be more than can be counted.
        return match range.last() {
            Some(last) => numbers::new_big(cx, &last),
            None => null(cx),
        };
    }
    if let Some(len) = indexed_len(cx, coll) {
        return if len == 0 { null(cx) } else { element(cx, coll, len - 1) };
    }
    if let Some(map) = map_behind(cx.get(coll)) {
        let Some((key, value)) = map::last(map) else { return null(cx) };
        let parts = (cx.root(key), cx.root(value));
        return sequences::entry(cx, is_set(cx.get(coll)), parts);
    }
    let result = null(cx)?;
    let mut items = Items::of(cx, coll)?;
    while let Some(item) = items.next(cx)? {
        cx.set(result, cx.get(item));
    }
    Ok(result)
}

fn rest(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "rest", args, 0)?;
    super::sequences::without_first(cx, coll, 1)
}

fn butlast(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "butlast", args, 0)?;
    let vector = iterate::to_vector(cx, coll)?;
    if vector::len(cx.get(vector)) == 0 { Ok(vector) } else { vector::pop(cx, vector) }
}

fn seq(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match sequences::seq(cx, args[0])? {
        Some(seq) => Ok(seq),
        None => Err(no_collection(cx, "seq", 1, args[0])),
    }
}

fn first(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let value = cx.get(args[0]);
    match sequences::length(value) {
        Some(_) if value.is(layout::SEQ) => sequences::first(cx, args[0]),
        Some(_) => Ok(nth_of(cx, args[0], 0)?.unwrap_or(cx.root_word(Word::NULL))),
        None => Err(wrong_type(cx, "first", 1, "a Seq", args[0])),
    }
}

fn next(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match sequences::seq(cx, args[0])? {
        Some(seq) if cx.get(seq).is_null() => Ok(seq),
        Some(seq) => sequences::next(cx, seq),
        None => Err(wrong_type(cx, "next", 1, "a Seq", args[0])),
    }
}

fn hash_of(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let hash = hashing::visible(cx, cx.get(args[0]));
    new_int(cx, hash)
}
