//! Where a throw lands.
//!
//! Owns the search for the handler of the exception in the context, and the recording of the frames it leaves. The walk over
//! frames is the collector's.

use crate::gc::Thread;

/// Finds the landing place of the exception in the context and puts it there. Called by the `throw` stub while the present
/// frame is an exit frame.
///
/// # Safety
/// `cx` is the calling thread's context.
pub unsafe extern "C" fn unwind(cx: *mut Thread) {
    // SAFETY: the caller's.
    let cx = unsafe { &mut *cx };
    super::trace::unwind(cx);
}
