//! Where the grammar asks whether something is the way of another language.
//!
//! Owns the places at which [`foreign_words`](super::super::foreign_words) is asked, and what is left of the errors of a text in
//! which such a thing was found. Must not change how right texts are read: all of this looks only at what cannot go on.

use super::super::foreign_words::{self, Place};
use super::*;

/// Words in front of `( … ) {`, where no call can stand.
const HEADS: [&str; 14] = [
    "function", "func", "fun", "switch", "unless", "until", "foreach", "elif", "elsif", "elseif", "when", "except",
    "rescue", "lambda",
];

/// What goes on with the construct of the line before, where it stands no further to the right.
const CONTINUATIONS: [&str; 11] =
    ["else", "elif", "elsif", "except", "catch", "finally", "rescue", "ensure", "case", "default", "end"];

/// Without the errors that may be consequences of a foreign one, which are all that stand in its construct; and without foreign
/// ones that say the same again.
pub(super) fn without_consequences(text: &str, mut errors: Vec<SyntaxError>) -> Vec<SyntaxError> {
    // What the text ends with may become something else when more is typed.
    if errors.iter().any(|e| e.incomplete) {
        errors.retain(|e| !e.foreign || e.incomplete || (e.span.end as usize) < text.trim_end().len());
    }
    errors.sort_by_key(|e| (e.span.start, e.span.end));
    let (mut kept, mut reach) = (Vec::<SyntaxError>::new(), 0);
    for error in errors {
        let again = error.foreign && kept.iter().any(|e| e.foreign && e.help == error.help);
        if error.span.start < reach {
            continue;
        }
        if error.foreign {
            reach = construct_end(text, error.span.start);
        }
        if !again {
            kept.push(error);
        }
    }
    kept
}

/// The end of what begins on the line of `start`: its line, the lines below that stand further to the right, and those that go
/// on with it or close it.
fn construct_end(text: &str, start: u32) -> u32 {
    let begin = text[..start as usize].rfind('\n').map_or(0, |at| at + 1);
    let indent = |line: &str| line.len() - line.trim_start().len();
    let own = indent(&text[begin..]);
    let mut end = begin;
    for (n, line) in text[begin..].split_inclusive('\n').enumerate() {
        let first = line.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let continues =
            indent(line) == own && (CONTINUATIONS.contains(&first) || line.trim_start().starts_with(['}', ')', ']']));
        if n > 0 && !line.trim().is_empty() && indent(line) <= own && !continues {
            break;
        }
        end += line.len();
    }
    end as u32
}

impl Parser<'_> {
    /// The error of a token that cannot stand here, with the cure if it is the way of another language.
    pub(super) fn foreign_token(&self, what: &str, mut error: SyntaxError) -> SyntaxError {
        let token = self.token();
        if token.kind == Kind::Ident
            && let Some(help) = foreign_words::word(self.text_of(token), Place::Before)
        {
            let message = format!("Harrier has no `{}`", self.text_of(token));
            return SyntaxError { secondary: error.secondary, ..SyntaxError::foreign(token.span(), message, help) };
        }
        let next = self.peek(1);
        let before = self.tokens[self.at.saturating_sub(1)];
        let text = |start: u32, end: u32| &self.text[start as usize..end as usize];
        let mut texts = Vec::with_capacity(3);
        if !token.spaced() && self.at > 0 {
            texts.push(text(before.start, token.end));
        }
        if token.kind == Kind::Colon && next.kind == Kind::Keyword && !next.spaced() {
            texts.push("::");
        }
        if !next.spaced() {
            texts.push(text(token.start, next.end));
        }
        texts.push(self.text_of(token));
        if let Some(help) = foreign_words::sign(&texts, what) {
            error.help = Some(help.into());
            error.foreign = true;
        }
        error
    }

    /// Whether the token begins an operand on the same line, and is no bracket: nothing that may follow a name.
    fn operand_beside(&self, token: Token) -> bool {
        use Kind::*;
        let begins = matches!(
            token.kind,
            Ident | Int | Float | Keyword | Str | StrHead | True | False | Null | Fn | OpenSet | Infinity | Nan
        );
        begins && !token.newline()
    }

    /// A word of another language at the present place, in front of what cannot follow a name.
    pub(super) fn not_foreign(&mut self) -> Parse<()> {
        let (token, next) = (self.token(), self.peek(1));
        let text = self.text_of(token);
        let string = matches!(next.kind, Kind::Str | Kind::StrHead) && !next.spaced();
        if string && matches!(text, "f" | "r" | "b" | "u" | "s" | "F" | "R" | "L") {
            let span = Span { start: token.start, end: next.start + 1 };
            return self.fail(SyntaxError::foreign(
                span,
                format!("a string has no `{text}` before it"),
                "`${x}` puts a value into any string: \"x = ${x}\"",
            ));
        }
        if next.kind == Kind::OpenBracket
            && text.ends_with('!')
            && let Some(help) = foreign_words::word(text, Place::Unknown)
        {
            return self.fail(SyntaxError::foreign(token.span(), format!("Harrier has no `{text}`"), help));
        }
        let beside = self.operand_beside(next) && !self.entries;
        let head = !self.head && self.begins_a_head(text);
        if !beside && !head {
            return Ok(());
        }
        match foreign_words::word(text, Place::Before) {
            Some(help) => {
                let error = SyntaxError::foreign(token.span(), format!("Harrier has no `{text}`"), help);
                self.fail(error)
            }
            None => Ok(()),
        }
    }

    /// Whether `( … ) {` follows a word that is none of the program's functions, or `{` one that is always followed by a block.
    fn begins_a_head(&self, word: &str) -> bool {
        let next = self.peek(1);
        if next.kind == Kind::OpenBrace && !next.newline() {
            return matches!(word, "do" | "begin" | "ensure" | "rescue");
        }
        if next.kind != Kind::OpenParen || !HEADS.contains(&word) {
            return false;
        }
        let Some(close) = self.closing(1) else { return false };
        let brace = self.peek(close + 1);
        brace.kind == Kind::OpenBrace && !brace.newline() && !self.declares(word)
    }

    /// Whether the text defines a function of this name anywhere.
    pub(super) fn declares(&self, word: &str) -> bool {
        let mut pairs = self.tokens.windows(2);
        pairs.any(|pair| pair[0].kind == Kind::Fn && self.text_of(pair[1]) == word)
    }

    /// How many tokens ahead the parenthesis is closed that stands `open` tokens ahead.
    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0usize;
        for ahead in open..self.tokens.len() - self.at {
            match self.peek(ahead).kind {
                Kind::OpenParen => depth += 1,
                Kind::CloseParen if depth <= 1 => return Some(ahead),
                Kind::CloseParen => depth -= 1,
                _ => {}
            }
        }
        None
    }

    /// Inside the parentheses of `(a, b) => …`, before the first comma or the end.
    pub(super) fn arrow_function(&mut self) -> Parse<()> {
        let close = if self.kind() == Kind::CloseParen { Some(0) } else { self.closing(0) };
        let Some(arrow) = close.map(|at| self.peek(at + 1)).filter(|t| t.kind == Kind::Arrow) else { return Ok(()) };
        self.fail(SyntaxError::foreign(
            arrow.span(),
            "`=>` makes no function",
            "a function is `fn(a, b) { a + b }`; `=>` stands in the arms of a `match`",
        ))
    }

    /// A name with an operand beside it: a call without its parentheses.
    pub(super) fn not_beside(&mut self, node: NodeId) -> Parse<()> {
        let next = self.token();
        if !matches!(self.unit.nodes[node.index()], Node::Global(_)) || !self.operand_beside(next) {
            return Ok(());
        }
        let span = self.node_span(node);
        // A character that was reported already may stand between.
        let between = |e: &SyntaxError| e.span.start >= span.end && e.span.start < next.start;
        if span.end != self.last_end() || self.errors.iter().any(between) {
            return Ok(());
        }
        // What is left of the line, as far as the brackets that are open go.
        let mut depth = 0usize;
        let mut end = next.start;
        for token in &self.tokens[self.at..] {
            match token.kind {
                Kind::Eof | Kind::Semicolon => break,
                _ if token.newline() && token.start > next.start => break,
                Kind::OpenParen | Kind::OpenBracket | Kind::OpenBrace | Kind::OpenSet => depth += 1,
                Kind::CloseParen | Kind::CloseBracket | Kind::CloseBrace if depth == 0 => break,
                Kind::CloseParen | Kind::CloseBracket | Kind::CloseBrace => depth -= 1,
                _ => {}
            }
            end = token.end;
        }
        let text = self.text;
        let (name, argument) =
            (&text[span.start as usize..span.end as usize], &text[next.start as usize..end as usize]);
        let help = format!("write `{name}({argument})`");
        let whole = Span { start: span.start, end };
        self.fail(SyntaxError::foreign(whole, "the arguments of a call stand in parentheses", help))
    }

    /// Elements without commas between them.
    pub(super) fn commas(&mut self, what: &str) -> Parse<()> {
        let next = self.token();
        if next.kind == Kind::Colon && what.contains(')') {
            return self.expected_with(what, |e| SyntaxError {
                foreign: true,
                ..e.help("arguments have no names: many are passed as a map, `f({:width 3, :height 4})`")
            });
        }
        let foreign = next.kind == Kind::Ident && foreign_words::word(self.text_of(next), Place::Before).is_some();
        if foreign || !(self.operand_beside(next) || matches!(next.kind, Kind::Str | Kind::StrHead | Kind::Int)) {
            return Ok(());
        }
        self.expected_with(what, |e| SyntaxError {
            foreign: true,
            ..e.help("commas stand between the elements: `[1, 2, 3]`, `f(a, b)`")
        })
    }

    /// `i++` and `i--` at the end of a statement; the present token follows the operator.
    pub(super) fn not_counted(&mut self, op: Token) -> Parse<()> {
        let prefix = op.kind == Kind::PlusPlus && op.newline() && self.kind() == Kind::Ident && !self.token().spaced();
        let before = if prefix { self.token() } else { self.tokens[self.at.saturating_sub(2)] };
        let mut last = op;
        let mut next = self.token();
        if op.kind == Kind::Minus && next.kind == Kind::Minus && !next.spaced() {
            (last, next) = (next, self.peek(1));
        } else if op.kind != Kind::PlusPlus {
            return Ok(());
        }
        let ends = next.newline()
            || matches!(
                next.kind,
                Kind::Eof | Kind::CloseParen | Kind::CloseBrace | Kind::CloseBracket | Kind::Semicolon
            );
        if !prefix && (op.spaced() || !ends) || last.start == op.start && op.kind == Kind::Minus {
            return Ok(());
        }
        let text = self.text_of(before).to_string();
        let sign = if op.kind == Kind::Minus { '-' } else { '+' };
        let span = Span { start: op.start, end: last.end };
        self.fail(SyntaxError::foreign(
            span,
            format!("`{sign}{sign}` does not count"),
            format!("write `{text} = {text} {sign} 1`, where `{text}` was made by `let mut {text} = …`"),
        ))
    }

    /// Semicolons between statements; two of them begin a comment elsewhere.
    pub(super) fn semicolons(&mut self) {
        while self.kind() == Kind::Semicolon {
            let first = self.bump();
            if first.newline() && self.kind() == Kind::Semicolon && !self.token().spaced() {
                self.foreign_comment(first);
            }
        }
    }

    /// `-- words` at the beginning of a statement.
    pub(super) fn not_a_comment(&mut self) -> Parse<()> {
        let (first, second, third) = (self.token(), self.peek(1), self.peek(2));
        let words = third.kind == Kind::Ident && third.spaced() && !third.newline();
        if first.kind == Kind::Minus && first.newline() && second.kind == Kind::Minus && !second.spaced() && words {
            self.foreign_comment(first);
            return Err(Fail);
        }
        Ok(())
    }

    /// Reports a comment as it is written elsewhere, which began with this token, and passes by it.
    fn foreign_comment(&mut self, first: Token) {
        let line = self.text[first.start as usize..].lines().next().unwrap_or_default().trim_end();
        let end = first.start + line.len() as u32;
        while self.kind() != Kind::Eof && self.token().start < end {
            self.bump();
        }
        self.report(SyntaxError::foreign(
            Span { start: first.start, end },
            "a comment starts with `//`",
            "write `// …` to the end of the line; a doc comment, before a definition, is `/// …`",
        ));
    }
}
