//! `breakpoint()`: a program stops for a person at a terminal, and goes on without one.

#![cfg(unix)]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use expectrl::process::unix::WaitStatus;
use expectrl::session::OsSession;
use expectrl::{ControlCode, Eof, Expect, Session};

const SHAPES: &str = r#"struct Box { mut held }

fn area(width, height) {
    let half = 0.5 * to-float(height)
    let log = Box { held: [width, "w"] }
    let scaled = width * 2
    breakpoint()
    scaled * height
}

fn total(sizes) {
    let mut count = 0
    let add = fn(size) {
        count = count + 1
        area(size, 4) + count
    }
    let sum = sum(map(add, sizes))
    println("sum ${sum} of ${count}")
    sum
}

fn main() { total([3, 5]) }
"#;

const LIMIT: Duration = Duration::from_secs(60);

/// Harrier in a terminal.
fn at_a_terminal(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> OsSession {
    let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("breakpoint-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&state);
    let mut command = Command::new(common::harrier());
    command.args(arguments).env("XDG_STATE_HOME", state).env("TERM", "xterm").env("NO_COLOR", "1");
    command.envs(variables.iter().copied());
    let mut session = Session::spawn(command).expect("a pseudo-terminal");
    session.set_expect_timeout(Some(common::patient(LIMIT)));
    session
}

fn expect_all(session: &mut OsSession, pieces: &[&str]) {
    for piece in pieces {
        session.expect(*piece).unwrap_or_else(|e| panic!("{piece} of {pieces:?}: {e}"));
    }
}

/// Says each line, and waits for what it is answered and for the next prompt.
fn say(session: &mut OsSession, prompt: &str, lines: &[(&str, &str)]) {
    for (line, answer) in lines {
        session.send_line(line).expect("the line is taken");
        session.expect(*answer).unwrap_or_else(|e| panic!("{line}: expected {answer}: {e}"));
        session.expect(prompt).unwrap_or_else(|e| panic!("{line}: no prompt: {e}"));
    }
}

fn status(session: &OsSession) -> i32 {
    match session.get_process().wait() {
        Ok(WaitStatus::Exited(_, status)) => status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_program_is_looked_at_where_it_stops() {
    let folder = common::Folder::new(&[("shapes.hr", SHAPES)]);
    let mut session = at_a_terminal("program", &["run", &folder.path("shapes.hr")], &[]);
    expect_all(&mut session, &["stopped in shapes/area", "shapes.hr:7:5", "7 |     breakpoint()", "shapes/area> "]);
    let here = "shapes/area> ";
    say(
        &mut session,
        here,
        &[
            // What the rest of the function does not use is there all the same.
            ("[width, height, half, scaled]", "\r\n[3, 4, 2.0, 6]"),
            ("log.held", "\r\n[3, \"w\"]"),
            // What the program has defined, and what the prompt defines.
            ("area", "fn shapes/area"),
            ("let twice = scaled * 2", "\r\n12"),
            ("fn more(x) { x + width + twice }", "\r\n"),
            ("more(1)", "\r\n16"),
            ("*1 + 1", "\r\n17"),
            // Objects can be changed, variables cannot.
            ("log.held = [width]", "\r\n[3]"),
            ("scaled = 100", "can be looked at, not assigned"),
            (":locals", "log = Box { held: [3] }"),
            ("gc(); log", "Box { held: [3] }"),
            ("wid\t + 1", "\r\n4"),
            ("throw \"oops\"", "\r\nuncaught: oops"),
            ("nobody", "\r\nerror"),
            (":bt", "at core/map (core.hr"),
            (":down", "this is the innermost function"),
        ],
    );
    session.send("1 + (").expect("a line that is not finished");
    session.send(ControlCode::EndOfText).expect("Ctrl-C");
    session.expect(here).expect("a prompt");
    session.send_line("while true { }").expect("the line is taken");
    std::thread::sleep(common::patient(Duration::from_millis(300)));
    session.send(ControlCode::EndOfText).expect("Ctrl-C");
    expect_all(&mut session, &["Interrupted", here]);
    // The caller is the closure, which has changed a variable of the function around it.
    session.send_line(":up").expect("the line is taken");
    expect_all(&mut session, &["area(size, 4)", "count = 1", "> "]);
    say(&mut session, "> ", &[("count * 100", "\r\n100"), (":down", "breakpoint()"), ("twice", "\r\n12")]);
    session.send_line(":continue").expect("the line is taken");
    expect_all(&mut session, &["stopped in shapes/area", here]);
    say(&mut session, here, &[("[width, scaled]", "\r\n[5, 10]")]);
    session.send(ControlCode::EndOfTransmission).expect("Ctrl-D");
    expect_all(&mut session, &["sum 67 of 2"]);
    session.expect(Eof).expect("the end");
    assert_eq!(status(&session), 0);
}

/// What is thrown at the prompt is no business of what the program is about to throw on.
#[test]
fn errors_of_the_prompt_leave_the_programs_own_as_they_were() {
    let text = "fn deep(n) { if n == 0 { throw \"deep\" }; 1 + deep(n - 1) }\n\
        fn main() { try { deep(3) } finally { let where = :finally; breakpoint(); println(where) } }\n";
    let folder = common::Folder::new(&[("rethrown.hr", text)]);
    let mut session = at_a_terminal("rethrown", &["--gc-always", "run", &folder.path("rethrown.hr")], &[]);
    session.expect("rethrown/main> ").expect("a prompt");
    say(&mut session, "rethrown/main> ", &[("1 / 0", "\r\nDivisionByZero"), ("where", "\r\n:finally")]);
    session.send_line("continue").expect("the line is taken");
    expect_all(&mut session, &["uncaught: deep", "at rethrown/deep", "(4 times)", "at rethrown/main"]);
    session.expect(Eof).expect("the end");
    assert_eq!(status(&session), 1);
}

#[test]
fn quit_ends_the_program() {
    let folder = common::Folder::new(&[("shapes.hr", SHAPES)]);
    let mut session = at_a_terminal("quit", &["run", &folder.path("shapes.hr")], &[("TERM", "dumb")]);
    session.expect("shapes/area> ").expect("a prompt");
    say(&mut session, "shapes/area> ", &[("width * height", "12")]);
    session.send_line(":quit").expect("the line is taken");
    session.expect(Eof).expect("the end");
    assert_eq!(status(&session), 1);
}

#[test]
fn nobody_is_asked_without_a_terminal() {
    let folder = common::Folder::new(&[("shapes.hr", SHAPES)]);
    let got = common::run(&["run", &folder.path("shapes.hr")], "quit\n", LIMIT);
    assert_eq!((got.misbehaved(0), got.stdout.as_str()), (None, "sum 67 of 2\n"), "{got:?}");
    // Once, though it was passed twice.
    assert_eq!(got.stderr.matches("passed the breakpoint at").count(), 1, "{got:?}");
    assert!(got.stderr.contains("shapes.hr:7:5: it stops where stdin and stdout are a terminal"), "{got:?}");
}

#[test]
fn other_threads_go_on() {
    let text = "fn work(n) { breakpoint(); n + 1 }\nfn main() { println(join(thread(fn() { work(41) }))) }\n";
    let folder = common::Folder::new(&[("threads.hr", text)]);
    let mut session = at_a_terminal("threads", &["run", &folder.path("threads.hr")], &[]);
    expect_all(&mut session, &["threads.hr:1:14: only the thread that the program began in stops", "42"]);
    session.expect(Eof).expect("the end");
}

#[test]
fn an_entry_stops_and_keys_that_were_typed_ahead_are_for_its_prompt() {
    let mut session = at_a_terminal("repl", &["repl"], &[]);
    session.expect("user> ").expect("a prompt");
    say(&mut session, "user> ", &[("fn f(n) { let m = n * n; breakpoint(); m + 1 }", "\r\n")]);
    session.send("f(6)\rm + 4\r:continue\r1000 + 1\r").expect("keys");
    expect_all(&mut session, &["stopped in user/f", "user/f> ", "\r\n40\r\n", "\r\n37\r\n", "\r\n1001\r\n", "user> "]);
    // A stop in a stop, and the end of an entry.
    session.send_line("f(7)").expect("the line is taken");
    expect_all(&mut session, &["stopped in user/f", "user/f> "]);
    session.send_line("f(n + 1)").expect("the line is taken");
    expect_all(&mut session, &["stopped in user/f", "user/f> "]);
    say(&mut session, "user/f> ", &[("m", "\r\n64"), ("continue", "\r\n65"), ("m", "\r\n49")]);
    session.send_line(":quit").expect("the line is taken");
    expect_all(&mut session, &["Interrupted", "user> "]);
    say(&mut session, "user> ", &[("20 + 22", "\r\n42"), (":continue", "nothing is stopped")]);
}

/// A map that its variable alone holds is changed in place: not any more when somebody has looked at it.
#[test]
fn what_was_looked_at_does_not_change() {
    let text = "let kept = atom(null)\nfn grow() {\n    let mut m = {}\n    for i in range(0, 60) {\n        m = assoc(m, i, i)\n        \
        if i == 40 { breakpoint() }\n    }\n    m\n}\n\
        fn main() { let m = grow(); println(\"${length(deref(kept))} and ${length(m)}\") }\n";
    let folder = common::Folder::new(&[("maps.hr", text)]);
    let mut session = at_a_terminal("maps", &["--gc-always", "--gc-verify", "run", &folder.path("maps.hr")], &[]);
    session.expect("maps/grow> ").expect("a prompt");
    say(&mut session, "maps/grow> ", &[("reset!(kept, m); length(m)", "\r\n41"), ("i", "\r\n40")]);
    session.send_line("continue").expect("the line is taken");
    session.expect("41 and 60").expect("what was kept, and what was made");
}

/// The prompt of a breakpoint is in the midst of an entry: the names of entries go on.
#[test]
fn entries_at_a_breakpoint_are_numbered_on() {
    let mut session = at_a_terminal("numbers", &["repl"], &[]);
    session.expect("user> ").expect("a prompt");
    say(&mut session, "user> ", &[("fn f(n) { breakpoint(); n }", "\r\n")]);
    session.send_line("f(1)").expect("the line is taken");
    session.expect("user/f> ").expect("a prompt");
    say(&mut session, "user/f> ", &[("1 / 0", "repl[3]:1:1"), ("n / 0", "repl[4]:1:1")]);
    session.send_line(":continue").expect("the line is taken");
    session.expect("user> ").expect("a prompt");
    say(&mut session, "user> ", &[("1 / 0", "repl[6]:1:1")]);
}

/// A breakpoint that was forgotten is told of where tests pass, once for all files.
#[test]
fn tests_that_pass_tell_of_a_breakpoint() {
    let shared = "fn look(x) { breakpoint(); x }\n";
    let test = "use shared\ntest \"looks\" { assert-eq!(shared/look(1), 1) }\n";
    let snapshot = "fn main() { breakpoint(); println(1) }\n// @snapshot\n// 1\n";
    let files = [("shared.hr", shared), ("a.hr", test), ("b.hr", test), ("c.hr", snapshot)];
    let folder = common::Folder::new(&files);
    let got = common::run(&["test", &folder.path("")], "", LIMIT);
    assert!(got.misbehaved(0).is_none() && got.stdout.contains("0 failed"), "{got:?}");
    for place in ["shared.hr:1:14", "c.hr:1:13"] {
        let told = got.stdout.lines().filter(|line| line.contains("passed the breakpoint at") && line.contains(place));
        assert_eq!(told.count(), 1, "{place}: {got:?}");
    }
}

#[test]
fn functions_are_left_with_a_value() {
    let text = "fn half(n) {\n    breakpoint()\n    n / 2\n}\n\
        fn guarded(n) { try { breakpoint(); n } finally { println(\"finally\") } }\n\
        fn work(a, b) { let x = half(a); let y = half(b); [a, x, b, y, guarded(1)] }\n\
        fn main() { println(work(10, 20)); println(vec(map(half, [7]))) }\n";
    let folder = common::Folder::new(&[("halves.hr", text)]);
    let mut session = at_a_terminal("return", &["--gc-always", "run", &folder.path("halves.hr")], &[]);
    let here = "halves/half> ";
    session.expect(here).expect("a prompt");
    say(&mut session, here, &[(":return oops", "error"), (":return 1 / 0", "DivisionByZero")]);
    session.send_line(":return [n, :half]").expect("the line is taken");
    expect_all(&mut session, &["stopped in halves/half", here]);
    session.send_line(":return 2.5").expect("the line is taken");
    expect_all(&mut session, &["stopped in halves/guarded", "halves/guarded> "]);
    say(&mut session, "halves/guarded> ", &[(":return 5", "cannot return from here: a `try`"), ("n", "\r\n1")]);
    session.send_line(":continue").expect("the line is taken");
    expect_all(&mut session, &["finally", "[10, [10, :half], 20, 2.5, 1]", "stopped in halves/half", here]);
    session.send_line(":return :last").expect("the line is taken");
    session.expect("[:last]").expect("what is made of it");
    session.expect(Eof).expect("the end");
    assert_eq!(status(&session), 0);
}

#[test]
fn breakpoints_are_set_at_the_prompt() {
    let text = "struct Box { x }\nextend Box {\n    fn twice(self) {\n        let x = self.x\n        x * 2\n    }\n}\n\
        fn area(w, h) {\n    let a = w * h\n\n    a + 1\n}\n";
    let folder = common::Folder::new(&[("boxes.hr", text)]);
    let mut session = at_a_terminal("break", &["repl", &folder.path("boxes.hr")], &[]);
    let here = "boxes> ";
    session.expect(here).expect("a prompt");
    say(&mut session, here, &[(":break area", "boxes/area stops at"), (":break boxes.hr:10", "boxes.hr:11\r\n")]);
    session.send_line("area(3, 4)").expect("the line is taken");
    expect_all(&mut session, &["stopped in boxes/area", "boxes.hr:8:", "boxes/area> "]);
    say(&mut session, "boxes/area> ", &[("[w, h]", "\r\n[3, 4]")]);
    session.send_line(":continue").expect("the line is taken");
    expect_all(&mut session, &["stopped in boxes/area", "boxes.hr:11:", "boxes/area> "]);
    say(&mut session, "boxes/area> ", &[("a", "\r\n12"), (":unbreak", "boxes/area does not stop any more")]);
    session.send_line(":return a * 100").expect("the line is taken");
    expect_all(&mut session, &["\r\n1200\r\n", here]);
    say(&mut session, here, &[("area(3, 4)", "\r\n13"), (":break boxes.hr:5", "the `extend` in")]);
    session.send_line("Box { x: 4 }.twice()").expect("the line is taken");
    expect_all(&mut session, &["stopped in ", "boxes.hr:5:", "twice> "]);
    session.send_line(":continue").expect("the line is taken");
    expect_all(&mut session, &["\r\n8\r\n", here]);
    say(&mut session, here, &[(":unbreak", "does not stop any more"), ("Box { x: 5 }.twice()", "\r\n10")]);
}
