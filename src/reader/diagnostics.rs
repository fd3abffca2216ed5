//! How errors and warnings look.
//!
//! Owns the way a message with a source excerpt is drawn, for syntax errors, warnings and faults at run time alike. It
//! must not know where a message comes from or where it goes: it makes text.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::errors::SyntaxError;
use super::tree::{Source, Span};

/// How grave a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Something is wrong.
    Error,
    /// Something is suspicious, and changes nothing.
    Warning,
    /// Something worth knowing.
    Note,
}

/// A message about a place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// The first line.
    pub title: String,
    /// The place, when there is one.
    pub span: Option<Span>,
    /// A few words at the place.
    pub label: Option<String>,
    /// Other places, in the same text.
    pub secondary: Vec<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A message with a title, at a place.
    pub fn new(severity: Severity, title: impl Into<String>, span: Option<Span>) -> Diagnostic {
        Diagnostic { severity, title: title.into(), span, label: None, secondary: Vec::new(), help: None }
    }
}

impl From<&SyntaxError> for Diagnostic {
    fn from(error: &SyntaxError) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            title: error.message.clone(),
            span: Some(error.span),
            label: error.label.clone(),
            secondary: error.secondary.clone(),
            help: error.help.clone(),
        }
    }
}

/// Longer pieces of text (a file in one line, a bracket opened a thousand lines above) are not drawn: their place is named.
const LONGEST_EXCERPT: usize = 20_000;

/// Draws a message in the manner of rustc: title, `file:line:column`, source lines, carets. With `color`, for a terminal.
/// The text ends with a line break.
pub fn render(source: &Source, diagnostic: &Diagnostic, color: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(one_line(&diagnostic.title)));
    if let Some(span) = diagnostic.span {
        let mut drawn = diagnostic.secondary.as_slice();
        let mut excerpt = Excerpt::new(source, span, drawn);
        if excerpt.text.len() > LONGEST_EXCERPT {
            drawn = &[];
            excerpt = Excerpt::new(source, span, drawn);
        }
        if excerpt.text.len() > LONGEST_EXCERPT {
            let (line, column) = source.line_column(span.start);
            group =
                group.element(Origin::path(one_line(&source.name)).line(line as usize).char_column(column as usize));
            if let Some(label) = &diagnostic.label {
                group = group.element(Level::NOTE.message(one_line(label)));
            }
        } else {
            let mut primary = AnnotationKind::Primary.span(excerpt.range(span));
            if let Some(label) = &diagnostic.label {
                primary = primary.label(one_line(label));
            }
            let mut snippet =
                Snippet::source(excerpt.text).line_start(excerpt.line).path(one_line(&source.name)).annotation(primary);
            for (span, label) in drawn {
                let other = AnnotationKind::Context.span(excerpt.range(*span)).label(one_line(label));
                snippet = snippet.annotation(other);
            }
            group = group.element(snippet);
        }
        if drawn.is_empty() {
            for (span, label) in &diagnostic.secondary {
                let (line, column) = source.line_column(span.start);
                group = group.element(Level::NOTE.message(one_line(&format!("{label}: line {line}, column {column}"))));
            }
        }
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(one_line(help)));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut text = renderer.decor_style(DecorStyle::Ascii).render(&[group]);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Draws the errors of a text, with an empty line between two, and a last line that counts them when there are several.
pub fn render_all(source: &Source, errors: &[SyntaxError], color: bool) -> String {
    let mut text = String::new();
    for error in errors {
        text.push_str(&render(source, &Diagnostic::from(error), color));
        text.push('\n');
    }
    if errors.len() > 1 {
        text.push_str(&format!("{} errors in {}\n", errors.len(), one_line(&source.name)));
    }
    text
}

/// Control characters would upset the terminal, and what cannot be seen says nothing.
fn one_line(text: &str) -> String {
    visible(text)
}

/// The text with the characters that cannot be seen as `\u{…}`.
pub fn visible(text: &str) -> String {
    without(text, |c| c.is_control() || is_invisible(c))
}

/// A text of several lines as a terminal may have it: without the characters that would upset it, or turn its direction.
pub fn harmless(text: &str) -> String {
    without(text, |c| {
        c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

/// The text with some characters as `\u{…}`.
fn without(text: &str, wanted: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match wanted(c) {
            true => out.push_str(&format!("\\u{{{:X}}}", c as u32)),
            false => out.push(c),
        }
    }
    out
}

/// Characters without width, and those that turn the direction of the text (Unicode's class Cf, and the separators of lines).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The lines of the source that a message shows. Only those are handed on, so that a message costs the same in any text.
struct Excerpt<'a> {
    text: &'a str,
    line: usize,
    start: usize,
}

impl<'a> Excerpt<'a> {
    fn new(source: &'a Source, span: Span, secondary: &[(Span, String)]) -> Excerpt<'a> {
        let spans = || std::iter::once(span).chain(secondary.iter().map(|s| s.0));
        let first = spans().map(|s| s.start).min().unwrap_or(0) as usize;
        let last = spans().map(|s| s.end.max(s.start)).max().unwrap_or(0) as usize;
        let line = source.line_starts.partition_point(|start| *start as usize <= first).max(1) - 1;
        let start = source.line_starts[line] as usize;
        let after = source.line_starts.partition_point(|start| (*start as usize) < last);
        let end = source.line_starts.get(after).map_or(source.text.len(), |start| *start as usize).max(start);
        // A whole line, but not the file.
        let text = source.text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r']);
        Excerpt { text, line: line + 1, start }
    }

    /// The span within the excerpt: in bounds, not empty, and on character boundaries.
    fn range(&self, span: Span) -> Range<usize> {
        let length = self.text.len();
        let mut start = (span.start as usize).saturating_sub(self.start).min(length);
        let mut end = (span.end as usize).saturating_sub(self.start).clamp(start, length);
        while start > 0 && !self.text.is_char_boundary(start) {
            start -= 1;
        }
        while end < length && !self.text.is_char_boundary(end) {
            end += 1;
        }
        start..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_the_place_and_the_line() {
        let source = Source::new("dir/two.hr", "fn f() {\n    let = 5\n}\n");
        let error = SyntaxError::new(Span { start: 17, end: 18 }, "expected a name").label("here").help("give a name");
        let text = render(&source, &Diagnostic::from(&error), false);
        assert!(text.contains("dir/two.hr:2:9"), "{text}");
        assert!(text.contains("    let = 5"), "{text}");
        assert!(text.contains("^ here"), "{text}");
        assert!(text.contains("help: give a name"), "{text}");
        assert!(text.starts_with("error: expected a name"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(render(&source, &Diagnostic::from(&error), true).contains('\u{1b}'));
    }

    #[test]
    fn every_span_can_be_drawn() {
        let text = "a\tß\r\n\n\"\u{1}x\u{202e}\n世界 x";
        let source = Source::new("a\nb", text);
        for start in 0..=text.len() as u32 + 2 {
            for end in 0..=text.len() as u32 + 2 {
                let mut diagnostic = Diagnostic::new(Severity::Warning, "t", Some(Span { start, end }));
                diagnostic.secondary.push((Span { start: end, end: start }, "other".into()));
                assert!(!render(&source, &diagnostic, false).is_empty());
            }
        }
    }

    #[test]
    fn a_file_in_one_line_is_not_drawn() {
        let source = Source::new("one.hr", "let = 1; ".repeat(100_000));
        let mut diagnostic = Diagnostic::new(Severity::Error, "wrong", Some(Span { start: 900_000 - 9, end: 900_000 }));
        diagnostic.label = Some("here".into());
        let text = render(&source, &diagnostic, false);
        let source = Source::new("tall.hr", format!("a{}b\n", "\n".repeat(30_000)));
        let end = source.text.len() as u32;
        let mut far = Diagnostic::new(Severity::Error, "open", Some(Span { start: end - 2, end: end - 1 }));
        far.secondary.push((Span { start: 0, end: 1 }, "opened here".into()));
        let drawn = render(&source, &far, false);
        assert!(drawn.contains("30001 | b") && drawn.contains("opened here: line 1, column 1"), "{drawn}");
        assert!(text.contains("one.hr:1:899992") && text.contains("here") && text.len() < 200, "{text}");
    }

    #[test]
    fn a_message_may_have_no_place() {
        let source = Source::new("x", "");
        let text = render(&source, &Diagnostic::new(Severity::Error, "out of memory", None), false);
        assert_eq!(text, "error: out of memory\n");
    }
}
