//! Declarations: namespaces, bindings, structs, enums, protocols, extensions, as the loader and the bootstrap make them.
//!
//! Owns the semantics of declaring a name again: a struct keeps its TypeId, an enum too, a binding its identity.

use super::errors;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use rustc_hash::FxHashMap;

use super::binding::{Binding, BindingKind, Place};
use super::dispatch::{MethodInfo, TableKind};
use super::keywords::intern;
use super::namespace::Namespace;
use super::roots::RootCell;
use super::types::{FieldInfo, LayoutInfo, TypeBody, TypeInfo, TypeKind, VariantInfo};
use crate::asm::memory::MemoryError;
use crate::gc::{Thread, Thrown};
use crate::object::Word;
use crate::object::layout::{self, LayoutId};
use crate::runtime::vm::{StartError, Vm};
use crate::windows::window;

/// Why a declaration cannot be made.
#[derive(Debug)]
pub enum DeclareError {
    /// No memory for cells or tables.
    Memory(MemoryError),
    /// An exception is pending (the heap is full).
    Thrown(Thrown),
    /// There are too many layouts or fields.
    TooMany,
}

impl From<MemoryError> for DeclareError {
    fn from(error: MemoryError) -> DeclareError {
        DeclareError::Memory(error)
    }
}

impl From<Thrown> for DeclareError {
    fn from(thrown: Thrown) -> DeclareError {
        DeclareError::Thrown(thrown)
    }
}

impl From<DeclareError> for StartError {
    fn from(error: DeclareError) -> StartError {
        match error {
            DeclareError::Memory(error) => StartError::Memory(error),
            DeclareError::Thrown(_) | DeclareError::TooMany => StartError::HeapTooSmall,
        }
    }
}

impl DeclareError {
    /// The same as an exception.
    pub fn throw(self, cx: &mut Thread) -> Thrown {
        match self {
            DeclareError::Memory(error) => super::resolve::no_memory(cx, error),
            DeclareError::Thrown(thrown) => thrown,
            DeclareError::TooMany => {
                cx.throw(errors::ErrorKind::CompileError, "there are too many types, or a type has too many fields")
            }
        }
    }
}

type Result<T> = std::result::Result<T, DeclareError>;

/// A variant as it is declared.
#[derive(Clone, Debug)]
pub struct VariantDeclaration {
    /// Its name.
    pub name: String,
    /// Its fields.
    pub fields: Vec<FieldInfo>,
    /// The doc comment.
    pub doc: Option<Arc<str>>,
}

/// The namespace of this name, new if need be.
pub fn namespace(cx: &mut Thread, name: &str) -> Result<&'static Namespace> {
    let vm = cx.vm();
    let known = vm.namespaces.find(name);
    let namespace = match known {
        Some(known) => known,
        None => vm.namespaces.add(name, vm.library.part(name).is_some(), RootCell::new(&vm.memory, &vm.heap)?),
    };
    // Another thread may have found or made it just now; it has one object.
    if namespace.object.get(cx).is_none() {
        let object = cx.scoped(|cx| named_object(cx, layout::NAMESPACE, namespace.index, name))?;
        namespace.object.set_first(cx, cx.get(object));
    }
    Ok(namespace)
}

/// The heap object of a namespace, type or protocol: number and name.
fn named_object(
    cx: &mut Thread,
    layout: LayoutId,
    index: u32,
    name: &str,
) -> std::result::Result<crate::gc::Handle, Thrown> {
    let text = cx.alloc_string(name)?;
    let index = Word::int(i64::from(index)).unwrap_or(Word::NULL);
    let index = cx.root_word(index);
    cx.alloc_slots(layout, &[index, text])
}

impl Namespace {
    /// The member of this name, new and undefined if need be.
    pub fn intern(&'static self, vm: &Vm, name: &str) -> std::result::Result<&'static Binding, MemoryError> {
        loop {
            if let Some(known) = self.member(name) {
                return Ok(known);
            }
            let binding = Binding::new(vm, vm.next_binding(), self, name)?;
            self.add_member(name, binding);
        }
    }
}

/// A type without layouts, with its object in the binding of its name.
fn new_type(cx: &mut Thread, namespace: &'static Namespace, name: &str, kind: TypeKind) -> Result<&'static TypeInfo> {
    let vm = cx.vm();
    let cell = RootCell::new(&vm.memory, &vm.heap)?;
    let info = vm.types.add_type(name, namespace.name, kind, cell, &vm.memory)?;
    let layout = if kind == TypeKind::Protocol { layout::PROTOCOL } else { layout::TYPE };
    let object = cx.scoped(|cx| named_object(cx, layout, info.id.0, name))?;
    info.object.set(cx, cx.get(object));
    Ok(info)
}

/// The type that a name of this kind already stands for in the namespace itself, or a new one; its object is the value of the
/// binding afterwards.
pub(in crate::runtime) fn type_for(
    cx: &mut Thread,
    namespace: &'static Namespace,
    name: &str,
    kind: TypeKind,
    doc: Option<Arc<str>>,
    place: Option<Place>,
) -> Result<&'static TypeInfo> {
    let vm = cx.vm();
    let binding = namespace.intern(vm, name)?;
    let known = binding.type_id().map(|id| vm.types.get(id)).filter(|t| t.kind == kind);
    let info = match known {
        Some(info) => info,
        None => {
            let made = new_type(cx, namespace, name, kind)?;
            // Another thread may have been first.
            vm.types.get(binding.claim_type(made.id, |id| vm.types.get(id).kind == kind))
        }
    };
    info.change(|body| {
        body.doc = doc.clone();
        body.place = place.clone();
    });
    binding.set_about(doc, place, Some(info.id));
    let known = binding.kind() == BindingKind::Plain;
    binding.set_kind(BindingKind::Plain);
    if let Some(object) = info.object.get(cx)
        // Whoever knows the name for this type need not be told.
        && !(known && binding.get(cx).is_some_and(|value| value.word() == object.word()))
    {
        binding.define(cx, object);
    }
    Ok(info)
}

/// A builtin type. Types without a name of their own in `core` get no binding.
pub fn builtin_type(
    cx: &mut Thread,
    core: &'static Namespace,
    name: &str,
    layouts: &[LayoutId],
    named: bool,
) -> Result<&'static TypeInfo> {
    let vm = cx.vm();
    let info = if named {
        type_for(cx, core, name, TypeKind::Builtin, None, None)?
    } else {
        new_type(cx, core, name, TypeKind::Builtin)?
    };
    for &id in layouts {
        vm.types
            .add_layout((&vm.heap, &vm.memory), Some(id), info, None, Vec::new(), None)
            .ok_or(DeclareError::TooMany)?;
        info.change_layouts(|body| body.layouts.push(id));
    }
    Ok(info)
}

fn same_fields(a: &[FieldInfo], b: &[FieldInfo]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            let same_default = match (a.default, b.default) {
                (None, None) => true,
                (Some(one), Some(other)) => {
                    std::ptr::eq(one, other) || a.constant.is_some() && a.constant == b.constant
                }
                _ => false,
            };
            a.name == b.name && a.mutable == b.mutable && same_default
        })
}

/// `struct name { fields }`
pub fn structure(
    cx: &mut Thread,
    namespace: &'static Namespace,
    name: &str,
    fields: Vec<FieldInfo>,
    doc: Option<Arc<str>>,
    place: Option<Place>,
) -> Result<&'static TypeInfo> {
    let vm = cx.vm();
    let info = type_for(cx, namespace, name, TypeKind::Struct, doc, place)?;
    window();
    let unchanged = info.layout().and_then(|id| vm.types.layout(id)).is_some_and(|l| same_fields(&l.fields, &fields));
    if !unchanged {
        let layout =
            vm.types.add_layout((&vm.heap, &vm.memory), None, info, None, fields, None).ok_or(DeclareError::TooMany)?;
        vm.dispatch.cover(&vm.memory, layout.id + 1)?;
        redeclare(cx, info, &[layout], |body| body.layouts.push(layout.id));
    }
    Ok(info)
}

/// A type gets new layouts: what is known of its old ones is forgotten, and their objects are seen as the type is now. Functions
/// are told before there can be an object of a new layout, and none is compiled meanwhile: so a function that has run nothing yet knows
/// the layouts of its arguments. They are told once more at the end, for others than those who compile may depend on a type.
fn redeclare(cx: &Thread, info: &'static TypeInfo, present: &[&LayoutInfo], change: impl FnOnce(&mut TypeBody)) {
    let vm = cx.vm();
    let _declaring = info.declare();
    info.dependents().into_iter().for_each(|code| code.reset(cx));
    window();
    info.change_layouts(change);
    let mut any = false;
    // One for each variant; of a struct, the one.
    let present: FxHashMap<Option<&str>, &LayoutInfo> =
        present.iter().map(|layout| (layout.variant, *layout)).collect();
    for old in info.body().layouts.iter().filter_map(|id| vm.types.layout(*id)) {
        let present = present.get(&old.variant).copied();
        let is_present = present.is_some_and(|present| present.id == old.id);
        old.outdated.store(u64::from(!is_present), Ordering::Release);
        if let Some(present) = present.filter(|_| !is_present) {
            old.see_as(present);
            any = true;
        }
    }
    window();
    if any {
        // Who fills a site looks afterwards whether the field is there (`fill`): it sees that it is not, or its site is cleared now.
        fence(Ordering::SeqCst);
        vm.reclaim.clear_sites();
        vm.dispatch.reset(|table| matches!(table, TableKind::Selector(_)));
    }
    info.dependents().into_iter().for_each(|code| code.reset(cx));
}

/// `enum name { variants }`
pub fn enumeration(
    cx: &mut Thread,
    namespace: &'static Namespace,
    name: &str,
    variants: Vec<VariantDeclaration>,
    doc: Option<Arc<str>>,
    place: Option<Place>,
) -> Result<&'static TypeInfo> {
    let vm = cx.vm();
    let info = type_for(cx, namespace, name, TypeKind::Enum, doc, place)?;
    let (mut present, mut layouts) = (Vec::new(), Vec::new());
    let before: FxHashMap<&str, LayoutId> = info.body().variants.iter().map(|v| (v.name, v.layout)).collect();
    let mut former = Singletons::default();
    for declared in variants {
        let known = before.get(&*declared.name).and_then(|layout| vm.types.layout(*layout));
        let known = known.filter(|l| same_fields(&l.fields, &declared.fields));
        let layout = match known.or_else(|| former.of(cx, info, &declared)) {
            Some(layout) => layout,
            None => new_variant(cx, info, &declared)?,
        };
        present.push(VariantInfo { name: intern(&declared.name), doc: declared.doc, layout: layout.id });
        layouts.push(layout);
    }
    let before = info.body();
    let changed = before.variants.iter().map(|v| v.layout).ne(present.iter().map(|v| v.layout));
    if changed {
        redeclare(cx, info, &layouts, |body| body.variants = present);
    } else {
        // Their documentation may be another.
        info.change(|body| body.variants = present);
    }
    Ok(info)
}

/// The layouts of an enum's variants without fields, present and former ones, by name: as many as were there when it was asked last.
#[derive(Default)]
struct Singletons {
    known: FxHashMap<&'static str, &'static LayoutInfo>,
    looked_at: usize,
}

impl Singletons {
    /// The layout that a variant without fields had before. Of those there is one, so that its object is the same as ever.
    fn of(&mut self, cx: &Thread, info: &TypeInfo, declared: &VariantDeclaration) -> Option<&'static LayoutInfo> {
        // Other threads may declare the same at this moment.
        let more = info.layouts_from(self.looked_at);
        self.looked_at += more.len();
        for layout in more.into_iter().filter_map(|id| cx.vm().types.layout(id)) {
            if let (Some(_), Some(name)) = (layout.singleton, layout.variant) {
                self.known.entry(name).or_insert(layout);
            }
        }
        self.known.get(&*declared.name).copied().filter(|_| declared.fields.is_empty())
    }
}

fn new_variant(
    cx: &mut Thread,
    info: &'static TypeInfo,
    declared: &VariantDeclaration,
) -> Result<&'static crate::runtime::LayoutInfo> {
    let vm = cx.vm();
    let singleton = match declared.fields.is_empty() {
        true => Some(RootCell::new(&vm.memory, &vm.heap)?),
        false => None,
    };
    let variant = Some(intern(&declared.name));
    let layout = vm
        .types
        .add_layout((&vm.heap, &vm.memory), None, info, variant, declared.fields.clone(), singleton)
        .ok_or(DeclareError::TooMany)?;
    vm.dispatch.cover(&vm.memory, layout.id + 1)?;
    if let Some(cell) = singleton {
        let object = cx.alloc_slots(layout.id, &[])?;
        cell.set(cx, cx.get(object));
    }
    window();
    // Now others may find it, who declare the same (`Singletons`): its object is there.
    info.change(|body| body.layouts.push(layout.id));
    Ok(layout)
}

/// `protocol name`: the methods follow with [`method`].
pub fn protocol(
    cx: &mut Thread,
    namespace: &'static Namespace,
    name: &str,
    doc: Option<Arc<str>>,
    place: Option<Place>,
) -> Result<&'static TypeInfo> {
    type_for(cx, namespace, name, TypeKind::Protocol, doc, place)
}

/// A method of a protocol: a function in the protocol's namespace that takes these numbers of arguments (`true`: or more).
pub fn method(
    cx: &mut Thread,
    namespace: &'static Namespace,
    protocol: &'static TypeInfo,
    name: &str,
    takes: &[(usize, bool)],
    doc: Option<Arc<str>>,
    place: Option<Place>,
) -> Result<&'static MethodInfo> {
    let vm = cx.vm();
    let info = vm.dispatch.add_method(protocol.id, protocol.name, namespace.name, name);
    info.declare(takes);
    let arities = takes
        .iter()
        .enumerate()
        .map(|(i, &(params, rest))| super::code::ArityInfo {
            index: i as u32,
            params: params as u32,
            rest,
            body: 0.into(),
            takes_marked: false.into(),
        })
        .collect();
    let source = super::code::CodeSource::Method(info);
    let code = crate::runtime::Code::new(vm, info.qualified.clone(), source, arities, 0)?;
    let function = cx.alloc_closure(code.address(), &[])?;
    let binding = namespace.intern(vm, name)?;
    binding.set_about(doc, place, None);
    binding.define(cx, cx.get(function));
    Ok(info)
}
