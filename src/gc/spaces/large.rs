//! The space of large objects: each has its own run of blocks, is marked where it lies and freed as a whole.
//!
//! Mark: the state of the first block, which alternates like that of the old generation. Where there are generations a new object
//! is young, and has a state of its own, until the first collection that it survives.

use super::{BLOCK, Generation, Spaces, state};

/// The space.
#[derive(Default)]
pub struct LargeSpace {
    /// First block, blocks.
    pub objects: Vec<(u32, u32)>,
    /// Blocks in use.
    pub blocks: usize,
    /// How many of them are young.
    pub fresh: usize,
}

impl Spaces {
    /// Room for a large object, if that does not go beyond `limit` blocks.
    pub fn take_large(&mut self, bytes: usize, limit: usize) -> Option<usize> {
        let count = bytes.div_ceil(BLOCK);
        if self.beyond(count, limit) {
            return None;
        }
        let first = self.take_run(count, state::LARGE_REST, self.copy_reserve())?;
        let is_young = self.allocates_in == Generation::Nursery;
        self.pool.set_state(first, if is_young { state::LARGE_NEW } else { state::LARGE | self.parity });
        self.large.fresh += usize::from(is_young);
        self.large.objects.push((first, count as u32));
        self.large.blocks += count;
        Some(self.pool.address(first))
    }

    /// Frees what was not marked: after a collection of the young, what is young.
    pub fn sweep_large(&mut self, fence: bool) {
        let dead = [state::LARGE | (self.parity ^ 1), state::LARGE_NEW];
        self.large.fresh = 0;
        let (pool, large) = (&mut self.pool, &mut self.large);
        large.objects.retain(|&(first, count)| {
            let alive = !dead.contains(&pool.state(pool.address(first)));
            if !alive {
                large.blocks -= count as usize;
                pool.give_back(first, count, fence);
            }
            alive
        });
    }
}
