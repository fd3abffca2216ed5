//! What the system may refuse at any time: memory for objects, pages for code, a thread, a write. Each program of `tests/injected` is
//! run with each of them refused, the first time, the second, and so on up to where the program ends (`--inject-fault`), once and
//! from then on for good.
//!
//! It must end by itself, with what it prints otherwise but for the steps that say what they caught, or with an error that is told;
//! never by a signal, a panic or a bug of ours, and with nothing left behind (the program itself looks at its end). To be done in half a
//! minute, some times are left out where there are many; `HARRIER_ALL=1 cargo test --test faults_injected` goes through all.

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is asked for.
const KINDS: [&str; 4] = ["heap", "code", "thread", "write"];
/// So many times of each kind are tried in one program.
const TIMES: u64 = 8;

/// A run: the program, what it prints when nothing is refused, and what is refused.
struct Job<'a> {
    path: &'a Path,
    plain: &'a str,
    fault: String,
}

fn run(path: &Path, fault: &str) -> common::Outcome {
    common::run(&["run", &format!("--inject-fault={fault}"), &path.to_string_lossy()], "", Duration::from_secs(20))
}

/// How often the program asks for something of this kind.
fn asked(path: &Path, kind: &str) -> u64 {
    let outcome = run(path, &format!("{kind}:0"));
    let told = outcome.stderr.lines().find_map(|line| line.strip_prefix(&format!("harrier: asked for {kind} ")));
    let times = told.and_then(|rest| rest.strip_suffix(" times"));
    times.unwrap_or_else(|| panic!("{}: {}", path.display(), outcome.stderr)).parse().expect("a number")
}

/// The times that are tried: all, or some of them, the first and last included. What only starts Harrier is the same in all programs,
/// and looked at in one of them.
fn times(first: u64, last: u64) -> Vec<u64> {
    let count = (last + 1).saturating_sub(first);
    if common::number("HARRIER_ALL") == Some(1) || count <= TIMES {
        return (first..=last).collect();
    }
    (0..TIMES).map(|k| first + k * (count - 1) / (TIMES - 1)).collect()
}

/// What is wrong with the end of a program; nothing when it has borne the fault.
fn complaints(job: &Job) -> Vec<String> {
    let got = run(job.path, &job.fault);
    let mut why = Vec::new();
    let status = got.status.and_then(|status| status.code());
    match status {
        Some(0) => {
            // Steps that caught the fault say so.
            let mut lines = got.stdout.split('\n');
            for line in job.plain.split('\n') {
                let got = lines.next().unwrap_or("(the end)");
                if got != line && !got.contains(" caught ") {
                    why.push(format!("status 0, expected {line:?}, got {got:?}"));
                    break;
                }
            }
        }
        // Where stderr itself takes nothing there is nobody to tell.
        Some(1) if got.stderr.trim().is_empty() && !job.fault.starts_with("write:") => {
            why.push("status 1 and no message".into());
        }
        Some(1) => {}
        _ => why.push(got.misbehaved(0).unwrap_or_default()),
    }
    for bug in ["panicked", "bug in Harrier", "InternalError", "internal error"] {
        if got.stderr.contains(bug) || got.stdout.contains(bug) {
            why.push(format!("says {bug:?}"));
        }
    }
    if !why.is_empty() {
        why.insert(0, format!("harrier run --inject-fault={} {}", job.fault, job.path.display()));
        why.extend(got.stderr.lines().take(8).map(|line| format!("  {line}")));
    }
    why
}

#[test]
fn what_the_system_refuses_is_an_error() {
    if common::is_emulated() {
        println!(
            "left out: what is refused, and what follows, is in Rust, the same on every machine; under the emulator it is minutes"
        );
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/injected");
    let programs: Vec<PathBuf> = common::programs(&folder);
    assert!(programs.len() >= 12, "{} programs", programs.len());
    let nothing = folder.join("nothing.hr");
    let starts = KINDS.map(|kind| asked(&nothing, kind));
    for kind in KINDS {
        let outcome = run(&nothing, &format!("{kind}:1+"));
        assert_ne!(outcome.status.and_then(|s| s.code()), Some(0), "{kind} is not refused");
    }
    let plain: Vec<String> = programs
        .iter()
        .map(|path| {
            let outcome = common::run(&["run", &path.to_string_lossy()], "", Duration::from_secs(20));
            assert_eq!((outcome.misbehaved(0), &*outcome.stderr), (None, ""), "{}", path.display());
            outcome.stdout
        })
        .collect();
    let mut jobs = Vec::new();
    for (path, plain) in programs.iter().zip(&plain) {
        for (kind, start) in KINDS.iter().zip(starts) {
            let first = if *path == nothing { 1 } else { start + 1 };
            for n in times(first, asked(path, kind)) {
                jobs.extend(["", "+"].map(|lasting| Job { path, plain, fault: format!("{kind}:{n}{lasting}") }));
            }
        }
    }
    let failed = common::in_parallel(&jobs, complaints);
    for (_, why) in &failed {
        why.iter().for_each(|line| println!("{line}"));
    }
    println!("{} runs, {} failed", jobs.len(), failed.len());
    assert!(jobs.len() > 150, "{} runs", jobs.len());
    assert!(failed.is_empty(), "{} of {} runs", failed.len(), jobs.len());
}
