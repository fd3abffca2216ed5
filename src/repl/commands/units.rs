//! Times and sizes as people read them: three figures, and the unit that fits.

use std::time::Duration;

/// `812 ns`, `1.23 µs`, `45.6 ms`, `1.23 s`, `2 min 3 s`
pub fn time(duration: Duration) -> String {
    nanoseconds(duration.as_nanos() as f64)
}

/// The same of a number of nanoseconds, which may be less than one.
pub fn nanoseconds(ns: f64) -> String {
    if ns >= 99.95e9 {
        let seconds = (ns / 1e9).round() as u64;
        return match seconds / 3600 {
            0 => format!("{} min {} s", seconds / 60, seconds % 60),
            hours => format!("{hours} h {} min", seconds % 3600 / 60),
        };
    }
    let units = [("ns", 1.0), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)];
    let (unit, of) = units.into_iter().find(|(_, of)| figures(ns / of).1 < 1000.0).unwrap_or(("s", 1e9));
    format!("{} {unit}", figures(ns / of).0)
}

/// `0 bytes`, `812 bytes`, `12.3 KB`, `4.56 MB`; a K is 1024.
pub fn bytes(bytes: f64) -> String {
    if bytes < 1023.5 {
        let whole = bytes.round();
        return if whole == 1.0 { "1 byte".into() } else { format!("{whole} bytes") };
    }
    let units = [("KB", 10), ("MB", 20), ("GB", 30), ("TB", 40)];
    let of = |shift: i32| bytes / f64::from(2).powi(shift);
    let (unit, shift) = units.into_iter().find(|(_, shift)| figures(of(*shift)).1 < 1000.0).unwrap_or(("TB", 40));
    format!("{} {unit}", figures(of(shift)).0)
}

/// Three figures, as text and as a number.
fn figures(value: f64) -> (String, f64) {
    let places = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    let text = format!("{value:.places$}");
    let rounded = text.parse().unwrap_or(value);
    // A whole number of the smallest unit needs no zeros.
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text };
    (text, rounded)
}

/// `1,234,567`
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 collection`, `2 collections`
pub fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_figures() {
        let times = [
            (0.0, "0 ns"),
            (0.456, "0.46 ns"),
            (812.0, "812 ns"),
            (999.6, "1 µs"),
            (1234.0, "1.23 µs"),
            (45_600_000.0, "45.6 ms"),
            (1.5e9, "1.5 s"),
            (99.9e9, "99.9 s"),
            (123e9, "2 min 3 s"),
            (7300e9, "2 h 1 min"),
        ];
        for (ns, text) in times {
            assert_eq!(nanoseconds(ns), text);
        }
        let sizes = [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1 KB"),
            (12_595, "12.3 KB"),
            (1 << 30, "1 GB"),
        ];
        for (size, text) in sizes {
            assert_eq!(bytes(f64::from(size)), text);
        }
        assert_eq!([count(7), count(1234), count(1_234_567)], ["7", "1,234", "1,234,567"]);
    }
}
