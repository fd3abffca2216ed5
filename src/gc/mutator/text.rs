//! Texts that are written where the next object will be.
//!
//! Owns the making of `STRING`s piece by piece in what the allocation buffer has left, without a collection and without a copy.
//!
//! Invariant: while a text is being written the buffer has no room left for anybody else: nothing is allocated over it.

use super::thread::Thread;
use super::value::Value;
use crate::object::layout::{self, slot_offset};
use crate::object::word::{TAG_OBJECT, Word};

/// Header, sizes, hash, and the last word of the text.
const LEAST: usize = 32;

/// A `STRING` that is being written. Given up when it is dropped.
pub struct SpareText<'h> {
    thread: &'h Thread,
    /// Where the object begins, where the next bytes go, and where room ends.
    start: usize,
    at: usize,
    end: usize,
    chars: usize,
}

impl Thread {
    /// A text to write where there is room for one.
    #[inline]
    pub fn spare_text(&self) -> Option<SpareText<'_>> {
        let (start, end) = (self.buffer.cursor.get(), self.buffer.limit.get());
        if end.saturating_sub(start) < LEAST {
            return None;
        }
        self.buffer.cursor.set(end);
        Some(SpareText { thread: self, start, at: start + slot_offset(layout::STRING_BYTES), end, chars: 0 })
    }

    /// A new `STRING` of pieces of text that have so many characters together, as `spare` makes objects.
    #[inline]
    pub fn spare_string(&self, pieces: &[&str], chars: usize) -> Option<Value<'_>> {
        debug_assert_eq!(chars, pieces.iter().map(|piece| piece.chars().count()).sum::<usize>());
        let mut text = self.spare_text()?;
        for piece in pieces {
            text.push(piece, 0)?;
        }
        text.chars = chars;
        text.finish()
    }
}

impl<'h> SpareText<'h> {
    /// Adds a piece of so many characters; none when there is no room for it.
    #[inline]
    pub fn push(&mut self, piece: &str, chars: usize) -> Option<()> {
        // A word more than the piece: the text may end where a word does not.
        if self.end - self.at < piece.len() + 8 {
            return None;
        }
        // SAFETY: the bytes up to `end` are room of the allocation buffer that nobody else knows: see the head of this file.
        unsafe { copy(piece.as_bytes(), self.at as *mut u8) };
        self.at += piece.len();
        self.chars += chars;
        Some(())
    }

    /// How many characters there are.
    pub fn chars(&self) -> usize {
        self.chars
    }

    /// The only byte, where there is one.
    pub fn only_byte(&self) -> Option<u8> {
        // SAFETY: this byte was written by `push`.
        (self.len() == 1).then(|| unsafe { *((self.at - 1) as *const u8) })
    }

    fn len(&self) -> usize {
        self.at - self.start - slot_offset(layout::STRING_BYTES)
    }

    /// The String.
    #[inline]
    pub fn finish(self) -> Option<Value<'h>> {
        let sizes = (self.chars as u64) << 32 | u64::from(u32::try_from(self.len()).ok()?);
        // The object ends with the word in which the text does.
        let end = self.at.next_multiple_of(8);
        // SAFETY: header, sizes and hash are room at `start`; `push` has kept a word behind what it wrote, which pads the text.
        unsafe {
            *((self.start) as *mut u64) = layout::header(layout::STRING, 0);
            *((self.start + slot_offset(layout::STRING_SIZES)) as *mut u64) = sizes;
            *((self.start + slot_offset(layout::STRING_HASH)) as *mut u64) = 0;
            (self.at as *mut [u8; 8]).write([0; 8]);
        }
        let (thread, start) = (self.thread, self.start);
        std::mem::forget(self);
        thread.buffer.cursor.set(end);
        Some(thread.value(Word(start as u64 | TAG_OBJECT)))
    }
}

impl Drop for SpareText<'_> {
    fn drop(&mut self) {
        self.thread.buffer.cursor.set(self.start);
    }
}

/// Copies bytes. Most pieces of texts are a few, for which a call would cost more than they do: two loads that may overlap.
///
/// # Safety
/// There is room for them at `to`.
#[inline]
unsafe fn copy(from: &[u8], to: *mut u8) {
    /// The first and the last `N` bytes.
    #[inline]
    unsafe fn ends<const N: usize>(from: &[u8], to: *mut u8) {
        let last = from.len() - N;
        // SAFETY: there are N bytes or more; the caller's.
        unsafe {
            let (a, b) = (*(from.as_ptr() as *const [u8; N]), *(from.as_ptr().add(last) as *const [u8; N]));
            *(to as *mut [u8; N]) = a;
            *(to.add(last) as *mut [u8; N]) = b;
        }
    }
    // SAFETY: the caller's; each arm has at least as many bytes as its ends.
    unsafe {
        match from.len() {
            0 => {}
            1 => *to = from[0],
            2..4 => ends::<2>(from, to),
            4..8 => ends::<4>(from, to),
            8..16 => ends::<8>(from, to),
            16..=32 => ends::<16>(from, to),
            _ => std::ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()),
        }
    }
}
