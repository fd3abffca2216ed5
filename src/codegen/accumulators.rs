//! Accumulators: local variables whose map, vector or set changes in place.
//!
//! In `for … { m = assoc(m, k, v) }` the variable is overwritten by the result, so nobody can see the difference between a
//! changed copy and a changed collection, unless somebody else holds it. The calls in such assignments go to helpers that may
//! change it (the header says whether: see `runtime/values/collections/marks.rs`), and every other read of the variable
//! *freezes* it first: clears that mark, so that the value is an ordinary one from then on. Only the container arguments of a
//! few functions of `core` that keep nothing of it need no freeze.
//!
//! What makes it right: a collection with the mark is held by one accumulator and by nothing else. Closures would hold it, so
//! captured variables are no accumulators. A container argument is read before the other arguments are evaluated; when these
//! assign the variable, it is a read like any other, for the call must see the collection as it was.

use super::facts::{Facts, Types};
use super::generator::Generator;
use super::join::Join;
use super::link::{CollectionCall, Helper};
use super::survey::counts_as_local;
use crate::asm::masm::*;
use crate::emit::Emit;
use crate::mutations::{Mutation, mutated};
use crate::object::layout::{self, LayoutId};
use crate::reader::tree::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// A call (or an index expression) whose container is a variable.
#[derive(Clone, Copy, Debug)]
struct Use {
    node: NodeId,
    call: CollectionCall,
    /// The node that reads the variable.
    read: NodeId,
    var: VarId,
    /// The ticks of the read and of the call.
    span: (u32, u32),
}

/// What the survey sees of assignments and of collections in variables, in order.
#[derive(Debug, Default)]
pub struct Sightings {
    uses: Vec<Use>,
    /// Variable and tick of each assignment.
    assigned: Vec<(VarId, u32)>,
    /// Calls whose result is assigned to their container within a loop that the variable is older than.
    growing: FxHashSet<NodeId>,
}

/// The accumulators of an arity, and what is special about nodes that read them.
#[derive(Debug, Default)]
pub struct Accumulators {
    vars: FxHashMap<VarId, Marks>,
    /// Reads that keep nothing of the value.
    harmless: FxHashSet<NodeId>,
    /// Calls that go to helpers which know maps with the mark.
    calls: FxHashMap<NodeId, CollectionCall>,
    /// Those of them that may change the map.
    growing: FxHashSet<NodeId>,
}

/// What collections in a variable may have a mark: those that its growing calls can mark.
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    maps: bool,
    vectors: bool,
    sets: bool,
}

impl Marks {
    fn add(&mut self, call: CollectionCall) {
        match call {
            CollectionCall::SetAdd | CollectionCall::SetRemove => self.sets = true,
            CollectionCall::Dissoc => self.maps = true,
            CollectionCall::Push | CollectionCall::Butlast => self.vectors = true,
            _ => (self.maps, self.vectors) = (true, true),
        }
    }

    fn layouts(self) -> impl Iterator<Item = LayoutId> {
        let all = [(self.maps, layout::MAP), (self.vectors, layout::VECTOR), (self.sets, layout::SET)];
        all.into_iter().filter_map(|(may_be, layout)| may_be.then_some(layout))
    }
}

impl Sightings {
    /// A call of `core` (or an index expression) with a variable as container; both ticks are known now.
    pub fn saw_use(&mut self, node: NodeId, call: CollectionCall, read: (NodeId, VarId), span: (u32, u32)) {
        self.uses.push(Use { node, call, read: read.0, var: read.1, span });
    }

    /// An assignment, finished at this tick.
    pub fn saw_assignment(&mut self, var: VarId, value: NodeId, tick: u32, in_loop: bool) {
        self.assigned.push((var, tick));
        // The call was finished just before, when its container is a variable at all.
        if let Some(use_) = self.uses.last()
            && use_.node == value
            && use_.var == var
            && use_.call.changes()
            && in_loop
        {
            self.growing.insert(value);
        }
    }

    /// The accumulators.
    pub fn finish(self, arity: &Arity) -> Accumulators {
        let mut out = Accumulators::default();
        for use_ in &self.uses {
            if self.growing.contains(&use_.node) && counts_as_local(&arity.vars[use_.var.index()]) {
                out.vars.entry(use_.var).or_default().add(use_.call);
            }
        }
        for use_ in &self.uses {
            if !out.vars.contains_key(&use_.var) || self.assigned_within(use_) {
                continue;
            }
            let changes = use_.call.changes();
            if changes && !self.growing.contains(&use_.node) {
                continue;
            }
            out.harmless.insert(use_.read);
            if use_.call.helper().is_some() {
                out.calls.insert(use_.node, use_.call);
            }
            if changes {
                out.growing.insert(use_.node);
            }
        }
        out
    }

    fn assigned_within(&self, use_: &Use) -> bool {
        let (from, to) = use_.span;
        self.assigned.iter().any(|(var, tick)| *var == use_.var && from < *tick && *tick < to)
    }
}

impl CollectionCall {
    /// Is this a number of arguments that the helper takes?
    pub fn takes(self, arguments: usize) -> bool {
        match self {
            CollectionCall::Length | CollectionCall::Count | CollectionCall::Butlast => arguments == 1,
            CollectionCall::Index | CollectionCall::Contains | CollectionCall::Dissoc => arguments == 2,
            CollectionCall::Push => arguments == 2,
            CollectionCall::Look => arguments > 0,
            CollectionCall::SetContains | CollectionCall::SetAdd | CollectionCall::SetRemove => arguments == 2,
            CollectionCall::GetOr | CollectionCall::Assoc | CollectionCall::Update => arguments == 3,
        }
    }

    /// Does it give a changed collection?
    fn changes(self) -> bool {
        use CollectionCall::*;
        matches!(self, Assoc | Update | Dissoc | SetAdd | SetRemove | Push | Butlast)
    }

    /// What knows collections with the mark; none where the call itself does what is needed.
    fn helper(self) -> Option<Helper> {
        Some(match self {
            // `get` of two arguments has a helper already, and no program's method is asked whether a set has a member.
            CollectionCall::Index | CollectionCall::SetContains | CollectionCall::Look => return None,
            CollectionCall::GetOr => Helper::GetOr,
            CollectionCall::Contains => Helper::Contains,
            CollectionCall::Length => Helper::Length,
            CollectionCall::Count => Helper::Count,
            CollectionCall::Assoc | CollectionCall::Update => Helper::AssocInPlace,
            CollectionCall::Dissoc => Helper::DissocInPlace,
            CollectionCall::SetAdd => Helper::SetAddInPlace,
            CollectionCall::SetRemove => Helper::SetRemoveInPlace,
            CollectionCall::Push => Helper::PushInPlace,
            CollectionCall::Butlast => Helper::ButlastInPlace,
        })
    }
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// Writes a call whose container is an accumulator; false when it is none of those.
    pub(super) fn accumulator_call(&mut self, node: NodeId, global: GlobalId, args: &[NodeId]) -> bool {
        let Some(call) = self.survey.accumulators.calls.get(&node).copied() else { return false };
        for arg in args {
            self.expression(*arg);
        }
        self.goes_to(node);
        match call {
            CollectionCall::GetOr => {
                self.look_up(Helper::GetOr, 3);
                return true;
            }
            CollectionCall::Update => {
                self.update(node, global);
                return true;
            }
            _ => {}
        }
        if let Some(helper) = call.helper() {
            self.call_helper(helper, args.len(), &[], Facts::ANY);
        }
        true
    }

    /// `update(m, k, f)` of the latest three operands: a function of the library, which keeps nothing of the collection, asks `f`, and what it
    /// gives is put under the key. As other functions written in the language, the one that the name stands for is followed when it changes.
    fn update(&mut self, node: NodeId, global: GlobalId) {
        if self.dead(3) {
            return;
        }
        let (mut revised, mut end) = (Join::new(), Join::new());
        let label = self.edge(&mut revised);
        self.branch_if_revised(label);
        for _ in 0..3 {
            let argument = *self.state.operand(self.top(2));
            self.state.push(argument);
        }
        let ask = self.link.updated();
        self.call_found(ask, 3, false, node);
        // The function gives way to its answer.
        let value = *self.state.operand(self.top(0));
        self.replace(2, value);
        self.call_helper(Helper::AssocInPlace, 3, &[], Facts::ANY);
        self.goto_value(&mut end);
        self.place(revised);
        // Another one may keep the collection.
        let collection = *self.state.operand(self.top(2));
        self.state.push(collection);
        self.freeze(Marks { maps: true, vectors: true, sets: true });
        self.state.drop_top();
        self.call_global(global, 3, false, node);
        self.goto_value(&mut end);
        self.finish_value(end);
    }

    /// The latest operand is a variable that a node has read: freezes what it holds, unless the node is harmless.
    pub(super) fn read_accumulator(&mut self, node: NodeId, var: VarId) {
        let accumulators = &self.survey.accumulators;
        let Some(marks) = accumulators.vars.get(&var).copied() else { return };
        if !accumulators.harmless.contains(&node) && !mutated(Mutation::NeverFrozen) {
            self.freeze(marks);
        }
    }

    /// The latest operand was assigned to a variable and is wanted as the value of the assignment, too.
    pub(super) fn share_assigned(&mut self, value: NodeId) {
        let accumulators = &self.survey.accumulators;
        if let Some(&call) = accumulators.calls.get(&value).filter(|_| accumulators.growing.contains(&value)) {
            let mut marks = Marks::default();
            marks.add(call);
            self.freeze(marks);
        }
    }

    /// Clears the mark of the latest operand, if it has one: from here on it never changes.
    fn freeze(&mut self, marks: Marks) {
        let i = self.top(0);
        let facts = self.state.operand(i).facts;
        let layouts: Vec<LayoutId> =
            marks.layouts().filter(|layout| facts.layout.is_none_or(|known| known == *layout)).collect();
        let other = layouts.is_empty() || !facts.types.meets(Types::OBJECT);
        if !self.state.reachable || other || self.state.operand(i).place.is_const() {
            return;
        }
        let r = self.in_register(i);
        let done = self.asm.label();
        for (k, &layout) in layouts.iter().enumerate() {
            let last = k + 1 == layouts.len();
            let other = if last { done } else { self.asm.label() };
            self.check_layout(r, facts, layout, other);
            // Whoever else knows the collection has it frozen, and stores the same.
            self.clear_count(r, layout);
            if !last {
                self.asm.jump(done);
                self.asm.bind(other);
            }
        }
        self.asm.bind(done);
        self.unpin();
    }
}
