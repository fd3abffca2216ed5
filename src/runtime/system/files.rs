//! Files by their names, and the environment: what the operating system is asked for besides open streams.
//!
//! Everything that may wait for a disk runs outside (`Thread::outside`), so that other threads can collect meanwhile.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

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

/// Was it refused because too many files are open?
pub fn are_too_many(error: &io::Error) -> bool {
    [Some(libc::EMFILE), Some(libc::ENFILE)].contains(&error.raw_os_error())
}

/// The folder that relative paths begin in; the empty path where it is gone.
pub fn here() -> PathBuf {
    std::env::current_dir().unwrap_or_default()
}

/// The bytes of a file that is no pipe.
pub fn read(file: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(file)
}

/// Does a file begin with these bytes? None where there is none of this name; an error where it is no file, which is not opened: that might
/// wait for ever, or have no end.
pub fn begins_with(path: &Path, bytes: &[u8]) -> io::Result<Option<bool>> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(there) if !there.is_file() => return Err(no_file()),
        Ok(_) => {}
    }
    let mut start = Vec::new();
    std::fs::File::open(path)?.take(bytes.len() as u64).read_to_end(&mut start)?;
    Ok(Some(start == bytes))
}

/// The error of what is a folder, a pipe or a device.
pub fn no_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is no ordinary file")
}

/// What is in a folder.
pub struct Entry {
    /// Its path, that of the folder included.
    pub path: PathBuf,
    /// It is a folder itself, and no link to one.
    pub folder: bool,
    found: std::fs::DirEntry,
}

impl Entry {
    /// The length of a file; none of what is no file.
    pub fn length(&self) -> Option<u64> {
        self.found.metadata().ok().filter(std::fs::Metadata::is_file).map(|found| found.len())
    }
}

/// What is in a folder, in no order; nothing where that cannot be said.
pub fn entries(folder: &Path) -> impl Iterator<Item = Entry> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| {
        let folder = entry.file_type().ok()?.is_dir();
        Some(Entry { path: entry.path(), folder, found: entry })
    })
}

/// Is there a file of this name, that the loader may read?
pub fn is_file(path: &Path) -> bool {
    path.is_file()
}

/// A path from the root, without links where it leads to something.
pub fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_path_buf())
}
