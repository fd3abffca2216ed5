//! What the last entry has left: its value.

use super::Given;
use crate::gc::Thread;
use crate::repl::session::{Answer, Session};

/// `:all`
pub fn all(session: &mut Session, _cx: &mut Thread, _: Given<'_>) -> Answer {
    Answer::Text(format!("{}\n", session.last))
}
