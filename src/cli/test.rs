//! `harrier test`: finds test files, runs each in a process of its own, several at once, and adds up.
//!
//! Owns discovery, processes with their time limit, and the report. A file that crashes or hangs is one failure more and
//! disturbs nothing else.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::snapshot::{self, Expectation};
use super::test_file::RESULTS;
use crate::options::Options;
use crate::runtime::{console, lock};

/// Output of a failed file beyond this is cut.
const SHOWN_OUTPUT: usize = 4000;

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
    updated: bool,
}

/// Runs the tests below these paths (the present folder when there are none).
pub fn run(paths: &[PathBuf], options: &Options) -> u8 {
    let here = [PathBuf::from(".")];
    let mut files = Vec::new();
    for path in if paths.is_empty() { &here[..] } else { paths } {
        if !path.exists() {
            console::write_error(&format!("harrier: there is no {}\n", path.display()));
            return super::MISUSE;
        }
        find(path, &mut files);
    }
    let files: Vec<TestFile> = files.into_iter().filter_map(|f| look(f, options)).collect();
    let jobs = options.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()));
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(files.len()) {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = run_one(file, options);
                    let mut results = lock(&results);
                    show(&outcome);
                    results.push(outcome);
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_default();
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

/// All `.hr` files below a path, in order.
fn find(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_path_buf());
        return;
    }
    let Ok(entries) = std::fs::read_dir(path) else { return };
    let mut entries: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    entries.sort();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if entry.is_dir() {
            find(&entry, files);
        } else if name.ends_with(".hr") {
            files.push(entry);
        }
    }
}

/// A file that has something to run.
fn look(path: PathBuf, options: &Options) -> Option<TestFile> {
    let text = String::from_utf8_lossy(&std::fs::read(&path).ok()?).into_owned();
    let tests: Vec<&str> = text.lines().filter_map(|l| l.trim_start().strip_prefix("test ")).collect();
    let has_tests = tests.iter().any(|t| t.trim_start().starts_with('"'));
    let expectation = snapshot::expectation(&text);
    if let Some(filter) = &options.filter {
        let by_path = path.to_string_lossy().contains(filter.as_str());
        if !by_path && !tests.iter().any(|t| t.contains(filter.as_str())) {
            return None;
        }
        let expectation = expectation.filter(|_| by_path);
        return (has_tests || expectation.is_some()).then_some(TestFile { path, text, has_tests, expectation });
    }
    (has_tests || expectation.is_some()).then_some(TestFile { path, text, has_tests, expectation })
}

/// How a process ended.
struct Ended {
    status: Option<i32>,
    signal: Option<i32>,
    timed_out: bool,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    ms: f64,
}

fn harrier(options: &Options) -> Command {
    // Under an emulator this program is nothing that the system can start: then the variable says what can.
    let program = std::env::var_os("HARRIER_BIN").map(PathBuf::from).or_else(|| std::env::current_exe().ok());
    let program = program.unwrap_or_else(|| PathBuf::from("harrier"));
    let mut command = Command::new(program);
    command.args(&options.handed_on);
    for folder in &options.include {
        command.arg("-I").arg(folder);
    }
    command
}

fn execute(mut command: Command, limit: Duration) -> std::io::Result<Ended> {
    let start = Instant::now();
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn()?;
    let stdout = reader(child.stdout.take());
    let stderr = reader(child.stderr.take());
    let (status, timed_out) = wait(&mut child, start, limit)?;
    let ms = start.elapsed().as_secs_f64() * 1000.0;
    let gather = |r: std::thread::JoinHandle<Vec<u8>>| r.join().unwrap_or_default();
    let (status, signal) = (status.code(), status.signal());
    Ok(Ended { status, signal, timed_out, stdout: gather(stdout), stderr: gather(stderr), ms })
}

fn reader(stream: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // What could be read is shown.
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn wait(child: &mut Child, start: Instant, limit: Duration) -> std::io::Result<(std::process::ExitStatus, bool)> {
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, false));
        }
        if start.elapsed() >= limit {
            // SAFETY: the child leads a group of its own, and has not been waited for.
            unsafe { libc::kill(-(child.id() as i32), libc::SIGKILL) };
            return Ok((child.wait()?, true));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
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
    let results = std::env::temp_dir().join(format!("harrier-test-{}-{:p}", std::process::id(), file));
    if let Err(error) = std::fs::write(&results, "") {
        outcome.fail("the file", format!("cannot write {}: {error}", results.display()), 0.0);
        return;
    }
    let mut command = harrier(options);
    command.arg(format!("--test-file={}", file.path.display())).env(RESULTS, &results);
    if let Some(filter) = &options.filter {
        command.arg("--filter").arg(filter);
    }
    let ended = execute(command, options.limit);
    let log = std::fs::read_to_string(&results).unwrap_or_default();
    let _ = std::fs::remove_file(&results);
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
    command.arg("run").arg(&file.path);
    let ended = match execute(command, options.limit) {
        Ok(ended) => ended,
        Err(error) => return outcome.fail("snapshot", format!("cannot start: {error}"), 0.0),
    };
    let stdout = String::from_utf8_lossy(&ended.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
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
        if options.update_snapshots && why.is_empty() {
            match std::fs::write(&file.path, snapshot::with_snapshot(&file.text, expectation, &stdout)) {
                Ok(()) => outcome.updated = true,
                Err(error) => why.push_str(&format!("cannot write the snapshot: {error}\n")),
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
        outcome.output.push_str(&cut(&stderr));
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
        let both = [String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr)].concat();
        self.output = cut(&both);
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_OUTPUT) {
        Some((at, _)) => format!("{}…\n", &text[..at]),
        None => text.to_string(),
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
    }
    for outcome in failed {
        text.push_str(&format!("FAIL {}: {}\n", file.path, outcome.name));
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
