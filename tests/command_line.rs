//! What the commands make of files and flags: `harrier test` counts what never ran, flags are read as they are written.

mod common;

use std::path::PathBuf;
use std::time::Duration;

use common::run;

/// A folder of files for one test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Folder {
        let path = std::env::temp_dir().join(format!("harrier-command-line-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for temporary files");
        for (file, text) in files {
            std::fs::write(path.join(file), text).expect("a file in it");
        }
        Folder(path)
    }

    fn path(&self, file: &str) -> String {
        self.0.join(file).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind is in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn tests_that_never_ran_have_failed() {
    let after = "test \"never\" { assert!(true) }\n";
    let folder = Folder::new(
        "totals",
        &[
            ("ends.hr", &format!("test \"fine\" {{ assert!(true) }}\ntest \"kill\" {{ exit(0) }}\n{after}")),
            ("hangs.hr", &format!("test \"hang\" {{ loop {{ }} }}\n{after}")),
            ("throws.hr", &format!("let x = null.y\n{after}")),
        ],
    );
    let json = folder.path("results.json");
    let args = ["test", "--limit", "2", "--json", &json, &folder.path("")];
    let outcome = run(&args, "", LIMIT);
    assert_eq!(outcome.misbehaved(1), None);
    assert!(outcome.stdout.ends_with("1 passed, 6 failed\n"), "{}", outcome.stdout);
    assert_eq!(outcome.stdout.matches(": never\n     did not run\n").count(), 3, "{}", outcome.stdout);
    assert!(outcome.stdout.contains("ends.hr: kill\n     ended with exit status 0\n"), "{}", outcome.stdout);
    let results = std::fs::read_to_string(json).expect("the results");
    assert_eq!(results.matches("did not run").count(), 3, "{results}");
    assert!(results.contains("\"failed\": 6"), "{results}");
}

#[test]
fn a_filter_leaves_out_tests_that_never_ran_too() {
    let folder = Folder::new("filter", &[("a.hr", "test \"one\" { exit(3) }\ntest \"two\" { 1 }\n")]);
    let outcome = run(&["test", "--filter", "one", &folder.path("a.hr")], "", LIMIT);
    assert!(outcome.stdout.ends_with("0 passed, 1 failed\n"), "{}", outcome.stdout);
}

#[test]
fn the_folder_of_an_include_flag_may_touch_it() {
    let folder = Folder::new("include", &[("lib.hr", "fn f() { 5 }")]);
    for flags in [vec![format!("-I{}", folder.path(""))], vec!["-I".to_string(), folder.path("")]] {
        let mut args: Vec<&str> = flags.iter().map(String::as_str).collect();
        args.extend(["-e", "use lib\nlib/f()"]);
        let outcome = run(&args, "", LIMIT);
        assert_eq!((outcome.misbehaved(0), outcome.stdout.as_str()), (None, "5\n"), "{flags:?}: {}", outcome.stderr);
    }
}
