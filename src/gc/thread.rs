//! The context of a thread: what generated code finds at fixed offsets from its context register, and what Rust code needs
//! besides.
//!
//! Owns the layout of [`Thread`] and the pending exception. Must not know what collects.
//!
//! Invariant: a `Thread` stays at its address while it is attached, and only its own OS thread touches it, but for
//! `stack_limit` (atomic), what others may look at ([`Shown`]), and but for the collector while the thread is stopped. `Thread` is not `Unpin`, so that a
//! `&mut Thread` does not promise the optimiser that nobody else reads it.

use std::cell::{Cell, UnsafeCell};
use std::marker::{PhantomData, PhantomPinned};
use std::mem::offset_of;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering};

use rustc_hash::FxHashMap;

use super::handle::Handle;
use super::heap::Heap;
use super::spaces::BLOCK;
use super::stress::{Site, Visits};
use super::value::Value;
use crate::asm::masm::SAVED_REGS;
use crate::asm::stubs::{LandingConfig, StubConfig};
use crate::object::word::{TAG_MASK, Word};
use crate::stack;

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

/// So many NODEs with room behind them a thread knows; a power of two.
pub const ROOMS: usize = 4;

/// What a thread is busy with: profiles show what is not the program as a frame of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Activity {
    /// The program, or what it has called.
    Program,
    /// A collection.
    Collecting,
    /// The generation of code.
    Compiling,
    /// The reading and checking of a text.
    Reading,
}

/// A thread is busy with something else than the program while this is there: see [`Thread::busy`].
#[must_use]
pub struct Busy {
    activity: *const AtomicU8,
    before: u8,
}

impl Drop for Busy {
    fn drop(&mut self) {
        // SAFETY: the thread that made this is still attached, and a `Thread` stays at its address while it is.
        unsafe { &*self.activity }.store(self.before, Ordering::Relaxed);
    }
}

/// A number that its thread alone changes, and generated code for it; others may look at it.
#[repr(transparent)]
#[derive(Default)]
pub(super) struct Shown(AtomicUsize);

impl Shown {
    #[inline]
    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn set(&self, number: usize) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// Gives it, and makes it 0.
    #[inline]
    pub(super) fn take(&self) -> usize {
        let number = self.get();
        self.set(0);
        number
    }
}

/// The context of a thread.
#[repr(C)]
pub struct Thread {
    stack_limit: AtomicUsize,
    pub(super) tlab_cursor: Shown,
    pub(super) tlab_limit: Cell<usize>,
    pub(super) exit_frame: Cell<usize>,
    pub(super) exception: Cell<Word>,
    pub(super) arg_count: Cell<u64>,
    pub(super) spilled: Cell<u64>,
    pub(super) closure_spill: Cell<Word>,
    pub(super) landing: Cell<Landing>,
    pub(super) dynamic: Cell<Word>,
    /// The code that takes the place of the call that is about to end: see [`Thread::jump_to`]. 0: none.
    jump: Cell<usize>,
    /// It takes the place of the caller's frame as well, though that is not done.
    pub(super) leaves_caller: Cell<bool>,
    pub(super) arg_spill: UnsafeCell<[Word; MAX_SPILLED]>,
    /// See [`Thread::room`].
    rooms: [Cell<Word>; ROOMS],
    /// Below this generated code and Rust code must not go any deeper: see [`crate::stack`].
    stack_floor: Cell<usize>,

    handles: UnsafeCell<Vec<Word>>,
    #[cfg(debug_assertions)]
    pub(super) numbers: super::handle::Numbers,
    /// Where the allocation buffer starts.
    pub(super) buffer_start: Shown,
    /// The end of the allocation buffer, also when `tlab_limit` hides it from generated code.
    pub(super) buffer_end: Cell<usize>,
    /// Boxing a float went beyond the budget: collect at the next safepoint.
    pub(super) collect_soon: Cell<bool>,
    /// The owner with which it changes a map: see `owners.rs`.
    pub(super) owner_in_use: Cell<u32>,
    /// The out-of-memory error is being built.
    pub(super) emergency: Cell<bool>,
    /// The interrupt key was pressed.
    pub(super) interrupt: AtomicBool,
    /// Whatever runs is to end: no handler takes what is thrown.
    pub(super) ends: AtomicBool,
    sites: UnsafeCell<FxHashMap<Site, Visits>>,
    /// Under stress: so many visits of sites do not collect.
    pub(super) rest: Cell<u64>,
    id: u64,
    heap: Arc<Heap>,
    stack_high: Cell<usize>,
    runtime: Cell<*const ()>,
    /// What the last stack trace belongs to. It is no root: a trace keeps nothing alive.
    traced: Cell<Word>,
    /// See `held.rs`.
    held: UnsafeCell<Vec<Word>>,
    /// See `plan/remembered.rs`.
    remembered: UnsafeCell<Vec<usize>>,
    /// The number by which the system knows the thread.
    os_id: libc::pid_t,
    /// What it is busy with, as an [`Activity`].
    activity: AtomicU8,
    /// What the sampler hung on it.
    sampled: AtomicPtr<()>,
    /// Bytes allocated in buffers that were given up since the last one was taken.
    pub(super) retired: Shown,
    _pin: PhantomPinned,
}

/// Offset of the stack limit: `sp` below it means "call `safepoint`".
pub const OFFSET_STACK_LIMIT: i32 = offset_of!(Thread, stack_limit) as i32;
/// Offset of the floor of the stack: like the stack limit, but it is never raised to call for attention.
pub const OFFSET_STACK_FLOOR: i32 = offset_of!(Thread, stack_floor) as i32;
/// Offset of the address of the next free byte of the allocation buffer.
pub const OFFSET_TLAB_CURSOR: i32 = offset_of!(Thread, tlab_cursor) as i32;
/// Offset of the end of the allocation buffer.
pub const OFFSET_TLAB_LIMIT: i32 = offset_of!(Thread, tlab_limit) as i32;
/// Offset of the frame pointer of the exit stub's frame; 0 when no generated code is on the stack.
pub const OFFSET_EXIT_FRAME: i32 = offset_of!(Thread, exit_frame) as i32;
/// Offset of the pending exception.
pub const OFFSET_EXCEPTION: i32 = offset_of!(Thread, exception) as i32;
/// Offset of the number of arguments of a call.
pub const OFFSET_ARG_COUNT: i32 = offset_of!(Thread, arg_count) as i32;
/// Offset of what is spilled: 0, or 1 for the closure plus the number of live spilled arguments.
pub const OFFSET_SPILLED: i32 = offset_of!(Thread, spilled) as i32;
/// Offset of the spilled closure.
pub const OFFSET_CLOSURE_SPILL: i32 = offset_of!(Thread, closure_spill) as i32;
/// Offset of the landing.
pub const OFFSET_LANDING: i32 = offset_of!(Thread, landing) as i32;
/// Offset of the dynamic bindings.
pub const OFFSET_DYNAMIC: i32 = offset_of!(Thread, dynamic) as i32;
/// Offset of where a call ends in a jump to.
pub const OFFSET_JUMP: i32 = offset_of!(Thread, jump) as i32;
/// Offset of the NODEs with room behind them.
pub const OFFSET_ROOMS: i32 = offset_of!(Thread, rooms) as i32;
/// Offset of the spilled arguments.
pub const OFFSET_ARG_SPILL: i32 = offset_of!(Thread, arg_spill) as i32;

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
    assert!(OFFSET_STACK_LIMIT == 0 && OFFSET_TLAB_CURSOR == 8 && OFFSET_TLAB_LIMIT == 16);
    assert!(OFFSET_EXIT_FRAME == 24 && OFFSET_EXCEPTION == 32);
};

impl Thread {
    fn new(heap: Arc<Heap>, id: u64, stack: (usize, usize)) -> Thread {
        let floor = stack::set_end(stack.0);
        let limit = if heap.stressed() { usize::MAX } else { floor };
        Thread {
            stack_limit: AtomicUsize::new(limit),
            tlab_cursor: Shown::default(),
            tlab_limit: Cell::new(0),
            exit_frame: Cell::new(0),
            exception: Cell::new(Word::UNDEFINED),
            arg_count: Cell::new(0),
            spilled: Cell::new(0),
            closure_spill: Cell::new(Word::NULL),
            landing: Cell::new(Landing::default()),
            dynamic: Cell::new(Word::NULL),
            jump: Cell::new(0),
            leaves_caller: Cell::new(false),
            arg_spill: UnsafeCell::new([Word::NULL; MAX_SPILLED]),
            rooms: std::array::from_fn(|_| Cell::new(Word::NULL)),
            stack_floor: Cell::new(floor),
            handles: UnsafeCell::new(Vec::with_capacity(256)),
            #[cfg(debug_assertions)]
            numbers: Default::default(),
            buffer_start: Shown::default(),
            buffer_end: Cell::new(0),
            collect_soon: Cell::new(false),
            owner_in_use: Cell::new(0),
            emergency: Cell::new(false),
            interrupt: AtomicBool::new(false),
            ends: AtomicBool::new(false),
            sites: UnsafeCell::new(FxHashMap::default()),
            rest: Cell::new(0),
            id,
            heap,
            stack_high: Cell::new(stack.1),
            runtime: Cell::new(std::ptr::null()),
            traced: Cell::new(Word::UNDEFINED),
            held: UnsafeCell::new(Vec::new()),
            remembered: UnsafeCell::new(Vec::new()),
            // SAFETY: a plain question.
            os_id: unsafe { libc::syscall(libc::SYS_gettid) } as libc::pid_t,
            activity: AtomicU8::new(Activity::Program as u8),
            sampled: AtomicPtr::new(std::ptr::null_mut()),
            retired: Shown::default(),
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

    /// The bounds of this thread's stack: lowest address, highest address.
    pub fn stack_bounds(&self) -> (usize, usize) {
        (self.stack_floor.get() - stack::RESERVE, self.stack_high.get())
    }

    /// Says that this thread runs on another stack than that of its OS thread, for instance on one that is deeper.
    ///
    /// # Safety
    /// The thread must be the calling one, and run between these addresses only, which must be accessible.
    pub unsafe fn set_stack_bounds(&mut self, low: usize, high: usize) {
        self.stack_floor.set(stack::set_end(low));
        self.stack_high.set(high);
        let world = self.heap().world();
        world.refresh(self);
    }

    /// Below this generated code and Rust code must not go any deeper.
    #[inline]
    pub(super) fn real_stack_limit(&self) -> usize {
        self.stack_floor.get()
    }

    /// Who wants to interrupt this thread from a signal handler or from another thread.
    pub fn interrupter(&self) -> Interrupter {
        // SAFETY: every `Thread` lives in the `Arc<Storage>` that `Attached::new` made, at offset 0 of it.
        unsafe {
            let storage = self as *const Thread as *const Storage;
            Arc::increment_strong_count(storage);
            Interrupter(Arc::from_raw(storage))
        }
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

    /// What this thread is busy with, as an [`Activity`]. May be asked in a signal handler of this thread.
    pub fn activity(&self) -> u8 {
        self.activity.load(Ordering::Relaxed)
    }

    /// This thread is busy with something else than the program until what comes back is dropped, which is before the thread
    /// ends.
    pub fn busy(&self, with: Activity) -> Busy {
        let before = self.activity.swap(with as u8, Ordering::Relaxed);
        Busy { activity: &self.activity, before }
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
        self.retired.take() + self.used_of_buffer()
    }

    /// The same, asked by another thread: what this one has got in the midst of a change is not counted.
    pub fn untold_bytes(&self) -> usize {
        let (start, cursor) = (self.buffer_start.get(), self.tlab_cursor.get());
        let used = cursor.checked_sub(start).filter(|used| *used <= BLOCK && self.buffer_start.get() == start);
        self.retired.get() + used.unwrap_or(0)
    }

    /// Bytes of the present buffer that are in use.
    pub(super) fn used_of_buffer(&self) -> usize {
        self.tlab_cursor.get() - self.buffer_start.get()
    }

    /// Bytes of the present buffer that are not yet in use.
    pub(super) fn rest_of_buffer(&self) -> usize {
        self.buffer_end.get() - self.tlab_cursor.get()
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
        self.value(self.dynamic.get())
    }

    /// Replaces the dynamic bindings.
    pub fn set_dynamic(&self, value: Value<'_>) {
        self.dynamic.set(value.word());
    }

    /// The pending exception, which is no longer pending afterwards.
    pub fn take_exception(&self, _thrown: Thrown) -> Handle {
        debug_assert!(!self.jumps(), "a jump was taken for an exception");
        let exception = self.exception.replace(Word::UNDEFINED);
        debug_assert!(exception != Word::UNDEFINED, "nothing was thrown");
        self.push_handle(exception)
    }

    /// The call from generated code that Rust runs will end in a jump: to this code, which takes what is in the spill area.
    /// What is returned goes to the exit stub as it is, as if it were thrown; nothing may allocate until then.
    pub fn jump_to(&self, address: usize) -> Thrown {
        self.jump.set(address);
        Thrown::pending(self)
    }

    /// The jump on its way is to leave the function that called us, wherever that is: nobody in it may wait for what happens, by a
    /// handler, or by a block that runs on every way out.
    pub fn leave_caller(&self) {
        debug_assert!(self.jumps(), "nothing takes the caller's place");
        self.leaves_caller.set(true);
    }

    /// Is what seems to be thrown a jump?
    #[inline]
    pub fn jumps(&self) -> bool {
        self.jump.get() != 0
    }

    /// There is no jump after all, or it has been taken care of; was there one?
    pub fn take_jump(&self) -> bool {
        self.leaves_caller.set(false);
        self.jump.replace(0) != 0
    }

    /// How many arguments the call had that brought us here.
    #[inline]
    pub fn arg_count(&self) -> usize {
        self.arg_count.get() as usize
    }

    /// Argument `i` of those that did not fit the registers.
    #[inline]
    pub fn spilled_arg(&self, i: usize) -> Value<'_> {
        // SAFETY: no reference into the array is ever made that lives longer than an expression, and only this thread
        // accesses it now.
        self.value(unsafe { (&*self.arg_spill.get())[i] })
    }

    /// Sets argument `i` of those that do not fit the registers, for a call into generated code.
    #[inline]
    pub fn set_spilled_arg(&self, i: usize, value: Value<'_>) {
        // SAFETY: as in `spilled_arg`.
        unsafe { (&mut *self.arg_spill.get())[i] = value.word() }
    }

    /// The called closure of a `resolve_stub`.
    #[inline]
    pub fn closure_spill(&self) -> Value<'_> {
        self.value(self.closure_spill.get())
    }

    /// Replaces the called closure of a `resolve_stub`.
    #[inline]
    pub fn set_closure_spill(&self, closure: Value<'_>) {
        self.closure_spill.set(closure.word());
    }

    /// Says what is spilled: 0, or 1 for the closure plus so many arguments.
    ///
    /// # Safety
    /// These words must be values.
    #[inline]
    pub unsafe fn set_spilled(&self, count: u64) {
        self.spilled.set(count);
    }

    /// Puts the spilled closure and arguments aside, as handles, before generated code is called.
    pub fn save_spill(&self) -> Spill {
        let count = self.spilled.replace(0);
        let first = (count > 0).then(|| self.root(self.closure_spill()));
        if first.is_some() {
            for i in 0..(count as usize - 1).min(MAX_SPILLED) {
                let _ = self.root(self.spilled_arg(i));
            }
        }
        Spill { first, count, arg_count: self.arg_count.get() }
    }

    /// Puts back what was put aside; its handles must not have been released.
    pub fn restore_spill(&self, spill: Spill) {
        if let Some(first) = spill.first {
            self.set_closure_spill(self.get(first));
            for i in 0..(spill.count as u32 - 1).min(MAX_SPILLED as u32) {
                self.set_spilled_arg(i as usize, self.get(first.after(1 + i)));
            }
        }
        self.spilled.set(spill.count);
        self.arg_count.set(spill.arg_count);
    }

    /// Says how many arguments the next call into generated code has.
    #[inline]
    pub fn set_arg_count(&self, count: usize) {
        self.arg_count.set(count as u64);
    }

    /// The pending exception; `UNDEFINED` when there is none.
    pub fn exception(&self) -> Value<'_> {
        self.value(self.exception.get())
    }

    /// Notes whose stack trace is being recorded: that of the pending exception, or nobody's.
    pub fn set_traced(&self, exception: Option<Value<'_>>) {
        self.traced.set(exception.map_or(Word::UNDEFINED, Value::word));
    }

    /// The value whose stack trace was recorded last, if it is still there.
    pub fn traced(&self) -> Option<Value<'_>> {
        let word = self.traced.get();
        (word != Word::UNDEFINED).then(|| self.value(word))
    }

    /// Is this the value whose stack trace was recorded last?
    pub fn is_traced(&self, exception: Value<'_>) -> bool {
        self.traced.get() == exception.word()
    }

    /// Follows the value whose stack trace was recorded to where it is now.
    pub(super) fn update_traced(&self, survivor: &dyn Fn(usize) -> Option<usize>) {
        let traced = self.traced.get();
        if traced.is_pointer() {
            let now = survivor(traced.address());
            self.traced.set(now.map_or(Word::UNDEFINED, |address| Word(address as u64 | traced.0 & TAG_MASK)));
        }
    }

    /// Where the last throw lands.
    pub fn landing(&self) -> Landing {
        self.landing.get()
    }

    /// Sets where the last throw lands.
    pub fn set_landing(&self, landing: Landing) {
        self.landing.set(landing);
    }

    /// For `Thread::refresh_limit` alone, which wants the world's lock: everybody else may only raise it.
    pub(super) fn set_stack_limit(&self, limit: usize) {
        self.stack_limit.store(limit, Ordering::SeqCst);
    }

    /// The thread's next poll takes the slow way.
    pub(super) fn raise_stack_limit(&self) {
        self.set_stack_limit(usize::MAX);
    }

    /// The frame pointer of the innermost exit frame, 0 when no generated code runs below.
    pub fn exit_frame(&self) -> usize {
        self.exit_frame.get()
    }

    #[inline]
    pub(super) fn value(&self, word: Word) -> Value<'_> {
        // SAFETY: callers inside gc pass words that they have just read from a root or an object.
        unsafe { Value::from_raw(self, word) }
    }

    pub(super) fn with_sites<R>(&self, f: impl FnOnce(&mut FxHashMap<Site, Visits>) -> R) -> R {
        // SAFETY: only `stress` calls this, with a closure that does not call back, on its own thread.
        f(unsafe { &mut *self.sites.get() })
    }

    /// The NODE that was made with room for more elements than its length says, for the vector of an accumulator with
    /// this owner, if it is still remembered. A collection moves what the length says, and so ends it.
    #[inline]
    pub fn room(&self, owner: u32) -> Word {
        self.rooms[owner as usize % ROOMS].get()
    }

    /// Remembers such a NODE.
    pub fn set_room(&self, owner: u32, node: Value<'_>) {
        self.rooms[owner as usize % ROOMS].set(node.word());
    }

    /// Gives up the allocation buffer, and what is remembered of where objects are.
    pub(super) fn retire_buffer(&self) {
        self.rooms.iter().for_each(|room| room.set(Word::NULL));
        self.retired.set(self.retired.get() + self.used_of_buffer());
        self.tlab_cursor.set(0);
        self.tlab_limit.set(0);
        self.buffer_start.set(0);
        self.buffer_end.set(0);
    }

    pub(super) fn with_held<R>(&self, f: impl FnOnce(&mut Vec<Word>) -> R) -> R {
        // SAFETY: `f` is one of the closures in `held.rs` and the root enumerator, none of which calls back, so this is the only
        // reference; only this thread (or the collector while it is stopped) gets here.
        f(unsafe { &mut *self.held.get() })
    }

    pub(super) fn with_remembered<R>(&self, f: impl FnOnce(&mut Vec<usize>) -> R) -> R {
        // SAFETY: `f` is one of the closures in `plan/remembered.rs` and `heap.rs`, none of which calls back, so this is the only
        // reference; only this thread (or the collector while it is stopped) gets here.
        f(unsafe { &mut *self.remembered.get() })
    }

    #[inline]
    pub(super) fn with_handles<R>(&self, f: impl FnOnce(&mut Vec<Word>) -> R) -> R {
        // SAFETY: `f` is one of the closures in `handle.rs` and the root enumerator, none of which calls back, so this is
        // the only reference; only this thread (or the collector while it is stopped) gets here.
        f(unsafe { &mut *self.handles.get() })
    }
}

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
    pub(super) fn new(heap: Arc<Heap>, id: u64, stack: (usize, usize)) -> Attached {
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
        self.retire_buffer();
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
    }

    /// Interrupts it for good: from now on nothing that is thrown in the thread is caught by what it runs, nor do blocks run that
    /// would on the way out.
    pub fn end(&self) {
        // SAFETY: the storage is alive; only an atomic is touched.
        unsafe { &*self.0.0.get() }.ends.store(true, Ordering::SeqCst);
        self.interrupt();
    }
}

/// The exception is in the thread.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Thrown(());

impl Thrown {
    /// Throws a value.
    pub fn set(thread: &Thread, exception: Handle) -> Thrown {
        thread.exception.set(thread.get(exception).word());
        Thrown(())
    }

    /// Generated code has returned `THROWN`: the exception is in the thread already, or where to jump.
    pub fn pending(thread: &Thread) -> Thrown {
        debug_assert!(thread.exception.get() != Word::UNDEFINED || thread.jumps(), "nothing was thrown");
        Thrown(())
    }
}
