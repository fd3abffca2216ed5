//! What generated code calls for operators, literals and loops over values: the functions behind the rows of
//! `runtime/helpers.rs` that concern numbers, text and collections.

use super::builtins::support::Outcome;
use super::collections::{List, map, set, vector};
use super::compare::{self, Comparison};
use super::equality;
use super::errors::ErrorKind;
use super::numbers::arith::{Op, arith};
use super::numbers::bits::{BitOp, Shift, bit_op, shift};
use super::text::format::{self, Style};
use super::text::strings;
use crate::gc::{Handle, Thread, Thrown};

macro_rules! operators {
    ($($(#[doc = $doc:literal])+ $name:ident = $function:ident($kind:expr);)*) => {
        $($(#[doc = $doc])+ pub fn $name(cx: &mut Thread, a: Handle, b: Handle) -> Outcome { $function(cx, $kind, a, b) })*
    };
}

operators! {
    /// `a + b`
    add = arith(Op::Add);
    /// `a - b`
    subtract = arith(Op::Subtract);
    /// `a * b`
    multiply = arith(Op::Multiply);
    /// `a / b`
    divide = arith(Op::Divide);
    /// `a % b`
    remainder = arith(Op::Remainder);
    /// `a << b`
    shift_left = shift(Shift::Left);
    /// `a >> b`
    shift_right = shift(Shift::Right);
    /// `a >>> b`
    shift_right_logical = shift(Shift::Logical);
    /// `a & b`
    bit_and = bit_op(BitOp::And);
    /// `a | b`
    bit_or = bit_op(BitOp::Or);
    /// `a ^ b`
    bit_xor = bit_op(BitOp::Xor);
}

/// `a < b`
pub fn less(cx: &mut Thread, a: Handle, b: Handle) -> Result<bool, Thrown> {
    compare::test(cx, Comparison::Less, a, b)
}

/// `a <= b`
pub fn less_equal(cx: &mut Thread, a: Handle, b: Handle) -> Result<bool, Thrown> {
    compare::test(cx, Comparison::LessEqual, a, b)
}

/// `a > b`
pub fn greater(cx: &mut Thread, a: Handle, b: Handle) -> Result<bool, Thrown> {
    compare::test(cx, Comparison::Greater, a, b)
}

/// `a >= b`
pub fn greater_equal(cx: &mut Thread, a: Handle, b: Handle) -> Result<bool, Thrown> {
    compare::test(cx, Comparison::GreaterEqual, a, b)
}

/// `a == b`
pub fn equal(cx: &mut Thread, a: Handle, b: Handle) -> Result<bool, Thrown> {
    equality::equal(cx.get(a), cx.get(b)).map_err(|deep| deep.throw(cx))
}

/// `a ++ b`
pub fn concat(cx: &mut Thread, a: Handle, b: Handle) -> Outcome {
    if cx.get(a).str().is_some() && cx.get(b).str().is_some() {
        return strings::concat(cx, a, b);
    }
    let message = format!("++: cannot concatenate {} and {}", cx.describe(a), cx.describe(b));
    Err(cx.throw(ErrorKind::TypeError, message))
}

/// Roots the first `count` words of the spill area.
fn spilled(cx: &Thread, count: u64) -> Vec<Handle> {
    (0..count as usize).map(|i| cx.root(cx.spilled_arg(i))).collect()
}

/// `[…]`
pub fn make_vector(cx: &mut Thread, count: u64) -> Outcome {
    let elements = spilled(cx, count);
    vector::of(cx, &elements)
}

/// `{…}`: keys and values in turn.
pub fn make_map(cx: &mut Thread, count: u64) -> Outcome {
    let entries = spilled(cx, count);
    let builder = map::Builder::new(cx)?;
    for entry in entries.chunks_exact(2) {
        builder.put(cx, entry[0], entry[1])?;
    }
    builder.finish(cx)
}

/// `#{…}`
pub fn make_set(cx: &mut Thread, count: u64) -> Outcome {
    let members = spilled(cx, count);
    let builder = map::Builder::new(cx)?;
    for member in members {
        super::builtins::maps::add(cx, &builder, member)?;
    }
    let map = builder.finish(cx)?;
    set::from_map(cx, map)
}

/// `"…${…}…"`
pub fn interpolate(cx: &mut Thread, count: u64) -> Outcome {
    let pieces = spilled(cx, count);
    let mut out = String::new();
    for piece in pieces {
        format::append(cx, &mut out, piece, Style::Display)?;
    }
    strings::of(cx, &out)
}

/// A builder for vectors, maps and sets with more elements than the spill area holds.
pub fn literal_start(cx: &mut Thread) -> Outcome {
    List::new(cx, 0).map(|list| list.0)
}

/// Adds a value to such a builder; gives the builder.
pub fn literal_push(cx: &mut Thread, list: Handle, value: Handle) -> Outcome {
    List(list).push(cx, value)?;
    Ok(list)
}

/// The vector of such a builder.
pub fn literal_vector(cx: &mut Thread, list: Handle) -> Outcome {
    List(list).finish(cx)
}

/// The map of such a builder, which holds keys and values in turn.
pub fn literal_map(cx: &mut Thread, list: Handle) -> Outcome {
    let builder = map::Builder::new(cx)?;
    let n = List(list).len(cx);
    for i in (1..n).step_by(2) {
        let mark = cx.mark();
        let (slots, _) = List::view(cx.get(list));
        let (key, value) = (cx.root(slots.get(i - 1)), cx.root(slots.get(i)));
        builder.put(cx, key, value)?;
        cx.release(mark);
    }
    builder.finish(cx)
}

/// The set of such a builder.
pub fn literal_set(cx: &mut Thread, list: Handle) -> Outcome {
    let builder = map::Builder::new(cx)?;
    for i in 0..List(list).len(cx) {
        let mark = cx.mark();
        let member = cx.root(List::view(cx.get(list)).0.get(i));
        super::builtins::maps::add(cx, &builder, member)?;
        cx.release(mark);
    }
    let map = builder.finish(cx)?;
    set::from_map(cx, map)
}
