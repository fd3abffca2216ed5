//! `<< >> >>> & | ^` and `popcount`: Ints as infinite two's complement patterns, but for `>>>` and negative `popcount`,
//! which look at 64 bits.

use crate::runtime::fault::advice;
use dashu_int::IBig;

use super::arith::{bits, not_numbers, too_large};
use super::{MAX_BITS, Number, new_big, new_int};
use crate::gc::{Handle, Thread, Thrown};
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::values::text::room;

/// A bitwise operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BitOp {
    /// `&`
    And,
    /// `|`
    Or,
    /// `^`
    Xor,
}

/// A shift.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shift {
    /// `<<`
    Left,
    /// `>>`, arithmetic
    Right,
    /// `>>>`, on the 64-bit pattern
    Logical,
}

/// `a op b`.
pub fn bit_op(cx: &mut Thread, op: BitOp, a: Handle, b: Handle) -> Result<Handle, Thrown> {
    let (x, y) = match (Number::of(cx.get(a)), Number::of(cx.get(b))) {
        (Some(Number::Int(x)), Some(Number::Int(y))) => {
            let result = match op {
                BitOp::And => x & y,
                BitOp::Or => x | y,
                BitOp::Xor => x ^ y,
            };
            return new_int(cx, result);
        }
        (Some(x), Some(y)) => (x.to_big(), y.to_big()),
        _ => (None, None),
    };
    match (x, y) {
        (Some(x), Some(y)) => {
            let result = match op {
                BitOp::And => x & y,
                BitOp::Or => x | y,
                BitOp::Xor => x ^ y,
            };
            new_big(cx, &result)
        }
        _ => {
            let symbol = match op {
                BitOp::And => "&",
                BitOp::Or => "|",
                BitOp::Xor => "^",
            };
            Err(not_numbers(cx, symbol, "combine the bits of", a, b))
        }
    }
}

/// `a << b`, `a >> b` or `a >>> b`.
pub fn shift(cx: &mut Thread, shift: Shift, a: Handle, b: Handle) -> Result<Handle, Thrown> {
    let symbol = match shift {
        Shift::Left => "<<",
        Shift::Right => ">>",
        Shift::Logical => ">>>",
    };
    let (value, count) = match (Number::of(cx.get(a)), Number::of(cx.get(b))) {
        (None | Some(Number::Float(_)), _) | (_, None | Some(Number::Float(_))) => {
            let help = advice::operator(cx, symbol, a, b);
            let message = format!("{symbol}: cannot shift {} by {}{help}", cx.describe(a), cx.describe(b));
            return Err(cx.throw(ErrorKind::TypeError, message));
        }
        (Some(value), Some(Number::Int(count))) if count >= 0 => (value, count as u64),
        // Any count this large acts alike.
        (Some(value), Some(Number::Big(false, _))) => (value, u64::MAX),
        _ => {
            let message = format!("{symbol}: the count must not be negative, got {}", cx.describe(b));
            return Err(cx.throw(ErrorKind::ArgumentError, message));
        }
    };
    match (shift, value) {
        (Shift::Left, Number::Int(0)) => new_int(cx, 0),
        (Shift::Left, Number::Int(i)) if count < 64 => match i.checked_mul(1i64.checked_shl(count as u32).unwrap_or(0))
        {
            Some(product) if count < 63 => new_int(cx, product),
            _ => new_big(cx, &(IBig::from(i) << count as usize)),
        },
        (Shift::Left, value) => {
            if count > (MAX_BITS - bits(value).min(MAX_BITS)) as u64 {
                return Err(too_large(cx, symbol));
            }
            // The operand's copy, and the result.
            let (bits, operand) = (bits(value) + count as usize, value.to_big());
            let claim = room::claim(cx, "a shifted Int", bits / 4)?;
            match operand {
                Some(i) => {
                    let shifted = i << count as usize;
                    drop(claim);
                    new_big(cx, &shifted)
                }
                None => new_int(cx, 0),
            }
        }
        (Shift::Right, Number::Int(i)) => new_int(cx, i >> count.min(63)),
        (Shift::Right, Number::Big(negative, limbs)) => {
            let result = match usize::try_from(count) {
                Ok(count) if count < limbs.len() * 64 => super::big(negative, limbs) >> count,
                _ => IBig::from(if negative { -1 } else { 0 }),
            };
            new_big(cx, &result)
        }
        (Shift::Logical, value) => match pattern(value) {
            Some(bits) => {
                let result = if count < 64 { bits >> count } else { 0 };
                new_big(cx, &IBig::from(result))
            }
            None => {
                let message = format!(">>>: the Int must fit 64 bits, got {}", cx.describe(a));
                Err(cx.throw(ErrorKind::ArgumentError, message))
            }
        },
        (_, Number::Float(_)) => new_int(cx, 0),
    }
}

/// The 64-bit two's complement pattern of an Int, if it has one.
pub fn pattern(n: Number<'_>) -> Option<u64> {
    match n {
        Number::Int(i) => Some(i as u64),
        Number::Big(false, &[limb]) if limb <= i64::MAX as u64 => Some(limb),
        Number::Big(true, &[limb]) if limb <= 1 << 63 => Some(limb.wrapping_neg()),
        _ => None,
    }
}

/// How many bits are set; of a negative Int, in its 64-bit pattern. None when there is no such pattern.
pub fn popcount(n: Number<'_>) -> Option<u64> {
    match n {
        Number::Big(false, limbs) => Some(limbs.iter().map(|limb| u64::from(limb.count_ones())).sum()),
        _ => pattern(n).map(|bits| u64::from(bits.count_ones())),
    }
}
