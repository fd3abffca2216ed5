//! Runs every example of the documents for users, and compares what they print with what the documents say.
//!
//! - A block ```` ```harrier ```` is a program. The block ```` ```output ```` after it is exactly what it prints. A line
//!   `expression // => value` stands for the expression's readable form.
//! - A block ```` ```harrier-error ```` ends with status 1; each line of the ```` ```output ```` after it must occur in stderr.
//! - Blocks ```` ```harrier file=a/b.hr ```` are files of one program, which is run at `file=main.hr`.

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, PartialEq)]
struct Example {
    /// Where it stands.
    line: usize,
    /// The files; the last one is run.
    files: Vec<(String, String)>,
    stdout: Option<String>,
    /// What must occur in stderr; then the status is 1.
    stderr: Option<Vec<String>>,
}

/// The examples of a document.
fn examples(text: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut files: Vec<(String, String)> = Vec::new();
    for (line, info, body) in blocks(text) {
        let (kind, file) = info.split_once(" file=").map_or((info.as_str(), None), |(kind, file)| (kind, Some(file)));
        match kind {
            "harrier" | "harrier-error" => {
                let name = file.unwrap_or("example.hr");
                let (program, values) = expand(&body);
                files.push((name.to_string(), program));
                if file.is_some_and(|f| f != "main.hr") {
                    continue;
                }
                let stderr = (kind == "harrier-error").then(Vec::new);
                let stdout = stderr.is_none().then_some(values);
                found.push(Example { line, files: std::mem::take(&mut files), stdout, stderr });
            }
            "output" => {
                let example = found.last_mut().unwrap_or_else(|| panic!("line {line}: output without an example"));
                match &mut example.stderr {
                    Some(pieces) => pieces.extend(body.lines().map(String::from)),
                    None => example.stdout = Some(body),
                }
            }
            _ => {}
        }
    }
    assert!(files.is_empty(), "files without a main.hr");
    found
}

/// The fenced blocks: line, the words after the fence, the text.
fn blocks(text: &str) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String, String)> = None;
    for (index, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((index + 1, info.trim().to_string(), String::new())),
            (Some(_), Some("")) => found.extend(open.take()),
            (Some((_, _, body)), _) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is never closed");
    found
}

/// A program in which each `expression // => value` prints the expression, and the values in order.
fn expand(body: &str) -> (String, String) {
    let (mut program, mut values) = (String::new(), String::new());
    for line in body.lines() {
        match line.split_once(" // => ") {
            Some((expression, value)) => {
                program.push_str(&format!("println(repr({expression}))\n"));
                values.push_str(value);
                values.push('\n');
            }
            None => {
                program.push_str(line);
                program.push('\n');
            }
        }
    }
    (program, values)
}

fn check(folder: &Path, example: &Example) -> Vec<String> {
    let mut last = PathBuf::new();
    for (name, text) in &example.files {
        last = folder.join(name);
        std::fs::create_dir_all(last.parent().unwrap_or(folder)).expect("a folder for the example can be made");
        std::fs::write(&last, text).expect("the example can be written");
    }
    let got = common::run(&["run", &last.to_string_lossy()], "", Duration::from_secs(20));
    let mut why: Vec<String> = got.misbehaved(i32::from(example.stderr.is_some())).into_iter().collect();
    if let Some(stdout) = &example.stdout {
        why.extend(common::difference(stdout, &got.stdout));
    }
    for piece in example.stderr.iter().flatten().filter(|p| !got.stderr.contains(*p)) {
        why.push(format!("stderr lacks {piece:?}"));
    }
    if !why.is_empty() {
        why.extend(got.stderr.lines().take(14).map(|line| format!("  {line}")));
    }
    why
}

fn check_document(name: &str, at_least: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let examples = examples(&text);
    assert!(examples.len() >= at_least, "{name} has {} examples", examples.len());
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.replace('/', "-"));
    let _ = std::fs::remove_dir_all(&root);
    let failed = common::in_parallel(&examples, |example| check(&root.join(format!("line-{}", example.line)), example));
    for (index, why) in &failed {
        println!("FAIL {name}:{}", examples[*index].line);
        why.iter().for_each(|line| println!("     {line}"));
    }
    assert!(failed.is_empty(), "{} of {} examples of {name} failed", failed.len(), examples.len());
}

#[test]
fn readme() {
    check_document("README.md", 2);
}

#[test]
fn language() {
    check_document("docs/language.md", 40);
}

#[test]
fn tutorial() {
    check_document("docs/tutorial.md", 10);
}

#[test]
fn coming_from_elsewhere() {
    for name in ["docs/from-python.md", "docs/from-javascript.md", "docs/from-clojure.md"] {
        check_document(name, 6);
    }
}

/// The index of the library is what its doc comments give, and the examples in them are true. `HARRIER_BLESS=1` writes it anew.
#[test]
fn index_of_the_library() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let (program, index) = (folder.join("builtins.hr"), folder.join("builtins.md"));
    let run = |args: &[&str]| {
        let program = program.to_string_lossy().into_owned();
        let args: Vec<&str> = ["run", &program].into_iter().chain(args.iter().copied()).collect();
        let got = common::run(&args, "", Duration::from_secs(20));
        assert!(got.misbehaved(0).is_none(), "{got:?}");
        got.stdout
    };
    let wrong = run(&["check"]);
    let tried = wrong.strip_prefix("tried ").and_then(|n| n.trim().parse::<usize>().ok());
    assert!(tried.is_some_and(|n| n > 250), "examples of doc comments that are not true:\n{wrong}");
    let now = run(&[]);
    if std::env::var_os("HARRIER_BLESS").is_some() {
        std::fs::write(&index, &now).expect("the index can be written");
    }
    let written = std::fs::read_to_string(&index).unwrap_or_default();
    assert_eq!(
        common::difference(&written, &now),
        Vec::<String>::new(),
        "docs/builtins.md is old: HARRIER_BLESS=1 writes it"
    );
}

#[test]
fn examples_are_found() {
    let text = "a\n```harrier\n1 + 1 // => 2\nlet a = 1\n```\n\n```harrier file=b.hr\nx\n```\n```harrier file=main.hr\ny\n```\n```output\nz\n```\n```sh\nls\n```\n```harrier-error\nq\n```\n```output\npiece\n```\n";
    let found = examples(text);
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].files, [("example.hr".to_string(), "println(repr(1 + 1))\nlet a = 1\n".to_string())]);
    assert_eq!(found[0].stdout.as_deref(), Some("2\n"));
    assert_eq!(found[1].files.len(), 2);
    assert_eq!(found[1].stdout.as_deref(), Some("z\n"));
    assert_eq!((found[2].stderr.clone(), found[2].stdout.clone()), (Some(vec!["piece".to_string()]), None));
}
