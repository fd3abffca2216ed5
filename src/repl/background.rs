//! Output of other threads while a line is edited.
//!
//! Owns the way from the console to the line editor, which clears the line, draws the output above it and draws the line again: so
//! nothing that a thread prints tears what is being typed. While nobody edits, threads write to the terminal as in any program.
//!
//! Invariant: what was handed over before the process ends is drawn before it does, unless the terminal takes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use rustyline::ExternalPrinter;

use crate::runtime::system::{console, threads};

/// What is printed within this time is drawn at once: a line that is printed in pieces stays one.
const TOGETHER: Duration = Duration::from_millis(20);
/// More is not collected.
const MOST: usize = 64 << 10;
/// The end of the process waits no longer for what is to be drawn.
const PATIENCE: Duration = Duration::from_millis(500);
/// Draws nothing: up a line, and down again.
const NOTHING: &str = "\x1b[A\n";
const STACK: usize = 256 << 10;

/// What the thread that draws is told.
enum ToDraw {
    Text(Vec<u8>),
    /// The process ends, while a line is edited or not: somebody waits until all is drawn.
    End(bool, Sender<()>),
}

/// The way to the line editor; none where there is no such thread.
pub struct Background(Option<(Sender<ToDraw>, Arc<AtomicBool>)>);

impl Background {
    /// Draws by this printer.
    pub fn start(printer: impl ExternalPrinter + Send + 'static) -> Background {
        let (sender, receiver) = channel();
        let started = threads::start(STACK, Box::new(move || draw(&receiver, printer)));
        let editing = Arc::new(AtomicBool::new(false));
        let (last, edits) = (sender.clone(), editing.clone());
        console::at_end(move || end(&last, edits.load(Ordering::Relaxed)));
        Background(started.ok().map(|()| (sender, editing)))
    }

    /// Without a printer, threads write as ever.
    pub fn none() -> Background {
        Background(None)
    }

    /// Runs the line editor.
    pub fn while_editing<R>(&self, edit: impl FnOnce() -> R) -> R {
        let Some((sender, editing)) = &self.0 else { return edit() };
        let to = sender.clone();
        console::hand_over_to(Some(Box::new(move |text| to.send(ToDraw::Text(text.to_vec())).is_ok())));
        editing.store(true, Ordering::Relaxed);
        let result = edit();
        editing.store(false, Ordering::Relaxed);
        console::hand_over_to(None);
        result
    }
}

/// Waits until all that was handed over is drawn.
fn end(sender: &Sender<ToDraw>, editing: bool) {
    let (done, drawn) = channel();
    if sender.send(ToDraw::End(editing, done)).is_ok() {
        // Where nobody draws any more, nothing is to be had by waiting longer.
        let _ = drawn.recv_timeout(PATIENCE);
    }
}

fn draw(receiver: &Receiver<ToDraw>, mut printer: impl ExternalPrinter) {
    let mut next = None;
    while let Some(told) = next.take().or_else(|| receiver.recv().ok()) {
        let mut text = match told {
            ToDraw::Text(text) => text,
            ToDraw::End(editing, done) => {
                // The editor takes one text after the other: when it has taken the second of these, all before them is drawn.
                for _ in 0..if editing { 2 } else { 0 } {
                    let _ = printer.print(NOTHING.to_string());
                }
                let _nobody_waits = done.send(());
                continue;
            }
        };
        let end = Instant::now() + TOGETHER;
        while text.len() < MOST && next.is_none() {
            match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(ToDraw::Text(more)) => text.extend(more),
                Ok(other) => next = Some(other),
                Err(_) => break,
            }
        }
        // An editor that is no more has nobody to show it to.
        let _ = printer.print(String::from_utf8_lossy(&text).into_owned());
    }
}
