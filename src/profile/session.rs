//! The profiles that a run of the program takes: what was asked for on the command line, and what becomes of it at the end.
//!
//! Owns the files, which are opened before the program starts, so that one that cannot be written is told then; what stands in
//! them stays until there is something else to write, and for good when the program cannot be loaded.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::formats::{self, Format};
use super::{Profile, What, report, sampler};
use crate::gc::Thread;
use crate::locks::{Mutex, MutexGuard, lock};
use crate::runtime::observe::Told;
use crate::runtime::system::descriptor::{self, why};
use crate::runtime::system::outlet::Outlet;

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
    what: What,
    target: Option<Target>,
}

/// An open file.
struct Target {
    path: PathBuf,
    format: Format,
    file: File,
    /// It was not there before.
    made: bool,
}

/// What is written at the end. Taken by whoever ends the process.
static OUTPUTS: Mutex<Vec<Output>> = Mutex::new(Vec::new());

fn outputs() -> MutexGuard<'static, Vec<Output>> {
    lock(&OUTPUTS)
}

/// Opens the files, before the program starts. The error says which cannot be written.
pub fn open(wanted: &[Wanted]) -> Result<(), String> {
    wanted.iter().try_for_each(open_one).inspect_err(|_| abandon())
}

fn open_one(wanted: &Wanted) -> Result<(), String> {
    let mut outputs = outputs();
    let target = match &wanted.file {
        Some((path, format)) => {
            let (file, made) = open_file(path).map_err(|why| format!("cannot write {}: {why}", path.display()))?;
            if outputs.iter().filter_map(|other| other.target.as_ref()).any(|other| is_same(&file, &other.file)) {
                return Err(format!("two profiles cannot be written to {}: name another file", path.display()));
            }
            Some(Target { path: path.clone(), format: *format, file, made })
        }
        None => None,
    };
    outputs.push(Output { what: wanted.what, target });
    Ok(())
}

/// The file, and whether it was made. A pipe that nobody reads from yet is not waited for.
fn open_file(path: &Path) -> Result<(File, bool), String> {
    let open = |new: bool| {
        OpenOptions::new().write(true).create(true).create_new(new).custom_flags(libc::O_NONBLOCK).open(path)
    };
    match open(true) {
        Ok(file) => Ok((file, true)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match open(false) {
            Ok(file) => Ok((file, false)),
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) && is_pipe(path) => {
                Err("it is a pipe that nobody reads from: start the reader first".into())
            }
            Err(error) => Err(why(&error)),
        },
        Err(error) => Err(why(&error)),
    }
}

fn is_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|data| data.file_type().is_fifo())
}

fn is_same(a: &File, b: &File) -> bool {
    let number = |file: &File| file.metadata().ok().filter(|data| data.is_file()).map(|data| (data.dev(), data.ino()));
    number(a).is_some_and(|a| number(b) == Some(a))
}

/// Begins to sample, when the machine is there and before it runs anything.
pub fn begin(cx: &Thread) -> Result<(), String> {
    let all: Vec<What> = outputs().iter().map(|output| output.what).collect();
    for what in all {
        sampler::start(cx, what).map_err(|why| format!("cannot profile: {why}"))?;
    }
    Ok(())
}

/// Is such a profile taken for the command line?
pub fn takes(what: What) -> bool {
    outputs().iter().any(|output| output.what == what)
}

/// The program has not begun to run and will not: there is no profile, and the files are as they were.
pub fn abandon() {
    for Output { what, target } in outputs().drain(..) {
        sampler::stop(what);
        if let Some(target) = target.filter(|target| target.made) {
            // It is ours and empty.
            let _ = std::fs::remove_file(&target.path);
        }
    }
}

/// The process is about to end: writes the files; gives what is to be told, counts included. Only once. With `hurry` nobody waits
/// for who reads from a pipe, but does not.
pub fn finish(hurry: bool) -> Told {
    // Held until all is written: who ends the process besides us waits.
    let mut outputs = outputs();
    let mut told = Told { text: super::stats::finish(hurry), failed: false };
    for Output { what, target } in outputs.drain(..) {
        let Some(profile) = sampler::stop(what) else { continue };
        told.text.push_str(&report::table(&profile));
        let Some(Target { path, format, file, .. }) = target else { continue };
        let path = path.display();
        match write(&profile, format, file, hurry) {
            Ok(()) => told.text.push_str(&format!("profile: written to {path}\n")),
            Err(error) => {
                let unread = descriptor::is_called_off(&error);
                let why = if unread { "nobody reads from it".into() } else { why(&error) };
                told.text.push_str(&format!("harrier: cannot write {path}: {why}\n"));
                told.failed = true;
            }
        }
    }
    told
}

fn write(profile: &Profile, format: Format, file: File, hurry: bool) -> io::Result<()> {
    let mut bytes = Vec::new();
    formats::write(profile, format, &mut bytes)?;
    // A pipe or a device has no length to change.
    if descriptor::is_file(file.as_raw_fd()) {
        file.set_len(0)?;
    }
    let outlet = Outlet::file(file.into());
    outlet.push(&bytes)?;
    outlet.finish(hurry)
}
