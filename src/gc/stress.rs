//! `--gc-always`: which visits of which sites collect.
//!
//! A *site* is a poll or an allocation: its return address in generated code, or what is allocated when Rust code does it. A
//! collection at each visit would make long loops and deep recursions take days, so sites decay: the first 64 visits of each
//! collect, and then, after every 8 collections, the gap to the next one doubles. Where a single collection takes long (the
//! heap or the stack is large), the gap grows in proportion: one more visit for each 20 microseconds of the last pause.
//! `--gc-always=strict` never decays.

use std::time::Duration;

use super::options::Stress;
use super::thread::Thread;

/// Visits of a site that all collect.
const EAGER: u64 = 64;
/// Collections after which the gap doubles.
const STEPS: u32 = 8;
/// A pause makes the gap longer by one visit for each of these.
const PAUSE_UNIT: Duration = Duration::from_micros(20);

/// A place that may collect.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Site(u64, u32);

impl Site {
    /// A poll.
    pub(super) fn poll(return_address: u64) -> Site {
        Site(return_address, 0)
    }
    /// An allocation of so many bytes.
    pub(super) fn allocation(return_address: u64, bytes: usize) -> Site {
        Site(return_address, (bytes as u32).max(1))
    }
}

/// What is known of a site.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Visits {
    visits: u64,
    next: u64,
    collections: u32,
}

impl Visits {
    /// Notes a visit; whether it collects.
    fn note(&mut self, last_pause: Duration) -> bool {
        self.visits += 1;
        if self.visits <= EAGER {
            return true;
        }
        if self.visits < self.next {
            return false;
        }
        self.collections += 1;
        let gap = 1u64 << (1 + self.collections / STEPS).min(40);
        let slow = (last_pause.as_micros() / PAUSE_UNIT.as_micros()) as u64;
        self.next = self.visits + gap + gap.min(1 << 16).saturating_mul(slow);
        true
    }
}

impl Thread {
    /// Whether this visit of a site collects, under stress.
    pub(super) fn visit_site(&self, site: Site) -> bool {
        match self.heap().options().stress {
            Stress::Off => false,
            Stress::Strict => true,
            Stress::Decaying => {
                let pause = self.heap().last_pause();
                self.with_sites(|sites| sites.entry(site).or_default().note(pause))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_decay() {
        let mut site = Visits::default();
        let first = (0..64).filter(|_| site.note(Duration::ZERO)).count();
        assert_eq!(first, 64);
        let rest = (0..5_000_000).filter(|_| site.note(Duration::ZERO)).count();
        assert!((100..300).contains(&rest), "{rest}");
    }

    #[test]
    fn slow_collections_decay_faster() {
        let mut site = Visits::default();
        let n = (0..1_000_000).filter(|_| site.note(Duration::from_millis(20))).count();
        assert!(n < 64 + 60, "{n}");
    }
}
