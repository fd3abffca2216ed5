//! `+ - * / %` and unary `-` on all kinds of numbers.
//!
//! Generated code adds inline Ints and Floats itself; what comes here has overflowed, mixes kinds, or is no number at all.

use dashu_int::IBig;

use super::{MAX_BITS, Number, demand, new_big, new_int};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::runtime::fault::advice;
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::system::apart;
use crate::runtime::values::text::room;

/// An arithmetic operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

impl Op {
    /// The operator as it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Op::Add => "+",
            Op::Subtract => "-",
            Op::Multiply => "*",
            Op::Divide => "/",
            Op::Remainder => "%",
        }
    }

    /// What the operator does, for messages.
    fn verb(self) -> &'static str {
        match self {
            Op::Add => "add",
            Op::Subtract => "subtract",
            Op::Multiply => "multiply",
            Op::Divide => "divide",
            Op::Remainder => "take the remainder of",
        }
    }
}

/// What an operation gives.
enum Outcome {
    Small(i64),
    Big(IBig),
    Float(f64),
    DivisionByZero,
    TooLarge,
    NotNumbers,
}

/// `a op b`.
pub fn arith(cx: &mut Thread, op: Op, a: Handle, b: Handle) -> Result<Handle, Thrown> {
    let claim = match [a, b].map(|n| limbs(cx.get(n))) {
        [0, _] | [_, 0] => None,
        [a, b] => match op {
            Op::Multiply => room::claim(cx, "a product", demand::of_product(a, b))?,
            Op::Divide | Op::Remainder => room::claim(cx, "a quotient", demand::of_quotient(a, b))?,
            Op::Add | Op::Subtract => room::claim(cx, "a sum", demand::of_sum(a, b))?,
        },
    };
    let outcome = match (Number::of(cx.get(a)), Number::of(cx.get(b))) {
        (Some(Number::Int(x)), Some(Number::Int(y))) => small(op, x, y),
        (Some(Number::Float(x)), Some(Number::Float(y))) => Outcome::Float(of_floats(op, x, y)),
        (Some(x), Some(y)) if is_lengthy(op, x, y) => match (x.to_big(), y.to_big()) {
            (Some(a), Some(b)) => Outcome::Big(apart::compute(cx, move || match op {
                Op::Divide => a / b,
                Op::Remainder => a % b,
                _ => a * b,
            })?),
            _ => Outcome::NotNumbers,
        },
        (Some(x), Some(y)) => mixed(op, x, y),
        _ => Outcome::NotNumbers,
    };
    drop(claim);
    match outcome {
        Outcome::Small(i) => new_int(cx, i),
        Outcome::Big(i) => new_big(cx, &i),
        Outcome::Float(f) => cx.alloc_float(f),
        Outcome::DivisionByZero => {
            let message = format!("{}: cannot divide {} by zero", op.symbol(), cx.describe(a));
            Err(cx.throw(ErrorKind::DivisionByZero, message))
        }
        Outcome::TooLarge => Err(too_large(cx, op.symbol())),
        Outcome::NotNumbers => Err(not_numbers(cx, op.symbol(), op.verb(), a, b)),
    }
}

/// `-a`.
pub fn negate(cx: &mut Thread, a: Handle) -> Result<Handle, Thrown> {
    match Number::of(cx.get(a)) {
        // An inline Int is at most 61 bits.
        Some(Number::Int(i)) => new_int(cx, -i),
        Some(Number::Float(f)) => cx.alloc_float(-f),
        Some(Number::Big(negative, limbs)) => {
            let negated = super::big(!negative, limbs);
            new_big(cx, &negated)
        }
        None => {
            let message = format!("-: cannot negate {}{}", cx.describe(a), advice::operand(cx, "negate", 0, a));
            Err(cx.throw(ErrorKind::TypeError, message))
        }
    }
}

/// The error of an Int with more than [`MAX_BITS`] bits.
#[cold]
pub fn too_large(cx: &mut Thread, operation: &str) -> Thrown {
    cx.throw(ErrorKind::OutOfMemory, format!("{operation}: the result would be an Int of more than {MAX_BITS} bits"))
}

/// The error of an operator whose operands have the wrong types; names both.
#[cold]
pub fn not_numbers(cx: &mut Thread, symbol: &str, verb: &str, a: Handle, b: Handle) -> Thrown {
    let help = advice::operator(cx, symbol, a, b);
    let message = format!("{symbol}: cannot {verb} {} and {}{help}", cx.describe(a), cx.describe(b));
    cx.throw(ErrorKind::TypeError, message)
}

fn small(op: Op, x: i64, y: i64) -> Outcome {
    // Operands are at most 61 bits: sums and quotients fit 64.
    match op {
        Op::Add => Outcome::Small(x + y),
        Op::Subtract => Outcome::Small(x - y),
        Op::Multiply => match x.checked_mul(y) {
            Some(product) => Outcome::Small(product),
            None => Outcome::Big(IBig::from(x as i128 * y as i128)),
        },
        Op::Divide | Op::Remainder if y == 0 => Outcome::DivisionByZero,
        Op::Divide => Outcome::Small(x / y),
        Op::Remainder => Outcome::Small(x % y),
    }
}

/// `x op y`
#[inline]
pub fn of_floats(op: Op, x: f64, y: f64) -> f64 {
    match op {
        Op::Add => x + y,
        Op::Subtract => x - y,
        Op::Multiply => x * y,
        Op::Divide => x / y,
        Op::Remainder => x % y,
    }
}

/// Does it take the crate long enough to work apart?
fn is_lengthy(op: Op, x: Number<'_>, y: Number<'_>) -> bool {
    let (Number::Big(_, a), Number::Big(_, b)) = (x, y) else { return false };
    match op {
        Op::Add | Op::Subtract => false,
        Op::Multiply => super::are_lengthy(a.len(), b.len()) && bits(x) + bits(y) <= MAX_BITS,
        Op::Divide | Op::Remainder => super::are_lengthy(a.len(), b.len()),
    }
}

fn mixed(op: Op, x: Number<'_>, y: Number<'_>) -> Outcome {
    let (Some(a), Some(b)) = (x.to_big(), y.to_big()) else {
        return Outcome::Float(of_floats(op, x.to_float(), y.to_float()));
    };
    match op {
        Op::Add => Outcome::Big(a + b),
        Op::Subtract => Outcome::Big(a - b),
        Op::Multiply if bits(x) + bits(y) > MAX_BITS => Outcome::TooLarge,
        Op::Multiply => Outcome::Big(a * b),
        Op::Divide | Op::Remainder if b.is_zero() => Outcome::DivisionByZero,
        Op::Divide => Outcome::Big(a / b),
        Op::Remainder => Outcome::Big(a % b),
    }
}

/// The limbs of an Int that is not inline.
fn limbs(value: Value<'_>) -> usize {
    if value.word().is_int() { 0 } else { value.big_int().map_or(0, |(_, limbs)| limbs.len()) }
}

/// The bits of an Int's limbs.
pub fn bits(n: Number<'_>) -> usize {
    match n {
        Number::Big(_, limbs) => limbs.len() * 64,
        _ => 64,
    }
}
