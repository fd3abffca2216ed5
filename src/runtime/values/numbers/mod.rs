//! Numbers: one view of Ints, big Ints and Floats, and what all operations on them share.
//!
//! Owns the reading of a number from a value and the making of a value from a result. Must not know of syntax or printing.
//!
//! Invariant: a `BIG_INT` is never one that fits an inline Int ([`new_big`] sees to it), so two Ints are equal exactly when
//! both are inline and the same or both are big with the same limbs.

pub mod arith;
pub mod bits;
pub mod compare;
pub mod demand;
pub mod float;
pub mod format;
pub mod parse;
pub mod random;
pub mod wide;

use dashu_int::{IBig, Sign};

use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::word::{INT_MAX, INT_MIN};
use crate::object::{Word, layout};

/// The most bits an Int may have: a larger result is an OutOfMemory error.
pub const MAX_BITS: usize = 1 << 31;

/// A number read from a value.
#[derive(Clone, Copy, Debug)]
pub enum Number<'h> {
    /// An inline Int.
    Int(i64),
    /// A big Int: negative?, limbs.
    Big(bool, &'h [u64]),
    /// A Float.
    Float(f64),
}

impl<'h> Number<'h> {
    /// The number a value is, if it is one.
    #[inline]
    pub fn of(value: Value<'h>) -> Option<Number<'h>> {
        let word = value.word();
        if let Some(i) = word.as_int() {
            Some(Number::Int(i))
        } else if let Some(f) = word.as_tagged_float() {
            Some(Number::Float(f))
        } else if value.is(layout::FLOAT) {
            value.as_float().map(Number::Float)
        } else {
            value.big_int().map(|(negative, limbs)| Number::Big(negative, limbs))
        }
    }

    /// The nearest Float.
    pub fn to_float(self) -> f64 {
        match self {
            Number::Int(i) => i as f64,
            Number::Big(negative, limbs) => {
                let f = nearest_float(limbs);
                if negative { -f } else { f }
            }
            Number::Float(f) => f,
        }
    }

    /// Of a positive Int beyond all Floats `x` and `n` where it is about `x * 4^n`; none of all others.
    pub fn beyond_floats(self) -> Option<(f64, f64)> {
        let Number::Big(false, limbs) = self else { return None };
        // The leading limbs say all that a Float holds.
        let limbs = without_zeros(limbs);
        let (below, leading) = limbs.split_at(limbs.len().saturating_sub(8));
        nearest_float(limbs).is_infinite().then(|| (nearest_float(leading), below.len() as f64 * 32.0))
    }

    /// The Int as an arbitrary-precision one; none for Floats.
    pub fn to_big(self) -> Option<IBig> {
        match self {
            Number::Int(i) => Some(IBig::from(i)),
            Number::Big(negative, limbs) => Some(big(negative, limbs)),
            Number::Float(_) => None,
        }
    }
}

/// The limbs up to the highest that is not 0.
fn without_zeros(limbs: &[u64]) -> &[u64] {
    let zeros = limbs.iter().rev().take_while(|limb| **limb == 0).count();
    &limbs[..limbs.len() - zeros]
}

/// The Float that is nearest to a number of these limbs, of two the even one. (The crate's own rounds what is three quarters
/// of a unit too large down, above 128 bits.)
fn nearest_float(limbs: &[u64]) -> f64 {
    let limbs = without_zeros(limbs);
    let Some((top, rest)) = limbs.split_last() else { return 0.0 };
    let Some((next, rest)) = rest.split_last() else { return *top as f64 };
    let shift = top.leading_zeros();
    let bits = (u128::from(*top) << 64 | u128::from(*next)) << shift;
    // 64 bits, eleven more than a Float has; the last one says as well whether anything is below.
    let below = bits as u64 != 0 || rest.iter().any(|limb| *limb != 0);
    let leading = (bits >> 64) as u64 | u64::from(below);
    match (limbs.len() - 1) * 64 - shift as usize {
        exponent @ 0..=1023 => leading as f64 * f64::from_bits((1023 + exponent as u64) << 52),
        _ => f64::INFINITY,
    }
}

/// More limbs than these take the crate so long, for what is not linear, that it works apart: some 10 ms.
const LENGTHY: usize = 8_000;
/// An operand of fewer limbs makes such work linear.
const SHORT: usize = 1_000;

/// Does it take long to turn the number into digits?
pub fn is_lengthy(number: Number<'_>) -> bool {
    matches!(number, Number::Big(_, limbs) if limbs.len() > LENGTHY)
}

/// Does it take long to multiply Ints of so many limbs, or to divide them?
pub fn are_lengthy(a: usize, b: usize) -> bool {
    a.min(b) > SHORT && a + b > 2 * LENGTHY
}

/// An arbitrary-precision integer from sign and limbs.
pub fn big(negative: bool, limbs: &[u64]) -> IBig {
    IBig::from_sign_words(if negative { Sign::Negative } else { Sign::Positive }, limbs)
}

/// Is the value an Int of any size?
#[inline]
pub fn is_int(value: Value<'_>) -> bool {
    value.is_int() || value.is(layout::BIG_INT)
}

/// Is the value a number?
#[inline]
pub fn is_number(value: Value<'_>) -> bool {
    let word = value.word();
    word.is_int()
        || word.is_tagged_float()
        || word.is_object() && matches!(value.layout(), layout::FLOAT | layout::BIG_INT)
}

/// An Int value of an `i64`.
#[inline]
pub fn new_int(cx: &mut Thread, i: i64) -> Result<Handle, Thrown> {
    match Word::int(i) {
        Some(word) => Ok(cx.root_word(word)),
        None => cx.alloc_big_int(i < 0, &[i.unsigned_abs()]),
    }
}

/// An Int value of a `usize`.
#[inline]
pub fn new_usize(cx: &mut Thread, n: usize) -> Result<Handle, Thrown> {
    match i64::try_from(n) {
        Ok(i) => new_int(cx, i),
        Err(_) => cx.alloc_big_int(false, &[n as u64]),
    }
}

/// An Int value of an arbitrary-precision integer: inline when it fits.
pub fn new_big(cx: &mut Thread, i: &IBig) -> Result<Handle, Thrown> {
    let (sign, limbs) = i.as_sign_words();
    let negative = sign == Sign::Negative;
    if let Some(word) = inline(negative, limbs) {
        return Ok(cx.root_word(word));
    }
    // What can be asked beforehand is; this is for what gets a little larger (a sum), or comes from a text.
    if limbs.len() > MAX_BITS / 64 {
        return Err(arith::too_large(cx, "Int"));
    }
    cx.alloc_big_int(negative, limbs)
}

/// The inline Int with this sign and these limbs, if it fits.
pub(in crate::runtime) fn inline(negative: bool, limbs: &[u64]) -> Option<Word> {
    let magnitude = match limbs {
        [] => 0,
        [limb] => *limb,
        _ => return None,
    };
    if negative {
        if magnitude <= INT_MIN.unsigned_abs() { Word::int((magnitude as i64).wrapping_neg()) } else { None }
    } else if magnitude <= INT_MAX as u64 {
        Word::int(magnitude as i64)
    } else {
        None
    }
}

/// The exact integer a Float is, when it is one: as `i64`, or as sign, mantissa and the power of two it is multiplied with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Integral {
    /// It fits 64 bits.
    Small(i64),
    /// `±mantissa × 2^shift`, at least 2^63 in magnitude.
    Large {
        /// Below zero?
        negative: bool,
        /// 53 bits.
        mantissa: u64,
        /// At least 11.
        shift: u32,
    },
}

/// The integer a Float is: none for fractions, infinities and NaN.
pub fn integral(f: f64) -> Option<Integral> {
    if !f.is_finite() || f.trunc() != f {
        return None;
    }
    // -2^63 itself fits.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&f) {
        return Some(Integral::Small(f as i64));
    }
    let bits = f.to_bits();
    let exponent = (bits >> 52 & 0x7FF) as u32;
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    Some(Integral::Large { negative: f < 0.0, mantissa, shift: exponent - 1075 })
}

impl Integral {
    /// As an arbitrary-precision integer.
    pub fn to_big(self) -> IBig {
        match self {
            Integral::Small(i) => IBig::from(i),
            Integral::Large { negative, mantissa, shift } => {
                let magnitude = IBig::from(mantissa) << shift as usize;
                if negative { -magnitude } else { magnitude }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_inline() {
        assert_eq!(inline(true, &[1 << 60]), Word::int(INT_MIN));
        assert_eq!(inline(true, &[(1 << 60) + 1]), None);
        assert_eq!(inline(false, &[1 << 60]), None);
        assert_eq!(inline(false, &[(1 << 60) - 1]), Word::int(INT_MAX));
        assert_eq!(inline(false, &[]), Word::int(0));
        assert_eq!(inline(false, &[0, 1]), None);
    }

    #[test]
    fn floats_that_are_integers() {
        assert_eq!(integral(1.5), None);
        assert_eq!(integral(f64::NAN), None);
        assert_eq!(integral(f64::INFINITY), None);
        assert_eq!(integral(-0.0), Some(Integral::Small(0)));
        assert_eq!(integral(-9223372036854775808.0), Some(Integral::Small(i64::MIN)));
        let f = 2f64.powi(70);
        assert_eq!(integral(f).map(Integral::to_big), Some(IBig::from(1) << 70));
        // Against the digits that Rust reads.
        for shift in [0, 9, 10, 60, 64, 73, 74, 127, 500, 900, 969, 970, 971, 1100] {
            for odd in [1u64, 3, (1 << 54) + 1, (1 << 54) + 3, (1 << 53) + 1, (1 << 53) - 1, u64::MAX, u64::MAX - 1023]
            {
                for more in [0u32, 1] {
                    let n = (IBig::from(odd) << shift) + more;
                    let limbs: Vec<u64> = n.as_sign_words().1.to_vec();
                    let read: f64 = n.to_string().parse().expect("digits");
                    assert_eq!(Number::Big(true, &limbs).to_float(), -read, "{n}");
                }
            }
        }
        assert_eq!(integral(-f64::MAX).map(|i| i.to_big().to_f64().value()), Some(-f64::MAX));
    }
}
