//! The REPL as a person meets it: through a pseudo-terminal.

#![cfg(unix)]

mod common;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use expectrl::session::OsSession;
use expectrl::{ControlCode, Eof, Expect, Session};

/// A folder for the history of a session.
fn state(name: &str) -> PathBuf {
    let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("repl-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&state);
    state
}

/// A REPL in a terminal, with a history of its own.
fn repl(name: &str) -> OsSession {
    repl_with(&state(name), &[])
}

fn repl_with(state: &Path, variables: &[(&str, &str)]) -> OsSession {
    let mut command = Command::new(common::harrier());
    command.arg("repl").env("XDG_STATE_HOME", state).env("TERM", "xterm").env("NO_COLOR", "1");
    command.envs(variables.iter().copied());
    let mut session = Session::spawn(command).expect("a pseudo-terminal");
    session.set_expect_timeout(Some(common::patient(Duration::from_secs(60))));
    session.expect("user> ").expect("a prompt");
    session
}

/// Waits for one after the other.
fn expect_all(session: &mut OsSession, pieces: &[&str]) {
    for piece in pieces {
        session.expect(*piece).unwrap_or_else(|e| panic!("{piece} of {pieces:?}: {e}"));
    }
}

fn process(session: &OsSession) -> libc::pid_t {
    session.get_process().pid().as_raw()
}

fn signal(session: &OsSession, signal: libc::c_int) {
    // SAFETY: a child of ours that was not waited for.
    unsafe { libc::kill(process(session), signal) };
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
    // An empty line only goes on.
    session.send_line("").expect("the line is taken");
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
    signal(&session, libc::SIGINT);
    std::thread::sleep(common::patient(Duration::from_millis(200)));
    say(&mut session, "[sleep(50), 6 * 7]", "[null, 42]");
}

#[test]
fn an_entry_of_several_lines_comes_back_as_one() {
    let mut session = repl("history");
    session.send_line("[1,").expect("the line is taken");
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

#[test]
fn what_is_typed_while_an_entry_runs_is_answered() {
    let mut session = repl("ahead");
    session.send("sleep(700)\r").expect("keys");
    std::thread::sleep(common::patient(Duration::from_millis(300)));
    session.send("11+11\r22+22\r33+33\r4").expect("keys");
    expect_all(&mut session, &["\r\nnull", "\r\n22\r\n", "\r\n44\r\n", "\r\n66\r\n", "user> ", "4"]);
    // The line that was begun can be finished.
    say(&mut session, "4", "\r\n44\r\n");
}

#[test]
fn pastes_keep_every_line() {
    let mut session = repl("paste");
    // Without brackets around it.
    session.send("11+11\r22+22\r33+33\r").expect("keys");
    expect_all(&mut session, &["\r\n22\r\n", "\r\n44\r\n", "\r\n66\r\n", "user> "]);
    session
        .send("\x1b[200~11+11\nif false { 1 }\nelse { :no }\n\nfn f(a) {\n  a * 2\n}\nf(21)\x1b[201~")
        .expect("a paste");
    session.send("\r").expect("Enter");
    expect_all(&mut session, &["\r\n22\r\n", ":no\r\n", "42\r\n", "user> "]);
}

/// Types a long text and waits for the answer and the next prompt. What comes back is read meanwhile, or both sides would wait.
fn paste(session: &mut OsSession, text: String, answer: &str) {
    let mut keyboard = session.get_process().get_raw_handle().expect("the terminal");
    let typist = std::thread::spawn(move || {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match keyboard.write(rest) {
                Ok(n) => rest = &rest[n..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(1)),
                Err(error) => panic!("{error}"),
            }
        }
    });
    let (mut seen, mut part) = (Vec::<u8>::new(), [0; 1 << 16]);
    let end = Instant::now() + common::patient(Duration::from_secs(50));
    // The prompt comes when the terminal no longer cuts lines at 4095 bytes.
    for awaited in [answer, "user> "] {
        loop {
            if let Some(at) = seen.windows(awaited.len()).position(|window| window == awaited.as_bytes()) {
                seen.drain(..at + awaited.len());
                break;
            }
            assert!(Instant::now() < end, "{awaited} did not come");
            seen.drain(..seen.len().saturating_sub(100));
            match session.try_read(&mut part) {
                Ok(n) => seen.extend(&part[..n]),
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
    typist.join().expect("all was typed");
}

#[test]
fn much_can_be_pasted() {
    let mut session = repl("much");
    let numbers: String = (0..3000).map(|i| format!("{i},\r")).collect();
    let entry = format!("length([\r{numbers}])\r");
    let line = format!("length(\"{}\")\r", "x".repeat(60_000));
    let pasted = format!("length([{}])", (0..34_000).map(|i| format!("{i},")).collect::<String>());
    assert!(pasted.len() > 190_000);
    for (text, answer) in
        [(entry, "\r\n3000\r\n"), (line, "\r\n60000\r\n"), (format!("\x1b[200~{pasted}\x1b[201~\r"), "\r\n34000\r\n")]
    {
        paste(&mut session, text, answer);
    }
    say(&mut session, "20 + 22", "\r\n42");
}

#[test]
fn the_end_key_leaves_an_entry_of_several_lines_and_not_the_session() {
    let mut session = repl("leaving");
    session.send("[1,\r2,\r").expect("keys");
    session.send(ControlCode::EndOfTransmission).expect("Ctrl-D");
    session.expect("user> ").expect("a prompt");
    say(&mut session, "20 + 22", "\r\n42");
    session.send("(1 +\r\r").expect("keys");
    session.send(ControlCode::EndOfText).expect("Ctrl-C");
    session.expect("user> ").expect("a prompt");
    say(&mut session, "30 + 3", "\r\n33");
    session.send(ControlCode::EndOfTransmission).expect("Ctrl-D");
    session.expect(Eof).expect("the end");
}

#[test]
fn a_third_interrupt_does_not_end_the_session() {
    let mut session = repl("thrice");
    // Nothing asks for the key while a number of millions of bits is computed.
    session.send("reduce(fn(a, i) { a * a }, 3, range(0, 24)) == 0\r").expect("keys");
    std::thread::sleep(common::patient(Duration::from_millis(100)));
    for _ in 0..5 {
        signal(&session, libc::SIGINT);
        std::thread::sleep(Duration::from_millis(30));
    }
    session.expect("user> ").expect("a prompt");
    say(&mut session, "20 + 22", "\r\n42");
}

#[test]
fn results_are_laid_out_coloured_and_cut() {
    let mut session = repl_with(&state("results"), &[("NO_COLOR", "")]);
    session.send("[1, :a, \"b\", null]\r").expect("keys");
    session
        .expect("\r\n[\x1b[36m1\x1b[0m, \x1b[33m:a\x1b[0m, \x1b[32m\"b\"\x1b[0m, \x1b[36mnull\x1b[0m]\r\n")
        .expect("a value in colours");
    let mut session = repl("narrow");
    session.get_process_mut().set_window_size(30, 24).expect("a narrow terminal");
    say(&mut session, "vec(range(100, 110))", "[\r\n  100, 101, 102, 103, 104,\r\n  105, 106, 107, 108, 109\r\n]\r\n");
    say(&mut session, "vec(range(5000))", "more elements, ");
    let mut session = repl_with(&state("results-dumb"), &[("TERM", "dumb"), ("NO_COLOR", "")]);
    say(&mut session, "vec(range(1, 5))", "[1, 2, 3, 4]\r\n");
}

#[test]
fn entries_are_coloured_and_hinted() {
    let mut session = repl_with(&state("colours"), &[("NO_COLOR", "")]);
    session.send("let x = \"a\"").expect("keys");
    session.expect("\x1b[35mlet\x1b[0m x = \x1b[32m\"a\"\x1b[0m").expect("colours");
    // What is typed behind Ctrl-C is not lost, either.
    session.send("\x03seq-of([1])").expect("Ctrl-C and keys");
    session.expect("\x1b[1;4m(\x1b[0m[\x1b[36m1\x1b[0m]\x1b[1;4m)").expect("matching brackets");
    session.send(ControlCode::EndOfText).expect("Ctrl-C");
    session.send("map(").expect("keys");
    session.expect("map(f, c)").expect("a signature");
    session.send("to-string, [1]) |> vec()\r").expect("keys");
    expect_all(&mut session, &["\r\n[\x1b[32m\"1\"", "user> "]);
}

#[test]
fn lines_are_indented() {
    let mut session = repl("indented");
    session.send("fn f(n) {\rif n > 1 {\r3\r").expect("keys");
    // Not all at once, for what comes at once is a paste.
    session.expect("    3\r\n").expect("the line");
    for key in ["}", "\r", "}", "\r"] {
        std::thread::sleep(Duration::from_millis(30));
        session.send(key).expect("a key");
    }
    session.expect("user> ").expect("a prompt");
    session.send("\x1b[A").expect("Up");
    session.expect("fn f(n) {\r\n  if n > 1 {\r\n    3\r\n  }\r\n}").expect("the entry");
}

#[test]
fn completion_knows_the_place() {
    let mut session = repl("places");
    say(&mut session, "struct Point { xcoord, ycoord: 0 }", "\r\n");
    say(&mut session, "let p = Point { xcoord: 5 }", "xcoord: 5");
    say(&mut session, "p.xc\t + 1", "\r\n6");
    say(&mut session, "(Point { yc\t1, xc\t2 }).ycoord", "\r\n1");
    say(&mut session, "let m = {:unmistakable 77}", "77");
    say(&mut session, "m[:unm\t]", "\r\n77");
    say(&mut session, "let v = [1, 2]", "[1, 2]");
    say(&mut session, "v.leng\t()", "\r\n2");
    say(&mut session, "core/freque\t([1])", "\r\n{1 1}");
    say(&mut session, "fn f(unmistaken) { unmistaken + 1 }; f(1)", "\r\n2");
    say(&mut session, "fn g(localname) { loca\t + 1 }; g(1)", "\r\n2");
    say(&mut session, ":hel\t", ":help");
    // A folder of our own: an emulated program sees another root.
    let folder = state("paths");
    std::fs::create_dir_all(folder.join("process")).expect("a folder");
    say(&mut session, &format!("\"{}/pro\tself\"", folder.display()), "process/self\"");
}

#[test]
fn output_of_other_threads_does_not_tear_the_line() {
    let mut session = repl("threads");
    say(&mut session, "let t = thread(fn() { for i in range(0, 3) { sleep(300); println(\"tick ${i}\") } })", "\r\n");
    session.send("let half = 5").expect("keys");
    for i in 0..3 {
        // It stands in a line of its own, above the entry, which is drawn again.
        session.expect(format!("\r\x1b[Ktick {i}\r\n")).expect("the output");
        session.expect("user> let half = 5").expect("the entry");
    }
    say(&mut session, "0", "\r\n50\r\n");
    // One that prints without a rest is seen as well.
    say(
        &mut session,
        "let v = thread(fn() { for i in range(0, 200) { sleep(5); println(\"tock ${i}\") } }); null",
        "null",
    );
    session.expect("tock 5\r\n").expect("the output");
    session.expect("tock 199\r\n").expect("the rest");
    session.expect("user> ").expect("the prompt");
    // While an entry runs it comes as ever.
    say(&mut session, "let u = thread(fn() { print(\"one\"); println(\" two\") }); join(u)", "one two\r\n");
}

/// Keys are answered at once, whatever is defined and however long the entry is.
#[test]
fn keys_are_answered_quickly() {
    let mut session = repl_with(&state("quick"), &[("NO_COLOR", "")]);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("many.hr");
    let text: String = (0..10_000).map(|i| format!("fn f{i}(x) {{ x + {i} }}\n")).collect();
    std::fs::write(&file, text).expect("a file");
    session.send_line(format!(":load {}", file.display())).expect("the line is taken");
    session.expect("many> ").expect("a prompt");
    let lines: String = (0..200).map(|i| format!("  x + {i} |> f(y, \"text {i}\")\n")).collect();
    session.send(format!("\x1b[200~fn long(x, y) {{\n{lines}\x1b[201~")).expect("a paste");
    expect_all(&mut session, &["text 199", "\x1b[?2026l"]);
    let mut median = |keys: &str| {
        let mut times: Vec<Duration> = Vec::new();
        for key in keys.chars() {
            std::thread::sleep(Duration::from_millis(20));
            let before = std::time::Instant::now();
            session.send(key.to_string()).expect("a key");
            session.expect("\x1b[?2026l").expect("the end of the drawing");
            times.push(before.elapsed());
        }
        times.sort();
        times[times.len() / 2]
    };
    let why = common::at_a_calm_moment(|| {
        let median = median("abcdefghijklm");
        println!("{median:?}");
        // Other tests run beside this one.
        (median >= common::patient(Duration::from_millis(30))).then(|| format!("{median:?}")).into_iter().collect()
    });
    assert!(why.is_empty(), "{why:?}");
}

/// The entries of the file, as it holds them.
fn remembered(state: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(state.join("harrier/history")).expect("a history");
    text.lines().map(String::from).collect()
}

#[test]
fn the_history_survives_whatever_ends_a_session() {
    use std::os::unix::fs::PermissionsExt;
    let state = state("ends");
    let ends: [(&str, fn(&mut OsSession)); 6] = [
        ("kill", |s| signal(s, libc::SIGKILL)),
        ("term", |s| signal(s, libc::SIGTERM)),
        ("hang up", |s| signal(s, libc::SIGHUP)),
        ("the program's exit", |s| s.send("exit(3)\r").expect("keys")),
        ("exit", |s| s.send("exit\r").expect("keys")),
        ("quit", |s| s.send(":quit\r").expect("keys")),
    ];
    for (number, (_, end)) in ends.iter().enumerate() {
        let mut session = repl_with(&state, &[]);
        say(&mut session, &format!("{number} + 100"), &format!("\r\n{}", number + 100));
        end(&mut session);
        session.expect(Eof).expect("the end");
    }
    let all = remembered(&state);
    for (number, (end, _)) in ends.iter().enumerate() {
        assert!(all.contains(&format!("{number} + 100")), "after {end}: {all:?}");
    }
    let mode = std::fs::metadata(state.join("harrier/history")).expect("a history").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // They are there again, the latest first.
    let mut session = repl_with(&state, &[]);
    session.send("\x1b[A\x1b[A\x1b[A").expect("keys");
    session.expect("exit").expect("the entry before the last two");
}

#[test]
fn two_sessions_share_the_history() {
    let state = state("shared");
    let (mut one, mut other) = (repl_with(&state, &[]), repl_with(&state, &[]));
    say(&mut one, "1 + 100", "101");
    say(&mut other, "2 + 100", "102");
    one.send("[3,\r103]\r").expect("keys");
    one.expect("[3, 103]").expect("the answer");
    signal(&one, libc::SIGKILL);
    say(&mut other, "4 + 100", "104");
    assert_eq!(remembered(&state), ["1 + 100", "2 + 100", "[3,\\n  103]", "4 + 100"]);
}

/// A history that is no file would be read for ever.
#[test]
fn a_history_that_is_no_file_is_left_alone() {
    let state = state("device");
    std::fs::create_dir_all(state.join("harrier")).expect("a folder");
    std::os::unix::fs::symlink("/dev/full", state.join("harrier/history")).expect("a link");
    let mut session = repl_with(&state, &[]);
    say(&mut session, "1 + 100", "101");
}

#[test]
fn a_terminal_that_knows_only_lines_is_talked_to() {
    let mut session = repl_with(&state("dumb"), &[("TERM", "dumb")]);
    say(&mut session, "20 + 22", "42\r\n");
    session.send_line("[1,").expect("the line is taken");
    session.expect(". ").expect("the prompt of a line that goes on");
    session.send_line("").expect("the line is taken");
    session.expect(". ").expect("the prompt of a line that goes on");
    session.send(ControlCode::EndOfTransmission).expect("Ctrl-D");
    session.expect("user> ").expect("a prompt");
    session.send("(1 +\n").expect("keys");
    session.expect(". ").expect("the prompt of a line that goes on");
    session.send(ControlCode::EndOfText).expect("Ctrl-C");
    session.expect("user> ").expect("a prompt");
    session.send("11+11\n22+22\n").expect("keys");
    expect_all(&mut session, &["22\r\n", "44\r\n", "user> "]);
    session.send(ControlCode::EndOfTransmission).expect("Ctrl-D");
    session.expect(Eof).expect("the end");
}

/// What a thread throws that nobody joins is told with the next answer, whatever the terminal knows.
#[test]
fn what_a_thread_has_thrown_is_told() {
    for variables in [&[][..], &[("TERM", "dumb")]] {
        let mut session = repl_with(&state(&format!("thrown-{}", variables.len())), variables);
        // It must not throw before the answer to this line, and must have thrown before that to the next.
        say(&mut session, "let go = atom(false)", "false");
        say(&mut session, "let t = thread(fn() { while !deref(go) { sleep(1) }; [1][7] }); null", "null");
        session.send_line("reset!(go, true); sleep(1000); 41 + 1").expect("the line is taken");
        expect_all(&mut session, &["42\r\n", "in a thread: IndexError", "user> "]);
        // Once.
        session.send_line("1 + 1").expect("the line is taken");
        for piece in ["2\r\n", "user> "] {
            let found = session.expect(piece).unwrap_or_else(|e| panic!("{piece}: {e}"));
            let before = String::from_utf8_lossy(found.before());
            assert!(!before.contains("in a thread"), "{before}");
        }
    }
}

#[test]
fn what_is_printed_without_a_line_break_stays() {
    let mut session = repl("open-line");
    say(&mut session, "print(\"abc\")", "\r\nabc\r\n");
    say(&mut session, "print(\"abc\"); 5", "\r\nabc\r\n5\r\n");
    say(&mut session, "println(\"whole\"); 6", "\r\nwhole\r\n6\r\n");
}

#[test]
fn a_thread_that_ends_the_session_gives_the_terminal_back() {
    let mut session = repl("exit");
    say(&mut session, "let t = thread(fn() { sleep(1000); exit(3) }); null", "\r\nnull");
    // Pastes are no longer marked: the state of the line was given back with it.
    session.expect("\x1b[?2004l").expect("the mode of pastes");
    session.expect(Eof).expect("the end");
}

/// What a thread prints while a line is edited, and then ends the process, is seen.
#[test]
fn the_last_words_of_a_thread_are_drawn() {
    for text in ["exit(0)", "print(\"and more\"); exit(0)"] {
        let mut session = repl("last-words");
        let thread = format!("let t = thread(fn() {{ sleep(500); println(\"last \" ++ \"words\"); {text} }}); null");
        say(&mut session, &thread, "\r\nnull");
        session.send("half a lin").expect("keys");
        session.expect("last words\r\n").expect("what it has said");
        session.expect("\x1b[?2004l").expect("the mode of pastes");
        session.expect(Eof).expect("the end");
    }
}

#[test]
fn deep_values_and_control_characters_do_not_flood_the_terminal() {
    let mut session = repl("deep");
    session.send_line("reduce(fn(a, x) { [a] }, [], range(0, 1000))").expect("the line is taken");
    let found = session.expect("user> ").expect("a prompt");
    assert!(found.before().len() < 12_000, "{} bytes", found.before().len());
    say(
        &mut session,
        "struct Es { x }; extend Es with Format { fn format(self, d) { \"\\x1b[31mE\" } }; Es { x: 1 }",
        "\\u{1B}[31mE",
    );
    say(&mut session, "throw \"\\x1b[31mZ\"", "uncaught: \\u{1B}[31mZ");
}
