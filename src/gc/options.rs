//! What can be chosen about the heap when the program starts.

/// Whether and how every allocation and safepoint collects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stress {
    /// Collect when the heap is full.
    #[default]
    Off,
    /// `--gc-always`: each site collects at its first visits, then ever more rarely.
    Decaying,
    /// `--gc-always=strict`: each site collects at each visit.
    Strict,
}

/// The options of a heap.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--gc-always`
    pub stress: Stress,
    /// `--gc-verify`: check the whole heap after each collection, poison what is dead.
    pub verify: bool,
    /// `--max-heap`: the most bytes that objects may take.
    pub max_heap: Option<usize>,
    /// The first collection happens when this much is allocated.
    pub first_threshold: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { stress: Stress::Off, verify: false, max_heap: None, first_threshold: 64 << 20 }
    }
}
