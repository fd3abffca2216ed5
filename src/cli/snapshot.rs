//! What a file says about what it should print.
//!
//! Owns the form of expectations: `// @snapshot` and the `//` lines after it are exactly what the program prints; `// @error`
//! and lines that must occur in stderr; `// @status N`. The last block of a file counts, and only when no program text follows.

/// What a file expects of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// What must be printed, exactly.
    pub stdout: Option<String>,
    /// What must occur in stderr.
    pub stderr: Vec<String>,
    /// The exit status.
    pub status: i32,
    /// The line (from 0) of the marker, and those that hold a snapshot's text: others may stand between them.
    marker: usize,
    lines: Vec<usize>,
}

/// The expectation in a text.
pub fn expectation(text: &str) -> Option<Expectation> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    struct Block<'a> {
        is_snapshot: bool,
        body: Vec<&'a str>,
        status: Option<i32>,
        marker: usize,
        lines: Vec<usize>,
    }
    let mut found: Option<Block<'_>> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        let trimmed = line.trim();
        if trimmed == "// @snapshot" || trimmed == "// @error" {
            let is_snapshot = trimmed == "// @snapshot";
            found = Some(Block { is_snapshot, body: Vec::new(), status: None, marker: number, lines: Vec::new() });
        } else if let Some(block) = &mut found {
            if let Some(status) = trimmed.strip_prefix("// @status ") {
                block.status = status.trim().parse().ok();
            } else if let Some(rest) = line.strip_prefix("//") {
                block.body.push(rest.strip_prefix(' ').unwrap_or(rest));
                block.lines.push(number);
            } else if !trimmed.is_empty() {
                found = None;
            }
        }
    }
    let Block { is_snapshot, body, status, marker, lines } = found?;
    let status = status.unwrap_or(if is_snapshot { 0 } else { 1 });
    let (stdout, stderr) = match is_snapshot {
        true => (Some(body.iter().map(|line| format!("{line}\n")).collect()), Vec::new()),
        false => (None, body.into_iter().map(str::to_string).collect()),
    };
    Some(Expectation { stdout, stderr, status, marker, lines })
}

/// The text with another snapshot; why there is none that holds what was printed.
pub fn with_snapshot(text: &str, expectation: &Expectation, printed: &str) -> Result<String, &'static str> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut out = String::new();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if !expectation.lines.contains(&number) {
            out.push_str(line);
        }
        if number == expectation.marker {
            if !line.ends_with('\n') {
                out.push_str(newline);
            }
            let lines = printed.strip_suffix('\n').unwrap_or(printed).split('\n').filter(|_| !printed.is_empty());
            lines.for_each(|l| {
                out.push_str(&if l.is_empty() { format!("//{newline}") } else { format!("// {l}{newline}") })
            });
        }
    }
    let read = self::expectation(&out).filter(|read| read.status == expectation.status).and_then(|read| read.stdout);
    match read {
        Some(read) if read == printed => Ok(out),
        _ if !printed.ends_with('\n') => Err("its last line has no line break, and each line of a snapshot has one"),
        _ if printed.contains('\r') => Err("it prints carriage returns"),
        _ => Err("it prints a line that looks like a marker of a snapshot"),
    }
}

/// The lines in which two texts differ, for people.
pub fn difference(expected: &str, got: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    let same = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let tail = a[same..].iter().rev().zip(b[same..].iter().rev()).take_while(|(x, y)| x == y).count();
    let mut out = String::new();
    if same > 0 {
        out.push_str(&format!("    line {}:\n", same + 1));
    }
    for line in a[same..a.len() - tail].iter().take(12) {
        out.push_str(&format!("    - {line}\n"));
    }
    for line in b[same..b.len() - tail].iter().take(12) {
        out.push_str(&format!("    + {line}\n"));
    }
    if out.is_empty() || a == b {
        out = "    only the last line breaks differ\n".into();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots() {
        let text = "println(1)\n\n// @snapshot\n// 1\n//\n//  x\n";
        let found = expectation(text).expect("there is one");
        assert_eq!(found.stdout.as_deref(), Some("1\n\n x\n"));
        let text = with_snapshot(text, &found, "2\n\n3\n").expect("it can be held");
        assert_eq!(text, "println(1)\n\n// @snapshot\n// 2\n//\n// 3\n");
        let empty = "f()\n// @snapshot";
        let found = expectation(empty).expect("there is one");
        assert_eq!(found.stdout.as_deref(), Some(""));
        assert_eq!(with_snapshot(empty, &found, "a\n").as_deref(), Ok("f()\n// @snapshot\n// a\n"));
        assert!(expectation("// @snapshot\n// 1\nprintln(1)\n").is_none());
    }

    #[test]
    fn what_stands_between_the_lines_of_a_snapshot_stays() {
        let text = "f()\n// @snapshot\n\n// @status 3\n// old\n\n// older\n";
        let found = expectation(text).expect("there is one");
        assert_eq!((found.status, found.stdout.as_deref()), (3, Some("old\nolder\n")));
        let updated = with_snapshot(text, &found, "new\n").expect("it can be held");
        assert_eq!(updated, "f()\n// @snapshot\n// new\n\n// @status 3\n\n");
        let again = expectation(&updated).expect("there is one");
        assert_eq!((again.status, again.stdout.as_deref()), (3, Some("new\n")));
    }

    #[test]
    fn what_no_snapshot_holds_is_refused() {
        let text = "f()\n// @snapshot\n// old\n";
        let found = expectation(text).expect("there is one");
        for printed in ["no break", "a\r\n", "@status 3\n", "@snapshot\n", "a\n@error\n"] {
            assert!(with_snapshot(text, &found, printed).is_err(), "{printed:?}");
        }
        for printed in ["", "\n", " a\n\n", "@else\n", "// @status\n"] {
            assert!(with_snapshot(text, &found, printed).is_ok(), "{printed:?}");
        }
    }

    #[test]
    fn errors() {
        let found = expectation("f()\n// @error\n// TypeError\n// x.hr:1\n// @status 3\n").expect("there is one");
        assert_eq!((found.stderr.len(), found.status, found.stdout), (2, 3, None));
    }
}
