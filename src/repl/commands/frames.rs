//! The functions that the last error has left, or that wait at a breakpoint, and their variables.
//!
//! Owns how they are shown, and which one is looked at: commands are the same for both, only that those which wait are read anew each
//! time, and that entries are evaluated among their variables.

use super::Given;
use crate::gc::Thread;
use crate::repl::session::{Answer, Session};
use crate::runtime::fault::locals::{self, Locals, Shown};
use crate::runtime::fault::{brief, report, stop, trace};
use crate::runtime::load::LoadError;

/// So much of a variable is shown where many are; a frame that is asked for shows all that there is of it.
const SHOWN_OF_MANY: usize = 100;

/// Reads the functions that wait, if the program is stopped; gives how many there are to look at.
fn read(session: &mut Session, cx: &Thread) -> usize {
    if session.stopped.is_some() {
        session.locals = locals::of_waiting(cx);
    }
    session.locals.iter().filter(|shown| matches!(shown, Shown::Frame(_))).count()
}

/// What is said where there are none.
fn nothing() -> Answer {
    Answer::Text("there was no error with variables to show\n".into())
}

/// `:locals`: the variables of all frames, or of the one with this number; at a breakpoint those of the one that is looked at.
pub fn locals(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    let number = given.text;
    let frames = read(session, cx);
    let last = frames.saturating_sub(1);
    let (one, most) = match number.parse::<usize>() {
        _ if frames == 0 => return nothing(),
        Ok(one) if one <= last => (Some(one), usize::MAX),
        Err(_) if number.is_empty() => match &session.stopped {
            Some(stopped) => (Some(stopped.selected), usize::MAX),
            None => (None, SHOWN_OF_MANY),
        },
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

/// `:up`
pub fn up(session: &mut Session, cx: &mut Thread, _: Given<'_>) -> Answer {
    look_at(session, cx, |number| Some(number + 1), "no function further out whose variables are at hand")
}

/// `:down`
pub fn down(session: &mut Session, cx: &mut Thread, _: Given<'_>) -> Answer {
    look_at(session, cx, |number| number.checked_sub(1), "the innermost function")
}

/// Looks at the frame that this one leads to, and shows it.
fn look_at(session: &mut Session, cx: &mut Thread, next: fn(usize) -> Option<usize>, end: &str) -> Answer {
    let frames = read(session, cx);
    if frames == 0 {
        return nothing();
    }
    let present = session.stopped.as_ref().map_or(session.selected, |stopped| stopped.selected);
    let Some(number) = next(present).filter(|number| *number < frames) else {
        return Answer::Error(format!("this is {end}\n"));
    };
    let color = session.color();
    let mut excerpt = String::new();
    session.selected = number;
    if let Some(stopped) = &mut session.stopped {
        match stopped.look_at(cx, number) {
            Ok(Some(namespace)) => session.namespace = namespace,
            Ok(None) => return Answer::Error("that function is not there any more\n".into()),
            Err(thrown) => return session.failed(cx, LoadError::Thrown(thrown)),
        }
        excerpt = stopped.excerpt(cx, color);
    }
    let mut text = String::new();
    let frame = session.locals.iter().filter_map(|shown| match shown {
        Shown::Frame(locals) => Some(locals),
        Shown::LeftOut(_) | Shown::Joined => None,
    });
    frame.skip(number).take(1).for_each(|locals| show_frame(&mut text, number, locals, usize::MAX));
    Answer::Text(format!("{excerpt}{text}"))
}

/// `:bt`
pub fn stack(session: &mut Session, cx: &mut Thread, _: Given<'_>) -> Answer {
    if session.stopped.is_some() {
        return Answer::Text(report::stack(&trace::of_waiting(cx)));
    }
    if read(session, cx) == 0 {
        return nothing();
    }
    let line = |shown: &Shown| match shown {
        Shown::Frame(locals) => format!("  at {}\n", locals.frame),
        Shown::LeftOut(count) => format!("  … {count} more calls …\n"),
        Shown::Joined => "joined by:\n".to_string(),
    };
    Answer::Text(session.locals.iter().map(line).collect())
}

/// `:continue`
pub fn go_on(session: &mut Session, _cx: &mut Thread, _: Given<'_>) -> Answer {
    match session.stopped {
        Some(_) => Answer::Quit,
        None => Answer::Error("nothing is stopped: a program stops where it calls `breakpoint()`\n".into()),
    }
}

/// `:return EXPR`
pub fn return_value(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    let Some(stopped) = &session.stopped else { return go_on(session, cx, given) };
    if stopped.throws {
        let why = "an error is about to be thrown here; `:continue` lets it go its way";
        return Answer::Error(format!("cannot return from here: {why}\n"));
    }
    if let Err(why) = stop::can_return(cx) {
        return Answer::Error(format!("cannot return from here: {why}\n"));
    }
    let returned = session.run(cx, given.text).and_then(|evaluated| match &mut session.stopped {
        Some(stopped) => Ok(stopped.returns(cx, evaluated.value)?),
        None => Ok(()),
    });
    match returned {
        Ok(()) => Answer::Quit,
        Err(error) => session.failed(cx, error),
    }
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
