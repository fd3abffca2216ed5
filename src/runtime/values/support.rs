//! What the builtins of values share: reading arguments, making small results, the usual errors.

use crate::runtime::values::text::format;
use std::fmt::Display;

use super::foreign;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::runtime::fault::advice;
pub use crate::runtime::fault::errors::argument as argument_error;
use crate::runtime::program::builtin::{Args, with_article};
use crate::runtime::program::errors::ErrorKind;
pub use crate::runtime::program::methods::is_seqable;
use crate::runtime::values::equality::TooDeep;
use crate::runtime::values::numbers::Number;

/// What a builtin gives.
pub type Outcome = Result<Handle, Thrown>;

/// `null`
#[inline]
pub fn null(cx: &Thread) -> Outcome {
    Ok(cx.root_word(Word::NULL))
}

/// A Bool.
#[inline]
pub fn bool(cx: &Thread, b: bool) -> Outcome {
    Ok(cx.root_word(Word::bool(b)))
}

/// A Bool, or the error of values that are nested too deeply.
#[inline]
pub fn deep_bool(cx: &mut Thread, result: Result<bool, TooDeep>) -> Outcome {
    match result {
        Ok(b) => bool(cx, b),
        Err(deep) => Err(deep.throw(cx)),
    }
}

/// A value that was found, or `null`.
#[inline]
pub fn or_null(cx: &Thread, value: Option<Value<'_>>) -> Outcome {
    match value {
        Some(value) => Ok(cx.root(value)),
        None => null(cx),
    }
}

/// The text of a String argument.
#[inline]
pub fn text<'h>(cx: &'h Thread, args: &Args<'_>, i: usize) -> &'h str {
    cx.get(args[i]).str().unwrap_or("")
}

/// An Int argument that stands for a count: 0 when it is negative, the largest `usize` when it is huge.
#[inline]
pub fn count(cx: &Thread, h: Handle) -> usize {
    match Number::of(cx.get(h)) {
        Some(Number::Int(i)) => usize::try_from(i).unwrap_or(0),
        Some(Number::Big(false, &[n])) => n as usize,
        Some(Number::Big(false, _)) => usize::MAX,
        _ => 0,
    }
}

/// An Int as an index below `len`, if it is one.
#[inline]
pub fn index_below(value: Value<'_>, len: usize) -> Option<usize> {
    value.as_int().and_then(|i| usize::try_from(i).ok()).filter(|&i| i < len)
}

/// Argument `i`, which must be seqable: the entry lets all user types pass.
pub fn seqable(cx: &mut Thread, name: &str, args: &Args<'_>, i: usize) -> Outcome {
    if is_seqable(cx.get(args[i])) {
        return Ok(args[i]);
    }
    Err(no_collection(cx, name, i + 1, args[i]))
}

/// The error of an argument that is no collection.
#[cold]
pub fn no_collection(cx: &mut Thread, name: &str, position: usize, got: Handle) -> Thrown {
    let help = advice::collection(cx, name, position, got);
    argument_error(cx, name, position, "a collection", got, &help)
}

/// The error of an argument of the wrong type.
#[cold]
pub fn wrong_type(cx: &mut Thread, name: &str, position: usize, expected: &str, got: Handle) -> Thrown {
    let help = advice::operand(cx, name, position - 1, got);
    argument_error(cx, name, position, expected, got, &help)
}

/// The error of an index that is out of range.
#[cold]
pub fn out_of_range(cx: &mut Thread, name: &str, index: Handle, what: &str, len: impl Display) -> Thrown {
    let text = index_text(cx, index);
    let len = len.to_string();
    let help = match len.parse::<u64>() {
        _ if name == "get" && text.starts_with('-') => "; last(c) gives the last element".to_string(),
        // One too far: counted from 1, or up to the length.
        Ok(1) if text == len => "; the only index is 0".to_string(),
        Ok(count) if text == len && count > 1 => format!("; the indices are 0 to {}", count - 1),
        _ => String::new(),
    };
    let message = format!("{name}: index {text} is out of range for {} of length {len}{help}", with_article(what));
    cx.throw(ErrorKind::IndexError, message)
}

/// The error of bounds that are out of range.
#[cold]
pub fn bad_bounds(cx: &mut Thread, name: &str, from: Handle, to: Handle, what: &str, len: impl Display) -> Thrown {
    let (from, to) = (index_text(cx, from), index_text(cx, to));
    let help = match [&from, &to].into_iter().find_map(|index| index.strip_prefix('-')) {
        Some(back) => format!("; from the end it is `length(c) - {back}`"),
        None => String::new(),
    };
    let message = format!("{name}: {from} to {to} is out of range for {} of length {len}{help}", with_article(what));
    cx.throw(ErrorKind::IndexError, message)
}

fn index_text(cx: &Thread, index: Handle) -> String {
    let mut out = String::new();
    if let Some(number) = Number::of(cx.get(index)) {
        format::write_number(&mut out, number);
    }
    out
}

/// The name of a value's type.
pub fn type_name(value: Value<'_>) -> &'static str {
    value.thread().vm().types.name_of(value)
}

/// The arguments that `apply` with these arguments calls the first of them with.
pub fn spread(cx: &mut Thread, args: &[Handle]) -> Result<Vec<Handle>, Thrown> {
    let Some((_, before)) = args.get(1..).and_then(<[Handle]>::split_last) else {
        return Err(cx.throw(ErrorKind::ArityError, "apply: takes 2 or more arguments, got 1"));
    };
    let last = seqable(cx, "apply", &Args::new(args, 1), args.len() - 1)?;
    let mut list = before.to_vec();
    foreign::elements(cx, last, &mut list)?;
    Ok(list)
}
