//! What the runtime core needs from collections, numbers and text.
//!
//! Owns nothing: one place that names the functions of helper rooms which the core calls, so that the core does not depend on
//! how vectors and maps are built.

use crate::gc::{Handle, Thread, Thrown, Word, layout};

/// A vector of these elements.
pub fn vector_of(cx: &mut Thread, elements: &[Handle]) -> Result<Handle, Thrown> {
    super::collections::vector::of(cx, elements)
}

/// A map of these keys and values, which alternate.
pub fn map_of(cx: &mut Thread, entries: &[Handle]) -> Result<Handle, Thrown> {
    cx.alloc_array_of(layout::ARRAY, entries)
}

/// Appends the elements of anything seqable, rooted.
pub fn elements(cx: &mut Thread, collection: Handle, list: &mut Vec<Handle>) -> Result<(), Thrown> {
    for i in 0..cx.get(collection).array_len() {
        list.push(cx.root(cx.get(collection).element(i)));
    }
    Ok(())
}

/// An Int.
pub fn int(cx: &mut Thread, i: i64) -> Result<Handle, Thrown> {
    Ok(cx.root_word(Word::int(i).unwrap_or(Word::NULL)))
}

/// `a == b`
pub fn equal(cx: &mut Thread, a: Handle, b: Handle) -> Result<bool, Thrown> {
    Ok(cx.get(a) == cx.get(b))
}

/// A value as `to-string` gives it.
pub fn to_text(cx: &mut Thread, value: Handle) -> Result<String, Thrown> {
    Ok(super::brief::brief(cx.get(value)))
}

/// A value as `repr` gives it.
pub fn repr(cx: &mut Thread, value: Handle) -> Result<String, Thrown> {
    Ok(super::brief::brief(cx.get(value)))
}

/// The Int with these decimal digits.
pub fn int_of_digits(cx: &mut Thread, digits: &str) -> Result<Handle, Thrown> {
    let int = super::numbers::parse::int(digits).unwrap_or_default();
    super::numbers::new_big(cx, &int)
}
