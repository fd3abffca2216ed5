//! The `harrier` program, as a library: commands, their exit status, and what they print.
//!
//! Owns the life of the process: the thread with the large stack, the machine, Ctrl-C, the last flush. Exit status: that of
//! `exit(n)`; 0; 1 when the program, or a thread that nobody joined, failed; 2 when the command line is wrong; 130 when it was
//! interrupted.

use std::io::{IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::gc::{Handle, Interrupter, Thread, Thrown};
use crate::options::{self, Command, Dump, Options};
use crate::reader::{self, diagnostics};
use crate::runtime::code::Compiler;
use crate::runtime::load::{self, LoadError, Problem};
use crate::runtime::{Kind, Namespace, Vm, console, declare, foreign, report, threads};

mod snapshot;
mod test;
mod test_file;

/// The status of a failed program.
const FAILED: u8 = 1;
/// The status of a wrong command line.
const MISUSE: u8 = 2;
/// The status of an interrupted program.
const INTERRUPTED: u8 = 130;

/// Runs the process; the generator is handed in.
pub fn main(compiler: Compiler) -> ExitCode {
    crate::runtime::quiet_panics();
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    let options = match options::parse(&arguments) {
        Ok(options) => options,
        Err(why) => {
            console::write_error(&format!("harrier: {why}\n"));
            return ExitCode::from(MISUSE);
        }
    };
    let status = match &options.command {
        Command::Help => print(&options::help()),
        Command::Version => print(&format!("harrier {}\n", env!("CARGO_PKG_VERSION"))),
        Command::Test { paths } => test::run(paths, &options),
        Command::Run { file, .. } if options.dump == Some(Dump::Tree) => dump_tree(file),
        _ => {
            let stack = threads::stack_size(&options.heap, threads::MAIN_STACK);
            on_large_stack(stack, move || with_machine(options, compiler))
        }
    };
    console::exit(i32::from(status))
}

fn print(text: &str) -> u8 {
    console::print(text);
    0
}

fn on_large_stack(stack: usize, run: impl FnOnce() -> u8 + Send + 'static) -> u8 {
    let thread = std::thread::Builder::new().name("harrier".into()).stack_size(stack).spawn(run);
    match thread.map(|t| t.join()) {
        Ok(Ok(status)) => status,
        Ok(Err(_panic)) => {
            console::write_error("harrier: an internal error ended the program; this is a bug in Harrier\n");
            FAILED
        }
        Err(error) => {
            console::write_error(&format!("harrier: cannot start: {error}\n"));
            FAILED
        }
    }
}

fn with_machine(options: Options, compiler: Compiler) -> u8 {
    let mut cx = match Vm::start(options.heap.clone(), compiler) {
        Ok(cx) => cx,
        Err(error) => {
            console::write_error(&format!("harrier: {error}\n"));
            return FAILED;
        }
    };
    let vm = cx.vm();
    vm.dump_asm.store(options.dump == Some(Dump::Asm), Ordering::Relaxed);
    vm.loader.set_warn(console::write_error);
    vm.loader.set_search(load::paths::SearchPath { root: None, include: options.include.clone() });
    install_interrupt(&cx);
    let cx = &mut *cx;
    if let Err(error) = load::core(cx) {
        return failed(cx, error);
    }
    match &options.command {
        Command::Run { file, arguments } => run_file(cx, file, arguments, &options),
        Command::Evaluate { text, arguments } => evaluate(cx, text, arguments),
        Command::TestFile { file } => test_file::run(cx, file, &options),
        _ => crate::repl::run(cx),
    }
}

// ---- programs ----

fn run_file(cx: &mut Thread, file: &str, arguments: &[String], options: &Options) -> u8 {
    let (name, text) = match read(file) {
        Ok(read) => read,
        Err(why) => {
            console::write_error(&format!("harrier: {why}\n"));
            return MISUSE;
        }
    };
    let loaded = if file == "-" {
        set_arguments(cx, arguments);
        declare::namespace(cx, "main")
            .map_err(|e| LoadError::Thrown(e.throw(cx)))
            .and_then(|namespace| Ok(load::evaluate(cx, &name, &text, namespace)?.namespace))
    } else {
        set_arguments(cx, arguments);
        let path = Path::new(file);
        cx.vm().loader.set_search(load::paths::SearchPath::of_program(path, options.include.clone()));
        load::program(cx, path, &name, text)
    };
    let namespace = match loaded {
        Ok(namespace) => namespace,
        Err(error) => return finish(cx, Err(error)),
    };
    let outcome = call_main(cx, namespace, arguments);
    finish(cx, outcome)
}

fn set_arguments(cx: &Thread, arguments: &[String]) {
    cx.vm().set_arguments(arguments.to_vec());
}

/// Calls `main` if there is one.
fn call_main(cx: &mut Thread, namespace: &'static Namespace, arguments: &[String]) -> Result<(), LoadError> {
    let Some(main) = namespace.member("main").and_then(|b| b.get(cx)).filter(|v| v.is_function()) else {
        return Ok(());
    };
    let main = cx.root(main);
    let takes_arguments = crate::runtime::entry::code_of(cx.get(main)).is_some_and(|code| code.accepts(1));
    let mut list: Vec<Handle> = Vec::new();
    if takes_arguments {
        let mut words = Vec::new();
        for argument in arguments {
            words.push(cx.alloc_string(argument)?);
        }
        list.push(foreign::vector_of(cx, &words)?);
    }
    let _value = cx.call(main, &list)?;
    Ok(())
}

fn evaluate(cx: &mut Thread, text: &str, arguments: &[String]) -> u8 {
    set_arguments(cx, arguments);
    let outcome = declare::namespace(cx, "user").map_err(|e| LoadError::Thrown(e.throw(cx))).and_then(|namespace| {
        let evaluated = load::evaluate(cx, "<command line>", text, namespace)?;
        let text = foreign::to_text(cx, evaluated.value)?;
        console::print(&format!("{text}\n"));
        Ok(())
    });
    finish(cx, outcome)
}

/// Reports what went wrong, waits for threads, and gives the status.
fn finish(cx: &mut Thread, outcome: Result<(), LoadError>) -> u8 {
    let mut status = match outcome {
        Ok(()) => 0,
        Err(error) => failed(cx, error),
    };
    if status != INTERRUPTED {
        match threads::wait_for_all(cx) {
            Ok(reports) => {
                reports.iter().for_each(|r| console::write_error(&format!("in a thread: {r}")));
                // What nobody has seen fail has failed all the same.
                if status == 0 && !reports.is_empty() {
                    status = FAILED;
                }
            }
            Err(thrown) => status = thrown_status(cx, thrown),
        }
    }
    status
}

fn failed(cx: &mut Thread, error: LoadError) -> u8 {
    match error {
        LoadError::Problems(problems) => {
            console::write_error(&load::render_problems(&problems, color()));
            FAILED
        }
        LoadError::Thrown(thrown) => thrown_status(cx, thrown),
    }
}

fn thrown_status(cx: &mut Thread, thrown: Thrown) -> u8 {
    let report = report::uncaught(cx, thrown, color());
    console::write_error(&report.text);
    if report.kind == Some(Kind::Interrupted) { INTERRUPTED } else { FAILED }
}

fn color() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

// ---- texts ----

/// The text of a program and its name in messages.
fn read(file: &str) -> Result<(String, String), String> {
    let (name, bytes) = if file == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().read_to_end(&mut bytes);
        ("<stdin>".to_string(), read.map(|_| bytes))
    } else {
        (file.to_string(), std::fs::read(file))
    };
    let bytes = bytes.map_err(|e| format!("cannot read {name}: {}", why(&e)))?;
    let text = reader::decode(bytes).map_err(|e| format!("cannot read {name}: {}", e.message))?;
    Ok((name, text))
}

/// The error of the system without its number.
fn why(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_string()
}

fn dump_tree(file: &str) -> u8 {
    let (name, text) = match read(file) {
        Ok(read) => read,
        Err(why) => {
            console::write_error(&format!("harrier: {why}\n"));
            return MISUSE;
        }
    };
    let source = std::sync::Arc::new(reader::tree::Source::new(name, text));
    match reader::read(source.clone(), &reader::Surroundings::default()) {
        Ok(unit) => print(&reader::dump(&unit)),
        Err(errors) => {
            console::write_error(&diagnostics::render_all(&source, &errors, color()));
            FAILED
        }
    }
}

/// Problems as text, for the other rooms of the command line.
fn problems_text(problems: &[Problem]) -> String {
    load::render_problems(problems, false)
}

// ---- Ctrl-C ----

static MAIN_THREAD: OnceLock<Interrupter> = OnceLock::new();
static PENDING: AtomicU32 = AtomicU32::new(0);

/// The first Ctrl-C interrupts the program, which can catch it; another one that finds the first unnoticed ends the process.
fn install_interrupt(cx: &Thread) {
    if MAIN_THREAD.set(cx.interrupter()).is_err() {
        return;
    }
    // SAFETY: the handler does what a handler may: it touches atomics, and calls _exit.
    unsafe {
        let mut action = std::mem::zeroed::<libc::sigaction>();
        action.sa_sigaction = interrupted as *const () as usize;
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaction(libc::SIGINT, &action, std::ptr::null_mut());
    }
}

/// The program has noticed the interrupt.
pub fn interrupt_noticed() {
    PENDING.store(0, Ordering::SeqCst);
}

extern "C" fn interrupted(_signal: libc::c_int) {
    if PENDING.fetch_add(1, Ordering::SeqCst) >= 2 {
        // SAFETY: may be called in a signal handler.
        unsafe { libc::_exit(i32::from(INTERRUPTED)) }
    }
    if let Some(thread) = MAIN_THREAD.get() {
        thread.interrupt();
    }
}
