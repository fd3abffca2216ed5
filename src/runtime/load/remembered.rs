//! Texts that were evaluated before.
//!
//! Owns the code of the last texts that were evaluated and consist of nothing but expressions: who evaluates one of them again
//! (a rule that is kept as text, in a loop) runs its code, and reads, resolves and compiles nothing.
//!
//! Invariant: a text is remembered for as long as no name has changed its meaning anywhere ([`Remembered::names_changed`]), so
//! that evaluating it anew would give the same code.

use std::sync::atomic::{AtomicU64, Ordering};

use rustc_hash::FxHashMap;

use crate::locks::Mutex;
use crate::reader::tree::{Item, Unit};
use crate::runtime::program::held::Held;
use crate::runtime::{Code, Namespace};

/// So many texts, of so many bytes each, are remembered.
const TEXTS: usize = 64;
const TEXT_BYTES: usize = 4096;

/// The texts and the code of each.
#[derive(Default)]
pub(super) struct Remembered {
    /// How often a name has changed its meaning.
    names: AtomicU64,
    texts: Mutex<Texts>,
}

#[derive(Default)]
struct Texts {
    /// The value of `Remembered::names` that they were read under.
    names: u64,
    /// By text, and then by the number of the namespace: nearly always one.
    codes: FxHashMap<Box<str>, Vec<(u32, &'static Code)>>,
}

impl Remembered {
    /// Notes that a name means something else than before: is new, is another function, another type, another import.
    pub(super) fn names_changed(&self) {
        self.names.fetch_add(1, Ordering::SeqCst);
    }

    /// What texts that are read from now on are read under: see [`Remembered::remember`].
    pub(super) fn names(&self) -> u64 {
        self.names.load(Ordering::SeqCst)
    }

    /// The code of a text, held until it is called.
    pub(super) fn find(&self, namespace: &Namespace, text: &str) -> Option<Held> {
        if text.len() > TEXT_BYTES {
            return None;
        }
        let texts = crate::runtime::lock(&self.texts);
        let (_, code) = texts.codes.get(text)?.iter().find(|(index, _)| *index == namespace.index)?;
        (texts.names == self.names()).then(|| Held::new(code))
    }

    /// Remembers the top-level code of a unit that was read and resolved under these `names`.
    pub(super) fn remember(&self, namespace: &Namespace, text: &str, code: &'static Code, names: u64) {
        if text.len() > TEXT_BYTES {
            return;
        }
        let mut texts = crate::runtime::lock(&self.texts);
        if texts.names != names || texts.codes.len() >= TEXTS {
            texts.codes.clear();
            texts.names = names;
        }
        let codes = texts.codes.entry(text.into()).or_default();
        codes.retain(|(index, _)| *index != namespace.index);
        codes.push((namespace.index, code));
    }

    /// The records that it keeps: none of texts that mean something else by now.
    pub(super) fn records(&self) -> Vec<&'static Code> {
        let mut texts = crate::runtime::lock(&self.texts);
        if texts.names != self.names() {
            texts.codes.clear();
        }
        texts.codes.values().flatten().map(|(_, code)| *code).collect()
    }
}

/// Does a unit do the same, and nothing else, whenever its top level runs? A function in it would be the same one each time.
pub(super) fn only_expressions(unit: &Unit) -> bool {
    let expressions = unit.items.iter().all(|item| matches!(item, Item::Expression { .. }));
    expressions
        && !unit.items.is_empty()
        && unit.functions.len() == 1
        && unit.namespace.is_none()
        && unit.uses.is_empty()
        && unit.exports.is_empty()
}
