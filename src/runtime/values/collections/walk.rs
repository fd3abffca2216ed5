//! Where a walk through a large map or set stands, as a value: what a seq over it, or a cursor, holds instead of a copy.
//!
//! ```text
//! NODE how many entries there are | members only (a set) | node | position | node | position … | node
//! ```
//!
//! From the root on each node with the position behind the child that follows; the walk is in the last one, at a position that
//! whoever holds the path keeps beside it. So as long as the next entry is in the same node, the path stays.
//!
//! Invariant: a path never changes, and at the position that [`begin`] and [`next`] give with one stands an entry.

use super::map;
use super::trie::{Entries, Step, step};
use super::view::{Slots, count_bits};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::object::layout::NODE;

/// Elements before the nodes.
const FIRST: usize = 2;

/// The path to the first entry of a large map, and the position there.
pub fn begin(cx: &mut Thread, map: Handle, set: bool) -> Result<Option<(Handle, usize)>, Thrown> {
    let mut entries = Entries::of(map::root(cx.get(map)));
    let count = map::len(cx.get(map));
    if entries.arrive().is_none() {
        return Ok(None);
    }
    let (parts, position) = parts(cx, count, set, &entries);
    Ok(Some((cx.alloc_array_of(NODE, &parts)?, position)))
}

/// The path to the entry after another, and the position there; none at the end.
pub fn next(cx: &mut Thread, path: Handle, position: usize) -> Result<Option<(Handle, usize)>, Thrown> {
    let value = cx.get(path);
    let Step::Entry(_, _, after) = step(last(value), position) else { return Ok(None) };
    if let Step::Entry(..) = step(last(value), after) {
        return Ok(Some((path, after)));
    }
    let mut entries = entries(value, after);
    if entries.arrive().is_none() {
        return Ok(None);
    }
    let (parts, position) = parts(cx, count(value), is_set(value), &entries);
    Ok(Some((cx.alloc_array_of(NODE, &parts)?, position)))
}

/// What a path to where a walk stands consists of, and the position there.
fn parts(cx: &Thread, count: usize, set: bool, entries: &Entries<'_>) -> (Vec<Handle>, usize) {
    let int = |n: usize| cx.root_word(Word(count_bits(n)));
    let mut parts = vec![int(count), cx.root_word(Word::bool(set))];
    for (node, at) in entries.stack() {
        parts.extend([cx.root(node.object()), int(*at)]);
    }
    parts.pop();
    (parts, entries.stack().last().map_or(0, |(_, at)| *at))
}

/// The node that the walk is in.
#[inline]
fn last(path: Value<'_>) -> Slots<'_> {
    let parts = Slots::of(path);
    Slots::of(parts.get(parts.len() - 1))
}

/// How many entries there are in all.
#[inline]
pub fn count(path: Value<'_>) -> usize {
    Slots::of(path).get(0).as_int().unwrap_or(0) as usize
}

/// Is it a walk through the members of a set?
#[inline]
pub fn is_set(path: Value<'_>) -> bool {
    Slots::of(path).get(1).word() == Word::TRUE
}

/// The entry at a position.
pub fn entry(path: Value<'_>, position: usize) -> Option<(Value<'_>, Value<'_>)> {
    match step(last(path), position) {
        Step::Entry(key, value, _) => Some((key, value)),
        _ => None,
    }
}

/// The entries from a position on.
pub fn entries(path: Value<'_>, position: usize) -> Entries<'_> {
    let parts = Slots::of(path);
    let at = |i: usize| if i < parts.len() { parts.get(i).as_int().unwrap_or(0) as usize } else { position };
    Entries::at((FIRST..parts.len()).step_by(2).map(|i| (Slots::of(parts.get(i)), at(i + 1))).collect())
}
