//! What does not keep alive: weak references, maps whose entries live as long as their keys do, and what is to be done when a value is
//! dead.
//!
//! Owns the words of all of these, outside of the heap: so no plan needs to know of them. What the program holds of one is a NATIVE
//! whose Rust object ([`Weak`]) names its place here, and frees it when it is dropped.
//!
//! An entry of a map is an ephemeron (Hayes, "Ephemerons: a new finalization mechanism", 1997): its value is reached when the map
//! and the key are, even if nothing but the value leads to the key. So after tracing the values of entries whose keys live are
//! traced; other entries wait for their keys in a table, which is asked for each object that is reached then: a chain of entries, each of which
//! leads to the key of the next, takes as long as its length says.
//!
//! Invariant: a place that may hold a word of something young is in `young`; a collection of the young looks at no others.

use std::sync::{Arc, Weak as Unowned};

use rustc_hash::FxHashMap;

use crate::gc::heap::Heap;
use crate::gc::mutator::call::Thrown;
use crate::gc::mutator::handle::Handle;
use crate::gc::mutator::natives::NativeType;
use crate::gc::mutator::thread::Thread;
use crate::gc::mutator::value::Value;
use crate::gc::plan::Survivors;
use crate::locks::lock;
use crate::object::word::{TAG_MASK, Word};

/// So many keys are noted twice before it is looked for.
const FEW: usize = 64;

/// A weak reference or map, as its NATIVE holds it.
pub struct Weak {
    heap: Unowned<Heap>,
    place: usize,
    /// Is it a map?
    pub is_map: bool,
}

impl NativeType for Weak {
    fn print(&self) -> String {
        if self.is_map { "weak map" } else { "weak reference" }.to_string()
    }
}

impl Drop for Weak {
    fn drop(&mut self) {
        if let Some(heap) = self.heap.upgrade() {
            lock(heap.weaks()).remove(self.place);
        }
    }
}

/// What lies at a place.
enum Held {
    Nothing,
    /// The value, or `UNDEFINED` when it is dead.
    Reference(Word),
    Map(Map),
    /// When the value is dead, the function is to be called.
    Finalizer(Word, Word),
}

/// Keys and values. A word of a key is its identity, until it is moved.
#[derive(Default)]
struct Map {
    /// The NATIVE, when it is made; none for a map of the runtime's own.
    owner: Option<Word>,
    entries: FxHashMap<u64, Word>,
    /// Keys of entries that may hold something young.
    young: Vec<u64>,
}

/// All there is that is weak.
#[derive(Default)]
pub struct Weaks {
    places: Vec<Held>,
    free: Vec<usize>,
    /// Places that may hold something young.
    young: Vec<usize>,
    /// Functions that are to be called.
    ready: Vec<Word>,
}

/// Is it an immediate, or does it live? Its word now.
fn now(survivors: &dyn Survivors, word: Word) -> Option<Word> {
    if !word.is_pointer() {
        return Some(word);
    }
    survivors.survivor(word.address()).map(|address| Word(address as u64 | word.0 & TAG_MASK))
}

fn is_young(survivors: &dyn Survivors, word: Word) -> bool {
    word.is_pointer() && survivors.is_young(word.address())
}

impl Weaks {
    fn add(&mut self, held: Held) -> usize {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Held::Nothing);
            self.places.len() - 1
        });
        self.places[place] = held;
        self.young.push(place);
        place
    }

    fn remove(&mut self, place: usize) {
        // It may still be among the young, and stand there for what comes next.
        self.places[place] = Held::Nothing;
        self.free.push(place);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// None?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Is a function to be called?
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Visits what is a root: the functions that are to be called some day.
    pub(in crate::gc) fn visit_roots(&mut self, visit: &mut dyn FnMut(*mut u64)) {
        self.ready.iter_mut().for_each(|word| visit(word as *mut Word as *mut u64));
        for held in &mut self.places {
            if let Held::Finalizer(_, function) = held {
                visit(function as *mut Word as *mut u64);
            }
        }
    }

    /// When all is reached from the roots: traces what the living keys of maps lead to, and forgets what is dead.
    pub(in crate::gc) fn update(&mut self, survivors: &mut dyn Survivors, everything: bool) {
        if self.is_empty() {
            self.young.clear();
            return;
        }
        let mut places = std::mem::take(&mut self.young);
        if everything {
            places = (0..self.places.len()).collect();
        } else {
            places.sort_unstable();
            places.dedup();
        }
        let mut waiting = Waiting::default();
        for &place in &places {
            if let Held::Map(map) = &mut self.places[place] {
                map.begin(everything);
                waiting.begin(survivors, place, map);
            }
        }
        // A value that is traced may lead to the key of another entry, of whichever map.
        while let Some((place, key)) = waiting.ready.pop() {
            let Some(value) = self.map(place).and_then(|map| map.entries.get_mut(&key)) else { continue };
            if now(survivors, *value).is_some() {
                continue;
            }
            let reached = survivors.keep(value as *mut Word as *mut u64, waiting.is_empty());
            for object in reached {
                waiting.reached(survivors, object, &self.places);
            }
        }
        for place in places {
            if self.settle(place, survivors) {
                self.young.push(place);
            }
        }
    }

    /// Follows what lives and forgets what is dead; is something of it young?
    fn settle(&mut self, place: usize, survivors: &dyn Survivors) -> bool {
        match &mut self.places[place] {
            Held::Nothing => false,
            Held::Reference(value) => {
                *value = now(survivors, *value).unwrap_or(Word::UNDEFINED);
                is_young(survivors, *value)
            }
            Held::Map(map) => map.settle(survivors),
            Held::Finalizer(value, function) => match now(survivors, *value) {
                Some(word) => {
                    *value = word;
                    is_young(survivors, word)
                }
                None => {
                    let function = *function;
                    self.ready.push(function);
                    self.remove(place);
                    false
                }
            },
        }
    }
}

/// Entries of maps, by place and key, whose values are to be traced: now, or when an object has been reached.
#[derive(Default)]
struct Waiting {
    ready: Vec<(usize, u64)>,
    /// By the address of the key.
    keys: FxHashMap<usize, Vec<(usize, u64)>>,
    /// The places of maps, by the addresses of the NATIVEs that own them.
    owners: FxHashMap<usize, usize>,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.owners.is_empty()
    }

    /// The entries of a map, or the map itself, wait.
    fn begin(&mut self, survivors: &dyn Survivors, place: usize, map: &Map) {
        // It has no owner (yet), or that lives.
        if let Some(owner) = map.owner.filter(|owner| now(survivors, *owner).is_none()) {
            self.owners.insert(owner.address(), place);
            return;
        }
        for &key in &map.young {
            if map.entries.get(&key).is_none_or(|value| !value.is_pointer()) {
                continue;
            }
            if now(survivors, Word(key)).is_some() {
                self.ready.push((place, key));
            } else {
                self.keys.entry(Word(key).address()).or_default().push((place, key));
            }
        }
    }

    /// An object has been reached.
    fn reached(&mut self, survivors: &dyn Survivors, object: usize, places: &[Held]) {
        self.ready.extend(self.keys.remove(&object).into_iter().flatten());
        if let Some(place) = self.owners.remove(&object)
            && let Held::Map(map) = &places[place]
        {
            self.begin(survivors, place, map);
        }
    }
}

impl Map {
    /// A collection begins to look: at all entries, or at those that may be young. What was looked at is taken out of `young`.
    fn begin(&mut self, everything: bool) {
        if everything {
            self.young = self.entries.keys().copied().collect();
        } else {
            self.young.sort_unstable();
            self.young.dedup();
        }
    }

    /// Follows what lives and forgets what is dead; is something of it young?
    fn settle(&mut self, survivors: &dyn Survivors) -> bool {
        let looked_at = std::mem::take(&mut self.young);
        if let Some(owner) = self.owner {
            self.owner = now(survivors, owner);
            if self.owner.is_none() {
                // Nobody asks for it any more: its place is about to be given back.
                self.entries = FxHashMap::default();
                return false;
            }
        }
        // All are taken out first: where one key was, another may be now.
        let mut living = Vec::new();
        for key in looked_at {
            let Some(value) = self.entries.remove(&key) else { continue };
            // Values of living keys have been traced.
            if let (Some(key), Some(value)) = (now(survivors, Word(key)), now(survivors, value)) {
                living.push((key, value));
            }
        }
        for (key, value) in living {
            if is_young(survivors, key) || is_young(survivors, value) {
                self.young.push(key.0);
            }
            self.entries.insert(key.0, value);
        }
        !self.young.is_empty() || self.owner.is_none_or(|owner| is_young(survivors, owner))
    }

    /// The entry of a key was written.
    fn note(&mut self, key: Word) -> bool {
        let first = self.young.is_empty();
        self.young.push(key.0);
        if self.young.len() > 2 * self.entries.len() + FEW {
            // One key, over and over, or keys that are gone.
            self.young.retain(|key| self.entries.contains_key(key));
            self.young.sort_unstable();
            self.young.dedup();
        }
        first
    }
}

impl Weaks {
    fn map(&mut self, place: usize) -> Option<&mut Map> {
        match self.places.get_mut(place) {
            Some(Held::Map(map)) => Some(map),
            _ => None,
        }
    }

    /// Visits all words, for the verifier.
    pub(in crate::gc) fn visit_all(&self, visit: &mut dyn FnMut(Word)) {
        for held in &self.places {
            match held {
                Held::Nothing => {}
                Held::Reference(value) => visit(*value),
                Held::Finalizer(value, function) => [*value, *function].into_iter().for_each(&mut *visit),
                Held::Map(map) => {
                    map.owner.iter().for_each(|owner| visit(*owner));
                    map.entries.iter().for_each(|(key, value)| [Word(*key), *value].into_iter().for_each(&mut *visit));
                }
            }
        }
    }
}

#[cfg(test)]
impl Heap {
    pub(in crate::gc) fn weaks_len(&self) -> usize {
        lock(self.weaks()).len()
    }
}

impl Thread {
    fn weak(&mut self, held: Held) -> Result<Handle, Thrown> {
        let is_map = matches!(held, Held::Map(_));
        let heap = self.heap().clone();
        let place = lock(heap.weaks()).add(held);
        let native = self.alloc_native(Arc::new(Weak { heap: Arc::downgrade(&heap), place, is_map }))?;
        let owner = self.get(native).word();
        if let Some(map) = lock(heap.weaks()).map(place) {
            map.owner = Some(owner);
        }
        Ok(native)
    }

    /// A weak reference to a value.
    pub fn alloc_weak_reference(&mut self, value: Handle) -> Result<Handle, Thrown> {
        // Its word is read when nothing more is allocated: who makes the NATIVE may collect, and finds the word then.
        let word = self.get(value).word();
        self.weak(Held::Reference(word))
    }

    /// A map whose entries live as long as their keys do.
    pub fn alloc_weak_map(&mut self) -> Result<Handle, Thrown> {
        self.weak(Held::Map(Map::default()))
    }

    /// A map whose entries live as long as their keys do, for the runtime itself: it lives until it is dropped.
    pub fn own_weak_map(&self) -> Weak {
        let heap = self.heap();
        let place = lock(heap.weaks()).add(Held::Map(Map::default()));
        Weak { heap: Arc::downgrade(heap), place, is_map: true }
    }

    /// What a weak reference leads to, while that lives.
    pub fn weak_value(&self, weak: &Weak) -> Option<Handle> {
        let weaks = lock(self.heap().weaks());
        match weaks.places.get(weak.place) {
            Some(Held::Reference(value)) if *value != Word::UNDEFINED => Some(self.root(self.value(*value))),
            _ => None,
        }
    }

    /// What a weak map has for a key.
    pub fn weak_get<'h>(&'h self, weak: &Weak, key: Value<'_>) -> Option<Value<'h>> {
        let mut weaks = lock(self.heap().weaks());
        let value = *weaks.map(weak.place)?.entries.get(&key.word().0)?;
        Some(self.value(value))
    }

    /// Gives a key of a weak map a value.
    pub fn weak_put(&self, weak: &Weak, key: Value<'_>, value: Value<'_>) {
        let mut weaks = lock(self.heap().weaks());
        let Some(map) = weaks.map(weak.place) else { return };
        map.entries.insert(key.word().0, value.word());
        if map.note(key.word()) {
            weaks.young.push(weak.place);
        }
    }

    /// Takes a key out of a weak map.
    pub fn weak_remove(&self, weak: &Weak, key: Value<'_>) {
        if let Some(map) = lock(self.heap().weaks()).map(weak.place) {
            map.entries.remove(&key.word().0);
        }
    }

    /// How many entries a weak map has; some of them may be dead by now.
    pub fn weak_count(&self, weak: &Weak) -> usize {
        lock(self.heap().weaks()).map(weak.place).map_or(0, |map| map.entries.len())
    }

    /// A function is to be called when a value is dead.
    pub fn add_finalizer(&self, value: Value<'_>, function: Value<'_>) {
        lock(self.heap().weaks()).add(Held::Finalizer(value.word(), function.word()));
    }

    /// A function that is to be called since a value is dead.
    pub fn take_ready_finalizer(&self) -> Option<Handle> {
        let function = lock(self.heap().weaks()).ready.pop()?;
        Some(self.root(self.value(function)))
    }
}
