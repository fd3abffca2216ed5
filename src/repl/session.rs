//! A session: entries in, answers out. No terminal here, so that tests can hold a conversation.
//!
//! Owns the text that is not yet complete, the present namespace, the variables of the last error, and the `:commands`.
//!
//! Invariant: whatever a line does, the session goes on.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use super::entry;
use super::present::{self, Look};
use super::results::Results;
use crate::gc::Thread;
use crate::runtime::load::{self, LoadError, Problem, render_problems, texts};
use crate::runtime::locals::{self, Locals, Shown};
use crate::runtime::{Namespace, brief, builtins, console, declare, foreign, report, trace};

/// What a line leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The printed value of a complete text.
    Value(String),
    /// Something to say that is no value: help, the answer of a command.
    Text(String),
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
    namespace: &'static Namespace,
    pending: String,
    /// How many entries were evaluated.
    number: usize,
    results: Results,
    /// The last value, as it prints.
    last: String,
    /// How values are shown.
    look: Look,
    color: bool,
    /// Of the frames of the last error, innermost first.
    locals: Vec<Shown>,
}

const HELP: &str = "\
Type an expression to see its value; definitions stay.
  :help              this help
  :doc NAME          what NAME is
  :apropos TEXT      names that contain TEXT
  :locals [N]        the variables of the functions that the last error has left, or of one
  :ns [NAME]         the present namespace, or go to another
  :load FILE         run the top level of a file, and go to its namespace
  :all               the last value, whole: long ones are cut
  :quit              end (so does Ctrl-D)
`_` is the last value; *1, *2, *3 are the last three, *e is the last error. Tab completes names.
An open bracket or string goes on in the next line; Ctrl-C gives it up. Alt-Enter begins a line anywhere.
";

/// The commands, as they are completed.
const COMMANDS: [&str; 8] = [":help", ":doc", ":apropos", ":locals", ":ns", ":load", ":all", ":quit"];
/// So much of a variable is shown where many are; a frame that is asked for shows all that there is of it.
const SHOWN_OF_MANY: usize = 100;
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
            locals: Vec::new(),
        })
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
        if self.pending.is_empty() && line.starts_with(':') {
            return true;
        }
        let text = format!("{}{line}\n", self.pending);
        entry::is_complete(&entry::result_names(&text), self.namespace)
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
        let text = self.results.continued(cx, &entry::result_names(text));
        let pieces = entry::pieces(&text, self.namespace);
        let mut left = pieces.len();
        for piece in pieces {
            left -= 1;
            let answer = self.piece(cx, &text, piece);
            match answer {
                Answer::Error(mut why) => {
                    if left > 0 {
                        why.push_str(&format!("({left} more of this entry did not run)\n"));
                    }
                    return Answer::Error(why);
                }
                Answer::Quit => return answer,
                _ if left == 0 => return answer,
                _ => early(&answer),
            }
        }
        Answer::Nothing
    }

    /// A part of an entry: a command, or what is evaluated.
    fn piece(&mut self, cx: &mut Thread, entry: &str, at: Range<usize>) -> Answer {
        let line = entry[at.clone()].trim();
        if !line.contains('\n')
            && let Some(answer) = self.command(cx, line).or_else(|| self.bare_word(cx, line))
        {
            return answer;
        }
        // Places are those in the entry.
        let before = &entry[..at.start];
        let column = before.lines().last().filter(|_| !before.ends_with('\n')).map_or(0, |line| line.chars().count());
        let text = "\n".repeat(before.matches('\n').count()) + &" ".repeat(column) + &entry[at];
        // A key that found nothing to interrupt is no wish to interrupt this.
        cx.take_interrupt();
        let mark = cx.mark();
        let answer = self.evaluate(cx, &text);
        cx.release(mark);
        answer
    }

    fn evaluate(&mut self, cx: &mut Thread, text: &str) -> Answer {
        self.results.follow(cx, self.namespace);
        let name = format!("repl[{}]", self.number);
        let evaluated = load::evaluate(cx, &name, text, self.namespace).and_then(|evaluated| {
            self.namespace = evaluated.namespace;
            if !evaluated.has_value || evaluated.only_prints {
                return Ok(Answer::Nothing);
            }
            self.results.follow(cx, self.namespace);
            self.results.keep(cx, evaluated.value)?;
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

    fn command(&mut self, cx: &mut Thread, line: &str) -> Option<Answer> {
        let rest = line.strip_prefix(':')?;
        let (word, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let argument = argument.trim();
        Some(match word {
            "help" | "h" | "?" => Answer::Text(HELP.into()),
            "quit" | "q" | "exit" => Answer::Quit,
            "ns" if argument.is_empty() => Answer::Text(format!("{}\n", self.namespace.name)),
            "ns" if !load::paths::is_namespace_name(argument) => {
                Answer::Error(format!("`{argument}` is not a name for a namespace\n"))
            }
            "ns" => match load::require(cx, argument)
                .or_else(|_| declare::namespace(cx, argument).map_err(|e| LoadError::Thrown(e.throw(cx))))
            {
                Ok(namespace) => {
                    self.namespace = namespace;
                    Answer::Text(format!("{}\n", namespace.name))
                }
                Err(_) => Answer::Error(format!("cannot make the namespace {argument}\n")),
            },
            "apropos" => {
                let names = builtins::introspection::apropos_names(cx, argument);
                Answer::Text(names.iter().map(|n| format!("{n}\n")).collect())
            }
            "locals" => self.show_locals(argument),
            "doc" => Answer::Text(self.describe(cx, argument)),
            "load" => self.load(cx, argument),
            "all" if argument.is_empty() => Answer::Text(format!("{}\n", self.last)),
            _ if argument.is_empty() => match load::closest(line, COMMANDS) {
                Some(meant) if line.len() > 4 => Answer::Error(format!(
                    "there is no command {line}; did you mean {meant}? (`({line})` is a keyword)\n"
                )),
                // A keyword is an expression.
                _ => return None,
            },
            _ => Answer::Error(format!("there is no command :{word} (see :help)\n")),
        })
    }

    /// What is said of a text that did not run to its end.
    fn failed(&mut self, cx: &mut Thread, error: LoadError) -> Answer {
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

    /// The variables of the last error's frames, or of the one with this number.
    fn show_locals(&self, number: &str) -> Answer {
        let frames = self.locals.iter().filter(|shown| matches!(shown, Shown::Frame(_))).count();
        let last = frames.saturating_sub(1);
        let (one, most) = match number.parse::<usize>() {
            _ if frames == 0 => return Answer::Text("there was no error with variables to show\n".into()),
            Ok(one) if one <= last => (Some(one), usize::MAX),
            Err(_) if number.is_empty() => (None, SHOWN_OF_MANY),
            _ => return Answer::Error(format!("there are the functions 0 to {last}: :locals, :locals {last}\n")),
        };
        let (mut text, mut number) = (String::new(), 0);
        for shown in &self.locals {
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

    /// What people type who look for a command, where it is not the name of anything of theirs.
    fn bare_word(&mut self, cx: &mut Thread, line: &str) -> Option<Answer> {
        if let Some(name) = line.strip_prefix("help(").and_then(|rest| rest.strip_suffix(')')) {
            return self.namespace.own("help").is_none().then(|| Answer::Text(self.describe(cx, name.trim())));
        }
        match line {
            _ if self.namespace.own(line).is_some() => None,
            "help" | "?" => Some(Answer::Text(HELP.into())),
            "quit" | "exit" | "quit()" => Some(Answer::Quit),
            _ => None,
        }
    }

    /// Runs a file, and goes to its namespace.
    fn load(&mut self, cx: &mut Thread, file: &str) -> Answer {
        let path = Path::new(file);
        let mark = cx.mark();
        let loaded = match texts::waiting(cx, |stop| texts::of_file(path, stop)) {
            Ok(Ok(text)) => {
                cx.vm().loader.search_beside(path);
                load::file(cx, path, file, text)
            }
            Ok(Err(why)) => return Answer::Error(format!("{why}\n")),
            Err(thrown) => Err(LoadError::Thrown(thrown)),
        };
        let answer = match loaded {
            Ok(namespace) => {
                self.namespace = namespace;
                Answer::Text(format!("{}\n", namespace.name))
            }
            Err(error) => self.failed(cx, error),
        };
        cx.release(mark);
        answer
    }

    /// The commands, as they are completed.
    pub fn commands() -> Vec<&'static str> {
        COMMANDS.to_vec()
    }

    fn describe_namespace(&self, cx: &mut Thread, name: &str) -> Option<String> {
        let known = self.namespace.alias(name).or_else(|| cx.vm().namespaces.find(name));
        let namespace = match known {
            Some(namespace) => namespace,
            None if load::paths::is_namespace_name(name) => load::require(cx, name).ok()?,
            None => return None,
        };
        let mut text = format!("namespace {}\n", namespace.name);
        if let Some(doc) = namespace.doc() {
            doc.lines().for_each(|line| text.push_str(&format!("  {}\n", line.trim())));
        }
        let names: BTreeSet<&str> =
            namespace.members().iter().map(|(name, _)| *name).filter(|n| !n.starts_with('_')).collect();
        text.push_str(&format!("{}\n", names.into_iter().collect::<Vec<_>>().join(" ")));
        Some(text)
    }

    fn describe(&self, cx: &mut Thread, name: &str) -> String {
        let (alias, plain) = name.rsplit_once('/').map_or((None, name), |(a, n)| (Some(a), n));
        let core = cx.vm().namespaces.find("core");
        let namespace = match alias {
            Some(alias) => self.namespace.alias(alias).or_else(|| cx.vm().namespaces.find(alias)),
            None => Some(self.namespace),
        };
        let binding = namespace
            .and_then(|n| n.own(plain))
            .or_else(|| core.filter(|_| alias.is_none()).and_then(|c| c.member_for(plain, false)));
        let Some(binding) = binding else {
            return match FORMS.iter().find(|(forms, _)| forms.contains(&name)) {
                Some((_, what)) => format!("{what}\n"),
                None => self.describe_namespace(cx, name).unwrap_or(format!("there is no {name} in view\n")),
            };
        };
        let about = binding.about();
        let mut text = String::new();
        let code = binding.get(cx).and_then(crate::runtime::entry::code_of);
        match code.map(builtins::introspection::signatures_of) {
            Some(signatures) => {
                for signature in signatures {
                    text.push_str(&format!("{}{signature}\n", binding.qualified()));
                }
            }
            None => text.push_str(&format!("{}\n", binding.qualified())),
        }
        if let Some(doc) = about.doc {
            for line in doc.lines() {
                text.push_str(&format!("  {}\n", line.trim()));
            }
        }
        if let Some(place) = about.place {
            let line = place.source.line_column(place.span.start).0;
            text.push_str(&format!("  ({}:{line})\n", place.source.name));
        }
        text
    }
}

/// Forms of the language, which are no values: what they look like.
const FORMS: &[(&[&str], &str)] = &[
    (
        &["if", "else"],
        "if condition { a } else { b }: gives a or b; without `else`, null when the condition is false or null",
    ),
    (&["match"], "match value { 1 => a, [x, y] if x > y => b, Point { x } => c, _ => d }: the first arm that fits"),
    (&["let", "mut"], "let name = value; inside of a function, `let mut name = value` can be assigned: name = other"),
    (
        &["fn"],
        "fn name(a, b) { … }; without a name, fn(a, b) { … }; with several arities, fn name { (a) => …, (a, b) => … }",
    ),
    (&["for", "in"], "for x in collection { … }; for [key, value] in map { … }"),
    (&["while"], "while condition { … }"),
    (
        &["loop", "break", "continue"],
        "loop { … } goes round until `break` (`break value` gives a value); `continue` begins the next turn",
    ),
    (&["return"], "return value: leaves the function"),
    (&["struct"], "struct Point { x, y: 0 }: made by Point { x: 1 }, changed by Point { ...p, x: 2 }"),
    (&["enum"], "enum Shape { empty, circle { r } }: values are Shape.empty, Shape.circle { r: 1 }"),
    (&["protocol"], "protocol Area { fn area(self) }: methods that `extend Circle with Area { … }` gives to a type"),
    (&["extend", "with"], "extend Point { fn length(self) { … } }; extend Point with Protocol { … }"),
    (&["try", "catch", "finally"], "try { … } catch (e) { … } finally { … }"),
    (&["throw"], "throw value: any value can be thrown"),
    (&["use"], "use shapes/circle as c: its names are c/name; use shapes/circle { area }"),
    (&["namespace"], "namespace shapes/circle: the first line of the file shapes/circle.hr"),
    (&["test"], "test \"name\" { assert!(…) }: run by `harrier test`"),
    (&["|>"], "x |> f(a): f(x, a), x as the first argument"),
    (&["|>>"], "x |>> f(a): f(a, x), x as the last argument"),
    (&["++"], "a ++ b: two texts in one"),
    (
        &["&&", "||", "!"],
        "a && b, a || b, !a: null and false are false, all else is true; the operand that decides is the value",
    ),
];

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
        Answer::More | Answer::Nothing => {}
        Answer::Quit => return false,
    }
    console::flush_quietly();
    true
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
