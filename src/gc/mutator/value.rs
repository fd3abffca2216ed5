//! Values: words that cannot outlive the next allocation.
//!
//! Owns the reading of objects. A [`Value`] borrows the thread; everything that may collect wants the thread mutably; so the
//! compiler refuses a stale pointer. Accessors check layout and bounds: `None` or a panic for what the layout does not
//! have, never a read outside the object.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::thread::Thread;
use crate::object::layout::{
    self, ARRAY_ELEMENTS, ARRAY_LENGTH, BIG_INT_LIMBS, BIG_INT_SIZE, BYTES_CAPACITY, BYTES_CONTENT, BYTES_IN_USE,
    CLOSURE_CAPTURES, CLOSURE_CODE, FLOAT_BITS, LayoutId, PREFIX_WORDS, STRING_BASE, STRING_BYTES, STRING_HASH,
    STRING_SIZES, Shape,
};
use crate::object::shapes::{self, Extent, ShapeCode};
use crate::object::word::{INT_SHIFT, Word};

/// A word that is valid until the thread allocates.
///
/// ```
/// # use harrier::gc::{Heap, Options};
/// let heap = Heap::new(Options::default())?;
/// let mut thread = heap.attach();
/// let text = thread.alloc_string("hawk").unwrap();
/// let other = thread.alloc_string("kite").unwrap();
/// assert_eq!(thread.get(text).str(), Some("hawk"));
/// # let _ = other;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Nothing that may collect can happen between the reading of a value and its last use:
///
/// ```compile_fail,E0502
/// # use harrier::gc::{Heap, Options};
/// # let heap = Heap::new(Options::default()).unwrap();
/// # let mut thread = heap.attach();
/// let text = thread.alloc_string("hawk").unwrap();
/// let value = thread.get(text);
/// let other = thread.alloc_string("kite");
/// assert_eq!(value.str(), Some("hawk"));
/// ```
#[derive(Clone, Copy)]
pub struct Value<'h> {
    word: Word,
    thread: &'h Thread,
}

impl PartialEq for Value<'_> {
    /// The same word: identity of objects, equality of Ints and keywords.
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({:#x}, layout {})", self.word.0, self.layout())
    }
}

impl<'h> Value<'h> {
    /// A value from a bare word.
    ///
    /// # Safety
    /// A pointer must name a living object of this thread's heap, read after the last point at which it could collect.
    #[inline]
    pub unsafe fn from_raw(thread: &'h Thread, word: Word) -> Value<'h> {
        let value = Value { word, thread };
        debug_assert!(value.is_whole(), "{:#x} names no object: was it read before a collection?", word.0);
        value
    }

    /// In a checked build: does a pointer lead to a header of a layout that there is? What was given back is without access under
    /// `--gc-verify`, or holds whatever has been put there.
    fn is_whole(self) -> bool {
        if !self.word.is_pointer() {
            return true;
        }
        let header = self.header();
        header & 1 == 0 && self.thread.heap().shapes().shape(layout::header_layout(header)) != Shape::None
    }

    /// The value of an immediate; none for pointers.
    #[inline]
    pub fn immediate(thread: &'h Thread, word: Word) -> Option<Value<'h>> {
        if word.is_pointer() { None } else { Some(Value { word, thread }) }
    }

    /// The bits.
    #[inline]
    pub fn word(self) -> Word {
        self.word
    }

    /// The thread it belongs to.
    #[inline]
    pub fn thread(self) -> &'h Thread {
        self.thread
    }

    /// Is it an inline Int?
    #[inline]
    pub fn is_int(self) -> bool {
        self.word.is_int()
    }

    /// The value of an inline Int.
    #[inline]
    pub fn as_int(self) -> Option<i64> {
        self.word.as_int()
    }

    /// Is it a Float, tagged or boxed?
    #[inline]
    pub fn is_float(self) -> bool {
        self.word.is_tagged_float() || self.layout() == layout::FLOAT
    }

    /// The value of a Float, tagged or boxed.
    #[inline]
    pub fn as_float(self) -> Option<f64> {
        match self.word.as_tagged_float() {
            Some(f) => Some(f),
            None if self.is(layout::FLOAT) => Some(f64::from_bits(self.raw(FLOAT_BITS))),
            None => None,
        }
    }

    /// Is it `null`?
    #[inline]
    pub fn is_null(self) -> bool {
        self.word == Word::NULL
    }

    /// Is it `null` or `false`?
    #[inline]
    pub fn is_falsy(self) -> bool {
        self.word.is_falsy()
    }

    /// Is it a Bool?
    #[inline]
    pub fn as_bool(self) -> Option<bool> {
        match self.word {
            Word::TRUE => Some(true),
            Word::FALSE => Some(false),
            _ => None,
        }
    }

    /// The index of a keyword.
    #[inline]
    pub fn as_keyword(self) -> Option<u32> {
        self.word.as_keyword()
    }

    /// Is it a function?
    #[inline]
    pub fn is_function(self) -> bool {
        self.word.is_function()
    }

    /// Is it a pointer?
    #[inline]
    pub fn is_pointer(self) -> bool {
        self.word.is_pointer()
    }

    /// Its layout: immediates have one too. 0 for the internal markers.
    #[inline]
    pub fn layout(self) -> LayoutId {
        let w = self.word;
        if w.is_pointer() {
            layout::header_layout(self.header())
        } else if w.is_int() {
            layout::INT
        } else if w.is_tagged_float() {
            layout::FLOAT
        } else if w.is_keyword() {
            layout::KEYWORD
        } else {
            match w {
                Word::NULL => layout::NULL,
                Word::TRUE | Word::FALSE => layout::BOOL,
                _ => 0,
            }
        }
    }

    /// Is it an object of this layout?
    #[inline]
    pub fn is(self, layout: LayoutId) -> bool {
        self.word.is_pointer() && self.header() as u32 == layout::header_low(layout)
    }

    /// The word at this index after the header.
    ///
    /// # Safety
    /// It must be a pointer, and the index less than the words of the object (0 is always allowed when the shape has a
    /// first word).
    #[inline]
    unsafe fn load(self, i: usize) -> u64 {
        // SAFETY: the caller's; objects are 8-byte aligned, and what others may write meanwhile is written atomically.
        unsafe { &*((self.word.address() + layout::slot_offset(i)) as *const AtomicU64) }.load(Ordering::Acquire)
    }

    #[inline]
    fn header(self) -> u64 {
        debug_assert!(self.word.is_pointer());
        // SAFETY: a `Value` that is a pointer names a living object, which has a header.
        unsafe { &*(self.word.address() as *const AtomicU64) }.load(Ordering::Relaxed)
    }

    /// The whole header of an object, for those who look.
    pub fn header_word(self) -> Option<u64> {
        self.word.is_pointer().then(|| self.header())
    }

    /// The count in the header of an object.
    #[inline]
    pub fn count(self) -> u32 {
        if self.word.is_pointer() { layout::header_count(self.header()) } else { 0 }
    }

    /// The shape of an object, as the table of shapes has it.
    #[inline]
    fn shape_code(self) -> ShapeCode {
        self.thread.heap().shapes().code(layout::header_layout(self.header()))
    }

    /// Word `i` of an object whose layout is known to have it, however short the object: without a look at the table of shapes.
    ///
    /// # Safety
    /// The value must be an object, and all objects of its layout must have more words than `i`.
    #[inline]
    unsafe fn load_known(self, i: usize) -> u64 {
        debug_assert!(i < self.words());
        // SAFETY: the caller's.
        unsafe { self.load(i) }
    }

    /// Shape and extent of an object.
    #[inline(never)]
    pub(in crate::gc) fn extent(self) -> (Shape, Extent) {
        if !self.word.is_pointer() {
            return (Shape::None, Extent { words: 0, tagged_from: 0, tagged_to: 0 });
        }
        let header = self.header();
        let shape = self.thread.heap().shapes().shape(layout::header_layout(header));
        // SAFETY: it is a pointer, and `extent` asks for the first word only when the shape has one.
        (shape, shapes::extent(shape, header, || unsafe { self.load(layout::FIRST_WORD) }))
    }

    /// The words after the header that may be stored to, by their indices.
    #[inline]
    pub(in crate::gc) fn tagged(self) -> Range<usize> {
        if self.word.is_pointer() {
            // Most are one of these two.
            let code = self.shape_code();
            if let Some(slots) = code.slots() {
                return 0..slots;
            }
            if code.is_array() {
                return ARRAY_ELEMENTS..ARRAY_ELEMENTS + self.array_len();
            }
        }
        let (_, extent) = self.extent();
        extent.tagged_from..extent.tagged_to
    }

    /// Words after the header.
    pub fn words(self) -> usize {
        self.extent().1.words
    }

    /// The tagged word at index `i` after the header (of an `ARRAY` or `NODE`, 0 is the length and 1 the first element; of
    /// a closure, 1 is the first captured value).
    ///
    /// # Panics
    /// When the object has no tagged word there.
    #[inline]
    pub fn slot(self, i: usize) -> Value<'h> {
        self.try_slot(i).unwrap_or_else(|| self.no_slot(i))
    }

    /// The tagged word at index `i` after the header, if there is one.
    #[inline]
    pub fn try_slot(self, i: usize) -> Option<Value<'h>> {
        // Most objects have a fixed number of slots, and these are read most.
        if self.word.is_pointer()
            && let Some(slots) = self.shape_code().slots()
            && i < slots
        {
            // SAFETY: the index is within the object.
            return Some(Value { word: Word(unsafe { self.load(i) }), thread: self.thread });
        }
        self.try_slot_of_any(i)
    }

    #[inline(never)]
    fn try_slot_of_any(self, i: usize) -> Option<Value<'h>> {
        let is_length = || i == ARRAY_LENGTH && self.word.is_pointer() && self.shape_code().is_array();
        let tagged = self.tagged().contains(&i) || is_length();
        // SAFETY: the index is within the object.
        tagged.then(|| Value { word: Word(unsafe { self.load(i) }), thread: self.thread })
    }

    #[cold]
    #[inline(never)]
    fn no_slot(self, i: usize) -> ! {
        panic!("{self:?} has no slot {i}")
    }

    /// The bits at index `i` after the header.
    ///
    /// # Panics
    /// When the object is shorter.
    #[inline]
    pub fn raw(self, i: usize) -> u64 {
        let fixed = self.word.is_pointer() && self.shape_code().fixed_words().is_some_and(|words| i < words);
        if !fixed && i >= self.words() {
            self.no_slot(i);
        }
        // SAFETY: the index is within the object.
        unsafe { self.load(i) }
    }

    /// The length of an `ARRAY`, `NODE` or interior node of a map; 0 for others.
    #[inline]
    pub fn array_len(self) -> usize {
        if !self.word.is_pointer() || !self.shape_code().is_array() {
            return 0;
        }
        // SAFETY: all arrays have the word of their length, an Int.
        (unsafe { self.load_known(ARRAY_LENGTH) } >> INT_SHIFT) as usize
    }

    /// Element `i` of an `ARRAY`, `NODE` or interior node of a map.
    ///
    /// # Panics
    /// When there is none.
    #[inline]
    pub fn element(self, i: usize) -> Value<'h> {
        if i >= self.array_len() {
            self.no_slot(ARRAY_ELEMENTS + i);
        }
        // SAFETY: within the object.
        Value { word: Word(unsafe { self.load(ARRAY_ELEMENTS + i) }), thread: self.thread }
    }

    /// The text of a `STRING` or `STRING_PREFIX`.
    #[inline]
    pub fn str(self) -> Option<&'h str> {
        // SAFETY: the bytes of strings are UTF-8: `allocate` checks it, everybody else promises it.
        self.string_bytes().map(|bytes| unsafe { std::str::from_utf8_unchecked(bytes) })
    }

    /// The first words of a text, which both kinds have.
    #[inline]
    fn string_word(self, i: usize) -> Option<u64> {
        const {
            assert!(
                STRING_SIZES < PREFIX_WORDS
                    && STRING_HASH < PREFIX_WORDS
                    && STRING_SIZES < STRING_BYTES
                    && STRING_HASH < STRING_BYTES
            )
        };
        debug_assert!(i == STRING_SIZES || i == STRING_HASH);
        let is_text = self.is(layout::STRING) || self.is(layout::STRING_PREFIX);
        // SAFETY: both layouts have these two words, as the assertion above says.
        is_text.then(|| unsafe { self.load_known(i) })
    }

    #[inline]
    fn string_bytes(self) -> Option<&'h [u8]> {
        let len = self.string_word(STRING_SIZES)? as u32 as usize;
        if self.is(layout::STRING) {
            return Some(self.byte_slice(self.word.address() + layout::slot_offset(STRING_BYTES), len));
        }
        // SAFETY: it is a STRING_PREFIX, each of which has all of `PREFIX_WORDS`.
        let base = Word(unsafe { self.load_known(STRING_BASE) });
        Some(self.byte_slice(base.address() + layout::slot_offset(BYTES_CONTENT), len))
    }

    fn byte_slice(self, address: usize, len: usize) -> &'h [u8] {
        // SAFETY: callers pass the part of a STRING or BYTES object that is in use; bytes in use are never written again,
        // and the object neither moves nor dies while `'h` borrows the thread.
        unsafe { std::slice::from_raw_parts(address as *const u8, len) }
    }

    /// Characters of a `STRING` or `STRING_PREFIX`.
    #[inline]
    pub fn char_count(self) -> Option<usize> {
        Some((self.string_word(STRING_SIZES)? >> 32) as usize)
    }

    /// The cached hash of a `STRING` or `STRING_PREFIX`; 0 when it is not yet known.
    #[inline]
    pub fn string_hash(self) -> Option<u64> {
        self.string_word(STRING_HASH)
    }

    /// The bytes in use of a `BYTES` object, or the bytes of a string.
    pub fn bytes(self) -> Option<&'h [u8]> {
        if self.is(layout::BYTES) {
            // SAFETY: all BYTES have the words in front of their content.
            let used = (unsafe { self.load_known(BYTES_IN_USE) } & !layout::BEING_WRITTEN) as usize;
            Some(self.byte_slice(self.word.address() + layout::slot_offset(BYTES_CONTENT), used))
        } else {
            self.string_bytes()
        }
    }

    /// The capacity of a `BYTES` object.
    pub fn bytes_capacity(self) -> Option<usize> {
        // SAFETY: all BYTES have the words in front of their content.
        self.is(layout::BYTES).then(|| unsafe { self.load_known(BYTES_CAPACITY) } as usize)
    }

    /// The address of the `Code` of a function.
    #[inline]
    pub fn code(self) -> Option<usize> {
        // SAFETY: all functions have the word of their code.
        self.word.is_function().then(|| unsafe { self.load_known(CLOSURE_CODE) } as usize)
    }

    /// How many values a function has captured.
    pub fn capture_count(self) -> usize {
        if self.word.is_function() { self.count() as usize } else { 0 }
    }

    /// Captured value `i` of a function.
    ///
    /// # Panics
    /// When there is none.
    #[inline]
    pub fn capture(self, i: usize) -> Value<'h> {
        if !self.word.is_function() {
            self.no_slot(i);
        }
        self.slot(CLOSURE_CAPTURES + i)
    }

    /// Sign (negative?) and limbs, least significant first, of a `BIG_INT`.
    pub fn big_int(self) -> Option<(bool, &'h [u64])> {
        if !self.is(layout::BIG_INT) {
            return None;
        }
        let word = self.raw(BIG_INT_SIZE);
        let limbs = (word & !(1 << 63)) as usize;
        let address = self.word.address() + layout::slot_offset(BIG_INT_LIMBS);
        // SAFETY: the limbs follow the first word, are never written again, and the object neither moves nor dies while
        // `'h` borrows the thread.
        Some((word >> 63 != 0, unsafe { std::slice::from_raw_parts(address as *const u64, limbs) }))
    }
}
