//! Which text a piece of code belongs to.
//!
//! Owns the numbers that the code map carries (`Function::source`): 0 for none, else a unit and a function of it.

use std::sync::{Arc, RwLock};

use super::linked::LinkedUnit;
use crate::reader::tree::FunctionId;

/// The table.
#[derive(Default)]
pub struct Sources {
    list: RwLock<Vec<(Arc<LinkedUnit>, FunctionId)>>,
}

impl Sources {
    /// A number for a function's text.
    pub fn add(&self, unit: &Arc<LinkedUnit>, function: FunctionId) -> u32 {
        let mut list = super::write(&self.list);
        list.push((unit.clone(), function));
        list.len() as u32
    }

    /// The text behind a number.
    pub fn get(&self, number: u32) -> Option<(Arc<LinkedUnit>, FunctionId)> {
        super::read(&self.list).get((number as usize).checked_sub(1)?).cloned()
    }
}
