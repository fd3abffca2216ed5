//! Making states agree: the one routine that moves values from where they are to where they must be.
//!
//! Arguments of calls, merges, back-edges and exits into a twin all end here. The moves happen as if at once: a destination
//! may be the source of another move; cycles go through a fresh frame slot.

use super::generator::Generator;
use super::state::{Place, State};
use crate::asm::masm::*;
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use rustc_hash::FxHashMap;

impl<M: MacroAssembler> Generator<'_, M> {
    /// Moves values, each from its source to its destination, as if at once. Destinations are registers and frame slots; of
    /// moves to the same one, which bring the same value, the first is made. A raw source may have a tagged destination (it
    /// is tagged on the way), and a tagged source that is certainly a Float may have a raw one.
    pub(super) fn parallel_move(&mut self, moves: Vec<(Place, Place)>) {
        self.parallel_move_above(moves, 0);
    }

    /// The same where frame slots below `from` are taken, whatever the state says.
    pub(super) fn parallel_move_above(&mut self, mut moves: Vec<(Place, Place)>, from: u16) {
        moves.retain(|(from, to)| from != to && *from != Place::None);
        // What steps aside must not step on a destination, not even on one that has its value already: it goes behind them all.
        let slot_of = |place| match place {
            Place::Slot(slot) | Place::FloatSlot(slot) => slot.saturating_add(1),
            _ => 0,
        };
        let destinations = moves.iter().map(|m| slot_of(m.1)).filter(|_| !mutated(Mutation::StepsOnDestination));
        let from = destinations.fold(from, u16::max);
        match moves[..] {
            [] => return,
            [(from, to)] => return self.move_one(from, to),
            _ => {}
        }
        let mut uses = Uses::of(&mut moves);
        // The first goes first, then the last: any order is right, this is the one that listings have had from the start.
        let order = (1..moves.len()).chain([0]);
        let mut ready: Vec<usize> = order.filter(|i| !uses.block(moves[*i])).collect();
        loop {
            while let Some(i) = ready.pop() {
                let (from, to) = std::mem::replace(&mut moves[i], DONE);
                self.move_one(from, to);
                // Who waited for this one to read its source?
                ready.extend(uses.reads_less(from).filter(|writer| !uses.block(moves[*writer])));
            }
            let Some(first) = moves.iter().position(|m| *m != DONE) else { return };
            // A cycle: what is in the first destination steps aside.
            let taken = |slot: u16| moves.iter().any(|(from, _)| overlap(*from, Place::Slot(slot)));
            let mut slot = self.free_slot_of(&self.state, from);
            while taken(slot) {
                slot = self.free_slot_of(&self.state, slot + 1);
            }
            let to = moves[first].1;
            let Some(source) = moves.iter().map(|m| m.0).find(|from| overlap(*from, to)) else { return };
            let aside = if source.is_raw() { Place::FloatSlot(slot) } else { Place::Slot(slot) };
            self.move_one(source, aside);
            for (from, _) in moves.iter_mut().filter(|(from, _)| *from == source) {
                uses.reads_less(source);
                *from = aside;
            }
            ready.extend(Some(first).filter(|first| !uses.block(moves[*first])));
        }
    }

    fn move_one(&mut self, from: Place, to: Place) {
        match to {
            Place::Reg(r) => self.move_to_register(from, r),
            Place::Float(f) => match from {
                Place::Float(s) => self.asm.fmov(f, s),
                Place::FloatSlot(s) => {
                    let mem = self.slot(s);
                    self.asm.fload(f, mem);
                }
                Place::FloatConst(c) => self.asm.fmov_imm(f, c.value()),
                tagged => self.untag_place(f, tagged),
            },
            Place::Slot(slot) => {
                let mem = self.slot(slot);
                match from {
                    Place::Reg(s) => self.asm.store(mem, s),
                    Place::Slot(s) => {
                        let source = self.slot(s);
                        self.asm.scratch().load(source).store(mem);
                    }
                    Place::Const(word) => self.store_word(mem, word),
                    Place::Cell(address) => self.asm.scratch().load_cell(address).store(mem),
                    Place::Float(s) => self.tag_to(mem, s),
                    Place::FloatSlot(s) => {
                        let source = self.slot(s);
                        self.asm.fload(M::FSCRATCH, source);
                        self.tag_to(mem, M::FSCRATCH);
                    }
                    Place::FloatConst(c) => match Word::float(c.value()) {
                        Some(word) => self.store_word(mem, word),
                        None => {
                            self.asm.fmov_imm(M::FSCRATCH, c.value());
                            self.tag_to(mem, M::FSCRATCH);
                        }
                    },
                    Place::None => {}
                }
            }
            Place::FloatSlot(slot) => {
                let mem = self.slot(slot);
                match from {
                    Place::Float(s) => self.asm.fstore(mem, s),
                    Place::FloatSlot(s) => {
                        let source = self.slot(s);
                        self.asm.scratch().load(source).store(mem);
                    }
                    Place::FloatConst(c) => self.asm.scratch().imm(c.value().to_bits() as i64).store(mem),
                    tagged => {
                        self.untag_place(M::FSCRATCH, tagged);
                        self.asm.fstore(mem, M::FSCRATCH);
                    }
                }
            }
            Place::None | Place::Const(_) | Place::FloatConst(_) | Place::Cell(_) => {}
        }
    }

    /// Stores a constant word.
    fn store_word(&mut self, mem: Mem, word: Word) {
        match Self::immediate(word) {
            Some(imm) => self.asm.store_imm(mem, imm as i32),
            None => self.asm.scratch().imm(word.0 as i64).store(mem),
        }
    }

    /// Untags what is certainly a Float, and tagged.
    fn untag_place(&mut self, dst: FReg, from: Place) {
        match from {
            Place::Reg(s) => self.untag_into(dst, s),
            Place::Slot(s) => {
                let mem = self.slot(s);
                self.untag_from(dst, mem);
            }
            // A constant that is a Float is a `FloatConst`.
            _ => debug_assert!(from == Place::None, "{from:?} is no Float"),
        }
    }

    fn move_to_register(&mut self, from: Place, to: Reg) {
        match from {
            Place::Reg(s) => {
                if s != to {
                    self.asm.mov(to, s);
                }
            }
            Place::Slot(s) => {
                let mem = self.slot(s);
                self.asm.load(to, mem);
            }
            Place::Const(word) => self.asm.mov_imm(to, word.0 as i64),
            Place::Cell(address) => self.asm.load_cell(to, address),
            Place::FloatConst(c) => match Word::float(c.value()) {
                Some(word) => self.asm.mov_imm(to, word.0 as i64),
                None => {
                    self.asm.fmov_imm(M::FSCRATCH, c.value());
                    self.tag_into(to, M::FSCRATCH);
                }
            },
            Place::Float(f) => self.tag_into(to, f),
            Place::FloatSlot(s) => {
                let mem = self.slot(s);
                self.asm.fload(M::FSCRATCH, mem);
                self.tag_into(to, M::FSCRATCH);
            }
            Place::None => {}
        }
    }

    /// Makes the present state agree with `target`: every value that the target has goes to its place there. What the target
    /// does not have is forgotten. Copies are the target's.
    pub(super) fn agree(&mut self, target: &State) {
        debug_assert_eq!(self.state.height(), target.height());
        let mut moves = Vec::new();
        // Owners that share a place in the target hold the same value: it is moved there once.
        for owner in target.differing([&*self.state]) {
            let (have, wanted) = (self.state.get(owner), target.get(owner));
            // The collector would take whatever is there for a value.
            assert!(have.place != Place::None, "{owner:?} is wanted and has no value");
            debug_assert!(
                !wanted.place.is_raw() || have.place.is_raw() || have.facts.is_float(),
                "{owner:?} is wanted as a raw Float and may be something else"
            );
            if have.place != wanted.place {
                if let Some(slot) = have.copy
                    && wanted.place == Place::Slot(slot)
                    && !have.place.is_raw()
                {
                    continue;
                }
                moves.push((have.place, wanted.place));
            }
            if let Some(copy) = wanted.copy
                && have.copy != wanted.copy
                && have.place != Place::Slot(copy)
            {
                let to = if wanted.place.is_raw() { Place::FloatSlot(copy) } else { Place::Slot(copy) };
                moves.push((have.place, to));
            }
        }
        self.state.moves(self.asm.offset());
        self.parallel_move(moves);
        self.state.becomes(self.asm.offset(), target.clone());
        self.unpin();
    }

    /// Would [`Generator::agree`] emit anything in such a state?
    pub(super) fn agrees(state: &State, target: &State) -> bool {
        state.reachable
            && target.differing([state]).into_iter().all(|owner| {
                let (have, wanted) = (state.get(owner), target.get(owner));
                have.place == wanted.place && (wanted.copy.is_none() || wanted.copy == have.copy)
            })
    }
}

/// What stands in place of a move that has been made.
const DONE: (Place, Place) = (Place::None, Place::None);

/// What moves do with a place.
#[derive(Clone, Copy)]
struct Use {
    /// How many that are still to be made read it.
    readers: u32,
    /// The one that writes it, or [`NOBODY`].
    writer: u32,
}

const NOBODY: u32 = u32::MAX;
const UNUSED: Use = Use { readers: 0, writer: NOBODY };

/// What moves do with each place. What steps aside is not counted: it goes where no move goes.
struct Uses {
    regs: [Use; 32],
    floats: [Use; 32],
    /// Slots that are written: others block nothing.
    slots: FxHashMap<u16, Use>,
}

impl Uses {
    /// Of these moves. Those to a place that an earlier one writes count as done.
    fn of(moves: &mut [(Place, Place)]) -> Uses {
        let mut uses = Uses { regs: [UNUSED; 32], floats: [UNUSED; 32], slots: FxHashMap::default() };
        for (i, m) in (0..).zip(&mut *moves) {
            if let Place::Slot(slot) | Place::FloatSlot(slot) = m.1 {
                uses.slots.entry(slot).or_insert(UNUSED);
            }
            match uses.of_place(m.1) {
                Some(place) if place.writer == NOBODY => place.writer = i,
                _ => *m = DONE,
            }
        }
        for (from, _) in moves {
            if let Some(place) = uses.of_place(*from) {
                place.readers += 1;
            }
        }
        uses
    }

    fn of_place(&mut self, place: Place) -> Option<&mut Use> {
        match place {
            Place::Reg(r) => Some(&mut self.regs[r.0 as usize]),
            Place::Float(r) => Some(&mut self.floats[r.0 as usize]),
            Place::Slot(slot) | Place::FloatSlot(slot) => self.slots.get_mut(&slot),
            Place::None | Place::Const(_) | Place::FloatConst(_) | Place::Cell(_) => None,
        }
    }

    /// One move less reads a place; the move that writes it.
    fn reads_less(&mut self, from: Place) -> Option<usize> {
        let place = self.of_place(from)?;
        place.readers -= 1;
        (place.writer != NOBODY).then_some(place.writer as usize)
    }

    /// Would this move overwrite what another one reads? One that is done is not to be made again.
    fn block(&mut self, (from, to): (Place, Place)) -> bool {
        self.of_place(to).is_none_or(|place| place.readers > u32::from(overlap(from, to)))
    }
}

/// Do two places share a register or a frame slot?
fn overlap(a: Place, b: Place) -> bool {
    match (a, b) {
        (Place::Slot(a) | Place::FloatSlot(a), Place::Slot(b) | Place::FloatSlot(b)) => a == b,
        (Place::Reg(a), Place::Reg(b)) => a == b,
        (Place::Float(a), Place::Float(b)) => a == b,
        _ => false,
    }
}
