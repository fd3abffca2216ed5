//! Room for texts that a program makes as long as it likes, before they are values of the heap.
//!
//! Where the system has no memory, a text of Rust that grows by itself ends the process. So who appends what the program sizes
//! asks for room first, and throws OutOfMemory where there is none: because the heap could not hold the text in the end, or because
//! the system gives no more. Small pieces between (brackets, digits, names) find what was asked for beside it.

use std::ops::Range;

use super::strings::{self, MAX_BYTES, too_long};
use crate::gc::{Handle, Thread, Thrown};

/// Room beside what is asked for, so that small pieces need not ask.
const BESIDE: usize = 256;

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
    cx.expect_words(len / 8)?;
    let least = more + BESIDE;
    // Twice as much, so that a long text is not copied too often; but not where the text may get no longer.
    let usual = least.max(out.len().min(MAX_BYTES - out.len() + BESIDE));
    let reserved = out.try_reserve_exact(usual).or_else(|_| out.try_reserve_exact(least));
    reserved.map_err(|_| cx.out_of_memory())
}

/// Asks whether the system and the heap have so much memory for what is made by code that is not ours, and cannot be refused any.
/// Another thread may take it meanwhile.
pub fn expect(cx: &mut Thread, bytes: usize) -> Result<(), Thrown> {
    // What is small is there, or nothing is.
    if bytes < 1 << 20 {
        return Ok(());
    }
    cx.expect_words(bytes / 8)?;
    Vec::<u8>::new().try_reserve_exact(bytes).map_err(|_| cx.out_of_memory())
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
