//! What can be seen of a running program: where its time and its memory go.
//!
//! | file | what it owns |
//! | --- | --- |
//! | `session.rs` | which profiles are being taken, and what becomes of them: options, the end of the program, `profile/start` |
//! | `sampler.rs` | timers and signals, the queues of the threads, who empties them |
//! | `stack.rs`, `registers.rs` | the walk from any instruction, in signal handlers |
//! | `sample.rs`, `ring.rs` | what a handler writes down of it; the queue between handler and reader |
//! | `resolve.rs` | from addresses to functions and lines |
//! | `tree.rs` | the sums |
//! | `stats.rs` | counts of slow paths, side exits and compilation |
//! | `jitdump.rs`, `perf_map.rs` | observers of what is published: files for perf |
//! | `eh_frame.rs`, `places.rs`, `output.rs` | unwind rows; from rows of line tables to lines; files that are opened as in shared folders they must be |
//! | `facts.rs` | where things lie in memory, for debuggers |
//! | `gdb.rs`, `debug_info.rs`, `debug_lines.rs`, `recursion.rs`, `blocks.rs`, `variables.rs` | `--gdb`: images of published code with lines, frames and variables |
//! | `faults.rs` | what is told when generated code breaks |
//! | `report.rs`, `formats.rs` | tables, and files for other tools |
//!
//! Nothing here runs, and no generated code is any longer, for a program of which nobody wants to see anything.

use std::path::Path;

use crate::runtime::Vm;
use crate::runtime::observe::Observer;

mod blocks;
pub mod debug_info;
pub mod debug_lines;
pub mod eh_frame;
pub mod facts;
pub mod faults;
pub mod formats;
pub mod gdb;
pub mod jitdump;
mod output;
pub mod perf_map;
pub mod places;
mod recursion;
pub mod registers;
pub mod report;
pub mod resolve;
pub mod ring;
pub mod sample;
pub mod sampler;
pub mod session;
pub mod stack;
pub mod stats;
pub mod tree;
mod variables;

/// What the runtime tells us.
pub static OBSERVER: Observer = Observer {
    started: facts::export,
    attached: sampler::attached,
    detaching: sampler::detaching,
    begins: sampler::begins,
    before_code_is_freed: sampler::before_code_is_freed,
    collections: stats::of_collections,
    counter: stats::counter,
    resolves: stats::count_resolver,
    watches_compilation: stats::watches_compilation,
    compiled: stats::compiled,
    waited: stats::waited,
    finish: session::finish,
    finished: jitdump::finish,
};

/// Why what was asked for cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {why}")]
pub struct ProfileError {
    /// The file.
    file: String,
    /// What is wrong with it.
    why: String,
}

/// What is to be said of the stacks of a profile, if they will not be whole.
pub fn caution() -> Option<&'static str> {
    (!cfg!(frame_pointers)).then_some(
        "this harrier was built without frame pointers, so stacks end where they reach its Rust side: build it with \
         RUSTFLAGS that contain `-C force-frame-pointers=yes`",
    )
}

/// From now on writes a dump for `perf inject --jit` into a folder.
pub fn start_jitdump(vm: &'static Vm, folder: &Path) -> Result<(), ProfileError> {
    vm.publisher.observe(Box::new(jitdump::JitDump::new(vm, folder)?));
    Ok(())
}

/// From now on writes the map that perf looks for.
pub fn start_perf_map(vm: &'static Vm) -> Result<(), ProfileError> {
    vm.publisher.observe(Box::new(perf_map::PerfMap::new()?));
    Ok(())
}

/// The name of a part of a function: its rows in a report stand by themselves, under names that begin alike.
fn part_name(function: &crate::asm::code_map::Function, part: crate::asm::code_map::Part) -> String {
    use crate::asm::code_map::Part;
    let symbol = function.symbol();
    match part {
        Part::Hot => symbol.into_owned(),
        Part::Cold => format!("{symbol} [cold]"),
        Part::General => format!("{symbol} [general]"),
    }
}

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
