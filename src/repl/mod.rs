//! The REPL: a conversation with a running program.
//!
//! Owns the loop and the terminal; what a line means is [`session`]'s business, what a `:command` does that of [`commands`].

use std::path::PathBuf;

use crate::gc::Thread;

mod assistant;
mod background;
pub mod commands;
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

/// What a conversation begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// The file that is loaded first.
    pub file: PathBuf,
    /// Its `main` is called, with these arguments.
    pub arguments: Option<Vec<String>>,
}

/// Talks until the input ends; gives the exit status.
pub fn run(cx: &mut Thread, opening: Option<&Opening>) -> u8 {
    use std::io::IsTerminal;
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        terminal::talk(cx, opening)
    } else {
        terminal::plain(cx, opening, false)
    }
}
