//! Stops: what a tree needs so that its program can be stopped before each statement, and where a function is left.
//!
//! Owns where statements begin, and the nodes that are put between them. Calls of functions of `core` stand before the statements of
//! blocks, before what stands in their place (the body of a function or an arm that is no block), and before the condition of a `while`: [`BREAKPOINT`] at the places asked
//! for, [`STEP`] at all others. The value of a body, and of each `return`, goes through [`LEAVES`]. A call in tail position stays one
//! unless [`STAYS`] says that somebody waits for the value. Nothing of the text changes, so places of errors stay what they were.
//!
//! Invariant: the body of an arity is the last of its nodes, as the reader leaves it: whoever counts nodes down from it finds them all.

use rustc_hash::FxHashMap;

use super::tree::*;

/// `core/breakpoint()`
pub const BREAKPOINT: &str = "breakpoint";
/// `core/_step()`
pub const STEP: &str = "_step";
/// `core/_stays()`
pub const STAYS: &str = "_stays";
/// `core/_leaves(value)`
pub const LEAVES: &str = "_leaves";

/// A place to stop at.
struct Stop {
    /// The statement, or what of it stands on its first line.
    span: Span,
    place: Place,
}

#[derive(Clone, Copy)]
enum Place {
    /// Before an element of a block.
    InBlock(NodeId, usize),
    /// The same, before a `while` with which the body of a function begins, and only for a breakpoint: who steps stops at its condition.
    BeforeLoop(NodeId, usize),
    /// Before what is no block.
    Alone(NodeId),
    /// The text stops there itself.
    Written,
}

/// Where the declarations stand that are wanted; with one statement of the top level, all of them.
pub fn declarations(unit: &Unit, is_wanted: &dyn Fn(Span) -> bool) -> Vec<Span> {
    let (mut found, mut top_level, mut top_level_wanted) = (Vec::new(), Vec::new(), false);
    for item in &unit.items {
        let span = unit.item_span(item);
        match item {
            Item::Struct { .. } | Item::Enum { .. } => {}
            Item::Function { .. } | Item::Extend(_) | Item::Protocol { .. } | Item::Test { .. } => {
                found.extend(Some(span).filter(|span| is_wanted(*span)));
            }
            Item::Let { .. } | Item::Expression { .. } => {
                let start = match item {
                    Item::Expression { node } => start(unit, *node),
                    _ => span.start,
                };
                let span = Span { start, ..span };
                top_level_wanted |= is_wanted(span);
                top_level.push(span);
            }
        }
    }
    if top_level_wanted {
        found.append(&mut top_level);
    }
    found.sort_by_key(|span| span.start);
    found
}

/// Where the statements in these declarations begin, before which a program can be stopped.
pub fn statements(unit: &Unit, within: &[Span]) -> Vec<u32> {
    let stops = stops(unit, within).into_iter();
    stops.filter(|stop| !matches!(stop.place, Place::BeforeLoop(..))).map(|stop| stop.span.start).collect()
}

/// The same for who wants to stop where a function begins: once, and not in each turn of a loop with which it does.
pub fn entries(unit: &Unit, within: &[Span]) -> Vec<u32> {
    stops(unit, within).into_iter().map(|stop| stop.span.start).collect()
}

/// Does the function have stops?
pub fn has_stops(unit: &Unit, function: FunctionId) -> bool {
    unit.function(function).arities.iter().any(|arity| is_call_of(unit, arity.body, LEAVES))
}

/// Puts stops into these declarations, breakpoints where statements begin at these places.
pub fn insert(unit: &mut Unit, within: &[Span], breakpoints: &[u32]) {
    let stops = stops(unit, within);
    let mut inserter = Inserter { names: FxHashMap::default(), unit };
    inserter.before_statements(stops, breakpoints);
    inserter.returns(within);
    inserter.tail_calls(within);
    inserter.ends(within);
}

/// Is it a call that was put there?
fn is_call_of(unit: &Unit, node: NodeId, name: &str) -> bool {
    let Node::Call { callee, .. } = unit.node(node) else { return false };
    let Node::Global(global) = unit.node(*callee) else { return false };
    let reference = &unit.globals[global.index()];
    reference.inserted && unit.name(reference.name) == name
}

/// Does the text call `breakpoint()` there?
fn is_breakpoint(unit: &Unit, node: NodeId) -> bool {
    let Node::Call { callee, .. } = unit.node(node) else { return false };
    matches!(unit.node(*callee), Node::Global(global) if unit.name(unit.globals[global.index()].name) == BREAKPOINT)
}

/// `{ … }`; other blocks are of the reader's making.
fn has_braces(unit: &Unit, node: NodeId) -> bool {
    let at = unit.span(node).start as usize;
    matches!(unit.node(node), Node::Block(_)) && unit.source.text.as_bytes().get(at) == Some(&b'{')
}

/// Where the text of a node begins: that of a pipe before its function, which is all that its span covers.
fn start(unit: &Unit, mut node: NodeId) -> u32 {
    loop {
        let at = unit.span(node).start;
        let before = |list: &List| unit.list(*list).iter().copied().find(|arg| unit.span(*arg).start < at);
        let first = match unit.node(node) {
            Node::Call { args, .. } => before(args),
            Node::MethodCall { object, args, .. } => before(args).or(Some(*object)),
            Node::Binary { left, .. } | Node::And { left, .. } | Node::Or { left, .. } => Some(*left),
            Node::Field { object, .. } | Node::Index { object, .. } => Some(*object),
            Node::AssignField { object, .. } | Node::AssignIndex { object, .. } => Some(*object),
            _ => None,
        };
        match first {
            // Behind an opening parenthesis, perhaps.
            Some(first) if unit.span(first).start <= at => node = first,
            _ => return at,
        }
    }
}

/// Is it within one of these, which are in order?
fn is_within(within: &[Span], span: Span) -> bool {
    let behind = within.partition_point(|outer| outer.start <= span.start);
    behind > 0 && span.end <= within[behind - 1].end
}

/// All places to stop at in these declarations.
fn stops(unit: &Unit, within: &[Span]) -> Vec<Stop> {
    let mut found = Vec::new();
    let mut stop = |node: NodeId, place: Place| {
        let start = start(unit, node);
        let line = unit.source.text.get(start as usize..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let end = unit.span(node).end.min(start + line.trim_end().len() as u32).max(start + 1);
        let place = if is_breakpoint(unit, node) { Place::Written } else { place };
        found.push(Stop { span: Span { start, end }, place });
    };
    let top_level = unit.function(unit.init).arities.first().map(|arity| arity.body);
    let arities = unit.functions.iter().flat_map(|function| &function.arities);
    let bodies: Vec<NodeId> = arities.filter(|arity| is_within(within, arity.span)).map(|arity| arity.body).collect();
    for id in (0..unit.nodes.len() as u32).map(NodeId) {
        match unit.node(id) {
            Node::Block(list) if Some(id) == top_level || has_braces(unit, id) && is_within(within, unit.span(id)) => {
                for (index, statement) in unit.list(*list).iter().enumerate() {
                    if !is_within(within, unit.span(*statement)) {
                        continue;
                    }
                    // What begins with a stop of its own needs none.
                    match unit.node(*statement) {
                        Node::While { .. } if index == 0 && bodies.contains(&id) => {
                            stop(*statement, Place::BeforeLoop(id, index));
                        }
                        Node::Declare(_) | Node::While { .. } => {}
                        _ if has_braces(unit, *statement) => {}
                        _ => stop(*statement, Place::InBlock(id, index)),
                    }
                }
            }
            // In each turn, and once more behind the last one.
            Node::While { condition, .. } if is_within(within, unit.span(id)) => {
                stop(*condition, Place::Alone(*condition));
            }
            Node::Match { arms, .. } if is_within(within, unit.span(id)) => {
                let bodies = arms.iter().map(|arm| arm.body).filter(|body| !has_braces(unit, *body));
                bodies.for_each(|body| stop(body, Place::Alone(body)));
            }
            _ => {}
        }
    }
    let alone = bodies.iter().filter(|body| !has_braces(unit, **body));
    alone.for_each(|body| stop(*body, Place::Alone(*body)));
    found
}

struct Inserter<'u> {
    unit: &'u mut Unit,
    names: FxHashMap<&'static str, Name>,
}

/// What a call is made with when its operands are evaluated.
enum Operand {
    /// A node that can be written again.
    Same(NodeId),
    /// A variable that holds it.
    Kept(VarId, Span),
}

impl Inserter<'_> {
    fn add(&mut self, node: Node, span: Span) -> NodeId {
        let id = NodeId(self.unit.nodes.len() as u32);
        self.unit.nodes.push(node);
        self.unit.spans.push(span);
        id
    }

    fn list(&mut self, ids: &[NodeId]) -> List {
        let start = self.unit.lists.len() as u32;
        self.unit.lists.extend_from_slice(ids);
        List { start, len: ids.len() as u32 }
    }

    fn name(&mut self, text: &'static str) -> Name {
        let names = &mut self.unit.names;
        *self.names.entry(text).or_insert_with(|| {
            names.push(text.into());
            Name(names.len() as u32 - 1)
        })
    }

    /// A call of a function of `core`.
    fn call(&mut self, function: &'static str, args: &[NodeId], span: Span) -> NodeId {
        let name = self.name(function);
        let global = GlobalId(self.unit.globals.len() as u32);
        self.unit.globals.push(GlobalRef { alias: None, name, span, inserted: true });
        let callee = self.add(Node::Global(global), span);
        let args = self.list(args);
        self.add(Node::Call { callee, args, tail: false }, span)
    }

    /// The node under another number, so that something else can stand in its place.
    fn moved(&mut self, id: NodeId) -> NodeId {
        let (node, span) = (self.unit.node(id).clone(), self.unit.span(id));
        self.add(node, span)
    }

    fn before_statements(&mut self, stops: Vec<Stop>, breakpoints: &[u32]) {
        let mut blocks: FxHashMap<NodeId, Vec<(usize, NodeId)>> = FxHashMap::default();
        for Stop { span, place } in stops {
            let breaks = breakpoints.contains(&span.start);
            if matches!(place, Place::Written) || matches!(place, Place::BeforeLoop(..)) && !breaks {
                continue;
            }
            let function = if breaks { BREAKPOINT } else { STEP };
            let call = self.call(function, &[], span);
            match place {
                Place::InBlock(block, index) | Place::BeforeLoop(block, index) => {
                    blocks.entry(block).or_default().push((index, call))
                }
                Place::Alone(id) => {
                    let moved = self.moved(id);
                    let list = self.list(&[call, moved]);
                    self.unit.nodes[id.index()] = Node::Block(list);
                }
                Place::Written => {}
            }
        }
        for (block, calls) in blocks {
            let Node::Block(list) = *self.unit.node(block) else { continue };
            let mut calls = calls.into_iter().peekable();
            let mut statements = Vec::with_capacity(2 * list.len as usize);
            for (index, statement) in self.unit.list(list).iter().enumerate() {
                statements.extend(calls.next_if(|(before, _)| *before == index).map(|(_, call)| call));
                statements.push(*statement);
            }
            let list = self.list(&statements);
            self.unit.nodes[block.index()] = Node::Block(list);
        }
    }

    /// Each call in tail position asks whether its function is to stay.
    fn tail_calls(&mut self, within: &[Span]) {
        let is_tail = |node: &Node| {
            matches!(
                node,
                Node::Call { tail: true, .. } | Node::MethodCall { tail: true, .. } | Node::Index { tail: true, .. }
            )
        };
        let unit = &*self.unit;
        let all = (0..unit.nodes.len() as u32).map(NodeId);
        let tails: Vec<NodeId> =
            all.filter(|id| is_tail(unit.node(*id)) && is_within(within, unit.span(*id))).collect();
        for id in tails {
            self.tail_call(id);
        }
    }

    fn tail_call(&mut self, id: NodeId) {
        let span = self.unit.span(id);
        let Some(arity) = self.arity_around(span) else { return };
        let mut lets = Vec::new();
        let node = self.unit.node(id).clone();
        let (operands, first) = match &node {
            Node::Call { callee, args, .. } => (self.unit.list(*args).to_vec(), Some(*callee)),
            Node::MethodCall { object, args, .. } => (self.unit.list(*args).to_vec(), Some(*object)),
            Node::Index { object, index, .. } => (vec![*object, *index], None),
            _ => return,
        };
        // A name that is called, or whose method is, means what it does when that happens.
        let first = first.map(|first| match self.unit.node(first) {
            Node::Global(_) => Operand::Same(first),
            _ => self.operand(first, arity, &mut lets),
        });
        let operands: Vec<Operand> =
            operands.into_iter().map(|operand| self.operand(operand, arity, &mut lets)).collect();
        let condition = self.call(STAYS, &[], span);
        let [then, otherwise] = [false, true].map(|tail| {
            let first = first.as_ref().map(|first| self.again(first));
            let operands: Vec<NodeId> = operands.iter().map(|operand| self.again(operand)).collect();
            let call = match (&node, first) {
                (Node::Call { .. }, Some(callee)) => Node::Call { callee, args: self.list(&operands), tail },
                (Node::MethodCall { name, .. }, Some(object)) => {
                    Node::MethodCall { object, name: *name, args: self.list(&operands), tail }
                }
                _ => Node::Index { object: operands[0], index: operands[1], tail },
            };
            self.add(call, span)
        });
        // Behind it nothing is left to do.
        let otherwise = self.add(Node::Return(Some(otherwise)), span);
        let choice = Node::If { condition, then, otherwise: Some(otherwise) };
        lets.push(self.add(choice, span));
        let list = self.list(&lets);
        self.unit.nodes[id.index()] = Node::Block(list);
    }

    /// An operand of a call that is written twice.
    fn operand(&mut self, id: NodeId, (function, arity): (usize, usize), lets: &mut Vec<NodeId>) -> Operand {
        let span = self.unit.span(id);
        let name = self.name("_");
        let vars = &mut self.unit.functions[function].arities[arity].vars;
        match &self.unit.nodes[id.index()] {
            Node::Int(_) | Node::Float(_) | Node::String(_) | Node::Keyword(_) | Node::Bool(_) | Node::Null => {
                return Operand::Same(id);
            }
            Node::Local(var) if !vars[var.index()].assigned => return Operand::Same(id),
            _ => {}
        }
        let var = VarId(vars.len() as u32);
        // In view nowhere.
        let scope = Span { start: u32::MAX - 1, end: u32::MAX };
        vars.push(Var {
            name,
            kind: VarKind::Local,
            mutable: false,
            assigned: false,
            captured: false,
            boxed: false,
            uses: 2,
            loop_: None,
            span,
            scope,
        });
        let pattern = PatternId(self.unit.patterns.len() as u32);
        self.unit.patterns.push(Pattern::Bind(var));
        self.unit.pattern_spans.push(span);
        lets.push(self.add(Node::Let { pattern, value: id }, span));
        Operand::Kept(var, span)
    }

    /// The operand, once more.
    fn again(&mut self, operand: &Operand) -> NodeId {
        match operand {
            Operand::Same(id) => self.moved(*id),
            Operand::Kept(var, span) => self.add(Node::Local(*var), *span),
        }
    }

    /// The innermost arity around a place.
    fn arity_around(&self, at: Span) -> Option<(usize, usize)> {
        let functions = self.unit.functions.iter().enumerate();
        let arities = functions
            .flat_map(|(f, function)| function.arities.iter().enumerate().map(move |(a, arity)| (f, a, arity)));
        let around = arities.filter(|(_, _, arity)| arity.span.start <= at.start && at.end <= arity.span.end);
        around.min_by_key(|(_, _, arity)| arity.span.end - arity.span.start).map(|(f, a, _)| (f, a))
    }

    /// What functions return goes through a call …
    fn returns(&mut self, within: &[Span]) {
        for id in (0..self.unit.nodes.len() as u32).map(NodeId) {
            let span = self.unit.span(id);
            let Node::Return(value) = *self.unit.node(id) else { continue };
            if is_within(within, span) {
                let value = value.unwrap_or_else(|| self.add(Node::Null, span));
                let left = self.call(LEAVES, &[value], span);
                self.unit.nodes[id.index()] = Node::Return(Some(left));
            }
        }
    }

    /// … and so does what they give at their end.
    fn ends(&mut self, within: &[Span]) {
        let init = self.unit.init;
        let top_level = self.unit.items.iter().any(|item| {
            let is_statement = matches!(item, Item::Let { .. } | Item::Expression { .. });
            is_statement && is_within(within, self.unit.item_span(item))
        });
        for function in 0..self.unit.functions.len() {
            for arity in 0..self.unit.functions[function].arities.len() {
                let Arity { body, span, .. } = self.unit.functions[function].arities[arity];
                if is_within(within, span) || function == init.index() && top_level {
                    let end = self.unit.span(body).end;
                    let left = self.call(LEAVES, &[body], Span { start: end.saturating_sub(1), end });
                    self.unit.functions[function].arities[arity].body = left;
                }
            }
        }
    }
}
