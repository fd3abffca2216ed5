//! Runs the programs below `tests/lang`, each in a process of its own, and compares what they do with what they say they do.
//!
//! `HARRIER_ONLY=text cargo test --test corpus` runs only the programs whose path contains the text, `HARRIER_ONE_IN=n` one in n. Where
//! one in several runs, `HARRIER_PART=k` takes the kth of each, and whoever counts k up has run all in the end.

mod common;

use common::{Expectation, check, in_parallel, programs};
use std::path::{Path, PathBuf};
use std::time::Duration;

struct Job {
    name: String,
    path: PathBuf,
    expected: Option<Expectation>,
}

fn jobs(folder: &str) -> Vec<Job> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let only = std::env::var("HARRIER_ONLY").unwrap_or_default();
    programs(&root)
        .into_iter()
        .filter(|path| path.to_string_lossy().contains(&only))
        .map(|path| {
            let text = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let expected = Expectation::of(&String::from_utf8_lossy(&text));
            let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
            Job { name, path, expected }
        })
        .collect()
}

fn run_all(title: &str, folder: &str, flags: &[&str], limit: Duration) {
    run_some(title, folder, 1, flags, limit);
}

/// One in so many of those that are not skipped.
fn run_some(title: &str, folder: &str, one_in: usize, flags: &[&str], limit: Duration) {
    let stress = !flags.is_empty();
    let reason = |job: &Job| {
        // Half of the programs, and an emulator takes minutes for them.
        let once = job.name.starts_with("newcomers/").then_some(
            "what messages say and advise is the same on every machine: it is looked at on this one, not under the emulator",
        );
        let slow = job.expected.as_ref().and_then(|e| e.slow.clone()).filter(|_| stress);
        slow.or_else(|| once.filter(|_| common::is_emulated()).map(String::from))
    };
    let (skipped, jobs): (Vec<Job>, Vec<Job>) = jobs(folder).into_iter().partition(|j| reason(j).is_some());
    let one_in = one_in * common::number("HARRIER_ONE_IN").unwrap_or(1).max(1) as usize;
    let part = common::number("HARRIER_PART").unwrap_or(0) as usize % one_in;
    assert!(!jobs.is_empty(), "no program matches HARRIER_ONLY");
    // The last parts of a few programs have none: then the first one's are run.
    let part = if part < jobs.len() { part } else { 0 };
    let jobs: Vec<Job> = jobs.into_iter().skip(part).step_by(one_in).collect();
    if one_in > 1 {
        println!("{title}: one program in {one_in}, part {part}");
    }
    let failed = in_parallel(&jobs, |job| match &job.expected {
        Some(expected) => check(&job.path, expected, flags, limit),
        None => vec!["says nothing about what it should print".into()],
    });
    for job in &skipped {
        println!("{title}: skipped {}: {}", job.name, reason(job).unwrap_or_default());
    }
    for (index, why) in &failed {
        println!(
            "{title}: FAIL {}  (harrier run {} {})",
            jobs[*index].name,
            flags.join(" "),
            jobs[*index].path.display()
        );
        why.iter().for_each(|line| println!("     {line}"));
    }
    println!("{title}: {} passed, {} failed, {} skipped", jobs.len() - failed.len(), failed.len(), skipped.len());
    assert!(failed.is_empty(), "{title}: {} of {} programs failed", failed.len(), jobs.len());
}

const CORPUS: &str = "tests/lang";

/// Under an emulator every other program: the acceptance programs are all run there, and the other half with the next commit.
#[test]
fn plain() {
    run_some("plain", CORPUS, common::one_in(2), &[], Duration::from_secs(60));
}

/// No warning, either: whoever reads the examples learns from them.
#[test]
fn examples() {
    if std::env::var_os("HARRIER_ONLY").is_none() {
        run_all("examples", "examples", &[], Duration::from_secs(60));
    }
}

/// The machine code of all programs is checked against its stack maps: see `src/verify/`. The code for ARM64 of all texts is verified
/// on any machine (`tests/disasm.rs`); under the emulator some programs show that it is the same when it runs.
#[test]
fn machine_code_is_what_its_maps_claim() {
    let one_in = common::one_in(12);
    run_some("verify", CORPUS, one_in, &["--jit-verify"], Duration::from_secs(60));
}

/// Any register and frame slot that is allowed does as well: they are taken by chance, and the code verified. Every third program; with
/// `HARRIER_SEED` other chances.
#[test]
fn any_register_does() {
    let seed = common::number("HARRIER_SEED").unwrap_or(1);
    let trial = common::by_chance(seed);
    let trial: Vec<&str> = trial.iter().map(String::as_str).collect();
    let one_in = 3 * common::one_in(8);
    run_some("chance", CORPUS, one_in, &trial, Duration::from_secs(60));
}

/// A collection, and a check of the whole heap, at every allocation and safepoint. Under an emulator one program in ten, without the
/// check: it is the same on every machine, and takes two thirds of the time (the acceptance programs have it there, too).
#[test]
fn every_allocation_collects() {
    let flags = ["--gc-always", "--gc-verify"];
    let flags = if common::is_emulated() { &flags[..1] } else { &flags[..] };
    run_some("stress", CORPUS, common::one_in(10).max(common::share()), flags, Duration::from_secs(120));
}

/// The same where everything moves at each collection, which is the strictest test of everybody's bookkeeping: one program in four (the
/// plan is no other on another machine, so not under an emulator).
#[test]
fn every_allocation_moves_everything() {
    if common::is_emulated() {
        return;
    }
    let flags = ["--gc=compacting", "--gc-always", "--gc-verify"];
    run_some("moving", CORPUS, 4, &flags, Duration::from_secs(120));
}

/// The same where nothing moves, but what is free is handed out at once: one program in eight.
#[test]
fn every_allocation_marks() {
    if common::is_emulated() {
        return;
    }
    let flags = ["--gc=mark-sweep", "--gc-always", "--gc-verify"];
    run_some("marking", CORPUS, 8, &flags, Duration::from_secs(120));
}

/// Threads meet wherever they can: the programs with threads, by chance (`HARRIER_SEED`: other chances; `tools/soak/racing` has more).
/// Windows are in Rust, the same on every machine, so not under an emulator.
#[test]
fn threads_meet_in_open_windows() {
    let only = std::env::var("HARRIER_ONLY").unwrap_or_default();
    if common::is_emulated() || !only.is_empty() && !only.contains("threads/") {
        return;
    }
    let flag = format!("--race-windows={}", common::number("HARRIER_SEED").unwrap_or(1));
    run_all("windows", &format!("{CORPUS}/threads"), &[&flag], Duration::from_secs(120));
}

/// What the messages advise runs: each mistake has its program as it is when that was followed.
#[test]
fn each_newcomer_finds_the_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(CORPUS).join("newcomers");
    let entries = std::fs::read_dir(&root).expect("the newcomers' programs").map(|e| e.expect("an entry").path());
    let wrong: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    let lost: Vec<&PathBuf> =
        wrong.iter().filter(|path| !root.join("fixed").join(path.file_name().unwrap_or_default()).is_file()).collect();
    assert!(lost.is_empty(), "without a corrected version in fixed/: {lost:?}");
    assert!(wrong.len() >= 120, "{} mistakes", wrong.len());
}

#[test]
fn expectations_are_read() {
    let read = Expectation::of("fn main() {}\n// @args 1 two\n// @snapshot\n// a\n//\n//  b\n// @status 3\n").unwrap();
    assert_eq!(read.stdout.as_deref(), Some("a\n\n b\n"));
    assert_eq!((read.status, read.args), (3, vec!["1".to_string(), "two".to_string()]));
    let read = Expectation::of("// @flags --a --b\n// @peak-mb 7\n// @snapshot\n// a\n").unwrap();
    assert_eq!((read.flags, read.peak_mb), (vec!["--a".to_string(), "--b".to_string()], Some(7)));
    let read = Expectation::of("// @stderr\n// a\n//  b\n// @error\n// a\n").unwrap();
    assert_eq!((read.status, read.whole_stderr.as_deref()), (1, Some("a\n b\n")));
    let read = Expectation::of("// @error\n// TypeError\n// x.hr:3\n").unwrap();
    assert_eq!((read.status, read.stderr.len()), (1, 2));
    assert_eq!(Expectation::of("fn main() {}\n// @slow why\n"), None);
    // Text of the program after a marker: the marker was not the end of the file.
    let read = Expectation::of("// @snapshot\n// one\nprintln(1)\n// two\n").unwrap();
    assert_eq!(read.stdout.as_deref(), Some("one\n"));
}
