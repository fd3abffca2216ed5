//! Interned texts: keywords by index, and names that live as long as the process.
//!
//! Owns the two tables. Both only grow; what they hand out is never freed, so it may be embedded in code.

use std::collections::TryReserveError;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustc_hash::FxHashMap;

use crate::gc::{Thread, Thrown};
use crate::locks::RwLock;
use crate::object::Word;
use crate::runtime::observe::Notes;
use crate::runtime::values::text::room;

/// What a keyword takes besides its text: places in three tables, which double, and what the allocator adds. (Measured.)
const BESIDE: usize = 112;
/// The heap is told of so many bytes at a time.
const TOLD_BY: usize = 64 << 10;

/// The keywords.
#[derive(Default)]
pub struct Keywords {
    tables: RwLock<Tables>,
    /// Bytes that the heap does not know of yet.
    untold: AtomicUsize,
}

#[derive(Default)]
struct Tables {
    by_text: FxHashMap<&'static str, u32>,
    texts: Vec<&'static str>,
}

impl Keywords {
    /// The index of the keyword with this text (without the colon), which the program's text has.
    pub fn intern(&self, text: &str) -> u32 {
        must(self.try_intern(text))
    }

    /// The keyword with a text that the program has made, if there is room for it: what keywords take counts against `--max-heap`.
    pub fn made(cx: &mut Thread, text: &str) -> Result<Word, Thrown> {
        let keywords = &cx.vm().keywords;
        if let Some(&index) = crate::runtime::read(&keywords.tables).by_text.get(text) {
            return Ok(Word::keyword(index));
        }
        let untold = keywords.untold.load(Ordering::Relaxed);
        if untold >= TOLD_BY {
            if !cx.keep_outside(untold) {
                return Err(room::does_not_fit(cx, "one more keyword", untold));
            }
            // What was added meanwhile is told the next time.
            keywords.untold.fetch_sub(untold, Ordering::Relaxed);
        }
        let Ok(index) = keywords.try_intern(text) else { return Err(cx.out_of_memory()) };
        Ok(Word::keyword(index))
    }

    /// The index of the keyword with a text that the program has made, if there is memory for it.
    fn try_intern(&self, text: &str) -> Result<u32, TryReserveError> {
        if let Some(&index) = crate::runtime::read(&self.tables).by_text.get(text) {
            return Ok(index);
        }
        let mut tables = crate::runtime::write(&self.tables);
        if let Some(&index) = tables.by_text.get(text) {
            return Ok(index);
        }
        tables.texts.try_reserve(1)?;
        tables.by_text.try_reserve(1)?;
        let index = tables.texts.len() as u32;
        let text = try_intern(text)?;
        tables.texts.push(text);
        tables.by_text.insert(text, index);
        self.untold.fetch_add(text.len() + BESIDE, Ordering::Relaxed);
        Ok(index)
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
    must(try_intern(text))
}

/// What is as long as the program's text finds memory as that did.
fn must<T>(interned: Result<T, TryReserveError>) -> T {
    interned.unwrap_or_else(|error| panic!("a name: {error}"))
}

fn try_intern(text: &str) -> Result<&'static str, TryReserveError> {
    static NAMES: RwLock<Option<FxHashMap<&'static str, ()>>> = RwLock::new(None);
    if let Some(names) = crate::runtime::read(&NAMES).as_ref()
        && let Some((&known, ())) = names.get_key_value(text)
    {
        return Ok(known);
    }
    let mut names = crate::runtime::write(&NAMES);
    let names = names.get_or_insert_default();
    if let Some((&known, ())) = names.get_key_value(text) {
        return Ok(known);
    }
    names.try_reserve(1)?;
    let mut own = String::new();
    own.try_reserve_exact(text.len())?;
    own.push_str(text);
    let text: &'static str = own.leak();
    names.insert(text, ());
    Ok(text)
}
