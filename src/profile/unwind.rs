//! How to get from a frame of generated code to its caller, in the words of DWARF.
//!
//! Owns the rules for each state of a frame, on both machines: where the caller's frame pointer, its callee-saved registers and
//! the return address are.

use gimli::write::{Address, CallFrameInstruction, CommonInformationEntry, FrameDescriptionEntry, FrameTable};
use gimli::{DW_EH_PE_absptr, Encoding, Format, Register};

use crate::asm::code_map::{Function, Kind, saved_offset};
use crate::asm::disasm::Machine;
use crate::asm::masm::{Frame, SAVED_REGS};

/// The numbers of a machine's registers.
struct Names {
    sp: Register,
    fp: Register,
    link: Register,
    context: Register,
    saved: [Register; SAVED_REGS],
    /// Bytes between the stack pointer and the caller's when there is no frame.
    pushed_by_call: i32,
}

impl Names {
    fn of(machine: Machine) -> Names {
        match machine {
            Machine::X64 => Names {
                sp: Register(7),
                fp: Register(6),
                link: Register(16),
                context: Register(15),
                saved: [3, 12, 13, 14].map(Register),
                pushed_by_call: 8,
            },
            Machine::Arm64 => Names {
                sp: Register(31),
                fp: Register(29),
                link: Register(30),
                context: Register(28),
                saved: [19, 20, 21, 22].map(Register),
                pushed_by_call: 0,
            },
        }
    }
}

/// The frames of the functions.
pub fn table(machine: Machine, functions: &[Function]) -> FrameTable {
    let names = Names::of(machine);
    let encoding = Encoding { format: Format::Dwarf32, version: 1, address_size: 8 };
    let alignment = if machine == Machine::X64 { 1 } else { 4 };
    let mut entry = CommonInformationEntry::new(encoding, alignment, -8, names.link);
    entry.fde_address_encoding = DW_EH_PE_absptr;
    entry.add_instruction(CallFrameInstruction::Cfa(names.sp, names.pushed_by_call));
    if machine == Machine::X64 {
        entry.add_instruction(CallFrameInstruction::Offset(names.link, -8));
    }
    let mut table = FrameTable::default();
    let entry = table.add_cie(entry);
    for function in functions {
        table.add_fde(entry, description(machine, &names, function));
    }
    table
}

fn description(machine: Machine, names: &Names, function: &Function) -> FrameDescriptionEntry {
    let mut out = FrameDescriptionEntry::new(Address::Constant(function.start as u64), function.size);
    let saved: Vec<(Register, i32)> = saved_registers(names, function);
    let end = saves_end(machine, function);
    let mut changes = function.frames.iter().map(|change| (change.at(), change.frame())).peekable();
    while let Some((at, frame)) = changes.next() {
        let mut add = |at, instruction| out.add_instruction(at, instruction);
        match frame {
            Frame::None => {
                add(at, CallFrameInstruction::Cfa(names.sp, names.pushed_by_call));
                add(at, CallFrameInstruction::SameValue(names.fp));
                if machine == Machine::Arm64 {
                    add(at, CallFrameInstruction::SameValue(names.link));
                }
                saved.iter().for_each(|(register, _)| add(at, CallFrameInstruction::SameValue(*register)));
            }
            Frame::Pushed | Frame::Linked => {
                let base = if frame == Frame::Pushed { names.sp } else { names.fp };
                add(at, CallFrameInstruction::Cfa(base, 16));
                add(at, CallFrameInstruction::Offset(names.fp, -16));
                add(at, CallFrameInstruction::Offset(names.link, -8));
                let at = if at < end { end } else { at };
                if frame == Frame::Linked && changes.peek().is_none_or(|next| next.0 >= at) && at < function.size {
                    saved.iter().for_each(|(register, place)| add(at, CallFrameInstruction::Offset(*register, *place)));
                }
            }
        }
    }
    out
}

/// The registers that a function saves, with the distance of their places from the end of its frame.
fn saved_registers(names: &Names, function: &Function) -> Vec<(Register, i32)> {
    let of_frame_pointer = |offset: i32| offset - 16;
    let mut saved: Vec<(Register, i32)> = (0..SAVED_REGS)
        .filter_map(|i| Some((names.saved[i], of_frame_pointer(saved_offset(function.saved, i)?))))
        .collect();
    if function.kind == Kind::Stub && matches!(&*function.name, "enter" | "propagate") {
        saved = (0..SAVED_REGS).map(|i| (names.saved[i], of_frame_pointer(-8 * (i as i32 + 1)))).collect();
        saved.push((names.context, of_frame_pointer(-8 * (SAVED_REGS as i32 + 1))));
    }
    saved
}

/// Where the prologue has saved all registers.
pub fn saves_end(machine: Machine, function: &Function) -> u32 {
    let pushed = function.frames.iter().find(|change| change.frame() == Frame::Linked && change.at() <= 16);
    let Some(linked) = pushed.map(|change| change.at()) else { return 0 };
    let enter = function.kind == Kind::Stub && function.name == "enter";
    linked
        + match machine {
            // One byte for `push rbx`, two for each of the others.
            Machine::X64 => {
                u32::from(function.saved & 1) + 2 * (function.saved >> 1).count_ones() + 2 * u32::from(enter)
            }
            // Two instructions for the frame, one for each two registers, and one for the context.
            Machine::Arm64 => 4 * (2 + function.saved.count_ones().div_ceil(2) + u32::from(enter)),
        }
}
