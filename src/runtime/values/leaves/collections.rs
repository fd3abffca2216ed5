//! Leaves of the builtins and helpers on collections: see [`leaf`](super).
//!
//! Looking something up is done in collections of any size, making a collection in those of a [`Few`] elements, where the way
//! into the builtin would cost more than what it does. What a key is found by must not run the program ([`keyed`]); and a MAP
//! that has a mark (`collections/map.rs`) is for the builtin.

use arrayvec::ArrayVec;

use super::{Answer, Args, LEAF_ARGS, bool, count as counted, given, int, is_plain, null};
use crate::gc::{Thread, Value};
use crate::object::Word;
use crate::object::layout::{
    self, ARRAY_ELEMENTS, ARRAY_LENGTH, ATOM_VALUE, NODE, RANGE_FROM, RANGE_STEP, RANGE_TO, VECTOR, VECTOR_COUNT,
    VECTOR_ROOT, VECTOR_SHAPE, VECTOR_TAIL, slots,
};
use crate::runtime::program::builtin::{kind_of, kinds};
use crate::runtime::values::collections::view::{Slots, count_bits, field};
use crate::runtime::values::collections::{List, ends, map, marks, mutable, set, vector};
use crate::runtime::values::ranges::Range;
use crate::runtime::values::support::{index_below, is_seqable};
use crate::runtime::values::{compare, equality, hashing, sequences};

/// A few values: as many as a vector without tree has. They are collected where they are: moved, they cost more than they do.
#[derive(Default)]
pub struct Few<'h> {
    values: ArrayVec<Value<'h>, { vector::WIDTH }>,
}

impl<'h> Few<'h> {
    /// None.
    #[inline]
    pub fn new() -> Few<'h> {
        Few::default()
    }

    /// One more; none when there are too many then.
    #[inline]
    pub fn push(&mut self, value: Value<'h>) -> Option<()> {
        self.values.try_push(value).ok()
    }

    /// All.
    pub fn values(&self) -> &[Value<'h>] {
        &self.values
    }

    /// All, to be changed.
    pub fn values_mut(&mut self) -> &mut [Value<'h>] {
        &mut self.values
    }

    /// Those of a collection as well, when it can be gone through without running the program; none when there are too many then.
    pub fn add(&mut self, cx: &'h Thread, coll: Value<'h>) -> Option<()> {
        let n = sequences::length(coll).filter(|n| *n <= vector::WIDTH)?;
        match coll.layout() {
            VECTOR => match Slots::if_is(field(coll, VECTOR, VECTOR_TAIL), NODE).filter(|tail| tail.len() == n) {
                Some(tail) => self.add_all(tail.iter()),
                None => self.add_all(vector::iter(coll)),
            },
            layout::ARRAY => self.add_all(Slots::of(coll).iter()),
            layout::MUTABLE_LIST => {
                let (slots, n) = List::view(coll);
                self.add_all(slots.iter().take(n))
            }
            layout::SET => self.add_all(set::iter(coll)),
            layout::NULL => Some(()),
            layout::STRING | layout::STRING_PREFIX => {
                let mut chars = coll.str()?.chars();
                chars.try_for_each(|c| self.push(super::texts::text(cx, c.encode_utf8(&mut [0; 4]))?))
            }
            layout::RANGE => match Range::of(coll) {
                Range::Inline { from, step, .. } => {
                    (0..n as i64).try_for_each(|i| self.push(int(cx, from + i * step)?))
                }
                Range::Large { .. } => None,
            },
            _ => None,
        }
    }

    #[inline]
    fn add_all(&mut self, mut values: impl Iterator<Item = Value<'h>>) -> Option<()> {
        values.try_for_each(|value| self.push(value))
    }
}

/// A NODE of values.
#[inline]
pub fn node_of<'h>(cx: &'h Thread, values: &[Value<'h>]) -> Answer<'h> {
    cx.spare(NODE, values.len() + 1, |_, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(values.len()));
        for (i, value) in values.iter().enumerate() {
            fresh.set(ARRAY_ELEMENTS + i, *value);
        }
    })
}

/// A vector of a few values.
pub fn vector_of<'h>(cx: &'h Thread, values: &[Value<'h>]) -> Answer<'h> {
    vector_of_tail(cx, node_of(cx, values)?)
}

/// A vector of the elements of a NODE.
#[inline]
fn vector_of_tail<'h>(cx: &'h Thread, tail: Value<'h>) -> Answer<'h> {
    cx.spare(VECTOR, slots(VECTOR), |_, mut fresh| {
        fresh.set_raw(VECTOR_COUNT, count_bits(Slots::of(tail).len()));
        fresh.set_raw(VECTOR_SHAPE, 0);
        fresh.set_raw(VECTOR_ROOT, Word::NULL.0);
        fresh.set(VECTOR_TAIL, tail);
    })
}

// ---- looking something up ----

/// The value of a key of a map, or the member of a set: none when the builtin must be asked.
#[inline]
pub fn keyed<'h>(map: Value<'h>, key: Value<'h>) -> Option<Option<Value<'h>>> {
    if hashing::is_unprepared(key) {
        return None;
    }
    map::get(map, key).ok()
}

/// The MAP behind a collection with keys.
#[inline]
fn map_behind(coll: Value<'_>) -> Option<Value<'_>> {
    match coll.layout() {
        layout::MAP => Some(coll),
        layout::MUTABLE_MAP | layout::MUTABLE_SET => Some(mutable::map_of(coll)),
        layout::SET => Some(set::map_of(coll)),
        _ => None,
    }
}

fn in_range<'h>(cx: &'h Thread, range: Value<'h>, i: usize) -> Answer<'h> {
    match Range::of(range) {
        Range::Inline { from, step, .. } => int(cx, from.checked_add(step.checked_mul(i64::try_from(i).ok()?)?)?),
        Range::Large { .. } => None,
    }
}

/// Element `i` of what is indexed by position, if it has so many.
fn element<'h>(cx: &'h Thread, coll: Value<'h>, i: usize) -> Answer<'h> {
    match coll.layout() {
        VECTOR => vector::get(coll, i),
        layout::ARRAY => Some(Slots::of(coll)).filter(|slots| i < slots.len()).map(|slots| slots.get(i)),
        layout::MUTABLE_LIST => {
            let (slots, n) = List::view(coll);
            (i < n).then(|| slots.get(i))
        }
        layout::STRING | layout::STRING_PREFIX => super::texts::char_at(cx, coll, i),
        layout::RANGE if i < Range::of(coll).len() => in_range(cx, coll, i),
        _ => None,
    }
}

pub fn get<'h>(cx: &'h Thread, [coll, key, default]: Args<'h>) -> Answer<'h> {
    got(cx, coll, key, given(default))
}

/// `_get-for`, which has no default but the name of who asks.
pub fn get_for<'h>(cx: &'h Thread, [coll, key, who]: Args<'h>) -> Answer<'h> {
    who.str()?;
    got(cx, coll, key, None)
}

fn got<'h>(cx: &'h Thread, coll: Value<'h>, key: Value<'h>, default: Option<Value<'h>>) -> Answer<'h> {
    // The helper of `c[k]` has not asked yet whether the type is extended.
    if coll.layout() >= layout::FIRST_USER_LAYOUT || !is_plain(cx) {
        return None;
    }
    match map_behind(coll) {
        Some(map) => keyed(map, key)?.or(default).map_or_else(|| null(cx), Some),
        None => element(cx, coll, usize::try_from(key.as_int()?).ok()?),
    }
}

/// `mutable-map/get`
pub fn mutable_get<'h>(cx: &'h Thread, [map, key, default]: Args<'h>) -> Answer<'h> {
    if !map.is(layout::MUTABLE_MAP) {
        return None;
    }
    keyed(mutable::map_of(map), key)?.or(given(default)).map_or_else(|| null(cx), Some)
}

pub fn contains<'h>(cx: &'h Thread, [coll, key, _]: Args<'h>) -> Answer<'h> {
    match map_behind(coll) {
        Some(map) => bool(cx, keyed(map, key)?.is_some()),
        None => match coll.str() {
            Some(text) => bool(cx, super::texts::find(text, key.str()?).is_some()),
            None if coll.is(VECTOR) => bool(cx, index_below(key, vector::len(coll)).is_some()),
            None => None,
        },
    }
}

pub fn contains_key<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    matches!(args[0].layout(), layout::MAP | layout::MUTABLE_MAP).then(|| contains(cx, args))?
}

pub fn set_contains<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    args[0].is(layout::SET).then(|| contains(cx, args))?
}

/// `mutable-map/contains?`
pub fn map_contains<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    args[0].is(layout::MUTABLE_MAP).then(|| contains(cx, args))?
}

/// `mutable-set/contains?`
pub fn members_contain<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    args[0].is(layout::MUTABLE_SET).then(|| contains(cx, args))?
}

/// `mutable-map/count`
pub fn map_count<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    args[0].is(layout::MUTABLE_MAP).then(|| count(cx, args))?
}

/// `mutable-set/count`
pub fn member_count<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    args[0].is(layout::MUTABLE_SET).then(|| count(cx, args))?
}

pub fn includes<'h>(cx: &'h Thread, [coll, x, _]: Args<'h>) -> Answer<'h> {
    if hashing::is_unprepared(x) {
        return None;
    }
    match coll.str() {
        Some(text) => bool(cx, super::texts::find(text, x.str()?).is_some()),
        None => bool(cx, sequences::includes(coll, x)?.ok()?),
    }
}

pub fn index_of<'h>(cx: &'h Thread, coll: Value<'h>, x: Value<'h>) -> Answer<'h> {
    for (i, value) in vector::iter(Some(coll).filter(|coll| coll.is(VECTOR))?).enumerate() {
        if equality::equal(value, x).ok()? {
            return counted(cx, i);
        }
    }
    int(cx, -1)
}

pub fn length<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    if coll.is_null() { None } else { count(cx, [coll; LEAF_ARGS]) }
}

pub fn count<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    // `length` and `count` are those of who has extended the type.
    is_plain(cx).then(|| counted(cx, sequences::length(coll).filter(|n| *n != usize::MAX)?))?
}

pub fn is_empty<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    bool(cx, sequences::length(coll)? == 0)
}

/// `nth`, whose default is asked for by the builtin.
pub fn nth<'h>(cx: &'h Thread, [coll, index, _]: Args<'h>) -> Answer<'h> {
    element(cx, coll, usize::try_from(index.as_int()?).ok()?)
}

/// The element at a position that is counted from the beginning; `null` when there is none.
fn position<'h>(cx: &'h Thread, coll: Value<'h>, i: usize) -> Answer<'h> {
    match coll.layout() {
        VECTOR if vector::len(coll) <= i => null(cx),
        _ => element(cx, coll, i),
    }
}

pub fn first_of<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    position(cx, coll, 0)
}

pub fn second<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    position(cx, coll, 1)
}

pub fn third<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    position(cx, coll, 2)
}

pub fn last<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    // The largest count stands for more.
    match sequences::length(coll).filter(|len| *len != usize::MAX)?.checked_sub(1) {
        Some(last) => element(cx, coll, last),
        None if coll.is(VECTOR) => null(cx),
        None => None,
    }
}

pub fn equal<'h>(cx: &'h Thread, [a, b, _]: Args<'h>) -> Answer<'h> {
    bool(cx, equality::equal(a, b).ok()?)
}

/// `compare` and `compare-to`
pub fn compared<'h>(cx: &'h Thread, [a, b, _]: Args<'h>) -> Answer<'h> {
    int(cx, compare::natural(a, b)?? as i64)
}

// ---- making a vector ----

/// `[…]` of so many elements in the argument area.
pub fn make_vector(cx: &Thread, n: usize) -> Answer<'_> {
    spilled_vector(cx, 0, n)
}

/// A vector of what is in the argument area from one index up to another.
pub fn spilled_vector(cx: &Thread, from: usize, to: usize) -> Answer<'_> {
    let n = Some(to - from).filter(|n| *n <= vector::WIDTH)?;
    let tail = cx.spare(NODE, n + 1, |_, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(n));
        for i in 0..n {
            fresh.set(ARRAY_ELEMENTS + i, cx.spilled_arg(from + i));
        }
    })?;
    vector_of_tail(cx, tail)
}

/// A part of a vector that is small, or all behind its first elements.
fn part<'h>(cx: &'h Thread, coll: Value<'h>, start: usize, end: usize) -> Answer<'h> {
    if !coll.is(VECTOR) || start > end || end > vector::len(coll) {
        return None;
    }
    let (n, len) = (vector::len(coll), end - start);
    if len == n {
        return Some(coll);
    }
    if len > vector::WIDTH {
        return if end == n { vector::spare_rest(cx, coll, start) } else { None };
    }
    let tail = Slots::of(field(coll, VECTOR, VECTOR_TAIL));
    if tail.len() < n {
        let mut few = Few::new();
        (start..end).try_for_each(|i| few.push(vector::get(coll, i)?))?;
        return vector_of(cx, few.values());
    }
    let tail = cx.spare(NODE, len + 1, |_, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(len));
        fresh.copy(ARRAY_ELEMENTS, tail.object(), ARRAY_ELEMENTS + start, len);
    })?;
    vector_of_tail(cx, tail)
}

fn vector_len(coll: Value<'_>) -> Option<usize> {
    coll.is(VECTOR).then(|| vector::len(coll))
}

/// The length of a vector, and a count cut to it.
fn cut(coll: Value<'_>, n: Value<'_>) -> Option<(usize, usize)> {
    let len = vector_len(coll)?;
    Some((len, usize::try_from(n.as_int()?).unwrap_or(0).min(len)))
}

pub fn take<'h>(cx: &'h Thread, [n, coll, _]: Args<'h>) -> Answer<'h> {
    part(cx, coll, 0, cut(coll, n)?.1)
}

pub fn drop<'h>(cx: &'h Thread, [n, coll, _]: Args<'h>) -> Answer<'h> {
    let (len, n) = cut(coll, n)?;
    part(cx, coll, n, len)
}

pub fn rest<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    let len = vector_len(coll)?;
    part(cx, coll, 1.min(len), len)
}

pub fn butlast<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    let len = vector_len(coll)?;
    part(cx, coll, 0, len.saturating_sub(1))
}

/// `vector = push(vector, value)` of an accumulator that has an owner.
pub fn push_in_place<'h>(cx: &'h Thread, [vector, value, _]: Args<'h>) -> Answer<'h> {
    ends::push(Some(vector).filter(|vector| vector.is(VECTOR) && is_plain(cx))?, value)
}

/// `vector = butlast(vector)` of an accumulator.
pub fn butlast_in_place<'h>(cx: &'h Thread, [vector, ..]: Args<'h>) -> Answer<'h> {
    let len = vector_len(vector)?;
    if let Some(done) = ends::pop(vector) {
        return Some(done);
    }
    let mark = marks::after(vector.count())?;
    let new = part(cx, vector, 0, len.saturating_sub(1))?;
    if new != vector {
        cx.set_count(new, mark);
    }
    Some(new)
}

/// `slice` and `subvec`
pub fn slice<'h>(cx: &'h Thread, [coll, from, to]: Args<'h>) -> Answer<'h> {
    let len = vector_len(coll)?;
    part(cx, coll, index_below(from, len + 1)?, given(to).map_or(Some(len), |to| index_below(to, len + 1))?)
}

pub fn vec<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    if coll.is(VECTOR) {
        return Some(coll);
    }
    let mut few = Few::new();
    few.add(cx, coll)?;
    vector_of(cx, few.values())
}

pub fn concat<'h>(cx: &'h Thread, [a, b, c]: Args<'h>) -> Answer<'h> {
    let mut few = Few::new();
    few.add(cx, given(a)?)?;
    for more in [b, c].into_iter().filter_map(given) {
        few.add(cx, more)?;
    }
    vector_of(cx, few.values())
}

pub fn reverse<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    let mut few = Few::new();
    few.add(cx, coll)?;
    few.values_mut().reverse();
    vector_of(cx, few.values())
}

pub fn enumerate<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    let mut few = Few::new();
    few.add(cx, coll)?;
    for (i, value) in few.values_mut().iter_mut().enumerate() {
        *value = vector_of(cx, &[counted(cx, i)?, *value])?;
    }
    vector_of(cx, few.values())
}

pub fn zip<'h>(cx: &'h Thread, [a, b, c]: Args<'h>) -> Answer<'h> {
    let (mut rows, mut second, mut third) = (Few::new(), Few::new(), Few::new());
    rows.add(cx, a)?;
    second.add(cx, b)?;
    let mut n = rows.values().len().min(second.values().len());
    if let Some(c) = given(c) {
        third.add(cx, c)?;
        n = n.min(third.values().len());
    }
    for (i, row) in rows.values_mut()[..n].iter_mut().enumerate() {
        let (a, b) = (*row, second.values()[i]);
        *row = match third.values().get(i) {
            Some(&c) => vector_of(cx, &[a, b, c])?,
            None => vector_of(cx, &[a, b])?,
        };
    }
    vector_of(cx, &rows.values()[..n])
}

pub fn partition<'h>(cx: &'h Thread, [n, coll, _]: Args<'h>) -> Answer<'h> {
    let n = usize::try_from(n.as_int()?).ok().filter(|n| *n > 0)?;
    let mut parts = Few::new();
    let mut few = Few::new();
    few.add(cx, coll)?;
    for part in few.values().chunks(n) {
        parts.push(vector_of(cx, part)?)?;
    }
    vector_of(cx, parts.values())
}

/// `range` and, with a step that is given, `range-step`
pub fn range<'h>(cx: &'h Thread, [a, b, step]: Args<'h>) -> Answer<'h> {
    let (from, to) = given(b).map_or_else(|| Some((int(cx, 0)?, a)), |b| Some((a, b)))?;
    let step = given(step).map_or_else(|| int(cx, 1), Some)?;
    if !(from.is_int() && to.is_int() && step.is_int()) || step.as_int() == Some(0) {
        return None;
    }
    cx.spare(layout::RANGE, slots(layout::RANGE), |_, mut fresh| {
        fresh.set(RANGE_FROM, from);
        fresh.set(RANGE_TO, to);
        fresh.set(RANGE_STEP, step);
    })
}

/// `_check-seqable` and `_check-given`
pub fn check_seqable<'h>(_: &'h Thread, [coll, who, position]: Args<'h>) -> Answer<'h> {
    let asked_rightly = who.str().is_some() && given(position).is_none_or(Value::is_int);
    (asked_rightly && is_seqable(coll)).then_some(coll)
}

/// `_check-room`, for what is no longer than memory.
pub fn check_room<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    let fits = sequences::length(args[0]).is_none_or(|n| n < 1 << 16);
    fits.then(|| check_seqable(cx, args))?
}

/// Is it a key that equals nothing of another type?
fn is_simple(value: Value<'_>) -> bool {
    value.is_int() || value.as_keyword().is_some() || kind_of(value) & kinds::STRING != 0
}

pub fn distinct<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    let mut few = Few::new();
    few.add(cx, coll)?;
    let mut seen = Few::new();
    for value in few.values() {
        // What is equal to something of another type is for the builtin.
        if !is_simple(*value) {
            return None;
        }
        let known = seen.values().iter().any(|other| equality::same_key(*other, *value) == Ok(true));
        if !known {
            seen.push(*value)?;
        }
    }
    vector_of(cx, seen.values())
}

pub fn repeat<'h>(cx: &'h Thread, [value, n, _]: Args<'h>) -> Answer<'h> {
    let n = usize::try_from(n.as_int()?).ok().filter(|n| *n <= vector::WIDTH)?;
    vector_of(cx, &[value; vector::WIDTH][..n])
}

/// `max-of` and `min-of` of what has a natural order.
fn extreme<'h>(cx: &'h Thread, coll: Value<'h>, wanted: std::cmp::Ordering) -> Answer<'h> {
    let mut values = vector::iter(Some(coll).filter(|coll| coll.is(VECTOR))?);
    let Some(mut best) = values.next() else { return null(cx) };
    if vector::len(coll) == 1 {
        return Some(best);
    }
    for value in values {
        if compare::natural(value, best)?? == wanted {
            best = value;
        }
    }
    Some(best)
}

pub fn max_of<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    extreme(cx, coll, std::cmp::Ordering::Greater)
}

pub fn min_of<'h>(cx: &'h Thread, [coll, ..]: Args<'h>) -> Answer<'h> {
    extreme(cx, coll, std::cmp::Ordering::Less)
}

/// The elements of a small vector from the first Int on, without the last so many.
pub fn sub_vector<'h>(cx: &'h Thread, [vector, from, after]: Args<'h>) -> Answer<'h> {
    let len = vector_len(vector)?;
    let (from, after) = (usize::try_from(from.as_int()?).ok()?, usize::try_from(after.as_int()?).ok()?);
    part(cx, vector, from.min(len), len.saturating_sub(after))
}

pub fn assoc<'h>(cx: &'h Thread, [coll, key, value]: Args<'h>) -> Answer<'h> {
    if !coll.is(VECTOR) {
        return super::maps::with_entry(cx, coll, key, value);
    }
    vector::spare_assoc(coll, index_below(key, vector::len(coll))?, value)
}

// ---- atoms ----

pub fn atom<'h>(cx: &'h Thread, [value, ..]: Args<'h>) -> Answer<'h> {
    cx.spare(layout::ATOM, slots(layout::ATOM), |_, mut fresh| fresh.set(ATOM_VALUE, value))
}

pub fn reset<'h>(cx: &'h Thread, [atom, value, _]: Args<'h>) -> Answer<'h> {
    if !atom.is(layout::ATOM) {
        return None;
    }
    cx.set_slot(atom, ATOM_VALUE, value);
    Some(value)
}

pub fn compare_and_swap<'h>(cx: &'h Thread, [atom, old, new]: Args<'h>) -> Answer<'h> {
    if !atom.is(layout::ATOM) {
        return None;
    }
    bool(cx, equality::swap_if_identical(cx, atom, old, new))
}

/// `mutable-array/array-of` of up to three values.
pub fn array_of<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    let n = args.iter().filter(|value| given(**value).is_some()).count();
    cx.spare(layout::ARRAY, n + 1, |_, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(n));
        for (i, value) in args[..n].iter().enumerate() {
            fresh.set(ARRAY_ELEMENTS + i, *value);
        }
    })
}

/// `mutable-array/new-array` of a few elements.
pub fn new_array<'h>(cx: &'h Thread, [n, init, _]: Args<'h>) -> Answer<'h> {
    let n = usize::try_from(n.as_int()?).ok().filter(|n| *n <= 64)?;
    let init = given(init).map_or_else(|| null(cx), Some)?;
    cx.spare(layout::ARRAY, n + 1, |_, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(n));
        fresh.fill(ARRAY_ELEMENTS, init);
    })
}
