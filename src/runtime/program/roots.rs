//! Permanent roots: words outside of the heap that keep values alive.
//!
//! Owns the list of root cells (bindings, constants of compiled code, singletons). A cell lives in the data part of code
//! memory, is never freed, and is updated by the collector. Reading one needs a thread, as every value does.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::asm::memory::{CodeMemory, MemoryError};
use crate::gc::{Heap, Thread, Value};
use crate::object::Word;

/// A cell that holds a value, at a fixed address within reach of code.
#[repr(transparent)]
#[derive(Debug)]
pub struct RootCell(AtomicU64);

impl RootCell {
    /// A new cell, `UNDEFINED` at first.
    pub fn new(memory: &CodeMemory, heap: &Heap) -> Result<&'static RootCell, MemoryError> {
        let block = memory.alloc_data(8, 8)?;
        // SAFETY: fresh zeroed memory of the right size and alignment that nobody frees.
        let cell: &'static RootCell = unsafe { block.cast::<RootCell>().as_ref() };
        cell.0.store(Word::UNDEFINED.0, Ordering::Release);
        register(heap, &cell.0);
        Ok(cell)
    }

    /// Ends the cell.
    ///
    /// # Safety
    /// Nobody may use it any more.
    pub(in crate::runtime) unsafe fn free(&'static self, memory: &CodeMemory, heap: &Heap) {
        heap.unregister_roots(self.address());
        // SAFETY: the caller's; the block is of `RootCell::new`.
        unsafe { free(memory, heap, NonNull::from(self)) };
    }

    /// The address that code loads from.
    pub fn address(&self) -> usize {
        self as *const RootCell as usize
    }

    /// The value; `None` while undefined.
    pub fn get<'h>(&self, cx: &'h Thread) -> Option<Value<'h>> {
        load(&self.0, cx)
    }

    /// Stores a value, if there is none: of several threads that do so at once the first decides.
    pub fn set_first(&self, cx: &Thread, value: Value<'_>) {
        cx.store_root_once(&self.0, Word::UNDEFINED, value);
    }

    /// Stores a value.
    pub fn set(&self, cx: &Thread, value: Value<'_>) {
        cx.store_root(&self.0, value);
    }
}

/// Reads a registered root cell.
pub(super) fn load<'h>(cell: &AtomicU64, cx: &'h Thread) -> Option<Value<'h>> {
    let word = Word(cell.load(Ordering::Acquire));
    if word == Word::UNDEFINED {
        return None;
    }
    // SAFETY: the cell is a root, so the word is a value of this heap; it was read just now, and `cx` is borrowed.
    Some(unsafe { Value::from_raw(cx, word) })
}

/// Gives back the block of data that was taken for a `T`, in which no word is a root any more.
///
/// # Safety
/// As of [`CodeMemory::free_data`].
pub(in crate::runtime) unsafe fn free<T>(memory: &CodeMemory, heap: &Heap, block: NonNull<T>) {
    let start = block.addr().get();
    debug_assert!(!heap.has_roots_in(start..start + size_of::<T>()), "what is freed has roots");
    // SAFETY: the caller's.
    unsafe { memory.free_data(block.cast(), size_of::<T>(), align_of::<T>()) };
}

/// Tells the heap about a cell that lives for ever.
pub(super) fn register(heap: &Heap, cell: &'static AtomicU64) {
    // SAFETY: the cell is never freed, is accessed atomically, and holds a valid word (UNDEFINED at first) at all times.
    unsafe { heap.register_roots(cell as *const AtomicU64 as usize, 1) };
}
