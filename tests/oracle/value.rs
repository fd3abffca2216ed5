//! The values of the evaluator.

use super::ast::{Function, WAYS};
use dashu_int::IBig;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

pub type Env = HashMap<u32, Rc<RefCell<V>>>;

#[derive(Clone, Debug)]
pub enum V {
    Int(IBig),
    Float(f64),
    Bool(bool),
    Null,
    Keyword(&'static str),
    Str(Rc<str>),
    Vector(Rc<Vec<V>>),
    Array(Rc<RefCell<Vec<V>>>),
    Pair(Rc<RefCell<[V; 2]>>),
    Way(usize, Rc<Vec<V>>),
    Function(Rc<Function>, Rc<Env>),
    /// A fault of the runtime, by its kind.
    Fault(&'static str),
}

pub fn int(n: i64) -> V {
    V::Int(IBig::from(n))
}

/// A value that the evaluator does not print, or that has become too large: the function is thrown away.
#[derive(Debug)]
pub struct TooMuch;

pub fn float(f: f64) -> String {
    if f.is_nan() {
        return "NaN".into();
    }
    if f.is_infinite() {
        return if f > 0.0 { "infinity" } else { "-infinity" }.into();
    }
    if f == 0.0 || (f.abs() >= 1e-5 && f.abs() < 1e16) {
        let s = to_even(format!("{f}"), &format!("{f:.60}"));
        return if s.contains('.') { s } else { s + ".0" };
    }
    let (shortest, exact) = (format!("{f:e}"), format!("{f:.60e}"));
    let (Some((digits, exponent)), Some((exact, _))) = (shortest.split_once('e'), exact.split_once('e')) else {
        return shortest;
    };
    format!("{}e{exponent}", to_even(digits.into(), exact))
}

/// Of two shortest texts that are equally near to the exact one the even one; `format!` gives the greater.
fn to_even(text: String, exact: &str) -> String {
    let (head, last) = text.split_at(text.len() - 1);
    let Some(below) = last.parse::<u8>().ok().filter(|d| d % 2 == 1).map(|d| format!("{head}{}", d - 1)) else {
        return text;
    };
    if text.contains('.') && exact.trim_end_matches('0') == format!("{below}5") { below } else { text }
}

impl V {
    pub fn truthy(&self) -> bool {
        !matches!(self, V::Null | V::Bool(false))
    }

    /// As a literal of the language.
    pub fn source(&self) -> String {
        match self {
            V::Int(n) if *n < IBig::ZERO => format!("({n})"),
            V::Float(f) if f.is_nan() => "nan".into(),
            V::Float(f) if f.is_sign_negative() => format!("({})", float(*f)),
            V::Str(s) => format!("\"{s}\""),
            _ => self.show(1).unwrap_or_else(|_| "null".into()),
        }
    }

    pub fn show(&self, depth: usize) -> Result<String, TooMuch> {
        if depth > 12 {
            return Err(TooMuch);
        }
        let list = |items: &[V]| -> Result<String, TooMuch> {
            let mut all = Vec::new();
            for v in items {
                all.push(v.show(depth + 1)?);
            }
            let s = all.join(", ");
            if s.len() > 3000 { Err(TooMuch) } else { Ok(s) }
        };
        Ok(match self {
            V::Int(n) => n.to_string(),
            V::Float(f) => float(*f),
            V::Bool(b) => b.to_string(),
            V::Null => "null".into(),
            V::Keyword(k) => format!(":{k}"),
            V::Str(s) if depth == 0 => s.to_string(),
            V::Str(s) => format!("\"{}\"", s.replace('\\', "\\\\").replace('"', "\\\"")),
            V::Vector(items) => format!("[{}]", list(items)?),
            V::Array(items) => format!("array[{}]", list(&items.borrow())?),
            V::Pair(f) => {
                let f = f.borrow();
                format!("Pair {{ a: {}, b: {} }}", f[0].show(depth + 1)?, f[1].show(depth + 1)?)
            }
            V::Way(k, fields) => {
                let (name, names) = WAYS[*k];
                let mut all = Vec::new();
                for (n, v) in names.iter().zip(fields.iter()) {
                    all.push(format!("{n}: {}", v.show(depth + 1)?));
                }
                if all.is_empty() { format!("Way.{name}") } else { format!("Way.{name} {{ {} }}", all.join(", ")) }
            }
            V::Function(..) | V::Fault(_) => return Err(TooMuch),
        })
    }
}

pub fn to_f64(n: &IBig) -> f64 {
    n.to_f64().value()
}

/// Int against Float, exactly; `None` for NaN.
pub fn order(a: &V, b: &V) -> Option<Option<std::cmp::Ordering>> {
    if let (V::Vector(x), V::Vector(y)) = (a, b) {
        // The first elements that differ decide, else the lengths.
        for (x, y) in x.iter().zip(y.iter()) {
            match order(x, y)? {
                Some(std::cmp::Ordering::Equal) => {}
                decided => return Some(decided),
            }
        }
        return Some(Some(x.len().cmp(&y.len())));
    }
    Some(match (a, b) {
        (V::Int(a), V::Int(b)) => Some(a.cmp(b)),
        (V::Float(a), V::Float(b)) => a.partial_cmp(b),
        (V::Int(a), V::Float(b)) => int_float(a, *b),
        (V::Float(a), V::Int(b)) => int_float(b, *a).map(std::cmp::Ordering::reverse),
        (V::Str(a), V::Str(b)) => Some(a.cmp(b)),
        (V::Keyword(a), V::Keyword(b)) => Some(a.cmp(b)),
        _ => return None,
    })
}

fn int_float(a: &IBig, b: f64) -> Option<std::cmp::Ordering> {
    use std::cmp::Ordering::*;
    if b.is_nan() {
        return None;
    }
    if b.is_infinite() {
        return Some(if b > 0.0 { Less } else { Greater });
    }
    let whole = IBig::try_from(b.trunc()).expect("finite");
    Some(match a.cmp(&whole) {
        Equal if b.fract() > 0.0 => Less,
        Equal if b.fract() < 0.0 => Greater,
        o => o,
    })
}

pub fn equal(a: &V, b: &V, depth: usize) -> Result<bool, TooMuch> {
    if depth > 30 {
        return Err(TooMuch);
    }
    let all = |a: &[V], b: &[V]| -> Result<bool, TooMuch> {
        if a.len() != b.len() {
            return Ok(false);
        }
        for (x, y) in a.iter().zip(b) {
            if !equal(x, y, depth + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    Ok(match (a, b) {
        (V::Int(_) | V::Float(_), V::Int(_) | V::Float(_)) => order(a, b) == Some(Some(std::cmp::Ordering::Equal)),
        (V::Bool(a), V::Bool(b)) => a == b,
        (V::Null, V::Null) => true,
        (V::Keyword(a), V::Keyword(b)) => a == b,
        (V::Str(a), V::Str(b)) => a == b,
        (V::Vector(a), V::Vector(b)) => all(a, b)?,
        (V::Array(a), V::Array(b)) => all(&a.borrow(), &b.borrow())?,
        (V::Pair(a), V::Pair(b)) => all(&*a.borrow(), &*b.borrow())?,
        (V::Way(i, a), V::Way(k, b)) => i == k && all(a, b)?,
        (V::Function(..), V::Function(..)) => return Err(TooMuch),
        (V::Fault(_), _) | (_, V::Fault(_)) => return Err(TooMuch),
        (V::Vector(_), V::Array(_)) | (V::Array(_), V::Vector(_)) => return Err(TooMuch),
        _ => false,
    })
}
