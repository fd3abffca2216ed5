//! Large texts are read in linear time. The sizes are small enough for a debug build; `HARRIER_READER_FUNCTIONS` sets another.

mod common;

use std::sync::Arc;
use std::time::Instant;

use harrier::reader::tree::Source;
use harrier::reader::{Surroundings, read};

/// Seconds to read so many functions.
fn seconds(functions: usize) -> f64 {
    let text: String = (0..functions)
        .map(|i| format!("/// Adds.\nfn add{i}(a, b) {{\n    let c = a + b * {i}\n    println(\"sum ${{c}}\", a / b)\n    add{i}(c, 1)\n}}\n"))
        .collect();
    let bytes = text.len();
    let source = Arc::new(Source::new("large.hr", text));
    let start = Instant::now();
    let unit = read(source, &Surroundings::default()).unwrap_or_else(|errors| panic!("{:?}", errors[0]));
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(unit.items.len(), functions);
    println!("{functions} functions, {bytes} bytes: {seconds:.3} s, {:.0} MB/s", bytes as f64 / seconds / 1e6);
    seconds
}

#[test]
fn reading_takes_linear_time() {
    let most = std::env::var("HARRIER_READER_FUNCTIONS").ok().and_then(|v| v.parse().ok()).unwrap_or(40_000);
    seconds(1_000);
    let why = common::at_a_calm_moment(|| {
        let small = seconds(most / 8).max(0.001);
        let large = seconds(most);
        // Eight times the text may not take more than some four times that.
        (large >= small * 32.0).then(|| format!("{small} s, then {large} s")).into_iter().collect()
    });
    assert!(why.is_empty(), "{why:?}");
}
