//! Threads of the language.
//!
//! Owns the start of a thread, its handle object (`THREAD_HANDLE`: native state, result), the waiting for it, and the list of
//! threads that the end of the program waits for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::errors::ErrorKind;
use super::vm::Vm;
use crate::gc::{self, Handle, Heap, Poll, Stress, Thread, Thrown, Value, Word, layout};

/// Bytes of the stack on which the program itself runs.
pub const MAIN_STACK: usize = 64 << 20;
/// Bytes of the stack of a spawned thread.
pub const STACK: usize = 16 << 20;
/// How often a blocked thread looks whether it was interrupted.
const SLICE: Duration = Duration::from_millis(20);

/// Bytes of a stack that is to have `usual` bytes. Under stress it is smaller: collections walk it again and again.
pub fn stack_size(options: &gc::Options, usual: usize) -> usize {
    match options.stress {
        Stress::Off => usual,
        Stress::Decaying => usual / 16,
        Stress::Strict => usual.min(1 << 20),
    }
}

/// What others see of a thread.
#[derive(Debug, Default)]
pub struct Shared {
    status: Mutex<Status>,
    changed: Condvar,
    id: AtomicU64,
}

#[derive(Debug, Default)]
struct Status {
    outcome: Option<Outcome>,
    /// The report of the error, while nobody has joined.
    report: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Returned,
    Threw,
}

/// The threads that were started.
#[derive(Default)]
pub struct Threads {
    all: Mutex<Vec<Arc<Shared>>>,
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
    super::lock(&vm.threads.all).push(shared.clone());
    let in_thread = shared.clone();
    let started = std::thread::Builder::new()
        .stack_size(stack_size(cx.heap().options(), STACK))
        .spawn(move || run(vm, parcel, &in_thread));
    if let Err(error) = started {
        shared.finish(Outcome::Returned, None);
        return Err(cx.throw(ErrorKind::ThreadError, format!("cannot start a thread: {error}")));
    }
    Ok(object)
}

/// The life of a thread.
fn run(vm: &'static Vm, parcel: Parcel, shared: &Shared) {
    let mut cx = vm.attach();
    shared.id.store(cx.id(), Ordering::Relaxed);
    let [function, object, dynamic] = [0, 1, 2].map(|i| parcel.root(&cx, i));
    cx.set_dynamic(cx.get(dynamic));
    drop(parcel);
    let cx = &mut *cx;
    match cx.call(function, &[]) {
        Ok(value) => {
            cx.set_slot(cx.get(object), 1, cx.get(value));
            shared.finish(Outcome::Returned, None);
        }
        Err(_thrown) => {
            let exception = cx.root(cx.exception());
            cx.set_slot(cx.get(object), 1, cx.get(exception));
            let report = super::report::uncaught(cx, Thrown::set(cx, exception), false);
            shared.finish(Outcome::Threw, Some(report.text));
        }
    }
}

impl Shared {
    fn finish(&self, outcome: Outcome, report: Option<String>) {
        let mut status = super::lock(&self.status);
        status.outcome = Some(outcome);
        status.report = report;
        self.changed.notify_all();
    }

    /// Waits a while; the outcome when there is one.
    fn wait(&self, slice: Duration) -> Option<Outcome> {
        let status = super::lock(&self.status);
        let waited = self.changed.wait_timeout_while(status, slice, |s| s.outcome.is_none());
        waited.map_or_else(|e| e.into_inner().0.outcome, |(status, _)| status.outcome)
    }
}

/// Waits for a thread; gives its value, or throws what it threw.
pub fn join(cx: &mut Thread, object: Handle) -> Result<Handle, Thrown> {
    let native = cx.get(object).slot(0);
    let Some(shared) = cx.native_as::<Shared>(native) else {
        return Err(cx.throw(ErrorKind::InternalError, "a thread handle without a thread"));
    };
    if shared.id.load(Ordering::Relaxed) == cx.id() {
        return Err(cx.throw(ErrorKind::ThreadError, "join: a thread cannot wait for itself"));
    }
    let outcome = loop {
        let waited = shared.clone();
        if let Some(outcome) = cx.outside(move || waited.wait(SLICE)) {
            break outcome;
        }
        check_interrupt(cx)?;
    };
    super::lock(&shared.status).report = None;
    let result = cx.root(cx.get(object).slot(1));
    match outcome {
        Outcome::Returned => Ok(result),
        Outcome::Threw => Err(Thrown::set(cx, result)),
    }
}

/// Sleeps; wakes up for an interrupt.
pub fn sleep(cx: &mut Thread, duration: Duration) -> Result<(), Thrown> {
    let start = std::time::Instant::now();
    loop {
        let left = duration.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        cx.outside(|| std::thread::sleep(left.min(SLICE)));
        check_interrupt(cx)?;
    }
}

/// A safepoint of Rust code that waits or works for long.
pub fn check_interrupt(cx: &mut Thread) -> Result<(), Thrown> {
    match cx.poll() {
        Poll::Continue => Ok(()),
        Poll::Interrupted => Err(cx.throw(ErrorKind::Interrupted, "interrupted")),
        Poll::StackOverflow => Err(cx.throw(ErrorKind::StackOverflow, "calls are nested too deeply")),
    }
}

/// Waits for all threads that were started, those included that are started meanwhile. Gives the reports of errors that nobody
/// has seen.
pub fn wait_for_all(cx: &mut Thread) -> Result<Vec<String>, Thrown> {
    let vm = cx.vm();
    let mut reports = Vec::new();
    loop {
        let next = super::lock(&vm.threads.all).pop();
        let Some(shared) = next else { return Ok(reports) };
        loop {
            let waited = shared.clone();
            if cx.outside(move || waited.wait(SLICE)).is_some() {
                break;
            }
            check_interrupt(cx)?;
        }
        reports.extend(super::lock(&shared.status).report.take());
    }
}
