//! The values that something is inside of: how a value is recognised that is met again inside itself.
//!
//! Few are compared one by one. Where they are nested deeply, their addresses are in a set, which is made anew after each
//! collection, since collections move them: the work stays in proportion to the number of values, however deep they lie.

use rustc_hash::FxHashSet;

#[cfg(debug_assertions)]
use crate::gc::mutator::attached;
use crate::gc::{Handle, Thread};
use crate::mutations::{Mutation, mutated};

/// So many are compared one by one.
const FEW: usize = 16;

/// A value that something is inside of, and where it was when the set was made.
#[derive(Debug)]
struct Entered {
    value: Handle,
    place: u64,
    /// The collections there had been when it was there.
    #[cfg(debug_assertions)]
    collections: u64,
}

impl Entered {
    fn new(cx: &Thread, value: Handle) -> Entered {
        Entered {
            value,
            place: cx.get(value).word().0,
            #[cfg(debug_assertions)]
            collections: cx.collections(),
        }
    }

    /// In a checked build: is the handle what it was, as far as that can be said?
    #[cfg(debug_assertions)]
    fn is_the_same(&self) -> bool {
        let Some(cx) = attached::current().filter(|_| !std::thread::panicking()) else { return true };
        let word = cx.get(self.value).word().0;
        cx.collections() != self.collections || word == self.place
    }
}

/// A stack of values.
#[derive(Debug, Default)]
pub struct Open {
    values: Vec<Entered>,
    places: FxHashSet<u64>,
    /// The collections there had been when the set was made.
    collections: u64,
}

impl Open {
    /// Goes into a value; false when it is open already. The handle must stay what it is until [`Open::leave`].
    pub fn enter(&mut self, cx: &Thread, value: Handle) -> bool {
        let place = cx.get(value).word().0;
        let new = if self.values.len() < FEW || mutated(Mutation::OpenOneByOne) {
            !self.values.iter().any(|entered| cx.get(entered.value).word().0 == place)
        } else {
            self.refresh(cx);
            self.places.insert(place)
        };
        if new {
            self.values.push(Entered::new(cx, value));
        }
        new
    }

    /// Leaves the value that was entered last.
    pub fn leave(&mut self) {
        if let Some(entered) = self.values.pop() {
            #[cfg(debug_assertions)]
            assert!(entered.is_the_same(), "what was entered is another value now");
            self.places.remove(&entered.place);
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
        for entered in &mut self.values {
            *entered = Entered::new(cx, entered.value);
            self.places.insert(entered.place);
        }
    }
}
