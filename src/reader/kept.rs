//! What becomes of values: whether somebody looks at what a node gives.
//!
//! Owns the walk from the values of functions to what they end in. Must not know what the values are.

use super::tree::*;

/// Who looks at the value of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taker {
    /// Nobody.
    Nobody,
    /// Whoever called the function.
    Caller,
    /// An operation of the function itself, or whoever evaluates the text.
    Here,
}

/// What becomes of the value of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fate {
    /// Who looks at it.
    pub taker: Taker,
    /// It is what a turn of another loop gives: only that of the last turn is looked at.
    pub in_turns: bool,
}

/// The functions whose value nobody sees, though they are called: the top level of a file, its `main`, tests.
pub fn unseen(unit: &Unit) -> Vec<FunctionId> {
    let of_item = |item: &Item| match item {
        Item::Function { name, function, .. } if unit.name(*name) == "main" && unit.source.has_file() => {
            Some(*function)
        }
        Item::Test { function, .. } => Some(*function),
        _ => None,
    };
    let top_level = Some(unit.init).filter(|_| unit.source.has_file());
    unit.items.iter().filter_map(of_item).chain(top_level).collect()
}

/// What becomes of the value of each node.
pub fn fates(unit: &Unit, unseen: &[FunctionId]) -> Vec<Fate> {
    let taken = |taker: Taker| Fate { taker, in_turns: false };
    let mut fates = vec![taken(Taker::Here); unit.nodes.len()];
    for (index, function) in unit.functions.iter().enumerate() {
        let id = FunctionId(index as u32);
        let taker = if unseen.contains(&id) {
            Taker::Nobody
        } else if id == unit.init {
            Taker::Here
        } else {
            Taker::Caller
        };
        function.arities.iter().for_each(|arity| fates[arity.body.index()] = taken(taker));
    }
    // A node is finished behind all that it consists of.
    for (index, node) in unit.nodes.iter().enumerate().rev() {
        let (fate, nobody) = (fates[index], taken(Taker::Nobody));
        let mut set = |id: NodeId, fate: Fate| fates[id.index()] = fate;
        match node {
            Node::Block(list) => {
                let Some((last, before)) = unit.list(*list).split_last() else { continue };
                before.iter().for_each(|id| set(*id, nobody));
                set(*last, fate);
            }
            Node::If { then, otherwise, .. } => {
                set(*then, fate);
                otherwise.iter().for_each(|id| set(*id, fate));
            }
            Node::Match { arms, .. } => arms.iter().for_each(|arm| set(arm.body, fate)),
            Node::For { body, .. } | Node::While { body, .. } => {
                set(*body, if fate.taker == Taker::Nobody { nobody } else { Fate { in_turns: true, ..fate } });
            }
            Node::Loop { body, .. } => set(*body, nobody),
            Node::Try(parts) => {
                set(parts.body, fate);
                parts.catch.iter().for_each(|(_, handler)| set(*handler, fate));
                parts.finally.iter().for_each(|id| set(*id, nobody));
            }
            Node::Binding(binding) => set(binding.body, fate),
            _ => {}
        }
    }
    fates
}

/// The innermost function around a place.
pub fn function_around(unit: &Unit, at: Span) -> FunctionId {
    let functions = unit.functions.iter().enumerate().map(|(index, f)| (FunctionId(index as u32), f.span));
    // That of the top level is around all, and may be no larger than the only one in it.
    let around = functions.filter(|(id, span)| *id != unit.init && span.start <= at.start && at.end <= span.end);
    around.min_by_key(|(_, span)| span.end - span.start).map_or(unit.init, |(id, _)| id)
}
