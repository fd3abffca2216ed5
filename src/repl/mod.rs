//! The REPL: a conversation with a running program.
//!
//! Owns the loop and the terminal; what a line means is [`session`]'s business, what a `:command` does that of [`commands`]. Other
//! programs talk to it through [`server`].

use std::io::IsTerminal;
use std::path::PathBuf;

use crate::gc::{Thread, Thrown};
use crate::runtime::fault::stop::{GoesOn, Reason};
use crate::runtime::system::console;

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
pub mod server;
pub mod session;
mod stop;
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

/// How a talk about a stopped program ends.
#[derive(Debug)]
pub enum Ending {
    /// It goes on.
    Continue(GoesOn),
    /// It is to end.
    Quit,
}

/// Is there a person to talk to?
pub fn has_person() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Talks to a person about the program that is stopped here, in the thread that talks.
pub fn stopped(cx: &mut Thread, reason: Reason) -> Result<Ending, Thrown> {
    terminal::stopped(cx, reason)
}

/// How a conversation begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beginning {
    /// The file, if there is one.
    pub opening: Option<Opening>,
    /// Other programs may take part.
    pub listen: Option<server::Listen>,
}

/// Talks until the input ends; gives the exit status. Where nobody is at a terminal and other programs may talk, they do, until
/// a signal ends it.
pub fn run(cx: &mut Thread, beginning: &Beginning) -> u8 {
    let door = match beginning.listen.as_ref().map(server::open).transpose() {
        Ok(door) => door,
        Err(why) => {
            console::write_error(&format!("harrier: {why}\n"));
            return 1;
        }
    };
    let opening = beginning.opening.as_ref();
    match (std::io::stdin().is_terminal(), door) {
        (true, door) if has_person() => terminal::talk(cx, opening, door),
        (false, Some(door)) => terminal::serve(cx, opening, door),
        (_, door) => terminal::plain(cx, opening, door, false),
    }
}
