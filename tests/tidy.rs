//! The architecture as a test: which room may use which, where machine code and its memory are touched, how large files and functions
//! are, and that comments name files that exist. `docs/architecture.md` says why.
//!
//! What is allowed today and should go is listed with its reason. A row that is no longer needed fails as well, so that the lists
//! only shrink.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of `src`, and what each may use. `stack`, `windows`, `locks`, `mutations`, `injection` and `options` are files.
const ARROWS: &[(&str, &[&str])] = &[
    ("stack", &[]),
    ("windows", &[]),
    ("locks", &["windows"]),
    ("mutations", &[]),
    ("injection", &[]),
    ("asm", &["injection", "locks", "mutations"]),
    ("reader", &["mutations", "stack"]),
    ("object", &["locks"]),
    ("gc", &["asm", "injection", "locks", "mutations", "object", "stack", "windows"]),
    ("emit", &["asm", "gc", "mutations", "object"]),
    ("stubs", &["asm", "emit", "gc", "locks", "mutations", "object"]),
    ("codegen", &["asm", "emit", "gc", "mutations", "object", "reader", "stack"]),
    ("verify", &["asm", "gc", "locks", "object", "stubs"]),
    (
        "runtime",
        &["asm", "codegen", "gc", "injection", "locks", "mutations", "object", "reader", "stack", "stubs", "windows"],
    ),
    ("profile", &["asm", "gc", "locks", "object", "reader", "runtime"]),
    ("library", &["gc", "mutations", "object", "profile", "runtime"]),
    ("repl", &["gc", "locks", "object", "profile", "reader", "runtime"]),
    ("options", &["codegen", "gc", "injection", "profile", "repl", "runtime"]),
    (
        "cli",
        &[
            "gc",
            "injection",
            "library",
            "locks",
            "object",
            "options",
            "profile",
            "reader",
            "repl",
            "runtime",
            "verify",
            "windows",
        ],
    ),
    ("lib", &[]),
    ("main", &[]),
];

/// Arrows that run upward, with what makes them: none is left.
const UPWARD: &[(&str, &str, &str)] = &[];

/// The rooms of `src/runtime`, from the lowest. A room may use those below it; `vm`, what all threads share, may be named by all.
const RUNTIME: &[&str] =
    &["observe", "program", "values", "fault", "system", "compile", "helpers", "load", "bootstrap", "vm"];

/// Arrows that run upward in the runtime, with the argument for each: what would turn it round, and why that is worse, or not done yet.
const UPWARD_IN_RUNTIME: &[(&str, &str, &str)] = &[
    ("observe", "program", "what is told names the record of the function that it is about"),
    (
        "program",
        "values",
        "a resolver packs rest arguments into a vector and spreads what `apply` is given: the calling convention has a vector in it",
    ),
    (
        "program",
        "fault",
        "whoever fails says why. Which faults there are is data below (`errors.rs`); the words look at the text, at values and at what \
         is declared, so they cannot be below what they explain. The call is the last thing that a failing operation does",
    ),
    (
        "program",
        "compile",
        "a code record owns what compiling it brought along, a unit what it has seen of first calls; both are opaque there",
    ),
    ("values", "fault", "as for program"),
    ("values", "system", "long work looks whether it was interrupted; `out` is a stream, and streams print"),
    ("fault", "system", "streams print in messages; a breakpoint writes out what is buffered"),
    ("helpers", "load", "a `let` that ends a type waits for its turn among declarations"),
];

/// Functions of more than [`LONG`] lines: tables of cases in which each line stands by itself, or what nobody has divided yet.
const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[
    ("codegen/survey.rs", "operation", "one case for each kind of node"),
    ("codegen/expression.rs", "operation", "one case for each kind of node"),
    ("codegen/arith.rs", "bit_binary", "one case for each operator"),
    ("reader/dump.rs", "node", "one case for each kind of node"),
    ("reader/lexer.rs", "operator", "one case for each sign"),
    ("reader/parser/operands.rs", "primary", "one case for each token that can begin an operand"),
    ("reader/parser/patterns.rs", "single_pattern", "one case for each token that can begin a pattern"),
    ("runtime/fault/brief.rs", "write", "one case for each kind of value"),
    ("runtime/load/mod.rs", "load_unit", "to divide: the steps of a load"),
    ("runtime/load/check/names.rs", "names", "to divide"),
];

const LONG: usize = 70;
const LARGE: usize = 800;

/// A file of `src`, without what is only there for unit tests.
struct Source {
    /// Below `src`, with `/`.
    name: String,
    /// All of it.
    text: String,
    /// Without comments and unit tests; a line for each line.
    code: Vec<String>,
}

impl Source {
    fn room(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap_or_default()
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder, the paths relative to it.
fn below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                open.push(entry);
            } else if let Some(path) = entry.strip_prefix(folder).ok().and_then(Path::to_str) {
                found.push(path.to_string());
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let files = below(&src).into_iter().filter(|name| name.ends_with(".rs"));
    let sources: Vec<Source> = files
        .map(|name| {
            let text = fs::read_to_string(src.join(&name)).expect("a source file");
            let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code = own.lines().map(|line| line.split("//").next().unwrap_or_default().to_string()).collect();
            Source { name, text, code }
        })
        .collect();
    assert!(sources.len() > 200, "{} files", sources.len());
    sources
}

/// Unit tests may use whatever they need.
fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.ends_with("tests.rs") || name.ends_with("/testing.rs")
}

/// The names behind each `crate::`.
fn uses(line: &str) -> impl Iterator<Item = &str> {
    behind(line, "crate::")
}

/// The names behind each such piece of a path.
fn behind<'a>(line: &'a str, piece: &'a str) -> impl Iterator<Item = &'a str> {
    let name = |rest: &str| rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    line.split(piece).skip(1).map(move |rest| &rest[..name(rest)])
}

/// The locks of the standard library know nothing of who holds them: those of `locks.rs` do, in a checked build.
#[test]
fn locks_are_our_own() {
    let bare = |line: &str| {
        let locks = ["Mutex", "RwLock", "Condvar"];
        line.contains("std::sync::") && locks.iter().any(|lock| line.contains(lock))
            || locks.iter().any(|lock| line.contains(&format!("sync::{lock}")))
    };
    for source in sources().iter().filter(|source| !is_test(&source.name) && source.name != "locks.rs") {
        let found = source.code.iter().position(|line| bare(line));
        assert_eq!(found, None, "{}: use `crate::locks`", source.name);
    }
}

#[test]
fn arrows_run_as_the_map_says() {
    let mut wrong = BTreeMap::new();
    let mut needed = BTreeSet::new();
    let rooms: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for source in sources().iter().filter(|source| !is_test(&source.name)) {
        let from = source.room().to_string();
        let Some(allowed) = rooms.get(from.as_str()) else { panic!("{from} has no row in ARROWS") };
        for to in source.code.iter().flat_map(|line| uses(line)) {
            if to == from || !rooms.contains_key(to) || from == "lib" || from == "main" {
                continue;
            }
            needed.insert((from.clone(), to.to_string()));
            let upward = UPWARD.iter().any(|(a, b, _)| *a == from && *b == to);
            if !allowed.contains(&to) && !upward {
                wrong.insert(format!("{from} uses {to}"), source.name.clone());
            }
        }
    }
    assert!(wrong.is_empty(), "not allowed (the last file of each): {wrong:#?}");
    let rows = ARROWS.iter().flat_map(|(from, to)| to.iter().map(move |to| (*from, *to)));
    for (from, to) in rows.chain(UPWARD.iter().map(|(from, to, _)| (*from, *to))) {
        assert!(
            needed.contains(&(from.to_string(), to.to_string())),
            "nothing in {from} uses {to} any more: take the row out"
        );
    }
}

#[test]
fn the_rooms_of_the_runtime_stand_in_their_order() {
    let height = |room: &str| RUNTIME.iter().position(|name| *name == room);
    let mut wrong = BTreeMap::new();
    let mut needed = BTreeSet::new();
    for source in sources().iter().filter(|source| !is_test(&source.name)) {
        let Some(name) = source.name.strip_prefix("runtime/").filter(|name| *name != "mod.rs") else { continue };
        let from = name.split(['/', '.']).next().unwrap_or_default();
        let Some(floor) = height(from) else { panic!("{from} has no place in RUNTIME") };
        let outward = name.strip_prefix(from).is_some_and(|rest| ["/mod.rs", ".rs"].contains(&rest));
        for line in &source.code {
            let names = behind(line, "crate::runtime::").chain(behind(line, "super::").filter(|_| outward));
            for to in names.filter(|to| *to != "vm" && height(to).is_some_and(|above| above > floor)) {
                needed.insert((from.to_string(), to.to_string()));
                if !UPWARD_IN_RUNTIME.iter().any(|(a, b, _)| *a == from && *b == to) {
                    wrong.insert(format!("{from} uses {to}"), name.to_string());
                }
            }
        }
    }
    assert!(wrong.is_empty(), "these run upward (the last file of each): {wrong:#?}");
    for (from, to, _) in UPWARD_IN_RUNTIME {
        assert!(needed.contains(&(from.to_string(), to.to_string())), "{from} uses {to} no more: take the row out");
    }
}

/// Machine code is encoded in `asm` alone; who protects memory is `asm/memory.rs` for code and `gc/spaces/pool.rs` for the heap.
#[test]
fn encoding_and_protection_have_one_place() {
    for source in sources() {
        for (k, line) in source.code.iter().enumerate() {
            let at = format!("{}:{}", source.name, k + 1);
            assert!(!line.contains("dynasm!") || source.room() == "asm", "{at} encodes instructions");
            let protects = line.contains("::mprotect(");
            assert!(
                !protects || ["asm/memory.rs", "gc/spaces/pool.rs"].contains(&&*source.name),
                "{at} changes protection"
            );
        }
    }
}

/// What asks the operating system, but for memory, which `gc` and `asm` ask for.
const ASKS_THE_SYSTEM: &[&str] = &[
    "std::fs",
    "std::env",
    "std::process",
    "std::net",
    "SystemTime",
    "libc::",
    "available_parallelism",
    ".canonicalize()",
    ".is_file()",
];

/// What a program wants of the system goes through `runtime/system`, so that it can be asked there whether it may.
#[test]
fn the_system_is_asked_in_one_place() {
    let asks = |source: &&Source| {
        ["runtime", "library"].contains(&source.room()) && !source.name.starts_with("runtime/system/")
    };
    for source in sources().iter().filter(asks).filter(|source| !is_test(&source.name)) {
        let found = source.code.iter().find(|line| ASKS_THE_SYSTEM.iter().any(|name| line.contains(name)));
        assert_eq!(found, None, "{}: `runtime/system` asks the system", source.name);
    }
}

/// Calls that take the number of a word of an object, and which of their arguments that is.
const TAKE_SLOTS: &[(&str, &[usize])] = &[
    ("slot_disp(", &[0]),
    ("slot_offset(", &[0]),
    ("closure_disp(", &[0]),
    (".slot(", &[0]),
    (".try_slot(", &[0]),
    (".raw(", &[0]),
    (".set_slot(", &[1]),
    (".compare_and_swap_slot(", &[1]),
    (".splice_slots(", &[1]),
    (".set_raw(", &[0]),
    ("fresh.set(", &[0]),
    ("fresh.set_bytes(", &[0]),
    ("fresh.set_ints(", &[0]),
    ("fresh.fill(", &[0]),
    ("fresh.copy(", &[0, 2]),
    ("field(", &[2]),
    ("put_count(", &[1]),
    (".word(", &[2]),
    (".expect(", &[1]),
    ("At::slot(", &[1]),
    ("At::element(", &[3]),
    ("At::of_function(", &[1]),
    ("At::fresh(", &[2]),
    ("At::fresh_element(", &[3]),
    ("At::behind(", &[2]),
];

/// What the words of objects are called stands in `object/layout.rs`; who counts them instead must be found when a layout changes. Slots
/// in the room of machine code are those of frames.
#[test]
fn slots_have_names() {
    let mut bare = Vec::new();
    let of_objects = |source: &&Source| !["object", "asm"].contains(&source.room()) && !is_test(&source.name);
    for source in sources().iter().filter(of_objects) {
        let code = source.code.join("\n");
        bare.extend(bare_slots(&code).map(|(line, slot)| format!("{}:{line}: {slot}", source.name)));
    }
    assert!(bare.is_empty(), "these slots have no names: {bare:#?}");
}

/// Stores of the assembler itself in the rooms that write code, besides those into the context of a thread: so many, into frames.
const STORES_INTO_FRAMES: &[(&str, usize)] = &[
    ("codegen/agree.rs", 9),
    ("codegen/generator.rs", 2),
    ("codegen/operands.rs", 1),
    ("codegen/safepoints.rs", 2),
    ("codegen/settled.rs", 3),
    ("stubs/code.rs", 4),
    ("stubs/mod.rs", 1),
];

/// What is stored into objects goes through `emit/store.rs`, which has the barrier.
#[test]
fn stores_into_objects_have_one_place() {
    let written = |source: &&Source| ["codegen", "stubs"].contains(&source.room()) && !is_test(&source.name);
    for source in sources().iter().filter(written) {
        let code = source.code.join("\n");
        let found = raw_stores(&code);
        let listed = STORES_INTO_FRAMES.iter().find(|(name, _)| *name == source.name).map_or(0, |(_, count)| *count);
        assert_eq!(found.len(), listed, "{}: stores that are not those of `Emit`: {found:#?}", source.name);
    }
}

/// The places of stores that the assembler is asked for, but for those in the context.
fn raw_stores(code: &str) -> Vec<&str> {
    let calls = [".store(", ".store8(", ".store_imm(", ".store_release(", ".fstore("];
    let places = calls
        .iter()
        .flat_map(|call| code.match_indices(call).map(|(at, call)| arguments(&code[at + call.len()..])[0].trim()));
    let context = |place: &str| ["Mem::at(M::CTX", "Mem::indexed(M::CTX"].iter().any(|start| place.starts_with(start));
    places.filter(|place| !place.starts_with("Store::") && !context(place)).collect()
}

/// The slots that are given as bare numbers, with their lines.
fn bare_slots(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let calls = TAKE_SLOTS.iter().flat_map(move |(call, which)| {
        let part_of_a_name = |at: usize| code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let whole = move |(at, call): &(usize, &str)| call.starts_with('.') || !part_of_a_name(*at);
        let ends = code.match_indices(call).filter(whole).map(|(at, call)| at + call.len());
        ends.flat_map(move |start| {
            let given = arguments(&code[start..]);
            which.iter().filter_map(move |k| given.get(*k).map(|argument| (start, *argument)))
        })
    });
    let counted = |slot: &&str| {
        let number = |term: &str| !term.trim().is_empty() && term.trim().chars().all(|c| c.is_ascii_digit());
        let named = slot.split(|c: char| !(c.is_ascii_uppercase() || c == '_')).any(|word| word.len() > 3);
        slot.split(['+', '-']).any(number) && !named
    };
    calls.filter(move |(_, slot)| counted(slot)).map(|(at, slot)| (code[..at].matches('\n').count() + 1, slot.trim()))
}

/// The arguments of a call whose opening bracket stands before the text.
fn arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => {
                found.push(&text[start..at]);
                return found;
            }
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

#[test]
fn files_say_what_they_are_and_fit_a_room() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= LARGE, "{} has {lines} lines: divide it", source.name);
        assert!(source.text.starts_with("//!"), "{} does not begin with what it is", source.name);
    }
}

#[test]
fn functions_fit_a_screen() {
    let mut long = BTreeSet::new();
    for source in sources().iter().filter(|source| !is_test(&source.name)) {
        for (name, lines) in functions(&source.code) {
            if lines > LONG {
                let listed = LONG_FUNCTIONS.iter().any(|(file, listed, _)| *file == source.name && *listed == name);
                assert!(listed, "{}: `{name}` has {lines} lines, more than {LONG}", source.name);
                long.insert((source.name.clone(), name));
            }
        }
    }
    for (file, name, _) in LONG_FUNCTIONS {
        assert!(
            long.contains(&(file.to_string(), name.to_string())),
            "{file}: `{name}` is no longer long: take the row out"
        );
    }
}

/// The functions that have a body, with its lines: up to the brace that stands as far to the right as the function begins.
fn functions(code: &[String]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (k, line) in code.iter().enumerate() {
        let Some((before, rest)) = line.split_once("fn ") else { continue };
        let indent = line.len() - line.trim_start().len();
        let words = ["pub", "const", "unsafe", "extern", "async", "\"C\""];
        let plain = before.split_whitespace().all(|word| words.contains(&word) || word.starts_with("pub("));
        if !plain {
            continue;
        }
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        // A function of a trait may have no body.
        let head_ends = code[k..].iter().position(|line| line.trim_end().ends_with(['{', ';', '}'])).unwrap_or(0);
        if code[k + head_ends].trim_end().ends_with(';') {
            continue;
        }
        let closing = " ".repeat(indent) + "}";
        let lines = code[k..].iter().position(|line| *line == closing).map_or(1, |end| end + 1);
        found.push((name, if line.trim_end().ends_with('}') { 1 } else { lines }));
    }
    found
}

#[test]
fn files_named_in_comments_exist() {
    let known: Vec<String> = ["src", "tests", "tools", "stdlib", "bench"]
        .iter()
        .flat_map(|folder| below(&root().join(folder)).into_iter().map(move |name| format!("{folder}/{name}")))
        .collect();
    let exists = |path: &str| known.iter().any(|name| name == path || name.ends_with(&format!("/{path}")));
    for source in sources() {
        for (k, line) in source.text.lines().enumerate() {
            let Some((_, comment)) = line.split_once("//") else { continue };
            for path in comment.split('`').filter(|part| part.ends_with(".rs") && !part.contains(['*', ' ', '{', '<']))
            {
                assert!(exists(path), "src/{}:{} names {path}, which is not there", source.name, k + 1);
            }
        }
    }
}

#[test]
fn the_test_sees_what_it_is_to_see() {
    let code: Vec<String> =
        ["pub fn a(", "    x: u32,", ") {", "    x", "}", "fn b();", "fn c() {}"].map(String::from).into();
    assert_eq!(functions(&code), [("a".to_string(), 5), ("c".to_string(), 1)]);
    assert_eq!(uses("use crate::gc::{Heap}; crate::asm::x").collect::<Vec<_>>(), ["gc", "asm"]);
    let code = "a.slot(0);\nfresh.copy(ARRAY_ELEMENTS + 1, f(x, 1), 1 + i, 2);\nfield(v, VECTOR, layout::VECTOR_TAIL);\nslot_disp(k)";
    let stores =
        "asm.store(Mem::at(r, slot_disp(k)), x);\nself.store(Store::Init, to, x);\nasm.store(Mem::at(M::CTX, 8), x)";
    assert_eq!(raw_stores(stores), ["Mem::at(r, slot_disp(k))"]);
    let found: Vec<(usize, &str)> = bare_slots(code).collect();
    assert_eq!(found, [(1, "0"), (2, "1 + i")]);
}
