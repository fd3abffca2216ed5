//! Loops: entered optimistically, written again when that was too hopeful.
//!
//! The header keeps the places, representations and facts that variables have on entry. When a variable has widened at the
//! back-edge, the code is cut back to before the header, the variable is widened there, and the loop is written again; the
//! lattice is low, so a couple of turns settle it. `for` keeps its own state (index and limit of a range; cursor, chunk and
//! index of any other collection) as pending operands.

use super::exceptions::Way;
use super::facts::{Facts, Hint, Types};
use super::failure::{GivenUp, give_up};
use super::generator::{Generator, Learned, LoopFrame};
use super::join::{Edge, Join};
use super::link::{GlobalKind, Helper, Intrinsic, SideExit};
use super::state::{Owner, Place, State, Value};
use super::trials::Optimisation;
use super::twin::{Exit, LOOP_CAP, Promotion};
use super::version::Version;
use crate::asm::code_map::Part;
use crate::asm::masm::*;
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::object::layout::{self, slot_disp};
use crate::reader::tree::*;
use rustc_hash::FxHashSet;

/// How often a loop is written before everything in it is taken to be anything.
const ATTEMPTS: usize = 8;

/// Loops in loops are written again by each other: when so many times their nodes have been written, no more is hoped for.
/// What is in a loop that contains no other is written with hope all the same.
const PATIENCE: u32 = 32;

/// How loops in loops are written.
#[derive(Clone, Copy, Default)]
pub(super) struct Haste {
    /// The work (see `Generator::work`) up to which loops are written with hope.
    limit: u32,
    /// There was more: loops that contain others take all that they assign to be anything.
    on: bool,
    /// What is written now is thrown away: the outermost loop will be written again.
    discards: bool,
}

/// What a loop does in each turn.
#[derive(Clone)]
enum Turn {
    /// `while condition { body }`, `loop { body }`
    While { condition: Option<NodeId>, body: NodeId },
    /// `for pattern in range(a, b)`: the counter (an operand, or the variable itself) and the limit.
    Range { pattern: PatternId, body: NodeId, counter: Owner, iterable: NodeId },
    /// `for pattern in collection`: operands cursor, chunk, index; with `number`, `for [number, pattern] in enumerate(collection)`,
    /// one more, which counts the elements.
    Chunks { pattern: PatternId, number: Option<PatternId>, body: NodeId, hint: Hint },
}

/// Where the turns of a loop begin, and what is known there.
struct Header {
    label: Label,
    state: State,
}

/// A loop to be written.
#[derive(Clone)]
struct Spec {
    node: NodeId,
    id: LoopId,
    turn: Turn,
    /// Height of the operand stack before the loop's own operands.
    base: usize,
    /// Somebody wants its value.
    wanted: bool,
    /// The operand that holds the last body value, when somebody wants it.
    result: Option<usize>,
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    fn wants_value(&self, node: NodeId) -> bool {
        self.unwanted != Some(node)
    }

    /// `while` and `loop`.
    pub(super) fn loop_(&mut self, node: NodeId, id: LoopId) {
        let (condition, body) = match self.unit.node(node) {
            Node::While { condition, body, .. } => (Some(*condition), *body),
            Node::Loop { body, .. } => (None, *body),
            _ => return,
        };
        let base = self.state.height();
        if self.skip_unreachable() {
            return;
        }
        let wanted = self.wants_value(node);
        let result = (wanted && condition.is_some()).then_some(base);
        if result.is_some() {
            self.push_constant(Word::NULL);
        }
        self.loop_with_twin(Spec { node, id, turn: Turn::While { condition, body }, base, wanted, result });
    }

    /// Loops cannot be entered in the middle by exits, for regions contain none.
    fn skip_unreachable(&mut self) -> bool {
        if !self.state.reachable {
            self.push_constant(Word::NULL);
        }
        !self.state.reachable
    }

    /// `for pattern in iterable { body }`
    pub(super) fn for_(&mut self, node: NodeId, id: LoopId, pattern: PatternId, iterable: NodeId, body: NodeId) {
        let wanted = self.wants_value(node);
        let base = self.state.height();
        if let Node::Call { callee, args, .. } = self.unit.node(iterable)
            && let Node::Global(g) = self.unit.node(*callee)
            && matches!(self.link.global(*g).map(|g| g.kind), Some(GlobalKind::Intrinsic(Intrinsic::Range)))
            && let [from, to] = self.unit.list(*args)
        {
            self.expression(*from);
            self.expression(*to);
            self.goes_to(iterable);
            if !self.state.reachable {
                self.state.drop_to(base);
                self.push_constant(Word::NULL);
                return;
            }
            if self.never_ints() {
                self.call_throwing(Helper::CheckRange, 2);
                self.state.drop_to(base);
                self.push_constant(Word::NULL);
                return;
            }
            let counter = match super::survey::counter(self.unit, self.arity, pattern) {
                Some(var) => {
                    let from = *self.state.operand(base);
                    self.state.push(from);
                    self.store_var(var);
                    self.state.set_operand(self.asm.offset(), base, Value::constant(Word::NULL));
                    Owner::Var(var)
                }
                None => Owner::Operand(base),
            };
            let result = self.push_result(wanted);
            let turn = Turn::Range { pattern, body, counter, iterable };
            return self.loop_with_twin(Spec { node, id, turn, base, wanted, result });
        }
        let numbered = self.numbered(pattern, iterable);
        let (number, pattern) = numbered.map_or((None, pattern), |n| (Some(n.number), n.element));
        self.expression(numbered.map_or(iterable, |n| n.collection));
        self.goes_to(iterable);
        if self.skip_unreachable_operand() {
            return;
        }
        if number.is_some() {
            self.call_helper(Helper::Enumerated, 1, &[], Facts::object(layout::VECTOR));
        }
        let hint = self.hints.element(self.state.operand(self.top(0)).hint);
        self.call_helper(Helper::Iterate, 1, &[], Facts::of(Types::OBJECT));
        // The first chunk; the loop asks for the others.
        let mut none = Join::new();
        self.next_chunk(base, &mut none);
        self.push_constant(Word(0));
        if number.is_some() {
            self.push_constant(Word(0));
        }
        let result = self.push_result(wanted);
        let spec = Spec { node, id, turn: Turn::Chunks { pattern, number, body, hint }, base, wanted, result };
        self.loop_with_twin(spec);
        // An empty collection comes here without a turn.
        for edge in &mut none.edges {
            let state = edge.state_mut();
            state.drop_to(base);
            state.push(Value::constant(Word::NULL));
        }
        self.place(none);
    }

    fn skip_unreachable_operand(&mut self) -> bool {
        !self.state.reachable
    }

    fn push_result(&mut self, wanted: bool) -> Option<usize> {
        wanted.then(|| {
            self.push_constant(Word::NULL);
            self.top(0)
        })
    }

    /// Pushes the next chunk of the cursor at operand `cursor`; at the end of the collection control leaves, without it.
    fn next_chunk(&mut self, cursor: usize, none: &mut Join) {
        let value = *self.state.operand(cursor);
        self.state.push(value);
        self.call_helper(Helper::NextChunk, 1, &[], Facts::of(Types::OBJECT));
        let chunk = self.in_register(self.top(0));
        self.asm.compare_imm(chunk, Word::NULL.0 as i64);
        let value = self.state.pop();
        let label = self.edge(none);
        self.state.push(value);
        self.asm.branch(Cond::Equal, label);
        self.unpin();
    }

    // ---- hot version and twin ----

    fn loop_with_twin(&mut self, spec: Spec) {
        let facts = self.survey.loop_(spec.id);
        let eligible = !facts.complex && facts.size <= LOOP_CAP && self.version.is_plain() && self.handler.is_none();
        if !eligible || self.counts_any.is_some() || self.trials.is_off(Optimisation::Twins) {
            return match spec.turn {
                Turn::Range { counter, .. } if self.may_be_large(counter, spec.base + 1, facts.nested) => {
                    self.loop_of_any_size(&spec, counter)
                }
                _ => self.write_loop(&spec),
            };
        }
        // A promotion may take a variable anywhere, for no landing pad is open.
        debug_assert_eq!(self.settled.len(), 0);
        let entry = self.state.clone();
        self.version = Version::hot(facts.start);
        self.write_loop(&spec);
        let Version::Hot(hot) = std::mem::take(&mut self.version) else { return };
        if hot.exits.is_empty() {
            return;
        }
        // What follows the loop is reached from the twin as well: it knows only what both know.
        let after_state = self.state_behind(&entry, &spec);
        let after = self.asm.label();
        if self.state.reachable {
            self.agree(&after_state);
        } else {
            self.state.becomes(self.asm.offset(), after_state.clone());
        }
        self.asm.bind(after);
        self.state.set_reachable(true);
        self.later(move |g| {
            g.part(Part::General);
            let start = hot.start;
            let twin = g.twin_of(hot);
            g.enter_cold(entry, spec.node, None);
            g.now = start - 1;
            g.version = twin;
            g.unwanted = (!spec.wanted).then_some(spec.node);
            // Nothing falls into the twin from above: its header is entered by its own turns and by exits.
            g.arrive(spec.node);
            g.write_loop(&spec);
            g.version = Version::Plain;
            if g.state.reachable {
                g.agree(&after_state);
                g.asm.jump(after);
            }
        });
    }

    /// A loop through a range whose bounds are probably inline Ints, but for which there is no twin: it is written for such, and, right
    /// behind, once more for Ints of any size. In there no loop is written twice, so that the size stays in proportion.
    fn loop_of_any_size(&mut self, spec: &Spec, counter: Owner) {
        let (now, unwanted) = (self.now, self.unwanted);
        let mut large = Join::new();
        self.ask_int(counter, &mut large.edges);
        self.ask_int(Owner::Operand(spec.base + 1), &mut large.edges);
        self.write_loop(spec);
        let mut end = Join::new();
        self.goto_value(&mut end);
        let part = self.parts.last().map_or(Part::Hot, |last| last.1);
        self.part(Part::General);
        self.place(large);
        (self.now, self.unwanted) = (now, unwanted);
        self.counts_any = Some(spec.id);
        self.write_loop(spec);
        self.counts_any = None;
        self.goto_value(&mut end);
        self.part(part);
        self.finish_value(end);
    }

    /// The state in which both versions arrive behind a loop. It is made of the entry, which is the same for both: a fact or
    /// a constant is kept when the entry has it and the loop does not change it, and two owners share a place when they did
    /// on entry and neither is changed. Of the hot version only the places are asked, for they cost nothing there: what else
    /// its ways out have in common (a constant, two variables that are the same) the twin's need not.
    fn state_behind(&mut self, entry: &State, spec: &Spec) -> State {
        let assigned: FxHashSet<Owner> = self.assigned(spec).into_iter().collect();
        let present = self.state.reachable.then(|| self.state.clone());
        let result = Owner::Operand(spec.base);
        if mutated(Mutation::ExitsOfOne)
            && let Some(state) = present
        {
            return state;
        }
        let mut target = entry.clone();
        target.reachable = true;
        target.drop_to(spec.base);
        target.forget(self.survey.tick(spec.node));
        // What is in the frame and the same on both sides stays: only the others are looked at.
        let mut owners = target.differing(&present);
        owners.extend(target.owners_in_registers());
        owners.extend(assigned.iter().copied().filter(|owner| target.has(*owner)));
        owners.extend((0..spec.base).map(Owner::Operand));
        owners.sort_unstable();
        owners.dedup();
        for owner in &owners {
            target.set(*owner, Value::none());
        }
        target.push(Value::none());
        owners.push(result);
        let mut open = Vec::new();
        for owner in owners {
            let changes = owner == result || assigned.contains(&owner);
            let now = present.as_ref().map_or(Place::None, |state| state.get(owner).place);
            let mut value = match changes {
                false => Value { copy: None, var: None, ..*entry.get(owner) },
                true => {
                    let seen = present.as_ref().map_or_else(Value::none, |state| *state.get(owner));
                    Value { place: Place::None, copy: None, var: None, ..seen }.widened(Facts::ANY)
                }
            };
            if owner == result && !spec.wanted {
                value = Value::constant(Word::NULL);
            } else if changes || !value.place.is_const() {
                let raw = value.place.is_raw();
                let shared =
                    |other: Owner| !assigned.contains(&other) && entry.get(other).place == entry.get(owner).place;
                let free = !target.holds(now) || !changes && target.owners_of(now).into_iter().any(shared);
                if now == Place::None || now.is_const() || now.is_raw() != raw || !free {
                    open.push((owner, value, raw));
                    continue;
                }
                value.place = now;
            }
            target.set(owner, value);
        }
        for (owner, mut value, raw) in open {
            value.place = self.choose_place(&target, &[], raw, owner);
            target.set(owner, value);
        }
        target
    }

    /// The owners that a loop changes: variables of the function and the loop's own operands.
    fn assigned(&self, spec: &Spec) -> Vec<Owner> {
        let vars = self.arity.loops[spec.id.index()].assigned.iter();
        let mut owners: Vec<Owner> =
            vars.filter(|v| !self.arity.vars[v.index()].boxed).map(|v| Owner::Var(*v)).collect();
        match spec.turn {
            Turn::While { .. } => {}
            Turn::Range { counter, .. } => owners.push(counter),
            Turn::Chunks { number, .. } => {
                owners.extend((1..=2 + usize::from(number.is_some())).map(|i| Owner::Operand(spec.base + i)));
            }
        }
        owners.extend(spec.result.map(Owner::Operand));
        owners
    }

    // ---- writing a loop ----

    /// Writes the loop, again and again until its header holds. Leaves the value in place of the loop's operands.
    fn write_loop(&mut self, spec: &Spec) {
        let mark = self.mark();
        let assigned = self.assigned(spec);
        let facts = self.survey.loop_(spec.id);
        let outermost = self.loops.is_empty();
        if outermost {
            self.haste =
                Haste { limit: self.work.saturating_add(PATIENCE.saturating_mul(facts.size)), ..Haste::default() };
        }
        if self.haste.discards {
            self.state.drop_to(spec.base);
            return self.push_constant(Word::NULL);
        }
        let key = (spec.id, self.walk());
        let Learned { mut widened, mut promotions } = self.learned.get(&key).cloned().unwrap_or_default();
        for attempt in 0.. {
            if attempt > 0 {
                self.rollback(&mark);
                if let Version::Hot(hot) = &mut self.version {
                    hot.exits.clear();
                    hot.found.clear();
                }
            }
            if attempt == ATTEMPTS || self.haste.on && facts.complex {
                widened = assigned.iter().map(|o| (*o, Facts::ANY)).collect();
            }
            let good = self.attempt(spec, &assigned, &mut widened, &mut promotions) && !self.haste.discards;
            if attempt > 0 || !good {
                // Around a loop that is written again this one is written again, too.
                self.learned.insert(key, Learned { widened: widened.clone(), promotions: promotions.clone() });
            }
            if good {
                return;
            }
            if !self.haste.discards && (!facts.complex || self.work <= self.haste.limit) {
                continue;
            }
            if !outermost {
                // The outermost loop is written again, and this one with it: what stands here now is only in the way.
                self.haste = Haste { on: true, discards: true, ..self.haste };
                self.rollback(&mark);
                self.state.drop_to(spec.base);
                return self.push_constant(Word::NULL);
            }
            if attempt > 2 * ATTEMPTS {
                give_up(GivenUp::TooIntricate);
            }
            self.haste = Haste { on: true, discards: false, ..self.haste };
        }
    }

    /// Writes the loop once; false when it has to be written again with what was found out.
    fn attempt(
        &mut self,
        spec: &Spec,
        assigned: &[Owner],
        widened: &mut Vec<(Owner, Facts)>,
        promotions: &mut Vec<(VarId, Promotion)>,
    ) -> bool {
        let inline = self.ask_before_loop(spec, widened, promotions);
        let facts = self.survey.loop_(spec.id);
        // What neither the loop nor what follows uses must not be in the header: the body does not keep it.
        self.now = self.now.max(facts.start.saturating_sub(1));
        self.forget_dead();
        self.prepare_header(assigned, widened, facts.calls);
        let (mut exit, mut refill) = (Join::new(), Join::new());
        // A range asks before its first turn and after each, so that a turn has one branch.
        if let Turn::Range { counter, .. } = spec.turn
            && inline
        {
            self.compare_counter(counter, spec.base + 1);
            let label = self.edge(&mut exit);
            self.asm.branch(Cond::GreaterEqual, label);
        }
        self.state.echoes_mut().forget();
        let state = self.state.clone();
        self.asm.align_loop();
        let header = Header { label: self.asm.label(), state };
        self.asm.bind(header.label);
        self.loops.push(LoopFrame {
            id: spec.id,
            height: self.state.height(),
            base: spec.base,
            cleanups: self.cleanups.len(),
        });
        self.joins.push((spec.id, Join::new(), Join::new()));
        let unwanted = self.unwanted;
        if let Turn::Range { counter, iterable, .. } = spec.turn
            && !inline
        {
            self.test_counter(counter, spec.base + 1, iterable, &mut exit);
        }
        self.turn(spec, &mut exit, &mut refill);
        self.unwanted = unwanted;
        let continues = self.joins.last_mut().map(|(_, _, continues)| std::mem::take(continues));
        self.place(continues.unwrap_or_default());
        self.goes_to(spec.node);
        let mut good = self.next_turn(spec, inline, &header, assigned, widened, &mut exit);
        if good && !refill.edges.is_empty() {
            self.place(refill);
            self.refill(spec, &mut exit);
            good = self.holds(&header.state, assigned, widened);
            if good && self.state.reachable {
                self.agree(&header.state);
                self.asm.jump(header.label);
                self.unreachable();
            }
        }
        self.loops.pop();
        let breaks = self.joins.pop().map(|(_, breaks, _)| breaks).unwrap_or_default();
        if !good || self.has_found_more(promotions) {
            return false;
        }
        self.behind_loop(spec, exit, breaks);
        true
    }

    /// What is asked once before a loop, so that its turns need not. Tells whether a range counts inline Ints.
    fn ask_before_loop(&mut self, spec: &Spec, widened: &[(Owner, Facts)], promotions: &[(VarId, Promotion)]) -> bool {
        let mut twin_edges: Vec<Edge> = Vec::new();
        let inline = match spec.turn {
            Turn::Range { counter, iterable, .. } => {
                self.check_bounds(counter, spec.base + 1, iterable, &mut twin_edges)
            }
            _ => false,
        };
        for (var, promotion) in promotions {
            if !widened.iter().any(|(o, _)| *o == Owner::Var(*var)) {
                self.ask_before(*var, *promotion, &mut twin_edges);
            }
        }
        if let Version::Hot(hot) = &mut self.version {
            let (point, reason) = (spec.node.into(), SideExit::Entry);
            hot.exits.extend(twin_edges.into_iter().map(|edge| Exit { point, edge, reason }));
        }
        inline
    }

    /// The end of a turn: back to the header if that holds still, which is told.
    fn next_turn(
        &mut self,
        spec: &Spec,
        inline: bool,
        header: &Header,
        assigned: &[Owner],
        widened: &mut Vec<(Owner, Facts)>,
        exit: &mut Join,
    ) -> bool {
        if !self.state.reachable {
            return true;
        }
        self.step(spec, inline);
        if !self.holds(&header.state, assigned, widened) {
            return false;
        }
        if !self.state.reachable {
            return true;
        }
        self.agree(&header.state);
        self.poll();
        match spec.turn {
            Turn::Range { counter, .. } if inline => {
                self.compare_counter(counter, spec.base + 1);
                self.asm.branch(Cond::Less, header.label);
                self.goto(exit);
            }
            _ => self.asm.jump(header.label),
        }
        self.unreachable();
        true
    }

    /// Was something found in a hot loop that could have been asked before it? It is noted.
    fn has_found_more(&self, promotions: &mut Vec<(VarId, Promotion)>) -> bool {
        let Version::Hot(hot) = &self.version else { return false };
        let before = promotions.len();
        for found in &hot.found {
            if !promotions[..before].iter().any(|known| known.0 == found.0) {
                promotions.push(*found);
            }
        }
        promotions.len() > before
    }

    /// Out of the loop: its operands give way to its value.
    fn behind_loop(&mut self, spec: &Spec, exit: Join, mut breaks: Join) {
        if !spec.wanted {
            for edge in &mut breaks.edges {
                edge.state_mut().set_operand(spec.base, Value::constant(Word::NULL));
            }
        }
        self.place(exit);
        if self.state.reachable {
            let value = spec.result.map_or(Value::constant(Word::NULL), |i| *self.state.operand(i));
            self.state.push(value);
            let value = self.state.pop();
            self.state.drop_to(spec.base);
            self.state.push(value);
        } else {
            self.state.drop_to(spec.base);
            self.push_constant(Word::NULL);
        }
        if !breaks.edges.is_empty() {
            if !self.state.reachable {
                self.state.drop_top();
                self.finish_value(breaks);
            } else {
                self.place(breaks);
            }
        }
    }

    /// One turn, up to the point where `continue` arrives.
    fn turn(&mut self, spec: &Spec, exit: &mut Join, refill: &mut Join) {
        match &spec.turn {
            Turn::While { condition, body } => {
                if let Some(condition) = condition {
                    self.condition(*condition, false, exit);
                }
                self.body(spec, *body);
            }
            Turn::Range { pattern, body, counter, .. } => {
                if let Owner::Operand(i) = counter {
                    let value = *self.state.operand(*i);
                    self.state.push(Value { var: None, copy: None, ..value });
                    self.bind_element(spec.node, *pattern);
                }
                self.body(spec, *body);
            }
            Turn::Chunks { pattern, number, body, hint } => {
                let (chunk, index) = (spec.base + 1, spec.base + 2);
                let slots = self.in_register(chunk);
                let at = self.in_register(index);
                let element = self.register();
                self.asm.compare_mem(at, Mem::at(slots, slot_disp(layout::ARRAY_LENGTH)));
                let label = self.edge(refill);
                self.asm.branch(Cond::AboveEqual, label);
                self.asm.load(element, Mem::indexed(slots, at, 0, slot_disp(layout::ARRAY_ELEMENTS)));
                self.state.push(Value::new(Place::Reg(element), Facts::ANY).hinted(*hint));
                self.unpin();
                if let Some(number) = number {
                    let value = *self.state.operand(spec.base + 3);
                    self.state.push(Value { var: None, copy: None, ..value });
                    self.bind_element(spec.node, *number);
                }
                self.bind_element(spec.node, *pattern);
                self.body(spec, *body);
            }
        }
    }

    /// Binds the latest operand, an element, to the pattern of a `for`; it is taken off.
    fn bind_element(&mut self, node: NodeId, pattern: PatternId) {
        if let Pattern::Bind(var) = self.unit.pattern(pattern) {
            self.define(*var);
            return;
        }
        let mut misfit = Join::new();
        let i = self.top(0);
        self.match_pattern(pattern, i, &mut misfit);
        if !misfit.edges.is_empty() {
            let mut end = Join::new();
            self.goto(&mut end);
            self.place(misfit);
            self.goes_to(node);
            self.call_throwing(Helper::MatchError, 1);
            self.place(end);
        }
        self.state.drop_top();
    }

    fn body(&mut self, spec: &Spec, body: NodeId) {
        self.unwanted = if spec.result.is_some() { None } else { Some(body) };
        self.expression(body);
        match spec.result {
            Some(i) if self.state.reachable => {
                let value = *self.state.operand(self.top(0));
                self.state.set_operand(self.asm.offset(), i, Value { var: None, ..value });
            }
            _ => {}
        }
        self.state.drop_top();
        self.unpin();
        if self.state.reachable {
            self.forget_dead();
        }
    }

    /// After the turn: the loop's own operands move on.
    fn step(&mut self, spec: &Spec, inline: bool) {
        match spec.turn {
            Turn::While { .. } => {}
            Turn::Range { counter, .. } if inline => self.count(counter),
            Turn::Range { counter, iterable, .. } => {
                let value = *self.state.get(counter);
                self.state.push(Value { var: None, ..value });
                self.push_constant(Word(8));
                self.goes_to(iterable);
                self.int_binary(BinaryOp::Add, iterable);
                let next = self.state.pop();
                let next = Value { var: None, copy: None, ..next }.widened(Facts::INTEGER);
                self.state.set(self.asm.offset(), counter, next);
                self.unpin();
            }
            Turn::Chunks { number, .. } => {
                self.count(Owner::Operand(spec.base + 2));
                if number.is_some() {
                    self.count(Owner::Operand(spec.base + 3));
                }
            }
        }
    }

    /// The chunk is used up: the next one, from its start.
    fn refill(&mut self, spec: &Spec, exit: &mut Join) {
        if !self.state.reachable {
            return;
        }
        self.next_chunk(spec.base, exit);
        let chunk = *self.state.operand(self.top(0));
        self.state.push(chunk);
        let chunk = self.state.pop();
        self.state.set_operand(self.asm.offset(), spec.base + 1, chunk);
        self.state.drop_top();
        self.state.set_operand(self.asm.offset(), spec.base + 2, Value::constant(Word(0)));
    }

    // ---- leaving ----

    /// Goes to where the loop of a frame takes up what breaks and continues it; no block has to run on the way.
    pub(super) fn jump_in_loop(&mut self, frame: usize, way: Way) {
        let LoopFrame { id, height, base, .. } = self.loops[frame];
        let Some(at) = self.joins.iter().rposition(|(other, _, _)| *other == id) else { return };
        if way == Way::Break(id) {
            self.keep_top(base);
            let mut breaks = std::mem::take(&mut self.joins[at].1);
            self.goto(&mut breaks);
            self.joins[at].1 = breaks;
        } else {
            self.state.drop_to(height);
            let mut continues = std::mem::take(&mut self.joins[at].2);
            self.goto(&mut continues);
            self.joins[at].2 = continues;
        }
    }
}
