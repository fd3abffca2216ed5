//! The `:commands` of the REPL.
//!
//! Owns the one table of them, from which `:help`, completion and `docs/repl-commands.md` are made, and the way from a line to
//! the function of its command.
//!
//! | file | the commands in it |
//! | --- | --- |
//! | `about.rs`, `search.rs` | what names mean: `:doc`, `:source`, `:members`, `:ns`, `:apropos` |
//! | `lookup.rs`, `forms.rs` | what a name stands for; the words and signs of the language |
//! | `files.rs`, `save.rs` | `:load`, `:reload`, `:watch`, `:save` |
//! | `trace.rs` | `:trace`, `:profile` |
//! | `measure.rs`, `units.rs` | `:time`, `:bench`, `:gc`, `:stats`, `:threads`; times and sizes as text |
//! | `code.rs`, `inspect.rs` | what functions and values are in the machine: `:disasm`, `:dump`, `:inspect` |
//! | `last.rs` | what the last entry has left: `:all`, `:more`, `:table` |
//! | `frames.rs` | the functions that an error has left, or that wait at a breakpoint: `:locals`, `:up`, `:down`, `:bt`, `:continue`, `:return` |
//! | `breaks.rs`, `steps.rs` | breakpoints that are set from outside: `:break`, `:unbreak`; `:next`, `:step`, `:finish` |
//! | `declared.rs` | the declarations that were given stops for these |
//!
//! To add a command, write a row: what it takes, a line of help, what else is to be said of it, and its function.

use super::session::{Answer, Session};
use crate::gc::Thread;
use crate::runtime::load;

mod about;
mod breaks;
mod code;
mod declared;
mod files;
pub mod forms;
mod frames;
mod inspect;
mod last;
mod lookup;
mod measure;
mod save;
mod search;
mod steps;
mod trace;
mod units;

pub use about::{About, explain};
pub use files::{Watched, load_text, open};
pub use save::Kept;
pub use steps::end as end_steps;
pub use trace::end_all as end_traces;

/// A command.
pub struct Command {
    /// Its names, without the colon; the first is the one that is shown.
    pub names: &'static [&'static str],
    /// What stands behind the name.
    pub takes: Takes,
    /// Where it belongs in the help.
    pub group: Group,
    /// A line that says what it does.
    pub help: &'static str,
    /// What else there is to say; sentences.
    pub more: &'static str,
    run: fn(&mut Session, &mut Thread, Given<'_>) -> Answer,
}

/// What stands behind the name of a command; the text is what the help calls it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// Something, or nothing.
    Perhaps(&'static str),
    /// Something.
    Some(&'static str),
}

/// Where a command belongs in the help.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// What names mean.
    Names,
    /// Machine code and objects.
    Machine,
    /// Time and memory.
    Measures,
    /// Files.
    Files,
    /// What an error has left, and what is stopped.
    Frames,
    /// The session itself.
    Session,
}

impl Group {
    const ALL: [Group; 6] =
        [Group::Names, Group::Machine, Group::Measures, Group::Files, Group::Frames, Group::Session];

    fn title(self) -> &'static str {
        match self {
            Group::Names => "Names",
            Group::Machine => "Code and objects",
            Group::Measures => "Time, memory, calls",
            Group::Files => "Files",
            Group::Frames => "Errors and breakpoints",
            Group::Session => "The session",
        }
    }
}

/// What was typed behind the name of a command.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// Without white space around it; empty only where the table allows it.
    pub text: &'a str,
}

use Takes::{Nothing, Perhaps};

/// All commands, in the order of the help.
#[rustfmt::skip]
pub const COMMANDS: &[Command] = &[
    Command { names: &["doc"], takes: Takes::Some("NAME"), group: Group::Names, run: about::doc,
        help: "what NAME is; `?NAME` is short for it",
        more: "NAME is that of a function, type, variable, namespace, command, field (`.x`, `Point.x`) or variant \
               (`Shape.circle`), or a word or sign of the language (`match`, `|>`)." },
    Command { names: &["source"], takes: Takes::Some("NAME"), group: Group::Names, run: about::source,
        help: "the text that defines NAME; `??NAME` is short for it",
        more: "Functions of the library that are written in Harrier are shown as well; of a builtin, which is written in Rust, \
               the signature is." },
    Command { names: &["apropos"], takes: Takes::Some("TEXT"), group: Group::Names, run: search::apropos,
        help: "names that contain TEXT, and what says TEXT in its documentation",
        more: "Large and small letters are the same. Looks in all namespaces that are loaded, in those of the library, and in the \
               files that `use` would find; of these the line is told that brings them into view." },
    Command { names: &["members"], takes: Perhaps("NAME"), group: Group::Names, run: about::members,
        help: "what is in a namespace; the fields, variants and methods of a type, or of a value's",
        more: "Without NAME: what the present namespace defines. `:members x` where `x` is a variable shows what can be written \
               behind `x.`." },
    Command { names: &["ns"], takes: Perhaps("NAME"), group: Group::Names, run: about::namespace,
        help: "the present namespace, or go to another",
        more: "It is loaded where there is a file of that name, and made where there is none." },
    Command { names: &["disasm"], takes: Takes::Some("NAME"), group: Group::Machine, run: code::disasm,
        help: "the machine code of a function, with source lines, variables and what is alive at calls",
        more: "A function is compiled at its first call, for the kinds of values that it is given there; `:disasm f(1, 2)` makes such \
               a call first. Each arity that was called is shown, and older bodies that something may still run are told apart. \
               `[user/f/1]` is the cell through which `f` is called with one argument: a redefinition stores there." },
    Command { names: &["dump"], takes: Takes::Some("tree|maps|asm NAME"), group: Group::Machine, run: code::dump,
        help: "what the reader made of a function; its stack maps; its machine code",
        more: "A stack map says for each call which saved registers and frame slots hold values that the collector must know." },
    Command { names: &["inspect"], takes: Takes::Some("EXPR"), group: Group::Machine, run: inspect::inspect,
        help: "the value of EXPR as the heap has it: type, layout, header, size, space, slots",
        more: "What it reaches is all that hangs on it; what it retains would be freed with it, if nothing but the value itself were \
               forgotten: a value that a variable holds as well retains what only that variable's value keeps alive." },
    Command { names: &["time"], takes: Takes::Some("EXPR"), group: Group::Measures, run: measure::time,
        help: "the value of EXPR, and the time and memory that it took",
        more: "Reading and compiling count, so the second time may be shorter. Processor time is told where it differs from the \
               time on the clock: several threads, or waiting. Memory is what all threads have allocated, also what a \
               collection has taken back." },
    Command { names: &["bench"], takes: Takes::Some("EXPR"), group: Group::Measures, run: measure::bench,
        help: "run EXPR many times, for about 1.5 s: median and spread",
        more: "It is compiled and run once before; what it does, it does as often as it runs. The line of bars shows the samples \
               up to the 95th of a hundred. Ctrl-C ends it." },
    Command { names: &["gc"], takes: Nothing, group: Group::Measures, run: measure::collect,
        help: "collect garbage now; what was freed, and what lives",
        more: "" },
    Command { names: &["stats"], takes: Nothing, group: Group::Measures, run: measure::stats,
        help: "figures of the machine: heap, collections, code, names, threads",
        more: "" },
    Command { names: &["threads"], takes: Nothing, group: Group::Measures, run: measure::list_threads,
        help: "the threads, what each is doing, and the processor time it has used",
        more: "" },
    Command { names: &["profile"], takes: Takes::Some("EXPR"), group: Group::Measures, run: trace::profile,
        help: "the value of EXPR, and where the processor time went",
        more: "Samples all threads: a table by function and by line, as `harrier run --profile` prints it." },
    Command { names: &["trace"], takes: Perhaps("NAME"), group: Group::Measures, run: trace::trace,
        help: "show each call of a function with its arguments and its result, or list what is traced",
        more: "Of all who call it by its name, in all threads, until `:untrace`; when it is defined anew the new function is \
               traced. Calls in tail position use the stack while it is traced, and what holds the function itself, not the \
               name, calls it as before." },
    Command { names: &["untrace"], takes: Perhaps("NAME"), group: Group::Measures, run: trace::untrace,
        help: "end that, of one function or of all",
        more: "" },
    Command { names: &["load"], takes: Takes::Some("FILE"), group: Group::Files, run: files::load,
        help: "run the top level of a file, and go to its namespace",
        more: "Its `main` is not called. What it uses is looked for beside it, in the present folder and in the folders of `-I`." },
    Command { names: &["reload"], takes: Nothing, group: Group::Files, run: files::reload,
        help: "load all files again that have changed, in the order of use",
        more: "A file that fails is told, and tried again the next time; what uses it waits. One with errors in its text changes nothing; what \
               a top level that throws has declared, and done before, stays. What a file does \
               not define any more stays defined and is named. `letonce` keeps its value." },
    Command { names: &["watch"], takes: Perhaps("off"), group: Group::Files, run: files::watch,
        help: "do that before each entry, whenever a file has changed",
        more: "The files are looked at when an entry comes, so nothing changes while something runs." },
    Command { names: &["save"], takes: Takes::Some("FILE"), group: Group::Files, run: save::save,
        help: "write what the session has defined in the present namespace, as a file",
        more: "In the order of the first definitions, of each the latest, with its comments; expressions are left out. A file that \
               `:save` has not written is not overwritten." },
    Command { names: &["locals"], takes: Perhaps("N"), group: Group::Frames, run: frames::locals,
        help: "the variables of the functions that the last error has left, or of one",
        more: "Of the innermost sixteen functions. What was no longer needed when the error came is not kept, and said to be so. At a \
               breakpoint: those of the function that is looked at, as they are now." },
    Command { names: &["up"], takes: Nothing, group: Group::Frames, run: frames::up,
        help: "look at the caller, and at its variables",
        more: "At a breakpoint what is typed from then on is evaluated among them." },
    Command { names: &["down"], takes: Nothing, group: Group::Frames, run: frames::down,
        help: "back to the function that it has called",
        more: "" },
    Command { names: &["bt"], takes: Nothing, group: Group::Frames, run: frames::stack,
        help: "the functions that the last error has left, or that wait at the breakpoint",
        more: "" },
    Command { names: &["next"], takes: Nothing, group: Group::Frames, run: steps::next,
        help: "go on to the next statement of the function that is looked at, or of one that waits for it",
        more: "What it calls runs through. A function has stops before its statements where it has a breakpoint: `breakpoint()` in its \
               text, or `:break`." },
    Command { names: &["step"], takes: Nothing, group: Group::Frames, run: steps::step,
        help: "go on to the next statement, also of a function that is called",
        more: "The functions of the program that the present one names are defined anew for it, with stops before their statements, \
               until `:continue`. What a variable holds is entered where it has stops." },
    Command { names: &["finish"], takes: Nothing, group: Group::Frames, run: steps::finish,
        help: "go on until the function that is looked at is left, and show what it gives",
        more: "That is the last value then, and its caller is looked at. A breakpoint on the way, or an error that leaves the function, \
               comes first." },
    Command { names: &["continue"], takes: Nothing, group: Group::Frames, run: frames::go_on,
        help: "go on to the next breakpoint (so does Ctrl-D)",
        more: "So does `continue` alone." },
    Command { names: &["return"], takes: Takes::Some("EXPR"), group: Group::Frames, run: frames::return_value,
        help: "leave the function that has come to the breakpoint, with the value of EXPR",
        more: "What is left of it does not run. Not where a `try`, `finally` or `binding` of the function is around the breakpoint." },
    Command { names: &["break"], takes: Perhaps("NAME[/N], FILE:LINE or error"), group: Group::Frames, run: breaks::set,
        help: "stop where a function begins (one arity of it, with N), before a line, or at errors; or list where",
        more: "The function is defined anew, with stops in it: who calls it by its name from then on stops. `repl[3]:1` is a line, \
               too. When it is defined anew otherwise, the breakpoint is gone. Of `extend`, lines of the file count. \
               `:break error` stops where an error is thrown, before it leaves anything, caught or not: `*e` is the error." },
    Command { names: &["unbreak"], takes: Perhaps("NAME, FILE:LINE or error"), group: Group::Frames, run: breaks::unset,
        help: "end that, of one function or of all",
        more: "" },
    Command { names: &["all"], takes: Nothing, group: Group::Session, run: last::all,
        help: "the last value, whole: long ones are cut",
        more: "" },
    Command { names: &["more"], takes: Nothing, group: Group::Session, run: last::more,
        help: "the next part of the last value, where it was cut",
        more: "" },
    Command { names: &["table"], takes: Perhaps("EXPR"), group: Group::Session, run: last::table,
        help: "the value of EXPR, or the last one, as a table: a row for each element, a column for each key or field",
        more: "Of the first 100 elements, and 40 characters of each cell." },
    Command { names: &["help", "h", "?"], takes: Perhaps("COMMAND"), group: Group::Session, run: help_on,
        help: "this help, or what there is to say about one command",
        more: "" },
    Command { names: &["quit", "q", "exit"], takes: Nothing, group: Group::Session, run: |session, _, _| session.quit(),
        help: "end (so does Ctrl-D)",
        more: "So do `exit` and `quit` alone, as long as nothing of yours has that name; `exit(status)` says how. At a breakpoint it ends \
               the program, with status 1, or the entry that has come there." },
];

impl Command {
    /// `:doc NAME`
    pub fn usage(&self) -> String {
        match self.takes {
            Nothing => format!(":{}", self.names[0]),
            Perhaps(what) => format!(":{} [{what}]", self.names[0]),
            Takes::Some(what) => format!(":{} {what}", self.names[0]),
        }
    }

    /// All that there is to say about it.
    pub fn describe(&self) -> String {
        let mut text = format!("{}: {}\n", self.usage(), self.help);
        if !self.more.is_empty() {
            wrapped(self.more, WIDTH).iter().for_each(|line| text.push_str(&format!("  {line}\n")));
        }
        if let [_, others @ ..] = self.names
            && !others.is_empty()
        {
            let others: Vec<String> = others.iter().map(|name| format!(":{name}")).collect();
            text.push_str(&format!("  Also {}.\n", others.join(", ")));
        }
        text
    }
}

/// The command of this name, which may have its colon.
pub fn find(name: &str) -> Option<&'static Command> {
    let name = name.strip_prefix(':').unwrap_or(name);
    COMMANDS.iter().find(|command| command.names.contains(&name))
}

/// The names of all commands, as they are typed; the short ones are for fingers that know them.
pub fn names() -> impl Iterator<Item = String> {
    COMMANDS.iter().map(|command| format!(":{}", command.names[0]))
}

/// Before an entry is read: what is to be said before its answer.
pub fn before_entry(session: &mut Session, cx: &mut Thread) -> Option<Answer> {
    files::look(session, cx)
}

/// After an entry.
pub fn after_entry(cx: &mut Thread) {
    trace::follow(cx);
}

/// `:help [COMMAND]`
fn help_on(_: &mut Session, _: &mut Thread, given: Given<'_>) -> Answer {
    match find(given.text) {
        _ if given.text.is_empty() => Answer::Text(help()),
        Some(command) => Answer::Text(command.describe()),
        None => Answer::Error(format!("there is no command {} (see :help; `:doc NAME` is for names)\n", given.text)),
    }
}

/// The help.
pub fn help() -> String {
    let mut text = String::from("Type an expression to see its value; definitions stay.\n");
    let width = COMMANDS.iter().map(|command| command.usage().len()).max().unwrap_or_default();
    for group in Group::ALL {
        text.push_str(&format!("\n{}:\n", group.title()));
        for command in COMMANDS.iter().filter(|command| command.group == group) {
            text.push_str(&format!("  {:<width$}  {}\n", command.usage(), command.help));
        }
    }
    text.push_str(
        "\n`:help :doc` says more of a command. `_` is the last value; *1, *2, *3 are the last three, *e is the last error.\n\
         Tab completes names. An open bracket or string goes on in the next line; Ctrl-C gives it up. Alt-Enter begins a line.\n",
    );
    text
}

/// The table as a chapter of the documentation.
pub fn chapter() -> String {
    let mut text = String::from(
        "# The commands of the REPL\n\nMade from the table in `src/repl/commands/mod.rs`: `tests/repl_session/commands.rs` holds this text to it, and \
         `HARRIER_BLESS=1` writes it anew. At the prompt, `:help` lists the commands and `:help :NAME` says the same.\n",
    );
    for group in Group::ALL {
        text.push_str(&format!("\n## {}\n\n| command | |\n| --- | --- |\n", group.title()));
        for command in COMMANDS.iter().filter(|command| command.group == group) {
            let more = if command.more.is_empty() { String::new() } else { format!(" {}", command.more) };
            let help = capital(command.help);
            let row = format!("| `{}` | {help}.{more} |", command.usage()).replace("`|>`", "`\\|>`");
            text.push_str(&row);
            text.push('\n');
        }
    }
    text
}

/// Lines of what is said of a command are no longer.
const WIDTH: usize = 90;

/// A text in lines.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

/// With a capital letter at its beginning.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + chars.as_str())
}

/// The name of the command that a text begins with, and what stands behind it.
fn parts(text: &str) -> Option<(&str, &str)> {
    match (text.strip_prefix("??"), text.strip_prefix('?')) {
        (Some(name), _) => Some(("source", name)),
        (_, Some("")) => Some(("help", "")),
        (_, Some(name)) => Some(("doc", name)),
        _ => {
            let rest = text.strip_prefix(':')?;
            Some(rest.split_once(char::is_whitespace).unwrap_or((rest, "")))
        }
    }
}

/// Does a text begin with a command? A keyword of its name is taken for it, as in an entry of its own.
pub fn begins(text: &str) -> bool {
    text.starts_with(':') && parts(text).is_some_and(|(word, _)| word.split(';').next().and_then(find).is_some())
}

/// The expression in an entry: all of it, or what is behind a command that takes one; none in other commands.
pub fn expression_of(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let Some((word, rest)) = parts(text) else { return Some(text) };
    match COMMANDS.iter().find(|command| command.names.contains(&word)).map(|command| command.takes) {
        Some(Takes::Some("EXPR") | Perhaps("EXPR")) => Some(rest).filter(|rest| !rest.trim().is_empty()),
        Some(_) => None,
        None if unknown(text.trim(), word, rest.trim()).is_some() => None,
        None => Some(text),
    }
}

/// Runs the command that a text begins with; none where it is an expression.
pub fn run(session: &mut Session, cx: &mut Thread, text: &str) -> Option<Answer> {
    let text = text.trim();
    let (word, rest) = parts(text)?;
    let rest = rest.trim();
    let Some(command) = COMMANDS.iter().find(|command| command.names.contains(&word)) else {
        return unknown(text, word, rest);
    };
    match command.takes {
        Nothing if !rest.is_empty() => {
            Some(Answer::Error(format!(":{word} takes nothing: write just `{}`\n", command.usage())))
        }
        Takes::Some(_) if rest.is_empty() => {
            Some(Answer::Error(format!("write `{}`: {} (`(:{word})` is a keyword)\n", command.usage(), command.help)))
        }
        _ => Some((command.run)(session, cx, Given { text: rest })),
    }
}

/// What begins with a colon and is no command: a keyword, alone or in an expression, or a mistake.
fn unknown(text: &str, word: &str, rest: &str) -> Option<Answer> {
    // `:a == x`, `:a |> f`
    let goes_on = rest.starts_with(|c: char| c.is_ascii_punctuation() && !"\"'([{:_.~".contains(c));
    if goes_on {
        return None;
    }
    let all: Vec<String> = names().collect();
    let meant = load::closest(&format!(":{word}"), all.iter().map(String::as_str));
    match meant {
        Some(meant) if word.len() > 3 => Some(Answer::Error(format!(
            "there is no command :{word}; did you mean {meant}? (`({text})` is {})\n",
            if rest.is_empty() { "a keyword" } else { "an expression" }
        ))),
        // A keyword is an expression.
        _ if rest.is_empty() => None,
        _ => Some(Answer::Error(format!("there is no command :{word} (see :help)\n"))),
    }
}
