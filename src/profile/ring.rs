//! A queue of samples between a thread, which may be in a signal handler, and whoever reads them.
//!
//! Owns the memory of the queue, which is mapped once, and the protocol of its two ends: one thread writes, whoever holds the
//! sampler's lock reads. Neither end waits for the other, and nothing is allocated after the queue was made.
//!
//! A record is its length in words (itself included), followed by its words. A record that does not fit is not written: the
//! writer keeps its weight for the next one.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use memmap2::MmapMut;

/// Words of a queue: a power of two. Memory that is not reached is not touched.
const WORDS: usize = 1 << 15;

/// The queue.
pub struct Ring {
    words: MmapMut,
    /// Words written so far, in whole records: changed by the writer.
    head: AtomicUsize,
    /// Words read so far: changed by the reader.
    tail: AtomicUsize,
    /// The weight of what did not fit.
    carried: AtomicU64,
}

impl Ring {
    /// An empty queue.
    pub fn new() -> std::io::Result<Ring> {
        let words = MmapMut::map_anon(WORDS * 8)?;
        Ok(Ring { words, head: AtomicUsize::new(0), tail: AtomicUsize::new(0), carried: AtomicU64::new(0) })
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        let at = self.words.as_ptr().cast::<AtomicU64>();
        // SAFETY: the map has `WORDS` words, is aligned to pages, lives as long as the borrow, and is accessed as atomics only.
        unsafe { &*at.add(index % WORDS) }
    }

    /// Begins a record of this weight. Only the one writer calls this, and never while it writes another.
    pub fn begin(&self, weight: u64) -> Record<'_> {
        let head = self.head.load(Ordering::Relaxed);
        let room = WORDS - (head - self.tail.load(Ordering::Acquire));
        let weight = weight + self.take_carried();
        Record { ring: self, head, weight, words: 1, room }
    }

    /// The weight that waits for the next record, which does not get it any more.
    pub fn take_carried(&self) -> u64 {
        self.carried.swap(0, Ordering::Relaxed)
    }

    /// Is there nothing to read?
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Acquire) == self.tail.load(Ordering::Relaxed)
    }

    /// Is it half full? Then it is time to read.
    pub fn is_busy(&self) -> bool {
        self.head.load(Ordering::Relaxed) - self.tail.load(Ordering::Relaxed) > WORDS / 2
    }

    /// Calls `f` with each record's weight and words. Only one reader at a time.
    pub fn drain(&self, f: &mut dyn FnMut(u64, &[u64])) {
        let head = self.head.load(Ordering::Acquire);
        let mut tail = self.tail.load(Ordering::Relaxed);
        let mut words = Vec::new();
        while tail < head {
            let length = self.word(tail).load(Ordering::Relaxed) as usize;
            words.clear();
            words.extend((1..length).map(|i| self.word(tail + i).load(Ordering::Relaxed)));
            if let Some((weight, rest)) = words.split_first() {
                f(*weight, rest);
            }
            tail += length.max(1);
            self.tail.store(tail, Ordering::Release);
        }
    }
}

/// A record that is being written.
pub struct Record<'a> {
    ring: &'a Ring,
    head: usize,
    weight: u64,
    words: usize,
    room: usize,
}

impl Record<'_> {
    /// Adds a word; whether there was room for it.
    pub fn push(&mut self, word: u64) -> bool {
        // The weight comes first.
        if self.words == 1 {
            self.put(self.weight);
        }
        self.put(word)
    }

    fn put(&mut self, word: u64) -> bool {
        if self.words < self.room {
            self.ring.word(self.head + self.words).store(word, Ordering::Relaxed);
        }
        self.words += 1;
        self.words <= self.room
    }

    /// Hands it over, or keeps its weight for the next one when it did not fit.
    pub fn commit(self) {
        let fits = self.words <= self.room;
        if fits {
            self.ring.word(self.head).store(self.words as u64, Ordering::Relaxed);
            self.ring.head.store(self.head + self.words, Ordering::Release);
        }
        if !fits {
            // The reader may take what is carried at any time: each weight is in one place.
            self.ring.carried.fetch_add(self.weight, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(ring: &Ring, weight: u64, words: usize) {
        let mut record = ring.begin(weight);
        (0..words).for_each(|i| {
            record.push(i as u64);
        });
        record.commit();
    }

    fn read(ring: &Ring) -> Vec<(u64, usize)> {
        let mut records = Vec::new();
        ring.drain(&mut |weight, words| {
            assert!(words.iter().enumerate().all(|(i, w)| *w == i as u64));
            records.push((weight, words.len()));
        });
        records
    }

    #[test]
    fn records_come_out_as_they_went_in_round_and_round() {
        let ring = Ring::new().expect("memory");
        for turn in 0..100 {
            let lengths: Vec<usize> = (1..40).map(|i| 1 + (turn * 31 + i * 17) % 200).collect();
            lengths.iter().for_each(|&n| write(&ring, n as u64, n));
            assert_eq!(read(&ring), lengths.iter().map(|&n| (n as u64, n)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_weight_is_lost_when_the_queue_is_full() {
        let ring = Ring::new().expect("memory");
        (0..WORDS).for_each(|_| write(&ring, 1, 10));
        let first: u64 = read(&ring).iter().map(|r| r.0).sum();
        assert!(ring.carried.load(Ordering::Relaxed) > 0 && first < WORDS as u64);
        write(&ring, 1, 10);
        let rest: u64 = read(&ring).iter().map(|r| r.0).sum();
        assert_eq!(first + rest, WORDS as u64 + 1);
        (0..WORDS).for_each(|_| write(&ring, 1, 10));
        let first: u64 = read(&ring).iter().map(|r| r.0).sum();
        assert_eq!((first + ring.take_carried(), ring.take_carried()), (WORDS as u64, 0));
    }
}
