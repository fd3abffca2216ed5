//! What is claimed of stubs to who verifies the bodies that call them: what each takes, and what it does.

use rustc_hash::FxHashMap;

/// What is claimed of a stub that bodies call.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// Its arguments.
    pub takes: &'static [Takes],
    /// What it does.
    pub does: Does,
}

/// An argument of a stub.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Takes {
    /// A tagged word.
    Value,
    /// A number, or an address outside of the heap.
    Raw,
}

/// What a stub does with what is live in its caller, and what comes back. What clobbers all that a call may clobber wants a map when
/// it may collect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Does {
    /// It may collect, and gives a tagged word.
    Collect,
    /// It may collect, and gives the address of fresh memory.
    Allocate,
    /// It never collects, and gives a tagged word.
    Look,
    /// It never collects, keeps all registers but the scratch registers, and makes a tagged word of the float in one scratch register
    /// in the other.
    Box,
    /// It keeps all but the scratch registers.
    Count,
    /// The same; in the float scratch registers it takes an object, as a tagged word, and the address of one of its slots.
    Remember,
}

/// What is claimed of stubs, by their addresses. Of other code it is claimed that it is a function: it may collect, and gives a
/// tagged word.
pub type Claims = FxHashMap<usize, Claim>;
