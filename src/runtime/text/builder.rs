//! String builders: a STRING_BUILDER holds a BYTES object and grows it.
//!
//! Bytes in use never change (strings share them), so `clear!` and `reverse!` take fresh bytes.

use super::strings::{MAX_BYTES, too_long};
use crate::gc::layout::STRING_BUILDER;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::runtime::collections::view::field;
use crate::runtime::errors::ErrorKind;

/// Texts up to this size are copied out of a builder.
const SMALL: usize = 256;

/// An empty builder.
pub fn new(cx: &mut Thread, capacity: usize) -> Result<Handle, Thrown> {
    let bytes = cx.alloc_bytes(capacity)?;
    cx.alloc_slots(STRING_BUILDER, &[bytes])
}

/// The bytes so far.
#[inline]
pub fn contents(builder: Value<'_>) -> &[u8] {
    field(builder, STRING_BUILDER, 0).bytes().unwrap_or(&[])
}

/// Appends bytes that are not in the heap.
pub fn append(cx: &mut Thread, builder: Handle, more: &[u8]) -> Result<(), Thrown> {
    let bytes = field(cx.get(builder), STRING_BUILDER, 0);
    let used = bytes.bytes().map_or(0, <[u8]>::len);
    if cx.append_bytes(bytes, used, more) {
        return Ok(());
    }
    make_room(cx, builder, more.len())?;
    append_here(cx, builder, more);
    Ok(())
}

/// Appends a String.
#[inline]
pub fn append_string(cx: &mut Thread, builder: Handle, string: Handle) -> Result<(), Thrown> {
    let more = cx.get(string).str().unwrap_or("").as_bytes();
    let bytes = field(cx.get(builder), STRING_BUILDER, 0);
    let used = bytes.bytes().map_or(0, <[u8]>::len);
    if cx.append_bytes(bytes, used, more) {
        return Ok(());
    }
    let n = more.len();
    make_room(cx, builder, n)?;
    append_here(cx, builder, cx.get(string).str().unwrap_or("").as_bytes());
    Ok(())
}

/// Appends where there is room; another thread that appends meanwhile may come between.
fn append_here(cx: &Thread, builder: Handle, more: &[u8]) {
    let bytes = field(cx.get(builder), STRING_BUILDER, 0);
    cx.append_bytes(bytes, bytes.bytes().map_or(0, <[u8]>::len), more);
}

/// Moves the builder to bytes with room for `more`.
#[inline(never)]
fn make_room(cx: &mut Thread, builder: Handle, more: usize) -> Result<(), Thrown> {
    let used = contents(cx.get(builder)).len();
    if more > MAX_BYTES || used + more > MAX_BYTES {
        return Err(too_long(cx));
    }
    let mark = cx.mark();
    let fresh = cx.alloc_bytes(((used + more) * 2).max(32))?;
    cx.append_bytes(cx.get(fresh), 0, contents(cx.get(builder)));
    cx.set_slot(cx.get(builder), 0, cx.get(fresh));
    cx.release(mark);
    Ok(())
}

/// Takes all bytes away, and puts others there.
pub fn reset(cx: &mut Thread, builder: Handle, bytes: &[u8]) -> Result<(), Thrown> {
    let mark = cx.mark();
    let fresh = cx.alloc_bytes(bytes.len())?;
    cx.append_bytes(cx.get(fresh), 0, bytes);
    cx.set_slot(cx.get(builder), 0, cx.get(fresh));
    cx.release(mark);
    Ok(())
}

/// The text; EncodingError when the bytes are not UTF-8.
pub fn to_string(cx: &mut Thread, builder: Handle) -> Result<Handle, Thrown> {
    let (len, chars) = match std::str::from_utf8(contents(cx.get(builder))) {
        Ok(text) if text.len() <= SMALL => {
            let text = text.to_owned();
            return super::strings::of(cx, &text);
        }
        Ok(text) => (text.len(), text.chars().count()),
        Err(error) => {
            let message = format!("to-string: the bytes are not UTF-8 from byte {} on", error.valid_up_to());
            return Err(cx.throw(ErrorKind::EncodingError, message));
        }
    };
    let bytes = cx.root(field(cx.get(builder), STRING_BUILDER, 0));
    // SAFETY: the bytes were just found to be UTF-8 with that many characters, and bytes in use never change.
    unsafe { cx.alloc_string_prefix(bytes, len, chars) }
}
