//! `--jitdump`: the file that `perf inject --jit` turns into object files with names, lines and unwind rows.
//!
//! Written by the specification in the kernel's tree (tools/perf/Documentation/jitdump-specification.txt), and by what perf does
//! with it: addresses of lines are plain code addresses; the last row of a line table needs an end; `.eh_frame` stands before its
//! header; perf maps code together with its unwind rows, so that a record reaches into the code behind it, which must come
//! later in the file (records of a chunk ascend, and none reaches out of its chunk: see [`Observer::room`]).
//!
//! A chunk is written in one piece before it can be called. Freed code needs no record: what is at its addresses later comes
//! later in the file.

use std::ops::Range;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::OnceLock;

use super::output::Output;
use super::places::Text;
use super::{ProfileError, eh_frame, part_name};
use crate::asm::code_map::{Function, Kind};
use crate::asm::disasm::Machine;
use crate::asm::publish::Observer;
use crate::locks::{Mutex, lock};
use crate::runtime::Vm;

const MAGIC: u32 = 0x4A69_5444;
const VERSION: u32 = 1;
const HEADER_BYTES: u32 = 40;
const PREFIX_BYTES: usize = 16;

const LOAD: u32 = 0;
const DEBUG_INFO: u32 = 2;
const CLOSE: u32 = 3;
const UNWINDING_INFO: u32 = 4;

/// Unwind rows of a small function.
const ROOM: usize = 512;

/// The dump that is open, for the last record.
static OPEN: OnceLock<&'static Mutex<Dump>> = OnceLock::new();

/// Writes the dump.
pub struct JitDump {
    vm: &'static Vm,
    dump: &'static Mutex<Dump>,
}

struct Dump {
    output: Output,
    /// The time of the last record: no two have the same, and they ascend.
    time: u64,
    /// The number of the next piece of code.
    index: u64,
}

impl JitDump {
    /// A dump in a folder, under the name that perf expects.
    pub fn new(vm: &'static Vm, folder: &Path) -> Result<JitDump, ProfileError> {
        let path = folder.join(format!("jit-{}.dump", std::process::id()));
        let mut output = Output::create(&path)?;
        if let Err(why) = mark(&output) {
            // It is ours and empty.
            let _ = std::fs::remove_file(&path);
            return Err(ProfileError { file: path.display().to_string(), why });
        }
        let time = now();
        output.append(&header(time));
        let dump: &'static Mutex<Dump> = Box::leak(Box::new(Mutex::new(Dump { output, time, index: 0 })));
        let _ = OPEN.set(dump);
        Ok(JitDump { vm, dump })
    }
}

/// perf learns of the file from a mapping of it that is executable; it stays until the process ends.
fn mark(output: &Output) -> Result<(), String> {
    let Some(file) = output.file() else { return Err("the file is gone".into()) };
    // SAFETY: a new mapping at a place of the system's choice disturbs nothing; nobody reads it.
    let at = unsafe {
        let protection = libc::PROT_READ | libc::PROT_EXEC;
        libc::mmap(std::ptr::null_mut(), 4096, protection, libc::MAP_PRIVATE, file.as_raw_fd(), 0)
    };
    match std::io::Error::last_os_error() {
        _ if at != libc::MAP_FAILED => Ok(()),
        error if matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES)) => {
            Err("the folder does not allow executable mappings (is it mounted noexec?), by which perf finds the dump: \
                 name another with --jitdump=DIR"
                .into())
        }
        error => Err(format!("cannot be mapped: {error}")),
    }
}

/// The end of the process: the last record, behind which nothing is written.
pub fn finish() {
    if let Some(dump) = OPEN.get() {
        let mut dump = lock(dump);
        let mut record = Record::new(CLOSE, dump.next_time());
        record.finish();
        dump.output.append(&record.bytes);
        dump.output.close();
    }
}

fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn header(time: u64) -> Vec<u8> {
    let words = [MAGIC, VERSION, HEADER_BYTES, u32::from(Machine::HOST.elf_number()), 0, std::process::id()];
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.extend(time.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    bytes
}

/// A record being written.
struct Record {
    bytes: Vec<u8>,
}

impl Record {
    fn new(kind: u32, time: u64) -> Record {
        let mut record = Record { bytes: Vec::with_capacity(256) };
        record.u32(kind);
        record.u32(0);
        record.u64(time);
        debug_assert_eq!(record.bytes.len(), PREFIX_BYTES);
        record
    }

    fn u32(&mut self, n: u32) {
        self.bytes.extend(n.to_le_bytes());
    }

    fn u64(&mut self, n: u64) {
        self.bytes.extend(n.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        // A name ends at the first zero.
        self.bytes.extend(text.bytes().filter(|byte| *byte != 0));
        self.bytes.push(0);
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }

    /// Its length is known.
    fn finish(&mut self) {
        let length = self.bytes.len() as u32;
        self.bytes[4..8].copy_from_slice(&length.to_le_bytes());
    }
}

impl Dump {
    fn next_time(&mut self) -> u64 {
        self.time = now().max(self.time + 1);
        self.time
    }

    /// The records of a range of a function.
    fn part(
        &mut self,
        range: &Range<u32>,
        name: &str,
        text: Option<&(Text, String)>,
        of: &Function,
        end: usize,
    ) -> Vec<u8> {
        let address = of.start + range.start as usize;
        let time = self.next_time();
        let mut bytes = Vec::new();
        if let Some((text, file)) = text {
            bytes.extend(debug_info(time, of, range, text, file));
        }
        let size = range.len();
        if let Some((rows, header)) = eh_frame::sections(Machine::HOST, of, range)
            && address + size.next_multiple_of(8) + rows.len() <= end
        {
            let mut record = Record::new(UNWINDING_INFO, time);
            record.u64(rows.len() as u64);
            record.u64(header as u64);
            // Without this perf does not map the rows, and does not find them.
            record.u64(rows.len() as u64);
            record.bytes.extend(rows);
            record.pad();
            record.finish();
            bytes.extend(record.bytes);
        }
        let mut record = Record::new(LOAD, time);
        record.u32(std::process::id());
        // SAFETY: has no preconditions.
        record.u32(unsafe { libc::gettid() } as u32);
        for n in [address as u64, address as u64, size as u64, self.index] {
            record.u64(n);
        }
        record.text(name);
        // SAFETY: an observer may read the code that it is told of.
        record.bytes.extend(unsafe { std::slice::from_raw_parts(address as *const u8, size) });
        record.finish();
        bytes.extend(record.bytes);
        self.index += 1;
        bytes
    }
}

fn debug_info(time: u64, function: &Function, range: &Range<u32>, text: &Text, file: &str) -> Vec<u8> {
    let lines = text.lines(function, range);
    let Some(last) = lines.last().copied() else { return Vec::new() };
    let mut record = Record::new(DEBUG_INFO, time);
    record.u64((function.start + range.start as usize) as u64);
    record.u64(lines.len() as u64 + 1);
    // The table ends where its last row begins: so that is behind the code.
    let end = super::places::Line { code: range.end, ..last };
    for line in lines.iter().chain([&end]) {
        record.u64((function.start + line.code as usize) as u64);
        record.u32(line.line);
        record.u32(0);
        record.text(file);
    }
    record.pad();
    record.finish();
    record.bytes
}

impl Observer for JitDump {
    fn published(&self, chunk: &Range<usize>, functions: &[Function]) {
        let mut dump = lock(self.dump);
        if dump.output.file().is_none() {
            return;
        }
        let mut bytes = Vec::new();
        for function in functions {
            let text = Text::of(self.vm, function).filter(|_| function.kind == Kind::Body);
            let text = text.map(|text| {
                let file = text.file();
                (text, file)
            });
            for (range, part) in function.parts() {
                bytes.extend(dump.part(&range, &part_name(function, part), text.as_ref(), function, chunk.end));
            }
        }
        dump.output.append(&bytes);
    }

    fn freed(&self, _chunk: &Range<usize>, _functions: &[Function]) {}

    fn room(&self) -> usize {
        ROOM
    }
}
