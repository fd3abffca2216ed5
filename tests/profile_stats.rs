//! `--stats`, `--gc-stats` and `--trace`: the counts of programs that are made to do something exactly so many times.

mod common;

use std::path::PathBuf;
use std::time::Duration;

use common::run;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs a text as the file `main.hr` under these options; what it says on stderr.
fn stderr_of(name: &str, text: &str, options: &[&str]) -> String {
    let folder: PathBuf = std::env::temp_dir().join(format!("harrier-stats-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    let file = folder.join("main.hr");
    std::fs::write(&file, text).expect("a file in it");
    let path = file.display().to_string();
    let args = [&["run"], options, &[path.as_str()]].concat();
    let outcome = run(&args, "", LIMIT);
    // What stays behind is in the folder for temporary files.
    let _ = std::fs::remove_dir_all(&folder);
    assert_eq!(outcome.misbehaved(0), None, "{}", outcome.stderr);
    outcome.stderr
}

/// The count in the row with this kind and a place that ends so.
fn count(stats: &str, kind: &str, place: &str) -> u64 {
    let row = |line: &&str| {
        let mut words = line.split_whitespace();
        words.next().is_some_and(|n| n.parse::<u64>().is_ok())
            && line.contains(&format!("  {kind} "))
            && line.contains(place)
    };
    let row = stats.lines().find(row).unwrap_or_else(|| panic!("no {kind} at {place}:\n{stats}"));
    row.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a count")
}

const SLOW: &str = "\
fn shift(a, n) {
    let mut x = a
    for i in range(0, n) {
        x = x % 7 + 1361129467683753853853498429727072845824
    }
    x
}
fn glue(n) {
    let mut t = 0
    for i in range(0, n) {
        t = t + length(repr(i))
    }
    t
}
fn main() {
    println(shift(3, 1000), glue(500))
}
";

#[test]
fn calls_of_helpers_are_counted_by_line_exactly() {
    for options in [&["--stats"][..], &["--stats", "--gc-always"]] {
        let stats = stderr_of("calls", SLOW, options);
        assert_eq!(count(&stats, "add", "main.hr:4 "), 1000, "{stats}");
        // The first time the Int is a small one still.
        assert_eq!(count(&stats, "remainder", "main.hr:4 "), 999, "{stats}");
        assert_eq!(count(&stats, "core/repr", "main.hr:11 "), 500, "{stats}");
    }
}

#[test]
fn what_is_freed_keeps_its_counts() {
    // Each turn has a function of its own, which is garbage at once; there are enough of them that code is freed.
    let text = "\
fn main() {
    for i in range(0, 5000) { eval(\"fn f(x) { replace(x, \\\"a\\\", \\\"b${i}\\\") } f(\\\"a\\\")\") }
}
";
    let stats = stderr_of("freed", text, &["--stats"]);
    let all = stats.lines().find(|l| l.trim_end().ends_with("  core/replace")).unwrap_or_else(|| panic!("{stats}"));
    assert_eq!(all.split_whitespace().next(), Some("5000"), "{stats}");
    // The lines are shown as long as there are few of them.
    assert_eq!(count(&stats, "core/replace", "<eval>:1  (in other texts)"), 4900, "{stats}");
}

#[test]
fn each_evaluated_text_has_its_lines() {
    let text = "fn main() {
    for i in range(0, 300) { eval(\"replace(\\\"a\\\", \\\"a\\\", \\\"b\\\")\") }
    eval(\"fn g(x) {\\n  replace(x, \\\"c\\\", \\\"d\\\")\\n}\\n[g(\\\"c\\\"), g(\\\"e\\\")]\")
}
";
    let stats = stderr_of("texts", text, &["--stats"]);
    assert_eq!(count(&stats, "core/replace", "<eval>:1  replace(\"a\", \"a\", \"b\")"), 300, "{stats}");
    assert_eq!(count(&stats, "core/replace", "<eval>:2  replace(x, \"c\", \"d\")"), 2, "{stats}");
    assert!(!stats.contains("in other texts"), "{stats}");
}

#[test]
fn side_exits_are_counted_by_reason() {
    // The loop is written for Ints; each call with a vector of Floats leaves it once and for all.
    let text = "\
fn total(v) {
    let mut t = 0
    for x in v {
        t = t + x
    }
    t
}
fn main() {
    println(total([1, 2, 3]))
    for i in range(0, 100) { total([1, 2.5, 3]) }
}
";
    let stats = stderr_of("exits", text, &["--stats"]);
    assert_eq!(count(&stats, "side exit: no small Int, or a result that is none", "main.hr:4 "), 100, "{stats}");
    let plain = stderr_of("plain", text, &[]);
    assert_eq!(plain, "", "nothing is said without the option");
}

#[test]
fn hot_code_is_made_for_what_is_there() {
    // A closure whose body was compiled ahead of its first call, when nothing was known of what it captures: it is compiled again. An
    // Int beside Floats, in fields and variables, and a field that is negated, are no reason to leave.
    let text = "\
struct Stats { mut n, mut mean, mut sign }
fn add!(s, x) {
    s.n = s.n + 1
    s.mean = s.mean + (x - s.mean) / s.n
    if s.mean < s.n { s.sign = -s.sign }
}
fn table(n, k) { map(fn(i) { map(fn(j) { (i * k + j) * 0.5 }, range(0, n)) }, range(0, n)) }
fn product(a, b, n) {
    map(fn(row) {
        map(fn(j) {
            let mut sum = 0.0
            for k in range(0, n) { sum = sum + row[k] * b[k][j] }
            sum
        }, range(0, n))
    }, a)
}
fn main() {
    let s = Stats { n: 0, mean: 0.0, sign: 1.0 }
    for i in range(0, 100) { add!(s, i * 0.5) }
    println(s.n, s.mean, s.sign, product(table(10, 3), table(10, 7), 10)[3][5])
}
";
    let stats = stderr_of("made-for", text, &["--stats"]);
    let left: Vec<&str> =
        stats.lines().filter(|line| line.contains("side exit: ") && line.contains("main.hr:")).collect();
    assert!(left.iter().all(|line| line.trim_start().starts_with("1 ")), "{stats}");
}

#[test]
fn compilation_is_summed_up_and_traced() {
    let text = "\
fn twice(x) { let mut t = 0 for i in range(0, 2) { t = t + x } t }
fn main() {
    println(twice(4))
    eval(\"fn twice(x) { x + x + 0 }\")
    println(twice(5))
}
";
    let said = stderr_of("traced", text, &["--stats", "--trace=compile"]);
    let traced: Vec<&str> = said.lines().filter(|l| l.starts_with("compile: ")).collect();
    let lines = |name: &str| traced.iter().filter(|l| l.contains(&format!(" {name}  "))).count();
    assert_eq!((lines("main/twice"), lines("main/main")), (2, 1), "{said}");
    let why =
        |name: &str, why: &str| traced.iter().any(|l| l.contains(&format!(" {name}  1 argument ")) && l.ends_with(why));
    assert!(why("main/twice", "again"), "{said}");
    assert!(traced.iter().all(|l| l.contains(" bytes  ") && l.contains(" µs  ")), "{said}");
    assert!(said.contains(&format!("stats: compiled: {} functions (", traced.len())), "{said}");
    assert!(said.contains("longest pause of a first call"), "{said}");
    assert!(said.contains("stats: collections: "), "{said}");
    assert!(!stderr_of("untraced", text, &[]).contains("compile"));
}

/// A program that collects, of itself and because it asks.
const COLLECTS: &str = "\
fn main() {
    let mut kept = []
    for i in range(0, 2000) {
        kept = push(kept, vec(range(0, 500)))
        if i % 100 == 0 { kept = [] }
    }
    gc()
    let stats = gc-stats()
    println(stats[:young][:collections], stats[:full][:collections])
    for kind in [:young, :full] {
        let counts = map(fn(row) { row[1] }, stats[kind][:histogram])
        assert!(sum(counts) == stats[kind][:collections])
        assert!(stats[kind][:survived-bytes] <= stats[kind][:candidate-bytes])
    }
    assert!(stats[:full][:median] <= stats[:full][:p99] && stats[:full][:p99] <= stats[:full][:longest])
}
";

#[test]
fn each_collection_has_its_line() {
    for collector in ["generational", "compacting"] {
        let gc = format!("--gc={collector}");
        let said = stderr_of("collects", COLLECTS, &[&gc, "--trace=gc", "--gc-stats"]);
        let lines: Vec<&str> = said.lines().filter(|l| l.starts_with("gc: ")).collect();
        assert!(lines.len() > 2, "{said}");
        for (i, line) in lines.iter().enumerate() {
            assert!(line.starts_with(&format!("gc: {} ", i + 1)), "{said}");
            let parts = [" µs  ", " -> ", " moved", "  next after "];
            assert!(parts.iter().all(|part| line.contains(part)), "{said}");
        }
        assert_eq!(lines.iter().filter(|l| l.contains(" full  asked for  ")).count(), 1, "{said}");
        let young = lines.iter().filter(|l| l.contains(" young  round used up  ") && l.contains(" became old")).count();
        assert_eq!(young > 0, collector == "generational", "{said}");
        assert!(said.contains(&format!("stats: collections: {} ({collector})", lines.len())), "{said}");
        assert!(said.contains("  full, shorter than ") && said.contains("of all lived on"), "{said}");
    }
}
