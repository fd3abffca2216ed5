//! The virtual machine: what all threads of a program share, and how a thread reaches it.
//!
//! Owns the parts and the order in which they come to life. A `Vm` is never freed: code, bindings and types refer to it and to
//! each other for the life of the process.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::dispatch::Dispatch;
use super::keywords::Keywords;
use super::namespace::Namespaces;
use super::stubs::Stubs;
use super::trace::Trace;
use super::types::Types;
use crate::asm::memory::{CodeMemory, MemoryError};
use crate::gc::{Heap, Thread};

/// What all threads share.
pub struct Vm {
    /// The heap.
    pub heap: Arc<Heap>,
    /// Code and data cells.
    pub memory: CodeMemory,
    /// The hand-written code between Rust and Harrier.
    pub stubs: Stubs,
    /// The keywords.
    pub keywords: Keywords,
    /// Types and layouts.
    pub types: Types,
    /// Namespaces.
    pub namespaces: Namespaces,
    /// Dispatch tables.
    pub dispatch: Dispatch,
    /// The program was interrupted (Ctrl-C) and has not yet noticed.
    pub interrupted: AtomicBool,
}

/// What a thread has besides its context.
pub struct ThreadState {
    /// The machine it belongs to.
    pub vm: &'static Vm,
    /// The stack of the exception on its way.
    pub trace: RefCell<Trace>,
}

/// Why a machine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No memory for code.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The operating system refuses.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
    /// A stub does not assemble.
    #[error("internal error: {0}")]
    Stub(#[from] crate::asm::masm::TooFar),
    /// The heap is too small for the core.
    #[error("the heap is too small to start")]
    HeapTooSmall,
}

impl Thread {
    /// The machine that this thread belongs to.
    #[inline]
    pub fn vm(&self) -> &'static Vm {
        self.state().vm
    }

    /// What this thread has besides its context.
    ///
    /// # Panics
    /// When the thread was not attached by [`Vm::attach`].
    #[inline]
    pub fn state(&self) -> &ThreadState {
        let state = self.runtime().cast::<ThreadState>();
        assert!(!state.is_null(), "the thread has no machine");
        // SAFETY: `Vm::attach` hung a ThreadState there, which it frees only together with the thread.
        unsafe { &*state }
    }
}
