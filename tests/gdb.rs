//! gdb, the real one, with `tools/gdb/harrier.py`: breakpoints and steps by lines, stacks through generated code and Rust, values
//! as `repr` prints them, values that are broken, a process that is attached to, a core file.
//!
//! A program for ARM64 under qemu is looked at by gdb-multiarch, to which qemu is a remote machine. Nobody can attach to such a
//! program, and it leaves no core file: what needs either says so and does nothing there.

mod common;
#[path = "gdb/heads.rs"]
mod heads;
#[path = "gdb/misuse.rs"]
mod misuse;
#[path = "gdb/stepping.rs"]
mod stepping;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Is the program a process of this machine, which can be attached to and leaves core files?
fn is_native(test: &str) -> bool {
    if common::is_emulated() {
        println!("{test} is left out: the program runs under an emulator");
    }
    !common::is_emulated()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gdb")
}

/// A name for a file that nobody else has.
fn temporary(ending: &str) -> PathBuf {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("harrier-{}-{number}.{ending}", std::process::id()))
}

/// What gdb prints (stdout and stderr) for these commands, with these arguments behind its own.
fn gdb(commands: &str, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/gdb/harrier.py");
    let settings =
        "set debuginfod enabled off\nset confirm off\nset pagination off\nset width 0\nset breakpoint pending on\n";
    let file = temporary("gdb");
    let gdb = if common::is_emulated() { "gdb-multiarch" } else { "gdb" };
    let limit = common::patient(Duration::from_secs(60)).as_secs().to_string();
    std::fs::write(&file, format!("{settings}source {}\n{commands}\n", script.display()))
        .expect("a file can be written");
    let out = Command::new("timeout")
        .args(["-k", "1", &limit, gdb, "-q", "-nx", "-batch", "-x"])
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
    if common::is_emulated() {
        return debug_emulated(commands, program);
    }
    let harrier = common::harrier();
    gdb(commands, &["--args", &harrier.to_string_lossy(), "--gdb", program])
}

/// The same with a program under qemu, which waits for gdb; what the program prints comes last.
fn debug_emulated(commands: &str, program: &str) -> String {
    let socket = temporary("socket");
    let mut child = Command::new(common::harrier())
        .args(["--gdb", program])
        .env("QEMU_GDB", &socket)
        .current_dir(folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let begun = Instant::now();
    while !socket.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "qemu does not wait for gdb");
        std::thread::sleep(Duration::from_millis(10));
    }
    // The script has become qemu, whose arguments say where the program and its libraries are.
    let line = std::fs::read(format!("/proc/{}/cmdline", child.id())).expect("the arguments of qemu");
    let arguments: Vec<String> = line.split(|b| *b == 0).map(|arg| String::from_utf8_lossy(arg).into()).collect();
    let is_program = |path: &&String| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x7FELF"));
    let program = arguments.iter().skip(1).find(is_program).expect("a program for qemu");
    let libraries = arguments.iter().skip_while(|arg| *arg != "-L").nth(1).expect("a folder of libraries");
    let connect = format!("set sysroot {libraries}\ntarget remote {}\ndefine run\ncontinue\nend\n", socket.display());
    // The registers of the first two arguments.
    let commands = commands.replace("$rsi", "$x1").replace("$rdx", "$x2");
    let text = gdb(&(connect + &commands), &[program]);
    let _ = child.kill();
    let printed = child.wait_with_output().expect("the program ends").stdout;
    let _ = std::fs::remove_file(socket);
    text + &String::from_utf8_lossy(&printed)
}

/// These texts occur one behind the other.
#[track_caller]
fn assert_in_order(text: &str, wanted: &[&str]) {
    let mut from = 0;
    // The C library for ARM64 has no names of its own functions.
    for want in wanted.iter().filter(|want| !common::is_emulated() || **want != "clone") {
        match text[from..].find(want) {
            Some(at) => from += at + want.len(),
            None => panic!("{want:?} is missing (in this order: {wanted:?}) in:\n{text}"),
        }
    }
}

#[test]
fn breakpoints_and_steps_by_lines() {
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
    // By the file, or by the path of the function where the program was built without the lines of Rust (.ci/run): gdb takes half of its time to
    // read them.
    let entry = "program/entry";
    let text = debug(
        "break stacks.hr:9\nbreak stacks.hr:6\nrun\ncontinue\nhr-bt\ncontinue\nbt\nhr-bt\np $hr($rsi)\n",
        "stacks.hr",
    )
    .replace("program::entry", entry);
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
            entry,
            "harrier::stub::",
            "println",
            "stacks/main (",
            ") at stacks.hr:35",
            "harrier::stub::enter",
            "call_main",
            "clone",
            "#0   ",
            "frames of Rust)",
            "stacks/main (",
            "Named { name: \"n\" }",
        ],
    );
}

/// `core.hr:613` becomes `core.hr:`.
fn without_lines_of_core(text: &str) -> String {
    let mut parts = text.split("core.hr:");
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |all, part| all + "core.hr:" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// The commands of the page, typed, give what stands there.
#[test]
fn a_session_goes_as_the_page_says() {
    if !is_native("a_session_goes_as_the_page_says") {
        return;
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/debugging.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let session = page.split("## A session").nth(1).and_then(|s| s.split("```").nth(1)).expect("a session");
    let lines: Vec<&str> = session.lines().skip(2).filter(|line| !line.is_empty()).collect();
    let commands: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("(gdb) ")).collect();
    // What gdb says of a file that is not there yet goes to stderr, which comes behind everything here.
    let printed = |line: &&&str| !line.starts_with("(gdb) ") && !line.starts_with("No source file");
    let wanted: Vec<&str> = lines.iter().filter(printed).copied().collect();
    assert!(commands.len() > 5 && wanted.len() > 8, "{commands:?} {wanted:?}");
    // In which line of the library something stands is not the page's business.
    let wanted: Vec<String> = wanted.into_iter().map(without_lines_of_core).collect();
    let got = without_lines_of_core(&debug(&commands.join("\n"), "stacks.hr"));
    assert_in_order(&got, &wanted.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_stub_and_a_helper_have_callers() {
    let steps = "python\nfor i in range(5000):\n    gdb.execute('stepi', to_string=True)\n    \
        f = function_of(gdb.selected_frame())\n    if f and f.kind == 1: break\nend\n";
    let commands = format!("break stacks.hr:20\nrun\necho [stub]\\n\n{steps}bt\n");
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
            "call_main",
            "clone",
        ],
    );
    // The emulator does not stop at system calls.
    if is_native("a_stub_and_a_helper_have_callers: the helper") {
        let text = debug("break stacks.hr:20\nrun\ncatch syscall write\ncontinue\nbt\n", "stacks.hr");
        assert_in_order(&text, &["syscall write", "harrier::stub::", "stacks/down (", "stacks/main (", "clone"]);
    }
}

#[test]
fn values_are_printed_as_repr_prints_them() {
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
    // Each in `hr-bt` and in `bt`; a thread may just wait for a collection, and be in Rust.
    assert_eq!(text.matches(" threads/spin (").count(), 6, "{text}");
    assert_eq!(text.matches("threads/main (").count(), 2, "{text}");
    assert!(text.contains("threads/allocate ("), "{text}");
    assert_in_order(
        text,
        &[" threads/busy (", ") at threads.hr:15", " threads/main (", "harrier::stub::enter", "clone"],
    );
    assert!(!text.contains("Python Exception") && !text.contains("corrupt stack"), "{text}");
}

#[test]
fn a_process_is_attached_to() {
    if !is_native("a_process_is_attached_to") {
        return;
    }
    let busy = Busy::start(&[], &folder());
    assert_all_threads(&gdb(LOOK, &["-p", &busy.0.id().to_string()]));
}

#[test]
fn a_core_file_is_read() {
    if !is_native("a_core_file_is_read") {
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
    if !is_native("values_are_shown_in_the_midst_of_collections") {
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

/// Where the variables of `area` are, line by line.
#[test]
fn variables_are_shown_while_they_are_kept() {
    let commands = "break variables.hr:9\nrun\nbt 2\ninfo args\nhr-locals\nnext\nnext\ninfo locals\nhr-locals\nnext\nnext\nnext\n\
        info locals\nhr-locals\nhr-bt\n";
    let text = debug(commands, "variables.hr");
    assert_in_order(
        &text,
        &[
            "variables/area (radius=2.0, name=\"disc\") at variables.hr:9",
            "#0  variables/area (radius=2.0, name=\"disc\") at variables.hr:9",
            "radius = 2.0\nname = \"disc\"\n",
            "radius = 2.0\nname = \"disc\"\nsquare = 4.0\n",
            "11\t  println(label)",
            "square = 4.0\nlabel = \"disc!\"\nparts = [2.0, 4.0]\ntotal = <optimized out>\n",
            "name = <no longer kept>\nsquare = 4.0\nlabel = \"disc!\"\nparts = [2.0, 4.0]\n",
            "14\t  println(answer)",
            "square = <optimized out>\nlabel = <optimized out>\nparts = [2.0, 4.0]\n",
            "square = <no longer kept>\nlabel = <no longer kept>\nparts = [2.0, 4.0]\n",
            "answer = 11.0",
            "#0   variables/area (radius = <no longer kept>, name = <no longer kept>) at variables.hr:14",
        ],
    );
}

#[test]
fn variables_of_callers_loops_and_closures_are_shown() {
    let commands = "break variables.hr:28\nbreak variables.hr:35\nbreak variables.hr:42\nrun\nhr-bt\nup\ninfo locals\nhr-locals\n\
        continue\ninfo locals\ncontinue\nhr-locals\ncontinue\nbt 1\ninfo args\np $hr(points)\n";
    let text = debug(commands, "variables.hr");
    assert_in_order(
        &text,
        &[
            "variables/mark (at=2) at variables.hr:28",
            "#0   variables/mark (at = 2) at variables.hr:28",
            "#1   variables/sum (n = ",
            "total = 1.25\ni = 2\n",
            "total = 1.25\ni = 2\n",
            "variables.hr:35",
            "count = 17\n",
            "variables.hr:35",
            "count = 24\n",
            "variables/order (points=[Point { x: 3, y: 1 }, Point { x: 1, y: 2 }], more=",
            "variables/order (points=[Point { x: 3, y: 1 }, Point { x: 1, y: 2 }], more=",
            "points = [Point { x: 3, y: 1 }, Point { x: 1, y: 2 }]\n",
            "= [Point { x: 3, y: 1 }, Point { x: 1, y: 2 }]\n",
        ],
    );
}

/// Each variable of the program holds numbers that no other one does: what is shown at any instruction is its own, and gdb
/// finds the same by the debug information.
#[test]
fn no_instruction_shows_a_variable_that_holds_something_else() {
    let look = "\
checked = lies = 0
for i in range(250):
    frame = gdb.selected_frame()
    if function_of(frame) is None:
        gdb.execute('continue', to_string=True)
        frame = gdb.selected_frame()
    for frame in (frame, frame.older()):
        function = function_of(frame)
        for variable, value in function and variables_of(frame, function) or []:
            if function.own_name == 'ranges/main' or function.own_name + variable.name == 'ranges/laterv9': continue
            text = text_of(value)
            own = ValuePrinter(frame.read_var(variable.name)).to_string()
            if own != text:
                print('OTHERWISE', function.name, hex(frame.pc() - function.start), variable.name, text, own)
            if value is None: continue
            checked += 1
            if not text.replace('.', '').isdigit() or int(float(text)) // 1000 != int(variable.name[1:]):
                lies += 1
                print('LIE', function.name, hex(frame.pc() - function.start), variable.name, text)
    gdb.execute('stepi', to_string=True)
print('CHECKED' if checked > 600 else 'TOO FEW', checked, 'LIES', lies)
";
    let text = debug(&format!("break ranges.hr:3\nignore 1 5\nrun\npython\n{look}end\n"), "ranges.hr");
    assert!(text.contains("CHECKED") && text.contains("LIES 0") && !text.contains("OTHERWISE"), "{text}");
}

/// Where a name is bound more than once, it stands for what it means in that line: the program says it beside.
#[test]
fn a_name_is_what_it_means_in_its_line() {
    let look = "\
while gdb.selected_inferior().pid:
    gdb.execute('up', to_string=True)
    shown = {name: ValuePrinter(gdb.parse_and_eval(name)).to_string() for name in 'xy'}
    print('SEEN x = {x}, y = {y}'.format(**shown))
    for line in reversed(gdb.execute('info locals', to_string=True).splitlines()):
        shown[line[:1]] = line[4:]
    print('SEEN x = {x}, y = {y}'.format(**shown))
    gdb.execute('continue', to_string=True)
";
    let text = debug(&format!("break shadows.hr:3\nrun\npython\n{look}end\n"), "shadows.hr");
    let lines = |prefix: &str| -> Vec<&str> { text.lines().filter_map(|line| line.strip_prefix(prefix)).collect() };
    let (said, seen) = (lines("SAID "), lines("SEEN "));
    assert_eq!(said.len(), 7, "{text}");
    // By the name, and as the first of that name among all that there is.
    let twice: Vec<&str> = said.iter().flat_map(|line| [*line, *line]).collect();
    assert_eq!(seen, twice, "{text}");
}

/// Without the option nothing is known of variables, and that is said.
#[test]
fn without_the_table_it_is_said() {
    if !is_native("without_the_table_it_is_said") {
        return;
    }
    let busy = Busy::start(&[], &folder());
    let commands = "thread apply all -q -- hr-bt\npython\nfor t in gdb.selected_inferior().threads():\n    t.switch()\n    \
        f = next((f for f, _ in frames() if (function_of(f) or f) is not f and function_of(f).kind == 0), None)\n    \
        if f: f.select(); gdb.execute('hr-locals')\nend\n";
    let text = gdb(commands, &["-p", &busy.0.id().to_string()]);
    assert!(text.contains("(no arguments are shown: the program was started without --gdb"), "{text}");
    assert!(text.contains("no variables are known here: the program was started without --gdb"), "{text}");
}

/// What the variable of a name is at each stop at these places of `twins.hr`, by the commands that set breakpoints.
fn stops(breakpoints: &str, name: &str) -> Vec<String> {
    let look = format!(
        "while gdb.selected_inferior().pid:\n    print('SEEN', text_of(variable_named('{name}')))\n    \
        gdb.execute('continue', to_string=True)\n"
    );
    let text = debug(&format!("{breakpoints}\nrun\npython\n{look}end\n"), "twins.hr");
    assert!(!text.contains("Python Exception") && !text.contains("Error in"), "{text}");
    text.lines().filter_map(|line| line.strip_prefix("SEEN ")).map(str::to_string).collect()
}

/// The second list has a Float, with which the loop goes on in its general version.
#[test]
fn a_line_is_met_in_each_version_of_a_function() {
    assert_eq!(stops("break twins.hr:15", "y"), ["2", "3", "4", "2", "3.5", "4"]);
}

/// In a condition the value of a variable is a number, also where there is no code yet when it is said.
#[test]
fn conditions_compare_values() {
    assert_eq!(stops("break twins.hr:4 if $hr(n) > 5", "n"), ["17"]);
    assert_eq!(stops("break twins.hr:5 if $hr(d) == 3", "n"), ["17"]);
    assert_eq!(stops("hr-break twins.hr:48 if $hr_is(who, \"bo\")", "who"), ["\"bo\""]);
    assert_eq!(stops("hr-break twins/is-prime? if $hr(n) != 17", "n"), ["3", "4"]);
    assert_eq!(stops("hr-break twins/first-of if $hr_is(\"the-list\", \"[7]\")", "the-list"), ["[7]"]);
    // What is not kept is neither more nor less than anything.
    assert_eq!(stops("break twins.hr:44 if $hr(k) < 1000 || $hr(k) >= 1000 || $hr(k) == 0", "n"), [""; 0]);
    assert_eq!(stops("break twins.hr:44 if $hr(k) != 0", "k"), ["<no longer kept>"]);
}

/// Behind the prologue, on the one line that there is, the arguments are where they are told to be.
#[test]
fn a_function_of_one_line_shows_its_arguments() {
    let text = debug("break twins.hr:20\nrun\nbt 1\ninfo args\nhr-locals\n", "twins.hr");
    let wanted = ["#0  twins/first-of (the-list=[7]) at twins.hr:20", "the-list = [7]", "the-list = [7]"];
    assert_in_order(&text, &wanted);
}

/// There is no code for the `let` of a constant, nor on empty lines: the breakpoint is on the next line that has some.
#[test]
fn a_breakpoint_on_a_line_without_code_is_on_the_next() {
    assert_eq!(stops("break twins.hr:3", "n"), ["3", "17", "4"]);
    assert_eq!(stops("break twins.hr:19", "the-list"), ["[7]"]);
    let text = debug("break twins.hr:3\nbreak twins.hr:51\nrun\ncontinue\n", "twins.hr");
    assert_in_order(&text, &["twins/main () at twins.hr:53", "twins/is-prime? (n=3) at twins.hr:4"]);
}

/// `twice` is written in place of its call in `around`, which has a variable of the same name.
#[test]
fn a_function_in_place_has_a_frame_with_its_arguments_and_no_variables_of_its_caller() {
    let commands = "break twins.hr:38\nrun\nbt 2\ninfo args\nhr-locals\nhr-bt 2\nup\nhr-locals\np n\nstep\n";
    let text = debug(commands, "twins.hr");
    assert_in_order(
        &text,
        &[
            "#0  twins/twice (n=103) at twins.hr:38",
            "#1  twins/around (k=<no longer kept>) at twins.hr:42",
            "n = 103\n",
            "n = 103\n",
            "#0   twins/twice (n = 103) in place at twins.hr:38",
            "#1   twins/around (k = <no longer kept>) at twins.hr:42",
            "n = 103\n",
            "= 103\n",
            "42\t  let m = twice(n)",
        ],
    );
}

/// Arguments of functions in place, also such as are constants, and what they bind.
#[test]
fn variables_of_functions_in_place_are_shown() {
    let commands = "break in-place.hr:6\nbreak in-place.hr:16\nbreak in-place.hr:22\nrun\nbt 3\nhr-locals\np $hr(v4)\nhr-bt 3\nup\n\
        info args\ncontinue\nhr-locals\np v7\ndelete 1\ncontinue\nbt 1\nhr-locals\n";
    let text = debug(commands, "in-place.hr");
    assert_in_order(
        &text,
        &[
            "#0  in-place/add-up (v1=1005, v2=2000) at in-place.hr:6",
            "#1  in-place/nested (v5=5005) at in-place.hr:10",
            "#2  in-place/around (v8=8005) at in-place.hr:26",
            "v1 = 1005\nv2 = 2000\nv3 = 3005\nv4 = 4005\n",
            "= 4005\n",
            "#0   in-place/add-up (v1 = 1005, v2 = 2000) in place at in-place.hr:6",
            "#1   in-place/nested (v5 = 5005) in place at in-place.hr:10",
            "#2   in-place/around (v8 = 8005) at in-place.hr:26",
            "v5 = 5005\n",
            "v6 = 6000.25\nv7 = 7000.75\n",
            "= 7000.75\n",
            "#0  in-place/larger (v8=<no longer kept>) at in-place.hr:22",
            "v8 (line 19) = <no longer kept>\nv8 (line 20) = 8006\nv10 = 10006\n",
        ],
    );
}

/// As of the variables of other functions: what is shown is what it is, at any instruction.
#[test]
fn no_instruction_shows_a_variable_in_place_that_holds_something_else() {
    let look = "\
checked = 0
for i in range(300):
    frame = gdb.selected_frame()
    if function_of(frame) is None:
        gdb.execute('continue', to_string=True)
        if not gdb.selected_inferior().pid: break
        frame = gdb.selected_frame()
    while frame is not None and function_of(frame) is not None:
        for variable, value in variables_of(frame, function_of(frame)) or []:
            if value is None or variable.name == 'answer': continue
            checked += in_place(frame)
            if int(float(text_of(value))) // 1000 != int(variable.name[1:]):
                print('LIE', frame.name(), hex(frame.pc()), variable.name, text_of(value))
        frame = frame.older()
    gdb.execute('stepi', to_string=True)
print('CHECKED' if checked > 150 else 'TOO FEW', checked)
";
    let text = debug(&format!("break in-place.hr:26\nbreak in-place.hr:30\nrun\npython\n{look}end\n"), "in-place.hr");
    assert!(text.contains("CHECKED") && !text.contains("LIE"), "{text}");
}

/// The numbers of `hr-bt` are those of `frame`.
#[test]
fn numbers_of_frames_are_those_of_gdb() {
    let look = "for line in gdb.execute('hr-bt', to_string=True).splitlines():\n    \
        if not line.startswith('#'): continue\n    \
        number, name = line[1:].split()[:2]\n    gdb.execute('frame ' + number, to_string=True)\n    \
        print('NUMBERED', function_of(gdb.selected_frame()).name == name, number, name)\n";
    let text = debug(
        &format!("break stacks.hr:9\nbreak stacks.hr:6\nrun\ncontinue\ncontinue\npython\n{look}end\n"),
        "stacks.hr",
    );
    assert!(text.contains("NUMBERED True") && text.contains("stacks/main"), "{text}");
    assert!(!text.contains("NUMBERED False"), "{text}");
    assert!(!text.contains("NUMBERED True 1 stacks/main"), "there are other frames between:\n{text}");
}

/// A text in a condition is one of C wherever the condition is read, and needs no memory of the program.
#[test]
fn conditions_with_texts_need_no_memory_of_the_program() {
    assert_eq!(stops("break twins.hr:20 if $hr_is(\"the-list\", \"[7]\")", "the-list"), ["[7]"]);
    assert_eq!(stops("break twins.hr:48 if $hr_is(who, \"bo\")", "who"), ["\"bo\""]);
    assert_eq!(stops("break twins.hr:5 if $hr(\"n\") == 17 && $hr(\"d\") == 2", "n"), ["17"]);
    let text = debug("break twins.hr:48 if $hr_is(who, \"bo\")\nrun\ninfo breakpoints\np $hr_when(7)\n", "twins.hr");
    let wanted = ["(the condition of breakpoint 1 is $hr_when(0): $hr_is(who, \"bo\"))", "stop only if $hr_when(0)"];
    assert_in_order(&text, &wanted);
    assert!(text.contains("there is no condition 7: write"), "{text}");
}

/// The interrupt key stops a program that is debugged, in the thread that runs it; the program does not notice, unless gdb is told to
/// hand it on.
#[test]
fn the_interrupt_key_stops_the_program() {
    if !is_native("the_interrupt_key_stops_the_program") {
        return;
    }
    let interrupt = "python import os, signal; os.kill(gdb.selected_inferior().pid, signal.SIGINT)\n";
    let look = format!("{interrupt}continue\nhr-bt\n{interrupt}continue\nhr-bt\nsignal SIGINT\n");
    let text = debug(&format!("break steps.hr:43\nrun\ndelete\n{look}"), "steps.hr");
    let once = ["received signal SIGINT", "#0   steps/spin (", ") at steps.hr:4", "steps/main ("];
    assert_in_order(&text, &[&once[..], &once[..], &["exited with code 0202"]].concat());
    // The same in a process that gdb has attached to, which goes on when gdb has left, and is interrupted as ever.
    let mut busy = Busy::start(&[], &folder());
    let pid = busy.0.id().to_string();
    let text = gdb(&format!("{interrupt}continue\nhr-bt\n{interrupt}continue\nhr-bt\n"), &["-p", &pid]);
    // The second may find the thread that waits for signals.
    assert_in_order(&text, &["received signal SIGINT", " threads/busy (", " threads/main (", "received signal SIGINT"]);
    // SAFETY: sends a signal to a child.
    unsafe { libc::kill(busy.0.id() as libc::pid_t, libc::SIGINT) };
    assert_eq!(busy.0.wait().expect("it ends").code(), Some(130));
}

/// A breakpoint that gdb will never find is told to be one.
#[test]
fn a_breakpoint_that_cannot_be_is_told() {
    if !is_native("a_breakpoint_that_cannot_be_is_told") {
        return;
    }
    let said = "the program was started without --gdb: gdb knows none of its functions and lines";
    for (options, told) in [(&[][..], 2), (&["--gdb"][..], 0)] {
        let busy = Busy::start(options, &folder());
        let commands = "break threads.hr:8\npython\ntry: gdb.execute('hr-break threads/spin')\nexcept gdb.error as problem: \
            print(problem)\nend\n";
        let text = gdb(commands, &["-p", &busy.0.id().to_string()]);
        assert_eq!(text.matches(said).count(), told, "{text}");
        assert_eq!(text.matches(" at 0x").count(), 2 - told, "{text}");
    }
}

/// A breakpoint on the stub that throws shows who does.
#[test]
fn whoever_throws_is_found() {
    let text = debug("hr-break harrier::stub::throw\nrun\nhr-bt\nup\ninfo args\n", "twins.hr");
    let wanted =
        ["harrier::stub::throw ()", "#1   twins/strict (n = 3) at twins.hr:23", "#2   twins/careful (", "n = 3"];
    assert_in_order(&text, &wanted);
}

/// What has no file is shown from the program's memory.
#[test]
fn texts_are_listed_as_the_program_has_them() {
    let commands = "break stacks.hr:9\nrun\nhr-list\nup\nhr-list\nframe function stacks/main\nhr-list\nhr-list 4\n";
    let text = debug(commands, "stacks.hr");
    assert_in_order(
        &text,
        &[
            "   4\tstruct Point { x, y }\n",
            "=> 9\t  let difference = a.x - b.x\n",
            "   13\t",
            "core/_first-pair! (",
            "=> ",
            "less(",
            "=> 31\t  let lowest = order(points)\n",
            "   4\tstruct Point { x, y }\n",
        ],
    );
}

/// A variable is watched while its function runs, wherever it is kept.
#[test]
fn a_variable_is_watched() {
    let commands = "tbreak twins.hr:14\nrun\nbt -full 1\nhr-watch total\ncontinue\ncontinue\nbt 1\ncontinue\ncontinue\nbt 1\nhr-watch total\n";
    let text = debug(commands, "twins.hr");
    assert_in_order(
        &text,
        &[
            "twins/sum-up (items=",
            "        total = 0\n        x = 1\n",
            "total = 0\n",
            "total = 2, was 0\n",
            "total = 5, was 2\n",
            "#0  twins/sum-up (",
            "total = 9, was 5\n",
            "(total was 9: twins/sum-up has ended)\n",
            "#0  ",
            "twins/main () at twins.hr:54",
        ],
    );
    assert!(text.contains("there is no variable total here: "), "{text}");
}
