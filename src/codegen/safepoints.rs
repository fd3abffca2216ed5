//! Safepoints and the calls of helpers.
//!
//! The stack map of a safepoint is the state there, written down. A helper is called inline, when what lives in caller-saved
//! registers goes to the frame first, or out of line, when every live register is saved and restored around the call.

use super::facts::Facts;
use super::generator::Generator;
use super::link::Helper;
use super::settled::Pad;
use super::state::{Owner, Place, State, Users};
use crate::asm::code_map::{PackedSlots, SlotSet};
use crate::asm::masm::*;
use crate::gc::mutator::thread::OFFSET_STACK_LIMIT;
use crate::mutations::{Mutation, mutated};
use crate::reader::tree::*;

/// What is known at a return address: read off the state.
#[derive(Debug, Clone)]
pub struct Safepoint {
    /// Offset of the return address.
    pub return_offset: u32,
    /// Callee-saved registers that hold live tagged words.
    pub live_saved: u8,
    /// Frame slots that hold live tagged words, for the state or for landing pads.
    pub slots: PackedSlots,
    /// Where an exception that comes out of the call lands.
    pub handler: Option<Label>,
    /// Nothing is left to do behind the call but to return what it gives.
    pub tail: bool,
}

/// The callee-saved registers, by their numbers among those, that hold live words.
fn live_saved<M: MacroAssembler>(users: &Users) -> u8 {
    let forgotten = |i: usize| i == 1 && mutated(Mutation::SavedForgotten);
    let held = |(i, r): (usize, &Reg)| u8::from(users.of(*r) > 0 && !forgotten(i)) << i;
    M::CALLEE_SAVED.iter().enumerate().map(held).fold(0, |all, one| all | one)
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// The map of the present state for a call that returns here.
    pub(super) fn safepoint(&mut self) {
        self.assert_none_newborn();
        debug_assert!(self.state.dead_after(self.now).is_empty(), "a call holds what is dead");
        self.safepoint_apart();
    }

    /// The same for a call out of line, whose state is that of a call that was written before.
    pub(super) fn safepoint_apart(&mut self) {
        let mut slots = SlotSet::new();
        // Copies beside registers are in the map as well: they must stay true.
        self.state.slots().add_tagged(&mut slots);
        let live_saved = live_saved::<M>(self.state.users());
        self.note_safepoint(live_saved, slots);
    }

    /// A call returns here; these registers and slots are live, and what landing pads ask for.
    fn note_safepoint(&mut self, live_saved: u8, mut slots: SlotSet) {
        let held = self.handler.iter().flat_map(|pad| pad.held.all());
        held.for_each(|held| held.add_tagged(&mut slots));
        debug_assert!(self.version.in_place().is_none(), "inlined code has no safepoints");
        self.assert_pad();
        self.state.echoes_mut().forget();
        let (return_offset, tail) = (self.asm.offset(), self.last);
        let handler = self.handler.as_ref().map(|pad| pad.label);
        let slots = self.slot_sets.pack(&slots);
        self.safepoints.push(Safepoint { return_offset, live_saved, slots, handler, tail });
    }

    /// Before a call: what lives in caller-saved registers goes to the frame. Operands from `above` on are the call's own
    /// and are left alone.
    pub(super) fn save_for_call(&mut self, above: usize) {
        self.forget_dead();
        self.state.echoes_mut().forget();
        let kept = |owner: Owner| !matches!(owner, Owner::Operand(i) if i >= above);
        for r in M::CALLER_SAVED {
            if self.state.uses_of(*r) > 0 {
                self.save_in_frame(Place::Reg(*r), kept);
            }
        }
        for f in M::FLOATS {
            if self.state.uses_of_float(*f) > 0 {
                self.save_in_frame(Place::Float(*f), kept);
            }
        }
    }

    /// Calls a helper inline: the latest `n` operands are its arguments and are replaced by the result. `extra` are raw words
    /// that follow them.
    pub(super) fn call_helper(&mut self, helper: Helper, n: usize, extra: &[u64], facts: Facts) {
        if self.dead(n) || self.gives_way(n) {
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
            self.state.drop_top();
        }
        let code = self.link.helper(helper);
        self.asm.call_code(code);
        self.safepoint();
        self.unpin();
        self.push_reg(M::RESULT, facts);
    }

    /// Calls a helper that throws whatever it gets here. What is written next belongs to another way: a trap stands before it, so that
    /// nothing runs into it, and so that code alone shows where ways end.
    pub(super) fn call_throwing(&mut self, helper: Helper, n: usize) {
        self.call_helper(helper, n, &[], Facts::ANY);
        if self.state.reachable {
            self.asm.trap();
        }
        self.unreachable();
    }

    /// A helper call out of line, from the state `self.state`: keeps every live register. The arguments are places of that
    /// state or raw words. The result is in the scratch register. The latest `spent` operands are not kept.
    pub(super) fn call_helper_cold(&mut self, helper: Helper, arguments: &[Argument], spent: usize) -> Scratch<'_, M> {
        // What lives in caller-saved registers goes into fresh slots meanwhile. The state stays as it is: to change it for the map
        // and back would cost more than all else here.
        let users = self.state.users_without(spent);
        let general = M::CALLER_SAVED.iter().filter(|r| users.of(**r) > 0).map(|r| Place::Reg(*r));
        let float = M::FLOATS.iter().filter(|f| users.of_float(**f) > 0).map(|f| Place::Float(*f));
        let mut next = 0;
        let mut saved: Vec<(Place, Mem)> = Vec::new();
        let mut slots = SlotSet::new();
        for place in general.chain(float) {
            let slot = self.free_slot_of(&self.state, next);
            next = slot.saturating_add(1);
            let mem = self.slot(slot);
            match place {
                Place::Float(f) => {
                    self.asm.fstore(mem, f);
                    if mutated(Mutation::FloatInMap) {
                        slots.insert(slot.into());
                    }
                    self.state.is_at(self.asm.offset(), place, Place::FloatSlot(slot));
                }
                Place::Reg(r) => {
                    self.asm.store(mem, r);
                    if !(mutated(Mutation::ColdSlotForgotten) && saved.is_empty()) {
                        slots.insert(slot.into());
                    }
                    self.state.is_at(self.asm.offset(), place, Place::Slot(slot));
                }
                _ => {}
            }
            saved.push((place, mem));
        }
        let mut moves = Vec::with_capacity(arguments.len());
        for (k, argument) in arguments.iter().enumerate() {
            if let Argument::Place(place) = argument {
                moves.push((*place, Place::Reg(M::ARGS[k])));
            }
        }
        self.parallel_move_above(moves, next);
        for (k, argument) in arguments.iter().enumerate() {
            if let Argument::Raw(word) = argument {
                self.asm.mov_imm(M::ARGS[k], *word as i64);
            }
        }
        let code = self.link.helper(helper);
        self.asm.call_code(code);
        users.slots().add_tagged(&mut slots);
        self.note_safepoint(live_saved::<M>(&users), slots);
        // What follows restores registers; who asked for the call leaves behind it, or says what is where.
        let back = self.asm.offset();
        saved.iter().for_each(|(place, _)| self.state.is_at(back, *place, *place));
        self.state.is_unknown(back);
        saved.iter().fold(self.asm.scratch().mov(M::RESULT), |result, (place, mem)| match place {
            Place::Float(f) => result.and_fload(*f, *mem),
            Place::Reg(r) => result.and_load(*r, *mem),
            _ => result,
        })
    }

    /// A safepoint at a back-edge.
    pub(super) fn poll(&mut self) {
        if mutated(Mutation::NoPoll) {
            return;
        }
        let slow = self.asm.label();
        let resume = self.asm.label();
        self.asm.branch_stack_limit(OFFSET_STACK_LIMIT, slow);
        self.asm.bind(resume);
        self.state.echoes_mut().forget();
        self.cold_poll(slow, resume);
    }

    /// The slow path of a poll: keeps everything.
    pub(super) fn cold_poll(&mut self, slow: Label, resume: Label) {
        let (state, at, handler) = (self.state.clone(), self.at, self.handler.clone());
        self.later(move |g| {
            g.asm.bind(slow);
            g.enter_cold(state, at, handler);
            g.call_helper_cold(Helper::Poll, &[] as &[Argument], 0).jump(resume);
        });
    }

    /// Pushes a slow path: reached at the returned label with the present state; calls the helper with the operands at the
    /// given indices, puts the result into `dst` if it is wanted, and goes on at `resume`, where nobody asks for the latest
    /// `spent` operands any more: they are not held during the call.
    pub(super) fn slow_path(
        &mut self,
        helper: Helper,
        arguments: Vec<Argument>,
        spent: usize,
        dst: Option<Reg>,
        resume: Label,
    ) -> Label {
        if let Some(label) = self.leave_place() {
            return label;
        }
        self.assert_none_newborn();
        // What is dead would be held during the call.
        self.forget_dead();
        let label = self.asm.label();
        let state = self.state.clone();
        let (at, last) = (self.at, self.last);
        let handler = self.handler.clone().filter(|_| !mutated(Mutation::ColdUncaught));
        self.later(move |g| {
            g.asm.bind(label);
            g.enter_cold(state, at, handler);
            g.last = last;
            let result = g.call_helper_cold(helper, &arguments, spent);
            match dst {
                Some(dst) => result.mov_to(dst),
                None => result.forget(),
            }
            g.asm.jump(resume);
        });
        label
    }

    /// Pushes a slow path that does not come back: reached at the returned label with the present state, it calls a helper that
    /// throws.
    pub(super) fn throwing_path(&mut self, helper: Helper, arguments: Vec<Argument>) -> Label {
        if let Some(label) = self.leave_place() {
            return label;
        }
        self.assert_none_newborn();
        let label = self.asm.label();
        let (state, at, handler) = (self.state.clone(), self.at, self.handler.clone());
        self.later(move |g| {
            g.asm.bind(label);
            g.enter_cold(state, at, handler);
            g.call_helper_cold(helper, &arguments, 0).forget();
            g.asm.trap();
        });
        label
    }

    /// The generator as it was when a cold path was asked for.
    pub(super) fn enter_cold(&mut self, state: State, at: NodeId, handler: Option<Pad>) {
        self.state.becomes(self.asm.offset(), state);
        self.goes_to(at);
        self.handler = handler;
        self.last = false;
        self.unpin();
    }

    /// An operand as an argument of a cold call.
    pub(super) fn argument(&self, i: usize) -> Argument {
        Argument::Place(self.state.operand(i).place)
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
