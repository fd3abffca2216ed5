//! What the names of a unit mean.
//!
//! Owns the rules of lookup: own names, imports, `core`; aliases and namespaces for qualified names. Changes nothing: a unit
//! is resolved and checked before anything of it is declared.

use crate::runtime::program::dispatch;
use rustc_hash::FxHashMap;

use crate::reader::tree::{Arity, FunctionId, GlobalRef, Item, LetKind, Method, Pattern, Unit};
use crate::runtime::program::code::CodeSource;
use crate::runtime::program::entry::code_of;
use crate::runtime::program::namespace::Namespace;
use crate::runtime::program::types::{TypeId, TypeKind};
use crate::runtime::{Binding, Vm};

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Meaning {
    /// Something that the unit itself declares: the name.
    Own(OwnName),
    /// A binding that is there already.
    Known(KnownBinding),
}

/// An own name: index into the unit's items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OwnName {
    /// The item that declares it.
    pub item: usize,
    /// It is a method that a protocol declares, not the protocol.
    pub method: bool,
}

/// A binding that is compared by identity.
#[derive(Clone, Copy, Debug)]
pub struct KnownBinding(pub &'static Binding);

impl PartialEq for KnownBinding {
    fn eq(&self, other: &KnownBinding) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

/// What is known of a type before the unit is declared.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeView {
    /// A builtin type.
    Builtin,
    /// A struct: its fields.
    Struct(Vec<FieldView>),
    /// An enum: its variants with their fields.
    Enum(Vec<(String, Vec<FieldView>)>),
    /// A protocol: its methods.
    Protocol(Vec<MethodView>),
}

/// A field as the checks see it.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldView {
    /// Its name.
    pub name: String,
    /// A literal may leave it out.
    pub optional: bool,
}

/// A method as the checks see it.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodView {
    /// Its name.
    pub name: String,
    /// The numbers of arguments it is declared with, `self` included, ascending (`true`: or more).
    pub takes: Vec<(usize, bool)>,
    /// It has a body for types that give none.
    pub default: bool,
}

/// The names in view of a unit.
pub struct Scope<'a> {
    /// The machine.
    pub vm: &'static Vm,
    /// The unit.
    pub unit: &'a Unit,
    /// Where it is at home.
    pub namespace: &'static Namespace,
    /// `core`
    pub core: Option<&'static Namespace>,
    /// What the unit declares.
    pub own: FxHashMap<&'a str, usize>,
    /// What the `use` lines bring: aliases.
    pub aliases: FxHashMap<&'a str, &'static Namespace>,
    /// What the `use` lines bring: names.
    pub imports: FxHashMap<&'a str, &'static Binding>,
    /// What the `export` lines add.
    pub exports: FxHashMap<&'a str, &'static Binding>,
}

impl<'a> Scope<'a> {
    /// A scope without `use` and `export` lines.
    pub fn new(vm: &'static Vm, unit: &'a Unit, namespace: &'static Namespace) -> Scope<'a> {
        let mut own = FxHashMap::default();
        for (index, item) in unit.items.iter().enumerate() {
            for name in declared_names(unit, item) {
                own.entry(name).or_insert(index);
            }
        }
        let core = vm.namespaces.find("core");
        Scope {
            vm,
            unit,
            namespace,
            core,
            own,
            aliases: FxHashMap::default(),
            imports: FxHashMap::default(),
            exports: FxHashMap::default(),
        }
    }

    /// The namespace that stands before the `/` of a qualified name.
    pub fn namespace_called(&self, alias: &str) -> Option<&'static Namespace> {
        let direct = self.aliases.get(alias).copied().or_else(|| self.namespace.alias(alias));
        if direct.is_some() {
            return direct;
        }
        if alias == "core" || alias == self.namespace.name || self.used_path(alias) {
            return self.vm.namespaces.find(alias);
        }
        None
    }

    /// Is there such a namespace in the library?
    pub fn is_library(&self, name: &str) -> bool {
        self.vm.library.part(name).is_some()
    }

    /// What could stand before the `/` of a qualified name: what is in view, and the namespaces of the library.
    pub fn namespace_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.aliases.keys().map(|alias| alias.to_string()).collect();
        names.extend(self.namespace.alias_names().into_iter().map(str::to_string));
        names.extend(super::library_names(self.vm));
        names
    }

    fn used_path(&self, path: &str) -> bool {
        self.unit.uses.iter().any(|u| self.unit.name(u.path) == path)
    }

    /// What a reference means.
    pub fn meaning(&self, reference: GlobalRef) -> Option<Meaning> {
        let name = self.unit.name(reference.name);
        let known = |binding| Meaning::Known(KnownBinding(binding));
        if reference.inserted {
            return self.inserted(name);
        }
        let library = self.unit.source.is_library;
        match reference.alias {
            Some(alias) => {
                let namespace = self.namespace_called(self.unit.name(alias))?;
                if std::ptr::eq(namespace, self.namespace) {
                    return self.local(name);
                }
                namespace.member_for(name, library).map(known)
            }
            None => self.local(name).or_else(|| self.core?.member_for(name, library).map(known)),
        }
    }

    /// What a name means that the text does not have.
    pub fn inserted(&self, name: &str) -> Option<Meaning> {
        self.core?.member(name).map(|binding| Meaning::Known(KnownBinding(binding)))
    }

    fn local(&self, name: &str) -> Option<Meaning> {
        let known = |binding| Meaning::Known(KnownBinding(binding));
        if let Some(&item) = self.own.get(name) {
            let method = matches!(&self.unit.items[item], Item::Protocol { name: p, .. } if self.unit.name(*p) != name);
            return Some(Meaning::Own(OwnName { item, method }));
        }
        let exported = self.exports.get(name).copied();
        // A name that an entry of a conversation has only mentioned is still unknown.
        let own = || self.namespace.own(name).filter(|binding| binding.is_declared());
        exported.or_else(|| self.imports.get(name).copied()).or_else(own).map(known)
    }

    /// The type that a meaning is.
    pub fn type_view(&self, meaning: Meaning) -> Option<TypeView> {
        match meaning {
            Meaning::Own(own) if own.method => None,
            Meaning::Own(own) => self.own_type(own.item),
            Meaning::Known(known) => self.known_type(known.0.type_id()?),
        }
    }

    /// The name of the type that a meaning is.
    pub fn type_name(&self, meaning: Meaning) -> String {
        match meaning {
            Meaning::Own(own) => match &self.unit.items[own.item] {
                Item::Struct { name, .. } | Item::Enum { name, .. } | Item::Protocol { name, .. } => {
                    self.unit.name(*name).to_string()
                }
                _ => String::new(),
            },
            Meaning::Known(known) => known.0.name.to_string(),
        }
    }

    fn own_type(&self, item: usize) -> Option<TypeView> {
        let fields = |fields: &[crate::reader::tree::Field]| -> Vec<FieldView> {
            fields
                .iter()
                .map(|f| FieldView { name: self.unit.name(f.name).to_string(), optional: f.default.is_some() })
                .collect()
        };
        match &self.unit.items[item] {
            Item::Struct { fields: list, .. } => Some(TypeView::Struct(fields(list))),
            Item::Enum { variants, .. } => Some(TypeView::Enum(
                variants.iter().map(|v| (self.unit.name(v.name).to_string(), fields(&v.fields))).collect(),
            )),
            Item::Protocol { methods, .. } => {
                let view = |m: &Method| MethodView {
                    name: self.unit.name(m.name).to_string(),
                    takes: method_takes(self.unit, m),
                    default: m.default.is_some(),
                };
                Some(TypeView::Protocol(methods.iter().map(view).collect()))
            }
            _ => None,
        }
    }

    fn known_type(&self, id: TypeId) -> Option<TypeView> {
        let info = self.vm.types.get(id);
        let fields = |id| -> Vec<FieldView> {
            let layout = self.vm.types.layout(id);
            let fields = layout.map(|l| l.fields.as_slice()).unwrap_or_default();
            fields.iter().map(|f| FieldView { name: f.name.to_string(), optional: f.default.is_some() }).collect()
        };
        Some(match info.kind {
            TypeKind::Builtin => TypeView::Builtin,
            TypeKind::Struct => TypeView::Struct(info.layout().map(fields).unwrap_or_default()),
            TypeKind::Enum => {
                let body = info.body();
                TypeView::Enum(body.variants.iter().map(|v| (v.name.to_string(), fields(v.layout))).collect())
            }
            TypeKind::Protocol => {
                let methods = self.vm.dispatch.methods_of(id);
                let view = |m: &&dispatch::MethodInfo| MethodView {
                    name: m.name.to_string(),
                    takes: m.declared(),
                    default: m.default().is_some() || m.builtin_for_all(),
                };
                TypeView::Protocol(methods.iter().map(view).collect())
            }
        })
    }

    /// The numbers of arguments that a function in view takes (`true`: or more), when that is known.
    pub fn takes(&self, cx: &crate::gc::Thread, name: &str, meaning: Meaning) -> Option<Vec<(usize, bool)>> {
        match meaning {
            Meaning::Own(own) => match &self.unit.items[own.item] {
                Item::Function { function, .. } => Some(self.function_takes(*function)),
                Item::Protocol { methods, .. } => {
                    let method = methods.iter().find(|m| self.unit.name(m.name) == name)?;
                    Some(method_takes(self.unit, method))
                }
                _ => None,
            },
            Meaning::Known(known) => {
                let code = code_of(known.0.get(cx)?)?;
                match code.source {
                    CodeSource::Builtin(_) | CodeSource::Function { .. } | CodeSource::Method(_) => Some(code.takes()),
                }
            }
        }
    }

    /// The numbers of arguments that a function of the unit takes (`true`: or more).
    pub fn function_takes(&self, id: FunctionId) -> Vec<(usize, bool)> {
        self.unit.function(id).arities.iter().map(|a: &Arity| (a.params.len(), a.rest.is_some())).collect()
    }

    /// Is the name bound by `let dynamic`?
    pub fn is_dynamic(&self, meaning: Meaning) -> bool {
        match meaning {
            Meaning::Own(own) => {
                matches!(&self.unit.items[own.item], Item::Let { kind: LetKind::Dynamic, .. })
            }
            Meaning::Known(known) => known.0.kind() == crate::runtime::program::binding::BindingKind::Dynamic,
        }
    }

    /// All names in view that a misspelt name could have been, locals of the functions around the place included.
    pub fn candidates(&self, reference: GlobalRef) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        match reference.alias.and_then(|alias| self.namespace_called(self.unit.name(alias))) {
            Some(namespace) => names.extend(namespace.names_for(self.unit.source.is_library)),
            None if reference.alias.is_some() => {}
            None => {
                names.extend(self.own.keys().map(|n| n.to_string()));
                names.extend(self.imports.keys().chain(self.exports.keys()).map(|n| n.to_string()));
                let namespaces = std::iter::successors(Some(self.namespace), |namespace| namespace.outer());
                names.extend(namespaces.flat_map(Namespace::members).map(|(name, _)| name.to_string()));
                names.extend(self.namespace.import_names().into_iter().map(str::to_string));
                if let Some(core) = self.core {
                    names.extend(core.names_for(self.unit.source.is_library));
                }
                for function in &self.unit.functions {
                    for arity in &function.arities {
                        if arity.span.start <= reference.span.start && reference.span.end <= arity.span.end {
                            names.extend(arity.vars.iter().map(|v| self.unit.name(v.name).to_string()));
                        }
                    }
                }
            }
        }
        names
    }
}

/// The names that an item declares.
pub fn declared_names<'a>(unit: &'a Unit, item: &'a Item) -> Vec<&'a str> {
    match item {
        Item::Function { name, .. } | Item::Struct { name, .. } | Item::Enum { name, .. } => vec![unit.name(*name)],
        Item::Protocol { name, methods, .. } => {
            let methods = methods.iter().map(|m| unit.name(m.name));
            std::iter::once(unit.name(*name)).chain(methods).collect()
        }
        Item::Let { names, .. } => names.iter().map(|(name, _)| unit.name(*name)).collect(),
        Item::Extend(_) | Item::Expression { .. } | Item::Test { .. } => Vec::new(),
    }
}

/// All numbers of arguments of a method, those with a default body included, ascending.
pub fn method_takes(unit: &Unit, method: &Method) -> Vec<(usize, bool)> {
    let mut all: Vec<(usize, bool)> = method.abstract_arities.iter().map(|n| (*n as usize, false)).collect();
    if let Some(default) = method.default {
        all.extend(unit.function(default).arities.iter().map(|a| (a.params.len(), a.rest.is_some())));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Does the pattern fit everything?
pub fn irrefutable(unit: &Unit, pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Ignore | Pattern::Bind(_) => true,
        Pattern::Or(all) => all.iter().any(|p| irrefutable(unit, unit.pattern(*p))),
        _ => false,
    }
}
