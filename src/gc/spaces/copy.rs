//! The young spaces, whose objects are copied at each collection.
//!
//! Owns the lists of their runs and the shared buffer for objects of middling size (which would waste a thread's buffer). Who copies
//! and when is the collector's.

use super::{BLOCK, BLOCK_SHIFT, Moves, Spaces, state};

/// Objects above this size do not go to the buffers of threads.
pub const SMALL: usize = 8 << 10;
/// Blocks beyond what copies need: the last run of each kind is not full.
const SPARE: usize = 96;
/// Blocks of the buffer for middling objects.
const MIDDLING_RUN: usize = 16;

/// How often what is young has survived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Generation {
    /// Once.
    Aged,
    /// Not yet.
    Nursery,
}

/// The space of a generation.
#[derive(Default)]
pub struct CopySpace {
    /// The runs in use: first block, blocks.
    pub runs: Vec<(u32, u32)>,
    /// Blocks in use.
    pub blocks: usize,
    cursor: usize,
    limit: usize,
}

/// What copies of so many blocks need: they pack differently, and a run of 16 blocks for middling objects may waste a quarter.
pub(super) fn for_copies_of(blocks: usize) -> usize {
    blocks + blocks / 3 + SPARE
}

/// There is no room for a copy: the reserve is an invariant of who makes objects; without it there is no consistent heap to go on with.
pub(super) fn reserve_is_gone() -> ! {
    std::alloc::handle_alloc_error(std::alloc::Layout::new::<[u8; BLOCK]>())
}

/// So many regions there are for threads that allocate at once, and so many blocks apart they lie: as many as a thread allocates in a round.
const HOMES: u64 = 4;
const HOME: u64 = 128;

impl Spaces {
    fn generation_mut(&mut self, generation: Generation) -> &mut CopySpace {
        &mut self.young[generation as usize]
    }

    /// Blocks of what is young.
    pub fn young_blocks(&self) -> usize {
        self.young.iter().map(|space| space.blocks).sum()
    }

    /// So many blocks are to remain for copies of all that may move, when others are taken.
    pub(super) fn copy_reserve(&self) -> usize {
        let old = if self.moves == Moves::Everything { self.old.bytes.div_ceil(BLOCK) } else { 0 };
        for_copies_of(self.young_blocks() + old)
    }

    /// The same, when `count` blocks of what may move are taken.
    pub(super) fn room_for_copies(&self, count: usize) -> usize {
        if count == 0 { self.copy_reserve() - SPARE } else { self.copy_reserve() + 2 * count }
    }

    /// Where a thread looks for its buffers first. Where several allocate each has its own region of blocks: those that it has
    /// written to in the last round are still in the cache of its core, and those of another thread would have to be fetched from
    /// that of another core, line by line. One alone takes the lowest, as all other uses of blocks do.
    pub fn home(&self, thread: u64) -> u32 {
        if self.several { (thread % HOMES * HOME) as u32 } else { 0 }
    }

    /// A run of the nursery. There remains room for a copy of everything.
    fn nursery_run(&mut self, count: usize, limit: usize, near: u32) -> Option<usize> {
        let first = if limit > self.max_blocks {
            // Who is allowed beyond the limit builds the error of a full heap, and may use what others have to leave. That is there:
            // the system is not asked for it.
            self.pool.take(count, state::NURSERY, self.room_for_copies(0))?
        } else {
            self.take_run_near(count, state::NURSERY, self.room_for_copies(count), near)?
        };
        self.note_run(Generation::Nursery, first, count);
        Some(self.pool.address(first))
    }

    fn note_run(&mut self, generation: Generation, first: u32, count: usize) {
        let space = self.generation_mut(generation);
        space.runs.push((first, count as u32));
        space.blocks += count;
    }

    /// Room for a thread's buffer with at least so many bytes, from address to address, if that does not go beyond `limit` blocks.
    pub fn take_buffer(&mut self, bytes: usize, limit: usize, thread: u64) -> Option<(usize, usize)> {
        if !self.has_nursery {
            return self.take_old_buffer(bytes, limit);
        }
        if self.beyond(1, limit) {
            return None;
        }
        self.nursery_run(1, limit, self.home(thread)).map(|address| (address, address + BLOCK))
    }

    /// Room for an object of middling size, if that does not go beyond `limit` blocks.
    pub fn take_middling(&mut self, bytes: usize, limit: usize) -> Option<usize> {
        if !self.has_nursery {
            return self.take_old_middling(bytes, limit);
        }
        let space = self.generation_mut(Generation::Nursery);
        if bytes > space.limit - space.cursor {
            let mut run = MIDDLING_RUN;
            if self.beyond(run, limit) || bytes > run << BLOCK_SHIFT {
                run = bytes.div_ceil(BLOCK);
            }
            if self.beyond(run, limit) {
                return None;
            }
            let address = self.nursery_run(run, limit, 0)?;
            if run < MIDDLING_RUN || bytes > (run << BLOCK_SHIFT) / 2 {
                return Some(address);
            }
            let space = self.generation_mut(Generation::Nursery);
            space.cursor = address;
            space.limit = address + (run << BLOCK_SHIFT);
        }
        let space = self.generation_mut(Generation::Nursery);
        let address = space.cursor;
        space.cursor += bytes;
        Some(address)
    }

    /// Begins a collection: all runs of a generation are from-space now, and there is no run to allocate from. What has survived once
    /// already is distinguished from what is about to.
    pub fn flip(&mut self, generation: Generation) -> Vec<(u32, u32)> {
        let runs = std::mem::take(self.generation_mut(generation)).runs;
        if generation == Generation::Aged {
            runs.iter()
                .flat_map(|&(first, count)| first..first + count)
                .for_each(|block| self.pool.set_state(block, state::FROM));
        }
        runs
    }

    /// Ends a collection: nothing in these runs lives. With `fence` nobody can read them until they are used again.
    pub fn give_back(&mut self, runs: Vec<(u32, u32)>, fence: bool) {
        for (first, count) in runs {
            self.pool.give_back(first, count, fence);
        }
    }

    /// A block for copies of what has survived once, during a collection: the reserve guarantees it.
    pub fn aged_block_for_copies(&mut self) -> (usize, usize) {
        let first = self.pool.take(1, state::AGED, 0).unwrap_or_else(|| reserve_is_gone());
        self.note_run(Generation::Aged, first, 1);
        let address = self.pool.address(first);
        (address, address + BLOCK)
    }
}
