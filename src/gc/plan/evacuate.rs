//! What becomes of what is reached: it is copied, or marked where it lies.
//!
//! Owns the loop that plans share. Copies go to the present run of their target and are scanned in turn (Cheney); filled runs wait on a
//! stack, so that the traversal is breadth first within a run and depth first between runs, which keeps what belongs together near.
//! What is marked goes through a short queue, in which its header is fetched before it is needed (Cher, Hosking, Vitek,
//! "Software prefetching for mark-sweep garbage collection", 2004).
//!
//! Invariant: the state of an object's block alone says what becomes of it ([`Actions`]), so nothing is asked of the object
//! itself but whether it has been copied.

use std::sync::atomic::Ordering;

use super::{Collection, Outcome, Places, Survivors};
use crate::gc::spaces::copy::SMALL;
use crate::gc::spaces::{BLOCK_SHIFT, CARD_SHIFT, Generation, LINE_SHIFT, Moves, Spaces, poison, state};
use crate::gc::trace::prefetch;
use crate::gc::trace::roots::Which;
use crate::gc::trace::{self, Visitor};
use crate::object::layout::{self, HEADER_BYTES, LISTED, OLD};
use crate::object::shapes::{self, ShapeTable};
use crate::object::word::{TAG_MASK, Word};

/// It is copied to the old space.
pub const TO_OLD: u8 = 0;
/// It is copied to where what has survived once is.
pub const TO_AGED: u8 = 1;
/// It stays where it is, and nothing more is to be done.
pub const STAYS: u8 = 2;
/// It is marked where it lies.
pub const MARKED: u8 = 3;
/// Besides [`TO_OLD`], of what is to be scanned: it is one object, which is larger than [`SMALL`].
const ONE_BIG: u8 = 4;
/// So many marked objects are on their way from memory.
const QUEUE: usize = 8;
/// So many marked objects may wait before a big one is looked at any further: a long array leads to as many as it has elements.
const MANY_WAIT: usize = 4096;

/// What becomes of an object, by the state of its block.
pub type Actions = [u8; state::STATES];

/// Where copies of one kind go.
#[derive(Default)]
pub struct Target {
    /// Where the present run begins.
    start: usize,
    /// The next free byte of the present run.
    cursor: usize,
    /// Copies of the present run from here on are not yet scanned.
    scan: usize,
    /// The end of the present run.
    limit: usize,
    /// Bytes copied to runs that are done.
    bytes: usize,
}

/// A collection.
pub struct Evacuator<'a> {
    base: usize,
    table: *const u8,
    marks: *mut u64,
    lines: *mut u8,
    shapes: ShapeTable,
    actions: Actions,
    /// By [`TO_OLD`] and [`TO_AGED`].
    targets: [Target; 2],
    /// Where what has survived once lies side by side.
    aged: Vec<(usize, usize)>,
    /// In the headers of what becomes old.
    old_flags: u64,
    /// Did a slot lead to what is young still? Set by what is scanned, and asked by who scans.
    young: u8,
    /// Objects that are not yet scanned: from address to address, and whose copies they are.
    pending: Vec<(usize, usize, u8)>,
    /// Objects that are marked and not yet scanned.
    marked: Vec<usize>,
    /// Those of them that are about to be: a ring.
    queue: [usize; QUEUE],
    next: usize,
    /// Bytes that were marked.
    marked_bytes: usize,
    /// Bytes of old objects that were looked at because they were stored to.
    looked_at: usize,
    /// Old objects that lead to young ones.
    remembered: Vec<usize>,
    /// Where the cards are, when stores are remembered.
    places: Option<&'a Places>,
    /// Objects that are reached are noted …
    notes: bool,
    /// … here, by the addresses that they had.
    noted: Vec<usize>,
    everything: bool,
    verify: bool,
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
            let action = self.actions[state as usize % state::STATES];
            if action <= TO_AGED {
                let header = *(address as *const u64);
                let to = if header & 1 != 0 { header - 1 } else { self.copy(address, header, action) as u64 };
                *slot = to | word & TAG_MASK;
                self.young |= action;
            } else if action == MARKED && self.mark(address) {
                self.marked.push(address);
                self.note(address);
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
    /// A collection that does this, of everything or of what is young. With `places` stores into old objects are remembered.
    pub fn new(
        spaces: &'a mut Spaces,
        shapes: ShapeTable,
        actions: Actions,
        places: Option<&'a Places>,
        visit_code: Option<&'a (dyn Fn(usize) + Send + Sync)>,
        (everything, verify): (bool, bool),
    ) -> Evacuator<'a> {
        Evacuator {
            base: spaces.pool.base(),
            table: spaces.pool.table(),
            marks: spaces.pool.marks(),
            lines: spaces.pool.lines(),
            shapes,
            actions,
            targets: Default::default(),
            aged: Vec::new(),
            old_flags: if places.is_some() { OLD } else { 0 },
            young: 0,
            pending: Vec::new(),
            marked: Vec::new(),
            queue: [0; QUEUE],
            next: 0,
            marked_bytes: 0,
            looked_at: 0,
            remembered: Vec::new(),
            places,
            notes: false,
            noted: Vec::new(),
            everything,
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

    /// Visits the slots of those permanent objects that were made since this was done last. From then on they are like old objects:
    /// those that lead to something young are remembered, as others are when they are stored to.
    ///
    /// # Safety
    /// The world is stopped.
    pub unsafe fn new_permanent(&mut self) {
        for (from, to) in self.spaces.permanent.take_new() {
            let mut address = from;
            while address < to {
                // SAFETY: the space's invariant: complete objects fill its parts, and begin with their headers.
                unsafe {
                    *(address as *mut u64) |= self.old_flags;
                    address += self.scan_copy(address, TO_OLD);
                }
            }
        }
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
            *target = header;
            if action == TO_OLD {
                *target |= self.old_flags;
                self.mark(to);
            }
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
            self.note(address);
            to
        }
    }

    /// Notes an object that has been reached, where somebody asks.
    #[inline(always)]
    fn note(&mut self, address: usize) {
        if self.notes {
            self.noted.push(address);
        }
    }

    /// Room for a copy when the present run is full.
    #[cold]
    #[inline(never)]
    fn more_room(&mut self, bytes: usize, action: u8) -> usize {
        if bytes > SMALL {
            // What is big is old at once: it is not copied twice.
            let to = self.spaces.old_place_for_copy(bytes);
            self.pending.push((to, to + bytes, TO_OLD | ONE_BIG));
            self.targets[TO_OLD as usize].bytes += bytes;
            // SAFETY: room for an object of the old space.
            unsafe {
                self.mark(to);
                self.note_lines(to, to + bytes);
            }
            return to;
        }
        self.retire(action);
        let (from, to) = match action {
            TO_AGED => self.spaces.aged_block_for_copies(),
            _ => self.spaces.old_buffer_for_copies(bytes),
        };
        let target = &mut self.targets[action as usize];
        (target.start, target.scan, target.cursor, target.limit) = (from, from, from + bytes, to);
        from
    }

    /// The present run gets no more copies in this collection.
    fn retire(&mut self, action: u8) {
        let target = &mut self.targets[action as usize];
        let Target { start, cursor, scan, limit, .. } = *target;
        *target = Target { bytes: target.bytes + cursor - start, ..Target::default() };
        if scan < cursor {
            self.pending.push((scan, cursor, action));
        }
        if limit == 0 {
            return;
        }
        if action == TO_AGED {
            self.aged.push((start, cursor));
        } else {
            // SAFETY: a part of a block of the old space.
            unsafe { self.note_lines(start, cursor) };
            self.spaces.old.give(cursor, limit);
        }
        if self.verify {
            // SAFETY: the rest of a run that copies were put into.
            unsafe { poison(cursor, limit) };
        }
    }

    /// Sets the mark of an object; was there none?
    ///
    /// # Safety
    /// The address is that of an object in a block.
    #[inline(always)]
    unsafe fn mark(&mut self, address: usize) -> bool {
        let place = (address - self.base) / HEADER_BYTES;
        // SAFETY: the caller's: the table has a bit for each word of a block in use.
        let marks = unsafe { &mut *self.marks.add(place / 64) };
        let mark = 1 << (place % 64);
        let is_new = *marks & mark == 0;
        *marks |= mark;
        is_new
    }

    /// Notes that there is something between these addresses, if everything is collected.
    ///
    /// # Safety
    /// They are of an object of the old space, or of several side by side.
    #[inline(always)]
    unsafe fn note_lines(&mut self, from: usize, to: usize) {
        if self.everything && from < to {
            for line in (from - self.base) >> LINE_SHIFT..=(to - 1 - self.base) >> LINE_SHIFT {
                // SAFETY: the caller's: the table has a byte for each line of a block in use.
                unsafe { *self.lines.add(line) = 1 };
            }
        }
    }

    /// The next object that is marked and not scanned.
    #[inline(always)]
    fn next_marked(&mut self) -> Option<usize> {
        // What is popped takes the place of what has waited longest.
        for _ in 0..=QUEUE {
            let fetched = self.marked.pop();
            let address = fetched.unwrap_or(0);
            prefetch::line(address as u64);
            let waited = std::mem::replace(&mut self.queue[self.next], address);
            self.next = (self.next + 1) % QUEUE;
            if waited != 0 {
                return Some(waited);
            }
        }
        None
    }

    /// Scans what is marked, but for what is big: that is put off. Was there any?
    fn drain_marked(&mut self) -> bool {
        let mut some = false;
        while let Some(address) = self.next_marked() {
            some = true;
            // SAFETY: a pointer led here, so a complete object is there; it is old, if it is not large.
            unsafe {
                let bytes = trace::size(self.shapes, address, *(address as *const u64));
                self.marked_bytes += bytes;
                if bytes > SMALL {
                    self.pending.push((address, address + bytes, TO_OLD | ONE_BIG));
                    if *self.table.add((address - self.base) >> BLOCK_SHIFT) == state::OLD {
                        self.note_lines(address, address + bytes);
                    }
                } else {
                    self.note_lines(address, address + bytes);
                    self.scan_copy(address, TO_OLD);
                }
            }
        }
        some
    }

    /// Scans what is copied or marked until there is nothing left.
    pub fn drain(&mut self) {
        // What roots lead to is nobody's.
        self.take_young();
        loop {
            self.drain_target(TO_OLD);
            self.drain_target(TO_AGED);
            if self.targets[TO_OLD as usize].scan < self.targets[TO_OLD as usize].cursor || self.drain_marked() {
                continue;
            }
            let Some((from, to, action)) = self.pending.pop() else { return };
            if action == TO_OLD | ONE_BIG {
                // SAFETY: what is pending are complete objects.
                unsafe { self.scan_big(from, true) };
                continue;
            }
            let mut address = from;
            while address < to {
                // SAFETY: what is pending is a range of complete objects.
                address += unsafe { self.scan_copy(address, action) };
            }
        }
    }

    /// Scans the present run of a target.
    #[inline(always)]
    fn drain_target(&mut self, action: u8) {
        while self.targets[action as usize].scan < self.targets[action as usize].cursor {
            let address = self.targets[action as usize].scan;
            // SAFETY: copies are complete objects, side by side from `scan` to `cursor`.
            let bytes = unsafe { self.scan_copy(address, action) };
            // When the run was retired meanwhile, this object is pending once more. That does no harm: its slots lead to
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
        let bytes = unsafe { self.scan_copy(address, TO_OLD) };
        // It has to be fetched first.
        self.looked_at += bytes.max(2 * prefetch::LINE);
    }

    /// Visits the slots of an old object that is big: those on marked cards, or all of them. Cards that lead to something young
    /// are marked afterwards, and no others.
    ///
    /// # Safety
    /// A complete object is at the address.
    pub unsafe fn scan_big(&mut self, address: usize, all: bool) {
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
                let next = next_card(at).min(end);
                let card = self.places.map(|places| places.card(at));
                if all || card.is_some_and(|card| card.load(Ordering::Relaxed) != 0) {
                    self.take_young();
                    for slot in (at..next).step_by(HEADER_BYTES) {
                        self.slot(slot as *mut u64);
                    }
                    let young = self.take_young();
                    if let Some(card) = card {
                        card.store(u8::from(young), Ordering::Relaxed);
                    }
                    listed |= young;
                    self.looked_at += if all { 0 } else { next - at };
                    if self.marked.len() > MANY_WAIT {
                        self.drain_marked();
                    }
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
}

impl Survivors for Evacuator<'_> {
    fn survivor(&self, address: usize) -> Option<usize> {
        let state = self.spaces.pool.state(address);
        match self.actions[state as usize % state::STATES] {
            TO_OLD | TO_AGED => {
                // SAFETY: from-space is intact but for the headers.
                let header = unsafe { *(address as *const u64) };
                (header & 1 != 0).then(|| header as usize - 1)
            }
            MARKED => {
                let place = (address - self.base) / HEADER_BYTES;
                // SAFETY: there is a bit for each word of a block in use.
                let marks = unsafe { *self.marks.add(place / 64) };
                (marks >> (place % 64) & 1 != 0).then_some(address)
            }
            _ => Some(address),
        }
    }

    fn keep(&mut self, slot: *mut u64, quietly: bool) -> Vec<usize> {
        self.notes = !quietly;
        self.slot(slot);
        self.drain();
        self.notes = false;
        std::mem::take(&mut self.noted)
    }

    fn is_young(&self, address: usize) -> bool {
        state::is_young(self.spaces.pool.state(address))
    }
}

impl Evacuator<'_> {
    /// Ends the collection, but for what is from-space now; what it did, and the old objects that lead to young ones.
    pub fn end(mut self) -> (Outcome, Vec<usize>) {
        self.retire(TO_OLD);
        self.retire(TO_AGED);
        let [became_old, aged] = self.targets.each_ref().map(|target| target.bytes);
        let outcome = Outcome {
            everything: self.everything,
            moved_bytes: became_old + aged,
            marked_bytes: self.marked_bytes,
            promoted_bytes: if self.everything { 0 } else { became_old },
            looked_at: self.looked_at,
            ranges: self.aged,
        };
        (outcome, self.remembered)
    }
}

/// Collects everything: what is young and what lies in blocks that are given up becomes old elsewhere, everything else is marked where it
/// lies. With `remembers` the plan has a barrier.
///
/// # Safety
/// As for [`super::Plan::collect`]; no old object leads to a young one that is not remembered by `remembers`.
pub unsafe fn everything(collection: Collection<'_>, moves: Moves, remembers: bool) -> Outcome {
    let Collection { spaces, shapes, roots, weak, verify, visit_code, places, .. } = collection;
    let mut actions = [STAYS; state::STATES];
    for state in [state::NURSERY, state::FROM] {
        actions[state as usize] = TO_OLD;
    }
    for state in [state::OLD, state::LARGE, state::LARGE_NEW] {
        actions[state as usize] = MARKED;
    }
    let from_space = [Generation::Aged, Generation::Nursery].map(|generation| spaces.flip(generation));
    spaces.begin_marking(moves);
    let places = remembers.then_some(places);
    let mut evacuator = Evacuator::new(spaces, shapes, actions, places, visit_code, (true, verify));
    roots(Which::All, &mut |slot| evacuator.slot(slot));
    // SAFETY: the caller's: the world is stopped.
    unsafe { evacuator.permanent() };
    evacuator.drain();
    weak(&mut evacuator, true);
    let (outcome, _) = evacuator.end();
    spaces.sweep_large(true, verify);
    from_space.into_iter().for_each(|runs| spaces.give_back(runs, verify));
    spaces.sweep_old(verify);
    outcome
}

/// Where the next card begins.
fn next_card(address: usize) -> usize {
    ((address >> CARD_SHIFT) + 1) << CARD_SHIFT
}

const _: () = assert!(HEADER_BYTES == 8);
