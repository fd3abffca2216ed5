//! The terminal of the REPL: line editing and history, or plain lines where there is nothing to edit with.
//!
//! Owns the loops that take entries and show answers, and the state in which the terminal is given back.
//!
//! Invariant: no key that is pressed is lost, and none but Ctrl-D in an empty entry ends the session. What was typed while an entry
//! ran is read afterwards: the editor keeps what it has read ahead (its feature `buffer-redux`).

use std::io::ErrorKind;
use std::sync::{Arc, OnceLock};

use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor};

use super::Opening;
use super::assistant::Assistant;
use super::background::Background;
use super::commands;
use super::history::History;
use super::keys::Scene;
use super::present::Look;
use super::server::{self, Door};
use super::session::{Answer, Session, show};
use crate::gc::Thread;
use crate::runtime::fault::trace;
use crate::runtime::system::{console, descriptor, streams, threads};

/// How the terminal was when we began.
static BEFORE: OnceLock<libc::termios> = OnceLock::new();

/// Remembers how the terminal is.
fn remember_terminal() {
    // SAFETY: plain data, which the call fills; an error leaves it unused.
    unsafe {
        let mut state = std::mem::zeroed::<libc::termios>();
        if libc::tcgetattr(libc::STDIN_FILENO, &mut state) == 0 {
            let _ = BEFORE.set(state);
            console::at_end(restore);
        }
    }
}

/// Makes the terminal what it was, if it was ever changed.
fn restore() {
    if let Some(before) = BEFORE.get() {
        // SAFETY: a state that the call may read.
        unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, before) };
        // Pastes are no longer marked.
        console::print("\x1b[?2004l");
        console::flush_quietly();
    }
}

type LineEditor = Editor<Assistant, MemHistory>;

/// What the person at the terminal did.
enum Typed {
    Entry(String),
    /// The entry was given up, or what came was no text.
    Nothing,
    /// The session is to end.
    End,
}

/// Does the terminal understand what a line editor says to it?
fn can_edit() -> bool {
    let name = std::env::var("TERM").unwrap_or_default();
    !["", "dumb", "cons25", "emacs"].contains(&name.as_str())
}

/// Talks to a person.
pub fn talk(cx: &mut Thread, opening: Option<&Opening>, door: Option<Door>) -> u8 {
    if !can_edit() {
        return plain(cx, opening, door, true);
    }
    remember_terminal();
    let color = console::wants_color();
    let Some(mut session) = Session::new(cx, color) else { return 1 };
    let scene = Scene::new(session.namespace());
    let Some(mut editor) = editor(&scene, color) else { return plain(cx, opening, door, true) };
    let background = editor.create_external_printer().map_or_else(|_| Background::none(), Background::start);
    let history = History::of_user();
    // Without the file there is no history yet.
    for entry in history.iter().flat_map(|history| history.load().unwrap_or_default()) {
        let _ = editor.add_history_entry(entry);
    }
    greet();
    opens(&mut session, cx, opening, door);
    loop {
        let width = columns();
        scene.begin(session.namespace(), width, session.prompt().chars().count());
        let answer = match typed(cx, &mut editor, &background, &scene, &session.prompt()) {
            Typed::Entry(text) => {
                remember(&text, &mut editor, history.as_ref());
                session.set_look(Look { width: Some(columns()), color, whole: false });
                session.entry(cx, &text, &mut |answer| {
                    console::end_line();
                    show(answer);
                })
            }
            Typed::Nothing => continue,
            Typed::End => break,
        };
        console::end_line();
        if !show(&answer) {
            break;
        }
    }
    0
}

/// Begins with a file, if there is to be one, and lets other programs in; has it failed?
fn opens(session: &mut Session, cx: &mut Thread, opening: Option<&Opening>, door: Option<Door>) -> bool {
    let answer = opening.map_or(Answer::Nothing, |opening| session.open(cx, opening));
    show(&answer);
    let mut failed = matches!(answer, Answer::Error(_));
    if let Some(door) = door {
        door.greet();
        if let Err(why) = door.serve(cx, session.namespace()) {
            console::write_error(&format!("harrier: nobody can connect: {why}\n"));
            failed = true;
        }
    }
    failed
}

/// Talks to other programs alone, until a signal ends it.
pub fn serve(cx: &mut Thread, opening: Option<&Opening>, door: Door) -> u8 {
    let Some(mut session) = Session::new(cx, false) else { return 1 };
    if opens(&mut session, cx, opening, Some(door)) {
        return 1;
    }
    let interrupt = server::stay(cx);
    let _nobody_asks = cx.take_exception(interrupt);
    console::INTERRUPTED
}

fn greet() {
    console::print(&format!("Harrier {} (:help for help)\n", env!("CARGO_PKG_VERSION")));
    console::flush_quietly();
}

/// How wide the terminal is.
fn columns() -> usize {
    // SAFETY: plain data, which the call fills.
    let size = unsafe {
        let mut size = std::mem::zeroed::<libc::winsize>();
        libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &mut size);
        size
    };
    // A terminal that does not know is taken for the usual one.
    if size.ws_col == 0 { 80 } else { usize::from(size.ws_col) }
}

fn editor(scene: &Arc<Scene>, color: bool) -> Option<LineEditor> {
    let color = if color { ColorMode::Enabled } else { ColorMode::Disabled };
    let config = Config::builder().completion_type(CompletionType::List).color_mode(color).build();
    let history = MemHistory::with_config(&config);
    let mut editor = LineEditor::with_history(config, history).ok()?;
    for (event, handler) in scene.bindings() {
        editor.bind_sequence(event, handler);
    }
    editor.set_helper(Some(Assistant::new(Arc::clone(scene), commands::names().collect())));
    Some(editor)
}

/// Puts an entry into the history before it runs: it may end the session.
fn remember(text: &str, editor: &mut LineEditor, history: Option<&History>) {
    let entry = text.trim_end();
    if entry.trim().is_empty() {
        return;
    }
    // What cannot be remembered is answered all the same.
    if let (Ok(true), Some(history)) = (editor.add_history_entry(entry), history) {
        let _ = history.append(entry);
    }
}

/// The next entry; what has grown very long comes in parts.
fn typed(cx: &mut Thread, editor: &mut LineEditor, background: &Background, scene: &Scene, prompt: &str) -> Typed {
    let mut begun = String::new();
    let mut prompt = prompt.to_string();
    loop {
        let edit = || editor.readline_with_initial(&prompt, (&begun, ""));
        match cx.outside(|| background.while_editing(edit)) {
            Ok(_) if scene.is_given_up() => return Typed::Nothing,
            Ok(line) => match scene.accept(&line) {
                Ok(entry) => return Typed::Entry(entry),
                Err(next) => begun = next,
            },
            Err(ReadlineError::Interrupted) => return Typed::Nothing,
            Err(ReadlineError::Eof) => return Typed::End,
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                console::write_error("harrier: what was typed is not UTF-8\n");
                return Typed::Nothing;
            }
            Err(error) => {
                console::write_error(&format!("harrier: {error}\n"));
                return Typed::End;
            }
        }
        prompt.clear();
    }
}

/// Evaluates the lines of a pipe or file, or of a person whose terminal knows nothing but lines.
pub fn plain(cx: &mut Thread, opening: Option<&Opening>, door: Option<Door>, person: bool) -> u8 {
    let Some(mut session) = Session::new(cx, false) else { return 1 };
    let history = person.then(History::of_user).flatten();
    let mut entry = String::new();
    if person {
        greet();
    }
    let mut failed = opens(&mut session, cx, opening, door);
    loop {
        if person {
            console::print(&session.prompt());
            console::flush_quietly();
        }
        let line = match threads::waiting(cx, |stop| streams::line_of_stdin(stop)) {
            Ok(line) => line,
            Err(interrupt) if person => {
                let _nobody_asks = cx.take_exception(interrupt);
                trace::forget(cx);
                give_up(&mut session, &mut entry);
                continue;
            }
            // A key that is pressed while a line is awaited has nothing else to interrupt: it ends the program.
            Err(_) => return console::INTERRUPTED,
        };
        let answer = match line.map(|line| line.map(|line| String::from_utf8(streams::without_end(line)))) {
            Ok(Some(Ok(line))) => {
                entry.push_str(&line);
                entry.push('\n');
                if person {
                    console::line_was_ended();
                    remember_lines(&session, history.as_ref(), &entry, &line);
                    session.set_look(Look { width: Some(columns()), ..Look::default() });
                }
                session.line(cx, &line)
            }
            Ok(Some(Err(_))) => {
                session.give_up();
                Answer::Error("harrier: a line that is not UTF-8\n".into())
            }
            Ok(None) if person && session.is_open() => {
                give_up(&mut session, &mut entry);
                continue;
            }
            Ok(None) => {
                let last = session.end(cx);
                failed |= matches!(last, Answer::Error(_));
                show(&last);
                break;
            }
            Err(error) => {
                console::write_error(&format!("harrier: cannot read: {}\n", descriptor::why(&error)));
                return 1;
            }
        };
        if answer != Answer::More {
            entry.clear();
        }
        failed |= matches!(answer, Answer::Error(_));
        if person {
            console::end_line();
        }
        if !show(&answer) {
            break;
        }
    }
    if person { 0 } else { u8::from(failed) }
}

/// Puts the lines of an entry into the history, if this is its last.
fn remember_lines(session: &Session, history: Option<&History>, entry: &str, line: &str) {
    if let Some(history) = history.filter(|_| session.completes(line) && !entry.trim().is_empty()) {
        // What cannot be remembered is answered all the same.
        let _ = history.append(entry.trim_end());
    }
}

fn give_up(session: &mut Session, entry: &mut String) {
    session.give_up();
    entry.clear();
    console::print("\n");
}
