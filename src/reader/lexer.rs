//! Text to tokens.
//!
//! Owns the lexical grammar: what is a name, a number, a string, a comment. Works on bytes and looks at whole characters
//! only outside ASCII. It must not know which tokens may follow one another; of brackets it only knows enough to find
//! the end of an interpolation, and to say at the end of the text which bracket is still open.

use super::errors::SyntaxError;
use super::literals;
pub use super::token::{Kind, Token};
use super::tree::Span;

/// What the lexer gives.
#[derive(Debug, Default)]
pub struct Tokens {
    /// The tokens; the last is [`Kind::Eof`].
    pub tokens: Vec<Token>,
    /// Doc comments: the number of the token that follows, and the text.
    pub docs: Vec<(u32, String)>,
    /// What was wrong.
    pub errors: Vec<SyntaxError>,
    /// The brackets still open at the end of the text, when all others were well matched.
    pub open: Vec<Span>,
}

/// Cuts a text into tokens.
pub fn lex(text: &str) -> Tokens {
    let mut lexer = Lexer {
        text,
        bytes: text.as_bytes(),
        at: 0,
        flags: Token::NEWLINE | Token::SPACE,
        out: Tokens::default(),
        brackets: Vec::new(),
        braces: 0,
        mismatch: false,
        doc: None,
    };
    lexer.out.tokens.reserve(text.len() / 5 + 1);
    lexer.run();
    lexer.out
}

/// Types that stand directly behind numbers elsewhere.
/// So many bytes behind a sign are looked at for what it may be part of.
const NEAR: usize = 200;
const TYPES_BEHIND_NUMBERS: [&str; 9] = ["u8", "u32", "u64", "i32", "i64", "usize", "f32", "f64", "L"];

/// An open bracket.
struct Bracket {
    kind: Kind,
    start: u32,
    end: u32,
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    flags: u8,
    out: Tokens,
    brackets: Vec<Bracket>,
    /// How many of them a `}` can close.
    braces: usize,
    mismatch: bool,
    doc: Option<String>,
}

/// Whether a byte may stand in a name, as far as ASCII goes.
const NAME_BYTE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};

impl Lexer<'_> {
    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn char(&self, at: usize) -> Option<char> {
        self.text.get(at..).and_then(|rest| rest.chars().next())
    }

    fn run(&mut self) {
        if self.text.starts_with('\u{feff}') {
            self.at = 3;
        }
        if self.bytes[self.at..].starts_with(b"#!") {
            self.skip_line();
        }
        loop {
            self.skip_space();
            let start = self.at;
            let Some(&byte) = self.bytes.get(start) else { break };
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.name(),
                b'0'..=b'9' => self.number(),
                b'"' => {
                    self.at += 1;
                    self.string(start, Kind::Str, Kind::StrHead);
                }
                b':' => self.colon(),
                b'.' => self.dot(),
                b'(' => self.open(Kind::OpenParen, 1),
                b'[' => self.open(Kind::OpenBracket, 1),
                b'{' => self.open(Kind::OpenBrace, 1),
                b')' => self.close(Kind::CloseParen, Kind::OpenParen),
                b']' => self.close(Kind::CloseBracket, Kind::OpenBracket),
                b'}' => self.close_brace(),
                128.. => self.unicode(),
                _ => self.operator(byte),
            }
        }
        self.flags |= Token::SPACE | Token::NEWLINE;
        let end = self.bytes.len();
        self.at = end;
        self.push(Kind::Eof, end);
        if !self.mismatch {
            self.out.open = self.brackets.iter().map(|b| Span { start: b.start, end: b.end }).collect();
        }
    }

    /// Ends a token that began at `start` here.
    fn push(&mut self, kind: Kind, start: usize) {
        if let Some(doc) = self.doc.take() {
            self.flags |= Token::DOC;
            self.out.docs.push((self.out.tokens.len() as u32, doc));
        }
        self.out.tokens.push(Token { start: start as u32, end: self.at as u32, kind, flags: self.flags });
        self.flags = 0;
    }

    fn error(&mut self, start: usize, end: usize, message: impl Into<String>) -> &mut SyntaxError {
        let span = Span { start: start as u32, end: end as u32 };
        self.out.errors.push(SyntaxError::new(span, message));
        self.out.errors.last_mut().expect("just pushed")
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    }

    fn skip_space(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => {
                    self.flags |= Token::NEWLINE | Token::SPACE;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' | 0x0b | 0x0c => {
                    self.flags |= Token::SPACE;
                    self.at += 1;
                }
                b'/' if self.byte(1) == b'/' => {
                    self.flags |= Token::SPACE;
                    let start = self.at;
                    self.skip_line();
                    let comment = &self.text[start..self.at];
                    if comment.starts_with("///") && !comment.starts_with("////") {
                        self.doc_line(&comment[3..]);
                    }
                }
                _ => break,
            }
        }
    }

    fn doc_line(&mut self, line: &str) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let line = line.strip_prefix(' ').unwrap_or(line).trim_end();
        match &mut self.doc {
            Some(doc) => {
                doc.push('\n');
                doc.push_str(line);
            }
            None => self.doc = Some(line.to_string()),
        }
    }

    /// The end of the name that starts at `from` (whose first character was looked at).
    fn name_end(&self, from: usize) -> usize {
        name_end(self.text, from)
    }

    fn name(&mut self) {
        let start = self.at;
        self.at = self.name_end(start);
        self.push(word(&self.bytes[start..self.at]), start);
    }

    fn unicode(&mut self) {
        let start = self.at;
        let Some(c) = self.char(start) else {
            self.at += 1;
            return;
        };
        if unicode_ident::is_xid_start(c) {
            self.name();
            return;
        }
        self.at += c.len_utf8();
        let end = self.at;
        if c == '\u{feff}' || c.is_whitespace() || c.is_control() {
            self.error(start, end, format!("an invisible character, U+{:04X}", c as u32)).help =
                Some("delete it, or put an ordinary space there".into());
            self.flags |= Token::SPACE;
        } else {
            let error = self.error(start, end, format!("`{c}` (U+{:04X}) means nothing here", c as u32));
            if "“”„«»".contains(c) {
                error.help = Some("strings are written with plain double quotes: \"text\"".into());
                error.foreign = true;
            }
            if "−–—".contains(c) {
                error.help = Some("a minus is written `-`".into());
                error.foreign = true;
            }
            self.push(Kind::Bad, start);
        }
    }

    fn colon(&mut self) {
        let start = self.at;
        let glued = self.flags & Token::SPACE == 0
            && self.out.tokens.last().is_some_and(|t| {
                matches!(t.kind, Kind::Ident | Kind::Str | Kind::StrTail) || t.kind as u8 >= Kind::Break as u8
            });
        let name = match self.byte(1) {
            byte if byte.is_ascii_alphabetic() || byte == b'_' => true,
            128.. => self.char(start + 1).is_some_and(unicode_ident::is_xid_start),
            _ => false,
        };
        if name && !glued {
            self.at = self.name_end(start + 1);
            self.push(Kind::Keyword, start);
        } else if self.byte(1) == b'"' && !glued {
            self.at += 2;
            self.string(start, Kind::Keyword, Kind::Keyword);
        } else {
            self.at += 1;
            self.push(Kind::Colon, start);
        }
    }

    fn dot(&mut self) {
        let start = self.at;
        if self.byte(1) == b'.' {
            if self.byte(2) == b'.' {
                self.at += 3;
                self.push(Kind::Ellipsis, start);
            } else {
                self.at += 2;
                let line = self.text[start + 2..].lines().next().unwrap_or_default();
                let text = self.out.tokens.last().is_some_and(|t| matches!(t.kind, Kind::Str | Kind::StrTail));
                let help = if text || line.trim_start().starts_with('"') {
                    "`++` joins texts, and `\"${x}\"` puts a value into one"
                } else if line.contains("=>") {
                    "a range in a pattern is a guard: `n if n >= 1 && n <= 3 => …`"
                } else {
                    "a range of numbers is `range(from, to)`, which ends before `to`; the rest of a vector is `...rest`, a \
                     changed copy of a struct `Point { ...p, x: 1 }`"
                };
                let error = self.error(start, start + 2, "`..` is no operator");
                error.help = Some(help.into());
                error.foreign = true;
                self.push(Kind::Bad, start);
            }
            return;
        }
        let after_operand = self.flags & Token::SPACE == 0
            && self.out.tokens.last().is_some_and(|t| {
                matches!(
                    t.kind,
                    Kind::Ident | Kind::Int | Kind::Float | Kind::CloseParen | Kind::CloseBracket | Kind::CloseBrace
                )
            });
        if self.byte(1).is_ascii_digit() && !after_operand {
            self.number();
        } else {
            self.at += 1;
            self.push(Kind::Dot, start);
        }
    }

    fn number(&mut self) {
        let start = self.at;
        let (kind, end, wrong) = literals::scan_number(self.bytes, start);
        self.at = end;
        let mut wrong = wrong.map(str::to_string);
        // Letters glued to a number are nothing that anybody means.
        let glued = match self.byte(0) {
            byte if NAME_BYTE[byte as usize] => true,
            128.. => self.char(end).is_some_and(unicode_ident::is_xid_start),
            _ => false,
        };
        if glued {
            self.at = self.name_end(end);
            let rest = &self.text[end..self.at];
            wrong.get_or_insert_with(|| format!("`{rest}` directly after the number `{}`", &self.text[start..end]));
        }
        match wrong {
            None => self.push(kind, start),
            Some(message) => {
                let end = self.at;
                // `0x` at the very end may be the beginning of a number.
                let incomplete = end == self.text.len();
                let typed = TYPES_BEHIND_NUMBERS.iter().any(|type_| self.text[start..end].ends_with(type_));
                let error = self.error(start, end, message);
                error.label = Some("this is no number".into());
                error.help = typed.then(|| "numbers have no types: `5` is an Int, `5.0` a Float".into());
                error.incomplete = incomplete;
                self.push(Kind::Bad, start);
            }
        }
    }

    /// The text of a string up to its end or the next `${`; `start` is the opening quote or the closing brace.
    fn string(&mut self, start: usize, whole: Kind, partial: Kind) {
        loop {
            let rest = &self.bytes[self.at..];
            let Some(ahead) = rest.iter().position(|b| matches!(b, b'"' | b'\\' | b'$' | b'\r')) else {
                self.unclosed_string(start);
                return;
            };
            self.at += ahead;
            match self.bytes[self.at] {
                b'"' => {
                    self.at += 1;
                    self.push(whole, start);
                    return;
                }
                b'$' if self.byte(1) == b'{' && whole == Kind::Keyword => {
                    let open = self.at;
                    self.at += 2;
                    self.error(open, open + 2, "`${` in a keyword").help = Some(
                        "a dollar sign before a brace is written `\\${`; `string->keyword` makes a keyword of any text"
                            .into(),
                    );
                }
                b'$' if self.byte(1) == b'{' => {
                    let open = self.at;
                    self.at += 2;
                    self.push(partial, start);
                    self.brackets.push(Bracket { kind: Kind::StrHead, start: open as u32, end: self.at as u32 });
                    self.braces += 1;
                    return;
                }
                b'\\' => {
                    self.flags |= Token::ESCAPED;
                    let from = self.at;
                    match literals::scan_escape(self.text, from) {
                        Ok((_, end)) => self.at = end,
                        Err((end, message)) => {
                            self.at = end;
                            let value = self.text[from..].starts_with("\\(");
                            if end < self.text.len() && value {
                                self.error(from, end, message).help =
                                    Some("a value is put into a text by `${x}`".into());
                            } else if end < self.text.len() {
                                self.error(from, end, message).help = Some(
                                    "the escapes are \\n \\r \\t \\0 \\\\ \\\" \\' \\$ \\xHH \\u{H…}; a backslash itself is \\\\".into(),
                                );
                            }
                        }
                    }
                }
                b'\r' => {
                    self.flags |= Token::ESCAPED;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }

    fn unclosed_string(&mut self, start: usize) {
        let line = self.bytes[start..].iter().position(|b| *b == b'\n' || *b == b'\r');
        let end = line.map_or(self.text.len(), |ahead| start + ahead);
        // `"${a"`: the quote was meant to close the string around.
        if let Some(open) =
            self.brackets.last().filter(|b| b.kind == Kind::StrHead).map(|b| (b.start as usize, b.end as usize))
            && !self.text[open.0..start].contains('\n')
            && !self.bytes[start + 1..end].iter().any(|b| NAME_BYTE[*b as usize] || *b >= 128 || *b == b'"')
        {
            let error = self.error(open.0, start + 1, "`${` that is never closed");
            error.label = Some("it starts here".into());
            error.help = Some("close it with `}`, in front of the quote".into());
            error.incomplete = true;
            self.at = self.bytes.len();
            self.push(Kind::Bad, start);
            return;
        }
        let error = self.error(start, end.max(start + 1), "a string that never ends");
        error.label = Some("it starts here".into());
        error.help = Some("close it with `\"`; a quote inside a string is written `\\\"`".into());
        error.incomplete = true;
        self.at = self.bytes.len();
        self.push(Kind::Bad, start);
    }

    fn open(&mut self, kind: Kind, length: usize) {
        let start = self.at;
        self.at += length;
        self.brackets.push(Bracket { kind, start: start as u32, end: self.at as u32 });
        self.braces += usize::from(matches!(kind, Kind::OpenBrace | Kind::OpenSet));
        self.push(kind, start);
    }

    fn close(&mut self, kind: Kind, opening: Kind) {
        let start = self.at;
        self.at += 1;
        match self.brackets.last() {
            Some(last) if last.kind == opening => {
                self.brackets.pop();
            }
            // Whatever is wrong here, the parser reports it.
            _ => self.mismatch = true,
        }
        self.push(kind, start);
    }

    fn close_brace(&mut self) {
        let start = self.at;
        self.at += 1;
        let brace = |b: &Bracket| matches!(b.kind, Kind::OpenBrace | Kind::OpenSet | Kind::StrHead);
        // Without the count, a long row of `(` before a long row of `}` would take quadratic time.
        match if self.braces == 0 { None } else { self.brackets.iter().rposition(brace) } {
            Some(at) => {
                self.mismatch |= at + 1 != self.brackets.len();
                let interpolation = self.brackets[at].kind == Kind::StrHead;
                self.brackets.truncate(at);
                self.braces -= 1;
                if interpolation {
                    self.string(start, Kind::StrTail, Kind::StrMiddle);
                    return;
                }
            }
            None => self.mismatch = true,
        }
        self.push(Kind::CloseBrace, start);
    }

    /// A comment as it is written elsewhere, up to its end.
    fn foreign_comment(&mut self, end: &str) {
        let start = self.at;
        let attribute = self.text[start..].starts_with("#[");
        let included =
            ["#include <", "#include \"", "#import <"].iter().any(|sign| self.text[start..].starts_with(sign));
        let rest = &self.text[start..];
        let length = match rest.strip_prefix("#_") {
            // What is left out is one form: the text goes on behind it.
            Some(form) if !form.starts_with(['(', '[', '{', ' ']) => {
                form.find(|c: char| c.is_whitespace() || ",()[]{}".contains(c)).map_or(rest.len(), |at| at + 2)
            }
            _ => rest.find(end).map_or(rest.len(), |at| at + if end == "\n" { 0 } else { end.len() }),
        };
        self.at = start + length;
        let first_line = rest[..length].lines().next().unwrap_or_default().trim_end().len();
        let (message, help) = if attribute {
            ("there are no attributes", "leave it out: every value can be printed, compared, hashed and copied")
        } else if included {
            (
                "nothing is included",
                "leave it out: what is built in is in view everywhere; `use name` takes another file into view",
            )
        } else if self.text[start..].starts_with("#_") {
            ("`#_` leaves nothing out", "a comment is `// …`, to the end of the line: write it before what is left out")
        } else {
            (
                "a comment starts with `//`",
                "write `// …` to the end of the line; a doc comment, before a definition, is `/// …`",
            )
        };
        let error = self.error(start, start + first_line.max(1), message);
        error.help = Some(help.into());
        error.foreign = true;
        self.flags |= Token::SPACE;
    }

    /// What a sign that means nothing here begins elsewhere, told by what stands behind it: its end, what is wrong, the cure.
    fn foreign_shape(&self, byte: u8) -> Option<(usize, String, String)> {
        let start = self.at;
        let begins = self.char(start + 1).is_some_and(|c| c == '_' || unicode_ident::is_xid_start(c));
        let name_end = if begins { self.name_end(start + 1) } else { start + 1 };
        let (name, behind) = (&self.text[start + 1..name_end], &self.text[name_end..]);
        let before = self.out.tokens.last().map(|t| t.kind);
        let touches = self.flags & Token::SPACE == 0;
        let (end, help) = match byte {
            b'@' if begins && !behind.trim_start_matches([' ', '\t']).starts_with(['\n', '\r']) => {
                (name_end, format!("a field is `self.{name}`; `deref({name})` reads an atom; there are no decorators"))
            }
            b'\'' if behind.starts_with('(') && !begins => {
                (start + 1, "a list is a vector: `[1, 2, 3]`, `[\"a\", \"b\"]`".to_string())
            }
            b'\''
                if begins
                    && (matches!(before, Some(Kind::Break | Kind::Continue))
                        || ["loop", "while", "for"].iter().any(|w| {
                            behind.strip_prefix(':').is_some_and(|rest| rest.trim_start().starts_with(w))
                        })) =>
            {
                let help =
                    "loops have no labels: put the inner loop into a function of its own, and leave it by `return`";
                (name_end, help.to_string())
            }
            b'?' if self.byte(1) == b'?' || self.byte(1) == b':' && self.byte(2) == b' ' => {
                (start + 2, "write `a || b`: `b` where `a` is `null` (or `false`)".to_string())
            }
            b'?' if self.byte(1) == b'.' => (
                start + 2,
                "ask for it first: `if x != null { x.name }`; `get-in(m, [:a, :b])` goes into maps".to_string(),
            ),
            b'?' if touches
                && matches!(before, Some(Kind::CloseParen | Kind::CloseBracket))
                && !behind.bytes().take(NEAR).take_while(|byte| *byte != b'\n').any(|byte| byte == b':') =>
            {
                (start + 1, "`unwrap!(result)` gives the value of a Result, or throws its error".to_string())
            }
            b'$' if self.byte(1).is_ascii_digit() => {
                (start + 2, "`fn main(args)` gets the arguments, a vector: the first is `args[0]`".to_string())
            }
            b'~' if self.byte(1) == b'=' => (start + 2, "write `a != b`".to_string()),
            b'#' if begins
                && matches!(before, Some(Kind::OpenParen | Kind::OpenBracket | Kind::Comma | Kind::Assign))
                && behind.starts_with([')', ',', ']']) =>
            {
                (name_end, format!("write `length({name})`"))
            }
            b'@' if self.byte(1) == b' ' && !touches => {
                (start + 1, "the whole has a name, and a guard looks into it: `n if n > 1 => …`".to_string())
            }
            b'\\' if begins => (name_end, "a character is a String of one: `\"a\"`".to_string()),
            _ => return None,
        };
        Some((end, format!("`{}` means nothing here", &self.text[start..end]), help))
    }

    fn operator(&mut self, byte: u8) {
        let start = self.at;
        let (kind, length) = match (byte, self.byte(1), self.byte(2)) {
            (b'#', b'{', _) => return self.open(Kind::OpenSet, 2),
            (b',', ..) => (Kind::Comma, 1),
            (b';', ..) => (Kind::Semicolon, 1),
            (b'+', b'+', _) => (Kind::PlusPlus, 2),
            (b'+', ..) => (Kind::Plus, 1),
            (b'-', ..) => (Kind::Minus, 1),
            (b'*', ..) => (Kind::Star, 1),
            (b'/', b'*', _) => return self.foreign_comment("*/"),
            (b'/', ..) => (Kind::Slash, 1),
            (b'%', ..) => (Kind::Percent, 1),
            (b'^', ..) => (Kind::Caret, 1),
            (b'&', b'&', _) => (Kind::AmpAmp, 2),
            (b'&', ..) => (Kind::Amp, 1),
            (b'|', b'|', _) => (Kind::BarBar, 2),
            (b'|', b'>', b'>') => (Kind::PipeLast, 3),
            (b'|', b'>', _) => (Kind::Pipe, 2),
            (b'|', ..) => (Kind::Bar, 1),
            (b'<', b'?', b'p') if start == 0 && self.text.starts_with("<?php") => {
                self.at += "<?php".len();
                let error = self.error(start, self.at, "Harrier has no `<?php`");
                error.help = Some("leave it out: a file is a program from its first line on".into());
                error.foreign = true;
                return;
            }
            (b'<', b'<', _) => (Kind::ShiftLeft, 2),
            (b'<', b'=', _) => (Kind::LessEqual, 2),
            (b'<', ..) => (Kind::Less, 1),
            (b'>', b'>', b'>') => (Kind::ShiftRightLogical, 3),
            (b'>', b'>', _) => (Kind::ShiftRight, 2),
            (b'>', b'=', _) => (Kind::GreaterEqual, 2),
            (b'>', ..) => (Kind::Greater, 1),
            (b'=', b'b', b'e')
                if (start == 0 || self.flags & Token::NEWLINE != 0) && self.text[start..].starts_with("=begin\n") =>
            {
                return self.foreign_comment("\n=end");
            }
            (b'=', b'=', _) => (Kind::EqualEqual, 2),
            (b'=', b'>', _) => (Kind::Arrow, 2),
            (b'=', ..) => (Kind::Assign, 1),
            (b'!', b'=', _) => (Kind::NotEqual, 2),
            (b'!', ..) => (Kind::Bang, 1),
            _ => {
                let shape = self.foreign_shape(byte);
                if byte == b'#' && self.byte(1) != b'(' && shape.is_none() {
                    return self.foreign_comment("\n");
                }
                if let Some((end, message, help)) = shape {
                    self.at = end;
                    let error = self.error(start, end, message);
                    error.help = Some(help);
                    error.foreign = true;
                    return self.push(Kind::Bad, start);
                }
                self.at += 1;
                if matches!(byte, b'\'' | b'`') {
                    // The whole of what somebody took for a string is one mistake.
                    let line = self.bytes[self.at..].split(|b| *b == b'\n' && byte != b'`').next().unwrap_or_default();
                    self.at += line.iter().position(|b| *b == byte).map_or(0, |ahead| ahead + 1);
                }
                let end = self.at;
                let (message, help) = match byte {
                    b'\'' => {
                        ("`'` means nothing here".to_string(), Some("strings are written with double quotes: \"text\""))
                    }
                    b'#' => {
                        ("`#` means nothing here".to_string(), Some("a function is `fn(x) { x + 1 }`, a set `#{1, 2}`"))
                    }
                    b'?' => (
                        "`?` means nothing here".to_string(),
                        Some("a choice is `if c { a } else { b }`; a `?` can only end a name, as in `even?`"),
                    ),
                    b'$' => {
                        ("`$` means nothing here".to_string(), Some("a name has no sign before it: `let name = 1`"))
                    }
                    b'`' => (
                        "`` ` `` means nothing here".to_string(),
                        Some("strings are written with double quotes, and `${x}` puts a value in: \"x = ${x}\""),
                    ),
                    b'@' => (
                        "`@` means nothing here".to_string(),
                        Some("`deref(a)` reads an atom; there are no decorators"),
                    ),
                    b'\\' => (
                        "`\\` means nothing here".to_string(),
                        Some(
                            "an expression goes on in the next line where that begins with an operator, or inside parentheses",
                        ),
                    ),
                    0x20..0x7f => (format!("`{}` means nothing here", byte as char), None),
                    _ => (format!("an invisible character, U+{byte:04X}"), Some("delete it")),
                };
                let error = self.error(start, end, message);
                error.help = help.map(str::to_string);
                error.foreign = error.help.is_some();
                return self.push(Kind::Bad, start);
            }
        };
        self.at += length;
        self.push(kind, start);
    }
}

/// The end of the name that starts at `from` (whose first character was looked at).
pub(super) fn name_end(text: &str, from: usize) -> usize {
    let (bytes, char) = (text.as_bytes(), |at: usize| text[at..].chars().next());
    let mut at = from;
    loop {
        match bytes.get(at) {
            Some(&byte) if NAME_BYTE[byte as usize] => at += 1,
            Some(b'-') => {
                let after = if bytes.get(at + 1) == Some(&b'>') { at + 2 } else { at + 1 };
                match bytes.get(after) {
                    Some(byte) if byte.is_ascii_alphabetic() => at = after,
                    Some(128..) if char(after).is_some_and(unicode_ident::is_xid_start) => at = after,
                    _ => return at,
                }
            }
            Some(b'?') => return at + 1,
            Some(b'!') if bytes.get(at + 1) != Some(&b'=') => return at + 1,
            Some(128..) => match char(at) {
                Some(c) if unicode_ident::is_xid_continue(c) => at += c.len_utf8(),
                _ => return at,
            },
            _ => return at,
        }
    }
}

/// Whether a text can be written as a name: the rest of a keyword that needs no quotes.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c == '_' || unicode_ident::is_xid_start(c)) && name_end(text, 0) == text.len()
}

/// The kind of a word: reserved, or a name.
pub(super) fn word(bytes: &[u8]) -> Kind {
    if bytes.len() < 2 || bytes.len() > 8 {
        return Kind::Ident;
    }
    match bytes {
        b"break" => Kind::Break,
        b"catch" => Kind::Catch,
        b"continue" => Kind::Continue,
        b"else" => Kind::Else,
        b"false" => Kind::False,
        b"finally" => Kind::Finally,
        b"fn" => Kind::Fn,
        b"for" => Kind::For,
        b"if" => Kind::If,
        b"in" => Kind::In,
        b"infinity" => Kind::Infinity,
        b"let" => Kind::Let,
        b"letonce" => Kind::LetOnce,
        b"loop" => Kind::Loop,
        b"match" => Kind::Match,
        b"mut" => Kind::Mut,
        // As it is printed, too.
        b"nan" | b"NaN" => Kind::Nan,
        b"null" => Kind::Null,
        b"return" => Kind::Return,
        b"throw" => Kind::Throw,
        b"true" => Kind::True,
        b"try" => Kind::Try,
        b"while" => Kind::While,
        _ => Kind::Ident,
    }
}
