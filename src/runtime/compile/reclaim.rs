//! The end of code: what nobody can reach any more is freed.
//!
//! Owns the list of code records of functions, and the decision which of them live. A REPL that redefines a function a million
//! times must not grow.
//!
//! A record lives while a collection reaches a closure of it, a frame runs in it, a dispatch, a default or a test holds it, a
//! thread holds it ([`Held`](crate::runtime::program::held::Held)), its unit is being installed, or the function around it lives (whose code makes closures of it). What a record owns (bodies,
//! constants, inline caches) dies with it; a body that was replaced dies when no frame runs in it. Only collections that
//! somebody asked for look: enough was compiled since the last one.
//!
//! Invariants: decision and end happen while the world stands still. Whoever holds a record across an allocation holds it by
//! one of the ways above; nobody allocates in the heap while he holds a lock that is taken here.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::ahead::Ahead;
use super::sites::FieldSite;
use crate::asm::memory::ChunkId;
use crate::gc::{Stress, Thread};
use crate::locks::Mutex;
use crate::runtime::observe::observer;
use crate::runtime::program::binding::Binding;
use crate::runtime::program::code::Code;
use crate::runtime::program::held::DependsOn;
use crate::runtime::program::roots::{self, RootCell};
use crate::runtime::vm::Vm;
use crate::windows::window;

/// So many bodies are compiled at least between two searches.
const PAUSE: usize = 2000;
/// The same under stress.
const PAUSE_UNDER_STRESS: usize = 50;

/// What a compiled body brought into the world besides itself.
#[derive(Debug, Default)]
pub struct Owned {
    /// Where its code is.
    pub place: Option<Place>,
    /// Which arity it is the body of.
    pub arity: u32,
    /// No call has asked for it yet.
    pub ahead: Option<Ahead>,
    /// Constants.
    pub roots: Vec<&'static RootCell>,
    /// Inline caches.
    pub sites: Vec<&'static FieldSite>,
}

/// Where the code of a body is.
#[derive(Debug)]
pub struct Place {
    /// Its chunk, in which there may be other bodies.
    pub chunk: Arc<Chunk>,
    /// Its addresses.
    pub code: Range<usize>,
}

/// A chunk of code, freed by the last of its bodies.
#[derive(Debug)]
pub struct Chunk {
    /// Its name in code memory.
    pub id: ChunkId,
    /// Its pages.
    pub range: Range<usize>,
}

/// The list and its state.
#[derive(Default)]
pub struct Reclaim {
    codes: Mutex<Vec<&'static Code>>,
    made: AtomicUsize,
    wanted: AtomicBool,
    epoch: AtomicU32,
    frames: Mutex<Vec<usize>>,
}

/// The way from the heap's hooks to the machine, which comes to life later.
pub type Later = OnceLock<&'static Vm>;

impl Reclaim {
    /// A new record of a function.
    pub(in crate::runtime) fn add(&self, code: &'static Code) {
        crate::runtime::lock(&self.codes).push(code);
    }

    /// Another thread has made the record first: this one is forgotten.
    pub(in crate::runtime) fn remove(&self, code: &Code) {
        let mut codes = crate::runtime::lock(&self.codes);
        if let Some(at) = codes.iter().rposition(|known| std::ptr::eq(*known, code)) {
            codes.swap_remove(at);
        }
    }

    /// Does the collection that is under way look for dead code? Who asks for one runs, so this does not change during one.
    pub(in crate::runtime) fn wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// A collection has reached a closure of this record.
    pub(in crate::runtime) fn reached(&self, code: &Code) {
        code.seen.store(self.epoch.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// A frame will be returned to at this address.
    pub(in crate::runtime) fn frame(&self, return_address: usize) {
        let mut frames = crate::runtime::lock(&self.frames);
        if frames.last() != Some(&return_address) {
            frames.push(return_address);
        }
    }

    /// Clears all inline caches.
    pub(in crate::runtime) fn clear_sites(&self) {
        for code in crate::runtime::lock(&self.codes).iter() {
            crate::runtime::lock(&code.owned).iter().flat_map(|o| &o.sites).for_each(|site| site.clear());
        }
    }

    /// All functions are compiled anew when they are called next.
    pub(in crate::runtime) fn reset_all(&self, cx: &Thread) {
        // No record is freed before this thread allocates.
        let codes = crate::runtime::lock(&self.codes).clone();
        codes.into_iter().filter(|code| code.function().is_some()).for_each(|code| code.reset(cx));
    }

    /// The number of records, for tests.
    pub fn count(&self) -> usize {
        crate::runtime::lock(&self.codes).len()
    }

    /// After a collection, the world stands still: frees what is dead.
    pub(in crate::runtime) fn collected(&self, vm: &'static Vm) {
        (observer().before_code_is_freed)();
        let epoch = self.epoch.load(Ordering::Relaxed);
        let mut addresses = std::mem::take(&mut *crate::runtime::lock(&self.frames));
        addresses.sort_unstable();
        addresses.dedup();
        for address in &addresses {
            let number = vm.code_map.view().caller(*address).map_or(0, |f| f.source);
            if let Some((unit, function)) = vm.sources.get(number)
                && let Some(code) = unit.known_code(function)
            {
                code.seen.store(epoch, Ordering::Relaxed);
            }
        }
        for code in vm.dispatch.records().into_iter().chain(vm.types.records()).chain(vm.loader.records()) {
            code.seen.store(epoch, Ordering::Relaxed);
        }
        // Who lives is decided for all before the first is freed: a record asks those around it.
        let (living, dead): (Vec<_>, Vec<_>) =
            std::mem::take(&mut *crate::runtime::lock(&self.codes)).into_iter().partition(|code| lives(code, epoch));
        let mut freed = Vec::new();
        for code in dead {
            if cfg!(debug_assertions) {
                freed.extend(places(&crate::runtime::lock(&code.owned)));
            }
            assert_no_cells_into(code, &freed);
            free_record(vm, code);
        }
        for code in &living {
            let replaced = replaced_bodies(code, &addresses);
            if cfg!(debug_assertions) {
                freed.extend(places(&replaced));
            }
            replaced.into_iter().for_each(|owned| free(vm, owned));
        }
        assert_unreferenced(vm, &living, freed);
        *crate::runtime::lock(&self.codes) = living;
    }
}

/// Where the code of these lies.
fn places(owned: &[Owned]) -> impl Iterator<Item = Range<usize>> {
    owned.iter().filter_map(|owned| Some(owned.place.as_ref()?.code.clone()))
}

/// Does the record or one of those around it live?
fn lives(code: &Code, epoch: u32) -> bool {
    let is_wanted = |code: &Code| code.seen.load(Ordering::Relaxed) == epoch || code.held.load(Ordering::Relaxed) > 0;
    if is_wanted(code) {
        return true;
    }
    let Some((unit, function)) = code.function() else { return true };
    if unit.is_being_installed() {
        return true;
    }
    let mut around = unit.unit.function(function).parent;
    while let Some(id) = around {
        if unit.known_code(id).is_some_and(is_wanted) {
            return true;
        }
        around = unit.unit.function(id).parent;
    }
    false
}

/// Takes out the bodies of a living record that are not its present ones and that no frame runs in.
fn replaced_bodies(code: &Code, frames: &[usize]) -> Vec<Owned> {
    let mut owned = crate::runtime::lock(&code.owned);
    if owned.len() <= code.arities.len() {
        return Vec::new();
    }
    let is_used = |o: &Owned| match &o.place {
        None => true,
        Some(place) => {
            let first = frames.partition_point(|f| *f < place.code.start);
            let runs = frames.get(first).is_some_and(|f| *f <= place.code.end);
            runs || o.ahead.is_some() || code.arities.iter().any(|a| code.body(a) == Some(place.code.start))
        }
    };
    let (kept, replaced) = std::mem::take(&mut *owned).into_iter().partition(is_used);
    *owned = kept;
    replaced
}

/// Called before a body is compiled: looks for dead code now and then. May collect.
pub(in crate::runtime) fn now_and_then(cx: &mut Thread) {
    let reclaim = &cx.vm().reclaim;
    let pause = match cx.heap().options().stress {
        Stress::Off => PAUSE + reclaim.count() / 2,
        _ => PAUSE_UNDER_STRESS,
    };
    if reclaim.made.load(Ordering::Relaxed) < pause {
        return;
    }
    reclaim.made.store(0, Ordering::Relaxed);
    cx.vm().reclaim.search(cx);
}

/// So many bodies were compiled, or functions declared: they have records, also when nobody calls them.
pub(in crate::runtime) fn made(vm: &Vm, bodies: usize) {
    vm.reclaim.made.fetch_add(bodies, Ordering::Relaxed);
}

impl Reclaim {
    /// Collects, and frees the code that nobody can reach.
    pub fn search(&self, cx: &mut Thread) {
        if self.wanted.swap(true, Ordering::SeqCst) {
            // Another thread is at it.
            return;
        }
        self.epoch.fetch_add(1, Ordering::SeqCst);
        window();
        cx.collect();
        window();
        self.wanted.store(false, Ordering::SeqCst);
    }
}

impl Code {
    /// Nobody has to tell this function of changes any more: its bodies are gone.
    pub(in crate::runtime) fn forget_dependencies(&self) {
        let depends_on = std::mem::take(&mut *crate::runtime::lock(&self.depends_on));
        for on in depends_on {
            match on {
                DependsOn::Binding(binding) => binding.forget(self),
                DependsOn::Type(type_) => type_.forget(self),
            }
        }
    }
}

/// In a checked build: no link cell that follows the record leads to one of these bodies, the last of which are its own.
fn assert_no_cells_into(code: &Code, freed: &[Range<usize>]) {
    if !cfg!(debug_assertions) {
        return;
    }
    let followers = crate::runtime::lock(&code.followers).clone();
    for (_, cell) in followers.into_iter().flat_map(Binding::known_cells) {
        // SAFETY: link cells are never freed.
        let target = unsafe { &*(cell as *const AtomicUsize) }.load(Ordering::Relaxed);
        assert!(!freed.iter().any(|body| body.contains(&target)), "a link cell leads to code that is freed: {code:?}");
    }
}

/// In a checked build: no dispatch table, and nothing that lives, leads to bodies that were freed.
fn assert_unreferenced(vm: &Vm, living: &[&'static Code], mut freed: Vec<Range<usize>>) {
    if !cfg!(debug_assertions) || freed.is_empty() {
        return;
    }
    freed.sort_unstable_by_key(|body| body.start);
    let is_freed = |target: usize| {
        let after = freed.partition_point(|body| body.start <= target);
        after > 0 && freed[after - 1].contains(&target)
    };
    for table in vm.dispatch.tables() {
        assert!(!table.targets().any(&is_freed), "the table of {} leads to code that was freed", table.name());
    }
    for code in living {
        let bodies = code.arities.iter().filter_map(|arity| code.body(arity));
        let entries = code.entry.iter().map(|entry| entry.load(Ordering::Relaxed));
        assert!(!bodies.chain(entries).any(&is_freed), "{code:?} leads to code that was freed");
        let followers = crate::runtime::lock(&code.followers).clone();
        for (_, cell) in followers.into_iter().flat_map(Binding::known_cells) {
            // SAFETY: as above.
            let target = unsafe { &*(cell as *const AtomicUsize) }.load(Ordering::Relaxed);
            assert!(!is_freed(target), "a link cell of {code:?} leads to code that was freed");
        }
    }
}

fn free_record(vm: &'static Vm, code: &'static Code) {
    let owned = std::mem::take(&mut *crate::runtime::lock(&code.owned));
    for owned in owned {
        free(vm, owned);
    }
    code.forget_dependencies();
    if let Some(number) = code.number.get() {
        vm.sources.remove(*number);
    }
    if let Some((unit, function)) = code.function() {
        unit.forget_code(function);
    }
    // SAFETY: nobody can reach the record any more: no closure, no frame, no table, no list that we know of.
    unsafe { Code::free(vm, code) };
}

/// Frees what a body owned, and the body; the chunk with the last one in it.
pub(super) fn free(vm: &'static Vm, owned: Owned) {
    if let Some(chunk) = owned.place.and_then(|place| Arc::into_inner(place.chunk)) {
        // SAFETY: this was the last body in the chunk. No frame runs in any of them and no cell, entry or table refers to one:
        // their records are dead, or have other bodies.
        if let Err(error) = unsafe { vm.publisher.free(chunk.id, &chunk.range) } {
            debug_assert!(false, "{error}");
        }
    }
    for root in owned.roots {
        // SAFETY: only the body that is being freed referred to the cell.
        unsafe { root.free(&vm.memory, &vm.heap) };
    }
    for site in owned.sites {
        // SAFETY: likewise; the block is of `FieldSite::new`.
        unsafe { roots::free(&vm.memory, &vm.heap, NonNull::from(site)) };
    }
}
