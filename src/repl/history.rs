//! The entries of all sessions, in a file.
//!
//! Owns the file: an entry is a line in it, in which `\\` and `\n` stand for a backslash and a line break, as earlier versions wrote
//! it. Entries are appended one by one as they are made, so whatever ends a session leaves all of them, and sessions that run
//! at once share the file.
//!
//! Invariant: who writes holds the lock of the file that is there; nobody but its owner can read it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use crate::runtime::system::files;

/// So many entries are remembered; the file is shortened to them when it has twice as many.
const ENTRIES: usize = 10_000;

/// A file of entries.
pub struct History {
    path: PathBuf,
}

impl History {
    /// `$XDG_STATE_HOME/harrier/history`, or below `~/.local/state`.
    pub fn of_user() -> Option<History> {
        let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
        let state = state.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")))?;
        Some(History { path: state.join("harrier/history") })
    }

    /// The latest entries, oldest first.
    pub fn load(&self) -> io::Result<Vec<String>> {
        let mut bytes = Vec::new();
        let mut file = self.locked()?;
        file.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        // The first line of files that earlier versions wrote.
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && *line != "#V2").collect();
        let kept = &lines[lines.len().saturating_sub(ENTRIES)..];
        if lines.len() > 2 * ENTRIES {
            self.replace(kept)?;
        }
        Ok(kept.iter().map(|line| unescaped(line)).collect())
    }

    /// Adds an entry behind those of all sessions.
    pub fn append(&self, entry: &str) -> io::Result<()> {
        self.locked()?.write_all(format!("{}\n", escaped(entry)).as_bytes())
    }

    /// The file, which nobody else writes as long as it is open.
    fn locked(&self) -> io::Result<File> {
        if let Some(folder) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        loop {
            let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&self.path)?;
            if !file.metadata()?.is_file() {
                return Err(files::no_file());
            }
            // SAFETY: an open descriptor; the call touches no memory.
            if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) } != 0 {
                return Err(io::Error::last_os_error());
            }
            // While we waited another session may have put a shorter file in its place.
            if std::fs::metadata(&self.path).is_ok_and(|there| is_same(&there, &file)) {
                tighten(&file)?;
                return Ok(file);
            }
        }
    }

    /// Under the lock of the old file.
    fn replace(&self, lines: &[&str]) -> io::Result<()> {
        let new = self.path.with_extension(format!("new-{}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes())?;
        std::fs::rename(&new, &self.path)
    }
}

fn is_same(there: &std::fs::Metadata, file: &File) -> bool {
    file.metadata().is_ok_and(|ours| (ours.dev(), ours.ino()) == (there.dev(), there.ino()))
}

/// A file of an earlier version may be open to others.
fn tighten(file: &File) -> io::Result<()> {
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(mode & 0o700))?;
    }
    Ok(())
}

fn escaped(entry: &str) -> String {
    entry.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

fn unescaped(line: &str) -> String {
    let mut entry = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => entry.push('\n'),
            ('\\', Some('r')) => entry.push('\r'),
            ('\\', Some('\\')) => entry.push('\\'),
            ('\\', Some(other)) => entry.extend(['\\', other]),
            (c, _) => entry.push(c),
        }
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &std::path::Path) -> History {
        History { path: path.to_path_buf() }
    }

    #[test]
    fn entries_come_back_as_they_were() {
        let folder = std::env::temp_dir().join(format!("harrier-history-{}", std::process::id()));
        let history = at(&folder.join("deep/history"));
        let entries = ["1 + 1", "fn f() {\n  \"a\\n\\\\b\"\n}", "\r\\x"];
        entries.iter().for_each(|entry| history.append(entry).expect("appended"));
        assert_eq!(history.load().expect("loaded"), entries);
        let mode = std::fs::metadata(&history.path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // Two at once lose nothing, also while one of them shortens the file.
        let long: String = (0..2 * ENTRIES + 1).map(|i| format!("{i}\n")).collect();
        std::fs::write(&history.path, long).expect("written");
        let (a, b) = (at(&history.path), at(&history.path));
        let other = std::thread::spawn(move || (0..200).for_each(|i| a.append(&format!("a{i}")).expect("appended")));
        for i in 0..200 {
            b.append(&format!("b{i}")).expect("appended");
            if i == 20 {
                b.load().expect("loaded");
            }
        }
        other.join().expect("no panic");
        let all = history.load().expect("loaded");
        assert_eq!(all.len(), ENTRIES);
        assert_eq!(all.iter().filter(|e| e.starts_with(['a', 'b'])).count(), 400);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
