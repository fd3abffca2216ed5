//! `try`, `finally`, `binding`: landing pads and what runs on the way out.
//!
//! Entering costs nothing: the handler of a call is found by its return address. A landing pad expects the variables where they
//! were when the `try` was entered, so those that can be assigned inside are settled: they have a tagged place that does not
//! change, and every assignment goes there at once. `finally` blocks are written once for each way out.

use super::facts::Facts;
use super::generator::{Cleanup, Generator};
use super::join::Join;
use super::link::Helper;
use super::state::{Owner, Place, State, Value};
use crate::asm::masm::*;
use crate::gc::Word;
use crate::reader::tree::*;

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// Everything that lives goes where a landing pad will find it; the state there.
    fn settle(&mut self) -> State {
        let height = self.state.height();
        // Constants of assigned variables and shared registers get places of their own.
        let live: Vec<(Owner, Value)> = self.state.values().map(|(o, v)| (o, v.clone())).collect();
        for (owner, _) in live {
            let value = self.state.get(owner).clone();
            let assigned = match owner {
                Owner::Var(v) => {
                    let var = &self.arity.vars[v.index()];
                    var.assigned && !var.boxed
                }
                Owner::Operand(_) => false,
            };
            let Owner::Var(var) = owner else {
                self.settle_operand(owner, value);
                continue;
            };
            if !assigned || self.is_settled(var) {
                continue;
            }
            let home = self.home(var);
            let place = match value.place {
                Place::Reg(r) if Some(r) == home => {
                    self.vacate_home(r, var);
                    Place::Reg(r)
                }
                _ => {
                    self.state.push(Value { var: None, ..value.clone() });
                    let i = self.top(0);
                    let r = self.in_register(i);
                    self.state.pop();
                    let slot = self.state.free_slot();
                    let mem = self.slot(slot);
                    self.asm.store(mem, r);
                    self.unpin();
                    Place::Slot(slot)
                }
            };
            self.state.set_var(var, Value { place, copy: None, var: None, ..value });
            self.settled.push((var, place));
        }
        self.save_for_call(height);
        // The frame slots that the landing pad reads are held by operands of their own while the region lasts: nothing that
        // happens to the variables inside can free them.
        let held: Vec<Value> = self
            .state
            .values()
            .filter(|(o, v)| {
                matches!(o, Owner::Var(var) if !self.is_settled(*var))
                    && matches!(v.place, Place::Slot(_) | Place::FloatSlot(_))
            })
            .map(|(_, v)| Value { var: None, copy: None, ..v.clone() })
            .collect();
        for value in held {
            self.state.push(value);
        }
        let mut state = self.state.clone();
        state.update(|owner, v| {
            let settled = matches!(owner, Owner::Var(var) if self.is_settled(var));
            let facts = if settled { Facts::ANY } else { v.facts };
            Some(Value { facts, copy: None, var: None, ..v.clone() })
        });
        state
    }

    /// Is the frame slot one of a variable that may be assigned?
    fn is_assigned_slot(&self, slot: u16) -> bool {
        self.state.values().any(|(owner, value)| match owner {
            Owner::Var(var) => {
                let holds = value.place == Place::Slot(slot) || value.copy == Some(slot);
                // A boxed variable's place holds its box, which stays the same.
                holds && self.arity.vars[var.index()].assigned && !self.arity.vars[var.index()].boxed
            }
            Owner::Operand(_) => false,
        })
    }

    /// Pending operands wait in the frame, where no assignment reaches them.
    fn settle_operand(&mut self, owner: Owner, value: Value) {
        let Owner::Operand(i) = owner else { return };
        match value.place {
            Place::Const(_) | Place::FloatConst(_) | Place::Cell(_) | Place::None | Place::FloatSlot(_) => {
                self.state.set_operand(i, Value { var: None, ..value });
            }
            Place::Float(_) => self.state.set_operand(i, Value { var: None, ..value }),
            // An outer landing pad may expect the operand where it is: it moves only when an assignment may write there.
            Place::Slot(slot) if !self.is_assigned_slot(slot) => {
                self.state.set_operand(i, Value { var: None, ..value });
            }
            Place::Reg(_) | Place::Slot(_) => {
                let r = self.in_register(i);
                let slot = self.state.free_slot();
                let mem = self.slot(slot);
                self.asm.store(mem, r);
                let value = self.state.operand(i).clone();
                self.state.set_operand(i, Value { place: Place::Slot(slot), copy: None, var: None, ..value });
                self.unpin();
            }
        }
    }

    /// The landing pad of a region that ends with the node: the state of the entry without the variables that have died in
    /// the region (the calls in it did not keep them), with the exception as an operand.
    fn land(&mut self, label: Label, entry: &State, region: NodeId) {
        self.asm.bind(label);
        self.state = entry.clone();
        self.state.reachable = true;
        self.now = self.now.max(self.survey.tick(region));
        self.forget_dead();
        self.push_reg(M::RESULT, Facts::ANY);
        self.unpin();
    }

    /// `try { } catch (p) { } finally { }`
    pub(super) fn try_(&mut self, node: NodeId, try_: &Try) {
        if !self.state.reachable {
            self.push_constant(Word::NULL);
            return;
        }
        let settled = self.settled.len();
        let outer = self.handler;
        let base = self.state.height();
        let entry = self.settle();
        let mut end = Join::new();
        let finally_pad = try_.finally.map(|block| {
            self.cleanups.push(Cleanup::Finally { node: block, outer });
            self.asm.label()
        });
        let inner = finally_pad.or(outer);
        if let Some((pattern, handler)) = try_.catch {
            let pad = self.asm.label();
            self.cleanups.push(Cleanup::Handler { outer: inner });
            self.handler = Some(pad);
            self.expression(try_.body);
            self.cleanups.pop();
            self.handler = inner;
            self.goto_value(&mut end);
            self.land(pad, &entry, try_.body);
            self.at = node;
            let i = self.top(0);
            let mut misfit = Join::new();
            self.match_pattern(pattern, i, &mut misfit);
            self.expression(handler);
            let value = self.state.pop();
            self.state.set_operand(i, value);
            self.goto_value(&mut end);
            if !misfit.edges.is_empty() {
                self.state.push(Value::constant(Word::NULL));
                self.place(misfit);
                self.call_helper(Helper::Rethrow, 1, &[], Facts::ANY);
                self.unreachable();
                self.state.pop();
            }
        } else {
            self.handler = inner;
            self.expression(try_.body);
            self.goto_value(&mut end);
        }
        if let (Some(pad), Some(block)) = (finally_pad, try_.finally) {
            self.cleanups.pop();
            self.handler = outer;
            // The way of an exception: the block, and on. The block is written once more below: it is not over yet.
            let now = self.now;
            self.land(pad, &entry, try_.catch.map_or(try_.body, |(_, handler)| handler));
            self.settle_top();
            self.expression(block);
            self.now = now;
            self.state.pop();
            self.at = node;
            self.call_helper(Helper::Rethrow, 1, &[], Facts::ANY);
            self.unreachable();
            self.state.pop();
            // The way through the end.
            self.finish_value(end);
            if self.state.reachable {
                self.expression(block);
                self.state.pop();
            }
        } else {
            self.handler = outer;
            self.finish_value(end);
        }
        self.keep_top(base);
        self.settled.truncate(settled);
        self.at = node;
    }

    /// Drops what is between a height and the latest operand.
    pub(super) fn keep_top(&mut self, base: usize) {
        let value = self.state.operand(self.top(0)).clone();
        self.state.push(value);
        let value = self.state.pop();
        self.state.drop_to(base);
        self.state.push(value);
    }

    /// The exception waits in the frame while the block runs.
    fn settle_top(&mut self) {
        let i = self.top(0);
        let value = self.state.operand(i).clone();
        self.settle_operand(Owner::Operand(i), value);
    }

    /// Writes what has to run before control leaves all regions above `down_to`; the value that leaves with it is the latest
    /// operand.
    pub(super) fn run_cleanups(&mut self, down_to: usize) {
        let all = self.cleanups.clone();
        let (handler, now) = (self.handler, self.now);
        while self.cleanups.len() > down_to && self.state.reachable {
            match self.cleanups.pop() {
                Some(Cleanup::Finally { node, outer }) => {
                    self.handler = outer;
                    let at = self.at;
                    // Inside the block the loops around the `try` are still there, those inside it are not.
                    self.expression(node);
                    self.state.pop();
                    self.at = at;
                }
                Some(Cleanup::Handler { outer }) => self.handler = outer,
                Some(Cleanup::Dynamic { operand, outer }) => {
                    self.handler = outer;
                    let old = self.state.operand(operand).clone();
                    self.state.push(old);
                    self.call_helper(Helper::DynamicRestore, 1, &[], Facts::ANY);
                    self.state.pop();
                }
                None => break,
            }
        }
        self.cleanups = all;
        self.handler = handler;
        self.now = now;
    }

    /// `binding (name = value, …) { body }`
    pub(super) fn binding(&mut self, node: NodeId, names: &[GlobalId], values: List, body: NodeId) {
        for value in self.unit.list(values) {
            self.expression(*value);
        }
        self.at = node;
        let n = names.len();
        if self.dead(n) {
            return;
        }
        let base = self.state.height() - n;
        // The bindings as they were go below the values; all values are evaluated before the first is bound.
        self.call_helper(Helper::DynamicRestore, 0, &[Word::UNDEFINED.0], Facts::ANY);
        let old = self.state.pop();
        self.state.push(old);
        let settled = self.settled.len();
        let outer = self.handler;
        for (k, name) in names.iter().enumerate() {
            let Some(found) = self.link.global(*name) else { continue };
            let value = self.state.operand(base + k).clone();
            self.push_constant(Word(found.binding as u64));
            self.state.push(value);
            self.call_helper(Helper::DynamicBind, 2, &[], Facts::ANY);
            self.state.pop();
        }
        // Only the old bindings stay on the stack.
        self.keep_top(base);
        let entry = self.settle();
        let pad = self.asm.label();
        self.handler = Some(pad);
        self.cleanups.push(Cleanup::Dynamic { operand: base, outer });
        self.expression(body);
        self.cleanups.pop();
        self.handler = outer;
        let mut end = Join::new();
        if self.state.reachable {
            let old = self.state.operand(base).clone();
            self.state.push(old);
            self.call_helper(Helper::DynamicRestore, 1, &[], Facts::ANY);
            self.state.pop();
            self.keep_top(base);
            self.goto_value(&mut end);
        }
        self.land(pad, &entry, body);
        self.settle_top();
        let old = self.state.operand(base).clone();
        self.state.push(old);
        self.call_helper(Helper::DynamicRestore, 1, &[], Facts::ANY);
        self.state.pop();
        self.at = node;
        self.call_helper(Helper::Rethrow, 1, &[], Facts::ANY);
        self.unreachable();
        self.state.drop_to(base);
        self.finish_value(end);
        self.settled.truncate(settled);
    }
}
