//! What the runtime core needs from the collections.
//!
//! Owns nothing: one place that names the functions of `runtime/collections` which the core calls, so that the core does not
//! depend on how vectors and maps are built.

use crate::gc::{Handle, Thread, Thrown};

/// A vector of these elements.
pub fn vector_of(cx: &mut Thread, elements: &[Handle]) -> Result<Handle, Thrown> {
    super::collections::vector::of(cx, elements)
}

/// A value as `to-string` gives it; in case that throws, its short form.
pub fn to_text(cx: &mut Thread, value: Handle) -> String {
    super::brief::brief(cx.get(value))
}

/// The Int with these decimal digits.
pub fn int_of_digits(cx: &mut Thread, digits: &str) -> Result<Handle, Thrown> {
    let int = super::numbers::parse::int(digits).unwrap_or_default();
    super::numbers::new_big(cx, &int)
}
