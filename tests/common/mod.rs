//! What the tests that run Harrier programs share: expectations written in the programs, a process of its own for each
//! program with a time limit, several at once, and a report that shows what was expected and what came.
#![allow(dead_code)] // Each test crate uses its part.

mod except;

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The program under test: `HARRIER_BIN`, or the one that was built with the test.
pub fn harrier() -> PathBuf {
    std::env::var_os("HARRIER_BIN").map_or_else(|| env!("CARGO_BIN_EXE_harrier").into(), PathBuf::from)
}

/// The number that an environment variable gives.
pub fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|s| s.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Does the program run under an emulator? Limits of addresses mean nothing to it there, and it needs more memory itself.
pub fn is_emulated() -> bool {
    number("HARRIER_TIME_FACTOR").is_some_and(|factor| factor > 1)
}

/// So many of something are one part of it, of which one is tried: under an emulator, where all of it takes hours. `HARRIER_ALL=1` tries
/// all (`tools/soak/arm64`).
pub fn one_in(parts: usize) -> usize {
    if is_emulated() && number("HARRIER_ALL") != Some(1) { parts } else { 1 }
}

/// Of what takes minutes one in so many is tried, also without an emulator: `.ci/run` asks for that (`HARRIER_SHARE`).
pub fn share() -> usize {
    number("HARRIER_SHARE").map_or(1, |share| share.max(1) as usize)
}

/// How many of so many generated programs are run: an eighth under an emulator, where each takes ten times as long. Who asks for
/// a number of them (`HARRIER_COUNT`, `HARRIER_SEED`) gets that.
pub fn generated(count: u64) -> u64 {
    count / one_in(8) as u64
}

/// Options for a trial of the generator: registers by chance, and its code verified (but for the emulator, which takes too long).
pub fn by_chance(seed: u64) -> Vec<String> {
    let verified = (!is_emulated()).then(|| "--jit-verify".to_string());
    [format!("--jit-random-regs={seed}")].into_iter().chain(verified).collect()
}

/// The same, for every other seed with one optimisation less.
pub fn trial(seed: u64) -> Vec<String> {
    use harrier::codegen::trials::OPTIMISATIONS;
    let off = OPTIMISATIONS.get(seed as usize % (2 * OPTIMISATIONS.len()));
    by_chance(seed).into_iter().chain(off.map(|(name, _)| format!("--opt-off={name}"))).collect()
}

/// A limit of time, which `HARRIER_TIME_FACTOR` makes longer where programs run under an emulator.
pub fn patient(limit: Duration) -> Duration {
    limit * number("HARRIER_TIME_FACTOR").unwrap_or(1) as u32
}

/// What a program is expected to do, read from the comments at its end (or anywhere, for the markers of one line):
///
/// ```text
/// // @snapshot        the `//` lines after it are exactly what it prints to stdout
/// // @error           each `//` line after it is a piece of text that must occur in stderr
/// // @stderr          the `//` lines after it are exactly what it prints to stderr, without the folders before the program's name
/// // @absent          each `//` line after it is a piece of text that must not occur in stderr
/// // @stdin           the `//` lines after it are what it reads
/// // @status N        the exit status; without it 1 when there is an @error, else 0
/// // @args A B        arguments of the program
/// // @flags A B       flags of Harrier that it needs
/// // @peak-mb N       the most memory it may take, in MB (plain, and not under an emulator: both take their own)
/// // @slow REASON     not run under the stress flags
/// // @timed           what it compares are times: not run under the stress flags, which blur them, and tried more than once
/// ```
///
/// Any other marker is an error of the test. A program with neither `@error` nor `@absent` must not print a warning.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Expectation {
    pub stdout: Option<String>,
    pub stderr: Vec<String>,
    pub whole_stderr: Option<String>,
    pub absent: Vec<String>,
    pub stdin: String,
    pub status: i32,
    pub args: Vec<String>,
    pub flags: Vec<String>,
    pub peak_mb: Option<u64>,
    pub slow: Option<String>,
    pub timed: bool,
}

impl Expectation {
    /// Reads the markers of a program; `None` when it says nothing about what it should print.
    pub fn of(text: &str) -> Option<Expectation> {
        #[derive(Clone, Copy, PartialEq)]
        enum Section {
            Snapshot,
            Error,
            Stderr,
            Absent,
            Stdin,
        }
        let mut found = Expectation::default();
        let mut status = None;
        let mut section = None;
        let mut any = false;
        for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
            let marker = line.strip_prefix("// @").unwrap_or("");
            let (word, rest) = marker.split_once(' ').unwrap_or((marker, ""));
            match word {
                "snapshot" | "error" | "stderr" | "absent" | "stdin" => {
                    section = Some(match word {
                        "snapshot" => {
                            found.stdout = Some(String::new());
                            Section::Snapshot
                        }
                        "error" => Section::Error,
                        "stderr" => {
                            found.whole_stderr = Some(String::new());
                            Section::Stderr
                        }
                        "absent" => Section::Absent,
                        _ => Section::Stdin,
                    });
                    any |= word != "stdin";
                    continue;
                }
                "status" => {
                    status = rest.trim().parse().ok();
                    any = true;
                    continue;
                }
                "args" => {
                    found.args = rest.split_whitespace().map(String::from).collect();
                    continue;
                }
                "flags" => {
                    found.flags = rest.split_whitespace().map(String::from).collect();
                    continue;
                }
                "peak-mb" => {
                    found.peak_mb = Some(rest.trim().parse().expect("@peak-mb is followed by a number"));
                    continue;
                }
                "slow" => {
                    found.slow = Some(rest.to_string());
                    continue;
                }
                "timed" => {
                    found.timed = true;
                    found.slow = Some("it compares times, which collections blur".into());
                    continue;
                }
                "" => {}
                unknown => panic!("no marker is called @{unknown}"),
            }
            let Some(body) = line.strip_prefix("//") else {
                section = None;
                continue;
            };
            let body = body.strip_prefix(' ').unwrap_or(body);
            match section {
                Some(Section::Snapshot) => {
                    let stdout = found.stdout.get_or_insert_default();
                    stdout.push_str(body);
                    stdout.push('\n');
                }
                Some(Section::Stderr) => {
                    let stderr = found.whole_stderr.get_or_insert_default();
                    stderr.push_str(body);
                    stderr.push('\n');
                }
                Some(Section::Error) if !body.is_empty() => found.stderr.push(body.to_string()),
                Some(Section::Absent) if !body.is_empty() => found.absent.push(body.to_string()),
                Some(Section::Stdin) => {
                    found.stdin.push_str(body);
                    found.stdin.push('\n');
                }
                _ => {}
            }
        }
        found.status = status.unwrap_or(i32::from(!found.stderr.is_empty()));
        any.then_some(found)
    }
}

/// What a process did.
#[derive(Debug)]
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    pub status: Option<ExitStatus>,
    pub took: Duration,
    /// The most memory that it had, in MB.
    pub peak_mb: u64,
    /// The processor time that it spent.
    pub cpu: Duration,
}

impl Outcome {
    /// The reason why the process did not end by itself with this status, if so.
    pub fn misbehaved(&self, expected: i32) -> Option<String> {
        let Some(status) = self.status else { return Some(format!("killed after {:.0?}", self.took)) };
        match status.code() {
            Some(code) if code == expected => None,
            Some(code) => Some(format!("exit status: expected {expected}, got {code}")),
            None => Some(format!("ended by a signal: {status}")),
        }
    }
}

/// Runs the program with these arguments; it is killed when the limit, which is for no emulator, is over.
pub fn run(args: &[&str], stdin: &str, limit: Duration) -> Outcome {
    run_in(Path::new("."), args, stdin, limit)
}

/// The same in a folder.
#[allow(clippy::zombie_processes)] // `ended` waits for it, by its number.
pub fn run_in(folder: &Path, args: &[&str], stdin: &str, limit: Duration) -> Outcome {
    let (started, limit) = (Instant::now(), patient(limit));
    // From another folder the program is not found by a path from here.
    let program = harrier().canonicalize().unwrap_or_else(|_| harrier());
    let mut child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("cannot run {}: {e}", harrier().display()));
    let mut input = child.stdin.take().expect("stdin is piped");
    let mut out = child.stdout.take().expect("stdout is piped");
    let mut err = child.stderr.take().expect("stderr is piped");
    std::thread::scope(|scope| {
        // A program need not read what it is given: a broken pipe is no failure.
        scope.spawn(move || drop(input.write_all(stdin.as_bytes())));
        let out = scope.spawn(move || read_lossy(&mut out));
        let err = scope.spawn(move || read_lossy(&mut err));
        let mut peak_mb = 0;
        let (status, cpu) = loop {
            peak_mb = high_water(&child).unwrap_or(peak_mb);
            match ended(&child, libc::WNOHANG) {
                Some((status, cpu)) => break (Some(status), cpu),
                None if started.elapsed() > limit => {
                    let _ = child.kill();
                    break (None, ended(&child, 0).map_or_else(Default::default, |(_, cpu)| cpu));
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let took = started.elapsed();
        let stdout = out.join().expect("the reader does not panic");
        let stderr = err.join().expect("the reader does not panic");
        Outcome { stdout, stderr, status, took, peak_mb, cpu }
    })
}

/// The most memory that a child has had, in MB. (What the system says of it when it has ended begins with the memory of who has
/// started it: a test that has run a thousand programs.)
fn high_water(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?;
    Some(kilobytes.parse::<u64>().ok()? / 1024)
}

/// How a child has ended, and its processor time; none when it lives. It is waited for here alone.
fn ended(child: &Child, options: libc::c_int) -> Option<(ExitStatus, Duration)> {
    let mut status = 0;
    // SAFETY: `rusage` is plain data, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: a child of ours that was not waited for; the rest is written to.
    let pid = unsafe { libc::wait4(child.id() as libc::pid_t, &mut status, options, &mut usage) };
    assert!(pid >= 0, "the child can be waited for");
    let time = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
    let cpu = time(usage.ru_utime) + time(usage.ru_stime);
    (pid > 0).then(|| (ExitStatus::from_raw(status), cpu))
}

fn read_lossy(from: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = from.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What compares times is tried so often: on a machine that has other work too, a time says something only now and then. What is
/// not as quick as it should be never passes.
const TRIES: usize = 12;

/// What a calm moment shows: the first result that is empty, or the last.
pub fn at_a_calm_moment(mut attempt: impl FnMut() -> Vec<String>) -> Vec<String> {
    let mut why = attempt();
    // How a program ends that was killed, or broke, is no matter of its time.
    let broke = |why: &[String]| why.iter().any(|line| line.starts_with("killed") || line.starts_with("ended by"));
    for _ in 1..TRIES {
        if why.is_empty() || broke(&why) {
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
        why = attempt();
    }
    why
}

/// Runs one program file under the given flags; the reasons why it failed, empty when it passed.
pub fn check(path: &Path, expected: &Expectation, flags: &[&str], limit: Duration) -> Vec<String> {
    if expected.timed {
        return at_a_calm_moment(|| check_once(path, expected, flags, limit));
    }
    check_once(path, expected, flags, limit)
}

fn check_once(path: &Path, expected: &Expectation, flags: &[&str], limit: Duration) -> Vec<String> {
    let file = path.to_string_lossy();
    let mut args = vec!["run"];
    args.extend(flags);
    // An option with a value is given once: the run's goes before the program's.
    let name = |flag: &str| flag.split('=').next().unwrap_or(flag).to_string();
    let is_given = |own: &&String| flags.iter().any(|flag| name(flag) == name(own));
    args.extend(expected.flags.iter().filter(|own| !is_given(own)).map(String::as_str));
    args.push(&file);
    args.extend(expected.args.iter().map(String::as_str));
    let got = run(&args, &expected.stdin, limit);
    let mut why: Vec<String> = got.misbehaved(expected.status).into_iter().collect();
    let measured = flags.is_empty() && !is_emulated();
    if let Some(most) = expected.peak_mb.filter(|most| measured && got.peak_mb > *most) {
        why.push(format!("took {} MB, at most {most} are allowed", got.peak_mb));
    }
    if measured && expected.peak_mb.is_some() && got.peak_mb == 0 {
        why.push("its memory was not seen".into());
    }
    if let Some(stdout) = &expected.stdout {
        why.extend(difference(stdout, &got.stdout));
    }
    if let Some(whole) = &expected.whole_stderr {
        let folder = format!("{}/", path.parent().unwrap_or(path).display());
        let stderr = got.stderr.replace(&folder, "");
        // Lines of an expectation do not end with spaces.
        let lines: Vec<&str> = stderr.trim_end().lines().map(str::trim_end).collect();
        why.extend(difference(whole.trim_end(), &lines.join("\n")).into_iter().map(|l| l.replace("stdout", "stderr")));
    }
    why.extend(expected.stderr.iter().filter(|p| !got.stderr.contains(*p)).map(|p| format!("stderr lacks {p:?}")));
    why.extend(expected.absent.iter().filter(|p| got.stderr.contains(*p)).map(|p| format!("stderr contains {p:?}")));
    if expected.stderr.is_empty()
        && expected.whole_stderr.is_none()
        && expected.absent.is_empty()
        && got.stderr.contains("warning")
    {
        why.push("a warning that nobody expects".into());
    }
    if !why.is_empty() && !got.stderr.trim().is_empty() {
        why.push("stderr:".into());
        why.extend(got.stderr.trim_end().lines().take(14).map(|line| format!("  {line}")));
    }
    why
}

/// Where two texts differ, as lines to print; empty when they are the same.
pub fn difference(expected: &str, got: &str) -> Vec<String> {
    if expected == got {
        return Vec::new();
    }
    let (want, have): (Vec<&str>, Vec<&str>) = (expected.split('\n').collect(), got.split('\n').collect());
    let same = want.iter().zip(&have).take_while(|(a, b)| a == b).count();
    let mut lines = vec![format!("stdout differs from line {} on", same + 1)];
    lines.extend(want[same..].iter().take(4).map(|line| format!("  expected |{line}")));
    lines.extend(have[same..].iter().take(4).map(|line| format!("  got      |{line}")));
    lines
}

/// The programs below a folder: files that end in `.hr`, and folders with a `main.hr`, which are one program each. In a
/// folder with a `harrier.toml` (a project) only the files `main.hr` are programs. Those that [`except::is_left_out`] names are not among them.
pub fn programs(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(root, false, &mut found);
    found.retain(|path| !except::is_left_out(path));
    found.sort();
    found
}

fn collect(folder: &Path, in_project: bool, found: &mut Vec<PathBuf>) {
    let main = folder.join("main.hr");
    if main.is_file() {
        found.push(main);
        return;
    }
    let in_project = in_project || folder.join("harrier.toml").is_file();
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, in_project, found);
        } else if !in_project && path.extension().is_some_and(|e| e == "hr") {
            found.push(path);
        }
    }
}

/// A folder of files for one test, which goes when the value goes.
pub struct Folder(pub PathBuf);

impl Folder {
    /// A folder with these files.
    pub fn new(files: &[(&str, &str)]) -> Folder {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("harrier-test-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder for temporary files");
        for (file, text) in files {
            std::fs::write(path.join(file), text).expect("a file in it");
        }
        Folder(path)
    }

    /// The path of a file in it.
    pub fn path(&self, file: &str) -> String {
        self.0.join(file).display().to_string()
    }

    /// The text of a file in it.
    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind is in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Does `task` for each of the jobs, as many at once as there are cores; gives the names and complaints of those that
/// failed, in the order of the jobs. With `HARRIER_FIRST=1` the first that fails ends it: who asks whether anything fails at all
/// (`tools/soak/mutations`) need not wait for the others.
pub fn in_parallel<J: Sync>(jobs: &[J], task: impl Fn(&J) -> Vec<String> + Sync) -> Vec<(usize, Vec<String>)> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    let first_only = number("HARRIER_FIRST") == Some(1);
    let workers = std::thread::available_parallelism().map_or(2, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    let why = task(job);
                    if !why.is_empty() {
                        failed.lock().expect("no task panics while it holds the lock").push((index, why));
                        if first_only {
                            next.store(jobs.len(), Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().expect("no task panics while it holds the lock");
    failed.sort();
    failed
}
