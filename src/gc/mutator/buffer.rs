//! The allocation buffer (TLAB) of a thread.
//!
//! Owns which part of it is in use. Where buffers come from is the heap's.
//!
//! Invariant: `cursor` and `limit` lie within `start..=end`, or all are 0; a limit below the end hides the rest from generated code, which
//! then asks for each object.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::gc::spaces::BLOCK;
use crate::object::word::Word;

/// So many NODEs with room behind them a thread knows; a power of two.
pub const ROOMS: usize = 4;

/// A number that its thread alone changes, and generated code for it; others may look at it.
#[repr(transparent)]
#[derive(Default)]
pub(in crate::gc) struct Shown(AtomicUsize);

impl Shown {
    #[inline]
    pub(in crate::gc) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(in crate::gc) fn set(&self, number: usize) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// Gives it, and makes it 0.
    #[inline]
    pub(in crate::gc) fn take(&self) -> usize {
        let number = self.get();
        self.set(0);
        number
    }
}

/// The buffer. Generated code changes `cursor`, and reads `limit` and `rooms`.
#[repr(C)]
pub struct Buffer {
    /// The next free byte.
    pub(in crate::gc) cursor: Shown,
    /// The end, for generated code.
    pub(in crate::gc) limit: Cell<usize>,
    /// See [`Thread::room`](super::thread::Thread::room).
    pub(in crate::gc) rooms: [Cell<Word>; ROOMS],
    /// Where it starts.
    pub(in crate::gc) start: Shown,
    /// Its end, also when `limit` hides it from generated code.
    pub(in crate::gc) end: Cell<usize>,
    /// Bytes allocated in buffers that were given up since this was taken last.
    pub(in crate::gc) retired: Shown,
}

impl Buffer {
    /// None yet.
    pub(in crate::gc) fn new() -> Buffer {
        Buffer {
            cursor: Shown::default(),
            limit: Cell::new(0),
            rooms: std::array::from_fn(|_| Cell::new(Word::NULL)),
            start: Shown::default(),
            end: Cell::new(0),
            retired: Shown::default(),
        }
    }

    /// Bytes that are in use.
    pub(in crate::gc) fn used(&self) -> usize {
        self.cursor.get() - self.start.get()
    }

    /// Bytes that are not yet in use.
    pub(in crate::gc) fn rest(&self) -> usize {
        self.end.get() - self.cursor.get()
    }

    /// Bytes that generated code may still take.
    #[inline]
    pub(in crate::gc) fn free(&self) -> usize {
        self.limit.get().saturating_sub(self.cursor.get())
    }

    /// Gives it up, and what is remembered of where objects are.
    pub(in crate::gc) fn retire(&self) {
        self.rooms.iter().for_each(|room| room.set(Word::NULL));
        self.retired.set(self.retired.get() + self.used());
        self.cursor.set(0);
        self.limit.set(0);
        self.start.set(0);
        self.end.set(0);
    }

    /// Bytes that were allocated and not told, as another thread sees them: what this one has got in the midst of a change is not counted.
    pub(in crate::gc) fn untold(&self) -> usize {
        let (start, cursor) = (self.start.get(), self.cursor.get());
        let used = cursor.checked_sub(start).filter(|used| *used <= BLOCK && self.start.get() == start);
        self.retired.get() + used.unwrap_or(0)
    }
}
