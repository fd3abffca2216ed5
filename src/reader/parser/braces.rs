//! Braces that are missing: the text ends in a block, and the block that is open there is seldom the one that was meant to be closed.
//!
//! Owns the guess which one it was: lines are indented as their author means them.

use crate::reader::errors::SyntaxError;
use crate::reader::lexer::{Kind, Token};

/// Points the error of a text that ends too early at the first brace that is closed by one which stands further to the left
/// than the line it was opened in.
pub(super) fn blame(text: &str, tokens: &[Token], errors: &mut [SyntaxError]) {
    let ends = |e: &&mut SyntaxError| e.incomplete && e.message == "expected `}`, found the end of the text";
    let Some(error) = errors.iter_mut().find(ends) else { return };
    let indent = |at: u32| {
        let line = text[..at as usize].rfind('\n').map_or(0, |at| at + 1);
        text[line..].len() - text[line..].trim_start_matches([' ', '\t']).len()
    };
    let mut open = Vec::new();
    for token in tokens {
        match token.kind {
            Kind::OpenBrace | Kind::OpenSet => open.push(*token),
            Kind::CloseBrace => {
                let Some(opening) = open.pop() else { return };
                if token.newline() && indent(token.start) < indent(opening.start) {
                    let by = "what closes it stands too far to the left";
                    error.secondary = vec![
                        (opening.span(), "this may be the one that is not closed".into()),
                        (token.span(), by.into()),
                    ];
                    return;
                }
            }
            _ => {}
        }
    }
}
