//! Code that is published cannot be written: a child dies when it stores into it.

#![cfg(target_os = "linux")]

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use harrier::asm::masm::Assembled;
use harrier::asm::memory::{CodeMemory, RANGE_BYTES};

#[test]
fn a_store_into_published_code_faults() {
    let memory = CodeMemory::reserve(RANGE_BYTES).expect("reserve");
    let code = Assembled { code: vec![0xC3; 16], absolute: Vec::new(), comments: Vec::new() };
    let published = memory.publish(&[&code]).expect("publish");
    let place = published.starts[0] as *mut u8;
    // SAFETY: code is readable.
    assert_eq!(unsafe { place.read_volatile() }, 0xC3);
    assert_eq!(child_that(|| ()).code(), Some(0));
    // SAFETY: nobody runs the code; that this faults is what is tested.
    let status = child_that(|| unsafe { place.write_volatile(0) });
    assert_eq!(status.signal(), Some(libc::SIGSEGV), "{status:?}");
}

/// How a copy of this process ends that does only this.
fn child_that(act: impl FnOnce()) -> ExitStatus {
    let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let default: libc::sighandler_t = libc::SIG_DFL;
    // SAFETY: between fork and exit the child calls only what may be called there: it takes no lock and no memory.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: as above; the handler of Rust's library would look for a stack that has overflowed.
        unsafe {
            libc::setrlimit(libc::RLIMIT_CORE, &no_core);
            libc::signal(libc::SIGSEGV, default);
        }
        act();
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(0) };
    }
    assert!(child > 0, "fork: {}", std::io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: waits for the child of this call.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    ExitStatus::from_raw(status)
}
