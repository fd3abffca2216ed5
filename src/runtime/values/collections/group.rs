//! Groups: the part of a large map whose keys are neighbouring Ints.
//!
//! ```text
//! GROUP_NODE which of the lower 32 Ints are there (Int) | which of the upper 32 | number (Int: the Ints shifted right by 6) |
//!            their values in order
//! ```
//!
//! The keys of a group have one hash, so they stand at one place of the trie, whatever the size of the map; they need no
//! slots; and who asks for many neighbours finds them in few cache lines. A group has at least two keys. Only inline Ints are
//! in groups: Floats that are equal to one are kept apart (see map.rs).

use super::trie::{splice, store};
use super::view::{Slots, count_bits};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::object::collections::{GROUP_BITS as BITS, GROUP_HALF as HALF, GROUP_SEED as SEED};
use crate::object::layout::{
    ARRAY_ELEMENTS, ARRAY_LENGTH, GROUP_LOWER, GROUP_NODE, GROUP_NUMBER, GROUP_UPPER, GROUP_VALUES, element,
    slot_offset,
};
use crate::object::word::INT_SHIFT;
use crate::runtime::values::hashing::mix;

const SIZE: usize = 1 << BITS;
/// Elements before the values.
pub const FIRST: usize = element(GROUP_VALUES);

/// The number of the group of an Int.
#[inline]
pub fn number(i: i64) -> i64 {
    i >> BITS
}

/// The hash of all keys of a group.
#[inline]
pub fn hash(number: i64) -> u64 {
    mix(number as u64 ^ SEED)
}

/// The number of a group.
#[inline]
pub fn number_of(slots: Slots<'_>) -> i64 {
    slots.get(element(GROUP_NUMBER)).as_int().unwrap_or(0)
}

#[inline]
pub(super) fn bitmap(slots: Slots<'_>) -> u64 {
    let half = |i| slots.get(element(i)).word().0 >> INT_SHIFT;
    half(GROUP_LOWER) | half(GROUP_UPPER) << HALF
}

/// Where in a group the value of an Int probably lies, in bytes from the group's beginning: groups that matter for speed have
/// more than half of their keys.
#[inline]
pub fn likely_offset(i: i64) -> usize {
    let most = i as usize % SIZE;
    slot_offset(GROUP_VALUES + most * 3 / 4)
}

/// How many elements are in use.
#[inline]
pub fn used(slots: Slots<'_>) -> usize {
    FIRST + bitmap(slots).count_ones() as usize
}

/// The bit of an Int, when it belongs to the group.
#[inline]
pub(super) fn bit(slots: Slots<'_>, key: Value<'_>) -> Option<u64> {
    let i = key.as_int()?;
    (number(i) == number_of(slots)).then_some(1 << (i as usize % SIZE))
}

/// The index of the value at a bit.
#[inline]
pub(super) fn index(bitmap: u64, bit: u64) -> usize {
    FIRST + (bitmap & (bit - 1)).count_ones() as usize
}

/// Do both keys belong to one group?
#[inline]
pub fn same(a: Value<'_>, b: Value<'_>) -> bool {
    match (a.as_int(), b.as_int()) {
        (Some(a), Some(b)) => number(a) == number(b),
        _ => false,
    }
}

/// The value of a key.
#[inline]
pub fn find<'h>(slots: Slots<'h>, key: Value<'_>) -> Option<Value<'h>> {
    let (bit, bitmap) = (bit(slots, key)?, bitmap(slots));
    (bitmap & bit != 0).then(|| slots.get(index(bitmap, bit)))
}

/// The two words of a bitmap.
pub(super) fn halves(bitmap: u64) -> [Word; 2] {
    [bitmap & u64::from(u32::MAX), bitmap >> HALF].map(|half| Word(half << INT_SHIFT))
}

/// What stands before the values in a group of these two Ints.
pub(super) fn first_words(x: i64, y: i64) -> [Word; FIRST] {
    let [lower, upper] = halves(1u64 << (x as usize % SIZE) | 1 << (y as usize % SIZE));
    [lower, upper, Word((number(x) as u64) << INT_SHIFT)]
}

/// A group of two entries, whose keys must be different and belong to one group.
pub fn of_two(cx: &mut Thread, a: (Handle, Handle), b: (Handle, Handle), owner: u32) -> Result<Handle, Thrown> {
    let int = |h| cx.get(h).as_int().unwrap_or(0);
    let (x, y) = (int(a.0), int(b.0));
    let (low, high) = if x < y { (a.1, b.1) } else { (b.1, a.1) };
    cx.allocate(GROUP_NODE, GROUP_VALUES + 2, owner, |cx, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(FIRST + 2));
        for (i, word) in first_words(x, y).into_iter().enumerate() {
            fresh.set_raw(ARRAY_ELEMENTS + i, word.0);
        }
        fresh.set(GROUP_VALUES, cx.get(low));
        fresh.set(GROUP_VALUES + 1, cx.get(high));
    })
}

/// The group with an entry added or replaced, and whether the key is new; none when the key does not belong to it.
pub fn assoc(
    cx: &mut Thread,
    node: Handle,
    key: Handle,
    value: Handle,
    owner: u32,
) -> Result<Option<(Handle, bool)>, Thrown> {
    let slots = Slots::of(cx.get(node));
    let Some(bit) = bit(slots, cx.get(key)) else { return Ok(None) };
    let bitmap = bitmap(slots);
    let i = index(bitmap, bit);
    if bitmap & bit != 0 {
        return Ok(Some((store(cx, node, owner, i, value)?, false)));
    }
    let new = splice(cx, node, owner, &halves(bitmap | bit), i, 0, &[value])?;
    Ok(Some((new, true)))
}

/// The group without a key; none when it has no such key.
pub fn dissoc(cx: &mut Thread, node: Handle, key: Handle, owner: u32) -> Result<Option<Handle>, Thrown> {
    let slots = Slots::of(cx.get(node));
    let (Some(bit), bitmap) = (bit(slots, cx.get(key)), bitmap(slots)) else { return Ok(None) };
    if bitmap & bit == 0 {
        return Ok(None);
    }
    splice(cx, node, owner, &halves(bitmap & !bit), index(bitmap, bit), 1, &[]).map(Some)
}

/// The first entry whose bit is not below `position`, and the position after it.
#[inline]
pub fn entry_from(slots: Slots<'_>, position: usize) -> Option<(Value<'_>, Value<'_>, usize)> {
    let bitmap = bitmap(slots);
    let rest = bitmap.checked_shr(position as u32).unwrap_or(0);
    if rest == 0 {
        return None;
    }
    let at = position + rest.trailing_zeros() as usize;
    let key =
        Word::int(number_of(slots) << BITS | at as i64).and_then(|w| Value::immediate(slots.object().thread(), w))?;
    Some((key, slots.get(index(bitmap, 1 << at)), at + 1))
}

/// The last entry.
pub fn last(slots: Slots<'_>) -> Option<(Value<'_>, Value<'_>)> {
    let position = bitmap(slots).checked_ilog2()?;
    entry_from(slots, position as usize).map(|(key, value, _)| (key, value))
}

/// The only entry of a group that has lost its others.
pub fn single(slots: Slots<'_>) -> Option<(Value<'_>, Value<'_>)> {
    if used(slots) > FIRST + 1 {
        return None;
    }
    entry_from(slots, 0).map(|(key, value, _)| (key, value))
}

/// All keys and values in turn.
pub fn entries(cx: &Thread, node: Handle) -> Vec<Handle> {
    let slots = Slots::of(cx.get(node));
    let mut all = Vec::with_capacity(2 * SIZE);
    let mut position = 0;
    while let Some((key, value, next)) = entry_from(slots, position) {
        all.extend([cx.root(key), cx.root(value)]);
        position = next;
    }
    all
}
