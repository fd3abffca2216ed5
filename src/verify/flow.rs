//! Which bytes of a body are instructions that something leads to.
//!
//! Owns the walk along all ways from the entry and the landing pads. What no way leads to must be code, too: there is no data in bodies.

use super::Finding;
use super::isa::{Control, Isa};
use crate::asm::code_map::Function;
use rustc_hash::FxHashSet;
use std::collections::{BTreeMap, BTreeSet};

/// An instruction at its place.
#[derive(Clone, Copy)]
pub struct Placed<I> {
    /// The instruction.
    pub instruction: I,
    /// Where it leads.
    pub control: Control,
    /// Its length.
    pub len: u32,
}

/// The code of a body.
pub struct Flow<I> {
    /// What is reached, by offset.
    pub instructions: BTreeMap<u32, Placed<I>>,
    /// Where ways meet or begin.
    pub leaders: BTreeSet<u32>,
    /// Behind each call, reached or not.
    pub calls: BTreeSet<u32>,
}

/// The offset at an address, if it is in the body.
pub fn inside(function: &Function, address: u64) -> Option<u32> {
    let offset = address.wrapping_sub(function.start as u64);
    (offset < u64::from(function.size)).then_some(offset as u32)
}

fn decode<I: Isa>(function: &Function, code: &[u8], at: u32) -> Option<Placed<I::Instruction>> {
    let (instruction, len) = I::decode(code, at, function.start as u64)?;
    Some(Placed { instruction, control: I::control(&instruction), len })
}

/// Follows all ways.
pub fn follow<I: Isa>(function: &Function, code: &[u8], findings: &mut Vec<Finding>) -> Flow<I::Instruction> {
    let mut flow = Flow { instructions: BTreeMap::new(), leaders: BTreeSet::new(), calls: BTreeSet::new() };
    let pads = function.safepoints.iter().filter_map(|(_, safepoint)| safepoint.handler());
    let mut work: Vec<u32> = [0].into_iter().chain(pads).collect();
    flow.leaders.extend(&work);
    while let Some(start) = work.pop() {
        let mut at = start;
        while !flow.instructions.contains_key(&at) {
            if at >= function.size {
                findings.push(Finding::new(start, "the code goes on behind its end".into()));
                break;
            }
            let Some(placed) = decode::<I>(function, code, at) else {
                findings.push(Finding::new(at, "these bytes are no instruction that the verifier knows".into()));
                break;
            };
            flow.instructions.insert(at, placed);
            if let Some(to) = placed.control.branch_target().and_then(|to| inside(function, to)) {
                flow.leaders.insert(to);
                work.push(to);
            }
            if !placed.control.goes_on() {
                break;
            }
            at += placed.len;
        }
    }
    gaps::<I>(function, code, &mut flow, findings);
    flow
}

/// The leaders in an order in which each stands before those that it leads to, but for the heads of loops: so most states are whole
/// when they are first looked at.
pub fn order<I>(function: &Function, flow: &Flow<I>) -> Vec<u32> {
    let mut order = Vec::new();
    let mut seen = BTreeSet::from([0]);
    let successors = |leader| successors(function, flow, leader, &|_| true);
    let mut open = vec![(0, successors(0))];
    while let Some((leader, next)) = open.last_mut() {
        match next.pop() {
            Some(to) if seen.insert(to) => open.push((to, successors(to))),
            Some(_) => {}
            None => {
                order.push(*leader);
                open.pop();
            }
        }
    }
    order.reverse();
    order
}

/// The leaders to which a way comes back that leads through these instructions alone.
pub fn unpolled<I>(function: &Function, flow: &Flow<I>, silent: &FxHashSet<u32>) -> BTreeSet<u32> {
    let successors = |leader| successors(function, flow, leader, &|at| silent.contains(&at));
    let (mut heads, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for start in &flow.leaders {
        if !seen.insert(*start) {
            continue;
        }
        let (mut open, mut way) = (vec![(*start, successors(*start))], BTreeSet::from([*start]));
        while let Some((leader, next)) = open.last_mut() {
            match next.pop() {
                Some(to) if seen.insert(to) => {
                    way.insert(to);
                    open.push((to, successors(to)));
                }
                Some(to) => heads.extend(way.get(&to)),
                None => {
                    way.remove(&*leader);
                    open.pop();
                }
            }
        }
    }
    heads
}

/// The leaders that a leader's instructions lead to, as long as they are followed.
fn successors<I>(function: &Function, flow: &Flow<I>, leader: u32, followed: &dyn Fn(u32) -> bool) -> Vec<u32> {
    let mut found = Vec::new();
    for (at, placed) in flow.instructions.range(leader..) {
        if !followed(*at) {
            break;
        }
        let behind = at + placed.len;
        if placed.control.is_call() {
            found.extend(function.safepoints.find(behind).and_then(|safepoint| safepoint.handler()));
        }
        found.extend(placed.control.branch_target().and_then(|to| inside(function, to)));
        if !placed.control.goes_on() {
            break;
        }
        if flow.leaders.contains(&behind) {
            found.push(behind);
            break;
        }
    }
    found
}

/// What is not reached must be code none the less (the generator writes the entries of loops to which nothing leads in the end); what is
/// reached must not overlap.
fn gaps<I: Isa>(function: &Function, code: &[u8], flow: &mut Flow<I::Instruction>, findings: &mut Vec<Finding>) {
    let ends = flow.instructions.iter().map(|(at, placed)| (*at, at + placed.len));
    let calls = flow.instructions.iter().filter(|(_, placed)| placed.control.is_call());
    flow.calls.extend(calls.map(|(at, placed)| at + placed.len));
    let mut behind = 0;
    for (at, end) in ends.chain([(function.size, function.size)]) {
        if at < behind {
            findings.push(Finding::new(at, "a way leads into the midst of an instruction".into()));
        }
        while behind < at {
            let Some(placed) = decode::<I>(function, code.get(..at as usize).unwrap_or(code), behind) else {
                findings.push(Finding::new(behind, "bytes that are no code".into()));
                break;
            };
            behind += placed.len;
            if placed.control.is_call() {
                flow.calls.insert(behind);
            }
        }
        behind = behind.max(end);
    }
}
