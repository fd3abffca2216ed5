//! Finding: from the name in a `use` line to a namespace, which is loaded when it is not there.
//!
//! Owns the order in which it is looked for, and what is said when it is not found or when files use one another in a circle.

use std::path::Path;
use std::sync::Arc;

use super::loading::{Claimed, Key, Ours, Wanted};
use super::{LoadError, Origin, Problem, closest, library, library_names, load, paths, problem, shown_path};
use crate::gc::Thread;
use crate::reader::foreign_words::{self, Place};
use crate::reader::tree::{Source, Span};
use crate::reader::{self};
use crate::runtime::system::files;
use crate::runtime::{Namespace, Vm};

/// A link in the chain of files that use one another.
pub(super) struct Chain<'a> {
    pub namespace: &'a str,
    /// How all of the chain is wanted.
    pub wanted: Wanted,
    pub before: Option<&'a Chain<'a>>,
}

impl Chain<'_> {
    /// All names, from the first on.
    fn names(&self) -> Vec<String> {
        let mut names = self.before.map(Chain::names).unwrap_or_default();
        names.push(self.namespace.to_string());
        names
    }
}

/// From the first use of the name down to here, when the name is in the chain.
fn circle(chain: &[String], name: &str) -> Option<Vec<String>> {
    let at = chain.iter().position(|link| link == name)?;
    Some(chain[at..].iter().cloned().chain([name.to_string()]).collect())
}

/// Who asks for a namespace.
pub(super) struct Asking<'a> {
    pub source: &'a Arc<Source>,
    /// The `use` line.
    pub span: Span,
    /// The file it stands in.
    pub file: Option<&'a Path>,
    pub wanted: Wanted,
}

impl Asking<'_> {
    fn wrong(&self, title: String) -> Problem {
        problem(self.source, self.span, title)
    }

    fn cyclic(&self, names: &[String]) -> LoadError {
        let mut problem = self.wrong(format!("the namespaces use one another: {}", names.join(" -> ")));
        problem.diagnostic.label = Some("this closes the circle".into());
        LoadError::Problems(vec![problem])
    }

    fn not_found(&self, vm: &Vm, path: &str) -> LoadError {
        let mut problem = self.wrong(format!("there is no namespace {path}"));
        let names = library_names(vm);
        let foreign = foreign_words::word(path.rsplit('/').next().unwrap_or(path), Place::Module);
        problem.diagnostic.help = Some(match (foreign, closest(path, names.iter().map(String::as_str))) {
            (Some(help), _) => help.to_string(),
            (None, Some(meant)) => format!("did you mean `{meant}`?"),
            (None, None) => format!(
                "looked for {path}.hr beside this file, below the source root, in the -I folders, and in the standard library; \
                 the source root is the folder of the main file, or the nearest above it with a file harrier.toml"
            ),
        });
        LoadError::Problems(vec![problem])
    }
}

/// Loads a namespace as a `use` line that somebody types would.
pub fn require(cx: &mut Thread, path: &str) -> Result<&'static Namespace, LoadError> {
    let source = Arc::new(Source::new("<use>", path));
    let span = Span { start: 0, end: path.len() as u32 };
    find(cx, path, &Asking { source: &source, span, file: None, wanted: Wanted::Declared }, None)
}

/// The namespace that a `use` line names: loaded already, of the standard library, or from a file.
pub(super) fn find(
    cx: &mut Thread,
    path: &str,
    asking: &Asking<'_>,
    chain: Option<&Chain<'_>>,
) -> Result<&'static Namespace, LoadError> {
    let vm = cx.vm();
    let names = chain.map(Chain::names).unwrap_or_default();
    let not_above = |found: &'static Namespace| match circle(&names, found.name) {
        Some(names) => Err(asking.cyclic(&names)),
        None => Ok(found),
    };
    if let Some((name, text)) = vm.library.texts().find(|(name, _)| *name == path) {
        let loaded = || crate::runtime::lock(&vm.loader.library).get(name).copied();
        return match vm.loader.loading.claim(cx, &Key::Library(name), &names, asking.wanted, loaded)? {
            Claimed::There(known) => not_above(known),
            Claimed::Circle(names) => Err(asking.cyclic(&names)),
            Claimed::Ours(_ours) => {
                let source = Arc::new(Source::of_library(name, &library::as_loaded(text)));
                Ok(load(cx, source, Origin::Library(name), chain)?.0)
            }
        };
    }
    let native = vm.namespaces.find(path);
    if let Some(native) = native.filter(|n| n.native()) {
        return Ok(native);
    }
    let Some(found) = vm.loader.search().find(path, asking.file) else {
        // A namespace that was made by hand, in the REPL for instance.
        return native.map_or_else(|| Err(asking.not_found(vm, path)), not_above);
    };
    let absolute = paths::absolute(&found);
    let loaded = || crate::runtime::lock(&vm.loader.files).present(&absolute).map(|file| file.namespace);
    match vm.loader.loading.claim(cx, &Key::File(absolute.clone()), &names, asking.wanted, loaded)? {
        Claimed::There(known) => not_above(known),
        Claimed::Circle(names) => Err(asking.cyclic(&names)),
        Claimed::Ours(ours) => from_file(cx, &found, path, asking, chain, ours),
    }
}

fn from_file(
    cx: &mut Thread,
    file: &Path,
    path: &str,
    asking: &Asking<'_>,
    chain: Option<&Chain<'_>>,
    _ours: Ours<'_>,
) -> Result<&'static Namespace, LoadError> {
    let shown = shown_path(file);
    let text = files::read(file).map_err(|e| e.to_string()).and_then(|b| reader::decode(b).map_err(|e| e.message));
    match text {
        Ok(text) => {
            let source = Arc::new(Source::new(shown, text));
            Ok(load(cx, source, Origin::File(file, path), chain)?.0)
        }
        Err(why) => Err(LoadError::Problems(vec![asking.wrong(format!("cannot read {shown}: {why}"))])),
    }
}
