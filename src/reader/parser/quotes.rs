//! Quotes that are missing: a string without its closing quote goes on to the next quote, and what was in the next string is
//! taken for code.
//!
//! Owns the search for such a string, once a text has errors. A string may go over lines; but where it ends right in front of a
//! name or a number, what ends it was meant to begin one.

use crate::reader::errors::SyntaxError;
use crate::reader::lexer::{Kind, Token};
use crate::reader::tree::Span;

/// The errors, with that of the first missing quote in place of those behind it.
pub(super) fn missing(text: &str, tokens: &[Token], mut errors: Vec<SyntaxError>) -> Vec<SyntaxError> {
    let Some((string, behind)) = tokens.windows(2).enumerate().find_map(|(i, pair)| {
        let [string, behind] = pair else { return None };
        let ends = matches!(string.kind, Kind::Str | Kind::StrTail);
        let adjacent = behind.start == string.end && matches!(behind.kind, Kind::Ident | Kind::Int);
        let whole = &text[string.start as usize..string.end as usize];
        (ends && adjacent && whole.contains('\n')).then(|| (start(tokens, i), *behind))
    }) else {
        return errors;
    };
    let line = text[..behind.start as usize].matches('\n').count() + 1;
    let word = &text[behind.start as usize..behind.end as usize];
    let end = text[string..].find('\n').map_or(text.len(), |ahead| string + ahead);
    let span = Span { start: string as u32, end: end as u32 };
    errors.retain(|e| e.span.start < span.start);
    errors.push(
        SyntaxError::new(span, "a string that is not closed on its line")
            .label("it starts here")
            .help(format!("close it with `\"`; as it stands it ends in line {line}, in front of `{word}`")),
    );
    errors
}

/// Where the string begins whose last piece is this token.
fn start(tokens: &[Token], mut at: usize) -> usize {
    let mut tails = 0;
    loop {
        match tokens[at].kind {
            Kind::StrTail => tails += 1,
            Kind::StrHead => tails -= 1,
            _ => {}
        }
        if tails == 0 || at == 0 {
            return tokens[at].start as usize;
        }
        at -= 1;
    }
}
