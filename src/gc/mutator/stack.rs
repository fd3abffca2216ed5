//! The stack that a thread runs on.
//!
//! Owns the words that belong to a stack and not to its thread: who ran on another one meanwhile, to come back to this, would put these
//! aside and take them up again.

use std::cell::{Cell, UnsafeCell};

use super::thread::Thread;
use crate::object::word::Word;
use crate::stack;

/// A stack of frames, and the handles of the Rust code in it. Generated code and its stubs read and write the first three words.
#[repr(C)]
pub struct Stack {
    /// The frame pointer of the innermost exit frame; 0 when no generated code is on the stack.
    pub(in crate::gc) exit_frame: Cell<usize>,
    /// Below this generated code and Rust code must not go any deeper: see [`crate::stack`].
    pub(in crate::gc) floor: Cell<usize>,
    /// The dynamic bindings.
    pub(in crate::gc) dynamic: Cell<Word>,
    high: Cell<usize>,
    handles: UnsafeCell<Vec<Word>>,
    #[cfg(debug_assertions)]
    pub(in crate::gc) numbers: super::handle::Numbers,
}

impl Stack {
    /// The stack between two addresses, which the calling thread runs on.
    pub(in crate::gc) fn new((low, high): (usize, usize)) -> Stack {
        Stack {
            exit_frame: Cell::new(0),
            floor: Cell::new(stack::set_end(low)),
            dynamic: Cell::new(Word::NULL),
            high: Cell::new(high),
            handles: UnsafeCell::new(Vec::with_capacity(256)),
            #[cfg(debug_assertions)]
            numbers: Default::default(),
        }
    }
}

impl Thread {
    /// The bounds of this thread's stack: lowest address, highest address.
    pub fn stack_bounds(&self) -> (usize, usize) {
        (self.stack.floor.get() - stack::RESERVE, self.stack.high.get())
    }

    /// Says that this thread runs on another stack than that of its OS thread, for instance on one that is deeper.
    ///
    /// # Safety
    /// The thread must be the calling one, and run between these addresses only, which must be accessible.
    pub unsafe fn set_stack_bounds(&mut self, low: usize, high: usize) {
        self.stack.floor.set(stack::set_end(low));
        self.stack.high.set(high);
        let world = self.heap().world();
        world.refresh(self);
    }

    /// Below this generated code and Rust code must not go any deeper.
    #[inline]
    pub(in crate::gc) fn real_stack_limit(&self) -> usize {
        self.stack.floor.get()
    }

    /// The frame pointer of the innermost exit frame, 0 when no generated code runs below.
    pub fn exit_frame(&self) -> usize {
        self.stack.exit_frame.get()
    }

    #[inline]
    pub(in crate::gc) fn with_handles<R>(&self, f: impl FnOnce(&mut Vec<Word>) -> R) -> R {
        // SAFETY: `f` is one of the closures in `handle.rs` and the root enumerator, none of which calls back, so this is
        // the only reference; only this thread (or the collector while it is stopped) gets here.
        f(unsafe { &mut *self.stack.handles.get() })
    }
}
