//! The generator's one idea: the state.
//!
//! For every live variable and every pending operand the state knows a *place*, a *representation* and *facts*. Code, merges,
//! stack maps and slow paths are read off it. The state also counts who uses each register and frame slot, so that a value
//! may be shared: pending operands alias the variable they were read from until one of the two changes.
//!
//! A function has as many states as ways to be written later, and each has nearly all of the others' values: copies of a state
//! share them (see `table.rs`). What happens at every node asks for the values in a register, those that die, or those in
//! which two states differ, never for all.
//!
//! Invariant: every change of a [`Value`] in the state goes through [`State::set_var`], [`State::push`], [`State::pop`] or
//! [`State::set_operand`], which keep the counts.

use super::echoes::Echoes;
use super::facts::{Facts, Hint};
use super::settled::HeldSlots;
use super::table::{Entry, Table};
use crate::asm::code_map::SlotSet;
use crate::asm::masm::{FReg, Reg};
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::reader::tree::VarId;
use std::rc::Rc;

/// A Float that is told by its bits: 0.0 is not -0.0, and a NaN is itself. Code that replaces one constant by another asks
/// whether they are the same thing, which `==` of `f64` does not say; so no `f64` is kept in what states compare.
#[derive(Clone, Copy, Debug)]
pub struct FloatBits(u64);

impl PartialEq for FloatBits {
    fn eq(&self, other: &FloatBits) -> bool {
        self.0 == other.0 || mutated(Mutation::ZerosAreOne) && self.value() == other.value()
    }
}

impl Eq for FloatBits {}

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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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

/// A value in a state, with the tick after which it is dead.
#[derive(Clone, Copy, Debug)]
struct Held {
    value: Value,
    end: u32,
}

/// What is said of a group of values, so that those that matter are found without looking at the others.
#[derive(Clone, Copy, Debug)]
struct Group {
    /// The registers they are in.
    regs: u32,
    floats: u32,
    /// The variables they were read from: bit `v % 32` for variable `v`.
    read_from: u32,
    /// The tick after which the first of them is dead.
    end: u32,
}

impl Default for Group {
    fn default() -> Group {
        Group { regs: 0, floats: 0, read_from: 0, end: u32::MAX }
    }
}

impl Entry for Held {
    type Summary = Group;

    fn summary(&self) -> Group {
        let (regs, floats) = match self.value.place {
            Place::Reg(r) => (1 << r.0, 0),
            Place::Float(r) => (0, 1 << r.0),
            _ => (0, 0),
        };
        let read_from = self.value.var.map_or(0, |var| 1 << (var.0 % 32));
        Group { regs, floats, read_from, end: self.end }
    }

    fn both(a: Group, b: Group) -> Group {
        Group {
            regs: a.regs | b.regs,
            floats: a.floats | b.floats,
            read_from: a.read_from | b.read_from,
            end: a.end.min(b.end),
        }
    }
}

/// So many frame slots are counted together: few, because a state that is changed gets a copy of theirs.
const GROUP: u32 = 16;

/// The users of a group of frame slots.
#[derive(Clone, Debug, Default)]
struct Uses {
    /// The slots that have any.
    used: u16,
    /// The slots that hold a tagged word for one.
    tagged: u16,
    /// For each slot, and those of them that hold it to be a tagged word.
    counts: [(u32, u32); GROUP as usize],
}

impl Entry for Rc<Uses> {
    type Summary = ();

    fn summary(&self) {}

    fn both(_: (), _: ()) {}
}

/// The frame slots in use: what is in them is counted by the state.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    groups: Table<Rc<Uses>>,
}

impl Slots {
    fn count(&mut self, slot: u16, tagged: bool, by: i32) {
        let (group, i) = (u32::from(slot) / GROUP, u32::from(slot) % GROUP);
        if self.groups.get(group).is_none() {
            self.groups.put(group, &Rc::default());
        }
        let Some(uses) = self.groups.get_mut(group) else { return };
        let own = Rc::make_mut(uses);
        let (all, words) = &mut own.counts[i as usize];
        debug_assert!(by > 0 || *all > 0 && (!tagged || *words > 0), "slot {slot} is given back more often than taken");
        *all = all.wrapping_add_signed(by);
        if tagged {
            *words = words.wrapping_add_signed(by);
        }
        // While a value takes the place of another both are counted, the new one first.
        debug_assert!(
            by > 0 || *words == 0 || *words == *all,
            "slot {slot} holds a raw word for one, a tagged one for another"
        );
        own.used = own.used & !(1 << i) | u16::from(*all != 0) << i;
        own.tagged = own.tagged & !(1 << i) | u16::from(*words != 0) << i;
    }

    /// The number of users of a slot.
    pub fn uses_of(&self, slot: u16) -> u32 {
        let (group, i) = (u32::from(slot) / GROUP, u32::from(slot) % GROUP);
        self.groups.get(group).map_or(0, |uses| uses.counts[i as usize].0)
    }

    /// Adds the slots that hold tagged words to a set.
    pub fn add_tagged(&self, set: &mut SlotSet) {
        self.groups.each(|group, uses| set.insert_all(GROUP * group, uses.tagged));
    }
}

/// How many values of a state are in each register and frame slot.
#[derive(Clone, Debug, Default)]
pub struct Users {
    regs: [u32; 32],
    floats: [u32; 32],
    slots: Slots,
}

impl Users {
    fn count(&mut self, value: &Value, by: i32) {
        let bump = |n: &mut u32| {
            debug_assert!(by > 0 || *n > 0, "{:?} is given back more often than taken", value.place);
            *n = n.wrapping_add_signed(by);
        };
        match value.place {
            Place::Reg(r) => bump(&mut self.regs[r.0 as usize]),
            Place::Float(r) => bump(&mut self.floats[r.0 as usize]),
            Place::Slot(s) => self.slots.count(s, true, by),
            Place::FloatSlot(s) => self.slots.count(s, false, by),
            _ => {}
        }
        if let Some(s) = value.copy {
            self.slots.count(s, !value.place.is_raw(), by);
        }
    }

    /// The number of users of a register.
    pub fn of(&self, r: Reg) -> u32 {
        self.regs[r.0 as usize]
    }

    /// The number of users of a float register.
    pub fn of_float(&self, r: FReg) -> u32 {
        self.floats[r.0 as usize]
    }

    /// The frame slots in use.
    pub fn slots(&self) -> &Slots {
        &self.slots
    }
}

/// What all states of a function have in common.
#[derive(Debug)]
struct Common {
    /// The tick after which each variable is dead.
    ends: Vec<u32>,
    nowhere: Value,
}

/// The state of the program at a point of the code. Copies share what they have in common.
#[derive(Clone, Debug)]
pub struct State {
    /// Can this point be reached? When not, places mean nothing.
    pub reachable: bool,
    /// The variables that have a value, by id: the dead are not here, so that a state is as small as what lives in it.
    vars: Table<Held>,
    /// The operands. What was taken off stays until another one is put in its place, so that taking off changes no table: an
    /// entry counts only below the height.
    stack: Table<Held>,
    height: u32,
    users: Users,
    /// What registers hold besides.
    pub(super) echoes: Echoes,
    common: Rc<Common>,
}

impl State {
    /// The state in which nothing has a value yet, of a function whose variables die at these ticks.
    pub fn new(ends: Vec<u32>) -> State {
        State::empty(Rc::new(Common { ends, nowhere: Value::none() }))
    }

    /// A state of the same function in which nothing has a value.
    pub fn without_values(&self) -> State {
        State::empty(self.common.clone())
    }

    fn empty(common: Rc<Common>) -> State {
        State {
            reachable: true,
            vars: Table::default(),
            stack: Table::default(),
            height: 0,
            users: Users::default(),
            echoes: Echoes::default(),
            common,
        }
    }

    /// The users of registers and frame slots.
    pub fn users(&self) -> &Users {
        &self.users
    }

    /// The users without the latest `spent` operands.
    pub fn users_without(&self, spent: usize) -> Users {
        let mut users = self.users.clone();
        (self.height().saturating_sub(spent)..self.height()).for_each(|i| users.count(self.operand(i), -1));
        users
    }

    /// The number of users of a register.
    pub fn uses_of(&self, r: Reg) -> u32 {
        self.users.of(r)
    }

    /// The number of users of a float register.
    pub fn uses_of_float(&self, r: FReg) -> u32 {
        self.users.of_float(r)
    }

    /// Has a place, which is no constant, a user?
    pub fn holds(&self, place: Place) -> bool {
        match place {
            Place::Reg(r) => self.uses_of(r) > 0,
            Place::Float(r) => self.uses_of_float(r) > 0,
            Place::Slot(s) | Place::FloatSlot(s) => self.uses_of_slot(s) > 0,
            Place::None | Place::Const(_) | Place::FloatConst(_) | Place::Cell(_) => false,
        }
    }

    /// The number of users of a frame slot.
    pub fn uses_of_slot(&self, slot: u16) -> u32 {
        self.users.slots.uses_of(slot)
    }

    /// The frame slots in use.
    pub fn slots(&self) -> &Slots {
        &self.users.slots
    }

    /// The lowest frame slot that is free, not below another one, and not held. There is always one: see `MAX_SLOTS`.
    pub fn free_slot_from(&self, from: u16, held: Option<&HeldSlots>) -> u16 {
        let mut slot = u32::from(from);
        loop {
            let used = |slots: &Slots| slots.groups.get(slot / GROUP).map_or(0, |uses| uses.used);
            let used =
                held.into_iter().flat_map(HeldSlots::all).fold(used(self.slots()), |all, slots| all | used(slots));
            let free = !used >> (slot % GROUP);
            if free != 0 {
                return u16::try_from(slot + free.trailing_zeros()).unwrap_or(u16::MAX);
            }
            slot = (slot / GROUP + 1) * GROUP;
        }
    }

    /// The variable's value; its place is `None` when it has none.
    pub fn var(&self, var: VarId) -> &Value {
        self.vars.get(var.0).map_or(&self.common.nowhere, |held| &held.value)
    }

    /// Changes a variable's value; a place of `None` forgets the variable.
    pub fn set_var(&mut self, var: VarId, value: Value) {
        value.facts.assert_sound();
        self.users.count(&value, 1);
        if let Some(old) = self.vars.get(var.0) {
            self.users.count(&old.value, -1);
        }
        if value.place == Place::None {
            return self.vars.remove(var.0);
        }
        let end = self.common.ends.get(var.index()).copied().unwrap_or(u32::MAX);
        self.vars.put(var.0, &Held { value, end });
    }

    /// The variables that have a value, in order.
    pub fn vars(&self) -> Vec<VarId> {
        self.vars.keys_where(|_| true).into_iter().map(VarId).collect()
    }

    /// Number of pending operands.
    pub fn height(&self) -> usize {
        self.height as usize
    }

    /// Adds an operand.
    pub fn push(&mut self, value: Value) {
        value.facts.assert_sound();
        self.users.count(&value, 1);
        self.stack.put(self.height, &Held { value, end: u32::MAX });
        self.height += 1;
    }

    /// Takes the latest operand off. Its register is no longer counted: use or pin it before anything is allocated (which a
    /// checked build asserts of the present state).
    pub fn pop(&mut self) -> Value {
        let Some(top) = self.height.checked_sub(1) else { return Value::none() };
        self.height = top;
        let value = self.stack.get(top).map_or_else(Value::none, |held| held.value);
        self.users.count(&value, -1);
        value
    }

    /// Drops operands down to a height.
    pub fn drop_to(&mut self, height: usize) {
        while self.height() > height {
            self.pop();
        }
    }

    /// Operand `i` counted from the bottom.
    pub fn operand(&self, i: usize) -> &Value {
        debug_assert!(i < self.height());
        self.stack.get(i as u32).map_or(&self.common.nowhere, |held| &held.value)
    }

    /// Changes operand `i` counted from the bottom.
    pub fn set_operand(&mut self, i: usize, value: Value) {
        debug_assert!(i < self.height());
        self.users.count(&value, 1);
        let old = *self.operand(i);
        self.users.count(&old, -1);
        self.stack.put(i as u32, &Held { value, end: u32::MAX });
    }

    /// Does something for each operand of which `wanted` holds, ascending.
    fn each_operand_where(&self, wanted: &impl Fn(Group) -> bool, mut f: impl FnMut(usize)) {
        self.stack.each_where(wanted, &mut |i| {
            if i < self.height {
                f(i as usize);
            }
        });
    }

    /// Operands that were read from the variable are no longer it.
    pub fn unalias(&mut self, var: VarId) {
        let mut read = Vec::new();
        self.each_operand_where(&|group| group.read_from >> (var.0 % 32) & 1 != 0, |i| read.push(i));
        for i in read {
            let value = *self.operand(i);
            if value.var == Some(var) {
                self.set_operand(i, Value { var: None, ..value });
            }
        }
    }

    /// The owners of what is in one of these registers, general or float: variables first, then operands.
    fn owners_in(&self, regs: u32, floats: u32) -> Vec<Owner> {
        let wanted = |group: Group| group.regs & regs != 0 || group.floats & floats != 0;
        let mut owners = Vec::new();
        self.vars.each_where(&wanted, &mut |key| owners.push(Owner::Var(VarId(key))));
        self.each_operand_where(&wanted, |i| owners.push(Owner::Operand(i)));
        owners
    }

    /// The owners of what is in a place: variables first, then operands. Of registers this is cheap, of frame slots it is
    /// when they have no users.
    pub fn owners_of(&self, place: Place) -> Vec<Owner> {
        match place {
            Place::Reg(r) if self.uses_of(r) > 0 => self.owners_in(1 << r.0, 0),
            Place::Float(r) if self.uses_of_float(r) > 0 => self.owners_in(0, 1 << r.0),
            Place::Slot(slot) | Place::FloatSlot(slot) if self.uses_of_slot(slot) > 0 => {
                self.values().filter(|(_, v)| v.place == place).map(|(owner, _)| owner).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The owners of what is in any register.
    pub fn owners_in_registers(&self) -> Vec<Owner> {
        self.owners_in(u32::MAX, u32::MAX)
    }

    /// Forgets the variables that are dead after a tick.
    pub fn forget(&mut self, now: u32) {
        for var in self.dead_after(now) {
            self.set_var(var, Value::none());
        }
    }

    /// The variables that have a value and are dead after a tick.
    pub fn dead_after(&self, now: u32) -> Vec<VarId> {
        self.vars.keys_where(|group| group.end <= now).into_iter().map(VarId).collect()
    }

    /// The variables that are not in the same place in two states.
    pub fn vars_differing(&self, other: &State) -> Vec<VarId> {
        let mut vars = Vec::new();
        let differs = |var: VarId| self.var(var).place != other.var(var).place;
        self.vars.differing(&other.vars, &mut |key| vars.extend(Some(VarId(key)).filter(|var| differs(*var))));
        vars
    }

    /// Every value with its owner. It looks at all that lives: what is done often asks for less.
    pub fn values(&self) -> impl Iterator<Item = (Owner, &Value)> {
        let vars = self.vars.entries().into_iter().map(|(var, held)| (Owner::Var(VarId(var)), &held.value));
        let stack = self.stack.entries().into_iter().take_while(|(i, _)| *i < self.height);
        vars.chain(stack.map(|(i, held)| (Owner::Operand(i as usize), &held.value)))
    }

    /// The owners that have a value in this state which may be another one in one of the others, or none: variables in
    /// order, then operands.
    pub fn differing<'s>(&self, others: impl IntoIterator<Item = &'s State>) -> Vec<Owner> {
        let mut owners = Vec::new();
        for other in others {
            let mut add = |owner| owners.extend(Some(owner).filter(|owner| self.has(*owner)));
            self.vars.differing(&other.vars, &mut |key| add(Owner::Var(VarId(key))));
            self.stack.differing(&other.stack, &mut |key| add(Owner::Operand(key as usize)));
        }
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// Does the owner have a value?
    pub fn has(&self, owner: Owner) -> bool {
        match owner {
            Owner::Var(v) => self.vars.get(v.0).is_some(),
            Owner::Operand(i) => i < self.height(),
        }
    }

    /// The value of an owner; its place is `None` when it has none.
    pub fn get(&self, owner: Owner) -> &Value {
        match owner {
            Owner::Var(v) => self.var(v),
            Owner::Operand(i) if i < self.height() => self.operand(i),
            Owner::Operand(_) => &self.common.nowhere,
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Owner {
    /// A variable.
    Var(VarId),
    /// A pending operand, counted from the bottom.
    Operand(usize),
}
