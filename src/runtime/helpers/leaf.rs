//! Leaves: what a builtin or a helper does in the common case, called by generated code without a frame and without roots.
//!
//! Owns the way into such a function, and what those of all builtins share. A leaf looks at values, and makes new ones of what
//! the allocation buffer has left ([`Thread::spare`]); it never collects, never throws and never runs the program. What it
//! cannot do so it does not begin: it gives no answer, and the builtin itself, which has not been asked yet, does all of it, and
//! says what is wrong. So a leaf that gives no answer must have changed nothing. The machine code around it is in `stubs/mod.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::dynamic;
use crate::codegen::link::Helper;
use crate::gc::{Thread, Value};
use crate::object::Word;
use crate::runtime::builtins::{leaf_collections, leaf_maps, leaf_numbers, leaf_operators, leaf_texts};
use crate::runtime::program::binding::Binding;
use crate::runtime::values::iterate;
pub use crate::stubs::{LEAF_ARGS, LeafEntry};

/// What a leaf is given.
pub type Args<'h> = [Value<'h>; LEAF_ARGS];

/// What a leaf gives: none when the builtin itself is to be asked.
pub type Answer<'h> = Option<Value<'h>>;

/// The C function of a leaf `fn(&Thread, [Value; LEAF_ARGS]) -> Answer`.
#[macro_export]
macro_rules! leaf_entry {
    ($leaf:path) => {{
        unsafe extern "C" fn leaf_entry(
            cx: *mut $crate::gc::Thread,
            a: $crate::object::Word,
            b: $crate::object::Word,
            c: $crate::object::Word,
        ) -> $crate::object::Word {
            // SAFETY: generated code calls this with the context of its thread and with values.
            unsafe { $crate::runtime::helpers::leaf::enter(cx, [a, b, c], $leaf) }
        }
        leaf_entry as $crate::runtime::helpers::leaf::LeafEntry
    }};
}

/// Runs a leaf.
///
/// # Safety
/// `cx` must be the context of the calling thread, to which nothing refers mutably, and `words` values that generated code has
/// just passed.
#[inline(always)]
pub unsafe fn enter(
    cx: *mut Thread,
    words: [Word; LEAF_ARGS],
    leaf: impl for<'h> FnOnce(&'h Thread, [Value<'h>; LEAF_ARGS]) -> Answer<'h>,
) -> Word {
    // SAFETY: the caller's.
    let cx = unsafe { &*cx };
    // SAFETY: values of generated code; nothing collects while they are looked at.
    let args = words.map(|word| unsafe { Value::from_raw(cx, word) });
    match catch_unwind(AssertUnwindSafe(|| leaf(cx, args).map(Value::word))) {
        Ok(Some(word)) => word,
        // After a panic the builtin is asked as well, and reports its own.
        Ok(None) | Err(_) => Word::THROWN,
    }
}

/// The leaf of a helper, and how many arguments it looks at.
pub fn of_helper(helper: Helper) -> Option<(LeafEntry, usize)> {
    Some(match helper {
        Helper::Add => (leaf_entry!(leaf_operators::add), 2),
        Helper::Subtract => (leaf_entry!(leaf_operators::subtract), 2),
        Helper::Multiply => (leaf_entry!(leaf_operators::multiply), 2),
        Helper::Divide => (leaf_entry!(leaf_operators::divide), 2),
        Helper::Remainder => (leaf_entry!(leaf_operators::remainder), 2),
        Helper::BitAnd => (leaf_entry!(leaf_operators::bit_and), 2),
        Helper::BitOr => (leaf_entry!(leaf_operators::bit_or), 2),
        Helper::BitXor => (leaf_entry!(leaf_operators::bit_xor), 2),
        Helper::ShiftLeft => (leaf_entry!(leaf_operators::shift_left), 2),
        Helper::ShiftRight => (leaf_entry!(leaf_operators::shift_right), 2),
        Helper::ShiftRightLogical => (leaf_entry!(leaf_operators::shift_right_logical), 2),
        Helper::Negate => (leaf_entry!(leaf_operators::negate), 1),
        Helper::GetIndex => (leaf_entry!(leaf_collections::get), 2),
        Helper::GetOr => (leaf_entry!(leaf_collections::get), 3),
        Helper::Equal => (leaf_entry!(leaf_collections::equal), 2),
        Helper::Less => (leaf_entry!(leaf_texts::less), 2),
        Helper::LessEqual => (leaf_entry!(leaf_texts::less_equal), 2),
        Helper::Greater => (leaf_entry!(leaf_texts::greater), 2),
        Helper::GreaterEqual => (leaf_entry!(leaf_texts::greater_equal), 2),
        Helper::Concat => (leaf_entry!(leaf_texts::concat), 2),
        Helper::AssocInPlace => (leaf_entry!(leaf_maps::assoc_in_place), 3),
        Helper::DissocInPlace => (leaf_entry!(leaf_maps::dissoc_in_place), 2),
        Helper::SetRemoveInPlace => (leaf_entry!(leaf_maps::set_remove_in_place), 2),
        Helper::SetAddInPlace => (leaf_entry!(leaf_maps::set_add_in_place), 2),
        Helper::PushInPlace => (leaf_entry!(leaf_collections::push_in_place), 2),
        Helper::ButlastInPlace => (leaf_entry!(leaf_collections::butlast_in_place), 1),
        Helper::Count => (leaf_entry!(leaf_collections::count), 1),
        Helper::MapFind => (leaf_entry!(leaf_maps::map_find), 2),
        Helper::SubVector => (leaf_entry!(leaf_collections::sub_vector), 3),
        Helper::Iterate => (leaf_entry!(iterate::leaf_iterate), 1),
        Helper::NextChunk => (leaf_entry!(iterate::leaf_next_chunk), 1),
        Helper::InstanceOf => (leaf_entry!(leaf_numbers::instance_of), 2),
        Helper::DynamicGet => (dynamic_get, 1),
        Helper::DynamicBind => (dynamic_bind, 2),
        Helper::DynamicRestore => (leaf_entry!(dynamic::leaf_restore), 1),
        Helper::Interpolate => (interpolate, 1),
        Helper::MakeVector => (make_vector, 1),
        Helper::MakeMap => (make_map, 1),
        Helper::MakeSet => (make_set, 1),
        _ => return None,
    })
}

/// Runs a leaf that has so many arguments in the argument area.
unsafe fn with_area(cx: *mut Thread, count: Word, leaf: impl for<'h> FnOnce(&'h Thread, usize) -> Answer<'h>) -> Word {
    let nothing = [Word::UNDEFINED; LEAF_ARGS];
    // SAFETY: the caller's.
    unsafe { enter(cx, nothing, |cx, _| leaf(cx, count.0 as usize)) }
}

macro_rules! of_area {
    ($($name:ident = $leaf:path;)*) => {
        $(unsafe extern "C" fn $name(cx: *mut Thread, count: Word, _: Word, _: Word) -> Word {
            // SAFETY: generated code calls this with the context of its thread and so many values in the argument area.
            unsafe { with_area(cx, count, $leaf) }
        })*
    };
}

of_area! {
    interpolate = leaf_texts::interpolate;
    make_vector = leaf_collections::make_vector;
    make_map = leaf_maps::make_map;
    make_set = leaf_maps::make_set;
}

macro_rules! of_binding {
    ($($name:ident = $leaf:expr;)*) => {
        $(unsafe extern "C" fn $name(cx: *mut Thread, binding: Word, value: Word, _: Word) -> Word {
            let args = [value, Word::UNDEFINED, Word::UNDEFINED];
            // SAFETY: generated code calls this with the context of its thread, the address of a binding and a value.
            unsafe { enter(cx, args, |cx, [value, ..]| $leaf(cx, Binding::at(binding.0 as usize), value)) }
        })*
    };
}

of_binding! {
    dynamic_get = |cx, binding, _| dynamic::leaf_get(cx, binding);
    dynamic_bind = dynamic::leaf_bind;
}

/// An Int, unless it is too large for a word.
#[inline]
pub fn int(cx: &Thread, i: i64) -> Answer<'_> {
    Value::immediate(cx, Word::int(i)?)
}

/// A count.
#[inline]
pub fn count(cx: &Thread, n: usize) -> Answer<'_> {
    int(cx, i64::try_from(n).ok()?)
}

/// A Float, unless it must be boxed.
#[inline]
pub fn float(cx: &Thread, f: f64) -> Answer<'_> {
    Value::immediate(cx, Word::float(f)?)
}

/// A Bool.
#[inline]
pub fn bool(cx: &Thread, b: bool) -> Answer<'_> {
    Value::immediate(cx, Word::bool(b))
}

/// `null`
#[inline]
pub fn null(cx: &Thread) -> Answer<'_> {
    Value::immediate(cx, Word::NULL)
}

/// An argument that may be left out.
#[inline]
pub fn given(value: Value<'_>) -> Option<Value<'_>> {
    (value.word() != Word::UNDEFINED).then_some(value)
}

/// Is no builtin type extended with a protocol?
#[inline]
pub fn is_plain(cx: &Thread) -> bool {
    !cx.vm().dispatch.builtin_extended()
}

#[cfg(test)]
mod tests;
