//! Work that cannot be interrupted: it is done on a thread of its own, which the interrupt key leaves behind.
//!
//! For what is not ours and computes for long, the arithmetic of very large Ints above all. The work owns what it needs and knows
//! nothing of the heap.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{TryRecvError, channel};

use super::threads;
use crate::gc::{Thread, Thrown};
use crate::locks::Mutex;
use crate::runtime::fault::errors::ErrorKind;

/// Bytes of the stack: the arithmetic of large Ints divides, and is not deep.
const STACK: usize = 4 << 20;

/// Computes on another thread, while this one can be interrupted.
pub fn compute<T: Send + 'static>(cx: &mut Thread, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Thrown> {
    let (send, receive) = channel();
    let work = Arc::new(Mutex::new(Some(work)));
    let theirs = work.clone();
    let waiter = cx.interrupter();
    let body = move || {
        let Some(work) = crate::runtime::lock(&theirs).take() else { return };
        if let Ok(result) = catch_unwind(AssertUnwindSafe(work)) {
            // Who was interrupted does not wait any more.
            let _ = send.send(result);
        }
        drop(send);
        waiter.wake();
    };
    if threads::start(STACK, Box::new(body)).is_err() {
        let mine = crate::runtime::lock(&work).take();
        return match mine {
            Some(work) => Ok(cx.outside(work)),
            None => Err(cx.throw(ErrorKind::InternalError, "work that nobody has done")),
        };
    }
    loop {
        let result = cx.wait_for(None, || match receive.try_recv() {
            Err(TryRecvError::Empty) => None,
            result => Some(result.ok()),
        });
        match result {
            Some(Some(result)) => return Ok(result),
            Some(None) => {
                return Err(cx.throw(ErrorKind::InternalError, "a computation has failed (this is a bug in Harrier)"));
            }
            None => threads::check_interrupt(cx)?,
        }
    }
}
