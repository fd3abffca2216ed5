//! Builtins of `core`: looking into collections and making changed ones, for all builtin collections alike. Most are what the core
//! protocols' methods do for builtin types. What generated code calls besides is in `values/access.rs`.

use super::maps::merged;
use crate::builtins;
use crate::gc::{Handle, Thread, Thrown};
use crate::object::Word;
use crate::object::layout;
use crate::runtime::fault::advice;
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::builtin::{Args, with_article};
use crate::runtime::program::methods::Method;
use crate::runtime::values::access::{
    assoc, butlast, contains, count_elements, element, far_element, get, get_from, indexed_len, is_set, length,
    map_behind, push, swapped,
};
use crate::runtime::values::collections::{List, map, marks, set, vector};
use crate::runtime::values::equality::equal;
use crate::runtime::values::hashing;
use crate::runtime::values::iterate::{self, Items};
use crate::runtime::values::leaves;
use crate::runtime::values::numbers::{self, new_int};
use crate::runtime::values::sequences;
use crate::runtime::values::support::{
    Outcome, argument_error, bool, deep_bool, no_collection, null, out_of_range, seqable, type_name, wrong_type,
};

builtins! { pub static TABLE: "core";
    /// The element at an index, the value of a key, `default` when there is none. Without default: IndexError for an index
    /// that is out of range, `null` for a key that is missing. `get([1, 2], 0)` is `1`.
    /// `get({:a 1}, :b, 0)` is `0`.
    "get" (coll: Any, key: Any, default: opt(Any)) [Element { of: ELEMENTS, asked: true }, 2..=3] = get => leaves::collections::get;
    /// What `get` gives, for the library: errors name the function that asks.
    "_get-for" (coll: Any, key: Any, who: String) = get_for => leaves::collections::get_for;
    /// How many elements or characters. `length("abc")` is `3`.
    /// `length("abc")` is `3`.
    "length" (coll: Any) -> INT [Length(LENGTHS), 1..=1] = length => leaves::collections::length;
    /// How many elements a vector of the library has, whoever has extended Vector.
    "_length" (vector: Vector) = own_length, quiet;
    /// How many elements, of anything seqable. `count([1, 2])` is `2`.
    "count" (coll: Seqable) -> INT = count_elements => leaves::collections::count;
    /// Are there no elements? `empty?([])` is `true`.
    "empty?" (coll: Seqable) = is_empty => leaves::collections::is_empty;
    /// The vector with a value at its end. `push([1], 2)` is `[1, 2]`.
    /// `push([1], 2)` is `[1, 2]`.
    "push" (coll: Any, value: Any) -> VECTOR [VectorPush, 2..=2] = push;
    /// The collection with a value where that is natural: at the end of a vector, in a set, an entry `[k, v]` in a map.
    /// `conj(#{1}, 2)` is `#{1, 2}`.
    /// `conj([1], 2)` is `[1, 2]`.
    "conj" (coll: Any, value: Any) -> VECTOR [VectorPush, 2..=2] = conj => leaves::maps::conj;
    /// The map with an entry, or the vector with another element at an index. `assoc({:a 1}, :b, 2)` is `{:a 1, :b 2}`.
    "assoc" (coll: Any, key: Any, value: Any) = assoc => leaves::collections::assoc;
    /// Is there such an index (vector, array), key (map), member (set) or substring (String)? `contains?({:a 1}, :a)` is `true`.
    "contains?" (coll: Any, x: Any) = contains => leaves::collections::contains;
    /// Is there such a value? `includes?([1, 2], 2)` is `true`.
    "includes?" (coll: Seqable, x: Any) = includes => leaves::collections::includes;
    /// The element at an index of anything seqable, `default` when there is none. `nth([5, 6], 1)` is `6`.
    "nth" (coll: Seqable, index: Int, default: opt(Any)) [Element { of: ELEMENTS, asked: false }, 2..=3] = nth => leaves::collections::nth;
    /// The first element, `null` when there is none. `first-of([5, 6])` is `5`.
    "first-of" (coll: Seqable) = first_of => leaves::collections::first_of;
    /// The second element, `null` when there is none. `second([5, 6])` is `6`.
    "second" (coll: Seqable) = second => leaves::collections::second;
    /// The third element, `null` when there is none. `third([5, 6])` is `null`.
    "third" (coll: Seqable) = third => leaves::collections::third;
    /// The last element, `null` when there is none. `last([5, 6])` is `6`.
    "last" (coll: Seqable) = last => leaves::collections::last;
    /// All elements but the first. `rest([5, 6])` is `[6]`.
    "rest" (coll: Seqable) [RestOfOne, 1..=1] = rest => leaves::collections::rest;
    /// All elements but the last. `butlast([5, 6])` is `[5]`.
    "butlast" (coll: Seqable) = butlast => leaves::collections::butlast;
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

fn get_for(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    if Method::Get.is_extended(cx.get(args[0])) {
        // It may be what an accumulator holds, of which `_updated` keeps nothing; a method of the program may.
        marks::freeze(cx, cx.get(args[0]));
        return Method::Get.jump(cx, &[args[0], args[1]]);
    }
    get_from(cx, Some(args[2]), args[0], args[1], None)
}

fn own_length(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let n = vector::len(cx.get(args[0]));
    numbers::new_usize(cx, n)
}

fn is_empty(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    if let Some(n) = sequences::length(cx.get(args[0])) {
        return bool(cx, n == 0);
    }
    let coll = seqable(cx, "empty?", args, 0)?;
    let empty = iterate::is_empty(cx, coll)?;
    bool(cx, empty)
}

fn conj(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    conj_onto(cx, "conj", args[0], args[1])
}

/// A collection with one more value, where that is natural.
pub fn conj_onto(cx: &mut Thread, name: &str, coll: Handle, value: Handle) -> Outcome {
    match cx.get(coll).layout() {
        layout::VECTOR => vector::push(cx, coll, value),
        layout::SET => set::add(cx, coll, value),
        layout::MAP if cx.get(value).is(layout::MAP) => merged(cx, coll, value),
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
            let what = with_article(what);
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
