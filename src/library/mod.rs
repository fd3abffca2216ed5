//! The library: its builtins, a file or folder for each namespace, with the Rust that does what they do.
//!
//! Owns the one table of namespaces. What of a namespace is written in Harrier is in `stdlib`, and is named here beside its rows. A new
//! namespace is a row here and its file; a new builtin is a row in one of the files (`program/builtin.rs` says how they are written).
//! Nobody below names what is here: the table is handed to `Vm::start`.

use crate::runtime::program::library::{Library, Part};

pub mod byte_buffer;
pub mod core;
pub mod io;
pub mod mutable_array;
pub mod mutable_list;
pub mod mutable_map;
pub mod mutable_set;
pub mod profile;
pub mod reflect;
pub mod repl;
pub mod string_builder;
pub mod weak;

/// All of it. `core` comes first: the others may use it.
#[rustfmt::skip]
pub static LIBRARY: Library = Library { observer: &crate::profile::OBSERVER, parts: &[
    Part { name: "core", text: Some(include_str!("../../stdlib/core.hr")), tables: core::TABLES },
    Part { name: "seq", text: Some(include_str!("../../stdlib/seq.hr")), tables: &[] },
    Part { name: "test", text: Some(include_str!("../../stdlib/test.hr")), tables: &[] },
    Part { name: "byte-buffer", text: None, tables: &[byte_buffer::TABLE] },
    Part { name: "io", text: None, tables: &[io::TABLE] },
    Part { name: "mutable-array", text: None, tables: &[mutable_array::TABLE] },
    Part { name: "mutable-list", text: None, tables: &[mutable_list::TABLE] },
    Part { name: "mutable-map", text: None, tables: &[mutable_map::TABLE] },
    Part { name: "mutable-set", text: None, tables: &[mutable_set::TABLE] },
    Part { name: "profile", text: None, tables: &[profile::TABLE] },
    Part { name: "reflect", text: None, tables: &[reflect::TABLE] },
    Part { name: "repl", text: None, tables: &[repl::TABLE] },
    Part { name: "string-builder", text: None, tables: &[string_builder::TABLE] },
    Part { name: "weak", text: None, tables: &[weak::TABLE] },
] };

#[cfg(test)]
mod tests;
