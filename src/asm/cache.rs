//! What a processor must be told when memory becomes code.
//!
//! On x86-64 nothing: the caches are coherent, and turning a page executable serialises. On ARM64 the writer cleans the data
//! cache, invalidates the instruction cache, and has the kernel make all threads of the process fetch anew, because freed
//! addresses are used again.
//!
//! Linux is the only system that this has run on. What macOS on ARM64 has otherwise belongs here and into `memory.rs`: it has
//! no `membarrier`, so that `order_all_threads` needs another way to reach them, and a program with the hardened runtime maps
//! its code with `MAP_JIT`.

/// Once, before code is published.
pub fn register() {
    #[cfg(all(target_os = "linux", target_arch = "aarch64"))]
    membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE);
}

/// After the code at `place` has been written and made executable, before anybody knows of it.
pub fn synchronise(place: usize, bytes: usize) {
    #[cfg(not(target_arch = "x86_64"))]
    {
        // SAFETY: the caller has just written these bytes, and they are readable.
        let code = unsafe { std::slice::from_raw_parts(place as *const u8, bytes) };
        dynasmrt::cache_control::synchronize_icache(code);
        #[cfg(target_os = "linux")]
        membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
        dynasmrt::cache_control::prepare_for_execution(code);
    }
    #[cfg(target_arch = "x86_64")]
    let _ = (place, bytes);
}

/// For all threads of the process: whoever loads something that is stored after this call sees all that was stored before
/// it, also by loads that do not depend on that something. On x86-64 loads and stores are seen in their order anyway.
pub fn order_all_threads() {
    #[cfg(all(target_os = "linux", target_arch = "aarch64"))]
    membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
    #[cfg(not(target_arch = "x86_64"))]
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
fn membarrier(command: libc::c_int) {
    // SAFETY: the call takes no pointers.
    let call = |command: libc::c_int| unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) };
    // Kernels before 4.16 know only the slow way; qemu's user mode knows none, and needs none on x86-64.
    if call(command) != 0 && command == libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE {
        call(libc::MEMBARRIER_CMD_GLOBAL);
    }
}
