//! Marks: who may change a collection in place, in the count of its header.
//!
//! Owns what the count in the header of a MAP, VECTOR or SET means. [`SHARED`]: nobody, it never changes. What has a mark is held by
//! one holder that nobody else can see: a MUTABLE_MAP, a builder, or an *accumulator*, a variable that gets the result of each change
//! (`codegen/accumulators.rs`).
//!
//! - The mark of a MAP or VECTOR is the owner of the nodes it may change (`gc/mutator/owners.rs`), or one above [`OWNERS`]: so many times has an
//!   accumulator been changed between which nobody else read the variable. Owners are never used twice, so one is taken only after
//!   [`PATIENCE`] changes.
//! - The mark of a SET is [`MARKED`], and says that the mark of its MAP holds. Without it that means nothing, and is cleared before the
//!   MAP is changed: whoever reads the variable clears the mark of the SET alone.

use super::{map, set};
pub use crate::gc::mutator::owners::SHARED;
use crate::gc::mutator::owners::{LATER_PRIVATE, OWNERS};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::collections::PATIENCE;
use crate::object::layout::{MAP, SET, VECTOR, slots};

/// The mark of a SET that one accumulator holds.
pub const MARKED: u32 = 1;

/// The same collection with a mark, for who goes on with it alone; what has no marks comes back as it is.
pub fn marked_copy(cx: &mut Thread, coll: Handle) -> Result<Handle, Thrown> {
    let copy = match cx.get(coll).layout() {
        MAP => map::with_owner(cx, coll, of_new(SHARED))?,
        VECTOR => {
            let slots: Vec<Handle> = (0..slots(VECTOR)).map(|i| cx.root(cx.get(coll).slot(i))).collect();
            let copy = cx.alloc_slots(VECTOR, &slots)?;
            cx.set_count(cx.get(copy), of_new(SHARED));
            copy
        }
        SET => {
            let map = cx.root(set::map_of(cx.get(coll)));
            let map = map::with_owner(cx, map, of_new(SHARED))?;
            let copy = set::from_map(cx, map)?;
            cx.set_count(cx.get(copy), MARKED);
            copy
        }
        _ => coll,
    };
    Ok(copy)
}

/// The owner in the mark of a MAP or VECTOR.
#[inline]
pub(super) fn owner(coll: Value<'_>) -> u32 {
    let mark = coll.count();
    if mark < OWNERS { mark } else { SHARED }
}

/// Clears the mark of a value that has one: somebody else will see it.
pub fn freeze(cx: &Thread, value: Value<'_>) {
    if (value.is(MAP) || value.is(VECTOR) || value.is(SET)) && value.count() != SHARED {
        cx.set_count(value, SHARED);
    }
}

/// The MAP of a SET that is to be changed: its mark is cleared, unless one accumulator holds the SET.
pub(super) fn map_to_change<'h>(cx: &Thread, set: Value<'h>) -> Value<'h> {
    let map = set::map_of(set);
    if set.count() == SHARED {
        freeze(cx, map);
    }
    map
}

/// The mark of what a change of an accumulator has made of a collection with another mark: none where that stays.
pub fn after(mark: u32) -> Option<u32> {
    let changes = mark.max(OWNERS) - OWNERS;
    (mark == SHARED || mark >= OWNERS).then(|| OWNERS + (changes + 1).min(PATIENCE))
}

/// The mark of a new collection that a change of an accumulator has made of one with another mark.
pub fn of_new(mark: u32) -> u32 {
    after(mark).unwrap_or(OWNERS + PATIENCE)
}

/// The mark of the vector of an accumulator becomes that of a new one, which takes its place; a vector that is the same
/// has it still.
pub fn pass_on(cx: &Thread, old: Value<'_>, new: Value<'_>) {
    if old == new {
        return;
    }
    let mark = old.count();
    cx.set_count(new, after(mark).unwrap_or(mark));
    freeze(cx, old);
}

/// Gives the collection of an accumulator an owner, if it has been changed often enough, and says which it has; [`SHARED`] for none.
pub(super) fn owner_when_due(cx: &Thread, coll: Value<'_>) -> u32 {
    let mark = coll.count();
    if mark != OWNERS + PATIENCE && mark != LATER_PRIVATE {
        return owner(coll);
    }
    let owner = cx.heap().owners().take_private();
    if owner != SHARED {
        cx.set_count(coll, owner);
    }
    owner
}
