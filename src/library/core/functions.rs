//! Builtins that call functions, and atoms.

use std::sync::atomic::Ordering;

use crate::builtins;
use crate::gc::{Handle, Thread, Thrown};
use crate::object::{Word, layout};
use crate::runtime::program::builtin::Args;
use crate::runtime::program::code::Code;
use crate::runtime::program::entry::code_of;
use crate::runtime::values::collections::marks;
use crate::runtime::values::equality::swap_if_identical;
use crate::runtime::values::leaves;
use crate::runtime::values::support::spread;

builtins! { pub static TABLE: "core";
    /// Calls a function with the elements of a collection as arguments: `apply(max, [1, 2])` is `max(1, 2)`. Arguments may stand
    /// before the collection.
    "apply" (f: Any, args: rest(Any)) [Apply, 2..=3] = apply;
    /// A place that holds a value and can be given another.
    /// `deref(atom(1))` is `1`.
    "atom" (value: Any) = |cx, args| cx.alloc_slots(layout::ATOM, &[args[0]]) => leaves::collections::atom;
    /// The value in an atom.
    /// `deref(atom(1))` is `1`.
    "deref" (atom: Atom) [Deref, 1..=1] = |cx, args| Ok(cx.root(cx.get(args[0]).slot(layout::ATOM_VALUE)));
    /// Gives an atom another value; gives that value.
    /// `reset!(atom(1), 2)` is `2`.
    "reset!" (atom: Atom, value: Any) = reset => leaves::collections::reset;
    /// Gives an atom a new value if it still holds the very object `old`; says whether it did.
    /// `compare-and-swap!(atom(1), 1, 2)` is `true`.
    "compare-and-swap!" (atom: Atom, old: Any, new: Any) = compare_and_swap => leaves::collections::compare_and_swap;
    /// What a fold has come to, so that `f` may change it in place, if it goes on with its first argument alone
    /// (`codegen/accumulators.rs`); it is nobody's but the fold's until `_frozen` gives it.
    "_accumulator" (f: Any, coll: Any) = accumulator;
    /// A collection that changes no more.
    "_frozen" (coll: Any) = |cx, args| {
        marks::freeze(cx, cx.get(args[0]));
        Ok(args[0])
    };
}

fn accumulator(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let code = code_of(cx.get(args[0]));
    let takes_marked = |code: &Code| code.exact(2).is_some_and(|arity| arity.takes_marked.load(Ordering::Acquire));
    if code.is_some_and(takes_marked) { marks::marked_copy(cx, args[1]) } else { Ok(args[1]) }
}

/// Called from Rust; calls of the program jump to the function: see [`Builtin::ends_in_call`](super::Builtin::ends_in_call).
fn apply(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let list = spread(cx, args.all())?;
    cx.call(args[0], &list)
}

fn reset(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    cx.set_slot(cx.get(args[0]), layout::ATOM_VALUE, cx.get(args[1]));
    Ok(args[1])
}

fn compare_and_swap(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let done = swap_if_identical(cx, cx.get(args[0]), cx.get(args[1]), cx.get(args[2]));
    Ok(cx.root_word(Word::bool(done)))
}
