//! Text to tree: lexer, parser, scopes, syntax errors.
//!
//! Owns the grammar. Knows nothing of files, namespaces, code or values: what it needs to know of its surroundings
//! (which aliases are in view) is handed in as data, and every name that is not a local stays a [`tree::GlobalRef`]
//! for the loader to resolve. `harrier run --dump=tree` prints what comes out of here.

#![forbid(unsafe_code)]

mod brackets;
pub mod diagnostics;
mod dump;
mod errors;
pub mod foreign_words;
pub mod habits;
mod kept;
pub mod lexer;
pub mod lints;
mod literals;
mod parser;
mod scopes;
pub mod stops;
mod token;
pub mod tree;

use std::sync::Arc;

pub use dump::{dump, dump_function};
pub use errors::{ErrorClass, SyntaxError, is_incomplete};
use tree::{Source, Span, Unit};

pub use lexer::is_name;

/// What the reader is told about the place that a text is read for.
#[derive(Clone, Default)]
pub struct Surroundings<'s> {
    /// What may stand before the `/` of a qualified name, besides what the text's own `use` lines bring: the aliases
    /// and namespaces in view in the namespace that the text is evaluated in. `core` is always in view.
    pub aliases: Vec<String>,
    /// Is a word a name there?
    pub defines: Option<&'s dyn Fn(&str) -> bool>,
}

/// Words that mean something of their own only where they are not defined: who has a function `shift` calls it.
pub const CONTEXTUAL: [&str; 8] = ["reset", "shift", "perform", "handle", "async", "future", "binding", "assert!"];

/// Reads a text. Gives the tree, or all that is wrong with the text in the order in which it stands there.
pub fn read(source: Arc<Source>, surroundings: &Surroundings<'_>) -> Result<Unit, Vec<SyntaxError>> {
    parser::parse(&source, surroundings)
}

/// The bytes of a file as text. What is not UTF-8 is an error that says where.
pub fn decode(bytes: Vec<u8>) -> Result<String, SyntaxError> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let line = bytes[..at].iter().filter(|b| **b == b'\n').count() + 1;
        let start = bytes[..at].iter().rposition(|b| *b == b'\n').map_or(0, |newline| newline + 1);
        let column = String::from_utf8_lossy(&bytes[start..at]).chars().count() + 1;
        let span = Span { start: at as u32, end: at as u32 + 1 };
        let byte = bytes.get(at).copied().unwrap_or(0);
        SyntaxError::new(span, format!("not UTF-8: byte 0x{byte:02X} at line {line}, column {column}"))
            .help("save the file as UTF-8")
    })
}

#[cfg(test)]
mod tests;
