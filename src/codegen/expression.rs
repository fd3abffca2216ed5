//! Expressions: every node of the tree, one after the other.
//!
//! [`Generator::expression`] leaves exactly one operand on the state's stack, also where the point cannot be reached (then it
//! stands for a value that is never seen). The forms that need room have files of their own.

use super::compare::is_comparison;
use super::exceptions::Way;
use super::facts::{Facts, Hint, Types};
use super::failure::{GivenUp, check_stack, give_up};
use super::generator::Generator;
use super::join::Join;
use super::link::{GlobalKind, Helper, Literal};
use super::state::{Place, Value};
use crate::asm::masm::*;
use crate::emit::{At, Emit, Store, Stored};
use crate::object::Word;
use crate::object::layout;
use crate::reader::tree::*;

/// Loops in loops are written again and again while they widen; so much work is more than any sensible function makes.
const WORK_LIMIT: u32 = 20_000_000;
/// After so many nodes it is asked whether to go on.
const ASKS_EACH: u32 = 8192;
/// Bytes of code of one function.
const CODE_LIMIT: u32 = 256 << 20;
/// Calls of one function: half of what the code map can hold, for cold paths make some more.
const MAX_CALLS: usize = crate::asm::code_map::MAX_SAFEPOINTS / 2;

/// Literals of so many elements at most are written in place.
const INLINE_VECTOR: usize = 8;

/// Chains that are shorter are written as they stand, by recursion.
pub(super) const SHORT_CHAIN: usize = 8;

/// The operand with whose value an operation begins, if that is an operation, too. (A call of a name whose value is dynamic
/// begins with that.)
pub(super) fn chained(unit: &Unit, node: NodeId) -> Option<NodeId> {
    let first = |node: NodeId| match unit.node(node) {
        Node::Unary { operand: left, .. }
        | Node::Binary { left, .. }
        | Node::And { left, .. }
        | Node::Or { left, .. }
        | Node::Field { object: left, .. }
        | Node::Index { object: left, .. }
        | Node::MethodCall { object: left, .. } => Some(*left),
        Node::Call { callee, args, .. } => match unit.node(*callee) {
            Node::Global(_) => unit.list(*args).first().copied(),
            _ => Some(*callee),
        },
        _ => None,
    };
    first(node).filter(|operand| first(*operand).is_some())
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// One more node is about to be written, from here on deeper: is there stack for it, and is the function not too large?
    pub(super) fn deeper(&mut self) {
        self.work += 1;
        check_stack();
        if self.work > WORK_LIMIT || self.asm.offset() > CODE_LIMIT || self.safepoints.len() > MAX_CALLS {
            give_up(GivenUp::TooLarge);
        }
        if self.work.is_multiple_of(ASKS_EACH)
            && let Err(why) = self.link.may_go_on()
        {
            give_up(why);
        }
    }

    /// The value of a node, as one operand. A chain of operations, each the first operand of the next, is written from its
    /// inner end: a chain is a list, and may be long.
    pub(super) fn expression(&mut self, node: NodeId) {
        if self.take_evaluated(node) {
            return;
        }
        let mut chain = Vec::new();
        let mut first = node;
        while let Some(operand) = self.first_operand(first) {
            chain.push(first);
            first = operand;
        }
        if chain.len() < SHORT_CHAIN {
            return self.operation(node);
        }
        self.operation(first);
        while let Some(node) = chain.pop() {
            let value = self.state.pop();
            self.evaluated = Some((first, value));
            self.operation(node);
            debug_assert!(self.evaluated.is_none(), "an operation begins with its first operand");
            first = node;
        }
    }

    /// Puts the value of the node on the stack if it is the one that was evaluated already.
    pub(super) fn take_evaluated(&mut self, node: NodeId) -> bool {
        match self.evaluated.take_if(|(evaluated, _)| *evaluated == node) {
            Some((_, value)) => {
                self.state.push(value);
                true
            }
            None => false,
        }
    }

    /// The operand with whose value the node begins, if that is an operation, too.
    fn first_operand(&mut self, node: NodeId) -> Option<NodeId> {
        if let Node::Call { callee, .. } = self.unit.node(node)
            && let Node::Global(global) = self.unit.node(*callee)
            && self.link.global(*global).is_none_or(|found| found.kind == GlobalKind::Dynamic)
        {
            return None;
        }
        if let Node::MethodCall { object, name, .. } = self.unit.node(node)
            && self.associated(*object, *name).is_some()
        {
            return None;
        }
        chained(self.unit, node)
    }

    fn operation(&mut self, node: NodeId) {
        self.deeper();
        self.assert_written_once(node);
        let unit = self.unit;
        let outer = self.at;
        self.goes_to(node);
        let height = self.state.height();
        // A block, a conditional or a match hands on to its last parts that nobody wants the value.
        let unwanted = self.unwanted == Some(node);
        match unit.node(node) {
            Node::Int(n) => match Word::int(*n) {
                Some(word) => self.push_constant(word),
                None => self.literal(node, Facts::object(layout::BIG_INT)),
            },
            Node::BigInt(_) => self.literal(node, Facts::object(layout::BIG_INT)),
            Node::Float(f) => self.state.push(Value::float_constant(*f)),
            Node::String(_) => self.literal(node, Facts::STRING),
            Node::Keyword(name) => {
                let word = self.link.keyword(unit.name(*name));
                self.push_constant(word);
            }
            Node::Bool(b) => self.push_constant(Word::bool(*b)),
            Node::Null => self.push_constant(Word::NULL),
            Node::Local(var) => self.local(node, *var),
            Node::Global(global) => self.global(*global),
            Node::Interpolate(list) => self.collection(Helper::Interpolate, Helper::ExtendText, *list, Facts::STRING),
            Node::Vector(_) if unit.is_constant(node) => self.literal(node, Facts::object(layout::VECTOR)),
            Node::Vector(list) => {
                self.collection(Helper::MakeVector, Helper::ExtendVector, *list, Facts::object(layout::VECTOR))
            }
            Node::Map(list) => self.collection(Helper::MakeMap, Helper::ExtendMap, *list, Facts::object(layout::MAP)),
            Node::Set(list) => self.collection(Helper::MakeSet, Helper::ExtendSet, *list, Facts::object(layout::SET)),
            Node::Struct(literal) => self.struct_literal(node, literal),
            Node::Field { object, name } => self.field(node, *object, *name),
            Node::Index { object, index, tail } => {
                self.expression(*object);
                self.expression(*index);
                self.last = *tail && self.handler.is_none();
                self.index(node);
            }
            Node::Call { callee, args, tail } => self.call(node, *callee, *args, *tail),
            Node::MethodCall { object, name, args, tail } => self.method_call(node, *object, *name, *args, *tail),
            Node::Unary { op: UnaryOp::Negate, operand } => {
                self.expression(*operand);
                self.negate(node);
            }
            Node::Binary { op, left, right } if !is_comparison(*op) => {
                self.expression(*left);
                self.expression(*right);
                self.binary(*op, node);
            }
            Node::Unary { op: UnaryOp::Not, .. } | Node::Binary { .. } => {
                let mut no = Join::new();
                self.condition(node, false, &mut no);
                self.bool_from(no);
            }
            Node::And { left, right } => self.and_or(*left, *right, false),
            Node::Or { left, right } => self.and_or(*left, *right, true),
            Node::If { .. } => self.if_(node, unwanted),
            Node::While { loop_, .. } | Node::Loop { loop_, .. } => self.loop_(node, *loop_),
            Node::For { loop_, pattern, iterable, body } => self.for_(node, *loop_, *pattern, *iterable, *body),
            Node::Match { subject, arms } => self.match_(node, *subject, arms, unwanted),
            Node::Block(list) => self.block(*list, unwanted),
            Node::Let { pattern, value } => {
                self.expression(*value);
                self.bind_value(node, *pattern);
            }
            Node::LetFunction { var, function } => {
                self.closure(*function, Some(*var));
            }
            Node::Assign { var, value } => {
                self.expression(*value);
                self.goes_to(node);
                self.assign(*var);
                if !unwanted {
                    self.share_assigned(*value);
                }
            }
            Node::AssignField { object, name, value } => {
                self.expression(*object);
                self.expression(*value);
                self.goes_to(node);
                self.assign_field(node, *name);
            }
            Node::AssignIndex { object, index, value } => {
                self.expression(*object);
                self.expression(*index);
                self.expression(*value);
                self.goes_to(node);
                self.assign_index(node);
            }
            Node::Return(value) => self.return_(*value),
            Node::Break { loop_, value } => {
                self.value_or_null(*value);
                self.jump_out(Way::Break(*loop_));
            }
            Node::Continue { loop_ } => {
                self.push_constant(Word::NULL);
                self.jump_out(Way::Continue(*loop_));
            }
            Node::Throw(_) if self.throws_by_call() => {}
            Node::Throw(value) => {
                self.expression(*value);
                self.goes_to(node);
                let helper = if self.in_handlers > 0 { Helper::Rethrow } else { Helper::Throw };
                self.call_throwing(helper, 1);
            }
            Node::Try(try_) => self.try_(node, try_),
            Node::Function(function) => self.closure(*function, None),
            Node::Binding(binding) => self.binding(node, &binding.names, binding.values, binding.body),
            Node::DefineGlobals(definition) => self.define_globals(node, definition),
            Node::Declare(_) => self.push_constant(Word::NULL),
            Node::NotYet(feature) => {
                let word = self.link.keyword(unit.name(*feature));
                self.push_constant(word);
                self.call_helper(Helper::NotYet, 1, &[], Facts::ANY);
            }
        }
        debug_assert_eq!(self.state.height(), height + 1, "a node leaves one operand");
        self.last = false;
        self.goes_to(outer);
        let tick = self.survey.tick(node);
        // Nodes of literals in patterns have none.
        debug_assert!(
            tick >= self.now || tick == 0 || self.version.in_place().is_some(),
            "{node:?} is earlier than what was before"
        );
        self.now = tick;
    }

    /// The value of a node as the result of the body: every branch returns on its own, and nothing is reached behind it.
    pub(super) fn tail(&mut self, node: NodeId) {
        let unit = self.unit;
        let mut last = node;
        // `else if` after `else if` is a list.
        while let Node::If { condition, then, otherwise: Some(otherwise) } = unit.node(last) {
            self.goes_to(last);
            let mut no = Join::new();
            self.condition(*condition, false, &mut no);
            self.tail(*then);
            self.place(no);
            last = *otherwise;
        }
        self.last_tail(last);
        self.now = self.survey.tick(node);
    }

    fn last_tail(&mut self, node: NodeId) {
        self.deeper();
        let unit = self.unit;
        if matches!(unit.node(node), Node::Block(list) if list.len > 0)
            || matches!(unit.node(node), Node::If { otherwise: None, .. } | Node::Match { .. })
        {
            self.assert_written_once(node);
        }
        self.goes_to(node);
        match unit.node(node) {
            Node::Block(list) if list.len > 0 => {
                let (last, rest) = unit.list(*list).split_last().unwrap_or((&node, &[]));
                self.statements(rest);
                self.tail(*last);
            }
            Node::If { condition, then, otherwise: None } => {
                let mut no = Join::new();
                self.condition(*condition, false, &mut no);
                self.tail(*then);
                self.place(no);
                self.push_constant(Word::NULL);
                self.jump_out(Way::Return);
                self.state.drop_top();
            }
            Node::Match { subject, arms } => {
                self.match_arms(node, *subject, arms, &mut |g, body| {
                    g.tail(body);
                    g.push_constant(Word::NULL);
                });
                self.state.drop_top();
            }
            _ => {
                self.expression(node);
                self.goes_to(node);
                self.jump_out(Way::Return);
                self.state.drop_top();
            }
        }
    }

    /// A literal that is an object: in a data cell of the code.
    fn literal(&mut self, node: NodeId, facts: Facts) {
        let literal = self.constant(node);
        let address = self.link.literal(&literal);
        self.state.push(Value::new(Place::Cell(address), facts));
    }

    /// What is known of the value of a node that [`Unit::is_constant`].
    fn constant(&mut self, node: NodeId) -> Literal<'a> {
        let unit = self.unit;
        match unit.node(node) {
            Node::Int(n) => Word::int(*n).map_or_else(|| Literal::BigInt(n.to_string().into()), Literal::Word),
            Node::BigInt(digits) => Literal::BigInt(unit.name(*digits).into()),
            Node::Float(f) => Literal::Float(f.to_bits()),
            Node::String(text) => Literal::String(unit.name(*text)),
            Node::Keyword(name) => Literal::Word(self.link.keyword(unit.name(*name))),
            Node::Bool(b) => Literal::Word(Word::bool(*b)),
            Node::Vector(list) => Literal::Vector(unit.list(*list).iter().map(|n| self.constant(*n)).collect()),
            node => {
                debug_assert!(matches!(node, Node::Null), "no constant");
                Literal::Word(Word::NULL)
            }
        }
    }

    fn local(&mut self, node: NodeId, var: VarId) {
        if let Some(i) = self.inlined_var(var) {
            let value = *self.state.operand(i);
            return self.state.push(value);
        }
        debug_assert!(self.version.in_place().is_none(), "{var:?} is a variable of the function around");
        self.push_var(var);
        self.read_accumulator(node, var);
        if !self.arity.vars[var.index()].boxed || !self.state.reachable {
            return;
        }
        let r = self.in_register(self.top(0));
        let dst = self.register();
        self.asm.load(dst, Mem::at(r, layout::slot_disp(layout::BOX_VALUE)));
        self.replace_reg(1, dst, Facts::ANY);
    }

    pub(super) fn global(&mut self, global: GlobalId) {
        let Some(found) = self.link.global(global) else {
            self.push_constant(Word::NULL);
            return;
        };
        match found.kind {
            GlobalKind::Constant(word) => self.push_constant(word),
            GlobalKind::Dynamic => self.call_helper(Helper::DynamicGet, 0, &[found.binding as u64], Facts::ANY),
            GlobalKind::Plain | GlobalKind::Intrinsic(_) | GlobalKind::Method => {
                if !self.state.reachable {
                    self.push_constant(Word::NULL);
                    return;
                }
                let seen = self.link.seen(found.binding);
                let hint = self.hint(&seen);
                let dst = self.register();
                self.asm.load_cell(dst, found.binding);
                if hint == Hint::None {
                    // It has no value yet: it may get one, or be used before its definition.
                    self.check_defined(dst, found.binding);
                }
                self.replace(0, Value::new(Place::Reg(dst), Facts::ANY).hinted(hint));
            }
        }
    }

    /// A binding's value that may not be there yet: then its use throws.
    pub(super) fn check_defined(&mut self, r: Reg, binding: usize) {
        let label = self.throwing_path(Helper::Undefined, vec![super::safepoints::Argument::Raw(binding as u64)]);
        self.asm.compare_imm(r, Word::UNDEFINED.0 as i64);
        self.asm.branch(Cond::Equal, label);
    }

    /// A collection literal: the elements travel in the thread's argument area, in runs when there are many.
    fn collection(&mut self, make: Helper, extend: Helper, list: List, facts: Facts) {
        const RUN: usize = 128;
        let nodes = self.unit.list(list);
        let at = self.at;
        if make == Helper::MakeVector && (1..=INLINE_VECTOR).contains(&nodes.len()) {
            for node in nodes {
                self.expression(*node);
            }
            self.goes_to(at);
            return self.small_vector(nodes.len());
        }
        let mut first = true;
        let mut rest = nodes;
        loop {
            let (run, later) = rest.split_at(rest.len().min(RUN));
            for (k, node) in run.iter().enumerate() {
                self.expression(*node);
                // A text says what a part was when it was evaluated: what a later part may change is written at once.
                if make == Helper::Interpolate
                    && self.types_of(self.top(0)).meets(Types::OBJECT)
                    && !run[k + 1..].iter().all(|n| self.is_plain(*n))
                {
                    self.call_with_area(make, 0, 1, facts);
                }
            }
            self.goes_to(at);
            let n = run.len();
            if first {
                self.call_with_area(make, 0, n, facts);
            } else {
                self.call_with_area(extend, 1, n, facts);
            }
            first = false;
            rest = later;
            if rest.is_empty() {
                return;
            }
        }
    }

    /// Does evaluating the node change nothing, for certain?
    fn is_plain(&self, node: NodeId) -> bool {
        match self.unit.node(node) {
            Node::Local(_) | Node::Global(_) => true,
            Node::Field { object, .. } => self.is_plain(*object),
            // Elements and comparisons may be a user's code.
            _ => self.unit.is_constant(node),
        }
    }

    /// Calls a helper with `before` operands in registers, the latest `n` operands in the thread's argument area, and their
    /// number as the last argument.
    pub(super) fn call_with_area(&mut self, helper: Helper, before: usize, n: usize, facts: Facts) {
        if self.dead(before + n) {
            return;
        }
        let base = self.state.height() - n;
        for k in 0..n {
            self.store_argument(base + k, k);
        }
        for _ in 0..n {
            self.state.drop_top();
        }
        self.call_helper(helper, before, &[n as u64], facts);
    }

    /// Stores operand `i` into entry `k` of the thread's argument area.
    pub(super) fn store_argument(&mut self, i: usize, k: usize) {
        let area = crate::gc::mutator::thread::OFFSET_ARG_SPILL + 8 * k as i32;
        let value = *self.state.operand(i);
        match value.place {
            Place::Const(word) if Self::immediate(word).is_some() => {
                self.asm.store_imm(Mem::at(M::CTX, area), word.0 as i32)
            }
            _ => {
                // The register is for this only: what lives across the call is in the frame already, and stays there.
                self.state.set_operand(self.asm.offset(), i, Value { var: None, ..value });
                let r = self.in_register(i);
                self.asm.store(Mem::at(M::CTX, area), r);
            }
        }
        self.unpin();
    }

    fn block(&mut self, list: List, unwanted: bool) {
        let nodes = self.unit.list(list);
        if self.version.in_place().is_some() {
            return self.inlined_block(nodes);
        }
        let Some((last, rest)) = nodes.split_last() else {
            self.push_constant(Word::NULL);
            return;
        };
        self.statements(rest);
        self.unwanted = unwanted.then_some(*last);
        self.expression(*last);
    }

    fn statements(&mut self, nodes: &[NodeId]) {
        for node in nodes {
            self.unwanted = Some(*node);
            self.expression(*node);
            self.state.drop_top();
            self.unpin();
            if self.state.reachable {
                self.forget_dead();
            }
        }
    }

    fn and_or(&mut self, left: NodeId, right: NodeId, or: bool) {
        let mut decided = Join::new();
        self.expression(left);
        if !self.state.reachable {
            self.state.drop_top();
            self.expression(right);
            return;
        }
        // The deciding operand is the value: it stays on the stack on that way.
        let i = self.top(0);
        let value = *self.state.operand(i);
        self.state.push(value);
        let mut way = Join::new();
        self.branch_on_value(or, &mut way);
        decided.edges.append(&mut way.edges);
        self.state.drop_top();
        self.expression(right);
        self.goto_value(&mut decided);
        self.finish_value(decided);
    }

    /// Leaves with the latest operand as the value of a join.
    pub(super) fn goto_value(&mut self, join: &mut Join) {
        self.goto(join);
        self.state.drop_top();
    }

    /// Places a join of values: one operand is on the stack afterwards.
    pub(super) fn finish_value(&mut self, join: Join) {
        self.place(join);
        if !self.state.reachable {
            self.push_constant(Word::NULL);
        }
    }

    /// `if`, with all that follow it as `else if`.
    fn if_(&mut self, node: NodeId, unwanted: bool) {
        let mut ends = Vec::new();
        let mut rest = Some(node);
        while let Some(node) = rest
            && let Node::If { condition, then, otherwise } = self.unit.node(node)
        {
            self.goes_to(node);
            let (mut no, mut end) = (Join::new(), Join::new());
            self.condition(*condition, false, &mut no);
            self.unwanted = unwanted.then_some(*then);
            self.expression(*then);
            self.lets_go(unwanted);
            self.goto_value(&mut end);
            self.place(no);
            ends.push((node, end));
            rest = *otherwise;
        }
        match rest {
            Some(node) => {
                self.unwanted = unwanted.then_some(node);
                self.expression(node);
                self.lets_go(unwanted);
            }
            None => self.push_constant(Word::NULL),
        }
        let height = self.state.height();
        while let Some((node, end)) = ends.pop() {
            self.goes_to(node);
            if !end.edges.is_empty() {
                if self.state.reachable {
                    self.place(end);
                } else {
                    self.state.drop_top();
                    self.finish_value(end);
                }
            }
            debug_assert_eq!(self.state.height(), height);
            self.now = self.survey.tick(node);
        }
    }

    /// Where nobody wants the latest operand, any constant does: the ways that meet behind it need not agree on a value.
    pub(super) fn lets_go(&mut self, unwanted: bool) {
        if unwanted && self.state.reachable {
            self.state.drop_top();
            self.push_constant(Word::NULL);
        }
    }

    /// Assigns the latest operand to a variable; it stays as the value of the expression.
    fn assign(&mut self, var: VarId) {
        if !self.state.reachable {
            return;
        }
        let i = self.top(0);
        let value = *self.state.operand(i);
        if self.arity.vars[var.index()].boxed {
            self.push_var(var);
            let container = self.in_register(self.top(0));
            let word = Stored::Word(self.in_register(i), self.types_of(i).holds());
            self.store(Store::Shared, At::slot(container, layout::BOX_VALUE), word);
            self.state.drop_top();
            self.unpin();
            return;
        }
        self.state.push(value);
        self.store_var(var);
        // The value of the assignment is what the variable is now.
        let now = *self.state.var(var);
        if now.place != Place::None {
            self.state.set_operand(self.asm.offset(), i, Value { var: Some(var), ..now });
        }
    }

    /// Binds the latest operand to the pattern of a `let`; it stays as the value.
    fn bind_value(&mut self, node: NodeId, pattern: PatternId) {
        self.goes_to(node);
        if let Pattern::Bind(var) = self.unit.pattern(pattern) {
            let i = self.top(0);
            let value = *self.state.operand(i);
            self.state.push(value);
            self.define(*var);
            if self.state.reachable && !self.arity.vars[var.index()].boxed {
                let now = *self.state.var(*var);
                if now.place != Place::None {
                    self.state.set_operand(self.asm.offset(), i, Value { var: Some(*var), ..now });
                }
            }
            return;
        }
        let mut misfit = Join::new();
        let i = self.top(0);
        self.match_pattern(pattern, i, &mut misfit);
        if misfit.edges.is_empty() {
            return;
        }
        let mut end = Join::new();
        self.goto(&mut end);
        let height = self.state.height();
        self.place(misfit);
        self.goes_to(node);
        self.call_throwing(Helper::MatchError, 1);
        debug_assert_eq!(self.state.height(), height);
        self.state.drop_top();
        self.finish_value(end);
    }

    /// Gives the latest operand to a new variable, in a box when it wants one.
    pub(super) fn define(&mut self, var: VarId) {
        if self.arity.vars[var.index()].boxed && self.state.reachable {
            let i = self.top(0);
            self.in_register(i);
            let object = self.allocate(layout::BOX, 0, layout::slots(layout::BOX));
            let word = Stored::Word(self.in_register(i), self.types_of(i).holds());
            self.store(Store::Init, At::slot(object, layout::BOX_VALUE), word);
            self.is_newborn(false);
            self.replace_reg(1, object, Facts::object(layout::BOX));
        }
        self.store_var(var);
    }

    fn return_(&mut self, value: Option<NodeId>) {
        self.value_or_null(value);
        self.jump_out(Way::Return);
    }

    /// The value that leaves with `return` or `break`.
    pub(super) fn value_or_null(&mut self, value: Option<NodeId>) {
        match value {
            Some(node) => self.expression(node),
            None => self.push_constant(Word::NULL),
        }
    }

    fn define_globals(&mut self, node: NodeId, definition: &DefineGlobals) {
        let &DefineGlobals { kind, pattern, value, ref names } = definition;
        let mut skip = Join::new();
        if kind == LetKind::Once
            && let Some((_, name)) = names.first()
            && self.state.reachable
        {
            let binding = self.link.own_binding(self.unit.name(*name));
            let r = self.register();
            self.asm.load_cell(r, binding);
            self.push_reg(r, Facts::ANY);
            self.asm.compare_imm(r, Word::UNDEFINED.0 as i64);
            let label = self.edge(&mut skip);
            self.asm.branch(Cond::NotEqual, label);
            self.state.drop_top();
            self.unpin();
        }
        self.expression(value);
        self.bind_value(node, pattern);
        for (var, name) in names {
            let binding = self.link.own_binding(self.unit.name(*name));
            self.push_constant(Word(0));
            self.state.drop_top();
            self.local(node, *var);
            self.goes_to(node);
            self.define_binding(binding, kind);
            self.state.drop_top();
        }
        if !skip.edges.is_empty() {
            self.goto_value(&mut skip);
            self.finish_value(skip);
        }
    }

    fn define_binding(&mut self, binding: usize, kind: LetKind) {
        if self.dead(1) {
            return;
        }
        // The address goes first: a dummy operand holds its place among the arguments.
        let value = self.state.pop();
        self.state.push(Value::constant(Word(binding as u64)));
        self.state.push(value);
        let helper = match kind {
            LetKind::Once => Helper::DefineOnce,
            LetKind::Plain | LetKind::Dynamic => Helper::Define,
        };
        self.call_helper(helper, 2, &[], Facts::ANY);
    }
}
