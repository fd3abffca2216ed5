//! `--jit-verify`: the published code of each body, interpreted on what little is known at its entry.
//!
//! Owns the question whether emitted code keeps what its maps claim. It takes code bytes, what the code map says of them, and a few
//! claims about the stubs that they call; of the generator it knows nothing, so that it can be held against any. What is checked:
//!
//! - all bytes are code, ways lead to the beginnings of instructions, and ways out to published code;
//! - at each call every slot and register that the map names holds a tagged word, on every way there; what the map does not name
//!   and a collection may move is not used behind the call;
//! - callee-saved registers, frame pointer and stack are as they were wherever the body is left, and the places where unwinder
//!   and collector look for them hold them at each call; what calls clobber is not used behind them;
//! - garbage, raw floats and raw integers are no addresses, no values of slots of objects, no results, and helpers get what they take;
//! - where the map says that nothing is left to do behind a call, the function returns what the call gave;
//! - each loop polls: on each way round it asks whether somebody waits for the thread, or calls a helper that may collect.
//!
//! | file | |
//! | --- | --- |
//! | `value.rs` | what is known of a word |
//! | `state.rs` | what is known at a point |
//! | `stack.rs` | the words of the frame in it |
//! | `flow.rs` | which bytes are code |
//! | `layouts.rs` | what loads from objects and from the thread context give |
//! | `isa.rs` | what is asked of a machine |
//! | `step.rs` | what reading, writing and computing do |
//! | `x64.rs`, `arm64.rs` | what each instruction does |
//! | `body.rs` | calls, ways, ways out: the check of a body |
//!
//! Code of either machine can be checked on either ([`check`]).

mod arm64;
mod body;
mod flow;
mod isa;
mod layouts;
mod stack;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod value;
mod x64;

use crate::asm::code_map::{Function, Kind};
use crate::asm::disasm::{Listing, Machine, Names};
use crate::asm::publish::Observer;
use crate::locks::{Mutex, lock};
pub use crate::stubs::claims::{Claim, Claims, Does, Takes};
use std::collections::BTreeMap;
use std::ops::Range;

/// A difference between what code does and what is claimed of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub offset: u32,
    /// What.
    pub what: String,
}

impl Finding {
    fn new(offset: u32, what: String) -> Finding {
        Finding { offset, what }
    }
}

/// Instructions before and behind a finding that are shown.
const AROUND: usize = 8;
/// Findings of a body that are told.
const TOLD: usize = 4;

/// What is wrong with a body whose bytes are `code`. `known`: does published code begin there?
pub fn check(
    machine: Machine,
    function: &Function,
    code: &[u8],
    claims: &Claims,
    known: &dyn Fn(u64) -> bool,
) -> Vec<Finding> {
    match machine {
        Machine::X64 => body::check::<x64::X64>(function, code, claims, known),
        Machine::Arm64 => body::check::<arm64::Arm64>(function, code, claims, known),
    }
}

/// Who verifies what is published.
pub struct Verifier {
    claims: Claims,
    /// The names of all code, by start.
    known: Mutex<BTreeMap<u64, String>>,
    /// Where differences are told.
    tell: Box<dyn Fn(&str) + Send + Sync>,
}

impl Verifier {
    /// A verifier that tells differences there.
    pub fn new(claims: Claims, tell: Box<dyn Fn(&str) + Send + Sync>) -> Verifier {
        Verifier { claims, known: Mutex::default(), tell }
    }

    fn verify(&self, function: &Function, known: &BTreeMap<u64, String>) {
        // SAFETY: an observer may read the code of the functions that it is told of.
        let code = unsafe { std::slice::from_raw_parts(function.start as *const u8, function.size as usize) };
        let findings = check(Machine::HOST, function, code, &self.claims, &|address| known.contains_key(&address));
        if !findings.is_empty() {
            (self.tell)(&report(Machine::HOST, function, code, &findings, &|address| known.get(&address).cloned()));
        }
    }
}

/// The findings of a body with the code around them.
pub fn report(machine: Machine, function: &Function, code: &[u8], findings: &[Finding], names: Names<'_>) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let listing = Listing { machine, code, address: function.start as u64, comments: &[], names, offsets: true };
    let text = listing.text();
    let lines: Vec<&str> = text.lines().collect();
    let offset = |line: &str| u32::from_str_radix(line.split_whitespace().next()?, 16).ok();
    let mut report = String::new();
    for finding in findings.iter().take(TOLD) {
        report += &format!("verify: {}+{:#x}: {}\n", function.symbol(), finding.offset, finding.what);
        let at = lines.iter().position(|line| offset(line) >= Some(finding.offset)).unwrap_or(lines.len());
        for (index, line) in lines.iter().enumerate().skip(at.saturating_sub(AROUND)).take(2 * AROUND) {
            report += &format!("  {} {line}\n", if index == at { ">" } else { " " });
        }
    }
    if findings.len() > TOLD {
        report += &format!("verify: {}: {} more\n", function.symbol(), findings.len() - TOLD);
    }
    report
}

impl Observer for Verifier {
    fn published(&self, _chunk: &Range<usize>, functions: &[Function]) {
        let mut known = lock(&self.known);
        known.extend(functions.iter().map(|function| (function.start as u64, function.symbol().into_owned())));
        for function in functions.iter().filter(|function| function.kind == Kind::Body) {
            self.verify(function, &known);
        }
    }

    fn freed(&self, chunk: &Range<usize>, _functions: &[Function]) {
        let mut known = lock(&self.known);
        known.retain(|start, _| !chunk.contains(&(*start as usize)));
    }
}
