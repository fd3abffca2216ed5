//! Programs of threads that get in each other's way, from fixed seeds, with windows open: see `program.rs` and `--race-windows` in
//! `docs/testing.md`.
//!
//! `HARRIER_FROM=1000 HARRIER_COUNT=500 cargo test --test racing` runs others; the programs are left in `target/tmp/racing`. The same
//! seed is the same program, and the same chances for each of its threads, but not the same run.

#[path = "../common/mod.rs"]
mod common;
mod program;
#[path = "../common/random.rs"]
mod random;

use std::path::PathBuf;
use std::time::Duration;

use random::Random;

/// What threads do while the program sleeps.
const MILLISECONDS: u64 = 150;

fn write(name: &str, text: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("racing");
    std::fs::create_dir_all(&folder).expect("a folder for the programs");
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the program can be written");
    path
}

fn expected() -> common::Expectation {
    common::Expectation { stdout: Some("[]\n".into()), ..common::Expectation::default() }
}

#[test]
fn what_holds_with_others_holds_alone() {
    let why = common::check(&write("alone.hr", &program::alone()), &expected(), &[], Duration::from_secs(60));
    assert!(why.is_empty(), "{why:#?}");
}

#[test]
fn whatever_is_lost_what_comes_out_is_whole() {
    all("racing", |random| program::program(random, MILLISECONDS));
}

/// What a function is compiled for may change before the function is known to depend on it: what it was made for the first time must not
/// stay.
#[test]
fn whatever_changes_meanwhile_what_is_compiled_first_is_of_today() {
    all("beginnings", |random| program::beginnings(random, 2 * MILLISECONDS));
}

/// Runs the programs of so many seeds.
fn all(name: &str, program: impl Fn(&mut Random) -> String + Sync) {
    let first = common::number("HARRIER_FROM").unwrap_or(1);
    let count = common::number("HARRIER_COUNT").unwrap_or(60 / common::one_in(7) as u64);
    let seeds: Vec<u64> = (first..first + count).collect();
    let failed = common::in_parallel(&seeds, |seed| {
        let path = write(&format!("{name}-{seed}.hr"), &program(&mut Random(*seed)));
        let windows = format!("--race-windows={seed}");
        // What is freed too early is seen when everything moves.
        let flags: &[&str] = if seed % 4 == 0 { &[&windows, "--gc-always"] } else { &[&windows] };
        let why = common::check(&path, &expected(), flags, Duration::from_secs(120));
        why.iter().map(|line| format!("{} {flags:?}: {line}", path.display())).collect()
    });
    for (_, why) in &failed {
        why.iter().for_each(|line| println!("{line}"));
    }
    assert!(failed.is_empty(), "{} of {} programs failed", failed.len(), seeds.len());
}

/// Else all that is run with windows would show nothing. Where one is, a thread now and then lets others run, of its own will: 1,410
/// times here, and once without.
#[test]
fn windows_open() {
    if common::is_emulated() {
        println!("windows_open is left out: the system counts the emulator's threads");
        return;
    }
    let text = "use io\nfn main() {\n    let a = atom(0)\n    for i in range(0, 20000) { swap!(a, fn(n) { n + 1 }) }\n    \
        println(unwrap!(io/read-file(\"/proc/thread-self/status\")))\n}\n";
    let path = write("windows.hr", text);
    let args = ["run", "--race-windows=1", &path.to_string_lossy()];
    let outcome = common::run(&args, "", Duration::from_secs(60));
    let told = outcome.stdout.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    let times = told.and_then(|count| count.trim().parse::<u64>().ok());
    assert!(times.is_some_and(|times| times > 300), "{times:?}\n{}", outcome.stderr);
}

#[test]
fn the_same_seed_gives_the_same_program() {
    assert_eq!(program::program(&mut Random(5), 1), program::program(&mut Random(5), 1));
}
