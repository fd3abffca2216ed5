//! Which bytes of a body are instructions that something leads to.
//!
//! Owns the walk along all ways from the entry and the landing pads. What no way leads to must be code, too: there is no data in bodies.

use super::Finding;
use crate::asm::code_map::Function;
use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind};
use std::collections::{BTreeMap, BTreeSet};

/// The code of a body.
pub struct Flow {
    /// What is reached, by offset.
    pub instructions: BTreeMap<u32, Instruction>,
    /// Where ways meet or begin.
    pub leaders: BTreeSet<u32>,
    /// Behind each call, reached or not.
    pub calls: BTreeSet<u32>,
}

/// Where an instruction leads besides to what follows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// An offset of the same body.
    Inside(u32),
    /// An address elsewhere.
    Outside(u64),
}

/// Where a direct branch or call leads.
pub fn target(function: &Function, instruction: &Instruction) -> Option<Target> {
    if instruction.op_count() == 0 || instruction.op0_kind() != OpKind::NearBranch64 {
        return None;
    }
    let address = instruction.near_branch_target();
    let offset = address.wrapping_sub(function.start as u64);
    Some(match offset < u64::from(function.size) {
        true => Target::Inside(offset as u32),
        false => Target::Outside(address),
    })
}

/// Does control go on behind it?
pub fn goes_on(instruction: &Instruction) -> bool {
    matches!(
        instruction.flow_control(),
        FlowControl::Next | FlowControl::ConditionalBranch | FlowControl::Call | FlowControl::IndirectCall
    )
}

/// Follows all ways.
pub fn follow(function: &Function, code: &[u8], findings: &mut Vec<Finding>) -> Flow {
    let mut flow = Flow { instructions: BTreeMap::new(), leaders: BTreeSet::new(), calls: BTreeSet::new() };
    let pads = function.safepoints.iter().filter_map(|(_, safepoint)| safepoint.handler());
    let mut work: Vec<u32> = [0].into_iter().chain(pads).collect();
    flow.leaders.extend(&work);
    let mut decoder = Decoder::with_ip(64, code, function.start as u64, DecoderOptions::NONE);
    while let Some(start) = work.pop() {
        let mut at = start;
        while !flow.instructions.contains_key(&at) {
            let place = decoder.set_position(at as usize).ok().filter(|()| at < function.size);
            if place.is_none() {
                findings.push(Finding::new(start, "the code goes on behind its end".into()));
                break;
            }
            decoder.set_ip(function.start as u64 + u64::from(at));
            let instruction = decoder.decode();
            if instruction.is_invalid() {
                findings.push(Finding::new(at, "these bytes are no instruction".into()));
                break;
            }
            flow.instructions.insert(at, instruction);
            if instruction.flow_control() != FlowControl::Call
                && let Some(Target::Inside(to)) = target(function, &instruction)
            {
                flow.leaders.insert(to);
                work.push(to);
            }
            if !goes_on(&instruction) {
                break;
            }
            at += instruction.len() as u32;
        }
    }
    gaps(function, code, &mut flow, findings);
    flow
}

/// The leaders in an order in which each stands before those that it leads to, but for the heads of loops: so most states are whole
/// when they are first looked at.
pub fn order(function: &Function, flow: &Flow) -> Vec<u32> {
    let mut order = Vec::new();
    let mut seen = BTreeSet::from([0]);
    let mut open = vec![(0, successors(function, flow, 0))];
    while let Some((leader, next)) = open.last_mut() {
        match next.pop() {
            Some(to) if seen.insert(to) => open.push((to, successors(function, flow, to))),
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

/// The leaders that a leader's instructions lead to.
fn successors(function: &Function, flow: &Flow, leader: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for (at, instruction) in flow.instructions.range(leader..) {
        let behind = at + instruction.len() as u32;
        match instruction.flow_control() {
            FlowControl::Call | FlowControl::IndirectCall => {
                found.extend(function.safepoints.find(behind).and_then(|safepoint| safepoint.handler()));
            }
            _ => found.extend(match target(function, instruction) {
                Some(Target::Inside(to)) => Some(to),
                _ => None,
            }),
        }
        if !goes_on(instruction) {
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
fn gaps(function: &Function, code: &[u8], flow: &mut Flow, findings: &mut Vec<Finding>) {
    let is_call = |i: &Instruction| matches!(i.flow_control(), FlowControl::Call | FlowControl::IndirectCall);
    let ends = flow.instructions.iter().map(|(at, instruction)| (*at, at + instruction.len() as u32));
    flow.calls.extend(flow.instructions.iter().filter(|(_, i)| is_call(i)).map(|(at, i)| at + i.len() as u32));
    let mut behind = 0;
    for (at, end) in ends.chain([(function.size, function.size)]) {
        if at < behind {
            findings.push(Finding::new(at, "a way leads into the midst of an instruction".into()));
        }
        let gap = code.get(behind as usize..at as usize).unwrap_or_default();
        for instruction in Decoder::with_ip(64, gap, u64::from(behind), DecoderOptions::NONE) {
            if instruction.is_invalid() {
                findings.push(Finding::new(instruction.ip() as u32, "bytes that are no code".into()));
                break;
            }
            if is_call(&instruction) {
                flow.calls.insert(instruction.next_ip() as u32);
            }
        }
        behind = behind.max(end);
    }
}
