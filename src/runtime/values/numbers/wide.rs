//! Ints of up to 128 bits: what products, hashes and random numbers of 64 bits pass through on their way back to inline Ints.
//!
//! Owns the operators on them, without the heap and without the crate for Ints of any size; it says nothing where a result is wider.

use super::Number;
use super::arith::Op;
use super::bits::{BitOp, Shift, pattern};

/// Sign and magnitude; 0 is not negative.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wide {
    /// Below zero?
    pub negative: bool,
    /// Its size.
    pub magnitude: u128,
}

impl Wide {
    fn new(negative: bool, magnitude: u128) -> Wide {
        Wide { negative: negative && magnitude != 0, magnitude }
    }

    /// An Int that has no more bits.
    #[inline]
    pub fn of(number: Number<'_>) -> Option<Wide> {
        match number {
            Number::Int(i) => Some(Wide::new(i < 0, u128::from(i.unsigned_abs()))),
            Number::Big(negative, &[limb]) => Some(Wide::new(negative, u128::from(limb))),
            Number::Big(negative, &[low, high]) => Some(Wide::new(negative, u128::from(high) << 64 | u128::from(low))),
            _ => None,
        }
    }

    /// The pattern of two's complement, of what has one of 128 bits.
    fn signed(self) -> Option<i128> {
        let value = i128::try_from(self.magnitude).ok();
        if self.negative { Some(-value?) } else { value }
    }

    fn of_signed(value: i128) -> Wide {
        Wide::new(value < 0, value.unsigned_abs())
    }

    /// `self op other`; nothing of divisions by zero.
    #[inline]
    pub fn arith(self, op: Op, other: Wide) -> Option<Wide> {
        let (a, b) = (self.magnitude, other.magnitude);
        let other = if op == Op::Subtract { Wide::new(!other.negative, b) } else { other };
        Some(match op {
            Op::Add | Op::Subtract if self.negative == other.negative => Wide::new(self.negative, a.checked_add(b)?),
            Op::Add | Op::Subtract if a < b => Wide::new(other.negative, b - a),
            Op::Add | Op::Subtract => Wide::new(self.negative, a - b),
            Op::Multiply => Wide::new(self.negative != other.negative, a.checked_mul(b)?),
            Op::Divide => Wide::new(self.negative != other.negative, a.checked_div(b)?),
            Op::Remainder => Wide::new(self.negative, a.checked_rem(b)?),
        })
    }

    /// `-self`
    pub fn negate(self) -> Wide {
        Wide::new(!self.negative, self.magnitude)
    }

    /// `self op other`
    #[inline]
    pub fn bit_op(self, op: BitOp, other: Wide) -> Option<Wide> {
        if self.negative || other.negative {
            let (a, b) = (self.signed()?, other.signed()?);
            return Some(Wide::of_signed(match op {
                BitOp::And => a & b,
                BitOp::Or => a | b,
                BitOp::Xor => a ^ b,
            }));
        }
        let (a, b) = (self.magnitude, other.magnitude);
        Some(Wide::new(
            false,
            match op {
                BitOp::And => a & b,
                BitOp::Or => a | b,
                BitOp::Xor => a ^ b,
            },
        ))
    }

    /// `self` shifted by so many bits, by `<<` or `>>`.
    #[inline]
    pub fn shift(self, shift: Shift, count: u32) -> Option<Wide> {
        let a = self.magnitude;
        match shift {
            Shift::Left if a == 0 => Some(self),
            Shift::Left if count <= a.leading_zeros() => Some(Wide::new(self.negative, a << count)),
            Shift::Right if !self.negative => Some(Wide::new(false, a.checked_shr(count).unwrap_or(0))),
            Shift::Right => Some(Wide::of_signed(self.signed()? >> count.min(127))),
            Shift::Left | Shift::Logical => None,
        }
    }
}

/// `a >>> count`
pub fn shift_logical(a: Number<'_>, count: u32) -> Option<Wide> {
    Some(Wide::new(false, u128::from(pattern(a)?.checked_shr(count).unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use dashu_int::IBig;

    use super::*;

    fn ibig(n: Wide) -> IBig {
        let magnitude = IBig::from(n.magnitude);
        if n.negative { -magnitude } else { magnitude }
    }

    /// Does it say what the crate says, or nothing where that is too wide or there is no answer?
    fn is_right(said: Option<Wide>, expected: Option<IBig>, has_patterns: bool, what: &str) {
        match said {
            Some(said) => {
                assert_eq!(Some(ibig(said)), expected, "{what}");
                assert!(said.magnitude != 0 || !said.negative, "{what}");
            }
            None => {
                let narrow = expected.filter(|n| has_patterns && n.as_sign_words().1.len() <= 2);
                assert_eq!(narrow, None, "{what}");
            }
        }
    }

    #[test]
    fn operators_say_what_the_crate_says() {
        let mut magnitudes = vec![0, 1, 2, 3, 7, 10, 1_000_003, u128::MAX, u128::MAX - 1, u128::MAX / 3];
        magnitudes.extend([59, 60, 61, 62, 63, 64, 65, 100, 126, 127].iter().flat_map(|k| {
            let power = 1u128 << k;
            [power - 1, power, power + 1]
        }));
        let all: Vec<Wide> = magnitudes.iter().flat_map(|m| [Wide::new(false, *m), Wide::new(true, *m)]).collect();
        for a in &all {
            let x = ibig(*a);
            is_right(Some(a.negate()), Some(-x.clone()), true, "-");
            for count in [0, 1, 3, 31, 60, 63, 64, 65, 127, 128, 200] {
                let what = format!("{x} by {count}");
                is_right(a.shift(Shift::Left, count), Some(x.clone() << count as usize), true, &what);
                is_right(a.shift(Shift::Right, count), Some(x.clone() >> count as usize), a.signed().is_some(), &what);
            }
            for b in &all {
                let y = ibig(*b);
                let what = format!("{x} and {y}");
                // Of a negative one beside another.
                let patterns = a.signed().is_some() && b.signed().is_some();
                is_right(a.arith(Op::Add, *b), Some(&x + &y), true, &what);
                is_right(a.arith(Op::Subtract, *b), Some(&x - &y), true, &what);
                is_right(a.arith(Op::Multiply, *b), Some(&x * &y), true, &what);
                let zero = b.magnitude == 0;
                is_right(a.arith(Op::Divide, *b), (!zero).then(|| &x / &y), true, &what);
                is_right(a.arith(Op::Remainder, *b), (!zero).then(|| &x % &y), true, &what);
                is_right(a.bit_op(BitOp::And, *b), Some(&x & &y), patterns, &what);
                is_right(a.bit_op(BitOp::Or, *b), Some(&x | &y), patterns, &what);
                is_right(a.bit_op(BitOp::Xor, *b), Some(&x ^ &y), patterns, &what);
            }
        }
    }
}
