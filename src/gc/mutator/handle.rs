//! Handles: how Rust code holds values across allocations.
//!
//! Owns the handle stack of a thread and the discipline of marks. A handle is an index; the collector updates the word
//! it stands for. Every entry of the stack is a valid word at all times, so a handle used after its release names a wrong
//! value but never dead memory; a checked build knows each handle by its number, and refuses one that was released.

#[cfg(debug_assertions)]
use std::cell::{Cell, RefCell};
#[cfg(debug_assertions)]
use std::collections::TryReserveError;

use super::call::Thrown;
use super::thread::Thread;
use super::value::Value;
use crate::object::word::Word;

/// A root on the handle stack of a thread, until the mark below it is released.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Handle {
    place: u32,
    /// Which of all handles that the thread has made it is.
    #[cfg(debug_assertions)]
    number: u32,
}

impl Handle {
    /// The handle that was made so many handles after this one.
    pub(in crate::gc) fn after(self, n: u32) -> Handle {
        Handle {
            place: self.place + n,
            #[cfg(debug_assertions)]
            number: self.number.wrapping_add(n),
        }
    }
}

/// Which handles stand on the stack.
#[cfg(debug_assertions)]
#[derive(Default)]
pub(in crate::gc) struct Numbers {
    made: Cell<u32>,
    standing: RefCell<Vec<u32>>,
}

#[cfg(debug_assertions)]
impl Numbers {
    fn add(&self) -> u32 {
        let number = self.made.get().wrapping_add(1);
        self.made.set(number);
        self.standing.borrow_mut().push(number);
        number
    }

    fn cut(&self, height: u32) {
        self.standing.borrow_mut().truncate(height as usize);
    }

    fn try_reserve(&self, more: usize) -> Result<(), TryReserveError> {
        self.standing.borrow_mut().try_reserve(more)
    }

    fn stands(&self, handle: Handle) -> bool {
        self.standing.borrow().get(handle.place as usize) == Some(&handle.number)
    }
}

/// A height of the handle stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark(pub(in crate::gc) u32);

impl Thread {
    /// Keeps a value alive, and finds it again wherever it moves.
    #[inline]
    pub fn root(&self, value: Value<'_>) -> Handle {
        self.push_handle(value.word())
    }

    /// A handle for an immediate word.
    ///
    /// # Panics
    /// When the word is a pointer: those come as [`Value`]s.
    #[inline]
    pub fn root_word(&self, word: Word) -> Handle {
        assert!(!word.is_pointer(), "a pointer is rooted as a Value");
        self.push_handle(word)
    }

    /// The value a handle stands for now.
    #[inline]
    pub fn get(&self, handle: Handle) -> Value<'_> {
        self.value(self.handle_word(handle))
    }

    /// Lets a handle stand for another value.
    #[inline]
    pub fn set(&self, handle: Handle, value: Value<'_>) {
        let place = self.place(handle);
        self.with_handles(|h| h[place] = value.word());
    }

    /// Lets the handle stand for `null`: what it stood for is held by it no longer.
    #[inline]
    pub fn let_go(&self, handle: Handle) {
        let place = self.place(handle);
        self.with_handles(|h| h[place] = Word::NULL);
    }

    /// The present height of the handle stack.
    #[inline]
    pub fn mark(&self) -> Mark {
        self.with_handles(|h| Mark(h.len() as u32))
    }

    /// Adds a handle, which stays, to a list of those of the elements of something: of so many that the program says how many. There
    /// is room for as many more then, in the list and on the handle stack, or an OutOfMemory error.
    #[inline]
    pub fn keep_in(&mut self, list: &mut Vec<Handle>, handle: Handle) -> Result<(), Thrown> {
        if list.len() == list.capacity() {
            self.make_room(list)?;
        }
        list.push(handle);
        Ok(())
    }

    #[cold]
    fn make_room(&mut self, list: &mut Vec<Handle>) -> Result<(), Thrown> {
        // What else makes handles meanwhile.
        const BESIDE: usize = 1 << 10;
        let more = list.len().max(BESIDE);
        self.expect_words(list.len())?;
        let reserved = list.try_reserve_exact(more).and_then(|()| self.with_handles(|h| h.try_reserve(more + BESIDE)));
        #[cfg(debug_assertions)]
        let reserved = reserved.and_then(|()| self.stack.numbers.try_reserve(more + BESIDE));
        reserved.map_err(|_| self.out_of_memory())
    }

    /// Forgets all handles made since the mark.
    #[inline]
    pub fn release(&self, mark: Mark) {
        self.with_handles(|h| {
            debug_assert!(mark.0 as usize <= h.len(), "a mark below it was released before");
            h.truncate(mark.0 as usize);
        });
        #[cfg(debug_assertions)]
        self.stack.numbers.cut(mark.0);
    }

    /// Forgets all handles made since the mark but one, which gets a new name.
    #[inline]
    pub fn keep(&self, mark: Mark, handle: Handle) -> Handle {
        let word = self.handle_word(handle);
        self.release(mark);
        self.push_handle(word)
    }

    /// Runs `f` and forgets the handles it made.
    pub fn scope<R>(&mut self, f: impl FnOnce(&mut Thread) -> R) -> R {
        let mark = self.mark();
        let result = f(self);
        self.release(mark);
        result
    }

    /// Runs `f` and forgets the handles it made but its result.
    pub fn scoped<E>(&mut self, f: impl FnOnce(&mut Thread) -> Result<Handle, E>) -> Result<Handle, E> {
        let mark = self.mark();
        match f(self) {
            Ok(handle) => Ok(self.keep(mark, handle)),
            Err(error) => {
                self.release(mark);
                Err(error)
            }
        }
    }

    #[inline]
    fn handle_word(&self, handle: Handle) -> Word {
        let place = self.place(handle);
        self.with_handles(|h| h[place])
    }

    #[inline]
    fn place(&self, handle: Handle) -> usize {
        #[cfg(debug_assertions)]
        assert!(self.stack.numbers.stands(handle), "{handle:?} was released");
        handle.place as usize
    }

    #[inline]
    pub(in crate::gc) fn push_handle(&self, word: Word) -> Handle {
        let place = self.with_handles(|h| {
            h.push(word);
            h.len() as u32 - 1
        });
        Handle {
            place,
            #[cfg(debug_assertions)]
            number: self.stack.numbers.add(),
        }
    }
}
