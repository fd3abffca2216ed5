//! The process of one test file.
//!
//! Owns the running of `test` blocks one after the other, and the protocol by which the runner learns of them: lines of JSON
//! in the descriptor that `HARRIER_TEST_RESULTS` names: one with the names of all tests before anything runs, so that those that
//! never do are known; one when a test starts and one when it ends, so that a crash names its test.

use std::fs::File;
use std::io::Write;
use std::os::fd::FromRawFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use super::{problems_text, read};
use crate::gc::Thread;
use crate::options::Options;
use crate::reader::tree::{Item, Source};
use crate::reader::{self, Surroundings};
use crate::runtime::fault::report;
use crate::runtime::load::{self, LoadError};
use crate::runtime::system::{console, descriptor, threads};

/// The variable that names the descriptor of the file for the results.
pub const RESULTS: &str = "HARRIER_TEST_RESULTS";

struct Log(Option<File>);

impl Log {
    fn line(&mut self, value: serde_json::Value) {
        if let Some(file) = &mut self.0 {
            // The runner notices when results are missing.
            let _ = writeln!(file, "{value}");
        }
    }
}

/// Loads the file and runs its tests; the status says whether all is well.
pub fn run(cx: &mut Thread, file: &Path, options: &Options) -> u8 {
    let descriptor = std::env::var(RESULTS).ok().and_then(|number| number.parse().ok());
    // SAFETY: the runner has opened it for this process alone.
    let mut log = Log(descriptor.map(|fd| unsafe { File::from_raw_fd(fd) }));
    let shown = file.to_string_lossy();
    let (name, text) = match read(file, &mut descriptor::patient) {
        Ok(read) => read,
        Err(why) => {
            console::write_error(&format!("{why}\n"));
            return super::FAILED;
        }
    };
    let wanted = |test: &str| options.filter.as_deref().is_none_or(|f| test.contains(f) || shown.contains(f));
    log.line(json!({ "tests": declared_tests(&name, &text).into_iter().filter(|t| wanted(t)).collect::<Vec<_>>() }));
    cx.vm().loader.set_search(load::paths::SearchPath::of_program(file, options.include.clone()));
    let namespace = match load::file(cx, file, &name, text, false, load::Wanted::Loaded) {
        Ok(namespace) => namespace,
        Err(LoadError::Problems(problems)) => {
            console::write_error(&problems_text(&problems));
            return super::FAILED;
        }
        Err(LoadError::Thrown(thrown)) => {
            let report = report::uncaught(cx, thrown, false);
            console::write_error(&report.text);
            return super::FAILED;
        }
    };
    let mut failed = 0;
    for test in cx.vm().loader.tests() {
        if !std::ptr::eq(test.namespace, namespace) || !wanted(&test.name) {
            continue;
        }
        log.line(json!({ "start": &*test.name, "place": test.place }));
        let (start, threads) = (Instant::now(), cx.vm().threads.started());
        let mark = cx.mark();
        let outcome = cx.alloc_closure(test.code.address(), &[]).and_then(|f| cx.call(f, &[]).map(|_| ()));
        let mut message = outcome.err().map(|thrown| report::uncaught(cx, thrown, false).text).unwrap_or_default();
        message.push_str(&failures_of_threads(cx, threads));
        let ms = start.elapsed().as_secs_f64() * 1000.0;
        log.line(json!({ "end": &*test.name, "ok": message.is_empty(), "ms": ms, "message": message }));
        failed += usize::from(!message.is_empty());
        cx.release(mark);
    }
    // Those that the top level has started.
    let message = failures_of_threads(cx, 0);
    if !message.is_empty() {
        log.line(json!({ "end": "the file", "ok": false, "ms": 0.0, "message": message }));
        failed += 1;
    }
    log.line(json!({ "done": true }));
    if failed == 0 { 0 } else { super::FAILED }
}

/// A test lasts, as a program does, until the threads that it has started have ended: reports of those that failed unseen.
fn failures_of_threads(cx: &mut Thread, since: u64) -> String {
    match threads::wait_for_all(cx, since) {
        Ok(reports) => reports.concat(),
        Err(thrown) => report::uncaught(cx, thrown, false).text,
    }
}

/// The names of the tests in a text, in order; none when it does not parse, which loading it reports.
fn declared_tests(name: &str, text: &str) -> Vec<String> {
    let Ok(unit) = reader::read(Arc::new(Source::new(name, text)), &Surroundings::default()) else { return Vec::new() };
    let tests = unit.items.iter().filter_map(|item| match item {
        Item::Test { name, .. } => Some(unit.name(*name).to_string()),
        _ => None,
    });
    tests.collect()
}
