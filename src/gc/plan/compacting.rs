//! The compacting plan: everything moves, every time.
//!
//! Choose it to test everybody's bookkeeping, a pointer that the maps do not know being stale after the next collection, and where
//! a program spends its time in stores to old objects: it needs no barrier.

use super::evacuate::{Evacuator, MARKED, STAYS, TO_OLD};
use super::{Attributes, Barrier, Collection, Outcome, Plan, Room, Survey};
use crate::gc::spaces::{BLOCK, Generation, state};
use crate::gc::trace::Visitor;

/// The plan; it keeps nothing between collections.
#[derive(Default)]
pub struct Compacting;

/// A round allocates so many times what the collection before it went through: then collecting takes a small part of the time
/// that allocating takes.
const ROUND_FOR_WORK: usize = 8;
/// And not more than this, unless more than this lives.
const LONGEST_ROUND: usize = 64 << 20;

/// Bytes that are allocated until the next collection, after one that has gone through `work` bytes, of which `live` have survived
/// it. A short round stays in the processor's caches and touches few pages: with little alive it is best.
fn round(shortest: usize, work: usize, live: usize) -> usize {
    work.saturating_mul(ROUND_FOR_WORK).min(LONGEST_ROUND).max(shortest).max(live)
}

impl Plan for Compacting {
    fn attributes(&self) -> Attributes {
        Attributes { name: "compacting", barrier: Barrier::None, allocates_in: Generation::Old }
    }

    unsafe fn collect(&mut self, collection: Collection<'_>) -> Outcome {
        let Collection { spaces, shapes, roots, visit_code, weak, verify, .. } = collection;
        let mut actions = [STAYS; state::STATES];
        actions[spaces.state_of(Generation::Old) as usize] = TO_OLD;
        actions[(state::LARGE | spaces.parity) as usize] = MARKED;
        let from_space = spaces.flip(Generation::Old);
        let mut evacuator = Evacuator::new(spaces, shapes, actions, None, visit_code, verify);
        roots(&mut |slot| evacuator.slot(slot));
        // SAFETY: the caller's: the world is stopped.
        unsafe { evacuator.permanent() };
        evacuator.drain();
        weak(&|address| evacuator.survivor(address));
        evacuator.retire(TO_OLD);
        let [target, _] = std::mem::take(&mut evacuator.targets);
        let moved_bytes = evacuator.moved_bytes;
        spaces.leave_rest(target.cursor, target.limit);
        spaces.sweep_large(verify);
        spaces.give_back(from_space, verify);
        Outcome { everything: true, moved_bytes, promoted_bytes: 0, looked_at: 0, ranges: target.ranges }
    }

    fn round(&mut self, survey: Survey) -> Room {
        let live = survey.used;
        // What it then takes to copy as much as survives now, and a little.
        Room { bytes: round(survey.shortest, survey.work, live * BLOCK), spare: live + live / 2 + 32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_as_long_as_collecting_is_dear() {
        let shortest = 4 << 20;
        assert_eq!(round(shortest, 0, 0), shortest);
        assert_eq!(round(shortest, 2 << 20, 1 << 20), 16 << 20);
        // Much that is looked at, little that lives.
        assert_eq!(round(shortest, usize::MAX, 1 << 20), LONGEST_ROUND);
        // As much again as lives.
        assert_eq!(round(shortest, 200 << 20, 200 << 20), 200 << 20);
    }
}
