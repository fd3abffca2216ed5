//! Counting: what a loop through a range asks of the bounds before its header, what each turn asks of the counter; the numbers
//! that `enumerate` gives to elements.

use super::facts::Facts;
use super::generator::Generator;
use super::join::{Edge, Join};
use super::link::{GlobalKind, Helper, Intrinsic};
use super::state::{Owner, Place, Value};
use super::version::Slow;
use crate::asm::masm::*;
use crate::emit::objects;
use crate::mutations::{Mutation, mutated};
use crate::reader::tree::*;

/// Loops with more loops in each other inside count Ints of any size in any case.
const NESTED: u32 = 3;

/// Is it known, or probable, that the bound is no inline Int?
fn is_large(bound: &Value) -> bool {
    !bound.facts.may_be_int() || bound.hint.layout() == Some(crate::object::layout::BIG_INT)
}

/// `for [number, element] in enumerate(collection)`, where both patterns fit whatever comes: no pairs are made.
#[derive(Clone, Copy)]
pub(super) struct Numbered {
    pub number: PatternId,
    pub element: PatternId,
    pub collection: NodeId,
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// Is the `for` such a loop?
    pub(super) fn numbered(&mut self, pattern: PatternId, iterable: NodeId) -> Option<Numbered> {
        let Node::Call { callee, args, .. } = self.unit.node(iterable) else { return None };
        let (Node::Global(global), &[collection]) = (self.unit.node(*callee), self.unit.list(*args)) else {
            return None;
        };
        let Pattern::Vector { before, rest: None, after } = self.unit.pattern(pattern) else { return None };
        let (&[number, element], []) = (before.as_slice(), after.as_slice()) else { return None };
        let fits = |p: PatternId| matches!(self.unit.pattern(p), Pattern::Bind(_) | Pattern::Ignore);
        let known = GlobalKind::Intrinsic(Intrinsic::Enumerate);
        (fits(number) && fits(element) && self.link.global(*global).is_some_and(|g| g.kind == known))
            .then_some(Numbered { number, element, collection })
    }

    /// Adds 1 to a counter. No overflow: it is below a limit which is an Int.
    pub(super) fn count(&mut self, counter: Owner) {
        let value = *self.state.get(counter);
        self.state.push(Value { var: None, ..value });
        let r = self.in_register(self.top(0));
        self.state.drop_top();
        let own = self.state.uses_of(r) == u32::from(self.state.get(counter).place == Place::Reg(r));
        let next = if own { r } else { self.register() };
        self.asm.alu_imm(Alu::Add, next, r, 8);
        self.state.set(self.asm.offset(), counter, Value::new(Place::Reg(next), Facts::INT));
        self.unpin();
    }

    /// The latest two operands are the bounds of a range that is counted through: is one of them certainly no Int?
    pub(super) fn never_ints(&self) -> bool {
        [1, 0].iter().any(|n| !self.state.operand(self.top(*n)).facts.types.meets(Facts::INTEGER.types))
    }

    /// May the bounds of a range, which are probably inline Ints, be others? Then the loop is written for both, unless it has
    /// so many loops in each other inside that the time of its own turns does not matter.
    pub(super) fn may_be_large(&self, counter: Owner, limit: usize, nested: u32) -> bool {
        let bounds = [counter, Owner::Operand(limit)].map(|owner| self.state.get(owner));
        let known = bounds.iter().all(|b| b.facts.is_int()) || bounds.iter().any(|b| is_large(b));
        !known && nested <= NESTED && self.version.is_plain() && self.counts_any.is_none()
    }

    /// Asks of counter and limit of a range, before its loop, what the loop relies on: that they are inline Ints, or else Ints of
    /// any size. Hot loops leave for their twin where they are large. Tells which.
    pub(super) fn check_bounds(
        &mut self,
        counter: Owner,
        limit: usize,
        iterable: NodeId,
        twin: &mut Vec<Edge>,
    ) -> bool {
        let limit = Owner::Operand(limit);
        if self.is_hot() {
            self.ask_int(counter, twin);
            if !mutated(Mutation::BoundUnasked) {
                self.ask_int(limit, twin);
            }
            return true;
        }
        let bounds = [counter, limit].map(|owner| *self.state.get(owner));
        if bounds.iter().all(|b| b.facts.is_int()) {
            return true;
        }
        if !bounds.iter().all(|b| b.facts.types.within(Facts::INTEGER.types)) {
            self.goes_to(iterable);
            for owner in [counter, limit] {
                // Where it is now: the other one's register may have been this one's.
                let value = *self.state.get(owner);
                self.state.push(value);
                self.in_register(self.top(0));
            }
            let arguments = vec![self.argument(self.top(1)), self.argument(self.top(0))];
            let failing = self.slow(Slow::call(Helper::CheckRange, arguments));
            self.check_ints(&[1, 0], &failing);
            self.resumes(&failing);
            self.state.drop_top();
            self.state.drop_top();
            self.unpin();
        }
        for owner in [counter, limit] {
            let value = *self.state.get(owner);
            self.state.set(self.asm.offset(), owner, value.widened(Facts::INTEGER));
        }
        false
    }

    /// Asks for an inline Int before a hot loop; the edge leads to the twin.
    pub(super) fn ask_int(&mut self, owner: Owner, twin: &mut Vec<Edge>) {
        if self.state.get(owner).facts.is_int() {
            return;
        }
        let value = *self.state.get(owner);
        self.state.push(value);
        let i = self.top(0);
        let r = self.in_register(i);
        let label = self.asm.label();
        objects::branch_unless_int(&mut self.asm, r, label);
        self.state.drop_top();
        twin.push(Edge::new(self.state.clone(), label));
        let value = *self.state.get(owner);
        // No Int is a literal in a data cell: behind such a one nobody comes here.
        let place = if value.place.is_const() { Place::Reg(r) } else { value.place };
        self.state.set(self.asm.offset(), owner, Value { place, ..value }.widened(Facts::INT));
        self.unpin();
    }

    /// Flags of counter and limit of a range. Moves nothing in the state.
    pub(super) fn compare_counter(&mut self, counter: Owner, limit: usize) {
        match (self.state.get(counter).place, self.state.operand(limit).place) {
            (Place::Reg(r), Place::Const(word)) => self.asm.compare_imm(r, word.0 as i64),
            (Place::Reg(r), Place::Reg(limit)) => self.asm.compare(r, limit),
            (Place::Reg(r), Place::Slot(limit)) => {
                let limit = self.slot(limit);
                self.asm.compare_mem(r, limit);
            }
            (Place::Slot(slot), Place::Const(word)) => {
                let mem = self.slot(slot);
                self.asm.compare_mem_imm(mem, word.0 as i64);
            }
            (Place::Slot(slot), Place::Reg(limit)) => {
                let mem = self.slot(slot);
                self.asm.scratch().load(mem).compare(limit);
            }
            (Place::Slot(slot), Place::Slot(limit)) => {
                let (mem, limit) = (self.slot(slot), self.slot(limit));
                self.asm.scratch().load(mem).compare_mem(limit);
            }
            (counter, limit) => unreachable!("a range counts in {counter:?} to {limit:?}"),
        }
    }

    /// Before a turn of a range whose Ints may have any size: out of the loop at the limit.
    pub(super) fn test_counter(&mut self, counter: Owner, limit: usize, iterable: NodeId, exit: &mut Join) {
        for owner in [counter, Owner::Operand(limit)] {
            let value = *self.state.get(owner);
            self.state.push(Value { var: None, copy: None, ..value });
        }
        self.goes_to(iterable);
        self.ordering(BinaryOp::Less, iterable, false, exit);
    }
}
