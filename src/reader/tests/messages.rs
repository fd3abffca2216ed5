//! What is said about wrong texts.

use super::*;

/// Checks that each text gives exactly one error, at the place, with the words in its message or help.
fn one(cases: &[(&str, &str, &[&str])]) {
    let mut wrong = String::new();
    for (text, place, words) in cases {
        let errors = try_read(text).err().unwrap_or_default();
        let all = errors
            .iter()
            .map(|e| format!("{} | {}", e.message, e.help.clone().unwrap_or_default()))
            .collect::<Vec<_>>();
        let found = complaints(text);
        let right =
            errors.len() == 1 && found[0].starts_with(&format!("{place} ")) && words.iter().all(|w| all[0].contains(w));
        if !right {
            wrong.push_str(&format!("{text}\n  expected {place} {words:?}\n  found {found:?}\n  {all:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn quotes_that_are_missing() {
    one(&[
        ("let a = \"one\nlet b = \"two\"\n", "1:9", &["not closed on its line", "line 2", "`two`"]),
        ("f(\"Hello ${name}!)\ng(\"Ada\")\n", "1:3", &["not closed on its line", "line 2", "`Ada`"]),
        ("f(\"${\"x\"} and ${1}\ng(\"Ada\")\n", "1:3", &["not closed on its line"]),
        ("f(\"total: ${1 + 2\")\n", "1:11", &["`${` that is never closed", "`}`"]),
        ("let a = \"one\nf(a)\n", "1:9", &["never ends"]),
        // A string over several lines is right.
        ("f(\"one\ntwo\")\ng(1 2)\n", "3:5", &["`,` or `)`"]),
    ]);
}

#[test]
fn expressions() {
    one(&[
        ("1 < x < 2", "1:7", &["&&", "chained"]),
        ("a == b == c", "1:8", &["&&"]),
        ("x + * 2", "1:5", &["expected an expression", "`*`"]),
        ("match x { 1 => {:a 1, :b 2} }", "1:21", &["parentheses", "({:a"]),
        ("f(1 2)", "1:5", &["`,` or `)`", "`2`"]),
        ("[1 2]", "1:4", &["`,` or `]`"]),
        ("(1, 2)", "1:3", &["vector"]),
        ("()", "1:1", &["null"]),
        ("{a 1}", "1:2", &["(a)"]),
        ("{a: 1}", "1:2", &[":a", "Name { a: value }"]),
        ("{true 6 [7] 8}", "1:14", &["value of the key", "indexes what stands before it", "put a `,` between"]),
        ("{:a 1 :b f (2) 3}", "1:17", &["value of the key", "a `(`", "calls what stands before it"]),
        ("{:a 6 [7] x}", "1:11", &["a key or `}`", "put a `,` between"]),
        ("{:a m[7] :b}", "1:12", &["value of the key", "a map is"]),
        ("[[1, 0] [0, 1]]", "1:11", &["`]`", "put a `,` before"]),
        ("{:a [1, 2] [3, 4] 5}", "1:14", &["`]`", "put a `,` before"]),
        ("{:a: 1}", "1:4", &["value"]),
        ("fn() { x += 1 }", "1:10", &["+=", "x = x + …"]),
        ("a === b", "1:3", &["==="]),
        ("1..3", "1:2", &["range"]),
        ("'it is'", "1:1", &["double quotes"]),
        ("a.1", "1:3", &["field name"]),
        ("1 = 2", "1:1", &["cannot be assigned"]),
        ("(a.b) = 2", "1:2", &["cannot be assigned"]),
        ("let x = \"${}\"", "1:12", &["expression"]),
        ("\"a\\qb\"", "1:3", &["\\q", "escape"]),
        ("else { }", "1:1", &["else", "if"]),
        ("if a b", "1:6", &["`{`"]),
        ("match a", "1:7", &["`{`"]),
        ("match a { 1 2 }", "1:13", &["=>"]),
        ("match a { 1 => 2 3 => 4 }", "1:18", &["`,`, a new line"]),
        ("try { 1 }", "1:9", &["catch"]),
        ("try { 1 } catch e { 2 }", "1:17", &["catch (e)"]),
        ("P { x: 1 y: 2 }", "1:10", &["`,`, a new line or `}`"]),
        ("P { x: 1, x: 2 }", "1:11", &["twice"]),
        ("P { x: 1, ...p }", "1:11", &["first"]),
        ("}", "1:1", &["closes nothing"]),
        ("f(1]", "1:4", &["`,` or `)`"]),
        ("a @ b", "1:3", &["`@`"]),
        ("f(let x = 1)", "1:3", &["statement"]),
        ("a\u{a0}b", "1:2", &["U+00A0"]),
    ]);
}

#[test]
fn variables() {
    one(&[
        ("fn f() { let limit = 1 limit = 2 }", "1:24", &["limit", "let mut limit"]),
        ("fn f(a) { a = 2 }", "1:11", &["`a`", "mut"]),
        ("fn f() { x = 2 }", "1:10", &["`x`", "let mut x", "atom"]),
        ("let x = 1 x = 2", "1:11", &["`x`", "atom"]),
        ("let mut x = 1", "1:5", &["top level", "atom"]),
        ("fn f() { let mut [a, b] = v }", "1:18", &["mut"]),
        ("fn f() { for x in v { x = 1 } }", "1:23", &["`x`"]),
        ("fn f() { fn g() { } g = 1 }", "1:21", &["`g`"]),
        ("fn f() { let mut a = 1 fn() { let a = 2 a = 3 } }", "1:41", &["`a`"]),
        ("fn f() { let x }", "1:16", &["`=`", "null"]),
        ("let = 5", "1:5", &["name or a pattern"]),
        ("let match = 5", "1:5", &["reserved"]),
        ("fn f(p) { p { x: 1 } }", "1:11", &["local variable"]),
        ("fn f(a, a) { }", "1:9", &["twice"]),
        ("let [a, a] = v", "1:9", &["twice"]),
        ("match x { [a] | [b] => 1 }", "1:17", &["alternatives", "`a`"]),
        ("match x { [_] | [b] => 1 }", "1:17", &["alternatives", "`b`"]),
        ("match x { [...a, ...b] => 1 }", "1:18", &["second `...`"]),
        ("match x { q/x => 1 }", "1:15", &["`{` or `.variant`"]),
        ("match x { \"a${b}\" => 1 }", "1:11", &["guard"]),
        ("match x { {:a} => 1 }", "1:12", &["without the colon"]),
    ]);
}

#[test]
fn jumps_and_functions() {
    one(&[
        ("fn f(x) { if x > 1 { break } x }", "1:22", &["`break` outside of a loop", "return"]),
        ("fn f() { continue }", "1:10", &["`continue` outside of a loop"]),
        ("loop { f(fn() { break }) }", "1:17", &["around this function"]),
        ("return 1", "1:1", &["`return` outside of a function"]),
        ("fn f { (a) => 1, (b) => 2 }", "1:18", &["second arity of 1"]),
        ("fn f { (...a) => 1, (b, ...c) => 2 }", "1:21", &["rest arguments"]),
        ("fn f { }", "1:6", &["without arities"]),
        ("fn f(a = 1) { }", "1:8", &["arity"]),
        ("fn f(...a, b) { }", "1:12", &["last"]),
        ("fn f { a => 1 }", "1:8", &["`(`"]),
        ("fn pad-2() { }", "1:7", &["letter follows"]),
        ("fn if() { }", "1:4", &["reserved"]),
        ("fn f() { struct P { } }", "1:10", &["top level"]),
        ("fn f() { let dynamic x = 1 }", "1:14", &["top level", "binding"]),
        ("fn f() { letonce x = 1 }", "1:10", &["top level"]),
    ]);
}

#[test]
fn declarations() {
    one(&[
        ("struct P", "1:8", &["{ }"]),
        ("struct P { a, a }", "1:15", &["second field `a`"]),
        ("struct P { a = 1 }", "1:14", &["name: value"]),
        ("struct P(a)", "1:9", &["`{`"]),
        ("enum E { a(b) }", "1:11", &["names"]),
        ("enum E { a, a }", "1:13", &["second variant"]),
        ("protocol P { m(self) }", "1:14", &["`fn` or `}`"]),
        ("protocol P { fn m() }", "1:18", &["self"]),
        ("protocol P { fn m { (a), (b) } }", "1:14", &["second arity of 1"]),
        ("extend P { fn a(s) { } fn a(s, k) { } }", "1:27", &["arities"]),
        ("extend P Q { }", "1:10", &["with"]),
        ("use \"a\"", "1:5", &["without quotes"]),
        ("use a.hr", "1:6", &["without dots"]),
        ("1\nnamespace a", "2:1", &["top of the file"]),
        ("test \"a${b}\" { }", "1:6", &["plain string"]),
        ("struct 5 { }", "1:8", &["name"]),
    ]);
}

#[test]
fn several_errors_are_found() {
    let text = "fn a() {\n let = 5\n 1\n}\nfn b() {\n f(* 3,\n 4)\n [1 2]\n let limit = 1\n limit = 2\n break\n}\n)\nstruct { }\n1 < 2 < 3";
    let lines: Vec<String> = complaints(text).iter().map(|c| c.split(':').next().unwrap_or("").to_string()).collect();
    assert_eq!(lines, ["2", "6", "8", "10", "11", "13", "14", "15"], "{:#?}", complaints(text));
}

#[test]
fn an_unclosed_brace_is_said_once() {
    let text = "fn f() {\n  if a {\n}\n\nstruct P { x }\nstruct Q { y }\nenum E { v }\nfn g() { }\n";
    let found = complaints(text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("5:1 `struct` stands at the top level"), "{found:?}");
    assert!(found[1].contains("expected `}`, found the end"), "{found:?}");
    let errors = try_read(text).err().unwrap_or_default();
    assert_eq!(
        errors[1].secondary[0].0.start, 16,
        "the brace whose line stands further to the right than what closes it"
    );
}

#[test]
fn unfinished_texts_are_told_from_wrong_ones() {
    let incomplete = |text: &str| try_read(text).err().is_some_and(|errors| super::super::is_incomplete(&errors));
    for text in [
        "f(",
        "f(1,",
        "[1, 2",
        "{:a",
        "fn f(",
        "fn f() {",
        "fn f() {\n let x = 1",
        "\"abc",
        "\"a${",
        "\"a${b",
        "1 +",
        "a &&",
        "let x =",
        "let",
        "if a",
        "if a {",
        "if a { 1 } else",
        "match x {",
        "match x { 1 =>",
        "a |>",
        "fn",
        "struct P {",
        "for x in",
        "try { 1 } catch (e) {",
        "throw",
        "-",
        "a.",
        "a[1,",
        "use a/",
        "let [a,",
        "\"\\",
        "x.y =",
        "fn f() { let = 5",
    ] {
        assert!(incomplete(text), "{text} {:#?}", try_read(text).err());
    }
    for text in
        ["let = 5\n", "f(1]", "1 + * 2", ")", "fn f() { break }", "}", "[1 2]", "let x = 1", "f(1)", "", "\"\\q\""]
    {
        assert!(!incomplete(text), "{text}");
    }
}

#[test]
fn ways_of_other_languages() {
    one(&[
        ("def f(x):\n    return x\n", "1:1", &["Harrier has no `def`", "fn name"]),
        ("if x {\n 1\n}\nelif y {\n 2\n}\nelse { 3 }", "4:1", &["else if"]),
        ("function f(a) {\n  return a;\n}", "1:1", &["fn name"]),
        ("println \"x\"", "1:1", &["println(\"x\")"]),
        ("fn f(a) {\n  i++\n}", "2:4", &["i = i + 1"]),
        ("# it's a comment\nlet a = 1 # another", "1:1", &["//"]),
        ("/* a\n b */ let a = 1", "1:1", &["//"]),
        (";; it's one\nlet a = 1", "1:1", &["//"]),
        ("let f = (a, b) => a", "1:16", &["fn(a, b)"]),
        ("let a = b ? 1 : 2", "1:11", &["if c { a } else { b }"]),
        ("x := 5", "1:3", &["let x = 1"]),
        ("fn f(a) -> Int { a }", "1:9", &["not declared"]),
        ("switch (x) { case 1: 2 }", "1:1", &["match x"]),
    ]);
}

#[test]
fn other_mistakes_are_told_beside_foreign_ones() {
    let found = complaints("def f(x):\n    return x\n\nlet = 5\n");
    let lines: Vec<&str> = found.iter().map(|c| c.split(':').next().unwrap_or("")).collect();
    assert_eq!(lines, ["1", "4"], "{found:#?}");
}

#[test]
fn foreign_words_are_names_where_nothing_is_wrong() {
    for text in [
        "let def = 1 let class = def",
        "fn f(len) { len }",
        "fn f { () => unless(1), (switch) => switch(1) }",
        "let a = {:a len :b str :c [not, and(1)]} let b = #{var const}",
        "fn unless(c) { c }\nfn f() { unless(1) { } }",
        "fn f() { x\n \"beside\" }",
        "let a = x -1",
        "fn f(i) { i ++\n i }",
    ] {
        assert!(complaints(text).is_empty(), "{text}: {:?}", complaints(text));
    }
}
