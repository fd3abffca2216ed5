//! Namespaces: names and what they stand for.
//!
//! Owns the table of namespaces, their members, aliases and imports, and the lookup of names through them. A namespace is a
//! heap object of the language too (`object`); this is the table behind it. Must not know files.
//!
//! Invariant: a member's binding never changes; `export` puts the same binding object under another name.

use std::fmt;
use std::mem::offset_of;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::binding::Binding;
use super::keywords::intern;
use super::roots::RootCell;
use crate::locks::RwLock;
use crate::reader::tree::Source;
use crate::runtime::observe::Notes;

/// A namespace. Never freed.
pub struct Namespace {
    /// Its number in the table (and slot 0 of the heap object).
    pub index: u32,
    /// `a/b/c`
    pub name: &'static str,
    /// The heap object.
    pub object: &'static RootCell,
    /// Is it one of the library?
    library: bool,
    body: RwLock<Body>,
}

#[derive(Default)]
struct Body {
    /// Members in the order of their definition.
    order: Vec<&'static str>,
    members: FxHashMap<&'static str, &'static Binding>,
    imports: FxHashMap<&'static str, &'static Binding>,
    aliases: FxHashMap<&'static str, &'static Namespace>,
    doc: Option<Arc<str>>,
    source: Option<Arc<Source>>,
    native: bool,
    outer: Option<&'static Namespace>,
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "namespace {}", self.name)
    }
}

/// All namespaces.
#[derive(Default)]
pub struct Namespaces {
    table: RwLock<Table>,
}

#[derive(Default)]
struct Table {
    by_name: FxHashMap<&'static str, &'static Namespace>,
    all: Vec<&'static Namespace>,
}

impl Namespaces {
    /// Where a debugger finds them.
    pub fn facts(&self, note: Notes<'_>) {
        note("namespaces", (&raw const crate::runtime::read(&self.table).all) as usize);
        note("namespace.name", offset_of!(Namespace, name));
    }

    /// The namespace with this name.
    pub fn find(&self, name: &str) -> Option<&'static Namespace> {
        crate::runtime::read(&self.table).by_name.get(name).copied()
    }

    /// The namespace with this number.
    pub fn by_index(&self, index: u32) -> Option<&'static Namespace> {
        crate::runtime::read(&self.table).all.get(index as usize).copied()
    }

    /// All namespaces in the order of their creation.
    pub fn all(&self) -> Vec<&'static Namespace> {
        crate::runtime::read(&self.table).all.clone()
    }

    /// Adds a namespace, unless there is one of this name already (which wins).
    pub(super) fn add(&self, name: &str, library: bool, object: &'static RootCell) -> &'static Namespace {
        let mut table = crate::runtime::write(&self.table);
        if let Some(known) = table.by_name.get(name) {
            return known;
        }
        let name = intern(name);
        let index = table.all.len() as u32;
        let namespace: &'static Namespace =
            Box::leak(Box::new(Namespace { index, name, object, library, body: RwLock::default() }));
        table.all.push(namespace);
        table.by_name.insert(name, namespace);
        namespace
    }
}

impl Namespace {
    /// The member of this name.
    pub fn member(&self, name: &str) -> Option<&'static Binding> {
        crate::runtime::read(&self.body).members.get(name).copied()
    }

    /// The member of this name for a text that is, or is not, the library's own: what the library calls `_…` nobody else can name,
    /// for it trusts its callers.
    pub fn member_for(&self, name: &str, library: bool) -> Option<&'static Binding> {
        self.member(name).filter(|_| library || !name.starts_with('_') || !self.is_library())
    }

    /// The names of the members that such a text can name.
    pub fn names_for(&self, library: bool) -> Vec<String> {
        let private = !library && self.is_library();
        let names = self.members().into_iter().map(|(name, _)| name);
        names.filter(|name| !private || !name.starts_with('_')).map(str::to_string).collect()
    }

    /// Is it one of the standard library?
    pub fn is_library(&self) -> bool {
        self.library
    }

    /// All members in the order of their definition.
    pub fn members(&self) -> Vec<(&'static str, &'static Binding)> {
        let body = crate::runtime::read(&self.body);
        body.order.iter().filter_map(|name| Some((*name, *body.members.get(name)?))).collect()
    }

    /// The binding that an unqualified name stands for here: a member, an imported name (`core` is the caller's business), or what it
    /// stands for outside.
    pub fn own(&self, name: &str) -> Option<&'static Binding> {
        let body = crate::runtime::read(&self.body);
        let member = body.members.get(name).copied();
        // What was only mentioned hides no import.
        let found = member.filter(|member| member.is_declared()).or_else(|| body.imports.get(name).copied());
        let outer = body.outer;
        drop(body);
        found.or_else(|| outer?.own(name).filter(|binding| binding.is_declared())).or(member)
    }

    /// The namespace whose names are in view here as well: that of a function that is stopped, where this one consists of the variables
    /// of a frame of it.
    pub fn outer(&self) -> Option<&'static Namespace> {
        crate::runtime::read(&self.body).outer
    }

    /// It consists of the variables of a frame of a function in that namespace: what is known there is known here, unless it has another
    /// meaning here.
    pub fn stands_in(&self, outer: &'static Namespace) {
        crate::runtime::write(&self.body).outer = Some(outer);
    }

    /// The namespace that an alias stands for.
    pub fn alias(&self, alias: &str) -> Option<&'static Namespace> {
        let (known, outer) = {
            let body = crate::runtime::read(&self.body);
            (body.aliases.get(alias).copied(), body.outer)
        };
        known.or_else(|| outer?.alias(alias))
    }

    /// The names of all aliases.
    pub fn alias_names(&self) -> Vec<&'static str> {
        self.in_view(|body| body.aliases.keys().copied().collect())
    }

    /// The names of all imports.
    pub fn import_names(&self) -> Vec<&'static str> {
        self.in_view(|body| body.imports.keys().copied().collect())
    }

    /// Names of this namespace and of those that it stands in.
    fn in_view(&self, names: fn(&Body) -> Vec<&'static str>) -> Vec<&'static str> {
        let mut all = names(&crate::runtime::read(&self.body));
        let mut outer = self.outer();
        while let Some(namespace) = outer {
            all.extend(names(&crate::runtime::read(&namespace.body)));
            outer = namespace.outer();
        }
        all
    }

    /// Adds a member under a name. The first binding of a name stays; `false` when another one is there.
    pub fn add_member(&self, name: &str, binding: &'static Binding) -> bool {
        let mut body = crate::runtime::write(&self.body);
        let name = intern(name);
        match body.members.get(name) {
            Some(&known) => std::ptr::eq(known, binding),
            None => {
                body.members.insert(name, binding);
                body.order.push(name);
                true
            }
        }
    }

    /// Takes a name in, unqualified.
    pub fn add_import(&self, name: &str, binding: &'static Binding) {
        crate::runtime::write(&self.body).imports.insert(intern(name), binding);
    }

    /// Names another namespace.
    pub fn add_alias(&self, alias: &str, namespace: &'static Namespace) {
        crate::runtime::write(&self.body).aliases.insert(intern(alias), namespace);
    }

    /// The doc comment.
    pub fn doc(&self) -> Option<Arc<str>> {
        crate::runtime::read(&self.body).doc.clone()
    }

    /// Does it consist of builtins?
    pub fn native(&self) -> bool {
        crate::runtime::read(&self.body).native
    }

    /// Notes that it consists of builtins.
    pub(in crate::runtime) fn set_native(&self) {
        crate::runtime::write(&self.body).native = true;
    }

    /// The text it was last loaded from.
    pub fn source(&self) -> Option<Arc<Source>> {
        crate::runtime::read(&self.body).source.clone()
    }

    /// Notes doc comment and text.
    pub fn set_source(&self, doc: Option<Arc<str>>, source: Option<Arc<Source>>) {
        let mut body = crate::runtime::write(&self.body);
        if doc.is_some() {
            body.doc = doc;
        }
        if source.is_some() {
            body.source = source;
        }
    }
}
