//! What becomes of profiles and reports: which files are written and which are left alone, and that what cannot be written shows in
//! the exit status.

mod common;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::{Folder, run};

const LIMIT: Duration = Duration::from_secs(60);
/// Runs for a while, prints, and calls the runtime.
const WORK: &str = "fn main() { let mut t = 0 for i in range(0, 300000) { t = (t * 31 + i) % 1007 } println(t) }\n";

/// Runs the program with these streams.
fn with_streams(args: &[&str], stdout: Stdio, stderr: Stdio) -> Output {
    let child = Command::new(common::harrier()).args(args).stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn();
    child.expect("the program starts").wait_with_output().expect("it ends")
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("/dev/full").into()
}

/// A pipe of which only the end to write is left.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn make_pipe(path: &str) {
    let name = std::ffi::CString::new(path).expect("no zero in it");
    // SAFETY: the name ends with a zero.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0, "{path}");
}

#[test]
fn a_program_that_does_not_load_leaves_old_profiles_alone() {
    let folder = Folder::new(&[
        ("wrong.hr", "fn main( {\n"),
        ("unknown.hr", "fn main() { no-such-name }\n"),
        ("uses.hr", "use wrong\nfn main() { 1 }\n"),
        ("old.svg", "old"),
    ]);
    let [old, new] = ["old.svg", "new.folded"].map(|name| folder.path(name));
    let [wrong, unknown, uses, missing] = ["wrong.hr", "unknown.hr", "uses.hr", "missing.hr"].map(|n| folder.path(n));
    let cases: [(&[&str], i32); 7] = [
        (&["run", &wrong], 1),
        (&[&unknown], 1),
        (&[&uses], 1),
        (&[&missing], 2),
        (&["-e", "1 +"], 1),
        (&["--help"], 0),
        (&["--jitdump=/no-such-folder", "-e", "1"], 2),
    ];
    let options = [format!("--profile={old}"), format!("--profile-allocations={new}")];
    for (args, status) in cases {
        let all: Vec<&str> = options.iter().map(String::as_str).chain(args.iter().copied()).collect();
        let outcome = run(&all, "", LIMIT);
        assert_eq!(outcome.misbehaved(status), None, "{args:?}: {}", outcome.stderr);
        assert_eq!(folder.read("old.svg"), "old", "{args:?}");
        assert!(!Path::new(&new).exists(), "{args:?}");
        assert!(!outcome.stderr.contains("profile: "), "{args:?}: {}", outcome.stderr);
    }
    // One that has begun to run has a profile, however it ends.
    let outcome = run(&[&options[0], &options[1], "-e", "[1][5]"], "", LIMIT);
    assert_eq!(outcome.misbehaved(1), None, "{}", outcome.stderr);
    assert!(folder.read("old.svg").starts_with("<?xml") && Path::new(&new).exists());
}

#[test]
fn a_profile_that_cannot_be_written_is_a_failure() {
    let folder = Folder::new(&[("work.hr", WORK)]);
    let [program, out] = ["work.hr", "full.folded"].map(|name| folder.path(name));
    std::os::unix::fs::symlink("/dev/full", &out).expect("a link");
    for (end, status) in [(&["run", &program][..], 1), (&["-e", "exit(0)"], 1), (&["-e", "exit(7)"], 7)] {
        let option = format!("--profile={out}");
        let (command, file) = end.split_at(1);
        let args: Vec<&str> = match command[0] {
            "run" => [command, &[&option], file].concat(),
            _ => [&[option.as_str()], end].concat(),
        };
        let outcome = run(&args, "", LIMIT);
        assert_eq!(outcome.misbehaved(status), None, "{args:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("full.folded: No space left on device"), "{args:?}: {}", outcome.stderr);
    }
}

#[test]
fn reports_that_cannot_be_written_are_a_failure() {
    let folder = Folder::new(&[("work.hr", WORK)]);
    let program = folder.path("work.hr");
    for option in ["--profile", "--profile-allocations", "--stats", "--gc-stats", "--trace=compile"] {
        for lost in [full, unread] {
            let output = with_streams(&[option, &program], Stdio::piped(), lost());
            assert_eq!(output.status.code(), Some(1), "{option}, stderr");
            assert!(output.stdout.ends_with(b"\n"), "{option}");
        }
        let output = with_streams(&[option, &program], full(), Stdio::piped());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{option}, stdout: {stderr}");
        assert!(stderr.contains("cannot write to stdout: No space left on device"), "{option}: {stderr}");
        // A reader of stdout that has gone away is no failure, and the report is there.
        let output = with_streams(&[option, &program], unread(), Stdio::piped());
        assert_eq!(output.status.code(), Some(0), "{option}, a closed pipe");
        let word = option.trim_start_matches('-').split(['-', '=']).next().expect("a word").replace("trace", "compile");
        let word = if word == "gc" { "stats" } else { &word };
        assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("{word}: ")), "{option}");
    }
    for args in
        [&["--help"][..], &["--version"], &["--gdb-script"], &["--dump=asm", &program], &["--dump=tree", &program]]
    {
        assert_eq!(with_streams(args, full(), Stdio::null()).status.code(), Some(1), "{args:?}");
    }
}

/// A file that grows beyond its limit is like a full disk: the program goes on, and its status tells. (The limit is 4 KB: under
/// less the emulator ends by its own files.)
#[test]
fn a_dump_that_cannot_be_written_is_a_failure() {
    let folder = Folder::new(&[("work.hr", WORK)]);
    let limited = format!(
        "ulimit -f 8 && exec {:?} --jitdump={:?} {:?}",
        common::harrier(),
        folder.path(""),
        folder.path("work.hr")
    );
    let output = Command::new("sh").args(["-c", &limited]).output().expect("a shell");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(".dump: File too large: nothing more is written"), "{stderr}");
    assert!(output.stdout.ends_with(b"\n"));
}

#[test]
fn pipes_are_not_waited_for() {
    let folder = Folder::new(&[("work.hr", WORK)]);
    let [pipe, program] = ["pipe.svg", "work.hr"].map(|name| folder.path(name));
    make_pipe(&pipe);
    let option = format!("--profile={pipe}");
    let outcome = run(&[&option, &program], "", LIMIT);
    assert_eq!(outcome.misbehaved(2), None, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("pipe.svg: it is a pipe that nobody reads from"), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "");
    // With a reader all of it arrives, also what is more than a pipe holds.
    let mut reader = File::options().read(true).write(true).open(&pipe).expect("the pipe");
    let text = std::thread::scope(|scope| {
        let outcome = scope.spawn(|| run(&[&option, &program], "", LIMIT));
        let mut text = Vec::new();
        let mut buffer = [0; 512];
        while !text.ends_with(b"</svg>\n") && !text.ends_with(b"</svg>") {
            let n = reader.read(&mut buffer).expect("the pipe can be read");
            text.extend_from_slice(&buffer[..n]);
        }
        let outcome = outcome.join().expect("no panic");
        assert_eq!(outcome.misbehaved(0), None, "{}", outcome.stderr);
        text
    });
    assert!(text.starts_with(b"<?xml"));
}

#[test]
fn who_wants_two_profiles_names_two_files() {
    let folder = Folder::new(&[("work.hr", WORK)]);
    let [out, program] = ["out.json", "work.hr"].map(|name| folder.path(name));
    let same = folder.path("./out.json");
    let outcome = run(&[&format!("--profile={out}"), &format!("--profile-allocations={same}"), &program], "", LIMIT);
    assert_eq!(outcome.misbehaved(2), None, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("name another file") && !Path::new(&out).exists(), "{}", outcome.stderr);
    let other = folder.path("other.json");
    let outcome = run(&[&format!("--profile={out}"), &format!("--profile-allocations={other}"), &program], "", LIMIT);
    assert_eq!(outcome.misbehaved(0), None, "{}", outcome.stderr);
    for name in ["out.json", "other.json"] {
        assert!(serde_json::from_str::<serde_json::Value>(&folder.read(name)).is_ok(), "{name}");
    }
}

#[test]
fn the_environment_asks_for_a_dump_as_the_option_does() {
    let folder = Folder::new(&[("work.hr", WORK)]);
    let program = folder.path("work.hr");
    let by_variable = |folder: &str| {
        let mut command = Command::new(common::harrier());
        command.arg(&program).env("HARRIER_JITDUMP", folder).output().expect("the program starts")
    };
    let by_option = run(&["--jitdump=/no-such-folder", &program], "", LIMIT);
    let output = by_variable("/no-such-folder");
    assert_eq!((by_option.misbehaved(2), output.status.code()), (None, Some(2)));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(by_option.stderr.contains("/no-such-folder/jit-") && by_option.stderr.contains(": No such file"));
    assert!(stderr.starts_with("harrier: HARRIER_JITDUMP: /no-such-folder/jit-"), "{stderr}");
    assert!(output.stdout.is_empty() && by_option.stdout.is_empty());
    assert_eq!(by_variable("").status.code(), Some(0));
    assert_eq!(by_variable(&folder.path("")).status.code(), Some(0));
    let dumps = std::fs::read_dir(folder.path("")).expect("the folder");
    assert_eq!(
        dumps.filter(|e| e.as_ref().is_ok_and(|e| e.path().extension().is_some_and(|e| e == "dump"))).count(),
        1
    );
}

/// The tool that measures what each option costs (docs/profiling.md): that it runs and tells of each, not what it finds.
#[test]
fn the_cost_of_each_option_can_be_measured() {
    let folder = Folder::new(&[("work.hr", WORK)]);
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/overhead");
    let overhead = |options: &[&str]| {
        let mut command = Command::new("python3");
        command.arg(&tool).args(["-n", "1", "-b"]).arg(common::harrier()).args(options);
        command.args(["--programs", &folder.path("work.hr")]).output().expect("python3")
    };
    let other = common::harrier();
    let options = ["profile", "jitdump", "perf-map", "gdb", "stats", other.to_str().expect("a path")];
    let Output { status, stdout, stderr } = overhead(&options);
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let table = String::from_utf8_lossy(&stdout).into_owned();
    for option in options {
        let name = option.rsplit('/').next().unwrap_or(option);
        for row in ["work.hr", "geometric mean"] {
            let rows = table.lines().filter(|line| line.starts_with(name) && line.contains(row));
            assert_eq!(rows.filter(|line| line.matches('%').count() == 2).count(), 1, "{option}: {table}");
        }
    }
    assert_eq!(std::fs::read_dir(&folder.0).expect("the folder").count(), 1, "it cleans up");
    assert!(!overhead(&["no-such-option"]).status.success());
}
