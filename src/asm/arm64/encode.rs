//! What ARM64 has no single instruction for: large immediates, far memory operands, far branches, absolute addresses.
//!
//! Owns the fixups of this machine. Instruction words are written out here where one routine serves many instructions
//! (loads, stores, branches), and for `adrp`, which dynasm 5.1 assembles wrongly.
//!
//! # Far branches
//!
//! A conditional branch reaches 1 MiB. When a branch has waited for its label that long, an *island* is emitted into the
//! stream: a jump round a list of unconditional branches (128 MiB) to the labels that are waited for. `finish` sends a
//! branch that cannot reach its label to such a veneer. Islands leave the flags alone and may stand between any two
//! instructions that are emitted by different methods.

use super::masm::{Arm64, asm};
use super::regs::{SCRATCH, SCRATCH2, SP};
use crate::asm::buffer::Fixup;
use crate::asm::masm::{AbsoluteFixup, Label, Mem, Reg, TooFar};
use dynasmrt::aarch64::encode_logical_immediate_64bit;
use dynasmrt::{DynasmApi, dynasm};
use rustc_hash::FxHashSet;

// ---- fixups ----

/// Fixup of a label: `b` and `bl`, 26 bits.
pub const BRANCH26: u8 = 0;
/// Fixup of a label: `b.cond`, 19 bits.
pub const BRANCH19: u8 = 1;
/// Absolute fixup: `adrp`, and a load or store of 8 bytes.
pub const PAGE: u8 = 2;
/// Absolute fixup: `adrp`, `add`, `blr`; becomes a `bl` at the place of the last when that reaches.
pub const CALL: u8 = 3;
/// Absolute fixup: `adrp`, `add`, `br`; becomes a `b` at the place of the first when that reaches.
pub const JUMP: u8 = 4;

const NOP: u32 = 0xD503_201F;
const B: u32 = 0x1400_0000;
const BL: u32 = 0x9400_0000;

/// How far conditional branches reach, with room for what may come before the next look.
pub(super) const ISLAND_AFTER: u32 = 900 << 10;

/// Writes the reference to an absolute address into `code`, which will stand at `place`. `false` when it does not reach, or
/// when a cell is not aligned.
pub fn apply_absolute(code: &mut [u8], place: usize, fixup: &AbsoluteFixup) -> bool {
    let at = fixup.at as usize;
    let Some(field) = code.get_mut(at..) else { return false };
    let (pc, target) = ((place + at) as i64, fixup.target as i64);
    let scale = match fixup.kind {
        CALL | JUMP => {
            let (slot, other, word) = if fixup.kind == CALL { (2, 0, BL) } else { (0, 2, B) };
            if let Some(distance) = branch(target.wrapping_sub(pc + 4 * slot), 26) {
                return put(field, slot as usize, word | distance) && put(field, 1, NOP) && put(field, other, NOP);
            }
            0
        }
        PAGE => 3,
        _ => return false,
    };
    let pages = (target >> 12) - (pc >> 12);
    let low = (target & 0xFFF) as u32;
    if !(-(1 << 20)..1 << 20).contains(&pages) || low & ((1 << scale) - 1) != 0 {
        return false;
    }
    let (Some(first), Some(second)) = (get(field, 0), get(field, 1)) else { return false };
    let pages = pages as u32;
    put(field, 0, first | (pages & 3) << 29 | (pages >> 2 & 0x7_FFFF) << 5)
        && put(field, 1, second | low >> scale << 10)
}

/// A distance in bytes as a field of `bits` bits at the place of the instruction's branch offset.
fn branch(distance: i64, bits: u32) -> Option<u32> {
    let words = distance >> 2;
    let limit = 1i64 << (bits - 1);
    let shift = if bits == 19 { 5 } else { 0 };
    (distance & 3 == 0 && (-limit..limit).contains(&words)).then(|| (words as u32 & ((1 << bits) - 1)) << shift)
}

fn get(code: &[u8], index: usize) -> Option<u32> {
    Some(u32::from_le_bytes(code.get(4 * index..4 * index + 4)?.try_into().ok()?))
}

fn put(code: &mut [u8], index: usize, word: u32) -> bool {
    match code.get_mut(4 * index..4 * index + 4) {
        Some(field) => {
            field.copy_from_slice(&word.to_le_bytes());
            true
        }
        None => false,
    }
}

// ---- memory operands ----

/// A load or store: the fixed bits of its encoding, and the logarithm of its size.
#[derive(Clone, Copy)]
pub(super) struct Access {
    bits: u32,
    size: u8,
}

#[rustfmt::skip]
impl Access {
    pub(super) const LOAD: Access = Access { bits: 0xF840_0000, size: 3 };
    pub(super) const LOAD32: Access = Access { bits: 0xB840_0000, size: 2 };
    pub(super) const LOAD8: Access = Access { bits: 0x3840_0000, size: 0 };
    pub(super) const STORE: Access = Access { bits: 0xF800_0000, size: 3 };
    pub(super) const STORE8: Access = Access { bits: 0x3800_0000, size: 0 };
    pub(super) const FLOAD: Access = Access { bits: 0xFC40_0000, size: 3 };
    pub(super) const FSTORE: Access = Access { bits: 0xFC00_0000, size: 3 };
}

impl Arm64 {
    pub(super) fn word(&mut self, word: u32) {
        self.buf.push_u32(word);
    }

    /// `access register, [mem]`. Clobbers the second scratch register only, so that a store may use the first.
    pub(super) fn access(&mut self, access: Access, register: u8, mem: Mem) {
        let (rt, disp) = (u32::from(register), mem.disp);
        match mem.index {
            Some((index, scale)) if disp == 0 && (scale == 0 || scale == access.size) => {
                let scaled = u32::from(scale != 0) << 12;
                let registers = u32::from(index.0) << 16 | u32::from(mem.base.0) << 5 | rt;
                self.word(access.bits | 1 << 21 | 0b011 << 13 | scaled | 0b10 << 10 | registers);
            }
            Some((index, scale)) => {
                // The displacement first: then one scratch register is enough.
                let near = self.reaches(access, disp);
                let base = if near { mem.base } else { SCRATCH2 };
                if !near {
                    self.add(SCRATCH2, mem.base, disp.into());
                }
                asm!(self.buf ; add XSP(SCRATCH2), XSP(base), X(index), uxtx scale.into());
                self.access(access, register, Mem::at(SCRATCH2, if near { disp } else { 0 }));
            }
            None if disp >= 0 && disp & ((1 << access.size) - 1) == 0 && disp >> access.size < 4096 => {
                let field = (disp as u32 >> access.size) << 10;
                self.word(access.bits | 1 << 24 | field | u32::from(mem.base.0) << 5 | rt);
            }
            None if (-256..256).contains(&disp) => {
                self.word(access.bits | (disp as u32 & 0x1FF) << 12 | u32::from(mem.base.0) << 5 | rt);
            }
            None => {
                self.immediate(SCRATCH2, disp.into());
                self.access(access, register, Mem::indexed(mem.base, SCRATCH2, 0, 0));
            }
        }
    }

    /// Can the displacement stand in the instruction?
    fn reaches(&self, access: Access, disp: i32) -> bool {
        (-256..256).contains(&disp) || disp >= 0 && disp & ((1 << access.size) - 1) == 0 && disp >> access.size < 4096
    }

    // ---- immediates ----

    /// `dst = imm`, leaving the flags.
    pub(super) fn immediate(&mut self, dst: Reg, imm: i64) {
        let imm = imm as u64;
        let halves = [imm as u16, (imm >> 16) as u16, (imm >> 32) as u16, (imm >> 48) as u16];
        let zeros = halves.iter().filter(|half| **half == 0).count();
        let ones = halves.iter().filter(|half| **half == 0xFFFF).count();
        if zeros < 3
            && ones < 3
            && let Some(encoded) = encode_logical_immediate_64bit(imm)
        {
            // orr dst, xzr, imm
            self.word(0xB200_03E0 | u32::from(encoded) << 10 | u32::from(dst.0));
            return;
        }
        let (background, movx) = if ones > zeros { (0xFFFF, 0x9280_0000) } else { (0, 0xD280_0000u32) };
        let mut first = true;
        for (index, half) in halves.into_iter().enumerate() {
            if half == background {
                continue;
            }
            let place = (index as u32) << 21 | u32::from(dst.0);
            if first {
                self.word(movx | place | u32::from(half ^ background) << 5);
                first = false;
            } else {
                self.word(0xF280_0000 | place | u32::from(half) << 5);
            }
        }
        if first {
            self.word(movx | u32::from(dst.0));
        }
    }

    /// `dst = a + imm` without flags; `dst` and `a` may be the stack pointer. Clobbers the second scratch register only.
    pub(super) fn add(&mut self, dst: Reg, a: Reg, imm: i64) {
        let size = imm.unsigned_abs();
        if size >= 1 << 24 || (size >= 1 << 12 && size & 0xFFF != 0 && dst == SP) {
            self.immediate(SCRATCH2, imm);
            asm!(self.buf ; add XSP(dst), XSP(a), X(SCRATCH2), uxtx);
            return;
        }
        let (high, low, negative) = ((size >> 12) as u32, size as u32 & 0xFFF, imm < 0);
        let mut a = a;
        if high != 0 {
            match negative {
                false => asm!(self.buf ; add XSP(dst), XSP(a), high, lsl 12),
                true => asm!(self.buf ; sub XSP(dst), XSP(a), high, lsl 12),
            }
            a = dst;
        }
        if low != 0 || (high == 0 && dst != a) {
            match negative {
                false => asm!(self.buf ; add XSP(dst), XSP(a), low),
                true => asm!(self.buf ; sub XSP(dst), XSP(a), low),
            }
        }
    }

    /// `register`, or a copy of the stack pointer in `scratch`.
    pub(super) fn general(&mut self, register: Reg, scratch: Reg) -> Reg {
        if register == SP {
            asm!(self.buf ; mov XSP(scratch), sp);
            return scratch;
        }
        register
    }

    // ---- labels ----

    /// `b` or `bl` to a label.
    pub(super) fn branch26(&mut self, link: bool, label: Label) {
        self.buf.refer(BRANCH26, label);
        self.word(if link { BL } else { B });
    }

    /// `b.condition` to a label.
    pub(super) fn branch19(&mut self, condition: u32, label: Label) {
        self.checkpoint();
        let here = self.buf.position();
        if self.buf.target(label).is_some_and(|target| here - target > ISLAND_AFTER) {
            // Behind and out of reach: the opposite branch over a far one.
            self.word(0x5400_0000 | 2 << 5 | condition ^ 1);
            self.branch26(false, label);
        } else {
            self.buf.refer(BRANCH19, label);
            self.word(0x5400_0000 | condition);
        }
    }

    /// Emits an island when branches have waited too long.
    pub(super) fn checkpoint(&mut self) {
        if self.buf.position() >= self.island_at {
            self.island();
        }
    }

    #[cold]
    fn island(&mut self) {
        let here = self.buf.position();
        while let Some(fixup) = self.buf.fixups.get(self.settled)
            && !self.waits(fixup)
        {
            self.settled += 1;
        }
        let oldest = self.buf.fixups.get(self.settled).map_or(here, |fixup| fixup.at);
        if here - oldest < ISLAND_AFTER {
            self.island_at = oldest + ISLAND_AFTER;
            return;
        }
        // In the order of the branches: those that have waited longest find their veneers first.
        let mut waiting: Vec<Label> = Vec::new();
        let mut seen = FxHashSet::default();
        for fixup in &self.buf.fixups[self.settled..] {
            if self.waits(fixup) && seen.insert(fixup.label) {
                waiting.push(fixup.label);
            }
        }
        self.settled = self.buf.fixups.len();
        self.word(B | (waiting.len() as u32 + 1));
        for label in waiting {
            self.veneers.entry(label).or_default().push(self.buf.position());
            self.branch26(false, label);
        }
        self.islands_end = self.buf.position();
        self.island_at = here + ISLAND_AFTER;
    }

    /// Is this a conditional branch that has neither a bound label nor a veneer?
    fn waits(&self, fixup: &Fixup) -> bool {
        fixup.kind == BRANCH19 && self.buf.target(fixup.label).is_none() && self.veneer(fixup).is_none()
    }

    /// The branch field that leads to a veneer.
    fn veneer(&self, fixup: &Fixup) -> Option<u32> {
        let veneers = self.veneers.get(&fixup.label)?;
        veneers.iter().find_map(|&at| branch(i64::from(at) - i64::from(fixup.at), 19))
    }

    /// After the buffer was cut back; `unbound` when a label is open again.
    pub(super) fn cut_islands(&mut self, unbound: bool) {
        let end = self.buf.position();
        let cut = self.islands_end > end;
        if cut {
            self.veneers.retain(|_, places| {
                places.retain(|&at| at < end);
                !places.is_empty()
            });
            self.islands_end = end;
        }
        self.settled = self.settled.min(self.buf.fixups.len());
        if unbound || cut {
            self.settled = 0;
            self.island_at = ISLAND_AFTER;
        }
    }

    /// Resolves all references to labels.
    pub(super) fn resolve(&mut self) -> Result<(), TooFar> {
        for fixup in std::mem::take(&mut self.buf.fixups) {
            let too_far = TooFar { at: fixup.at };
            debug_assert!(self.buf.target(fixup.label).is_some(), "a label is used but not bound");
            let Some(target) = self.buf.target(fixup.label) else { return Err(too_far) };
            let distance = |to: u32| i64::from(to) - i64::from(fixup.at);
            let field = match fixup.kind {
                BRANCH26 => branch(distance(target), 26),
                _ => branch(distance(target), 19).or_else(|| self.veneer(&fixup)),
            };
            let Some(field) = field else { return Err(too_far) };
            let word = self.buf.read32(fixup.at);
            self.buf.patch32(fixup.at, word | field);
        }
        Ok(())
    }

    // ---- absolute addresses ----

    /// `adrp register` of an absolute address; the instruction that adds the rest follows.
    pub(super) fn page(&mut self, kind: u8, register: Reg, address: usize) {
        self.buf.refer_absolute(kind, address);
        self.word(0x9000_0000 | u32::from(register.0));
    }

    /// Calls (`link`) or jumps to code in the reserved range.
    pub(super) fn go(&mut self, link: bool, address: usize) {
        self.page(if link { CALL } else { JUMP }, SCRATCH, address);
        asm!(self.buf ; add XSP(SCRATCH), XSP(SCRATCH), 0);
        self.go_register(link, SCRATCH);
    }

    /// `blr` or `br`.
    pub(super) fn go_register(&mut self, link: bool, register: Reg) {
        match link {
            true => asm!(self.buf ; blr X(register)),
            false => asm!(self.buf ; br X(register)),
        }
    }
}
