//! Asking for memory before it is needed.

/// Bytes that memory is fetched in.
pub const LINE: usize = 64;

/// Fetches the cache line of an address (or of a pointer, whose tag does not matter).
#[inline(always)]
pub fn line(address: u64) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address as *const i8)
    };
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a prefetch never faults.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) address, options(nostack, preserves_flags, readonly))
    };
}
