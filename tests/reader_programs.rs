//! Every program of the acceptance tests and the benchmarks can be read, and those that must not be read give their errors.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use harrier::reader::diagnostics::render_all;
use harrier::reader::tree::Source;
use harrier::reader::{Surroundings, dump, is_incomplete, lints, read};

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

/// Programs that the reader must refuse, wherever they are.
const REFUSED: [&str; 5] =
    ["break-outside.hr", "chained-comparison.hr", "immutable-let.hr", "two-syntax-errors.hr", "unterminated-string.hr"];

/// The lines that a program expects on stderr: what follows `// @error`, up to the next directive.
fn expected(text: &str) -> Option<Vec<&str>> {
    let mut lines = text.lines().skip_while(|line| line.trim_end() != "// @error");
    lines.next()?;
    Some(lines.map_while(|line| line.strip_prefix("// ")).take_while(|line| !line.starts_with('@')).collect())
}

#[test]
fn programs_are_read_or_refused() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for path in programs() {
        let text = std::fs::read_to_string(&path).expect("a program is UTF-8");
        let source = Arc::new(Source::new(path.display().to_string(), text));
        match read(Arc::clone(&source), &Surroundings::default()) {
            Ok(unit) => {
                assert!(!REFUSED.iter().any(|name| path.ends_with(name)), "{} was read", path.display());
                assert!(!dump(&unit).is_empty());
                // No false alarms: what people learn from has nothing suspicious.
                if ["bench", "examples", "stdlib"].iter().any(|folder| path.starts_with(here.join(folder))) {
                    let found: Vec<String> = lints::warnings(&unit).into_iter().map(|w| w.title).collect();
                    assert!(found.is_empty(), "{}: {found:?}", path.display());
                }
            }
            Err(errors) => {
                let drawn = render_all(&source, &errors, false);
                let main = std::fs::read_to_string(path.with_file_name("main.hr")).unwrap_or_default();
                let lines = expected(&source.text).or_else(|| expected(&main)).unwrap_or_else(|| panic!("{drawn}"));
                for line in lines {
                    assert!(drawn.contains(line), "{line} is not in\n{drawn}");
                }
                let unfinished = ["unterminated-string.hr", "unclosed.hr", "any-open-brace.hr", "any-open-map.hr"]
                    .iter()
                    .any(|n| path.ends_with(n));
                assert_eq!(is_incomplete(&errors), unfinished, "{drawn}");
            }
        }
    }
}
