//! What the system lets a process have: addresses (`ulimit -v`) and mappings.

use std::sync::OnceLock;

/// What is left for everything else when addresses are limited and a thread is started.
const MARGIN: usize = 32 << 20;
/// What a process has mapped when nobody can say.
const GUESS: usize = 64 << 20;

/// The most bytes of addresses that this process may map; none when there is no limit.
pub fn most_addresses() -> Option<usize> {
    static ANSWER: OnceLock<Option<usize>> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: fills a plain struct.
        let known = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) } == 0;
        (known && limit.rlim_cur != libc::RLIM_INFINITY).then(|| usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX))
    })
}

/// How many of them are left.
pub fn addresses_left() -> Option<usize> {
    let most = most_addresses()?;
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').next()?.parse::<usize>().ok());
    Some(most.saturating_sub(pages.map_or(GUESS, |n| n * 4096)))
}

/// Addresses that may be reserved once and for all: `usual`, or this part of what the process may have.
pub fn share(usual: usize, part: usize) -> usize {
    most_addresses().map_or(usual, |most| usual.min(most / part))
}

/// May a thread with a stack of this size be started, with room for all else?
pub fn room_for_thread(stack: usize) -> bool {
    addresses_left().is_none_or(|left| left >= stack + MARGIN)
}

/// How many threads may live at once. Each has two mappings, and without any left nothing works: not the heap, not the code.
pub fn most_threads() -> usize {
    static ANSWER: OnceLock<usize> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let mappings = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|n| n.trim().parse().ok());
        mappings.unwrap_or(65_530) / 4
    })
}

/// The allocator of the C library reserves addresses for each thread: not where they are rare.
pub fn spare_addresses() {
    if most_addresses().is_some() {
        // SAFETY: sets a parameter of the allocator.
        #[cfg(target_env = "gnu")]
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }
}
