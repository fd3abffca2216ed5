//! Which text a piece of code belongs to.
//!
//! Owns the numbers that the code map carries (`Function::source`): 0 for none, else a unit and a function of it.

use std::sync::{Arc, RwLock};

use super::linked::LinkedUnit;
use crate::reader::tree::FunctionId;

/// The table.
#[derive(Default)]
pub struct Sources {
    list: RwLock<Vec<Option<(Arc<LinkedUnit>, FunctionId)>>>,
    free: RwLock<Vec<u32>>,
}

impl Sources {
    /// A number for a function's text.
    pub fn add(&self, unit: &Arc<LinkedUnit>, function: FunctionId) -> u32 {
        let entry = Some((unit.clone(), function));
        let free = super::write(&self.free).pop();
        let mut list = super::write(&self.list);
        match free {
            Some(number) => {
                list[number as usize - 1] = entry;
                number
            }
            None => {
                list.push(entry);
                list.len() as u32
            }
        }
    }

    /// The code is gone.
    pub(super) fn remove(&self, number: u32) {
        // Dropping a unit may free much: not under the lock.
        let entry = super::write(&self.list).get_mut(number as usize - 1).and_then(Option::take);
        super::write(&self.free).push(number);
        drop(entry);
    }

    /// The text behind a number.
    pub fn get(&self, number: u32) -> Option<(Arc<LinkedUnit>, FunctionId)> {
        super::read(&self.list).get((number as usize).checked_sub(1)?)?.clone()
    }
}
