//! Lines and columns of code, counted when a profiler or debugger asks.

use std::ops::Range;
use std::sync::Arc;

use crate::asm::code_map::Function;
use crate::asm::lines::Row;
use crate::runtime::Vm;
use crate::runtime::program::linked::LinkedUnit;

/// The text that a function belongs to.
pub struct Text(Arc<LinkedUnit>);

/// From a code offset on this line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Offset in the code of the function.
    pub code: u32,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

impl Text {
    /// The text of a body.
    pub fn of(vm: &Vm, function: &Function) -> Option<Text> {
        vm.sources.get(function.source).map(|(unit, _)| Text(unit))
    }

    /// Its file: the whole path when there is such a file, so that tools find it from wherever they are started.
    pub fn file(&self) -> String {
        let name = &self.0.source().name;
        match std::path::absolute(name) {
            Ok(path) if path.is_file() => path.to_string_lossy().into_owned(),
            _ => name.clone(),
        }
    }

    /// Line and column of a row.
    pub fn line(&self, row: Row) -> Line {
        let (line, column) = self.0.source().line_column(row.source);
        Line { code: row.code, line, column }
    }

    /// The lines of a range of a function's code, first that at its start; neighbours are not the same line.
    pub fn lines(&self, function: &Function, range: &Range<u32>) -> Vec<Line> {
        let first = function.lines.at(range.start).map(|row| Row { code: range.start, ..row });
        let later = function.lines.places().filter(|row| row.code > range.start && row.code < range.end);
        let mut lines: Vec<Line> = first.into_iter().chain(later).map(|row| self.line(row)).collect();
        lines.dedup_by_key(|line| line.line);
        lines
    }
}
