//! Where the files of namespaces are.
//!
//! Owns the search path and the rule that relates a file's path to the name of its namespace. Reads directories, no texts.

use crate::runtime::system::files;
use std::path::{Component, Path, PathBuf};

/// Where files are looked for.
#[derive(Clone, Debug, Default)]
pub struct SearchPath {
    /// The folder of the main file, or the nearest one above it with a `harrier.toml`.
    pub root: Option<PathBuf>,
    /// The folders of `-I`, in order.
    pub include: Vec<PathBuf>,
}

impl SearchPath {
    /// The search path of a program.
    pub fn of_program(main: &Path, include: Vec<PathBuf>) -> SearchPath {
        let absolute = absolute(main);
        let folder = absolute.parent().unwrap_or(Path::new("/")).to_path_buf();
        let project = folder.ancestors().find(|f| files::is_file(&f.join("harrier.toml"))).map(Path::to_path_buf);
        SearchPath { root: Some(project.unwrap_or(folder)), include }
    }

    /// The file of a namespace that is used in a file (or in a text without file): beside it, below the root, in the include
    /// folders.
    pub fn find(&self, namespace: &str, using: Option<&Path>) -> Option<PathBuf> {
        let beside = using.map(absolute).and_then(|p| p.parent().map(Path::to_path_buf));
        let folders = beside.iter().chain(&self.root).chain(&self.include);
        folders.map(|f| f.join(format!("{namespace}.hr"))).find(|p| files::is_file(p))
    }

    /// The name that the path of a file gives its namespace: the path below the root, or below an include folder. None when
    /// it lies elsewhere.
    pub fn name_of(&self, file: &Path) -> Option<String> {
        let file = absolute(file);
        self.root.iter().chain(&self.include).find_map(|folder| {
            let below = file.strip_prefix(absolute(folder)).ok()?.with_extension("");
            let words: Option<Vec<&str>> = below
                .components()
                .map(|c| match c {
                    Component::Normal(word) => word.to_str(),
                    _ => None,
                })
                .collect();
            Some(words?.join("/"))
        })
    }
}

pub use crate::runtime::system::files::absolute;

/// May this be the name of a namespace?
pub fn is_namespace_name(name: &str) -> bool {
    !name.is_empty() && name.split('/').all(is_word)
}

fn is_word(word: &str) -> bool {
    let mut chars = word.chars();
    let starts = chars.next().is_some_and(|c| unicode_ident::is_xid_start(c) || c == '_');
    starts && !word.ends_with('-') && chars.all(|c| unicode_ident::is_xid_continue(c) || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "shapes/circle", "math-tools", "_x1", "größe"] {
            assert!(is_namespace_name(good), "{good}");
        }
        for bad in ["", "a.b", "1a", "a//b", "a-", "a b", "/a"] {
            assert!(!is_namespace_name(bad), "{bad}");
        }
    }
}
