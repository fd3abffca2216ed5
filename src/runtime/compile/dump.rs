//! Machine code for people: `--dump=asm` prints each function's code as it is published, the prompt that of one function, with
//! source lines, stack maps and variables beside it.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustc_hash::FxHashMap;

use crate::asm::code_map::{Function, Kind, Safepoint};
use crate::asm::disasm::{self, Listing, Machine};
use crate::gc::Thread;
use crate::runtime::fault::brief;
use crate::runtime::program::code::Code;
use crate::runtime::program::linked::LinkedUnit;
use crate::runtime::vm::Vm;

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
    listed(vm, unit, start, &|_| None)
}

/// The same, with names for what the runtime's table of helpers does not know.
fn listed(vm: &Vm, unit: &Arc<LinkedUnit>, start: usize, more: &dyn Fn(u64) -> Option<String>) -> String {
    let view = vm.code_map.view();
    let Some(function) = view.function(start) else { return String::new() };
    // SAFETY: the code was published and is never freed while its function is in the map.
    let code = unsafe { std::slice::from_raw_parts(start as *const u8, function.size as usize) };
    let names = |address: u64| name_of(vm, address as usize).or_else(|| more(address));
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

/// A body of a function that is there.
struct Version {
    start: usize,
    unit: Arc<LinkedUnit>,
    /// What is to be said of it.
    what: String,
}

/// The bodies of a function: those that are called now, arity by arity, and older ones, which something may still run.
fn versions(vm: &Vm, code: &Code) -> Vec<Version> {
    let present = |start: usize| code.arities.iter().find(|arity| code.body(arity) == Some(start));
    let mut found: Vec<(usize, u32)> = {
        let view = vm.code_map.view();
        let bodies = view.functions().filter(|f| f.kind == Kind::Body && f.name == *code.name);
        bodies.map(|function| (function.start, function.source)).collect()
    };
    found.sort_by_key(|(start, _)| (present(*start).is_none(), present(*start).map(|arity| arity.params), *start));
    let own = code.function();
    let version = |(start, source): (usize, u32)| {
        let (unit, function) = vm.sources.get(source)?;
        let same = own.is_some_and(|(own, id)| Arc::ptr_eq(own, &unit) && id == function);
        let what = match present(start) {
            Some(arity) if arity.rest => format!("with {} arguments or more", arity.params),
            Some(arity) if arity.params == 1 => "with 1 argument".to_string(),
            Some(arity) => format!("with {} arguments", arity.params),
            None if same => "of this definition, not called any more, or not yet".to_string(),
            None => "of an earlier definition, which something may still run".to_string(),
        };
        Some(Version { start, unit, what })
    };
    found.into_iter().filter_map(version).collect()
}

/// The machine code of a function, all bodies that there are; none where it has not been compiled.
pub fn of_function(cx: &Thread, code: &'static Code) -> Option<String> {
    let vm = cx.vm();
    let versions = versions(vm, code);
    let names = cells(cx, code);
    let named = |address: u64| names.get(&address).cloned().or_else(|| stub_name(vm, address as usize));
    let mut text = String::new();
    for version in &versions {
        let listing = listed(vm, &version.unit, version.start, &named);
        // A collection may have taken it meanwhile.
        if !listing.is_empty() {
            text.push_str(&format!("; {}, {}\n{listing}", code.name, version.what));
        }
    }
    (!text.is_empty()).then_some(text)
}

/// The stack maps of a function: what is alive at each call, and where.
pub fn maps_of_function(cx: &Thread, code: &'static Code) -> Option<String> {
    let vm = cx.vm();
    let mut text = String::new();
    for Version { start, unit, what } in versions(vm, code) {
        let view = vm.code_map.view();
        let Some(function) = view.function(start) else { continue };
        let points = function.safepoints.iter().count();
        let _ = writeln!(text, "; {}, {what}: {points} safepoints, frame {}", code.name, function.frame_bytes);
        for (at, point) in function.safepoints.iter() {
            let line = function.source_before(start + at as usize).map(|offset| source_line(&unit, offset));
            let mut live = live_text(&point);
            if live.is_empty() {
                live.push_str(" nothing");
            }
            let _ = writeln!(text, "{at:6x}    live:{live:<24}  {}", line.unwrap_or_default());
        }
    }
    (!text.is_empty()).then_some(text)
}

/// Names of the cells that code reads: link cells of all functions, dispatch tables, and the constants and caches of this one.
fn cells(cx: &Thread, code: &'static Code) -> FxHashMap<u64, String> {
    let vm = cx.vm();
    let mut names = FxHashMap::default();
    names.insert(code.revision.as_ptr() as u64, format!("revision of {}", code.name));
    for namespace in vm.namespaces.all() {
        for (_, binding) in namespace.members() {
            names.insert(binding.address() as u64, binding.qualified());
            for (argc, cell) in binding.known_cells() {
                names.insert(cell as u64, format!("{}/{argc}", binding.qualified()));
            }
        }
    }
    for table in (0..).map_while(|index| vm.dispatch.table(index)) {
        for cell in [table.cell(), table.named()] {
            names.insert(cell as u64, format!("table of .{}/{}", table.name(), table.argc));
        }
    }
    for owned in crate::runtime::lock(&code.owned).iter() {
        for root in &owned.roots {
            let value = root.get(cx).map(|value| brief::brief_within(value, 40)).unwrap_or_default();
            names.insert(root.address() as u64, format!("constant {value}"));
        }
        for site in &owned.sites {
            names.insert(site.address() as u64, format!("cache of .{}", site.name()));
        }
    }
    names
}

/// The name of a piece of code at its beginning.
fn stub_name(vm: &Vm, address: usize) -> Option<String> {
    // A writer that waits would wait for us.
    let view = vm.code_map.try_view()?;
    view.function(address).filter(|function| function.start == address).map(|function| function.symbol().into_owned())
}

/// Offsets at which another line begins, with that line; a line is said once where its nodes follow each other.
fn listed_lines(unit: &LinkedUnit, function: &Function) -> Vec<(u32, String)> {
    let mut lines: Vec<(u32, String)> =
        function.lines.places().map(|row| (row.code, source_line(unit, row.source))).collect();
    lines.dedup_by(|next, last| next.1 == last.1);
    lines
}

fn source_line(unit: &LinkedUnit, offset: u32) -> String {
    let source = unit.source();
    let (line, _) = source.line_column(offset);
    format!("{line}: {}", source.line(line).trim())
}

fn maps(function: &Function) -> Vec<(u32, String)> {
    let all = function.safepoints.iter().map(|(at, point)| (at, live_text(&point)));
    all.filter(|(_, live)| !live.is_empty()).map(|(at, live)| (at, format!("live:{live}"))).collect()
}

/// What is alive at a safepoint.
fn live_text(point: &Safepoint<'_>) -> String {
    let mut text = String::new();
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
    text
}

fn name_of(vm: &Vm, address: usize) -> Option<String> {
    if let Some(helper) = vm.helpers.name_at(address) {
        return Some(helper.to_string());
    }
    let remember = (Some(address) == vm.helpers.remember).then(|| "remember".to_string());
    remember.or_else(|| (address == vm.helpers.box_float).then(|| "box_float".to_string()))
}
