//! What reading, writing and computing do to what is known, whatever the machine calls them.
//!
//! Owns the rules of use: what may be an address, an operand, a raw float, a word of an object. The instructions themselves are in
//! `x64.rs` and `arm64.rs`, which say it in these words.

use super::isa::Convention;
use super::layouts;
use super::state::{Flags, State};
use super::value::{ANY, Class, Id, Origin, POINTERS, TAGGED, Value, each, signed};
use crate::object::layout::{CLOSURE_CODE, closure_disp, slot_disp};

/// Where a function has the address of its code record.
const CODE: i64 = closure_disp(CLOSURE_CODE) as i64;

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

/// `[base + (index << scale) + disp]`
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Register.
    pub base: u8,
    /// Register, and the logarithm of its scale.
    pub index: Option<(u8, u8)>,
    /// Bytes.
    pub disp: i64,
}

/// What is computed of two words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[rustfmt::skip]
#[allow(missing_docs)]
pub enum Operation { Add, Subtract, Multiply, And, Or, Xor }

/// What is computed of one word, and a count where it is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shift {
    /// Zeros come in.
    Left(Option<u32>),
    /// Anything else: nothing is known of the lowest bits.
    Other,
}

/// One instruction, looked at.
pub struct Step<'a> {
    /// What is known before, and then behind it.
    pub state: &'a mut State,
    /// Where it is in the body.
    pub offset: u32,
    /// How many words it has given names to.
    pub named: u32,
    /// It asks whether somebody waits for this thread.
    pub polls: bool,
    /// What is wrong with it.
    pub wrong: Vec<String>,
}

impl Step<'_> {
    /// Something is wrong.
    pub fn say(&mut self, what: String) {
        self.wrong.push(what);
    }

    fn convention(&self) -> &'static Convention {
        self.state.convention
    }

    fn name(&self, register: u8) -> &'static str {
        (self.convention().name)(register)
    }

    // ---- registers ----

    /// What a register holds.
    pub fn register(&mut self, register: u8) -> Value {
        let value = self.state.regs[usize::from(register)];
        if value.class == Class::Stale {
            self.say(format!("{} is used: it holds {}", self.name(register), value.class));
            return Value::new(TAGGED);
        }
        value
    }

    /// The same, where garbage would do harm.
    pub fn operand(&mut self, register: u8) -> Value {
        let value = self.register(register);
        if value.class == Class::Garbage {
            self.say(format!("{} is used: it holds garbage", self.name(register)));
            return Value::new(TAGGED);
        }
        value
    }

    /// The same, with a name.
    pub fn named_operand(&mut self, register: u8) -> Value {
        let value = self.operand(register);
        Value { id: self.identify(register), ..value }
    }

    /// What is moved or stored, whatever it is, with a name if it is worth one.
    pub fn moved(&mut self, register: u8) -> Value {
        let value = self.register(register);
        let id = if value.class == Class::Garbage { 0 } else { self.identify(register) };
        Value { id, ..value }
    }

    /// A name for what a register holds.
    pub fn identify(&mut self, register: u8) -> Id {
        let place = usize::from(register);
        if self.state.regs[place].id == 0 {
            self.state.regs[place].id = self.new_name();
        }
        self.state.regs[place].id
    }

    /// A name that no word has: an instruction gives no more than three.
    fn new_name(&mut self) -> Id {
        self.named += 1;
        let id = self.offset.wrapping_mul(4).wrapping_add(self.named);
        self.state.forget(id);
        id
    }

    /// A register becomes this.
    pub fn write(&mut self, register: u8, value: Value) {
        let convention = self.convention();
        if register == convention.sp.0 && !matches!(value.class, Class::Frame(_)) {
            return self.say(format!("the stack pointer becomes {}", value.class));
        }
        if register == convention.ctx.0 {
            return self.say("the register of the thread context is written".into());
        }
        self.state.regs[usize::from(register)] = value;
    }

    /// A register becomes a word that is nowhere else.
    pub fn set(&mut self, register: u8, class: Class) {
        self.write(register, Value::new(class));
    }

    /// A raw float.
    pub fn float(&mut self, register: u8) -> Class {
        let class = self.state.floats[usize::from(register)];
        if class != Class::Float {
            let prefix = self.convention().float_prefix;
            self.say(format!("{prefix}{register} is used as a float: it holds {class}"));
        }
        Class::Float
    }

    /// A register becomes a raw float.
    pub fn set_float(&mut self, register: u8) {
        self.state.floats[usize::from(register)] = Class::Float;
    }

    /// A register becomes the float with the bits of a word. The scratch registers may carry a tagged word and the address of a slot,
    /// which nobody may then use as a float.
    pub fn set_float_bits(&mut self, register: u8, class: Class) {
        let carries = self.convention().float_scratch.contains(&register);
        self.set_float(register);
        if class == Class::Float || class.bits().is_some() {
            return;
        }
        match carries && (class.is_tagged() || matches!(class, Class::Inner(_))) {
            true => self.state.floats[usize::from(register)] = class,
            false => self.say(format!("a float becomes {class}")),
        }
    }

    // ---- memory ----

    /// Where an operand in memory is; what cannot be an address is told.
    pub fn place(&mut self, memory: Memory) -> Place {
        let mut disp = memory.disp;
        let mut index = memory.index.map(|(register, scale)| (register, scale, self.register(register).class));
        let base = self.register(memory.base);
        // A displacement that does not fit into the instruction. An index of an object that is known is still an index.
        if let Some((_, scale, Class::Const(word))) = index
            && matches!(base.class, Class::Frame(_) | Class::Context)
        {
            disp = disp.wrapping_add((word << scale) as i64);
            index = None;
        }
        if let Some((register, _, class)) = index
            && !(class.bits().is_some() || matches!(class, Class::Tagged(..) | Class::Word | Class::Sum(_)))
        {
            self.say(format!("{} is used as an index: it holds {class}", self.name(register)));
            return Place::Nowhere;
        }
        let indexed = index.is_some();
        let tagged = |d: i64| !indexed && (d & 7 == 7 || d & 7 == 3) || indexed && d & 7 != 0;
        match base.class {
            Class::Frame(offset) if !indexed => match i32::try_from(i64::from(offset) + disp) {
                Ok(offset) if offset % 8 == 0 && offset <= 0 => Place::Stack(offset),
                _ => {
                    self.say(format!("entry{} is no word of the frame", signed(i64::from(offset) + disp)));
                    Place::Nowhere
                }
            },
            Class::Context if !indexed => Place::Context(disp),
            Class::Const(_) | Class::Address | Class::At(_) => Place::Outside,
            Class::Tagged(tags, layout) if tags & POINTERS != 0 => {
                Place::Object(self.identify(memory.base), disp, layout, indexed)
            }
            Class::Word if tagged(disp) => Place::Object(self.identify(memory.base), disp, 0, indexed),
            Class::Word => Place::Outside,
            Class::Sum(_) => Place::Object(0, disp, 0, true),
            Class::Inner(Origin::Plus(id, k)) => match self.state.pointer(id) {
                // A tagged pointer and a displacement, in two steps.
                Some(layout) => Place::Object(id, disp.wrapping_add(k.into()), layout, indexed),
                None => Place::Heap,
            },
            Class::Inner(_) => Place::Heap,
            Class::Fresh => Place::Fresh,
            class => {
                self.say(format!("{} is used as an address: it holds {class}", self.name(memory.base)));
                Place::Nowhere
            }
        }
    }

    /// What a load gives.
    pub fn load(&mut self, place: Place, bytes: u32) -> Value {
        if let Place::Stack(offset) = place {
            return self.load_slot(offset, bytes);
        }
        if let Place::Object(id, -1, ..) = place
            && id != 0
            && bytes == 4
        {
            return Value::new(Class::Header(id));
        }
        if bytes < 8 {
            return Value::new(Class::Bits(ANY));
        }
        Value::new(match place {
            Place::Context(offset) => match layouts::field(offset) {
                Some(class) => {
                    self.polls |= layouts::is_stack_limit(offset);
                    class
                }
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

    fn load_slot(&mut self, offset: i32, bytes: u32) -> Value {
        let value = self.state.stack.get(offset);
        if value.class == Class::Stale {
            self.say(format!("the slot at entry{} is read: it holds {}", signed(offset.into()), value.class));
            return Value::new(TAGGED);
        }
        if bytes < 8 {
            return Value::new(Class::Bits(ANY));
        }
        if value.id == 0 {
            let id = self.new_name();
            self.state.stack.set(offset, Value { id, ..value });
            return Value { id, ..value };
        }
        value
    }

    fn load_from_object(&mut self, disp: i64, layout: u32, indexed: bool) -> Class {
        match disp & 7 {
            // The first word of a function is the address of its code record.
            3 if disp == CODE && !indexed => Class::Address,
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

    /// The same, where garbage would do harm.
    pub fn load_operand(&mut self, place: Place, bytes: u32) -> Value {
        let value = self.load(place, bytes);
        if value.class == Class::Garbage {
            self.say("memory that holds garbage is used".into());
            return Value::new(TAGGED);
        }
        value
    }

    /// A word, or a part of one, is stored.
    pub fn store(&mut self, place: Place, bytes: u32, value: Value) {
        let class = value.class;
        match place {
            Place::Stack(offset) => {
                let Class::Frame(sp) = self.state.sp() else { return };
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
                let code = disp == CODE || disp == i64::from(slot_disp(CLOSURE_CODE));
                let address = code && matches!(class, Class::Const(_) | Class::Address | Class::At(_));
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

    /// A raw float is stored.
    pub fn store_float(&mut self, place: Place, register: u8) {
        let class = self.float(register);
        match place {
            Place::Stack(_) => self.store(place, 8, Value::new(class)),
            Place::Heap | Place::Fresh | Place::Nowhere => {}
            _ => self.say("a raw float is stored where none can be".into()),
        }
    }

    /// A raw float is loaded.
    pub fn load_float(&mut self, place: Place, register: u8) {
        if let Place::Stack(offset) = place {
            let class = self.state.stack.get(offset).class;
            if class != Class::Float && class.bits().is_none() {
                self.say(format!("the slot at entry{} is read as a float: it holds {class}", signed(offset.into())));
            }
        }
        self.set_float(register);
    }

    /// A jump or call through this word of memory, or to what is in a register.
    pub fn check_code_address(&mut self, right: bool) {
        if !right {
            self.say("a jump to what is no code address".into());
        }
    }

    // ---- computing ----

    /// `a op b`, both of which are [operands](Step::operand) or immediates; what is to be learned from a test of the result must
    /// have names.
    pub fn operate(&mut self, operation: Operation, a: Value, b: Value) -> Class {
        let (one, none) = (a.class, Origin::None);
        match (operation, b.class) {
            (Operation::Add, Class::Const(k)) => one.plus(k as i64, a.id),
            (Operation::Subtract, Class::Const(k)) => one.plus((k as i64).wrapping_neg(), a.id),
            (Operation::Add, b) => one.operate(b, u64::wrapping_add, none),
            (Operation::Subtract, b) => one.operate(b, u64::wrapping_sub, none),
            (Operation::Multiply, b) => one.operate(b, u64::wrapping_mul, none),
            // A small mask leaves nothing of an address.
            (Operation::And, Class::Const(mask)) if mask < 1 << 32 => Class::Bits(each(low(one), |t| t & mask)),
            (Operation::And, b) => one.operate(b, |a, b| a & b, none),
            (Operation::Or, other) => {
                let named = a.id != 0 && b.id != 0;
                let origin = if named { Origin::Or(a.id, b.id) } else { none };
                match one.operate(other, |a, b| a | b, origin) {
                    Class::Bits(tags) if named => Class::Either(a.id, b.id, tags),
                    class => class,
                }
            }
            (Operation::Xor, b) => one.operate(b, |a, b| a ^ b, none),
        }
    }

    /// `base + (index << scale) + disp`
    pub fn address(&mut self, memory: Memory) -> Class {
        let base = self.operand(memory.base).class;
        match memory.index {
            None => {
                let id = if matches!(base, Class::Frame(_)) { 0 } else { self.identify(memory.base) };
                base.plus(memory.disp, id)
            }
            Some((index, scale)) => {
                let index = match (self.operand(index).class, scale) {
                    (class, 0) => class,
                    (class, scale) => class.operate(Class::Const(1 << scale), u64::wrapping_mul, Origin::None),
                };
                let sum = match index {
                    Class::Const(k) => base.plus(k as i64, 0),
                    // In a table.
                    index if base == Class::Word && index.bits().is_some() => base,
                    index => base.operate(index, u64::wrapping_add, Origin::None),
                };
                sum.plus(memory.disp, 0)
            }
        }
    }

    /// A word, shifted.
    pub fn shift(&mut self, class: Class, shift: Shift) -> Class {
        match shift {
            Shift::Left(Some(count)) => Class::Bits(each(low(class), |t| t << count.min(63))),
            // Zeros stay zeros.
            Shift::Left(None) => match class.bits() {
                Some(1) => Class::Bits(1),
                Some(_) => Class::Bits(ANY),
                None => class.operate(class, |a, _| a, Origin::None),
            },
            Shift::Other => Class::Bits(ANY),
        }
    }

    // ---- flags ----

    /// A branch or `set` asks the flags, or no more of them than whether there was an overflow.
    pub fn ask_flags(&mut self, overflow: bool) {
        match self.state.flags {
            Flags::Garbage => self.say("the flags are asked, and nothing has set them".into()),
            Flags::Computed if !overflow => self.say("the flags are asked, and arithmetic has set them since".into()),
            _ => {}
        }
    }

    /// The flags of `a - b`, where `a` has a name.
    pub fn compare(&mut self, a: Value, b: Class) {
        self.state.flags = match (a.class, b) {
            (Class::Header(id), Class::Const(word)) => Flags::Layout(id, word as u32 >> 1),
            (_, Class::Const(word)) => Flags::Equal(a.id, word),
            _ => Flags::Some,
        };
    }

    /// The flags of `a & mask`, where `a` has a name.
    pub fn test(&mut self, a: Value, mask: Class) {
        self.state.flags = match (a.class, mask) {
            (Class::Either(x, y, _), Class::Const(mask)) if mask & !7 == 0 => {
                Flags::Tested(Origin::Or(x, y), mask as u8)
            }
            (Class::Inner(origin) | Class::Sum(origin), Class::Const(mask))
                if mask & !7 == 0 && origin != Origin::None =>
            {
                Flags::Tested(origin, mask as u8)
            }
            (_, Class::Const(mask)) if mask & !7 == 0 => Flags::Tested(Origin::Plus(a.id, 0), mask as u8),
            _ => Flags::Some,
        };
    }
}

/// The lowest bits of any word.
pub fn low(class: Class) -> u8 {
    match class {
        Class::Tagged(tags, _) => tags,
        _ => class.bits().unwrap_or(ANY),
    }
}

/// Half of a word, or less.
pub fn narrow(class: Class) -> Class {
    match class {
        Class::Const(word) => Class::Const(word & 0xFFFF_FFFF),
        Class::Garbage => Class::Garbage,
        _ => Class::Bits(low(class)),
    }
}
