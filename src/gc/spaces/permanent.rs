//! The space of objects that never move and never die: bindings, shared strings. Generated code holds their addresses.
//!
//! All their slots are roots: a collection of everything walks the space, one of the young what is new in it, for the rest counts as old.
//! An object must be complete before another thread can collect, which holds because its maker does not stop in between.

use super::{BLOCK, BLOCK_SHIFT, Spaces, state};

/// The space.
#[derive(Default)]
pub struct PermanentSpace {
    /// Filled parts of its runs: from address to address, objects side by side.
    filled: Vec<(usize, usize)>,
    /// To where each of these was walked by a collection of the young.
    walked: Vec<usize>,
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

    /// The parts that count as old.
    pub fn walked(&self) -> impl Iterator<Item = (usize, usize)> {
        self.filled.iter().zip(&self.walked).map(|(&(from, _), &walked)| (from, walked))
    }

    /// The parts that were filled since this was asked last.
    pub fn take_new(&mut self) -> Vec<(usize, usize)> {
        self.walked.extend(self.filled.iter().skip(self.walked.len()).map(|&(from, _)| from));
        let parts = self.walked.iter_mut().zip(&self.filled);
        parts.map(|(walked, &(_, to))| (std::mem::replace(walked, to), to)).filter(|(from, to)| from < to).collect()
    }
}
