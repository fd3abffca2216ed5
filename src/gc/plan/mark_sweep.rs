//! The plan `mark-sweep`: nothing moves.
//!
//! What lives is marked where it lies, and what is free between the living is handed out to threads as allocation buffers. There is no
//! barrier, and nothing is held ready for copies: choose it where memory is scarce, or where addresses must stay as they are.

use super::{Attributes, Barrier, Collection, Outcome, Plan, Room, Survey, evacuate, round_of_all};
use crate::gc::spaces::{BLOCK, Moves};

/// The plan; it keeps nothing between collections.
#[derive(Default)]
pub struct MarkSweep;

/// Blocks that stay ready beside what the next round needs.
const SPARE: usize = 16;

impl Plan for MarkSweep {
    fn attributes(&self) -> Attributes {
        Attributes { name: "mark-sweep", barrier: Barrier::None, has_nursery: false, moves: Moves::Nothing }
    }

    unsafe fn collect(&mut self, collection: Collection<'_>) -> Outcome {
        // SAFETY: the caller's; nothing is young.
        unsafe { evacuate::everything(collection, Moves::Nothing, false) }
    }

    fn round(&mut self, survey: Survey) -> Room {
        Room { bytes: round_of_all(survey.shortest, survey.work, survey.used * BLOCK), spare: SPARE }
    }
}
