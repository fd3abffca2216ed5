//! Where tracing starts: everything that keeps objects alive.
//!
//! Owns the enumeration of roots and the register of root ranges. Each root is visited once: a frame owns its slots and
//! registers (see `walker`), everything else is stored once anyhow.
//!
//! | root | who writes it |
//! | --- | --- |
//! | frames of generated code | generated code, through the stack maps |
//! | handle stacks | Rust code |
//! | values held of frames that are gone | Rust code |
//! | exception, dynamic bindings, spilled arguments and closure | stubs and the runtime |
//! | functions that wait for the death of a value (`weak.rs`) | Rust code |
//! | root ranges | Rust code, through [`Thread::store_root`] |
//! | slots of permanent objects | everybody; the collector walks that space itself |
//! | further roots | a hook of the layer above |
//!
//! A large program has tens of thousands of root ranges, and hardly one of them is written between two collections. So those that were
//! are listed, and a collection of the young looks at these alone: see [`Which`].

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use rustc_hash::{FxHashMap, FxHashSet};

use super::walker::Walker;
use crate::gc::heap::Heap;
use crate::gc::mutator::call::MAX_SPILLED;
use crate::gc::mutator::thread::Thread;
use crate::gc::mutator::value::Value;
use crate::gc::plan::Places;
use crate::gc::safepoint::ThreadPtr;
use crate::gc::spaces::state;
use crate::locks::lock;
use crate::object::word::Word;

/// To look at a frame costs as much as to copy so many words.
const WORDS_PER_FRAME: u64 = 4;

/// Which words of root ranges are visited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// All.
    All,
    /// Those that may lead to something young.
    Written,
}

/// Ranges of words outside the heap that are roots.
///
/// Invariant, at each safepoint: a word that leads to something young is among those that were written.
#[derive(Default)]
pub(in crate::gc) struct RootRanges {
    /// Address and number of words, side by side for the collector.
    ranges: Vec<(usize, usize)>,
    /// Where the range of an address is.
    places: FxHashMap<usize, usize>,
    /// Addresses of words that were written since a collection last found nothing young there.
    written: FxHashSet<usize>,
}

impl RootRanges {
    fn insert(&mut self, address: usize, count: usize) {
        self.remove(address);
        self.places.insert(address, self.ranges.len());
        self.ranges.push((address, count));
        self.written.extend(words(address, count));
    }

    fn remove(&mut self, address: usize) {
        if let Some(place) = self.places.remove(&address) {
            let (_, count) = self.ranges.swap_remove(place);
            for word in words(address, count) {
                self.written.remove(&word);
            }
            if let Some((moved, _)) = self.ranges.get(place) {
                self.places.insert(*moved, place);
            }
        }
    }

    /// Visits these words; how many there are. Of those that were written the ones stay so that lead to something young afterwards.
    ///
    /// # Safety
    /// The world is stopped.
    unsafe fn visit(&mut self, which: Which, places: &Places, visit: &mut dyn FnMut(*mut u64)) -> usize {
        match which {
            Which::All => {
                self.ranges
                    .iter()
                    .for_each(|&(address, count)| words(address, count).for_each(|word| visit(word as *mut u64)));
                self.ranges.iter().map(|&(_, count)| count).sum()
            }
            Which::Written => {
                let written = self.written.len();
                self.written.retain(|&word| {
                    let word = word as *mut u64;
                    visit(word);
                    // SAFETY: a registered word, which holds a value of this heap; nobody else writes it now.
                    unsafe { places.is_young(Word(*word)) }
                });
                written
            }
        }
    }

    /// The words that lead to something young and are not among those that were written: there must be none.
    ///
    /// # Safety
    /// The world is stopped.
    pub(in crate::gc) unsafe fn forgotten(&self, places: &Places) -> Option<usize> {
        let all = self.ranges.iter().flat_map(|&(address, count)| words(address, count));
        // SAFETY: registered words, which hold values of this heap.
        let mut young = all.filter(|&word| unsafe { places.is_young(Word(*(word as *const u64))) });
        young.find(|word| !self.written.contains(word))
    }
}

/// The addresses of so many words.
fn words(address: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |i| address + 8 * i)
}

impl Thread {
    /// Stores a value to a word of a root range (release).
    pub fn store_root(&self, root: &AtomicU64, value: Value<'_>) {
        root.store(value.word().0, Ordering::Release);
        self.note_root(root, value);
    }

    /// Stores a value to a word of a root range, if `old` is there; of several threads that do so at once one succeeds.
    pub fn store_root_once(&self, root: &AtomicU64, old: Word, value: Value<'_>) {
        if root.compare_exchange(old.0, value.word().0, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            self.note_root(root, value);
        }
    }

    /// The barrier of root ranges. A store and its barrier are not separated by a safepoint.
    fn note_root(&self, root: &AtomicU64, value: Value<'_>) {
        if value.word().is_pointer() {
            let word = root as *const AtomicU64 as usize;
            self.heap().with_root_ranges(|ranges| ranges.written.insert(word));
        }
    }
}

impl Heap {
    /// From now on `count` words from this address on are roots.
    ///
    /// # Safety
    /// They must hold valid words whenever a thread can collect, and stay accessible until they are unregistered. Other
    /// threads may collect at any time: they are written by [`Thread::store_root`].
    pub unsafe fn register_roots(&self, address: usize, count: usize) {
        self.with_root_ranges(|ranges| ranges.insert(address, count));
    }

    /// The words registered at this address are no roots any more.
    pub fn unregister_roots(&self, address: usize) {
        self.with_root_ranges(|ranges| ranges.remove(address));
    }

    /// Does a registered range begin at one of these words? Its memory must not be given away.
    pub fn has_roots_in(&self, addresses: Range<usize>) -> bool {
        self.with_root_ranges(|ranges| addresses.step_by(8).any(|address| ranges.places.contains_key(&address)))
    }

    /// Visits all roots but the slots of permanent objects, and of root ranges those that are wanted.
    ///
    /// # Safety
    /// The world must be stopped.
    pub(in crate::gc) unsafe fn visit_roots(
        &self,
        threads: &[ThreadPtr],
        which: Which,
        visit: &mut dyn FnMut(*mut u64),
    ) {
        for thread in threads {
            // SAFETY: attached and stopped.
            unsafe { &*thread.0 }.visit_own_roots(visit);
        }
        // SAFETY: the world is stopped, so frames stay as they are.
        unsafe { self.walk_frames(threads, &mut |frame| frame.visit(visit)) };
        self.with_root_ranges(|ranges| {
            // SAFETY: the caller's.
            let visited = unsafe {
                if which == Which::Written && self.options().verify {
                    let forgotten = ranges.forgotten(self.places());
                    assert!(
                        forgotten.is_none(),
                        "the root at {forgotten:#x?} leads to something young and is not listed"
                    );
                }
                ranges.visit(which, self.places(), visit)
            };
            self.note_work(visited as u64);
        });
        lock(self.weaks()).visit_roots(visit);
        if let Some(further) = &self.hooks().visit_roots {
            further(&mut |word| visit(word as *mut u64));
        }
    }

    /// Calls `f` with each frame of generated code of these threads.
    ///
    /// # Safety
    /// The threads must be stopped (or be the present one).
    pub(in crate::gc) unsafe fn walk_frames(
        &self,
        threads: &[ThreadPtr],
        f: &mut dyn FnMut(&super::walker::Frame<'_>),
    ) {
        let Some(code) = self.code() else { return };
        let view = code.map.view();
        let mut frames = 0;
        for thread in threads {
            // SAFETY: the caller's.
            let walker = unsafe { Walker::new(&view, code.entry_return, (*thread.0).exit_frame()) };
            walker.frames().for_each(|frame| {
                f(&frame);
                frames += 1;
            });
        }
        self.note_work(frames * WORDS_PER_FRAME);
    }

    /// Tells the hook, if there is one, which code has frames, and, when verifying, overwrites what the maps say is dead.
    ///
    /// # Safety
    /// The world must be stopped.
    pub(in crate::gc) unsafe fn prepare_frames(
        &self,
        threads: &[ThreadPtr],
        hook: Option<&dyn Fn(usize)>,
        moving: &dyn Fn(Word) -> bool,
    ) {
        let verify = self.options().verify;
        if hook.is_none() && !verify {
            return;
        }
        // SAFETY: the caller's.
        unsafe {
            self.walk_frames(threads, &mut |frame| {
                if let Some(hook) = hook {
                    hook(frame.return_address);
                }
                if verify {
                    frame.poison_dead(moving);
                }
            });
        }
    }
}

/// Whether a word is a pointer to what collections move.
pub(in crate::gc) fn points_to_what_moves(pool: &crate::gc::spaces::Pool, word: Word) -> bool {
    let moves = |state| state == state::OLD || state::is_young(state);
    word.is_pointer() && moves(pool.state(word.address()))
}

impl Thread {
    /// Visits what this thread holds, but for its frames.
    fn visit_own_roots(&self, visit: &mut dyn FnMut(*mut u64)) {
        self.with_handles(|handles| handles.iter_mut().for_each(|word| visit(word as *mut Word as *mut u64)));
        self.with_held(|held| held.iter_mut().for_each(|word| visit(word as *mut Word as *mut u64)));
        visit(self.call.exception.as_ptr() as *mut u64);
        visit(self.stack.dynamic.as_ptr() as *mut u64);
        let spilled = self.call.spilled.get() as usize;
        if spilled > 0 {
            visit(self.call.closure_spill.as_ptr() as *mut u64);
            for i in 0..(spilled - 1).min(MAX_SPILLED) {
                visit((self.call.arg_spill.get() as *mut u64).wrapping_add(i));
            }
        }
    }
}
