//! The macro assembler: one trait, one implementation for each machine.
//!
//! Owns the vocabulary in which the generator asks for instructions. It knows registers, memory, flags, labels and frames;
//! it knows nothing of the language (tags, layouts and calling of functions belong to `codegen`, with the one exception of
//! float tagging, whose best sequence differs by machine). Three-operand throughout; an implementation narrows.
//!
//! Invariants: no method but those that say so changes the flags between a comparison and its branch. `SCRATCH` and
//! `FSCRATCH` are never allocated. They may be handed to a method directly after the one that wrote them (a method reads its
//! operands before it clobbers anything), but not as part of the memory operand of `store_imm`. What is in them survives
//! `mov`, loads and stores of registers, tests with a mask, jumps, branches and epilogues, and nothing else.

/// A general register, by the machine's number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct Reg(pub u8);

/// A float register, by the machine's number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct FReg(pub u8);

impl From<Reg> for u8 {
    fn from(r: Reg) -> u8 {
        r.0
    }
}

impl From<FReg> for u8 {
    fn from(r: FReg) -> u8 {
        r.0
    }
}

/// A place in the code, bound at most once, usable before it is bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Label(pub u32);

/// `[base + (index << scale) + disp]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mem {
    /// Base register.
    pub base: Reg,
    /// Index register and the logarithm of its scale (0 to 3).
    pub index: Option<(Reg, u8)>,
    /// Displacement in bytes.
    pub disp: i32,
}

impl Mem {
    /// `[base + disp]`
    pub const fn at(base: Reg, disp: i32) -> Mem {
        Mem { base, index: None, disp }
    }

    /// `[base + (index << scale) + disp]`
    pub const fn indexed(base: Reg, index: Reg, scale: u8, disp: i32) -> Mem {
        Mem { base, index: Some((index, scale)), disp }
    }
}

/// What the flags say after a comparison of integers. `Below` and `Above` are unsigned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[rustfmt::skip]
#[allow(missing_docs)]
pub enum Cond { Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, Below, BelowEqual, Above, AboveEqual }

impl Cond {
    /// The opposite.
    pub fn negate(self) -> Cond {
        use Cond::*;
        match self {
            Equal => NotEqual,
            NotEqual => Equal,
            Less => GreaterEqual,
            LessEqual => Greater,
            Greater => LessEqual,
            GreaterEqual => Less,
            Below => AboveEqual,
            BelowEqual => Above,
            Above => BelowEqual,
            AboveEqual => Below,
        }
    }
}

/// A comparison of floats; all but `NotEqual` are false when an operand is NaN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[rustfmt::skip]
#[allow(missing_docs)]
pub enum FCond { Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual }

/// Integer operations of one cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[rustfmt::skip]
#[allow(missing_docs)]
pub enum Alu { Add, Sub, And, Or, Xor }

/// Shifts of 64-bit words; a count in a register is taken modulo 64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[rustfmt::skip]
#[allow(missing_docs)]
pub enum Shift { Left, Right, RightLogical }

/// Float operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[rustfmt::skip]
#[allow(missing_docs)]
pub enum Falu { Add, Sub, Mul, Div }

/// Rounding to an integral float.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[rustfmt::skip]
#[allow(missing_docs)]
pub enum Round { Floor, Ceil, Truncate }

/// A set of general registers as a bit mask by machine number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RegSet(pub u32);

impl RegSet {
    /// Is `r` in the set?
    pub fn contains(self, r: Reg) -> bool {
        self.0 >> r.0 & 1 != 0
    }
    /// With `r`.
    pub fn with(self, r: Reg) -> RegSet {
        RegSet(self.0 | 1 << r.0)
    }
    /// Without `r`.
    pub fn without(self, r: Reg) -> RegSet {
        RegSet(self.0 & !(1 << r.0))
    }
}

/// The number of arguments that travel in registers; further ones travel in the thread context.
pub const ARG_REGS: usize = 5;

/// The number of callee-saved registers that generated code uses; bit `i` of a mask is `CALLEE_SAVED[i]`.
pub const SAVED_REGS: usize = 4;

/// A state of the buffer to which it can be cut back.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Bytes of code.
    pub code: usize,
    /// Number of labels.
    pub labels: usize,
    /// Number of fixups.
    pub fixups: usize,
    /// Number of absolute fixups.
    pub absolute: usize,
    /// Number of comments.
    pub comments: usize,
    /// Number of labels bound.
    pub bound: usize,
}

/// The macro assembler.
pub trait MacroAssembler: Sized {
    /// The thread context.
    const CTX: Reg;
    /// The frame pointer: linked frames, always.
    const FP: Reg;
    /// The stack pointer.
    const SP: Reg;
    /// Arguments of Harrier functions; the same registers as arguments 2 to 6 of a C function.
    const ARGS: [Reg; ARG_REGS];
    /// The called closure; the same register as the first argument of a C function.
    const CLOSURE: Reg;
    /// Result of functions.
    const RESULT: Reg;
    /// Never allocated: see the invariants of this module.
    const SCRATCH: Reg;
    /// Never allocated: see the invariants of this module.
    const FSCRATCH: FReg;
    /// Callee-saved registers for locals.
    const CALLEE_SAVED: [Reg; SAVED_REGS];
    /// Caller-saved registers that may be allocated, in order of preference (all of ARGS, CLOSURE and RESULT are among
    /// them).
    const CALLER_SAVED: &'static [Reg];
    /// Float registers that may be allocated; no call preserves them.
    const FLOATS: &'static [FReg];
    /// The registers in which `div_rem` leaves quotient and remainder, when the machine has its own will: they must be free
    /// (or hold the dead operands) when it is called.
    const DIV: Option<(Reg, Reg)>;
    /// The name of the machine: `x86-64`, `arm64`.
    const NAME: &'static str;

    /// An empty buffer.
    fn new() -> Self;

    // ---- buffer, labels ----

    /// Bytes emitted so far.
    fn offset(&self) -> u32;
    /// A new label.
    fn label(&mut self) -> Label;
    /// Binds the label here.
    fn bind(&mut self, label: Label);
    /// Where the label is bound, if it is.
    fn position(&self, label: Label) -> Option<u32>;
    /// The present state.
    fn mark(&self) -> Mark;
    /// Cuts the buffer back to `mark`: code, labels, fixups and comments made since are gone. Labels that existed then and
    /// were bound since become unbound again.
    fn rollback(&mut self, mark: &Mark);
    /// Aligns the head of a loop with the best padding of the machine.
    fn align_loop(&mut self);
    /// Notes a comment at the present offset for listings.
    fn comment(&mut self, text: impl FnOnce() -> String);
    /// Switches comments on (they cost nothing when off).
    fn keep_comments(&mut self, on: bool);

    // ---- moves ----

    /// `dst = src`
    fn mov(&mut self, dst: Reg, src: Reg);
    /// `dst = imm`, the shortest way. Leaves the flags alone.
    fn mov_imm(&mut self, dst: Reg, imm: i64);
    /// `dst = *mem`, 64 bits.
    fn load(&mut self, dst: Reg, mem: Mem);
    /// `dst = *mem`, 32 bits zero-extended.
    fn load32(&mut self, dst: Reg, mem: Mem);
    /// `dst = *mem`, 8 bits zero-extended.
    fn load8(&mut self, dst: Reg, mem: Mem);
    /// Has the cache line of `mem` fetched; any address will do.
    fn prefetch(&mut self, mem: Mem);
    /// `*mem = src`, 64 bits.
    fn store(&mut self, mem: Mem, src: Reg);
    /// `*mem = src`, 8 bits.
    fn store8(&mut self, mem: Mem, src: Reg);
    /// `*mem = src`, 64 bits, where other threads may read it: who sees `src` there sees all that this thread stored before.
    fn store_release(&mut self, mem: Mem, src: Reg);
    /// `*mem = imm`, 64 bits sign-extended.
    fn store_imm(&mut self, mem: Mem, imm: i32);
    /// `dst =` the address of `mem`. Leaves the flags alone.
    fn lea(&mut self, dst: Reg, mem: Mem);
    /// `dst = *address`: a data cell in the reserved range.
    fn load_cell(&mut self, dst: Reg, address: usize);
    /// `*address = src`: a data cell in the reserved range.
    fn store_cell(&mut self, address: usize, src: Reg);
    /// Exchanges two registers.
    fn swap(&mut self, a: Reg, b: Reg);

    // ---- integers ----

    /// `dst = a op b`
    fn alu(&mut self, op: Alu, dst: Reg, a: Reg, b: Reg);
    /// `dst = a op imm`; any imm.
    fn alu_imm(&mut self, op: Alu, dst: Reg, a: Reg, imm: i64);
    /// `dst = a op *mem`
    fn alu_mem(&mut self, op: Alu, dst: Reg, a: Reg, mem: Mem);
    /// `dst = a op b` (Add, Sub), to `overflow` when the signed result does not fit; then `dst` holds the wrapped result.
    fn alu_overflow(&mut self, op: Alu, dst: Reg, a: Reg, b: Reg, overflow: Label);
    /// `dst = a op imm` (Add, Sub), likewise.
    fn alu_imm_overflow(&mut self, op: Alu, dst: Reg, a: Reg, imm: i64, overflow: Label);
    /// `dst = a * b`, to `overflow` when it does not fit; then `dst` is lost (`a` and `b` are not, unless they are `dst`).
    fn mul_overflow(&mut self, dst: Reg, a: Reg, b: Reg, overflow: Label);
    /// `dst = a * b`, wrapping.
    fn mul(&mut self, dst: Reg, a: Reg, b: Reg);
    /// `dst = -a`, to `overflow` when it does not fit.
    fn neg_overflow(&mut self, dst: Reg, a: Reg, overflow: Label);
    /// `quotient = a / b`, `remainder = a % b`, truncating; `b` is not 0, and not -1 with the smallest `a`. See `DIV`.
    /// `b` may not be one of the `DIV` registers; `a` may.
    fn div_rem(&mut self, quotient: Reg, remainder: Reg, a: Reg, b: Reg);
    /// `dst = a shifted by count` (0 to 63).
    fn shift_imm(&mut self, op: Shift, dst: Reg, a: Reg, count: u8);
    /// `dst = a shifted by count`; any registers.
    fn shift(&mut self, op: Shift, dst: Reg, a: Reg, count: Reg);
    /// `dst =` number of one bits in `a`.
    fn popcount(&mut self, dst: Reg, a: Reg);

    // ---- flags and branches ----

    /// Flags of `a - b`.
    fn compare(&mut self, a: Reg, b: Reg);
    /// Flags of `a - imm`; any imm.
    fn compare_imm(&mut self, a: Reg, imm: i64);
    /// Flags of `a - *mem`, 64 bits.
    fn compare_mem(&mut self, a: Reg, mem: Mem);
    /// Flags of `*mem - imm`, 32 bits.
    fn compare_mem32_imm(&mut self, mem: Mem, imm: u32);
    /// Flags of `a - *mem`, 32 bits.
    fn compare32_mem(&mut self, a: Reg, mem: Mem);
    /// Flags of `a & imm`: `Equal` when no bit is set.
    fn test_imm(&mut self, a: Reg, imm: i64);
    /// Flags of `a & b`.
    fn test(&mut self, a: Reg, b: Reg);
    /// To `label`.
    fn jump(&mut self, label: Label);
    /// To `label` when the flags say so.
    fn branch(&mut self, cond: Cond, label: Label);
    /// `dst = 1` when the flags say so, else 0.
    fn set(&mut self, cond: Cond, dst: Reg);
    /// To `label` when `a cond b` is `when`. Changes the flags.
    fn branch_float(&mut self, cond: FCond, a: FReg, b: FReg, when: bool, label: Label);
    /// To `label` when the stack pointer is at or below the word at `CTX + disp`.
    fn branch_stack_limit(&mut self, disp: i32, label: Label);

    // ---- floats ----

    /// `dst = src`
    fn fmov(&mut self, dst: FReg, src: FReg);
    /// `dst = value`
    fn fmov_imm(&mut self, dst: FReg, value: f64);
    /// `dst = *mem`
    fn fload(&mut self, dst: FReg, mem: Mem);
    /// `*mem = src`
    fn fstore(&mut self, mem: Mem, src: FReg);
    /// `dst = a op b`
    fn falu(&mut self, op: Falu, dst: FReg, a: FReg, b: FReg);
    /// `dst = sqrt(a)`
    fn fsqrt(&mut self, dst: FReg, a: FReg);
    /// `dst = -a` (the sign bit)
    fn fneg(&mut self, dst: FReg, a: FReg);
    /// `dst = |a|`
    fn fabs(&mut self, dst: FReg, a: FReg);
    /// `dst = a` rounded to an integral value
    fn fround(&mut self, mode: Round, dst: FReg, a: FReg);
    /// `dst = src` as a float
    fn int_to_float(&mut self, dst: FReg, src: Reg);
    /// `dst = src` truncated; what does not fit gives i64::MIN on x86-64 and saturates on ARM64: check the range before.
    fn float_to_int(&mut self, dst: Reg, src: FReg);
    /// The bits.
    fn float_bits(&mut self, dst: Reg, src: FReg);
    /// The float with these bits.
    fn bits_float(&mut self, dst: FReg, src: Reg);
    /// The float of a self-tagged word (bit 1 set): `rotr(src - 3, 4)`. `src` is kept.
    fn untag_float(&mut self, dst: FReg, src: Reg);
    /// The self-tagged word of a float: `rotl(bits, 4) + 3`; to `boxed` when bit 1 of that is clear (the float must be boxed).
    fn tag_float(&mut self, dst: Reg, src: FReg, boxed: Label);

    // ---- calls and frames ----

    /// Calls through the data cell. The return address is `offset()` afterwards.
    fn call_cell(&mut self, address: usize);
    /// Jumps through the data cell.
    fn jump_cell(&mut self, address: usize);
    /// Calls the address in memory.
    fn call_mem(&mut self, mem: Mem);
    /// Jumps to the address in memory.
    fn jump_mem(&mut self, mem: Mem);
    /// Calls code in the reserved range.
    fn call_code(&mut self, address: usize);
    /// Jumps to code in the reserved range.
    fn jump_code(&mut self, address: usize);
    /// Calls a label (this function itself).
    fn call_label(&mut self, label: Label);
    /// Calls a C function anywhere that neither collects nor throws; all caller-saved registers are lost, the result is in
    /// RESULT or the first float register. The stack pointer is 16-byte aligned.
    fn call_c(&mut self, address: usize);
    /// Jumps to the address in a register.
    fn jump_reg(&mut self, target: Reg);
    /// Links the frame, reserves `frame_size` bytes (to be set later with [`MacroAssembler::set_frame_size`]) and saves the
    /// callee-saved registers of the mask (bit `i` is `CALLEE_SAVED[i]`) directly below the frame pointer, lowest bit
    /// first: the first at `FP - 8`, the second at `FP - 16`…
    fn prologue(&mut self, saved: u8) -> u32;
    /// Sets the frame size of the prologue at this offset: the bytes below the frame pointer, saved registers included, a
    /// multiple of 16.
    fn set_frame_size(&mut self, prologue: u32, bytes: u32);
    /// Restores the registers and the caller's frame; `ret` or a jump follows. Leaves ARGS, CLOSURE, RESULT alone.
    fn epilogue(&mut self, saved: u8);
    /// Returns.
    fn ret(&mut self);
    /// Stops the process with a trap: for code that cannot be reached.
    fn trap(&mut self);

    // ---- the end ----

    /// Resolves the labels. `Err` says which limit the code is beyond.
    fn finish(self) -> Result<Assembled, TooFar>;
}

/// Finished code that is not yet at its place.
#[derive(Debug)]
pub struct Assembled {
    /// The bytes; label references are resolved.
    pub code: Vec<u8>,
    /// References to absolute addresses in the reserved range, resolved when the place is known.
    pub absolute: Vec<AbsoluteFixup>,
    /// Comments by offset.
    pub comments: Vec<(u32, String)>,
}

/// A reference from code to an absolute address in the reserved range.
#[derive(Debug, Clone, Copy)]
pub struct AbsoluteFixup {
    /// Offset of the field.
    pub at: u32,
    /// How the field is encoded: the machine's own numbering.
    pub kind: u8,
    /// The address.
    pub target: usize,
}

/// A branch that does not reach its label.
#[derive(Debug, thiserror::Error)]
#[error("a branch at offset {at} does not reach its target: the function is too large")]
pub struct TooFar {
    /// Offset of the branch.
    pub at: u32,
}
