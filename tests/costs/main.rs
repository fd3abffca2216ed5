//! What the library does grows with what it is given as it should: eight times as much takes about eight times as long, and what is promised
//! to take the same time whatever the size does so.
//!
//! `table.rs` has the operations. A size is looked for at which an operation takes long enough to be measured; it is compared with the one
//! eight times as large, each the least of several. What seems too slow is tried again, alone: only what never passes fails.
//!
//! `HARRIER_CASE=text` measures the operations whose names contain it, and prints what they took.

#[path = "../common/mod.rs"]
mod common;
mod table;

use std::fmt::Write;
use std::time::Duration;
use table::{Growth, Operation};

/// `least` is the time that an operation takes, the least of several; what it is given is made anew each time, and is not measured.
const MEASURING: &str = r#"
fn once(make, op, n) {
    let x = make(n)
    let start = time-now()
    op(x, n)
    time-now() - start
}
fn least(make, op, n, times) { min-of(map(fn(i) { once(make, op, n) }, range(0, times))) }
fn grown(name, make, op, most) {
    let mut n = 32
    let mut t = least(make, op, n, 3)
    while t < 400000 && n < most { n = min(n * 2, most)  t = least(make, op, n, 3) }
    t = min(t, least(make, op, n, 4))
    let mut big = least(make, op, n * 8, 2)
    let mut tries = 0
    while big > t * LIMIT && tries < 4 { tries = tries + 1  big = min(big, once(make, op, n * 8)) }
    // Where the larger one has left the caches, or the first collection comes, twice as much tells.
    if big > t * LIMIT {
        n = n * 2
        t = least(make, op, n, 5)
        big = least(make, op, n * 8, 3)
    }
    println(name, n, t, big)
}
fn same(name, make, op, most) {
    let repeated = fn(x, n) { let mut i = 0  while i < 1000 { op(x, n)  i = i + 1 } }
    let t = least(make, repeated, 500, 5)
    let mut big = least(make, repeated, 32000, 4)
    let mut tries = 0
    while big > t * SAME && tries < 5 { tries = tries + 1  big = min(big, once(make, repeated, 32000)) }
    println(name, 500, t, big)
}
"#;

/// How many times as long eight times as much may take (64 if it takes squares). What does not fit the caches takes three times as long for each, and
/// sorting a little more; 64 times as much may take some more where trees are deeper.
const LIMIT: i64 = 30;
const SAME: i64 = 12;

fn program(operations: &[&Operation]) -> String {
    let mut text = format!(
        "{}{}",
        table::SETUP,
        MEASURING.replace("LIMIT", &LIMIT.to_string()).replace("SAME", &SAME.to_string())
    );
    text.push_str("fn main() {\n");
    for op in operations {
        let how = if op.growth == Growth::Linear { "grown" } else { "same" };
        let (name, make, run, most) = (&op.name, &op.make, &op.run, op.most);
        let _ = writeln!(text, "    {how}(\"{name}:\", fn(n) {{ {make} }}, fn(x, n) {{ {run} }}, {most})");
    }
    text + "}\n"
}

/// What takes too long, of these.
fn too_slow<'a>(operations: &[&'a Operation], tell: bool) -> Vec<(&'a Operation, String)> {
    let chunks: Vec<&[&Operation]> = operations.chunks(25).collect();
    let found = std::sync::Mutex::new(Vec::new());
    let folder = common::Folder::new(&[]);
    common::in_parallel(&chunks.iter().enumerate().collect::<Vec<_>>(), |(k, chunk)| {
        let path = folder.path(&format!("costs{k}.hr"));
        std::fs::write(&path, program(chunk)).expect("a program");
        let done = common::run(&["run", &path], "", Duration::from_secs(200));
        let mut slow = Vec::new();
        for op in **chunk {
            let line = done.stdout.lines().find_map(|line| line.strip_prefix(&format!("{}: ", op.name)));
            let Some(line) = line else {
                let why = done.misbehaved(0).unwrap_or_default();
                slow.push((*op, format!("ended by itself? {why} {}", done.stderr.lines().take(3).collect::<String>())));
                continue;
            };
            let numbers: Vec<i64> = line.split(' ').map(|n| n.parse().expect("a number")).collect();
            let (t, big) = (numbers[1].max(1), numbers[2]);
            let (limit, more) = if op.growth == Growth::Linear { (LIMIT, 8) } else { (SAME, 64) };
            let said = format!(
                "{} of size {}: {} µs, and {} µs for {more} times as much: {:.1} times",
                op.name,
                numbers[0],
                t / 1000,
                big / 1000,
                big as f64 / t as f64
            );
            if tell {
                println!("{said}");
            }
            if big > t * limit {
                slow.push((*op, said));
            }
        }
        found.lock().expect("no task panics while it holds the lock").append(&mut slow);
        Vec::new()
    });
    found.into_inner().expect("no task panics while it holds the lock")
}

#[test]
fn costs_grow_as_they_should() {
    if common::is_emulated() {
        println!(
            "SKIP: how costs grow is the same on every machine: it is measured on this one, not under the emulator"
        );
        return;
    }
    let chosen = std::env::var("HARRIER_CASE").unwrap_or_default();
    let all: Vec<Operation> = table::all().into_iter().filter(|op| op.name.contains(&chosen)).collect();
    assert!(!all.is_empty(), "no operation is called {chosen}");
    let mut left: Vec<&Operation> = all.iter().collect();
    let why = common::at_a_calm_moment(|| {
        let slow = too_slow(&left, !chosen.is_empty());
        left = slow.iter().map(|(op, _)| *op).collect();
        slow.into_iter().map(|(_, said)| said).collect()
    });
    for line in &why {
        println!("FAIL {line}");
    }
    assert!(why.is_empty(), "{} of {} operations take too long", why.len(), all.len());
}
