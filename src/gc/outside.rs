//! What lies outside of the object heap, and counts against its limit all the same.
//!
//! Owns two sums. What is *claimed* is in the making and will be gone soon (an Int that is computed, a text that is read): it must
//! fit beside the objects when it is claimed, so both together take no more than twice the limit, however much is allocated
//! meanwhile. What is *kept* (keywords) stays, so the objects get that much less;
//! it may take half of the limit.
//!
//! Who cannot say beforehand what it will take (the compiler) asks now and then how much there is ([`Heap::is_short_outside`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::heap::Heap;
use super::mutator::thread::Thread;
use super::spaces::BLOCK;
use super::stats::Reason;

/// So much may lie outside whatever `--max-heap` says: the program itself takes some.
const LEAST: usize = 32 << 20;

/// The sums, in bytes.
#[derive(Default)]
pub struct Outside {
    claimed: AtomicUsize,
    kept: AtomicUsize,
}

impl Outside {
    /// Bytes that stay.
    pub fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }
}

/// Bytes outside of the heap that are spoken for until this is dropped.
pub struct Claim {
    heap: Arc<Heap>,
    bytes: usize,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.heap.outside().claimed.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Heap {
    /// The most bytes that objects may take, and those that they take, dead ones included.
    pub fn limit_and_used(&self) -> (usize, usize) {
        self.with_spaces(|spaces| (spaces.limit() * BLOCK, spaces.used() * BLOCK))
    }

    /// How many bytes may be claimed now.
    pub fn free_outside(&self) -> usize {
        let (limit, used) = self.limit_and_used();
        limit.saturating_sub(used).saturating_sub(self.outside().claimed.load(Ordering::Relaxed))
    }

    /// Does what the allocator of Rust has given out, by whomever, take more than the objects leave?
    pub fn is_short_outside(&self) -> bool {
        let (limit, used) = self.limit_and_used();
        given_out() > limit.saturating_sub(used).max(LEAST)
    }

    fn try_claim(self: &Arc<Heap>, bytes: usize) -> Option<Claim> {
        let outside = self.outside();
        let before = outside.claimed.fetch_add(bytes, Ordering::Relaxed);
        // From here on it is given back when it does not fit.
        let claim = Claim { heap: self.clone(), bytes };
        let (limit, used) = self.limit_and_used();
        (before.saturating_add(bytes).saturating_add(used) <= limit).then_some(claim)
    }

    fn try_keep(&self, bytes: usize) -> bool {
        self.with_spaces(|spaces| {
            let kept = self.outside().kept() + bytes;
            let blocks = kept.div_ceil(BLOCK);
            // Half of it is for objects whatever is kept: the program must be able to go on.
            let fits = spaces.used() + blocks <= spaces.max_blocks && blocks <= spaces.max_blocks / 2;
            if fits {
                self.outside().kept.store(kept, Ordering::Relaxed);
                spaces.kept_outside = blocks;
            }
            fits
        })
    }
}

impl Thread {
    /// Room outside of the heap for so many bytes, if there is any beside the objects. May collect.
    pub fn claim(&mut self, bytes: usize) -> Option<Claim> {
        let heap = self.heap().clone();
        let claim = heap.try_claim(bytes);
        if claim.is_some() || bytes > heap.limit_and_used().0 {
            return claim;
        }
        self.collect_for(Reason::Full);
        heap.try_claim(bytes)
    }

    /// So many bytes outside of the heap stay from now on: false when they do not fit beside the objects. May collect.
    pub fn keep_outside(&mut self, bytes: usize) -> bool {
        let heap = self.heap().clone();
        if heap.try_keep(bytes) {
            return true;
        }
        self.collect_for(Reason::Full);
        heap.try_keep(bytes)
    }
}

/// Bytes that the allocator of Rust has given out.
fn given_out() -> usize {
    // SAFETY: a plain question.
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}
