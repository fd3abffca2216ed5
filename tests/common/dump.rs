//! Reads a jitdump back, by the specification in the kernel's tree and by what perf makes of it.
#![allow(dead_code)] // Each test crate uses its part.

/// A row of a line table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    pub address: u64,
    pub line: u32,
    pub file: String,
}

/// A piece of code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Load {
    pub address: u64,
    pub name: String,
    pub code: Vec<u8>,
    pub index: u64,
    pub pid: u32,
    /// With the row at the end of the code.
    pub lines: Vec<Line>,
    /// `.eh_frame`, then its header.
    pub unwind: Vec<u8>,
    /// Bytes behind the code, filled up to a multiple of eight, that perf maps with it.
    pub mapped: u64,
}

/// What is in the file.
#[derive(Debug, Default)]
pub struct Dump {
    pub machine: u32,
    pub pid: u32,
    pub loads: Vec<Load>,
    pub closed: bool,
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> &'a [u8] {
        assert!(n <= self.0.len(), "{n} bytes are wanted, there are {}", self.0.len());
        let (taken, rest) = self.0.split_at(n);
        self.0 = rest;
        taken
    }
    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().expect("four"))
    }
    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take(8).try_into().expect("eight"))
    }
    fn text(&mut self) -> String {
        let end = self.0.iter().position(|byte| *byte == 0).expect("a text ends");
        let text = String::from_utf8(self.take(end).to_vec()).expect("UTF-8");
        self.take(1);
        text
    }
}

/// Reads a whole file. Panics at whatever is wrong with it.
pub fn read(bytes: &[u8]) -> Dump {
    let mut all = Bytes(bytes);
    assert_eq!((all.u32(), all.u32(), all.u32()), (0x4A69_5444, 1, 40), "magic, version, size of the header");
    let mut dump = Dump { machine: all.u32(), ..Dump::default() };
    assert_eq!(all.u32(), 0, "padding");
    dump.pid = all.u32();
    let mut last = all.u64();
    assert_eq!(all.u64(), 0, "flags");
    let (mut lines, mut unwind) = (None::<Vec<Line>>, None::<(Vec<u8>, u64)>);
    while !all.0.is_empty() {
        assert!(!dump.closed, "a record after the last");
        let (kind, size, time) = (all.u32(), all.u32() as usize, all.u64());
        assert!(time >= last, "times ascend");
        last = time;
        let mut record = Bytes(all.take(size - 16));
        match kind {
            0 => {
                let (pid, _tid, vma, address) = (record.u32(), record.u32(), record.u64(), record.u64());
                assert_eq!(vma, address);
                let (size, index, name) = (record.u64(), record.u64(), record.text());
                let code = record.take(size as usize).to_vec();
                assert!(record.0.is_empty(), "nothing is behind the code");
                let (unwind, mapped) = unwind.take().unwrap_or_default();
                let lines = lines.take().unwrap_or_default();
                let load = Load { address, name, code, index, pid, lines, unwind, mapped };
                check(&load);
                dump.loads.push(load);
            }
            2 => {
                let (_code, count) = (record.u64(), record.u64());
                let mut line = || {
                    let (address, line, _column) = (record.u64(), record.u32(), record.u32());
                    Line { address, line, file: record.text() }
                };
                assert!(lines.replace((0..count).map(|_| line()).collect()).is_none(), "two tables of one function");
                assert!(size.is_multiple_of(8) && record.0.len() < 8, "padding");
            }
            3 => dump.closed = true,
            4 => {
                let (bytes, header, mapped) = (record.u64(), record.u64(), record.u64());
                assert_eq!((header, mapped), (20, bytes));
                assert!(unwind.replace((record.take(bytes as usize).to_vec(), mapped)).is_none());
                assert!(size.is_multiple_of(8) && record.0.len() < 8, "padding");
            }
            other => panic!("a record of kind {other}"),
        }
    }
    assert!(lines.is_none() && unwind.is_none(), "the code of a table is missing");
    let indices: Vec<u64> = dump.loads.iter().map(|load| load.index).collect();
    assert!(indices.windows(2).all(|pair| pair[0] < pair[1]), "each piece has a number of its own");
    dump
}

fn check(load: &Load) {
    assert!(!load.code.is_empty() && !load.name.is_empty(), "{load:?}");
    if let (Some(first), Some(end)) = (load.lines.first(), load.lines.last()) {
        assert_eq!(first.address, load.address, "{}: the first row", load.name);
        assert_eq!(end.address, load.address + load.code.len() as u64, "{}: the end of the rows", load.name);
        assert!(load.lines.windows(2).all(|pair| pair[0].address < pair[1].address), "{}: rows ascend", load.name);
        assert!(load.lines.iter().all(|line| line.line > 0 && !line.file.is_empty()));
    }
    if !load.unwind.is_empty() {
        check_unwind(load);
    }
}

/// The header finds the entry, and the entry the code, where perf puts the three.
fn check_unwind(load: &Load) {
    let (rows, header) = load.unwind.split_at(load.unwind.len() - 20);
    let word = |bytes: &[u8], at: usize| i32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
    let code = load.code.len().next_multiple_of(8) as i32;
    assert_eq!(header[..4], [1, 0x1B, 0x03, 0x3B], "version and encodings");
    assert_eq!(word(header, 4), -(rows.len() as i32 + 4), "from here to .eh_frame");
    assert_eq!(word(header, 8), 1, "one entry");
    assert_eq!(word(header, 12), -(code + rows.len() as i32), "from the header to the code");
    let entry = (rows.len() as i32 + word(header, 16)) as usize;
    assert_eq!(word(rows, entry + 4), entry as i32 + 4, "the entry of the common one, which is the first");
    assert_eq!(word(rows, entry + 8), -(code + entry as i32 + 8), "from the entry to the code");
    assert_eq!(word(rows, entry + 12) as usize, load.code.len(), "how long the code is");
    assert_eq!(rows[rows.len() - 4..], [0; 4], "the end");
}
