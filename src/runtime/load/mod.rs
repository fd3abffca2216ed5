//! Loading: from a text to a namespace whose top level has run.
//!
//! Owns the order of things: read, load what is used, resolve and check, declare, run the top level. Knows files; must not know
//! terminals: problems are data ([`Problem`]), whoever asked shows them.
//!
//! Invariant: nothing of a text is declared before the whole text is known to be right.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Weak};

use rustc_hash::FxHashMap;

use super::Vm;
use crate::gc::mutator::activity::Activity;
use crate::gc::{Handle, Thread, Thrown};
use crate::locks::{Mutex, RwLock};
use crate::reader::diagnostics::{Diagnostic, Severity, render};
use crate::reader::tree::{Item, Source, Span, Unit};
use crate::reader::{self, ErrorClass, Surroundings, SyntaxError, habits};
use crate::runtime::program::binding::Binding;
use crate::runtime::program::declare::{self, DeclareError};
use crate::runtime::program::namespace::Namespace;
use crate::runtime::system::files;
use crate::runtime::system::turn::InTurn;
use crate::runtime::values::text::room;
use find::{Asking, Chain, find};
use loading::Key;
use scope::{Meaning, Scope};

pub mod again;
mod check;
mod declaration;
mod find;
pub(super) mod install;
pub mod library;
mod loading;
mod main;
pub mod paths;
mod remembered;
mod scope;
mod shown;
pub mod texts;
mod unloaded;
mod uses;

use crate::runtime::compile::reclaim;
pub use crate::runtime::fault::suggest::closest;
pub use declaration::declare;
pub use find::require;
pub use loading::Wanted;
pub use main::call_main;
pub use unloaded::{is_there, texts_not_loaded};

/// Something wrong with a text.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The text.
    pub source: Arc<Source>,
    /// What is wrong.
    pub diagnostic: Diagnostic,
    /// It is a matter of syntax, and more text may cure it.
    pub incomplete: bool,
    /// The text does not follow the grammar, rather than breaking a rule of what follows it.
    pub syntax: bool,
}

/// Why loading failed.
#[derive(Debug)]
pub enum LoadError {
    /// The text (or one it uses) is wrong. Never empty.
    Problems(Vec<Problem>),
    /// The top level threw.
    Thrown(Thrown),
}

impl From<Thrown> for LoadError {
    fn from(thrown: Thrown) -> LoadError {
        LoadError::Thrown(thrown)
    }
}

/// A `test` block.
#[derive(Clone, Debug)]
pub struct TestBlock {
    /// Its name.
    pub name: Arc<str>,
    /// Where it stands.
    pub namespace: &'static Namespace,
    /// Its body.
    pub code: &'static super::Code,
    /// `file.hr:12`
    pub place: String,
}

/// Who is told of a warning (rendered) about a text that this thread loads.
pub type Warn = fn(&Thread, &str);

/// Of so many warnings it is remembered what they have shown.
const SHOWN: usize = 100;

/// So many warnings of a text are shown.
const MOST_WARNINGS: usize = 100;

/// What the loader remembers.
#[derive(Default)]
pub struct Loader {
    search: RwLock<paths::SearchPath>,
    /// Files that are loaded or being loaded.
    files: Mutex<again::Files>,
    /// Those of the standard library.
    library: Mutex<FxHashMap<&'static str, &'static Namespace>>,
    loading: loading::Loading,
    tests: Mutex<Vec<TestBlock>>,
    warn: Mutex<Option<Warn>>,
    /// The places that the latest warnings have shown, at most [`SHOWN`].
    shown: Mutex<VecDeque<(Weak<Source>, Span)>>,
    remembered: remembered::Remembered,
    /// One thread at a time declares what is in a text: this one.
    declaring: InTurn<Option<u64>>,
}

impl Loader {
    /// Is the thread in the midst of declaring something?
    pub fn is_declaring(&self, cx: &Thread) -> bool {
        let state = self.declaring.lock();
        state.is_busy() && **state == Some(cx.id())
    }

    /// Sets where files are looked for.
    pub fn set_search(&self, search: paths::SearchPath) {
        *super::write(&self.search) = search;
    }

    /// Sets who gets the warnings.
    pub fn set_warn(&self, warn: Warn) {
        *super::lock(&self.warn) = Some(warn);
    }

    /// Files are looked for as beside this one, and in the same other folders as before.
    pub fn search_beside(&self, file: &Path) {
        let include = super::read(&self.search).include.clone();
        self.set_search(paths::SearchPath::of_program(file, include));
    }

    fn warn(&self, cx: &Thread, source: &Arc<Source>, warning: &Diagnostic) {
        let warn = *super::lock(&self.warn);
        if let Some(warn) = warn {
            warn(cx, &render(source, warning, false));
            let Some(span) = warning.span else { return };
            let mut shown = super::lock(&self.shown);
            shown.push_back((Arc::downgrade(source), span));
            if shown.len() > SHOWN {
                shown.pop_front();
            }
        }
    }

    /// At the prompt: what was shown before stands too far above.
    pub fn forget_shown(&self) {
        super::lock(&self.shown).clear();
    }

    /// Has a warning shown this place, and no error since?
    pub(super) fn take_shown(&self, source: &Arc<Source>, span: Span) -> bool {
        let mut shown = super::lock(&self.shown);
        let at = shown.iter().position(|(of, at)| *at == span && of.as_ptr() == Arc::as_ptr(source));
        at.and_then(|at| shown.remove(at)).is_some()
    }

    /// All test blocks so far.
    pub fn tests(&self) -> Vec<TestBlock> {
        super::lock(&self.tests).clone()
    }

    /// The records that tests and remembered texts hold.
    pub(super) fn records(&self) -> Vec<&'static super::Code> {
        let mut records = self.remembered.records();
        records.extend(super::lock(&self.tests).iter().map(|t| t.code));
        records
    }

    /// Notes that a name means something else than before.
    pub(super) fn names_changed(&self) {
        self.remembered.names_changed();
    }

    fn search(&self) -> paths::SearchPath {
        super::read(&self.search).clone()
    }
}

/// Is there such a namespace in the library? A program that is called so must not define things there.
fn is_library(cx: &Thread, name: &str) -> bool {
    cx.vm().library.part(name).is_some()
}

/// The names of the library's namespaces.
fn library_names(vm: &Vm) -> Vec<String> {
    vm.library.parts.iter().map(|part| part.name.to_string()).collect()
}

/// The namespace of a main file whose name is none, or one of the library.
const MAIN: &str = "main";

/// Where a text comes from.
#[derive(Clone, Copy)]
enum Origin<'a> {
    /// A file that is loaded by itself, whether its `main` is called then, and how it wants what it uses.
    Main(&'a Path, bool, Wanted),
    /// A file that a `use` line asked for under this name.
    File(&'a Path, &'a str),
    /// A file that has been loaded before, as this namespace.
    Again(&'a Path, &'static Namespace),
    /// The standard library.
    Library(&'static str),
    /// Text for a namespace that is there: `eval`, the REPL, `-e`.
    Text(&'static Namespace, Unknown),
    /// A declaration of such a text, once more: with stops, and breakpoints at these places, or without.
    Declaration(&'static Namespace, Option<&'a [u32]>),
}

/// What becomes of a name inside of a function that nobody knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    /// It is an error.
    IsWrong,
    /// It may be defined by one of the next texts, before the function is called: a warning.
    MayCome,
}

/// Loads a file by itself, and runs its top level: that of a program, whose `main` the caller calls then, or one for who calls what else
/// is in it.
pub fn file(
    cx: &mut Thread,
    file: &Path,
    name: &str,
    text: String,
    is_program: bool,
    wanted: Wanted,
) -> Result<&'static Namespace, LoadError> {
    alone(cx, Arc::new(Source::new(name, text)), file, Origin::Main(file, is_program, wanted))
}

/// Loads a file, be it loaded before, when no other thread loads it any more; where that cannot be waited for, beside it.
fn alone(
    cx: &mut Thread,
    source: Arc<Source>,
    file: &Path,
    origin: Origin<'_>,
) -> Result<&'static Namespace, LoadError> {
    let key = Key::File(paths::absolute(file));
    let _claimed = cx.vm().loader.loading.claim(cx, &key, &[], Wanted::Declared, || None)?;
    Ok(load(cx, source, origin, None)?.0)
}

/// What evaluating a text gives.
pub struct Evaluated {
    /// The namespace it was evaluated in: that of its `namespace` line if it has one.
    pub namespace: &'static Namespace,
    /// The value of its last expression or `let`.
    pub value: Handle,
    /// It ends with an expression or `let`, and not with another declaration.
    pub has_value: bool,
    /// It is the value of what only prints.
    pub only_prints: bool,
}

/// Evaluates a text in a namespace.
pub fn evaluate(
    cx: &mut Thread,
    name: &str,
    text: &str,
    namespace: &'static Namespace,
) -> Result<Evaluated, LoadError> {
    evaluate_text(cx, name, text, Origin::Text(namespace, Unknown::IsWrong))
}

/// Evaluates what somebody types in a conversation: functions may name what comes later.
pub fn entry(cx: &mut Thread, name: &str, text: &str, namespace: &'static Namespace) -> Result<Evaluated, LoadError> {
    evaluate_text(cx, name, text, Origin::Text(namespace, Unknown::MayCome))
}

fn evaluate_text(cx: &mut Thread, name: &str, text: &str, origin: Origin<'_>) -> Result<Evaluated, LoadError> {
    if let Origin::Text(namespace, _) = origin
        && let Some((value, only_prints)) = evaluate_again(cx, name, text, namespace)?
    {
        return Ok(Evaluated { namespace, value, has_value: true, only_prints });
    }
    let source = Arc::new(Source::new(name, text));
    let (namespace, unit, value) = load(cx, source, origin, None)?;
    let has_value = matches!(unit.items.last(), Some(Item::Expression { .. } | Item::Let { .. }));
    Ok(Evaluated { namespace, value, has_value, only_prints: shown::only_prints(&unit) })
}

/// Evaluates a text of our own, which may name what is private to the library.
pub fn evaluate_as_library(
    cx: &mut Thread,
    name: &str,
    text: &str,
    namespace: &'static Namespace,
) -> Result<Handle, LoadError> {
    Ok(load(cx, Arc::new(Source::of_library(name, text)), Origin::Text(namespace, Unknown::IsWrong), None)?.2)
}

/// Runs the code of a text that was evaluated before, if it is remembered.
fn evaluate_again(
    cx: &mut Thread,
    name: &str,
    text: &str,
    namespace: &'static Namespace,
) -> Result<Option<(Handle, bool)>, LoadError> {
    let Some(held) = cx.vm().loader.remembered.find(namespace, text) else { return Ok(None) };
    let code = held.code();
    let Some((unit, _)) = code.function().filter(|(unit, _)| unit.source().name == name) else { return Ok(None) };
    let only_prints = shown::only_prints(&unit.unit);
    cx.check_native_stack()?;
    let function = cx.alloc_closure(code.address(), &[])?;
    drop(held);
    Ok(Some((cx.scoped(|cx| cx.call(function, &[]))?, only_prints)))
}

/// Loads the part of `core` that is written in Harrier.
pub fn core(cx: &mut Thread) -> Result<(), LoadError> {
    for (name, text) in cx.vm().library.texts().filter(|(name, _)| *name == "core") {
        let source = Arc::new(Source::of_library(name, text));
        let mark = cx.mark();
        let (_core, _unit, _value) = load(cx, source, Origin::Library(name), None)?;
        cx.release(mark);
    }
    Ok(())
}

fn problem(source: &Arc<Source>, span: Span, title: String) -> Problem {
    let diagnostic = Diagnostic::new(Severity::Error, title, Some(span));
    Problem { source: source.clone(), diagnostic, incomplete: false, syntax: false }
}

fn syntax_problems(source: &Arc<Source>, errors: &[SyntaxError], origin: Origin<'_>) -> LoadError {
    // More input cannot cure a file that is used.
    let asked = matches!(origin, Origin::Text(..));
    // An open bracket that was told already is what the text ends in, too.
    let told = |end: &SyntaxError| {
        errors.iter().filter(|e| e.span.start < end.span.start).flat_map(|e| &e.secondary).any(|(span, _)| {
            source.text.get(span.start as usize..span.end as usize).is_some_and(|t| t.ends_with(['(', '[', '{']))
        })
    };
    let problems = errors.iter().filter(|&e| asked || !e.incomplete || !told(e)).map(|error| Problem {
        source: source.clone(),
        diagnostic: Diagnostic::from(error),
        incomplete: error.incomplete && asked,
        syntax: error.class == ErrorClass::Grammar,
    });
    LoadError::Problems(problems.collect())
}

/// Reads a text, as one for a namespace that is there if it is.
pub fn read_for(source: Arc<Source>, around: Option<&'static Namespace>) -> Result<Unit, Vec<SyntaxError>> {
    let defines = |word: &str| around.is_some_and(|namespace| namespace.own(word).is_some());
    let mut surroundings = Surroundings { aliases: Vec::new(), defines: Some(&defines) };
    if let Some(namespace) = around {
        surroundings.aliases.extend(namespace.alias_names().into_iter().map(str::to_string));
        surroundings.aliases.push(namespace.name.to_string());
    }
    reader::read(source, &surroundings)
}

fn load(
    cx: &mut Thread,
    source: Arc<Source>,
    origin: Origin<'_>,
    chain: Option<&Chain<'_>>,
) -> Result<(&'static Namespace, Arc<Unit>, Handle), LoadError> {
    cx.check_native_stack()?;
    let around = match origin {
        Origin::Text(namespace, _) => Some(namespace),
        _ => None,
    };
    // What is read takes some fifteen to thirty times as much as its text. (Measured.)
    let claim = room::claim(cx, "a program", source.text.len().saturating_mul(32))?;
    let reading = cx.busy(Activity::Reading);
    let unit = match read_for(source.clone(), around) {
        Ok(unit) => Arc::new(unit),
        Err(errors) if errors.iter().any(|e| e.class == ErrorClass::Stack) => return Err(cx.stack_overflow().into()),
        Err(errors) => return Err(syntax_problems(&source, &errors, origin)),
    };
    drop(reading);
    drop(claim);
    let name = namespace_name(cx, &unit, origin).map_err(|p| LoadError::Problems(vec![*p]))?;
    let namespace = match origin {
        Origin::Text(namespace, _) if namespace.name == name => namespace,
        _ => declare::namespace(cx, &name).map_err(|e| e.throw(cx))?,
    };
    let mut under_way = UnderWay::begin(cx.vm(), origin, namespace, &source);
    let value = load_unit(cx, &unit, namespace, origin, chain)?;
    under_way.loaded = true;
    Ok((namespace, unit, value))
}

/// A load that is under way: what is loaded counts as loaded meanwhile, so that what its top level evaluates finds it. Where it does not come
/// to its end, be it by a panic, that counts as it did before, so it is tried again.
struct UnderWay {
    loader: &'static Loader,
    key: Option<Key>,
    source: Arc<Source>,
    loaded: bool,
}

impl UnderWay {
    fn begin(vm: &'static Vm, origin: Origin<'_>, namespace: &'static Namespace, source: &Arc<Source>) -> UnderWay {
        let loader = &vm.loader;
        let key = match origin {
            Origin::Main(file, ..) | Origin::File(file, _) | Origin::Again(file, _) => {
                let path = paths::absolute(file);
                super::lock(&loader.files).begin(again::LoadedFile::new(path.clone(), namespace, source.clone()));
                Some(Key::File(path))
            }
            Origin::Library(name) => {
                super::lock(&loader.library).insert(name, namespace);
                Some(Key::Library(name))
            }
            Origin::Text(..) | Origin::Declaration(..) => None,
        };
        if let Some(key) = &key {
            loader.loading.becomes(key, namespace);
        }
        UnderWay { loader, key, source: source.clone(), loaded: false }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        match &self.key {
            Some(Key::File(path)) => super::lock(&self.loader.files).end(path, &self.source, self.loaded),
            Some(Key::Library(name)) if !self.loaded => {
                super::lock(&self.loader.library).remove(name);
            }
            _ => {}
        }
    }
}

/// The name of a unit's namespace: its `namespace` line, which must agree with the file's path, or the path itself.
fn namespace_name(cx: &Thread, unit: &Unit, origin: Origin<'_>) -> Result<String, Box<Problem>> {
    let line = unit.namespace.as_ref().map(|line| (unit.name(line.path).to_string(), line.span));
    let search = cx.vm().loader.search();
    let whole = Span { start: 0, end: 0 };
    let stem = |file: &Path| file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let expected = match origin {
        Origin::Text(namespace, _) | Origin::Declaration(namespace, _) => {
            return Ok(line.map_or(namespace.name.to_string(), |l| l.0));
        }
        Origin::Library(name) => return Ok(name.to_string()),
        Origin::Again(_, namespace) => namespace.name.to_string(),
        Origin::Main(file, ..) => search.name_of(file).unwrap_or_else(|| stem(file)),
        Origin::File(file, used) => search.name_of(file).unwrap_or_else(|| used.to_string()),
    };
    match line {
        Some((name, _)) if name == expected => Ok(name),
        // A file whose path is no name has no other choice.
        Some((name, _)) if !paths::is_namespace_name(&expected) => Ok(name),
        Some((name, span)) => {
            let title = format!("this file's namespace is {expected}, not {name}");
            let mut problem = problem(&unit.source, span, title);
            let below = name.strip_suffix(&expected).and_then(|folders| folders.strip_suffix('/'));
            problem.diagnostic.help = Some(match below {
                Some(folders) => format!(
                    "put a file harrier.toml beside the folder {folders}: it marks the source root, below which paths are names"
                ),
                None => format!(
                    "a namespace is called as its file, with the folders below the source root: write `namespace {expected}`"
                ),
            });
            Err(Box::new(problem))
        }
        None => {
            let name = match origin {
                Origin::Main(file, ..) => stem(file),
                _ => expected,
            };
            let main = matches!(origin, Origin::Main(..));
            if paths::is_namespace_name(&name) && !(main && is_library(cx, &name)) {
                return Ok(name);
            }
            if main {
                return Ok(MAIN.to_string());
            }
            let title = format!("`{name}` is not a name for a namespace: add a line `namespace name` at the top");
            Err(Box::new(problem(&unit.source, whole, title)))
        }
    }
}

fn load_unit(
    cx: &mut Thread,
    unit: &Arc<Unit>,
    namespace: &'static Namespace,
    origin: Origin<'_>,
    chain: Option<&Chain<'_>>,
) -> Result<Handle, LoadError> {
    let vm = cx.vm();
    if matches!(origin, Origin::Text(..)) {
        // Another text may be the end of functions that nobody has called.
        reclaim::made(vm, unit.functions.len());
        reclaim::now_and_then(cx);
    }
    let source = &unit.source;
    let wanted = match (chain, origin) {
        (Some(above), _) => above.wanted,
        (None, Origin::Main(.., wanted)) => wanted,
        // What the program asks for, not who types.
        (None, Origin::Text(_, Unknown::IsWrong)) => Wanted::Loaded,
        (None, _) => Wanted::Declared,
    };
    let here = Chain { namespace: namespace.name, wanted, before: chain };
    let mut problems = Vec::new();
    // What is used comes first.
    let file = match origin {
        Origin::Main(file, ..) | Origin::File(file, _) | Origin::Again(file, _) => Some(file),
        Origin::Library(_) | Origin::Text(..) | Origin::Declaration(..) => None,
    };
    let mut used = Vec::new();
    for line in &unit.uses {
        let path = unit.name(line.path);
        match find(cx, path, &Asking { source, span: line.span, file, wanted }, Some(&here)) {
            Ok(found) => used.push((line, found)),
            Err(LoadError::Problems(more)) => problems.extend(more),
            Err(thrown) => return Err(thrown),
        }
    }
    if !problems.is_empty() {
        return Err(LoadError::Problems(problems));
    }
    // What the names mean.
    let names = vm.loader.remembered.names();
    let mut scope = Scope::new(vm, unit, namespace);
    problems.extend(uses::colliding(unit));
    if !problems.is_empty() {
        return Err(LoadError::Problems(problems));
    }
    for (line, found) in &used {
        scope.aliases.insert(unit.name(line.alias), found);
        for (name, span) in &line.names {
            let name = unit.name(*name);
            match found.member_for(name, unit.source.is_library) {
                Some(binding) => {
                    let other = scope.imports.insert(name, binding).filter(|other| !std::ptr::eq(*other, binding));
                    problems.extend(other.map(|_| uses::taken_twice(unit, name, *span)));
                }
                None => {
                    let mut problem =
                        problem(source, *span, format!("namespace {} has no member `{name}`", found.name));
                    let members = found.names_for(unit.source.is_library);
                    problem.diagnostic.help =
                        closest(name, members.iter().map(String::as_str)).map(|c| format!("did you mean `{c}`?"));
                    problems.push(problem);
                }
            }
        }
    }
    for export in &unit.exports {
        let reference = unit.globals[export.index()];
        if let Some(Meaning::Known(known)) = scope.meaning(reference) {
            scope.exports.insert(unit.name(reference.name), known.0);
        }
    }
    let checking = cx.busy(Activity::Reading);
    let later = matches!(origin, Origin::Text(_, Unknown::MayCome) | Origin::Declaration(..));
    let mut found = check::check(cx, &scope, later);
    drop(checking);
    let is_program = matches!(origin, Origin::Main(_, true, _));
    found.extend(habits::main_takes(unit).filter(|_| is_program));
    if problems.is_empty() && file.is_some() && found.iter().all(|d| d.severity != Severity::Error) {
        found.extend(uses::unused(unit, |path| is_library(cx, path)));
        found.extend(habits::nothing_to_run(unit).filter(|_| is_program));
        found.sort_by_key(|d| d.span.map_or(0, |s| s.start));
    }
    let lasting = found.is_empty() && matches!(origin, Origin::Text(..)) && remembered::only_expressions(unit);
    let mut warnings = 0;
    for diagnostic in found {
        match diagnostic.severity {
            Severity::Error => {
                problems.push(Problem { source: source.clone(), diagnostic, incomplete: false, syntax: false });
            }
            // The second was warned of before.
            _ if matches!(origin, Origin::Library(_) | Origin::Declaration(..)) => {}
            _ => {
                warnings += 1;
                if warnings <= MOST_WARNINGS {
                    vm.loader.warn(cx, source, &diagnostic);
                }
            }
        }
    }
    if warnings > MOST_WARNINGS {
        let more = format!("{} more warnings of this text are not shown", warnings - MOST_WARNINGS);
        vm.loader.warn(cx, source, &Diagnostic::new(Severity::Warning, more, None));
    }
    if !problems.is_empty() {
        return Err(LoadError::Problems(problems));
    }
    let line = unit.namespace.as_ref();
    let doc = line.and_then(|l| l.doc).map(|doc| Arc::from(unit.name(doc)));
    namespace.set_source(doc, file.map(|_| source.clone()));
    for (line, found) in &used {
        namespace.add_alias(unit.name(line.alias), found);
    }
    for (name, binding) in &scope.imports {
        namespace.add_import(name, binding);
    }
    for (name, binding) in &scope.exports {
        namespace.add_member(name, binding);
    }
    let unit = &declaration::with_stops(vm, unit, origin);
    let of_a_claim = file.is_some() || matches!(origin, Origin::Library(_));
    install::install(cx, unit, &scope, lasting.then_some(names), |cx| {
        if of_a_claim {
            vm.loader.loading.declared(cx, namespace);
        }
    })
}

/// A path as messages show it: relative to the present folder when it lies below it.
pub fn shown_path(path: &Path) -> String {
    let absolute = paths::absolute(path);
    let here = paths::absolute(&files::here());
    absolute.strip_prefix(&here).unwrap_or(&absolute).display().to_string()
}

/// All problems as text, and how many there are.
pub fn render_problems(problems: &[Problem], color: bool) -> String {
    let mut text = String::new();
    for problem in problems {
        text.push_str(&render(&problem.source, &problem.diagnostic, color));
        text.push('\n');
    }
    if problems.len() > 1 {
        text.push_str(&format!("{} errors\n", problems.len()));
    }
    text
}

impl DeclareError {
    fn load(self, cx: &mut Thread) -> LoadError {
        LoadError::Thrown(self.throw(cx))
    }
}

/// The binding of an own name, for `install`.
fn own_binding(cx: &mut Thread, namespace: &'static Namespace, name: &str) -> Result<&'static Binding, LoadError> {
    let vm = cx.vm();
    namespace.intern(vm, name).map_err(|e| DeclareError::from(e).load(cx))
}
