//! Vector builders: how the library makes a vector element by element.
//!
//! ```text
//! VECTOR_BUILDER leaf | count | leaves | leaves in use | vector
//!                │      │       │                        └─ the elements before all of these as a VECTOR, null for none
//!                │      │       └─ NODE with room for WIDTH full leaves, null for none
//!                │      └─ how many elements of the leaf are in use
//!                └─ NODE that takes the next elements; empty in a builder that has given its vector
//! ```
//!
//! A full leaf becomes a leaf of the vector as it is, so an element is written once. What happens for nearly every element,
//! leaf and small vector is machine code: see `codegen/calls.rs` and `stubs/sequences.rs`.

use super::vector::{self, WIDTH};
use super::view::{Slots, copy_array, count_bits, count_field, field};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::object::layout::{
    ARRAY_ELEMENTS, BUILDER_BEFORE, BUILDER_COUNT, BUILDER_LEAF, BUILDER_LEAVES, BUILDER_LEAVES_COUNT, NODE,
    VECTOR_BUILDER, slots,
};

/// An empty builder.
pub fn new(cx: &mut Thread) -> Result<Handle, Thrown> {
    let mark = cx.mark();
    let leaf = blank(cx)?;
    let builder = cx.allocate(VECTOR_BUILDER, slots(VECTOR_BUILDER), 0, |cx, mut fresh| {
        fresh.set(BUILDER_LEAF, cx.get(leaf));
        fresh.set_raw(BUILDER_COUNT, count_bits(0));
        fresh.set_raw(BUILDER_LEAVES, Word::NULL.0);
        fresh.set_raw(BUILDER_LEAVES_COUNT, count_bits(0));
        fresh.set_raw(BUILDER_BEFORE, Word::NULL.0);
    })?;
    Ok(cx.keep(mark, builder))
}

/// A NODE with room for a leaf's elements, or a node's leaves.
fn blank(cx: &mut Thread) -> Result<Handle, Thrown> {
    let null = cx.root_word(Word::NULL);
    cx.alloc_array(NODE, WIDTH, null)
}

/// A NODE of the builder and how many of its elements are in use.
#[inline]
fn in_use(builder: Value<'_>, node: usize, count: usize) -> (Slots<'_>, usize) {
    let slots = Slots::of(field(builder, VECTOR_BUILDER, node));
    // Another thread may be between its two stores.
    (slots, count_field(builder, VECTOR_BUILDER, count).min(slots.len()))
}

/// What a slot holds, unless that is null.
fn present(cx: &Thread, builder: Handle, slot: usize) -> Option<Handle> {
    let value = field(cx.get(builder), VECTOR_BUILDER, slot);
    (!value.is_null()).then(|| cx.root(value))
}

fn set_word(cx: &Thread, builder: Handle, slot: usize, word: Word) {
    if let Some(value) = Value::immediate(cx, word) {
        cx.set_slot(cx.get(builder), slot, value);
    }
}

fn set_count(cx: &Thread, builder: Handle, slot: usize, count: usize) {
    set_word(cx, builder, slot, Word(count_bits(count)));
}

/// Adds an element at the end.
pub fn push(cx: &mut Thread, builder: Handle, value: Handle) -> Result<(), Thrown> {
    let mark = cx.mark();
    let (leaf, count) = in_use(cx.get(builder), BUILDER_LEAF, BUILDER_COUNT);
    if count == leaf.len() {
        let full = (count > 0).then(|| cx.root(leaf.object()));
        let fresh = blank(cx)?;
        if let Some(full) = full {
            add_leaf(cx, builder, full)?;
        }
        cx.set_slot(cx.get(builder), BUILDER_LEAF, cx.get(fresh));
        set_count(cx, builder, BUILDER_COUNT, 0);
    }
    let (leaf, count) = in_use(cx.get(builder), BUILDER_LEAF, BUILDER_COUNT);
    cx.set_slot(leaf.object(), ARRAY_ELEMENTS + count, cx.get(value));
    set_count(cx, builder, BUILDER_COUNT, count + 1);
    cx.release(mark);
    Ok(())
}

/// Adds a full leaf to the leaves.
fn add_leaf(cx: &mut Thread, builder: Handle, full: Handle) -> Result<(), Thrown> {
    if present(cx, builder, BUILDER_LEAVES).is_none() {
        let leaves = blank(cx)?;
        cx.set_slot(cx.get(builder), BUILDER_LEAVES, cx.get(leaves));
    }
    let (leaves, n) = in_use(cx.get(builder), BUILDER_LEAVES, BUILDER_LEAVES_COUNT);
    let n = if n == leaves.len() {
        let vector = with_leaves(cx, builder)?;
        if let Some(vector) = vector {
            cx.set_slot(cx.get(builder), BUILDER_BEFORE, cx.get(vector));
        }
        0
    } else {
        n
    };
    let (leaves, _) = in_use(cx.get(builder), BUILDER_LEAVES, BUILDER_LEAVES_COUNT);
    cx.set_slot(leaves.object(), ARRAY_ELEMENTS + n, cx.get(full));
    set_count(cx, builder, BUILDER_LEAVES_COUNT, n + 1);
    Ok(())
}

/// The vector of all full leaves, none when there are none.
fn with_leaves(cx: &mut Thread, builder: Handle) -> Result<Option<Handle>, Thrown> {
    let mut vector = present(cx, builder, BUILDER_BEFORE);
    if let Some(leaves) = present(cx, builder, BUILDER_LEAVES) {
        for i in 0..in_use(cx.get(builder), BUILDER_LEAVES, BUILDER_LEAVES_COUNT).1 {
            let leaf = cx.root(Slots::of(cx.get(leaves)).get(i));
            vector = Some(vector::append_leaf(cx, vector, leaf)?);
        }
    }
    Ok(vector)
}

/// The vector of the elements; the builder is empty afterwards.
pub fn finish(cx: &mut Thread, builder: Handle) -> Result<Handle, Thrown> {
    cx.scoped(|cx| {
        let empty = cx.alloc_array_of(NODE, &[])?;
        let (leaf, count) = in_use(cx.get(builder), BUILDER_LEAF, BUILDER_COUNT);
        let (last, whole) = (cx.root(leaf.object()), count == leaf.len());
        let last = if whole || count == 0 { last } else { copy_array(cx, NODE, last, 0, count)? };
        let vector = match (present(cx, builder, BUILDER_BEFORE), present(cx, builder, BUILDER_LEAVES)) {
            // What comes from one node of leaves takes it as it is.
            (None, Some(leaves)) if count > 0 => {
                let n = in_use(cx.get(builder), BUILDER_LEAVES, BUILDER_LEAVES_COUNT).1;
                vector::from_leaves(cx, leaves, n, last)?
            }
            _ => match with_leaves(cx, builder)? {
                vector if count > 0 => vector::append_leaf(cx, vector, last)?,
                Some(vector) => vector,
                None => vector::empty(cx)?,
            },
        };
        cx.set_slot(cx.get(builder), BUILDER_LEAF, cx.get(empty));
        set_count(cx, builder, BUILDER_COUNT, 0);
        set_word(cx, builder, BUILDER_LEAVES, Word::NULL);
        set_count(cx, builder, BUILDER_LEAVES_COUNT, 0);
        set_word(cx, builder, BUILDER_BEFORE, Word::NULL);
        Ok(vector)
    })
}
