//! The terminal of the REPL: line editing and history, or plain lines where there is nothing to edit with.
//!
//! Owns the loops that take entries and show answers, the one editor of the process ([`Desk`]), and the state in which the terminal is
//! given back. A program that stops while an entry runs is talked about at the same desk.
//!
//! Invariant: no key that is pressed is lost, and none but Ctrl-D in an empty entry ends the session. What was typed while an entry
//! ran is read afterwards: the editor keeps what it has read ahead (its feature `buffer-redux`).

use std::cell::RefCell;
use std::io::ErrorKind;
use std::sync::{Arc, OnceLock};

use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor};

use super::assistant::Assistant;
use super::background::Background;
use super::commands;
use super::history::History;
use super::keys::Scene;
use super::present::Look;
use super::server::{self, Door};
use super::session::{Answer, Session, show};
use super::{Ending, Opening};
use crate::gc::{Thread, Thrown};
use crate::runtime::Namespace;
use crate::runtime::fault::stop::Reason;
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

/// What a person is talked to with. There is one, for the terminal is one: it is in its place unless somebody edits a line.
struct Desk {
    editor: LineEditor,
    background: Background,
    scene: Arc<Scene>,
    history: Option<History>,
    color: bool,
}

thread_local! {
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
}

impl Desk {
    /// Puts one up, if there is none; false where it cannot be.
    fn set_up(namespace: &'static Namespace) -> bool {
        if DESK.with_borrow(Option::is_some) {
            return true;
        }
        if !can_edit() {
            return false;
        }
        remember_terminal();
        let color = console::wants_color();
        let scene = Scene::new(namespace);
        let Some(mut editor) = editor(&scene, color) else { return false };
        let background = editor.create_external_printer().map_or_else(|_| Background::none(), Background::start);
        let history = History::of_user();
        // Without the file there is no history yet.
        for entry in history.iter().flat_map(|history| history.load().unwrap_or_default()) {
            let _ = editor.add_history_entry(entry);
        }
        DESK.set(Some(Desk { editor, background, scene, history, color }));
        true
    }

    /// The next entry of a session, in the history already; it is answered when the desk is in its place again.
    fn next(cx: &mut Thread, session: &mut Session) -> Typed {
        let Some(mut desk) = DESK.take() else { return Typed::End };
        let (width, prompt) = (columns(), session.prompt());
        desk.scene.begin(session.namespace(), width, prompt.chars().count());
        let typed = typed(cx, &mut desk.editor, &desk.background, &desk.scene, &prompt);
        if let Typed::Entry(text) = &typed {
            remember(text, &mut desk.editor, desk.history.as_ref());
            session.set_look(Look { width: Some(columns()), color: desk.color, whole: false });
        }
        DESK.set(Some(desk));
        typed
    }
}

/// Talks to a person.
pub fn talk(cx: &mut Thread, opening: Option<&Opening>, door: Option<Door>) -> u8 {
    if !can_edit() {
        return plain(cx, opening, door, true);
    }
    let Some(mut session) = Session::new(cx, console::wants_color()) else { return 1 };
    if !Desk::set_up(session.namespace()) {
        return plain(cx, opening, door, true);
    }
    greet();
    opens(&mut session, cx, opening, door);
    converse(cx, &mut session);
    0
}

/// Talks to a person about the program that is stopped here.
pub fn stopped(cx: &mut Thread, reason: Reason) -> Result<Ending, Thrown> {
    let mut session = Session::stopped(cx, can_edit() && console::wants_color())?;
    session.set_look(Look { width: Some(columns()), color: session.color(), whole: false });
    console::end_line();
    show(&session.introduction(cx, reason));
    if Desk::set_up(session.namespace()) {
        converse(cx, &mut session);
    } else {
        lines(cx, &mut session, true, false);
    }
    Ok(session.ending(cx))
}

/// Takes entries and answers them until the session is to end.
fn converse(cx: &mut Thread, session: &mut Session) {
    loop {
        let answer = match Desk::next(cx, session) {
            Typed::Entry(text) => session.entry(cx, &text, &mut |answer| {
                console::end_line();
                show(answer);
            }),
            Typed::Nothing => continue,
            Typed::End => break,
        };
        stop_printing(session);
        console::end_line();
        let goes_on = show(&answer);
        tell_of_threads(&threads::failed_unseen(cx));
        if !goes_on {
            break;
        }
    }
}

/// Tells of threads that have thrown what nobody has seen.
fn tell_of_threads(reports: &[String]) {
    reports.iter().for_each(|report| console::write_error(report));
}

/// Where the person has interrupted what ran, the rest of what it was printing is not wanted either.
fn stop_printing(session: &mut Session) {
    if std::mem::take(&mut session.interrupted) {
        console::forget_rest();
    }
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
    if person {
        greet();
    } else {
        session.set_look(Look { whole: true, ..Look::default() });
    }
    let failed = opens(&mut session, cx, opening, door);
    match lines(cx, &mut session, person, failed) {
        // What a file or another program says is a program, which waits for its threads.
        status if person || status == console::INTERRUPTED => status,
        status => match threads::wait_for_all(cx, 0) {
            Ok(reports) => {
                tell_of_threads(&reports);
                status.max(u8::from(!reports.is_empty()))
            }
            Err(interrupt) => {
                let _nobody_asks = cx.take_exception(interrupt);
                console::INTERRUPTED
            }
        },
    }
}

/// Takes lines and answers them; gives the exit status, `failed` if something has gone wrong already.
fn lines(cx: &mut Thread, session: &mut Session, person: bool, mut failed: bool) -> u8 {
    let history = person.then(History::of_user).flatten();
    let mut entry = String::new();
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
                give_up(session, &mut entry);
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
                    remember_lines(session, history.as_ref(), &entry, &line);
                    session.set_look(Look { width: Some(columns()), ..Look::default() });
                }
                session.line(cx, &line)
            }
            Ok(Some(Err(_))) => {
                session.give_up();
                Answer::Error("harrier: a line that is not UTF-8\n".into())
            }
            Ok(None) if person && session.is_open() => {
                give_up(session, &mut entry);
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
            stop_printing(session);
            console::end_line();
        }
        let goes_on = show(&answer);
        if person {
            tell_of_threads(&threads::failed_unseen(cx));
        }
        if !goes_on {
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
