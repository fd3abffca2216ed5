//! Builtins: the namespace `mutable-set`.

use super::mutable_map::{clear, contains, count, remove};
use crate::builtins;
use crate::gc::Thread;
use crate::runtime::program::builtin::Args;
use crate::runtime::values::collections::{mutable, set};
use crate::runtime::values::leaves;
use crate::runtime::values::support::Outcome;

builtins! { pub static TABLE: "mutable-set";
    /// A new set.
    /// `mutable-set/count(mutable-set/new())` is `0`.
    "new" () = new => leaves::maps::new_set;
    /// Adds a member, unless an equal one is there; gives the set.
    /// `mutable-set/to-set(mutable-set/add!(mutable-set/new(), 1))` is `#{1}`.
    "add!" (set: MutableSet, member: Any) = add => leaves::maps::mutable_add;
    /// Takes a member away; gives the set.
    /// `mutable-set/count(mutable-set/remove!(mutable-set/add!(mutable-set/new(), 1), 1))` is `0`.
    "remove!" (set: MutableSet, member: Any) = remove;
    /// Is it a member?
    /// `mutable-set/contains?(mutable-set/add!(mutable-set/new(), 1), 1)` is `true`.
    "contains?" (set: MutableSet, member: Any) = contains => leaves::collections::members_contain;
    /// How many members.
    /// `mutable-set/count(mutable-set/add!(mutable-set/new(), 1))` is `1`.
    "count" (set: MutableSet) = count => leaves::collections::member_count;
    /// Takes all members away; gives the set.
    /// `mutable-set/count(mutable-set/clear!(mutable-set/add!(mutable-set/new(), 1)))` is `0`.
    "clear!" (set: MutableSet) = clear;
    /// A persistent set of the members.
    /// `mutable-set/to-set(mutable-set/add!(mutable-set/new(), 1))` is `#{1}`.
    "to-set" (set: MutableSet) = to_set;
}

fn new(cx: &mut Thread, _args: &Args<'_>) -> Outcome {
    mutable::new_set(cx)
}

fn add(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    mutable::add(cx, args[0], args[1])?;
    Ok(args[0])
}

fn to_set(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let map = mutable::to_map(cx, args[0])?;
    set::from_map(cx, map)
}
