//! Every program of the acceptance tests and the benchmarks can be read, and those that must not be read give their errors.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use harrier::reader::diagnostics::render_all;
use harrier::reader::tree::Source;
use harrier::reader::{Surroundings, dump, is_incomplete, read};

fn programs() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut work: Vec<PathBuf> = ["tests", "bench", "examples", "stdlib"].iter().map(|f| here.join(f)).collect();
    work.extend(std::env::var_os("HARRIER_PROGRAMS").map(PathBuf::from));
    while let Some(folder) = work.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                work.push(path);
            } else if path.extension().is_some_and(|e| e == "hr") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The programs that the reader must refuse.
const REFUSED: [&str; 5] =
    ["break-outside.hr", "chained-comparison.hr", "immutable-let.hr", "two-syntax-errors.hr", "unterminated-string.hr"];

#[test]
fn programs_are_read_or_refused() {
    for path in programs() {
        let text = std::fs::read_to_string(&path).expect("a program is UTF-8");
        let source = Arc::new(Source::new(path.display().to_string(), text));
        let refused = REFUSED.iter().any(|name| path.ends_with(name));
        match read(Arc::clone(&source), &Surroundings::default()) {
            Ok(unit) => {
                assert!(!refused, "{} was read", path.display());
                assert!(!dump(&unit).is_empty());
            }
            Err(errors) => {
                let text = render_all(&source, &errors, false);
                assert!(refused, "{text}");
                let lines: Vec<&str> = source.text.lines().filter_map(|l| l.strip_prefix("// @error")).collect();
                assert!(lines.len() == 1 || source.name.ends_with("unterminated-string.hr"));
                println!("{text}");
                assert_eq!(is_incomplete(&errors), source.name.ends_with("unterminated-string.hr"));
            }
        }
    }
}
