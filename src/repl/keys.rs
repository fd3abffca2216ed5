//! What keys do at the prompt that the line editor does not know of.
//!
//! Owns the decision whether Enter ends an entry, indentation, and how an entry that has grown very long is taken in parts, so that
//! the work for a key does not grow with what was typed before.

use std::sync::Arc;

use rustyline::{
    Cmd, ConditionalEventHandler, Event, EventContext, EventHandler, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use super::{entry, session};
use crate::locks::{Mutex, MutexGuard, lock};
use crate::runtime::Namespace;

/// What is pasted without saying so comes as keys, and the editor draws the entry anew for each of many of them: so it is given up in
/// parts of about so many bytes.
const PART: usize = 256;
/// When so many bytes wait to be read, nobody has typed them.
const PASTED: libc::c_int = 64;

/// What the keys need to know, and what they leave.
pub struct Scene {
    state: Mutex<State>,
}

struct State {
    namespace: &'static Namespace,
    /// How wide the terminal and the prompt are.
    width: usize,
    prompt: usize,
    /// The parts of the entry that the editor has given up.
    before: String,
    /// How many brackets are open in them, if they do not end inside of a string.
    open: Option<usize>,
    /// The line that was accepted is a part of an entry: what stands between it and the next.
    between: Option<String>,
    closing: Option<(usize, String)>,
    given_up: bool,
}

impl Scene {
    /// At a prompt in this namespace.
    pub fn new(namespace: &'static Namespace) -> Arc<Scene> {
        Arc::new(Scene { state: Mutex::new(State::new(namespace, 80, 0)) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// A new entry begins, behind a prompt of this width.
    pub fn begin(&self, namespace: &'static Namespace, width: usize, prompt: usize) {
        *self.state() = State::new(namespace, width, prompt);
    }

    /// Was the line that the editor has given no entry, but the wish to begin anew?
    pub fn is_given_up(&self) -> bool {
        self.state().given_up
    }

    /// The namespace at the prompt.
    pub fn namespace(&self) -> &'static Namespace {
        self.state().namespace
    }

    /// How wide the terminal is.
    pub fn width(&self) -> usize {
        self.state().width
    }

    /// How wide the prompt is.
    pub fn prompt_width(&self) -> usize {
        self.state().prompt
    }

    /// The editor has given a line: the whole entry, or how the next part begins.
    pub fn accept(&self, line: &str) -> Result<String, String> {
        let mut state = self.state();
        state.before.push_str(line);
        match state.between.take() {
            None => Ok(std::mem::take(&mut state.before)),
            Some(between) => {
                // A line break belongs to what is behind us, a character to what will be edited.
                let next = if between == "\n" { String::new() } else { between.clone() };
                if between == "\n" {
                    state.before.push('\n');
                }
                state.open = (!entry::ends_in_string(&state.before)).then(|| entry::depth(&state.before));
                Err(next)
            }
        }
    }

    /// The keys that are bound.
    pub fn bindings(self: &Arc<Scene>) -> Vec<(Event, EventHandler)> {
        let bound = |key: KeyEvent, on: fn(&Scene, &EventContext<'_>) -> Option<Cmd>| {
            (Event::from(key), EventHandler::Conditional(Box::new(OnKey { scene: Arc::clone(self), on })))
        };
        let newline = || EventHandler::Simple(Cmd::Newline);
        let any = EventHandler::Conditional(Box::new(OnCharacter(Arc::clone(self))));
        vec![
            bound(KeyEvent(KeyCode::Enter, Modifiers::NONE), Scene::enter),
            bound(KeyEvent::ctrl('J'), Scene::enter),
            (Event::from(KeyEvent(KeyCode::Enter, Modifiers::ALT)), newline()),
            (Event::from(KeyEvent::alt('\r')), newline()),
            bound(KeyEvent::ctrl('C'), |scene, _| Some(scene.give_up())),
            bound(KeyEvent::ctrl('D'), Scene::end),
            bound(KeyEvent::from('}'), |scene, context| scene.close('}', context)),
            bound(KeyEvent::from(']'), |scene, context| scene.close(']', context)),
            bound(KeyEvent::from(')'), |scene, context| scene.close(')', context)),
            (Event::Any, any),
        ]
    }

    /// Enter ends an entry that is complete, and else begins another line of it.
    fn enter(&self, context: &EventContext<'_>) -> Option<Cmd> {
        let (line, at) = (context.line(), context.pos());
        let mut state = self.state();
        if state.is_complete(line) {
            return Some(Cmd::AcceptLine);
        }
        if is_pasted(context) {
            state.between = Some("\n".into());
            return Some(Cmd::AcceptLine);
        }
        let head = &line[..at];
        if state.open.is_none() && state.before.is_empty() || entry::ends_in_string(head) {
            return Some(Cmd::Newline);
        }
        let depth = state.open.unwrap_or(0) + entry::depth(head);
        Some(Cmd::Insert(1, format!("\n{}", "  ".repeat(depth.min(20)))))
    }

    /// The entry is given up. For the editor it is accepted: what ends with an error forgets what was read ahead.
    fn give_up(&self) -> Cmd {
        self.state().given_up = true;
        Cmd::AcceptLine
    }

    /// Ctrl-D leaves an entry of several lines, as it leaves the session where there is none.
    fn end(&self, context: &EventContext<'_>) -> Option<Cmd> {
        let several = context.line().contains('\n') || !self.state().before.is_empty();
        (several && context.pos() == context.line().len()).then(|| self.give_up())
    }

    /// A bracket that is typed where nothing but indentation stands before it closes what is less indented. Completion is what can
    /// put a text in the place of another.
    fn close(&self, bracket: char, context: &EventContext<'_>) -> Option<Cmd> {
        let head = &context.line()[..context.pos()];
        let (_, indentation) = head.rsplit_once('\n')?;
        let less = indentation.strip_suffix("  ").filter(|less| less.chars().all(|c| c == ' '))?;
        if much_waits() || entry::ends_in_string(head) {
            return None;
        }
        self.state().closing = Some((head.len() - indentation.len(), format!("{less}{bracket}")));
        Some(Cmd::Complete)
    }

    /// What a closing bracket that was just typed puts in the place of what stands before it, from where.
    pub fn take_closing(&self) -> Option<(usize, String)> {
        self.state().closing.take()
    }
}

impl State {
    fn new(namespace: &'static Namespace, width: usize, prompt: usize) -> State {
        State {
            namespace,
            width,
            prompt,
            before: String::new(),
            open: Some(0),
            between: None,
            closing: None,
            given_up: false,
        }
    }

    fn is_complete(&self, line: &str) -> bool {
        if self.before.is_empty() {
            return session::is_complete(line, self.namespace);
        }
        // What is long is read as a whole only where its brackets are closed.
        if self.open.is_some_and(|open| open > 0) && entry::closes(line) < self.open.unwrap_or(0) {
            return false;
        }
        session::is_complete(&format!("{}{line}", self.before), self.namespace)
    }
}

struct OnKey {
    scene: Arc<Scene>,
    on: fn(&Scene, &EventContext<'_>) -> Option<Cmd>,
}

impl ConditionalEventHandler for OnKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        (self.on)(&self.scene, context)
    }
}

/// Characters that come in great numbers.
struct OnCharacter(Arc<Scene>);

impl ConditionalEventHandler for OnCharacter {
    fn handle(&self, event: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let KeyEvent(KeyCode::Char(c), Modifiers::NONE) = event.get(0)? else { return None };
        if !is_pasted(context) {
            return None;
        }
        self.0.state().between = Some(c.to_string());
        Some(Cmd::AcceptLine)
    }
}

/// Is the entry long, and much more of it on its way?
fn is_pasted(context: &EventContext<'_>) -> bool {
    if context.line().len() < PART || context.pos() < context.line().len() {
        return false;
    }
    much_waits()
}

/// Does more wait to be read than anybody can have typed?
pub fn much_waits() -> bool {
    let mut waiting: libc::c_int = 0;
    // SAFETY: the call writes a number where it is told to.
    let known = unsafe { libc::ioctl(libc::STDIN_FILENO, libc::FIONREAD, &mut waiting) } == 0;
    known && waiting > PASTED
}
