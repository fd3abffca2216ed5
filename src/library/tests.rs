//! Builtins on values, without a program around them. Arguments are JSON: `:k` is not at hand, but keys of objects are keywords.

use crate::runtime::values::hashing;
use proptest::prelude::*;

use crate::gc::{Handle, Thread};
use crate::runtime::testing::{big, call, check, check_error, int, string, text, under_stress, value, with_machine};
use crate::runtime::values::compare::Comparison;
use crate::runtime::values::numbers::arith::{Op, arith};
use crate::runtime::values::numbers::bits::{BitOp, Shift, bit_op, shift};
use crate::runtime::values::operators;

#[test]
fn strings() {
    with_machine(|cx| {
        for (name, args, expected) in [
            ("substring", &["\"日本語です\"", "1", "3"][..], "\"本語\""),
            ("substring", &["\"abc\"", "3", "3"], "\"\""),
            ("substring", &["\"abc\"", "1"], "\"bc\""),
            ("uppercase", &["\"straße é ñ\""], "\"STRASSE É Ñ\""),
            ("lowercase", &["\"ΑΣ\""], "\"ας\""),
            ("trim", &["\"\\u00a0 a b \\n\""], "\"a b\""),
            ("trim-left", &["\"  a \""], "\"a \""),
            ("trim-right", &["\"  a \""], "\"  a\""),
            ("blank?", &["\" \\t\""], "true"),
            ("lines", &["\"a\\r\\nb\\n\\nc\\n\""], "[\"a\", \"b\", \"\", \"c\"]"),
            ("words", &["\"  a  b\\n\""], "[\"a\", \"b\"]"),
            ("split", &["\"a,b,,c\"", "\",\""], "[\"a\", \"b\", \"\", \"c\"]"),
            ("split", &["\"aé\"", "\"\""], "[\"a\", \"é\"]"),
            ("split", &["\"\"", "\",\""], "[\"\"]"),
            ("split", &["\"a--b\"", "\"--\""], "[\"a\", \"b\"]"),
            ("join", &["[1, \"a\", 2.5]", "\"-\""], "\"1-a-2.5\""),
            ("index-of", &["\"héllo\"", "\"l\""], "2"),
            ("last-index-of", &["\"日本日本\"", "\"本\""], "3"),
            ("index-of", &["\"a\"", "\"x\""], "-1"),
            ("index-of", &["[5, 6, 5]", "6"], "1"),
            ("last-index-of", &["[5, 6, 5]", "5"], "2"),
            ("replace", &["\"aaa\"", "\"aa\"", "\"b\""], "\"ba\""),
            ("replace", &["\"ab\"", "\"\"", "\"-\""], "\"-a-b-\""),
            ("replace-first", &["\"a-b-c\"", "\"-\"", "\"\""], "\"ab-c\""),
            ("pad-left", &["\"é\"", "4", "\"ab\""], "\"abaé\""),
            ("pad-right", &["\"x\"", "-5", "\".\""], "\"x\""),
            ("repeat-string", &["\"ab\"", "3"], "\"ababab\""),
            ("repeat-string", &["\"\"", "1000000000000"], "\"\""),
            ("char-code", &["\"😀\""], "128512"),
            ("char-code-at", &["\"aé\"", "1"], "233"),
            ("char-from-code", &["97"], "\"a\""),
            ("chars", &["\"añ\""], "[\"a\", \"ñ\"]"),
            ("get", &["\"aéb\"", "1"], "\"é\""),
            ("get", &["\"a\"", "9", "\"none\""], "\"none\""),
            ("contains?", &["\"hello\"", "\"ell\""], "true"),
            ("reverse", &["\"ab\""], "[\"b\", \"a\"]"),
            (
                "keyword->string",
                &["1"],
                "SystemError.TypeError { message: \"keyword->string: argument 1 must be a Keyword, got Int 1\", location: \"\" }",
            ),
        ] {
            if name == "keyword->string" {
                check_error(cx, name, args, "TypeError");
            } else {
                check(cx, name, args, expected);
            }
        }
        check_error(cx, "substring", &["\"abc\"", "2", "4"], "IndexError");
        check_error(cx, "substring", &["\"abc\"", "2", "1"], "IndexError");
        check_error(cx, "substring", &["\"abc\"", "-1", "1"], "IndexError");
        check_error(cx, "get", &["\"abc\"", "3"], "IndexError");
        check_error(cx, "char-code", &["\"\""], "ArgumentError");
        check_error(cx, "char-code-at", &["\"a\"", "1"], "IndexError");
        check_error(cx, "char-from-code", &["55296"], "ArgumentError");
        check_error(cx, "char-from-code", &["-1"], "ArgumentError");
        check_error(cx, "pad-left", &["\"a\"", "3", "\"\""], "ArgumentError");
        check_error(cx, "pad-left", &["\"a\"", "99999999999", "\" \""], "OutOfMemory");
        check_error(cx, "repeat-string", &["\"a\"", "-1"], "ArgumentError");
        check_error(cx, "repeat-string", &["\"ab\"", "4000000000000000000000"], "OutOfMemory");
        check_error(cx, "uppercase", &["5"], "TypeError");
    });
}

#[test]
fn sequences() {
    with_machine(|cx| {
        for (name, args, expected) in [
            ("take", &["2", "[1, 2, 3]"][..], "[1, 2]"),
            ("take", &["-1", "[1]"], "[]"),
            ("take", &["99999999999999999999", "\"ab\""], "[\"a\", \"b\"]"),
            ("drop", &["1", "\"abc\""], "[\"b\", \"c\"]"),
            ("split-at", &["1", "[1, 2, 3]"], "[[1], [2, 3]]"),
            ("slice", &["[1, 2, 3, 4]", "1", "3"], "[2, 3]"),
            ("remove-at", &["[1, 2, 3]", "0"], "[2, 3]"),
            ("enumerate", &["[\"x\"]"], "[[0, \"x\"]]"),
            ("flatten", &["[[1], 2, [[3]], \"ab\", {\"k\": 1}]"], "[1, 2, [3], \"ab\", {:k 1}]"),
            ("concat", &["[1]", "\"ab\"", "null"], "[1, \"a\", \"b\"]"),
            ("concat", &[], "[]"),
            ("zip", &["[1, 2, 3]", "\"ab\""], "[[1, \"a\"], [2, \"b\"]]"),
            ("interleave", &["[1, 2]", "[3, 4, 5]"], "[1, 3, 2, 4]"),
            ("interpose", &["0", "[1, 2, 3]"], "[1, 0, 2, 0, 3]"),
            ("reverse", &["[1, 2, 3]"], "[3, 2, 1]"),
            ("distinct", &["[1, 1.0, 2, 1]"], "[1, 2]"),
            ("dedupe", &["[1, 1, 2, 1]"], "[1, 2, 1]"),
            ("partition", &["2", "[1, 2, 3]"], "[[1, 2], [3]]"),
            ("frequencies", &["\"aba\""], "{\"a\" 2, \"b\" 1}"),
            ("vec", &["null"], "[]"),
            ("repeat", &["0", "3"], "[0, 0, 0]"),
            ("min-of", &["[3, 1, 2]"], "1"),
            ("max-of", &["\"xyz\""], "\"z\""),
            ("min-of", &["[]"], "null"),
            ("first-of", &["[]"], "null"),
            ("last", &["{\"a\": 1}"], "[:a, 1]"),
            ("rest", &["[]"], "[]"),
            ("butlast", &["\"ab\""], "[\"a\"]"),
            ("nth", &["\"abc\"", "1"], "\"b\""),
            ("nth", &["[]", "0", "7"], "7"),
            ("count", &["{\"a\": 1}"], "1"),
            ("empty?", &["null"], "true"),
            ("includes?", &["{\"a\": 1}", "1"], "true"),
            ("compare", &["1", "1.5"], "-1"),
            ("compare", &["\"b\"", "\"a\""], "1"),
            ("compare", &["[1]", "[1, 2]"], "-1"),
            ("compare", &["[1, [2, \"b\"]]", "[1, [2, \"a\"]]"], "1"),
            ("_sort", &["[3, 1.5, 2]"], "[1.5, 2, 3]"),
            ("_sort", &["[3, \"a\"]"], "null"),
            ("_sort-by-keys", &["[\"x\", \"y\", \"z\"]", "[2, 1, 1]"], "[\"y\", \"z\", \"x\"]"),
        ] {
            check(cx, name, args, expected);
        }
        check_error(cx, "partition", &["0", "[1]"], "ArgumentError");
        check_error(cx, "slice", &["[1]", "0", "2"], "IndexError");
        check_error(cx, "remove-at", &["[]", "0"], "IndexError");
        check_error(cx, "range-step", &["0", "1", "0"], "ArgumentError");
        check_error(cx, "take", &["1", "5"], "TypeError");
        check_error(cx, "nth", &["[]", "0"], "IndexError");
        check_error(cx, "compare", &["[1, null]", "[1, 2]"], "TypeError");
        check_error(cx, "length", &["5"], "TypeError");
        check_error(cx, "mutable-array/new-array", &["-1"], "ArgumentError");
    });
}

#[test]
fn maps_and_access() {
    with_machine(|cx| {
        for (name, args, expected) in [
            ("get", &["[10, 20]", "1"][..], "20"),
            ("get", &["null", "0", "5"], "5"),
            ("assoc", &["[1, 2]", "0", "9"], "[9, 2]"),
            ("merge", &["{\"a\": 1}", "null", "{\"a\": 2, \"b\": 3}"], "{:a 2, :b 3}"),
            ("zipmap", &["\"ab\"", "[1, 2, 3]"], "{\"a\" 1, \"b\" 2}"),
            ("invert", &["{\"a\": 1}"], "{1 :a}"),
            ("keys", &["{\"a\": 1, \"b\": 2}"], "[:a, :b]"),
            ("vals", &["{\"a\": 1, \"b\": 2}"], "[1, 2]"),
            ("into", &["{}", "[[1, 2]]"], "{1 2}"),
            ("into-set", &["[1, 1.0, 2]"], "#{1, 2}"),
            ("conj", &["{\"a\": 1}", "{\"b\": 2}"], "{:a 1, :b 2}"),
            ("contains?", &["[1]", "1"], "false"),
        ] {
            check(cx, name, args, expected);
        }
        check_error(cx, "get", &["[]", "0"], "IndexError");
        check_error(cx, "get", &["[1]", "\"x\""], "TypeError");
        check_error(cx, "get", &["5", "0"], "TypeError");
        check_error(cx, "assoc", &["[]", "0", "1"], "IndexError");
        check_error(cx, "into", &["{}", "[1]"], "TypeError");
        check_error(cx, "into", &["5", "[1]"], "TypeError");
        check_error(cx, "merge", &["5"], "TypeError");
    });
}

#[test]
fn json_texts() {
    with_machine(|cx| {
        for (json, shown) in [
            ("[]", "[]"),
            (" {\"a\" : [1, -2.5e3, true, null]} ", "{:a [1, -2500.0, true, null]}"),
            ("\"\\u00e9\\ud83d\\ude00\\n\\/\"", "\"é😀\\n/\""),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("-0", "0"),
            ("{\"a\":1,\"a\":2}", "{:a 2}"),
        ] {
            let v = value(cx, json);
            assert_eq!(text(cx, v), shown);
        }
        for bad in [
            "",
            "{bad",
            "[1,]",
            "{\"a\":1,}",
            "01",
            "1.",
            "-",
            "+1",
            "\"a",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\u{1}\"",
            "[1] 2",
            "nul",
            "{1:2}",
            "1e999",
            "[",
            "\u{feff}1",
            "\"\\u12\"",
            "\"\\u00g0\"",
            "tru",
        ] {
            let quoted = string(cx, bad);
            match call(cx, "json-decode", &[quoted]) {
                Ok(v) => panic!("{bad} gave {}", text(cx, v)),
                Err(error) => assert!(error.starts_with("SystemError.JsonError"), "{error}"),
            }
        }
        let deep = string(cx, &"[".repeat(2_000_000));
        let error = call(cx, "json-decode", &[deep]).expect_err("too deep");
        assert!(error.starts_with("SystemError.StackOverflow"), "{error}");
        let position = string(cx, "{\"a\": 1,\n \"b\" 2}");
        let error = call(cx, "json-decode", &[position]).expect_err("malformed");
        assert!(error.contains("line 2, column 6"), "{error}");
        let nan = cx.alloc_float(f64::NAN).expect("memory");
        assert!(call(cx, "json-encode", &[nan]).expect_err("NaN").contains("JsonError"));
        let array = call(cx, "mutable-array/new-array", &[nan]).err();
        assert!(array.is_some());
        let one = int(cx, 1);
        let array = call(cx, "mutable-array/new-array", &[one]).expect("an array");
        let zero = int(cx, 0);
        let _ = call(cx, "mutable-array/write-field", &[array, zero, array]).expect("stored");
        assert!(call(cx, "json-encode", &[array]).expect_err("a cycle").contains("contains itself"));
        assert_eq!(text(cx, array), "array[…]");
        // Equality and hashing of what contains itself end, too.
        let other = call(cx, "mutable-array/new-array", &[one]).expect("an array");
        let _ = call(cx, "mutable-array/write-field", &[other, zero, other]).expect("stored");
        assert_eq!(operators::equal(cx, array, other), Ok(true));
        let _ = call(cx, "hash-of", &[array]).expect("a hash");
    });
}

#[test]
fn errors_name_both_operands() {
    with_machine(|cx| {
        let (five, text_value) = (int(cx, 5), string(cx, "text"));
        let thrown = arith(cx, Op::Add, five, text_value).expect_err("no sum");
        let error = cx.take_exception(thrown);
        let message = text(cx, error);
        assert!(message.contains("+: cannot add Int 5 and String") && message.contains("text"), "{message}");
        let zero = int(cx, 0);
        let thrown = arith(cx, Op::Divide, five, zero).expect_err("no quotient");
        let error = cx.take_exception(thrown);
        let message = text(cx, error);
        assert!(message.contains("DivisionByZero") && message.contains("Int 5"), "{message}");
    });
}

#[test]
fn shifts_at_the_limits() {
    with_machine(|cx| {
        let shl = |cx: &mut Thread, a: i64, by: &str| {
            let (a, by) = (int(cx, a), big(cx, by));
            match shift(cx, Shift::Left, a, by) {
                Ok(result) => text(cx, result),
                Err(thrown) => {
                    let error = cx.take_exception(thrown);
                    text(cx, error).chars().take(24).collect()
                }
            }
        };
        assert_eq!(shl(cx, 1, "62"), "4611686018427387904");
        assert_eq!(shl(cx, -1, "63"), "-9223372036854775808");
        assert_eq!(shl(cx, 3, "64"), "55340232221128654848");
        assert_eq!(shl(cx, 0, "99999999999999999999"), "0");
        assert_eq!(shl(cx, 1, "-1"), "SystemError.ArgumentErro");
        assert_eq!(shl(cx, 1, "99999999999999999999"), "SystemError.OutOfMemory ");
        assert_eq!(shl(cx, 1, "4611686018427387904"), "SystemError.OutOfMemory ");
        let minus = int(cx, -16);
        for (by, expected) in [("2", "4611686018427387900"), ("64", "0"), ("0", "18446744073709551600")] {
            let by = big(cx, by);
            let result = shift(cx, Shift::Logical, minus, by).expect("a pattern");
            assert_eq!(text(cx, result), expected);
        }
        let (huge, by) = (big(cx, "-36893488147419103232"), big(cx, "99999999999999999999"));
        let result = shift(cx, Shift::Right, huge, by).expect("arithmetic");
        assert_eq!(text(cx, result), "-1");
        let by = int(cx, 1);
        assert!(shift(cx, Shift::Logical, huge, by).is_err());
    });
}

#[test]
fn appending_in_place_disturbs_nobody() {
    under_stress(|cx| {
        let part = string(cx, &"ab".repeat(100));
        let base = operators::concat(cx, part, part).expect("memory");
        let (x, y) = (string(cx, "x"), string(cx, "é"));
        let first = operators::concat(cx, base, x).expect("memory");
        let second = operators::concat(cx, base, y).expect("memory");
        let third = operators::concat(cx, first, first).expect("memory");
        let whole = "ab".repeat(200);
        assert_eq!(text(cx, base), format!("\"{whole}\""));
        assert_eq!(text(cx, first), format!("\"{whole}x\""));
        assert_eq!(text(cx, second), format!("\"{whole}é\""));
        assert_eq!(text(cx, third), format!("\"{whole}x{whole}x\""));
        assert_eq!(cx.get(second).char_count(), Some(401));
        let copy = string(cx, &format!("{whole}é"));
        assert_eq!(operators::equal(cx, second, copy), Ok(true));
        assert_eq!(hashing::hash(cx.get(second)), hashing::hash(cx.get(copy)));
    });
}

#[test]
fn builders_share_their_bytes_with_strings() {
    under_stress(|cx| {
        let b = call(cx, "string-builder/new", &[]).expect("memory");
        let piece = string(cx, &"0123456789".repeat(30));
        let _ = call(cx, "string-builder/append!", &[b, piece]).expect("memory");
        let before = call(cx, "string-builder/to-string", &[b]).expect("UTF-8");
        let _ = call(cx, "string-builder/append!", &[b, piece]).expect("memory");
        let _ = call(cx, "string-builder/reverse!", &[b]).expect("memory");
        let after = call(cx, "string-builder/to-string", &[b]).expect("UTF-8");
        assert_eq!(text(cx, before), format!("\"{}\"", "0123456789".repeat(30)));
        assert_eq!(text(cx, after), format!("\"{}\"", "9876543210".repeat(60)));
        let byte = int(cx, 200);
        let _ = call(cx, "string-builder/append-byte!", &[b, byte]).expect("memory");
        assert!(call(cx, "string-builder/to-string", &[b]).expect_err("no UTF-8").contains("EncodingError"));
        let byte = int(cx, 256);
        assert!(call(cx, "string-builder/append-byte!", &[b, byte]).expect_err("no byte").contains("ArgumentError"));
    });
}

/// A random JSON text.
fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::btree_map(".{0,6}", inner, 0..6)
                .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// An operator.
type Operation = fn(&mut Thread, Handle, Handle) -> Result<Handle, crate::gc::Thrown>;

/// The result of an operator on big Ints, as text.
fn on_bigs(cx: &mut Thread, f: Operation, a: i128, b: i128) -> Option<String> {
    let (a, b) = (big(cx, &a.to_string()), big(cx, &b.to_string()));
    f(cx, a, b).ok().map(|result| text(cx, result))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn json_round_trip(json in json_value()) {
        with_machine(|cx| {
            let v = value(cx, &json.to_string());
            let encoded = call(cx, "json-encode", &[v]).expect("has a JSON form");
            let encoded = cx.get(encoded).str().expect("text").to_owned();
            let again = value(cx, &encoded);
            assert_eq!(operators::equal(cx, v, again), Ok(true), "{encoded}");
            let parsed: serde_json::Value = serde_json::from_str(&encoded).expect("is JSON");
            let (a, b) = (value(cx, &json.to_string()), value(cx, &parsed.to_string()));
            assert_eq!(operators::equal(cx, a, b), Ok(true));
            assert_eq!(hashing::hash(cx.get(a)), hashing::hash(cx.get(b)));
        });
    }

    #[test]
    fn arithmetic(pairs in proptest::collection::vec((any::<i128>(), any::<i128>(), 0..120u32, 0..120u32), 20)) {
        with_machine(|cx| {
            for (a, b, s, t) in pairs {
                // Of all sizes, the limits of the inline Ints among them.
                let (a, b) = (a >> s, b >> t);
                let (c, d) = (a >> 64, b >> 64);
                for (f, expected) in [
                    ((|cx, a, b| arith(cx, Op::Add, a, b)) as Operation, a.checked_add(b)),
                    (|cx, a, b| arith(cx, Op::Subtract, a, b), a.checked_sub(b)),
                    (|cx, a, b| arith(cx, Op::Divide, a, b), a.checked_div(b)),
                    (|cx, a, b| arith(cx, Op::Remainder, a, b), a.checked_rem(b)),
                    (|cx, a, b| bit_op(cx, BitOp::And, a, b), Some(a & b)),
                    (|cx, a, b| bit_op(cx, BitOp::Or, a, b), Some(a | b)),
                    (|cx, a, b| bit_op(cx, BitOp::Xor, a, b), Some(a ^ b)),
                ] {
                    let got = on_bigs(cx, f, a, b);
                    if let Some(expected) = expected {
                        assert_eq!(got, Some(expected.to_string()), "{a} {b}");
                    }
                }
                assert_eq!(on_bigs(cx, |cx, a, b| arith(cx, Op::Multiply, a, b), c, d), Some((c * d).to_string()));
                assert_eq!(on_bigs(cx, |cx, a, b| shift(cx, Shift::Right, a, b), a, s as i128), Some((a >> s).to_string()));
                let (x, y) = (big(cx, &a.to_string()), big(cx, &b.to_string()));
                assert_eq!(operators::compare(cx, Comparison::Less, x, y), Ok(a < b));
                assert_eq!(operators::equal(cx, x, y), Ok(a == b));
            }
        });
    }

    #[test]
    fn cutting_strings(whole in ".{0,40}", from in 0..45usize, to in 0..45usize) {
        with_machine(|cx| {
            let s = string(cx, &whole);
            let (a, b) = (int(cx, from as i64), int(cx, to as i64));
            let chars: Vec<char> = whole.chars().collect();
            let expected = chars.get(from..to).map(|part| part.iter().collect::<String>());
            let got = call(cx, "substring", &[s, a, b]).ok().map(|r| cx.get(r).str().expect("text").to_owned());
            assert_eq!(got, expected);
            let upper = call(cx, "uppercase", &[s]).expect("text");
            assert_eq!(cx.get(upper).str(), Some(whole.to_uppercase().as_str()));
            let got = call(cx, "get", &[s, a]).ok().map(|r| cx.get(r).str().expect("text").to_owned());
            assert_eq!(got, chars.get(from).map(char::to_string));
        });
    }
}

#[test]
fn what_the_generator_knows_says_whether_it_runs_the_program() {
    // A method of a core protocol may, and a lazy sequence; of all else that is written inline the row must claim that it does not.
    let methods = ["length", "get", "enumerate"];
    let rows = super::LIBRARY.parts.iter().flat_map(super::Part::builtins).filter(|b| b.namespace == "core");
    for builtin in rows.filter(|b| crate::runtime::compile::link::intrinsic(b.name).is_some()) {
        assert_eq!(builtin.quiet, !methods.contains(&builtin.name), "{}", builtin.name);
    }
}
