//! The runtime: namespaces, types, dispatch, errors, builtins, threads, the loading of programs.
//!
//! Owns everything that a running program consists of besides heap and code. Knows the reader's tree as data; must not know
//! how code is generated (it asks `codegen` for an address) nor who talks to the user.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::gc::{Thread, Thrown};
use crate::locks::{lock, read, write};
use crate::object::Word;
use fault::errors::ErrorKind;

pub mod bootstrap;
pub mod compile;
pub mod fault;
pub mod helpers;
pub mod load;
pub mod observe;
pub mod program;
pub mod system;
#[cfg(test)]
pub mod testing;
pub mod values;
pub mod vm;

pub use fault::errors::ErrorKind as Kind;
pub use program::binding::Binding;
pub use program::builtin::{Args, Builtin};
pub use program::code::Code;
pub use program::linked::{LinkedUnit, Resolved};
pub use program::namespace::Namespace;
pub use program::types::{LayoutInfo, TypeId, TypeInfo};
pub use vm::Vm;

/// The wall around every C function that generated code calls: a result becomes a word, an error [`Word::THROWN`], and a
/// panic the report of an internal error that the program can survive.
pub fn boundary(cx: &mut Thread, name: &str, f: impl FnOnce(&mut Thread) -> Result<Word, Thrown>) -> Word {
    let mark = cx.mark();
    match catch_unwind(AssertUnwindSafe(|| f(cx))) {
        Ok(Ok(word)) => {
            debug_assert!(!cx.jumps(), "{name} jumps and gives a value");
            debug_assert!(word != Word::UNDEFINED, "{name} gives what nobody has defined");
            word
        }
        Ok(Err(_thrown)) => Word::THROWN,
        Err(payload) => {
            cx.release(mark);
            cx.take_jump();
            let place = PANIC_PLACE.take();
            let what = panic_text(&*payload);
            let message = format!("{name}: {what}{place} (this is a bug in Harrier)");
            let _thrown = cx.throw(ErrorKind::InternalError, message);
            Word::THROWN
        }
    }
}

thread_local! {
    /// Where the last panic of this thread happened.
    static PANIC_PLACE: Cell<String> = const { Cell::new(String::new()) };
}

/// Panics are reported by whoever catches them; what the standard library would print about them is shown only to those who
/// ask for a backtrace.
pub fn quiet_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map_or(String::new(), |l| format!(" at {}:{}", l.file(), l.line()));
        PANIC_PLACE.set(place);
        if system::files::variable("RUST_BACKTRACE").is_some() {
            usual(info);
        }
    }));
}

/// The message of a panic.
pub fn panic_text(payload: &(dyn std::any::Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

/// Adds to a list that has one element mostly, in any of many objects: room for one, and not for four as by default.
pub fn push_first<T>(list: &mut Vec<T>, element: T) {
    if list.is_empty() {
        list.reserve_exact(1);
    }
    list.push(element);
}
