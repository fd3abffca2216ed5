//! Looking into maps, straight from generated code.
//!
//! Owns the one C function that generated code reaches without an exit stub, behind the machine code for Int keys in
//! `stubs/maps.rs`: no frame is noted, nothing is rooted, so it must neither allocate in the heap nor throw nor run code of the
//! program. What it cannot do so it leaves to the helpers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::gc::{Thread, Value};
use crate::object::Word;
use crate::object::layout;
use crate::runtime::values::collections::{map, mutable};
use crate::runtime::values::hashing;

/// The value of a key of a map; `UNDEFINED` when there is none, `THROWN` when the general helper is to be asked.
///
/// # Safety
/// Generated code calls it with the context of its thread and two values.
pub unsafe extern "C" fn look_up(cx: *mut Thread, coll: Word, key: Word) -> Word {
    // SAFETY: the caller's; no other reference to the context is in use while generated code runs.
    let cx = unsafe { &*cx };
    // SAFETY: values of generated code, and nothing allocates while they are looked at.
    let (coll, key) = unsafe { (Value::from_raw(cx, coll), Value::from_raw(cx, key)) };
    catch_unwind(AssertUnwindSafe(|| find(coll, key))).unwrap_or(Word::THROWN)
}

#[inline]
fn find(coll: Value<'_>, key: Value<'_>) -> Word {
    let map = match coll.layout() {
        layout::MAP => coll,
        layout::MUTABLE_MAP => mutable::map_of(coll),
        _ => return Word::THROWN,
    };
    if coll.thread().vm().dispatch.builtin_extended() || hashing::is_unprepared(key) {
        return Word::THROWN;
    }
    match map::get(map, key) {
        Ok(Some(value)) => value.word(),
        Ok(None) => Word::UNDEFINED,
        Err(_) => Word::THROWN,
    }
}
