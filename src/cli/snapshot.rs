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
    /// The lines (from 0) that hold a snapshot's text.
    lines: std::ops::Range<usize>,
}

/// The expectation in a text.
pub fn expectation(text: &str) -> Option<Expectation> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found: Option<(bool, Vec<&str>, Option<i32>, usize)> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        let trimmed = line.trim();
        if trimmed == "// @snapshot" || trimmed == "// @error" {
            found = Some((trimmed == "// @snapshot", Vec::new(), None, number + 1));
        } else if let Some((_, body, status, _)) = &mut found {
            if let Some(number) = trimmed.strip_prefix("// @status ") {
                *status = number.trim().parse().ok();
            } else if let Some(rest) = line.strip_prefix("//") {
                body.push(rest.strip_prefix(' ').unwrap_or(rest));
            } else if !trimmed.is_empty() {
                found = None;
            }
        }
    }
    let (snapshot, body, status, first) = found?;
    let lines = first..first + body.len();
    let status = status.unwrap_or(if snapshot { 0 } else { 1 });
    Some(match snapshot {
        true => {
            let stdout = body.iter().map(|line| format!("{line}\n")).collect();
            Expectation { stdout: Some(stdout), stderr: Vec::new(), status, lines }
        }
        false => {
            Expectation { stdout: None, stderr: body.into_iter().map(str::to_string).collect(), status, lines: 0..0 }
        }
    })
}

/// The text with another snapshot.
pub fn with_snapshot(text: &str, expectation: &Expectation, printed: &str) -> String {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut out = String::new();
    let snapshot = || {
        let lines = printed.strip_suffix('\n').unwrap_or(printed);
        let lines: Vec<&str> = if printed.is_empty() { Vec::new() } else { lines.split('\n').collect() };
        lines.into_iter().map(|l| if l.is_empty() { format!("//{newline}") } else { format!("// {l}{newline}") })
    };
    let mut written = false;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if expectation.lines.start == number {
            out.extend(snapshot());
            written = true;
        }
        if !expectation.lines.contains(&number) {
            out.push_str(line);
            if !line.ends_with('\n') && number + 1 == expectation.lines.start {
                out.push_str(newline);
            }
        }
    }
    if !written {
        if !out.ends_with('\n') {
            out.push_str(newline);
        }
        out.extend(snapshot());
    }
    out
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
        let text = with_snapshot(text, &found, "2\n\n3\n");
        assert_eq!(text, "println(1)\n\n// @snapshot\n// 2\n//\n// 3\n");
        let empty = "f()\n// @snapshot";
        let found = expectation(empty).expect("there is one");
        assert_eq!(found.stdout.as_deref(), Some(""));
        assert_eq!(with_snapshot(empty, &found, "a\n"), "f()\n// @snapshot\n// a\n");
        assert!(expectation("// @snapshot\n// 1\nprintln(1)\n").is_none());
    }

    #[test]
    fn errors() {
        let found = expectation("f()\n// @error\n// TypeError\n// x.hr:1\n// @status 3\n").expect("there is one");
        assert_eq!((found.stderr.len(), found.status, found.stdout), (2, 3, None));
    }
}
