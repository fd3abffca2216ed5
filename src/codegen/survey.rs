//! One look at a body before its code is written: when variables live, and which of them deserve a register.
//!
//! Time is counted in ticks, one for each node in the order in which evaluation ends. A
//! variable lives from its definition to its last use; one that is used in a loop and defined outside of it lives to the
//! loop's end. Calls that really leave the function (helpers of intrinsics and slow paths do not count) are the other half:
//! a variable that lives across one wants a callee-saved register, and gets one by weight. Whether an intrinsic may run the
//! program all the same is said by the row of its builtin (`quiet`). Helpers may: whatever runs the program from Rust asks
//! for stack itself (`Thread::enter`), so that their callers need not.

use super::accumulators::{Accumulators, Sightings};
use super::expression::{SHORT_CHAIN, chained};
use super::failure::check_stack;
use super::inline::{Callee, Finder};
use super::link::{CollectionCall, GlobalKind, Link};
use super::trials::{Chance, Optimisation};
use crate::asm::masm::SAVED_REGS;
use crate::mutations::{Mutation, mutated};
use crate::reader::tree::*;
use rustc_hash::FxHashMap;
use std::ops::Range;

/// The facts of a loop that the generator asks for.
#[derive(Clone, Debug, Default)]
pub struct LoopFacts {
    /// A call of another function happens inside.
    pub calls: bool,
    /// It contains another loop, a `try`, or a `binding`.
    pub complex: bool,
    /// So many loops are in each other inside.
    pub nested: u32,
    /// Number of nodes inside.
    pub size: u32,
    /// The tick of its first node.
    pub start: u32,
}

/// When a variable lives and what for.
#[derive(Clone, Copy, Debug, Default)]
struct Life {
    start: u32,
    end: u32,
    weight: u32,
    /// It begins as a Float: it will be held raw, where a home is of no use.
    float: bool,
}

/// What the walk found.
#[derive(Debug, Default)]
pub struct Survey {
    lives: Vec<Life>,
    /// The tick of each node, counted down from `base`, the body; 0 for nodes of other functions.
    ticks: Vec<u32>,
    base: u32,
    /// The callee-saved register (index) a variable lives in.
    homes: Vec<Option<u8>>,
    /// The callee-saved registers that are used.
    pub saved: u8,
    /// Calls, in order.
    calls: Vec<u32>,
    loops: FxHashMap<LoopId, LoopFacts>,
    /// The body has no loop, no `try` and no `binding`.
    pub simple: bool,
    /// The body makes calls, or may run the program in another way: then it needs to ask for stack.
    pub has_calls: bool,
    /// The calls that are written in place, with what is written there.
    callees: FxHashMap<NodeId, Callee>,
    /// The variables that are assigned, in the order of evaluation, and of each `try` and `binding` those assigned in what lands
    /// in it.
    assigned: Vec<VarId>,
    regions: FxHashMap<NodeId, Range<usize>>,
    /// The variables whose map may grow in place.
    pub accumulators: Accumulators,
}

/// The variable of a `for` that can serve as the counter of a range itself.
pub fn counter(unit: &Unit, arity: &Arity, pattern: PatternId) -> Option<VarId> {
    match unit.pattern(pattern) {
        Pattern::Bind(var) => {
            let about = &arity.vars[var.index()];
            (!about.assigned && !about.boxed).then_some(*var)
        }
        _ => None,
    }
}

/// Does nobody but this arity's code ever see the variable?
pub fn counts_as_local(var: &Var) -> bool {
    var.kind == VarKind::Local && !var.captured && !var.boxed
}

struct Walk<'a> {
    unit: &'a Unit,
    arity: &'a Arity,
    link: &'a mut dyn Link,
    out: Survey,
    /// Depth of loops.
    depth: u32,
    /// The tick of the node that was finished last.
    now: u32,
    complex: bool,
    /// So many `try` and `binding` are around.
    protected: u32,
    /// The function that is surveyed.
    own: FunctionId,
    /// So many loops are in each other in what has been seen of the loop around.
    nested: u32,
    finder: Finder<'a>,
    /// See [`Link::errors_stop`].
    errors_stop: bool,
    /// The depth of loops at which each variable is defined.
    depths: Vec<u32>,
    sightings: Sightings,
    /// The first operand of the node that is looked at next: it was looked at already.
    seen: Option<NodeId>,
    /// The variables that were used in the loops around: those that are older than a loop live to its end.
    touched: Vec<VarId>,
}

impl Survey {
    /// Walks the body of an arity.
    pub fn of(unit: &Unit, own: FunctionId, arity: &Arity, link: &mut dyn Link) -> Survey {
        let errors_stop = link.errors_stop();
        let mut out = Survey { simple: true, ..Survey::default() };
        out.lives = vec![Life { start: u32::MAX, end: 0, weight: 0, float: false }; arity.vars.len()];
        let mut walk = Walk {
            unit,
            arity,
            link,
            out,
            depth: 0,
            now: 0,
            complex: false,
            protected: 0,
            own,
            nested: 0,
            finder: Finder::new(unit, own),
            errors_stop,
            depths: vec![u32::MAX; arity.vars.len()],
            sightings: Sightings::default(),
            seen: None,
            touched: Vec::new(),
        };
        for p in arity.params.iter().chain(arity.rest.iter()) {
            walk.pattern(*p, 0);
        }
        walk.out.base = arity.body.0;
        for (i, var) in arity.vars.iter().enumerate() {
            if var.kind != VarKind::Local {
                walk.out.lives[i].start = 0;
            }
        }
        walk.node(arity.body);
        let simple = !walk.complex;
        let mut out = walk.out;
        let trials = walk.link.trials();
        if !trials.is_off(Optimisation::Accumulators) {
            let known = walk.link.takes_marked();
            out.accumulators = walk.sightings.finish(unit, arity, known);
        }
        out.simple = simple;
        out.has_calls |= !out.calls.is_empty() || !out.callees.is_empty();
        if trials.is_off(Optimisation::Homes) {
            out.homes = vec![None; arity.vars.len()];
        } else {
            out.assign_homes(arity, &trials.chance(u64::from(arity.body.0)));
        }
        out
    }

    /// The tick at which a node is finished.
    pub fn tick(&self, node: NodeId) -> u32 {
        self.base.checked_sub(node.0).and_then(|i| self.ticks.get(i as usize)).copied().unwrap_or(0)
    }

    /// The tick after which the variable is dead.
    pub fn end(&self, var: VarId) -> u32 {
        self.lives[var.index()].end
    }

    /// The ticks after which the variables are dead.
    pub fn ends(&self) -> Vec<u32> {
        self.lives.iter().map(|life| life.end).collect()
    }

    /// The tick at which the variable is defined.
    pub fn start(&self, var: VarId) -> u32 {
        self.lives[var.index()].start
    }

    /// The callee-saved register the variable lives in, as an index.
    pub fn home(&self, var: VarId) -> Option<u8> {
        self.homes[var.index()]
    }

    /// What is written in place of this call.
    pub(super) fn callee(&self, call: NodeId) -> Option<Callee> {
        self.callees.get(&call).copied()
    }

    /// The variables, each once, that are assigned where the `try` or `binding` may still be landed in.
    pub fn assigned_in(&self, node: NodeId) -> Vec<VarId> {
        let region = self.regions.get(&node).cloned().unwrap_or_default();
        let mut vars = self.assigned[region].to_vec();
        vars.sort_unstable();
        vars.dedup();
        vars
    }

    /// The facts of a loop.
    pub fn loop_(&self, id: LoopId) -> LoopFacts {
        self.loops.get(&id).cloned().unwrap_or_default()
    }

    /// A call happens while the variable lives.
    pub fn crosses_call(&self, var: VarId) -> bool {
        let life = self.lives[var.index()];
        let i = self.calls.partition_point(|c| *c <= life.start);
        self.calls.get(i).is_some_and(|c| *c < life.end)
    }

    /// Linear scan by weight: the heaviest variables first, each into a register that is free for its whole life.
    fn assign_homes(&mut self, arity: &Arity, chance: &Chance) {
        self.homes = vec![None; arity.vars.len()];
        let mut order: Vec<u32> = (0..arity.vars.len() as u32)
            .filter(|v| self.lives[*v as usize].weight > 0 && !self.lives[*v as usize].float)
            .filter(|v| self.crosses_call(VarId(*v)))
            .collect();
        order.sort_by_key(|v| std::cmp::Reverse(self.lives[*v as usize].weight));
        let mut taken: [Vec<(u32, u32)>; SAVED_REGS] = Default::default();
        for v in order.into_iter().take(256) {
            let life = self.lives[v as usize];
            let free = |lives: &Vec<(u32, u32)>| lives.iter().all(|(s, e)| life.end <= *s || *e <= life.start);
            if chance.once_in(4) {
                continue;
            }
            if let Some(i) = chance.one_of((0..SAVED_REGS).filter(|i| free(&taken[*i]))) {
                // Saving a register costs two accesses: a value used once is as well off in the frame.
                if life.weight < 2 && self.saved >> i & 1 == 0 {
                    continue;
                }
                taken[i].push((life.start, life.end));
                self.homes[v as usize] = Some(i as u8);
                self.saved |= 1 << i;
            }
        }
    }
}

impl Walk<'_> {
    fn define(&mut self, var: VarId, at: u32) {
        let life = &mut self.out.lives[var.index()];
        life.start = life.start.min(at);
        life.end = life.end.max(at);
        let depth = &mut self.depths[var.index()];
        *depth = self.depth.min(*depth);
    }

    fn touch(&mut self, var: VarId, at: u32) {
        let depth = self.depth.min(8);
        if self.depth > 0 {
            self.touched.push(var);
        }
        let life = &mut self.out.lives[var.index()];
        life.end = life.end.max(at);
        life.weight = life.weight.saturating_add(1 << (3 * depth));
    }

    /// Could the operation throw, where somebody wants to look at errors?
    fn is_looked_at(&self, id: NodeId) -> bool {
        /// Beyond so many variables it would take too long.
        const MOST: usize = 200;
        let may_throw = matches!(
            self.unit.node(id),
            Node::Binary { .. }
                | Node::Unary { .. }
                | Node::Call { .. }
                | Node::MethodCall { .. }
                | Node::Index { .. }
                | Node::Field { .. }
                | Node::AssignIndex { .. }
                | Node::AssignField { .. }
                | Node::Struct(_)
                | Node::For { .. }
                | Node::Let { .. }
                | Node::Match { .. }
                | Node::Throw(_)
        );
        self.errors_stop && may_throw && self.arity.vars.len() <= MOST
    }

    /// The node that is about to be finished uses all variables that names mean at its place, and what is captured.
    fn touch_all_in_view(&mut self, source: u32) {
        let arity = self.arity;
        for (index, var) in arity.vars.iter().enumerate() {
            if var.scope.start == var.scope.end || (var.scope.start..var.scope.end).contains(&source) {
                self.touch(VarId(index as u32), self.now + 1);
            }
        }
    }

    fn pattern(&mut self, id: PatternId, at: u32) {
        check_stack();
        match self.unit.pattern(id) {
            Pattern::Ignore | Pattern::Literal(_) => {}
            Pattern::Bind(var) => self.define(*var, at),
            Pattern::Vector { before, rest, after } => {
                for p in before.iter().chain(rest.iter()).chain(after.iter()) {
                    self.pattern(*p, at);
                }
            }
            Pattern::Map(entries) => {
                for (_, p) in entries {
                    self.pattern(*p, at);
                }
            }
            Pattern::Struct { fields, .. } => {
                for (_, p) in fields {
                    self.pattern(*p, at);
                }
            }
            Pattern::Or(alternatives) => {
                for p in alternatives {
                    self.pattern(*p, at);
                }
            }
        }
    }

    fn call(&mut self) {
        self.out.calls.push(self.now + 1);
    }

    /// What has been assigned since then is assigned in the region of a `try` or `binding`.
    fn region(&mut self, id: NodeId, first: usize) {
        self.out.regions.insert(id, first..self.out.assigned.len());
    }

    /// The node is finished.
    fn finish(&mut self, id: NodeId) {
        self.now += 1;
        let Some(i) = self.out.base.checked_sub(id.0) else { return };
        let i = i as usize;
        if self.out.ticks.len() <= i {
            self.out.ticks.resize(i + 1, 0);
        }
        self.out.ticks[i] = self.now;
    }

    fn list(&mut self, list: List) {
        for id in self.unit.list(list).to_vec() {
            self.node(id);
        }
    }

    fn looping(&mut self, loop_: LoopId, inside: impl FnOnce(&mut Self)) {
        self.complex = false;
        let beside = std::mem::take(&mut self.nested);
        // Entering is a tick of its own: what a pattern has defined right before is older than the loop, and dead if unused.
        self.now += 1;
        let (start, calls, touched) = (self.now + 1, self.out.calls.len(), self.touched.len());
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        // What is used inside and defined before lives to the end of the loop.
        let end = self.now + 1;
        let mut used = self.touched.split_off(touched);
        used.sort_unstable();
        used.dedup();
        for var in used {
            let life = &mut self.out.lives[var.index()];
            if life.start < start {
                life.end = life.end.max(end);
                self.touched.push(var);
            }
        }
        let (calls, complex, nested) = (self.out.calls.len() > calls, self.complex, self.nested);
        let facts = LoopFacts { calls, complex, nested, size: end - start, start };
        self.nested = beside.max(nested + 1);
        self.out.loops.insert(loop_, facts);
        // Whatever is around it contains a loop.
        self.complex = true;
    }

    /// Looks at a node, from the inner end of the chain that it ends: see `Generator::expression`.
    fn node(&mut self, id: NodeId) {
        if self.seen.take_if(|seen| *seen == id).is_some() {
            return;
        }
        let mut chain = Vec::new();
        let mut first = id;
        while let Some(operand) = chained(self.unit, first) {
            chain.push(first);
            first = operand;
        }
        if chain.len() < SHORT_CHAIN {
            return self.operation(id);
        }
        self.operation(first);
        while let Some(id) = chain.pop() {
            self.seen = Some(first);
            self.operation(id);
            first = id;
        }
    }

    fn operation(&mut self, id: NodeId) {
        check_stack();
        let unit = self.unit;
        match *unit.node(id) {
            Node::Int(_) | Node::BigInt(_) | Node::Float(_) | Node::String(_) | Node::Keyword(_) | Node::Bool(_) => {}
            Node::Null | Node::Declare(_) | Node::NotYet(_) | Node::Continue { .. } => {}
            Node::Local(var) => {
                self.touch(var, self.now + 1);
                self.sightings.saw_read(var, self.now + 1);
            }
            Node::Global(global) => {
                if self.link.global(global).is_some_and(|g| g.kind == GlobalKind::Dynamic) {
                    self.call();
                }
            }
            Node::Vector(_) if unit.is_constant(id) => {}
            Node::Interpolate(list) | Node::Map(list) | Node::Set(list) | Node::Vector(list) => {
                self.list(list);
                self.call();
            }
            Node::Struct(ref literal) => {
                if let Some(base) = literal.base {
                    self.node(base);
                }
                self.list(literal.values);
                // Defaults are called; the allocation itself is a slow path.
                self.call();
            }
            Node::Field { object, .. } => self.node(object),
            Node::Index { object, index, .. } => {
                self.node(object);
                self.node(index);
                self.collection(id, CollectionCall::Index, object);
            }
            Node::Call { callee, args, tail } => {
                let global = match self.unit.node(callee) {
                    Node::Global(g) => self.link.global(*g),
                    _ => {
                        self.node(callee);
                        None
                    }
                };
                let intrinsic = matches!(global.map(|g| g.kind), Some(GlobalKind::Intrinsic(_)));
                // It may be a method that a type of the program's implements.
                let asks = intrinsic && !mutated(Mutation::IntrinsicsCallNothing);
                self.out.has_calls |= asks && !global.is_some_and(|g| g.quiet);
                self.list(args);
                if let Some(call) = global.and_then(|g| g.collection) {
                    self.collection_call(id, call, args);
                }
                if tail && self.protected == 0 && self.is_own(callee) {
                    self.sightings.saw_own_call(id, args, self.now + 1);
                }
                if global.is_some_and(|g| g.shows) {
                    self.touch_all_in_view(unit.span(id).start);
                }
                let inlined = match self.unit.node(callee) {
                    Node::Global(g) if !intrinsic => self.finder.take(self.link, *g, args.len as usize),
                    _ => None,
                };
                if let Some(inlined) = inlined {
                    self.out.callees.insert(id, inlined);
                }
                // What is written in place of a call leaves by none, as a rule.
                if !intrinsic && !inlined.is_some_and(|c| c.is_leaf()) {
                    self.call();
                }
            }
            Node::MethodCall { object, args, .. } => {
                self.node(object);
                self.list(args);
                self.call();
            }
            Node::Unary { operand, .. } => self.node(operand),
            Node::Binary { left, right, op } => {
                self.node(left);
                self.node(right);
                if op == BinaryOp::Concat {
                    self.call();
                }
            }
            Node::And { left, right } | Node::Or { left, right } => {
                self.node(left);
                self.node(right);
            }
            Node::If { condition, then, otherwise } => {
                self.node(condition);
                self.node(then);
                // `else if` after `else if` is a list: all of it is over at the same time.
                let mut ends = Vec::new();
                let mut rest = otherwise;
                while let Some(otherwise) = rest {
                    if let Node::If { condition, then, otherwise: next } = *unit.node(otherwise) {
                        self.node(condition);
                        self.node(then);
                        ends.push(otherwise);
                        rest = next;
                    } else {
                        self.node(otherwise);
                        rest = None;
                    }
                }
                while let Some(id) = ends.pop() {
                    self.finish(id);
                }
            }
            Node::While { loop_, condition, body } => self.looping(loop_, |w| {
                w.node(condition);
                w.node(body);
            }),
            Node::Loop { loop_, body } => self.looping(loop_, |w| w.node(body)),
            Node::For { loop_, pattern, iterable, body } => {
                let range = matches!(self.unit.node(iterable), Node::Call { callee, .. }
                    if matches!(self.unit.node(*callee), Node::Global(g)
                        if matches!(self.link.global(*g).map(|g| g.kind), Some(GlobalKind::Intrinsic(super::link::Intrinsic::Range)))));
                self.node(iterable);
                if !range {
                    self.call();
                }
                // The variable of a range is its counter, when nobody else changes it: it lives as long as the loop.
                if range && let Some(var) = counter(self.unit, self.arity, pattern) {
                    self.define(var, self.now);
                }
                self.looping(loop_, |w| {
                    let at = w.now + 1;
                    w.pattern(pattern, at);
                    w.node(body);
                    if range && let Some(var) = counter(w.unit, w.arity, pattern) {
                        w.touch(var, w.now + 1);
                    }
                });
            }
            Node::Match { subject, ref arms } => {
                self.node(subject);
                for arm in &**arms {
                    self.pattern(arm.pattern, self.now);
                    self.call();
                    if let Some(guard) = arm.guard {
                        self.node(guard);
                    }
                    self.node(arm.body);
                }
            }
            Node::Block(list) => self.list(list),
            Node::Let { pattern, value } => {
                self.node(value);
                if let (Node::Float(_), Pattern::Bind(var)) = (self.unit.node(value), self.unit.pattern(pattern)) {
                    self.out.lives[var.index()].float = true;
                }
                self.pattern(pattern, self.now + 1);
            }
            Node::LetFunction { var, function } => {
                self.captures(function);
                self.define(var, self.now + 1);
                self.touch(var, self.now + 1);
            }
            Node::Function(function) => self.captures(function),
            Node::Assign { var, value } => {
                self.node(value);
                self.touch(var, self.now + 1);
                self.out.assigned.push(var);
                let in_loop = self.depth > self.depths[var.index()];
                self.sightings.saw_assignment(var, value, self.now + 1, in_loop);
            }
            Node::AssignField { object, value, .. } => {
                self.node(object);
                self.node(value);
            }
            Node::AssignIndex { object, index, value } => {
                self.node(object);
                self.node(index);
                self.node(value);
            }
            Node::Return(value) | Node::Break { value, .. } => {
                if let Some(value) = value {
                    self.node(value);
                }
            }
            Node::Throw(value) => self.node(value),
            Node::Try(ref try_) => {
                self.complex = true;
                let first = self.out.assigned.len();
                self.protected += 1;
                self.node(try_.body);
                self.region(id, first);
                self.call();
                if let Some((pattern, handler)) = try_.catch {
                    // In the present tick: what nobody uses is dead before the handler begins.
                    self.pattern(pattern, self.now);
                    self.node(handler);
                }
                if let Some(finally) = try_.finally {
                    self.region(id, first);
                    self.node(finally);
                }
                self.protected -= 1;
                // Whatever is used in a handler must survive the calls of the body; lives are not split.
            }
            Node::Binding(ref binding) => {
                self.complex = true;
                self.list(binding.values);
                self.call();
                let first = self.out.assigned.len();
                self.protected += 1;
                self.node(binding.body);
                self.protected -= 1;
                self.region(id, first);
            }
            Node::DefineGlobals(ref definition) => {
                self.node(definition.value);
                self.pattern(definition.pattern, self.now + 1);
                for (var, _) in &definition.names {
                    self.touch(*var, self.now + 1);
                }
                self.call();
            }
        }
        if self.is_looked_at(id) {
            self.touch_all_in_view(unit.span(id).start);
        }
        self.finish(id);
    }

    /// A call of a function of `core` on a collection; its arguments are finished.
    fn collection_call(&mut self, id: NodeId, call: CollectionCall, args: List) {
        let args = self.unit.list(args);
        // `get` is two functions.
        let call = if call == CollectionCall::Index && args.len() == 3 { CollectionCall::GetOr } else { call };
        if call.takes(args.len()) {
            self.collection(id, call, args[0]);
        }
    }

    /// Is this a global by the name of the function?
    fn is_own(&self, callee: NodeId) -> bool {
        let Node::Global(global) = self.unit.node(callee) else { return false };
        let name = self.unit.function(self.own).name;
        name.is_some_and(|name| self.unit.name(name) == self.unit.name(self.unit.globals[global.0 as usize].name))
    }

    /// The node is about to be finished; is its container a variable?
    fn collection(&mut self, id: NodeId, call: CollectionCall, container: NodeId) {
        if let Node::Local(var) = self.unit.node(container) {
            let read = self.out.tick(container);
            self.sightings.saw_use(id, call, (container, *var), (read, self.now + 1));
        }
    }

    fn captures(&mut self, function: FunctionId) {
        for var in self.unit.function(function).captures.clone() {
            self.touch(var, self.now + 1);
        }
    }
}
