//! No page is ever writable and executable: a process that keeps compiling has its maps read from outside, and by a thread of
//! its own. That a store into published code faults is in `published_code.rs`.

#![cfg(target_os = "linux")]

mod common;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Defines and calls functions anew, but not for long.
const COMPILES: &str = r#"
fn compile-much() {
    let start = time-now()
    let mut n = 0
    while n < 4000 && time-now() - start < 4000000000 {
        eval("fn f${n % 50}(x) { apply(fn(y) { [x, y, ${n}] }, [x]) }  f${n % 50}(${n})")
        n = n + 1
    }
    n > 100
}
"#;

/// What the maps say of a range that is executable: it may not be writable. Gives whether generated code is there, which is
/// the only executable memory of no file.
fn check(line: &str) -> bool {
    let mut parts = line.split_ascii_whitespace();
    let (range, held) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let anonymous = parts.nth(2) == Some("0") && parts.next().is_none();
    assert!(!(held.contains('w') && held.contains('x')), "{range} is {held}");
    held.contains('x') && anonymous
}

#[test]
fn no_page_is_writable_and_executable() {
    let mut child = Command::new(common::harrier())
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("harrier");
    let program = format!("{COMPILES}fn main() {{ println(compile-much()) }}");
    child.stdin.take().expect("stdin").write_all(program.as_bytes()).expect("the program");
    let process = format!("/proc/{}", child.id());
    let limit = Instant::now() + common::patient(Duration::from_secs(60));
    let (mut reads, mut executable, mut emulated) = (0, 0, false);
    while child.try_wait().expect("a child").is_none() {
        assert!(Instant::now() < limit, "it does not end");
        // A process becomes another program: the maps are this one's when it was this before they were read, and still is. One
        // that has just ended has neither.
        let runs = || std::fs::read_link(format!("{process}/exe")).ok();
        let before = runs();
        let maps = std::fs::read_to_string(format!("{process}/maps")).unwrap_or_default();
        let after = runs();
        let emulator = |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("qemu-"));
        emulated |= before.iter().chain(&after).any(emulator);
        if !emulated && before.is_some() && before == after && !maps.is_empty() {
            reads += 1;
            executable += maps.lines().filter(|line| check(line)).count();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().expect("output");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "true\n", "{}", String::from_utf8_lossy(&output.stderr));
    if emulated {
        println!("from outside: not looked at, these are the pages of an emulator, which writes code in its own way");
        return;
    }
    assert!(reads >= 50, "the maps were read only {reads} times");
    assert!(executable > 0, "no generated code was seen");
}

/// A thread reads the maps of its process, and keeps each line that it has not seen before.
const WATCHES: &str = r#"
use io
let done = atom(false)
fn watch() {
    let mut reads = 0
    let mut seen = #{}
    while !deref(done) {
        let maps = with-open(unwrap!(io/open("/proc/self/maps")), fn(f) { unwrap!(io/read-all(f)) })
        for line in lines(maps) { seen = set-add(seen, line) }
        reads = reads + 1
    }
    for line in seen { println(line) }
    reads
}
fn main() {
    let watcher = thread(watch)
    println(compile-much())
    reset!(done, true)
    println("reads", join(watcher))
}
"#;

/// Under an emulator too: it shows a process its own pages.
#[test]
fn no_page_of_its_own_is_writable_and_executable() {
    let outcome = common::run(&["-"], &format!("{COMPILES}{WATCHES}"), Duration::from_secs(60));
    assert_eq!(outcome.misbehaved(0), None, "{}", outcome.stderr);
    let (first, others) = outcome.stdout.split_once('\n').expect("lines");
    let (maps, reads) = others.split_once("reads ").expect("the number of reads");
    assert_eq!(first, "true");
    assert!(reads.trim().parse::<u32>().expect("a number") >= 50, "the maps were read only {reads} times");
    assert!(maps.lines().filter(|line| check(line)).count() > 0, "no generated code was seen");
}
