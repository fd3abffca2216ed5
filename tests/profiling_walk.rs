//! The walk through a profile in docs/profiling.md: its commands, with the real tools, still print the rows that the document shows.
//!
//! A block there begins with a command (`$ …`), whose output follows. Each row of a table with a share of five per cent or more is
//! held against what the command prints now: it is there, its share is within a wide band, and the largest is the same. The
//! document says which line is which; of annotated code the lines of the text are compared.
//!
//! Under an emulator perf would see the emulator: the test says so and does nothing.

mod common;

use std::path::Path;
use std::process::Command;

/// So many hundredths a share may be away from what is written.
const BAND: f64 = 20.0;

/// The commands of the walk with what the document shows of their output.
fn walk(document: &str) -> Vec<(String, String)> {
    let (_, walk) = document.split_once("\n## A walk").expect("the walk");
    let walk = walk.split("\n## ").next().unwrap_or(walk);
    let blocks = walk.split("```text\n").skip(1).map(|block| block.split("\n```").next().unwrap_or(block));
    let mut found: Vec<(String, String)> = Vec::new();
    for line in blocks.flat_map(str::lines) {
        if let Some(command) = line.strip_prefix("$ ") {
            found.push((command.to_string(), String::new()));
        } else {
            let (_, output) = found.last_mut().expect("a block begins with a command");
            output.extend([line, "\n"]);
        }
    }
    found
}

/// A row of a table: what it is about, and its first share.
fn row(line: &str) -> Option<(String, f64)> {
    let (before, mut rest) = line.split_once("% ")?;
    let share = before.rsplit(' ').next()?.parse().ok()?;
    // Our own tables have a second share, of the total; perf has the file and a mark before the symbol.
    if let Some((total, name)) = rest.split_once("% ")
        && total.trim_start().split(' ').nth(1) == Some("s")
    {
        rest = name;
    }
    let rest = rest.split_once("] ").map_or(rest, |(_, symbol)| symbol).trim();
    Some((rest.split("  ").next().unwrap_or(rest).to_string(), share))
}

/// The rows of the tables of an output; a table ends where another kind of line comes.
fn tables(output: &str) -> Vec<Vec<(String, f64)>> {
    let mut tables = vec![Vec::new()];
    for line in output.lines().filter(|line| line.trim() != "…") {
        match row(line) {
            Some(row) => tables.last_mut().expect("one at least").push(row),
            None => tables.push(Vec::new()),
        }
    }
    tables.retain(|table| !table.is_empty());
    tables
}

/// What the runtime takes is another share in other builds, and its Rust functions are other ones.
fn is_told(name: &str) -> bool {
    !name.starts_with("harrier::")
}

fn compare_tables(written: &str, now: &str) -> Vec<String> {
    let (written, now_tables) = (tables(written), tables(now));
    let mut wrong = Vec::new();
    if written.len() != now_tables.len() {
        wrong.push(format!("{} tables instead of {}", now_tables.len(), written.len()));
    }
    for (written, now) in written.iter().zip(&now_tables) {
        // Of two that are as large as each other now one is the first, now the other.
        let first = |table: &[(String, f64)]| table.iter().find(|row| is_told(&row.0)).cloned();
        if let (Some((largest, share)), Some((_, most))) = (first(written), first(now)) {
            let now = now.iter().find(|row| row.0 == largest).map_or(0.0, |row| row.1);
            if now < most - BAND {
                wrong
                    .push(format!("{largest}, the largest with {share} %, has {now} % where another one has {most} %"));
            }
        }
        for (name, share) in written.iter().filter(|row| row.1 >= 5.0 && is_told(&row.0)) {
            match now.iter().find(|row| row.0 == *name) {
                Some((_, now)) if (now - share).abs() <= BAND => {}
                Some((_, now)) => wrong.push(format!("{name}: {now} % instead of {share} %")),
                None => wrong.push(format!("{name} ({share} %) is missing")),
            }
        }
    }
    wrong
}

/// The lines of the text in annotated code, each with the share of the instructions below it.
fn annotated(output: &str) -> Vec<(String, f64)> {
    let mut lines: Vec<(String, f64)> = Vec::new();
    for line in output.lines() {
        let Some((before, after)) = line.split_once(':') else { continue };
        if before.trim().is_empty() {
            let text = after.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).trim();
            lines.push((text.to_string(), 0.0));
        } else if let (Ok(share), Some(last)) = (before.trim().parse::<f64>(), lines.last_mut()) {
            last.1 += share;
        }
    }
    lines
}

fn compare_code(written: &str, now: &str) -> Vec<String> {
    let sum = |lines: &[(String, f64)], text: &str| -> f64 {
        lines.iter().filter(|line| line.0 == text).map(|line| line.1).sum()
    };
    let (written, now) = (annotated(written), annotated(now));
    let mut wrong = Vec::new();
    for (text, _) in written.iter().filter(|line| line.1 >= 5.0) {
        // Where exactly the processor is stopped differs: the lines of the loop are looked at, not each for itself.
        if sum(&now, text) == 0.0 {
            wrong.push(format!("nothing on the line {text:?}: {now:?}"));
        }
    }
    let hot = |lines: &[(String, f64)]| -> f64 {
        written.iter().filter(|line| line.1 >= 5.0).map(|line| sum(lines, &line.0)).sum()
    };
    if (hot(&written) - hot(&now)).abs() > BAND {
        wrong.push(format!("{} % on the lines of the loop instead of {} %", hot(&now), hot(&written)));
    }
    wrong
}

/// A command of the walk with what it is written to print: where what it prints now differs.
fn taken((command, written): &(String, String), folder: &common::Folder, path: &str) -> Vec<String> {
    let mut shell = Command::new("timeout");
    shell.args(["-k", "1", "100", "sh", "-c", command]).current_dir(&folder.0);
    let output = shell.env("PATH", path).env("HOME", &folder.0).env("LC_ALL", "C.UTF-8").output().expect("a shell");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {printed}");
    let differences = match command.contains("annotate") {
        true => compare_code(written, &printed),
        false => compare_tables(written, &printed),
    };
    differences.into_iter().map(|what| format!("{command}: {what}\n{printed}")).collect()
}

#[test]
fn the_walk_is_as_it_is_written() {
    if std::env::var_os("HARRIER_BIN").is_some() || !cfg!(target_arch = "x86_64") {
        println!("the_walk_is_as_it_is_written is left out: perf would see the emulator, and the listing is of x86-64");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("docs/profiling.md")).expect("the document");
    let program = std::fs::read_to_string(root.join("tests/profiling/orders.hr")).expect("the program");
    let folder = common::Folder::new(&[("orders.hr", &program)]);
    std::os::unix::fs::symlink(common::harrier(), folder.0.join("harrier")).expect("a link to the program");
    let path = format!("{}:{}", folder.0.display(), std::env::var("PATH").unwrap_or_default());
    let commands = walk(&document);
    assert!(commands.len() >= 5, "{commands:?}");
    let wrong = common::at_a_calm_moment(|| commands.iter().flat_map(|step| taken(step, &folder, &path)).collect());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The picture in the document shows what the one that was made now shows.
    for file in [root.join("docs/profiling/orders.svg"), folder.0.join("orders.svg")] {
        let picture = std::fs::read_to_string(&file).expect("a flame graph");
        for name in ["orders/main", "orders/by-customer", "orders/total", "orders/make-orders"] {
            assert!(picture.contains(&format!("<title>{name} (")), "{name} is not in {}", file.display());
        }
    }
}
