//! The compacting plan: everything moves, every time.
//!
//! Choose it to test everybody's bookkeeping, a pointer that the maps do not know being stale after the next collection, and where
//! a program spends its time in stores to old objects: it needs no barrier.

use super::{Attributes, Barrier, Collection, Outcome, Plan, Room, Survey, evacuate, round_of_all};
use crate::gc::spaces::{BLOCK, Moves};

/// The plan; it keeps nothing between collections.
#[derive(Default)]
pub struct Compacting;

impl Plan for Compacting {
    fn attributes(&self) -> Attributes {
        Attributes { name: "compacting", barrier: Barrier::None, has_nursery: false, moves: Moves::Everything }
    }

    unsafe fn collect(&mut self, collection: Collection<'_>) -> Outcome {
        // SAFETY: the caller's; nothing is young.
        unsafe { evacuate::everything(collection, Moves::Everything, false) }
    }

    fn round(&mut self, survey: Survey) -> Room {
        let live = survey.used;
        // What it then takes to copy as much as survives now, and a little.
        Room { bytes: round_of_all(survey.shortest, survey.work, live * BLOCK), spare: live + live / 2 + 32 }
    }
}
