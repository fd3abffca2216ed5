//! Namespaces that a `use` line would find: which there are, and the texts of those that are not loaded.
//!
//! Owns the look into folders for them, which is bounded: somebody's home may be the source root.

use std::path::{Path, PathBuf};

use super::paths;
use crate::runtime::Vm;
use crate::runtime::system::files;

/// So many entries of folders are looked at, so deep.
const MOST_ENTRIES: usize = 2_000;
const DEPTH: usize = 4;
/// No longer text is read.
const LONGEST: u64 = 1 << 20;

/// Is there a namespace of this name: made already, of the library, or in a file?
pub fn is_there(vm: &Vm, name: &str) -> bool {
    vm.namespaces.find(name).is_some()
        || vm.library.part(name).is_some()
        || vm.loader.search().find(name, None).is_some()
}

/// Names and texts of the namespaces that are not loaded.
pub fn texts_not_loaded(vm: &Vm) -> Vec<(String, String)> {
    let library = vm.library.texts().filter(|(name, _)| vm.namespaces.find(name).is_none());
    let mut found: Vec<(String, String)> = library.map(|(name, text)| (name.to_string(), text.to_string())).collect();
    let search = vm.loader.search();
    let mut left = MOST_ENTRIES;
    let mut programs = Vec::new();
    for folder in search.root.iter().chain(&search.include) {
        below(folder, DEPTH, &mut left, &mut programs);
    }
    programs.sort();
    programs.dedup();
    for file in programs {
        let Some(name) = search.name_of(&file).filter(|name| paths::is_namespace_name(name)) else { continue };
        if vm.namespaces.find(&name).is_some() || found.iter().any(|(other, _)| *other == name) {
            continue;
        }
        if let Some(text) = files::read(&file).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
            found.push((name, text));
        }
    }
    found
}

/// The texts of the language below a folder.
fn below(folder: &Path, depth: usize, left: &mut usize, found: &mut Vec<PathBuf>) {
    for entry in files::entries(folder) {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let path = &entry.path;
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if entry.folder && !hidden && depth > 0 {
            below(path, depth - 1, left, found);
        } else if path.extension().is_some_and(|e| e == "hr") && entry.length().is_some_and(|length| length <= LONGEST)
        {
            found.push(entry.path);
        }
    }
}
