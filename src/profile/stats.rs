//! What a program costs besides its own instructions: calls of helpers and other slow paths, side exits, compilation,
//! collections.
//!
//! Owns the counts behind `--stats`, what `--gc-stats` tells, and the lines of `--trace`. Off, nothing is counted and no instruction is spent:
//! on, stubs are written that tell [`count`] of each passage (`asm/stubs.rs`), and hot regions call such a stub where they
//! leave. Counts are kept by return address, and by line as soon as code is freed.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use super::report::amount;
use super::{What, report};
use crate::asm::code_map::View;
use crate::asm::stubs::Counter;
use crate::gc::{Event, Thread};
use crate::locks::{Mutex, MutexGuard, lock};
use crate::reader::tree::Source;
use crate::runtime::Vm;
use crate::runtime::observe::{Body, Why};
use crate::runtime::system::console;

/// So many lines are shown.
const ROWS: usize = 30;
/// Of so many lines of texts that come and go, which there may be any number of, the text is kept.
const MOST_TEXTS: usize = 100;

static ON: AtomicBool = AtomicBool::new(false);
/// What collecting has taken is to be told, and nothing else.
static COLLECTIONS: AtomicBool = AtomicBool::new(false);
static TRACE: AtomicBool = AtomicBool::new(false);
static TRACE_COLLECTIONS: AtomicBool = AtomicBool::new(false);
static COUNTS: Mutex<Option<Counts>> = Mutex::new(None);

#[derive(Default)]
struct Counts {
    vm: Option<&'static Vm>,
    /// What is counted, by number.
    kinds: Vec<String>,
    /// By kind and return address.
    raw: FxHashMap<(u32, usize), u64>,
    /// By kind and place, of code that is gone.
    resolved: FxHashMap<(u32, Place), u64>,
    /// The lines of texts that are no files, with their texts.
    texts: FxHashSet<Place>,
    compiled: Compiled,
}

/// A line, as it is shown.
type Place = String;

#[derive(Default)]
struct Compiled {
    bodies: u64,
    ahead: u64,
    again: u64,
    bytes: u64,
    time: Duration,
    largest: (u32, String),
    slowest: (Duration, String),
    pause: (Duration, String),
}

fn counts() -> MutexGuard<'static, Option<Counts>> {
    lock(&COUNTS)
}

fn with<R>(f: impl FnOnce(&mut Counts) -> R) -> R {
    f(counts().get_or_insert_with(Counts::default))
}

/// What is to be told.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// `--stats`
    pub stats: bool,
    /// `--gc-stats`
    pub collections: bool,
    /// `--trace=compile`
    pub each_body: bool,
    /// `--trace=gc`
    pub each_collection: bool,
}

/// Turns counting and tracing on, before the machine starts.
pub fn turn_on(wanted: Wanted) {
    ON.store(wanted.stats, Ordering::Relaxed);
    COLLECTIONS.store(wanted.collections, Ordering::Relaxed);
    TRACE.store(wanted.each_body, Ordering::Relaxed);
    TRACE_COLLECTIONS.store(wanted.each_collection, Ordering::Relaxed);
}

/// Who is told of each collection, if somebody wants a line for each.
pub fn of_collections() -> Option<fn(&Event)> {
    TRACE_COLLECTIONS.load(Ordering::Relaxed).then_some(collected as fn(&Event))
}

/// There was a collection: its line.
fn collected(event: &Event) {
    let bytes = |n: usize| amount(What::Bytes, n as u64);
    let kind = if event.everything { "full" } else { "young" };
    let mut line = format!(
        "gc: {} {kind}  {}  {} µs  {} -> {}  {} moved",
        event.number,
        event.reason.words(),
        event.pause.as_micros(),
        bytes(event.before),
        bytes(event.after),
        bytes(event.moved)
    );
    if !event.everything {
        let _ = write!(line, ", {} became old", bytes(event.promoted));
    }
    let _ = writeln!(line, "  next after {}", bytes(event.round));
    console::write_report(&line);
}

/// Whose code is counted.
pub fn begin(vm: &'static Vm) {
    if ON.load(Ordering::Relaxed) || COLLECTIONS.load(Ordering::Relaxed) {
        with(|counts| counts.vm = Some(vm));
    }
}

/// Does somebody want to know what is compiled?
pub fn watches_compilation() -> bool {
    ON.load(Ordering::Relaxed) || TRACE.load(Ordering::Relaxed)
}

/// What a stub of this name is to tell, if anything is counted.
pub fn counter(name: &str) -> Option<Counter> {
    ON.load(Ordering::Relaxed).then(|| Counter { function: count as *const () as usize, kind: with(|c| c.kind(name)) })
}

/// Told by stubs: see [`Counter`].
///
/// # Safety
/// The frame is linked: above its frame pointer lies a return address.
pub unsafe extern "C" fn count(_cx: *mut Thread, kind: u64, frame: usize) {
    // SAFETY: the caller's.
    let address = unsafe { *((frame + 8) as *const usize) };
    with(|counts| *counts.raw.entry((kind as u32, address)).or_default() += 1);
}

/// A resolver was called through an exit frame.
pub fn count_resolver(cx: &Thread, name: &str) {
    let frame = cx.exit_frame();
    if ON.load(Ordering::Relaxed) && frame != 0 {
        let kind = with(|counts| counts.kind(name));
        // SAFETY: an exit frame has a return address.
        unsafe { count((&raw const *cx).cast_mut(), u64::from(kind), frame) };
    }
}

impl Counts {
    fn kind(&mut self, name: &str) -> u32 {
        let known = self.kinds.iter().position(|kind| kind == name);
        known.unwrap_or_else(|| {
            self.kinds.push(name.to_string());
            self.kinds.len() - 1
        }) as u32
    }

    fn resolve(&mut self) {
        let Some(vm) = self.vm else { return };
        let view = vm.code_map.view();
        let mut raw: Vec<_> = self.raw.drain().collect();
        // When not all texts can be kept, those that count most are.
        raw.sort_by_key(|((kind, address), count)| (std::cmp::Reverse(*count), *kind, *address));
        for ((kind, address), count) in raw {
            let (line, is_file) = place(vm, &view, address);
            let line = if is_file { line } else { self.text(line) };
            *self.resolved.entry((kind, line)).or_default() += count;
        }
    }

    /// A line of a text that is no file, without its text when there are too many of them.
    fn text(&mut self, line: Place) -> Place {
        if self.texts.len() < MOST_TEXTS && !self.texts.contains(&line) {
            self.texts.insert(line.clone());
        }
        if self.texts.contains(&line) {
            return line;
        }
        let place = line.split_once("  ").map_or(&*line, |(place, _)| place);
        format!("{place}  (in other texts)")
    }
}

/// `file.hr:12  the text of the line`, or the name of code without a line; and whether such a place stays.
fn place(vm: &Vm, view: &View<'_>, return_address: usize) -> (Place, bool) {
    let Some(function) = view.caller(return_address) else { return ("(the runtime)".into(), true) };
    let unit = vm.sources.get(function.source);
    let Some((unit, offset)) = unit.zip(function.source_before(return_address)) else {
        return (function.symbol().into_owned(), true);
    };
    let source: &Source = unit.0.source();
    let line = source.line_column(offset).0;
    (report::line_text(&format!("{}:{line}", source.name), source, line), source.has_file())
}

/// The world stands still, and code is about to be freed.
pub fn before_code_is_freed() {
    if ON.load(Ordering::Relaxed) {
        with(Counts::resolve);
    }
}

/// A body was compiled.
pub fn compiled(body: &Body<'_>) {
    if TRACE.load(Ordering::Relaxed) {
        let arguments = if body.arity == 1 { "argument" } else { "arguments" };
        let why = match body.why {
            Why::FirstCall => "first call",
            Why::Ahead => "ahead",
            Why::Again => "again",
        };
        let Body { name, arity, bytes, took, .. } = body;
        let us = took.as_micros();
        console::write_report(&format!("compile: {name}  {arity} {arguments}  {bytes} bytes  {us} µs  {why}\n"));
    }
    if ON.load(Ordering::Relaxed) {
        with(|counts| {
            let all = &mut counts.compiled;
            all.bodies += 1;
            all.ahead += u64::from(body.why == Why::Ahead);
            all.again += u64::from(body.why == Why::Again);
            all.bytes += u64::from(body.bytes);
            all.time += body.took;
            note_most(&mut all.largest, body.bytes, body.name);
            note_most(&mut all.slowest, body.took, body.name);
        });
    }
}

/// A call had to wait so long for code.
pub fn waited(name: &str, pause: Duration) {
    if ON.load(Ordering::Relaxed) {
        with(|counts| note_most(&mut counts.compiled.pause, pause, name));
    }
}

fn note_most<T: PartialOrd>(most: &mut (T, String), value: T, name: &str) {
    if value > most.0 || most.1.is_empty() {
        *most = (value, name.to_string());
    }
}

/// What is told at the end: empty when nothing was counted. Only once. With `hurry` a collection that is under way is not waited for.
pub fn finish(hurry: bool) -> String {
    let Some(mut counts) = counts().take() else { return String::new() };
    let Some(vm) = counts.vm else { return String::new() };
    let mut text = String::new();
    if !ON.load(Ordering::Relaxed) {
        collections(&mut text, vm, hurry);
        return text;
    }
    counts.resolve();
    let is_exit = |kind: &u32| counts.kinds[*kind as usize].starts_with("side exit");
    let slow = counts.resolved.iter().filter(|((kind, _), _)| !is_exit(kind));
    tables(&mut text, "calls into the runtime", &counts.kinds, slow);
    let exits = counts.resolved.iter().filter(|((kind, _), _)| is_exit(kind));
    tables(&mut text, "ways out of hot code", &counts.kinds, exits);
    compilation(&mut text, &counts.compiled);
    collections(&mut text, vm, hurry);
    text
}

/// By kind, then by kind and line.
fn tables<'a>(
    text: &mut String,
    title: &str,
    kinds: &[String],
    counts: impl Iterator<Item = (&'a (u32, Place), &'a u64)>,
) {
    let mut rows: Vec<(u64, &str, &str)> =
        counts.map(|((kind, place), count)| (*count, kinds[*kind as usize].as_str(), place.as_str())).collect();
    rows.sort_by_key(|(count, kind, place)| (std::cmp::Reverse(*count), *kind, *place));
    let all: u64 = rows.iter().map(|row| row.0).sum();
    let _ = writeln!(text, "stats: {title}: {all}");
    let mut sums: FxHashMap<&str, u64> = FxHashMap::default();
    rows.iter().for_each(|(count, kind, _)| *sums.entry(kind).or_default() += count);
    let mut sums: Vec<(&str, u64)> = sums.into_iter().collect();
    sums.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
    for (kind, count) in &sums {
        let _ = writeln!(text, "{count:>14}  {kind}");
    }
    if !rows.is_empty() {
        let _ = writeln!(text, "stats: {title}, by line:");
    }
    for (count, kind, place) in rows.iter().take(ROWS) {
        let _ = writeln!(text, "{count:>14}  {kind:<24} {place}");
    }
    if rows.len() > ROWS {
        let _ = writeln!(text, "{:>14}  ({} more)", "", rows.len() - ROWS);
    }
}

fn compilation(text: &mut String, all: &Compiled) {
    let Compiled { bodies, ahead, again, bytes, time, largest, slowest, pause } = all;
    let _ = writeln!(
        text,
        "stats: compiled: {bodies} functions ({ahead} of them ahead, {again} again), {}, {time:.1?}",
        amount(What::Bytes, *bytes)
    );
    if *bodies > 0 {
        let _ = writeln!(text, "{:>14}  bytes: the largest, {}", largest.0, largest.1);
        let _ = writeln!(text, "{:>14}  to generate the slowest, {}", format!("{:.1?}", slowest.0), slowest.1);
        let _ =
            writeln!(text, "{:>14}  was the longest pause of a first call, of {}", format!("{:.1?}", pause.0), pause.1);
    }
}

/// What collecting has taken: `--gc-stats`, and a part of `--stats`.
fn collections(text: &mut String, vm: &Vm, hurry: bool) {
    let Some(stats) = (if hurry { vm.heap.stats_at_once() } else { Some(vm.heap.stats()) }) else {
        text.push_str("stats: collections: the process ended in one\n");
        return;
    };
    let bytes = |n: u64| amount(What::Bytes, n);
    let _ = writeln!(
        text,
        "stats: collections: {} ({}), {:.1?} in all; {} allocated, {} moved, {} became old",
        stats.collections(),
        vm.heap.attributes().name,
        stats.pause_total(),
        bytes(stats.allocated_bytes),
        bytes(stats.moved_bytes),
        bytes(stats.promoted_bytes)
    );
    for (name, pauses) in stats.kinds() {
        let (Some(median), Some(p99)) = (pauses.quantile(0.5), pauses.quantile(0.99)) else { continue };
        let _ = writeln!(
            text,
            "{:>14}  {name}: {:.1?} in all; median {median:.1?}, 99 of 100 within {p99:.1?}, the longest {:.1?}",
            pauses.count, pauses.total, pauses.longest
        );
        for (time, count) in pauses.histogram() {
            let _ = writeln!(text, "{count:>14}  {name}, shorter than {time:.1?}");
        }
        if let Some(survival) = pauses.survival() {
            let what = if name == "young" { "what was young" } else { "all" };
            let _ = writeln!(text, "{:>14}  of {what} lived on", format!("{:.1}%", 100.0 * survival));
        }
    }
    let _ = writeln!(
        text,
        "{:>14}  in use, {} after the last full collection; {} of memory held; {} of code",
        bytes(stats.used_bytes as u64),
        bytes(stats.live_after_full as u64),
        bytes(stats.resident_bytes as u64),
        bytes(vm.memory.stats().code_bytes as u64)
    );
}
