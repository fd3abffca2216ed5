//! The sampler: what it says of programs whose hot functions and lines are known by construction, that its files can be read
//! back, and that no program is disturbed by it.
//!
//! Under an emulator processor time is not what it seems: there the shares are not looked at, only the files.

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{Folder, Outcome, run};

const LIMIT: Duration = Duration::from_secs(60);

/// Are there figures to look at?
fn measured() -> bool {
    let measured = std::env::var_os("HARRIER_BIN").is_none();
    if !measured {
        println!("under an emulator: only that the files can be read is tested, not what they say");
    }
    measured
}

fn fine(outcome: &Outcome) {
    assert_eq!(outcome.misbehaved(0), None, "{}", outcome.stderr);
}

/// Stacks, outermost function first, with their weights.
fn folded(text: &str) -> BTreeMap<Vec<String>, u64> {
    let stack = |line: &str| {
        let (names, weight) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no weight: {line}"));
        let weight = weight.parse().unwrap_or_else(|e| panic!("{line}: {e}"));
        (names.split(';').map(str::to_string).collect::<Vec<_>>(), weight)
    };
    let stacks: BTreeMap<_, _> = text.lines().map(stack).collect();
    assert_eq!(stacks.len(), text.lines().count(), "each stack stands once");
    stacks
}

/// The weight of the stacks that a test holds for.
fn weight(stacks: &BTreeMap<Vec<String>, u64>, test: impl Fn(&[String]) -> bool) -> f64 {
    stacks.iter().filter(|(stack, _)| test(stack)).map(|(_, weight)| *weight as f64).sum()
}

fn has(stack: &[String], name: &str) -> bool {
    stack.iter().any(|f| f == name)
}

/// Three functions that do once, twice and three times as much.
const BURN: &str = "\
fn light(n) {
    let mut x = 1
    for i in range(0, n) { x = (x * 31 + i) % 1000003 }
    x
}
fn medium(n) {
    let mut x = 1
    for i in range(0, 2 * n) { x = (x * 31 + i) % 1000003 }
    x
}
fn heavy(n) {
    let mut x = 1
    for i in range(0, 3 * n) { x = (x * 31 + i) % 1000003 }
    x
}
fn main(args) {
    let n = parse-int(args[0])
    println(light(n) + medium(n) + heavy(n))
}
";

/// The size of the work: less where it cannot be measured.
fn size() -> &'static str {
    if std::env::var_os("HARRIER_BIN").is_some() { "300000" } else { "25000000" }
}

#[test]
fn functions_and_lines_get_their_shares() {
    let folder = Folder::new(&[("burn.hr", BURN)]);
    let out = folder.path("burn.folded");
    let outcome = run(&["run", &format!("--profile={out}"), &folder.path("burn.hr"), size()], "", LIMIT);
    fine(&outcome);
    assert!(outcome.stderr.contains("profile: written to"), "{}", outcome.stderr);
    let stacks = folded(&folder.read("burn.folded"));
    if !measured() {
        return;
    }
    let all = weight(&stacks, |s| has(s, "burn/main"));
    for (name, share) in [("burn/light", 1.0 / 6.0), ("burn/medium", 2.0 / 6.0), ("burn/heavy", 3.0 / 6.0)] {
        let of_it = weight(&stacks, |s| has(s, name));
        assert!((of_it / all - share).abs() < 0.1, "{name}: {of_it} of {all}\n{}", outcome.stderr);
        let below_main = weight(&stacks, |s| has(s, name) && s[0] == "burn/main");
        assert!(below_main >= 0.98 * of_it, "{name} without main\n{stacks:?}");
    }
    // The lines of the loops, by the table.
    let lines: Vec<&str> = outcome.stderr.lines().skip_while(|l| !l.ends_with("  line")).collect();
    for (line, least) in [("burn.hr:13", 35.0), ("burn.hr:8", 20.0), ("burn.hr:3", 8.0)] {
        let row =
            lines.iter().find(|l| l.contains(&format!("{line}  "))).unwrap_or_else(|| panic!("{}", outcome.stderr));
        let percent: f64 =
            row.split('%').next().and_then(|c| c.rsplit(' ').next()).expect("a share").parse().expect(row);
        assert!(percent > least, "{row}");
    }
}

#[test]
fn a_speedscope_file_is_whole() {
    let folder = Folder::new(&[("burn.hr", BURN)]);
    let out = folder.path("burn.json");
    fine(&run(&["run", &format!("--profile={out}"), &folder.path("burn.hr"), "2000000"], "", LIMIT));
    let json: serde_json::Value = serde_json::from_str(&folder.read("burn.json")).expect("JSON");
    assert_eq!(json["$schema"], "https://www.speedscope.app/file-format-schema.json");
    let frames = json["shared"]["frames"].as_array().expect("frames");
    assert!(frames.iter().all(|f| f["name"].is_string()));
    let profiles = json["profiles"].as_array().expect("profiles");
    for profile in profiles {
        assert_eq!((&profile["type"], &profile["unit"]), (&"sampled".into(), &"nanoseconds".into()));
        let samples = profile["samples"].as_array().expect("samples");
        let weights = profile["weights"].as_array().expect("weights");
        assert_eq!(samples.len(), weights.len());
        let sum: u64 = weights.iter().map(|w| w.as_u64().expect("a weight")).sum();
        assert_eq!(profile["endValue"], sum);
        for frame in samples.iter().flat_map(|s| s.as_array().expect("a stack")) {
            assert!((frame.as_u64().expect("a number") as usize) < frames.len());
        }
    }
    if measured() {
        assert!(frames.iter().any(|f| f["name"] == "burn/heavy" && f["line"] == 13), "{frames:?}");
        assert_eq!(profiles.len(), 1);
    }
}

#[test]
fn a_flame_graph_is_well_formed() {
    let folder = Folder::new(&[("burn.hr", BURN)]);
    let out = folder.path("burn.svg");
    // What stood in the file is gone, also where it was longer.
    std::fs::write(&out, "x".repeat(1 << 20)).expect("a file");
    fine(&run(&["run", &format!("--profile={out}"), &folder.path("burn.hr"), "5000000"], "", LIMIT));
    let svg = folder.read("burn.svg");
    assert!(svg.starts_with("<?xml") && svg.trim_end().ends_with("</svg>"), "{}", &svg[..200]);
    for tag in ["svg", "g", "text", "title", "style", "script"] {
        let opened = svg.matches(&format!("<{tag} ")).count() + svg.matches(&format!("<{tag}>")).count();
        let closed = svg.matches(&format!("</{tag}>")).count();
        let start = format!("<{tag} ");
        let alone = svg.split(&start).skip(1).filter(|s| s.split('>').next().is_some_and(|s| s.ends_with('/')));
        assert_eq!(opened, closed + alone.count(), "<{tag}>");
    }
    if measured() {
        assert!(svg.contains("burn/heavy"));
    }
}

#[test]
fn stacks_reach_main_from_stubs_helpers_and_callbacks() {
    let text = "\
fn less(a, b) { let mut x = a for i in range(0, 8) { x = x * 3 % 1000 } a < b }
fn sorting(v, n) { let mut t = 0 for i in range(0, n) { t = t + length(sort-with(less, v)) } t }
fn texts(n) { let mut t = 0 for i in range(0, n) { t = t + length(\"a${i}b\" ++ to-string(i)) } t }
fn large(n) { let mut x = 1 for i in range(1, n) { x = x * i } x }
fn floats(n) { let mut m = {:a 1.0} for i in range(0, n) { m = assoc(m, :a, m[:a] * 1.5 / 1.25 - i) } m }
fn recursion(n) { if n < 2 { n } else { recursion(n - 1) + recursion(n - 2) } }
fn main(args) {
    let n = parse-int(args[0])
    let v = shuffle(vec(range(0, 2000)))
    println(sorting(v, n * 8), texts(n * 8000), length(to-string(large(n * 300))), length(floats(n * 20000)), recursion(33))
}
";
    let folder = Folder::new(&[("deep.hr", text)]);
    let out = folder.path("deep.folded");
    let n = if measured() { "25" } else { "1" };
    // With both profiles: each has tables of its own.
    fine(&run(&["run", "--profile-allocations", &format!("--profile={out}"), &folder.path("deep.hr"), n], "", LIMIT));
    let stacks = folded(&folder.read("deep.folded"));
    if !measured() {
        return;
    }
    // Where the program is on the stack at all, its `main` is outermost.
    let own = weight(&stacks, |s| s.iter().any(|f| f.starts_with("deep/")));
    let whole = weight(&stacks, |s| s[0] == "deep/main");
    assert!(
        whole >= 0.98 * own,
        "{whole} of {own}: {:#?}",
        stacks.keys().filter(|s| s[0] != "deep/main").collect::<Vec<_>>()
    );
    let callback = weight(&stacks, |s| s[0] == "deep/main" && has(s, "deep/sorting") && has(s, "deep/less"));
    let sorting = weight(&stacks, |s| has(s, "deep/sorting"));
    assert!(callback >= 0.5 * sorting && sorting > 0.0, "{callback} of {sorting}\n{stacks:#?}");
    for name in ["deep/texts", "deep/large", "deep/recursion"] {
        assert!(weight(&stacks, |s| has(s, name)) > 0.0, "{name}\n{stacks:#?}");
    }
    // What the program does not do itself has a name, too.
    let inner = |s: &[String]| s.last().is_some_and(|f| f.starts_with("harrier::"));
    assert!(weight(&stacks, inner) > 0.0, "{stacks:#?}");
}

#[test]
fn collecting_compiling_and_reading_are_frames_of_their_own() {
    let text = "\
fn keep(n) { let mut all = [] for i in range(0, n) { all = push(all, [i, i + 1]) } all }
fn storm(n) { for i in range(0, n) { eval(\"fn f${i % 7}(x) { let mut t = x for j in range(0, 10) { t = t * 3 + j } t } f${i % 7}(${i})\") } }
fn main(args) {
    let n = parse-int(args[0])
    println(length(keep(n * 1000)))
    storm(n)
    println(\"end\")
}
";
    let folder = Folder::new(&[("busy.hr", text)]);
    let out = folder.path("busy.folded");
    let n = if measured() { "2000" } else { "100" };
    fine(&run(&["run", &format!("--profile={out}"), &folder.path("busy.hr"), n], "", LIMIT));
    let stacks = folded(&folder.read("busy.folded"));
    if !measured() {
        return;
    }
    for (name, below) in [("(collecting)", "busy/keep"), ("(compiling)", "busy/storm"), ("(reading)", "busy/storm")] {
        let found = weight(&stacks, |s| s.last().is_some_and(|f| f == name) && has(s, below) && s[0] == "busy/main");
        assert!(found > 0.0, "{name} below {below}\n{stacks:#?}");
    }
}

#[test]
fn each_thread_has_its_own_stack() {
    let text = "\
fn work(n) { let mut x = 1 for i in range(0, n) { x = (x * 31 + i) % 1000003 } x }
fn main(args) {
    let n = parse-int(args[0])
    let ts = map(fn(k) { thread(fn() { let x = work(n) x }) }, range(0, 4))
    println(count(map(join, ts)))
}
";
    let folder = Folder::new(&[("threads.hr", text)]);
    let out = folder.path("threads.json");
    let n = if measured() { "20000000" } else { "100000" };
    let outcome = run(&["run", &format!("--profile={out}"), &folder.path("threads.hr"), n], "", LIMIT);
    fine(&outcome);
    let json: serde_json::Value = serde_json::from_str(&folder.read("threads.json")).expect("JSON");
    if measured() {
        let heavy = json["profiles"].as_array().expect("profiles").iter();
        let heavy = heavy.filter(|p| p["endValue"].as_u64() > Some(10_000_000)).count();
        assert!(heavy >= 4, "{heavy} threads\n{}", outcome.stderr);
    }
}

/// The threads are shorter than the tick by which timers are looked at.
#[test]
fn what_short_threads_spend_and_allocate_is_seen() {
    let text = "\
fn work(n) { let mut x = 1 for i in range(0, n) { x = (x * 31 + i) % 1000003 } x }
fn keep(n) { let mut v = [] for i in range(0, n) { v = [i, v] } v }
fn brief() {
    let v = keep(400)
    let x = work(300000)
    [v, x]
}
fn main(args) {
    for i in range(0, parse-int(args[0])) { join(thread(brief)) }
}
";
    let folder = Folder::new(&[("brief.hr", text)]);
    let (time, bytes) = (folder.path("time.folded"), folder.path("bytes.folded"));
    let threads = if measured() { 400 } else { 20 };
    let options = [format!("--profile={time}"), format!("--profile-allocations={bytes}")];
    let outcome = run(&["run", &options[0], &options[1], &folder.path("brief.hr"), &threads.to_string()], "", LIMIT);
    fine(&outcome);
    // Each thread allocates 400 vectors of 2, less than an allocation buffer has room for.
    let bytes = folded(&folder.read("bytes.folded"));
    let of_threads = weight(&bytes, |s| s[0] == "brief/brief");
    let each = of_threads / f64::from(threads);
    assert!((400.0 * 24.0..60_000.0).contains(&each), "{each}: {bytes:?}");
    if measured() {
        let time = folded(&folder.read("time.folded"));
        let of_threads = weight(&time, |s| s[0] == "brief/brief") / 1e6;
        let (all, cpu) = (weight(&time, |_| true) / 1e6, outcome.cpu.as_secs_f64());
        // What is missing: the kernel's part of a thread's end, and the sampler's own thread.
        assert!((0.85 * cpu..1.02 * cpu).contains(&all), "{all} s of {cpu} s\n{}", outcome.stderr);
        assert!(of_threads > 0.5 * cpu, "{of_threads} s of {cpu} s\n{}", outcome.stderr);
    }
}

#[test]
fn texts_that_are_evaluated_have_rows_of_their_own() {
    let body = |k: u32| {
        format!("fn f(n) {{ let mut x = {k} for i in range(0, n) {{ x = (x * {k} + i) % 1000003 }} x }} f({})", size())
    };
    let texts = [31, 37].map(body);
    let program = format!("fn main() {{ eval({:?}) eval({:?}) eval({:?}) }}", texts[0], texts[1], texts[0]);
    let folder = Folder::new(&[("evals.hr", &program)]);
    let runs = [
        (["<eval 1>", "<eval 2>", "<eval 3>"], run(&["--profile", &folder.path("evals.hr")], "", LIMIT)),
        (["repl[1]", "repl[2]", "repl[3]"], run(&["--profile", "repl"], &texts.join("\n"), LIMIT)),
    ];
    for ([first, second, third], outcome) in runs {
        fine(&outcome);
        if !measured() {
            continue;
        }
        let stderr = &outcome.stderr;
        for (name, k) in [(first, 31), (second, 37)] {
            let rows = |row: &str| stderr.lines().filter(|line| line.ends_with(row)).count();
            assert_eq!(rows(&format!("  user/f  {name}")) + rows(&format!("  evals/f  {name}")), 1, "{stderr}");
            let line = format!("  {name}:1  fn f(n) {{ let mut x = {k} for");
            assert_eq!(stderr.matches(&line).count(), 1, "{stderr}");
        }
        assert!(!stderr.contains(third), "{stderr}");
    }
}

#[test]
fn allocations_are_weighed_by_bytes() {
    let text = "\
fn few(n) { let mut v = [] for i in range(0, n) { v = [i, v, i] if i % 100 == 0 { v = [] } } v }
fn many(n) { let mut v = [] for i in range(0, 3 * n) { v = [i, v, i] if i % 100 == 0 { v = [] } } v }
fn large(n) { let mut v = null for i in range(0, n) { v = mutable-array/new-array(100000) } v }
fn main(args) { println(count(few(300000)), count(many(300000)), count(large(100))) }
";
    let text = format!("use mutable-array\n{text}");
    let folder = Folder::new(&[("bytes.hr", &text)]);
    let out = folder.path("bytes.folded");
    let outcome = run(&["run", &format!("--profile-allocations={out}"), &folder.path("bytes.hr")], "", LIMIT);
    fine(&outcome);
    // Nothing here depends on time.
    let stacks = folded(&folder.read("bytes.folded"));
    let of = |name: &str| weight(&stacks, |s| s[0] == "bytes/main" && has(s, name));
    let (few, many, large) = (of("bytes/few"), of("bytes/many"), of("bytes/large"));
    assert!((2.7..3.3).contains(&(many / few)), "{many} and {few}\n{}", outcome.stderr);
    assert!((79e6..85e6).contains(&large), "{large}\n{}", outcome.stderr);
    assert!(outcome.stderr.contains("allocated in 1 thread"), "{}", outcome.stderr);
}

#[test]
fn every_end_of_a_program_prints_the_profile() {
    let work = "fn work(n) { let mut x = 1 for i in range(0, n) { x = (x * 31 + i) % 1000003 } x }\n";
    let ends = [
        ("exit(3)", 3),
        ("exit(0)", 0),
        ("throw \"no\"", 1),
        ("let x = null.field", 1),
        ("thread(fn() { exit(4) }) loop { sleep(10) }", 4),
    ];
    for (end, status) in ends {
        let folder = Folder::new(&[("ends.hr", &format!("{work}fn main() {{ work(1000000) {end} }}\n"))]);
        for file in ["", "=DIR/out.folded"] {
            let option = format!("--profile{}", file.replace("DIR", &folder.path("")));
            let outcome = run(&["run", &option, &folder.path("ends.hr")], "", LIMIT);
            assert_eq!(outcome.misbehaved(status), None, "{end}: {}", outcome.stderr);
            assert_eq!(
                outcome.stderr.matches("profile: ").count(),
                1 + usize::from(!file.is_empty()),
                "{}",
                outcome.stderr
            );
        }
    }
    // And texts from elsewhere.
    assert!(run(&["--profile", "-e", "1"], "", LIMIT).stderr.contains("profile: "));
    assert!(run(&["--profile", "-"], "println(1)", LIMIT).stderr.contains("profile: "));
}

/// A stack of more frames than a sample looks at has lost `main`, and says so.
#[test]
fn stacks_that_are_too_deep_are_marked() {
    let text = "fn down(n) { if n == 0 { spin(3000000) } else { 1 + down(n - 1) } }\n\
        fn spin(n) { let mut t = 0 for i in range(0, n) { t = (t * 31 + i) % 1007 } t }\n\
        fn main(args) { println(down(parse-int(args[0]))) }\n";
    let folder = Folder::new(&[("deep.hr", text)]);
    for (depth, marked) in [("100", false), ("6000", true)] {
        for ending in ["folded", "json"] {
            let file = folder.path(&format!("out.{ending}"));
            let option = format!("--profile={file}");
            let outcome = run(&["run", &option, &folder.path("deep.hr"), depth], "", LIMIT);
            assert_eq!(outcome.misbehaved(0), None, "{}", outcome.stderr);
            assert_eq!(outcome.stderr.contains("  (deeper)\n"), marked, "{}", outcome.stderr);
            let written = std::fs::read_to_string(&file).expect("a profile");
            assert_eq!(written.contains("(deeper)"), marked, "{written}");
            if ending == "folded" {
                let deep: Vec<&str> = written.lines().filter(|line| line.contains("deep/spin")).collect();
                let outermost = if marked { "(deeper);deep/down;" } else { "deep/main;deep/down;" };
                assert!(!deep.is_empty() && deep.iter().all(|line| line.starts_with(outermost)), "{written}");
            }
        }
    }
}

/// What a program says on stderr that gets a signal when it has printed a line.
fn ended_by(signal: libc::c_int, args: &[&str]) -> String {
    // Under `nohup` it is ignored, and stays so in programs that are started.
    // SAFETY: no handler is set; the default of each that the tests send ends a process.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
    let mut child = Command::new(common::harrier())
        .args(args)
        .env("HARRIER_LINES", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("stdout is piped")).read_line(&mut line).expect("a line");
    // SAFETY: a child of ours that lives.
    unsafe { libc::kill(child.id() as libc::pid_t, signal) };
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn signals_end_the_profile_as_well() {
    let folder = Folder::new(&[("loops.hr", "fn main() { println(\"on\") let mut i = 0 loop { i = (i + 1) % 7 } }\n")]);
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let stderr = ended_by(signal, &["run", "--profile", &folder.path("loops.hr")]);
        assert!(stderr.contains("profile: "), "signal {signal}: {stderr}");
    }
}

/// What threads have allocated since their last sample is in the profile also when none of them ends it.
#[test]
fn a_signal_loses_no_allocations() {
    let text = "\
fn fill(n) { let mut all = [] for i in range(0, n) { all = push(all, [i, i]) } length(all) }
fn main(args) {
    let t = thread(fn() { let n = fill(parse-int(args[0])) println(n) loop { sleep(10) } })
    loop { sleep(10) }
}
";
    let folder = Folder::new(&[("fill.hr", text)]);
    let bytes = |n: &str| {
        let out = folder.path(&format!("{n}.folded"));
        ended_by(libc::SIGTERM, &["run", &format!("--profile-allocations={out}"), &folder.path("fill.hr"), n]);
        weight(&folded(&std::fs::read_to_string(out).expect("a profile")), |_| true)
    };
    // A buffer has 64 KB: what these vectors take is less.
    let (few, more) = (bytes("1"), bytes("101"));
    assert!(more - few > 100.0 * 32.0 && more < 65_536.0, "{few} and {more}");
}

#[test]
fn misuse_is_told_before_the_program_starts() {
    let folder = Folder::new(&[("p.hr", "println(\"started\")\n")]);
    let cases = [
        ("--profile=x.png", "its name ends in .folded"),
        ("--profile=", "--profile= has no value"),
        ("--profile=/no-such-folder/x.svg", "cannot write /no-such-folder/x.svg: No such file"),
        ("--profile-allocations=x", "its name ends in .folded"),
    ];
    for (option, message) in cases {
        let outcome = run(&["run", option, &folder.path("p.hr")], "", LIMIT);
        assert!(outcome.stderr.contains(message), "{option}: {}", outcome.stderr);
        assert_eq!(outcome.misbehaved(2), None, "{option}");
        assert_eq!(outcome.stdout, "", "{option}");
    }
    let outcome = run(&["test", "--profile", &folder.path("p.hr")], "", LIMIT);
    assert!(outcome.stderr.contains("harrier run --profile"), "{}", outcome.stderr);
}

#[test]
fn programs_take_profiles_of_themselves() {
    let text = "\
use profile
fn work(n) { let mut x = 1 for i in range(0, n) { x = (x * 31 + i) % 1000003 } x }
fn message(f) { try { f() \"nothing\" } catch (e) { e.message } }
fn main(args) {
    let n = parse-int(args[0])
    println(profile/run(fn() { let x = work(n) x > 0 }))
    println(message(fn() { profile/run(fn() { throw SystemError.IOError { message: \"mine\", location: \"\" } }) }))
    println(message(profile/stop))
    profile/start()
    println(message(profile/start))
    println(message(fn() { profile/run(fn() { 1 }) }))
    work(n)
    let p = profile/stop()
    println(string-contains?(p[:table], \"profile: \"), p[:seconds] > 0, map(fn(f) { f[:name] }, p[:functions]) |>> filter(fn(n) { n == \"self/work\" }))
    for i in range(0, 200) { profile/start() profile/stop() }
}
";
    let folder = Folder::new(&[("self.hr", text)]);
    let file = folder.path("self.hr");
    let n = if measured() { "10000000" } else { "100000" };
    let outcome = run(&["run", &file, n], "", LIMIT);
    fine(&outcome);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(
        lines[..5],
        [
            "true",
            "mine",
            "stop: no profile is being taken",
            "start: a profile is being taken already; there is one at a time",
            "run: a profile is being taken already; there is one at a time",
        ]
    );
    if measured() {
        assert_eq!(lines[5], "true true [\"self/work\"]");
        assert!(outcome.stderr.contains("self/work"), "{}", outcome.stderr);
    }
    // What the command line has asked for, the program does not end.
    let outcome = run(&["--profile", "-"], "use profile\nprofile/stop()\n", LIMIT);
    assert!(outcome.stderr.contains("asked for by --profile"), "{}", outcome.stderr);
}

#[test]
fn a_storm_of_redefinitions_is_sampled_without_harm() {
    let text = "\
fn storm(n) {
    let mut t = 0
    for i in range(0, n) { t = t + eval(\"fn f(x) { x + ${i} } fn g(x) { f(x) * 2 } g(${i})\") }
    t
}
fn main(args) {
    let n = parse-int(args[0])
    let ts = map(fn(k) { thread(fn() { let mut x = 1 for i in range(0, n * 1000) { x = [x, i] x = x[0] } x }) }, range(0, 2))
    println(storm(n))
    map(join, ts)
}
";
    let folder = Folder::new(&[("storm.hr", text)]);
    let file = folder.path("storm.hr");
    let (many, few) = if measured() { ("3000", "60") } else { ("100", "10") };
    let sum = |n: i64| (0..n).map(|i| 4 * i).sum::<i64>();
    for (flags, n) in [(&["--profile"][..], many), (&["--profile", "--gc-always", "--gc-verify"], few)] {
        for more in [&[][..], &["--profile-allocations"]] {
            let args: Vec<&str> = [&["run"], flags, more, &[&file, n]].concat();
            let outcome = run(&args, "", LIMIT);
            fine(&outcome);
            assert_eq!(outcome.stdout.trim(), sum(n.parse().expect("a number")).to_string(), "{args:?}");
        }
    }
}

#[test]
fn deep_recursion_exceptions_and_many_threads_are_sampled_without_harm() {
    let text = "\
fn deep(n) { 1 + deep(n + 1) }
fn overflow() { try { deep(0) } catch (e) { 1 } }
fn thrower(n) { if n == 0 { throw :end } let x = thrower(n - 1) x }
fn main(args) {
    let n = parse-int(args[0])
    let mut t = 0
    for i in range(0, 5) { t = t + overflow() }
    for i in range(0, n * 10) { try { thrower(50) } catch (e) { t = t + 1 } }
    for i in range(0, n) {
        let ts = map(fn(k) { thread(fn() { let mut x = 1 for j in range(0, 3000) { x = x * 3 % 1007 } x }) }, range(0, 8))
        t = t + count(map(join, ts))
    }
    println(t)
}
";
    let folder = Folder::new(&[("harm.hr", text)]);
    let n: i64 = if measured() { 300 } else { 10 };
    let outcome =
        run(&["run", "--profile", "--profile-allocations", &folder.path("harm.hr"), &n.to_string()], "", LIMIT);
    fine(&outcome);
    assert_eq!(outcome.stdout.trim(), (5 + 18 * n).to_string());
}
