//! Calling protocol methods of the core from Rust.
//!
//! Owns the question "has anybody extended this value's type with that core method?" and the call of the answer. The
//! builtins ask it before they do what they do for builtin types.

use std::cell::Cell;

use super::Vm;
use super::code::Code;
use super::dispatch::{MethodInfo, Target};
use crate::gc::{Handle, LayoutId, Thread, Thrown, Value};

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

const COUNT: usize = NAMES.len();

#[derive(Clone, Copy)]
struct Known {
    vm: *const Vm,
    infos: [Option<&'static MethodInfo>; COUNT],
}

thread_local! {
    static KNOWN: Cell<Known> = const { Cell::new(Known { vm: std::ptr::null(), infos: [None; COUNT] }) };
}

impl Method {
    /// Its record.
    pub fn info(self, vm: &'static Vm) -> Option<&'static MethodInfo> {
        let mut known = KNOWN.get();
        if !std::ptr::eq(known.vm, vm) {
            known = Known { vm, infos: [None; COUNT] };
        }
        let index = self as usize;
        if known.infos[index].is_none() {
            let name = NAMES[index];
            let plain = name.strip_prefix("core/").unwrap_or(name);
            known.infos[index] = vm.dispatch.methods_named(plain).into_iter().find(|m| m.qualified == name);
            KNOWN.set(known);
        }
        known.infos[index]
    }

    /// What somebody has implemented this method with for a layout's variant or type.
    pub fn extension(self, vm: &'static Vm, layout: LayoutId) -> Option<&'static Code> {
        let info = self.info(vm)?;
        let layout = vm.types.layout(layout)?;
        if layout.variant.is_some() {
            let target = Target { type_: layout.type_, variant: layout.variant };
            if let Some(code) = vm.dispatch.implementation(target, info.id) {
                return Some(code);
            }
        }
        vm.dispatch.implementation(Target { type_: layout.type_, variant: None }, info.id)
    }

    /// Has somebody implemented this method for a value's type?
    pub fn is_extended(self, value: Value<'_>) -> bool {
        self.extension(value.thread().vm(), value.layout()).is_some()
    }

    /// Calls the method: dispatches on the first argument.
    pub fn call(self, cx: &mut Thread, args: &[Handle]) -> Result<Handle, Thrown> {
        let name = NAMES[self as usize];
        let plain = name.strip_prefix("core/").unwrap_or(name);
        let function = cx.vm().namespaces.find("core").and_then(|core| core.member(plain)).and_then(|b| b.get(cx));
        match function.map(|f| cx.root(f)) {
            Some(function) => cx.call(function, args),
            None => Err(cx.throw(super::errors::ErrorKind::InternalError, format!("{name} is not defined"))),
        }
    }
}
