//! The space of objects that never move and never die: bindings, shared strings. Generated code holds their addresses.
//!
//! All their slots are roots, so the space is walked at each collection: an object must be complete before another thread
//! can collect, which holds because its maker does not stop in between.

use super::{BLOCK, BLOCK_SHIFT, Spaces, state};

/// The space.
#[derive(Default)]
pub struct PermanentSpace {
    /// Filled parts of its runs: from address to address, objects side by side.
    filled: Vec<(usize, usize)>,
    cursor: usize,
    limit: usize,
}

/// Blocks that are taken at a time.
const RUN: usize = 4;

impl Spaces {
    /// Room for a permanent object.
    pub fn take_permanent(&mut self, bytes: usize) -> Option<usize> {
        if bytes > self.permanent.limit - self.permanent.cursor {
            let count = bytes.div_ceil(BLOCK).max(RUN);
            let first = self.take_run(count, state::PERMANENT, self.copy_reserve())?;
            let address = self.pool.address(first);
            self.permanent.cursor = address;
            self.permanent.limit = address + (count << BLOCK_SHIFT);
            self.permanent.filled.push((address, address));
        }
        let address = self.permanent.cursor;
        self.permanent.cursor += bytes;
        if let Some(last) = self.permanent.filled.last_mut() {
            last.1 = self.permanent.cursor;
        }
        Some(address)
    }
}

impl PermanentSpace {
    /// The parts that hold objects.
    pub fn filled(&self) -> &[(usize, usize)] {
        &self.filled
    }
}
