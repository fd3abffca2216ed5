//! A session: entries in, answers out. No terminal here, so that tests can hold a conversation.
//!
//! Owns the text that is not yet complete, the present namespace, the last value and the variables of the last error. What begins
//! with a colon is the business of [`commands`].
//!
//! Invariant: whatever a line does, the session goes on.

use std::ops::Range;

use super::commands::{self, Kept, Traced, Watched};
use super::present::{self, Look};
use super::results::Results;
use super::{Opening, entry};
use crate::gc::Thread;
use crate::runtime::Namespace;
use crate::runtime::fault::locals::{self, Shown};
use crate::runtime::fault::{report, trace};
use crate::runtime::load::{self, Evaluated, LoadError, Problem, render_problems};
use crate::runtime::program::declare;
use crate::runtime::system::console;
use crate::runtime::values::foreign;

/// What a line leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The printed value of a complete text.
    Value(String),
    /// Something to say that is no value: help, the answer of a command.
    Text(String),
    /// Two answers, one behind the other.
    Both(Box<Answer>, Box<Answer>),
    /// What went wrong.
    Error(String),
    /// More lines are needed.
    More,
    /// Nothing to say.
    Nothing,
    /// The session is to end.
    Quit,
}

/// A session.
pub struct Session {
    pub(super) namespace: &'static Namespace,
    pending: String,
    /// How many entries were evaluated.
    number: usize,
    results: Results,
    /// The last value, as it prints.
    pub(super) last: String,
    /// How values are shown.
    look: Look,
    color: bool,
    /// Who interrupts it knows what runs: an interrupt that came before is meant all the same.
    meant: bool,
    /// Of the frames of the last error, innermost first.
    pub(super) locals: Vec<Shown>,
    /// The functions that tell of their calls.
    pub(super) traced: Vec<Traced>,
    /// What entries have declared.
    pub(super) kept: Kept,
    /// The files that are loaded again when they have changed, if they are.
    pub(super) watched: Option<Watched>,
}

impl Session {
    /// A session in the namespace `user`.
    pub fn new(cx: &mut Thread, color: bool) -> Option<Session> {
        let namespace = declare::namespace(cx, "user").ok()?;
        locals::keep(cx.vm());
        Some(Session {
            namespace,
            pending: String::new(),
            number: 0,
            results: Results::default(),
            last: String::new(),
            look: Look::default(),
            color,
            meant: false,
            locals: Vec::new(),
            traced: Vec::new(),
            kept: Kept::default(),
            watched: None,
        })
    }

    /// A session for another program, in this namespace: values are whole, and that program sees to it that only what runs is
    /// interrupted.
    pub(super) fn for_program(cx: &mut Thread, namespace: &'static Namespace) -> Option<Session> {
        let look = Look { whole: true, ..Look::default() };
        Some(Session { namespace, look, meant: true, ..Session::new(cx, false)? })
    }

    /// Loads or runs the file that the conversation begins with, and goes to its namespace.
    pub fn open(&mut self, cx: &mut Thread, opening: &Opening) -> Answer {
        let mark = cx.mark();
        let answer = commands::open(self, cx, opening);
        cx.release(mark);
        answer
    }

    /// What stands before the cursor.
    pub fn prompt(&self) -> String {
        match self.pending.is_empty() {
            true => format!("{}> ", self.namespace.name),
            false => format!("{:>1$}", ". ", self.namespace.name.chars().count() + 2),
        }
    }

    /// The present namespace.
    pub fn namespace(&self) -> &'static Namespace {
        self.namespace
    }

    /// Values are shown so from now on.
    pub fn set_look(&mut self, look: Look) {
        self.look = look;
    }

    /// Forgets an incomplete text.
    pub fn give_up(&mut self) {
        self.pending.clear();
    }

    /// Is there an incomplete text?
    pub fn is_open(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Would this line complete a text?
    pub fn completes(&self, line: &str) -> bool {
        is_complete(&format!("{}{line}\n", self.pending), self.namespace)
    }

    /// One line of input: what it completes is evaluated.
    pub fn line(&mut self, cx: &mut Thread, line: &str) -> Answer {
        if self.pending.is_empty() && line.trim().is_empty() {
            return Answer::Nothing;
        }
        let complete = self.completes(line);
        self.pending.push_str(line);
        self.pending.push('\n');
        if !complete {
            return Answer::More;
        }
        let text = std::mem::take(&mut self.pending);
        self.entry(cx, &text, &mut |answer| {
            show(answer);
        })
    }

    /// The input has ended in the middle of a text: says what is wrong with it.
    pub fn end(&mut self, cx: &mut Thread) -> Answer {
        let text = std::mem::take(&mut self.pending);
        self.entry(cx, &text, &mut |answer| {
            show(answer);
        })
    }

    /// A whole entry, of as many forms as there are. `early` is told the answers to all but the last, as they come; the first one
    /// that goes wrong is the last.
    pub fn entry(&mut self, cx: &mut Thread, text: &str, early: &mut dyn FnMut(&Answer)) -> Answer {
        cx.vm().loader.forget_shown();
        if text.trim().is_empty() {
            return Answer::Nothing;
        }
        self.number += 1;
        let notice = commands::before_entry(self, cx);
        let text = self.results.continued(cx, &entry::result_names(text));
        let namespace = self.namespace;
        let pieces = entry::pieces(&text, namespace, &|part| is_complete(part, namespace));
        let notice = match notice {
            Some(notice) if pieces.len() > 1 => {
                early(&notice);
                None
            }
            notice => notice,
        };
        let answer = self.pieces(cx, &text, pieces, early);
        commands::after_entry(self, cx);
        match notice {
            Some(notice) => Answer::Both(Box::new(notice), Box::new(answer)),
            None => answer,
        }
    }

    fn pieces(
        &mut self,
        cx: &mut Thread,
        text: &str,
        pieces: Vec<Range<usize>>,
        early: &mut dyn FnMut(&Answer),
    ) -> Answer {
        let mut left = pieces.len();
        for piece in pieces {
            left -= 1;
            match self.piece(cx, text, piece) {
                Answer::Error(why) if left > 0 => {
                    return Answer::Error(format!("{why}({left} more of this entry did not run)\n"));
                }
                answer @ (Answer::Error(_) | Answer::Quit) => return answer,
                answer if left == 0 => return answer,
                answer => early(&answer),
            }
        }
        Answer::Nothing
    }

    /// A part of an entry: a command, or what is evaluated.
    fn piece(&mut self, cx: &mut Thread, entry: &str, at: Range<usize>) -> Answer {
        let line = entry[at.clone()].trim();
        if !line.contains('\n')
            && let Some(answer) = self.bare_word(cx, line)
        {
            return answer;
        }
        // Places are those in the entry.
        let before = &entry[..at.start];
        let column = before.lines().last().filter(|_| !before.ends_with('\n')).map_or(0, |line| line.chars().count());
        let text = "\n".repeat(before.matches('\n').count()) + &" ".repeat(column) + &entry[at];
        // A key that found nothing to interrupt is no wish to interrupt this.
        if !self.meant {
            cx.take_interrupt();
        }
        let mark = cx.mark();
        let answer = commands::run(self, cx, line).unwrap_or_else(|| self.evaluate(cx, &text));
        cx.release(mark);
        answer
    }

    fn evaluate(&mut self, cx: &mut Thread, text: &str) -> Answer {
        let namespace = self.namespace;
        let evaluated = self.run(cx, text);
        self.kept.note(namespace, text.trim(), &evaluated);
        self.answer(cx, evaluated, text)
    }

    /// Evaluates a text in the present namespace.
    pub(super) fn run(&mut self, cx: &mut Thread, text: &str) -> Result<Evaluated, LoadError> {
        self.results.follow(cx, self.namespace);
        load::entry(cx, &format!("repl[{}]", self.number), text, self.namespace)
    }

    /// What there is to say of a text that was evaluated; its value is the last one then.
    pub(super) fn answer(&mut self, cx: &mut Thread, evaluated: Result<Evaluated, LoadError>, text: &str) -> Answer {
        let evaluated = evaluated.and_then(|evaluated| {
            self.namespace = evaluated.namespace;
            if !evaluated.has_value || evaluated.only_prints {
                return Ok(Answer::Nothing);
            }
            self.results.follow(cx, self.namespace);
            self.results.keep(cx, evaluated.value)?;
            // What cannot be printed is the last value all the same.
            self.last = "the last value cannot be printed".into();
            self.last = foreign::repr(cx, evaluated.value)?;
            Ok(Answer::Value(present::value(&self.last, self.look)))
        });
        match evaluated {
            Ok(answer) => {
                // Nobody asks for what was caught.
                trace::forget(cx);
                answer
            }
            Err(LoadError::Problems(mut problems)) => {
                problems.iter_mut().for_each(|problem| advise_assignment(problem, text));
                self.failed(cx, LoadError::Problems(problems))
            }
            Err(error) => self.failed(cx, error),
        }
    }

    /// What is said of a text that did not run to its end.
    pub(super) fn failed(&mut self, cx: &mut Thread, error: LoadError) -> Answer {
        match error {
            LoadError::Problems(problems) => {
                // This is the last error now, and nothing has run.
                self.locals.clear();
                Answer::Error(render_problems(&problems, self.color))
            }
            LoadError::Thrown(thrown) => {
                self.locals = locals::of_pending(cx);
                self.results.keep_error(cx);
                Answer::Error(report::uncaught(cx, thrown, self.color).text)
            }
        }
    }

    /// What people type who look for a command, where it is not the name of anything of theirs.
    fn bare_word(&mut self, cx: &mut Thread, line: &str) -> Option<Answer> {
        if let Some(name) = line.strip_prefix("help(").and_then(|rest| rest.strip_suffix(')')) {
            return self.namespace.own("help").is_none().then(|| commands::run(self, cx, &format!(":doc {name}")))?;
        }
        match line {
            _ if self.namespace.own(line).is_some() => None,
            "help" => Some(Answer::Text(commands::help())),
            "quit" | "exit" | "quit()" => Some(Answer::Quit),
            _ => None,
        }
    }
}

/// Does the text need no more lines, a command or an entry?
pub fn is_complete(text: &str, namespace: &'static Namespace) -> bool {
    commands::expression_of(text).is_none_or(|text| entry::is_complete(&entry::result_names(text), namespace))
}

/// At the prompt there is no `let mut`: what is assigned there is defined anew.
fn advise_assignment(problem: &mut Problem, text: &str) {
    let text = text.trim();
    let name = text.split(|c: char| c.is_whitespace() || c == '=').next().unwrap_or_default();
    let assigns = text[name.len()..].trim_start().starts_with('=');
    if assigns && problem.diagnostic.title.starts_with(&format!("`{name}` cannot be assigned")) {
        problem.diagnostic.help =
            Some(format!("write `let {}`: it defines `{name}`, as often as you like", text.replace('\n', " ")));
    }
}

/// Shows an answer where it belongs; false when the session is to end.
pub fn show(answer: &Answer) -> bool {
    match answer {
        Answer::Value(text) => console::print(&format!("{text}\n")),
        Answer::Text(text) => console::print(text),
        Answer::Error(text) => console::write_error(text),
        Answer::Both(first, second) => return show(first) & show(second),
        Answer::More | Answer::Nothing => {}
        Answer::Quit => return false,
    }
    console::flush_quietly();
    true
}
