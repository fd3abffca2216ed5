//! A session: lines in, answers out. No terminal here, so that tests can hold a conversation.
//!
//! Owns the text that is not yet complete, the present namespace, the variables of the last error, and the `:commands`.
//!
//! Invariant: whatever a line does, the session goes on.

use std::collections::BTreeSet;
use std::path::Path;

use super::completion::Names;
use crate::gc::Thread;
use crate::runtime::declare::DeclareError;
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
    /// The last value, as it prints.
    last: String,
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
`_` is the last value. Tab completes names.
An open bracket or string goes on in the next line; an empty line gives it up.
";

/// The commands, as they are completed.
const COMMANDS: [&str; 8] = [":help", ":doc", ":apropos", ":locals", ":ns", ":load", ":all", ":quit"];
/// So many characters of a value are shown.
const SHOWN: usize = 4000;
/// So much of a variable is shown where many are; a frame that is asked for shows all that there is of it.
const SHOWN_OF_MANY: usize = 100;
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
        Some(Session { namespace, pending: String::new(), last: String::new(), color, locals: Vec::new() })
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
            if let Some(command) = self.command(cx, trimmed).or_else(|| self.bare_word(cx, trimmed)) {
                return command;
            }
        }
        let gives_up = !self.pending.is_empty() && line.trim().is_empty();
        self.pending.push_str(line);
        self.pending.push('\n');
        let text = std::mem::take(&mut self.pending);
        // A key that found nothing to interrupt is no wish to interrupt this.
        cx.take_interrupt();
        let mark = cx.mark();
        let answer = self.evaluate(cx, &text, gives_up);
        cx.release(mark);
        if answer == Answer::More {
            self.pending = text;
        }
        answer
    }

    /// The input has ended in the middle of a text: says what is wrong with it.
    pub fn end(&mut self, cx: &mut Thread) -> Answer {
        if self.pending.trim().is_empty() {
            return Answer::Nothing;
        }
        let text = std::mem::take(&mut self.pending);
        self.evaluate(cx, &text, true)
    }

    fn evaluate(&mut self, cx: &mut Thread, text: &str, complete: bool) -> Answer {
        let evaluated = load::evaluate(cx, "<repl>", text, self.namespace).and_then(|evaluated| {
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

    /// The names that can be written now.
    pub fn names(&self, cx: &Thread) -> Names {
        let public = |n: &'static Namespace| n.members().into_iter().filter(|(name, _)| !name.starts_with('_'));
        let mut names: BTreeSet<String> = COMMANDS.iter().map(|c| (*c).to_string()).collect();
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
