//! Copying what is reached: Cheney's algorithm over runs of blocks.
//!
//! Owns the copying loop that plans share. What is reached is copied to the present block of the generation where it goes; copies are
//! scanned in turn. Large objects are marked and scanned where they lie. Filled blocks wait on a stack, so that the traversal is
//! breadth first within a block and depth first between blocks, which keeps what belongs together near.
//!
//! Invariant: the state of an object's block alone says what becomes of it ([`Actions`]), so nothing is asked of the object
//! itself but whether it has been copied.

use std::sync::atomic::Ordering;

use super::Places;
use crate::gc::prefetch;
use crate::gc::spaces::copy::SMALL;
use crate::gc::spaces::{BLOCK, BLOCK_SHIFT, Generation, Spaces, poison, state};
use crate::gc::trace::{self, Visitor};
use crate::object::layout::{self, HEADER_BYTES, LISTED, OLD, TENURED};
use crate::object::shapes::{self, ShapeTable};
use crate::object::word::{TAG_MASK, Word};

/// It is copied to the old generation, or to the only one.
pub const TO_OLD: u8 = 0;
/// It is copied to where what has survived once is.
pub const TO_AGED: u8 = 1;
/// It stays where it is, and nothing more is to be done.
pub const STAYS: u8 = 2;
/// It is large: it is marked.
pub const MARKED: u8 = 3;
/// Besides [`TO_OLD`], of what is to be scanned: it is one object, which is larger than [`SMALL`].
const ONE_BIG: u8 = 4;

/// What becomes of an object, by the state of its block.
pub type Actions = [u8; state::STATES];

/// Where copies of one kind go.
#[derive(Default)]
pub struct Target {
    /// Where the part of the present block begins that this collection fills.
    start: usize,
    /// The next free byte of the present block.
    pub cursor: usize,
    /// Copies of the present block from here on are not yet scanned.
    scan: usize,
    /// The end of the present block.
    pub limit: usize,
    /// Where copies lie side by side, from address to address.
    pub ranges: Vec<(usize, usize)>,
}

impl Target {
    /// One that goes on where another has ended.
    pub fn from(cursor: usize, limit: usize) -> Target {
        Target { start: cursor, cursor, scan: cursor, limit, ranges: Vec::new() }
    }

    fn note(&mut self, from: usize, to: usize) {
        match self.ranges.last_mut() {
            Some(last) if last.1 == from => last.1 = to,
            _ if from < to => self.ranges.push((from, to)),
            _ => {}
        }
    }
}

/// A collection that copies.
pub struct Evacuator<'a> {
    base: usize,
    table: *const u8,
    shapes: ShapeTable,
    actions: Actions,
    /// By [`TO_OLD`] and [`TO_AGED`].
    pub targets: [Target; 2],
    /// In the headers of copies that become old.
    old_flags: u64,
    /// Did a slot lead to what is young still? Set by what is scanned, and asked by who scans.
    young: u8,
    /// Objects that are not yet scanned: from address to address, and whose copies they are.
    pending: Vec<(usize, usize, u8)>,
    /// Bytes copied.
    pub moved_bytes: usize,
    /// Bytes of old objects that were looked at because they were stored to.
    pub looked_at: usize,
    /// Old objects that lead to young ones.
    pub remembered: Vec<usize>,
    /// Where the cards are, when stores are remembered.
    places: Option<&'a Places>,
    verify: bool,
    visit_code: Option<&'a (dyn Fn(usize) + Send + Sync)>,
    /// The spaces.
    pub spaces: &'a mut Spaces,
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
            let action = self.actions[state as usize % state::STATES];
            if action <= TO_AGED {
                let header = *(address as *const u64);
                let to = if header & 1 != 0 { header - 1 } else { self.copy(address, header, action) as u64 };
                *slot = to | word & TAG_MASK;
                self.young |= action;
            } else if action == MARKED {
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

impl<'a> Evacuator<'a> {
    /// A collection that does this. With `places` stores into old objects are remembered.
    pub fn new(
        spaces: &'a mut Spaces,
        shapes: ShapeTable,
        actions: Actions,
        places: Option<&'a Places>,
        visit_code: Option<&'a (dyn Fn(usize) + Send + Sync)>,
        verify: bool,
    ) -> Evacuator<'a> {
        Evacuator {
            base: spaces.pool.base(),
            table: spaces.pool.table(),
            shapes,
            actions,
            targets: Default::default(),
            old_flags: if places.is_some() { OLD | TENURED } else { 0 },
            young: 0,
            pending: Vec::new(),
            moved_bytes: 0,
            looked_at: 0,
            remembered: Vec::new(),
            places,
            verify,
            visit_code,
            spaces,
        }
    }

    /// Does what was scanned since this was asked last lead to something young?
    #[inline(always)]
    pub fn take_young(&mut self) -> bool {
        std::mem::take(&mut self.young) != 0
    }

    /// Visits the slots of all permanent objects.
    ///
    /// # Safety
    /// The world is stopped.
    pub unsafe fn permanent(&mut self) {
        for part in 0..self.spaces.permanent.filled().len() {
            let (from, to) = self.spaces.permanent.filled()[part];
            // SAFETY: the space's invariant: complete objects fill its parts.
            unsafe { trace::scan_range(self.shapes, from, to, self) };
        }
    }

    /// Copies an object that was not yet reached and leaves its new address behind.
    ///
    /// # Safety
    /// The header is that of a complete object in from-space at this address; the action is [`TO_OLD`] or [`TO_AGED`].
    #[inline(always)]
    unsafe fn copy(&mut self, address: usize, header: u64, action: u8) -> usize {
        // SAFETY: the caller's: the object has that many bytes, and so has the room that we take.
        unsafe {
            let bytes = trace::size(self.shapes, address, header);
            let target = &mut self.targets[action as usize];
            let mut to = target.cursor;
            // What is big is by itself in any case: it is scanned by cards.
            if bytes > (target.limit - to).min(SMALL) {
                to = self.more_room(bytes, action);
            } else {
                target.cursor = to + bytes;
            }
            let (source, target) = (address as *const u64, to as *mut u64);
            *target = if action == TO_OLD { header | self.old_flags } else { header };
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
    fn more_room(&mut self, bytes: usize, action: u8) -> usize {
        if bytes > SMALL {
            // What is big is old at once: it is not copied twice.
            let action = if self.places.is_some() { TO_OLD } else { action };
            let generation = generation(action);
            let to = self.spaces.take_for_middling_copy(generation, bytes);
            self.pending.push((to, to + bytes, action | ONE_BIG));
            self.moved_bytes += bytes;
            self.targets[action as usize].note(to, to + bytes);
            return to;
        }
        self.retire(action);
        let block = self.spaces.take_for_copies(generation(action), BLOCK);
        let target = &mut self.targets[action as usize];
        target.start = block;
        target.scan = block;
        target.cursor = block + bytes;
        target.limit = block + BLOCK;
        block
    }

    /// The present block gets no more copies in this collection.
    pub fn retire(&mut self, action: u8) {
        let target = &mut self.targets[action as usize];
        if target.scan < target.cursor {
            self.pending.push((target.scan, target.cursor, action));
        }
        self.moved_bytes += target.cursor - target.start;
        target.note(target.start, target.cursor);
        if self.verify && target.limit > 0 {
            // SAFETY: the rest of a block that copies were put into.
            unsafe { poison(target.cursor, target.limit) };
        }
        target.start = target.cursor;
        target.scan = target.cursor;
    }

    #[cold]
    #[inline(never)]
    fn mark_large(&mut self, address: usize) {
        if let Some(block) = self.spaces.pool.block(address) {
            let marked = state::LARGE | self.spaces.parity;
            self.spaces.pool.set_state(block, marked);
        }
        // SAFETY: a pointer led here, so a complete object is there.
        let bytes = unsafe { trace::size(self.shapes, address, *(address as *const u64)) };
        self.pending.push((address, address + bytes, TO_OLD | ONE_BIG));
    }

    /// Scans copies until there are none left.
    pub fn drain(&mut self) {
        // What roots lead to is nobody's.
        self.take_young();
        loop {
            self.drain_target(TO_OLD);
            self.drain_target(TO_AGED);
            if self.targets[TO_OLD as usize].scan < self.targets[TO_OLD as usize].cursor {
                continue;
            }
            let Some((from, to, action)) = self.pending.pop() else { return };
            if action == TO_OLD | ONE_BIG
                && let Some(places) = self.places
            {
                // SAFETY: what is pending are complete objects.
                unsafe { self.scan_big(places, from, true) };
                continue;
            }
            let (mut address, action) = (from, action & !ONE_BIG);
            while address < to {
                // SAFETY: what is pending is a range of complete objects.
                address += unsafe { self.scan_copy(address, action) };
            }
        }
    }

    /// Scans the present block of a target.
    #[inline(always)]
    fn drain_target(&mut self, action: u8) {
        while self.targets[action as usize].scan < self.targets[action as usize].cursor {
            let address = self.targets[action as usize].scan;
            // SAFETY: copies are complete objects, side by side from `scan` to `cursor`.
            let bytes = unsafe { self.scan_copy(address, action) };
            // When the block was retired meanwhile, this object is pending once more. That does no harm: its slots lead to
            // to-space already.
            let target = &mut self.targets[action as usize];
            if target.scan == address {
                target.scan += bytes;
            }
        }
    }

    /// Visits the slots of a copy; an old one that leads to what is young is remembered.
    ///
    /// # Safety
    /// A complete object is at the address.
    #[inline(always)]
    unsafe fn scan_copy(&mut self, address: usize, action: u8) -> usize {
        // SAFETY: the caller's.
        unsafe {
            let bytes = trace::scan_object(self.shapes, address, self);
            if self.take_young() && action == TO_OLD {
                self.remember(address);
            }
            bytes
        }
    }

    /// An old object leads to something young.
    ///
    /// # Safety
    /// A complete object is at the address.
    unsafe fn remember(&mut self, address: usize) {
        // SAFETY: the caller's: an object begins with its header.
        let header = unsafe { &mut *(address as *mut u64) };
        if *header & OLD != 0 {
            *header &= !OLD;
            self.remembered.push(address);
        }
    }

    /// Visits the slots of an old object that was remembered; if it leads to something young, it is remembered again.
    ///
    /// # Safety
    /// A complete object is at the address, with the flag [`OLD`].
    pub unsafe fn scan_old(&mut self, address: usize) {
        self.take_young();
        // SAFETY: the caller's.
        self.looked_at += unsafe { self.scan_copy(address, TO_OLD) };
    }

    /// Visits the slots of an old object that is big: those on marked cards, or all of them. Cards that lead to something young
    /// are marked afterwards, and no others.
    ///
    /// # Safety
    /// A complete object is at the address.
    pub unsafe fn scan_big(&mut self, places: &Places, address: usize, all: bool) {
        // SAFETY: the caller's: an object begins with its header, and the words are those that it says.
        unsafe {
            let header = &mut *(address as *mut u64);
            let first = (address + HEADER_BYTES) as *const u64;
            let code = self.shapes.code(layout::header_layout(*header));
            if code.is_closure() {
                self.code(*first as usize);
            }
            let extent = shapes::extent(code.shape(), *header, || *first);
            let mut at = address + layout::slot_offset(extent.tagged_from);
            let end = address + layout::slot_offset(extent.tagged_to);
            let mut listed = false;
            while at < end {
                let next = places.next_card(at).min(end);
                let card = places.card(at);
                if all || card.load(Ordering::Relaxed) != 0 {
                    self.take_young();
                    for slot in (at..next).step_by(HEADER_BYTES) {
                        self.slot(slot as *mut u64);
                    }
                    let young = self.take_young();
                    card.store(u8::from(young), Ordering::Relaxed);
                    listed |= young;
                    self.looked_at += next - at;
                }
                at = next;
            }
            *header = *header & !LISTED | self.old_flags;
            if listed {
                *header |= LISTED;
                self.remembered.push(address);
            }
        }
    }

    /// Where an object is now, if it was reached.
    pub fn survivor(&self, address: usize) -> Option<usize> {
        let state = self.spaces.pool.state(address);
        match self.actions[state as usize % state::STATES] {
            TO_OLD | TO_AGED => {
                // SAFETY: from-space is intact but for the headers.
                let header = unsafe { *(address as *const u64) };
                (header & 1 != 0).then(|| header as usize - 1)
            }
            MARKED => None,
            _ => Some(address),
        }
    }
}

fn generation(action: u8) -> Generation {
    if action == TO_AGED { Generation::Aged } else { Generation::Old }
}

const _: () = assert!(HEADER_BYTES == 8);
