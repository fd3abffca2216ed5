//! What each instruction of x86-64 does to what is known.
//!
//! Owns the transfer functions of the instructions that `asm/x64` writes into bodies, calls and the ways out excepted
//! (`body.rs`). Any other is an error: so an instruction is used only when somebody has said here what it means.

use super::layouts;
use super::state::{Flags, State};
use super::value::{ANY, Class, Id, Origin, POINTERS, TAGGED, Value, each, signed};
use crate::asm::x64::regs::{RAX, RBP, RCX, RDX, RSP};
use iced_x86::{Instruction, Mnemonic, OpKind, Register};

/// Where an operand in memory is.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// On the stack, by the distance from the return address.
    Stack(i32),
    /// A field of the thread context.
    Context(i64),
    /// A data cell, a table, a record: outside of the heap.
    Outside,
    /// In the object that a tagged pointer leads to: the pointer's name, displacement, layout, and whether an index is added.
    Object(Id, i64, u32, bool),
    /// In the heap, by an untagged address.
    Heap,
    /// In fresh memory, where no slot has been written.
    Fresh,
    /// It has been told that the address is none.
    Nowhere,
}

/// One instruction, looked at.
pub struct Step<'a> {
    /// What is known before, and then behind it.
    pub state: &'a mut State,
    /// The instruction.
    pub instruction: &'a Instruction,
    /// Where it is in the body.
    pub offset: u32,
    /// What is wrong with it.
    pub wrong: Vec<String>,
}

/// The number of a register, of which only a part may be named.
fn number(register: Register) -> usize {
    register.full_register().number()
}

impl Step<'_> {
    fn say(&mut self, what: String) {
        self.wrong.push(what);
    }

    // ---- reading ----

    fn register(&mut self, register: Register) -> Value {
        let value = self.state.regs[number(register)];
        if value.class == Class::Stale {
            self.say(format!("{:?} is used: it holds {}", register.full_register(), value.class));
            return Value::new(TAGGED);
        }
        value
    }

    /// The same, where garbage would do harm.
    fn operand_register(&mut self, register: Register) -> Value {
        let value = self.register(register);
        if value.class == Class::Garbage {
            self.say(format!("{:?} is used: it holds garbage", register.full_register()));
            return Value::new(TAGGED);
        }
        value
    }

    fn float_register(&mut self, register: Register) -> Class {
        let class = self.state.floats[number(register)];
        if class != Class::Float {
            self.say(format!("{register:?} is used as a float: it holds {class}"));
        }
        Class::Float
    }

    /// A name for what a register holds.
    fn identify(&mut self, register: Register) -> Id {
        let place = number(register);
        if self.state.regs[place].id == 0 {
            let id = self.offset * 4 + 1;
            self.state.forget(id);
            self.state.regs[place].id = id;
        }
        self.state.regs[place].id
    }

    /// Where the operand in memory is; what cannot be an address is told.
    pub fn place(&mut self) -> Place {
        let i = *self.instruction;
        if i.is_ip_rel_memory_operand() {
            return Place::Outside;
        }
        let disp = i.memory_displacement64() as i64;
        let index = (i.memory_index() != Register::None).then(|| self.register(i.memory_index()).class);
        if let Some(class) = index
            && !(class.bits().is_some() || matches!(class, Class::Tagged(..) | Class::Word | Class::Sum(_)))
        {
            self.say(format!("{:?} is used as an index: it holds {class}", i.memory_index()));
            return Place::Nowhere;
        }
        if i.memory_base() == Register::None {
            self.say("an address without a base".into());
            return Place::Nowhere;
        }
        let base = self.register(i.memory_base());
        let tagged = |d: i64| index.is_none() && (d & 7 == 7 || d & 7 == 3) || index.is_some() && d & 7 != 0;
        match base.class {
            Class::Frame(offset) if index.is_none() => match i32::try_from(i64::from(offset) + disp) {
                Ok(offset) if offset % 8 == 0 && offset <= 0 => Place::Stack(offset),
                _ => {
                    self.say(format!("entry{} is no word of the frame", signed(i64::from(offset) + disp)));
                    Place::Nowhere
                }
            },
            Class::Context if index.is_none() => Place::Context(disp),
            Class::Const(_) | Class::Address => Place::Outside,
            Class::Tagged(tags, layout) if tags & POINTERS != 0 => {
                let id = self.identify(i.memory_base());
                Place::Object(id, disp, layout, index.is_some())
            }
            Class::Word if tagged(disp) => {
                let id = self.identify(i.memory_base());
                Place::Object(id, disp, 0, index.is_some())
            }
            Class::Word => Place::Outside,
            Class::Sum(_) => Place::Object(0, disp, 0, true),
            Class::Inner(_) => Place::Heap,
            Class::Fresh => Place::Fresh,
            class => {
                self.say(format!("{:?} is used as an address: it holds {class}", i.memory_base()));
                Place::Nowhere
            }
        }
    }

    /// What a load gives.
    fn load(&mut self, bytes: usize) -> Value {
        let place = self.place();
        if let Place::Stack(offset) = place {
            return self.load_slot(offset, bytes);
        }
        if bytes < 8 {
            return Value::new(Class::Bits(ANY));
        }
        Value::new(match place {
            Place::Context(offset) => match layouts::field(offset) {
                Some(class) => class,
                None => {
                    self.say(format!("the field {offset:#x} of the context is none that a body reads"));
                    Class::Garbage
                }
            },
            Place::Outside => Class::Word,
            Place::Object(_, disp, layout, indexed) => self.load_from_object(disp, layout, indexed),
            Place::Heap | Place::Fresh | Place::Nowhere | Place::Stack(_) => TAGGED,
        })
    }

    fn load_slot(&mut self, offset: i32, bytes: usize) -> Value {
        let value = self.state.stack.get(offset);
        if value.class == Class::Stale {
            self.say(format!("the slot at entry{} is read: it holds {}", signed(offset.into()), value.class));
            return Value::new(TAGGED);
        }
        if bytes < 8 {
            return Value::new(Class::Bits(ANY));
        }
        if value.id == 0 {
            let id = self.offset * 4 + 2;
            self.state.forget(id);
            self.state.stack.set(offset, Value { id, ..value });
            return Value { id, ..value };
        }
        value
    }

    fn load_from_object(&mut self, disp: i64, layout: u32, indexed: bool) -> Class {
        match disp & 7 {
            // The first word of a function is the address of its code record.
            3 if disp == 3 && !indexed => Class::Address,
            3 => TAGGED,
            7 if disp > 0 => layouts::slot(layout, if indexed { usize::MAX } else { disp as usize / 8 }),
            7 => Class::Bits(ANY),
            _ if indexed => TAGGED,
            _ => {
                self.say(format!("no word of an object is at the displacement {disp:#x}"));
                TAGGED
            }
        }
    }

    /// An operand that is read.
    fn read(&mut self, n: u32) -> Value {
        let i = *self.instruction;
        match i.op_kind(n) {
            OpKind::Register => {
                let register = i.op_register(n);
                let value = self.operand_register(register);
                if register.size() < 8 { Value::new(narrow(value.class)) } else { value }
            }
            OpKind::Memory => {
                let value = self.load(i.memory_size().size());
                if value.class == Class::Garbage {
                    self.say("memory that holds garbage is used".into());
                    return Value::new(TAGGED);
                }
                value
            }
            _ => Value::new(Class::Const(i.immediate(n))),
        }
    }

    // ---- writing ----

    fn write(&mut self, register: Register, value: Value) {
        let place = number(register);
        if place == usize::from(RSP.0) && !matches!(value.class, Class::Frame(_)) {
            self.say(format!("the stack pointer becomes {}", value.class));
            return;
        }
        if self.state.regs[place].class == Class::Context {
            self.say("the register of the thread context is written".into());
            return;
        }
        self.state.regs[place] = value;
    }

    fn set(&mut self, register: Register, class: Class) {
        let class = if register.size() < 8 { narrow(class) } else { class };
        self.write(register, Value::new(class));
    }

    fn store(&mut self, value: Value) {
        let i = *self.instruction;
        let bytes = i.memory_size().size();
        let class = value.class;
        match self.place() {
            Place::Stack(offset) => {
                let Class::Frame(sp) = self.state.regs[usize::from(RSP.0)].class else { return };
                if offset < sp || bytes != 8 {
                    return self.say(format!("entry{} is no word of the frame", signed(offset.into())));
                }
                self.state.stack.set(offset, value);
            }
            Place::Context(offset) if !layouts::may_store(offset, class) => {
                self.say(format!("the field {offset:#x} of the context becomes {class}"));
            }
            Place::Object(_, disp, layout, indexed) if bytes == 8 => {
                let slot = if indexed { usize::MAX } else { (disp.max(0) as usize) / 8 };
                let raw = matches!(layouts::slot(layout, slot), Class::Bits(ANY)) && class.bits().is_some();
                let code = disp == 3 || disp == 7;
                let address = code && matches!(class, Class::Const(_) | Class::Address);
                if !(class.is_tagged() || raw || address) {
                    self.say(format!("a slot of an object becomes {class}"));
                }
            }
            Place::Heap | Place::Outside if matches!(class, Class::Garbage | Class::Float | Class::Frame(_)) => {
                self.say(format!("memory becomes {class}"));
            }
            _ => {}
        }
    }

    // ---- instructions ----

    /// Looks at an instruction that neither calls nor leaves. `false`: it is not known.
    pub fn take(&mut self) -> bool {
        use Mnemonic::*;
        let i = *self.instruction;
        match i.mnemonic() {
            Nop | Prefetcht0 => {}
            Mov => self.mov(),
            Movzx => {
                let class = self.read(1).class;
                self.set(i.op0_register(), narrow(class));
            }
            Lea => self.lea(),
            Push => self.push(),
            Leave => self.leave(),
            Cmp | Test => self.compare(),
            Add | Sub | And | Or | Xor | Imul => self.operate(),
            Neg | Not | Shl | Sar | Shr | Rol | Ror => self.shift(),
            Popcnt => {
                self.read(1);
                self.set(i.op0_register(), Class::Bits(ANY));
                self.state.flags = Flags::Some;
            }
            Cqo => {
                self.operand_register(Register::RAX);
                self.set(Register::RDX, Class::Bits(ANY));
            }
            Idiv => self.divide(),
            Sete | Setne | Setl | Setge | Setle | Setg | Setb | Setae | Setbe | Seta => {
                self.flags();
                self.set(i.op0_register(), Class::Bits(ANY));
            }
            _ => return self.float_instruction(),
        }
        true
    }

    /// A branch or `set` asks the flags.
    pub fn flags(&mut self) {
        if self.state.flags == Flags::Garbage {
            self.say("the flags are asked, and nothing has set them".into());
        }
    }

    fn mov(&mut self) {
        let i = *self.instruction;
        match (i.op0_kind(), i.op1_kind()) {
            (OpKind::Register, OpKind::Register) => {
                let (to, from) = (i.op0_register(), i.op1_register());
                let value = self.register(from);
                if to.size() < 8 {
                    return self.set(to, value.class);
                }
                let id = if value.class == Class::Garbage { 0 } else { self.identify(from) };
                self.write(to, Value { class: value.class, id });
            }
            (OpKind::Register, OpKind::Memory) => {
                let value = self.load(i.memory_size().size());
                self.write(i.op0_register(), value);
            }
            (OpKind::Memory, OpKind::Register) => {
                let from = i.op1_register();
                let value = self.register(from);
                let id = if value.class == Class::Garbage { 0 } else { self.identify(from) };
                self.store(Value { class: value.class, id });
            }
            _ => {
                let value = Value::new(Class::Const(i.immediate(1)));
                if i.op0_kind() == OpKind::Memory { self.store(value) } else { self.write(i.op0_register(), value) }
            }
        }
    }

    fn lea(&mut self) {
        let i = *self.instruction;
        let disp = i.memory_displacement64() as i64;
        let base = self.operand_register(i.memory_base()).class;
        let class = match i.memory_index() {
            Register::None => {
                let id = if matches!(base, Class::Frame(_)) { 0 } else { self.identify(i.memory_base()) };
                base.plus(disp, id)
            }
            index => {
                let scale = u64::from(i.memory_index_scale());
                let index = self.operand_register(index).class;
                let index = if scale == 1 {
                    index
                } else {
                    index.operate(Class::Const(scale), u64::wrapping_mul, Origin::None)
                };
                base.operate(index, u64::wrapping_add, Origin::None).plus(disp, 0)
            }
        };
        self.write(i.op0_register(), Value::new(class));
    }

    fn push(&mut self) {
        let value = self.register(self.instruction.op0_register());
        let Class::Frame(sp) = self.state.regs[usize::from(RSP.0)].class else { return };
        self.write(Register::RSP, Value::new(Class::Frame(sp - 8)));
        self.state.stack.set(sp - 8, Value::new(value.class));
    }

    fn leave(&mut self) {
        let frame = self.state.regs[usize::from(RBP.0)].class;
        let Class::Frame(fp) = frame else {
            return self.say(format!("the frame pointer holds {frame} when the frame is left"));
        };
        self.write(Register::RSP, Value::new(Class::Frame(fp + 8)));
        let before = self.state.stack.get(fp);
        self.write(Register::RBP, before);
    }

    fn compare(&mut self) {
        let i = *self.instruction;
        let test = i.mnemonic() == Mnemonic::Test;
        let immediate = !matches!(i.op1_kind(), OpKind::Register | OpKind::Memory);
        if i.op0_kind() == OpKind::Memory {
            let (bytes, layout) = (i.memory_size().size(), (i.immediate(1) as u32) >> 1);
            let place = self.place();
            if !immediate {
                self.read(1);
            }
            if let Place::Stack(offset) = place {
                self.load_slot(offset, bytes);
            }
            self.state.flags = match place {
                Place::Object(id, -1, ..) if id != 0 && bytes == 4 && immediate => Flags::Layout(id, layout),
                _ => Flags::Some,
            };
            return;
        }
        let register = i.op0_register();
        let class = self.operand_register(register).class;
        self.read(1);
        let same = i.op1_kind() == OpKind::Register && i.op1_register() == register;
        self.state.flags = match i.op1_kind() {
            // A test with itself asks for zero.
            _ if test && same && register.size() == 8 => Flags::Equal(self.identify(register), 0),
            _ if test && immediate && i.immediate(1) & !7 == 0 => {
                let mask = i.immediate(1) as u8;
                match class {
                    Class::Inner(origin) | Class::Sum(origin) if origin != Origin::None => Flags::Tested(origin, mask),
                    _ => Flags::Tested(Origin::Plus(self.identify(register), 0), mask),
                }
            }
            _ if !test && immediate && register.size() == 8 => Flags::Equal(self.identify(register), i.immediate(1)),
            _ => Flags::Some,
        };
    }

    fn operate(&mut self) {
        let i = *self.instruction;
        if i.op0_kind() == OpKind::Memory || i.op_count() > 2 {
            return self.say("arithmetic of a form that is not known".into());
        }
        let to = i.op0_register();
        let a = self.operand_register(to);
        let b = self.read(1);
        let origin = match (i.mnemonic(), i.op1_kind()) {
            (Mnemonic::Or, OpKind::Register) => {
                // What the target held is named while it is there; its copies keep the name.
                let other = self.identify(i.op1_register());
                Origin::Or(a.id, other)
            }
            _ => Origin::None,
        };
        let class = match (i.mnemonic(), b.class) {
            (Mnemonic::Add, Class::Const(k)) => a.class.plus(k as i64, a.id),
            (Mnemonic::Sub, Class::Const(k)) => a.class.plus((k as i64).wrapping_neg(), a.id),
            (Mnemonic::Add, _) => a.class.operate(b.class, u64::wrapping_add, origin),
            (Mnemonic::Sub, _) => a.class.operate(b.class, u64::wrapping_sub, origin),
            // A small mask leaves nothing of an address.
            (Mnemonic::And, Class::Const(mask)) if mask < 1 << 32 => Class::Bits(each(low(a.class), |t| t & mask)),
            (Mnemonic::And, _) => a.class.operate(b.class, |a, b| a & b, origin),
            (Mnemonic::Or, _) => a.class.operate(b.class, |a, b| a | b, origin),
            (Mnemonic::Xor, _) => a.class.operate(b.class, |a, b| a ^ b, origin),
            _ => a.class.operate(b.class, u64::wrapping_mul, origin),
        };
        self.set(to, class);
        self.state.flags = Flags::Some;
    }

    fn shift(&mut self) {
        let i = *self.instruction;
        let to = i.op0_register();
        let class = self.operand_register(to).class;
        let count = match i.op_count() {
            1 => None,
            _ if i.op1_kind() == OpKind::Register => {
                self.operand_register(Register::RCX);
                debug_assert_eq!(number(i.op1_register()), usize::from(RCX.0));
                None
            }
            _ => Some(i.immediate(1)),
        };
        let class = match (i.mnemonic(), count) {
            (Mnemonic::Neg, _) => Class::Const(0).operate(class, u64::wrapping_sub, Origin::None),
            (Mnemonic::Not, _) => class.operate(Class::Bits(1 << 7), |a, _| !a, Origin::None),
            (Mnemonic::Shl, Some(count)) => Class::Bits(each(low(class), |t| t << count.min(63))),
            // Zeros stay zeros.
            (Mnemonic::Shl, None) => match class.bits() {
                Some(1) => Class::Bits(1),
                Some(_) => Class::Bits(ANY),
                None => class.operate(class, |a, _| a, Origin::None),
            },
            _ => Class::Bits(ANY),
        };
        self.set(to, class);
        if i.mnemonic() != Mnemonic::Not {
            self.state.flags = Flags::Some;
        }
    }

    fn divide(&mut self) {
        let dividend = self.operand_register(Register::RAX).class;
        self.operand_register(Register::RDX);
        let divisor = self.read(0).class;
        // The remainder of multiples of eight is one.
        let remainder = match (dividend.bits(), divisor.bits()) {
            (Some(1), Some(1)) => Class::Bits(1),
            (Some(_), Some(_)) => Class::Bits(ANY),
            _ => Class::Sum(Origin::None),
        };
        self.state.regs[usize::from(RAX.0)] = Value::new(Class::Bits(ANY));
        self.state.regs[usize::from(RDX.0)] = Value::new(remainder);
        self.state.flags = Flags::Some;
    }

    fn float_instruction(&mut self) -> bool {
        use Mnemonic::*;
        let i = *self.instruction;
        let register = i.op0_register();
        match i.mnemonic() {
            Movaps => {
                self.state.floats[number(register)] = self.state.floats[number(i.op1_register())];
            }
            Movsd if i.op0_kind() == OpKind::Memory => {
                let class = self.float_register(i.op1_register());
                match self.place() {
                    Place::Stack(offset) => self.state.stack.set(offset, Value::new(class)),
                    Place::Heap | Place::Fresh | Place::Nowhere => {}
                    _ => self.say("a raw float is stored where none can be".into()),
                }
            }
            Movsd if i.op1_kind() == OpKind::Memory => {
                if let Place::Stack(offset) = self.place() {
                    let class = self.state.stack.get(offset).class;
                    if class != Class::Float {
                        let at = signed(offset.into());
                        self.say(format!("the slot at entry{at} is read as a float: it holds {class}"));
                    }
                }
                self.state.floats[number(register)] = Class::Float;
            }
            Xorps | Pcmpeqd if i.op0_register() == i.op1_register() => {
                self.state.floats[number(register)] = Class::Float;
            }
            Addsd | Mulsd | Subsd | Divsd | Xorps | Andps => {
                self.float_register(register);
                self.float_register(i.op1_register());
            }
            Sqrtsd | Roundsd => {
                self.float_register(i.op1_register());
                self.state.floats[number(register)] = Class::Float;
            }
            Psllq | Psrlq => {
                self.float_register(register);
            }
            Cvtsi2sd => {
                self.read(1);
                self.state.floats[number(register)] = Class::Float;
            }
            Cvttsd2si => {
                self.float_register(i.op1_register());
                self.set(register, Class::Bits(ANY));
            }
            Movq if register.is_xmm() => {
                let class = self.operand_register(i.op1_register()).class;
                if class != Class::Float && class.bits().is_none() {
                    self.say(format!("a float becomes {class}"));
                }
                self.state.floats[number(register)] = Class::Float;
            }
            Movq => {
                let class = self.float_register(i.op1_register());
                self.set(register, class);
            }
            Ucomisd => {
                self.float_register(register);
                self.float_register(i.op1_register());
                self.state.flags = Flags::Some;
            }
            _ => return false,
        }
        true
    }
}

/// The lowest bits of any word.
fn low(class: Class) -> u8 {
    match class {
        Class::Tagged(tags, _) => tags,
        _ => class.bits().unwrap_or(ANY),
    }
}

/// Half of a word, or less.
fn narrow(class: Class) -> Class {
    match class {
        Class::Const(word) => Class::Const(word & 0xFFFF_FFFF),
        Class::Garbage => Class::Garbage,
        _ => Class::Bits(low(class)),
    }
}
