//! Code that nobody can reach is freed, and code that somebody can reach is not.

#[path = "common/machine.rs"]
mod machine;

use harrier::gc::{self, Thread};
use harrier::runtime::load;
use harrier::runtime::program::declare;
use machine::with_machine;

fn say(cx: &mut Thread, text: &str) -> String {
    let mark = cx.mark();
    let namespace = declare::namespace(cx, "user").expect("a namespace");
    let evaluated = load::evaluate(cx, "<test>", text, namespace).unwrap_or_else(|e| panic!("{text}: {e:?}"));
    let shown = harrier::runtime::values::foreign::repr(cx, evaluated.value).expect("printable");
    cx.release(mark);
    shown
}

#[test]
fn redefinition_does_not_grow() {
    with_machine(gc::Options::default(), |cx| {
        say(cx, "protocol Area { fn area(self) }  struct Box { side }  fn f(n) { n }  fn total(v) { f(1) + area(v) }");
        say(cx, "extend Box with Area { fn area(self) { 0 } }");
        let round = |cx: &mut Thread, i: usize| {
            say(cx, &format!("fn f(n) {{ apply(fn(x) {{ [x, \"text {i}\", n] }}, [{i}])[0] }}"));
            say(cx, &format!("extend Box with Area {{ fn area(self) {{ self.side * {i} }} }}"));
            assert_eq!(say(cx, "total(Box { side: 2 })"), (3 * i).to_string());
        };
        (0..300).for_each(|i| round(cx, i));
        cx.vm().reclaim.search(cx);
        let before = (cx.vm().reclaim.count(), cx.vm().memory.stats());
        (0..300).for_each(|i| round(cx, i));
        cx.vm().reclaim.search(cx);
        let after = (cx.vm().reclaim.count(), cx.vm().memory.stats());
        assert!(after.0 <= before.0 + 3, "records: {} and then {}", before.0, after.0);
        assert!(after.1.chunks <= before.1.chunks + 3, "{before:?} and then {after:?}");
        assert!(after.1.data_bytes <= before.1.data_bytes + 65536, "{before:?} and then {after:?}");
    });
}

#[test]
fn what_can_be_reached_stays() {
    let options = gc::Options { stress: gc::Stress::Decaying, verify: true, ..gc::Options::default() };
    with_machine(options, |cx| {
        say(cx, "fn make(n) { fn() { fn() { n } } }  let kept = make(41)  let inner = make(42)()");
        say(cx, "struct P { x: apply(fn() { 7 }, []) }  let old = P { }");
        say(cx, "fn make(n) { 0 }");
        for i in 0..60 {
            say(cx, &format!("fn junk(n) {{ n + {i} }}  junk({i})"));
            cx.vm().reclaim.search(cx);
        }
        assert_eq!(say(cx, "[kept()(), inner(), P { }.x, old.x]"), "[41, 42, 7, 7]");
        // A function that redefines itself while it runs, and goes on.
        say(cx, "fn f(n) { eval(\"fn f(n) { :new }\")  _again(); [n, f(n)] }  fn _again() { gc() }");
        assert_eq!(say(cx, "f(5)"), "[5, :new]");
    });
}

/// Functions that are defined anew before anybody has called them are freed, too.
#[test]
fn what_is_never_called_does_not_grow() {
    with_machine(gc::Options::default(), |cx| {
        let round = |cx: &mut Thread| (0..3000).for_each(|i| drop(say(cx, &format!("fn tmp(x) {{ x + {i} }}"))));
        round(cx);
        let before = (cx.vm().reclaim.count(), cx.vm().memory.stats());
        (0..3).for_each(|_| round(cx));
        let after = (cx.vm().reclaim.count(), cx.vm().memory.stats());
        assert!(after.0 <= 2 * before.0 + 100, "records: {} and then {}", before.0, after.0);
        assert!(after.1.data_bytes <= 2 * before.1.data_bytes, "{before:?} and then {after:?}");
    });
}
