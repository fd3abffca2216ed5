//! The spaces of objects that move, one for each generation.
//!
//! Owns the lists of their runs, the shared buffer for objects of middling size (which would waste a thread's buffer), and what
//! copies have left of their last block. Who copies and when is the collector's.

use super::{BLOCK, BLOCK_SHIFT, CARD, Spaces, state};

/// Objects above this size do not go to the buffers of threads.
pub const SMALL: usize = 8 << 10;
/// Blocks beyond what copies need: the last run of each kind is not full.
const SPARE: usize = 96;
/// Blocks of the buffer for middling objects.
const MIDDLING_RUN: usize = 16;

/// How much an object has survived. A plan that knows no generations has all in one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Generation {
    /// What is old, or moves every time.
    Old,
    /// What has survived one collection of the young.
    Aged,
    /// What is new.
    Nursery,
}

impl Generation {
    /// All of them.
    pub const ALL: [Generation; 3] = [Generation::Old, Generation::Aged, Generation::Nursery];
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
    /// What copies have left of their last block, from address to address: the next buffer.
    rest: (usize, usize),
}

/// What copies of so many blocks need: they pack differently, and a run of 16 blocks for middling objects may waste a quarter.
fn for_copies_of(blocks: usize) -> usize {
    blocks + blocks / 3
}

impl Spaces {
    /// The space of a generation.
    pub fn generation(&self, generation: Generation) -> &CopySpace {
        &self.moving[generation as usize]
    }

    fn generation_mut(&mut self, generation: Generation) -> &mut CopySpace {
        &mut self.moving[generation as usize]
    }

    /// The present state of the blocks of a generation.
    pub fn state_of(&self, generation: Generation) -> u8 {
        match generation {
            Generation::Old => state::OLD | self.parity,
            Generation::Aged => state::AGED | self.aged_parity,
            Generation::Nursery => state::NURSERY,
        }
    }

    /// So many blocks are to remain for copies of all that moves, when others are taken.
    pub(super) fn copy_reserve(&self) -> usize {
        for_copies_of(self.used() - self.large.blocks) + SPARE
    }

    /// A run for new objects that move. There remains room for a copy of everything.
    fn copy_run(&mut self, count: usize, limit: usize) -> Option<usize> {
        // Who is allowed beyond the limit builds the error of a full heap, and may use what others have to leave.
        let spare = if limit > self.max_blocks { 0 } else { count * 2 + SPARE };
        let copy_reserve = for_copies_of(self.used()) + spare;
        let state = self.state_of(self.allocates_in);
        // What others have to leave is there: the system is not asked for it.
        let first = match spare {
            0 => self.pool.take(count, state, copy_reserve)?,
            _ => self.take_run(count, state, copy_reserve)?,
        };
        self.note_run(self.allocates_in, first, count);
        Some(self.pool.address(first))
    }

    fn note_run(&mut self, generation: Generation, first: u32, count: usize) {
        let space = self.generation_mut(generation);
        space.runs.push((first, count as u32));
        space.blocks += count;
    }

    /// Room for a thread's buffer, from address to address, if that does not go beyond `limit` blocks.
    pub fn take_buffer(&mut self, limit: usize) -> Option<(usize, usize)> {
        if self.beyond(1, limit) {
            return None;
        }
        let (from, to) = std::mem::take(&mut self.generation_mut(self.allocates_in).rest);
        if to - from >= SMALL {
            return Some((from, to));
        }
        self.copy_run(1, limit).map(|address| (address, address + BLOCK))
    }

    /// Copies leave this of their last block, in the generation where new objects go.
    pub fn leave_rest(&mut self, from: usize, to: usize) {
        self.generation_mut(self.allocates_in).rest = (from, to);
    }

    /// Room for an object of middling size, if that does not go beyond `limit` blocks.
    pub fn take_middling(&mut self, bytes: usize, limit: usize) -> Option<usize> {
        let space = self.generation(self.allocates_in);
        if bytes > space.limit - space.cursor {
            let mut run = MIDDLING_RUN;
            if self.beyond(run, limit) || bytes > run << BLOCK_SHIFT {
                run = bytes.div_ceil(BLOCK);
            }
            if self.beyond(run, limit) {
                return None;
            }
            let address = self.copy_run(run, limit)?;
            if run < MIDDLING_RUN || bytes > (run << BLOCK_SHIFT) / 2 {
                return Some(address);
            }
            let space = self.generation_mut(self.allocates_in);
            space.cursor = address;
            space.limit = address + (run << BLOCK_SHIFT);
        }
        Some(self.generation_mut(self.allocates_in).bump(bytes))
    }

    /// Begins a collection: all runs of a generation are from-space now, and there is no run to allocate from.
    pub fn flip(&mut self, generation: Generation) -> Vec<(u32, u32)> {
        match generation {
            Generation::Old => self.parity ^= 1,
            Generation::Aged => self.aged_parity ^= 1,
            Generation::Nursery => {}
        }
        std::mem::take(self.generation_mut(generation)).runs
    }

    /// Ends a collection: nothing in these runs lives. With `fence` nobody can read them until they are used again.
    pub fn give_back(&mut self, runs: Vec<(u32, u32)>, fence: bool) {
        for (first, count) in runs {
            self.pool.give_back(first, count, fence);
        }
    }

    /// A run for copies, during a collection: the reserve guarantees it.
    pub fn take_for_copies(&mut self, generation: Generation, bytes: usize) -> usize {
        let count = bytes.div_ceil(BLOCK);
        let Some(first) = self.pool.take(count, self.state_of(generation), 0) else {
            // The reserve is an invariant of `copy_run`; without it there is no consistent heap to go on with.
            std::alloc::handle_alloc_error(std::alloc::Layout::new::<[u8; BLOCK]>());
        };
        self.note_run(generation, first, count);
        self.pool.address(first)
    }

    /// Room for the copy of an object that is not small.
    pub fn take_for_middling_copy(&mut self, generation: Generation, bytes: usize) -> usize {
        const RUN_BYTES: usize = MIDDLING_RUN << BLOCK_SHIFT;
        if bytes > RUN_BYTES / 2 {
            return self.take_for_copies(generation, bytes);
        }
        // No card belongs to two objects, so that what is said of one is not taken for the other.
        let bytes = if generation == Generation::Old { bytes.next_multiple_of(CARD) } else { bytes };
        let space = self.generation(generation);
        if bytes > space.limit - space.cursor {
            let address = self.take_for_copies(generation, RUN_BYTES);
            let space = self.generation_mut(generation);
            space.cursor = address;
            space.limit = address + RUN_BYTES;
        }
        self.generation_mut(generation).bump(bytes)
    }
}

impl CopySpace {
    /// The next bytes of the run for objects of middling size.
    fn bump(&mut self, bytes: usize) -> usize {
        let address = self.cursor;
        self.cursor += bytes;
        address
    }
}
