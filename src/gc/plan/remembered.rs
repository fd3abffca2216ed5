//! The remembered set: the old objects that may lead to young ones.
//!
//! Owns the barrier's slow path, the lists of threads, and the cards of big objects. Of an old object it is enough to know *that*
//! something young was stored to it: it has the flag [`OLD`] until it is put into the list of the thread that stored, and all of it is looked at
//! in the next collection of the young. A large object would take long to look at: it keeps the flag, and the card of the slot, 512
//! bytes, is marked.
//!
//! Object-remembering by a bit in the header: Hosking, Moss, Stefanović, "A comparative performance evaluation of write barrier
//! implementations", OOPSLA 1992; cards: Wilson, Moher, 1989.
//!
//! A store and its barrier are not separated by a safepoint, so no collection sees one without the other; and threads that store
//! at once to the same object clear the same bit. So nothing is ordered here: see docs/memory-ordering.md.

use std::sync::atomic::{AtomicU8, Ordering};

use super::evacuate::Evacuator;
use crate::gc::mutator::alloc::atomic;
use crate::gc::mutator::thread::Thread;
use crate::gc::spaces::copy::SMALL;
use crate::gc::spaces::{BLOCK_SHIFT, CARD_SHIFT, Pool, state};
use crate::gc::trace;
use crate::gc::trace::prefetch;
use crate::object::layout::{LISTED, OLD};
use crate::object::word::Word;

/// So many objects before it is looked at one is fetched.
const AHEAD: usize = 8;

/// What stores must know of places: read by all threads, without a lock.
///
/// Invariant: the tables stay where they are as long as the heap is; the state of a block does not change while somebody knows an
/// object in it and the world runs.
pub struct Places {
    base: usize,
    states: *const AtomicU8,
    /// A byte for each card of the range of addresses. What is never marked takes no memory.
    cards: *const AtomicU8,
}

// SAFETY: the tables are accessed as atomics, and are freed with the heap alone.
unsafe impl Send for Places {}
// SAFETY: likewise.
unsafe impl Sync for Places {}

impl Places {
    /// Those of a pool.
    pub fn new(pool: &Pool) -> Places {
        Places { base: pool.base(), states: pool.table().cast(), cards: pool.cards().cast() }
    }

    /// The state of the block of an object.
    ///
    /// # Safety
    /// The address is that of an object of this heap.
    #[inline]
    unsafe fn state(&self, address: usize) -> u8 {
        // SAFETY: the caller's: an object lies in the range, of which the table has a byte for each block.
        unsafe { &*self.states.add((address - self.base) >> BLOCK_SHIFT) }.load(Ordering::Relaxed)
    }

    /// The card of a word of an object.
    ///
    /// # Safety
    /// As for `state`.
    #[inline]
    pub(super) unsafe fn card(&self, address: usize) -> &AtomicU8 {
        // SAFETY: the caller's: an object lies in the range, of which there is a byte for each card.
        unsafe { &*self.cards.add((address - self.base) >> CARD_SHIFT) }
    }

    /// Does a word lead to something young?
    ///
    /// # Safety
    /// It is a value of this heap.
    #[inline]
    pub(in crate::gc) unsafe fn is_young(&self, word: Word) -> bool {
        // SAFETY: the caller's: a pointer leads to an object.
        word.is_pointer() && state::is_young(unsafe { self.state(word.address()) })
    }

    /// Does a slot of a big object lie on a marked card?
    ///
    /// # Safety
    /// As for `state`.
    pub unsafe fn is_marked(&self, address: usize) -> bool {
        // SAFETY: the caller's.
        unsafe { self.card(address) }.load(Ordering::Relaxed) != 0
    }
}

impl Thread {
    /// A value was stored to a slot of an object that may be old.
    #[inline]
    pub(in crate::gc) fn note_store(&self, object: Word, slot: usize, value: Word) {
        // SAFETY: a living object begins with its header, and stays where it is until this thread collects.
        let header = unsafe { atomic(object.address()) };
        if value.is_pointer() && header.load(Ordering::Relaxed) & OLD != 0 {
            // SAFETY: this object has the flag, and what it was stored is a value.
            unsafe { self.remember(object.address(), slot, value) };
        }
    }

    /// Many values were stored to an object that may be old.
    #[inline]
    pub(in crate::gc) fn note_stores(&self, object: Word, slots: impl Iterator<Item = usize>) {
        // SAFETY: a living object begins with its header, and stays where it is until this thread collects.
        if unsafe { atomic(object.address()) }.load(Ordering::Relaxed) & OLD == 0 {
            return;
        }
        for slot in slots {
            // SAFETY: the caller names words of an object, which stays where it is until this thread collects.
            let value = Word(unsafe { atomic(slot) }.load(Ordering::Relaxed));
            self.note_store(object, slot, value);
        }
    }

    /// A pointer was stored to a slot of an old object.
    ///
    /// # Safety
    /// They are addresses of a living object and of a word of it; the value is one.
    #[cold]
    #[inline(never)]
    pub(in crate::gc) unsafe fn remember(&self, object: usize, slot: usize, value: Word) {
        let places = self.heap().places();
        // SAFETY: the caller's.
        unsafe {
            if !places.is_young(value) {
                return;
            }
            let header = atomic(object);
            let bytes = trace::size(self.heap().shapes().table(), object, header.load(Ordering::Relaxed));
            let fresh = if bytes > SMALL {
                places.card(slot).store(1, Ordering::Relaxed);
                header.fetch_or(LISTED, Ordering::Relaxed) & LISTED == 0
            } else {
                header.fetch_and(!OLD, Ordering::Relaxed) & OLD != 0
            };
            if fresh {
                self.with_remembered(|list| list.push(object));
            }
        }
    }
}

/// Looks at the old objects that were remembered. Those that still lead to something young are remembered again.
///
/// # Safety
/// The world is stopped; these are objects.
pub(super) unsafe fn scan(evacuator: &mut Evacuator<'_>, remembered: Vec<usize>) {
    for (i, &address) in remembered.iter().enumerate() {
        // They lie anywhere.
        if let Some(&later) = remembered.get(i + AHEAD) {
            prefetch::line(later as u64);
        }
        // SAFETY: the caller's: an object begins with its header.
        unsafe {
            let header = &mut *(address as *mut u64);
            if *header & LISTED != 0 {
                evacuator.scan_big(address, false);
            } else {
                *header |= OLD;
                evacuator.scan_old(address);
            }
        }
    }
}

/// These old objects are in no list any more: everything is collected, and leads to nothing young afterwards.
///
/// # Safety
/// The world is stopped; these are objects.
pub(super) unsafe fn forget(remembered: &mut Vec<usize>) {
    for address in remembered.drain(..) {
        // SAFETY: the caller's: an object begins with its header.
        unsafe {
            let header = &mut *(address as *mut u64);
            *header = *header & !LISTED | OLD;
        }
    }
}
