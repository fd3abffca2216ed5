//! What each instruction of ARM64 does to what is known.
//!
//! Owns the forms of instructions that `asm/arm64` writes into bodies ([`FORMS`]), and the transfer function of each. Any other word
//! is an error: so an instruction is used only when somebody has said here what it means. The table is held against all that the
//! assembler can write by `tests/forms.rs`, both ways: nothing is missing, nothing is there that nobody writes.

use super::isa::{Control, Convention, Isa};
use super::state::Flags;
use super::step::{Memory, Operation, Place, Shift, Step};
use super::value::{ANY, Class, Value};
use crate::asm::arm64::disasm::register as register_name;
use crate::asm::arm64::regs::{ARGS, CALLEE_SAVED, CALLER_SAVED, CTX, FP, LINK, SCRATCH, SCRATCH2, SP, X0};

/// The machine.
pub enum Arm64 {}

/// The number that means zero, or the stack pointer.
const ZERO: u8 = 31;
/// The float register through which bits are counted.
const COUNTING: u8 = 31;

/// What an instruction is. Where nothing else is said, registers are general ones and 64 bits wide.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Nop,
    /// An immediate of 16 bits at a place: the others zeros, ones, or as they were.
    MoveZeros,
    MoveOnes,
    MoveKeeping,
    /// With an immediate. `true`: sets the flags (`tst`, `cmp`).
    ImmAnd(bool),
    ImmOr,
    ImmXor,
    ImmAdd(bool),
    ImmSubtract(bool),
    /// 32 bits.
    ImmCompare32,
    /// With a register.
    Add(bool),
    Subtract(bool),
    And(bool),
    Or,
    Xor,
    Compare32,
    /// With the sign of a register.
    CompareSign,
    /// With a register, shifted left by 0 to 4; the others may be the stack pointer.
    ExtendedAdd(bool),
    ExtendedSubtract(bool),
    Multiply,
    MultiplyHigh,
    MultiplySubtract,
    Divide,
    /// Shifts by an immediate, as bit fields.
    UnsignedField,
    SignedField,
    Rotate,
    /// Shifts by a register.
    Left,
    Right,
    RightLogical,
    /// 1 or 0.
    Set,
    /// By the logarithm of the size.
    Load(u8, Addressing),
    Store(u8, Addressing),
    LoadFloat(Addressing),
    StoreFloat(Addressing),
    LoadAcquire,
    StoreRelease,
    Prefetch,
    LoadPair,
    StorePair,
    PushPair,
    PopPair,
    Page,
    Jump,
    Call,
    Branch,
    JumpRegister,
    CallRegister,
    Return,
    Trap,
    /// Floats of 64 bits.
    FloatMove,
    FloatImmediate,
    FloatToBits,
    BitsToFloat,
    /// Add, subtract, multiply, divide.
    FloatOperation,
    /// Root, opposite, magnitude, rounding.
    FloatUnary,
    IntToFloat,
    FloatToInt,
    FloatCompare,
    /// Counting bits: of each byte, their sum, and out of the float register.
    CountBits,
    SumBytes,
    SumToWord,
}

/// How a load or store finds its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Addressing {
    /// A positive displacement of 12 bits, scaled.
    Scaled,
    /// A displacement of 9 bits.
    Unscaled,
    /// A register, perhaps scaled.
    Indexed,
}

use Addressing::{Indexed, Scaled, Unscaled};

/// Mask, bits, form: a word is of the first form whose bits it has below the mask.
#[rustfmt::skip]
pub(super) const FORMS: &[(u32, u32, Form)] = &[
    (0xFFFF_FFFF, 0xD503_201F, Form::Nop),
    (0xFF80_0000, 0xD280_0000, Form::MoveZeros),
    (0xFF80_0000, 0x9280_0000, Form::MoveOnes),
    (0xFF80_0000, 0xF280_0000, Form::MoveKeeping),
    (0xFF80_0000, 0x9200_0000, Form::ImmAnd(false)),
    (0xFF80_0000, 0xF200_0000, Form::ImmAnd(true)),
    (0xFF80_0000, 0xB200_0000, Form::ImmOr),
    (0xFF80_0000, 0xD200_0000, Form::ImmXor),
    (0xFF80_0000, 0x9100_0000, Form::ImmAdd(false)),
    (0xFF80_0000, 0xB100_0000, Form::ImmAdd(true)),
    (0xFF80_0000, 0xD100_0000, Form::ImmSubtract(false)),
    (0xFF80_0000, 0xF100_0000, Form::ImmSubtract(true)),
    (0xFF80_001F, 0x7100_001F, Form::ImmCompare32),
    (0xFFE0_FC00, 0x8B00_0000, Form::Add(false)),
    (0xFFE0_FC00, 0xAB00_0000, Form::Add(true)),
    (0xFFE0_FC00, 0xCB00_0000, Form::Subtract(false)),
    (0xFFE0_FC00, 0xEB00_0000, Form::Subtract(true)),
    (0xFFE0_FC00, 0x8A00_0000, Form::And(false)),
    (0xFFE0_FC00, 0xEA00_0000, Form::And(true)),
    (0xFFE0_FC00, 0xAA00_0000, Form::Or),
    (0xFFE0_FC00, 0xCA00_0000, Form::Xor),
    (0xFFE0_FC1F, 0x6B00_001F, Form::Compare32),
    (0xFFE0_FC1F, 0xEB80_FC1F, Form::CompareSign),
    (0xFFE0_E000, 0x8B20_6000, Form::ExtendedAdd(false)),
    (0xFFE0_E000, 0xAB20_6000, Form::ExtendedAdd(true)),
    (0xFFE0_E000, 0xCB20_6000, Form::ExtendedSubtract(false)),
    (0xFFE0_E000, 0xEB20_6000, Form::ExtendedSubtract(true)),
    (0xFFE0_FC00, 0x9B00_7C00, Form::Multiply),
    (0xFFE0_FC00, 0x9B40_7C00, Form::MultiplyHigh),
    (0xFFE0_8000, 0x9B00_8000, Form::MultiplySubtract),
    (0xFFE0_FC00, 0x9AC0_0C00, Form::Divide),
    (0xFFC0_0000, 0xD340_0000, Form::UnsignedField),
    (0xFFC0_0000, 0x9340_0000, Form::SignedField),
    (0xFFE0_0000, 0x93C0_0000, Form::Rotate),
    (0xFFE0_FC00, 0x9AC0_2000, Form::Left),
    (0xFFE0_FC00, 0x9AC0_2800, Form::Right),
    (0xFFE0_FC00, 0x9AC0_2400, Form::RightLogical),
    (0xFFFF_0FE0, 0x9A9F_07E0, Form::Set),
    (0xFFC0_0000, 0xF940_0000, Form::Load(3, Scaled)),
    (0xFFE0_0C00, 0xF840_0000, Form::Load(3, Unscaled)),
    (0xFFE0_EC00, 0xF860_6800, Form::Load(3, Indexed)),
    (0xFFC0_0000, 0xB940_0000, Form::Load(2, Scaled)),
    (0xFFE0_0C00, 0xB840_0000, Form::Load(2, Unscaled)),
    (0xFFE0_EC00, 0xB860_6800, Form::Load(2, Indexed)),
    (0xFFC0_0000, 0x3940_0000, Form::Load(0, Scaled)),
    (0xFFE0_0C00, 0x3840_0000, Form::Load(0, Unscaled)),
    (0xFFE0_EC00, 0x3860_6800, Form::Load(0, Indexed)),
    (0xFFC0_0000, 0xF900_0000, Form::Store(3, Scaled)),
    (0xFFE0_0C00, 0xF800_0000, Form::Store(3, Unscaled)),
    (0xFFE0_EC00, 0xF820_6800, Form::Store(3, Indexed)),
    (0xFFC0_0000, 0x3900_0000, Form::Store(0, Scaled)),
    (0xFFE0_0C00, 0x3800_0000, Form::Store(0, Unscaled)),
    (0xFFE0_EC00, 0x3820_6800, Form::Store(0, Indexed)),
    (0xFFC0_0000, 0xFD40_0000, Form::LoadFloat(Scaled)),
    (0xFFE0_0C00, 0xFC40_0000, Form::LoadFloat(Unscaled)),
    (0xFFE0_EC00, 0xFC60_6800, Form::LoadFloat(Indexed)),
    (0xFFC0_0000, 0xFD00_0000, Form::StoreFloat(Scaled)),
    (0xFFE0_0C00, 0xFC00_0000, Form::StoreFloat(Unscaled)),
    (0xFFE0_EC00, 0xFC20_6800, Form::StoreFloat(Indexed)),
    (0xFFFF_FC00, 0xC8DF_FC00, Form::LoadAcquire),
    (0xFFFF_FC00, 0xC89F_FC00, Form::StoreRelease),
    (0xFFFF_FC1F, 0xF8BF_6800, Form::Prefetch),
    (0xFFC0_0000, 0xA940_0000, Form::LoadPair),
    (0xFFC0_0000, 0xA900_0000, Form::StorePair),
    (0xFFC0_0000, 0xA980_0000, Form::PushPair),
    (0xFFC0_0000, 0xA8C0_0000, Form::PopPair),
    (0x9F00_0000, 0x9000_0000, Form::Page),
    (0xFC00_0000, 0x1400_0000, Form::Jump),
    (0xFC00_0000, 0x9400_0000, Form::Call),
    (0xFF00_0010, 0x5400_0000, Form::Branch),
    (0xFFFF_FC1F, 0xD61F_0000, Form::JumpRegister),
    (0xFFFF_FC1F, 0xD63F_0000, Form::CallRegister),
    (0xFFFF_FFFF, 0xD65F_03C0, Form::Return),
    (0xFFFF_FFFF, 0xD420_0020, Form::Trap),
    (0xFFFF_FC00, 0x1E60_4000, Form::FloatMove),
    (0xFFE0_1FE0, 0x1E60_1000, Form::FloatImmediate),
    (0xFFFF_FC00, 0x9E66_0000, Form::FloatToBits),
    (0xFFFF_FC00, 0x9E67_0000, Form::BitsToFloat),
    (0xFFE0_FC00, 0x1E60_2800, Form::FloatOperation),
    (0xFFE0_FC00, 0x1E60_3800, Form::FloatOperation),
    (0xFFE0_FC00, 0x1E60_0800, Form::FloatOperation),
    (0xFFE0_FC00, 0x1E60_1800, Form::FloatOperation),
    (0xFFFF_FC00, 0x1E61_C000, Form::FloatUnary),
    (0xFFFF_FC00, 0x1E61_4000, Form::FloatUnary),
    (0xFFFF_FC00, 0x1E60_C000, Form::FloatUnary),
    (0xFFFF_FC00, 0x1E65_4000, Form::FloatUnary),
    (0xFFFF_FC00, 0x1E64_C000, Form::FloatUnary),
    (0xFFFF_FC00, 0x1E65_C000, Form::FloatUnary),
    (0xFFFF_FC00, 0x9E62_0000, Form::IntToFloat),
    (0xFFFF_FC00, 0x9E78_0000, Form::FloatToInt),
    (0xFFE0_FC1F, 0x1E60_2000, Form::FloatCompare),
    (0xFFFF_FC00, 0x0E20_5800, Form::CountBits),
    (0xFFFF_FC00, 0x0E31_B800, Form::SumBytes),
    (0xFFFF_FC00, 0x1E26_0000, Form::SumToWord),
];

/// An instruction at its address.
#[derive(Clone, Copy)]
pub struct Instruction {
    word: u32,
    form: Form,
    address: u64,
}

impl Isa for Arm64 {
    type Instruction = Instruction;

    const CONVENTION: &'static Convention = &Convention {
        sp: SP,
        fp: FP,
        ctx: CTX,
        closure: X0,
        result: X0,
        args: ARGS,
        callee_saved: CALLEE_SAVED,
        caller_saved: &CALLER_SAVED,
        scratch: SCRATCH,
        clobbered: &[SCRATCH2, LINK],
        float_scratch: &[30, 31],
        link: Some(LINK),
        name: register_name,
        float_prefix: "d",
    };

    fn decode(code: &[u8], at: u32, address: u64) -> Option<(Instruction, u32)> {
        let word = u32::from_le_bytes(code.get(at as usize..)?.first_chunk().copied()?);
        Some((Instruction { address: address + u64::from(at), ..Instruction::read(word)? }, 4))
    }

    fn control(i: &Instruction) -> Control {
        match i.form {
            Form::Jump => Control::Jump(i.target(0, 26)),
            Form::Call => Control::Call(i.target(0, 26)),
            Form::Branch => {
                let zero = match i.word & 0xF {
                    0 => Some(true),
                    1 => Some(false),
                    _ => None,
                };
                Control::Branch { to: i.target(5, 19), zero }
            }
            Form::JumpRegister => Control::JumpThrough,
            Form::CallRegister => Control::CallThrough,
            Form::Return => Control::Return,
            Form::Trap => Control::Trap,
            _ => Control::Next,
        }
    }

    fn take(step: &mut Step<'_>, i: &Instruction) -> bool {
        Taken { step, i: *i }.take()
    }

    fn through(step: &mut Step<'_>, i: &Instruction) -> Option<u64> {
        let class = step.operand(i.n()).class;
        step.check_code_address(matches!(class, Class::Word | Class::Address | Class::At(_)));
        match class {
            Class::At(address) => Some(address),
            _ => None,
        }
    }
}

impl Instruction {
    /// What a word is, if it is of a form that is known.
    pub(super) fn read(word: u32) -> Option<Instruction> {
        let &(_, _, form) = FORMS.iter().find(|(mask, bits, _)| word & mask == *bits)?;
        Some(Instruction { word, form, address: 0 })
    }

    /// The bits from `low` on.
    fn field(self, low: u32, bits: u32) -> u32 {
        self.word >> low & ((1 << bits) - 1)
    }

    /// The same, with a sign.
    fn signed(self, low: u32, bits: u32) -> i64 {
        i64::from((self.field(low, bits) << (32 - bits)) as i32 >> (32 - bits))
    }

    /// Where a branch leads whose distance is this field.
    fn target(self, low: u32, bits: u32) -> u64 {
        self.address.wrapping_add_signed(4 * self.signed(low, bits))
    }

    /// The page that `adrp` names.
    fn page(self) -> u64 {
        let pages = self.signed(5, 19) << 2 | i64::from(self.field(29, 2));
        (self.address & !0xFFF).wrapping_add_signed(pages << 12)
    }

    /// The register that is written, or stored.
    fn d(self) -> u8 {
        self.field(0, 5) as u8
    }

    /// The first operand, or the base.
    fn n(self) -> u8 {
        self.field(5, 5) as u8
    }

    /// The second operand, or the index.
    fn m(self) -> u8 {
        self.field(16, 5) as u8
    }

    /// The third operand, or the second register of a pair.
    fn a(self) -> u8 {
        self.field(10, 5) as u8
    }

    /// The immediate of an addition: 12 bits, or these shifted by 12.
    fn addend(self) -> u64 {
        u64::from(self.field(10, 12)) << (12 * self.field(22, 1))
    }

    /// The immediate of a logical instruction: a run of ones, rotated in an element that is repeated.
    pub(super) fn mask(self) -> u64 {
        let (n, rotation, ones) = (self.field(22, 1), self.field(16, 6), self.field(10, 6));
        let size = 1 << (31 - (n << 6 | !ones & 0x3F).leading_zeros().min(31));
        let element = u64::MAX >> (63 - (ones & (size - 1)));
        let width = u64::MAX >> (64 - size);
        let rotation = rotation & (size - 1);
        let element = match rotation {
            0 => element,
            _ => (element >> rotation | element << (size - rotation)) & width,
        };
        (0..64 / size).fold(0, |all, index| all | element << (index * size))
    }
}

/// One instruction, looked at.
struct Taken<'a, 'b> {
    step: &'a mut Step<'b>,
    i: Instruction,
}

impl Taken<'_, '_> {
    // ---- operands ----

    /// A register where 31 means zero.
    fn operand(&mut self, register: u8) -> Value {
        match register {
            ZERO => Value::new(Class::Const(0)),
            _ => self.step.operand(register),
        }
    }

    /// The same, with a name.
    fn named(&mut self, register: u8) -> Value {
        match register {
            ZERO => Value::new(Class::Const(0)),
            _ => self.step.named_operand(register),
        }
    }

    /// The target becomes this, where 31 means zero.
    fn set(&mut self, class: Class) {
        if self.i.d() != ZERO {
            self.step.set(self.i.d(), class);
        }
    }

    fn place(&mut self, size: u8, addressing: Addressing) -> Place {
        let i = self.i;
        let (index, disp) = match addressing {
            Scaled => (None, i64::from(i.field(10, 12)) << size),
            Unscaled => (None, i.signed(12, 9)),
            Indexed if i.m() == ZERO => (None, 0),
            Indexed => (Some((i.m(), if i.field(12, 1) != 0 { size } else { 0 })), 0),
        };
        self.step.place(Memory { base: i.n(), index, disp })
    }

    // ---- instructions ----

    fn take(&mut self) -> bool {
        let i = self.i;
        match i.form {
            Form::Nop | Form::Prefetch => {}
            Form::MoveZeros | Form::MoveOnes | Form::MoveKeeping => self.move_immediate(),
            Form::ImmAnd(flags) => self.operate(Operation::And, Class::Const(i.mask()), flags),
            Form::ImmOr if i.n() == ZERO => self.set(Class::Const(i.mask())),
            Form::ImmOr => self.operate(Operation::Or, Class::Const(i.mask()), false),
            Form::ImmXor => self.operate(Operation::Xor, Class::Const(i.mask()), false),
            Form::ImmAdd(flags) => self.add(i.addend() as i64, flags),
            Form::ImmSubtract(flags) => self.add(-(i.addend() as i64), flags),
            Form::ImmCompare32 => self.compare32(Class::Const(i.addend())),
            Form::Compare32 => {
                let b = self.operand(i.m()).class;
                self.compare32(b);
            }
            Form::CompareSign => {
                self.operand(i.n());
                self.operand(i.m());
                self.step.state.flags = Flags::Some;
            }
            Form::Add(flags) => self.with_register(Operation::Add, flags),
            Form::Subtract(flags) => self.with_register(Operation::Subtract, flags),
            Form::And(flags) => self.with_register(Operation::And, flags),
            Form::Or if i.n() == ZERO => self.mov(),
            Form::Or => self.with_register(Operation::Or, false),
            Form::Xor => self.with_register(Operation::Xor, false),
            Form::ExtendedAdd(flags) => self.extended(Operation::Add, flags),
            Form::ExtendedSubtract(flags) => self.extended(Operation::Subtract, flags),
            Form::Multiply => self.with_register(Operation::Multiply, false),
            Form::MultiplyHigh | Form::Divide => {
                self.operand(i.n());
                self.operand(i.m());
                self.set(Class::Bits(ANY));
            }
            Form::MultiplySubtract => self.multiply_subtract(),
            Form::UnsignedField | Form::SignedField | Form::Rotate | Form::Left | Form::Right | Form::RightLogical => {
                self.shift();
            }
            Form::Set => {
                self.step.ask_flags(false);
                self.set(Class::Bits(1 << 0 | 1 << 1));
            }
            Form::Branch => self.step.ask_flags(false),
            _ => return self.memory_instruction() || self.float_instruction(),
        }
        true
    }

    fn move_immediate(&mut self) {
        let i = self.i;
        let shift = 16 * i.field(21, 2);
        let half = u64::from(i.field(5, 16)) << shift;
        let class = match i.form {
            Form::MoveZeros => Class::Const(half),
            Form::MoveOnes => Class::Const(!half),
            _ => match self.operand(i.d()).class {
                Class::Const(word) => Class::Const(word & !(0xFFFF << shift) | half),
                _ => Class::Bits(ANY),
            },
        };
        self.set(class);
    }

    /// `mov` between registers that are not the stack pointer.
    fn mov(&mut self) {
        let i = self.i;
        if i.m() == ZERO {
            return self.set(Class::Const(0));
        }
        let value = self.step.moved(i.m());
        self.step.write(i.d(), value);
    }

    /// An immediate is added; without flags both may be the stack pointer.
    fn add(&mut self, k: i64, flags: bool) {
        let i = self.i;
        if !flags && k == 0 {
            let value = if i.n() == SP.0 { self.step.register(SP.0) } else { self.step.moved(i.n()) };
            return self.step.write(i.d(), Value { id: if i.n() == SP.0 { 0 } else { value.id }, ..value });
        }
        let a = match i.n() {
            31 => self.step.register(SP.0),
            n => self.step.named_operand(n),
        };
        if flags {
            self.step.compare(a, Class::Const(k.wrapping_neg() as u64));
            if i.d() == ZERO {
                return;
            }
            self.step.state.flags = Flags::Some;
        }
        let class = a.class.plus(k, a.id);
        self.step.set(i.d(), class);
    }

    fn compare32(&mut self, b: Class) {
        let a = self.operand(self.i.n());
        match a.class {
            Class::Header(_) => self.step.compare(a, b),
            _ => self.step.state.flags = Flags::Some,
        }
    }

    fn with_register(&mut self, operation: Operation, flags: bool) {
        let i = self.i;
        let b = if operation == Operation::Or { self.named(i.m()) } else { self.operand(i.m()) };
        if flags && i.n() == i.m() && i.d() == ZERO && operation == Operation::And {
            // A test with itself asks for zero.
            let a = self.named(i.n());
            return self.step.compare(a, Class::Const(0));
        }
        let a = self.named(i.n());
        self.computed(operation, a, b, flags);
    }

    fn operate(&mut self, operation: Operation, b: Class, flags: bool) {
        let a = self.named(self.i.n());
        self.computed(operation, a, Value::new(b), flags);
    }

    fn computed(&mut self, operation: Operation, a: Value, b: Value, flags: bool) {
        if self.i.d() != ZERO {
            let class = self.step.operate(operation, a, b);
            self.set(class);
            if flags {
                self.step.state.flags = Flags::Some;
            }
            return;
        }
        match operation {
            Operation::Subtract if flags => self.step.compare(a, b.class),
            Operation::And if flags => self.step.test(a, b.class),
            _ if flags => self.step.state.flags = Flags::Some,
            _ => {}
        }
    }

    /// With a register shifted left; the others may be the stack pointer.
    fn extended(&mut self, operation: Operation, flags: bool) {
        let i = self.i;
        let scale = i.field(10, 3) as u8;
        if flags {
            // Only comparisons of the stack pointer have this form.
            self.step.register(i.n());
            self.operand(i.m());
            self.step.state.flags = Flags::Some;
            if i.d() == ZERO {
                return;
            }
        }
        let class = match operation {
            Operation::Add => self.step.address(Memory { base: i.n(), index: Some((i.m(), scale)), disp: 0 }),
            _ => {
                let (a, b) = (self.step.operand(i.n()), self.operand(i.m()));
                self.step.operate(operation, a, b)
            }
        };
        self.step.set(i.d(), class);
    }

    /// The remainder: `a - n * m`.
    fn multiply_subtract(&mut self) {
        let i = self.i;
        let (n, m, a) = (self.operand(i.n()), self.operand(i.m()), self.operand(i.a()));
        let product = self.step.operate(Operation::Multiply, n, m);
        let class = self.step.operate(Operation::Subtract, Value::new(a.class), Value::new(product));
        self.set(class);
    }

    fn shift(&mut self) {
        let i = self.i;
        let class = self.operand(i.n()).class;
        let (rotation, last) = (i.field(16, 6), i.field(10, 6));
        let class = match i.form {
            // `lsl` keeps the lower bits and ends below the highest; all others are shifts to the right.
            Form::UnsignedField if last + 1 == rotation => self.step.shift(class, Shift::Left(Some(63 - last))),
            Form::UnsignedField | Form::SignedField if last == 63 => self.step.shift(class, Shift::Other),
            Form::Rotate if i.n() == i.m() => self.step.shift(class, Shift::Other),
            Form::Left | Form::Right | Form::RightLogical => {
                self.operand(i.m());
                self.step.shift(class, if i.form == Form::Left { Shift::Left(None) } else { Shift::Other })
            }
            _ => {
                self.step.say("a shift of a form that is not known".into());
                Class::Bits(ANY)
            }
        };
        self.set(class);
    }

    fn memory_instruction(&mut self) -> bool {
        let i = self.i;
        let base = Memory { base: i.n(), index: None, disp: 0 };
        match i.form {
            Form::Load(size, addressing) => {
                let place = self.place(size, addressing);
                let value = self.step.load(place, 1 << size);
                if i.d() != ZERO {
                    self.step.write(i.d(), value);
                }
            }
            Form::LoadAcquire => {
                let place = self.step.place(base);
                let value = self.step.load(place, 8);
                self.step.write(i.d(), value);
            }
            Form::Store(size, addressing) => {
                let value = self.stored(i.d());
                let place = self.place(size, addressing);
                self.step.store(place, 1 << size, value);
            }
            Form::StoreRelease => {
                let value = self.stored(i.d());
                let place = self.step.place(base);
                self.step.store(place, 8, value);
            }
            Form::LoadFloat(addressing) => {
                let place = self.place(3, addressing);
                self.step.load_float(place, i.d());
            }
            Form::StoreFloat(addressing) => {
                let place = self.place(3, addressing);
                self.step.store_float(place, i.d());
            }
            Form::LoadPair | Form::StorePair | Form::PushPair | Form::PopPair => self.pair(),
            Form::Page => self.set(Class::At(i.page())),
            _ => return false,
        }
        true
    }

    /// What a store writes.
    fn stored(&mut self, register: u8) -> Value {
        match register {
            ZERO => Value::new(Class::Const(0)),
            _ => self.step.moved(register),
        }
    }

    /// Two registers beside each other in the frame.
    fn pair(&mut self) {
        let i = self.i;
        let disp = 8 * i.signed(15, 7);
        let Class::Frame(base) = self.step.register(i.n()).class else {
            return self.step.say("two registers at a place that is not in the frame".into());
        };
        let moved = base + disp as i32;
        match i.form {
            Form::PushPair | Form::PopPair => self.step.set(i.n(), Class::Frame(moved)),
            _ => {}
        }
        let first = if i.form == Form::PopPair { base } else { moved };
        for (register, offset) in [(i.d(), first), (i.a(), first + 8)] {
            match i.form {
                Form::PushPair | Form::StorePair => {
                    let value = Value::new(self.step.register(register).class);
                    self.step.store(Place::Stack(offset), 8, value);
                }
                _ => {
                    let value = self.step.load(Place::Stack(offset), 8);
                    self.step.write(register, Value::new(value.class));
                }
            }
        }
    }

    fn float_instruction(&mut self) -> bool {
        let i = self.i;
        match i.form {
            Form::FloatMove => {
                let floats = &mut self.step.state.floats;
                floats[usize::from(i.d())] = floats[usize::from(i.n())];
            }
            Form::FloatImmediate => self.step.set_float(i.d()),
            Form::FloatToBits => {
                let class = self.step.float(i.n());
                self.set(class);
            }
            Form::BitsToFloat => {
                let class = self.operand(i.n()).class;
                if i.d() == COUNTING && class != Class::Float && class.bits().is_none() && !class.is_tagged() {
                    // Any word, whose bits are to be counted.
                    self.step.state.floats[usize::from(COUNTING)] = Class::Bits(ANY);
                    return true;
                }
                self.step.set_float_bits(i.d(), class);
            }
            Form::FloatOperation => {
                self.step.float(i.n());
                self.step.float(i.m());
                self.step.set_float(i.d());
            }
            Form::FloatUnary => {
                self.step.float(i.n());
                self.step.set_float(i.d());
            }
            Form::IntToFloat => {
                self.operand(i.n());
                self.step.set_float(i.d());
            }
            Form::FloatToInt => {
                self.step.float(i.n());
                self.set(Class::Bits(ANY));
            }
            Form::FloatCompare => {
                self.step.float(i.n());
                self.step.float(i.m());
                self.step.state.flags = Flags::Some;
            }
            Form::CountBits | Form::SumBytes | Form::SumToWord => self.count_bits(),
            _ => return false,
        }
        true
    }

    /// The steps of counting bits.
    fn count_bits(&mut self) {
        let i = self.i;
        let class = self.step.state.floats[usize::from(i.n())];
        if !matches!(class, Class::Bits(_) | Class::Float) && !class.is_tagged() {
            self.step.say(format!("the bits of {class} are counted"));
        }
        match i.form {
            Form::SumToWord => self.set(Class::Bits(ANY)),
            _ => self.step.state.floats[usize::from(i.d())] = Class::Bits(ANY),
        }
    }
}
