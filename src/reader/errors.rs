//! Syntax errors as plain data.
//!
//! Owns the shape of an error that the reader reports. It must not know how errors are shown
//! (see [`diagnostics`](super::diagnostics)) nor what is done about them.

use super::tree::Span;

/// What kind of rule a text breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Tokens and grammar: the text does not parse.
    Grammar,
    /// Scopes and other static rules of what was parsed: the text does not compile.
    Rule,
    /// None: there is too little stack left to read what is nested so deeply.
    Stack,
}

/// One error in a text. Everything that the reader finds wrong is one of these; `read` gives them in the order in which they stand in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The place that is wrong.
    pub span: Span,
    /// What is wrong: what was expected and what came.
    pub message: String,
    /// A few words at the place itself.
    pub label: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// The text ended in the middle of something: with more text it may become right.
    pub incomplete: bool,
    /// What kind of rule is broken.
    pub class: ErrorClass,
    /// It is the way of another language: what is wrong in its construct may be its consequence.
    pub foreign: bool,
    /// Other places that belong to the error, such as the bracket that was never closed.
    pub secondary: Vec<(Span, String)>,
}

impl SyntaxError {
    /// An error with its place and nothing else.
    pub fn new(span: Span, message: impl Into<String>) -> SyntaxError {
        SyntaxError {
            span,
            message: message.into(),
            label: None,
            help: None,
            incomplete: false,
            class: ErrorClass::Grammar,
            foreign: false,
            secondary: Vec::new(),
        }
    }

    /// An error in a text that follows the grammar, and breaks another rule of the language.
    pub fn rule(span: Span, message: impl Into<String>) -> SyntaxError {
        SyntaxError { class: ErrorClass::Rule, ..SyntaxError::new(span, message) }
    }

    /// Adds the words at the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> SyntaxError {
        self.label = Some(label.into());
        self
    }

    /// Adds the advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> SyntaxError {
        self.help = Some(help.into());
        self
    }

    /// An error of what is written so elsewhere, with the way it is written here.
    pub fn foreign(span: Span, message: impl Into<String>, help: impl Into<String>) -> SyntaxError {
        SyntaxError { foreign: true, help: Some(help.into()), ..SyntaxError::new(span, message) }
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> SyntaxError {
        self.secondary.push((span, label.into()));
        self
    }

    /// Marks the error as one that more text may cure.
    #[must_use]
    pub fn unfinished(mut self, incomplete: bool) -> SyntaxError {
        self.incomplete = incomplete;
        self
    }
}

/// True when the text that gave these errors ended in the middle of something (an open bracket, an open string, a missing
/// operand): whoever reads line by line asks for another line before showing the errors.
pub fn is_incomplete(errors: &[SyntaxError]) -> bool {
    errors.iter().any(|error| error.incomplete)
}
