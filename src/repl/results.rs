//! What the prompt remembers of the entries before.
//!
//! Owns the names of the last values and of the last error: `_`, and `_1`, `_2`, `_3` and `_e`, which are written `*1`, `*2`, `*3`
//! and `*e` at the prompt. They are ordinary definitions of the present namespace, so a program can use what is in them.

use super::entry::{self, GoesOn};
use crate::gc::{Handle, Thread, Thrown};
use crate::runtime::Namespace;
use crate::runtime::program::declare::DeclareError;

const ERROR: &str = "_e";
/// The latest value, and those that are older, by age.
const LATEST: &str = "_";
const BY_AGE: [&str; 3] = ["_1", "_2", "_3"];

/// Does it name a result?
pub fn is_name(name: &str) -> bool {
    [LATEST, ERROR].contains(&name) || BY_AGE.contains(&name)
}

/// The results of a session.
#[derive(Default)]
pub struct Results {
    /// Where they are defined.
    namespace: Option<&'static Namespace>,
    /// The text of the latest entry, as it was evaluated.
    text: String,
    /// How many values it gave.
    kept: usize,
}

impl Results {
    /// The entry as it is evaluated: one that goes on with the entry before begins with its value (`_ |> f`), or is behind its text
    /// (`else` …).
    pub fn continued(&mut self, cx: &mut Thread, entry: &str) -> String {
        let has_value = self.namespace.is_some_and(|namespace| namespace.own(LATEST).is_some());
        let whole = match entry::continuation(entry) {
            Some(GoesOn::Value) if has_value && entry.trim_start().starts_with('.') => {
                format!("{LATEST}{}", entry.trim_start())
            }
            Some(GoesOn::Value) if has_value => format!("{LATEST} {}", entry.trim_start()),
            Some(GoesOn::Text) if !self.text.is_empty() => {
                self.forget_latest(cx);
                format!("{}\n{entry}", self.text)
            }
            _ => entry.to_string(),
        };
        if !entry.trim_start().starts_with([':', '?']) {
            self.text = whole.trim_end().to_string();
            self.kept = 0;
        }
        whole
    }

    /// Sees to it that the names stand for the same in this namespace. Before the first value they are `null`.
    pub fn follow(&mut self, cx: &mut Thread, namespace: &'static Namespace) {
        let before = self.namespace.replace(namespace);
        if before.is_some_and(|before| std::ptr::eq(before, namespace)) {
            return;
        }
        for name in BY_AGE.into_iter().chain([LATEST, ERROR]) {
            let known = before.and_then(|before| before.own(name));
            if name == LATEST && known.is_none() {
                continue;
            }
            let Ok(binding) = namespace.intern(cx.vm(), name) else { continue };
            if before.is_none() && binding.is_defined() {
                continue;
            }
            let null = cx.root_word(crate::object::Word::NULL);
            let value = known.and_then(|known| known.get(cx)).unwrap_or(cx.get(null));
            binding.define(cx, value);
        }
    }

    /// There is a new value: the others are older by one.
    pub fn keep(&mut self, cx: &mut Thread, value: Handle) -> Result<(), Thrown> {
        let Some(namespace) = self.namespace else { return Ok(()) };
        self.kept += 1;
        let mut next = value;
        for name in BY_AGE {
            let older = namespace.own(name).and_then(|binding| binding.get(cx)).map(|value| cx.root(value));
            self.define(cx, name, next)?;
            let Some(older) = older else { break };
            next = older;
        }
        self.define(cx, LATEST, value)
    }

    /// The latest entry is evaluated anew: its text means the values before its own.
    fn forget_latest(&self, cx: &mut Thread) {
        let Some(namespace) = self.namespace else { return };
        for _ in 0..self.kept.min(BY_AGE.len() - 1) {
            for (younger, older) in [(LATEST, BY_AGE[1]), (BY_AGE[0], BY_AGE[1]), (BY_AGE[1], BY_AGE[2])] {
                if let (Some(younger), Some(older)) = (namespace.own(younger), namespace.own(older))
                    && let Some(value) = older.get(cx)
                {
                    younger.define(cx, value);
                }
            }
        }
    }

    /// From now on this is the last error.
    pub fn keep_error(&self, cx: &mut Thread, error: Handle) {
        // Without memory for a name the error is reported all the same.
        let _ = self.define(cx, ERROR, error);
    }

    fn define(&self, cx: &mut Thread, name: &str, value: Handle) -> Result<(), Thrown> {
        let Some(namespace) = self.namespace else { return Ok(()) };
        let binding = namespace.intern(cx.vm(), name).map_err(|error| DeclareError::from(error).throw(cx))?;
        binding.define(cx, cx.get(value));
        Ok(())
    }
}
