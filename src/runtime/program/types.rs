//! Types and layouts: what the runtime knows of them.
//!
//! Owns the type table (TypeId -> [`TypeInfo`]) and the layout table (LayoutId -> [`LayoutInfo`]), both growing only, both
//! handing out references that live for ever. The heap knows the same layouts by shape alone.
//!
//! A struct that is declared again keeps its TypeId and gets a new layout when its fields changed; the last layout is the
//! present one. Every variant of an enum has a layout of its own; a variant without fields has one object, in `singleton`.

use std::fmt;
use std::mem::offset_of;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use super::binding::Place;
use super::code::Code;
use super::keywords::intern;
use super::present::{Beside, Constant};
use super::roots::RootCell;
use crate::asm::memory::{CodeMemory, MemoryError};
use crate::gc::{Heap, Value};
use crate::locks::{Mutex, ReadGuard, RwLock, WriteGuard};
use crate::object::layout::{self, LayoutId};
use crate::runtime::observe::Notes;
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::program::held::DependsOn;

/// A type in the type table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// What kind of type it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TypeKind {
    /// Native: `Int`, `String`…
    Builtin,
    /// `struct`
    Struct,
    /// `enum`
    Enum,
    /// `protocol`
    Protocol,
}

/// A field of a struct or variant.
#[derive(Clone, Debug)]
pub struct FieldInfo {
    /// Its name.
    pub name: &'static str,
    /// May it be written?
    pub mutable: bool,
    /// The function without parameters that computes its default (a closure without captures).
    pub default: Option<&'static Code>,
    /// What the default gives, where it is a plain literal.
    pub constant: Option<Constant>,
    /// The doc comment.
    pub doc: Option<Arc<str>>,
}

/// A variant of an enum.
#[derive(Clone, Debug)]
pub struct VariantInfo {
    /// Its name.
    pub name: &'static str,
    /// The doc comment.
    pub doc: Option<Arc<str>>,
    /// Its present layout.
    pub layout: LayoutId,
}

/// A type. Never freed.
pub struct TypeInfo {
    /// Its number (slot 0 of the TYPE or PROTOCOL object).
    pub id: TypeId,
    /// `Point`
    pub name: &'static str,
    /// `shapes`
    pub namespace: &'static str,
    /// What kind of type it is.
    pub kind: TypeKind,
    /// The TYPE or PROTOCOL object.
    pub object: &'static RootCell,
    body: RwLock<TypeBody>,
    /// What the layouts of a struct share, and those of each variant: here before the first of them is.
    kins: Mutex<FxHashMap<Option<&'static str>, &'static Kin>>,
    /// How often its layouts were declared, in a cell that code looks at. See [`TypeInfo::change_layouts`].
    declarations: &'static AtomicU64,
    /// Held while a declaration takes place, from before functions are told to when all is known.
    declaring: RwLock<()>,
    /// Functions whose code takes the present layouts for granted.
    dependents: Mutex<FxHashMap<usize, &'static Code>>,
}

/// The part of a type that a redefinition changes.
#[derive(Default, Clone)]
pub struct TypeBody {
    /// All layouts of a struct or builtin type, the last is the present one. Of an enum: those of its variants, old and new.
    pub layouts: Vec<LayoutId>,
    /// The variants of an enum, in order.
    pub variants: Vec<VariantInfo>,
    /// The doc comment.
    pub doc: Option<Arc<str>>,
    /// Where it is declared.
    pub place: Option<Place>,
}

/// A layout. Never freed.
pub struct LayoutInfo {
    /// Its id in headers.
    pub id: LayoutId,
    /// The type.
    pub type_: TypeId,
    /// The name of the type.
    pub type_name: &'static str,
    /// Of an enum: the name of the variant.
    pub variant: Option<&'static str>,
    /// The fields, a slot each.
    pub fields: Vec<FieldInfo>,
    /// What it shares with the other layouts of the type, or of the variant.
    pub kin: &'static Kin,
    /// Which of them the type has no more: a later declaration left them out.
    removed: Box<[AtomicBool]>,
    /// Not 0 as soon as the type's present declaration has another one, in a cell that code looks at.
    pub outdated: &'static AtomicU64,
    /// The one object of a variant without fields.
    pub singleton: Option<&'static RootCell>,
}

/// What all layouts share that one struct or one variant ever had. Never freed.
pub struct Kin {
    /// The first of them.
    pub first: LayoutId,
    several: AtomicBool,
    mutable: AtomicBool,
    hashed: RwLock<&'static [FieldInfo]>,
    /// What was written to fields that objects were made without.
    pub(super) beside: Beside,
}

impl Kin {
    fn new(first: LayoutId) -> &'static Kin {
        Box::leak(Box::new(Kin {
            first,
            several: AtomicBool::new(false),
            mutable: AtomicBool::new(false),
            hashed: RwLock::new(&[]),
            beside: Beside::default(),
        }))
    }

    /// Are there others than the first?
    pub fn is_several(&self) -> bool {
        self.several.load(Ordering::Acquire)
    }

    /// Has one of them a field that may be written?
    pub fn is_mutable(&self) -> bool {
        self.mutable.load(Ordering::Acquire)
    }

    /// The fields whose values make the hash: those of the first declaration, so that a map finds the keys that it has when a
    /// field is added. Only when none of them is left are they those of a later one.
    pub fn hashed(&self) -> &'static [FieldInfo] {
        *crate::runtime::read(&self.hashed)
    }

    /// One more layout.
    fn add(&self, layout: &'static LayoutInfo) {
        if layout.fields.iter().any(|f| f.mutable) {
            self.mutable.store(true, Ordering::Release);
        }
        let mut hashed = crate::runtime::write(&self.hashed);
        let left = hashed.iter().any(|old| layout.fields.iter().any(|new| new.name == old.name));
        if !left && !layout.fields.is_empty() {
            *hashed = &layout.fields;
        }
        drop(hashed);
        if layout.id != self.first {
            self.several.store(true, Ordering::Release);
        }
    }
}

impl fmt::Debug for TypeInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl LayoutInfo {
    /// The slot of a field that the type still has.
    pub fn slot(&self, field: &str) -> Option<usize> {
        self.present_fields().find(|(_, f)| f.name == field).map(|(slot, _)| slot)
    }

    /// The slot of a field that objects were made with, whether the type still has it or not.
    pub fn made_with(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == field)
    }

    /// The fields that the type still has, with their slots.
    pub fn present_fields(&self) -> impl Iterator<Item = (usize, &FieldInfo)> {
        let removed = |slot: &usize| self.removed[*slot].load(Ordering::Acquire);
        self.fields.iter().enumerate().filter(move |(slot, _)| !removed(slot))
    }

    /// Objects of this layout are seen as the type's present declaration has them.
    pub(super) fn see_as(&self, present: &LayoutInfo) {
        for (field, removed) in self.fields.iter().zip(&self.removed) {
            removed.store(!present.fields.iter().any(|f| f.name == field.name), Ordering::Release);
        }
    }

    /// Is it a layout of the same type and variant?
    pub fn is_of(&self, other: &LayoutInfo) -> bool {
        self.type_ == other.type_ && self.variant == other.variant
    }

    /// Is it the layout of new objects no more?
    pub fn is_outdated(&self) -> bool {
        self.outdated.load(Ordering::Acquire) != 0
    }

    /// `Point`, `Action.run`
    pub fn display_name(&self) -> String {
        match self.variant {
            Some(variant) => format!("{}.{variant}", self.type_name),
            None => self.type_name.to_string(),
        }
    }
}

impl TypeInfo {
    /// The part that a redefinition changes.
    pub fn body(&self) -> TypeBody {
        crate::runtime::read(&self.body).clone()
    }

    /// The present layout of a struct or builtin type.
    pub fn layout(&self) -> Option<LayoutId> {
        if self.kind == TypeKind::Enum {
            return None;
        }
        crate::runtime::read(&self.body).layouts.last().copied()
    }

    /// The layouts but for the first ones, in the order in which they were made.
    pub fn layouts_from(&self, first: usize) -> Vec<LayoutId> {
        crate::runtime::read(&self.body).layouts.get(first..).unwrap_or_default().to_vec()
    }

    /// The variant of this name.
    pub fn variant(&self, name: &str) -> Option<VariantInfo> {
        Some(self.numbered_variant(name)?.1)
    }

    /// The variant of this name, with its number.
    pub fn numbered_variant(&self, name: &str) -> Option<(usize, VariantInfo)> {
        let body = crate::runtime::read(&self.body);
        body.variants.iter().enumerate().find(|(_, v)| v.name == name).map(|(number, v)| (number, v.clone()))
    }

    /// Are there layouts beside the present ones?
    pub fn has_old_layouts(&self) -> bool {
        let body = crate::runtime::read(&self.body);
        body.layouts.len() > if self.kind == TypeKind::Enum { body.variants.len() } else { 1 }
    }

    /// The names of the variants, in order.
    pub fn variant_names(&self) -> Vec<&'static str> {
        crate::runtime::read(&self.body).variants.iter().map(|v| v.name).collect()
    }

    /// Notes that a function is to be compiled anew when the type gets a new layout.
    pub fn depend(&'static self, code: &'static Code) {
        if crate::runtime::lock(&self.dependents).insert(code.address(), code).is_none() {
            crate::runtime::lock(&code.depends_on).push(DependsOn::Type(self));
        }
    }

    /// A function is about to be freed.
    pub(in crate::runtime) fn forget(&self, code: &Code) {
        crate::runtime::lock(&self.dependents).remove(&code.address());
    }

    /// The functions that are to be compiled anew.
    pub(super) fn dependents(&self) -> Vec<&'static Code> {
        crate::runtime::lock(&self.dependents).values().copied().collect()
    }

    /// Nobody declares it anew as long as this is held. Taken with no lock held; nothing may be allocated meanwhile.
    pub(in crate::runtime) fn settled(&self) -> ReadGuard<'_, ()> {
        crate::runtime::read(&self.declaring)
    }

    /// It is being declared anew: who compiles code that knows its layouts waits. Nothing may be allocated meanwhile, for those who
    /// wait would hold up a collection.
    pub(super) fn declare(&self) -> WriteGuard<'_, ()> {
        crate::runtime::write(&self.declaring)
    }

    /// The cell that counts declarations, and what it says.
    pub fn declarations(&self) -> (usize, i32) {
        (self.declarations.as_ptr() as usize, self.declarations.load(Ordering::Acquire) as i32)
    }

    /// Changes the layouts of new objects. It is counted before anybody can see them: who sees an object of a new layout sees
    /// that code which does not know it is behind.
    pub(super) fn change_layouts(&self, f: impl FnOnce(&mut TypeBody)) {
        let mut body = crate::runtime::write(&self.body);
        let count = self.declarations.load(Ordering::Relaxed).wrapping_add(1) & (i32::MAX as u64);
        self.declarations.store(count, Ordering::Release);
        f(&mut body);
    }

    /// Changes the part that a redefinition changes.
    pub(super) fn change(&self, f: impl FnOnce(&mut TypeBody)) {
        f(&mut crate::runtime::write(&self.body));
    }
}

/// The builtin types: type ids are the positions here.
#[rustfmt::skip]
pub const BUILTIN_TYPES: &[(&str, &[LayoutId])] = &[
    ("Int", &[layout::INT, layout::BIG_INT]),
    ("Float", &[layout::FLOAT]),
    ("Null", &[layout::NULL]),
    ("Bool", &[layout::BOOL]),
    ("Keyword", &[layout::KEYWORD]),
    ("String", &[layout::STRING, layout::STRING_PREFIX]),
    ("Array", &[layout::ARRAY, layout::NODE]),
    ("Vector", &[layout::VECTOR]),
    ("Map", &[layout::MAP]),
    ("Set", &[layout::SET]),
    ("Atom", &[layout::ATOM]),
    ("Range", &[layout::RANGE]),
    ("Function", &[layout::CLOSURE]),
    ("Type", &[layout::TYPE]),
    ("Namespace", &[layout::NAMESPACE]),
    ("Native", &[layout::NATIVE]),
    ("Seq", &[layout::SEQ]),
    ("StringBuilder", &[layout::STRING_BUILDER]),
    ("MutableList", &[layout::MUTABLE_LIST]),
    ("MutableMap", &[layout::MUTABLE_MAP]),
    ("MutableSet", &[layout::MUTABLE_SET]),
    ("Thread", &[layout::THREAD_HANDLE]),
    ("Protocol", &[layout::PROTOCOL]),
    ("LazySeq", &[layout::LAZY]),
];

/// Names of builtin types that would hide a protocol of the same name, and so are no members of `core`.
pub const UNNAMED_TYPES: &[&str] = &["Seq", "Native", "Protocol", "LazySeq"];

/// A cell that code looks at; it is 0.
fn data_cell(memory: &CodeMemory) -> Result<&'static AtomicU64, MemoryError> {
    // SAFETY: fresh zeroed memory of the right size and alignment that nobody frees.
    Ok(unsafe { memory.alloc_data(8, 8)?.cast::<AtomicU64>().as_ref() })
}

/// All types and layouts.
#[derive(Default)]
pub struct Types {
    types: RwLock<Vec<&'static TypeInfo>>,
    layouts: RwLock<Vec<Option<&'static LayoutInfo>>>,
    errors: OnceLock<FxHashMap<ErrorKind, LayoutId>>,
    interrupt: OnceLock<LayoutId>,
    lazy: OnceLock<LayoutId>,
    /// Who has a field of this name: the newest layout while it is one type alone, none when several have it.
    by_field: RwLock<FxHashMap<&'static str, Option<LayoutId>>>,
    /// Has some struct or variant several layouts?
    any_several: AtomicBool,
}

impl Types {
    /// Where a debugger finds them.
    pub fn facts(&self, note: Notes<'_>) {
        note("types", (&raw const *crate::runtime::read(&self.types)) as usize);
        note("type.name", offset_of!(TypeInfo, name));
        note("layouts", (&raw const *crate::runtime::read(&self.layouts)) as usize);
        note("layout.type_name", offset_of!(LayoutInfo, type_name));
        note("layout.variant", offset_of!(LayoutInfo, variant));
        note("layout.fields", offset_of!(LayoutInfo, fields));
        note("layout.removed", offset_of!(LayoutInfo, removed));
        note("field.size", size_of::<FieldInfo>());
        note("field.name", offset_of!(FieldInfo, name));
    }

    /// The type with this number.
    ///
    /// # Panics
    /// When there is none: ids come from this table.
    pub fn get(&self, id: TypeId) -> &'static TypeInfo {
        crate::runtime::read(&self.types)[id.0 as usize]
    }

    /// The type with this number, if there is one.
    pub fn find(&self, id: u32) -> Option<&'static TypeInfo> {
        crate::runtime::read(&self.types).get(id as usize).copied()
    }

    /// The number of types.
    pub fn count(&self) -> usize {
        crate::runtime::read(&self.types).len()
    }

    /// The layout with this id.
    pub fn layout(&self, id: LayoutId) -> Option<&'static LayoutInfo> {
        crate::runtime::read(&self.layouts).get(id as usize).copied().flatten()
    }

    /// The one layout whose objects have this field, as far as it is one.
    pub fn only_layout_with(&self, field: &str) -> Option<LayoutId> {
        crate::runtime::read(&self.by_field).get(field).copied().flatten()
    }

    /// Was any struct or variant declared anew with other fields?
    #[inline]
    pub fn any_several(&self) -> bool {
        self.any_several.load(Ordering::Relaxed)
    }

    /// One more than the highest layout id in use.
    pub fn layout_limit(&self) -> usize {
        crate::runtime::read(&self.layouts).len()
    }

    /// The type of a layout.
    pub fn type_of_layout(&self, id: LayoutId) -> Option<&'static TypeInfo> {
        self.layout(id).map(|l| self.get(l.type_))
    }

    /// The type of a value. Internal objects have none.
    pub fn type_of(&self, value: Value<'_>) -> Option<&'static TypeInfo> {
        self.type_of_layout(value.layout())
    }

    /// The layout that an object of this one would have if it were made now: none where its variant is gone.
    pub fn present(&self, layout: &LayoutInfo) -> Option<&'static LayoutInfo> {
        let type_ = self.get(layout.type_);
        let id = match layout.variant {
            Some(variant) => type_.variant(variant).map(|v| v.layout),
            None => type_.layout(),
        };
        self.layout(id?)
    }

    /// The name of a value's type.
    pub fn name_of(&self, value: Value<'_>) -> &'static str {
        self.layout(value.layout()).map_or("Internal", |l| l.type_name)
    }

    /// The layout of the `SystemError` variant for this kind.
    ///
    /// # Panics
    /// Before the core is set up.
    pub fn error_layout(&self, kind: ErrorKind) -> LayoutId {
        self.errors.get().and_then(|e| e.get(&kind)).copied().expect("SystemError is declared first of all")
    }

    pub(in crate::runtime) fn set_error_layouts(&self, layouts: FxHashMap<ErrorKind, LayoutId>) {
        let _ = self.errors.set(layouts);
    }

    /// The layout of `Interrupt`.
    ///
    /// # Panics
    /// Before the core is set up.
    pub fn interrupt_layout(&self) -> LayoutId {
        *self.interrupt.get().expect("Interrupt is declared first of all")
    }

    pub(in crate::runtime) fn set_interrupt_layout(&self, layout: LayoutId) {
        let _ = self.interrupt.set(layout);
    }

    /// Is it the layout of lazy sequences, `seq/Lazy`? They have identity: what they hold depends on who has asked so far.
    #[inline]
    pub fn is_lazy(&self, layout: LayoutId) -> bool {
        self.lazy.get() == Some(&layout)
    }

    pub(in crate::runtime) fn set_lazy_layout(&self, layout: LayoutId) {
        let _ = self.lazy.set(layout);
    }

    /// The records that defaults of fields hold.
    pub(in crate::runtime) fn records(&self) -> Vec<&'static Code> {
        let layouts = crate::runtime::read(&self.layouts);
        layouts.iter().flatten().flat_map(|l| &l.fields).filter_map(|f| f.default).collect()
    }

    /// Adds a type without layouts.
    pub(super) fn add_type(
        &self,
        name: &str,
        namespace: &str,
        kind: TypeKind,
        object: &'static RootCell,
        memory: &CodeMemory,
    ) -> Result<&'static TypeInfo, MemoryError> {
        let declarations = data_cell(memory)?;
        let mut types = crate::runtime::write(&self.types);
        let info: &'static TypeInfo = Box::leak(Box::new(TypeInfo {
            id: TypeId(types.len() as u32),
            name: intern(name),
            namespace: intern(namespace),
            kind,
            object,
            body: RwLock::default(),
            kins: Mutex::default(),
            declarations,
            declaring: RwLock::default(),
            dependents: Mutex::default(),
        }));
        types.push(info);
        Ok(info)
    }

    /// Makes a layout for a type, a new one of the heap or a fixed one. The type does not have it yet: see
    /// [`TypeInfo::change_layouts`].
    pub(super) fn add_layout(
        &self,
        (heap, memory): (&Heap, &CodeMemory),
        fixed: Option<LayoutId>,
        type_: &TypeInfo,
        variant: Option<&'static str>,
        fields: Vec<FieldInfo>,
        singleton: Option<&'static RootCell>,
    ) -> Option<&'static LayoutInfo> {
        let id = match fixed {
            Some(id) => id,
            None => heap.register_layout(fields.len() as u32)?,
        };
        let type_name = type_.name;
        let outdated = data_cell(memory).ok()?;
        let removed = fields.iter().map(|_| AtomicBool::new(false)).collect();
        let kin: &'static Kin = match fixed {
            Some(id) => Kin::new(id),
            None => crate::runtime::lock(&type_.kins).entry(variant).or_insert_with(|| Kin::new(id)),
        };
        let info: &'static LayoutInfo = Box::leak(Box::new(LayoutInfo {
            id,
            kin,
            type_: type_.id,
            type_name,
            variant,
            fields,
            removed,
            outdated,
            singleton,
        }));
        let mut layouts = crate::runtime::write(&self.layouts);
        if layouts.len() <= id as usize {
            layouts.resize(id as usize + 1, None);
        }
        layouts[id as usize] = Some(info);
        drop(layouts);
        kin.add(info);
        if kin.is_several() {
            self.any_several.store(true, Ordering::Release);
        }
        let mut by_field = crate::runtime::write(&self.by_field);
        for field in &info.fields {
            let known = by_field.get(field.name).copied();
            let alone = match known {
                None => true,
                Some(other) => {
                    other.and_then(|o| self.layout(o)).is_some_and(|o| o.type_ == info.type_ && o.variant == variant)
                }
            };
            by_field.insert(field.name, alone.then_some(id));
        }
        drop(by_field);
        Some(info)
    }
}
