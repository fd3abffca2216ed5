//! What a compilation was told of the program around it.
//!
//! All walks over a function get the same answers, whatever other threads declare meanwhile: the survey, the hot version of a loop and
//! the general one must leave and arrive alike. So whatever a walk may ask again is looked up once, by [`RuntimeLink::once`].

use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::link::RuntimeLink;
use crate::codegen::facts::Seen;
use crate::codegen::link::{Global, Inlinable, Receivers, StructType};
use crate::object::layout::LayoutId;
use crate::reader::tree::GlobalId;
use crate::runtime::program::types::TypeInfo;

/// The answers, by question. Bindings are their addresses, numbers are those of arguments.
#[derive(Default)]
pub(super) struct Answers {
    pub globals: FxHashMap<GlobalId, Global>,
    /// What names are as types, and variants of them.
    pub types: FxHashMap<(GlobalId, Option<&'static str>), Option<StructType>>,
    /// The types that names stand for, and functions of theirs.
    pub named: FxHashMap<GlobalId, Option<&'static TypeInfo>>,
    /// Is the name that of the type itself, and is it `Interrupt`?
    pub own_names: FxHashMap<GlobalId, bool>,
    pub interrupts: FxHashMap<GlobalId, bool>,
    pub associated: FxHashMap<(GlobalId, &'static str), Option<Global>>,
    pub inlinable: FxHashMap<(usize, usize), Option<Inlinable>>,
    /// May what is inlinable be relied on?
    pub relied_on: FxHashMap<(usize, usize), bool>,
    pub link_cells: FxHashMap<(usize, usize), Option<usize>>,
    pub method_tables: FxHashMap<(usize, usize), Option<usize>>,
    pub builtin_entries: FxHashMap<(usize, usize), Option<[usize; 2]>>,
    pub receivers: FxHashMap<&'static str, Receivers>,
    pub slots: FxHashMap<(LayoutId, &'static str), Option<(u32, bool)>>,
    pub guesses: FxHashMap<&'static str, Option<LayoutId>>,
    pub seen: FxHashMap<usize, Seen>,
    pub results: FxHashMap<(usize, usize), Seen>,
}

impl RuntimeLink<'_> {
    /// The answer to a question, which is looked up when it is asked for the first time.
    pub(super) fn once<K: Hash + Eq + Copy, V: Clone>(
        &mut self,
        answers: fn(&mut Answers) -> &mut FxHashMap<K, V>,
        question: K,
        look: impl FnOnce(&mut Self) -> V,
    ) -> V {
        if let Some(known) = answers(&mut self.answers).get(&question) {
            return known.clone();
        }
        let found = look(self);
        answers(&mut self.answers).insert(question, found.clone());
        found
    }
}
