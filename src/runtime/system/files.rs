//! Files by their names, and the environment: what the operating system is asked for besides open streams.
//!
//! Everything that may wait for a disk runs outside (`Thread::outside`), so that other threads can collect meanwhile.

use std::io;
use std::path::Path;

use crate::gc::Thread;

/// Is there something of this name?
pub fn exists(cx: &mut Thread, path: &str) -> bool {
    cx.outside(|| Path::new(path).exists())
}

/// Is it a folder?
pub fn is_folder(cx: &mut Thread, path: &str) -> bool {
    cx.outside(|| Path::new(path).is_dir())
}

/// Removes a file, or a folder that is empty.
pub fn delete(cx: &mut Thread, path: &str) -> io::Result<()> {
    cx.outside(|| {
        // A link to a folder is a file.
        if std::fs::symlink_metadata(path)?.is_dir() { std::fs::remove_dir(path) } else { std::fs::remove_file(path) }
    })
}

/// Gives a file or folder another name; what had it before is gone.
pub fn rename(cx: &mut Thread, from: &str, to: &str) -> io::Result<()> {
    cx.outside(|| std::fs::rename(from, to))
}

/// Makes a folder, with those around it.
pub fn create_folder(cx: &mut Thread, path: &str) -> io::Result<()> {
    cx.outside(|| std::fs::create_dir_all(path))
}

/// The names in a folder, in order. Bytes that are no text are replaced.
pub fn names_in(cx: &mut Thread, path: &str) -> io::Result<Vec<String>> {
    cx.outside(|| {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    })
}

/// A variable of the environment. Bytes that are no text are replaced.
pub fn variable(name: &str) -> Option<String> {
    // The system knows no other names, and asking for one would panic.
    if name.is_empty() || name.contains(['=', '\0']) {
        return None;
    }
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}
