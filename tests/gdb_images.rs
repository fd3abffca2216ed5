//! The images in memory that `--gdb` makes for debuggers, read back: sections, symbols, functions, lines and unwind rows are those
//! of the code that was published; on both machines, whose code is generated whatever the host is.

#[path = "common/fake_link.rs"]
mod fake_link;
#[path = "common/machine.rs"]
mod machine;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use fake_link::{FakeLink, Target};
use gimli::{
    BaseAddresses, CfaRule, EndianSlice, LittleEndian, Operation, Register, RegisterRule, UnwindContext, UnwindSection,
};
use harrier::asm::arm64::Arm64;
use harrier::asm::code_map::{Function, Part};
use harrier::asm::disasm::Machine;
use harrier::asm::lines::Lines;
use harrier::asm::masm::Frame;
use harrier::asm::variables::{Home, Variable};
use harrier::asm::x64::X64;
use harrier::codegen::generate;
use harrier::gc::{self, Thread};
use harrier::profile::debug_info::{Text, Texts, image, other_name, text_image};
use harrier::profile::debug_lines::{self, Known, OwnLines};
use harrier::profile::gdb::{__jit_debug_descriptor, Gdb};
use harrier::reader::tree::{FunctionId, Source, Unit};
use harrier::runtime::load;
use harrier::runtime::program::declare;
use machine::with_machine;

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

/// A section of an ELF file.
struct Section<'a> {
    data: &'a [u8],
}

/// An ELF file of 64 bits, little-endian.
struct Elf<'a> {
    machine: u64,
    /// Address and size of each section of code; they come first.
    code: Vec<(&'a str, u64, u64)>,
    sections: BTreeMap<&'a str, Section<'a>>,
}

fn number(bytes: &[u8], at: usize, size: usize) -> u64 {
    bytes[at..at + size].iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte))
}

fn text(bytes: &[u8], at: u64) -> &str {
    let bytes = &bytes[at as usize..];
    let end = bytes.iter().position(|byte| *byte == 0).expect("names end");
    std::str::from_utf8(&bytes[..end]).expect("names are UTF-8")
}

fn elf(file: &[u8]) -> Elf<'_> {
    assert_eq!(file[..7], [0x7F, b'E', b'L', b'F', 2, 1, 1], "64 bits, little-endian, version 1");
    assert_eq!(number(file, 16, 2), 1, "a relocatable file");
    let (table, count, names) =
        (number(file, 40, 8) as usize, number(file, 60, 2) as usize, number(file, 62, 2) as usize);
    assert_eq!((number(file, 58, 2), table + 64 * count), (64, file.len()), "the headers of sections are its end");
    let header = |index: usize| &file[table + 64 * index..][..64];
    let data = |header: &[u8]| {
        let empty = number(header, 4, 4) == 8;
        &file[number(header, 24, 8) as usize..][..if empty { 0 } else { number(header, 32, 8) as usize }]
    };
    let (mut sections, mut code) = (BTreeMap::new(), Vec::new());
    for (index, header) in (1..count).map(|index| (index, header(index))) {
        let name = text(data(self::header(file, table, names)), number(header, 0, 4));
        let (kind, address, size) = (number(header, 4, 4), number(header, 16, 8), number(header, 32, 8));
        // Code has no bytes of its own.
        if kind == 8 {
            code.push((name, address, size));
            assert!(code.len() == index && [".text", ".plt"].contains(&name), "{name}");
            continue;
        }
        assert!(sections.insert(name, Section { data: data(header) }).is_none(), "{name} twice");
    }
    Elf { machine: number(file, 18, 2), code, sections }
}

fn header(file: &[u8], table: usize, index: usize) -> &[u8] {
    &file[table + 64 * index..][..64]
}

impl<'a> Elf<'a> {
    /// The range of the sections of code, which stand one behind the other.
    fn code(&self) -> Range<u64> {
        let (_, start, _) = self.code[0];
        let end = self.code.iter().fold(start, |end, (name, address, size)| {
            assert_eq!(*address, end, "{name}");
            end + size
        });
        start..end
    }

    fn dwarf(&self) -> gimli::Dwarf<Bytes<'a>> {
        let load = |id: gimli::SectionId| -> gimli::Result<Bytes<'a>> {
            Ok(EndianSlice::new(self.sections.get(id.name()).map_or(&[][..], |section| section.data), LittleEndian))
        };
        gimli::Dwarf::load(load).expect("sections")
    }

    /// Rows of the line table: address, file, line; line 0 where a sequence ends.
    fn lines(&self) -> Vec<(u64, String, u32)> {
        let dwarf = self.dwarf();
        let header = dwarf.units().next().expect("readable").expect("a unit");
        let unit = dwarf.unit(header).expect("a unit");
        let Some(program) = unit.line_program.clone() else { return Vec::new() };
        let mut rows = program.rows();
        let mut found = Vec::new();
        while let Some((header, row)) = rows.next_row().expect("a row") {
            let line = if row.end_sequence() { 0 } else { row.line().map_or(0, |line| line.get() as u32) };
            let file = row.file(header).expect("a file").path_name();
            let file = dwarf.attr_string(&unit, file).expect("a name").to_string_lossy().into_owned();
            found.push((row.address(), file, line));
        }
        found
    }

    /// The addresses of labels.
    fn labels(&self) -> Vec<u64> {
        let dwarf = self.dwarf();
        let header = dwarf.units().next().expect("readable").expect("a unit");
        let unit = dwarf.unit(header).expect("a unit");
        let mut entries = unit.entries();
        let mut found = Vec::new();
        while let Some(entry) = entries.next_dfs().expect("an entry") {
            if entry.tag() == gimli::DW_TAG_label
                && let Some(gimli::AttributeValue::Addr(at)) = entry.attr_value(gimli::DW_AT_low_pc)
            {
                found.push(at);
            }
        }
        found
    }

    /// Names and ranges of the functions in the debug information.
    fn functions(&self) -> Vec<(String, u64, u64)> {
        let dwarf = self.dwarf();
        let header = dwarf.units().next().expect("readable").expect("a unit");
        let unit = dwarf.unit(header).expect("a unit");
        let mut entries = unit.entries();
        let mut found = Vec::new();
        while let Some(entry) = entries.next_dfs().expect("an entry") {
            if entry.tag() != gimli::DW_TAG_subprogram || entry.attr_value(gimli::DW_AT_inline).is_some() {
                continue;
            }
            let name = dwarf.attr_string(&unit, entry.attr_value(gimli::DW_AT_name).expect("a name")).expect("a text");
            let Some(gimli::AttributeValue::Addr(start)) = entry.attr_value(gimli::DW_AT_low_pc) else {
                panic!("no start")
            };
            let size = entry.attr_value(gimli::DW_AT_high_pc).and_then(|size| size.udata_value()).expect("a size");
            found.push((name.to_string_lossy().into_owned(), start, size));
        }
        found
    }
}

/// A variable in the debug information.
#[derive(Debug, PartialEq)]
struct Told {
    name: String,
    line: u64,
    parameter: bool,
    /// From where to where it is where.
    places: Vec<(u64, u64, String)>,
    /// The code of the block that it stands in, if that is not the function.
    block: Option<Vec<Range<u64>>>,
}

impl Elf<'_> {
    /// The variables of each function, by its start.
    fn variables(&self) -> BTreeMap<u64, Vec<Told>> {
        let dwarf = self.dwarf();
        let header = dwarf.units().next().expect("readable").expect("a unit");
        let unit = dwarf.unit(header).expect("a unit");
        let mut found: BTreeMap<u64, Vec<Told>> = BTreeMap::new();
        let mut entries = unit.entries();
        let mut function = 0;
        // Blocks around, with their depths; none of a function in place.
        let mut blocks: Vec<(isize, Option<Vec<Range<u64>>>)> = Vec::new();
        while let Some(entry) = entries.next_dfs().expect("an entry") {
            while blocks.pop_if(|(depth, _)| *depth >= entry.depth()).is_some() {}
            match entry.tag() {
                // What is in place elsewhere is told of once, behind the functions.
                gimli::DW_TAG_subprogram if entry.attr_value(gimli::DW_AT_inline).is_some() => function = u64::MAX,
                gimli::DW_TAG_subprogram => {
                    let Some(gimli::AttributeValue::Addr(start)) = entry.attr_value(gimli::DW_AT_low_pc) else {
                        panic!("no start")
                    };
                    function = start;
                }
                gimli::DW_TAG_lexical_block => {
                    let mut ranges = dwarf.die_ranges(&unit, entry).expect("ranges");
                    let mut own = Vec::new();
                    while let Some(range) = ranges.next().expect("a range") {
                        own.push(range.begin..range.end);
                    }
                    blocks.push((entry.depth(), Some(own)));
                }
                gimli::DW_TAG_inlined_subroutine => blocks.push((entry.depth(), None)),
                tag @ (gimli::DW_TAG_variable | gimli::DW_TAG_formal_parameter) => {
                    let origin = match entry.attr_value(gimli::DW_AT_abstract_origin) {
                        Some(gimli::AttributeValue::UnitRef(at)) => Some(unit.entry(at).expect("an entry")),
                        _ => None,
                    };
                    let about = origin.as_ref().unwrap_or(entry);
                    let name = about.attr_value(gimli::DW_AT_name).expect("a name");
                    let name = dwarf.attr_string(&unit, name).expect("a text").to_string_lossy().into_owned();
                    let line = about.attr_value(gimli::DW_AT_decl_line).and_then(|l| l.udata_value()).expect("a line");
                    let mut places = Vec::new();
                    if let Some(list) = entry.attr_value(gimli::DW_AT_location) {
                        let mut list = dwarf.attr_locations(&unit, list).expect("a list").expect("a list");
                        while let Some(place) = list.next().expect("a place") {
                            let text = operations(place.data, unit.encoding());
                            places.push((place.range.begin, place.range.end, text));
                        }
                    }
                    let block = blocks.last().and_then(|(_, ranges)| ranges.clone());
                    let parameter = tag == gimli::DW_TAG_formal_parameter;
                    found.entry(function).or_default().push(Told { name, line, parameter, places, block });
                }
                _ => {}
            }
        }
        found
    }
}

/// A location as text.
fn operations(expression: gimli::Expression<Bytes<'_>>, encoding: gimli::Encoding) -> String {
    let mut operations = expression.operations(encoding);
    let mut texts = Vec::new();
    while let Some(operation) = operations.next().expect("an operation") {
        texts.push(match operation {
            Operation::Register { register } => format!("register {}", register.0),
            Operation::RegisterOffset { register, offset, .. } => format!("at {}{offset:+}", register.0),
            Operation::Piece { size_in_bits, bit_offset: None } => format!("{size_in_bits} bits"),
            Operation::Deref { .. } => "deref".into(),
            Operation::SignedConstant { value } => format!("{value}"),
            Operation::UnsignedConstant { value } => format!("{value}"),
            Operation::Plus => "plus".into(),
            Operation::StackValue => "is the value".into(),
            Operation::ImplicitValue { data } => format!("bytes {:x?}", data.slice()),
            Operation::Address { address } => format!("at {address:#x}"),
            other => panic!("nobody writes {other:?}"),
        });
    }
    texts.join(", ")
}

/// Where a variable is, as the rules of the machines for DWARF number registers: a word, and behind it a raw float, one of which
/// it has.
fn wanted_place(machine: Machine, function: &Function, home: Home, boxed: bool) -> String {
    const NUMBERED: [&str; 8] = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"];
    const IN_DWARF: [&str; 8] = ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp"];
    let (frame, floats) = match machine {
        Machine::X64 => (6, 17),
        Machine::Arm64 => (29, 64),
    };
    let general = |number: u8| match NUMBERED.get(usize::from(number)) {
        Some(name) if machine == Machine::X64 => IN_DWARF.iter().position(|other| other == name).expect("a number"),
        _ => usize::from(number),
    };
    let slot = |slot| format!("at {frame}{:+}", function.slot_offset(slot));
    let inside = if boxed { ", deref, 7, plus" } else { "" };
    match home {
        Home::Nowhere => panic!("nothing is told of what is nowhere"),
        Home::Reg(number) if boxed => format!("at {}+7, 64 bits, 64 bits", general(number)),
        Home::Reg(number) => format!("register {}, 64 bits, 64 bits", general(number)),
        Home::Float(number) => format!("64 bits, register {}, 64 bits", floats + u32::from(number)),
        Home::Slot(number) => format!("{}{inside}, 64 bits, 64 bits", slot(number)),
        Home::FloatSlot(number) => format!("64 bits, {}, 64 bits", slot(number)),
        Home::Word(word) => format!("{word}, is the value, 64 bits, 64 bits"),
        Home::FloatBits(bits) => format!("64 bits, bytes {:x?}, 64 bits", bits.to_le_bytes()),
        Home::Cell(address) => format!("at {address:#x}{inside}, 64 bits, 64 bits"),
    }
}

/// The debug information says of each variable what its table says; one whose name is bound several times stands in a block
/// that is the code of its scope. Gives how many there are in blocks.
fn check_variables(machine: Machine, function: &Function, unit: &Unit, told: &[Told]) -> usize {
    let table = function.variables.list();
    let stays = function.variables.stays(function.size);
    let start = function.start as u64;
    let own = || table.iter().filter(|v| v.in_place == 0);
    let several = |v: &Variable| !v.parameter && own().filter(|other| other.name == v.name).count() > 1;
    // What one pattern binds is in the same block.
    let may_be = |v: &Variable| v.in_place == 0 && !v.parameter;
    let in_block = |v: &Variable| may_be(v) && own().any(|other| other.scope == v.scope && several(other));
    let wanted = table.iter().enumerate().filter_map(|(index, variable)| {
        let own = stays.iter().filter(|stay| stay.variable as usize == index);
        let place = |home| wanted_place(machine, function, home, variable.boxed);
        let places: Vec<_> = own.map(|s| (start + u64::from(s.from), start + u64::from(s.to), place(s.home))).collect();
        let (from, to) = variable.scope;
        let block = (in_block(variable) && from < to).then(|| {
            let source = |at| function.lines.at(at).map(|row| function.lines.own_source(row));
            let inside = |at: &u32| source(*at).is_some_and(|source| (from..to).contains(&source));
            let mut ranges: Vec<Range<u64>> = Vec::new();
            for at in (0..function.size).filter(inside).map(|at| start + u64::from(at)) {
                match ranges.last_mut() {
                    Some(last) if last.end == at => last.end = at + 1,
                    _ => ranges.push(at..at + 1),
                }
            }
            ranges
        });
        let is_told = !places.is_empty() || variable.in_place == 0 && variable.parameter || block.is_some();
        let name = unit.names[variable.name as usize].to_string();
        let line = unit.source.line_column(variable.source).0.into();
        is_told.then_some(Told { name, line, parameter: variable.parameter, places, block })
    });
    let mut wanted: Vec<Told> = wanted.collect();
    let in_blocks = wanted.iter().filter(|variable| variable.block.is_some()).count();
    for variable in told {
        let at = wanted.iter().position(|other| other == variable);
        let at = at.unwrap_or_else(|| panic!("{}: {variable:#x?} is not in the table: {wanted:#x?}", function.name));
        wanted.remove(at);
    }
    assert!(wanted.is_empty(), "{}: nothing is told of {wanted:#x?}", function.name);
    in_blocks
}

/// The image says what is known of the functions.
fn check(
    machine: Machine,
    file: &[u8],
    chunk: &Range<usize>,
    functions: &[Function],
    texts: Texts<'_>,
    code: &dyn Fn(&Function) -> Vec<u8>,
) {
    let elf = elf(file);
    assert_eq!(elf.machine, u64::from(machine.elf_number()));
    assert_eq!(elf.code(), chunk.start as u64..chunk.end as u64);
    let known: Vec<_> =
        functions.iter().map(|f| (f.symbol().into_owned(), f.start as u64, u64::from(f.size))).collect();
    let (symbols, names) = (elf.sections[".symtab"].data, elf.sections[".strtab"].data);
    let symbol = |symbol: &[u8]| {
        assert_eq!(symbol[4], 1 << 4 | 2, "a global function");
        let (_, address, size) = elf.code[number(symbol, 6, 2) as usize - 1];
        let start = address + number(symbol, 8, 8);
        assert!(number(symbol, 8, 8) < size, "in its section");
        (text(names, number(symbol, 0, 4)).to_string(), start, number(symbol, 16, 8))
    };
    assert_eq!(symbols.chunks(24).skip(1).map(symbol).collect::<Vec<_>>(), known, "symbols");
    assert_eq!(elf.functions(), known, "functions");
    let lines = elf.lines();
    let mut context = UnwindContext::new();
    let told = elf.variables();
    for function in functions {
        let told = told.get(&(function.start as u64)).map_or(&[][..], Vec::as_slice);
        match texts(function).filter(|_| function.variables.is_kept()) {
            Some(text) => _ = check_variables(machine, function, &text.unit, told),
            None => assert!(told.is_empty(), "{}", function.name),
        }
        let code = code(function);
        check_lines((machine, &code), function, &lines, texts(function).as_ref().map(|text| &*text.unit.source));
        check_rows(machine, function, elf.sections[".eh_frame"].data, &code, &mut context);
        let onward: Vec<u64> = elf.code.iter().filter(|code| code.0 == ".plt").map(|code| code.1).collect();
        let own = !function.onward.is_empty();
        assert_eq!(own, onward.contains(&(function.start as u64 + u64::from(function.onward.start))));
    }
}

/// At each instruction the line is that of its row; it may be that of the call before it. What goes on to a function has a line that
/// is none.
fn check_lines(
    (machine, code): (Machine, &[u8]),
    function: &Function,
    lines: &[(u64, String, u32)],
    source: Option<&Source>,
) {
    let range = function.start as u64..function.range().end as u64;
    let own: Vec<_> = lines.iter().filter(|row| range.contains(&row.0)).collect();
    let Some(source) = source else {
        let lines: Vec<_> = own.iter().filter(|row| row.2 > 0).map(|row| (&*row.1, row.2)).collect();
        assert!(lines.iter().all(|line| *line == ("harrier", 1)), "{}: {lines:?}", function.name);
        return assert_eq!(lines.is_empty(), function.onward.is_empty(), "{}", function.name);
    };
    let line_at = |offset| function.lines.at(offset).map(|row| source.line_column(row.source).0);
    let behind_call = |offset: u32| {
        let call = (offset.saturating_sub(14)..=offset).rfind(|at| function.safepoints.find(*at).is_some())?;
        let instruction = machine.first_instruction(&code[call as usize..])?;
        (offset < call + instruction).then_some(call)
    };
    for offset in 0..function.size {
        let at = function.start as u64 + u64::from(offset);
        let wanted = line_at(offset);
        let found = own.iter().rfind(|row| row.0 <= at && row.2 > 0);
        let line = found.map(|row| row.2);
        let of_call = || behind_call(offset).is_some_and(|call| line == line_at(call - 1));
        assert!(line == wanted || of_call(), "{}+{offset:#x}: {line:?}, not {wanted:?}", function.name);
        assert!(found.is_none_or(|row| row.1 == source.name || row.1 == other_name(&source.name)), "{found:?}");
    }
    let ended = lines.iter().any(|row| row.0 == range.end && row.2 == 0);
    assert!(own.is_empty() || ended, "the lines of {} have an end", function.name);
}

/// At each instruction the unwind row is what the frame's state asks for.
fn check_rows(machine: Machine, function: &Function, section: &[u8], code: &[u8], context: &mut UnwindContext<usize>) {
    let saved_from = saved_from(machine, function, code);
    let (stack, frame, at_entry, saved) = match machine {
        Machine::X64 => (7, 6, 8, [3, 12, 13, 14]),
        Machine::Arm64 => (31, 29, 0, [19, 20, 21, 22]),
    };
    let section = gimli::EhFrame::new(section, LittleEndian);
    let step = if machine == Machine::X64 { 1 } else { 4 };
    for offset in (0..function.size).step_by(step) {
        let (bases, from) = (BaseAddresses::default(), gimli::EhFrame::cie_from_offset);
        let at = function.start as u64 + u64::from(offset);
        let row = section.unwind_info_for_address(&bases, context, at, from).expect("a row");
        let CfaRule::RegisterAndOffset { register, offset: base } = row.cfa() else { panic!("another rule") };
        let place = |register: u16| match row.register(Register(register)) {
            Some(RegisterRule::Offset(place)) => Some(place),
            _ => None,
        };
        let state = function.frame(offset);
        let wanted = match state {
            Frame::None => (stack, at_entry, None),
            Frame::Pushed => (stack, 16, Some(-16)),
            Frame::Linked => (frame, 16, Some(-16)),
        };
        let name = format!("{}+{offset:#x} {state:?}", function.symbol());
        assert_eq!((register.0, *base, place(frame)), wanted, "{name}");
        let back = if machine == Machine::X64 { Some(-8) } else { wanted.2.map(|_| -8) };
        assert_eq!(place(if machine == Machine::X64 { 16 } else { 30 }), back, "{name}");
        for (index, register) in saved.into_iter().enumerate() {
            let home = function.saved_offset(index).map(|home| i64::from(home) - 16);
            let is_saved = state == Frame::Linked && offset >= saved_from;
            assert_eq!(place(register), home.filter(|_| is_saved), "{name}: register {register}");
        }
    }
}

/// Where the prologue has saved all registers: its instructions are looked at from where the frame is linked.
fn saved_from(machine: Machine, function: &Function, code: &[u8]) -> u32 {
    let Some(linked) = (0..function.size).find(|at| function.frame(*at) == Frame::Linked) else { return 0 };
    let mut at = linked as usize;
    let mut left = function.saved.count_ones();
    while left > 0 && linked > 0 {
        match machine {
            // `push` of a register, of the lower or the upper eight.
            Machine::X64 => {
                let bytes = if code[at] == 0x41 { 2 } else { 1 };
                assert_eq!(code[at + bytes - 1] & 0xF8, 0x50, "{}+{at:#x}", function.name);
                (at, left) = (at + bytes, left - 1);
            }
            // `stp` and `stur` below x29, behind what lowers sp.
            Machine::Arm64 => {
                let word = number(code, at, 4) as u32;
                let below = word >> 5 & 31 == 29;
                let stored = match word {
                    _ if below && word & 0xFFC0_0000 == 0xA900_0000 => 2,
                    _ if below && word & 0xFFE0_0C00 == 0xF800_0000 => 1,
                    _ => 0,
                };
                (at, left) = (at + 4, left - stored);
            }
        }
    }
    at as u32
}

/// Functions of a text as the generator writes them for a machine, one behind the other; with their code.
fn generated<M: Target>(name: &str, start: usize) -> (Vec<Function>, BTreeMap<usize, Vec<u8>>, Arc<Unit>) {
    let path = format!("{}/tests/disasm/{name}", env!("CARGO_MANIFEST_DIR"));
    let unit = fake_link::read(name, &std::fs::read_to_string(path).expect("a program"));
    let (mut functions, mut codes, mut at) = (Vec::new(), BTreeMap::new(), start);
    for (index, function) in unit.functions.iter().enumerate() {
        for arity in 0..function.arities.len() {
            let mut link = FakeLink::new(&unit);
            let made = generate::<M>(&mut link, &unit, FunctionId(index as u32), arity, &[]).expect("code");
            functions.push(Function {
                name: format!("{name}/{index}/{arity}").into(),
                start: at,
                size: made.code.code.len() as u32,
                saved: made.saved,
                frames: made.code.frames.into(),
                lines: Lines::new(&made.lines, &made.inlined),
                variables: made.variables,
                parts: made.parts.into(),
                ..Function::default()
            });
            codes.insert(at, made.code.code);
            at = functions.last().map_or(at, |function| function.range().end).next_multiple_of(16);
        }
    }
    (functions, codes, Arc::new(unit))
}

fn text_of(unit: &Arc<Unit>) -> Text {
    Text { unit: unit.clone(), namespace: "places", function: FunctionId(0), lines: None, code: Vec::new() }
}

fn images_of<M: Target>() {
    let mut saving = 0;
    for name in
        ["loops.hr", "exceptions.hr", "closures.hr", "fields.hr", "tail.hr", "fib.hr", "matching.hr", "inline.hr"]
    {
        let (functions, codes, unit) = generated::<M>(name, 0x7100_0000);
        let chunk = 0x7100_0000..functions.last().expect("functions").range().end.next_multiple_of(4096);
        let texts = |_: &Function| Some(text_of(&unit));
        let image = image(M::MACHINE, &chunk, &functions, "/folder", &texts).expect("an image");
        check(M::MACHINE, &image, &chunk, &functions, &texts, &|function| codes[&function.start].clone());
        saving += functions.iter().filter(|function| function.saved != 0).count();
    }
    assert!(saving >= 4, "hardly any function saves registers: {saving}");
}

fn names_in_blocks<M: Target>() {
    let (functions, _, unit) = generated::<M>("../gdb/shadows.hr", 0x7100_0000);
    let chunk = 0x7100_0000..functions.last().expect("functions").range().end.next_multiple_of(4096);
    let image = image(M::MACHINE, &chunk, &functions, "/folder", &|_| Some(text_of(&unit))).expect("an image");
    let told = elf(&image).variables();
    let in_blocks = functions.iter().map(|f| {
        let told = told.get(&(f.start as u64)).map_or(&[][..], Vec::as_slice);
        check_variables(M::MACHINE, f, &unit, told)
    });
    // Three of the name y, and of x three besides the parameter.
    assert_eq!(in_blocks.sum::<usize>(), 6);
}

#[test]
fn names_that_are_bound_again_are_in_blocks() {
    names_in_blocks::<X64>();
    names_in_blocks::<Arm64>();
}

/// A general version is a block of its own, in which each of its lines begins.
fn versions_in_blocks<M: Target>() {
    let (functions, _, unit) = generated::<M>("../gdb/twins.hr", 0x7100_0000);
    let chunk = 0x7100_0000..functions.last().expect("functions").range().end.next_multiple_of(4096);
    let image = image(M::MACHINE, &chunk, &functions, "/folder", &|_| Some(text_of(&unit))).expect("an image");
    let elf = elf(&image);
    let (rows, labels) = (elf.lines(), elf.labels());
    let mut versions = 0;
    for function in &functions {
        let general = function.parts().filter(|(_, part)| *part == Part::General);
        let ranges: Vec<_> = general
            .map(|(r, _)| function.start as u64 + u64::from(r.start)..function.start as u64 + u64::from(r.end))
            .collect();
        let Some(first) = ranges.first() else { continue };
        versions += 1;
        assert!(labels.contains(&first.start), "{}: {first:x?} of {labels:x?}", function.name);
        for range in &ranges {
            let line = function.lines.at((range.start - function.start as u64) as u32).expect("a row").source;
            let line = unit.source.line_column(line).0;
            assert!(rows.iter().any(|row| row.0 == range.start && row.2 == line), "{}: {range:x?}", function.name);
        }
    }
    assert!(versions >= 2, "{versions}");
}

#[test]
fn general_versions_are_in_blocks() {
    versions_in_blocks::<X64>();
    versions_in_blocks::<Arm64>();
}

#[test]
fn lines_without_code_stand_at_the_next() {
    let (functions, _, unit) = generated::<X64>("../gdb/twins.hr", 0x7100_0000);
    let function = functions.iter().find(|f| {
        f.lines.rows().next().is_some_and(|row| unit.source.line_column(row.source).0 == 2)
            && f.lines.rows().any(|row| unit.source.line_column(row.source).0 == 4)
    });
    let function = function.expect("is-prime?");
    let id = (0..).find(|id| {
        unit.source.line_column(unit.function(FunctionId(*id)).span.start).0 == 2 && FunctionId(*id) != unit.init
    });
    let own = OwnLines::of(&unit);
    let own = Some((&own, FunctionId(id.expect("a function"))));
    let lines = debug_lines::lines(function, &unit.source, &Known { own, code: &[], machine: Machine::X64 });
    let at = |line| lines.iter().find(|row| row.line == line && row.code > 0).map(|row| row.code);
    assert!(at(3).is_some() && at(3) == at(4), "{lines:?}");
    // The true line of an address comes last.
    let rows: Vec<u32> = lines.iter().filter(|row| Some(row.code) == at(3)).map(|row| row.line).collect();
    assert_eq!(rows, [3, 4]);
    assert!(lines.iter().all(|row| row.line >= 2 && row.line <= 8), "{lines:?}");
}

#[test]
fn images_for_x64() {
    images_of::<X64>();
}

#[test]
fn images_for_arm64() {
    images_of::<Arm64>();
}

#[test]
fn each_line_of_a_text_has_an_address() {
    let unit = fake_link::read("f.hr", "let a = 1\n\nlet b = 2\n");
    for machine in [Machine::X64, Machine::Arm64] {
        let image = text_image(machine, &(0x5000..0x5003), &unit, &[1, 3], "/folder").expect("an image");
        let row = |at, line| (at, "f.hr".to_string(), line);
        assert_eq!(elf(&image).lines(), [row(0x5001, 1), row(0x5002, 3), row(0x5003, 0)]);
    }
}

/// The images in the list that debuggers read.
fn told() -> Vec<Vec<u8>> {
    let mut images = Vec::new();
    // SAFETY: nobody publishes now; the list is as gdb's interface has it: version and action, the entry of the last event, the
    // first entry; an entry is the next, the one before, an image and its size.
    unsafe {
        let list = (&raw const __jit_debug_descriptor).cast::<usize>();
        assert_eq!(*list as u32, 1, "the version");
        let mut entry = *list.add(2) as *const usize;
        while !entry.is_null() {
            images.push(std::slice::from_raw_parts(*entry.add(2) as *const u8, *entry.add(3)).to_vec());
            entry = *entry as *const usize;
        }
    }
    images
}

#[test]
fn the_list_is_what_is_published() {
    with_machine(gc::Options::default(), |cx| {
        let vm = cx.vm();
        vm.publisher.observe(Box::new(Gdb::new(vm)));
        let namespace = declare::namespace(cx, "user").expect("a namespace");
        let say = |cx: &mut Thread, name: &str, text: &str| {
            let mark = cx.mark();
            load::evaluate(cx, name, text, namespace).unwrap_or_else(|e| panic!("{text}: {e:?}"));
            cx.release(mark);
        };
        say(cx, "images.hr", "fn fib(n) {\n  if n < 2 { n }\n  else { fib(n - 1) + fib(n - 2) }\n}\nfib(5)");
        for i in 0..200 {
            say(
                cx,
                "<test>",
                // Each is defined ten times: what is defined anew is freed.
                &format!(
                    "fn f{0}(n) {{\n  let g = fn(x) {{ [x, n, {i}] }}\n  apply(g, [1.5 + {i}])\n}}\nf{0}({i})",
                    i % 20
                ),
            );
        }
        cx.vm().reclaim.search(cx);
        let images = told();
        let by_start: BTreeMap<u64, &Vec<u8>> = images.iter().map(|image| (elf(image).code().start, image)).collect();
        assert_eq!(by_start.len(), images.len(), "each chunk stands in the list once");
        let texts = |function: &Function| {
            let (linked, function) = vm.sources.get(function.source)?;
            let (unit, namespace) = (linked.unit.clone(), linked.namespace.name);
            Some(Text { unit, namespace, function, lines: None, code: Vec::new() })
        };
        // SAFETY: published code can be read, and nothing is freed now.
        let code = |function: &Function| unsafe {
            std::slice::from_raw_parts(function.start as *const u8, function.size as usize).to_vec()
        };
        let mut bodies = 0;
        let view = vm.code_map.view();
        for (chunk, functions) in view.chunks() {
            let image = by_start.get(&(chunk.start as u64)).unwrap_or_else(|| panic!("no image of {chunk:x?}"));
            check(Machine::HOST, image, chunk, functions, &texts, &code);
            bodies += functions.iter().filter(|function| function.source != 0).count();
        }
        assert!(bodies > 20, "{bodies}");
        // What is freed is not in the list: all other images are of texts, whose lines have no code there.
        let chunks = view.chunks().count();
        let texts: Vec<_> = images.iter().filter(|image| !elf(image).sections.contains_key(".symtab")).collect();
        assert_eq!(images.len(), chunks + texts.len());
        let lines = texts
            .iter()
            .map(|image| elf(image).lines())
            .find(|rows| rows.first().is_some_and(|row| row.1 == "images.hr"))
            .expect("the text");
        assert_eq!(lines.iter().map(|row| row.2).collect::<Vec<_>>(), [1, 2, 3, 5, 0]);
    });
}
