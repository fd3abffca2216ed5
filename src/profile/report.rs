//! A profile as a table for people.
//!
//! Owns what is printed at the end of a program under `--profile`: self and total by function, then by line.

use std::fmt::Write;

use super::tree::{Sum, Tree};
use super::{Profile, What};
use crate::reader::tree::Source;

/// So many rows of each table are shown.
const ROWS: usize = 25;
/// So much of a line's text is shown.
const LINE_WIDTH: usize = 60;

/// The tables of a profile.
pub fn table(profile: &Profile) -> String {
    let tree = &profile.tree;
    let all = tree.weight();
    let mut text = headline(profile, all);
    if all == 0 {
        return text;
    }
    let functions = tree.by_function();
    rows(&mut text, profile.what, all, "function", &functions, |number| {
        let info = &tree.tables.functions[number as usize];
        match &info.source {
            Some(source) if !source.is_library => {
                format!("{}  {}", info.name, tree.tables.source_name(info).unwrap_or_default())
            }
            _ => info.name.clone(),
        }
    });
    let lines = tree.by_line();
    rows(&mut text, profile.what, all, "line", &lines, |frame| line(tree, frame));
    text
}

fn headline(profile: &Profile, all: u64) -> String {
    let tree = &profile.tree;
    let threads = |n: usize| if n == 1 { "1 thread".to_string() } else { format!("{n} threads") };
    let what = match profile.what {
        What::Time => "of processor time",
        What::Bytes => "allocated",
    };
    let mut text = format!(
        "profile: {} {what} in {}, {}",
        amount(profile.what, all),
        threads(tree.threads.len()),
        match tree.samples {
            1 => "1 sample".to_string(),
            n => format!("{n} samples"),
        }
    );
    if profile.unsampled > 0 {
        let _ = write!(text, "; {} could not be sampled (see `ulimit -i`)", threads(profile.unsampled as usize));
    }
    text.push('\n');
    text
}

/// The text of a line of the program.
fn line(tree: &Tree, frame: u32) -> String {
    let place = tree.tables.place(frame).unwrap_or_default();
    let number = tree.tables.frames[frame as usize].line;
    let source = tree.tables.function_of(frame).source.as_ref();
    source.map_or_else(String::new, |source| line_text(&place, source, number))
}

/// `file.hr:12  the text of the line`
pub fn line_text(place: &str, source: &Source, number: u32) -> String {
    let start = source.line_starts.get((number as usize).saturating_sub(1)).copied().unwrap_or(0);
    let text = source.text.get(start as usize..).and_then(|t| t.lines().next()).unwrap_or_default().trim();
    let shown: String = text.chars().take(LINE_WIDTH).collect();
    let cut = if shown.len() < text.len() { "…" } else { "" };
    format!("{place}  {shown}{cut}")
}

fn rows(text: &mut String, what: What, all: u64, title: &str, sums: &[(u32, Sum)], name: impl Fn(u32) -> String) {
    if sums.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{:>19} {:>19}  {title}", "self", "total");
    for (key, sum) in sums.iter().take(ROWS) {
        let column = |weight: u64| format!("{:>12} {:>5.1}%", amount(what, weight), 100.0 * weight as f64 / all as f64);
        let _ = writeln!(text, "{} {}  {}", column(sum.own), column(sum.total), name(*key));
    }
    if sums.len() > ROWS {
        let _ = writeln!(text, "{:>39}  ({} more)", "", sums.len() - ROWS);
    }
}

/// A weight as people read it.
pub fn amount(what: What, weight: u64) -> String {
    match what {
        What::Time => format!("{:.3} s", weight as f64 / 1e9),
        What::Bytes if weight >= 10 << 30 => format!("{:.1} GB", weight as f64 / f64::from(1 << 30)),
        What::Bytes if weight >= 10 << 20 => format!("{:.1} MB", weight as f64 / f64::from(1 << 20)),
        What::Bytes => format!("{:.1} KB", weight as f64 / 1024.0),
    }
}
