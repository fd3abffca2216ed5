//! What a running program consists of: names and what they stand for, types, functions, and how calls find them.
//!
//! Owns namespaces, bindings, types and layouts, code records, link cells and dispatch, and the door into generated code. The lowest
//! of the rooms of the runtime: what code is made of is [`super::compile`]'s business, what values mean [`super::values`]'.

pub mod binding;
pub mod builtin;
pub mod code;
pub mod declare;
pub mod dispatch;
pub mod entry;
pub mod errors;
pub mod held;
pub mod instances;
pub mod keywords;
pub mod library;
pub mod link;
pub mod linked;
pub mod methods;
pub mod namespace;
pub mod present;
pub mod resolve;
pub mod roots;
mod row;
pub mod sources;
pub mod types;
