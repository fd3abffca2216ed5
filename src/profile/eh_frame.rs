//! Unwind rows: for each instruction, where the caller's frame is, in the format of `.eh_frame`.
//!
//! Owns the rules for each state of a frame, on both machines, for perf and gdb alike. Made from what the code map knows of
//! frames (`Function::frames`, `Function::saved`), by gimli.

use gimli::constants::{DW_EH_PE_absptr, DW_EH_PE_pcrel, DW_EH_PE_sdata4};
use gimli::write::{
    Address, CallFrameInstruction, CommonInformationEntry, EhFrame, EndianVec, FrameDescriptionEntry, FrameTable,
};
use gimli::{DwEhPe, Encoding, Format, LittleEndian, Register};
use std::ops::Range;

use crate::asm::code_map::{Function, Kind, saved_offset};
use crate::asm::disasm::Machine;
use crate::asm::masm::{Frame, SAVED_REGS};

/// The numbers of a machine's registers in DWARF, and how its prologues look.
struct Rules {
    stack: Register,
    frame: Register,
    return_address: Register,
    /// Where the stack pointer of the caller is when a function begins, relative to the present one.
    at_entry: i32,
    saved: [Register; SAVED_REGS],
    /// The register of the context, which `enter` saves besides.
    context: Register,
    /// All code is made of so many bytes.
    code_factor: u8,
    /// Bytes of code from where the frame is linked to where a number of saved registers has been saved.
    saving: fn(u8) -> u32,
    /// Bytes of code with which `enter` saves the context then.
    saving_context: u32,
}

const X64: Rules = Rules {
    stack: Register(7),
    frame: Register(6),
    return_address: Register(16),
    at_entry: 8,
    saved: [Register(3), Register(12), Register(13), Register(14)],
    context: Register(15),
    code_factor: 1,
    // `push rbx` has one byte, the others two.
    saving: |saved| 2 * saved.count_ones() - u32::from(saved & 1),
    saving_context: 2,
};

const ARM64: Rules = Rules {
    stack: Register(31),
    frame: Register(29),
    return_address: Register(30),
    at_entry: 0,
    saved: [Register(19), Register(20), Register(21), Register(22)],
    context: Register(28),
    code_factor: 4,
    // Two words lower sp, then two registers are stored at a time.
    saving: |saved| 8 + 4 * saved.count_ones().div_ceil(2),
    saving_context: 4,
};

fn rules(machine: Machine) -> &'static Rules {
    match machine {
        Machine::X64 => &X64,
        Machine::Arm64 => &ARM64,
    }
}

/// The number of the frame pointer.
pub fn frame_pointer(machine: Machine) -> Register {
    rules(machine).frame
}

/// What all functions of a machine have in common: nothing is saved when they begin.
pub fn common(machine: Machine, addresses: DwEhPe) -> CommonInformationEntry {
    let rules = rules(machine);
    let encoding = Encoding { format: Format::Dwarf32, version: 1, address_size: 8 };
    let mut entry = CommonInformationEntry::new(encoding, rules.code_factor, -8, rules.return_address);
    entry.fde_address_encoding = addresses;
    entry.add_instruction(CallFrameInstruction::Cfa(rules.stack, rules.at_entry));
    if machine == Machine::X64 {
        entry.add_instruction(CallFrameInstruction::Offset(rules.return_address, -8));
    }
    entry
}

/// The rows of a range of a function's code, which begins at an address.
pub fn rows(machine: Machine, function: &Function, range: &Range<u32>, address: Address) -> FrameDescriptionEntry {
    use CallFrameInstruction::*;
    let rules = rules(machine);
    let mut entry = FrameDescriptionEntry::new(address, range.end - range.start);
    let first = function.frame(range.start);
    let inside = function.frames.iter().filter(|change| change.at() > range.start && change.at() < range.end);
    let changes = std::iter::once((range.start, first)).chain(inside.map(|change| (change.at(), change.frame())));
    let mut last = Frame::None;
    for (at, frame) in changes {
        let offset = at - range.start;
        let mut say = |offset, instruction| entry.add_instruction(offset, instruction);
        if frame == last {
            continue;
        }
        if frame == Frame::None {
            say(offset, Cfa(rules.stack, rules.at_entry));
            say(offset, Restore(rules.frame));
            if machine == Machine::Arm64 {
                say(offset, Restore(rules.return_address));
            }
            for register in saved(rules, function) {
                say(offset, Restore(register.0));
            }
        } else {
            if last == Frame::None {
                say(offset, CfaOffset(16));
                say(offset, Offset(rules.frame, -16));
                if machine == Machine::Arm64 {
                    say(offset, Offset(rules.return_address, -8));
                }
            }
            if frame == Frame::Linked {
                say(offset, Cfa(rules.frame, 16));
                // Saved behind a prologue; what follows a way out finds them saved.
                let later = if last == Frame::Pushed { (rules.saving)(function.saved) } else { 0 };
                for (register, place) in saved(rules, function) {
                    let context = if later > 0 && register == rules.context { rules.saving_context } else { 0 };
                    say((offset + later + context).min(range.end - range.start - 1), Offset(register, place - 16));
                }
                // Where an exception lands: the registers are that function's already, and nobody unwinds through it.
                if function.kind == Kind::Stub && function.name == "land" {
                    let registers = rules.saved.iter().chain([&rules.context]);
                    registers.for_each(|register| say(offset, Undefined(*register)));
                }
            }
        }
        last = frame;
    }
    entry
}

/// The registers that a function saves, with their distances from the frame pointer.
fn saved(rules: &Rules, function: &Function) -> Vec<(Register, i32)> {
    let places = (0..SAVED_REGS).map(|index| saved_offset(function.saved, index));
    let mut saved: Vec<(Register, i32)> =
        rules.saved.into_iter().zip(places).filter_map(|(register, place)| Some((register, place?))).collect();
    // The frame of `enter`, which `propagate` leaves, has the context of its Rust caller behind them.
    if function.kind == Kind::Stub && matches!(&*function.name, "enter" | "propagate") {
        saved.push((rules.context, -8 * (SAVED_REGS as i32 + 1)));
    }
    saved
}

/// The rows of whole functions at their addresses.
pub fn table(machine: Machine, functions: &[Function]) -> FrameTable {
    let mut table = FrameTable::default();
    let cie = table.add_cie(common(machine, DW_EH_PE_absptr));
    for function in functions {
        table.add_fde(cie, rows(machine, function, &(0..function.size), Address::Constant(function.start as u64)));
    }
    table
}

/// `.eh_frame` and `.eh_frame_hdr` of a range of a function, as the jitdump wants them: the one behind the other, for code that
/// stands before them, filled up to a multiple of eight. With them the length of the second.
pub fn sections(machine: Machine, function: &Function, range: &Range<u32>) -> Option<(Vec<u8>, usize)> {
    let code = (range.end - range.start).next_multiple_of(8);
    let mut table = FrameTable::default();
    let cie = table.add_cie(common(machine, DW_EH_PE_pcrel | DW_EH_PE_sdata4));
    let start = Address::Constant(u64::from(code).wrapping_neg());
    table.add_fde(cie, rows(machine, function, range, start));
    let mut section = EhFrame(EndianVec::new(LittleEndian));
    table.write_eh_frame(&mut section).ok()?;
    let mut bytes = section.0.into_vec();
    // The entry begins behind the common one, whose length stands at its start.
    let entry = 4 + u32::from_le_bytes(bytes.first_chunk().copied()?);
    bytes.extend([0; 4]);
    let header = bytes.len() as u32;
    // Version; how the pointer to .eh_frame, the count and the table are encoded; then these, relative to here.
    bytes.extend([1, 0x1B, 0x03, 0x3B]);
    let behind = |distance: u32| distance.wrapping_neg().to_le_bytes();
    bytes.extend(behind(header + 4));
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(behind(code + header));
    bytes.extend(behind(header - entry));
    Some((bytes, 20))
}
