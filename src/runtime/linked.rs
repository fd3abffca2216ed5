//! Linked units: a tree whose names are resolved.
//!
//! Owns the answers to the questions that the generator asks about a unit: which binding or type a reference means, which code
//! record belongs to a function. Made by the loader; immutable afterwards, except for the records, which are made when they are
//! first asked for.

use std::sync::{Arc, OnceLock};

use super::binding::Binding;
use super::code::{ArityInfo, Code, CodeSource};
use super::namespace::Namespace;
use super::types::TypeInfo;
use super::vm::Vm;
use crate::asm::memory::MemoryError;
use crate::reader::tree::{FunctionId, GlobalId, Source, Span, Unit};

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
    codes: Vec<OnceLock<&'static Code>>,
}

impl LinkedUnit {
    /// A linked unit; `globals` runs parallel to `unit.globals`.
    pub fn new(unit: Arc<Unit>, namespace: &'static Namespace, globals: Vec<Resolved>) -> Arc<LinkedUnit> {
        let codes = (0..unit.functions.len()).map(|_| OnceLock::new()).collect();
        Arc::new(LinkedUnit { unit, namespace, globals, codes })
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
        let cell = &self.codes[id.index()];
        if let Some(code) = cell.get() {
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
            })
            .collect();
        arities.sort_by_key(|a| (a.rest, a.params));
        let source = CodeSource::Function { unit: self.clone(), function: id };
        let code = Code::new(vm, self.function_name(id), source, arities, function.captures.len() as u32)?;
        Ok(cell.get_or_init(|| code))
    }

    /// How a function calls itself: `shapes/area`, and with the line `shapes/main:12` when it has no name.
    pub fn function_name(&self, id: FunctionId) -> String {
        let function = self.unit.function(id);
        let namespace = self.namespace.name;
        if id == self.unit.init {
            return format!("{namespace}/(top level)");
        }
        if let Some(name) = function.name {
            return format!("{namespace}/{}", self.unit.name(name));
        }
        let line = self.line(function.span);
        let mut outer = function.parent;
        while let Some(id) = outer {
            let around = self.unit.function(id);
            if let Some(name) = around.name {
                return format!("{namespace}/{}:{line}", self.unit.name(name));
            }
            outer = around.parent;
        }
        format!("{namespace}:{line}")
    }

    fn line(&self, span: Span) -> u32 {
        self.unit.source.line_column(span.start).0
    }
}
