//! What a load from memory gives: how objects and the thread context lie.

use super::value::{Class, INT, TAGGED};
use crate::gc::mutator::call::MAX_SPILLED;
use crate::gc::mutator::thread as context;
use crate::object::layout::{ARRAY_LENGTH, FIRST_USER_LAYOUT, FIXED, STRING_BASE, Shape};

/// A slot of an object, by its layout (0: not known). What is not known is believed to be tagged.
pub fn slot(layout: u32, slot: usize) -> Class {
    let raw = Class::Bits(super::value::ANY);
    if layout >= FIRST_USER_LAYOUT {
        return TAGGED;
    }
    match FIXED.iter().find(|row| row.0 == layout).map(|row| row.2) {
        Some(Shape::Raw(_) | Shape::String | Shape::Bytes | Shape::BigInt) => raw,
        Some(Shape::Prefix) if slot < STRING_BASE => raw,
        Some(Shape::Array) if slot == ARRAY_LENGTH => Class::Bits(INT),
        _ => TAGGED,
    }
}

/// Is it the field that says whether somebody waits for this thread? Who reads it polls.
pub fn is_stack_limit(offset: i64) -> bool {
    offset == i64::from(context::OFFSET_STACK_LIMIT)
}

/// A field of the thread context, if generated code may read it.
pub fn field(offset: i64) -> Option<Class> {
    let arguments = i64::from(context::OFFSET_ARG_SPILL);
    let fields = [
        (context::OFFSET_STACK_LIMIT, Class::Address),
        (context::OFFSET_STACK_FLOOR, Class::Address),
        (context::OFFSET_TLAB_CURSOR, Class::Fresh),
        (context::OFFSET_TLAB_LIMIT, Class::Inner(super::value::Origin::None)),
        (context::OFFSET_ARG_COUNT, Class::Bits(super::value::ANY)),
    ];
    match fields.iter().find(|field| i64::from(field.0) == offset) {
        Some(field) => Some(field.1),
        None if (arguments..arguments + 8 * MAX_SPILLED as i64).contains(&offset) => Some(TAGGED),
        None => None,
    }
}

/// May generated code write this there?
pub fn may_store(offset: i64, class: Class) -> bool {
    match field(offset) {
        Some(TAGGED) => class.is_tagged(),
        Some(Class::Fresh) => matches!(class, Class::Inner(_)),
        _ if offset == i64::from(context::OFFSET_ARG_COUNT) => class.bits().is_some(),
        _ => false,
    }
}
