//! The terminal of the REPL: line editing and history, or plain lines when nobody sits there.

use std::path::PathBuf;

use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{CompletionType, Config, Editor};

use super::Opening;
use super::completion::Names;
use super::session::{Answer, Session, show};
use crate::gc::Thread;
use crate::runtime::{console, descriptor, streams, threads};

/// Talks to a person.
pub fn talk(cx: &mut Thread, opening: Option<&Opening>) -> u8 {
    let Some(mut session) = Session::new(cx, true) else { return 1 };
    let config = Config::builder().completion_type(CompletionType::List).build();
    let mut editor = match Editor::<Names, DefaultHistory>::with_config(config) {
        Ok(editor) => editor,
        Err(_) => return plain(cx, opening),
    };
    let history = history_file();
    if let Some(file) = &history {
        // The first session has no history yet.
        let _ = editor.load_history(file);
    }
    console::print(&format!("Harrier {} (:help for help)\n", env!("CARGO_PKG_VERSION")));
    console::flush_quietly();
    opens(&mut session, cx, opening);
    // An entry of several lines comes back from the history as one.
    let mut entry = String::new();
    loop {
        let prompt = session.prompt();
        editor.set_helper(Some(session.names(cx)));
        let line = cx.outside(|| editor.readline(&prompt));
        match line {
            Ok(line) => {
                entry.push_str(&line);
                let answer = session.line(cx, &line);
                if answer == Answer::More {
                    entry.push('\n');
                } else {
                    if !entry.trim().is_empty() {
                        // What cannot be remembered is answered all the same.
                        let _ = editor.add_history_entry(entry.trim_end());
                    }
                    entry.clear();
                }
                if !show(&answer) {
                    break;
                }
            }
            Err(ReadlineError::Interrupted) => {
                session.give_up();
                entry.clear();
            }
            Err(ReadlineError::Eof) => break,
            Err(ReadlineError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                console::write_error("harrier: what was typed is not UTF-8\n");
            }
            Err(error) => {
                console::write_error(&format!("harrier: {error}\n"));
                break;
            }
        }
    }
    if let Some(file) = &history {
        if let Some(folder) = file.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        let _ = editor.save_history(file);
    }
    0
}

/// Begins with a file, if there is to be one; has it failed?
fn opens(session: &mut Session, cx: &mut Thread, opening: Option<&Opening>) -> bool {
    let Some(opening) = opening else { return false };
    let answer = session.open(cx, opening);
    show(&answer);
    matches!(answer, Answer::Error(_))
}

/// Evaluates the lines of a pipe or file.
pub fn plain(cx: &mut Thread, opening: Option<&Opening>) -> u8 {
    let Some(mut session) = Session::new(cx, false) else { return 1 };
    let mut failed = opens(&mut session, cx, opening);
    loop {
        // A key that is pressed while a line is awaited has nothing else to interrupt: it ends the program.
        let Ok(line) = threads::waiting(cx, |stop| streams::line_of_stdin(stop)) else {
            return console::INTERRUPTED;
        };
        let answer = match line.map(|line| line.map(|line| String::from_utf8(streams::without_end(line)))) {
            Ok(Some(Ok(line))) => session.line(cx, &line),
            Ok(Some(Err(_))) => {
                session.give_up();
                Answer::Error("harrier: a line that is not UTF-8\n".into())
            }
            Ok(None) => {
                let last = session.end(cx);
                failed |= matches!(last, Answer::Error(_));
                show(&last);
                break;
            }
            Err(error) => {
                console::write_error(&format!("harrier: cannot read: {}\n", descriptor::why(&error)));
                return 1;
            }
        };
        failed |= matches!(answer, Answer::Error(_));
        if !show(&answer) {
            break;
        }
    }
    u8::from(failed)
}

/// `$XDG_STATE_HOME/harrier/history`, or below `~/.local/state`.
fn history_file() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let state = state.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")))?;
    Some(state.join("harrier/history"))
}
