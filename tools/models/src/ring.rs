//! The hand-over of samples: `Ring` and `Record` (`src/profile/ring.rs`), with a few words.
//!
//! What must hold: records come out whole and in order, and the weight of what did not fit is carried, none lost and none twice, also
//! where the reader takes it.

use crate::explore;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use loom::thread;

const WORDS: usize = 4;
/// Length, weight, and one more word.
const RECORD: usize = 3;

struct Ring {
    words: Vec<AtomicU64>,
    head: AtomicUsize,
    tail: AtomicUsize,
    carried: AtomicU64,
    /// Of the store that hands over.
    order: Ordering,
}

impl Ring {
    fn new(order: Ordering) -> Ring {
        let words = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        Ring { words, head: AtomicUsize::new(0), tail: AtomicUsize::new(0), carried: AtomicU64::new(0), order }
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        &self.words[index % WORDS]
    }

    fn take_carried(&self) -> u64 {
        self.carried.swap(0, Ordering::Relaxed)
    }

    /// `begin`, `push` and `commit`.
    fn write(&self, weight: u64, word: u64) {
        let head = self.head.load(Ordering::Relaxed);
        let room = WORDS - (head - self.tail.load(Ordering::Acquire));
        let weight = weight + self.take_carried();
        for (i, word) in [weight, word].into_iter().enumerate() {
            if i + 1 < room {
                self.word(head + i + 1).store(word, Ordering::Relaxed);
            }
        }
        if RECORD <= room {
            self.word(head).store(RECORD as u64, Ordering::Relaxed);
            self.head.store(head + RECORD, self.order);
        } else {
            self.carried.fetch_add(weight, Ordering::Relaxed);
        }
    }

    /// What was read: weights.
    fn drain(&self, next: &mut u64) -> u64 {
        let head = self.head.load(Ordering::Acquire);
        let mut tail = self.tail.load(Ordering::Relaxed);
        let mut weight = 0;
        while tail < head {
            let [length, more, word] = [0, 1, 2].map(|i| self.word(tail + i).load(Ordering::Relaxed));
            assert!(length == RECORD as u64 && word > *next, "a record is not whole: {length} {more} {word}");
            *next = word;
            weight += more;
            tail += length as usize;
            self.tail.store(tail, Ordering::Release);
        }
        weight
    }
}

fn sampling(order: Ordering) -> impl Fn() + Sync + Send {
    move || {
        let ring = Arc::new(Ring::new(order));
        let writer = ring.clone();
        let writer = thread::spawn(move || (1..=3).for_each(|i| writer.write(i, i)));
        let mut next = 0;
        let mut weight = ring.drain(&mut next);
        weight += ring.take_carried();
        weight += ring.drain(&mut next);
        writer.join().unwrap();
        weight += ring.drain(&mut next) + ring.take_carried();
        assert_eq!(weight, 1 + 2 + 3, "weight is lost");
    }
}

#[test]
fn no_record_is_torn_and_no_weight_is_lost() {
    explore(4, sampling(Ordering::Release));
}

#[test]
#[should_panic(expected = "a record is not whole")]
fn without_release_records_are_torn() {
    explore(4, sampling(Ordering::Relaxed));
}
