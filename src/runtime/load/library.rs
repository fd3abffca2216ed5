//! The standard library, embedded in the binary.
//!
//! Owns the one table of its files.

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
