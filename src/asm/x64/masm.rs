//! The macro assembler for x86-64.
//!
//! Owns the narrowing of three operands to two, and the choice of encodings. Where a destination is also the second operand,
//! the operation is turned round or goes through a scratch register; every aliasing of operands is allowed unless the trait
//! says otherwise.
//!
//! Invariants: moves, loads, stores, `lea`, `mov_imm`, `set` and float operations other than `branch_float` leave the flags
//! alone (which is why nothing is zeroed with `xor`); `r11`, `xmm14` and `xmm15` are clobbered freely.

use super::encode::{Group1, group1};
use super::regs::{self, FSCRATCH2, RAX, RBP, RCX, RDI, RDX, RSP, SCRATCH};
use crate::asm::buffer::CodeBuffer;
use crate::asm::masm::*;
use crate::mutations::{Mutation, mutated};
use dynasmrt::{DynasmApi, dynasm};

/// Kind of a fixup: 32 bits relative to the end of the field.
pub const REL32: u8 = 0;

/// `dynasm!` for this machine.
macro_rules! asm {
    ($buf:expr ; $($code:tt)*) => {
        dynasm!($buf ; .arch x64 ; $($code)*)
    };
}
pub(super) use asm;

/// The assembler.
pub struct X64 {
    pub(super) buf: CodeBuffer,
    /// Offset of the frame size and number of saved registers of each prologue.
    prologues: Vec<(u32, u8)>,
}

/// Writes the reference to an absolute address into `code`, which will stand at `place`. `false` when it does not reach.
pub fn apply_absolute(code: &mut [u8], place: usize, fixup: &AbsoluteFixup) -> bool {
    let at = fixup.at as usize;
    let distance = (fixup.target as i64).wrapping_sub((place + at + 4) as i64);
    let (Ok(distance), Some(field)) = (i32::try_from(distance), code.get_mut(at..at + 4)) else { return false };
    field.copy_from_slice(&distance.to_le_bytes());
    true
}

/// The condition's number in `jcc` and `setcc`.
fn condition(cond: Cond) -> u8 {
    match cond {
        Cond::Equal => EQUAL,
        Cond::NotEqual => NOT_EQUAL,
        Cond::Less => 0xC,
        Cond::GreaterEqual => 0xD,
        Cond::LessEqual => 0xE,
        Cond::Greater => 0xF,
        Cond::Below => BELOW,
        Cond::AboveEqual => ABOVE_EQUAL,
        Cond::BelowEqual => BELOW_EQUAL,
        Cond::Above => ABOVE,
    }
}

const OVERFLOW: u8 = 0x0;
const BELOW: u8 = 0x2;
const ABOVE_EQUAL: u8 = 0x3;
const EQUAL: u8 = 0x4;
const NOT_EQUAL: u8 = 0x5;
const BELOW_EQUAL: u8 = 0x6;
const ABOVE: u8 = 0x7;
const PARITY: u8 = 0xA;

impl X64 {
    fn jcc(&mut self, condition: u8, label: Label) {
        if !self.short_jump(0x70 | condition, label) {
            self.buf.extend(&[0x0F, 0x80 | condition]);
            self.refer(label);
        }
    }

    /// The two-byte jump, when the target is behind and in reach.
    fn short_jump(&mut self, opcode: u8, label: Label) -> bool {
        let Some(target) = self.buf.target(label) else { return false };
        let distance = i64::from(target) - i64::from(self.buf.position() + 2);
        let Ok(distance) = i8::try_from(distance) else { return false };
        self.buf.push(opcode);
        self.buf.push_i8(distance);
        true
    }

    fn refer(&mut self, label: Label) {
        self.buf.refer(REL32, label);
        self.buf.push_i32(0);
    }

    fn refer_absolute(&mut self, target: usize) {
        self.buf.refer_absolute(REL32, target);
        self.buf.push_i32(0);
    }

    /// Emits a short forward jump over what `skipped` emits.
    fn skip(&mut self, condition: u8, skipped: impl FnOnce(&mut X64)) {
        self.buf.extend(&[0x70 | condition, 0]);
        let from = self.buf.bytes.len();
        skipped(self);
        self.buf.bytes[from - 1] = (self.buf.bytes.len() - from) as u8;
    }

    /// `dst = a op b` with the flags of the operation; `dst` is `a`, or not `b`.
    fn operate(&mut self, op: Alu, dst: Reg, a: Reg, b: Reg) {
        debug_assert!(dst == a || dst != b);
        self.mov(dst, a);
        self.rr(true, &[group1(op).load_form()], dst.0, b.0);
    }

    /// `opcode a, b` between float registers with a mandatory prefix.
    fn sse(&mut self, prefix: u8, opcode: &[u8], wide: bool, reg: u8, rm: u8) {
        self.buf.push(prefix);
        self.rr(wide, opcode, reg, rm);
    }
}

impl HasScratch for X64 {
    const SCRATCH: Reg = SCRATCH;
}

impl MacroAssembler for X64 {
    const CTX: Reg = regs::R15;
    const FP: Reg = RBP;
    const SP: Reg = RSP;
    const ARGS: [Reg; ARG_REGS] = regs::ARGS;
    const CLOSURE: Reg = RDI;
    const RESULT: Reg = RAX;
    const FSCRATCH: FReg = regs::FSCRATCH;
    const FSCRATCH2: FReg = regs::FSCRATCH2;
    const CALLEE_SAVED: [Reg; SAVED_REGS] = regs::CALLEE_SAVED;
    const CALLER_SAVED: &'static [Reg] = &regs::CALLER_SAVED;
    const FLOATS: &'static [FReg] = &regs::FLOATS;
    const DIV: Option<(Reg, Reg)> = Some((RAX, RDX));
    const NAME: &'static str = "x86-64";

    fn new() -> X64 {
        X64 { buf: CodeBuffer::new(), prologues: Vec::new() }
    }

    // ---- buffer, labels ----

    fn offset(&self) -> u32 {
        self.buf.position()
    }

    fn label(&mut self) -> Label {
        self.buf.label()
    }

    fn bind(&mut self, label: Label) {
        self.buf.bind(label);
    }

    fn position(&self, label: Label) -> Option<u32> {
        self.buf.target(label)
    }

    fn mark(&self) -> Mark {
        self.buf.mark()
    }

    fn rollback(&mut self, mark: &Mark) {
        self.buf.rollback(mark);
        self.prologues.retain(|&(at, _)| (at as usize) < mark.code);
    }

    fn align_loop(&mut self) {
        // Functions start at multiples of 32, so that offsets and addresses are aligned alike.
        let at = self.buf.bytes.len();
        self.nops(at.next_multiple_of(32) - at);
    }

    fn comment(&mut self, text: impl FnOnce() -> String) {
        self.buf.comment(text);
    }

    fn keep_comments(&mut self, on: bool) {
        self.buf.keep_comments(on);
    }

    // ---- moves ----

    fn mov(&mut self, dst: Reg, src: Reg) {
        if dst != src {
            asm!(self.buf ; mov Rq(dst), Rq(src));
        }
    }

    fn mov_imm(&mut self, dst: Reg, imm: i64) {
        self.immediate(dst, imm);
    }

    fn load(&mut self, dst: Reg, mem: Mem) {
        self.rm(None, true, false, &[0x8B], dst.0, mem);
    }

    fn load32(&mut self, dst: Reg, mem: Mem) {
        self.rm(None, false, false, &[0x8B], dst.0, mem);
    }

    fn load8(&mut self, dst: Reg, mem: Mem) {
        self.rm(None, false, false, &[0x0F, 0xB6], dst.0, mem);
    }

    fn prefetch(&mut self, mem: Mem) {
        self.rm(None, false, false, &[0x0F, 0x18], 1, mem);
    }

    fn store(&mut self, mem: Mem, src: Reg) {
        self.rm(None, true, false, &[0x89], src.0, mem);
    }

    fn store8(&mut self, mem: Mem, src: Reg) {
        self.rm(None, false, true, &[0x88], src.0, mem);
    }

    fn store_release(&mut self, mem: Mem, src: Reg) {
        // Stores of this machine are seen in their order.
        self.store(mem, src);
    }

    fn load_acquire(&mut self, dst: Reg, mem: Mem) {
        // Loads of this machine happen in their order.
        self.load(dst, mem);
    }

    fn store_imm(&mut self, mem: Mem, imm: i32) {
        self.rm(None, true, false, &[0xC7], 0, mem);
        self.buf.push_i32(imm);
    }

    fn lea(&mut self, dst: Reg, mem: Mem) {
        match mem {
            Mem { base, index: None, disp: 0 } => self.mov(dst, base),
            _ => self.rm(None, true, false, &[0x8D], dst.0, mem),
        }
    }

    fn load_cell(&mut self, dst: Reg, address: usize) {
        self.rip(true, &[0x8B], dst.0, address);
    }

    fn store_cell(&mut self, address: usize, src: Reg) {
        self.rip(true, &[0x89], src.0, address);
    }

    fn swap(&mut self, a: Reg, b: Reg) {
        if a != b {
            // Three moves: the renamer executes most of them for nothing, `xchg` costs as many micro-operations.
            self.mov(SCRATCH, a);
            self.mov(a, b);
            self.mov(b, SCRATCH);
        }
    }

    // ---- integers ----

    fn alu(&mut self, op: Alu, dst: Reg, a: Reg, b: Reg) {
        match op {
            _ if dst == a => self.operate(op, dst, a, b),
            Alu::Sub if dst == b => asm!(self.buf ; neg Rq(dst) ; add Rq(dst), Rq(a)),
            _ if dst == b => self.operate(op, dst, b, a),
            Alu::Add => {
                // Number 5 as a base would cost a displacement byte, number 4 is no index.
                let (base, index) = if b == RSP || a.0 & 7 == 5 { (b, a) } else { (a, b) };
                if index == RSP {
                    self.operate(op, dst, a, b);
                } else {
                    self.lea(dst, Mem::indexed(base, index, 0, 0));
                }
            }
            _ => self.operate(op, dst, a, b),
        }
    }

    fn alu_imm(&mut self, op: Alu, dst: Reg, a: Reg, imm: i64) {
        match (op, imm) {
            (Alu::Sub, i64::MIN) => self.alu_imm(Alu::Add, dst, a, imm),
            // One form for both, so that -128 finds its byte.
            (Alu::Sub, _) if dst != a || imm == 128 => self.alu_imm(Alu::Add, dst, a, -imm),
            (Alu::Add, 128) if dst == a => self.group1(Group1::Sub, true, dst, -128),
            (Alu::And, 0xFF) => self.rr8(&[0x0F, 0xB6], dst.0, a.0),
            (Alu::And, 0xFFFF_FFFF) => asm!(self.buf ; mov Rd(dst), Rd(a)),
            (Alu::Xor, -1) => {
                self.mov(dst, a);
                asm!(self.buf ; not Rq(dst));
            }
            _ => match i32::try_from(imm) {
                Ok(imm) if op == Alu::Add && dst != a => self.lea(dst, Mem::at(a, imm)),
                Ok(imm) if op == Alu::And && imm >= 0 => {
                    // The upper half becomes zero either way.
                    if dst != a {
                        asm!(self.buf ; mov Rd(dst), Rd(a));
                    }
                    self.group1(Group1::And, false, dst, imm);
                }
                Ok(imm) => {
                    self.mov(dst, a);
                    self.group1(group1(op), true, dst, imm);
                }
                Err(_) => {
                    self.immediate(SCRATCH, imm);
                    self.operate(op, dst, a, SCRATCH);
                }
            },
        }
    }

    fn alu_mem(&mut self, op: Alu, dst: Reg, a: Reg, mem: Mem) {
        let used = mem.base == dst || mem.index.is_some_and(|(index, _)| index == dst);
        if dst != a && used {
            self.load(SCRATCH, mem);
            self.operate(op, dst, a, SCRATCH);
        } else {
            self.mov(dst, a);
            self.rm(None, true, false, &[group1(op).load_form()], dst.0, mem);
        }
    }

    fn alu_overflow(&mut self, op: Alu, dst: Reg, a: Reg, b: Reg, overflow: Label) {
        match op {
            _ if dst == a || dst != b => self.operate(op, dst, a, b),
            Alu::Sub => {
                self.operate(op, SCRATCH, a, b);
                self.mov(dst, SCRATCH);
            }
            _ => self.operate(op, dst, b, a),
        }
        self.jcc(OVERFLOW, overflow);
    }

    fn alu_imm_overflow(&mut self, op: Alu, dst: Reg, a: Reg, imm: i64, overflow: Label) {
        match self.small(imm) {
            Ok(imm) => {
                let (op, imm) = match (op, imm) {
                    (Alu::Add, 128) => (Alu::Sub, -128),
                    (Alu::Sub, 128) => (Alu::Add, -128),
                    _ => (op, imm),
                };
                self.mov(dst, a);
                self.group1(group1(op), true, dst, imm);
            }
            Err(scratch) => self.operate(op, dst, a, scratch),
        }
        self.jcc(OVERFLOW, overflow);
    }

    fn mul_overflow(&mut self, dst: Reg, a: Reg, b: Reg, overflow: Label) {
        self.mul(dst, a, b);
        self.jcc(OVERFLOW, overflow);
    }

    fn mul(&mut self, dst: Reg, a: Reg, b: Reg) {
        let (a, b) = if dst == b { (b, a) } else { (a, b) };
        self.mov(dst, a);
        asm!(self.buf ; imul Rq(dst), Rq(b));
    }

    fn neg_overflow(&mut self, dst: Reg, a: Reg, overflow: Label) {
        self.mov(dst, a);
        asm!(self.buf ; neg Rq(dst));
        self.jcc(OVERFLOW, overflow);
    }

    fn div_rem(&mut self, quotient: Reg, remainder: Reg, a: Reg, b: Reg) {
        debug_assert!(quotient != remainder);
        let mut b = b;
        if b == RAX || b == RDX {
            self.mov(SCRATCH, b);
            b = SCRATCH;
        }
        self.mov(RAX, a);
        asm!(self.buf ; cqo ; idiv Rq(b));
        if quotient == RDX {
            self.swap(RAX, RDX);
            self.mov(remainder, RAX);
        } else {
            // `remainder` may be rax: the quotient leaves first.
            self.mov(quotient, RAX);
            self.mov(remainder, RDX);
        }
    }

    fn shift_imm(&mut self, op: Shift, dst: Reg, a: Reg, count: u8) {
        match (op, count) {
            (_, 0) => self.mov(dst, a),
            (Shift::Left, 1) if dst != a => self.lea(dst, Mem::indexed(a, a, 0, 0)),
            (Shift::Left, 1) => asm!(self.buf ; add Rq(dst), Rq(dst)),
            _ => {
                self.mov(dst, a);
                let count = count as i8;
                match op {
                    Shift::Left => asm!(self.buf ; shl Rq(dst), count),
                    Shift::Right => asm!(self.buf ; sar Rq(dst), count),
                    Shift::RightLogical => asm!(self.buf ; shr Rq(dst), count),
                }
            }
        }
    }

    fn shift(&mut self, op: Shift, dst: Reg, a: Reg, count: Reg) {
        // The machine wants the count in cl. The shifted word is `value`; rcx is given back unless it is the destination.
        let value = if dst == RCX { SCRATCH } else { dst };
        let restore = dst != RCX && count != RCX;
        if dst == RCX {
            self.mov(SCRATCH, a);
            self.mov(RCX, count);
        } else {
            if restore {
                self.mov(SCRATCH, RCX);
                self.mov(RCX, count);
            }
            self.mov(dst, if restore && a == RCX { SCRATCH } else { a });
        }
        match op {
            Shift::Left => asm!(self.buf ; shl Rq(value), cl),
            Shift::Right => asm!(self.buf ; sar Rq(value), cl),
            Shift::RightLogical => asm!(self.buf ; shr Rq(value), cl),
        }
        if restore && !mutated(Mutation::ShiftClobbers) || dst == RCX {
            self.mov(RCX, SCRATCH);
        }
    }

    fn popcount(&mut self, dst: Reg, a: Reg) {
        asm!(self.buf ; popcnt Rq(dst), Rq(a));
    }

    // ---- flags and branches ----

    fn compare(&mut self, a: Reg, b: Reg) {
        asm!(self.buf ; cmp Rq(a), Rq(b));
    }

    fn compare_imm(&mut self, a: Reg, imm: i64) {
        match self.small(imm) {
            Ok(0) => self.test(a, a),
            Ok(imm) => self.group1(Group1::Cmp, true, a, imm),
            Err(scratch) => self.compare(a, scratch),
        }
    }

    fn compare_mem(&mut self, a: Reg, mem: Mem) {
        self.rm(None, true, false, &[Group1::Cmp.load_form()], a.0, mem);
    }

    fn compare_mem_imm(&mut self, mem: Mem, imm: i64) {
        match self.small(imm) {
            Ok(imm) => {
                let short = i8::try_from(imm);
                self.rm(None, true, false, &[if short.is_ok() { 0x83 } else { 0x81 }], Group1::Cmp as u8, mem);
                match short {
                    Ok(imm) => self.buf.push_i8(imm),
                    Err(_) => self.buf.push_i32(imm),
                }
            }
            // `cmp [mem], r`
            Err(scratch) => self.rm(None, true, false, &[0x39], scratch.0, mem),
        }
    }

    fn compare_mem32_imm(&mut self, mem: Mem, imm: u32) {
        let imm = imm as i32;
        let digit = Group1::Cmp as u8;
        if let Ok(imm) = i8::try_from(imm) {
            self.rm(None, false, false, &[0x83], digit, mem);
            self.buf.push_i8(imm);
        } else {
            self.rm(None, false, false, &[0x81], digit, mem);
            self.buf.push_i32(imm);
        }
    }

    fn test_mem8_imm(&mut self, mem: Mem, imm: u8) {
        self.rm(None, false, false, &[0xF6], 0, mem);
        self.buf.push(imm);
    }

    fn compare32_mem(&mut self, a: Reg, mem: Mem) {
        self.rm(None, false, false, &[Group1::Cmp.load_form()], a.0, mem);
    }

    fn test_imm(&mut self, a: Reg, imm: i64) {
        if (0..=0xFF).contains(&imm) {
            if a == RAX {
                self.buf.extend(&[0xA8, imm as u8]);
            } else {
                self.rr8(&[0xF6], 0, a.0);
                self.buf.push(imm as u8);
            }
        } else if let Ok(imm) = u32::try_from(imm) {
            asm!(self.buf ; test Rd(a), imm as i32);
        } else if let Ok(imm) = i32::try_from(imm) {
            asm!(self.buf ; test Rq(a), imm);
        } else {
            self.immediate(SCRATCH, imm);
            self.test(a, SCRATCH);
        }
    }

    fn test(&mut self, a: Reg, b: Reg) {
        asm!(self.buf ; test Rq(a), Rq(b));
    }

    fn jump(&mut self, label: Label) {
        if !self.short_jump(0xEB, label) {
            self.buf.push(0xE9);
            self.refer(label);
        }
    }

    fn branch(&mut self, cond: Cond, label: Label) {
        self.jcc(condition(cond), label);
    }

    fn set(&mut self, cond: Cond, dst: Reg) {
        self.rr8(&[0x0F, 0x90 | condition(cond)], 0, dst.0);
        self.rr8(&[0x0F, 0xB6], dst.0, dst.0);
    }

    fn branch_float(&mut self, cond: FCond, a: FReg, b: FReg, when: bool, label: Label) {
        // `ucomisd` sets carry, zero and parity for NaN: "above" and "above or equal" are false of it, so "less" turns its
        // operands round; equality must look at the parity.
        if cond == FCond::Less && mutated(Mutation::NanIsLess) {
            self.sse(0x66, &[0x0F, 0x2E], false, a.0, b.0);
            return self.jcc(if when { BELOW } else { ABOVE_EQUAL }, label);
        }
        let (a, b) = if matches!(cond, FCond::Less | FCond::LessEqual) { (b, a) } else { (a, b) };
        self.sse(0x66, &[0x0F, 0x2E], false, a.0, b.0);
        match cond {
            FCond::Less | FCond::Greater => self.jcc(if when { ABOVE } else { BELOW_EQUAL }, label),
            FCond::LessEqual | FCond::GreaterEqual => self.jcc(if when { ABOVE_EQUAL } else { BELOW }, label),
            FCond::Equal | FCond::NotEqual => {
                if (cond == FCond::Equal) == when {
                    self.skip(PARITY, |masm| masm.jcc(EQUAL, label));
                } else {
                    self.jcc(PARITY, label);
                    self.jcc(NOT_EQUAL, label);
                }
            }
        }
    }

    fn branch_stack_limit(&mut self, disp: i32, label: Label) {
        self.compare_mem(RSP, Mem::at(Self::CTX, disp));
        self.jcc(BELOW_EQUAL, label);
    }

    // ---- floats ----

    fn fmov(&mut self, dst: FReg, src: FReg) {
        if dst != src {
            self.rr(false, &[0x0F, 0x28], dst.0, src.0);
        }
    }

    fn fmov_imm(&mut self, dst: FReg, value: f64) {
        if value.to_bits() == 0 {
            self.rr(false, &[0x0F, 0x57], dst.0, dst.0);
        } else {
            self.immediate(SCRATCH, value.to_bits() as i64);
            self.bits_float(dst, SCRATCH);
        }
    }

    fn fload(&mut self, dst: FReg, mem: Mem) {
        self.rm(Some(0xF2), false, false, &[0x0F, 0x10], dst.0, mem);
    }

    fn fstore(&mut self, mem: Mem, src: FReg) {
        self.rm(Some(0xF2), false, false, &[0x0F, 0x11], src.0, mem);
    }

    fn falu(&mut self, op: Falu, dst: FReg, a: FReg, b: FReg) {
        debug_assert!(a != Self::FSCRATCH && b != Self::FSCRATCH, "the scratch register is not for operands");
        let opcode = match op {
            Falu::Add => 0x58,
            Falu::Mul => 0x59,
            Falu::Sub => 0x5C,
            Falu::Div => 0x5E,
        };
        let (a, b) = match op {
            Falu::Add | Falu::Mul if dst == b => (b, a),
            Falu::Sub | Falu::Div if dst == b && dst != a => {
                self.fmov(Self::FSCRATCH, b);
                (a, Self::FSCRATCH)
            }
            _ => (a, b),
        };
        self.fmov(dst, a);
        self.sse(0xF2, &[0x0F, opcode], false, dst.0, b.0);
    }

    fn fsqrt(&mut self, dst: FReg, a: FReg) {
        // The instruction keeps the upper half of its destination: copying first cuts the dependency on the old value.
        self.fmov(dst, a);
        self.sse(0xF2, &[0x0F, 0x51], false, dst.0, dst.0);
    }

    fn fneg(&mut self, dst: FReg, a: FReg) {
        asm!(self.buf ; pcmpeqd Rx(FSCRATCH2), Rx(FSCRATCH2) ; psllq Rx(FSCRATCH2), 63);
        self.fmov(dst, a);
        self.rr(false, &[0x0F, 0x57], dst.0, FSCRATCH2.0);
    }

    fn fabs(&mut self, dst: FReg, a: FReg) {
        asm!(self.buf ; pcmpeqd Rx(FSCRATCH2), Rx(FSCRATCH2) ; psrlq Rx(FSCRATCH2), 1);
        self.fmov(dst, a);
        self.rr(false, &[0x0F, 0x54], dst.0, FSCRATCH2.0);
    }

    fn fround(&mut self, mode: Round, dst: FReg, a: FReg) {
        self.fmov(dst, a);
        self.sse(0x66, &[0x0F, 0x3A, 0x0B], false, dst.0, dst.0);
        // Bit 3: no exception for an inexact result.
        self.buf.push(match mode {
            Round::Floor => 9,
            Round::Ceil => 10,
            Round::Truncate => 11,
        });
    }

    fn int_to_float(&mut self, dst: FReg, src: Reg) {
        self.rr(false, &[0x0F, 0x57], dst.0, dst.0);
        self.sse(0xF2, &[0x0F, 0x2A], true, dst.0, src.0);
    }

    fn float_to_int(&mut self, dst: Reg, src: FReg) {
        self.sse(0xF2, &[0x0F, 0x2C], true, dst.0, src.0);
    }

    fn float_bits(&mut self, dst: Reg, src: FReg) {
        self.sse(0x66, &[0x0F, 0x7E], true, src.0, dst.0);
    }

    fn bits_float(&mut self, dst: FReg, src: Reg) {
        self.sse(0x66, &[0x0F, 0x6E], true, dst.0, src.0);
    }

    fn untag_float(&mut self, dst: FReg, src: Reg) {
        self.lea(SCRATCH, Mem::at(src, -3));
        asm!(self.buf ; ror Rq(SCRATCH), 4);
        self.bits_float(dst, SCRATCH);
    }

    fn tag_float(&mut self, dst: Reg, src: FReg, boxed: Label) {
        self.float_bits(dst, src);
        asm!(self.buf ; rol Rq(dst), 4);
        self.group1(Group1::Add, true, dst, 3);
        self.test_imm(dst, 2);
        self.jcc(EQUAL, boxed);
    }

    // ---- calls and frames ----

    fn call_cell(&mut self, address: usize) {
        self.rip(false, &[0xFF], 2, address);
    }

    fn jump_cell(&mut self, address: usize) {
        self.rip(false, &[0xFF], 4, address);
        self.buf.left();
    }

    fn call_mem(&mut self, mem: Mem) {
        self.rm(None, false, false, &[0xFF], 2, mem);
    }

    fn jump_mem(&mut self, mem: Mem) {
        self.rm(None, false, false, &[0xFF], 4, mem);
        self.buf.left();
    }

    fn call_code(&mut self, address: usize) {
        self.buf.push(0xE8);
        self.refer_absolute(address);
    }

    fn jump_code(&mut self, address: usize) {
        self.buf.push(0xE9);
        self.refer_absolute(address);
        self.buf.left();
    }

    fn call_label(&mut self, label: Label) {
        self.buf.push(0xE8);
        self.refer(label);
    }

    fn call_c(&mut self, address: usize) {
        self.immediate(SCRATCH, address as i64);
        self.rr(false, &[0xFF], 2, SCRATCH.0);
    }

    fn jump_reg(&mut self, target: Reg) {
        self.rr(false, &[0xFF], 4, target.0);
        self.buf.left();
    }

    fn prologue(&mut self, saved: u8) -> u32 {
        asm!(self.buf ; push rbp);
        self.buf.saved |= saved;
        self.buf.frame(Frame::Pushed);
        asm!(self.buf ; mov rbp, rsp);
        self.buf.frame(Frame::Linked);
        for (i, reg) in Self::CALLEE_SAVED.iter().enumerate() {
            if saved >> i & 1 != 0 {
                if reg.0 >= 8 {
                    self.buf.push(0x41);
                }
                self.buf.push(0x50 | reg.0 & 7);
            }
        }
        let at = self.offset();
        self.prologues.push((at, saved.count_ones() as u8));
        asm!(self.buf ; sub rsp, DWORD 0);
        at
    }

    fn set_frame_size(&mut self, prologue: u32, bytes: u32) {
        let saved = self.prologues.iter().find(|&&(at, _)| at == prologue).map_or(0, |&(_, saved)| u32::from(saved));
        debug_assert!(bytes.is_multiple_of(16) && bytes >= 8 * saved);
        // Without a rest nothing is subtracted: that costs 15 % of a small recursive function (fib, Zen 4), for it makes the
        // processor reconcile its own count of pushes with rsp.
        let rest = bytes.saturating_sub(8 * saved);
        let [low, middle, high, top] = rest.to_le_bytes();
        let code = if rest == 0 { [0x0F, 0x1F, 0x80, 0, 0, 0, 0] } else { [0x48, 0x81, 0xEC, low, middle, high, top] };
        let at = prologue as usize;
        self.buf.bytes[at..at + code.len()].copy_from_slice(&code);
    }

    fn set_large_frame_size(&mut self, prologue: u32, saved: u8, bytes: u32, floor: i32, overflow: usize) {
        let rest = bytes.saturating_sub(8 * saved.count_ones()) as i32;
        let too_low = self.label();
        // The seven bytes of `sub rsp, …` become a jump to here.
        let at = prologue as usize;
        let distance = self.offset() as i32 - (prologue as i32 + 5);
        self.buf.bytes[at] = 0xE9;
        self.buf.patch32(prologue + 1, distance as u32);
        self.buf.bytes[at + 5..at + 7].copy_from_slice(&[0x66, 0x90]);
        asm!(self.buf ; lea r11, [rsp - rest]);
        self.compare_mem(SCRATCH, Mem::at(Self::CTX, floor));
        self.jcc(BELOW_EQUAL, too_low);
        asm!(self.buf ; mov rsp, r11);
        self.buf.push(0xE9);
        let distance = prologue as i32 + 7 - (self.offset() as i32 + 4);
        self.buf.extend(&distance.to_le_bytes());
        self.bind(too_low);
        self.epilogue(saved);
        self.jump_code(overflow);
    }

    fn frameless(&mut self) {
        self.buf.frame(Frame::None);
    }

    fn leave_to(&mut self, label: Label) {
        self.jump(label);
        self.buf.left();
    }

    fn epilogue(&mut self, saved: u8) {
        let mut disp = 0;
        for (i, reg) in Self::CALLEE_SAVED.into_iter().enumerate() {
            if saved >> i & 1 != 0 && !(i == 3 && mutated(Mutation::SavedLost)) {
                disp -= 8;
                self.load(reg, Mem::at(RBP, disp));
            }
        }
        asm!(self.buf ; leave);
        self.buf.frame(Frame::None);
    }

    fn ret(&mut self) {
        asm!(self.buf ; ret);
        self.buf.left();
    }

    fn trap(&mut self) {
        asm!(self.buf ; ud2);
    }

    // ---- the end ----

    fn finish(mut self) -> Result<Assembled, TooFar> {
        for fixup in std::mem::take(&mut self.buf.fixups) {
            let too_far = TooFar { at: fixup.at };
            debug_assert!(self.buf.target(fixup.label).is_some(), "a label is used but not bound");
            let target = self.buf.target(fixup.label).ok_or(TooFar { at: fixup.at })?;
            let distance = i64::from(target) - (i64::from(fixup.at) + 4);
            let distance = i32::try_from(distance).map_err(|_| too_far)?;
            self.buf.patch32(fixup.at, distance as u32);
        }
        let CodeBuffer { bytes, absolute, comments, saved, frames, .. } = self.buf;
        Ok(Assembled { code: bytes, absolute, comments, saved, frames, onward: 0..0 })
    }
}
