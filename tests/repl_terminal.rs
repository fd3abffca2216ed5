//! The REPL as a person meets it: through a pseudo-terminal.

#![cfg(unix)]

mod common;

use std::process::Command;
use std::time::Duration;

use expectrl::session::OsSession;
use expectrl::{ControlCode, Eof, Expect, Session};

/// A REPL in a terminal, with a history of its own.
fn repl(name: &str) -> OsSession {
    let state = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("repl-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&state);
    let mut command = Command::new(common::harrier());
    command.arg("repl").env("XDG_STATE_HOME", state).env("TERM", "xterm").env("NO_COLOR", "1");
    let mut session = Session::spawn(command).expect("a pseudo-terminal");
    session.set_expect_timeout(Some(common::patient(Duration::from_secs(20))));
    session.expect("user> ").expect("a prompt");
    session
}

/// Says a line and waits for what it is answered, and for the next prompt.
fn say(session: &mut OsSession, line: &str, answer: &str) {
    session.send_line(line).expect("the line is taken");
    session.expect(answer).unwrap_or_else(|e| panic!("{line}: expected {answer}: {e}"));
    session.expect("user> ").unwrap_or_else(|e| panic!("{line}: no prompt: {e}"));
}

#[test]
fn a_conversation() {
    let mut session = repl("conversation");
    say(&mut session, "20 + 22", "\r\n42");
    session.send_line("fn twice(x) {").expect("the line is taken");
    session.expect(". ").expect("the prompt of a line that goes on");
    say(&mut session, "x * 2 }", "\r\n");
    say(&mut session, "twice(\"a\")", "TypeError");
    say(&mut session, "twice(21)", "\r\n42");
    session.send(ControlCode::EndOfTransmission).expect("Ctrl-D");
    session.expect(Eof).expect("the end");
}

#[test]
fn the_interrupt_key_stops_a_loop_and_gives_up_a_line() {
    let mut session = repl("interrupt");
    session.send_line("while true { }").expect("the line is taken");
    std::thread::sleep(common::patient(Duration::from_millis(300)));
    session.send(ControlCode::EndOfText).expect("Ctrl-C");
    session.expect("Interrupted").expect("the loop is interrupted");
    session.expect("user> ").expect("a prompt");
    session.send("1 + (").expect("a line that is not finished");
    session.send(ControlCode::EndOfText).expect("Ctrl-C");
    session.expect("user> ").expect("a prompt");
    say(&mut session, "5 * 5", "\r\n25");
}

#[test]
fn bytes_that_are_not_text_are_no_end() {
    let mut session = repl("bytes");
    for bytes in [&b"\xff1 + 1\r"[..], b"\"caf\xe9\"\r", b"\x1b[200~1 + \xff\x1b[201~\r"] {
        session.send(bytes).expect("the bytes are taken");
        session.expect("not UTF-8").expect("it says so");
        session.expect("user> ").expect("a prompt");
        say(&mut session, "20 + 22", "42");
    }
}

#[test]
fn a_key_that_found_nothing_to_interrupt_is_forgotten() {
    let mut session = repl("forgotten");
    let process = session.get_process().pid().as_raw();
    // SAFETY: a child of ours that was not waited for.
    unsafe { libc::kill(process, libc::SIGINT) };
    std::thread::sleep(common::patient(Duration::from_millis(200)));
    say(&mut session, "[sleep(50), 6 * 7]", "[null, 42]");
}

#[test]
fn an_entry_of_several_lines_comes_back_as_one() {
    let mut session = repl("history");
    session.send_line("[1,").expect("the line is taken");
    session.expect(". ").expect("the prompt of a line that goes on");
    say(&mut session, "20 + 1]", "[1, 21]");
    // Up, and the whole entry is there again.
    say(&mut session, "\x1b[A", "[1, 21]");
}

#[test]
fn names_are_completed() {
    let mut session = repl("completion");
    say(&mut session, "let unmistakable = 99", "99");
    say(&mut session, "unmis\t + 1", "\r\n100");
    say(&mut session, "string->k\t(\"x\")", "\r\n:x");
}
