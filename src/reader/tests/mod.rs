//! Tests of the reader: what texts become, through a short form of the dump, and what is said about wrong ones.

mod facts;
mod lexical;
mod limits;
mod messages;
mod syntax;

use std::sync::Arc;

use super::tree::{Source, Unit};
use super::{Surroundings, SyntaxError, dump, read};

/// Reads with the alias `m` in view.
fn try_read(text: &str) -> Result<Unit, Vec<SyntaxError>> {
    let surroundings = Surroundings { aliases: vec!["m".into()], ..Surroundings::default() };
    read(Arc::new(Source::new("test.hr", text)), &surroundings)
}

fn unit(text: &str) -> Unit {
    try_read(text).unwrap_or_else(|errors| panic!("{text}\n{errors:#?}"))
}

/// The code of the top level in one line: children in parentheses, locals as `$name`, variables and facts left out.
fn shape(text: &str) -> String {
    let dump = dump(&unit(text));
    let lines: Vec<&str> =
        dump.lines().skip_while(|l| *l != "init").skip_while(|l| *l != "    block").skip(1).collect();
    let mut out = String::new();
    let mut depths: Vec<usize> = vec![2];
    for line in lines {
        let text = line.trim_start();
        let depth = (line.len() - text.len()) / 2;
        if text.starts_with("var ") || text.contains(" assigns [") {
            continue;
        }
        while depths.last().is_some_and(|d| *d > depth) {
            depths.pop();
            out.push(')');
        }
        if depths.last() == Some(&depth) {
            out.push_str(", ");
        } else {
            depths.push(depth);
            out.push(if depths.len() > 2 { '(' } else { ' ' });
        }
        out.push_str(&short(text));
    }
    while depths.len() > 2 {
        depths.pop();
        out.push(')');
    }
    out.trim().to_string()
}

fn short(line: &str) -> String {
    if line.starts_with("arity ") {
        return line.split(" size").next().unwrap_or(line).replace(" calls", "");
    }
    if line.starts_with('"') {
        return line.to_string();
    }
    let words: Vec<String> = line
        .split(' ')
        .filter(|w| *w != "global")
        .map(|w| match w.rsplit_once('#') {
            Some((name, id)) if !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) => format!("${name}"),
            _ => w.to_string(),
        })
        .collect();
    words.join(" ")
}

/// Checks shapes, all of them before it fails.
fn check(cases: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (text, expected) in cases {
        let found = match try_read(text) {
            Ok(_) => shape(text),
            Err(errors) => format!("{:?}", errors.iter().map(|e| &e.message).collect::<Vec<_>>()),
        };
        if found != *expected {
            wrong.push_str(&format!("{text}\n  expected {expected}\n  found    {found}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// The errors of a text, each as `line:column message`.
fn complaints(text: &str) -> Vec<String> {
    let source = Source::new("test.hr", text);
    let errors = try_read(text).err().unwrap_or_default();
    errors
        .iter()
        .map(|error| {
            let (line, column) = source.line_column(error.span.start);
            format!("{line}:{column} {}", error.message)
        })
        .collect()
}
