//! From raw addresses to functions and lines.
//!
//! Owns the reading of samples (`walk.rs` writes them), while all code is still at its place: whoever frees code has the
//! sampler drained before. It asks the code map whether the innermost function had made its frame when the signal came, for
//! else the walk has missed its caller.

use rustc_hash::FxHashMap;

use super::tree::{Frame, Tables};
use super::walk::HEADER_WORDS;
use crate::asm::{
    self,
    code_map::{Function, View},
};
use crate::gc::thread::Activity;
use crate::reader::tree::FunctionId;
use crate::runtime::sources::Sources;

/// Where none of the program's functions runs.
pub const IDLE: &str = "(runtime)";

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
    pub fn stack(&mut self, words: &[u64], view: &View<'_>, sources: &Sources, tables: &mut Tables) -> Vec<u32> {
        let Some((header, addresses)) = words.split_at_checked(HEADER_WORDS) else { return Vec::new() };
        let mut frames = Vec::with_capacity(addresses.len() + 3);
        for address in addresses.iter().rev() {
            frames.extend(self.frames(*address as usize, view, sources, tables));
        }
        let pc = header[1] as usize;
        if let Some(function) = view.function(pc) {
            if let Some(address) = missed(function, header) {
                frames.extend(self.frames(address, view, sources, tables));
            }
            // The row of the instruction itself, not of the one before it.
            frames.extend(self.frames(pc + 1, view, sources, tables));
        }
        let name = match header[0] {
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
        let name = unit.unit.function(FunctionId(call.function)).name.map_or("", |name| unit.unit.name(name));
        add(&format!("{}/{name}", unit.namespace.name), offset);
        (offset, inlined) = (call.call, call.parent);
    }
    add(&function.symbol(), offset);
}

/// The return address of the innermost function, when it has no frame at this point: at its beginning, at its end, or because
/// it is a stub that needs none. The chain of frame pointers begins at the frame of its caller then.
fn missed(function: &Function, header: &[u64]) -> Option<usize> {
    let [_, pc, top, second, link] = header else { return None };
    let address = match function.frame((*pc as usize - function.start) as u32) {
        asm::masm::Frame::Linked => return None,
        asm::masm::Frame::Pushed => *second,
        asm::masm::Frame::None if cfg!(target_arch = "aarch64") => *link,
        asm::masm::Frame::None => *top,
    };
    Some(address as usize)
}
