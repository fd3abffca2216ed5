//! An OS thread's membership in a heap: from when it is attached until it ends, and whoever interrupts it meanwhile or afterwards.
//!
//! Owns where a [`Thread`] lives.

use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::activity::Activity;
use super::thread::Thread;
use super::waiting::Wakeups;
use crate::gc::heap::Heap;

thread_local! {
    /// The context of the calling thread, for those who come by a signal, or by a callback that is not handed it.
    static CURRENT: Cell<*const Thread> = const { Cell::new(std::ptr::null()) };
}

/// The context of the calling thread, if it is attached to a heap. For signal handlers, and callbacks of
/// crates that do not know of it: everybody else is handed it.
pub fn current<'a>() -> Option<&'a Thread> {
    // SAFETY: it is set while the calling thread is attached, which ends only after the handler has.
    unsafe { CURRENT.get().as_ref() }
}

/// Where a `Thread` lives. It may outlive its attachment, so that an interrupt that comes too late hits nothing else.
#[repr(transparent)]
struct Storage(UnsafeCell<Thread>);

// SAFETY: whoever shares a `Storage` (interrupters) touches atomics only.
unsafe impl Send for Storage {}
// SAFETY: likewise.
unsafe impl Sync for Storage {}

/// An OS thread's membership in a heap; ends when it is dropped. Stays with its OS thread.
pub struct Attached {
    storage: Arc<Storage>,
    _own: PhantomData<*mut ()>,
}

impl Attached {
    pub(in crate::gc) fn new(heap: Arc<Heap>, id: u64, stack: (usize, usize)) -> Attached {
        debug_assert!(CURRENT.get().is_null(), "an OS thread is attached twice");
        let storage = Arc::new(Storage(UnsafeCell::new(Thread::new(heap, id, stack))));
        let attached = Attached { storage, _own: PhantomData };
        attached.heap().world().attach(&*attached);
        CURRENT.set(&*attached);
        attached
    }
}

impl Deref for Attached {
    type Target = Thread;
    fn deref(&self) -> &Thread {
        // SAFETY: references to the thread come from its `Attached` only, which follows the rules of borrowing; the
        // collector and interrupters use what may be shared.
        unsafe { &*self.storage.0.get() }
    }
}

impl DerefMut for Attached {
    fn deref_mut(&mut self) -> &mut Thread {
        // SAFETY: as in `deref`.
        unsafe { &mut *self.storage.0.get() }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        CURRENT.set(std::ptr::null());
        debug_assert!(std::thread::panicking() || self.activity() == Activity::Program as u8, "ends while it is busy");
        let remembered = self.with_remembered(std::mem::take);
        self.heap().leave_behind(remembered);
        self.heap().world().detach(&**self);
        self.buffer.retire();
    }
}

/// Interrupts a thread; safe to use in a signal handler.
#[derive(Clone)]
pub struct Interrupter(Arc<Storage>);

impl Interrupter {
    /// Whether the thread was interrupted and has not noticed.
    pub fn is_pending(&self) -> bool {
        // SAFETY: the storage is alive; only an atomic is touched.
        unsafe { &*self.0.0.get() }.interrupt.load(Ordering::SeqCst)
    }

    /// The thread's next poll returns [`super::slow::Poll::Interrupted`].
    pub fn interrupt(&self) {
        // SAFETY: the storage is alive; only atomics are touched. The flag comes before the limit: see
        // `Thread::refresh_limit`.
        let thread = unsafe { &*self.0.0.get() };
        thread.interrupt.store(true, Ordering::SeqCst);
        thread.raise_stack_limit();
        thread.wakeups.wake();
    }

    /// Wakes the thread, if it [waits](Thread::wait_for), to look again.
    pub fn wake(&self) {
        self.wakeups().wake();
    }

    pub(super) fn wakeups(&self) -> &Wakeups {
        // SAFETY: the storage is alive; what is reached is atomic.
        unsafe { &(*self.0.0.get()).wakeups }
    }

    /// Do both stand for one thread?
    pub fn is(&self, other: &Interrupter) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Interrupts it for good: from now on nothing that is thrown in the thread is caught by what it runs, nor do blocks run that
    /// would on the way out.
    pub fn end(&self) {
        // SAFETY: the storage is alive; only an atomic is touched.
        unsafe { &*self.0.0.get() }.call.ends.store(true, Ordering::SeqCst);
        self.interrupt();
    }
}

impl Thread {
    /// Who wants to interrupt this thread from a signal handler or from another thread.
    pub fn interrupter(&self) -> Interrupter {
        // SAFETY: every `Thread` lives in the `Arc<Storage>` that `Attached::new` made, at offset 0 of it.
        unsafe {
            let storage = self as *const Thread as *const Storage;
            Arc::increment_strong_count(storage);
            Interrupter(Arc::from_raw(storage))
        }
    }
}
