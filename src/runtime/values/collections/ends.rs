//! Adding an element at the end of the vector of an accumulator (`codegen/accumulators.rs`), and taking the last one,
//! without a collection.
//!
//! Owns tails with room: a NODE whose length says how many elements are in use, with memory for as many as a tail may
//! have behind them. It has the owner of the vector in its header, and its thread remembers it until the next
//! collection ([`Thread::room`]), which moves what is in use. So whoever reads a vector sees nothing of it. The machine
//! code that adds to one is in `stubs/fast/access.rs`.
//!
//! [`Thread::room`]: crate::gc::Thread::room

use super::marks::{self, SHARED};
use super::vector::{self, BITS, WIDTH};
use super::view::{Slots, count_bits, field};
use crate::gc::Value;
use crate::object::Word;
use crate::object::layout::{NODE, VECTOR};

/// `vector = push(vector, value)` of an accumulator: the vector itself. None, and nothing is done, where it has no
/// owner yet, memory is to be collected, or the path to a new leaf is longer than a step.
pub fn push<'h>(vector: Value<'h>, value: Value<'h>) -> Option<Value<'h>> {
    let owner = marks::owner_when_due(vector.thread(), vector);
    if owner == SHARED {
        return None;
    }
    let used = Slots::of(field(vector, VECTOR, 3)).len();
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
    let tail = field(vector, VECTOR, 3);
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
    let (cx, old) = (vector.thread(), field(vector, VECTOR, 3));
    let used = n + usize::from(more.is_some());
    let tail = cx.spare(NODE, WIDTH + 1, |_, mut fresh| {
        fresh.set_raw(0, count_bits(WIDTH));
        fresh.copy(1, old, 1, n);
        if let Some(value) = more {
            fresh.set(1 + n, value);
        }
        for i in used..WIDTH {
            fresh.set_raw(1 + i, Word::NULL.0);
        }
    })?;
    cx.cut_array(tail, used);
    cx.set_count(tail, owner);
    cx.set_room(owner, tail);
    Some(tail)
}

fn set_tail<'h>(vector: Value<'h>, tail: Value<'h>, len: usize) -> Option<()> {
    let cx = vector.thread();
    cx.set_slot(vector, 3, tail);
    cx.set_slot(vector, 0, Value::immediate(cx, Word(count_bits(len)))?);
    Some(())
}

/// The full tail becomes a leaf of the vector, below a root that is above leaves.
fn push_leaf(vector: Value<'_>, owner: u32) -> Option<()> {
    let (cx, (shift, skip)) = (vector.thread(), vector::shape(vector));
    let (leaf, root) = (field(vector, VECTOR, 3), field(vector, VECTOR, 2));
    let at = (vector::tail_start(vector) + skip) / WIDTH;
    if at == WIDTH || at > 0 && shift != BITS {
        return None;
    }
    let root = cx.spare(NODE, at + 2, |_, mut fresh| {
        fresh.set_raw(0, count_bits(at + 1));
        if at > 0 {
            fresh.copy(1, root, 1, at);
        }
        fresh.set(1 + at, leaf);
    })?;
    cx.set_count(root, owner);
    cx.set_slot(vector, 1, Value::immediate(cx, Word(vector::shape_bits(BITS, skip)))?);
    cx.set_slot(vector, 2, root);
    Some(())
}
