//! The words of a stack frame, of which many states share what they have in common.
//!
//! Owns the chunks. A frame of thousands of slots is copied at each branch and searched at each move: so copies share chunks, two ways
//! that meet look only at the chunks that they do not share, and a chunk knows roughly which names occur in it.

use super::value::{Class, Id, Origin, Value};
use std::rc::Rc;

const WIDTH: usize = 32;

#[derive(Clone, Debug)]
struct Chunk {
    values: [Value; WIDTH],
    /// A bit for each name that may occur, as [`bit`] has it.
    names: u64,
}

/// The words from the return address downwards.
#[derive(Clone, Debug, Default)]
pub struct Stack(Vec<Rc<Chunk>>);

fn bit(id: Id) -> u64 {
    1 << (id.wrapping_mul(0x9E37_79B9) >> 26)
}

/// The names that occur in a value.
fn names(value: &Value) -> u64 {
    let own = if value.id == 0 { 0 } else { bit(value.id) };
    own | match value.class {
        Class::Sum(Origin::Plus(a, _)) | Class::Inner(Origin::Plus(a, _)) => bit(a),
        Class::Header(a) => bit(a),
        Class::Either(a, b, _) => bit(a) | bit(b),
        Class::Sum(Origin::Or(a, b)) | Class::Inner(Origin::Or(a, b)) => bit(a) | bit(b),
        _ => 0,
    }
}

impl Stack {
    /// The word at a distance from the return address.
    pub fn get(&self, offset: i32) -> Value {
        let index = usize::try_from(-offset / 8).ok();
        let value = index.and_then(|index| self.0.get(index / WIDTH).map(|chunk| chunk.values[index % WIDTH]));
        value.unwrap_or(Value::new(Class::Garbage))
    }

    /// Writes such a word.
    pub fn set(&mut self, offset: i32, value: Value) {
        let Ok(index) = usize::try_from(-offset / 8) else { return };
        while index / WIDTH >= self.0.len() {
            self.0.push(Rc::new(Chunk { values: [Value::new(Class::Garbage); WIDTH], names: 0 }));
        }
        let chunk = Rc::make_mut(&mut self.0[index / WIDTH]);
        chunk.values[index % WIDTH] = value;
        chunk.names |= names(&value);
    }

    /// Changes all words, by their distances from the return address; what stays the same is not copied.
    pub fn change_all(&mut self, change: impl Fn(i32, Value) -> Value) {
        for (number, chunk) in self.0.iter_mut().enumerate() {
            let at = |index: usize| -8 * (number * WIDTH + index) as i32;
            let changed = |(index, value): (usize, &Value)| change(at(index), *value) != *value;
            if chunk.values.iter().enumerate().any(changed) {
                let chunk = Rc::make_mut(chunk);
                chunk.values.iter_mut().enumerate().for_each(|(index, value)| *value = change(at(index), *value));
            }
        }
    }

    /// Changes the words in which a name may occur.
    pub fn change_named(&mut self, id: Id, mut change: impl FnMut(&mut Value)) {
        for chunk in self.0.iter_mut().filter(|chunk| chunk.names & bit(id) != 0) {
            let chunk = Rc::make_mut(chunk);
            chunk.values.iter_mut().for_each(&mut change);
            chunk.names = chunk.values.iter().fold(0, |all, value| all | names(value));
        }
    }

    /// Takes in another way that leads here. Is less known than before?
    pub fn join(&mut self, other: &Stack) -> bool {
        let mut changed = false;
        for (index, chunk) in self.0.iter_mut().enumerate() {
            let theirs = other.0.get(index);
            if theirs.is_some_and(|theirs| Rc::ptr_eq(theirs, chunk)) {
                continue;
            }
            let met: [Value; WIDTH] = std::array::from_fn(|i| {
                chunk.values[i].join(theirs.map_or(Value::new(Class::Garbage), |theirs| theirs.values[i]))
            });
            if met != chunk.values {
                changed = true;
                let names = met.iter().fold(0, |all, value| all | names(value));
                *chunk = Rc::new(Chunk { values: met, names });
            }
        }
        changed
    }
}
