//! The space of large objects: each has its own run of blocks, is marked where it lies and freed as a whole.
//!
//! Where there is a nursery a new object is young, and its first block has a state of its own, until the first collection that it
//! survives.

use super::{BLOCK, Spaces, state};

/// The space.
#[derive(Default)]
pub struct LargeSpace {
    /// First block, blocks.
    pub objects: Vec<(u32, u32)>,
    /// Blocks in use.
    pub blocks: usize,
    /// How many objects are young.
    pub fresh: usize,
    /// How many might have been made here, under stress.
    pub asked: usize,
}

impl Spaces {
    /// Room for a large object, if that does not go beyond `limit` blocks.
    pub fn take_large(&mut self, bytes: usize, limit: usize) -> Option<usize> {
        let count = bytes.div_ceil(BLOCK);
        if self.beyond(count, limit) {
            return None;
        }
        let first = self.take_run(count, state::LARGE_REST, self.copy_reserve())?;
        self.pool.set_state(first, if self.has_nursery { state::LARGE_NEW } else { state::LARGE });
        self.pool.marks_of(first)[0] = 0;
        self.large.fresh += usize::from(self.has_nursery);
        self.large.objects.push((first, count as u32));
        self.large.blocks += count;
        Some(self.pool.address(first))
    }

    /// Frees what was not marked: of everything, or of what is young.
    pub fn sweep_large(&mut self, everything: bool, fence: bool) {
        self.large.fresh = 0;
        let (pool, large) = (&mut self.pool, &mut self.large);
        large.objects.retain(|&(first, count)| {
            let was_asked = everything || pool.state(pool.address(first)) == state::LARGE_NEW;
            let alive = !was_asked || pool.marks_of(first)[0] != 0;
            if alive {
                pool.set_state(first, state::LARGE);
            } else {
                large.blocks -= count as usize;
                pool.give_back(first, count, fence);
            }
            alive
        });
    }
}
