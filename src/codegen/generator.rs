//! The generator: one walk over the tree of an arity emits its code.
//!
//! This file holds the generator itself, its frame and its registers. What is
//! emitted for which form stands in the other files of the folder, one family of forms each. Layering: forms decide *what*;
//! this file and `agree.rs` own the state; the macro assembler decides *how*. No file here names a machine register.
//!
//! Invariants: an operand that is in use by the current operation is on the state's stack and its register is pinned; a
//! cold path is written for the state that was current when it was asked for.

use super::exceptions::Cleanup;
use super::facts::{Facts, Hint, Hints, Seen};
use super::failure::{GivenUp, give_up};
use super::join::Join;
use super::lines::{LineMark, LineNotes};
use super::link::Link;
use super::patterns::Others;
use super::present::{Noted, Present};
use super::safepoints::Safepoint;
use super::settled::{Pad, Settled};
use super::state::{Owner, Place, State, Value};
use super::survey::Survey;
use super::trials::{Chance, Optimisation, Pool, Trials};
use super::twin::Promotion;
use super::version::Version;
use crate::asm::code_map::{Part, SlotSets};
use crate::asm::masm::*;
use crate::emit::{Emit, Missed};
use crate::mutations::{Mutation, mutated};
use crate::reader::tree::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::mem::{Discriminant, discriminant};

/// A frame has at most so many slots: numbers of slots have room to spare.
const MAX_SLOTS: u16 = 60_000;

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

/// The generator of one arity's code.
pub struct Generator<'a, M: MacroAssembler> {
    pub(super) asm: M,
    pub(super) link: &'a mut dyn Link,
    pub(super) unit: &'a Unit,
    pub(super) arity: &'a Arity,
    /// The function whose arity it is.
    pub(super) own: FunctionId,
    pub(super) survey: Survey,
    pub(super) state: Present,
    /// What was seen inside of objects.
    pub(super) hints: Hints,
    /// What is tried: nothing but in tests of the generator.
    pub(super) trials: Trials,
    pub(super) chance: Chance,
    pub(super) pool: Pool,
    pub(super) pinned: RegSet,
    pub(super) pinned_floats: u32,
    pub(super) slot_count: u16,
    pub(super) cold: Vec<Cold<'a, M>>,
    pub(super) safepoints: Vec<Safepoint>,
    /// The sets of slots of these.
    pub(super) slot_sets: SlotSets,
    pub(super) lines: LineNotes,
    pub(super) parts: Vec<(u32, Part)>,
    /// The landing pad of what is thrown here.
    pub(super) handler: Option<Pad>,
    /// How many handlers and blocks on the way out are being written: a `throw` in them may be of what was caught.
    pub(super) in_handlers: u32,
    /// Variables that must stay in their place, because a landing pad expects them there.
    pub(super) settled: Settled,
    pub(super) loops: Vec<LoopFrame>,
    pub(super) joins: Vec<(LoopId, Join, Join)>,
    /// Blocks that run on the way out of the regions that are open.
    pub(super) cleanups: Vec<Cleanup>,
    /// What is being written.
    pub(super) version: Version,
    /// The loop whose value nobody wants.
    pub(super) unwanted: Option<NodeId>,
    /// What is being written is a call whose value the function gives: when it ends in a call itself, that takes our place.
    pub(super) last: bool,
    /// A node that was evaluated before the one whose first operand it is, with its value.
    pub(super) evaluated: Option<(NodeId, Value)>,
    /// The register in which the value of a node is needed: a wish.
    pub(super) wanted: Option<(NodeId, Reg)>,
    /// In a checked build: the fields of an object that was allocated are not all written yet.
    pub(super) newborn: bool,
    pub(super) prologue: u32,
    /// Where the code begins.
    pub(super) start: Label,
    /// The node being generated: see `lines.rs`.
    pub(super) at: NodeId,
    /// The tick of the node that was finished last: what lives is told by it.
    pub(super) now: u32,
    /// Nodes written so far, each walk counted.
    pub(super) work: u32,
    /// The types in the patterns that are written are as they were when this was compiled: it has been asked. How many safepoints
    /// there were then; behind another, it counts no more.
    pub(super) types_asked: Option<usize>,
    /// The subject of the `match` whose arm is being tested, when the arm takes objects alone.
    pub(super) others: Option<Others>,
    /// How patient loops are.
    pub(super) haste: super::loops::Haste,
    /// What was found out of a loop in earlier attempts, by loop and whether it was hot: it holds in later ones, too.
    pub(super) learned: FxHashMap<(LoopId, Walk), Learned>,
    /// The loop around is written for a range of any size.
    pub(super) counts_any: Option<LoopId>,
    pub(super) written: Written,
}

/// What attempts to write a loop have found out.
#[derive(Clone, Default)]
pub(super) struct Learned {
    /// What owners have widened to.
    pub(super) widened: Vec<(Owner, Facts)>,
    /// What is worth asking before the loop.
    pub(super) promotions: Vec<(VarId, Promotion)>,
}

/// In a checked build: the nodes that have been written, each with the walk that wrote it. Whatever is keyed by a node or a loop
/// is true of all its code because no walk writes a node twice.
#[derive(Default)]
pub(super) struct Written {
    order: Vec<(NodeId, Walk)>,
    nodes: FxHashSet<(NodeId, Walk)>,
}

/// The walks that write nodes: those of a hot region are written once more in its twin, those of a loop through a range once
/// more for each loop around that may count beyond inline Ints.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Walk {
    General,
    Hot,
    Twin,
    /// Within the loop whose counter may be large.
    Any(LoopId),
}

/// A state of the generator to which it can be cut back.
pub(super) struct GeneratorMark {
    asm: Mark,
    state: State,
    /// How much was noted of where variables are.
    noted: Option<Noted>,
    cold: usize,
    safepoints: usize,
    lines: LineMark,
    parts: usize,
    /// Edges of the breaks and continues of each open loop: an attempt may have left outer ones.
    joins: Vec<(usize, usize)>,
    /// The same of the blocks on the way out.
    cleanups: Vec<(usize, usize)>,
    handler: Option<Pad>,
    now: u32,
    written: usize,
    balance: Balance,
}

/// What is not cut back but must be as it was: whoever opens something closes it, also on a way that ends in a cut.
#[derive(PartialEq, Eq, Debug)]
struct Balance {
    settled: usize,
    loops: usize,
    version: Discriminant<Version>,
    counts_any: Option<LoopId>,
}

impl<M: MacroAssembler> Emit<M> for Generator<'_, M> {
    fn asm(&mut self) -> &mut M {
        &mut self.asm
    }

    fn remembers(&mut self) -> bool {
        self.link.remember_stub().is_some()
    }

    fn out_of_line(&mut self, missed: Missed) {
        let stub = self.link.remember_stub().unwrap_or_default();
        self.later(move |g| missed.write(&mut g.asm, stub, true));
    }
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// Notes the present state.
    pub(super) fn mark(&self) -> GeneratorMark {
        GeneratorMark {
            asm: self.asm.mark(),
            state: self.state.clone(),
            noted: self.state.noted(),
            cold: self.cold.len(),
            safepoints: self.safepoints.len(),
            lines: self.lines.mark(),
            parts: self.parts.len(),
            joins: self.joins.iter().map(|(_, b, c)| (b.edges.len(), c.edges.len())).collect(),
            cleanups: self.cleanups.iter().map(Cleanup::mark).collect(),
            handler: self.handler.clone(),
            now: self.now,
            written: self.written.order.len(),
            balance: self.balance(),
        }
    }

    fn balance(&self) -> Balance {
        Balance {
            settled: self.settled.len(),
            loops: self.loops.len(),
            version: discriminant(&self.version),
            counts_any: self.counts_any,
        }
    }

    /// Cuts back to a state.
    pub(super) fn rollback(&mut self, mark: &GeneratorMark) {
        debug_assert_eq!(self.balance(), mark.balance, "what an attempt has opened is still open");
        self.asm.rollback(&mark.asm);
        self.state.cut(mark.noted.as_ref(), mark.state.clone());
        self.cold.truncate(mark.cold);
        self.safepoints.truncate(mark.safepoints);
        self.lines.rollback(&mark.lines);
        self.parts.truncate(mark.parts);
        self.joins.truncate(mark.joins.len());
        for ((_, breaks, continues), (b, c)) in self.joins.iter_mut().zip(&mark.joins) {
            breaks.edges.truncate(*b);
            continues.edges.truncate(*c);
        }
        self.cleanups.iter_mut().zip(&mark.cleanups).for_each(|(cleanup, mark)| cleanup.cut(*mark));
        self.handler = mark.handler.clone();
        self.now = mark.now;
        for key in self.written.order.drain(mark.written..) {
            self.written.nodes.remove(&key);
        }
        self.goes_to(self.at);
        self.unpin();
    }

    /// The walk that is writing.
    pub(super) fn walk(&self) -> Walk {
        self.counts_any.map_or_else(|| self.version.walk(), Walk::Any)
    }

    /// In a checked build: this walk has not written the node before. Bodies of other functions are written wherever they are
    /// called.
    pub(super) fn assert_written_once(&mut self, node: NodeId) {
        if !cfg!(debug_assertions) || self.version.in_place().is_some() {
            return;
        }
        let walk = self.walk();
        assert!(self.written.nodes.insert((node, walk)), "{node:?} is written twice by one walk ({walk:?})");
        self.written.order.push((node, walk));
    }

    /// In a checked build: an object was allocated whose fields are to be written before anything can collect, or they are.
    pub(super) fn is_newborn(&mut self, newborn: bool) {
        self.newborn = cfg!(debug_assertions) && newborn;
    }

    /// What comes next may collect.
    pub(super) fn assert_none_newborn(&self) {
        debug_assert!(!self.newborn, "a collection may come before the fields of a new object are written");
    }

    // ---- frame ----

    /// The memory of a frame slot.
    pub(super) fn slot(&mut self, slot: u16) -> Mem {
        if slot >= MAX_SLOTS {
            give_up(GivenUp::TooManyValues);
        }
        self.slot_count = self.slot_count.max(slot + 1);
        let saved = self.survey.saved.count_ones() as i32;
        Mem::at(M::FP, -8 * (saved + 1 + slot as i32))
    }

    /// Bytes of the frame below the frame pointer.
    pub(super) fn frame_bytes(&self) -> u32 {
        let words = self.survey.saved.count_ones() + self.slot_count as u32;
        (words * 8).next_multiple_of(16)
    }

    pub(super) fn is_callee_saved(&self, r: Reg) -> bool {
        M::CALLEE_SAVED.contains(&r)
    }

    // ---- pins and registers ----

    /// What is to be expected of a value of which this was seen.
    pub(super) fn hint(&mut self, seen: &Seen) -> Hint {
        if self.trials.is_off(Optimisation::Hints) { Hint::None } else { self.hints.of(seen) }
    }

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
        self.state.let_go();
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
            && !self.trials.is_off(Optimisation::Wishes)
            && !self.chance.once_in(2)
        {
            self.state.echoes_mut().overwritten(r);
            self.pin(r);
            return r;
        }
        self.register()
    }

    /// A free register of a set, pinned.
    pub(super) fn register_among(&mut self, among: &[Reg]) -> Reg {
        debug_assert!(self.evaluated.is_none(), "the value of the chain's inner end has not been taken up");
        let r = self.free_among(among).unwrap_or_else(|| {
            let movable = among.iter().copied().filter(|r| !self.pinned.contains(*r));
            let in_pool = self.chance.one_of(movable.clone().filter(|r| self.pool.has(*r)));
            let victim = in_pool.or_else(|| self.chance.one_of(movable)).unwrap_or(among[0]);
            debug_assert!(!self.pinned.contains(victim), "one operation pins all registers there are");
            self.pool.add(victim);
            self.evict(victim);
            victim
        });
        self.state.assert_not_popped(Place::Reg(r));
        self.state.echoes_mut().overwritten(r);
        self.pin(r);
        r
    }

    fn free_among(&self, among: &[Reg]) -> Option<Reg> {
        let free = among.iter().copied().filter(|r| self.pool.has(*r) && self.is_free(*r));
        let needed = |r: &Reg| self.state.echoes().need(*r);
        self.chance.one_of(free.clone().filter(|r| !needed(r))).or_else(|| self.chance.one_of(free))
    }

    /// Makes sure that so many registers can be had without moving anything: after a failing way has noted the state, nothing
    /// may move.
    pub(super) fn reserve(&mut self, general: usize, floats: usize) {
        if mutated(Mutation::NothingReserved) {
            return;
        }
        let mut free = M::CALLER_SAVED.iter().filter(|r| self.pool.has(**r) && self.is_free(**r)).count();
        // Those of the pool first.
        for outside in [false, true] {
            for r in M::CALLER_SAVED {
                if free >= general {
                    break;
                }
                let usable = self.pool.has(*r) != outside && !self.pinned.contains(*r);
                if usable && (outside || self.state.uses_of(*r) > 0) {
                    self.pool.add(*r);
                    self.evict(*r);
                    free += 1;
                }
            }
        }
        let mut free = M::FLOATS.iter().filter(|f| self.pool.has_float(**f) && self.is_free_float(**f)).count();
        for outside in [false, true] {
            for f in M::FLOATS {
                if free >= floats {
                    break;
                }
                let usable = self.pool.has_float(*f) != outside && self.pinned_floats >> f.0 & 1 == 0;
                if usable && (outside || self.state.uses_of_float(*f) > 0) {
                    self.pool.add_float(*f);
                    self.evict_float(*f);
                    free += 1;
                }
            }
        }
    }

    /// Makes this very register free and pins it: what is in it moves to another one, or to the frame.
    pub(super) fn take_register(&mut self, r: Reg) {
        if self.state.uses_of(r) > 0 {
            self.pin(r);
            match self.free_among(M::CALLER_SAVED) {
                Some(other) => {
                    self.state.echoes_mut().overwritten(other);
                    self.asm.mov(other, r);
                    let moved = |v: &Value| Value { place: Place::Reg(other), ..*v };
                    self.state.replace_place(self.asm.offset(), Place::Reg(r), |_| true, moved);
                }
                None => self.evict(r),
            }
        }
        self.state.echoes_mut().overwritten(r);
        self.pin(r);
    }

    /// Moves the value in a register to the frame.
    fn evict(&mut self, r: Reg) {
        self.save_in_frame(Place::Reg(r), |_| true);
    }

    /// Moves the value in a register, general or float, to the frame, for the owners that are to be `moved`; to where a copy
    /// of it lies, if there is one.
    pub(super) fn save_in_frame(&mut self, place: Place, moved: impl Fn(Owner) -> bool) {
        let Some(first) = self.state.owners_of(place).into_iter().find(|owner| moved(*owner)) else { return };
        let slot = self.state.get(first).copy.unwrap_or_else(|| {
            let slot = self.free_slot();
            let mem = self.slot(slot);
            match place {
                Place::Reg(r) => self.asm.store(mem, r),
                Place::Float(f) => self.asm.fstore(mem, f),
                _ => {}
            }
            slot
        });
        let place_now = if place.is_raw() { Place::FloatSlot(slot) } else { Place::Slot(slot) };
        self.state.replace_place(self.asm.offset(), place, moved, |v| Value { place: place_now, copy: None, ..*v });
    }

    fn is_free_float(&self, f: FReg) -> bool {
        self.state.uses_of_float(f) == 0 && self.pinned_floats >> f.0 & 1 == 0
    }

    /// A free float register, pinned.
    pub(super) fn float_register(&mut self) -> FReg {
        debug_assert!(self.evaluated.is_none(), "the value of the chain's inner end has not been taken up");
        let in_pool = M::FLOATS.iter().copied().filter(|f| self.pool.has_float(*f));
        let free = in_pool.filter(|f| self.is_free_float(*f));
        let unneeded = self.chance.one_of(free.clone().filter(|f| !self.state.echoes().need_float(*f)));
        let f = unneeded.or_else(|| self.chance.one_of(free)).unwrap_or_else(|| {
            let movable = M::FLOATS.iter().copied().filter(|f| self.pinned_floats >> f.0 & 1 == 0);
            let in_pool = self.chance.one_of(movable.clone().filter(|f| self.pool.has_float(*f)));
            let victim = in_pool.or_else(|| self.chance.one_of(movable)).unwrap_or(M::FLOATS[0]);
            debug_assert!(self.pinned_floats >> victim.0 & 1 == 0, "one operation pins all float registers there are");
            self.pool.add_float(victim);
            self.evict_float(victim);
            victim
        });
        self.state.assert_not_popped(Place::Float(f));
        self.state.echoes_mut().float_overwritten(f);
        self.pin_float(f);
        f
    }

    fn evict_float(&mut self, r: FReg) {
        self.save_in_frame(Place::Float(r), |_| true);
    }
}
