//! The generational plan: most objects die young, so mostly only what is young is collected.
//!
//! New objects lie in the nursery. What survives a collection of the young is copied to the aged blocks, and what survives another
//! becomes old: an object that was new a moment ago is not old for having been looked at too soon (survivor ageing; Ungar,
//! "Generation Scavenging", 1984). Where nearly all that is new survives, as while a program builds what it works on, it becomes old at
//! once: it would be copied twice for nothing. A collection of the young starts from the roots and from the old objects that were stored to
//! since ([`super::remembered`]); what it costs depends on what is young and lives, and the nursery is as large as makes that bearable. When the old have doubled,
//! everything is collected: what is old is marked where it lies, and what is young is old then.
//!
//! Invariant, at each safepoint: an old object whose header has `OLD` leads to nothing young; one without it is in a list. Big
//! objects are old when they have survived once.

use super::evacuate::{self, Actions, Evacuator, MARKED, STAYS, TO_AGED, TO_OLD};
use super::{
    Attributes, Barrier, Cause, Collection, LONGEST_ROUND, Outcome, Plan, ROUND_FOR_WORK, Room, Survey, remembered,
};
use crate::gc::spaces::{BLOCK, Generation, Moves, state};
use crate::gc::trace::Visitor;
use crate::gc::trace::roots::Which;
use crate::gc::trace::verify;

/// A collection of the young is to copy and look at not more than this, about 3 ms: the nursery is made smaller until it is so …
const MOST_WORK: usize = 3 << 20;
/// … and larger when it is a quarter of it. Where nearly all that is new survives, this much: a larger nursery would not
/// have less to copy for what it allocates.
const MOST_WORK_DIRECTLY: usize = 1 << 20;
/// The parts of the shortest round that a nursery has: the largest, the first, the smallest.
const LARGEST: usize = 1;
const FIRST: usize = 2;
const SMALLEST: usize = 8;
/// So many nurseries of the usual size several threads have at most.
const MOST_NURSERIES: usize = 8;
/// The old may grow by this much at least before everything is collected, else they may double.
const LEAST_GROWTH: usize = (8 << 20) / BLOCK;
/// Blocks that stay ready for copies.
const SPARE: usize = 32;
/// With `--gc-always` or `--gc-verify` everything is collected after so many collections of the young, too: what is new is old by then.
const MOST_YOUNG: u32 = 3;

/// How many nurseries' worth of room there is: two for each of several threads, for all of them stop at each collection, and each
/// is in the midst of something then, which survives.
fn nurseries(survey: Survey) -> usize {
    if survey.allocating < 2 { 1 } else { (2 * survey.allocating).min(MOST_NURSERIES) }
}

/// What the last collection found.
#[derive(Default)]
struct Last {
    everything: bool,
    /// Bytes that were new.
    fresh: usize,
    /// Of these, bytes that have survived, at least.
    survived: usize,
    /// Bytes that have survived once, and move to the old at the next collection.
    aged: usize,
    /// Bytes that were copied or marked.
    moved: usize,
    /// Bytes of old objects that were looked at because they were stored to.
    looked_at: usize,
}

/// So many collections go by until a longer round is tried again, the first time and at most.
const PATIENCE: (u32, u32) = (8, 512);

/// Rounds are so many times as long at most: where the program itself asks for collections, what one looks at says nothing of the length
/// of the next.
const MOST_STRETCH: usize = 128;

/// How much longer rounds are for what is remembered.
///
/// Old objects that are stored to over and over cost the same in each collection: rounds of twice the length halve that. Those that are
/// stored to in random places cost the more the longer the round. Nobody can tell beforehand: a longer round is tried, and kept where it pays.
struct Stretch {
    factor: usize,
    /// What was looked at for each byte that was allocated, before the longer round that is being tried.
    before: Option<f64>,
    /// Collections until the next trial, and how many there will be after one in vain.
    wait: u32,
    patience: u32,
}

impl Default for Stretch {
    fn default() -> Stretch {
        Stretch { factor: 1, before: None, wait: 0, patience: PATIENCE.0 }
    }
}

impl Stretch {
    /// The next round is to be so many times as long as it would be.
    fn next(&mut self, last: &Last) -> usize {
        let cost = last.looked_at as f64 / last.fresh.max(1) as f64;
        match self.before.take() {
            // A collection of everything says nothing of rounds: the trial is for another time.
            Some(_) if last.everything => self.factor /= 2,
            None if last.everything => {}
            Some(before) if cost > before * 0.75 => {
                self.factor /= 2;
                self.wait = self.patience;
                self.patience = (2 * self.patience).min(PATIENCE.1);
            }
            Some(_) => self.patience = PATIENCE.0,
            None if cost < 0.25 => self.factor = (self.factor / 2).max(1),
            None => self.wait = self.wait.saturating_sub(1),
        }
        if cost > 1.0 && self.factor < MOST_STRETCH && !last.everything && self.wait == 0 {
            self.before = Some(cost);
            self.factor *= 2;
        }
        self.factor
    }
}

/// The plan, and what it keeps between collections.
#[derive(Default)]
pub struct Generational {
    /// Old objects that lead to young ones, or may.
    remembered: Vec<usize>,
    /// So many blocks of old and large objects there may be until everything is collected.
    full_at: usize,
    /// Bytes of the nursery; 0 at first.
    nursery: usize,
    /// Nearly all that was new has survived: what is new now becomes old at once.
    directly: bool,
    stretch: Stretch,
    /// Collections of the young since everything was collected.
    young: u32,
    /// Collections of everything for the sake of tests.
    tests: u32,
    last: Last,
}

impl Plan for Generational {
    fn attributes(&self) -> Attributes {
        Attributes { name: "generational", barrier: Barrier::Remember, has_nursery: true, moves: Moves::Sparse }
    }

    fn first_round(&self, shortest: usize) -> usize {
        shortest / FIRST
    }

    unsafe fn collect(&mut self, mut collection: Collection<'_>) -> Outcome {
        self.remembered.append(&mut collection.remembered);
        let grown = collection.spaces.used() - collection.spaces.young_blocks();
        let everything = collection.cause == Cause::Everything
            || collection.visit_code.is_some()
            || grown >= self.full_at.max(LEAST_GROWTH)
            || collection.tests && self.young >= MOST_YOUNG;
        let fresh = collection.spaces.young[Generation::Nursery as usize].blocks * BLOCK;
        // SAFETY: the caller's.
        let outcome = unsafe { if everything { self.all(collection) } else { self.young(collection) } };
        let survived = if everything { 0 } else { outcome.moved_bytes.saturating_sub(self.last.aged) };
        self.directly = survived > fresh / 5 * 4;
        self.last = Last {
            everything,
            fresh,
            survived,
            aged: if everything { 0 } else { outcome.moved_bytes - outcome.promoted_bytes },
            moved: outcome.moved_bytes + outcome.marked_bytes,
            looked_at: outcome.looked_at,
        };
        outcome
    }

    fn round(&mut self, survey: Survey) -> Room {
        if self.last.everything {
            self.full_at = survey.used + survey.used.max(LEAST_GROWTH);
        }
        // Not each allocates as much as in the round before.
        Room { bytes: self.next_nursery(survey), spare: SPARE * nurseries(survey) }
    }
}

impl Generational {
    /// How much may be allocated until the next collection.
    fn next_nursery(&mut self, survey: Survey) -> usize {
        let last = &self.last;
        let most = if self.directly { MOST_WORK_DIRECTLY } else { MOST_WORK };
        let smallest = survey.shortest / SMALLEST;
        let nurseries = nurseries(survey);
        let largest = survey.shortest / LARGEST * nurseries;
        let work = last.moved + last.looked_at;
        if self.nursery == 0 {
            self.nursery = survey.shortest / FIRST;
        }
        if !last.everything && work > most {
            self.nursery = self.nursery / 8 * (8 * most / work).max(1);
        } else if work < most / 4 {
            self.nursery *= 2;
        }
        self.nursery = self.nursery.clamp(smallest, largest);
        // What is aged is copied in any case.
        let nursery = self.nursery.min((most * nurseries).saturating_sub(last.aged)).max(smallest);
        // Deep stacks are looked at each time: the more there is of them, the more rarely; but not so much survives for that.
        let beside = survey.work.saturating_sub(last.moved + last.looked_at).saturating_mul(ROUND_FOR_WORK);
        let survival = last.survived.max(1) as f64 / last.fresh.max(1) as f64;
        let stretched = nursery.saturating_mul(self.stretch.next(last));
        nursery.max(beside.max(stretched).min(LONGEST_ROUND).min((most as f64 / survival) as usize))
    }

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
                let mut old = spaces.old_ranges(shapes);
                old.extend(spaces.permanent.walked());
                verify::old_leads_to_nothing_young(spaces, shapes, places, &old);
            }
        }
        let mut actions: Actions = [STAYS; state::STATES];
        actions[state::NURSERY as usize] = if self.directly { TO_OLD } else { TO_AGED };
        actions[state::FROM as usize] = TO_OLD;
        actions[state::LARGE_NEW as usize] = MARKED;
        let from_space = [Generation::Aged, Generation::Nursery].map(|generation| spaces.flip(generation));
        let mut evacuator = Evacuator::new(spaces, shapes, actions, Some(places), None, (false, verify));
        roots(Which::Written, &mut |slot| evacuator.slot(slot));
        // SAFETY: the world is stopped; what is remembered are objects.
        unsafe {
            evacuator.new_permanent();
            remembered::scan(&mut evacuator, std::mem::take(&mut self.remembered));
        }
        evacuator.drain();
        weak(&mut evacuator, false);
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

#[cfg(test)]
mod tests {
    use super::{Last, MOST_STRETCH, Stretch};

    /// The factors of so many rounds of a program that allocates `round` bytes times the factor, of which `looked_at` are looked at. Every
    /// `full`th collection is one of everything, the others of the young.
    fn factors(rounds: usize, round: usize, full: usize, looked_at: impl Fn(usize) -> usize) -> Vec<usize> {
        let (mut stretch, mut factor) = (Stretch::default(), 1);
        let mut next = |k: usize| {
            let (fresh, everything) = (factor * round, k.is_multiple_of(full));
            let looked_at = if everything { 0 } else { looked_at(fresh) };
            factor = stretch.next(&Last { fresh, looked_at, everything, ..Last::default() });
            factor
        };
        (1..=rounds).map(&mut next).collect()
    }

    #[test]
    fn rounds_are_longer_only_where_that_pays() {
        // The same objects over and over: until no more is looked at than was allocated.
        assert_eq!(factors(100, 1 << 20, 1000, |_| 8 << 20).last(), Some(&8));
        // Objects in random places: tried ever more rarely.
        let tried = factors(1000, 1 << 20, 1001, |fresh| 3 * fresh).into_iter().filter(|factor| *factor > 1).count();
        assert!((3..10).contains(&tried), "{tried}");
        // Nothing is looked at.
        assert_eq!(factors(100, 1 << 20, 1000, |_| 0), vec![1; 100]);
        // The program asks for collections between which it allocates nothing, and less and less is looked at.
        let mut last = Last { looked_at: usize::MAX, ..Last::default() };
        let mut stretch = Stretch::default();
        for _ in 0..100 {
            assert!(stretch.next(&last) <= MOST_STRETCH);
            last.looked_at /= 2;
        }
        // A trial that a collection of everything comes into is not kept.
        assert!(factors(1000, 1 << 20, 2, |fresh| 3 * fresh).iter().all(|factor| *factor <= 2));
    }
}
