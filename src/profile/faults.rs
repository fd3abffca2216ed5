//! What a fault prints before the process dies of it.
//!
//! Owns the handlers of the signals that a broken program brings upon itself. A fault in generated code shows the Harrier
//! stack, the code around it and the registers; one in Rust code the Harrier stack that leads there. Then the process dies of
//! that signal, as it would have without us, with the registers of the fault in its core.
//!
//! The handler runs on a stack of its own. In generated code the thread holds no lock, so the code is listed as always; in Rust
//! code it may hold any, so nothing is allocated and nothing waited for.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use super::registers::{self, Named};
use super::stack::{Call, Interrupted, Known};
use crate::asm::code_map::View;
use crate::asm::disasm::{Listing, Machine};
use crate::gc::{self, Thread};
use crate::runtime::Vm;

/// The signals, with their names.
const FAULTS: [(libc::c_int, &str); 6] = [
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGTRAP, "SIGTRAP"),
    (libc::SIGABRT, "SIGABRT"),
];
/// So many instructions are shown before and behind the fault.
const AROUND: usize = 16;
/// So many frames are shown at the inner end of a stack, and at its outer end.
const INNER: usize = 40;
const OUTER: usize = 10;
/// How often the code map is asked for while another thread changes it.
const ATTEMPTS: u32 = 100;

/// The thread that has had a fault first; 0: none.
static FIRST: AtomicI32 = AtomicI32::new(0);

/// From now on faults are reported. A signal that something else is to happen at stays as it is.
pub fn report() {
    for (signal, _) in FAULTS {
        // SAFETY: actions are plain data; the handler does what handlers may, as described above.
        unsafe {
            let mut action = std::mem::zeroed::<libc::sigaction>();
            libc::sigaction(signal, std::ptr::null(), &mut action);
            if action.sa_sigaction == libc::SIG_IGN {
                continue;
            }
            action.sa_sigaction = fault as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigemptyset(&mut action.sa_mask);
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}

/// The handler.
extern "C" fn fault(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: a plain question.
    let me = unsafe { libc::gettid() };
    match FIRST.compare_exchange(0, me, Ordering::SeqCst, Ordering::SeqCst) {
        Ok(_) => {
            // SAFETY: the arguments of the handler.
            let address = unsafe { (*info).si_addr() } as usize;
            // SAFETY: likewise; who was sent by a process says by which.
            let sender = unsafe { ((*info).si_code <= 0).then(|| (*info).si_pid()) };
            // SAFETY: likewise.
            let (walk, named) = unsafe { (registers::walking(context), registers::named(context)) };
            let fault = Fault { signal, address, sender, registers: walk, named: &named };
            let mut out = Out::new();
            let _ = fault.describe(&mut out);
            out.flush();
        }
        // The report itself has failed.
        Err(first) if first == me => {}
        // The first one will end the process.
        Err(_) => loop {
            std::thread::sleep(Duration::from_secs(1));
        },
    }
    // SAFETY: gives the signal its usual meaning and sends it to this thread; it is blocked until the handler returns, and then
    // finds the thread where the fault was.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

struct Fault<'a> {
    signal: libc::c_int,
    /// The address that the fault is about, when the machine has found it.
    address: usize,
    /// The process that has sent the signal, when the machine has not.
    sender: Option<libc::pid_t>,
    registers: registers::Registers,
    named: &'a Named,
}

impl Fault<'_> {
    fn describe(&self, out: &mut Out) -> fmt::Result {
        let name = FAULTS.iter().find(|f| f.0 == self.signal).map_or("a signal", |f| f.1);
        let own = std::process::id() as libc::pid_t;
        let Some(cx) = gc::mutator::attached::current() else {
            // What is sent to the process arrives at the thread that waits for signals.
            return match self.sender.filter(|sender| *sender != own) {
                Some(sender) => writeln!(out, "harrier: {name}, sent by the process {sender}"),
                None => writeln!(out, "harrier: {name} at {:#x}: this is a bug in Harrier", self.registers.pc),
            };
        };
        write!(out, "harrier: {name} at {:#x}", self.registers.pc)?;
        let address = self.address;
        if self.sender.is_none() && matches!(self.signal, libc::SIGSEGV | libc::SIGBUS) {
            write!(out, ", of the address {address:#x}")?;
            let (low, _) = cx.stack_bounds();
            if (low.saturating_sub(1 << 20)..low).contains(&address) {
                write!(out, " (the end of the stack)")?;
            }
        }
        writeln!(out, ": this is a bug in Harrier")?;
        let vm = cx.vm();
        let Some(view) = self.view(vm) else {
            return writeln!(out, "(the code map is being changed: the stack cannot be shown)");
        };
        self.stack(out, cx, &view)?;
        // Listing takes memory, which somebody in Rust code may be about to do.
        if view.function(self.registers.pc).is_some() {
            out.flush();
            self.code(out, vm, &view)?;
            self.registers(out)?;
        }
        Ok(())
    }

    /// The code map, without waiting for ever: perhaps this thread itself is changing it.
    fn view<'v>(&self, vm: &'v Vm) -> Option<View<'v>> {
        (0..ATTEMPTS).find_map(|_| {
            vm.code_map.try_view().or_else(|| {
                std::thread::sleep(Duration::from_millis(1));
                None
            })
        })
    }

    fn stack(&self, out: &mut Out, cx: &Thread, view: &View<'_>) -> fmt::Result {
        let (low, high) = cx.stack_bounds();
        let known = Known::of(cx.vm());
        // SAFETY: the stack of this thread, which is here.
        let here = unsafe { Interrupted::new(&known, self.registers, low..high, cx.exit_frame()) };
        let count = here.calls(view).count();
        for (i, call) in here.calls(view).enumerate() {
            if i == INNER && count > INNER + OUTER {
                writeln!(out, "  … {} more", count - INNER - OUTER)?;
            }
            if i < INNER || i + OUTER >= count {
                line(out, cx.vm(), &call)?;
            }
        }
        if count == 0 {
            writeln!(out, "  (no Harrier code is on the stack)")?;
        }
        Ok(())
    }

    /// The instructions around the fault.
    fn code(&self, out: &mut Out, vm: &Vm, view: &View<'_>) -> fmt::Result {
        let Some(function) = view.function(self.registers.pc) else { return Ok(()) };
        // SAFETY: the code is published, and stays while its function is in the map.
        let code = unsafe { std::slice::from_raw_parts(function.start as *const u8, function.size as usize) };
        let names = |address: u64| {
            let target = view.function(address as usize)?;
            Some(match address as usize - target.start {
                0 => target.symbol().into_owned(),
                offset => format!("{}+{offset:#x}", target.symbol()),
            })
        };
        let listing = Listing {
            machine: Machine::HOST,
            code,
            address: function.start as u64,
            comments: &[],
            names: &names,
            offsets: true,
        };
        let instructions = listing.lines();
        let at = (self.registers.pc - function.start) as u32;
        let here = instructions.partition_point(|(offset, _)| *offset < at);
        let first = here.saturating_sub(AROUND);
        writeln!(out, "\n{}: {} bytes", function.symbol(), function.size)?;
        let mut place = None;
        for (offset, text) in instructions.iter().skip(first).take(2 * AROUND + 1) {
            let now = vm.sources.place_in(function, *offset);
            if let Some((source, line)) = now.filter(|(_, line)| place.replace(*line) != Some(*line)) {
                writeln!(out, "  ; {}:{line}: {}", source.name, source.line(line).trim())?;
            }
            writeln!(out, "{} {offset:6x}  {text}", if *offset == at { "=>" } else { "  " })?;
        }
        Ok(())
    }

    fn registers(&self, out: &mut Out) -> fmt::Result {
        writeln!(out)?;
        for row in self.named.chunks(3) {
            for (name, value) in row {
                write!(out, "  {name:>6} {value:#018x}")?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

/// A line of the stack.
fn line(out: &mut Out, vm: &Vm, call: &Call<'_>) -> fmt::Result {
    write!(out, "  at {}{}", call.function.kind.prefix(), call.function.name)?;
    if let Some((source, line)) = vm.sources.place_in(call.function, call.offset()) {
        write!(out, " ({}:{line})", source.name)?;
        // The text may be the last of its kind by now, and is not freed in a handler.
        std::mem::forget(source);
    }
    writeln!(out)
}

/// Standard error, without memory of the heap.
struct Out {
    buffer: [u8; 512],
    used: usize,
    closed: Cell<bool>,
}

impl Out {
    fn new() -> Out {
        Out { buffer: [0; 512], used: 0, closed: Cell::new(false) }
    }

    fn flush(&mut self) {
        let mut rest = &self.buffer[..std::mem::take(&mut self.used)];
        while !rest.is_empty() && !self.closed.get() {
            // SAFETY: writes bytes that are there.
            let written = unsafe { libc::write(libc::STDERR_FILENO, rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(written) {
                Ok(n @ 1..) => rest = &rest[n.min(rest.len())..],
                _ => self.closed.set(true),
            }
        }
    }
}

impl fmt::Write for Out {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.used == self.buffer.len() {
                self.flush();
            }
            self.buffer[self.used] = byte;
            self.used += 1;
        }
        Ok(())
    }
}
