//! Objects as the present declaration of their type has them, where they were made by another one.
//!
//! Owns what a field is that was added since an object was made: what was written to it, which is kept [beside](Beside) the object,
//! or else its default. Equality and hashes ask here for what can be said without running the program's code: `null`, or what the
//! default gives where that is a plain literal.

use std::sync::atomic::{AtomicBool, Ordering};

use super::types::{FieldInfo, LayoutInfo};
use crate::gc::trace::weak::Weak;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::locks::RwLock;
use crate::object::{Word, layout};
use crate::runtime::{read, write};

/// What a default gives that is a plain literal.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Constant {
    /// Something that is no object.
    Word(Word),
    /// A String.
    Text(&'static str),
}

/// What was written to fields that objects of a struct or a variant were made without, by the name of the field: a map from the
/// objects, whose entries live as long as these do. It is kept beside them, and no object gets another layout, for code that has
/// asked for the layout goes on to use its slots, whatever it calls in between.
#[derive(Default)]
pub struct Beside {
    any: AtomicBool,
    maps: RwLock<Vec<(&'static str, Weak)>>,
}

impl Beside {
    fn get<'h>(&self, object: Value<'h>, name: &str) -> Option<Value<'h>> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let maps = read(&self.maps);
        let (_, map) = maps.iter().find(|(field, _)| *field == name)?;
        object.thread().weak_get(map, object)
    }

    fn put<'h>(&self, object: Value<'h>, name: &'static str, value: Value<'h>) {
        let mut maps = write(&self.maps);
        let at = maps.iter().position(|(field, _)| *field == name).unwrap_or_else(|| {
            maps.push((name, object.thread().own_weak_map()));
            maps.len() - 1
        });
        object.thread().weak_put(&maps[at].1, object, value);
        self.any.store(true, Ordering::Release);
    }
}

/// A field of an object that is to be shown: one that it was made with and the type still has, or one that was added and then written.
pub struct Shown {
    /// The field.
    pub field: &'static FieldInfo,
    slot: Option<usize>,
}

impl Shown {
    /// What the object has there: always something, for the object that it was asked of.
    pub fn value<'h>(&self, object: Value<'h>) -> Option<Value<'h>> {
        match self.slot {
            Some(slot) => Some(object.slot(slot)),
            None => object.thread().vm().types.layout(object.layout())?.kin.beside.get(object, self.field.name),
        }
    }
}

/// The fields of an object that are to be shown.
pub fn shown(object: Value<'_>, layout: &'static LayoutInfo) -> impl Iterator<Item = Shown> + use<> {
    let beside = &layout.kin.beside;
    let present = if beside.any.load(Ordering::Acquire) { object.thread().vm().types.present(layout) } else { None };
    let added = present.iter().flat_map(|present| &present.fields);
    let added = added.filter(|f| layout.made_with(f.name).is_none() && beside.get(object, f.name).is_some());
    let added: Vec<Shown> = added.map(|field| Shown { field, slot: None }).collect();
    layout.present_fields().map(|(slot, field)| Shown { field, slot: Some(slot) }).chain(added)
}

/// A field of an object.
#[derive(Clone, Copy)]
pub enum Part<'h> {
    /// It is there, or was written, or is added and no object.
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
        None => match layout.kin.beside.get(object, field.name) {
            Some(value) => Part::Value(value),
            None => Part::added(object.thread(), field),
        },
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

/// What a field is for an object that was made without it. A default that may change is kept, so that changes of it are seen.
pub fn added_value(cx: &mut Thread, object: Handle, field: &FieldInfo) -> Result<Handle, Thrown> {
    let Some(layout) = cx.vm().types.layout(cx.get(object).layout()) else { return default_of(cx, field) };
    if let Some(value) = layout.kin.beside.get(cx.get(object), field.name) {
        return Ok(cx.root(value));
    }
    let default = default_of(cx, field)?;
    // Meanwhile the program has run.
    if let Some(value) = layout.kin.beside.get(cx.get(object), field.name) {
        return Ok(cx.root(value));
    }
    if may_change(cx.get(default)) {
        layout.kin.beside.put(cx.get(object), field.name, cx.get(default));
    }
    Ok(default)
}

/// Is it of a type whose values change?
fn may_change(value: Value<'_>) -> bool {
    match value.layout() {
        layout::ARRAY
        | layout::ATOM
        | layout::STRING_BUILDER
        | layout::MUTABLE_LIST
        | layout::MUTABLE_MAP
        | layout::MUTABLE_SET
        | layout::NATIVE => true,
        id if id >= layout::FIRST_USER_LAYOUT => {
            value.thread().vm().types.layout(id).is_some_and(|layout| layout.kin.is_mutable())
        }
        _ => false,
    }
}

/// Writes a field that an object was made without, if its type has it and it may be written.
pub fn write_added(cx: &Thread, object: Value<'_>, name: &str, value: Value<'_>) -> bool {
    let Some(layout) = cx.vm().types.layout(object.layout()) else { return false };
    let Some(field) = added_field(cx, layout, name) else { return false };
    let added = field.mutable && layout.made_with(name).is_none();
    if added {
        layout.kin.beside.put(object, field.name, value);
    }
    added
}

/// A field that the present declaration has, and that objects of this layout were made without.
pub(in crate::runtime) fn added_field(cx: &Thread, info: &LayoutInfo, name: &str) -> Option<&'static FieldInfo> {
    if info.id < layout::FIRST_USER_LAYOUT {
        return None;
    }
    let present = cx.vm().types.present(info).filter(|p| p.id != info.id)?;
    present.slot(name).map(|slot| &present.fields[slot])
}
