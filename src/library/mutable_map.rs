//! Builtins: the namespace `mutable-map`. Those that only look at keys are the ones of `mutable-set` as well.

use super::core::maps::half;
use crate::builtins;
use crate::gc::Thread;
use crate::runtime::program::builtin::Args;
use crate::runtime::values::collections::{map, mutable};
use crate::runtime::values::hashing;
use crate::runtime::values::iterate;
use crate::runtime::values::leaves;
use crate::runtime::values::numbers::new_usize;
use crate::runtime::values::support::{Outcome, deep_bool, null};

builtins! { pub static TABLE: "mutable-map";
    /// A new map.
    /// `mutable-map/count(mutable-map/new())` is `0`.
    "new" () = new => leaves::maps::new_map;
    /// The value of a key, `null` (or `default`) when there is none.
    /// `mutable-map/get(mutable-map/new(), :a, 0)` is `0`.
    "get" (map: MutableMap, key: Any, default: opt(Any)) [MutableGet, 2..=3] = get => leaves::collections::mutable_get;
    /// Adds an entry or replaces its value; gives the map.
    /// `mutable-map/to-map(mutable-map/put!(mutable-map/new(), :a, 1))` is `{:a 1}`.
    "put!" (map: MutableMap, key: Any, value: Any) [MutablePut, 3..=3] = put => leaves::maps::mutable_put;
    /// Takes a key away; gives the map.
    /// `mutable-map/count(mutable-map/remove!(mutable-map/put!(mutable-map/new(), :a, 1), :a))` is `0`.
    "remove!" (map: MutableMap, key: Any) = remove => leaves::maps::mutable_remove;
    /// Has it this key?
    /// `mutable-map/contains?(mutable-map/new(), :a)` is `false`.
    "contains?" (map: MutableMap, key: Any) = contains => leaves::collections::map_contains;
    /// How many entries.
    /// `mutable-map/count(mutable-map/put!(mutable-map/new(), :a, 1))` is `1`.
    "count" (map: MutableMap) = count => leaves::collections::map_count;
    /// A vector of the keys.
    /// `mutable-map/keys(mutable-map/put!(mutable-map/new(), :a, 1))` is `[:a]`.
    "keys" (map: MutableMap) = keys;
    /// A vector of the values.
    /// `mutable-map/vals(mutable-map/put!(mutable-map/new(), :a, 1))` is `[1]`.
    "vals" (map: MutableMap) = vals;
    /// A vector of the entries `[key, value]`.
    /// `mutable-map/entries(mutable-map/put!(mutable-map/new(), :a, 1))` is `[[:a, 1]]`.
    "entries" (map: MutableMap) = entries;
    /// Takes all entries away; gives the map.
    /// `mutable-map/count(mutable-map/clear!(mutable-map/put!(mutable-map/new(), :a, 1)))` is `0`.
    "clear!" (map: MutableMap) = clear;
    /// A persistent map of the entries.
    /// `mutable-map/to-map(mutable-map/put!(mutable-map/new(), :a, 1))` is `{:a 1}`.
    "to-map" (map: MutableMap) = to_map;
}

fn new(cx: &mut Thread, _args: &Args<'_>) -> Outcome {
    mutable::new_map(cx)
}

fn get(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    hashing::prepare(cx, args[1])?;
    match map::get(mutable::map_of(cx.get(args[0])), cx.get(args[1])) {
        Ok(Some(value)) => Ok(cx.root(value)),
        Ok(None) => match args.opt(2) {
            Some(default) => Ok(default),
            None => null(cx),
        },
        Err(deep) => Err(deep.throw(cx)),
    }
}

fn put(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    mutable::put(cx, args[0], args[1], args[2])?;
    Ok(args[0])
}

pub(super) fn remove(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    mutable::remove(cx, args[0], args[1])?;
    Ok(args[0])
}

pub(super) fn contains(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    hashing::prepare(cx, args[1])?;
    let found = map::find(mutable::map_of(cx.get(args[0])), cx.get(args[1])).map(|found| found.is_some());
    deep_bool(cx, found)
}

pub(super) fn count(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let n = map::len(mutable::map_of(cx.get(args[0])));
    new_usize(cx, n)
}

fn keys(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    half(cx, args[0], false)
}

fn vals(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    half(cx, args[0], true)
}

fn entries(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    iterate::to_vector(cx, args[0])
}

pub(super) fn clear(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    mutable::clear_map(cx, args[0])?;
    Ok(args[0])
}

fn to_map(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    mutable::to_map(cx, args[0])
}
