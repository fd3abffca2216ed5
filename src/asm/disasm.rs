//! Listings of machine code.
//!
//! Owns the form of a listing: labels for places that branches lead to, symbolic names for what is outside, comments of the
//! generator before the instructions they speak of. The instructions themselves are written by `x64/disasm.rs` and
//! `arm64/disasm.rs`. Nothing in a listing depends on where the code happens to lie, so that listings can be compared: what has
//! no name shows as its offset when it is inside, and as `?` when it is not.

use super::code_map::slot_offset;
use super::variables::{Change, Home, Row, Variables};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Names of addresses.
pub type Names<'a> = &'a dyn Fn(u64) -> Option<String>;

/// The name of what has none.
pub const UNKNOWN: &str = "?";

/// Whose code it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Machine {
    /// x86-64
    X64,
    /// ARM64
    Arm64,
}

impl Machine {
    /// The machine that this process runs on.
    pub const HOST: Machine = if cfg!(target_arch = "aarch64") { Machine::Arm64 } else { Machine::X64 };

    /// The number of the machine in the header of object files (`e_machine` of ELF).
    pub const fn elf_number(self) -> u16 {
        match self {
            Machine::X64 => 62,
            Machine::Arm64 => 183,
        }
    }

    /// The bytes of the first instruction of some code, unless it goes elsewhere.
    pub fn first_instruction(self, code: &[u8]) -> Option<u32> {
        match self {
            Machine::X64 => super::x64::disasm::first(code),
            Machine::Arm64 => super::arm64::disasm::first(code),
        }
    }

    /// Where a variable is, in the words of a listing; `saved` are the registers that its function saves.
    fn home(self, home: Home, saved: u8) -> String {
        let slot = |slot| match self {
            Machine::X64 => format!("[rbp-{:#x}]", -slot_offset(saved, slot)),
            Machine::Arm64 => format!("[x29, #-{:#x}]", -slot_offset(saved, slot)),
        };
        match home {
            Home::Nowhere => "no longer kept".into(),
            Home::Reg(number) => match self {
                Machine::X64 => super::x64::disasm::register(number).into(),
                Machine::Arm64 => format!("x{number}"),
            },
            Home::Float(number) => match self {
                Machine::X64 => format!("xmm{number} (raw)"),
                Machine::Arm64 => format!("d{number} (raw)"),
            },
            Home::Slot(number) => slot(number),
            Home::FloatSlot(number) => format!("{} (raw)", slot(number)),
            Home::Word(word) => format!("{word:#x}"),
            Home::FloatBits(bits) => f64::from_bits(bits).to_string(),
            Home::Cell(_) => "a cell".into(),
        }
    }
}

/// Comments that say where variables are, each from its offset on: what changes there, or, where nothing was told before, of all.
pub fn variables(machine: Machine, table: &Variables, saved: u8, name: &dyn Fn(u32) -> String) -> Vec<(u32, String)> {
    let all = table.list();
    let mut homes = vec![Home::Nowhere; all.len()];
    let said = |index: usize, home: Home| {
        let boxed = if all[index].boxed && home != Home::Nowhere { " (boxed)" } else { "" };
        let in_place = if all[index].in_place != 0 { " in place" } else { "" };
        format!("{}{in_place}: {}{boxed}", name(all[index].name), machine.home(home, saved))
    };
    let mut known = true;
    let mut comments = Vec::new();
    let rows: Vec<Row> = table.rows().collect();
    for here in rows.chunk_by(|a, b| a.code == b.code) {
        let was_known = known;
        let mut changed = Vec::new();
        for Row { change, .. } in here {
            match *change {
                Change::Unknown => known = false,
                Change::Known => known = true,
                Change::At(variable, home) => {
                    homes[variable as usize] = home;
                    changed.push(variable as usize);
                }
                Change::Moving | Change::Dying(_) => {}
            }
        }
        if known && !was_known {
            changed = (0..all.len()).filter(|index| homes[*index] != Home::Nowhere).collect();
        }
        let texts: Vec<String> = changed.into_iter().map(|index| said(index, homes[index])).collect();
        let text = match known {
            false if was_known => "variables: on their way".to_string(),
            false => continue,
            true if texts.is_empty() => "variables: none".to_string(),
            true => texts.join(", "),
        };
        comments.push((here[0].code, text));
    }
    comments
}

/// What to list.
pub struct Listing<'a> {
    /// Whose code it is.
    pub machine: Machine,
    /// The code.
    pub code: &'a [u8],
    /// Where it lies; anything for code that is not published.
    pub address: u64,
    /// Comments by offset, ascending.
    pub comments: &'a [(u32, String)],
    /// Names of cells, stubs, other functions, Rust functions.
    pub names: Names<'a>,
    /// Whether lines begin with the offset of the instruction.
    pub offsets: bool,
}

impl Listing<'_> {
    /// The text, a line per instruction.
    pub fn text(&self) -> String {
        let end = self.address + self.code.len() as u64;
        let inside = |address: &u64| (self.address..end).contains(address);
        let mut labels: BTreeMap<u64, usize> = BTreeMap::new();
        for target in self.targets() {
            if inside(&target) {
                labels.insert(target, 0);
            }
        }
        for (number, label) in labels.values_mut().enumerate() {
            *label = number + 1;
        }
        let names = |address: u64| match labels.get(&address) {
            Some(number) => Some(format!("L{number}")),
            None if inside(&address) => Some(format!("+{:#x}", address - self.address)),
            None => (self.names)(address).or_else(|| Some(UNKNOWN.into())),
        };
        let mut comments = self.comments.iter().peekable();
        let mut out = String::new();
        for (offset, text) in self.instructions(&names) {
            while let Some((_, comment)) = comments.next_if(|(at, _)| *at <= offset) {
                for line in comment.lines() {
                    let _ = writeln!(out, "  ; {line}");
                }
            }
            if let Some(number) = labels.get(&(self.address + u64::from(offset))) {
                let _ = writeln!(out, "L{number}:");
            }
            if self.offsets {
                let _ = write!(out, "{offset:6x}");
            }
            let _ = writeln!(out, "    {text}");
        }
        for (_, comment) in comments {
            let _ = writeln!(out, "  ; {comment}");
        }
        out
    }

    /// The instructions by offset, with names for what is outside.
    pub fn lines(&self) -> Vec<(u32, String)> {
        let end = self.address + self.code.len() as u64;
        let names = |address: u64| match (self.names)(address) {
            _ if (self.address..end).contains(&address) => Some(format!("+{:#x}", address - self.address)),
            None => Some(format!("{address:#x}")),
            known => known,
        };
        self.instructions(&names)
    }

    fn targets(&self) -> Vec<u64> {
        match self.machine {
            Machine::X64 => super::x64::disasm::targets(self.code, self.address),
            Machine::Arm64 => super::arm64::disasm::targets(self.code, self.address),
        }
    }

    fn instructions(&self, names: Names<'_>) -> Vec<(u32, String)> {
        match self.machine {
            Machine::X64 => super::x64::disasm::instructions(self.code, self.address, names),
            Machine::Arm64 => super::arm64::disasm::instructions(self.code, self.address, names),
        }
    }
}

/// Lists published code.
///
/// # Safety
///
/// `code` is published and is not freed meanwhile.
pub unsafe fn published(
    code: std::ops::Range<usize>,
    comments: &[(u32, String)],
    names: Names<'_>,
    offsets: bool,
) -> String {
    // SAFETY: published code is readable and never changes; the caller keeps it.
    let bytes = unsafe { std::slice::from_raw_parts(code.start as *const u8, code.len()) };
    Listing { machine: Machine::HOST, code: bytes, address: code.start as u64, comments, names, offsets }.text()
}
