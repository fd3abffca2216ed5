//! Persistent maps: up to [`SMALL`] entries in the order of insertion, a hash trie beyond.
//!
//! ```text
//! MAP count | root | floats
//!              └─ NODE key, value, key, value … (small) or MAP_NODE (see trie.rs)
//! ```
//!
//! In a trie, neighbouring Ints share a place (group.rs) that a Float cannot have, though 1 and 1.0 are the same key. So there
//! each stands where its own kind stands, the operations look in the other place too ([`place`]), and `floats` is `true` when
//! there may be Float keys that equal an Int: without, nobody has to look twice for an Int.
//!
//! The header count of a MAP is its mark (`marks.rs`): the owner of the nodes it may change in place (`trie.rs`), and [`SHARED`] for
//! maps that never change. Owners are not taken before they are of use: by a MUTABLE_MAP or [`Builder`] when a trie is made or
//! changed ([`LATER`]), by an accumulator after some changes.

use super::adding;
use super::group;
use super::marks::{self, owner};
use super::removing;
use super::trie::{self, Entries, LATER, LATER_PRIVATE};
use super::view::{Slots, count_bits, count_field, field};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::object::layout::{ARRAY_ELEMENTS, ARRAY_LENGTH, MAP, MAP_COUNT, MAP_FLOATS, MAP_ROOT, NODE, slots};
use crate::runtime::values::equality::{TooDeep, same_key};
use crate::runtime::values::hashing;
use crate::runtime::values::numbers::{Integral, integral};

pub use super::trie::SHARED;

/// The most entries that are kept in the order of insertion.
pub const SMALL: usize = 8;

/// The owner of a MAP whose trie is about to be made or changed: one that was put off is taken now.
#[inline]
fn take_owner(cx: &Thread, map: Value<'_>) -> u32 {
    let known = owner(map);
    let owner = match known {
        LATER => cx.heap().owners().take(),
        LATER_PRIVATE => cx.heap().owners().take_private(),
        _ => known,
    };
    if owner != known {
        cx.set_count(map, owner);
    }
    cx.use_owner(owner);
    owner
}

/// How many entries.
#[inline]
pub fn len(map: Value<'_>) -> usize {
    count_field(map, MAP, MAP_COUNT)
}

/// The NODE of a small map, the trie of a large one.
#[inline]
pub(super) fn root(map: Value<'_>) -> Value<'_> {
    field(map, MAP, MAP_ROOT)
}

/// Is it kept in the order of insertion?
#[inline]
pub fn is_small(map: Value<'_>) -> bool {
    root(map).is(NODE)
}

/// May the trie have Float keys that equal an Int?
#[inline]
fn has_floats(map: Value<'_>) -> bool {
    field(map, MAP, MAP_FLOATS).word() == Word::TRUE
}

/// A new MAP.
fn make(cx: &mut Thread, count: usize, root: Handle, floats: bool, owner: u32) -> Result<Handle, Thrown> {
    cx.allocate(MAP, slots(MAP), owner, |cx, mut fresh| {
        fresh.set_raw(MAP_COUNT, count_bits(count));
        fresh.set(MAP_ROOT, cx.get(root));
        fresh.set_raw(MAP_FLOATS, if floats { Word::TRUE.0 } else { Word::NULL.0 });
    })
}

/// The map without entries.
pub fn empty(cx: &mut Thread) -> Result<Handle, Thrown> {
    empty_owned(cx, SHARED)
}

/// The map without entries that an owner may change.
pub fn empty_owned(cx: &mut Thread, owner: u32) -> Result<Handle, Thrown> {
    let root = cx.alloc_array_of(NODE, &[])?;
    make(cx, 0, root, false, owner)
}

/// A map of keys and values in turn; of equal keys the first keeps its place and gets the last value.
pub fn of(cx: &mut Thread, entries: &[Handle]) -> Result<Handle, Thrown> {
    for key in entries.iter().step_by(2) {
        hashing::prepare(cx, *key)?;
    }
    if entries.len() > 2 * SMALL || has_equal_keys(cx, entries).map_err(|deep| deep.throw(cx))? {
        let builder = Builder::new(cx)?;
        for entry in entries.chunks_exact(2) {
            builder.put(cx, entry[0], entry[1])?;
        }
        return builder.finish(cx);
    }
    let root = cx.alloc_array_of(NODE, entries)?;
    make(cx, entries.len() / 2, root, false, SHARED)
}

fn has_equal_keys(cx: &Thread, entries: &[Handle]) -> Result<bool, TooDeep> {
    for (i, a) in entries.chunks_exact(2).enumerate() {
        for b in entries.chunks_exact(2).skip(i + 1) {
            if same_key(cx.get(a[0]), cx.get(b[0]))? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The same entries in a MAP of another owner.
pub fn with_owner(cx: &mut Thread, map: Handle, owner: u32) -> Result<Handle, Thrown> {
    let (count, floats) = (len(cx.get(map)), has_floats(cx.get(map)));
    let root = cx.root(root(cx.get(map)));
    make(cx, count, root, floats, owner)
}

/// A MAP of the same entries that shares no node of its trie; entries and count must not change meanwhile.
pub(super) fn copy(cx: &mut Thread, map: Handle) -> Result<Handle, Thrown> {
    let (count, floats) = (len(cx.get(map)), has_floats(cx.get(map)));
    let root = cx.root(root(cx.get(map)));
    let root = trie::copy(cx, root)?;
    make(cx, count, root, floats, SHARED)
}

/// The index of a key in the NODE of a small map.
#[inline]
fn small_index(node: Slots<'_>, key: Value<'_>) -> Result<Option<usize>, TooDeep> {
    for i in (0..node.len()).step_by(2) {
        if same_key(node.get(i), key)? {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

/// The entry of a key: key and value as they are stored.
#[inline]
pub fn find<'h>(map: Value<'h>, key: Value<'h>) -> Result<Option<(Value<'h>, Value<'h>)>, TooDeep> {
    let root = root(map);
    if root.is(NODE) {
        let node = Slots::of(root);
        return Ok(small_index(node, key)?.map(|i| (node.get(i), node.get(i + 1))));
    }
    let found = trie::find(root, key, trie::hash(key))?;
    if found.is_some() || !may_be_elsewhere(map, key) {
        return Ok(found);
    }
    match twin(key) {
        Some(hash) if key.is_int() => trie::find(root, key, hash),
        Some(_) => {
            // A Float that equals an inline Int: the group knows only Ints.
            let int = whole(key).and_then(|word| Value::immediate(key.thread(), word));
            int.map_or(Ok(None), |int| trie::find(root, int, trie::hash(int)))
        }
        None => Ok(None),
    }
}

/// Can a key of a trie be found in a second place?
#[inline]
fn may_be_elsewhere(map: Value<'_>, key: Value<'_>) -> bool {
    if key.is_int() { has_floats(map) } else { whole(key).is_some() }
}

/// The inline Int that a Float equals.
#[inline]
fn whole(key: Value<'_>) -> Option<Word> {
    let f = key.word().as_tagged_float()?;
    match integral(f)? {
        Integral::Small(i) => Word::int(i),
        Integral::Large { .. } => None,
    }
}

/// The hash of the second place of a key: of an Int that of the Float, of a Float that of the Int.
fn twin(key: Value<'_>) -> Option<u64> {
    match key.as_int() {
        // Floats have the general hash, which is the same for the Int.
        Some(_) => Some(hashing::hash(key)),
        None => whole(key).and_then(Word::as_int).map(|i| group::hash(group::number(i))),
    }
}

/// Key and hash by which an operation on a trie must look: those of the key itself, unless its twin is there.
fn place(cx: &mut Thread, map: Handle, key: Handle) -> Result<(Handle, u64), Thrown> {
    let (m, k) = (cx.get(map), cx.get(key));
    let own = trie::hash(k);
    if !may_be_elsewhere(m, k) {
        return Ok((key, own));
    }
    match find(m, k) {
        Ok(Some((found, _))) if found.is_int() != k.is_int() => {
            let hash = trie::hash(found);
            Ok((cx.root(found), hash))
        }
        // `find` gives the key it was asked for when a group has it: a Float was asked for as an Int then.
        Ok(_) => Ok((key, own)),
        Err(deep) => Err(deep.throw(cx)),
    }
}

/// The value of a key.
#[inline]
pub fn get<'h>(map: Value<'h>, key: Value<'h>) -> Result<Option<Value<'h>>, TooDeep> {
    Ok(find(map, key)?.map(|(_, value)| value))
}

/// All entries.
pub fn iter(map: Value<'_>) -> Iter<'_> {
    let root = root(map);
    if root.is(NODE) { Iter::Small(Slots::of(root), 0) } else { Iter::Large(Entries::of(root)) }
}

/// The entry that [`iter`] gives last.
pub fn last(map: Value<'_>) -> Option<(Value<'_>, Value<'_>)> {
    let root = root(map);
    if !root.is(NODE) {
        return trie::last(root);
    }
    let node = Slots::of(root);
    let value = node.len().checked_sub(1)?;
    Some((node.get(value - 1), node.get(value)))
}

/// See [`iter`].
#[derive(Clone, Debug)]
pub enum Iter<'h> {
    /// Over the NODE of a small map.
    Small(Slots<'h>, usize),
    /// Over a trie.
    Large(Entries<'h>),
}

impl<'h> Iterator for Iter<'h> {
    type Item = (Value<'h>, Value<'h>);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Iter::Small(node, at) => {
                if *at >= node.len() {
                    return None;
                }
                *at += 2;
                Some((node.get(*at - 2), node.get(*at - 1)))
            }
            Iter::Large(entries) => entries.next(),
        }
    }
}

/// The map with an entry added or its value replaced; a known key keeps its place. A MAP with an owner is changed itself.
pub fn assoc(cx: &mut Thread, map: Handle, key: Handle, value: Handle) -> Result<Handle, Thrown> {
    hashing::prepare(cx, key)?;
    assoc_prepared(cx, map, key, value)
}

/// [`assoc`] with a key that is prepared ([`hashing::prepare`]): no code of the program runs.
pub(super) fn assoc_prepared(cx: &mut Thread, map: Handle, key: Handle, value: Handle) -> Result<Handle, Thrown> {
    let mark = cx.mark();
    let result = assoc_unscoped(cx, map, key, value)?;
    Ok(cx.keep(mark, result))
}

fn assoc_unscoped(cx: &mut Thread, map: Handle, key: Handle, value: Handle) -> Result<Handle, Thrown> {
    let m = cx.get(map);
    let (count, owner, old) = (len(m), owner(m), cx.root(root(m)));
    if cx.get(old).is(NODE) {
        let node = Slots::of(cx.get(old));
        return match small_index(node, cx.get(key)) {
            Ok(Some(i)) if node.get(i + 1) == cx.get(value) => Ok(map),
            Ok(Some(i)) => {
                let node = super::view::replace(cx, old, i + 1, value)?;
                update(cx, map, count, node, false, owner)
            }
            Ok(None) if count < SMALL => {
                let len = node.len();
                let node = cx.allocate(NODE, len + 3, 0, |cx, mut fresh| {
                    fresh.set_raw(ARRAY_LENGTH, count_bits(len + 2));
                    fresh.copy(ARRAY_ELEMENTS, cx.get(old), ARRAY_ELEMENTS, len);
                    fresh.set(ARRAY_ELEMENTS + len, cx.get(key));
                    fresh.set(ARRAY_ELEMENTS + len + 1, cx.get(value));
                })?;
                update(cx, map, count + 1, node, false, owner)
            }
            Ok(None) => {
                let owner = take_owner(cx, cx.get(map));
                let (root, mut floats) = grow(cx, old, owner)?;
                floats |= whole(cx.get(key)).is_some();
                let hash = trie::hash(cx.get(key));
                let (root, _) = trie::assoc(cx, root, key, hash, value, owner)?;
                update(cx, map, count + 1, root, floats, owner)
            }
            Err(deep) => Err(deep.throw(cx)),
        };
    }
    let owner = take_owner(cx, m);
    let (key, hash) = place(cx, map, key)?;
    let (root, added) = trie::assoc(cx, old, key, hash, value, owner)?;
    if root == old && !added {
        return Ok(map);
    }
    let floats = has_floats(cx.get(map)) || whole(cx.get(key)).is_some();
    update(cx, map, count + usize::from(added), root, floats, owner)
}

/// The trie of the entries of a small map, and whether it has Float keys that equal an Int.
fn grow(cx: &mut Thread, node: Handle, owner: u32) -> Result<(Handle, bool), Thrown> {
    // Nobody knows the new nodes yet: an owner of their own saves copies.
    let building = if owner == SHARED { cx.heap().owners().take_private() } else { owner };
    cx.use_owner(building);
    let mut root = trie::empty(cx, building)?;
    let mut floats = false;
    let len = Slots::of(cx.get(node)).len();
    for i in (0..len).step_by(2) {
        let slots = Slots::of(cx.get(node));
        let (key, value) = (cx.root(slots.get(i)), cx.root(slots.get(i + 1)));
        floats |= whole(cx.get(key)).is_some();
        let hash = trie::hash(cx.get(key));
        root = trie::assoc(cx, root, key, hash, value, building)?.0;
    }
    Ok((root, floats))
}

/// A MAP of other contents; the same MAP when it has an owner.
#[inline]
fn update(
    cx: &mut Thread,
    map: Handle,
    count: usize,
    root: Handle,
    floats: bool,
    owner: u32,
) -> Result<Handle, Thrown> {
    if cfg!(debug_assertions) {
        assert_sound(cx.get(root), count);
    }
    if owner == SHARED {
        return make(cx, count, root, floats, owner);
    }
    let m = cx.get(map);
    let number = cx.root_word(Word(count_bits(count)));
    let floats = cx.root_word(if floats { Word::TRUE } else { Word::NULL });
    cx.set_slot(m, MAP_COUNT, cx.get(number));
    // Before the root: who sees a trie with Float keys that equal an Int, which a small map had already, is to look for them.
    cx.set_slot(m, MAP_FLOATS, cx.get(floats));
    cx.set_slot(m, MAP_ROOT, cx.get(root));
    Ok(map)
}

/// In a checked build: the root of a map of so many entries has them.
fn assert_sound(root: Value<'_>, count: usize) {
    if root.is(NODE) {
        assert!(Slots::of(root).len() == 2 * count, "a small map has another count");
    } else {
        trie::assert_sound(root, count);
    }
}

/// The map without a key.
pub fn dissoc(cx: &mut Thread, map: Handle, key: Handle) -> Result<Handle, Thrown> {
    hashing::prepare(cx, key)?;
    dissoc_prepared(cx, map, key)
}

/// [`dissoc`] with a key that is prepared.
pub(super) fn dissoc_prepared(cx: &mut Thread, map: Handle, key: Handle) -> Result<Handle, Thrown> {
    let mark = cx.mark();
    let result = dissoc_unscoped(cx, map, key)?;
    Ok(cx.keep(mark, result))
}

fn dissoc_unscoped(cx: &mut Thread, map: Handle, key: Handle) -> Result<Handle, Thrown> {
    let m = cx.get(map);
    let (count, owner, old) = (len(m), owner(m), cx.root(root(m)));
    let root = if cx.get(old).is(NODE) {
        let node = Slots::of(cx.get(old));
        let len = node.len();
        match small_index(node, cx.get(key)) {
            Ok(Some(i)) => cx.allocate(NODE, len - 1, 0, |cx, mut fresh| {
                fresh.set_raw(ARRAY_LENGTH, count_bits(len - 2));
                fresh.copy(ARRAY_ELEMENTS, cx.get(old), ARRAY_ELEMENTS, i);
                fresh.copy(ARRAY_ELEMENTS + i, cx.get(old), ARRAY_ELEMENTS + i + 2, len - 2 - i);
            })?,
            Ok(None) => return Ok(map),
            Err(deep) => return Err(deep.throw(cx)),
        }
    } else {
        let (key, hash) = place(cx, map, key)?;
        // A trie that becomes small is left as it is: there may be no memory for the NODE.
        let trie_owner = if count - 1 <= SMALL { SHARED } else { take_owner(cx, cx.get(map)) };
        match trie::dissoc(cx, old, key, hash, trie_owner)? {
            Some(root) if count - 1 <= SMALL => shrink(cx, root, count - 1)?,
            Some(root) => {
                let floats = has_floats(cx.get(map));
                return update(cx, map, count - 1, root, floats, trie_owner);
            }
            None => return Ok(map),
        }
    };
    update(cx, map, count - 1, root, false, owner)
}

/// [`assoc`] for an accumulator, which gets the result.
pub fn assoc_in_place(cx: &mut Thread, map: Handle, key: Handle, value: Handle) -> Result<Handle, Thrown> {
    hashing::prepare(cx, key)?;
    change_in_place(cx, map, |cx| assoc_prepared(cx, map, key, value))
}

/// [`dissoc`] for an accumulator, which gets the result.
pub fn dissoc_in_place(cx: &mut Thread, map: Handle, key: Handle) -> Result<Handle, Thrown> {
    hashing::prepare(cx, key)?;
    change_in_place(cx, map, |cx| dissoc_prepared(cx, map, key))
}

/// Gives a prepared key of a large map another value in place: false, and nothing is done, where that cannot be.
pub fn replace_in_place<'h>(map: Value<'h>, key: Value<'h>, value: Value<'h>) -> bool {
    !is_small(map) && !may_be_elsewhere(map, key) && trie::replace(root(map), key, trie::hash(key), value, owner(map))
}

/// Adds a prepared key to a large map in place: false, and nothing is done, where that cannot be.
pub fn add_in_place<'h>(map: Value<'h>, key: Value<'h>, value: Value<'h>) -> bool {
    change_large(map, key, len(map) + 1, |root, owner| {
        adding::add(root, adding::Entry { key, hash: trie::hash(key), value }, owner)
    })
}

/// Takes a prepared key from a large map that stays large, in place: false, and nothing is done, where that cannot be.
pub fn remove_in_place<'h>(map: Value<'h>, key: Value<'h>) -> bool {
    let left = len(map).saturating_sub(1);
    left > SMALL && change_large(map, key, left, |root, owner| removing::remove(root, key, trie::hash(key), owner))
}

/// Changes the trie of a large map by what gives its new root, and its count, where it has an owner and the key one place.
#[inline]
fn change_large<'h>(
    map: Value<'h>,
    key: Value<'h>,
    count: usize,
    change: impl FnOnce(Value<'h>, u32) -> Option<Value<'h>>,
) -> bool {
    let (owner, root) = (owner(map), root(map));
    if root.is(NODE) || matches!(owner, SHARED | LATER | LATER_PRIVATE) || may_be_elsewhere(map, key) {
        return false;
    }
    let cx = map.thread();
    let Some(count) = Value::immediate(cx, Word(count_bits(count))) else { return false };
    let Some(new) = change(root, owner) else { return false };
    cx.set_slot(map, MAP_COUNT, count);
    if new != root {
        cx.set_slot(map, MAP_ROOT, new);
    }
    true
}

/// Changes the map of an accumulator, and marks the result as its own.
#[inline]
fn change_in_place(
    cx: &mut Thread,
    map: Handle,
    change: impl FnOnce(&mut Thread) -> Result<Handle, Thrown>,
) -> Result<Handle, Thrown> {
    let old = cx.get(map);
    if !is_small(old) {
        marks::owner_when_due(cx, old);
    }
    let mark = old.count();
    let result = change(cx)?;
    // What has an owner was changed itself; what was not changed at all may be known to others.
    if let Some(mark) = marks::after(mark).filter(|_| cx.get(result) != cx.get(map)) {
        cx.set_count(cx.get(result), mark);
    }
    Ok(result)
}

/// The NODE of a trie that has become small.
fn shrink(cx: &mut Thread, root: Handle, count: usize) -> Result<Handle, Thrown> {
    cx.allocate(NODE, ARRAY_ELEMENTS + 2 * count, 0, |cx, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(2 * count));
        let mut written = 0;
        for (i, (key, value)) in Entries::of(cx.get(root)).take(count).enumerate() {
            fresh.set(ARRAY_ELEMENTS + 2 * i, key);
            fresh.set(ARRAY_ELEMENTS + 2 * i + 1, value);
            written += 1;
        }
        assert!(written == count, "a map of {count} has {written} entries");
    })
}

/// Builds maps (and the maps of sets) entry by entry, in place.
#[derive(Debug)]
pub struct Builder {
    map: Handle,
}

impl Builder {
    /// An empty builder.
    pub fn new(cx: &mut Thread) -> Result<Builder, Thrown> {
        Ok(Builder { map: empty_owned(cx, LATER_PRIVATE)? })
    }

    /// A builder that begins with the entries of a map.
    pub fn from(cx: &mut Thread, map: Handle) -> Result<Builder, Thrown> {
        Ok(Builder { map: with_owner(cx, map, LATER_PRIVATE)? })
    }

    /// Adds an entry or replaces its value.
    pub fn put(&self, cx: &mut Thread, key: Handle, value: Handle) -> Result<(), Thrown> {
        hashing::prepare(cx, key)?;
        let mark = cx.mark();
        let result = assoc_unscoped(cx, self.map, key, value);
        if let Ok(map) = result {
            cx.set(self.map, cx.get(map));
        }
        cx.release(mark);
        result.map(|_| ())
    }

    /// Takes a key away.
    pub fn remove(&self, cx: &mut Thread, key: Handle) -> Result<(), Thrown> {
        hashing::prepare(cx, key)?;
        let mark = cx.mark();
        let result = dissoc_unscoped(cx, self.map, key);
        if let Ok(map) = result {
            cx.set(self.map, cx.get(map));
        }
        cx.release(mark);
        result.map(|_| ())
    }

    /// The map so far, for reading.
    pub fn map(&self) -> Handle {
        self.map
    }

    /// The map.
    pub fn finish(self, cx: &mut Thread) -> Result<Handle, Thrown> {
        with_owner(cx, self.map, SHARED)
    }
}
