//! Files that were loaded, and their loading again.
//!
//! Owns what is remembered of each: the text that it had, and its place in the order of use.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{LoadError, Loader, Origin, load, paths};
use crate::gc::Thread;
use crate::reader::tree::Source;
use crate::runtime::Namespace;

/// A file that was loaded, or is being loaded.
#[derive(Clone, Debug)]
pub struct LoadedFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it became.
    pub namespace: &'static Namespace,
    /// The text that it had.
    pub source: Arc<Source>,
    /// When its loading was done, in the order of such moments: what is used comes before what uses it.
    done: u64,
}

impl LoadedFile {
    pub(super) fn new(path: PathBuf, namespace: &'static Namespace, source: Arc<Source>) -> LoadedFile {
        LoadedFile { path, namespace, source, done: u64::MAX }
    }
}

impl Loader {
    /// A file is loaded now; one that was loaded before keeps its place.
    pub(super) fn note_loaded(&self, file: &Path) {
        static DONE: AtomicU64 = AtomicU64::new(0);
        let mut files = crate::runtime::lock(&self.files);
        if let Some(file) = files.get_mut(&paths::absolute(file))
            && file.done == u64::MAX
        {
            file.done = DONE.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The files that are loaded, each behind those that it uses.
    pub fn loaded_files(&self) -> Vec<LoadedFile> {
        let files = crate::runtime::lock(&self.files);
        let mut all: Vec<LoadedFile> = files.values().filter(|file| file.done != u64::MAX).cloned().collect();
        all.sort_by_key(|file| file.done);
        all
    }
}

/// Loads a file again, with the text that it has now. When that fails it counts as it was, so that it is tried again.
pub fn again(cx: &mut Thread, file: &LoadedFile, text: String) -> Result<&'static Namespace, LoadError> {
    let source = Arc::new(Source::new(file.source.name.clone(), text));
    let result = load(cx, source, Origin::Again(&file.path, file.namespace), None);
    let mut files = crate::runtime::lock(&cx.vm().loader.files);
    match (&result, files.get_mut(&file.path)) {
        (Ok(_), Some(loaded)) => loaded.done = file.done,
        (Ok(_), None) => {}
        (Err(_), _) => {
            files.insert(file.path.clone(), file.clone());
        }
    }
    drop(files);
    Ok(result?.0)
}
