//! Leaves of the builtins and helpers on texts: see [`leaf`](super).
//!
//! Each does what the builtin beside whose row it is named does, for texts of a size at which the way into it would count.

use std::cmp::Ordering;

use super::collections::{Few, vector_of};
use super::{Answer, Args, LEAF_ARGS, bool, float, given, int, is_plain, null};
use crate::gc::mutator::call::MAX_SPILLED;
use crate::gc::{Room, SpareText, Thread, Value};
use crate::object::layout;
use crate::reader;
use crate::runtime::values::collections::view::{Slots, field};
use crate::runtime::values::numbers::{self, Number, compare, parse};
use crate::runtime::values::support::index_below;
use crate::runtime::values::text::strings;

/// Texts that are searched and changed here have at most so many bytes.
const SMALL: usize = 256;

/// A String of a text.
pub fn text<'h>(cx: &'h Thread, text: &str) -> Answer<'h> {
    match *text.as_bytes() {
        [byte] => ascii(cx, byte),
        _ => cx.spare_string(&[text], text.chars().count()),
    }
}

/// The shared String of an ASCII character.
pub fn ascii(cx: &Thread, byte: u8) -> Answer<'_> {
    let table = cx.vm().text.ascii.get(cx)?;
    byte.is_ascii().then(|| Slots::of(table).get(byte.into()))
}

/// A part of a text, itself when that is all of it.
fn part<'h>(cx: &'h Thread, whole: Value<'h>, part: &str) -> Answer<'h> {
    if Some(part.len()) == whole.str().map(str::len) { Some(whole) } else { text(cx, part) }
}

/// The character of a text at an index.
pub fn char_at<'h>(cx: &'h Thread, string: Value<'h>, i: usize) -> Answer<'h> {
    text(cx, strings::char_at(string, i)?.encode_utf8(&mut [0; 4]))
}

pub fn substring<'h>(cx: &'h Thread, [string, from, to]: Args<'h>) -> Answer<'h> {
    let len = string.char_count()?;
    let start = index_below(from, len + 1)?;
    let end = given(to).map_or(Some(len), |to| index_below(to, len + 1))?;
    let range = strings::offset(string, start)?..strings::offset(string, end)?;
    part(cx, string, string.str()?.get(range)?)
}

/// An ASCII text with each byte changed.
fn bytewise<'h>(cx: &'h Thread, string: Value<'h>, f: impl Fn(&u8) -> u8) -> Answer<'h> {
    let bytes = string.str().filter(|text| text.is_ascii() && text.len() <= SMALL)?.as_bytes();
    let mut changed = [0; SMALL];
    for (to, from) in changed.iter_mut().zip(bytes) {
        *to = f(from);
    }
    text(cx, std::str::from_utf8(&changed[..bytes.len()]).ok()?)
}

pub fn uppercase<'h>(cx: &'h Thread, [string, ..]: Args<'h>) -> Answer<'h> {
    bytewise(cx, string, u8::to_ascii_uppercase)
}

pub fn lowercase<'h>(cx: &'h Thread, [string, ..]: Args<'h>) -> Answer<'h> {
    bytewise(cx, string, u8::to_ascii_lowercase)
}

pub fn trim<'h>(cx: &'h Thread, [string, ..]: Args<'h>) -> Answer<'h> {
    part(cx, string, string.str()?.trim())
}

pub fn trim_left<'h>(cx: &'h Thread, [string, ..]: Args<'h>) -> Answer<'h> {
    part(cx, string, string.str()?.trim_start())
}

pub fn trim_right<'h>(cx: &'h Thread, [string, ..]: Args<'h>) -> Answer<'h> {
    part(cx, string, string.str()?.trim_end())
}

pub fn is_blank<'h>(cx: &'h Thread, [string, ..]: Args<'h>) -> Answer<'h> {
    bool(cx, string.str()?.trim().is_empty())
}

pub fn starts_with<'h>(cx: &'h Thread, [string, prefix, _]: Args<'h>) -> Answer<'h> {
    bool(cx, string.str()?.starts_with(prefix.str()?))
}

pub fn ends_with<'h>(cx: &'h Thread, [string, suffix, _]: Args<'h>) -> Answer<'h> {
    bool(cx, string.str()?.ends_with(suffix.str()?))
}

/// Where a part occurs first. The general search prepares more than small texts are worth.
pub fn find(whole: &str, part: &str) -> Option<usize> {
    let (text, wanted) = (whole.as_bytes(), part.as_bytes());
    let Some((&first, rest)) = wanted.split_first() else { return Some(0) };
    if text.len() > SMALL {
        return whole.find(part);
    }
    let last = text.len().checked_sub(wanted.len())?;
    (0..=last).find(|&at| text[at] == first && &text[at + 1..at + wanted.len()] == rest)
}

pub fn contains<'h>(cx: &'h Thread, [string, part, _]: Args<'h>) -> Answer<'h> {
    bool(cx, find(string.str()?, part.str()?).is_some())
}

/// The index of the character at which a part was found.
fn found<'h>(cx: &'h Thread, string: Value<'h>, at: Option<usize>) -> Answer<'h> {
    int(cx, at.map_or(-1, |at| strings::index(string, at) as i64))
}

pub fn index_of<'h>(cx: &'h Thread, [coll, part, _]: Args<'h>) -> Answer<'h> {
    match coll.str() {
        Some(text) => found(cx, coll, find(text, part.str()?)),
        None => super::collections::index_of(cx, coll, part),
    }
}

pub fn last_index_of<'h>(cx: &'h Thread, [string, part, _]: Args<'h>) -> Answer<'h> {
    found(cx, string, string.str()?.rfind(part.str()?))
}

pub fn char_code<'h>(cx: &'h Thread, [string, ..]: Args<'h>) -> Answer<'h> {
    int(cx, u32::from(string.str()?.chars().next()?).into())
}

pub fn char_code_at<'h>(cx: &'h Thread, [string, index, _]: Args<'h>) -> Answer<'h> {
    int(cx, u32::from(strings::char_at(string, index_below(index, string.char_count()?)?)?).into())
}

pub fn char_from_code<'h>(cx: &'h Thread, [code, ..]: Args<'h>) -> Answer<'h> {
    let c = char::from_u32(u32::try_from(code.as_int()?).ok()?)?;
    text(cx, c.encode_utf8(&mut [0; 4]))
}

pub fn keyword_to_string<'h>(cx: &'h Thread, [keyword, ..]: Args<'h>) -> Answer<'h> {
    text(cx, cx.vm().keywords.text(keyword.as_keyword()?))
}

/// A vector of parts of a text.
fn parts<'h, 'a>(cx: &'h Thread, parts: impl Iterator<Item = &'a str>) -> Answer<'h> {
    let mut few = Few::new();
    for part in parts {
        few.push(text(cx, part)?)?;
    }
    vector_of(cx, few.values())
}

pub fn lines<'h>(cx: &'h Thread, [string, ..]: Args<'h>) -> Answer<'h> {
    parts(cx, string.str()?.lines())
}

pub fn words<'h>(cx: &'h Thread, [string, ..]: Args<'h>) -> Answer<'h> {
    parts(cx, string.str()?.split_whitespace())
}

pub fn chars<'h>(cx: &'h Thread, [string, ..]: Args<'h>) -> Answer<'h> {
    string.str()?;
    let mut few = Few::new();
    few.add(cx, string)?;
    vector_of(cx, few.values())
}

pub fn split<'h>(cx: &'h Thread, [string, separator, _]: Args<'h>) -> Answer<'h> {
    match *separator.str()?.as_bytes() {
        [] => chars(cx, [string; LEAF_ARGS]),
        [byte] => parts(cx, string.str()?.split(char::from(byte))),
        _ => parts(cx, string.str()?.split(separator.str()?)),
    }
}

pub fn parse_int<'h>(cx: &'h Thread, [string, base, _]: Args<'h>) -> Answer<'h> {
    let base = given(base).map_or(Some(10), |base| base.as_int().filter(|base| (2..=36).contains(base)))?;
    let text = string.str()?;
    // So many digits of any base are an inline Int.
    let digits = text.as_bytes().strip_prefix(b"-").unwrap_or(text.as_bytes());
    if digits.is_empty() || digits.len() > 11 {
        return None;
    }
    let mut sum = 0;
    for &digit in digits {
        sum = sum * base + i64::from(char::from(digit).to_digit(base as u32)?);
    }
    int(cx, if digits.len() < text.len() { -sum } else { sum })
}

pub fn parse_float<'h>(cx: &'h Thread, [string, ..]: Args<'h>) -> Answer<'h> {
    match parse::float(string.str()?) {
        Some(f) => float(cx, f),
        None => null(cx),
    }
}

// ---- order ----

fn compared<'h>(cx: &'h Thread, [a, b, _]: Args<'h>, holds: fn(Ordering) -> bool) -> Answer<'h> {
    if let (Some(a), Some(b)) = (Number::of(a), Number::of(b)) {
        return bool(cx, compare::order(a, b).is_some_and(holds));
    }
    let (a, b) = (a.str()?, b.str()?);
    is_plain(cx).then(|| bool(cx, holds(a.cmp(b))))?
}

pub fn less<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    compared(cx, args, Ordering::is_lt)
}

pub fn less_equal<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    compared(cx, args, Ordering::is_le)
}

pub fn greater<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    compared(cx, args, Ordering::is_gt)
}

pub fn greater_equal<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    compared(cx, args, Ordering::is_ge)
}

// ---- texts of pieces ----

/// `a ++ b`
pub fn concat<'h>(cx: &'h Thread, [a, b, _]: Args<'h>) -> Answer<'h> {
    let (x, y) = (a.str()?, b.str()?);
    if y.is_empty() {
        return Some(a);
    }
    if x.is_empty() {
        return Some(b);
    }
    let (total, chars) = (x.len() + y.len(), a.char_count()? + b.char_count()?);
    if total <= SMALL {
        return cx.spare_string(&[x, y], chars);
    }
    appended(cx, a, x.len(), y, chars)
}

/// A text of so many bytes with more behind it, `chars` characters in all. As `strings::concat` does, where the text ends at the end of its bytes, and
/// these have room.
fn appended<'h>(cx: &'h Thread, text: Value<'h>, before: usize, more: &str, chars: usize) -> Answer<'h> {
    let total = before + more.len();
    if !text.is(layout::STRING_PREFIX) || total > strings::MAX_BYTES || !cx.has_spare(layout::PREFIX_WORDS) {
        return None;
    }
    let bytes = text.slot(layout::STRING_BASE);
    if !cx.append_bytes(bytes, Room::Texts, before, more.as_bytes()) {
        return None;
    }
    // SAFETY: the first `total` bytes are the texts of both, one after the other; `chars` is the sum of their characters.
    unsafe { cx.spare_string_prefix(bytes, total, chars) }
}

/// Adds a String.
fn push_string(out: &mut SpareText<'_>, string: Value<'_>) -> Option<()> {
    out.push(string.str()?, string.char_count()?)
}

/// Adds a text of ASCII characters.
fn push_ascii(out: &mut SpareText<'_>, text: &str) -> Option<()> {
    debug_assert!(text.is_ascii());
    out.push(text, text.len())
}

/// Adds a value as `to-string` shows it, if that is simple. No builtin type has a `Format`.
fn push_value(out: &mut SpareText<'_>, value: Value<'_>) -> Option<()> {
    if let Some(i) = value.as_int() {
        return push_ascii(out, itoa::Buffer::new().format(i));
    }
    match value.layout() {
        layout::STRING | layout::STRING_PREFIX => push_string(out, value),
        layout::FLOAT => {
            let mut text = String::new();
            numbers::float::write(&mut text, value.as_float()?);
            push_ascii(out, &text)
        }
        layout::NULL => push_ascii(out, "null"),
        layout::BOOL => push_ascii(out, if value.as_bool()? { "true" } else { "false" }),
        layout::KEYWORD => {
            let text = value.thread().vm().keywords.text(value.as_keyword()?);
            if !text.is_ascii() || !reader::is_name(text) {
                return None;
            }
            push_ascii(out, ":")?;
            push_ascii(out, text)
        }
        _ => None,
    }
}

/// What was written.
fn finish<'h>(cx: &'h Thread, text: SpareText<'h>) -> Answer<'h> {
    match text.only_byte() {
        Some(byte) if byte.is_ascii() => ascii(cx, byte),
        _ => text.finish(),
    }
}

/// `"…${…}…"` of so many parts in the argument area.
pub fn interpolate(cx: &Thread, parts: usize) -> Answer<'_> {
    if parts > MAX_SPILLED || !is_plain(cx) {
        return None;
    }
    let first = cx.spilled_arg(0);
    if parts > 1 && strings::is_long(first) {
        return interpolate_behind(cx, first, parts);
    }
    let mut text = cx.spare_text()?;
    for i in 0..parts {
        push_value(&mut text, cx.spilled_arg(i))?;
    }
    finish(cx, text)
}

/// The same where the first part is a long text: the others are appended to it, where that can be.
fn interpolate_behind<'h>(cx: &'h Thread, first: Value<'h>, parts: usize) -> Answer<'h> {
    if !first.is(layout::STRING_PREFIX) {
        return None;
    }
    let mut text = cx.spare_text()?;
    for i in 1..parts {
        push_value(&mut text, cx.spilled_arg(i))?;
    }
    let more = text.finish()?;
    appended(cx, first, first.str()?.len(), more.str()?, first.char_count()? + more.char_count()?)
}

pub fn to_string<'h>(cx: &'h Thread, [value, ..]: Args<'h>) -> Answer<'h> {
    if !is_plain(cx) {
        return None;
    }
    if value.str().is_some() {
        return Some(value);
    }
    let mut text = cx.spare_text()?;
    push_value(&mut text, value)?;
    finish(cx, text)
}

pub fn join<'h>(cx: &'h Thread, [coll, separator, _]: Args<'h>) -> Answer<'h> {
    if !is_plain(cx) || !coll.is(layout::VECTOR) || given(separator).is_some_and(|text| text.str().is_none()) {
        return None;
    }
    let mut few = Few::new();
    few.add(cx, coll)?;
    let mut text = cx.spare_text()?;
    for (i, &value) in few.values().iter().enumerate() {
        if let Some(separator) = given(separator).filter(|_| i > 0) {
            push_string(&mut text, separator)?;
        }
        push_value(&mut text, value)?;
    }
    finish(cx, text)
}

/// A value with spaces, or another ASCII character, at one end.
fn padded<'h>(cx: &'h Thread, [value, width, fill]: Args<'h>, left: bool) -> Answer<'h> {
    let fill = match given(fill) {
        Some(fill) => match *fill.str()?.as_bytes() {
            [byte] => byte,
            _ => return None,
        },
        None => b' ',
    };
    let width = usize::try_from(width.as_int()?).ok()?;
    if value.str().is_none() && !is_plain(cx) {
        return None;
    }
    let mut text = cx.spare_text()?;
    push_value(&mut text, value)?;
    let missing = width.saturating_sub(text.chars());
    if missing == 0 {
        return if value.str().is_some() { Some(value) } else { finish(cx, text) };
    }
    let filling = [fill; SMALL];
    let filling = std::str::from_utf8(filling.get(..missing)?).ok()?;
    if left {
        drop(text);
        text = cx.spare_text()?;
        push_ascii(&mut text, filling)?;
        push_value(&mut text, value)?;
    } else {
        push_ascii(&mut text, filling)?;
    }
    finish(cx, text)
}

pub fn pad_left<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    padded(cx, args, true)
}

pub fn pad_right<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
    padded(cx, args, false)
}

pub fn repeat_string<'h>(cx: &'h Thread, [string, n, _]: Args<'h>) -> Answer<'h> {
    let n = usize::try_from(n.as_int()?).ok()?;
    if n > SMALL || n.checked_mul(string.str()?.len())? > SMALL {
        return None;
    }
    let mut text = cx.spare_text()?;
    for _ in 0..n {
        push_string(&mut text, string)?;
    }
    finish(cx, text)
}

// ---- builders ----

/// Appends where there is room and nobody else is at it; gives the builder.
fn append<'h>(cx: &'h Thread, builder: Value<'h>, more: &[u8]) -> Answer<'h> {
    if !builder.is(layout::STRING_BUILDER) {
        return None;
    }
    let bytes = field(builder, layout::STRING_BUILDER, layout::STRING_BUILDER_BYTES);
    let used = bytes.bytes()?.len();
    cx.append_bytes(bytes, Room::Builder, used, more).then_some(builder)
}

pub fn builder_append<'h>(cx: &'h Thread, [builder, text, _]: Args<'h>) -> Answer<'h> {
    append(cx, builder, text.str()?.as_bytes())
}

pub fn builder_append_char<'h>(cx: &'h Thread, [builder, character, _]: Args<'h>) -> Answer<'h> {
    match character.as_int() {
        Some(code) => {
            let c = char::from_u32(u32::try_from(code).ok()?)?;
            append(cx, builder, c.encode_utf8(&mut [0; 4]).as_bytes())
        }
        None if character.char_count()? == 1 => append(cx, builder, character.str()?.as_bytes()),
        None => None,
    }
}

pub fn builder_append_int<'h>(cx: &'h Thread, [builder, n, _]: Args<'h>) -> Answer<'h> {
    append(cx, builder, itoa::Buffer::new().format(n.as_int()?).as_bytes())
}

pub fn builder_to_string<'h>(cx: &'h Thread, [builder, ..]: Args<'h>) -> Answer<'h> {
    if !builder.is(layout::STRING_BUILDER) {
        return None;
    }
    let bytes = field(builder, layout::STRING_BUILDER, layout::STRING_BUILDER_BYTES).bytes()?;
    if bytes.len() > SMALL { None } else { text(cx, std::str::from_utf8(bytes).ok()?) }
}
