//! Tests of the assembler by execution: generated code runs and is compared with what Rust computes.
//!
//! Written against the trait, so that the same tests run on every machine.

mod arm64;
mod barriers;
mod code_map;
mod disasm;
mod masm_floats;
mod masm_integers;
mod memory;
mod scratch;
mod stubs;
mod walking;

use super::Host;
use super::host;
use super::masm::*;
use super::memory::{CodeMemory, RANGE_BYTES};
use super::stubs::{LandingConfig, StubConfig};
use std::mem::offset_of;

/// A thread context with room for everything that the tests want to see.
#[repr(C)]
#[derive(Clone)]
pub struct Ctx {
    pub exit_frame: u64,
    pub closure: u64,
    pub spilled: u64,
    pub arg_count: u64,
    pub exception: u64,
    pub pc: u64,
    pub sp: u64,
    pub fp: u64,
    pub saved: [u64; SAVED_REGS],
    pub arg_spill: [u64; 32],
    pub regs_in: [u64; 32],
    pub regs_out: [u64; 32],
    pub floats_in: [u64; 32],
    pub floats_out: [u64; 32],
    pub memory: [u64; 64],
    pub taken: u64,
    pub log: Vec<u64>,
    pub core: [usize; 4],
}

impl Ctx {
    pub fn new() -> Box<Ctx> {
        Box::new(Ctx {
            exit_frame: 0,
            closure: 0,
            spilled: 0,
            arg_count: 0,
            exception: 0,
            pc: 0,
            sp: 0,
            fp: 0,
            saved: [0; 4],
            arg_spill: [0; 32],
            regs_in: [0; 32],
            regs_out: [0; 32],
            floats_in: [0; 32],
            floats_out: [0; 32],
            memory: [0; 64],
            taken: 0,
            log: Vec::new(),
            core: [0; 4],
        })
    }
}

pub fn config() -> StubConfig {
    StubConfig {
        exit_frame: offset_of!(Ctx, exit_frame) as i32,
        arg_spill: offset_of!(Ctx, arg_spill) as i32,
        closure: offset_of!(Ctx, closure) as i32,
        spilled: offset_of!(Ctx, spilled) as i32,
        arg_count: offset_of!(Ctx, arg_count) as i32,
        exception: offset_of!(Ctx, exception) as i32,
        no_exception: 0,
        landing: LandingConfig {
            pc: offset_of!(Ctx, pc) as i32,
            sp: offset_of!(Ctx, sp) as i32,
            fp: offset_of!(Ctx, fp) as i32,
            saved: offset_of!(Ctx, saved) as i32,
        },
    }
}

type Enter = extern "C" fn(*mut Ctx, usize, u64, *const u64) -> u64;

/// Code memory with the core stubs in it.
pub struct Rig {
    pub memory: CodeMemory,
    pub enter: Enter,
    pub entry_return: usize,
    pub propagate: usize,
    pub throw: usize,
    pub random: Random,
}

impl Rig {
    pub fn new(seed: u64, unwind: usize) -> Rig {
        let memory = CodeMemory::reserve(RANGE_BYTES).expect("reserve");
        let core = host::stubs::core(&config(), unwind).expect("core");
        let at = memory.publish_with_room(&[&core.code], 0).expect("publish").starts[0];
        Rig {
            memory,
            // SAFETY: `enter` has this signature.
            enter: unsafe { std::mem::transmute::<usize, Enter>(at + core.enter as usize) },
            entry_return: at + core.entry_return as usize,
            propagate: at + core.propagate as usize,
            throw: at + core.throw as usize,
            random: Random(seed | 1),
        }
    }

    /// Publishes one function and calls it.
    pub fn call(&self, ctx: &mut Ctx, code: &Assembled, closure: u64, args: [u64; 5]) -> u64 {
        let published = self.memory.publish_with_room(&[code], 0).expect("publish");
        let result = (self.enter)(ctx, published.starts[0], closure, args.as_ptr());
        // SAFETY: nobody runs in it.
        unsafe { self.memory.free_chunk(published.chunk) }.expect("free");
        result
    }

    /// Runs what `emit` emits with all registers loaded from `ctx`, and stores them all back. The label that `emit` gets
    /// leads to `taken = 1`.
    pub fn run(&self, ctx: &mut Ctx, emit: impl FnOnce(&mut Host, Label)) {
        let mut masm = Host::new();
        let (taken, out) = (masm.label(), masm.label());
        let prologue = masm.prologue(0b1111);
        masm.set_frame_size(prologue, 128);
        for r in registers() {
            masm.load(r, ctx_mem(offset_of!(Ctx, regs_in) + 8 * r.0 as usize));
        }
        for f in Host::FLOATS {
            masm.fload(*f, ctx_mem(offset_of!(Ctx, floats_in) + 8 * f.0 as usize));
        }
        emit(&mut masm, taken);
        masm.store_imm(ctx_mem(offset_of!(Ctx, taken)), 0);
        masm.jump(out);
        masm.bind(taken);
        masm.store_imm(ctx_mem(offset_of!(Ctx, taken)), 1);
        masm.bind(out);
        for r in registers() {
            masm.store(ctx_mem(offset_of!(Ctx, regs_out) + 8 * r.0 as usize), r);
        }
        for f in Host::FLOATS {
            masm.fstore(ctx_mem(offset_of!(Ctx, floats_out) + 8 * f.0 as usize), *f);
        }
        masm.epilogue(0b1111);
        masm.ret();
        let code = masm.finish().expect("finish");
        self.call(ctx, &code, 0, [0; 5]);
    }

    /// Fills the registers with numbers that tests like.
    pub fn shuffle(&mut self, ctx: &mut Ctx) {
        for r in 0..32 {
            ctx.regs_in[r] = self.random.word();
            ctx.floats_in[r] = self.random.float().to_bits();
        }
        for word in &mut ctx.memory {
            *word = self.random.word();
        }
    }

    /// Runs `emit` and expects that only the named registers change, and the branch to be taken or not.
    pub fn check(
        &self,
        ctx: &mut Ctx,
        what: &str,
        emit: impl FnOnce(&mut Host, Label),
        changed: &[(Reg, Option<u64>)],
        taken: bool,
    ) {
        self.run(ctx, emit);
        for r in registers() {
            match changed.iter().find(|(c, _)| *c == r) {
                Some((_, None)) => {}
                Some((_, Some(value))) => {
                    assert_eq!(ctx.regs_out[r.0 as usize], *value, "{what}: {r:?} is wrong, inputs {:x?}", ctx.regs_in)
                }
                None => assert_eq!(ctx.regs_out[r.0 as usize], ctx.regs_in[r.0 as usize], "{what}: {r:?} is clobbered"),
            }
        }
        for f in Host::FLOATS {
            let f = f.0 as usize;
            assert_eq!(ctx.floats_out[f], ctx.floats_in[f], "{what}: float {f} is clobbered");
        }
        assert_eq!(ctx.taken == 1, taken, "{what}: branch, inputs {:x?}", ctx.regs_in);
    }

    pub fn reg(&mut self) -> Reg {
        let all = registers();
        all[self.random.below(all.len())]
    }

    pub fn freg(&mut self) -> FReg {
        Host::FLOATS[self.random.below(Host::FLOATS.len())]
    }

    /// Three registers that are often the same.
    pub fn regs(&mut self) -> (Reg, Reg, Reg) {
        let (x, y, z) = (self.reg(), self.reg(), self.reg());
        match self.random.below(8) {
            0 => (x, x, y),
            1 => (x, y, x),
            2 => (x, y, y),
            3 => (x, x, x),
            _ => (x, y, z),
        }
    }

    /// A memory operand that names word `word` of `ctx.memory`; sets the registers it needs.
    pub fn mem(&mut self, ctx: &mut Ctx, word: usize) -> Mem {
        let address = &raw const ctx.memory[word] as u64;
        let (base, index) = (self.reg(), self.reg());
        let disp = [0, 8, -8, 127, -128, 128, 256, 4096, -4096, 40000, 0x123456, -0x654321][self.random.below(12)];
        let scale = self.random.below(4) as u8;
        match self.random.below(4) {
            0 | 1 => {
                ctx.regs_in[base.0 as usize] = address.wrapping_sub(disp as i64 as u64);
                Mem::at(base, disp)
            }
            2 if base != index => {
                let value = self.random.word() >> 20;
                ctx.regs_in[index.0 as usize] = value;
                ctx.regs_in[base.0 as usize] = address.wrapping_sub(value << scale).wrapping_sub(disp as i64 as u64);
                Mem::indexed(base, index, scale, disp)
            }
            _ => Mem::at(Host::CTX, (offset_of!(Ctx, memory) + 8 * word) as i32),
        }
    }
}

pub fn ctx_mem(offset: usize) -> Mem {
    Mem::at(Host::CTX, offset as i32)
}

pub fn registers() -> Vec<Reg> {
    Host::CALLER_SAVED.iter().chain(&Host::CALLEE_SAVED).copied().collect()
}

/// Xorshift, with a taste for the edges.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n
    }

    pub fn word(&mut self) -> u64 {
        const EDGES: [i64; 24] = [
            0,
            1,
            -1,
            2,
            8,
            127,
            128,
            -128,
            -129,
            255,
            256,
            0x7FFF_FFFF,
            0x8000_0000,
            -0x8000_0000,
            -0x8000_0001,
            0xFFFF_FFFF,
            0x1_0000_0000,
            i64::MAX,
            i64::MIN,
            i64::MIN + 1,
            0xFFF,
            0x1000,
            0xFFF000,
            0x5555_5555_5555_5555,
        ];
        match self.below(4) {
            0 => EDGES[self.below(EDGES.len())] as u64,
            1 => self.next() >> self.below(64),
            2 => ((self.next() as i64) >> self.below(64)) as u64,
            _ => self.next(),
        }
    }

    pub fn float(&mut self) -> f64 {
        const EDGES: [f64; 14] = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            1.5,
            -2.5,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            f64::MIN_POSITIVE,
            f64::MAX,
            1e100,
            4503599627370497.5,
            -0.25,
        ];
        match self.below(3) {
            0 => EDGES[self.below(EDGES.len())],
            1 => (self.next() as i64 >> 40) as f64 / 16.0,
            _ => f64::from_bits(self.next()),
        }
    }
}
