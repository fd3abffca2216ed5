//! The REPL: a conversation with a running program.
//!
//! Owns the loop and the terminal; what a line means is [`session`]'s business.

use crate::gc::Thread;

mod assistant;
mod background;
mod completion;
mod entry;
mod highlight;
mod history;
mod keys;
mod present;
mod results;
pub mod session;
mod terminal;
mod values;

pub use session::{Answer, Session};

/// Talks until the input ends; gives the exit status.
pub fn run(cx: &mut Thread) -> u8 {
    use std::io::IsTerminal;
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        terminal::talk(cx)
    } else {
        terminal::plain(cx, false)
    }
}

/// Gives the terminal back as it was: the process is about to end by a signal.
pub fn restore_terminal() {
    terminal::restore();
}
