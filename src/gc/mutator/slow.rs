//! What generated code calls when its fast path does not suffice.

use std::sync::atomic::Ordering;

use super::call::Landing;
use super::thread::Thread;
use crate::gc::trace::walker;
use crate::object::layout;
use crate::object::word::{TAG_OBJECT, Word};

/// What a safepoint asks of the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Poll {
    /// Go on.
    Continue = 0,
    /// The interrupt key was pressed: throw.
    Interrupted = 1,
    /// The stack is used up: throw.
    StackOverflow = 2,
}

/// Room for an object of `bytes` bytes (header included): its address, or `THROWN` when an exception is pending, as exit
/// stubs understand it. Called through an exit stub; may collect. Every word must be written before the next safepoint.
///
/// # Safety
/// `thread` must be the calling thread's context, and its exit frame must be set.
pub unsafe extern "C" fn allocate_slow(thread: *mut Thread, bytes: u64) -> u64 {
    // SAFETY: the caller's.
    let thread = unsafe { &mut *thread };
    match thread.take_room_slow(bytes as usize) {
        Ok(address) => address as u64,
        Err(_thrown) => Word::THROWN.0,
    }
}

/// The word of a float that cannot be tagged. Never collects: needs no exit frame and no stack map.
///
/// # Safety
/// `thread` must be the calling thread's context.
pub unsafe extern "C" fn box_float(thread: *mut Thread, bits: u64) -> u64 {
    // SAFETY: the caller's.
    let thread = unsafe { &*thread };
    if let Some(word) = Word::float(f64::from_bits(bits)) {
        return word.0;
    }
    let address = thread.take_room_without_collection(16);
    // SAFETY: two words of fresh memory.
    unsafe {
        *(address as *mut u64) = layout::header(layout::FLOAT, 0);
        *((address + layout::slot_offset(layout::FLOAT_BITS)) as *mut u64) = bits;
    }
    // Generated code stores Floats without release: see docs/memory-ordering.md.
    std::sync::atomic::fence(std::sync::atomic::Ordering::Release);
    address as u64 | TAG_OBJECT
}

/// After a store to a slot, the address of which is given, of an object with the flag [`layout::OLD`], both tagged. A leaf: never
/// collects, needs no exit frame and no stack map.
///
/// # Safety
/// `thread` must be the calling thread's context, and nothing may have collected since the store.
pub unsafe extern "C" fn remember(thread: *mut Thread, object: u64, slot: u64) {
    // SAFETY: the caller's: the slot holds what was stored, or what another thread has stored since.
    unsafe {
        let value = Word(*(slot as *const u64));
        if value.is_pointer() {
            (*thread).remember(Word(object).address(), slot as usize, value);
        }
    }
}

/// The slow path of a poll. Called through an exit stub; may collect.
///
/// # Safety
/// `thread` must be the calling thread's context, and its exit frame must be set.
pub unsafe extern "C" fn safepoint(thread: *mut Thread) -> Poll {
    // SAFETY: the caller's: the exit frame has a return address.
    unsafe {
        let thread = &mut *thread;
        let frame = thread.exit_frame();
        let site = if frame == 0 { 0 } else { *((frame + 8) as *const u64) };
        thread.poll_at(if frame == 0 { &raw const site as usize } else { frame }, site)
    }
}

/// Where a jump ([`Thread::jump_to`]) leaves from, without the address of the code that carries it out. Does not collect.
///
/// # Safety
/// `thread` must be the calling thread's context, and its exit frame must be set.
pub unsafe fn departure(thread: &Thread) -> Landing {
    let departure = thread.heap().code().map(|code| {
        // SAFETY: the frames are those of the present thread, which waits for us.
        unsafe { walker::departure(&code.map.view(), code, thread.exit_frame(), thread.call.leaves_caller.take()) }
    });
    departure.unwrap_or_default()
}

/// Finds where the pending exception lands and notes it in the thread, for the `throw` stub. Does not collect.
///
/// # Safety
/// `thread` must be the calling thread's context, and its exit frame must be set.
pub unsafe extern "C" fn unwind(thread: *mut Thread) {
    // SAFETY: the caller's.
    let thread = unsafe { &*thread };
    let handled = !thread.call.ends.load(Ordering::Relaxed);
    let landing = thread.heap().code().and_then(|code| {
        // SAFETY: the frames are those of the present thread, which waits for us.
        unsafe { walker::find_handler(&code.map.view(), code, thread.exit_frame(), handled) }
    });
    // Generated code is always called through an `enter` frame, so there is a landing.
    thread.set_landing(landing.unwrap_or_default());
}
