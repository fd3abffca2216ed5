//! Numbers as text of a wanted form: fixed decimals, other bases, groups of digits, width.
//!
//! Owns what `format-number` writes. Must not know where the wishes come from.

use dashu_int::fmt::InRadix;
use dashu_int::{IBig, Sign};

use super::Number;
use super::float::to_text;

/// The most decimals, and the largest width, that can be asked for.
pub const MOST: usize = 10_000;

/// How a number is to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Form {
    /// Digits behind the point: rounded to the nearest, an exact half to the even digit. None: as many as the number has.
    pub decimals: Option<usize>,
    /// The base of an Int, from 2 to 36.
    pub base: u8,
    /// Digits beyond 9 in capital letters.
    pub upper: bool,
    /// What stands between groups of digits (three; four in bases other than 10).
    pub group: String,
    /// A `+` before what is not negative.
    pub plus: bool,
    /// The least number of characters.
    pub width: usize,
    /// What fills up to the width: between sign and digits for `0`, else before both.
    pub fill: char,
}

impl Default for Form {
    fn default() -> Form {
        Form { decimals: None, base: 10, upper: false, group: String::new(), plus: false, width: 0, fill: ' ' }
    }
}

impl Form {
    /// How long the text of an Int of so many limbs is at most, but for what [`MOST`] bounds.
    pub fn longest(&self, limbs: usize) -> usize {
        let digits = limbs.saturating_mul(64usize.div_ceil(self.base.ilog2() as usize));
        digits.saturating_add((digits / 3).saturating_mul(self.group.len()))
    }
}

/// The text of a number; none for a Float in another base than 10.
pub fn text(number: Number<'_>, form: &Form) -> Option<String> {
    let (negative, digits) = match number {
        Number::Float(_) if form.base != 10 => return None,
        Number::Float(f) => float_digits(f, form),
        Number::Int(i) => (i < 0, int_digits(&IBig::from(i.unsigned_abs()), form)),
        Number::Big(negative, limbs) => (negative, int_digits(&super::big(false, limbs), form)),
    };
    let sign = match (negative, form.plus) {
        (true, _) => "-",
        (false, true) => "+",
        (false, false) => "",
    };
    let missing = form.width.saturating_sub(sign.len() + digits.chars().count());
    let filling: String = std::iter::repeat_n(form.fill, missing).collect();
    Some(if form.fill == '0' { format!("{sign}{filling}{digits}") } else { format!("{filling}{sign}{digits}") })
}

/// Sign and digits of a Float.
fn float_digits(f: f64, form: &Form) -> (bool, String) {
    if !f.is_finite() {
        return (f == f64::NEG_INFINITY, to_text(f.abs()));
    }
    let digits = match form.decimals {
        Some(n) => format!("{:.n$}", f.abs()),
        None => to_text(f.abs()),
    };
    let whole = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    (f.is_sign_negative(), grouped(&digits[..whole], 3, &form.group) + &digits[whole..])
}

/// The digits of an Int that is not negative.
fn int_digits(magnitude: &IBig, form: &Form) -> String {
    debug_assert!(magnitude.sign() == Sign::Positive);
    let digits = match form.base {
        10 => magnitude.to_string(),
        base => in_radix(magnitude.in_radix(base), form.upper),
    };
    let mut text = grouped(&digits, if form.base == 10 { 3 } else { 4 }, &form.group);
    if let Some(n @ 1..) = form.decimals {
        text.push('.');
        text.extend(std::iter::repeat_n('0', n));
    }
    text
}

fn in_radix(number: InRadix<'_>, upper: bool) -> String {
    // The alternate form writes capital letters.
    if upper { format!("{number:#}") } else { number.to_string() }
}

/// ASCII digits with a separator between groups of `size`, counted from the end.
fn grouped(digits: &str, size: usize, separator: &str) -> String {
    if separator.is_empty() {
        return digits.to_owned();
    }
    let mut out = String::with_capacity(digits.len() + digits.len() / size * separator.len());
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(size) {
            out.push_str(separator);
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let plain = Form::default();
        let decimals = |n| Form { decimals: Some(n), ..plain.clone() };
        let hex = Form { base: 16, ..plain.clone() };
        let grouped = Form { group: ",".into(), ..decimals(1) };
        let filled = Form { width: 6, fill: '0', ..decimals(1) };
        let cases: &[(Number<'_>, &Form, &str)] = &[
            (Number::Float(2.345), &decimals(2), "2.35"),
            (Number::Float(0.5), &decimals(0), "0"),
            (Number::Float(1e21), &decimals(1), "1000000000000000000000.0"),
            (Number::Float(-0.001), &decimals(2), "-0.00"),
            (Number::Float(f64::NEG_INFINITY), &decimals(2), "-infinity"),
            (Number::Int(7), &decimals(2), "7.00"),
            (Number::Int(-255), &hex, "-ff"),
            (Number::Int(255), &Form { upper: true, ..hex.clone() }, "FF"),
            (Number::Int(0x12345), &Form { group: "_".into(), ..hex.clone() }, "1_2345"),
            (Number::Float(1234567.25), &grouped, "1,234,567.2"),
            (Number::Int(-123456), &Form { group: ",".into(), ..plain.clone() }, "-123,456"),
            (Number::Float(-1.5), &filled, "-001.5"),
            (Number::Float(-1.5), &Form { fill: ' ', ..filled.clone() }, "  -1.5"),
            (Number::Int(5), &Form { plus: true, ..plain.clone() }, "+5"),
            (Number::Big(true, &[0, 1]), &hex, "-10000000000000000"),
        ];
        for (number, form, expected) in cases {
            assert_eq!(text(*number, form).as_deref(), Some(*expected), "{number:?} {form:?}");
        }
        assert_eq!(text(Number::Float(1.0), &hex), None);
        for base in [2, 3, 8, 10, 36] {
            let form = Form { base, group: "..".into(), ..plain.clone() };
            let long = text(Number::Big(false, &[u64::MAX; 20]), &form).map_or(0, |text| text.len());
            assert!(long > 0 && long <= form.longest(20), "{long} in base {base}");
        }
    }
}
