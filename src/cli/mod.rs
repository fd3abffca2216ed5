//! The `harrier` program, as a library: commands, their exit status, and what they print.
//!
//! Owns the life of the process: the thread with the large stack, the machine, the last flush. Exit status: that of
//! `exit(n)`; 0; 1 when the program, or a thread that nobody joined, failed; 2 when the command line is wrong; 70 when
//! `--jit-verify` has found a difference; 130 when it was interrupted.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use crate::gc::{Thread, Thrown};
use crate::injection;
use crate::library::LIBRARY;
use crate::object::Word;
use crate::options::{self, Command, Dump, Options};
use crate::profile::gdb::Gdb;
use crate::profile::{self, faults, session, stats};
use crate::reader::{self, diagnostics};
use crate::runtime::fault::report;
use crate::runtime::load::{self, LoadError, Problem, texts};
use crate::runtime::observe;
use crate::runtime::program::code::Compiler;
use crate::runtime::program::declare;
use crate::runtime::system::descriptor::{self, Stop};
use crate::runtime::system::{console, threads};
use crate::runtime::values::foreign;
use crate::runtime::vm::Attached;
use crate::runtime::{Namespace, Vm};
use crate::verify::{Claims, Verifier};
use crate::windows;

mod breakpoints;
mod signals;
mod snapshot;
mod test;
mod test_file;

/// The status of a failed program.
const FAILED: u8 = 1;
/// The status of a wrong command line.
const MISUSE: u8 = 2;
/// The status when code is not what its maps claim, or something is left over behind an injected fault.
const DIFFERS: i32 = 70;

/// Runs the process; the generator is handed in.
pub fn main(compiler: Compiler) -> ExitCode {
    crate::runtime::quiet_panics();
    observe::install(LIBRARY.observer);
    signals::ignore_file_limit();
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let options = match options::parse(&arguments) {
        Ok(options) => options,
        Err(why) => {
            console::write_error(&format!("harrier: {why}\n"));
            return ExitCode::from(MISUSE);
        }
    };
    let status = match &options.command {
        Command::Help => print(&options::help()),
        Command::GdbScript => print(include_str!("../../tools/gdb/harrier.py")),
        Command::Version => print(&format!("harrier {}\n", env!("CARGO_PKG_VERSION"))),
        Command::Test { paths } => test::run(paths, &options),
        Command::Run { file, .. } if options.dump == Some(Dump::Tree) => dump_tree(file),
        _ => start(options, compiler),
    };
    console::exit(i32::from(status))
}

/// Starts the machine; gives a status when that cannot be.
fn start(options: Options, compiler: Compiler) -> u8 {
    if let Err(why) = session::open(&options.profiles) {
        console::write_error(&format!("harrier: {why}\n"));
        return MISUSE;
    }
    let answered = signals::hold();
    faults::report();
    if let Some(injection) = options.injection {
        injection.begin();
    }
    let stack = threads::main_stack(&options.heap);
    match on_large_stack(stack, move || {
        threads::large_pages_below(stack);
        with_machine(options, compiler)
    }) {
        Ok(()) => signals::answer(&answered),
        Err(error) => {
            session::abandon();
            console::write_error(&format!("harrier: cannot start: {error}\n"));
            FAILED
        }
    }
}

fn print(text: &str) -> u8 {
    console::print(text);
    0
}

/// Starts the thread that runs the program, and that ends the process with the status. Its stack is smaller where addresses
/// are rare.
fn on_large_stack(stack: usize, run: impl FnOnce() -> u8 + Send + 'static) -> std::io::Result<()> {
    let body = move || {
        let status = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or_else(|_panic| {
            console::write_error("harrier: an internal error ended the program; this is a bug in Harrier\n");
            FAILED
        });
        console::exit(i32::from(status))
    };
    threads::start(stack, Box::new(body))
}

fn with_machine(options: Options, compiler: Compiler) -> u8 {
    let mut cx = match machine(&options, compiler) {
        Ok(cx) => cx,
        Err((status, why)) => {
            session::abandon();
            console::write_error(&format!("harrier: {why}\n"));
            return status;
        }
    };
    let _end = threads::EndOfStack::of(&cx);
    let cx = &mut *cx;
    if let Err(error) = load::core(cx) {
        session::abandon();
        return failed(cx, error);
    }
    breakpoints::ask(cx, &options.command);
    match &options.command {
        Command::Run { file, arguments } => run_file(cx, file, arguments, &options),
        Command::Evaluate { text, arguments } => evaluate(cx, text, arguments),
        Command::TestFile { file } => test_file::run(cx, file, &options),
        _ => {
            signals::conversation(true);
            // Beside the file that is opened, and in the folder where somebody talks.
            let here = std::env::current_dir().unwrap_or_default();
            let include = options.include.iter().cloned().chain([here.clone()]).collect();
            cx.vm().loader.set_search(load::paths::SearchPath::of_program(&here.join("repl.hr"), include));
            crate::repl::run(cx, &options.beginning)
        }
    }
}

/// The machine, as it was asked for, with everybody who looks at it; or the status, and why it cannot be had.
fn machine(options: &Options, compiler: Compiler) -> Result<Attached, (u8, String)> {
    stats::turn_on(stats::Wanted {
        stats: options.stats,
        collections: options.gc_stats,
        each_body: options.trace_compilation,
        each_collection: options.trace_collections,
    });
    let cx = Vm::start(options.heap.clone(), compiler, LIBRARY).map_err(|error| (FAILED, error.to_string()))?;
    let vm = cx.vm();
    let _ = vm.trials.set(options.trials);
    let _ = vm.serve.set(crate::repl::server::serve);
    if let Some(seed) = options.race_windows {
        windows::open(seed);
    }
    vm.dump_asm.store(options.dump == Some(Dump::Asm), Ordering::Relaxed);
    vm.loader.set_warn(console::warn);
    vm.loader.set_search(load::paths::SearchPath { root: None, include: options.include.clone() });
    observe(vm, options).map_err(|why| (MISUSE, why))?;
    let listed = options.dump == Some(Dump::Asm);
    vm.keeps_variables.store(options.gdb || listed, Ordering::Relaxed);
    if options.gdb {
        vm.publisher.observe(Box::new(Gdb::new(vm)));
    }
    if options.jit_verify {
        verify(vm, vm.helpers.claims());
    }
    signals::interrupt_me(&cx);
    stats::begin(vm);
    session::begin(&cx).map_err(|why| (FAILED, why))?;
    Ok(cx)
}

/// Has all code checked from now on, and that which is there, by one to whom this is claimed of the stubs.
pub fn verify(vm: &'static Vm, claims: Claims) {
    let tell = |text: &str| {
        console::write_error(text);
        console::end_with(DIFFERS);
    };
    vm.publisher.observe(Box::new(Verifier::new(claims, Box::new(tell))));
}

/// Starts what profilers were promised.
fn observe(vm: &'static Vm, options: &Options) -> Result<(), String> {
    let asked = options.jitdump.clone().map(|folder| (folder, ""));
    let inherited = || std::env::var_os("HARRIER_JITDUMP").filter(|folder| !folder.is_empty());
    let jitdump = asked.or_else(|| Some((inherited()?.into(), "HARRIER_JITDUMP: ")));
    if let Some((folder, by)) = &jitdump {
        profile::start_jitdump(vm, folder).map_err(|why| format!("{by}{why}"))?;
    }
    if let Some(caution) = profile::caution().filter(|_| jitdump.is_some() || options.perf_map) {
        console::write_error(&format!("harrier: {caution}\n"));
    }
    if options.perf_map {
        profile::start_perf_map(vm).map_err(|why| why.to_string())?;
    }
    Ok(())
}

// ---- programs ----

fn run_file(cx: &mut Thread, file: &Path, arguments: &[String], options: &Options) -> u8 {
    let loaded = match texts::waiting(cx, |stop| read(file, stop)) {
        Ok(Ok((name, text))) => {
            set_arguments(cx, arguments);
            load_file(cx, file, &name, text, options)
        }
        Ok(Err(why)) => {
            session::abandon();
            console::write_error(&format!("harrier: {why}\n"));
            return MISUSE;
        }
        Err(thrown) => {
            session::abandon();
            Err(LoadError::Thrown(thrown))
        }
    };
    let outcome = loaded.and_then(|namespace| load::call_main(cx, namespace, arguments));
    finish(cx, outcome)
}

/// Loads a program; one from stdin has no file, and sees no others.
fn load_file(
    cx: &mut Thread,
    file: &Path,
    name: &str,
    text: String,
    options: &Options,
) -> Result<&'static Namespace, LoadError> {
    if file.as_os_str() == "-" {
        let namespace = declare::namespace(cx, "main").map_err(|e| LoadError::Thrown(e.throw(cx)))?;
        return Ok(load::evaluate(cx, name, &text, namespace)?.namespace);
    }
    cx.vm().loader.set_search(load::paths::SearchPath::of_program(file, options.include.clone()));
    load::file(cx, file, name, text, true, load::Wanted::Loaded)
}

fn set_arguments(cx: &Thread, arguments: &[String]) {
    cx.vm().set_arguments(arguments.to_vec());
}

fn evaluate(cx: &mut Thread, text: &str, arguments: &[String]) -> u8 {
    set_arguments(cx, arguments);
    let outcome = declare::namespace(cx, "user").map_err(|e| LoadError::Thrown(e.throw(cx))).and_then(|namespace| {
        let evaluated = load::evaluate(cx, "<command line>", text, namespace)?;
        if cx.get(evaluated.value).word() != Word::NULL && !evaluated.only_prints {
            let text = foreign::to_text(cx, evaluated.value)?;
            console::print(&format!("{text}\n"));
        }
        Ok(())
    });
    finish(cx, outcome)
}

/// Reports what went wrong, waits for threads, and gives the status.
fn finish(cx: &mut Thread, outcome: Result<(), LoadError>) -> u8 {
    // A key that was pressed while the last builtin ran has not been noticed yet.
    let outcome = outcome.and_then(|()| Ok(threads::check_interrupt(cx)?));
    let mut status = match outcome {
        Ok(()) => 0,
        Err(error) => failed(cx, error),
    };
    if status != console::INTERRUPTED {
        match threads::wait_for_all(cx, 0) {
            Ok(reports) => {
                reports.iter().for_each(|report| console::write_error(report));
                // What nobody has seen fail has failed all the same.
                if status == 0 && !reports.is_empty() {
                    status = FAILED;
                }
                if let Some(left) = injection::is_on().then(|| left_over(cx)).flatten() {
                    console::write_error(&format!("harrier: {left}; this is a bug in Harrier\n"));
                    console::end_with(DIFFERS);
                }
            }
            Err(thrown) => status = thrown_status(cx, thrown),
        }
    }
    status
}

/// Where faults are injected: what has not been given back behind them, at the end of a program whose threads have all ended.
fn left_over(cx: &Thread) -> Option<String> {
    let vm = cx.vm();
    let (known, mapped) = (vm.code_map.view().chunks().count(), vm.memory.stats().chunks);
    if !threads::alone(cx) {
        return Some("a thread that has ended still counts".into());
    }
    (known != mapped).then(|| format!("{mapped} chunks of code are mapped, and {known} are known"))
}

fn failed(cx: &mut Thread, error: LoadError) -> u8 {
    match error {
        LoadError::Problems(problems) => {
            session::abandon();
            console::write_error(&load::render_problems(&problems, color()));
            FAILED
        }
        LoadError::Thrown(thrown) => thrown_status(cx, thrown),
    }
}

fn thrown_status(cx: &mut Thread, thrown: Thrown) -> u8 {
    let report = report::uncaught(cx, thrown, color());
    console::write_error(&report.text);
    if report.interrupt { console::INTERRUPTED } else { FAILED }
}

fn color() -> bool {
    std::io::stderr().is_terminal() && console::wants_color()
}

// ---- texts ----

/// The text of a program and its name in messages.
fn read(file: &Path, stop: Stop<'_>) -> Result<(String, String), String> {
    if file.as_os_str() == "-" {
        let name = "<stdin>";
        return Ok((name.into(), texts::of_stdin(name, stop)?));
    }
    let text = texts::of_file(file, stop).map_err(|why| {
        // `harrier help`, or a command that is spelt wrongly.
        let is_word = file.components().count() == 1 && file.extension().is_none() && !file.exists();
        if is_word { format!("{why}; what harrier can do is told by `harrier --help`") } else { why }
    })?;
    Ok((file.to_string_lossy().into_owned(), text))
}

fn dump_tree(file: &Path) -> u8 {
    let (name, text) = match read(file, &mut descriptor::patient) {
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
