//! `--gc-verify`: after a collection everything is looked at again.
//!
//! Checks that headers are valid, that slots hold valid words, and that pointers lead to the start of a living object of the
//! right kind. Shares the tracing loop with the collectors, so it also checks that sizes agree: a wrong one leads into the
//! middle of an object.

use rustc_hash::FxHashSet;

use super::layout::{self, Shape};
use super::shapes::Shapes;
use super::spaces::{Spaces, state};
use super::trace::{self, Visitor};
use super::word::{TAG_IMMEDIATE, TAG_MASK, Word};

/// Checks the heap.
///
/// # Panics
/// When something is wrong: a mistake in the collector, in a stack map, or in code that writes to the heap.
pub(super) fn check(spaces: &Spaces, shapes: &Shapes, moved: &[(usize, usize)], roots: &[Word]) {
    let mut checker = Checker { spaces, shapes, starts: FxHashSet::default(), words: Vec::new() };
    for &(from, to) in moved.iter().chain(spaces.permanent.filled()) {
        checker.range(from, to);
    }
    for &(first, count) in &spaces.large.objects {
        let address = spaces.pool.address(first);
        let room = (count as usize) << super::spaces::BLOCK_SHIFT;
        assert!(checker.object(address) <= room, "the large object at {address:#x} is larger than its room");
    }
    for &(holder, word) in &checker.words {
        checker.word(holder, word);
    }
    for &root in roots {
        checker.word(0, root);
    }
}

struct Checker<'a> {
    spaces: &'a Spaces,
    shapes: &'a Shapes,
    starts: FxHashSet<usize>,
    /// The object (0: a root) and what it holds.
    words: Vec<(usize, Word)>,
}

struct Collect<'a>(usize, &'a mut Vec<(usize, Word)>);

impl Visitor for Collect<'_> {
    fn slot(&mut self, slot: *mut u64) {
        // SAFETY: the tracing loop visits words of an object.
        self.1.push((self.0, Word(unsafe { *slot })));
    }
    fn code(&mut self, address: usize) {
        assert!(address != 0, "the function at {:#x} has no code", self.0);
    }
}

impl Checker<'_> {
    fn range(&mut self, from: usize, to: usize) {
        let mut at = from;
        while at < to {
            at += self.object(at);
        }
        assert!(at == to, "objects from {from:#x} do not end at {to:#x}");
    }

    fn object(&mut self, address: usize) -> usize {
        // SAFETY: the address is the start of a living object, or the walk went astray and stands in live memory.
        let header = unsafe { *(address as *const u64) };
        let shape = self.shapes.shape(layout::header_layout(header));
        assert!(header & 1 == 0 && shape != Shape::None, "the object at {address:#x} has the header {header:#x}");
        self.starts.insert(address);
        // SAFETY: the header is valid; the world is stopped.
        unsafe { trace::scan_object(self.shapes.table(), address, &mut Collect(address, &mut self.words)) }
    }

    fn word(&self, holder: usize, word: Word) {
        if word.is_pointer() {
            let address = word.address();
            let place = self.spaces.pool.state(address);
            let alive = place == state::COPY | self.spaces.parity
                || place == state::LARGE | self.spaces.parity
                || place == state::PERMANENT;
            assert!(alive && self.starts.contains(&address), "{holder:#x} holds {word:?}, which is no living object");
            // SAFETY: the start of a living object.
            let header = unsafe { *(address as *const u64) };
            let closure = self.shapes.shape(layout::header_layout(header)) == Shape::Closure;
            assert!(closure == word.is_function(), "{holder:#x} holds {word:?} with the wrong tag");
        } else if word.0 & TAG_MASK == TAG_IMMEDIATE {
            let plain = [Word::NULL, Word::FALSE, Word::TRUE, Word::UNDEFINED].contains(&word);
            assert!(plain || word.is_keyword(), "{holder:#x} holds {word:?}, which is no value");
        }
    }
}
