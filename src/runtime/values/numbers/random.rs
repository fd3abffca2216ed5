//! Random numbers: xoshiro256++ for each thread, seeded by the operating system.
//!
//! The algorithm is David Blackman's and Sebastiano Vigna's (2019), which they gave to the public domain.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};

use dashu_int::UBig;
use dashu_int::ops::BitTest;

thread_local! {
    static STATE: Cell<[u64; 4]> = Cell::new(seed());
}

/// Four words that are not all zero, from the keys the standard library draws from the operating system.
fn seed() -> [u64; 4] {
    let mut state = [0; 4];
    for (i, word) in state.iter_mut().enumerate() {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_usize(i);
        *word = hasher.finish();
    }
    state[0] |= 1;
    state
}

/// What this thread draws from now on is the same for the same seed. The words of the state come from splitmix64, as the
/// authors of the generator advise.
pub fn seed_with(seed: u64) {
    let mut x = seed;
    let state = std::array::from_fn(|_| {
        x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    });
    STATE.with(|cell| cell.set(state));
}

/// 64 random bits.
pub fn next_u64() -> u64 {
    STATE.with(|cell| {
        let [a, b, c, d] = cell.get();
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        cell.set([a ^ d, b ^ c, c ^ b << 17, d.rotate_left(45)]);
        result
    })
}

/// A Float from 0 up to below 1.
pub fn next_float() -> f64 {
    (next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// A number below `bound`, which is at least 1; all equally likely.
pub fn below(bound: u64) -> u64 {
    // Multiply and reject (Lemire 2019).
    let threshold = bound.wrapping_neg() % bound;
    loop {
        let product = next_u64() as u128 * bound as u128;
        if product as u64 >= threshold {
            return (product >> 64) as u64;
        }
    }
}

/// A number below `bound`, which is positive; all equally likely.
pub fn below_any(bound: &UBig) -> UBig {
    let bits = bound.bit_len();
    loop {
        let mut words = vec![0; bits.div_ceil(64)];
        words.fill_with(next_u64);
        // Half of them are below, or more.
        let number = UBig::from_words(&words) >> (words.len() * 64 - bits);
        if number < *bound {
            return number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_matches_its_definition() {
        // The update written as in the reference: s2 ^= s0; s3 ^= s1; s1 ^= s2; s0 ^= s3; s2 ^= t; s3 = rotl(s3, 45).
        let mut s = [1u64, 2, 3, 4];
        STATE.with(|cell| cell.set(s));
        for _ in 0..100 {
            let expected = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
            let t = s[1] << 17;
            s[2] ^= s[0];
            s[3] ^= s[1];
            s[1] ^= s[2];
            s[0] ^= s[3];
            s[2] ^= t;
            s[3] = s[3].rotate_left(45);
            assert_eq!(next_u64(), expected);
            assert_eq!(STATE.with(Cell::get), s);
        }
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        seed_with(7);
        let first = [next_u64(), next_u64()];
        seed_with(8);
        assert_ne!([next_u64(), next_u64()], first);
        seed_with(7);
        assert_eq!([next_u64(), next_u64()], first);
    }

    #[test]
    fn bounds() {
        let mut seen = [0; 6];
        for _ in 0..6000 {
            seen[below(6) as usize] += 1;
            assert!((0.0..1.0).contains(&next_float()));
        }
        assert!(seen.iter().all(|&n| n > 700), "{seen:?}");
        assert_eq!(below(1), 0);
        let bound = (UBig::ONE << 70) + 5u8;
        assert!((0..100).all(|_| below_any(&bound) < bound));
        assert!((0..100).any(|_| below_any(&bound) > UBig::ONE << 69));
    }
}
