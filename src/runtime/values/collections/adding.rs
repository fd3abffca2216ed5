//! Adding a key to a large map in place, without a collection: what `trie::assoc` does in the common cases, of what the allocation
//! buffer has left.
//!
//! Owns the ways of an addition to a trie that has an owner: to a digit that is free, beside a key that has the digit, into a
//! group. Invariant: nothing is changed before all that is needed is there; so who gets no answer asks `trie::assoc`.

use std::cmp::Ordering;
use std::ops::Range;

use super::group;
use super::trie::{At, BITS, Bitmap, CHILDREN_SHIFT, approach, digit, hash, roomy, used};
use super::view::{Slots, count_bits};
use crate::gc::Value;
use crate::gc::mutator::owners::is_private;
use crate::object::Word;
use crate::object::layout::{ARRAY_ELEMENTS, ARRAY_LENGTH, GROUP_NODE, LayoutId, MAP_NODE};
use crate::runtime::values::equality::same_key;

/// What is to be added: a prepared key that has one place only, its hash, its value.
#[derive(Clone, Copy)]
pub(super) struct Entry<'h> {
    pub key: Value<'h>,
    pub hash: u64,
    pub value: Value<'h>,
}

/// Adds an entry to the trie of an owner, which is none of those that are put off: its root then. None, and nothing is done, where
/// the key is there, nodes belong to others, or memory is to be collected.
pub(super) fn add<'h>(root: Value<'h>, entry: Entry<'h>, owner: u32) -> Option<Value<'h>> {
    let (mut node, mut shift, mut above) = (root, 0, None);
    let new = loop {
        if let Some(slots) = Slots::if_is(node, GROUP_NODE) {
            let (bit, bitmap) = (group::bit(slots, entry.key)?, group::bitmap(slots));
            let at = group::index(bitmap, bit);
            let first = group::halves(bitmap | bit);
            break if bitmap & bit == 0 { inserted(slots, owner, &first, at, &[entry.value])? } else { return None };
        }
        let slots = Slots::if_is(node, MAP_NODE)?;
        let (bitmap, bit) = (Bitmap::of(slots), digit(entry.hash, shift));
        match bitmap.at(bit) {
            At::Child(i) => {
                above = Some((node, i));
                node = slots.get(i);
                approach(node, entry.key);
                shift += BITS;
            }
            At::Entry(i) => {
                let child = beside(slots.get(i), slots.get(i + 1), entry, shift + BITS, owner)?;
                break entry_to_child(slots, bitmap, bit, child, owner)?;
            }
            At::Nothing => {
                let first = [Bitmap(bitmap.0 | bit).word()];
                break inserted(slots, owner, &first, bitmap.entry_index(bit), &[entry.key, entry.value])?;
            }
        }
    };
    link(root, above, node, new, owner)
}

/// The root of a trie in which a new node takes the place of another below its parent; none where the parent belongs to others.
pub(super) fn link<'h>(
    root: Value<'h>,
    above: Option<(Value<'h>, usize)>,
    old: Value<'h>,
    new: Value<'h>,
    owner: u32,
) -> Option<Value<'h>> {
    match above {
        _ if new == old => Some(root),
        None => Some(new),
        Some((parent, i)) => (parent.count() == owner).then(|| {
            parent.thread().set_slot(parent, ARRAY_ELEMENTS + i, new);
            root
        }),
    }
}

/// A part of what a new node has.
#[derive(Debug)]
pub(super) enum Part<'a, 'h> {
    /// Elements of the node that it is made of.
    Old(Range<usize>),
    /// Others.
    New(&'a [Value<'h>]),
}

/// A new node of the owner.
pub(super) fn make<'h>(
    of: Value<'h>,
    layout: LayoutId,
    (capacity, owner): (usize, u32),
    first: &[Word],
    parts: &[Part<'_, 'h>],
) -> Option<Value<'h>> {
    let node = of.thread().spare(layout, ARRAY_ELEMENTS + capacity, |_, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(capacity));
        let mut n = ARRAY_ELEMENTS;
        for word in first {
            fresh.set_raw(n, word.0);
            n += 1;
        }
        for part in parts {
            match part {
                Part::Old(range) => {
                    fresh.copy(n, of, ARRAY_ELEMENTS + range.start, range.len());
                    n += range.len();
                }
                Part::New(values) => {
                    for value in *values {
                        fresh.set(n, *value);
                        n += 1;
                    }
                }
            }
        }
        for i in n..ARRAY_ELEMENTS + capacity {
            fresh.set_raw(i, Word::NULL.0);
        }
    })?;
    of.thread().set_count(node, owner);
    Some(node)
}

/// The node with elements inserted, and the first ones replaced: itself when it is a private owner's and has room.
fn inserted<'h>(node: Slots<'h>, owner: u32, first: &[Word], at: usize, more: &[Value<'h>]) -> Option<Value<'h>> {
    let (object, len) = (node.object(), used(node));
    let (cx, new_len) = (object.thread(), len + more.len());
    if is_private(owner) && object.count() == owner && new_len <= node.len() {
        cx.splice_slots(object, ARRAY_ELEMENTS + at, 0, more.iter().map(|value| value.word()), ARRAY_ELEMENTS + len);
        for (i, &word) in first.iter().enumerate() {
            cx.set_slot(object, ARRAY_ELEMENTS + i, Value::immediate(cx, word)?);
        }
        return Some(object);
    }
    let parts = [Part::Old(first.len()..at), Part::New(more), Part::Old(at..len)];
    make(object, object.layout(), (roomy(new_len, object.layout(), owner), owner), first, &parts)
}

/// A node of an entry and a new one, where their ways part at once.
fn beside<'h>(key: Value<'h>, value: Value<'h>, entry: Entry<'h>, shift: u32, owner: u32) -> Option<Value<'h>> {
    if same_key(key, entry.key).ok()? || shift >= u64::BITS {
        return None;
    }
    if group::same(key, entry.key) {
        let (x, y) = (key.as_int()?, entry.key.as_int()?);
        let values = if x < y { [value, entry.value] } else { [entry.value, value] };
        let first = group::first_words(x, y);
        return make(key, GROUP_NODE, (first.len() + 2, owner), &first, &[Part::New(&values)]);
    }
    let (x, y) = (digit(hash(key), shift), digit(entry.hash, shift));
    let entries = match x.cmp(&y) {
        Ordering::Less => [key, value, entry.key, entry.value],
        Ordering::Greater => [entry.key, entry.value, key, value],
        Ordering::Equal => return None,
    };
    make(key, MAP_NODE, (5, owner), &[Bitmap(x | y).word()], &[Part::New(&entries)])
}

/// A copy of a node in which the entry at a digit has become a child.
fn entry_to_child<'h>(node: Slots<'h>, bitmap: Bitmap, bit: u64, child: Value<'h>, owner: u32) -> Option<Value<'h>> {
    let new_bitmap = Bitmap(bitmap.0 & !bit | bit << CHILDREN_SHIFT);
    let (from, to, len) = (bitmap.entry_index(bit), new_bitmap.child_index(bit), used(node));
    // What lies before the entry; what lies between; the child; what lies behind.
    let child = [child];
    let parts = [Part::Old(1..from), Part::Old(from + 2..to + 2), Part::New(&child), Part::Old(to + 2..len)];
    make(node.object(), MAP_NODE, (len - 1, owner), &[new_bitmap.word()], &parts)
}
