//! The operators' general meaning, and what else generated code asks of the values when its inline paths do not suffice.
//!
//! Owns the bridge between the table of helpers and the functions of `numbers`, `collections`, `text`: arguments are unpacked
//! here, nothing is computed here.

use super::collections::{map, set, vector};
use super::compare::{self, Comparison};
use super::equality;
use super::numbers::{arith, bits};
use super::text::{format, strings};
use crate::gc::{Handle, Thread, Thrown};
use crate::object::Word;
use crate::runtime::fault::advice;
use crate::runtime::program::errors::ErrorKind;

/// `a op b`
pub fn arithmetic(cx: &mut Thread, op: arith::Op, a: Handle, b: Handle) -> Result<Handle, Thrown> {
    arith::arith(cx, op, a, b)
}

/// `a << b` and so on.
pub fn shift(cx: &mut Thread, shift: bits::Shift, a: Handle, b: Handle) -> Result<Handle, Thrown> {
    bits::shift(cx, shift, a, b)
}

/// `a & b` and so on.
pub fn bits(cx: &mut Thread, op: bits::BitOp, a: Handle, b: Handle) -> Result<Handle, Thrown> {
    bits::bit_op(cx, op, a, b)
}

/// `-a`
pub fn negate(cx: &mut Thread, a: Handle) -> Result<Handle, Thrown> {
    arith::negate(cx, a)
}

/// `a ++ b`
pub fn concat(cx: &mut Thread, a: Handle, b: Handle) -> Result<Handle, Thrown> {
    if cx.get(a).str().is_some() && cx.get(b).str().is_some() {
        return strings::concat(cx, a, b);
    }
    let (left, right, help) = (cx.describe(a), cx.describe(b), advice::operator(cx, "++", a, b));
    Err(cx
        .throw(ErrorKind::TypeError, format!("++: cannot concatenate {left} and {right}; both must be Strings{help}")))
}

/// `a < b` and so on.
pub fn compare(cx: &mut Thread, comparison: Comparison, a: Handle, b: Handle) -> Result<bool, Thrown> {
    compare::test(cx, comparison, a, b)
}

/// `a == b`
pub fn equal(cx: &mut Thread, a: Handle, b: Handle) -> Result<bool, Thrown> {
    match equality::equal(cx.get(a), cx.get(b)) {
        Ok(equal) => Ok(equal),
        Err(deep) => Err(deep.throw(cx)),
    }
}

/// The first `count` words of the argument area.
fn area(cx: &Thread, count: u64) -> Vec<Handle> {
    (0..count as usize).map(|i| cx.root(cx.spilled_arg(i))).collect()
}

/// `[…]`
pub fn make_vector(cx: &mut Thread, count: u64) -> Result<Handle, Thrown> {
    let elements = area(cx, count);
    vector::of(cx, &elements)
}

/// `{…}`
pub fn make_map(cx: &mut Thread, count: u64) -> Result<Handle, Thrown> {
    // The area is no root: what is in it comes first.
    let entries = area(cx, count);
    let empty = map::empty(cx)?;
    with_entries(cx, empty, &entries)
}

/// `#{…}`
pub fn make_set(cx: &mut Thread, count: u64) -> Result<Handle, Thrown> {
    let members = area(cx, count);
    let empty = set::empty(cx)?;
    with_members(cx, empty, &members)
}

/// `"…${…}…"`
pub fn interpolate(cx: &mut Thread, count: u64) -> Result<Handle, Thrown> {
    let parts = area(cx, count);
    let mut text = String::new();
    // Behind a long text the rest is appended as `++` would: a text that grows in a loop is not copied each time.
    let long = |first: &&Handle| strings::is_long(cx.get(**first)) && !cx.vm().dispatch.builtin_extended();
    let first = parts.first().filter(long).copied();
    for part in &parts[usize::from(first.is_some())..] {
        append(cx, &mut text, *part)?;
    }
    match first {
        Some(first) => {
            let more = strings::of(cx, &text)?;
            strings::concat(cx, first, more)
        }
        None => strings::of(cx, &text),
    }
}

fn append(cx: &mut Thread, text: &mut String, part: Handle) -> Result<(), Thrown> {
    format::append(cx, text, part, format::Style::Display)
}

/// More elements for a vector literal.
pub fn extend_vector(cx: &mut Thread, vector: Handle, count: u64) -> Result<Handle, Thrown> {
    let elements = area(cx, count);
    let more = vector::of(cx, &elements)?;
    vector::concat(cx, vector, more)
}

/// More entries for a map literal.
pub fn extend_map(cx: &mut Thread, map: Handle, count: u64) -> Result<Handle, Thrown> {
    let entries = area(cx, count);
    with_entries(cx, map, &entries)
}

fn with_entries(cx: &mut Thread, map: Handle, entries: &[Handle]) -> Result<Handle, Thrown> {
    let builder = map::Builder::from(cx, map)?;
    for pair in entries.chunks_exact(2) {
        builder.put(cx, pair[0], pair[1])?;
    }
    builder.finish(cx)
}

/// More members for a set literal.
pub fn extend_set(cx: &mut Thread, set: Handle, count: u64) -> Result<Handle, Thrown> {
    let members = area(cx, count);
    with_members(cx, set, &members)
}

fn with_members(cx: &mut Thread, set: Handle, members: &[Handle]) -> Result<Handle, Thrown> {
    let mut result = set;
    for member in members {
        result = set::add(cx, result, *member)?;
    }
    Ok(result)
}

/// More parts for an interpolated string.
pub fn extend_text(cx: &mut Thread, text: Handle, count: u64) -> Result<Handle, Thrown> {
    let more = interpolate(cx, count)?;
    strings::concat(cx, text, more)
}

/// A cursor over a collection.
pub fn iterate(cx: &mut Thread, collection: Handle) -> Result<Handle, Thrown> {
    super::iterate::iterate(cx, collection)
}

/// The next chunk of a cursor.
pub fn next_chunk(cx: &mut Thread, cursor: Handle) -> Result<Handle, Thrown> {
    super::iterate::next_chunk(cx, cursor)
}

/// The elements of a vector from `from` on, without the last `after`.
pub fn sub_vector(cx: &mut Thread, vector: Handle, from: Handle, after: Handle) -> Result<Handle, Thrown> {
    let len = vector::len(cx.get(vector));
    let from = cx.get(from).as_int().unwrap_or(0) as usize;
    let after = cx.get(after).as_int().unwrap_or(0) as usize;
    vector::slice(cx, vector, from.min(len), len.saturating_sub(after))
}

/// Bounds of a loop that are not both inline Ints: throws where one is no Int.
pub fn check_range(cx: &mut Thread, from: Handle, to: Handle) -> Result<Word, Thrown> {
    for (bound, position) in [(from, 1), (to, 2)] {
        if !super::numbers::is_int(cx.get(bound)) {
            let what = cx.describe(bound);
            let message = format!("range: argument {position} must be an Int, got {what}");
            return Err(cx.throw(ErrorKind::TypeError, message));
        }
    }
    Ok(Word::NULL)
}

/// The value of a key, or UNDEFINED.
pub fn map_find(cx: &mut Thread, map: Handle, key: Handle) -> Result<Word, Thrown> {
    match map::get(cx.get(map), cx.get(key)) {
        Ok(found) => Ok(found.map_or(Word::UNDEFINED, |v| v.word())),
        Err(deep) => Err(deep.throw(cx)),
    }
}

/// The vector of a builder of the library, which is empty afterwards.
pub fn builder_done(cx: &mut Thread, builder: Handle) -> Result<Handle, Thrown> {
    check_builder(cx, "_builder-done", builder)?;
    super::collections::builder::finish(cx, builder)
}

fn check_builder(cx: &mut Thread, who: &str, builder: Handle) -> Result<(), Thrown> {
    if cx.get(builder).layout() == crate::object::layout::VECTOR_BUILDER {
        return Ok(());
    }
    let what = cx.describe(builder);
    Err(cx.throw(ErrorKind::TypeError, format!("{who}: argument 1 must be a builder, got {what}")))
}

/// Adds a value to a vector builder of the library.
pub fn builder_push(cx: &mut Thread, builder: Handle, value: Handle) -> Result<Handle, Thrown> {
    check_builder(cx, "_builder-push!", builder)?;
    super::collections::builder::push(cx, builder, value)?;
    Ok(value)
}
