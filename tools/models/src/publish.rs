//! Publishing a body, and making a function forget it: `Code::publish` and `Code::forget_bodies` (`src/runtime/program/link.rs`), `is_body`
//! (`resolve.rs`), `Table::resolved` and `Dispatch::reset` (`dispatch.rs`).
//!
//! What must hold in the end: entry and table lead to the body that the function has, or to where it is looked for. An address that stays
//! in one of them would be jumped to after its code was freed.

use crate::{explore, together};
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

/// Where a call goes that does not know the body.
const RESOLVER: usize = 0;

struct Code {
    body: AtomicUsize,
    entry: AtomicUsize,
    resets: AtomicU32,
    in_tables: AtomicBool,
    /// Of the dispatch tables.
    version: AtomicU64,
    table: AtomicUsize,
    changing: Mutex<()>,
    fences: bool,
}

impl Code {
    fn new(body: usize, fences: bool) -> Code {
        Code {
            body: AtomicUsize::new(body),
            entry: AtomicUsize::new(body),
            resets: AtomicU32::new(0),
            in_tables: AtomicBool::new(false),
            version: AtomicU64::new(0),
            table: AtomicUsize::new(RESOLVER),
            changing: Mutex::new(()),
            fences,
        }
    }

    fn fence(&self) {
        if self.fences {
            fence(Ordering::SeqCst);
        }
    }

    /// A thread that has looked at `resets`, compiled the body, and stores it.
    fn compile(&self, body: usize) {
        let resets = self.resets.load(Ordering::SeqCst);
        if self.body.compare_exchange(0, body, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        self.fence();
        self.entry.store(body, Ordering::Release);
        self.fence();
        if self.body.load(Ordering::Acquire) != body || self.resets.load(Ordering::SeqCst) != resets {
            self.forget_bodies();
        }
    }

    fn forget_bodies(&self) {
        self.resets.fetch_add(1, Ordering::SeqCst);
        self.body.store(0, Ordering::Release);
        self.fence();
        if self.in_tables.swap(false, Ordering::AcqRel) {
            self.version.fetch_add(1, Ordering::SeqCst);
            let _changing = self.changing.lock().unwrap();
            self.table.store(RESOLVER, Ordering::Release);
        }
        self.entry.store(RESOLVER, Ordering::Release);
    }

    /// A dispatch that finds the function, and stores where its calls go.
    fn dispatch(&self) {
        let version = self.version.load(Ordering::SeqCst);
        let body = self.body.load(Ordering::Acquire);
        if body == 0 {
            return;
        }
        let _changing = self.changing.lock().unwrap();
        if self.version.load(Ordering::SeqCst) == version && self.is_body(body) {
            self.table.store(body, Ordering::Release);
        }
    }

    fn is_body(&self, address: usize) -> bool {
        self.in_tables.store(true, Ordering::Release);
        self.fence();
        self.body.load(Ordering::Acquire) == address
    }

    fn assert_nothing_stale(&self) {
        let body = self.body.load(Ordering::Acquire);
        for (what, place) in [("entry", &self.entry), ("table", &self.table)] {
            let target = place.load(Ordering::Acquire);
            assert!(target == RESOLVER || target == body, "the {what} leads to {target}, the body is {body}");
        }
    }
}

/// What each thread does with the function.
fn threads(code: fn() -> Code, acts: &'static [fn(&Code)]) -> impl Fn() + Sync + Send {
    together(code, acts, Code::assert_nothing_stale)
}

#[test]
fn a_body_is_published_and_taken_away() {
    explore(4, threads(|| Code::new(0, true), &[|code| code.compile(1), |code| code.forget_bodies()]));
}

#[test]
fn two_bodies_are_published_and_taken_away() {
    const ACTS: &[fn(&Code)] = &[|code| code.compile(1), |code| code.compile(2), |code| code.forget_bodies()];
    explore(2, threads(|| Code::new(0, true), ACTS));
}

#[test]
fn a_table_learns_of_a_body_that_is_taken_away() {
    explore(4, threads(|| Code::new(1, true), &[|code| code.dispatch(), |code| code.forget_bodies()]));
}

#[test]
#[should_panic(expected = "the table leads to")]
fn without_fences_a_table_keeps_it() {
    explore(4, threads(|| Code::new(1, false), &[|code| code.dispatch(), |code| code.forget_bodies()]));
}
