//! What is said when something goes wrong: errors as values, stack traces, what the text at the place says, reports.
//!
//! Owns the messages of faults and the way from a place in machine code to a line of a file. Costs nothing before a fault has happened.

pub mod advice;
pub mod brief;
pub mod errors;
pub(super) mod explain;
pub mod locals;
pub(super) mod origin;
mod probe;
pub mod report;
pub mod stop;
pub mod suggest;
pub mod tail_calls;
pub mod trace;
