//! Dispatch: which function a protocol method or a `v.name(…)` runs for a value.
//!
//! Owns the protocols' methods, who implements them, the associated functions, and the tables through which generated code
//! finds an address by the layout of the first argument. Tables are filled on demand by `runtime/program/resolve.rs`.
//!
//! A table belongs to (method, number of arguments) or to (selector, number of arguments), `self` counted. Its cell holds the
//! address of an array of code addresses indexed by layout id: `call [[cell] + 4 * low]` with `low` the low half of the
//! header. All layout ids below `capacity` have an entry, an unresolved one jumps to the table's thunk. Growing replaces the
//! array; old arrays are kept, for another thread may be reading them (they sum to less than the newest).
//!
//! Code that calls a method by its name goes through a second cell, `named`. It says the same as long as the name stands for the
//! method. When the name gets another value, the entries there go to the thunk that asks the name, so that frames which run that code follow;
//! the method itself, as a value that somebody has kept, is dispatched as ever.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use rustc_hash::FxHashMap;

use super::binding::Binding;
use super::code::CodeSource;
use super::declare::DeclareError;
use super::keywords::intern;
use super::namespace::Namespace;
use super::types::{BUILTIN_TYPES, TypeId};
use crate::asm::memory::{CodeMemory, MemoryError};
use crate::gc::Thread;
use crate::locks::{Mutex, RwLock};
use crate::mutations::{Mutation, mutated};
use crate::object::layout::LayoutId;
use crate::runtime::Code;
use crate::runtime::program::builtin::Builtin;
use crate::runtime::program::held::Held;
use crate::windows::window;

/// Number of a method.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct MethodId(pub u32);

/// Is this one of these numbers of arguments (`true`: or more)?
pub fn takes_so_many(takes: &[(usize, bool)], argc: usize) -> bool {
    takes.iter().any(|&(n, more)| n == argc || more && argc > n)
}

/// A method of a protocol. Never freed.
pub struct MethodInfo {
    /// Its number.
    pub id: MethodId,
    /// `area`
    pub name: &'static str,
    /// The protocol.
    pub protocol: TypeId,
    /// The name of the protocol.
    pub protocol_name: &'static str,
    /// `shapes/area`
    pub qualified: String,
    /// The numbers of arguments it is declared with, `self` included, ascending (`true`: or more).
    declared: RwLock<Vec<(usize, bool)>>,
    /// The parameters of each arity, as they are written: `(self, other)`.
    signatures: RwLock<Vec<String>>,
    /// The default bodies.
    default: RwLock<Option<&'static Code>>,
    /// What runs for builtin types that nobody extended.
    builtin: RwLock<Option<&'static Builtin>>,
    /// The protocol has it no more. What implements it is kept, and is there again when it comes back.
    gone: AtomicBool,
}

impl fmt::Debug for MethodInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.qualified)
    }
}

impl MethodInfo {
    /// The numbers of arguments it is declared with, `self` included, ascending (`true`: or more).
    pub fn declared(&self) -> Vec<(usize, bool)> {
        crate::runtime::read(&self.declared).clone()
    }

    /// Does the protocol declare it with this number of arguments?
    pub fn declares(&self, argc: usize) -> bool {
        takes_so_many(&crate::runtime::read(&self.declared), argc)
    }

    /// The parameters of each arity, as they are written: `(self, other)`.
    pub fn signatures(&self) -> Vec<String> {
        crate::runtime::read(&self.signatures).clone()
    }

    /// Replaces the parameters.
    pub fn set_signatures(&self, signatures: Vec<String>) {
        *crate::runtime::write(&self.signatures) = signatures;
    }

    /// Replaces the numbers of arguments it is declared with. The protocol has it, be it again.
    pub fn declare(&self, takes: &[(usize, bool)]) {
        *crate::runtime::write(&self.declared) = takes.to_vec();
        self.gone.store(false, Ordering::Release);
    }

    /// Has the protocol been declared again without it?
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// The default bodies.
    pub fn default(&self) -> Option<&'static Code> {
        *crate::runtime::read(&self.default)
    }

    /// Is it the name that it was declared with?
    pub fn is_named(&self, binding: &Binding) -> bool {
        self.name == binding.name
            && self
                .qualified
                .strip_suffix(self.name)
                .is_some_and(|ns| ns.strip_suffix('/') == Some(binding.namespace.name))
    }

    /// Replaces the default bodies.
    pub fn set_default(&self, code: Option<&'static Code>) {
        *crate::runtime::write(&self.default) = code;
    }

    /// What runs for builtin types that nobody extended.
    pub fn builtin(&self) -> Option<&'static Builtin> {
        *crate::runtime::read(&self.builtin)
    }

    /// Does the builtin run for values of user types too (printing, hashing)?
    pub fn builtin_for_all(&self) -> bool {
        matches!(self.name, "format" | "hash-of")
    }

    /// Sets what runs for builtin types that nobody extended.
    pub fn set_builtin(&self, builtin: &'static Builtin) {
        *crate::runtime::write(&self.builtin) = Some(builtin);
    }
}

/// Whom an `extend` is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Target {
    /// The type.
    pub type_: TypeId,
    /// A single variant of it.
    pub variant: Option<&'static str>,
}

/// A function that belongs to a type.
#[derive(Clone, Copy, Debug)]
struct Associated {
    /// What runs.
    code: &'static Code,
    /// Holds the function as a value: `T.f(…)` is called through its link cells. No namespace has it as a member.
    binding: &'static Binding,
}

/// What a table dispatches.
#[derive(Clone, Copy, Debug)]
pub enum TableKind {
    /// A method of a protocol.
    Method(&'static MethodInfo),
    /// `v.name(…)`
    Selector(&'static str),
}

/// Where calls by the name of a method go while that stands for something else.
#[derive(Debug, Default)]
struct Renamed {
    /// What asks the name: 0 while that has never stood for anything else.
    thunk: usize,
    /// It does.
    now: bool,
}

/// A dispatch table. Never freed.
#[derive(Debug)]
pub struct Table {
    /// Its number.
    pub index: u32,
    /// What it dispatches.
    pub kind: TableKind,
    /// The number of arguments, `self` included.
    pub argc: u32,
    /// Where unresolved entries go.
    pub miss: usize,
    /// The data cell that holds the address of the array.
    cell: &'static AtomicUsize,
    /// The one that calls of a method by its name go through.
    named: &'static AtomicUsize,
    capacity: AtomicU32,
    /// Held by whoever stores to the entries, or to the cells.
    changing: Mutex<Renamed>,
    dispatcher: OnceLock<usize>,
}

impl Table {
    /// The name of what it dispatches.
    pub fn name(&self) -> &'static str {
        match self.kind {
            TableKind::Method(method) => method.name,
            TableKind::Selector(name) => name,
        }
    }

    /// The data cell that holds the address of the array.
    pub fn cell(&self) -> usize {
        self.cell as *const AtomicUsize as usize
    }

    /// The data cell for calls of the method by its name.
    pub fn named(&self) -> usize {
        self.named as *const AtomicUsize as usize
    }

    /// The entry of a layout.
    pub fn entry(&self, layout: LayoutId) -> &'static AtomicUsize {
        assert!(layout < self.capacity.load(Ordering::Acquire), "a layout beyond the table");
        // SAFETY: the cell holds the address of an array of `capacity` entries in the data part that is never freed; the
        // capacity is raised only after the larger array is in place.
        unsafe { &*(self.cell.load(Ordering::Acquire) as *const AtomicUsize).add(layout as usize) }
    }

    /// Where its entries go.
    pub(in crate::runtime) fn targets(&self) -> impl Iterator<Item = usize> {
        (0..self.capacity.load(Ordering::Acquire)).map(|layout| self.entry(layout).load(Ordering::Acquire))
    }

    /// Code that jumps through the table: what the entries of the method's function value go to.
    pub fn dispatcher(&self, vm: &crate::runtime::Vm) -> Result<usize, MemoryError> {
        if let Some(&known) = self.dispatcher.get() {
            return Ok(known);
        }
        let made = vm.stubs.dispatcher(&vm.publisher, self.cell(), self.name())?;
        Ok(*self.dispatcher.get_or_init(|| made))
    }

    /// Makes the table cover all layouts below `limit`.
    fn grow(&self, memory: &CodeMemory, limit: u32) -> Result<(), MemoryError> {
        let renamed = crate::runtime::lock(&self.changing);
        let old = self.capacity.load(Ordering::Acquire);
        if limit <= old {
            return Ok(());
        }
        let capacity = limit.max(120).next_power_of_two();
        let target = |i| if i < old { self.entry(i).load(Ordering::Acquire) } else { self.miss };
        let array = new_array(memory, capacity, target)?;
        let named = if renamed.now { new_array(memory, capacity, |_| renamed.thunk)? } else { array };
        window();
        self.cell.store(array, Ordering::Release);
        self.named.store(named, Ordering::Release);
        window();
        self.capacity.store(capacity, Ordering::Release);
        Ok(())
    }

    /// Lets calls by the name go where it says now: does it stand for the method, of so many arguments? That is asked under the lock:
    /// of several threads that give it values, whoever comes last finds the last.
    fn follow_name(
        &self,
        vm: &crate::runtime::Vm,
        name: &'static Binding,
        is_method: impl Fn(u32) -> bool,
    ) -> Result<(), MemoryError> {
        let mut renamed = crate::runtime::lock(&self.changing);
        let now = !is_method(self.argc);
        if now == renamed.now {
            return Ok(());
        }
        let array = match now {
            true => {
                if renamed.thunk == 0 {
                    renamed.thunk = vm.stubs.thunk(&vm.publisher, super::resolve::Thunk::Link(name, self.argc))?;
                }
                new_array(&vm.memory, self.capacity.load(Ordering::Acquire), |_| renamed.thunk)?
            }
            false => self.cell.load(Ordering::Acquire),
        };
        renamed.now = now;
        self.named.store(array, Ordering::Release);
        Ok(())
    }

    /// Stores where calls for a layout go from now on, if that still holds: the tables were not reset since what runs there
    /// was looked up (at `version`), and `holds` says that it is there still.
    pub fn resolved(
        &self,
        dispatch: &Dispatch,
        version: u64,
        layout: LayoutId,
        target: usize,
        holds: impl FnOnce() -> bool,
    ) {
        let _changing = crate::runtime::lock(&self.changing);
        let current = dispatch.version() == version || mutated(Mutation::OlderAnswerStored);
        if current && holds() {
            window();
            self.entry(layout).store(target, Ordering::Release);
        }
    }

    /// Makes all entries unresolved again.
    fn reset(&self) {
        let _changing = crate::runtime::lock(&self.changing);
        for layout in 0..self.capacity.load(Ordering::Acquire) {
            self.entry(layout).store(self.miss, Ordering::Release);
        }
    }
}

/// The address of a new array of entries.
fn new_array(memory: &CodeMemory, capacity: u32, target: impl Fn(u32) -> usize) -> Result<usize, MemoryError> {
    let array = memory.alloc_data(capacity as usize * 8, 8)?.cast::<AtomicUsize>();
    for i in 0..capacity {
        // SAFETY: within the fresh array.
        unsafe { array.add(i as usize).write(AtomicUsize::new(target(i))) };
    }
    Ok(array.as_ptr() as usize)
}

/// A data cell for the address of an array.
fn array_cell(memory: &CodeMemory) -> Result<&'static AtomicUsize, MemoryError> {
    let cell = memory.alloc_data(8, 8)?.cast::<AtomicUsize>();
    // SAFETY: fresh zeroed memory, which is a valid AtomicUsize, that nobody frees.
    Ok(unsafe { cell.as_ref() })
}

/// All protocols' methods, implementations and tables.
#[derive(Default)]
pub struct Dispatch {
    methods: RwLock<Vec<&'static MethodInfo>>,
    by_protocol: RwLock<FxHashMap<TypeId, Vec<&'static MethodInfo>>>,
    by_name: RwLock<FxHashMap<&'static str, Vec<&'static MethodInfo>>>,
    implementations: RwLock<FxHashMap<(Target, MethodId), &'static Code>>,
    associated: RwLock<FxHashMap<(Target, &'static str), Associated>>,
    protocols: RwLock<FxHashMap<Target, Vec<TypeId>>>,
    /// Has a builtin type ever been extended with a protocol?
    builtin_extended: Box<AtomicBool>,
    hash_extended: AtomicBool,
    tables: RwLock<Tables>,
    /// How often tables were reset.
    version: AtomicU64,
}

#[derive(Default)]
struct Tables {
    all: Vec<&'static Table>,
    by_method: FxHashMap<(MethodId, u32), &'static Table>,
    by_selector: FxHashMap<(&'static str, u32), &'static Table>,
    layouts: u32,
}

impl Dispatch {
    /// The method of this name of a protocol, if it has one.
    pub fn method(&self, protocol: TypeId, name: &str) -> Option<&'static MethodInfo> {
        self.ever(protocol, name).filter(|m| !m.is_gone())
    }

    /// The method of this name that a protocol has, or had once.
    fn ever(&self, protocol: TypeId, name: &str) -> Option<&'static MethodInfo> {
        crate::runtime::read(&self.by_protocol).get(&protocol)?.iter().find(|m| m.name == name).copied()
    }

    /// The methods of a protocol in the order of their declaration.
    pub fn methods_of(&self, protocol: TypeId) -> Vec<&'static MethodInfo> {
        let known = crate::runtime::read(&self.by_protocol);
        known.get(&protocol).into_iter().flatten().filter(|m| !m.is_gone()).copied().collect()
    }

    /// The methods of this name, of whatever protocol.
    pub fn methods_named(&self, name: &str) -> Vec<&'static MethodInfo> {
        let known = crate::runtime::read(&self.by_name);
        known.get(name).into_iter().flatten().filter(|m| !m.is_gone()).copied().collect()
    }

    /// The method of this name of a protocol; a new one when there is none.
    pub fn add_method(
        &self,
        protocol: TypeId,
        protocol_name: &'static str,
        namespace: &str,
        name: &str,
    ) -> &'static MethodInfo {
        if let Some(known) = self.ever(protocol, name) {
            return known;
        }
        let mut methods = crate::runtime::write(&self.methods);
        // Another thread may have been first.
        if let Some(known) = self.ever(protocol, name) {
            return known;
        }
        let info: &'static MethodInfo = Box::leak(Box::new(MethodInfo {
            id: MethodId(methods.len() as u32),
            name: intern(name),
            protocol,
            protocol_name,
            qualified: format!("{namespace}/{name}"),
            declared: RwLock::default(),
            signatures: RwLock::default(),
            default: RwLock::new(None),
            builtin: RwLock::new(None),
            gone: AtomicBool::new(false),
        }));
        methods.push(info);
        crate::runtime::write(&self.by_protocol).entry(protocol).or_default().push(info);
        crate::runtime::write(&self.by_name).entry(info.name).or_default().push(info);
        info
    }

    /// What implements a method for a target itself.
    pub fn implementation(&self, target: Target, method: MethodId) -> Option<Held> {
        crate::runtime::read(&self.implementations).get(&(target, method)).copied().map(Held::new)
    }

    /// Does anything implement a method for a target itself?
    pub fn implements(&self, target: Target, method: MethodId) -> bool {
        crate::runtime::read(&self.implementations).contains_key(&(target, method))
    }

    /// The function of this name associated with a target itself, and the binding that holds it as a value.
    pub fn associated(&self, target: Target, name: &str) -> Option<(Held, &'static Binding)> {
        crate::runtime::read(&self.associated)
            .get(&(target, intern(name)))
            .map(|own| (Held::new(own.code), own.binding))
    }

    /// Has a builtin type ever been extended with a protocol of `core`? Most programs never do that.
    #[inline]
    pub fn builtin_extended(&self) -> bool {
        self.builtin_extended.load(Ordering::Acquire)
    }

    /// The address of the byte behind [`Dispatch::builtin_extended`], for code.
    pub fn builtin_extended_address(&self) -> usize {
        self.builtin_extended.as_ptr() as usize
    }

    /// Has a type ever been given a hash of its own?
    #[inline]
    pub fn hash_extended(&self) -> bool {
        self.hash_extended.load(Ordering::Acquire)
    }

    /// The names of the functions associated with a target.
    pub fn associated_names(&self, target: Target) -> Vec<&'static str> {
        let mut names: Vec<_> = crate::runtime::read(&self.associated)
            .keys()
            .filter(|(t, _)| *t == target)
            .map(|(_, name)| *name)
            .collect();
        names.sort_unstable();
        names
    }

    /// The names of all that can be called on a target by what it was extended with.
    pub fn names_of(&self, target: Target) -> Vec<&'static str> {
        let mut names = self.associated_names(target);
        let methods = crate::runtime::read(&self.methods);
        let implemented = crate::runtime::read(&self.implementations);
        names.extend(
            methods.iter().filter(|m| !m.is_gone() && implemented.contains_key(&(target, m.id))).map(|m| m.name),
        );
        names
    }

    /// Has anybody but the library given a type a function of this name?
    pub fn is_given(&self, name: &str) -> bool {
        let name = intern(name);
        let methods = self.methods_named(name);
        crate::runtime::read(&self.associated).keys().any(|(_, n)| *n == name)
            || crate::runtime::read(&self.implementations).keys().any(|(_, id)| methods.iter().any(|m| m.id == *id))
    }

    /// Whoever has a method or a function of this name.
    pub fn targets_of(&self, name: &'static str) -> Vec<Target> {
        let methods = self.methods_named(name);
        let implemented = crate::runtime::read(&self.implementations);
        let own = crate::runtime::read(&self.associated);
        let of_methods = implemented.keys().filter(|(_, id)| methods.iter().any(|m| m.id == *id)).map(|(t, _)| *t);
        let mut targets: Vec<_> = of_methods.chain(own.keys().filter(|(_, n)| *n == name).map(|(t, _)| *t)).collect();
        targets.sort_unstable_by_key(|target| (target.type_.0, target.variant));
        targets.dedup();
        targets
    }

    /// The protocols that a target was extended with.
    pub fn protocols_of(&self, target: Target) -> Vec<TypeId> {
        crate::runtime::read(&self.protocols).get(&target).cloned().unwrap_or_default()
    }

    /// `extend target with protocol { … }`: replaces what was there for these methods, and resets the tables concerned.
    pub fn extend(&self, target: Target, protocol: TypeId, functions: &[(&'static MethodInfo, &'static Code)]) {
        // Who asks is interested in the methods of `core`: protocols of the program's own change nothing for them.
        let core = functions.iter().any(|(method, _)| method.qualified.starts_with("core/"));
        if core && (target.type_.0 as usize) < BUILTIN_TYPES.len() {
            self.builtin_extended.store(true, Ordering::Release);
        }
        for &(method, code) in functions {
            crate::runtime::write(&self.implementations).insert((target, method.id), code);
            if method.qualified == "core/hash-of" {
                self.hash_extended.store(true, Ordering::Release);
            }
        }
        let mut protocols = crate::runtime::write(&self.protocols);
        let list = protocols.entry(target).or_default();
        if !list.contains(&protocol) {
            list.push(protocol);
        }
        drop(protocols);
        for &(method, _) in functions {
            self.reset(|kind| match kind {
                TableKind::Method(m) => m.id == method.id,
                TableKind::Selector(name) => *name == method.name,
            });
        }
    }

    /// `extend target { … }`
    pub fn associate(
        &self,
        cx: &mut Thread,
        target: Target,
        (namespace, name): (&'static Namespace, &str),
        code: &'static Code,
    ) -> Result<(), DeclareError> {
        let name = intern(name);
        let binding = match self.associated(target, name) {
            Some((_, binding)) => binding,
            None => Binding::new(cx.vm(), cx.vm().next_binding(), namespace, name)?,
        };
        let value = cx.alloc_closure(code.address(), &[])?;
        let binding = {
            let mut all = crate::runtime::write(&self.associated);
            // Another thread may have been first: code that calls its binding is told of ours.
            let binding = all.get(&(target, name)).map_or(binding, |known| known.binding);
            all.insert((target, name), Associated { code, binding });
            binding
        };
        binding.define(cx, cx.get(value));
        self.reset(|kind| matches!(kind, TableKind::Selector(n) if *n == name));
        Ok(())
    }

    /// A method's default has changed: makes the entries of its tables unresolved again.
    pub fn reset_method(&self, method: &MethodInfo) {
        self.reset(|kind| match kind {
            TableKind::Method(m) => m.id == method.id,
            TableKind::Selector(name) => *name == method.name,
        });
    }

    /// The protocol is declared with these methods alone: others that it had are gone.
    pub fn leave(&self, protocol: TypeId, names: &[&str]) {
        for method in self.methods_of(protocol).iter().filter(|m| !names.contains(&m.name)) {
            method.gone.store(true, Ordering::Release);
            // Else it would be there for a moment when the method comes back, before the new one is.
            method.set_default(None);
            self.reset_method(method);
        }
    }

    /// How often tables were reset. Who takes it before looking up what runs, and stores the answer with
    /// [`Table::resolved`], overwrites no later answer.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// Makes the entries of all tables of these kinds unresolved again: after what they were resolved from has changed.
    pub fn reset(&self, concerned: impl Fn(&TableKind) -> bool) {
        // Before the entries: a resolver that stores in between is either seen here, or sees it.
        self.version.fetch_add(1, Ordering::SeqCst);
        for table in crate::runtime::read(&self.tables).all.iter().filter(|t| concerned(&t.kind)) {
            table.reset();
        }
    }

    /// The table of a method for a number of arguments (`self` included).
    pub fn method_table(
        &self,
        vm: &crate::runtime::Vm,
        method: &'static MethodInfo,
        argc: u32,
    ) -> Result<&'static Table, MemoryError> {
        if let Some(table) = crate::runtime::read(&self.tables).by_method.get(&(method.id, argc)) {
            return Ok(table);
        }
        self.add_table(vm, TableKind::Method(method), argc)
    }

    /// The table of `v.name(…)` for a number of arguments (`v` included).
    pub fn selector_table(
        &self,
        vm: &crate::runtime::Vm,
        name: &str,
        argc: u32,
    ) -> Result<&'static Table, MemoryError> {
        let name = intern(name);
        if let Some(table) = crate::runtime::read(&self.tables).by_selector.get(&(name, argc)) {
            return Ok(table);
        }
        self.add_table(vm, TableKind::Selector(name), argc)
    }

    fn add_table(&self, vm: &crate::runtime::Vm, kind: TableKind, argc: u32) -> Result<&'static Table, MemoryError> {
        let mut tables = crate::runtime::write(&self.tables);
        let known = match kind {
            TableKind::Method(m) => tables.by_method.get(&(m.id, argc)),
            TableKind::Selector(name) => tables.by_selector.get(&(name, argc)),
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let index = tables.all.len() as u32;
        let miss = vm.stubs.thunk(&vm.publisher, super::resolve::Thunk::Dispatch(index))?;
        let (cell, named) = (array_cell(&vm.memory)?, array_cell(&vm.memory)?);
        let table: &'static Table = Box::leak(Box::new(Table {
            index,
            kind,
            argc,
            miss,
            cell,
            named,
            capacity: AtomicU32::new(0),
            changing: Mutex::default(),
            dispatcher: OnceLock::new(),
        }));
        table.grow(&vm.memory, tables.layouts.max(1))?;
        tables.all.push(table);
        match kind {
            TableKind::Method(m) => tables.by_method.insert((m.id, argc), table),
            TableKind::Selector(name) => tables.by_selector.insert((name, argc), table),
        };
        Ok(table)
    }

    /// A name that was or is a method's stands for something else than before: calls of the method by it follow. (Where there is no memory
    /// for that, frames that run go on as they were.)
    pub(super) fn name_changed(&self, cx: &Thread, name: &'static Binding, method: &'static MethodInfo) {
        if !method.is_named(name) {
            return;
        }
        let is_method = |argc: u32| {
            let code = name.get(cx).and_then(super::entry::code_of);
            let is_it = |code: &Code| matches!(code.source, CodeSource::Method(m) if m.id == method.id);
            code.is_some_and(|code| is_it(code) && code.exact(argc as usize).is_some())
        };
        let tables = crate::runtime::read(&self.tables).all.clone();
        for table in tables.iter().filter(|t| matches!(t.kind, TableKind::Method(m) if m.id == method.id)) {
            let _ = table.follow_name(cx.vm(), name, is_method);
        }
    }

    /// The records that methods, extensions and defaults hold.
    pub(in crate::runtime) fn records(&self) -> Vec<&'static Code> {
        let mut records: Vec<&'static Code> = crate::runtime::read(&self.implementations).values().copied().collect();
        records.extend(crate::runtime::read(&self.associated).values().map(|a| a.code));
        records.extend(crate::runtime::read(&self.methods).iter().filter_map(|m| m.default()));
        records
    }

    /// All tables.
    pub(in crate::runtime) fn tables(&self) -> Vec<&'static Table> {
        crate::runtime::read(&self.tables).all.clone()
    }

    /// The table with this number.
    pub fn table(&self, index: u32) -> Option<&'static Table> {
        crate::runtime::read(&self.tables).all.get(index as usize).copied()
    }

    /// Makes all tables cover all layouts below `limit`. Must be called before an object of a new layout exists.
    pub fn cover(&self, memory: &CodeMemory, limit: u32) -> Result<(), MemoryError> {
        let mut tables = crate::runtime::write(&self.tables);
        for table in &tables.all {
            table.grow(memory, limit)?;
        }
        // Generated code loads the object and the table independently of each other.
        memory.order_data();
        tables.layouts = tables.layouts.max(limit);
        Ok(())
    }
}
