//! Harrier: a dynamically typed, mostly functional language with a live REPL, compiled straight to machine code.
//!
//! `docs/architecture.md` is the map of the house.

pub mod asm;
pub mod codegen;
pub mod gc;
pub mod reader;
pub mod runtime;
