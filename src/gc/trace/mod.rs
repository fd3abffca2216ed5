//! The tracing loop: which words of an object are slots.
//!
//! Owns the walk over one object and over a run of objects side by side. Every collector, the verifier and the permanent
//! space use it; what is done with a slot is the visitor's.

pub mod extent;
pub mod prefetch;
pub(in crate::gc) mod roots;
pub(in crate::gc) mod verify;
pub mod walker;
pub mod weak;

use crate::object::layout::{self, HEADER_BYTES};
use crate::object::shapes::{self, ShapeTable};

/// What a walk does with what it finds.
pub trait Visitor {
    /// A slot: an address that holds a tagged word.
    fn slot(&mut self, slot: *mut u64);
    /// The `Code` of a function.
    fn code(&mut self, address: usize);
}

/// Visits the slots of an object and returns its size in bytes.
///
/// # Safety
/// A complete object must start at the address, and nobody else may write to it meanwhile.
#[inline(always)]
pub unsafe fn scan_object(shapes: ShapeTable, address: usize, visitor: &mut impl Visitor) -> usize {
    // SAFETY: the caller's: the object is complete, so it has what its header says.
    unsafe {
        let header = *(address as *const u64);
        let code = shapes.code(layout::header_layout(header));
        let first = (address + HEADER_BYTES) as *mut u64;
        if let Some(slots) = code.slots() {
            for i in 0..slots {
                visitor.slot(first.add(i));
            }
            return HEADER_BYTES + 8 * slots;
        }
        if code.is_closure() {
            visitor.code(*first as usize);
        }
        let extent = shapes::extent(code.shape(), header, || *first);
        for i in extent.tagged_from..extent.tagged_to {
            visitor.slot(first.add(i));
        }
        HEADER_BYTES + 8 * extent.words
    }
}

/// The size of an object in bytes.
///
/// # Safety
/// As for [`scan_object`].
#[inline(always)]
pub unsafe fn size(shapes: ShapeTable, address: usize, header: u64) -> usize {
    // SAFETY: the caller's: the header is that of an object.
    let code = unsafe { shapes.code(layout::header_layout(header)) };
    if let Some(slots) = code.slots() {
        return HEADER_BYTES + 8 * slots;
    }
    // SAFETY: the caller's; the first word is read only when the shape has one.
    let extent = shapes::extent(code.shape(), header, || unsafe { *((address + HEADER_BYTES) as *const u64) });
    HEADER_BYTES + 8 * extent.words
}

/// Visits the slots of all objects that lie side by side between two addresses.
///
/// # Safety
/// Complete objects must fill the range.
pub unsafe fn scan_range(shapes: ShapeTable, from: usize, to: usize, visitor: &mut impl Visitor) {
    let mut address = from;
    while address < to {
        // SAFETY: the caller's.
        address += unsafe { scan_object(shapes, address, visitor) };
    }
}
