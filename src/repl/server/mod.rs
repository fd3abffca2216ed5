//! The REPL for editors and other programs: nREPL over a socket.
//!
//! Owns where clients come in, how many may, and what is left behind at the end (nothing).
//!
//! | file | what it owns |
//! | --- | --- |
//! | `bencode.rs` | the form of messages, and their limits |
//! | `connection.rs` | a socket, and messages on their way to a client |
//! | `operations.rs` | what a client asks for; the sessions of a connection |
//! | `talk.rs` | a session: its thread, what runs in it, its output and input |
//!
//! Threads: one takes connections in; each connection has one, which reads and answers; each session has one, which evaluates. All
//! are attached to the heap and wait outside.
//!
//! Invariant: nothing that a client sends, or leaves unread, stops anybody but that client.

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::gc::{Thread, Thrown};
use crate::runtime::Namespace;
use crate::runtime::system::{client, console, descriptor, threads};
use bencode::{Value, Wrong};
use connection::Connection;
use operations::Desk;
use talk::status;

mod bencode;
mod connection;
mod operations;
mod talk;

/// So many clients may be connected at once.
const MOST_CONNECTIONS: usize = 64;
/// So many sessions may they have.
const MOST_SESSIONS: usize = 128;
/// Of so many malformed messages each is told of, then of every thousandth.
const TOLD: u64 = 20;
/// Where the number of a TCP port is left for editors, as other servers do.
const PORT_FILE: &str = ".nrepl-port";

/// Where clients come in.
#[derive(Clone, Debug, PartialEq)]
pub enum Address {
    /// A socket in the user's folder for such things.
    Usual,
    /// A socket at this path.
    Path(PathBuf),
    /// A port, on this machine.
    Port(SocketAddr),
}

impl Address {
    /// What somebody has written: a path, or an address of this machine with a port.
    pub fn parse(text: &str) -> Result<Address, String> {
        if text.is_empty() {
            return Ok(Address::Usual);
        }
        if text.contains('/') {
            return Ok(Address::Path(text.into()));
        }
        let address = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        match address.as_deref().unwrap_or(text).parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Address::Port(address)),
            Ok(_) => Err(
                "nREPL knows no passwords, so only this machine may connect: write 127.0.0.1:PORT, and use `ssh -L` \
                          from others"
                    .into(),
            ),
            Err(_) => Err("it is 127.0.0.1:PORT, or the path of a socket (with a / in it)".into()),
        }
    }

    /// Does it look like one, rather than like a file?
    pub fn is_likely(text: &str) -> bool {
        let host = text.rsplit_once(':').map(|(host, _)| host.trim_matches(['[', ']']));
        host.is_some_and(|host| host == "localhost" || host.parse::<IpAddr>().is_ok())
    }
}

/// What was asked for on the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Listen {
    /// Where.
    pub address: Address,
    /// The file with the token that clients must send.
    pub token: Option<PathBuf>,
}

enum Listener {
    Socket(UnixListener),
    Port(TcpListener),
}

/// A place where clients will be let in.
pub struct Door {
    listener: Listener,
    token: Option<Vec<u8>>,
    /// The port, or the path of the socket.
    place: String,
    /// What is said when it is open.
    greeting: String,
}

/// What all connections share.
struct Server {
    /// Where sessions begin.
    namespace: &'static Namespace,
    token: Option<Vec<u8>>,
    connections: AtomicUsize,
    sessions: AtomicUsize,
    /// How many there have been.
    connected: AtomicU64,
    begun: AtomicU64,
    malformed: AtomicU64,
}

/// A connection or session counts until this is dropped.
struct Counted(Arc<Server>, fn(&Server) -> &AtomicUsize);

impl Counted {
    fn new(server: &Arc<Server>, count: fn(&Server) -> &AtomicUsize, most: usize) -> Option<Counted> {
        let counted = Counted(server.clone(), count);
        // What is one too many is no longer counted when it is dropped.
        (count(server).fetch_add(1, Ordering::Relaxed) < most).then_some(counted)
    }

    fn connection(server: &Arc<Server>) -> Option<Counted> {
        Counted::new(server, |server| &server.connections, MOST_CONNECTIONS)
    }

    fn session(server: &Arc<Server>) -> Option<Counted> {
        Counted::new(server, |server| &server.sessions, MOST_SESSIONS)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.1)(&self.0).fetch_sub(1, Ordering::Relaxed);
    }
}

impl Server {
    /// The name of a new session.
    fn session_id(&self) -> String {
        format!("harrier-{}", 1 + self.begun.fetch_add(1, Ordering::Relaxed))
    }

    /// How long it takes says nothing of what was wrong.
    fn is_token(&self, said: &[u8]) -> bool {
        let token = self.token.as_deref().unwrap_or_default();
        let differ = token.iter().zip(said).fold(0, |differ, (a, b)| differ | (a ^ b));
        token.len() == said.len() && std::hint::black_box(differ) == 0
    }

    /// Tells who runs the server what a client has sent; not each of very many.
    fn log_malformed(&self, connection: &Connection, why: &str) {
        let before = self.malformed.fetch_add(1, Ordering::Relaxed);
        if before < TOLD || (before + 1).is_multiple_of(1000) {
            let count = if before < TOLD { String::new() } else { format!(" ({} so far)", before + 1) };
            console::tell(&format!(
                "harrier: connection {} sent what is no message: {why}{count}\n",
                connection.number
            ));
        }
    }
}

// ---- opening ----

/// Opens the door; nobody is let in yet. The error says why it cannot be.
pub fn open(listen: &Listen) -> Result<Door, String> {
    let token = listen.token.as_deref().map(read_token).transpose()?;
    match &listen.address {
        Address::Port(address) => open_port(*address, token),
        Address::Usual => open_socket(&usual_socket()?, token),
        Address::Path(path) => open_socket(path, token),
    }
}

fn read_token(file: &Path) -> Result<Vec<u8>, String> {
    let text = fs::read(file).map_err(|error| failed("read", file, &error))?;
    let token = text.trim_ascii().to_vec();
    if token.is_empty() { Err(format!("{} holds no token: it is empty", file.display())) } else { Ok(token) }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> String {
    format!("cannot {what} {}: {}", path.display(), descriptor::why(error))
}

fn open_port(address: SocketAddr, token: Option<Vec<u8>>) -> Result<Door, String> {
    let listener = TcpListener::bind(address).and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener) =
        listener.map_err(|error| format!("cannot listen on {address}: {}", descriptor::why(&error)))?;
    let (host, port) = (address.ip(), address.port());
    let file = std::env::current_dir().unwrap_or_default().join(PORT_FILE);
    let mut greeting = format!("nREPL server started on port {port} on host {host} - nrepl://{address}\n");
    match write_anew(&file, &port.to_string()) {
        Ok(()) => console::at_end(move || {
            // Unless another server has written its own meanwhile.
            if fs::read_to_string(&file).is_ok_and(|text| text == port.to_string()) {
                let _ = fs::remove_file(&file);
            }
        }),
        Err(error) => greeting.push_str(&format!("({})\n", failed("write", &file, &error))),
    }
    if token.is_none() {
        console::write_error(
            "harrier: warning: nREPL knows no passwords: all users of this machine can connect to the port, and do what you can \
             do; --listen without an address is a socket of yours alone, and --token asks clients for a secret\n",
        );
    }
    Ok(Door { listener: Listener::Port(listener), token, place: port.to_string(), greeting })
}

/// Puts a new file into the place of whatever is there: a link is not followed, and a pipe is not waited for.
fn write_anew(file: &Path, text: &str) -> io::Result<()> {
    let fresh = file.with_extension(format!("{}.new", std::process::id()));
    let mut made = fs::OpenOptions::new().write(true).create_new(true).open(&fresh)?;
    let written = made.write_all(text.as_bytes()).and_then(|()| fs::rename(&fresh, file));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

/// A socket in the user's folder for such things, which nobody else can look into.
fn usual_socket() -> Result<PathBuf, String> {
    // SAFETY: a plain question.
    let user = unsafe { libc::getuid() };
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = match runtime {
        Some(runtime) => runtime.join("harrier"),
        None => std::env::temp_dir().join(format!("harrier-{user}")),
    };
    let made = fs::DirBuilder::new().mode(0o700).create(&folder);
    if let Some(error) = made.err().filter(|error| error.kind() != io::ErrorKind::AlreadyExists) {
        return Err(failed("make", &folder, &error));
    }
    // In a folder for all somebody else may have been there before.
    let found = fs::symlink_metadata(&folder).map_err(|error| failed("look at", &folder, &error))?;
    if !found.is_dir() || found.uid() != user || found.mode() & 0o077 != 0 {
        return Err(format!("{} is no folder of yours alone: remove it, or set XDG_RUNTIME_DIR", folder.display()));
    }
    Ok(folder.join(format!("repl-{}.sock", std::process::id())))
}

fn open_socket(path: &Path, token: Option<Vec<u8>>) -> Result<Door, String> {
    let listener = bind_private(path).map_err(|error| failed("listen on", path, &error))?;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let place = path.display().to_string();
    let greeting = format!("nREPL server started on nrepl+unix:{place}\n");
    let own = identity(&path);
    console::at_end(move || {
        // Unless another server has its own there meanwhile.
        if own.is_some() && identity(&path) == own {
            let _ = fs::remove_file(&path);
        }
    });
    Ok(Door { listener: Listener::Socket(listener), token, place, greeting })
}

/// Which file stands there.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// A socket to which nobody else can connect. One on which nobody listens any more gives way.
fn bind_private(path: &Path) -> io::Result<UnixListener> {
    let is_socket =
        fs::symlink_metadata(path).is_ok_and(|found| std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()));
    if is_socket && UnixStream::connect(path).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused) {
        fs::remove_file(path)?;
    }
    // SAFETY: sets the mask for new files of the process: what others make at this moment is more private than they asked for.
    let mask = unsafe { libc::umask(0o177) };
    let listener = UnixListener::bind(path);
    // SAFETY: sets it back.
    unsafe { libc::umask(mask) };
    let listener = listener?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

// ---- serving ----

impl Listener {
    fn accept(&self) -> io::Result<OwnedFd> {
        match self {
            Listener::Socket(listener) => listener.accept().map(|(stream, _)| stream.into()),
            Listener::Port(listener) => listener.accept().map(|(stream, _)| {
                // Small messages are not kept for larger ones; where that cannot be, they are only slower.
                let _ = stream.set_nodelay(true);
                stream.into()
            }),
        }
    }
}

impl Door {
    /// Says where it is.
    pub fn greet(&self) {
        console::print(&self.greeting);
        console::flush_quietly();
    }

    /// Lets clients in from now on, whose sessions begin in this namespace; gives the port, or the path of the socket.
    pub fn serve(self, cx: &mut Thread, namespace: &'static Namespace) -> Result<String, String> {
        let Door { listener, token, place, .. } = self;
        client::prepare(cx).map_err(|thrown| {
            let _told = cx.take_exception(thrown);
            "the heap is full".to_string()
        })?;
        let server = Arc::new(Server {
            namespace,
            token,
            connections: AtomicUsize::new(0),
            sessions: AtomicUsize::new(0),
            connected: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            malformed: AtomicU64::new(0),
        });
        // Attached, since whoever starts threads that evaluate counts as one that may.
        threads::start_attached(cx.vm(), move |cx| {
            loop {
                match cx.outside(|| listener.accept()) {
                    Ok(socket) => admit(cx, &server, socket),
                    // Too many files are open, for instance: some will be closed.
                    Err(_) => cx.outside(|| std::thread::sleep(Duration::from_millis(100))),
                }
            }
        })?;
        Ok(place)
    }
}

/// Lets clients of a running program in: see [`crate::runtime::vm::Serve`].
pub fn serve(cx: &mut Thread, port: Option<u16>, namespace: &'static Namespace) -> Result<String, String> {
    let address = match port {
        Some(port) => Address::Port(SocketAddr::from(([127, 0, 0, 1], port))),
        None => Address::Usual,
    };
    cx.outside(|| open(&Listen { address, token: None }))?.serve(cx, namespace)
}

/// Starts the thread of a connection, or tells the client why not.
fn admit(cx: &mut Thread, server: &Arc<Server>, socket: OwnedFd) {
    let number = 1 + server.connected.fetch_add(1, Ordering::Relaxed);
    let Ok(connection) = Connection::new(number, socket).map(Arc::new) else { return };
    let counted = Counted::connection(server).ok_or_else(|| format!("more than {MOST_CONNECTIONS} clients"));
    let started = counted.and_then(|counted| {
        let (server, connection) = (server.clone(), connection.clone());
        threads::start_attached(cx.vm(), move |cx| {
            let _counted = counted;
            converse(cx, server, connection);
        })
    });
    if let Err(why) = started {
        refuse(&connection, "too-many-connections", &why);
        // There is room for one message in a socket that nobody has used.
        let _ = cx.outside(|| connection.flush(&mut descriptor::patient));
        connection.close();
    }
}

fn refuse(connection: &Connection, word: &str, why: &str) {
    let error = ("err", format!("{why}\n").into());
    connection.push(&Value::map([error, ("status", status(&["error", word, "done"]))]));
}

/// The life of a connection.
fn converse(cx: &mut Thread, server: Arc<Server>, connection: Arc<Connection>) {
    /// Whatever happens, the client is told that nobody is there.
    struct Close(Arc<Connection>);
    impl Drop for Close {
        fn drop(&mut self) {
            self.0.close();
        }
    }
    let close = Close(connection.clone());
    let Ok(mut incoming) = connection.incoming() else { return };
    let mut desk = Desk::new(server.clone(), connection.clone());
    loop {
        let goes_on = match cx.outside(|| incoming.message()) {
            Ok(Some(message)) => {
                let mark = cx.mark();
                let goes_on = desk.take(cx, message);
                cx.release(mark);
                goes_on
            }
            Ok(None) | Err(Wrong::Ended) => break,
            Err(Wrong::Malformed(why)) => {
                // Where the next message begins nobody knows.
                refuse(&connection, "malformed", &why);
                cx.outside(|| server.log_malformed(&connection, &why));
                false
            }
        };
        let _ = cx.outside(|| connection.flush(&mut descriptor::patient));
        if !goes_on {
            cx.outside(|| connection.hang_up());
        }
        if !goes_on || connection.is_gone() {
            break;
        }
    }
    drop(close);
    desk.end(cx);
}

/// Serves until the process is told to end.
pub fn stay(cx: &mut Thread) -> Thrown {
    loop {
        if let Err(interrupt) = threads::waiting(cx, |stop| Err::<(), _>(descriptor::wait_for_ever(stop))) {
            return interrupt;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(Address::parse(""), Ok(Address::Usual));
        assert_eq!(Address::parse("./s"), Ok(Address::Path("./s".into())));
        let port = |text: &str| Ok(Address::Port(text.parse().expect("an address")));
        assert_eq!(Address::parse("127.0.0.1:7888"), port("127.0.0.1:7888"));
        assert_eq!(Address::parse("localhost:0"), port("127.0.0.1:0"));
        assert_eq!(Address::parse("[::1]:1"), port("[::1]:1"));
        assert!(Address::parse("0.0.0.0:7888").is_err_and(|why| why.contains("ssh -L")));
        for text in ["7888", "main.hr", "127.0.0.1", "localhost:x", "127.0.0.1:70000"] {
            assert!(Address::parse(text).is_err_and(|why| why.contains("127.0.0.1:PORT")), "{text}");
        }
        for text in ["127.0.0.1:1", "0.0.0.0:1", "[::1]:1", "127.0.0.1:99999", "localhost:x"] {
            assert!(Address::is_likely(text), "{text}");
        }
        for text in ["main.hr", "a:1", "7888", ":1", ""] {
            assert!(!Address::is_likely(text), "{text}");
        }
    }
}
