//! Struct literals, updates and patterns whose type has been declared anew since they were compiled, and the bases of updates.
//!
//! Code that is called after a declaration is compiled for it. What still runs makes objects of the layout that it knows, and
//! looks whether that is outdated: then what the literal says is held against the present declaration here, and the object is
//! made anew. Patterns of such code read objects of later declarations from copies in the layout that it knows. One declaration is
//! taken and used throughout: another thread, or a default, may make another meanwhile.

use super::fields;
use crate::gc::{Handle, Thread, Thrown};
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::object::layout::LayoutId;
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::present::{added_value, default_of};
use crate::runtime::program::types::LayoutInfo;

/// The layout that code knows.
fn known(cx: &Thread, layout: u64) -> Option<&'static LayoutInfo> {
    cx.vm().types.layout(layout as LayoutId)
}

/// The base of an update: in the layout that code knows as long as that is not outdated, else in the present one.
pub fn base(cx: &mut Thread, base: Handle, layout: u64, copy: u64) -> Result<Handle, Thrown> {
    let own = cx.get(base).layout();
    let types = &cx.vm().types;
    let wanted = known(cx, layout);
    let (Some(wanted), Some(info)) = (wanted, types.layout(own).filter(|l| wanted.is_some_and(|w| l.is_of(w)))) else {
        let wanted = wanted.map_or("struct", |l| l.type_name);
        let what = cx.describe(base);
        let message = format!("{wanted} {{ ...base }}: base must be a {wanted}, got {what}");
        return Err(cx.throw(ErrorKind::TypeError, message));
    };
    // The cell that code looks at decides: once it says so, code makes the literal anew.
    let target = if wanted.is_outdated() { types.present(info).unwrap_or(info) } else { wanted };
    if target.id == own && copy == 0 {
        return Ok(base);
    }
    convert(cx, base, target)
}

/// An object of another layout of its type with the same fields; what it does not have is the default.
fn convert(cx: &mut Thread, object: Handle, target: &LayoutInfo) -> Result<Handle, Thrown> {
    let mut values = Vec::with_capacity(target.fields.len());
    for field in &target.fields {
        values.push(fields::declared(cx, object, field)?);
    }
    cx.alloc_slots(target.id, &values)
}

/// An object of another layout as it is in the one that a pattern was compiled for, to read its fields from; null where it is of
/// another type or variant, or has not all of the fields that the pattern names. Of what was added since it was made, defaults
/// are asked for those alone.
pub fn in_layout(cx: &mut Thread, object: Handle, layout: u64, names: u64, length: u64) -> Result<Handle, Thrown> {
    // SAFETY: code passes what `field_names` of the compiler gave.
    let asked = unsafe { field_names(names, length) };
    let (wanted, own) = (known(cx, layout), cx.vm().types.layout(cx.get(object).layout()));
    let (Some(wanted), Some(own)) = (wanted, own.filter(|own| wanted.is_some_and(|w| own.is_of(w)))) else {
        return Ok(cx.root_word(Word::NULL));
    };
    let present = cx.vm().types.present(own);
    let added = |name: &str| present?.fields.iter().find(|field| field.name == name);
    if asked.iter().any(|name| own.made_with(name).is_none() && added(name).is_none()) {
        return Ok(cx.root_word(Word::NULL));
    }
    let mut values = Vec::with_capacity(wanted.fields.len());
    for field in &wanted.fields {
        values.push(match (own.made_with(field.name), added(field.name)) {
            (Some(slot), _) => cx.root(cx.get(object).slot(slot)),
            (None, Some(added)) if asked.contains(&field.name) => added_value(cx, object, added)?,
            (None, _) => cx.root_word(Word::NULL),
        });
    }
    cx.alloc_slots(wanted.id, &values)
}

/// The names that `field_names` of the compiler has joined.
///
/// # Safety
/// The address and length of a text that it gave: those are interned, and never freed.
unsafe fn field_names(address: u64, length: u64) -> Vec<&'static str> {
    // SAFETY: as the caller promises.
    let bytes = unsafe { std::slice::from_raw_parts(address as *const u8, length as usize) };
    // SAFETY: it was a text.
    unsafe { std::str::from_utf8_unchecked(bytes) }.split_ascii_whitespace().collect()
}

/// The object of a literal whose layout is outdated: see `Helper::Remake`.
pub fn remake(
    cx: &mut Thread,
    object: Handle,
    base: Handle,
    names: u64,
    length: u64,
    layout: u64,
) -> Result<Handle, Thrown> {
    // SAFETY: code passes what `field_names` of the compiler gave.
    let given = unsafe { field_names(names, length) };
    let Some(made) = known(cx, layout) else { return Ok(object) };
    let Some(present) = cx.vm().types.present(made) else { return Err(gone(cx, made)) };
    if let Some(gone) = given.iter().find(|name| present.slot(name).is_none())
        && !mutated(Mutation::GoneFieldsDropped)
    {
        return Err(cx.throw(ErrorKind::FieldError, format!("{} has no field {gone}", present.display_name())));
    }
    if let Some(only) = present.singleton.and_then(|cell| cell.get(cx)) {
        return Ok(cx.root(only));
    }
    let updates = !cx.get(base).is_null();
    let mut values = Vec::with_capacity(present.fields.len());
    for field in &present.fields {
        let slot = made.made_with(field.name).filter(|_| given.contains(&field.name));
        values.push(match (slot, field.default) {
            (Some(slot), _) => cx.root(cx.get(object).slot(slot)),
            (None, _) if updates => fields::declared(cx, base, field)?,
            (None, Some(_)) => default_of(cx, field)?,
            (None, None) => {
                let message = format!("{} needs the field {}", present.display_name(), field.name);
                return Err(cx.throw(ErrorKind::FieldError, message));
            }
        });
    }
    cx.alloc_slots(present.id, &values)
}

/// The error of a variant that the enum has no more.
fn gone(cx: &mut Thread, made: &LayoutInfo) -> Thrown {
    let message = format!("{} has no variant {}", made.type_name, made.variant.unwrap_or("?"));
    cx.throw(ErrorKind::FieldError, message)
}

/// What code is told that names a variant without fields and finds its layout outdated.
pub fn no_variant(cx: &mut Thread, layout: u64) -> Result<Word, Thrown> {
    let Some(made) = known(cx, layout) else { return Ok(Word::NULL) };
    let Some(present) = cx.vm().types.present(made) else { return Err(gone(cx, made)) };
    if present.id == made.id {
        // It has come back meanwhile.
        return Ok(Word::NULL);
    }
    let (name, fields) = (made.display_name(), present.fields.iter().map(|f| f.name).collect::<Vec<_>>());
    let message = format!("the variant {name} has fields: it is written `{name} {{ {} }}`", fields.join(", "));
    Err(cx.throw(ErrorKind::FieldError, message))
}

/// The error of a literal that the type does not allow any more.
pub fn refuse(cx: &mut Thread, message: Handle) -> Result<Word, Thrown> {
    let message = cx.get(message).str().unwrap_or_default().to_string();
    Err(cx.throw(ErrorKind::FieldError, message))
}
