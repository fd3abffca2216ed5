//! Dynamic variables: `let dynamic`, `binding`.
//!
//! A thread's bindings are one persistent map (binding number to value) in its context, so that `binding` is an `assoc` and
//! leaving it puts the old map back; threads start with their creator's map.

use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::binding::{Binding, BindingKind};
use crate::runtime::program::link;
use crate::runtime::values::collections::map;
use crate::runtime::values::leaves::{self, Answer};

fn key(cx: &Thread, binding: &Binding) -> Handle {
    cx.root_word(Word(u64::from(binding.index) << crate::object::word::INT_SHIFT))
}

/// What [`get`] gives, where there is something to give. A variable that is dynamic no more, for who runs on since it was, has the one value.
pub fn leaf_get<'h>(cx: &'h Thread, binding: &'static Binding) -> Answer<'h> {
    if binding.kind() == BindingKind::Dynamic
        && !cx.dynamic().is_null()
        && let Some(value) = map::get(cx.dynamic(), leaves::int(cx, i64::from(binding.index))?).ok()?
    {
        return Some(value);
    }
    binding.get(cx)
}

/// [`bind`]
pub fn leaf_bind<'h>(cx: &'h Thread, binding: &'static Binding, value: Value<'h>) -> Answer<'h> {
    if binding.kind() != BindingKind::Dynamic {
        return None;
    }
    let (old, key) = (cx.dynamic(), leaves::int(cx, i64::from(binding.index))?);
    let new = match old.is_null() {
        true => leaves::maps::map_of(cx, &[key, value])?,
        false => leaves::maps::with_entry(cx, old, key, value)?,
    };
    cx.set_dynamic(new);
    Some(old)
}

/// [`restore`]
pub fn leaf_restore<'h>(cx: &'h Thread, [old, ..]: leaves::Args<'h>) -> Answer<'h> {
    let now = cx.dynamic();
    if old.word() != Word::UNDEFINED {
        cx.set_dynamic(old);
    }
    Some(now)
}

/// The value of a dynamic variable for this thread.
pub fn get(cx: &mut Thread, binding: &'static Binding) -> Result<Handle, Thrown> {
    match leaf_get(cx, binding).map(|value| cx.root(value)) {
        Some(value) => Ok(value),
        None => Err(link::undefined(cx, binding)),
    }
}

/// Binds a dynamic variable; gives the bindings as they were.
pub fn bind(cx: &mut Thread, binding: &'static Binding, value: Handle) -> Result<Handle, Thrown> {
    if binding.kind() != BindingKind::Dynamic {
        let message = format!("binding: {} is not dynamic; declare it with `let dynamic`", binding.qualified());
        return Err(cx.throw(ErrorKind::ArgumentError, message));
    }
    let old = cx.root(cx.dynamic());
    let base = if cx.get(old).is_null() { map::empty(cx)? } else { old };
    let key = key(cx, binding);
    let new = map::assoc(cx, base, key, value)?;
    cx.set_dynamic(cx.get(new));
    Ok(old)
}

/// Makes the bindings what they were, unless that is UNDEFINED; gives what they are until now.
pub fn restore(cx: &mut Thread, old: Handle) -> Result<Handle, Thrown> {
    let now = cx.root(cx.dynamic());
    if cx.get(old).word() != Word::UNDEFINED {
        cx.set_dynamic(cx.get(old));
    }
    Ok(now)
}
