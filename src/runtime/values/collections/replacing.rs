//! Replacing an element of the vector of an accumulator (`codegen/accumulators.rs`), without a collection.
//!
//! Owns the way to an element through the nodes of a VECTOR with a mark (`marks.rs`). The header count of a NODE is the owner that may
//! change it; those of nobody are copied on the way, and stay the vector's own. Invariant: a NODE of an owner is reached from no VECTOR
//! but the one that has this mark, and from those that had it.

use super::marks::{self, SHARED};
use super::vector::{self, BITS, WIDTH};
use super::view::{Slots, count_bits, field};
use crate::gc::Value;
use crate::object::layout::{ARRAY_ELEMENTS, ARRAY_LENGTH, NODE, VECTOR, VECTOR_ROOT, VECTOR_TAIL};

/// `vector = assoc(vector, i, value)` of an accumulator: the vector itself, or another one with the next mark. None, and the
/// program sees no difference, where there is no such element or memory is to be collected.
pub fn assoc<'h>(vector: Value<'h>, i: usize, value: Value<'h>) -> Option<Value<'h>> {
    let cx = vector.thread();
    let (mut at, mut level, in_tail) = vector::position(vector, i)?;
    let owner = marks::owner_when_due(cx, vector);
    if owner == SHARED {
        let new = vector::spare_assoc(vector, i, value)?;
        cx.set_count(new, marks::of_new(vector.count()));
        return Some(new);
    }
    let slot = if in_tail { VECTOR_TAIL } else { VECTOR_ROOT };
    let mut node = own(vector, slot, field(vector, VECTOR, slot), owner)?;
    while level > 0 {
        let digit = at >> level & (WIDTH - 1);
        node = own(node, ARRAY_ELEMENTS + digit, Slots::of(node).get(digit), owner)?;
        level -= BITS;
    }
    at &= WIDTH - 1;
    cx.set_slot(node, ARRAY_ELEMENTS + at, value);
    Some(vector)
}

/// The NODE that stands in a slot of an object of the owner: a copy of its own takes the place of another's.
fn own<'h>(object: Value<'h>, slot: usize, node: Value<'h>, owner: u32) -> Option<Value<'h>> {
    if node.count() == owner {
        return Some(node);
    }
    let (cx, n) = (node.thread(), Slots::of(node).len());
    let copy = cx.spare(NODE, n + 1, |_, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(n));
        fresh.copy(ARRAY_ELEMENTS, node, ARRAY_ELEMENTS, n);
    })?;
    cx.set_count(copy, owner);
    cx.set_slot(object, slot, copy);
    Some(copy)
}
