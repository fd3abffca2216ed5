//! What is asked of the operating system: files and streams, standard output, threads, time to wait.
//!
//! Owns all waiting: who waits does so outside of the heap and without a lock, and can be called off.

pub mod apart;
pub mod client;
pub mod clock;
pub mod console;
pub mod descriptor;
pub mod files;
pub mod finalizers;
mod handler_stack;
pub mod intake;
pub mod limits;
pub mod outlet;
pub mod streams;
pub mod threads;
pub mod turn;
