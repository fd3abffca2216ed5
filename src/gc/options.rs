//! What can be chosen about the heap when the program starts.

use super::plan::Plan;
use super::plan::compacting::Compacting;
use super::plan::generational::Generational;
use super::plan::mark_sweep::MarkSweep;

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

/// `--gc=`: which plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CollectorKind {
    /// Everything moves, every time.
    Compacting,
    /// Nothing moves.
    MarkSweep,
    /// What is young moves until it is old.
    #[default]
    Generational,
}

impl CollectorKind {
    /// All there are, with their names.
    pub const ALL: &'static [(&'static str, CollectorKind)] = &[
        ("generational", CollectorKind::Generational),
        ("compacting", CollectorKind::Compacting),
        ("mark-sweep", CollectorKind::MarkSweep),
    ];

    /// The collector with this name.
    pub fn named(name: &str) -> Option<CollectorKind> {
        CollectorKind::ALL.iter().find(|(n, _)| *n == name).map(|(_, kind)| *kind)
    }

    pub(super) fn make(self) -> Box<dyn Plan> {
        match self {
            CollectorKind::Compacting => Box::new(Compacting),
            CollectorKind::MarkSweep => Box::new(MarkSweep),
            CollectorKind::Generational => Box::<Generational>::default(),
        }
    }
}

/// The options of a heap.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--gc=`
    pub collector: CollectorKind,
    /// `--gc-always`
    pub stress: Stress,
    /// `--gc-verify`: check the whole heap after each collection, poison what is dead.
    pub verify: bool,
    /// `--max-heap`: the most bytes that objects may take; two fifths of the machine's memory when it is not given, because
    /// copying takes as much again.
    pub max_heap: Option<usize>,
    /// The most bytes of addresses to reserve.
    pub addresses: usize,
    /// The first collection happens when this much is allocated, and no round between two is shorter; where there is a nursery it is
    /// half of this, an eighth at least.
    pub shortest_round: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            collector: CollectorKind::default(),
            stress: Stress::Off,
            verify: false,
            // Unit tests make heaps by the hundred, and an emulator keeps a table of all addresses that are reserved.
            max_heap: cfg!(test).then_some(256 << 20),
            addresses: usize::MAX,
            shortest_round: 4 << 20,
        }
    }
}
