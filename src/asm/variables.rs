//! Where the variables of the program live, by range of code: for debuggers, and kept only when one asks.
//!
//! A variable that no range names at an address is no longer kept there, or not yet.

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// A general register, by the machine's number: a tagged word.
    Reg(u8),
    /// A float register, by the machine's number: a raw float.
    Float(u8),
    /// A frame slot (see [`super::code_map::slot_offset`]): a tagged word.
    Slot(u32),
    /// A frame slot: a raw float.
    FloatSlot(u32),
    /// It is this word.
    Word(u64),
    /// It is the float with these bits.
    FloatBits(u64),
    /// A data cell at this address: a tagged word.
    Cell(usize),
}

/// A variable lives somewhere from one code offset to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// First offset.
    pub from: u32,
    /// The offset behind the last.
    pub to: u32,
    /// The number of its name in the unit.
    pub name: u32,
    /// The value is a box in which the variable's value is.
    pub boxed: bool,
    /// Where.
    pub home: Home,
}
