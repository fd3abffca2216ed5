//! The runtime: namespaces, types, dispatch, errors, builtins, threads, the loading of programs.
//!
//! Owns everything that a running program consists of besides heap and code. Knows the reader's tree as data; must not know
//! how code is generated (it asks `codegen` for an address) nor who talks to the user.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::gc::{Thread, Thrown, Word};
use crate::locks::{lock, read, write};
use errors::ErrorKind;

mod advice;
pub mod ahead;
mod apart;
pub mod binding;
pub mod bootstrap;
pub mod brief;
pub mod builtins;
pub mod client;
pub mod code;
pub mod collections;
pub mod compare;
pub mod compile;
pub mod console;
pub mod declare;
pub mod descriptor;
pub mod dispatch;
pub mod dump;
pub mod dynamic;
pub mod entry;
pub mod equality;
pub mod errors;
mod explain;
pub mod fast;
mod fields;
pub mod files;
pub mod foreign;
pub mod hashing;
pub mod helpers;
pub mod intake;
pub mod iterate;
pub mod keywords;
pub mod leaf;
pub mod limits;
pub mod link;
pub mod linked;
mod literals;
pub mod load;
pub mod locals;
pub mod lookup;
pub mod methods;
pub mod namespace;
pub mod numbers;
pub mod operators;
mod origin;
pub mod outlet;
mod present;
pub mod ranges;
pub mod reclaim;
pub mod report;
pub mod resolve;
pub mod roots;
pub mod sequences;
pub mod sites;
pub mod sources;
pub mod streams;
pub mod stubs;
pub mod tail_calls;
#[cfg(test)]
pub mod testing;
pub mod text;
pub mod threads;
pub mod trace;
pub mod types;
pub mod vm;

pub use binding::Binding;
pub use builtins::{Args, Builtin};
pub use code::Code;
pub use errors::ErrorKind as Kind;
pub use linked::{LinkedUnit, Resolved};
pub use namespace::Namespace;
pub use types::{LayoutInfo, TypeId, TypeInfo};
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
        if std::env::var_os("RUST_BACKTRACE").is_some() {
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
