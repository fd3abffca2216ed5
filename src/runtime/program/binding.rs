//! Bindings: a name's cell in a namespace.
//!
//! Owns the cell, what is known of the name, and the link cells through which code calls it. A binding is permanent: its
//! address is embedded in code. Link cells are filled by [`super::link`].
//!
//! Invariant: all link cells agree with the value: whoever stores to `value` goes through [`Binding::define`].

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use rustc_hash::FxHashMap;

use super::code::Code;
use super::keywords::intern;
use super::namespace::Namespace;
use super::roots;
use super::types::TypeId;
use crate::asm::memory::MemoryError;
use crate::gc::{Thread, Value};
use crate::locks::{Mutex, RwLock};
use crate::object::Word;
use crate::reader::tree::{Source, Span};
use crate::runtime::program::held::DependsOn;
use crate::runtime::vm::Vm;

/// How a binding may be redefined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum BindingKind {
    /// Anew at each load.
    Plain = 0,
    /// `let dynamic`: `value` is the root value, threads may have their own.
    Dynamic = 1,
    /// `letonce`
    Once = 2,
}

/// A name's cell in a namespace.
#[repr(C)]
pub struct Binding {
    /// The value, at offset 0: a root. `UNDEFINED` before the definition.
    value: AtomicU64,
    /// How often a value was stored: see [`Binding::version`].
    version: AtomicU64,
    /// Its number; the key in `thread.dynamic`.
    pub index: u32,
    kind: AtomicU8,
    /// The name it was first defined under.
    pub name: &'static str,
    /// The namespace it was first defined in.
    pub namespace: &'static Namespace,
    pub(super) about: RwLock<About>,
    pub(super) cells: Mutex<Vec<super::link::LinkCell>>,
    /// Functions whose code takes more for granted than link cells can follow: that this is a protocol method, say.
    dependents: Mutex<FxHashMap<usize, &'static Code>>,
}

/// What help shows.
#[derive(Default, Clone)]
pub struct About {
    /// The doc comment.
    pub doc: Option<Arc<str>>,
    /// Where it is defined.
    pub place: Option<Place>,
    /// The type it names, when it was declared with `struct`, `enum` or `protocol`.
    pub type_: Option<TypeId>,
}

/// A place in a text.
#[derive(Clone, Debug)]
pub struct Place {
    /// The text.
    pub source: Arc<Source>,
    /// Where in it.
    pub span: Span,
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace.name, self.name)
    }
}

impl Binding {
    pub(super) fn new(
        vm: &Vm,
        index: u32,
        namespace: &'static Namespace,
        name: &str,
    ) -> Result<&'static Binding, MemoryError> {
        let block = vm.memory.alloc_data(size_of::<Binding>(), align_of::<Binding>())?.cast::<Binding>();
        let binding = Binding {
            value: AtomicU64::new(Word::UNDEFINED.0),
            version: AtomicU64::new(0),
            index,
            kind: AtomicU8::new(BindingKind::Plain as u8),
            name: intern(name),
            namespace,
            about: RwLock::default(),
            cells: Mutex::default(),
            dependents: Mutex::default(),
        };
        // SAFETY: fresh memory of the right size and alignment that nobody else knows and nobody frees.
        let binding: &'static Binding = unsafe {
            block.write(binding);
            block.as_ref()
        };
        roots::register(&vm.heap, &binding.value);
        Ok(binding)
    }

    /// The address embedded in code; the value is at offset 0.
    pub fn address(&self) -> usize {
        self as *const Binding as usize
    }

    /// The binding at an address embedded in code.
    ///
    /// # Safety
    /// The address came from [`Binding::address`].
    pub unsafe fn at(address: usize) -> &'static Binding {
        // SAFETY: the caller's; bindings are never freed.
        unsafe { &*(address as *const Binding) }
    }

    /// The root value, if it is defined. For a dynamic binding see `Thread::dynamic_get`.
    #[inline]
    pub fn get<'h>(&self, cx: &'h Thread) -> Option<Value<'h>> {
        roots::load(&self.value, cx)
    }

    /// Is it defined?
    pub fn is_defined(&self) -> bool {
        self.value.load(Ordering::Acquire) != Word::UNDEFINED.0
    }

    /// Has anything defined it, or begun to? Else it was only mentioned.
    pub fn is_declared(&self) -> bool {
        self.is_defined() || crate::runtime::read(&self.about).place.is_some()
    }

    /// Stores the value alone; link cells are the caller's business.
    pub(super) fn store(&self, cx: &Thread, value: Value<'_>) {
        cx.store_root(&self.value, value);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// How often a value was stored. Who reads it before the value, and finds it again later, knows that the name stands for
    /// the same value still.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// How it may be redefined.
    #[inline]
    pub fn kind(&self) -> BindingKind {
        match self.kind.load(Ordering::Relaxed) {
            1 => BindingKind::Dynamic,
            2 => BindingKind::Once,
            _ => BindingKind::Plain,
        }
    }

    /// Declares how it may be redefined.
    pub fn set_kind(&self, kind: BindingKind) {
        self.kind.store(kind as u8, Ordering::Relaxed);
    }

    /// Notes that a function is to be compiled anew when the binding gets another function or kind.
    pub fn depend(&'static self, code: &'static Code) {
        if crate::runtime::lock(&self.dependents).insert(code.address(), code).is_none() {
            crate::runtime::push_first(&mut crate::runtime::lock(&code.depends_on), DependsOn::Binding(self));
        }
    }

    /// A function has no bodies any more.
    pub(in crate::runtime) fn forget(&self, code: &Code) {
        crate::runtime::lock(&self.dependents).remove(&code.address());
    }

    /// The functions that are to be compiled anew.
    pub(super) fn dependents(&self) -> Vec<&'static Code> {
        crate::runtime::lock(&self.dependents).values().copied().collect()
    }

    /// `ns/name`
    pub fn qualified(&self) -> String {
        format!("{}/{}", self.namespace.name, self.name)
    }

    /// What help shows.
    pub fn about(&self) -> About {
        crate::runtime::read(&self.about).clone()
    }

    /// The type it names, when it was declared with `struct`, `enum` or `protocol`.
    pub fn type_id(&self) -> Option<TypeId> {
        crate::runtime::read(&self.about).type_
    }

    /// The type that the name stands for from now on: the one that it stands for already if that `fits`, or else the one that was
    /// made for it. Of several threads that declare it at once all get the same.
    pub(super) fn claim_type(&self, made: TypeId, fits: impl Fn(TypeId) -> bool) -> TypeId {
        let mut about = crate::runtime::write(&self.about);
        let type_ = about.type_.filter(|known| fits(*known)).unwrap_or(made);
        about.type_ = Some(type_);
        type_
    }

    /// Notes what help shows; `None` leaves the type alone.
    pub fn set_about(&self, doc: Option<Arc<str>>, place: Option<Place>, type_: Option<TypeId>) {
        let mut about = crate::runtime::write(&self.about);
        about.doc = doc;
        about.place = place;
        about.type_ = type_;
    }
}
