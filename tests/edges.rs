//! Where the program meets the system: streams and pipes, full disks, signals, limits, names of files, `harrier test`.

#![cfg(unix)]

mod common;

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use common::Folder;

/// The time that a case may take.
const LIMIT: Duration = Duration::from_secs(60);

impl Folder {
    /// The program with these arguments, with nothing on stdin and its output in pipes.
    fn harrier<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(common::harrier());
        command.current_dir(&self.0).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn fifo(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        let text = CString::new(path.as_os_str().as_bytes()).expect("a path");
        // SAFETY: the path ends with a zero.
        assert_eq!(unsafe { libc::mkfifo(text.as_ptr(), 0o600) }, 0);
        path
    }
}

/// How a process ended.
struct Outcome {
    status: ExitStatus,
    out: String,
    err: String,
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn finish(mut child: Child) -> Outcome {
    let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let limit = Instant::now() + common::patient(LIMIT);
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if Instant::now() > limit {
            child.kill().expect("kill");
            child.wait().expect("the end");
            panic!("it does not end: {}", err.join().expect("stderr"));
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Outcome { status, out: out.join().expect("stdout"), err: err.join().expect("stderr") }
}

fn run(mut command: Command) -> Outcome {
    finish(command.spawn().expect("harrier"))
}

fn send(child: &Child, signal: libc::c_int) {
    // SAFETY: a child of ours that was not waited for.
    unsafe { libc::kill(child.id() as i32, signal) };
}

fn pause(milliseconds: u64) {
    std::thread::sleep(common::patient(Duration::from_millis(milliseconds)));
}

fn limited(mut command: Command, resource: u32, most: u64) -> Command {
    // SAFETY: only system calls between fork and exec.
    unsafe {
        command.pre_exec(move || {
            // Descriptors that whoever runs the tests has left open would count. A system without this call has them in any case.
            libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
            let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
            libc::setrlimit(resource as _, &limit);
            Ok(())
        });
    }
    command
}

// ---- harrier test ----

#[test]
fn a_test_whose_thread_fails_fails() {
    let late = "test \"late\" { thread(fn() { sleep(200) 1 / 0 }) }\ntest \"fine\" { assert!(true) }\n";
    let top = "let t = thread(fn() { 1 / 0 })\ntest \"fine\" { assert!(true) }\n";
    let joined = "test \"joined\" { assert!((try { join(thread(fn() { 1 / 0 })) } catch (e) { true })) }\n";
    let folder = Folder::new(&[("late.hr", late), ("top.hr", top), ("joined.hr", joined)]);
    let outcome = run(folder.harrier(&["test", "."]));
    assert_eq!(outcome.status.code(), Some(1), "{}{}", outcome.out, outcome.err);
    assert!(outcome.out.ends_with("3 passed, 2 failed\n"), "{}", outcome.out);
    assert!(outcome.out.contains("late.hr: late\n     in a thread: DivisionByZero"), "{}", outcome.out);
    assert!(outcome.out.contains("top.hr: the file\n     in a thread: DivisionByZero"), "{}", outcome.out);
}

fn processes_in(folder: &Path) -> Vec<i32> {
    let pids = std::fs::read_dir("/proc").expect("/proc").filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
    let here = |pid: &i32| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder);
    pids.filter(here).collect()
}

#[test]
fn a_runner_takes_its_children_along() {
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGKILL] {
        let folder = Folder::new(&[("hang.hr", "test \"hangs\" { loop { } }\n")]);
        let mut child = folder.harrier(&["test", "."]).spawn().expect("harrier");
        let limit = Instant::now() + common::patient(LIMIT);
        while processes_in(&folder.0).len() < 2 {
            assert!(Instant::now() < limit, "the test does not start");
            pause(10);
        }
        send(&child, signal);
        child.wait().expect("the end");
        while !processes_in(&folder.0).is_empty() {
            assert!(Instant::now() < limit, "signal {signal} leaves children behind");
            pause(10);
        }
    }
}

#[test]
fn what_a_test_printed_before_it_hung_or_crashed_is_shown() {
    let line = "0123456789".repeat(40);
    let files = [
        ("hang.hr", "test \"hangs\" { println(\"before the loop\") eprintln(\"on stderr\") loop { } }\n".to_string()),
        ("flood.hr", format!("test \"floods\" {{ loop {{ println(\"{line}\") }} }}\n")),
        ("snapshot.hr", "println(\"in a snapshot\")\nloop { }\n// @snapshot\n// another\n".to_string()),
        ("exits.hr", "test \"exits\" { println(\"before the exit\") exit(7) }\n".to_string()),
    ];
    let folder = Folder::new(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
    let outcome = run(folder.harrier(&["test", "--limit=2", "."]));
    assert_eq!(outcome.status.code(), Some(1));
    assert!(outcome.out.ends_with("0 passed, 4 failed\n"), "{}", outcome.out);
    for text in ["| before the loop", "| on stderr", "+ in a snapshot", "| before the exit", "more bytes"] {
        assert!(outcome.out.contains(text), "{text} is not in {}", outcome.out);
    }
    assert!(outcome.out.len() < 100_000, "{} bytes", outcome.out.len());
}

#[test]
fn a_runner_follows_no_circle_and_says_what_it_cannot_read() {
    let folder = Folder::new(&[("a.hr", "test \"x\" { assert!(true) }\n")]);
    std::os::unix::fs::symlink(".", folder.0.join("loop")).expect("a link");
    std::os::unix::fs::symlink("b", folder.0.join("a-link")).expect("a link");
    std::fs::create_dir(folder.0.join("b")).expect("a folder");
    std::fs::write(folder.0.join("b/b.hr"), "test \"y\" { assert!(true) }\n").expect("a file");
    folder.fifo("waits.hr");
    std::fs::write(folder.0.join(OsStr::from_bytes(b"caf\xe9.hr")), "test \"z\" { assert!(true) }\n").expect("a file");
    let outcome = run(folder.harrier(&["test", "."]));
    assert_eq!(
        (outcome.status.code(), outcome.out.ends_with("3 passed, 0 failed\n")),
        (Some(0), true),
        "{}",
        outcome.out
    );
    std::os::unix::fs::symlink("nowhere", folder.0.join("dangling.hr")).expect("a link");
    let outcome = run(folder.harrier(&["test", "."]));
    assert_eq!(outcome.status.code(), Some(1), "{}", outcome.out);
    assert!(outcome.out.contains("dangling.hr: the file\n     cannot read it: No such file"), "{}", outcome.out);
}

// ---- output ----

#[test]
fn a_full_disk_is_told() {
    let passing = "test \"x\" { assert!(true) }\n";
    let program = "println(\"hello\")\n";
    let file = "use io\nlet f = unwrap!(io/open(\"/dev/full\", :write))\nio/write(f, \"lost\")\n";
    let folder = Folder::new(&[("p.hr", program), ("t.hr", passing), ("f.hr", file)]);
    let full = || File::options().write(true).open("/dev/full").expect("/dev/full");
    let cases: [&[&str]; 6] = [&["p.hr"], &["-e", "1 + 2"], &["--help"], &["--version"], &["test", "t.hr"], &["f.hr"]];
    for case in cases {
        let mut command = folder.harrier(case);
        if case != ["f.hr"] {
            command.stdout(full());
        }
        let outcome = run(command);
        assert_eq!(outcome.status.code(), Some(1), "{case:?}: {}", outcome.err);
        assert!(outcome.err.contains("No space left on device"), "{case:?}: {:?}", outcome.err);
        assert_eq!(outcome.err.lines().count(), 1, "{case:?}: {:?}", outcome.err);
    }
    let mut command = folder.harrier(&["repl"]);
    command.stdin(Stdio::piped()).stdout(full());
    let mut child = command.spawn().expect("harrier");
    child.stdin.take().expect("stdin").write_all(b"1 + 2\n").expect("a line");
    let outcome = finish(child);
    assert_eq!(outcome.status.code(), Some(1), "repl: {}", outcome.err);
    assert!(outcome.err.contains("No space left on device"), "repl: {}", outcome.err);
}

#[test]
fn a_file_that_may_not_grow_is_an_error() {
    if common::is_emulated() {
        return;
    }
    let text = "use io\nlet f = unwrap!(io/open(\"big\", :write))\nfor i in range(0, 100) { io/write(f, repeat-string(\"x\", 10000)) }\n\
                println(io/flush(f))";
    let folder = Folder::new(&[("p.hr", text)]);
    let outcome = run(limited(folder.harrier(&["p.hr"]), libc::RLIMIT_FSIZE, 100_000));
    assert_eq!(outcome.status.signal(), None, "{}{}", outcome.out, outcome.err);
}

#[test]
fn buffers_are_written_before_a_signal_ends_the_program() {
    let text = "use io\nlet f = unwrap!(io/open(\"out\", :write))\n\
                fn main() { io/write(f, \"in a file\") println(\"started\") eprintln(1) sleep(20000) println(\"done\") }\n";
    for signal in [libc::SIGTERM, libc::SIGHUP] {
        let folder = Folder::new(&[("p.hr", text)]);
        let mut command = folder.harrier(&["p.hr"]);
        // SAFETY: only a system call between fork and exec. Whoever runs the tests may ignore it (`nohup`).
        unsafe {
            command.pre_exec(move || {
                libc::signal(signal, libc::SIG_DFL);
                Ok(())
            });
        }
        let mut child = command.spawn().expect("harrier");
        child.stderr.as_mut().expect("stderr").read_exact(&mut [0]).expect("it runs");
        send(&child, signal);
        let outcome = finish(child);
        assert_eq!((outcome.status.signal(), outcome.out.as_str()), (Some(signal), "started\n"));
        assert_eq!(std::fs::read_to_string(folder.0.join("out")).expect("the file"), "in a file");
    }
}

#[test]
fn what_is_printed_before_a_wait_is_seen_before_it() {
    for wait in ["sleep(200000)", "join(thread(fn() { sleep(200000) }))"] {
        let folder = Folder::new(&[("p.hr", &format!("println(\"started\")\n{wait}\n"))]);
        let mut child = folder.harrier(&["p.hr"]).spawn().expect("harrier");
        let (start, mut line) = (std::time::Instant::now(), [0; 8]);
        child.stdout.as_mut().expect("stdout").read_exact(&mut line).expect("a line");
        assert!(start.elapsed() < common::patient(Duration::from_secs(15)), "after {:?}", start.elapsed());
        send(&child, libc::SIGKILL);
        finish(child);
        assert_eq!(&line, b"started\n");
    }
}

#[test]
fn a_signal_finds_a_program_that_writes_all_the_time() {
    let text = "fn main() { for i in range(0, 3) { thread(fn() { loop { println(\"line\") } }) } loop { println(\"line\") } }\n";
    let folder = Folder::new(&[("p.hr", text)]);
    for stalled in [false, true] {
        let mut child = folder.harrier(&["p.hr"]).spawn().expect("harrier");
        let out = (!stalled).then(|| drain(child.stdout.take()));
        let kept = child.stdout.take();
        pause(300);
        send(&child, libc::SIGTERM);
        assert_eq!(finish(child).status.signal(), Some(libc::SIGTERM));
        drop(kept);
        if let Some(out) = out {
            let text = out.join().expect("stdout");
            assert!(text.lines().all(|line| line == "line"), "lines are mixed");
        }
    }
}

#[test]
fn a_signal_that_was_ignored_stays_so() {
    let folder = Folder::new(&[("p.hr", "fn main() { eprintln(1) sleep(600) println(\"done\") }\n")]);
    let mut command = folder.harrier(&["p.hr"]);
    // SAFETY: only system calls between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            libc::signal(libc::SIGINT, libc::SIG_IGN);
            Ok(())
        });
    }
    let mut child = command.spawn().expect("harrier");
    child.stderr.as_mut().expect("stderr").read_exact(&mut [0]).expect("it runs");
    send(&child, libc::SIGHUP);
    send(&child, libc::SIGINT);
    let outcome = finish(child);
    assert_eq!((outcome.status.code(), outcome.out.as_str()), (Some(0), "done\n"), "{}", outcome.err);
}

/// A fifo, both ends of which are open, so that nobody waits for the other end, and nobody reads.
fn held_fifo(folder: &Folder, name: &str) -> File {
    let path = folder.fifo(name);
    File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path).expect("a fifo")
}

#[test]
fn closing_and_ending_do_not_wait_for_who_waits_in_a_stream() {
    let writes = "use io\nfn main() {\n    let w = unwrap(io/open(\"pipe\", :write))\n    \
                  let t = thread(fn() { loop { io/write(w, repeat-string(\"y\", 100000)) } })\n    sleep(300)\n    ACT\n}\n";
    let reads = "use io\nfn main() {\n    let r = unwrap(io/open(\"pipe\"))\n    \
                 let t = thread(fn() { io/read-line(r) })\n    sleep(300)\n    ACT\n}\n";
    let prints = "fn main() {\n    for _ in [1, 2] { thread(fn() { loop { println(repeat-string(\"y\", 100000)) } }) }\n    sleep(300)\n    ACT\n}\n";
    let asks = "fn main() {\n    thread(fn() { read-line() })\n    sleep(300)\n    ACT\n}\n";
    let closes = "io/close(w) eprintln(:closed) exit(3)";
    let ends = "io/close(r) println(match join(t) { Result.Err { error } => error.message, x => x }) exit(3)";
    let cases = [
        (writes, "exit(3)", ""),
        (writes, closes, ""),
        (reads, "exit(3)", ""),
        (reads, ends, "read-line: file \"pipe\": the stream is closed\n"),
        (prints, "exit(3)", "?"),
        (prints, "sleep(10) join(thread(fn() { sleep(10) })) exit(3)", "?"),
        (asks, "exit(3)", ""),
    ];
    for (text, act, expected) in cases {
        let folder = Folder::new(&[("p.hr", &text.replace("ACT", act))]);
        let _held = held_fifo(&folder, "pipe");
        let mut command = folder.harrier(&["p.hr"]);
        let mut command = if text == asks {
            command.stdin(Stdio::piped());
            command
        } else {
            command
        };
        if expected == "?" {
            command.stdout(held_fifo(&folder, "stalled"));
        }
        let started = Instant::now();
        let mut child = command.spawn().expect("harrier");
        let _stdin = child.stdin.take();
        let outcome = finish(child);
        assert_eq!(outcome.status.code(), Some(3), "{text} {act}: {}", outcome.err);
        assert!(started.elapsed() < common::patient(Duration::from_secs(30)), "{text} {act}");
        assert!(expected == "?" || outcome.out == expected, "{text} {act}: {}", outcome.out);
    }
}

#[test]
fn what_goes_to_a_stream_goes_out_before_the_end() {
    let text = "use io\nfn main() {\n    let line = repeat-string(\"x\", 1000) ++ \"\\n\"\n    \
                for i in range(0, 200000) { io/write(out, line) }\n    \
                eprintln(unwrap(io/read-file(\"/proc/self/status\")))\n}\n";
    let folder = Folder::new(&[("p.hr", text)]);
    let output = folder.harrier(&["p.hr"]).stdout(Stdio::null()).output().expect("harrier");
    let status = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{status}");
    // Not what `wait4` says, which counts what the process was before it became the program: this one, with all its tests.
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    assert!(common::is_emulated() || peak.is_some_and(|peak| peak < 100_000), "{peak:?} KB\n{status}");
}

#[test]
fn two_streams_and_files_that_nobody_closed() {
    let text = "use io\nfn main() {\n    let a = unwrap(io/open(\"out\", :append))\n    let b = unwrap(io/open(\"out\", :append))\n    \
                io/write(a, \"a\\n\") io/flush(a) io/write(b, \"b\\n\") io/flush(b) io/write(a, \"c\\n\")\n    \
                fn lost() { io/write(unwrap(io/open(\"lost\", :write)), \"kept\") null }\n    lost() gc() gc()\n    \
                let r = unwrap(io/open(\"lost\"))\n    println(io/read-all(r))\n}\n";
    let folder = Folder::new(&[("p.hr", text)]);
    let outcome = run(folder.harrier(&["p.hr"]));
    assert_eq!(
        (outcome.status.code(), outcome.out.as_str()),
        (Some(0), "Result.Ok { value: \"kept\" }\n"),
        "{}",
        outcome.err
    );
    assert_eq!(std::fs::read_to_string(folder.0.join("out")).expect("the file"), "a\nb\nc\n");
}

#[test]
fn a_closed_pipe_is_no_reason_to_hide_an_error() {
    let folder =
        Folder::new(&[("p.hr", "fn main() { println(1) 1 / 0 }\n"), ("q.hr", "fn main() { println(1) exit(3) }\n")]);
    for (file, status) in [("p.hr", 1), ("q.hr", 3)] {
        let mut command = folder.harrier(&[file]);
        let mut ends = [0; 2];
        // SAFETY: two new descriptors; one of them is closed.
        let end = unsafe {
            assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
            libc::close(ends[0]);
            OwnedFd::from_raw_fd(ends[1])
        };
        command.stdout(end);
        let outcome = run(command);
        assert_eq!(outcome.status.code(), Some(status), "{}", outcome.err);
        assert_eq!(outcome.err.contains("DivisionByZero"), file == "p.hr", "{}", outcome.err);
    }
}

// ---- files and limits ----

#[test]
fn a_main_file_may_have_any_name() {
    let names: [&[u8]; 9] = [
        b"01-hello.hr",
        b"my file.hr",
        b"my.script.hr",
        b"2024.hr",
        b"caf\xe9.hr",
        b"run-me",
        b".hr",
        b"-x.hr",
        b"a-.hr",
    ];
    let text = "fn main() { println(\"ran\", eval(\"twice(21)\")) }\nfn twice(x) { x * 2 }\n";
    for name in names {
        let folder = Folder::new(&[]);
        let path = folder.0.join(OsStr::from_bytes(name));
        std::fs::write(&path, text).expect("a file");
        let outcome = run(folder.harrier(&[&path]));
        assert_eq!(outcome.out, "ran 42\n", "{}: {}", path.display(), outcome.err);
    }
    // One of the library: the library stays as it is.
    let folder = Folder::new(&[(
        "seq.hr",
        "use seq\nfn zip-with(f) { 1 }\nprintln(reflect-name())\nfn reflect-name() { :fine }\n",
    )]);
    let outcome = run(folder.harrier(&["seq.hr"]));
    assert_eq!(outcome.out, ":fine\n", "{}", outcome.err);
    // Not the one that is used, and not one that says what it is.
    let folder = Folder::new(&[("1.hr", "namespace one\nprintln(1)\n"), ("2.hr", "use a/3x\n")]);
    assert_eq!(run(folder.harrier(&["1.hr"])).out, "1\n");
    // What another process writes, and standard input.
    let folder = Folder::new(&[("p", text)]);
    let shell = |line: &str| {
        let mut command = Command::new("bash");
        command.current_dir(&folder.0).arg("-c").arg(line).env("HARRIER", common::harrier());
        run({
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command
        })
    };
    for line in [
        "\"$HARRIER\" <(cat p)",
        "\"$HARRIER\" /dev/stdin < p",
        "cat p | \"$HARRIER\" /dev/stdin",
        "\"$HARRIER\" - < p",
    ] {
        let outcome = shell(line);
        assert_eq!(outcome.out, "ran 42\n", "{line}: {}", outcome.err);
    }
}

#[test]
fn programs_run_where_addresses_are_limited() {
    if common::is_emulated() {
        return;
    }
    let bomb = "fn main() { let mut v = [] println(try { loop { v = push(v, [v, 1.5]) } } catch (SystemError.OutOfMemory { }) { :m }) }";
    let threads = "fn main() { println(sum(map(join, map(fn(i) { thread(fn() { i }) }, range(0, 8))))) }";
    let deep = "fn f(n) { if n == 0 { 0 } else { 1 + f(n - 1) } } fn main() { println(f(10000)) }";
    let folder = Folder::new(&[("bomb.hr", bomb), ("threads.hr", threads), ("deep.hr", deep)]);
    for megabytes in [8000, 2000, 600] {
        for (file, out) in [("bomb.hr", ":m\n"), ("threads.hr", "28\n"), ("deep.hr", "10000\n")] {
            let outcome = run(limited(folder.harrier(&[file]), libc::RLIMIT_AS, megabytes << 20));
            assert_eq!(outcome.out, out, "{megabytes} MB, {file}: {} {}", outcome.status, outcome.err);
        }
    }
}

#[test]
fn threads_that_the_system_refuses_are_errors() {
    if common::is_emulated() {
        return;
    }
    let text = "fn main() {\n    let made = try { map(fn(i) { thread(fn() { sleep(30000) }) }, range(0, 40000)) } catch (e) { e }\n    \
                println(type-of(made), match made { SystemError.ThreadError { } => true, _ => false })\n    \
                fn fresh(x) { [x, x] }\n    println(count(map(fresh, range(0, 100000))))\n    exit(0)\n}\n";
    let folder = Folder::new(&[("p.hr", text)]);
    for limit in [None, Some(1000 << 20)] {
        let command = folder.harrier(&["p.hr"]);
        let command = match limit {
            Some(bytes) => limited(command, libc::RLIMIT_AS, bytes),
            None => command,
        };
        let outcome = run(command);
        assert_eq!(outcome.status.code(), Some(0), "{} {}", outcome.status, outcome.err);
        assert_eq!(outcome.out, "SystemError true\n100000\n", "{}", outcome.err);
    }
}

#[test]
fn memory_that_the_system_refuses_is_an_error() {
    if common::is_emulated() {
        return;
    }
    let text = "use io\nfn main() {\n    println(try { count(vec(range(0, 100000000))) } catch (SystemError.OutOfMemory { }) { :m })\n    \
                println(try { io/read-line(unwrap(io/open(\"/dev/zero\"))) } catch (SystemError.OutOfMemory { }) { :refused })\n}\n";
    // What Rust keeps for the program: handles, open pairs, keywords (their tables and texts), digits.
    let rust = "fn kind(f) { try { f() :made } catch (SystemError.OutOfMemory { }) { :m } }\nfn many(...xs) { count(xs) }\nfn main() {\n    \
                println(kind(fn() { apply(many, range(0, 30000000)) }))\n    \
                let x = [1]\n    let y = [1]\n    let a = vec(repeat(x, 3000000))\n    let b = vec(repeat(y, 3000000))\n    println(kind(fn() { a == b }))\n    \
                println(kind(fn() { format-number(1 << 240000000, { :base 2 :group \",\" }) }))\n    \
                let long = repeat-string(\"a\", 1000000)\n    \
                println(kind(fn() { for i in range(0, 1000) { string->keyword(long ++ to-string(i)) } }))\n}\n";
    let folder = Folder::new(&[("p.hr", text), ("rust.hr", rust)]);
    let outcome = run(limited(folder.harrier(&["p.hr"]), libc::RLIMIT_DATA, 400 << 20));
    assert_eq!(outcome.out, ":m\n:refused\n", "{} {}", outcome.status, outcome.err);
    let outcome = run(limited(folder.harrier(&["rust.hr"]), libc::RLIMIT_DATA, 400 << 20));
    assert_eq!(outcome.out, ":m\n:m\n:m\n:m\n", "{} {}", outcome.status, outcome.err);
}

// ---- errors and keys ----

#[test]
fn an_error_through_join_shows_where_it_happened() {
    let text = "fn fails() { 1 / 0 }\nfn main() {\n    let t = thread(fn() { 1 + fails() })\n    join(t)\n}\n";
    let folder = Folder::new(&[("p.hr", text)]);
    let outcome = run(folder.harrier(&["p.hr"]));
    let at = |piece: &str| outcome.err.find(piece).unwrap_or_else(|| panic!("{piece} is not in {}", outcome.err));
    assert_eq!(outcome.status.code(), Some(1));
    assert!(outcome.err.contains("--> p.hr:1:14"), "{}", outcome.err);
    let places = ["p/fails (p.hr:1)", "(p.hr:3)", "joined by:", "p/main (p.hr:4)"].map(at);
    assert!(places.is_sorted(), "{}", outcome.err);
}

#[test]
fn the_interrupt_key_ends_a_wait_at_once() {
    let cases = [
        "fn main() { eprintln(1) read-line() }",
        "use io\nfn main() { eprintln(1) io/read-all() }",
        "use io\nfn main() { eprintln(1) io/open(\"fifo\") }",
        "use io\nfn main() { eprintln(1) io/open(\"fifo\", :write) }",
        "fn main() { eprintln(1) replace(repeat-string(\"a\", 1000000000), \"a\", \"bb\") }",
        "fn main() { let t = thread(fn() { loop { } }) eprintln(1) }",
    ];
    for text in cases {
        let folder = Folder::new(&[("p.hr", text)]);
        folder.fifo("fifo");
        let mut command = folder.harrier(&["p.hr"]);
        command.stdin(Stdio::piped());
        let mut child = command.spawn().expect("harrier");
        let _stdin = child.stdin.take();
        child.stderr.as_mut().expect("stderr").read_exact(&mut [0]).expect("it runs");
        pause(100);
        send(&child, libc::SIGINT);
        assert_eq!(finish(child).status.code(), Some(130), "{text}");
    }
    // Where the program itself is awaited.
    let folder = Folder::new(&[]);
    folder.fifo("fifo");
    for argument in ["fifo", "-"] {
        let mut command = folder.harrier(&[argument]);
        command.stdin(Stdio::piped());
        let mut child = command.spawn().expect("harrier");
        let _stdin = child.stdin.take();
        pause(500);
        send(&child, libc::SIGINT);
        assert_eq!(finish(child).status.code(), Some(130), "{argument}");
    }
}

#[test]
fn a_session_survives_bytes_that_are_not_text() {
    let folder = Folder::new(&[]);
    let mut command = folder.harrier(&["repl"]);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().expect("harrier");
    child.stdin.take().expect("stdin").write_all(b"1 + 1\n\"\xff\"\n2 + 3\nread-line()\nnext\n").expect("lines");
    let outcome = finish(child);
    assert_eq!((outcome.status.code(), outcome.out.as_str()), (Some(1), "2\n5\n\"next\"\n"), "{}", outcome.err);
    assert!(outcome.err.contains("not UTF-8"), "{}", outcome.err);
}

/// The folders of `-I` are looked through by what is loaded, too, and what only defines functions is no fault there.
#[test]
fn a_session_loads_files_beside_its_folders() {
    let library = Folder::new(&[("tools.hr", "fn twice(x) { x * 2 }\n")]);
    let folder = Folder::new(&[("p.hr", "use tools\nfn four() { tools/twice(2) }\n")]);
    let tools = library.0.display();
    let mut command = folder.harrier(&["repl", "-I", &tools.to_string()]);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().expect("harrier");
    let lines = format!(":load p.hr\nfour()\n:load {tools}/tools.hr\ntwice(4)\n");
    child.stdin.take().expect("stdin").write_all(lines.as_bytes()).expect("lines");
    let outcome = finish(child);
    assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("p\n4\ntools\n8\n", ""));
}

// ---- surroundings ----

#[test]
fn odd_surroundings() {
    let folder = Folder::new(&[
        ("p.hr", "println(\"ran\")\n"),
        ("empty.hr", ""),
        ("crlf.hr", "\u{feff}fn main() {\r\n    println(\"ran\")\r\n}\r\n"),
        ("nul.hr", "println(\"a\0b\")\n"),
        ("t.hr", "test \"x\" { assert!(true) }\n"),
    ]);
    for (file, out) in [("p.hr", "ran\n"), ("empty.hr", ""), ("crlf.hr", "ran\n")] {
        let outcome = run(folder.harrier(&[file]));
        assert_eq!((outcome.status.code(), outcome.out.as_str()), (Some(0), out), "{file}: {}", outcome.err);
    }
    assert_eq!(run(folder.harrier(&["nul.hr"])).status.signal(), None);
    for missing in [".", "nowhere.hr", "p.hr/x", ""] {
        let outcome = run(folder.harrier(&[missing]));
        assert_eq!((outcome.status.code(), outcome.err.lines().count()), (Some(2), 1), "{missing}: {}", outcome.err);
    }
    // No folder for temporary files, and no home.
    for case in [&["p.hr"][..], &["test", "t.hr"], &["-e", "1"]] {
        let mut command = folder.harrier(case);
        command.env("TMPDIR", "/nowhere").env("HOME", "/nowhere");
        let outcome = run(command);
        assert_eq!(outcome.status.code(), Some(0), "{case:?}: {}{}", outcome.out, outcome.err);
    }
    // A folder that is no more.
    let gone = folder.0.join("gone");
    std::fs::create_dir(&gone).expect("a folder");
    let mut command = folder.harrier(&["-e", "1"]);
    command.current_dir(&gone);
    let path = CString::new(gone.as_os_str().as_bytes()).expect("a path");
    // SAFETY: only a system call between fork and exec; the path ends with a zero.
    unsafe {
        command.pre_exec(move || {
            libc::rmdir(path.as_ptr());
            Ok(())
        });
    }
    let outcome = run(command);
    assert_eq!((outcome.status.code(), outcome.out.as_str()), (Some(0), "1\n"), "{}", outcome.err);
}

#[test]
fn few_descriptors() {
    if common::is_emulated() {
        return;
    }
    let text = "use io\nfn main() {\n    let all = map(fn(i) { io/open(\"p.hr\") }, range(0, 100))\n    \
                println(match last(all) { Result.Err { error } => error.message, _ => \"open\" })\n}\n";
    let folder = Folder::new(&[("p.hr", text), ("t.hr", "test \"x\" { assert!(true) }\n")]);
    let outcome = run(limited(folder.harrier(&["p.hr"]), libc::RLIMIT_NOFILE, 20));
    assert!(outcome.out.contains("Too many open files"), "{}{}", outcome.out, outcome.err);
    for most in [4, 6, 8, 10] {
        let outcome = run(limited(folder.harrier(&["test", "-j4", "t.hr", "t.hr", "t.hr"]), libc::RLIMIT_NOFILE, most));
        assert!(matches!(outcome.status.code(), Some(0 | 1)), "{most}: {}{}", outcome.out, outcome.err);
    }
}

#[test]
fn a_program_comes_through_a_pipe_whatever_its_size() {
    let folder = Folder::new(&[]);
    let mut file = tempfile(&folder);
    for i in 0..40_000 {
        writeln!(file, "fn f{i}(x) {{ x + {i} }}").expect("a line");
    }
    writeln!(file, "fn main() {{ println(f39999(1)) }}").expect("a line");
    file.rewind().expect("the start");
    let mut command = folder.harrier(&["-"]);
    command.stdin(file);
    let outcome = run(command);
    assert_eq!(outcome.out, "40000\n", "{}", outcome.err);
    assert_eq!(outcome.status.code(), Some(0));
}

fn tempfile(folder: &Folder) -> File {
    let path = folder.0.join("text");
    let file = File::options().create_new(true).read(true).write(true).open(path).expect("a file");
    assert!(file.as_raw_fd() > 2);
    file
}

/// Files that the program has dropped without closing them are closed when no more can be opened: there are too few of them to
/// cause a collection by themselves.
#[test]
fn dropped_files_make_room_for_others() {
    if common::is_emulated() {
        return;
    }
    let folder = Folder::new(&[(
        "p.hr",
        "use io\nfn main() { for i in range(0, 60) { unwrap!(io/open(\"/dev/null\")) } println(\"all\") }\n",
    )]);
    for collector in ["--gc=generational", "--gc=compacting"] {
        let outcome = run(limited(folder.harrier(&[collector, "p.hr"]), libc::RLIMIT_NOFILE, 24));
        assert_eq!((outcome.status.code(), outcome.out.as_str()), (Some(0), "all\n"), "{}", outcome.err);
    }
}
