//! The lines of a function as a debugger wants them.
//!
//! Owns which rows of the line table make a row for the debugger, and what it may take each of them for. gdb sets a breakpoint of a
//! line at the first row of the line in each block (`blocks.rs`), of rows that begin a statement; it takes the second row of a function
//! for the end of its prologue, and goes on to the next line where a line has no row anywhere. From this follows:
//!
//! * Where another part of the code begins, or another function that is written in place, the line is told again.
//! * So it is behind the prologue: what there is on the line of the function's head is not the way into it.
//! * Slow paths of a line are no beginning of it, where it has any other code.
//! * In a function that may be entered again before it has ended (`recursion.rs`), gdb, which steps out of the line that ends one turn, must
//!   not take the line that it comes to in the turn before for the one that it left. Such a line begins an instruction later when it would
//!   begin where a call returns to. When a call returns into the midst of it, that one instruction is of the file by another name and begins no
//!   statement, and the line begins again behind it: who comes from another frame has got to another line, who has stepped over the
//!   call has not.
//! * A line without code stands at the code of the next line: the text itself (`gdb.rs`) has a row for it, so that gdb would not go on.
//!   Where a function is written in place of a call, the same goes for its lines, and the line of its head stands at its first instruction.

use std::iter;
use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};

use super::recursion;
use crate::asm::code_map::{Function, Part};
use crate::asm::disasm::Machine;
use crate::asm::lines::Row;
use crate::asm::masm::Frame;
use crate::reader::tree::{FunctionId, Source, Span, Unit};

/// From a code offset on this line holds; of those at one offset the last counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// A call returns to it, and it is told for the file by another name.
    pub returned_to: bool,
}

/// What a text says of its functions.
#[derive(Debug, Default)]
pub struct OwnLines {
    functions: FxHashMap<FunctionId, OwnOfFunction>,
    /// Those that may be entered again before they have ended.
    recursive: FxHashSet<FunctionId>,
}

/// What a text says of one of them.
#[derive(Debug, Default)]
struct OwnOfFunction {
    /// The line on which it begins; none for the text itself.
    head: Option<u32>,
    /// Places at which something of it stands, with their lines; not on lines on which a function begins.
    places: Vec<(u32, u32)>,
    /// Where its arities stand, and on which lines they begin, when there are several: each has code of its own.
    arities: Vec<(Range<u32>, u32)>,
}

impl OwnLines {
    /// Those of a text.
    pub fn of(unit: &Unit) -> OwnLines {
        let line = |at| unit.source.line_column(at).0;
        let mut functions: FxHashMap<FunctionId, OwnOfFunction> = FxHashMap::default();
        for id in (0..unit.functions.len() as u32).map(FunctionId).filter(|id| *id != unit.init) {
            let function = unit.function(id);
            let several = function.arities.iter().filter(|_| function.arities.len() > 1);
            let stands = |span: Span| (span.start..span.end, line(span.start));
            let arities = several.map(|arity| stands(arity.span)).collect();
            let head = Some(line(function.span.start));
            functions.insert(id, OwnOfFunction { head, places: Vec::new(), arities });
        }
        let begins: FxHashSet<u32> = functions.values().filter_map(|own| own.head).collect();
        let mut starts: Vec<u32> = unit.spans.iter().map(|span| span.start).collect();
        starts.sort_unstable();
        starts.dedup();
        for (function, at) in around(unit, &starts).into_iter().zip(starts) {
            let places = &mut functions.entry(function).or_default().places;
            let line = line(at);
            if places.last().is_none_or(|(_, last)| *last != line) && !begins.contains(&line) {
                places.push((at, line));
            }
        }
        OwnLines { functions, recursive: recursion::recursive(unit) }
    }
}

/// The innermost function around each of these places of a text, which ascend.
pub(super) fn around(unit: &Unit, places: &[u32]) -> Vec<FunctionId> {
    let ids = (0..unit.functions.len() as u32).map(FunctionId).filter(|id| *id != unit.init);
    let mut functions: Vec<_> = ids.map(|id| (unit.function(id).span, id)).collect();
    functions.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
    let mut open: Vec<(u32, FunctionId)> = Vec::new();
    let mut next = functions.into_iter().peekable();
    let innermost = |at: &u32| {
        while let Some((span, id)) = next.next_if(|(span, _)| span.start <= *at) {
            while open.pop_if(|(end, _)| *end <= span.start).is_some() {}
            open.push((span.end, id));
        }
        while open.pop_if(|(end, _)| *end <= *at).is_some() {}
        open.last().map_or(unit.init, |(_, id)| *id)
    };
    places.iter().map(innermost).collect()
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
    /// What its text says of it.
    pub own: Option<(&'a OwnLines, FunctionId)>,
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
        out.push(DebugLine { code: row.code, line, column, statement, behind_prologue, returned_to: false });
    }
    if let Some((own, id)) = known.own {
        let in_place = (1..).map_while(|number| Some((number, FunctionId(function.lines.inlined(number)?.function))));
        for (number, id) in iter::once((0, id)).chain(in_place) {
            if let Some(own) = own.functions.get(&id) {
                let within = |row: &Row| function.lines.is_within(row, number);
                add_without_code(&mut out, &placed, own, number, &within);
            }
        }
    }
    if known.own.is_some_and(|(own, id)| own.recursive.contains(&id)) {
        let left = function.frames.iter().filter(|change| change.at() > 0 && change.frame() == Frame::None);
        let rows = left.filter_map(|change| function.lines.at(change.at() - 1));
        let ends: FxHashSet<u32> = rows.map(|row| source.line_column(row.source).0).collect();
        tell_turns_apart(&mut out, &ends, function, known);
    }
    out
}

/// Adds lines without code of the function, or of what is written in place of a call (by the call's number, and whether a row is in
/// that place). Such a line stands where the next one begins that has code; the heads of the function and of its arity stand at its first
/// instruction, also when the end of its block is told for them.
fn add_without_code(
    out: &mut Vec<DebugLine>,
    placed: &[Placed],
    own: &OwnOfFunction,
    number: u32,
    within: &dyn Fn(&Row) -> bool,
) {
    let here = || placed.iter().filter(|p| p.row.inlined == number);
    let all: FxHashSet<u32> = here().map(|p| p.line).collect();
    let arity = here().find_map(|p| own.arities.iter().find(|(arity, _)| arity.contains(&p.row.source)));
    let mut add = |code: u32, line: u32| {
        let at = out.partition_point(|other| other.code < code);
        out.insert(at, DebugLine { code, line, statement: true, ..DebugLine::default() });
    };
    let heads: FxHashSet<u32> = own.head.into_iter().chain(arity.map(|(_, line)| *line)).collect();
    let inside = placed.iter().skip(1).filter(|p| p.part == Part::Hot && within(&p.row));
    if let Some(first) = inside.map(|p| p.row.code).min() {
        let there: FxHashSet<u32> = here().filter(|p| p.row.code <= first).map(|p| p.line).collect();
        heads.difference(&there).for_each(|head| add(first, *head));
    }
    let of_arity = own.places.iter().filter(|(at, _)| arity.is_none_or(|(arity, _)| arity.contains(at)));
    let lines = of_arity.map(|(_, line)| *line);
    for line in lines.filter(|line| !all.contains(line) && !heads.contains(line)) {
        for part in [Part::Hot, Part::General] {
            if let Some(code) = next_code(placed, number, part, line) {
                add(code, line);
            }
        }
    }
}

/// Where a call returns to on one of these lines, it is told what a debugger needs that comes from a later turn.
fn tell_turns_apart(lines: &mut Vec<DebugLine>, ends: &FxHashSet<u32>, function: &Function, known: &Known<'_>) {
    let mut midst = Vec::new();
    for (at, _) in function.safepoints.iter() {
        let upto = lines.partition_point(|line| line.code <= at);
        let Some(&line) = lines[..upto].last() else { continue };
        let from = lines.partition_point(|other| other.code < line.code);
        let next = lines.get(upto).map_or(function.size, |line| line.code);
        let instruction = known.code.get(at as usize..).and_then(|rest| known.machine.first_instruction(rest));
        let behind = instruction.map(|bytes| at + bytes);
        let behind = behind.filter(|behind| *behind < next && function.part(*behind) == function.part(at));
        let Some(behind) = behind.filter(|_| lines[from..upto].iter().any(|line| ends.contains(&line.line))) else {
            continue;
        };
        if line.code < at && line.statement {
            let line = DebugLine { behind_prologue: false, ..line };
            midst.push(DebugLine { code: at, statement: false, returned_to: true, ..line });
            midst.push(DebugLine { code: behind, ..line });
        } else if line.code == at && from > 0 {
            lines[from..upto].iter_mut().for_each(|line| line.code = behind);
        }
    }
    lines.extend(midst);
    lines.sort_by_key(|line| line.code);
}

/// The rows, and one where each part begins.
fn placed(function: &Function, source: &Source) -> Vec<Placed> {
    let mut placed = Vec::new();
    let mut rows = function.lines.places().peekable();
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
fn next_code(placed: &[Placed], number: u32, part: Part, line: u32) -> Option<u32> {
    let own = || placed.iter().skip(1).filter(|p| p.part == part && p.row.inlined == number);
    if part == Part::General && own().all(|p| p.line > line) {
        return None;
    }
    own().filter(|p| p.line > line).map(|p| (p.line, p.row.code)).min().map(|(_, code)| code)
}
