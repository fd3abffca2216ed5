//! The code that the generator writes for the programs in `tests/disasm`, for both machines, whatever the host is.
//!
//! Beside `name.hr` stand `name.x64.txt` and `name.arm64.txt`, the expected listings of its functions.
//! `HARRIER_BLESS=1 cargo test --test disasm` writes them anew: read the difference before it is committed.
//!
//! A line `// hints NAME: Int, Point(Float, Float)` says what the first call of the function has shown of its arguments.

#[path = "common/except.rs"]
mod except;
#[path = "common/fake_link.rs"]
mod fake_link;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use fake_link::{FakeLink, Target};
use harrier::asm::arm64::Arm64;
use harrier::asm::masm::Reg;
use harrier::asm::variables::Home;
use harrier::asm::x64::X64;
use harrier::codegen::facts::Seen;
use harrier::codegen::trials::{OPTIMISATIONS, Trials};
use harrier::reader::tree::{FunctionId, Unit};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/disasm")
}

/// Splits at the commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0;
    text.split(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    })
    .collect()
}

fn hints(unit: &Unit, link: &FakeLink, name: &str) -> Vec<Seen> {
    let start = format!("// hints {name}:");
    let line = unit.source.text.lines().find_map(|line| line.strip_prefix(&start));
    line.map_or(Vec::new(), |line| split(line).iter().map(|hint| link.parse_hint(hint.trim())).collect())
}

/// What is shown of code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// As it is where stores need no barrier.
    Plain,
    /// Also where variables are, as `--dump=asm` does.
    Variables,
    /// As it is where stores into old objects are remembered.
    Barriers,
}

/// The listings of all functions of a text but its top level.
fn listings<M: Target>(name: &str, text: &str, shown: Shown, trials: Trials) -> String {
    let unit = fake_link::read(name, text);
    let mut out = String::new();
    for (index, function) in unit.functions.iter().enumerate() {
        let id = FunctionId(index as u32);
        if id == unit.init {
            continue;
        }
        let mut link = tried(&unit, trials, shown == Shown::Barriers);
        let title = function.name.map_or_else(|| format!("function {index}"), |name| unit.name(name).to_string());
        for arity in 0..function.arities.len() {
            let hints = hints(&unit, &link, &title);
            let text = link.listing::<M>(id, arity, &hints, shown == Shown::Variables);
            let _ = writeln!(out, "{title}/{}:\n{text}", function.arities[arity].params.len());
        }
    }
    out
}

/// The programs of a folder, in order.
fn programs_in(folder: &Path) -> Vec<PathBuf> {
    let mut programs: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder of programs")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "hr"))
        .collect();
    programs.sort();
    assert!(!programs.is_empty(), "there are no programs in {}", folder.display());
    programs
}

/// The lines in which two texts differ, with a few that they share around them.
fn diff(expected: &str, got: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    let same = |x: &&str, y: &&str| x == y;
    let head = a.iter().zip(&b).take_while(|(x, y)| same(x, y)).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(x, y)| same(x, y)).count();
    let mut out = String::new();
    for line in &a[head.saturating_sub(5)..head] {
        let _ = writeln!(out, "    {line}");
    }
    for line in &a[head..a.len() - tail] {
        let _ = writeln!(out, "  - {line}");
    }
    for line in &b[head..b.len() - tail] {
        let _ = writeln!(out, "  + {line}");
    }
    out
}

fn check<M: Target>(folder: &Path, suffix: &str, shown: Shown) {
    let programs = programs_in(folder);
    let bless = std::env::var_os("HARRIER_BLESS").is_some();
    let mut failed = Vec::new();
    for path in programs {
        let text = std::fs::read_to_string(&path).expect("a program");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let got = listings::<M>(&name, &text, shown, Trials::default());
        let beside = path.with_extension(suffix);
        if bless {
            std::fs::write(&beside, &got).expect("write the listing");
            continue;
        }
        let expected = std::fs::read_to_string(&beside).unwrap_or_default();
        if expected != got {
            println!("{}:\n{}", beside.display(), diff(&expected, &got));
            failed.push(name);
        }
    }
    assert!(
        failed.is_empty(),
        "other code than expected for {failed:?}; HARRIER_BLESS=1 cargo test --test disasm accepts it"
    );
}

#[test]
fn x64() {
    check::<X64>(&folder(), "x64.txt", Shown::Plain);
}

#[test]
fn arm64() {
    check::<Arm64>(&folder(), "arm64.txt", Shown::Plain);
}

/// The listings in the folder `variables` also say where variables are, as `--dump=asm` does.
#[test]
fn listings_say_where_variables_are() {
    check::<X64>(&folder().join("variables"), "x64.txt", Shown::Variables);
    check::<Arm64>(&folder().join("variables"), "arm64.txt", Shown::Variables);
}

/// Those in the folder `barriers` are of code for a plan that remembers stores into old objects.
#[test]
fn stores_have_barriers() {
    check::<X64>(&folder().join("barriers"), "x64.txt", Shown::Barriers);
    check::<Arm64>(&folder().join("barriers"), "arm64.txt", Shown::Barriers);
}

/// A listing as one text to search in: one instruction or label a line, no comments.
fn bare(listing: &str) -> String {
    let lines = listing.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(';'));
    lines.map(|line| format!("{line}\n")).collect()
}

/// `docs/machine-code.md` shows the beginnings of functions for both machines side by side.
#[test]
fn the_page_on_machine_code_shows_what_is_generated() {
    let page = std::fs::read_to_string(folder().join("../../docs/machine-code.md")).expect("the page");
    let golden = |suffix: &str| -> String {
        let paths = std::fs::read_dir(folder()).expect("tests/disasm").map(|entry| entry.expect("an entry").path());
        let texts = paths.filter(|path| path.to_string_lossy().ends_with(suffix)).map(std::fs::read_to_string);
        texts.map(|text| bare(&text.expect("a listing"))).collect()
    };
    let (x64, arm64) = (golden("x64.txt"), golden("arm64.txt"));
    let blocks: Vec<&str> =
        page.split("```text\n").skip(1).map(|rest| rest.split("```").next().unwrap_or("")).collect();
    assert_eq!(blocks.len(), 5);
    for block in blocks {
        // Labels stand two columns before the instructions.
        let middle = block.find("  stp x29").expect("the first instruction on ARM64");
        let half = |right: bool| {
            let cut = |line| str::split_at_checked(line, middle).unwrap_or((line, ""));
            let lines: Vec<&str> = block.lines().map(|line| if right { cut(line).1 } else { cut(line).0 }).collect();
            bare(&lines.join("\n"))
        };
        assert!(x64.contains(&half(false)), "not what is generated for x86-64:\n{}", half(false));
        assert!(arm64.contains(&half(true)), "not what is generated for ARM64:\n{}", half(true));
    }
}

/// A function far larger than a conditional branch reaches: it must come out whole.
#[test]
fn large_functions_are_generated() {
    let mut text = String::from("fn f(x) {\n    let mut y = x\n");
    for i in 0..50_000 {
        let _ = writeln!(text, "    y = y + x\n    if y > {i} {{ y = y - {i} }}");
    }
    text.push_str("    y\n}\n");
    let unit = fake_link::read("large.hr", &text);
    let function = FunctionId((0..unit.functions.len() as u32).find(|i| FunctionId(*i) != unit.init).expect("f"));
    let mut link = FakeLink::new(&unit);
    let bytes = |generated: harrier::codegen::Generated| generated.code.code.len();
    let x64 = bytes(harrier::codegen::generate::<X64>(&mut link, &unit, function, 0, &[]).expect("x86-64"));
    let arm64 = bytes(harrier::codegen::generate::<Arm64>(&mut link, &unit, function, 0, &[]).expect("arm64"));
    assert!(x64 > 2 << 20 && arm64 > 2 << 20, "{x64} {arm64}");
}

/// The texts of a folder and of those in it.
fn texts(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            texts(&path, out);
        } else if path.extension().is_some_and(|e| e == "hr") && !except::is_left_out(&path) {
            out.push(path);
        }
    }
}

/// What is told of variables at a call is what the callee and the collector keep: tagged words in slots and callee-saved
/// registers of the stack map. Gives how much was told.
fn told_at_calls<M: Target>(unit: &Unit, link: &mut FakeLink) -> usize {
    let mut told = 0;
    for index in 0..unit.functions.len() as u32 {
        for arity in 0..unit.functions[index as usize].arities.len() {
            let Ok(generated) = harrier::codegen::generate::<M>(link, unit, FunctionId(index), arity, &[]) else {
                continue;
            };
            for stay in generated.variables.stays(generated.code.code.len() as u32) {
                for (return_offset, point) in generated.safepoints.iter() {
                    if !(stay.from + 1..=stay.to).contains(&return_offset) {
                        continue;
                    }
                    told += 1;
                    let kept = match stay.home {
                        Home::Reg(r) => M::CALLEE_SAVED
                            .iter()
                            .position(|other| *other == Reg(r))
                            .is_some_and(|i| point.live_saved() >> i & 1 != 0),
                        Home::Float(_) => false,
                        Home::Slot(slot) => point.slots().any(|other| other == slot),
                        _ => true,
                    };
                    let name = &unit.names[generated.variables.list()[stay.variable as usize].name as usize];
                    assert!(
                        kept,
                        "{}: {name} at the call that returns to {:#x}: {stay:?}",
                        unit.source.name, return_offset
                    );
                }
            }
        }
    }
    told
}

/// What the verifier finds in the code of a unit, as it comes out for each of these hints. Gives how many bodies it has read.
fn verified<M: Target>(unit: &Unit, link: &mut FakeLink, differences: &mut Vec<String>) -> usize {
    let mut bodies = 0;
    for index in 0..unit.functions.len() as u32 {
        for (arity, shape) in unit.functions[index as usize].arities.iter().enumerate() {
            let mut hints = vec![Vec::new()];
            if !shape.params.is_empty() {
                hints.extend([Seen::Int, Seen::Float].map(|hint| vec![hint; shape.params.len()]));
            }
            for hints in hints {
                let Some(found) = link.differences::<M>(FunctionId(index), arity, &hints) else { continue };
                bodies += 1;
                if !found.is_empty() {
                    differences.push(found);
                }
            }
        }
    }
    bodies
}

/// Machine code for both machines, of all texts there are, agrees with its maps, whatever the host is. What runs under
/// `--jit-verify` (`tests/corpus.rs`) is the code of the host alone. Under the emulator one text in eight: whatever writes the code and
/// reads it is the same Rust there.
#[test]
fn code_for_both_machines_is_what_its_maps_claim() {
    let all = !is_emulated() || std::env::var("HARRIER_ALL").is_ok_and(|all| all == "1");
    let (parts, least) = if all { (1, 8_000) } else { (8, 900) };
    println!("one text in {parts}");
    for remembers in [false, true] {
        let bodies = verify_all(Trials::default(), remembers, 0, parts);
        assert!(bodies.iter().all(|bodies| *bodies > least), "{bodies:?}");
    }
}

fn is_emulated() -> bool {
    std::env::var("HARRIER_TIME_FACTOR").is_ok_and(|factor| factor != "1")
}

/// The same where registers and frame slots are taken by chance, and with each optimisation left out: a seventh of the texts for each
/// (`HARRIER_SEED` gives other chances, and other texts).
#[test]
fn whatever_is_tried_code_is_what_its_maps_claim() {
    let seed = std::env::var("HARRIER_SEED").map_or(1, |seed| seed.parse().expect("HARRIER_SEED is a number"));
    // It is the same on every machine; under the emulator one shows that it runs there.
    let emulated = is_emulated();
    let tried = if emulated { 1 } else { OPTIMISATIONS.len() };
    let mut all = 0;
    for (i, (name, _)) in OPTIMISATIONS.iter().enumerate().take(tried) {
        let mut trials = Trials::default();
        trials.by_chance(seed + i as u64);
        let remembers = i % 2 == 0;
        all += verify_all(trials, remembers, seed as usize + i, OPTIMISATIONS.len())[0];
        trials.leave_out(name).expect("the name of an optimisation");
        verify_all(trials, remembers, seed as usize + i, OPTIMISATIONS.len());
    }
    assert!(all > 8_000 || emulated, "{all} bodies");
}

/// A trial is one: with each of them some function of `tests/disasm` has other code than without.
#[test]
fn trials_change_code() {
    let texts: Vec<String> =
        programs_in(&folder()).iter().map(|path| std::fs::read_to_string(path).expect("a text")).collect();
    let code = |trials| -> Vec<String> {
        texts.iter().map(|text| listings::<X64>("trial.hr", text, Shown::Plain, trials)).collect()
    };
    let plain = code(Trials::default());
    assert!(plain == code(Trials::default()), "the same twice");
    for (name, _) in OPTIMISATIONS {
        let mut trials = Trials::default();
        trials.leave_out(name).expect("the name of an optimisation");
        assert!(code(trials) != plain, "--opt-off={name} changes nothing");
    }
    let by_chance = |seed| {
        let mut trials = Trials::default();
        trials.by_chance(seed);
        code(trials)
    };
    let one = by_chance(1);
    assert!(
        one != plain && one != by_chance(2) && one == by_chance(1),
        "chance depends on the seed, and on nothing else"
    );
}

fn tried(unit: &Unit, trials: Trials, remembers: bool) -> FakeLink<'_> {
    let mut link = FakeLink::new(unit);
    link.trials = trials;
    link.remembers = remembers;
    link
}

/// Gives how many bodies there were for x86-64 and ARM64.
fn verify_all(trials: Trials, remembers: bool, part: usize, parts: usize) -> [usize; 2] {
    let (mut x64, mut arm64, mut differences) = (0, 0, Vec::new());
    for unit in all_units().skip(part % parts).step_by(parts) {
        x64 += verified::<X64>(&unit, &mut tried(&unit, trials, remembers), &mut differences);
        arm64 += verified::<Arm64>(&unit, &mut tried(&unit, trials, remembers), &mut differences);
    }
    let told: String = differences.iter().take(20).map(|found| format!("{found}\n")).collect();
    assert!(differences.is_empty(), "{trials:?}: {} of {x64} and {arm64} bodies:\n{told}", differences.len());
    [x64, arm64]
}

/// All texts there are that can be read.
fn all_units() -> impl Iterator<Item = Unit> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["tests/lang", "tests/acceptance", "tests/disasm", "stdlib", "bench"] {
        texts(&root.join(folder), &mut paths);
    }
    paths.into_iter().filter_map(|path| {
        let text = std::fs::read_to_string(&path).expect("a text");
        let source = std::sync::Arc::new(harrier::reader::tree::Source::new(path.display().to_string(), text));
        harrier::reader::read(source, &Default::default()).ok()
    })
}

#[test]
fn what_is_told_of_variables_is_in_the_stack_maps() {
    let (mut read, mut x64, mut arm64) = (0, 0, 0);
    for unit in all_units() {
        read += 1;
        x64 += told_at_calls::<X64>(&unit, &mut FakeLink::new(&unit));
        arm64 += told_at_calls::<Arm64>(&unit, &mut FakeLink::new(&unit));
    }
    assert!(read > 300 && x64 > 10_000 && arm64 > 10_000, "{read} texts, {x64} and {arm64} places");
}
