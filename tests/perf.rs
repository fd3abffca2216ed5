//! perf sees Harrier: functions under their names, the right lines, whole stacks. Seven programs run under `perf record`, go through
//! `perf inject --jit`, and are reported; what is expected is known because of how they are made.
//!
//! Under an emulator (`HARRIER_BIN`) perf would see the emulator: there the dump alone is read.

mod common;
#[path = "common/dump.rs"]
mod dump;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

/// A program and what a profile of it must show.
struct Program {
    name: &'static str,
    text: &'static str,
    /// Nearly all samples in generated code are in these functions (each with all its parts); empty: not told.
    functions: &'static [&'static str],
    /// Nearly all samples in generated code are on lines that contain one of these; empty: not told.
    lines: &'static [&'static str],
    /// Its work is done by other threads than that of `main`.
    threads: bool,
}

const PROGRAMS: &[Program] = &[
    Program {
        name: "integers",
        text: "
fn collatz(n) {
    let mut steps = 0
    let mut x = n

    while x != 1 {                                     // hot
        x = if x % 2 == 0 { x / 2 } else { 3 * x + 1 } // hot
        steps = steps + 1                              // hot
    }
    steps
}

fn main() {
    let mut most = 0
    for n in range(1, 1000000) {
        most = max(most, collatz(n))
    }
    println(most)
}
",
        functions: &["main/collatz", "main/main"],
        lines: &["hot"],
        threads: false,
    },
    Program {
        name: "floats",
        text: "
fn step(x, y) {
    (x * y + 0.5) * 0.999 - x / (y + 2.0)    // hot
}

fn main() {
    let mut a = 0.1
    for i in range(0, 30000000) {               // hot
        let b = step(a, 1.25)                // hot
        a = b * 0.5 + a * 0.25               // hot
    }
    println(a > 0.0)
}
",
        functions: &["main/main"],
        lines: &["hot"],
        threads: false,
    },
    Program {
        name: "calls",
        text: "
fn fib(n) {                          // hot
    if n < 2 { n }                   // hot
    else { fib(n - 1) + fib(n - 2) } // hot
}

fn main() {
    println(fib(36))
}
",
        functions: &["main/fib"],
        lines: &["hot"],
        threads: false,
    },
    Program {
        name: "closures",
        text: "
struct Point { x, y }
protocol Norm { fn norm(self) }
extend Point with Norm { fn norm(self) { self.x * self.x + self.y * self.y } }

fn sum(v, f) {
    let mut s = 0
    for x in v { s = s + f(x) }
    s
}

fn main() {
    let points = map(fn(i) { Point { x: i, y: i + 1 } }, range(0, 1000))
    let mut s = 0
    for turn in range(0, 20000) {
        s = s + sum(points, fn(p) { norm(p) + turn })
    }
    println(s > 0)
}
",
        functions: &[],
        lines: &[],
        threads: false,
    },
    Program {
        name: "helpers",
        text: "
fn risky(n) { if n % 3 == 0 { throw \"three\" } else { to-string(n) } }

fn main() {
    let mut m = {}
    let mut caught = 0
    for i in range(0, 300000) {
        let word = try { risky(i) } catch (e) { caught = caught + 1  e }
        m = assoc(m, word, i)
    }
    println(length(m) > 0 && caught > 0)
}
",
        functions: &[],
        lines: &[],
        threads: false,
    },
    Program {
        name: "threads",
        text: "
fn build(n) { if n == 0 { null } else { [build(n - 1), build(n - 1)] } }
fn size(t) { if t == null { 0 } else { 1 + size(t[0]) + size(t[1]) } }

fn main() {
    let work = fn(i) { thread(fn() { let mut s = 0  for k in range(0, 80) { s = s + size(build(13)) }  s }) }
    println(map(join, map(work, range(0, 3))))
}
",
        functions: &[],
        lines: &[],
        threads: true,
    },
    Program {
        name: STORM,
        text: "
fn storm(thread, n) {
    let mut sum = 0
    for i in range(0, n) {
        sum = sum + eval(\"fn storm${thread}(n) { let g = fn(x) { x + n }\\n  apply(g, [${i}]) } storm${thread}(1)\")
    }
    sum
}

fn main() {
    let threads = map(fn(k) { thread(fn() { let s = storm(k, 160)  s }) }, range(0, 8))
    println(sum(map(join, threads)))
}
",
        functions: &[],
        lines: &[],
        threads: true,
    },
];

/// Eight threads define functions anew, each its own, and call them at once.
const STORM: &str = "storm";

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error} (package linux-perf?)"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A sample: the addresses of its stack with symbol and file, innermost first.
struct Sample {
    stack: Vec<(String, String)>,
    /// `file.hr:12` of the innermost.
    line: String,
}

/// Records a program and gives its samples after `perf inject --jit`.
fn profile(folder: &Path, program: &Program) -> Vec<Sample> {
    let source = folder.join("main.hr");
    std::fs::write(&source, program.text).expect("the program");
    let (data, injected) = (folder.join("perf.data"), folder.join("perf.jit.data"));
    let perf = |arguments: &[&str]| {
        let mut command = Command::new("perf");
        command.current_dir(folder).env("HOME", folder).args(arguments);
        command
    };
    let record = ["record", "-q", "-k", "mono", "-e", "cpu-clock", "-F", "4999", "-g", "-o"];
    let jitdump = format!("--jitdump={}", folder.display());
    run(perf(&record).arg(&data).arg("--").arg(common::harrier()).arg(&jitdump).arg(&source));
    run(perf(&["inject", "--jit", "-i"]).arg(&data).arg("-o").arg(&injected));
    let script = |fields: &[&str]| {
        let output = run(perf(&["script"]).args(fields).arg("-i").arg(&injected));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let mut samples = stacks(&script(&["-F", "ip,sym,dso", "--no-inline"]));
    if !program.lines.is_empty() {
        // Without stacks: perf starts a process for each place that it looks up.
        let lines = script(&["-F", "ip,sym,dso,srcline", "-G"]);
        let mut at = 0;
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match (frame(line), samples.get_mut(at.max(1) - 1)) {
                (Some(_), _) => at += 1,
                (None, Some(sample)) => sample.line = line.to_string(),
                (None, None) => {}
            }
        }
        assert_eq!(at, samples.len(), "perf prints the same samples twice");
    }
    samples
}

/// `address symbol (file)`
fn frame(line: &str) -> Option<(String, String)> {
    let (address, _) = line.split_once(' ')?;
    u64::from_str_radix(address, 16).ok()?;
    let (symbol, file) = line[address.len()..].rsplit_once(" (")?;
    Some((symbol.trim().to_string(), file.trim_end_matches(')').to_string()))
}

/// What `perf script` prints: a stack of frames, then an empty line.
fn stacks(text: &str) -> Vec<Sample> {
    let stacks = text.split("\n\n").map(|block| block.lines().filter_map(|line| frame(line.trim())).collect());
    let stacks = stacks.filter(|stack: &Vec<_>| !stack.is_empty());
    stacks.map(|stack| Sample { stack, line: String::new() }).collect()
}

/// `12345 of 20000`, and whether that is so many hundredths at least.
fn share(what: &str, good: usize, all: usize, hundredths: usize, bad: &BTreeMap<String, usize>) -> Option<String> {
    let mut bad: Vec<_> = bad.iter().collect();
    bad.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    bad.truncate(12);
    println!("  {what}: {good} of {all}{}", if good < all { format!(", not {bad:?}") } else { String::new() });
    (good * 100 < all * hundredths).then(|| format!("{what}: {good} of {all}, not {bad:?}"))
}

fn is_generated(file: &str) -> bool {
    file.contains("jitted-")
}

fn check(program: &Program, folder: &Path) -> Vec<String> {
    let samples = profile(folder, program);
    let binary = common::harrier().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    println!("{}: {} samples", program.name, samples.len());
    let mut failures = Vec::new();
    if samples.len() < 200 {
        failures.push(format!("only {} samples", samples.len()));
    }
    let generated: Vec<&Sample> = samples.iter().filter(|sample| is_generated(&sample.stack[0].1)).collect();
    // What perf has no name for, outside of the kernel and of the system's libraries, is code of ours that was not told.
    let nameless = samples.iter().filter(|s| s.stack[0].0.starts_with("[unknown]"));
    let nameless = nameless.filter(|s| !s.stack[0].1.contains(".so") && !s.stack[0].1.contains("[kernel"));
    let nameless: Vec<_> = nameless.map(|s| s.stack[0].1.clone()).collect();
    if !nameless.is_empty() {
        failures.push(format!("{} samples have no name, in {:?}", nameless.len(), nameless[0]));
    }
    let count = |bad: &mut BTreeMap<String, usize>, what: &str| *bad.entry(what.to_string()).or_default() += 1;
    if !program.functions.is_empty() {
        let (mut good, mut bad) = (0, BTreeMap::new());
        for sample in &generated {
            let name = sample.stack[0].0.split(" [").next().unwrap_or_default();
            if program.functions.contains(&name) { good += 1 } else { count(&mut bad, &sample.stack[0].0) }
        }
        failures.extend(share("the right function", good, generated.len(), 97, &bad));
    }
    if !program.lines.is_empty() {
        let text: Vec<&str> = program.text.lines().collect();
        let (mut good, mut bad) = (0, BTreeMap::new());
        for sample in &generated {
            let number = sample.line.rsplit_once("main.hr:").and_then(|(_, n)| n.trim().parse::<usize>().ok());
            let line = number.and_then(|n| text.get(n.wrapping_sub(1))).copied().unwrap_or("");
            let right = program.lines.iter().any(|hot| line.contains(hot));
            if right { good += 1 } else { count(&mut bad, &format!("{} {}", sample.stack[0].0, sample.line)) }
        }
        failures.extend(share("the right line", good, generated.len(), 95, &bad));
    }
    // A leaf in our code: the stack reaches `main`, or the start of a thread that does not run the program, or not yet.
    let (mut good, mut all, mut bad) = (0, 0, BTreeMap::new());
    for Sample { stack, .. } in
        samples.iter().filter(|s| is_generated(&s.stack[0].1) || s.stack[0].1.ends_with(&binary))
    {
        all += 1;
        let starts = stack.iter().any(|(_, file)| file.contains("libc.so"));
        let in_program = stack.iter().any(|(symbol, _)| symbol.starts_with("main/"));
        let reaches = stack.iter().any(|(symbol, _)| symbol == "main/main");
        let whole = if in_program { reaches || program.threads && starts } else { starts };
        if whole {
            good += 1
        } else {
            count(&mut bad, &format!("{:?}", stack.iter().map(|s| &s.0).collect::<Vec<_>>()))
        }
    }
    failures.extend(share("whole stacks", good, all, 98, &bad));
    failures
}

fn read_dump(folder: &Path, program: &Program) {
    let mut files = std::fs::read_dir(folder).expect("the folder").filter_map(Result::ok).map(|entry| entry.path());
    let file = files.find(|path| path.extension().is_some_and(|e| e == "dump")).expect("a dump");
    let dump = dump::read(&std::fs::read(file).expect("the dump"));
    assert!(dump.closed, "{}: the last record", program.name);
    let main = dump.loads.iter().find(|load| load.name == "main/main").expect("main");
    if program.name == STORM {
        for thread in 0..8 {
            let name = format!("main/storm{thread}");
            let bodies: Vec<_> = dump.loads.iter().filter(|load| load.name == name).collect();
            assert!(bodies.len() >= 40, "{name} was published {} times", bodies.len());
            assert!(bodies.iter().all(|load| load.lines.iter().any(|line| line.line == 2)), "{name}: its lines");
        }
    }
    assert!(main.lines.len() > 2 && main.lines.iter().all(|line| line.file.ends_with("main.hr")), "{:?}", main.lines);
}

#[test]
fn perf_sees_functions_lines_and_stacks() {
    let emulated = std::env::var_os("HARRIER_BIN").is_some();
    let failures = common::in_parallel(PROGRAMS, |program| {
        let folder = common::Folder::new(&[]);
        let failures = if emulated {
            println!("{}: the dump only, because perf would see the emulator", program.name);
            let source = folder.0.join("main.hr");
            std::fs::write(&source, program.text).expect("the program");
            let jitdump = format!("--jitdump={}", folder.0.display());
            let outcome = common::run(&[&jitdump, &source.to_string_lossy()], "", Duration::from_secs(60));
            outcome.misbehaved(0).into_iter().collect()
        } else {
            check(program, &folder.0)
        };
        read_dump(&folder.0, program);
        failures
    });
    let text: Vec<String> =
        failures.iter().map(|(at, why)| format!("{}: {}", PROGRAMS[*at].name, why.join("\n    "))).collect();
    assert!(text.is_empty(), "\n{}", text.join("\n"));
}
