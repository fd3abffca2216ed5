//! Small functions written in place of their calls.
//!
//! A global function whose body is a short expression without effects (arithmetic, comparisons, fields, elements, conditions)
//! is written where it is called, on the arguments that are operands already. Whatever goes another way than the likely one (a
//! type that was not foreseen, an overflow, an error, another function to be called, a change of anything that the code around
//! takes for granted) gives up all of it and makes the real call with the same arguments: nothing has happened that could be seen. So
//! inlined code has no safepoints, no frames of its own in a stack trace, and no second version of anything.
//!
//! In a hot region the real call stands in the twin; elsewhere it stands behind the inlined code and joins it again.

use super::facts::Facts;
use super::generator::Generator;
use super::join::Join;
use super::link::{GlobalKind, Inlinable, Link, SideExit};
use super::state::{Place, Value};
use super::trials::Optimisation;
use super::version::{Hot, Version};
use crate::asm::masm::*;
use crate::asm::variables::Variable;
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::reader::tree::*;

/// Bodies with more nodes than this are called.
const CALLEE_CAP: u32 = 32;
/// One body takes in so many nodes of others.
const TOTAL_CAP: u32 = 600;
/// How deep inlined calls stand in one another.
const DEPTH_CAP: usize = 3;

/// A function that can be written in place of its call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Callee {
    about: Inlinable,
    /// Some of its ways end in calls: worth it outside of hot regions only, where such a way comes back.
    calls: bool,
    /// Its size in nodes, with what is inlined into it.
    size: u32,
}

impl Callee {
    /// Does it never leave for a call when all goes well?
    pub(super) fn is_leaf(&self) -> bool {
        !self.calls
    }
}

/// What is being written in place, from the outermost call on.
pub(super) struct InPlace {
    /// The hot region around it.
    pub(super) hot: Option<Hot>,
    /// The outermost call, where the real call is made.
    pub(super) node: NodeId,
    /// The height of the operand stack above its arguments.
    pub(super) height: usize,
    /// The ways to the real call, outside of hot regions.
    pub(super) exits: Join,
    /// Some way ends in the real call whatever the types, and not because it throws.
    gave_way: bool,
    /// The functions being written, the innermost last.
    frames: Vec<Frame>,
}

/// A function that is being written in place.
struct Frame {
    about: Inlinable,
    /// Its variables, each with the operand that holds it.
    vars: Vec<(VarId, usize)>,
}

/// Finds the functions that a body can take in.
pub(super) struct Finder<'a> {
    pub(super) unit: &'a Unit,
    /// The function that is being compiled: it does not take in itself.
    pub(super) own: FunctionId,
    /// Nodes taken in so far.
    taken: u32,
    /// The functions whose bodies are being looked at.
    stack: Vec<FunctionId>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(unit: &'a Unit, own: FunctionId) -> Finder<'a> {
        Finder { unit, own, taken: 0, stack: Vec::new() }
    }

    /// The function that can be written in place of this call of a global, within what is left to be taken in.
    pub(super) fn take(&mut self, link: &mut dyn Link, global: GlobalId, args: usize) -> Option<Callee> {
        if self.taken >= TOTAL_CAP || link.trials().is_off(Optimisation::Inlining) {
            return None;
        }
        let callee = self.callee(link, global, args)?;
        self.taken += callee.size;
        Some(callee)
    }

    fn callee(&mut self, link: &mut dyn Link, global: GlobalId, args: usize) -> Option<Callee> {
        let found = link.global(global)?;
        if found.kind != GlobalKind::Plain || found.builtin || self.stack.len() >= DEPTH_CAP {
            return None;
        }
        let about = link.inlinable(found.binding, args)?;
        if about.function == self.own || self.stack.contains(&about.function) {
            return None;
        }
        let arity = arity_of(self.unit, about);
        let plain = |p: &PatternId| match self.unit.pattern(*p) {
            Pattern::Bind(var) => !arity.vars[var.index()].assigned,
            Pattern::Ignore => true,
            _ => false,
        };
        if arity.size > CALLEE_CAP || !arity.loops.is_empty() || !arity.params.iter().all(plain) {
            return None;
        }
        self.stack.push(about.function);
        let mut callee = Callee { about, calls: false, size: arity.size };
        let fits = self.fits(link, arity, arity.body, &mut callee, false);
        self.stack.pop();
        (fits && link.relies_on(found.binding, args, about)).then_some(callee)
    }

    /// Can the node be written in place? `branch`: it is one of several ways.
    fn fits(&mut self, link: &mut dyn Link, arity: &Arity, node: NodeId, callee: &mut Callee, branch: bool) -> bool {
        let unit = self.unit;
        let mut all =
            |f: &mut Self, nodes: &[NodeId], branch| nodes.iter().all(|n| f.fits(link, arity, *n, callee, branch));
        match unit.node(node) {
            Node::Int(_) | Node::Float(_) | Node::String(_) | Node::Keyword(_) | Node::Bool(_) | Node::Null => true,
            Node::Local(var) => arity.vars[var.index()].kind == VarKind::Local,
            Node::Global(global) => link.global(*global).is_some_and(|g| g.kind != GlobalKind::Dynamic),
            Node::Field { object, .. } => all(self, &[*object], branch),
            Node::Index { object, index, .. } => all(self, &[*object, *index], branch),
            Node::Unary { operand, .. } => all(self, &[*operand], branch),
            Node::Binary { op: BinaryOp::Concat, .. } => false,
            Node::Binary { left, right, .. } => all(self, &[*left, *right], branch),
            Node::And { left, right } | Node::Or { left, right } => {
                all(self, &[*left], branch) && all(self, &[*right], true)
            }
            Node::If { condition, then, otherwise } => {
                all(self, &[*condition], branch)
                    && all(self, &[*then], true)
                    && otherwise.is_none_or(|node| all(self, &[node], true))
            }
            Node::Throw(_) => branch,
            Node::Block(list) => unit.list(*list).iter().all(|node| match unit.node(*node) {
                Node::Let { pattern, value } => match unit.pattern(*pattern) {
                    Pattern::Bind(var) => {
                        let var = &arity.vars[var.index()];
                        !var.assigned && !var.captured && all(self, &[*value], branch)
                    }
                    _ => false,
                },
                _ => all(self, &[*node], branch),
            }),
            Node::Call { callee: function, args, .. } => {
                let Node::Global(global) = unit.node(*function) else { return false };
                if !all(self, unit.list(*args), branch) {
                    return false;
                }
                let args = args.len as usize;
                match link.global(*global).map(|g| g.kind) {
                    Some(GlobalKind::Intrinsic(which)) => return !which.has_effects(),
                    Some(GlobalKind::Dynamic) | None => return false,
                    _ => {}
                }
                match self.callee(link, *global, args) {
                    Some(inner) => {
                        callee.calls |= inner.calls;
                        callee.size += inner.size;
                    }
                    // A way that ends in a call is as good as one that fails, as long as it is not the only one.
                    None if branch && !self.calls_own(link, *global, args) => callee.calls = true,
                    None => return false,
                }
                true
            }
            _ => false,
        }
    }

    /// Is it a call of a function that is being looked at? Taking in a turn of a recursion gains nothing.
    fn calls_own(&self, link: &mut dyn Link, global: GlobalId, args: usize) -> bool {
        let about = link.global(global).and_then(|found| link.inlinable(found.binding, args));
        about.is_some_and(|a| a.function == self.own || self.stack.contains(&a.function))
    }
}

fn arity_of(unit: &Unit, about: Inlinable) -> &Arity {
    &unit.function(about.function).arities[about.arity]
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// Writes a call of a global in place, when it can be: the latest `n` operands are the arguments.
    pub(super) fn inline_call(&mut self, node: NodeId, global: GlobalId, n: usize, tail: bool) -> bool {
        if !self.state.reachable || self.version.is_general() {
            return false;
        }
        let callee = match self.version.in_place() {
            None => self.survey.callee(node),
            Some(place) => {
                let mut finder = Finder::new(self.unit, self.own);
                finder.stack = place.frames.iter().map(|f| f.about.function).collect();
                finder.take(self.link, global, n)
            }
        };
        let Some(callee) = callee.filter(|c| self.version.region().is_none() || c.is_leaf()) else { return false };
        if self.version.in_place().is_some() {
            self.write_callee(node, callee, n);
            return true;
        }
        let mark = self.mark();
        let before = self.version.region().map_or(0, |hot| hot.exits.len());
        self.begin_in_place(node);
        self.write_callee(node, callee, n);
        let (exits, gave_way) = self.end_in_place();
        if !self.state.reachable || gave_way && self.version.region().is_some() {
            // Nothing but ways to the real call, or one that would leave the hot region for good: then it is made at once.
            self.rollback(&mark);
            if let Some(hot) = self.version.region_mut() {
                hot.exits.truncate(before);
            }
            return false;
        }
        if !exits.edges.is_empty() {
            let mut end = Join::new();
            self.goto_value(&mut end);
            let edges: Vec<_> = exits.edges.into_iter().map(|e| self.counted(e, node, SideExit::Inlined)).collect();
            self.place(Join { edges });
            self.call_global(global, n, tail, node);
            self.goto_value(&mut end);
            self.finish_value(end);
        }
        true
    }

    fn begin_in_place(&mut self, node: NodeId) {
        let hot = match std::mem::take(&mut self.version) {
            Version::Hot(hot) => Some(hot),
            _ => None,
        };
        let (height, exits, frames) = (self.state.height(), Join::new(), Vec::new());
        self.version = Version::InPlace(InPlace { hot, node, height, exits, gave_way: false, frames });
    }

    /// Back to the version around: gives the ways to the real call outside of hot regions, and whether one was certain to be gone.
    fn end_in_place(&mut self) -> (Join, bool) {
        let Version::InPlace(place) = std::mem::take(&mut self.version) else { return Default::default() };
        self.version = place.hot.map_or(Version::Plain, Version::Hot);
        (place.exits, place.gave_way)
    }

    /// The body of a function on the latest `n` operands, which give way to its value.
    fn write_callee(&mut self, node: NodeId, callee: Callee, n: usize) {
        let unit = self.unit;
        let arity = arity_of(unit, callee.about);
        let base = self.state.height() - n;
        if !mutated(Mutation::RedefinitionUnseen) {
            self.leave_if_revised(node);
        }
        let mut vars = Vec::with_capacity(n);
        for (k, pattern) in arity.params.iter().enumerate() {
            if let Pattern::Bind(var) = unit.pattern(*pattern) {
                vars.push((*var, base + k));
            }
        }
        if let Some(place) = self.version.in_place_mut() {
            place.frames.push(Frame { about: callee.about, vars });
        }
        let now = self.now;
        let outer = self.goes_into(callee.about.function, node);
        self.name_operands(0);
        self.expression(arity.body);
        self.state.unname(self.asm.offset(), |i| i >= base);
        self.goes_back(outer);
        self.now = now;
        if let Some(place) = self.version.in_place_mut() {
            place.frames.pop();
        }
        self.keep_top(base);
    }

    /// From here on the operands that hold variables of the innermost function in place, from one of them on, are known by their names. Of
    /// two of one name the latter is.
    fn name_operands(&mut self, from: usize) {
        let (unit, code, in_place) = (self.unit, self.asm.offset(), self.lines.present());
        let Some(Frame { about, vars }) = self.version.in_place().and_then(|p| p.frames.last()) else { return };
        let arity = arity_of(unit, *about);
        let name = |var: VarId| arity.vars[var.index()].name;
        for (k, (var, i)) in vars.iter().enumerate().skip(from) {
            let hidden = |other: usize| vars[..k].iter().any(|(v, i)| *i == other && name(*v) == name(*var));
            self.state.unname(code, hidden);
            let told = || Variable { in_place, ..super::variable(unit, arity, &arity.vars[var.index()]) };
            self.state.name_operand(code, *i, told);
        }
    }

    /// In inlined code: the operand that holds a variable.
    pub(super) fn inlined_var(&self, var: VarId) -> Option<usize> {
        let frame = self.version.in_place()?.frames.last()?;
        frame.vars.iter().rev().find(|(v, _)| *v == var).map(|(_, i)| *i)
    }

    /// The statements of an inlined block: what a `let` names stays an operand until the end.
    pub(super) fn inlined_block(&mut self, nodes: &[NodeId]) {
        let base = self.state.height();
        let known = self.version.in_place().and_then(|p| p.frames.last()).map_or(0, |f| f.vars.len());
        if nodes.is_empty() {
            self.push_constant(Word::NULL);
        }
        for (k, node) in nodes.iter().enumerate() {
            let last = k + 1 == nodes.len();
            match self.unit.node(*node) {
                Node::Let { pattern, value } => {
                    self.expression(*value);
                    let i = self.top(0);
                    if let (Pattern::Bind(var), Some(frame)) =
                        (self.unit.pattern(*pattern), self.version.in_place_mut().and_then(|p| p.frames.last_mut()))
                    {
                        frame.vars.push((*var, i));
                        let last = frame.vars.len() - 1;
                        self.name_operands(last);
                    }
                }
                _ => {
                    self.expression(*node);
                    if !last {
                        self.state.drop_top();
                    }
                }
            }
            self.unpin();
        }
        if let Some(frame) = self.version.in_place_mut().and_then(|p| p.frames.last_mut()) {
            frame.vars.truncate(known);
        }
        self.state.unname(self.asm.offset(), |i| i >= base);
        self.keep_top(base);
    }

    /// In a function in place: a label through which the present state leaves for the real call.
    pub(super) fn leave_place(&mut self) -> Option<Label> {
        let node = self.version.in_place()?.node;
        let label = self.leave(node, SideExit::Inlined)?.label;
        self.state.unseal();
        Some(label)
    }

    /// In inlined code: there is no going on from here but by the real call. An operand stands for the value of an operation on
    /// the latest `n` operands. False outside of inlined code.
    pub(super) fn gives_way(&mut self, n: usize) -> bool {
        let reachable = self.state.reachable;
        let Some(place) = self.version.in_place_mut() else { return false };
        place.gave_way |= reachable;
        self.go_to_call();
        self.replace(n, Value::constant(Word::NULL));
        true
    }

    /// In inlined code: an exception is thrown by the real call, which evaluates it. False outside of inlined code.
    pub(super) fn throws_by_call(&mut self) -> bool {
        if self.version.in_place().is_none() {
            return false;
        }
        self.go_to_call();
        self.push_constant(Word::NULL);
        true
    }

    fn go_to_call(&mut self) {
        if self.state.reachable
            && let Some(label) = self.leave_place()
        {
            self.asm.jump(label);
            self.unreachable();
        }
    }

    /// In inlined code: what was learnt of a word holds of every operand that is the same word.
    pub(super) fn learn_of_copies(&mut self, value: &Value, facts: Facts) {
        // What is in one register is one word, whoever owns it. Of frame slots this is asked where few live.
        let place = value.place;
        let few = self.version.in_place().is_some() && !place.is_raw() && !place.is_const();
        if few || matches!(place, Place::Reg(_)) {
            self.state.replace_place(self.asm.offset(), place, |_| true, |v| Value { facts, ..*v });
        }
    }
}
