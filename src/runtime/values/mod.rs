//! What values mean: numbers, texts, collections; equality, order and hashes; going through what has elements.
//!
//! Owns the representation of what programs compute with, in Rust. Called by builtins, helpers and leaves; runs code of the program only
//! where a type of its own has a say (`Eq`, `Comparable`, `Hash`, `Seq`…).

pub mod access;
pub mod collections;
pub mod compare;
pub mod dynamic;
pub mod equality;
pub mod foreign;
pub mod hashing;
pub mod iterate;
pub mod leaves;
pub mod numbers;
pub mod operators;
pub mod ranges;
pub mod sequences;
pub mod support;
pub mod text;
