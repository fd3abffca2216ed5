//! Values as they are shown.
//!
//! Owns how the printed form of a value is cut for the eye, laid out over lines, and coloured. It works on the text that `repr`
//! gives, cut into tokens by the language's lexer, so that it need not know what prints how: line breaks come only where a space
//! could stand, behind a bracket or comma, and no other character is added or lost.

use super::highlight;
use crate::reader::diagnostics::harmless;
use crate::reader::lexer::{self, Kind, Token};

/// So many characters of a value are shown.
const SHOWN: usize = 4000;
/// Elements are counted in texts of at most so many bytes.
const COUNTED: usize = 4 << 20;
/// Lines are not laid out for less than this, however narrow the terminal.
const NARROWEST: usize = 20;
const INDENT: usize = 2;

/// For whom a value is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// How wide a line may be; without it a value is one line.
    pub width: Option<usize>,
    /// With colours.
    pub color: bool,
    /// Nothing is left out: a program reads it.
    pub whole: bool,
}

/// A value, whose printed form this is, as it is shown: the part that begins at `from`, 0 or where the part before has ended, and where
/// the next one begins.
pub fn value(text: &str, from: usize, look: Look) -> (String, Option<usize>) {
    // A type's own `Format` may give anything.
    let text = &harmless(text);
    let (shown, rest) = if look.whole { (text.as_str(), None) } else { cut(text, from) };
    let mut out = laid_out(shown.trim_start_matches(' '), look);
    let next = rest.map(|(at, note)| {
        out.push_str(&note);
        at
    });
    (out, next)
}

/// A part of a text, where the rest begins, and what is said of it.
fn cut(text: &str, from: usize) -> (&str, Option<(usize, String)>) {
    let Some((most, _)) = text[from..].char_indices().nth(SHOWN) else { return (&text[from..], None) };
    let most = from + most;
    // Not in the middle of an element, if it ends nearby.
    let comma = text[from..most].rfind(", ").map(|comma| from + comma + 1);
    let at = comma.filter(|at| most - at < SHOWN / 4).unwrap_or(most);
    let characters = text[at..].chars().count();
    let elements = if text.len() <= COUNTED { elements_behind(text, at) } else { 0 };
    let elements = if elements > 0 { format!("{elements} more elements, ") } else { String::new() };
    let note = format!(" …\n({elements}{characters} more characters; :all shows them, :more goes on)");
    (&text[from..at], Some((at, note)))
}

/// How many elements of the outermost collection begin behind this place.
fn elements_behind(text: &str, at: usize) -> usize {
    let (mut depth, mut commas) = (0_usize, 0);
    for token in lexer::lex(text).tokens {
        match token.kind {
            kind if kind.opens() => depth += 1,
            kind if kind.closes() => depth = depth.saturating_sub(1),
            Kind::Comma if depth == 1 && token.end as usize >= at => commas += 1,
            _ => {}
        }
    }
    commas
}

/// The text over as many lines as its width asks for.
fn laid_out(text: &str, look: Look) -> String {
    let width = look.width.map_or(usize::MAX, |width| width.max(NARROWEST));
    // What has lines of its own keeps them.
    let fits = text.contains('\n') || text.len() <= width || text.chars().count() <= width;
    if fits && !look.color {
        return text.to_string();
    }
    let mut tokens = lexer::lex(text).tokens;
    tokens.pop();
    let mut layout = Layout { text, ends: ends(&tokens), tokens, look, width, out: String::new(), column: 0 };
    layout.flow(0, layout.tokens.len(), 0, fits);
    let written = layout.tokens.last().map_or(0, |token| token.end as usize);
    layout.gap(written, text.len());
    layout.out
}

/// For each opening bracket the token that closes it, if there is one.
fn ends(tokens: &[Token]) -> Vec<Option<usize>> {
    let mut ends = vec![None; tokens.len()];
    let mut open = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        if token.kind.opens() {
            open.push(i);
        } else if token.kind.closes()
            && let Some(begin) = open.pop()
        {
            ends[begin] = Some(i);
        }
    }
    ends
}

struct Layout<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    ends: Vec<Option<usize>>,
    look: Look,
    width: usize,
    out: String,
    /// Characters of the present line.
    column: usize,
}

impl Layout<'_> {
    fn start(&self, token: usize) -> usize {
        self.tokens.get(token).map_or(self.text.len(), |token| token.start as usize)
    }

    fn end(&self, token: usize) -> usize {
        self.tokens[token].end as usize
    }

    /// How wide these tokens are on one line.
    fn length(&self, from: usize, to: usize) -> usize {
        if from >= to { 0 } else { self.text[self.start(from)..self.end(to - 1)].chars().count() }
    }

    fn gap(&mut self, from: usize, to: usize) {
        let text = &self.text[from..to];
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn token(&mut self, i: usize) {
        let token = self.tokens[i];
        let text = &self.text[self.start(i)..self.end(i)];
        match highlight::color_of(token.kind).filter(|_| self.look.color) {
            Some(color) => self.out.push_str(&format!("{color}{text}{}", highlight::PLAIN)),
            None => self.out.push_str(text),
        }
        self.column += text.chars().count();
    }

    fn new_line(&mut self, indent: usize) {
        self.out.push('\n');
        self.out.push_str(&" ".repeat(indent));
        self.column = indent;
    }

    /// Tokens with the space between them; brackets that do not fit are opened, unless all is known to fit.
    fn flow(&mut self, from: usize, to: usize, indent: usize, fits: bool) {
        let mut i = from;
        while i < to {
            if i > from {
                self.gap(self.end(i - 1), self.start(i));
            }
            // What is deeper than the terminal is wide only goes on: it would be white space for the most part.
            if self.tokens[i].kind.opens() && !fits && indent < self.width / 2 {
                let end = self.ends[i].unwrap_or(to).min(to);
                // A comma or bracket behind it stands on the same line.
                let behind = usize::from(end + 1 < to);
                if self.column + self.length(i, (end + 1).min(to)) + behind > self.width {
                    self.opened(i, end, indent);
                    i = end + 1;
                    continue;
                }
            }
            self.token(i);
            i += 1;
        }
    }

    /// A bracket whose elements stand on lines of their own, or fill lines when they are small.
    fn opened(&mut self, open: usize, close: usize, indent: usize) {
        self.token(open);
        let inner = indent + INDENT;
        let nested = self.tokens[open + 1..close].iter().any(|token| token.kind.opens());
        let mut from = open + 1;
        while from < close {
            let to = self.element(from, close);
            let first = from == open + 1;
            if first || nested || self.column + 1 + self.length(from, to) > self.width {
                self.new_line(inner);
            } else {
                self.gap(self.end(from - 1), self.start(from));
            }
            self.flow(from, to, inner, false);
            from = to;
        }
        if close < self.tokens.len() {
            self.new_line(indent);
            self.token(close);
        }
    }

    /// One past the comma that ends the element which begins here.
    fn element(&self, from: usize, close: usize) -> usize {
        let mut i = from;
        while i < close {
            match self.tokens[i].kind {
                Kind::Comma => return i + 1,
                kind if kind.opens() => i = self.ends[i].unwrap_or(close),
                _ => {}
            }
            i += 1;
        }
        close
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str, width: usize) -> String {
        value(text, 0, Look { width: Some(width), ..Look::default() }).0
    }

    #[test]
    fn what_fits_is_one_line() {
        for text in ["[1, 2]", "\"a\"", "{:a 1}", "", "[", "fn f"] {
            assert_eq!(plain(text, 30), text);
        }
        assert_eq!(value(&"[1, 2], ".repeat(9), 0, Look::default()).0, "[1, 2], ".repeat(9));
    }

    #[test]
    fn collections_are_opened() {
        let text = "[{:name \"Ada\", :born 1815}, {:name \"Grace\", :born 1906}, P { x: [], y: 2 }]";
        let lines = "[\n  {:name \"Ada\", :born 1815},\n  {:name \"Grace\", :born 1906},\n  P { x: [], y: 2 }\n]";
        assert_eq!(plain(text, 40), lines);
        let narrow = "[\n  {\n    :name \"Ada\",\n    :born 1815\n  },\n  {\n    :name \"Grace\",\n    :born 1906\n  },\n  P { x: [], y: 2 }\n]";
        assert_eq!(plain(text, 1), narrow);
        let filled = "[\n  100, 101, 102, 103, 104,\n  105, 106, 107, 108, 109\n]";
        assert_eq!(plain("[100, 101, 102, 103, 104, 105, 106, 107, 108, 109]", 27), filled);
        let text = "{:key [100, 101, 102, 103, 104, 105, 106], :other \"a string that is too long for a line\"}";
        let lines = "{\n  :key [\n    100, 101, 102, 103,\n    104, 105, 106\n  ],\n  :other \"a string that is too long for a line\"\n}";
        assert_eq!(plain(text, 25), lines);
    }

    #[test]
    fn nothing_but_space_changes() {
        let texts = [
            "a(b, [c, …",
            "]), (",
            "http://x, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], \"open",
            "#{1, {2 3}, [[[[[[4]]]]]]}} x",
        ];
        for text in texts.iter().map(|text| text.to_string()).chain([format!("[{}", "[1, ".repeat(3000))]) {
            for width in [1, 20, 33, 80] {
                let squeezed = |text: &str| text.split_whitespace().collect::<String>();
                let (shown, _) = cut(&text, 0);
                assert_eq!(squeezed(&laid_out(shown, Look { width: Some(width), ..Look::default() })), squeezed(shown));
            }
        }
    }

    #[test]
    fn long_values_are_cut() {
        let text = format!("[{}]", (0..5000).map(|i| i.to_string()).collect::<Vec<_>>().join(", "));
        let shown = plain(&text, 80);
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        let (last, note) = shown.rsplit_once('\n').expect("lines");
        let last = last
            .trim_end_matches(", …")
            .trim_end_matches([' ', '…', ','])
            .rsplit([' ', '\n'])
            .next()
            .expect("a number");
        let left = 5000 - 1 - last.parse::<usize>().expect("a number");
        assert!(note.starts_with(&format!("({left} more elements, ")), "{note} {last}");
        assert!(plain(&"x".repeat(5000), 80).ends_with("x …\n(1000 more characters; :all shows them, :more goes on)"));
        // The parts are the whole.
        let look = Look { width: Some(80), ..Look::default() };
        let (mut all, mut next) = (String::new(), Some(0));
        while let Some(from) = next {
            let (part, rest) = value(&text, from, look);
            all.push_str(part.split(" …\n").next().unwrap_or_default());
            next = rest;
        }
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(squeezed(&all), squeezed(&text));
    }

    #[test]
    fn colours_are_by_token() {
        let colored = value("[1, \"a\"]", 0, Look { width: Some(80), color: true, whole: false }).0;
        assert_eq!(colored, "[\u{1b}[36m1\u{1b}[0m, \u{1b}[32m\"a\"\u{1b}[0m]");
    }
}
