//! Calling protocol methods of the core from Rust.
//!
//! Owns the question "has anybody extended this value's type with that core method?" and the call of the answer. The
//! builtins ask it before they do what they do for builtin types.

use super::errors;
use std::cell::Cell;

use super::binding::Binding;
use super::dispatch::{MethodInfo, Target};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::LayoutId;
use crate::object::layout::{self, FIRST_USER_LAYOUT};
use crate::runtime::Vm;

macro_rules! methods {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// A method of a core protocol.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(usize)]
        #[allow(missing_docs)]
        pub enum Method { $($variant),* }

        const NAMES: &[&str] = &[$(concat!("core/", $name)),*];
    };
}

methods! {
    Format = "format", Get = "get", Length = "length", Push = "push", Conj = "conj", Assoc = "assoc", Keys = "keys",
    Seq = "seq", First = "first", Next = "next", Contains = "contains?", CompareTo = "compare-to", Close = "close",
    Write = "write", HashOf = "hash-of",
}

/// What a builtin type has of a protocol of `core` for good: why no program can give it another. It would have to be asked where
/// code has the common case written in place, the library's own included, and would be asked by its own definition.
pub fn settled(protocol: &str, type_: &str) -> Option<&'static str> {
    match (protocol, type_) {
        (
            "Seqable" | "Seq",
            "Null" | "String" | "Vector" | "Map" | "Set" | "Array" | "Range" | "MutableList" | "MutableMap"
            | "MutableSet",
        ) => Some("`for` and the functions on sequences go through its own elements"),
        ("Comparable", "Int" | "Float") => Some("numbers have the order of numbers"),
        ("Hashable", _) => Some("the hash of what the library has follows from `==`"),
        _ => None,
    }
}

const COUNT: usize = NAMES.len();

#[derive(Clone, Copy)]
struct Known {
    vm: *const Vm,
    infos: [Option<&'static MethodInfo>; COUNT],
    bindings: [Option<&'static Binding>; COUNT],
}

impl Known {
    const fn nothing(vm: *const Vm) -> Known {
        Known { vm, infos: [None; COUNT], bindings: [None; COUNT] }
    }

    /// What this thread knows of a machine's methods.
    fn of(vm: &'static Vm) -> Known {
        let known = KNOWN.get();
        if std::ptr::eq(known.vm, vm) { known } else { Known::nothing(vm) }
    }
}

thread_local! {
    static KNOWN: Cell<Known> = const { Cell::new(Known::nothing(std::ptr::null())) };
}

impl Method {
    /// Its record.
    pub fn info(self, vm: &'static Vm) -> Option<&'static MethodInfo> {
        let mut known = Known::of(vm);
        let index = self as usize;
        if known.infos[index].is_none() {
            let methods = vm.dispatch.methods_named(self.name());
            known.infos[index] = methods.into_iter().find(|m| m.qualified == NAMES[index]);
            KNOWN.set(known);
        }
        known.infos[index]
    }

    /// The binding of the method in `core`.
    fn binding(self, vm: &'static Vm) -> Option<&'static Binding> {
        let mut known = Known::of(vm);
        let index = self as usize;
        if known.bindings[index].is_none() {
            known.bindings[index] = vm.namespaces.find("core").and_then(|core| core.member(self.name()));
            KNOWN.set(known);
        }
        known.bindings[index]
    }

    /// Its name in `core`.
    pub fn name(self) -> &'static str {
        let name = NAMES[self as usize];
        name.strip_prefix("core/").unwrap_or(name)
    }

    /// Has somebody implemented this method for a layout's variant or type?
    pub fn extends(self, vm: &'static Vm, layout: LayoutId) -> bool {
        if layout < FIRST_USER_LAYOUT && !vm.dispatch.builtin_extended() {
            return false;
        }
        let (Some(info), Some(layout)) = (self.info(vm), vm.types.layout(layout)) else { return false };
        let implements = |variant| vm.dispatch.implements(Target { type_: layout.type_, variant }, info.id);
        layout.variant.is_some() && implements(layout.variant) || implements(None)
    }

    /// Has somebody implemented this method for a value's type?
    pub fn is_extended(self, value: Value<'_>) -> bool {
        self.extends(value.thread().vm(), value.layout())
    }

    /// Calls the method: dispatches on the first argument.
    pub fn call(self, cx: &mut Thread, args: &[Handle]) -> Result<Handle, Thrown> {
        let function = self.function(cx)?;
        cx.call(function, args)
    }

    /// Ends a builtin or a helper in a call of the method: see [`Thread::jump`].
    pub fn jump(self, cx: &mut Thread, args: &[Handle]) -> Result<Handle, Thrown> {
        let function = self.function(cx)?;
        cx.jump(function, args)
    }

    fn function(self, cx: &mut Thread) -> Result<Handle, Thrown> {
        match self.binding(cx.vm()).and_then(|binding| binding.get(cx)).map(|f| cx.root(f)) {
            Some(function) => Ok(function),
            None => {
                let message = format!("{} is not defined", self.name());
                Err(cx.throw(errors::ErrorKind::InternalError, message))
            }
        }
    }
}

/// Is it something that `for` can go through?
pub fn is_seqable(value: Value<'_>) -> bool {
    match value.layout() {
        layout::NULL
        | layout::VECTOR
        | layout::ARRAY
        | layout::NODE
        | layout::STRING
        | layout::STRING_PREFIX
        | layout::RANGE
        | layout::MAP
        | layout::MUTABLE_MAP
        | layout::MUTABLE_SET
        | layout::SET
        | layout::MUTABLE_LIST
        | layout::SEQ => true,
        _ => Method::Seq.is_extended(value) || Method::First.is_extended(value),
    }
}
