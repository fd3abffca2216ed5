//! No page is ever writable and executable, and code that is published cannot be written.
//!
//! Seen from outside: the first test reads the maps of a process that keeps compiling, the second lets a child die.

#![cfg(target_os = "linux")]

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use harrier::asm::masm::Assembled;
use harrier::asm::memory::CodeMemory;

/// Redefines and calls functions until somebody closes its stdin, but not for long.
const COMPILES: &str = r#"
fn main() {
    println("ready")
    let start = time-now()
    let mut n = 0
    while n < 4000 && time-now() - start < 4000000000 {
        eval("fn f${n % 50}(x) { apply(fn(y) { [x, y, ${n}] }, [x]) }  f${n % 50}(${n})")
        n = n + 1
    }
    println(n > 100)
}
"#;

#[test]
fn no_page_is_writable_and_executable() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_harrier"))
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("harrier");
    child.stdin.take().expect("stdin").write_all(COMPILES.as_bytes()).expect("the program");
    let path = format!("/proc/{}/maps", child.id());
    let limit = Instant::now() + Duration::from_secs(60);
    let (mut reads, mut executable) = (0, 0);
    while child.try_wait().expect("a child").is_none() {
        assert!(Instant::now() < limit, "it does not end");
        // A process that has just ended has no maps.
        let maps = std::fs::read_to_string(&path).unwrap_or_default();
        reads += usize::from(!maps.is_empty());
        for line in maps.lines() {
            let mut parts = line.split_ascii_whitespace();
            let (range, held) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            // Generated code is the only executable memory of no file.
            let anonymous = parts.nth(2) == Some("0") && parts.next().is_none();
            assert!(!(held.contains('w') && held.contains('x')), "{range} is {held}");
            executable += usize::from(held.contains('x') && anonymous);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().expect("output");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ready\ntrue\n", "{}", String::from_utf8_lossy(&output.stderr));
    assert!(reads >= 50, "the maps were read only {reads} times");
    assert!(executable > 0, "no generated code was seen");
}

/// Says to this program that it is the child, which is to do the forbidden thing.
const CHILD: &str = "HARRIER_TEST_WRITES_CODE";

#[test]
fn a_store_into_published_code_faults() {
    if std::env::var_os(CHILD).is_some() {
        store_into_code();
        return;
    }
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "a_store_into_published_code_faults", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("a child");
    let printed = String::from_utf8_lossy(&child.stdout);
    assert!(printed.contains("published, read"), "{printed}{}", String::from_utf8_lossy(&child.stderr));
    assert!(!printed.contains("written"), "{printed}");
    assert_eq!(child.status.signal(), Some(libc::SIGSEGV), "{:?}", child.status);
}

fn store_into_code() {
    let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: reads a struct of ours.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &no_core) };
    let memory = CodeMemory::reserve().expect("reserve");
    let code = Assembled { code: vec![0xC3; 16], absolute: Vec::new(), comments: Vec::new() };
    let published = memory.publish(&[&code]).expect("publish");
    let place = published.starts[0] as *mut u8;
    // SAFETY: code is readable.
    let byte = unsafe { place.read_volatile() };
    assert_eq!(byte, 0xC3);
    println!("published, read");
    // SAFETY: nobody runs the code; that this faults is what is tested.
    unsafe { place.write_volatile(0) };
    println!("written");
}
