//! The context of a thread: what generated code finds at fixed offsets from its context register, and what Rust code needs
//! besides.
//!
//! Owns the layout of [`Thread`], which is put together of its [allocation buffer](super::buffer), what [calls](super::call) hand over, and
//! the [stack](super::stack) that it runs on. Must not know what collects.
//!
//! Invariant: a `Thread` stays at its address while it is attached, and only its own OS thread touches it, but for
//! `stack_limit` (atomic), what others may look at ([`Shown`](super::buffer::Shown)), and but for the collector while the thread is stopped. `Thread` is not `Unpin`, so that a
//! `&mut Thread` does not promise the optimiser that nobody else reads it.

use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomPinned;
use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering};

use rustc_hash::FxHashMap;

use super::activity::Activity;
use super::buffer::{Buffer, ROOMS};
use super::call::{Call, Landing};
use super::stack::Stack;
use super::value::Value;
use super::waiting::Wakeups;
use crate::asm::stubs::{LandingConfig, StubConfig};
use crate::gc::heap::Heap;
use crate::gc::stress::{Site, Visits};
use crate::object::word::Word;

/// The context of a thread.
#[repr(C)]
pub struct Thread {
    stack_limit: AtomicUsize,
    pub(in crate::gc) buffer: Buffer,
    pub(in crate::gc) call: Call,
    pub(in crate::gc) stack: Stack,
    /// Boxing a float went beyond the budget: collect at the next safepoint.
    pub(in crate::gc) collect_soon: Cell<bool>,
    /// The owner with which it changes a map: see `owners.rs`.
    pub(in crate::gc) owner_in_use: Cell<u32>,
    /// The out-of-memory error is being built.
    pub(in crate::gc) emergency: Cell<bool>,
    /// The interrupt key was pressed.
    pub(in crate::gc) interrupt: AtomicBool,
    /// See `waiting.rs`.
    pub(super) wakeups: Wakeups,
    sites: UnsafeCell<FxHashMap<Site, Visits>>,
    /// Under stress: so many visits of sites do not collect.
    pub(in crate::gc) rest: Cell<u64>,
    id: u64,
    heap: Arc<Heap>,
    runtime: Cell<*const ()>,
    /// See `held.rs`.
    held: UnsafeCell<Vec<Word>>,
    /// See `plan/remembered.rs`.
    remembered: UnsafeCell<Vec<usize>>,
    /// The number by which the system knows the thread.
    os_id: libc::pid_t,
    /// What it is busy with, as an [`Activity`].
    pub(super) activity: AtomicU8,
    /// What the sampler hung on it.
    sampled: AtomicPtr<()>,
    _pin: PhantomPinned,
}

/// Offset of the stack limit: `sp` below it means "call `safepoint`".
pub const OFFSET_STACK_LIMIT: i32 = offset_of!(Thread, stack_limit) as i32;
/// Offset of the floor of the stack: like the stack limit, but it is never raised to call for attention.
pub const OFFSET_STACK_FLOOR: i32 = offset_of!(Thread, stack.floor) as i32;
/// Offset of the address of the next free byte of the allocation buffer.
pub const OFFSET_TLAB_CURSOR: i32 = offset_of!(Thread, buffer.cursor) as i32;
/// Offset of the end of the allocation buffer.
pub const OFFSET_TLAB_LIMIT: i32 = offset_of!(Thread, buffer.limit) as i32;
/// Offset of the frame pointer of the exit stub's frame; 0 when no generated code is on the stack.
pub const OFFSET_EXIT_FRAME: i32 = offset_of!(Thread, stack.exit_frame) as i32;
/// Offset of the pending exception.
pub const OFFSET_EXCEPTION: i32 = offset_of!(Thread, call.exception) as i32;
/// Offset of the number of arguments of a call.
pub const OFFSET_ARG_COUNT: i32 = offset_of!(Thread, call.arg_count) as i32;
/// Offset of what is spilled: 0, or 1 for the closure plus the number of live spilled arguments.
pub const OFFSET_SPILLED: i32 = offset_of!(Thread, call.spilled) as i32;
/// Offset of the spilled closure.
pub const OFFSET_CLOSURE_SPILL: i32 = offset_of!(Thread, call.closure_spill) as i32;
/// Offset of the landing.
pub const OFFSET_LANDING: i32 = offset_of!(Thread, call.landing) as i32;
/// Offset of the dynamic bindings.
pub const OFFSET_DYNAMIC: i32 = offset_of!(Thread, stack.dynamic) as i32;
/// Offset of where a call ends in a jump to.
pub const OFFSET_JUMP: i32 = offset_of!(Thread, call.jump) as i32;
/// Offset of the NODEs with room behind them.
pub const OFFSET_ROOMS: i32 = offset_of!(Thread, buffer.rooms) as i32;
/// Offset of the spilled arguments.
pub const OFFSET_ARG_SPILL: i32 = offset_of!(Thread, call.arg_spill) as i32;

/// What the stubs must know of this.
pub const fn stub_config() -> StubConfig {
    StubConfig {
        exit_frame: OFFSET_EXIT_FRAME,
        arg_spill: OFFSET_ARG_SPILL,
        closure: OFFSET_CLOSURE_SPILL,
        spilled: OFFSET_SPILLED,
        arg_count: OFFSET_ARG_COUNT,
        exception: OFFSET_EXCEPTION,
        no_exception: Word::UNDEFINED.0 as i32,
        landing: LandingConfig {
            pc: OFFSET_LANDING + offset_of!(Landing, pc) as i32,
            sp: OFFSET_LANDING + offset_of!(Landing, sp) as i32,
            fp: OFFSET_LANDING + offset_of!(Landing, fp) as i32,
            saved: OFFSET_LANDING + offset_of!(Landing, saved) as i32,
        },
    }
}

const _: () = {
    // What is used most has short displacements on x86-64.
    assert!(OFFSET_STACK_LIMIT == 0 && OFFSET_TLAB_CURSOR == 8 && OFFSET_TLAB_LIMIT == 16);
    assert!(OFFSET_ARG_COUNT < 128 && OFFSET_EXCEPTION < 128);
};

impl Thread {
    pub(super) fn new(heap: Arc<Heap>, id: u64, bounds: (usize, usize)) -> Thread {
        let stack = Stack::new(bounds);
        let limit = if heap.stressed() { usize::MAX } else { stack.floor.get() };
        Thread {
            stack_limit: AtomicUsize::new(limit),
            buffer: Buffer::new(),
            call: Call::new(),
            stack,
            collect_soon: Cell::new(false),
            owner_in_use: Cell::new(0),
            emergency: Cell::new(false),
            interrupt: AtomicBool::new(false),
            wakeups: Wakeups::default(),
            sites: UnsafeCell::new(FxHashMap::default()),
            rest: Cell::new(0),
            id,
            heap,
            runtime: Cell::new(std::ptr::null()),
            held: UnsafeCell::new(Vec::new()),
            remembered: UnsafeCell::new(Vec::new()),
            // SAFETY: a plain question.
            os_id: unsafe { libc::syscall(libc::SYS_gettid) } as libc::pid_t,
            activity: AtomicU8::new(Activity::Program as u8),
            sampled: AtomicPtr::new(std::ptr::null_mut()),
            _pin: PhantomPinned,
        }
    }

    /// Notes the owner with which it changes a map from now on: a collection that renews owners leaves this one out.
    #[inline]
    pub fn use_owner(&self, owner: u32) {
        self.owner_in_use.set(owner);
    }

    /// The heap.
    #[inline]
    pub fn heap(&self) -> &Arc<Heap> {
        &self.heap
    }

    /// The number of this thread; the first is 1, none is used twice.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Forgets that the interrupt key was pressed; whether it was.
    pub fn take_interrupt(&self) -> bool {
        self.interrupt.swap(false, Ordering::SeqCst)
    }

    /// Was the interrupt key pressed, and nobody has looked? A cheap question, which changes nothing.
    #[inline]
    pub fn is_interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }

    /// The number by which the system knows this thread.
    pub fn os_id(&self) -> libc::pid_t {
        self.os_id
    }

    /// What the sampler hung on the thread.
    pub fn sampled(&self) -> *const () {
        self.sampled.load(Ordering::Relaxed)
    }

    /// Hangs something on the thread for the sampler; gc does not look at it.
    pub fn set_sampled(&self, sampled: *const ()) {
        self.sampled.store(sampled.cast_mut(), Ordering::Relaxed);
    }

    /// Bytes allocated since the refill hook was called last, but for large objects, which it is told of at once. They are not
    /// told again when this is called before the thread ends, or when nobody listens any more.
    pub fn take_untold_bytes(&self) -> usize {
        self.buffer.retired.take() + self.buffer.used()
    }

    /// The same, asked by another thread: what this one has got in the midst of a change is not counted.
    pub fn untold_bytes(&self) -> usize {
        self.buffer.untold()
    }

    /// What the layer above hung on the thread.
    #[inline]
    pub fn runtime(&self) -> *const () {
        self.runtime.get()
    }

    /// Hangs something on the thread; gc does not look at it.
    pub fn set_runtime(&self, runtime: *const ()) {
        self.runtime.set(runtime);
    }

    /// The dynamic bindings.
    pub fn dynamic(&self) -> Value<'_> {
        self.value(self.stack.dynamic.get())
    }

    /// Replaces the dynamic bindings.
    pub fn set_dynamic(&self, value: Value<'_>) {
        self.stack.dynamic.set(value.word());
    }

    /// For `Thread::refresh_limit` alone, which wants the world's lock: everybody else may only raise it.
    pub(in crate::gc) fn set_stack_limit(&self, limit: usize) {
        self.stack_limit.store(limit, Ordering::SeqCst);
    }

    /// The thread's next poll takes the slow way.
    pub(in crate::gc) fn raise_stack_limit(&self) {
        self.set_stack_limit(usize::MAX);
    }

    #[inline]
    pub(in crate::gc) fn value(&self, word: Word) -> Value<'_> {
        // SAFETY: callers inside gc pass words that they have just read from a root or an object.
        unsafe { Value::from_raw(self, word) }
    }

    pub(in crate::gc) fn with_sites<R>(&self, f: impl FnOnce(&mut FxHashMap<Site, Visits>) -> R) -> R {
        // SAFETY: only `stress` calls this, with a closure that does not call back, on its own thread.
        f(unsafe { &mut *self.sites.get() })
    }

    /// The NODE that was made with room for more elements than its length says, for the vector of an accumulator with
    /// this owner, if it is still remembered. A collection moves what the length says, and so ends it.
    #[inline]
    pub fn room(&self, owner: u32) -> Word {
        self.buffer.rooms[owner as usize % ROOMS].get()
    }

    /// Remembers such a NODE.
    pub fn set_room(&self, owner: u32, node: Value<'_>) {
        self.buffer.rooms[owner as usize % ROOMS].set(node.word());
    }

    pub(in crate::gc) fn with_held<R>(&self, f: impl FnOnce(&mut Vec<Word>) -> R) -> R {
        // SAFETY: `f` is one of the closures in `held.rs` and the root enumerator, none of which calls back, so this is the only
        // reference; only this thread (or the collector while it is stopped) gets here.
        f(unsafe { &mut *self.held.get() })
    }

    pub(in crate::gc) fn with_remembered<R>(&self, f: impl FnOnce(&mut Vec<usize>) -> R) -> R {
        // SAFETY: `f` is one of the closures in `plan/remembered.rs` and `heap.rs`, none of which calls back, so this is the only
        // reference; only this thread (or the collector while it is stopped) gets here.
        f(unsafe { &mut *self.remembered.get() })
    }
}
