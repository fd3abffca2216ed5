//! Time and memory: `:time`, `:bench`, `:gc`, `:stats`, `:threads`.

use std::time::{Duration, Instant};

use super::{Given, units};
use crate::gc::mutator::activity::Activity;
use crate::gc::{Handle, Thread};
use crate::repl::session::{Answer, Session};
use crate::runtime::load::LoadError;
use crate::runtime::system::threads;
use crate::runtime::values::foreign;

/// What was used up to a moment.
struct Used {
    at: Instant,
    processor: Duration,
    allocated: u64,
    collections: u64,
    paused: Duration,
}

impl Used {
    fn by_now(cx: &Thread) -> Used {
        let stats = cx.heap().stats();
        Used {
            allocated: cx.allocated_bytes(),
            collections: stats.collections(),
            paused: stats.pause_total(),
            processor: processor_time(libc::CLOCK_PROCESS_CPUTIME_ID),
            at: Instant::now(),
        }
    }

    /// What was used since.
    fn since(&self, cx: &Thread) -> Used {
        let at = self.at.elapsed();
        let now = Used::by_now(cx);
        Used {
            at: self.at + at,
            processor: now.processor.saturating_sub(self.processor),
            allocated: now.allocated - self.allocated,
            collections: now.collections - self.collections,
            paused: now.paused.saturating_sub(self.paused),
        }
    }
}

/// What a clock of the system that counts processor time says.
fn processor_time(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    match unsafe { libc::clock_gettime(clock, &mut time) } {
        0 => Duration::new(time.tv_sec as u64, time.tv_nsec as u32),
        _ => Duration::ZERO,
    }
}

// ---- :time ----

/// `:time EXPR`
pub fn time(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    let before = Used::by_now(cx);
    let evaluated = session.run(cx, given.text);
    let used = before.since(cx);
    let took = used.at - before.at;
    match session.answer(cx, evaluated, given.text) {
        answer @ Answer::Error(_) => answer,
        answer => Answer::Both(Box::new(answer), Box::new(Answer::Text(format!("  {}\n", line(took, &used))))),
    }
}

fn line(took: Duration, used: &Used) -> String {
    let mut text = units::time(took);
    // Several threads, or one that has waited.
    let differs = used.processor > took * 5 / 4 || used.processor < took * 3 / 4;
    if differs && took > Duration::from_millis(10) {
        text.push_str(&format!(" ({} of processor time)", units::time(used.processor)));
    }
    text.push_str(&format!(", {} allocated", units::bytes(used.allocated as f64)));
    if used.collections > 0 {
        let collections = units::counted(used.collections, "collection");
        text.push_str(&format!(", {collections} in {}", units::time(used.paused)));
    }
    text
}

// ---- :bench ----

/// The runs take about so long, all of them together.
const IN_ALL: Duration = Duration::from_millis(1500);
/// A sample takes so long at least, so that reading the clock does not count.
const SAMPLE: Duration = Duration::from_micros(200);
const MOST_SAMPLES: usize = 5_000;

/// Nanoseconds of a run, sample by sample.
struct Samples {
    each: Vec<f64>,
    /// Runs of a sample.
    batch: u64,
    used: Used,
}

/// `:bench EXPR`
pub fn bench(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    // Says what is wrong with it; and what is compiled at the first call is there then.
    let begun = Instant::now();
    let evaluated = session.run(cx, given.text);
    let first = begun.elapsed();
    match evaluated {
        Ok(_) => {}
        error => return session.answer(cx, error, given.text),
    }
    if first > IN_ALL {
        return Answer::Text(format!("  {} for one run: too long for more\n", units::time(first)));
    }
    let function = format!("fn(n) {{ for _i in range(0, n) {{ {}\n}} }}", given.text);
    let samples = session.run(cx, &function).and_then(|function| Ok(sample(cx, function.value)?));
    match samples {
        Ok(samples) => Answer::Text(report(samples)),
        // Nothing that can stand at the top level only, a declaration, is run many times.
        Err(LoadError::Problems(_)) => Answer::Error(":bench takes an expression, not a declaration\n".into()),
        Err(error) => session.failed(cx, error),
    }
}

/// Calls the function that runs the expression so many times.
fn sample(cx: &mut Thread, function: Handle) -> Result<Samples, crate::gc::Thrown> {
    let run = |cx: &mut Thread, times: u64| {
        cx.scope(|cx| {
            let times = foreign::int(cx, times as i64)?;
            let start = Instant::now();
            let _value = cx.call(function, &[times])?;
            Ok(start.elapsed())
        })
    };
    let mut batch = 1;
    // Twice, since the first call compiles.
    run(cx, 1)?;
    loop {
        let took = run(cx, batch)?;
        if took >= SAMPLE || batch >= 1 << 30 {
            break;
        }
        let factor = SAMPLE.as_nanos() / took.as_nanos().max(1);
        batch *= (factor as u64 + 1).clamp(2, 100);
    }
    let before = Used::by_now(cx);
    let mut each = Vec::new();
    while each.is_empty() || before.at.elapsed() < IN_ALL && each.len() < MOST_SAMPLES {
        each.push(run(cx, batch)?.as_nanos() as f64 / batch as f64);
        threads::check_interrupt(cx)?;
    }
    let used = before.since(cx);
    Ok(Samples { each, batch, used })
}

fn report(samples: Samples) -> String {
    let Samples { mut each, batch, used } = samples;
    each.sort_by(f64::total_cmp);
    let at = |share: f64| each[((each.len() - 1) as f64 * share).round() as usize];
    let time = units::nanoseconds;
    let number = each.len() as u64;
    let of_runs = if batch == 1 { String::new() } else { format!(" of {} each", units::counted(batch, "run")) };
    let mut text = format!("  {} is the median of {}{of_runs}\n", time(at(0.5)), units::counted(number, "sample"));
    if number > 4 {
        text.push_str(&format!(
            "  half of them took {} to {}; the fastest {}, the slowest {}\n",
            time(at(0.25)),
            time(at(0.75)),
            time(at(0.0)),
            time(at(1.0))
        ));
        text.push_str(&format!("  {}\n", histogram(&each, at(0.0), at(0.95))));
    }
    let runs = (number * batch) as f64;
    text.push_str(&format!("  {} allocated by a run", units::bytes(used.allocated as f64 / runs)));
    if used.collections > 0 {
        let collections = units::counted(used.collections, "collection");
        text.push_str(&format!("; {collections} in {}", units::time(used.paused)));
    }
    text.push('\n');
    text
}

/// How the samples up to the 95th of a hundred are spread.
fn histogram(each: &[f64], low: f64, high: f64) -> String {
    const COLUMNS: usize = 40;
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let width = (high - low).max(f64::MIN_POSITIVE);
    let mut counts = [0usize; COLUMNS];
    for sample in each.iter().filter(|sample| **sample <= high) {
        counts[(((sample - low) / width * COLUMNS as f64) as usize).min(COLUMNS - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let bar = |count: &usize| BARS[(count * 8).div_ceil(most)];
    let bars: String = counts.iter().map(bar).collect();
    format!("{} {bars} {}", units::nanoseconds(low), units::nanoseconds(high))
}

// ---- the machine ----

/// `:gc`
pub fn collect(_: &mut Session, cx: &mut Thread, _: Given<'_>) -> Answer {
    let before = cx.heap().stats();
    let start = Instant::now();
    cx.collect();
    let took = start.elapsed();
    let after = cx.heap().stats();
    let freed = before.used_bytes.saturating_sub(after.used_bytes);
    let (freed, live) = (units::bytes(freed as f64), units::bytes(after.live_bytes as f64));
    Answer::Text(format!("  {freed} freed in {}; {live} live\n", units::time(took)))
}

/// `:stats`
pub fn stats(_: &mut Session, cx: &mut Thread, _: Given<'_>) -> Answer {
    let vm = cx.vm();
    let heap = cx.heap().stats();
    let code = vm.memory.stats();
    let (functions, instructions) =
        vm.code_map.view().functions().fold((0, 0), |(n, b), f| (n + 1, b + u64::from(f.size)));
    let size = |bytes: usize| units::bytes(bytes as f64);
    let rows = [
        ("allocated", format!("{} so far", units::bytes(cx.allocated_bytes() as f64))),
        ("live", format!("{} after the last collection", size(heap.live_bytes))),
        ("heap", format!("{} in use, {} of memory held for it", size(heap.used_bytes), size(heap.resident_bytes))),
        (
            "collections",
            match heap.collections() {
                0 => "none".to_string(),
                n => format!(
                    "{} in {}; the longest {}, the last {}; {} moved",
                    units::count(n),
                    units::time(heap.pause_total()),
                    units::time(heap.pause_longest()),
                    units::time(heap.pause_last),
                    units::bytes(heap.moved_bytes as f64)
                ),
            },
        ),
        ("collector", cx.heap().attributes().name.to_string()),
        (
            "code",
            format!(
                "{} of {} in {} of pages, {} of cells",
                units::counted(functions, "piece"),
                units::bytes(instructions as f64),
                size(code.code_bytes),
                size(code.data_bytes)
            ),
        ),
        ("names", {
            let namespaces = vm.namespaces.all();
            let members: usize = namespaces.iter().map(|n| n.members().len()).sum();
            let namespaces = units::counted(namespaces.len() as u64, "namespace");
            format!(
                "{} in {namespaces}; {}",
                units::count(members as u64),
                units::counted(vm.types.count() as u64, "type")
            )
        }),
        ("threads", format!("{}; {} started so far", cx.heap().thread_count(), vm.threads.started())),
        ("processor", format!("{} used", units::time(processor_time(libc::CLOCK_PROCESS_CPUTIME_ID)))),
    ];
    Answer::Text(rows.iter().map(|(name, what)| format!("  {name:<12} {what}\n")).collect())
}

/// `:threads`
pub fn list_threads(_: &mut Session, cx: &mut Thread, _: Given<'_>) -> Answer {
    let mut rows = Vec::new();
    let own = cx.id();
    cx.heap().with_threads(&mut |all| {
        rows.extend(all.iter().map(|thread| (thread.id(), thread.os_id(), thread.activity())));
    });
    rows.sort_unstable();
    let row = |(id, os_id, activity): &(u64, libc::pid_t, u8)| {
        let (state, processor) = of_system(*os_id);
        let what = match *activity {
            _ if *id == own => "this session",
            a if a == Activity::Collecting as u8 => "collects",
            a if a == Activity::Compiling as u8 => "compiles",
            a if a == Activity::Reading as u8 => "reads a text",
            _ if state == Some('R') => "runs",
            _ => "waits",
        };
        format!("  {id:<4} {what:<14} {} of processor time\n", units::time(processor))
    };
    Answer::Text(rows.iter().map(row).collect())
}

/// What the system says of a thread: its state as a letter, and the processor time it has used.
fn of_system(id: libc::pid_t) -> (Option<char>, Duration) {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{id}/stat")).unwrap_or_default();
    // The name before it may hold anything.
    let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let state = rest.chars().next();
    // The clock of the thread of this number: as the system makes it of the number (`man clock_gettime`, CPUCLOCK_SCHED, per thread).
    let clock = !(id as libc::clockid_t) << 3 | 6;
    (state, processor_time(clock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_told_where_it_differs() {
        let line = |took, processor, collections| {
            let used = Used {
                at: Instant::now(),
                processor: Duration::from_millis(processor),
                allocated: 2048,
                collections,
                paused: Duration::from_millis(3),
            };
            line(Duration::from_millis(took), &used)
        };
        assert_eq!(line(800, 790, 0), "800 ms, 2 KB allocated");
        assert_eq!(line(800, 2, 0), "800 ms (2 ms of processor time), 2 KB allocated");
        assert_eq!(line(800, 1600, 2), "800 ms (1.6 s of processor time), 2 KB allocated, 2 collections in 3 ms");
        assert_eq!(line(8, 1, 1), "8 ms, 2 KB allocated, 1 collection in 3 ms");
    }
}
