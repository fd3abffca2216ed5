//! Vectors, maps, sets, arrays and their mutable relatives: the algorithms, without argument checks.
//!
//! What programs call is in `library`; what generated code calls is in `runtime/helpers`.

mod adding;
pub mod array;
pub mod builder;
pub mod ends;
pub mod group;
pub mod map;
pub mod marks;
pub mod mutable;
mod removing;
pub mod replacing;
pub mod set;
pub mod trie;
pub mod vector;
pub mod view;
pub mod walk;

pub use mutable::List;

#[cfg(test)]
mod tests;
