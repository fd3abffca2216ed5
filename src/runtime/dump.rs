//! `--dump=asm`: each function's code as it is published, with its source lines, stack maps and variables beside it.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::helpers;
use super::linked::LinkedUnit;
use super::vm::Vm;
use crate::asm::code_map::Function;
use crate::asm::disasm::{self, Listing, Machine};

/// Prints the listing of the function that begins at an address, when listings are wanted.
pub fn function(vm: &Vm, unit: &Arc<LinkedUnit>, start: usize) {
    if vm.dump_asm.load(Ordering::Relaxed) {
        let text = listing(vm, unit, start);
        // A closed stderr is no reason to stop.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
    }
}

/// The listing of the function that begins at an address.
pub fn listing(vm: &Vm, unit: &Arc<LinkedUnit>, start: usize) -> String {
    let view = vm.code_map.view();
    let Some(function) = view.function(start) else { return String::new() };
    // SAFETY: the code was published and is never freed while its function is in the map.
    let code = unsafe { std::slice::from_raw_parts(start as *const u8, function.size as usize) };
    let names = |address: u64| name_of(vm, address as usize);
    let mut comments: Vec<(u32, String)> = function.comments.clone();
    comments.extend(listed_lines(unit, function));
    comments.extend(maps(function));
    let name = |name: u32| unit.unit.names.get(name as usize).map_or(String::new(), |name| name.to_string());
    comments.extend(disasm::variables(Machine::HOST, &function.variables, function.saved, &name));
    comments.sort_by_key(|(at, _)| *at);
    let listing = Listing {
        machine: Machine::HOST,
        code,
        address: start as u64,
        comments: &comments,
        names: &names,
        offsets: true,
    };
    let frame = function.frame_bytes;
    format!("{}: {} bytes, frame {frame}\n{}\n", function.name, function.size, listing.text())
}

/// Offsets at which another line begins, with that line; a line is said once where its nodes follow each other.
fn listed_lines(unit: &LinkedUnit, function: &Function) -> Vec<(u32, String)> {
    let mut lines: Vec<(u32, String)> =
        function.lines.rows().map(|row| (row.code, source_line(unit, row.source))).collect();
    lines.dedup_by(|next, last| next.1 == last.1);
    lines
}

fn source_line(unit: &LinkedUnit, offset: u32) -> String {
    let source = unit.source();
    let (line, _) = source.line_column(offset);
    format!("{line}: {}", source.line(line).trim())
}

fn maps(function: &Function) -> Vec<(u32, String)> {
    let mut out = Vec::new();
    for (at, point) in function.safepoints.iter() {
        let mut text = String::from("live:");
        for i in 0..8 {
            if point.live_saved() >> i & 1 != 0 {
                let _ = write!(text, " saved{i}");
            }
        }
        for slot in point.slots() {
            let _ = write!(text, " [{slot}]");
        }
        if let Some(handler) = point.handler() {
            let _ = write!(text, " handler {handler:#x}");
        }
        if text.len() > 5 {
            out.push((at, text));
        }
    }
    out
}

fn name_of(vm: &Vm, address: usize) -> Option<String> {
    for helper in helpers::ALL {
        if vm.helpers.address(*helper) == address {
            return Some(helpers::name(*helper).to_string());
        }
    }
    (address == vm.helpers.box_float).then(|| "box_float".to_string())
}
