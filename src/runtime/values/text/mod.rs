//! Text: strings, string builders, printing, output, JSON.

pub mod builder;
pub mod crumbs;
pub mod format;
pub mod json;
pub mod open;
pub mod output;
pub mod room;
pub mod strings;

use crate::asm::memory::{CodeMemory, MemoryError};
use crate::gc::Heap;
use crate::runtime::program::roots::RootCell;

/// Values that all threads of a machine share.
#[derive(Debug)]
pub struct Shared {
    /// The array of the 128 one-character ASCII strings, undefined until one is asked for.
    pub(in crate::runtime) ascii: &'static RootCell,
}

impl Shared {
    pub(in crate::runtime) fn new(memory: &CodeMemory, heap: &Heap) -> Result<Shared, MemoryError> {
        Ok(Shared { ascii: RootCell::new(memory, heap)? })
    }
}
