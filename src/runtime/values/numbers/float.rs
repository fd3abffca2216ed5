//! The text of Floats: the shortest that reads back, plain from 1e-5 up to below 1e16.

/// Appends a Float to a text.
pub fn write(out: &mut String, f: f64) {
    if f.is_nan() {
        out.push_str("NaN");
    } else if f.is_infinite() {
        out.push_str(if f > 0.0 { "infinity" } else { "-infinity" });
    } else {
        // The crate writes a sign before every exponent; its limits between plain and exponent form are ours.
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(f);
        let (digits, exponent) = text.split_once("e+").unwrap_or((text, ""));
        out.push_str(digits);
        if !exponent.is_empty() {
            out.push('e');
            out.push_str(exponent);
        }
    }
}

/// The text of a Float.
pub fn to_text(f: f64) -> String {
    let mut out = String::new();
    write(&mut out, f);
    out
}

/// The functions of one Float, for the builtins and for their leaves. Those that are Floats even of an Int beyond all Floats have a
/// second form, for `x * 4^n` (see [`Number::beyond_floats`](super::Number::beyond_floats)).
macro_rules! of_one_float {
    ($make:ident) => {
        $make! {
            to_float = |x| x;
            floor = f64::floor;
            ceil = f64::ceil;
            round = f64::round;
            exp = f64::exp;
            sin = f64::sin;
            cos = f64::cos;
            tan = f64::tan;
            asin = f64::asin;
            acos = f64::acos;
            atan = f64::atan;
            sqrt = f64::sqrt, |x, n| x.sqrt() * n.exp2();
            log = f64::ln, |x, n| x.ln() + n * 4f64.ln();
            log2 = f64::log2, |x, n| x.log2() + n * 2.0;
            log10 = f64::log10, |x, n| x.log10() + n * 4f64.log10();
        }
    };
}
pub(crate) use of_one_float;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_language() {
        for (f, text) in [
            (3.0, "3.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e21, "1e21"),
            (1e-7, "1e-7"),
            (1e16, "1e16"),
            (1e15, "1000000000000000.0"),
            (9999999999999998.0, "9999999999999998.0"),
            (123456789012345680.0, "1.2345678901234568e17"),
            (0.00001, "0.00001"),
            (0.000012345, "0.000012345"),
            (0.0000099, "9.9e-6"),
            (123e-20, "1.23e-18"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e308"),
            (f64::NEG_INFINITY, "-infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(to_text(f), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn reads_back(bits: u64) {
            let f = f64::from_bits(bits);
            if f.is_finite() {
                proptest::prop_assert_eq!(to_text(f).parse::<f64>().map(f64::to_bits), Ok(bits));
            }
        }
    }
}
