//! What the runtime core needs from the collections.
//!
//! Owns nothing: one place that names the functions of `runtime/collections` which the core calls, so that the core does not
//! depend on how vectors and maps are built.

use crate::gc::{Handle, Thread, Thrown, layout};

/// A vector of these elements.
pub fn vector_of(cx: &mut Thread, elements: &[Handle]) -> Result<Handle, Thrown> {
    cx.alloc_array_of(layout::ARRAY, elements)
}
