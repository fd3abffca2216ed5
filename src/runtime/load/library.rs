//! What is loaded of the texts of the library. The table of its namespaces is in `library/mod.rs`.

use std::borrow::Cow;

use crate::mutations::{Mutation, mutated};

/// What is loaded of a text of the library: the text.
pub fn as_loaded(text: &str) -> Cow<'_, str> {
    if !mutated(Mutation::ConcatCopies) {
        return text.into();
    }
    let (hands_over, copies) =
        ("if s == null { right }", "if s == null && right != null { _append(_seq(right), null) }");
    text.replace(hands_over, &format!("{copies} else if s == null {{ null }}")).into()
}
