//! Room outside of the heap: for texts that a program makes as long as it likes, before they are values of the heap, and for what
//! Ints take while they are computed.
//!
//! Where the system has no memory, a text of Rust that grows by itself ends the process. So who appends what the program sizes
//! asks for room first, and throws OutOfMemory where there is none: because the text does not fit beside the objects, or because
//! the system gives no more. Small pieces between (brackets, digits, names) find what was asked for beside it.

use std::ops::Range;

use super::strings::{self, MAX_BYTES, too_long};
use crate::gc::{Claim, Handle, Thread, Thrown};
use crate::runtime::fault::errors::ErrorKind;

/// Room beside what is asked for, so that small pieces need not ask.
const BESIDE: usize = 256;
/// Less than this is not asked for.
const SMALL: usize = 1 << 20;

/// Sees to it that so many bytes, and small pieces beside them, can be appended.
#[inline]
pub fn make(cx: &mut Thread, out: &mut String, more: usize) -> Result<(), Thrown> {
    if out.capacity() - out.len() >= more.saturating_add(BESIDE) { Ok(()) } else { grow(cx, out, more) }
}

#[cold]
fn grow(cx: &mut Thread, out: &mut String, more: usize) -> Result<(), Thrown> {
    let len = out.len().saturating_add(more);
    if len > MAX_BYTES {
        return Err(too_long(cx));
    }
    let least = more + BESIDE;
    // It fits beside the objects, or not at all.
    if len >= SMALL && cx.claim(len).is_none() {
        return Err(does_not_fit(cx, "a text", len));
    }
    // Twice as much, so that a long text is not copied too often; but not where the text may get no longer.
    let usual = least.max(out.len().min(MAX_BYTES - out.len() + BESIDE));
    let reserved = out.try_reserve_exact(usual).or_else(|_| out.try_reserve_exact(least));
    reserved.map_err(|_| does_not_fit(cx, "a text", len))
}

/// Claims memory for what is made by code that is not ours, and cannot be refused any: as much as it may take at most, until the
/// claim is dropped. Another thread may take what the system has meanwhile.
pub fn claim(cx: &mut Thread, what: &str, bytes: usize) -> Result<Option<Claim>, Thrown> {
    // What is small is there, or nothing is.
    if bytes < SMALL {
        return Ok(None);
    }
    let claim = cx.claim(bytes);
    if claim.is_none() || Vec::<u8>::new().try_reserve_exact(bytes).is_err() {
        return Err(does_not_fit(cx, what, bytes));
    }
    Ok(claim)
}

/// The exception of something of unknown size for which nothing is left.
#[cold]
pub fn out_of_memory(cx: &mut Thread, what: &str) -> Thrown {
    let (limit, _) = cx.heap().limit_and_used();
    does_not_fit(cx, what, limit)
}

/// The exception of what needs so many bytes outside of the heap, and finds no room beside the objects.
#[cold]
pub fn does_not_fit(cx: &mut Thread, what: &str, bytes: usize) -> Thrown {
    let (limit, used) = cx.heap().limit_and_used();
    let megabytes = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    let (bytes, used, limit) = (megabytes(bytes), megabytes(used), megabytes(limit));
    cx.throw(
        ErrorKind::OutOfMemory,
        format!("{what} does not fit: {bytes:.1} MB beside {used:.1} of {limit:.1} MB in use (see --max-heap)"),
    )
}

/// An empty text with room for so many bytes.
pub fn text(cx: &mut Thread, bytes: usize) -> Result<String, Thrown> {
    let mut out = String::new();
    make(cx, &mut out, bytes)?;
    Ok(out)
}

/// A copy of a text of the heap, which may move.
pub fn copy(cx: &mut Thread, string: Handle) -> Result<String, Thrown> {
    part(cx, string, 0..strings::text(cx, string).len())
}

/// A copy of some bytes of a text of the heap, which are between characters.
pub fn part(cx: &mut Thread, string: Handle, bytes: Range<usize>) -> Result<String, Thrown> {
    let mut out = text(cx, bytes.len())?;
    out.push_str(strings::text(cx, string).get(bytes).unwrap_or(""));
    Ok(out)
}

/// How many bytes a text takes at most when characters are escaped: those that `escaped` says may be, as `width` bytes each.
pub fn escaped_length(text: &str, width: usize, escaped: impl Fn(u8) -> bool) -> usize {
    // Short ones are not gone through twice.
    const SHORT: usize = 1 << 10;
    let count = if text.len() <= SHORT { text.len() } else { text.bytes().filter(|byte| escaped(*byte)).count() };
    text.len().saturating_add(count.saturating_mul(width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::testing;

    #[test]
    fn what_the_heap_could_not_hold_is_refused() {
        testing::with_machine(|cx| {
            let mut out = String::from("a");
            make(cx, &mut out, 10).expect("room");
            assert!(out.capacity() >= 11 + BESIDE);
            // The heap of a test has 256 MB.
            assert!(make(cx, &mut out, 1 << 30).is_err());
            assert!(make(cx, &mut out, usize::MAX).is_err());
            assert_eq!(out, "a");
        });
    }

    #[test]
    fn what_is_escaped_counts() {
        let quotes = |b: u8| b == b'"';
        assert_eq!(escaped_length("ab", 5, quotes), 12);
        assert_eq!(escaped_length(&"a\"".repeat(600), 5, quotes), 1200 + 600 * 5);
    }
}
