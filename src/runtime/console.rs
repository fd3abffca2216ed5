//! Standard output and error of the process.
//!
//! Owns the buffer of stdout and the order in which the two streams reach the terminal. Programs write through the dynamic
//! variable `out`, whose standard value ends here.
//!
//! Invariants: whole texts are never interleaved with those of other threads; what stdout got is on its way before stderr gets
//! anything; a reader of stdout that has gone away ends the process quietly.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, OnceLock};

use crate::gc::Thread;

/// Buffered text is written when there is so much of it.
const FULL: usize = 32 << 10;

static BUFFER: Mutex<Vec<u8>> = Mutex::new(Vec::new());
/// Whoever writes holds this, so that texts leave in the order in which they left the buffer.
static WRITER: Mutex<()> = Mutex::new(());

fn interactive() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| io::stdout().is_terminal())
}

/// Writes to stdout. May let other threads collect.
pub fn write(cx: &mut Thread, text: &[u8]) -> io::Result<()> {
    let full = {
        let mut buffer = super::lock(&BUFFER);
        buffer.extend_from_slice(text);
        buffer.len() >= FULL || interactive() && text.contains(&b'\n')
    };
    if full { cx.outside(flush) } else { Ok(()) }
}

/// Writes out what is buffered. Callers that are attached threads use [`flush_outside`] when the stream may block.
pub fn flush() -> io::Result<()> {
    let _writer = super::lock(&WRITER);
    let text = std::mem::take(&mut *super::lock(&BUFFER));
    if text.is_empty() {
        return Ok(());
    }
    quiet_end(write_all(libc::STDOUT_FILENO, &text))
}

/// Writes out what is buffered, while other threads may collect.
pub fn flush_outside(cx: &mut Thread) -> io::Result<()> {
    cx.outside(flush)
}

/// Writes to stdout from outside of any program.
pub fn print(text: &str) {
    print_bytes(text.as_bytes());
}

/// Writes bytes to the buffer of stdout.
pub fn print_bytes(bytes: &[u8]) {
    super::lock(&BUFFER).extend_from_slice(bytes);
}

/// Writes out what is buffered; errors show at the end.
pub fn flush_quietly() {
    let _ = flush();
}

/// Writes to stderr, after what stdout has got so far.
pub fn write_error(text: &str) {
    // There is nobody left to tell when stderr does not work either.
    let _ = flush();
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Ends the process, with all output written.
pub fn exit(status: i32) -> ! {
    super::streams::flush_all();
    let failed = flush().is_err();
    std::process::exit(if failed && status == 0 { 1 } else { status })
}

fn write_all(fd: libc::c_int, mut text: &[u8]) -> io::Result<()> {
    while !text.is_empty() {
        // SAFETY: the buffer is readable for its length.
        let n = unsafe { libc::write(fd, text.as_ptr().cast(), text.len()) };
        if n < 0 {
            let error = io::Error::last_os_error();
            match error.kind() {
                io::ErrorKind::Interrupted => continue,
                io::ErrorKind::WouldBlock => std::thread::sleep(std::time::Duration::from_millis(1)),
                _ => return Err(error),
            }
            continue;
        }
        text = &text[n as usize..];
    }
    Ok(())
}

/// When the reader has gone away (`harrier … | head`), nothing is left to do.
fn quiet_end(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => other,
    }
}
