//! JSON: encoding to compact text, decoding with positions in errors (RFC 8259, strictly).
//!
//! Objects become maps with keyword keys, arrays vectors, numbers without point and exponent Ints of any size. Keywords are
//! written as strings, structs and variants with fields as objects, sets and seqs as arrays.

use std::fmt::Write;

use super::open::Open;
use super::{format, room, strings};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::object::layout::{self, FIRST_USER_LAYOUT};
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::program::keywords::Keywords;
use crate::runtime::program::methods::Method;
use crate::runtime::program::present;
use crate::runtime::values::collections::{List, map, vector};
use crate::runtime::values::iterate::Items;
use crate::runtime::values::numbers::{self, Number};

// ---- decoding ----

/// The value of a JSON text. The keys of objects are keywords, or strings.
pub fn decode(cx: &mut Thread, text: &str, string_keys: bool) -> Result<Handle, Thrown> {
    let mut decoder = Decoder { text, at: 0, string_keys };
    let result = decoder.document(cx);
    match result {
        Ok(value) => Ok(value),
        Err(Failure::Thrown(thrown)) => Err(thrown),
        Err(Failure::Syntax(what)) => {
            let before = &text[..decoder.at.min(text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            Err(cx.throw(ErrorKind::JsonError, format!("json-decode: {what} at line {line}, column {column}")))
        }
    }
}

enum Failure {
    Thrown(Thrown),
    Syntax(String),
}

impl From<Thrown> for Failure {
    fn from(thrown: Thrown) -> Failure {
        Failure::Thrown(thrown)
    }
}

fn syntax<T>(what: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Syntax(what.into()))
}

struct Decoder<'a> {
    text: &'a str,
    /// Always between characters.
    at: usize,
    string_keys: bool,
}

impl<'a> Decoder<'a> {
    fn document(&mut self, cx: &mut Thread) -> Result<Handle, Failure> {
        let value = self.value(cx)?;
        match self.peek() {
            None => Ok(value),
            Some(c) => syntax(format!("unexpected `{c}` after the value")),
        }
    }

    /// The next character that is not white space.
    fn peek(&mut self) -> Option<char> {
        let rest = self.text[self.at..].trim_start_matches([' ', '\t', '\n', '\r']);
        self.at = self.text.len() - rest.len();
        rest.chars().next()
    }

    fn unexpected<T>(&mut self, expected: &str) -> Result<T, Failure> {
        match self.peek() {
            Some(c) => syntax(format!("expected {expected}, got `{c}`")),
            None => syntax(format!("expected {expected}, got the end of the text")),
        }
    }

    fn value(&mut self, cx: &mut Thread) -> Result<Handle, Failure> {
        match self.peek() {
            Some('{') => self.object(cx),
            Some('[') => self.array(cx),
            Some('"') => {
                let text = self.string()?;
                Ok(strings::of(cx, &text)?)
            }
            Some('-' | '0'..='9') => self.number(cx),
            _ => {
                for (name, word) in [("true", Word::TRUE), ("false", Word::FALSE), ("null", Word::NULL)] {
                    if self.text[self.at..].starts_with(name) {
                        self.at += name.len();
                        return Ok(cx.root_word(word));
                    }
                }
                self.unexpected("a value")
            }
        }
    }

    fn array(&mut self, cx: &mut Thread) -> Result<Handle, Failure> {
        cx.check_native_stack()?;
        self.at += 1;
        let mark = cx.mark();
        let list = List::new(cx, 0)?;
        if self.peek() == Some(']') {
            self.at += 1;
        } else {
            loop {
                let inner = cx.mark();
                let value = self.value(cx)?;
                list.push(cx, value)?;
                cx.release(inner);
                match self.peek() {
                    Some(',') => self.at += 1,
                    Some(']') => {
                        self.at += 1;
                        break;
                    }
                    _ => return self.unexpected("`,` or `]`"),
                }
            }
        }
        let vector = list.finish(cx)?;
        Ok(cx.keep(mark, vector))
    }

    fn object(&mut self, cx: &mut Thread) -> Result<Handle, Failure> {
        cx.check_native_stack()?;
        self.at += 1;
        let mark = cx.mark();
        let entries = map::Builder::new(cx)?;
        if self.peek() == Some('}') {
            self.at += 1;
        } else {
            loop {
                if self.peek() != Some('"') {
                    return self.unexpected("a key");
                }
                let key = self.string()?;
                if self.peek() != Some(':') {
                    return self.unexpected("`:`");
                }
                self.at += 1;
                let inner = cx.mark();
                let key = match self.string_keys {
                    true => strings::of(cx, &key)?,
                    false => {
                        let keyword = Keywords::made(cx, &key)?;
                        cx.root_word(keyword)
                    }
                };
                let value = self.value(cx)?;
                entries.put(cx, key, value)?;
                cx.release(inner);
                match self.peek() {
                    Some(',') => self.at += 1,
                    Some('}') => {
                        self.at += 1;
                        break;
                    }
                    _ => return self.unexpected("`,` or `}`"),
                }
            }
        }
        let map = entries.finish(cx)?;
        Ok(cx.keep(mark, map))
    }

    fn number(&mut self, cx: &mut Thread) -> Result<Handle, Failure> {
        let text = self.text;
        let rest = &text.as_bytes()[self.at..];
        let digits = |from: usize| rest.get(from..).unwrap_or(&[]).iter().take_while(|b| b.is_ascii_digit()).count();
        let mut len = usize::from(rest[0] == b'-');
        let whole = digits(len);
        if whole == 0 || whole > 1 && rest[len] == b'0' {
            return syntax("malformed number");
        }
        len += whole;
        let mut float = false;
        if rest.get(len) == Some(&b'.') {
            let fraction = digits(len + 1);
            if fraction == 0 {
                return syntax("malformed number");
            }
            len += 1 + fraction;
            float = true;
        }
        if let Some(b'e' | b'E') = rest.get(len) {
            len += 1 + usize::from(matches!(rest.get(len + 1), Some(b'+' | b'-')));
            let exponent = digits(len);
            if exponent == 0 {
                return syntax("malformed number");
            }
            len += exponent;
            float = true;
        }
        let literal = &text[self.at..self.at + len];
        let value = if float {
            match literal.parse::<f64>() {
                Ok(f) if f.is_finite() => cx.alloc_float(f)?,
                _ => return syntax("number out of range"),
            }
        } else {
            let _claim = room::claim(cx, "an Int of digits", numbers::demand::of_parsing(len))?;
            match numbers::parse::int(literal, 10) {
                Some(i) => numbers::new_big(cx, &i)?,
                None => return syntax("malformed number"),
            }
        };
        self.at += len;
        Ok(value)
    }

    /// The string that begins here.
    fn string(&mut self) -> Result<String, Failure> {
        let start = self.at;
        let text = self.text;
        let mut out = String::new();
        let mut rest = &text[start + 1..];
        loop {
            let Some(at) = rest.find(|c: char| c == '"' || c == '\\' || c < ' ') else {
                return syntax("unterminated string");
            };
            out.push_str(&rest[..at]);
            self.at = text.len() - rest.len() + at;
            let mut chars = rest[at..].chars();
            match chars.next() {
                Some('"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some('\\') => {}
                _ => return syntax("control character in a string"),
            }
            match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('b') => out.push('\u{8}'),
                Some('f') => out.push('\u{c}'),
                Some(c @ ('"' | '\\' | '/')) => out.push(c),
                Some('u') => {
                    rest = unicode(chars.as_str(), &mut out)?;
                    continue;
                }
                _ => return syntax("unknown escape in a string"),
            }
            rest = chars.as_str();
        }
    }
}

/// Four hexadecimal digits, and their second half when they are the first of a pair; gives what follows.
fn unicode<'a>(text: &'a str, out: &mut String) -> Result<&'a str, Failure> {
    let hex = |text: &str| {
        let digits = text.get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(code) = hex(text) else { return syntax("malformed `\\u` in a string") };
    let rest = &text[4..];
    if let Some(c) = char::from_u32(code) {
        out.push(c);
        return Ok(rest);
    }
    let low = rest.strip_prefix("\\u").and_then(hex).filter(|low| (0xDC00..0xE000).contains(low));
    match low {
        Some(low) if code < 0xDC00 => {
            let pair = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            out.push(char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER));
            Ok(&rest[6..])
        }
        _ => syntax("half of a surrogate pair in a string"),
    }
}

// ---- encoding ----

/// The JSON text of a value: compact, or with a line for each entry.
pub fn encode(cx: &mut Thread, value: Handle, indent: Option<usize>) -> Result<String, Thrown> {
    let mut encoder = Encoder { out: String::new(), inside: Open::default(), indent, depth: 0 };
    let mark = cx.mark();
    encoder.value(cx, value)?;
    cx.release(mark);
    Ok(encoder.out)
}

struct Encoder {
    out: String,
    /// The values we are inside of.
    inside: Open,
    /// The spaces before each entry and level; none where all stands in one line.
    indent: Option<usize>,
    depth: usize,
}

impl Encoder {
    fn value(&mut self, cx: &mut Thread, value: Handle) -> Result<(), Thrown> {
        self.make_room(cx, value)?;
        let v = cx.get(value);
        if let Some(number) = Number::of(v) {
            if let Number::Float(f) = number
                && !f.is_finite()
            {
                let message = format!("json-encode: {} has no JSON form", numbers::float::to_text(f));
                return Err(cx.throw(ErrorKind::JsonError, message));
            }
            format::write_number(&mut self.out, number);
            return Ok(());
        }
        if let Some(text) = name(v) {
            quote(&mut self.out, text);
            return Ok(());
        }
        match v.layout() {
            layout::NULL => self.out.push_str("null"),
            layout::BOOL => self.out.push_str(if v.word() == Word::TRUE { "true" } else { "false" }),
            _ => {
                cx.check_native_stack()?;
                if !self.inside.enter(cx, value) {
                    return Err(cx.throw(ErrorKind::JsonError, "json-encode: the value contains itself"));
                }
                self.compound(cx, value)?;
                self.inside.leave();
            }
        }
        Ok(())
    }

    /// Room for a text or a number with the indentation before it, and for the small pieces of any other value.
    fn make_room(&mut self, cx: &mut Thread, value: Handle) -> Result<(), Thrown> {
        let v = cx.get(value);
        let bytes = match (name(v), Number::of(v)) {
            (Some(text), _) => room::escaped_length(text, 5, |b| b < b' ' || matches!(b, b'"' | b'\\')),
            (_, Some(Number::Big(_, limbs))) => limbs.len().saturating_mul(20),
            _ => 0,
        };
        let indent = self.indent.unwrap_or(0).saturating_mul(self.depth);
        room::make(cx, &mut self.out, bytes.saturating_add(indent.saturating_mul(2)))
    }

    fn compound(&mut self, cx: &mut Thread, value: Handle) -> Result<(), Thrown> {
        let layout = cx.get(value).layout();
        match layout {
            layout::MAP | layout::MUTABLE_MAP => self.object(cx, value),
            layout::VECTOR
            | layout::ARRAY
            | layout::SET
            | layout::SEQ
            | layout::RANGE
            | layout::MUTABLE_LIST
            | layout::MUTABLE_SET => self.array(cx, value),
            l if l >= FIRST_USER_LAYOUT => {
                if Method::Seq.is_extended(cx.get(value)) || Method::First.is_extended(cx.get(value)) {
                    return self.array(cx, value);
                }
                let Some(info) = cx.vm().types.layout(l) else { return self.refuse(cx, value) };
                if let (Some(variant), true) = (info.variant, info.fields.is_empty()) {
                    quote(&mut self.out, variant);
                    return Ok(());
                }
                self.open('{');
                let mut any = false;
                for shown in present::shown(cx.get(value), info) {
                    let mark = cx.mark();
                    let Some(inner) = shown.value(cx.get(value)).map(|inner| cx.root(inner)) else { continue };
                    self.entry(!any);
                    any = true;
                    quote(&mut self.out, shown.field.name);
                    self.colon();
                    self.value(cx, inner)?;
                    cx.release(mark);
                }
                self.close('}', !any);
                Ok(())
            }
            _ => self.refuse(cx, value),
        }
    }

    fn refuse(&self, cx: &mut Thread, value: Handle) -> Result<(), Thrown> {
        let message = format!("json-encode: {} has no JSON form", cx.describe(value));
        Err(cx.throw(ErrorKind::JsonError, message))
    }

    fn open(&mut self, bracket: char) {
        self.out.push(bracket);
        self.depth += 1;
    }

    fn close(&mut self, bracket: char, empty: bool) {
        self.depth -= 1;
        if !empty {
            self.line();
        }
        self.out.push(bracket);
    }

    /// What stands before an entry.
    fn entry(&mut self, first: bool) {
        if !first {
            self.out.push(',');
        }
        self.line();
    }

    fn line(&mut self) {
        if let Some(indent) = self.indent {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', indent * self.depth));
        }
    }

    fn colon(&mut self) {
        self.out.push_str(if self.indent.is_some() { ": " } else { ":" });
    }

    fn array(&mut self, cx: &mut Thread, coll: Handle) -> Result<(), Thrown> {
        self.open('[');
        let mut items = Items::of(cx, coll)?;
        let mut first = true;
        while let Some(item) = items.next(cx)? {
            self.entry(std::mem::take(&mut first));
            self.value(cx, item)?;
        }
        self.close(']', first);
        Ok(())
    }

    fn object(&mut self, cx: &mut Thread, map: Handle) -> Result<(), Thrown> {
        self.open('{');
        let mut items = Items::of(cx, map)?;
        let mut first = true;
        while let Some(entry) = items.next(cx)? {
            self.entry(std::mem::take(&mut first));
            let e = cx.get(entry);
            let (Some(key), Some(value)) = (vector::get(e, 0), vector::get(e, 1)) else { break };
            let (key, value) = (cx.root(key), cx.root(value));
            self.key(cx, key)?;
            self.colon();
            self.value(cx, value)?;
        }
        self.close('}', first);
        Ok(())
    }

    fn key(&mut self, cx: &mut Thread, key: Handle) -> Result<(), Thrown> {
        self.make_room(cx, key)?;
        let k = cx.get(key);
        if let Some(text) = name(k) {
            quote(&mut self.out, text);
        } else if let Some(number) = Number::of(k) {
            self.out.push('"');
            format::write_number(&mut self.out, number);
            self.out.push('"');
        } else {
            let message =
                format!("json-encode: a key must be a String, a Keyword or a Number, got {}", cx.describe(key));
            return Err(cx.throw(ErrorKind::JsonError, message));
        }
        Ok(())
    }
}

/// The text of a String or Keyword.
fn name(value: Value<'_>) -> Option<&str> {
    match value.as_keyword() {
        Some(index) => Some(value.thread().vm().keywords.text(index)),
        None => value.str(),
    }
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        out.push_str(&rest[..at]);
        let byte = rest.as_bytes()[at];
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            8 => out.push_str("\\b"),
            12 => out.push_str("\\f"),
            // Writing to a String cannot fail.
            _ => _ = write!(out, "\\u{byte:04x}"),
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}
