//! Builtins by which a program takes profiles of itself.

use serde_json::json;

use crate::builtins;
use crate::gc::{Handle, Thread, Thrown};
use crate::object::Word;
use crate::profile::{Profile, What, report, sampler};
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::builtin::Args;
use crate::runtime::system::console;
use crate::runtime::values::text::json;

builtins! { pub static TABLE: "profile";
    /// Begins to sample where the program, in all of its threads, spends processor time.
    "start" () = start;
    /// Ends what `start` has begun; gives the profile as a map: `:seconds`, `:samples`, `:functions` (heaviest first, maps with
    /// `:name`, `:self` and `:total`, in seconds), `:lines` (the same with `:place`), and `:table`, the text that `--profile` prints.
    "stop" () = stop;
    /// Calls a function without arguments; gives its value, and prints to stderr where the program spent its time meanwhile.
    "run" (f: Function) = run;
}

fn begin(cx: &mut Thread, name: &str) -> Result<(), Thrown> {
    match sampler::start(cx, What::Time) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let message = format!("{name}: a profile is being taken already; there is one at a time");
            Err(cx.throw(ErrorKind::ArgumentError, message))
        }
        Err(why) => Err(cx.throw(ErrorKind::ThreadError, format!("{name}: {why}"))),
    }
}

fn start(cx: &mut Thread, _args: &Args<'_>) -> Result<Handle, Thrown> {
    begin(cx, "start")?;
    Ok(cx.root_word(Word::NULL))
}

fn stop(cx: &mut Thread, _args: &Args<'_>) -> Result<Handle, Thrown> {
    if crate::profile::session::takes(What::Time) {
        let message = "stop: the profile that is being taken was asked for by --profile; it ends with the program";
        return Err(cx.throw(ErrorKind::ArgumentError, message));
    }
    let Some(profile) = sampler::stop(What::Time) else {
        return Err(cx.throw(ErrorKind::ArgumentError, "stop: no profile is being taken"));
    };
    json::decode(cx, &data(&profile).to_string(), false)
}

fn run(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    begin(cx, "run")?;
    let result = cx.call(args[0], &[]);
    if let Some(profile) = sampler::stop(What::Time) {
        let table = report::table(&profile);
        cx.outside(|| console::write_error(&table));
    }
    result
}

/// A profile as data.
fn data(profile: &Profile) -> serde_json::Value {
    let tree = &profile.tree;
    let seconds = |weight: u64| weight as f64 / 1e9;
    let functions = tree.by_function().into_iter().map(|(number, sum)| {
        let name = &tree.tables.functions[number as usize].name;
        json!({ "name": name, "self": seconds(sum.own), "total": seconds(sum.total) })
    });
    let lines = tree.by_line().into_iter().map(|(frame, sum)| {
        json!({ "place": tree.tables.place(frame), "self": seconds(sum.own), "total": seconds(sum.total) })
    });
    json!({
        "seconds": seconds(tree.weight()), "samples": tree.samples,
        "functions": functions.collect::<Vec<_>>(), "lines": lines.collect::<Vec<_>>(),
        "table": report::table(profile),
    })
}
