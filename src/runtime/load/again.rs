//! Files that were loaded, and their loading again.
//!
//! Owns what is remembered of each, and the order in which they are loaded again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::{LoadError, Loader, Origin, alone, paths};
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
    /// Its loading is done.
    loaded: bool,
}

impl LoadedFile {
    pub(super) fn new(path: PathBuf, namespace: &'static Namespace, source: Arc<Source>) -> LoadedFile {
        LoadedFile { path, namespace, source, loaded: false }
    }
}

impl Loader {
    /// A file is loaded now.
    pub(super) fn note_loaded(&self, file: &Path) {
        if let Some(file) = crate::runtime::lock(&self.files).get_mut(&paths::absolute(file)) {
            file.loaded = true;
        }
    }

    /// The files that are loaded, each behind those that it uses.
    pub fn loaded_files(&self) -> Vec<LoadedFile> {
        let files = crate::runtime::lock(&self.files);
        let mut all: Vec<LoadedFile> = files.values().filter(|file| file.loaded).cloned().collect();
        drop(files);
        all.sort_by(|a, b| a.path.cmp(&b.path));
        let (mut seen, mut ordered) = (FxHashSet::default(), Vec::with_capacity(all.len()));
        all.iter().for_each(|file| behind_what_it_uses(file, &all, &mut seen, &mut ordered));
        ordered
    }
}

/// Puts a file behind those that it uses, which each `use` has left an alias for.
fn behind_what_it_uses<'a>(
    file: &'a LoadedFile,
    all: &'a [LoadedFile],
    seen: &mut FxHashSet<&'a Path>,
    ordered: &mut Vec<LoadedFile>,
) {
    if !seen.insert(&file.path) {
        return;
    }
    let used = file.namespace.alias_names().into_iter().filter_map(|alias| file.namespace.alias(alias));
    for namespace in used {
        let of_it = all.iter().filter(|other| std::ptr::eq(other.namespace, namespace));
        of_it.for_each(|other| behind_what_it_uses(other, all, seen, ordered));
    }
    ordered.push(file.clone());
}

/// Loads a file again, with the text that it has now.
pub fn again(cx: &mut Thread, file: &LoadedFile, text: String) -> Result<&'static Namespace, LoadError> {
    let source = Arc::new(Source::new(file.source.name.clone(), text));
    alone(cx, source, &file.path, Origin::Again(&file.path, file.namespace))
}
