//! Harrier: a dynamically typed, mostly functional language with a live REPL, compiled straight to machine code.
//!
//! `docs/architecture.md` is the map of the house.

pub mod asm;
pub mod cli;
pub mod codegen;
pub mod emit;
pub mod gc;
pub mod injection;
pub mod library;
pub mod locks;
pub mod mutations;
pub mod object;
pub mod options;
pub mod profile;
pub mod reader;
pub mod repl;
pub mod runtime;
pub mod stack;
pub mod stubs;
pub mod verify;
pub mod windows;
