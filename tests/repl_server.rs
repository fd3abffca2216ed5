//! `harrier repl --listen`: the real program, talked to as editors do, and as nobody should.
//!
//! The messages are written as JSON here; on the wire they are bencode.

#![cfg(unix)]

mod common;
#[path = "common/random.rs"]
mod random;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use common::Folder;
use expectrl::{Expect, Session};
use random::Random;
use serde_json::{Value, json};

/// A server.
struct Server {
    child: Child,
    folder: Folder,
    /// What it said when it was ready.
    greeting: String,
    stderr: Option<ChildStderr>,
}

impl Server {
    /// With these options; a path after `@` is one in the folder of the server, in which it is started.
    fn start(options: &[&str], files: &[(&str, &str)]) -> Server {
        Server::start_in(Folder::new(files), options)
    }

    fn start_in(folder: Folder, options: &[&str]) -> Server {
        let mut command = Command::new(common::harrier());
        command.arg("repl").args(options.iter().map(|option| option.replace('@', &folder.path(""))));
        command.current_dir(&folder.0).env("XDG_RUNTIME_DIR", &folder.0).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut greeting = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut greeting).expect("a greeting");
        let stderr = child.stderr.take();
        Server { child, folder, greeting: greeting.trim_end().to_string(), stderr }
    }

    fn socket(&self) -> PathBuf {
        let path = self.greeting.strip_prefix("nREPL server started on nrepl+unix:");
        path.unwrap_or_else(|| panic!("{}", self.greeting)).into()
    }

    fn connect(&self) -> Client<UnixStream> {
        let stream = UnixStream::connect(self.socket()).expect("the server listens");
        stream.set_read_timeout(Some(common::patient(Duration::from_secs(30)))).expect("a limit");
        Client::new(stream)
    }

    /// How many threads it has.
    fn threads(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix("Threads:")).expect("a number");
        line.trim().parse().expect("a number")
    }

    /// Waits until it has no more threads than that.
    fn is_left_with(&self, threads: usize) {
        let end = Instant::now() + common::patient(Duration::from_secs(20));
        while self.threads() > threads {
            assert!(Instant::now() < end, "{} threads are left, {threads} were there", self.threads());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it by a signal; gives what it has said to stderr.
    fn end(mut self) -> (String, Folder) {
        // SAFETY: a child of ours that was not waited for.
        unsafe { libc::kill(self.child.id() as libc::pid_t, libc::SIGTERM) };
        let mut said = String::new();
        self.stderr.take().expect("stderr is piped").read_to_string(&mut said).expect("it is text");
        self.child.wait().expect("it ends");
        let folder = std::mem::replace(&mut self.folder, Folder(PathBuf::from("/nonexistent")));
        (said, folder)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn encode(message: &Value, out: &mut Vec<u8>) {
    let text = |text: &str, out: &mut Vec<u8>| out.extend(format!("{}:{text}", text.len()).bytes());
    match message {
        Value::String(string) => text(string, out),
        Value::Array(parts) => {
            out.push(b'l');
            parts.iter().for_each(|part| encode(part, out));
            out.push(b'e');
        }
        Value::Object(entries) => {
            out.push(b'd');
            for (key, value) in entries {
                text(key, out);
                encode(value, out);
            }
            out.push(b'e');
        }
        number => out.extend(format!("i{number}e").bytes()),
    }
}

/// A client.
struct Client<S> {
    stream: S,
    bytes: BufReader<S>,
    requests: u64,
}

impl Client<UnixStream> {
    fn new(stream: UnixStream) -> Client<UnixStream> {
        let bytes = BufReader::new(stream.try_clone().expect("a second descriptor"));
        Client { stream, bytes, requests: 0 }
    }
}

impl<S: Read + Write> Client<S> {
    fn send(&mut self, message: &Value) {
        let mut bytes = Vec::new();
        encode(message, &mut bytes);
        self.stream.write_all(&bytes).expect("it is taken");
    }

    /// The next message; none when the server has closed the connection.
    fn next(&mut self) -> Option<Value> {
        let mut first = [0];
        self.bytes.read_exact(&mut first).ok()?;
        Some(self.value(first[0]))
    }

    fn until(&mut self, end: u8) -> String {
        let mut bytes = Vec::new();
        self.bytes.read_until(end, &mut bytes).expect("a whole message");
        bytes.pop();
        String::from_utf8(bytes).expect("digits")
    }

    fn part(&mut self) -> Option<Value> {
        let mut first = [0];
        self.bytes.read_exact(&mut first).expect("a whole message");
        (first[0] != b'e').then(|| self.value(first[0]))
    }

    fn value(&mut self, first: u8) -> Value {
        match first {
            b'i' => json!(self.until(b'e').parse::<i64>().expect("a number")),
            b'l' => std::iter::from_fn(|| self.part()).collect(),
            b'd' => {
                let mut entries = serde_json::Map::new();
                while let Some(key) = self.part() {
                    let value = self.part().expect("a value");
                    entries.insert(key.as_str().expect("a key").to_string(), value);
                }
                Value::Object(entries)
            }
            digit => {
                let length = format!("{}{}", char::from(digit), self.until(b':')).parse().expect("a length");
                let mut text = vec![0; length];
                self.bytes.read_exact(&mut text).expect("a whole message");
                json!(String::from_utf8(text).expect("UTF-8"))
            }
        }
    }

    /// Sends a request; gives its number.
    fn begin(&mut self, mut request: Value) -> String {
        self.requests += 1;
        let id = self.requests.to_string();
        request["id"] = json!(id);
        self.send(&request);
        id
    }

    /// The messages about a request, up to the one that says `done`; those about others are dropped.
    fn finish(&mut self, id: &str) -> Answer {
        let mut messages = Vec::new();
        loop {
            let message = self.next().unwrap_or_else(|| panic!("no answer to {id}: {messages:?}"));
            if message["id"] == id {
                let done = says(&message, "done");
                messages.push(message);
                if done {
                    return Answer(messages);
                }
            }
        }
    }

    fn ask(&mut self, request: Value) -> Answer {
        let id = self.begin(request);
        self.finish(&id)
    }

    fn session(&mut self) -> String {
        self.ask(json!({"op": "clone"})).get("new-session").as_str().expect("a session").to_string()
    }

    fn eval(&mut self, session: &str, code: &str) -> Answer {
        self.ask(json!({"op": "eval", "session": session, "code": code}))
    }

    /// The next message with this word in its status.
    fn wait_for(&mut self, word: &str) -> Value {
        std::iter::from_fn(|| self.next()).find(|message| says(message, word)).expect("it comes")
    }
}

fn over_tcp(port: &str) -> Client<TcpStream> {
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("the server listens");
    stream.set_read_timeout(Some(common::patient(Duration::from_secs(30)))).expect("a limit");
    let bytes = BufReader::new(stream.try_clone().expect("a second descriptor"));
    Client { stream, bytes, requests: 0 }
}

fn says(message: &Value, word: &str) -> bool {
    message["status"].as_array().is_some_and(|words| words.iter().any(|w| w == word))
}

/// All messages about a request.
#[derive(Debug)]
struct Answer(Vec<Value>);

impl Answer {
    fn get(&self, key: &str) -> &Value {
        self.0.iter().map(|message| &message[key]).find(|value| !value.is_null()).unwrap_or(&Value::Null)
    }

    /// All texts with this key.
    fn all(&self, key: &str) -> Vec<&str> {
        self.0.iter().filter_map(|message| message[key].as_str()).collect()
    }

    fn says(&self, word: &str) -> bool {
        self.0.iter().any(|message| says(message, word))
    }

    fn value(&self) -> &str {
        self.all("value").last().copied().unwrap_or_else(|| panic!("no value: {self:?}"))
    }
}

#[test]
fn each_operation_answers() {
    let server = Server::start(&["--listen=@s"], &[]);
    let mode = std::fs::metadata(server.socket()).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut client = server.connect();
    let ops = client.ask(json!({"op": "describe"}));
    for op in "clone close completions describe eval interrupt load-file lookup ls-sessions stdin".split(' ') {
        assert!(ops.get("ops")[op].is_object(), "{op}");
    }
    let session = client.session();
    let answer = client.eval(&session, "1 + 2\nlet x = 20\nfn f(a) { a + x }\nf(1)");
    assert_eq!((answer.all("value"), answer.get("ns")), (vec!["3", "20", "21"], &json!("user")), "{answer:?}");
    assert_eq!(answer.get("session"), &json!(session));
    assert_eq!(client.eval(&session, ":doc f").get("out"), "user/f(a)\n  (repl[1]:3)\n");
    let long = client.eval(&session, "vec(range(0, 9000))");
    assert!(long.value().ends_with("8998, 8999]"), "values are whole");
    let wrong = client.eval(&session, "fn g() { [1].nothing }\ng()\n1");
    assert!(wrong.says("eval-error") && wrong.all("value").is_empty(), "{wrong:?}");
    assert_eq!(wrong.get("ex"), "FieldError", "{wrong:?}");
    assert!(wrong.all("err").concat().contains("user/g"), "{wrong:?}");
    assert!(client.eval(&session, "f(").says("eval-error"));
    assert!(client.eval(&session, "fn h() { not-yet() }").all("err").concat().contains("not-yet"), "a warning");
    // Without a session; what it defines is there for all.
    assert_eq!(client.ask(json!({"op": "eval", "code": "f(2)"})).value(), "22");

    let file = "namespace shop\nfn price() { 4 }\nprice()\n";
    let path = server.folder.path("shop.hr");
    let load = json!({"op": "load-file", "session": session, "file": file, "file-path": path});
    assert_eq!(client.ask(load).value(), "namespace shop");
    let there = client.ask(json!({"op": "eval", "session": session, "code": "price()", "ns": "shop"}));
    assert_eq!((there.value(), there.0.last().expect("done")["ns"].as_str()), ("4", Some("user")));
    assert!(client.ask(json!({"op": "eval", "code": "1", "ns": "nowhere"})).says("namespace-not-found"));

    let completions = client.ask(json!({"op": "completions", "session": session, "prefix": "shop/pr"}));
    assert_eq!(completions.get("completions"), &json!([{"candidate": "shop/price", "type": "function"}]));
    let info = client.ask(json!({"op": "lookup", "session": session, "sym": "shop/price"}));
    let expected = json!({"name": "price", "ns": "shop", "arglists-str": "()", "file": path, "line": 2, "column": 1});
    assert_eq!(info.get("info"), &expected, "{info:?}");
    assert!(client.ask(json!({"op": "lookup", "sym": "map"})).get("info")["doc"].is_string());
    assert!(client.ask(json!({"op": "lookup", "sym": "no-such-thing"})).says("lookup-error"));

    assert_eq!(client.ask(json!({"op": "ls-sessions"})).get("sessions").as_array().map(Vec::len), Some(2));
    assert!(client.ask(json!({"op": "close", "session": session})).says("session-closed"));
    assert!(client.eval(&session, "1").says("unknown-session"));
    assert!(client.ask(json!({"op": "dance"})).says("unknown-op"));
    assert!(client.ask(json!({"op": ["eval"]})).says("malformed"));
    assert!(client.ask(json!({"op": "eval"})).says("malformed"));
    let second = client.session();
    let traced = client.eval(&second, ":trace f\nf(5)");
    assert!(traced.all("err").concat().contains("f(5) = 25"), "{traced:?}");
    assert!(client.eval(&second, ":quit").says("session-closed"));
    // What it has traced is as before.
    let end = Instant::now() + common::patient(Duration::from_secs(20));
    while !client.ask(json!({"op": "eval", "code": "f(6)"})).all("err").is_empty() {
        assert!(Instant::now() < end, "it is traced still");
    }
    let socket = server.socket();
    server.end();
    assert!(!socket.exists(), "the socket is left behind");
}

#[test]
fn sessions_run_at_once_and_are_interrupted_alone() {
    let server = Server::start(&["--listen=@s"], &[]);
    let mut client = server.connect();
    let (one, other) = (client.session(), client.session());
    client.eval(&one, "let kept = 7");
    for endless in
        ["loop { }", "sleep(100000)", "read-line()", "fn f(n) { 1 + f(n + 1) }; loop { try { f(0) } catch (e) { } }"]
    {
        let id = client.begin(json!({"op": "eval", "session": one, "code": endless}));
        assert_eq!(client.eval(&other, "6 * 7").value(), "42");
        let waits = client.begin(json!({"op": "eval", "session": one, "code": "\"later\""}));
        std::thread::sleep(common::patient(Duration::from_millis(30)));
        let pressed = Instant::now();
        let mismatch = client.ask(json!({"op": "interrupt", "session": one, "interrupt-id": "none of these"}));
        assert!(mismatch.says("interrupt-id-mismatch"), "{mismatch:?}");
        client.begin(json!({"op": "interrupt", "session": one, "interrupt-id": id}));
        let answer = client.finish(&id);
        assert!(answer.says("interrupted"), "{endless}: {answer:?}");
        assert!(pressed.elapsed() < common::patient(Duration::from_secs(5)), "{endless}: {:?}", pressed.elapsed());
        assert_eq!(client.finish(&waits).value(), "\"later\"");
    }
    // One that may not have begun, again and again.
    for _ in 0..50 {
        let id = client.begin(json!({"op": "eval", "session": one, "code": "1; loop { }"}));
        client.begin(json!({"op": "interrupt", "session": one}));
        assert!(client.finish(&id).says("interrupted"));
    }
    assert!(client.ask(json!({"op": "interrupt", "session": one})).says("session-idle"));
    assert_eq!(client.eval(&one, "kept").value(), "7");
}

#[test]
fn output_and_input_are_those_of_the_session() {
    let server = Server::start(&["--listen=@s"], &[]);
    let mut client = server.connect();
    let (one, other) = (client.session(), client.session());
    let answer =
        client.eval(&one, "print(\"a\"); join(thread(fn() { println(\"in a thread\"); eprintln(\"wrong\") })); 5");
    assert_eq!(answer.all("out").concat(), "ain a thread\n", "{answer:?}");
    assert_eq!((answer.all("err"), answer.value()), (vec!["wrong\n"], "5"), "{answer:?}");
    assert!(answer.0.iter().all(|message| message["session"] == *one));
    // What a thread throws that nobody joins, with the next answer.
    let mut told = String::new();
    for code in ["thread(fn() { [1][7] }); 0", "sleep(300)", "6"] {
        told += &client.eval(&one, code).all("err").concat();
    }
    assert!(told.starts_with("in a thread: IndexError"), "{told}");
    assert_eq!(told.matches("in a thread").count(), 1, "{told}");
    // Of a thread that goes on when the request is done: under its number.
    let late = "let gate = atom(false); thread(fn() { while !deref(gate) { sleep(1) }; println(\"late\") }); 1";
    let id = client.begin(json!({"op": "eval", "session": one, "code": late}));
    let answer = client.finish(&id);
    assert_eq!(answer.all("value").last(), Some(&"1"), "{answer:?}");
    client.begin(json!({"op": "eval", "session": other, "code": "reset!(gate, true)"}));
    let message = std::iter::from_fn(|| client.next()).find(|message| message["out"] == "late\n").expect("it comes");
    assert_eq!((&message["id"], &message["session"]), (&json!(id), &json!(one)));

    let id = client.begin(json!({"op": "eval", "session": one, "code": "[read-line(), read-line(), read-line()]"}));
    client.wait_for("need-input");
    client.begin(json!({"op": "stdin", "session": one, "stdin": "first\nsec"}));
    client.wait_for("need-input");
    client.begin(json!({"op": "stdin", "session": one, "stdin": "ond\n"}));
    client.wait_for("need-input");
    client.begin(json!({"op": "stdin", "session": one, "stdin": ""}));
    assert_eq!(client.finish(&id).value(), "[\"first\", \"second\", null]");
    client.ask(json!({"op": "stdin", "session": one, "stdin": "all of it"}));
    let id = client.begin(json!({"op": "eval", "session": one, "code": "use io\nunwrap!(io/read-all())"}));
    client.begin(json!({"op": "stdin", "session": one, "stdin": ""}));
    assert_eq!(client.finish(&id).value(), "\"all of it\"");
    let (said, _) = server.end();
    assert_eq!(said, "");
}

#[test]
fn clients_that_vanish_or_read_nothing_leave_nothing_behind() {
    let server = Server::start(&["--listen=@s"], &[]);
    let mut client = server.connect();
    let session = client.session();
    let threads = server.threads();
    for code in ["loop { }", "sleep(1000000)", "read-line()", "loop { try { loop { } } finally { 1 } }"] {
        let mut vanishes = server.connect();
        let own = vanishes.session();
        vanishes.begin(json!({"op": "eval", "session": own, "code": code}));
    }
    server.is_left_with(threads);
    // It is written to until nothing fits any more.
    let mut deaf = server.connect();
    deaf.begin(json!({"op": "eval", "code": "loop { println(repeat-string(\"x\", 1000)) }"}));
    for _ in 0..200 {
        deaf.begin(json!({"op": "describe"}));
    }
    std::thread::sleep(common::patient(Duration::from_millis(300)));
    assert_eq!(client.eval(&session, "vec(range(0, 100000)); 1 + 1").value(), "2");
    drop(deaf);
    server.is_left_with(threads);
    // More than are let in.
    let mut many: Vec<_> = (0..300).map(|_| server.connect()).collect();
    assert_eq!(client.eval(&session, "2 + 2").value(), "4");
    let mut served = 0;
    for one in &mut many {
        let _ = one.stream.write_all(b"d2:id1:12:op8:describee");
        let answer = one.next().expect("an answer");
        served += usize::from(answer["id"] == "1");
        assert!(answer["id"] == "1" || says(&answer, "too-many-connections"), "{answer}");
    }
    assert!((32..=64).contains(&served), "{served}");
    drop(many);
    server.is_left_with(threads);
    let sessions = (0..300).map(|_| client.ask(json!({"op": "clone"}))).filter(|answer| answer.says("error")).count();
    assert!((172..=300).contains(&sessions), "{sessions}");
    drop(client);
    server.is_left_with(threads - 2);
}

/// Who types does not wait for a top level that runs as long as the program; a text that the program evaluates does.
#[test]
fn a_namespace_whose_top_level_goes_on_can_be_used() {
    let server = Server::start(&["--listen=@s"], &[]);
    let text =
        "fn f(x) { x + 1 }\nlet done = atom(false)\nprintln(\"begun\")\nwhile !deref(done) { sleep(5) }\nlet late = 3";
    std::fs::write(server.folder.path("endless.hr"), text).expect("a file");
    let [mut one, mut other, mut third] = [(); 3].map(|()| server.connect());
    let [loads, looks, waits] = [&mut one, &mut other, &mut third].map(Client::session);
    let ask = |session: &str, code: &str| json!({"op": "eval", "session": session, "code": code});
    let loads = one.begin(ask(&loads, "use endless\nendless/late"));
    while !one.next().is_some_and(|message| message["out"] == "begun\n") {}
    assert_eq!(other.eval(&looks, "use endless\nendless/f(1)").value(), "2");
    // So does what a typed text loads.
    std::fs::write(server.folder.path("through.hr"), "use endless\nfn g() { endless/f(2) }").expect("a file");
    assert_eq!(other.eval(&looks, "use through\nthrough/g()").value(), "3");
    let waits = third.begin(ask(&waits, "eval(\"use endless\\nendless/late\")"));
    other.eval(&looks, "reset!(endless/done, true)");
    assert_eq!(third.finish(&waits).value(), "3");
    assert_eq!(one.finish(&loads).value(), "3");
}

/// What catches every interrupt, in whichever way, ends with its session all the same, closed or left.
#[test]
fn nothing_outlives_its_session() {
    let server = Server::start(&["--listen=@s"], &[]);
    let mut client = server.connect();
    client.session();
    let threads = server.threads();
    let stubborn = [
        "loop { try { loop { } } catch (Interrupt { }) { } }",
        "loop { try { sleep(100000) } finally { continue } }",
        "fn f() { try { loop { } } finally { f() } }; f()",
        "loop { try { throw 1 } catch (e) { } finally { continue } }",
    ];
    let mut vanishes = server.connect();
    for code in stubborn {
        for one in [&mut client, &mut vanishes] {
            let session = one.session();
            one.begin(json!({"op": "eval", "session": session, "code": format!("println(\"runs\"); {code}")}));
            let runs = std::iter::from_fn(|| one.next()).find(|message| message["out"] == "runs\n");
            runs.unwrap_or_else(|| panic!("{code}: it does not run"));
        }
    }
    drop(vanishes);
    let sessions = client.ask(json!({"op": "ls-sessions"})).get("sessions").clone();
    for session in sessions.as_array().expect("sessions").iter().skip(1) {
        assert!(client.ask(json!({"op": "close", "session": session})).says("session-closed"));
    }
    server.is_left_with(threads);
    assert_eq!(client.ask(json!({"op": "eval", "code": "6 * 7"})).value(), "42");
}

/// Who interrupts a request is told that it was, also when it had just failed and was to be shown.
#[test]
fn what_shows_an_error_is_interrupted() {
    let server = Server::start(&["--listen=@s"], &[]);
    let mut client = server.connect();
    let session = client.session();
    let slow = "struct Slow { }\nextend Slow with Format { fn format(self, d) { println(\"shows\"); loop { } } }";
    assert!(!client.eval(&session, slow).says("eval-error"));
    for code in ["throw Slow { }", "Slow { }"] {
        let id = client.begin(json!({"op": "eval", "session": session, "code": code}));
        std::iter::from_fn(|| client.next()).find(|message| message["out"] == "shows\n").expect("it is shown");
        client.begin(json!({"op": "interrupt", "session": session}));
        let answer = client.finish(&id);
        assert!(answer.says("interrupted") && !answer.says("eval-error"), "{code}: {answer:?}");
    }
    let answer = client.eval(&session, "throw 1");
    assert!(answer.says("eval-error") && !answer.says("interrupted"), "{answer:?}");
}

/// Requests for each operation (and some that there are not) with one entry that is of another kind than it should be.
fn odd_requests() -> Vec<Value> {
    let ops = "clone close completions describe eval interrupt load-file lookup ls-sessions stdin sideloader-start";
    let keys = "session code ns file file-path file-name prefix sym stdin interrupt-id op token";
    let mut requests = Vec::new();
    for op in ops.split(' ') {
        for key in keys.split(' ') {
            for value in
                [json!(-7), json!([]), json!({"a": {"b": []}}), json!(""), json!("nothing/there"), json!("\u{0}(")]
            {
                let mut request = json!({"id": "1", "op": op});
                request[key] = value;
                requests.push(request);
            }
        }
    }
    requests
}

#[test]
fn malformed_messages_change_nothing() {
    let server = Server::start(&["--listen=@s"], &[]);
    let mut client = server.connect();
    let session = client.session();
    client.eval(&session, "let kept = [1, 2, 3]");
    let threads = server.threads();
    let mut random = Random(17);
    let mut whole = Vec::new();
    encode(&json!({"op": "eval", "code": "kept", "id": "1", "session": session, "more": [1, {"a": "b"}]}), &mut whole);
    for round in 0..common::number("HARRIER_COUNT").unwrap_or(2000) {
        let mut bytes = whole.clone();
        match round % 4 {
            // Cut, changed, repeated, or nothing that was ever meant.
            0 => bytes.truncate(random.below(whole.len())),
            1 => {
                for _ in 0..=random.below(4) {
                    let at = random.below(bytes.len());
                    bytes[at] = random.below(256) as u8;
                }
            }
            2 => {
                let (from, to) = (random.below(bytes.len()), random.below(bytes.len()));
                let part = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.splice(from..from, part);
            }
            _ => bytes = (0..random.below(300)).map(|_| b"dliel0123456789:-e\xff"[random.below(19)]).collect(),
        }
        let mut stream = UnixStream::connect(server.socket()).expect("the server listens");
        // It may be gone before all is written.
        let _ = stream.write_all(&bytes);
        drop(stream);
        // Else some are too many at once, and nobody looks at what they send. Who gets an answer has had all before him let in.
        if round % 25 == 24 {
            let mut last = server.connect();
            last.send(&json!({"op": "describe"}));
            last.next().expect("an answer");
            drop(last);
            server.is_left_with(threads);
        }
    }
    for hostile in
        ["99999999999999999999:", "16000000:a", &"d1:a".repeat(50_000), &"l".repeat(1 << 20), "GET / HTTP/1.1\r\n\r\n"]
    {
        let mut one = server.connect();
        let _ = one.stream.write_all(hostile.as_bytes());
        one.stream.shutdown(std::net::Shutdown::Write).expect("it is open");
        let answer = one.next();
        assert!(answer.as_ref().is_none_or(|answer| says(answer, "malformed")), "{answer:?}");
    }
    // What is no request, but a message, ends nothing.
    for odd in [json!([1]), json!(7), json!("eval"), json!({}), json!({"op": 7}), json!({"op": "eval", "code": ["x"]})]
    {
        client.send(&odd);
        assert!(says(&client.next().expect("an answer"), "malformed"), "{odd}");
    }
    let mut other = server.connect();
    for request in odd_requests() {
        other.send(&request);
        other.wait_for("done");
    }
    drop(other);
    assert_eq!(client.eval(&session, "kept").value(), "[1, 2, 3]");
    server.is_left_with(threads);
    let (said, _) = server.end();
    assert!(said.contains("sent what is no message") && said.lines().count() < 30, "{said}");
}

/// A link there is somebody's file, and a pipe is read by nobody.
#[test]
fn what_stands_in_the_place_of_the_port_is_replaced() {
    let folder = Folder::new(&[("precious", "kept")]);
    std::os::unix::fs::symlink(folder.path("precious"), folder.path(".nrepl-port")).expect("a link");
    let server = Server::start_in(folder, &["--listen=127.0.0.1:0"]);
    assert!(server.greeting.contains(&format!("port {} ", server.folder.read(".nrepl-port"))), "{}", server.greeting);
    let (_, folder) = server.end();
    assert_eq!(folder.read("precious"), "kept");
    let made = Command::new("mkfifo").arg(folder.path(".nrepl-port")).status();
    assert!(made.is_ok_and(|status| status.success()));
    let server = Server::start_in(folder, &["--listen=127.0.0.1:0"]);
    assert!(server.greeting.contains(&format!("port {} ", server.folder.read(".nrepl-port"))), "{}", server.greeting);
    server.end();
}

/// Whose socket has been taken away leaves the one that another has put there.
#[test]
fn a_server_takes_away_its_own_socket_alone() {
    let folder = Folder::new(&[]);
    let option = format!("--listen={}", folder.path("socket"));
    let first = Server::start(&[&option], &[]);
    std::fs::remove_file(folder.path("socket")).expect("it is there");
    let second = Server::start(&[&option], &[]);
    first.end();
    let mut client = second.connect();
    assert_eq!(client.ask(json!({"op": "eval", "code": "1 + 1"})).value(), "2");
    second.end();
    assert!(!Path::new(&folder.path("socket")).exists(), "the socket is left behind");
}

#[test]
fn a_port_is_for_this_machine_and_may_want_a_token() {
    let server = Server::start(&["--listen", "127.0.0.1:0", "--token=@secret"], &[("secret", "open sesame\n")]);
    let port = server.folder.read(".nrepl-port");
    assert_eq!(
        server.greeting,
        format!("nREPL server started on port {port} on host 127.0.0.1 - nrepl://127.0.0.1:{port}")
    );
    let connect = || over_tcp(&port);
    for wrong in
        [json!({"op": "eval", "code": "1"}), json!({"op": "clone", "token": "open sesam"}), json!({"token": 1})]
    {
        let mut client = connect();
        let answer = client.ask(wrong);
        assert!(answer.says("unauthorized"), "{answer:?}");
        assert!(client.next().is_none(), "the connection is closed");
    }
    let mut client = connect();
    client.ask(json!({"op": "describe", "token": "open sesame"}));
    assert_eq!(client.ask(json!({"op": "eval", "code": "1 + 1"})).value(), "2");
    let (said, folder) = server.end();
    assert!(!Path::new(&folder.path(".nrepl-port")).exists(), "the file is left behind");
    assert!(!said.contains("warning"), "{said}");
    let open = Server::start(&["--listen=127.0.0.1:0"], &[]);
    assert!(open.end().0.contains("nREPL knows no passwords"));
}

#[test]
fn a_file_is_loaded_first() {
    let server = Server::start(&["--listen", "@main.hr"], &[("main.hr", "fn double(x) { 2 * x }\n")]);
    assert!(server.socket().starts_with(server.folder.0.join("harrier")), "{}", server.greeting);
    let answer = server.connect().ask(json!({"op": "eval", "code": "double(21)"}));
    assert_eq!((answer.value(), answer.get("ns")), ("42", &json!("main")));
}

#[test]
fn a_running_program_lets_editors_in() {
    let program = "use repl\nlet turns = atom(0)\nfn step() { swap!(turns, fn(n) { n + 1 }) }\n\
                   fn main() { println(repl/serve(0)); loop { step(); sleep(1) } }\n";
    let folder = Folder::new(&[("main.hr", program)]);
    let mut command = Command::new(common::harrier());
    command
        .args(["run", "main.hr"])
        .env("HARRIER_LINES", "1")
        .current_dir(&folder.0)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    let mut port = String::new();
    BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut port).expect("a port");
    assert_eq!(port.trim(), folder.read(".nrepl-port"));
    let mut client = over_tcp(port.trim());
    let code = "fn step() { reset!(turns, :replaced) }\nwhile deref(turns) != :replaced { sleep(1) }\nprintln(\"seen\"); :done";
    let answer = client.ask(json!({"op": "eval", "code": code}));
    assert_eq!((answer.value(), answer.all("out")), (":done", vec!["seen\n"]), "{answer:?}");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[test]
fn the_prompt_is_there_beside_it() {
    let folder = Folder::new(&[]);
    let (socket, state) = (folder.path("s"), folder.path("state"));
    let mut command = Command::new(common::harrier());
    command.args(["repl", &format!("--listen={socket}")]);
    command.env("XDG_STATE_HOME", state).env("TERM", "xterm").env("NO_COLOR", "1");
    let mut session = Session::spawn(command).expect("a pseudo-terminal");
    session.set_expect_timeout(Some(common::patient(Duration::from_secs(30))));
    session.expect("nREPL server started on nrepl+unix:").expect("the place");
    session.expect("user> ").expect("a prompt");
    session.send_line("let shared = 20").expect("the line is taken");
    session.expect("\r\n20").expect("its value");
    session.send("shared + ").expect("a line is begun");
    session.expect("shared + ").expect("it is drawn");
    // What is told meanwhile does not tear it, and what a client prints is not shown.
    let mut hostile = UnixStream::connect(&socket).expect("the server listens");
    hostile.write_all(b"GET / HTTP/1.1").expect("it is taken");
    session.expect("sent what is no message").expect("it is told");
    let mut client = Client::new(UnixStream::connect(&socket).expect("the server listens"));
    let answer = client.ask(json!({"op": "eval", "code": "println(\"for the client\"); let shared = shared + 1"}));
    assert_eq!((answer.value(), answer.get("out")), ("21", &json!("for the client\n")), "{answer:?}");
    session.send_line("100").expect("the line is taken");
    let seen = session.expect("\r\n121").expect("what both have made");
    assert!(!String::from_utf8_lossy(seen.before()).contains("for the client"));
    // Who ends the process from outside leaves nothing behind as well.
    client.begin(json!({"op": "eval", "code": "exit(0)"}));
    session.expect(expectrl::Eof).expect("it ends");
    assert!(!Path::new(&socket).exists(), "the socket is left behind");
}

/// The exchange in `docs/repl.md` is what is said: lines with `>` are sent, the others must come back. `HARRIER_BLESS=1` writes
/// the answers anew.
#[test]
fn the_exchange_of_the_document() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/repl.md");
    let document = std::fs::read_to_string(&path).expect("the document");
    let (before, rest) = document.split_once("```nrepl\n").expect("an exchange");
    let (exchange, behind) = rest.split_once("```\n").expect("its end");
    let server = Server::start(&["--listen=@s"], &[]);
    let mut client = server.connect();
    let (mut now, mut open) = (String::new(), 0);
    for line in exchange.lines().filter(|line| line.starts_with("> ")) {
        let request: Value = serde_json::from_str(&line[2..]).unwrap_or_else(|e| panic!("{line}: {e}"));
        now.push_str(&format!("{line}\n"));
        client.send(&request);
        open += 1;
        let mut messages = Vec::new();
        while open > 0 && !messages.last().is_some_and(|message| says(message, "need-input")) {
            let message = client.next().expect("an answer");
            open -= usize::from(says(&message, "done"));
            messages.push(message);
        }
        // Those of several requests come as they come.
        messages.sort_by_key(|message| message["id"].to_string());
        messages.iter().for_each(|message| now.push_str(&format!("< {message}\n")));
    }
    if std::env::var_os("HARRIER_BLESS").is_some() {
        std::fs::write(&path, format!("{before}```nrepl\n{now}```\n{behind}")).expect("the document can be written");
        return;
    }
    assert_eq!(common::difference(exchange, &now), Vec::<String>::new(), "HARRIER_BLESS=1 writes it anew");
}
