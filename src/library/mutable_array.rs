//! Builtins: the namespace `mutable-array`.

use crate::builtins;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::layout::{ARRAY, NODE};
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::builtin::Args;
use crate::runtime::values::collections::view::{Slots, copy_array};
use crate::runtime::values::collections::{array, vector};
use crate::runtime::values::equality::{TooDeep, equal};
use crate::runtime::values::leaves;
use crate::runtime::values::numbers::arith;
use crate::runtime::values::numbers::{new_int, new_usize};
use crate::runtime::values::support::{Outcome, bad_bounds, index_below, out_of_range};

builtins! { pub static TABLE: "mutable-array";
    /// An array of n elements, all `null` or `init`. `mutable-array/new-array(2, 0)` is `array[0, 0]`.
    "new-array" (n: Int, init: opt(Any)) = new_array => leaves::collections::new_array;
    /// An array of the arguments. `mutable-array/array-of(1, 2)` is `array[1, 2]`.
    "array-of" (values: rest(Any)) = array_of => leaves::collections::array_of;
    /// How many elements.
    /// `mutable-array/count(mutable-array/new-array(3))` is `3`.
    "count" (array: Array) = count;
    /// The element at an index, `default` when there is none.
    /// `mutable-array/get(mutable-array/array-of(1, 2), 1)` is `2`.
    "get" (array: Array, index: Int, default: opt(Any)) [Element { of: &[ARRAY], asked: true }, 2..=3] = get;
    /// The element at an index.
    /// `mutable-array/read-field(mutable-array/array-of(5, 6), 0)` is `5`.
    "read-field" (array: Array, index: Int) [Element { of: &[ARRAY], asked: true }, 2..=2] = get;
    /// Stores an element; gives the value.
    /// `mutable-array/write-field(mutable-array/array-of(5, 6), 0, 1)` is `1`.
    "write-field" (array: Array, index: Int, value: Any) [Store { of: &[ARRAY], gives: 2 }, 3..=3] = write_field;
    /// Exchanges two elements; gives the array.
    /// `mutable-array/swap(mutable-array/array-of(5, 6), 0, 1)` is `mutable-array/array-of(6, 5)`.
    "swap" (array: Array, i: Int, j: Int) [Swap, 3..=3] = swap;
    /// Stores a value everywhere; gives the array.
    /// `mutable-array/fill(mutable-array/new-array(2), 7)` is `mutable-array/array-of(7, 7)`.
    "fill" (array: Array, value: Any) = fill;
    /// A copy of an array.
    /// `mutable-array/copy-array(mutable-array/array-of(1, 2))` is `mutable-array/array-of(1, 2)`.
    "copy-array" (array: Array) = copy;
    /// Copies n elements of an array, from index `start` on, to the beginning of another; gives the other.
    /// `mutable-array/copy-range(mutable-array/array-of(1, 2, 3), mutable-array/new-array(2), 1, 2)` is `mutable-array/array-of(2, 3)`.
    "copy-range" (from: Array, to: Array, start: Int, n: Int) = copy_range;
    /// The index of the first element equal to a value, -1 when there is none.
    /// `mutable-array/index-of(mutable-array/array-of(5, 6), 6)` is `1`.
    "index-of" (array: Array, value: Any) = index_of;
    /// A vector of the elements.
    /// `mutable-array/to-vec(mutable-array/array-of(5, 6))` is `[5, 6]`.
    "to-vec" (array: Array) = to_vec;
}

/// The index argument `i`, which must be in range.
fn index(cx: &mut Thread, name: &str, args: &Args<'_>, i: usize) -> Result<usize, Thrown> {
    let len = Slots::of(cx.get(args[0])).len();
    match index_below(cx.get(args[i]), len) {
        Some(index) => Ok(index),
        None => Err(out_of_range(cx, name, args[i], "Array", len)),
    }
}

fn new_array(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let n = match cx.get(args[0]).as_int() {
        Some(n) if n >= 0 => n as usize,
        _ => {
            let message = format!("new-array: the length must not be negative or huge, got {}", cx.describe(args[0]));
            return Err(cx.throw(ErrorKind::ArgumentError, message));
        }
    };
    match args.opt(1) {
        Some(init) => cx.alloc_array(ARRAY, n, init),
        None => array::new(cx, n),
    }
}

fn array_of(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    cx.alloc_array_of(ARRAY, args.all())
}

fn count(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let n = Slots::of(cx.get(args[0])).len();
    new_usize(cx, n)
}

fn get(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let slots = Slots::of(cx.get(args[0]));
    match (index_below(cx.get(args[1]), slots.len()), args.opt(2)) {
        (Some(i), _) => Ok(cx.root(slots.get(i))),
        (None, Some(default)) => Ok(default),
        (None, None) => {
            let len = slots.len();
            Err(out_of_range(cx, "get", args[1], "Array", len))
        }
    }
}

fn write_field(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let i = index(cx, "write-field", args, 1)?;
    array::set(cx, cx.get(args[0]), i, cx.get(args[2]));
    Ok(args[2])
}

fn swap(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let (i, j) = (index(cx, "swap", args, 1)?, index(cx, "swap", args, 2)?);
    let array = cx.get(args[0]);
    let (a, b) = (Slots::of(array).get(i), Slots::of(array).get(j));
    array::set(cx, array, i, b);
    array::set(cx, array, j, a);
    Ok(args[0])
}

fn fill(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let (array, value) = (cx.get(args[0]), cx.get(args[1]));
    for i in 0..Slots::of(array).len() {
        array::set(cx, array, i, value);
    }
    Ok(args[0])
}

fn copy(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let n = Slots::of(cx.get(args[0])).len();
    copy_array(cx, ARRAY, args[0], 0, n)
}

fn copy_range(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let (len, room) = (Slots::of(cx.get(args[0])).len(), Slots::of(cx.get(args[1])).len());
    let (start, n) = (index_below(cx.get(args[2]), len + 1), index_below(cx.get(args[3]), room + 1));
    match (start, n) {
        (Some(start), Some(n)) if n <= len - start => {
            let (from, to) = (Slots::of(cx.get(args[0])), cx.get(args[1]));
            // The target index is never behind the source index: going upwards is right for one array, too.
            for i in 0..n {
                array::set(cx, to, i, from.get(start + i));
            }
            Ok(args[1])
        }
        _ => Err(range_error(cx, args, len)),
    }
}

#[cold]
fn range_error(cx: &mut Thread, args: &Args<'_>, len: usize) -> Thrown {
    let end: Result<Handle, Thrown> = arith::arith(cx, arith::Op::Add, args[2], args[3]);
    match end {
        Ok(end) => bad_bounds(cx, "copy-range", args[2], end, "Array", len),
        Err(thrown) => thrown,
    }
}

fn index_of(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let found = position(cx.get(args[0]), cx.get(args[1])).map_err(|deep| deep.throw(cx))?;
    new_int(cx, found.map_or(-1, |i| i as i64))
}

fn position(array: Value<'_>, wanted: Value<'_>) -> Result<Option<usize>, TooDeep> {
    for (i, value) in Slots::of(array).iter().enumerate() {
        if equal(value, wanted)? {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

fn to_vec(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let n = Slots::of(cx.get(args[0])).len();
    let node = copy_array(cx, NODE, args[0], 0, n)?;
    vector::from_array(cx, node, n)
}
