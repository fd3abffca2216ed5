//! Ranges and seqs over builtin collections.
//!
//! ```text
//! RANGE from | to | step          (inline Ints; step is not 0)
//! SEQ   source | position | index (what is left of a VECTOR, ARRAY or RANGE from an index, of a String from a byte offset;
//!                                  `index` counts the elements before it; there is at least one left)
//! ```
//!
//! A seq over a map, a set or a mutable list stands on a vector of its elements.

use super::collections::view::{Slots, count_field, field};
use super::collections::{List, map, set, vector};
use super::equality::TooDeep;
use super::iterate;
use super::text::strings;
use crate::gc::layout::{self, RANGE, SEQ};
use crate::gc::{Handle, Thread, Thrown, Value, Word};

/// A range's bounds and step.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The first Int.
    pub from: i64,
    /// Where it ends; excluded.
    pub to: i64,
    /// Not 0.
    pub step: i64,
}

impl Range {
    /// Reads a RANGE.
    pub fn of(range: Value<'_>) -> Range {
        let int = |i| field(range, RANGE, i).as_int().unwrap_or(0);
        Range { from: int(0), to: int(1), step: int(2) }
    }

    /// How many Ints.
    pub fn len(self) -> usize {
        // 61-bit Ints: the distance fits.
        let distance = if self.step > 0 { self.to - self.from } else { self.from - self.to };
        if distance <= 0 {
            return 0;
        }
        (distance as u64).div_ceil(self.step.unsigned_abs().max(1)) as usize
    }

    /// Are there none?
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Int number `i`, if there are so many.
    pub fn get(self, i: usize) -> Option<i64> {
        (i < self.len()).then(|| self.from + self.step * i as i64)
    }
}

/// Are the Ints of two ranges the same?
pub fn ranges_equal(a: Value<'_>, b: Value<'_>) -> bool {
    let (a, b) = (Range::of(a), Range::of(b));
    let n = a.len();
    n == b.len() && (n == 0 || a.from == b.from) && (n < 2 || a.step == b.step)
}

/// The hash of a range: of its Ints, not of its bounds.
pub fn range_hash(range: Value<'_>, seed: u64) -> u64 {
    let r = Range::of(range);
    let n = r.len();
    let from = if n > 0 { r.from } else { 0 };
    let step = if n > 1 { r.step } else { 1 };
    super::hashing::mix(
        seed ^ super::hashing::mix(n as u64 ^ super::hashing::mix(from as u64 ^ super::hashing::mix(step as u64))),
    )
}

/// How many elements a seq has left.
pub fn seq_len(seq: Value<'_>) -> usize {
    let source = field(seq, SEQ, 0);
    source_len(source).saturating_sub(count_field(seq, SEQ, 2))
}

fn source_len(source: Value<'_>) -> usize {
    match source.layout() {
        layout::VECTOR => vector::len(source),
        layout::RANGE => Range::of(source).len(),
        layout::STRING | layout::STRING_PREFIX => source.char_count().unwrap_or(0),
        _ => Slots::try_of(source).map_or(0, Slots::len),
    }
}

/// Goes through two seqs of equal length as long as `f` says so.
pub fn seqs_equal<'h>(a: Value<'h>, b: Value<'h>, mut f: impl FnMut(Value<'h>, Value<'h>) -> bool) -> bool {
    let (source_a, source_b) = (field(a, SEQ, 0), field(b, SEQ, 0));
    let (at_a, at_b) = (count_field(a, SEQ, 2), count_field(b, SEQ, 2));
    if let (Some(x), Some(y)) = (source_a.str(), source_b.str()) {
        return x.get(count_field(a, SEQ, 1)..) == y.get(count_field(b, SEQ, 1)..);
    }
    (0..seq_len(a)).all(|i| match (element(source_a, at_a + i), element(source_b, at_b + i)) {
        (Some(x), Some(y)) => f(x, y),
        (None, None) => match (range_element(source_a, at_a + i), range_element(source_b, at_b + i)) {
            (Some(x), Some(y)) => x == y,
            _ => false,
        },
        _ => false,
    })
}

/// Element `i` of a source whose elements are values already.
fn element(source: Value<'_>, i: usize) -> Option<Value<'_>> {
    match source.layout() {
        layout::VECTOR => vector::get(source, i),
        layout::RANGE => {
            let word = Word::int(Range::of(source).get(i)?)?;
            Value::immediate(source.thread(), word)
        }
        _ => Slots::try_of(source).filter(|slots| i < slots.len()).map(|slots| slots.get(i)),
    }
}

fn range_element(source: Value<'_>, i: usize) -> Option<i64> {
    if source.is(RANGE) { Range::of(source).get(i) } else { None }
}

/// A seq over a builtin collection: none when it is no such collection, `null` when there are no elements.
pub fn seq(cx: &mut Thread, coll: Handle) -> Result<Option<Handle>, Thrown> {
    let value = cx.get(coll);
    let (source, len) = match value.layout() {
        layout::NULL => return Ok(Some(coll)),
        layout::SEQ => return Ok(Some(coll)),
        layout::VECTOR | layout::ARRAY | layout::RANGE | layout::STRING | layout::STRING_PREFIX => {
            (coll, source_len(value))
        }
        layout::MAP | layout::MUTABLE_MAP | layout::SET | layout::MUTABLE_LIST => {
            let vector = iterate::to_vector(cx, coll)?;
            (vector, vector::len(cx.get(vector)))
        }
        _ => return Ok(None),
    };
    if len == 0 {
        return Ok(Some(cx.root_word(Word::NULL)));
    }
    let zero = cx.root_word(Word(0));
    cx.alloc_slots(SEQ, &[source, zero, zero]).map(Some)
}

/// The first element of a SEQ.
pub fn first(cx: &mut Thread, seq: Handle) -> Result<Handle, Thrown> {
    let s = cx.get(seq);
    let source = field(s, SEQ, 0);
    if let Some(text) = source.str() {
        let c = text.get(count_field(s, SEQ, 1)..).and_then(|rest| rest.chars().next());
        return strings::of_char(cx, c.unwrap_or('\0'));
    }
    let value = element(source, count_field(s, SEQ, 2));
    Ok(value.map_or_else(|| cx.root_word(Word::NULL), |v| cx.root(v)))
}

/// What is left of a SEQ after its first element; `null` when that is nothing.
pub fn next(cx: &mut Thread, seq: Handle) -> Result<Handle, Thrown> {
    let s = cx.get(seq);
    if seq_len(s) <= 1 {
        return Ok(cx.root_word(Word::NULL));
    }
    let source = field(s, SEQ, 0);
    let (position, index) = (count_field(s, SEQ, 1), count_field(s, SEQ, 2));
    let step = match source.str() {
        Some(text) => text.get(position..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8),
        None => 1,
    };
    let int = |n: usize| Word(super::collections::view::count_bits(n));
    let source = cx.root(source);
    let (position, index) = (cx.root_word(int(position + step)), cx.root_word(int(index + 1)));
    cx.alloc_slots(SEQ, &[source, position, index])
}

/// How many elements a builtin collection has: characters of a String; none for what has no length.
pub fn length(value: Value<'_>) -> Option<usize> {
    Some(match value.layout() {
        layout::NULL => 0,
        layout::STRING | layout::STRING_PREFIX => value.char_count()?,
        layout::VECTOR => vector::len(value),
        layout::MAP => map::len(value),
        layout::MUTABLE_MAP => map::len(super::collections::mutable::map_of(value)),
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
        layout::MAP => any(&mut map::iter(coll).map(|(_, v)| v)),
        layout::MUTABLE_MAP => any(&mut map::iter(super::collections::mutable::map_of(coll)).map(|(_, v)| v)),
        _ => return None,
    })
}
