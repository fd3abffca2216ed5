//! Mutable lists and maps. Builders of vectors and maps are the same objects.
//!
//! ```text
//! MUTABLE_LIST NODE with spare room | count
//! MUTABLE_MAP  MAP with an owner (trie.rs)
//! ```
//!
//! Threads that change the same object at once may lose changes, nothing worse.

use super::map;
use super::trie::{self, SHARED};
use super::vector;
use super::view::{Slots, count_bits, count_field, field};
use crate::gc::layout::{MUTABLE_LIST, MUTABLE_MAP, NODE};
use crate::gc::{Handle, Thread, Thrown, Value, Word};
use crate::runtime::hashing;

/// Operations on a MUTABLE_LIST.
#[derive(Clone, Copy, Debug)]
pub struct List(pub Handle);

impl List {
    /// An empty list with room for `capacity` elements.
    pub fn new(cx: &mut Thread, capacity: usize) -> Result<List, Thrown> {
        let mark = cx.mark();
        let null = cx.root_word(Word::NULL);
        let node = cx.alloc_array(NODE, capacity, null)?;
        let zero = cx.root_word(Word(0));
        let list = cx.alloc_slots(MUTABLE_LIST, &[node, zero])?;
        Ok(List(cx.keep(mark, list)))
    }

    /// The elements in use.
    #[inline]
    pub fn view(list: Value<'_>) -> (Slots<'_>, usize) {
        let node = Slots::of(field(list, MUTABLE_LIST, 0));
        let count = count_field(list, MUTABLE_LIST, 1);
        // Another thread may be between its two stores.
        (node, count.min(node.len()))
    }

    /// How many elements.
    pub fn len(self, cx: &Thread) -> usize {
        List::view(cx.get(self.0)).1
    }

    /// Are there none?
    pub fn is_empty(self, cx: &Thread) -> bool {
        self.len(cx) == 0
    }

    #[inline]
    fn set_count(self, cx: &Thread, count: usize) {
        if let Some(number) = Value::immediate(cx, Word(count_bits(count))) {
            cx.set_slot(cx.get(self.0), 1, number);
        }
    }

    /// Adds an element at the end.
    #[inline]
    pub fn push(self, cx: &mut Thread, value: Handle) -> Result<(), Thrown> {
        let (node, count) = List::view(cx.get(self.0));
        if count < node.len() {
            cx.set_slot(node.object(), 1 + count, cx.get(value));
        } else {
            self.grow(cx, count, value)?;
        }
        self.set_count(cx, count + 1);
        Ok(())
    }

    #[inline(never)]
    fn grow(self, cx: &mut Thread, count: usize, value: Handle) -> Result<(), Thrown> {
        let mark = cx.mark();
        let capacity = count.saturating_mul(4).min(count.saturating_add(1 << 16)).max(count.saturating_mul(2)).max(8);
        let old = cx.root(field(cx.get(self.0), MUTABLE_LIST, 0));
        let node = cx.allocate(NODE, capacity.saturating_add(1), 0, |cx, mut fresh| {
            fresh.set_raw(0, count_bits(capacity));
            fresh.copy(1, cx.get(old), 1, count);
            fresh.set(1 + count, cx.get(value));
            for i in count + 1..capacity {
                fresh.set_raw(1 + i, Word::NULL.0);
            }
        })?;
        cx.set_slot(cx.get(self.0), 0, cx.get(node));
        cx.release(mark);
        Ok(())
    }

    /// Takes the last element away.
    pub fn pop(self, cx: &mut Thread) -> Option<Handle> {
        let (node, count) = List::view(cx.get(self.0));
        let last = count.checked_sub(1)?;
        let value = cx.root(node.get(last));
        if let Some(null) = Value::immediate(cx, Word::NULL) {
            cx.set_slot(List::view(cx.get(self.0)).0.object(), 1 + last, null);
        }
        self.set_count(cx, last);
        Some(value)
    }

    /// Replaces an element; the index must be right.
    pub fn set(self, cx: &Thread, i: usize, value: Handle) {
        let (node, _) = List::view(cx.get(self.0));
        cx.set_slot(node.object(), 1 + i, cx.get(value));
    }

    /// Takes all elements away.
    pub fn clear(self, cx: &mut Thread) -> Result<(), Thrown> {
        let mark = cx.mark();
        self.set_count(cx, 0);
        let node = cx.alloc_array_of(NODE, &[])?;
        cx.set_slot(cx.get(self.0), 0, cx.get(node));
        cx.release(mark);
        Ok(())
    }

    /// A vector of the elements.
    pub fn to_vector(self, cx: &mut Thread) -> Result<Handle, Thrown> {
        cx.scoped(|cx| {
            let (node, count) = List::view(cx.get(self.0));
            let node = cx.root(node.object());
            // The vector must not share a node that can still change.
            let node = if count <= 32 { super::view::copy_array(cx, NODE, node, 0, count)? } else { node };
            vector::from_array(cx, node, count)
        })
    }

    /// A vector of the elements; the list is empty afterwards.
    pub fn finish(self, cx: &mut Thread) -> Result<Handle, Thrown> {
        cx.scoped(|cx| {
            let (node, count) = List::view(cx.get(self.0));
            let node = cx.root(node.object());
            self.clear(cx)?;
            vector::from_array(cx, node, count)
        })
    }
}

/// The MAP of a mutable map.
#[inline]
pub fn map_of(mutable: Value<'_>) -> Value<'_> {
    field(mutable, MUTABLE_MAP, 0)
}

/// An empty mutable map.
pub fn new_map(cx: &mut Thread) -> Result<Handle, Thrown> {
    let map = map::empty_owned(cx, trie::new_owner())?;
    cx.alloc_slots(MUTABLE_MAP, &[map])
}

/// Adds an entry or replaces its value.
pub fn put(cx: &mut Thread, mutable: Handle, key: Handle, value: Handle) -> Result<(), Thrown> {
    // Code of the program may run here, and change this very map.
    hashing::prepare(cx, key)?;
    let mark = cx.mark();
    let map = cx.root(map_of(cx.get(mutable)));
    let result = map::assoc_prepared(cx, map, key, value)?;
    cx.set_slot(cx.get(mutable), 0, cx.get(result));
    cx.release(mark);
    Ok(())
}

/// Takes a key away.
pub fn remove(cx: &mut Thread, mutable: Handle, key: Handle) -> Result<(), Thrown> {
    hashing::prepare(cx, key)?;
    let mark = cx.mark();
    let map = cx.root(map_of(cx.get(mutable)));
    let result = map::dissoc_prepared(cx, map, key)?;
    cx.set_slot(cx.get(mutable), 0, cx.get(result));
    cx.release(mark);
    Ok(())
}

/// Takes all entries away.
pub fn clear_map(cx: &mut Thread, mutable: Handle) -> Result<(), Thrown> {
    let mark = cx.mark();
    let map = map::empty_owned(cx, trie::new_owner())?;
    cx.set_slot(cx.get(mutable), 0, cx.get(map));
    cx.release(mark);
    Ok(())
}

/// A persistent map of the entries.
pub fn to_map(cx: &mut Thread, mutable: Handle) -> Result<Handle, Thrown> {
    cx.scoped(|cx| {
        let map = cx.root(map_of(cx.get(mutable)));
        // The nodes are shared from now on: the mutable map goes on with a new owner, who copies them.
        let own = map::with_owner(cx, map, trie::new_owner())?;
        cx.set_slot(cx.get(mutable), 0, cx.get(own));
        map::with_owner(cx, map, SHARED)
    })
}
