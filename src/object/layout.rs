//! How objects lie in memory: the only place that says so.
//!
//! ```text
//! offset 0   header  | 63..40 count (24 bits) | 39..32 flags | 31..1 layout id | 0 |
//!        8   first slot …
//! ```
//!
//! Bit 0 of the header is 0 in a living object. A forwarding address overwrites the whole header: `new address | 1`; so an
//! object without any slot can be moved like every other. `header & 0xFFFF_FFFF` is twice the layout id, and is what
//! generated code compares.
//!
//! Objects are 8-byte aligned. A pointer is `address | TAG_OBJECT`, for closures `address | TAG_FUNCTION`.
//!
//! | layout | words after the header |
//! | --- | --- |
//! | `FLOAT` | f64 |
//! | `BIG_INT` | `sign << 63 \| limbs`, limbs (least significant first) … |
//! | `STRING` | `chars << 32 \| bytes`, hash (0: not yet known), UTF-8 bytes padded to a word |
//! | `STRING_PREFIX` | `chars << 32 \| bytes`, hash, `BYTES` object: the first `bytes` bytes of it |
//! | `BYTES` | capacity in bytes, `being written << 63 \| bytes in use`, bytes padded to a word; who may append (`Room` of `gc/mutate.rs`) in the header |
//! | `ARRAY`, `NODE` | length (Int), slots … |
//! | `VECTOR` | count (Int), shift (Int: 5 × depth of root, + 256 × skipped elements), root (`NODE` or null), tail (`NODE` of exactly the tail) |
//! | `MAP` | count (Int), root (small: `NODE` of k, v, k, v in order of insertion), `true` when a large one may have whole Floats as keys, else null |
//! | `SET` | `MAP` of member → member |
//! | `ATOM`, `BOX` | value |
//! | `RANGE` | from (Int), to (Int), step (Int) |
//! | `CLOSURE` | address of its `Code` (untagged), captured values …; count in the header |
//! | `TYPE` | index in the type table (Int), name (String) |
//! | `NAMESPACE` | index in the namespace table (Int), name (String) |
//! | `NATIVE` | index in the native table (Int): a Rust object, dropped after the NATIVE dies |
//! | user layouts | one word for each field |

/// What a type id in a header names. User layouts start at [`FIRST_USER_LAYOUT`].
pub type LayoutId = u32;

macro_rules! layouts {
    ($($name:ident = $id:literal, $shape:expr;)*) => {
        $(#[allow(missing_docs)] pub const $name: LayoutId = $id;)*
        /// The fixed layouts: id, name, shape.
        pub const FIXED: &[(LayoutId, &str, Shape)] = &[$(($id, stringify!($name), $shape)),*];
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
    INT = 1, Shape::None;
    NULL = 2, Shape::None;
    BOOL = 3, Shape::None;
    KEYWORD = 4, Shape::None;
    FLOAT = 5, Shape::Raw(1);
    BIG_INT = 6, Shape::BigInt;
    STRING = 7, Shape::String;
    STRING_PREFIX = 8, Shape::Prefix;
    BYTES = 9, Shape::Bytes;
    ARRAY = 10, Shape::Array;
    NODE = 11, Shape::Array;
    VECTOR = 12, Shape::Slots(4);
    MAP = 13, Shape::Slots(3);
    SET = 14, Shape::Slots(1);
    ATOM = 15, Shape::Slots(1);
    BOX = 16, Shape::Slots(1);
    RANGE = 17, Shape::Slots(3);
    CLOSURE = 18, Shape::Closure;
    TYPE = 19, Shape::Slots(2);
    NAMESPACE = 20, Shape::Slots(2);
    NATIVE = 21, Shape::Slots(1);
    // Interior nodes of large maps: see runtime/collections. bitmap (Int), then entries.
    MAP_NODE = 22, Shape::Array;
    COLLISION_NODE = 23, Shape::Array;
    // A cursor over a collection, see runtime/iterate: source, position, kind.
    CURSOR = 24, Shape::Slots(4);
    // A seq over a vector's or another collection's elements: source, position.
    SEQ = 25, Shape::Slots(3);
    // A string builder: BYTES object.
    STRING_BUILDER = 26, Shape::Slots(1);
    // A mutable list: NODE of elements, spare room, count (Int).
    MUTABLE_LIST = 27, Shape::Slots(1);
    // A mutable map: MAP.
    MUTABLE_MAP = 28, Shape::Slots(1);
    THREAD_HANDLE = 29, Shape::Slots(2);
    PROTOCOL = 30, Shape::Slots(2);
    // A lazy sequence: thunk or null, realised seq.
    LAZY = 31, Shape::Slots(2);
    // A node of large maps for neighbouring Ints: see runtime/values/collections/group.rs. two halves of a bitmap (Ints), number (Int), values.
    GROUP_NODE = 32, Shape::Array;
    // A vector that the library is building, see runtime/values/collections/builder.rs: leaf, count (Int), leaves,
    // their count (Int), VECTOR or null.
    VECTOR_BUILDER = 33, Shape::Slots(5);
    // A mutable set: MAP of member to member.
    MUTABLE_SET = 34, Shape::Slots(1);
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
