//! The pool of blocks: one reserved range of addresses, handed out in runs of blocks.
//!
//! Owns the mapping, the table of block states, and what is given back to the system. Must not know what lies in a block.
//!
//! Invariants: a block is either in exactly one free run, or beyond the frontier, or in use. Blocks below `committed` are
//! readable and writable (but for those that are `FENCED`). There is always committed memory for a copy of all that may move of what
//! is in use, so that a collection cannot fail halfway.

use std::collections::BTreeMap;
use std::io;

use crate::object::word::Word;

/// Logarithm of the size of a block.
pub const BLOCK_SHIFT: u32 = 16;
/// Bytes of a block.
pub const BLOCK: usize = 1 << BLOCK_SHIFT;

/// Logarithm of the size of a card, a part of a big object.
pub const CARD_SHIFT: u32 = 9;
/// Bytes of a card.
pub const CARD: usize = 1 << CARD_SHIFT;

/// Logarithm of the size of a line: what is free among the old is known by lines.
pub const LINE_SHIFT: u32 = 7;
/// Bytes of a line.
pub const LINE: usize = 1 << LINE_SHIFT;
/// Lines of a block.
pub const LINES: usize = BLOCK / LINE;
/// Logarithm of the bytes that a byte of marks is for.
const MARK_SHIFT: u32 = 6;
/// Words of 64 marks, one for each word of a block.
const MARK_WORDS: usize = BLOCK / 8 / 64;

/// A table beside the blocks, so many bytes for each: accessible as far as blocks are, so that it does not count where a limit
/// counts what may be written. What is never written takes no memory.
struct Side {
    address: usize,
    bytes: usize,
    shift: u32,
}

impl Side {
    /// One with a byte for `1 << shift` bytes of `bytes`.
    fn new(bytes: usize, shift: u32) -> io::Result<Side> {
        let bytes = (bytes >> shift).next_multiple_of(BLOCK);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a fresh mapping at an address of the system's choice.
        let at = unsafe { libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the range just mapped.
        unsafe { leave_out_of_cores(at as usize, bytes) };
        Ok(Side { address: at as usize, bytes, shift })
    }

    /// Makes what belongs to the first `blocks` blocks accessible.
    fn commit(&self, blocks: usize) -> bool {
        let bytes = ((blocks << BLOCK_SHIFT) >> self.shift).next_multiple_of(BLOCK).min(self.bytes);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a part of our mapping; what is accessible stays so.
        unsafe { libc::mprotect(self.address as *mut _, bytes, protection) == 0 }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and whoever looks at it is gone with the heap.
        unsafe { libc::munmap(self.address as *mut _, self.bytes) };
    }
}

/// The block has memory behind it.
const RESIDENT: u8 = 1;
/// The block is inaccessible until it is used again.
const FENCED: u8 = 2;

/// So many blocks the system must have beside the last that we take of it: tables, stacks and handles live outside of the heap.
const BESIDE: usize = (2 << 20) / BLOCK;
/// Blocks that are made accessible at a time.
const COMMIT_STEP: usize = (32 << 20) / BLOCK;

/// The pool.
pub struct Pool {
    /// What the system gave us: address, bytes.
    mapping: (usize, usize),
    base: usize,
    total: usize,
    frontier: usize,
    committed: usize,
    free: BTreeMap<u32, u32>,
    table: memmap2::MmapMut,
    /// A byte for each card.
    cards: Side,
    /// A bit for each word: a living object of the old space, or a large one, starts there.
    marks: Side,
    /// A byte for each line: it has a part of a living object of the old space. Of use while everything is collected.
    lines: Side,
    flags: Vec<u8>,
    resident: usize,
    in_use: usize,
    /// The system has refused to make blocks accessible since memory was last given back: others want what is free here.
    refused: bool,
    /// Where the search for free blocks starts, when reuse is to be put off.
    rotor: Option<u32>,
}

impl Pool {
    /// Reserves addresses for `bytes` bytes, or fewer if the system does not give so many. With `rotate`, freed blocks are
    /// reused as late as is reasonable, so that stale pointers are found out.
    pub fn new(bytes: usize, rotate: bool) -> io::Result<Pool> {
        let mut bytes = bytes.next_multiple_of(BLOCK);
        let (base, [cards, marks, lines]) = loop {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            // SAFETY: a fresh mapping at an address of the system's choice.
            let at = unsafe { libc::mmap(std::ptr::null_mut(), bytes + BLOCK, libc::PROT_NONE, flags, -1, 0) };
            if at != libc::MAP_FAILED {
                let tables = [CARD_SHIFT, MARK_SHIFT, LINE_SHIFT].map(|shift| Side::new(bytes, shift));
                if let [Ok(cards), Ok(marks), Ok(lines)] = tables {
                    break (at as usize, [cards, marks, lines]);
                }
                // SAFETY: the range just mapped.
                unsafe { libc::munmap(at, bytes + BLOCK) };
            }
            if bytes <= 64 << 20 {
                return Err(io::Error::last_os_error());
            }
            bytes = (bytes / 2).next_multiple_of(BLOCK);
        };
        let total = bytes / BLOCK;
        // SAFETY: the range just mapped.
        unsafe { leave_out_of_cores(base, bytes + BLOCK) };
        Ok(Pool {
            mapping: (base, bytes + BLOCK),
            base: base.next_multiple_of(BLOCK),
            total,
            frontier: 0,
            committed: 0,
            free: BTreeMap::new(),
            table: memmap2::MmapOptions::new().len(total).no_reserve_swap().map_anon()?,
            cards,
            marks,
            lines,
            flags: Vec::new(),
            resident: 0,
            in_use: 0,
            refused: false,
            rotor: rotate.then_some(0),
        })
    }

    /// The first address of the range.
    pub fn base(&self) -> usize {
        self.base
    }

    /// How many blocks were ever in use: the first ones of the range.
    pub fn frontier(&self) -> usize {
        self.frontier
    }

    /// How many blocks the range has.
    pub fn total(&self) -> usize {
        self.total
    }

    /// The table of block states.
    pub fn table(&self) -> *const u8 {
        self.table.as_ptr()
    }

    /// The table of cards, accessible for all blocks that are in use.
    pub fn cards(&self) -> *const u8 {
        self.cards.address as *const u8
    }

    /// The table of marks, accessible for all blocks that are in use.
    pub fn marks(&self) -> *mut u64 {
        self.marks.address as *mut u64
    }

    /// The table of lines, accessible for all blocks that are in use.
    pub fn lines(&self) -> *mut u8 {
        self.lines.address as *mut u8
    }

    /// The marks of a block that is in use.
    pub fn marks_of(&mut self, block: u32) -> &mut [u64; MARK_WORDS] {
        assert!((block as usize) < self.frontier);
        // SAFETY: the table is accessible that far, and changed by who has the pool.
        unsafe { &mut *(self.marks().add(block as usize * MARK_WORDS) as *mut [u64; MARK_WORDS]) }
    }

    /// The lines of a block that is in use.
    pub fn lines_of(&mut self, block: u32) -> &mut [u8; LINES] {
        assert!((block as usize) < self.frontier);
        // SAFETY: the table is accessible that far, and changed by who has the pool.
        unsafe { &mut *(self.lines().add(block as usize * LINES) as *mut [u8; LINES]) }
    }

    /// Blocks in use.
    pub fn in_use(&self) -> usize {
        self.in_use
    }

    /// Can so many blocks more be had?
    pub fn has_room(&mut self, count: usize) -> bool {
        let wanted = self.in_use + count;
        wanted <= self.committed || self.commit(wanted)
    }

    /// Blocks that have memory behind them.
    pub fn resident(&self) -> usize {
        self.resident
    }

    /// The address of a block.
    pub fn address(&self, block: u32) -> usize {
        self.base + ((block as usize) << BLOCK_SHIFT)
    }

    /// The block of an address in the range.
    pub fn block(&self, address: usize) -> Option<u32> {
        let block = address.wrapping_sub(self.base) >> BLOCK_SHIFT;
        (block < self.frontier).then_some(block as u32)
    }

    /// The state of the block of an address; FREE outside the range.
    pub fn state(&self, address: usize) -> u8 {
        self.block(address).map_or(super::state::FREE, |block| self.table[block as usize])
    }

    /// Changes the state of a block.
    pub fn set_state(&mut self, block: u32, state: u8) {
        self.table[block as usize] = state;
    }

    /// A run of `count` blocks with this state. `room_for` further blocks will remain obtainable without asking the system;
    /// none when the system has no memory.
    pub fn take(&mut self, count: usize, state: u8, room_for: usize) -> Option<u32> {
        self.take_near(count, state, room_for, 0)
    }

    /// The same, from this block on if there are any.
    pub fn take_near(&mut self, count: usize, state: u8, room_for: usize, near: u32) -> Option<u32> {
        let wanted = self.in_use + count + room_for;
        if wanted > self.committed && !self.commit(wanted) {
            return None;
        }
        let first = match self.find(count, near) {
            Some(first) => first,
            None => {
                // What is accessible already suffices for that, or it is not done.
                let apart = near as usize > self.frontier && near as usize + count <= self.committed;
                let first = if apart { near as usize } else { self.frontier };
                if first + count > self.committed && !self.commit(first + count) {
                    return None;
                }
                if first > self.frontier {
                    self.free.insert(self.frontier as u32, (first - self.frontier) as u32);
                }
                self.frontier = first + count;
                self.flags.resize(self.frontier, 0);
                first as u32
            }
        };
        self.in_use += count;
        for block in first..first + count as u32 {
            self.table[block as usize] = state;
            let flags = &mut self.flags[block as usize];
            if *flags & FENCED != 0 {
                *flags &= !FENCED;
                let address = self.base + ((block as usize) << BLOCK_SHIFT);
                // SAFETY: a block of our range that nobody uses.
                unsafe { libc::mprotect(address as *mut _, BLOCK, libc::PROT_READ | libc::PROT_WRITE) };
            }
            if self.flags[block as usize] & RESIDENT == 0 {
                self.flags[block as usize] |= RESIDENT;
                self.resident += 1;
            }
        }
        Some(first)
    }

    /// A free run that goes on behind this block becomes two.
    fn divide(&mut self, at: u32) {
        if let Some((&first, &len)) = self.free.range(..at).next_back()
            && first + len > at
        {
            self.free.insert(first, at - first);
            self.free.insert(at, first + len - at);
        }
    }

    /// Takes `count` blocks out of a free run.
    fn find(&mut self, count: usize, near: u32) -> Option<u32> {
        let near = self.rotor.unwrap_or(near);
        self.divide(near);
        let fits = |(&first, &len): (&u32, &u32)| (len as usize >= count).then_some((first, len));
        let found = self.free.range(near..).find_map(fits);
        let (first, len) = found.or_else(|| self.free.range(..near).find_map(fits))?;
        self.free.remove(&first);
        if len as usize > count {
            self.free.insert(first + count as u32, len - count as u32);
        }
        if let Some(rotor) = &mut self.rotor {
            *rotor = first + count as u32;
        }
        Some(first)
    }

    /// Gives a run back. With `fence`, it is inaccessible until it is taken again, or poisoned where the system cannot do that.
    pub fn give_back(&mut self, first: u32, count: u32, fence: bool) {
        self.in_use -= count as usize;
        for block in first..first + count {
            self.table[block as usize] = super::state::FREE;
        }
        if fence {
            let (address, bytes) = (self.address(first), (count as usize) << BLOCK_SHIFT);
            // SAFETY: blocks of our range that nobody uses any more.
            if unsafe { libc::mprotect(address as *mut _, bytes, libc::PROT_NONE) } == 0 {
                for block in first..first + count {
                    self.flags[block as usize] |= FENCED;
                }
            } else {
                // SAFETY: as above; they have stayed accessible.
                unsafe { poison(address, address + bytes) };
            }
        }
        let (mut first, mut count) = (first, count);
        if let Some((&before, &len)) = self.free.range(..first).next_back()
            && before + len == first
        {
            self.free.remove(&before);
            first = before;
            count += len;
        }
        if let Some(len) = self.free.remove(&(first + count)) {
            count += len;
        }
        self.free.insert(first, count);
    }

    /// Gives memory of free blocks back to the system until at most `keep` blocks have some: the highest addresses first,
    /// because the lowest are reused first.
    pub fn trim(&mut self, keep: usize) {
        for (&first, &len) in self.free.iter().rev() {
            let mut end = first + len;
            while end > first && self.resident > keep {
                if self.flags[end as usize - 1] & RESIDENT == 0 {
                    end -= 1;
                    continue;
                }
                let mut start = end;
                while start > first && self.flags[start as usize - 1] & RESIDENT != 0 && self.resident > keep {
                    start -= 1;
                    self.flags[start as usize] &= !RESIDENT;
                    self.resident -= 1;
                }
                let address = self.base + ((start as usize) << BLOCK_SHIFT);
                let bytes = ((end - start) as usize) << BLOCK_SHIFT;
                // SAFETY: blocks of our range that nobody uses; they read as zeros when they are taken again.
                unsafe { libc::madvise(address as *mut _, bytes, libc::MADV_DONTNEED) };
                end = start;
            }
        }
        if std::mem::take(&mut self.refused) {
            self.uncommit(keep);
        }
    }

    /// Makes the free blocks at the end inaccessible again, which is what limits on memory count: code, stacks and tables want some.
    /// At least `keep` blocks stay accessible, and room for a copy of all that is in use.
    fn uncommit(&mut self, keep: usize) {
        let tail = self.free.last_key_value().filter(|&(first, len)| (first + len) as usize == self.frontier);
        let used = tail.map_or(self.frontier, |(&first, _)| first as usize);
        let end = used.max(keep).max(2 * self.in_use + COMMIT_STEP / 8);
        if end >= self.committed {
            return;
        }
        let (from, bytes) = (self.base + (end << BLOCK_SHIFT), (self.committed - end) << BLOCK_SHIFT);
        // SAFETY: blocks of our range that nobody uses; they read as zeros when they are taken again.
        if unsafe { libc::mprotect(from as *mut _, bytes, libc::PROT_NONE) } != 0 {
            return;
        }
        // SAFETY: the same.
        unsafe {
            libc::madvise(from as *mut _, bytes, libc::MADV_DONTNEED);
            leave_out_of_cores(from, bytes);
        }
        self.committed = end;
        if end < self.frontier {
            self.resident -= self.flags[end..].iter().filter(|flags| **flags & RESIDENT != 0).count();
            self.flags.truncate(end);
            self.free.remove(&(used as u32));
            if end > used {
                self.free.insert(used as u32, (end - used) as u32);
            }
            self.frontier = end;
        }
    }

    /// Makes at least the first `blocks` blocks accessible.
    fn commit(&mut self, blocks: usize) -> bool {
        if blocks > self.total {
            return false;
        }
        let step = COMMIT_STEP.max(self.committed / 8);
        for (wanted, beside) in [((blocks + step).min(self.total), 0), (blocks, BESIDE.min(self.total - blocks))] {
            if wanted <= self.committed {
                return true;
            }
            let from = self.base + (self.committed << BLOCK_SHIFT);
            let bytes = (wanted - self.committed) << BLOCK_SHIFT;
            let all = bytes + (beside << BLOCK_SHIFT);
            let has_tables = [&self.cards, &self.marks, &self.lines].iter().all(|table| table.commit(wanted));
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: blocks of our range that are not accessible.
            if has_tables && unsafe { libc::mprotect(from as *mut _, all, protection) } == 0 {
                // SAFETY: the same blocks: those beside are inaccessible again, and of the others only what is written to a core changes.
                unsafe {
                    if beside > 0 {
                        libc::mprotect((from + bytes) as *mut _, all - bytes, libc::PROT_NONE);
                    }
                    libc::madvise(from as *mut _, bytes, libc::MADV_DODUMP);
                }
                self.committed = wanted;
                return true;
            }
        }
        self.refused = true;
        false
    }
}

/// A core that gdb writes has all that is not left out, though nobody can read it. An old system that does not know this writes
/// larger ones.
///
/// # Safety
/// The addresses are a part of our range.
unsafe fn leave_out_of_cores(address: usize, bytes: usize) {
    // SAFETY: the caller's; only what is written to a core changes.
    unsafe { libc::madvise(address as *mut _, bytes, libc::MADV_DONTDUMP) };
}

/// Fills memory with what is no value.
///
/// # Safety
/// The words between these addresses must be accessible, and nobody's.
pub unsafe fn poison(from: usize, to: usize) {
    // SAFETY: the caller's.
    unsafe { std::slice::from_raw_parts_mut(from as *mut Word, (to - from) / 8) }.fill(Word::POISON);
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and whoever knows of objects in it is gone with the heap.
        unsafe { libc::munmap(self.mapping.0 as *mut _, self.mapping.1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_merge_and_split() {
        let mut pool = Pool::new(64 * BLOCK, false).unwrap();
        let a = pool.take(3, 2, 0).unwrap();
        let b = pool.take(2, 2, 0).unwrap();
        let c = pool.take(1, 4, 0).unwrap();
        assert_eq!((a, b, c), (0, 3, 5));
        pool.give_back(a, 3, false);
        pool.give_back(c, 1, false);
        assert_eq!(pool.take(4, 2, 0), Some(6));
        pool.give_back(b, 2, false);
        assert_eq!(pool.take(6, 2, 0), Some(0));
        assert_eq!(pool.take(60, 2, 0), None);
        assert_eq!(pool.take(1, 2, 60), None);
        assert_eq!(pool.state(pool.address(2)), 2);
        assert_eq!(pool.state(pool.address(50)), 0);
    }

    #[test]
    fn what_is_free_at_the_end_is_given_up_when_the_system_refused_more() {
        let step = COMMIT_STEP / 8;
        let mut pool = Pool::new(64 * step * BLOCK, false).unwrap();
        let low = pool.take(step, 2, 0).unwrap();
        let high = pool.take(20 * step, 2, 0).unwrap();
        pool.give_back(high, 20 * step as u32, false);
        pool.trim(2 * step);
        assert_eq!(pool.frontier(), 21 * step, "nobody was refused anything");
        pool.refused = true;
        pool.trim(2 * step);
        assert_eq!((pool.frontier(), pool.committed), (3 * step, 3 * step));
        assert_eq!(pool.state(pool.address(20 * step as u32)), 0);
        let again = pool.take(40 * step, 2, 0).unwrap();
        // SAFETY: a block in use.
        unsafe { *(pool.address(again + 40 * step as u32 - 1) as *mut u64) = 1 };
        assert_eq!((low, again as usize), (0, 3 * step));
        // What is in use at the end keeps what is free in front of it.
        pool.refused = true;
        pool.give_back(low, step as u32, false);
        pool.trim(0);
        assert_eq!(pool.frontier(), 43 * step);
    }

    #[test]
    fn trimming_keeps_the_lowest() {
        let mut pool = Pool::new(64 * BLOCK, false).unwrap();
        let a = pool.take(8, 2, 0).unwrap();
        let (first, last) = (pool.address(0) as *mut u64, pool.address(7) as *mut u64);
        // SAFETY: blocks in use.
        unsafe {
            *first = 1;
            *last = 1;
        }
        pool.give_back(a, 8, false);
        pool.trim(3);
        assert_eq!(pool.resident(), 3);
        pool.take(8, 2, 0).unwrap();
        assert_eq!(pool.resident(), 8);
        // SAFETY: blocks in use.
        unsafe {
            assert_eq!(*first, 1);
            assert_eq!(*last, 0);
        }
    }

    #[test]
    fn runs_are_taken_apart_where_that_costs_nothing() {
        let mut pool = Pool::new(4 * COMMIT_STEP * BLOCK, false).unwrap();
        assert_eq!([pool.take(2, 2, 0), pool.take_near(1, 2, 0, 100)], [Some(0), Some(100)]);
        // What was jumped over is free, and what lies behind is still accessible.
        assert_eq!([pool.take(98, 2, 0), pool.take_near(1, 2, 0, 100)], [Some(2), Some(101)]);
        assert_eq!((pool.in_use(), pool.frontier()), (102, 102));
        pool.give_back(0, 102, false);
        // A run that reaches over the place is divided; where nothing is free behind it, what lies before it serves.
        assert_eq!([pool.take_near(1, 2, 0, 50), pool.take_near(51, 2, 0, 51)], [Some(50), Some(51)]);
        assert_eq!([pool.take_near(1, 2, 0, 60), pool.take(1, 2, 0)], [Some(0), Some(1)]);
        // No memory is asked for to be apart.
        assert_eq!(pool.take_near(60, 2, 0, COMMIT_STEP as u32 * 3), Some(102));
    }
}
