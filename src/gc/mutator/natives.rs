//! Rust objects that the heap owns: a `NATIVE` object is an index into this table.
//!
//! Invariant: an entry knows where its NATIVE lies; the collector updates it, and clears it when the NATIVE is dead. What
//! the entry held is dropped after the world goes on, for that may take long.

use std::any::Any;
use std::sync::Arc;

use super::call::Thrown;
use super::handle::Handle;
use super::thread::Thread;
use super::value::Value;
use crate::object::layout;
use crate::object::word::Word;

/// A native type: Rust objects that programs hold as values. All that the runtime wants to know of one stands in its `impl`, which
/// lies beside the rows of its namespace; what an object holds is given back when it is dropped. It holds no words of the heap: no collection
/// looks into it.
pub trait NativeType: Any + Send + Sync {
    /// How it prints: `file "a.txt"`.
    fn print(&self) -> String;

    /// Is it equal to another one, which is not itself?
    fn equals(&self, _other: &dyn NativeType) -> bool {
        false
    }

    /// A number that equal ones have in common; none where nothing else is equal.
    fn hash(&self) -> Option<u64> {
        None
    }
}

/// A Rust object of the heap. Shared: several threads may use it at once.
pub type Native = Arc<dyn NativeType>;

/// So many more cause no collection of everything.
const FEW: usize = 64;

/// The table.
#[derive(Default)]
pub struct Natives {
    /// Where the NATIVE is (none: not yet made, or dead), and what it stands for.
    entries: Vec<(Option<usize>, Option<Native>)>,
    free: Vec<usize>,
    /// Died in the last collection.
    dead: Vec<Native>,
    /// How many there were after everything was collected.
    lived: usize,
}

impl Natives {
    /// An entry whose NATIVE is not yet made.
    fn add(&mut self, native: Native) -> usize {
        match self.free.pop() {
            Some(index) => {
                self.entries[index] = (None, Some(native));
                index
            }
            None => {
                self.entries.push((None, Some(native)));
                self.entries.len() - 1
            }
        }
    }

    fn remove(&mut self, index: usize) -> Option<Native> {
        self.free.push(index);
        self.entries[index].0 = None;
        self.entries[index].1.take()
    }

    /// Asks of each NATIVE where it is now, and buries those that are nowhere. Entries whose NATIVE is not yet made live.
    pub(in crate::gc) fn update(&mut self, survivor: &dyn Fn(usize) -> Option<usize>) {
        for index in 0..self.entries.len() {
            if let Some(place) = self.entries[index].0 {
                match survivor(place) {
                    Some(now) => self.entries[index].0 = Some(now),
                    None => {
                        let dead = self.remove(index);
                        self.dead.extend(dead);
                    }
                }
            }
        }
    }

    /// Takes out what has died in a collection, of everything or not.
    pub(in crate::gc) fn take_dead(&mut self, everything: bool) -> Vec<Native> {
        if everything {
            self.lived = self.len();
        }
        std::mem::take(&mut self.dead)
    }

    /// Are there so many more than lived when everything was collected that some may be dead? What they hold (files, threads) is
    /// scarcer than the few bytes that a NATIVE takes.
    pub(in crate::gc) fn are_many(&self) -> bool {
        self.len() > 2 * self.lived + FEW
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// None?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Thread {
    /// A new `NATIVE` that stands for a Rust object, which is dropped when the NATIVE is dead.
    pub fn alloc_native(&mut self, native: Native) -> Result<Handle, Thrown> {
        let index = self.heap().with_natives(|natives| natives.add(native));
        let word = Word((index as u64) << crate::object::word::INT_SHIFT);
        match self.allocate(layout::NATIVE, layout::slots(layout::NATIVE), 0, |_, mut fresh| {
            fresh.set_raw(layout::NATIVE_INDEX, word.0)
        }) {
            Ok(handle) => {
                let address = self.get(handle).word().address();
                self.heap().with_natives(|natives| natives.entries[index].0 = Some(address));
                Ok(handle)
            }
            Err(thrown) => {
                drop(self.heap().with_natives(|natives| natives.remove(index)));
                Err(thrown)
            }
        }
    }

    /// The Rust object that a `NATIVE` stands for.
    pub fn native(&self, value: Value<'_>) -> Option<Native> {
        if !value.is(layout::NATIVE) {
            return None;
        }
        let index = usize::try_from(value.slot(layout::NATIVE_INDEX).as_int()?).ok()?;
        self.heap().with_natives(|natives| natives.entries.get(index)?.1.clone())
    }

    /// The Rust object that a `NATIVE` stands for, if it is of this type.
    pub fn native_as<T: NativeType>(&self, value: Value<'_>) -> Option<Arc<T>> {
        let any: Arc<dyn Any + Send + Sync> = self.native(value)?;
        any.downcast().ok()
    }
}
