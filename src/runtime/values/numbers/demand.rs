//! What arithmetic of Ints takes outside of the heap: the copies of the operands, the result, and what the crate computes it with.
//!
//! Owns the bounds, in bytes, by limbs. Large products go through a transform (dashu-int, `mul/ntt`): six numbers of as many words
//! as the product has, rounded up to a power of two, of 50 and more of their 64 bits. The others are measured: peaks of the
//! process for operands of 5 and 10 MB.

/// Above so many limbs in the smaller operand the transform is used.
const TRANSFORMED: usize = 4_000;
/// What it takes, in words for each word of the product.
const TRANSFORM: usize = 15;

/// `a * b`, a common divisor and a common multiple.
pub fn of_product(a: usize, b: usize) -> usize {
    let words = if a.min(b) > TRANSFORMED { TRANSFORM + 2 } else { 4 };
    (a + b).saturating_mul(8 * words)
}

/// `a + b`
pub fn of_sum(a: usize, b: usize) -> usize {
    16 * (a + b)
}

/// `a / b` and `a % b`. (Measured: 2 times both operands.)
pub fn of_quotient(a: usize, b: usize) -> usize {
    (a + b).saturating_mul(8 * 4)
}

/// A power of so many limbs, when that of the odd part of its base has so many: the crate shifts by the rest.
pub fn of_power(limbs: usize, odd: usize) -> usize {
    of_product(odd / 2, odd / 2).saturating_add(limbs.saturating_mul(8 * 3))
}

/// The digits of an Int. (Measured: 18.6 times the Int.)
pub fn of_digits(limbs: usize) -> usize {
    limbs.saturating_mul(8 * 20)
}

/// An Int of so many digits. (Measured: 9.6 times the text.)
pub fn of_parsing(digits: usize) -> usize {
    digits.saturating_mul(10)
}
