//! `breakpoint()`: a program stops for a person at a terminal, and goes on without one.

#![cfg(unix)]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use expectrl::process::unix::WaitStatus;
use expectrl::session::OsSession;
use expectrl::{ControlCode, Eof, Expect, Regex, Session};

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
    expect_all(&mut session, &["stopped in boxes/area", "boxes.hr:9:5", "boxes/area> "]);
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

/// Steps, and what is shown where each ends.
fn walk(session: &mut OsSession, steps: &[(&str, &str)]) {
    // Not the arrow of an excerpt, which ends so too.
    for (line, answer) in steps {
        session.send_line(line).expect("the line is taken");
        if !answer.is_empty() {
            session.expect(*answer).unwrap_or_else(|e| panic!("{line}: expected {answer}: {e}"));
        }
        session.expect(Regex(PROMPT)).unwrap_or_else(|e| panic!("{line}: no prompt: {e}"));
    }
}

const PROMPT: &str = r"[^ -]> $";

const STEPS: &str = r#"struct Box { x }
protocol Sized { fn size(self) }
extend Box with Sized {
    fn size(self) {
        let x = self.x
        x * x
    }
}
extend Box {
    fn grown(self, by) { Box { x: self.x + by } }
}
fn many {
    (a) => many(a, 1)
    (a, b) => a + b
}
fn fact(n) {
    if n == 0 { return 1 }
    let below = fact(n - 1)
    n * below
}
fn count(n, done) {
    if n == 0 { return done }
    count(n - 1, done + 1)
}
fn kind(n) {
    match n {
        0 => :none
        _ => [:some]
            |> first()
    }
}
fn work() {
    breakpoint()
    let f = fact(3)
    for i in [1, 2] {
        println("turn ${i}")
    }
    let b = Box { x: 2 }.grown(f)
    let s = [size(b), b.size(), many(1)]
    let c = count(100000, 0)
    let k = if c > 5 { kind(1) } else { kind(0) }
    let m = map(fn(x) {
        let y = x + 1
        y * 2
    }, [1, 2])
    [f, s, c, k, m]
}
fn main() { println(work()) }
"#;

#[test]
fn next_goes_from_statement_to_statement() {
    let folder = common::Folder::new(&[("steps.hr", STEPS)]);
    let mut session = at_a_terminal("next", &["--gc-always", "run", &folder.path("steps.hr")], &[("TERM", "dumb")]);
    expect_all(&mut session, &["stopped in steps/work", "steps/work> "]);
    let next = |line: &'static str| (":next", line);
    walk(&mut session, &[next("34 |     let f = fact(3)"), next("35 |"), ("f", "6"), next("turn ${i}"), ("i", "1")]);
    walk(&mut session, &[next("turn ${i}"), ("i", "2"), next("38 |"), next("39 |"), next("40 |"), next("41 |")]);
    // A branch is a block; of the function that is called in it nothing is seen.
    walk(&mut session, &[next("kind(1)"), ("c", "100000"), next("42 |"), next("46 |"), ("k", ":some")]);
    walk(&mut session, &[(":locals", "m = [4, 6]"), (":up", "println(work())")]);
    session.send_line(":next").expect("the line is taken");
    expect_all(&mut session, &["the program goes on", "[6, [64, 64, 2], 100000, :some, [4, 6]]"]);
    session.expect(Eof).expect("the end");
    assert_eq!(status(&session), 0);
}

#[test]
fn step_enters_what_is_called_and_finish_leaves_it() {
    let folder = common::Folder::new(&[("steps.hr", STEPS)]);
    let mut session = at_a_terminal("step", &["repl", &folder.path("steps.hr")], &[("TERM", "dumb")]);
    session.expect("> ").expect("a prompt");
    let step = |line: &'static str| (":step", line);
    walk(&mut session, &[("work()", "stopped in steps/work"), step("34 |"), step("17 |"), step("18 |"), step("17 |")]);
    // Through the recursion, which has ended then.
    walk(&mut session, &[(":finish", "=> 2"), ("n", "3"), (":next", "19 |"), ("below", "2"), (":next", "35 |")]);
    walk(&mut session, &[step("36 |"), step("36 |"), step("38 |"), step("10 |"), ("self.x", "2"), step("39 |")]);
    // By the name of the method, and behind a dot.
    walk(&mut session, &[step("5 |"), (":finish", "=> 64"), step("5 |"), (":finish", "=> 64"), ("_", "64")]);
    walk(&mut session, &[step("13 |     (a) => many(a, 1)"), step("14 |"), (":bt", "many"), step("40 |")]);
    // The function stays where it calls in tail position, as long as somebody steps.
    walk(&mut session, &[step("22 |"), step("23 |"), step("22 |"), (":up", "n = 100000"), (":finish", "=> 100000")]);
    walk(&mut session, &[step("41 |"), step("kind(1)"), step("26 |"), step("28 |         _ => [:some]")]);
    walk(&mut session, &[step("42 |"), step("43 |"), ("x", "1"), step("44 |"), step("43 |"), ("x", "2")]);
    walk(&mut session, &[(":finish", "=> 6"), (":bt", "steps/work")]);
    // What was entered does not stop any more.
    walk(&mut session, &[(":continue", "[6, [64, 64, 2], 100000, :some, [4, 6]]"), ("count(1000000, 0)", "1000000")]);
    walk(&mut session, &[(":break", "no breakpoint that was set"), (":step", "nothing is stopped")]);
}

#[test]
fn errors_and_the_interrupt_key_end_a_step() {
    let text = "fn fails(n) {\n    let m = n / 0\n    m\n}\n\
        fn guarded(n) {\n    let v = try { fails(n) } catch (e) { :caught } finally { println(\"finally\") }\n    v\n}\n\
        fn spins() {\n    let x = 1\n    while true { }\n}\n";
    let folder = common::Folder::new(&[("errors.hr", text)]);
    let mut session = at_a_terminal("errors", &["repl", &folder.path("errors.hr")], &[("TERM", "dumb")]);
    session.expect("errors> ").expect("a prompt");
    say(&mut session, "errors> ", &[(":break fails", "errors.hr:2"), (":break guarded", "errors.hr:6")]);
    walk(&mut session, &[("guarded(1)", "stopped in errors/guarded"), (":next", "try { fails(n) }")]);
    walk(&mut session, &[(":next", "stopped in errors/fails"), (":finish", "left by an error")]);
    walk(&mut session, &[(":next", "println(\"finally\")"), (":next", "7 |"), ("v", ":caught")]);
    session.send_line(":next").expect("the line is taken");
    expect_all(&mut session, &[":caught", "errors> "]);
    // Columns are those of the text, though a breakpoint is in its line.
    walk(&mut session, &[("fails(1)", "stopped in errors/fails"), (":next", "errors.hr:2:13")]);
    say(&mut session, "errors> ", &[("1 + 1", "2"), (":break spins", "errors.hr:10")]);
    walk(&mut session, &[("spins()", "stopped in errors/spins"), (":next", "while true"), (":next", "while true")]);
    session.send_line(":finish").expect("the line is taken");
    std::thread::sleep(common::patient(Duration::from_millis(200)));
    session.send(ControlCode::EndOfText).expect("Ctrl-C");
    expect_all(&mut session, &["Interrupted", "errors> "]);
    // The step was the other entry's.
    walk(&mut session, &[(":unbreak spins", "does not stop"), ("1 + 2", "3"), ("fails(2)", "stopped in errors/fails")]);
}

#[test]
fn the_top_level_is_stepped_through_and_other_threads_are_not() {
    let text = "fn bump(n) {\n    let more = n + 1\n    more\n}\n\
        let t = thread(fn() { bump(1) })\nbreakpoint()\nlet a = bump(2)\nlet b = join(t)\nprintln(a + b)\n";
    let folder = common::Folder::new(&[("top.hr", text)]);
    let mut session = at_a_terminal("top", &["run", &folder.path("top.hr")], &[("TERM", "dumb")]);
    expect_all(&mut session, &["stopped in top/(top level)", "top/(top level)> "]);
    walk(&mut session, &[(":next", "7 |"), (":step", "2 |"), ("n", "2"), (":next", "3 |"), (":next", "8 |")]);
    walk(&mut session, &[("a", "3"), (":step", "9 |"), ("b", "2")]);
    session.send_line(":next").expect("the line is taken");
    session.expect("5\r\n").expect("the sum");
    session.expect(Eof).expect("the end");
    assert_eq!(status(&session), 0);
}

#[test]
fn what_runs_keeps_its_code_and_a_prompt_may_stop_in_a_step() {
    let text = "fn f(x) {\n    let a = x\n    a + 1\n}\nstruct Box { x }\nextend Box {\n    fn twice(self) {\n        \
        let x = self.x\n        x * 2\n    }\n}\nfn piped(xs) {\n    let ys = xs\n    (ys |> vec())\n        |> length()\n}\n";
    let folder = common::Folder::new(&[("code.hr", text)]);
    let mut session = at_a_terminal("code", &["repl", &folder.path("code.hr")], &[("TERM", "dumb")]);
    session.expect("> ").expect("a prompt");
    walk(&mut session, &[(":break f", "code.hr:2"), ("f(1)", "stopped in code/f"), ("f(10)", "stopped in code/f")]);
    walk(
        &mut session,
        &[(":next", "3 |"), (":next", "11"), (":ns code", "code"), ("fn f(x) { x * 100 }", ""), (":next", "3 |")],
    );
    walk(&mut session, &[(":finish", "=> 2"), (":next", "2"), ("f(1)", "100"), (":break", "no breakpoint")]);
    // So is a method's forgotten when it is defined anew.
    walk(&mut session, &[(":break code.hr:8", "code.hr:8"), ("Box { x: 4 }.twice()", "stopped in"), (":next", "9 |")]);
    walk(&mut session, &[(":next", "8"), ("extend Box { fn twice(self) { 0 } }", ""), (":break", "no breakpoint")]);
    walk(&mut session, &[("Box { x: 4 }.twice()", "0"), (":break code.hr:14", "code.hr:14")]);
    walk(&mut session, &[("piped([1, 2])", "14 |     (ys |> vec())"), (":finish", "=> 2")]);
}

/// A loop without a statement in it can be gone through as well: its condition is asked in each turn.
#[test]
fn the_condition_of_a_loop_is_a_stop() {
    let text = "fn drains(xs) {\n    let mut left = xs\n    while length(left) > 0 {\n        left = rest(left)\n    }\n    \
        let n = while length(left) > 5 { 1 }\n    [left, n]\n}\n";
    let folder = common::Folder::new(&[("loops.hr", text)]);
    let mut session = at_a_terminal("loops", &["repl", &folder.path("loops.hr")], &[("TERM", "dumb")]);
    session.expect("> ").expect("a prompt");
    walk(&mut session, &[(":break drains", "loops.hr:2"), ("drains([1, 2])", "stopped in loops/drains")]);
    walk(&mut session, &[(":next", "3 |"), (":next", "4 |"), (":next", "3 |"), ("left", "[2]"), (":next", "4 |")]);
    walk(&mut session, &[(":next", "3 |"), ("left", "[]"), (":next", "loops.hr:6:5"), (":next", "loops.hr:6:19")]);
    walk(&mut session, &[(":next", "7 |"), (":continue", "[[], null]"), (":unbreak", "does not stop")]);
    // A breakpoint there stops in each turn.
    walk(&mut session, &[(":break loops.hr:3", "loops.hr:3"), ("drains([1, 2])", "stopped in"), ("left", "[1, 2]")]);
    walk(&mut session, &[(":continue", "3 |"), ("left", "[2]"), (":continue", "3 |"), (":continue", "[[], null]")]);
}

/// A function that begins with a loop stops once, where it begins, when it is named; at its line in each turn.
#[test]
fn a_breakpoint_on_a_function_that_begins_with_a_loop_is_before_the_loop() {
    let text = "fn counts(a) {\n    while deref(a) < 3 {\n        swap!(a, fn(n) { n + 1 })\n    }\n    deref(a)\n}\n";
    let folder = common::Folder::new(&[("begins.hr", text)]);
    let mut session = at_a_terminal("begins", &["repl", &folder.path("begins.hr")], &[("TERM", "dumb")]);
    session.expect("> ").expect("a prompt");
    walk(&mut session, &[(":break counts", "begins.hr:2"), ("counts(atom(0))", "begins.hr:2:5"), (":continue", "3")]);
    walk(&mut session, &[("counts(atom(0))", "begins.hr:2:5"), (":next", "begins.hr:2:11"), (":next", "3 |")]);
    walk(&mut session, &[(":continue", "3"), (":unbreak", "does not stop"), ("counts(atom(0))", "3")]);
    walk(&mut session, &[(":break begins.hr:2", "begins.hr:2"), ("counts(atom(1))", "begins.hr:2:11")]);
    walk(&mut session, &[(":continue", "begins.hr:2:11"), (":continue", "begins.hr:2:11"), (":continue", "3")]);
}

/// A line that stops by itself is the line that is meant.
#[test]
fn a_breakpoint_is_set_on_the_line_of_one() {
    let text = "fn f(n) {\n    let m = n\n    breakpoint()\n    m + 1\n}\n";
    let folder = common::Folder::new(&[("own.hr", text)]);
    let mut session = at_a_terminal("own", &["repl", &folder.path("own.hr")], &[("TERM", "dumb")]);
    session.expect("> ").expect("a prompt");
    walk(&mut session, &[(":break own.hr:3", "own.hr:3"), ("f(1)", "own.hr:3:5"), (":continue", "2")]);
    walk(&mut session, &[(":break", "own.hr:3"), (":unbreak", "does not stop"), ("f(2)", "own.hr:3:5")]);
    walk(&mut session, &[(":next", "4 |"), (":continue", "3")]);
}

/// What is called after an error has left a function may have its frame at the same address.
#[test]
fn a_step_is_not_taken_over_by_who_is_called_after_an_error() {
    let text = "fn fails(n) {\n    breakpoint()\n    n / 0\n}\nfn other(n) {\n    if n == 0 { breakpoint() }\n    n + 1\n}\n\
        fn quiet(n) {\n    let v = try { fails(n) } catch (e) { 5 }\n    other(v) + other(v + 1)\n}\n\
        fn main() {\n    let a = quiet(1)\n    let b = quiet(2)\n    if a == 0 { breakpoint() }\n    println(a + b)\n}\n";
    let folder = common::Folder::new(&[("taken.hr", text)]);
    let mut session = at_a_terminal("taken", &["run", &folder.path("taken.hr")], &[("TERM", "dumb")]);
    expect_all(&mut session, &["stopped in taken/fails", "taken/fails> "]);
    walk(
        &mut session,
        &[(":next", "3 |"), (":next", "taken.hr:15:"), ("a", "13"), (":continue", "stopped in taken/fails")],
    );
    walk(&mut session, &[(":finish", "left by an error"), (":bt", "taken/main"), ("[a, b]", "[13, 13]")]);
    session.send_line(":continue").expect("the line is taken");
    session.expect("26\r\n").expect("the sum");
    session.expect(Eof).expect("the end");
    assert_eq!(status(&session), 0);
}

/// The method of a protocol may be the protocol's own.
#[test]
fn step_enters_the_default_of_a_protocol() {
    let text = "protocol Sized {\n    /// How many.\n    fn size(self) {\n        let n = 1\n        n + 1\n    }\n    fn none(self)\n}\n\
        struct Box { x }\nstruct Bag { x }\nextend Box with Sized { fn none(self) { 0 } }\n\
        extend Bag with Sized {\n    fn none(self) { 1 }\n    fn size(self) { 9 }\n}\n\
        fn f(b) {\n    let s = size(b)\n    let t = b.size()\n    [s, t, none(b)]\n}\n";
    let folder = common::Folder::new(&[("defaults.hr", text)]);
    let mut session = at_a_terminal("defaults", &["repl", &folder.path("defaults.hr")], &[("TERM", "dumb")]);
    session.expect("> ").expect("a prompt");
    walk(&mut session, &[(":break f", "defaults.hr:17"), ("f(Box { x: 1 })", "stopped in"), (":step", "4 |")]);
    walk(&mut session, &[(":next", "5 |"), (":finish", "=> 2"), (":next", "18 |"), (":step", "4 |"), ("self.x", "1")]);
    walk(&mut session, &[(":continue", "[2, 2, 0]"), (":unbreak", "does not stop"), ("f(Box { x: 1 })", "[2, 2, 0]")]);
    walk(&mut session, &[("f(Bag { x: 1 })", "[9, 9, 1]"), (":break defaults.hr:5", "defaults/Sized stops at")]);
    walk(&mut session, &[("f(Box { x: 1 })", "defaults.hr:5:"), ("n", "1"), (":continue", "defaults.hr:5:")]);
    walk(&mut session, &[(":unbreak", "does not stop"), (":continue", "[2, 2, 0]")]);
}

/// Where nobody is stopped, and nobody can be.
#[test]
fn steps_are_refused_where_nothing_is_stopped() {
    let got = common::run(&["repl"], "fn f(x) { breakpoint(); x }\nf(3)\n:next\n:step\n:finish\n:continue\n", LIMIT);
    assert_eq!(got.stdout, "3\n", "{got:?}");
    assert_eq!(got.stderr.matches("nothing is stopped").count(), 4, "{got:?}");
}

/// An entry that only extends a type defines no name; and what is said of an error is what the text says.
#[test]
fn entries_that_extend_stop_and_errors_are_explained_as_without_stops() {
    let mut session = at_a_terminal("alone", &["repl"], &[("TERM", "dumb")]);
    let here = "user> ";
    session.expect(here).expect("a prompt");
    session.send_line("struct M { k }").expect("the line is taken");
    session.expect(here).expect("a prompt");
    session.send_line("extend M { fn more(self) { self.k + 1 } }").expect("the line is taken");
    session.expect(here).expect("a prompt");
    say(&mut session, here, &[(":break repl[2]:1", "stops at repl[2]:1")]);
    walk(&mut session, &[("M { k: 1 }.more()", "stopped in "), (":continue", "2")]);
    session.send_line("fn closes(h) { h[:close]() }").expect("the line is taken");
    session.expect(here).expect("a prompt");
    say(&mut session, here, &[(":break closes", "user/closes stops at")]);
    let why = "null cannot be called: it is not a function; it is what `h[:close]` gives";
    walk(&mut session, &[("closes({})", "stopped in user/closes"), (":continue", why)]);
}

/// `:break error`: the prompt is where an error is thrown, before anything is left, whether something catches it or not.
#[test]
fn errors_stop_where_they_are_thrown() {
    let mut session = at_a_terminal("errors", &["repl"], &[]);
    let prompt = "user> ";
    session.expect(prompt).expect("a prompt");
    say(
        &mut session,
        prompt,
        &[
            ("fn half(a, b) { let c = a * 2; let d = b; c + d }", "\r\n"),
            ("fn safe(x) { try { half(x, \"no\") } catch (e) { [\"caught\", x] } }", "\r\n"),
            ("safe(1)", "\"caught\", 1"),
            (":break error", "errors stop where they are thrown, caught or not"),
            (":break", "errors stop where they are thrown\r\n"),
        ],
    );
    session.send_line("safe(3)").expect("the line is taken");
    expect_all(
        &mut session,
        &["TypeError: +: cannot add Int 6", "stopped in user/half, where it is thrown", "c + d", "half> "],
    );
    say(
        &mut session,
        "> ",
        &[
            // All variables in view are kept, those that nothing uses any more as well.
            ("[a, b, c, d]", "\r\n[3, \"no\", 6, \"no\"]"),
            ("*e", "cannot add Int 6"),
            // What goes wrong in what is typed stops nobody.
            ("1 + null", "\r\nTypeError"),
            (":bt", "at user/safe"),
            (":return 5", "cannot return from here: an error is about to be thrown"),
            (":up", "x = 3"),
            ("x", "\r\n3"),
            (":continue", "\"caught\", 3"),
        ],
    );
    // A value that is thrown; what the library has called; a call that fails before it begins; and an end of it all.
    session
        .send_line("fn thrower(n) { if n > 2 { throw [:bad, n] } else { thrower(n + 1) + 1 } }")
        .expect("the line is taken");
    session.expect(prompt).expect("a prompt");
    session.send_line("thrower(0)").expect("the line is taken");
    expect_all(&mut session, &["uncaught: [:bad, 3]", "stopped in user/thrower", "> "]);
    say(&mut session, "> ", &[("n", "\r\n3"), (":continue", "at user/thrower")]);
    session.send_line("vec(map(fn(x) { 10 / x }, [1, 0]))").expect("the line is taken");
    expect_all(&mut session, &["DivisionByZero", "10 / x", "> "]);
    say(&mut session, "> ", &[("x", "\r\n0"), (":quit", "Interrupted")]);
    session.send_line("half(1)").expect("the line is taken");
    expect_all(&mut session, &["ArityError", "where it is thrown", "> "]);
    say(
        &mut session,
        "> ",
        &[
            (":continue", "ArityError"),
            (":unbreak error", "errors do not stop any more"),
            (":unbreak error", "there is no breakpoint that was set here"),
            ("half(1, null)", "\r\nTypeError"),
            ("safe(4)", "\"caught\", 4"),
        ],
    );
}

/// The ways by tail calls that a trace tells of are those of the text, whose nodes have other numbers than those of the tree with stops.
#[test]
fn an_error_behind_a_tail_call_of_a_function_with_stops_is_traced() {
    let text = "fn f(x) { x + null }\nfn g(x) { f(x) }\nfn main() {\n    breakpoint()\n    try { g(3) } catch (e) { println(\"caught\") }\n    g(4)\n}\n";
    let folder = common::Folder::new(&[("tail.hr", text)]);
    for stops in [false, true] {
        let mut session = at_a_terminal("tail", &["run", &folder.path("tail.hr")], &[]);
        expect_all(&mut session, &["stopped in tail/main", "tail/main> "]);
        if stops {
            say(&mut session, "> ", &[(":break error", "errors stop where they are thrown")]);
            session.send_line(":continue").expect("the line is taken");
            expect_all(&mut session, &["cannot add Int 3 and null", "stopped in tail/f", "> "]);
            session.send_line(":continue").expect("the line is taken");
            expect_all(&mut session, &["caught", "cannot add Int 4 and null", "stopped in tail/f", "> "]);
        }
        session.send_line(":continue").expect("the line is taken");
        expect_all(&mut session, &["cannot add Int 4 and null", "at tail/f (", "at tail/g (", "at tail/main ("]);
        session.expect(Eof).expect("the end");
        assert_eq!(status(&session), 1);
    }
}
