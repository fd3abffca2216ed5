//! Standard output and error of the process, and its end.
//!
//! Owns the outlet of stdout and the order in which the two streams reach the terminal, and who gets their text instead while a line
//! is edited there; what is written on behalf of a client goes to that one (`client.rs`). Programs write through the dynamic variable `out`, whose standard value ends here.
//!
//! Invariants: what stdout got is on its way before stderr gets anything; a reader of stdout that has gone away ends the
//! process quietly; text that could not be written, and of which the program has not learned, is told at the end.

use std::io::{self, IsTerminal};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use super::descriptor::{self, why};
use super::outlet::Outlet;
use super::streams::Standard;
use super::{client, streams, threads};
use crate::gc::{Thread, Thrown};
use crate::injection;
use crate::locks::Mutex;
use crate::runtime::observe::{Told, observer};

static STDOUT: Outlet = Outlet::standard(libc::STDOUT_FILENO);
/// Whoever writes to stderr holds this.
static STDERR: Outlet = Outlet::standard(libc::STDERR_FILENO);
/// Text that was lost, when nobody was there to be told: what was to be written, and why it was not.
static LOST: Mutex<Option<String>> = Mutex::new(None);
/// Something else that was asked for has failed, and that has been told.
static FAILED: AtomicBool = AtomicBool::new(false);
/// Who draws what is written, if it is not to go to the terminal as it is; false when it cannot.
pub type Drawer = Box<dyn Fn(&[u8]) -> bool + Send>;
static DRAWER: Mutex<Option<Drawer>> = Mutex::new(None);
/// Is there anybody?
static DRAWN: AtomicBool = AtomicBool::new(false);
/// The status with which the process ends whatever it did; 0: none.
static INSTEAD: AtomicI32 = AtomicI32::new(0);
/// See [`at_end`].
static AT_END: Mutex<Vec<Box<dyn FnOnce() + Send>>> = Mutex::new(Vec::new());

/// When this variable is set, lines go out one by one: `harrier test` wants to have what a test printed before it crashed.
pub const LINES: &str = "HARRIER_LINES";
/// The status of an interrupted program.
pub const INTERRUPTED: u8 = 130;

fn by_lines() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| io::stdout().is_terminal() || std::env::var_os(LINES).is_some())
}

/// From now on what threads write goes there, while somebody edits a line at the terminal: who draws the line draws it too.
pub fn hand_over_to(drawer: Option<Drawer>) {
    DRAWN.store(drawer.is_some(), Ordering::Release);
    *crate::runtime::lock(&DRAWER) = drawer;
}

/// Is it drawn by somebody else?
fn hand_over(text: &[u8]) -> bool {
    DRAWN.load(Ordering::Acquire) && crate::runtime::lock(&DRAWER).as_ref().is_some_and(|draw| draw(text))
}

/// Writes to stdout. May let other threads collect.
pub fn write(cx: &mut Thread, text: &[u8]) -> Result<io::Result<()>, Thrown> {
    if let Some(written) = client::write(cx, Standard::Out, text) {
        return written;
    }
    if hand_over(text) {
        return Ok(Ok(()));
    }
    match STDOUT.push(text) {
        Ok(full) if full || by_lines() && text.contains(&b'\n') => flush(cx),
        other => Ok(other.map(|_| ())),
    }
}

/// Writes out what stdout got, while other threads may collect.
pub fn flush(cx: &mut Thread) -> Result<io::Result<()>, Thrown> {
    threads::waiting(cx, |stop| quiet_end(STDOUT.flush(stop)))
}

/// Writes out what stdout got, as far as that goes at once, because this thread is about to wait: whoever reads stdout need not.
pub fn flush_before_wait(cx: &mut Thread) {
    note(cx.outside(|| quiet_end(STDOUT.flush_at_once())));
}

/// Writes out what stdout got, because the program is about to ask for something.
pub fn flush_for_prompt(cx: &mut Thread) -> Result<(), Thrown> {
    // What is wrong with stdout shows at the end.
    note(flush(cx)?);
    Ok(())
}

/// Writes to stderr, after what stdout has got so far.
pub fn write_to_stderr(cx: &mut Thread, text: &[u8]) -> Result<io::Result<()>, Thrown> {
    if let Some(written) = client::write(cx, Standard::Err, text) {
        return written;
    }
    if hand_over(text) {
        return Ok(Ok(()));
    }
    flush_for_prompt(cx)?;
    STDERR.push(text).map_or_else(|e| Ok(Err(e)), |_| threads::waiting(cx, |stop| STDERR.flush(stop)))
}

/// Writes to stdout from outside of any program.
pub fn print(text: &str) {
    let _never_closed = STDOUT.push(text.as_bytes());
}

/// Does the person at the terminal want colours? See <https://no-color.org>: an empty variable says nothing.
pub fn wants_color() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Ends the line that a program has left open, so that what comes next stands on one of its own.
pub fn end_line() {
    let open = [STDOUT.take_open_line(), STDERR.take_open_line()];
    if open.contains(&true) {
        print("\n");
    }
}

/// What a program was printing when the person at the terminal interrupted it is not printed to its end.
pub fn forget_rest() {
    if io::stdout().is_terminal() {
        STDOUT.forget();
    }
}

/// The person at the terminal has ended the line.
pub fn line_was_ended() {
    STDOUT.take_open_line();
    STDERR.take_open_line();
}

/// Is run when the process ends, before what is buffered is written: by those who have something to put back. The latest is the first.
pub fn at_end(run: impl FnOnce() + Send + 'static) {
    crate::runtime::lock(&AT_END).push(Box::new(run));
}

/// Writes out what stdout got, from outside of any program; errors show at the end.
pub fn flush_quietly() {
    note(quiet_end(STDOUT.flush(&mut descriptor::patient)));
}

/// Writes to stderr from outside of any program, after what stdout has got so far.
pub fn write_error(text: &str) {
    note(STDOUT.flush(&mut descriptor::patient));
    let _never_closed = STDERR.push(text.as_bytes());
    // There is nobody left to tell when stderr does not work either.
    let _ = STDERR.flush(&mut descriptor::patient);
}

/// Says something about a text that this thread evaluates, to whoever has asked for that.
pub fn warn(cx: &Thread, text: &str) {
    match client::of(cx) {
        Some(client) => client.push(Standard::Err, text.as_bytes()),
        None => write_error(text),
    }
}

/// Says something that nobody has asked for, and that may come while a line is edited.
pub fn tell(text: &str) {
    if !hand_over(text.as_bytes()) {
        write_error(text);
    }
}

/// As [`write_error`], with what was asked for, whose loss shows in the exit status.
pub fn write_report(text: &str) {
    note(STDOUT.flush(&mut descriptor::patient));
    let _never_closed = STDERR.push(text.as_bytes());
    if let Err(error) = STDERR.flush(&mut descriptor::patient) {
        note_lost("stderr", &error);
    }
}

/// What was asked for cannot be had, and that has been told: the process does not end with status 0.
pub fn note_failure() {
    FAILED.store(true, Ordering::Relaxed);
}

/// Whatever the program says, the process ends with this status, which is not 0.
pub fn end_with(status: i32) {
    INSTEAD.store(status, Ordering::Relaxed);
}

/// What could not be written is told when the process ends.
fn note(result: io::Result<()>) {
    if let Err(error) = result {
        note_lost("stdout", &error);
    }
}

/// Remembers that text for a file or for stdout is lost, and nobody knows yet.
pub fn note_lost(what: &str, error: &io::Error) {
    let gone = error.kind() == io::ErrorKind::BrokenPipe && what == "stdout";
    if !gone && !descriptor::is_called_off(error) {
        crate::runtime::lock(&LOST).get_or_insert_with(|| format!("harrier: cannot write to {what}: {}\n", why(error)));
    }
}

/// Writes out all that is buffered, because the process is about to end; gives the status with which it should. With `hurry`
/// nobody waits for a reader who does not read.
pub fn finish(status: i32, hurry: bool) -> i32 {
    let to_run = std::mem::take(&mut *crate::runtime::lock(&AT_END));
    to_run.into_iter().rev().for_each(|run| run());
    streams::finish(hurry);
    note(STDOUT.finish(hurry));
    let Told { text, mut failed } = (observer().finish)(hurry);
    if !text.is_empty() {
        let _never_closed = STDERR.push(text.as_bytes());
        // Without hurry, as for all that is written to stderr.
        let told = if hurry { STDERR.finish(true) } else { STDERR.flush(&mut descriptor::patient) };
        told.unwrap_or_else(|error| note_lost("stderr", &error));
    }
    (observer().finished)();
    if let Some(text) = injection::told() {
        let _never_closed = STDERR.push(text.as_bytes());
        let _ = STDERR.finish(true);
    }
    failed |= FAILED.load(Ordering::Relaxed);
    let lost = crate::runtime::lock(&LOST).take();
    if let Some(text) = lost {
        let _never_closed = STDERR.push(text.as_bytes());
        let _ = STDERR.finish(true);
        failed = true;
    }
    match INSTEAD.load(Ordering::Relaxed) {
        0 if failed && status == 0 => 1,
        0 => status,
        instead => instead,
    }
}

/// Ends the process, with all output written.
pub fn exit(status: i32) -> ! {
    let status = finish(status, false);
    std::process::exit(status)
}

/// When the reader has gone away (`harrier … | head`), nothing is left to do.
fn quiet_end(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(finish(0, true)),
        other => other,
    }
}
