//! The space of objects that move.
//!
//! Owns the list of its runs and the shared buffer for objects of middling size (which would waste a thread's buffer). Who
//! copies and when is the collector's.

use super::{BLOCK, BLOCK_SHIFT, Spaces, state};

/// Objects above this size do not go to the buffers of threads.
pub const SMALL: usize = 8 << 10;
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
}

impl Spaces {
    /// A run for objects that move. There remains room for a copy of everything.
    fn copy_run(&mut self, count: usize) -> Option<usize> {
        let copy_reserve = self.used() + self.used() / 8 + count * 2 + 32;
        let first = self.pool.take(count, state::COPY | self.parity, copy_reserve)?;
        self.copy.runs.push((first, count as u32));
        self.copy.blocks += count;
        Some(self.pool.address(first))
    }

    /// A block for a thread's buffer, if that does not go beyond `limit` blocks.
    pub fn take_buffer(&mut self, limit: usize) -> Option<usize> {
        if self.beyond(1, limit) { None } else { self.copy_run(1) }
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
            let address = self.copy_run(run)?;
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
}
