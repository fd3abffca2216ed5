//! Order: numbers, strings by code point, keywords by name, vectors element by element, and types that implement `Comparable`.

use crate::runtime::fault::advice;
use std::cmp::Ordering;

use super::collections::vector;
use super::numbers::{self, Number};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::layout;
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::program::methods::Method;

/// A comparison operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

impl Comparison {
    /// The operator as it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Comparison::Less => "<",
            Comparison::LessEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterEqual => ">=",
        }
    }

    /// Does it hold in this order?
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Less => order.is_lt(),
            Comparison::LessEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterEqual => order.is_ge(),
        }
    }
}

/// The order of two values of builtin types: none when they have none, or another than that of the language; `Some(None)` when one
/// is NaN. Numbers have theirs for good: see [`methods::settled`].
#[inline]
pub fn natural(a: Value<'_>, b: Value<'_>) -> Option<Option<Ordering>> {
    if let (Some(x), Some(y)) = (Number::of(a), Number::of(b)) {
        return Some(numbers::compare::order(x, y));
    }
    let has_own = || Method::CompareTo.is_extended(a);
    if let (Some(x), Some(y)) = (a.as_keyword(), b.as_keyword())
        && !has_own()
    {
        let keywords = &a.thread().vm().keywords;
        return Some(Some(if x == y { Ordering::Equal } else { keywords.text(x).cmp(keywords.text(y)) }));
    }
    match (a.str(), b.str()) {
        // The order of UTF-8 is that of code points.
        (Some(x), Some(y)) if !has_own() => Some(Some(x.cmp(y))),
        _ => None,
    }
}

/// `a < b` and the like: false when one is NaN, or the first elements that differ are no numbers that can be ordered.
pub fn test(cx: &mut Thread, comparison: Comparison, a: Handle, b: Handle) -> Result<bool, Thrown> {
    Ok(order(cx, comparison.symbol(), a, b)?.is_some_and(|o| comparison.holds(o)))
}

/// The order of two values, total: NaN equals itself and stands behind all other numbers.
pub fn compare(cx: &mut Thread, a: Handle, b: Handle) -> Result<Ordering, Thrown> {
    match natural(cx.get(a), cx.get(b)) {
        Some(Some(order)) => Ok(order),
        Some(None) => {
            let is_nan = |h| cx.get(h).as_float().is_some_and(f64::is_nan);
            Ok(is_nan(a).cmp(&is_nan(b)))
        }
        None if are_vectors(cx, a, b) => {
            Ok(by_elements(cx, a, b, |cx, x, y| compare(cx, x, y).map(Some))?.unwrap_or(Ordering::Equal))
        }
        None => extended(cx, "compare", a, b),
    }
}

/// The order of two values for an operator; none when NaN decides.
fn order(cx: &mut Thread, operation: &'static str, a: Handle, b: Handle) -> Result<Option<Ordering>, Thrown> {
    match natural(cx.get(a), cx.get(b)) {
        Some(order) => Ok(order),
        None if are_vectors(cx, a, b) => by_elements(cx, a, b, |cx, x, y| order(cx, operation, x, y)),
        None => extended(cx, operation, a, b).map(Some),
    }
}

fn are_vectors(cx: &Thread, a: Handle, b: Handle) -> bool {
    [a, b].into_iter().all(|h| cx.get(h).is(layout::VECTOR) && !Method::CompareTo.is_extended(cx.get(h)))
}

/// The order of the first elements that differ, else that of the lengths: tuples sort.
fn by_elements(
    cx: &mut Thread,
    a: Handle,
    b: Handle,
    order: impl Fn(&mut Thread, Handle, Handle) -> Result<Option<Ordering>, Thrown>,
) -> Result<Option<Ordering>, Thrown> {
    cx.check_native_stack()?;
    let (m, n) = (vector::len(cx.get(a)), vector::len(cx.get(b)));
    for i in 0..m.min(n) {
        let mark = cx.mark();
        let (Some(x), Some(y)) = (vector::get(cx.get(a), i), vector::get(cx.get(b), i)) else { break };
        let (x, y) = (cx.root(x), cx.root(y));
        let order = order(cx, x, y);
        cx.release(mark);
        match order? {
            Some(Ordering::Equal) => {}
            decided => return Ok(decided),
        }
    }
    Ok(Some(m.cmp(&n)))
}

/// The order by the type's own `compare-to`.
fn extended(cx: &mut Thread, operation: &str, a: Handle, b: Handle) -> Result<Ordering, Thrown> {
    if !Method::CompareTo.is_extended(cx.get(a)) {
        let help = advice::operator(cx, operation, a, b);
        let message = format!("{operation}: cannot compare {} and {}{help}", cx.describe(a), cx.describe(b));
        return Err(cx.throw(ErrorKind::TypeError, message));
    }
    let result = Method::CompareTo.call(cx, &[a, b])?;
    match Number::of(cx.get(result)) {
        Some(number) => Ok(numbers::compare::order(number, Number::Int(0)).unwrap_or(Ordering::Equal)),
        None => {
            let message = format!("compare-to: must give a Number, gave {}", cx.describe(result));
            Err(cx.throw(ErrorKind::TypeError, message))
        }
    }
}
