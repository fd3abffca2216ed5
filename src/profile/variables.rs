//! Where variables live, in the words of DWARF.
//!
//! Owns the entries of a function's variables, and of those of functions that are written in place of its calls, and the one type that they have: a word, and behind it a raw float, of which a
//! variable always has one only (the other half is nowhere). `tools/gdb/harrier.py` prints what there is.
//!
//! A name that is bound more than once in a function stands for the variable in whose scope the instruction's place in the text
//! is: each such scope is a block of its own (`blocks.rs`), in that of the scope around it.

use gimli::write::{Address, AttributeValue, DwarfUnit, Expression, Location, LocationList, UnitEntryId};
use gimli::{
    DW_AT_abstract_origin, DW_AT_byte_size, DW_AT_data_member_location, DW_AT_decl_line, DW_AT_encoding,
    DW_AT_location, DW_AT_name, DW_AT_type, DW_ATE_float, DW_ATE_unsigned, DW_OP_stack_value, DW_TAG_base_type,
    DW_TAG_formal_parameter, DW_TAG_member, DW_TAG_structure_type, DW_TAG_variable, Register,
};

use super::blocks::{Blocks, Place};
use crate::asm::code_map::Function;
use crate::asm::disasm::Machine;
use crate::asm::variables::{Home, Stay, Variable};
use crate::object::layout;
use crate::reader::tree::Unit;

/// Adds the type of variables to a unit.
pub fn add_type(dwarf: &mut DwarfUnit) -> UnitEntryId {
    let root = dwarf.unit.root();
    let mut entry = |parent, tag, name: &str, attributes: &[(gimli::DwAt, AttributeValue)]| {
        let id = dwarf.unit.add(parent, tag);
        let entry = dwarf.unit.get_mut(id);
        entry.set(DW_AT_name, AttributeValue::String(name.into()));
        attributes.iter().for_each(|(name, value)| entry.set(*name, value.clone()));
        id
    };
    let size = |bytes| (DW_AT_byte_size, AttributeValue::Udata(bytes));
    let variable = entry(root, DW_TAG_structure_type, "harrier_variable", &[size(16)]);
    let halves = [("word", "harrier_word", DW_ATE_unsigned, 0), ("raw", "harrier_float", DW_ATE_float, 8)];
    for (name, type_name, encoding, place) in halves {
        let encoding = (DW_AT_encoding, AttributeValue::Encoding(encoding));
        let type_ = entry(root, DW_TAG_base_type, type_name, &[size(8), encoding]);
        let place = (DW_AT_data_member_location, AttributeValue::Udata(place));
        entry(variable, DW_TAG_member, name, &[(DW_AT_type, AttributeValue::UnitRef(type_)), place]);
    }
    variable
}

/// The variables of a function and of what is in place in it, each with where it is from when to when.
pub struct Placed(Vec<(Variable, Vec<Stay>)>);

impl Placed {
    /// Those of a function.
    pub fn of(function: &Function) -> Placed {
        let mut placed: Vec<_> = function.variables.list().into_iter().map(|v| (v, Vec::new())).collect();
        for stay in function.variables.stays(function.size) {
            placed[stay.variable as usize].1.push(stay);
        }
        Placed(placed)
    }
}

/// Adds the variables of a function.
pub struct Adder<'a> {
    /// Their type.
    pub type_: UnitEntryId,
    /// Whose code it is.
    pub machine: Machine,
    /// The function.
    pub function: &'a Function,
    /// Its text.
    pub text: &'a Unit,
}

impl Adder<'_> {
    /// Adds the function's own to its entry; those of the program that are nowhere are left out, unless they hide another.
    pub fn add(&self, dwarf: &mut DwarfUnit, parent: UnitEntryId, placed: &Placed) -> Blocks {
        let own = || placed.0.iter().filter(|(variable, _)| variable.in_place == 0);
        let blocks =
            Blocks::add(dwarf, parent, self.function, &own().map(|(variable, _)| *variable).collect::<Vec<_>>());
        for (variable, stays) in own() {
            let block = blocks.of_scope(variable.scope).filter(|_| !variable.parameter);
            if !stays.is_empty() || variable.parameter || block.is_some() {
                self.variable(dwarf, block.unwrap_or(parent), None, (variable, stays.as_slice()));
            }
        }
        blocks
    }

    /// Adds those of functions in place to the entries of their places.
    pub fn add_in_place(&self, dwarf: &mut DwarfUnit, places: &[Option<Place>], placed: &Placed) {
        for (variable, stays) in &placed.0 {
            let number = (variable.in_place as usize).checked_sub(1);
            let Some(place) = number.and_then(|number| places.get(number)?.as_ref()) else { continue };
            if !stays.is_empty() || variable.parameter {
                let origin = place.parameters.iter().find(|(source, _)| *source == variable.source);
                self.variable(dwarf, place.entry, origin.map(|(_, origin)| *origin), (variable, stays.as_slice()));
            }
        }
    }

    /// Adds a variable. What is told at its origin is not said again.
    fn variable(
        &self,
        dwarf: &mut DwarfUnit,
        parent: UnitEntryId,
        origin: Option<UnitEntryId>,
        (variable, stays): (&Variable, &[Stay]),
    ) {
        let Some(name) = self.text.names.get(variable.name as usize) else { return };
        let start = self.function.start as u64;
        let mut locations: Vec<Location> =
            stays.iter().filter_map(|stay| location(self.machine, self.function, stay, variable.boxed)).collect();
        let list = (!locations.is_empty()).then(|| {
            locations.insert(0, Location::BaseAddress { address: Address::Constant(start) });
            dwarf.unit.locations.add(LocationList(locations))
        });
        let tag = if variable.parameter { DW_TAG_formal_parameter } else { DW_TAG_variable };
        let id = dwarf.unit.add(parent, tag);
        let entry = dwarf.unit.get_mut(id);
        match origin {
            Some(origin) => entry.set(DW_AT_abstract_origin, AttributeValue::UnitRef(origin)),
            None => {
                entry.set(DW_AT_name, AttributeValue::String(name.replace('\0', "").into()));
                entry.set(DW_AT_type, AttributeValue::UnitRef(self.type_));
                let (line, _) = self.text.source.line_column(variable.source);
                entry.set(DW_AT_decl_line, AttributeValue::Udata(line.into()));
            }
        }
        if let Some(list) = list {
            entry.set(DW_AT_location, AttributeValue::LocationListRef(list));
        }
    }
}

fn location(machine: Machine, function: &Function, stay: &Stay, boxed: bool) -> Option<Location> {
    let data = place(machine, function, stay.home, boxed)?;
    Some(Location::OffsetPair { begin: stay.from.into(), end: stay.to.into(), data })
}

/// Both halves of a variable that is somewhere.
fn place(machine: Machine, function: &Function, home: Home, boxed: bool) -> Option<Expression> {
    let mut out = Expression::new();
    let raw = matches!(home, Home::Float(_) | Home::FloatSlot(_) | Home::FloatBits(_));
    if raw {
        out.op_piece(8);
    }
    let frame = super::eh_frame::frame_pointer(machine);
    let floats = match machine {
        Machine::X64 => 17,
        Machine::Arm64 => 64,
    };
    // A box is an object with one slot.
    let in_box = i64::from(layout::slot_disp(layout::BOX_VALUE));
    let open = |out: &mut Expression| {
        if boxed {
            out.op_deref();
            out.op_consts(in_box);
            out.op(gimli::DW_OP_plus);
        }
    };
    match home {
        Home::Nowhere => return None,
        Home::Reg(number) if boxed => out.op_breg(general(machine, number)?, in_box),
        Home::Reg(number) => out.op_reg(general(machine, number)?),
        Home::Float(number) => out.op_reg(Register(floats + u16::from(number))),
        Home::Slot(slot) | Home::FloatSlot(slot) => {
            out.op_breg(frame, function.slot_offset(slot).into());
            open(&mut out);
        }
        Home::Cell(cell) => {
            out.op_addr(Address::Constant(cell as u64));
            open(&mut out);
        }
        Home::Word(word) => {
            out.op_constu(word);
            out.op(DW_OP_stack_value);
        }
        Home::FloatBits(bits) => out.op_implicit_value(bits.to_le_bytes().into()),
    }
    out.op_piece(8);
    if !raw {
        out.op_piece(8);
    }
    Some(out)
}

/// DWARF's number of a general register.
fn general(machine: Machine, number: u8) -> Option<Register> {
    let x64 = [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15];
    Some(Register(match machine {
        Machine::X64 => *x64.get(number as usize)?,
        Machine::Arm64 => number.into(),
    }))
}
