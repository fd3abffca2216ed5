//! Exact equality and order of numbers of all kinds.

use std::cmp::Ordering;

use super::{Number, big, integral};

/// Are the numbers equal by value? NaN equals nothing.
#[inline]
pub fn equal(a: Number<'_>, b: Number<'_>) -> bool {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => a == b,
        (Number::Float(a), Number::Float(b)) => a == b,
        (Number::Big(s, a), Number::Big(t, b)) => s == t && a == b,
        (Number::Int(_), Number::Big(..)) | (Number::Big(..), Number::Int(_)) => false,
        _ => order(a, b) == Some(Ordering::Equal),
    }
}

/// The order of two numbers; none when one is NaN.
#[inline]
pub fn order(a: Number<'_>, b: Number<'_>) -> Option<Ordering> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
        (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b),
        (Number::Float(f), n) => int_float(n, f).map(Ordering::reverse),
        (n, Number::Float(f)) => int_float(n, f),
        (Number::Int(_), Number::Big(negative, _)) => Some(if negative { Ordering::Greater } else { Ordering::Less }),
        (Number::Big(negative, _), Number::Int(_)) => Some(if negative { Ordering::Less } else { Ordering::Greater }),
        (Number::Big(s, a), Number::Big(t, b)) => Some(match (s, t) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => magnitude(a, b),
            (true, true) => magnitude(b, a),
        }),
    }
}

fn magnitude(a: &[u64], b: &[u64]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// The order of an Int and a Float, without rounding the Int.
fn int_float(n: Number<'_>, f: f64) -> Option<Ordering> {
    if f.is_nan() {
        return None;
    }
    if f.is_infinite() {
        return Some(if f > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let floor = f.floor();
    let whole = match n {
        // Ints below 2^53 in magnitude are exact as Floats.
        Number::Int(i) if i.unsigned_abs() < 1 << 53 => return (i as f64).partial_cmp(&f),
        Number::Int(i) => i.into(),
        Number::Big(negative, limbs) => big(negative, limbs),
        Number::Float(g) => return g.partial_cmp(&f),
    };
    let order = whole.cmp(&integral(floor)?.to_big());
    // n > floor(f) means n >= floor(f) + 1 > f; n == floor(f) < f when f has a fraction.
    Some(if order == Ordering::Equal && floor != f { Ordering::Less } else { order })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_and_floats_compare_exactly() {
        let n = (1i64 << 53) + 1;
        assert_eq!(order(Number::Int(n), Number::Float(n as f64)), Some(Ordering::Greater));
        assert_eq!(order(Number::Int(-n), Number::Float(-n as f64)), Some(Ordering::Less));
        assert_eq!(order(Number::Float(3.5), Number::Int(3)), Some(Ordering::Greater));
        assert_eq!(order(Number::Int(i64::MAX >> 3), Number::Float(f64::NAN)), None);
        assert!(equal(Number::Big(false, &[0, 64]), Number::Float(2f64.powi(70))));
        assert!(!equal(Number::Big(false, &[1, 64]), Number::Float(2f64.powi(70))));
        assert_eq!(order(Number::Big(true, &[1, 64]), Number::Float(-2f64.powi(70))), Some(Ordering::Less));
        assert_eq!(order(Number::Big(true, &[1, 64]), Number::Float(f64::NEG_INFINITY)), Some(Ordering::Greater));
        assert_eq!(order(Number::Big(false, &[1, 2]), Number::Big(false, &[2, 1])), Some(Ordering::Greater));
        assert_eq!(order(Number::Big(true, &[1, 2]), Number::Big(true, &[2, 1])), Some(Ordering::Less));
    }
}
