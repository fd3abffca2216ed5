//! Seqs over builtin collections, and what collections have in common.
//!
//! ```text
//! SEQ   source | position | index (what is left of a VECTOR, ARRAY or RANGE from an index, of a String from a byte offset;
//!                                  `index` counts the elements before it; there is at least one left)
//! ```
//!
//! A seq over a large map or set stands on a path to its entry, a NODE (`collections/walk.rs`), and a position there: entries
//! are made when they are asked for. One over a small one stands on a vector of the elements, one over a mutable list on an ARRAY of
//! its own.

use dashu_int::{IBig, Sign};

use super::collections::view::{Slots, copy_array, count_field, field};
use super::collections::{List, map, mutable, set, vector, walk};
use super::equality::TooDeep;
use super::numbers::{self, Number};
use super::ranges::Range;
use super::text::strings;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::object::layout::{self, NODE, RANGE, SEQ, VECTOR};

/// How many elements a seq has left.
pub fn seq_len(seq: Value<'_>) -> usize {
    let source = field(seq, SEQ, layout::SEQ_SOURCE);
    match source_len(source) {
        // More than can be said: what is left may be, too.
        usize::MAX => range_count(seq).and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX),
        len => len.saturating_sub(count_field(seq, SEQ, layout::SEQ_INDEX)),
    }
}

fn source_len(source: Value<'_>) -> usize {
    match source.layout() {
        layout::VECTOR => vector::len(source),
        layout::RANGE => Range::of(source).len(),
        layout::STRING | layout::STRING_PREFIX => source.char_count().unwrap_or(0),
        NODE => walk::count(source),
        _ => Slots::try_of(source).map_or(0, Slots::len),
    }
}

/// Goes through two seqs of equal length as long as `f` says so.
pub fn seqs_equal<'h>(a: Value<'h>, b: Value<'h>, mut f: impl FnMut(Value<'h>, Value<'h>) -> bool) -> bool {
    let (source_a, source_b) = (field(a, SEQ, layout::SEQ_SOURCE), field(b, SEQ, layout::SEQ_SOURCE));
    let (at_a, at_b) = (count_field(a, SEQ, layout::SEQ_INDEX), count_field(b, SEQ, layout::SEQ_INDEX));
    if let (Some(x), Some(y)) = (source_a.str(), source_b.str()) {
        return x.get(count_field(a, SEQ, layout::SEQ_POSITION)..)
            == y.get(count_field(b, SEQ, layout::SEQ_POSITION)..);
    }
    match (source_a.is(RANGE), source_b.is(RANGE)) {
        (true, true) => Range::of(source_a).equals(at_a, &Range::of(source_b), at_b),
        (true, false) => range_equals(source_a, at_a, b),
        (false, true) => range_equals(source_b, at_b, a),
        (false, false) => left(a).zip(left(b)).all(|pair| match pair {
            (Some(Element::Value(x)), Some(Element::Value(y))) => f(x, y),
            (Some(Element::Entry(k, v)), Some(Element::Entry(l, w))) => f(k, l) && f(v, w),
            (Some(Element::Value(x)), Some(Element::Entry(k, v)))
            | (Some(Element::Entry(k, v)), Some(Element::Value(x))) => {
                entry_of(x).is_some_and(|(l, w)| f(k, l) && f(v, w))
            }
            _ => false,
        }),
    }
}

/// An element of a seq that can be had without making something.
enum Element<'h> {
    /// That is a value already.
    Value(Value<'h>),
    /// A key with its value: the vector of both, which nobody has made.
    Entry(Value<'h>, Value<'h>),
}

/// What a seq that is not over a range has left; none for each that is no value yet, a character of a String.
fn left<'h>(seq: Value<'h>) -> Box<dyn Iterator<Item = Option<Element<'h>>> + 'h> {
    let (source, position, index) = (
        field(seq, SEQ, layout::SEQ_SOURCE),
        count_field(seq, SEQ, layout::SEQ_POSITION),
        count_field(seq, SEQ, layout::SEQ_INDEX),
    );
    if !source.is(NODE) {
        return Box::new((index..source_len(source)).map(move |i| element(source, i).map(Element::Value)));
    }
    let set = walk::is_set(source);
    let made = move |(k, v)| Some(if set { Element::Value(k) } else { Element::Entry(k, v) });
    Box::new(walk::entries(source, position).map(made))
}

/// The two elements of a vector that may be an entry.
fn entry_of(value: Value<'_>) -> Option<(Value<'_>, Value<'_>)> {
    let entry = Some(value).filter(|v| v.is(VECTOR) && vector::len(*v) == 2)?;
    Some((vector::get(entry, 0)?, vector::get(entry, 1)?))
}

/// Are the Ints of a range from an index on what another seq has left? There are as many.
fn range_equals(range: Value<'_>, at: usize, other: Value<'_>) -> bool {
    let range = Range::of(range);
    left(other).enumerate().all(|(i, element)| {
        let Some(Element::Value(x)) = element else { return false };
        Number::of(x).is_some_and(|x| {
            let expected = range.at(at + i);
            let (sign, limbs) = expected.as_sign_words();
            match i64::try_from(&expected).ok().filter(|&i| Word::int(i).is_some()) {
                Some(i) => numbers::compare::equal(Number::Int(i), x),
                None => numbers::compare::equal(Number::Big(sign == Sign::Negative, limbs), x),
            }
        })
    })
}

/// Element `i` of a source whose elements are values already.
fn element(source: Value<'_>, i: usize) -> Option<Value<'_>> {
    match source.layout() {
        layout::VECTOR => vector::get(source, i),
        _ => Slots::try_of(source).filter(|slots| i < slots.len()).map(|slots| slots.get(i)),
    }
}

/// A seq over a builtin collection: none when it is no such collection, `null` when there are no elements.
pub fn seq(cx: &mut Thread, coll: Handle) -> Result<Option<Handle>, Thrown> {
    let value = cx.get(coll);
    let (source, len) = match value.layout() {
        layout::NULL => return Ok(Some(coll)),
        layout::SEQ => return Ok(Some(coll)),
        layout::MAP | layout::SET | layout::MUTABLE_MAP | layout::MUTABLE_SET => return over_map(cx, coll).map(Some),
        layout::VECTOR | layout::ARRAY | layout::RANGE | layout::STRING | layout::STRING_PREFIX => {
            (coll, source_len(value))
        }
        layout::MUTABLE_LIST => {
            let (slots, n) = List::view(value);
            let node = cx.root(slots.object());
            (copy_array(cx, layout::ARRAY, node, 0, n)?, n)
        }
        _ => return Ok(None),
    };
    if len == 0 {
        return Ok(Some(cx.root_word(Word::NULL)));
    }
    at(cx, source, 0, 0).map(Some)
}

/// A seq over a map, a set, or a mutable one; `null` when it is empty.
fn over_map(cx: &mut Thread, coll: Handle) -> Result<Handle, Thrown> {
    let (value, set) = (cx.get(coll), matches!(cx.get(coll).layout(), layout::SET | layout::MUTABLE_SET));
    let map = match value.layout() {
        layout::MAP => coll,
        layout::SET => cx.root(set::map_of(value)),
        _ => mutable::to_map(cx, coll)?,
    };
    let (source, position) = if map::is_small(cx.get(map)) {
        let entries: Vec<_> = map::iter(cx.get(map)).map(|(k, v)| (cx.root(k), cx.root(v))).collect();
        let made = entries.into_iter().map(|parts| entry(cx, set, parts)).collect::<Result<Vec<_>, _>>()?;
        if made.is_empty() {
            return Ok(cx.root_word(Word::NULL));
        }
        (vector::of(cx, &made)?, 0)
    } else {
        match walk::begin(cx, map, set)? {
            Some(place) => place,
            None => return Ok(cx.root_word(Word::NULL)),
        }
    };
    at(cx, source, position, 0)
}

/// The element that an entry is: `[key, value]`, or the member of a set.
pub fn entry(cx: &mut Thread, set: bool, (key, value): (Handle, Handle)) -> Result<Handle, Thrown> {
    if set { Ok(key) } else { vector::of(cx, &[key, value]) }
}

/// A SEQ.
fn at(cx: &mut Thread, source: Handle, position: usize, index: usize) -> Result<Handle, Thrown> {
    let int = |n: usize| Word(super::collections::view::count_bits(n));
    let (position, index) = (cx.root_word(int(position)), cx.root_word(int(index)));
    cx.alloc_slots(SEQ, &[source, position, index])
}

/// The first element of a SEQ.
pub fn first(cx: &mut Thread, seq: Handle) -> Result<Handle, Thrown> {
    let s = cx.get(seq);
    let source = field(s, SEQ, layout::SEQ_SOURCE);
    if source.is(NODE) {
        let set = walk::is_set(source);
        let Some((key, value)) = walk::entry(source, count_field(s, SEQ, layout::SEQ_POSITION)) else {
            return Ok(cx.root_word(Word::NULL));
        };
        let parts = (cx.root(key), cx.root(value));
        return entry(cx, set, parts);
    }
    if let Some(text) = source.str() {
        let c = text.get(count_field(s, SEQ, layout::SEQ_POSITION)..).and_then(|rest| rest.chars().next());
        return strings::of_char(cx, c.unwrap_or('\0'));
    }
    if source.is(RANGE) {
        return Range::of(source).get(cx, count_field(s, SEQ, layout::SEQ_INDEX));
    }
    let value = element(source, count_field(s, SEQ, layout::SEQ_INDEX));
    Ok(value.map_or_else(|| cx.root_word(Word::NULL), |v| cx.root(v)))
}

/// What is left of a SEQ after its first element; `null` when that is nothing.
pub fn next(cx: &mut Thread, seq: Handle) -> Result<Handle, Thrown> {
    let s = cx.get(seq);
    if seq_len(s) <= 1 {
        return Ok(cx.root_word(Word::NULL));
    }
    let source = field(s, SEQ, layout::SEQ_SOURCE);
    let (position, index) = (count_field(s, SEQ, layout::SEQ_POSITION), count_field(s, SEQ, layout::SEQ_INDEX));
    if source.is(NODE) {
        let path = cx.root(source);
        return match walk::next(cx, path, position)? {
            Some((path, position)) => at(cx, path, position, index + 1),
            None => Ok(cx.root_word(Word::NULL)),
        };
    }
    let step = match source.str() {
        Some(text) => text.get(position..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8),
        None => 1,
    };
    let source = cx.root(source);
    at(cx, source, position + step, index + 1)
}

/// How many Ints a range or a seq over one has.
fn range_count(value: Value<'_>) -> Option<IBig> {
    let (range, before) = match value.layout() {
        SEQ => (field(value, SEQ, layout::SEQ_SOURCE), count_field(value, SEQ, layout::SEQ_INDEX)),
        _ => (value, 0),
    };
    range.is(RANGE).then(|| Range::of(range).count() - IBig::from(before))
}

/// The Range whose Ints are the last elements of a value, if they are.
pub fn range_behind(value: Value<'_>) -> Option<Range> {
    match range_count(value) {
        Some(count) if value.is(SEQ) && count > IBig::ZERO => Some(Range::of(field(value, SEQ, layout::SEQ_SOURCE))),
        Some(_) if value.is(RANGE) => Some(Range::of(value)),
        _ => None,
    }
}

/// How many elements a builtin collection has, as it is written.
pub fn count_text(value: Value<'_>) -> String {
    match range_count(value) {
        Some(count) => count.to_string(),
        None => length(value).unwrap_or(0).to_string(),
    }
}

/// How many elements a builtin collection has, as an Int; none for what has no length.
pub fn count(cx: &mut Thread, coll: Handle) -> Result<Option<Handle>, Thrown> {
    let value = cx.get(coll);
    if let Some(count) = range_count(value) {
        return numbers::new_big(cx, &count).map(Some);
    }
    match length(value) {
        Some(n) => numbers::new_usize(cx, n).map(Some),
        None => Ok(None),
    }
}

/// How many elements a builtin collection has: characters of a String; none for what has no length. The largest `usize`
/// stands for more than that.
pub fn length(value: Value<'_>) -> Option<usize> {
    Some(match value.layout() {
        layout::NULL => 0,
        layout::STRING | layout::STRING_PREFIX => value.char_count()?,
        layout::VECTOR => vector::len(value),
        layout::MAP => map::len(value),
        layout::MUTABLE_MAP | layout::MUTABLE_SET => map::len(super::collections::mutable::map_of(value)),
        layout::SET => set::len(value),
        layout::ARRAY => Slots::of(value).len(),
        layout::MUTABLE_LIST => List::view(value).1,
        layout::RANGE => Range::of(value).len(),
        layout::SEQ => seq_len(value),
        _ => return None,
    })
}

/// Is a value in what `for` goes over, for collections of values (keys and values of a map are entries)?
pub fn includes<'h>(coll: Value<'h>, x: Value<'h>) -> Option<Result<bool, TooDeep>> {
    let any = |values: &mut dyn Iterator<Item = Value<'h>>| {
        for value in values {
            match super::equality::equal(value, x) {
                Ok(false) => {}
                other => return other,
            }
        }
        Ok(false)
    };
    Some(match coll.layout() {
        layout::VECTOR => any(&mut vector::iter(coll)),
        layout::ARRAY => any(&mut Slots::of(coll).iter()),
        layout::MUTABLE_LIST => {
            let (slots, n) = List::view(coll);
            any(&mut slots.iter().take(n))
        }
        layout::SET => set::contains(coll, x),
        layout::MUTABLE_SET => map::find(super::collections::mutable::map_of(coll), x).map(|found| found.is_some()),
        layout::RANGE => Ok(Number::of(x).is_some_and(|x| Range::of(coll).includes(x))),
        layout::MAP => any(&mut map::iter(coll).map(|(_, v)| v)),
        layout::MUTABLE_MAP => any(&mut map::iter(super::collections::mutable::map_of(coll)).map(|(_, v)| v)),
        _ => return None,
    })
}
