//! Builtins of the process: threads, time, memory, exit.

use crate::runtime::values::foreign;
use std::time::Duration;

use crate::builtins;
use crate::gc::{Handle, Pauses, Thread, Thrown};
use crate::object::Word;
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::builtin::Args;
use crate::runtime::system::{clock, console, threads};

builtins! { pub static TABLE: "core";
    /// Runs a function without arguments in a thread of its own; gives a handle for `join`.
    /// `join(thread(fn() { 1 + 2 }))` is `3`.
    "thread" (f: Function) = |cx, args| threads::spawn(cx, args[0]);
    /// Waits for a thread: gives its value, or throws what it threw.
    "_join-thread" (thread: ThreadHandle) = |cx, args| threads::join(cx, args[0]);
    /// The number of the running thread.
    /// `int?(thread-id())` is `true`.
    "thread-id" () = |cx, _args| int(cx, cx.id() as i64);
    /// Sleeps for so many milliseconds.
    /// `sleep(1)` is `null`.
    "sleep" (milliseconds: Number) = sleep;
    /// The time in nanoseconds since the start of 1970.
    /// `time-now() > 0` is `true`.
    "time-now" () = time_now;
    /// Collects garbage now.
    /// `gc()` is `null`.
    "gc" () = collect;
    /// The bytes of the heap that are in use, and those of keywords.
    /// `heap-bytes() > 0` is `true`.
    "heap-bytes" () = |cx, _args| {
        let stats = cx.heap().stats();
        int(cx, (stats.used_bytes + stats.outside_bytes) as i64)
    };
    /// What collecting has taken so far, as a map: how often, how long everybody waited (nanoseconds), and bytes. `:young` are the
    /// collections that looked at what is young alone, `:full` those that looked at everything, each with `:median`, `:p99` and
    /// `:longest` pause, a `:histogram` of vectors `[n, count]` (so many pauses were shorter than `n` nanoseconds, and not than
    /// half of that), and how many of the bytes that could have been freed (`:candidate-bytes`) lived on (`:survived-bytes`).
    /// `gc-stats()[:collections] >= 0` is `true`.
    "gc-stats" () = gc_stats;
    /// The number of processors.
    /// `cpu-count() > 0` is `true`.
    "cpu-count" () = |cx, _args| int(cx, clock::processors() as i64);
    /// The name of the operating system: `linux`.
    /// `string?(os-name())` is `true`.
    "os-name" () = |cx, _args| cx.alloc_string(clock::OS);
    /// Ends the program with this status, from 0 to 255 (0 when none is given). `exit(1)`.
    "exit" (status: opt(Int)) = exit;
}

fn int(cx: &mut Thread, i: i64) -> Result<Handle, Thrown> {
    Ok(cx.root_word(Word::int(i).unwrap_or(Word::NULL)))
}

fn sleep(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let value = cx.get(args[0]);
    let milliseconds = value.as_int().map(|i| i as f64).or(value.as_float());
    let duration = milliseconds.and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
    let Some(duration) = duration else {
        let got = cx.describe(args[0]);
        return Err(cx.throw(ErrorKind::ArgumentError, format!("sleep: cannot sleep {got} milliseconds")));
    };
    threads::sleep(cx, duration)?;
    Ok(cx.root_word(Word::NULL))
}

fn time_now(cx: &mut Thread, _args: &Args<'_>) -> Result<Handle, Thrown> {
    // 61 bits of nanoseconds reach until 2006; so the number is usually a large one.
    foreign::int(cx, clock::nanoseconds())
}

fn collect(cx: &mut Thread, _args: &Args<'_>) -> Result<Handle, Thrown> {
    cx.collect();
    Ok(cx.root_word(Word::NULL))
}

fn gc_stats(cx: &mut Thread, _args: &Args<'_>) -> Result<Handle, Thrown> {
    let stats = cx.heap().stats();
    let nanos = |pause: Duration| pause.as_nanos() as u64;
    let mut kinds = Vec::new();
    for (name, pauses) in stats.kinds() {
        let quantile = |part| nanos(pauses.quantile(part).unwrap_or_default());
        let rows = [
            ("collections", pauses.count),
            ("paused", nanos(pauses.total)),
            ("median", quantile(0.5)),
            ("p99", quantile(0.99)),
            ("longest", nanos(pauses.longest)),
            ("candidate-bytes", pauses.candidates),
            ("survived-bytes", pauses.survived),
        ];
        let mut entries = numbers(cx, &rows)?;
        entries.push(keyword(cx, "histogram"));
        entries.push(histogram(cx, pauses)?);
        kinds.push((name, foreign::map_of(cx, &entries)?));
    }
    let rows = [
        ("collections", stats.collections()),
        ("paused", nanos(stats.pause_total())),
        ("allocated-bytes", stats.allocated_bytes),
        ("moved-bytes", stats.moved_bytes),
        ("promoted-bytes", stats.promoted_bytes),
        ("used-bytes", stats.used_bytes as u64),
        ("outside-bytes", stats.outside_bytes as u64),
        ("live-after-full", stats.live_after_full as u64),
        ("resident-bytes", stats.resident_bytes as u64),
        ("code-bytes", cx.vm().memory.stats().code_bytes as u64),
    ];
    let mut entries = numbers(cx, &rows)?;
    let plan = cx.heap().attributes().name;
    entries.push(keyword(cx, "plan"));
    entries.push(cx.alloc_string(plan)?);
    for (name, map) in kinds {
        entries.push(keyword(cx, name));
        entries.push(map);
    }
    foreign::map_of(cx, &entries)
}

/// `[[nanoseconds, count], …]`
fn histogram(cx: &mut Thread, pauses: &Pauses) -> Result<Handle, Thrown> {
    let mut rows = Vec::new();
    for (time, count) in pauses.histogram() {
        let row = [foreign::int(cx, time.as_nanos() as i64)?, foreign::int(cx, count as i64)?];
        rows.push(foreign::vector_of(cx, &row)?);
    }
    foreign::vector_of(cx, &rows)
}

fn keyword(cx: &mut Thread, text: &str) -> Handle {
    let index = cx.vm().keywords.intern(text);
    cx.root_word(Word::keyword(index))
}

/// Keys and values of a map.
fn numbers(cx: &mut Thread, rows: &[(&str, u64)]) -> Result<Vec<Handle>, Thrown> {
    let mut entries = Vec::with_capacity(2 * rows.len());
    for (key, number) in rows {
        entries.push(keyword(cx, key));
        entries.push(foreign::int(cx, *number as i64)?);
    }
    Ok(entries)
}

fn exit(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let status = match args.opt(0) {
        None => 0,
        Some(status) => match cx.get(status).as_int() {
            Some(status @ 0..=255) => status as i32,
            _ => {
                let message = format!("exit: a status lies between 0 and 255, got {}", cx.describe(status));
                return Err(cx.throw(ErrorKind::ArgumentError, message));
            }
        },
    };
    cx.outside(|| console::exit(status))
}
