//! Files in folders that others may write to, too: of a name that was not there, and that nobody else can read.
//!
//! What cannot be written is told once, and shows in the exit status; the file is left as it is, and the program goes on. A
//! copy of the process (a fork) does not write into the file of its parent.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::ProfileError;
use crate::runtime::system::console;
use crate::runtime::system::descriptor::why;

/// A file that is appended to.
pub(super) struct Output {
    path: PathBuf,
    /// None when it could not be written.
    file: Option<File>,
    /// The process whose file it is.
    owner: u32,
}

impl Output {
    /// Makes the file, which must not be there.
    pub(super) fn create(path: &Path) -> Result<Output, ProfileError> {
        let mut options = OpenOptions::new();
        // Standard files are closed when another program is executed.
        options.read(true).append(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        match options.open(path) {
            Ok(file) => Ok(Output { path: path.into(), file: Some(file), owner: std::process::id() }),
            Err(error) => {
                let why = match error.kind() {
                    std::io::ErrorKind::AlreadyExists => "the file exists already: remove it".into(),
                    _ => why(&error),
                };
                Err(ProfileError { file: path.display().to_string(), why })
            }
        }
    }

    /// The file, while it can be written, and by its own process.
    pub(super) fn file(&self) -> Option<&File> {
        self.file.as_ref().filter(|_| std::process::id() == self.owner)
    }

    /// Appends bytes in one piece.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        let Some(mut file) = self.file() else { return };
        if let Err(error) = file.write_all(bytes) {
            self.file = None;
            let why = why(&error);
            console::write_error(&format!("harrier: {}: {why}: nothing more is written\n", self.path.display()));
            console::note_failure();
        }
    }

    /// Nothing more is to be written.
    pub(super) fn close(&mut self) {
        self.file = None;
    }
}
