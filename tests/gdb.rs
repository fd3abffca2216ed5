//! gdb, the real one, with `tools/gdb/harrier.py`: breakpoints and steps by lines, stacks through generated code and Rust, values
//! as `repr` prints them, values that are broken, a process that is attached to, a core file.
//!
//! gdb cannot look into a program that runs under an emulator: with HARRIER_BIN these tests say so and do nothing.

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Is the program one that gdb can look into?
fn can_be_debugged(test: &str) -> bool {
    let can = std::env::var_os("HARRIER_BIN").is_none() && cfg!(target_arch = "x86_64");
    if !can {
        println!("{test} is left out: gdb cannot look into a program under an emulator");
    }
    can
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gdb")
}

/// What gdb prints (stdout and stderr) for these commands, with these arguments behind its own.
fn gdb(commands: &str, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/gdb/harrier.py");
    let settings =
        "set debuginfod enabled off\nset confirm off\nset pagination off\nset width 0\nset breakpoint pending on\n";
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let file = std::env::temp_dir().join(format!("harrier-{}-{number}.gdb", std::process::id()));
    std::fs::write(&file, format!("{settings}source {}\n{commands}\n", script.display()))
        .expect("a file can be written");
    let out = Command::new("timeout")
        .args(["-k", "1", "60", "gdb", "-q", "-nx", "-batch", "-x"])
        .arg(&file)
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .current_dir(folder())
        .stdin(Stdio::null())
        .output()
        .expect("gdb is installed");
    let _ = std::fs::remove_file(file);
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert_ne!(out.status.code(), Some(124), "gdb takes too long; so far:\n{text}");
    text
}

/// gdb with a program that it starts.
fn debug(commands: &str, program: &str) -> String {
    let harrier = common::harrier();
    gdb(commands, &["--args", &harrier.to_string_lossy(), "--gdb", program])
}

/// These texts occur one behind the other.
#[track_caller]
fn assert_in_order(text: &str, wanted: &[&str]) {
    let mut from = 0;
    for want in wanted {
        match text[from..].find(want) {
            Some(at) => from += at + want.len(),
            None => panic!("{want:?} is missing (in this order: {wanted:?}) in:\n{text}"),
        }
    }
}

#[test]
fn breakpoints_and_steps_by_lines() {
    if !can_be_debugged("breakpoints_and_steps_by_lines") {
        return;
    }
    // The second breakpoint is in a function that is not compiled yet.
    let commands = "break stacks.hr:30\nrun\necho [one]\\n\nnext\nnext\necho [two]\\n\nbreak stacks.hr:20\ncontinue\n\
        bt 1\nnext\nbt 1\nnext\nbt 1";
    let text = debug(commands, "stacks.hr");
    assert_in_order(
        &text,
        &[
            "hit Breakpoint 1",
            "stacks/main (",
            ") at stacks.hr:30",
            "[one]",
            "31\t  let lowest = order(points)",
            "32\t  let nested",
            "[two]",
            "hit Breakpoint 2",
            "stacks/write (",
            "#0  stacks/write (",
            ") at stacks.hr:20",
            "#0  stacks/write (",
            ") at stacks.hr:21",
            "#0  stacks/write (",
            ") at stacks.hr:22",
        ],
    );
}

#[test]
fn rust_calls_back() {
    if !can_be_debugged("rust_calls_back") {
        return;
    }
    let text = debug(
        "break stacks.hr:9\nbreak stacks.hr:6\nrun\ncontinue\nhr-bt\ncontinue\nbt\nhr-bt\np $hr($rsi)\n",
        "stacks.hr",
    );
    assert_in_order(
        &text,
        &[
            "hit Breakpoint 2",
            "stacks/(top level) (",
            "hit Breakpoint 1",
            "#0   stacks/less (",
            "stacks/order (",
            "at stacks.hr:14",
            "stacks/main (",
            "at stacks.hr:31",
            "hit Breakpoint 2",
            "#0  ",
            ") at stacks.hr:6",
            "harrier::stub::enter",
            "enter () at src/runtime/entry.rs",
            "harrier::stub::",
            "println",
            "stacks/main (",
            ") at stacks.hr:35",
            "harrier::stub::enter",
            "call_main",
            "clone",
            "#0   ",
            "frames of Rust)",
            "#1   stacks/main (",
            "Named { name: \"n\" }",
        ],
    );
}

#[test]
fn a_stub_and_a_helper_have_callers() {
    if !can_be_debugged("a_stub_and_a_helper_have_callers") {
        return;
    }
    let steps = "python\nfor i in range(5000):\n    gdb.execute('stepi', to_string=True)\n    \
        f = function_of(gdb.selected_frame())\n    if f and f.kind == 1: break\nend\n";
    let commands = format!(
        "break stacks.hr:20\nrun\necho [stub]\\n\n{steps}bt\necho [helper]\\n\ncatch syscall write\ncontinue\nbt\n"
    );
    let text = debug(&commands, "stacks.hr");
    assert_in_order(
        &text,
        &[
            "[stub]",
            "#0 ",
            "harrier::stub::",
            "stacks/write (",
            "stacks/down (",
            ") at stacks.hr:26",
            "stacks/down (",
            "stacks/main (",
            "clone",
            "[helper]",
            "syscall write",
            "harrier::stub::",
            "stacks/down (",
            "stacks/main (",
            "clone",
        ],
    );
}

#[test]
fn values_are_printed_as_repr_prints_them() {
    if !can_be_debugged("values_are_printed_as_repr_prints_them") {
        return;
    }
    let commands = "break values.hr:12\nrun\npython\nwhile gdb.selected_inferior().pid:\n    \
        f = function_of(gdb.selected_frame())\n    \
        if f.own_name == 'values/probe': print('SHOWN ' + show(int(gdb.parse_and_eval('$rsi'))))\n    \
        gdb.execute('continue', to_string=True)\nend\n";
    let text = debug(commands, "values.hr");
    let lines = |prefix: &str| -> Vec<&str> { text.lines().filter_map(|line| line.strip_prefix(prefix)).collect() };
    let (said, shown) = (lines("VALUE "), lines("SHOWN "));
    for (said, shown) in said.iter().zip(&shown) {
        assert_eq!(said, shown);
    }
    assert!(shown.len() > 70 && said.len() == shown.len(), "{} and {} of them in:\n{text}", said.len(), shown.len());
}

#[test]
fn broken_values_are_shown_as_such() {
    if !can_be_debugged("broken_values_are_shown_as_such") {
        return;
    }
    // The vector of points, taken apart in steps.
    let commands = "break stacks.hr:14\nrun\n\
        set $v = $rsi\np $hr($v)\nset $at = (unsigned long *)($v & ~7)\n\
        p $hr(1)\np $hr(0x41)\np $hr(0xfffffffffffffff9)\np $hr(0x7ffffffffffffff5)\np $hr(0xdeadbeefdead)\n\
        set $n = $at[1]\nset $at[1] = 0x7fffffff8\np $hr($v)\nset $at[1] = 5\np $hr($v)\nset $at[1] = $n\n\
        set $t = $at[4]\nset $at[4] = $v\np $hr($v)\n\
        set $tail = (unsigned long *)($t & ~7)\nset $at[4] = $t\nset $e = $tail[2]\nset $tail[2] = $v\np $hr($v)\nset $tail[2] = $e\n\
        set $h = $at[0]\nset $at[0] = 0xdeadbeef00000000\np $hr($v)\nset $at[0] = 0xfffffffffffffffe\np $hr($v)\n\
        set $at[0] = (unsigned long)$at | 1\np $hr($v)\n\
        set $at[0] = $t\np $hr($v)\nhr-header $v\nset $at[0] = $h\np $hr($v)\nhr-header $v\ncontinue\n";
    let text = debug(commands, "stacks.hr");
    assert_in_order(
        &text,
        &[
            "= [Point { x: 3, y: 1 }, Point { x: 1, y: 2 }]",
            "= <0x1: ",
            "= <0x41: ",
            "= <0xfffffffffffffff9: ",
            "= <0x7ffffffffffffff5: ",
            "= <0xdeadbeefdead: ",
            "slot 2 is 0x4 and not a NODE",
            "a count that is no Int",
            "slot 3 is a VECTOR and not a NODE",
            "= […, Point { x: 1, y: 2 }]",
            "no object: its header is 0xdeadbeef00000000",
            "no object: its header is 0xfffffffffffffffe",
            "a header that leads nowhere",
            "moved to 0x",
            "= [Point { x: 3, y: 1 }, Point { x: 1, y: 2 }]",
            "(VECTOR)",
            "exited normally",
        ],
    );
}

/// A program with busy threads, which is killed at the end.
struct Busy(Child);

impl Busy {
    fn start(flags: &[&str], folder: &Path) -> Busy {
        // Core files as large as they come.
        let start = "ulimit -c unlimited; exec \"$0\" \"$@\"";
        let mut child = Command::new("sh")
            .args(["-c", start])
            .arg(common::harrier())
            .args(flags)
            .arg("threads.hr")
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program can be started");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("stdout is piped"));
        out.read_line(&mut line).expect("it says that it is ready");
        assert_eq!(line, "ready\n");
        // So that each has got into its loop.
        std::thread::sleep(std::time::Duration::from_millis(500));
        Busy(child)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const LOOK: &str = "thread apply all -q -- hr-bt\nthread apply all -q -- bt\n";

/// Three threads spin; one allocates, and is in Rust now and then.
#[track_caller]
fn assert_all_threads(text: &str) {
    assert_eq!(text.matches("#0   threads/spin (").count(), 3, "{text}");
    assert_eq!(text.matches("threads/main (").count(), 2, "{text}");
    assert!(text.contains("threads/allocate ("), "{text}");
    assert_in_order(
        text,
        &["#1   threads/busy (", ") at threads.hr:15", "#2   threads/main (", "harrier::stub::enter", "clone"],
    );
    assert!(!text.contains("Python Exception") && !text.contains("corrupt stack"), "{text}");
}

#[test]
fn a_process_is_attached_to() {
    if !can_be_debugged("a_process_is_attached_to") {
        return;
    }
    let busy = Busy::start(&[], &folder());
    assert_all_threads(&gdb(LOOK, &["-p", &busy.0.id().to_string()]));
}

#[test]
fn a_core_file_is_read() {
    if !can_be_debugged("a_core_file_is_read") {
        return;
    }
    let here = std::env::temp_dir().join(format!("harrier-core-{}", std::process::id()));
    std::fs::create_dir_all(&here).expect("a folder");
    std::fs::copy(folder().join("threads.hr"), here.join("threads.hr")).expect("a copy");
    let mut busy = Busy::start(&["--max-heap=32m"], &here);
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").expect("a pattern");
    if pattern.contains(['|', '/']) {
        // The system takes core files somewhere else: gdb writes one.
        gdb(&format!("gcore {}\n", here.join("core").display()), &["-p", &busy.0.id().to_string()]);
    } else {
        // SAFETY: sends a signal to a child.
        unsafe { libc::kill(busy.0.id() as libc::pid_t, libc::SIGSEGV) };
        let _ = busy.0.wait();
    }
    drop(busy);
    let core = std::fs::read_dir(&here).expect("the folder").map(|entry| entry.expect("an entry").path());
    let core = core.into_iter().find(|path| path.to_string_lossy().contains("/core")).expect("a core file");
    let text = gdb(LOOK, &[&common::harrier().to_string_lossy(), &core.to_string_lossy()]);
    let _ = std::fs::remove_dir_all(here);
    assert_all_threads(&text);
}

/// While a thread collects, headers lead to new places, and the world has stopped.
#[test]
fn values_are_shown_in_the_midst_of_collections() {
    if !can_be_debugged("values_are_shown_in_the_midst_of_collections") {
        return;
    }
    let busy = Busy::start(&["--gc-always=strict"], &folder());
    let commands = "python\nimport time\nfor i in range(5):\n    \
        gdb.execute('thread apply all -q -- hr-bt', to_string=False)\n    gdb.execute('detach')\n    time.sleep(0.05)\n    \
        gdb.execute('attach %d' % PID)\nend\n";
    let id = busy.0.id();
    let text = gdb(&commands.replace("PID", &id.to_string()), &["-p", &id.to_string()]);
    assert!(text.matches("threads/busy (").count() >= 5, "{text}");
    assert!(!text.contains("Python Exception") && !text.contains("Traceback"), "{text}");
}
