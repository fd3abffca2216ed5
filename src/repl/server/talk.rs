//! A session of a client: a thread of its own that evaluates what is asked of it, one after the other.
//!
//! Owns the thread, its requests, which of them runs and may be interrupted, and the client's standard streams. The thread is
//! attached to the heap and waits outside, so that nobody waits for it.
//!
//! Invariants: the thread is interrupted only while a request runs, or when the session is to end; each request gets one answer that
//! says `done`, unless the client is gone; a session that was closed ends, whatever it runs.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bencode::Value;
use super::connection::Connection;
use crate::gc::{Interrupter, Thread};
use crate::locks::{Condvar, Mutex, MutexGuard, lock};
use crate::repl::commands;
use crate::repl::session::{Answer, Session};
use crate::runtime::Namespace;
use crate::runtime::system::client::{self, Client};
use crate::runtime::system::descriptor::{self, SLICE, Stop};
use crate::runtime::system::streams::Standard;
use crate::runtime::system::threads;

/// So many requests may wait for the one that runs.
const MOST_WAITING: usize = 64;
/// So much input that nobody has read may wait.
const MOST_INPUT: usize = 16 << 20;
/// A session that is to end is interrupted again after so long: what runs last on its way out may be caught in something.
const AGAIN: Duration = Duration::from_millis(200);
/// What has not ended by then, because it catches whatever comes, is ended without being asked.
const PATIENCE: Duration = Duration::from_secs(2);
/// The stack of a thread that sees to an end.
const STACK: usize = 256 << 10;

/// A session.
pub struct Talk {
    /// Its name.
    pub id: String,
    connection: Arc<Connection>,
    state: Mutex<State>,
    /// There is a request, or input, or it has ended.
    changed: Condvar,
}

struct State {
    waiting: VecDeque<Order>,
    /// The request that runs: its number, and whether it was interrupted.
    running: Option<(Option<Value>, bool)>,
    /// The last one that ran: output of what it has started is told under its number.
    last: Option<Value>,
    namespace: &'static Namespace,
    input: VecDeque<u8>,
    input_ends: bool,
    interrupter: Option<Interrupter>,
    closed: bool,
    ended: bool,
}

/// A request.
pub struct Order {
    /// Its number, if it has one.
    pub id: Option<Value>,
    /// What is to be done.
    pub task: Task,
    /// It was interrupted before it began.
    pub cancelled: bool,
}

/// What is to be done.
pub enum Task {
    /// Evaluate a text, in this namespace if it is not the present one.
    Evaluate { text: String, namespace: Option<&'static Namespace> },
    /// Load a text as that of a file.
    Load { text: String, file: PathBuf },
}

/// What an interrupt has found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interrupted {
    /// Nothing runs.
    Idle,
    /// Something else runs.
    Other,
    /// It is on its way.
    Told,
}

/// The thread of a session has ended when this is dropped, also by a panic.
struct End(Arc<Talk>);

impl Drop for End {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        state.ended = true;
        let left = state.running.take().map(|(id, _)| id);
        let left: Vec<_> = left.into_iter().chain(state.waiting.drain(..).map(|order| order.id)).collect();
        drop(state);
        self.0.changed.notify_all();
        left.iter().for_each(|id| self.0.push(id.as_ref(), [("status", status(&["session-closed", "error", "done"]))]));
        // There is room for them, unless the client does not read; nobody waits for that here.
        let mut asked = false;
        let _ = self.0.connection.flush(&mut || std::mem::replace(&mut asked, true).then(descriptor::called_off));
    }
}

/// The `status` of a message.
pub fn status(words: &[&str]) -> Value {
    words.iter().copied().collect()
}

impl Talk {
    /// Starts a session that begins in this namespace; the error says why it cannot be. `left` is dropped when its thread has ended.
    pub fn start(
        cx: &Thread,
        id: String,
        connection: Arc<Connection>,
        namespace: &'static Namespace,
        left: impl Send + 'static,
    ) -> Result<Arc<Talk>, String> {
        let state = State {
            waiting: VecDeque::new(),
            running: None,
            last: None,
            namespace,
            input: VecDeque::new(),
            input_ends: false,
            interrupter: None,
            closed: false,
            ended: false,
        };
        let talk = Arc::new(Talk { id, connection, state: Mutex::new(state), changed: Condvar::new() });
        let end = End(talk.clone());
        threads::start_attached(cx.vm(), move |cx| {
            let end = end;
            let _left = left;
            live(cx, &end.0);
        })?;
        Ok(talk)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The present namespace.
    pub fn namespace(&self) -> &'static Namespace {
        self.lock().namespace
    }

    /// Has it ended, or is it about to?
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Has its thread ended?
    pub fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// Takes a request; false when too many wait already.
    pub fn order(&self, order: Order) -> bool {
        let mut state = self.lock();
        if state.waiting.len() >= MOST_WAITING {
            return false;
        }
        state.waiting.push_back(order);
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Interrupts the request with this number, or the one that runs.
    pub fn interrupt(&self, id: Option<&Value>) -> Interrupted {
        let mut state = self.lock();
        let state = &mut *state;
        if let Some((running, interrupted)) = &mut state.running
            && id.is_none_or(|id| running.as_ref() == Some(id))
        {
            *interrupted = true;
            state.interrupter.iter().for_each(Interrupter::interrupt);
            return Interrupted::Told;
        }
        // One that was asked for just now may not have begun.
        let idle = state.running.is_none();
        let nothing_waits = state.waiting.is_empty();
        match state.waiting.iter_mut().find(|order| id.map_or(idle, |id| order.id.as_ref() == Some(id))) {
            Some(order) => {
                order.cancelled = true;
                Interrupted::Told
            }
            None if idle && nothing_waits => Interrupted::Idle,
            None => Interrupted::Other,
        }
    }

    /// Takes input; nothing is its end. False when too much waits already.
    pub fn input(&self, text: &[u8]) -> bool {
        let mut state = self.lock();
        if state.input.len() + text.len() > MOST_INPUT {
            return false;
        }
        state.input.extend(text);
        state.input_ends |= text.is_empty();
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Ends the session: what runs is interrupted, and what waits is not begun.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.interrupter.iter().for_each(Interrupter::interrupt);
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until a session that was closed has ended. Not while running in the heap.
    pub fn wait_for_end(&self) {
        let closed = Instant::now();
        let mut state = self.lock();
        while !state.ended {
            state = self.changed.wait_timeout(state, AGAIN);
            let press: fn(&Interrupter) =
                if closed.elapsed() < PATIENCE { Interrupter::interrupt } else { Interrupter::end };
            state.interrupter.iter().for_each(press);
        }
    }

    /// Sees to it that a session that was closed ends, and does not wait for it.
    pub fn see_to_end(self: &Arc<Talk>) {
        let talk = self.clone();
        if !self.has_ended() && threads::start(STACK, Box::new(move || talk.wait_for_end())).is_err() {
            // Nobody can wait: then it has no time.
            self.lock().interrupter.iter().for_each(Interrupter::end);
        }
    }

    /// The next request, which runs then; none when the session is to end.
    fn next(&self) -> Option<Order> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(order) = state.waiting.pop_front() {
                state.running = Some((order.id.clone(), false));
                state.last = order.id.clone();
                return Some(order);
            }
            state = self.changed.wait_while(state, |state| state.waiting.is_empty() && !state.closed);
        }
    }

    /// Nothing runs any more; was it interrupted?
    fn rest(&self, cx: &Thread, session: &mut Session) -> bool {
        let mut state = self.lock();
        state.namespace = session.namespace();
        // Under the lock with which somebody interrupts. What nobody has noticed came when only the answer was left to say.
        session.interrupted |= cx.take_interrupt();
        state.running.take().is_some_and(|(_, interrupted)| interrupted)
    }

    /// Takes a message for the client about a request.
    fn push<'a>(&self, id: Option<&Value>, entries: impl IntoIterator<Item = (&'a str, Value)>) {
        let about = [("session", self.id.as_str().into())].into_iter().chain(id.map(|id| ("id", id.clone())));
        self.connection.push(&Value::map(about.chain(entries)));
    }

    /// Says an answer, but for what ends it; gives the error in it.
    fn say(&self, id: Option<&Value>, namespace: &Namespace, answer: &Answer) -> Option<String> {
        match answer {
            Answer::Value(text) => {
                self.push(id, [("value", text.as_str().into()), ("ns", namespace.name.into())]);
            }
            Answer::Text(text) => self.push(id, [("out", text.as_str().into())]),
            Answer::Error(text) => {
                self.push(id, [("err", text.as_str().into())]);
                return Some(text.lines().next().unwrap_or_default().to_string());
            }
            Answer::Both(first, second) => {
                let error = self.say(id, namespace, first);
                return self.say(id, namespace, second).or(error);
            }
            Answer::More | Answer::Nothing | Answer::Quit => {}
        }
        None
    }

    /// Reads input up to the end that `end` finds in it; when there is too little the client is asked for more.
    fn read(&self, stop: Stop<'_>, end: fn(&VecDeque<u8>) -> Option<usize>) -> io::Result<Vec<u8>> {
        let mut asked = false;
        let mut state = self.lock();
        loop {
            if let Some(end) = end(&state.input) {
                return Ok(state.input.drain(..end).collect());
            }
            if state.input_ends || state.closed {
                state.input_ends = false;
                return Ok(state.input.drain(..).collect());
            }
            if !asked {
                asked = true;
                let id = state.last.clone();
                drop(state);
                self.push(id.as_ref(), [("status", status(&["need-input"]))]);
                self.connection.flush(stop)?;
                state = self.lock();
                continue;
            }
            if let Some(error) = stop() {
                return Err(error);
            }
            state = self.changed.wait_timeout(state, Duration::from_millis(SLICE));
        }
    }
}

impl Client for Talk {
    fn push(&self, to: Standard, text: &[u8]) {
        let name = if to == Standard::Err { "err" } else { "out" };
        let id = self.lock().last.clone();
        if !text.is_empty() {
            Talk::push(self, id.as_ref(), [(name, Value::Text(text.to_vec()))]);
        }
    }

    fn flush(&self, stop: Stop<'_>) -> io::Result<()> {
        self.connection.flush(stop)
    }

    fn line(&self, stop: Stop<'_>) -> io::Result<Option<Vec<u8>>> {
        let line = self.read(stop, |input| input.iter().position(|byte| *byte == b'\n').map(|at| at + 1))?;
        Ok((!line.is_empty()).then_some(line))
    }

    fn all(&self, stop: Stop<'_>) -> io::Result<Vec<u8>> {
        self.read(stop, |_| None)
    }
}

/// The life of the thread.
fn live(cx: &mut Thread, talk: &Arc<Talk>) {
    let namespace = {
        let mut state = talk.lock();
        state.interrupter = Some(cx.interrupter());
        state.namespace
    };
    let Some(mut session) = Session::for_program(cx, namespace) else { return };
    if client::serve(cx, talk.clone()).is_err() {
        return;
    }
    while let Some(order) = cx.outside(|| talk.next()) {
        let mark = cx.mark();
        let goes_on = answer(cx, talk, &mut session, order);
        cx.release(mark);
        // The one who interrupts the session now ends it as well.
        let _ = cx.outside(|| talk.connection.flush(&mut descriptor::patient));
        if !goes_on {
            break;
        }
    }
    // The functions are not the session's.
    commands::end_traces(cx);
}

/// Does what a request asks for, and says so; false when the session is to end.
fn answer(cx: &mut Thread, talk: &Talk, session: &mut Session, order: Order) -> bool {
    let id = order.id.as_ref();
    session.interrupted = false;
    if order.cancelled {
        talk.rest(cx, session);
        talk.push(id, [("status", status(&["interrupted", "done"]))]);
        return true;
    }
    let before = session.namespace;
    let (answer, stays) = match order.task {
        Task::Evaluate { text, namespace } => {
            session.namespace = namespace.unwrap_or(before);
            let here = session.namespace;
            let answer = session.entry(cx, &text, &mut |early| {
                talk.say(id, here, early);
            });
            (answer, namespace.is_some())
        }
        Task::Load { text, file } => {
            let loaded = commands::load_text(session, cx, &file, text, None);
            let loaded = loaded.map(|()| Answer::Value(format!("namespace {}", session.namespace.name)));
            (loaded.unwrap_or_else(|error| error), true)
        }
    };
    let error = talk.say(id, session.namespace, &answer);
    // A request that names its namespace leaves the session where it was.
    if stays {
        session.namespace = before;
    }
    for report in threads::failed_unseen(cx) {
        talk.push(id, [("err", report.as_str().into())]);
    }
    let interrupted = talk.rest(cx, session);
    let quits = answer == Answer::Quit;
    let stopped = interrupted && session.interrupted && error.is_some();
    let words: &[&str] = match &error {
        Some(_) if stopped => &["interrupted", "done"],
        Some(_) => &["eval-error", "done"],
        None if quits => &["session-closed", "done"],
        None => &["done"],
    };
    let class = |error: String| {
        let class = Value::from(error.split(": ").next().unwrap_or_default());
        [("ex", class.clone()), ("root-ex", class)]
    };
    let errors = error.filter(|_| !stopped).map(class).into_iter().flatten();
    talk.push(id, errors.chain([("status", status(words)), ("ns", session.namespace.name.into())]));
    !quits
}
