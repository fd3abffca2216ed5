//! The registers of an interrupted thread, as a signal handler gets them.
//!
//! Owns the difference between the machines: which registers there are, what they are called, and which of them is what.

/// The registers that a walk over frames begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    /// The next instruction.
    pub pc: usize,
    /// The stack pointer.
    pub sp: usize,
    /// The frame pointer.
    pub fp: usize,
    /// Where a function without a frame returns to, on machines that keep it in a register.
    pub link: usize,
}

/// The registers in a signal handler's context, for a walk.
///
/// # Safety
/// `context` is the third argument of a handler that was set with `SA_SIGINFO`.
pub unsafe fn walking(context: *const libc::c_void) -> Registers {
    // SAFETY: the caller's.
    let machine = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext };
    #[cfg(target_arch = "x86_64")]
    {
        let at = |register: libc::c_int| machine.gregs[register as usize] as usize;
        Registers { pc: at(libc::REG_RIP), sp: at(libc::REG_RSP), fp: at(libc::REG_RBP), link: 0 }
    }
    #[cfg(target_arch = "aarch64")]
    {
        let at = |register: usize| machine.regs[register] as usize;
        Registers { pc: machine.pc as usize, sp: machine.sp as usize, fp: at(29), link: at(30) }
    }
}

/// Their names and values, in the order in which people write them.
pub type Named = [(&'static str, u64)];

/// All registers in a signal handler's context.
///
/// # Safety
/// `context` is the third argument of a handler that was set with `SA_SIGINFO`.
#[cfg(target_arch = "x86_64")]
pub unsafe fn named(context: *const libc::c_void) -> [(&'static str, u64); 18] {
    // SAFETY: the caller's.
    let all = unsafe { (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let of = |register: libc::c_int| all[register as usize] as u64;
    let named = [
        ("rax", libc::REG_RAX),
        ("rbx", libc::REG_RBX),
        ("rcx", libc::REG_RCX),
        ("rdx", libc::REG_RDX),
        ("rsi", libc::REG_RSI),
        ("rdi", libc::REG_RDI),
        ("rbp", libc::REG_RBP),
        ("rsp", libc::REG_RSP),
        ("r8", libc::REG_R8),
        ("r9", libc::REG_R9),
        ("r10", libc::REG_R10),
        ("r11", libc::REG_R11),
        ("r12", libc::REG_R12),
        ("r13", libc::REG_R13),
        ("r14", libc::REG_R14),
        ("r15", libc::REG_R15),
        ("rip", libc::REG_RIP),
        ("eflags", libc::REG_EFL),
    ];
    named.map(|(name, register)| (name, of(register)))
}

/// All registers in a signal handler's context.
///
/// # Safety
/// `context` is the third argument of a handler that was set with `SA_SIGINFO`.
#[cfg(target_arch = "aarch64")]
pub unsafe fn named(context: *const libc::c_void) -> [(&'static str, u64); 34] {
    // SAFETY: the caller's.
    let (regs, sp, pc, pstate) = unsafe {
        let machine = &(*context.cast::<libc::ucontext_t>()).uc_mcontext;
        (machine.regs, machine.sp, machine.pc, machine.pstate)
    };
    std::array::from_fn(|i| match i {
        31 => ("sp", sp),
        32 => ("pc", pc),
        33 => ("pstate", pstate),
        _ => (crate::asm::arm64::disasm::register(i as u8), regs[i]),
    })
}
