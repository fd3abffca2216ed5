//! The generator's one idea: the state.
//!
//! For every live variable and every pending operand the state knows a *place*, a *representation* and *facts*. Code, merges,
//! stack maps and slow paths are read off it. The state also counts who uses each register and frame slot, so that a value
//! may be shared: pending operands alias the variable they were read from until one of the two changes.
//!
//! Invariant: every change of a [`Value`] in the state goes through [`State::set_var`], [`State::push`], [`State::pop`] or
//! [`State::set_operand`], which keep the counts.

use super::facts::{Facts, Hint};
use crate::asm::masm::{FReg, Reg};
use crate::gc::Word;
use crate::reader::tree::VarId;

/// A Float that is told by its bits: 0.0 is not -0.0, and a NaN is itself. Code that replaces one constant by another asks
/// whether they are the same thing, which `==` of `f64` does not say; so no `f64` is kept in what states compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FloatBits(u64);

impl FloatBits {
    /// The bits of a Float.
    pub fn of(f: f64) -> FloatBits {
        FloatBits(f.to_bits())
    }

    /// The Float, to calculate with.
    pub fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

/// Where a value is. Equality is identity: constants are the same when their bits are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Nowhere: not defined, or dead.
    None,
    /// In a general register, tagged.
    Reg(Reg),
    /// In a float register, raw.
    Float(FReg),
    /// In a frame slot, tagged.
    Slot(u16),
    /// In a frame slot, raw.
    FloatSlot(u16),
    /// A constant that is no pointer.
    Const(Word),
    /// A Float constant.
    FloatConst(FloatBits),
    /// A constant in a data cell of the code: literals, which the collector may move.
    Cell(usize),
}

impl Place {
    /// Is the value held as a raw float?
    pub fn is_raw(self) -> bool {
        matches!(self, Place::Float(_) | Place::FloatSlot(_) | Place::FloatConst(_))
    }

    /// Is it a constant?
    pub fn is_const(self) -> bool {
        matches!(self, Place::Const(_) | Place::FloatConst(_) | Place::Cell(_))
    }
}

/// A value: where it is and what is known of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Value {
    /// Where it is.
    pub place: Place,
    /// A frame slot that holds it as well (raw exactly when `place` is).
    pub copy: Option<u16>,
    /// What is known of it.
    pub facts: Facts,
    /// What was seen of it.
    pub hint: Hint,
    /// The variable it was read from, while that has not changed.
    pub var: Option<VarId>,
}

impl Value {
    /// A value somewhere.
    pub fn new(place: Place, facts: Facts) -> Value {
        Value { place, copy: None, facts, hint: Hint::None, var: None }
    }

    /// No value.
    pub fn none() -> Value {
        Value::new(Place::None, Facts::ANY)
    }

    /// A constant word that is no pointer.
    pub fn constant(word: Word) -> Value {
        match word.as_tagged_float() {
            Some(f) => Value::float_constant(f),
            None => Value::new(Place::Const(word), Facts::of_immediate(word)),
        }
    }

    /// A Float constant.
    pub fn float_constant(f: f64) -> Value {
        Value::new(Place::FloatConst(FloatBits::of(f)), Facts::FLOAT)
    }

    /// With other facts. What is not certain any more is still likely.
    pub fn widened(mut self, facts: Facts) -> Value {
        if self.hint == Hint::None {
            if self.facts.is_float() && !facts.is_float() {
                self.hint = Hint::Float;
            } else if self.facts.is_int() && !facts.is_int() {
                self.hint = Hint::Int;
            }
        }
        self.facts = facts;
        self
    }

    /// With a hint.
    pub fn hinted(mut self, hint: Hint) -> Value {
        self.hint = hint;
        self
    }
}

/// The state of the program at a point of the code.
#[derive(Clone, Debug)]
pub struct State {
    /// Can this point be reached? When not, places mean nothing.
    pub reachable: bool,
    /// The variables that have a value, by id: the dead are not here, so that a state is as small as what lives in it.
    vars: Vec<(VarId, Value)>,
    stack: Vec<Value>,
    nowhere: Value,
    regs: [u16; 32],
    floats: [u16; 32],
    slots: Vec<u16>,
}

impl State {
    /// The state in which nothing has a value yet.
    pub fn new() -> State {
        State {
            reachable: true,
            vars: Vec::new(),
            stack: Vec::new(),
            nowhere: Value::none(),
            regs: [0; 32],
            floats: [0; 32],
            slots: Vec::new(),
        }
    }

    fn count(&mut self, value: &Value, by: i32) {
        let bump = |n: &mut u16| *n = (*n as i32 + by) as u16;
        match value.place {
            Place::Reg(r) => bump(&mut self.regs[r.0 as usize]),
            Place::Float(r) => bump(&mut self.floats[r.0 as usize]),
            Place::Slot(s) | Place::FloatSlot(s) => self.count_slot(s, by),
            _ => {}
        }
        if let Some(s) = value.copy {
            self.count_slot(s, by);
        }
    }

    fn count_slot(&mut self, slot: u16, by: i32) {
        let slot = slot as usize;
        if self.slots.len() <= slot {
            self.slots.resize(slot + 1, 0);
        }
        self.slots[slot] = (self.slots[slot] as i32 + by) as u16;
    }

    /// The number of users of a register.
    pub fn uses_of(&self, r: Reg) -> u16 {
        self.regs[r.0 as usize]
    }

    /// The number of users of a float register.
    pub fn uses_of_float(&self, r: FReg) -> u16 {
        self.floats[r.0 as usize]
    }

    /// Has a place, which is no constant, a user?
    pub fn holds(&self, place: Place) -> bool {
        match place {
            Place::Reg(r) => self.uses_of(r) > 0,
            Place::Float(r) => self.uses_of_float(r) > 0,
            Place::Slot(s) | Place::FloatSlot(s) => self.slots.get(s as usize).is_some_and(|n| *n > 0),
            Place::None | Place::Const(_) | Place::FloatConst(_) | Place::Cell(_) => false,
        }
    }

    /// The lowest free frame slot.
    pub fn free_slot(&self) -> u16 {
        self.slots.iter().position(|n| *n == 0).unwrap_or(self.slots.len()) as u16
    }

    /// The variable's value; its place is `None` when it has none.
    pub fn var(&self, var: VarId) -> &Value {
        match self.vars.binary_search_by_key(&var, |(v, _)| *v) {
            Ok(i) => &self.vars[i].1,
            Err(_) => &self.nowhere,
        }
    }

    /// The variables that have a value.
    pub fn vars(&self) -> &[(VarId, Value)] {
        &self.vars
    }

    /// Changes a variable's value; a place of `None` forgets the variable.
    pub fn set_var(&mut self, var: VarId, value: Value) {
        self.count(&value, 1);
        match self.vars.binary_search_by_key(&var, |(v, _)| *v) {
            Ok(i) if value.place == Place::None => {
                let (_, old) = self.vars.remove(i);
                self.count(&old, -1);
            }
            Ok(i) => {
                let old = std::mem::replace(&mut self.vars[i].1, value);
                self.count(&old, -1);
            }
            Err(_) if value.place == Place::None => {}
            Err(i) => self.vars.insert(i, (var, value)),
        }
    }

    /// Number of pending operands.
    pub fn height(&self) -> usize {
        self.stack.len()
    }

    /// Adds an operand.
    pub fn push(&mut self, value: Value) {
        self.count(&value, 1);
        self.stack.push(value);
    }

    /// Takes the latest operand off. Its register is no longer counted: use or pin it before anything is allocated.
    pub fn pop(&mut self) -> Value {
        let value = self.stack.pop().unwrap_or_else(Value::none);
        self.count(&value, -1);
        value
    }

    /// Drops operands down to a height.
    pub fn drop_to(&mut self, height: usize) {
        while self.stack.len() > height {
            self.pop();
        }
    }

    /// Operand `i` counted from the bottom.
    pub fn operand(&self, i: usize) -> &Value {
        &self.stack[i]
    }

    /// Changes operand `i` counted from the bottom.
    pub fn set_operand(&mut self, i: usize, value: Value) {
        self.count(&value, 1);
        let old = std::mem::replace(&mut self.stack[i], value);
        self.count(&old, -1);
    }

    /// Changes every value through `change`, which gives the new one or none to leave it.
    pub fn update(&mut self, mut change: impl FnMut(Owner, &Value) -> Option<Value>) {
        for i in 0..self.vars.len() {
            let (var, value) = &self.vars[i];
            if let Some(new) = change(Owner::Var(*var), value) {
                self.count(&new, 1);
                let old = std::mem::replace(&mut self.vars[i].1, new);
                self.count(&old, -1);
            }
        }
        for i in 0..self.stack.len() {
            if let Some(new) = change(Owner::Operand(i), &self.stack[i]) {
                self.set_operand(i, new);
            }
        }
    }

    /// Forgets the variables for which `dead` says so.
    pub fn forget(&mut self, dead: impl Fn(VarId) -> bool) {
        let mut i = 0;
        while i < self.vars.len() {
            if dead(self.vars[i].0) {
                let (_, old) = self.vars.remove(i);
                self.count(&old, -1);
            } else {
                i += 1;
            }
        }
    }

    /// Every value with its owner.
    pub fn values(&self) -> impl Iterator<Item = (Owner, &Value)> {
        let vars = self.vars.iter().map(|(var, value)| (Owner::Var(*var), value));
        vars.chain(self.stack.iter().enumerate().map(|(i, v)| (Owner::Operand(i), v)))
    }

    /// The value of an owner.
    pub fn get(&self, owner: Owner) -> &Value {
        match owner {
            Owner::Var(v) => self.var(v),
            Owner::Operand(i) => self.operand(i),
        }
    }

    /// Changes the value of an owner.
    pub fn set(&mut self, owner: Owner, value: Value) {
        match owner {
            Owner::Var(v) => self.set_var(v, value),
            Owner::Operand(i) => self.set_operand(i, value),
        }
    }
}

/// Who holds a value in a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// A variable.
    Var(VarId),
    /// A pending operand, counted from the bottom.
    Operand(usize),
}
