//! Strings: making, cutting, joining.
//!
//! Indices are code points. A string whose bytes and characters are equally many is ASCII, and every index is found at once;
//! in others it is counted off, in long ones from the nearest mark ([`Crumbs`](super::crumbs::Crumbs)).
//!
//! Concatenation of large texts appends in place: the result is a prefix of a BYTES object with spare room, and whoever
//! appends to the string that ends where the used bytes end extends that object (`Thread::append_bytes` lets one of several
//! threads win; the others copy). The bytes of a builder are its own ([`Room`]): who appends to a text taken from it copies.

use super::crumbs::SHORT;
use crate::gc::{Handle, Room, Thread, Thrown, Value};
use crate::object::layout::{ARRAY, STRING_BASE, STRING_PREFIX};
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::values::collections::view::Slots;

/// Concatenations up to this size are copied.
const SMALL: usize = 256;
/// What an interpolation with more than that in its first part gives has room for more.
const LONG: usize = 1024;
/// The most bytes a string can have.
pub const MAX_BYTES: usize = u32::MAX as usize;

/// The text of a handle that is known to be a String; empty for anything else.
#[inline]
pub fn text(cx: &Thread, string: Handle) -> &str {
    cx.get(string).str().unwrap_or("")
}

/// Has the string as many bytes as characters?
#[inline]
pub fn is_ascii(string: Value<'_>) -> bool {
    string.char_count() == string.str().map(str::len)
}

/// Is it a text that more is appended to in place, or that is long enough for that to begin?
#[inline]
pub fn is_long(string: Value<'_>) -> bool {
    let least = if string.is(STRING_PREFIX) { SMALL } else { LONG };
    string.str().is_some_and(|text| text.len() > least)
}

/// A String of a text: one-character ASCII strings are shared.
pub fn of(cx: &mut Thread, text: &str) -> Result<Handle, Thrown> {
    match text.as_bytes() {
        &[byte] => of_char(cx, char::from(byte)),
        bytes if bytes.len() > MAX_BYTES => Err(too_long(cx)),
        _ => cx.alloc_string(text),
    }
}

/// A String of one character.
#[inline]
pub fn of_char(cx: &mut Thread, c: char) -> Result<Handle, Thrown> {
    if c.is_ascii() {
        if let Some(table) = cx.vm().text.ascii.get(cx) {
            return Ok(cx.root(Slots::of(table).get(c as usize)));
        }
        return first_ascii(cx, c);
    }
    cx.alloc_string(c.encode_utf8(&mut [0; 4]))
}

/// Makes the shared strings.
#[cold]
fn first_ascii(cx: &mut Thread, c: char) -> Result<Handle, Thrown> {
    cx.scoped(|cx| {
        let strings = (0..128u8)
            .map(|byte| cx.alloc_string(char::from(byte).encode_utf8(&mut [0; 4])))
            .collect::<Result<Vec<_>, _>>()?;
        let table = cx.alloc_array_of(ARRAY, &strings)?;
        // When another thread was faster, its strings are forgotten: nobody relies on their identity.
        cx.vm().text.ascii.set(cx, cx.get(table));
        Ok(strings[c as usize])
    })
}

/// The error of a string that would be too long.
#[cold]
pub fn too_long(cx: &mut Thread) -> Thrown {
    cx.throw(ErrorKind::OutOfMemory, format!("a String can have at most {MAX_BYTES} bytes"))
}

/// `a ++ b`, both Strings.
pub fn concat(cx: &mut Thread, a: Handle, b: Handle) -> Result<Handle, Thrown> {
    let (x, y) = (text(cx, a), text(cx, b));
    if y.is_empty() {
        return Ok(a);
    }
    if x.is_empty() {
        return Ok(b);
    }
    let (n, m) = (x.len(), y.len());
    let total = n + m;
    if total <= SMALL {
        let mut buffer = [0; SMALL];
        buffer[..n].copy_from_slice(x.as_bytes());
        buffer[n..total].copy_from_slice(y.as_bytes());
        return match std::str::from_utf8(&buffer[..total]) {
            Ok(text) => of(cx, text),
            Err(_) => Ok(a),
        };
    }
    if total > MAX_BYTES {
        return Err(too_long(cx));
    }
    let chars = cx.get(a).char_count().unwrap_or(0) + cx.get(b).char_count().unwrap_or(0);
    let base = if cx.get(a).is(STRING_PREFIX) { Some(cx.root(cx.get(a).slot(STRING_BASE))) } else { None };
    let bytes = match base {
        Some(base) if cx.append_bytes(cx.get(base), Room::Texts, n, text(cx, b).as_bytes()) => base,
        _ => {
            let bytes = cx.alloc_bytes(total.saturating_mul(2), Room::Texts)?;
            // Fresh bytes with room for both: nobody else knows them.
            cx.append_bytes(cx.get(bytes), Room::Texts, 0, text(cx, a).as_bytes());
            cx.append_bytes(cx.get(bytes), Room::Texts, n, text(cx, b).as_bytes());
            bytes
        }
    };
    // SAFETY: the first `total` bytes are the texts of both strings, one after the other; `chars` is their sum.
    unsafe { cx.alloc_string_prefix(bytes, total, chars) }
}

/// The byte offset of a character; of the end for the index after the last.
pub fn offset(string: Value<'_>, index: usize) -> Option<usize> {
    let text = string.str()?;
    let chars = string.char_count()?;
    if index > chars {
        return None;
    }
    if text.len() == chars {
        return Some(index);
    }
    if index == chars {
        return Some(text.len());
    }
    if text.len() > SHORT {
        let cx = string.thread();
        return Some(cx.state().crumbs.borrow_mut().offset(cx.collections(), string.word(), text, index));
    }
    text.char_indices().nth(index).map(|(at, _)| at)
}

/// The index of the character at a byte offset.
pub fn index(string: Value<'_>, offset: usize) -> usize {
    if is_ascii(string) {
        return offset;
    }
    let Some(text) = string.str() else { return 0 };
    if text.len() > SHORT {
        let cx = string.thread();
        return cx.state().crumbs.borrow_mut().index(cx.collections(), string.word(), text, offset);
    }
    text.get(..offset).map_or(0, |before| before.chars().count())
}

/// Character `i`.
pub fn char_at(string: Value<'_>, i: usize) -> Option<char> {
    let at = offset(string, i)?;
    string.str()?.get(at..)?.chars().next()
}

/// The characters from index `from` up to but not including `to`; none when the bounds are wrong.
pub fn substring(cx: &mut Thread, string: Handle, from: usize, to: usize) -> Result<Option<Handle>, Thrown> {
    let value = cx.get(string);
    let (Some(start), Some(end)) = (offset(value, from), offset(value, to)) else { return Ok(None) };
    if start > end {
        return Ok(None);
    }
    if start == 0 && end == text(cx, string).len() {
        return Ok(Some(string));
    }
    part(cx, string, start, end).map(Some)
}

/// The bytes `start..end` of a string as a String; the bounds must stand between characters.
pub fn part(cx: &mut Thread, string: Handle, start: usize, end: usize) -> Result<Handle, Thrown> {
    let piece = text(cx, string).get(start..end).unwrap_or("");
    // The heap may move while the new string is made.
    if piece.len() <= SMALL {
        let mut buffer = [0; SMALL];
        buffer[..piece.len()].copy_from_slice(piece.as_bytes());
        let len = piece.len();
        return match std::str::from_utf8(&buffer[..len]) {
            Ok(text) => of(cx, text),
            Err(_) => Ok(string),
        };
    }
    let piece = super::room::part(cx, string, start..end)?;
    of(cx, &piece)
}

/// A text in which each `pattern` is replaced, or the first only. An empty pattern stands before each character and at the
/// end.
pub fn replace(text: &str, pattern: &str, with: &str, all: bool) -> String {
    if all { text.replace(pattern, with) } else { text.replacen(pattern, with, 1) }
}
