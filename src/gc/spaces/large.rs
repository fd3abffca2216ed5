//! The space of large objects: each has its own run of blocks, is marked where it lies and freed as a whole.
//!
//! Mark: the state of the first block, which alternates like that of the copy space.

use super::{BLOCK, Spaces, state};

/// The space.
#[derive(Default)]
pub struct LargeSpace {
    /// First block, blocks.
    pub objects: Vec<(u32, u32)>,
    /// Blocks in use.
    pub blocks: usize,
    /// Where those are that were made since the last collection.
    pub fresh: Vec<usize>,
}

impl Spaces {
    /// Room for a large object, if that does not go beyond `limit` blocks.
    pub fn take_large(&mut self, bytes: usize, limit: usize) -> Option<usize> {
        let count = bytes.div_ceil(BLOCK);
        if self.beyond(count, limit) {
            return None;
        }
        let first = self.take_run(count, state::LARGE_REST, self.copy_reserve())?;
        self.pool.set_state(first, state::LARGE | self.parity);
        self.large.objects.push((first, count as u32));
        self.large.blocks += count;
        let address = self.pool.address(first);
        self.large.fresh.push(address);
        Some(address)
    }

    /// Frees what was not marked.
    pub fn sweep_large(&mut self, fence: bool) {
        let dead = state::LARGE | (self.parity ^ 1);
        self.large.fresh.clear();
        let (pool, large) = (&mut self.pool, &mut self.large);
        large.objects.retain(|&(first, count)| {
            let alive = pool.state(pool.address(first)) != dead;
            if !alive {
                large.blocks -= count as usize;
                pool.give_back(first, count, fence);
            }
            alive
        });
    }
}
