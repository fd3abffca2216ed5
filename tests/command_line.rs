//! What the commands make of files and flags: `harrier test` counts what never ran, flags are read as they are written.

mod common;

use std::time::Duration;

use common::{Folder, run};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn tests_that_never_ran_have_failed() {
    let after = "test \"never\" { assert!(true) }\n";
    let folder = Folder::new(&[
        ("ends.hr", &format!("test \"fine\" {{ assert!(true) }}\ntest \"kill\" {{ exit(0) }}\n{after}")),
        ("hangs.hr", &format!("test \"hang\" {{ loop {{ }} }}\n{after}")),
        ("throws.hr", &format!("let x = null.y\n{after}")),
    ]);
    let json = folder.path("results.json");
    let args = ["test", "--limit", "2", "--json", &json, &folder.path("")];
    let outcome = run(&args, "", LIMIT);
    assert_eq!(outcome.misbehaved(1), None);
    assert!(outcome.stdout.ends_with("1 passed, 6 failed\n"), "{}", outcome.stdout);
    assert_eq!(outcome.stdout.matches(": never\n     did not run\n").count(), 3, "{}", outcome.stdout);
    assert!(outcome.stdout.contains("ends.hr: kill\n     ended with exit status 0\n"), "{}", outcome.stdout);
    let results = std::fs::read_to_string(json).expect("the results");
    assert_eq!(results.matches("did not run").count(), 3, "{results}");
    assert!(results.contains("\"failed\": 6"), "{results}");
}

#[test]
fn a_filter_leaves_out_tests_that_never_ran_too() {
    let folder = Folder::new(&[("a.hr", "test \"one\" { exit(3) }\ntest \"two\" { 1 }\n")]);
    let outcome = run(&["test", "--filter", "one", &folder.path("a.hr")], "", LIMIT);
    assert!(outcome.stdout.ends_with("0 passed, 1 failed\n"), "{}", outcome.stdout);
}

#[test]
fn the_folder_of_an_include_flag_may_touch_it() {
    let folder = Folder::new(&[("lib.hr", "fn f() { 5 }")]);
    for flags in [vec![format!("-I{}", folder.path(""))], vec!["-I".to_string(), folder.path("")]] {
        let mut args: Vec<&str> = flags.iter().map(String::as_str).collect();
        args.extend(["-e", "use lib\nlib/f()"]);
        let outcome = run(&args, "", LIMIT);
        assert_eq!((outcome.misbehaved(0), outcome.stdout.as_str()), (None, "5\n"), "{flags:?}: {}", outcome.stderr);
    }
}

#[test]
fn a_conversation_can_begin_with_a_file() {
    let folder = Folder::new(&[
        ("main.hr", "use parts\nfn twice(x) { parts/half(x) * 4 }\nfn main(args) { println(\"main\", args) }\n"),
        ("parts.hr", "fn half(x) { x / 2 }\n"),
        ("fails.hr", "fn f(x) { x }\nlet n = f(6)\nlet m = n / 0\n"),
    ]);
    let main = folder.path("main.hr");
    let loaded = run(&["repl", &main], "twice(4)\n:ns\n", LIMIT);
    assert_eq!((loaded.misbehaved(0), loaded.stdout.as_str()), (None, "8\nmain\n"), "{}", loaded.stderr);
    let ran = run(&["-i", &main, "a", "b"], "twice(6)\n", LIMIT);
    assert_eq!((ran.misbehaved(0), ran.stdout.as_str()), (None, "main [\"a\", \"b\"]\n12\n"), "{}", ran.stderr);
    // What fails leaves a conversation about it.
    let failed = run(&["-i", &folder.path("fails.hr")], "f(n)\n", LIMIT);
    assert!(failed.stderr.contains("DivisionByZero"), "{}", failed.stderr);
    assert_eq!(failed.stdout, "6\n", "{}", failed.stderr);
    let missing = run(&["repl", &folder.path("no.hr")], "1 + 1\n", LIMIT);
    assert!(missing.stderr.contains("cannot read") && missing.stdout == "2\n", "{}", missing.stderr);
}

/// What a traced function tells goes to stderr.
#[test]
fn a_traced_function_tells_of_its_calls() {
    let lines = "fn fib(n) { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }\n:trace fib\nfib(2)\nfib(null)\n\
        fn fib(n, m) { n }\nfib(1, \"a\")\n:trace\n:untrace fib\nfib(7, 8)\n:trace map\n:trace\n:disasm fib\n";
    let got = run(&["repl"], lines, LIMIT);
    assert_eq!(got.misbehaved(1), None);
    let told: Vec<&str> = got.stderr.lines().filter(|line| line.trim_start().starts_with("fib(")).collect();
    let expected = ["fib(2)", "  fib(1)", "  fib(1) = 1", "  fib(0)", "  fib(0) = 0", "fib(2) = 1", "fib(null)"];
    assert_eq!(told[..7], expected, "{}", got.stderr);
    assert!(told[7].starts_with("fib(null) threw SystemError.TypeError"), "{}", got.stderr);
    assert_eq!(told[8..], ["fib(1, \"a\")", "fib(1, \"a\") = 1"], "{}", got.stderr);
    let said =
        "user/fib is traced; `:untrace fib` ends it\n1\n1\ntraced: user/fib\nuser/fib is not traced any more\n7\n";
    assert!(got.stdout.starts_with(said), "{}", got.stdout);
    assert!(got.stderr.contains("core/map is of the library"), "{}", got.stderr);
    assert!(got.stdout.contains("no function is traced\n; user/fib, with 2 arguments"), "{}", got.stdout);
}

#[test]
fn a_conversation_waits_for_its_threads_and_tells_what_they_threw() {
    let lines = "thread(fn() { throw :lost })\nlet t = thread(fn() { sleep(300) println(\"late\") })\n:ns\n";
    let got = run(&["repl"], lines, LIMIT);
    assert_eq!(got.misbehaved(1), None, "{}", got.stderr);
    assert!(got.stdout.ends_with("late\n"), "{}", got.stdout);
    assert!(got.stderr.contains("in a thread: ") && got.stderr.contains(":lost"), "{}", got.stderr);
    let joined = run(&["repl"], "let t = thread(fn() { throw :seen })\ntry { join(t) } catch (e) { e }\n", LIMIT);
    assert_eq!(joined.misbehaved(0), None, "{}", joined.stderr);
    assert!(joined.stdout.ends_with(":seen\n"), "{}", joined.stdout);
}

#[test]
fn who_reads_a_pipe_gets_values_whole() {
    let got = run(&["repl"], "vec(range(0, 3000))\n", LIMIT);
    assert_eq!(got.misbehaved(0), None, "{}", got.stderr);
    assert!(got.stdout.ends_with(", 2998, 2999]\n"), "{}", got.stdout);
}

#[test]
fn a_flood_of_warnings_is_cut_off() {
    let folder = Folder::new(&[("values.hr", &"1\n".repeat(150))]);
    let outcome = run(&[&folder.path("values.hr")], "", LIMIT);
    assert_eq!(outcome.misbehaved(0), None);
    assert_eq!(outcome.stderr.matches("warning: ").count(), 101, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("warning: 49 more warnings of this text are not shown"), "{}", outcome.stderr);
}
