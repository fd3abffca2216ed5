//! A session: lines in, answers out. No terminal here, so that tests can hold a conversation.
//!
//! Owns the text that is not yet complete, the present namespace, the last value and the variables of the last error. What begins
//! with a colon is the business of [`commands`].
//!
//! Invariant: whatever a line does, the session goes on.

use std::collections::BTreeSet;

use super::Opening;
use super::commands::{self, Kept, Traced, Watched};
use super::completion::Names;
use crate::gc::Thread;
use crate::runtime::declare::DeclareError;
use crate::runtime::load::{self, Evaluated, LoadError, Problem, render_problems};
use crate::runtime::locals::{self, Shown};
use crate::runtime::{Namespace, console, declare, foreign, report, trace};

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
    /// The last value, as it prints.
    pub(super) last: String,
    color: bool,
    /// Of the frames of the last error, innermost first.
    pub(super) locals: Vec<Shown>,
    /// The functions that tell of their calls.
    pub(super) traced: Vec<Traced>,
    /// What entries have declared.
    pub(super) kept: Kept,
    /// The files that are loaded again when they have changed, if they are.
    pub(super) watched: Option<Watched>,
    /// What is to be said before the next answer.
    notice: Option<Answer>,
}

/// So many characters of a value are shown.
const SHOWN: usize = 4000;
/// Words of the language that are long enough to be completed.
const WORDS: [&str; 13] = [
    "binding",
    "break",
    "catch",
    "continue",
    "extend",
    "finally",
    "letonce",
    "match",
    "namespace",
    "protocol",
    "return",
    "struct",
    "throw",
];

impl Session {
    /// A session in the namespace `user`.
    pub fn new(cx: &mut Thread, color: bool) -> Option<Session> {
        let namespace = declare::namespace(cx, "user").ok()?;
        locals::keep(cx.vm());
        Some(Session {
            namespace,
            pending: String::new(),
            last: String::new(),
            color,
            locals: Vec::new(),
            traced: Vec::new(),
            kept: Kept::default(),
            watched: None,
            notice: None,
        })
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

    /// Forgets an incomplete text.
    pub fn give_up(&mut self) {
        self.pending.clear();
    }

    /// One line of input.
    pub fn line(&mut self, cx: &mut Thread, line: &str) -> Answer {
        cx.vm().loader.forget_shown();
        if self.pending.is_empty() {
            let trimmed = line.trim();
            if trimmed.is_empty() {
                return Answer::Nothing;
            }
            if let Some(answer) = self.bare_word(cx, trimmed) {
                return answer;
            }
        }
        if self.pending.is_empty() {
            self.notice = commands::before_entry(self, cx);
        }
        let gives_up = !self.pending.is_empty() && line.trim().is_empty();
        self.pending.push_str(line);
        self.pending.push('\n');
        let text = std::mem::take(&mut self.pending);
        // A key that found nothing to interrupt is no wish to interrupt this.
        cx.take_interrupt();
        let mark = cx.mark();
        let answer = match commands::run(self, cx, &text, gives_up) {
            Some(answer) => answer,
            None => self.evaluate(cx, &text, gives_up),
        };
        commands::after_entry(self, cx);
        cx.release(mark);
        if answer == Answer::More {
            self.pending = text;
            return answer;
        }
        match self.notice.take() {
            Some(notice) => Answer::Both(Box::new(notice), Box::new(answer)),
            None => answer,
        }
    }

    /// The input has ended in the middle of a text: says what is wrong with it.
    pub fn end(&mut self, cx: &mut Thread) -> Answer {
        if self.pending.trim().is_empty() {
            return Answer::Nothing;
        }
        let text = std::mem::take(&mut self.pending);
        commands::run(self, cx, &text, true).unwrap_or_else(|| self.evaluate(cx, &text, true))
    }

    fn evaluate(&mut self, cx: &mut Thread, text: &str, complete: bool) -> Answer {
        let namespace = self.namespace;
        let evaluated = self.run(cx, text);
        self.kept.note(namespace, text, &evaluated);
        self.answer(cx, evaluated, text, complete)
    }

    /// Evaluates a text in the present namespace.
    pub(super) fn run(&mut self, cx: &mut Thread, text: &str) -> Result<Evaluated, LoadError> {
        load::entry(cx, "<repl>", text, self.namespace)
    }

    /// What there is to say of a text that was evaluated; its value is the last one then.
    pub(super) fn answer(
        &mut self,
        cx: &mut Thread,
        evaluated: Result<Evaluated, LoadError>,
        text: &str,
        complete: bool,
    ) -> Answer {
        let evaluated = evaluated.and_then(|evaluated| {
            self.namespace = evaluated.namespace;
            if !evaluated.has_value || evaluated.only_prints {
                return Ok(Answer::Nothing);
            }
            let last =
                self.namespace.intern(cx.vm(), "_").map_err(|e| LoadError::Thrown(DeclareError::from(e).throw(cx)))?;
            last.define(cx, cx.get(evaluated.value));
            self.last = foreign::repr(cx, evaluated.value)?;
            Ok(Answer::Value(cut(&self.last)))
        });
        match evaluated {
            Ok(answer) => {
                // Nobody asks for what was caught.
                trace::forget(cx);
                answer
            }
            Err(LoadError::Problems(mut problems)) => {
                if !complete && problems.iter().any(|p| p.incomplete) {
                    return Answer::More;
                }
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
                Answer::Error(report::uncaught(cx, thrown, self.color).text)
            }
        }
    }

    /// What people type who look for a command, where it is not the name of anything of theirs.
    fn bare_word(&mut self, cx: &mut Thread, line: &str) -> Option<Answer> {
        if let Some(name) = line.strip_prefix("help(").and_then(|rest| rest.strip_suffix(')')) {
            return self
                .namespace
                .own("help")
                .is_none()
                .then(|| commands::run(self, cx, &format!(":doc {name}"), true))?;
        }
        match line {
            _ if self.namespace.own(line).is_some() => None,
            "help" => Some(Answer::Text(commands::help())),
            "quit" | "exit" | "quit()" => Some(Answer::Quit),
            _ => None,
        }
    }

    /// The names that can be written now.
    pub fn names(&self, cx: &Thread) -> Names {
        let public = |n: &'static Namespace| {
            n.members().into_iter().filter(|(name, b)| b.is_defined() && !name.starts_with('_'))
        };
        let mut names: BTreeSet<String> = commands::names().collect();
        let core = cx.vm().namespaces.find("core");
        for namespace in core.into_iter().chain([self.namespace]) {
            names.extend(public(namespace).map(|(name, _)| name.to_string()));
        }
        for alias in self.namespace.alias_names() {
            if let Some(namespace) = self.namespace.alias(alias) {
                names.extend(public(namespace).map(|(name, _)| format!("{alias}/{name}")));
            }
        }
        names.extend(WORDS.iter().map(|w| (*w).to_string()));
        Names(names)
    }
}

/// The first characters of a value.
fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.to_string(),
        Some((at, _)) => {
            let more = text[at..].chars().count();
            format!("{} …\n({more} more characters; :all shows them)", &text[..at])
        }
    }
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
