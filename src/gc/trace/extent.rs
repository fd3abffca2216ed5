//! How much memory hangs on an object: what it reaches, and what would go with it.
//!
//! Owns two walks over the heap, with the world stopped. Nothing moves. Permanent objects are not counted: they never go.

use rustc_hash::FxHashSet;

use super::roots::Which;
use crate::gc::mutator::handle::Handle;
use crate::gc::mutator::thread::Thread;
use crate::gc::mutator::value::Value;
use crate::gc::spaces::{Moves, Spaces, state};
use crate::gc::trace::{self, Visitor};
use crate::object::shapes::ShapeTable;
use crate::object::word::Word;

/// Numbers of objects and bytes.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The bytes of the object itself; 0 of an immediate value.
    pub own: usize,
    /// What can be reached from it, itself included: objects.
    pub reached: usize,
    /// Their bytes.
    pub reached_bytes: usize,
    /// What can be reached through it only, itself included: objects.
    pub retained: usize,
    /// Their bytes.
    pub retained_bytes: usize,
}

/// A walk from object to object.
struct Walk<'a> {
    spaces: &'a Spaces,
    shapes: ShapeTable,
    /// The objects that were met.
    met: FxHashSet<usize>,
    /// Those of them that were not yet looked into.
    open: Vec<usize>,
    /// The object that is not gone through.
    barred: usize,
}

impl Visitor for Walk<'_> {
    fn slot(&mut self, slot: *mut u64) {
        // SAFETY: a visitor is given addresses of slots and roots; the world is stopped.
        self.word(Word(unsafe { *slot }));
    }
    fn code(&mut self, _address: usize) {}
}

impl<'a> Walk<'a> {
    fn new(spaces: &'a Spaces, shapes: ShapeTable, barred: usize) -> Walk<'a> {
        Walk { spaces, shapes, met: FxHashSet::default(), open: Vec::new(), barred }
    }

    fn word(&mut self, word: Word) {
        if !word.is_pointer() {
            return;
        }
        let address = word.address();
        let counts = address != self.barred && self.spaces.pool.state(address) != state::PERMANENT;
        if counts && self.met.insert(address) {
            self.open.push(address);
        }
    }

    /// Goes on until everything was met.
    fn drain(&mut self) {
        while let Some(address) = self.open.pop() {
            let shapes = self.shapes;
            // SAFETY: a pointer in a slot or a root names a complete object; the world is stopped.
            unsafe { trace::scan_object(shapes, address, self) };
        }
    }
}

impl Thread {
    /// How much hangs on a value.
    pub fn extent(&mut self, value: Handle) -> Extent {
        let word = self.get(value).word();
        let mut extent = Extent::default();
        if !word.is_pointer() {
            return extent;
        }
        let heap = self.heap().clone();
        let shapes = heap.shapes().table();
        self.with_stopped_world(None, |threads| {
            heap.with_spaces(|spaces| {
                let size = |address: usize| {
                    // SAFETY: a complete object; the world is stopped.
                    unsafe { trace::size(shapes, address, *(address as *const u64)) }
                };
                let address = word.address();
                extent.own = size(address);
                let mut below = Walk::new(spaces, shapes, 0);
                below.word(word);
                below.drain();
                // All that can be reached without going through the object.
                let mut without = Walk::new(spaces, shapes, address);
                // SAFETY: the world is stopped.
                unsafe { heap.visit_roots(threads, Which::All, &mut |slot| without.slot(slot)) };
                for &(from, to) in spaces.permanent.filled() {
                    // SAFETY: the space's invariant: complete objects fill its parts.
                    unsafe { trace::scan_range(shapes, from, to, &mut without) };
                }
                without.drain();
                for &object in &below.met {
                    extent.reached += 1;
                    extent.reached_bytes += size(object);
                    if !without.met.contains(&object) {
                        extent.retained += 1;
                        extent.retained_bytes += size(object);
                    }
                }
            });
        });
        extent
    }

    /// Where an object lies, in words.
    pub fn space_of(&self, value: Value<'_>) -> &'static str {
        if !value.word().is_pointer() {
            return "in the word itself";
        }
        let state = self.heap().with_spaces(|spaces| spaces.pool.state(value.word().address()));
        match state {
            state::OLD => match self.heap().attributes().moves {
                Moves::Everything => "in the copy space: it moves at each collection",
                Moves::Nothing => "in the space that is marked: it stays where it is while it lives",
                Moves::Sparse => "among the old: it moves when everything is collected and little lives beside it",
            },
            state::AGED => "among what has survived a collection: it moves at the next, and is old then",
            state::NURSERY => "in the nursery: it moves at the next collection",
            state::LARGE | state::LARGE_NEW => "in the large space: it stays where it is while it lives",
            state::PERMANENT => "in the permanent space: it stays for ever",
            _ => "in no space",
        }
    }
}
