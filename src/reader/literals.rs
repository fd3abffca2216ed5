//! Numbers and escapes: how they are written, and what they mean.
//!
//! Owns the conversion of literal texts to values. It must not know of tokens or trees.

use super::lexer::Kind;

/// The smallest Int that fits a word.
pub const MIN_INT: i64 = -(1 << 60);
/// The largest Int that fits a word.
pub const MAX_INT: i64 = (1 << 60) - 1;

/// A number literal's value.
#[derive(Debug, Clone)]
#[cfg_attr(test, derive(PartialEq))]
pub enum Number {
    /// An Int that fits a word.
    Small(i64),
    /// The decimal digits of a larger one.
    Big(String),
    /// A Float.
    Float(f64),
}

/// Finds the end of the number at `start`: its kind, its end, and what is wrong with it.
pub fn scan_number(bytes: &[u8], start: usize) -> (Kind, usize, Option<&'static str>) {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let mut wrong = None;
    let base: fn(&u8) -> bool = match (byte(start), byte(start + 1)) {
        (b'0', b'x' | b'X') => u8::is_ascii_hexdigit,
        (b'0', b'o' | b'O') => |b| (b'0'..=b'7').contains(b),
        (b'0', b'b' | b'B') => |b| matches!(b, b'0' | b'1'),
        _ => {
            let mut at = digits(bytes, start, u8::is_ascii_digit, &mut wrong);
            let mut kind = Kind::Int;
            if byte(at) == b'.' && byte(at + 1).is_ascii_digit() {
                kind = Kind::Float;
                at = digits(bytes, at + 1, u8::is_ascii_digit, &mut wrong);
            }
            if matches!(byte(at), b'e' | b'E') {
                let sign = usize::from(matches!(byte(at + 1), b'+' | b'-'));
                if byte(at + 1 + sign).is_ascii_digit() {
                    kind = Kind::Float;
                    at = digits(bytes, at + 1 + sign, u8::is_ascii_digit, &mut wrong);
                } else if at + 1 + sign == bytes.len() {
                    at += 1 + sign;
                    wrong = wrong.or(Some("an exponent without digits"));
                }
            }
            return (kind, at, wrong);
        }
    };
    let end = digits(bytes, start + 2, base, &mut wrong);
    if !bytes[start + 2..end].iter().any(base) {
        wrong = Some("a number without digits");
    } else if byte(end).is_ascii_digit() {
        wrong = Some("a digit that this base does not have");
    }
    (Kind::Int, end, wrong)
}

fn digits(bytes: &[u8], start: usize, digit: fn(&u8) -> bool, wrong: &mut Option<&'static str>) -> usize {
    let length = bytes[start..].iter().position(|b| !digit(b) && *b != b'_').unwrap_or(bytes.len() - start);
    if length > 0 && bytes[start + length - 1] == b'_' {
        *wrong = Some("a number that ends in `_`");
    }
    start + length
}

/// The value of an Int literal that [`scan_number`] found right.
pub fn int_value(text: &str) -> Number {
    let (radix, body) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'o' | b'O', ..] => (8, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        _ => (10, text),
    };
    let mut value: i64 = 0;
    for digit in body.bytes().filter(|b| *b != b'_').map(|b| (b as char).to_digit(radix).unwrap_or(0)) {
        value = match value.checked_mul(i64::from(radix)).and_then(|v| v.checked_add(i64::from(digit))) {
            Some(value) if value <= MAX_INT => value,
            _ => return Number::Big(big_digits(body, radix)),
        };
    }
    Number::Small(value)
}

fn big_digits(body: &str, radix: u32) -> String {
    let plain: String = body.chars().filter(|c| *c != '_').collect();
    if radix == 10 {
        return plain.trim_start_matches('0').to_string();
    }
    dashu_int::UBig::from_str_radix(&plain, radix).map(|n| n.to_string()).unwrap_or_default()
}

/// The value of a Float literal that [`scan_number`] found right.
pub fn float_value(text: &str) -> f64 {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    plain.parse().unwrap_or(f64::NAN)
}

/// The number with its sign turned; Ints move between the two forms at the edge of the 61 bits.
pub fn negate(number: Number) -> Number {
    match number {
        Number::Small(MIN_INT) => Number::Big((1u64 << 60).to_string()),
        Number::Small(value) => Number::Small(-value),
        Number::Big(digits) => match digits.strip_prefix('-') {
            Some(positive) => Number::Big(positive.to_string()),
            None if digits == "1152921504606846976" => Number::Small(MIN_INT),
            None => Number::Big(format!("-{digits}")),
        },
        Number::Float(value) => Number::Float(-value),
    }
}

/// Reads the escape whose backslash is at `at`: the character and the end, or the end and what is wrong.
pub fn scan_escape(text: &str, at: usize) -> Result<(char, usize), (usize, String)> {
    let Some(letter) = text[at + 1..].chars().next() else {
        return Err((text.len(), "an escape without a character".into()));
    };
    let end = at + 1 + letter.len_utf8();
    let plain = match letter {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        '\\' | '"' | '\'' | '$' => letter,
        'x' => {
            let digits: usize = text.as_bytes()[end..].iter().take(2).take_while(|b| b.is_ascii_hexdigit()).count();
            if digits < 2 {
                return Err((end + digits, "`\\x` takes two hexadecimal digits".into()));
            }
            let value = u32::from_str_radix(&text[end..end + 2], 16).unwrap_or(0);
            return Ok((char::from_u32(value).unwrap_or('\0'), end + 2));
        }
        'u' => {
            let rest = &text[end..];
            let inner = rest.strip_prefix('{').map(|r| {
                let digits = r.bytes().take_while(u8::is_ascii_hexdigit).count();
                (&r[..digits], r[digits..].starts_with('}'))
            });
            return match inner {
                Some((digits, true)) => {
                    let stop = end + digits.len() + 2;
                    u32::from_str_radix(digits, 16)
                        .ok()
                        .and_then(char::from_u32)
                        .map(|c| (c, stop))
                        .ok_or_else(|| (stop, format!("`\\u{{{digits}}}` is no code point")))
                }
                Some((digits, false)) => {
                    Err((end + 1 + digits.len(), "`\\u{` takes hexadecimal digits and a `}`".into()))
                }
                None => Err((end, "`\\u` takes a code point in braces, as in `\\u{1F600}`".into())),
            };
        }
        other => return Err((end, format!("`\\{}` is no escape", other.escape_debug()))),
    };
    Ok((plain, end))
}

/// The text that the inside of a string literal stands for: escapes resolved, CRLF read as LF.
pub fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut at = 0;
    while let Some(ahead) = raw.as_bytes()[at..].iter().position(|b| matches!(b, b'\\' | b'\r')) {
        out.push_str(&raw[at..at + ahead]);
        at += ahead;
        if raw.as_bytes()[at] == b'\r' {
            if raw.as_bytes().get(at + 1) != Some(&b'\n') {
                out.push('\r');
            }
            at += 1;
            continue;
        }
        match scan_escape(raw, at) {
            Ok((c, end)) => {
                out.push(c);
                at = end;
            }
            Err((end, _)) => at = end,
        }
    }
    out.push_str(&raw[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_grow_at_the_edge_of_61_bits() {
        assert_eq!(int_value("1152921504606846975"), Number::Small(MAX_INT));
        assert_eq!(int_value("1152921504606846976"), Number::Big("1152921504606846976".into()));
        assert_eq!(negate(int_value("1152921504606846976")), Number::Small(MIN_INT));
        assert_eq!(negate(Number::Small(MIN_INT)), Number::Big("1152921504606846976".into()));
        assert_eq!(negate(negate(int_value("99999999999999999999"))), int_value("99999999999999999999"));
        assert_eq!(int_value("0xFFFF_FFFF_FFFF_FFFF"), Number::Big("18446744073709551615".into()));
        assert_eq!(int_value("0007"), Number::Small(7));
        assert_eq!(int_value("00099999999999999999999"), Number::Big("99999999999999999999".into()));
    }

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(unescape(r#"a\n\t\0\\\"\'\$\x41\u{1F600}"#), "a\n\t\0\\\"'$A\u{1F600}");
        assert_eq!(unescape("a\r\nb\rc"), "a\nb\rc");
        assert!(scan_escape(r"\q", 0).is_err());
        assert!(scan_escape(r"\x4", 0).is_err());
        assert!(scan_escape(r"\u{110000}", 0).is_err());
        assert!(scan_escape(r"\u{}", 0).is_err());
    }
}
