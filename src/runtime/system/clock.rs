//! The clock, and what there is to say of the machine.

use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds since the start of 1970.
pub fn nanoseconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as i64
}

/// How many threads can run at once.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

/// `linux`
pub const OS: &str = std::env::consts::OS;
