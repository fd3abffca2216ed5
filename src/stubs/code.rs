//! Code at its own places: ways out of frames, counted calls, jumps through dispatch tables, and the boxing of Floats.
//!
//! Owns what is written through the macro assembler; what differs more by machine is in `asm/<machine>/stubs.rs`.

use crate::asm::Host;
use crate::asm::masm::{Assembled, FReg, MacroAssembler, Mem, Reg, TooFar};
use crate::asm::memory::MemoryError;
use crate::asm::stubs::{Counter, StubConfig, call_counter};
use crate::emit::objects;
use crate::gc::mutator::thread as context;

/// Where the fields are that the stubs touch.
pub const CONFIG: StubConfig = context::stub_config();

/// Gives up the present frame, whose caller's registers are in place, and goes where the context says, with what is spilled.
pub(super) fn jump_code<M: MacroAssembler>() -> Result<Assembled, TooFar> {
    let mut masm = M::new();
    masm.store_imm(Mem::at(M::CTX, CONFIG.spilled), 0);
    masm.load(M::CLOSURE, Mem::at(M::CTX, CONFIG.closure));
    for (i, arg) in M::ARGS.into_iter().enumerate() {
        masm.load(arg, Mem::at(M::CTX, CONFIG.arg_spill + 8 * i as i32));
    }
    masm.epilogue(0);
    let target = M::CALLER_SAVED.iter().copied().find(|r| *r != M::CLOSURE && !M::ARGS.contains(r));
    let target = target.unwrap_or(M::RESULT);
    masm.load(target, Mem::at(M::CTX, context::OFFSET_JUMP));
    masm.store_imm(Mem::at(M::CTX, context::OFFSET_JUMP), 0);
    masm.jump_reg(target);
    masm.finish()
}

/// Stores the number of arguments and jumps on.
pub(super) fn counted(argc: i32, exit: usize) -> Result<Assembled, MemoryError> {
    let mut masm = Host::new();
    count_and_jump(&mut masm, argc, exit);
    masm.finish().map_err(super::table::refused)
}

pub(super) fn count_and_jump<M: MacroAssembler>(masm: &mut M, argc: i32, exit: usize) {
    masm.store_imm(Mem::at(M::CTX, CONFIG.arg_count), argc);
    masm.jump_code(exit);
}

/// On entry: the arguments of a call. Clobbers RESULT and one caller-saved register that carries no argument.
pub(super) fn dispatcher_code<M: MacroAssembler>(cell: usize) -> Result<Assembled, TooFar> {
    let mut masm = M::new();
    let value = M::ARGS[0];
    let low = M::RESULT;
    let table = M::CALLER_SAVED
        .iter()
        .copied()
        .find(|r| *r != low && *r != M::CLOSURE && !M::ARGS.contains(r))
        .unwrap_or(M::CLOSURE);
    let (go, other) = (masm.label(), masm.label());
    objects::branch_unless_object(&mut masm, value, other);
    objects::load_class(&mut masm, low, value);
    masm.bind(go);
    masm.load_cell(table, cell);
    masm.jump_mem(Mem::indexed(table, low, 2, 0));
    masm.bind(other);
    objects::classify(&mut masm, low, value, go);
    Ok(masm.finish()?.going_on())
}

/// The stub that boxes the float in FSCRATCH into the scratch register and keeps all other registers: it never collects, so nobody walks
/// its frame.
pub fn box_float<M: MacroAssembler>(function: usize, counter: Option<Counter>) -> Result<Assembled, TooFar> {
    let mut asm = M::new();
    let mut kept = Kept::save(&mut asm);
    let result = kept.slot::<M>();
    if let Some(counter) = counter {
        // The float is kept where the result will be.
        asm.fstore(result, M::FSCRATCH);
        call_counter(&mut asm, counter);
        asm.fload(M::FSCRATCH, result);
    }
    asm.float_bits(M::ARGS[0], M::FSCRATCH);
    asm.mov(M::CLOSURE, M::CTX);
    asm.call_c(function);
    asm.store(result, M::RESULT);
    kept.restore(&mut asm);
    asm.scratch().load(result).return_from(0);
    kept.end(&mut asm);
    asm.finish()
}

/// The stub that remembers a store: the object, tagged, is in FSCRATCH, the address of the slot in FSCRATCH2. It keeps all registers
/// but the scratch registers, and never collects. `function`: see [`crate::gc::mutator::slow::remember`].
pub fn remember<M: MacroAssembler>(function: usize) -> Result<Assembled, TooFar> {
    let mut asm = M::new();
    let kept = Kept::save(&mut asm);
    asm.float_bits(M::ARGS[0], M::FSCRATCH);
    asm.float_bits(M::ARGS[1], M::FSCRATCH2);
    asm.mov(M::CLOSURE, M::CTX);
    asm.call_c(function);
    kept.restore(&mut asm);
    asm.epilogue(0);
    asm.ret();
    kept.end(&mut asm);
    asm.finish()
}

/// All registers that a call clobbers, in a frame meanwhile; the float scratch registers keep what is in them.
struct Kept {
    prologue: u32,
    general: Vec<(Reg, Mem)>,
    floats: Vec<(FReg, Mem)>,
    slots: usize,
}

impl Kept {
    fn save<M: MacroAssembler>(asm: &mut M) -> Kept {
        let prologue = asm.prologue(0);
        let mut kept = Kept { prologue, general: Vec::new(), floats: Vec::new(), slots: 0 };
        kept.general = M::CALLER_SAVED.iter().map(|r| (*r, kept.slot::<M>())).collect();
        kept.floats = M::FLOATS.iter().map(|f| (*f, kept.slot::<M>())).collect();
        kept.general.iter().for_each(|(r, mem)| asm.store(*mem, *r));
        kept.floats.iter().for_each(|(f, mem)| asm.fstore(*mem, *f));
        kept
    }

    /// Another word of the frame.
    fn slot<M: MacroAssembler>(&mut self) -> Mem {
        self.slots += 1;
        Mem::at(M::FP, -8 * self.slots as i32)
    }

    fn restore<M: MacroAssembler>(&self, asm: &mut M) {
        self.general.iter().for_each(|(r, mem)| asm.load(*r, *mem));
        self.floats.iter().for_each(|(f, mem)| asm.fload(*f, *mem));
    }

    fn end<M: MacroAssembler>(self, asm: &mut M) {
        asm.set_frame_size(self.prologue, (8 * self.slots as u32).next_multiple_of(16));
    }
}
