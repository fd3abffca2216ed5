//! Which text a piece of code belongs to.
//!
//! Owns the numbers that the code map carries (`Function::source`): 0 for none, else a unit and a function of it.

use std::mem::offset_of;
use std::sync::Arc;

use super::linked::LinkedUnit;
use crate::asm::code_map::Function;
use crate::locks::{RwLock, try_read};
use crate::reader::tree::{FunctionId, Source, Unit};
use crate::runtime::observe::Notes;

/// The table.
#[derive(Default)]
pub struct Sources {
    list: RwLock<Vec<Text>>,
    free: RwLock<Vec<u32>>,
}

/// Where a function's text is: a unit (none where the number is free), and which of its functions.
struct Text {
    unit: Option<Arc<LinkedUnit>>,
    function: FunctionId,
}

impl Sources {
    /// A number for a function's text.
    pub fn add(&self, unit: &Arc<LinkedUnit>, function: FunctionId) -> u32 {
        let entry = Text { unit: Some(unit.clone()), function };
        let free = crate::runtime::write(&self.free).pop();
        let mut list = crate::runtime::write(&self.list);
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
    pub(in crate::runtime) fn remove(&self, number: u32) {
        // Dropping a unit may free much: not under the lock.
        let entry = crate::runtime::write(&self.list).get_mut(number as usize - 1).and_then(|text| text.unit.take());
        crate::runtime::write(&self.free).push(number);
        drop(entry);
    }

    /// The text behind a number.
    pub fn get(&self, number: u32) -> Option<(Arc<LinkedUnit>, FunctionId)> {
        let list = crate::runtime::read(&self.list);
        let text = list.get((number as usize).checked_sub(1)?)?;
        Some((text.unit.clone()?, text.function))
    }

    /// All texts that functions are of, once for each function.
    pub fn units(&self) -> Vec<Arc<LinkedUnit>> {
        crate::runtime::read(&self.list).iter().filter_map(|text| text.unit.clone()).collect()
    }

    /// Where a debugger finds them.
    pub fn facts(&self, note: Notes<'_>) {
        note("sources", (&raw const *crate::runtime::read(&self.list)) as usize);
        note("text.size", size_of::<Text>());
        note("text.unit", offset_of!(Text, unit));
        note("linked.unit", offset_of!(LinkedUnit, unit));
        note("unit.source", offset_of!(Unit, source));
        note("unit.names", offset_of!(Unit, names));
        note("source.name", offset_of!(Source, name));
        note("source.text", offset_of!(Source, text));
        note("source.line_starts", offset_of!(Source, line_starts));
    }

    /// The text and the line of an offset in a function's code. Waits for nobody: none while the table is being changed.
    pub fn place_in(&self, function: &Function, offset: u32) -> Option<(Arc<Source>, u32)> {
        let at = function.source_before(function.start + offset as usize + 1)?;
        let list = try_read(&self.list)?;
        let unit = list.get((function.source as usize).checked_sub(1)?)?.unit.as_ref()?;
        Some((unit.source().clone(), unit.source().line_column(at).0))
    }
}
