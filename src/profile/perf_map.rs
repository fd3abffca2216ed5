//! `--perf-map`: `/tmp/perf-PID.map`, names by address, which perf reads by itself when it reports.
//!
//! It has no lines and no times: where addresses were used twice, perf cannot tell which of the two ran. The dump can.

use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

use super::output::Output;
use super::{ProfileError, part_name};
use crate::asm::code_map::Function;
use crate::asm::publish::Observer;
use crate::locks::{Mutex, lock};

/// Writes the map.
pub struct PerfMap {
    output: Mutex<Output>,
}

impl PerfMap {
    /// The map of this process, which must not be there.
    pub fn new() -> Result<PerfMap, ProfileError> {
        let path = format!("/tmp/perf-{}.map", std::process::id());
        Ok(PerfMap { output: Mutex::new(Output::create(Path::new(&path))?) })
    }
}

impl Observer for PerfMap {
    fn published(&self, _chunk: &Range<usize>, functions: &[Function]) {
        let mut text = String::new();
        for function in functions {
            for (range, part) in function.parts() {
                let start = function.start + range.start as usize;
                let _ = writeln!(text, "{start:x} {:x} {}", range.len(), part_name(function, part));
            }
        }
        lock(&self.output).append(text.as_bytes());
    }

    fn freed(&self, _chunk: &Range<usize>, _functions: &[Function]) {}
}
