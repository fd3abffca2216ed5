//! Section 1 of the language: text.

use super::*;

#[test]
fn identifiers_and_minus() {
    check(&[
        ("pad-left", "pad-left"),
        ("keyword->string", "keyword->string"),
        ("n-1", "Subtract(n, 1)"),
        ("n - x", "Subtract(n, x)"),
        ("x-y", "x-y"),
        ("a->1", "[\"expected an expression, found `>`\"]"),
        ("even?(n-5)", "call(even?, Subtract(n, 5))"),
        ("swap!(a)", "call(swap!, a)"),
        ("a!=b", "NotEqual(a, b)"),
        ("a!-b", "Subtract(a!, b)"),
        ("done?==x", "Equal(done?, x)"),
        ("größe(été)", "call(größe, été)"),
        ("x1-2", "Subtract(x1, 2)"),
        ("a-_b", "Subtract(a, _b)"),
        ("_x", "_x"),
        ("letter\niffy\nformat", "letter, iffy, format"),
    ]);
}

#[test]
fn qualified_names_and_division() {
    check(&[
        ("a/b", "Divide(a, b)"),
        ("m/b", "m/b"),
        ("m / b", "Divide(m, b)"),
        ("m/ b", "Divide(m, b)"),
        ("m/b(1)", "call(m/b, 1)"),
        ("m/b/2", "Divide(m/b, 2)"),
        ("3*m/b", "Multiply(3, m/b)"),
        ("core/map", "core/map"),
        ("use q/w\nw/x; q/w/x", "w/x, q/w/x"),
        ("use q as z\nz/x; q/x", "z/x, q/x"),
        ("namespace here\nhere/x", "here/x"),
        ("fn(m) { m/b }", "function(arity 1(bind $m, block(Divide($m, b))))"),
        ("fn(x) { x/m/b }", "function(arity 1(bind $x, block(Divide($x, m/b))))"),
        ("m/P { x: 1 }", "struct m/P(x:, 1)"),
        ("m/E.v { x: 1 }", "struct m/E.v(x:, 1)"),
    ]);
}

#[test]
fn numbers() {
    check(&[
        ("42 0 007 1_000_000", "42, 0, 7, 1000000"),
        ("0xFF 0xff 0o17 0b101 0xDEAD_BEEF", "255, 255, 15, 5, 3735928559"),
        ("-0xFF", "-255"),
        ("3.25 .5 6.02e23 1e-9 2.5E3 1e+2", "3.25, 0.5, 6.02e23, 1e-9, 2500.0, 100.0"),
        ("infinity\n-infinity\nnan", "inf, -inf, NaN"),
        ("1152921504606846975", "1152921504606846975"),
        ("1152921504606846976", "big 1152921504606846976"),
        ("-1152921504606846976", "-1152921504606846976"),
        ("-1152921504606846977", "big -1152921504606846977"),
        ("- -4", "4"),
        ("-(5)", "-5"),
        ("-0.0", "-0.0"),
        ("-5.abs()", "Negate(method abs(5))"),
        ("v[0]-1", "Subtract(index(v, 0), 1)"),
        ("1.5.floor()", "method floor(1.5)"),
        ("1_000.5_0", "1000.5"),
    ]);
    for text in ["0x", "0b2", "0o8", "1_", "3abc", "0xFG", "1.5e", "2px", "0b12"] {
        assert_eq!(complaints(text).len(), 1, "{text} {:?}", complaints(text));
    }
}

#[test]
fn strings() {
    check(&[
        (r#""a\n\t\x41\u{e9}\$\"\\""#, "\"a\\n\\tAé$\\\"\\\\\""),
        ("\"two\nlines\"", "\"two\\nlines\""),
        ("\"two\r\nlines\"", "\"two\\nlines\""),
        ("\"$ $x\"", "\"$ $x\""),
        ("\"\"", "\"\""),
        (r#""a${b}c""#, r#"interpolate("a", b, "c")"#),
        (r#""${b}${c}""#, "interpolate(b, c)"),
        (r#""x ${"y ${z} y"} x""#, r#"interpolate("x ", interpolate("y ", z, " y"), " x")"#),
        (r#""${{:a 1}}""#, "interpolate(map(:a, 1))"),
        (r#""${if a { "}" } else { "{" }}""#, r#"interpolate(if(a, block("}"), block("{")))"#),
        (r#""\${a}""#, "\"${a}\""),
        ("\"// no comment\"", "\"// no comment\""),
    ]);
    for text in [r#""\q""#, r#""\x4""#, r#""\u{}""#, r#""\u{110000}""#, r#""\u0041""#, r#""\x4g""#] {
        assert_eq!(complaints(text).len(), 1, "{text} {:?}", complaints(text));
    }
}

#[test]
fn keywords_and_colons() {
    check(&[
        (":a :some-name :yes? :a->b :if", ":a, :some-name, :yes?, :a->b, :if"),
        ("Point {x:1}", "struct Point(x:, 1)"),
        ("Point {x:1, y:[2]}", "struct Point(x:, 1, y:, vector(2))"),
        ("{:x 1}", "map(:x, 1)"),
        ("{:k :v}", "map(:k, :v)"),
        ("x == :a", "Equal(x, :a)"),
        ("let {x:a, \"k\":b} = v", "define Plain(map pattern(:x(bind $a), \"k\"(bind $b)), v)"),
    ]);
}

#[test]
fn comments_docs_and_the_first_line() {
    check(&[
        ("#!/usr/bin/env harrier\n1", "1"),
        ("\u{feff}#!/usr/bin/env harrier\n1", "1"),
        ("\u{feff}1 // one", "1"),
        ("1 // one\r\n2", "1, 2"),
        ("//// no doc\n1", "1"),
    ]);
    let text = "/// The file.\nnamespace n\n/// Adds.\n///  Twice.\n//\n//// no\nfn f() { }\n/// S.\nstruct S {\n  /// A.\n  a\n}\n/// E.\nenum E { /// V.\n v }\n/// L.\nlet x = 1";
    let dump = dump(&unit(text));
    for doc in ["doc \"The file.\"", "doc \"Adds.\\n Twice.\"", "doc \"S.\"", "doc \"A.\"", "doc \"E.\"", "doc \"V.\""]
    {
        assert!(dump.contains(doc), "{doc}\n{dump}");
    }
}

#[test]
fn lines() {
    check(&[
        ("a\n-3", "a, -3"),
        ("a -3", "Subtract(a, 3)"),
        ("v\n[0]", "v, vector(0)"),
        ("v [0]", "index(v, 0)"),
        ("f\n(x)", "f, x"),
        ("f (x)", "call(f, x)"),
        ("a\n!b", "a, Not(b)"),
        ("a\n{:k 1}", "a, map(:k, 1)"),
        ("1\n+ 2\n* 3", "Add(1, Multiply(2, 3))"),
        ("a\n|> b\n|>> c", "call(c, call(b, a))"),
        ("b\n.x\n.y", "field y(field x(b))"),
        ("a\n&& b\n|| c", "Or(And(a, b), c)"),
        ("a\n== 5", "Equal(a, 5)"),
        ("a.b\n= 5", "assign-field b(a, 5)"),
        ("a\n& b\n| c\n^ d", "BitOr(BitAnd(a, b), BitXor(c, d))"),
        ("a\n<< 1\n>>> 2\n>> 3", "ShiftRight(ShiftRightLogical(ShiftLeft(a, 1), 2), 3)"),
        ("if a { 1 }\nelse { 2 }", "if(a, block(1), block(2))"),
        ("try { 1 }\ncatch (e) { 2 }\nfinally { 3 }", "try(block(1), catch(bind $e, block(2)), finally(block(3)))"),
        ("f(a\n-3)", "call(f, Subtract(a, 3))"),
        ("[a\n[0]]", "vector(index(a, 0))"),
        ("(a\n(b))", "call(a, b)"),
        ("f(fn() { a\n-3 })", "call(f, function(arity 0(block(a, -3))))"),
        ("1; 2;; 3", "1, 2, 3"),
        ("1 2 c", "1, 2, c"),
        ("let x = 1 let y = 2", "define Plain(bind $x, 1), define Plain(bind $y, 2)"),
        ("1\n.5", "1, 0.5"),
        ("#{1\n-2}", "set(1, -2)"),
        ("{:a x\n(k) 2}", "map(:a, x, k, 2)"),
        ("f(\n1,\n2,\n)", "call(f, 1, 2)"),
    ]);
}

#[test]
fn what_is_not_utf8_is_reported_with_its_place() {
    let error = super::super::decode(b"ab\ncd\xff".to_vec()).expect_err("not UTF-8");
    assert!(error.message.contains("line 2, column 3"), "{}", error.message);
    assert_eq!(error.span.start, 5);
    assert_eq!(super::super::decode("ß".into()).as_deref(), Ok("ß"));
}
