//! What happens when a program comes to a breakpoint: a person at the terminal is asked.
//!
//! Owns when somebody is asked, and what it means to quit: a program ends as by `exit(1)`, for it has not come to its end; in a
//! conversation the entry ends, as by the interrupt key.

use super::signals;
use crate::gc::{Thread, Thrown};
use crate::options::Command;
use crate::repl::{self, Ending};
use crate::runtime::fault::stop::{self, GoesOn, Reason};
use crate::runtime::system::console;

/// The status of a program that was told to quit.
const QUIT: i32 = 1;

/// From now on a person is asked, if there is one. A test asks nobody: it has no terminal of its own.
pub fn ask(cx: &Thread, command: &Command) {
    if !repl::has_person() {
        return;
    }
    match command {
        Command::Run { .. } | Command::Evaluate { .. } => stop::ask(cx, in_program),
        Command::TestFile { .. } | Command::Test { .. } => {}
        _ => stop::ask(cx, in_conversation),
    }
}

fn in_program(cx: &mut Thread, reason: Reason) -> Result<GoesOn, Thrown> {
    // What is evaluated at the prompt may run as long as it likes, and the interrupt key ends that alone.
    let before = signals::conversation(true);
    let ending = repl::stopped(cx, reason);
    signals::conversation(before);
    match ending? {
        Ending::Continue(goes_on) => Ok(goes_on),
        Ending::Quit => cx.outside(|| console::exit(QUIT)),
    }
}

fn in_conversation(cx: &mut Thread, reason: Reason) -> Result<GoesOn, Thrown> {
    match repl::stopped(cx, reason)? {
        Ending::Continue(goes_on) => Ok(goes_on),
        Ending::Quit => Err(cx.throw_interrupt()),
    }
}
