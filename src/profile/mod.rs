//! What can be seen of a running program: where its time and its memory go.
//!
//! | file | what it owns |
//! | --- | --- |
//! | `session.rs` | which profiles are being taken, and what becomes of them: options, the end of the program, `profile/start` |
//! | `sampler.rs` | timers and signals, the queues of the threads, who empties them |
//! | `walk.rs` | the walk in a signal handler |
//! | `ring.rs` | the queue between handler and reader |
//! | `resolve.rs` | from addresses to functions and lines |
//! | `tree.rs` | the sums |
//! | `stats.rs` | counts of slow paths, side exits and compilation |
//! | `report.rs`, `formats.rs` | tables, and files for other tools |
//!
//! Nothing here runs, and no generated code is any longer, for a program of which nobody wants to see anything.

pub mod formats;
pub mod report;
mod resolve;
mod ring;
pub mod sampler;
pub mod session;
pub mod stats;
pub mod tree;
mod walk;

/// What is sampled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// Processor time, in nanoseconds.
    Time,
    /// Allocated bytes.
    Bytes,
}

/// What was found out.
pub struct Profile {
    /// What was sampled.
    pub what: What,
    /// The samples.
    pub tree: tree::Tree,
    /// So many threads got no timer or no queue.
    pub unsampled: u64,
}
