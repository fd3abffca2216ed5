//! Conversations with the REPL, without a terminal.

use harrier::gc;
use harrier::repl::{Answer, Session};
use harrier::runtime::{Vm, compile, load};

/// Says the lines one after the other; gives the answer to each. Runs on a stack as large as the program's.
fn talk(lines: &'static [&'static str]) -> Vec<Answer> {
    talk_on(gc::Options::default(), lines)
}

/// The same on a heap of this kind.
fn talk_on(heap: gc::Options, lines: &'static [&'static str]) -> Vec<Answer> {
    let run = move || {
        let mut cx = Vm::start(heap, compile::compile).expect("a machine");
        load::core(&mut cx).expect("core");
        let mut session = Session::new(&mut cx, false).expect("a session");
        let mut answers: Vec<Answer> = lines.iter().map(|line| session.line(&mut cx, line)).collect();
        answers.push(session.end(&mut cx));
        answers
    };
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(run).expect("a thread");
    thread.join().expect("no panic")
}

fn value(text: &str) -> Answer {
    Answer::Value(text.into())
}

fn is_error(answer: &Answer, piece: &str) -> bool {
    matches!(answer, Answer::Error(text) if text.contains(piece))
}

#[test]
fn values_are_shown_readably_and_definitions_stay() {
    let answers = talk(&["1 + 2", "\"te\\\"xt\"", "let x = 5", "x * x", "fn f(a) { a + x }", "f(1)", "null", ""]);
    let expected = [
        value("3"),
        value("\"te\\\"xt\""),
        value("5"),
        value("25"),
        Answer::Nothing,
        value("6"),
        value("null"),
        Answer::Nothing,
        Answer::Nothing,
    ];
    assert_eq!(answers, expected);
}

#[test]
fn open_brackets_go_on_in_the_next_line() {
    let answers = talk(&["fn f(a) {", "  a * 2", "}", "f(", "21)", "\"two", "lines\"", "[1,", "", "2]", "(3"]);
    assert_eq!(answers[0], Answer::More);
    assert_eq!(answers[1], Answer::More);
    assert_eq!(answers[2], Answer::Nothing);
    assert_eq!(answers[3], Answer::More);
    assert_eq!(answers[4], value("42"));
    assert_eq!(answers[6], value("\"two\\nlines\""));
    // An empty line only goes on.
    assert_eq!(answers[8..10], [Answer::More, value("[1, 2]")]);
    // The end of the input does not.
    assert!(is_error(&answers[11], "expected"), "{:?}", answers[11]);
}

/// An entry of several forms; the answers to all but the last come early.
#[test]
fn each_form_of_an_entry_shows_its_value() {
    let entry = |text: &'static str| {
        let run = move || {
            let mut cx = Vm::start(gc::Options::default(), compile::compile).expect("a machine");
            load::core(&mut cx).expect("core");
            let mut session = Session::new(&mut cx, false).expect("a session");
            let mut answers = Vec::new();
            let last = session.entry(&mut cx, text, &mut |answer| answers.push(answer.clone()));
            answers.push(last);
            answers
        };
        let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(run).expect("a thread");
        thread.join().expect("no panic")
    };
    assert_eq!(entry("1 + 1\n(2)\n(3)\nlet x = 5; x\n"), ["2", "2", "3", "5", "5"].map(value));
    // Functions that call each other are declared together, whatever stands between.
    let text = "fn even(n) { n == 0 || odd(n - 1) }\n// odd\nfn odd(n) { n != 0 && even(n - 1) }\neven(10)\nodd(10)\n";
    assert_eq!(entry(text), ["true", "false"].map(value));
    let text =
        "let x = 5\nif x == 4 { :a }\nelse { :b }\n[1, 2]\n  |> length()\n2\n* 3\ntry { 1 / 0 }\ncatch (e) { 8 }";
    assert_eq!(entry(text), ["5", ":b", "2", "6", "8"].map(value));
    // Commands among them, and what the prompt alone knows.
    let answers = entry("let y = 7\n:ns\n*1 + 1\n*1 * *2\n");
    assert_eq!(answers, [value("7"), Answer::Text("user\n".into()), value("8"), value("56")]);
    let answers = entry(":doc length\n1 + 1\n");
    assert!(matches!(&answers[..], [Answer::Text(doc), two] if doc.contains("core/length") && *two == value("2")));
    // What follows an error does not run, and a text that is wrong does not either, but for what stood before it.
    let answers = entry("1\n1 / 0\n3\n4\n");
    assert!(answers.len() == 2 && is_error(&answers[1], "(2 more of this entry did not run)\n"), "{answers:?}");
    assert!(is_error(&answers[1], "repl[1]:2:1"), "{answers:?}");
    let answers = entry("1; nope\n");
    assert!(is_error(&answers[1], "repl[1]:1:4"), "{answers:?}");
    let answers = entry("5\nlet = 3\n");
    assert!(answers.len() == 2 && answers[0] == value("5") && is_error(&answers[1], "repl[1]:2:"), "{answers:?}");
}

#[test]
fn results_have_names() {
    let answers = talk(&[
        "*1",
        "10",
        "20",
        "30",
        "[*1, *2, *3]",
        "*1",
        "6 *2",
        ":ns other",
        "[length(*1), *2]",
        "1 / 0",
        "*e.message",
        "throw :mine",
        "*e",
        "fn f() { 3 }",
        "*1",
        "*4",
    ]);
    assert_eq!(answers[0], value("null"));
    assert_eq!(answers[4..7], [value("[30, 20, 10]"), value("[30, 20, 10]"), value("12")]);
    assert!(is_error(&answers[8], "TypeError"), "{:?}", answers[8]);
    assert!(matches!(&answers[10], Answer::Value(text) if text.contains("cannot divide")), "{:?}", answers[10]);
    assert_eq!(answers[12], value(":mine"));
    assert_eq!(answers[14], value(":mine"));
    assert!(matches!(answers[15], Answer::Error(_)), "{:?}", answers[15]);
}

#[test]
fn an_entry_can_go_on_with_the_one_before() {
    let answers = talk(&[
        "[3, 1, 2]",
        "|> sort()",
        ".length()",
        "+ 1",
        "* 2 == 8",
        "let n = 0",
        "if n == 1 { :one }",
        "else if n == 2 { :two }",
        "else { :none }",
        "-1",
        "throw 3",
        "catch (e) { e }",
        "try { throw 3 }",
        "catch (e) { e + 1 }",
    ]);
    assert_eq!(answers[1..5], ["[1, 2, 3]", "3", "4", "true"].map(value));
    assert_eq!(answers[6..10], ["null", "null", ":none", "-1"].map(value));
    assert!(matches!(answers[11], Answer::Error(_)), "{:?}", answers[11]);
    // What is evaluated anew means the values that it meant.
    let again = talk(&["5", "if *1 > 7 { :more }", "else { :less }", "*2"]);
    assert_eq!(again[2..4], [value(":less"), value("5")]);
    assert_eq!(answers[13], value("4"));
}

#[test]
fn errors_keep_the_session_alive() {
    let answers =
        talk(&["throw \"boom\"", "1 / 0", "nonsense(1)", "let = 3", "fn f(n) { 1 + f(n) }", "f(0)", "1 + 1", "(1 +"]);
    assert!(is_error(&answers[0], "boom"));
    assert!(is_error(&answers[1], "DivisionByZero"));
    assert!(is_error(&answers[2], "unknown name `nonsense`"));
    assert!(is_error(&answers[3], "expected"));
    assert!(is_error(&answers[5], "StackOverflow"));
    assert_eq!(answers[6], value("2"));
    assert_eq!(answers[7], Answer::More);
    assert!(is_error(&answers[8], "expected"));
}

#[test]
fn redefinition_reaches_all_callers() {
    let answers = talk(&[
        "fn price(n) { n * 2 }",
        "fn total(n) { price(n) + 1 }",
        "total(5)",
        "fn price(n) { n * 100 }",
        "total(5)",
        "fn price(n, m) { n }",
        "total(5)",
        "let price = fn(n) { n - 1 }",
        "total(5)",
        "let price = 7",
        "total(5)",
        "fn price(...all) { length(all) }",
        "total(5)",
    ]);
    assert_eq!(answers[2], value("11"));
    assert_eq!(answers[4], value("501"));
    assert!(is_error(&answers[6], "ArityError"));
    assert_eq!(answers[8], value("5"));
    assert!(is_error(&answers[10], "cannot be called"));
    assert_eq!(answers[12], value("2"));
}

#[test]
fn types_keep_their_identity() {
    let answers = talk(&[
        "struct P { x }",
        "fn show(p) { match p { P { x } => x, _ => :other } }",
        "let old = P { x: 1 }",
        "show(old)",
        "struct P { x, y: 10 * 2 }",
        "[show(old), old.y, show(P { x: 3 }), old == P { x: 1 }]",
        "extend P { fn sum(self) { self.x + self.y } }",
        "[old.sum(), (P { x: 1, y: 2 }).sum()]",
        "struct P { y: 0 }",
        "(P { }).x",
        "old.x",
        "protocol Area { fn area(self) }",
        "fn go(v) { area(v) }",
        "extend P with Area { fn area(self) { 5 } }",
        "go(old)",
        "extend P with Area { fn area(self) { 6 } }",
        "go(old)",
        "fn area(v) { :plain }",
        "go(old)",
    ]);
    assert_eq!(answers[3], value("1"));
    assert_eq!(answers[5], value("[1, 20, 3, false]"));
    assert_eq!(answers[7], value("[21, 3]"));
    assert!(is_error(&answers[9], "FieldError"), "{:?}", answers[9]);
    assert_eq!(answers[14], value("5"));
    assert_eq!(answers[16], value("6"));
    assert_eq!(answers[18], value(":plain"));
}

#[test]
fn commands() {
    let answers =
        talk(&[":help", ":ns", ":ns a/b", "let y = 1", ":ns user", "y", ":doc length", ":nonsense x", ":k", ":quit"]);
    assert!(matches!(&answers[0], Answer::Text(text) if text.contains(":quit")));
    assert_eq!(answers[1], Answer::Text("user\n".into()));
    assert_eq!(answers[2], Answer::Text("a/b\n".into()));
    assert!(is_error(&answers[5], "unknown name `y`"));
    assert!(matches!(&answers[6], Answer::Text(text) if text.contains("core/length")));
    assert!(is_error(&answers[7], "no command :nonsense"));
    assert_eq!(answers[8], value(":k"));
    assert_eq!(answers[9], Answer::Quit);
}

const FAILING: &[&str] = &[
    "fn fail(why) { throw why }",
    "fn half(n, name) { let twice = n * 2; let label = \"${name}!\"; let raw = 0.5 * to-float(n); if n > 2 { fail(label) }; [twice, raw, name] }",
    "fn outer(items) { let mut count = 0; let add = fn(x) { count = count + x; half(x, \"n\") }; map(add, items); count }",
    ":locals",
    "outer([1, 2, 3])",
    ":locals",
    ":locals 1",
    ":locals 99",
    "try { outer([5]) } catch (e) { e }",
    ":locals 1",
    "1 / 0",
    ":locals",
];

#[test]
fn variables_of_the_last_error_are_shown() {
    let stress = gc::Options { stress: gc::Stress::Decaying, verify: true, ..gc::Options::default() };
    for heap in [gc::Options::default(), stress] {
        let answers = talk_on(heap, FAILING);
        let text = |index: usize| match &answers[index] {
            Answer::Text(text) => text.as_str(),
            other => panic!("{other:?}"),
        };
        assert_eq!(text(3), "there was no error with variables to show\n");
        assert!(is_error(&answers[4], "n!"), "{:?}", answers[4]);
        println!("{}", text(5));
        let half = "1  user/half (repl[2]:1)\n     n = <no longer kept>\n     name = \"n\"\n     twice = 6\n     label = <no longer kept>\n     raw = 1.5\n";
        assert!(text(5).contains("0  user/fail (repl[1]:1)\n     why = <no longer kept>\n"), "{}", text(5));
        assert!(text(5).contains(half), "{}", text(5));
        // What is in a box is what it was then.
        assert!(text(5).contains("count = 6\n"), "{}", text(5));
        assert_eq!(text(6), half);
        assert!(is_error(&answers[7], "the functions 0 to "), "{:?}", answers[7]);
        // An error that was caught changes nothing.
        assert_eq!(answers[8], value("\"n!\""));
        assert_eq!(text(9), half);
        assert!(text(11).starts_with("0  user/(top level) (repl[11]:1)\n     no variables\n"), "{}", text(11));
    }
}

/// An error that came by `join` shows the functions of the thread that threw it, then those of who waited for it.
#[test]
fn variables_of_a_thread_that_failed_are_shown() {
    let answers = talk(&[
        "fn half(n) { let label = \"n is ${n}\"; if n > 2 { throw label }; [n, label] }",
        "fn waits(n) { let worker = thread(fn() { [half(n), n] }); let answer = join(worker); [answer, n] }",
        "waits(7)",
        ":locals",
        ":locals 1",
        ":locals 2",
    ]);
    assert!(is_error(&answers[2], "n is 7"), "{:?}", answers[2]);
    let Answer::Text(all) = &answers[3] else { panic!("{:?}", answers[3]) };
    let (thread, joiner) = all.split_once("joined by:\n").unwrap_or_else(|| panic!("{all}"));
    assert!(thread.starts_with("0  user/half (repl[1]:1)\n") && thread.contains("     n = 7\n"), "{all}");
    assert!(joiner.contains("  user/waits (repl[2]:1)\n") && joiner.contains("     n = 7\n"), "{all}");
    assert!(
        matches!(&answers[4], Answer::Text(text) if text.starts_with("1  ") && !text.contains("joined")),
        "{answers:?}"
    );
    assert!(matches!(&answers[5], Answer::Text(text) if text.contains("user/waits")), "{answers:?}");
}

/// From one function of the last error to the next.
#[test]
fn functions_of_the_last_error_are_gone_through() {
    let answers = talk(&[
        "fn half(n) { if n > 2 { throw n }; n }",
        "fn outer(n) { let m = n + 1; [half(m), m] }",
        ":up",
        "outer(5)",
        ":down",
        ":up",
        ":bt",
        ":up",
        ":up",
        ":down",
        "outer(6)",
        ":up",
        ":continue",
    ]);
    let outer = |m: u32| format!("1  user/outer (repl[2]:1)\n     n = <no longer kept>\n     m = {m}\n");
    assert_eq!(answers[2], Answer::Text("there was no error with variables to show\n".into()));
    assert!(is_error(&answers[4], "the innermost function"), "{answers:?}");
    assert_eq!(answers[5], Answer::Text(outer(6)));
    let Answer::Text(stack) = &answers[6] else { panic!("{answers:?}") };
    assert!(
        stack.starts_with("  at user/half (repl[1]:1)\n  at user/outer (repl[2]:1)\n  at user/(top level)"),
        "{stack}"
    );
    assert!(matches!(&answers[7], Answer::Text(text) if text.starts_with("2  user/(top level)")), "{answers:?}");
    assert!(is_error(&answers[8], "no function further out"), "{answers:?}");
    assert_eq!(answers[9], Answer::Text(outer(6)));
    // Each error begins with the innermost one.
    assert_eq!(answers[11], Answer::Text(outer(7)));
    assert!(is_error(&answers[12], "nothing is stopped"), "{answers:?}");
}

/// What does not compile is the last error then: it has left no function.
#[test]
fn variables_of_an_older_error_are_gone_after_one_that_ran_nothing() {
    let answers = talk(&["fn fail(why) { throw why }", "fail(1)", ":locals", "let = ", ":locals"]);
    assert!(matches!(&answers[2], Answer::Text(text) if text.contains("user/fail")), "{answers:?}");
    assert_eq!(answers[4], Answer::Text("there was no error with variables to show\n".into()));
}

#[test]
fn what_is_shown_of_variables_is_bounded() {
    let answers = talk(&[
        "fn down(n, long) { if n == 0 { throw \"end\" }; [down(n - 1, long), long] }",
        "down(100, join(map(fn(i) { \"number ${i} \" }, range(0, 100000)), \"\"))",
        ":locals",
        ":locals 15",
        ":locals 16",
    ]);
    assert!(is_error(&answers[1], "end"), "{:?}", answers[1]);
    let Answer::Text(all) = &answers[2] else { panic!("{:?}", answers[2]) };
    assert!(all.contains("15  user/down") && !all.contains("16  user/down"), "{all}");
    // 101 calls of `down` and the top level.
    assert!(all.ends_with("…  86 more functions, whose variables were not kept\n"), "{all}");
    assert!(all.contains("long = \"number 0 number 1") && all.lines().all(|line| line.len() < 130), "{all}");
    let Answer::Text(one) = &answers[3] else { panic!("{:?}", answers[3]) };
    assert!((1000..3000).contains(&one.len()) && one.contains("number 100") && one.ends_with("…\n"), "{one}");
    assert!(is_error(&answers[4], "the functions 0 to 15"), "{:?}", answers[4]);
}

#[test]
fn what_people_type_who_look_for_a_command() {
    let answers = talk(&[
        "help",
        "help(length)",
        ":halp",
        "let total = 5",
        "total = total + 1",
        "fresh = 7",
        "let quit = 3",
        "quit",
        "exit",
    ]);
    assert!(matches!(&answers[0], Answer::Text(text) if text.contains(":load FILE")));
    assert!(matches!(&answers[1], Answer::Text(text) if text.contains("core/length(self)")));
    assert!(is_error(&answers[2], "did you mean :help?"), "{:?}", answers[2]);
    assert!(is_error(&answers[4], "write `let total = total + 1`"), "{:?}", answers[4]);
    assert!(is_error(&answers[5], "write `let fresh = 7`"), "{:?}", answers[5]);
    assert_eq!(answers[7], value("3"));
    assert_eq!(answers[8], Answer::Quit);
}

#[test]
fn the_last_value_has_a_name_and_long_ones_are_cut() {
    let answers = talk(&["6 * 7", "_ + 1", "_ + _", "fn f() { 1 }", "_", "vec(range(5000))", ":all", "length(_)"]);
    assert_eq!(answers[1..3], [value("43"), value("86")]);
    assert_eq!(answers[4], value("86"));
    assert!(matches!(&answers[5], Answer::Value(text) if text.len() < 4200 && text.contains("more characters; :all")));
    assert!(matches!(&answers[6], Answer::Text(text) if text.len() > 20_000 && text.ends_with("4998, 4999]\n")));
    assert_eq!(answers[7], value("5000"));
}

#[test]
fn what_only_prints_shows_no_value() {
    let answers = talk(&[
        "println()",
        "for x in [] { println(x) }",
        "if true { print(\"\") }",
        "for x in [1] { x * 2 }",
        "println()",
    ]);
    assert_eq!(answers[..3], [Answer::Nothing, Answer::Nothing, Answer::Nothing]);
    assert_eq!(answers[3..5], [value("2"), Answer::Nothing]);
}

#[test]
fn documentation_of_namespaces_and_forms() {
    let answers = talk(&[":doc io", ":doc match", ":doc |>>", ":doc nothing-of-the-kind", ":doc io/read-file"]);
    assert!(matches!(&answers[0], Answer::Text(text) if text.contains("namespace io") && text.contains("read-file")));
    assert!(matches!(&answers[1], Answer::Text(text) if text.contains("the first arm that fits")));
    assert!(matches!(&answers[2], Answer::Text(text) if text.contains("x as the last argument")));
    let nothing = "there is no nothing-of-the-kind in view; `:apropos nothing-of-the-kind` looks further\n";
    assert_eq!(answers[3], Answer::Text(nothing.into()));
    assert!(matches!(&answers[4], Answer::Text(text) if text.contains("io/read-file(path)")));
}

#[test]
fn a_file_can_be_loaded_and_loaded_again() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("loaded.hr");
    std::fs::write(&file, "fn twice(x) { x * 2 }\n").expect("a file");
    let load: &'static str = format!(":load {}", file.display()).leak();
    let answers = talk(vec![load, "twice(4)", ":load /no/such/file", "twice(5)"].leak());
    assert_eq!(answers[..2], [Answer::Text("loaded\n".into()), value("8")]);
    assert!(is_error(&answers[2], "cannot read /no/such/file"));
    assert_eq!(answers[3], value("10"));
    std::fs::write(&file, "fn twice(x) { oops }\n").expect("a file");
    let answers = talk(vec![load, "1 + 1"].leak());
    assert!(is_error(&answers[0], "unknown name `oops`"));
    assert_eq!(answers[1], value("2"));
}

#[test]
fn what_a_loaded_file_throws_leaves_its_variables() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("throws.hr");
    std::fs::write(&file, "fn half(n) { if odd?(n) { throw(\"odd ${n}\") }\n n / 2 }\nprintln(half(7))\n")
        .expect("a file");
    let load: &'static str = format!(":load {}", file.display()).leak();
    let answers = talk(vec![load, ":locals", "half(8)"].leak());
    assert!(is_error(&answers[0], "odd 7"), "{:?}", answers[0]);
    assert!(matches!(&answers[1], Answer::Text(text) if text.contains("n = 7")), "{:?}", answers[1]);
}

#[test]
fn a_file_that_is_no_text_is_told() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("bytes.hr");
    std::fs::write(&file, b"let x = \xff\xfe\n").expect("a file");
    let load: &'static str = format!(":load {}", file.display()).leak();
    let folder: &'static str = format!(":load {}", env!("CARGO_TARGET_TMPDIR")).leak();
    let answers = talk(vec![load, folder, "1 + 1"].leak());
    assert!(is_error(&answers[0], "UTF-8"), "{:?}", answers[0]);
    assert!(is_error(&answers[1], "cannot read"), "{:?}", answers[1]);
    assert_eq!(answers[2], value("2"));
}

/// The text that was answered.
fn text(answer: &Answer) -> &str {
    match answer {
        Answer::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_chapter_about_commands_is_made_from_their_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/repl-commands.md");
    let chapter = harrier::repl::commands::chapter();
    if std::env::var_os("HARRIER_BLESS").is_some() {
        std::fs::write(path, &chapter).expect("the chapter can be written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written, chapter, "docs/repl-commands.md is not what the table says: HARRIER_BLESS=1 writes it anew");
    let help = harrier::repl::commands::help();
    for name in harrier::repl::commands::names() {
        assert!(help.contains(&format!("\n  {name}")), "{name} is not in the help");
    }
}

#[test]
fn what_is_said_of_names() {
    let answers = talk(&[
        "/// A place.\nstruct P { x, y: 1 }",
        "extend P { fn sum(self) { self.x + self.y } }",
        "enum Shape { empty, circle { r } }",
        "protocol Area { fn area(self) }",
        "let p = P { x: 1 }",
        "?P",
        ":doc P.sum",
        ":doc .x",
        ":doc Shape.circle",
        "?area",
        "? <=",
        ":doc p",
        ":doc :doc",
        ":doc while",
        "?",
        ":doc lenght",
        ":doc is-tty?",
    ]);
    assert_eq!(text(&answers[5]), "user/P: struct P { x, y }\n  A place.\n  (repl[1]:2)\n");
    assert_eq!(text(&answers[6]), "P.sum(self)\n  (repl[2]:1)\n");
    assert_eq!(text(&answers[7]), "P.x: a field of P; it must be given\n");
    assert_eq!(text(&answers[8]), "Shape.circle { r }: a variant of Shape\n");
    assert!(text(&answers[9]).starts_with("user/area(self)\n"), "{:?}", answers[9]);
    assert!(text(&answers[10]).contains("a <= b"));
    assert!(text(&answers[11]).starts_with("user/p: a value of type P\n"), "{:?}", answers[11]);
    assert!(text(&answers[12]).starts_with(":doc NAME: what NAME is"));
    assert!(text(&answers[13]).starts_with("while condition"));
    assert!(text(&answers[14]).contains(":source NAME"));
    assert_eq!(text(&answers[15]), "there is no lenght in view; did you mean length?\n");
    assert!(text(&answers[16]).contains("there is no is-tty? in view"), "{:?}", answers[16]);
}

#[test]
fn the_text_of_what_is_defined() {
    let answers = talk(&[
        "fn f(x) {",
        "    x + 1",
        "}",
        ":source f",
        "fn f(x) { x + 2 }",
        "??f",
        ":source identity",
        ":source println",
        "struct P { x }",
        "extend P { fn twice(self) { self.x * 2 } }",
        ":source P.twice",
        ":source .twice",
    ]);
    assert_eq!(text(&answers[3]), "// repl[1]:1\nfn f(x) {\n    x + 1\n}\n");
    assert_eq!(text(&answers[5]), "// repl[3]:1\nfn f(x) { x + 2 }\n");
    assert!(text(&answers[6]).starts_with("// core.hr:") && text(&answers[6]).contains("fn identity(x)"));
    assert_eq!(text(&answers[7]), "// core/println(...values) is a builtin: it is written in Rust\n");
    assert_eq!(text(&answers[10]), "// repl[8]:1\nfn twice(self) { self.x * 2 }\n");
    assert_eq!(answers[10], answers[11]);
}

#[test]
fn names_are_found_by_a_piece_of_them_or_of_their_documentation() {
    let answers = talk(&[
        "/// Says moo.\nfn speak() { 1 }",
        ":apropos PEA",
        ":apropos moo",
        ":apropos lazy",
        ":apropos no-such-thing-anywhere",
        ":members",
        ":members user",
        ":members String",
        "enum E { one, two { x } }",
        ":members E",
    ]);
    assert!(text(&answers[1]).contains("user/speak()"), "{:?}", answers[1]);
    assert_eq!(text(&answers[2]), "in the documentation of:\n  user/speak()  Says moo\n");
    assert!(text(&answers[3]).contains("not loaded: write `use seq`\n"), "{:?}", answers[3]);
    assert!(text(&answers[4]).starts_with("no name and no documentation contains"));
    assert_eq!(text(&answers[5]), "namespace user\n  speak()  Says moo\n");
    assert_eq!(answers[5], answers[6]);
    assert!(text(&answers[7]).starts_with("type core/String\n"), "{:?}", answers[7]);
    assert_eq!(text(&answers[9]), "enum user/E\n  E.one\n  E.two { x }\n");
}

/// A keyword is an expression, unless it is mistaken for a command.
#[test]
fn what_begins_with_a_colon_is_an_expression_too() {
    let answers = talk(&[":k == :k", ":name |> println", ":docs length", ":quit now", ":doc", ":a.b"]);
    assert_eq!(answers[0], value("true"));
    assert_eq!(answers[1], Answer::Nothing);
    assert!(is_error(&answers[2], "did you mean :doc?"), "{:?}", answers[2]);
    assert!(is_error(&answers[3], "takes nothing: write just `:quit`"), "{:?}", answers[3]);
    assert!(is_error(&answers[4], "`(:doc)` is a keyword"), "{:?}", answers[4]);
    assert!(matches!(answers[5], Answer::Error(_)));
}

/// What was said behind a value.
fn behind(answer: &Answer) -> (&Answer, &str) {
    match answer {
        Answer::Both(answer, more) => (answer, text(more)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_an_expression_takes() {
    let answers = talk(&[
        ":time vec(range(0, 1000))",
        ":time vec(range(0, 1000))",
        ":time sum([1,",
        "2])",
        "_ + 1",
        ":time nonsense()",
        ":time fn f(x) { x }",
        "f(3)",
        ":time",
    ]);
    let (Answer::Value(text), took) = behind(&answers[1]) else { panic!("{:?}", answers[1]) };
    assert!(text.starts_with("[0, 1, 2"));
    // A thousand words, and what was needed on the way.
    assert!(took.starts_with("  ") && took.ends_with(" KB allocated\n"), "{took}");
    let kilobytes: f64 = took.split(", ").nth(1).and_then(|t| t.split(' ').next()?.parse().ok()).expect("a size");
    assert!((7.8..60.0).contains(&kilobytes), "{took}");
    assert_eq!(answers[2], Answer::More);
    assert_eq!(behind(&answers[3]).0, &value("3"));
    assert_eq!(answers[4], value("4"));
    assert!(is_error(&answers[5], "unknown name `nonsense`"));
    assert_eq!(behind(&answers[6]).0, &Answer::Nothing);
    assert_eq!(answers[7], value("3"));
    assert!(is_error(&answers[8], "write `:time EXPR`"));
}

#[test]
fn what_an_expression_takes_when_it_runs_often() {
    let answers = talk(&[
        "let count = atom(0)",
        "7",
        ":bench swap!(count, fn(n) { n + 1 })",
        "deref(count) > 1000",
        ":bench vec(range(0, 10))",
        ":bench 1 / 0",
        ":bench sum([1,",
        "2])",
        ":bench sleep(1600)",
    ]);
    assert!(text(&answers[2]).contains(" is the median of "), "{:?}", answers[2]);
    assert_eq!(answers[3], value("true"));
    // A vector of ten, likewise.
    let bytes = text(&answers[4]).lines().last().and_then(|line| line.trim().split(' ').next()?.parse().ok());
    assert!(bytes.is_some_and(|bytes: f64| (100.0..1000.0).contains(&bytes)), "{}", text(&answers[4]));
    assert!(is_error(&answers[5], "DivisionByZero"));
    assert_eq!(answers[6], Answer::More);
    assert!(text(&answers[7]).contains("half of them took"), "{:?}", answers[7]);
    assert!(text(&answers[8]).contains(" s for one run: too long for more"), "{:?}", answers[8]);
}

#[test]
fn figures_of_the_machine() {
    let answers = talk(&[
        "vec(range(0, 100000))",
        ":gc",
        ":stats",
        "let t = thread(fn() { sleep(3000) })",
        "sleep(300)",
        ":threads",
    ]);
    assert!(text(&answers[1]).contains(" freed in ") && text(&answers[1]).contains(" live\n"));
    for row in ["allocated", "collections", "code", "threads"] {
        assert!(text(&answers[2]).contains(&format!("  {row} ")), "{}", text(&answers[2]));
    }
    let threads = text(&answers[5]);
    assert!(threads.contains("1    this session") && threads.contains("waits"), "{threads}");
    assert_eq!(threads.lines().count(), 2, "{threads}");
}

#[test]
fn the_code_of_functions() {
    let answers = talk(&[
        "fn fib(n) { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }",
        ":disasm fib",
        ":disasm fib(5)",
        ":disasm fib(1.5)",
        "fn go() { fib(3) }",
        "go()",
        "fn fib(n) { 7 * n }",
        "go()",
        ":disasm go",
        ":disasm println",
        ":disasm nothing-there",
        ":disasm fib(1,",
        "",
        ":dump maps go",
        ":dump tree fib",
        ":dump fib",
        "struct P { x }",
        "extend P { fn twice(self) { self.x * 2 } }",
        "P { x: 4 }.twice()",
        ":disasm P.twice",
    ]);
    assert!(text(&answers[1]).contains("has not been called yet"), "{}", text(&answers[1]));
    let code = text(&answers[2]);
    assert!(code.starts_with("; user/fib, with 1 argument\nuser/fib: "), "{code}");
    assert!(code.contains("; n: ") && code.contains("user/fib/1]") && code.contains("live: saved0"), "{code}");
    assert!(text(&answers[8]).contains("user/fib/1]"), "{}", text(&answers[8]));
    assert!(text(&answers[9]).contains("core/println is a builtin"), "{}", text(&answers[9]));
    assert!(text(&answers[10]).starts_with("there is no nothing-there"));
    assert!(is_error(&answers[11], "expected"), "{:?}", answers[11]);
    assert!(text(&answers[13]).contains(" safepoints, frame "), "{}", text(&answers[13]));
    assert!(text(&answers[14]).starts_with("function fib"), "{}", text(&answers[14]));
    assert!(is_error(&answers[15], "`:dump tree NAME`"));
    assert!(text(&answers[19]).contains("self.x * 2"), "{}", text(&answers[19]));
}

#[test]
fn values_as_the_heap_has_them() {
    let answers = talk(&[
        ":inspect 5",
        "struct P { x, y: 1 }",
        "let p = P { x: [1, 2, 3] }",
        ":inspect p",
        ":inspect \"text\"",
        ":inspect fn(a) { p }",
        ":inspect 1.5",
        ":inspect :key",
        ":inspect P",
        ":inspect vec(range(0, 100))",
        ":inspect boom",
    ]);
    assert!(text(&answers[0]).contains("type    core/Int\n"), "{}", text(&answers[0]));
    assert!(text(&answers[0]).contains("an Int of 61 bits"), "{}", text(&answers[0]));
    let p = text(&answers[3]);
    assert!(p.contains("P { x, y }\n") && p.contains("size     24 bytes\n"), "{p}");
    assert!(p.contains(".x       [1, 2, 3]\n") && p.contains(".y       1\n"), "{p}");
    assert!(p.contains("in the copy space") && p.contains("flags 0x00"), "{p}");
    assert!(p.contains("in 3 objects\n") && p.contains("retains  24 bytes in 1 object that only it"), "{p}");
    assert!(text(&answers[4]).contains("7, STRING:"), "{}", text(&answers[4]));
    assert!(text(&answers[5]).contains("with the tag of functions"), "{}", text(&answers[5]));
    assert!(text(&answers[9]).contains("slot 0   100\n"), "{}", text(&answers[9]));
    assert!(is_error(&answers[10], "unknown name `boom`"));
}

/// A folder of its own for a test, with files.
fn folder(name: &str, files: &[(&str, &str)]) -> std::path::PathBuf {
    let folder =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("session-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for (file, text) in files {
        std::fs::write(folder.join(file), text).expect("a file");
    }
    folder
}

/// Says lines, and does something to files before some of them.
fn talk_and_write(lines: Vec<(String, Vec<(std::path::PathBuf, &'static str)>)>) -> Vec<Answer> {
    let run = move || {
        let mut cx = Vm::start(gc::Options::default(), compile::compile).expect("a machine");
        load::core(&mut cx).expect("core");
        let mut session = Session::new(&mut cx, false).expect("a session");
        let say = |(line, files): &(String, Vec<(std::path::PathBuf, &'static str)>)| {
            files.iter().for_each(|(file, text)| std::fs::write(file, text).expect("a file"));
            session.line(&mut cx, line)
        };
        lines.iter().map(say).collect()
    };
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(run).expect("a thread");
    thread.join().expect("no panic")
}

#[test]
fn files_that_have_changed_are_loaded_again() {
    let folder = folder(
        "reload",
        &[
            ("main.hr", "use parts\nletonce seed = 1\nlet other = 10\nfn total(x) { parts/half(x) + seed }\n"),
            ("parts.hr", "fn half(x) { x / 2 }\nfn third(x) { x / 3 }\n"),
        ],
    );
    let (main, parts) = (folder.join("main.hr"), folder.join("parts.hr"));
    let say = |line: &str| (line.to_string(), Vec::new());
    let write = |line: &str, file: &std::path::PathBuf, text: &'static str| (line.into(), vec![(file.clone(), text)]);
    let answers = talk_and_write(vec![
        say(":reload"),
        (format!(":load {}", main.display()), Vec::new()),
        say("total(10)"),
        say(":reload"),
        write(":reload", &parts, "fn half(x) { x * 100 }\n"),
        say("total(10)"),
        write(":reload", &parts, "fn half(x) { oops(x) }\n"),
        say("total(10)"),
        say(":reload"),
        write(":reload", &parts, "fn half(x) { 0 }\n"),
        write(
            ":reload",
            &main,
            "use parts\nletonce seed = 7\nlet other = 20\nfn total(x) { parts/half(x) + seed + other }\n",
        ),
        say("total(10)"),
        say(":watch"),
        write("total(10)", &parts, "fn half(x) { 1000 + x }\n"),
        say("total(10)"),
        say(":watch off"),
        write("total(10)", &parts, "fn half(x) { 2 }\n"),
        say(":reload"),
    ]);
    assert_eq!(text(&answers[0]), "no file was loaded\n");
    assert_eq!(answers[2], value("6"));
    assert_eq!(text(&answers[3]), "nothing has changed in 2 files\n");
    assert!(text(&answers[4]).contains("again: namespace parts\n  no longer in the file, but still defined: third\n"));
    assert_eq!(answers[5], value("1001"));
    assert!(is_error(&answers[6], "unknown name `oops`"), "{:?}", answers[6]);
    assert_eq!(answers[7], value("1001"));
    assert!(is_error(&answers[8], "unknown name `oops`"), "{:?}", answers[8]);
    assert!(text(&answers[9]).contains("again: namespace parts\n"));
    assert_eq!(answers[11], value("21"));
    assert!(text(&answers[12]).contains("parts.hr, ") && text(&answers[12]).contains("main.hr;"), "{:?}", answers[12]);
    let Answer::Both(notice, answer) = &answers[13] else { panic!("{:?}", answers[13]) };
    assert!(text(notice).contains("again: namespace parts\n"));
    assert_eq!((&**answer, &answers[14]), (&value("1031"), &value("1031")));
    assert_eq!(answers[16], value("1031"));
    assert!(text(&answers[17]).contains("again: namespace parts\n"));
}

#[test]
fn what_is_loaded_after_watch_is_watched_and_uses_come_first() {
    let folder = folder("watch", &[("a.hr", "fn f() { 1 }\n"), ("b.hr", "fn g() { 1 }\nfn old() { 2 }\n")]);
    let (a, b) = (folder.join("a.hr"), folder.join("b.hr"));
    let say = |line: &str| (line.to_string(), Vec::new());
    let write = |line: &str, files: Vec<(std::path::PathBuf, &'static str)>| (line.to_string(), files);
    let answers = talk_and_write(vec![
        say(":watch"),
        (format!(":load {}", a.display()), Vec::new()),
        write("f()", vec![(a.clone(), "fn f() { 2 }\n")]),
        say(":watch off"),
        // A file that begins to use another stands behind it from then on.
        write(":reload", vec![(a.clone(), "use b\nfn f() { b/old() }\n")]),
        write(":reload", vec![(a.clone(), "use b\nfn f() { b/new() }\n"), (b, "fn new() { 40 }\n")]),
        say("f()"),
        // One that cannot be loaded is tried again.
        write(&format!(":load {}", a.display()), vec![(a.clone(), "fn f() { nobody() }\n")]),
        write(":reload", vec![(a, "fn f() { 50 }\n")]),
        say("f()"),
    ]);
    let Answer::Both(notice, answer) = &answers[2] else { panic!("{:?}", answers[2]) };
    assert!(text(notice).contains("again: namespace a\n") && **answer == value("2"), "{:?}", answers[2]);
    assert_eq!(answers[6], value("40"), "{:?}", answers[5]);
    assert!(is_error(&answers[7], "unknown name `nobody`"), "{:?}", answers[7]);
    assert_eq!(answers[9], value("50"), "{:?}", answers[8]);
}

#[test]
fn the_definitions_of_a_session_become_a_file() {
    let folder = folder("save", &[("mine.hr", "fn precious() { 1 }\n")]);
    let _ = std::fs::remove_file(folder.join("saved.hr"));
    let say = |line: &str| (line.to_string(), Vec::new());
    let save = |name: &str| (format!(":save {}", folder.join(name).display()), Vec::new());
    let answers = talk_and_write(vec![
        save("saved.hr"),
        say("use seq"),
        say("fn later() { seq/repeat(base) }"),
        say("/// Where it begins."),
        say("let base = 1"),
        say("let next = base + 1"),
        say("struct P { x }"),
        say("extend P { fn twice(self) { self.x * 2 } }"),
        say("later(); next"),
        say("let last = _"),
        say("fn f(x) { x }; let base = 5"),
        say("extend P { fn twice(self) { self.x + self.x } }"),
        say("let broken = 1 / 0"),
        say("nonsense("),
        say(")"),
        save("mine.hr"),
        save("saved.hr"),
        save("saved.hr"),
        save("no/such/folder/x.hr"),
    ]);
    assert!(text(&answers[0]).contains("has defined nothing"));
    assert!(is_error(&answers[15], "was not written by :save"), "{:?}", answers[15]);
    assert!(text(&answers[16]).starts_with("8 definitions of the namespace user written to "), "{:?}", answers[16]);
    assert_eq!(answers[16], answers[17]);
    assert!(is_error(&answers[18], "cannot write"));
    let saved = std::fs::read_to_string(folder.join("saved.hr")).expect("a file");
    let (first, rest) = saved.split_once("\n\n").expect("a first line");
    assert!(first.starts_with("// Saved from a session of Harrier"));
    let expected = "use seq\nfn later() { seq/repeat(base) }\nlet base = 5\nlet next = base + 1\nstruct P { x }\n\
        extend P { fn twice(self) { self.x + self.x } }\n// `_` was the last value of the session:\n// let last = _\nfn f(x) { x }\n";
    assert_eq!(rest, expected);
}

#[test]
fn functions_can_be_typed_in_any_order() {
    let answers = talk(&[
        "fn even(n) { if n == 0 { true } else { odd(n - 1) } }",
        "even(1)",
        "odd(1)",
        "fn odd(n) { if n == 0 { false } else { even(n - 1) } }",
        "[even(100), odd(7), even(7)]",
        "fn late() { later + 1 }",
        "let later = 4",
        "late()",
        "let later = 5",
        "late()",
        "fn make() { Q { x: 1 } }",
        "fn calls() { Thing.make(2) }",
        "struct Thing { x }",
        "extend Thing { fn make(x) { Thing { x: x } } }",
        "calls().x",
        "later2",
        "fn uses() { distinct-by(1) }",
        "let g = fn() { yet-to-come() }",
        "eval(\"fn strict() { never-there() }\")",
        "uses()",
    ]);
    assert_eq!(answers[0], Answer::Nothing);
    assert!(is_error(&answers[1], "odd has no value yet: nothing has defined it"), "{:?}", answers[1]);
    assert!(is_error(&answers[2], "unknown name `odd`"), "{:?}", answers[2]);
    assert_eq!(answers[4], value("[true, true, false]"));
    assert_eq!([&answers[7], &answers[9]], [&value("5"), &value("6")]);
    // A type is known when code is made.
    assert!(is_error(&answers[10], "unknown name `Q`"), "{:?}", answers[10]);
    assert_eq!(answers[14], value("2"));
    assert!(is_error(&answers[15], "unknown name `later2`"));
    assert!(matches!(answers[17], Answer::Value(_)), "{:?}", answers[17]);
    assert!(is_error(&answers[18], "unknown name `never-there`"), "{:?}", answers[18]);
    assert!(is_error(&answers[19], "distinct-by has no value yet"), "{:?}", answers[19]);
}

#[test]
fn what_was_only_mentioned_hides_nothing() {
    let answers = talk(&[
        "fn f() { blend(1) }",
        "blend(1)",
        "fn g() { iterate(fn(x) { x }, 1) }",
        "use seq { iterate }",
        "type-of(iterate)",
        "fn g() { type-of(iterate) }",
        "g()",
    ]);
    assert!(is_error(&answers[1], "unknown name `blend`"));
    assert_eq!([&answers[4], &answers[6]], [&value("Function"), &value("Function")]);
}

#[test]
fn where_an_expression_spends_its_time() {
    let answers = talk(&[
        "fn fib(n) { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }",
        ":profile fib(27)",
        ":profile boom(",
        ")",
        ":profile 1 / 0",
        ":profile fib(3)",
    ]);
    let (answer, table) = behind(&answers[1]);
    assert_eq!(answer, &value("196418"));
    assert!(table.starts_with("profile: ") && table.contains("function\n"), "{table}");
    assert_eq!(answers[2], Answer::More);
    assert!(matches!(&answers[4], Answer::Both(error, _) if is_error(error, "DivisionByZero")), "{:?}", answers[4]);
    assert_eq!(behind(&answers[5]).0, &value("2"));
}
