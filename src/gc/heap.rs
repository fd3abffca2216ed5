//! The heap: what all threads share, and when it collects.
//!
//! Owns spaces, layouts, hooks and tables. A collection is due when the program has allocated what the plan allows for a round.
//! Memory is given back to the system beyond what the next round will need.
//!
//! Locks, in the order in which they may be taken: world, collector, spaces, natives, what is weak, and root ranges. Nobody waits for the
//! world with another lock of these in hand.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::mutator::activity::Activity;
use super::mutator::attached::Attached;
use super::mutator::call::Thrown;
use super::mutator::natives::{Native, Natives};
use super::mutator::owners::Owners;
use super::mutator::thread::Thread;
use super::options::{Options, Stress};
use super::outside::Outside;
use super::plan::{Attributes, Cause, Collection, Outcome, Places, Plan, Survey};
use super::safepoint::{ThreadPtr, World};
use super::spaces::copy::SMALL;
use super::spaces::{BLOCK, Pool, Spaces, poison};
use super::stats::{Event, Reason, Stats};
use super::stress::Site;
use super::trace::roots::{RootRanges, Which, points_to_what_moves};
use super::trace::verify::Verifier;
use super::trace::walker::Code;
use super::trace::weak::Weaks;
use crate::locks::{self, Mutex, lock, lock_whole};
use crate::object::layout::LayoutId;
use crate::object::shapes::Shapes;
use crate::object::word::Word;

/// Visits words.
pub type WordVisitor<'a> = &'a mut dyn FnMut(*mut Word);
/// A hook that visits words.
pub type RootsHook = Box<dyn Fn(WordVisitor<'_>) + Send + Sync>;

/// Told how many bytes a thread has allocated since it was told last, where the thread takes a new allocation buffer or a large
/// object. Must not touch the heap.
pub type RefillHook = fn(&Thread, usize);

/// What the layer above must supply.
pub struct Hooks {
    /// Throws the error of a heap that is full. There is a reserve that suffices to build it.
    pub out_of_memory: fn(&mut Thread) -> Thrown,
    /// Visits further roots. Called with the world stopped: must not lock what a stopped thread may hold.
    pub visit_roots: Option<RootsHook>,
    /// Whether `visit_code` and `visit_frame` are to be called by the collection that begins, which looks at everything then.
    pub wants_code: Option<Box<dyn Fn() -> bool + Send + Sync>>,
    /// Told the `Code` address of each function that a collection reaches.
    pub visit_code: Option<Box<dyn Fn(usize) + Send + Sync>>,
    /// Told the return address of each frame, before a collection traces; the code map is locked for reading meanwhile.
    pub visit_frame: Option<Box<dyn Fn(usize) + Send + Sync>>,
    /// Called after each collection that has looked at everything, with the world still stopped: must not touch the heap.
    pub collected: Option<Box<dyn Fn() + Send + Sync>>,
    /// Called, like `ended`, after a collection since which a function is to be called that [`Thread::take_ready_finalizer`] gives.
    pub finalizers: Option<Box<dyn Fn() + Send + Sync>>,
    /// Told of each collection by the thread that has collected, when the world goes on. Must not touch the heap.
    pub ended: Option<fn(&Event)>,
}

impl Default for Hooks {
    fn default() -> Hooks {
        Hooks {
            out_of_memory: |thread| Thrown::set(thread, thread.root_word(Word::NULL)),
            visit_roots: None,
            wants_code: None,
            visit_code: None,
            visit_frame: None,
            collected: None,
            finalizers: None,
            ended: None,
        }
    }
}

/// The heap.
pub struct Heap {
    options: Options,
    stressed: bool,
    shapes: Shapes,
    hooks: OnceLock<Hooks>,
    code: OnceLock<Code>,
    world: World,
    plan: Mutex<Box<dyn Plan>>,
    attributes: Attributes,
    places: Places,
    verifier: Mutex<Verifier>,
    spaces: Mutex<Spaces>,
    natives: Mutex<Natives>,
    weaks: Mutex<Weaks>,
    root_ranges: Mutex<RootRanges>,
    /// What threads that are no more have stored to.
    left_behind: Mutex<Vec<usize>>,
    next_thread: AtomicU64,
    stats: Mutex<Stats>,
    /// Words that the last collection copied, and what its frames cost, in words.
    last_work: AtomicU64,
    /// A [`RefillHook`], or 0.
    refill_hook: AtomicUsize,
    owners: Owners,
    outside: Outside,
}

/// Objects above this size are not moved; under stress every second of them is, up to another size.
const LARGE: usize = 256 << 10;
const LARGE_UNDER_STRESS: usize = 64 << 20;
/// Less than this the heap never is, whatever `--max-heap` says.
const SMALLEST: usize = 4 * BLOCK;
/// Blocks beyond the limit in which the out-of-memory error is built.
const RESERVE: usize = (4 << 20) / BLOCK;
/// So often a thread collects again when others have taken what was freed.
const MOST_TRIES: usize = 6;
/// A collection must free at least this part of the limit, or else the heap counts as full.
const LEAST_FREE: usize = 32;

impl Heap {
    /// An empty heap.
    pub fn new(options: Options) -> std::io::Result<Arc<Heap>> {
        let memory = physical_memory();
        let max = options.max_heap.unwrap_or(memory / 5 * 2).max(SMALLEST);
        let addresses = max.saturating_mul(3).saturating_add(256 << 20).max(1 << 30).min(options.addresses);
        let pool = Pool::new(addresses, options.verify)?;
        let plan = options.collector.make();
        let attributes = plan.attributes();
        let places = Places::new(&pool);
        let spaces = Spaces {
            pool,
            young: Default::default(),
            old: Default::default(),
            has_nursery: attributes.has_nursery,
            several: false,
            moves: attributes.moves,
            large: Default::default(),
            permanent: Default::default(),
            budget: (plan.first_round(options.shortest_round).min(max) / BLOCK).max(1),
            max_blocks: max / BLOCK,
            kept_outside: 0,
            allocated_bytes: 0,
        };
        let stressed = options.stress != Stress::Off;
        Ok(Arc::new(Heap {
            stressed,
            options,
            shapes: Shapes::new()?,
            hooks: OnceLock::new(),
            code: OnceLock::new(),
            world: World::default(),
            plan: Mutex::new(plan),
            attributes,
            places,
            verifier: Mutex::default(),
            spaces: Mutex::new(spaces),
            natives: Mutex::default(),
            weaks: Mutex::default(),
            root_ranges: Mutex::default(),
            left_behind: Mutex::default(),
            next_thread: AtomicU64::new(1),
            stats: Mutex::default(),
            last_work: AtomicU64::new(0),
            refill_hook: AtomicUsize::new(0),
            owners: Owners::default(),
            outside: Outside::default(),
        }))
    }

    /// Installs the hooks; false when there are some already (or the heap was used without).
    pub fn set_hooks(&self, hooks: Hooks) -> bool {
        self.hooks.set(hooks).is_ok()
    }

    /// Says how to find the maps of generated code; false when that was said already. Before generated code runs.
    pub fn set_code(&self, code: Code) -> bool {
        self.code.set(code).is_ok()
    }

    /// The owners of nodes of maps.
    pub fn owners(&self) -> &Owners {
        &self.owners
    }

    /// What lies outside, and counts all the same.
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// What does not keep alive.
    pub fn weaks(&self) -> &Mutex<Weaks> {
        &self.weaks
    }

    /// The maps of generated code.
    pub fn code(&self) -> Option<&Code> {
        self.code.get()
    }

    pub(super) fn hooks(&self) -> &Hooks {
        self.hooks.get_or_init(Hooks::default)
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether each poll and each allocation take the slow path.
    #[inline]
    pub fn stressed(&self) -> bool {
        self.stressed
    }

    /// The shapes of all layouts.
    #[inline]
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// A new layout of this many tagged slots; none when there are too many layouts or slots.
    pub fn register_layout(&self, slots: u32) -> Option<LayoutId> {
        self.shapes.register(slots)
    }

    /// Makes the calling OS thread one of this heap's.
    pub fn attach(self: &Arc<Heap>) -> Attached {
        let id = self.next_thread.fetch_add(1, Ordering::Relaxed);
        Attached::new(self.clone(), id, current_stack())
    }

    /// How many threads are attached.
    pub fn thread_count(&self) -> usize {
        self.world.thread_count()
    }

    /// Calls `f` with all attached threads, while none can come or go: of those that run only atomics may be touched.
    pub fn with_threads(&self, f: &mut dyn FnMut(&[&Thread])) {
        self.world.with_threads(f);
    }

    /// Says who is told of allocations from now on.
    pub fn set_refill_hook(&self, hook: Option<RefillHook>) {
        self.refill_hook.store(hook.map_or(0, |hook| hook as usize), Ordering::Release);
    }

    /// A thread has allocated so much, and has got new room.
    fn note_refill(&self, thread: &Thread, bytes: usize) {
        let hook = self.refill_hook.load(Ordering::Acquire);
        if hook != 0 {
            // SAFETY: `set_refill_hook` stored the address of such a function.
            let hook = unsafe { std::mem::transmute::<usize, RefillHook>(hook) };
            hook(thread, bytes);
        }
    }

    /// Is an object of this size made where it does not move?
    fn is_large(&self, bytes: usize, spaces: &mut Spaces) -> bool {
        if bytes <= LARGE || !self.stressed || bytes > LARGE_UNDER_STRESS {
            return bytes > LARGE;
        }
        spaces.large.asked += 1;
        spaces.large.asked.is_multiple_of(2)
    }

    /// The figures.
    pub fn stats(&self) -> Stats {
        let stats = *lock(&self.stats);
        self.with_spaces(|spaces| self.with_present(stats, spaces))
    }

    /// The same, unless somebody is collecting: for who must not wait.
    pub fn stats_at_once(&self) -> Option<Stats> {
        let stats = *locks::try_lock(&self.stats)?;
        Some(self.with_present(stats, &*locks::try_lock(&self.spaces)?))
    }

    /// The figures, with those that change between collections.
    fn with_present(&self, mut stats: Stats, spaces: &Spaces) -> Stats {
        stats.used_bytes = spaces.used() * BLOCK;
        stats.outside_bytes = self.outside.kept();
        stats.resident_bytes = spaces.pool.resident() * BLOCK;
        stats.allocated_bytes = spaces.allocated_bytes;
        stats
    }

    /// What generated code must know of how this heap is collected.
    pub fn attributes(&self) -> Attributes {
        self.attributes
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// A thread ends: what it has remembered is not forgotten.
    pub(super) fn leave_behind(&self, mut remembered: Vec<usize>) {
        lock(&self.left_behind).append(&mut remembered);
    }

    pub(super) fn last_work(&self) -> u64 {
        self.last_work.load(Ordering::Relaxed)
    }

    pub(super) fn note_work(&self, work: u64) {
        self.last_work.fetch_add(work, Ordering::Relaxed);
    }

    pub(super) fn with_spaces<R>(&self, f: impl FnOnce(&mut Spaces) -> R) -> R {
        // Whoever panics with it in hand is a verifier that has found something, when the collection is complete.
        f(&mut lock_whole(&self.spaces))
    }

    pub(super) fn with_natives<R>(&self, f: impl FnOnce(&mut Natives) -> R) -> R {
        f(&mut lock(&self.natives))
    }

    pub(super) fn with_root_ranges<R>(&self, f: impl FnOnce(&mut RootRanges) -> R) -> R {
        // A verifier goes through them, too.
        f(&mut lock_whole(&self.root_ranges))
    }

    /// Takes the owners of parts of maps out of all objects: see [`Owners::renew`].
    ///
    /// # Safety
    /// The world must be stopped, these must be its threads, and the ranges hold all objects that may move.
    unsafe fn renew_owners(&self, threads: &[ThreadPtr], spaces: &Spaces, ranges: &[(usize, usize)]) {
        // One object in each: many keys of one hash make a large part of a map.
        let large = spaces.large.objects.iter().map(|&(first, _)| {
            let address = spaces.pool.address(first);
            (address, address + 1)
        });
        let living = ranges.iter().chain(spaces.permanent.filled()).copied().chain(large);
        // SAFETY: attached and stopped.
        let busy = threads.iter().map(|thread| unsafe { &*thread.0 }.owner_in_use.get());
        // SAFETY: the world is stopped; these are all objects.
        unsafe { self.owners.renew(self.shapes.table(), living, busy) };
    }

    /// Frees what cannot be reached. Returns dead natives, which are to be dropped when the world goes on.
    ///
    /// # Safety
    /// The world must be stopped, and these must be its threads.
    unsafe fn collect(&self, threads: &[ThreadPtr], reason: Reason) -> (Vec<Native>, Event) {
        let start = Instant::now();
        self.last_work.store(0, Ordering::Relaxed);
        let mut spaces = lock_whole(&self.spaces);
        let spaces = &mut *spaces;
        // SAFETY: the caller's: they are attached and stopped.
        let (remembered, allocating) = unsafe { self.taken_from(threads, spaces) };
        let verify = self.options.verify;
        let hooks = self.hooks();
        let wants_code = hooks.wants_code.as_ref().is_none_or(|wants| wants());
        let visit_frame = hooks.visit_frame.as_deref().filter(|_| wants_code);
        // SAFETY: the world is stopped.
        unsafe {
            let moving = |word| points_to_what_moves(&spaces.pool, word);
            self.prepare_frames(threads, visit_frame.map(|visit| visit as &dyn Fn(usize)), &moving);
        }
        let mut natives = lock(&self.natives);
        let renews = self.owners.are_few();
        let reason = self.reason(reason, renews, natives.are_many(), wants_code);
        let (before, young) = (spaces.used() * BLOCK, spaces.young_blocks() * BLOCK);
        let collection = Collection {
            cause: if matches!(reason, Reason::Round | Reason::Test) { Cause::Budget } else { Cause::Everything },
            remembered,
            places: &self.places,
            spaces,
            shapes: self.shapes.table(),
            // SAFETY: the world is stopped.
            roots: &mut |which, visit| unsafe { self.visit_roots(threads, which, visit) },
            visit_code: hooks.visit_code.as_deref().filter(|_| wants_code),
            weak: &mut |survivors, everything| {
                // What lives because of a key may be a NATIVE, too.
                lock(&self.weaks).update(survivors, everything);
                let survivor = |address| survivors.survivor(address);
                natives.update(&survivor);
                // SAFETY: attached and stopped.
                threads.iter().for_each(|thread| unsafe { &*thread.0 }.update_traced(&survivor));
            },
            verify,
            tests: verify || self.stressed,
        };
        // SAFETY: the world is stopped, and the roots are all there are.
        let mut outcome = unsafe { lock(&self.plan).collect(collection) };
        let dead = natives.take_dead(outcome.everything);
        drop(natives);
        if renews || verify {
            // SAFETY: the world is stopped.
            outcome.ranges.extend(unsafe { spaces.old_ranges(self.shapes.table()) });
        }
        if renews {
            // SAFETY: the world is stopped, and these are the ranges that have survived.
            unsafe { self.renew_owners(threads, spaces, &outcome.ranges) };
        }
        if verify {
            // SAFETY: the world is stopped, and these are its threads.
            unsafe { self.verify(threads, spaces, &outcome) };
        }
        self.note_work((outcome.moved_bytes + outcome.marked_bytes + outcome.looked_at) as u64 / 8);
        self.begin_round(spaces, threads.len(), allocating);
        if let Some(hook) = hooks.collected.as_ref().filter(|_| outcome.everything) {
            hook();
        }
        let event = self.ended(spaces, reason, (before, young), start, &outcome);
        (dead, event)
    }

    /// Takes their buffers from threads, and what they have remembered; how many have allocated something.
    ///
    /// # Safety
    /// The threads must be attached and stopped.
    unsafe fn taken_from(&self, threads: &[ThreadPtr], spaces: &mut Spaces) -> (Vec<usize>, usize) {
        let mut remembered = std::mem::take(&mut *lock(&self.left_behind));
        let mut allocating = 0;
        for thread in threads {
            // SAFETY: the caller's.
            let thread = unsafe { &*thread.0 };
            thread.with_remembered(|list| remembered.append(list));
            spaces.allocated_bytes -= thread.buffer.rest() as u64;
            allocating += usize::from(thread.buffer.used() > 0);
            thread.buffer.retire();
            thread.collect_soon.set(false);
        }
        (remembered, allocating)
    }

    /// Why there is a collection, if what is asked for gives no better reason.
    fn reason(&self, reason: Reason, owners: bool, natives: bool, code: bool) -> Reason {
        match reason {
            Reason::Round | Reason::Test if owners => Reason::Owners,
            Reason::Round | Reason::Test if natives => Reason::Natives,
            Reason::Round if code && self.hooks().wants_code.is_some() => Reason::Code,
            reason => reason,
        }
    }

    /// What is told of a collection, which counts from now on.
    fn ended(&self, spaces: &Spaces, reason: Reason, used: (usize, usize), start: Instant, outcome: &Outcome) -> Event {
        let (before, young) = used;
        let mut stats = lock(&self.stats);
        let grown = outcome.everything && reason == Reason::Round && self.attributes.has_nursery;
        let event = Event {
            number: stats.collections() + 1,
            everything: outcome.everything,
            reason: if grown { Reason::Growth } else { reason },
            pause: start.elapsed(),
            before,
            after: spaces.used() * BLOCK,
            candidates: if outcome.everything { before } else { young },
            moved: outcome.moved_bytes,
            promoted: outcome.promoted_bytes,
            round: spaces.budget.saturating_sub(spaces.used()) * BLOCK,
        };
        stats.note(&event);
        event
    }

    /// Looks at everything again.
    ///
    /// # Safety
    /// The world must be stopped, and these must be its threads.
    unsafe fn verify(&self, threads: &[ThreadPtr], spaces: &Spaces, outcome: &Outcome) {
        let mut verifier = lock_whole(&self.verifier);
        let checker = verifier.check(spaces, &self.shapes, outcome.ranges.clone());
        // SAFETY: the caller's; roots are readable words.
        unsafe { self.visit_roots(threads, Which::All, &mut |slot| checker.word(0, Word(*slot))) };
        lock_whole(&self.weaks).visit_all(&mut |word| checker.word(0, word));
        // What was copied counts by itself.
        let walked = outcome.ranges.iter().map(|(from, to)| to - from).sum::<usize>();
        let walked = walked.saturating_sub(outcome.moved_bytes + outcome.marked_bytes);
        self.note_work(walked as u64 / 8);
    }

    /// Says when the next collection is due, and gives back what will not be needed until then.
    fn begin_round(&self, spaces: &mut Spaces, threads: usize, allocating: usize) {
        spaces.several = allocating > 1;
        let used = spaces.used();
        let permanent: usize = spaces.permanent.filled().iter().map(|(from, to)| to - from).sum();
        let work = self.last_work() as usize * 8 + permanent;
        let room = lock(&self.plan).round(Survey { shortest: self.options.shortest_round, work, used, allocating });
        spaces.budget = (used + room.bytes / BLOCK + threads).min(spaces.limit());
        let round = spaces.budget.saturating_sub(used);
        spaces.pool.trim(spaces.pool.in_use() + round + room.spare);
    }
}

/// Bytes of memory that this process may use.
fn physical_memory() -> usize {
    // SAFETY: plain questions.
    let (pages, size) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    let all = usize::try_from(pages).unwrap_or(0).saturating_mul(usize::try_from(size).unwrap_or(4096));
    let all = if all == 0 { 4 << 30 } else { all };
    let groups = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limit = |file: &str| std::fs::read_to_string(file).ok()?.trim().parse::<usize>().ok();
    groups.into_iter().filter_map(limit).fold(all, usize::min)
}

/// The bounds of the calling thread's stack.
fn current_stack() -> (usize, usize) {
    // SAFETY: `attr` is initialised by `pthread_getattr_np` and destroyed once.
    unsafe {
        let mut attr = std::mem::zeroed::<libc::pthread_attr_t>();
        let (mut low, mut size) = (std::ptr::null_mut(), 0);
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attr) == 0 {
            libc::pthread_attr_getstack(&attr, &mut low, &mut size);
            libc::pthread_attr_destroy(&mut attr);
        }
        (low as usize, low as usize + size)
    }
}

impl Thread {
    /// Frees all that is dead now.
    pub fn collect(&mut self) {
        self.collect_unless(None, Reason::Asked);
    }

    /// The same, for a reason.
    pub(super) fn collect_for(&mut self, reason: Reason) {
        self.collect_unless(None, reason);
    }

    /// Collects now, as if the budget were used up.
    pub(super) fn collect_some(&mut self) {
        let reason = if self.heap().stressed { Reason::Test } else { Reason::Round };
        self.collect_unless(None, reason);
    }

    /// Bytes allocated so far by all threads; what other threads have not yet used of their buffers counts as well.
    pub fn allocated_bytes(&self) -> u64 {
        self.heap().with_spaces(|spaces| spaces.allocated_bytes) - self.buffer.rest() as u64
    }

    /// How many collections there were: while it is the same number, objects stay where they are.
    pub fn collections(&self) -> u64 {
        self.heap().world().epoch()
    }

    /// Collects, unless there was a collection since `epoch`.
    fn collect_unless(&mut self, epoch: Option<u64>, reason: Reason) {
        let heap = self.heap().clone();
        let mut collected = None;
        let collect = |threads: &[ThreadPtr]| {
            let _busy = self.busy(Activity::Collecting);
            // SAFETY: the world is stopped, and these are its threads.
            collected = Some(unsafe { heap.collect(threads, reason) });
        };
        self.with_stopped_world(epoch, collect);
        let Some((dead, event)) = collected else { return };
        if let Some(hook) = heap.hooks().ended {
            hook(&event);
        }
        drop(dead);
        if let Some(hook) = heap.hooks().finalizers.as_ref().filter(|_| lock(&heap.weaks).has_ready()) {
            hook();
        }
    }

    /// Room from the allocation buffer, whose end generated code may not see.
    #[inline]
    fn take_from_buffer(&self, bytes: usize) -> Option<usize> {
        let cursor = self.buffer.cursor.get();
        if bytes <= self.buffer.end.get() - cursor {
            self.buffer.cursor.set(cursor + bytes);
            Some(cursor)
        } else {
            None
        }
    }

    /// Room without a collection, if that keeps the heap below `limit` blocks.
    fn take_within(&self, bytes: usize, limit: impl FnOnce(&Spaces) -> usize) -> Option<usize> {
        let heap = self.heap();
        let used = self.buffer.used();
        let taken = heap.with_spaces(|spaces| {
            let limit = limit(spaces);
            let (address, end) = if heap.is_large(bytes, spaces) {
                spaces.take_large(bytes, limit).map(|address| (address, address + bytes))
            } else if bytes > SMALL {
                spaces.take_middling(bytes, limit).map(|address| (address, address + bytes))
            } else {
                spaces.take_buffer(bytes, limit, self.id())
            }?;
            spaces.allocated_bytes += (end - address) as u64;
            if heap.options.verify {
                // SAFETY: fresh room.
                unsafe { poison(address, end) };
            }
            if bytes > SMALL {
                return Some(address);
            }
            spaces.allocated_bytes -= self.buffer.rest() as u64;
            self.buffer.cursor.set(address + bytes);
            self.buffer.start.set(address);
            self.buffer.end.set(end);
            self.buffer.limit.set(if heap.stressed { 0 } else { end });
            Some(address)
        });
        if taken.is_some() {
            heap.note_refill(self, if bytes > SMALL { bytes } else { self.buffer.retired.take() + used });
        }
        taken
    }

    /// The exception of a heap that is full, if so many words do not fit even an empty one.
    pub fn expect_words(&mut self, words: usize) -> Result<(), Thrown> {
        // What fits a block fits the heap: nobody has to be asked.
        if words <= BLOCK / 8 {
            return Ok(());
        }
        let blocks = self.heap().with_spaces(|spaces| spaces.limit());
        if words / (BLOCK / 8) > blocks { Err(self.out_of_memory()) } else { Ok(()) }
    }

    /// Room of `bytes` bytes when the allocation buffer does not suffice. May collect.
    #[cold]
    #[inline(never)]
    pub(super) fn take_room_slow(&mut self, bytes: usize) -> Result<usize, Thrown> {
        locks::assert_none("allocates");
        if self.emergency.get() {
            let room = self
                .take_from_buffer(bytes)
                .or_else(|| self.take_within(bytes, |spaces| spaces.limit().saturating_add(RESERVE)));
            return room.ok_or_else(|| self.out_of_memory());
        }
        if self.heap().stressed {
            let site = match self.exit_frame() {
                0 => 0,
                // SAFETY: an exit frame has a return address.
                frame => unsafe { *((frame + 8) as *const u64) },
            };
            if self.visit_site(Site::allocation(site, bytes)) {
                self.collect_some();
            }
            if let Some(address) = self.take_from_buffer(bytes) {
                return Ok(address);
            }
        }
        let epoch = self.heap().world().epoch();
        if let Some(address) = self.take_within(bytes, |spaces| spaces.budget) {
            return Ok(address);
        }
        // What others have collected meanwhile may not suffice.
        // And others may take what was freed before this thread gets to it, though they do not need it all.
        let again = if self.heap().thread_count() > 1 { MOST_TRIES } else { 0 };
        let tries = [(Some(epoch), Reason::Round), (None, Reason::Full)];
        for (epoch, reason) in tries.into_iter().chain(std::iter::repeat_n((None, Reason::Full), again)) {
            self.collect_unless(epoch, reason);
            let blocks = bytes.div_ceil(BLOCK);
            let room = self.take_within(bytes, |spaces| {
                let least = (spaces.limit() / LEAST_FREE).saturating_sub(blocks);
                spaces.limit() - least
            });
            if let Some(address) = room {
                return Ok(address);
            }
        }
        Err(self.out_of_memory())
    }

    /// Room without a collection: when the heap is beyond its budget afterwards, the next safepoint collects.
    pub(super) fn take_room_without_collection(&self, bytes: usize) -> usize {
        if let Some(address) = self.take_from_buffer(bytes) {
            return address;
        }
        let mut due = false;
        let usual = self.take_within(bytes, |spaces| {
            due = spaces.beyond(1, spaces.budget);
            spaces.limit()
        });
        // Else of the reserve for copies, for which the system is not asked.
        let room = usual.or_else(|| {
            due = true;
            self.take_within(bytes, |_| usize::MAX)
        });
        if due {
            self.collect_soon.set(true);
            self.raise_stack_limit();
        }
        match room {
            Some(address) => address,
            // The system itself has no memory: nothing can go on.
            None => std::alloc::handle_alloc_error(std::alloc::Layout::new::<[u64; 2]>()),
        }
    }
}
