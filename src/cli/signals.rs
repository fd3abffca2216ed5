//! What the signals that ask a program to stop do.
//!
//! Owns the interrupt key, SIGTERM and SIGHUP. They are blocked in all threads of the process but taken, one after the other,
//! by the thread that `main` began in: so ordinary code answers them, which may wait for locks.
//!
//! SIGINT interrupts the thread that runs the program, which notices at its next poll and can catch it. A program that does
//! not notice ends: when the key is pressed twice more, by itself after a while, but not in a conversation. SIGTERM and
//! SIGHUP end the process by that signal, when its buffers are written. A signal that was ignored or blocked when the process
//! began stays so.
//!
//! A debugger stops at signals that are delivered, and does not see those that are taken. So while somebody traces the process,
//! SIGINT is delivered to the thread that runs the program, and answered only when the tracer has let it pass.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::gc::{Interrupter, Thread};
use crate::runtime::system::console;
use crate::runtime::system::descriptor::SLICE;

/// Calls that wait are woken by this one.
const WAKE: libc::c_int = libc::SIGURG;
/// A program that has not noticed the interrupt key after so long is ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// The thread that runs the program.
struct Runner {
    interrupter: Interrupter,
    thread: libc::pthread_t,
}

static RUNNER: OnceLock<Runner> = OnceLock::new();
/// The thread that answers.
static ANSWERING: OnceLock<libc::pthread_t> = OnceLock::new();
/// SIGINT waits in the thread that runs the program, which is to let it in.
static SHOW: AtomicBool = AtomicBool::new(false);
/// The tracer has let SIGINT pass.
static PASSED: AtomicBool = AtomicBool::new(false);
/// A person talks to the process: what runs too long is no reason to end the conversation.
static CONVERSATION: AtomicBool = AtomicBool::new(false);

/// The signals that this process answers.
pub struct Answered(libc::sigset_t);

fn contains(set: &libc::sigset_t, signal: libc::c_int) -> bool {
    // SAFETY: a set that was initialised.
    unsafe { libc::sigismember(set, signal) == 1 }
}

/// A file that grows beyond `ulimit -f` is an error of the write, and not the end of the process.
pub fn ignore_file_limit() {
    // SAFETY: changes the disposition of a signal to a constant.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Blocks the signals that will be answered. Before there are other threads.
pub fn hold() -> Answered {
    // SAFETY: sets and actions are plain data, which the calls fill; the handlers do what handlers may.
    unsafe {
        let mut held = std::mem::zeroed::<libc::sigset_t>();
        let mut before = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&mut held);
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut before);
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            let mut action = std::mem::zeroed::<libc::sigaction>();
            libc::sigaction(signal, std::ptr::null(), &mut action);
            if action.sa_sigaction == libc::SIG_DFL && !contains(&before, signal) {
                libc::sigaddset(&mut held, signal);
            }
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &held, std::ptr::null_mut());
        let handle = |signal, handler: Handler| {
            let mut action = std::mem::zeroed::<libc::sigaction>();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            libc::sigemptyset(&mut action.sa_mask);
            libc::sigaction(signal, &action, std::ptr::null_mut());
        };
        handle(WAKE, woken);
        if contains(&held, libc::SIGINT) {
            handle(libc::SIGINT, passed);
        }
        let _first = ANSWERING.set(libc::pthread_self());
        Answered(held)
    }
}

type Handler = unsafe extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

/// Wakes a call, and lets SIGINT in when it is to be shown: it arrives where this handler goes back to.
unsafe extern "C" fn woken(_signal: libc::c_int, _info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    if SHOW.swap(false, Ordering::Relaxed) {
        // SAFETY: the context of a handler, whose mask is that of the interrupted code.
        unsafe { libc::sigdelset(&mut (*context.cast::<libc::ucontext_t>()).uc_sigmask, libc::SIGINT) };
    }
}

/// SIGINT has arrived in the thread that was to show it: it is for the thread that answers.
unsafe extern "C" fn passed(_signal: libc::c_int, _info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    PASSED.store(true, Ordering::Relaxed);
    // SAFETY: as above; the thread that answers lives as long as the process.
    unsafe {
        libc::sigaddset(&mut (*context.cast::<libc::ucontext_t>()).uc_sigmask, libc::SIGINT);
        if let Some(answering) = ANSWERING.get() {
            libc::pthread_kill(*answering, libc::SIGINT);
        }
    }
}

/// Does a debugger or the like see what is delivered to this process?
fn is_traced() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().filter_map(|line| line.strip_prefix("TracerPid:")).any(|tracer| tracer.trim() != "0")
}

/// Delivers SIGINT to the thread that runs the program.
fn show(runner: &Runner) {
    SHOW.store(true, Ordering::Relaxed);
    // SAFETY: the thread lives as long as the process.
    unsafe {
        libc::pthread_kill(runner.thread, libc::SIGINT);
        libc::pthread_kill(runner.thread, WAKE);
    }
}

/// The calling thread is the one that the interrupt key interrupts. It never ends before the process does.
pub fn interrupt_me(cx: &Thread) {
    // SAFETY: a plain question.
    let thread = unsafe { libc::pthread_self() };
    let _first = RUNNER.set(Runner { interrupter: cx.interrupter(), thread });
}

/// From now on somebody talks to the process.
pub fn conversation() {
    CONVERSATION.store(true, Ordering::Relaxed);
}

/// Answers signals as long as the process lives.
pub fn answer(answered: &Answered) -> ! {
    let mut pressed: Option<Instant> = None;
    let mut presses = 0;
    loop {
        let slice = libc::timespec { tv_sec: 0, tv_nsec: SLICE as i64 * 1_000_000 };
        // SAFETY: the set and the time are valid; nothing is written.
        let signal = unsafe {
            match pressed {
                Some(_) => libc::sigtimedwait(&answered.0, std::ptr::null_mut(), &slice),
                None => libc::sigwaitinfo(&answered.0, std::ptr::null_mut()),
            }
        };
        match signal {
            libc::SIGTERM | libc::SIGHUP => die(signal),
            libc::SIGINT if !PASSED.swap(false, Ordering::Relaxed) && is_traced() => match RUNNER.get() {
                Some(runner) => show(runner),
                None => interrupted(),
            },
            libc::SIGINT => {
                let Some(runner) = RUNNER.get() else { interrupted() };
                presses = if runner.interrupter.is_pending() { presses + 1 } else { 1 };
                if presses > 2 && !CONVERSATION.load(Ordering::Relaxed) {
                    interrupted();
                }
                pressed.get_or_insert_with(Instant::now);
                runner.interrupter.interrupt();
            }
            // Time is up, or another signal came between.
            _ => {}
        }
        pressed = pressed.filter(|since| still_waits(*since));
    }
}

/// Has the program not noticed? It may be waiting in a call, or about to: it is woken again and again.
fn still_waits(since: Instant) -> bool {
    let Some(runner) = RUNNER.get().filter(|r| r.interrupter.is_pending()) else { return false };
    // SAFETY: the thread lives as long as the process.
    unsafe { libc::pthread_kill(runner.thread, WAKE) };
    let over = since.elapsed() > PATIENCE;
    if over && !CONVERSATION.load(Ordering::Relaxed) {
        interrupted();
    }
    !over
}

fn interrupted() -> ! {
    let status = console::finish(i32::from(console::INTERRUPTED), true);
    std::process::exit(status)
}

/// Ends by the signal, with the buffers written.
fn die(signal: libc::c_int) -> ! {
    console::finish(0, true);
    // SAFETY: gives the signal its usual meaning and sends it to this thread.
    unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, signal);
        libc::signal(signal, libc::SIG_DFL);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &set, std::ptr::null_mut());
        libc::raise(signal);
    }
    // The first process of a container is not ended by signals.
    std::process::exit(128 + signal)
}
