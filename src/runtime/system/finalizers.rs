//! Who calls the functions that wait for the death of a value: a thread of its own, which is started when there are some and ends
//! when there are none left. So they never run within a collection, nor in the midst of anything else of the program.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{console, threads};
use crate::gc::Thread;
use crate::locks::lock;
use crate::runtime::Vm;
use crate::runtime::fault::report;

/// Is there such a thread?
static RUNS: AtomicBool = AtomicBool::new(false);

/// There are functions to be called. Where no thread can be started, the next collection asks again.
pub fn run(vm: &'static Vm) {
    if RUNS.swap(true, Ordering::AcqRel) {
        return;
    }
    if threads::start_attached(vm, call_all).is_err() {
        RUNS.store(false, Ordering::Release);
    }
}

fn call_all(cx: &mut Thread) {
    loop {
        while let Some(function) = cx.take_ready_finalizer() {
            let mark = cx.mark();
            if let Err(thrown) = cx.call(function, &[]) {
                let report = report::uncaught(cx, thrown, false);
                console::write_error(&report.text);
            }
            cx.release(mark);
        }
        RUNS.store(false, Ordering::Release);
        // What has come since, and found this thread still there.
        if !lock(cx.heap().weaks()).has_ready() || RUNS.swap(true, Ordering::AcqRel) {
            return;
        }
    }
}
