//! Leaves: what a builtin or a helper does in the common case, called by generated code without a frame and without roots.
//!
//! Owns the way into such a function, and what those of all builtins share. A leaf looks at values, and makes new ones of what
//! the allocation buffer has left ([`Thread::spare`]); it never collects, never throws and never runs the program. What it
//! cannot do so it does not begin: it gives no answer, and the builtin itself, which has not been asked yet, does all of it, and
//! says what is wrong. So a leaf that gives no answer must have changed nothing. The machine code around it is in `stubs/mod.rs`.

pub mod collections;
pub mod maps;
pub mod numbers;
pub mod operators;
pub mod texts;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::gc::{Thread, Value};
use crate::object::Word;
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
            unsafe { $crate::runtime::values::leaves::enter(cx, [a, b, c], $leaf) }
        }
        leaf_entry as $crate::runtime::values::leaves::LeafEntry
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
