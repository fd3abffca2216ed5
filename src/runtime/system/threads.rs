//! Threads of the language.
//!
//! Owns the start of a thread, its handle object (`THREAD_HANDLE`: native state, result), the waiting for it, and the list of
//! threads that the end of the program waits for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::descriptor::{self, Stop};
use super::handler_stack::HandlerStack;
use super::{console, limits};
use crate::gc::{self, Handle, Heap, Interrupter, NativeType, Poll, Stress, Thread, Thrown, Value};
use crate::injection::{Asked, refused};
use crate::locks::Mutex;
use crate::object::{Word, layout};
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::fault::locals::{self, Shown};
use crate::runtime::fault::tail_calls;
use crate::runtime::fault::trace::{self, TraceEntry};
use crate::runtime::observe::observer;
use crate::runtime::program::entry;
use crate::runtime::vm::Vm;
use crate::stack;

/// Bytes of the stack on which the program itself runs.
const MAIN_STACK: usize = 64 << 20;
/// Bytes of the stack of a spawned thread.
const STACK: usize = 16 << 20;
/// No stack is smaller.
const LEAST_STACK: usize = 1 << 20;

/// Bytes of the stack on which the program itself runs.
pub fn main_stack(options: &gc::Options) -> usize {
    stack_size(options, limits::share(MAIN_STACK, 16))
}

/// Bytes of a stack that is to have `usual` bytes. Under stress it is smaller: collections walk it again and again.
fn stack_size(options: &gc::Options, usual: usize) -> usize {
    let size = match options.stress {
        Stress::Off => usual,
        Stress::Decaying => usual / 16,
        Stress::Strict => usual.min(LEAST_STACK),
    };
    size.max(LEAST_STACK)
}

/// Starts a thread of the system. It does nothing before `body`, which could fail, as threads of the standard library do, and
/// `body` must not panic.
pub fn start(stack: usize, body: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    if refused(Asked::Thread) {
        return Err(io::Error::from_raw_os_error(libc::EAGAIN));
    }
    extern "C" fn begin(body: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: the box that `start` gave away, once.
        let body = unsafe { Box::from_raw(body.cast::<Box<dyn FnOnce() + Send>>()) };
        let _faults = HandlerStack::install();
        body();
        std::ptr::null_mut()
    }
    let body = Box::into_raw(Box::new(body));
    // SAFETY: the attributes are initialised first and destroyed last; the thread takes the box over, or else we do.
    let error = unsafe {
        let mut attributes = std::mem::zeroed::<libc::pthread_attr_t>();
        let mut thread = std::mem::zeroed::<libc::pthread_t>();
        libc::pthread_attr_init(&mut attributes);
        libc::pthread_attr_setdetachstate(&mut attributes, libc::PTHREAD_CREATE_DETACHED);
        libc::pthread_attr_setstacksize(&mut attributes, stack);
        let error = libc::pthread_create(&mut thread, &attributes, begin, body.cast());
        libc::pthread_attr_destroy(&mut attributes);
        if error != 0 {
            drop(Box::from_raw(body));
        }
        error
    };
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

/// Asks for large pages where the stack of the calling thread, of so many bytes, gets deep: who recurses a million times touches
/// tens of thousands of small ones for the first time, and each costs more than the calls on it. What is above stays as it
/// is, since most programs never leave it; the mapping is divided, which is why not every thread does this.
pub fn large_pages_below(stack: usize) {
    const LARGE: usize = 2 << 20;
    let here = 0u8;
    let here = &raw const here as usize;
    let from = here.saturating_sub(stack).next_multiple_of(LARGE) + LARGE;
    let to = (here - LARGE) / LARGE * LARGE;
    if from < to {
        // SAFETY: the middle of the thread's own stack; how large its pages are changes nothing that is on them. The system may
        // refuse, and then they are small.
        unsafe { libc::madvise(from as *mut libc::c_void, to - from, libc::MADV_HUGEPAGE) };
    }
}

/// What others see of a thread.
#[derive(Default)]
pub struct Shared {
    status: Mutex<Status>,
    id: AtomicU64,
}

#[derive(Default)]
struct Status {
    outcome: Option<Outcome>,
    /// Who is to be woken when there is an outcome.
    waiting: Vec<Interrupter>,
    /// What is told of the error, while nobody has joined.
    report: Option<String>,
    /// The stack of the error.
    trace: Arc<[TraceEntry]>,
    /// The variables of its frames, where somebody may ask for them.
    variables: Arc<[Shown]>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Returned,
    Threw,
    /// A bug of ours has ended it.
    Died,
}

/// The threads that were started: those that live, and those whose errors nobody has seen, in the order of their start.
#[derive(Default)]
pub struct Threads {
    all: Mutex<Vec<(u64, Arc<Shared>)>>,
    started: AtomicU64,
    /// How many may still run: from before their start until they have left the heap.
    living: AtomicUsize,
    /// Is one counted that may come of itself?
    expected: AtomicBool,
    /// Who waits in `join`, by the waiting thread, and for which.
    joins: Mutex<FxHashMap<u64, Arc<Shared>>>,
}

/// Is there no thread besides this one? Then only this one can start some.
#[inline]
pub fn alone(cx: &Thread) -> bool {
    // Whoever is alone sees all that the others have stored.
    cx.vm().threads.living.load(Ordering::Acquire) == 0
}

impl Threads {
    /// How many were started so far.
    pub fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// The thread that this one waits for in `join`.
    pub fn joined_by(&self, thread: u64) -> Option<u64> {
        crate::runtime::lock(&self.joins).get(&thread).map(|joined| joined.id.load(Ordering::Relaxed))
    }

    /// This thread begins to wait for that one, unless that one waits for this one, itself or through others.
    fn enter_join(&self, me: u64, shared: &Arc<Shared>) -> bool {
        let mut joins = crate::runtime::lock(&self.joins);
        let mut next = Some(shared);
        while let Some(other) = next {
            let id = other.id.load(Ordering::Relaxed);
            if id == me {
                return false;
            }
            next = joins.get(&id);
        }
        joins.insert(me, shared.clone());
        true
    }

    /// From now on a collection may start a thread, in the midst of whatever one does that believes to be alone.
    pub fn expect_others(&self) {
        if !self.expected.swap(true, Ordering::Relaxed) {
            self.living.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn add(&self, shared: Arc<Shared>) {
        let mut all = crate::runtime::lock(&self.all);
        if all.len() > 64 && all.len() > 2 * self.living.load(Ordering::Relaxed) {
            all.retain(|(_, shared)| shared.is_open());
        }
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        all.push((number, shared));
    }
}

/// Values on their way into a new thread: function, handle object, dynamic bindings.
struct Parcel {
    words: Box<[AtomicU64; 3]>,
    heap: Arc<Heap>,
}

impl Parcel {
    fn new(cx: &Thread, values: [Value<'_>; 3]) -> Parcel {
        let words = Box::new(values.map(|v| AtomicU64::new(v.word().0)));
        let heap = cx.heap().clone();
        // SAFETY: the words are valid values, accessed atomically, and registered until the parcel is dropped.
        unsafe { heap.register_roots(words.as_ptr() as usize, words.len()) };
        Parcel { words, heap }
    }

    fn root(&self, cx: &Thread, i: usize) -> Handle {
        let word = Word(self.words[i].load(Ordering::Acquire));
        // SAFETY: a registered root, read just now.
        cx.root(unsafe { Value::from_raw(cx, word) })
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        self.heap.unregister_roots(self.words.as_ptr() as usize);
    }
}

/// Starts a thread that calls a function; gives its handle object.
pub fn spawn(cx: &mut Thread, function: Handle) -> Result<Handle, Thrown> {
    let vm = cx.vm();
    let shared = Arc::new(Shared::default());
    let native = cx.alloc_native(shared.clone())?;
    let null = cx.root_word(Word::NULL);
    let object = cx.alloc_slots(layout::THREAD_HANDLE, &[native, null])?;
    let parcel = Parcel::new(cx, [cx.get(function), cx.get(object), cx.dynamic()]);
    let in_thread = shared.clone();
    start_counted(vm, Box::new(move || live(vm, parcel, &in_thread)))
        .map_err(|why| cx.throw(ErrorKind::ThreadError, format!("cannot start a thread: {why}")))?;
    vm.threads.add(shared);
    Ok(object)
}

/// Starts a thread that counts as living until its body says that it has ended, unless there are so many that nothing else would
/// find room.
fn start_counted(vm: &'static Vm, body: Box<dyn FnOnce() + Send>) -> Result<(), String> {
    let stack = stack_size(vm.heap.options(), limits::share(STACK, 64));
    let living = vm.threads.living.fetch_add(1, Ordering::Relaxed);
    let result = if living >= limits::most_threads() {
        Err("there are too many".to_string())
    } else if !limits::room_for_thread(stack) {
        Err("there is no room for its stack".to_string())
    } else {
        start(stack, body).map_err(|error| descriptor::why(&error))
    };
    if result.is_err() {
        vm.threads.living.fetch_sub(1, Ordering::Relaxed);
    }
    result
}

/// Starts a thread of ours that evaluates or looks at values: nobody joins it, and the end of a program does not wait for it.
/// The error says why it cannot be.
pub fn start_attached(vm: &'static Vm, body: impl FnOnce(&mut Thread) + Send + 'static) -> Result<(), String> {
    let live = move || {
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut cx = vm.attach();
            let _end = EndOfStack::of(&cx);
            body(&mut cx);
        }));
        vm.threads.living.fetch_sub(1, Ordering::Release);
        if ended.is_err() {
            super::console::tell(&format!("{DIED}\n"));
        }
    };
    start_counted(vm, Box::new(live))
}

/// The life of a thread, whatever happens in it.
fn live(vm: &'static Vm, parcel: Parcel, shared: &Shared) {
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(vm, parcel, shared)));
    // Before whoever joins goes on, who may start others.
    vm.threads.living.fetch_sub(1, Ordering::Release);
    let status = ended.unwrap_or_else(|_panic| Status {
        outcome: Some(Outcome::Died),
        report: Some(told(&format!("{DIED}\n"))),
        ..Status::default()
    });
    shared.finish(status);
}

const DIED: &str = "InternalError: a thread ended by a panic (this is a bug in Harrier)";

fn run(vm: &'static Vm, parcel: Parcel, shared: &Shared) -> Status {
    let mut cx = vm.attach();
    let _end = EndOfStack::of(&cx);
    shared.id.store(cx.id(), Ordering::Relaxed);
    let [function, object, dynamic] = [0, 1, 2].map(|i| parcel.root(&cx, i));
    cx.set_dynamic(cx.get(dynamic));
    drop(parcel);
    let code = entry::code_of(cx.get(function));
    (observer().begins)(&cx, code);
    let body = code.and_then(tail_calls::body);
    let cx = &mut *cx;
    match cx.call_last(function, &[]) {
        Ok(value) => {
            cx.set_slot(cx.get(object), layout::THREAD_RESULT, cx.get(value));
            Status { outcome: Some(Outcome::Returned), ..Status::default() }
        }
        Err(_thrown) => {
            if let Some(body) = body {
                trace::leaves(cx, &body);
            }
            let exception = cx.root(cx.exception());
            cx.set_slot(cx.get(object), layout::THREAD_RESULT, cx.get(exception));
            let trace = trace::of_exception(cx, exception).into();
            let variables = locals::of_pending(cx).into();
            let report = crate::runtime::fault::report::uncaught(cx, Thrown::set(cx, exception), false);
            let (outcome, report) = (Some(Outcome::Threw), Some(told(&report.text)));
            Status { outcome, report, trace, variables, ..Status::default() }
        }
    }
}

/// Under `--gc-verify`: looks at the end of a thread whether the reserve of its stack was large enough.
#[must_use]
pub struct EndOfStack(Option<usize>);

impl EndOfStack {
    /// For the calling thread, which runs on the stack that the system gave it.
    pub fn of(cx: &Thread) -> EndOfStack {
        EndOfStack(cx.heap().options().verify.then_some(cx.stack_bounds().0))
    }
}

impl Drop for EndOfStack {
    fn drop(&mut self) {
        if let Some(low) = self.0 {
            // SAFETY: the bounds are those of this thread's stack, whose end is far below.
            let used = unsafe { stack::reserve_used(low) };
            if used > stack::RESERVE / 2 {
                eprintln!("harrier: {used} bytes of the stack's reserve of {} were used", stack::RESERVE);
                std::process::abort();
            }
        }
    }
}

impl NativeType for Shared {
    fn print(&self) -> String {
        "thread".to_string()
    }
}

impl Shared {
    fn finish(&self, status: Status) {
        let before = std::mem::replace(&mut *crate::runtime::lock(&self.status), status);
        before.waiting.iter().for_each(Interrupter::wake);
    }

    /// Does it live, or has it failed unseen?
    fn is_open(&self) -> bool {
        let status = crate::runtime::lock(&self.status);
        status.outcome.is_none() || status.report.is_some()
    }
}

/// Waits for the end of a thread.
fn outcome_of(cx: &mut Thread, shared: &Arc<Shared>) -> Result<Outcome, Thrown> {
    let me = cx.interrupter();
    {
        let mut status = crate::runtime::lock(&shared.status);
        if let Some(outcome) = status.outcome {
            return Ok(outcome);
        }
        status.waiting.push(me.clone());
    }
    console::flush_before_wait(cx);
    loop {
        if let Some(outcome) = cx.wait_for(None, || crate::runtime::lock(&shared.status).outcome) {
            return Ok(outcome);
        }
        if let Err(interrupted) = check_interrupt(cx) {
            crate::runtime::lock(&shared.status).waiting.retain(|other| !other.is(&me));
            return Err(interrupted);
        }
    }
}

/// Waits for a thread; gives its value, or throws what it threw.
pub fn join(cx: &mut Thread, object: Handle) -> Result<Handle, Thrown> {
    let native = cx.get(object).slot(layout::THREAD_NATIVE);
    let Some(shared) = cx.native_as::<Shared>(native) else {
        return Err(cx.throw(ErrorKind::InternalError, "a thread handle without a thread"));
    };
    if shared.id.load(Ordering::Relaxed) == cx.id() {
        return Err(cx.throw(ErrorKind::ThreadError, "join: a thread cannot wait for itself"));
    }
    let (vm, me) = (cx.vm(), cx.id());
    if !vm.threads.enter_join(me, &shared) {
        let message = "join: the other thread waits for this one: both would wait for ever";
        return Err(cx.throw(ErrorKind::ThreadError, message));
    }
    let outcome = outcome_of(cx, &shared);
    crate::runtime::lock(&vm.threads.joins).remove(&me);
    let outcome = outcome?;
    crate::runtime::lock(&shared.status).report = None;
    let result = cx.root(cx.get(object).slot(layout::THREAD_RESULT));
    match outcome {
        Outcome::Returned => Ok(result),
        Outcome::Threw => {
            let (trace, variables) = {
                let status = crate::runtime::lock(&shared.status);
                (status.trace.clone(), status.variables.clone())
            };
            trace::continue_from(cx, result, trace, variables);
            Err(Thrown::set(cx, result))
        }
        Outcome::Died => Err(cx.throw(ErrorKind::ThreadError, DIED)),
    }
}

/// Sleeps; wakes up for an interrupt.
pub fn sleep(cx: &mut Thread, duration: Duration) -> Result<(), Thrown> {
    let until = Instant::now().checked_add(duration);
    console::flush_before_wait(cx);
    loop {
        cx.wait_for(until, || None::<()>);
        if until.is_some_and(|until| until <= Instant::now()) {
            return Ok(());
        }
        check_interrupt(cx)?;
    }
}

/// Runs an operation that waits for something outside of the process, and that ends early when it is told to: the interrupt
/// key calls it off.
pub fn waiting<R>(cx: &mut Thread, mut f: impl FnMut(Stop<'_>) -> io::Result<R>) -> Result<io::Result<R>, Thrown> {
    let interrupter = cx.interrupter();
    loop {
        let result = cx.outside(|| f(&mut || interrupter.is_pending().then(descriptor::called_off)));
        match result {
            Err(error) if descriptor::is_called_off(&error) => check_interrupt(cx)?,
            result => return Ok(result),
        }
    }
}

/// Throws when the interrupt key was pressed: cheap enough for every turn of a loop that may be long.
#[inline]
pub fn glance(cx: &mut Thread) -> Result<(), Thrown> {
    if cx.is_interrupted() { check_interrupt(cx) } else { Ok(()) }
}

/// A safepoint of Rust code that waits or works for long.
pub fn check_interrupt(cx: &mut Thread) -> Result<(), Thrown> {
    match cx.poll() {
        Poll::Continue => Ok(()),
        Poll::Interrupted => Err(cx.throw_interrupt()),
        Poll::StackOverflow => Err(cx.stack_overflow()),
    }
}

/// What is told of a thread that has thrown what nobody has seen.
fn told(report: &str) -> String {
    format!("in a thread: {report}")
}

/// Waits for all threads that were started when so many had been, those included that are started meanwhile. Gives the reports
/// of errors that nobody has seen.
pub fn wait_for_all(cx: &mut Thread, since: u64) -> Result<Vec<String>, Thrown> {
    let vm = cx.vm();
    let mut reports = Vec::new();
    loop {
        let next = crate::runtime::lock(&vm.threads.all).pop_if(|(number, _)| *number >= since);
        let Some((_, shared)) = next else { return Ok(reports) };
        outcome_of(cx, &shared)?;
        reports.extend(crate::runtime::lock(&shared.status).report.take());
    }
}

/// What threads that have ended have thrown and nobody has seen so far; each is told once.
pub fn failed_unseen(cx: &Thread) -> Vec<String> {
    let all = crate::runtime::lock(&cx.vm().threads.all);
    let ended = |shared: &Arc<Shared>| {
        let mut status = crate::runtime::lock(&shared.status);
        status.outcome.is_some().then(|| status.report.take()).flatten()
    };
    all.iter().filter_map(|(_, shared)| ended(shared)).collect()
}
