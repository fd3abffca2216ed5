//! Forms of other languages that are told by several tokens: `const { a } = o`, `new Map()`, `export default`, `; a comment`.
//!
//! Owns how such a form is recognised; what is said of its words is the table's ([`foreign_words`](super::super::foreign_words)).
//! Like all of [`foreign`](super::foreign) it looks only at what cannot go on.

use super::super::foreign_words::{self, Place};
use super::*;

/// What makes a variable elsewhere.
const VARIABLES: [&str; 4] = ["const", "var", "val", "final"];

/// Heads whose variables stand in brackets elsewhere.
pub(super) const BRACKETED: [&str; 8] =
    ["doseq", "foreach", "defn", "dotimes", "if-let", "when-let", "if-some", "when-some"];

impl Parser<'_> {
    /// A form that begins with the word at the present place, which is no name that anybody has made a local.
    pub(super) fn not_a_form(&mut self) -> Parse<()> {
        let (token, next, third) = (self.token(), self.peek(1), self.peek(2));
        let text = self.text_of(token);
        if next.newline() {
            return Ok(());
        }
        let word = |word: &str, place: Place| foreign_words::word(word, place).unwrap_or_default();
        let help = match text {
            _ if VARIABLES.contains(&text) && self.takes_apart() => {
                "a value is taken apart by `let {name, age: a} = m`, `let [a, b] = xs`"
            }
            _ if VARIABLES.contains(&text) && next.kind == Kind::OpenParen && third.newline() => word(text, Place::Any),
            "new" if next.kind == Kind::Ident => match foreign_words::word(self.text_of(next), Place::Unknown) {
                Some(help) if third.kind != Kind::OpenBrace && !self.thrown() => help,
                _ => return Ok(()),
            },
            "move" if matches!(next.kind, Kind::Bar | Kind::BarBar) => word(text, Place::Before),
            "make" if next.kind == Kind::OpenParen && third.kind == Kind::OpenBracket => {
                let (close, type_) = (self.peek(3), self.peek(4));
                if close.kind != Kind::CloseBracket || type_.kind != Kind::Ident || type_.spaced() {
                    return Ok(());
                }
                word(text, Place::Unknown)
            }
            "func" if next.kind == Kind::OpenParen && self.receives() => {
                "functions of a type stand in `extend Point { fn area(self) { … } }`"
            }
            "type" if next.kind == Kind::Ident && self.text_of(third) == "interface" => {
                word("type interface", Place::Any)
            }
            "rescue" if next.kind == Kind::Arrow => word(text, Place::Any),
            "module" if next.kind == Kind::Dot && self.text_of(third) == "exports" => {
                "leave it out: all names of a file can be used elsewhere, after `use name`"
            }
            _ => return Ok(()),
        };
        if self.declares(text) {
            return Ok(());
        }
        self.fail(SyntaxError::foreign(token.span(), format!("Harrier has no `{text}`"), help))
    }

    /// Whether the word stands behind `throw`.
    pub(super) fn thrown(&self) -> bool {
        self.at > 0 && self.tokens[self.at - 1].kind == Kind::Throw
    }

    /// `const { a } =`, `const [a] =`
    fn takes_apart(&self) -> bool {
        let close = match self.peek(1).kind {
            Kind::OpenBrace => self.closing_of(1, Kind::OpenBrace, Kind::CloseBrace),
            Kind::OpenBracket => self.closing_of(1, Kind::OpenBracket, Kind::CloseBracket),
            _ => None,
        };
        close.is_some_and(|close| self.peek(close + 1).kind == Kind::Assign)
    }

    /// `func (p Point) Area(`
    fn receives(&self) -> bool {
        let name =
            |close: usize| self.peek(close + 1).kind == Kind::Ident && self.peek(close + 2).kind == Kind::OpenParen;
        self.closing_of(1, Kind::OpenParen, Kind::CloseParen).is_some_and(name)
    }

    /// `export default f`
    pub(super) fn not_default(&mut self) -> Parse<()> {
        if !self.at_word("default") {
            return Ok(());
        }
        let span = self.span_from(self.tokens[self.at - 1].start);
        let span = Span { end: self.token().end, ..span };
        self.fail(SyntaxError::foreign(
            span,
            "Harrier has no `export default`",
            "leave the line out: all names can be used elsewhere; `export alias/name` hands on what another namespace has",
        ))
    }

    /// `; words` as it begins a comment elsewhere. The semicolon is the token before the present one.
    pub(super) fn words_behind(&mut self, semicolon: Token) -> bool {
        let (first, second) = (self.token(), self.peek(1));
        let begins = semicolon.newline() || semicolon.start == 0;
        let word = |token: Token| token.kind == Kind::Ident && token.spaced() && !token.newline();
        if !(begins || semicolon.spaced()) || !word(first) || !word(second) {
            return false;
        }
        let text = self.text_of(first);
        if CONTEXTUAL.contains(&text) || self.declaration_word().is_some() || self.is_a_local(first) {
            return false;
        }
        let foreign = |place| foreign_words::word(text, place).is_some();
        begins || !foreign(Place::First) && !foreign(Place::Unknown)
    }

    /// Whether the token is the name of a local: what stands beside it is a statement of its own.
    pub(super) fn is_a_local(&mut self, token: Token) -> bool {
        let name = self.intern_token(token);
        self.scopes.is_local(name)
    }

    /// What cannot follow `.`: `p.0`, `a . "text"`.
    pub(super) fn not_a_field(&mut self) -> Parse<()> {
        let (token, text) = (self.token(), self.text_of(self.token()));
        let help = match token.kind {
            Kind::OpenParen if !token.spaced() => "`instance-of(x, Type)` asks for a type".to_string(),
            Kind::Assign if !token.spaced() => "`++` joins texts: `s = s ++ part`".to_string(),
            Kind::Int if !token.spaced() => format!("`v[{text}]` reads an element of a vector"),
            Kind::Str | Kind::StrHead => "`++` joins texts, and `\"${x}\"` puts a value into one".to_string(),
            _ => return Ok(()),
        };
        self.expected_with("a field name after `.`", |e| SyntaxError { foreign: true, ..e.help(help) })
    }

    /// What stands behind an element of a call or a collection as it may elsewhere: `"k" => 1`, `a if c else b`, `s:upper()`.
    pub(super) fn not_an_element(&mut self, what: &str, open: Span) -> Parse<()> {
        use Kind::*;
        let (token, before) = (self.token(), self.tokens[self.at.saturating_sub(1)]);
        match token.kind {
            Arrow if matches!(before.kind, Str | StrTail | Int | Keyword) => self.fail(SyntaxError::foreign(
                token.span(),
                "`=>` makes no entry of a map",
                "a map is written `{:key value, \"key\" value}`, with nothing but space after the key",
            )),
            If if !token.newline() => self.fail(SyntaxError::foreign(
                token.span(),
                "an `if` does not stand behind its value",
                "the condition comes first: `if c { a } else { b }`",
            )),
            Colon if before.kind == Ident && !token.spaced() && self.method_behind() => {
                let (value, name) = (self.text_of(before), self.text_of(self.peek(1)));
                let help =
                    format!("a function is called by its name, `{name}({value})`, or behind a dot, `{value}.{name}()`");
                self.fail(SyntaxError::foreign(token.span(), "a `:` calls no method", help))
            }
            OpenBrace
                if !token.newline()
                    && self.behind_method()
                    && !matches!(self.peek(1).kind, Keyword | Str | StrHead | Int | CloseBrace) =>
            {
                self.fail(SyntaxError::foreign(token.span(), "no block stands behind a call", foreign_words::BLOCK))
            }
            OpenBrace if before.kind == Keyword && !token.newline() => {
                let key = self.text_of(before);
                self.expected_with(what, |e| {
                    e.also(open, "opened here")
                        .help(format!("commas stand between the elements; `m[{key}]` reads the key of a map"))
                })
            }
            Return if !token.newline() && before.kind == CloseParen => self.fail(SyntaxError::foreign(
                token.span(),
                "no function begins here",
                "a function without a name is `fn(x) { x + 1 }`",
            )),
            // What begins a statement: the bracket should have been closed.
            Let | For | While | Return | Fn | Ident if token.newline() => {
                let close = what.rsplit_once(' ').map_or(what, |(_, close)| close).to_string();
                self.expected_with(what, |e| {
                    e.also(open, "opened here").help(format!(
                        "close the bracket with {close} in the line before, or put a comma between the elements"
                    ))
                })
            }
            _ => Ok(()),
        }
    }

    /// `:name(` without spaces.
    fn method_behind(&self) -> bool {
        let (name, open) = (self.peek(1), self.peek(2));
        name.kind == Kind::Ident && !name.spaced() && open.kind == Kind::OpenParen && !open.spaced()
    }

    /// Whether the brace before the present place was to be a block behind a method: `xs.each { … }`.
    pub(super) fn block_behind_method(&self) -> bool {
        let brace = self.tokens[self.at.saturating_sub(1)];
        brace.kind == Kind::OpenBrace && !brace.newline() && self.named_behind_dot(self.at - 1)
    }

    /// The same of the present brace.
    fn behind_method(&self) -> bool {
        self.named_behind_dot(self.at)
    }

    /// Whether `.name` stands before a token.
    fn named_behind_dot(&self, at: usize) -> bool {
        at >= 2 && self.tokens[at - 1].kind.is_word() && self.tokens[at - 2].kind == Kind::Dot
    }

    /// Whether the line above ends in a comment that closes a bracket: `println(a // b)`.
    pub(super) fn divides_by_comment(&self) -> bool {
        let between = self.text.get(self.last_end() as usize..self.token().start as usize).unwrap_or_default();
        let line = between.lines().next().unwrap_or_default();
        line.trim_start().starts_with("//") && line.trim_end().ends_with([')', ']'])
    }

    /// Whether the line of the present token begins with `let`.
    pub(super) fn behind_let(&self) -> bool {
        // Not far back: long lines are not gone through again and again.
        let near = self.at.saturating_sub(32);
        let begin = match self.tokens[near..self.at].iter().rposition(|token| token.newline()) {
            Some(i) => near + i,
            None if near == 0 => 0,
            None => return false,
        };
        !self.token().newline() && self.tokens[begin..self.at].iter().take(2).any(|token| token.kind == Kind::Let)
    }

    /// Whether a closing brace that nothing awaits can only be meant for another bracket: the text has more of them than are opened.
    pub(super) fn too_many_braces(&self) -> bool {
        *self.too_many_braces.get_or_init(|| {
            let count = |kinds: &[Kind]| self.tokens.iter().filter(|t| kinds.contains(&t.kind)).count();
            count(&[Kind::CloseBrace]) > count(&[Kind::OpenBrace, Kind::OpenSet])
        })
    }
}
