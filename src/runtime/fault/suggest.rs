//! "Did you mean": names that look like a name.
//!
//! Owns the measure of likeness. Knows nothing of namespaces.

/// The candidate that is most like the name, if one is like it enough.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    if length < 2 {
        return None;
    }
    let limit = (length / 3).max(1);
    let ours = with_hyphens(name);
    let likeness = |candidate| {
        let as_written = distance(name, candidate, limit);
        if ours == name { as_written } else { distance(&ours, candidate, limit).into_iter().chain(as_written).min() }
    };
    candidates
        .into_iter()
        .filter(|c| *c != name && !c.starts_with('_') | name.starts_with('_'))
        .filter_map(|candidate| Some((likeness(candidate)?, candidate)))
        .min_by_key(|(distance, candidate)| (*distance, candidate.len(), *candidate))
        .map(|(_, candidate)| candidate)
}

/// A name as it would be written here: `groupBy` and `group_by` are `group-by`.
fn with_hyphens(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut small = false;
    for c in name.chars() {
        match c {
            '_' if !out.is_empty() => out.push('-'),
            c if small && c.is_ascii_uppercase() => out.extend(['-', c.to_ascii_lowercase()]),
            c => out.push(c),
        }
        small = c.is_ascii_lowercase();
    }
    out
}

/// The number of insertions, deletions, substitutions and exchanges of neighbours between two texts; none beyond the limit.
fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before = vec![0; b.len() + 1];
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substitution = row[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            next[j] = substitution.min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                next[j] = next[j].min(before[j - 2] + 1);
            }
        }
        before = row;
        row = next;
    }
    Some(row[b.len()]).filter(|d| *d <= limit)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn finds_what_was_meant() {
        assert_eq!(closest("totla", ["total", "tool", "print"]), Some("total"));
        assert_eq!(closest("pritnln", ["print", "println", "length"]), Some("println"));
        assert_eq!(closest("xyzzy", ["total", "x"]), None);
        assert_eq!(closest("partitionBy", ["partition", "partition-by"]), Some("partition-by"));
        assert_eq!(closest("to_number", ["to-float", "to-number"]), Some("to-number"));
        assert_eq!(closest("mapp", ["map", "_mapp"]), Some("map"));
    }
}
