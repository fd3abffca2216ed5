//! Colours of a text, by its tokens.
//!
//! Owns the palette, which entries and results share, and the search for the bracket that matches the one at the cursor.

use crate::reader::lexer::{self, Kind, Token};

/// Back to the terminal's own colour.
pub const PLAIN: &str = "\x1b[0m";
const WORD: &str = "\x1b[35m";
const STRING: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[36m";
const KEYWORD: &str = "\x1b[33m";
const COMMENT: &str = "\x1b[2m";
const COMMAND: &str = "\x1b[34m";
const MATCHING: &str = "\x1b[1;4m";
const UNMATCHED: &str = "\x1b[31m";

/// The colour of a kind of token, if it has one.
pub fn color_of(kind: Kind) -> Option<&'static str> {
    use Kind::*;
    match kind {
        Int | Float | True | False | Null | Nan | Infinity => Some(NUMBER),
        Str | StrHead | StrMiddle | StrTail => Some(STRING),
        Keyword => Some(KEYWORD),
        Break | Catch | Continue | Else | Finally | Fn | For | If | In | Let | LetOnce | Loop | Match | Mut
        | Return | Throw | Try | While => Some(WORD),
        _ => None,
    }
}

/// Words that begin something only where they are not names.
const SOFT_WORDS: [&str; 7] = ["enum", "extend", "namespace", "protocol", "struct", "test", "use"];

/// An entry with colours, and with the bracket marked that matches the one at the cursor.
pub fn entry(text: &str, cursor: usize) -> String {
    if text.starts_with(':') && !text.contains('\n') {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return format!("{COMMAND}{}{PLAIN}{}", &text[..end], &text[end..]);
    }
    let tokens = lexer::lex(text).tokens;
    let (marked, lonely) = brackets(&tokens, cursor);
    let mut out = String::with_capacity(2 * text.len());
    let mut written = 0;
    for (i, token) in tokens.iter().enumerate() {
        let (start, end) = (token.start as usize, token.end as usize);
        gap(&mut out, &text[written..start]);
        written = end;
        let slice = &text[start..end];
        let begins = token.newline() && SOFT_WORDS.contains(&slice);
        let color = match token.kind {
            _ if marked.contains(&Some(i)) => Some(MATCHING),
            _ if lonely.contains(&i) => Some(UNMATCHED),
            Kind::Ident if begins => Some(WORD),
            Kind::Bad if slice.starts_with('"') => Some(STRING),
            kind => color_of(kind),
        };
        painted(&mut out, slice, color);
    }
    gap(&mut out, &text[written..]);
    out
}

/// What stands between tokens: space and comments.
fn gap(out: &mut String, text: &str) {
    painted(out, text, text.contains('/').then_some(COMMENT));
}

fn painted(out: &mut String, text: &str, color: Option<&str>) {
    match color {
        Some(color) => {
            out.push_str(color);
            out.push_str(text);
            out.push_str(PLAIN);
        }
        None => out.push_str(text),
    }
}

fn closing(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::OpenParen => Some(Kind::CloseParen),
        Kind::OpenBracket => Some(Kind::CloseBracket),
        Kind::OpenBrace | Kind::OpenSet => Some(Kind::CloseBrace),
        _ => None,
    }
}

/// The bracket at the cursor (or before it) and its partner; the closing brackets that have none.
fn brackets(tokens: &[Token], cursor: usize) -> ([Option<usize>; 2], Vec<usize>) {
    let mut open: Vec<usize> = Vec::new();
    let mut lonely = Vec::new();
    let (mut at, mut before) = ([None; 2], [None; 2]);
    for (i, token) in tokens.iter().enumerate() {
        if closing(token.kind).is_some() {
            open.push(i);
        } else if token.kind.closes() {
            match open.last().filter(|begin| closing(tokens[**begin].kind) == Some(token.kind)) {
                None => lonely.push(i),
                Some(begin) => {
                    let pair = [Some(*begin), Some(i)];
                    for token in [&tokens[*begin], token] {
                        if token.start as usize == cursor {
                            at = pair;
                        } else if token.end as usize == cursor {
                            before = pair;
                        }
                    }
                    open.pop();
                }
            }
        }
    }
    (if at[0].is_some() { at } else { before }, lonely)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('\x1b') {
            out.push_str(before);
            rest = behind.split_once('m').expect("the end of a colour").1;
        }
        out + rest
    }

    #[test]
    fn only_colours_are_added() {
        for text in [
            "let x = 5",
            "f(\"a ${b} c\", :k)",
            "\"open",
            "// note\n1",
            "[1, (2]",
            "#{",
            ":doc x",
            "…",
            "struct P { x }",
            "\"a ${",
            "größe + 1",
            "'x'",
            "1 // end",
        ] {
            for cursor in 0..text.len() {
                assert_eq!(plain(&entry(text, cursor)), text);
            }
        }
    }

    #[test]
    fn brackets_match() {
        let pair = |text: &str, cursor| {
            let (pair, lonely) = brackets(&lexer::lex(text).tokens, cursor);
            (pair.map(|token| token.map(|i| lexer::lex(text).tokens[i].start)), lonely.len())
        };
        assert_eq!(pair("f([1])", 6), ([Some(1), Some(5)], 0));
        assert_eq!(pair("f([1])", 2), ([Some(2), Some(4)], 0));
        assert_eq!(pair("f([1)", 0), ([None, None], 1));
        assert_eq!(pair("\"(\" )", 5), ([None, None], 1));
    }

    #[test]
    fn colours_by_kind() {
        assert_eq!(entry("let x = 5", 0), "\x1b[35mlet\x1b[0m x = \x1b[36m5\x1b[0m");
        assert_eq!(entry(":doc map", 0), "\x1b[34m:doc\x1b[0m map");
        assert_eq!(entry("1 // a", 0), "\x1b[36m1\x1b[0m\x1b[2m // a\x1b[0m");
    }
}
