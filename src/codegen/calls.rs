//! Calls, closures and allocation.
//!
//! The steps of a call: the callee (when it is no global) and the arguments are operands, left to right; what lives in
//! caller-saved registers goes to the frame; arguments move into their registers as if at once, those beyond the registers
//! into the thread's argument area; the call goes through a link cell, a dispatch table, or the callee's own entries. In tail
//! position the frame is given up first and the call is a jump.

use super::facts::{Facts, Hint, Types};
use super::generator::Generator;
use super::join::Join;
use super::link::{Global, GlobalKind, Helper, Intrinsic, Receivers, SideExit};
use super::safepoints::Argument;
use super::state::{Place, Value};
use super::version::Slow;
use crate::asm::masm::*;
use crate::emit::objects;
use crate::emit::{At, Emit, Store, Stored};
use crate::gc::mutator::thread;
use crate::object::Word;
use crate::object::layout::{
    self, ARRAY_ELEMENTS, ARRAY_LENGTH, BUILDER_COUNT, BUILDER_LEAF, CLOSURE_CAPTURES, CLOSURE_CODE, header_low,
};
use crate::object::word::TAG_FUNCTION;
use crate::reader::tree::*;

/// Entry of a code record for calls with more arguments than this is the last one.
const ENTRY_MANY: usize = ARG_REGS + 1;

/// Where a call goes.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// Through a link cell.
    Cell(usize),
    /// To this very code, in tail position, as long as the link cell leads there.
    Own(usize),
    /// Through the entries of the function that is the operand below the arguments.
    Value { known: bool },
    /// Through a dispatch table, on the first argument, which is likely to have one of these layouts.
    Table(usize, Receivers),
    /// The same in tail position, for a method of `core`: what comes at these addresses is called from our frame.
    CoreTable(usize, [usize; 2]),
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// `callee(args)`
    pub(super) fn call(&mut self, node: NodeId, callee: NodeId, args: List, tail: bool) {
        let nodes = self.unit.list(args);
        let tail = tail && self.handler.is_none();
        if let Node::Global(global) = self.unit.node(callee)
            && let Some(found) = self.link.global(*global)
            && found.kind != GlobalKind::Dynamic
        {
            if self.accumulator_call(node, *global, nodes) {
                return;
            }
            let height = self.state.height();
            if let GlobalKind::Intrinsic(intrinsic) = found.kind
                && self.intrinsic(node, intrinsic, nodes, tail)
            {
                return;
            }
            for (k, arg) in nodes.iter().enumerate().skip(self.state.height() - height) {
                self.wanted = M::ARGS.get(k).map(|r| (*arg, *r));
                self.expression(*arg);
            }
            self.goes_to(node);
            if found.kind == GlobalKind::Plain {
                self.arrive(node);
                if self.inline_call(node, *global, nodes.len(), tail) {
                    return;
                }
            }
            if tail {
                self.given_call(node, *global, nodes.len());
            }
            if !self.carried(node).is_empty() {
                return self.carrying_call(found, nodes.len(), tail, node);
            }
            self.call_global(*global, nodes.len(), tail, node);
            return;
        }
        self.expression(callee);
        for arg in nodes {
            self.expression(*arg);
        }
        self.goes_to(node);
        let known = self.state.operand(self.top(nodes.len())).facts.types == Types::FUNCTION;
        self.emit_call(Target::Value { known }, nodes.len(), tail);
    }

    /// A call in tail position that passes changed collections, with marks, to what may be this very function: else they are frozen.
    fn carrying_call(&mut self, found: Global, n: usize, tail: bool, node: NodeId) {
        let carried = self.carried(node).to_vec();
        let own = |g: &mut Self| {
            let callee = g.link.inlinable(found.binding, n)?;
            let is_own =
                callee.function == g.own && std::ptr::eq(&g.unit.function(g.own).arities[callee.arity], g.arity);
            (is_own && g.link.relies_on(found.binding, n, callee)).then(|| g.link.link_cell(found.binding, n))?
        };
        match own(self).filter(|_| tail && n <= ARG_REGS) {
            Some(cell) => self.emit_call(Target::Own(cell), n, true),
            None => {
                self.freeze_operands(&carried, n);
                self.call_found(found, n, tail, node);
            }
        }
    }

    /// Calls what the name stands for with the latest `n` operands.
    pub(super) fn call_global(&mut self, global: GlobalId, n: usize, tail: bool, node: NodeId) {
        let Some(found) = self.link.global(global) else {
            self.goes_to(node);
            if !self.dead(n) {
                self.replace(n, Value::constant(Word::NULL));
            }
            return;
        };
        self.call_found(found, n, tail, node);
    }

    pub(super) fn call_found(&mut self, found: Global, n: usize, tail: bool, node: NodeId) {
        self.goes_to(node);
        if self.dead(n) {
            return;
        }
        let last = tail && self.handler.is_none();
        let tail = last && !found.builtin;
        if (found.kind == GlobalKind::Method || last && found.builtin)
            && n > 0
            && n <= ARG_REGS
            && let Some(cell) = self.link.method_table(found.binding, n)
        {
            return match self.link.builtin_entries(found.binding, n).filter(|_| last) {
                Some(ours) => self.emit_call(Target::CoreTable(cell, ours), n, true),
                None => {
                    let receivers = self.link.method_receivers(found.binding);
                    self.emit_call(Target::Table(cell, receivers), n, tail)
                }
            };
        }
        self.last = last;
        if let Some(cell) = self.link.link_cell(found.binding, n) {
            self.emit_call(Target::Cell(cell), n, tail);
            if !tail && self.state.reachable {
                let seen = self.link.result(found.binding, n);
                let result = self.state.pop();
                let hint = self.hints.of(&seen);
                self.state.push(result.hinted(hint));
            }
            return;
        }
        // The function goes below its arguments.
        let r = self.register();
        self.asm.load_cell(r, found.binding);
        self.check_defined(r, found.binding);
        let mut operands = Vec::with_capacity(n);
        for _ in 0..n {
            operands.push(self.state.pop());
        }
        self.push_reg(r, Facts::ANY);
        for value in operands.into_iter().rev() {
            self.state.push(value);
        }
        self.emit_call(Target::Value { known: false }, n, tail);
    }

    /// `object.name(args)`
    pub(super) fn method_call(&mut self, node: NodeId, object: NodeId, name: Name, args: List, tail: bool) {
        let nodes = self.unit.list(args);
        if let Some(function) = self.associated(object, name) {
            for (k, arg) in nodes.iter().enumerate() {
                self.wanted = M::ARGS.get(k).map(|r| (*arg, *r));
                self.expression(*arg);
            }
            return self.call_associated(node, object, (function, name), nodes.len(), tail);
        }
        // A variant's fieldless value is an object like any other: `Shape.dot.area()` reads it first.
        self.expression(object);
        for arg in nodes {
            self.expression(*arg);
        }
        self.goes_to(node);
        let n = nodes.len() + 1;
        if self.dead(n) {
            return;
        }
        let tail = tail && self.handler.is_none();
        let name = self.unit.name(name);
        let (cell, receivers) = (self.link.selector_table(name, n), self.link.selector_receivers(name));
        self.emit_call(Target::Table(cell, receivers), n, tail);
    }

    /// `T.name(args)` with the latest `n` operands: a call of the function itself as long as `T` stands for the type.
    fn call_associated(
        &mut self,
        node: NodeId,
        object: NodeId,
        (function, name): (Global, Name),
        n: usize,
        tail: bool,
    ) {
        self.arrive(node);
        self.goes_to(node);
        if !self.state.reachable || self.has_run_nothing() {
            return self.call_found(function, n, tail, node);
        }
        if self.leave_if_revised(node) {
            return self.call_found(function, n, tail, node);
        }
        let (mut changed, mut end) = (Join::new(), Join::new());
        let label = self.edge(&mut changed);
        self.branch_if_revised(label);
        self.call_found(function, n, tail, node);
        self.goto_value(&mut end);
        self.place(changed);
        if let Node::Global(global) = *self.unit.node(object) {
            self.global(global);
        }
        // Whatever it stands for goes below the arguments, all of which keep their places.
        let receiver = self.state.pop();
        let arguments: Vec<Value> = (0..n).map(|_| self.state.pop()).collect();
        self.state.push(receiver);
        arguments.into_iter().rev().for_each(|value| self.state.push(value));
        self.goes_to(node);
        let cell = self.link.selector_table(self.unit.name(name), n + 1);
        self.emit_call(Target::Table(cell, Receivers::default()), n + 1, tail && self.handler.is_none());
        self.goto_value(&mut end);
        self.finish_value(end);
    }

    /// Goes to the label when something has changed that the code takes for granted.
    pub(super) fn branch_if_revised(&mut self, label: Label) {
        let (cell, revision) = self.link.revision();
        self.asm.scratch().load_cell(cell).compare_imm(revision);
        self.asm.branch(Cond::NotEqual, label);
    }

    /// The function that `object.name(…)` calls where the object is a type that is known by its name.
    pub(super) fn associated(&mut self, object: NodeId, name: Name) -> Option<Global> {
        match self.unit.node(object) {
            Node::Global(global) => self.link.associated(*global, self.unit.name(name)),
            _ => None,
        }
    }

    /// The call itself, with the latest `n` operands as arguments.
    fn emit_call(&mut self, target: Target, n: usize, tail: bool) {
        let callee = usize::from(matches!(target, Target::Value { .. }));
        if self.dead(n + callee) || self.gives_way(n + callee) {
            return;
        }
        // The call ends what is known of fields, so their registers are as good as any for arguments.
        self.state.echoes_mut().forget_all_fields();
        let above = self.state.height() - n - callee;
        for i in above..self.state.height() {
            if self.state.operand(i).place.is_raw() {
                self.in_register(i);
                self.unpin();
            }
        }
        if !tail {
            self.save_for_call(above);
        }
        let first = above + callee;
        for k in ARG_REGS..n {
            self.store_argument(first + k, k);
        }
        let mut moves = Vec::with_capacity(n + 1);
        if callee == 1 {
            moves.push((self.state.operand(above).place, Place::Reg(M::CLOSURE)));
        }
        for k in 0..n.min(ARG_REGS) {
            moves.push((self.state.operand(first + k).place, Place::Reg(M::ARGS[k])));
        }
        let receiver = (n > 0).then(|| self.state.operand(first).facts);
        if tail {
            self.state.moves(self.asm.offset());
        }
        self.parallel_move(moves);
        if n > ARG_REGS {
            self.asm.store_imm(Mem::at(M::CTX, thread::OFFSET_ARG_COUNT), n as i32);
        }
        for _ in 0..n + callee {
            self.state.drop_top();
        }
        self.unpin();
        let back = (!tail).then(|| self.asm.label());
        self.transfer(target, n, receiver.unwrap_or(Facts::ANY), back);
        match back {
            None => {
                self.unreachable();
                self.push_constant(Word::NULL);
            }
            Some(back) => {
                self.safepoint();
                self.asm.bind(back);
                self.push_reg(M::RESULT, Facts::ANY);
            }
        }
    }

    /// The instructions that go there. Calls out of line come back to a label; without one it is a jump, in tail position.
    fn transfer(&mut self, target: Target, n: usize, receiver: Facts, back: Option<Label>) {
        let tail = back.is_none();
        match target {
            Target::Cell(cell) => {
                if tail {
                    self.asm.epilogue(self.survey.saved);
                    self.asm.jump_cell(cell);
                } else {
                    self.asm.call_cell(cell);
                }
            }
            Target::Own(cell) => {
                let revised = self.asm.label();
                self.branch_if_revised(revised);
                self.asm.epilogue(self.survey.saved);
                self.asm.leave_to(self.start);
                self.asm.bind(revised);
                for k in 0..n {
                    self.freeze_argument(k);
                }
                self.asm.epilogue(self.survey.saved);
                self.asm.jump_cell(cell);
            }
            Target::Value { known } => {
                if !known {
                    self.check_callable();
                }
                if tail {
                    self.asm.epilogue(self.survey.saved);
                }
                let code = self.asm.scratch().load(Mem::at(M::CLOSURE, layout::closure_disp(CLOSURE_CODE)));
                let entry = 8 * n.min(ENTRY_MANY) as i32;
                if tail { code.jump_at(entry) } else { code.call_at(entry) }
            }
            Target::Table(cell, likely) => self.dispatch(cell, receiver, likely, back),
            Target::CoreTable(cell, ours) => self.dispatch_core(cell, ours, receiver),
        }
    }

    /// The callee is in CLOSURE: anything but a function throws.
    fn check_callable(&mut self) {
        objects::test_function(&mut self.asm, M::CLOSURE);
        let callee = vec![Argument::Place(Place::Reg(M::CLOSURE))];
        let label = self.throwing_path(Helper::NotCallable, callee);
        self.asm.branch(Cond::NotEqual, label);
    }

    /// Goes through the dispatch table at the first argument's layout; a call comes back to a label that is bound behind it.
    fn dispatch(&mut self, cell: usize, receiver: Facts, likely: Receivers, back: Option<Label>) {
        let object = M::ARGS[0];
        let tail = back.is_none();
        match receiver.layout {
            Some(known) => {
                if tail {
                    self.asm.epilogue(self.survey.saved);
                }
                let table = self.asm.scratch().load_cell(cell);
                let entry = 4 * layout::header_low(known) as i32;
                if tail { table.jump_at(entry) } else { table.call_at(entry) }
            }
            None => {
                self.load_class(object, receiver);
                for layout in likely.into_iter().filter(|layout| *layout != 0) {
                    self.asm.compare_imm(M::RESULT, i64::from(header_low(layout)));
                    match back {
                        Some(back) => self.dispatch_apart(cell, back),
                        None => {
                            let other = self.asm.label();
                            self.asm.branch(Cond::NotEqual, other);
                            self.asm.epilogue(self.survey.saved);
                            self.asm.scratch().load_cell(cell).jump_indexed(M::RESULT, 2);
                            self.asm.bind(other);
                        }
                    }
                }
                if tail {
                    self.asm.epilogue(self.survey.saved);
                }
                let table = self.asm.scratch().load_cell(cell);
                if tail { table.jump_indexed(M::RESULT, 2) } else { table.call_indexed(M::RESULT, 2) }
            }
        }
    }

    /// Where a layout was compared and is the one: the same call by an instruction of its own, out of line. Processors foresee where
    /// an indirect call goes by where it went last; one that serves several layouts in turn costs them 20 to 30 cycles each time.
    fn dispatch_apart(&mut self, cell: usize, back: Label) {
        let label = self.asm.label();
        self.asm.branch(Cond::Equal, label);
        let (state, at, handler, last) = (self.state.clone(), self.at, self.handler.clone(), self.last);
        self.later(move |g| {
            g.asm.bind(label);
            g.enter_cold(state, at, handler);
            g.last = last;
            g.asm.scratch().load_cell(cell).call_indexed(M::RESULT, 2);
            g.safepoint_apart();
            g.asm.jump(back);
        });
    }

    /// A method of `core` in tail position: a jump to what the program has implemented it with. What is at one of the addresses
    /// `ours` is called, so that errors find the frame: the builtin, and the resolver, which jumps itself.
    fn dispatch_core(&mut self, cell: usize, ours: [usize; 2], receiver: Facts) {
        let object = M::ARGS[0];
        let mut free = M::CALLER_SAVED.iter().copied().filter(|r| *r != M::RESULT && !M::ARGS.contains(r));
        let (table, known) = (free.next().unwrap_or(M::RESULT), free.next().unwrap_or(M::RESULT));
        debug_assert_ne!(table, known, "two registers beside arguments and result");
        let entry = match receiver.layout {
            Some(layout) => Mem::at(table, 4 * layout::header_low(layout) as i32),
            None => {
                self.load_class(object, receiver);
                Mem::indexed(table, M::RESULT, 2, 0)
            }
        };
        self.asm.load_cell(table, cell);
        let call = self.asm.label();
        for address in ours {
            self.asm.mov_imm(known, address as i64);
            self.asm.compare_mem(known, entry);
            self.asm.branch(Cond::Equal, call);
        }
        self.asm.epilogue(self.survey.saved);
        self.asm.jump_mem(entry);
        let (state, at) = (self.state.without_values(), self.at);
        self.later(move |g| {
            g.asm.bind(call);
            g.enter_cold(state, at, None);
            g.last = true;
            g.asm.call_mem(entry);
            g.safepoint();
            g.asm.epilogue(g.survey.saved);
            g.asm.ret();
        });
    }

    /// The class of a value in RESULT.
    fn load_class(&mut self, value: Reg, receiver: Facts) {
        let (other, found) = (self.asm.label(), self.asm.label());
        if receiver.types != Types::OBJECT {
            objects::branch_unless_object(&mut self.asm, value, other);
            self.later(move |g| {
                g.asm.bind(other);
                objects::classify(&mut g.asm, M::RESULT, value, found);
            });
        }
        objects::load_class(&mut self.asm, M::RESULT, value);
        self.asm.bind(found);
    }

    // ---- intrinsics ----

    /// Writes a known function inline when the facts allow it. The arguments may have been pushed already when it did not:
    /// the caller pushes those that are missing.
    fn intrinsic(&mut self, node: NodeId, intrinsic: Intrinsic, args: &[NodeId], tail: bool) -> bool {
        use Intrinsic::*;
        match (intrinsic, args) {
            (Even | Odd | Not | IsNull | IsSome | IsFunction | IsInt | IsFloat | IsNumber, [_])
            | (IsString | IsVector | IsMap | IsSet | IsArray | IsAtom, [_]) => {
                let mut no = Join::new();
                self.condition_call(node, &mut no);
                self.bool_from(no);
                true
            }
            (InstanceOf, [_, type_]) if self.named_type(*type_).is_some() => {
                let mut no = Join::new();
                self.condition_call(node, &mut no);
                self.bool_from(no);
                true
            }
            (Min | Max, [a, b]) => {
                self.expression(*a);
                self.expression(*b);
                self.arrive(node);
                self.goes_to(node);
                self.int_extreme(node, intrinsic == Min)
            }
            (ToFloat | Sqrt | Abs | Floor | Ceil, [x]) => {
                self.expression(*x);
                self.arrive(node);
                self.goes_to(node);
                self.float_intrinsic(node, intrinsic)
            }
            (Truncate | ToInt, [x]) => {
                self.expression(*x);
                self.arrive(node);
                self.state.operand(self.top(0)).facts.is_int()
            }
            (Length, [x]) => {
                self.expression(*x);
                self.arrive(node);
                self.goes_to(node);
                self.length(node)
            }
            (NewBuilder | BuilderPush | BuilderDone, _) => self.builder_intrinsic(node, intrinsic, args),
            (Get, [object, index]) => {
                self.expression(*object);
                self.expression(*index);
                self.last = tail;
                self.index(node);
                true
            }
            (Get, [object, index, default]) => {
                for arg in [object, index, default] {
                    self.expression(*arg);
                }
                self.goes_to(node);
                self.last = tail;
                self.look_up(Helper::GetOr, 3);
                true
            }
            _ => false,
        }
    }

    /// The library's way to make vectors.
    fn builder_intrinsic(&mut self, node: NodeId, intrinsic: Intrinsic, args: &[NodeId]) -> bool {
        use Intrinsic::*;
        match (intrinsic, args) {
            (BuilderPush, [builder, value]) => {
                self.expression(*builder);
                self.expression(*value);
                self.goes_to(node);
                self.builder_push();
                true
            }
            (NewBuilder, []) => {
                self.goes_to(node);
                self.call_helper(Helper::NewBuilder, 0, &[], Facts::object(layout::VECTOR_BUILDER));
                true
            }
            (BuilderDone, [builder]) => {
                self.expression(*builder);
                self.goes_to(node);
                self.call_helper(Helper::BuilderDone, 1, &[], Facts::object(layout::VECTOR));
                true
            }
            _ => false,
        }
    }

    fn condition_call(&mut self, node: NodeId, no: &mut Join) {
        self.condition(node, false, no);
    }

    fn float_intrinsic(&mut self, node: NodeId, intrinsic: Intrinsic) -> bool {
        if !self.state.reachable {
            return true;
        }
        let i = self.top(0);
        let facts = self.state.operand(i).facts;
        let keeps_int = matches!(intrinsic, Intrinsic::Abs);
        if keeps_int && (facts.is_int() || facts.may_be_int() && self.state.operand(i).hint == Hint::Int) {
            return self.int_abs(node);
        }
        let f = if facts.is_float() {
            self.float_operand_sure(i)
        } else if facts.is_int() && !keeps_int {
            self.int_as_float(i)
        } else if self.is_hot() && facts.may_be_float() && intrinsic != Intrinsic::ToFloat {
            self.in_register(i);
            self.reserve(1, 2);
            let Some(failing) = self.leave(node, SideExit::Float) else { return false };
            self.float_operand(i, &failing)
        } else if self.is_hot() && facts.may_be_int() && intrinsic == Intrinsic::ToFloat {
            self.in_register(i);
            self.reserve(1, 1);
            let Some(failing) = self.leave(node, SideExit::Arithmetic) else { return false };
            self.check_ints(&[0], &failing);
            self.int_as_float(i)
        } else {
            return false;
        };
        let dst = self.float_register();
        match intrinsic {
            Intrinsic::Sqrt => self.asm.fsqrt(dst, f),
            Intrinsic::Abs => self.asm.fabs(dst, f),
            Intrinsic::Floor => self.asm.fround(Round::Floor, dst, f),
            Intrinsic::Ceil => self.asm.fround(Round::Ceil, dst, f),
            _ => self.asm.fmov(dst, f),
        }
        self.replace(1, Value::new(Place::Float(dst), Facts::FLOAT));
        true
    }

    fn length(&mut self, node: NodeId) -> bool {
        if !self.state.reachable {
            return true;
        }
        if self.link.builtin_extended() {
            return false;
        }
        let counted = |l: layout::LayoutId| matches!(l, layout::ARRAY | layout::VECTOR | layout::MAP);
        let i = self.top(0);
        let value = *self.state.operand(i);
        if !value.facts.layout.is_some_and(counted) {
            let Some(layout) = value.hint.layout().filter(|l| counted(*l)) else { return false };
            if !self.is_hot() || !value.facts.types.meets(Types::OBJECT) {
                return false;
            }
            self.in_register(i);
            self.reserve(1, 0);
            let Some(failing) = self.leave(node, SideExit::Layout) else { return false };
            let r = self.in_register(i);
            self.check_layout(r, value.facts, layout, failing.label);
            self.promote(i, super::twin::Promotion::Layout(layout));
            self.learn(i, Facts::object(layout));
        }
        let r = self.in_register(i);
        let dst = self.register();
        self.asm.load(dst, Mem::at(r, layout::slot_disp(layout::ELEMENT_COUNT)));
        self.replace_reg(1, dst, Facts::INT);
        true
    }

    /// Adds the latest operand to the builder below it; gives the operand.
    fn builder_push(&mut self) {
        if self.dead(2) {
            return;
        }
        let (i, j) = (self.top(1), self.top(0));
        let builder = self.in_register(i);
        let value = self.in_register(j);
        let slots = self.register();
        let count = self.register();
        let arguments = vec![self.argument(i), self.argument(j)];
        let failing = self.slow(Slow::call(Helper::BuilderPush, arguments));
        let slow = failing.label;
        let facts = self.state.operand(i).facts;
        if facts.layout != Some(layout::VECTOR_BUILDER) {
            self.check_layout(builder, facts, layout::VECTOR_BUILDER, slow);
        }
        self.asm.load(slots, Mem::at(builder, layout::slot_disp(BUILDER_LEAF)));
        self.asm.load(count, Mem::at(builder, layout::slot_disp(BUILDER_COUNT)));
        self.asm.compare_mem(count, Mem::at(slots, layout::slot_disp(ARRAY_LENGTH)));
        self.asm.branch(Cond::AboveEqual, slow);
        let word = Stored::Word(value, self.types_of(j).holds());
        self.store(Store::Private, At::element(slots, count, 0, ARRAY_ELEMENTS), word);
        self.asm.alu_imm(Alu::Add, count, count, 8);
        self.store_count(At::slot(builder, BUILDER_COUNT), count);
        self.resumes(&failing);
        let result = *self.state.operand(j);
        self.replace(2, result);
    }

    // ---- closures and allocation ----

    /// A function value; with `var`, a local named function is defined as well.
    pub(super) fn closure(&mut self, function: FunctionId, var: Option<VarId>) {
        let captures = self.unit.function(function).captures.clone();
        if !self.state.reachable {
            self.push_constant(Word::NULL);
            return;
        }
        if captures.is_empty() {
            let cell = self.link.closure_cell(function);
            self.state.push(Value::new(Place::Cell(cell), Facts::FUNCTION));
        } else {
            let code = self.link.code(function);
            for capture in &captures {
                self.push_var(*capture);
            }
            let n = captures.len();
            let object = self.allocate(layout::CLOSURE, n as u32, layout::CLOSURE_CAPTURES + n);
            // A closure's pointer has its own tag; its slots are reached from there.
            self.asm.alu_imm(Alu::Add, object, object, (TAG_FUNCTION - crate::object::word::TAG_OBJECT) as i64);
            self.init_raw(At::of_function(object, CLOSURE_CODE), code as i64);
            for k in 0..n {
                self.store_field(object, At::of_function(object, CLOSURE_CAPTURES + k), self.top(n - 1 - k));
            }
            self.is_newborn(false);
            self.replace_reg(n, object, Facts::FUNCTION);
        }
        if let Some(var) = var {
            let value = *self.state.operand(self.top(0));
            self.state.push(value);
            self.define(var);
        }
    }

    /// Stores operand `i` into an object that is being made, which alone stays pinned. Nothing collects before all its fields
    /// are written.
    pub(super) fn store_field(&mut self, object: Reg, at: At, i: usize) {
        let word = self.stored(i);
        self.store(Store::Init, at, word);
        self.unpin();
        self.pin(object);
    }

    /// Allocates an object inline: a pinned register with the tagged pointer; the header is written, the `words` after it are
    /// the caller's to write before anything else is allocated.
    pub(super) fn allocate(&mut self, layout: layout::LayoutId, count: u32, words: usize) -> Reg {
        let (dst, end) = self.fresh(layout::HEADER_BYTES + 8 * words);
        self.init_header_word(dst, layout::header(layout, count), end);
        self.asm.alu_imm(Alu::Add, dst, dst, crate::object::word::TAG_OBJECT as i64);
        self.pinned = self.pinned.without(end);
        self.is_newborn(true);
        dst
    }

    /// Allocates memory inline: a pinned register with its address, and one that is pinned as well and free for use.
    pub(super) fn fresh(&mut self, bytes: usize) -> (Reg, Reg) {
        let dst = self.register();
        let end = self.register();
        let arguments = vec![Argument::Raw(bytes as u64)];
        let failing = self.slow(Slow::Call { helper: Helper::Allocate, arguments, spent: 0, dst: Some(dst) });
        objects::allocate(&mut self.asm, dst, end, Mem::at(dst, bytes as i32), failing.label);
        self.resumes(&failing);
        (dst, end)
    }
}
