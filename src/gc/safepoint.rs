//! Stopping the world.
//!
//! Owns who is attached, who runs, and the handshake. A thread *runs* unless it waits here or is in an outside region. Who
//! wants to collect sets everybody's stack limit to the highest address, waits until nobody else runs, works under the lock,
//! and lets everybody go. Threads come in at their next poll, allocation slow path, or return from outside.
//!
//! Invariants: `stack_limit` is lowered only under the lock, and only by its own thread or by the collecting one. `running`
//! counts attached threads that neither wait here nor are outside. While somebody collects the lock is held, so nobody can
//! attach, leave or come back in.
//!
//! Single-threaded programs pay for a lock without contention at each collection, and nothing else.

use std::sync::atomic::Ordering;

use super::mutator::slow::Poll;
use super::mutator::thread::Thread;
use super::stress::Site;
use crate::locks::{self, Condvar, Mutex, MutexGuard, lock_whole};

/// The address of an attached thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ThreadPtr(pub(super) *const Thread);

// SAFETY: the pointer is followed only while the world is stopped, or to reach atomics of an attached thread.
unsafe impl Send for ThreadPtr {}

/// The threads of a heap.
#[derive(Default)]
pub(super) struct World {
    state: Mutex<State>,
    /// Somebody has stopped.
    stopped: Condvar,
    /// The world goes on.
    resumed: Condvar,
}

#[derive(Default)]
struct State {
    threads: Vec<ThreadPtr>,
    running: usize,
    stopping: bool,
    /// Counts collections.
    epoch: u64,
}

type Guard<'a> = MutexGuard<'a, State>;

impl World {
    fn lock(&self) -> Guard<'_> {
        // A panic in the work that stopped the world leaves it to `Stopped` to put the state right.
        lock_whole(&self.state)
    }

    /// Waits as a thread that does not run until nobody stops the world.
    fn wait_until_resumed<'a>(&self, guard: Guard<'a>) -> Guard<'a> {
        self.resumed.wait_while(guard, |state| state.stopping)
    }

    fn leave_running(&self, guard: &mut Guard<'_>) {
        guard.running -= 1;
        if guard.stopping {
            self.stopped.notify_all();
        }
    }

    /// Stops if somebody wants to collect.
    fn check_in<'a>(&self, mut guard: Guard<'a>) -> Guard<'a> {
        if guard.stopping {
            self.leave_running(&mut guard);
            guard = self.wait_until_resumed(guard);
            guard.running += 1;
        }
        guard
    }

    /// A new thread that runs.
    pub(super) fn attach(&self, thread: *const Thread) {
        let mut guard = self.wait_until_resumed(self.lock());
        guard.threads.push(ThreadPtr(thread));
        guard.running += 1;
    }

    /// A thread is no more.
    pub(super) fn detach(&self, thread: *const Thread) {
        let mut guard = self.lock();
        guard.threads.retain(|t| t.0 != thread);
        self.leave_running(&mut guard);
    }

    /// Sets a thread's limit anew.
    pub(super) fn refresh(&self, thread: &Thread) {
        let guard = self.check_in(self.lock());
        thread.refresh_limit(&guard);
    }

    /// How many collections there were.
    pub(super) fn epoch(&self) -> u64 {
        self.lock().epoch
    }

    /// Calls `f` with all attached threads, while none can come or go.
    pub(super) fn with_threads(&self, f: &mut dyn FnMut(&[&Thread])) {
        let guard = self.lock();
        // SAFETY: attached threads, which cannot be detached while the lock is held; others touch atomics only.
        let threads: Vec<&Thread> = guard.threads.iter().map(|thread| unsafe { &*thread.0 }).collect();
        f(&threads);
    }

    /// How many threads are attached.
    pub(super) fn thread_count(&self) -> usize {
        self.lock().threads.len()
    }
}

/// Since when others are waited for, in a checked build: by the time that the whole process has computed, so that a machine that is
/// busy with something else does not count.
struct Waiting(std::time::Duration);

impl Waiting {
    /// So much may be computed until all have come to a poll, and is not in anything that is known.
    const MOST: std::time::Duration = std::time::Duration::from_secs(10);

    fn now() -> Waiting {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        if cfg!(debug_assertions) {
            // SAFETY: a clock that there is, and room for what it says.
            unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
        }
        Waiting(std::time::Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
    }

    fn is_short(&self) -> bool {
        Waiting::now().0.saturating_sub(self.0) < Waiting::MOST
    }
}

/// Lets everybody go on, also when the work panics.
struct Stopped<'a> {
    world: &'a World,
    guard: Guard<'a>,
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.guard.stopping = false;
        self.guard.running += 1;
        self.world.resumed.notify_all();
    }
}

/// Comes back from outside, also when the call panics.
struct Outside<'a>(&'a Thread);

impl Drop for Outside<'_> {
    fn drop(&mut self) {
        let world = self.0.heap().world();
        let mut guard = world.wait_until_resumed(world.lock());
        guard.running += 1;
        self.0.refresh_limit(&guard);
    }
}

/// Goes outside again, also when the visit panics.
struct Leaves<'a>(&'a World);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.leave_running(&mut self.0.lock());
    }
}

impl Thread {
    /// Stops all other threads and does the work, unless there was a collection since `epoch`. Whether it was done.
    pub(super) fn with_stopped_world(&self, epoch: Option<u64>, work: impl FnOnce(&[ThreadPtr])) -> bool {
        let world = self.heap().world();
        locks::assert_none("collects");
        let mut guard = world.check_in(world.lock());
        if epoch.is_some_and(|epoch| epoch != guard.epoch) {
            self.refresh_limit(&guard);
            return false;
        }
        guard.stopping = true;
        guard.running -= 1;
        for thread in &guard.threads {
            // SAFETY: an attached thread; the field is atomic.
            unsafe { &*thread.0 }.raise_stack_limit();
        }
        let waiting = Waiting::now();
        guard = world.stopped.wait_while(guard, |state| state.running > 0);
        let patient = waiting.is_short();
        guard.epoch += 1;
        let stopped = Stopped { world, guard };
        work(&stopped.guard.threads);
        for thread in &stopped.guard.threads {
            // SAFETY: an attached thread that is stopped.
            unsafe { &*thread.0 }.refresh_limit(&stopped.guard);
        }
        drop(stopped);
        debug_assert!(patient, "a thread has computed for long without a poll: nobody else could collect");
        true
    }

    /// Sets the stack limit that this thread's own affairs demand, with nobody stopping the world, which is locked.
    fn refresh_limit(&self, _world: &Guard<'_>) {
        let soon = self.heap().stressed() || self.collect_soon.get();
        self.set_stack_limit(if soon { usize::MAX } else { self.real_stack_limit() });
        // Whoever interrupts sets the flag before the limit: one of us sees the other.
        if self.interrupt.load(Ordering::SeqCst) {
            self.raise_stack_limit();
        }
    }

    /// Runs something that may block. Other threads may collect meanwhile; `f` cannot touch the heap.
    pub fn outside<R>(&mut self, f: impl FnOnce() -> R) -> R {
        locks::assert_none("goes outside");
        let world = self.heap().world();
        world.leave_running(&mut world.lock());
        let _back = Outside(self);
        f()
    }

    /// Looks at the heap from within [`Thread::outside`], where nothing else of this thread does: a callback of what blocks there,
    /// which is not handed the thread but asks [`super::mutator::attached::current`].
    pub fn visit<R>(&self, look: impl FnOnce(&Thread) -> R) -> R {
        locks::assert_none("comes in");
        let world = self.heap().world();
        drop(Outside(self));
        let _leaves = Leaves(world);
        look(self)
    }

    /// A safepoint in Rust code: loops that run long call it now and then.
    pub fn poll(&mut self) -> Poll {
        let here = 0u8;
        self.poll_at(&raw const here as usize, 0)
    }

    /// The safepoint of generated code or Rust code at this depth of the stack; `site` is its return address.
    pub(super) fn poll_at(&mut self, sp: usize, site: u64) -> Poll {
        locks::assert_none("polls");
        debug_assert!(!self.jumps(), "polls on the way to a jump");
        self.heap().world().refresh(self);
        if self.collect_soon.get() || self.heap().stressed() && self.visit_site(Site::poll(site)) {
            self.collect_some();
        }
        if sp < self.real_stack_limit() {
            Poll::StackOverflow
        } else if self.interrupt.swap(false, Ordering::SeqCst) {
            self.heap().world().refresh(self);
            Poll::Interrupted
        } else {
            Poll::Continue
        }
    }
}
