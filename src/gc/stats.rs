//! What collecting has taken.
//!
//! Owns the figures of a heap, the counting of pauses by their length, and what is told of one collection ([`Event`]). Must not
//! know who prints them.

use std::time::Duration;

/// How many parts a doubling of the length of a pause has: what is read off is right to a quarter of an octave.
const PARTS: u32 = 4;
/// Pauses of up to 2^30 microseconds, a quarter of an hour.
const BUCKETS: usize = (PARTS * 30) as usize;

/// Why there was a collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The program asked.
    Asked,
    /// What may be allocated in a round has been.
    Round,
    /// The same, and what is old has grown so much that everything was collected.
    Growth,
    /// The heap is full.
    Full,
    /// A safepoint or an allocation at which a test collects.
    Test,
    /// Code that may be dead.
    Code,
    /// Rust objects that may be dead, and hold what is scarcer than memory.
    Natives,
    /// The numbers of those who build maps in place are used up.
    Owners,
}

impl Reason {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Reason::Asked => "asked for",
            Reason::Round => "round used up",
            Reason::Growth => "the old have grown",
            Reason::Full => "heap full",
            Reason::Test => "test",
            Reason::Code => "code",
            Reason::Natives => "natives",
            Reason::Owners => "owners",
        }
    }
}

/// A collection that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// How many there were until then, this one included.
    pub number: u64,
    /// Did it look at everything, or at what is young alone?
    pub everything: bool,
    /// Why.
    pub reason: Reason,
    /// How long the world stood still, from the moment when it did.
    pub pause: Duration,
    /// Bytes in use before, in whole blocks.
    pub before: usize,
    /// Bytes in use after it.
    pub after: usize,
    /// Bytes that could have been freed: of what is young, or of all.
    pub candidates: usize,
    /// Bytes copied.
    pub moved: usize,
    /// Those of them that have become old, where only what is young was looked at.
    pub promoted: usize,
    /// Bytes that may be allocated until the next one: the nursery, where there is one.
    pub round: usize,
}

impl Event {
    /// Bytes of the candidates that live.
    fn survived(&self) -> usize {
        if self.everything { self.after.min(self.candidates) } else { self.moved.min(self.candidates) }
    }
}

/// The pauses of one kind of collection.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    /// How many there were.
    pub count: u64,
    /// What they were together.
    pub total: Duration,
    /// The longest.
    pub longest: Duration,
    /// Bytes that could have been freed in all of them.
    pub candidates: u64,
    /// Those of them that were not.
    pub survived: u64,
    /// How many were shorter than [`bound`], and not than the one before.
    buckets: [u32; BUCKETS],
}

impl Default for Pauses {
    fn default() -> Pauses {
        let buckets = [0; BUCKETS];
        Pauses { count: 0, total: Duration::ZERO, longest: Duration::ZERO, candidates: 0, survived: 0, buckets }
    }
}

/// The bucket of a pause: its logarithm, the next two bits below the first one being the part.
fn bucket(pause: Duration) -> usize {
    let micros = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX).max(1);
    let octave = micros.ilog2();
    let part = ((u128::from(micros) * u128::from(PARTS)) >> octave) as u32 - PARTS;
    ((octave * PARTS + part) as usize).min(BUCKETS - 1)
}

/// Pauses of this bucket are shorter than this.
fn bound(bucket: usize) -> Duration {
    let (octave, part) = (bucket as u32 / PARTS, bucket as u32 % PARTS);
    Duration::from_nanos(((1000 * u64::from(PARTS + part + 1)) << octave) / u64::from(PARTS))
}

impl Pauses {
    pub(super) fn note(&mut self, pause: Duration) {
        self.count += 1;
        self.total += pause;
        self.longest = self.longest.max(pause);
        self.buckets[bucket(pause)] += 1;
    }

    /// What part of what could have been freed lived on; none when nothing could.
    pub fn survival(&self) -> Option<f64> {
        (self.candidates > 0).then(|| self.survived as f64 / self.candidates as f64)
    }

    /// How many pauses were shorter than a time and not than half of it, for each such time that some were.
    pub fn histogram(&self) -> Vec<(Duration, u64)> {
        let octaves = self.buckets.chunks(PARTS as usize).enumerate();
        let sums = octaves.map(|(i, parts)| (i, parts.iter().map(|&count| u64::from(count)).sum::<u64>()));
        sums.filter(|(_, sum)| *sum > 0).map(|(i, sum)| (Duration::from_micros(2 << i), sum)).collect()
    }

    /// So long, at most, was this part of the pauses: 0.5 gives the median. None when there were none.
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let wanted = (part * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (i, &count) in self.buckets.iter().enumerate() {
            seen += u64::from(count);
            if seen >= wanted && count > 0 {
                return Some(bound(i).min(self.longest));
            }
        }
        None
    }
}

/// Figures of a heap.
#[derive(Clone, Copy, Default, Debug)]
pub struct Stats {
    /// Pauses of collections that have looked at what is young alone.
    pub young: Pauses,
    /// Pauses of those that have looked at everything.
    pub full: Pauses,
    /// The last pause of all.
    pub pause_last: Duration,
    /// Bytes copied.
    pub moved_bytes: u64,
    /// Bytes that have become old while only what is young was collected.
    pub promoted_bytes: u64,
    /// Bytes in use after the last collection.
    pub live_bytes: usize,
    /// The same, after the last that has looked at everything.
    pub live_after_full: usize,
    /// Bytes in use now, in whole blocks.
    pub used_bytes: usize,
    /// Bytes outside of the heap that stay, and count against its limit.
    pub outside_bytes: usize,
    /// Bytes that have memory of the system behind them.
    pub resident_bytes: usize,
    /// Bytes handed out so far; what threads have not yet used of their present buffers counts as well.
    pub allocated_bytes: u64,
}

impl Stats {
    /// There was a collection.
    pub(super) fn note(&mut self, event: &Event) {
        let pauses = if event.everything { &mut self.full } else { &mut self.young };
        pauses.note(event.pause);
        pauses.candidates += event.candidates as u64;
        pauses.survived += event.survived() as u64;
        self.pause_last = event.pause;
        self.moved_bytes += event.moved as u64;
        self.promoted_bytes += event.promoted as u64;
        self.live_bytes = event.after;
        if event.everything {
            self.live_after_full = event.after;
        }
    }

    /// How many collections there were.
    pub fn collections(&self) -> u64 {
        self.young.count + self.full.count
    }

    /// How long the world stood still.
    pub fn pause_total(&self) -> Duration {
        self.young.total + self.full.total
    }

    /// The longest time that it did.
    pub fn pause_longest(&self) -> Duration {
        self.young.longest.max(self.full.longest)
    }

    /// The collections of each kind that there is, with their name.
    pub fn kinds(&self) -> [(&'static str, &Pauses); 2] {
        [("young", &self.young), ("full", &self.full)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_a_quarter_of_an_octave() {
        let mut pauses = Pauses::default();
        assert_eq!(pauses.quantile(0.5), None);
        for micros in 1..=1000 {
            pauses.note(Duration::from_micros(micros));
        }
        for (part, micros) in [(0.5, 500.0), (0.99, 990.0), (0.001, 1.0)] {
            let found = pauses.quantile(part).unwrap().as_secs_f64() * 1e6;
            assert!((micros..=micros * 1.26).contains(&found), "{part}: {found}");
        }
        assert_eq!(pauses.quantile(1.0), Some(Duration::from_micros(1000)));
        pauses.note(Duration::from_secs(100_000));
        assert_eq!(pauses.quantile(1.0).map(|longest| longest > Duration::from_secs(600)), Some(true));
    }

    #[test]
    fn the_histogram_has_all_pauses_by_doubling_times() {
        let mut pauses = Pauses::default();
        [0, 1, 2, 3, 1000, 1023, 1024, 1025].into_iter().for_each(|micros| pauses.note(Duration::from_micros(micros)));
        let micros = |(time, count): (Duration, u64)| (time.as_micros(), count);
        let histogram: Vec<_> = pauses.histogram().into_iter().map(micros).collect();
        assert_eq!(histogram, [(2, 2), (4, 2), (1024, 2), (2048, 2)]);
    }

    #[test]
    fn buckets_follow_each_other() {
        let buckets: Vec<usize> = (1..10_000).map(|micros| bucket(Duration::from_micros(micros))).collect();
        assert!(buckets.windows(2).all(|pair| pair[0] <= pair[1]));
        for micros in 1..10_000 {
            let pause = Duration::from_micros(micros);
            assert!(pause < bound(bucket(pause)), "{micros}");
        }
    }
}
