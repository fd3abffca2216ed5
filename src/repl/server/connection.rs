//! A connection: messages on their way to a client.
//!
//! Owns the socket, and what becomes of a client that does not read, or is gone: it is given up, and whatever is still said to it
//! goes nowhere.
//!
//! Invariants: no lock is held while somebody waits for a client (see [`Outlet`]); whoever waits can be called off, and does not
//! wait for a client that takes nothing at all for longer than [`PATIENCE`].

use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::bencode::{Decoder, Value};
use crate::runtime::system::descriptor::{self, Stop};
use crate::runtime::system::outlet::Outlet;

/// A client that takes nothing for so long, while something waits for it, is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// So does one for which so much waits: many threads may write, and be interrupted again and again.
const MOST_WAITING: usize = 64 << 20;

/// Who hangs up listens for so long.
const LINGER: Duration = Duration::from_millis(500);

/// A connection.
pub struct Connection {
    /// The first is 1.
    pub number: u64,
    socket: OwnedFd,
    outlet: Outlet,
    gone: AtomicBool,
}

/// The reading side of a socket.
pub struct Incoming(OwnedFd);

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        descriptor::read_idle(self.0.as_raw_fd(), buffer)
    }
}

impl Connection {
    /// The connection behind a socket.
    pub fn new(number: u64, socket: OwnedFd) -> io::Result<Connection> {
        descriptor::set_nonblocking(socket.as_raw_fd())?;
        let outlet = Outlet::file(socket.try_clone()?);
        Ok(Connection { number, socket, outlet, gone: AtomicBool::new(false) })
    }

    /// What comes from the client.
    pub fn incoming(&self) -> io::Result<Decoder<Incoming>> {
        Ok(Decoder::new(Incoming(self.socket.try_clone()?)))
    }

    /// Takes a message for the client, and does not wait.
    pub fn push(&self, message: &Value) {
        if self.is_gone() {
            return;
        }
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        if self.outlet.buffered() > MOST_WAITING || self.outlet.push(&bytes).is_err() {
            self.end();
        }
    }

    /// Waits until what was taken is on its way, or the client is gone. The only error is that of who was told to stop.
    pub fn flush(&self, stop: Stop<'_>) -> io::Result<()> {
        let gone = || io::ErrorKind::BrokenPipe.into();
        let stuck = || io::ErrorKind::TimedOut.into();
        let mut stop = || if self.is_gone() { Some(gone()) } else { stop() };
        match self.outlet.flush_while_moving(PATIENCE, stuck, &mut stop) {
            Err(error) if descriptor::is_called_off(&error) => return Err(error),
            Err(_) => self.end(),
            Ok(()) => {}
        }
        Ok(())
    }

    /// Has the client gone, or was it given up?
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Gives the client up: who waits for it goes on.
    pub fn end(&self) {
        self.gone.store(true, Ordering::Relaxed);
        descriptor::shut_down(self.socket.as_raw_fd());
    }

    /// Says that nothing more comes, and takes what is on its way for a moment: a socket that is closed with something unread may
    /// lose what was said last.
    pub fn hang_up(&self) {
        descriptor::end_output(self.socket.as_raw_fd());
        let end = Instant::now() + LINGER;
        let mut stop = || (Instant::now() > end).then(descriptor::called_off);
        let mut dropped = [0; 4096];
        while descriptor::read(self.socket.as_raw_fd(), &mut dropped, &mut stop).is_ok_and(|got| got > 0) {}
    }

    /// Ends it, and what nobody will read is dropped. The socket goes with the last one who knows the connection.
    pub fn close(&self) {
        self.end();
        // A socket that was shut down takes or refuses at once.
        let _ = self.outlet.close(&mut descriptor::patient);
    }
}
