//! The compacting collector: everything moves, every time.
//!
//! Cheney's algorithm over runs of blocks: what is reached is copied to the present block; copies are scanned in turn. Large
//! objects are marked and scanned where they lie. Filled blocks wait on a stack, so that the traversal is breadth first
//! within a block and depth first between blocks, which keeps what belongs together near.
//!
//! Choose it when peak memory does not matter and to test everybody's bookkeeping: a pointer that the maps do not know is
//! stale after the next collection.

use super::{Collection, Collector, Outcome};
use crate::gc::prefetch;
use crate::gc::spaces::copy::SMALL;
use crate::gc::spaces::{BLOCK, BLOCK_SHIFT, Spaces, poison, state};
use crate::gc::trace::{self, Visitor};
use crate::object::layout::HEADER_BYTES;
use crate::object::shapes::ShapeTable;
use crate::object::word::{TAG_MASK, Word};

/// The collector; it keeps nothing between collections.
#[derive(Default)]
pub struct Compacting;

impl Collector for Compacting {
    fn name(&self) -> &'static str {
        "compacting"
    }

    unsafe fn collect(&mut self, collection: Collection<'_>) -> Outcome {
        let Collection { spaces, shapes, roots, visit_code, weak, verify, wants_ranges } = collection;
        let before = spaces.parity;
        let from_space = spaces.flip();
        let mut evacuator = Evacuator {
            base: spaces.pool.base(),
            table: spaces.pool.table(),
            shapes,
            from_copy: state::COPY | before,
            from_large: state::LARGE | before,
            cursor: 0,
            scan: 0,
            limit: 0,
            pending: Vec::new(),
            moved_bytes: 0,
            ranges: wants_ranges.then(Vec::new),
            visit_code,
            spaces,
        };
        roots(&mut |slot| evacuator.slot(slot));
        for part in 0..evacuator.spaces.permanent.filled().len() {
            let (from, to) = evacuator.spaces.permanent.filled()[part];
            // SAFETY: the space's invariant: complete objects fill its parts.
            unsafe { trace::scan_range(shapes, from, to, &mut evacuator) };
        }
        evacuator.drain();
        weak(&|address| evacuator.survivor(address));
        evacuator.spaces.leave_rest(evacuator.cursor, evacuator.limit);
        evacuator.retire();
        let outcome =
            Outcome { moved_bytes: evacuator.moved_bytes, ranges: evacuator.ranges.take().unwrap_or_default() };
        spaces.sweep_large(verify);
        for (first, count) in from_space {
            spaces.pool.give_back(first, count, verify);
        }
        outcome
    }
}

struct Evacuator<'a> {
    base: usize,
    table: *const u8,
    shapes: ShapeTable,
    from_copy: u8,
    from_large: u8,
    /// The next free byte of the present block.
    cursor: usize,
    /// Copies of the present block from here on are not yet scanned.
    scan: usize,
    /// The end of the present block.
    limit: usize,
    /// Objects that are not yet scanned: from address to address.
    pending: Vec<(usize, usize)>,
    moved_bytes: usize,
    /// Where copies lie.
    ranges: Option<Vec<(usize, usize)>>,
    visit_code: Option<&'a (dyn Fn(usize) + Send + Sync)>,
    spaces: &'a mut Spaces,
}

impl Visitor for Evacuator<'_> {
    #[inline(always)]
    fn slot(&mut self, slot: *mut u64) {
        // SAFETY: a visitor is given addresses of slots; a pointer in a slot names an object of this heap, whose address
        // lies in the pool's range; the world is stopped.
        unsafe {
            let word = *slot;
            if !Word(word).is_pointer() {
                return;
            }
            let address = (word & !TAG_MASK) as usize;
            let state = *self.table.add((address - self.base) >> BLOCK_SHIFT);
            if state == self.from_copy {
                let header = *(address as *const u64);
                let to = if header & 1 != 0 { header - 1 } else { self.copy(address, header) as u64 };
                *slot = to | word & TAG_MASK;
            } else if state == self.from_large {
                self.mark_large(address);
            }
        }
    }

    #[inline(always)]
    fn code(&mut self, address: usize) {
        if let Some(visit) = self.visit_code {
            visit(address);
        }
    }
}

impl Evacuator<'_> {
    /// Copies an object that was not yet reached and leaves its new address behind.
    ///
    /// # Safety
    /// The header is that of a complete object in from-space at this address.
    #[inline(always)]
    unsafe fn copy(&mut self, address: usize, header: u64) -> usize {
        // SAFETY: the caller's: the object has that many bytes, and so has the room that we take.
        unsafe {
            let bytes = trace::size(self.shapes, address, header);
            let mut to = self.cursor;
            if bytes > self.limit - to {
                to = self.more_room(bytes);
            } else {
                self.cursor = to + bytes;
            }
            let (source, target) = (address as *const u64, to as *mut u64);
            *target = header;
            if bytes <= 128 {
                for i in 1..bytes / 8 {
                    let word = *source.add(i);
                    *target.add(i) = word;
                    if Word(word).is_pointer() {
                        // Its header is needed soon: when the copy that names it is scanned.
                        prefetch::line(word);
                    }
                }
            } else {
                std::ptr::copy_nonoverlapping(source.add(1), target.add(1), bytes / 8 - 1);
            }
            *(address as *mut u64) = to as u64 | 1;
            to
        }
    }

    /// Room for a copy when the present block is full.
    #[cold]
    #[inline(never)]
    fn more_room(&mut self, bytes: usize) -> usize {
        if bytes > SMALL {
            let to = self.spaces.take_for_middling_copy(bytes);
            self.pending.push((to, to + bytes));
            self.moved_bytes += bytes;
            self.note(to, to + bytes);
            return to;
        }
        self.retire();
        let block = self.spaces.take_for_copies(BLOCK);
        self.scan = block;
        self.cursor = block + bytes;
        self.limit = block + BLOCK;
        block
    }

    /// The present block gets no more copies.
    fn retire(&mut self) {
        if self.scan < self.cursor {
            self.pending.push((self.scan, self.cursor));
        }
        if self.cursor != 0 {
            let start = self.limit - BLOCK;
            self.moved_bytes += self.cursor - start;
            self.note(start, self.cursor);
            if self.ranges.is_some() {
                // SAFETY: the rest of a block that copies were put into.
                unsafe { poison(self.cursor, self.limit) };
            }
        }
        self.cursor = 0;
        self.scan = 0;
        self.limit = 0;
    }

    fn note(&mut self, from: usize, to: usize) {
        if let Some(ranges) = &mut self.ranges {
            ranges.push((from, to));
        }
    }

    #[cold]
    #[inline(never)]
    fn mark_large(&mut self, address: usize) {
        if let Some(block) = self.spaces.pool.block(address) {
            self.spaces.pool.set_state(block, self.from_large ^ 1);
        }
        // SAFETY: a pointer led here, so a complete object is there.
        let bytes = unsafe { trace::size(self.shapes, address, *(address as *const u64)) };
        self.pending.push((address, address + bytes));
    }

    /// Scans copies until there are none left.
    fn drain(&mut self) {
        loop {
            while self.scan < self.cursor {
                let address = self.scan;
                // SAFETY: copies are complete objects, side by side from `scan` to `cursor`.
                let bytes = unsafe { trace::scan_object(self.shapes, address, self) };
                // When the block was retired meanwhile, this object is pending once more. That does no harm: its slots
                // lead to to-space already.
                if self.scan == address {
                    self.scan += bytes;
                }
            }
            let Some((from, to)) = self.pending.pop() else { return };
            // SAFETY: what is pending is a range of complete objects.
            unsafe { trace::scan_range(self.shapes, from, to, self) };
        }
    }

    /// Where an object is now, if it was reached.
    fn survivor(&self, address: usize) -> Option<usize> {
        let state = self.spaces.pool.state(address);
        if state == self.from_copy {
            // SAFETY: from-space is intact but for the headers.
            let header = unsafe { *(address as *const u64) };
            (header & 1 != 0).then(|| header as usize - 1)
        } else {
            (state != self.from_large).then_some(address)
        }
    }
}

const _: () = assert!(HEADER_BYTES == 8);
