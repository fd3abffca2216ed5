//! Adding an element at the end of the vector of an accumulator (`codegen/accumulators.rs`), and taking the last one,
//! without a collection.
//!
//! Owns tails with room: a NODE whose length says how many elements are in use, with memory for as many as a tail may
//! have behind them. It has the owner of the vector in its header, and its thread remembers it until the next
//! collection ([`Thread::room`]), which moves what is in use. So whoever reads a vector sees nothing of it. The machine
//! code that adds to one is in `stubs/access.rs`.
//!
//! [`Thread::room`]: crate::gc::Thread::room

use super::marks::{self, SHARED};
use super::vector::{self, BITS, WIDTH};
use super::view::{Slots, count_bits, field};
use crate::gc::Value;
use crate::object::Word;
use crate::object::layout::{
    ARRAY_ELEMENTS, ARRAY_LENGTH, NODE, VECTOR, VECTOR_COUNT, VECTOR_ROOT, VECTOR_SHAPE, VECTOR_TAIL,
};

/// `vector = push(vector, value)` of an accumulator: the vector itself. None, and nothing is done, where it has no
/// owner yet, memory is to be collected, or the path to a new leaf is longer than a step.
pub fn push<'h>(vector: Value<'h>, value: Value<'h>) -> Option<Value<'h>> {
    let owner = marks::owner_when_due(vector.thread(), vector);
    if owner == SHARED {
        return None;
    }
    let used = Slots::of(field(vector, VECTOR, VECTOR_TAIL)).len();
    if used < WIDTH {
        let tail = roomy(vector, used, Some(value), owner)?;
        set_tail(vector, tail, vector::len(vector) + 1)?;
    } else {
        let tail = roomy(vector, 0, Some(value), owner)?;
        push_leaf(vector, owner)?;
        set_tail(vector, tail, vector::len(vector) + 1)?;
    }
    Some(vector)
}

/// `vector = butlast(vector)` of an accumulator: the vector itself. None, and nothing is done, where it has no owner
/// yet, memory is to be collected, or its tail has nothing else.
pub fn pop(vector: Value<'_>) -> Option<Value<'_>> {
    let owner = marks::owner_when_due(vector.thread(), vector);
    let tail = field(vector, VECTOR, VECTOR_TAIL);
    let used = Slots::of(tail).len();
    if owner == SHARED || used < 2 {
        return None;
    }
    let tail = if tail.count() == owner { tail } else { roomy(vector, used - 1, None, owner)? };
    set_tail(vector, tail, vector::len(vector) - 1)?;
    vector.thread().cut_array(tail, used - 1);
    Some(vector)
}

/// A tail with room for the vector: its first elements, and perhaps one more. It is remembered.
fn roomy<'h>(vector: Value<'h>, n: usize, more: Option<Value<'h>>, owner: u32) -> Option<Value<'h>> {
    let (cx, old) = (vector.thread(), field(vector, VECTOR, VECTOR_TAIL));
    let used = n + usize::from(more.is_some());
    let tail = cx.spare(NODE, WIDTH + 1, |_, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(WIDTH));
        fresh.copy(ARRAY_ELEMENTS, old, ARRAY_ELEMENTS, n);
        if let Some(value) = more {
            fresh.set(ARRAY_ELEMENTS + n, value);
        }
        for i in used..WIDTH {
            fresh.set_raw(ARRAY_ELEMENTS + i, Word::NULL.0);
        }
    })?;
    cx.cut_array(tail, used);
    cx.set_count(tail, owner);
    cx.set_room(owner, tail);
    Some(tail)
}

fn set_tail<'h>(vector: Value<'h>, tail: Value<'h>, len: usize) -> Option<()> {
    let cx = vector.thread();
    cx.set_slot(vector, VECTOR_TAIL, tail);
    cx.set_slot(vector, VECTOR_COUNT, Value::immediate(cx, Word(count_bits(len)))?);
    Some(())
}

/// The full tail becomes a leaf of the vector, below a root that is above leaves.
fn push_leaf(vector: Value<'_>, owner: u32) -> Option<()> {
    let (cx, (shift, skip)) = (vector.thread(), vector::shape(vector));
    let (leaf, root) = (field(vector, VECTOR, VECTOR_TAIL), field(vector, VECTOR, VECTOR_ROOT));
    let at = (vector::tail_start(vector) + skip) / WIDTH;
    if at == WIDTH || at > 0 && shift != BITS {
        return None;
    }
    let root = cx.spare(NODE, at + 2, |_, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(at + 1));
        if at > 0 {
            fresh.copy(ARRAY_ELEMENTS, root, ARRAY_ELEMENTS, at);
        }
        fresh.set(ARRAY_ELEMENTS + at, leaf);
    })?;
    cx.set_count(root, owner);
    cx.set_slot(vector, VECTOR_SHAPE, Value::immediate(cx, Word(vector::shape_bits(BITS, skip)))?);
    cx.set_slot(vector, VECTOR_ROOT, root);
    Some(())
}
