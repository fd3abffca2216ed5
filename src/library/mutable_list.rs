//! Builtins: the namespace `mutable-list`.

use crate::builtins;
use crate::gc::{Thread, Thrown};
use crate::runtime::program::builtin::Args;
use crate::runtime::values::collections::List;
use crate::runtime::values::numbers::new_usize;
use crate::runtime::values::support::{Outcome, index_below, null, out_of_range};

builtins! { pub static TABLE: "mutable-list";
    /// A new list of the arguments.
    /// `mutable-list/count(mutable-list/new())` is `0`.
    "new" (values: rest(Any)) = new;
    /// Adds a value at the end; gives the list.
    /// `mutable-list/to-vec(mutable-list/push!(mutable-list/new(), 1))` is `[1]`.
    "push!" (list: MutableList, value: Any) [ListPush, 2..=2] = push;
    /// Takes the last value away and gives it; `null` when there is none.
    /// `mutable-list/pop!(mutable-list/push!(mutable-list/new(), 1))` is `1`.
    "pop!" (list: MutableList) [ListPop, 1..=1] = pop;
    /// The value at an index, `default` when there is none.
    /// `mutable-list/get(mutable-list/push!(mutable-list/new(), 7), 0)` is `7`.
    "get" (list: MutableList, index: Int, default: opt(Any)) [Element { of: &[MUTABLE_LIST], asked: true }, 2..=3] = get;
    /// Stores a value at an index; gives the list.
    /// `mutable-list/to-vec(mutable-list/set!(mutable-list/push!(mutable-list/new(), 1), 0, 5))` is `[5]`.
    "set!" (list: MutableList, index: Int, value: Any) [Store { of: &[MUTABLE_LIST], gives: 0 }, 3..=3] = set;
    /// How many values.
    /// `mutable-list/count(mutable-list/new())` is `0`.
    "count" (list: MutableList) [Length(&[MUTABLE_LIST]), 1..=1] = count;
    /// Takes all values away; gives the list.
    /// `mutable-list/count(mutable-list/clear!(mutable-list/push!(mutable-list/new(), 1)))` is `0`.
    "clear!" (list: MutableList) = clear;
    /// A vector of the values.
    /// `mutable-list/to-vec(mutable-list/push!(mutable-list/new(), 1))` is `[1]`.
    "to-vec" (list: MutableList) = to_vec;
}

fn new(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let list = List::new(cx, args.len())?;
    for &value in args.all() {
        list.push(cx, value)?;
    }
    Ok(list.0)
}

fn push(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    List(args[0]).push(cx, args[1])?;
    Ok(args[0])
}

fn pop(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match List(args[0]).pop(cx) {
        Some(value) => Ok(value),
        None => null(cx),
    }
}

#[cold]
fn no_index(cx: &mut Thread, name: &str, args: &Args<'_>) -> Thrown {
    let len = List(args[0]).len(cx);
    out_of_range(cx, name, args[1], "MutableList", len)
}

fn get(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let (slots, n) = List::view(cx.get(args[0]));
    match (index_below(cx.get(args[1]), n), args.opt(2)) {
        (Some(i), _) => Ok(cx.root(slots.get(i))),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(no_index(cx, "get", args)),
    }
}

fn set(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match index_below(cx.get(args[1]), usize::MAX) {
        Some(i) if List(args[0]).set(cx, i, args[2]) => Ok(args[0]),
        _ => Err(no_index(cx, "set!", args)),
    }
}

fn count(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let n = List(args[0]).len(cx);
    new_usize(cx, n)
}

fn clear(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    List(args[0]).clear(cx)?;
    Ok(args[0])
}

fn to_vec(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    List(args[0]).to_vector(cx)
}
