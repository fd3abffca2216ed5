//! The generator: one walk over the tree of an arity emits its code.
//!
//! This file holds the generator itself and its way of moving values: operands into registers, registers to the frame. What is
//! emitted for which form stands in the other files of the folder, one family of forms each. Layering: forms decide *what*;
//! this file and `agree.rs` own the state; the macro assembler decides *how*. No file here names a machine register.
//!
//! Invariants: an operand that is in use by the current operation is on the state's stack and its register is pinned; a
//! cold path is written for the state that was current when it was asked for.

use super::facts::{Facts, Types};
use super::join::Join;
use super::link::{Helper, Link};
use super::state::{Owner, Place, State, Value};
use super::survey::Survey;
use super::twin::{Promotion, Region};
use crate::asm::masm::*;
use crate::gc::Word;
use crate::gc::layout;
use crate::reader::tree::*;
use rustc_hash::FxHashMap;

/// What is known at a return address: read off the state.
#[derive(Debug, Clone)]
pub struct Safepoint {
    /// Offset of the return address.
    pub return_offset: u32,
    /// Callee-saved registers that hold live tagged words.
    pub live_saved: u8,
    /// Frame slots that hold live tagged words.
    pub slots: Vec<u16>,
    /// Where an exception that comes out of the call lands.
    pub handler: Option<Label>,
}

/// A piece of code that is written after the hot code.
pub(super) type Cold<'a, M> = Box<dyn FnOnce(&mut Generator<'a, M>) + 'a>;

/// A loop being generated.
#[derive(Clone)]
pub(super) struct LoopFrame {
    pub(super) id: LoopId,
    /// Height of the operand stack in the loop: `continue` drops what is above.
    pub(super) height: usize,
    /// Height before the loop: `break` leaves its value there.
    pub(super) base: usize,
    /// Number of open cleanups at the loop.
    pub(super) cleanups: usize,
}

/// What has to run when control leaves a region other than through its end.
#[derive(Clone)]
pub(super) enum Cleanup {
    /// The `finally` block of a `try`, and the landing pad outside of it.
    Finally { node: NodeId, outer: Option<Label> },
    /// A landing pad without a block: leaving restores the one outside.
    Handler { outer: Option<Label> },
    /// The dynamic bindings as they were, at this operand.
    Dynamic { operand: usize, outer: Option<Label> },
}

/// The generator of one arity's code.
pub struct Generator<'a, M: MacroAssembler> {
    pub(super) asm: M,
    pub(super) link: &'a mut dyn Link,
    pub(super) unit: &'a Unit,
    pub(super) arity: &'a Arity,
    pub(super) survey: Survey,
    pub(super) state: State,
    pub(super) pinned: RegSet,
    pub(super) pinned_floats: u32,
    pub(super) slot_count: u16,
    pub(super) cold: Vec<Cold<'a, M>>,
    pub(super) safepoints: Vec<Safepoint>,
    pub(super) lines: Vec<(u32, u32)>,
    pub(super) handler: Option<Label>,
    /// Variables that must stay in their place, because a landing pad expects them there.
    pub(super) settled: Vec<(VarId, Place)>,
    pub(super) loops: Vec<LoopFrame>,
    pub(super) joins: Vec<(LoopId, Join, Join)>,
    pub(super) cleanups: Vec<Cleanup>,
    pub(super) region: Option<Region>,
    /// The loop whose value nobody wants.
    pub(super) unwanted: Option<NodeId>,
    /// The register in which the value of a node is needed: a wish.
    pub(super) wanted: Option<(NodeId, Reg)>,
    pub(super) prologue: u32,
    /// The node being generated, for line tables.
    pub(super) at: NodeId,
    /// The tick of the node that was finished last: what lives is told by it.
    pub(super) now: u32,
    /// Nodes written so far, each walk counted.
    pub(super) work: u32,
    /// The work is given up; what is emitted from here on is thrown away.
    pub(super) given_up: bool,
    /// What was found out of a loop in earlier attempts, by loop and whether it was hot: it holds in later ones, too.
    pub(super) learned: FxHashMap<(LoopId, bool), Learned>,
}

/// What attempts to write a loop have found out.
#[derive(Clone, Default)]
pub(super) struct Learned {
    /// What owners have widened to.
    pub(super) widened: Vec<(Owner, Facts)>,
    /// What is worth asking before the loop.
    pub(super) promotions: Vec<(VarId, Promotion)>,
}

/// A state of the generator to which it can be cut back.
pub(super) struct GeneratorMark {
    asm: Mark,
    state: State,
    cold: usize,
    safepoints: usize,
    lines: usize,
    joins: usize,
    handler: Option<Label>,
    now: u32,
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// Notes the present state.
    pub(super) fn mark(&self) -> GeneratorMark {
        GeneratorMark {
            asm: self.asm.mark(),
            state: self.state.clone(),
            cold: self.cold.len(),
            safepoints: self.safepoints.len(),
            lines: self.lines.len(),
            joins: self.joins.len(),
            handler: self.handler,
            now: self.now,
        }
    }

    /// Cuts back to a state.
    pub(super) fn rollback(&mut self, mark: &GeneratorMark) {
        self.asm.rollback(&mark.asm);
        self.state = mark.state.clone();
        self.cold.truncate(mark.cold);
        self.safepoints.truncate(mark.safepoints);
        self.lines.truncate(mark.lines);
        self.joins.truncate(mark.joins);
        self.handler = mark.handler;
        self.now = mark.now;
        self.unpin();
    }

    // ---- frame ----

    /// The memory of a frame slot.
    pub(super) fn slot(&mut self, slot: u16) -> Mem {
        self.slot_count = self.slot_count.max(slot + 1);
        let saved = self.survey.saved.count_ones() as i32;
        Mem::at(M::FP, -8 * (saved + 1 + slot as i32))
    }

    /// Bytes of the frame below the frame pointer.
    pub(super) fn frame_bytes(&self) -> u32 {
        let words = self.survey.saved.count_ones() + self.slot_count as u32;
        (words * 8).next_multiple_of(16)
    }

    fn is_callee_saved(&self, r: Reg) -> bool {
        M::CALLEE_SAVED.contains(&r)
    }

    // ---- pins and registers ----

    /// Keeps a register from being evicted until [`Generator::unpin`].
    pub(super) fn pin(&mut self, r: Reg) {
        self.pinned = self.pinned.with(r);
    }

    pub(super) fn pin_float(&mut self, r: FReg) {
        self.pinned_floats |= 1 << r.0;
    }

    /// The current operation is over.
    pub(super) fn unpin(&mut self) {
        self.pinned = RegSet::default();
        self.pinned_floats = 0;
    }

    fn is_free(&self, r: Reg) -> bool {
        self.state.uses_of(r) == 0 && !self.pinned.contains(r)
    }

    /// A free register, pinned; some value goes to the frame when there is none.
    pub(super) fn register(&mut self) -> Reg {
        self.register_among(M::CALLER_SAVED)
    }

    /// A free register for the value of a node, pinned: the wanted one when it is free.
    pub(super) fn result_register(&mut self, node: NodeId) -> Reg {
        if let Some((wanted, r)) = self.wanted
            && wanted == node
            && self.is_free(r)
        {
            self.pin(r);
            return r;
        }
        self.register()
    }

    /// A free register of a set, pinned.
    pub(super) fn register_among(&mut self, among: &[Reg]) -> Reg {
        let free = among.iter().copied().find(|r| self.is_free(*r));
        let r = free.unwrap_or_else(|| {
            let victim = among.iter().copied().find(|r| !self.pinned.contains(*r)).unwrap_or(among[0]);
            self.evict(victim);
            victim
        });
        self.pin(r);
        r
    }

    /// Makes sure that so many registers can be had without moving anything: after a failing way has noted the state, nothing
    /// may move.
    pub(super) fn reserve(&mut self, general: usize, floats: usize) {
        let mut free = M::CALLER_SAVED.iter().filter(|r| self.is_free(**r)).count();
        for r in M::CALLER_SAVED {
            if free >= general {
                break;
            }
            if !self.pinned.contains(*r) && self.state.uses_of(*r) > 0 {
                self.evict(*r);
                free += 1;
            }
        }
        let is_free = |g: &Self, f: FReg| g.state.uses_of_float(f) == 0 && g.pinned_floats >> f.0 & 1 == 0;
        let mut free = M::FLOATS.iter().filter(|f| is_free(self, **f)).count();
        for f in M::FLOATS {
            if free >= floats {
                break;
            }
            if self.pinned_floats >> f.0 & 1 == 0 && self.state.uses_of_float(*f) > 0 {
                self.evict_float(*f);
                free += 1;
            }
        }
    }

    /// Makes this very register free and pins it: what is in it moves to another one, or to the frame.
    pub(super) fn take_register(&mut self, r: Reg) {
        if self.state.uses_of(r) > 0 {
            self.pin(r);
            match M::CALLER_SAVED.iter().copied().find(|o| self.is_free(*o)) {
                Some(other) => {
                    self.asm.mov(other, r);
                    self.state.update(|_, v| {
                        (v.place == Place::Reg(r)).then(|| Value { place: Place::Reg(other), ..v.clone() })
                    });
                }
                None => self.evict(r),
            }
        }
        self.pin(r);
    }

    /// Moves the value in a register to the frame.
    fn evict(&mut self, r: Reg) {
        let copy = self.state.values().find(|(_, v)| v.place == Place::Reg(r)).and_then(|(_, v)| v.copy);
        let slot = copy.unwrap_or_else(|| {
            let slot = self.state.free_slot();
            let mem = self.slot(slot);
            self.asm.store(mem, r);
            slot
        });
        self.state.update(|_, v| {
            (v.place == Place::Reg(r)).then(|| Value { place: Place::Slot(slot), copy: None, ..v.clone() })
        });
    }

    /// A free float register, pinned.
    pub(super) fn float_register(&mut self) -> FReg {
        let free =
            M::FLOATS.iter().copied().find(|r| self.state.uses_of_float(*r) == 0 && self.pinned_floats >> r.0 & 1 == 0);
        let r = free.unwrap_or_else(|| {
            let victim = M::FLOATS.iter().copied().find(|r| self.pinned_floats >> r.0 & 1 == 0).unwrap_or(M::FLOATS[0]);
            self.evict_float(victim);
            victim
        });
        self.pin_float(r);
        r
    }

    fn evict_float(&mut self, r: FReg) {
        let copy = self.state.values().find(|(_, v)| v.place == Place::Float(r)).and_then(|(_, v)| v.copy);
        let slot = copy.unwrap_or_else(|| {
            let slot = self.state.free_slot();
            let mem = self.slot(slot);
            self.asm.fstore(mem, r);
            slot
        });
        self.state.update(|_, v| {
            (v.place == Place::Float(r)).then(|| Value { place: Place::FloatSlot(slot), copy: None, ..v.clone() })
        });
    }

    // ---- operands ----

    /// The index of the `n`th latest operand (0: the latest).
    pub(super) fn top(&self, n: usize) -> usize {
        self.state.height() - 1 - n
    }

    /// Puts a result in a register on the stack.
    pub(super) fn push_reg(&mut self, r: Reg, facts: Facts) {
        self.state.push(Value::new(Place::Reg(r), facts));
    }

    /// Puts a constant on the stack.
    pub(super) fn push_constant(&mut self, word: Word) {
        self.state.push(Value::constant(word));
    }

    /// Operand `i` as a tagged word in a register, pinned.
    pub(super) fn in_register(&mut self, i: usize) -> Reg {
        let value = self.state.operand(i).clone();
        let r = match value.place {
            Place::Reg(r) => {
                self.pin(r);
                return r;
            }
            Place::Slot(slot) => {
                let r = self.register();
                let mem = self.slot(slot);
                self.asm.load(r, mem);
                // A variable read again soon is read from the register.
                if let Some(var) = value.var
                    && self.state.var(var).place == value.place
                    && !self.is_settled(var)
                {
                    let held = Value { place: Place::Reg(r), copy: Some(slot), ..self.state.var(var).clone() };
                    self.state.set_var(var, held);
                }
                self.state.set_operand(i, Value { place: Place::Reg(r), copy: Some(slot), ..value });
                return r;
            }
            Place::Const(word) => {
                let r = self.register();
                self.asm.mov_imm(r, word.0 as i64);
                r
            }
            Place::Cell(address) => {
                let r = self.register();
                self.asm.load_cell(r, address);
                r
            }
            Place::Float(_) | Place::FloatSlot(_) => {
                let f = self.in_float(i);
                let r = self.register();
                self.tag_into(r, f);
                r
            }
            Place::FloatConst(f) => {
                let r = self.register();
                match Word::float(f) {
                    Some(word) => self.asm.mov_imm(r, word.0 as i64),
                    None => {
                        let f = self.in_float(i);
                        self.tag_into(r, f);
                    }
                }
                r
            }
            Place::None => self.register(),
        };
        let value = self.state.operand(i).clone();
        self.state.set_operand(i, Value { place: Place::Reg(r), copy: None, ..value });
        r
    }

    /// Tags a raw float into a register.
    pub(super) fn tag_into(&mut self, dst: Reg, src: FReg) {
        let boxed = self.asm.label();
        let done = self.asm.label();
        self.asm.tag_float(dst, src, boxed);
        self.asm.bind(done);
        self.cold.push(Box::new(move |g| {
            g.asm.bind(boxed);
            g.asm.fmov(M::FSCRATCH, src);
            let stub = g.link.box_float_stub();
            g.asm.call_code(stub);
            if dst != M::SCRATCH {
                g.asm.mov(dst, M::SCRATCH);
            }
            g.asm.jump(done);
        }));
    }

    /// Untags a word that is certainly a Float, immediate or boxed.
    pub(super) fn untag_into(&mut self, dst: FReg, src: Reg) {
        let boxed = self.asm.label();
        let done = self.asm.label();
        self.asm.test_imm(src, crate::gc::word::FLOAT_BIT as i64);
        self.asm.branch(Cond::Equal, boxed);
        self.asm.untag_float(dst, src);
        self.asm.bind(done);
        self.cold.push(Box::new(move |g| {
            g.asm.bind(boxed);
            g.asm.fload(dst, Mem::at(src, layout::slot_disp(0)));
            g.asm.jump(done);
        }));
    }

    /// Operand `i`, certainly a Float, raw in a register, pinned.
    pub(super) fn in_float(&mut self, i: usize) -> FReg {
        let value = self.state.operand(i).clone();
        let f = match value.place {
            Place::Float(f) => {
                self.pin_float(f);
                return f;
            }
            Place::FloatSlot(slot) => {
                let f = self.float_register();
                let mem = self.slot(slot);
                self.asm.fload(f, mem);
                if let Some(var) = value.var
                    && self.state.var(var).place == value.place
                    && !self.is_settled(var)
                {
                    let held = Value { place: Place::Float(f), copy: Some(slot), ..self.state.var(var).clone() };
                    self.state.set_var(var, held);
                }
                self.state.set_operand(i, Value { place: Place::Float(f), copy: Some(slot), ..value });
                return f;
            }
            Place::FloatConst(c) => {
                let f = self.float_register();
                self.asm.fmov_imm(f, c);
                f
            }
            _ => {
                let r = self.in_register(i);
                let f = self.float_register();
                self.untag_into(f, r);
                f
            }
        };
        let value = self.state.operand(i).clone();
        self.state.set_operand(i, Value { place: Place::Float(f), copy: None, facts: Facts::FLOAT, ..value });
        f
    }

    /// Operand `i`, certainly an inline Int, as a raw float in a register, pinned. The operand stays as it is.
    pub(super) fn int_as_float(&mut self, i: usize) -> FReg {
        let f = self.float_register();
        if let Place::Const(word) = self.state.operand(i).place
            && let Some(n) = word.as_int()
        {
            self.asm.fmov_imm(f, n as f64);
            return f;
        }
        let r = self.in_register(i);
        self.asm.shift_imm(Shift::Right, M::SCRATCH, r, 3);
        self.asm.int_to_float(f, M::SCRATCH);
        f
    }

    /// The constant Int of an operand.
    pub(super) fn constant_int(&self, i: usize) -> Option<i64> {
        match self.state.operand(i).place {
            Place::Const(word) => word.as_int(),
            _ => None,
        }
    }

    /// The constant word of an operand.
    pub(super) fn constant_word(&self, i: usize) -> Option<Word> {
        match self.state.operand(i).place {
            Place::Const(word) => Some(word),
            Place::FloatConst(f) => Word::float(f),
            _ => None,
        }
    }

    /// Something was learnt of operand `i` that holds from here on, so it holds of its variable as well.
    pub(super) fn learn(&mut self, i: usize, facts: Facts) {
        let value = self.state.operand(i).clone();
        if let Some(var) = value.var {
            let known = self.state.var(var).clone();
            if known.place != Place::None && !known.place.is_raw() {
                self.state.set_var(var, Value { facts, ..known });
            }
        }
        self.state.set_operand(i, Value { facts, ..value });
    }

    /// Replaces the latest `n` operands by a value.
    pub(super) fn replace(&mut self, n: usize, value: Value) {
        self.state.push(value);
        let result = self.state.pop();
        for _ in 0..n {
            self.state.pop();
        }
        self.state.push(result);
        self.unpin();
    }

    /// Replaces the latest `n` operands by a word in a register.
    pub(super) fn replace_reg(&mut self, n: usize, r: Reg, facts: Facts) {
        self.replace(n, Value::new(Place::Reg(r), facts));
    }

    /// When the point cannot be reached, replaces the latest `n` operands by anything and says so.
    pub(super) fn dead(&mut self, n: usize) -> bool {
        if self.state.reachable {
            return false;
        }
        self.replace(n, Value::constant(Word::NULL));
        true
    }

    /// From here on nothing is reached; an operand stands for the value that is never seen.
    pub(super) fn unreachable(&mut self) {
        self.state.reachable = false;
    }

    // ---- variables ----

    /// Must the variable stay in its place for a landing pad?
    pub(super) fn is_settled(&self, var: VarId) -> bool {
        self.settled.iter().any(|(v, _)| *v == var)
    }

    /// The register in which a variable lives across calls.
    pub(super) fn home(&self, var: VarId) -> Option<Reg> {
        self.survey.home(var).map(|i| M::CALLEE_SAVED[i as usize])
    }

    /// Gives the latest operand to a variable and takes it off the stack.
    pub(super) fn store_var(&mut self, var: VarId) {
        if !self.state.reachable {
            self.state.pop();
            return;
        }
        let i = self.top(0);
        if let Some(place) = self.settled.iter().rev().find(|(v, _)| *v == var).map(|(_, p)| *p) {
            self.store_settled(i, var, place);
            return;
        }
        let value = self.state.operand(i).clone();
        let home = self.home(var);
        let place = match (value.place, home) {
            // A home is for tagged words; a raw float stays raw.
            (Place::Reg(r), Some(home)) if r != home => {
                self.vacate_home(home, var);
                self.asm.mov(home, r);
                Value { place: Place::Reg(home), copy: None, var: None, ..value.clone() }
            }
            (Place::Slot(_) | Place::Cell(_), Some(home)) => {
                let r = self.in_register(i);
                self.vacate_home(home, var);
                self.asm.mov(home, r);
                Value { place: Place::Reg(home), copy: None, var: None, ..value.clone() }
            }
            // Another variable's callee-saved register is not for this one.
            (Place::Reg(r), None) if self.is_callee_saved(r) => {
                let to = self.register();
                self.asm.mov(to, r);
                Value { place: Place::Reg(to), copy: None, var: None, ..value.clone() }
            }
            _ => Value { var: None, ..value.clone() },
        };
        self.state.pop();
        self.state.set_var(var, place);
        self.unalias(var);
        self.unpin();
    }

    /// Pending operands that alias a variable keep the old value: they are no longer it.
    fn unalias(&mut self, var: VarId) {
        self.state.update(|owner, v| match owner {
            Owner::Operand(_) if v.var == Some(var) => Some(Value { var: None, ..v.clone() }),
            _ => None,
        });
    }

    /// Before a home register gets a new value: operands that alias the old one move away.
    pub(super) fn vacate_home(&mut self, home: Reg, var: VarId) {
        let mut others = self.state.uses_of(home);
        if self.state.var(var).place == Place::Reg(home) {
            others -= 1;
        }
        if others == 0 {
            return;
        }
        let to = self.register();
        self.asm.mov(to, home);
        self.state.update(|owner, v| {
            (v.place == Place::Reg(home) && owner != Owner::Var(var))
                .then(|| Value { place: Place::Reg(to), ..v.clone() })
        });
    }

    /// A variable that a landing pad expects in its place: the value goes there at once.
    fn store_settled(&mut self, i: usize, var: VarId, place: Place) {
        let r = self.in_register(i);
        let facts = self.state.operand(i).facts;
        match place {
            Place::Reg(home) => {
                self.vacate_home(home, var);
                if r != home {
                    self.asm.mov(home, r);
                }
            }
            Place::Slot(slot) => {
                self.vacate_slot(slot, var);
                let mem = self.slot(slot);
                self.asm.store(mem, r);
            }
            _ => {}
        }
        self.state.pop();
        self.state.set_var(var, Value::new(place, facts));
        self.unalias(var);
        self.unpin();
    }

    fn vacate_slot(&mut self, slot: u16, var: VarId) {
        let holds = |v: &Value| v.place == Place::Slot(slot) || v.copy == Some(slot);
        let shared = self.state.values().any(|(o, v)| o != Owner::Var(var) && holds(v));
        if !shared {
            return;
        }
        let to = self.register();
        let mem = self.slot(slot);
        self.asm.load(to, mem);
        self.state.update(|owner, v| {
            if owner == Owner::Var(var) || !holds(v) {
                return None;
            }
            match v.place {
                Place::Slot(s) if s == slot => Some(Value { place: Place::Reg(to), copy: None, ..v.clone() }),
                _ => Some(Value { copy: None, ..v.clone() }),
            }
        });
    }

    /// Pushes a variable's value.
    pub(super) fn push_var(&mut self, var: VarId) {
        let value = self.state.var(var).clone();
        if value.place == Place::None {
            self.push_constant(Word::NULL);
            return;
        }
        self.state.push(Value { var: Some(var), ..value });
    }

    /// Forgets the variables that are not used any more.
    pub(super) fn forget_dead(&mut self) {
        let (survey, settled, now) = (&self.survey, &self.settled, self.now);
        self.state.forget(|var| survey.end(var) <= now && !settled.iter().any(|(v, _)| *v == var));
    }

    // ---- safepoints ----

    /// The map of the present state for a call that returns here.
    pub(super) fn safepoint(&mut self) {
        let return_offset = self.asm.offset();
        let mut live_saved = 0;
        let mut slots = Vec::new();
        for (_, value) in self.state.values() {
            match value.place {
                Place::Reg(r) => {
                    if let Some(i) = M::CALLEE_SAVED.iter().position(|s| *s == r) {
                        live_saved |= 1 << i;
                    }
                    slots.extend(value.copy);
                }
                Place::Slot(s) => slots.push(s),
                _ => {}
            }
        }
        slots.sort_unstable();
        slots.dedup();
        let handler = self.handler;
        self.safepoints.push(Safepoint { return_offset, live_saved, slots, handler });
    }

    /// Notes the source position of the code that follows.
    pub(super) fn line(&mut self) {
        let source = self.unit.span(self.at).start;
        let offset = self.asm.offset();
        match self.lines.last_mut() {
            Some((_, s)) if *s == source => {}
            Some((o, s)) if *o == offset => *s = source,
            _ => self.lines.push((offset, source)),
        }
    }

    /// Before a call: what lives in caller-saved registers goes to the frame. Operands from `above` on are the call's own
    /// and are left alone.
    pub(super) fn save_for_call(&mut self, above: usize) {
        self.forget_dead();
        for k in 0..M::CALLER_SAVED.len() {
            let r = M::CALLER_SAVED[k];
            if self.state.uses_of(r) == 0 {
                continue;
            }
            let kept = |owner: Owner| !matches!(owner, Owner::Operand(i) if i >= above);
            let first = self.state.values().find(|(o, v)| kept(*o) && v.place == Place::Reg(r));
            let Some((_, value)) = first else { continue };
            let slot = match value.copy {
                Some(slot) => slot,
                None => {
                    let slot = self.state.free_slot();
                    let mem = self.slot(slot);
                    self.asm.store(mem, r);
                    slot
                }
            };
            self.state.update(|owner, v| {
                (kept(owner) && v.place == Place::Reg(r)).then(|| Value {
                    place: Place::Slot(slot),
                    copy: None,
                    ..v.clone()
                })
            });
        }
        for k in 0..M::FLOATS.len() {
            let f = M::FLOATS[k];
            if self.state.uses_of_float(f) == 0 {
                continue;
            }
            let kept = |owner: Owner| !matches!(owner, Owner::Operand(i) if i >= above);
            let first = self.state.values().find(|(o, v)| kept(*o) && v.place == Place::Float(f));
            let Some((_, value)) = first else { continue };
            let slot = match value.copy {
                Some(slot) => slot,
                None => {
                    let slot = self.state.free_slot();
                    let mem = self.slot(slot);
                    self.asm.fstore(mem, f);
                    slot
                }
            };
            self.state.update(|owner, v| {
                (kept(owner) && v.place == Place::Float(f)).then(|| Value {
                    place: Place::FloatSlot(slot),
                    copy: None,
                    ..v.clone()
                })
            });
        }
    }

    /// Calls a helper inline: the latest `n` operands are its arguments and are replaced by the result. `extra` are raw words
    /// that follow them.
    pub(super) fn call_helper(&mut self, helper: Helper, n: usize, extra: &[u64], facts: Facts) {
        if self.dead(n) {
            return;
        }
        let above = self.state.height() - n;
        for i in above..self.state.height() {
            // Raw floats are tagged while registers are still plenty.
            if self.state.operand(i).place.is_raw() {
                self.in_register(i);
                self.unpin();
            }
        }
        self.save_for_call(above);
        let mut moves = Vec::new();
        for k in 0..n {
            moves.push((self.state.operand(above + k).place, Place::Reg(M::ARGS[k])));
        }
        self.parallel_move(moves);
        for (k, word) in extra.iter().enumerate() {
            self.asm.mov_imm(M::ARGS[n + k], *word as i64);
        }
        for _ in 0..n {
            self.state.pop();
        }
        self.line();
        let code = self.link.helper(helper);
        self.asm.call_code(code);
        self.safepoint();
        self.unpin();
        self.push_reg(M::RESULT, facts);
    }

    /// A helper call out of line, from the state `self.state`: keeps every live register. The arguments are places of that
    /// state or raw words. The result comes in SCRATCH.
    pub(super) fn call_helper_cold(&mut self, helper: Helper, arguments: &[Argument]) {
        // Save what lives in caller-saved registers into fresh slots; the state for the map has them there.
        let before = self.state.clone();
        let mut saved: Vec<(Reg, u16)> = Vec::new();
        let mut saved_floats: Vec<(FReg, u16)> = Vec::new();
        let mut next = self.state.free_slot();
        let mut fresh = |state: &State| {
            while state
                .values()
                .any(|(_, v)| v.copy == Some(next) || v.place == Place::Slot(next) || v.place == Place::FloatSlot(next))
            {
                next += 1;
            }
            next += 1;
            next - 1
        };
        for r in M::CALLER_SAVED {
            if self.state.uses_of(*r) > 0 {
                saved.push((*r, fresh(&before)));
            }
        }
        for f in M::FLOATS {
            if self.state.uses_of_float(*f) > 0 {
                saved_floats.push((*f, fresh(&before)));
            }
        }
        for (r, slot) in &saved {
            let mem = self.slot(*slot);
            self.asm.store(mem, *r);
        }
        for (f, slot) in &saved_floats {
            let mem = self.slot(*slot);
            self.asm.fstore(mem, *f);
        }
        self.state.update(|_, v| match v.place {
            Place::Reg(r) => {
                saved.iter().find(|(s, _)| *s == r).map(|(_, slot)| Value { place: Place::Slot(*slot), ..v.clone() })
            }
            Place::Float(f) => saved_floats
                .iter()
                .find(|(s, _)| *s == f)
                .map(|(_, slot)| Value { place: Place::FloatSlot(*slot), ..v.clone() }),
            _ => None,
        });
        let mut moves = Vec::new();
        for (k, argument) in arguments.iter().enumerate() {
            if let Argument::Place(place) = argument {
                moves.push((*place, Place::Reg(M::ARGS[k])));
            }
        }
        self.parallel_move(moves);
        for (k, argument) in arguments.iter().enumerate() {
            if let Argument::Raw(word) = argument {
                self.asm.mov_imm(M::ARGS[k], *word as i64);
            }
        }
        self.line();
        let code = self.link.helper(helper);
        self.asm.call_code(code);
        // Copies beside registers are in the map as well: they must stay true.
        self.safepoint_with_copies();
        self.asm.mov(M::SCRATCH, M::RESULT);
        for (r, slot) in &saved {
            let mem = self.slot(*slot);
            self.asm.load(*r, mem);
        }
        for (f, slot) in &saved_floats {
            let mem = self.slot(*slot);
            self.asm.fload(*f, mem);
        }
        self.state = before;
    }

    fn safepoint_with_copies(&mut self) {
        self.safepoint();
        let mut extra: Vec<u16> =
            self.state.values().filter(|(_, v)| !v.place.is_raw()).filter_map(|(_, v)| v.copy).collect();
        if let Some(point) = self.safepoints.last_mut() {
            point.slots.append(&mut extra);
            point.slots.sort_unstable();
            point.slots.dedup();
        }
    }

    /// Pushes a slow path: reached at the returned label with the present state; calls the helper with the operands at the
    /// given indices, puts the result into `dst` and goes on at `resume`.
    pub(super) fn slow_path(&mut self, helper: Helper, arguments: Vec<Argument>, dst: Reg, resume: Label) -> Label {
        let label = self.asm.label();
        let state = self.state.clone();
        let at = self.at;
        let handler = self.handler;
        self.cold.push(Box::new(move |g| {
            g.asm.bind(label);
            g.enter_cold(state, at, handler);
            g.call_helper_cold(helper, &arguments);
            g.asm.mov(dst, M::SCRATCH);
            g.asm.jump(resume);
        }));
        label
    }

    /// The generator as it was when a cold path was asked for.
    pub(super) fn enter_cold(&mut self, state: State, at: NodeId, handler: Option<Label>) {
        self.state = state;
        self.at = at;
        self.handler = handler;
        self.unpin();
    }

    /// An operand as an argument of a cold call.
    pub(super) fn argument(&self, i: usize) -> Argument {
        Argument::Place(self.state.operand(i).place)
    }

    /// The frame's word for a value that may be anything: used where facts end.
    pub(super) fn types_of(&self, i: usize) -> Types {
        self.state.operand(i).facts.types
    }
}

/// An argument of a helper called out of line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Argument {
    /// A place of the state.
    Place(Place),
    /// An untagged word.
    Raw(u64),
}
