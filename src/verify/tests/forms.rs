//! The list of forms in `arm64.rs` is closed: it has what the assembler writes, and nothing else.

use crate::asm::arm64::Arm64;
use crate::asm::arm64::regs::{SCRATCH, SP};
use crate::asm::masm::*;
use crate::verify::arm64::{FORMS, Instruction};
use dynasmrt::aarch64::encode_logical_immediate_64bit;

const IMMEDIATES: [i64; 22] = [
    0,
    1,
    2,
    3,
    5,
    7,
    8,
    255,
    4095,
    4096,
    0xFFF_000,
    0x1234_5678,
    0xFFFF_0000,
    1 << 40,
    0x7FFF_FFFF_FFFF_FFFF,
    -1,
    -2,
    -8,
    -4096,
    -0x1234_5678,
    -0x1234_5678_9ABC,
    i64::MIN,
];
const DISPLACEMENTS: [i32; 12] = [0, 1, -1, 7, 8, -8, 255, -256, 4096, 40_000, -40_000, 1 << 20];

/// Registers that stand for all.
const R: [Reg; 4] = [Reg(1), Reg(2), Reg(3), Reg(19)];
const F: [FReg; 3] = [FReg(0), FReg(16), FReg(31)];

/// Every method of the assembler that writes code into bodies, with each kind of operand.
fn everything() -> Vec<u8> {
    let mut asm = Arm64::new();
    let prologue = asm.prologue(0b1111);
    moves(&mut asm);
    integers(&mut asm);
    flags_and_branches(&mut asm);
    floats(&mut asm);
    calls(&mut asm);
    for saved in 0..16 {
        let prologue = asm.prologue(saved);
        asm.set_frame_size(prologue, 0x1230);
        asm.epilogue(saved);
        asm.ret();
    }
    asm.set_large_frame_size(prologue, 0b1111, 0x12_3450, 8, 0x7100_0000);
    let mut code = asm.finish().expect("it is short");
    // What is far stays as it was written; what is near becomes a `b` or `bl`.
    for fixup in &code.absolute {
        assert!(crate::asm::arm64::apply_absolute(&mut code.code, 0x7000_0000, fixup));
    }
    code.code
}

fn places() -> Vec<Mem> {
    let near = DISPLACEMENTS.map(|disp| Mem::at(R[0], disp));
    let indexed = (0..4).flat_map(|scale| DISPLACEMENTS.map(move |disp| Mem::indexed(R[0], R[1], scale, disp)));
    near.into_iter().chain(indexed).chain([Mem::at(SP, 8), Mem::at(SP, -40_000)]).collect()
}

fn moves(asm: &mut Arm64) {
    for (dst, src) in [(R[0], R[1]), (R[0], R[0]), (SP, R[0]), (R[0], SP)] {
        asm.mov(dst, src);
    }
    asm.swap(R[0], R[1]);
    for imm in IMMEDIATES {
        asm.mov_imm(R[0], imm);
        asm.store_imm(Mem::at(R[0], 8), imm as i32);
    }
    for mem in places() {
        asm.load(R[2], mem);
        asm.load32(R[2], mem);
        asm.load8(R[2], mem);
        asm.prefetch(mem);
        asm.store(mem, R[2]);
        asm.store8(mem, R[2]);
        asm.store_release(mem, R[2]);
        asm.load_acquire(R[2], mem);
        asm.lea(R[2], mem);
        asm.fload(F[0], mem);
        asm.fstore(mem, F[0]);
    }
    asm.store(Mem::at(R[0], 0), SP);
    asm.load_cell(R[0], 0x7800_0000);
    asm.store_cell(0x7800_0000, R[0]);
    asm.align_loop();
}

fn integers(asm: &mut Arm64) {
    let overflow = asm.label();
    for op in [Alu::Add, Alu::Sub, Alu::And, Alu::Or, Alu::Xor] {
        asm.alu(op, R[0], R[1], R[2]);
        asm.alu(op, R[0], R[1], SP);
        asm.alu_mem(op, R[0], R[1], Mem::at(R[2], 8));
        for imm in IMMEDIATES {
            asm.alu_imm(op, R[0], R[1], imm);
        }
    }
    for op in [Alu::Add, Alu::Sub] {
        asm.alu(op, SP, SP, R[0]);
        asm.alu_overflow(op, R[0], R[1], R[2], overflow);
        asm.alu_overflow(op, R[0], SP, R[2], overflow);
        for imm in IMMEDIATES {
            asm.alu_imm_overflow(op, R[0], R[1], imm, overflow);
        }
    }
    asm.mul_overflow(R[0], R[1], R[2], overflow);
    asm.mul(R[0], R[1], R[2]);
    asm.neg_overflow(R[0], R[1], overflow);
    asm.div_rem(R[0], R[1], R[2], R[3]);
    asm.div_rem(R[0], R[1], R[0], R[3]);
    for op in [Shift::Left, Shift::Right, Shift::RightLogical] {
        for count in 0..64 {
            asm.shift_imm(op, R[0], R[1], count);
        }
        asm.shift(op, R[0], R[1], R[2]);
    }
    asm.popcount(R[0], R[1]);
    asm.bind(overflow);
}

fn flags_and_branches(asm: &mut Arm64) {
    let label = asm.label();
    asm.bind(label);
    for (a, b) in [(R[0], R[1]), (SP, R[0]), (R[0], SP)] {
        asm.compare(a, b);
    }
    for imm in IMMEDIATES {
        asm.compare_imm(R[0], imm);
        asm.compare_mem_imm(Mem::at(R[0], 8), imm);
        asm.compare_mem32_imm(Mem::at(R[0], -1), imm as u32);
        asm.test_imm(R[0], imm);
    }
    for mem in places() {
        asm.test_mem8_imm(mem, 1);
        asm.test_mem8_imm(mem, 5);
    }
    asm.compare_mem(R[0], Mem::at(R[1], 8));
    asm.compare32_mem(R[0], Mem::at(R[1], 8));
    asm.test(R[0], R[1]);
    asm.jump(label);
    use Cond::*;
    for cond in [Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, Below, BelowEqual, Above, AboveEqual] {
        asm.branch(cond, label);
        asm.set(cond, R[0]);
    }
    asm.branch_stack_limit(8, label);
}

fn floats(asm: &mut Arm64) {
    let label = asm.label();
    for cond in [FCond::Equal, FCond::NotEqual, FCond::Less, FCond::LessEqual, FCond::Greater, FCond::GreaterEqual] {
        asm.branch_float(cond, F[0], F[1], true, label);
        asm.branch_float(cond, F[0], F[1], false, label);
    }
    for value in [0.0, -0.0, 1.0, 1.5, 0.1, f64::NAN, f64::INFINITY] {
        asm.fmov_imm(F[2], value);
    }
    for op in [Falu::Add, Falu::Sub, Falu::Mul, Falu::Div] {
        asm.falu(op, F[2], F[0], F[1]);
    }
    for mode in [Round::Floor, Round::Ceil, Round::Truncate] {
        asm.fround(mode, F[0], F[1]);
    }
    asm.fmov(F[0], F[1]);
    asm.fsqrt(F[0], F[1]);
    asm.fneg(F[0], F[1]);
    asm.fabs(F[0], F[1]);
    asm.int_to_float(F[0], R[0]);
    asm.float_to_int(R[0], F[0]);
    asm.float_bits(R[0], F[0]);
    asm.bits_float(F[0], R[0]);
    asm.untag_float(F[0], R[0]);
    asm.tag_float(R[0], F[0], label);
    asm.bind(label);
}

fn calls(asm: &mut Arm64) {
    let label = asm.label();
    asm.bind(label);
    asm.call_cell(0x7800_0000);
    asm.jump_cell(0x7800_0000);
    for mem in places() {
        asm.call_mem(mem);
        asm.jump_mem(mem);
    }
    for near in [0x7000_1000, 0x7100_0000, 0xA000_0000] {
        asm.call_code(near);
        asm.jump_code(near);
    }
    asm.call_label(label);
    asm.call_c(0x7FFF_1234_5678);
    asm.jump_reg(SCRATCH);
    asm.trap();
}

#[test]
fn each_form_that_the_assembler_writes_is_known_and_no_other() {
    let mut used = vec![false; FORMS.len()];
    for bytes in everything().chunks_exact(4) {
        let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let row = FORMS.iter().position(|(mask, bits, _)| word & mask == *bits);
        let row = row.unwrap_or_else(|| panic!("{word:#010x} is no form that the verifier knows"));
        used[row] = true;
    }
    let unused: Vec<_> = FORMS.iter().zip(used).filter(|(_, used)| !used).map(|(form, _)| form).collect();
    assert!(unused.is_empty(), "nobody writes {unused:x?}");
}

/// No word is of two forms, and bits outside of its mask are none of a form.
#[test]
fn forms_are_distinct() {
    for (index, (mask, bits, form)) in FORMS.iter().enumerate() {
        assert_eq!(bits & !mask, 0, "{form:?}");
        for (other_mask, other_bits, other) in &FORMS[..index] {
            let both = mask & other_mask;
            assert_ne!(bits & both, other_bits & both, "{form:?} and {other:?}");
        }
    }
}

/// The immediates of logical instructions are read as they are written.
#[test]
fn masks_are_read_back() {
    let mut tried = 0;
    for ones in 1..64u32 {
        for turn in 0..64 {
            for size in [2u32, 4, 8, 16, 32, 64] {
                let element = (1u128 << (ones % size)) as u64 - 1;
                let mask = (0..64 / size).fold(0u64, |all, index| all | element << (index * size)).rotate_right(turn);
                let Some(field) = encode_logical_immediate_64bit(mask) else { continue };
                assert_eq!(Instruction::read(0x9200_0000 | u32::from(field) << 10).expect("a form").mask(), mask);
                tried += 1;
            }
        }
    }
    assert!(tried > 5_000, "{tried}");
}
