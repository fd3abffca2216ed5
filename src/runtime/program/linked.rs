//! Linked units: a tree whose names are resolved.
//!
//! Owns the answers to the questions that the generator asks about a unit: which binding or type a reference means, which code
//! record belongs to a function. Made by the loader; immutable afterwards, except for the records, which are made when they are
//! first asked for.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use super::binding::Binding;
use super::code::{ArityInfo, Code, CodeSource};
use super::namespace::Namespace;
use super::types::TypeInfo;
use crate::asm::memory::MemoryError;
use crate::reader::tree::{FunctionId, GlobalId, Source, Unit};
use crate::runtime::compile::ahead::Order;
use crate::runtime::vm::Vm;
use crate::windows::window;

/// What a reference means.
#[derive(Clone, Copy, Debug)]
pub struct Resolved {
    /// The binding. Never a local alias: re-exports share the binding.
    pub binding: &'static Binding,
    /// The type, when the name was declared as one.
    pub type_: Option<&'static TypeInfo>,
}

/// A unit whose names are resolved.
#[derive(Debug)]
pub struct LinkedUnit {
    /// The tree.
    pub unit: Arc<Unit>,
    /// Where its top level is at home.
    pub namespace: &'static Namespace,
    /// What each [`GlobalId`] means.
    pub globals: Vec<Resolved>,
    /// The records, null where there is none (yet, or any more).
    codes: Vec<AtomicPtr<Code>>,
    installing: AtomicBool,
    /// In which order its functions are called first.
    pub(in crate::runtime) order: Order,
}

impl LinkedUnit {
    /// A linked unit; `globals` runs parallel to `unit.globals`.
    pub fn new(unit: Arc<Unit>, namespace: &'static Namespace, globals: Vec<Resolved>) -> Arc<LinkedUnit> {
        let codes = (0..unit.functions.len()).map(|_| AtomicPtr::default()).collect();
        let order = Order::new(unit.functions.len());
        Arc::new(LinkedUnit { unit, namespace, globals, codes, installing: AtomicBool::new(true), order })
    }

    /// What a reference means.
    pub fn global(&self, id: GlobalId) -> Resolved {
        self.globals[id.index()]
    }

    /// The text.
    pub fn source(&self) -> &Arc<Source> {
        &self.unit.source
    }

    /// The code record of a function. Closures of the same function share it.
    pub fn code(self: &Arc<LinkedUnit>, vm: &Vm, id: FunctionId) -> Result<&'static Code, MemoryError> {
        if let Some(code) = self.known_code(id) {
            return Ok(code);
        }
        let function = self.unit.function(id);
        let mut arities: Vec<ArityInfo> = function
            .arities
            .iter()
            .enumerate()
            .map(|(index, a)| ArityInfo {
                index: index as u32,
                params: a.params.len() as u32,
                rest: a.rest.is_some(),
                body: 0.into(),
                takes_marked: false.into(),
            })
            .collect();
        arities.sort_by_key(|a| (a.rest, a.params));
        let source = CodeSource::Function { unit: self.clone(), function: id };
        let code = Code::new(vm, self.function_name(id), source, arities, function.captures.len() as u32)?;
        let made = ptr::from_ref(code).cast_mut();
        // Before anybody can compile it: who makes all functions forget their bodies must find it.
        vm.reclaim.add(code);
        window();
        match self.codes[id.index()].compare_exchange(ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(code),
            Err(_) => {
                // Another thread was faster; ours is forgotten.
                vm.reclaim.remove(code);
                Ok(self.known_code(id).unwrap_or(code))
            }
        }
    }

    /// The record of a function, if it has one.
    pub fn known_code(&self, id: FunctionId) -> Option<&'static Code> {
        // SAFETY: null, or a record that forgets itself here before it is freed.
        unsafe { self.codes[id.index()].load(Ordering::Acquire).as_ref() }
    }

    /// The record of a function is about to be freed.
    pub(in crate::runtime) fn forget_code(&self, id: FunctionId) {
        self.codes[id.index()].store(ptr::null_mut(), Ordering::Release);
    }

    /// Are its functions still being handed out?
    pub(in crate::runtime) fn is_being_installed(&self) -> bool {
        self.installing.load(Ordering::Acquire)
    }

    /// Everything is where it belongs, and the top level has run.
    pub(in crate::runtime) fn installed(&self) {
        self.installing.store(false, Ordering::Release);
    }

    /// How a function calls itself: see [`Unit::function_name`].
    pub fn function_name(&self, id: FunctionId) -> String {
        self.unit.function_name(self.namespace.name, id)
    }
}
