//! Numbers from text.
//!
//! `parse-int` and `parse-float` take exactly a number, without space around it; `to-number` takes what a program could
//! write as a number, with a sign.

use dashu_int::IBig;

/// A number that a text is.
#[derive(Clone, PartialEq, Debug)]
pub enum Parsed {
    /// An Int.
    Int(IBig),
    /// A Float.
    Float(f64),
}

/// An Int in digits of a base (2 to 36) with an optional sign.
pub fn int(text: &str, base: u32) -> Option<IBig> {
    let (negative, digits) = sign(text);
    radix(negative, digits, base)
}

/// A Float: digits with an optional point and exponent, `infinity`, `nan`; with an optional sign.
pub fn float(text: &str) -> Option<f64> {
    let (negative, rest) = sign(text);
    let magnitude = match rest {
        "infinity" => f64::INFINITY,
        "nan" | "NaN" => f64::NAN,
        _ if is_float(rest) => rest.parse().ok()?,
        _ => return None,
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// A number as a program may write it: decimal, `0x`, `0o`, `0b`, `_` between digits, Floats; with an optional sign.
pub fn number(text: &str) -> Option<Parsed> {
    let (negative, rest) = sign(text);
    let base = match rest.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0o" | "0O") => 8,
        Some("0b" | "0B") => 2,
        _ => 10,
    };
    let digits = if base == 10 { rest } else { &rest[2..] };
    let plain = without_underscores(digits)?;
    if let Some(i) = radix(negative, &plain, base) {
        return Some(Parsed::Int(i));
    }
    if base != 10 || plain.starts_with(['+', '-']) {
        return None;
    }
    float(&plain).map(|f| Parsed::Float(if negative { -f } else { f }))
}

fn sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn radix(negative: bool, digits: &str, base: u32) -> Option<IBig> {
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    // Twelve digits to base 36 fit 64 bits.
    let magnitude = if digits.len() <= 12 {
        IBig::from(u64::from_str_radix(digits, base).ok()?)
    } else {
        IBig::from_str_radix(digits, base).ok()?
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// The text without the underscores that stand between digits; none when one stands elsewhere.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit = |i: Option<usize>| i.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_hexdigit);
    let mut out = String::with_capacity(text.len());
    for (i, c) in text.char_indices() {
        if c != '_' {
            out.push(c);
        } else if !(digit(i.checked_sub(1)) && digit(Some(i + 1))) {
            return None;
        }
    }
    Some(out)
}

/// `digits [. digits] [e [sign] digits]` with a digit before or after the point.
fn is_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits(0);
    let mut at = whole;
    let mut fraction = 0;
    if bytes.get(at) == Some(&b'.') {
        fraction = digits(at + 1);
        at += 1 + fraction;
        if fraction == 0 {
            return false;
        }
    }
    if whole + fraction == 0 {
        return false;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        let exponent = digits(at);
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    at == bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints() {
        assert_eq!(int("42", 10), Some(IBig::from(42)));
        assert_eq!(int("-007", 10), Some(IBig::from(-7)));
        assert_eq!(int("+1", 10), Some(IBig::from(1)));
        assert_eq!(
            int("123456789012345678901234567890", 10).map(|i| i.to_string()).as_deref(),
            Some("123456789012345678901234567890")
        );
        for bad in ["", "-", " 1", "1 ", "1.0", "0x10", "1_0", "--1", "٣", "1e3"] {
            assert_eq!(int(bad, 10), None, "{bad}");
        }
    }

    #[test]
    fn floats() {
        for (text, f) in [
            ("1", 1.0),
            ("-2.5", -2.5),
            (".5", 0.5),
            ("1e3", 1000.0),
            ("1.5E-2", 0.015),
            ("-infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(float(text), Some(f), "{text}");
        }
        assert!(float("nan").is_some_and(f64::is_nan));
        for bad in ["", ".", "1.", "e5", "1e", "1e+", "inf", "1.5x", " 1", "- 1", "1__0", "+-1"] {
            assert_eq!(float(bad), None, "{bad}");
        }
    }

    #[test]
    fn literals() {
        assert_eq!(number("-0xFF"), Some(Parsed::Int(IBig::from(-255))));
        assert_eq!(number("1_000"), Some(Parsed::Int(IBig::from(1000))));
        assert_eq!(number("0b101"), Some(Parsed::Int(IBig::from(5))));
        assert_eq!(number("6.02e23"), Some(Parsed::Float(6.02e23)));
        for bad in ["abc", "", "_1", "1_", "0x", "0b2", "--1", "-+1.5", "0x1.5", "1 2"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
