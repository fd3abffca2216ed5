//! What the line editor asks while somebody types.
//!
//! Owns the answers to the editor's questions: completion, hints, colours. They come from [`completion`], [`values`] and
//! [`highlight`]; here stands when they are asked, so that a key costs little in long entries and nothing in pasted ones.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use super::keys::{self, Scene};
use super::{completion, entry, highlight, values};
use crate::gc::Thread;
use crate::gc::mutator::attached::current;

/// Longer entries have no colours and no hints: all of them would be cut into tokens for each key.
const LONG: usize = 32 << 10;

/// The editor's helper.
pub struct Assistant {
    scene: Arc<Scene>,
    commands: Vec<String>,
    /// The entry is drawn for the last time: nothing is marked that is about the cursor.
    last: Cell<bool>,
}

impl Assistant {
    /// Helps with entries for the scene's namespace; `commands` are those of the session.
    pub fn new(scene: Arc<Scene>, commands: Vec<String>) -> Assistant {
        Assistant { scene, commands, last: Cell::new(false) }
    }

    /// The editor runs outside: to look at values one has to come in for a moment.
    fn look<R: Default>(look: impl FnOnce(&Thread) -> R) -> R {
        current().map(|thread| thread.visit(look)).unwrap_or_default()
    }
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(&self, line: &str, end: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        if let Some((start, text)) = self.scene.take_closing() {
            return Ok((start, vec![text]));
        }
        let namespace = self.scene.namespace();
        Ok(Assistant::look(|cx| completion::complete(cx, namespace, &self.commands, line, end)))
    }
}

/// A signature behind the cursor.
pub struct Signature(String);

impl Hint for Signature {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = Signature;

    fn hint(&self, line: &str, at: usize, _: &Context<'_>) -> Option<Signature> {
        if at < line.len() || line.len() > LONG || keys::much_waits() {
            return None;
        }
        let name = entry::called(line)?;
        let namespace = self.scene.namespace();
        let signatures = Assistant::look(|cx| values::signatures(cx, namespace, name));
        let text = format!("  {}", signatures.first()?);
        let column = self.scene.prompt_width() + line.rsplit('\n').next().unwrap_or_default().chars().count();
        (column + text.chars().count() < self.scene.width()).then_some(Signature(text))
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, at: usize) -> Cow<'l, str> {
        if line.len() > LONG {
            return Cow::Borrowed(line);
        }
        Cow::Owned(highlight::entry(line, if self.last.get() { usize::MAX } else { at }))
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        Cow::Owned(format!("\x1b[1m{prompt}{}", highlight::PLAIN))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[2m{hint}{}", highlight::PLAIN))
    }

    fn highlight_char(&self, line: &str, _: usize, kind: CmdKind) -> bool {
        self.last.set(kind == CmdKind::ForcedRefresh);
        line.len() <= LONG && (kind == CmdKind::ForcedRefresh || !keys::much_waits())
    }
}

impl Validator for Assistant {}

impl Helper for Assistant {}
