//! Inline caches of field access.
//!
//! Owns the layout of the data cell of a site. Generated code loads `cache` (one word, so that layout and displacement always
//! belong together), compares its low half with the low half of the object's header, and uses the high half as the
//! displacement of the field from the tagged pointer; a miss calls the helper `get_field` or `set_field` with the address of
//! the site, which fills it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::asm::memory::{CodeMemory, MemoryError};
use crate::object::layout::{self, LayoutId};

/// The cell of one site. Lives in the data part.
#[repr(C)]
#[derive(Debug)]
pub struct FieldSite {
    cache: AtomicU64,
    name: &'static str,
}

/// Offset of the cache word.
pub const SITE_CACHE: i32 = 0;

impl FieldSite {
    /// A new site for accesses to `name`.
    pub fn new(memory: &CodeMemory, name: &'static str) -> Result<&'static FieldSite, MemoryError> {
        let block = memory.alloc_data(size_of::<FieldSite>(), align_of::<FieldSite>())?.cast::<FieldSite>();
        // SAFETY: fresh memory of the right size and alignment that nobody frees while code refers to it.
        unsafe {
            block.write(FieldSite { cache: AtomicU64::new(0), name });
            Ok(block.as_ref())
        }
    }

    /// The site at an address embedded in code.
    ///
    /// # Safety
    /// The address came from [`FieldSite::address`].
    pub unsafe fn at(address: usize) -> &'static FieldSite {
        // SAFETY: the caller's; a site lives as long as the code that refers to it.
        unsafe { &*(address as *const FieldSite) }
    }

    /// Its address.
    pub fn address(&self) -> usize {
        self as *const FieldSite as usize
    }

    /// The name of the field.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Forgets what it remembers.
    pub fn clear(&self) {
        self.cache.store(0, Ordering::Release);
    }

    /// Remembers that objects of this layout have the field in this slot.
    pub fn fill(&self, layout: LayoutId, slot: usize) {
        let cache = layout::header_low(layout) as u64 | (layout::slot_disp(slot) as u32 as u64) << 32;
        self.cache.store(cache, Ordering::Release);
    }
}
