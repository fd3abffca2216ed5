//! A session: entries in, answers out. No terminal here, so that tests can hold a conversation.
//!
//! Owns the text that is not yet complete, the present namespace, the last value and the variables of the last error. What begins
//! with a colon is the business of [`commands`]. A session about a stopped program ([`Stopped`]) is one like any other, in the namespace
//! of the frame that is looked at.
//!
//! Invariant: whatever a line does, the session goes on.

use std::cell::Cell;
use std::ops::Range;

use super::commands::{self, Kept, Watched};
use super::present::{self, Look};
use super::results::Results;
use super::stop::Stopped;
use super::{Ending, Opening, entry};
use crate::gc::{Handle, Thread, Thrown};
use crate::runtime::Namespace;
use crate::runtime::fault::locals::{self, Shown};
use crate::runtime::fault::report::{self, Uncaught};
use crate::runtime::fault::stop::{self, GoesOn, Reason};
use crate::runtime::fault::trace;
use crate::runtime::load::{self, Evaluated, LoadError, Problem, render_problems};
use crate::runtime::program::declare;
use crate::runtime::system::console;
use crate::runtime::values::foreign;

/// What can be asked and said of a stopped program, in short.
const COMMANDS: &str = ":locals, :up, :down, :bt; :next, :step, :finish, :continue, :quit";

thread_local! {
    /// How many entries the sessions of this thread have evaluated: one about a stopped program talks while an entry of another runs,
    /// and the name of an entry is given once.
    static ENTRIES: Cell<usize> = const { Cell::new(0) };
}

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

impl Answer {
    /// Does the session end with it?
    fn ends(&self) -> bool {
        match self {
            Answer::Quit => true,
            Answer::Both(first, second) => first.ends() || second.ends(),
            _ => false,
        }
    }
}

/// A session.
pub struct Session {
    pub(super) namespace: &'static Namespace,
    pending: String,
    /// The number of the present entry.
    number: usize,
    results: Results,
    /// The last value, as it prints.
    pub(super) last: String,
    /// Where begins what was not shown of it, if anything was not.
    pub(super) rest: Option<usize>,
    /// How values are shown.
    pub(super) look: Look,
    color: bool,
    /// Who interrupts it knows what runs: an interrupt that came before is meant all the same.
    meant: bool,
    /// The last error is an interrupt, or was cut short by one while it was shown.
    pub(super) interrupted: bool,
    /// Of the frames of the last error, innermost first.
    pub(super) locals: Vec<Shown>,
    /// The number of the frame among them that was asked for last.
    pub(super) selected: usize,
    /// The program is stopped.
    pub(super) stopped: Option<Stopped>,
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
        Some(Session::in_namespace(namespace, color))
    }

    /// A session about the program that is stopped here.
    pub fn stopped(cx: &mut Thread, color: bool) -> Result<Session, Thrown> {
        let stopped = Stopped::here(cx)?;
        let namespace = match stopped.namespace() {
            Some(namespace) => namespace,
            // No function of the program waits.
            None => declare::namespace(cx, "user").map_err(|error| error.throw(cx))?,
        };
        Ok(Session { stopped: Some(stopped), ..Session::in_namespace(namespace, color) })
    }

    fn in_namespace(namespace: &'static Namespace, color: bool) -> Session {
        Session {
            namespace,
            pending: String::new(),
            number: 0,
            results: Results::default(),
            last: String::new(),
            rest: None,
            look: Look::default(),
            color,
            meant: false,
            interrupted: false,
            locals: Vec::new(),
            selected: 0,
            stopped: None,
            kept: Kept::default(),
            watched: None,
        }
    }

    /// What a talk about a stopped program begins with.
    pub fn introduction(&mut self, cx: &mut Thread, reason: Reason) -> Answer {
        let why = match reason {
            Reason::Breakpoint => {
                let function = self.stopped.as_ref().map_or("", Stopped::function);
                Answer::Text(format!("stopped in {function} ({COMMANDS})\n"))
            }
            Reason::Error(error) => self.at_error(cx, error),
            Reason::Step => Answer::Nothing,
            Reason::Left(value) => self.left(cx, value),
            Reason::Thrown => Answer::Text("left by an error\n".into()),
        };
        let excerpt = self.stopped.as_ref().map_or(String::new(), |stopped| stopped.excerpt(cx, self.color));
        Answer::Both(Box::new(why), Box::new(Answer::Text(excerpt)))
    }

    /// An error is about to be thrown, here or in a function of the library that waits for nobody of the program's own.
    fn at_error(&mut self, cx: &mut Thread, error: Handle) -> Answer {
        self.look_at_own(cx, 0);
        self.results.follow(cx, self.namespace);
        self.results.keep_error(cx, error);
        let Some(stopped) = &mut self.stopped else { return Answer::Nothing };
        stopped.throws = true;
        let function = stopped.function().to_string();
        Answer::Text(format!("{}\nstopped in {function}, where it is thrown ({COMMANDS})\n", report::title(cx, error)))
    }

    /// Looks at the function of the program's own that waits as the one with this number, or for that.
    fn look_at_own(&mut self, cx: &mut Thread, number: usize) {
        if let Some((stopped, own)) = self.stopped.as_mut().zip(stop::own(cx, number))
            && let Ok(Some(namespace)) = stopped.look_at(cx, own)
        {
            self.namespace = namespace;
        }
    }

    /// The innermost function is about to be left with this value, which is the last one then; its caller is looked at.
    fn left(&mut self, cx: &mut Thread, value: Handle) -> Answer {
        self.look_at_own(cx, 1);
        match self.value(cx, value) {
            Ok(shown) => Answer::Value(format!("=> {shown}")),
            Err(thrown) => self.failed(cx, LoadError::Thrown(thrown)),
        }
    }

    /// How a talk about a stopped program has ended.
    pub fn ending(&self, cx: &mut Thread) -> Ending {
        if !stop::steps(cx) {
            commands::end_steps(cx);
        }
        let returned = self.stopped.as_ref().and_then(|stopped| stopped.returned?.get(cx));
        match returned {
            _ if self.stopped.as_ref().is_some_and(|stopped| stopped.quits) => Ending::Quit,
            Some(value) => Ending::Continue(GoesOn::Returns(cx.root(value))),
            None => Ending::Continue(GoesOn::Behind),
        }
    }

    /// The person wants an end: of the session, and of the program where that is stopped.
    pub(super) fn quit(&mut self) -> Answer {
        if let Some(stopped) = &mut self.stopped {
            stopped.quits = true;
        }
        Answer::Quit
    }

    /// With colours?
    pub(super) fn color(&self) -> bool {
        self.color
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
        // In the namespace of a frame stands its function.
        let stopped = self
            .stopped
            .as_ref()
            .filter(|stopped| stopped.namespace().is_some_and(|namespace| std::ptr::eq(namespace, self.namespace)));
        let name = stopped.map_or(self.namespace.name, Stopped::function);
        match self.pending.is_empty() {
            true => format!("{name}> "),
            false => format!("{:>1$}", ". ", name.chars().count() + 2),
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
        if stop::somebody_is_asked(cx) {
            // What an entry before, or the program, did not come to the end of.
            stop::run(cx);
        }
        if text.trim().is_empty() {
            return Answer::Nothing;
        }
        self.number = ENTRIES.get() + 1;
        ENTRIES.set(self.number);
        if let Some(stopped) = &mut self.stopped {
            // What the variables hold may have changed.
            if let Err(thrown) = stopped.look_at(cx, stopped.selected) {
                return self.failed(cx, LoadError::Thrown(thrown));
            }
        }
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
        commands::after_entry(cx);
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
                answer @ Answer::Error(_) => return answer,
                answer if left == 0 || answer.ends() => return answer,
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
            Ok(Answer::Value(self.value(cx, evaluated.value)?))
        });
        match evaluated {
            Ok(answer) => {
                // Nobody asks for what was caught.
                trace::forget(cx);
                answer
            }
            Err(LoadError::Problems(mut problems)) => {
                let stopped = self.stopped.is_some();
                problems.iter_mut().for_each(|problem| advise_assignment(problem, text, stopped));
                self.failed(cx, LoadError::Problems(problems))
            }
            Err(error) => self.failed(cx, error),
        }
    }

    /// A value as it is shown; it is the last one from now on.
    fn value(&mut self, cx: &mut Thread, value: Handle) -> Result<String, Thrown> {
        self.results.follow(cx, self.namespace);
        self.results.keep(cx, value)?;
        // What cannot be printed is the last value all the same.
        self.last = "the last value cannot be printed".into();
        self.rest = None;
        self.last = foreign::repr(cx, value)?;
        let (shown, rest) = present::value(&self.last, 0, self.look);
        self.rest = rest;
        Ok(shown)
    }

    /// What is said of a text that did not run to its end.
    pub(super) fn failed(&mut self, cx: &mut Thread, error: LoadError) -> Answer {
        self.selected = 0;
        self.interrupted = false;
        match error {
            LoadError::Problems(problems) => {
                // This is the last error now, and nothing has run.
                self.locals.clear();
                Answer::Error(render_problems(&problems, self.color))
            }
            LoadError::Thrown(thrown) => {
                self.locals = locals::of_pending(cx);
                let error = cx.root(cx.exception());
                self.results.keep_error(cx, error);
                let Uncaught { text, interrupt, .. } = report::uncaught(cx, thrown, self.color);
                self.interrupted = interrupt;
                Answer::Error(text)
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
            "quit" | "exit" | "quit()" => Some(self.quit()),
            "continue" if self.stopped.is_some() => Some(Answer::Quit),
            _ => None,
        }
    }
}

/// Does the text need no more lines, a command or an entry?
pub fn is_complete(text: &str, namespace: &'static Namespace) -> bool {
    commands::expression_of(text).is_none_or(|text| entry::is_complete(&entry::result_names(text), namespace))
}

/// At the prompt there is no `let mut`: what is assigned there is defined anew. That of a stopped program does not reach into it.
fn advise_assignment(problem: &mut Problem, text: &str, stopped: bool) {
    let text = text.trim();
    let name = text.split(|c: char| c.is_whitespace() || c == '=').next().unwrap_or_default();
    let assigns = text[name.len()..].trim_start().starts_with('=');
    if assigns && problem.diagnostic.title.starts_with(&format!("`{name}` cannot be assigned")) {
        let definition = format!("write `let {}`: it defines", text.replace('\n', " "));
        problem.diagnostic.help = Some(match stopped {
            false => format!("{definition} `{name}`, as often as you like"),
            true => format!(
                "the variables of a stopped function can be looked at, not assigned; {definition} another `{name}`, for this prompt alone"
            ),
        });
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
