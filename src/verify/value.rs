//! What the verifier knows of a word: the abstract domain.
//!
//! Owns the classes, how two of them meet, and what arithmetic makes of them. It knows the tags of words (`object::word`) and nothing
//! of instructions.
//!
//! Tags are sets: bit `t` of a `u8` is set when the lowest three bits of the word may be `t`.
//!
//! # What is believed
//!
//! The code alone does not show everything that the generator knows: that the result of a helper is an Int, or that a slot of an
//! object holds a tagged word. So a sum of words that may be Ints ([`Class::Sum`]) passes for a tagged word and for an address in an
//! object, and a word out of a data cell ([`Class::Word`]) for a tagged word and for an address outside of the heap. Both are
//! stale after a collection like every other word that no map named.

use crate::object::word::{TAG_FUNCTION, TAG_OBJECT};
use std::fmt;

/// Any tag.
pub const ANY: u8 = 0xFF;
/// The tags of pointers.
pub const POINTERS: u8 = 1 << TAG_OBJECT | 1 << TAG_FUNCTION;
/// The tag of Ints.
pub const INT: u8 = 1;

/// Names a word, so that what is learned of one place is known of its copies. 0: none.
pub type Id = u32;

/// What a word was made of, so that a test of it says something of those.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Nothing that a test could tell.
    None,
    /// The word, and what was added.
    Plus(Id, i8),
    /// Two words, by `or`.
    Or(Id, Id),
}

/// What a word is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Nothing that the function knows of.
    Garbage,
    /// A word that no map named at a call, so that the collector may have moved what it points to.
    Stale,
    /// The bits of a float.
    Float,
    /// This number.
    Const(u64),
    /// A number that points nowhere, with one of these tags.
    Bits(u8),
    /// A tagged word: its tags, and the layout of the object if one was compared (0: none).
    Tagged(u8, u32),
    /// What a data cell holds: a tagged word, or an address outside of the heap.
    Word,
    /// Of words that may be Ints: an Int, or an address in an object.
    Sum(Origin),
    /// An address in the heap without a tag, or a number made of a pointer.
    Inner(Origin),
    /// The address of fresh memory.
    Fresh,
    /// An address outside of the heap.
    Address,
    /// This address outside of the heap.
    At(u64),
    /// A place of the stack, by its distance from the return address.
    Frame(i32),
    /// The first four bytes of the object to which this word points.
    Header(Id),
    /// A number made of these two words by `or`, with one of these tags.
    Either(Id, Id, u8),
    /// What this register held at the entry; [`RETURN`] is the return address.
    Entry(u8),
    /// The thread context.
    Context,
}

/// The number of the return address in [`Class::Entry`].
pub const RETURN: u8 = 0xFF;

/// A tagged word of which nothing more is known.
pub const TAGGED: Class = Class::Tagged(ANY, 0);

/// What a place holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Value {
    /// What it is.
    pub class: Class,
    /// Which one it is.
    pub id: Id,
}

impl Value {
    /// A word that is nowhere else.
    pub const fn new(class: Class) -> Value {
        Value { class, id: 0 }
    }

    /// What a place holds to which two ways lead.
    pub fn join(self, other: Value) -> Value {
        Value { class: self.class.join(other.class), id: if self.id == other.id { self.id } else { 0 } }
    }
}

impl Class {
    /// The tags of what points nowhere.
    pub fn bits(self) -> Option<u8> {
        match self {
            Class::Const(word) => Some(1 << (word & 7)),
            Class::Bits(tags) => Some(tags),
            Class::Header(_) => Some(ANY),
            Class::Either(.., tags) => Some(tags),
            // A tagged word that is no pointer is a number like others.
            Class::Tagged(tags, _) if tags & POINTERS == 0 => Some(tags),
            _ => None,
        }
    }

    /// May it be an Int?
    fn may_be_int(self) -> bool {
        match self {
            Class::Tagged(tags, _) => tags & INT != 0,
            Class::Word | Class::Sum(_) => true,
            _ => self.bits().is_some(),
        }
    }

    /// May it stand where the collector looks for tagged words?
    pub fn is_tagged(self) -> bool {
        match self {
            Class::Tagged(..) | Class::Word | Class::Sum(_) => true,
            _ => self.bits().is_some_and(|tags| tags & POINTERS == 0),
        }
    }

    /// Is it worth nothing when the collector has not been told of it?
    pub fn moves(self) -> bool {
        match self {
            Class::Tagged(tags, _) => tags & POINTERS != 0,
            Class::Word | Class::Sum(_) | Class::Inner(_) | Class::Fresh => true,
            _ => false,
        }
    }

    /// What is true of both.
    pub fn join(self, other: Class) -> Class {
        use Class::*;
        if self == other {
            return self;
        }
        let any = |class| if let At(_) = class { Address } else { class };
        let (this, other) = (any(self), any(other));
        if this == other {
            return this;
        }
        if let (Some(a), Some(b)) = (this.bits(), other.bits()) {
            return Bits(a | b);
        }
        match (this, other) {
            (Garbage, _) | (_, Garbage) => Garbage,
            (Stale, _) | (_, Stale) => Stale,
            // The bits of a float may come as a number.
            (Float, one) | (one, Float) if one.bits().is_some() => Bits(ANY),
            (Inner(_), Inner(_) | Sum(_) | Fresh) | (Sum(_) | Fresh, Inner(_)) => Inner(Origin::None),
            (Address, Word) | (Word, Address) => Word,
            (Address, one) | (one, Address) if one.bits().is_some() => Address,
            (a, b) if a.is_tagged() && b.is_tagged() => match (a, b) {
                (Sum(_), _) | (_, Sum(_)) => Sum(Origin::None),
                (Word, _) | (_, Word) => Word,
                (Tagged(a, x), Tagged(b, y)) => Tagged(a | b, if x == y { x } else { 0 }),
                (Tagged(tags, _), one) | (one, Tagged(tags, _)) => Tagged(tags | one.bits().unwrap_or(ANY), 0),
                _ => Garbage,
            },
            _ => Garbage,
        }
    }

    /// Can its tag be one of these?
    pub fn can_be(self, tags: u8) -> bool {
        match self {
            Class::Tagged(known, _) => known & tags != 0,
            _ => self.bits().is_none_or(|known| known & tags != 0),
        }
    }

    /// The same, of which is now known that its tag is one of these, as it [can be](Class::can_be).
    pub fn with_tags(self, keep: u8) -> Class {
        match self {
            Class::Bits(tags) => Class::Bits(tags & keep),
            Class::Tagged(tags, layout) => match tags & keep {
                tags if tags & POINTERS == 0 => Class::Bits(tags),
                tags => Class::Tagged(tags, if tags & POINTERS == 1 << TAG_OBJECT { layout } else { 0 }),
            },
            Class::Word | Class::Sum(_) if keep & POINTERS == 0 => Class::Bits(keep),
            // Addresses outside have no tag.
            Class::Word if keep & INT == 0 => Class::Tagged(keep, 0),
            _ => self,
        }
    }

    /// `self + k`; `id` names this word.
    pub fn plus(self, k: i64, id: Id) -> Class {
        if k == 0 {
            return self;
        }
        let origin = i8::try_from(k).map_or(Origin::None, |k| if id == 0 { Origin::None } else { Origin::Plus(id, k) });
        match self {
            Class::Const(word) => Class::Const(word.wrapping_add(k as u64)),
            Class::Frame(offset) => i32::try_from(k).map_or(Class::Garbage, |k| Class::Frame(offset + k)),
            Class::Fresh if k == TAG_FUNCTION as i64 => Class::Tagged(1 << k, 0),
            // The object there, or another one in the same memory.
            Class::Fresh if k > 0 && k % 8 == TAG_OBJECT as i64 => Class::Tagged(1 << TAG_OBJECT, 0),
            Class::Fresh | Class::Inner(_) => Class::Inner(origin),
            Class::Tagged(tags, _) if tags == 1 << TAG_OBJECT && k == (TAG_FUNCTION - TAG_OBJECT) as i64 => {
                Class::Tagged(1 << TAG_FUNCTION, 0)
            }
            Class::Address => Class::Address,
            Class::At(address) => Class::At(address.wrapping_add_signed(k)),
            Class::Garbage | Class::Stale | Class::Entry(_) | Class::Context => Class::Garbage,
            Class::Float => Class::Bits(ANY),
            _ => match self.bits() {
                Some(tags) => Class::Bits(each(tags, |t| t.wrapping_add(k as u64))),
                None if self.may_be_int() && k % 8 == 0 => Class::Sum(origin),
                None => Class::Inner(origin),
            },
        }
    }

    /// What an operation makes of two words: `low` computes the lowest bits of the result from those of both.
    pub fn operate(self, other: Class, low: impl Fn(u64, u64) -> u64, origin: Origin) -> Class {
        let plain = |class: Class| match class {
            Class::Float => Class::Bits(ANY),
            Class::At(_) => Class::Address,
            class => class,
        };
        match (plain(self), plain(other)) {
            (a, b) if a.may_be_int() && b.may_be_int() => match (a.bits(), b.bits()) {
                (Some(a), Some(b)) => Class::Bits(both(a, b, low)),
                _ => Class::Sum(origin),
            },
            (a, b)
                if [a, b]
                    .iter()
                    .all(|c| c.may_be_int() || matches!(c, Class::Tagged(..) | Class::Inner(_) | Class::Fresh)) =>
            {
                Class::Inner(origin)
            }
            (Class::Address, b) if b.bits().is_some() => Class::Address,
            (a, Class::Address) if a.bits().is_some() => Class::Address,
            _ => Class::Garbage,
        }
    }
}

/// The tags that a computation makes of these.
pub fn each(tags: u8, low: impl Fn(u64) -> u64) -> u8 {
    (0..8).filter(|t| tags >> t & 1 != 0).fold(0, |all, t| all | 1 << (low(t) & 7))
}

/// The tags that a computation makes of two words with these.
fn both(a: u8, b: u8, low: impl Fn(u64, u64) -> u64) -> u8 {
    (0..8).filter(|t| a >> t & 1 != 0).fold(0, |all, t| all | each(b, |u| low(t, u)))
}

/// A distance, as listings write it.
pub fn signed(offset: i64) -> String {
    format!("{}{:#x}", if offset < 0 { '-' } else { '+' }, offset.unsigned_abs())
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Class::Garbage => f.write_str("garbage"),
            Class::Stale => f.write_str("a word that no map named at a call"),
            Class::Float => f.write_str("a raw float"),
            Class::Const(word) => write!(f, "the number {word:#x}"),
            Class::Bits(tags) | Class::Either(.., tags) => write!(f, "a raw integer (tags {tags:#010b})"),
            Class::Tagged(tags, 0) => write!(f, "a tagged word (tags {tags:#010b})"),
            Class::Tagged(tags, layout) => write!(f, "a tagged word (tags {tags:#010b}, layout {layout})"),
            Class::Word => f.write_str("a word from outside of the heap"),
            Class::Sum(_) => f.write_str("a sum of tagged words"),
            Class::Inner(_) => f.write_str("an untagged heap pointer"),
            Class::Fresh => f.write_str("the untagged address of fresh memory"),
            Class::Address => f.write_str("an address outside of the heap"),
            Class::At(address) => write!(f, "the address {address:#x}"),
            Class::Frame(offset) => write!(f, "the stack address entry{}", signed((*offset).into())),
            Class::Entry(RETURN) => f.write_str("the return address"),
            Class::Header(_) => f.write_str("the header of an object"),
            Class::Entry(number) => write!(f, "what register {number} held at the entry"),
            Class::Context => f.write_str("the thread context"),
        }
    }
}
