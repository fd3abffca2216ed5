//! What the last entry has left: its value.
//!
//! Owns how it is shown whole, in parts, and as a table.

use super::Given;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::layout;
use crate::reader::diagnostics::harmless;
use crate::repl::session::{Answer, Session};
use crate::repl::{present, values};
use crate::runtime::fault::brief;
use crate::runtime::load::LoadError;
use crate::runtime::program::present::shown;
use crate::runtime::values::collections::map;
use crate::runtime::values::iterate::Items;

/// So many rows of a table are shown.
const ROWS: usize = 100;
/// So many characters of a cell are.
const WIDEST: usize = 40;

/// `:all`
pub fn all(session: &mut Session, _cx: &mut Thread, _: Given<'_>) -> Answer {
    Answer::Text(format!("{}\n", session.last))
}

/// `:more`
pub fn more(session: &mut Session, _cx: &mut Thread, _: Given<'_>) -> Answer {
    let Some(from) = session.rest else { return Answer::Text("all of the last value was shown\n".into()) };
    let (part, rest) = present::value(&session.last, from, session.look);
    session.rest = rest;
    Answer::Text(format!("{part}\n"))
}

/// `:table [EXPR]`
pub fn table(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    let text = if given.text.is_empty() { "_" } else { given.text };
    let evaluated = session.run(cx, text);
    let value = evaluated.as_ref().ok().map(|evaluated| evaluated.value);
    // What is the last value already does not become it once more.
    if !given.text.is_empty() || value.is_none() {
        let answer = session.answer(cx, evaluated, text);
        if matches!(answer, Answer::Error(_)) {
            return answer;
        }
    }
    match value.map(|value| rows(cx, value)) {
        Some(Ok((rows, more))) => Answer::Text(drawn(&rows, more)),
        Some(Err(thrown)) => session.failed(cx, LoadError::Thrown(thrown)),
        None => Answer::Nothing,
    }
}

/// The cells of a row, each with the name of its column.
type Row = Vec<(String, String)>;

/// The rows that are shown of a collection, and whether there are more.
fn rows(cx: &mut Thread, collection: Handle) -> Result<(Vec<Row>, bool), Thrown> {
    let mut items = Items::of(cx, collection)?;
    let mut rows = Vec::new();
    while let Some(item) = items.next(cx)? {
        if rows.len() == ROWS {
            return Ok((rows, true));
        }
        rows.push(row(cx, cx.get(item)));
    }
    Ok((rows, false))
}

/// The entries of a map, the fields of a struct, or else one cell.
fn row(cx: &Thread, value: Value<'_>) -> Row {
    let cell = |value: Value<'_>| {
        let text = harmless(&brief::brief_within(value, WIDEST)).replace('\n', " ");
        match text.char_indices().nth(WIDEST) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    };
    let mut row = Row::new();
    if value.is(layout::MAP) {
        row.extend(map::iter(value).map(|(key, value)| (cell(key), cell(value))));
    } else if values::is_instance(value)
        && let Some(layout) = cx.vm().types.layout(value.layout())
    {
        row.extend(shown(value, layout).filter_map(|s| Some((s.field.name.to_string(), cell(s.value(value)?)))));
    }
    if row.is_empty() {
        row.push(("value".to_string(), cell(value)));
    }
    row
}

/// A line with the names of the columns, in the order in which rows have them, and one for each row.
fn drawn(rows: &[Row], more: bool) -> String {
    let mut columns: Vec<(&str, usize)> = Vec::new();
    for (name, cell) in rows.iter().flatten() {
        let width = cell.chars().count().max(name.chars().count());
        match columns.iter_mut().find(|(known, _)| known == name) {
            Some((_, widest)) => *widest = width.max(*widest),
            None => columns.push((name, width)),
        }
    }
    let line = |cell: &dyn Fn(&str) -> String| {
        let cells: Vec<String> = columns.iter().map(|&(name, width)| format!("{:<width$}", cell(name))).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    let mut text = line(&|name| name.to_string());
    text.push_str(&line(&|name| {
        let width = columns.iter().find(|(known, _)| *known == name).map_or(0, |(_, width)| *width);
        "-".repeat(width)
    }));
    for row in rows {
        let cell =
            |name: &str| row.iter().find(|(known, _)| known == name).map_or(String::new(), |(_, cell)| cell.clone());
        text.push_str(&line(&cell));
    }
    match more {
        true => text.push_str(&format!("(the first {ROWS} rows)\n")),
        false if rows.is_empty() => return "(no rows)\n".into(),
        false => text.push_str(&format!("({} row{})\n", rows.len(), if rows.len() == 1 { "" } else { "s" })),
    }
    text
}
