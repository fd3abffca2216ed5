//! Where objects lie: one reserved range of addresses, cut into blocks, and the spaces that own blocks.
//!
//! Owns block states and the accounting of what is in use. Must not know roots, threads or when to collect.
//!
//! | space | its objects |
//! | --- | --- |
//! | [`copy`] | move at every collection of the compacting collector |
//! | [`large`] | are too large to be moved: marked where they lie |
//! | [`permanent`] | never move, never die; all their slots are roots |

pub mod copy;
pub mod large;
pub mod permanent;
pub mod pool;

pub use pool::{BLOCK, BLOCK_SHIFT, Pool, poison};

use crate::injection::{Asked, refused};

/// What a block is used for, as the block table says. Two states of a space alternate: at a collection the state of the
/// last one means "not yet reached".
pub mod state {
    /// Nobody's.
    pub const FREE: u8 = 0;
    /// Copy space, in the even state; the odd one is 1 more.
    pub const COPY: u8 = 2;
    /// The block in which a large object starts, in the even state; the odd one is 1 more.
    pub const LARGE: u8 = 4;
    /// A further block of a large object.
    pub const LARGE_REST: u8 = 6;
    /// Permanent space.
    pub const PERMANENT: u8 = 7;
}

/// All spaces and their accounts, behind the heap's lock.
pub struct Spaces {
    /// The blocks.
    pub pool: Pool,
    /// Objects that move.
    pub copy: copy::CopySpace,
    /// Objects too large to move.
    pub large: large::LargeSpace,
    /// Objects that stay.
    pub permanent: permanent::PermanentSpace,
    /// 0 or 1: which of two alternating states is the present one.
    pub parity: u8,
    /// Blocks in use (without the permanent space) at which the next collection is due.
    pub budget: usize,
    /// The most blocks that may be in use.
    pub max_blocks: usize,
    /// Bytes handed out so far, by whoever takes room.
    pub allocated_bytes: u64,
}

impl Spaces {
    /// Blocks in use that a collection could free.
    pub fn used(&self) -> usize {
        self.copy.blocks + self.large.blocks
    }

    /// A run of blocks for other things than copies, which have room reserved: see [`pool::Pool::take`].
    fn take_run(&mut self, count: usize, state: u8, room_for: usize) -> Option<u32> {
        if refused(Asked::Heap) { None } else { self.pool.take(count, state, room_for) }
    }

    /// Whether `more` blocks would go beyond `limit`.
    pub fn beyond(&self, more: usize, limit: usize) -> bool {
        self.used().saturating_add(more) > limit
    }
}
