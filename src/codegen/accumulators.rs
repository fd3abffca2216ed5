//! Accumulators: local variables whose map, vector or set changes in place.
//!
//! In `for … { m = assoc(m, k, v) }` the variable is overwritten by the result, so nobody can see the difference between a
//! changed copy and a changed collection, unless somebody else holds it. The calls in such assignments go to helpers that may
//! change it (the header says whether: see `runtime/values/collections/marks.rs`), and every other read of the variable
//! *freezes* it first: clears that mark, so that the value is an ordinary one from then on. Only the container arguments of a
//! few functions of `core` that keep nothing of it need no freeze.
//!
//! Functions that go on with a collection, as `reduce` calls them or as they call themselves at their end, change it in place, too. A parameter is
//! *carried* when the function passes a changed one to itself, in tail position, in the same place: `f(i + 1, assoc(m, i, x))`. It is
//! *given* when what the function gives is a changed one, or the parameter itself: `fn(m, x) { assoc(m, x, 1) }`; such a function changes a
//! collection that has the mark already, and gives none with the mark for one without. Only who has asked (`_accumulator` of `core`) gives
//! it one, and what was found once of a function is not taken back ([`Link::accumulates`](super::link::Link::accumulates)).
//!
//! What makes it right: a collection with the mark is held by one accumulator and by nothing else. Closures would hold it, so
//! captured variables are no accumulators. A carried parameter goes to this very code (`calls.rs`), or is frozen. A container argument is read before the other arguments are evaluated; when these
//! assign the variable, it is a read like any other, for the call must see the collection as it was.

use super::exceptions::Way;
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
    /// Reads of variables, and when.
    reads: Vec<(VarId, u32)>,
    /// Calls in tail position of what may be the function itself, with their arguments, and when.
    own_calls: Vec<(NodeId, List, u32)>,
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
    /// Calls of the function itself that are passed the results of growing calls: which arguments.
    carried: FxHashMap<NodeId, Vec<usize>>,
    /// Calls in tail position that change a given parameter, if it has a mark.
    given: FxHashMap<NodeId, CollectionCall>,
    /// The first parameter is given, so a collection with the mark may come in it.
    pub takes_marked: bool,
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

    /// A variable is read.
    pub fn saw_read(&mut self, var: VarId, tick: u32) {
        self.reads.push((var, tick));
    }

    /// A call in tail position, finished at this tick, of a global by the name of the function.
    pub fn saw_own_call(&mut self, node: NodeId, args: List, tick: u32) {
        self.own_calls.push((node, args, tick));
    }

    /// The accumulators. `known`: a collection with the mark may come in the first parameter, as was found before.
    pub fn finish(mut self, unit: &Unit, arity: &Arity, known: bool) -> Accumulators {
        let mut out = Accumulators::default();
        let params: Vec<Option<VarId>> = arity.params.iter().map(|pattern| bound(unit, arity, *pattern)).collect();
        for (node, args, tick) in std::mem::take(&mut self.own_calls) {
            let carried = self.carried(unit.list(args), &params, tick);
            if arity.rest.is_none() && args.len as usize == params.len() && !carried.is_empty() {
                self.growing.extend(carried.iter().map(|k| unit.list(args)[*k]));
                out.carried.insert(node, carried);
            }
        }
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
        let first = params.first().copied().flatten().filter(|var| !arity.vars[var.index()].assigned);
        if let Some(var) = first.filter(|_| params.len() == 2 && arity.rest.is_none()) {
            self.give(&mut out, unit, arity, var, known);
        }
        out
    }

    /// The arguments of a call of the function itself that are changed collections out of the parameters in their places, which
    /// nobody reads between the change and the call.
    fn carried(&self, args: &[NodeId], params: &[Option<VarId>], tick: u32) -> Vec<usize> {
        let is_carried = |k: &usize| {
            let (node, var) = (args[*k], params.get(*k).copied().flatten());
            let use_ = self.uses.iter().find(|use_| use_.node == node && Some(use_.var) == var && use_.call.changes());
            use_.is_some_and(|use_| {
                let (_, changed) = use_.span;
                let between = |(var, at): &(VarId, u32)| *var == use_.var && changed < *at && *at <= tick;
                !self.reads.iter().any(between) && !self.assigned.iter().any(|(var, _)| *var == use_.var)
            })
        };
        (0..args.len().min(ARG_REGS)).filter(is_carried).collect()
    }

    /// Is the first parameter given? Of one that is carried its own calls give the mark, so it must not leave the function with it.
    fn give(&self, out: &mut Accumulators, unit: &Unit, arity: &Arity, var: VarId, known: bool) {
        let ends = ends(unit, arity.body);
        let changes = |use_: &&Use| use_.var == var && use_.call.changes() && ends.contains(&use_.node);
        let given: Vec<&Use> = self.uses.iter().filter(changes).collect();
        if out.vars.contains_key(&var) || given.is_empty() && !known {
            return;
        }
        out.takes_marked = true;
        let marks = out.vars.entry(var).or_default();
        // What was found before may have been more.
        (marks.maps, marks.vectors, marks.sets) = (true, true, true);
        for use_ in given {
            out.given.insert(use_.node, use_.call);
            out.harmless.insert(use_.read);
        }
        for use_ in self.uses.iter().filter(|use_| use_.var == var && !use_.call.changes()) {
            out.harmless.insert(use_.read);
            if use_.call.helper().is_some() {
                out.calls.insert(use_.node, use_.call);
            }
        }
        out.harmless.extend(ends.iter().filter(|node| matches!(unit.node(**node), Node::Local(read) if *read == var)));
    }

    fn assigned_within(&self, use_: &Use) -> bool {
        let (from, to) = use_.span;
        self.assigned.iter().any(|(var, tick)| *var == use_.var && from < *tick && *tick < to)
    }
}

/// The variable that a parameter is, when it is one and nobody but this code sees it.
fn bound(unit: &Unit, arity: &Arity, pattern: PatternId) -> Option<VarId> {
    match unit.pattern(pattern) {
        Pattern::Bind(var) => Some(*var).filter(|var| counts_as_local(&arity.vars[var.index()])),
        _ => None,
    }
}

/// The nodes whose values a body gives, as far as they are plain to see: not out of `try` or `binding`, nor by `return`.
fn ends(unit: &Unit, body: NodeId) -> FxHashSet<NodeId> {
    let (mut open, mut ends) = (vec![body], FxHashSet::default());
    while let Some(node) = open.pop() {
        match unit.node(node) {
            Node::Block(list) => open.extend(unit.list(*list).last()),
            Node::If { then, otherwise, .. } => open.extend([*then].into_iter().chain(*otherwise)),
            Node::Match { arms, .. } => open.extend(arms.iter().map(|arm| arm.body)),
            _ => {
                ends.insert(node);
            }
        }
    }
    ends
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

/// The layouts with marks that a value may have.
fn possible(marks: Marks, facts: Facts) -> impl Iterator<Item = LayoutId> {
    let any = facts.types.meets(Types::OBJECT);
    marks.layouts().filter(move |layout| any && facts.layout.is_none_or(|known| known == *layout))
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

    /// A call in tail position whose container is a given parameter, with its `n` arguments as the latest operands: where that has a mark,
    /// it is changed in place, and the function ends. What follows is for what has none.
    pub(super) fn given_call(&mut self, node: NodeId, global: GlobalId, n: usize) {
        let Some(call) = self.survey.accumulators.given.get(&node).copied() else { return };
        let i = self.top(n - 1);
        let facts = self.state.operand(i).facts;
        let mut marks = Marks::default();
        marks.add(call);
        let layouts: Vec<LayoutId> = possible(marks, facts).collect();
        if !self.state.reachable || layouts.is_empty() || self.state.operand(i).place.is_const() {
            return;
        }
        let r = self.in_register(i);
        let mut plain = Join::new();
        let marked = self.asm.label();
        for (k, &layout) in layouts.iter().enumerate() {
            let last = k + 1 == layouts.len();
            let next = if last { self.edge(&mut plain) } else { self.asm.label() };
            self.check_layout(r, facts, layout, next);
            let unmarked = self.edge(&mut plain);
            self.branch_unless_counted(r, unmarked);
            if !last {
                self.asm.jump(marked);
                self.asm.bind(next);
            }
        }
        self.asm.bind(marked);
        self.unpin();
        match call.helper() {
            _ if call == CollectionCall::Update => self.update(node, global),
            Some(helper) => self.call_helper(helper, n, &[], Facts::ANY),
            None => {}
        }
        self.jump_out(Way::Return);
        self.state.drop_top();
        self.place(plain);
    }

    /// Which arguments of a call of the function itself are carried.
    pub(super) fn carried(&self, call: NodeId) -> &[usize] {
        self.survey.accumulators.carried.get(&call).map_or(&[], Vec::as_slice)
    }

    /// Freezes those of the latest `n` operands.
    pub(super) fn freeze_operands(&mut self, which: &[usize], n: usize) {
        let marks = Marks { maps: true, vectors: true, sets: true };
        which.iter().for_each(|k| self.freeze(self.top(n - 1 - k), marks));
    }

    /// Freezes an argument that is in its register.
    pub(super) fn freeze_argument(&mut self, k: usize) {
        let done = self.asm.label();
        self.freeze_in(M::ARGS[k], Facts::ANY, &[layout::MAP, layout::VECTOR, layout::SET], done);
        self.asm.bind(done);
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
        self.freeze(self.top(0), Marks { maps: true, vectors: true, sets: true });
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
            self.freeze(self.top(0), marks);
        }
    }

    /// The latest operand was assigned to a variable and is wanted as the value of the assignment, too.
    pub(super) fn share_assigned(&mut self, value: NodeId) {
        let accumulators = &self.survey.accumulators;
        if let Some(&call) = accumulators.calls.get(&value).filter(|_| accumulators.growing.contains(&value)) {
            let mut marks = Marks::default();
            marks.add(call);
            self.freeze(self.top(0), marks);
        }
    }

    /// Clears the mark of an operand, if it has one: from here on it never changes.
    fn freeze(&mut self, i: usize, marks: Marks) {
        let facts = self.state.operand(i).facts;
        let layouts: Vec<LayoutId> = possible(marks, facts).collect();
        if !self.state.reachable || layouts.is_empty() || self.state.operand(i).place.is_const() {
            return;
        }
        let r = self.in_register(i);
        let done = self.asm.label();
        self.freeze_in(r, facts, &layouts, done);
        self.asm.bind(done);
        self.state.echoes_mut().forget();
        self.unpin();
    }

    /// Clears the mark of what is in a register, if it has one of these layouts.
    fn freeze_in(&mut self, r: Reg, facts: Facts, layouts: &[LayoutId], done: Label) {
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
    }
}
