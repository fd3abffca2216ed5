//! A signal that a broken program brings upon itself: the report on stderr, and the end by that signal.

mod common;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Sends a signal to the thread that runs the program; gives what it prints then and the signal that ended it.
fn after_signal(program: &str, signal: i32) -> (String, Option<i32>) {
    after(program, signal, &|process, thread| {
        // SAFETY: sends a signal to a thread of a child.
        unsafe { libc::syscall(libc::SYS_tgkill, process, thread, signal) };
    })
}

/// The same when `send` does it, which is told the process and the thread.
fn after(program: &str, signal: i32, send: &dyn Fn(libc::pid_t, libc::pid_t)) -> (String, Option<i32>) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let file = std::env::temp_dir().join(format!("fault-{}-{signal}-{number}.hr", std::process::id()));
    std::fs::write(&file, program).expect("a file can be written");
    let mut child = Command::new(common::harrier())
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    out.read_line(&mut line).expect("it says that it is ready");
    assert_eq!(line, "ready\n");
    std::thread::sleep(common::patient(Duration::from_millis(200)));
    let process = child.id() as libc::pid_t;
    let threads: Vec<libc::pid_t> = std::fs::read_dir(Path::new("/proc").join(process.to_string()).join("task"))
        .expect("threads")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().parse().expect("a number"))
        .collect();
    // The program has a thread of its own; the first, which has the number of the process, only waits for signals. Numbers begin
    // anew at some point, so the larger one is not always the later one.
    let thread = threads.iter().copied().find(|thread| *thread != process);
    send(process, thread.unwrap_or_else(|| panic!("{threads:?}")));
    let mut text = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut text).expect("UTF-8");
    let status = child.wait().expect("it ends");
    let _ = std::fs::remove_file(file);
    (text, status.signal())
}

const LOOP: &str = "use io
fn spin(n) {
  let mut i = 0
  let mut sum = 1
  while i < n {
    sum = sum * 3 % 1000003 + i
    i = i + 1
  }
  sum
}
fn outer(n) { [spin(n)] }
fn main() {
  println(\"ready\")
  io/flush()
  [outer(1_000_000_000_000)]
}";

/// qemu takes the signal for a fault of its own.
fn under_emulator(test: &str) -> bool {
    let emulated = std::env::var_os("HARRIER_BIN").is_some();
    if emulated {
        println!("{test} is left out: a signal to a thread of the emulator is not one to the program's");
    }
    emulated
}

#[test]
fn a_fault_in_generated_code_shows_stack_code_and_registers() {
    if under_emulator("a_fault_in_generated_code_shows_stack_code_and_registers") {
        return;
    }
    for (signal, name) in [(libc::SIGSEGV, "SIGSEGV"), (libc::SIGILL, "SIGILL"), (libc::SIGFPE, "SIGFPE")] {
        let (text, ended) = after_signal(LOOP, signal);
        assert_eq!(ended, Some(signal), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with(&format!("harrier: {name} at 0x")), "{text}");
        let at = |i: usize, function: &str| lines[i].contains(function) && lines[i].ends_with(')');
        assert!(at(1, "/spin (") && at(2, "/outer (") && lines[2].contains(".hr:11)") && at(3, "/main ("), "{text}");
        assert!(lines[3].contains(".hr:15)"), "{text}");
        assert_eq!(lines.iter().filter(|line| line.starts_with("=> ")).count(), 1, "{text}");
        assert!(text.contains(".hr:6: sum = sum * 3"), "{text}");
        let registers =
            if cfg!(target_arch = "x86_64") { ["rax 0x", "r15 0x", "rip 0x"] } else { ["x0 0x", "x28 0x", "pc 0x"] };
        assert!(registers.iter().all(|register| text.contains(register)), "{text}");
    }
}

#[test]
fn a_fault_in_rust_shows_the_stack_that_leads_there() {
    if under_emulator("a_fault_in_rust_shows_the_stack_that_leads_there") {
        return;
    }
    let program = "use io
fn ask() { let line = io/read-line(); [line] }
fn main() {
  println(\"ready\")
  io/flush()
  [map(fn(x) { [ask()] }, [1])]
}";
    for signal in [libc::SIGSEGV, libc::SIGABRT] {
        let (text, ended) = after_signal(program, signal);
        assert_eq!(ended, Some(signal), "{text}");
        let place = |function: &str, line: u32| {
            text.lines().any(|l| l.contains(function) && l.ends_with(&format!(".hr:{line})")))
        };
        assert!(place("/ask (", 2) && place("/main (", 6), "{text}");
        assert!(!text.contains("=>") && !text.contains("rip"), "{text}");
    }
}

/// What somebody sends to the whole process is no fault of the program: who sent it is told, and no stack.
#[test]
fn a_signal_from_another_process_says_whose_it_is() {
    if under_emulator("a_signal_from_another_process_says_whose_it_is") {
        return;
    }
    let (text, ended) = after(LOOP, libc::SIGSEGV, &|process, _| {
        // SAFETY: sends a signal to a child.
        unsafe { libc::kill(process, libc::SIGSEGV) };
    });
    assert_eq!(text, format!("harrier: SIGSEGV, sent by the process {}\n", std::process::id()));
    assert_eq!(ended, Some(libc::SIGSEGV));
}

/// A deep recursion is cut in the middle.
#[test]
fn long_stacks_are_cut() {
    if under_emulator("long_stacks_are_cut") {
        return;
    }
    let down = "fn down(n) { if n == 0 { outer(1_000_000_000_000) } else { [down(n - 1)] } }\nfn main() {";
    let program = LOOP.replace("fn main() {", down).replace("  [outer(1_000_000_000_000)]\n}", "  [down(10_000)]\n}");
    let (text, ended) = after_signal(&program, libc::SIGSEGV);
    assert_eq!(ended, Some(libc::SIGSEGV), "{text}");
    assert!(text.lines().any(|line| line.starts_with("  … ") && line.ends_with(" more")), "{text}");
    assert!(text.matches("/down (").count() < 100 && text.contains("/spin (") && text.contains("/main ("), "{text}");
}
