//! Where debuggers learn that an exception is about to land.
//!
//! Owns a note in the program (`.note.stapsdt`) that names an instruction and where two numbers are there: the frame that
//! catches, and the address at which its code goes on. gdb looks for this one, `libgcc:unwind`, in whatever it debugs, since the unwinder of
//! C++ has it: while somebody steps over a call that throws, it stops where the exception is caught. The instruction does nothing.

/// The exception lands at this address, in the frame with this frame pointer.
#[inline(never)]
pub fn landing(frame: usize, address: usize) {
    macro_rules! note {
        ($nop:literal, $arguments:literal, $frame:tt, $address:tt) => {
            std::arch::asm!(
                concat!("990: ", $nop),
                // What the address is told from, should the program be moved in its file.
                ".pushsection .stapsdt.base, \"aR\", %progbits",
                "995: .space 1",
                ".popsection",
                ".pushsection .note.stapsdt, \"\", %note",
                ".balign 4",
                ".4byte 992f - 991f, 994f - 993f, 3",
                "991: .asciz \"stapsdt\"",
                "992: .balign 4",
                "993: .8byte 990b",
                ".8byte 995b",
                ".8byte 0",
                ".asciz \"libgcc\"",
                ".asciz \"unwind\"",
                concat!(".asciz \"", $arguments, "\""),
                "994: .balign 4",
                ".popsection",
                in($frame) frame,
                in($address) address,
                options(nomem, nostack, preserves_flags)
            )
        };
    }
    // SAFETY: an instruction that does nothing.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        note!("nop", "8@%rdi 8@%rsi", "rdi", "rsi");
        #[cfg(target_arch = "aarch64")]
        note!("nop", "8@x0 8@x1", "x0", "x1");
    }
}
