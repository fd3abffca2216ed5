//! What is said about an error that nobody caught.
//!
//! Owns the form of the report: kind and message, the source line with a caret, the stack. Makes text; who prints it is the
//! caller's business.

use super::errors::{ERROR_MESSAGE, ErrorKind, is_interrupt};
use super::trace::{self, TraceEntry, TraceLine};
use crate::gc::{Handle, Thread, Thrown};
use crate::reader::diagnostics::{Diagnostic, Severity, harmless, render};
use crate::reader::tree::{Source, Span};
use crate::runtime::values::foreign;

/// Stacks longer than this are shown by their two ends.
const SHOWN: usize = 40;

/// An error that nobody caught.
#[derive(Debug)]
pub struct Uncaught {
    /// `TypeError: …`
    pub title: String,
    /// It is what the interrupt key throws, or the key was pressed while it was looked at.
    pub interrupt: bool,
    /// The whole report; ends with a line break.
    pub text: String,
}

/// Takes the pending exception and says what there is to say about it.
pub fn uncaught(cx: &mut Thread, thrown: Thrown, color: bool) -> Uncaught {
    let exception = cx.take_exception(thrown);
    // Before a `Format` of the program is asked, which may throw as well.
    let entries = trace::of_exception(cx, exception);
    let (title, called_off) = printed(cx, exception);
    let interrupt = called_off || is_interrupt(cx.get(exception));
    let mut text = String::new();
    let places = entries.iter().filter_map(|e| match e {
        TraceEntry::Line(line) => line.place.clone(),
        TraceEntry::Skipped(_) | TraceEntry::Joined => None,
    });
    match trace::innermost(places) {
        // A warning about the same place stands above: what it has shown is not shown again.
        Some((source, span)) if !cx.vm().loader.take_shown(&source, span) => {
            // The title stands alone, whole and without the word "error".
            text.push_str(&title);
            text.push('\n');
            text.push_str(&excerpt(&source, span, color));
        }
        _ => {
            text.push_str(&title);
            text.push('\n');
        }
    }
    text.push_str(&stack(&entries));
    trace::forget(cx);
    Uncaught { title, interrupt, text }
}

/// A place in a text, with the line and what it is about in it.
pub fn excerpt(source: &Source, span: Span, color: bool) -> String {
    let drawn = render(source, &Diagnostic::new(Severity::Error, "", Some(span)), color);
    drawn.split_once('\n').map_or(String::new(), |(_, rest)| rest.to_string())
}

/// Which fault of the runtime a value is.
pub fn kind_of(cx: &Thread, exception: Handle) -> Option<ErrorKind> {
    let layout = cx.get(exception).layout();
    ErrorKind::ALL.iter().copied().find(|kind| cx.vm().types.error_layout(*kind) == layout)
}

/// `TypeError: message`, or the printed form of another value.
pub fn title(cx: &mut Thread, exception: Handle) -> String {
    printed(cx, exception).0
}

/// The same, and whether the interrupt key has ended what prints the value.
fn printed(cx: &mut Thread, exception: Handle) -> (String, bool) {
    if let Some(kind) = kind_of(cx, exception) {
        let message = cx.get(exception).slot(ERROR_MESSAGE).str().unwrap_or_default().to_string();
        return (format!("{}: {message}", kind.name()), false);
    }
    if is_interrupt(cx.get(exception)) {
        return ("Interrupted".to_string(), false);
    }
    let (printed, called_off) = cx.scope(|cx| match foreign::to_text(cx, exception) {
        Ok(text) => (text, false),
        // Its own Format throws.
        Err(_thrown) => (super::brief::brief(cx.get(exception)), is_interrupt(cx.exception())),
    });
    (format!("uncaught: {}", harmless(&printed)), called_off)
}

/// The lines of the stack, equal neighbours folded.
pub fn stack(entries: &[TraceEntry]) -> String {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for entry in entries {
        let text = match entry {
            TraceEntry::Line(line) if trace::is_private(line) => continue,
            TraceEntry::Line(line) => format!("  at {}", place(line)),
            TraceEntry::Skipped(n) => format!("  … {n} more calls …"),
            TraceEntry::Joined => "joined by:".to_string(),
        };
        match lines.last_mut() {
            Some((last, count)) if *last == text => *count += 1,
            _ => lines.push((text, 1)),
        }
    }
    let hidden = lines.len().saturating_sub(SHOWN);
    let mut out = String::new();
    for (i, (line, count)) in lines.iter().enumerate() {
        if hidden > 0 && i == SHOWN / 2 {
            out.push_str(&format!("  … {hidden} more calls …\n"));
        }
        if hidden > 0 && i >= SHOWN / 2 && i < SHOWN / 2 + hidden {
            continue;
        }
        out.push_str(line);
        if *count > 1 {
            out.push_str(&format!("   ({count} times)"));
        }
        out.push('\n');
    }
    out
}

fn place(line: &TraceLine) -> String {
    match &line.place {
        Some((source, span)) => {
            format!("{} ({}:{})", line.function, source.name, source.line_column(span.start).0)
        }
        None => line.function.clone(),
    }
}
