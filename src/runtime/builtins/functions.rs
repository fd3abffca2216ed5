//! Builtins that call functions, and atoms.

use super::Args;
use super::support::seqable;
use crate::builtins;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::{Word, layout};
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::values::equality::identical;
use crate::runtime::values::foreign;

builtins! { pub static TABLE: "core";
    /// Calls a function with the elements of a collection as arguments: `apply(max, [1, 2])` is `max(1, 2)`. Arguments may stand
    /// before the collection.
    "apply" (f: Any, args: rest(Any)) = apply;
    /// A place that holds a value and can be given another.
    /// `deref(atom(1))` is `1`.
    "atom" (value: Any) = |cx, args| cx.alloc_slots(layout::ATOM, &[args[0]]) => super::leaf_collections::atom;
    /// The value in an atom.
    /// `deref(atom(1))` is `1`.
    "deref" (atom: Atom) = |cx, args| Ok(cx.root(cx.get(args[0]).slot(layout::ATOM_VALUE)));
    /// Gives an atom another value; gives that value.
    /// `reset!(atom(1), 2)` is `2`.
    "reset!" (atom: Atom, value: Any) = reset => super::leaf_collections::reset;
    /// Gives an atom a new value if it still holds the very object `old`; says whether it did.
    /// `compare-and-swap!(atom(1), 1, 2)` is `true`.
    "compare-and-swap!" (atom: Atom, old: Any, new: Any) = compare_and_swap => super::leaf_collections::compare_and_swap;
}

/// Called from Rust; calls of the program jump to the function: see [`Builtin::ends_in_call`](super::Builtin::ends_in_call).
fn apply(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let list = spread(cx, args.all())?;
    cx.call(args[0], &list)
}

/// The arguments that `apply` with these arguments calls the first of them with.
pub fn spread(cx: &mut Thread, args: &[Handle]) -> Result<Vec<Handle>, Thrown> {
    let Some((_, before)) = args.get(1..).and_then(<[Handle]>::split_last) else {
        return Err(cx.throw(ErrorKind::ArityError, "apply: takes 2 or more arguments, got 1"));
    };
    let last = seqable(cx, "apply", &Args::new(args, 1), args.len() - 1)?;
    let mut list = before.to_vec();
    foreign::elements(cx, last, &mut list)?;
    Ok(list)
}

fn reset(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    cx.set_slot(cx.get(args[0]), layout::ATOM_VALUE, cx.get(args[1]));
    Ok(args[1])
}

fn compare_and_swap(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let done = swap_if_identical(cx, cx.get(args[0]), cx.get(args[1]), cx.get(args[2]));
    Ok(cx.root_word(Word::bool(done)))
}

/// Stores into an atom if it holds this very value.
pub fn swap_if_identical(cx: &Thread, atom: Value<'_>, old: Value<'_>, new: Value<'_>) -> bool {
    loop {
        let now = atom.slot(layout::ATOM_VALUE);
        if !identical(now, old) {
            return false;
        }
        if cx.compare_and_swap_slot(atom, layout::ATOM_VALUE, now, new) {
            return true;
        }
    }
}
