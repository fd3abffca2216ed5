//! What calls between generated code and Rust hand over beside the registers: arguments, where to jump, what is thrown.
//!
//! Owns the layout of [`Call`], the pending exception, and where a throw lands.

use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::AtomicBool;

use super::handle::Handle;
use super::thread::Thread;
use super::value::Value;
use crate::asm::masm::SAVED_REGS;
use crate::object::word::{TAG_MASK, Word};

/// How many arguments beyond the registers a call can pass.
pub const MAX_SPILLED: usize = 256;
/// Callee-saved registers of generated code.
pub const SAVED: usize = SAVED_REGS;

/// Spilled words that were put aside.
#[derive(Debug)]
#[must_use]
pub struct Spill {
    /// The handle of the closure; those of the arguments were made right after it.
    first: Option<Handle>,
    count: u64,
    arg_count: u64,
}

/// Where execution goes on after a throw.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub struct Landing {
    /// The handler's code.
    pub pc: usize,
    /// Its stack pointer.
    pub sp: usize,
    /// Its frame pointer.
    pub fp: usize,
    /// Its callee-saved registers.
    pub saved: [u64; SAVED],
}

/// The words of a call. Generated code and its stubs read and write all of them but the last three.
#[repr(C)]
pub struct Call {
    pub(in crate::gc) exception: Cell<Word>,
    pub(in crate::gc) arg_count: Cell<u64>,
    pub(in crate::gc) spilled: Cell<u64>,
    pub(in crate::gc) closure_spill: Cell<Word>,
    pub(in crate::gc) landing: Cell<Landing>,
    /// The code that takes the place of the call that is about to end: see [`Thread::jump_to`]. 0: none.
    pub(in crate::gc) jump: Cell<usize>,
    pub(in crate::gc) arg_spill: UnsafeCell<[Word; MAX_SPILLED]>,
    /// The jump takes the place of the caller's frame as well, though that is not done.
    pub(in crate::gc) leaves_caller: Cell<bool>,
    /// What the last stack trace belongs to. It is no root: a trace keeps nothing alive.
    traced: Cell<Word>,
    /// Whatever runs is to end: no handler takes what is thrown.
    pub(in crate::gc) ends: AtomicBool,
}

impl Call {
    /// Nothing is called.
    pub(in crate::gc) fn new() -> Call {
        Call {
            exception: Cell::new(Word::UNDEFINED),
            arg_count: Cell::new(0),
            spilled: Cell::new(0),
            closure_spill: Cell::new(Word::NULL),
            landing: Cell::new(Landing::default()),
            jump: Cell::new(0),
            arg_spill: UnsafeCell::new([Word::NULL; MAX_SPILLED]),
            leaves_caller: Cell::new(false),
            traced: Cell::new(Word::UNDEFINED),
            ends: AtomicBool::new(false),
        }
    }
}

impl Thread {
    /// The pending exception, which is no longer pending afterwards.
    pub fn take_exception(&self, _thrown: Thrown) -> Handle {
        debug_assert!(!self.jumps(), "a jump was taken for an exception");
        let exception = self.call.exception.replace(Word::UNDEFINED);
        debug_assert!(exception != Word::UNDEFINED, "nothing was thrown");
        self.push_handle(exception)
    }

    /// The call from generated code that Rust runs will end in a jump: to this code, which takes what is in the spill area.
    /// What is returned goes to the exit stub as it is, as if it were thrown; nothing may allocate until then.
    pub fn jump_to(&self, address: usize) -> Thrown {
        self.call.jump.set(address);
        Thrown::pending(self)
    }

    /// The jump on its way is to leave the function that called us, wherever that is: nobody in it may wait for what happens, by a
    /// handler, or by a block that runs on every way out.
    pub fn leave_caller(&self) {
        debug_assert!(self.jumps(), "nothing takes the caller's place");
        self.call.leaves_caller.set(true);
    }

    /// Is what seems to be thrown a jump?
    #[inline]
    pub fn jumps(&self) -> bool {
        self.call.jump.get() != 0
    }

    /// There is no jump after all, or it has been taken care of; was there one?
    pub fn take_jump(&self) -> bool {
        self.call.leaves_caller.set(false);
        self.call.jump.replace(0) != 0
    }

    /// How many arguments the call had that brought us here.
    #[inline]
    pub fn arg_count(&self) -> usize {
        self.call.arg_count.get() as usize
    }

    /// Argument `i` of those that did not fit the registers.
    #[inline]
    pub fn spilled_arg(&self, i: usize) -> Value<'_> {
        // SAFETY: no reference into the array is ever made that lives longer than an expression, and only this thread
        // accesses it now.
        self.value(unsafe { (&*self.call.arg_spill.get())[i] })
    }

    /// Sets argument `i` of those that do not fit the registers, for a call into generated code.
    #[inline]
    pub fn set_spilled_arg(&self, i: usize, value: Value<'_>) {
        // SAFETY: as in `spilled_arg`.
        unsafe { (&mut *self.call.arg_spill.get())[i] = value.word() }
    }

    /// The called closure of a `resolve_stub`.
    #[inline]
    pub fn closure_spill(&self) -> Value<'_> {
        self.value(self.call.closure_spill.get())
    }

    /// Replaces the called closure of a `resolve_stub`.
    #[inline]
    pub fn set_closure_spill(&self, closure: Value<'_>) {
        self.call.closure_spill.set(closure.word());
    }

    /// Says what is spilled: 0, or 1 for the closure plus so many arguments.
    ///
    /// # Safety
    /// These words must be values.
    #[inline]
    pub unsafe fn set_spilled(&self, count: u64) {
        self.call.spilled.set(count);
    }

    /// Puts the spilled closure and arguments aside, as handles, before generated code is called.
    pub fn save_spill(&self) -> Spill {
        let count = self.call.spilled.replace(0);
        let first = (count > 0).then(|| self.root(self.closure_spill()));
        if first.is_some() {
            for i in 0..(count as usize - 1).min(MAX_SPILLED) {
                let _ = self.root(self.spilled_arg(i));
            }
        }
        Spill { first, count, arg_count: self.call.arg_count.get() }
    }

    /// Puts back what was put aside; its handles must not have been released.
    pub fn restore_spill(&self, spill: Spill) {
        if let Some(first) = spill.first {
            self.set_closure_spill(self.get(first));
            for i in 0..(spill.count as u32 - 1).min(MAX_SPILLED as u32) {
                self.set_spilled_arg(i as usize, self.get(first.after(1 + i)));
            }
        }
        self.call.spilled.set(spill.count);
        self.call.arg_count.set(spill.arg_count);
    }

    /// Says how many arguments the next call into generated code has.
    #[inline]
    pub fn set_arg_count(&self, count: usize) {
        self.call.arg_count.set(count as u64);
    }

    /// The pending exception; `UNDEFINED` when there is none.
    pub fn exception(&self) -> Value<'_> {
        self.value(self.call.exception.get())
    }

    /// Notes whose stack trace is being recorded: that of the pending exception, or nobody's.
    pub fn set_traced(&self, exception: Option<Value<'_>>) {
        self.call.traced.set(exception.map_or(Word::UNDEFINED, Value::word));
    }

    /// The value whose stack trace was recorded last, if it is still there.
    pub fn traced(&self) -> Option<Value<'_>> {
        let word = self.call.traced.get();
        (word != Word::UNDEFINED).then(|| self.value(word))
    }

    /// Is this the value whose stack trace was recorded last?
    pub fn is_traced(&self, exception: Value<'_>) -> bool {
        self.call.traced.get() == exception.word()
    }

    /// Follows the value whose stack trace was recorded to where it is now.
    pub(in crate::gc) fn update_traced(&self, survivor: &dyn Fn(usize) -> Option<usize>) {
        let traced = self.call.traced.get();
        if traced.is_pointer() {
            let now = survivor(traced.address());
            self.call.traced.set(now.map_or(Word::UNDEFINED, |address| Word(address as u64 | traced.0 & TAG_MASK)));
        }
    }

    /// Where the last throw lands.
    pub fn landing(&self) -> Landing {
        self.call.landing.get()
    }

    /// Sets where the last throw lands.
    pub fn set_landing(&self, landing: Landing) {
        self.call.landing.set(landing);
    }
}

/// The exception is in the thread.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Thrown(());

impl Thrown {
    /// Throws a value.
    pub fn set(thread: &Thread, exception: Handle) -> Thrown {
        thread.call.exception.set(thread.get(exception).word());
        Thrown(())
    }

    /// Generated code has returned `THROWN`: the exception is in the thread already, or where to jump.
    pub fn pending(thread: &Thread) -> Thrown {
        debug_assert!(thread.call.exception.get() != Word::UNDEFINED || thread.jumps(), "nothing was thrown");
        Thrown(())
    }
}
