//! The collectors, behind one interface.
//!
//! A collector decides what becomes of what is reached. Roots, layouts, the walk over frames and the tracing loop are
//! shared; the world is stopped while it works.

pub mod compacting;

use super::spaces::Spaces;
use crate::object::shapes::ShapeTable;

/// Calls a function with the address of each root.
pub type Roots<'a> = &'a mut dyn FnMut(&mut dyn FnMut(*mut u64));

/// What a collection works on.
pub struct Collection<'a> {
    /// The spaces.
    pub spaces: &'a mut Spaces,
    /// The layouts.
    pub shapes: ShapeTable,
    /// The roots; each is visited once.
    pub roots: Roots<'a>,
    /// Told the `Code` of each function that is reached.
    pub visit_code: Option<&'a (dyn Fn(usize) + Send + Sync)>,
    /// Called when all is reached, with where an object of an address is now: nowhere when it was not.
    pub weak: &'a mut dyn FnMut(&dyn Fn(usize) -> Option<usize>),
    /// Check everything.
    pub verify: bool,
    /// Is it to say where copies lie?
    pub wants_ranges: bool,
}

/// What a collection did.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Bytes copied.
    pub moved_bytes: usize,
    /// Where living objects lie side by side, for the verifier (only when it was asked for).
    pub ranges: Vec<(usize, usize)>,
}

/// What must be done with a store to an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Barrier {
    /// Nothing.
    None,
}

/// A collector.
pub trait Collector: Send {
    /// As `--gc=` names it.
    fn name(&self) -> &'static str;
    /// What must be done with a store to an object.
    fn barrier(&self) -> Barrier {
        Barrier::None
    }
    /// Frees what cannot be reached.
    ///
    /// # Safety
    /// The world must be stopped, and the roots be complete.
    unsafe fn collect(&mut self, collection: Collection<'_>) -> Outcome;
}
