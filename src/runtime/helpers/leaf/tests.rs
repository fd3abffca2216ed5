//! Each leaf says what its builtin says, or nothing: of values of all layouts, small and large, in all orders.

use super::*;
use crate::gc::{Handle, Value};
use crate::library::LIBRARY;
use crate::runtime::program::builtin::{self, Builtin};
use crate::runtime::program::library::Part;
use crate::runtime::testing::{big, call, int, string, text, value, with_machine};
use crate::runtime::values::collections::{map, mutable, set, vector};
use crate::runtime::values::text::strings;

/// What changes something, or draws by chance, cannot be asked twice.
const EFFECTS: &[&str] = &[
    "core/reset!",
    "core/compare-and-swap!",
    "core/_map-put!",
    "mutable-map/put!",
    "mutable-map/remove!",
    "mutable-set/add!",
    "core/random",
    "core/random-int",
    "core/random-range",
    "string-builder/append!",
    "string-builder/append-char!",
    "string-builder/append-int!",
];

fn samples(cx: &mut Thread) -> Vec<Handle> {
    let mut all = Vec::new();
    for i in [0, 1, 2, 3, -1, -7, 10, 97, 1 << 59, -(1 << 60), (1 << 60) - 1] {
        all.push(int(cx, i));
    }
    for digits in ["1152921504606846976", "-1152921504606846977", "123456789012345678901234567890"] {
        all.push(big(cx, digits));
    }
    for f in [0.0, -0.0, 1.0, -2.5, 3.0, 1e18, 1e300, 5e-324, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        all.push(cx.alloc_float(f).expect("memory"));
    }
    let long = "many words ".repeat(30);
    for t in ["", "a", "é", "hello", " a b\n", "12", "-34", "+5", "1.5", "a,b,,c", ",", "日本語です", &long] {
        all.push(string(cx, t));
    }
    // A prefix of bytes with room behind, and the text that has appended to it.
    let long = string(cx, &long);
    let prefix = strings::concat(cx, long, long).expect("memory");
    all.push(prefix);
    let part = string(cx, "é, and more");
    all.push(strings::concat(cx, prefix, part).expect("memory"));
    for word in [Word::NULL, Word::TRUE, Word::FALSE, Word::keyword(0), Word::keyword(1), Word::keyword(2)] {
        all.push(cx.root_word(word));
    }
    let numbers = |n: usize| format!("[{}]", (0..n).map(|i| (i * 7 % 64).to_string()).collect::<Vec<_>>().join(","));
    for json in
        ["[]", "[7]", "[1, \"a\", null]", "[[1], [2, 3]]", "[3.0, 1, 2]", "{}", "{\"a\": 1}", "{\"a\": 2, \"b\": [1]}"]
    {
        all.push(value(cx, json));
    }
    for n in [8, 32, 33, 70, 1100] {
        all.push(value(cx, &numbers(n)));
    }
    // Elements are skipped.
    let large = value(cx, &numbers(100));
    all.push(vector::slice(cx, large, 3, 90).expect("memory"));
    all.push(vector::slice(cx, large, 60, 70).expect("memory"));
    let (empty, empty_set) = (map::empty(cx).expect("memory"), set::empty(cx).expect("memory"));
    for n in [3, 8, 9, 200] {
        let (mut map, mut set) = (empty, empty_set);
        let (mutable, mutable_set) = (mutable::new_map(cx).expect("memory"), mutable::new_set(cx).expect("memory"));
        for i in 0..n {
            let key = if i % 3 == 1 { string(cx, &format!("{i}")) } else { int(cx, i) };
            let value = int(cx, i * i);
            map = map::assoc(cx, map, key, value).expect("memory");
            set = set::add(cx, set, key).expect("memory");
            mutable::put(cx, mutable, key, value).expect("memory");
            mutable::add(cx, mutable_set, key).expect("memory");
        }
        all.extend([map, set, mutable, mutable_set]);
    }
    for bounds in [&[0, 5][..], &[3, 40], &[5, 0]] {
        let bounds: Vec<Handle> = bounds.iter().map(|i| int(cx, *i)).collect();
        all.push(call(cx, "range", &bounds).expect("a range"));
    }
    let steps = [int(cx, 10), int(cx, 0), int(cx, -3)];
    all.push(call(cx, "range-step", &steps).expect("a range"));
    let far = [big(cx, "1152921504606846976"), big(cx, "1152921504606846980")];
    all.push(call(cx, "range", &far).expect("a range"));
    let elements = [int(cx, 4), int(cx, 5), int(cx, 4)];
    for name in ["mutable-array/array-of", "mutable-list/new"] {
        all.push(call(cx, name, &elements).expect("a collection"));
        all.push(call(cx, name, &[]).expect("a collection"));
    }
    all.push(call(cx, "atom", &elements[..1]).expect("an atom"));
    let builder = call(cx, "string-builder/new", &[]).expect("a builder");
    let word = string(cx, "bytes");
    all.push(call(cx, "string-builder/append!", &[builder, word]).expect("a builder"));
    for one in [elements[0], word] {
        all.push(call(cx, "type-of", &[one]).expect("a type"));
    }
    all
}

/// What a leaf says, as text; none when it says nothing.
fn answer(cx: &mut Thread, leaf: LeafEntry, args: &[Handle]) -> Option<String> {
    let word = |k: usize| args.get(k).map_or(Word::UNDEFINED, |arg| cx.get(*arg).word());
    let (a, b, c) = (word(0), word(1), word(2));
    // SAFETY: values, in the context of this thread.
    let word = unsafe { leaf(cx, a, b, c) };
    if word == Word::THROWN {
        return None;
    }
    // SAFETY: nothing has been allocated since, but by the leaf.
    let handle = cx.root(unsafe { Value::from_raw(cx, word) });
    Some(text(cx, handle))
}

/// Does the leaf say something? Where that is not what the builtin says, it is noted.
fn compare(
    cx: &mut Thread,
    builtin: &'static Builtin,
    leaf: LeafEntry,
    args: &[Handle],
    wrong: &mut Vec<String>,
) -> bool {
    let mark = cx.mark();
    // Who finds no room in the allocation buffer gets no new one from a leaf.
    let _ = string(cx, "room for more");
    let said = answer(cx, leaf, args);
    if let Some(said) = &said {
        let expected = match builtin::call(cx, builtin, args) {
            Ok(result) => text(cx, result),
            Err(thrown) => {
                let error = cx.take_exception(thrown);
                text(cx, error)
            }
        };
        if *said != expected {
            let shown: Vec<String> = args.iter().map(|arg| text(cx, *arg)).collect();
            wrong.push(format!("{} of {shown:?} is {said}, not {expected}", builtin.full_name()));
        }
    }
    cx.release(mark);
    said.is_some()
}

#[test]
fn leaves_say_what_their_builtins_say() {
    with_machine(|cx| {
        let samples = samples(cx);
        let n = samples.len();
        assert!(n > 60);
        let mut wrong = Vec::new();
        for builtin in LIBRARY.parts.iter().flat_map(Part::builtins) {
            let Some(leaf) = builtin.leaf.filter(|_| !EFFECTS.contains(&builtin.full_name().as_str())) else {
                continue;
            };
            let (mut answers, mut first) = (0, Vec::new());
            for argc in (0..=LEAF_ARGS).filter(|argc| builtin.accepts(*argc)) {
                let all = n.pow(argc as u32);
                // Of triples each of a prime number.
                let step = if argc > 2 { 7 } else { 1 };
                for k in (0..all).step_by(step) {
                    let args: Vec<Handle> = (0..argc).map(|i| samples[k / n.pow(i as u32) % n]).collect();
                    answers += usize::from(compare(cx, builtin, leaf, &args, &mut first));
                }
            }
            assert!(answers > 0, "{} answers nothing", builtin.full_name());
            wrong.extend(first.into_iter().next());
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn leaves_of_operators_say_what_their_helpers_say() {
    use crate::runtime::values::compare::{self, Comparison};
    use crate::runtime::values::numbers::arith::{self, Op};
    use crate::runtime::values::numbers::bits::{self, BitOp, Shift};
    fn compared(cx: &mut Thread, comparison: Comparison, a: Handle, b: Handle) -> Result<Handle, crate::gc::Thrown> {
        let holds = compare::test(cx, comparison, a, b)?;
        Ok(cx.root_word(Word::bool(holds)))
    }
    type Meaning = fn(&mut Thread, Handle, Handle) -> Result<Handle, crate::gc::Thrown>;
    let operators: [(Helper, Meaning); 16] = [
        (Helper::Add, |cx, a, b| arith::arith(cx, Op::Add, a, b)),
        (Helper::Subtract, |cx, a, b| arith::arith(cx, Op::Subtract, a, b)),
        (Helper::Multiply, |cx, a, b| arith::arith(cx, Op::Multiply, a, b)),
        (Helper::Divide, |cx, a, b| arith::arith(cx, Op::Divide, a, b)),
        (Helper::Remainder, |cx, a, b| arith::arith(cx, Op::Remainder, a, b)),
        (Helper::BitAnd, |cx, a, b| bits::bit_op(cx, BitOp::And, a, b)),
        (Helper::BitOr, |cx, a, b| bits::bit_op(cx, BitOp::Or, a, b)),
        (Helper::BitXor, |cx, a, b| bits::bit_op(cx, BitOp::Xor, a, b)),
        (Helper::ShiftLeft, |cx, a, b| bits::shift(cx, Shift::Left, a, b)),
        (Helper::ShiftRight, |cx, a, b| bits::shift(cx, Shift::Right, a, b)),
        (Helper::ShiftRightLogical, |cx, a, b| bits::shift(cx, Shift::Logical, a, b)),
        (Helper::Negate, |cx, a, _| arith::negate(cx, a)),
        (Helper::Less, |cx, a, b| compared(cx, Comparison::Less, a, b)),
        (Helper::LessEqual, |cx, a, b| compared(cx, Comparison::LessEqual, a, b)),
        (Helper::Greater, |cx, a, b| compared(cx, Comparison::Greater, a, b)),
        (Helper::GreaterEqual, |cx, a, b| compared(cx, Comparison::GreaterEqual, a, b)),
    ];
    with_machine(|cx| {
        let mut samples = samples(cx);
        for digits in [
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "18446744073709551615",
            "18446744073709551616",
            "-18446744073709551615",
            "170141183460469231731687303715884105727",
            "-170141183460469231731687303715884105728",
            "340282366920938463463374607431768211455",
            "-340282366920938463463374607431768211456",
            "31",
            "60",
            "64",
            "127",
        ] {
            samples.push(big(cx, digits));
        }
        for (helper, meaning) in operators {
            let (leaf, argc) = of_helper(helper).expect("a leaf");
            let mut answers = 0;
            for &a in &samples {
                for &b in &samples {
                    let mark = cx.mark();
                    let _ = string(cx, "room for more");
                    if let Some(said) = answer(cx, leaf, &[a, b][..argc]) {
                        answers += 1;
                        let expected = meaning(cx, a, b).map(|handle| text(cx, handle)).ok();
                        let shown = [text(cx, a), text(cx, b)];
                        assert_eq!(Some(said), expected, "{helper:?} of {shown:?}");
                    }
                    cx.release(mark);
                }
            }
            assert!(answers > 100, "{helper:?} answers {answers}");
        }
    });
}
