//! Fault injection: the n-th time that Harrier asks the system for something, it is refused.
//!
//! What the system may refuse at any time must end as an error that the program can catch, or that ends the process with a message.
//! `--inject-fault=KIND:N` makes it refuse, so that this can be seen for each time of a program. Whoever asks the system asks
//! [`refused`] first: one load, where nothing is injected. Owns the count; must not know what is done about a refusal.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// What Harrier asks the system for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Asked {
    /// A run of blocks for objects.
    Heap = 1,
    /// Pages for machine code or its data, or another protection of them.
    Code,
    /// A thread.
    Thread,
    /// That a text is written to a file or stream.
    Write,
}

/// All of it by name.
const NAMES: [(&str, Asked); 4] =
    [("heap", Asked::Heap), ("code", Asked::Code), ("thread", Asked::Thread), ("write", Asked::Write)];

/// What is refused, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Injection {
    asked: Asked,
    /// The time that is refused; 0: none, they are only counted.
    nth: u64,
    /// All later ones are refused as well.
    lasting: bool,
}

impl Injection {
    /// `heap:3` is the third time, `heap:3+` the third and all later ones, `heap:0` only counts.
    pub fn parse(text: &str) -> Result<Injection, String> {
        let wrong = || "write KIND:N, as in `heap:3` (the third time) or `heap:3+` (from then on); KIND is heap, code, thread or write";
        let (name, number) = text.split_once(':').ok_or_else(wrong)?;
        let (number, lasting) = number.strip_suffix('+').map_or((number, false), |number| (number, true));
        let (_, asked) = *NAMES.iter().find(|(known, _)| *known == name).ok_or_else(wrong)?;
        Ok(Injection { asked, nth: number.parse().map_err(|_| wrong())?, lasting })
    }

    /// From now on it counts.
    pub fn begin(self) {
        NTH.store(self.nth, Ordering::Relaxed);
        LASTING.store(self.lasting, Ordering::Relaxed);
        ASKED.store(self.asked as u8, Ordering::Release);
    }
}

/// What is counted: an [`Asked`], or 0.
static ASKED: AtomicU8 = AtomicU8::new(0);
static NTH: AtomicU64 = AtomicU64::new(0);
static LASTING: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Is this time refused?
#[inline]
pub fn refused(asked: Asked) -> bool {
    ASKED.load(Ordering::Acquire) == asked as u8 && counted()
}

#[cold]
fn counted() -> bool {
    let (nth, now) = (NTH.load(Ordering::Relaxed), COUNT.fetch_add(1, Ordering::Relaxed) + 1);
    nth != 0 && (now == nth || now > nth && LASTING.load(Ordering::Relaxed))
}

/// Is anything injected?
pub fn is_on() -> bool {
    ASKED.load(Ordering::Acquire) != 0
}

/// Where it is only counted: what is to be told at the end.
pub fn told() -> Option<String> {
    let asked = ASKED.load(Ordering::Acquire);
    let (name, _) = NAMES.iter().find(|(_, known)| *known as u8 == asked)?;
    (NTH.load(Ordering::Relaxed) == 0)
        .then(|| format!("harrier: asked for {name} {} times\n", COUNT.load(Ordering::Relaxed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let read = |text| Injection::parse(text).expect("an injection");
        assert_eq!(read("heap:3"), Injection { asked: Asked::Heap, nth: 3, lasting: false });
        assert_eq!(read("write:12+"), Injection { asked: Asked::Write, nth: 12, lasting: true });
        for wrong in ["heap", "heap:", "heap:x", "disk:1", ":1", "code:-1", ""] {
            assert!(Injection::parse(wrong).is_err_and(|why| why.contains("KIND:N")), "{wrong}");
        }
    }
}
