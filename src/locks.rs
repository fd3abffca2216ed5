//! The locks of the house. Nobody uses those of the standard library directly (`tests/tidy.rs`).
//!
//! A panic of another holder is no reason to stop: what a lock protects is changed only after all that can fail. A checked build
//! (`debug_assertions`) stops all the same, to show it, and knows what each thread holds and in which order locks were ever taken.
//! It asserts, each time, before anybody has to wait for ever to notice:
//!
//! - nobody takes a lock that he has in hand;
//! - there is one order: where a lock was taken with another in hand, on any thread, they are never taken the other way round. Locks
//!   that are made at the same place of the text are one in this, for they are taken in the order in which objects happen to come;
//! - nobody has another lock in hand while he waits for a [`Condvar`], nor where he may wait for a collection ([`assert_none`]):
//!   who collects takes locks, too, and waits for all who run;
//! - nobody takes one where he [must not](Forbidden), nor any memory of Rust's: the allocator has locks, too.
//!
//! In other builds these are the locks of the standard library and nothing besides.

use std::any::type_name;
use std::ops::{Deref, DerefMut};
use std::sync::{self, PoisonError};
use std::time::Duration;

use crate::windows::window;

/// One at a time.
#[derive(Debug)]
pub struct Mutex<T> {
    class: Class,
    inner: sync::Mutex<T>,
}

/// Readers, or one writer.
#[derive(Debug)]
pub struct RwLock<T> {
    class: Class,
    inner: sync::RwLock<T>,
}

/// A [`Mutex`] that is locked as long as this is there.
#[clippy::has_significant_drop]
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    inner: sync::MutexGuard<'a, T>,
    held: Held,
}

/// An [`RwLock`] that is locked for reading as long as this is there.
#[clippy::has_significant_drop]
#[derive(Debug)]
pub struct ReadGuard<'a, T> {
    inner: sync::RwLockReadGuard<'a, T>,
    _held: Held,
}

/// An [`RwLock`] that is locked for writing as long as this is there.
#[clippy::has_significant_drop]
#[derive(Debug)]
pub struct WriteGuard<'a, T> {
    inner: sync::RwLockWriteGuard<'a, T>,
    _held: Held,
}

impl<T> Mutex<T> {
    /// A lock around a value.
    #[cfg_attr(debug_assertions, track_caller)]
    pub const fn new(value: T) -> Mutex<T> {
        Mutex { class: Class::here(), inner: sync::Mutex::new(value) }
    }

    /// The value, when nobody shares it any more.
    pub fn into_inner(self) -> T {
        self.inner.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> RwLock<T> {
    /// A lock around a value.
    #[cfg_attr(debug_assertions, track_caller)]
    pub const fn new(value: T) -> RwLock<T> {
        RwLock { class: Class::here(), inner: sync::RwLock::new(value) }
    }
}

impl<T: Default> Default for Mutex<T> {
    #[cfg_attr(debug_assertions, track_caller)]
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T: Default> Default for RwLock<T> {
    #[cfg_attr(debug_assertions, track_caller)]
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

/// Locks.
#[cfg_attr(debug_assertions, track_caller)]
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    window();
    let held = Held::take(mutex.class.of(type_name::<T>), (&raw const mutex.inner).addr());
    MutexGuard { inner: mutex.inner.lock().unwrap_or_else(poisoned), held }
}

/// Locks what is whole whoever has panicked with it in hand: a `Drop` sees to it.
#[cfg_attr(debug_assertions, track_caller)]
pub fn lock_whole<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    window();
    let held = Held::take(mutex.class.of(type_name::<T>), (&raw const mutex.inner).addr());
    MutexGuard { inner: mutex.inner.lock().unwrap_or_else(PoisonError::into_inner), held }
}

/// Locks for reading.
#[cfg_attr(debug_assertions, track_caller)]
pub fn read<T>(lock: &RwLock<T>) -> ReadGuard<'_, T> {
    window();
    let held = Held::take(lock.class.of(type_name::<T>), (&raw const lock.inner).addr());
    ReadGuard { inner: lock.inner.read().unwrap_or_else(poisoned), _held: held }
}

/// Locks for reading without waiting: none while somebody writes. For who must not wait, whatever he has in hand.
pub fn try_read<T>(lock: &RwLock<T>) -> Option<ReadGuard<'_, T>> {
    let inner = match lock.inner.try_read() {
        Ok(inner) => inner,
        Err(sync::TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(sync::TryLockError::WouldBlock) => return None,
    };
    Some(ReadGuard { inner, _held: Held::besides(lock.class.of(type_name::<T>), (&raw const lock.inner).addr()) })
}

/// Locks without waiting: none while somebody else has it.
pub fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    let inner = match mutex.inner.try_lock() {
        Ok(inner) => inner,
        Err(sync::TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(sync::TryLockError::WouldBlock) => return None,
    };
    Some(MutexGuard { inner, held: Held::besides(mutex.class.of(type_name::<T>), (&raw const mutex.inner).addr()) })
}

/// Locks for writing.
#[cfg_attr(debug_assertions, track_caller)]
pub fn write<T>(lock: &RwLock<T>) -> WriteGuard<'_, T> {
    window();
    let held = Held::take(lock.class.of(type_name::<T>), (&raw const lock.inner).addr());
    WriteGuard { inner: lock.inner.write().unwrap_or_else(poisoned), _held: held }
}

/// Somebody has panicked with the lock in hand.
#[cold]
#[cfg_attr(debug_assertions, track_caller)]
fn poisoned<G>(error: PoisonError<G>) -> G {
    debug_assert!(std::thread::panicking(), "who held this lock last has panicked: is what it protects whole?");
    error.into_inner()
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

/// Something to wait for.
#[derive(Debug, Default)]
pub struct Condvar(sync::Condvar);

impl Condvar {
    /// Nobody waits yet.
    pub const fn new() -> Condvar {
        Condvar(sync::Condvar::new())
    }

    /// Wakes all who wait.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Waits as long as it is so.
    pub fn wait_while<'a, T>(&self, guard: MutexGuard<'a, T>, f: impl FnMut(&mut T) -> bool) -> MutexGuard<'a, T> {
        let MutexGuard { inner, held } = guard;
        held.assert_alone();
        MutexGuard { inner: self.0.wait_while(inner, f).unwrap_or_else(PoisonError::into_inner), held }
    }

    /// Waits until somebody wakes it, no longer than this.
    pub fn wait_timeout<'a, T>(&self, guard: MutexGuard<'a, T>, time: Duration) -> MutexGuard<'a, T> {
        let MutexGuard { inner, held } = guard;
        held.assert_alone();
        let inner = self.0.wait_timeout(inner, time).unwrap_or_else(PoisonError::into_inner).0;
        MutexGuard { inner, held }
    }
}

use checks::{Class, Held};
pub use checks::{Forbidden, assert_none};

/// Other builds know of nothing.
#[cfg(not(debug_assertions))]
mod checks {
    #[derive(Clone, Copy, Debug)]
    pub(super) struct Class;

    impl Class {
        #[inline(always)]
        pub(super) const fn here() -> Class {
            Class
        }

        #[inline(always)]
        pub(super) fn of(self, _: fn() -> &'static str) -> Class {
            self
        }
    }

    #[derive(Debug)]
    pub(super) struct Held;

    impl Held {
        #[inline(always)]
        pub(super) fn take(_: Class, _: usize) -> Held {
            Held
        }

        #[inline(always)]
        pub(super) fn besides(_: Class, _: usize) -> Held {
            Held
        }

        #[inline(always)]
        pub(super) fn assert_alone(&self) {}
    }

    /// The calling thread has no lock in hand: here it may wait for a collection, or run the program.
    #[inline(always)]
    pub fn assert_none(_doing: &str) {}

    /// While this is there the calling thread must take no lock.
    #[derive(Debug)]
    #[must_use]
    pub struct Forbidden;

    impl Forbidden {
        /// From now on.
        #[inline(always)]
        pub fn new(_why: &'static str) -> Forbidden {
            Forbidden
        }
    }

    impl Drop for Forbidden {
        #[inline(always)]
        fn drop(&mut self) {}
    }
}

/// What a checked build knows.
#[cfg(debug_assertions)]
mod checks {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt;
    use std::panic::Location;
    use std::sync::atomic::{Ordering, compiler_fence};
    use std::sync::{PoisonError, RwLock};

    /// Where locks of a kind are made, and what they protect.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
    pub(super) struct Class {
        made: &'static Location<'static>,
        of: &'static str,
    }

    impl Class {
        #[track_caller]
        pub(super) const fn here() -> Class {
            Class { made: Location::caller(), of: "" }
        }

        pub(super) fn of(self, of: fn() -> &'static str) -> Class {
            Class { of: of(), ..self }
        }
    }

    impl fmt::Display for Class {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "the lock of {}:{} ({})", self.made.file(), self.made.line(), self.of)
        }
    }

    /// A lock in hand, or waited for.
    #[derive(Clone, Copy, Debug)]
    struct Entry {
        class: Class,
        address: usize,
        taken: &'static Location<'static>,
    }

    /// So many at once are more than anybody takes.
    const MOST: usize = 24;

    /// What the thread has in hand: no destructor, so that it is there to the thread's end, and no borrow, so that a signal may come.
    struct Hands {
        count: Cell<usize>,
        entries: [Cell<Option<Entry>>; MOST],
        forbidden: Cell<Option<&'static str>>,
    }

    thread_local! {
        static HANDS: Hands = const {
            Hands { count: Cell::new(0), entries: [const { Cell::new(None) }; MOST], forbidden: Cell::new(None) }
        };
    }

    impl Hands {
        fn entries(&self) -> impl Iterator<Item = Entry> {
            self.entries[..self.count.get()].iter().filter_map(Cell::get)
        }

        fn push(&self, entry: Entry) {
            let count = self.count.get();
            assert!(count < MOST, "more than {MOST} locks in one hand");
            // A signal that takes one in between finds the place taken.
            self.count.set(count + 1);
            compiler_fence(Ordering::SeqCst);
            self.entries[count].set(Some(entry));
        }

        /// Guards may be dropped in any order.
        fn remove(&self, address: usize) {
            let count = self.count.get();
            let at = self.entries[..count].iter().rposition(|e| e.get().is_some_and(|e| e.address == address));
            if let Some(at) = at {
                (at + 1..count).for_each(|i| self.entries[i - 1].set(self.entries[i].get()));
                compiler_fence(Ordering::SeqCst);
                self.count.set(count - 1);
            }
        }

        fn list(&self) -> String {
            let line = |e: Entry| format!("\n  {}, taken at {}", e.class, e.taken);
            self.entries().map(line).collect()
        }
    }

    /// What was taken with what in hand, and where.
    type Order = BTreeMap<Class, BTreeMap<Class, &'static Location<'static>>>;

    static ORDER: RwLock<Order> = RwLock::new(Order::new());

    /// Notes that one is taken with the other in hand, unless that was never otherwise.
    fn note(held: Entry, class: Class, taken: &'static Location<'static>) {
        let known = |order: &Order| order.get(&held.class).is_some_and(|next| next.contains_key(&class));
        if known(&ORDER.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let mut order = ORDER.write().unwrap_or_else(PoisonError::into_inner);
        let other = way(&order, class, held.class);
        let Some(other) = other else {
            order.entry(held.class).or_default().insert(class, taken);
            return;
        };
        drop(order);
        panic!("two threads may wait for each other: {class} is taken at {taken}, with {} in hand;{other}", held.class);
    }

    /// The steps by which one lock is taken with the other in hand, one after another.
    fn way(order: &Order, from: Class, to: Class) -> Option<String> {
        if from == to {
            return Some(" which is of the same kind".into());
        }
        let mut open = vec![(from, String::new())];
        let mut seen = BTreeSet::from([from]);
        while let Some((at, text)) = open.pop() {
            for (next, taken) in order.get(&at).into_iter().flatten() {
                let text = format!("{text}\n  {next} was taken at {taken} with {at} in hand");
                if *next == to {
                    return Some(text);
                }
                if seen.insert(*next) {
                    open.push((*next, text));
                }
            }
        }
        None
    }

    /// A lock in the hand of the calling thread.
    #[derive(Debug)]
    pub(super) struct Held(usize);

    impl Held {
        /// Before the lock is waited for.
        #[track_caller]
        pub(super) fn take(class: Class, address: usize) -> Held {
            let taken = Location::caller();
            HANDS.with(|hands| {
                // What says so takes memory.
                if let Some(why) = hands.forbidden.take() {
                    panic!("{class} is taken at {taken}: {why}");
                }
                for held in hands.entries() {
                    assert!(held.address != address, "{class} is taken again at {taken}, and was at {}", held.taken);
                    note(held, class, taken);
                }
                hands.push(Entry { class, address, taken });
            });
            Held(address)
        }

        /// Without having waited.
        #[track_caller]
        pub(super) fn besides(class: Class, address: usize) -> Held {
            HANDS.with(|hands| hands.push(Entry { class, address, taken: Location::caller() }));
            Held(address)
        }

        /// It is the only one.
        #[track_caller]
        pub(super) fn assert_alone(&self) {
            HANDS.with(|hands| assert!(hands.count.get() == 1, "waits with locks in hand:{}", hands.list()));
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            HANDS.with(|hands| hands.remove(self.0));
        }
    }

    /// The calling thread has no lock in hand: here it may wait for a collection, or run the program.
    #[track_caller]
    pub fn assert_none(doing: &str) {
        HANDS.with(|hands| assert!(hands.count.get() == 0, "{doing} with locks in hand:{}", hands.list()));
    }

    /// While this is there the calling thread must take no lock, and no memory.
    #[derive(Debug)]
    #[must_use]
    pub struct Forbidden(Option<&'static str>);

    impl Forbidden {
        /// From now on.
        pub fn new(why: &'static str) -> Forbidden {
            Forbidden(HANDS.with(|hands| hands.forbidden.replace(Some(why))))
        }
    }

    impl Drop for Forbidden {
        fn drop(&mut self) {
            HANDS.with(|hands| hands.forbidden.set(self.0));
        }
    }

    /// The system's allocator, which asks whether it may be asked.
    struct Allocator;

    #[global_allocator]
    static ALLOCATOR: Allocator = Allocator;

    impl Allocator {
        #[inline]
        fn assert_allowed(&self) {
            let why = HANDS.try_with(|hands| hands.forbidden.get()).ok().flatten();
            if let Some(why) = why {
                // An allocator must not unwind.
                HANDS.with(|hands| hands.forbidden.set(None));
                eprintln!("memory is taken or given back: {why}");
                std::process::abort();
            }
        }
    }

    // SAFETY: the system's allocator does it all.
    unsafe impl GlobalAlloc for Allocator {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            self.assert_allowed();
            // SAFETY: the caller's.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            self.assert_allowed();
            // SAFETY: the caller's.
            unsafe { System.dealloc(block, layout) }
        }

        unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
            self.assert_allowed();
            // SAFETY: the caller's.
            unsafe { System.alloc_zeroed(layout) }
        }

        unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            self.assert_allowed();
            // SAFETY: the caller's.
            unsafe { System.realloc(block, layout, size) }
        }
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {

    use super::*;
    use std::panic::catch_unwind;

    fn fails_with(text: &str, f: impl FnOnce() + std::panic::UnwindSafe) {
        let payload = catch_unwind(f).expect_err("it goes on");
        let text_of = payload.downcast_ref::<&str>().map(|text| text.to_string());
        let message = text_of.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        assert!(message.contains(text), "{message}");
    }

    #[test]
    fn a_lock_in_hand_is_not_taken_again() {
        let table = RwLock::new(1);
        fails_with("is taken again at", || {
            let _first = read(&table);
            let _second = read(&table);
        });
        // A view of it that does not wait is no harm.
        let _first = read(&table);
        assert!(try_read(&table).is_some());
    }

    #[test]
    fn locks_are_taken_in_one_order() {
        let (a, b, c) = (Mutex::new(1u8), Mutex::new(2u16), RwLock::new(3u32));
        drop((lock(&a), lock(&b)));
        drop((lock(&b), write(&c)));
        drop((lock(&a), read(&c)));
        // Nobody waits here, and nobody needs to: it is enough that somebody could.
        fails_with("two threads may wait for each other", || drop((read(&c), lock(&a))));
        let many: Vec<Mutex<()>> = (0..2).map(|_| Mutex::default()).collect();
        fails_with("of the same kind", || drop((lock(&many[0]), lock(&many[1]))));
    }

    #[test]
    fn nobody_waits_with_a_lock_in_hand() {
        let (a, b, c, changed) = (Mutex::new(()), Mutex::new(false), Mutex::new(1), Condvar::new());
        assert_none("all is well");
        fails_with("waits with locks in hand", || {
            let _a = lock(&a);
            drop(changed.wait_while(lock(&b), |b| *b));
        });
        assert_none("unwinding has let go of all");
        fails_with("polls with locks in hand", || {
            let _c = lock(&c);
            assert_none("polls");
        });
        // In any order.
        let (c, d) = (Mutex::new(()), Mutex::new(1));
        let (first, second) = (lock(&c), lock(&d));
        drop(first);
        drop(second);
        assert_none("all are dropped");
    }

    #[test]
    fn where_none_may_be_taken_none_is() {
        fails_with("a handler waits for nobody", || {
            let _here = Forbidden::new("a handler waits for nobody");
            drop(lock(&Mutex::new(1)));
        });
        drop(lock(&Mutex::new(1)));
    }

    #[test]
    fn a_panic_under_a_lock_is_shown() {
        let table = Mutex::new(1);
        fails_with("has panicked", || {
            let _gone = catch_unwind(|| {
                let _held = lock(&table);
                panic!("in the midst of a change");
            });
            drop(lock(&table));
        });
    }
}
