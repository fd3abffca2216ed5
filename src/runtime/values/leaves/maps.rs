//! Leaves of the builtins and helpers that make maps and sets: see [`leaf`](super). What looks into them is in
//! `collections.rs`.
//!
//! A map is made where it is small, or where a key of a large one gets another value in place. A NODE is never changed, for several
//! maps may share it. A MAP that has a mark (`collections/map.rs`) is changed by the builtin alone, but that of a mutable map.

use super::collections::assoc as assoc_collection;
use super::collections::{Few, keyed, node_of, vector_of};
use super::{Answer, Args, count as counted, given, is_plain};
use crate::gc::{Thread, Value};
use crate::object::Word;
use crate::object::layout::{
    self, ARRAY_ELEMENTS, ARRAY_LENGTH, MAP_COUNT, MAP_FLOATS, MAP_ROOT, MUTABLE_INNER_MAP, NODE, SET_MAP, slots,
};
use crate::runtime::system::threads;
use crate::runtime::values::collections::marks::{self, MARKED};
use crate::runtime::values::collections::trie::{self, SHARED};
use crate::runtime::values::collections::view::{Slots, count_bits, field};
use crate::runtime::values::collections::{map, mutable, replacing, set, vector};
use crate::runtime::values::support::index_below;
use crate::runtime::values::{equality, hashing};

/// A map of a few entries, key and value in turn, no two keys of which are equal.
pub fn map_of<'h>(cx: &'h Thread, entries: &[Value<'h>]) -> Answer<'h> {
    if entries.len() > 2 * map::SMALL {
        return None;
    }
    map_of_node(cx, node_of(cx, entries)?)
}

/// The set of the keys of a map whose values are its keys.
fn set_of<'h>(cx: &'h Thread, map: Value<'h>) -> Answer<'h> {
    cx.spare(layout::SET, slots(layout::SET), |_, mut fresh| fresh.set(SET_MAP, map))
}

/// The NODE of a small map that nobody may change in place.
fn small<'h>(map: Value<'h>) -> Option<Slots<'h>> {
    if !map.is(layout::MAP) || map.count() != SHARED {
        return None;
    }
    Slots::if_is(field(map, layout::MAP, MAP_ROOT), NODE)
}

/// The NODE of a small map with an entry: the same one when it has just this entry.
fn node_with_entry<'h>(cx: &'h Thread, node: Slots<'h>, key: Value<'h>, value: Value<'h>) -> Answer<'h> {
    let len = node.len();
    match small_index(node, key)? {
        Some(i) if node.get(i + 1) == value => Some(node.object()),
        Some(i) => cx.spare(NODE, len + 1, |_, mut fresh| {
            fresh.set_raw(ARRAY_LENGTH, count_bits(len));
            fresh.copy(ARRAY_ELEMENTS, node.object(), ARRAY_ELEMENTS, len);
            fresh.set(ARRAY_ELEMENTS + i + 1, value);
        }),
        None if len < 2 * map::SMALL => cx.spare(NODE, len + 3, |_, mut fresh| {
            fresh.set_raw(ARRAY_LENGTH, count_bits(len + 2));
            fresh.copy(ARRAY_ELEMENTS, node.object(), ARRAY_ELEMENTS, len);
            fresh.set(ARRAY_ELEMENTS + len, key);
            fresh.set(ARRAY_ELEMENTS + len + 1, value);
        }),
        None => None,
    }
}

/// The map of a NODE.
fn map_of_node<'h>(cx: &'h Thread, root: Value<'h>) -> Answer<'h> {
    cx.spare(layout::MAP, slots(layout::MAP), |_, mut fresh| {
        fresh.set_raw(MAP_COUNT, count_bits(Slots::of(root).len() / 2));
        fresh.set(MAP_ROOT, root);
        fresh.set_raw(MAP_FLOATS, Word::NULL.0);
    })
}

/// The index of a key in the NODE of a small map, if it is there.
fn small_index<'h>(node: Slots<'h>, key: Value<'h>) -> Option<Option<usize>> {
    if hashing::is_unprepared(key) {
        return None;
    }
    for i in (0..node.len()).step_by(2) {
        if equality::same_key(node.get(i), key).ok()? {
            return Some(Some(i));
        }
    }
    Some(None)
}

/// A small map with an entry.
pub fn with_entry<'h>(cx: &'h Thread, map: Value<'h>, key: Value<'h>, value: Value<'h>) -> Answer<'h> {
    let node = small(map)?;
    let root = node_with_entry(cx, node, key, value)?;
    if root == node.object() { Some(map) } else { map_of_node(cx, root) }
}

/// The NODE of a small map without a key: the same one when it has no such key.
fn node_without<'h>(cx: &'h Thread, node: Slots<'h>, key: Value<'h>) -> Answer<'h> {
    let len = node.len();
    let Some(i) = small_index(node, key)? else { return Some(node.object()) };
    cx.spare(NODE, len - 1, |_, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(len - 2));
        fresh.copy(ARRAY_ELEMENTS, node.object(), ARRAY_ELEMENTS, i);
        fresh.copy(ARRAY_ELEMENTS + i, node.object(), ARRAY_ELEMENTS + i + 2, len - 2 - i);
    })
}

/// A small map without a key.
fn without_entry<'h>(cx: &'h Thread, map: Value<'h>, key: Value<'h>) -> Answer<'h> {
    let node = small(map)?;
    let root = node_without(cx, node, key)?;
    if root == node.object() { Some(map) } else { map_of_node(cx, root) }
}

/// `coll = assoc(coll, key, value)` of an accumulator, as `map::assoc_in_place` does it.
pub fn assoc_in_place<'h>(cx: &'h Thread, [coll, key, value]: Args<'h>) -> Answer<'h> {
    if coll.layout() >= layout::FIRST_USER_LAYOUT || !is_plain(cx) || hashing::is_unprepared(key) {
        return None;
    }
    if coll.is(layout::VECTOR) {
        return replacing::assoc(coll, index_below(key, vector::len(coll))?, value);
    }
    if !coll.is(layout::MAP) {
        return assoc_collection(cx, [coll, key, value]);
    }
    let Some(node) = Slots::if_is(field(coll, layout::MAP, MAP_ROOT), NODE) else {
        let done = map::replace_in_place(coll, key, value) || map::add_in_place(coll, key, value);
        return done.then_some(coll);
    };
    // A map that has an owner is changed itself: by the helper.
    let mark = marks::after(coll.count())?;
    let root = node_with_entry(cx, node, key, value)?;
    if root == node.object() {
        return Some(coll);
    }
    let map = map_of_node(cx, root)?;
    cx.set_count(map, mark);
    Some(map)
}

/// `set = set-add(set, x)` of an accumulator, as `set::add_in_place` does it.
pub fn set_add_in_place<'h>(cx: &'h Thread, [set, x, _]: Args<'h>) -> Answer<'h> {
    let map = set::map_of(Some(set).filter(|set| set.is(layout::SET))?);
    if keyed(map, x)?.is_some() {
        return Some(set);
    }
    // The mark of the MAP of a set that others may know means nothing.
    let mark = if set.count() == SHARED { SHARED } else { map.count() };
    let Some(node) = Slots::if_is(field(map, layout::MAP, MAP_ROOT), NODE) else {
        return (mark != SHARED && map::add_in_place(map, x, x)).then_some(set);
    };
    let mark = marks::after(mark)?;
    let map = map_of_node(cx, node_with_entry(cx, node, x, x)?)?;
    let set = set_of(cx, map)?;
    cx.set_count(map, mark);
    cx.set_count(set, MARKED);
    Some(set)
}

/// `map = dissoc(map, key)` of an accumulator, as `map::dissoc_in_place` does it.
pub fn dissoc_in_place<'h>(cx: &'h Thread, [map, key, _]: Args<'h>) -> Answer<'h> {
    if !map.is(layout::MAP) || hashing::is_unprepared(key) {
        return None;
    }
    let Some(node) = Slots::if_is(field(map, layout::MAP, MAP_ROOT), NODE) else {
        return map::remove_in_place(map, key).then_some(map);
    };
    let mark = marks::after(map.count())?;
    let root = node_without(cx, node, key)?;
    if root == node.object() {
        return Some(map);
    }
    let map = map_of_node(cx, root)?;
    cx.set_count(map, mark);
    Some(map)
}

/// `set = set-remove(set, x)` of an accumulator, from a large set.
pub fn set_remove_in_place<'h>(_: &'h Thread, [set, x, _]: Args<'h>) -> Answer<'h> {
    let map = set::map_of(Some(set).filter(|set| set.is(layout::SET) && set.count() != SHARED)?);
    match keyed(map, x)? {
        Some(_) => map::remove_in_place(map, x).then_some(set),
        None => Some(set),
    }
}

/// A mutable map or set, empty.
fn new_mutable(cx: &Thread, layout: layout::LayoutId) -> Answer<'_> {
    let map = map_of_node(cx, node_of(cx, &[])?)?;
    let mutable = cx.spare(layout, slots(layout), |_, mut fresh| fresh.set(MUTABLE_INNER_MAP, map))?;
    cx.set_count(map, trie::LATER);
    Some(mutable)
}

/// `mutable-map/new`
pub fn new_map<'h>(cx: &'h Thread, _: Args<'h>) -> Answer<'h> {
    new_mutable(cx, layout::MUTABLE_MAP)
}

/// `mutable-set/new`
pub fn new_set<'h>(cx: &'h Thread, _: Args<'h>) -> Answer<'h> {
    new_mutable(cx, layout::MUTABLE_SET)
}

/// The MAP of what is to be a mutable map or set, as the layout says, and its NODE when it is small.
fn mutable_parts(mutable: Value<'_>, layout: layout::LayoutId) -> Option<(Value<'_>, Option<Slots<'_>>)> {
    let map = mutable.is(layout).then(|| mutable::map_of(mutable))?;
    Some((map, Slots::if_is(field(map, layout::MAP, MAP_ROOT), NODE)))
}

/// Gives the MAP of a mutable map other entries. They are changed by one thread at a time, and only one that is alone need not ask
/// for that.
fn give<'h>(cx: &'h Thread, mutable: Value<'h>, map: Value<'h>, root: Value<'h>) -> Answer<'h> {
    if !threads::alone(cx) || map.count() == SHARED {
        return None;
    }
    cx.set_slot(map, MAP_COUNT, counted(cx, Slots::of(root).len() / 2)?);
    cx.set_slot(map, MAP_ROOT, root);
    Some(mutable)
}

/// `mutable-map/put!`
pub fn mutable_put<'h>(cx: &'h Thread, [mutable, key, value]: Args<'h>) -> Answer<'h> {
    if hashing::is_unprepared(key) {
        return None;
    }
    match mutable_parts(mutable, layout::MUTABLE_MAP)? {
        (map, Some(node)) => give(cx, mutable, map, node_with_entry(cx, node, key, value)?),
        // As `give`: by one thread at a time.
        (map, None) => {
            let change = || map::replace_in_place(map, key, value) || map::add_in_place(map, key, value);
            (threads::alone(cx) && change()).then_some(mutable)
        }
    }
}

/// `mutable-map/remove!`
pub fn mutable_remove<'h>(cx: &'h Thread, [mutable, key, _]: Args<'h>) -> Answer<'h> {
    if hashing::is_unprepared(key) {
        return None;
    }
    match mutable_parts(mutable, layout::MUTABLE_MAP)? {
        (map, Some(node)) => give(cx, mutable, map, node_without(cx, node, key)?),
        // As `give`: by one thread at a time.
        (map, None) => (threads::alone(cx) && map::remove_in_place(map, key)).then_some(mutable),
    }
}

/// A persistent map of the entries of a small mutable one.
pub fn map_done<'h>(cx: &'h Thread, [mutable, ..]: Args<'h>) -> Answer<'h> {
    let (_, node) = mutable_parts(mutable, layout::MUTABLE_MAP)?;
    // Its NODE is never changed: the mutable map gets another one.
    map_of_node(cx, node?.object())
}

/// `mutable-set/add!`
pub fn mutable_add<'h>(cx: &'h Thread, [set, member, _]: Args<'h>) -> Answer<'h> {
    let (map, node) = mutable_parts(set, layout::MUTABLE_SET)?;
    match keyed(map, member)? {
        Some(_) => Some(set),
        None => match node {
            Some(node) => give(cx, set, map, node_with_entry(cx, node, member, member)?),
            None => (threads::alone(cx) && map::add_in_place(map, member, member)).then_some(set),
        },
    }
}

/// The value of a key, or UNDEFINED.
pub fn map_find<'h>(cx: &'h Thread, [map, key, _]: Args<'h>) -> Answer<'h> {
    match keyed(Some(map).filter(|map| map.is(layout::MAP))?, key)? {
        Some(value) => Some(value),
        None => Value::immediate(cx, Word::UNDEFINED),
    }
}

pub fn dissoc<'h>(cx: &'h Thread, [map, key, more]: Args<'h>) -> Answer<'h> {
    let map = without_entry(cx, map, key)?;
    given(more).map_or(Some(map), |key| without_entry(cx, map, key))
}

pub fn conj<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    args[0].is(layout::SET).then(|| set_add(cx, args))?
}

pub fn set_add<'h>(cx: &'h Thread, [set, x, _]: Args<'h>) -> Answer<'h> {
    let map = set::map_of(Some(set).filter(|set| set.is(layout::SET))?);
    match keyed(map, x)? {
        Some(_) => Some(set),
        None => set_of(cx, with_entry(cx, map, x, x)?),
    }
}

pub fn set_remove<'h>(cx: &'h Thread, [set, x, _]: Args<'h>) -> Answer<'h> {
    let map = set::map_of(Some(set).filter(|set| set.is(layout::SET))?);
    match keyed(map, x)? {
        Some(_) => set_of(cx, without_entry(cx, map, x)?),
        None => Some(set),
    }
}

/// The keys or values of a small map.
fn half<'h>(cx: &'h Thread, map: Value<'h>, at: usize) -> Answer<'h> {
    let node = small(map)?;
    let mut few = Few::new();
    (at..node.len()).step_by(2).try_for_each(|i| few.push(node.get(i)))?;
    vector_of(cx, few.values())
}

pub fn keys<'h>(cx: &'h Thread, [map, ..]: Args<'h>) -> Answer<'h> {
    half(cx, map, 0)
}

pub fn vals<'h>(cx: &'h Thread, [map, ..]: Args<'h>) -> Answer<'h> {
    half(cx, map, 1)
}

pub fn merge<'h>(cx: &'h Thread, [a, b, c]: Args<'h>) -> Answer<'h> {
    let mut map = given(a)?;
    small(map)?;
    for more in [b, c].into_iter().filter_map(given) {
        let node = small(more)?;
        for i in (0..node.len()).step_by(2) {
            map = with_entry(cx, map, node.get(i), node.get(i + 1))?;
        }
    }
    Some(map)
}

pub fn select_keys<'h>(cx: &'h Thread, [map, keys, _]: Args<'h>) -> Answer<'h> {
    let node = small(map)?;
    let mut entries = Few::new();
    let mut few = Few::new();
    few.add(cx, keys)?;
    for key in few.values() {
        if let Some(i) = small_index(node, *key)?
            && !entries.values().chunks(2).any(|entry| entry[0] == node.get(i))
        {
            entries.push(node.get(i))?;
            entries.push(node.get(i + 1))?;
        }
    }
    map_of(cx, entries.values())
}

/// `{…}` of so many keys and values in the argument area.
pub fn make_map(cx: &Thread, n: usize) -> Answer<'_> {
    if n > 2 * map::SMALL {
        return None;
    }
    let mut entries = Few::new();
    for i in (0..n).step_by(2) {
        let key = cx.spilled_arg(i);
        let known = entries.values().chunks(2).any(|entry| equality::same_key(entry[0], key) != Ok(false));
        if known || hashing::is_unprepared(key) {
            return None;
        }
        entries.push(key)?;
        entries.push(cx.spilled_arg(i + 1))?;
    }
    map_of(cx, entries.values())
}

/// `#{…}` of so many members in the argument area.
pub fn make_set(cx: &Thread, n: usize) -> Answer<'_> {
    if n > map::SMALL {
        return None;
    }
    let mut entries = Few::new();
    for i in 0..n {
        let member = cx.spilled_arg(i);
        let known = entries.values().chunks(2).any(|entry| equality::same_key(entry[0], member) != Ok(false));
        if known || hashing::is_unprepared(member) {
            return None;
        }
        entries.push(member)?;
        entries.push(member)?;
    }
    set_of(cx, map_of(cx, entries.values())?)
}
