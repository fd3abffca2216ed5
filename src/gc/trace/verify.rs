//! `--gc-verify`: after a collection everything is looked at again.
//!
//! Checks that headers are valid, that slots hold valid words, and that pointers lead to the start of a living object of the
//! right kind. Shares the tracing loop with the collectors, so it also checks that sizes agree: a wrong one leads into the
//! middle of an object.
//!
//! Objects are walked twice: first their starts are marked, then what they hold is looked up. Permanent objects stay where
//! they are and keep their marks, so they are walked once, and must be found at the marks.

use crate::gc::plan::Places;
use crate::gc::spaces::{BLOCK_SHIFT, Spaces, state};
use crate::gc::trace::{self, Visitor};
use crate::object::hash;
use crate::object::layout::{self, BYTES_CONTENT, STRING_BASE, STRING_HASH, STRING_SIZES, Shape};
use crate::object::shapes::{ShapeTable, Shapes};
use crate::object::word::{TAG_IMMEDIATE, TAG_MASK, Word};

/// Texts up to this length are looked at.
const LONGEST_TEXT: usize = 4096;

/// What the verifier keeps between collections, so that a small heap is checked in little time.
#[derive(Default)]
pub(in crate::gc) struct Verifier {
    /// A bit for each word of the range of addresses: an object starts there. Of use only where objects are known to be.
    starts: Vec<u64>,
    /// Where objects that move or die lay side by side when they were marked.
    mortal: Vec<(usize, usize)>,
    /// To where the parts of the permanent space are marked.
    permanent: Vec<usize>,
}

impl Verifier {
    /// Checks all objects, those that move being where `moved` says. What comes back checks roots.
    ///
    /// # Panics
    /// When something is wrong: a mistake in the collector, in a stack map, or in code that writes to the heap.
    pub(in crate::gc) fn check<'a>(
        &'a mut self,
        spaces: &'a Spaces,
        shapes: &'a Shapes,
        moved: Vec<(usize, usize)>,
    ) -> Checker<'a> {
        self.forget(spaces);
        self.mortal = moved;
        self.mortal.extend(spaces.large.objects.iter().map(|&(first, count)| {
            let address = spaces.pool.address(first);
            let header = valid_header(shapes, address);
            // SAFETY: the header is valid; the world is stopped.
            let bytes = unsafe { trace::size(shapes.table(), address, header) };
            let room = (count as usize) << BLOCK_SHIFT;
            assert!(bytes <= room, "the large object at {address:#x} is larger than its room");
            (address, address + bytes)
        }));
        self.mark(spaces, shapes);
        let checker = Checker { spaces, shapes, starts: &self.starts };
        for &(from, to) in self.mortal.iter().chain(spaces.permanent.filled()) {
            checker.range(from, to);
        }
        checker
    }

    /// Takes away the marks of what moves or dies.
    fn forget(&mut self, spaces: &Spaces) {
        for (from, to) in std::mem::take(&mut self.mortal) {
            let (first, last) = (index(spaces, from).0, index(spaces, to - 8).0);
            // The first block and the last begin and end with whole words of marks, and no block has objects of two spaces.
            self.starts[first..=last].fill(0);
        }
    }

    /// Marks where objects start.
    fn mark(&mut self, spaces: &Spaces, shapes: &Shapes) {
        self.starts.resize(spaces.pool.frontier() << (BLOCK_SHIFT - 9), 0);
        let starts = &mut self.starts;
        let mut range = |from: usize, to: usize| {
            let mut at = from;
            while at < to {
                let header = valid_header(shapes, at);
                let (word, bit) = index(spaces, at);
                starts[word] |= 1 << bit;
                // SAFETY: the header is valid; the world is stopped.
                at += unsafe { trace::size(shapes.table(), at, header) };
            }
            assert!(at == to, "objects from {from:#x} do not end at {to:#x}");
        };
        self.mortal.iter().for_each(|&(from, to)| range(from, to));
        let filled = spaces.permanent.filled();
        self.permanent.extend(filled.iter().skip(self.permanent.len()).map(|&(from, _)| from));
        for (marked, &(_, to)) in self.permanent.iter_mut().zip(filled) {
            range(*marked, to);
            *marked = to;
        }
    }
}

/// The word and the bit that mark an address.
fn index(spaces: &Spaces, address: usize) -> (usize, usize) {
    let word = (address - spaces.pool.base()) / 8;
    (word / 64, word % 64)
}

/// The header at an address, which must be valid.
fn valid_header(shapes: &Shapes, address: usize) -> u64 {
    // SAFETY: the address is the start of a living object, or the walk went astray and stands in live memory.
    let header = unsafe { *(address as *const u64) };
    let shape = shapes.shape(layout::header_layout(header));
    assert!(header & 1 == 0 && shape != Shape::None, "the object at {address:#x} has the header {header:#x}");
    header
}

/// Bytes in use never change, though texts share them with builders and with one another: a text gets its hash when it is first
/// looked at, and has it ever after. Texts beyond some length are left out, for the time it takes.
///
/// # Safety
/// The address is that of a living STRING_PREFIX, and the world is stopped.
unsafe fn text_is_as_it_was(address: usize) {
    let word = |i: usize| (address + layout::slot_offset(i)) as *mut u64;
    // SAFETY: the three words of a STRING_PREFIX; the third is its BYTES, of which so many bytes are in use.
    unsafe {
        let (length, known) = (*word(STRING_SIZES) as u32 as usize, *word(STRING_HASH));
        if length > LONGEST_TEXT {
            return;
        }
        let bytes = Word(*word(STRING_BASE)).address() + layout::slot_offset(BYTES_CONTENT);
        let hash = hash::text(std::slice::from_raw_parts(bytes as *const u8, length));
        assert!(known == 0 || known == hash, "the bytes of the text at {address:#x} have changed");
        *word(STRING_HASH) = hash;
    }
}

/// Before a collection of the young: an old object that is in no list leads to nothing young.
///
/// # Panics
/// When there was a store without barrier.
///
/// # Safety
/// The world is stopped, and complete objects fill the ranges of `old`.
pub(in crate::gc) unsafe fn old_leads_to_nothing_young(
    spaces: &Spaces,
    shapes: ShapeTable,
    places: &Places,
    old: &[(usize, usize)],
) {
    let large = spaces.large.objects.iter().map(|&(first, _)| spaces.pool.address(first));
    for (from, to) in old.iter().copied().chain(large.map(|address| (address, address + 1))) {
        let mut at = from;
        while at < to {
            // SAFETY: the caller's.
            at += unsafe { trace::scan_object(shapes, at, &mut Unremembered { address: at, spaces, places }) };
        }
    }
}

/// What [`old_leads_to_nothing_young`] does with an object.
struct Unremembered<'a> {
    address: usize,
    spaces: &'a Spaces,
    places: &'a Places,
}

impl Visitor for Unremembered<'_> {
    fn slot(&mut self, slot: *mut u64) {
        // SAFETY: the tracing loop visits words of an object, which begins with its header.
        let (word, header) = unsafe { (Word(*slot), *(self.address as *const u64)) };
        if header & layout::OLD == 0 || !word.is_pointer() || !state::is_young(self.spaces.pool.state(word.address())) {
            return;
        }
        // SAFETY: a slot of an object.
        let is_marked = unsafe { self.places.is_marked(slot as usize) };
        assert!(
            header & layout::LISTED != 0 && is_marked,
            "the old object at {:#x} of layout {} holds {word:?}, which is young, at word {}: a store without barrier",
            self.address,
            layout::header_layout(header),
            (slot as usize - self.address) / 8 - 1
        );
    }
    fn code(&mut self, _: usize) {}
}

/// Checks what objects and roots hold.
pub(in crate::gc) struct Checker<'a> {
    spaces: &'a Spaces,
    shapes: &'a Shapes,
    starts: &'a [u64],
}

/// Checks what the object at an address holds.
struct Slots<'a>(usize, &'a Checker<'a>);

impl Visitor for Slots<'_> {
    fn slot(&mut self, slot: *mut u64) {
        // SAFETY: the tracing loop visits words of an object.
        self.1.word(self.0, Word(unsafe { *slot }));
    }
    fn code(&mut self, address: usize) {
        assert!(address != 0, "the function at {:#x} has no code", self.0);
    }
}

impl Checker<'_> {
    fn range(&self, from: usize, to: usize) {
        let mut at = from;
        while at < to {
            at += self.object(at);
        }
        assert!(at == to, "objects from {from:#x} do not end at {to:#x}");
    }

    fn object(&self, address: usize) -> usize {
        let header = valid_header(self.shapes, address);
        assert!(self.is_start(address), "no object started at {address:#x}");
        // SAFETY: the header is valid; the world is stopped.
        let bytes = unsafe { trace::scan_object(self.shapes.table(), address, &mut Slots(address, self)) };
        if layout::header_layout(header) == layout::STRING_PREFIX {
            // SAFETY: such an object, whose slot was just looked at.
            unsafe { text_is_as_it_was(address) };
        }
        bytes
    }

    fn is_start(&self, address: usize) -> bool {
        let (word, bit) = index(self.spaces, address);
        address.is_multiple_of(8) && self.starts[word] >> bit & 1 != 0
    }

    /// Checks a word of an object, or of a root (0).
    pub(in crate::gc) fn word(&self, holder: usize, word: Word) {
        if word.is_pointer() {
            let address = word.address();
            let place = self.spaces.pool.state(address);
            let alive = matches!(place, state::OLD | state::AGED | state::LARGE | state::PERMANENT);
            assert!(alive && self.is_start(address), "{holder:#x} holds {word:?}, which is no living object");
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
