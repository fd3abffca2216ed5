//! Builtins of `core`, by what they are about; what `core` has besides is in `stdlib/core.hr`.

use super::{io, reflect};
use crate::runtime::program::builtin::Builtin;

pub mod collections;
pub mod evaluation;
pub mod functions;
pub mod json;
pub mod maps;
pub mod numbers;
pub mod printing;
pub mod process;
pub mod sequences;
pub mod strings;
pub mod types;

/// All tables. What looks into programs and files is beside its relatives of other namespaces.
pub static TABLES: &[&[&Builtin]] = &[
    collections::TABLE,
    json::TABLE,
    maps::TABLE,
    numbers::TABLE,
    printing::TABLE,
    sequences::TABLE,
    strings::TABLE,
    evaluation::TABLE,
    functions::TABLE,
    reflect::CORE,
    io::CORE,
    process::TABLE,
    types::TABLE,
];
