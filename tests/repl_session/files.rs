//! Files in conversations: loaded, loaded again when they have changed, and written.

use super::*;

#[test]
fn a_file_can_be_loaded_and_loaded_again() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("loaded.hr");
    std::fs::write(&file, "fn twice(x) { x * 2 }\n").expect("a file");
    let load: &'static str = format!(":load {}", file.display()).leak();
    let answers = talk(vec![load, "twice(4)", ":load /no/such/file", "twice(5)"].leak());
    assert_eq!(answers[..2], [Answer::Text("loaded\n".into()), value("8")]);
    assert!(is_error(&answers[2], "cannot read /no/such/file"));
    assert_eq!(answers[3], value("10"));
    std::fs::write(&file, "fn twice(x) { oops }\n").expect("a file");
    let answers = talk(vec![load, "1 + 1"].leak());
    assert!(is_error(&answers[0], "unknown name `oops`"));
    assert_eq!(answers[1], value("2"));
}

#[test]
fn what_a_loaded_file_throws_leaves_its_variables() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("throws.hr");
    std::fs::write(&file, "fn half(n) { if odd?(n) { throw(\"odd ${n}\") }\n n / 2 }\nprintln(half(7))\n")
        .expect("a file");
    let load: &'static str = format!(":load {}", file.display()).leak();
    let answers = talk(vec![load, ":locals", "half(8)"].leak());
    assert!(is_error(&answers[0], "odd 7"), "{:?}", answers[0]);
    assert!(matches!(&answers[1], Answer::Text(text) if text.contains("n = 7")), "{:?}", answers[1]);
}

#[test]
fn a_file_that_is_no_text_is_told() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("bytes.hr");
    std::fs::write(&file, b"let x = \xff\xfe\n").expect("a file");
    let load: &'static str = format!(":load {}", file.display()).leak();
    let folder: &'static str = format!(":load {}", env!("CARGO_TARGET_TMPDIR")).leak();
    let answers = talk(vec![load, folder, "1 + 1"].leak());
    assert!(is_error(&answers[0], "UTF-8"), "{:?}", answers[0]);
    assert!(is_error(&answers[1], "cannot read"), "{:?}", answers[1]);
    assert_eq!(answers[2], value("2"));
}

/// A folder of its own for a test, with files.
fn folder(name: &str, files: &[(&str, &str)]) -> std::path::PathBuf {
    let folder =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("session-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for (file, text) in files {
        std::fs::write(folder.join(file), text).expect("a file");
    }
    folder
}

/// Says lines, and does something to files before some of them.
fn talk_and_write(lines: Vec<(String, Vec<(std::path::PathBuf, &'static str)>)>) -> Vec<Answer> {
    let run = move || {
        let mut cx = Vm::start(gc::Options::default(), compile::compile, harrier::library::LIBRARY).expect("a machine");
        load::core(&mut cx).expect("core");
        let mut session = Session::new(&mut cx, false).expect("a session");
        let say = |(line, files): &(String, Vec<(std::path::PathBuf, &'static str)>)| {
            files.iter().for_each(|(file, text)| std::fs::write(file, text).expect("a file"));
            session.line(&mut cx, line)
        };
        lines.iter().map(say).collect()
    };
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(run).expect("a thread");
    thread.join().expect("no panic")
}

#[test]
fn files_that_have_changed_are_loaded_again() {
    let folder = folder(
        "reload",
        &[
            ("main.hr", "use parts\nletonce seed = 1\nlet other = 10\nfn total(x) { parts/half(x) + seed }\n"),
            ("parts.hr", "fn half(x) { x / 2 }\nfn third(x) { x / 3 }\n"),
        ],
    );
    let (main, parts) = (folder.join("main.hr"), folder.join("parts.hr"));
    let say = |line: &str| (line.to_string(), Vec::new());
    let write = |line: &str, file: &std::path::PathBuf, text: &'static str| (line.into(), vec![(file.clone(), text)]);
    let answers = talk_and_write(vec![
        say(":reload"),
        (format!(":load {}", main.display()), Vec::new()),
        say("total(10)"),
        say(":reload"),
        write(":reload", &parts, "fn half(x) { x * 100 }\n"),
        say("total(10)"),
        write(":reload", &parts, "fn half(x) { oops(x) }\n"),
        say("total(10)"),
        say(":reload"),
        write(":reload", &parts, "fn half(x) { 0 }\n"),
        write(
            ":reload",
            &main,
            "use parts\nletonce seed = 7\nlet other = 20\nfn total(x) { parts/half(x) + seed + other }\n",
        ),
        say("total(10)"),
        say(":watch"),
        write("total(10)", &parts, "fn half(x) { 1000 + x }\n"),
        say("total(10)"),
        say(":watch off"),
        write("total(10)", &parts, "fn half(x) { 2 }\n"),
        say(":reload"),
    ]);
    assert_eq!(text(&answers[0]), "no file was loaded\n");
    assert_eq!(answers[2], value("6"));
    assert_eq!(text(&answers[3]), "nothing has changed in 2 files\n");
    assert!(text(&answers[4]).contains("again: namespace parts\n  no longer in the file, but still defined: third\n"));
    assert_eq!(answers[5], value("1001"));
    assert!(is_error(&answers[6], "unknown name `oops`"), "{:?}", answers[6]);
    assert_eq!(answers[7], value("1001"));
    assert!(is_error(&answers[8], "unknown name `oops`"), "{:?}", answers[8]);
    assert!(text(&answers[9]).contains("again: namespace parts\n"));
    assert_eq!(answers[11], value("21"));
    assert!(text(&answers[12]).contains("parts.hr, ") && text(&answers[12]).contains("main.hr;"), "{:?}", answers[12]);
    let Answer::Both(notice, answer) = &answers[13] else { panic!("{:?}", answers[13]) };
    assert!(text(notice).contains("again: namespace parts\n"));
    assert_eq!((&**answer, &answers[14]), (&value("1031"), &value("1031")));
    assert_eq!(answers[16], value("1031"));
    assert!(text(&answers[17]).contains("again: namespace parts\n"));
}

#[test]
fn what_is_loaded_after_watch_is_watched_and_uses_come_first() {
    let folder = folder("watch", &[("a.hr", "fn f() { 1 }\n"), ("b.hr", "fn g() { 1 }\nfn old() { 2 }\n")]);
    let (a, b) = (folder.join("a.hr"), folder.join("b.hr"));
    let say = |line: &str| (line.to_string(), Vec::new());
    let write = |line: &str, files: Vec<(std::path::PathBuf, &'static str)>| (line.to_string(), files);
    let answers = talk_and_write(vec![
        say(":watch"),
        (format!(":load {}", a.display()), Vec::new()),
        write("f()", vec![(a.clone(), "fn f() { 2 }\n")]),
        say(":watch off"),
        // A file that begins to use another stands behind it from then on.
        write(":reload", vec![(a.clone(), "use b\nfn f() { b/old() }\n")]),
        write(":reload", vec![(a.clone(), "use b\nfn f() { b/new() }\n"), (b, "fn new() { 40 }\n")]),
        say("f()"),
        // One that cannot be loaded is tried again.
        write(&format!(":load {}", a.display()), vec![(a.clone(), "fn f() { nobody() }\n")]),
        write(":reload", vec![(a, "fn f() { 50 }\n")]),
        say("f()"),
    ]);
    let Answer::Both(notice, answer) = &answers[2] else { panic!("{:?}", answers[2]) };
    assert!(text(notice).contains("again: namespace a\n") && **answer == value("2"), "{:?}", answers[2]);
    assert_eq!(answers[6], value("40"), "{:?}", answers[5]);
    assert!(is_error(&answers[7], "unknown name `nobody`"), "{:?}", answers[7]);
    assert_eq!(answers[9], value("50"), "{:?}", answers[8]);
}

#[test]
fn the_definitions_of_a_session_become_a_file() {
    let folder = folder("save", &[("mine.hr", "fn precious() { 1 }\n")]);
    let _ = std::fs::remove_file(folder.join("saved.hr"));
    let say = |line: &str| (line.to_string(), Vec::new());
    let save = |name: &str| (format!(":save {}", folder.join(name).display()), Vec::new());
    let answers = talk_and_write(vec![
        save("saved.hr"),
        say("use seq"),
        say("fn later() { seq/repeat(base) }"),
        say("/// Where it begins."),
        say("let base = 1"),
        say("let next = base + 1"),
        say("struct P { x }"),
        say("extend P { fn twice(self) { self.x * 2 } }"),
        say("later(); next"),
        say("let last = _"),
        say("fn f(x) { x }; let base = 5"),
        say("extend P { fn twice(self) { self.x + self.x } }"),
        say("let broken = 1 / 0"),
        say("fn g() { 1 } // one\n// two\nfn h() { 2 }"),
        say("nonsense("),
        say(")"),
        save("mine.hr"),
        save("saved.hr"),
        save("saved.hr"),
        save("no/such/folder/x.hr"),
    ]);
    assert!(text(&answers[0]).contains("has defined nothing"));
    assert!(is_error(&answers[16], "was not written by :save"), "{:?}", answers[16]);
    assert!(text(&answers[17]).starts_with("10 definitions of the namespace user written to "), "{:?}", answers[17]);
    assert_eq!(answers[17], answers[18]);
    assert!(is_error(&answers[19], "cannot write"));
    let saved = std::fs::read_to_string(folder.join("saved.hr")).expect("a file");
    let (first, rest) = saved.split_once("\n\n").expect("a first line");
    assert!(first.starts_with("// Saved from a session of Harrier"));
    let expected = "use seq\nfn later() { seq/repeat(base) }\nlet base = 5\nlet next = base + 1\nstruct P { x }\n\
        extend P { fn twice(self) { self.x + self.x } }\n// `_` was the last value of the session:\n// let last = _\nfn f(x) { x }\nfn g() { 1 } // one\n\n// two\nfn h() { 2 }\n";
    assert_eq!(rest, expected);
}

/// What is no ordinary file is neither read, for it may have no end, nor written.
#[test]
fn a_session_is_saved_to_files_alone() {
    let folder = folder("no-file", &[]);
    let pipe = folder.join("pipe");
    let name = std::ffi::CString::new(pipe.to_str().expect("a name")).expect("a name");
    // SAFETY: a text that ends in 0.
    unsafe { libc::mkfifo(name.as_ptr(), 0o600) };
    let to = |path: &std::path::Path| -> &'static str { format!(":save {}", path.display()).leak() };
    let answers = talk(vec!["fn f() { 1 }", to(&pipe), to("/dev/full".as_ref()), to(&folder), "f()"].leak());
    for answer in &answers[1..4] {
        assert!(is_error(answer, "it is no ordinary file"), "{answer:?}");
    }
    assert_eq!(answers[4], value("1"));
}
