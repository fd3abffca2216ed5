//! What the unit tests of the runtime share: a machine to run in, values to make, texts to compare.

use crate::gc::options::Stress;
use crate::gc::{Handle, Options, Thread};
use crate::library::LIBRARY;
use crate::runtime::Vm;
use crate::runtime::program::builtin;
use crate::runtime::values::collections::{map, vector};
use crate::runtime::values::numbers::{new_big, new_int, parse};
use crate::runtime::values::text::format::{self, Style};
use crate::runtime::values::text::{json, strings};

/// Runs `f` on a machine of its own.
pub fn with_machine<R>(f: impl FnOnce(&mut Thread) -> R) -> R {
    run(Options::default(), f)
}

/// Runs `f` on a machine that collects, and moves everything, at every allocation, and verifies its heap.
pub fn under_stress<R>(f: impl FnOnce(&mut Thread) -> R) -> R {
    run(Options { stress: Stress::Strict, verify: true, ..Options::default() }, f)
}

fn run<R>(options: Options, f: impl FnOnce(&mut Thread) -> R) -> R {
    let mut cx = Vm::start(options, crate::runtime::compile::compile, LIBRARY).expect("a machine");
    f(&mut cx)
}

/// Calls a builtin by namespace and name.
pub fn call(cx: &mut Thread, name: &str, args: &[Handle]) -> Result<Handle, String> {
    let (namespace, name) = name.split_once('/').filter(|_| name.len() > 1).unwrap_or(("core", name));
    let builtin = LIBRARY.builtin(namespace, name);
    let builtin = builtin.unwrap_or_else(|| panic!("there is no builtin {name}"));
    builtin::call(cx, builtin, args).map_err(|thrown| {
        let error = cx.take_exception(thrown);
        text(cx, error)
    })
}

/// A value from JSON (objects have keyword keys).
pub fn value(cx: &mut Thread, json: &str) -> Handle {
    json::decode(cx, json, false).unwrap_or_else(|_| panic!("the test's JSON is malformed: {json}"))
}

/// A String.
pub fn string(cx: &mut Thread, text: &str) -> Handle {
    strings::of(cx, text).expect("memory")
}

/// An Int.
pub fn int(cx: &mut Thread, i: i64) -> Handle {
    new_int(cx, i).expect("memory")
}

/// An Int of any size from its digits.
pub fn big(cx: &mut Thread, digits: &str) -> Handle {
    new_big(cx, &parse::int(digits, 10).expect("digits")).expect("memory")
}

/// What `repr` gives.
pub fn text(cx: &mut Thread, value: Handle) -> String {
    format::to_text(cx, value, Style::Readable).expect("no user code")
}

/// What a builtin gives for JSON arguments, as text.
pub fn check(cx: &mut Thread, name: &str, args: &[&str], expected: &str) {
    let mark = cx.mark();
    let args: Vec<Handle> = args.iter().map(|json| value(cx, json)).collect();
    let got = match call(cx, name, &args) {
        Ok(result) => text(cx, result),
        Err(error) => error,
    };
    cx.release(mark);
    assert_eq!(got, expected, "{name}");
}

/// That a builtin throws an error of this kind for JSON arguments.
pub fn check_error(cx: &mut Thread, name: &str, args: &[&str], kind: &str) {
    let mark = cx.mark();
    let args: Vec<Handle> = args.iter().map(|json| value(cx, json)).collect();
    match call(cx, name, &args) {
        Ok(result) => panic!("{name} gave {}", text(cx, result)),
        Err(error) => assert!(error.starts_with(&format!("SystemError.{kind} ")), "{name}: {error}"),
    }
    cx.release(mark);
}

/// The Ints of a vector.
pub fn ints(cx: &Thread, vector: Handle) -> Vec<i64> {
    vector::iter(cx.get(vector)).map(|v| v.as_int().expect("an Int")).collect()
}

/// The Ints of a map's entries, sorted.
pub fn int_entries(cx: &Thread, map: Handle) -> Vec<(i64, i64)> {
    let mut entries: Vec<_> =
        map::iter(cx.get(map)).map(|(k, v)| (k.as_int().expect("an Int"), v.as_int().expect("an Int"))).collect();
    entries.sort_unstable();
    entries
}
