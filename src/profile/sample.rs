//! A sample as words in a queue.
//!
//! Owns their form, and so both ends of it: [`capture`] writes them, in a signal handler, by the walk of `stack.rs`;
//! [`Sample::read`] takes them apart for whoever resolves them later.

use super::ring::Record;
use super::stack::{Innermost, Interrupted};

/// So many return addresses are kept of a stack. A call that repeats the one before it is kept once.
const MOST_ADDRESSES: usize = 512;
/// So many frames are looked at: deeper recursions lose their outer end. It bounds what a sample costs.
const MOST_FRAMES: usize = 4096;
/// Stands behind the addresses of a stack that has lost its outer end. No code is there.
const CUT: u64 = 1;
/// Words before the return addresses.
const HEADER_WORDS: usize = 5;

/// Where a thread was.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// What it did: a [`crate::gc::mutator::activity::Activity`].
    pub activity: u64,
    /// Its innermost instruction.
    pub innermost: Innermost,
    /// Return addresses, innermost first.
    pub addresses: &'a [u64],
    /// There are more outside of them.
    pub is_cut: bool,
}

/// Writes down where a thread is.
pub fn capture(thread: &Interrupted<'_>, activity: u64, record: &mut Record<'_>) {
    let entry_return = thread.known().entry_return;
    let Innermost { pc, top, link } = thread.innermost();
    // Rust calls the program in `enter`: the place is of no interest, whether there is a frame yet or not.
    let told = |address: usize| if address == entry_return { 0 } else { address as u64 };
    for word in [activity, pc as u64, told(top[0]), told(top[1]), told(link)] {
        record.push(word);
    }
    let (mut last, mut kept) = (0, 0);
    let mut addresses = thread.return_addresses();
    let mut is_cut = false;
    for address in addresses.by_ref().take(MOST_FRAMES) {
        if address == last {
            continue;
        }
        last = address;
        if address != entry_return {
            is_cut = kept == MOST_ADDRESSES;
            if is_cut || !record.push(address as u64) {
                break;
            }
            kept += 1;
        }
    }
    if is_cut || addresses.any(|address| address != entry_return) {
        record.push(CUT);
    }
}

impl Sample<'_> {
    /// What [`capture`] has written.
    pub fn read(words: &[u64]) -> Option<Sample<'_>> {
        let (header, addresses) = words.split_at_checked(HEADER_WORDS)?;
        let [activity, pc, first, second, link] = *header else { return None };
        let innermost = Innermost { pc: pc as usize, top: [first as usize, second as usize], link: link as usize };
        let (addresses, is_cut) = addresses.strip_suffix(&[CUT]).map_or((addresses, false), |kept| (kept, true));
        Some(Sample { activity, innermost, addresses, is_cut })
    }
}

#[cfg(test)]
mod tests {
    use super::super::registers::Registers;
    use super::super::ring::Ring;
    use super::super::stack::Known;
    use super::*;

    /// What is captured of a thread in code, whose frames return to these addresses, innermost first.
    fn captured(returns_to: &[usize]) -> (Innermost, Vec<u64>, bool) {
        let mut stack = vec![0usize; 2 * returns_to.len() + 8];
        let low = stack.as_ptr() as usize;
        stack[..2].copy_from_slice(&[0x10010, 7]);
        for (i, address) in returns_to.iter().enumerate() {
            stack[2 * i + 2..][..2].copy_from_slice(&[low + 8 * (2 * i + 4), *address]);
        }
        let known = Known { code: 0x10000..0x20000, core: 0x10000..0x10100, entry_return: 0x10010 };
        let registers = Registers { pc: 0x12000, sp: low, fp: low + 16, link: 5 };
        let ring = Ring::new().expect("memory");
        let mut record = ring.begin(1);
        // SAFETY: the words are there until the end of this function.
        let here = unsafe { Interrupted::new(&known, registers, low..low + 8 * stack.len(), 0) };
        capture(&here, 3, &mut record);
        record.commit();
        let mut found = None;
        ring.drain(&mut |weight, words| {
            let sample = Sample::read(words).expect("a header");
            assert_eq!((weight, sample.activity, sample.innermost.pc), (1, 3, 0x12000));
            found = Some((sample.innermost, sample.addresses.to_vec(), sample.is_cut));
        });
        found.expect("one sample")
    }

    #[test]
    fn calls_that_repeat_are_kept_once_and_those_of_rust_not_at_all() {
        let (innermost, addresses, is_cut) = captured(&[0x11000, 0x11008, 0x11008, 0x11008, 0x11000, 0x10010]);
        assert_eq!((addresses.as_slice(), is_cut), (&[0x11000, 0x11008, 0x11000][..], false));
        assert_eq!((innermost.top, innermost.link), ([0, 7], 5));
    }

    #[test]
    fn what_a_sample_looks_at_and_keeps_is_bounded() {
        let outer = |frames: usize| [vec![0x11008; frames], vec![0x11000]].concat();
        let kept = |returns_to: &[usize]| {
            let (_, addresses, is_cut) = captured(returns_to);
            (addresses, is_cut)
        };
        assert_eq!(kept(&outer(MOST_FRAMES - 1)), (vec![0x11008, 0x11000], false));
        // What loses its outer end says so; Rust outside of all is no loss.
        assert_eq!(kept(&outer(MOST_FRAMES)), (vec![0x11008], true));
        assert_eq!(kept(&[vec![0x11008; MOST_FRAMES], vec![0x10010]].concat()), (vec![0x11008], false));
        let different = |n: usize| -> Vec<usize> { (0..n).map(|i| 0x11000 + 8 * (i % 2)).collect() };
        for (frames, is_cut) in [(MOST_ADDRESSES, false), (MOST_ADDRESSES + 1, true), (2 * MOST_ADDRESSES, true)] {
            let (addresses, cut) = kept(&different(frames));
            assert_eq!((addresses.len(), cut), (MOST_ADDRESSES, is_cut), "{frames}");
        }
    }
}
