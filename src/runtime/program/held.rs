//! What a code record is held by, and on what it depends: `compile/reclaim.rs` asks both when it looks for code that nobody can reach.

use std::ops::Deref;
use std::sync::atomic::Ordering;

use super::binding::Binding;
use super::code::Code;
use super::types::TypeInfo;

/// Who remembers that a function depends on it.
#[derive(Clone, Copy, Debug)]
pub enum DependsOn {
    /// A binding.
    Binding(&'static Binding),
    /// A type.
    Type(&'static TypeInfo),
}

/// A record that lives while it is held, whatever else lets go of it: who looks one up where no closure is at hand, and
/// allocates before the record is called, holds it.
#[derive(Debug)]
pub struct Held(&'static Code);

impl Held {
    /// Holds a record that has just been looked up.
    pub(in crate::runtime) fn new(code: &'static Code) -> Held {
        code.held.fetch_add(1, Ordering::Relaxed);
        Held(code)
    }

    /// The record, as long as it is held.
    pub fn code(&self) -> &'static Code {
        self.0
    }
}

impl Deref for Held {
    type Target = Code;

    fn deref(&self) -> &Code {
        self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}
