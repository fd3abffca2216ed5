//! What a call of a function probably gives, read off its text.
//!
//! Owns the guess: a hint like what the first call shows, nothing that is relied on. So it follows only what is plain: the last expression
//! of a body, the first branch that says something, and calls of functions by their names.

use super::link::intrinsic;
use crate::codegen::facts::Seen;
use crate::codegen::link::Intrinsic;
use crate::gc::Thread;
use crate::object::layout::{self, LayoutId};
use crate::reader::tree::{GlobalId, Node, NodeId, StructLiteral};
use crate::runtime::program::builtin::Builtin;
use crate::runtime::program::code::{Code, CodeSource};
use crate::runtime::program::entry;
use crate::runtime::program::linked::LinkedUnit;

/// So many expressions are looked at for a call.
const LOOKS: u32 = 40;

/// What a call with so many arguments probably gives.
pub(super) fn of_call(cx: &Thread, code: &Code, arguments: usize) -> Seen {
    Search { cx, left: LOOKS }.function(code, arguments)
}

/// A search for what tells.
struct Search<'a> {
    cx: &'a Thread,
    /// So many expressions may be looked at still: functions call each other in circles.
    left: u32,
}

impl Search<'_> {
    fn function(&mut self, code: &Code, arguments: usize) -> Seen {
        match &code.source {
            CodeSource::Function { unit, function } => {
                let Some(arity) = code.arity_for(arguments) else { return Seen::None };
                self.node(unit, unit.unit.function(*function).arities[arity.index as usize].body)
            }
            CodeSource::Builtin(builtin) => of_builtin(builtin),
            _ => Seen::None,
        }
    }

    fn node(&mut self, unit: &LinkedUnit, node: NodeId) -> Seen {
        let Some(left) = self.left.checked_sub(1) else { return Seen::None };
        self.left = left;
        let tree = &unit.unit;
        match tree.node(node) {
            Node::Int(_) => Seen::Int,
            Node::Float(_) => Seen::Float,
            Node::Vector(_) => object(layout::VECTOR),
            Node::Map(_) => object(layout::MAP),
            Node::Struct(literal) => self.of_struct(unit, literal),
            Node::Block(list) => self.first(unit, tree.list(*list).last().copied()),
            Node::If { then, otherwise, .. } => self.first(unit, [*then].into_iter().chain(*otherwise)),
            Node::Match { arms, .. } => self.first(unit, arms.iter().map(|arm| arm.body)),
            Node::Return(value) => self.first(unit, *value),
            Node::Call { callee, args, .. } => match tree.node(*callee) {
                Node::Global(global) => self.called(unit, *global, tree.list(*args).len()),
                _ => Seen::None,
            },
            _ => Seen::None,
        }
    }

    /// What the first of several ways says that says something.
    fn first(&mut self, unit: &LinkedUnit, ways: impl IntoIterator<Item = NodeId>) -> Seen {
        ways.into_iter().map(|way| self.node(unit, way)).find(|seen| *seen != Seen::None).unwrap_or_default()
    }

    fn called(&mut self, unit: &LinkedUnit, global: GlobalId, arguments: usize) -> Seen {
        let binding = unit.global(global).binding;
        if binding.namespace.name == "core" && intrinsic(binding.name) == Some(Intrinsic::BuilderDone) {
            return object(layout::VECTOR);
        }
        match binding.get(self.cx).and_then(entry::code_of) {
            Some(code) => self.function(code, arguments),
            None => Seen::None,
        }
    }

    fn of_struct(&self, unit: &LinkedUnit, literal: &StructLiteral) -> Seen {
        let types = &self.cx.vm().types;
        let type_ = unit.global(literal.type_).binding.type_id().map(|id| types.get(id));
        let layout = type_.and_then(|type_| match literal.variant {
            Some(variant) => Some(type_.variant(unit.unit.name(variant))?.layout),
            None => type_.layout(),
        });
        layout.map_or(Seen::None, object)
    }
}

fn of_builtin(builtin: &Builtin) -> Seen {
    match builtin.gives {
        Some(layout::INT) => Seen::Int,
        Some(layout::FLOAT) => Seen::Float,
        Some(layout) => object(layout),
        None => Seen::None,
    }
}

fn object(layout: LayoutId) -> Seen {
    Seen::Object(layout, Vec::new())
}
