//! Stack traces.
//!
//! Owns the record of the frames that an exception left, and the translation of return addresses into functions and lines.

use crate::gc::Thread;
use crate::gc::thread::Landing;

/// The frames that the exception on its way has left, innermost first.
#[derive(Default, Debug)]
pub struct Trace {
    /// Return addresses.
    pub addresses: Vec<usize>,
}

/// Finds the handler; leaves through the innermost `enter` frame when there is none above it.
pub(super) fn unwind(cx: &mut Thread) {
    let stubs = &cx.vm().stubs;
    let mut fp = cx.exit_frame();
    loop {
        // SAFETY: frames are linked; the chain from an exit frame reaches an `enter` frame.
        let (up, ret) = unsafe { (*(fp as *const usize), *((fp + 8) as *const usize)) };
        fp = up;
        if ret == stubs.entry_return {
            break;
        }
    }
    let sp = (fp as isize + crate::asm::host::stubs::ENTER_SP as isize) as usize;
    cx.set_landing(Landing { pc: stubs.propagate, sp, fp, saved: [0; 4] });
}

/// `file.hr:12:5` of the innermost Harrier frame.
pub fn innermost_location(_cx: &Thread) -> String {
    String::new()
}
