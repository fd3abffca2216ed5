//! The macro assembler: one trait, one implementation for each machine.
//!
//! Owns the vocabulary in which the generator asks for instructions. It knows registers, memory, flags, labels and frames;
//! it knows nothing of the language (tags, layouts and calling of functions belong to `codegen`, with the one exception of
//! float tagging, whose best sequence differs by machine). Three-operand throughout; an implementation narrows.
//!
//! Invariants: no method but those that say so changes the flags between a comparison and its branch. The scratch registers
//! are never allocated. A method may need the general one for itself (for an immediate that does not fit, say), so nobody
//! else names it: [`MacroAssembler::scratch`] gives it out as a value that keeps hold of the assembler, and what can be done
//! while a word is in it is what [`Scratch`] has. `FSCRATCH` may be handed to a method directly after the one that wrote it,
//! but not to `falu`.

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
    /// Number of changes of the frame.
    pub frames: usize,
}

/// The scratch register of a machine, which only the implementations and [`Scratch`] name.
pub(in crate::asm) trait HasScratch {
    /// Never allocated.
    const SCRATCH: Reg;
}

/// The scratch register while nothing is in it.
#[must_use]
pub struct EmptyScratch<'a, M: MacroAssembler>(&'a mut M);

impl<'a, M: MacroAssembler> EmptyScratch<'a, M> {
    fn filled(self, fill: impl FnOnce(&mut M, Reg)) -> Scratch<'a, M> {
        fill(self.0, M::SCRATCH);
        Scratch(self.0)
    }
    /// Holds `src`.
    pub fn mov(self, src: Reg) -> Scratch<'a, M> {
        self.filled(|asm, s| asm.mov(s, src))
    }
    /// Holds `imm`.
    pub fn imm(self, imm: i64) -> Scratch<'a, M> {
        self.filled(|asm, s| asm.mov_imm(s, imm))
    }
    /// Holds `*mem`, 64 bits.
    pub fn load(self, mem: Mem) -> Scratch<'a, M> {
        self.filled(|asm, s| asm.load(s, mem))
    }
    /// Holds `*address`, a data cell in the reserved range.
    pub fn load_cell(self, address: usize) -> Scratch<'a, M> {
        self.filled(|asm, s| asm.load_cell(s, address))
    }
    /// Holds the address of `mem`.
    pub fn lea(self, mem: Mem) -> Scratch<'a, M> {
        self.filled(|asm, s| asm.lea(s, mem))
    }
    /// Holds `a op b`.
    pub fn alu(self, op: Alu, a: Reg, b: Reg) -> Scratch<'a, M> {
        self.filled(|asm, s| asm.alu(op, s, a, b))
    }
    /// Holds `a op imm`; the immediate is small, for a large one would need the register.
    pub fn alu_imm(self, op: Alu, a: Reg, imm: i32) -> Scratch<'a, M> {
        self.filled(|asm, s| asm.alu_imm(op, s, a, imm.into()))
    }
    /// Holds `a` shifted by `count`.
    pub fn shift_imm(self, op: Shift, a: Reg, count: u8) -> Scratch<'a, M> {
        self.filled(|asm, s| asm.shift_imm(op, s, a, count))
    }
    /// Holds what `fill` puts into the register it is given: the result of a helper, which its caller's code expects there.
    pub fn by(self, fill: impl FnOnce(&mut M, Reg)) -> Scratch<'a, M> {
        self.filled(fill)
    }
}

/// The scratch register with a word in it. It cannot be copied and holds on to the assembler: what could clobber the word, a
/// second taking before all, does not compile. Its methods need no scratch register of their own, whatever the operands;
/// `asm/tests/scratch.rs` tries each of them with each kind of operand on both machines.
#[must_use]
pub struct Scratch<'a, M: MacroAssembler>(&'a mut M);

impl<M: MacroAssembler> Scratch<'_, M> {
    /// Flags of `word & mask`: `Equal` when no bit is set.
    pub fn test_mask(self, mask: u32) {
        self.0.test_imm(M::SCRATCH, mask.into());
    }
    /// Flags of `word - b`.
    pub fn compare(self, b: Reg) {
        self.0.compare(M::SCRATCH, b);
    }
    /// Flags of `word - imm`; the immediate is small, for a large one would need the register.
    pub fn compare_imm(self, imm: i32) {
        self.0.compare_imm(M::SCRATCH, imm.into());
    }
    /// Flags of `word - *mem`, 64 bits.
    pub fn compare_mem(self, mem: Mem) {
        self.0.compare_mem(M::SCRATCH, mem);
    }
    /// `*mem = word`
    pub fn store(self, mem: Mem) {
        self.0.store(mem, M::SCRATCH);
    }
    /// `*mem = word`, 8 bits.
    pub fn store8(self, mem: Mem) -> Self {
        self.0.store8(mem, M::SCRATCH);
        self
    }
    /// `dst =` the float with the bits of the word.
    pub fn bits_float(self, dst: FReg) {
        self.0.bits_float(dst, M::SCRATCH);
    }
    /// `dst = word`
    pub fn mov_to(self, dst: Reg) {
        self.0.mov(dst, M::SCRATCH);
    }
    /// `dst = word` as a float.
    pub fn int_to_float(self, dst: FReg) {
        self.0.int_to_float(dst, M::SCRATCH);
    }
    /// Calls the address at `word + disp`.
    pub fn call_at(self, disp: i32) {
        self.0.call_mem(Mem::at(M::SCRATCH, disp));
    }
    /// Jumps to the address at `word + disp`.
    pub fn jump_at(self, disp: i32) {
        self.0.jump_mem(Mem::at(M::SCRATCH, disp));
    }
    /// Calls the address at `word + (index << scale)`.
    pub fn call_indexed(self, index: Reg, scale: u8) {
        self.0.call_mem(Mem::indexed(M::SCRATCH, index, scale, 0));
    }
    /// Jumps to the address at `word + (index << scale)`.
    pub fn jump_indexed(self, index: Reg, scale: u8) {
        self.0.jump_mem(Mem::indexed(M::SCRATCH, index, scale, 0));
    }
    /// Untags the word, a Float, into `dst`; to `boxed` when it is none that is tagged, with the word still here: the code
    /// there takes it up with [`EmptyScratch::by`].
    pub fn untag_float(self, dst: FReg, float_bit: u32, boxed: Label) {
        self.0.test_imm(M::SCRATCH, float_bit.into());
        self.0.branch(Cond::Equal, boxed);
        self.0.untag_float(dst, M::SCRATCH);
    }
    /// `dst = *(word + disp)`
    pub fn fload_at(self, dst: FReg, disp: i32) {
        self.0.fload(dst, Mem::at(M::SCRATCH, disp));
    }
    /// To `label`, where the word is expected.
    pub fn jump(self, label: Label) {
        self.0.jump(label);
    }
    /// Nobody wants the word.
    pub fn forget(self) {}
    /// Meanwhile: `dst = *mem`.
    pub fn and_load(self, dst: Reg, mem: Mem) -> Self {
        self.0.load(dst, mem);
        self
    }
    /// Meanwhile: `dst = *mem`.
    pub fn and_fload(self, dst: FReg, mem: Mem) -> Self {
        self.0.fload(dst, mem);
        self
    }
    /// Leaves the frame and returns, with the word in the register for the caller's code, which calls through
    /// [`EmptyScratch::by`].
    pub fn return_from(self, saved: u8) {
        self.0.epilogue(saved);
        self.0.ret();
    }
}

/// The macro assembler.
#[allow(private_bounds)]
pub trait MacroAssembler: Sized + HasScratch {
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
    const FSCRATCH: FReg;
    /// Likewise, for a second word on the way to the next instruction that calls.
    const FSCRATCH2: FReg;
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

    /// The scratch register, to hold a word in.
    fn scratch(&mut self) -> EmptyScratch<'_, Self> {
        EmptyScratch(self)
    }

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
    /// `dst = *mem`, 64 bits, before all that this thread loads afterwards: see `store_release`.
    fn load_acquire(&mut self, dst: Reg, mem: Mem);
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
    /// Flags of `*mem - imm`, 64 bits; any imm.
    fn compare_mem_imm(&mut self, mem: Mem, imm: i64);
    /// Flags of `*mem - imm`, 32 bits.
    fn compare_mem32_imm(&mut self, mem: Mem, imm: u32);
    /// Flags of `*mem & imm`, 8 bits: `Equal` when no bit is set.
    fn test_mem8_imm(&mut self, mem: Mem, imm: u8);
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
    /// The same for a large frame, which is asked for before `SP` moves: when `SP` would not stay above the address at
    /// `CTX + floor`, the frame is given up and the code at `overflow` called in place of this function. Writes code, so it
    /// comes last. `saved` is the prologue's mask.
    fn set_large_frame_size(&mut self, prologue: u32, saved: u8, bytes: u32, floor: i32, overflow: usize);
    /// What is written next, to which nothing falls through, has no frame.
    fn frameless(&mut self);
    /// After an epilogue: goes to a label in front of the prologue. What follows has the frame again.
    fn leave_to(&mut self, label: Label);
    /// Restores the registers and the caller's frame; `ret` or a jump follows. Changes nothing but the saved registers, the frame
    /// pointer and the stack pointer.
    fn epilogue(&mut self, saved: u8);
    /// Returns.
    fn ret(&mut self);
    /// Stops the process with a trap: for code that cannot be reached.
    fn trap(&mut self);

    // ---- the end ----

    /// Resolves the labels. `Err` says which limit the code is beyond.
    fn finish(self) -> Result<Assembled, TooFar>;
}

/// What there is of a frame at an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame {
    /// Nothing: the return address is where a call leaves it (on the stack, or in its register).
    None,
    /// The return address and the caller's frame pointer are on the stack, the latter on top; the frame pointer is the caller's.
    Pushed,
    /// The frame pointer points to the caller's, which lies below the return address.
    Linked,
}

/// From an offset on the frame is this. 30 bits of offset, for there is one at each prologue and two at each way out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameChange(u32);

impl FrameChange {
    /// At an offset below 2^30.
    pub fn new(at: u32, frame: Frame) -> FrameChange {
        debug_assert!(at < 1 << 30, "code of a function beyond 2^30 bytes");
        FrameChange(at << 2 | frame as u32)
    }

    /// The offset.
    pub fn at(self) -> u32 {
        self.0 >> 2
    }

    /// What there is from there on.
    pub fn frame(self) -> Frame {
        match self.0 & 3 {
            0 => Frame::None,
            1 => Frame::Pushed,
            _ => Frame::Linked,
        }
    }
}

/// Finished code that is not yet at its place.
#[derive(Debug, Default)]
pub struct Assembled {
    /// The bytes; label references are resolved.
    pub code: Vec<u8>,
    /// References to absolute addresses in the reserved range, resolved when the place is known.
    pub absolute: Vec<AbsoluteFixup>,
    /// Comments by offset.
    pub comments: Vec<(u32, String)>,
    /// The callee-saved registers that its prologue saves.
    pub saved: u8,
    /// Where the frame changes, by offset; before the first change there is none.
    pub frames: Vec<FrameChange>,
    /// Code that only goes on to a function.
    pub onward: std::ops::Range<u32>,
}

impl Assembled {
    /// Of a stub that ends in a jump to a function of the program: says so, since debuggers that step into calls have to go along.
    /// It is what stands behind its frame, where it has one, else all of it.
    pub fn going_on(mut self) -> Assembled {
        let end = self.code.len() as u32;
        let left = self.frames.iter().position(|change| change.frame() == Frame::None);
        self.onward = match left {
            Some(left) => self.frames[left].at()..self.frames.get(left + 1).map_or(end, |next| next.at()),
            None => 0..end,
        };
        self
    }
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
