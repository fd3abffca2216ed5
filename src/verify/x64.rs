//! What each instruction of x86-64 does to what is known.
//!
//! Owns the transfer functions of the instructions that `asm/x64` writes into bodies. Any other is an error: so an instruction is
//! used only when somebody has said here what it means.

use super::isa::{Control, Convention, Isa};
use super::state::Flags;
use super::step::{Memory, Operation, Place, Shift, Step, narrow};
use super::value::{ANY, Class, Origin, Value};
use crate::asm::x64::disasm::register as register_name;
use crate::asm::x64::regs::{ARGS, CALLEE_SAVED, CALLER_SAVED, R15, RAX, RBP, RCX, RDI, RDX, RSP, SCRATCH};
use iced_x86::{ConditionCode, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};

/// The machine.
pub enum X64 {}

impl Isa for X64 {
    type Instruction = Instruction;

    const CONVENTION: &'static Convention = &Convention {
        sp: RSP,
        fp: RBP,
        ctx: R15,
        closure: RDI,
        result: RAX,
        args: ARGS,
        callee_saved: CALLEE_SAVED,
        caller_saved: &CALLER_SAVED,
        scratch: SCRATCH,
        clobbered: &[],
        float_scratch: &[14, 15],
        link: None,
        name: register_name,
        float_prefix: "xmm",
    };

    fn decode(code: &[u8], at: u32, address: u64) -> Option<(Instruction, u32)> {
        let bytes = code.get(at as usize..)?;
        let instruction = Decoder::with_ip(64, bytes, address + u64::from(at), DecoderOptions::NONE).decode();
        (!instruction.is_invalid()).then(|| (instruction, instruction.len() as u32))
    }

    fn control(i: &Instruction) -> Control {
        let near = i.op_count() > 0 && i.op0_kind() == OpKind::NearBranch64;
        match i.flow_control() {
            FlowControl::Next => Control::Next,
            FlowControl::ConditionalBranch if near => {
                let zero = match i.condition_code() {
                    ConditionCode::e => Some(true),
                    ConditionCode::ne => Some(false),
                    _ => None,
                };
                Control::Branch { to: i.near_branch_target(), zero }
            }
            FlowControl::UnconditionalBranch if near => Control::Jump(i.near_branch_target()),
            FlowControl::Call if near => Control::Call(i.near_branch_target()),
            FlowControl::IndirectBranch => Control::JumpThrough,
            FlowControl::IndirectCall => Control::CallThrough,
            FlowControl::Return => Control::Return,
            FlowControl::Exception if i.mnemonic() == Mnemonic::Ud2 => Control::Trap,
            _ => Control::Unknown,
        }
    }

    fn take(step: &mut Step<'_>, instruction: &Instruction) -> bool {
        Taken { step, i: *instruction }.take()
    }

    fn through(step: &mut Step<'_>, instruction: &Instruction) -> Option<u64> {
        let mut taken = Taken { step, i: *instruction };
        if taken.i.op0_kind() != OpKind::Memory {
            taken.step.say("a jump through a register".into());
            return None;
        }
        let place = taken.place();
        taken.step.check_code_address(matches!(place, Place::Outside | Place::Nowhere));
        None
    }
}

/// One instruction, looked at.
struct Taken<'a, 'b> {
    step: &'a mut Step<'b>,
    i: Instruction,
}

/// The number of a register, of which only a part may be named.
fn number(register: Register) -> u8 {
    register.full_register().number() as u8
}

impl Taken<'_, '_> {
    // ---- operands ----

    fn place(&mut self) -> Place {
        let i = self.i;
        if i.is_ip_rel_memory_operand() {
            return Place::Outside;
        }
        if i.memory_base() == Register::None {
            self.step.say("an address without a base".into());
            return Place::Nowhere;
        }
        self.step.place(self.memory())
    }

    fn memory(&self) -> Memory {
        let i = &self.i;
        let index = (i.memory_index() != Register::None)
            .then(|| (number(i.memory_index()), i.memory_index_scale().trailing_zeros() as u8));
        Memory { base: number(i.memory_base()), index, disp: i.memory_displacement64() as i64 }
    }

    /// Bytes of the operand in memory.
    fn bytes(&self) -> u32 {
        self.i.memory_size().size() as u32
    }

    /// An operand that is read.
    fn read(&mut self, n: u32) -> Value {
        match self.i.op_kind(n) {
            OpKind::Register => {
                let register = self.i.op_register(n);
                let value = self.step.operand(number(register));
                if register.size() < 8 { Value::new(narrow(value.class)) } else { value }
            }
            OpKind::Memory => {
                let place = self.place();
                self.step.load_operand(place, self.bytes())
            }
            _ => Value::new(Class::Const(self.i.immediate(n))),
        }
    }

    fn set(&mut self, register: Register, class: Class) {
        let class = if register.size() < 8 { narrow(class) } else { class };
        self.step.set(number(register), class);
    }

    // ---- instructions ----

    fn take(&mut self) -> bool {
        use Mnemonic::*;
        let i = self.i;
        match i.mnemonic() {
            Jo | Jno => self.step.ask_flags(true),
            _ if i.flow_control() == FlowControl::ConditionalBranch => self.step.ask_flags(false),
            Nop | Prefetcht0 => {}
            Mov => self.mov(),
            Movzx => {
                let class = self.read(1).class;
                self.set(i.op0_register(), narrow(class));
            }
            Lea => {
                let class = self.step.address(self.memory());
                self.set(i.op0_register(), class);
            }
            Push => self.push(),
            Leave => self.leave(),
            Cmp | Test => self.compare(),
            Add | Sub | And | Or | Xor | Imul => self.operate(),
            Neg | Not | Shl | Sar | Shr | Rol | Ror => self.shift(),
            Popcnt => {
                self.read(1);
                self.set(i.op0_register(), Class::Bits(ANY));
                self.step.state.flags = Flags::Computed;
            }
            Cqo => {
                self.step.operand(RAX.0);
                self.step.set(RDX.0, Class::Bits(ANY));
            }
            Idiv => self.divide(),
            Sete | Setne | Setl | Setge | Setle | Setg | Setb | Setae | Setbe | Seta => {
                self.step.ask_flags(false);
                self.set(i.op0_register(), Class::Bits(ANY));
            }
            _ => return self.float_instruction(),
        }
        true
    }

    fn mov(&mut self) {
        let i = self.i;
        match (i.op0_kind(), i.op1_kind()) {
            (OpKind::Register, OpKind::Register) => {
                let (to, from) = (i.op0_register(), i.op1_register());
                let value = self.step.moved(number(from));
                match to.size() {
                    8 => self.step.write(number(to), value),
                    _ => self.set(to, value.class),
                }
            }
            (OpKind::Register, OpKind::Memory) => {
                let place = self.place();
                let value = self.step.load(place, self.bytes());
                self.step.write(number(i.op0_register()), value);
            }
            (OpKind::Memory, OpKind::Register) => {
                let value = self.step.moved(number(i.op1_register()));
                let place = self.place();
                self.step.store(place, self.bytes(), value);
            }
            (OpKind::Memory, _) => {
                let place = self.place();
                self.step.store(place, self.bytes(), Value::new(Class::Const(i.immediate(1))));
            }
            _ => self.step.set(number(i.op0_register()), Class::Const(i.immediate(1))),
        }
    }

    fn push(&mut self) {
        let value = self.step.register(number(self.i.op0_register()));
        let Class::Frame(sp) = self.step.state.sp() else { return };
        self.step.set(RSP.0, Class::Frame(sp - 8));
        self.step.state.stack.set(sp - 8, Value::new(value.class));
    }

    fn leave(&mut self) {
        let frame = self.step.state.regs[usize::from(RBP.0)].class;
        let Class::Frame(fp) = frame else {
            return self.step.say(format!("the frame pointer holds {frame} when the frame is left"));
        };
        self.step.set(RSP.0, Class::Frame(fp + 8));
        let before = self.step.state.stack.get(fp);
        self.step.write(RBP.0, before);
    }

    fn compare(&mut self) {
        let i = self.i;
        let test = i.mnemonic() == Mnemonic::Test;
        if i.op0_kind() == OpKind::Memory {
            let place = self.place();
            let a = self.step.load(place, self.bytes());
            let b = self.read(1);
            return match a.class {
                Class::Header(_) => self.step.compare(a, b.class),
                _ => self.step.state.flags = Flags::Some,
            };
        }
        let register = i.op0_register();
        let a = self.step.named_operand(number(register));
        let b = self.read(1);
        let same = i.op1_kind() == OpKind::Register && i.op1_register() == register;
        match (test, register.size()) {
            // A test with itself asks for zero.
            (true, 8) if same => self.step.compare(a, Class::Const(0)),
            (true, _) => self.step.test(a, b.class),
            (false, 8) => self.step.compare(a, b.class),
            (false, _) => self.step.state.flags = Flags::Some,
        }
    }

    fn operate(&mut self) {
        let i = self.i;
        if i.op0_kind() == OpKind::Memory || i.op_count() > 2 {
            return self.step.say("arithmetic of a form that is not known".into());
        }
        let to = i.op0_register();
        let operation = match i.mnemonic() {
            Mnemonic::Add => Operation::Add,
            Mnemonic::Sub => Operation::Subtract,
            Mnemonic::And => Operation::And,
            Mnemonic::Or => Operation::Or,
            Mnemonic::Xor => Operation::Xor,
            _ => Operation::Multiply,
        };
        // What the target held is named while it is there; its copies keep the name.
        let a = self.step.operand(number(to));
        let b = match i.op1_kind() {
            OpKind::Register if operation == Operation::Or => self.step.named_operand(number(i.op1_register())),
            _ => self.read(1),
        };
        let class = self.step.operate(operation, a, b);
        self.set(to, class);
        self.step.state.flags = Flags::Computed;
    }

    fn shift(&mut self) {
        let i = self.i;
        let to = i.op0_register();
        let class = self.step.operand(number(to)).class;
        let count = match i.op_count() {
            1 => None,
            _ if i.op1_kind() == OpKind::Register => {
                self.step.operand(RCX.0);
                None
            }
            _ => Some(i.immediate(1) as u32),
        };
        let class = match i.mnemonic() {
            Mnemonic::Neg => Class::Const(0).operate(class, u64::wrapping_sub, Origin::None),
            Mnemonic::Not => class.operate(Class::Bits(1 << 7), |a, _| !a, Origin::None),
            Mnemonic::Shl => self.step.shift(class, Shift::Left(count)),
            _ => self.step.shift(class, Shift::Other),
        };
        self.set(to, class);
        if i.mnemonic() != Mnemonic::Not {
            self.step.state.flags = Flags::Computed;
        }
    }

    fn divide(&mut self) {
        let dividend = self.step.operand(RAX.0).class;
        self.step.operand(RDX.0);
        let divisor = self.read(0).class;
        // The remainder of multiples of eight is one.
        let remainder = match (dividend.bits(), divisor.bits()) {
            (Some(1), Some(1)) => Class::Bits(1),
            (Some(_), Some(_)) => Class::Bits(ANY),
            _ => Class::Sum(Origin::None),
        };
        self.step.set(RAX.0, Class::Bits(ANY));
        self.step.set(RDX.0, remainder);
        self.step.state.flags = Flags::Computed;
    }

    fn float_instruction(&mut self) -> bool {
        use Mnemonic::*;
        let i = self.i;
        let register = i.op0_register();
        let second = i.op1_register();
        match i.mnemonic() {
            Movaps => {
                let floats = &mut self.step.state.floats;
                floats[usize::from(number(register))] = floats[usize::from(number(second))];
            }
            Movsd if i.op0_kind() == OpKind::Memory => {
                let place = self.place();
                self.step.store_float(place, number(second));
            }
            Movsd if i.op1_kind() == OpKind::Memory => {
                let place = self.place();
                self.step.load_float(place, number(register));
            }
            Xorps | Pcmpeqd if register == second => self.step.set_float(number(register)),
            Addsd | Mulsd | Subsd | Divsd | Xorps | Andps => {
                self.step.float(number(register));
                self.step.float(number(second));
            }
            Sqrtsd | Roundsd => {
                self.step.float(number(second));
                self.step.set_float(number(register));
            }
            Psllq | Psrlq => {
                self.step.float(number(register));
            }
            Cvtsi2sd => {
                self.read(1);
                self.step.set_float(number(register));
            }
            Cvttsd2si => {
                self.step.float(number(second));
                self.set(register, Class::Bits(ANY));
            }
            Movq if register.is_xmm() => {
                let class = self.step.operand(number(second)).class;
                self.step.set_float_bits(number(register), class);
            }
            Movq => {
                let class = self.step.float(number(second));
                self.set(register, class);
            }
            Ucomisd => {
                self.step.float(number(register));
                self.step.float(number(second));
                self.step.state.flags = Flags::Some;
            }
            _ => return false,
        }
        true
    }
}
