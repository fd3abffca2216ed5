//! Quick views of the objects that collections are made of.
//!
//! Owns the reading of slots without a look into the table of shapes: a view checks the layout once, and its length against
//! each index.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::object::layout::{self, LayoutId};
use crate::object::word::INT_SHIFT;

/// The word at index `i` after the header.
///
/// # Safety
/// `object` must be a pointer to an object with more than `i` words after the header, and that word must be tagged.
#[inline]
unsafe fn load<'h>(object: Value<'h>, i: usize) -> Value<'h> {
    let address = object.word().address() + layout::slot_offset(i);
    // SAFETY: the caller's; words are aligned, and what other threads may write is written atomically.
    let bits = unsafe { &*(address as *const AtomicU64) }.load(Ordering::Acquire);
    // SAFETY: a tagged word of a living object, read while `'h` borrows the thread.
    unsafe { Value::from_raw(object.thread(), Word(bits)) }
}

/// An `ARRAY`, `NODE`, `MAP_NODE`, `COLLISION_NODE` or `GROUP_NODE`.
#[derive(Clone, Copy, Debug)]
pub struct Slots<'h> {
    object: Value<'h>,
    len: usize,
}

impl<'h> Slots<'h> {
    /// The view of an object.
    ///
    /// # Panics
    /// When it has another shape.
    #[inline]
    pub fn of(object: Value<'h>) -> Slots<'h> {
        match Slots::try_of(object) {
            Some(slots) => slots,
            None => panic!("{object:?} is no array"),
        }
    }

    /// The view of an object, if it has the shape of an array.
    #[inline]
    pub fn try_of(object: Value<'h>) -> Option<Slots<'h>> {
        match object.layout() {
            layout
            @ (layout::NODE | layout::MAP_NODE | layout::ARRAY | layout::COLLISION_NODE | layout::GROUP_NODE) => {
                Slots::if_is(object, layout)
            }
            _ => None,
        }
    }

    /// The view of an object, if it has this layout, which must be one of those above.
    #[inline]
    pub fn if_is(object: Value<'h>, layout: LayoutId) -> Option<Slots<'h>> {
        let shaped = matches!(
            layout,
            layout::NODE | layout::MAP_NODE | layout::ARRAY | layout::COLLISION_NODE | layout::GROUP_NODE
        );
        assert!(shaped);
        if !object.is(layout) {
            return None;
        }
        // SAFETY: these layouts have a first word, the length.
        let len = unsafe { load(object, layout::ARRAY_LENGTH) }.word().0 >> INT_SHIFT;
        Some(Slots { object, len: len as usize })
    }

    /// How many elements there are.
    #[inline]
    pub fn len(self) -> usize {
        self.len
    }

    /// Are there none?
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The object.
    #[inline]
    pub fn object(self) -> Value<'h> {
        self.object
    }

    /// Element `i`.
    ///
    /// # Panics
    /// When there is none.
    #[inline]
    pub fn get(self, i: usize) -> Value<'h> {
        if i >= self.len {
            Slots::outside(i, self.len);
        }
        // SAFETY: the elements follow the length; the index is within.
        unsafe { load(self.object, layout::ARRAY_ELEMENTS + i) }
    }

    /// On its own, with numbers: what a message shows by reference would have to stand in memory.
    #[cold]
    #[inline(never)]
    fn outside(i: usize, len: usize) -> ! {
        panic!("element {i} of {len}")
    }

    /// All elements.
    #[inline]
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Value<'h>> + ExactSizeIterator {
        (0..self.len).map(move |i| self.get(i))
    }
}

/// Slot `i` of an object of a fixed layout whose shape is `Slots(N)`.
///
/// # Panics
/// When the object has another layout, or that layout no such slot.
#[inline]
pub fn field(object: Value<'_>, layout: LayoutId, i: usize) -> Value<'_> {
    if !object.is(layout) || i >= layout::slots(layout) {
        no_field(object, i);
    }
    // SAFETY: an object of that layout has that many tagged words.
    unsafe { load(object, i) }
}

#[cold]
#[inline(never)]
fn no_field(object: Value<'_>, i: usize) -> ! {
    panic!("{object:?} has no field {i}")
}

/// The count that a slot holds.
#[inline]
pub fn count_field(object: Value<'_>, layout: LayoutId, i: usize) -> usize {
    field(object, layout, i).as_int().unwrap_or(0) as usize
}

/// The bits of an Int that is surely small enough: a count or an index.
///
/// # Panics
/// When it is not.
#[inline]
pub fn count_bits(n: usize) -> u64 {
    match i64::try_from(n).ok().and_then(Word::int) {
        Some(word) => word.0,
        None => panic!("a count of {n}"),
    }
}

/// A copy of an array-shaped object with another layout, length or both: the first elements, then `fill`.
pub fn copy_array(cx: &mut Thread, layout: LayoutId, source: Handle, from: usize, n: usize) -> Result<Handle, Thrown> {
    cx.allocate(layout, n + 1, 0, |cx, mut fresh| {
        fresh.set_raw(layout::ARRAY_LENGTH, count_bits(n));
        fresh.copy(layout::ARRAY_ELEMENTS, cx.get(source), layout::ARRAY_ELEMENTS + from, n);
    })
}

/// A copy of a NODE with one element replaced.
pub fn replace(cx: &mut Thread, node: Handle, i: usize, value: Handle) -> Result<Handle, Thrown> {
    let n = Slots::of(cx.get(node)).len();
    let layout = cx.get(node).layout();
    cx.allocate(layout, n + 1, 0, |cx, mut fresh| {
        fresh.set_raw(layout::ARRAY_LENGTH, count_bits(n));
        fresh.copy(layout::ARRAY_ELEMENTS, cx.get(node), layout::ARRAY_ELEMENTS, n);
        fresh.set(layout::ARRAY_ELEMENTS + i, cx.get(value));
    })
}

/// A copy of a NODE with one more element at the end.
pub fn append(cx: &mut Thread, node: Handle, value: Handle) -> Result<Handle, Thrown> {
    let n = Slots::of(cx.get(node)).len();
    let layout = cx.get(node).layout();
    cx.allocate(layout, n + 2, 0, |cx, mut fresh| {
        fresh.set_raw(layout::ARRAY_LENGTH, count_bits(n + 1));
        fresh.copy(layout::ARRAY_ELEMENTS, cx.get(node), layout::ARRAY_ELEMENTS, n);
        fresh.set(layout::ARRAY_ELEMENTS + n, cx.get(value));
    })
}
