//! What the library consists of, as the runtime sees it: namespaces with rows of builtins, with a text in Harrier, or both.
//!
//! Owns the type of a row of that table. The table itself is `library/mod.rs`'s, and is handed to [`Vm::start`](crate::runtime::Vm::start):
//! nobody in the runtime names a function of the library.

use super::builtin::Builtin;
use crate::runtime::observe::Observer;

/// A namespace of the library.
#[derive(Debug)]
pub struct Part {
    /// `mutable-map`
    pub name: &'static str,
    /// What of it is written in Harrier, a file of `stdlib`.
    pub text: Option<&'static str>,
    /// Its builtins, by file.
    pub tables: &'static [&'static [&'static Builtin]],
}

/// All namespaces of the library.
#[derive(Clone, Copy)]
pub struct Library {
    /// Each a namespace.
    pub parts: &'static [Part],
    /// Who watches what runs: the library has a namespace that asks for it.
    pub observer: &'static Observer,
}

impl Library {
    /// The namespace of this name.
    pub fn part(self, name: &str) -> Option<&'static Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// What of a namespace is written in Harrier.
    pub fn text(self, name: &str) -> Option<&'static str> {
        self.part(name)?.text
    }

    /// The names of those that have a text in Harrier, with it.
    pub fn texts(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.parts.iter().filter_map(|part| Some((part.name, part.text?)))
    }

    /// The builtin of this name.
    pub fn builtin(self, namespace: &str, name: &str) -> Option<&'static Builtin> {
        self.part(namespace)?.builtins().find(|builtin| builtin.name == name)
    }
}

impl Part {
    /// All its builtins.
    pub fn builtins(&self) -> impl Iterator<Item = &'static Builtin> {
        self.tables.iter().copied().flatten().copied()
    }
}
