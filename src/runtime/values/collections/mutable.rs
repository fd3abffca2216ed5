//! Mutable lists, maps and sets. Builders of vectors and maps are the same objects.
//!
//! ```text
//! MUTABLE_LIST NODE elements … | spare room … | how many elements there are
//! MUTABLE_MAP  MAP with an owner (trie.rs)
//! MUTABLE_SET  the same, of member to member
//! ```
//!
//! Threads that change the same object at once may lose changes, nothing worse: what is read of an object is one NODE or MAP
//! (one load says which), and that is whole at any time. In a list's NODE each element that the count covers has been put
//! there, for a place that was filled once stays filled. In a map the entries and their count are changed by one thread at a
//! time ([`Changing`]); others may replace values in its nodes meanwhile, for which machine code asks nobody (`stubs/maps.rs`).

use super::map;
use super::trie::{LATER, SHARED};
use super::vector;
use super::view::{Slots, copy_array, count_bits, field};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::object::layout::{
    ARRAY_ELEMENTS, ARRAY_LENGTH, MUTABLE_INNER_MAP, MUTABLE_LIST, MUTABLE_LIST_NODE, MUTABLE_MAP, MUTABLE_SET, NODE,
};
use crate::runtime::system::threads;
use crate::runtime::values::hashing;
use crate::windows::window;

/// Operations on a MUTABLE_LIST.
#[derive(Clone, Copy, Debug)]
pub struct List(pub Handle);

/// A NODE with the first `count` elements of another, those that follow, and room up to `capacity`.
fn list_node(
    cx: &mut Thread,
    capacity: usize,
    old: Option<(Handle, usize)>,
    more: Option<Handle>,
) -> Result<Handle, Thrown> {
    cx.allocate(NODE, capacity.saturating_add(2), 0, |cx, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(capacity + 1));
        let mut count = 0;
        if let Some((old, n)) = old {
            fresh.copy(ARRAY_ELEMENTS, cx.get(old), ARRAY_ELEMENTS, n);
            count = n;
        }
        if let Some(value) = more {
            fresh.set(ARRAY_ELEMENTS + count, cx.get(value));
            count += 1;
        }
        for i in count..capacity {
            fresh.set_raw(ARRAY_ELEMENTS + i, Word::NULL.0);
        }
        fresh.set_raw(ARRAY_ELEMENTS + capacity, count_bits(count));
    })
}

impl List {
    /// An empty list with room for `capacity` elements.
    pub fn new(cx: &mut Thread, capacity: usize) -> Result<List, Thrown> {
        let mark = cx.mark();
        let node = list_node(cx, capacity, None, None)?;
        let list = cx.alloc_slots(MUTABLE_LIST, &[node])?;
        Ok(List(cx.keep(mark, list)))
    }

    /// A list of the elements of a vector.
    pub fn of_vector(cx: &mut Thread, vector: Handle) -> Result<List, Thrown> {
        let mark = cx.mark();
        let n = vector::len(cx.get(vector));
        let node = cx.allocate(NODE, n + 2, 0, |cx, mut fresh| {
            fresh.set_raw(ARRAY_LENGTH, count_bits(n + 1));
            for (i, value) in vector::iter(cx.get(vector)).enumerate() {
                fresh.set(ARRAY_ELEMENTS + i, value);
            }
            fresh.set_raw(ARRAY_ELEMENTS + n, count_bits(n));
        })?;
        let list = cx.alloc_slots(MUTABLE_LIST, &[node])?;
        Ok(List(cx.keep(mark, list)))
    }

    /// The elements in use. Two views of a list may be of two NODEs: who needs elements and their number takes both from one.
    #[inline]
    pub fn view(list: Value<'_>) -> (Slots<'_>, usize) {
        let node = Slots::of(field(list, MUTABLE_LIST, MUTABLE_LIST_NODE));
        let count = node.get(node.len() - 1).as_int().unwrap_or(0);
        (node, count as usize)
    }

    /// How many elements.
    pub fn len(self, cx: &Thread) -> usize {
        List::view(cx.get(self.0)).1
    }

    /// Are there none?
    pub fn is_empty(self, cx: &Thread) -> bool {
        self.len(cx) == 0
    }

    /// Adds an element at the end.
    #[inline]
    pub fn push(self, cx: &mut Thread, value: Handle) -> Result<(), Thrown> {
        let (node, count) = List::view(cx.get(self.0));
        if count + 1 == node.len() {
            let node = cx.root(node.object());
            return self.grow(cx, node, count, value);
        }
        window();
        cx.set_slot(node.object(), ARRAY_ELEMENTS + count, cx.get(value));
        window();
        set_count(cx, node, count + 1);
        Ok(())
    }

    /// Adds values as long as there is room, to a list that no other thread knows; says how many.
    pub fn fill<'h>(self, cx: &'h Thread, values: impl Iterator<Item = Value<'h>>) -> usize {
        let (node, count) = List::view(cx.get(self.0));
        let mut added = 0;
        for value in values.take(node.len() - 1 - count) {
            cx.set_slot(node.object(), ARRAY_ELEMENTS + count + added, value);
            added += 1;
        }
        set_count(cx, node, count + added);
        added
    }

    #[inline(never)]
    fn grow(self, cx: &mut Thread, old: Handle, count: usize, value: Handle) -> Result<(), Thrown> {
        let mark = cx.mark();
        let capacity = count.saturating_mul(4).min(count.saturating_add(1 << 16)).max(count.saturating_mul(2)).max(8);
        let node = list_node(cx, capacity, Some((old, count)), Some(value))?;
        window();
        cx.set_slot(cx.get(self.0), MUTABLE_LIST_NODE, cx.get(node));
        cx.release(mark);
        Ok(())
    }

    /// Takes the last element away.
    pub fn pop(self, cx: &mut Thread) -> Option<Handle> {
        let (node, count) = List::view(cx.get(self.0));
        let last = count.checked_sub(1)?;
        window();
        let value = node.get(last);
        // The place lets go of its element, and yet is no hole for a thread that is adding one beyond: it gets the element below.
        let below = if last > 0 { Some(node.get(last - 1)) } else { Value::immediate(cx, Word::NULL) };
        if let Some(below) = below.filter(|_| last > 0 || threads::alone(cx)) {
            cx.set_slot(node.object(), ARRAY_ELEMENTS + last, below);
        }
        window();
        set_count(cx, node, last);
        Some(cx.root(value))
    }

    /// Replaces an element; false when there is none.
    pub fn set(self, cx: &Thread, i: usize, value: Handle) -> bool {
        let (node, count) = List::view(cx.get(self.0));
        if i < count {
            window();
            cx.set_slot(node.object(), ARRAY_ELEMENTS + i, cx.get(value));
        }
        i < count
    }

    /// Takes all elements away.
    pub fn clear(self, cx: &mut Thread) -> Result<(), Thrown> {
        let mark = cx.mark();
        let node = list_node(cx, 0, None, None)?;
        cx.set_slot(cx.get(self.0), MUTABLE_LIST_NODE, cx.get(node));
        cx.release(mark);
        Ok(())
    }

    /// A vector of the elements.
    pub fn to_vector(self, cx: &mut Thread) -> Result<Handle, Thrown> {
        cx.scoped(|cx| {
            window();
            let (node, count) = List::view(cx.get(self.0));
            let node = cx.root(node.object());
            vector::from_array(cx, node, count)
        })
    }

    /// A vector of the elements from an index up to another, as far as there are any.
    pub fn part(self, cx: &mut Thread, from: usize, to: usize) -> Result<Handle, Thrown> {
        cx.scoped(|cx| {
            let (node, count) = List::view(cx.get(self.0));
            let node = cx.root(node.object());
            let (from, to) = (from.min(count), to.min(count));
            let n = to.saturating_sub(from);
            let part = copy_array(cx, NODE, node, from, n)?;
            vector::from_array(cx, part, n)
        })
    }

    /// A vector of the elements; the list is empty afterwards.
    pub fn finish(self, cx: &mut Thread) -> Result<Handle, Thrown> {
        let vector = self.to_vector(cx)?;
        self.clear(cx)?;
        Ok(vector)
    }
}

/// The count of a list's NODE, stored after the elements that it covers.
fn set_count(cx: &Thread, node: Slots<'_>, count: usize) {
    if let Some(number) = Value::immediate(cx, Word(count_bits(count))) {
        cx.set_slot(node.object(), node.len(), number);
    }
}

/// The MAP of a mutable map or set.
#[inline]
pub fn map_of(mutable: Value<'_>) -> Value<'_> {
    // Two calls: what a layout has is known when it is a constant.
    if mutable.is(MUTABLE_SET) {
        field(mutable, MUTABLE_SET, MUTABLE_INNER_MAP)
    } else {
        field(mutable, MUTABLE_MAP, MUTABLE_INNER_MAP)
    }
}

/// A mutable map or set whose entries no other thread changes meanwhile. Code of the program must not run.
struct Changing<'a> {
    cx: &'a mut Thread,
    mutable: Handle,
    /// There are other threads: the lock in the header of the mutable object is ours.
    locked: bool,
}

impl<'a> Changing<'a> {
    fn of(cx: &'a mut Thread, mutable: Handle) -> Result<Changing<'a>, Thrown> {
        // Only this thread could start others.
        let locked = !threads::alone(cx) && !mutated(Mutation::MapsUnlocked);
        while locked && !cx.try_lock(cx.get(mutable)) {
            std::thread::yield_now();
            threads::check_interrupt(cx)?;
        }
        Ok(Changing { cx, mutable, locked })
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        if self.locked {
            self.cx.unlock(self.cx.get(self.mutable));
        }
    }
}

/// An empty mutable map.
pub fn new_map(cx: &mut Thread) -> Result<Handle, Thrown> {
    let map = map::empty_owned(cx, LATER)?;
    cx.alloc_slots(MUTABLE_MAP, &[map])
}

/// An empty mutable set.
pub fn new_set(cx: &mut Thread) -> Result<Handle, Thrown> {
    let map = map::empty_owned(cx, LATER)?;
    cx.alloc_slots(MUTABLE_SET, &[map])
}

/// Gives a mutable map or set the MAP that is made of its present one.
fn change(
    cx: &mut Thread,
    mutable: Handle,
    f: impl FnOnce(&mut Thread, Handle) -> Result<Handle, Thrown>,
) -> Result<(), Thrown> {
    let changing = Changing::of(cx, mutable)?;
    let cx = &mut *changing.cx;
    let mark = cx.mark();
    let map = cx.root(map_of(cx.get(mutable)));
    let result = f(cx, map)?;
    window();
    cx.set_slot(cx.get(mutable), MUTABLE_INNER_MAP, cx.get(result));
    cx.release(mark);
    Ok(())
}

/// Adds an entry or replaces its value.
pub fn put(cx: &mut Thread, mutable: Handle, key: Handle, value: Handle) -> Result<(), Thrown> {
    // Code of the program may run here, and change this very map.
    hashing::prepare(cx, key)?;
    change(cx, mutable, |cx, map| map::assoc_prepared(cx, map, key, value))
}

/// Adds a member to a mutable set, unless an equal one is there.
pub fn add(cx: &mut Thread, mutable: Handle, member: Handle) -> Result<(), Thrown> {
    hashing::prepare(cx, member)?;
    change(cx, mutable, |cx, map| match map::find(cx.get(map), cx.get(member)) {
        Ok(Some(_)) => Ok(map),
        Ok(None) => map::assoc_prepared(cx, map, member, member),
        Err(deep) => Err(deep.throw(cx)),
    })
}

/// Takes a key or member away.
pub fn remove(cx: &mut Thread, mutable: Handle, key: Handle) -> Result<(), Thrown> {
    hashing::prepare(cx, key)?;
    change(cx, mutable, |cx, map| map::dissoc_prepared(cx, map, key))
}

/// Takes all entries or members away.
pub fn clear_map(cx: &mut Thread, mutable: Handle) -> Result<(), Thrown> {
    change(cx, mutable, |cx, _| map::empty_owned(cx, LATER))
}

/// Gives an empty mutable map, or set, the entries of a persistent MAP; false, and nothing is done, when it is not empty.
pub fn fill(cx: &mut Thread, mutable: Handle, entries: Handle) -> Result<bool, Thrown> {
    let mut filled = false;
    change(cx, mutable, |cx, map| {
        filled = map::len(cx.get(map)) == 0;
        if filled { map::with_owner(cx, entries, LATER) } else { Ok(map) }
    })?;
    Ok(filled)
}

/// A persistent map of the entries; of a mutable set that of its members.
pub fn to_map(cx: &mut Thread, mutable: Handle) -> Result<Handle, Thrown> {
    snapshot(cx, mutable, true)
}

/// A MAP of the present entries, to go through once, whatever happens to the mutable map meanwhile. While there are other threads
/// it is no persistent map: a value in it may be one that is just being put there.
pub fn to_walk(cx: &mut Thread, mutable: Handle) -> Result<Handle, Thrown> {
    snapshot(cx, mutable, false)
}

/// A MAP of the present entries, whose values stay if they are to be `lasting`.
fn snapshot(cx: &mut Thread, mutable: Handle, lasting: bool) -> Result<Handle, Thrown> {
    cx.scoped(|cx| {
        let changing = Changing::of(cx, mutable)?;
        let (locked, cx) = (changing.locked, &mut *changing.cx);
        let map = cx.root(map_of(cx.get(mutable)));
        if map::is_small(cx.get(map)) {
            return map::with_owner(cx, map, SHARED);
        }
        if locked && lasting {
            // Values are replaced without a lock: what has been given out must not be among them.
            return map::copy(cx, map);
        }
        // The nodes are shared from now on: the mutable map goes on with a new owner, who copies them.
        window();
        let own = map::with_owner(cx, map, LATER)?;
        cx.set_slot(cx.get(mutable), MUTABLE_INNER_MAP, cx.get(own));
        map::with_owner(cx, map, SHARED)
    })
}

/// A MAP of the entries, to go through at once.
pub fn whole(cx: &mut Thread, mutable: Handle) -> Result<Handle, Thrown> {
    if threads::alone(cx) { Ok(cx.root(map_of(cx.get(mutable)))) } else { to_walk(cx, mutable) }
}
