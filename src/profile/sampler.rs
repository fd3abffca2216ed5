//! The sampler: a signal on the processor time of each thread, and a hook where threads refill their allocation buffers.
//!
//! Owns timers, the signal handler, the queues of the threads, and who empties them. A timer belongs to one thread and counts
//! its processor time; the kernel looks at such timers at its tick, so a signal may come several intervals late. A sample weighs
//! what its thread has spent since the one before, by the clock of that time; what a thread spends after its last sample is added
//! to that one when the thread or the profile ends. So the sum is what was spent. Timers do not survive `fork` and `exec`.
//!
//! Invariants:
//!
//! - The handler takes no lock and allocates nothing: it walks (`stack.rs`) and writes into the queue of its thread (`sample.rs`).
//! - A thread's slot is its own from the first profile that it is seen in until it ends; slots are never freed but used
//!   again, by a thread that can get no signal that was meant for the one before, which has blocked them.
//! - Addresses are resolved while their code is there: [`before_code_is_freed`] drains all queues while the world stands
//!   still. What a stopped thread may add meanwhile are addresses of frames that live, whose code is not freed.
//! - Locks: the world of the heap, then the sampler, then the code map.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::registers::{self, Registers};
use super::resolve::{IDLE, Resolver};
use super::ring::Ring;
use super::sample::{self, Sample};
use super::stack::{Interrupted, Known};
use super::tree::{Frame, Tree};
use super::{Profile, What};
use crate::gc::{self, Thread};
use crate::locks::{Condvar, Forbidden, Mutex, MutexGuard, lock};
use crate::reader::tree::Source;
use crate::runtime::Vm;
use crate::runtime::program::code::{Code, CodeSource};
use crate::runtime::system::threads;

/// Nanoseconds of a thread's processor time before its first signal, and between two. The kernel sends them at its tick, mostly every
/// 4 ms: where that is shorter, they cost no more.
const FIRST: u64 = 1_000_000;
const INTERVAL: u64 = 4_000_000;
/// How often the queues are emptied.
const PAUSE: Duration = Duration::from_millis(25);
/// The stack of the thread that does it.
const STACK: usize = 1 << 20;

/// What the sampler has for a thread.
pub struct Slot {
    time: Ring,
    bytes: Ring,
    /// Whether there is a timer that may send signals.
    ticks: AtomicBool,
    /// The context of the thread, for its exit frame and activity; 0 when the slot is free.
    thread: AtomicUsize,
    /// Its number.
    number: AtomicU64,
    timer: Mutex<Option<libc::timer_t>>,
    /// The clock of its processor time.
    clock: AtomicI32,
    /// So much of that time was given to samples, or is of no interest.
    told: AtomicU64,
    /// What the thread runs, if it began while somebody sampled.
    runs: Mutex<Option<Beginning>>,
}

/// The function that a thread was started with, and where it stands.
struct Beginning {
    name: String,
    place: Option<(Arc<Source>, u32)>,
}

// SAFETY: a timer's name is a number of the kernel; everything else is atomic or locked.
unsafe impl Sync for Slot {}
// SAFETY: likewise.
unsafe impl Send for Slot {}

#[derive(Default)]
struct State {
    vm: Option<&'static Vm>,
    time: Option<Taking>,
    bytes: Option<Taking>,
    slots: Vec<&'static Slot>,
    free: Vec<&'static Slot>,
}

/// A profile that is being taken. The resolver's numbers are those of its tables.
struct Taking {
    profile: Profile,
    resolver: Resolver,
}

/// Counts the threads that empty queues: each ends when there is another, or nothing to do.
static ROUND: AtomicU64 = AtomicU64::new(0);
static STATE: Mutex<Option<State>> = Mutex::new(None);
/// Is anything sampled? Told without the lock, for who has nothing to do otherwise.
static ON: AtomicBool = AtomicBool::new(false);
/// The thread that empties the queues sleeps here.
static SLEEP: Condvar = Condvar::new();

/// What the handler knows of code: written before the first timer is made, never changed.
static KNOWN: std::sync::OnceLock<Known> = std::sync::OnceLock::new();

fn state() -> MutexGuard<'static, Option<State>> {
    lock(&STATE)
}

// ---- start and stop ----

/// Begins to sample; false when that is sampled already.
pub fn start(cx: &Thread, what: What) -> Result<bool, String> {
    let vm = cx.vm();
    KNOWN.get_or_init(|| Known::of(vm));
    let mut answer = Ok(false);
    // With the world locked nobody comes or goes.
    vm.heap.with_threads(&mut |all| {
        let mut guard = state();
        let state = guard.get_or_insert_with(State::default);
        if state.taking(what).is_some() {
            return;
        }
        let new = Profile { what, tree: Tree::default(), unsampled: 0 };
        state.vm = Some(vm);
        // What came after the end of the profile before.
        drain(state);
        *state.taking(what) = Some(Taking { profile: new, resolver: Resolver::default() });
        answer = Ok(true);
        if what == What::Time {
            install_handler();
        }
        all.iter().for_each(|thread| bind(state, thread, processor_time(clock_of(thread))));
        if what == What::Bytes {
            vm.heap.set_refill_hook(Some(refilled));
        }
        if !ON.swap(true, Ordering::SeqCst) {
            let round = ROUND.fetch_add(1, Ordering::SeqCst) + 1;
            if let Err(error) = threads::start(STACK, Box::new(move || empty_now_and_then(round))) {
                answer = Err(format!("cannot start a thread: {error}"));
            }
        }
    });
    if let Err(why) = answer {
        stop(what);
        return Err(why);
    }
    answer
}

/// Stops; gives what was sampled.
pub fn stop(what: What) -> Option<Profile> {
    let mut guard = state();
    let state = guard.as_mut()?;
    state.taking(what).as_ref()?;
    match what {
        What::Time => state.slots.iter().for_each(|slot| delete_timer(slot)),
        What::Bytes => state.vm.iter().for_each(|vm| vm.heap.set_refill_hook(None)),
    }
    drain(state);
    let mut profile = state.taking(what).take();
    if let Some(taking) = &mut profile {
        match what {
            What::Time => state.slots.iter().for_each(|slot| taking.add_rest(slot, slot.rest_of_time())),
            What::Bytes => {
                let own = gc::mutator::attached::current().and_then(|cx| Some((cx, slot_of(cx)?)));
                for slot in &state.slots {
                    let cx = own.filter(|(_, own)| std::ptr::eq(*own, *slot)).map(|(cx, _)| cx);
                    taking.add_rest(
                        slot,
                        cx.map_or_else(|| slot.rest_of_bytes_of_another(), |cx| slot.rest_of_bytes(cx)),
                    );
                }
            }
        }
    }
    if state.time.is_none() && state.bytes.is_none() {
        ON.store(false, Ordering::SeqCst);
        SLEEP.notify_all();
    }
    profile.map(|taking| taking.profile)
}

impl State {
    fn taking(&mut self, what: What) -> &mut Option<Taking> {
        match what {
            What::Time => &mut self.time,
            What::Bytes => &mut self.bytes,
        }
    }
}

// ---- threads ----

/// A thread has come: all of its time counts.
pub fn attached(cx: &Thread) {
    if ON.load(Ordering::SeqCst)
        && let Some(state) = state().as_mut()
    {
        bind(state, cx, 0);
    }
}

/// The calling thread begins with this function.
pub fn begins(cx: &Thread, code: Option<&Code>) {
    let (Some(slot), Some(code)) = (slot_of(cx), code) else { return };
    let place = match &code.source {
        CodeSource::Function { unit, function } => {
            let source = unit.source();
            Some((source.clone(), source.line_column(unit.unit.function(*function).span.start).0))
        }
        CodeSource::Builtin(_) | CodeSource::Method(_) => None,
    };
    *lock(&slot.runs) = Some(Beginning { name: code.name.to_string(), place });
}

/// The calling thread is about to go.
pub fn detaching(cx: &Thread) {
    // From now on no signal that was meant for this thread can come, not even one that is on its way.
    // SAFETY: the set is initialised.
    unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGPROF);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
    }
    let mut guard = state();
    let slot = slot_of(cx);
    // Who starts a profile meanwhile finds the thread in the heap still.
    cx.set_sampled(left());
    let (Some(slot), Some(state)) = (slot, guard.as_mut()) else { return };
    delete_timer(slot);
    drain_slot(state, slot);
    if let Some(taking) = &mut state.time {
        taking.add_rest(slot, slot.rest_of_time());
    }
    if let Some(taking) = &mut state.bytes {
        taking.add_rest(slot, slot.rest_of_bytes(cx));
    }
    *lock(&slot.runs) = None;
    slot.thread.store(0, Ordering::SeqCst);
    state.slots.retain(|s| !std::ptr::eq(*s, slot));
    state.free.push(slot);
}

fn slot_of(cx: &Thread) -> Option<&'static Slot> {
    let slot = cx.sampled().cast::<Slot>();
    // SAFETY: `bind` stored the address of a slot, which is never freed.
    (!slot.is_null() && !has_left(cx)).then(|| unsafe { &*slot })
}

/// What stands in place of a slot in a thread that is about to go.
fn left() -> *const () {
    static LEFT: u8 = 0;
    (&raw const LEFT).cast()
}

fn has_left(cx: &Thread) -> bool {
    std::ptr::eq(cx.sampled(), left())
}

impl Slot {
    /// What its thread has spent since its last sample.
    fn rest_of_time(&self) -> u64 {
        let now = processor_time(self.clock.load(Ordering::SeqCst));
        self.time.take_carried() + now.saturating_sub(self.told.swap(now, Ordering::SeqCst))
    }

    /// What its thread, the calling one, has allocated since its last sample.
    fn rest_of_bytes(&self, cx: &Thread) -> u64 {
        self.bytes.take_carried() + cx.take_untold_bytes() as u64
    }

    /// The same when its thread is another, which may run on meanwhile.
    fn rest_of_bytes_of_another(&self) -> u64 {
        let thread = self.thread.load(Ordering::SeqCst) as *const Thread;
        // SAFETY: the lock of the sampler is held, without which no thread leaves its slot, and each does so before it goes; what is
        // read are atomics.
        let bytes = if thread.is_null() { 0 } else { unsafe { (*thread).untold_bytes() } };
        self.bytes.take_carried() + bytes as u64
    }
}

impl Taking {
    /// Adds what came after the last sample of a thread to that one, or if there was none to the function that it began with.
    fn add_rest(&mut self, slot: &Slot, weight: u64) {
        let number = slot.number.load(Ordering::SeqCst);
        self.profile.tree.add_rest(number, weight, |tables| {
            let runs = lock(&slot.runs);
            let (name, place) = runs.as_ref().map_or((IDLE, None), |runs| (runs.name.as_str(), runs.place.as_ref()));
            let function = tables.function(name, place.map(|(source, _)| source));
            tables.frame(Frame { function, line: place.map_or(0, |(_, line)| *line) })
        });
    }
}

/// Gives a thread what it needs for the profiles that are being taken. Its time counts from there on.
fn bind(state: &mut State, cx: &Thread, from: u64) {
    if has_left(cx) {
        return;
    }
    let slot = match slot_of(cx) {
        Some(slot) => slot,
        None => {
            let Some(slot) = state.free.pop().or_else(new_slot) else {
                state.time.iter_mut().chain(&mut state.bytes).for_each(|taking| taking.profile.unsampled += 1);
                return;
            };
            slot.thread.store(cx as *const Thread as usize, Ordering::SeqCst);
            slot.number.store(cx.id(), Ordering::SeqCst);
            cx.set_sampled((slot as *const Slot).cast());
            state.slots.push(slot);
            slot
        }
    };
    if let Some(taking) = &mut state.time
        && !slot.ticks.load(Ordering::SeqCst)
    {
        slot.clock.store(clock_of(cx), Ordering::SeqCst);
        slot.told.store(from, Ordering::SeqCst);
        taking.profile.unsampled += u64::from(!make_timer(slot, cx.os_id()));
    }
}

fn new_slot() -> Option<&'static Slot> {
    Some(Box::leak(Box::new(Slot {
        time: Ring::new().ok()?,
        bytes: Ring::new().ok()?,
        ticks: AtomicBool::new(false),
        thread: AtomicUsize::new(0),
        number: AtomicU64::new(0),
        timer: Mutex::new(None),
        clock: AtomicI32::new(0),
        told: AtomicU64::new(0),
        runs: Mutex::new(None),
    })))
}

// ---- timers ----

/// The clock of the processor time of a thread of this process, by the number that the kernel knows the thread by.
fn clock_of(cx: &Thread) -> libc::clockid_t {
    // The kernel's encoding of "processor time of that thread": see `pthread_getcpuclockid`, which wants another name of it.
    const OF_A_THREAD: libc::clockid_t = 0b110;
    (!cx.os_id() << 3) | OF_A_THREAD
}

/// What such a clock shows, in nanoseconds; 0 when its thread has ended. May be asked in a signal handler.
fn processor_time(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is ours.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn install_handler() {
    // SAFETY: the handler has the signature that SA_SIGINFO asks for; the set is initialised; only this signal is unblocked.
    unsafe {
        let mut action = std::mem::zeroed::<libc::sigaction>();
        action.sa_sigaction = ticked as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        libc::sigfillset(&mut action.sa_mask);
        libc::sigaction(libc::SIGPROF, &action, std::ptr::null_mut());
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGPROF);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &set, std::ptr::null_mut());
    }
}

/// A timer on the processor time of a thread.
fn make_timer(slot: &'static Slot, os_id: libc::pid_t) -> bool {
    let clock = slot.clock.load(Ordering::SeqCst);
    // SAFETY: the event is initialised as far as the kernel reads it; the slot lives for ever.
    unsafe {
        let mut event = std::mem::zeroed::<libc::sigevent>();
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGPROF;
        event.sigev_notify_thread_id = os_id;
        event.sigev_value.sival_ptr = (slot as *const Slot).cast_mut().cast();
        let mut timer: libc::timer_t = std::ptr::null_mut();
        if libc::timer_create(clock, &mut event, &mut timer) != 0 {
            return false;
        }
        let [it_value, it_interval] = [FIRST, INTERVAL].map(|ns| libc::timespec { tv_sec: 0, tv_nsec: ns as i64 });
        let times = libc::itimerspec { it_interval, it_value };
        slot.ticks.store(true, Ordering::SeqCst);
        if libc::timer_settime(timer, 0, &times, std::ptr::null_mut()) != 0 {
            slot.ticks.store(false, Ordering::SeqCst);
            libc::timer_delete(timer);
            return false;
        }
        *lock(&slot.timer) = Some(timer);
    }
    true
}

fn delete_timer(slot: &Slot) {
    slot.ticks.store(false, Ordering::SeqCst);
    let timer = lock(&slot.timer).take();
    if let Some(timer) = timer {
        // SAFETY: it was made and not deleted yet.
        unsafe { libc::timer_delete(timer) };
    }
}

extern "C" fn ticked(_signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let _none = Forbidden::new("the handler of samples waits for nobody");
    // SAFETY: the kernel hands over both; a timer's signal carries what the timer was made with, which is a slot. A slot
    // belongs to the thread that got the signal, whose context lives.
    unsafe {
        let info = &*info;
        let slot = info.si_value().sival_ptr.cast::<Slot>();
        if info.si_code != libc::SI_TIMER || slot.is_null() {
            return;
        }
        let slot = &*slot;
        let thread = slot.thread.load(Ordering::SeqCst) as *const Thread;
        let Some(known) = KNOWN.get() else { return };
        if thread.is_null() || !slot.ticks.load(Ordering::SeqCst) {
            return;
        }
        let now = processor_time(slot.clock.load(Ordering::SeqCst));
        let weight = now.saturating_sub(slot.told.swap(now, Ordering::SeqCst));
        note(&*thread, registers::walking(context), known, &slot.time, weight);
    }
}

fn note(thread: &Thread, registers: Registers, known: &Known, ring: &Ring, weight: u64) {
    let mut record = ring.begin(weight);
    let (low, high) = thread.stack_bounds();
    // SAFETY: the calling thread's own stack.
    let here = unsafe { Interrupted::new(known, registers, low..high, thread.exit_frame()) };
    sample::capture(&here, thread.activity() as u64, &mut record);
    record.commit();
}

// ---- allocation ----

/// The thread has got a new allocation buffer, or a large object: so many bytes were allocated since the last time.
fn refilled(cx: &Thread, bytes: usize) {
    let (Some(slot), Some(known)) = (slot_of(cx), KNOWN.get()) else { return };
    let here = Cell::new(0usize);
    let registers = Registers { pc: 0, sp: here.as_ptr() as usize, fp: frame_pointer(), link: 0 };
    note(cx, registers, known, &slot.bytes, bytes as u64);
    if slot.bytes.is_busy() {
        SLEEP.notify_all();
    }
}

/// The frame pointer of the caller, or of what it was inlined into.
#[inline(always)]
fn frame_pointer() -> usize {
    let fp: usize;
    // SAFETY: reads a register.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        std::arch::asm!("mov {}, rbp", out(reg) fp, options(nomem, nostack, preserves_flags));
        #[cfg(target_arch = "aarch64")]
        std::arch::asm!("mov {}, x29", out(reg) fp, options(nomem, nostack, preserves_flags));
    }
    fp
}

// ---- reading ----

fn empty_now_and_then(round: u64) {
    let mut guard = state();
    while ON.load(Ordering::SeqCst) && ROUND.load(Ordering::SeqCst) == round {
        if let Some(state) = guard.as_mut() {
            drain(state);
        }
        guard = SLEEP.wait_timeout(guard, PAUSE);
    }
}

/// Empties the queues into the profiles.
fn drain(state: &mut State) {
    for slot in state.slots.clone() {
        drain_slot(state, slot);
    }
}

fn drain_slot(state: &mut State, slot: &Slot) {
    let State { vm: Some(vm), time, bytes, .. } = state else { return };
    let number = slot.number.load(Ordering::SeqCst);
    for (ring, taking) in [(&slot.time, time), (&slot.bytes, bytes)] {
        if ring.is_empty() {
            continue;
        }
        let view = vm.code_map.view();
        ring.drain(&mut |weight, words| {
            if let (Some(Taking { profile, resolver }), Some(sample)) = (&mut *taking, Sample::read(words)) {
                let frames = resolver.stack(&sample, &view, &vm.sources, &mut profile.tree.tables);
                profile.tree.add(number, &frames, weight);
            }
        });
    }
}

/// The world stands still, and code is about to be freed: what was sampled in it is resolved now.
pub fn before_code_is_freed() {
    super::stats::before_code_is_freed();
    if ON.load(Ordering::SeqCst)
        && let Some(state) = state().as_mut()
    {
        drain(state);
        state.time.iter_mut().chain(&mut state.bytes).for_each(|taking| taking.resolver.forget());
    }
}
