//! The stack on which handlers of signals run.

/// Bytes of the stack on which the handler runs.
const STACK: usize = 256 << 10;

/// The stack of the handler, for the calling thread as long as it lives. Without one a fault has to do with the thread's own.
#[must_use]
pub struct HandlerStack(Option<memmap2::MmapMut>);

impl HandlerStack {
    /// A stack for the calling thread.
    pub fn install() -> HandlerStack {
        let memory = memmap2::MmapOptions::new().len(STACK).no_reserve_swap().map_anon().ok();
        if let Some(memory) = &memory {
            let stack = libc::stack_t { ss_sp: memory.as_ptr() as *mut _, ss_flags: 0, ss_size: STACK };
            // SAFETY: the memory is there until `drop` has said that it is not used any more.
            unsafe { libc::sigaltstack(&stack, std::ptr::null_mut()) };
        }
        HandlerStack(memory)
    }
}

impl Drop for HandlerStack {
    fn drop(&mut self) {
        if self.0.is_some() {
            let none = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
            // SAFETY: takes the stack away from the calling thread, which does not run on it.
            unsafe { libc::sigaltstack(&none, std::ptr::null_mut()) };
        }
    }
}
