//! What the last entry has left: its value, or the variables of the functions that its error has left.

use super::Given;
use crate::gc::Thread;
use crate::repl::session::{Answer, Session};
use crate::runtime::fault::brief;
use crate::runtime::fault::locals::{Locals, Shown};

/// So much of a variable is shown where many are; a frame that is asked for shows all that there is of it.
const SHOWN_OF_MANY: usize = 100;

/// `:all`
pub fn all(session: &mut Session, _cx: &mut Thread, _: Given<'_>) -> Answer {
    Answer::Text(format!("{}\n", session.last))
}

/// `:locals`: the variables of the last error's frames, or of the one with this number.
pub fn locals(session: &mut Session, _cx: &mut Thread, given: Given<'_>) -> Answer {
    let number = given.text;
    let frames = session.locals.iter().filter(|shown| matches!(shown, Shown::Frame(_))).count();
    let last = frames.saturating_sub(1);
    let (one, most) = match number.parse::<usize>() {
        _ if frames == 0 => return Answer::Text("there was no error with variables to show\n".into()),
        Ok(one) if one <= last => (Some(one), usize::MAX),
        Err(_) if number.is_empty() => (None, SHOWN_OF_MANY),
        _ => return Answer::Error(format!("there are the functions 0 to {last}: :locals, :locals {last}\n")),
    };
    let (mut text, mut number) = (String::new(), 0);
    for shown in &session.locals {
        match shown {
            Shown::Frame(locals) => {
                if one.is_none_or(|one| one == number) {
                    show_frame(&mut text, number, locals, most);
                }
                number += 1;
            }
            Shown::LeftOut(count) if one.is_none() => {
                text.push_str(&format!("…  {count} more functions, whose variables were not kept\n"));
            }
            Shown::Joined if one.is_none() => text.push_str("joined by:\n"),
            Shown::LeftOut(_) | Shown::Joined => {}
        }
    }
    Answer::Text(text)
}

/// The variables of a frame; of each value at most so many bytes.
fn show_frame(text: &mut String, number: usize, locals: &Locals, most: usize) {
    let Locals { frame, variables, others } = locals;
    text.push_str(&format!("{number}  {frame}\n"));
    match variables {
        None => text.push_str("     its variables are not known\n"),
        Some(all) if all.is_empty() => text.push_str("     no variables\n"),
        Some(all) => {
            for (name, value) in all {
                let value = value.as_deref().unwrap_or("<no longer kept>");
                let start = brief::start_of(value, most);
                let rest = if start.len() < value.len() { "…" } else { "" };
                text.push_str(&format!("     {name} = {start}{rest}\n"));
            }
        }
    }
    if *others > 0 {
        text.push_str(&format!("     … {others} more\n"));
    }
}
