//! `harrier test`: finds test files, runs each in a process of its own, several at once, and adds up.
//!
//! Owns discovery, processes with their time limit, and the report. A file that crashes or hangs is one failure more and
//! disturbs nothing else.

use std::collections::{HashSet, VecDeque};
use std::ffi::OsString;
use std::fs::{DirEntry, File};
use std::io::{Read, Seek};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::snapshot::{self, Expectation};
use super::test_file::RESULTS;
use crate::locks::{Mutex, lock};
use crate::options::Options;
use crate::reader::diagnostics::visible;
use crate::runtime::fault::stop;
use crate::runtime::system::{console, descriptor};

/// Of the output of a failed file so many bytes are shown at its beginning and at its end.
const SHOWN_OUTPUT: usize = 2000;
/// So many bytes of the output of a process are kept.
const KEPT_OUTPUT: usize = 1 << 20;
/// So many bytes of its results are read.
const KEPT_RESULTS: u64 = 64 << 20;
/// A process whose time is over has so long to write its buffers.
const GRACE: Duration = Duration::from_secs(1);

/// A file to run.
struct TestFile {
    path: PathBuf,
    text: String,
    has_tests: bool,
    expectation: Option<Expectation>,
}

/// One result.
struct Outcome {
    name: String,
    ok: bool,
    message: String,
    ms: f64,
}

/// The results of one file.
#[derive(Default)]
struct FileOutcome {
    path: String,
    outcomes: Vec<Outcome>,
    signal: Option<i32>,
    timed_out: bool,
    output: String,
    /// Breakpoints that were passed: a call that was forgotten is told of when all is well, too.
    passed: Vec<String>,
    updated: bool,
}

/// Runs the tests below these paths (the present folder when there are none).
pub fn run(paths: &[PathBuf], options: &Options) -> u8 {
    let here = [PathBuf::from(".")];
    let mut search = Search::default();
    for path in if paths.is_empty() { &here[..] } else { paths } {
        if !path.exists() {
            console::write_error(&format!("harrier: there is no {}\n", path.display()));
            return super::MISUSE;
        }
        search.find(path);
    }
    let Search { files, mut unreadable, .. } = search;
    let looked = files.into_iter().filter_map(|path| look(path, options));
    let mut files: Vec<TestFile> = Vec::new();
    for result in looked {
        match result {
            Ok(file) => files.push(file),
            Err(outcome) => unreadable.push(outcome),
        }
    }
    unreadable.iter().for_each(show);
    let jobs = options.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()));
    let next = AtomicUsize::new(0);
    let results = Mutex::new(unreadable);
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(files.len()) {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut outcome = run_one(file, options);
                    let mut results = lock(&results);
                    // What several files use is told once.
                    outcome.passed.retain(|line| !results.iter().any(|before| before.passed.contains(line)));
                    show(&outcome);
                    results.push(outcome);
                }
            });
        }
    });
    let mut results = results.into_inner();
    results.sort_by(|a, b| a.path.cmp(&b.path));
    let all = || results.iter().flat_map(|f| &f.outcomes);
    let (passed, failed) = (all().filter(|o| o.ok).count(), all().filter(|o| !o.ok).count());
    console::print(&format!("{passed} passed, {failed} failed\n"));
    if let Some(path) = &options.json
        && let Err(error) = std::fs::write(path, format!("{:#}\n", to_json(&results, passed, failed)))
    {
        console::write_error(&format!("harrier: cannot write {}: {error}\n", path.display()));
        return super::FAILED;
    }
    if passed + failed == 0 {
        console::write_error("harrier: no tests found\n");
        return super::FAILED;
    }
    if failed == 0 { 0 } else { super::FAILED }
}

/// The looking for files.
#[derive(Default)]
struct Search {
    files: Vec<PathBuf>,
    unreadable: Vec<FileOutcome>,
    /// The files and folders that were looked at, by device and number: a link, or another path, may lead to one of them again.
    seen: HashSet<(u64, u64)>,
}

impl Search {
    /// Finds all `.hr` files below a path, in order.
    fn find(&mut self, path: &Path) {
        match std::fs::metadata(path) {
            Ok(data) if !self.seen.insert((data.dev(), data.ino())) => {}
            Ok(data) if !data.is_dir() => self.files.push(path.to_path_buf()),
            Ok(_) => match std::fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>) {
                Ok(entries) => self.look_through(entries),
                Err(error) => self.unreadable.push(unreadable(path, &error)),
            },
            Err(error) => self.unreadable.push(unreadable(path, &error)),
        }
    }

    fn look_through(&mut self, entries: Vec<DirEntry>) {
        let mut entries: Vec<PathBuf> = entries.into_iter().map(|e| e.path()).collect();
        // A folder is found under its own name, if it has one here, rather than by a link.
        entries.sort_by_cached_key(|path| (path.is_dir() && path.is_symlink(), path.clone()));
        for entry in entries {
            let name = entry.file_name().unwrap_or_default().as_bytes();
            if name.starts_with(b".") || name == b"target" {
                continue;
            }
            let is_program = name.ends_with(b".hr");
            match std::fs::metadata(&entry) {
                Ok(data) if data.is_dir() || data.is_file() && is_program => self.find(&entry),
                Err(error) if is_program => self.unreadable.push(unreadable(&entry, &error)),
                _ => {}
            }
        }
    }
}

/// The failure of a file or folder that cannot be read.
fn unreadable(path: &Path, error: &std::io::Error) -> FileOutcome {
    let mut outcome = FileOutcome { path: path.display().to_string(), ..FileOutcome::default() };
    outcome.fail("the file", format!("cannot read it: {}\n", descriptor::why(error)), 0.0);
    outcome
}

/// A file that has something to run.
fn look(path: PathBuf, options: &Options) -> Option<Result<TestFile, FileOutcome>> {
    let text = match std::fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => return Some(Err(unreadable(&path, &error))),
    };
    let tests: Vec<&str> = text.lines().filter_map(|l| l.trim_start().strip_prefix("test ")).collect();
    let has_tests = tests.iter().any(|t| t.trim_start().starts_with('"'));
    let mut expectation = snapshot::expectation(&text);
    if let Some(filter) = &options.filter {
        let by_path = path.to_string_lossy().contains(filter.as_str());
        if !by_path && !tests.iter().any(|t| t.contains(filter.as_str())) {
            return None;
        }
        expectation = expectation.filter(|_| by_path);
    }
    (has_tests || expectation.is_some()).then_some(Ok(TestFile { path, text, has_tests, expectation }))
}

/// How a process ended.
struct Ended {
    status: Option<i32>,
    signal: Option<i32>,
    timed_out: bool,
    stdout: Printed,
    stderr: Printed,
    ms: f64,
}

fn harrier(options: &Options) -> Command {
    // Under an emulator this program is nothing that the system can start: then the variable says what can.
    let program = std::env::var_os("HARRIER_BIN").map(PathBuf::from).or_else(|| std::env::current_exe().ok());
    let program = program.unwrap_or_else(|| PathBuf::from("harrier"));
    let mut command = Command::new(program);
    command.args(&options.handed_on).env(console::LINES, "1");
    for folder in &options.include {
        command.arg("-I").arg(folder);
    }
    command
}

/// Runs a process; `keep` bytes of what it prints are kept at least, and `results` is a file that it may write to.
fn execute(mut command: Command, limit: Duration, keep: usize, results: Option<&File>) -> std::io::Result<Ended> {
    let start = Instant::now();
    let (parent, results) = (std::process::id(), results.map(AsRawFd::as_raw_fd));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    // SAFETY: between fork and exec only system calls are made.
    unsafe {
        command.pre_exec(move || {
            // However the runner ends, its children do as well; if it has ended already, nobody would tell.
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            if libc::getppid() as u32 != parent {
                libc::_exit(1);
            }
            if let Some(results) = results {
                libc::fcntl(results, libc::F_SETFD, 0);
            }
            Ok(())
        });
    }
    let mut child = command.spawn()?;
    let stdout = reader(child.stdout.take(), keep);
    let stderr = reader(child.stderr.take(), KEPT_OUTPUT);
    let (status, timed_out) = wait(&mut child, start, limit)?;
    let ms = start.elapsed().as_secs_f64() * 1000.0;
    let gather = |r: JoinHandle<Printed>| r.join().unwrap_or_default();
    let (status, signal) = (status.code(), status.signal());
    Ok(Ended { status, signal, timed_out, stdout: gather(stdout), stderr: gather(stderr), ms })
}

/// What a process has printed: its beginning, and its end when that was too much to keep.
#[derive(Default)]
struct Printed {
    head: Vec<u8>,
    left_out: usize,
    tail: VecDeque<u8>,
}

impl Printed {
    fn add(&mut self, bytes: &[u8], keep: usize) {
        let (head, rest) = bytes.split_at(bytes.len().min(keep - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(SHOWN_OUTPUT);
        self.tail.drain(..surplus);
        self.left_out += surplus;
    }

    fn is_whole(&self) -> bool {
        self.left_out == 0 && self.tail.is_empty()
    }

    /// Its beginning and its end.
    fn shown(&self) -> String {
        let all: Vec<u8> = self.head.iter().chain(&self.tail).copied().collect();
        if self.left_out == 0 && all.len() <= 2 * SHOWN_OUTPUT {
            return String::from_utf8_lossy(&all).into_owned();
        }
        let left_out = self.left_out + all.len() - 2 * SHOWN_OUTPUT;
        let (head, tail) = (&all[..SHOWN_OUTPUT], &all[all.len() - SHOWN_OUTPUT..]);
        let [head, tail] = [head, tail].map(String::from_utf8_lossy);
        format!("{head}…\n… {left_out} more bytes …\n…{tail}")
    }
}

fn reader(stream: Option<impl Read + Send + 'static>, keep: usize) -> JoinHandle<Printed> {
    std::thread::spawn(move || {
        let mut printed = Printed::default();
        let mut buffer = vec![0; 64 << 10];
        if let Some(mut stream) = stream {
            // What could be read is shown.
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                printed.add(&buffer[..n], keep);
            }
        }
        printed
    })
}

/// Waits for the end of a process, which is asked to end when its time is over, so that it writes its buffers, and then made
/// to end.
fn wait(child: &mut Child, start: Instant, limit: Duration) -> std::io::Result<(ExitStatus, bool)> {
    let mut pause = Duration::from_micros(500);
    // SAFETY: the child leads a group of its own, and has not been waited for.
    let signal = |child: &Child, signal| unsafe { libc::kill(-(child.id() as i32), signal) };
    let mut asked = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, asked));
        }
        let over = start.elapsed();
        if over >= limit && !asked {
            signal(child, libc::SIGTERM);
            asked = true;
        }
        if over >= limit + GRACE {
            signal(child, libc::SIGKILL);
            return Ok((child.wait()?, true));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// A file without a name, for the results of a process.
fn results_file() -> std::io::Result<File> {
    // SAFETY: the name ends with a zero; the descriptor is new.
    unsafe {
        match libc::memfd_create(c"results".as_ptr(), libc::MFD_CLOEXEC) {
            -1 => Err(std::io::Error::last_os_error()),
            fd => Ok(File::from_raw_fd(fd)),
        }
    }
}

fn run_one(file: &TestFile, options: &Options) -> FileOutcome {
    let mut outcome = FileOutcome { path: file.path.display().to_string(), ..FileOutcome::default() };
    if file.has_tests {
        run_tests(file, options, &mut outcome);
    }
    if let Some(expectation) = &file.expectation {
        run_snapshot(file, expectation, options, &mut outcome);
    }
    outcome
}

fn run_tests(file: &TestFile, options: &Options, outcome: &mut FileOutcome) {
    let mut results = match results_file() {
        Ok(results) => results,
        Err(error) => return outcome.fail("the file", format!("cannot make a file for the results: {error}"), 0.0),
    };
    let mut argument = OsString::from("--test-file=");
    argument.push(&file.path);
    let mut command = harrier(options);
    command.arg(argument).env(RESULTS, results.as_raw_fd().to_string());
    if let Some(filter) = &options.filter {
        command.arg("--filter").arg(filter);
    }
    let ended = execute(command, options.limit, KEPT_OUTPUT, Some(&results));
    let mut log = Vec::new();
    // What could be read counts: without the end of it the file has failed.
    let _ = results.rewind().and_then(|()| results.take(KEPT_RESULTS).read_to_end(&mut log));
    let log = String::from_utf8_lossy(&log);
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => return outcome.fail("the file", format!("cannot start: {error}"), 0.0),
    };
    let Log { running, waiting, done } = outcome.read_log(&log);
    let any_failed = outcome.outcomes.iter().any(|o| !o.ok);
    outcome.note(&ended);
    if ended.signal.is_some() || ended.timed_out {
        let name = running.unwrap_or_else(|| "the file".into());
        outcome.fail(&name, how(&ended, options.limit), ended.ms);
    } else if !done {
        outcome.fail(running.as_deref().unwrap_or("the file"), how(&ended, options.limit), ended.ms);
    } else if ended.status != Some(0) && !any_failed {
        outcome.fail("the file", how(&ended, options.limit), ended.ms);
    }
    for name in waiting {
        outcome.fail(&name, "did not run\n".into(), 0.0);
    }
    if outcome.outcomes.iter().all(|o| o.ok) {
        outcome.output.clear();
    }
}

fn run_snapshot(file: &TestFile, expectation: &Expectation, options: &Options, outcome: &mut FileOutcome) {
    let mut command = harrier(options);
    command.arg("run").arg("--").arg(&file.path);
    let keep = KEPT_OUTPUT + expectation.stdout.as_ref().map_or(0, String::len);
    let ended = match execute(command, options.limit, keep, None) {
        Ok(ended) => ended,
        Err(error) => return outcome.fail("snapshot", format!("cannot start: {error}"), 0.0),
    };
    let stdout = String::from_utf8_lossy(&ended.stdout.head).into_owned();
    let stderr = String::from_utf8_lossy(&ended.stderr.head).into_owned();
    outcome.note_breakpoints(&ended);
    let mut why = String::new();
    if ended.signal.is_some() || ended.timed_out {
        why.push_str(&how(&ended, options.limit));
    } else if ended.status != Some(expectation.status) {
        let got = ended.status.unwrap_or(-1);
        why.push_str(&format!("exit status {got} instead of {}\n", expectation.status));
    }
    if let Some(expected) = &expectation.stdout
        && *expected != stdout
    {
        if options.update_snapshots && why.is_empty() && ended.stdout.is_whole() {
            match snapshot::with_snapshot(&file.text, expectation, &stdout) {
                Ok(text) => match std::fs::write(&file.path, text) {
                    Ok(()) => outcome.updated = true,
                    Err(error) => why.push_str(&format!("cannot write the snapshot: {error}\n")),
                },
                Err(reason) => why.push_str(&format!("a snapshot cannot hold what it prints: {reason}\n")),
            }
        } else {
            why.push_str("what it prints differs from the snapshot:\n");
            why.push_str(&snapshot::difference(expected, &stdout));
        }
    }
    for piece in expectation.stderr.iter().filter(|p| !stderr.contains(p.as_str())) {
        why.push_str(&format!("stderr lacks {piece:?}\n"));
    }
    let ok = why.is_empty();
    if !ok {
        outcome.signal = outcome.signal.or(ended.signal);
        outcome.timed_out |= ended.timed_out;
        outcome.output.push_str(&ended.stderr.shown());
    }
    outcome.outcomes.push(Outcome { name: "snapshot".into(), ok, message: why, ms: ended.ms });
}

/// What the process of a file has told, besides results.
#[derive(Default)]
struct Log {
    /// The test that has started and not ended.
    running: Option<String>,
    /// The tests that have not started.
    waiting: Vec<String>,
    /// All tests have ended.
    done: bool,
}

impl FileOutcome {
    /// Takes over the results in the lines that the process of a file has written.
    fn read_log(&mut self, text: &str) -> Log {
        let mut log = Log::default();
        for line in text.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok()) {
            let text = |key: &str| line[key].as_str().map(str::to_string);
            if let Some(names) = line["tests"].as_array() {
                log.waiting = names.iter().filter_map(|n| Some(n.as_str()?.to_string())).collect();
            } else if let Some(name) = text("start") {
                if let Some(at) = log.waiting.iter().position(|w| *w == name) {
                    log.waiting.remove(at);
                }
                log.running = Some(name);
            } else if let Some(name) = text("end") {
                log.running = None;
                let ms = line["ms"].as_f64().unwrap_or(0.0);
                let ok = line["ok"] == true;
                self.outcomes.push(Outcome { name, ok, message: text("message").unwrap_or_default(), ms });
            } else if line["done"] == true {
                log.done = true;
            }
        }
        log
    }

    fn fail(&mut self, name: &str, message: String, ms: f64) {
        self.outcomes.push(Outcome { name: name.into(), ok: false, message, ms });
    }

    fn note(&mut self, ended: &Ended) {
        self.signal = ended.signal.filter(|_| !ended.timed_out);
        self.timed_out = ended.timed_out;
        self.output = [ended.stdout.shown(), ended.stderr.shown()].concat();
        self.note_breakpoints(ended);
    }

    fn note_breakpoints(&mut self, ended: &Ended) {
        let said = String::from_utf8_lossy(&ended.stderr.head);
        for line in said.lines().filter(|line| line.starts_with(stop::PASSED)) {
            if !self.passed.iter().any(|known| known == line) {
                self.passed.push(line.to_string());
            }
        }
    }
}

fn how(ended: &Ended, limit: Duration) -> String {
    if ended.timed_out {
        return format!("did not end within {} s and was stopped\n", limit.as_secs_f64());
    }
    match ended.signal {
        Some(signal) => format!("crashed: killed by signal {signal} ({})\n", signal_name(signal)),
        None => format!("ended with exit status {}\n", ended.status.unwrap_or(-1)),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGTERM => "SIGTERM",
        libc::SIGINT => "SIGINT",
        _ => "unknown",
    }
}

fn show(file: &FileOutcome) {
    let failed: Vec<&Outcome> = file.outcomes.iter().filter(|o| !o.ok).collect();
    let mut text = String::new();
    if failed.is_empty() {
        let updated = if file.updated { " (snapshot updated)" } else { "" };
        text.push_str(&format!("ok   {} ({}){updated}\n", file.path, file.outcomes.len()));
        file.passed.iter().for_each(|line| text.push_str(&format!("     {line}\n")));
    }
    for outcome in failed {
        text.push_str(&format!("FAIL {}: {}\n", file.path, visible(&outcome.name)));
        for line in outcome.message.lines() {
            text.push_str(&format!("     {line}\n"));
        }
    }
    if !file.output.is_empty() {
        text.push_str("     output:\n");
        for line in file.output.lines() {
            text.push_str(&format!("     | {line}\n"));
        }
    }
    console::print(&text);
    console::flush_quietly();
}

fn to_json(files: &[FileOutcome], passed: usize, failed: usize) -> Value {
    let file = |f: &FileOutcome| {
        let tests: Vec<Value> = f
            .outcomes
            .iter()
            .map(|o| json!({ "name": o.name, "ok": o.ok, "message": o.message, "ms": o.ms }))
            .collect();
        json!({
            "path": f.path,
            "ok": f.outcomes.iter().all(|o| o.ok),
            "signal": f.signal,
            "timed-out": f.timed_out,
            "output": f.output,
            "tests": tests,
        })
    };
    json!({ "passed": passed, "failed": failed, "files": files.iter().map(file).collect::<Vec<_>>() })
}
