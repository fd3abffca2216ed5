//! What goes deep, tried where the stack ends: at each of hundreds of depths before the last one it gives its value or a StackOverflow,
//! on the main thread and on another, and the program goes on.
//!
//! `cases.rs` has the table. Each of its cases is a program of its own, so that a crash says whose it is. They run with `--gc-verify`: a thread that has used
//! more than half of the reserve below its stack (`src/stack.rs`) ends the process, so that what did not ask is seen before it crashes.
//!
//! `HARRIER_CASE=text` tries the cases whose names contain it. `HARRIER_ALL=1` takes finer steps.

mod cases;
#[path = "../common/mod.rs"]
mod common;

use cases::Case;
use common::Folder;
use std::time::Duration;

/// Files that a case may `use`, each for the first time.
const FILES: usize = 400;

/// What goes down, and tries at each depth on its way back. `fine` takes a frame from one attempt to the next, `coarse` some kilobytes.
const SWEEP: &str = r#"
let tally = mutable-array/array-of(0, 0, null)
let deepest = mutable-array/array-of(0)
fn note() {
    try {
        let found = attempt()
        if found == expected { tally[0] = tally[0] + 1 } else { tally[2] = [found] }
    } catch (e) {
        match e { SystemError.StackOverflow { } => { tally[1] = tally[1] + 1 }, other => { tally[2] = other } }
    }
}
fn fine(n) { if n < 0 { 0 } else { try { 1 + fine(n + 1) } catch (e) { note() throw e } } }
fn between(n) { if n == 0 { coarse(0) } else { 1 + between(n - 1) } }
fn coarse(n) { if n < 0 { 0 } else { try { 1 + between(STEP) } catch (e) { note() throw e } } }
fn plain(n) { deepest[0] = n 1 + plain(n + 1) }
fn down(n, last) { if n == 0 { last(0) } else { 1 + down(n - 1, last) } }
fn overflows(f) { try { f() "came back" } catch (e) { match e { SystemError.StackOverflow { } => null, other => other } } }
fn sweep(name) {
    // Compiled now: there is no stack to compile with where they are called.
    fine(-1)
    coarse(-1)
    down(0, fn(n) { n })
    note()
    mutable-array/fill(tally, 0)
    tally[2] = null
    overflows(fn() { plain(0) })
    let depth = deepest[0]
    let ends = map(fn([frames, way]) {
        let before = tally[0] + tally[1]
        let end = overflows(fn() { down(depth - frames, way) })
        if tally[0] + tally[1] < before + 40 { println(name, "was hardly tried with", frames) }
        end
    }, [[FINE, fine], [COARSE, coarse]])
    if ends != [null, null] { println(name, "ended by", ends) }
    if tally[2] != null { println(name, "gave", tally[2]) }
    if tally[0] == 0 { println(name, "never came back") }
    eprintln(name, tally)
    try { if attempt() != expected { println(name, "is another one afterwards") } } catch (e) { println(name, "throws afterwards", e) }
}
fn main() {
    sweep("main")
    join(thread(fn() { sweep("thread") }))
    println("went on")
}
"#;

fn program(case: &Case) -> String {
    // Frames of `down`, of 32 bytes at least: some 10 KB in steps of a frame, the last 1.9 MB in steps of 14 KB.
    let all = std::env::var("HARRIER_ALL").is_ok();
    let (fine, coarse, step) = if all { (8000, 90000, 48) } else { (case.fine, 60000, 450) };
    let sweep = SWEEP.replace("FINE", &fine.to_string()).replace("COARSE", &coarse.to_string());
    let sweep = sweep.replace("STEP", &step.to_string());
    format!("use mutable-array\n{}\nfn attempt() {{ {} }}\nlet expected = attempt()\n{sweep}", case.setup, case.attempt)
}

#[test]
fn what_goes_deep_gives_a_value_or_a_stack_overflow() {
    let chosen = std::env::var("HARRIER_CASE").unwrap_or_default();
    let cases = cases::all().into_iter().filter(|case| case.name.contains(&chosen));
    // Under an emulator one in ten, each of which takes ten times as long.
    let one_in = common::one_in(10).max(common::share());
    let part = common::number("HARRIER_PART").unwrap_or(0) as usize % one_in;
    let cases: Vec<Case> = cases.skip(part).step_by(one_in).collect();
    assert!(!cases.is_empty(), "no case is called {chosen}");
    let files: Vec<(String, String)> = (0..FILES)
        .map(|k| (format!("n{k}.hr"), "fn f(x) { match x { [a, ...r] => a + f(r), _ => 0 } }".into()))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = Folder::new(&files);
    let failed = common::in_parallel(&cases, |case| {
        let path = folder.path(&format!("case-{}.hr", case.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")));
        std::fs::write(&path, program(case)).expect("a program");
        let done = common::run(&["run", "--gc-verify", &path], "", Duration::from_secs(60));
        let mut why: Vec<String> = done.misbehaved(0).into_iter().collect();
        if done.stdout != "went on\n" {
            why.extend(done.stdout.lines().take(4).map(|line| line.chars().take(300).collect()));
        }
        if !why.is_empty() {
            why.extend(done.stderr.lines().take(6).map(String::from));
            println!("FAIL {}: {}", case.name, why.join("\n    "));
        } else if !chosen.is_empty() {
            println!("{}: {:.2} s: {}", case.name, done.cpu.as_secs_f64(), done.stderr.trim().replace('\n', ", "));
        }
        why
    });
    assert!(failed.is_empty(), "{} of {} cases failed", failed.len(), cases.len());
}
