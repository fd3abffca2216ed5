//! Files that were loaded, and their loading again.
//!
//! Owns what is remembered of each, and the order in which they are loaded again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{LoadError, Loader, Origin, alone};
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

/// The files that are loaded or being loaded. Where a load could not wait for another one of the same file, or loads it again, there are
/// several of one path: the one that began last counts.
#[derive(Debug, Default)]
pub(super) struct Files(FxHashMap<PathBuf, Vec<LoadedFile>>);

impl Files {
    /// What the file at this absolute path is, or becomes.
    pub(super) fn present(&self, path: &Path) -> Option<&LoadedFile> {
        self.0.get(path)?.last()
    }

    /// A file begins to be loaded.
    pub(super) fn begin(&mut self, file: LoadedFile) {
        self.0.entry(file.path.clone()).or_default().push(file);
    }

    /// It is loaded now, from this text, or has failed: others of the same path have nothing to do with that.
    pub(super) fn end(&mut self, path: &Path, source: &Arc<Source>, loaded: bool) {
        let Some(all) = self.0.get_mut(path) else { return };
        all.retain(|file| loaded || !Arc::ptr_eq(&file.source, source));
        all.iter_mut().filter(|file| Arc::ptr_eq(&file.source, source)).for_each(|file| file.loaded = loaded);
        // Of those that are loaded the last takes the place of the others.
        if let Some(last) = all.iter().rposition(|file| file.loaded) {
            let mut at = 0..;
            all.retain(|file| at.next() == Some(last) || !file.loaded);
        }
        if all.is_empty() {
            self.0.remove(path);
        }
    }
}

impl Loader {
    /// The files that are loaded, each behind those that it uses.
    pub fn loaded_files(&self) -> Vec<LoadedFile> {
        let files = crate::runtime::lock(&self.files);
        let present = files.0.values().filter_map(|all| all.last());
        let mut all: Vec<LoadedFile> = present.filter(|file| file.loaded).cloned().collect();
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

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::super::{LoadError, Wanted, core, evaluate, file};
    use super::*;
    use crate::runtime::system::threads;
    use crate::runtime::testing;

    fn with_core(f: impl FnOnce(&mut Thread) + Send + 'static) {
        let all = || {
            testing::with_machine(|cx| {
                core(cx).expect("core");
                f(cx);
            })
        };
        std::thread::Builder::new().stack_size(64 << 20).spawn(all).expect("a thread").join().expect("no panic");
    }

    fn load(cx: &mut Thread, text: &str) -> Result<&'static Namespace, LoadError> {
        file(cx, Path::new("/nowhere/one.hr"), "one.hr", text.into(), false, Wanted::Declared)
    }

    fn texts(cx: &Thread) -> Vec<String> {
        cx.vm().loader.loaded_files().iter().map(|file| file.source.text.to_string()).collect()
    }

    #[test]
    fn a_load_that_panics_is_none() {
        with_core(|cx| {
            cx.vm().loader.set_warn(|_, _| panic!("this test asked for it"));
            let text = "use io\nfn f() { 1 }";
            assert!(catch_unwind(AssertUnwindSafe(|| load(cx, text))).is_err(), "it is warned of what is not used");
            assert!(crate::runtime::lock(&cx.vm().loader.files).present(Path::new("/nowhere/one.hr")).is_none());
            cx.vm().loader.set_warn(|_, _| {});
            assert!(load(cx, text).is_ok());
            assert_eq!(texts(cx), [text]);
        });
    }

    #[test]
    fn a_load_that_fails_leaves_another_one_of_the_file() {
        with_core(|cx| {
            let vm = cx.vm();
            let (ended, end) = std::sync::mpsc::channel();
            let fails = "let gate = atom(false)\nwhile !deref(gate) { sleep(1) }\nthrow \"no\"";
            let other = move |cx: &mut Thread| {
                let _ = ended.send(matches!(load(cx, fails), Err(LoadError::Thrown(_))));
            };
            threads::start_attached(vm, other).expect("a thread");
            // The other one cannot be waited for: it waits for us.
            let own = |name| vm.namespaces.find("one").and_then(|namespace| namespace.own(name));
            while own("gate").is_none_or(|gate| !gate.is_defined()) {
                threads::check_interrupt(cx).expect("nobody interrupts");
                cx.outside(|| std::thread::sleep(std::time::Duration::from_millis(1)));
            }
            let good = "fn f() { 1 }";
            let namespace = load(cx, good).expect("it is loaded beside the other");
            assert!(evaluate(cx, "<test>", "reset!(gate, true)", namespace).is_ok());
            assert!(cx.outside(|| end.recv()).expect("an answer"), "the other one throws");
            assert_eq!(texts(cx), [good]);
        });
    }
}
