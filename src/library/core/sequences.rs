//! Builtins: sequence functions that take no function, ranges, sorting of plain values, builders of vectors.

use crate::mutations::{Mutation, mutated};
use crate::runtime::values::numbers;
use std::cmp::Ordering;

use dashu_int::IBig;

use crate::builtins;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::layout;
use crate::runtime::fault::advice;
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::builtin::Args;
use crate::runtime::program::methods::Method;
use crate::runtime::system::threads;
use crate::runtime::values::collections::{List, builder, map, vector};
use crate::runtime::values::compare::{self, natural};
use crate::runtime::values::equality::equal;
use crate::runtime::values::hashing;
use crate::runtime::values::iterate::{self, Items};
use crate::runtime::values::leaves;
use crate::runtime::values::numbers::{Number, new_int, new_usize};
use crate::runtime::values::operators;
use crate::runtime::values::ranges::Range;
use crate::runtime::values::sequences;
use crate::runtime::values::support::{
    Outcome, bad_bounds, count, index_below, is_seqable, no_collection, null, out_of_range, seqable, type_name,
};
use crate::runtime::values::text::room;
use leaves::collections::Few;

builtins! { pub static TABLE: "core";
    /// The first n elements, or all when there are fewer. `take(2, [1, 2, 3])` is `[1, 2]`.
    "take" (n: Int, coll: Seqable) = take => leaves::collections::take;
    /// All elements but the first n. `drop(2, [1, 2, 3])` is `[3]`.
    "drop" (n: Int, coll: Seqable) [DropFirst, 2..=2] = drop_first => leaves::collections::drop;
    /// `[take(n, coll), drop(n, coll)]`. `split-at(1, [1, 2, 3])` is `[[1], [2, 3]]`.
    "split-at" (n: Int, coll: Seqable) = split_at;
    /// The elements from index `from` up to but not including `to`. `slice([1, 2, 3], 0, 2)` is `[1, 2]`.
    "slice" (coll: Seqable, from: Int, to: Int) = slice => leaves::collections::slice;
    /// The elements from index `from` up to but not including `to`, or up to the end. `subvec([1, 2, 3], 1)` is `[2, 3]`.
    "subvec" (coll: Seqable, from: Int, to: opt(Int)) = subvec => leaves::collections::slice;
    /// The elements but the one at an index. `remove-at([1, 2, 3], 1)` is `[1, 3]`.
    "remove-at" (coll: Seqable, index: Int) = remove_at;
    /// Pairs `[index, element]`. `enumerate(["x"])` is `[[0, "x"]]`.
    "enumerate" (coll: Seqable) = enumerate => leaves::collections::enumerate;
    /// Opens the elements that are sequences, one level. `flatten([[1], [2, [3]]])` is `[1, 2, [3]]`.
    "flatten" (coll: Seqable) = flatten;
    /// The elements of all collections. `concat([1], [2, 3])` is `[1, 2, 3]`.
    "concat" (colls: rest(Seqable)) = concat => leaves::collections::concat;
    /// Vectors of the elements side by side, as far as the shortest goes. `zip([1, 2], [:a, :b])` is `[[1, :a], [2, :b]]`.
    "zip" (a: Seqable, b: Seqable, more: rest(Seqable)) = zip => leaves::collections::zip;
    /// The elements in turn, as far as the shortest goes. `interleave([1, 2], [:a, :b])` is `[1, :a, 2, :b]`.
    "interleave" (a: Seqable, b: Seqable, more: rest(Seqable)) = interleave;
    /// The elements with a separator between them. `interpose(0, [1, 2])` is `[1, 0, 2]`.
    "interpose" (separator: Any, coll: Seqable) = interpose;
    /// The elements from the last to the first. `reverse([1, 2])` is `[2, 1]`.
    "reverse" (coll: Seqable) -> VECTOR = reverse => leaves::collections::reverse;
    /// The elements without those seen before. `distinct([1, 2, 1])` is `[1, 2]`.
    "distinct" (coll: Seqable) = distinct => leaves::collections::distinct;
    /// The elements without those equal to the one before. `dedupe([1, 1, 2, 1])` is `[1, 2, 1]`.
    "dedupe" (coll: Seqable) = dedupe;
    /// Vectors of n elements, the last of what is left. `partition(2, [1, 2, 3])` is `[[1, 2], [3]]`.
    "partition" (n: Int, coll: Seqable) = partition => leaves::collections::partition;
    /// A vector of the elements. `vec("ab")` is `["a", "b"]`.
    "vec" (coll: Seqable) -> VECTOR = vec => leaves::collections::vec;
    /// The Ints from a up to but not including b; with one argument those from 0 up to but not including it.
    /// `vec(range(1, 4))` is `[1, 2, 3]`, `vec(range(3))` is `[0, 1, 2]`.
    "range" (a: Int, b: opt(Int)) = range, quiet => leaves::collections::range;
    /// The Ints from a, in steps, as long as they have not reached b. `vec(range-step(0, 10, 5))` is `[0, 5]`.
    "range-step" (a: Int, b: Int, step: Int) = range_step => leaves::collections::range;
    /// A vector of n times the value. `repeat(:a, 2)` is `[:a, :a]`.
    "repeat" (value: Any, n: Int) = repeat => leaves::collections::repeat;
    /// The least element, the first of several; `null` for none. `min-of([3, 1])` is `1`.
    "min-of" (coll: Seqable) = min_of => leaves::collections::min_of;
    /// The greatest element, the first of several; `null` for none. `max-of([3, 1])` is `3`.
    "max-of" (coll: Seqable) = max_of => leaves::collections::max_of;
    /// -1, 0 or 1: a is less than b, equal, greater. `compare(1, 2)` is `-1`.
    "compare" (a: Any, b: Any) = compare_values => leaves::collections::compared;
    /// Negative, 0 or positive: self is less, equal or greater. `compare-to(1, 2)` is `-1`.
    "compare-to" (self_: Any, other: Any) = compare_values => leaves::collections::compared;
    /// A new builder of a vector, for the library.
    "_vector-builder" () = |cx, _| builder::new(cx), quiet;
    /// Adds a value to a builder.
    "_builder-push!" (builder: Any, value: Any) = |cx, args| operators::builder_push(cx, args[0], args[1]), quiet;
    /// The vector of a builder, which is empty afterwards.
    "_builder-done" (builder: Any) = |cx, args| operators::builder_done(cx, args[0]), quiet;
    /// Throws the TypeError of an argument, for the library.
    "_type-error" (who: String, position: Int, expected: String, value: Any) = type_error;
    /// Gives the collection when it is seqable, else throws the TypeError, for the library.
    "_check-seqable" (coll: Any, who: String, position: Int) = check_seqable => leaves::collections::check_seqable;
    /// The same for who keeps something for each element: OutOfMemory when there are more than memory can hold.
    "_check-room" (coll: Any, who: String, position: Int) = check_room => leaves::collections::check_room;
    /// Gives what a function of the program gave when it is seqable, else throws the TypeError, for the library.
    "_check-given" (coll: Any, who: String) = check_given => leaves::collections::check_seqable;
    /// The elements in order when all are numbers, all Strings or all keywords; else `null`.
    "_sort" (coll: Seqable) = sort => sort_few;
    /// The items in the order of their keys when these are all numbers, all Strings or all keywords; else `null`.
    "_sort-by-keys" (items: Vector, keys: Vector) = sort_by_keys;
}

fn take(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "take", args, 1)?;
    let n = count(cx, args[0]);
    if cx.get(coll).is(layout::VECTOR) {
        let len = vector::len(cx.get(coll));
        return vector::slice(cx, coll, 0, n.min(len));
    }
    if cx.get(coll).is(layout::MUTABLE_LIST) {
        return List(coll).part(cx, 0, n);
    }
    cx.expect_words(sequences::length(cx.get(coll)).map_or(0, |len| len.min(n)))?;
    let list = List::new(cx, 0)?;
    if n > 0 {
        let mut items = Items::of(cx, coll)?;
        let mut left = n;
        while let Some(item) = items.next(cx)? {
            list.push(cx, item)?;
            left -= 1;
            // What comes after is not asked for.
            if left == 0 {
                break;
            }
        }
    }
    list.finish(cx)
}

fn drop_first(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "drop", args, 1)?;
    let n = count(cx, args[0]);
    if n == usize::MAX
        && cx.get(coll).is(layout::RANGE)
        && let Some(n) = Number::of(cx.get(args[0])).and_then(Number::to_big)
    {
        return range_without_first(cx, coll, n);
    }
    without_first(cx, coll, n)
}

/// The Ints of a Range but the first ones.
fn range_without_first(cx: &mut Thread, coll: Handle, n: IBig) -> Outcome {
    let range = Range::of(cx.get(coll));
    let count = range.count();
    let start = n.min(count.clone());
    cx.expect_words(usize::try_from(&count - &start).unwrap_or(usize::MAX))?;
    let part = range.part(cx, &start, &count)?;
    iterate::to_vector(cx, part)
}

/// The elements of anything seqable but the first ones.
pub fn without_first(cx: &mut Thread, coll: Handle, n: usize) -> Outcome {
    if cx.get(coll).is(layout::VECTOR) {
        let len = vector::len(cx.get(coll));
        return vector::slice(cx, coll, n.min(len), len);
    }
    if cx.get(coll).is(layout::MUTABLE_LIST) {
        return List(coll).part(cx, n, usize::MAX);
    }
    if cx.get(coll).is(layout::RANGE) {
        // The place of what is left may be more than a cursor can say.
        return range_without_first(cx, coll, IBig::from(n));
    }
    let left = sequences::length(cx.get(coll)).map_or(0, |len| len.saturating_sub(n));
    cx.expect_words(left)?;
    let list = List::new(cx, 0)?;
    let mut items = Items::of(cx, coll)?;
    if items.skip(cx, n)? {
        while let Some(item) = items.next(cx)? {
            list.push(cx, item)?;
        }
    }
    list.finish(cx)
}

fn split_at(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "split-at", args, 1)?;
    let vector = iterate::to_vector(cx, coll)?;
    let len = vector::len(cx.get(vector));
    let n = count(cx, args[0]).min(len);
    let parts = [vector::slice(cx, vector, 0, n)?, vector::slice(cx, vector, n, len)?];
    vector::of(cx, &parts)
}

fn slice(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    part(cx, "slice", args, Some(args[2]))
}

fn subvec(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    part(cx, "subvec", args, args.opt(2))
}

/// The elements of argument 0 from the index that is argument 1 up to another, or up to the end.
fn part(cx: &mut Thread, name: &str, args: &Args<'_>, to: Option<Handle>) -> Outcome {
    let coll = seqable(cx, name, args, 0)?;
    let coll = if mutated(Mutation::SliceTakesAll) { iterate::to_vector(cx, coll)? } else { coll };
    match cx.get(coll).layout() {
        layout::VECTOR => part_of_vector(cx, name, coll, args[1], to),
        layout::RANGE => part_of_range(cx, name, coll, args[1], to),
        _ => part_of_items(cx, name, coll, args[1], to),
    }
}

fn part_of_vector(cx: &mut Thread, name: &str, vector: Handle, from: Handle, to: Option<Handle>) -> Outcome {
    let len = vector::len(cx.get(vector));
    let bound = |h: Handle| index_below(cx.get(h), len + 1);
    match (bound(from), to.map_or(Some(len), bound)) {
        (Some(start), Some(end)) if start <= end => vector::slice(cx, vector, start, end),
        _ => Err(bad_part(cx, name, (from, to), "Vector", len)),
    }
}

/// The Ints of a range between two bounds of any size.
fn part_of_range(cx: &mut Thread, name: &str, coll: Handle, from: Handle, to: Option<Handle>) -> Outcome {
    let range = Range::of(cx.get(coll));
    let count = range.count();
    let bound = |h: Handle| Number::of(cx.get(h)).and_then(Number::to_big).unwrap_or_default();
    let (start, end) = (bound(from), to.map_or_else(|| count.clone(), bound));
    if start < IBig::ZERO || start > end || end > count {
        return Err(bad_part(cx, name, (from, to), "Range", count));
    }
    let part = range.part(cx, &start, &end)?;
    iterate::to_vector(cx, part)
}

/// The elements of anything seqable between two bounds. Goes as far as the end, and no further.
fn part_of_items(cx: &mut Thread, name: &str, coll: Handle, from: Handle, to: Option<Handle>) -> Outcome {
    let known = sequences::length(cx.get(coll));
    let limit = known.map_or(usize::MAX, |len| len + 1);
    let what = type_name(cx.get(coll));
    let bound = |h: Handle| index_below(cx.get(h), limit);
    let (start, end) = match (bound(from), to.map_or(Some(usize::MAX), bound)) {
        (Some(start), Some(end)) if start <= end => (start, end),
        _ => {
            return Err(match known {
                Some(len) => bad_part(cx, name, (from, to), what, len),
                None => {
                    let from = cx.describe(from);
                    let to = to.map_or_else(|| "the end".into(), |to| cx.describe(to));
                    cx.throw(ErrorKind::IndexError, format!("{name}: there is nothing from {from} to {to}"))
                }
            });
        }
    };
    if cx.get(coll).is(layout::MUTABLE_LIST) {
        return List(coll).part(cx, start, end);
    }
    let list = List::new(cx, 0)?;
    if start == end {
        // Nothing is wanted, so nothing is asked for: of what does not know its length, it is not found out how far it goes.
        return list.finish(cx);
    }
    let mut items = Items::of(cx, coll)?;
    let mut seen = 0;
    if known.is_some() && items.skip(cx, start)? {
        seen = start;
    }
    while seen < end {
        let Some(item) = items.next(cx)? else { break };
        if seen >= start {
            list.push(cx, item)?;
        }
        seen += 1;
    }
    if seen < start || seen < end && to.is_some() {
        return Err(bad_part(cx, name, (from, to), what, seen));
    }
    list.finish(cx)
}

/// The error of bounds that do not fit what has so many elements.
fn bad_part(
    cx: &mut Thread,
    name: &str,
    (from, to): (Handle, Option<Handle>),
    what: &str,
    len: impl std::fmt::Display,
) -> Thrown {
    match to {
        Some(to) => bad_bounds(cx, name, from, to, what, len),
        None => out_of_range(cx, name, from, what, len),
    }
}

fn remove_at(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "remove-at", args, 0)?;
    let vector = iterate::to_vector(cx, coll)?;
    let len = vector::len(cx.get(vector));
    let Some(i) = index_below(cx.get(args[1]), len) else {
        return Err(out_of_range(cx, "remove-at", args[1], "Vector", len));
    };
    let fill = null(cx)?;
    let node = cx.alloc_array(layout::NODE, len - 1, fill)?;
    vector::copy_range(cx, vector, 0, i, node, 0);
    vector::copy_range(cx, vector, i + 1, len, node, i);
    vector::from_array(cx, node, len - 1)
}

fn enumerate(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "enumerate", args, 0)?;
    if cx.get(coll).is(layout::VECTOR) {
        return pairs(cx, None, coll);
    }
    if cx.get(coll).str().is_some() {
        let characters = iterate::to_vector(cx, coll)?;
        return pairs(cx, None, characters);
    }
    iterate::expect_room(cx, coll)?;
    let list = List::new(cx, 0)?;
    let mut items = Items::of(cx, coll)?;
    let mut i = 0;
    while let Some(item) = items.next(cx)? {
        let index = new_int(cx, i)?;
        let pair = vector::of(cx, &[index, item])?;
        list.push(cx, pair)?;
        i += 1;
    }
    list.finish(cx)
}

/// Adds all elements of a collection to a list.
fn push_all(cx: &mut Thread, list: List, coll: Handle) -> Result<(), Thrown> {
    iterate::expect_room(cx, coll)?;
    let mut items = Items::of(cx, coll)?;
    while let Some(item) = items.next(cx)? {
        list.push(cx, item)?;
    }
    Ok(())
}

fn flatten(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "flatten", args, 0)?;
    let list = List::new(cx, 0)?;
    let mut items = Items::of(cx, coll)?;
    while let Some(item) = items.next(cx)? {
        // Strings and maps are values of their own here.
        let value = cx.get(item);
        let open = !matches!(
            value.layout(),
            layout::STRING | layout::STRING_PREFIX | layout::MAP | layout::MUTABLE_MAP | layout::NULL
        ) && is_seqable(value);
        if open {
            push_all(cx, list, item)?;
        } else {
            list.push(cx, item)?;
        }
    }
    list.finish(cx)
}

fn concat(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    if let [a, b] = *args.all()
        && cx.get(a).is(layout::VECTOR)
        && cx.get(b).is(layout::VECTOR)
    {
        return vector::concat(cx, a, b);
    }
    let list = List::new(cx, 0)?;
    for i in 0..args.len() {
        let coll = seqable(cx, "concat", args, i)?;
        let mark = cx.mark();
        push_all(cx, list, coll)?;
        cx.release(mark);
    }
    list.finish(cx)
}

/// Goes through collections side by side; `f` gets a row of elements at a time.
fn rows(
    cx: &mut Thread,
    name: &str,
    args: &Args<'_>,
    mut f: impl FnMut(&mut Thread, &[Handle]) -> Result<(), Thrown>,
) -> Result<(), Thrown> {
    // As many rows as the shortest has elements, if all of them say how many that are.
    let lengths: Option<Vec<usize>> = args.all().iter().map(|&coll| sequences::length(cx.get(coll))).collect();
    cx.expect_words(lengths.and_then(|lengths| lengths.into_iter().min()).unwrap_or(0))?;
    let colls = (0..args.len()).map(|i| seqable(cx, name, args, i)).collect::<Result<Vec<_>, _>>()?;
    let mut all = Vec::with_capacity(args.len());
    let mut row = Vec::with_capacity(args.len());
    // Where one has nothing, those behind it are not even asked whether they have something.
    for coll in colls {
        let mut items = Items::of(cx, coll)?;
        let Some(item) = items.next_kept(cx)? else { return Ok(()) };
        row.push(item);
        all.push(items);
    }
    let mark = cx.mark();
    loop {
        f(cx, &row)?;
        row.clear();
        cx.release(mark);
        for items in &mut all {
            match items.next_kept(cx)? {
                Some(item) => row.push(item),
                None => return Ok(()),
            }
        }
    }
}

/// The vector of `[a, b]` of two vectors side by side; of the indices and a vector, when there is one only.
fn pairs(cx: &mut Thread, a: Option<Handle>, b: Handle) -> Outcome {
    let n = vector::len(cx.get(b)).min(a.map_or(usize::MAX, |a| vector::len(cx.get(a))));
    let list = List::new(cx, n)?;
    let mut made = 0;
    loop {
        let still: &Thread = cx;
        let pair = |x, y| leaves::collections::vector_of(still, &[x, y]);
        let ys = vector::iter_from(still.get(b), made);
        made += match a {
            Some(a) => list.fill(still, vector::iter_from(still.get(a), made).zip(ys).map_while(|(x, y)| pair(x, y))),
            None => list.fill(still, (made..).zip(ys).map_while(|(i, y)| pair(leaves::count(still, i)?, y))),
        };
        if made >= n {
            return list.finish(cx);
        }
        // The allocation buffer has no room for the next one.
        threads::glance(cx)?;
        let mark = cx.mark();
        let x = match a {
            Some(a) => vector::get(cx.get(a), made).map(|x| cx.root(x)),
            None => Some(new_usize(cx, made)?),
        };
        let y = vector::get(cx.get(b), made).map(|y| cx.root(y));
        let row: Vec<Handle> = x.into_iter().chain(y).collect();
        let row = vector::of(cx, &row)?;
        list.push(cx, row)?;
        cx.release(mark);
        made += 1;
    }
}

fn zip(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    if let [a, b] = *args.all()
        && cx.get(a).is(layout::VECTOR)
        && cx.get(b).is(layout::VECTOR)
    {
        return pairs(cx, Some(a), b);
    }
    let list = List::new(cx, 0)?;
    rows(cx, "zip", args, |cx, row| {
        let row = vector::of(cx, row)?;
        list.push(cx, row)
    })?;
    list.finish(cx)
}

fn interleave(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let list = List::new(cx, 0)?;
    rows(cx, "interleave", args, |cx, row| row.iter().try_for_each(|&item| list.push(cx, item)))?;
    list.finish(cx)
}

fn interpose(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "interpose", args, 1)?;
    iterate::expect_room(cx, coll)?;
    let list = List::new(cx, 0)?;
    let mut items = Items::of(cx, coll)?;
    while let Some(item) = items.next(cx)? {
        if !list.is_empty(cx) {
            list.push(cx, args[0])?;
        }
        list.push(cx, item)?;
    }
    list.finish(cx)
}

fn reverse(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "reverse", args, 0)?;
    let list = iterate::to_list(cx, coll)?;
    let (node, n) = List::view(cx.get(list.0));
    for i in 0..n / 2 {
        let (a, b) = (node.get(i), node.get(n - 1 - i));
        cx.set_slot(node.object(), layout::ARRAY_ELEMENTS + i, b);
        cx.set_slot(node.object(), n - i, a);
    }
    list.finish(cx)
}

fn distinct(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "distinct", args, 0)?;
    iterate::expect_room(cx, coll)?;
    let list = List::new(cx, 0)?;
    let seen = map::Builder::new(cx)?;
    let mut items = Items::of(cx, coll)?;
    while let Some(item) = items.next(cx)? {
        hashing::prepare(cx, item)?;
        match map::find(cx.get(seen.map()), cx.get(item)) {
            Ok(Some(_)) => {}
            Ok(None) => {
                seen.put(cx, item, item)?;
                list.push(cx, item)?;
            }
            Err(deep) => return Err(deep.throw(cx)),
        }
    }
    list.finish(cx)
}

fn dedupe(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "dedupe", args, 0)?;
    iterate::expect_room(cx, coll)?;
    let list = List::new(cx, 0)?;
    let mut items = Items::of(cx, coll)?;
    while let Some(item) = items.next(cx)? {
        let (slots, n) = List::view(cx.get(list.0));
        let same = match n.checked_sub(1) {
            Some(last) => equal(slots.get(last), cx.get(item)),
            None => Ok(false),
        };
        match same {
            Ok(true) => {}
            Ok(false) => list.push(cx, item)?,
            Err(deep) => return Err(deep.throw(cx)),
        }
    }
    list.finish(cx)
}

fn partition(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "partition", args, 1)?;
    let n = count(cx, args[0]);
    if n == 0 {
        let message = format!("partition: argument 1 must be positive, got {}", cx.describe(args[0]));
        return Err(cx.throw(ErrorKind::ArgumentError, message));
    }
    iterate::expect_room(cx, coll)?;
    let list = List::new(cx, 0)?;
    let part = List::new(cx, 0)?;
    let mut items = Items::of(cx, coll)?;
    while let Some(item) = items.next(cx)? {
        part.push(cx, item)?;
        if part.len(cx) == n {
            let vector = part.finish(cx)?;
            list.push(cx, vector)?;
        }
    }
    if !part.is_empty(cx) {
        let vector = part.finish(cx)?;
        list.push(cx, vector)?;
    }
    list.finish(cx)
}

fn vec(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "vec", args, 0)?;
    iterate::to_vector(cx, coll)
}

fn range(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let one = new_int(cx, 1)?;
    let (from, to) = match args.opt(1) {
        Some(to) => (args[0], to),
        None => (new_int(cx, 0)?, args[0]),
    };
    if mutated(Mutation::RangesOfWords) && [from, to].iter().any(|bound| cx.get(*bound).as_int().is_none()) {
        return Err(cx.throw(ErrorKind::ArgumentError, "range: the bounds must fit 61 bits"));
    }
    cx.alloc_slots(layout::RANGE, &[from, to, one])
}

fn range_step(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    if cx.get(args[2]).as_int() == Some(0) {
        return Err(cx.throw(ErrorKind::ArgumentError, "range-step: the step must not be 0"));
    }
    cx.alloc_slots(layout::RANGE, &[args[0], args[1], args[2]])
}

fn repeat(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let n = count(cx, args[1]);
    let node = cx.alloc_array(layout::NODE, n, args[0])?;
    vector::from_array(cx, node, n)
}

fn extreme(cx: &mut Thread, name: &str, args: &Args<'_>, wanted: Ordering) -> Outcome {
    let coll = seqable(cx, name, args, 0)?;
    let best = null(cx)?;
    let mut items = Items::of(cx, coll)?;
    let mut any = false;
    while let Some(item) = items.next(cx)? {
        if !any || compare::compare(cx, item, best)? == wanted {
            cx.set(best, cx.get(item));
            any = true;
        }
    }
    Ok(best)
}

fn min_of(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    extreme(cx, "min-of", args, Ordering::Less)
}

fn max_of(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    extreme(cx, "max-of", args, Ordering::Greater)
}

fn compare_values(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let order = compare::compare(cx, args[0], args[1])?;
    new_int(cx, order as i64)
}

fn type_error(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let who = crate::runtime::values::support::text(cx, args, 0).to_owned();
    let expected = crate::runtime::values::support::text(cx, args, 2).to_owned();
    let position = count(cx, args[1]);
    let help = advice::library_argument(cx, &who, position, &expected, args[3]);
    Err(crate::runtime::values::support::argument_error(cx, &who, position, &expected, args[3], &help))
}

fn check_seqable(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    if is_seqable(cx.get(args[0])) {
        return Ok(args[0]);
    }
    let who = crate::runtime::values::support::text(cx, args, 1).to_owned();
    let position = count(cx, args[2]);
    Err(no_collection(cx, &who, position, args[0]))
}

fn check_room(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = check_seqable(cx, args)?;
    iterate::expect_room(cx, coll)?;
    Ok(coll)
}

fn check_given(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    if is_seqable(cx.get(args[0])) {
        return Ok(args[0]);
    }
    let who = crate::runtime::values::support::text(cx, args, 1).to_owned();
    let message = format!("{who}: the function must give a collection, it gave {}", cx.describe(args[0]));
    Err(cx.throw(ErrorKind::TypeError, message))
}

/// What kind of plain value it is, as far as sorting is concerned.
fn sort_kind(value: Value<'_>) -> u8 {
    let kind = if numbers::is_number(value) {
        1
    } else if value.str().is_some() {
        2
    } else if value.as_keyword().is_some() {
        3
    } else {
        0
    };
    if kind > 1 && Method::CompareTo.is_extended(value) { 0 } else { kind }
}

/// Is it a vector that is ordered element by element?
fn is_tuple(value: Value<'_>) -> bool {
    value.is(layout::VECTOR) && !Method::CompareTo.is_extended(value)
}

/// The order of two plain values of one kind, NaN behind all other numbers, or of two vectors of such.
fn plain_order(a: Value<'_>, b: Value<'_>) -> Ordering {
    if let (Some(x), Some(y)) = (a.as_int(), b.as_int()) {
        return x.cmp(&y);
    }
    if a.is(layout::VECTOR) {
        let differs = vector::iter(a).zip(vector::iter(b)).map(|(x, y)| plain_order(x, y)).find(|order| order.is_ne());
        return differs.unwrap_or_else(|| vector::len(a).cmp(&vector::len(b)));
    }
    match natural(a, b) {
        Some(Some(order)) => order,
        _ => {
            let is_nan = |v: Value<'_>| v.as_float().is_some_and(f64::is_nan);
            is_nan(a).cmp(&is_nan(b))
        }
    }
}

/// Are all of one sortable kind, or vectors with elements of one sortable kind at each index?
fn sortable<'h>(values: impl Iterator<Item = Value<'h>>) -> bool {
    let mut values = values.peekable();
    let Some(first) = values.peek().copied() else { return true };
    if !is_tuple(first) {
        let kind = sort_kind(first);
        return kind != 0 && values.all(|v| sort_kind(v) == kind);
    }
    let mut kinds: Vec<u8> = Vec::new();
    let mut fits = |i: usize, element: Value<'_>| {
        let kind = sort_kind(element);
        if i == kinds.len() {
            kinds.push(kind);
        }
        kind != 0 && kinds[i] == kind
    };
    values.all(|v| is_tuple(v) && vector::iter(v).enumerate().all(|(i, element)| fits(i, element)))
}

/// Sorts by what is plain in each item; false when the interrupt key was pressed meanwhile: then it is left in any order.
fn sorted<'h, T>(cx: &Thread, items: &mut [T], plain: impl Fn(&T) -> Value<'h>) -> bool {
    struct Stopped;
    let order = |a: &T, b: &T| {
        if cx.is_interrupted() {
            // The sort of the standard library ends in no other way.
            std::panic::resume_unwind(Box::new(Stopped));
        }
        plain_order(plain(a), plain(b))
    };
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| items.sort_by(order))) {
        Ok(()) => true,
        Err(payload) if payload.is::<Stopped>() => false,
        Err(other) => std::panic::resume_unwind(other),
    }
}

/// The items, up to where the interrupt key was pressed: what goes through many asks afterwards whether it was.
fn attentive<T>(cx: &Thread, items: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    items.enumerate().take_while(|(i, _)| i % 4096 != 0 || !cx.is_interrupted()).map(|(_, item)| item)
}

/// What the interrupt key throws.
fn interrupted(cx: &mut Thread) -> Thrown {
    cx.take_interrupt();
    cx.throw_interrupt()
}

fn sort(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let coll = seqable(cx, "sort", args, 0)?;
    let list = iterate::to_list(cx, coll)?;
    let n = List::view(cx.get(list.0)).1;
    // The values, and half of them once more where runs are merged.
    let _claim = room::claim(cx, "what is sorted", 12 * n)?;
    {
        let (slots, n) = List::view(cx.get(list.0));
        if !sortable(attentive(cx, slots.iter().take(n))) {
            return null(cx);
        }
        let mut values: Vec<Value<'_>> = attentive(cx, slots.iter().take(n)).collect();
        if sorted(cx, &mut values, |&value| value) {
            for (i, value) in attentive(cx, values.into_iter()).enumerate() {
                cx.set_slot(slots.object(), layout::ARRAY_ELEMENTS + i, value);
            }
        }
    }
    if cx.is_interrupted() {
        return Err(interrupted(cx));
    }
    list.finish(cx)
}

/// The leaf of `_sort`: few values, none of which is a vector.
fn sort_few<'h>(cx: &'h Thread, [coll, ..]: leaves::Args<'h>) -> leaves::Answer<'h> {
    let mut few = Few::new();
    few.add(cx, coll)?;
    let kind = sort_kind(*few.values().first()?);
    if kind == 0 || !leaves::is_plain(cx) || few.values().iter().any(|v| is_tuple(*v) || sort_kind(*v) != kind) {
        return None;
    }
    few.values_mut().sort_by(|a, b| plain_order(*a, *b));
    leaves::collections::vector_of(cx, few.values())
}

fn sort_by_keys(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let n = vector::len(cx.get(args[0]));
    if vector::len(cx.get(args[1])) != n || !sortable(attentive(cx, vector::iter(cx.get(args[1])))) {
        return null(cx);
    }
    let fill = null(cx)?;
    let node = cx.alloc_array(layout::NODE, n, fill)?;
    let _claim = room::claim(cx, "what is sorted", 24 * n)?;
    {
        let pairs = vector::iter(cx.get(args[1])).zip(vector::iter(cx.get(args[0])));
        let mut pairs: Vec<_> = attentive(cx, pairs).collect();
        if sorted(cx, &mut pairs, |pair| pair.0) {
            for (i, (_, item)) in attentive(cx, pairs.into_iter()).enumerate() {
                cx.set_slot(cx.get(node), layout::ARRAY_ELEMENTS + i, item);
            }
        }
    }
    if cx.is_interrupted() {
        return Err(interrupted(cx));
    }
    vector::from_array(cx, node, n)
}
