//! Allocation from Rust.
//!
//! Owns the making of objects: room, header, contents. Whoever allocates passes handles and gets a handle, because
//! everything may have moved meanwhile. Out of memory is an exception that a hook of the layer above makes.
//!
//! Invariant: from the moment room is taken until the object is complete nothing can collect.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use super::call::Thrown;
use super::handle::Handle;
use super::mutate::Room;
use super::thread::Thread;
use super::value::Value;
use crate::locks;
use crate::object::layout::{
    self, ARRAY_ELEMENTS, ARRAY_LENGTH, BIG_INT_LIMBS, BIG_INT_SIZE, BYTES_CAPACITY, BYTES_CONTENT, BYTES_IN_USE,
    CLOSURE_CAPTURES, CLOSURE_CODE, FLOAT_BITS, LayoutId, STRING_BASE, STRING_BYTES, STRING_HASH, STRING_SIZES, Shape,
};
use crate::object::shapes::{self, Extent};
use crate::object::word::Word;

/// An object under construction: every word must be written before `init` returns.
pub struct Fresh<'a> {
    address: usize,
    words: usize,
    tagged_from: usize,
    tagged_to: usize,
    init: PhantomData<&'a mut [u64]>,
}

impl Fresh<'_> {
    /// Writes the tagged or untagged word `i` after the header.
    ///
    /// # Panics
    /// When the object is shorter.
    #[inline]
    pub fn set(&mut self, i: usize, value: Value<'_>) {
        debug_assert!(self.takes_pointers(i, i + 1) || !value.word().is_pointer(), "a pointer in an untagged word");
        self.write(i, value.word().0);
    }

    /// Writes bits to word `i` after the header.
    ///
    /// # Panics
    /// When the object is shorter, or bits that look like a pointer go to a tagged word.
    #[inline]
    pub fn set_raw(&mut self, i: usize, bits: u64) {
        let tagged = self.tagged_from <= i && i < self.tagged_to;
        assert!(!tagged || !Word(bits).is_pointer(), "a pointer is stored as a Value");
        self.write(i, bits);
    }

    /// Writes bytes from word `i` after the header on, the last word padded with zeros.
    ///
    /// # Panics
    /// When the object is shorter, or the words are tagged.
    pub fn set_bytes(&mut self, i: usize, bytes: &[u8]) {
        let end = self.check_raw_range(i, bytes.len().div_ceil(8));
        if end > i {
            self.write(end - 1, 0);
        }
        // SAFETY: within the object, which nobody else knows yet.
        unsafe {
            let to = (self.address + layout::slot_offset(i)) as *mut u8;
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
    }

    /// Writes the same word to all from word `i` after the header on, up to the end.
    ///
    /// # Panics
    /// When the object is shorter.
    pub fn fill(&mut self, i: usize, value: Value<'_>) {
        assert!(i <= self.words);
        debug_assert!(self.takes_pointers(i, self.words) || !value.word().is_pointer(), "pointers in untagged words");
        // SAFETY: within the object, which nobody else knows yet.
        unsafe {
            let first = (self.address + layout::slot_offset(i)) as *mut u64;
            std::slice::from_raw_parts_mut(first as *mut std::mem::MaybeUninit<u64>, self.words - i)
                .fill(std::mem::MaybeUninit::new(value.word().0));
        }
    }

    /// Writes Ints from word `i` after the header on: the first, and others in steps. What is no inline Int wraps around.
    ///
    /// # Panics
    /// When the object is shorter, or `first` is no Int.
    pub fn set_ints(&mut self, i: usize, n: usize, first: Word, step: i64) {
        assert!(first.is_int() && i <= self.words && n <= self.words - i);
        let mut bits = first.0;
        for k in i..i + n {
            // SAFETY: within the object, which nobody else knows yet; a sum of Ints is one.
            unsafe { *((self.address + layout::slot_offset(k)) as *mut u64) = bits };
            bits = bits.wrapping_add((step as u64) << crate::object::word::INT_SHIFT);
        }
    }

    /// Are these all tagged words?
    fn takes_pointers(&self, from: usize, to: usize) -> bool {
        from >= to || self.tagged_from <= from && to <= self.tagged_to
    }

    /// The end of a range of `count` untagged words.
    fn check_raw_range(&self, i: usize, count: usize) -> usize {
        assert!(i <= self.words && count <= self.words - i, "the object is shorter");
        let end = i + count;
        assert!(count == 0 || end <= self.tagged_from || i >= self.tagged_to, "tagged words are set one by one");
        end
    }

    /// Words after the header.
    pub fn words(&self) -> usize {
        self.words
    }

    /// Copies `n` tagged words of another object, from its word `from` on, to the words from `to` on.
    ///
    /// # Panics
    /// When one of the objects is shorter, or one of those words of `source` is not tagged.
    #[inline]
    pub fn copy(&mut self, to: usize, source: Value<'_>, from: usize, n: usize) {
        let tagged = source.tagged();
        let fits = |start: usize, end: usize| n <= end.saturating_sub(start);
        assert!(from >= tagged.start && fits(from, tagged.end) && fits(to, self.words) || n == 0);
        debug_assert!(self.takes_pointers(to, to + n), "pointers in untagged words");
        for k in 0..n {
            // SAFETY: the words are within both objects; nobody else knows the fresh one.
            unsafe {
                let bits = atomic(source.word().address() + layout::slot_offset(from + k)).load(Ordering::Acquire);
                *((self.address + layout::slot_offset(to + k)) as *mut u64) = bits;
            }
        }
    }

    #[inline]
    fn write(&mut self, i: usize, bits: u64) {
        assert!(i < self.words);
        // SAFETY: within the object, which nobody else knows yet.
        unsafe { *((self.address + layout::slot_offset(i)) as *mut u64) = bits }
    }
}

impl Thread {
    /// A new object of any layout with `payload_words` words after the header. `init` must write all of them.
    ///
    /// # Panics
    /// When what `init` wrote contradicts the layout or the size: a mistake of the caller.
    #[inline]
    pub fn allocate(
        &mut self,
        layout: LayoutId,
        payload_words: usize,
        count: u32,
        init: impl FnOnce(&Thread, Fresh<'_>),
    ) -> Result<Handle, Thrown> {
        self.allocate_checked(layout, payload_words, count, true, init)
    }

    #[inline]
    fn allocate_checked(
        &mut self,
        layout: LayoutId,
        payload_words: usize,
        count: u32,
        check_text: bool,
        init: impl FnOnce(&Thread, Fresh<'_>),
    ) -> Result<Handle, Thrown> {
        let address = self.take_room(payload_words)?;
        let word = self.build(address, layout, payload_words, count, check_text, init);
        Ok(self.push_handle(word))
    }

    /// Makes an object of fresh memory.
    #[inline]
    fn build(
        &self,
        address: usize,
        layout: LayoutId,
        payload_words: usize,
        count: u32,
        check_text: bool,
        init: impl FnOnce(&Thread, Fresh<'_>),
    ) -> Word {
        let shape = self.heap().shapes().shape(layout);
        let header = layout::header(layout, count);
        // SAFETY: there is room for header and payload.
        unsafe { *(address as *mut u64) = header };
        let (tagged_from, tagged_to) = match shape {
            Shape::Slots(n) => (0, n as usize),
            Shape::Array => (ARRAY_ELEMENTS, payload_words),
            Shape::Closure => (CLOSURE_CAPTURES, payload_words),
            Shape::Prefix => (STRING_BASE, layout::PREFIX_WORDS),
            _ => (0, 0),
        };
        if cfg!(debug_assertions) {
            for i in 0..payload_words {
                // SAFETY: within the room.
                unsafe { *((address + layout::slot_offset(i)) as *mut u64) = Word::POISON.0 };
            }
        }
        init(self, Fresh { address, words: payload_words, tagged_from, tagged_to, init: PhantomData });
        let first = if payload_words == 0 {
            0
        } else {
            // SAFETY: there is a first word.
            unsafe { *((address + layout::slot_offset(layout::FIRST_WORD)) as *const u64) }
        };
        let extent = shapes::extent(shape, header, || first);
        if cfg!(debug_assertions) {
            for i in extent.tagged_from..extent.tagged_to.min(payload_words) {
                // SAFETY: within the room.
                let word = unsafe { *((address + layout::slot_offset(i)) as *const u64) };
                assert!(word != Word::POISON.0, "layout {layout}: word {i} was not written");
            }
        }
        assert!(extent.words == payload_words && shape != Shape::None, "layout {layout} does not have this size");
        let word = Word(
            address as u64
                | if shape == Shape::Closure {
                    crate::object::word::TAG_FUNCTION
                } else {
                    crate::object::word::TAG_OBJECT
                },
        );
        if check_text {
            match shape {
                Shape::String | Shape::Prefix => check_string(self.value(word), shape, extent),
                Shape::Bytes => {
                    assert!(self.value(word).raw(BYTES_IN_USE) <= first, "more bytes in use than there are")
                }
                _ => {}
            }
        }
        word
    }

    /// A new object that never moves and never dies, and whose slots are always roots.
    ///
    /// # Panics
    /// As for `allocate`.
    pub fn allocate_permanent(
        &mut self,
        layout: LayoutId,
        payload_words: usize,
        count: u32,
        init: impl FnOnce(&Thread, Fresh<'_>),
    ) -> Result<Handle, Thrown> {
        let bytes = payload_words.saturating_add(1).saturating_mul(8);
        let shape = self.heap().shapes().shape(layout);
        assert!(payload_words > 0 || shape == Shape::Slots(0), "layout {layout} does not have this size");
        let heap = self.heap().clone();
        let address = if bytes < 1 << 40 { heap.with_spaces(|spaces| spaces.take_permanent(bytes)) } else { None };
        let Some(address) = address else { return Err(self.out_of_memory()) };
        let unfinished = Unfinished { address, words: payload_words };
        let word = self.build(address, layout, payload_words, count, true, init);
        std::mem::forget(unfinished);
        Ok(self.push_handle(word))
    }

    /// A new function without captured values that never moves and never dies.
    pub fn alloc_permanent_closure(&mut self, code: usize) -> Result<Handle, Thrown> {
        self.allocate_permanent(layout::CLOSURE, CLOSURE_CAPTURES, 0, |_, mut fresh| {
            fresh.set_raw(CLOSURE_CODE, code as u64)
        })
    }

    /// A new `STRING` that never moves and never dies.
    pub fn alloc_permanent_string(&mut self, text: &str) -> Result<Handle, Thrown> {
        let Ok(len) = u32::try_from(text.len()) else { return Err(self.out_of_memory()) };
        let chars = text.chars().count() as u64;
        self.allocate_permanent(layout::STRING, STRING_BYTES + text.len().div_ceil(8), 0, |_, mut fresh| {
            fresh.set_raw(STRING_SIZES, chars << 32 | u64::from(len));
            fresh.set_raw(STRING_HASH, 0);
            fresh.set_bytes(STRING_BYTES, text.as_bytes());
        })
    }

    /// A new object whose words are all tagged: fixed shapes and user layouts.
    pub fn alloc_slots(&mut self, layout: LayoutId, slots: &[Handle]) -> Result<Handle, Thrown> {
        self.allocate(layout, slots.len(), 0, |thread, mut fresh| {
            for (i, &slot) in slots.iter().enumerate() {
                fresh.set(i, thread.get(slot));
            }
        })
    }

    /// A new `ARRAY`, `NODE` or the like of `len` times `fill`.
    pub fn alloc_array(&mut self, layout: LayoutId, len: usize, fill: Handle) -> Result<Handle, Thrown> {
        self.allocate(layout, len.saturating_add(ARRAY_ELEMENTS), 0, |thread, mut fresh| {
            fresh.set_raw(ARRAY_LENGTH, (len as u64) << crate::object::word::INT_SHIFT);
            fresh.fill(ARRAY_ELEMENTS, thread.get(fill));
        })
    }

    /// A new `ARRAY`, `NODE` or the like of these elements.
    pub fn alloc_array_of(&mut self, layout: LayoutId, elements: &[Handle]) -> Result<Handle, Thrown> {
        self.allocate(layout, ARRAY_ELEMENTS + elements.len(), 0, |thread, mut fresh| {
            fresh.set_raw(ARRAY_LENGTH, (elements.len() as u64) << crate::object::word::INT_SHIFT);
            for (i, &element) in elements.iter().enumerate() {
                fresh.set(ARRAY_ELEMENTS + i, thread.get(element));
            }
        })
    }

    /// A new `STRING`.
    pub fn alloc_string(&mut self, text: &str) -> Result<Handle, Thrown> {
        let Ok(len) = u32::try_from(text.len()) else { return Err(self.out_of_memory()) };
        let chars = text.chars().count() as u64;
        self.allocate_checked(layout::STRING, STRING_BYTES + text.len().div_ceil(8), 0, false, |_, mut fresh| {
            fresh.set_raw(STRING_SIZES, chars << 32 | len as u64);
            fresh.set_raw(STRING_HASH, 0);
            fresh.set_bytes(STRING_BYTES, text.as_bytes());
        })
    }

    /// A new `STRING` of a long text of so many characters, whose bytes come in blocks of whole words, but for the last one. None when the
    /// interrupt key was pressed before all of it was copied.
    ///
    /// # Panics
    /// When there are more blocks than bytes for them.
    ///
    /// # Safety
    /// The blocks must be so many bytes in all, be UTF-8 together, and have so many characters.
    pub unsafe fn alloc_long_string<'a>(
        &mut self,
        bytes: usize,
        chars: usize,
        blocks: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Option<Handle>, Thrown> {
        let Ok(len) = u32::try_from(bytes) else { return Err(self.out_of_memory()) };
        let mut whole = true;
        let made =
            self.allocate_checked(layout::STRING, STRING_BYTES + bytes.div_ceil(8), 0, false, |thread, mut fresh| {
                fresh.set_raw(STRING_SIZES, (chars as u64) << 32 | u64::from(len));
                fresh.set_raw(STRING_HASH, 0);
                let mut at = STRING_BYTES;
                for block in blocks {
                    if thread.is_interrupted() {
                        // Nobody is given it.
                        whole = false;
                        return;
                    }
                    fresh.set_bytes(at, block);
                    at += block.len().div_ceil(8);
                }
            })?;
        Ok(whole.then_some(made))
    }

    /// A new, empty `BYTES` object.
    pub fn alloc_bytes(&mut self, capacity: usize, room: Room) -> Result<Handle, Thrown> {
        let words = capacity.div_ceil(8);
        self.allocate(layout::BYTES, words.saturating_add(BYTES_CONTENT), room as u32, |thread, mut fresh| {
            fresh.fill(BYTES_IN_USE, thread.value(Word(0)));
            fresh.set_raw(BYTES_CAPACITY, capacity as u64);
        })
    }

    /// A new `STRING_PREFIX`: the first `len` bytes of a `BYTES` object, `chars` characters.
    ///
    /// # Safety
    /// These bytes must be in use, be UTF-8 and have that many characters.
    pub unsafe fn alloc_string_prefix(&mut self, bytes: Handle, len: usize, chars: usize) -> Result<Handle, Thrown> {
        let Ok(len) = u32::try_from(len) else { return Err(self.out_of_memory()) };
        self.allocate_checked(layout::STRING_PREFIX, layout::PREFIX_WORDS, 0, false, |thread, mut fresh| {
            debug_assert!(thread.get(bytes).bytes().is_some_and(|b| b.len() >= len as usize));
            fresh.set_raw(STRING_SIZES, (chars as u64) << 32 | len as u64);
            fresh.set_raw(STRING_HASH, 0);
            fresh.set(STRING_BASE, thread.get(bytes));
        })
    }

    /// A new object of what the allocation buffer has left, made without a collection: none when that is too little. So who calls
    /// this may hold values; nothing roots what it gives.
    ///
    /// # Panics
    /// As for `allocate`.
    #[inline]
    pub fn spare(
        &self,
        layout: LayoutId,
        payload_words: usize,
        init: impl FnOnce(&Thread, Fresh<'_>),
    ) -> Option<Value<'_>> {
        let bytes = payload_words.checked_add(1)?.checked_mul(8)?;
        let cursor = self.buffer.cursor.get();
        if bytes > self.buffer.free() {
            return None;
        }
        self.buffer.cursor.set(cursor + bytes);
        Some(self.value(self.build(cursor, layout, payload_words, 0, false, init)))
    }

    /// Is there room for an object of so many words, so that `spare` gives one?
    pub fn has_spare(&self, payload_words: usize) -> bool {
        8 * (payload_words + 1) <= self.buffer.free()
    }

    /// A new `STRING_PREFIX`, as `spare` makes objects.
    ///
    /// # Safety
    /// As for `alloc_string_prefix`.
    pub unsafe fn spare_string_prefix<'h>(&'h self, bytes: Value<'h>, len: usize, chars: usize) -> Option<Value<'h>> {
        let len = u32::try_from(len).ok()?;
        self.spare(layout::STRING_PREFIX, layout::PREFIX_WORDS, |_, mut fresh| {
            debug_assert!(bytes.bytes().is_some_and(|b| b.len() >= len as usize));
            fresh.set_raw(STRING_SIZES, (chars as u64) << 32 | u64::from(len));
            fresh.set_raw(STRING_HASH, 0);
            fresh.set(STRING_BASE, bytes);
        })
    }

    /// A Float: tagged when possible, boxed otherwise.
    #[inline]
    pub fn alloc_float(&mut self, f: f64) -> Result<Handle, Thrown> {
        match Word::float(f) {
            Some(word) => Ok(self.push_handle(word)),
            None => self.allocate(layout::FLOAT, FLOAT_BITS + 1, 0, |_, mut fresh| {
                fresh.set_raw(FLOAT_BITS, f.to_bits());
                // Generated code stores Floats without release: see docs/memory-ordering.md.
                std::sync::atomic::fence(Ordering::Release);
            }),
        }
    }

    /// A new function.
    pub fn alloc_closure(&mut self, code: usize, captures: &[Handle]) -> Result<Handle, Thrown> {
        self.allocate(layout::CLOSURE, CLOSURE_CAPTURES + captures.len(), captures.len() as u32, |thread, mut fresh| {
            fresh.set_raw(CLOSURE_CODE, code as u64);
            for (i, &capture) in captures.iter().enumerate() {
                fresh.set(CLOSURE_CAPTURES + i, thread.get(capture));
            }
        })
    }

    /// A new `BIG_INT` with these limbs, least significant first.
    pub fn alloc_big_int(&mut self, negative: bool, limbs: &[u64]) -> Result<Handle, Thrown> {
        self.allocate(layout::BIG_INT, BIG_INT_LIMBS + limbs.len(), 0, |_, mut fresh| {
            fresh.set_raw(BIG_INT_SIZE, (negative as u64) << 63 | limbs.len() as u64);
            for (i, &limb) in limbs.iter().enumerate() {
                fresh.set_raw(BIG_INT_LIMBS + i, limb);
            }
        })
    }

    /// Room for an object.
    #[inline]
    fn take_room(&mut self, payload_words: usize) -> Result<usize, Thrown> {
        locks::assert_none("allocates");
        debug_assert!(!self.jumps(), "allocates on the way to a jump");
        let Some(bytes) = payload_words.checked_add(1).and_then(|w| w.checked_mul(8)) else {
            return Err(self.out_of_memory());
        };
        let cursor = self.buffer.cursor.get();
        if bytes <= self.buffer.free() {
            self.buffer.cursor.set(cursor + bytes);
            return Ok(cursor);
        }
        self.take_room_slow(bytes)
    }

    /// The exception of a heap that is full.
    #[cold]
    pub fn out_of_memory(&mut self) -> Thrown {
        if self.emergency.get() {
            // The error itself does not fit the reserve: what is pending is `null`.
            return Thrown::set(self, self.root_word(Word::NULL));
        }
        let hook = self.heap().hooks().out_of_memory;
        self.emergency.set(true);
        let thrown = hook(self);
        self.emergency.set(false);
        thrown
    }
}

/// A permanent object that its maker may give up by panicking: then it becomes harmless, for its space is walked.
struct Unfinished {
    address: usize,
    words: usize,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let limbs = self.words.saturating_sub(1) as u64;
        // Without any words it is complete once it has its header, which is written before anything can fail.
        if self.words > 0 {
            // SAFETY: this room is ours.
            unsafe {
                *(self.address as *mut u64) = layout::header(layout::BIG_INT, 0);
                *((self.address + layout::slot_offset(BIG_INT_SIZE)) as *mut u64) = limbs;
            }
        }
    }
}

#[inline(never)]
fn check_string(value: Value<'_>, shape: Shape, extent: Extent) {
    let sizes = value.raw(STRING_SIZES);
    let (len, chars) = (sizes as u32 as usize, (sizes >> 32) as usize);
    let room = match shape {
        Shape::String => (extent.words - STRING_BYTES) * 8,
        _ => value.slot(STRING_BASE).bytes().map_or(0, <[u8]>::len),
    };
    assert!(len <= room);
    let text = value.bytes().map(std::str::from_utf8);
    assert!(matches!(text, Some(Ok(text)) if text.chars().count() == chars), "the bytes are not such a string");
}

/// A word of an object as an atomic.
///
/// # Safety
/// The address must be that of a word of a living object, and the object must stay where it is during `'a`.
#[inline]
pub(in crate::gc) unsafe fn atomic<'a>(address: usize) -> &'a AtomicU64 {
    // SAFETY: the caller's; words are 8-byte aligned.
    unsafe { &*(address as *const AtomicU64) }
}

impl Thread {
    /// Remembers the hash of a `STRING` or `STRING_PREFIX`; every thread computes the same.
    pub fn set_string_hash(&self, string: Value<'_>, hash: u64) {
        assert!(string.char_count().is_some());
        // SAFETY: a string has a second word; `string` borrows the thread, so it stays where it is.
        unsafe { atomic(string.word().address() + layout::slot_offset(STRING_HASH)) }.store(hash, Ordering::Relaxed);
    }
}
