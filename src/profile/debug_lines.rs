//! The lines of a function as a debugger wants them.
//!
//! Owns which rows of the line table make a row for the debugger, and what it may take each of them for. gdb sets a breakpoint of a
//! line at the first row of the line in each block (`blocks.rs`), of rows that begin a statement; it takes the second row of a function
//! for the end of its prologue, and goes on to the next line where a line has no row anywhere. From this follows:
//!
//! * Where another part of the code begins, or another function that is written in place, the line is told again.
//! * So it is behind the prologue: what there is on the line of the function's head is not the way into it.
//! * Slow paths of a line are no beginning of it, where it has any other code.
//! * In a function that calls itself, a line that ends it begins an instruction later when it would begin where a call returns to: gdb, which
//!   steps out of that line into the turn before, would take it for the one that it left.
//! * A line without code stands at the code of the next line: the text itself (`gdb.rs`) has a row for it, so that gdb would not go on.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::asm::code_map::{Function, Part};
use crate::asm::disasm::Machine;
use crate::asm::lines::Row;
use crate::asm::masm::Frame;
use crate::reader::tree::{FunctionId, Source, Unit};

/// From a code offset on this line holds; of those at one offset the last counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DebugLine {
    /// Offset in the code of the function.
    pub code: u32,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// Something begins here at which a debugger may stop.
    pub statement: bool,
    /// The first behind the prologue.
    pub behind_prologue: bool,
}

/// The lines of a text by the function that something on them belongs to; not those on which a function begins.
#[derive(Debug, Default)]
pub struct OwnLines(FxHashMap<FunctionId, Vec<u32>>);

impl OwnLines {
    /// Those of a text.
    pub fn of(unit: &Unit) -> OwnLines {
        let line = |at| unit.source.line_column(at).0;
        let ids = (0..unit.functions.len() as u32).map(FunctionId).filter(|id| *id != unit.init);
        let mut functions: Vec<_> = ids.map(|id| (unit.function(id).span, id)).collect();
        functions.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
        let begins: FxHashSet<u32> = functions.iter().map(|(span, _)| line(span.start)).collect();
        let mut starts: Vec<u32> = unit.spans.iter().map(|span| span.start).collect();
        starts.sort_unstable();
        starts.dedup();
        let mut own: FxHashMap<FunctionId, Vec<u32>> = FxHashMap::default();
        let mut open = Vec::new();
        let mut next = functions.into_iter().peekable();
        for at in starts {
            while let Some((span, id)) = next.next_if(|(span, _)| span.start <= at) {
                while open.pop_if(|(end, _)| *end <= span.start).is_some() {}
                open.push((span.end, id));
            }
            while open.pop_if(|(end, _)| *end <= at).is_some() {}
            let lines = own.entry(open.last().map_or(unit.init, |(_, id)| *id)).or_default();
            let line = line(at);
            if lines.last() != Some(&line) && !begins.contains(&line) {
                lines.push(line);
            }
        }
        OwnLines(own)
    }

    fn of_function(&self, function: FunctionId) -> &[u32] {
        self.0.get(&function).map_or(&[], Vec::as_slice)
    }
}

/// A row, and where it stands.
struct Placed {
    row: Row,
    part: Part,
    line: u32,
    column: u32,
}

/// What is known of a function besides.
pub struct Known<'a> {
    /// Which lines there are in the text.
    pub own: Option<(&'a OwnLines, FunctionId)>,
    /// It may call itself.
    pub is_recursive: bool,
    /// Its code, where it can be read.
    pub code: &'a [u8],
    /// For this machine.
    pub machine: Machine,
}

/// The lines of a function, by ascending offsets.
pub fn lines(function: &Function, source: &Source, known: &Known<'_>) -> Vec<DebugLine> {
    let placed = placed(function, source);
    let likely: FxHashSet<u32> = placed.iter().filter(|p| p.part != Part::Cold).map(|p| p.line).collect();
    let mut out: Vec<DebugLine> = Vec::with_capacity(placed.len());
    for (index, Placed { row, part, line, column }) in placed.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| &placed[index]);
        let same = before.is_some_and(|b| (b.line, b.part, b.row.inlined) == (*line, *part, row.inlined));
        if same && index > 1 {
            continue;
        }
        let statement = *part != Part::Cold || !likely.contains(line);
        let (line, column, behind_prologue) = (*line, *column, index == 1);
        out.push(DebugLine { code: row.code, line, column, statement, behind_prologue });
    }
    if let Some((own, id)) = known.own {
        let all: FxHashSet<u32> = placed.iter().map(|p| p.line).collect();
        for line in own.of_function(id).iter().filter(|line| !all.contains(line)) {
            for part in [Part::Hot, Part::General] {
                if let Some(code) = next_code(&placed, part, *line) {
                    let at = out.partition_point(|other| other.code < code);
                    let (column, statement, behind_prologue) = (0, true, false);
                    out.insert(at, DebugLine { code, line: *line, column, statement, behind_prologue });
                }
            }
        }
    }
    if known.is_recursive {
        let left = function.frames.iter().filter(|change| change.at() > 0 && change.frame() == Frame::None);
        let rows = left.filter_map(|change| function.lines.at(change.at() - 1));
        let ends: FxHashSet<u32> = rows.map(|row| source.line_column(row.source).0).collect();
        begin_behind_calls(&mut out, &ends, function, known);
    }
    out
}

/// Where one of these lines begins at the very address to which a call returns, it begins an instruction later. (So that not all do:
/// a variable may be used for the last time by that instruction.)
fn begin_behind_calls(lines: &mut [DebugLine], ends: &FxHashSet<u32>, function: &Function, known: &Known<'_>) {
    let mut at = 0;
    while let Some(&DebugLine { code, .. }) = lines.get(at) {
        let same = lines[at..].iter().take_while(|line| line.code == code).count();
        let next = lines.get(at + same).map_or(function.size, |line| line.code);
        let is_end = lines[at..at + same].iter().any(|line| ends.contains(&line.line));
        let returns = is_end && function.safepoints.find(code).is_some();
        let instruction = known.code.get(code as usize..).filter(|_| returns && at > 0);
        let behind = instruction.and_then(|rest| Some(code + known.machine.first_instruction(rest)?));
        if let Some(behind) = behind.filter(|behind| *behind < next && function.part(*behind) == function.part(code)) {
            lines[at..at + same].iter_mut().for_each(|line| line.code = behind);
        }
        at += same;
    }
}

/// The rows, and one where each part begins.
fn placed(function: &Function, source: &Source) -> Vec<Placed> {
    let mut placed = Vec::new();
    let mut rows = function.lines.rows().peekable();
    let mut last: Option<Row> = None;
    for (range, part) in function.parts() {
        let mut add = |row: Row| {
            let (line, column) = source.line_column(row.source);
            placed.push(Placed { row, part, line, column });
        };
        if let Some(row) = last.filter(|_| rows.peek().is_none_or(|next| next.code > range.start)) {
            add(Row { code: range.start, ..row });
        }
        while let Some(row) = rows.next_if(|row| row.code < range.end) {
            last = Some(row);
            add(row);
        }
    }
    placed
}

/// Where the code of a part goes on behind a line that has none. A general version has what stands in between only.
fn next_code(placed: &[Placed], part: Part, line: u32) -> Option<u32> {
    let own = || placed.iter().skip(1).filter(|p| p.part == part && p.row.inlined == 0);
    if part == Part::General && own().all(|p| p.line > line) {
        return None;
    }
    own().filter(|p| p.line > line).map(|p| (p.line, p.row.code)).min().map(|(_, code)| code)
}
