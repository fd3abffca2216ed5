//! The shapes of all layouts, fixed and user-defined, as one flat array that everybody may read without a lock.
//!
//! Owns the encoding of a shape in 32 bits and the computation of an object's size and of its tagged words. Must not know
//! where objects lie.
//!
//! Invariant: an entry is written once, before its layout id is handed out, and never changes.

use std::sync::atomic::{AtomicU32, Ordering};

use super::layout::{
    self, ARRAY_ELEMENTS, BIG_INT_LIMBS, BYTES_CONTENT, CLOSURE_CAPTURES, FIRST_USER_LAYOUT, LayoutId, PREFIX_WORDS,
    STRING_BASE, STRING_BYTES, Shape,
};
use crate::locks::{Mutex, lock};

/// How many layouts there can be.
pub const MAX_LAYOUTS: usize = 1 << 22;
/// How many slots a user layout can have.
pub const MAX_SLOTS: u32 = 1 << 20;

const KIND_BITS: u32 = 4;
const NONE: u32 = 0;
const SLOTS: u32 = 1;
const RAW: u32 = 2;
const ARRAY: u32 = 3;
const CLOSURE: u32 = 4;
const STRING: u32 = 5;
const PREFIX: u32 = 6;
const BYTES: u32 = 7;
const BIG_INT: u32 = 8;

const fn encode(shape: Shape) -> u32 {
    match shape {
        Shape::None => NONE,
        Shape::Slots(n) => SLOTS | n << KIND_BITS,
        Shape::Raw(n) => RAW | n << KIND_BITS,
        Shape::Array => ARRAY,
        Shape::Closure => CLOSURE,
        Shape::String => STRING,
        Shape::Prefix => PREFIX,
        Shape::Bytes => BYTES,
        Shape::BigInt => BIG_INT,
    }
}

const fn decode(code: u32) -> Shape {
    let n = code >> KIND_BITS;
    match code & ((1 << KIND_BITS) - 1) {
        SLOTS => Shape::Slots(n),
        RAW => Shape::Raw(n),
        ARRAY => Shape::Array,
        CLOSURE => Shape::Closure,
        STRING => Shape::String,
        PREFIX => Shape::Prefix,
        BYTES => Shape::Bytes,
        BIG_INT => Shape::BigInt,
        _ => Shape::None,
    }
}

/// The table. Memory that no layout uses is never touched.
pub struct Shapes {
    entries: memmap2::MmapMut,
    next: Mutex<LayoutId>,
}

impl Shapes {
    /// A table with the fixed layouts.
    pub fn new() -> std::io::Result<Shapes> {
        let entries = memmap2::MmapOptions::new().len(MAX_LAYOUTS * 4).no_reserve_swap().map_anon()?;
        let shapes = Shapes { entries, next: Mutex::new(FIRST_USER_LAYOUT) };
        for &(id, _, shape) in layout::FIXED {
            shapes.cell(id as usize).store(encode(shape), Ordering::Relaxed);
        }
        Ok(shapes)
    }

    fn cell(&self, index: usize) -> &AtomicU32 {
        assert!(index < MAX_LAYOUTS);
        // SAFETY: within the mapping, which lives as long as `self`, is aligned to pages and is only accessed through
        // atomics.
        unsafe { &*(self.entries.as_ptr() as *const AtomicU32).add(index) }
    }

    /// A new layout with this many tagged slots; none when the table is full or the layout too large.
    pub fn register(&self, slots: u32) -> Option<LayoutId> {
        let mut next = lock(&self.next);
        if *next as usize >= MAX_LAYOUTS || slots > MAX_SLOTS {
            return None;
        }
        let id = *next;
        *next += 1;
        self.cell(id as usize).store(encode(Shape::Slots(slots)), Ordering::Release);
        Some(id)
    }

    /// The shape of a layout; [`Shape::None`] when there is no such layout.
    #[inline]
    pub fn shape(&self, id: LayoutId) -> Shape {
        self.code(id).shape()
    }

    /// The same as it stands in the table.
    #[inline]
    pub fn code(&self, id: LayoutId) -> ShapeCode {
        if id as usize >= MAX_LAYOUTS {
            ShapeCode(NONE)
        } else {
            ShapeCode(self.cell(id as usize).load(Ordering::Relaxed))
        }
    }
}

/// A shape as the table holds it.
#[derive(Clone, Copy)]
pub struct ShapeCode(u32);

impl ShapeCode {
    /// How many slots there are, when there is nothing else.
    #[inline(always)]
    pub fn slots(self) -> Option<usize> {
        if self.0 & ((1 << KIND_BITS) - 1) == SLOTS { Some((self.0 >> KIND_BITS) as usize) } else { None }
    }

    /// How many words there are, when that is known without a look at the object, and all are alike.
    #[inline(always)]
    pub fn fixed_words(self) -> Option<usize> {
        const { assert!(SLOTS == 1 && RAW == 2) };
        let kind = self.0 & ((1 << KIND_BITS) - 1);
        if kind.wrapping_sub(SLOTS) < 2 { Some((self.0 >> KIND_BITS) as usize) } else { None }
    }

    /// Is it that of functions?
    #[inline(always)]
    pub fn is_closure(self) -> bool {
        self.0 == CLOSURE
    }

    /// Is it that of arrays and of what is made like them?
    #[inline(always)]
    pub fn is_array(self) -> bool {
        self.0 == ARRAY
    }

    /// The shape.
    #[inline(always)]
    pub fn shape(self) -> Shape {
        decode(self.0)
    }
}

/// The table as a collector reads it while the world is stopped: without checks.
#[derive(Clone, Copy)]
pub struct ShapeTable(*const AtomicU32);

impl ShapeTable {
    /// The shape of a layout of the table.
    ///
    /// # Safety
    /// The layout must come from the header of an object of this heap.
    #[inline(always)]
    pub unsafe fn code(self, id: LayoutId) -> ShapeCode {
        // SAFETY: the caller's: such a layout is less than `MAX_LAYOUTS`.
        ShapeCode(unsafe { &*self.0.add(id as usize) }.load(Ordering::Relaxed))
    }
}

impl Shapes {
    /// The table for a collector.
    pub fn table(&self) -> ShapeTable {
        ShapeTable(self.entries.as_ptr() as *const AtomicU32)
    }
}

/// The words of an object after its header, and which of them are tagged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// Words after the header.
    pub words: usize,
    /// The first tagged word.
    pub tagged_from: usize,
    /// The word after the last tagged one.
    pub tagged_to: usize,
}

/// The extent of an object: `word0` is its first word after the header (if the shape has one).
#[inline]
pub fn extent(shape: Shape, header: u64, word0: impl FnOnce() -> u64) -> Extent {
    let raw = |words| Extent { words, tagged_from: 0, tagged_to: 0 };
    match shape {
        Shape::None => raw(0),
        Shape::Slots(n) => Extent { words: n as usize, tagged_from: 0, tagged_to: n as usize },
        Shape::Raw(n) => raw(n as usize),
        Shape::Array => {
            let len = (word0() >> super::word::INT_SHIFT) as usize;
            Extent { words: ARRAY_ELEMENTS + len, tagged_from: ARRAY_ELEMENTS, tagged_to: ARRAY_ELEMENTS + len }
        }
        Shape::Closure => {
            let n = layout::header_count(header) as usize;
            Extent { words: CLOSURE_CAPTURES + n, tagged_from: CLOSURE_CAPTURES, tagged_to: CLOSURE_CAPTURES + n }
        }
        Shape::String => raw(STRING_BYTES + (word0() as u32 as usize).div_ceil(8)),
        Shape::Prefix => Extent { words: PREFIX_WORDS, tagged_from: STRING_BASE, tagged_to: PREFIX_WORDS },
        Shape::Bytes => raw(BYTES_CONTENT + (word0() as usize).div_ceil(8)),
        Shape::BigInt => raw(BIG_INT_LIMBS + (word0() & !(1 << 63)) as usize),
    }
}
