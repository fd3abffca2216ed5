//! `try`, `finally`, `binding`: landing pads and what runs on the way out.
//!
//! Entering costs nothing: the handler of a call is found by its return address, and expects everything where `settled.rs` has
//! put it. What runs on every way out is written once, whichever way control comes: each way in puts the value that leaves with
//! it and its own number on the stack, and behind the block control goes on by that number.

use super::facts::Facts;
use super::generator::Generator;
use super::join::{Edge, Join};
use super::link::Helper;
use super::settled::{Entry, Pad};
use super::state::{Place, State, Value};
use crate::asm::masm::*;
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::reader::tree::*;

/// Where control was going when it came to a block that runs on every way out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// Through the end of the region.
    End,
    /// With an exception.
    Throw,
    /// Out of the function.
    Return,
    /// Out of a loop.
    Break(LoopId),
    /// To the next turn of a loop.
    Continue(LoopId),
}

/// A block that has to run when control leaves its region, whichever way.
#[derive(Default)]
pub(super) struct Cleanup {
    /// Height of the operand stack in the region: the value that leaves and the number of its way come above.
    height: usize,
    /// The ways that have come so far; the number of each is its index.
    ways: Vec<Way>,
    /// The ways into the block.
    into: Join,
}

impl Cleanup {
    /// The number of a way.
    fn number(&mut self, way: Way) -> Word {
        let confused = |a: &Way| {
            mutated(Mutation::WaysConfused) && matches!((a, way), (Way::Break(a), Way::Continue(b)) if *a == b)
        };
        let known = self.ways.iter().position(|w| *w == way || confused(w));
        let index = known.unwrap_or_else(|| {
            self.ways.push(way);
            self.ways.len() - 1
        });
        Cleanup::word(index)
    }

    fn word(index: usize) -> Word {
        Word((index as u64) << 3)
    }

    /// How much has been noted of it; [`Cleanup::cut`] goes back there.
    pub(super) fn mark(&self) -> (usize, usize) {
        (self.ways.len(), self.into.edges.len())
    }

    /// Forgets what came after the mark.
    pub(super) fn cut(&mut self, (ways, edges): (usize, usize)) {
        self.ways.truncate(ways);
        self.into.edges.truncate(edges);
    }
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// `try { } catch (p) { } finally { }`
    pub(super) fn try_(&mut self, node: NodeId, try_: &Try) {
        if !self.state.reachable {
            self.push_constant(Word::NULL);
            return;
        }
        let (floor, settled) = (self.state.height(), self.settled.len());
        let entry = self.settle(node, try_.body);
        match try_.finally {
            None => self.catching(node, try_, &entry, (floor, settled)),
            Some(block) => {
                let inside = (self.state.height(), self.settled.len());
                let last = try_.catch.map_or(try_.body, |(_, handler)| handler);
                let pad = self.pad(&entry, last);
                let region = |g: &mut Self| g.catching(node, try_, &entry, inside);
                self.with_cleanup(node, (floor, settled), pad, region, |g| {
                    g.unwanted = Some(block);
                    g.expression(block);
                    g.state.drop_top();
                });
            }
        }
    }

    /// A landing pad of a region that ends with the node.
    fn pad(&mut self, entry: &Entry, last: NodeId) -> Pad {
        let Entry { state, held } = entry.clone();
        Pad { label: self.asm.label(), entry: state, held, until: self.survey.tick(last) }
    }

    /// The state in which an exception arrives: that of the entry without the variables that have died in the region (the
    /// calls in it did not keep them), with the exception as an operand.
    fn landed(&mut self, pad: &Pad) -> State {
        self.now = self.now.max(pad.until);
        let mut state = State::clone(&pad.entry);
        state.reachable = true;
        state.forget(self.now);
        state.push(Value::new(Place::Reg(M::RESULT), Facts::ANY));
        state
    }

    /// `try` and `catch`. At the end of the body and in the handler the operand stack is cut to `floor`, and only the first
    /// `settled` variables stay settled.
    fn catching(&mut self, node: NodeId, try_: &Try, entry: &Entry, (floor, settled): (usize, usize)) {
        let Some((pattern, handler)) = try_.catch else { return self.expression(try_.body) };
        let mut end = Join::new();
        let pad = self.pad(entry, try_.body);
        let outer = self.handler.replace(pad.clone());
        self.expression(try_.body);
        self.handler = outer;
        self.keep_top(floor);
        self.goto_value(&mut end);
        let landed = self.landed(&pad);
        self.state.becomes(self.asm.offset(), landed);
        self.asm.bind(pad.label);
        self.keep_top(floor);
        if !mutated(Mutation::SettledInTheHandler) {
            self.settled.truncate(settled);
        }
        self.goes_to_pattern(node, pattern);
        let i = self.top(0);
        let mut misfit = Join::new();
        if self.takes_anything(pattern) {
            let exception = *self.state.operand(i);
            self.state.push(exception);
            self.call_helper(Helper::IsInterrupt, 1, &[], Facts::BOOL);
            self.branch_on_value(true, &mut misfit);
        }
        self.match_pattern(pattern, i, &mut misfit);
        // The handler does not hold the exception, but as a variable.
        self.state.set_operand(self.asm.offset(), i, Value::constant(Word::NULL));
        self.in_handlers += 1;
        self.expression(handler);
        self.in_handlers -= 1;
        let value = self.state.pop();
        self.state.set_operand(self.asm.offset(), i, value);
        self.goto_value(&mut end);
        if !misfit.edges.is_empty() {
            self.state.push(Value::constant(Word::NULL));
            self.place(misfit);
            self.rethrow(node);
            self.state.drop_top();
        }
        self.finish_value(end);
        self.goes_to(node);
    }

    /// Does the pattern of a handler fit whatever is thrown, without asking for an Interrupt by its name? The user's wish to
    /// end the program passes such a handler by.
    fn takes_anything(&mut self, pattern: PatternId) -> bool {
        match self.unit.pattern(pattern) {
            Pattern::Ignore | Pattern::Bind(_) => true,
            Pattern::Or(alternatives) => {
                let unit = self.unit;
                let mut names_it = |p: &PatternId| match unit.pattern(*p) {
                    Pattern::Struct { type_, .. } => self.link.is_interrupt(*type_),
                    _ => false,
                };
                !alternatives.iter().any(&mut names_it) && alternatives.iter().any(|p| self.takes_anything(*p))
            }
            _ => false,
        }
    }

    /// Throws the latest operand on.
    fn rethrow(&mut self, node: NodeId) {
        self.goes_to(node);
        self.call_throwing(Helper::Rethrow, 1);
    }

    /// Writes a region and, behind it, the block that runs on every way out of it. The value of the region is the one operand
    /// above `floor` afterwards. In the block nobody lands in the region any more: only the first `settled` variables stay settled.
    fn with_cleanup(
        &mut self,
        node: NodeId,
        (floor, settled): (usize, usize),
        pad: Pad,
        region: impl FnOnce(&mut Self),
        block: impl FnOnce(&mut Self),
    ) {
        let height = pad.entry.height();
        let outer = self.handler.replace(pad.clone());
        self.cleanups.push(Cleanup { height, ..Cleanup::default() });
        region(self);
        let mut cleanup = self.cleanups.pop().unwrap_or_default();
        self.handler = outer;
        // The end of the region falls into the block, an exception lands in it.
        self.keep_top(height);
        let number = if self.state.reachable { cleanup.number(Way::End) } else { Word::NULL };
        self.push_constant(number);
        let mut state = self.landed(&pad);
        state.push(Value::constant(cleanup.number(Way::Throw)));
        cleanup.into.edges.push(Edge::new(state, pad.label));
        self.place(cleanup.into);
        if !mutated(Mutation::SettledInTheBlock) {
            self.settled.truncate(settled);
        }
        let way = self.state.pop();
        self.keep_top(floor);
        self.state.push(way);
        self.in_handlers += 1;
        block(self);
        self.in_handlers -= 1;
        self.go_on(node, &cleanup.ways);
        self.goes_to(node);
    }

    /// Behind a block that runs on every way out: goes on by the number that is the latest operand, with the value below it.
    /// The value of the way through the end stays.
    fn go_on(&mut self, node: NodeId, ways: &[Way]) {
        let mut end = Join::new();
        // What goes on here is asked for first.
        let mut order: Vec<usize> = (0..ways.len()).collect();
        order.sort_by_key(|k| ways[*k] != Way::End);
        while let Some(k) = (!order.is_empty()).then(|| order.remove(0)) {
            let mut others = Join::new();
            if !order.is_empty() && self.state.reachable {
                let r = self.in_register(self.top(0));
                self.asm.compare_imm(r, Cleanup::word(k).0 as i64);
                let label = self.edge(&mut others);
                self.asm.branch(Cond::NotEqual, label);
                self.unpin();
            }
            self.state.drop_top();
            match ways[k] {
                Way::End => self.goto(&mut end),
                Way::Throw => self.rethrow(node),
                way => self.jump_out(way),
            }
            self.state.push(Value::constant(Word::NULL));
            self.place(others);
        }
        self.state.drop_top();
        self.state.drop_top();
        self.finish_value(end);
    }

    /// Leaves with the latest operand for where `return`, `break` or `continue` lead: to the innermost block that has to run on
    /// the way, which goes on from there, or straight. Nothing is reached behind it; the height is that of the walk.
    pub(super) fn jump_out(&mut self, way: Way) {
        if !self.state.reachable {
            return;
        }
        let height = self.state.height();
        let frame = match way {
            Way::Break(id) | Way::Continue(id) => self.loops.iter().rposition(|f| f.id == id),
            _ => None,
        };
        let open = frame.map_or(0, |k| self.loops[k].cleanups);
        if self.cleanups.len() > open
            && let Some(mut cleanup) = self.cleanups.pop()
        {
            self.keep_top(cleanup.height);
            self.push_constant(cleanup.number(way));
            self.goto(&mut cleanup.into);
            self.cleanups.push(cleanup);
        } else if let Some(k) = frame {
            self.jump_in_loop(k, way);
        } else {
            let place = self.state.operand(self.top(0)).place;
            self.state.moves(self.asm.offset());
            self.parallel_move(vec![(place, Place::Reg(M::RESULT))]);
            self.asm.epilogue(self.survey.saved);
            self.asm.ret();
            self.unpin();
            self.unreachable();
        }
        self.state.drop_to(height);
        while self.state.height() < height {
            self.push_constant(Word::NULL);
        }
    }

    /// `binding (name = value, …) { body }`
    pub(super) fn binding(&mut self, node: NodeId, names: &[GlobalId], values: List, body: NodeId) {
        for value in self.unit.list(values) {
            self.expression(*value);
        }
        self.goes_to(node);
        let n = names.len();
        if self.dead(n) {
            return;
        }
        let base = self.state.height() - n;
        // The bindings as they were; all values are evaluated before the first is bound.
        self.call_helper(Helper::DynamicRestore, 0, &[Word::UNDEFINED.0], Facts::ANY);
        for (k, name) in names.iter().enumerate() {
            let Some(found) = self.link.global(*name) else { continue };
            let value = *self.state.operand(base + k);
            self.push_constant(Word(found.binding as u64));
            self.state.push(value);
            self.call_helper(Helper::DynamicBind, 2, &[], Facts::ANY);
            self.state.drop_top();
        }
        // Only the old bindings stay on the stack.
        self.keep_top(base);
        let inside = (self.state.height(), self.settled.len());
        let entry = self.settle(node, body);
        let pad = self.pad(&entry, body);
        let region = |g: &mut Self| g.expression(body);
        self.with_cleanup(node, inside, pad, region, |g| {
            let old = *g.state.operand(base);
            g.state.push(old);
            g.call_helper(Helper::DynamicRestore, 1, &[], Facts::ANY);
            g.state.drop_top();
        });
        self.keep_top(base);
    }

    /// Drops what is between a height and the latest operand.
    pub(super) fn keep_top(&mut self, base: usize) {
        let value = *self.state.operand(self.top(0));
        self.state.push(value);
        let value = self.state.pop();
        self.state.drop_to(base);
        self.state.push(value);
    }
}
