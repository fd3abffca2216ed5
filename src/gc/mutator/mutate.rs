//! Changing objects.
//!
//! Owns the stores of Rust code into the heap, each with its write barrier (`plan/remembered.rs`; a plan that needs none has no
//! object with the flag for which it looks). All stores are atomic: other threads read and write the same objects.

use std::sync::atomic::Ordering;

use super::alloc::atomic;
use super::thread::Thread;
use super::value::Value;
use crate::mutations::{Mutation, mutated};
use crate::object::layout::{self, ARRAY_ELEMENTS, ARRAY_LENGTH, BYTES_CONTENT, BYTES_IN_USE};
use crate::object::word::{INT_SHIFT, Word};
use crate::windows::window;

/// Who may append to a `BYTES` object: a text would change with the builder that it was taken from, and the other way round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Room {
    /// Whoever appends to the text that ends where the bytes in use end.
    Texts = 0,
    /// The builder that holds the object.
    Builder = 1,
}

impl Thread {
    /// The address of a tagged word, or a panic.
    #[inline]
    fn slot_address(&self, object: Value<'_>, i: usize) -> usize {
        assert!(object.tagged().contains(&i), "no slot {i}");
        object.word().address() + layout::slot_offset(i)
    }

    /// Stores to the tagged word `i` after the header (release).
    ///
    /// # Panics
    /// When the object has no tagged word there.
    #[inline]
    pub fn set_slot(&self, object: Value<'_>, i: usize, value: Value<'_>) {
        let address = self.slot_address(object, i);
        // SAFETY: a word of an object that stays where it is while `object` borrows the thread.
        unsafe { atomic(address) }.store(value.word().0, Ordering::Release);
        self.note_store(object.word(), address, value.word());
    }

    /// Takes elements from the end of an array that no other thread knows. What is cut off is nobody's until the
    /// next collection; who has noted where the array was made may use it till then.
    ///
    /// # Panics
    /// When it has not so many, or is too large to be moved.
    #[inline]
    pub fn cut_array(&self, array: Value<'_>, len: usize) {
        let (shape, extent) = array.extent();
        assert!(
            shape == layout::Shape::Array
                && len < extent.words
                && extent.words <= ARRAY_ELEMENTS + layout::VECTOR_WIDTH
        );
        let first = array.word().address() + layout::slot_offset(ARRAY_LENGTH);
        // SAFETY: the first word of an array is its length, an Int; it stays where it is while `array` borrows the
        // thread.
        unsafe { atomic(first) }.store((len as u64) << INT_SHIFT, Ordering::Release);
    }

    /// Replaces `removed` tagged words from `at` on by others; those behind, up to `end`, move, and what they leave becomes
    /// null. For objects that no other thread knows: it would see the change half done.
    ///
    /// # Panics
    /// When the object has no such words, or no room.
    pub fn splice_slots(
        &self,
        object: Value<'_>,
        at: usize,
        removed: usize,
        inserted: impl ExactSizeIterator<Item = Word>,
        end: usize,
    ) {
        let tagged = object.tagged();
        let new_end = end + inserted.len() - removed;
        assert!(tagged.start <= at && at + removed <= end && end.max(new_end) <= tagged.end);
        let slot = |i: usize| (object.word().address() + layout::slot_offset(i)) as *mut u64;
        // SAFETY: all words from `at` to `end` and to `new_end` are tagged words of the object, which stays where it is while
        // `object` borrows the thread; nobody else reads or writes them.
        unsafe {
            std::ptr::copy(slot(at + removed), slot(at + inserted.len()), end - at - removed);
            for (k, word) in inserted.enumerate() {
                *slot(at + k) = word.0;
            }
            for i in new_end..end {
                *slot(i) = Word::NULL.0;
            }
        }
        self.note_stores(object.word(), (at..new_end).map(|i| slot(i) as usize));
    }

    /// Changes the count in the header of an object.
    ///
    /// # Panics
    /// When it is a closure, whose count is its size, or no object.
    #[inline]
    pub fn set_count(&self, object: Value<'_>, count: u32) {
        assert!(object.word().is_object() && count < 1 << 24);
        // SAFETY: a living object begins with its header, and stays where it is while `object` borrows the thread; headers
        // are forwarding addresses only while the world is stopped.
        let header = unsafe { atomic(object.word().address()) };
        // Whatever another thread does to the header at this moment is not undone.
        let with_count = |old| Some(old & ((1 << layout::COUNT_SHIFT) - 1) | u64::from(count) << layout::COUNT_SHIFT);
        let _always = header.fetch_update(Ordering::Relaxed, Ordering::Relaxed, with_count);
    }

    /// Takes the lock of an object whose header has no other count; false when another thread has it.
    ///
    /// # Panics
    /// When it is no object.
    pub fn try_lock(&self, object: Value<'_>) -> bool {
        assert!(object.word().is_object());
        // SAFETY: as in `set_count`.
        let header = unsafe { atomic(object.word().address()) };
        window();
        // A flag that another thread takes away meanwhile is no lock.
        let taken = |header| (layout::header_count(header) == 0).then_some(header | 1 << layout::COUNT_SHIFT);
        header.fetch_update(Ordering::Acquire, Ordering::Relaxed, taken).is_ok()
    }

    /// Gives back the lock of an object.
    ///
    /// # Panics
    /// When it is no object.
    pub fn unlock(&self, object: Value<'_>) {
        assert!(object.word().is_object());
        window();
        // SAFETY: as in `set_count`.
        unsafe { atomic(object.word().address()) }.fetch_and((1 << layout::COUNT_SHIFT) - 1, Ordering::Release);
    }

    /// Stores `new` to the tagged word `i` after the header if it is `old` still.
    ///
    /// # Panics
    /// When the object has no tagged word there.
    #[inline]
    pub fn compare_and_swap_slot(&self, object: Value<'_>, i: usize, old: Value<'_>, new: Value<'_>) -> bool {
        window();
        let address = self.slot_address(object, i);
        // SAFETY: as in `set_slot`.
        let stored = unsafe { atomic(address) }
            .compare_exchange(old.word().0, new.word().0, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        if stored {
            self.note_store(object.word(), address, new.word());
        }
        stored
    }

    /// Appends to a `BYTES` object whose spare room is `room`'s if exactly `used` bytes are in use, there is room, and nobody
    /// else is appending: of several who try, one succeeds.
    ///
    /// Bytes are in use once they are written: whoever learns their number, from whatever object, finds all of them there.
    pub fn append_bytes(&self, object: Value<'_>, room: Room, used: usize, bytes: &[u8]) -> bool {
        let Some(capacity) = object.bytes_capacity() else { return false };
        let foreign = object.count() != room as u32 && !mutated(Mutation::RoomUnasked);
        if foreign || used > capacity || bytes.len() > capacity - used {
            return false;
        }
        let address = object.word().address();
        // SAFETY: a word of an object that stays where it is while `object` borrows the thread.
        let in_use = unsafe { atomic(address + layout::slot_offset(BYTES_IN_USE)) };
        window();
        let claim = used as u64 | layout::BEING_WRITTEN;
        let unclaimed = mutated(Mutation::AppendUnclaimed) && in_use.load(Ordering::Acquire) == used as u64;
        if !unclaimed && in_use.compare_exchange(used as u64, claim, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return false;
        }
        window();
        // SAFETY: within the capacity; the claim has made what is not in use ours alone, until the store below.
        unsafe {
            let to = (address + layout::slot_offset(BYTES_CONTENT) + used) as *mut u8;
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
        window();
        in_use.store((used + bytes.len()) as u64, Ordering::Release);
        true
    }

    /// Ends all appending to a `BYTES` object if exactly `used` bytes are in use and nobody is appending: as if somebody were
    /// at it for ever. Of several who try, one succeeds.
    pub fn seal_bytes(&self, object: Value<'_>, used: usize) -> bool {
        assert!(object.is(layout::BYTES));
        // SAFETY: a word of an object that stays where it is while `object` borrows the thread.
        let in_use = unsafe { atomic(object.word().address() + layout::slot_offset(BYTES_IN_USE)) };
        window();
        let sealed = used as u64 | layout::BEING_WRITTEN;
        in_use.compare_exchange(used as u64, sealed, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }
}
