//! The macro assembler for ARM64.
//!
//! Owns the choice of instructions. The machine is three-operand like the trait; what it lacks is large immediates, operands
//! in memory, and the stack pointer as an ordinary register.
//!
//! Invariants: nothing but comparisons, integer operations and `branch_float` sets the flags (most integer operations do not
//! either, but callers may not count on it); `x16`, `x17`, `d30` and `d31` are clobbered freely. Code grows by islands: see
//! [`super::encode`].

use super::encode::{Access, ISLAND_AFTER, PAGE};
use super::regs::{self, SCRATCH, SCRATCH2, SP, ZERO};
use crate::asm::buffer::CodeBuffer;
use crate::asm::masm::*;
use crate::mutations::{Mutation, mutated};
use dynasmrt::aarch64::{encode_floating_point_immediate, encode_logical_immediate_64bit};
use dynasmrt::{DynasmApi, dynasm};
use rustc_hash::FxHashMap;

/// `dynasm!` for this machine.
macro_rules! asm {
    ($buf:expr ; $($code:tt)*) => {
        dynasm!($buf ; .arch aarch64 ; $($code)*)
    };
}
pub(super) use asm;

/// The assembler.
pub struct Arm64 {
    pub(super) buf: CodeBuffer,
    /// The positions of the far branches in islands, by their labels.
    pub(super) veneers: FxHashMap<Label, Vec<u32>>,
    /// Where the latest island ends.
    pub(super) islands_end: u32,
    /// Fixups before this need no veneer.
    pub(super) settled: usize,
    /// Where to look next whether an island is due.
    pub(super) island_at: u32,
    /// A prologue whose frame is too large for its instructions.
    too_large: Option<u32>,
}

/// The condition's number.
fn condition(cond: Cond) -> u32 {
    match cond {
        Cond::Equal => EQUAL,
        Cond::NotEqual => NOT_EQUAL,
        Cond::AboveEqual => 2,
        Cond::Below => 3,
        Cond::Above => 8,
        Cond::BelowEqual => BELOW_EQUAL,
        Cond::GreaterEqual => 10,
        Cond::Less => 11,
        Cond::Greater => 12,
        Cond::LessEqual => 13,
    }
}

const EQUAL: u32 = 0;
const NOT_EQUAL: u32 = 1;
const MINUS: u32 = 4;
const OVERFLOW: u32 = 6;
const BELOW_EQUAL: u32 = 9;

impl Arm64 {
    /// `dst = a op imm` with flags, where `op` is Add or Sub.
    fn flagged_imm(&mut self, op: Alu, dst: Reg, a: Reg, imm: i64) {
        // Subtracting is adding the opposite, with the same flags unless the operand is 0 or has no opposite.
        let (op, imm) = match (op, imm) {
            (Alu::Add, i64::MIN..0) if imm != i64::MIN => (Alu::Sub, -imm),
            (Alu::Sub, i64::MIN..0) if imm != i64::MIN => (Alu::Add, -imm),
            _ => (op, imm),
        };
        let (field, shifted) = match imm {
            0..0x1000 => (imm as u32, false),
            0..0x100_0000 if imm & 0xFFF == 0 => (imm as u32 >> 12, true),
            _ => {
                self.immediate(SCRATCH2, imm);
                self.flagged(op, dst, a, SCRATCH2);
                return;
            }
        };
        match (op, shifted) {
            (Alu::Add, false) => asm!(self.buf ; adds X(dst), XSP(a), field),
            (Alu::Add, true) => asm!(self.buf ; adds X(dst), XSP(a), field, lsl 12),
            (_, false) => asm!(self.buf ; subs X(dst), XSP(a), field),
            (_, true) => asm!(self.buf ; subs X(dst), XSP(a), field, lsl 12),
        }
    }

    /// `dst = a op b` with flags, where `op` is Add or Sub. `a` may be the stack pointer.
    fn flagged(&mut self, op: Alu, dst: Reg, a: Reg, b: Reg) {
        let b = self.general(b, SCRATCH2);
        match (op, a == SP) {
            (Alu::Add, false) => asm!(self.buf ; adds X(dst), X(a), X(b)),
            (Alu::Add, true) => asm!(self.buf ; adds X(dst), XSP(a), X(b), uxtx),
            (_, false) => asm!(self.buf ; subs X(dst), X(a), X(b)),
            (_, true) => asm!(self.buf ; subs X(dst), XSP(a), X(b), uxtx),
        }
    }

    /// `imm` as the immediate of a logical instruction.
    fn logical(imm: i64) -> Option<u32> {
        encode_logical_immediate_64bit(imm as u64).map(u32::from)
    }

    /// `sub sp, sp, bytes` in two words.
    fn frame_words(bytes: u32) -> [u32; 2] {
        const NOP: u32 = 0xD503_201F;
        let word = |field: u32, base: u32| if field == 0 { NOP } else { base | field << 10 };
        [word(bytes >> 12 & 0xFFF, 0xD140_03FF), word(bytes & 0xFFF, 0xD100_03FF)]
    }
}

impl HasScratch for Arm64 {
    const SCRATCH: Reg = SCRATCH;
}

impl MacroAssembler for Arm64 {
    const CTX: Reg = regs::CTX;
    const FP: Reg = regs::FP;
    const SP: Reg = SP;
    const ARGS: [Reg; ARG_REGS] = regs::ARGS;
    const CLOSURE: Reg = regs::X0;
    const RESULT: Reg = regs::X0;
    const FSCRATCH: FReg = regs::FSCRATCH;
    const FSCRATCH2: FReg = regs::FSCRATCH2;
    const CALLEE_SAVED: [Reg; SAVED_REGS] = regs::CALLEE_SAVED;
    const CALLER_SAVED: &'static [Reg] = &regs::CALLER_SAVED;
    const FLOATS: &'static [FReg] = &regs::FLOATS;
    const DIV: Option<(Reg, Reg)> = None;
    const NAME: &'static str = "arm64";

    fn new() -> Arm64 {
        Arm64 {
            buf: CodeBuffer::new(),
            veneers: FxHashMap::default(),
            islands_end: 0,
            settled: 0,
            island_at: ISLAND_AFTER,
            too_large: None,
        }
    }

    // ---- buffer, labels ----

    fn offset(&self) -> u32 {
        self.buf.position()
    }

    fn label(&mut self) -> Label {
        self.buf.label()
    }

    fn bind(&mut self, label: Label) {
        self.checkpoint();
        self.buf.bind(label);
    }

    fn position(&self, label: Label) -> Option<u32> {
        self.buf.target(label)
    }

    fn mark(&self) -> Mark {
        self.buf.mark()
    }

    fn rollback(&mut self, mark: &Mark) {
        let unbound = self.buf.rollback(mark);
        self.cut_islands(unbound);
        self.too_large = self.too_large.filter(|&at| (at as usize) < mark.code);
    }

    fn align_loop(&mut self) {
        self.checkpoint();
        while !self.buf.position().is_multiple_of(16) {
            asm!(self.buf ; nop);
        }
    }

    fn comment(&mut self, text: impl FnOnce() -> String) {
        self.buf.comment(text);
    }

    fn keep_comments(&mut self, on: bool) {
        self.buf.keep_comments(on);
    }

    // ---- moves ----

    fn mov(&mut self, dst: Reg, src: Reg) {
        self.checkpoint();
        match (dst, src) {
            _ if dst == src => {}
            (SP, _) | (_, SP) => asm!(self.buf ; mov XSP(dst), XSP(src)),
            _ => asm!(self.buf ; mov X(dst), X(src)),
        }
    }

    fn mov_imm(&mut self, dst: Reg, imm: i64) {
        self.checkpoint();
        self.immediate(dst, imm);
    }

    fn load(&mut self, dst: Reg, mem: Mem) {
        self.checkpoint();
        self.access(Access::LOAD, dst.0, mem);
    }

    fn load32(&mut self, dst: Reg, mem: Mem) {
        self.access(Access::LOAD32, dst.0, mem);
    }

    fn load8(&mut self, dst: Reg, mem: Mem) {
        self.access(Access::LOAD8, dst.0, mem);
    }

    fn prefetch(&mut self, mem: Mem) {
        self.checkpoint();
        self.lea(SCRATCH2, mem);
        asm!(self.buf ; prfm #0, [X(SCRATCH2), X(ZERO)]);
    }

    fn store(&mut self, mem: Mem, src: Reg) {
        self.checkpoint();
        let src = self.general(src, SCRATCH);
        self.access(Access::STORE, src.0, mem);
    }

    fn store8(&mut self, mem: Mem, src: Reg) {
        self.access(Access::STORE8, src.0, mem);
    }

    fn store_release(&mut self, mem: Mem, src: Reg) {
        self.checkpoint();
        self.lea(SCRATCH2, mem);
        asm!(self.buf ; stlr X(src), [X(SCRATCH2)]);
    }

    fn load_acquire(&mut self, dst: Reg, mem: Mem) {
        self.checkpoint();
        self.lea(SCRATCH2, mem);
        asm!(self.buf ; ldar X(dst), [X(SCRATCH2)]);
    }

    fn store_imm(&mut self, mem: Mem, imm: i32) {
        debug_assert!(mem.base != SCRATCH && mem.index.is_none_or(|(index, _)| index != SCRATCH));
        self.checkpoint();
        let mut src = ZERO;
        if imm != 0 {
            self.immediate(SCRATCH, imm.into());
            src = SCRATCH;
        }
        self.access(Access::STORE, src.0, mem);
    }

    fn lea(&mut self, dst: Reg, mem: Mem) {
        let Some((index, scale)) = mem.index else {
            return self.add(dst, mem.base, mem.disp.into());
        };
        let mut base = mem.base;
        if mem.disp != 0 {
            self.add(SCRATCH2, base, mem.disp.into());
            base = SCRATCH2;
        }
        asm!(self.buf ; add XSP(dst), XSP(base), X(index), uxtx scale.into());
    }

    fn load_cell(&mut self, dst: Reg, address: usize) {
        self.checkpoint();
        self.page(PAGE, SCRATCH2, address);
        self.access(Access::LOAD, dst.0, Mem::at(SCRATCH2, 0));
    }

    fn store_cell(&mut self, address: usize, src: Reg) {
        self.page(PAGE, SCRATCH2, address);
        self.access(Access::STORE, src.0, Mem::at(SCRATCH2, 0));
    }

    fn swap(&mut self, a: Reg, b: Reg) {
        if a != b {
            self.mov(SCRATCH, a);
            self.mov(a, b);
            self.mov(b, SCRATCH);
        }
    }

    // ---- integers ----

    fn alu(&mut self, op: Alu, dst: Reg, a: Reg, b: Reg) {
        self.checkpoint();
        let b = self.general(b, SCRATCH2);
        let stack = a == SP || dst == SP;
        match op {
            Alu::Add if stack => asm!(self.buf ; add XSP(dst), XSP(a), X(b), uxtx),
            Alu::Sub if stack => asm!(self.buf ; sub XSP(dst), XSP(a), X(b), uxtx),
            Alu::Add => asm!(self.buf ; add X(dst), X(a), X(b)),
            Alu::Sub => asm!(self.buf ; sub X(dst), X(a), X(b)),
            Alu::And => asm!(self.buf ; and X(dst), X(a), X(b)),
            Alu::Or => asm!(self.buf ; orr X(dst), X(a), X(b)),
            Alu::Xor => asm!(self.buf ; eor X(dst), X(a), X(b)),
        }
    }

    fn alu_imm(&mut self, op: Alu, dst: Reg, a: Reg, imm: i64) {
        self.checkpoint();
        let logical = match op {
            Alu::Add => return self.add(dst, a, imm),
            Alu::Sub => return self.add(dst, a, imm.wrapping_neg()),
            Alu::And => 0x9200_0000,
            Alu::Or => 0xB200_0000,
            Alu::Xor => 0xD200_0000,
        };
        match Arm64::logical(imm) {
            Some(field) => self.word(logical | field << 10 | u32::from(a.0) << 5 | u32::from(dst.0)),
            None => {
                self.immediate(SCRATCH2, imm);
                self.alu(op, dst, a, SCRATCH2);
            }
        }
    }

    fn alu_mem(&mut self, op: Alu, dst: Reg, a: Reg, mem: Mem) {
        self.load(SCRATCH2, mem);
        self.alu(op, dst, a, SCRATCH2);
    }

    fn alu_overflow(&mut self, op: Alu, dst: Reg, a: Reg, b: Reg, overflow: Label) {
        self.flagged(op, dst, a, b);
        self.branch19(OVERFLOW, overflow);
    }

    fn alu_imm_overflow(&mut self, op: Alu, dst: Reg, a: Reg, imm: i64, overflow: Label) {
        self.flagged_imm(op, dst, a, imm);
        self.branch19(OVERFLOW, overflow);
    }

    fn mul_overflow(&mut self, dst: Reg, a: Reg, b: Reg, overflow: Label) {
        // It fits when the upper half is the sign of the lower.
        asm!(self.buf
            ; smulh X(SCRATCH2), X(a), X(b)
            ; mul X(dst), X(a), X(b)
            ; cmp X(SCRATCH2), X(dst), asr 63
        );
        self.branch19(NOT_EQUAL, overflow);
    }

    fn mul(&mut self, dst: Reg, a: Reg, b: Reg) {
        asm!(self.buf ; mul X(dst), X(a), X(b));
    }

    fn neg_overflow(&mut self, dst: Reg, a: Reg, overflow: Label) {
        asm!(self.buf ; negs X(dst), X(a));
        self.branch19(OVERFLOW, overflow);
    }

    fn div_rem(&mut self, quotient: Reg, remainder: Reg, a: Reg, b: Reg) {
        debug_assert!(quotient != remainder);
        let result = if quotient == a || quotient == b { SCRATCH2 } else { quotient };
        asm!(self.buf
            ; sdiv X(result), X(a), X(b)
            ; msub X(remainder), X(result), X(b), X(a)
        );
        self.mov(quotient, result);
    }

    fn shift_imm(&mut self, op: Shift, dst: Reg, a: Reg, count: u8) {
        let count = u32::from(count) & 63;
        match op {
            _ if count == 0 => self.mov(dst, a),
            Shift::Left => asm!(self.buf ; lsl X(dst), X(a), count),
            Shift::Right => asm!(self.buf ; asr X(dst), X(a), count),
            Shift::RightLogical => asm!(self.buf ; lsr X(dst), X(a), count),
        }
    }

    fn shift(&mut self, op: Shift, dst: Reg, a: Reg, count: Reg) {
        match op {
            Shift::Left => asm!(self.buf ; lslv X(dst), X(a), X(count)),
            Shift::Right => asm!(self.buf ; asrv X(dst), X(a), X(count)),
            Shift::RightLogical => asm!(self.buf ; lsrv X(dst), X(a), X(count)),
        }
    }

    fn popcount(&mut self, dst: Reg, a: Reg) {
        asm!(self.buf ; fmov d31, X(a) ; cnt v31.b8, v31.b8 ; addv b31, v31.b8 ; fmov W(dst), s31);
    }

    // ---- flags and branches ----

    fn compare(&mut self, a: Reg, b: Reg) {
        self.checkpoint();
        self.flagged(Alu::Sub, ZERO, a, b);
    }

    fn compare_imm(&mut self, a: Reg, imm: i64) {
        self.checkpoint();
        self.flagged_imm(Alu::Sub, ZERO, a, imm);
    }

    fn compare_mem(&mut self, a: Reg, mem: Mem) {
        self.load(SCRATCH2, mem);
        self.flagged(Alu::Sub, ZERO, a, SCRATCH2);
    }

    fn compare_mem_imm(&mut self, mem: Mem, imm: i64) {
        self.load(SCRATCH, mem);
        self.flagged_imm(Alu::Sub, ZERO, SCRATCH, imm);
    }

    fn compare_mem32_imm(&mut self, mem: Mem, imm: u32) {
        self.load32(SCRATCH, mem);
        if imm < 0x1000 {
            asm!(self.buf ; cmp WSP(SCRATCH), imm);
        } else {
            self.immediate(SCRATCH2, imm.into());
            asm!(self.buf ; cmp W(SCRATCH), W(SCRATCH2));
        }
    }

    fn test_mem8_imm(&mut self, mem: Mem, imm: u8) {
        self.load8(SCRATCH, mem);
        self.test_imm(SCRATCH, imm.into());
    }

    fn compare32_mem(&mut self, a: Reg, mem: Mem) {
        self.load32(SCRATCH2, mem);
        asm!(self.buf ; cmp W(a), W(SCRATCH2));
    }

    fn test_imm(&mut self, a: Reg, imm: i64) {
        self.checkpoint();
        match Arm64::logical(imm) {
            Some(field) => self.word(0xF200_001F | field << 10 | u32::from(a.0) << 5),
            None => {
                self.immediate(SCRATCH2, imm);
                self.test(a, SCRATCH2);
            }
        }
    }

    fn test(&mut self, a: Reg, b: Reg) {
        asm!(self.buf ; tst X(a), X(b));
    }

    fn jump(&mut self, label: Label) {
        self.branch26(false, label);
    }

    fn branch(&mut self, cond: Cond, label: Label) {
        self.branch19(condition(cond), label);
    }

    fn set(&mut self, cond: Cond, dst: Reg) {
        // csinc dst, xzr, xzr, the opposite
        self.word(0x9A9F_07E0 | (condition(cond) ^ 1) << 12 | u32::from(dst.0));
    }

    fn branch_float(&mut self, cond: FCond, a: FReg, b: FReg, when: bool, label: Label) {
        // Of NaN `fcmp` says "carry and overflow": these conditions are false of it (but "not equal"), their opposites true.
        asm!(self.buf ; fcmp D(a), D(b));
        let holds = match cond {
            FCond::Equal => EQUAL,
            FCond::NotEqual => NOT_EQUAL,
            FCond::Less => MINUS,
            FCond::LessEqual => BELOW_EQUAL,
            FCond::Greater => condition(Cond::Greater),
            FCond::GreaterEqual => condition(Cond::GreaterEqual),
        };
        self.branch19(holds ^ u32::from(!when), label);
    }

    fn branch_stack_limit(&mut self, disp: i32, label: Label) {
        self.load(SCRATCH, Mem::at(Self::CTX, disp));
        self.flagged(Alu::Sub, ZERO, SP, SCRATCH);
        self.branch19(BELOW_EQUAL, label);
    }

    // ---- floats ----

    fn fmov(&mut self, dst: FReg, src: FReg) {
        self.checkpoint();
        if dst != src {
            asm!(self.buf ; fmov D(dst), D(src));
        }
    }

    fn fmov_imm(&mut self, dst: FReg, value: f64) {
        let small = value as f32;
        let short = encode_floating_point_immediate(small).filter(|_| f64::from(small).to_bits() == value.to_bits());
        if value.to_bits() == 0 {
            self.bits_float(dst, ZERO);
        } else if let Some(field) = short {
            self.word(0x1E60_1000 | u32::from(field) << 13 | u32::from(dst.0));
        } else {
            self.immediate(SCRATCH2, value.to_bits() as i64);
            self.bits_float(dst, SCRATCH2);
        }
    }

    fn fload(&mut self, dst: FReg, mem: Mem) {
        self.checkpoint();
        self.access(Access::FLOAD, dst.0, mem);
    }

    fn fstore(&mut self, mem: Mem, src: FReg) {
        self.access(Access::FSTORE, src.0, mem);
    }

    fn falu(&mut self, op: Falu, dst: FReg, a: FReg, b: FReg) {
        debug_assert!(a != Self::FSCRATCH && b != Self::FSCRATCH, "the scratch register is not for operands");
        self.checkpoint();
        match op {
            Falu::Add => asm!(self.buf ; fadd D(dst), D(a), D(b)),
            Falu::Sub => asm!(self.buf ; fsub D(dst), D(a), D(b)),
            Falu::Mul => asm!(self.buf ; fmul D(dst), D(a), D(b)),
            Falu::Div => asm!(self.buf ; fdiv D(dst), D(a), D(b)),
        }
    }

    fn fsqrt(&mut self, dst: FReg, a: FReg) {
        asm!(self.buf ; fsqrt D(dst), D(a));
    }

    fn fneg(&mut self, dst: FReg, a: FReg) {
        asm!(self.buf ; fneg D(dst), D(a));
    }

    fn fabs(&mut self, dst: FReg, a: FReg) {
        asm!(self.buf ; fabs D(dst), D(a));
    }

    fn fround(&mut self, mode: Round, dst: FReg, a: FReg) {
        match mode {
            Round::Floor => asm!(self.buf ; frintm D(dst), D(a)),
            Round::Ceil => asm!(self.buf ; frintp D(dst), D(a)),
            Round::Truncate => asm!(self.buf ; frintz D(dst), D(a)),
        }
    }

    fn int_to_float(&mut self, dst: FReg, src: Reg) {
        asm!(self.buf ; scvtf D(dst), X(src));
    }

    fn float_to_int(&mut self, dst: Reg, src: FReg) {
        asm!(self.buf ; fcvtzs X(dst), D(src));
    }

    fn float_bits(&mut self, dst: Reg, src: FReg) {
        asm!(self.buf ; fmov X(dst), D(src));
    }

    fn bits_float(&mut self, dst: FReg, src: Reg) {
        asm!(self.buf ; fmov D(dst), X(src));
    }

    fn untag_float(&mut self, dst: FReg, src: Reg) {
        self.add(SCRATCH2, src, -3);
        asm!(self.buf ; ror X(SCRATCH2), X(SCRATCH2), 4);
        self.bits_float(dst, SCRATCH2);
    }

    fn tag_float(&mut self, dst: Reg, src: FReg, boxed: Label) {
        self.float_bits(dst, src);
        asm!(self.buf ; ror X(dst), X(dst), 60);
        self.add(dst, dst, 3);
        self.test_imm(dst, 2);
        self.branch19(EQUAL, boxed);
    }

    // ---- calls and frames ----

    fn call_cell(&mut self, address: usize) {
        self.load_cell(SCRATCH, address);
        self.go_register(true, SCRATCH);
    }

    fn jump_cell(&mut self, address: usize) {
        self.load_cell(SCRATCH, address);
        self.go_register(false, SCRATCH);
        self.buf.left();
    }

    fn call_mem(&mut self, mem: Mem) {
        self.load(SCRATCH, mem);
        self.go_register(true, SCRATCH);
    }

    fn jump_mem(&mut self, mem: Mem) {
        self.load(SCRATCH, mem);
        self.go_register(false, SCRATCH);
        self.buf.left();
    }

    fn call_code(&mut self, address: usize) {
        self.checkpoint();
        self.go(true, address);
    }

    fn jump_code(&mut self, address: usize) {
        self.go(false, address);
        self.buf.left();
    }

    fn call_label(&mut self, label: Label) {
        self.branch26(true, label);
    }

    fn call_c(&mut self, address: usize) {
        self.mov_imm(SCRATCH, address as i64);
        self.go_register(true, SCRATCH);
    }

    fn jump_reg(&mut self, target: Reg) {
        self.go_register(false, target);
        self.buf.left();
    }

    fn prologue(&mut self, saved: u8) -> u32 {
        self.checkpoint();
        asm!(self.buf ; stp x29, x30, [sp, -16]!);
        self.buf.saved |= saved;
        self.buf.frame(Frame::Pushed);
        asm!(self.buf ; mov x29, sp);
        self.buf.frame(Frame::Linked);
        let at = self.offset();
        asm!(self.buf ; nop ; nop);
        self.saved_registers(saved, true);
        at
    }

    fn set_frame_size(&mut self, prologue: u32, bytes: u32) {
        debug_assert!(bytes.is_multiple_of(16));
        if bytes >= 1 << 24 {
            self.too_large = Some(prologue);
        }
        let [high, low] = Arm64::frame_words(bytes);
        self.buf.patch32(prologue, high);
        self.buf.patch32(prologue + 4, low);
    }

    fn set_large_frame_size(&mut self, prologue: u32, _saved: u8, bytes: u32, floor: i32, overflow: usize) {
        self.checkpoint();
        if bytes >= 1 << 24 || self.offset() >= 1 << 27 {
            self.too_large = Some(prologue);
            return;
        }
        let branch = |from: u32, to: u32| 0x1400_0000 | (to.wrapping_sub(from) as i32 >> 2) as u32 & 0x3FF_FFFF;
        let too_low = self.label();
        // The first of the two words that lower sp becomes a jump to here; no register is saved before them.
        let here = self.offset();
        self.buf.patch32(prologue, branch(prologue, here));
        asm!(self.buf ; sub x16, sp, bytes >> 12, lsl 12 ; sub x16, x16, bytes & 0xFFF);
        self.load(SCRATCH2, Mem::at(Self::CTX, floor));
        self.flagged(Alu::Sub, ZERO, SCRATCH, SCRATCH2);
        self.branch19(BELOW_EQUAL, too_low);
        asm!(self.buf ; mov sp, x16);
        let here = self.offset();
        self.buf.extend(&branch(here, prologue + 8).to_le_bytes());
        self.bind(too_low);
        asm!(self.buf ; ldp x29, x30, [sp], 16);
        self.buf.frame(Frame::None);
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
        self.checkpoint();
        let kept = if mutated(Mutation::SavedLostArm) { saved & 0b0111 } else { saved };
        self.saved_registers(kept, false);
        asm!(self.buf ; mov sp, x29 ; ldp x29, x30, [sp], 16);
        self.buf.frame(Frame::None);
    }

    fn ret(&mut self) {
        asm!(self.buf ; ret);
        self.buf.left();
    }

    fn trap(&mut self) {
        asm!(self.buf ; brk 1);
    }

    // ---- the end ----

    fn finish(mut self) -> Result<Assembled, TooFar> {
        self.resolve()?;
        if let Some(at) = self.too_large {
            return Err(TooFar { at });
        }
        let CodeBuffer { bytes, absolute, comments, saved, frames, .. } = self.buf;
        Ok(Assembled { code: bytes, absolute, comments, saved, frames, onward: 0..0 })
    }
}

impl Arm64 {
    /// Stores or loads the callee-saved registers of the mask below the frame pointer, two at a time.
    pub(super) fn saved_registers(&mut self, saved: u8, store: bool) {
        let registers: Vec<Reg> =
            (0..SAVED_REGS).filter(|i| saved >> i & 1 != 0).map(|i| regs::CALLEE_SAVED[i]).collect();
        for (index, pair) in registers.chunks(2).enumerate() {
            let disp = -16 * (index as i32 + 1);
            match (pair, store) {
                (&[upper, lower], true) => asm!(self.buf ; stp X(lower), X(upper), [x29, disp]),
                (&[upper, lower], false) => asm!(self.buf ; ldp X(lower), X(upper), [x29, disp]),
                (&[last, ..], true) => asm!(self.buf ; stur X(last), [x29, disp + 8]),
                (&[last, ..], false) => asm!(self.buf ; ldur X(last), [x29, disp + 8]),
                _ => {}
            }
        }
    }
}
