//! Appending to bytes that are shared: `Thread::append_bytes` and `seal_bytes` (`src/gc/mutator/mutate.rs`), `append_here` and `make_room`
//! (`src/runtime/values/text/builder.rs`).
//!
//! What must hold: bytes that count as in use have been written and do not change, and of what several threads append nothing is
//! lost, also where one of them moves the builder to larger bytes.

use crate::explore;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use loom::thread;

const BEING_WRITTEN: u64 = 1 << 63;

/// A `BYTES` object.
struct Bytes {
    in_use: AtomicU64,
    bytes: Vec<UnsafeCell<u8>>,
}

impl Bytes {
    fn new(capacity: usize) -> Bytes {
        Bytes { in_use: AtomicU64::new(0), bytes: (0..capacity).map(|_| UnsafeCell::new(0)).collect() }
    }

    fn used(&self) -> usize {
        (self.in_use.load(Ordering::Acquire) & !BEING_WRITTEN) as usize
    }

    /// loom tells when somebody writes meanwhile.
    fn contents(&self, used: usize) -> Vec<u8> {
        // SAFETY: bytes in use are not written any more, which is what the model looks at.
        (0..used).map(|i| self.bytes[i].with(|byte| unsafe { *byte })).collect()
    }

    fn append(&self, used: usize, more: &[u8]) -> bool {
        if used > self.bytes.len() || more.len() > self.bytes.len() - used {
            return false;
        }
        let claim = used as u64 | BEING_WRITTEN;
        if self.in_use.compare_exchange(used as u64, claim, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return false;
        }
        for (i, byte) in more.iter().enumerate() {
            // SAFETY: claimed, as above.
            self.bytes[used + i].with_mut(|at| unsafe { *at = *byte });
        }
        self.in_use.store((used + more.len()) as u64, Ordering::Release);
        true
    }

    fn seal(&self, used: usize) -> bool {
        let sealed = used as u64 | BEING_WRITTEN;
        self.in_use.compare_exchange(used as u64, sealed, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }
}

/// A builder, and all bytes that it may come to: those that it begins with have room for one.
struct Builder {
    held: AtomicUsize,
    all: Vec<Bytes>,
    fresh: AtomicUsize,
    seals: bool,
}

impl Builder {
    fn new(seals: bool) -> Builder {
        let all = [1, 3, 3, 3, 3, 3].map(Bytes::new).into();
        Builder { held: AtomicUsize::new(0), all, fresh: AtomicUsize::new(1), seals }
    }

    fn held(&self) -> &Bytes {
        &self.all[self.held.load(Ordering::Acquire)]
    }

    fn append(&self, byte: u8) {
        loop {
            let bytes = self.held();
            if bytes.append(bytes.used(), &[byte]) {
                return;
            }
            self.make_room();
        }
    }

    fn make_room(&self) {
        let index = self.held.load(Ordering::Acquire);
        let old = &self.all[index];
        let used = old.used();
        let moved = used + 1 > old.bytes.len() && {
            // What the allocator gives is nobody else's.
            let to = self.fresh.fetch_add(1, Ordering::Relaxed);
            let fresh = &self.all[to];
            fresh.append(0, &old.contents(used));
            (!self.seals || old.seal(used))
                && self.held.compare_exchange(index, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
        };
        if !moved {
            thread::yield_now();
        }
    }
}

fn appending(seals: bool) -> impl Fn() + Sync + Send {
    move || {
        let builder = Arc::new(Builder::new(seals));
        let started = [b'a', b'b'].map(|byte| {
            let builder = builder.clone();
            thread::spawn(move || builder.append(byte))
        });
        // A text is taken from it meanwhile, and read later.
        let bytes = builder.held();
        let used = bytes.used();
        let text = bytes.contents(used);
        started.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(bytes.contents(used), text, "a text has changed");
        let mut all = builder.held().contents(builder.held().used());
        all.sort_unstable();
        assert_eq!(all, b"ab", "something is lost");
    }
}

#[test]
fn what_two_threads_append_is_there() {
    explore(3, appending(true));
}

#[test]
#[should_panic(expected = "something is lost")]
fn without_the_seal_it_is_lost() {
    explore(3, || {
        // The old bytes have room for what is appended behind the copy.
        let builder = Arc::new(Builder { all: [2, 3, 3, 3].map(Bytes::new).into(), ..Builder::new(false) });
        let other = builder.clone();
        let moves = thread::spawn(move || {
            let old = &other.all[0];
            let used = old.used();
            other.all[1].append(0, &old.contents(used));
            assert!(other.held.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Acquire).is_ok());
            other.append(b'b');
        });
        builder.append(b'a');
        moves.join().unwrap();
        let mut all = builder.held().contents(builder.held().used());
        all.sort_unstable();
        assert_eq!(all, b"ab", "something is lost");
    });
}
