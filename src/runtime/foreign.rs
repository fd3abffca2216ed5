//! What the runtime core needs from collections, numbers and text.
//!
//! Owns nothing: one place that names the functions of those rooms which the core calls, so that the core does not depend on
//! how vectors and maps are built.

use super::collections::{map, vector};
use super::text::format::{self, Style};
use super::{iterate, numbers, operators};
use crate::gc::{Handle, Thread, Thrown};

/// A vector of these elements.
pub fn vector_of(cx: &mut Thread, elements: &[Handle]) -> Result<Handle, Thrown> {
    vector::of(cx, elements)
}

/// A map of these keys and values, which alternate.
pub fn map_of(cx: &mut Thread, entries: &[Handle]) -> Result<Handle, Thrown> {
    let mut made = map::empty(cx)?;
    for entry in entries.chunks_exact(2) {
        made = map::assoc(cx, made, entry[0], entry[1])?;
    }
    Ok(made)
}

/// Appends the elements of anything seqable, rooted.
pub fn elements(cx: &mut Thread, collection: Handle, list: &mut Vec<Handle>) -> Result<(), Thrown> {
    let vector = iterate::to_vector(cx, collection)?;
    for i in 0..vector::len(cx.get(vector)) {
        list.extend(vector::get(cx.get(vector), i).map(|v| cx.root(v)));
    }
    Ok(())
}

/// An Int.
pub fn int(cx: &mut Thread, i: i64) -> Result<Handle, Thrown> {
    numbers::new_int(cx, i)
}

/// The Int with these decimal digits.
pub fn int_of_digits(cx: &mut Thread, digits: &str) -> Result<Handle, Thrown> {
    let int = numbers::parse::int(digits).unwrap_or_default();
    numbers::new_big(cx, &int)
}

/// `a == b`
pub fn equal(cx: &mut Thread, a: Handle, b: Handle) -> Result<bool, Thrown> {
    operators::equal(cx, a, b)
}

/// A value as `to-string` gives it.
pub fn to_text(cx: &mut Thread, value: Handle) -> Result<String, Thrown> {
    format::to_text(cx, value, Style::Display)
}

/// A value as `repr` gives it.
pub fn repr(cx: &mut Thread, value: Handle) -> Result<String, Thrown> {
    format::to_text(cx, value, Style::Readable)
}
