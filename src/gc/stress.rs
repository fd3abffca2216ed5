//! `--gc-always`: which visits of which sites collect.
//!
//! A *site* is a poll or an allocation: its return address in generated code, or what is allocated when Rust code does it. A
//! collection at each visit would make long loops and deep recursions take days, so sites decay: the first 64 visits of each
//! collect, and then, after every 8 collections, the gap to the next one doubles. Where a single collection is much work (the
//! heap or the stack is large), it is followed by a rest in which no site collects, in proportion to that work; so a program
//! whose heap or stack grows steadily sees collections at steps of a few percent. Work is counted, not timed: a program
//! without threads collects at the same visits each time it runs. `--gc-always=strict` never decays.

use super::mutator::thread::Thread;
use super::options::Stress;

/// Visits of a site that all collect.
const EAGER: u64 = 64;
/// Collections after which the gap doubles.
const STEPS: u32 = 8;
/// Work (words copied, frames walked) that needs no rest.
const LIGHT_WORK: u64 = 100_000;
/// Work for each visit of the rest.
const WORK_PER_VISIT: u64 = 4;

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
    fn note(&mut self) -> bool {
        self.visits += 1;
        if self.visits <= EAGER {
            return true;
        }
        if self.visits < self.next {
            return false;
        }
        self.collections += 1;
        self.next = self.visits + (1u64 << (1 + self.collections / STEPS).min(40));
        true
    }
}

/// How many visits pass after a collection before there is another one.
fn rest_after(work: u64) -> u64 {
    work.saturating_sub(LIGHT_WORK) / WORK_PER_VISIT
}

impl Thread {
    /// Whether this visit of a site collects, under stress.
    pub(super) fn visit_site(&self, site: Site) -> bool {
        match self.heap().options().stress {
            Stress::Off => false,
            Stress::Strict => true,
            Stress::Decaying => {
                let rest = self.rest.get();
                if rest > 0 {
                    self.rest.set(rest - 1);
                    return false;
                }
                let due = self.with_sites(|sites| sites.entry(site).or_default().note());
                if due {
                    // By the work of the collection before: that of this one is not yet known, and will be much the same.
                    self.rest.set(rest_after(self.heap().last_work()));
                }
                due
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
        let first = (0..64).filter(|_| site.note()).count();
        assert_eq!(first, 64);
        let rest = (0..5_000_000).filter(|_| site.note()).count();
        assert!((100..300).contains(&rest), "{rest}");
    }

    #[test]
    fn only_much_work_needs_rest() {
        assert_eq!(rest_after(50_000), 0);
        assert_eq!(rest_after(1_000_000), 225_000);
    }
}
