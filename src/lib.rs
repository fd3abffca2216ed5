//! Harrier: a dynamically typed, mostly functional language with a live REPL, compiled straight to machine code.
//!
//! `docs/architecture.md` is the map of the house.

pub mod asm;
pub mod cli;
pub mod gc;
pub mod options;
pub mod reader;
pub mod repl;
pub mod runtime;

/// The generator, until it moves in.
pub fn compiler(
    _cx: &mut gc::Thread,
    _unit: &std::sync::Arc<runtime::LinkedUnit>,
    _function: reader::tree::FunctionId,
    _arity: usize,
    _code: &'static runtime::Code,
    _observed: &[gc::Word],
) -> Result<runtime::code::CompiledCode, runtime::code::CompileError> {
    Err(runtime::code::CompileError::Refused("there is no generator yet".into()))
}
