//! Conversations with the REPL, without a terminal.

mod commands;
mod files;
mod variables;

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
        let mut cx = Vm::start(heap, compile::compile, harrier::library::LIBRARY).expect("a machine");
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

/// The text that was answered.
fn text(answer: &Answer) -> &str {
    match answer {
        Answer::Text(text) => text,
        other => panic!("{other:?}"),
    }
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
            let mut cx =
                Vm::start(gc::Options::default(), compile::compile, harrier::library::LIBRARY).expect("a machine");
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
    // Behind a declaration as well, and between two.
    let answers = entry("fn f() { 1 }\n:ns\nfn g() { 2 }\n:ns\nf() + g()\n");
    let ns = Answer::Text("user\n".into());
    assert_eq!(answers, [Answer::Nothing, ns.clone(), Answer::Nothing, ns, value("3")]);
    assert_eq!(entry("fn f() { 1 }\n:nobody"), [value(":nobody")]);
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
