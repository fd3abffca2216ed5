//! From raw addresses to functions and lines.
//!
//! Owns what samples mean (`sample.rs`), while all code is still at its place: whoever frees code has the sampler drained before.

use rustc_hash::FxHashMap;

use super::sample::Sample;
use super::tree::{Frame, Tables};
use crate::asm::code_map::{Function, View};
use crate::gc::mutator::activity::Activity;
use crate::reader::tree::FunctionId;
use crate::runtime::program::sources::Sources;

/// Where none of the program's functions runs.
pub const IDLE: &str = "(runtime)";

/// What stands outside of a stack that is too deep to be kept whole.
pub const DEEPER: &str = "(deeper)";

/// What addresses mean, remembered until code is freed.
#[derive(Default)]
pub struct Resolver {
    /// Frames by return address; none for what is not code of ours.
    known: FxHashMap<usize, Box<[u32]>>,
}

impl Resolver {
    /// Code is about to be freed.
    pub fn forget(&mut self) {
        self.known.clear();
    }

    /// The frames of a sample, outermost first, as numbers of `tables`.
    pub fn stack(&mut self, sample: &Sample<'_>, view: &View<'_>, sources: &Sources, tables: &mut Tables) -> Vec<u32> {
        let Sample { activity, innermost, addresses, is_cut } = sample;
        let mut frames = Vec::with_capacity(addresses.len() + 4);
        if *is_cut {
            let function = tables.function(DEEPER, None);
            frames.push(tables.frame(Frame { function, line: 0 }));
        }
        for address in addresses.iter().rev() {
            frames.extend(self.frames(*address as usize, view, sources, tables));
        }
        if let Some(function) = view.function(innermost.pc) {
            if let Some(address) = innermost.caller(function) {
                frames.extend(self.frames(address, view, sources, tables));
            }
            // The row of the instruction itself, not of the one before it.
            frames.extend(self.frames(innermost.pc + 1, view, sources, tables));
        }
        let name = match *activity {
            a if a == Activity::Collecting as u64 => "(collecting)",
            a if a == Activity::Compiling as u64 => "(compiling)",
            a if a == Activity::Reading as u64 => "(reading)",
            _ if frames.is_empty() => IDLE,
            _ => return frames,
        };
        let function = tables.function(name, None);
        frames.push(tables.frame(Frame { function, line: 0 }));
        frames
    }

    /// The frames of an address, outermost first: a function, and those that are written in place there.
    fn frames(&mut self, return_address: usize, view: &View<'_>, sources: &Sources, tables: &mut Tables) -> &[u32] {
        self.known.entry(return_address).or_insert_with(|| {
            let mut frames = Vec::new();
            if let Some(function) = view.caller(return_address) {
                innermost_first(function, return_address, sources, tables, &mut frames);
                frames.reverse();
            }
            frames.into()
        })
    }
}

fn innermost_first(
    function: &Function,
    return_address: usize,
    sources: &Sources,
    tables: &mut Tables,
    frames: &mut Vec<u32>,
) {
    let Some((unit, own)) = sources.get(function.source) else {
        let function = tables.function(&function.symbol(), None);
        return frames.push(tables.frame(Frame { function, line: 0 }));
    };
    let source = unit.source();
    let mut add = |name: &str, offset: u32| {
        let function = tables.function(name, Some(source));
        frames.push(tables.frame(Frame { function, line: source.line_column(offset).0 }));
    };
    let row = function.lines.at((return_address - 1 - function.start) as u32);
    let (mut offset, mut inlined) =
        row.map_or((unit.unit.function(own).span.start, 0), |row| (row.source, row.inlined));
    while let Some(call) = function.lines.inlined(inlined) {
        add(&unit.function_name(FunctionId(call.function)), offset);
        (offset, inlined) = (call.call, call.parent);
    }
    add(&function.symbol(), offset);
}
