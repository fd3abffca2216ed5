//! The profiles that a run of the program takes: what was asked for on the command line, and what becomes of it at the end.
//!
//! Owns the files, which are opened before the program starts, so that one that cannot be written is told then; what stands in
//! them stays until there is something else to write.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use super::formats::{self, Format};
use super::{Profile, What, report, sampler};
use crate::gc::Thread;
use crate::runtime::descriptor::why;

/// A profile that was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Of what.
    pub what: What,
    /// Where it is written to, besides the table on stderr.
    pub file: Option<(PathBuf, Format)>,
}

impl Wanted {
    /// A profile, with the name of a file or an empty one.
    pub fn new(what: What, file: PathBuf) -> Result<Wanted, String> {
        let file = if file.as_os_str().is_empty() { None } else { Some((Format::of(&file)?, file)) };
        Ok(Wanted { what, file: file.map(|(format, file)| (file, format)) })
    }
}

struct Output {
    wanted: Wanted,
    file: Option<File>,
}

/// What is written at the end. Taken by whoever ends the process.
static OUTPUTS: Mutex<Vec<Output>> = Mutex::new(Vec::new());

fn outputs() -> std::sync::MutexGuard<'static, Vec<Output>> {
    crate::runtime::lock(&OUTPUTS)
}

/// Opens the files, before the program starts. The error says which cannot be written.
pub fn open(wanted: &[Wanted]) -> Result<(), String> {
    for wanted in wanted {
        let file = match &wanted.file {
            Some((path, _)) => {
                let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
                Some(opened.map_err(|error| format!("cannot write {}: {}", path.display(), why(&error)))?)
            }
            None => None,
        };
        outputs().push(Output { wanted: wanted.clone(), file });
    }
    Ok(())
}

/// Begins to sample, when the machine is there and before it runs anything.
pub fn begin(cx: &Thread) -> Result<(), String> {
    let all: Vec<What> = outputs().iter().map(|output| output.wanted.what).collect();
    for what in all {
        sampler::start(cx, what).map_err(|why| format!("cannot profile: {why}"))?;
    }
    Ok(())
}

/// Is such a profile taken for the command line?
pub fn takes(what: What) -> bool {
    outputs().iter().any(|output| output.wanted.what == what)
}

/// The process is about to end: writes the files; gives what is to be told on stderr, counts included. Only once.
pub fn finish() -> String {
    // Held until all is written: who ends the process besides us waits.
    let mut outputs = outputs();
    let mut text = super::stats::finish();
    for Output { wanted, file } in outputs.drain(..) {
        let Some(profile) = sampler::stop(wanted.what) else { continue };
        text.push_str(&report::table(&profile));
        if let (Some(file), Some((path, format))) = (file, &wanted.file) {
            match write(&profile, *format, file) {
                Ok(()) => text.push_str(&format!("profile: written to {}\n", path.display())),
                Err(error) => {
                    text.push_str(&format!("harrier: cannot write {}: {}\n", path.display(), why(&error)));
                }
            }
        }
    }
    text
}

fn write(profile: &Profile, format: Format, file: File) -> std::io::Result<()> {
    // A pipe or a device has no length to change.
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    let mut out = BufWriter::new(file);
    formats::write(profile, format, &mut out)?;
    out.flush()
}
