//! Every function of the library with anything for arguments: it answers or throws an error of the language. It never panics
//! (which would show as an InternalError), hangs, or ends the process.
//!
//! `HARRIER_SEED=17 cargo test --test library` runs one seed, `HARRIER_COUNT=1000` so many. The program of a seed that failed
//! stays in `target/tmp/library`.

mod common;
#[path = "common/random.rs"]
mod random;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use random::Random;

/// Values to call with: edges of every type.
const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "2",
    "7",
    "63",
    "64",
    "100",
    "-100",
    "1152921504606846975",
    "-1152921504606846976",
    "1152921504606846976",
    "9223372036854775807",
    "(1 << 200)",
    "-(1 << 200)",
    "0.0",
    "-0.0",
    "1.5",
    "-2.5",
    "1e300",
    "-1e-300",
    "(0.0 / 0.0)",
    "(1.0 / 0.0)",
    "9007199254740993.0",
    "\"\"",
    "\"a\"",
    "\"abc\"",
    "\" a b \"",
    "\"äöü€😀\"",
    "\"12\"",
    "\"-1.5e3\"",
    "\"{\\\"a\\\": [1, null]}\"",
    "\"%d {}\"",
    "\"(\"",
    "repeat-string(\"xy\", 500)",
    ":k",
    ":a",
    "[]",
    "[1]",
    "[1, 2, 3]",
    "[[1, 2], [3, 4]]",
    "[\"a\", :b, null]",
    "vec(range(0, 100))",
    "[3, 1.5, -2]",
    "{}",
    "{:a 1}",
    "{1 2, 1.0 3, \"a\" []}",
    "zipmap(range(0, 50), range(0, 50))",
    "#{}",
    "#{1, 2}",
    "#{:a, \"b\"}",
    "range(0, 0)",
    "range(0, 5)",
    "range(5, -5)",
    "range(0, 1000000)",
    "rest([1, 2, 3])",
    "seq(\"abc\")",
    "atom(1)",
    "atom([])",
    "identity",
    "fn() { 1 }",
    "fn(x) { x }",
    "fn(a, b) { a }",
    "fn(a, b) { a < b }",
    "fn(...all) { all }",
    "fn(x) { throw :no }",
    "even?",
    "Int",
    "Vector",
    "Seqable",
    "Odd",
    "Odd { a: 1, b: 2 }",
    "Odd { a: [], b: null }",
    "Way.one",
    "Way.two { v: 3 }",
    "Listy { n: 3 }",
    "Result.Ok { value: 1 }",
    "mutable-array/new-array(0)",
    "mutable-array/array-of(1, 2, 3)",
    "mutable-list/new()",
    "mutable-map/new()",
    "mutable-set/new()",
    "string-builder/new()",
    "byte-buffer/of([1, 2, 3])",
    "weak/ref([1])",
    "weak/map()",
    "the-namespace(\"core\")",
    "io/stdout",
];

/// What is not called: it ends the process, waits, or writes files.
const LEFT_OUT: &[&str] = &["byte-buffer/write", "core/exit", "core/sleep", "io/open", "repl/serve"];

const HEAD: &str = "\
use mutable-array
use mutable-list
use mutable-map
use mutable-set
use byte-buffer
use string-builder
use weak
use io
use profile
use reflect
struct Odd { a, mut b }
enum Way { one, two { v } }
struct Listy { n }
extend Listy with Seq {
    fn first(self) { self.n }
    fn next(self) { if self.n > 0 { Listy { n: self.n - 1 } } else { null } }
}
let skip = #{SKIP}
let names = filter(fn(n) { !set-contains?(skip, n) && !starts-with?(n, \"library-\") }, apropos(\"\"))
fn choose(k) {
    let name = names[k % length(names)]
    [name, eval(name)]
}
fn attempt(k, args) {
    let [name, f] = choose(k)
    let what = try {
        apply(f, args)
        null
    } catch (e) {
        match e {
            SystemError.InternalError { message } => message,
            _ => null
        }
    }
    if what != null { println(\"FAIL\", name, what) }
    what == null
}
";

const CALLS: usize = 300;

fn program(seed: u64) -> String {
    let mut random = Random(seed);
    let skip: Vec<String> = LEFT_OUT.iter().map(|n| format!("{n:?}")).collect();
    let mut text = HEAD.replace("SKIP", &format!("{{{}}}", skip.join(", ")).replace(['{', '}'], ""));
    let mut calls = String::new();
    for k in 0..CALLS {
        let n = [0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 6][random.below(12)];
        let args: Vec<&str> = (0..n).map(|_| VALUES[random.below(VALUES.len())]).collect();
        let _ = writeln!(text, "fn call{k}() {{ attempt({}, [{}]) }}", random.below(1 << 20), args.join(", "));
        let _ = writeln!(calls, "    eprintln({k}) call{k}()");
    }
    let _ = writeln!(text, "fn main() {{\n{calls}    println(\"done\")\n}}");
    text
}

fn seeds() -> Vec<u64> {
    use common::number;
    match number("HARRIER_SEED") {
        Some(seed) => vec![seed],
        None => {
            let from = number("HARRIER_FROM").unwrap_or(1);
            (from..from + number("HARRIER_COUNT").unwrap_or(common::generated(40))).collect()
        }
    }
}

fn run_all(flags: &[&str]) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("library");
    // What the programs write is left there.
    let written = folder.join(format!("written-{}", flags.len()));
    std::fs::create_dir_all(&written).expect("a folder for the programs can be made");
    let seeds = seeds();
    let failed = common::in_parallel(&seeds, |seed| {
        let path = folder.join(format!("library-{seed}-{}.hr", flags.len()));
        std::fs::write(&path, program(*seed)).expect("the program can be written");
        let file = path.to_string_lossy();
        let mut args = vec!["run", "--max-heap=256M"];
        args.extend(flags);
        args.push(&file);
        let done = common::run_in(&written, &args, "", Duration::from_secs(60));
        let last = done.stderr.lines().rfind(|l| l.parse::<usize>().is_ok()).unwrap_or("none").to_string();
        // `thread` may have been given a function that wants arguments: its fault, which nobody joins for, is no failure here.
        let lost = done.stderr.lines().any(|l| l.starts_with("in a thread: "));
        let mut why: Vec<String> = done.misbehaved(i32::from(lost)).into_iter().collect();
        why.extend(done.stdout.lines().filter(|l| l.starts_with("FAIL")).map(String::from));
        if !why.is_empty() || !done.stdout.trim_end().ends_with("done") {
            why.push(format!("seed {seed} {flags:?}: call{last} of {file} was the last"));
            why.extend(done.stderr.lines().rev().take(6).map(String::from));
        } else {
            let _ = std::fs::remove_file(&path);
        }
        why
    });
    for (index, why) in &failed {
        println!("seed {}:\n    {}", seeds[*index], why.join("\n    "));
    }
    let _ = std::fs::remove_dir_all(&written);
    assert!(failed.is_empty(), "{} of {} programs failed", failed.len(), seeds.len());
}

#[test]
fn anything_may_be_an_argument() {
    run_all(&[]);
}

#[test]
fn anything_may_be_an_argument_while_collecting() {
    run_all(&["--gc-always", "--gc-verify"]);
}
