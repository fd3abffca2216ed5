//! Changing objects.
//!
//! Owns the stores of Rust code into the heap, and is where a collector's write barrier hangs (the compacting collector
//! needs none). All stores are atomic: other threads read and write the same objects.

use std::sync::atomic::Ordering;

use super::alloc::atomic;
use super::handle::Handle;
use super::layout;
use super::thread::Thread;
use super::value::Value;
use super::word::Word;

impl Thread {
    /// The address of a tagged word, or a panic.
    #[inline]
    fn slot_address(&self, object: Value<'_>, i: usize) -> usize {
        let (_, extent) = object.extent();
        assert!(extent.tagged_from <= i && i < extent.tagged_to, "no slot {i}");
        object.word().address() + layout::slot_offset(i)
    }

    /// Stores to the tagged word `i` after the header (release).
    ///
    /// # Panics
    /// When the object has no tagged word there.
    #[inline]
    pub fn set_slot(&self, object: Value<'_>, i: usize, value: Value<'_>) {
        // SAFETY: a word of an object that stays where it is while `object` borrows the thread.
        unsafe { atomic(self.slot_address(object, i)) }.store(value.word().0, Ordering::Release);
    }

    /// Replaces `removed` tagged words from `at` on by others; those behind, up to `end`, move, and what they leave becomes
    /// null. For objects that no other thread knows: it would see the change half done.
    ///
    /// # Panics
    /// When the object has no such words, or no room.
    pub fn splice_slots(&self, object: Value<'_>, at: usize, removed: usize, inserted: &[Handle], end: usize) {
        let (_, extent) = object.extent();
        let new_end = end + inserted.len() - removed;
        assert!(extent.tagged_from <= at && at + removed <= end && end.max(new_end) <= extent.tagged_to);
        let slot = |i: usize| (object.word().address() + layout::slot_offset(i)) as *mut u64;
        // SAFETY: all words from `at` to `end` and to `new_end` are tagged words of the object, which stays where it is while
        // `object` borrows the thread; nobody else reads or writes them.
        unsafe {
            std::ptr::copy(slot(at + removed), slot(at + inserted.len()), end - at - removed);
            for (k, &value) in inserted.iter().enumerate() {
                *slot(at + k) = self.get(value).word().0;
            }
            for i in new_end..end {
                *slot(i) = Word::NULL.0;
            }
        }
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
        let rest = header.load(Ordering::Relaxed) & ((1 << layout::COUNT_SHIFT) - 1);
        header.store(rest | u64::from(count) << layout::COUNT_SHIFT, Ordering::Relaxed);
    }

    /// Stores `new` to the tagged word `i` after the header if it is `old` still.
    ///
    /// # Panics
    /// When the object has no tagged word there.
    #[inline]
    pub fn compare_and_swap_slot(&self, object: Value<'_>, i: usize, old: Value<'_>, new: Value<'_>) -> bool {
        // SAFETY: as in `set_slot`.
        unsafe { atomic(self.slot_address(object, i)) }
            .compare_exchange(old.word().0, new.word().0, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Appends to a `BYTES` object if exactly `used` bytes are in use and there is room: of several who try, one succeeds.
    pub fn append_bytes(&self, object: Value<'_>, used: usize, bytes: &[u8]) -> bool {
        let Some(capacity) = object.bytes_capacity() else { return false };
        if used > capacity || bytes.len() > capacity - used {
            return false;
        }
        let address = object.word().address();
        // SAFETY: a word of an object that stays where it is while `object` borrows the thread.
        let in_use = unsafe { atomic(address + layout::slot_offset(1)) };
        // Claim and copy must not be seen in the other order by somebody who reads `bytes()`: that reader is this thread,
        // or learns of the bytes through an object published afterwards.
        if in_use
            .compare_exchange(used as u64, (used + bytes.len()) as u64, Ordering::AcqRel, Ordering::Relaxed)
            .is_err()
        {
            return false;
        }
        // SAFETY: within the capacity; the claim has made this range ours alone.
        unsafe {
            let to = (address + layout::slot_offset(2) + used) as *mut u8;
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
        true
    }
}
