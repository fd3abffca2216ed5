//! What profilers and debuggers are told of the code: observers of what is published.
//!
//! Owns the files that they read. Nothing here runs unless an option asks for it. `places.rs` turns rows of line tables into
//! lines, `eh_frame.rs` what is known of frames into unwind rows, `output.rs` opens and writes files.

use std::path::Path;

use crate::runtime::Vm;

pub mod eh_frame;
pub mod jitdump;
mod output;
pub mod perf_map;
pub mod places;

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
