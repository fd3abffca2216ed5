//! Where the characters of long texts beyond ASCII lie.
//!
//! Owns the marks that a thread leaves in the texts it indexes, so that walking through one by index does not count from its
//! beginning at each step. Marks stand between characters that are [`STEP`] apart, and are set as far as somebody has asked.
//! They hold for texts at their addresses: a collection, which may move them, makes all of them worthless.

use crate::object::Word;

/// Characters between two marks.
const STEP: usize = 32;
/// Shorter texts (in bytes) are counted off.
pub const SHORT: usize = 4 * STEP;
/// So many texts are remembered: programs compare two or three by index.
const TEXTS: usize = 4;

/// The marks of a thread.
#[derive(Debug, Default)]
pub struct Crumbs {
    epoch: u64,
    trails: Vec<Trail>,
    next: usize,
}

/// The marks in one text.
#[derive(Debug)]
struct Trail {
    /// The object. Compared only, never followed.
    string: Word,
    /// Byte offsets of the characters 0, `STEP`, 2 · `STEP`, …
    marks: Vec<u32>,
}

impl Crumbs {
    /// The byte offset of a character, which the text must have. `epoch` counts collections.
    pub fn offset(&mut self, epoch: u64, string: Word, text: &str, index: usize) -> usize {
        let trail = self.trail(epoch, string);
        trail.extend(text, |marks| marks.len() > index / STEP);
        let mark = (index / STEP).min(trail.marks.len() - 1);
        after(text, trail.marks[mark] as usize, index - mark * STEP)
    }

    /// The index of the character at a byte offset.
    pub fn index(&mut self, epoch: u64, string: Word, text: &str, offset: usize) -> usize {
        let trail = self.trail(epoch, string);
        trail.extend(text, |marks| marks.last().is_some_and(|last| *last as usize > offset));
        let mark = trail.marks.partition_point(|at| *at as usize <= offset).saturating_sub(1);
        let between = text.get(trail.marks[mark] as usize..offset).unwrap_or_default();
        mark * STEP + between.chars().count()
    }

    fn trail(&mut self, epoch: u64, string: Word) -> &mut Trail {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.trails.clear();
        }
        let at = match self.trails.iter().position(|trail| trail.string == string) {
            Some(at) => at,
            None => {
                let trail = Trail { string, marks: vec![0] };
                self.next = (self.next + 1) % TEXTS;
                match self.trails.get_mut(self.next) {
                    Some(oldest) => {
                        *oldest = trail;
                        self.next
                    }
                    None => {
                        self.trails.push(trail);
                        self.trails.len() - 1
                    }
                }
            }
        };
        &mut self.trails[at]
    }
}

impl Trail {
    /// Sets marks until there are enough, or the text ends.
    fn extend(&mut self, text: &str, enough: impl Fn(&[u32]) -> bool) {
        while !enough(&self.marks) {
            let last = self.marks.last().map_or(0, |at| *at as usize);
            let next = after(text, last, STEP);
            if next == text.len() {
                return;
            }
            self.marks.push(next as u32);
        }
    }
}

/// The byte offset so many characters further on; of the end when there are not so many.
fn after(text: &str, from: usize, chars: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    rest.char_indices().nth(chars).map_or(text.len(), |(at, _)| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_agree_with_counting() {
        let text: String = "aé漢😀b".chars().cycle().take(1000).collect();
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let (mut crumbs, string) = (Crumbs::default(), Word::NULL);
        for index in [0, 1, 999, 31, 32, 33, 500, 64, 998, 63] {
            assert_eq!(crumbs.offset(1, string, &text, index), places[index], "{index}");
            assert_eq!(crumbs.index(1, string, &text, places[index]), index);
        }
        assert_eq!(crumbs.index(1, string, &text, text.len()), 1000);
    }

    #[test]
    fn a_collection_and_other_texts_make_marks_worthless() {
        let (old, new) = ("é".repeat(300), "漢".repeat(300));
        let mut crumbs = Crumbs::default();
        assert_eq!(crumbs.offset(1, Word::NULL, &old, 200), 400);
        assert_eq!(crumbs.offset(2, Word::NULL, &new, 200), 600);
        for n in 0..10 {
            assert_eq!(crumbs.offset(2, Word::bool(n % 2 == 0), &old, 100 + n), 2 * (100 + n));
            assert_eq!(crumbs.offset(2, Word::NULL, &new, 100), 300);
        }
    }
}
