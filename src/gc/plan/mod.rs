//! Plans: what becomes of what is reached, and when to collect again.
//!
//! A plan says which objects a collection moves and where to, how much may be allocated until the next one, and what generated
//! code must do for it ([`Attributes`]). Roots, layouts, the walk over frames, the tracing loop and the copying are shared; the
//! world is stopped while a plan works.
//!
//! | plan | its idea |
//! | --- | --- |
//! | [`compacting`] | everything moves, every time |
//! | [`mark_sweep`] | nothing moves: what is not marked is free |
//! | [`generational`] | what is young is copied, and twice-survived is old; stores into old objects are remembered |

pub mod compacting;
pub(super) mod evacuate;
pub mod generational;
pub mod mark_sweep;
pub(super) mod remembered;

pub use remembered::Places;

use super::spaces::{Moves, Spaces};
use crate::gc::trace::roots::Which;
use crate::object::shapes::ShapeTable;

/// Calls a function with the address of each root.
pub type Roots<'a> = &'a mut dyn FnMut(Which, &mut dyn FnMut(*mut u64));

/// Why there is a collection, and so which it must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The budget is used up: what the plan thinks best.
    Budget,
    /// All that is dead is to be freed: somebody asked for it, or the heap is full, or wants to know all that is reached.
    Everything,
}

/// What whoever holds words that keep nothing alive may ask when all is reached from the roots.
pub trait Survivors {
    /// Where an object of an address is now: nowhere when it was not reached.
    fn survivor(&self, address: usize) -> Option<usize>;
    /// Reaches what a word leads to, all of it, and follows it there. The objects that were reached only now, by the addresses that they had;
    /// none where nobody asks (`quietly`).
    fn keep(&mut self, slot: *mut u64, quietly: bool) -> Vec<usize>;
    /// Is what lives there young, so that the next collection of the young may move or free it?
    fn is_young(&self, address: usize) -> bool;
}

/// What a collection works on.
pub struct Collection<'a> {
    /// Why.
    pub cause: Cause,
    /// The spaces.
    pub spaces: &'a mut Spaces,
    /// What stores know of places.
    pub places: &'a Places,
    /// The layouts.
    pub shapes: ShapeTable,
    /// The roots; each is visited once. Of root ranges those that were written suffice where only what is young is collected.
    pub roots: Roots<'a>,
    /// The old objects that were stored to since the last collection.
    pub remembered: Vec<usize>,
    /// Told the `Code` of each function that is reached.
    pub visit_code: Option<&'a (dyn Fn(usize) + Send + Sync)>,
    /// Called when all is reached from the roots, with who knows of each object what became of it, and whether everything was
    /// looked at or what is young alone.
    pub weak: &'a mut dyn FnMut(&mut dyn Survivors, bool),
    /// Check everything.
    pub verify: bool,
    /// Mistakes are looked for: everything is to move now and then.
    pub tests: bool,
}

/// What a collection did.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Did it look at everything, or at what is young alone?
    pub everything: bool,
    /// Bytes copied.
    pub moved_bytes: usize,
    /// Bytes marked where they lie.
    pub marked_bytes: usize,
    /// Those of them that have become old, when only what is young was looked at.
    pub promoted_bytes: usize,
    /// Bytes of old objects that were looked at because they were stored to.
    pub looked_at: usize,
    /// Where living objects that are young lie side by side.
    pub ranges: Vec<(usize, usize)>,
}

/// What must be done with a store to an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Barrier {
    /// Nothing.
    None,
    /// After a pointer was stored into an object with the flag [`crate::object::layout::OLD`]: call [`crate::gc::mutator::slow::remember`].
    Remember,
}

/// What generated code, and whoever allocates, must know of a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attributes {
    /// As `--gc=` names it.
    pub name: &'static str,
    /// What must be done with a store to an object.
    pub barrier: Barrier,
    /// New objects lie in a nursery.
    pub has_nursery: bool,
    /// What may move, of what is old, or of everything where there is no nursery.
    pub moves: Moves,
}

/// What a plan is told when it says how long the next round is.
#[derive(Clone, Copy, Debug)]
pub struct Survey {
    /// The shortest round that there is, in bytes.
    pub shortest: usize,
    /// What the last collection has gone through, in bytes.
    pub work: usize,
    /// Blocks in use.
    pub used: usize,
    /// So many threads have allocated in the last round.
    pub allocating: usize,
}

/// How long the next round is, and what the one after it will need.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// So many bytes may be allocated until the next collection.
    pub bytes: usize,
    /// Besides what is in use then, so many blocks keep their memory.
    pub spare: usize,
}

/// A round allocates so many times what the collection before it went through: then collecting takes a small part of the time
/// that allocating takes.
const ROUND_FOR_WORK: usize = 8;
/// And not more than this, unless more than this lives.
const LONGEST_ROUND: usize = 64 << 20;

/// Where there is no nursery: bytes that are allocated until the next collection, after one that has gone through `work` bytes, of which
/// `live` have survived it. A short round stays in the processor's caches and touches few pages: with little alive it is best.
fn round_of_all(shortest: usize, work: usize, live: usize) -> usize {
    work.saturating_mul(ROUND_FOR_WORK).min(LONGEST_ROUND).max(shortest).max(live)
}

/// A plan.
pub trait Plan: Send {
    /// What others must know.
    fn attributes(&self) -> Attributes;
    /// Frees what cannot be reached, or, when nothing else is asked for, as much of it as pays.
    ///
    /// # Safety
    /// The world must be stopped, and the roots be complete.
    unsafe fn collect(&mut self, collection: Collection<'_>) -> Outcome;
    /// Bytes that may be allocated until the first collection.
    fn first_round(&self, shortest: usize) -> usize {
        shortest
    }
    /// After a collection: what may be allocated until the next.
    fn round(&mut self, survey: Survey) -> Room;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_as_long_as_collecting_is_dear() {
        let shortest = 4 << 20;
        assert_eq!(round_of_all(shortest, 0, 0), shortest);
        assert_eq!(round_of_all(shortest, 2 << 20, 1 << 20), 16 << 20);
        // Much that is looked at, little that lives.
        assert_eq!(round_of_all(shortest, usize::MAX, 1 << 20), LONGEST_ROUND);
        // As much again as lives.
        assert_eq!(round_of_all(shortest, 200 << 20, 200 << 20), 200 << 20);
    }
}
