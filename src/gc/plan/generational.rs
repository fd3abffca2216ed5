//! The generational plan: most objects die young, so mostly only what is young is collected.
//!
//! New objects lie in the nursery. What survives a collection of the young is copied to the aged blocks, and what survives another
//! becomes old: an object that was new a moment ago is not old for having been looked at too soon (survivor ageing; Ungar,
//! "Generation Scavenging", 1984). A collection of the young starts from the roots and from the old objects that were stored to
//! since ([`super::remembered`]); what it costs depends on what is young and lives. When the old have grown by half, everything is
//! copied, and all of it is old then.
//!
//! Invariant, at each safepoint: an old object whose header has `OLD` leads to nothing young; one without it is in a list. Big
//! objects are old when they have survived once.

use super::evacuate::{self, Actions, Evacuator, MARKED, STAYS, TO_AGED, TO_OLD};
use super::{
    Attributes, Barrier, Cause, Collection, LONGEST_ROUND, Outcome, Plan, ROUND_FOR_WORK, Room, Survey, remembered,
};
use crate::gc::spaces::{BLOCK, Generation, Moves, state};
use crate::gc::trace::Visitor;
use crate::gc::verify;

/// The nursery is not larger than this: what survives it is copied while everybody waits.
const LARGEST_NURSERY: usize = 16 << 20;
/// The old may grow by this much at least before everything is collected …
const LEAST_GROWTH: usize = (4 << 20) / BLOCK;
/// … and as much again as there are of them, up to this; by half when there are more.
const GROWTH_BY_ALL: usize = (32 << 20) / BLOCK;
/// With `--gc-always` or `--gc-verify` everything is collected after so many collections of the young, too: what is new is old by then.
const MOST_YOUNG: u32 = 3;

/// The plan, and what it keeps between collections.
#[derive(Default)]
pub struct Generational {
    /// Old objects that lead to young ones, or may.
    remembered: Vec<usize>,
    /// So many blocks of old and large objects there may be until everything is collected.
    full_at: usize,
    /// Bytes of the nursery; 0 at first.
    nursery: usize,
    /// Collections of the young since everything was collected.
    young: u32,
    /// Collections of everything for the sake of tests.
    tests: u32,
    /// What the last collection has copied or marked, and whether it was one of the young.
    moved: usize,
    everything: bool,
}

impl Plan for Generational {
    fn attributes(&self) -> Attributes {
        Attributes { name: "generational", barrier: Barrier::Remember, has_nursery: true, moves: Moves::Sparse }
    }

    unsafe fn collect(&mut self, mut collection: Collection<'_>) -> Outcome {
        self.remembered.append(&mut collection.remembered);
        let grown = collection.spaces.used() - collection.spaces.young_blocks();
        self.everything = collection.cause == Cause::Everything
            || collection.visit_code.is_some()
            || grown >= self.full_at.max(LEAST_GROWTH)
            || collection.tests && self.young >= MOST_YOUNG;
        // SAFETY: the caller's.
        let outcome = unsafe { if self.everything { self.all(collection) } else { self.young(collection) } };
        self.moved = outcome.moved_bytes + outcome.marked_bytes;
        outcome
    }

    fn round(&mut self, survey: Survey) -> Room {
        if self.everything {
            let growth = survey.used.clamp(LEAST_GROWTH, GROWTH_BY_ALL).max(survey.used / 2);
            self.full_at = survey.used + growth;
            // With little alive, a large nursery is memory that others could use.
            self.nursery = self.nursery.min(survey.used * BLOCK / 4);
        } else if self.moved > self.nursery / 4 {
            self.nursery *= 2;
        } else if self.moved < self.nursery / 16 {
            self.nursery /= 2;
        }
        self.nursery = self.nursery.min(LARGEST_NURSERY).max(survey.shortest);
        // Deep stacks are looked at each time, and so is what is stored to over and over: the more, the more rarely.
        let beside = survey.work.saturating_sub(self.moved).saturating_mul(ROUND_FOR_WORK).min(LONGEST_ROUND);
        Room { bytes: self.nursery.max(beside), spare: self.nursery / BLOCK / 2 + 32 }
    }
}

impl Generational {
    /// Collects what is young.
    ///
    /// # Safety
    /// As for [`Plan::collect`].
    unsafe fn young(&mut self, collection: Collection<'_>) -> Outcome {
        let Collection { spaces, shapes, roots, weak, verify, places, .. } = collection;
        self.young += 1;
        if verify {
            // SAFETY: the world is stopped, and these are all old objects.
            unsafe {
                let old = spaces.old_ranges(shapes);
                verify::old_leads_to_nothing_young(spaces, shapes, places, &old);
            }
        }
        let mut actions: Actions = [STAYS; state::STATES];
        actions[state::NURSERY as usize] = TO_AGED;
        actions[state::FROM as usize] = TO_OLD;
        actions[state::LARGE_NEW as usize] = MARKED;
        let from_space = [Generation::Aged, Generation::Nursery].map(|generation| spaces.flip(generation));
        let mut evacuator = Evacuator::new(spaces, shapes, actions, Some(places), None, (false, verify));
        roots(&mut |slot| evacuator.slot(slot));
        // SAFETY: the world is stopped; what is remembered are objects.
        unsafe {
            evacuator.permanent();
            remembered::scan(&mut evacuator, std::mem::take(&mut self.remembered));
        }
        evacuator.drain();
        weak(&|address| evacuator.survivor(address));
        let (outcome, remembered) = evacuator.end();
        self.remembered = remembered;
        if spaces.large.fresh > 0 {
            spaces.sweep_large(false, verify);
        }
        from_space.into_iter().for_each(|runs| spaces.give_back(runs, verify));
        outcome
    }

    /// Collects everything.
    ///
    /// # Safety
    /// As for [`Plan::collect`].
    unsafe fn all(&mut self, collection: Collection<'_>) -> Outcome {
        self.young = 0;
        let mut moves = Moves::Sparse;
        if collection.tests {
            // A stale pointer is found when what it leads to has moved; that nothing else is wrong, when it stays.
            self.tests += 1;
            moves = if self.tests.is_multiple_of(4) { Moves::Sparse } else { Moves::Everything };
        }
        // SAFETY: the caller's; what is remembered are objects.
        unsafe {
            remembered::forget(&mut self.remembered);
            evacuate::everything(collection, moves, true)
        }
    }
}
