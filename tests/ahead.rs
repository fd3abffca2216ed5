//! Functions that are compiled ahead of their calls do what they would have done anyway.

#[path = "common/machine.rs"]
mod machine;

use std::fmt::Write;

use harrier::gc::{self, Thread};
use harrier::runtime::program::declare;
use harrier::runtime::{Namespace, load};
use machine::with_machine;

fn stressed() -> gc::Options {
    gc::Options { stress: gc::Stress::Decaying, verify: true, ..gc::Options::default() }
}

fn user(cx: &mut Thread) -> &'static Namespace {
    declare::namespace(cx, "user").expect("a namespace")
}

fn say(cx: &mut Thread, text: &str) -> String {
    let mark = cx.mark();
    let namespace = user(cx);
    let shown = match load::evaluate(cx, "<test>", text, namespace) {
        Ok(evaluated) => harrier::runtime::values::foreign::repr(cx, evaluated.value).expect("printable"),
        Err(load::LoadError::Thrown(thrown)) => {
            let exception = cx.take_exception(thrown);
            harrier::runtime::values::foreign::repr(cx, exception).expect("printable")
        }
        Err(problems) => panic!("{text}: {problems:?}"),
    };
    cx.release(mark);
    shown
}

/// `fn f0(a, b) …` up to `number`: each gives something of its own, with constants that the code owns.
fn functions(number: usize) -> String {
    (0..number).fold(String::new(), |mut text, i| {
        let _ = writeln!(text, "fn f{i}(a, b) {{\n    if a < b {{ [a * {i} + b, \"text {i}\"] }} else {{ b }}\n}}");
        text
    })
}

/// All numbers below `number`, well mixed.
fn mixed(number: usize) -> Vec<usize> {
    (0..number).map(|i| i * 1_787 % number).collect()
}

fn call_all(cx: &mut Thread, order: &[usize]) {
    for (turn, &i) in order.iter().enumerate() {
        assert_eq!(say(cx, &format!("f{i}(1, 2)")), format!("[{}, \"text {i}\"]", i + 2));
        // Somebody else's function, perhaps one that is compiled and was not called yet.
        if turn % 100 == 50 {
            let other = (i + 7) % order.len();
            say(cx, &format!("fn f{other}(a, b) {{ if a < b {{ [a * {other} + b, \"text ${{\"{other}\"}}\"] }} }}"));
        }
    }
}

fn in_all_orders(options: gc::Options, number: usize) {
    let forward: Vec<usize> = (0..number).collect();
    let backward: Vec<usize> = (0..number).rev().collect();
    for order in [forward, backward, mixed(number)] {
        with_machine(options.clone(), move |cx| {
            say(cx, &functions(number));
            call_all(cx, &order);
            cx.vm().reclaim.search(cx);
            call_all(cx, &order);
        });
    }
}

#[test]
fn in_whatever_order() {
    in_all_orders(gc::Options::default(), 3000);
}

#[test]
fn in_whatever_order_while_objects_move() {
    in_all_orders(stressed(), 300);
}

#[test]
fn in_order_they_share_chunks() {
    with_machine(gc::Options::default(), |cx| {
        let number = 2000;
        say(cx, &functions(number));
        let before = cx.vm().memory.stats();
        let calls: String = (0..number).map(|i| format!("    f{i}(1, 2)\n")).collect();
        say(cx, &format!("fn all() {{\n{calls}}}\nall()"));
        let after = cx.vm().memory.stats();
        let chunks = after.chunks - before.chunks;
        assert!(chunks < number / 20, "{chunks} chunks for {number} functions");
    });
}

#[test]
fn loops_share_them_unless_a_global_feeds_them() {
    with_machine(gc::Options::default(), |cx| {
        let number = 200;
        let chunks_of = |cx: &mut Thread, body: &str| {
            say(cx, &(0..number).map(|i| format!("fn f{i}(a) {{\n{body}\n}}\n")).collect::<String>());
            let before = cx.vm().memory.stats().chunks;
            let calls: String = (0..number).map(|i| format!("    n = n + f{i}({i})\n")).collect();
            let sum = say(cx, &format!("fn all() {{\n    let mut n = 0\n{calls}    n\n}}\nall()"));
            assert_eq!(sum, (number * (number - 1) / 2).to_string());
            cx.vm().memory.stats().chunks - before
        };
        let own = chunks_of(cx, "let mut i = 0\n    while i < a { i = i + 1 }\n    i");
        assert!(own < number / 10, "{own} chunks for {number} functions");
        say(cx, "let table = [1]");
        let fed = chunks_of(cx, "let mut i = 0\n    while i < a { i = i + table[0] }\n    i");
        assert!(fed >= number, "{fed} chunks for {number} functions");
    });
}

#[test]
fn functions_inside_of_others_share_them_too() {
    with_machine(gc::Options::default(), |cx| {
        let number = 1000;
        let text = |i| format!("fn f{i}(a) {{\n    let g = fn(x) {{ x + a + {i} }}\n    apply(g, [a])\n}}\n");
        say(cx, &(0..number).map(text).collect::<String>());
        let before = cx.vm().memory.stats();
        let calls: String = (0..number).map(|i| format!("    n = n + f{i}(1)\n")).collect();
        let sum = say(cx, &format!("fn all() {{\n    let mut n = 0\n{calls}    n\n}}\nall()"));
        assert_eq!(sum, (2 * number + number * (number - 1) / 2).to_string());
        let chunks = cx.vm().memory.stats().chunks - before.chunks;
        assert!(chunks < number / 20, "{chunks} chunks for {number} functions");
        // What was compiled ahead inside of a dead function is dead.
        say(cx, &(0..number).map(|i| format!("fn f{i}(a) {{ 0 }}\n")).collect::<String>());
        say(cx, "fn all() { 0 }");
        cx.vm().reclaim.search(cx);
        let left = cx.vm().memory.stats().chunks as isize - before.chunks as isize;
        assert!(left < 10, "{left} chunks for nothing");
    });
}

#[test]
fn a_chunk_dies_with_its_last_function() {
    with_machine(gc::Options::default(), |cx| {
        // 0; 1 and 2; 3 to 6; 7 to 14: the last is a chunk of eight.
        say(cx, &functions(15));
        for i in [0, 1, 3, 7] {
            say(cx, &format!("f{i}(1, 2)"));
        }
        cx.vm().reclaim.search(cx);
        let chunks = |cx: &mut Thread| {
            cx.vm().reclaim.search(cx);
            cx.vm().memory.stats().chunks
        };
        // What was evaluated is remembered until a name changes.
        say(cx, "let other = 0");
        let all = chunks(cx);
        for i in 7..14 {
            say(cx, &format!("fn f{i}(a, b) {{ 0 }}"));
            assert_eq!(chunks(cx), all, "f{i} is dead, and others are not");
            assert_eq!(say(cx, "f14(1, 2)"), "[16, \"text 14\"]");
        }
        say(cx, "let f14 = null");
        assert_eq!(chunks(cx), all - 1);
    });
}

#[test]
fn the_first_call_decides() {
    with_machine(gc::Options::default(), |cx| {
        say(cx, &(0..31).map(|i| format!("fn f{i}(a, b) {{ a * b + {i} }}\n")).collect::<String>());
        for i in [0, 1, 3, 7, 15] {
            say(cx, &format!("f{i}(1, 2)"));
        }
        let chunks = |cx: &Thread| cx.vm().memory.stats().chunks;
        // The text that calls has a chunk of its own.
        let before = chunks(cx);
        assert_eq!(say(cx, "f19(2, 3)"), "25");
        let ints = chunks(cx) - before;
        let before = chunks(cx);
        assert_eq!(say(cx, "f20(2.0, 3.0)"), "26.0");
        assert_eq!(chunks(cx) - before, ints + 1, "the code for Ints is not what Floats get");
    });
}

#[test]
fn nothing_is_noticed_of_what_cannot_be_compiled_yet() {
    with_machine(gc::Options::default(), |cx| {
        let calls: String = (0..8).map(|i| format!("    f{i}(1)\n")).collect();
        let text = (0..8).map(|i| format!("fn f{i}(a) {{ if a == 0 {{ later(a) }} else {{ a }} }}\n"));
        let text: String = text.collect();
        say(cx, &format!("{text}fn all() {{\n{calls}}}\nall()\nlet later = fn(x) {{ [:later, x] }}"));
        assert_eq!(say(cx, "[f7(0), f3(0), f6(1)]"), "[[:later, 0], [:later, 0], 1]");
        say(cx, "fn later(x) { :now }");
        assert_eq!(say(cx, "[f7(0), f3(0), f6(1)]"), "[:now, :now, 1]");
    });
}

#[test]
fn what_it_took_for_granted_may_change() {
    with_machine(gc::Options::default(), |cx| {
        let struct_ = "struct P { x, y: 5 }\n";
        let text: String = (0..15).map(|i| format!("fn f{i}(a) {{ P {{ x: a + {i} }} }}\n")).collect();
        say(cx, &format!("{struct_}{text}"));
        for i in [0, 1, 3, 7] {
            assert_eq!(say(cx, &format!("f{i}(1).y")), "5");
        }
        say(cx, "struct P { z: 1, x, y: 6 }");
        let all: String = (0..15).map(|i| format!("f{i}(1).y, f{i}(1).x, ")).collect();
        let expected: Vec<String> = (0..15).map(|i| format!("6, {}", i + 1)).collect();
        assert_eq!(say(cx, &format!("[{all}]")), format!("[{}]", expected.join(", ")));
    });
}
