//! How objects lie in memory: the only place that says so.
//!
//! ```text
//! offset 0   header  | 63..40 count (24 bits) | 39..32 flags | 31..1 layout id | 0 |
//!        8   first slot …
//! ```
//!
//! Bit 0 of the header is 0 in a living object. A forwarding address overwrites the whole header: `new address | 1`; so an
//! object without any slot can be moved like every other. `header & 0xFFFF_FFFF` is twice the layout id, and is what
//! generated code compares. The flags are those of a plan that remembers stores to old objects ([`OLD`], [`LISTED`]).
//!
//! Objects are 8-byte aligned. A pointer is `address | TAG_OBJECT`, for closures `address | TAG_FUNCTION`.
//!
//! What the words after the header are is in the table below: each has a name, and nobody else counts them.

/// What a type id in a header names. User layouts start at [`FIRST_USER_LAYOUT`].
pub type LayoutId = u32;

/// The fixed layouts with their numbers, their shapes, and the names of their words in order. `_` is a word that is called as the row
/// above says; words without names are those of an `ARRAY`, or all of a kind (a row above says which).
macro_rules! layouts {
    ($($name:ident = $id:literal, $shape:expr, [$($slot:tt),*];)*) => {
        $(#[allow(missing_docs)] pub const $name: LayoutId = $id;)*
        /// The fixed layouts: id, name, shape.
        pub const FIXED: &[(LayoutId, &str, Shape)] = &[$(($id, stringify!($name), $shape)),*];
        $(slots!(0; $($slot)*);)*
        #[cfg(test)]
        const NAMES: &[(LayoutId, &[&str])] = &[$(($id, &[$(stringify!($slot)),*])),*];
    };
}

/// Numbers the words of one layout.
macro_rules! slots {
    ($at:expr;) => {};
    ($at:expr; _ $($rest:tt)*) => { slots!($at + 1; $($rest)*); };
    ($at:expr; $slot:ident $($rest:tt)*) => {
        #[allow(missing_docs)]
        pub const $slot: usize = $at;
        slots!($at + 1; $($rest)*);
    };
}

/// How the collector finds the slots and the size of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// No objects of this layout exist in the heap (immediates; dispatch only).
    None,
    /// This many slots follow the header, all tagged words.
    Slots(u32),
    /// This many words follow the header, none of them tagged.
    Raw(u32),
    /// Length (Int), then that many tagged words.
    Array,
    /// One untagged word, then `count` (of the header) tagged words.
    Closure,
    /// `chars << 32 | bytes`, hash, bytes.
    String,
    /// Untagged word, untagged word, then one tagged word.
    Prefix,
    /// Capacity in bytes, bytes in use (and [`BEING_WRITTEN`]), bytes.
    Bytes,
    /// `sign << 63 | limbs`, limbs.
    BigInt,
}

layouts! {
    // Immediates have layout ids too, for dispatch; no object has them.
    INT = 1, Shape::None, [];
    NULL = 2, Shape::None, [];
    BOOL = 3, Shape::None, [];
    KEYWORD = 4, Shape::None, [];
    // A double that no tag fits.
    FLOAT = 5, Shape::Raw(1), [FLOAT_BITS];
    // `sign << 63 | limbs`; the limbs, least significant first.
    BIG_INT = 6, Shape::BigInt, [BIG_INT_SIZE, BIG_INT_LIMBS];
    // `chars << 32 | bytes`; 0 while it is not known; UTF-8, padded to a word.
    STRING = 7, Shape::String, [STRING_SIZES, STRING_HASH, STRING_BYTES];
    // The first bytes of a BYTES object.
    STRING_PREFIX = 8, Shape::Prefix, [_, _, STRING_BASE];
    // In bytes; `being written << 63 | bytes in use`; padded to a word. Who may append (`Room` of `gc/mutator/mutate.rs`) is in the header.
    BYTES = 9, Shape::Bytes, [BYTES_CAPACITY, BYTES_IN_USE, BYTES_CONTENT];
    // An Int, then so many values.
    ARRAY = 10, Shape::Array, [ARRAY_LENGTH, ARRAY_ELEMENTS];
    NODE = 11, Shape::Array, [];
    // An Int; an Int: 5 × depth of root, + 256 × skipped elements; NODE or null; a NODE of exactly the tail.
    VECTOR = 12, Shape::Slots(4), [VECTOR_COUNT, VECTOR_SHAPE, VECTOR_ROOT, VECTOR_TAIL];
    // An Int; when small a NODE of k, v, k, v in order of insertion, else a node of a trie; `true` when a large one may have whole
    // Floats as keys, else null.
    MAP = 13, Shape::Slots(3), [MAP_COUNT, MAP_ROOT, MAP_FLOATS];
    // A MAP of member to member.
    SET = 14, Shape::Slots(1), [SET_MAP];
    ATOM = 15, Shape::Slots(1), [ATOM_VALUE];
    // A variable that a function captures and somebody assigns.
    BOX = 16, Shape::Slots(1), [BOX_VALUE];
    // Ints all.
    RANGE = 17, Shape::Slots(3), [RANGE_FROM, RANGE_TO, RANGE_STEP];
    // The address of its `Code`, untagged; so many values as the count in the header says.
    CLOSURE = 18, Shape::Closure, [CLOSURE_CODE, CLOSURE_CAPTURES];
    // An entry of a table of the program: its index there, an Int, and its name.
    TYPE = 19, Shape::Slots(2), [ENTRY_INDEX, ENTRY_NAME];
    NAMESPACE = 20, Shape::Slots(2), [_, _];
    // An Int, the index of a Rust object that is dropped after the NATIVE dies.
    NATIVE = 21, Shape::Slots(1), [NATIVE_INDEX];
    // An interior node of a large map (runtime/values/collections/trie.rs): bitmap (Int), then entries and children.
    MAP_NODE = 22, Shape::Array, [_, MAP_NODE_BITMAP, MAP_NODE_PARTS];
    COLLISION_NODE = 23, Shape::Array, [];
    // Where a loop is in a collection (runtime/values/iterate.rs).
    CURSOR = 24, Shape::Slots(4), [CURSOR_SOURCE, CURSOR_POSITION, CURSOR_KIND, CURSOR_IS_SET];
    // What is left of a collection (runtime/values/sequences.rs).
    SEQ = 25, Shape::Slots(3), [SEQ_SOURCE, SEQ_POSITION, SEQ_INDEX];
    // A BYTES object.
    STRING_BUILDER = 26, Shape::Slots(1), [STRING_BUILDER_BYTES];
    // A NODE of elements, spare room, count (Int).
    MUTABLE_LIST = 27, Shape::Slots(1), [MUTABLE_LIST_NODE];
    // A MAP; that of a MUTABLE_SET is of member to member.
    MUTABLE_MAP = 28, Shape::Slots(1), [MUTABLE_INNER_MAP];
    // A NATIVE; what the thread has given.
    THREAD_HANDLE = 29, Shape::Slots(2), [THREAD_NATIVE, THREAD_RESULT];
    PROTOCOL = 30, Shape::Slots(2), [_, _];
    // A lazy sequence: thunk or null; realised seq.
    LAZY = 31, Shape::Slots(2), [LAZY_THUNK, LAZY_SEQ];
    // A node of a large map for neighbouring Ints (runtime/values/collections/group.rs): two halves of a bitmap and a number, Ints all,
    // then values.
    GROUP_NODE = 32, Shape::Array, [_, GROUP_LOWER, GROUP_UPPER, GROUP_NUMBER, GROUP_VALUES];
    // A vector that the library is building (runtime/values/collections/builder.rs).
    VECTOR_BUILDER = 33, Shape::Slots(5), [BUILDER_LEAF, BUILDER_COUNT, BUILDER_LEAVES, BUILDER_LEAVES_COUNT, BUILDER_BEFORE];
    MUTABLE_SET = 34, Shape::Slots(1), [_];
}

/// How many elements there are, of an ARRAY, a VECTOR or a MAP.
pub const ELEMENT_COUNT: usize = ARRAY_LENGTH;
const _: () = assert!(VECTOR_COUNT == ELEMENT_COUNT && MAP_COUNT == ELEMENT_COUNT);

/// The word that says how many follow, in objects that have such a word.
pub const FIRST_WORD: usize = 0;
/// The words of a STRING_PREFIX.
pub const PREFIX_WORDS: usize = STRING_BASE + 1;

/// The element of an array-shaped object that one of its named slots is.
pub const fn element(slot: usize) -> usize {
    slot - ARRAY_ELEMENTS
}

/// How many words each fixed layout of the shape [`Shape::Slots`] has.
const SLOTS: &[u8; FIRST_USER_LAYOUT as usize] = &{
    let mut counts = [0; FIRST_USER_LAYOUT as usize];
    let mut row = 0;
    while row < FIXED.len() {
        if let Shape::Slots(n) = FIXED[row].2 {
            counts[FIXED[row].0 as usize] = n as u8;
        }
        row += 1;
    }
    counts
};

/// How many words an object of this fixed layout has after its header; 0 unless all of them are tagged and their number is fixed.
#[inline]
pub const fn slots(layout: LayoutId) -> usize {
    if layout < FIRST_USER_LAYOUT { SLOTS[layout as usize] as usize } else { 0 }
}

/// The first id of struct and variant layouts.
pub const FIRST_USER_LAYOUT: LayoutId = 64;

/// The bits of a vector's index that one level of nodes decides.
pub const VECTOR_BITS: usize = 5;
/// The elements of a full leaf of a vector, and the children of a full node.
pub const VECTOR_WIDTH: usize = 1 << VECTOR_BITS;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 8;
/// Offset of slot `i` from the *address* of the object.
pub const fn slot_offset(i: usize) -> usize {
    HEADER_BYTES + 8 * i
}
/// Displacement of slot `i` from a pointer with the object tag.
pub const fn slot_disp(i: usize) -> i32 {
    slot_offset(i) as i32 - super::word::TAG_OBJECT as i32
}
/// Displacement of the header from a pointer with the object tag.
pub const HEADER_DISP: i32 = -(super::word::TAG_OBJECT as i32);
/// Displacement of word `i` after the header from a pointer with the function tag.
pub const fn closure_disp(i: usize) -> i32 {
    slot_offset(i) as i32 - super::word::TAG_FUNCTION as i32
}

/// A flag in the header: the object is old, and no list has it yet (`gc/plan/remembered.rs`). What asks for it looks at the byte
/// [`OLD_BYTE`] of the object.
pub const OLD: u64 = 1 << 32;
/// The byte of an object in which [`OLD`] is …
pub const OLD_BYTE: i32 = 4;
/// … and the bit of that byte.
pub const OLD_BIT: u8 = 1;
/// A flag in the header of a big object: a list has it.
pub const LISTED: u64 = 1 << 33;

/// Where the count begins in a header.
pub const COUNT_SHIFT: u32 = 40;

/// Besides the number of bytes in use of a `BYTES` object: somebody is writing behind them.
pub const BEING_WRITTEN: u64 = 1 << 63;

/// The header of a fresh object.
pub const fn header(layout: LayoutId, count: u32) -> u64 {
    (layout as u64) << 1 | (count as u64) << COUNT_SHIFT
}
/// The low half of the header of every object of this layout: what generated code compares.
pub const fn header_low(layout: LayoutId) -> u32 {
    layout << 1
}
/// The layout in a header.
pub const fn header_layout(header: u64) -> LayoutId {
    (header as u32) >> 1
}
/// The count in a header.
pub const fn header_count(header: u64) -> u32 {
    (header >> COUNT_SHIFT) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_has_a_name_of_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for (row, (id, names)) in FIXED.iter().zip(NAMES) {
            assert_eq!(row.0, *id);
            let words = match row.2 {
                Shape::Slots(n) | Shape::Raw(n) => n as usize,
                Shape::Prefix => 3,
                _ => names.len(),
            };
            assert_eq!(names.len(), words, "{}", row.1);
            for name in names.iter().filter(|name| **name != "_") {
                assert!(seen.insert(*name), "{name} stands twice");
            }
        }
        assert_eq!([slots(VECTOR), slots(MUTABLE_SET), slots(STRING), slots(FIRST_USER_LAYOUT)], [4, 1, 0, 0]);
    }
}
