//! String builders: a STRING_BUILDER holds a BYTES object and grows it.
//!
//! Bytes in use never change (strings share them), so `clear!` and `reverse!` take fresh bytes. Threads that append to the same
//! builder at once lose nothing: one at a time appends to a BYTES object, and who moves the builder to a larger one first
//! makes sure that nobody can append to the old one any more ([`Thread::seal_bytes`]). `clear!` and `reverse!` may take away
//! what others append meanwhile.

use super::strings::{MAX_BYTES, text, too_long};
use crate::gc::{Handle, Room, Thread, Thrown, Value};
use crate::object::layout::{STRING_BUILDER, STRING_BUILDER_BYTES};
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::system::threads;
use crate::runtime::values::collections::view::field;
use crate::windows::window;

/// Texts up to this size are copied out of a builder.
const SMALL: usize = 256;

/// An empty builder.
pub fn new(cx: &mut Thread, capacity: usize) -> Result<Handle, Thrown> {
    let bytes = cx.alloc_bytes(capacity, Room::Builder)?;
    cx.alloc_slots(STRING_BUILDER, &[bytes])
}

/// The bytes so far.
#[inline]
pub fn contents(builder: Value<'_>) -> &[u8] {
    field(builder, STRING_BUILDER, STRING_BUILDER_BYTES).bytes().unwrap_or(&[])
}

/// Appends bytes that are not in the heap.
pub fn append(cx: &mut Thread, builder: Handle, more: &[u8]) -> Result<(), Thrown> {
    while !append_here(cx, builder, more) {
        make_room(cx, builder, more.len())?;
    }
    Ok(())
}

/// Appends a String.
#[inline]
pub fn append_string(cx: &mut Thread, builder: Handle, string: Handle) -> Result<(), Thrown> {
    while !append_here(cx, builder, text(cx, string).as_bytes()) {
        let n = text(cx, string).len();
        make_room(cx, builder, n)?;
    }
    Ok(())
}

/// Appends where there is room, and nobody else is at it.
#[inline]
fn append_here(cx: &Thread, builder: Handle, more: &[u8]) -> bool {
    let bytes = field(cx.get(builder), STRING_BUILDER, STRING_BUILDER_BYTES);
    let used = bytes.bytes().map_or(0, <[u8]>::len);
    window();
    cx.append_bytes(bytes, Room::Builder, used, more)
}

/// Moves the builder to bytes with room for `more`, or waits for another thread that is at it. Who comes back tries again.
#[inline(never)]
fn make_room(cx: &mut Thread, builder: Handle, more: usize) -> Result<(), Thrown> {
    let mark = cx.mark();
    let old = cx.root(field(cx.get(builder), STRING_BUILDER, STRING_BUILDER_BYTES));
    let used = cx.get(old).bytes().map_or(0, <[u8]>::len);
    if more > MAX_BYTES || used + more > MAX_BYTES {
        return Err(too_long(cx));
    }
    let moved = if cx.get(old).bytes_capacity().is_some_and(|capacity| used + more <= capacity) {
        false
    } else {
        let fresh = cx.alloc_bytes(((used + more) * 2).max(32), Room::Builder)?;
        let bytes = cx.get(old).bytes().and_then(|bytes| bytes.get(..used)).unwrap_or(&[]);
        cx.append_bytes(cx.get(fresh), Room::Builder, 0, bytes);
        window();
        // What is appended to the old bytes behind the copy would be lost: from here on nobody can.
        cx.seal_bytes(cx.get(old), used)
            && cx.compare_and_swap_slot(cx.get(builder), STRING_BUILDER_BYTES, cx.get(old), cx.get(fresh))
    };
    if !moved {
        std::thread::yield_now();
        threads::check_interrupt(cx)?;
    }
    cx.release(mark);
    Ok(())
}

/// Takes all bytes away, and puts others there.
pub fn reset(cx: &mut Thread, builder: Handle, bytes: &[u8]) -> Result<(), Thrown> {
    let mark = cx.mark();
    let fresh = cx.alloc_bytes(bytes.len(), Room::Builder)?;
    cx.append_bytes(cx.get(fresh), Room::Builder, 0, bytes);
    cx.set_slot(cx.get(builder), STRING_BUILDER_BYTES, cx.get(fresh));
    cx.release(mark);
    Ok(())
}

/// The text; EncodingError when the bytes are not UTF-8.
pub fn to_string(cx: &mut Thread, builder: Handle) -> Result<Handle, Thrown> {
    let bytes = cx.root(field(cx.get(builder), STRING_BUILDER, STRING_BUILDER_BYTES));
    let (len, chars) = match std::str::from_utf8(cx.get(bytes).bytes().unwrap_or(&[])) {
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
    // SAFETY: the bytes were just found to be UTF-8 with that many characters, and bytes in use never change.
    unsafe { cx.alloc_string_prefix(bytes, len, chars) }
}
