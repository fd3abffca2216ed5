//! The declarations of a checked unit, made real, and the run of its top level.
//!
//! Owns the order: names, types, the linked unit, layouts with their defaults, functions, protocols, extensions, tests; then the
//! top-level code.

use std::sync::Arc;

use super::scope::{Meaning, Scope, method_takes};
use super::{LoadError, TestBlock, own_binding, remembered};
use crate::gc::{Handle, Thread, Thrown};
use crate::locks::MutexGuard;
use crate::object::Word;
use crate::reader::tree::{Field, FunctionId, Item, LetKind, Name, Node, Span, Unit};
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::binding::{About, Binding, BindingKind, Place};
use crate::runtime::program::declare::{self, DeclareError, VariantDeclaration};
use crate::runtime::program::dispatch::Target;
use crate::runtime::program::instances::type_behind;
use crate::runtime::program::keywords::intern;
use crate::runtime::program::present::Constant;
use crate::runtime::program::types::{FieldInfo, TypeKind};
use crate::runtime::system::threads;
use crate::runtime::system::turn::{self, Turn};
use crate::runtime::{Code, LinkedUnit, Resolved};

struct Installer<'a, 'b> {
    unit: &'a Arc<Unit>,
    scope: &'a Scope<'b>,
    linked: Arc<LinkedUnit>,
}

/// Declares everything and runs the top level; gives its value. The code is remembered as that of a text that was read under
/// these `names`. `declared` is called between the two.
pub fn install(
    cx: &mut Thread,
    unit: &Arc<Unit>,
    scope: &Scope<'_>,
    remember: Option<u64>,
    declared: impl FnOnce(&Thread),
) -> Result<Handle, LoadError> {
    let turn = declares(cx)?;
    let before = before(unit, scope);
    declare_names(cx, unit, scope)?;
    let globals = resolve(cx, unit, scope)?;
    let linked = LinkedUnit::new(unit.clone(), scope.namespace, globals);
    let installer = Installer { unit, scope, linked };
    let mark = cx.mark();
    for item in &unit.items {
        installer.types(cx, item)?;
    }
    for item in &unit.items {
        installer.functions(cx, item)?;
        cx.release(mark);
    }
    for item in &unit.items {
        installer.extensions(cx, item)?;
    }
    if !remembered::only_expressions(unit) {
        // After all that has changed: who has read a name before that does not remember what it meant.
        cx.vm().loader.names_changed();
    }
    drop(turn);
    declared(cx);
    let init = installer.code(cx, unit.init)?;
    if let Some(names) = remember {
        cx.vm().loader.remembered.remember(scope.namespace, &unit.source.text, init, names);
    }
    let function = cx.alloc_closure(init.address(), &[])?;
    let value = cx.scoped(|cx| cx.call(function, &[]));
    installer.linked.installed();
    if value.is_err() {
        before.iter().for_each(|before| before.come_back(cx));
    }
    Ok(value?)
}

/// Begins to declare what a text declares, when no other thread does so any more: declarations of one thing do not mix. The top level of a
/// text is run behind it.
fn declares(cx: &mut Thread) -> Result<Turn<'static, Option<u64>>, Thrown> {
    let (loader, id) = (&cx.vm().loader, cx.id());
    let begin = |mut state: MutexGuard<'_, turn::State<Option<u64>>>| {
        **state = Some(id);
        loader.declaring.begin(&mut state)
    };
    let state = loader.declaring.lock();
    if !state.is_busy() {
        return Ok(begin(state));
    }
    drop(state);
    match threads::waiting(cx, |stop| loader.declaring.lock_idle(stop).map(begin))? {
        Ok(turn) => Ok(turn),
        // Only who calls the wait off gives an error, and that is thrown.
        Err(error) => Err(cx.throw(ErrorKind::InternalError, error.to_string())),
    }
}

/// A `let` has given a name its value that another thread has declared as a type: it is none any more, unless it is again by now.
pub(in crate::runtime) fn is_no_type(cx: &mut Thread, binding: &'static Binding) -> Result<(), Thrown> {
    let _turn = declares(cx)?;
    let About { doc, place, type_ } = binding.about();
    let behind = binding.get(cx).and_then(type_behind).map(|type_| type_.id);
    if type_.is_some() && behind != type_ {
        binding.set_about(doc, place, None);
        binding.reset_dependents(cx);
    }
    Ok(())
}

/// What a name was before a `let` of the unit, which may never get its value.
struct Before {
    binding: &'static Binding,
    version: u64,
    kind: BindingKind,
    about: About,
}

/// What the names of all `let`s stand for that have a value.
fn before(unit: &Unit, scope: &Scope<'_>) -> Vec<Before> {
    let names = unit.items.iter().filter_map(|item| match item {
        Item::Let { names, .. } => Some(names),
        _ => None,
    });
    let known = |name: Name| scope.namespace.member(unit.name(name)).filter(|binding| binding.is_defined());
    let before = |binding: &'static Binding| Before {
        binding,
        version: binding.version(),
        kind: binding.kind(),
        about: binding.about(),
    };
    names.flatten().filter_map(|(name, _)| known(*name)).map(before).collect()
}

impl Before {
    /// The top level has ended early: a `let` that it did not come to has changed nothing.
    fn come_back(&self, cx: &Thread) {
        if self.binding.version() != self.version {
            return;
        }
        let About { doc, place, type_ } = self.about.clone();
        let took_the_type = self.binding.type_id() != type_;
        self.binding.set_about(doc, place, type_);
        if took_the_type {
            // What was compiled meanwhile knows of none.
            self.binding.reset_dependents(cx);
        }
        if self.binding.kind() != self.kind {
            self.binding.set_kind(self.kind);
            cx.vm().reclaim.reset_all(cx);
        }
    }
}

/// All own names get their bindings; types get their objects, so that references to them can be resolved.
fn declare_names(cx: &mut Thread, unit: &Unit, scope: &Scope<'_>) -> Result<(), LoadError> {
    let namespace = scope.namespace;
    let doc = |doc: &Option<Name>| doc.map(|d| Arc::from(unit.name(d)));
    let place = |span: &Span| Some(Place { source: unit.source.clone(), span: *span });
    for item in &unit.items {
        match item {
            Item::Function { name, doc: d, span, .. } => {
                let binding = own_binding(cx, namespace, unit.name(*name))?;
                binding.set_kind(BindingKind::Plain);
                binding.set_about(doc(d), place(span), None);
            }
            Item::Let { names, kind, doc: d, span } => {
                for (name, name_span) in names {
                    let binding = own_binding(cx, namespace, unit.name(*name))?;
                    let was_plain = binding.is_defined() && binding.kind() != BindingKind::Dynamic;
                    binding.set_kind(match kind {
                        LetKind::Plain => BindingKind::Plain,
                        LetKind::Dynamic => BindingKind::Dynamic,
                        LetKind::Once => BindingKind::Once,
                    });
                    if *kind == LetKind::Dynamic && was_plain {
                        // What reads it has been compiled to look at its one value.
                        cx.vm().reclaim.reset_all(cx);
                    }
                    let span = if names.len() == 1 { span } else { name_span };
                    binding.set_about(doc(d), place(span), None);
                }
            }
            Item::Struct { name, doc: d, span, .. } => {
                type_name(cx, scope, unit.name(*name), TypeKind::Struct, doc(d), place(span))?;
            }
            Item::Enum { name, doc: d, span, .. } => {
                type_name(cx, scope, unit.name(*name), TypeKind::Enum, doc(d), place(span))?;
            }
            Item::Protocol { name, methods, doc: d, span } => {
                type_name(cx, scope, unit.name(*name), TypeKind::Protocol, doc(d), place(span))?;
                for method in methods {
                    own_binding(cx, namespace, unit.name(method.name))?;
                }
            }
            Item::Extend(_) | Item::Expression { .. } | Item::Test { .. } => {}
        }
    }
    Ok(())
}

fn type_name(
    cx: &mut Thread,
    scope: &Scope<'_>,
    name: &str,
    kind: TypeKind,
    doc: Option<Arc<str>>,
    place: Option<Place>,
) -> Result<(), LoadError> {
    match declare::type_for(cx, scope.namespace, name, kind, doc, place) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.load(cx)),
    }
}

fn resolve(cx: &mut Thread, unit: &Unit, scope: &Scope<'_>) -> Result<Vec<Resolved>, LoadError> {
    let vm = cx.vm();
    let mut resolved = Vec::with_capacity(unit.globals.len());
    for reference in &unit.globals {
        // The text that was checked does not have the names of stops.
        let meaning = match reference.inserted {
            true => scope.inserted(unit.name(reference.name)),
            false => scope.meaning(*reference),
        };
        let binding = match meaning {
            Some(Meaning::Known(known)) => known.0,
            // The checks have found every other name.
            _ => own_binding(cx, scope.namespace, unit.name(reference.name))?,
        };
        resolved.push(Resolved { binding, type_: binding.type_id().map(|id| vm.types.get(id)) });
    }
    Ok(resolved)
}

impl Installer<'_, '_> {
    fn code(&self, cx: &mut Thread, id: FunctionId) -> Result<&'static Code, LoadError> {
        let vm = cx.vm();
        self.linked.code(vm, id).map_err(|e| DeclareError::from(e).load(cx))
    }

    fn text(&self, name: Name) -> &str {
        self.unit.name(name)
    }

    fn doc(&self, doc: Option<Name>) -> Option<Arc<str>> {
        doc.map(|d| Arc::from(self.text(d)))
    }

    fn place(&self, span: Span) -> Option<Place> {
        Some(Place { source: self.unit.source.clone(), span })
    }

    fn fields(&self, cx: &mut Thread, fields: &[Field]) -> Result<Vec<FieldInfo>, LoadError> {
        let mut infos = Vec::with_capacity(fields.len());
        for field in fields {
            let default = match field.default {
                Some(function) => Some(self.code(cx, function)?),
                None => None,
            };
            infos.push(FieldInfo {
                name: intern(self.text(field.name)),
                mutable: field.mutable,
                default,
                constant: field.default.and_then(|function| self.constant(cx, function)),
                doc: self.doc(field.doc),
            });
        }
        Ok(infos)
    }

    /// What a default gives that is a plain literal.
    fn constant(&self, cx: &Thread, function: FunctionId) -> Option<Constant> {
        let mut node = self.unit.node(self.unit.function(function).arities.first()?.body);
        if let Node::Block(list) = node
            && let [only] = self.unit.list(*list)
        {
            node = self.unit.node(*only);
        }
        let word = match node {
            Node::Int(i) => Word::int(*i)?,
            Node::Float(f) => Word::float(*f)?,
            Node::Keyword(name) => Word::keyword(cx.vm().keywords.intern(self.text(*name))),
            Node::Bool(b) => Word::bool(*b),
            Node::Null => Word::NULL,
            Node::String(text) => return Some(Constant::Text(intern(self.text(*text)))),
            _ => return None,
        };
        Some(Constant::Word(word))
    }

    fn types(&self, cx: &mut Thread, item: &Item) -> Result<(), LoadError> {
        let namespace = self.scope.namespace;
        match item {
            Item::Struct { name, fields, doc, span } => {
                let fields = self.fields(cx, fields)?;
                let (doc, place) = (self.doc(*doc), self.place(*span));
                let info = declare::structure(cx, namespace, self.text(*name), fields, doc, place);
                let info = info.map_err(|e| e.load(cx))?;
                if self.unit.source.is_library && (info.namespace, info.name) == ("seq", "Lazy") {
                    info.layout().into_iter().for_each(|layout| cx.vm().types.set_lazy_layout(layout));
                }
            }
            Item::Enum { name, variants, doc, span } => {
                let mut declared = Vec::with_capacity(variants.len());
                for variant in variants {
                    declared.push(VariantDeclaration {
                        name: self.text(variant.name).to_string(),
                        fields: self.fields(cx, &variant.fields)?,
                        doc: self.doc(variant.doc),
                    });
                }
                let (doc, place) = (self.doc(*doc), self.place(*span));
                declare::enumeration(cx, namespace, self.text(*name), declared, doc, place).map_err(|e| e.load(cx))?;
            }
            Item::Protocol { name, methods, doc, span } => {
                let (doc, place) = (self.doc(*doc), self.place(*span));
                let protocol =
                    declare::protocol(cx, namespace, self.text(*name), doc, place).map_err(|e| e.load(cx))?;
                for method in methods {
                    let takes = method_takes(self.unit, method);
                    let (doc, place) = (self.doc(method.doc), self.place(method.span));
                    let info = declare::method(cx, namespace, protocol, self.text(method.name), &takes, doc, place)
                        .map_err(|e| e.load(cx))?;
                    let default = match method.default {
                        Some(function) => Some(self.code(cx, function)?),
                        None => None,
                    };
                    info.set_default(default);
                    info.set_signatures(method.signatures.clone());
                    cx.vm().dispatch.reset_method(info);
                }
                let names: Vec<_> = methods.iter().map(|method| self.text(method.name)).collect();
                cx.vm().dispatch.leave(protocol.id, &names);
            }
            _ => {}
        }
        Ok(())
    }

    fn functions(&self, cx: &mut Thread, item: &Item) -> Result<(), LoadError> {
        match item {
            Item::Function { name, function, .. } => {
                let code = self.code(cx, *function)?;
                let value = cx.alloc_closure(code.address(), &[])?;
                let binding = own_binding(cx, self.scope.namespace, self.text(*name))?;
                binding.define(cx, cx.get(value));
            }
            Item::Test { name, function, span } => {
                let code = self.code(cx, *function)?;
                let line = self.unit.source.line_column(span.start).0;
                crate::runtime::lock(&cx.vm().loader.tests).push(TestBlock {
                    name: Arc::from(self.text(*name)),
                    namespace: self.scope.namespace,
                    code,
                    place: format!("{}:{line}", self.unit.source.name),
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn extensions(&self, cx: &mut Thread, item: &Item) -> Result<(), LoadError> {
        let Item::Extend(extend) = item else { return Ok(()) };
        let vm = cx.vm();
        let Some(type_) = self.linked.global(extend.target).type_ else { return Ok(()) };
        let target = Target { type_: type_.id, variant: extend.variant.map(|v| intern(self.text(v))) };
        let mut functions = Vec::with_capacity(extend.methods.len());
        for (name, function) in &extend.methods {
            functions.push((self.text(*name), self.code(cx, *function)?));
        }
        match extend.protocol.and_then(|p| self.linked.global(p).type_) {
            Some(protocol) => {
                let mut methods = Vec::with_capacity(functions.len());
                for (name, code) in functions {
                    match vm.dispatch.method(protocol.id, name) {
                        Some(method) => methods.push((method, code)),
                        // Another thread has declared it anew since this was checked.
                        None => {
                            let message = format!("the protocol {} has no method {name} any more", protocol.name);
                            return Err(cx.throw(ErrorKind::TypeError, message).into());
                        }
                    }
                }
                let before = vm.dispatch.builtin_extended();
                vm.dispatch.extend(target, protocol.id, &methods);
                if vm.dispatch.builtin_extended() != before {
                    // What indexes and counts builtin types in place is to ask from now on.
                    vm.reclaim.reset_all(cx);
                }
            }
            None => {
                for (name, code) in functions {
                    let associated = vm.dispatch.associate(cx, target, (self.scope.namespace, name), code);
                    associated.map_err(|e| e.load(cx))?;
                }
            }
        }
        Ok(())
    }
}
