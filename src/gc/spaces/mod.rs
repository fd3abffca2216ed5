//! Where objects lie: one reserved range of addresses, cut into blocks, and the spaces that own blocks.
//!
//! Owns block states and the accounting of what is in use. Must not know roots, threads or when to collect.
//!
//! | space | its objects |
//! | --- | --- |
//! | [`copy`] | are young, and move at each collection |
//! | [`old`] | are marked where they lie, and move when their block is given up |
//! | [`large`] | are too large to be moved: marked where they lie |
//! | [`permanent`] | never move, never die; all their slots are roots |

pub mod copy;
pub mod large;
pub mod old;
pub mod permanent;
pub mod pool;

pub use copy::Generation;
pub use old::Moves;
pub use pool::{BLOCK, BLOCK_SHIFT, CARD, CARD_SHIFT, LINE_SHIFT, Pool, poison};

use crate::injection::{Asked, refused};

/// What a block is used for, as the block table says.
pub mod state {
    /// Nobody's.
    pub const FREE: u8 = 0;
    /// The old space.
    pub const OLD: u8 = 2;
    /// During a collection: all that lives here moves to the old space.
    pub const FROM: u8 = 3;
    /// The block in which a large object starts.
    pub const LARGE: u8 = 4;
    /// A further block of a large object.
    pub const LARGE_REST: u8 = 6;
    /// Permanent space.
    pub const PERMANENT: u8 = 7;
    /// What has survived one collection of the young.
    pub const AGED: u8 = 8;
    /// What is new.
    pub const NURSERY: u8 = 10;
    /// The block in which a large object starts that was made since the last collection, where there is a nursery.
    pub const LARGE_NEW: u8 = 12;
    /// States are less than this, a power of two.
    pub const STATES: usize = 16;

    /// Is what lies there young?
    #[inline]
    pub const fn is_young(state: u8) -> bool {
        state >= AGED
    }
}

/// All spaces and their accounts, behind the heap's lock.
pub struct Spaces {
    /// The blocks.
    pub pool: Pool,
    /// What is young.
    pub young: [copy::CopySpace; 2],
    /// What is old, or all that is not large.
    pub old: old::OldSpace,
    /// New objects are young.
    pub has_nursery: bool,
    /// Several threads allocate: see [`Spaces::home`].
    pub several: bool,
    /// What a collection of everything may move.
    pub moves: Moves,
    /// Objects too large to move.
    pub large: large::LargeSpace,
    /// Objects that stay.
    pub permanent: permanent::PermanentSpace,
    /// Blocks in use (without the permanent space) at which the next collection is due.
    pub budget: usize,
    /// The most blocks that may be in use.
    pub max_blocks: usize,
    /// Blocks' worth of memory outside that counts against them.
    pub kept_outside: usize,
    /// Bytes handed out so far, by whoever takes room.
    pub allocated_bytes: u64,
}

impl Spaces {
    /// Blocks in use that a collection could free; of the old space what is in use of blocks.
    pub fn used(&self) -> usize {
        self.young_blocks() + self.old.bytes.div_ceil(BLOCK) + self.large.blocks
    }

    /// The most blocks that may be in use beside what is kept outside.
    pub fn limit(&self) -> usize {
        self.max_blocks.saturating_sub(self.kept_outside)
    }

    /// A run of blocks for other things than copies, which have room reserved: see [`pool::Pool::take`].
    fn take_run(&mut self, count: usize, state: u8, room_for: usize) -> Option<u32> {
        self.take_run_near(count, state, room_for, 0)
    }

    /// The same, from this block on if there are any.
    fn take_run_near(&mut self, count: usize, state: u8, room_for: usize, near: u32) -> Option<u32> {
        if refused(Asked::Heap) { None } else { self.pool.take_near(count, state, room_for, near) }
    }

    /// Whether `more` blocks would go beyond `limit`.
    pub fn beyond(&self, more: usize, limit: usize) -> bool {
        self.used().saturating_add(more) > limit
    }
}
