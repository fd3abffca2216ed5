//! The interrupt key at the prompt stops whatever runs there, and the session goes on.

#![cfg(unix)]

mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use expectrl::session::OsSession;
use expectrl::{ControlCode, Expect, Session};

/// What is defined first.
const SETTING: &[&str] = &[
    "use io; use seq; null",
    "let numbers = vec(range(0, 5000000)); null",
    // The parts of the text have to fit the small heap under the emulator.
    "let text = repeat-string(\"a\", 5000000); null",
    "let huge = pow(3, 4000000); let other = pow(7, 2000000); let vast = (1 << 60000000) - 1; null",
    "fn deep(n) { 1 + deep(n + 1) }; null",
];

/// What works for long or for ever, most of it in one builtin. It is done again and again, so that it is never done before the
/// key is pressed, however fast the machine. A line that begins with `:` is a command. (`tools/soak/interrupt` reads both tables.)
const LONG: &[&str] = &[
    "while true { }",
    "try { deep(0) } catch (e) { }",
    "sleep(100000)",
    "join(thread(fn() { sleep(100000) }))",
    "read-line()",
    "io/read-all()",
    "length(vec(range(0, 1000000000)))",
    "frequencies(range(0, 1000000000))",
    "sum(range(0, 1000000000000))",
    "length(map(fn(x) { x }, range(0, 1000000000)))",
    "sum(seq/map(fn(x) { x + 1 }, seq/range()))",
    "length(sort(map(fn(x) { 0 - x * 7919 % 1000003 }, numbers)))",
    "sort-by(fn(x) { 0 - x }, numbers)",
    "vec(range(0, 20000000))",
    "pow(7, 40000000) > 0",
    "vast * vast > 0",
    "vast * vast / huge > 0",
    "gcd(huge, other)",
    "length(to-string(1 << 12000000))",
    "length(repeat-string(\"text\", 100000000))",
    "length(split(text, \"a\"))",
    "length(repr(numbers))",
    "for i in range(0, 1000000000) { println(i) }",
    ":bench sleep(100000)",
    ":time while true { }",
];

/// What is in those that take more memory than there is under the emulator.
const LARGE: &[&str] = &["00000000))", "sort-by", "repr("];

/// The line at the prompt that does the work, and says that it has begun.
fn again_and_again(work: &str) -> String {
    format!("println(\"begun\"); loop {{ {work} }}")
}

/// A session that waits for its first line.
fn prompt(name: &str) -> OsSession {
    let state = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let mut command = Command::new(common::harrier());
    command.arg("repl").env("XDG_STATE_HOME", state).env("TERM", "xterm").env("NO_COLOR", "1");
    let mut session = Session::spawn(command).expect("a pseudo-terminal");
    session.set_expect_timeout(Some(common::patient(Duration::from_secs(60))));
    session.expect("user> ").expect("a prompt");
    session
}

#[test]
fn the_interrupt_key_stops_whatever_runs() {
    let mut session = prompt("interrupt");
    for line in SETTING {
        session.send_line(line).expect("the line is taken");
        session.expect("\r\nnull").expect("the setting");
        session.expect("user> ").expect("a prompt");
    }
    // Under an emulator one kind of work in ten: what asks for the key is the same Rust, and the polls of machine code are verified.
    let one_in = common::one_in(10);
    let part = common::number("HARRIER_PART").unwrap_or(0) as usize % one_in;
    println!("one kind of work in {one_in}, part {part}");
    for work in LONG.iter().skip(part).step_by(one_in) {
        let line = if work.starts_with(':') { work.to_string() } else { again_and_again(work) };
        if common::is_emulated() && LARGE.iter().any(|large| line.contains(*large)) {
            println!(
                "left out: {line} (that does not fit the small heap under the emulator, and that is said at once)"
            );
            continue;
        }
        session.send_line(&line).expect("the line is taken");
        if line.starts_with(':') {
            // What is measured prints nothing.
            std::thread::sleep(common::patient(Duration::from_millis(200)));
        } else {
            session.expect("\r\nbegun").unwrap_or_else(|e| panic!("{line} does not begin: {e}"));
        }
        std::thread::sleep(Duration::from_millis(300));
        let pressed = Instant::now();
        session.send(ControlCode::EndOfText).expect("Ctrl-C");
        session.expect("Interrupted").unwrap_or_else(|e| panic!("{line} is not interrupted: {e}"));
        session.expect("user> ").unwrap_or_else(|e| panic!("{line}: no prompt: {e}"));
        // 2 to 32 ms where nobody else wants the processors; here much else may run, and what cannot be interrupted takes minutes.
        let took = pressed.elapsed();
        assert!(took < common::patient(Duration::from_secs(5)), "{line}: {took:?}");
        println!("{took:>10.1?}  {line}");
    }
    session.send_line("[length(numbers), length(text) > 0]").expect("the line is taken");
    session.expect("\r\n[5000000, true]").expect("all is as it was");
}

/// What is left of it would flood the terminal for seconds, before the prompt.
#[test]
fn what_was_being_printed_is_not_printed_to_its_end() {
    let mut session = prompt("printing");
    session.send_line("println(vec(range(0, 2000000)))").expect("the line is taken");
    session.expect("[0, 1, 2, 3").expect("it begins to print");
    // What nobody reads cannot all be on its way when the key is pressed.
    std::thread::sleep(Duration::from_millis(300));
    session.send(ControlCode::EndOfText).expect("Ctrl-C");
    // Nor is anything read before it has been noticed: else what is on its way would go on meanwhile.
    std::thread::sleep(common::patient(Duration::from_secs(1)));
    let printed = session.expect("Interrupted").expect("it is interrupted").before().len();
    assert!(printed < 1 << 20, "{printed} bytes were printed after the key was pressed");
    session.expect("user> ").expect("a prompt");
    session.send_line("1 + 1").expect("the line is taken");
    session.expect("\r\n2").expect("the session goes on");
}
