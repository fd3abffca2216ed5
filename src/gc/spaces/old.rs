//! The old space: objects are marked where they lie, what is free between them is handed out, and blocks with little in them are
//! given up, that is, what lives there is copied.
//!
//! Owns marks and lines (`pool.rs` has the tables) and the free runs. Under `generational` it has what is old; where there is
//! no nursery, all that is not large. Mark-region collection: Blackburn, McKinley, "Immix", PLDI 2008.
//!
//! Invariants: what lives here has its mark from the time it is copied, or first reached; what threads have made since everything was
//! collected has none. A free run has no part of an object. So objects are found by marks, never by walking over a block.

use super::copy::{SMALL, for_copies_of};
use super::pool::{LINE, LINES};
use super::{BLOCK, BLOCK_SHIFT, CARD, Spaces, poison, state};
use crate::object::shapes::ShapeTable;

/// A free run that is shorter is left alone.
const SHORTEST: usize = 2 * LINE;
/// A thread gets none that is shorter, unless it wants no more.
const SHORTEST_BUFFER: usize = 8 * LINE;
/// Blocks that are taken at a time for what is not small.
const MIDDLING_RUN: usize = 16;
/// Free runs by the logarithm of their length, which is less than twice `MIDDLING_RUN` blocks.
const CLASSES: usize = (BLOCK * MIDDLING_RUN).ilog2() as usize + 1;
/// A block of which not more lines are in use is sparse.
const SPARSE: u16 = (LINES / 2) as u16;

/// What a collection of everything moves, of what lies here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moves {
    /// Nothing.
    Nothing,
    /// What lies in sparse blocks, so that memory does not stay in pieces.
    Sparse,
    /// Everything.
    Everything,
}

/// The space.
#[derive(Default)]
pub struct OldSpace {
    /// Blocks in use.
    pub blocks: usize,
    /// Bytes of lines in use when everything was collected, and of what was handed out since.
    pub bytes: usize,
    /// Free runs, from address to address, by class.
    runs: [Vec<(usize, usize)>; CLASSES],
    /// Of each block of the range: lines in use when everything was collected; all of them once a free run of it was handed out.
    in_use: Vec<u16>,
}

fn class(bytes: usize) -> usize {
    (bytes.ilog2() as usize).min(CLASSES - 1)
}

impl OldSpace {
    /// A free run of at least so many bytes; of several, one of the shortest.
    fn take(&mut self, bytes: usize) -> Option<(usize, usize)> {
        let lowest = class(bytes);
        let fits = |run: &mut (usize, usize)| run.1 - run.0 >= bytes;
        let run = self.runs[lowest].pop_if(fits);
        run.or_else(|| self.runs[lowest + 1..].iter_mut().find_map(Vec::pop))
    }

    /// What is left of a run that was handed out.
    pub fn give(&mut self, from: usize, to: usize) {
        if to - from >= SHORTEST {
            self.bytes -= to - from;
            self.runs[class(to - from)].push((from, to));
        }
    }
}

impl Spaces {
    /// Room for objects in a free run or in new blocks, with at least `bytes` bytes: from address to address. `limit` is that of
    /// who makes objects; none of who copies, for whom there is room in any case.
    fn old_room(&mut self, bytes: usize, limit: Option<usize>) -> Option<(usize, usize)> {
        let (from, to) = match self.old.take(bytes) {
            Some(run) => run,
            None => self.new_run(bytes, limit)?,
        };
        self.old.bytes += to - from;
        let blocks = (from - self.pool.base()) >> BLOCK_SHIFT..=(to - 1 - self.pool.base()) >> BLOCK_SHIFT;
        self.old.in_use[blocks].fill(LINES as u16);
        Some((from, to))
    }

    /// A run of new blocks.
    fn new_run(&mut self, bytes: usize, limit: Option<usize>) -> Option<(usize, usize)> {
        let least = bytes.div_ceil(BLOCK);
        let most = if bytes > SMALL { MIDDLING_RUN.max(least) } else { least };
        let (first, count) = [most, least].into_iter().find_map(|count| {
            let first = match limit {
                // What others have to leave is there: the system is not asked for it.
                Some(limit) if limit > self.max_blocks => self.pool.take(count, state::OLD, self.room_for_copies(0)),
                Some(_) => self.take_run(count, state::OLD, self.room_for_copies(count)),
                None => self.pool.take(count, state::OLD, 0),
            };
            Some((first?, count))
        })?;
        self.old.blocks += count;
        self.old.in_use.resize(self.pool.frontier().max(self.old.in_use.len()), 0);
        for block in first..first + count as u32 {
            self.pool.marks_of(block).fill(0);
            self.pool.lines_of(block).fill(0);
        }
        let from = self.pool.address(first);
        Some((from, from + (count << BLOCK_SHIFT)))
    }

    /// Room for a buffer, which is not longer than a block.
    fn old_buffer(&mut self, bytes: usize, limit: Option<usize>) -> Option<(usize, usize)> {
        let (from, to) = self.old_room(bytes, limit)?;
        let end = to.min(from + BLOCK);
        self.old.give(end, to);
        Some((from, end))
    }

    /// Room for an object that is not small. No card belongs to two of them, so that what is said of one is not taken for the
    /// other.
    fn old_place(&mut self, bytes: usize, limit: Option<usize>) -> Option<usize> {
        let (from, to) = self.old_room(bytes + CARD, limit)?;
        let address = from.next_multiple_of(CARD);
        self.old.give(address + bytes, to);
        Some(address)
    }

    /// Room for a thread's buffer, if that does not go beyond `limit` blocks.
    pub(super) fn take_old_buffer(&mut self, bytes: usize, limit: usize) -> Option<(usize, usize)> {
        if self.beyond(1, limit) { None } else { self.old_buffer(bytes.max(SHORTEST_BUFFER), Some(limit)) }
    }

    /// Room for a new object that is not small, if that does not go beyond `limit` blocks.
    pub(super) fn take_old_middling(&mut self, bytes: usize, limit: usize) -> Option<usize> {
        if self.beyond(bytes.div_ceil(BLOCK), limit) { None } else { self.old_place(bytes, Some(limit)) }
    }

    /// Room for copies, during a collection: the reserve guarantees it.
    pub fn old_buffer_for_copies(&mut self, bytes: usize) -> (usize, usize) {
        self.old_buffer(bytes, None).unwrap_or_else(|| super::copy::reserve_is_gone())
    }

    /// Room for a copy that is not small.
    pub fn old_place_for_copy(&mut self, bytes: usize) -> usize {
        self.old_place(bytes, None).unwrap_or_else(|| super::copy::reserve_is_gone())
    }

    fn old_blocks(&self) -> impl Iterator<Item = u32> + use<> {
        let is_old: Vec<u32> = (0..self.pool.frontier() as u32)
            .filter(|&block| self.pool.state(self.pool.address(block)) == state::OLD)
            .collect();
        is_old.into_iter()
    }

    /// Begins a collection of everything: nothing is marked, and blocks from which everything is to move are from-space.
    pub fn begin_marking(&mut self, moves: Moves) {
        let given_up = match moves {
            Moves::Nothing => Vec::new(),
            Moves::Sparse => self.sparse_blocks(),
            Moves::Everything => self.old_blocks().collect(),
        };
        for block in self.old_blocks() {
            self.pool.marks_of(block).fill(0);
            self.pool.lines_of(block).fill(0);
        }
        for place in 0..self.large.objects.len() {
            self.pool.marks_of(self.large.objects[place].0)[0] = 0;
        }
        let bytes: usize = given_up.iter().map(|&block| usize::from(self.old.in_use[block as usize]) * LINE).sum();
        if self.has_nursery && !self.pool.has_room(for_copies_of(self.young_blocks() + bytes.div_ceil(BLOCK))) {
            return;
        }
        given_up.iter().for_each(|&block| self.pool.set_state(block, state::FROM));
        let pool = &self.pool;
        let stays = |&(from, to): &(usize, usize)| (from..to).step_by(LINE).all(|at| pool.state(at) == state::OLD);
        if !given_up.is_empty() {
            self.old.runs.iter_mut().for_each(|runs| runs.retain(stays));
        }
    }

    /// The blocks that are worth to be given up: the emptiest, if much is in pieces, and as many as are copied in little time.
    fn sparse_blocks(&self) -> Vec<u32> {
        let room = self.old.blocks << BLOCK_SHIFT;
        let mut sparse: Vec<(u16, u32)> = self
            .old_blocks()
            .map(|block| (self.old.in_use[block as usize], block))
            .filter(|it| it.0 <= SPARSE)
            .collect();
        if room.saturating_sub(self.old.bytes) < room / 8 + BLOCK {
            return Vec::new();
        }
        sparse.sort_unstable();
        let mut left = self.old.bytes / 2 + BLOCK;
        let fits = |(lines, block): (u16, u32)| {
            left = left.checked_sub(usize::from(lines) * LINE)?;
            Some(block)
        };
        sparse.into_iter().map_while(fits).collect()
    }

    /// Ends a collection of everything: blocks without anything in use go back, and what is free in others is known. What lies in
    /// from-space is there because it began in a block that was not given up.
    pub fn sweep_old(&mut self, fence: bool) {
        self.old.runs.iter_mut().for_each(Vec::clear);
        self.old.in_use.resize(self.pool.frontier().max(self.old.in_use.len()), 0);
        self.old.bytes = 0;
        let mut free: Option<(u32, u32)> = None;
        // The lowest are handed out first.
        for block in (0..self.pool.frontier() as u32).rev() {
            if !matches!(self.pool.state(self.pool.address(block)), state::OLD | state::FROM) {
                continue;
            }
            let in_use: usize = self.pool.lines_of(block).iter().map(|&line| usize::from(line)).sum();
            self.old.in_use[block as usize] = in_use as u16;
            if in_use > 0 {
                self.pool.set_state(block, state::OLD);
                self.old.bytes += in_use * LINE;
                self.note_free_runs(block, fence);
                continue;
            }
            self.old.blocks -= 1;
            free = match free {
                Some((first, count)) if first == block + 1 => Some((block, count + 1)),
                Some((first, count)) => {
                    self.pool.give_back(first, count, fence);
                    Some((block, 1))
                }
                None => Some((block, 1)),
            };
        }
        if let Some((first, count)) = free {
            self.pool.give_back(first, count, fence);
        }
    }

    /// Notes what is free in a block of which something is in use.
    fn note_free_runs(&mut self, block: u32, fence: bool) {
        let address = self.pool.address(block);
        let lines = self.pool.lines_of(block);
        let mut at = 0;
        while let Some(free) = lines[at..].iter().position(|&line| line == 0) {
            let first = at + free;
            at = lines[first..].iter().position(|&line| line != 0).map_or(LINES, |count| first + count);
            let (from, to) = (address + first * LINE, address + at * LINE);
            if to - from >= SHORTEST {
                self.old.runs[class(to - from)].push((from, to));
            }
            if fence {
                // SAFETY: free lines: nobody's.
                unsafe { poison(from, to) };
            }
        }
    }

    /// Where objects with marks lie side by side.
    ///
    /// # Safety
    /// The world must be stopped, and no collection be under way.
    pub unsafe fn old_ranges(&mut self, shapes: ShapeTable) -> Vec<(usize, usize)> {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for block in self.old_blocks() {
            let first = self.pool.address(block);
            for (i, &marks) in self.pool.marks_of(block).iter().enumerate() {
                let mut marks = marks;
                while marks != 0 {
                    let address = first + 8 * (64 * i + marks.trailing_zeros() as usize);
                    marks &= marks - 1;
                    // SAFETY: the space's invariant: an object with a mark is complete.
                    let end = address + unsafe { crate::gc::trace::size(shapes, address, *(address as *const u64)) };
                    match ranges.last_mut() {
                        Some(last) if last.1 == address => last.1 = end,
                        _ => ranges.push((address, end)),
                    }
                }
            }
        }
        ranges
    }
}
