//! The options of the command line, in one table.
//!
//! Owns the names, the help and the meaning of every option: parser and help text both read [`OPTIONS`]. Must not know what is
//! done with them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::codegen::trials::Trials;
use crate::gc;
use crate::injection::Injection;
use crate::profile::What;
use crate::profile::session::Wanted;
use crate::repl::server::{Address, Listen};
use crate::repl::{Beginning, Opening};

/// What the process is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Run a program: the file (`-` is stdin) and its arguments.
    Run { file: PathBuf, arguments: Vec<String> },
    /// Evaluate a text and print its value.
    Evaluate { text: String, arguments: Vec<String> },
    /// Talk.
    Repl,
    /// Run tests.
    Test { paths: Vec<PathBuf> },
    /// Run the tests of one file, in this process (the runner starts itself so).
    TestFile { file: PathBuf },
    /// Print the script for gdb.
    GdbScript,
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// What to print instead of running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump {
    /// The reader's tree.
    Tree,
    /// Machine code, as it is made.
    Asm,
}

/// All that was said on the command line.
#[derive(Clone, Debug)]
pub struct Options {
    /// What to do.
    pub command: Command,
    /// The heap.
    pub heap: gc::Options,
    /// `--dump=`
    pub dump: Option<Dump>,
    /// `--gdb`
    pub gdb: bool,
    /// `--jit-verify`
    pub jit_verify: bool,
    /// `--jit-random-regs`, `--opt-off`
    pub trials: Trials,
    /// `--race-windows`
    pub race_windows: Option<u64>,
    /// `--inject-fault`
    pub injection: Option<Injection>,
    /// `-i`
    pub interactive: bool,
    /// How the REPL begins.
    pub beginning: Beginning,
    /// `--token`
    pub token: Option<PathBuf>,
    /// `-I`
    pub include: Vec<PathBuf>,
    /// `--jitdump`: the folder.
    pub jitdump: Option<PathBuf>,
    /// `--perf-map`
    pub perf_map: bool,
    /// `--jobs`
    pub jobs: Option<usize>,
    /// `--profile`, `--profile-allocations`
    pub profiles: Vec<Wanted>,
    /// `--stats`
    pub stats: bool,
    /// `--gc-stats`
    pub gc_stats: bool,
    /// `--trace=compile`
    pub trace_compilation: bool,
    /// `--trace=gc`
    pub trace_collections: bool,
    /// `--limit`
    pub limit: Duration,
    /// `--filter`
    pub filter: Option<String>,
    /// `--update-snapshots`
    pub update_snapshots: bool,
    /// `--json`
    pub json: Option<PathBuf>,
    /// The options that concern the heap, as they were given: handed on to the processes of tests.
    pub handed_on: Vec<String>,
}

/// Where an option belongs in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Of every command that runs programs.
    Running,
    /// Of conversations.
    Talking,
    /// Of those that show what a program does.
    Looking,
    /// Of `harrier test`.
    Testing,
    /// Of the collector.
    Memory,
    /// Of none.
    General,
}

/// Whether an option has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// `--name`
    Nothing,
    /// `--name VALUE` or `--name=VALUE`: what the value is called.
    Value(&'static str),
    /// `--name` or `--name=VALUE`
    Perhaps(&'static str),
}

/// A row of the table.
pub struct OptionRow {
    /// All names, dashes included; the first is the one in messages.
    pub names: &'static [&'static str],
    /// Whether it has a value.
    pub takes: Takes,
    /// Where it belongs.
    pub group: Group,
    /// The help.
    pub help: &'static str,
    /// What it does: the value is empty when there is none.
    set: Set,
}

/// What an option does with its value.
enum Set {
    /// It is a text.
    Text(fn(&mut Options, &str) -> Result<(), String>),
    /// It is a path, which need not be UTF-8.
    Path(fn(&mut Options, PathBuf) -> Result<(), String>),
}

/// All options.
#[rustfmt::skip]
pub const OPTIONS: &[OptionRow] = &[
    OptionRow { names: &["-e"], takes: Takes::Value("TEXT"), group: Group::Running,
        help: "evaluate TEXT and print its value",
        set: Set::Text(|o, v| { o.command = Command::Evaluate { text: v.to_string(), arguments: Vec::new() }; Ok(()) }) },
    OptionRow { names: &["-i"], takes: Takes::Nothing, group: Group::Running,
        help: "run FILE, then talk in its namespace",
        set: Set::Text(|o, _| { o.interactive = true; Ok(()) }) },
    OptionRow { names: &["-I"], takes: Takes::Value("DIR"), group: Group::Running,
        help: "look for used namespaces in DIR too",
        set: Set::Path(|o, v| { o.include.push(v); Ok(()) }) },
    OptionRow { names: &["--listen"], takes: Takes::Perhaps("ADDRESS"), group: Group::Talking,
        help: "let editors talk too (nREPL): by a socket of yours alone, one at a PATH, or 127.0.0.1:PORT",
        set: Set::Text(|o, v| {
            o.beginning.listen = Some(Listen { address: Address::parse(v)?, token: None });
            Ok(())
        }) },
    OptionRow { names: &["--token"], takes: Takes::Value("FILE"), group: Group::Talking,
        help: "who connects must send the text in FILE as `token`",
        set: Set::Path(|o, v| { o.token = Some(v); Ok(()) }) },
    OptionRow { names: &["--dump"], takes: Takes::Value("tree|asm"), group: Group::Looking,
        help: "print the reader's tree, or machine code as it is made",
        set: Set::Text(|o, v| { o.dump = Some(match v {
            "tree" => Dump::Tree,
            "asm" => Dump::Asm,
            _ => return Err("write `--dump=tree` or `--dump=asm`".into()),
        }); Ok(()) }) },
    OptionRow { names: &["--profile"], takes: Takes::Perhaps("FILE"), group: Group::Looking,
        help: "print at the end where the time went; FILE.folded, FILE.json (speedscope) or FILE.svg gets it too",
        set: Set::Path(|o, v| { o.profiles.push(Wanted::new(What::Time, v)?); Ok(()) }) },
    OptionRow { names: &["--profile-allocations"], takes: Takes::Perhaps("FILE"), group: Group::Looking,
        help: "the same by bytes allocated",
        set: Set::Path(|o, v| { o.profiles.push(Wanted::new(What::Bytes, v)?); Ok(()) }) },
    OptionRow { names: &["--stats"], takes: Takes::Nothing, group: Group::Looking,
        help: "print at the end how often which line ran through the runtime, and what compiling and collecting took",
        set: Set::Text(|o, _| { o.stats = true; Ok(()) }) },
    OptionRow { names: &["--gc-stats"], takes: Takes::Nothing, group: Group::Looking,
        help: "print at the end what collecting took: how often, how long everybody waited, what became old",
        set: Set::Text(|o, _| { o.gc_stats = true; Ok(()) }) },
    OptionRow { names: &["--trace"], takes: Takes::Value("compile|gc"), group: Group::Looking,
        help: "print a line for each function that is compiled, or for each collection",
        set: Set::Text(|o, v| match v {
            "compile" => { o.trace_compilation = true; Ok(()) }
            "gc" => { o.trace_collections = true; Ok(()) }
            _ => Err("write `--trace=compile` or `--trace=gc`".into()),
        }) },
    OptionRow { names: &["--jitdump"], takes: Takes::Perhaps("DIR"), group: Group::Looking,
        help: "write DIR/jit-PID.dump for `perf inject --jit` (DIR: the current folder)",
        set: Set::Path(|o, v| { o.jitdump = Some(if v.as_os_str().is_empty() { ".".into() } else { v }); Ok(()) }) },
    OptionRow { names: &["--perf-map"], takes: Takes::Nothing, group: Group::Looking,
        help: "write /tmp/perf-PID.map for perf: names without lines",
        set: Set::Text(|o, _| { o.perf_map = true; Ok(()) }) },
    OptionRow { names: &["--gdb"], takes: Takes::Nothing, group: Group::Looking,
        help: "tell a debugger of all code: for breakpoints on lines, steps and variables",
        set: Set::Text(|o, _| { o.gdb = true; Ok(()) }) },
    OptionRow { names: &["--jit-verify"], takes: Takes::Nothing, group: Group::Looking,
        help: "check all machine code against its stack maps; status 70 when there is a difference",
        set: Set::Text(|o, _| { o.jit_verify = true; Ok(()) }) },
    OptionRow { names: &["--jit-random-regs"], takes: Takes::Value("SEED"), group: Group::Looking,
        help: "take registers and frame slots by chance: a test of the generator",
        set: Set::Text(|o, v| {
            o.trials.by_chance(v.parse().map_err(|_| "write a number, as in `--jit-random-regs=7`")?);
            Ok(())
        }) },
    OptionRow { names: &["--opt-off"], takes: Takes::Value("NAME"), group: Group::Looking,
        help: "leave an optimisation out (twins, promotions, inlining, homes, hints, accumulators, wishes): a test of the generator",
        set: Set::Text(|o, v| o.trials.leave_out(v)) },
    OptionRow { names: &["--race-windows"], takes: Takes::Value("SEED"), group: Group::Looking,
        help: "let other threads run, by chance, wherever two looks must agree: a test of the runtime",
        set: Set::Text(|o, v| {
            o.race_windows = Some(v.parse().map_err(|_| "write a number, as in `--race-windows=7`")?);
            Ok(())
        }) },
    OptionRow { names: &["--inject-fault"], takes: Takes::Value("KIND:N"), group: Group::Looking,
        help: "the Nth time (N+: from then on) the system refuses memory (heap, code), a thread or a write: a test of the runtime",
        set: Set::Text(|o, v| { o.injection = Some(Injection::parse(v)?); Ok(()) }) },
    OptionRow { names: &["--gc"], takes: Takes::Value("NAME"), group: Group::Memory,
        help: "how memory is collected: generational (what is young, mostly), compacting (everything moves) or mark-sweep (nothing moves)",
        set: Set::Text(|o, v| {
            o.heap.collector = gc::CollectorKind::named(v).ok_or("write `--gc=generational`, `--gc=compacting` or `--gc=mark-sweep`")?;
            Ok(())
        }) },
    OptionRow { names: &["--max-heap"], takes: Takes::Value("SIZE"), group: Group::Memory,
        help: "the most memory for objects: a number of bytes, or with k, m, g",
        set: Set::Text(|o, v| { o.heap.max_heap = Some(size(v)?); Ok(()) }) },
    OptionRow { names: &["--gc-always"], takes: Takes::Perhaps("strict"), group: Group::Memory,
        help: "collect at every allocation, at each place ever more rarely (strict: always)",
        set: Set::Text(|o, v| { o.heap.stress = match v {
            "" => gc::Stress::Decaying,
            "strict" => gc::Stress::Strict,
            _ => return Err("its only value is `strict`".into()),
        }; Ok(()) }) },
    OptionRow { names: &["--gc-verify"], takes: Takes::Nothing, group: Group::Memory,
        help: "check the whole heap after each collection",
        set: Set::Text(|o, _| { o.heap.verify = true; Ok(()) }) },
    OptionRow { names: &["--jobs", "-j"], takes: Takes::Value("N"), group: Group::Testing,
        help: "run N test files at once (default: one for each processor)",
        set: Set::Text(|o, v| { o.jobs = Some(number(v)?); Ok(()) }) },
    OptionRow { names: &["--limit"], takes: Takes::Value("SECONDS"), group: Group::Testing,
        help: "the time that one test file may take (default: 60)",
        set: Set::Text(|o, v| { o.limit = seconds(v)?; Ok(()) }) },
    OptionRow { names: &["--filter"], takes: Takes::Value("TEXT"), group: Group::Testing,
        help: "only files whose path, or tests whose name, contains TEXT",
        set: Set::Text(|o, v| { o.filter = Some(v.to_string()); Ok(()) }) },
    OptionRow { names: &["--update-snapshots"], takes: Takes::Nothing, group: Group::Testing,
        help: "write what is printed now into snapshots that differ",
        set: Set::Text(|o, _| { o.update_snapshots = true; Ok(()) }) },
    OptionRow { names: &["--json"], takes: Takes::Value("FILE"), group: Group::Testing,
        help: "write the results to FILE as JSON",
        set: Set::Path(|o, v| { o.json = Some(v); Ok(()) }) },
    OptionRow { names: &["--gdb-script"], takes: Takes::Nothing, group: Group::General,
        help: "print the script that shows gdb the program's frames and values",
        set: Set::Text(|o, _| { o.command = Command::GdbScript; Ok(()) }) },
    OptionRow { names: &["--help", "-h"], takes: Takes::Nothing, group: Group::General,
        help: "print this help",
        set: Set::Text(|o, _| { o.command = Command::Help; Ok(()) }) },
    OptionRow { names: &["--version", "-V"], takes: Takes::Nothing, group: Group::General,
        help: "print the version",
        set: Set::Text(|o, _| { o.command = Command::Version; Ok(()) }) },
];

const USAGE: &str = "\
usage: harrier [OPTIONS] FILE [ARGUMENTS]     run a program (- is stdin)
       harrier run [OPTIONS] FILE [ARGUMENTS]
       harrier -e TEXT                        evaluate TEXT and print its value
       harrier [repl] [OPTIONS]               talk
       harrier repl FILE                      load a file, then talk in its namespace
       harrier repl --listen [FILE]           talk to editors
       harrier -i FILE [ARGUMENTS]            run a program, then talk in its namespace
       harrier test [OPTIONS] [PATHS]         run tests and snapshots
";

/// Commands of a later step.
const LATER: &[&str] = &["fmt", "doc", "init"];

impl Default for Options {
    fn default() -> Options {
        Options {
            command: Command::Repl,
            heap: gc::Options::default(),
            dump: None,
            gdb: false,
            jit_verify: false,
            trials: Trials::default(),
            race_windows: None,
            injection: None,
            interactive: false,
            beginning: Beginning::default(),
            token: None,
            include: Vec::new(),
            jitdump: None,
            perf_map: false,
            jobs: None,
            profiles: Vec::new(),
            stats: false,
            gc_stats: false,
            trace_compilation: false,
            trace_collections: false,
            limit: Duration::from_secs(60),
            filter: None,
            update_snapshots: false,
            json: None,
            handed_on: Vec::new(),
        }
    }
}

/// The help text.
pub fn help() -> String {
    let mut text = format!("Harrier {}\n\n{USAGE}", env!("CARGO_PKG_VERSION"));
    for (group, title) in [
        (Group::Running, "Running"),
        (Group::Talking, "Talking"),
        (Group::Looking, "Profiling and debugging"),
        (Group::Testing, "Testing"),
        (Group::Memory, "Memory"),
        (Group::General, "General"),
    ] {
        text.push_str(&format!("\n{title}:\n"));
        for row in OPTIONS.iter().filter(|r| r.group == group) {
            let names = row.names.join(", ");
            let left = match row.takes {
                Takes::Nothing => names,
                Takes::Value(value) if row.names[0].starts_with("--") => format!("{names}={value}"),
                Takes::Value(value) => format!("{names} {value}"),
                Takes::Perhaps(value) => format!("{names}[={value}]"),
            };
            text.push_str(&format!("  {left:<26} {}\n", row.help));
        }
    }
    text
}

/// Reads the arguments of the process (its own name not included). The error says what to do.
pub fn parse(arguments: &[OsString]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    // The command word stands first, or after options.
    let mut command: Option<&str> = None;
    let mut plain: Vec<&OsString> = Vec::new();
    let mut all: Vec<Given> = Vec::new();
    while let Some(given) = rest.next() {
        let argument = &*given.to_string_lossy();
        if argument == "--" {
            plain.extend(rest.by_ref());
            break;
        }
        if !argument.starts_with('-') || argument == "-" {
            let word = ["run", "repl", "test"].into_iter().find(|w| command.is_none() && *w == argument);
            if word.is_some() && matches!(options.command, Command::Repl) {
                command = word;
                continue;
            }
            if command.is_none() && LATER.contains(&argument) && !std::path::Path::new(argument).exists() {
                return Err(format!("`harrier {argument}` is not there yet: it comes with a later version"));
            }
            plain.push(given);
            if command != Some("test") {
                // What follows the file belongs to the program.
                plain.extend(rest.by_ref());
                break;
            }
            continue;
        }
        if let Some(file) = given.as_bytes().strip_prefix(b"--test-file=") {
            options.command = Command::TestFile { file: PathBuf::from(OsStr::from_bytes(file)) };
            continue;
        }
        all.push(option(&mut options, given, &mut rest)?);
    }
    if options.profiles.iter().enumerate().any(|(i, p)| options.profiles[..i].iter().any(|q| q.what == p.what)) {
        return Err("the same profile is asked for twice: give --profile once".into());
    }
    options.command = what_to_do(&mut options, command, &plain)?;
    refuse_contradictions(&all)?;
    match (&mut options.beginning.listen, options.token.take()) {
        (Some(listen), token) => listen.token = token,
        (None, Some(_)) if matches!(options.command, Command::Repl) => {
            return Err("--token is for who connects: write `harrier repl --listen --token FILE`".into());
        }
        _ => {}
    }
    all.iter().find_map(|given| in_vain(given.row, &options)).map_or(Ok(options), Err)
}

/// The command that a line with this word and these arguments means; what an option has set in its place goes first.
fn what_to_do(options: &mut Options, command: Option<&str>, plain: &[&OsString]) -> Result<Command, String> {
    let set = std::mem::replace(&mut options.command, Command::Repl);
    let texts = |words: &[&OsString]| words.iter().map(|w| w.to_string_lossy().into_owned()).collect();
    Ok(match (set, command) {
        (Command::Evaluate { .. }, Some(command @ ("test" | "repl"))) => {
            return Err(format!("-e evaluates a text, and `{command}` does something else: leave one of them out"));
        }
        (Command::Evaluate { .. }, _) if options.interactive => {
            return Err("-i runs a file and then talks: leave -e out, and type the text".into());
        }
        (Command::Evaluate { text, .. }, _) => Command::Evaluate { text, arguments: texts(plain) },
        (Command::Repl, Some("test")) if options.interactive => {
            return Err(
                "-i talks when a program has run, and tests run in processes of their own: leave one of them out"
                    .into(),
            );
        }
        (Command::Repl, Some("test")) => Command::Test { paths: plain.iter().map(PathBuf::from).collect() },
        (Command::Repl, Some("run") | None) if !plain.is_empty() && options.interactive => {
            options.beginning.opening =
                Some(Opening { file: PathBuf::from(plain[0]), arguments: Some(texts(&plain[1..])) });
            Command::Repl
        }
        (Command::Repl, Some("run")) | (Command::Repl, None) if !plain.is_empty() => {
            Command::Run { file: PathBuf::from(plain[0]), arguments: texts(&plain[1..]) }
        }
        (Command::Repl, Some("run")) => return Err("run needs a file: write `harrier run FILE`".into()),
        (Command::Repl, Some("repl")) if !plain.is_empty() => {
            if let Some(more) = plain.get(1) {
                let (file, more) = (plain[0].to_string_lossy(), more.to_string_lossy());
                return Err(format!(
                    "repl takes one file, and does not run its `main`: write `harrier -i {file} {more}` to run it with arguments"
                ));
            }
            options.beginning.opening = Some(Opening { file: PathBuf::from(plain[0]), arguments: None });
            Command::Repl
        }
        (set, _) => set,
    })
}

/// An option that was given, with its value.
struct Given {
    row: &'static OptionRow,
    value: OsString,
}

/// Of two values one would be ignored, but where they add up, and with the limits of memory, where the last one counts: so what a
/// script says by default can be said otherwise.
fn refuse_contradictions(all: &[Given]) -> Result<(), String> {
    let alone = |row: &OptionRow| row.group != Group::Memory && row.names[0] != "-I";
    for (i, given) in all.iter().enumerate().filter(|(_, given)| alone(given.row)) {
        if all[..i].iter().any(|other| std::ptr::eq(other.row, given.row) && other.value != given.value) {
            return Err(format!("{} is given twice, with different values: give it once", given.row.names[0]));
        }
    }
    Ok(())
}

/// What is to be said of an option that the command would ignore.
fn in_vain(row: &OptionRow, options: &Options) -> Option<String> {
    let name = row.names[0];
    let tree = options.dump == Some(Dump::Tree);
    match (&options.command, row.group) {
        // Asked for in place of everything else.
        (Command::Help | Command::Version | Command::GdbScript, _) => None,
        (Command::Test { .. }, Group::Looking) => {
            let written = match row.takes {
                Takes::Value(value) => format!("{name}={}", value.split('|').next().unwrap_or(value)),
                Takes::Nothing | Takes::Perhaps(_) => name.to_string(),
            };
            let tests =
                if name == "--jitdump" { "; for tests, set HARRIER_JITDUMP=DIR in the environment" } else { "" };
            Some(format!("{name} looks at one program: write `harrier run {written} FILE`{tests}"))
        }
        (Command::Run { .. } | Command::Evaluate { .. } | Command::Repl, Group::Testing) => {
            Some(format!("{name} is an option of tests: write `harrier test {name} …`"))
        }
        (Command::Run { .. } | Command::Evaluate { .. } | Command::Test { .. }, Group::Talking) => {
            Some(format!("{name} is of a conversation: write `harrier repl --listen`, or `harrier -i --listen FILE`"))
        }
        (Command::Evaluate { .. } | Command::Repl, _) if tree && name == "--dump" => {
            Some("--dump=tree is of a file: write `harrier --dump=tree FILE`".into())
        }
        (Command::Run { .. }, Group::Looking) if tree && name != "--dump" => Some(format!(
            "--dump=tree does not run the program, and {name} looks at one that runs: leave one of them out"
        )),
        _ => None,
    }
}

/// Sets what an option says; its value may be the next argument.
fn option<'a>(
    options: &mut Options,
    given: &OsStr,
    rest: &mut (impl Iterator<Item = &'a OsString> + Clone),
) -> Result<Given, String> {
    let argument = given.to_string_lossy();
    let bytes = given.as_bytes();
    let (name, value) = match bytes.iter().position(|b| *b == b'=') {
        Some(at) if bytes.starts_with(b"--") => (&bytes[..at], Some(&bytes[at + 1..])),
        // `-Idir`, `-j4`
        _ => match bytes.split_at_checked(2) {
            Some((name @ (b"-I" | b"-j"), value)) if !value.is_empty() => (name, Some(value)),
            _ => (bytes, None),
        },
    };
    let row = OPTIONS.iter().find(|r| r.names.iter().any(|n| n.as_bytes() == name));
    let Some(row) = row else { return Err(unknown(&argument)) };
    let name = String::from_utf8_lossy(name);
    // As it was written.
    let sign = if value.is_some() && name.starts_with("--") { "=" } else { " " };
    let value = match (row.takes, value) {
        (Takes::Nothing, Some(_)) => return Err(format!("{name} takes no value: write just `{name}`")),
        (Takes::Perhaps(what), Some(b"")) => {
            return Err(format!("{name}= has no value: write `{name}` or `{name}={what}`"));
        }
        // An address can stand behind it, as a value that must be there can.
        (Takes::Perhaps("ADDRESS"), None) => {
            let next = rest.clone().next().filter(|next| next.to_str().is_some_and(Address::is_likely));
            if next.is_some() {
                rest.next();
            }
            next.cloned().unwrap_or_default()
        }
        (Takes::Nothing, None) | (Takes::Perhaps(_), None) => OsString::new(),
        (_, Some(value)) => OsStr::from_bytes(value).to_os_string(),
        (Takes::Value(what), None) => match rest.next() {
            Some(value) => value.clone(),
            None => return Err(format!("{name} needs a value: write `{name} {what}`")),
        },
    };
    let text = value.to_string_lossy();
    let failed = |why: String| format!("{name}{sign}{text}: {why}");
    match (&row.set, row.takes) {
        (Set::Path(_), Takes::Value(what)) if value.is_empty() => {
            return Err(format!("{name} needs a value: write `{name} {what}`"));
        }
        (Set::Path(set), _) => set(options, PathBuf::from(&value)).map_err(failed)?,
        (Set::Text(set), _) => set(options, &text).map_err(failed)?,
    }
    if row.group == Group::Memory {
        options.handed_on.push(if text.is_empty() { name.to_string() } else { format!("{name}={text}") });
    }
    Ok(Given { row, value })
}

fn unknown(argument: &str) -> String {
    let names = OPTIONS.iter().flat_map(|r| r.names.iter().copied());
    let name = argument.split('=').next().unwrap_or(argument);
    match crate::runtime::load::closest(name, names) {
        Some(meant) => format!("there is no option {argument}: did you mean {meant}? (see `harrier --help`)"),
        None => format!("there is no option {argument} (see `harrier --help`)"),
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "it is a whole number, 1 or more".to_string())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let parsed = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    parsed.filter(|time| !time.is_zero()).ok_or_else(|| "it is a number of seconds, more than 0".to_string())
}

/// `64m`, `1g`, `100000`
fn size(text: &str) -> Result<usize, String> {
    let wrong = || "it is a number of bytes, or one with k, m or g behind it".to_string();
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    let (digits, shift) = match lower.chars().last() {
        Some('k') => (&lower[..lower.len() - 1], 10),
        Some('m') => (&lower[..lower.len() - 1], 20),
        Some('g') => (&lower[..lower.len() - 1], 30),
        _ => (lower, 0),
    };
    let n: usize = digits.parse().map_err(|_| wrong())?;
    n.checked_shl(shift).filter(|b| b >> shift == n).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_program_keeps_its_arguments() {
        let options = parsed("--gc-always run --max-heap 64m f.hr --gc-verify -x").expect("fine");
        assert_eq!(
            options.command,
            Command::Run { file: "f.hr".into(), arguments: vec!["--gc-verify".into(), "-x".into()] }
        );
        assert_eq!(options.heap.max_heap, Some(64 << 20));
        assert!(!options.heap.verify);
        assert_eq!(options.heap.stress, gc::Stress::Decaying);
    }

    #[test]
    fn commands() {
        assert_eq!(parsed("").expect("fine").command, Command::Repl);
        assert_eq!(parsed("repl").expect("fine").command, Command::Repl);
        assert_eq!(parsed("test a b --jobs 3").expect("fine").jobs, Some(3));
        assert_eq!(parsed("test a b -j3").expect("fine").jobs, Some(3));
        assert_eq!(parsed("-Ia -I b f.hr").expect("fine").include, [PathBuf::from("a"), PathBuf::from("b")]);
        assert_eq!(parsed("-").expect("fine").command, Command::Run { file: "-".into(), arguments: vec![] });
        assert_eq!(parsed("-e 1").expect("fine").command, Command::Evaluate { text: "1".into(), arguments: vec![] });
        assert_eq!(parsed("--help").expect("fine").command, Command::Help);
        let opening = |line: &str| parsed(line).expect("fine").beginning.opening;
        assert_eq!(opening("repl f.hr"), Some(Opening { file: "f.hr".into(), arguments: None }));
        let run = Some(Opening { file: "f.hr".into(), arguments: Some(vec!["-x".into(), "b".into()]) });
        assert_eq!((opening("-i f.hr -x b"), opening("run -i f.hr -x b"), opening("-i")), (run.clone(), run, None));
        assert!(parsed("repl f.hr b").is_err_and(|e| e.contains("`harrier -i f.hr b`")));
        assert!(parsed("-i -e 1").is_err() && parsed("-i test f").is_err());
    }

    #[test]
    fn misuse_says_what_to_do() {
        assert!(parsed("--gc-verfy x").is_err_and(|e| e.contains("did you mean --gc-verify")));
        assert!(parsed("--max-heap").is_err_and(|e| e.contains("--max-heap SIZE")));
        assert!(parsed("--max-heap=huge f").is_err_and(|e| e.contains("number of bytes")));
        assert!(parsed("run").is_err_and(|e| e.contains("harrier run FILE")));
        assert!(parsed("fmt").is_err_and(|e| e.contains("later")));
        assert!(parsed("--gc-always=never f").is_err_and(|e| e.contains("strict")));
        assert!(
            parsed("--trace f.hr").is_err_and(|e| e.starts_with("--trace f.hr: ") && e.contains("`--trace=compile`"))
        );
        assert!(parsed("--trace=all f.hr").is_err_and(|e| e.starts_with("--trace=all: ")));
        for option in ["--profile", "--profile-allocations", "--jitdump", "--gc-always"] {
            let message = format!("{option}= has no value: write `{option}` or `{option}=");
            assert!(parsed(&format!("{option}= f.hr")).is_err_and(|e| e.starts_with(&message)), "{option}");
        }
        assert!(parsed("test --json= f.hr").is_err_and(|e| e.contains("write `--json FILE`")));
    }

    #[test]
    fn who_may_take_part() {
        let listen = |line: &str| parsed(line).expect("fine").beginning.listen.expect("it listens");
        assert_eq!(listen("repl --listen"), Listen { address: Address::Usual, token: None });
        assert_eq!(listen("--listen --token=t").token, Some("t".into()));
        let port = Address::Port("127.0.0.1:7888".parse().expect("an address"));
        for line in ["--listen=127.0.0.1:7888", "repl --listen 127.0.0.1:7888", "repl --listen localhost:7888 f.hr"] {
            assert_eq!(listen(line).address, port, "{line}");
        }
        let options = parsed("repl --listen f.hr").expect("fine");
        assert!(options.beginning.opening.is_some() && listen("-i --listen=./s f.hr x").address != port);
        assert!(parsed("repl --listen 0.0.0.0:1").is_err_and(|why| why.contains("passwords")));
        assert!(parsed("repl --token=t").is_err_and(|why| why.contains("--listen")));
    }

    /// Each option with each command is obeyed or refused.
    #[test]
    fn nothing_is_ignored_in_silence() {
        let commands = ["run f.hr", "f.hr", "-", "-e 1", "", "repl", "test f"];
        for row in OPTIONS.iter().filter(|row| row.group != Group::General && !["-e", "-i"].contains(&row.names[0])) {
            let name = row.names[0];
            let value = match (row.takes, name) {
                (Takes::Nothing | Takes::Perhaps(_), _) => "",
                (_, "--max-heap") => " 64m",
                (_, "--gc") => " compacting",
                (_, "--trace") => " compile",
                (_, "--dump") => " asm",
                (_, "--opt-off") => " twins",
                (_, "--inject-fault") => " heap:1",
                (_, _) => " 1",
            };
            for command in commands.into_iter().filter(|command| name != "--token" || !["", "repl"].contains(command)) {
                let of_tests = command.starts_with("test");
                let refused = match row.group {
                    Group::Looking => of_tests,
                    Group::Testing => !of_tests,
                    Group::Talking => !["", "repl"].contains(&command),
                    Group::Running | Group::Memory | Group::General => false,
                };
                let got = parsed(&format!("{name}{value} {command}"));
                assert_eq!(got.is_err(), refused, "{name} {command}: {:?}", got.err());
                assert!(!refused || got.is_err_and(|e| e.starts_with(name) && e.contains("write `harrier ")));
            }
            let with_tree = parsed(&format!("{name}{value} --dump=tree f.hr"));
            assert_eq!(
                with_tree.is_err(),
                matches!(row.group, Group::Looking | Group::Testing | Group::Talking),
                "{name}"
            );
        }
        assert!(parsed("--dump=tree -e 1").is_err() && parsed("--dump=tree repl").is_err());
        assert!(parsed("test -e 1").is_err() && parsed("repl -e 1").is_err() && parsed("run -e 1").is_ok());
        assert!(parsed("--stats --jobs 3 --help").is_ok_and(|o| o.command == Command::Help));
    }

    #[test]
    fn the_help_names_each_optimisation() {
        let help = help();
        assert!(crate::codegen::trials::OPTIMISATIONS.iter().all(|(name, _)| help.contains(name)), "{help}");
    }

    #[test]
    fn a_number_of_nothing_is_refused() {
        for jobs in ["0", "-1", "x", "", "1.5"] {
            assert!(parsed(&format!("test --jobs={jobs} a")).is_err_and(|e| e.contains("1 or more")), "{jobs}");
        }
        for limit in ["0", "0.0", "-1", "x", "nan", "inf", "1e-30"] {
            assert!(parsed(&format!("test --limit={limit} a")).is_err_and(|e| e.contains("more than 0")), "{limit}");
        }
        assert_eq!(parsed("test --jobs=1 --limit=0.5 a").expect("fine").limit, Duration::from_millis(500));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for line in ["-e 1 -e 2", "--jitdump=a --jitdump=b f", "--dump=tree --dump=asm f", "test -j 1 --jobs 2"] {
            assert!(parsed(line).is_err_and(|e| e.contains("twice")), "{line}");
        }
        for line in ["--profile --profile f", "--profile=a.svg --profile=b.svg f"] {
            assert!(parsed(line).is_err_and(|e| e.contains("twice")), "{line}");
        }
        assert!(parsed("--stats --stats --jitdump=a --jitdump=a -I a -I b f").is_ok());
        assert_eq!(parsed("--max-heap 1m --max-heap 2m f").expect("fine").heap.max_heap, Some(2 << 20));
        let both = parsed("--profile=a.svg --profile-allocations=b.svg f").expect("fine");
        assert_eq!(both.profiles.len(), 2);
    }

    #[test]
    fn the_help_names_every_option() {
        let help = help();
        for row in OPTIONS {
            assert!(row.names.iter().all(|n| help.contains(n)), "{:?}", row.names);
        }
    }
}
