//! The values that something is inside of: how a value is recognised that is met again inside itself.
//!
//! Few are compared one by one. Where they are nested deeply, their addresses are in a set, which is made anew after each
//! collection, since collections move them: the work stays in proportion to the number of values, however deep they lie.

use rustc_hash::FxHashSet;

use crate::gc::{Handle, Thread};

/// So many are compared one by one.
const FEW: usize = 16;

/// A stack of values.
#[derive(Debug, Default)]
pub struct Open {
    /// The values, and where they were when the set was made.
    values: Vec<(Handle, u64)>,
    places: FxHashSet<u64>,
    /// The collections there had been when the set was made.
    collections: u64,
}

impl Open {
    /// Goes into a value; false when it is open already. The handle must stay what it is until [`Open::leave`].
    pub fn enter(&mut self, cx: &Thread, value: Handle) -> bool {
        let place = cx.get(value).word().0;
        let new = if self.values.len() < FEW {
            !self.values.iter().any(|&(h, _)| cx.get(h).word().0 == place)
        } else {
            self.refresh(cx);
            self.places.insert(place)
        };
        if new {
            self.values.push((value, place));
        }
        new
    }

    /// Leaves the value that was entered last.
    pub fn leave(&mut self) {
        if let Some((_, place)) = self.values.pop() {
            self.places.remove(&place);
        }
    }

    /// Makes the set as it must be now: all are in it, where they are.
    fn refresh(&mut self, cx: &Thread) {
        let collections = cx.collections();
        if collections == self.collections && self.places.len() == self.values.len() {
            return;
        }
        self.collections = collections;
        self.places.clear();
        for (value, place) in &mut self.values {
            *place = cx.get(*value).word().0;
            self.places.insert(*place);
        }
    }
}
