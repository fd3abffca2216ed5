//! The check of one body: what is known is carried along all ways until it does not change, and then every instruction is looked at.
//!
//! Owns calls, safepoints, landing pads and the ways out. What one instruction does is in `x64.rs` and `arm64.rs`.
//!
//! Invariant: what is known at a point holds on every way that leads there. So nothing is told before all ways have met.

use super::flow::{self, Flow, Placed, inside};
use super::isa::{Control, Convention, Isa};
use super::state::{Flags, State};
use super::step::Step;
use super::value::{Class, POINTERS, RETURN, TAGGED, Value};
use super::{Claim, Claims, Does, Finding, Takes};
use crate::asm::code_map::{Function, Safepoint, saved_offset};
use crate::asm::masm::{Frame, Reg};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};

/// The frame pointer's distance from the return address.
const FP: i32 = -8;

struct Body<'a, I: Isa> {
    function: &'a Function,
    claims: &'a Claims,
    /// Where code may go: is a function or stub there?
    known: &'a dyn Fn(u64) -> bool,
    flow: Flow<I::Instruction>,
    /// What is known at the leaders.
    states: BTreeMap<u32, State>,
    /// The numbers of those that are to be looked at, in the order of `order`.
    work: BTreeSet<usize>,
    order: Vec<u32>,
    numbers: FxHashMap<u32, usize>,
    /// The instructions to which a way can lead, and that do not ask whether somebody waits for this thread, nor call a helper that
    /// does.
    silent: FxHashSet<u32>,
    /// Told of at the end.
    findings: Option<Vec<Finding>>,
}

/// What is wrong with a body.
pub fn check<I: Isa>(function: &Function, code: &[u8], claims: &Claims, known: &dyn Fn(u64) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let flow = flow::follow::<I>(function, code, &mut findings);
    if !findings.is_empty() {
        return findings;
    }
    let states = BTreeMap::from([(0, State::entry(I::CONVENTION, function.arguments))]);
    let order = flow::order(function, &flow);
    let numbers = order.iter().enumerate().map(|(number, at)| (*at, number)).collect();
    let work = BTreeSet::from([0]);
    let silent = FxHashSet::default();
    let mut body = Body::<I> { function, claims, known, flow, states, work, order, numbers, silent, findings: None };
    while let Some(number) = body.work.pop_first() {
        body.block(body.order[number]);
    }
    body.findings = Some(Vec::new());
    for start in body.states.keys().copied().collect::<Vec<_>>() {
        body.block(start);
    }
    body.unmet();
    for head in flow::unpolled(function, &body.flow, &body.silent) {
        body.say(
            head,
            "a way comes back to here and never polls: who waits for this thread waits for the whole loop".into(),
        );
    }
    let mut findings = body.findings.unwrap_or_default();
    findings.sort_by_key(|finding| finding.offset);
    findings
}

impl<I: Isa> Body<'_, I> {
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
        while let Some(placed) = self.flow.instructions.get(&at).copied() {
            if !self.instruction(at, &placed, &mut state) {
                return;
            }
            at += placed.len;
            if self.flow.leaders.contains(&at) {
                return self.arrive(at, state);
            }
        }
    }

    /// Looks at an instruction alone. What comes back is what the machine says of it.
    fn step<T>(&mut self, at: u32, state: &mut State, look: impl FnOnce(&mut Step<'_>) -> T) -> T {
        let mut step = Step { state, offset: at, named: 0, polls: false, wrong: Vec::new() };
        let known = look(&mut step);
        if step.polls {
            self.silent.remove(&at);
        }
        step.wrong.into_iter().for_each(|what| self.say(at, what));
        known
    }

    /// Looks at an instruction. Does control go on behind it?
    fn instruction(&mut self, at: u32, placed: &Placed<I::Instruction>, state: &mut State) -> bool {
        self.check_frame(at, state);
        self.silent.insert(at);
        match placed.control {
            Control::Next | Control::Branch { .. } => {
                if !self.step(at, state, |step| I::take(step, &placed.instruction)) {
                    self.unknown(at);
                }
                match placed.control {
                    Control::Branch { to, zero } => self.branch(at, to, zero, state),
                    _ => true,
                }
            }
            Control::Jump(to) => {
                match inside(self.function, to) {
                    Some(to) => self.arrive(to, state.clone()),
                    None => self.leave(at, state, Some(to)),
                }
                false
            }
            Control::JumpThrough => {
                let to = self.step(at, state, |step| I::through(step, &placed.instruction));
                self.leave(at, state, to);
                false
            }
            Control::Return => {
                let result = state.class(I::CONVENTION.result);
                if !result.is_tagged() {
                    self.say(at, format!("the result is {result}"));
                }
                self.leave(at, state, None);
                false
            }
            Control::Call(to) => {
                self.call(at, Some(to), at + placed.len, state);
                true
            }
            Control::CallThrough => {
                let to = self.step(at, state, |step| I::through(step, &placed.instruction));
                self.call(at, to, at + placed.len, state);
                true
            }
            Control::Trap => false,
            Control::Unknown => {
                self.unknown(at);
                false
            }
        }
    }

    fn unknown(&mut self, at: u32) {
        self.say(at, "an instruction that the verifier does not know".into());
    }

    /// Goes both ways, as far as they can be gone. Does control go on behind the branch?
    fn branch(&mut self, at: u32, to: u64, zero: Option<bool>, state: &mut State) -> bool {
        let Some(to) = inside(self.function, to) else {
            self.say(at, "a branch out of the body".into());
            return true;
        };
        let Some(zero) = zero else {
            self.arrive(to, state.clone());
            return true;
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
        let (sp, fp) = (state.sp(), state.class(I::CONVENTION.fp));
        let before = Class::Entry(I::CONVENTION.fp.0);
        let right = match self.function.frame(at) {
            Frame::None => sp == Class::Frame(I::CONVENTION.sp_at_entry()) && fp == before,
            Frame::Pushed => sp == Class::Frame(FP) && fp == before,
            Frame::Linked => fp == Class::Frame(FP) && state.stack.get(FP).class == before,
        };
        if !right {
            let frame = self.function.frame(at);
            let (sp_name, fp_name) = (name::<I>(I::CONVENTION.sp), name::<I>(I::CONVENTION.fp));
            self.say(at, format!("the map says that the frame is {frame:?}; {sp_name} is {sp}, {fp_name} is {fp}"));
        }
    }

    // ---- ways out ----

    /// Everything must be as it was at the entry.
    fn leave(&mut self, at: u32, state: &State, to: Option<u64>) {
        if let Some(to) = to.filter(|to| !(self.known)(*to)) {
            self.say(at, format!("a jump to {to:#x}, where no published code begins"));
        }
        let Convention { sp, fp, ctx, callee_saved, .. } = I::CONVENTION;
        let expected = callee_saved.iter().chain([fp]).map(|r| (*r, Class::Entry(r.0)));
        for (r, class) in expected.chain([(*sp, Class::Frame(I::CONVENTION.sp_at_entry())), (*ctx, Class::Context)]) {
            self.expect(at, "the way out", name::<I>(r), state.class(r), class);
        }
        self.expect(at, "the way out", "the return address", state.return_address(), Class::Entry(RETURN));
    }

    fn expect(&mut self, at: u32, place: &str, what: &str, found: Class, class: Class) {
        if found != class {
            self.say(at, format!("{place} wants {class} in {what}, which holds {found}"));
        }
    }

    // ---- calls ----

    /// A call that returns to `behind`.
    fn call(&mut self, at: u32, target: Option<u64>, behind: u32, state: &mut State) {
        let convention = I::CONVENTION;
        if let Some(to) = target.filter(|to| !(self.known)(*to)) {
            self.say(at, format!("a call of {to:#x}, where no published code begins"));
        }
        let bytes = i32::try_from(self.function.frame_bytes).unwrap_or(i32::MAX / 2);
        self.expect(at, "a call", name::<I>(convention.sp), state.sp(), Class::Frame(FP - bytes));
        let claim = target.and_then(|to| self.claims.get(&(to as usize)));
        let does = claim.map_or(Does::Collect, |claim| claim.does);
        claim.into_iter().for_each(|claim| self.check_arguments(at, state, claim));
        if claim.is_some_and(|claim| claim.does == Does::Collect) {
            self.silent.remove(&at);
        }
        let function = self.function;
        let safepoint = function.safepoints.find(behind);
        if let Some(safepoint) = &safepoint {
            self.check_map(at, state, safepoint);
            collect(function, state, safepoint);
        } else if matches!(does, Does::Collect | Does::Allocate) {
            self.say(at, "a call without a stack map".into());
        }
        let result = usize::from(convention.result.0);
        match does {
            Does::Box | Does::Count | Does::Remember => {
                lose(state);
                if does == Does::Box {
                    state.regs[usize::from(convention.scratch.0)] = Value::new(TAGGED);
                }
                return;
            }
            Does::Collect | Does::Allocate | Does::Look => clobber(state),
        }
        if let Some(pad) = safepoint.and_then(|safepoint| safepoint.handler()) {
            let mut landing = state.clone();
            landing.regs[result] = Value::new(TAGGED);
            self.arrive(pad, landing);
        }
        state.regs[result] = Value::new(if does == Does::Allocate { Class::Fresh } else { TAGGED });
        if safepoint.is_some_and(|safepoint| safepoint.is_tail()) {
            self.check_tail(at, behind, state.clone());
        }
    }

    /// What a stub gets is what it takes.
    fn check_arguments(&mut self, at: u32, state: &State, claim: &Claim) {
        for (r, takes) in I::CONVENTION.args.iter().zip(claim.takes) {
            let class = state.class(*r);
            let (right, wanted) = match takes {
                Takes::Value => (class.is_tagged(), "a tagged word"),
                Takes::Raw => (class.bits().is_some() || matches!(class, Class::Address | Class::At(_)), "a number"),
            };
            if !right {
                self.say(at, format!("the helper takes {wanted} in {}, which holds {class}", name::<I>(*r)));
            }
        }
        let [first, .., float] = I::CONVENTION.float_scratch else { return };
        let class = state.floats[usize::from(*float)];
        if claim.does == Does::Box && class != Class::Float {
            self.say(at, format!("the float that is to be boxed is {class}"));
        }
        if claim.does == Does::Remember {
            let slot = state.floats[usize::from(*first)];
            if !matches!(class, Class::Tagged(tags, _) if tags & POINTERS != 0)
                && !matches!(class, Class::Word | Class::Sum(_))
            {
                self.say(at, format!("the object that is to be remembered is {class}"));
            }
            if !matches!(slot, Class::Inner(_) | Class::Sum(_)) {
                self.say(at, format!("the slot that was stored to is at {slot}"));
            }
        }
    }

    /// Of a call behind which nothing is left to do: on the way to the return there is no branch and no call, and what it gave comes back.
    /// What else is wrong there is told by who follows that way anyhow.
    fn check_tail(&mut self, call: u32, behind: u32, mut state: State) {
        if self.findings.is_none() {
            return;
        }
        let result = I::CONVENTION.result.0;
        let mut step = Step { state: &mut state, offset: call, named: 0, polls: false, wrong: Vec::new() };
        let given = step.identify(result);
        let (mut at, mut seen) = (behind, FxHashSet::default());
        while let Some(placed) = self.flow.instructions.get(&at).filter(|_| seen.insert(at)) {
            match placed.control {
                Control::Next => {
                    (step.offset, step.named) = (at, 0);
                    I::take(&mut step, &placed.instruction);
                    at += placed.len;
                }
                Control::Jump(to) => match inside(self.function, to) {
                    Some(to) => at = to,
                    None => break,
                },
                Control::Return if step.state.regs[usize::from(result)].id == given => return,
                _ => break,
            }
        }
        self.say(call, "the map says that nothing is left to do behind the call, but to return what it gives".into());
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
        for (i, r) in I::CONVENTION.callee_saved.iter().enumerate() {
            let class = state.class(*r);
            if safepoint.live_saved() >> i & 1 != 0 && !class.is_tagged() {
                self.say(at, format!("the map says that {} holds a tagged word; it holds {class}", name::<I>(*r)));
            }
            match saved_offset(self.function.saved, i) {
                Some(offset) => {
                    let found = state.stack.get(FP + offset).class;
                    self.expect(at, "a call", &format!("the place of {}", name::<I>(*r)), found, Class::Entry(r.0));
                }
                None => self.expect(at, "a call", name::<I>(*r), class, Class::Entry(r.0)),
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
    for (i, r) in state.convention.callee_saved.iter().enumerate() {
        let value = &mut state.regs[usize::from(r.0)];
        *value = found(*value, safepoint.live_saved() >> i & 1 != 0);
    }
}

/// What a call leaves of the registers that nobody saves.
fn clobber(state: &mut State) {
    for r in state.convention.caller_saved {
        state.regs[usize::from(r.0)] = Value::new(Class::Garbage);
    }
    state.floats = [Class::Garbage; 32];
    lose(state);
}

/// What is lost in every call.
fn lose(state: &mut State) {
    let convention = state.convention;
    for r in convention.clobbered.iter().chain([&convention.scratch]) {
        state.regs[usize::from(r.0)] = Value::new(Class::Garbage);
    }
    for number in convention.float_scratch {
        state.floats[usize::from(*number)] = Class::Garbage;
    }
    state.flags = Flags::Garbage;
}

fn name<I: Isa>(r: Reg) -> &'static str {
    (I::CONVENTION.name)(r.0)
}
