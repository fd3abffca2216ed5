//! Which node each instruction is written for: the rows of the function's line table.
//!
//! Whoever writes code says first for which node ([`Generator::goes_to`]); the rows follow from that. A body that is written in
//! place of its call has its own nodes, and the call is noted beside them.

use super::generator::Generator;
use crate::asm::lines::{Inlined, Row};
use crate::asm::masm::MacroAssembler;
use crate::reader::tree::{FunctionId, NodeId, PatternId, Span};

/// The rows so far.
#[derive(Default)]
pub(super) struct LineNotes {
    pub(super) rows: Vec<Row>,
    pub(super) inlined: Vec<Inlined>,
    /// The call in whose place code is being written: see [`Row::inlined`].
    present: u32,
}

/// A state of the notes to which they can be cut back.
pub(super) struct LineMark {
    rows: usize,
    /// The last row, which rows at the same offset replace.
    last: Option<Row>,
    inlined: usize,
    present: u32,
}

impl LineNotes {
    pub(super) fn mark(&self) -> LineMark {
        LineMark {
            rows: self.rows.len(),
            last: self.rows.last().copied(),
            inlined: self.inlined.len(),
            present: self.present,
        }
    }

    pub(super) fn rollback(&mut self, mark: &LineMark) {
        self.rows.truncate(mark.rows.saturating_sub(1));
        self.rows.extend(mark.last);
        self.inlined.truncate(mark.inlined);
        self.present = mark.present;
    }

    /// The call in whose place code is being written.
    pub(super) fn present(&self) -> u32 {
        self.present
    }

    /// What follows is the code of a part of the text.
    pub(super) fn note(&mut self, code: u32, span: Span) {
        self.rows.pop_if(|last| last.code == code);
        let row = Row { code, source: span.start, length: span.end - span.start, inlined: self.present };
        if self.rows.last().is_none_or(|last| Row { code, ..*last } != row) {
            self.rows.push(row);
        }
    }
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// What is written from here on is the code of this node.
    pub(super) fn goes_to(&mut self, node: NodeId) {
        self.at = node;
        self.lines.note(self.asm.offset(), self.unit.span(node));
    }

    /// What is written from here on is the code of this pattern of a node, which may stand on another line.
    pub(super) fn goes_to_pattern(&mut self, node: NodeId, pattern: PatternId) {
        self.at = node;
        self.lines.note(self.asm.offset(), self.unit.pattern_spans[pattern.index()]);
    }

    /// What is written from here on is the body of a function in place of its call. Gives what [`Generator::goes_back`] wants.
    pub(super) fn goes_into(&mut self, function: FunctionId, call: NodeId) -> (NodeId, u32) {
        let outer = self.lines.present;
        let call_at = self.unit.span(call).start;
        self.lines.inlined.push(Inlined { function: function.0, call: call_at, parent: outer });
        self.lines.present = self.lines.inlined.len() as u32;
        (self.at, outer)
    }

    /// The body is written.
    pub(super) fn goes_back(&mut self, (at, outer): (NodeId, u32)) {
        self.lines.present = outer;
        self.goes_to(at);
    }

    /// Writes code after the hot code, for the node at which it was asked for. It knows of no value and no landing pad, so that a
    /// safepoint would have an empty map, until it says where it comes from: [`Generator::enter_cold`].
    pub(super) fn later(&mut self, write: impl FnOnce(&mut Generator<'a, M>) + 'a) {
        let place = (self.at, self.lines.present);
        self.cold.push(Box::new(move |g| {
            g.goes_back(place);
            g.handler = None;
            let nothing = g.state.without_values();
            g.state.becomes(g.asm.offset(), nothing);
            g.state.is_unknown(g.asm.offset());
            write(g);
        }));
    }
}
