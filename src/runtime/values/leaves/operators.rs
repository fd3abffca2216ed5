//! Leaves of the operators, where generated code has not done them in place: see [`leaf`](super).
//!
//! Owns Ints of up to 128 bits, and Ints beside Floats. What is wider, or no number, is the helper's.

use super::{Answer, Args, float};
use crate::gc::{Thread, Value};
use crate::object::layout;
use crate::runtime::values::numbers::arith::{Op, of_floats};
use crate::runtime::values::numbers::bits::{BitOp, Shift};
use crate::runtime::values::numbers::wide::{self, Wide};
use crate::runtime::values::numbers::{Number, inline};

/// An Int.
#[inline]
fn int<'h>(cx: &'h Thread, n: Wide) -> Answer<'h> {
    let limbs = [n.magnitude as u64, (n.magnitude >> 64) as u64];
    let len = if limbs[1] != 0 { 2 } else { 1 };
    if let Some(word) = inline(n.negative, &limbs[..len]) {
        return Value::immediate(cx, word);
    }
    cx.spare(layout::BIG_INT, layout::BIG_INT_LIMBS + len, |_, mut fresh| {
        fresh.set_raw(layout::BIG_INT_SIZE, u64::from(n.negative) << 63 | len as u64);
        for (i, limb) in limbs[..len].iter().enumerate() {
            fresh.set_raw(layout::BIG_INT_LIMBS + i, *limb);
        }
    })
}

#[inline]
fn arith<'h>(cx: &'h Thread, op: Op, [a, b, _]: Args<'h>) -> Answer<'h> {
    match (Number::of(a)?, Number::of(b)?) {
        (x @ Number::Float(_), y) | (x, y @ Number::Float(_)) => float(cx, of_floats(op, x.to_float(), y.to_float())),
        (x, y) => int(cx, Wide::of(x)?.arith(op, Wide::of(y)?)?),
    }
}

#[inline]
fn bits<'h>(cx: &'h Thread, op: BitOp, [a, b, _]: Args<'h>) -> Answer<'h> {
    int(cx, Wide::of(Number::of(a)?)?.bit_op(op, Wide::of(Number::of(b)?)?)?)
}

/// The count of a shift, of those that are not large.
#[inline]
fn count(b: Value<'_>) -> Option<u32> {
    u32::try_from(b.as_int()?).ok()
}

#[inline]
fn shift<'h>(cx: &'h Thread, shift: Shift, [a, b, _]: Args<'h>) -> Answer<'h> {
    int(cx, Wide::of(Number::of(a)?)?.shift(shift, count(b)?)?)
}

macro_rules! operators {
    ($($name:ident = $way:ident $op:expr;)*) => {
        $(pub fn $name<'h>(cx: &'h Thread, args: Args<'h>) -> Answer<'h> {
            $way(cx, $op, args)
        })*
    };
}

operators! {
    add = arith Op::Add;
    subtract = arith Op::Subtract;
    multiply = arith Op::Multiply;
    divide = arith Op::Divide;
    remainder = arith Op::Remainder;
    bit_and = bits BitOp::And;
    bit_or = bits BitOp::Or;
    bit_xor = bits BitOp::Xor;
    shift_left = shift Shift::Left;
    shift_right = shift Shift::Right;
}

pub fn shift_right_logical<'h>(cx: &'h Thread, [a, b, _]: Args<'h>) -> Answer<'h> {
    int(cx, wide::shift_logical(Number::of(a)?, count(b)?)?)
}

pub fn negate<'h>(cx: &'h Thread, [a, ..]: Args<'h>) -> Answer<'h> {
    match Number::of(a)? {
        Number::Float(f) => float(cx, -f),
        n => int(cx, Wide::of(n)?.negate()),
    }
}
