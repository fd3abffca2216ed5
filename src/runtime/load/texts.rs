//! The texts of programs: files and standard input, as whoever runs them names them.
//!
//! Owns their reading, which may take as long as the other side of a pipe wants and can be called off.

use std::io;
use std::path::Path;

use crate::gc::{Thread, Thrown};
use crate::reader;
use crate::runtime::system::descriptor::{self, Stop};
use crate::runtime::system::threads;

/// The longest text of a program.
const LONGEST: usize = 1 << 30;

/// The text of a file.
pub fn of_file(file: &Path, stop: Stop<'_>) -> Result<String, String> {
    let bytes = descriptor::open_to_read(file, stop).and_then(|fd| descriptor::read_to_end(&fd, LONGEST, stop));
    decoded(&file.to_string_lossy(), bytes)
}

/// The text of standard input, which has this name.
pub fn of_stdin(name: &str, stop: Stop<'_>) -> Result<String, String> {
    decoded(name, descriptor::read_to_end(&descriptor::STDIN, LONGEST, stop))
}

fn decoded(name: &str, bytes: io::Result<Vec<u8>>) -> Result<String, String> {
    let bytes = bytes.map_err(|e| format!("cannot read {name}: {}", descriptor::why(&e)))?;
    reader::decode(bytes).map_err(|e| format!("cannot read {name}: {}", e.message))
}

/// What `read` gives, while others may collect and the interrupt key may be pressed.
pub fn waiting<T>(
    cx: &mut Thread,
    mut read: impl FnMut(Stop<'_>) -> Result<T, String>,
) -> Result<Result<T, String>, Thrown> {
    threads::waiting(cx, |stop| {
        let mut off = false;
        let text = read(&mut || stop().inspect(|_| off = true));
        if off { Err(descriptor::called_off()) } else { Ok(text) }
    })
    .map(|read| read.unwrap_or_else(|error| Err(descriptor::why(&error))))
}
