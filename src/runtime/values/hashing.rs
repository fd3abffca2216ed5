//! Hashes: equal values have equal hashes, which are the same in every run.
//!
//! Runs no user code and allocates nothing in the heap, [`prepare`] excepted: it asks a key whose type has a hash of its own
//! (protocol Hashable) for it. Whoever takes a key from the program prepares it before the operation begins, as nothing may
//! run in the midst of one. The answer is kept in the count of the key's header, so the keys that a map holds need not be asked
//! again; a key without a count has the hash of its fields. Only the key itself is asked: the hash of a collection depends on
//! no hash of the program's, for its parts may not have been prepared.
//!
//! The hash of a collection is that of its elements down to a depth: deep enough for all ordinary data, and lowered for
//! values that have too many parts (shared many times, or on a cycle of mutable fields). The depth that is used depends
//! on the structure alone, so equal values agree on it.
//!
//! What has identity (atoms, builders, lazy sequences …) gets a number when it is first hashed, in the count of its header, which no other
//! part of the system uses for these layouts.

use crate::runtime::program::entry;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use dashu_int::{IBig, Sign};

use super::collections::view::Slots;
use super::collections::{List, map, mutable, set, vector};
use super::numbers::{self, Integral, Number, integral};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::hash::fold;
pub use crate::object::hash::{K1, K2, bytes, mix};
use crate::object::layout::{self, FIRST_USER_LAYOUT, LayoutId};
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::program::methods::Method;
use crate::runtime::program::present::{self, Part};
use crate::runtime::program::types::LayoutInfo;
use crate::windows::window;

/// The depths that are tried.
const DEPTHS: [u32; 4] = [64, 4, 1, 0];
/// The bits of a count in a header.
const COUNT_MASK: u32 = (1 << 24) - 1;
/// So many parts may be visited before the next depth is tried.
const BUDGET: usize = 1 << 22;

/// A hash with one more in order.
#[inline]
fn combine(h: u64, next: u64) -> u64 {
    fold(h ^ K2, next ^ K1)
}

/// The hash of a value.
#[inline]
pub fn hash(value: Value<'_>) -> u64 {
    let word = value.word();
    if let Some(i) = word.as_int() {
        return mix(i as u64);
    }
    if let Some(index) = word.as_keyword() {
        return mix(u64::from(index) ^ K2);
    }
    match value.string_hash() {
        Some(0) => string(value),
        Some(known) => known,
        None => compound(value),
    }
}

/// The hash of a string, which remembers it.
fn string(value: Value<'_>) -> u64 {
    let hash = crate::object::hash::text(value.str().unwrap_or("").as_bytes());
    value.thread().set_string_hash(value, hash);
    hash
}

#[inline(never)]
fn compound(value: Value<'_>) -> u64 {
    if value.layout() >= FIRST_USER_LAYOUT && (value.count() != 0 || is_lazy(value)) {
        let count = if is_lazy(value) { identity(value) } else { u64::from(value.count()) };
        return mix(count ^ K2);
    }
    if let Some(hash) = few(value) {
        return hash;
    }
    for depth in DEPTHS {
        let mut budget = BUDGET;
        if let Some(hash) = nested(value, depth, &mut budget) {
            return hash;
        }
    }
    mix(u64::from(value.layout()))
}

/// What [`nested`] gives for a short vector of Ints and keywords, like the positions that are keys of maps.
#[inline]
fn few(value: Value<'_>) -> Option<u64> {
    let tail = vector::only_tail(value)?;
    let mut h = combine(seed_of(layout::VECTOR), tail.len() as u64);
    for element in tail.iter() {
        let word = element.word();
        if !word.is_int() && !word.is_keyword() {
            return None;
        }
        h = combine(h, hash(element));
    }
    Some(h)
}

/// The hash of a value of which only so many levels are looked at; none when it has too many parts.
fn nested(value: Value<'_>, depth: u32, budget: &mut usize) -> Option<u64> {
    *budget = budget.checked_sub(1)?;
    let layout = value.layout();
    if let Some(number) = Number::of(value) {
        return Some(hash_number(number));
    }
    let word = value.word();
    if !word.is_pointer() {
        return Some(if word.is_keyword() { hash(value) } else { mix(word.0) });
    }
    let seed = seed_of(layout);
    Some(match layout {
        layout::STRING | layout::STRING_PREFIX => hash(value),
        layout::VECTOR => ordered(seed, vector::len(value), vector::iter(value), depth, budget)?,
        layout::ARRAY | layout::NODE => {
            // What is mutable may be on a cycle: its elements are looked at, theirs are not.
            let slots = Slots::of(value);
            ordered(seed, slots.len(), slots.iter(), depth.min(1), budget)?
        }
        layout::MUTABLE_LIST => combine(seed, List::view(value).1 as u64),
        layout::MUTABLE_MAP | layout::MUTABLE_SET => combine(seed, map::len(mutable::map_of(value)) as u64),
        layout::MAP => {
            let mut sum = map::len(value) as u64;
            if depth > 0 {
                for (key, value) in map::iter(value) {
                    let key = nested(key, depth - 1, budget)?;
                    sum = sum.wrapping_add(combine(key, nested(value, depth - 1, budget)?));
                }
            }
            combine(seed, sum)
        }
        layout::SET => {
            let mut sum = set::len(value) as u64;
            if depth > 0 {
                for member in set::iter(value) {
                    sum = sum.wrapping_add(mix(nested(member, depth - 1, budget)?));
                }
            }
            combine(seed, sum)
        }
        layout::RANGE => super::ranges::Range::of(value).hash(seed),
        layout::SEQ => combine(seed, super::sequences::seq_len(value) as u64),
        layout::TYPE | layout::PROTOCOL | layout::NAMESPACE => combine(seed, value.slot(layout::ENTRY_INDEX).word().0),
        layout::NATIVE => {
            let hash = value.thread().native(value).and_then(|native| native.hash());
            combine(seed, hash.unwrap_or(value.slot(layout::NATIVE_INDEX).word().0))
        }
        layout::CLOSURE => {
            let name = entry::code_of(value).map_or(0, |code| bytes(code.name.as_bytes()));
            let captured = value.capture_count();
            ordered(combine(seed, name), captured, (0..captured).map(|i| value.capture(i)), depth.min(1), budget)?
        }
        l if l >= FIRST_USER_LAYOUT && !is_lazy(value) => {
            let info = value.thread().vm().types.layout(layout);
            let depth = if info.is_some_and(|l| l.kin.is_mutable()) { depth.min(1) } else { depth };
            if let Some(info) = info.filter(|l| l.kin.is_several()) {
                return of_kin(value, info, depth, budget);
            }
            ordered(seed, value.words(), (0..value.words()).map(|i| value.slot(i)), depth, budget)?
        }
        layout::ATOM | layout::STRING_BUILDER | layout::THREAD_HANDLE | layout::LAZY => combine(seed, identity(value)),
        _ if is_lazy(value) => combine(seed, identity(value)),
        _ => seed,
    })
}

fn ordered<'h>(
    seed: u64,
    len: usize,
    elements: impl Iterator<Item = Value<'h>>,
    depth: u32,
    budget: &mut usize,
) -> Option<u64> {
    let mut h = combine(seed, len as u64);
    if depth > 0 {
        for element in elements {
            h = combine(h, nested(element, depth - 1, budget)?);
        }
    }
    Some(h)
}

/// The hash of an object whose type has had several layouts: as long as it had one it was [`ordered`] with all its slots.
fn of_kin(value: Value<'_>, info: &LayoutInfo, depth: u32, budget: &mut usize) -> Option<u64> {
    let parts = present::hashed(value, info);
    let mut h = combine(seed_of(info.kin.first), parts.len() as u64);
    if depth > 0 {
        for part in parts {
            h = combine(
                h,
                match part {
                    Part::Value(part) => nested(part, depth - 1, budget)?,
                    Part::Text(added) => crate::object::hash::text(added.as_bytes()),
                    Part::Unknown => K2,
                },
            );
        }
    }
    Some(h)
}

/// What the hash of an object of a layout begins with.
fn seed_of(layout: LayoutId) -> u64 {
    mix(u64::from(layout) + 1000)
}

/// The hash of a number: the same for an Int and the Float that equals it.
fn hash_number(number: Number<'_>) -> u64 {
    match number {
        Number::Int(i) => mix(i as u64),
        Number::Big(negative, limbs) => match super::numbers::bits::pattern(number) {
            Some(small) => mix(small),
            None => large(negative, limbs),
        },
        Number::Float(f) => match integral(f) {
            Some(Integral::Small(i)) => mix(i as u64),
            Some(Integral::Large { negative, mantissa, shift }) => {
                // At most 1024 bits.
                let mut limbs = [0u64; 17];
                let (at, by) = (shift as usize / 64, shift % 64);
                let wide = u128::from(mantissa) << by;
                limbs[at] = wide as u64;
                limbs[at + 1] = (wide >> 64) as u64;
                let len = 17 - limbs.iter().rev().take_while(|&&limb| limb == 0).count();
                large(negative, &limbs[..len])
            }
            None if f.is_nan() => mix(K1),
            None => mix(f.to_bits() ^ K2),
        },
    }
}

/// The hash of an Int.
pub fn big(int: &IBig) -> u64 {
    let (sign, limbs) = int.as_sign_words();
    match i64::try_from(int) {
        Ok(small) => hash_number(Number::Int(small)),
        Err(_) => hash_number(Number::Big(sign == Sign::Negative, limbs)),
    }
}

fn large(negative: bool, limbs: &[u64]) -> u64 {
    limbs.iter().fold(mix(u64::from(negative) + 7), |h, &limb| combine(h, limb))
}

/// Asks a key for its hash, when its type has one of its own.
#[inline]
pub fn prepare(cx: &mut Thread, key: Handle) -> Result<(), Thrown> {
    if cx.get(key).layout() < FIRST_USER_LAYOUT || !cx.vm().dispatch.hash_extended() {
        return Ok(());
    }
    ask(cx, key)
}

/// Is it a key that must be prepared?
#[inline]
pub fn is_unprepared(key: Value<'_>) -> bool {
    key.layout() >= FIRST_USER_LAYOUT && key.thread().vm().dispatch.hash_extended()
}

#[inline(never)]
fn ask(cx: &mut Thread, key: Handle) -> Result<(), Thrown> {
    let value = cx.get(key);
    // What can change may have another hash by now.
    if !Method::HashOf.is_extended(value) || value.count() != 0 && !is_mutable(value) {
        return Ok(());
    }
    let mark = cx.mark();
    let answer = Method::HashOf.call(cx, &[key])?;
    if !numbers::is_int(cx.get(answer)) {
        let got = cx.describe(answer);
        return Err(cx.throw(ErrorKind::TypeError, format!("hash-of: must give an Int, got {got}")));
    }
    let count = hash(cx.get(answer)) as u32 & COUNT_MASK;
    cx.set_count(cx.get(key), count.max(1));
    cx.release(mark);
    Ok(())
}

/// Has a struct or variant fields that can be assigned, or had it?
fn is_mutable(value: Value<'_>) -> bool {
    value.thread().vm().types.layout(value.layout()).is_some_and(|info| info.kin.is_mutable())
}

/// Is it a lazy sequence of the namespace `seq`?
fn is_lazy(value: Value<'_>) -> bool {
    value.thread().vm().types.is_lazy(value.layout())
}

/// The number of an object that has identity; never 0.
fn identity(value: Value<'_>) -> u64 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    debug_assert!(
        !value.is(layout::MUTABLE_MAP) && !value.is(layout::MUTABLE_SET),
        "the count of its header is its lock"
    );
    if value.count() == 0 {
        let number = (NEXT.fetch_add(1, Ordering::Relaxed) & COUNT_MASK).max(1);
        // SAFETY: a living object begins with its header; `value` borrows the thread, so it stays where it is.
        let header = unsafe { &*(value.word().address() as *const AtomicU64) };
        window();
        // Bits other than those of the count are left as they are, also when another thread changes them at this moment.
        let numbered = |old| (layout::header_count(old) == 0).then_some(old | u64::from(number) << layout::COUNT_SHIFT);
        let _of_whoever_came_first = header.fetch_update(Ordering::Relaxed, Ordering::Relaxed, numbered);
    }
    u64::from(value.count())
}

/// The cached hash of a map or set is not needed: see [`hash`]. This is the hash as programs see it: an Int of 60 bits.
pub fn visible(_cx: &Thread, value: Value<'_>) -> i64 {
    (hash(value) >> 4) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_and_floats_agree() {
        for (n, f) in [(0, -0.0), (1, 1.0), (-5, -5.0), (1 << 40, (1u64 << 40) as f64)] {
            assert_eq!(hash_number(Number::Int(n)), hash_number(Number::Float(f)));
        }
        assert_eq!(hash_number(Number::Big(false, &[1 << 62])), hash_number(Number::Float(2f64.powi(62))));
        assert_eq!(hash_number(Number::Big(true, &[1 << 63])), hash_number(Number::Float(-2f64.powi(63))));
        assert_eq!(hash_number(Number::Big(false, &[1 << 63])), hash_number(Number::Float(2f64.powi(63))));
        assert_eq!(hash_number(Number::Big(false, &[0, 64])), hash_number(Number::Float(2f64.powi(70))));
        assert_ne!(hash_number(Number::Big(true, &[0, 64])), hash_number(Number::Float(2f64.powi(70))));
        let max = super::super::numbers::integral(f64::MAX).map(Integral::to_big);
        let limbs = max.as_ref().map(|m| m.as_sign_words().1.to_vec()).unwrap_or_default();
        assert_eq!(hash_number(Number::Big(false, &limbs)), hash_number(Number::Float(f64::MAX)));
    }

    #[test]
    fn bytes_differ() {
        let mut seen = std::collections::HashSet::new();
        for i in 0..10_000 {
            assert!(seen.insert(bytes(format!("key{i}").as_bytes())));
        }
        assert_ne!(bytes(b""), bytes(b"\0"));
        assert_ne!(bytes(b"a\0"), bytes(b"a"));
    }
}
