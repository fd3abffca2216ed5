//! A session: lines in, answers out. No terminal here, so that tests can hold a conversation.
//!
//! Owns the text that is not yet complete, the present namespace, the variables of the last error, and the `:commands`.
//!
//! Invariant: whatever a line does, the session goes on.

use std::collections::BTreeSet;

use super::completion::Names;
use crate::gc::Thread;
use crate::runtime::load::{self, LoadError, render_problems};
use crate::runtime::locals::{self, Locals};
use crate::runtime::{Namespace, builtins, console, declare, foreign, report, trace};

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
    color: bool,
    /// Of the frames of the last error, innermost first.
    locals: Vec<Locals>,
}

const HELP: &str = "\
Type an expression to see its value; definitions stay.
  :help              this help
  :doc NAME          what NAME is
  :apropos TEXT      names that contain TEXT
  :locals [N]        the variables of the functions that the last error has left, or of one
  :ns [NAME]         the present namespace, or go to another
  :quit              end (so does Ctrl-D)
Tab completes names.
An open bracket or string goes on in the next line; an empty line gives it up.
";

/// The commands, as they are completed.
const COMMANDS: [&str; 6] = [":help", ":doc", ":apropos", ":locals", ":ns", ":quit"];
/// So much of a value is shown where many are; a frame that is asked for shows all that there is of it.
const SHOWN: usize = 100;
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
        Some(Session { namespace, pending: String::new(), color, locals: Vec::new() })
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
        if self.pending.is_empty() {
            let trimmed = line.trim();
            if trimmed.is_empty() {
                return Answer::Nothing;
            }
            if let Some(command) = self.command(cx, trimmed) {
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
            if !evaluated.has_value {
                return Ok(Answer::Nothing);
            }
            Ok(Answer::Value(foreign::repr(cx, evaluated.value)?))
        });
        match evaluated {
            Ok(answer) => {
                // Nobody asks for what was caught.
                trace::forget(cx);
                answer
            }
            Err(LoadError::Problems(problems)) => {
                if !complete && problems.iter().any(|p| p.incomplete) {
                    return Answer::More;
                }
                Answer::Error(render_problems(&problems, self.color))
            }
            Err(LoadError::Thrown(thrown)) => {
                self.locals = locals::of_pending(cx);
                let report = report::uncaught(cx, thrown, self.color);
                Answer::Error(report.text)
            }
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
            // A keyword is an expression.
            _ if argument.is_empty() => return None,
            _ => Answer::Error(format!("there is no command :{word} (see :help)\n")),
        })
    }

    /// The variables of the last error's frames, or of the one with this number.
    fn show_locals(&self, number: &str) -> Answer {
        let last = self.locals.len().saturating_sub(1);
        let (frames, most) = match number.parse::<usize>() {
            _ if self.locals.is_empty() => return Answer::Text("there was no error with variables to show\n".into()),
            Ok(one) if one <= last => (one..=one, usize::MAX),
            Err(_) if number.is_empty() => (0..=last, SHOWN),
            _ => return Answer::Error(format!("there are the functions 0 to {last}: :locals, :locals {last}\n")),
        };
        let mut text = String::new();
        for number in frames {
            let Locals { frame, variables, others } = &self.locals[number];
            text.push_str(&format!("{number}  {frame}\n"));
            match variables {
                None => text.push_str("     its variables are not known\n"),
                Some(all) if all.is_empty() => text.push_str("     no variables\n"),
                Some(all) => {
                    for (name, value) in all {
                        let value = value.as_deref().unwrap_or("<no longer kept>");
                        let start = &value[..value.floor_char_boundary(most)];
                        let rest = if start.len() < value.len() { "…" } else { "" };
                        text.push_str(&format!("     {name} = {start}{rest}\n"));
                    }
                }
            }
            if *others > 0 {
                text.push_str(&format!("     … {others} more\n"));
            }
        }
        Answer::Text(text)
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
        let Some(binding) = binding else { return format!("there is no {name} in view\n") };
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
