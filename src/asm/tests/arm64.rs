//! ARM64 on any host: what instructions are chosen, and whether far references arrive. (The tests of execution run on the
//! machine itself, or under qemu.)

use super::Random;
use crate::asm::arm64::encode::{CALL, JUMP, PAGE, apply_absolute};
use crate::asm::arm64::{Arm64, regs};
use crate::asm::disasm::{Listing, Machine};
use crate::asm::masm::*;

fn listing(emit: impl FnOnce(&mut Arm64)) -> Vec<String> {
    let mut masm = Arm64::new();
    emit(&mut masm);
    let mut code = masm.finish().expect("finish");
    for fixup in &code.absolute {
        assert!(apply_absolute(&mut code.code, 0x7000_0000, fixup));
    }
    let names = |address| (address == 0x7000_1238).then(|| "cell x".to_string());
    let text = Listing {
        machine: Machine::Arm64,
        code: &code.code,
        address: 0x7000_0000,
        comments: &code.comments,
        names: &names,
        offsets: false,
    }
    .text();
    text.lines().map(|line| line.trim().to_string()).collect()
}

type Emit<'a> = &'a dyn Fn(&mut Arm64);

/// Each line of `table`: the instructions, divided by `|`, and what emits them.
fn check(table: &[(&str, Emit<'_>)]) {
    let wrong: Vec<_> = table
        .iter()
        .map(|(expected, emit)| (listing(emit).join(" | "), *expected))
        .filter(|(found, expected)| found != expected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

const A: Reg = Reg(9);
const B: Reg = Reg(10);
const C: Reg = Reg(11);
const F: FReg = FReg(1);
const G: FReg = FReg(2);

#[test]
fn moves() {
    check(&[
        ("mov x9, x10", &|m| m.mov(A, B)),
        ("", &|m| m.mov(A, A)),
        ("mov x9, sp", &|m| m.mov(A, regs::SP)),
        ("mov sp, x9", &|m| m.mov(regs::SP, A)),
        ("mov x9, #0x0", &|m| m.mov_imm(A, 0)),
        ("mov x9, #0xffffffffffffffff", &|m| m.mov_imm(A, -1)),
        ("mov x9, #0xfffffffffffff000", &|m| m.mov_imm(A, -4096)),
        ("mov x9, #0x12340000", &|m| m.mov_imm(A, 0x1234_0000)),
        ("mov x9, #0x5678 | movk x9, #0x1234, lsl #16", &|m| m.mov_imm(A, 0x1234_5678)),
        ("mov x9, #0xffffffffffff5678 | movk x9, #0x1234, lsl #32", &|m| m.mov_imm(A, 0xFFFF_1234_FFFF_5678u64 as i64)),
        ("mov x9, #0x5555555555555555", &|m| m.mov_imm(A, 0x5555_5555_5555_5555)),
        ("ldr x9, [x10]", &|m| m.load(A, Mem::at(B, 0))),
        ("ldr x9, [x10, #0x7ff8]", &|m| m.load(A, Mem::at(B, 0x7FF8))),
        ("ldur x9, [x10, #-0x8]", &|m| m.load(A, Mem::at(B, -8))),
        ("mov x17, #0x8000 | ldr x9, [x10, x17]", &|m| m.load(A, Mem::at(B, 0x8000))),
        ("ldr x9, [x10, x11, lsl #3]", &|m| m.load(A, Mem::indexed(B, C, 3, 0))),
        ("add x17, x10, x11, lsl #2 | ldr x9, [x17]", &|m| m.load(A, Mem::indexed(B, C, 2, 0))),
        ("add x17, x10, x11, lsl #3 | ldr x9, [x17, #0x10]", &|m| m.load(A, Mem::indexed(B, C, 3, 16))),
        ("add x17, x10, #0x12, lsl #12 | add x17, x17, #0x345 | add x17, x17, x11, lsl #3 | ldr x9, [x17]", &|m| {
            m.load(A, Mem::indexed(B, C, 3, 0x12345))
        }),
        ("ldr w9, [x10, #0x4]", &|m| m.load32(A, Mem::at(B, 4))),
        ("ldrb w9, [x10, #0x3]", &|m| m.load8(A, Mem::at(B, 3))),
        ("add x17, x10, #0x18 | add x17, x17, x11 | prfm pldl1keep, [x17, xzr]", &|m| {
            m.prefetch(Mem::indexed(B, C, 0, 24))
        }),
        ("strb w9, [x10, x11]", &|m| m.store8(Mem::indexed(B, C, 0, 0), A)),
        ("str x9, [x10, #0x8]", &|m| m.store(Mem::at(B, 8), A)),
        ("str xzr, [x10]", &|m| m.store_imm(Mem::at(B, 0), 0)),
        ("mov x16, #0x7 | str x16, [x10]", &|m| m.store_imm(Mem::at(B, 0), 7)),
        ("add x9, x10, #0x8", &|m| m.lea(A, Mem::at(B, 8))),
        ("adrp x17 | ldr x9, [x17, cell x]", &|m| m.load_cell(A, 0x7000_1238)),
        ("adrp x17 | str x9, [x17, ?]", &|m| m.store_cell(0x7000_1240, A)),
    ]);
}

#[test]
fn integers() {
    check(&[
        ("add x9, x10, x11", &|m| m.alu(Alu::Add, A, B, C)),
        ("add x9, sp, x11", &|m| m.alu(Alu::Add, A, regs::SP, C)),
        ("sub x9, x10, #0x8", &|m| m.alu_imm(Alu::Sub, A, B, 8)),
        ("add x9, x10, #0x8", &|m| m.alu_imm(Alu::Sub, A, B, -8)),
        ("add x9, x10, #0x1, lsl #12", &|m| m.alu_imm(Alu::Add, A, B, 0x1000)),
        ("add x9, x10, #0x1, lsl #12 | add x9, x9, #0x1", &|m| m.alu_imm(Alu::Add, A, B, 0x1001)),
        ("and x9, x10, #0xfffffffffffffff8", &|m| m.alu_imm(Alu::And, A, B, -8)),
        ("mov x17, #0x5 | eor x9, x10, x17", &|m| m.alu_imm(Alu::Xor, A, B, 5)),
        ("smulh x17, x10, x11 | mul x9, x10, x11 | cmp x17, x9, asr #63 | b.ne L1 | L1: | ret", &|m| {
            let l = m.label();
            m.mul_overflow(A, B, C, l);
            m.bind(l);
            m.ret();
        }),
        ("adds x9, x10, #0x8 | b.vs L1 | L1: | ret", &|m| {
            let l = m.label();
            m.alu_imm_overflow(Alu::Add, A, B, 8, l);
            m.bind(l);
            m.ret();
        }),
        ("cmp x9, #0x5", &|m| m.compare_imm(A, 5)),
        ("cmn x9, #0x5", &|m| m.compare_imm(A, -5)),
        ("cmp x9, #0x5, lsl #12", &|m| m.compare_imm(A, 0x5000)),
        ("tst x9, #0x7", &|m| m.test_imm(A, 7)),
        ("cset x9, eq", &|m| m.set(Cond::Equal, A)),
        ("ldr x16, [x28, #0x10] | cmp sp, x16 | b.ls L1 | L1: | ret", &|m| {
            let l = m.label();
            m.branch_stack_limit(16, l);
            m.bind(l);
            m.ret();
        }),
    ]);
}

#[test]
fn floats_and_calls() {
    check(&[
        ("fmov d1, #1.5", &|m| m.fmov_imm(F, 1.5)),
        ("fmov d1, xzr", &|m| m.fmov_imm(F, 0.0)),
        ("mov x17, #0x8000000000000000 | fmov d1, x17", &|m| m.fmov_imm(F, -0.0)),
        ("fadd d1, d1, d2", &|m| m.falu(Falu::Add, F, F, G)),
        ("frintm d1, d2", &|m| m.fround(Round::Floor, F, G)),
        ("ldr d1, [x10, x11, lsl #3]", &|m| m.fload(F, Mem::indexed(B, C, 3, 0))),
        ("sub x17, x9, #0x3 | ror x17, x17, #0x4 | fmov d1, x17", &|m| m.untag_float(F, A)),
        ("adrp x17 | ldr x16, [x17, cell x] | blr x16", &|m| m.call_cell(0x7000_1238)),
        ("nop | nop | bl ?", &|m| m.call_code(0x7000_4000)),
        ("b ? | nop | nop", &|m| m.jump_code(0x7000_4000)),
        ("adrp x16 | add x16, x16, ? | blr x16", &|m| m.call_code(0x6000_4000)),
        (
            "stp x29, x30, [sp, #-0x10]! | mov x29, sp | nop | sub sp, sp, #0x20 | stp x20, x19, [x29, #-0x10] | stur x22, [x29, #-0x18]",
            &|m| {
                let prologue = m.prologue(0b1011);
                m.set_frame_size(prologue, 32);
            },
        ),
        ("ldur x21, [x29, #-0x8] | mov sp, x29 | ldp x29, x30, [sp], #0x10 | ret", &|m| {
            m.epilogue(0b100);
            m.ret();
        }),
    ]);
}

#[test]
fn frames_that_are_too_large() {
    let mut masm = Arm64::new();
    let prologue = masm.prologue(0);
    masm.set_frame_size(prologue, 1 << 24);
    assert!(matches!(masm.finish(), Err(TooFar { .. })));
}

#[test]
fn absolute_references_arrive() {
    let mut random = Random(41);
    for _ in 0..100_000 {
        let place = 0x7000_0000_0000 + 4 * random.below(1 << 28);
        let reach = [1 << 10, 1 << 20, 1 << 28, 1 << 29][random.below(4)];
        let target = place - reach / 2 * 4 + random.below(reach) * 4;
        let kind = [PAGE, CALL, JUMP][random.below(3)];
        let target = if kind == PAGE { target & !7 } else { target };
        let mut masm = Arm64::new();
        match kind {
            PAGE => masm.load_cell(A, target),
            CALL => masm.call_code(target),
            _ => masm.jump_code(target),
        }
        let mut code = masm.finish().expect("finish");
        assert!(apply_absolute(&mut code.code, place, &code.absolute[0]));
        let words: Vec<u32> = code.code.chunks(4).map(|w| u32::from_le_bytes(w.try_into().expect("word"))).collect();
        let branch = |index: usize| (place + 4 * index).wrapping_add_signed(((words[index] << 6) as i32 >> 4) as isize);
        let scale = match kind {
            CALL if words[2] >> 26 == 0b100101 => {
                assert_eq!(branch(2), target);
                continue;
            }
            JUMP if words[0] >> 26 == 0b000101 => {
                assert_eq!(branch(0), target);
                continue;
            }
            PAGE => 3,
            _ => 0,
        };
        let pages = ((words[0] >> 5 & 0x7_FFFF) << 2 | words[0] >> 29 & 3) as i32;
        let pages = (pages << 11 >> 11) as isize;
        let address = (place & !0xFFF).wrapping_add_signed(pages << 12) + ((words[1] >> 10 & 0xFFF) << scale) as usize;
        assert_eq!(address, target, "{kind}");
        if kind == CALL || kind == JUMP {
            assert!(target.abs_diff(place) > 127 << 20);
        }
    }
    let mut masm = Arm64::new();
    masm.load_cell(A, 0x7000_0000_0004);
    let mut code = masm.finish().expect("finish");
    assert!(!apply_absolute(&mut code.code, 0x7000_0000_0000, &code.absolute[0]), "not aligned");
}

/// Emits megabytes with branches here and there, cutting back now and then, and follows each branch that is left.
#[test]
fn far_branches_arrive() {
    let mut random = Random(42);
    for round in 0..6 {
        let mut masm = Arm64::new();
        // Position behind the branch, and its label.
        let mut branches: Vec<(u32, Label)> = Vec::new();
        let mut open: Vec<Label> = Vec::new();
        let mut bound: Vec<Label> = Vec::new();
        let mut marks = Vec::new();
        let end = [1 << 18, 1 << 20, 3 << 20, 5 << 20][round % 4];
        while masm.offset() < end {
            for _ in 0..random.below(400) {
                masm.mov(A, B);
            }
            match random.below(20) {
                0..6 => {
                    let label = masm.label();
                    masm.branch(Cond::Less, label);
                    branches.push((masm.offset(), label));
                    open.push(label);
                }
                6..9 if !open.is_empty() => {
                    let label = open[random.below(open.len())];
                    masm.branch(Cond::Less, label);
                    branches.push((masm.offset(), label));
                }
                9..12 if !bound.is_empty() => {
                    let label = bound[random.below(bound.len())];
                    masm.branch(Cond::Less, label);
                    branches.push((masm.offset(), label));
                }
                12..16 if open.len() > 30 => {
                    let label = open.swap_remove(random.below(open.len()));
                    masm.bind(label);
                    bound.push(label);
                }
                16 => {
                    let label = masm.label();
                    masm.bind(label);
                    bound.push(label);
                }
                17 => marks.push((masm.mark(), branches.clone(), open.clone(), bound.clone())),
                18 if !marks.is_empty() && random.below(3) == 0 => {
                    let index = marks.len() - 1 - random.below(marks.len().min(3));
                    let (mark, ..) = &marks[index];
                    masm.rollback(mark);
                    (_, branches, open, bound) = marks[index].clone();
                    marks.truncate(index + 1);
                }
                _ => {}
            }
        }
        for label in open {
            masm.bind(label);
        }
        masm.ret();
        let positions: Vec<_> = branches.iter().map(|(_, l)| masm.position(*l).expect("bound")).collect();
        let code = masm.finish().expect("finish").code;
        let word = |at: i64| u32::from_le_bytes(code[at as usize..at as usize + 4].try_into().expect("word"));
        assert!(branches.len() > 50);
        let mut through = 0;
        for ((after, _), position) in branches.into_iter().zip(positions) {
            let mut at = i64::from(after) - 4;
            let mut hops = 0;
            if word(at) >> 24 == 0x54 {
                at += i64::from((word(at) << 8) as i32 >> 13) * 4;
                hops += 1;
            }
            while at != i64::from(position) && word(at) >> 26 == 0b000101 && hops < 2 {
                at += i64::from((word(at) << 6) as i32 >> 6) * 4;
                hops += 1;
            }
            assert_eq!(at, i64::from(position));
            through += usize::from(hops == 2);
        }
        assert_eq!(through > 0, end > 1 << 20, "veneers are used when they must be");
    }
}

#[test]
fn a_large_frame() {
    let text = listing(|m| {
        let prologue = m.prologue(0);
        m.ret();
        m.set_large_frame_size(prologue, 0, 40_000, 16, 0x7000_1238);
    })
    .join(" | ");
    for part in [
        "sub x16, sp, #0x9, lsl #12 | sub x16, x16, #0xc40 | ldr x17, [x28, #0x10] | cmp x16, x17 | b.ls ",
        "mov sp, x16 | b L",
        "ldp x29, x30, [sp], #0x10 | b ",
    ] {
        assert!(text.contains(part), "{text}");
    }
}
