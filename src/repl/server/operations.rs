//! What a client asks for, and what it gets: the operations of nREPL.
//!
//! Owns the table of operations, and the sessions of one connection: they end with it. What evaluates is handed to the thread of its
//! session; all else is answered by the thread of the connection, so that it is answered while something runs.

use std::path::PathBuf;
use std::sync::Arc;

use super::bencode::Value;
use super::connection::Connection;
use super::talk::{Interrupted, Order, Talk, Task, status};
use super::{Counted, Server};
use crate::gc::Thread;
use crate::repl::{commands, completion, values};
use crate::runtime::Namespace;
use crate::runtime::program::entry::code_of;

/// An operation.
struct Operation {
    name: &'static str,
    /// What it takes and gives, for `describe`.
    help: &'static str,
    run: fn(&mut Desk, &mut Thread, &Request) -> Result<Answer, Refusal>,
}

/// What an operation leads to.
enum Answer {
    /// These entries and words of the status, besides `done`.
    Done(Vec<(&'static str, Value)>, &'static [&'static str]),
    /// The thread of the session answers.
    Later,
}

/// Why a request is refused: a word for programs, and a sentence.
type Refusal = (&'static str, String);

#[rustfmt::skip]
const OPERATIONS: &[Operation] = &[
    Operation { name: "clone", run: Desk::clone,
        help: "makes a session, which begins in the namespace of `session` if there is one: `new-session`" },
    Operation { name: "close", run: Desk::close,
        help: "ends `session`, and what runs in it" },
    Operation { name: "completions", run: Desk::completions,
        help: "what `prefix` could be in the namespace `ns`: `completions`, each with its `candidate` and `type`" },
    Operation { name: "describe", run: Desk::describe,
        help: "the operations and versions" },
    Operation { name: "eval", run: Desk::eval,
        help: "evaluates `code` in `session`, in the namespace `ns` if it is given: a `value` for each form, or `err` and `ex`" },
    Operation { name: "interrupt", run: Desk::interrupt,
        help: "interrupts what runs in `session`, or the request `interrupt-id`" },
    Operation { name: "load-file", run: Desk::load_file,
        help: "loads `file`, the text of a file, as that of `file-path` or `file-name`" },
    Operation { name: "lookup", run: Desk::lookup,
        help: "what `sym` means in the namespace `ns`: `info`" },
    Operation { name: "ls-sessions", run: Desk::list,
        help: "the sessions of this connection: `sessions`" },
    Operation { name: "stdin", run: Desk::stdin,
        help: "gives the text `stdin` to what reads in `session`; an empty one is the end of the input" },
];

/// What was asked for.
struct Request(Value);

impl Request {
    /// The text of an entry, if it is there.
    fn perhaps(&self, key: &str) -> Result<Option<&str>, Refusal> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::Text(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(("malformed", format!("`{key}` is not UTF-8"))),
            },
            Some(_) => Err(("malformed", format!("`{key}` is not a text"))),
        }
    }

    fn text(&self, key: &str) -> Result<&str, Refusal> {
        let op = self.perhaps("op")?.unwrap_or_default();
        self.perhaps(key)?.ok_or_else(|| ("malformed", format!("`{op}` needs `{key}`, a text")))
    }

    fn id(&self) -> Option<Value> {
        self.0.get("id").cloned()
    }
}

/// The sessions of a connection, and its requests.
pub struct Desk {
    server: Arc<Server>,
    connection: Arc<Connection>,
    talks: Vec<Arc<Talk>>,
    /// That of requests which name none.
    own: Option<Arc<Talk>>,
    /// The client has said the token, or there is none.
    admitted: bool,
}

impl Desk {
    /// Nothing was asked for yet.
    pub fn new(server: Arc<Server>, connection: Arc<Connection>) -> Desk {
        let admitted = server.token.is_none();
        Desk { server, connection, talks: Vec::new(), own: None, admitted }
    }

    /// Answers a message; false when the connection is to end. Nothing is waited for.
    pub fn take(&mut self, cx: &mut Thread, message: Value) -> bool {
        let request = Request(message);
        if !self.admits(&request) {
            self.reply(&request, Vec::new(), &["error", "unauthorized"], Some("send the token with the first request"));
            return false;
        }
        match self.run(cx, &request) {
            Ok(Answer::Done(entries, words)) => self.reply(&request, entries, words, None),
            Ok(Answer::Later) => {}
            Err((word, why)) => self.reply(&request, Vec::new(), &["error", word], Some(&why)),
        }
        true
    }

    /// Ends all sessions, and waits until they have ended.
    pub fn end(&self, cx: &mut Thread) {
        self.talks.iter().for_each(|talk| talk.close());
        cx.outside(|| self.talks.iter().for_each(|talk| talk.wait_for_end()));
    }

    fn admits(&mut self, request: &Request) -> bool {
        if !self.admitted {
            let said = request.0.get("token");
            self.admitted = matches!(said, Some(Value::Text(said)) if self.server.is_token(said));
        }
        self.admitted
    }

    fn reply(&self, request: &Request, entries: Vec<(&str, Value)>, words: &[&str], error: Option<&str>) {
        let words: Vec<&str> = words.iter().copied().chain(["done"]).collect();
        let known = ["id", "session"].into_iter().filter_map(|key| Some((key, request.0.get(key)?.clone())));
        let error = error.map(|why| ("err", format!("{why}\n").into()));
        let all = known.chain(entries).chain(error).chain([("status", status(&words))]);
        self.connection.push(&Value::map(all));
    }

    fn run(&mut self, cx: &mut Thread, request: &Request) -> Result<Answer, Refusal> {
        if !matches!(request.0, Value::Map(_)) {
            return Err(("malformed", "a request is a map with `op`, the name of an operation".into()));
        }
        let name = request.text("op")?;
        let operation = OPERATIONS.iter().find(|operation| operation.name == name);
        let operation = operation.ok_or_else(|| ("unknown-op", format!("there is no operation {name:?}")))?;
        (operation.run)(self, cx, request)
    }

    // ---- sessions ----

    /// The session that a request names; the one of requests that name none, which is made when `make`.
    fn session(&mut self, cx: &Thread, request: &Request, make: bool) -> Result<Arc<Talk>, Refusal> {
        self.talks.retain(|talk| !talk.has_ended());
        if let Some(id) = request.perhaps("session")? {
            let known = self.talks.iter().find(|talk| talk.id == id && !talk.is_closed());
            return known.cloned().ok_or_else(|| ("unknown-session", format!("there is no session {id:?}")));
        }
        match self.own.clone().filter(|talk| !talk.is_closed()) {
            Some(talk) => Ok(talk),
            None if make => {
                let talk = self.start(cx, self.server.namespace)?;
                self.own = Some(talk.clone());
                Ok(talk)
            }
            None => Err(("unknown-session", "nothing was evaluated without a `session`".into())),
        }
    }

    fn start(&mut self, cx: &Thread, namespace: &'static Namespace) -> Result<Arc<Talk>, Refusal> {
        let counted = Counted::session(&self.server).ok_or_else(|| ("too-many-sessions", "close one".into()))?;
        let id = self.server.session_id();
        let talk = Talk::start(cx, id, self.connection.clone(), namespace, counted)
            .map_err(|why| ("too-many-sessions", format!("cannot start a thread: {why}")))?;
        self.talks.push(talk.clone());
        Ok(talk)
    }

    /// The namespace that a request names, or that of its session.
    fn namespace(&mut self, cx: &Thread, request: &Request) -> Result<&'static Namespace, Refusal> {
        match named(cx, request)? {
            Some(namespace) => Ok(namespace),
            None if request.perhaps("session")?.is_none() && self.own.is_none() => Ok(self.server.namespace),
            None => Ok(self.session(cx, request, false)?.namespace()),
        }
    }

    fn clone(&mut self, cx: &mut Thread, request: &Request) -> Result<Answer, Refusal> {
        let namespace = self.namespace(cx, request)?;
        let talk = self.start(cx, namespace)?;
        Ok(Answer::Done(vec![("new-session", talk.id.as_str().into())], &[]))
    }

    fn close(&mut self, cx: &mut Thread, request: &Request) -> Result<Answer, Refusal> {
        let talk = self.session(cx, request, false)?;
        talk.close();
        talk.see_to_end();
        Ok(Answer::Done(Vec::new(), &["session-closed"]))
    }

    fn list(&mut self, _: &mut Thread, _: &Request) -> Result<Answer, Refusal> {
        let open = self.talks.iter().filter(|talk| !talk.is_closed());
        Ok(Answer::Done(vec![("sessions", open.map(|talk| talk.id.as_str()).collect())], &[]))
    }

    fn describe(&mut self, _: &mut Thread, _: &Request) -> Result<Answer, Refusal> {
        let ops = OPERATIONS.iter().map(|operation| (operation.name, Value::map([("doc", operation.help.into())])));
        let version = |text: &str| Value::map([("version-string", text.into())]);
        let versions = [("harrier", version(env!("CARGO_PKG_VERSION"))), ("nrepl", version("1.0.0"))];
        Ok(Answer::Done(vec![("ops", Value::map(ops)), ("versions", Value::map(versions))], &[]))
    }

    // ---- evaluation ----

    fn eval(&mut self, cx: &mut Thread, request: &Request) -> Result<Answer, Refusal> {
        let text = request.text("code")?.to_string();
        let namespace = named(cx, request)?;
        self.order(cx, request, Task::Evaluate { text, namespace })
    }

    fn load_file(&mut self, cx: &mut Thread, request: &Request) -> Result<Answer, Refusal> {
        let text = request.text("file")?.to_string();
        let path = request.perhaps("file-path")?.filter(|path| !path.is_empty());
        let name = request.perhaps("file-name")?.filter(|name| !name.is_empty());
        let file = PathBuf::from(path.or(name).unwrap_or("buffer.hr"));
        self.order(cx, request, Task::Load { text, file })
    }

    fn order(&mut self, cx: &Thread, request: &Request, task: Task) -> Result<Answer, Refusal> {
        let talk = self.session(cx, request, true)?;
        if talk.order(Order { id: request.id(), task, cancelled: false }) {
            return Ok(Answer::Later);
        }
        Err(("too-many-requests", "wait until the session has answered some".into()))
    }

    fn interrupt(&mut self, cx: &mut Thread, request: &Request) -> Result<Answer, Refusal> {
        let talk = self.session(cx, request, false)?;
        match talk.interrupt(request.0.get("interrupt-id")) {
            Interrupted::Told => Ok(Answer::Done(Vec::new(), &[])),
            Interrupted::Idle => Ok(Answer::Done(Vec::new(), &["session-idle"])),
            Interrupted::Other => Err(("interrupt-id-mismatch", "another request runs in the session".into())),
        }
    }

    fn stdin(&mut self, cx: &mut Thread, request: &Request) -> Result<Answer, Refusal> {
        let text = request.text("stdin")?;
        if self.session(cx, request, true)?.input(text.as_bytes()) {
            return Ok(Answer::Done(Vec::new(), &[]));
        }
        Err(("too-much-input", "nobody has read what was sent before".into()))
    }

    // ---- names ----

    fn completions(&mut self, cx: &mut Thread, request: &Request) -> Result<Answer, Refusal> {
        let prefix = request.text("prefix")?;
        let namespace = self.namespace(cx, request)?;
        let commands: Vec<String> = commands::names().collect();
        let (start, words) = completion::complete(cx, namespace, &commands, prefix, prefix.len());
        // The client puts it in the place of all of the prefix.
        let before = prefix.get(..start).unwrap_or_default();
        let candidate = |word: String| {
            let kind = kind_of(cx, namespace, &word);
            Value::map([("candidate", format!("{before}{word}").into()), ("type", kind.into())])
        };
        Ok(Answer::Done(vec![("completions", words.into_iter().map(candidate).collect())], &[]))
    }

    fn lookup(&mut self, cx: &mut Thread, request: &Request) -> Result<Answer, Refusal> {
        let name = request.text("sym")?;
        let namespace = self.namespace(cx, request)?;
        let Some(about) = commands::explain(namespace, cx, name) else {
            return Ok(Answer::Done(Vec::new(), &["lookup-error"]));
        };
        let mut info = vec![("name", Value::from(about.name))];
        info.extend(about.namespace.map(|namespace| ("ns", namespace.into())));
        info.extend(Some(about.doc).filter(|doc| !doc.is_empty()).map(|doc| ("doc", doc.into())));
        let signatures = about.signatures.join("\n");
        info.extend(Some(signatures).filter(|text| !text.is_empty()).map(|text| ("arglists-str", text.into())));
        if let Some((file, line, column)) = about.place {
            let place = [("line", i64::from(line)), ("column", i64::from(column))];
            info.extend(place.map(|(key, number)| (key, Value::Int(number))));
            info.push(("file", file.into()));
        }
        Ok(Answer::Done(vec![("info", Value::map(info))], &[]))
    }
}

/// Also by a panic no session is left behind.
impl Drop for Desk {
    fn drop(&mut self) {
        for talk in &self.talks {
            talk.close();
            talk.see_to_end();
        }
    }
}

/// The namespace that a request names.
fn named(cx: &Thread, request: &Request) -> Result<Option<&'static Namespace>, Refusal> {
    let Some(name) = request.perhaps("ns")?.filter(|name| !name.is_empty()) else { return Ok(None) };
    let found = cx.vm().namespaces.find(name);
    found.map(Some).ok_or_else(|| ("namespace-not-found", format!("there is no namespace {name:?}")))
}

/// What a word is, for who draws a sign beside it.
fn kind_of(cx: &Thread, namespace: &'static Namespace, word: &str) -> &'static str {
    match values::binding(cx, namespace, word) {
        Some(binding) if binding.type_id().is_some() => "type",
        Some(binding) if binding.get(cx).and_then(code_of).is_some() => "function",
        Some(_) => "var",
        None if word.starts_with(':') => "keyword",
        None if word.ends_with('/') => "namespace",
        None => "symbol",
    }
}
