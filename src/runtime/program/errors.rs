//! The kinds of faults, as data: what is thrown is named here, and what it says is `fault/`'s business.

use crate::gc::Value;

macro_rules! error_kinds {
    ($($(#[doc = $doc:literal])+ $name:ident,)*) => {
        /// The kinds of faults: each is a variant of the enum `SystemError`.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        pub enum ErrorKind { $($(#[doc = $doc])+ $name,)* }

        impl ErrorKind {
            /// All kinds, in the order of the variants.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$name),*];

            /// The name of the variant.
            pub fn name(self) -> &'static str {
                match self { $(ErrorKind::$name => stringify!($name)),* }
            }
        }
    };
}

error_kinds! {
    /// A value of another type was expected.
    TypeError,
    /// A function was called with a number of arguments that it does not take.
    ArityError,
    /// A value has no such field.
    FieldError,
    /// An index is out of range.
    IndexError,
    /// Something immutable was to be changed.
    MutabilityError,
    /// No pattern fits.
    MatchError,
    /// Division or remainder by the Int zero.
    DivisionByZero,
    /// Calls are nested too deeply.
    StackOverflow,
    /// The heap is full.
    OutOfMemory,
    /// A text could not be parsed.
    ParseError,
    /// A text could not be compiled.
    CompileError,
    /// An argument has the right type but a value that makes no sense here.
    ArgumentError,
    /// An assertion failed.
    AssertError,
    /// The operating system reported an error.
    IOError,
    /// A foreign function cannot be called so.
    FFIError,
    /// A thread cannot be started or joined.
    ThreadError,
    /// Bytes are not valid in their encoding.
    EncodingError,
    /// A regular expression is malformed.
    RegexError,
    /// A JSON text is malformed, or a value has no JSON form.
    JsonError,
    /// An effect has no handler, or a continuation is used wrongly.
    EffectError,
    /// Something that should not happen happened in Harrier itself.
    InternalError,
}

/// What the interrupt key throws: no fault of the program, and so no `SystemError`.
pub const INTERRUPT: &str = "Interrupt";

/// Is it what the interrupt key throws?
pub fn is_interrupt(value: Value<'_>) -> bool {
    value.layout() == value.thread().vm().types.interrupt_layout()
}

/// The fields of errors of the runtime and of `Interrupt`, each at its slot.
pub const ERROR_FIELDS: [&str; 2] = ["message", "location"];
/// See [`ERROR_FIELDS`].
pub const ERROR_MESSAGE: usize = 0;
/// See [`ERROR_FIELDS`].
pub const ERROR_LOCATION: usize = 1;

/// `two-only: takes 2 arguments, got 3`
pub fn arity_message(name: &str, takes: &[(usize, bool)], got: usize) -> String {
    format!("{name}: takes {}, got {got}", argument_numbers(takes))
}

/// `1 argument`, `2 or 3 arguments`, `2 or more arguments`
pub fn argument_numbers(takes: &[(usize, bool)]) -> String {
    // What an arity with a rest takes is said by that one.
    let open = takes.iter().filter(|(_, rest)| *rest).map(|(n, _)| *n).min().unwrap_or(usize::MAX);
    let told = takes.iter().filter(|&&(n, rest)| n < open || rest && n == open);
    let mut parts: Vec<String> =
        told.map(|&(n, rest)| if rest { format!("{n} or more") } else { n.to_string() }).collect();
    parts.dedup();
    let plural = if parts.len() == 1 && parts[0] == "1" { "argument" } else { "arguments" };
    let list = match parts.split_last() {
        None => "no".to_string(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    };
    format!("{list} {plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arity_messages() {
        assert_eq!(arity_message("f", &[(2, false)], 3), "f: takes 2 arguments, got 3");
        assert_eq!(arity_message("f", &[(1, false)], 0), "f: takes 1 argument, got 0");
        assert_eq!(arity_message("f", &[(0, false), (2, false)], 1), "f: takes 0 or 2 arguments, got 1");
        assert_eq!(arity_message("f", &[(1, true)], 0), "f: takes 1 or more arguments, got 0");
        assert_eq!(arity_message("f", &[(2, false), (2, true)], 1), "f: takes 2 or more arguments, got 1");
        assert_eq!(
            arity_message("f", &[(0, false), (2, true), (3, false)], 1),
            "f: takes 0 or 2 or more arguments, got 1"
        );
    }
}
