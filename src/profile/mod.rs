//! How what runs is seen from outside: by debuggers and profilers.

pub mod debug_info;
pub mod facts;
pub mod faults;
pub mod gdb;
pub mod registers;
pub mod stack;
pub mod unwind;
