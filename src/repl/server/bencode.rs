//! bencode, the form of nREPL's messages: numbers, texts with their length before them, lists and maps.
//!
//! Owns what a message may be: how long, how deep, of how many parts. Memory is taken only for what has come.

use std::collections::BTreeMap;
use std::io::Read;

/// The most that a message may take: its texts, and [`PART`] for each of its parts.
const MOST: usize = 16 << 20;
/// What a part takes in memory, at least.
const PART: usize = 64;
/// How deep lists and maps may be in each other.
const DEEPEST: usize = 32;
/// A number or length has no more digits.
const DIGITS: usize = 19;

/// A message, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Int(i64),
    /// A text, or other bytes.
    Text(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A map; its keys are texts.
    Map(BTreeMap<String, Value>),
}

/// Why there is no message.
#[derive(Debug)]
pub enum Wrong {
    /// What came is none.
    Malformed(String),
    /// Nothing more can be read.
    Ended,
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.as_bytes().to_vec())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text.into_bytes())
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(parts: I) -> Value {
        Value::List(parts.into_iter().map(Into::into).collect())
    }
}

impl Value {
    /// A map with these entries.
    pub fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
        Value::Map(entries.into_iter().map(|(key, value)| (key.to_string(), value)).collect())
    }

    /// The entry of a map.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(entries) => entries.get(key),
            _ => None,
        }
    }

    /// Appends it as it is sent.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let text = |text: &[u8], out: &mut Vec<u8>| {
            out.extend_from_slice(format!("{}:", text.len()).as_bytes());
            out.extend_from_slice(text);
        };
        match self {
            Value::Int(i) => out.extend_from_slice(format!("i{i}e").as_bytes()),
            Value::Text(bytes) => text(bytes, out),
            Value::List(parts) => {
                out.push(b'l');
                parts.iter().for_each(|part| part.encode(out));
                out.push(b'e');
            }
            Value::Map(entries) => {
                out.push(b'd');
                for (key, value) in entries {
                    text(key.as_bytes(), out);
                    value.encode(out);
                }
                out.push(b'e');
            }
        }
    }
}

/// Takes messages out of what can be read.
pub struct Decoder<R> {
    from: R,
    /// What was read, and how much of it was taken.
    bytes: Vec<u8>,
    taken: usize,
    /// How much the present message may still take.
    left: usize,
}

impl<R: Read> Decoder<R> {
    /// Reads from there.
    pub fn new(from: R) -> Decoder<R> {
        Decoder { from, bytes: Vec::new(), taken: 0, left: 0 }
    }

    /// The next message; none at the end.
    pub fn message(&mut self) -> Result<Option<Value>, Wrong> {
        self.left = MOST;
        match self.byte()? {
            Some(first) => self.value(first, 0).map(Some),
            None => Ok(None),
        }
    }

    fn value(&mut self, first: u8, depth: usize) -> Result<Value, Wrong> {
        self.take(PART)?;
        if depth > DEEPEST {
            return Err(malformed(format!("more than {DEEPEST} lists and maps in each other")));
        }
        match first {
            b'i' => {
                let digits = self.digits(None, b'e')?;
                digits.parse().map(Value::Int).map_err(|_| malformed(format!("`{digits}` is no number")))
            }
            b'0'..=b'9' => self.text(first).map(Value::Text),
            b'l' => {
                let mut parts = Vec::new();
                loop {
                    match self.expected()? {
                        b'e' => return Ok(Value::List(parts)),
                        first => parts.push(self.value(first, depth + 1)?),
                    }
                }
            }
            b'd' => {
                let mut entries = BTreeMap::new();
                loop {
                    let key = match self.expected()? {
                        b'e' => return Ok(Value::Map(entries)),
                        first @ b'0'..=b'9' => self.text(first)?,
                        other => return Err(malformed(format!("a key begins with its length, got {}", shown(other)))),
                    };
                    let key = String::from_utf8(key).map_err(|_| malformed("a key that is not UTF-8".into()))?;
                    let first = self.expected()?;
                    entries.insert(key, self.value(first, depth + 1)?);
                }
            }
            other => Err(malformed(format!("expected `d`, `l`, `i` or a length, got {}", shown(other)))),
        }
    }

    /// The text whose length begins with this digit.
    fn text(&mut self, first: u8) -> Result<Vec<u8>, Wrong> {
        let digits = self.digits(Some(first), b':')?;
        let length = digits.parse::<usize>().map_err(|_| malformed(format!("`{digits}` is no length")))?;
        self.take(length)?;
        let mut text = Vec::new();
        while text.len() < length {
            if self.taken == self.bytes.len() && !self.fill()? {
                return Err(Wrong::Ended);
            }
            let end = self.bytes.len().min(self.taken + length - text.len());
            text.extend_from_slice(&self.bytes[self.taken..end]);
            self.taken = end;
        }
        Ok(text)
    }

    /// Digits, with their sign, up to their end.
    fn digits(&mut self, first: Option<u8>, end: u8) -> Result<String, Wrong> {
        let mut digits: String = first.map(char::from).into_iter().collect();
        loop {
            match self.expected()? {
                byte if byte == end => return Ok(digits),
                byte if digits.len() <= DIGITS && (byte.is_ascii_digit() || byte == b'-') => digits.push(byte.into()),
                other => {
                    let end = char::from(end);
                    return Err(malformed(format!(
                        "expected a digit or `{end}` behind `{digits}`, got {}",
                        shown(other)
                    )));
                }
            }
        }
    }

    fn take(&mut self, bytes: usize) -> Result<(), Wrong> {
        self.left = self
            .left
            .checked_sub(bytes)
            .ok_or_else(|| malformed(format!("a message of more than {} MB, or of too many parts", MOST >> 20)))?;
        Ok(())
    }

    fn expected(&mut self) -> Result<u8, Wrong> {
        self.byte()?.ok_or(Wrong::Ended)
    }

    fn byte(&mut self) -> Result<Option<u8>, Wrong> {
        if self.taken == self.bytes.len() && !self.fill()? {
            return Ok(None);
        }
        self.taken += 1;
        Ok(Some(self.bytes[self.taken - 1]))
    }

    /// Reads on, when all is taken; false at the end.
    fn fill(&mut self) -> Result<bool, Wrong> {
        self.bytes.resize(16 << 10, 0);
        self.taken = 0;
        let got = self.from.read(&mut self.bytes);
        self.bytes.truncate(*got.as_ref().unwrap_or(&0));
        got.map(|got| got > 0).map_err(|_| Wrong::Ended)
    }
}

fn malformed(why: String) -> Wrong {
    Wrong::Malformed(why)
}

fn shown(byte: u8) -> String {
    format!("`{}`", std::ascii::escape_default(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Result<Option<Value>, String> {
        Decoder::new(bytes).message().map_err(|wrong| match wrong {
            Wrong::Malformed(why) => why,
            Wrong::Ended => "end of file".into(),
        })
    }

    #[test]
    fn what_is_encoded_can_be_decoded() {
        let text = "d4:codel3:a b0:4:\u{e4}\u{f6}e2:idi-7e2:opd1:xleee";
        let value = decoded(text.as_bytes()).expect("well-formed").expect("a message");
        let mut out = Vec::new();
        value.encode(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), text);
        assert_eq!(value.get("id"), Some(&Value::Int(-7)));
        assert_eq!(decoded(b""), Ok(None));
    }

    #[test]
    fn messages_come_one_after_the_other() {
        let mut decoder = Decoder::new(&b"i1e2:abde"[..]);
        let mut next = || decoder.message().expect("well-formed");
        assert_eq!(next(), Some(Value::Int(1)));
        assert_eq!(next(), Some("ab".into()));
        assert_eq!(next(), Some(Value::map([])));
        assert_eq!(next(), None);
    }

    #[test]
    fn what_is_malformed_says_why() {
        let deep = "l".repeat(100_000);
        let many = format!("l{}", "le".repeat(1 << 20));
        for (text, why) in [
            ("x", "expected `d`"),
            ("GET / HTTP/1.1\r\n", "got `G`"),
            ("\u{e4}", "got `\\xc3`"),
            ("i1-e", "no number"),
            ("ie", "no number"),
            ("i99999999999999999999999e", "expected a digit"),
            ("i9999999999999999999e", "no number"),
            ("9999999999999999999:", "more than 16 MB"),
            ("17000000:", "more than 16 MB"),
            ("d1:ai1", "end of file"),
            ("5:abc", "end of file"),
            ("di1ei2ee", "a key begins with its length"),
            (&deep, "more than 32"),
            (&many, "too many parts"),
        ] {
            assert!(decoded(text.as_bytes()).is_err_and(|e| e.contains(why)), "{why}: {:?}", decoded(text.as_bytes()));
        }
        assert!(decoded(b"d1:\xffi1ee").is_err_and(|e| e.contains("UTF-8")));
    }
}
