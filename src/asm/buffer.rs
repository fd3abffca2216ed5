//! The private buffer into which a machine's assembler writes before its code has a place.
//!
//! Owns the bytes, the labels, and what is still open: references to labels (fixups) and to absolute addresses. It does not
//! know how a reference is encoded: `kind` belongs to the machine. `dynasm!` writes into it (it implements [`DynasmApi`]),
//! but dynasm's own labels are not used, because a buffer must be able to be cut back to a [`Mark`].
//!
//! Invariants: a label is bound at most once; `bound` lists the bound labels in the order of their binding; nothing in
//! `fixups` and `absolute` lies beyond the end of `bytes`.

use super::masm::{AbsoluteFixup, Frame, FrameChange, Label, Mark};
use dynasmrt::{AssemblyOffset, DynasmApi};

/// A reference to a label.
#[derive(Clone, Copy, Debug)]
pub struct Fixup {
    /// Offset of the field (x86-64) or instruction (ARM64).
    pub at: u32,
    /// How it is encoded: the machine's own numbering.
    pub kind: u8,
    /// The label.
    pub label: Label,
}

const UNBOUND: u32 = u32::MAX;

/// Code that is being written.
#[derive(Debug, Default)]
pub struct CodeBuffer {
    /// The code so far.
    pub bytes: Vec<u8>,
    /// References to labels.
    pub fixups: Vec<Fixup>,
    /// References to absolute addresses.
    pub absolute: Vec<AbsoluteFixup>,
    /// Comments by offset, ascending.
    pub comments: Vec<(u32, String)>,
    /// The callee-saved registers that a prologue has saved.
    pub saved: u8,
    /// Changes of the frame by offset, ascending.
    pub frames: Vec<FrameChange>,
    labels: Vec<u32>,
    bound: Vec<Label>,
    /// In a checked build: labels that were made behind a mark that was cut back to. Their numbers are not used again.
    gone: Vec<std::ops::Range<u32>>,
    commenting: bool,
}

impl CodeBuffer {
    /// An empty buffer.
    pub fn new() -> CodeBuffer {
        CodeBuffer { bytes: Vec::with_capacity(1024), ..CodeBuffer::default() }
    }

    /// Bytes written so far.
    pub fn position(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// A new label.
    pub fn label(&mut self) -> Label {
        self.labels.push(UNBOUND);
        Label(self.labels.len() as u32 - 1)
    }

    /// Binds `label` here.
    pub fn bind(&mut self, label: Label) {
        self.assert_there(label);
        debug_assert_eq!(self.labels[label.0 as usize], UNBOUND, "a label is bound twice");
        self.labels[label.0 as usize] = self.bytes.len() as u32;
        self.bound.push(label);
    }

    fn assert_there(&self, label: Label) {
        debug_assert!(!self.gone.iter().any(|gone| gone.contains(&label.0)), "a label of what was cut away");
    }

    /// Where `label` is bound.
    pub fn target(&self, label: Label) -> Option<u32> {
        self.labels.get(label.0 as usize).copied().filter(|&at| at != UNBOUND)
    }

    /// Notes that the field at the present offset refers to `label`.
    pub fn refer(&mut self, kind: u8, label: Label) {
        self.assert_there(label);
        self.fixups.push(Fixup { at: self.bytes.len() as u32, kind, label });
    }

    /// Notes that the field at the present offset refers to the absolute address `target`.
    pub fn refer_absolute(&mut self, kind: u8, target: usize) {
        self.absolute.push(AbsoluteFixup { at: self.bytes.len() as u32, kind, target });
    }

    /// Overwrites the 32 bits at `at`.
    pub fn patch32(&mut self, at: u32, value: u32) {
        self.bytes[at as usize..at as usize + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// The 32 bits at `at`.
    pub fn read32(&self, at: u32) -> u32 {
        let at = at as usize;
        u32::from_le_bytes([self.bytes[at], self.bytes[at + 1], self.bytes[at + 2], self.bytes[at + 3]])
    }

    /// The present state.
    pub fn mark(&self) -> Mark {
        Mark {
            code: self.bytes.len(),
            labels: self.labels.len(),
            fixups: self.fixups.len(),
            absolute: self.absolute.len(),
            comments: self.comments.len(),
            bound: self.bound.len(),
            frames: self.frames.len(),
        }
    }

    /// Cuts back to `mark`. `true` when a label that remains has become unbound.
    pub fn rollback(&mut self, mark: &Mark) -> bool {
        let mut unbound = false;
        for label in self.bound.drain(mark.bound..) {
            self.labels[label.0 as usize] = UNBOUND;
            unbound |= (label.0 as usize) < mark.labels;
        }
        self.bytes.truncate(mark.code);
        if cfg!(debug_assertions) {
            let gone = mark.labels as u32..self.labels.len() as u32;
            self.gone.retain(|inner| inner.start < gone.start);
            self.gone.push(gone);
        } else {
            self.labels.truncate(mark.labels);
        }
        self.fixups.truncate(mark.fixups);
        self.absolute.truncate(mark.absolute);
        self.comments.truncate(mark.comments);
        self.frames.truncate(mark.frames);
        unbound
    }

    /// Notes what there is of a frame from here on.
    pub fn frame(&mut self, frame: Frame) {
        self.frames.push(FrameChange::new(self.position(), frame));
    }

    /// Control does not go on from here: what follows an epilogue and its jump is code of the function again.
    pub fn left(&mut self) {
        if self.frames.last().is_some_and(|last| last.frame() == Frame::None) {
            self.frame(Frame::Linked);
        }
    }

    /// Notes a comment, if comments are kept.
    pub fn comment(&mut self, text: impl FnOnce() -> String) {
        if self.commenting {
            self.comments.push((self.bytes.len() as u32, text()));
        }
    }

    /// Switches comments on or off.
    pub fn keep_comments(&mut self, on: bool) {
        self.commenting = on;
    }
}

impl Extend<u8> for CodeBuffer {
    fn extend<T: IntoIterator<Item = u8>>(&mut self, bytes: T) {
        self.bytes.extend(bytes);
    }
}

impl<'a> Extend<&'a u8> for CodeBuffer {
    fn extend<T: IntoIterator<Item = &'a u8>>(&mut self, bytes: T) {
        self.bytes.extend(bytes);
    }
}

impl DynasmApi for CodeBuffer {
    fn offset(&self) -> AssemblyOffset {
        AssemblyOffset(self.bytes.len())
    }

    fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    fn align(&mut self, alignment: usize, with: u8) {
        let end = self.bytes.len().next_multiple_of(alignment);
        self.bytes.resize(end, with);
    }
}
