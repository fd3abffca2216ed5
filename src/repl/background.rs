//! Output of other threads while a line is edited.
//!
//! Owns the way from the console to the line editor, which clears the line, draws the output above it and draws the line again: so
//! nothing that a thread prints tears what is being typed. While nobody edits, threads write to the terminal as in any program.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use rustyline::ExternalPrinter;

use crate::runtime::system::{console, threads};

/// What is printed within this time is drawn at once: a line that is printed in pieces stays one.
const TOGETHER: Duration = Duration::from_millis(20);
/// More is not collected.
const MOST: usize = 64 << 10;
const STACK: usize = 256 << 10;

/// The way to the line editor; none where there is no such thread.
pub struct Background(Option<Sender<Vec<u8>>>);

impl Background {
    /// Draws by this printer.
    pub fn start(printer: impl ExternalPrinter + Send + 'static) -> Background {
        let (sender, receiver) = channel();
        let started = threads::start(STACK, Box::new(move || draw(&receiver, printer)));
        Background(started.ok().map(|()| sender))
    }

    /// Without a printer, threads write as ever.
    pub fn none() -> Background {
        Background(None)
    }

    /// Runs the line editor.
    pub fn while_editing<R>(&self, edit: impl FnOnce() -> R) -> R {
        console::hand_over_to(self.0.clone());
        let result = edit();
        console::hand_over_to(None);
        result
    }
}

fn draw(receiver: &Receiver<Vec<u8>>, mut printer: impl ExternalPrinter) {
    while let Ok(mut text) = receiver.recv() {
        let end = Instant::now() + TOGETHER;
        while text.len() < MOST
            && let Ok(more) = receiver.recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            text.extend(more);
        }
        // An editor that is no more has nobody to show it to.
        let _ = printer.print(String::from_utf8_lossy(&text).into_owned());
    }
}
