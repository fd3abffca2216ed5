//! Declarations that were given stops.
//!
//! Owns which they are, and how one is found in its text. One gets stops by being evaluated anew with them, as in any redefinition: so
//! code without stops costs nothing, and what runs already ends in the code that it began in. The sessions of a thread share them, as
//! they do what is traced.

use std::cell::RefCell;
use std::sync::Arc;

use super::lookup;
use crate::gc::Thread;
use crate::reader::tree::{FunctionId, Item, Source, Span, Unit};
use crate::runtime::Namespace;
use crate::runtime::load::{self, LoadError};
use crate::runtime::program::binding::Binding;

thread_local! {
    static DECLARED: RefCell<Vec<Declared>> = const { RefCell::new(Vec::new()) };
}

/// A declaration of a function, or of a protocol, or what a type is extended with.
#[derive(Clone)]
pub struct Declaration {
    namespace: &'static Namespace,
    /// That of the function or protocol.
    binding: Option<&'static Binding>,
    /// The functions that the type gets.
    methods: Vec<String>,
    source: Arc<Source>,
    /// Where it stands.
    pub span: Span,
}

/// One that was given stops.
#[derive(Clone)]
pub struct Declared {
    /// It.
    pub declaration: Declaration,
    /// Where it stops in any case, and not only when somebody steps.
    pub breakpoints: Vec<u32>,
}

impl Declaration {
    /// That of an item of a text, if it is such a declaration; and the functions in it.
    pub fn of(
        unit: &Unit,
        item: &Item,
        namespace: &'static Namespace,
        source: &Arc<Source>,
    ) -> Option<(Declaration, Vec<FunctionId>)> {
        let (binding, methods, functions) = match item {
            Item::Function { name, function, .. } => (namespace.own(unit.name(*name)), Vec::new(), vec![*function]),
            Item::Extend(extend) => {
                let name = |(name, _): &(_, FunctionId)| unit.name(*name).to_string();
                let functions = extend.methods.iter().map(|(_, function)| *function).collect();
                (None, extend.methods.iter().map(name).collect(), functions)
            }
            Item::Protocol { name, methods, .. } => {
                let defaults = methods.iter().filter_map(|method| method.default).collect();
                (namespace.own(unit.name(*name)), Vec::new(), defaults)
            }
            _ => return None,
        };
        let declaration =
            Declaration { namespace, binding, methods, source: source.clone(), span: unit.item_span(item) };
        Some((declaration, functions))
    }

    /// Are they the same one?
    pub fn is(&self, other: &Declaration) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && self.span == other.span
    }

    /// Has something of it been declared anew, otherwise than here?
    pub fn is_gone(&self, cx: &Thread) -> bool {
        let is_here = |source: &Arc<Source>, span: Span| {
            Arc::ptr_eq(source, &self.source) && self.span.start <= span.start && span.end <= self.span.end
        };
        match self.binding {
            Some(binding) => !binding.about().place.is_some_and(|place| is_here(&place.source, place.span)),
            None => !self.methods.iter().all(|method| {
                let functions = lookup::functions_named(cx, method);
                functions.iter().any(|(_, place)| is_here(&place.source, place.span))
            }),
        }
    }

    /// What it is called.
    pub fn name(&self) -> String {
        self.binding.map_or_else(|| format!("the `extend` in {}", self.place(self.span.start)), Binding::qualified)
    }

    /// `file.hr:12`
    pub fn place(&self, at: u32) -> String {
        format!("{}:{}", self.source.name, self.source.line_column(at).0)
    }

    /// Evaluates it with stops, breakpoints at these places, or without; what is said of the name stays.
    fn declare(&self, cx: &mut Thread, breakpoints: Option<&[u32]>) -> Result<(), LoadError> {
        let about = self.binding.map(Binding::about);
        load::declare(cx, self.namespace, (&self.source, self.span), breakpoints)?;
        if let Some((binding, about)) = self.binding.zip(about) {
            binding.set_about(about.doc, about.place, about.type_);
        }
        Ok(())
    }
}

/// Those that were not declared anew otherwise; the others are forgotten.
pub fn all(cx: &Thread) -> Vec<Declared> {
    let mut all = DECLARED.take();
    all.retain(|declared| !declared.declaration.is_gone(cx));
    DECLARED.set(all.clone());
    all
}

/// Gives a declaration stops, and these breakpoints beside those that it has.
pub fn stop_in(cx: &mut Thread, declaration: Declaration, breakpoints: &[u32]) -> Result<(), LoadError> {
    let mut others = all(cx);
    let known = others.iter().position(|declared| declared.declaration.is(&declaration));
    let mut declared = match known {
        Some(known) => others.swap_remove(known),
        None => Declared { declaration, breakpoints: Vec::new() },
    };
    declared.breakpoints.extend(breakpoints);
    declared.breakpoints.sort_unstable();
    declared.breakpoints.dedup();
    declared.declaration.declare(cx, Some(&declared.breakpoints))?;
    others.push(declared);
    DECLARED.set(others);
    Ok(())
}

/// Takes the stops from those that are meant; gives what they are called.
pub fn end(cx: &mut Thread, is_meant: &dyn Fn(&Declared) -> bool) -> Result<Vec<String>, LoadError> {
    let (ended, stay) = all(cx).into_iter().partition::<Vec<_>, _>(is_meant);
    DECLARED.set(stay);
    let mut names = Vec::new();
    let mut ended = ended.into_iter();
    while let Some(declared) = ended.next() {
        if let Err(error) = declared.declaration.declare(cx, None) {
            DECLARED.with_borrow_mut(|all| all.extend(std::iter::once(declared).chain(ended)));
            return Err(error);
        }
        names.push(declared.declaration.name());
    }
    Ok(names)
}
