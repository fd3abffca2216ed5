//! Reading and writing file descriptors by threads that can be called off while they wait.
//!
//! Owns the waiting: whoever waits for a pipe, a terminal or another file looks at its [`Stop`] now and then, so that the
//! interrupt key, the closing of a stream and the end of the program never wait for somebody outside.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::injection::{Asked, refused};

/// How often whoever waits looks whether it is to go on, in milliseconds.
pub const SLICE: u64 = 20;
/// What a pipe that is ready takes at once.
const PIECE: usize = 4096;

/// Asked before and during each wait: an error ends the wait. [`called_off`] makes one.
pub type Stop<'a> = &'a mut dyn FnMut() -> Option<io::Error>;

/// Waits as long as it takes.
pub fn patient() -> Option<io::Error> {
    None
}

/// The error of an operation that ended because it was told to.
pub fn called_off() -> io::Error {
    io::ErrorKind::Interrupted.into()
}

/// Was the operation called off, rather than having failed?
pub fn is_called_off(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Interrupted
}

/// What the system says about an error, without its number.
pub fn why(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_string()
}

/// A result of the system; none when a signal came between.
fn result(n: isize) -> Option<io::Result<usize>> {
    if n >= 0 {
        return Some(Ok(n as usize));
    }
    let error = io::Error::last_os_error();
    let again = matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock);
    (!again).then_some(Err(error))
}

/// Standard input.
pub const STDIN: RawFd = libc::STDIN_FILENO;

/// Opens a file that is only read.
pub fn open_to_read(path: &Path, stop: Stop<'_>) -> io::Result<OwnedFd> {
    open(path, libc::O_RDONLY, stop)
}

/// Opens a file. Opening a fifo waits for its other end.
pub fn open(path: &Path, flags: libc::c_int, stop: Stop<'_>) -> io::Result<OwnedFd> {
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    loop {
        if let Some(error) = stop() {
            return Err(error);
        }
        // SAFETY: the name ends with a zero.
        let fd = unsafe { libc::open(name.as_ptr(), flags | libc::O_CLOEXEC, 0o666) };
        if let Some(fd) = result(fd as isize) {
            // SAFETY: a descriptor that was opened just now, and that nobody else knows.
            return fd.map(|fd| unsafe { OwnedFd::from_raw_fd(fd as RawFd) });
        }
    }
}

/// Waits until the descriptor is ready.
fn wait(fd: RawFd, events: libc::c_short, stop: Stop<'_>) -> io::Result<()> {
    wait_in_slices(fd, events, SLICE as libc::c_int, stop)
}

fn wait_in_slices(fd: RawFd, events: libc::c_short, slice: libc::c_int, stop: Stop<'_>) -> io::Result<()> {
    loop {
        if let Some(error) = stop() {
            return Err(error);
        }
        let mut asked = libc::pollfd { fd, events, revents: 0 };
        // SAFETY: one valid entry.
        let ready = unsafe { libc::poll(&mut asked, 1, slice) };
        // What is wrong with a descriptor, the operation will say.
        if ready > 0 || ready < 0 && io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return Ok(());
        }
    }
}

/// Would a small piece be written without a wait?
pub fn takes_more(fd: RawFd) -> bool {
    let mut asked = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one valid entry.
    unsafe { libc::poll(&mut asked, 1, 0) > 0 }
}

/// Reads what there is, waiting for something; 0 at the end.
pub fn read(fd: RawFd, buffer: &mut [u8], stop: Stop<'_>) -> io::Result<usize> {
    loop {
        wait(fd, libc::POLLIN, stop)?;
        // SAFETY: the buffer is writable for its length.
        if let Some(n) = result(unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) }) {
            return n;
        }
    }
}

/// Reads what there is, waiting for something for as long as it takes, without looking around: whoever waits for an idle socket
/// so costs nothing, and is woken by its `shutdown`.
pub fn read_idle(fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    wait_in_slices(fd, libc::POLLIN, -1, &mut patient)?;
    read(fd, buffer, &mut patient)
}

/// Waits for nothing but to be told to stop, or for the signal that wakes calls.
pub fn wait_for_ever(stop: Stop<'_>) -> io::Error {
    loop {
        if let Some(error) = stop() {
            return error;
        }
        // SAFETY: no entries.
        unsafe { libc::poll(std::ptr::null_mut(), 0, -1) };
    }
}

/// Reads and writes on the descriptor never wait by themselves.
pub fn set_nonblocking(fd: RawFd) -> io::Result<()> {
    // SAFETY: changes a flag of the descriptor, which may be any number.
    let done = unsafe { libc::fcntl(fd, libc::F_SETFL, libc::fcntl(fd, libc::F_GETFL) | libc::O_NONBLOCK) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Ends what goes through a socket in both directions; who waits for it is woken.
pub fn shut_down(fd: RawFd) {
    // SAFETY: a plain call; the descriptor may be any number.
    unsafe { libc::shutdown(fd, libc::SHUT_RDWR) };
}

/// Says to the other end of a socket that nothing more comes.
pub fn end_output(fd: RawFd) {
    // SAFETY: as above.
    unsafe { libc::shutdown(fd, libc::SHUT_WR) };
}

/// Reads up to the end, `most` bytes at most.
pub fn read_to_end(fd: &impl AsRawFd, most: usize, stop: Stop<'_>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while read_more(fd.as_raw_fd(), &mut bytes, most, stop)? > 0 {}
    Ok(bytes)
}

/// Reads what there is behind what was read before; 0 at the end. More than `most` bytes are an error.
pub fn read_more(fd: RawFd, bytes: &mut Vec<u8>, most: usize, stop: Stop<'_>) -> io::Result<usize> {
    let start = bytes.len();
    let room = start.clamp(8 << 10, 1 << 20);
    if start > most || bytes.try_reserve(room).is_err() {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    bytes.resize(start + room, 0);
    let got = read(fd, &mut bytes[start..], stop);
    bytes.truncate(start + *got.as_ref().unwrap_or(&0));
    got
}

/// Is the descriptor one of a file on a disk, for which nobody waits?
pub fn is_file(fd: RawFd) -> bool {
    kind(fd) == Some(libc::S_IFREG)
}

/// Is the descriptor one of a folder?
pub fn is_folder(fd: &impl AsRawFd) -> bool {
    kind(fd.as_raw_fd()) == Some(libc::S_IFDIR)
}

fn kind(fd: RawFd) -> Option<libc::mode_t> {
    // SAFETY: `stat` is plain data, and the descriptor may be any number.
    unsafe {
        let mut stat = std::mem::zeroed::<libc::stat>();
        (libc::fstat(fd, &mut stat) == 0).then_some(stat.st_mode & libc::S_IFMT)
    }
}

/// Writes all of it, and counts in `moved`. On an error the rest is left.
pub fn write_all(fd: RawFd, text: &mut &[u8], moved: &AtomicU64, stop: Stop<'_>) -> io::Result<()> {
    let piece = if is_file(fd) { usize::MAX } else { PIECE };
    while !text.is_empty() {
        wait(fd, libc::POLLOUT, stop)?;
        if refused(Asked::Write) {
            return Err(io::Error::from_raw_os_error(libc::ENOSPC));
        }
        // SAFETY: the text is readable for its length.
        if let Some(n) = result(unsafe { libc::write(fd, text.as_ptr().cast(), text.len().min(piece)) }) {
            let n = n?;
            *text = &text[n..];
            moved.fetch_add(n as u64, Ordering::Relaxed);
        }
    }
    Ok(())
}
