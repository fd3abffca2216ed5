//! Who watches from above: profiles, counts of slow paths, debuggers.
//!
//! Owns what they are told besides publications, which they hear of by `asm/publish.rs`. The runtime knows none of them by name: they
//! are handed in once, as functions, before anything runs.

use std::sync::OnceLock;
use std::time::Duration;

use super::program::code::Code;
use super::vm::Vm;
use crate::asm::stubs::Counter;
use crate::gc::{Event, Thread};

/// Takes down facts for who reads our memory: names, and numbers.
pub type Notes<'a> = &'a mut dyn FnMut(&'static str, usize);

/// Why a function was compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// It was called for the first time.
    FirstCall,
    /// It is likely to be called soon.
    Ahead,
    /// It, or what its code relied on, was defined anew, or the arguments were not those that were expected.
    Again,
}

/// A body that was compiled.
#[derive(Debug)]
pub struct Body<'a> {
    /// `shapes/area`
    pub name: &'a str,
    /// Its parameters.
    pub arity: usize,
    /// Its size.
    pub bytes: u32,
    /// What generating it took.
    pub took: Duration,
    /// Why it was compiled.
    pub why: Why,
}

/// What is to be told at the end.
pub struct Told {
    /// On stderr.
    pub text: String,
    /// A file could not be written.
    pub failed: bool,
}

/// What is told, and asked.
pub struct Observer {
    /// A machine has its parts, and no thread yet.
    pub started: fn(&'static Vm),
    /// A thread belongs to a machine from now on.
    pub attached: fn(&Thread),
    /// It does no more.
    pub detaching: fn(&Thread),
    /// A thread that the program has started begins with this function.
    pub begins: fn(&Thread, Option<&Code>),
    /// Code is about to be freed, while the world stands still: addresses of it are looked up now or never.
    pub before_code_is_freed: fn(),
    /// Who is told of each collection, if anybody is.
    pub collections: fn() -> Option<fn(&Event)>,
    /// What a stub of this name is to tell, if its calls are counted.
    pub counter: fn(&str) -> Option<Counter>,
    /// A resolver of this name was called.
    pub resolves: fn(&Thread, &str),
    /// Does somebody want to know what is compiled?
    pub watches_compilation: fn() -> bool,
    /// A body was compiled.
    pub compiled: fn(&Body<'_>),
    /// A call of this function waited so long for its body.
    pub waited: fn(&str, Duration),
    /// The process is about to end; with `true` nobody may be waited for.
    pub finish: fn(bool) -> Told,
    /// The same, when all that is told has been written.
    pub finished: fn(),
}

/// Nobody.
static NOBODY: Observer = Observer {
    started: |_| (),
    attached: |_| (),
    detaching: |_| (),
    begins: |_, _| (),
    before_code_is_freed: || (),
    collections: || None,
    counter: |_| None,
    resolves: |_, _| (),
    watches_compilation: || false,
    compiled: |_| (),
    waited: |_, _| (),
    finish: |_| Told { text: String::new(), failed: false },
    finished: || (),
};

static WATCHES: OnceLock<&'static Observer> = OnceLock::new();

/// Who watches this process, from its start. The first one stays.
pub fn install(observer: &'static Observer) {
    let _ = WATCHES.set(observer);
}

/// Who watches.
#[inline]
pub fn observer() -> &'static Observer {
    WATCHES.get().copied().unwrap_or(&NOBODY)
}
