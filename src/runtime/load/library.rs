//! The standard library, embedded in the binary.
//!
//! Owns the one table of its files.

use std::borrow::Cow;

use crate::mutations::{Mutation, mutated};

/// Name and text of each namespace of the standard library that is written in Harrier.
pub const FILES: &[(&str, &str)] = &[
    ("core", include_str!("../../../stdlib/core.hr")),
    ("seq", include_str!("../../../stdlib/seq.hr")),
    ("test", include_str!("../../../stdlib/test.hr")),
];

/// The text of a namespace.
pub fn text(namespace: &str) -> Option<&'static str> {
    FILES.iter().find(|(name, _)| *name == namespace).map(|(_, text)| *text)
}

/// What is loaded of a text of the library: the text.
pub fn as_loaded(text: &str) -> Cow<'_, str> {
    if !mutated(Mutation::ConcatCopies) {
        return text.into();
    }
    let (hands_over, copies) =
        ("if s == null { right }", "if s == null && right != null { _append(_seq(right), null) }");
    text.replace(hands_over, &format!("{copies} else if s == null {{ null }}")).into()
}
