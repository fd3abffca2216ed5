//! Which machine code stands in front of a builtin: what a row of the library names, so that the row says it.
//!
//! Owns the names. The code is in the files beside, written once for both machines.

use super::{Stub, access, apply, maps, numbers, sequences};
use crate::asm::masm::{Cond, MacroAssembler};
use crate::mutations::{Mutation, mutated};
use crate::object::layout::{ARRAY, LayoutId, MAP, MUTABLE_LIST, STRING, STRING_PREFIX, VECTOR};

/// What has elements by index that code can load.
pub const ELEMENTS: &[LayoutId] = &[VECTOR, STRING, ARRAY, MUTABLE_LIST, STRING_PREFIX];
/// What has a length that code can load.
pub const LENGTHS: &[LayoutId] = &[VECTOR, STRING, ARRAY, MUTABLE_LIST, MAP, STRING_PREFIX];

/// Machine code in front of a builtin, for the common case; all else goes to the builtin.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Front {
    Apply,
    /// An element of what has one of these layouts. `asked`: a method of `core`, whose table has asked for the types that are extended with it.
    Element {
        of: &'static [LayoutId],
        asked: bool,
    },
    Length(&'static [LayoutId]),
    /// Stores an element, and gives the argument of this number.
    Store {
        of: &'static [LayoutId],
        gives: usize,
    },
    Swap,
    VectorPush,
    RestOfOne,
    DropFirst,
    Deref,
    CharCode,
    CharCodeAt,
    Least,
    Greatest,
    Clamp,
    Popcount,
    ListPush,
    ListPop,
    MutableGet,
    MutablePut,
}

impl Front {
    /// Is it there? Not so where tests want the way without it.
    pub fn is_there(self) -> bool {
        !matches!(self, Front::Apply) || !mutated(Mutation::CallsAtTheEnd)
    }

    /// Writes it for so many arguments.
    pub fn write<M: MacroAssembler>(self, stub: &mut Stub<M>, argc: usize) {
        match self {
            Front::Apply => apply::apply(stub, argc),
            Front::Element { of, asked } => {
                if !asked {
                    stub.unless_extended(M::RESULT);
                }
                access::element(stub, of);
            }
            Front::Length(of) => access::length(stub, of),
            Front::Store { of, gives } => access::store(stub, of, gives),
            Front::Swap => access::swap(stub),
            Front::VectorPush => access::vector_push(stub),
            Front::RestOfOne => sequences::rest_of_one(stub),
            Front::DropFirst => sequences::drop_first(stub),
            Front::Deref => access::deref(stub),
            Front::CharCode => access::char_code(stub),
            Front::CharCodeAt => access::char_code_at(stub),
            Front::Least => numbers::extreme(stub, argc, Cond::Less),
            Front::Greatest => numbers::extreme(stub, argc, Cond::Greater),
            Front::Clamp => numbers::clamp(stub),
            Front::Popcount => numbers::popcount(stub),
            Front::ListPush => access::list_push(stub),
            Front::ListPop => access::list_pop(stub),
            Front::MutableGet => maps::mutable_get(stub),
            Front::MutablePut => maps::mutable_put(stub),
        }
    }
}
