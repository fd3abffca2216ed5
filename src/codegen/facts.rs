//! What is known of a value: the type lattice.
//!
//! A set of types, and for objects perhaps the exact layout. More members mean less knowledge; the join of two states' facts
//! is the union. The lattice is low: seven bits and one layout that can only be forgotten.

use crate::emit::Holds;
use crate::object::layout::{self, LayoutId};

/// A set of types a value may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Types(pub u8);

impl Types {
    /// An inline Int.
    pub const INT: Types = Types(1);
    /// A Float, self-tagged or boxed.
    pub const FLOAT: Types = Types(2);
    /// `null`
    pub const NULL: Types = Types(4);
    /// `true` or `false`
    pub const BOOL: Types = Types(8);
    /// A keyword.
    pub const KEYWORD: Types = Types(16);
    /// Any other object: strings, structs, big integers…
    pub const OBJECT: Types = Types(32);
    /// A function.
    pub const FUNCTION: Types = Types(64);
    /// Anything.
    pub const ANY: Types = Types(127);

    /// The union.
    pub const fn or(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }

    /// Are all members of `self` in `other`?
    pub const fn within(self, other: Types) -> bool {
        self.0 & !other.0 == 0
    }

    /// Do they have a member in common?
    pub const fn meets(self, other: Types) -> bool {
        self.0 & other.0 != 0
    }

    /// What the word of such a value may be for a collector.
    pub fn holds(self) -> Holds {
        let pointers = Types::OBJECT.or(Types::FUNCTION);
        match self {
            Types::FLOAT => Holds::Float,
            _ if self.within(pointers) => Holds::Pointer,
            _ if self.meets(pointers) => Holds::Anything,
            _ if self.meets(Types::FLOAT) => Holds::NoObject,
            _ => Holds::NoPointer,
        }
    }
}

/// What is known of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
    /// The types it may have.
    pub types: Types,
    /// Its exact layout, when it is a heap object (then `types` is `OBJECT`).
    pub layout: Option<LayoutId>,
}

impl Facts {
    /// Nothing is known.
    pub const ANY: Facts = Facts { types: Types::ANY, layout: None };
    /// An inline Int.
    pub const INT: Facts = Facts { types: Types::INT, layout: None };
    /// A Float.
    pub const FLOAT: Facts = Facts { types: Types::FLOAT, layout: None };
    /// `true` or `false`.
    pub const BOOL: Facts = Facts { types: Types::BOOL, layout: None };
    /// An Int of any size.
    pub const INTEGER: Facts = Facts { types: Types(Types::INT.0 | Types::OBJECT.0), layout: None };
    /// A function.
    pub const FUNCTION: Facts = Facts { types: Types::FUNCTION, layout: None };

    /// An object of this layout.
    pub const fn object(layout: LayoutId) -> Facts {
        Facts { types: Types::OBJECT, layout: Some(layout) }
    }

    /// A string, of either layout.
    pub const STRING: Facts = Facts { types: Types::OBJECT, layout: None };

    /// Only these types, nothing of the layout.
    pub const fn of(types: Types) -> Facts {
        Facts { types, layout: None }
    }

    /// What is known of a constant word that is no pointer.
    pub fn of_immediate(word: crate::object::Word) -> Facts {
        use crate::object::Word;
        if word.is_int() {
            Facts::INT
        } else if word.is_tagged_float() {
            Facts::FLOAT
        } else if word == Word::NULL {
            Facts::of(Types::NULL)
        } else if word == Word::TRUE || word == Word::FALSE {
            Facts::BOOL
        } else if word.is_keyword() {
            Facts::of(Types::KEYWORD)
        } else {
            Facts::ANY
        }
    }

    /// In a checked build: a layout means that it is an object and nothing else.
    #[inline]
    pub fn assert_sound(self) {
        debug_assert!(
            self.layout.is_none() || self.types == Types::OBJECT,
            "a layout of what may be no object: {self:?}"
        );
    }

    /// The join: what holds whichever of the two holds.
    pub fn join(self, other: Facts) -> Facts {
        let layout = if self.layout == other.layout { self.layout } else { None };
        Facts { types: self.types.or(other.types), layout }
    }

    /// Certainly an inline Int?
    pub fn is_int(self) -> bool {
        self.types == Types::INT
    }

    /// Certainly a Float?
    pub fn is_float(self) -> bool {
        self.types == Types::FLOAT
    }

    /// Certainly a Bool?
    pub fn is_bool(self) -> bool {
        self.types == Types::BOOL
    }

    /// Can it be an inline Int?
    pub fn may_be_int(self) -> bool {
        self.types.meets(Types::INT)
    }

    /// Can it be a Float?
    pub fn may_be_float(self) -> bool {
        self.types.meets(Types::FLOAT)
    }

    /// Can it be `null` or `false`?
    pub fn may_be_falsy(self) -> bool {
        self.types.meets(Types::NULL.or(Types::BOOL))
    }

    /// Certainly a word whose identity is its equality (`null`, Bool, keyword)?
    pub fn is_identity(self) -> bool {
        self.types.within(Types::NULL.or(Types::BOOL).or(Types::KEYWORD))
    }
}

/// What the first call showed of a value.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Seen {
    /// Nothing was seen.
    #[default]
    None,
    /// An inline Int.
    Int,
    /// A Float.
    Float,
    /// An object of this layout, with what its slots held (structs) or its first element (collections, one entry).
    Object(LayoutId, Vec<Seen>),
    /// Something else.
    Other,
}

/// What is likely of a value, because it was seen: no fact, but a good guess of which path is worth being inline. It is copied
/// with every state, so it owns nothing: what was seen inside of an object is found through [`Hints`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Hint {
    /// Nothing is likely.
    #[default]
    None,
    /// An inline Int.
    Int,
    /// A Float.
    Float,
    /// An object of this layout.
    Object(LayoutId, Inside),
    /// Something else.
    Other,
}

impl Hint {
    /// The layout, when an object was seen.
    pub fn layout(self) -> Option<LayoutId> {
        match self {
            Hint::Object(layout, _) => Some(layout),
            _ => None,
        }
    }
}

/// The number of a list of [`Hints`]: what was seen inside of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inside(u32);

/// What was seen inside of all objects of which a function has a hint.
#[derive(Debug, Default)]
pub struct Hints {
    lists: Vec<Box<[Hint]>>,
}

impl Hints {
    /// The hint that something seen gives.
    pub fn of(&mut self, seen: &Seen) -> Hint {
        match seen {
            Seen::None => Hint::None,
            Seen::Int => Hint::Int,
            Seen::Float => Hint::Float,
            Seen::Other => Hint::Other,
            Seen::Object(layout, slots) => {
                let list = slots.iter().map(|seen| self.of(seen)).collect();
                self.lists.push(list);
                Hint::Object(*layout, Inside(self.lists.len() as u32 - 1))
            }
        }
    }

    /// The hint for slot `i` of a struct.
    pub fn slot(&self, hint: Hint, i: usize) -> Hint {
        match hint {
            Hint::Object(layout, inside) if layout >= layout::FIRST_USER_LAYOUT => self.inside(inside, i),
            _ => Hint::None,
        }
    }

    /// The hint for the elements of a collection.
    pub fn element(&self, hint: Hint) -> Hint {
        match hint {
            Hint::Object(layout, inside) if layout < layout::FIRST_USER_LAYOUT => self.inside(inside, 0),
            _ => Hint::None,
        }
    }

    fn inside(&self, inside: Inside, i: usize) -> Hint {
        self.lists.get(inside.0 as usize).and_then(|list| list.get(i)).copied().unwrap_or_default()
    }
}
