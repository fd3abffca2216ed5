//! Texts of unreasonable size and depth.

use super::*;

/// Runs on the stack that the limits are made for.
fn on_small_stack(inner: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(inner).expect("a thread");
    assert!(thread.join().is_ok());
}

#[test]
fn deep_texts_are_refused_kindly() {
    on_small_stack(|| {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{:a ", "}"),
            ("#{", "}"),
            ("f(", ")"),
            ("\"${", "}\""),
            ("if a { ", " }"),
            ("fn() { ", " }"),
            ("if ", " { }"),
            ("match a { _ => ", " }"),
            ("match ", " { }"),
            ("P { x: ", " }"),
            ("throw ", ""),
            ("a[", "]"),
            ("while ", " { }"),
            ("loop { break ", " }"),
            ("try { ", " } finally { }"),
            ("let [", "] = 1"),
            ("fn(", ") { }"),
            ("fn { () => ", " }"),
            ("x.y = ", ""),
            ("{(", ") 1}"),
            ("{[", "] 1}"),
            ("match a { P { x: ", " } => 1 }"),
            ("binding (a = ", ") { }"),
            ("reset { ", " }"),
            ("async ", ""),
            ("perform a(", ")"),
            ("struct S { a: ", "}"),
            ("1 || 1 && 1 == 1 | 1 ^ 1 & 1 << 1 + 1 * -(", ")"),
            ("fn f() { fn g() { ", " } }"),
            ("match a { [", "] => 1 }"),
            ("match a { (", ") => 1 }"),
            ("match a { {k: ", "} => 1 }"),
            ("return ", ""),
            ("a |> (", ")"),
            ("extend P { fn f(s) { ", " } }"),
        ] {
            for times in [3, 50, 249, 5_000] {
                let text = format!("{}1{}", open.repeat(times), close.repeat(times));
                if let Err(errors) = try_read(&text)
                    && times == 5_000
                {
                    assert!(!errors.is_empty());
                }
                let _ = try_read(&open.repeat(times));
            }
        }
        let deep = format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000));
        assert!(complaints(&deep)[0].contains("nested too deeply"));
    });
}

#[test]
fn what_is_deep_but_reasonable_is_read() {
    on_small_stack(|| {
        for (open, close) in [("(", ")"), ("[", "]"), ("f(", ")"), ("\"${", "}\""), ("#{", "}")] {
            let text = format!("{}1{}", open.repeat(200), close.repeat(200));
            assert!(!dump(&unit(&text)).is_empty());
        }
        let text = format!("{}1{}", "if a { ".repeat(90), " }".repeat(90));
        assert!(!dump(&unit(&text)).is_empty());
    });
}

/// As docs/language.md says: 250 levels, of which a bracket is one and a block that gives a value at most two.
#[test]
fn levels_are_counted_as_documented() {
    let blocks = [
        ("fn() { ", " }"),
        ("fn f() { ", " }"),
        ("fn { () => ", " }"),
        ("if a { ", " }"),
        ("match a { _ => ", " }"),
        ("try { ", " } finally { }"),
        ("while a { ", " }"),
        ("loop { ", " }"),
    ];
    let nest = |(open, close): (&str, &str), times| format!("{}1{}", open.repeat(times), close.repeat(times));
    for block in blocks {
        unit(&nest(block, 120));
        assert!(complaints(&nest(block, 251))[0].contains("more than 250 levels"), "{block:?}");
    }
    for bracket in [("(", ")"), ("[", "]"), ("f(", ")"), ("#{", "}"), ("{:a ", "}"), ("a[", "]"), ("\"${", "}\"")] {
        unit(&nest(bracket, 240));
        assert!(complaints(&nest(bracket, 251))[0].contains("more than 250 levels"), "{bracket:?}");
    }
    unit(&nest(("f(fn() { ", " })"), 80));
}

#[test]
fn long_chains_are_read() {
    on_small_stack(|| {
        let chains: [(&str, &str); 12] = [
            ("1", " + 1"),
            ("a", " |> f"),
            ("a", " |> f(1)"),
            ("a", ".b"),
            ("a", "[1]"),
            ("a", "(1)"),
            ("a", " && b"),
            ("\"a\"", " ++ b"),
            ("if a { 1 }", " else if b { 2 }"),
            ("a", ".m(1)"),
            ("a", " |>> o.m"),
            ("a", " || b"),
        ];
        for (first, rest) in chains {
            let text = format!("{first}{}", rest.repeat(1_500));
            assert!(!dump(&unit(&text)).is_empty());
            let text = format!("{first}{}", rest.repeat(100_000));
            // Here the rest is evaluated first: this is a nest, not a list.
            if rest.contains("o.m") {
                let found = complaints(&text);
                assert!(found.len() == 1 && found[0].contains("too long"), "{rest} {found:?}");
            } else {
                assert!(!dump(&unit(&text)).is_empty());
            }
        }
        for sign in ["-", "!", "- "] {
            assert!(!dump(&unit(&format!("{}a", sign.repeat(100_000)))).is_empty());
        }
        assert_eq!(shape(&format!("{}1", "- ".repeat(100_000))), "1");
        // Mismatched brackets, as many as one likes.
        for (open, close) in [("(", "}"), ("(", "]"), ("[", ")"), ("{", ")"), ("#{", "]"), ("(", "}\""), ("fn(", "}")] {
            for before in ["", "let = ", "\"${"] {
                let text = format!("{before}{}{}", open.repeat(100_000), close.repeat(100_000));
                assert!(!complaints(&text).is_empty());
            }
        }
        // Long, but flat.
        unit(&format!("[{}]", "1, ".repeat(100_000)));
        unit(&format!("match a {{ {} }}", "1 => 2, ".repeat(100_000)));
        unit(&format!("match a {{ 1{} => 2 }}", " | 1".repeat(100_000)));
        unit(&"f(1)\n".repeat(100_000));
    });
}

#[test]
fn a_flood_of_errors_is_cut_off() {
    let found = complaints(&"let = 1\n".repeat(10_000));
    assert!(found.len() <= 201 && found.len() >= 200, "{}", found.len());
}

#[test]
fn many_functions_take_linear_time() {
    let text: String = (0..20_000).map(|i| format!("fn f{i}(a, b) {{ let c = a + b f{i}(c, {i}) }}\n")).collect();
    let unit = unit(&text);
    assert_eq!(unit.items.len(), 20_000);
    // One function with many locals, each captured.
    let lets: String = (0..5_000).map(|i| format!("let v{i} = {i}\n")).collect();
    let sum: String = (0..1_500).map(|i| format!("v{i} + ")).collect();
    let all: String = (0..5_000).map(|i| format!("v{i}\n")).collect();
    super::unit(&format!("fn f() {{ {lets} fn() {{ {all} {sum} 1 }} }}"));
}

#[test]
fn calls_and_parameters_have_a_limit() {
    let list = |count: usize| vec!["a"; count].join(", ");
    let names = |count: usize| (0..count).map(|i| format!("a{i}")).collect::<Vec<_>>().join(", ");
    unit(&format!("f({0}) a.f({0}) a |> f({0})", list(250)));
    unit(&format!("fn f({}) {{ }}  fn({}, ...xs) {{ }}", names(250), names(250)));
    for text in [format!("f({})", list(251)), format!("a.f({})", list(251)), format!("a |> f({})", list(100_000))] {
        let found = complaints(&text);
        assert!(found.len() == 1 && found[0].contains("a call with more than 250 arguments"), "{found:?}");
    }
    let found = complaints(&format!("fn f({}) {{ }}", names(251)));
    assert!(found.len() == 1 && found[0].contains("more than 250 parameters"), "{found:?}");
}
