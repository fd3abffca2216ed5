//! What is shown of the functions and variables of an error.

use super::*;

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
