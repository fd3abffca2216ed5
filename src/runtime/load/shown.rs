//! Whether the value of a text is worth showing.
//!
//! `println` gives what it has printed: shown as a value, it would stand there twice.

use crate::reader::tree::{Item, Node, NodeId, Unit};

/// Does the text end with an expression that only prints?
pub fn only_prints(unit: &Unit) -> bool {
    matches!(unit.items.last(), Some(Item::Expression { node }) if prints(unit, *node))
}

fn prints(unit: &Unit, mut node: NodeId) -> bool {
    loop {
        node = match unit.node(node) {
            Node::Call { callee, .. } => return is_printer(unit, *callee),
            Node::Block(list) => match unit.list(*list).last() {
                Some(last) => *last,
                None => return false,
            },
            Node::For { body, .. } | Node::While { body, .. } | Node::Loop { body, .. } => *body,
            Node::If { then, otherwise: None, .. } => *then,
            _ => return false,
        };
    }
}

fn is_printer(unit: &Unit, callee: NodeId) -> bool {
    let Node::Global(global) = unit.node(callee) else { return false };
    let reference = &unit.globals[global.index()];
    reference.alias.is_none() && matches!(unit.name(reference.name), "print" | "println" | "eprintln")
}
