//! The check of one body: what is known is carried along all ways until it does not change, and then every instruction is looked at.
//!
//! Owns calls, safepoints, landing pads and the ways out. What one instruction does is in `x64.rs`.
//!
//! Invariant: what is known at a point holds on every way that leads there. So nothing is told before all ways have met.

use super::flow::{self, Flow, Target};
use super::state::{Flags, State};
use super::value::{Class, RETURN, TAGGED, Value};
use super::x64::{Place, Step};
use super::{Claims, Finding};
use crate::asm::code_map::{Function, Safepoint, saved_offset};
use crate::asm::masm::{Frame, Reg};
use crate::asm::x64::regs::{CALLEE_SAVED, CALLER_SAVED, R15, RAX, RBP, RSP, SCRATCH};
use iced_x86::{ConditionCode, FlowControl, Instruction, OpKind};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};

/// The frame pointer's distance from the return address.
const FP: i32 = -8;

struct Body<'a> {
    function: &'a Function,
    claims: &'a Claims,
    /// Where code may go: is a function or stub there?
    known: &'a dyn Fn(u64) -> bool,
    flow: Flow,
    /// What is known at the leaders.
    states: BTreeMap<u32, State>,
    /// The numbers of those that are to be looked at, in the order of `order`.
    work: BTreeSet<usize>,
    order: Vec<u32>,
    numbers: FxHashMap<u32, usize>,
    /// Told of at the end.
    findings: Option<Vec<Finding>>,
}

/// What is wrong with a body.
pub fn check(function: &Function, code: &[u8], claims: &Claims, known: &dyn Fn(u64) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let flow = flow::follow(function, code, &mut findings);
    if !findings.is_empty() {
        return findings;
    }
    let states = BTreeMap::from([(0, State::entry())]);
    let order = flow::order(function, &flow);
    let numbers = order.iter().enumerate().map(|(number, at)| (*at, number)).collect();
    let work = BTreeSet::from([0]);
    let mut body = Body { function, claims, known, flow, states, work, order, numbers, findings: None };
    while let Some(number) = body.work.pop_first() {
        body.block(body.order[number]);
    }
    body.findings = Some(Vec::new());
    for start in body.states.keys().copied().collect::<Vec<_>>() {
        body.block(start);
    }
    body.unmet();
    let mut findings = body.findings.unwrap_or_default();
    findings.sort_by_key(|finding| finding.offset);
    findings
}

impl Body<'_> {
    fn say(&mut self, offset: u32, what: String) {
        if let Some(findings) = &mut self.findings {
            findings.push(Finding::new(offset, what));
        }
    }

    /// Another way leads to a leader.
    fn arrive(&mut self, at: u32, state: State) {
        if self.findings.is_some() {
            return;
        }
        let changed = match self.states.get_mut(&at) {
            Some(known) => known.join(&state),
            None => {
                self.states.insert(at, state);
                true
            }
        };
        if changed {
            self.work.extend(self.numbers.get(&at));
        }
    }

    /// Goes on from a leader to the next.
    fn block(&mut self, start: u32) {
        let Some(mut state) = self.states.get(&start).cloned() else { return };
        let mut at = start;
        while let Some(instruction) = self.flow.instructions.get(&at).copied() {
            if !self.instruction(at, &instruction, &mut state) {
                return;
            }
            at += instruction.len() as u32;
            if self.flow.leaders.contains(&at) {
                return self.arrive(at, state);
            }
        }
    }

    /// Looks at an instruction. Does control go on behind it?
    fn instruction(&mut self, at: u32, instruction: &Instruction, state: &mut State) -> bool {
        self.check_frame(at, state);
        let mut step = Step { state, instruction, offset: at, wrong: Vec::new() };

        match instruction.flow_control() {
            FlowControl::Next => {
                let known = step.take();
                let wrong = step.wrong;
                wrong.into_iter().for_each(|what| self.say(at, what));
                if !known {
                    self.say(at, "an instruction that the verifier does not know".into());
                }
                true
            }
            FlowControl::ConditionalBranch => {
                step.flags();
                let wrong = step.wrong;
                wrong.into_iter().for_each(|what| self.say(at, what));
                self.branch(at, instruction, state)
            }
            FlowControl::UnconditionalBranch => {
                match flow::target(self.function, instruction) {
                    Some(Target::Inside(to)) => self.arrive(to, state.clone()),
                    Some(Target::Outside(to)) => self.leave(at, state, Some(to)),
                    None => self.say(at, "a jump of a form that is not known".into()),
                }
                false
            }
            FlowControl::IndirectBranch => {
                self.through_memory(at, instruction, state);
                self.leave(at, state, None);
                false
            }
            FlowControl::Return => {
                let result = state.regs[usize::from(RAX.0)].class;
                if !result.is_tagged() {
                    self.say(at, format!("the result is {result}"));
                }
                self.leave(at, state, None);
                false
            }
            FlowControl::Call | FlowControl::IndirectCall => {
                self.call(at, instruction, state);
                true
            }
            FlowControl::Exception if instruction.mnemonic() == iced_x86::Mnemonic::Ud2 => false,
            _ => {
                self.say(at, "an instruction that the verifier does not know".into());
                false
            }
        }
    }

    /// Goes both ways, as far as they can be gone. Does control go on behind the branch?
    fn branch(&mut self, at: u32, instruction: &Instruction, state: &mut State) -> bool {
        let Some(Target::Inside(to)) = flow::target(self.function, instruction) else {
            self.say(at, "a branch out of the body".into());
            return true;
        };
        let zero = match instruction.condition_code() {
            ConditionCode::e => true,
            ConditionCode::ne => false,
            _ => {
                self.arrive(to, state.clone());
                return true;
            }
        };
        if let Some(taken) = state.clone().when_zero(zero) {
            self.arrive(to, taken);
        }
        let Some(behind) = state.clone().when_zero(!zero) else { return false };
        *state = behind;
        true
    }

    /// What the code map says of the frame here.
    fn check_frame(&mut self, at: u32, state: &State) {
        let (sp, fp) = (state.regs[usize::from(RSP.0)].class, state.regs[usize::from(RBP.0)].class);
        let right = match self.function.frame(at) {
            Frame::None => sp == Class::Frame(0) && fp == Class::Entry(RBP.0),
            Frame::Pushed => sp == Class::Frame(FP) && fp == Class::Entry(RBP.0),
            Frame::Linked => fp == Class::Frame(FP) && state.stack.get(FP).class == Class::Entry(RBP.0),
        };
        if !right {
            let frame = self.function.frame(at);
            self.say(at, format!("the map says that the frame is {frame:?}; rsp is {sp}, rbp is {fp}"));
        }
    }

    // ---- ways out ----

    /// Everything must be as it was at the entry.
    fn leave(&mut self, at: u32, state: &State, to: Option<u64>) {
        if let Some(to) = to.filter(|to| !(self.known)(*to)) {
            self.say(at, format!("a jump to {to:#x}, where no published code begins"));
        }
        let expected = CALLEE_SAVED.iter().chain([&RBP]).map(|r| (*r, Class::Entry(r.0)));
        for (r, class) in expected.chain([(RSP, Class::Frame(0)), (R15, Class::Context)]) {
            self.expect(at, "the way out", name(r), state.regs[usize::from(r.0)].class, class);
        }
        self.expect(at, "the way out", "the return address", state.stack.get(0).class, Class::Entry(RETURN));
    }

    fn expect(&mut self, at: u32, place: &str, what: &str, found: Class, class: Class) {
        if found != class {
            self.say(at, format!("{place} wants {class} in {what}, which holds {found}"));
        }
    }

    /// A jump or call through a word of memory.
    fn through_memory(&mut self, at: u32, instruction: &Instruction, state: &mut State) {
        if instruction.op0_kind() != OpKind::Memory {
            return self.say(at, "a jump through a register".into());
        }
        let mut step = Step { state, instruction, offset: at, wrong: Vec::new() };
        let place = step.place();
        let wrong = step.wrong;
        wrong.into_iter().for_each(|what| self.say(at, what));
        if !matches!(place, Place::Outside | Place::Nowhere) {
            self.say(at, "a jump to what is no code address".into());
        }
    }

    // ---- calls ----

    fn call(&mut self, at: u32, instruction: &Instruction, state: &mut State) {
        let target = match flow::target(self.function, instruction) {
            Some(Target::Outside(to)) => Some(to),
            Some(Target::Inside(to)) => Some(self.function.start as u64 + u64::from(to)),
            None => None,
        };
        match target {
            Some(to) if !(self.known)(to) => {
                self.say(at, format!("a call of {to:#x}, where no published code begins"));
            }
            Some(_) => {}
            None => self.through_memory(at, instruction, state),
        }
        let bytes = i32::try_from(self.function.frame_bytes).unwrap_or(i32::MAX / 2);
        self.expect(at, "a call", "rsp", state.regs[usize::from(RSP.0)].class, Class::Frame(FP - bytes));
        let is = |addresses: &[usize]| target.is_some_and(|to| addresses.contains(&(to as usize)));
        let function = self.function;
        match function.safepoints.find(at + instruction.len() as u32) {
            Some(safepoint) => {
                self.check_map(at, state, &safepoint);
                collect(function, state, &safepoint);
                clobber(state);
                if let Some(pad) = safepoint.handler() {
                    let mut landing = state.clone();
                    landing.regs[usize::from(RAX.0)] = Value::new(TAGGED);
                    self.arrive(pad, landing);
                }
                let result = if is(&self.claims.fresh) { Class::Fresh } else { TAGGED };
                state.regs[usize::from(RAX.0)] = Value::new(result);
            }
            None if is(&self.claims.keeping) => {
                state.regs[usize::from(SCRATCH.0)] = Value::new(TAGGED);
                (state.floats[14], state.floats[15]) = (Class::Garbage, Class::Garbage);
                state.flags = Flags::Garbage;
            }
            None if is(&self.claims.quiet) => {
                clobber(state);
                state.regs[usize::from(RAX.0)] = Value::new(TAGGED);
            }
            None => self.say(at, "a call without a stack map".into()),
        }
    }

    /// What the collector and the unwinder will find.
    fn check_map(&mut self, at: u32, state: &State, safepoint: &Safepoint<'_>) {
        for slot in safepoint.slots() {
            let offset = FP + self.function.slot_offset(slot);
            let class = state.stack.get(offset).class;
            let inside = offset >= FP - self.function.frame_bytes as i32;
            if !inside || !class.is_tagged() {
                self.say(at, format!("the map says that slot {slot} holds a tagged word; it holds {class}"));
            }
        }
        for (i, r) in CALLEE_SAVED.iter().enumerate() {
            let class = state.regs[usize::from(r.0)].class;
            if safepoint.live_saved() >> i & 1 != 0 && !class.is_tagged() {
                self.say(at, format!("the map says that {} holds a tagged word; it holds {class}", name(*r)));
            }
            match saved_offset(self.function.saved, i) {
                Some(offset) => {
                    let found = state.stack.get(FP + offset).class;
                    self.expect(at, "a call", &format!("the place of {}", name(*r)), found, Class::Entry(r.0));
                }
                None => self.expect(at, "a call", name(*r), class, Class::Entry(r.0)),
            }
        }
        self.expect(at, "a call", "the return address", state.stack.get(0).class, Class::Entry(RETURN));
    }

    /// Each map belongs to a call; what was asked for and never came to pass is told of.
    fn unmet(&mut self) {
        let calls = std::mem::take(&mut self.flow.calls);
        let maps: Vec<u32> = self.function.safepoints.iter().map(|(at, _)| at).collect();
        for at in maps.into_iter().filter(|at| !calls.contains(at)) {
            self.say(at, "a stack map, and no call before it".into());
        }
    }
}

/// What a collection makes of what is known: what no map names and moves is stale.
fn collect(function: &Function, state: &mut State, safepoint: &Safepoint<'_>) {
    let found = |value: Value, mapped: bool| match value.class {
        class if !class.moves() => value,
        Class::Sum(_) if mapped => Value { class: TAGGED, ..value },
        class if mapped && class.is_tagged() => value,
        _ => Value::new(Class::Stale),
    };
    let mapped: FxHashSet<i32> = safepoint.slots().map(|slot| FP + function.slot_offset(slot)).collect();
    state.stack.change_all(|offset, value| found(value, mapped.contains(&offset)));
    for (i, r) in CALLEE_SAVED.iter().enumerate() {
        let value = &mut state.regs[usize::from(r.0)];
        *value = found(*value, safepoint.live_saved() >> i & 1 != 0);
    }
}

/// What a call leaves of the registers that nobody saves.
fn clobber(state: &mut State) {
    for r in CALLER_SAVED.iter().chain([&SCRATCH]) {
        state.regs[usize::from(r.0)] = Value::new(Class::Garbage);
    }
    state.floats = [Class::Garbage; 16];
    state.flags = Flags::Garbage;
}

fn name(r: Reg) -> &'static str {
    crate::asm::x64::disasm::register(r.0)
}
