//! What an entry consists of.
//!
//! Owns the questions that the prompt asks of a text before it is evaluated: is it complete, which pieces of it are evaluated one
//! after the other, does it go on with the entry before, and what do the words mean that only the prompt knows (`*1`). All
//! answers come from the language's own lexer and parser. Knows no terminal.

use std::ops::Range;
use std::sync::Arc;

use super::commands;

use crate::reader::lexer::{self, Kind, Token, Tokens};
use crate::reader::tree::{Item, Source, Span, Unit};
use crate::reader::{SyntaxError, is_incomplete};
use crate::runtime::{Namespace, load};

fn read(text: &str, namespace: &'static Namespace) -> Result<Unit, Vec<SyntaxError>> {
    load::read_for(Arc::new(Source::new("<entry>", text)), Some(namespace))
}

/// Is there nothing wrong with the text that more lines could cure? What only documents asks for what it is about.
pub fn is_complete(text: &str, namespace: &'static Namespace) -> bool {
    if text.trim_start().starts_with("///")
        && text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with("//"))
    {
        return false;
    }
    if continuation(text) == Some(GoesOn::Value) {
        // It will stand behind a value.
        return is_complete(&format!("0 {}", text.trim_start()), namespace);
    }
    read(text, namespace).map_or_else(|errors| !is_incomplete(&errors), |_| true)
}

/// Does the text end inside of a string? Then a line break is a part of that.
pub fn ends_in_string(text: &str) -> bool {
    // Whatever is appended there is read as a part of the last token.
    let tokens = |text: &str| lexer::lex(text).tokens.into_iter().filter(|t| t.kind != Kind::Eof).count();
    text.contains('"') && tokens(text) == tokens(&format!("{text}\nx"))
}

/// The name of the function whose arguments stand at the end of the text, within the last few lines.
pub fn called(text: &str) -> Option<&str> {
    let mut closed = 0;
    // Tokens from the beginning, for strings and comments are known only so.
    for token in lexer::lex(text).tokens.iter().rev() {
        match token.kind {
            kind if kind.closes() => closed += 1,
            Kind::OpenParen if closed == 0 => {
                let end = token.start as usize;
                let name = &text[super::completion::start_of_name(text, end)..end];
                return Some(name).filter(|name| !name.is_empty());
            }
            Kind::OpenBrace if closed == 0 => return None,
            kind if kind.opens() => closed = i32::max(closed - 1, 0),
            _ => {}
        }
    }
    None
}

/// How many brackets are open at the end of the text.
pub fn depth(text: &str) -> usize {
    lexer::lex(text).tokens.iter().fold(0, |depth, token| deeper(depth, token.kind))
}

/// How many brackets that were open before the text it closes.
pub fn closes(text: &str) -> usize {
    let (mut depth, mut closed) = (0_usize, 0);
    for token in lexer::lex(text).tokens {
        let before = depth;
        depth = deeper(depth, token.kind);
        closed += usize::from(token.kind.closes() && before == 0);
    }
    closed
}

fn deeper(depth: usize, kind: Kind) -> usize {
    match kind {
        _ if kind.opens() => depth + 1,
        _ if kind.closes() => depth.saturating_sub(1),
        _ => depth,
    }
}

/// A place between two tokens where a statement may begin: the end of the token before, and the start of that behind.
struct Cut {
    end: usize,
    start: usize,
}

/// All of them: outside of brackets at the beginning of a line, unless it goes on with the line before, and behind `;`.
fn cuts(Tokens { tokens, .. }: &Tokens) -> Vec<Cut> {
    let mut depth = 0;
    let mut cuts = Vec::new();
    for pair in tokens.windows(2) {
        let [before, token] = pair else { continue };
        depth = deeper(depth, before.kind);
        let begins = token.newline() && goes_on(token.kind).is_none() || before.kind == Kind::Semicolon;
        if depth == 0 && begins && token.kind != Kind::Eof {
            cuts.push(Cut { end: before.end as usize, start: token.start as usize });
        }
    }
    cuts
}

/// The parts of an entry that are evaluated one after the other, each with the value that it shows: an expression or a `let`, with
/// the declarations before it, so that functions which call each other are declared together. `is_complete` knows commands, too.
pub fn pieces(text: &str, namespace: &'static Namespace, is_complete: &dyn Fn(&str) -> bool) -> Vec<Range<usize>> {
    let whole = 0..text.len();
    let cuts = cuts(&lexer::lex(text));
    if cuts.is_empty() {
        return vec![whole];
    }
    let ends = match read(text, namespace) {
        Ok(unit) => ends_of_values(text, &unit, &cuts),
        Err(_) => ends_of_lines(text, &cuts, is_complete),
    };
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let ranges = starts.zip(ends.iter().copied().chain([whole.end])).map(|(start, end)| start..end);
    ranges.filter(|range| !text[range.clone()].trim().is_empty()).collect()
}

/// The item's place; whether it has a value to show.
fn place(unit: &Unit, item: &Item) -> (Span, bool) {
    (unit.item_span(item), matches!(item, Item::Expression { .. } | Item::Let { .. }))
}

/// Where the items end that show a value, or that stand before a command, but for the last.
fn ends_of_values(text: &str, unit: &Unit, cuts: &[Cut]) -> Vec<usize> {
    let mut places: Vec<(Span, bool)> = unit.items.iter().map(|item| place(unit, item)).collect();
    places.sort_by_key(|(span, _)| span.start);
    let mut ends = Vec::new();
    for pair in places.windows(2) {
        let [(item, has_value), (next, _)] = pair else { continue };
        if !has_value && !commands::begins(&text[next.start as usize..]) {
            continue;
        }
        // Parentheses around an expression are not in its span.
        let behind = cuts.partition_point(|cut| cut.end < item.end as usize);
        ends.extend(cuts.get(behind).filter(|cut| cut.start <= next.start as usize).map(|cut| cut.end));
    }
    ends
}

/// Of a text with errors: where each part ends that more lines do not cure, as if the lines came one by one.
fn ends_of_lines(text: &str, cuts: &[Cut], is_complete: &dyn Fn(&str) -> bool) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut start = 0;
    for cut in cuts {
        let part = &text[start..cut.end];
        if is_complete(part.trim_start()) {
            ends.push(cut.end);
            start = cut.end;
        }
    }
    ends
}

/// How a text goes on with the entry before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GoesOn {
    /// `|> f`, `.name`, `+ 1`: with its value.
    Value,
    /// `else`, `catch`, `finally`: with its text.
    Text,
}

/// Can a statement not begin with this token? `-`, `!`, `(` and `[` begin expressions.
fn goes_on(kind: Kind) -> Option<GoesOn> {
    use Kind::*;
    match kind {
        Else | Catch | Finally => Some(GoesOn::Text),
        Dot | Pipe | PipeLast | Plus | PlusPlus | Star | Slash | Percent | AmpAmp | BarBar | Amp | Bar | Caret
        | ShiftLeft | ShiftRight | ShiftRightLogical | Less | LessEqual | Greater | GreaterEqual | EqualEqual
        | NotEqual => Some(GoesOn::Value),
        _ => None,
    }
}

/// Whether, and how, a text goes on with the entry before: [`result_names`] have been replaced in it.
pub fn continuation(text: &str) -> Option<GoesOn> {
    // The first token is at hand without cutting up the rest.
    let first = text.trim_start().lines().next().unwrap_or_default();
    lexer::lex(first).tokens.first().and_then(|token| goes_on(token.kind))
}

/// Can something stand to the left of an operator that ends so?
fn ends_operand(kind: Kind) -> bool {
    use Kind::*;
    matches!(
        kind,
        Ident | Int | Float | Keyword | Str | StrTail | CloseParen | CloseBracket | CloseBrace | True | False | Null
    ) || matches!(kind, Nan | Infinity)
}

/// `*1`, `*2`, `*3` and `*e` where no operand stands before them in their line, as the names that stand for them: `_1`, `_2`, `_3`,
/// `_e`. Every other byte stays where it is.
pub fn result_names(text: &str) -> String {
    if !text.contains('*') {
        return text.to_string();
    }
    let tokens = lexer::lex(text).tokens;
    let mut bytes = text.as_bytes().to_vec();
    // Behind a command its expression begins.
    let command = text.trim_start().starts_with(':')
        && commands::expression_of(text).is_some_and(|e| e.len() < text.trim().len());
    let mut before: Option<Token> = None;
    let mut open = 0;
    for pair in tokens.windows(2) {
        let [star, name] = pair else { continue };
        let named = matches!(&text[name.start as usize..name.end as usize], "1" | "2" | "3" | "e");
        let free = before.is_none_or(|before| !ends_operand(before.kind)) || open == 0 && star.newline();
        open = deeper(open, star.kind);
        if star.kind == Kind::Star && star.end == name.start && named && free {
            bytes[star.start as usize] = b'_';
        }
        before = Some(*star).filter(|_| before.is_some() || !command);
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_results() {
        assert_eq!(result_names("*1 + *2"), "_1 + _2");
        assert_eq!(result_names("f(*1, [*e])"), "f(_1, [_e])");
        assert_eq!(result_names("a *1 * 2 *3"), "a *1 * 2 *3");
        assert_eq!(result_names("(a) *1; *1"), "(a) *1; _1");
        assert_eq!(result_names("\"*1\" // *1"), "\"*1\" // *1");
        assert_eq!(result_names("*4 *12 * 1 *ex"), "*4 *12 * 1 *ex");
        assert_eq!(result_names("return *1"), "return _1");
        assert_eq!(result_names("a\n*1\n[a\n*1]\n* 1"), "a\n_1\n[a\n*1]\n* 1");
    }

    #[test]
    fn what_goes_on() {
        for text in ["|> f()", ".length()", "  + 1", "== 2", "++ \"x\""] {
            assert_eq!(continuation(text), Some(GoesOn::Value), "{text}");
        }
        for text in ["else { 1 }", "catch (e) { e }", "finally { }"] {
            assert_eq!(continuation(text), Some(GoesOn::Text), "{text}");
        }
        for text in ["-1", "!x", "(1)", "[2]", "x", ":k", "", "elsewhere"] {
            assert_eq!(continuation(text), None, "{text}");
        }
    }

    #[test]
    fn strings_and_brackets_that_are_open() {
        assert!(ends_in_string("\"two"));
        assert!(ends_in_string("f(\"a ${b} c"));
        assert!(!ends_in_string("f(\"a\","));
        assert!(!ends_in_string("[1,"));
        assert_eq!(depth("f(a, [1, #{"), 3);
        assert_eq!(depth("f(a, [1])"), 0);
        assert_eq!(depth("\"(\" // ("), 0);
        assert_eq!(called("f(a, g(1), [2"), Some("f"));
        assert_eq!(called("x + io/read-file(\"a("), Some("io/read-file"));
        for text in ["f(a)", "f(fn(x) { x", "(1 + ", "1", ""] {
            assert_eq!(called(text), None, "{text}");
        }
    }
}
