//! What the commands make of files and flags: `harrier test` counts what never ran, flags are read as they are written.

mod common;

use std::time::Duration;

use common::{Folder, run};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn tests_that_never_ran_have_failed() {
    let after = "test \"never\" { assert!(true) }\n";
    let folder = Folder::new(&[
        ("ends.hr", &format!("test \"fine\" {{ assert!(true) }}\ntest \"kill\" {{ exit(0) }}\n{after}")),
        ("hangs.hr", &format!("test \"hang\" {{ loop {{ }} }}\n{after}")),
        ("throws.hr", &format!("let x = null.y\n{after}")),
    ]);
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
    let folder = Folder::new(&[("a.hr", "test \"one\" { exit(3) }\ntest \"two\" { 1 }\n")]);
    let outcome = run(&["test", "--filter", "one", &folder.path("a.hr")], "", LIMIT);
    assert!(outcome.stdout.ends_with("0 passed, 1 failed\n"), "{}", outcome.stdout);
}

#[test]
fn the_folder_of_an_include_flag_may_touch_it() {
    let folder = Folder::new(&[("lib.hr", "fn f() { 5 }")]);
    for flags in [vec![format!("-I{}", folder.path(""))], vec!["-I".to_string(), folder.path("")]] {
        let mut args: Vec<&str> = flags.iter().map(String::as_str).collect();
        args.extend(["-e", "use lib\nlib/f()"]);
        let outcome = run(&args, "", LIMIT);
        assert_eq!((outcome.misbehaved(0), outcome.stdout.as_str()), (None, "5\n"), "{flags:?}: {}", outcome.stderr);
    }
}
