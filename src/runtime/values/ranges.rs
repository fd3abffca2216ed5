//! Ranges: Ints in steps, of any size.
//!
//! ```text
//! RANGE from | to | step          (Ints; step is not 0)
//! ```

use dashu_int::IBig;

use super::collections::view::field;
use super::hashing;
use super::numbers::{self, Number, integral, new_big, new_int};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::layout::RANGE;

/// The bounds and the step of a range.
#[derive(Clone, Debug)]
pub enum Range {
    /// All of them are inline Ints, so that the distance fits 64 bits.
    Inline { from: i64, to: i64, step: i64 },
    /// One of them is larger.
    Large { from: IBig, to: IBig, step: IBig },
}

impl Range {
    /// Reads a RANGE.
    pub fn of(range: Value<'_>) -> Range {
        let int = |i| Number::of(field(range, RANGE, i)).unwrap_or(Number::Int(0));
        match (int(0), int(1), int(2)) {
            (Number::Int(from), Number::Int(to), Number::Int(step)) => Range::Inline { from, to, step },
            (from, to, step) => {
                let big = |n: Number<'_>| n.to_big().unwrap_or_default();
                Range::Large { from: big(from), to: big(to), step: big(step) }
            }
        }
    }

    fn parts(&self) -> (IBig, IBig, IBig) {
        match self {
            Range::Inline { from, to, step } => ((*from).into(), (*to).into(), (*step).into()),
            Range::Large { from, to, step } => (from.clone(), to.clone(), step.clone()),
        }
    }

    /// How many Ints; the largest `usize` stands for more than that.
    pub fn len(&self) -> usize {
        match *self {
            Range::Inline { from, to, step } => {
                let distance = if step > 0 { to - from } else { from - to };
                (distance.max(0) as u64).div_ceil(step.unsigned_abs().max(1)) as usize
            }
            Range::Large { .. } => usize::try_from(self.count()).unwrap_or(usize::MAX),
        }
    }

    /// The last of the Ints.
    pub fn last(&self) -> Option<IBig> {
        let (from, _, step) = self.parts();
        let count = self.count();
        (count > IBig::ZERO).then(|| from + step * (count - 1))
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many Ints.
    pub fn count(&self) -> IBig {
        let (from, to, step) = self.parts();
        let (distance, step) = if step > IBig::ZERO { (to - from, step) } else { (from - to, -step) };
        if distance <= IBig::ZERO || step.is_zero() { IBig::ZERO } else { (distance + &step - 1) / step }
    }

    /// Int number `i`, which is less than [`Range::len`].
    pub fn at(&self, i: usize) -> IBig {
        match self {
            Range::Inline { from, step, .. } => (from + step * i as i64).into(),
            Range::Large { from, step, .. } => from + step * IBig::from(i),
        }
    }

    /// The same as a value.
    pub fn get(&self, cx: &mut Thread, i: usize) -> Result<Handle, Thrown> {
        match self {
            Range::Inline { from, step, .. } => new_int(cx, from + step * i as i64),
            Range::Large { .. } => new_big(cx, &self.at(i)),
        }
    }

    /// Is there an Int number `i`?
    pub fn has_index(&self, i: &IBig) -> bool {
        *i >= IBig::ZERO && *i < self.count()
    }

    /// Int number `i`, if there are so many.
    pub fn nth(&self, cx: &mut Thread, i: &IBig) -> Result<Option<Handle>, Thrown> {
        if !self.has_index(i) {
            return Ok(None);
        }
        let (from, _, step) = self.parts();
        new_big(cx, &(from + step * i)).map(Some)
    }

    /// The range of the Ints from number `start` up to but not including number `end`.
    pub fn part(&self, cx: &mut Thread, start: &IBig, end: &IBig) -> Result<Handle, Thrown> {
        let (from, _, step) = self.parts();
        let bounds = [&from + &step * start, &from + &step * end, step];
        let bounds = [new_big(cx, &bounds[0])?, new_big(cx, &bounds[1])?, new_big(cx, &bounds[2])?];
        cx.alloc_slots(RANGE, &bounds)
    }

    /// Is a number one of the Ints?
    pub fn includes(&self, x: Number<'_>) -> bool {
        let x = match x {
            Number::Float(f) => integral(f).map(numbers::Integral::to_big),
            int => int.to_big(),
        };
        let Some(x) = x else { return false };
        let (from, _, step) = self.parts();
        let distance = x - from;
        (&distance % &step).is_zero() && self.has_index(&(distance / step))
    }

    /// The Ints without the first ones: how many there are, the first of them where there is one, the step where there are
    /// two. Ranges of the same Ints agree on it.
    fn essence(&self, skipped: usize) -> (IBig, IBig, IBig) {
        let (from, _, step) = self.parts();
        let count = self.count() - IBig::from(skipped);
        let from = if count > IBig::ZERO { from + &step * IBig::from(skipped) } else { IBig::ZERO };
        let step = if count > IBig::ONE { step } else { IBig::ONE };
        (count.max(IBig::ZERO), from, step)
    }

    /// Are the Ints the same, when some of the first are left out here and there?
    pub fn equals(&self, skipped: usize, other: &Range, skipped_there: usize) -> bool {
        if let (&Range::Inline { from: a, to: b, step: c }, &Range::Inline { from: x, to: y, step: z }) = (self, other)
            && (a, b, c, skipped) == (x, y, z, skipped_there)
        {
            return true;
        }
        self.essence(skipped) == other.essence(skipped_there)
    }

    /// The hash of the Ints.
    pub fn hash(&self, seed: u64) -> u64 {
        let (count, from, step) = self.essence(0);
        [count, from, step].iter().fold(seed, |h, n| hashing::mix(h ^ hashing::big(n)))
    }
}
