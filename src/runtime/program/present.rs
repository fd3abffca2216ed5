//! Objects as the present declaration of their type has them, where they were made by another one.
//!
//! Owns what a field is that was added since an object was made, as far as that can be said without running the program's code:
//! `null`, or what its default gives where that is a plain literal. Equality and hashes ask here.

use super::types::{FieldInfo, LayoutInfo};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::{Word, layout};

/// What a default gives that is a plain literal.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Constant {
    /// Something that is no object.
    Word(Word),
    /// A String.
    Text(&'static str),
}

/// A field of an object.
#[derive(Clone, Copy)]
pub enum Part<'h> {
    /// It is there, or added and no object.
    Value(Value<'h>),
    /// It was added, and reads as this String.
    Text(&'static str),
    /// It was added, and only its default can say what it is.
    Unknown,
}

impl<'h> Part<'h> {
    /// A field that objects were made without.
    fn added(thread: &'h Thread, field: &FieldInfo) -> Part<'h> {
        let word = match (field.default, field.constant) {
            (None, _) => Word::NULL,
            (_, Some(Constant::Word(word))) => word,
            (_, Some(Constant::Text(text))) => return Part::Text(text),
            (_, None) => return Part::Unknown,
        };
        Value::immediate(thread, word).map_or(Part::Unknown, Part::Value)
    }
}

/// A field of the present declaration in an object of this layout.
pub fn part<'h>(object: Value<'h>, layout: &LayoutInfo, field: &FieldInfo) -> Part<'h> {
    match layout.made_with(field.name) {
        Some(slot) => Part::Value(object.slot(slot)),
        None => Part::added(object.thread(), field),
    }
}

/// May objects of these two layouts be equal, though they are not of the same?
pub fn comparable(a: Value<'_>, b: Value<'_>) -> bool {
    let types = &a.thread().vm().types;
    types.any_several()
        && matches!((types.layout(a.layout()), types.layout(b.layout())), (Some(a), Some(b)) if a.is_of(b))
}

/// Goes through the fields of two objects that [`comparable`] allows, or that are of one layout, as long as `same` takes the
/// parts for the same. None where all that they have is in their slots, each compared to the one at the same place.
pub fn compare<'h>(a: Value<'h>, b: Value<'h>, mut same: impl FnMut(Value<'h>, Value<'h>) -> bool) -> Option<bool> {
    let types = &a.thread().vm().types;
    let of = |object: Value<'h>| types.layout(object.layout()).filter(|layout| layout.kin.is_several());
    if !types.any_several() && a.layout() == b.layout() {
        return None;
    }
    let (Some(x), Some(y)) = (of(a), of(b)) else { return (a.layout() != b.layout()).then_some(false) };
    let Some(present) = types.present(x) else {
        // The variant is gone: what its objects had last is all there is to say of them.
        return Some(x.id == y.id && x.present_fields().all(|(slot, _)| same(a.slot(slot), b.slot(slot))));
    };
    Some(present.fields.iter().all(|field| match (part(a, x, field), part(b, y, field)) {
        (Part::Value(a), Part::Value(b)) => same(a, b),
        (Part::Text(text), Part::Value(value)) | (Part::Value(value), Part::Text(text)) => value.str() == Some(text),
        (Part::Text(_), Part::Text(_)) | (Part::Unknown, Part::Unknown) => true,
        _ => false,
    }))
}

/// The parts that the hash of an object depends on, in an order that all its kin agree on.
pub fn hashed<'h>(object: Value<'h>, layout: &LayoutInfo) -> Vec<Part<'h>> {
    let present = object.thread().vm().types.present(layout);
    let of = |name: &str| match present {
        Some(present) => present.fields.iter().find(|f| f.name == name).map(|field| part(object, layout, field)),
        None => layout.slot(name).map(|slot| Part::Value(object.slot(slot))),
    };
    layout.kin.hashed().iter().map(|field| of(field.name).unwrap_or(Part::Unknown)).collect()
}

/// What a field is for objects that were made without it.
pub fn default_of(cx: &mut Thread, field: &FieldInfo) -> Result<Handle, Thrown> {
    match field.default {
        Some(code) => {
            let function = cx.alloc_closure(code.address(), &[])?;
            cx.call(function, &[])
        }
        None => Ok(cx.root_word(Word::NULL)),
    }
}

/// A field that the present declaration has, and that objects of this layout were made without.
pub(in crate::runtime) fn added_field(cx: &Thread, info: &LayoutInfo, name: &str) -> Option<&'static FieldInfo> {
    if info.id < layout::FIRST_USER_LAYOUT {
        return None;
    }
    let present = cx.vm().types.present(info).filter(|p| p.id != info.id)?;
    present.slot(name).map(|slot| &present.fields[slot])
}
