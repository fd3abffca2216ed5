//! What `:commands` answer.

use super::*;

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

/// What is said of a local function is told of a name that holds it.
#[test]
fn documentation_of_a_local_function() {
    let answers =
        talk(&["fn outer(k) {\n /// Adds k.\n fn inner(x) { x + k }\n inner }", "let g = outer(1)", ":doc g"]);
    assert!(matches!(&answers[2], Answer::Text(text) if text.contains("user/g(x)\n  Adds k.\n")), "{:?}", answers[2]);
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
    assert!(p.contains("in the nursery") && p.contains("flags 0x00"), "{p}");
    assert!(p.contains("in 3 objects\n") && p.contains("retains  24 bytes in 1 object that only it"), "{p}");
    assert!(text(&answers[4]).contains("7, STRING:"), "{}", text(&answers[4]));
    assert!(text(&answers[5]).contains("with the tag of functions"), "{}", text(&answers[5]));
    assert!(text(&answers[9]).contains("slot 0   100\n"), "{}", text(&answers[9]));
    assert!(is_error(&answers[10], "unknown name `boom`"));
}

#[test]
fn collections_as_tables_and_long_values_in_parts() {
    let answers = talk(&[
        "[{:name \"Ada\", :born 1815}, {:born 1906, :rank \"Admiral\"}]",
        ":table",
        "struct P { x, y: 2 }",
        ":table [P { x: 1 }, P { x: \"long\" }, 7]",
        "length(_)",
        ":table [P {",
        "  x: 3 }]",
        ":table []",
        ":table 5",
        ":table range(0, 1000)",
        ":table map(fn(x) { throw x }, [1])",
        "vec(range(0, 1500))",
        ":more",
        ":more",
        ":more",
    ]);
    assert_eq!(
        text(&answers[1]),
        ":name  :born  :rank\n-----  -----  ---------\n\"Ada\"  1815\n       1906   \"Admiral\"\n(2 rows)\n"
    );
    assert_eq!(
        text(&answers[3]),
        "x       y  value\n------  -  -----\n1       2\n\"long\"  2\n           7\n(3 rows)\n"
    );
    assert_eq!(answers[4..6], [value("3"), Answer::More]);
    assert_eq!(text(&answers[6]), "x  y\n-  -\n3  2\n(1 row)\n");
    assert_eq!(text(&answers[7]), "(no rows)\n");
    assert!(is_error(&answers[8], "5") && is_error(&answers[10], "uncaught: 1"), "{answers:?}");
    assert!(text(&answers[9]).ends_with("\n99\n(the first 100 rows)\n"), "{answers:?}");
    let Answer::Value(first) = &answers[11] else { panic!("{answers:?}") };
    assert!(first.starts_with("[0, 1,") && text(&answers[12]).ends_with("1498, 1499]\n"), "{answers:?}");
    assert_eq!(text(&answers[13]), "all of the last value was shown\n");
}

/// Where nobody can be asked it is passed; what the function does is the same.
#[test]
fn functions_are_given_breakpoints_and_rid_of_them() {
    let answers = talk(&[
        "fn f(x) {\n  let y = x + 1\n  to-float(y * 2)\n\n}\nfn g { (a) => a + 1, (a, b) => { a + b } }",
        ":break f",
        "f(1)",
        ":break repl[1]:3",
        ":break",
        "f(2)",
        ":source f",
        ":break g/2",
        "[g(1), g(1, 2)]",
        ":break g",
        "g(4)",
        ":break repl[1]:4",
        ":break g/3",
        ":break map",
        ":break repl[1]:77",
        ":break nobody",
        "fn f(x) { x }",
        ":break",
        ":unbreak",
        ":break",
        "[f(1), g(1), g(1, 2)]",
        ":unbreak g",
    ]);
    let said = |i: usize| text(&answers[i]);
    assert!(said(1).starts_with("user/f stops at repl[1]:2: nobody can be asked here"), "{answers:?}");
    assert!(said(3).starts_with("user/f stops at repl[1]:3"), "{answers:?}");
    assert_eq!(said(4), "user/f stops at repl[1]:2, repl[1]:3\n");
    assert_eq!([&answers[2], &answers[5]], [&value("4.0"), &value("6.0")]);
    assert!(said(6).starts_with("// repl[1]:1\nfn f(x) {\n  let y"), "{answers:?}");
    assert_eq!([&answers[8], &answers[10]], [&value("[2, 3]"), &value("5")]);
    assert!(is_error(&answers[11], "no statement of a function begins on line 4"), "{answers:?}");
    assert!(
        is_error(&answers[12], "does not take 3 arguments") && is_error(&answers[13], "of the library"),
        "{answers:?}"
    );
    assert!(is_error(&answers[14], "no function on line 77") && said(15).contains("no nobody in view"), "{answers:?}");
    // Defined anew it has none.
    assert!(said(17).starts_with("user/g stops at") && said(17).lines().count() == 1, "{answers:?}");
    assert_eq!(said(18), "user/g does not stop any more\n");
    assert_eq!(answers[20], value("[1, 2, 3]"));
    assert_eq!([said(19), said(21)], ["there is no breakpoint that was set here\n"; 2]);
}

#[test]
fn nothing_is_kept_of_functions_that_are_not_traced_any_more() {
    let run = || {
        let mut cx = Vm::start(gc::Options::default(), compile::compile, harrier::library::LIBRARY).expect("a machine");
        load::core(&mut cx).expect("core");
        let mut session = Session::new(&mut cx, false).expect("a session");
        let mut other = Session::new(&mut cx, false).expect("a session");
        let say = |cx: &mut gc::Thread, session: &mut Session, line: &str| match session.line(cx, line) {
            Answer::Text(text) | Answer::Value(text) | Answer::Error(text) => text,
            answer => format!("{answer:?}"),
        };
        let kept = |cx: &gc::Thread| {
            let all = cx.vm().namespaces.find("repl-trace").expect("a namespace").members();
            all.into_iter()
                .filter(|(name, cell)| name.contains(' ') && cell.get(cx).is_some_and(|v| !v.is_null()))
                .count()
        };
        for line in ["fn f(x) { x + 1 }", "fn g(x) { f(x) }", "let h = fn(x) { x }"] {
            say(&mut cx, &mut session, line);
        }
        for name in ["f", "g", "h"] {
            assert!(say(&mut cx, &mut session, &format!(":trace {name}")).contains("is traced"), "{name}");
        }
        assert_eq!(kept(&cx), 6);
        // What is no function any more, and what is told off.
        say(&mut cx, &mut session, "let h = 5");
        assert_eq!(kept(&cx), 4);
        assert!(say(&mut cx, &mut session, ":untrace f").contains("f is not traced any more"));
        assert_eq!(kept(&cx), 2);
        assert_eq!(say(&mut cx, &mut session, "g(1)"), "2");
        // Defined anew it is traced still, and another session of the thread, as at a breakpoint, tells it off.
        say(&mut cx, &mut session, "fn g(x) { 10 * f(x) }");
        assert_eq!(say(&mut cx, &mut other, ":trace g"), "user/g is traced already\n");
        assert_eq!(say(&mut cx, &mut other, ":trace"), "traced: user/g\n");
        assert!(say(&mut cx, &mut other, ":untrace").contains("g is not traced any more"));
        assert_eq!((kept(&cx), say(&mut cx, &mut session, "g(1)")), (0, "20".to_string()));
    };
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).expect("a thread").join().expect("no panic");
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
