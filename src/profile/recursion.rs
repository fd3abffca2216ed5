//! Which functions of a text may be entered again before they have ended.
//!
//! Owns a guess that leaves none of them out that a text shows: a function may call whatever of its text has a name that it mentions, and
//! what stands in it. What leads through another text is not seen.

use rustc_hash::{FxHashMap, FxHashSet};

use super::debug_lines::around;
use crate::reader::tree::{FunctionId, Node, Unit};

/// Those of a text.
pub(super) fn recursive(unit: &Unit) -> FxHashSet<FunctionId> {
    // The points of a graph are the functions, and behind them their names.
    let count = unit.functions.len();
    let mut names: FxHashMap<&str, usize> = FxHashMap::default();
    let mut ways = Vec::new();
    for (function, about) in unit.functions.iter().enumerate() {
        if let Some(name) = about.name {
            let point = count + names.len();
            ways.push((*names.entry(unit.name(name)).or_insert(point), function));
        }
        ways.extend(about.parent.map(|around| (around.index(), function)));
    }
    let points = count + names.len();
    let mentioned = |(index, node): (usize, &Node)| {
        let span = unit.spans[index];
        let name = match node {
            Node::Global(global) => unit.name(unit.globals[global.index()].name),
            Node::MethodCall { name, .. } => unit.name(*name),
            Node::Local(_) => unit.source.text.get(span.start as usize..span.end as usize)?,
            _ => return None,
        };
        Some((span.start, *names.get(name)?))
    };
    let mut mentions: Vec<(u32, usize)> = unit.nodes.iter().enumerate().filter_map(mentioned).collect();
    mentions.sort_unstable();
    let places: Vec<u32> = mentions.iter().map(|(at, _)| *at).collect();
    ways.extend(around(unit, &places).into_iter().zip(mentions).map(|(function, (_, name))| (function.index(), name)));
    let on_cycles = on_cycles(points, ways);
    (0..count).filter(|function| on_cycles[*function]).map(|function| FunctionId(function as u32)).collect()
}

/// Is each point on a cycle, or on a way from one to another? What leads nowhere is taken away, then what nothing leads to.
fn on_cycles(points: usize, mut ways: Vec<(usize, usize)>) -> Vec<bool> {
    let mut left = vec![true; points];
    for _ in 0..2 {
        let mut from: Vec<Vec<usize>> = vec![Vec::new(); points];
        let mut onward = vec![0usize; points];
        for (start, end) in ways.iter().filter(|(start, end)| left[*start] && left[*end]) {
            from[*end].push(*start);
            onward[*start] += 1;
        }
        let mut ended: Vec<usize> = (0..points).filter(|point| onward[*point] == 0).collect();
        while let Some(end) = ended.pop() {
            left[end] = false;
            for start in &from[end] {
                onward[*start] -= 1;
                if onward[*start] == 0 {
                    ended.push(*start);
                }
            }
        }
        ways.iter_mut().for_each(|(start, end)| std::mem::swap(start, end));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_found() {
        // 0 leads into the cycle of 1 and 2, which leads to 3; 4 leads to itself.
        let found = on_cycles(6, vec![(0, 1), (1, 2), (2, 1), (2, 3), (4, 4), (0, 5)]);
        assert_eq!(found, [false, true, true, false, true, false]);
    }
}
