//! Interned texts: keywords by index, and names that live as long as the process.
//!
//! Owns the two tables. Both only grow; what they hand out is never freed, so it may be embedded in code.

use rustc_hash::FxHashMap;

use crate::locks::RwLock;
use crate::profile::facts::Notes;

/// The keywords.
#[derive(Default)]
pub struct Keywords {
    tables: RwLock<Tables>,
}

#[derive(Default)]
struct Tables {
    by_text: FxHashMap<&'static str, u32>,
    texts: Vec<&'static str>,
}

impl Keywords {
    /// The index of the keyword with this text (without the colon).
    pub fn intern(&self, text: &str) -> u32 {
        if let Some(&index) = crate::runtime::read(&self.tables).by_text.get(text) {
            return index;
        }
        let mut tables = crate::runtime::write(&self.tables);
        if let Some(&index) = tables.by_text.get(text) {
            return index;
        }
        let index = tables.texts.len() as u32;
        let text = intern(text);
        tables.texts.push(text);
        tables.by_text.insert(text, index);
        index
    }

    /// Where a debugger finds them.
    pub fn facts(&self, note: Notes<'_>) {
        note("keywords", (&raw const crate::runtime::read(&self.tables).texts) as usize);
    }

    /// The text of a keyword.
    pub fn text(&self, index: u32) -> &'static str {
        crate::runtime::read(&self.tables).texts.get(index as usize).copied().unwrap_or("?")
    }
}

/// A text that lives as long as the process; equal texts give the same one.
pub fn intern(text: &str) -> &'static str {
    static NAMES: RwLock<Option<FxHashMap<&'static str, ()>>> = RwLock::new(None);
    if let Some(names) = crate::runtime::read(&NAMES).as_ref()
        && let Some((&known, ())) = names.get_key_value(text)
    {
        return known;
    }
    let mut names = crate::runtime::write(&NAMES);
    let names = names.get_or_insert_default();
    if let Some((&known, ())) = names.get_key_value(text) {
        return known;
    }
    let text: &'static str = Box::leak(text.into());
    names.insert(text, ());
    text
}
