//! Leaves of the builtins on numbers and types: see [`leaf`](super).

use std::cmp::Ordering;

use super::{Answer, Args, bool, float, given, int};
use crate::gc::{Thread, Value};
use crate::object::layout;
use crate::runtime::program::builtin::{kind_of, kinds};
use crate::runtime::program::instances::{implements, type_behind, type_kind};
use crate::runtime::program::types::TypeKind;
use crate::runtime::values::equality;
use crate::runtime::values::numbers::float::of_one_float;
use crate::runtime::values::numbers::{Number, bits, compare, random};

/// A number as a Float; Ints beyond a word are the builtin's.
#[inline]
fn to_f64(value: Value<'_>) -> Option<f64> {
    match value.as_int() {
        Some(i) => Some(Number::Int(i).to_float()),
        None => value.as_float(),
    }
}

macro_rules! float_leaves {
    ($($name:ident = $f:expr $(, $beyond:expr)?;)*) => {
        $(pub fn $name<'h>(cx: &'h Thread, [x, ..]: Args<'h>) -> Answer<'h> {
            let f: fn(f64) -> f64 = $f;
            float(cx, f(to_f64(x)?))
        })*
    };
}

of_one_float!(float_leaves);

pub fn atan2<'h>(cx: &'h Thread, [y, x, _]: Args<'h>) -> Answer<'h> {
    float(cx, to_f64(y)?.atan2(to_f64(x)?))
}

pub fn pow<'h>(cx: &'h Thread, [base, exponent, _]: Args<'h>) -> Answer<'h> {
    match (base.as_int(), exponent.as_int()) {
        (Some(base), Some(exponent)) if exponent >= 0 => int(cx, base.checked_pow(u32::try_from(exponent).ok()?)?),
        _ => float(cx, to_f64(base)?.powf(to_f64(exponent)?)),
    }
}

pub fn abs<'h>(cx: &'h Thread, [x, ..]: Args<'h>) -> Answer<'h> {
    match x.as_int() {
        Some(i) => int(cx, i.abs()),
        None => float(cx, x.as_float()?.abs()),
    }
}

/// `truncate` and `to-int`
pub fn whole<'h>(cx: &'h Thread, [x, ..]: Args<'h>) -> Answer<'h> {
    if x.is_int() {
        return Some(x);
    }
    let f = x.as_float()?.trunc();
    // Within these bounds each Float is an i64; `int` says whether it is an inline Int.
    if f.abs() < 2f64.powi(62) { int(cx, f as i64) } else { None }
}

fn order(a: Value<'_>, b: Value<'_>) -> Option<Option<Ordering>> {
    Some(compare::order(Number::of(a)?, Number::of(b)?))
}

pub fn clamp<'h>(_: &'h Thread, [x, low, high]: Args<'h>) -> Answer<'h> {
    if order(low, high)? == Some(Ordering::Greater) {
        return None;
    }
    Some(if order(x, low)? == Some(Ordering::Less) {
        low
    } else if order(x, high)? == Some(Ordering::Greater) {
        high
    } else {
        x
    })
}

/// The first of the numbers that is less (or greater) than all others; NaN is the builtin's.
fn extreme<'h>(args: Args<'h>, wanted: Ordering) -> Answer<'h> {
    let mut best = args[0];
    Number::of(best)?;
    for candidate in args[1..].iter().copied().filter_map(given) {
        if order(candidate, best)?? == wanted {
            best = candidate;
        }
    }
    if best.as_float().is_some_and(f64::is_nan) { None } else { Some(best) }
}

pub fn max<'h>(_: &'h Thread, args: Args<'h>) -> Answer<'h> {
    extreme(args, Ordering::Greater)
}

pub fn min<'h>(_: &'h Thread, args: Args<'h>) -> Answer<'h> {
    extreme(args, Ordering::Less)
}

pub fn gcd<'h>(cx: &'h Thread, [a, b, _]: Args<'h>) -> Answer<'h> {
    let (mut a, mut b) = (a.as_int()?.unsigned_abs(), b.as_int()?.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    int(cx, i64::try_from(a).ok()?)
}

pub fn is_even<'h>(cx: &'h Thread, [n, ..]: Args<'h>) -> Answer<'h> {
    bool(cx, n.as_int()? & 1 == 0)
}

pub fn is_odd<'h>(cx: &'h Thread, [n, ..]: Args<'h>) -> Answer<'h> {
    bool(cx, n.as_int()? & 1 == 1)
}

/// How a number compares to 0; none of NaN.
fn sign(x: Value<'_>) -> Option<Option<Ordering>> {
    match x.as_int() {
        Some(i) => Some(Some(i.cmp(&0))),
        None => Some(x.as_float()?.partial_cmp(&0.0)),
    }
}

pub fn is_zero<'h>(cx: &'h Thread, [x, ..]: Args<'h>) -> Answer<'h> {
    bool(cx, sign(x)? == Some(Ordering::Equal))
}

pub fn is_positive<'h>(cx: &'h Thread, [x, ..]: Args<'h>) -> Answer<'h> {
    bool(cx, sign(x)? == Some(Ordering::Greater))
}

pub fn is_negative<'h>(cx: &'h Thread, [x, ..]: Args<'h>) -> Answer<'h> {
    bool(cx, sign(x)? == Some(Ordering::Less))
}

pub fn is_nan<'h>(cx: &'h Thread, [x, ..]: Args<'h>) -> Answer<'h> {
    bool(cx, to_f64(x)?.is_nan())
}

pub fn is_infinite<'h>(cx: &'h Thread, [x, ..]: Args<'h>) -> Answer<'h> {
    bool(cx, to_f64(x)?.is_infinite())
}

pub fn popcount<'h>(cx: &'h Thread, [n, ..]: Args<'h>) -> Answer<'h> {
    int(cx, bits::popcount(Number::Int(n.as_int()?))? as i64)
}

/// All that `next_float` gives is a Float without box: nothing is drawn in vain.
pub fn random<'h>(cx: &'h Thread, _: Args<'h>) -> Answer<'h> {
    float(cx, random::next_float())
}

pub fn random_int<'h>(cx: &'h Thread, [bound, ..]: Args<'h>) -> Answer<'h> {
    let bound = bound.as_int().filter(|bound| *bound > 0)?;
    int(cx, random::below(bound as u64) as i64)
}

pub fn random_range<'h>(cx: &'h Thread, [low, high, _]: Args<'h>) -> Answer<'h> {
    let (low, high) = (low.as_int()?, high.as_int()?);
    if low < high { int(cx, low + random::below((high - low) as u64) as i64) } else { None }
}

// ---- types ----

pub fn identical<'h>(cx: &'h Thread, [a, b, _]: Args<'h>) -> Answer<'h> {
    bool(cx, equality::identical(a, b))
}

pub fn type_of<'h>(cx: &'h Thread, [value, ..]: Args<'h>) -> Answer<'h> {
    cx.vm().types.type_of(value)?.object.get(cx)
}

pub fn instance_of<'h>(cx: &'h Thread, [value, type_, _]: Args<'h>) -> Answer<'h> {
    if type_.is(layout::TYPE) {
        let id = u32::try_from(type_.slot(layout::ENTRY_INDEX).as_int()?).ok()?;
        return bool(cx, cx.vm().types.layout(value.layout()).is_some_and(|layout| layout.type_.0 == id));
    }
    bool(cx, implements(value, type_behind(type_)?))
}

macro_rules! kind_leaves {
    ($($name:ident = $kinds:expr;)*) => {
        $(pub fn $name<'h>(cx: &'h Thread, [value, ..]: Args<'h>) -> Answer<'h> {
            bool(cx, kind_of(value) & $kinds != 0)
        })*
    };
}

kind_leaves! {
    is_function = kinds::FUNCTION;
    is_string = kinds::STRING;
    is_int = kinds::INT;
    is_float = kinds::FLOAT;
    is_number = kinds::INT | kinds::FLOAT;
    is_vector = kinds::VECTOR;
    is_map = kinds::MAP;
    is_set = kinds::SET;
    is_array = kinds::ARRAY;
    is_bool = kinds::BOOL;
    is_null = kinds::NULL;
    is_keyword = kinds::KEYWORD;
    is_atom = kinds::ATOM;
}

pub fn is_struct<'h>(cx: &'h Thread, [value, ..]: Args<'h>) -> Answer<'h> {
    bool(cx, type_kind(value) == Some(TypeKind::Struct))
}

pub fn is_enum<'h>(cx: &'h Thread, [value, ..]: Args<'h>) -> Answer<'h> {
    bool(cx, type_kind(value) == Some(TypeKind::Enum))
}
