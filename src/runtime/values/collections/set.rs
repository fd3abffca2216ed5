//! Persistent sets: a MAP of member to member.

use super::map;
use super::marks::{self, MARKED};
use super::view::field;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::layout::{SET, SET_MAP};
use crate::runtime::values::equality::TooDeep;
use crate::runtime::values::hashing;

/// The MAP of a set.
#[inline]
pub fn map_of(set: Value<'_>) -> Value<'_> {
    field(set, SET, SET_MAP)
}

/// How many members.
#[inline]
pub fn len(set: Value<'_>) -> usize {
    map::len(map_of(set))
}

/// Is it a member?
#[inline]
pub fn contains<'h>(set: Value<'h>, member: Value<'h>) -> Result<bool, TooDeep> {
    Ok(map::find(map_of(set), member)?.is_some())
}

/// All members.
pub fn iter<'h>(set: Value<'h>) -> impl Iterator<Item = Value<'h>> {
    map::iter(map_of(set)).map(|(member, _)| member)
}

/// The set of the keys of a map whose values are its keys.
pub fn from_map(cx: &mut Thread, map: Handle) -> Result<Handle, Thrown> {
    cx.alloc_slots(SET, &[map])
}

/// The set without members.
pub fn empty(cx: &mut Thread) -> Result<Handle, Thrown> {
    let map = map::empty(cx)?;
    from_map(cx, map)
}

/// The set with a member.
pub fn add(cx: &mut Thread, set: Handle, member: Handle) -> Result<Handle, Thrown> {
    hashing::prepare(cx, member)?;
    match contains(cx.get(set), cx.get(member)) {
        Ok(true) => return Ok(set),
        Ok(false) => {}
        Err(deep) => return Err(deep.throw(cx)),
    }
    cx.scoped(|cx| {
        let map = cx.root(marks::map_to_change(cx, cx.get(set)));
        let map = map::assoc(cx, map, member, member)?;
        from_map(cx, map)
    })
}

/// The set without a member.
pub fn remove(cx: &mut Thread, set: Handle, member: Handle) -> Result<Handle, Thrown> {
    cx.scoped(|cx| {
        let old = cx.root(marks::map_to_change(cx, cx.get(set)));
        let new = map::dissoc(cx, old, member)?;
        if new == old { Ok(set) } else { from_map(cx, new) }
    })
}

/// [`add`] for an accumulator, which gets the result.
pub fn add_in_place(cx: &mut Thread, set: Handle, member: Handle) -> Result<Handle, Thrown> {
    hashing::prepare(cx, member)?;
    match contains(cx.get(set), cx.get(member)) {
        Ok(true) => Ok(set),
        Ok(false) => change_in_place(cx, set, |cx, map| map::assoc_in_place(cx, map, member, member)),
        Err(deep) => Err(deep.throw(cx)),
    }
}

/// [`remove`] for an accumulator, which gets the result.
pub fn remove_in_place(cx: &mut Thread, set: Handle, member: Handle) -> Result<Handle, Thrown> {
    change_in_place(cx, set, |cx, map| map::dissoc_in_place(cx, map, member))
}

/// Changes the set of an accumulator: the SET itself where its MAP was.
fn change_in_place(
    cx: &mut Thread,
    set: Handle,
    change: impl FnOnce(&mut Thread, Handle) -> Result<Handle, Thrown>,
) -> Result<Handle, Thrown> {
    cx.scoped(|cx| {
        let old = cx.root(marks::map_to_change(cx, cx.get(set)));
        let new = change(cx, old)?;
        if cx.get(new) == cx.get(old) {
            return Ok(set);
        }
        let set = from_map(cx, new)?;
        cx.set_count(cx.get(set), MARKED);
        Ok(set)
    })
}

/// The set with some members; of equal ones the first stays.
pub fn add_all(cx: &mut Thread, set: Handle, members: &[Handle]) -> Result<Handle, Thrown> {
    let map = cx.root(map_of(cx.get(set)));
    let builder = map::Builder::from(cx, map)?;
    for &member in members {
        add_to(cx, &builder, member)?;
    }
    let map = builder.finish(cx)?;
    from_map(cx, map)
}

/// Adds a member to the map of a set, unless an equal one is there.
pub fn add_to(cx: &mut Thread, builder: &map::Builder, member: Handle) -> Result<(), Thrown> {
    hashing::prepare(cx, member)?;
    match map::find(cx.get(builder.map()), cx.get(member)) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => builder.put(cx, member, member),
        Err(deep) => Err(deep.throw(cx)),
    }
}
