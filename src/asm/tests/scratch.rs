//! What may be done while the scratch register is held leaves it alone: on both machines, with every kind of operand.

use super::*;
use crate::asm::arm64::Arm64;
use crate::asm::disasm::{Listing, Machine};
use crate::asm::x64::X64;

type Use<M> = (&'static str, Box<dyn Fn(Scratch<'_, M>)>);

/// Every use of a held word, with operands that are near, far, indexed, small and as large as they may be.
fn uses<M: MacroAssembler>() -> Vec<Use<M>> {
    let (a, b, f) = (M::CALLER_SAVED[0], M::CALLER_SAVED[1], M::FLOATS[0]);
    let mut all: Vec<Use<M>> = vec![
        ("compare", Box::new(move |s| s.compare(a))),
        ("mov_to", Box::new(move |s| s.mov_to(a))),
        ("int_to_float", Box::new(move |s| s.int_to_float(f))),
        ("bits_float", Box::new(move |s| s.bits_float(f))),
    ];
    for mask in [1, 2, 7, 5, 0xFF, 0x100, 0x1234_5678, u32::MAX] {
        all.push(("test_mask", Box::new(move |s| s.test_mask(mask))));
    }
    for imm in [0, 1, 127, 128, 4095, 4096, 0xFFF_000, 0x1234_5678, i32::MAX, -1, -128, -4097, i32::MIN] {
        all.push(("compare_imm", Box::new(move |s| s.compare_imm(imm))));
    }
    for mem in [0, 1, -8, 255, 4096, 1 << 20, -(1 << 20) - 3, i32::MAX]
        .map(|disp| [Mem::at(a, disp), Mem::indexed(a, b, 3, disp)])
    {
        for mem in mem {
            all.push(("compare_mem", Box::new(move |s| s.compare_mem(mem))));
            all.push(("store", Box::new(move |s| s.store(mem))));
            all.push(("store8", Box::new(move |s| s.store8(mem).forget())));
            all.push(("and_load", Box::new(move |s| s.and_load(b, mem).mov_to(a))));
            all.push(("and_fload", Box::new(move |s| s.and_fload(f, mem).mov_to(a))));
        }
    }
    for disp in [0, 8, -8, 40_000, 1 << 20] {
        all.push(("fload_at", Box::new(move |s| s.fload_at(f, disp))));
        all.push(("call_at", Box::new(move |s| s.call_at(disp))));
        all.push(("jump_at", Box::new(move |s| s.jump_at(disp))));
    }
    for scale in 0..4 {
        all.push(("call_indexed", Box::new(move |s| s.call_indexed(a, scale))));
        all.push(("jump_indexed", Box::new(move |s| s.jump_indexed(a, scale))));
    }
    all
}

/// The instructions of a use: the first one that names the scratch register reads the word. On ARM64 the last load of a call
/// through memory may write the register that it has just read.
fn check<M: MacroAssembler>(machine: Machine, names: [&str; 2]) {
    for (name, use_) in uses::<M>() {
        let mut masm = M::new();
        use_(masm.scratch().by(|_, _| {}));
        let code = masm.finish().expect("finish");
        let listing = Listing {
            machine,
            code: &code.code,
            address: 0x7000_0000,
            comments: &[],
            names: &|_| None,
            offsets: false,
        };
        let text = listing.text();
        let named = text.lines().find(|line| names.iter().any(|n| line.contains(n))).unwrap_or_default();
        let reads = |line: &str| {
            let Some((_, operands)) = line.trim().split_once(' ') else { return false };
            let first = operands.trim().split(',').next().unwrap_or_default().to_string();
            let stores = ["cmp", "cmn", "test", "tst", "str", "stur", "call", "jmp"].iter().any(|op| line.contains(op));
            stores || !names.iter().any(|n| first.trim() == *n) || operands.matches(names[0]).count() > 1
        };
        assert!(!named.is_empty() && reads(named), "{} {name}: the word is lost\n{text}", M::NAME);
    }
}

#[test]
fn what_is_done_with_the_scratch_register_held_keeps_it_on_x64() {
    check::<X64>(Machine::X64, ["r11", "r11d"]);
}

#[test]
fn what_is_done_with_the_scratch_register_held_keeps_it_on_arm64() {
    check::<Arm64>(Machine::Arm64, ["x16", "w16"]);
}
