//! Code records: what a function value points to.
//!
//! Owns the entries that generated code calls through, and the description of the function behind them. A record lives in
//! the data part of code memory and never moves. Must not know how code is generated.
//!
//! Generated code: `load [f + closure_disp(0)]`, `call [that + 8 * min(argc, 6)]`, the arguments in ARGS, the function in
//! CLOSURE; with 6 or more arguments `thread.arg_count` holds the number and the sixth and further ones are in
//! `thread.arg_spill[5..]`.

use std::fmt;
use std::mem::offset_of;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::binding::Binding;
use super::dispatch::MethodInfo;
use super::held::DependsOn;
use super::linked::LinkedUnit;
use crate::asm::memory::{FREED, MemoryError};
use crate::gc::{Thread, Thrown};
use crate::locks::Mutex;
use crate::reader::tree::FunctionId;
use crate::runtime::compile::reclaim::Owned;
use crate::runtime::observe::Notes;
use crate::runtime::program::builtin::Builtin;
use crate::runtime::vm::Vm;
use crate::stubs::PACKED;
pub use crate::stubs::{ENTRIES, MANY};

/// A function's code record.
#[repr(C)]
pub struct Code {
    /// Where to go when called with n arguments; `entry[6]`: with 6 or more. At offset 0.
    pub entry: [AtomicUsize; ENTRIES],
    /// Where a call goes whose rest arguments are a vector already: the body of the arity with a rest.
    pub packed: AtomicUsize,
    /// How the function calls itself: `shapes/area`, `shapes/main:12`.
    pub name: Box<str>,
    /// What is behind it.
    pub source: CodeSource,
    /// The arities, fixed ones first in ascending order, the rest arity last.
    pub arities: Box<[ArityInfo]>,
    /// The number of captured values of its closures.
    pub captures: u32,
    /// The bindings that hold the function without captures and have link cells, which follow `body`.
    pub(in crate::runtime) followers: Mutex<Vec<&'static Binding>>,
    /// The collection that last reached it: see `runtime/compile/reclaim.rs`.
    pub(in crate::runtime) seen: AtomicU32,
    /// What its compiled bodies brought with them.
    pub(in crate::runtime) owned: Mutex<Vec<Owned>>,
    /// Who remembers it as a dependent.
    pub(in crate::runtime) depends_on: Mutex<Vec<DependsOn>>,
    /// Its number in the table of sources.
    pub(in crate::runtime) number: OnceLock<u32>,
    /// A dispatch table holds the address of one of its bodies.
    pub(super) in_tables: AtomicBool,
    /// How often it had to forget its bodies.
    pub(in crate::runtime) resets: AtomicU32,
    /// How often something changed that its code took for granted. What is written in place of calls goes by it in frames that
    /// run meanwhile. At first definitions it stays: what had no value was not taken for granted.
    pub(in crate::runtime) revision: AtomicU64,
    /// How many threads hold it: see [`Held`](super::held::Held).
    pub(in crate::runtime) held: AtomicU32,
}

const _: () = assert!(offset_of!(Code, entry) == 0 && offset_of!(Code, packed) == PACKED as usize, "where stubs look");

/// What is behind a code record.
#[derive(Clone)]
pub enum CodeSource {
    /// A function of the language.
    Function {
        /// The unit it stands in.
        unit: Arc<LinkedUnit>,
        /// Which one.
        function: FunctionId,
    },
    /// A builtin.
    Builtin(&'static Builtin),
    /// A method of a protocol: dispatches on its first argument.
    Method(&'static MethodInfo),
}

/// One arity.
#[derive(Debug)]
pub struct ArityInfo {
    /// Its position in [`crate::reader::tree::Function::arities`].
    pub index: u32,
    /// The number of parameters without the rest parameter.
    pub params: u32,
    /// It has a rest parameter: its body takes `params + 1` arguments, the rest vector last.
    pub rest: bool,
    /// The address of its body, 0 when it is not compiled.
    pub body: AtomicUsize,
    /// Its first parameter may be a collection with a mark (`codegen/accumulators.rs`). Never taken back.
    pub takes_marked: AtomicBool,
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fn {}", self.name)
    }
}

impl Code {
    /// A new record whose entries resolve themselves at the first call.
    pub(in crate::runtime) fn new(
        vm: &Vm,
        name: String,
        source: CodeSource,
        arities: Vec<ArityInfo>,
        captures: u32,
    ) -> Result<&'static Code, MemoryError> {
        let block = vm.memory.alloc_data(size_of::<Code>(), align_of::<Code>())?.cast::<Code>();
        let entry = vm.stubs.entry_resolvers.map(AtomicUsize::new);
        let code = Code {
            entry,
            packed: AtomicUsize::new(vm.stubs.packed_resolver),
            name: name.into(),
            source,
            arities: arities.into(),
            captures,
            followers: Mutex::default(),
            seen: AtomicU32::new(0),
            owned: Mutex::default(),
            depends_on: Mutex::default(),
            number: OnceLock::new(),
            in_tables: AtomicBool::new(false),
            resets: AtomicU32::new(0),
            revision: AtomicU64::new(0),
            held: AtomicU32::new(0),
        };
        // SAFETY: fresh memory of the right size and alignment that nobody else knows.
        unsafe {
            block.write(code);
            Ok(block.as_ref())
        }
    }

    /// Ends the record.
    ///
    /// # Safety
    /// Nobody may use it any more.
    pub(in crate::runtime) unsafe fn free(vm: &Vm, code: &'static Code) {
        let block = std::ptr::NonNull::from(code);
        // SAFETY: the caller's; the block is of `Code::new`.
        unsafe {
            block.drop_in_place();
            super::roots::free(&vm.memory, &vm.heap, block);
        }
    }

    /// Where a debugger finds the name of a record.
    pub fn facts(note: Notes<'_>) {
        note("code.name", offset_of!(Code, name));
    }

    /// The address that closures hold.
    pub fn address(&self) -> usize {
        self as *const Code as usize
    }

    /// The record at an address that a closure holds.
    ///
    /// # Safety
    /// The address came from [`Code::address`].
    pub unsafe fn at(address: usize) -> &'static Code {
        // SAFETY: the caller's; a record lives as long as its closures.
        let code = unsafe { &*(address as *const Code) };
        let freed = usize::from_ne_bytes([FREED; 8]);
        debug_assert!(code.entry[0].load(Ordering::Relaxed) != freed, "the record of a closure was freed");
        code
    }

    /// The arity that takes exactly `argc` arguments without packing.
    pub fn exact(&self, argc: usize) -> Option<&ArityInfo> {
        self.arities.iter().find(|a| !a.rest && a.params as usize == argc)
    }

    /// The arity that is called with `argc` arguments.
    pub fn arity_for(&self, argc: usize) -> Option<&ArityInfo> {
        self.exact(argc).or_else(|| self.rest().filter(|a| a.params as usize <= argc))
    }

    /// The arity with a rest.
    pub fn rest(&self) -> Option<&ArityInfo> {
        self.arities.iter().find(|a| a.rest)
    }

    /// May it be called with `argc` arguments?
    pub fn accepts(&self, argc: usize) -> bool {
        match &self.source {
            CodeSource::Builtin(builtin) => builtin.accepts(argc),
            _ => self.arity_for(argc).is_some(),
        }
    }

    /// The numbers of arguments it takes; `true` for "or more".
    pub fn takes(&self) -> Vec<(usize, bool)> {
        match &self.source {
            CodeSource::Builtin(builtin) => builtin.numbers_taken(),
            _ => self.arities.iter().map(|a| (a.params as usize, a.rest)).collect(),
        }
    }

    /// Its signatures, one for each arity.
    pub fn signatures(&self) -> Vec<String> {
        match &self.source {
            CodeSource::Builtin(builtin) => vec![builtin.signature()],
            CodeSource::Function { unit, function } => {
                unit.unit.function(*function).arities.iter().map(|arity| unit.unit.signature(arity)).collect()
            }
            CodeSource::Method(method) => method.signatures(),
        }
    }

    /// The address of a body; none when it is not compiled.
    pub fn body(&self, arity: &ArityInfo) -> Option<usize> {
        match arity.body.load(Ordering::Acquire) {
            0 => None,
            address => Some(address),
        }
    }

    /// The function of the language behind it.
    pub fn function(&self) -> Option<(&Arc<LinkedUnit>, FunctionId)> {
        match &self.source {
            CodeSource::Function { unit, function } => Some((unit, *function)),
            _ => None,
        }
    }

    /// The builtin behind it.
    pub fn builtin(&self) -> Option<&'static Builtin> {
        match self.source {
            CodeSource::Builtin(builtin) => Some(builtin),
            _ => None,
        }
    }
}

/// Where a call goes: an address of code, borrowed from the thread. Code that was replaced is freed by collections, and the
/// thread cannot take part in one while the address is held: it is jumped to before that, or looked up again.
#[derive(Clone, Copy)]
pub struct Destination<'h> {
    address: usize,
    cx: &'h Thread,
}

impl<'h> Destination<'h> {
    /// An address that has just been read from what keeps the code there alive, or that of a stub, which is never freed.
    pub(super) fn new(cx: &'h Thread, address: usize) -> Destination<'h> {
        Destination { address, cx }
    }

    /// The bare address.
    pub fn address(self) -> usize {
        self.address
    }

    /// The thread.
    pub fn thread(self) -> &'h Thread {
        self.cx
    }
}

/// What the generator made of an arity.
#[derive(Clone, Copy, Debug)]
pub struct CompiledCode {
    /// The address of the body, published.
    pub address: usize,
}

/// Why there is no code.
#[derive(Debug)]
pub enum CompileError {
    /// An exception is pending (the heap is full).
    Thrown(crate::gc::Thrown),
    /// The generator cannot do it; why, in words for the user.
    Refused(String),
    /// Code memory is full; the same.
    Full(String),
}

impl From<crate::gc::Thrown> for CompileError {
    fn from(thrown: crate::gc::Thrown) -> CompileError {
        CompileError::Thrown(thrown)
    }
}

impl From<MemoryError> for CompileError {
    fn from(error: MemoryError) -> CompileError {
        CompileError::Full(error.to_string())
    }
}

/// The generator: gives an arity of a function a body. So many arguments of the call that needs it are in the spill area, a rest
/// vector not included: what they show are hints.
pub type Compiler = fn(&mut Thread, &'static Code, &ArityInfo, usize) -> Result<(), Thrown>;
