//! Tests of the heap as a whole.

mod allocation;
mod frames;
mod generations;
mod machine;
mod memory;
mod model;
mod old_space;
mod threads;
mod weak;

use super::*;
use crate::object::Word;
use std::sync::Arc;

fn options(stress: Stress, verify: bool) -> Options {
    Options { stress, verify, ..Options::default() }
}

/// All combinations that tests run under.
fn heaps() -> impl Iterator<Item = Arc<Heap>> {
    let ways = [(Stress::Off, false), (Stress::Off, true), (Stress::Decaying, true), (Stress::Strict, true)];
    plans().flat_map(move |collector| {
        ways.map(|(stress, verify)| Heap::new(Options { collector, ..options(stress, verify) }).unwrap())
    })
}

/// All plans.
fn plans() -> impl Iterator<Item = CollectorKind> {
    CollectorKind::ALL.iter().map(|(_, kind)| *kind)
}

/// A small generator of pseudo-random numbers (xorshift), so that failures repeat.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 8
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}
