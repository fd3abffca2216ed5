//! Faults of the runtime as Harrier errors.
//!
//! Owns the making of `SystemError` values, and the words in which messages name values.
//! Must not know who catches or shows them (`runtime/mod.rs`, `runtime/fault/report.rs`).

use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::layout::{self, LayoutId};
use crate::reader::foreign_words::{self, Place};
use crate::runtime::program::builtin::Builtin;
use crate::runtime::program::entry;
pub use crate::runtime::program::errors::*;

/// The longest printed value in a message, in characters.
const DESCRIPTION_LIMIT: usize = 60;

impl Thread {
    /// Throws a `SystemError`. The location is where the innermost Harrier frame stands.
    #[cold]
    pub fn throw(&mut self, kind: ErrorKind, message: impl Into<String>) -> Thrown {
        let message = message.into();
        self.throw_text(kind, &message)
    }

    #[cold]
    fn throw_text(&mut self, kind: ErrorKind, message: &str) -> Thrown {
        let layout = self.vm().types.error_layout(kind);
        // Where there is no memory or no stack, nobody can be asked.
        let asks = !matches!(kind, ErrorKind::StackOverflow | ErrorKind::OutOfMemory);
        self.throw_located(layout, message, asks)
    }

    /// Throws an `Interrupt`.
    #[cold]
    pub fn throw_interrupt(&mut self) -> Thrown {
        let layout = self.vm().types.interrupt_layout();
        self.throw_located(layout, "the interrupt key was pressed", false)
    }

    fn throw_located(&mut self, layout: LayoutId, message: &str, asks: bool) -> Thrown {
        let location = super::trace::innermost_location(self);
        match self.make_located(layout, message, &location) {
            Ok(error) if asks => self.throw_value(error),
            Ok(error) => Thrown::set(self, error),
            // Out of memory while making the error: that error is thrown already.
            Err(thrown) => thrown,
        }
    }

    /// Throws a value that was not on its way before. Errors may stop here (`:break error`).
    pub fn throw_value(&mut self, value: Handle) -> Thrown {
        match super::stop::error(self, value) {
            Ok(()) => Thrown::set(self, value),
            Err(thrown) => thrown,
        }
    }

    /// The value of a `SystemError`, not yet thrown.
    pub fn make_error(&mut self, kind: ErrorKind, message: &str, location: &str) -> Result<Handle, Thrown> {
        let layout = self.vm().types.error_layout(kind);
        self.make_located(layout, message, location)
    }

    fn make_located(&mut self, layout: LayoutId, message: &str, location: &str) -> Result<Handle, Thrown> {
        self.scoped(|cx| {
            let message = cx.alloc_string(message)?;
            let location = cx.alloc_string(location)?;
            cx.alloc_slots(layout, &[message, location])
        })
    }

    /// A value in a message: its type and how it prints, cut short: `Int 5`, `String "text"`, `null`.
    pub fn describe(&mut self, handle: Handle) -> String {
        describe(self.get(handle))
    }
}

/// A value in a message. Runs no user code and allocates nothing in the heap.
pub fn describe(value: Value<'_>) -> String {
    let vm = value.thread().vm();
    let name = vm.types.name_of(value);
    match value.layout() {
        layout::NULL => "null".to_string(),
        layout::BOOL => format!("Bool {}", value.as_bool() == Some(true)),
        layout::CLOSURE => shorten(&super::brief::brief(value)),
        _ => {
            let printed = super::brief::brief(value);
            // Structs and variants print with their name in front.
            if printed.starts_with(name) { shorten(&printed) } else { format!("{name} {}", shorten(&printed)) }
        }
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(DESCRIPTION_LIMIT) {
        None => text.to_string(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// How to call the function of `core` that somebody looked for as a field or method, with `argc` arguments (the receiver
/// counted) if it can be; empty when there is none of that name.
#[cold]
pub fn function_help(cx: &Thread, name: &str, argc: usize) -> String {
    let binding = cx.vm().namespaces.find("core").and_then(|core| core.member(name)).filter(|_| !name.starts_with('_'));
    let Some(code) = binding.and_then(|b| b.get(cx)).and_then(entry::code_of) else {
        // `xs.map!`: there is only the one that changes nothing.
        if let Some(plain) = name.strip_suffix('!') {
            return function_help(cx, plain, argc);
        }
        return match foreign_words::word(name, Place::Unknown) {
            Some(help) => format!("; {help}"),
            None => String::new(),
        };
    };
    let signatures = code.signatures();
    let arity = code.takes().iter().position(|&(n, rest)| if rest { argc >= n } else { argc == n });
    match signatures.get(arity.unwrap_or(0)).or(signatures.first()) {
        Some(signature) => format!("; {name} is a function: call {name}{}", signature.replace("self", "v")),
        None => String::new(),
    }
}

/// The error of an argument of the wrong type, with advice, which may be empty.
#[cold]
pub fn argument(cx: &mut Thread, name: &str, position: usize, expected: &str, got: Handle, help: &str) -> Thrown {
    let message = format!("{name}: argument {position} must be {expected}, got {}{help}", cx.describe(got));
    cx.throw(ErrorKind::TypeError, message)
}

/// The error of a builtin that was called with `got` arguments.
#[cold]
pub fn builtin_arity(cx: &mut Thread, builtin: &Builtin, got: usize) -> Thrown {
    let message = arity_message(builtin.name, &builtin.numbers_taken(), got);
    cx.throw(ErrorKind::ArityError, message + &super::advice::arity(builtin.name, got))
}
