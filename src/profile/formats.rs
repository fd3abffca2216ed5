//! A profile as a file for other tools: collapsed stacks, speedscope, a flame graph.
//!
//! Owns the choice of the format by the end of a file's name, and what is written.

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::tree::Tree;
use super::{Profile, What};

/// What a file is to hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// `.folded`: `main;f;g 12`, a line for each stack, as flamegraph.pl reads it.
    Folded,
    /// `.json`: for speedscope.
    Speedscope,
    /// `.svg`: a flame graph.
    Svg,
}

impl Format {
    /// The format that the name of a file asks for.
    pub fn of(path: &Path) -> Result<Format, String> {
        match path.extension().and_then(|e| e.to_str()) {
            Some("folded") => Ok(Format::Folded),
            Some("json") => Ok(Format::Speedscope),
            Some("svg") => Ok(Format::Svg),
            _ => Err("its name ends in .folded (collapsed stacks), .json (speedscope) or .svg (flame graph)".into()),
        }
    }
}

/// Writes a profile.
pub fn write(profile: &Profile, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Folded => folded(profile).iter().try_for_each(|line| writeln!(out, "{line}")),
        Format::Speedscope => {
            serde_json::to_writer(&mut *out, &speedscope(profile)).map_err(io::Error::from)?;
            writeln!(out)
        }
        Format::Svg => svg(profile, out),
    }
}

/// The unit in which weights of collapsed stacks are counted: microseconds, or bytes.
fn unit(what: What) -> (u64, &'static str) {
    match what {
        What::Time => (1000, "µs"),
        What::Bytes => (1, "bytes"),
    }
}

/// A line for each distinct stack of functions, sorted.
fn folded(profile: &Profile) -> Vec<String> {
    let tree = &profile.tree;
    let mut sums = std::collections::BTreeMap::<String, u64>::new();
    for (node, info) in tree.nodes.iter().enumerate().filter(|(_, node)| node.weight > 0) {
        // Semicolons stand between functions, and a name has none.
        let names = tree.path(node as u32).into_iter().map(|f| tree.tables.function_of(f).name.replace(';', ":"));
        *sums.entry(names.collect::<Vec<_>>().join(";")).or_default() += info.weight;
    }
    let (unit, _) = unit(profile.what);
    sums.into_iter().map(|(stack, weight)| format!("{stack} {}", weight / unit)).collect()
}

/// See <https://www.speedscope.app/file-format-schema.json>: a profile for each thread, in the order of time.
fn speedscope(profile: &Profile) -> serde_json::Value {
    let tree: &Tree = &profile.tree;
    let frames: Vec<_> = (0..tree.tables.frames.len() as u32)
        .map(|frame| {
            let info = tree.tables.function_of(frame);
            let line = tree.tables.frames[frame as usize].line;
            match tree.tables.source_name(info) {
                Some(file) if line > 0 => json!({ "name": info.name, "file": file, "line": line }),
                Some(file) => json!({ "name": info.name, "file": file }),
                None => json!({ "name": info.name }),
            }
        })
        .collect();
    let unit = match profile.what {
        What::Time => "nanoseconds",
        What::Bytes => "bytes",
    };
    let profiles: Vec<_> = tree
        .threads
        .iter()
        .map(|(thread, events)| {
            let samples: Vec<Vec<u32>> = events.iter().map(|(node, _)| tree.path(*node)).collect();
            let weights: Vec<u64> = events.iter().map(|event| event.1).collect();
            json!({
                "type": "sampled", "name": format!("thread {thread}"), "unit": unit,
                "startValue": 0, "endValue": weights.iter().sum::<u64>(), "samples": samples, "weights": weights,
            })
        })
        .collect();
    json!({
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": concat!("harrier ", env!("CARGO_PKG_VERSION")),
        "shared": { "frames": frames },
        "profiles": profiles,
    })
}

fn svg(profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = folded(profile);
    if lines.is_empty() {
        // A graph without a stack is an error of the crate.
        lines.push("(nothing was sampled) 1".into());
    }
    let mut options = inferno::flamegraph::Options::default();
    options.title = match profile.what {
        What::Time => "Processor time".into(),
        What::Bytes => "Bytes allocated".into(),
    };
    options.count_name = unit(profile.what).1.into();
    inferno::flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), out).map_err(io::Error::other)
}
