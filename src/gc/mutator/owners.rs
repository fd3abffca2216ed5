//! Owners of nodes of vectors and large maps: numbers in headers, by which a node is known as one that a collection may change in place
//! (`runtime/collections`).
//!
//! Owns the numbers, and their coming back. A number is given once; when half of them are gone, the next collection takes all
//! of them out of all headers, and they begin anew. A map that had one takes another at its next change.
//!
//! Invariant: no node has a number that can be given to another map than the one it is of. A change that was under way during
//! that collection may still write the number that it has read before: so each thread notes with which it is busy, and those
//! are left out.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::gc::trace;
use crate::locks::{Mutex, lock};
use crate::object::layout::{self, COLLISION_NODE, GROUP_NODE, LayoutId, MAP, MAP_NODE, NODE, VECTOR};
use crate::object::shapes::ShapeTable;

/// Nobody's nodes: every change copies.
pub const SHARED: u32 = 0;
/// In the header of a MAP: an owner that several threads may know is taken when a trie is made or changed. There are so many
/// small maps, and so many that nobody changes any more, that owners would soon be used up. No node has it.
pub const LATER: u32 = 1;
/// Owners that only a builder knows begin here.
const PRIVATE: u32 = 1 << 23;
/// [`LATER`], for an owner that only its builder knows.
pub const LATER_PRIVATE: u32 = PRIVATE;
/// Owners are below: what is above means something else in the header of a MAP.
pub const OWNERS: u32 = (1 << 24) - 64;

/// Can no other thread see what this owner does?
#[inline]
pub fn is_private(owner: u32) -> bool {
    owner >= PRIVATE
}

/// The numbers of a heap that have not been given yet.
#[derive(Debug)]
pub struct Owners {
    shared: AtomicU32,
    private: AtomicU32,
    /// Some are left out.
    leaves_out: AtomicBool,
    left_out: Mutex<Vec<u32>>,
}

impl Default for Owners {
    fn default() -> Owners {
        Owners {
            shared: AtomicU32::new(LATER + 1),
            private: AtomicU32::new(LATER_PRIVATE + 1),
            leaves_out: AtomicBool::new(false),
            left_out: Mutex::default(),
        }
    }
}

impl Owners {
    /// A new owner for a map that several threads may know; [`SHARED`] when there are no more until the next collection.
    pub fn take(&self) -> u32 {
        self.take_from(&self.shared, PRIVATE)
    }

    /// A new owner for a map that only its builder knows; [`SHARED`] when there are no more until the next collection.
    pub fn take_private(&self) -> u32 {
        self.take_from(&self.private, OWNERS)
    }

    fn take_from(&self, next: &AtomicU32, limit: u32) -> u32 {
        let step = |n| (n < limit).then_some(n + 1);
        while let Ok(owner) = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            if !self.leaves_out.load(Ordering::Relaxed) || !lock(&self.left_out).contains(&owner) {
                return owner;
            }
        }
        SHARED
    }

    /// Are half of them gone?
    pub(in crate::gc) fn are_few(&self) -> bool {
        self.shared.load(Ordering::Relaxed) > PRIVATE / 2
            || self.private.load(Ordering::Relaxed) > PRIVATE + (OWNERS - PRIVATE) / 2
    }

    /// As if so many had been given.
    #[cfg(test)]
    pub fn use_up(&self, n: u32) {
        self.shared.fetch_add(n, Ordering::Relaxed);
        self.private.fetch_add(n, Ordering::Relaxed);
    }

    /// They begin anew, but for those with which threads are busy.
    ///
    /// # Safety
    /// The world is stopped, `living` are the places of all objects of the heap that may be parts of maps, side by side.
    pub(in crate::gc) unsafe fn renew(
        &self,
        shapes: ShapeTable,
        living: impl Iterator<Item = (usize, usize)>,
        busy: impl Iterator<Item = u32>,
    ) {
        for (from, to) in living {
            let mut at = from;
            while at < to {
                // SAFETY: the caller's: an object begins here, and nobody else looks at it.
                unsafe {
                    let header = *(at as *const u64);
                    let layout = layout::header_layout(header);
                    let owner = without_owner(layout, layout::header_count(header));
                    *(at as *mut u64) =
                        header & ((1 << layout::COUNT_SHIFT) - 1) | u64::from(owner) << layout::COUNT_SHIFT;
                    at += trace::size(shapes, at, header);
                }
            }
        }
        let mut left_out = lock(&self.left_out);
        left_out.clear();
        left_out.extend(busy.filter(|owner| *owner != SHARED));
        self.leaves_out.store(!left_out.is_empty(), Ordering::Relaxed);
        self.shared.store(LATER + 1, Ordering::Relaxed);
        self.private.store(LATER_PRIVATE + 1, Ordering::Relaxed);
    }
}

/// The count in the header of an object once no owner is known any more.
fn without_owner(layout: LayoutId, count: u32) -> u32 {
    match layout {
        MAP_NODE | GROUP_NODE | COLLISION_NODE | NODE => SHARED,
        MAP | VECTOR if count >= OWNERS || count == SHARED => count,
        MAP | VECTOR => {
            if is_private(count) {
                LATER_PRIVATE
            } else {
                LATER
            }
        }
        _ => count,
    }
}
