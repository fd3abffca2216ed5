//! Builtins: maps and sets.

use super::collections::{entry, put_all};
use crate::builtins;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::layout::{self};
use crate::runtime::program::builtin::Args;
use crate::runtime::program::methods;
use crate::runtime::values::collections::{List, map, mutable, set, vector};
use crate::runtime::values::equality::TooDeep;
use crate::runtime::values::hashing;
use crate::runtime::values::iterate;
use crate::runtime::values::iterate::{Items, expect_room};
use crate::runtime::values::leaves;
use crate::runtime::values::numbers::new_int;
use crate::runtime::values::support::{Outcome, deep_bool, null, seqable, wrong_type};

builtins! { pub static TABLE: "core";
    /// The map without some keys. `dissoc({:a 1, :b 2}, :a)` is `{:b 2}`.
    "dissoc" (map: Map, key: Any, keys: rest(Any)) = dissoc => leaves::maps::dissoc;
    /// The keys of a map. `keys({:a 1, :b 2})` is `[:a, :b]`.
    /// `keys({:a 1})` is `[:a]`.
    "keys" (map: or(Map, MutableMap)) -> VECTOR = keys => leaves::maps::keys;
    /// The values of a map. `vals({:a 1, :b 2})` is `[1, 2]`.
    "vals" (map: or(Map, MutableMap)) -> VECTOR = vals => leaves::maps::vals;
    /// The maps in one; later values win. `merge({:a 1}, {:a 2, :b 3})` is `{:a 2, :b 3}`.
    "merge" (maps: rest(or(Map, Null))) = merge => leaves::maps::merge;
    /// The map with only these keys. `select-keys({:a 1, :b 2}, [:a])` is `{:a 1}`.
    "select-keys" (map: Map, keys: Seqable) = select_keys => leaves::maps::select_keys;
    /// Has the map this key? `contains-key?({:a 1}, :a)` is `true`.
    "contains-key?" (map: or(Map, MutableMap), key: Any) = contains_key => leaves::collections::contains_key;
    /// The entry `[key, value]` of a key, `null` when there is none. `find-entry({:a 1}, :a)` is `[:a, 1]`.
    "find-entry" (map: or(Map, MutableMap), key: Any) = find_entry;
    /// A map of keys and values side by side. `zipmap([:x, :y], [1, 2])` is `{:x 1, :y 2}`.
    "zipmap" (keys: Seqable, values: Seqable) = zipmap;
    /// The map from values to keys. `invert({:a 1})` is `{1 :a}`.
    "invert" (map: Map) = invert;
    /// How often each element occurs. `frequencies(["a", "b", "a"])` is `{"a" 2, "b" 1}`.
    "frequencies" (coll: Seqable) = frequencies;
    /// The target with all elements of the source: at the end of a vector, in a set, as entries of a map.
    /// `into([1], [2, 3])` is `[1, 2, 3]`.
    "into" (target: Any, source: Seqable) = into;
    /// The set of the elements. `into-set([1, 1, 2])` is `#{1, 2}`.
    "into-set" (coll: Seqable) = into_set;
    /// Is it a member? `set-contains?(#{1}, 1)` is `true`.
    "set-contains?" (set: Set, x: Any) = set_contains => leaves::collections::set_contains;
    /// The set with a member. `set-add(#{1}, 2)` is `#{1, 2}`.
    "set-add" (set: Set, x: Any) = set_add => leaves::maps::set_add;
    /// The set without a member. `set-remove(#{1, 2}, 1)` is `#{2}`.
    "set-remove" (set: Set, x: Any) = set_remove => leaves::maps::set_remove;
    /// The members of any of the sets. `set-union(#{1}, #{2})` is `#{1, 2}`.
    "set-union" (set: Set, others: rest(Set)) = set_union;
    /// The members of all of the sets. `set-intersection(#{1, 2}, #{2, 3})` is `#{2}`.
    "set-intersection" (set: Set, others: rest(Set)) = set_intersection;
    /// The members of the first set that are in none of the others. `set-difference(#{1, 2}, #{2})` is `#{1}`.
    "set-difference" (set: Set, others: rest(Set)) = set_difference;
    /// Are all members of the first set in the second? `set-subset?(#{1}, #{1, 2})` is `true`.
    "set-subset?" (subset: Set, set: Set) = set_subset;
    /// A new builder of a map, for the library.
    "_map-builder" () = map_builder => leaves::maps::new_map;
    /// Puts an entry into a builder.
    "_map-put!" (builder: MutableMap, key: Any, value: Any) = map_put => leaves::maps::mutable_put;
    /// The map of a builder.
    "_map-done" (builder: MutableMap) = map_done => leaves::maps::map_done;
}

fn dissoc(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let mut map = map::dissoc(cx, args[0], args[1])?;
    for &key in args.rest() {
        map = map::dissoc(cx, map, key)?;
    }
    Ok(map)
}

/// The MAP behind a Map or MutableMap argument.
fn map_arg(cx: &mut Thread, h: Handle) -> Outcome {
    if cx.get(h).is(layout::MUTABLE_MAP) { mutable::whole(cx, h) } else { Ok(h) }
}

/// The MAP behind a Map or MutableMap, to look one key up. Other threads may change that of the latter meanwhile.
fn map_now(value: Value<'_>) -> Value<'_> {
    if value.is(layout::MUTABLE_MAP) { mutable::map_of(value) } else { value }
}

/// A vector of one half of the entries.
pub fn half(cx: &mut Thread, coll: Handle, values: bool) -> Outcome {
    let map = map_arg(cx, coll)?;
    let n = map::len(cx.get(map));
    let fill = null(cx)?;
    let node = cx.alloc_array(layout::NODE, n, fill)?;
    for (i, (key, value)) in map::iter(cx.get(map)).take(n).enumerate() {
        cx.set_slot(cx.get(node), layout::ARRAY_ELEMENTS + i, if values { value } else { key });
    }
    vector::from_array(cx, node, n)
}

fn keys(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    half(cx, args[0], false)
}

fn vals(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    half(cx, args[0], true)
}

fn merge(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let mut maps = args.rest().iter().copied().filter(|&m| !cx.get(m).is_null()).collect::<Vec<_>>().into_iter();
    let Some(mut result) = maps.next() else { return map::empty(cx) };
    for map in maps {
        result = merged(cx, result, map)?;
    }
    // Not an accumulator's.
    map::with_owner(cx, result, map::SHARED)
}

/// The entries of two maps: where both have a key, as it stands in the first, with the value from the second. Goes through the
/// smaller one, unless there is an order to keep.
pub fn merged(cx: &mut Thread, first: Handle, second: Handle) -> Outcome {
    let (own, more) = (map::len(cx.get(first)), map::len(cx.get(second)));
    if own >= more || more <= map::SMALL {
        let builder = map::Builder::from(cx, first)?;
        put_all(cx, &builder, second)?;
        return builder.finish(cx);
    }
    let builder = map::Builder::from(cx, second)?;
    let mut items = Items::of(cx, first)?;
    while let Some(item) = items.next(cx)? {
        let (key, value) = entry(cx, "merge", item)?;
        hashing::prepare(cx, key)?;
        let known = match map::find(cx.get(builder.map()), cx.get(key)) {
            Ok(known) => known.map(|(k, v)| (k == cx.get(key), cx.root(v))),
            Err(deep) => return Err(deep.throw(cx)),
        };
        match known {
            None => builder.put(cx, key, value)?,
            Some((true, _)) => {}
            Some((false, later)) => {
                builder.remove(cx, key)?;
                builder.put(cx, key, later)?;
            }
        }
    }
    builder.finish(cx)
}

fn select_keys(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let keys = seqable(cx, "select-keys", args, 1)?;
    let builder = map::Builder::new(cx)?;
    let mut items = Items::of(cx, keys)?;
    while let Some(key) = items.next(cx)? {
        hashing::prepare(cx, key)?;
        match map::find(cx.get(args[0]), cx.get(key)) {
            Ok(Some((known, value))) => {
                let (known, value) = (cx.root(known), cx.root(value));
                builder.put(cx, known, value)?;
            }
            Ok(None) => {}
            Err(deep) => return Err(deep.throw(cx)),
        }
    }
    builder.finish(cx)
}

fn contains_key(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    hashing::prepare(cx, args[1])?;
    let found = map::find(map_now(cx.get(args[0])), cx.get(args[1])).map(|found| found.is_some());
    deep_bool(cx, found)
}

fn find_entry(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    hashing::prepare(cx, args[1])?;
    match map::find(map_now(cx.get(args[0])), cx.get(args[1])) {
        Ok(Some((key, value))) => {
            let entry = [cx.root(key), cx.root(value)];
            vector::of(cx, &entry)
        }
        Ok(None) => null(cx),
        Err(deep) => Err(deep.throw(cx)),
    }
}

fn zipmap(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let (keys, values) = (seqable(cx, "zipmap", args, 0)?, seqable(cx, "zipmap", args, 1)?);
    let builder = map::Builder::new(cx)?;
    let mut keys = Items::of(cx, keys)?;
    let mut values = Items::of(cx, values)?;
    let mark = cx.mark();
    while let Some(key) = keys.next_kept(cx)? {
        let Some(value) = values.next_kept(cx)? else { break };
        builder.put(cx, key, value)?;
        cx.release(mark);
    }
    builder.finish(cx)
}

fn invert(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let builder = map::Builder::new(cx)?;
    let mut items = Items::of(cx, args[0])?;
    while let Some(item) = items.next(cx)? {
        let (key, value) = entry(cx, "invert", item)?;
        builder.put(cx, value, key)?;
    }
    builder.finish(cx)
}

fn frequencies(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "frequencies", args, 0)?;
    expect_room(cx, coll)?;
    let builder = map::Builder::new(cx)?;
    let mut items = Items::of(cx, coll)?;
    while let Some(item) = items.next(cx)? {
        hashing::prepare(cx, item)?;
        let n = match map::get(cx.get(builder.map()), cx.get(item)) {
            Ok(found) => found.and_then(|n| n.as_int()).unwrap_or(0),
            Err(deep) => return Err(deep.throw(cx)),
        };
        let n = new_int(cx, n + 1)?;
        builder.put(cx, item, n)?;
    }
    builder.finish(cx)
}

fn into(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let source = seqable(cx, "into", args, 1)?;
    let target = args[0];
    match cx.get(target).layout() {
        layout::VECTOR => {
            let source = iterate::to_vector(cx, source)?;
            vector::concat(cx, target, source)
        }
        layout::MAP => match cx.get(source).layout() {
            layout::MAP => merged(cx, target, source),
            layout::MUTABLE_MAP => {
                let source = mutable::to_map(cx, source)?;
                merged(cx, target, source)
            }
            _ => {
                let builder = map::Builder::from(cx, target)?;
                put_all(cx, &builder, source)?;
                builder.finish(cx)
            }
        },
        layout::SET => with_all(cx, target, source),
        layout::MUTABLE_LIST => {
            let mut items = Items::of(cx, source)?;
            while let Some(item) = items.next(cx)? {
                List(target).push(cx, item)?;
            }
            Ok(target)
        }
        layout::MUTABLE_SET => {
            if filled(cx, target, source)? {
                return Ok(target);
            }
            let mut items = Items::of(cx, source)?;
            while let Some(item) = items.next(cx)? {
                mutable::add(cx, target, item)?;
            }
            Ok(target)
        }
        layout::MUTABLE_MAP => {
            if filled(cx, target, source)? {
                return Ok(target);
            }
            let mut items = Items::of(cx, source)?;
            while let Some(item) = items.next(cx)? {
                let (key, value) = entry(cx, "into", item)?;
                mutable::put(cx, target, key, value)?;
            }
            Ok(target)
        }
        _ => {
            // A type of the program's own, by its `conj`.
            let result = cx.root(cx.get(target));
            let mut items = Items::of(cx, source)?;
            while let Some(item) = items.next(cx)? {
                let next = super::collections::conj_onto(cx, "into", result, item)?;
                cx.set(result, cx.get(next));
            }
            if cx.get(result) == cx.get(target) && !methods::Method::Conj.is_extended(cx.get(target)) {
                return Err(wrong_type(cx, "into", 1, "a collection", target));
            }
            Ok(result)
        }
    }
}

/// Gives an empty mutable map or set what a map or a set has, at once; false, and nothing is done, where that cannot be.
fn filled(cx: &mut Thread, target: Handle, source: Handle) -> Result<bool, Thrown> {
    if map::len(mutable::map_of(cx.get(target))) > 0 {
        return Ok(false);
    }
    let entries = match (cx.get(target).layout(), cx.get(source).layout()) {
        (layout::MUTABLE_MAP, layout::MAP) => source,
        (layout::MUTABLE_SET, layout::SET) => cx.root(set::map_of(cx.get(source))),
        (layout::MUTABLE_MAP, layout::MUTABLE_MAP) | (layout::MUTABLE_SET, layout::MUTABLE_SET) => {
            mutable::to_map(cx, source)?
        }
        _ => return Ok(false),
    };
    mutable::fill(cx, target, entries)
}

/// The set with all elements of a collection; of a set, mutable or not, by way of the smaller one.
fn with_all(cx: &mut Thread, set: Handle, coll: Handle) -> Outcome {
    match cx.get(coll).layout() {
        layout::SET => united(cx, set, coll),
        layout::MUTABLE_SET => {
            let map = mutable::to_map(cx, coll)?;
            let other = set::from_map(cx, map)?;
            united(cx, set, other)
        }
        _ => add_all(cx, set, coll),
    }
}

/// The set with all elements of a collection.
fn add_all(cx: &mut Thread, set: Handle, coll: Handle) -> Outcome {
    expect_room(cx, coll)?;
    let map = cx.root(set::map_of(cx.get(set)));
    let builder = map::Builder::from(cx, map)?;
    let mut items = Items::of(cx, coll)?;
    while let Some(item) = items.next(cx)? {
        set::add_to(cx, &builder, item)?;
    }
    let map = builder.finish(cx)?;
    set::from_map(cx, map)
}

fn into_set(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "into-set", args, 0)?;
    if cx.get(coll).is(layout::SET) {
        return Ok(coll);
    }
    let empty = set::empty(cx)?;
    with_all(cx, empty, coll)
}

fn set_contains(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    hashing::prepare(cx, args[1])?;
    let found = set::contains(cx.get(args[0]), cx.get(args[1]));
    deep_bool(cx, found)
}

fn set_add(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    set::add(cx, args[0], args[1])
}

fn set_remove(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    set::remove(cx, args[0], args[1])
}

fn set_union(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let mut result = args[0];
    for &other in args.rest() {
        result = united(cx, result, other)?;
    }
    Ok(result)
}

/// The members of two sets. What is beyond small sets has no order that would be kept: the smaller one goes into the larger one.
fn united(cx: &mut Thread, set: Handle, other: Handle) -> Outcome {
    let (own, more) = (set::len(cx.get(set)), set::len(cx.get(other)));
    if own < more && more > map::SMALL { put_below(cx, set, other) } else { add_all(cx, set, other) }
}

/// The members of two sets, those of the first before equal ones of the second. Goes through the first alone.
fn put_below(cx: &mut Thread, set: Handle, other: Handle) -> Outcome {
    let map = cx.root(set::map_of(cx.get(other)));
    let builder = map::Builder::from(cx, map)?;
    let mut items = Items::of(cx, set)?;
    while let Some(item) = items.next(cx)? {
        hashing::prepare(cx, item)?;
        let known = match map::find(cx.get(builder.map()), cx.get(item)) {
            Ok(known) => known.map(|(member, _)| member == cx.get(item)),
            Err(deep) => return Err(deep.throw(cx)),
        };
        if known == Some(true) {
            continue;
        }
        if known == Some(false) {
            builder.remove(cx, item)?;
        }
        builder.put(cx, item, item)?;
    }
    let map = builder.finish(cx)?;
    set::from_map(cx, map)
}

/// The members of the first set for which `keep` holds.
fn filter(
    cx: &mut Thread,
    args: &Args<'_>,
    keep: impl Fn(&Thread, Handle, &[Handle]) -> Result<bool, TooDeep>,
) -> Outcome {
    let map = cx.root(set::map_of(cx.get(args[0])));
    let builder = map::Builder::from(cx, map)?;
    let mut items = Items::of(cx, args[0])?;
    while let Some(item) = items.next(cx)? {
        match keep(cx, item, args.rest()) {
            Ok(true) => {}
            Ok(false) => builder.remove(cx, item)?,
            Err(deep) => return Err(deep.throw(cx)),
        }
    }
    let map = builder.finish(cx)?;
    set::from_map(cx, map)
}

/// Is a value a member of all of the sets?
fn in_all(cx: &Thread, member: Handle, sets: &[Handle]) -> Result<bool, TooDeep> {
    for &set in sets {
        if !set::contains(cx.get(set), cx.get(member))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn set_intersection(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let own = set::len(cx.get(args[0]));
    let smallest = args.rest().iter().copied().min_by_key(|&other| set::len(cx.get(other)));
    match smallest.filter(|&other| own > map::SMALL && set::len(cx.get(other)) < own) {
        Some(smallest) => common(cx, args, smallest),
        None => filter(cx, args, in_all),
    }
}

/// The members of the first set that are in all of the others, one of which is gone through.
fn common(cx: &mut Thread, args: &Args<'_>, smallest: Handle) -> Outcome {
    let builder = map::Builder::new(cx)?;
    let mut items = Items::of(cx, smallest)?;
    while let Some(item) = items.next(cx)? {
        hashing::prepare(cx, item)?;
        match in_all(cx, item, args.rest()) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(deep) => return Err(deep.throw(cx)),
        }
        // As it stands in the first set.
        match map::find(set::map_of(cx.get(args[0])), cx.get(item)) {
            Ok(Some((member, _))) => {
                let member = cx.root(member);
                builder.put(cx, member, member)?;
            }
            Ok(None) => {}
            Err(deep) => return Err(deep.throw(cx)),
        }
    }
    let map = builder.finish(cx)?;
    set::from_map(cx, map)
}

fn set_difference(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let taken: usize = args.rest().iter().map(|&other| set::len(cx.get(other))).sum();
    if taken < set::len(cx.get(args[0])) {
        return without(cx, args);
    }
    filter(cx, args, |cx, item, others| {
        for &other in others {
            if set::contains(cx.get(other), cx.get(item))? {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// The first set without the members of the others. Goes through the others.
fn without(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let map = cx.root(set::map_of(cx.get(args[0])));
    let builder = map::Builder::from(cx, map)?;
    for &other in args.rest() {
        let mark = cx.mark();
        let mut items = Items::of(cx, other)?;
        while let Some(item) = items.next(cx)? {
            builder.remove(cx, item)?;
        }
        cx.release(mark);
    }
    let map = builder.finish(cx)?;
    set::from_map(cx, map)
}

fn set_subset(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let (subset, whole) = (cx.get(args[0]), cx.get(args[1]));
    let mut result = Ok(set::len(subset) <= set::len(whole));
    if result == Ok(true) {
        for member in set::iter(subset) {
            result = set::contains(whole, member);
            if result != Ok(true) {
                break;
            }
        }
    }
    deep_bool(cx, result)
}

fn map_builder(cx: &mut Thread, _args: &Args<'_>) -> Outcome {
    mutable::new_map(cx)
}

fn map_put(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    mutable::put(cx, args[0], args[1], args[2])?;
    Ok(args[0])
}

fn map_done(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    mutable::to_map(cx, args[0])
}
