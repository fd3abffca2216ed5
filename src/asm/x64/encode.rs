//! Encodings that dynasm does not make as short as they can be.
//!
//! With registers chosen at run time dynasm always spends a SIB byte on a memory operand and four bytes on an immediate or
//! displacement. The generator's most frequent instructions are loads, stores and immediates, so these few forms are
//! written out here. Everything else is dynasm's.

use super::masm::{REL32, X64};
use super::regs::SCRATCH;
use crate::asm::masm::{Alu, Mem, Reg};
use dynasmrt::DynasmApi;

/// The `/n` of the immediate forms of the classic eight operations.
#[rustfmt::skip]
#[allow(missing_docs)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group1 { Add = 0, Or = 1, And = 4, Sub = 5, Xor = 6, Cmp = 7 }

impl Group1 {
    /// The opcode of `op r, r/m`.
    pub fn load_form(self) -> u8 {
        (self as u8) << 3 | 3
    }
}

/// The number of an operation in the first group of encodings.
pub(super) fn group1(op: Alu) -> Group1 {
    match op {
        Alu::Add => Group1::Add,
        Alu::Sub => Group1::Sub,
        Alu::And => Group1::And,
        Alu::Or => Group1::Or,
        Alu::Xor => Group1::Xor,
    }
}

impl X64 {
    /// `opcode reg, rm` between registers; `wide` is REX.W.
    pub(super) fn rr(&mut self, wide: bool, opcode: &[u8], reg: u8, rm: u8) {
        let rex = 0x40 | (wide as u8) << 3 | reg >> 3 << 2 | rm >> 3;
        if rex != 0x40 {
            self.buf.push(rex);
        }
        self.buf.extend(opcode);
        self.buf.push(0xC0 | (reg & 7) << 3 | rm & 7);
    }

    /// `opcode reg, rm` between registers, where `rm` is a byte register.
    pub(super) fn rr8(&mut self, opcode: &[u8], reg: u8, rm: u8) {
        let rex = 0x40 | reg >> 3 << 2 | rm >> 3;
        // Without a prefix numbers 4 to 7 would mean ah, ch, dh, bh.
        if rex != 0x40 || rm >= 4 {
            self.buf.push(rex);
        }
        self.buf.extend(opcode);
        self.buf.push(0xC0 | (reg & 7) << 3 | rm & 7);
    }

    /// `prefix opcode reg, [mem]`; `byte` when `reg` is a byte register.
    pub(super) fn rm(&mut self, prefix: Option<u8>, wide: bool, byte: bool, opcode: &[u8], reg: u8, mem: Mem) {
        let base = mem.base.0;
        let index = mem.index.map_or(0, |(index, _)| index.0);
        debug_assert!(mem.index.is_none_or(|(index, scale)| index.0 != 4 && scale < 4), "rsp cannot be an index");
        if let Some(prefix) = prefix {
            self.buf.push(prefix);
        }
        let rex = 0x40 | (wide as u8) << 3 | reg >> 3 << 2 | index >> 3 << 1 | base >> 3;
        if rex != 0x40 || (byte && reg >= 4) {
            self.buf.push(rex);
        }
        self.buf.extend(opcode);
        // Number 5 (rbp, r13) has no form without a displacement.
        let mode = match mem.disp {
            0 if base & 7 != 5 => 0x00,
            -128..=127 => 0x40,
            _ => 0x80,
        };
        match mem.index {
            Some((index, scale)) => {
                self.buf.push(mode | (reg & 7) << 3 | 4);
                self.buf.push(scale << 6 | (index.0 & 7) << 3 | base & 7);
            }
            // Number 4 (rsp, r12) means "a SIB byte follows".
            None if base & 7 == 4 => {
                self.buf.push(mode | (reg & 7) << 3 | 4);
                self.buf.push(0x24);
            }
            None => self.buf.push(mode | (reg & 7) << 3 | base & 7),
        }
        match mode {
            0x00 => {}
            0x40 => self.buf.push_i8(mem.disp as i8),
            _ => self.buf.push_i32(mem.disp),
        }
    }

    /// `opcode reg, [rip + address]`; no immediate may follow.
    pub(super) fn rip(&mut self, wide: bool, opcode: &[u8], reg: u8, address: usize) {
        let rex = 0x40 | (wide as u8) << 3 | reg >> 3 << 2;
        if rex != 0x40 {
            self.buf.push(rex);
        }
        self.buf.extend(opcode);
        self.buf.push((reg & 7) << 3 | 5);
        self.buf.refer_absolute(REL32, address);
        self.buf.push_i32(0);
    }

    /// `op reg, imm`, 64 or 32 bits.
    pub(super) fn group1(&mut self, op: Group1, wide: bool, reg: Reg, imm: i32) {
        let rex = 0x40 | (wide as u8) << 3 | reg.0 >> 3;
        if rex != 0x40 {
            self.buf.push(rex);
        }
        if let Ok(imm) = i8::try_from(imm) {
            self.buf.extend(&[0x83, 0xC0 | (op as u8) << 3 | reg.0 & 7]);
            self.buf.push_i8(imm);
        } else {
            if reg.0 == 0 {
                self.buf.push((op as u8) << 3 | 5);
            } else {
                self.buf.extend(&[0x81, 0xC0 | (op as u8) << 3 | reg.0 & 7]);
            }
            self.buf.push_i32(imm);
        }
    }

    /// `dst = imm`, leaving the flags.
    pub(super) fn immediate(&mut self, dst: Reg, imm: i64) {
        let extended = dst.0 >> 3;
        if let Ok(imm) = u32::try_from(imm) {
            if extended != 0 {
                self.buf.push(0x41);
            }
            self.buf.push(0xB8 | dst.0 & 7);
            self.buf.push_u32(imm);
        } else if let Ok(imm) = i32::try_from(imm) {
            self.buf.extend(&[0x48 | extended, 0xC7, 0xC0 | dst.0 & 7]);
            self.buf.push_i32(imm);
        } else {
            self.buf.extend(&[0x48 | extended, 0xB8 | dst.0 & 7]);
            self.buf.push_i64(imm);
        }
    }

    /// `imm` as 32 bits, or in the scratch register.
    pub(super) fn small(&mut self, imm: i64) -> Result<i32, Reg> {
        i32::try_from(imm).map_err(|_| {
            self.immediate(SCRATCH, imm);
            SCRATCH
        })
    }

    /// `count` bytes of padding in as few instructions as possible.
    pub(super) fn nops(&mut self, mut count: usize) {
        const NOPS: [&[u8]; 9] = [
            &[0x90],
            &[0x66, 0x90],
            &[0x0F, 0x1F, 0x00],
            &[0x0F, 0x1F, 0x40, 0],
            &[0x0F, 0x1F, 0x44, 0, 0],
            &[0x66, 0x0F, 0x1F, 0x44, 0, 0],
            &[0x0F, 0x1F, 0x80, 0, 0, 0, 0],
            &[0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0],
            &[0x66, 0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0],
        ];
        while count > 0 {
            let size = count.min(9);
            self.buf.extend(NOPS[size - 1]);
            count -= size;
        }
    }
}
