//! What the runtime core needs from collections, numbers and text.
//!
//! Owns nothing: one place that names the functions of helper rooms which the core calls, so that the core does not depend on
//! how vectors and maps are built.

use super::collections::{map, vector};
use super::equality;
use super::iterate::{self, Items};
use super::numbers::new_int;
use super::text::format::{self, Style};
use crate::gc::{Handle, Thread, Thrown};

/// A vector of these elements.
pub fn vector_of(cx: &mut Thread, elements: &[Handle]) -> Result<Handle, Thrown> {
    vector::of(cx, elements)
}

/// A map of these keys and values, which alternate.
pub fn map_of(cx: &mut Thread, entries: &[Handle]) -> Result<Handle, Thrown> {
    map::of(cx, entries)
}

/// Appends the elements of anything seqable, rooted. More than the heap has words for are too many.
pub fn elements(cx: &mut Thread, collection: Handle, list: &mut Vec<Handle>) -> Result<(), Thrown> {
    iterate::expect_room(cx, collection)?;
    let mut items = Items::of(cx, collection)?;
    while let Some(item) = items.next_kept(cx)? {
        cx.keep_in(list, item)?;
    }
    Ok(())
}

/// An Int.
pub fn int(cx: &mut Thread, i: i64) -> Result<Handle, Thrown> {
    new_int(cx, i)
}

/// `a == b`
pub fn equal(cx: &mut Thread, a: Handle, b: Handle) -> Result<bool, Thrown> {
    equality::equal(cx.get(a), cx.get(b)).map_err(|deep| deep.throw(cx))
}

/// A value as `to-string` gives it.
pub fn to_text(cx: &mut Thread, value: Handle) -> Result<String, Thrown> {
    format::to_text(cx, value, Style::Display)
}

/// A value as `repr` gives it.
pub fn repr(cx: &mut Thread, value: Handle) -> Result<String, Thrown> {
    format::to_text(cx, value, Style::Readable)
}

/// The Int with these decimal digits.
pub fn int_of_digits(cx: &mut Thread, digits: &str) -> Result<Handle, Thrown> {
    let int = super::numbers::parse::int(digits, 10).unwrap_or_default();
    super::numbers::new_big(cx, &int)
}
