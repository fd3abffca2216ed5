//! Builtins: the namespace `weak`.

use std::sync::Arc;

use crate::builtins;
use crate::gc::trace::weak::Weak;
use crate::gc::{Handle, Thread, Thrown};
use crate::object::{Word, layout};
use crate::runtime::program::builtin::specs::native;
use crate::runtime::program::builtin::{Args, Spec};
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::values::numbers::new_usize;
use crate::runtime::values::support::{Outcome, wrong_type};

const WEAK_REFERENCE: Spec = native("weak reference (`weak/ref(value)` makes one)");
const WEAK_MAP: Spec = native("weak map (`weak/map()` makes one)");

builtins! { pub static TABLE: "weak";
    /// A reference that does not keep its value alive.
    /// `weak/value(weak/ref(null))` is `null`.
    "ref" (value: Any) = |cx, args| cx.alloc_weak_reference(args[0]);
    /// The value of a weak reference; `null` when nothing else has held it, and it was collected.
    /// `weak/value(weak/ref(:a))` is `:a`.
    "value" (reference: WEAK_REFERENCE) = value;
    /// A map whose entries live as long as their keys do, even when a value leads to its own key: for what is remembered of values
    /// that others own. Its keys are compared by `identical?`; numbers are none.
    /// `weak/count(weak/map())` is `0`.
    "map" () = |cx, _args| cx.alloc_weak_map();
    /// The value that a weak map has for a key, else `default`, or `null`.
    /// `weak/get(weak/map(), "a", 1)` is `1`.
    "get" (map: WEAK_MAP, key: Any, default: opt(Any)) = get;
    /// Gives a key of a weak map a value; gives the map.
    /// `weak/get(weak/put!(weak/map(), :a, 1), :a)` is `1`.
    "put!" (map: WEAK_MAP, key: Any, value: Any) = put;
    /// Takes a key out of a weak map; gives the map.
    /// `weak/count(weak/remove!(weak/put!(weak/map(), :a, 1), :a))` is `0`.
    "remove!" (map: WEAK_MAP, key: Any) = remove;
    /// How many entries a weak map has. Those of keys that are dead count until they are collected.
    /// `weak/count(weak/put!(weak/map(), :a, 1))` is `1`.
    "count" (map: WEAK_MAP) = count;
    /// Calls `f`, without arguments, some time after `value` was collected, on a thread of its own; gives the value. What `f` captures lives
    /// until then, so it must not be the value. What was not called when the program ends is not called.
    /// `weak/finalizer([1], fn() { println("gone") })` is `[1]`.
    "finalizer" (value: Any, f: Function) = finalizer;
}

/// What is behind a NATIVE, if it is such a thing.
fn weak(cx: &mut Thread, name: &str, args: &Args<'_>, is_map: bool) -> Result<Arc<Weak>, Thrown> {
    match cx.native_as::<Weak>(cx.get(args[0])).filter(|weak| weak.is_map == is_map) {
        Some(weak) => Ok(weak),
        None => Err(wrong_type(cx, name, 1, if is_map { "a weak map" } else { "a weak reference" }, args[0])),
    }
}

fn value(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let weak = weak(cx, "value", args, false)?;
    Ok(cx.weak_value(&weak).unwrap_or_else(|| cx.root_word(Word::NULL)))
}

/// Numbers have no identity: equal ones may be one object or two.
fn key(cx: &mut Thread, name: &str, key: Handle) -> Result<Handle, Thrown> {
    let value = cx.get(key);
    if value.as_int().is_some() || value.as_float().is_some() || value.is(layout::BIG_INT) {
        let message = format!("{name}: a number cannot be the key of a weak map, got {}", cx.describe(key));
        return Err(cx.throw(ErrorKind::ArgumentError, message));
    }
    Ok(key)
}

fn get(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let weak = weak(cx, "get", args, true)?;
    match cx.weak_get(&weak, cx.get(args[1])).map(|value| cx.root(value)) {
        Some(value) => Ok(value),
        None => Ok(args.opt(2).unwrap_or_else(|| cx.root_word(Word::NULL))),
    }
}

fn put(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let weak = weak(cx, "put!", args, true)?;
    let key = key(cx, "put!", args[1])?;
    cx.weak_put(&weak, cx.get(key), cx.get(args[2]));
    Ok(args[0])
}

fn remove(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let weak = weak(cx, "remove!", args, true)?;
    cx.weak_remove(&weak, cx.get(args[1]));
    Ok(args[0])
}

fn count(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let weak = weak(cx, "count", args, true)?;
    new_usize(cx, cx.weak_count(&weak))
}

fn finalizer(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let value = key(cx, "finalizer", args[0])?;
    cx.vm().threads.expect_others();
    cx.add_finalizer(cx.get(value), cx.get(args[1]));
    Ok(args[0])
}
