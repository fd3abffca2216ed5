//! Mutable arrays of fixed length.

use super::view::Slots;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::object::layout::{ARRAY, ARRAY_ELEMENTS};

/// The elements of an array.
#[inline]
pub fn slots(array: Value<'_>) -> Slots<'_> {
    Slots::of(array)
}

/// Stores an element; the index must be right.
#[inline]
pub fn set(cx: &Thread, array: Value<'_>, i: usize, value: Value<'_>) {
    cx.set_slot(array, ARRAY_ELEMENTS + i, value);
}

/// A new array of `n` times `null`.
pub fn new(cx: &mut Thread, n: usize) -> Result<Handle, Thrown> {
    let null = cx.root_word(Word::NULL);
    cx.alloc_array(ARRAY, n, null)
}
