//! A chunk of published code as a debugger wants to have it: an ELF image in memory.
//!
//! Owns the form of the image: symbols, frames (`eh_frame.rs`), lines (`debug_lines.rs`), functions, what stands in them (`blocks.rs`)
//! and variables (`variables.rs`). The code itself is not in it, only where it
//! is. It is a relocatable file whose one section of code has an address, which is what debuggers take from those that compile
//! in memory.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use gimli::write::{Address, AttributeValue, DwarfUnit, EhFrame, EndianVec, FileId, LineProgram, LineString, Sections};
use gimli::{
    DW_AT_comp_dir, DW_AT_decl_file, DW_AT_decl_line, DW_AT_high_pc, DW_AT_language, DW_AT_low_pc, DW_AT_name,
    DW_AT_type,
};
use gimli::{
    DW_AT_producer, DW_LANG_C99, DW_TAG_subprogram, DW_TAG_variable, Encoding, Format, LineEncoding, LittleEndian,
    SectionId,
};

use super::blocks::{Blocks, InPlace};
use super::debug_lines::{self, OwnLines};
use super::eh_frame;
use super::variables::{self, Adder, Placed};
use crate::asm::code_map::Function;
use crate::asm::disasm::Machine;
use crate::reader::tree::{FunctionId, Source, Unit};

/// What a function was compiled from.
pub struct Text {
    /// The text.
    pub unit: Arc<Unit>,
    /// The namespace that it is of.
    pub namespace: &'static str,
    /// The function in it.
    pub function: FunctionId,
    /// The lines of its functions, where breakpoints may be set before there is code.
    pub lines: Option<Arc<OwnLines>>,
    /// The code of the function, where it can be read.
    pub code: Vec<u8>,
}

/// Says it of a function.
pub type Texts<'a> = &'a dyn Fn(&Function) -> Option<Text>;

/// The image of a chunk. `folder` is where the names of files begin.
pub fn image(
    machine: Machine,
    chunk: &Range<usize>,
    functions: &[Function],
    folder: &str,
    texts: Texts<'_>,
) -> gimli::write::Result<Vec<u8>> {
    let mut elf = Elf::new(machine);
    elf.code(chunk, functions);
    elf.symbols(functions);
    let mut frames = EhFrame::from(EndianVec::new(LittleEndian));
    eh_frame::table(machine, functions).write_eh_frame(&mut frames)?;
    // A terminator, as at the end of every `.eh_frame`.
    let mut frames = frames.0.take();
    frames.extend([0; 4]);
    elf.section(".eh_frame", SHT_PROGBITS, SHF_ALLOC, frames);
    elf.debug_sections(unit(machine, chunk, functions, folder, texts))?;
    Ok(elf.finish())
}

/// The image of a text whose functions are compiled when they are called: each of these lines has an address of its own in
/// `range`, where no code is, behind one that has none. Without, a debugger takes the line of a breakpoint for one without code, and
/// stops at the next. All of it is in a function that knows all names, so that conditions can name them before there is code.
pub fn text_image(
    machine: Machine,
    range: &Range<usize>,
    text_of: &Unit,
    lines_of_text: &[u32],
    folder: &str,
) -> gimli::write::Result<Vec<u8>> {
    let mut dwarf = unit(machine, range, &[], folder, &|_| None);
    let text = |text: &str| LineString::String(text.as_bytes().to_vec());
    let name = file_name(&text_of.source);
    let mut lines = LineProgram::new(ENCODING, LineEncoding::default(), text(folder), None, text(&name), None);
    let directory = lines.default_directory();
    let file = lines.add_file(text(&name), directory, None);
    lines.begin_sequence(Some(Address::Constant(range.start as u64)));
    for (at, line) in (1..range.len()).zip(lines_of_text) {
        let row = lines.row();
        (row.address_offset, row.file, row.line) = (at as u64, file, u64::from(*line));
        lines.generate_row();
    }
    lines.end_sequence(range.len() as u64);
    dwarf.unit.line_program = lines;
    let root = dwarf.unit.root();
    let function = dwarf.unit.add(root, DW_TAG_subprogram);
    let type_ = variables::add_type(&mut dwarf);
    let names: BTreeSet<&str> = text_of.names.iter().map(|name| &**name).collect();
    for name in names {
        let variable = dwarf.unit.add(function, DW_TAG_variable);
        let variable = dwarf.unit.get_mut(variable);
        variable.set(DW_AT_name, AttributeValue::String(name.replace('\0', "").into()));
        variable.set(DW_AT_type, AttributeValue::UnitRef(type_));
    }
    let function = dwarf.unit.get_mut(function);
    function.set(DW_AT_name, AttributeValue::String("(not compiled yet)".into()));
    function.set(DW_AT_low_pc, AttributeValue::Address(Address::Constant(range.start as u64)));
    function.set(DW_AT_high_pc, AttributeValue::Udata(range.len() as u64));
    dwarf.unit.get_mut(root).set(DW_AT_name, AttributeValue::String(name.into()));
    let mut elf = Elf::new(machine);
    elf.code(range, &[]);
    elf.debug_sections(dwarf)?;
    Ok(elf.finish())
}

const ENCODING: Encoding = Encoding { format: Format::Dwarf32, version: 4, address_size: 8 };

/// Another name of the same file, for rows that are [`debug_lines::DebugLine::returned_to`].
pub fn other_name(file: &str) -> String {
    let (folder, name) = file.split_at(file.rfind('/').map_or(0, |at| at + 1));
    format!("{folder}./{name}")
}

/// Lines, functions and their variables.
fn unit(machine: Machine, chunk: &Range<usize>, functions: &[Function], folder: &str, texts: Texts<'_>) -> DwarfUnit {
    let mut dwarf = DwarfUnit::new(ENCODING);
    let main = functions.iter().find_map(texts).map_or("harrier".to_string(), |text| file_name(&text.unit.source));
    let text = |text: &str| LineString::String(text.as_bytes().to_vec());
    let mut lines = LineProgram::new(ENCODING, LineEncoding::default(), text(folder), None, text(&main), None);
    let root = dwarf.unit.root();
    let type_ = functions.iter().any(|f| f.variables.is_kept()).then(|| variables::add_type(&mut dwarf));
    let mut in_place = InPlace::default();
    for function in functions {
        let entry = dwarf.unit.add(root, DW_TAG_subprogram);
        let compiled_from = texts(function);
        let file = compiled_from.as_ref().map(|from| {
            let folder = lines.default_directory();
            lines.add_file(text(&file_name(&from.unit.source)), folder, None)
        });
        let from = compiled_from.as_ref().zip(file);
        let first = from.and_then(|(from, file)| rows(&mut lines, machine, function, from, file));
        if !function.onward.is_empty() {
            way(&mut lines, function);
        }
        if let (Some(from), Some(file)) = (&compiled_from, file) {
            let adder = type_.map(|type_| Adder { type_, machine, function, text: &from.unit });
            let placed = Placed::of(function);
            let blocks = match &adder {
                Some(adder) => adder.add(&mut dwarf, entry, &placed),
                None => Blocks::add(&mut dwarf, entry, function, &[]),
            };
            let places = in_place.add(&mut dwarf, &blocks, function, (from, file), type_);
            if let Some(adder) = adder {
                adder.add_in_place(&mut dwarf, &places, &placed);
            }
            blocks.add_general(&mut dwarf, function);
        }
        let name = AttributeValue::String(function.symbol().replace('\0', "").into());
        let entry = dwarf.unit.get_mut(entry);
        entry.set(DW_AT_name, name);
        entry.set(DW_AT_low_pc, AttributeValue::Address(Address::Constant(function.start as u64)));
        entry.set(DW_AT_high_pc, AttributeValue::Udata(u64::from(function.size)));
        if let Some(line) = first {
            entry.set(DW_AT_decl_file, AttributeValue::FileIndex(file));
            entry.set(DW_AT_decl_line, AttributeValue::Udata(line));
        }
    }
    dwarf.unit.line_program = lines;
    let root = dwarf.unit.get_mut(root);
    root.set(DW_AT_producer, AttributeValue::String(concat!("Harrier ", env!("CARGO_PKG_VERSION")).into()));
    root.set(DW_AT_language, AttributeValue::Language(DW_LANG_C99));
    root.set(DW_AT_name, AttributeValue::String(main.into()));
    root.set(DW_AT_comp_dir, AttributeValue::String(folder.into()));
    root.set(DW_AT_low_pc, AttributeValue::Address(Address::Constant(chunk.start as u64)));
    root.set(DW_AT_high_pc, AttributeValue::Udata(chunk.len() as u64));
    dwarf
}

/// Names without a byte that would end them, and never none.
fn file_name(source: &Source) -> String {
    if source.name.is_empty() { "?".into() } else { source.name.replace('\0', "") }
}

/// The lines of a function; gives the first of them.
fn rows(lines: &mut LineProgram, machine: Machine, function: &Function, text: &Text, file: FileId) -> Option<u64> {
    let own = text.lines.as_deref().map(|lines| (lines, text.function));
    let known = debug_lines::Known { own, code: &text.code, machine };
    let rows = debug_lines::lines(function, &text.unit.source, &known);
    let returned_to = rows.iter().any(|row| row.returned_to).then(|| {
        let name = other_name(&file_name(&text.unit.source));
        let folder = lines.default_directory();
        lines.add_file(LineString::String(name.into_bytes()), folder, None)
    });
    lines.begin_sequence(Some(Address::Constant(function.start as u64)));
    for row in &rows {
        let next = lines.row();
        next.address_offset = u64::from(row.code);
        next.file = returned_to.filter(|_| row.returned_to).unwrap_or(file);
        next.line = u64::from(row.line);
        next.column = u64::from(row.column);
        next.is_statement = row.statement;
        next.prologue_end = row.behind_prologue;
        lines.generate_row();
    }
    lines.end_sequence(u64::from(function.size));
    rows.first().map(|row| u64::from(row.line))
}

/// The lines of code that goes on to a function: one up to where it only goes on, and one from there. A debugger that steps into a
/// call then takes the first for what it has to run before it may stop, and it stops at neither, since no statement begins there.
fn way(lines: &mut LineProgram, function: &Function) {
    let folder = lines.default_directory();
    let file = lines.add_file(LineString::String(b"harrier".to_vec()), folder, None);
    lines.begin_sequence(Some(Address::Constant(function.start as u64)));
    let mut starts = vec![0, function.onward.start, function.onward.end];
    starts.dedup();
    for start in starts.into_iter().filter(|start| *start < function.size) {
        let row = lines.row();
        (row.address_offset, row.file, row.line, row.is_statement) = (start.into(), file, 1, false);
        lines.generate_row();
    }
    lines.end_sequence(u64::from(function.size));
}

// ---- ELF ----

const SHT_PROGBITS: u32 = 1;
const SHT_SYMTAB: u32 = 2;
const SHT_STRTAB: u32 = 3;
const SHT_NOBITS: u32 = 8;
const SHF_ALLOC: u64 = 2;
const SHF_EXECINSTR: u64 = 4;
const HEADER_BYTES: usize = 64;
struct Section {
    name: u32,
    kind: u32,
    flags: u64,
    address: u64,
    size: u64,
    data: Vec<u8>,
    link: u32,
    info: u32,
    entry: u64,
}

/// A relocatable file.
struct Elf {
    machine: u16,
    names: Vec<u8>,
    sections: Vec<Section>,
}

impl Elf {
    fn new(machine: Machine) -> Elf {
        Elf { machine: machine.elf_number(), names: vec![0], sections: Vec::new() }
    }

    /// The first sections: those of code. What only goes on to a function is in sections of the name by which debuggers know the
    /// jumps of a linker: they step through them.
    fn code(&mut self, chunk: &Range<usize>, functions: &[Function]) {
        let mut from = chunk.start;
        let onward = functions.iter().filter(|function| !function.onward.is_empty()).map(|function| {
            function.start + function.onward.start as usize..function.start + function.onward.end as usize
        });
        for way in onward.chain(std::iter::once(chunk.end..chunk.end)) {
            for (name, range) in [(".text", from..way.start), (".plt", way.clone())] {
                if !range.is_empty() {
                    self.section(name, SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, Vec::new());
                    if let Some(section) = self.sections.last_mut() {
                        (section.address, section.size) = (range.start as u64, range.len() as u64);
                    }
                }
            }
            from = way.end;
        }
    }

    fn section(&mut self, name: &str, kind: u32, flags: u64, data: Vec<u8>) -> u32 {
        let at = self.names.len() as u32;
        self.names.extend(name.bytes().chain([0]));
        let size = data.len() as u64;
        self.sections.push(Section { name: at, kind, flags, address: 0, size, data, link: 0, info: 0, entry: 0 });
        self.sections.len() as u32
    }

    /// The sections of lines and functions.
    fn debug_sections(&mut self, mut dwarf: DwarfUnit) -> gimli::write::Result<()> {
        let mut sections = Sections::new(EndianVec::new(LittleEndian));
        dwarf.write(&mut sections)?;
        sections.for_each(|id: SectionId, data| {
            if !data.slice().is_empty() {
                self.section(id.name(), SHT_PROGBITS, 0, data.slice().to_vec());
            }
            Ok(())
        })
    }

    /// A symbol for each function, relative to its section of code.
    fn symbols(&mut self, functions: &[Function]) {
        const GLOBAL_FUNCTION: u8 = 1 << 4 | 2;
        let mut names = vec![0];
        let mut symbols = vec![0; 24];
        for function in functions {
            symbols.extend((names.len() as u32).to_le_bytes());
            symbols.extend([GLOBAL_FUNCTION, 0]);
            // Sections of code are ascending, and the first is number 1.
            let start = function.start as u64;
            let section = self.sections.partition_point(|section| section.address <= start);
            let base = section.checked_sub(1).map_or(0, |index| self.sections[index].address);
            symbols.extend((section as u16).to_le_bytes());
            symbols.extend((start - base).to_le_bytes());
            symbols.extend(u64::from(function.size).to_le_bytes());
            names.extend(function.symbol().bytes().filter(|b| *b != 0).chain([0]));
        }
        let strings = self.section(".strtab", SHT_STRTAB, 0, names);
        self.section(".symtab", SHT_SYMTAB, 0, symbols);
        if let Some(table) = self.sections.last_mut() {
            // The one symbol before the global ones is that without a name.
            (table.link, table.info, table.entry) = (strings, 1, 24);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.section(".shstrtab", SHT_STRTAB, 0, Vec::new());
        if let Some(last) = self.sections.last_mut() {
            last.data = std::mem::take(&mut self.names);
            last.size = last.data.len() as u64;
        }
        let mut out = vec![0; HEADER_BYTES];
        let mut headers = vec![0; 64];
        for section in &self.sections {
            out.resize(out.len().next_multiple_of(8), 0);
            for word in [section.name, section.kind] {
                headers.extend(word.to_le_bytes());
            }
            for word in [section.flags, section.address, out.len() as u64, section.size] {
                headers.extend(word.to_le_bytes());
            }
            for word in [section.link, section.info] {
                headers.extend(word.to_le_bytes());
            }
            for word in [8, section.entry] {
                headers.extend(u64::to_le_bytes(word));
            }
            out.extend(&section.data);
        }
        out.resize(out.len().next_multiple_of(8), 0);
        let (headers_at, count) = (out.len() as u64, self.sections.len() as u16 + 1);
        out.extend(headers);
        // 64 bits, little-endian, version 1; a relocatable file.
        out[..8].copy_from_slice(&[0x7F, b'E', b'L', b'F', 2, 1, 1, 0]);
        out[16..18].copy_from_slice(&1u16.to_le_bytes());
        out[18..20].copy_from_slice(&self.machine.to_le_bytes());
        out[20..24].copy_from_slice(&1u32.to_le_bytes());
        out[40..48].copy_from_slice(&headers_at.to_le_bytes());
        for (at, half) in [(52, HEADER_BYTES as u16), (58, 64), (60, count), (62, count - 1)] {
            out[at..at + 2].copy_from_slice(&half.to_le_bytes());
        }
        out
    }
}
