//! The space of objects that move.
//!
//! Owns the list of its runs, the shared buffer for objects of middling size (which would waste a thread's buffer), and what
//! copies have left of their last block. Who copies and when is the collector's.

use super::{BLOCK, BLOCK_SHIFT, Spaces, state};

/// Objects above this size do not go to the buffers of threads.
pub const SMALL: usize = 8 << 10;
/// Blocks beyond what copies need: the last run of each kind is not full.
const SPARE: usize = 96;
/// Blocks of the buffer for middling objects.
const MIDDLING_RUN: usize = 16;

/// The space.
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
    /// So many blocks are to remain for copies of all that moves, when others are taken.
    pub(super) fn copy_reserve(&self) -> usize {
        for_copies_of(self.copy.blocks) + SPARE
    }

    /// A run for objects that move. There remains room for a copy of everything.
    fn copy_run(&mut self, count: usize, limit: usize) -> Option<usize> {
        // Who is allowed beyond the limit builds the error of a full heap, and may use what others have to leave.
        let spare = if limit > self.max_blocks { 0 } else { count * 2 + SPARE };
        let copy_reserve = for_copies_of(self.used()) + spare;
        let state = state::COPY | self.parity;
        // What others have to leave is there: the system is not asked for it.
        let first = match spare {
            0 => self.pool.take(count, state, copy_reserve)?,
            _ => self.take_run(count, state, copy_reserve)?,
        };
        self.copy.runs.push((first, count as u32));
        self.copy.blocks += count;
        Some(self.pool.address(first))
    }

    /// Room for a thread's buffer, from address to address, if that does not go beyond `limit` blocks.
    pub fn take_buffer(&mut self, limit: usize) -> Option<(usize, usize)> {
        if self.beyond(1, limit) {
            return None;
        }
        let (from, to) = std::mem::take(&mut self.copy.rest);
        if to - from >= SMALL {
            return Some((from, to));
        }
        self.copy_run(1, limit).map(|address| (address, address + BLOCK))
    }

    /// Copies leave this of their last block.
    pub fn leave_rest(&mut self, from: usize, to: usize) {
        self.copy.rest = (from, to);
    }

    /// Room for an object of middling size, if that does not go beyond `limit` blocks.
    pub fn take_middling(&mut self, bytes: usize, limit: usize) -> Option<usize> {
        if bytes > self.copy.limit - self.copy.cursor {
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
            self.copy.cursor = address;
            self.copy.limit = address + (run << BLOCK_SHIFT);
        }
        let address = self.copy.cursor;
        self.copy.cursor += bytes;
        Some(address)
    }

    /// Begins a collection: all runs are from-space now, and there is no run to allocate from.
    pub fn flip(&mut self) -> Vec<(u32, u32)> {
        self.copy.cursor = 0;
        self.copy.limit = 0;
        self.copy.rest = (0, 0);
        self.copy.blocks = 0;
        self.parity ^= 1;
        std::mem::take(&mut self.copy.runs)
    }

    /// A run for copies, during a collection: the reserve guarantees it.
    pub fn take_for_copies(&mut self, bytes: usize) -> usize {
        let count = bytes.div_ceil(BLOCK);
        let Some(first) = self.pool.take(count, state::COPY | self.parity, 0) else {
            // The reserve is an invariant of `copy_run`; without it there is no consistent heap to go on with.
            std::alloc::handle_alloc_error(std::alloc::Layout::new::<[u8; BLOCK]>());
        };
        self.copy.runs.push((first, count as u32));
        self.copy.blocks += count;
        self.pool.address(first)
    }

    /// Room for the copy of an object that is not small.
    pub fn take_for_middling_copy(&mut self, bytes: usize) -> usize {
        const RUN_BYTES: usize = MIDDLING_RUN << BLOCK_SHIFT;
        if bytes > RUN_BYTES / 2 {
            return self.take_for_copies(bytes);
        }
        if bytes > self.copy.limit - self.copy.cursor {
            self.copy.cursor = self.take_for_copies(RUN_BYTES);
            self.copy.limit = self.copy.cursor + RUN_BYTES;
        }
        let address = self.copy.cursor;
        self.copy.cursor += bytes;
        address
    }
}
