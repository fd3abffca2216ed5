//! What a name that has been begun could be.

use std::collections::BTreeSet;

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

/// The names that can be written at the moment, commands and qualified ones among them.
#[derive(Debug, Default)]
pub struct Names(pub BTreeSet<String>);

/// Where the name that ends at `end` begins: names are made of anything but white space, brackets, quotes and separators.
fn start_of_name(line: &str, end: usize) -> usize {
    let head = line.get(..end).unwrap_or(line);
    let other = |c: char| c.is_whitespace() || "()[]{}\"'`,;|.+*=<>&^$#@\\".contains(c);
    // `->` is a part of names.
    let ends = |i: usize, c: char| other(c) && !(c == '>' && head[..i].ends_with('-'));
    head.char_indices().rfind(|(i, c)| ends(*i, *c)).map_or(0, |(i, c)| i + c.len_utf8())
}

impl Names {
    /// Where the name before byte `end` of a line begins, and what it could be: nothing for an empty one.
    pub fn complete(&self, line: &str, end: usize) -> (usize, Vec<String>) {
        let start = start_of_name(line, end);
        let begun = line.get(start..end).unwrap_or_default();
        if begun.is_empty() {
            return (start, Vec::new());
        }
        // Commands stand at the beginning of a line; elsewhere a colon begins a keyword.
        let may = |name: &&String| !name.starts_with(':') || start == 0;
        let from = self.0.range(begun.to_string()..).take_while(|name| name.starts_with(begun));
        (start, from.filter(may).cloned().collect())
    }
}

impl Completer for Names {
    type Candidate = String;

    fn complete(&self, line: &str, end: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(Names::complete(self, line, end))
    }
}

impl Hinter for Names {
    type Hint = String;
}

impl Highlighter for Names {}

impl Validator for Names {}

impl Helper for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_so() {
        let names = Names(["map", "map-keys", "max", "seq/map", ":help", "größe", "a->b"].map(String::from).into());
        let complete = |line: &str| names.complete(line, line.len());
        assert_eq!(complete("ma"), (0, vec!["map".into(), "map-keys".into(), "max".into()]));
        assert_eq!(complete("f(map-"), (2, vec!["map-keys".into()]));
        assert_eq!(complete("[1]|>seq/"), (5, vec!["seq/map".into()]));
        assert_eq!(complete("(a->"), (1, vec!["a->b".into()]));
        assert_eq!(complete(":h"), (0, vec![":help".into()]));
        assert_eq!(complete("x :h"), (2, vec![]));
        assert_eq!(complete("1 + grö"), (4, vec!["größe".into()]));
        assert_eq!(complete("nothing"), (0, vec![]));
        assert_eq!(complete(""), (0, vec![]));
        assert_eq!(names.complete("ma + 1", 2).1.len(), 3);
    }
}
