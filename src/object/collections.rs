//! How large collections are made of nodes: what the runtime, and the machine code that does the common case before it, both count on.
//!
//! Owns the numbers. What they mean for a walk is said where the walk is: `runtime/values/collections/vector.rs`, `trie.rs`, `group.rs`.

/// Where in the shape of a VECTOR the number of skipped elements begins, above the shift.
pub const VECTOR_SKIP_SHIFT: usize = 8;
/// The bits of the shift.
pub const VECTOR_SHIFT_MASK: usize = (1 << VECTOR_SKIP_SHIFT) - 1;
/// At most so many times the elements that are left are skipped.
pub const VECTOR_MOST_SKIPPED: usize = 8;

/// Bits of a hash that one level of a trie decides.
pub const TRIE_BITS: u32 = 4;
/// Where the children begin in the bitmap of a MAP_NODE.
pub const TRIE_CHILDREN_SHIFT: u32 = 16;

/// The keys of a group differ in so many bits.
pub const GROUP_BITS: u32 = 6;
/// Bits of each half of a group's bitmap.
pub const GROUP_HALF: u32 = 32;
/// Keeps the hashes of groups apart from those of small numbers.
pub const GROUP_SEED: u64 = 0xA076_1D64_78BD_642F;

/// So many changes of an accumulator make an owner of nodes worth having.
pub const PATIENCE: u32 = 16;

/// The kind of a CURSOR that goes over a VECTOR.
pub const OVER_VECTOR: usize = 1;
