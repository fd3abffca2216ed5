//! The recorded session of `docs/repl.md` is what the REPL says.
//!
//! A block ```` ```repl ```` of the document is a session: lines that begin with a prompt are typed into a terminal that knows only lines, all
//! else must be what comes back. `HARRIER_BLESS=1` writes the answers anew.

#![cfg(unix)]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use expectrl::{Expect, Regex, Session};

/// What a prompt looks like, at the beginning of a line.
fn typed(line: &str) -> Option<&str> {
    let (prompt, rest) = line.split_once("> ").or_else(|| line.split_once(". "))?;
    let is_prompt =
        !prompt.contains(|c: char| c != '/' && c != '-' && !c.is_alphanumeric()) || prompt.trim().is_empty();
    is_prompt.then_some(rest)
}

/// The session that these lines of input give, as it looks.
fn recorded(inputs: &[&str]) -> String {
    let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join("repl-document");
    let _ = std::fs::remove_dir_all(&state);
    let mut command = Command::new(common::harrier());
    command.arg("repl").env("XDG_STATE_HOME", state).env("TERM", "dumb").env("NO_COLOR", "1");
    let mut session = Session::spawn(command).expect("a pseudo-terminal");
    session.set_expect_timeout(Some(common::patient(Duration::from_secs(60))));
    let prompt = || Regex("(^|\r\n)([a-z/-]+> | +\\. )$");
    let mut text = String::new();
    let mut found = session.expect(prompt()).expect("a prompt");
    for input in inputs {
        text.push_str(String::from_utf8_lossy(found.matches().last().expect("a prompt")).trim_start_matches("\r\n"));
        text.push_str(input);
        text.push('\n');
        session.send_line(input).expect("the line is taken");
        found = session.expect(prompt()).unwrap_or_else(|e| panic!("{input}: {e}"));
        let answer = String::from_utf8_lossy(found.before()).replace("\r\n", "\n");
        text.push_str(&answer);
        if !answer.is_empty() {
            text.push('\n');
        }
    }
    text
}

#[test]
fn the_session_of_the_document() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/repl.md");
    let document = std::fs::read_to_string(&path).expect("the document");
    let (before, rest) = document.split_once("```repl\n").expect("a session");
    let (session, behind) = rest.split_once("```\n").expect("its end");
    let inputs: Vec<&str> = session.lines().filter_map(typed).collect();
    assert!(inputs.len() > 10, "{inputs:?}");
    let now = recorded(&inputs);
    if std::env::var_os("HARRIER_BLESS").is_some() {
        std::fs::write(&path, format!("{before}```repl\n{now}```\n{behind}")).expect("the document can be written");
        return;
    }
    assert_eq!(common::difference(session, &now), Vec::<String>::new(), "HARRIER_BLESS=1 writes it anew");
}
