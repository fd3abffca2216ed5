//! Listings.

use super::*;
use crate::asm::disasm::{Listing, Machine};
use crate::asm::x64::X64;

#[test]
fn a_listing_of_x64() {
    let mut masm = X64::new();
    masm.keep_comments(true);
    let (head, out) = (masm.label(), masm.label());
    let prologue = masm.prologue(0b11);
    masm.set_frame_size(prologue, 32);
    masm.comment(|| "the loop".into());
    masm.bind(head);
    masm.load_cell(Reg(0), 0x7000_1000);
    masm.compare_imm(Reg(0), 100);
    masm.branch(Cond::Equal, out);
    masm.store_imm(Mem::at(X64::FP, -24), 1);
    masm.call_cell(0x7000_2000);
    masm.call_c(0x1234_5678_9ABC);
    masm.fmov_imm(FReg(1), 1.1);
    masm.jump(head);
    masm.bind(out);
    masm.epilogue(0b11);
    masm.ret();
    let mut code = masm.finish().expect("finish");
    let mut texts = Vec::new();
    for place in [0x7000_0000usize, 0x7123_4560] {
        for fixup in code.absolute.clone() {
            assert!(crate::asm::x64::apply_absolute(&mut code.code, place, &fixup));
        }
        let names = |address| match address {
            0x7000_1000 => Some("cell x".to_string()),
            0x1234_5678_9ABC => Some("helper".to_string()),
            _ => None,
        };
        texts.push(
            Listing {
                machine: Machine::X64,
                code: &code.code,
                address: place as u64,
                comments: &code.comments,
                names: &names,
                offsets: false,
            }
            .text(),
        );
    }
    assert_eq!(texts[0], texts[1], "a listing does not depend on the place");
    let expected = "    push rbp
    mov rbp, rsp
    push rbx
    push r12
    sub rsp, 0x10
  ; the loop
L1:
    mov rax, [cell x]
    cmp rax, 0x64
    je L2
    mov qword ptr [rbp-0x18], 0x1
    call qword ptr [?]
    mov r11, offset helper
    call r11
    mov r11, 0x3ff199999999999a
    movq xmm1, r11
    jmp L1
L2:
    mov rbx, [rbp-0x8]
    mov r12, [rbp-0x10]
    leave
    ret
";
    assert_eq!(texts[0], expected);
}
