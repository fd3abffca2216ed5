//! The virtual machine: what all threads of a program share, and how a thread reaches it.
//!
//! Owns the parts and the order in which they come to life. A `Vm` is never freed: code, bindings and types refer to it and to
//! each other for the life of the process.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use super::helpers::Helpers;
use super::load::Loader;
use super::program::library::Library;
use crate::asm::code_map::CodeMap;
use crate::asm::memory::{CodeMemory, MemoryError, RANGE_BYTES};
use crate::asm::publish::Publisher;
use crate::codegen::trials::Trials;
use crate::gc::{self, Heap, Thread, Thrown};
use crate::locks::RwLock;
use crate::object::Word;
use crate::runtime::compile::reclaim::{Later, Reclaim};
use crate::runtime::fault::errors::{ERROR_FIELDS, ERROR_LOCATION, ERROR_MESSAGE};
use crate::runtime::fault::stop::Breakpoints;
use crate::runtime::fault::trace::{self, Trace};
use crate::runtime::observe::{self, observer};
use crate::runtime::program::code::Compiler;
use crate::runtime::program::dispatch::Dispatch;
use crate::runtime::program::keywords::Keywords;
use crate::runtime::program::namespace::{Namespace, Namespaces};
use crate::runtime::program::resolve::{self, Thunk};
use crate::runtime::program::sources::Sources;
use crate::runtime::program::types::Types;
use crate::runtime::system::threads::Threads;
use crate::runtime::system::{finalizers, limits};
use crate::runtime::values::text::crumbs::Crumbs;
use crate::stubs::{Functions, Outside};

/// What all threads share.
pub struct Vm {
    /// The heap.
    pub heap: Arc<Heap>,
    /// Code and data cells.
    pub memory: Arc<CodeMemory>,
    /// What is known of published code.
    pub code_map: Arc<CodeMap>,
    /// By whom all code is published.
    pub publisher: Publisher,
    /// Which text a piece of code belongs to.
    pub sources: Sources,
    /// The hand-written code between Rust and Harrier.
    pub stubs: Stubs,
    /// The code that calls helpers.
    pub helpers: Helpers,
    /// The keywords.
    pub keywords: Keywords,
    /// Types and layouts.
    pub types: Types,
    /// Namespaces.
    pub namespaces: Namespaces,
    /// Dispatch tables.
    pub dispatch: Dispatch,
    /// Shared strings.
    pub text: crate::runtime::values::text::Shared,
    /// The threads that were started.
    pub threads: Threads,
    /// What is loaded.
    pub loader: Loader,
    /// The end of code.
    pub reclaim: Reclaim,
    /// The builtins and the texts of the library.
    pub library: Library,
    /// The generator.
    pub compiler: Compiler,
    bindings: AtomicU32,
    /// A permanent OutOfMemory.
    last_resort: OnceLock<u64>,
    /// What the generator is to try: set before the first function is compiled.
    pub trials: OnceLock<Trials>,
    /// `--dump=asm`: whoever publishes code prints it.
    pub dump_asm: AtomicBool,
    /// For `--gdb`, `--dump=asm` and the prompt: what is compiled says where its variables live.
    pub keeps_variables: AtomicBool,
    /// For the prompt: see [`crate::runtime::fault::locals`].
    pub keeps_locals: AtomicBool,
    /// Lets editors in, for `repl/serve`: who talks to them is above us.
    pub serve: OnceLock<Serve>,
    /// Who is asked at breakpoints.
    pub breakpoints: Breakpoints,
    arguments: RwLock<Vec<String>>,
}

/// Lets clients in, at a port or by a socket of the user's, whose sessions begin in this namespace. Gives the port or the path, or
/// says why it cannot be.
pub type Serve = fn(&mut Thread, Option<u16>, &'static Namespace) -> Result<String, String>;

/// What a thread has besides its context.
pub struct ThreadState {
    /// The machine it belongs to.
    pub vm: &'static Vm,
    /// The stack of the exception on its way.
    pub trace: RefCell<Trace>,
    /// Marks in the texts that it indexes.
    pub crumbs: RefCell<Crumbs>,
}

/// Why a machine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No memory for code.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The operating system refuses.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
    /// A stub does not assemble.
    #[error("internal error: {0}")]
    Stub(#[from] crate::asm::masm::TooFar),
    /// The heap is too small for the core.
    #[error("the heap is too small to start")]
    HeapTooSmall,
}

impl Thread {
    /// The machine that this thread belongs to.
    #[inline]
    pub fn vm(&self) -> &'static Vm {
        self.state().vm
    }

    /// What this thread has besides its context.
    ///
    /// # Panics
    /// When the thread was not attached by [`Vm::attach`].
    #[inline]
    pub fn state(&self) -> &ThreadState {
        let state = self.runtime().cast::<ThreadState>();
        assert!(!state.is_null(), "the thread has no machine");
        // SAFETY: `Vm::attach` hung a ThreadState there, which it frees only together with the thread.
        unsafe { &*state }
    }
}

/// A thread of the machine: detaches when dropped.
pub struct Attached {
    thread: gc::Attached,
    state: Box<ThreadState>,
}

impl std::ops::Deref for Attached {
    type Target = Thread;

    fn deref(&self) -> &Thread {
        &self.thread
    }
}

impl std::ops::DerefMut for Attached {
    fn deref_mut(&mut self) -> &mut Thread {
        &mut self.thread
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        (observer().detaching)(&self.thread);
    }
}

impl Attached {
    /// The state that the thread carries.
    pub fn shared(&self) -> &ThreadState {
        &self.state
    }
}

impl Vm {
    /// A new machine with the builtins of the library in place, and the calling OS thread attached to it.
    pub fn start(options: gc::Options, compiler: Compiler, library: Library) -> Result<Attached, StartError> {
        observe::install(library.observer);
        limits::spare_addresses();
        let addresses = limits::share(usize::MAX, 2);
        let heap = Heap::new(gc::Options { addresses: options.addresses.min(addresses), ..options })?;
        let publisher = Publisher::new(CodeMemory::reserve(limits::share(RANGE_BYTES, 8))?);
        let (memory, code_map) = (publisher.memory().clone(), publisher.map().clone());
        let dispatch = Dispatch::default();
        let text = crate::runtime::values::text::Shared::new(&memory, &heap)?;
        let remember = Helpers::remembering(&publisher, heap.attributes().barrier)?;
        let outside = Outside { extended: dispatch.builtin_extended_address(), ascii: text.ascii.address(), remember };
        let stubs = Stubs::new(&publisher, outside, functions(), Thunk::Many)?;
        let helpers = Helpers::new(&publisher, &stubs, outside)?;
        let later = Arc::new(Later::new());
        heap.set_hooks(hooks(&later));
        heap.set_code(gc::trace::walker::Code {
            map: code_map.clone(),
            entry_return: stubs.entry_return,
            propagate: stubs.propagate,
        });
        let vm: &'static Vm = Box::leak(Box::new(Vm {
            heap,
            memory,
            code_map,
            publisher,
            sources: Sources::default(),
            stubs,
            helpers,
            keywords: Keywords::default(),
            types: Types::default(),
            namespaces: Namespaces::default(),
            dispatch,
            text,
            threads: Threads::default(),
            loader: Loader::default(),
            reclaim: Reclaim::default(),
            library,
            compiler,
            bindings: AtomicU32::new(0),
            last_resort: OnceLock::new(),
            trials: OnceLock::new(),
            dump_asm: AtomicBool::new(false),
            keeps_variables: AtomicBool::new(false),
            keeps_locals: AtomicBool::new(false),
            serve: OnceLock::new(),
            breakpoints: Breakpoints::default(),
            arguments: RwLock::default(),
        }));
        let _ = later.set(vm);
        (observer().started)(vm);
        let mut cx = vm.attach();
        super::bootstrap::bootstrap(&mut cx)?;
        let mark = cx.mark();
        let error = make_last_resort(&mut cx).map_err(|_thrown| StartError::HeapTooSmall)?;
        let _ = vm.last_resort.set(error);
        cx.release(mark);
        Ok(cx)
    }

    /// The arguments of the program.
    pub fn arguments(&self) -> Vec<String> {
        super::read(&self.arguments).clone()
    }

    /// Sets the arguments of the program.
    pub fn set_arguments(&self, arguments: Vec<String>) {
        *super::write(&self.arguments) = arguments;
    }

    /// The number of the next binding.
    pub(super) fn next_binding(&self) -> u32 {
        self.bindings.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes the calling OS thread one of this machine's.
    pub fn attach(&'static self) -> Attached {
        let thread = self.heap.attach();
        let state = Box::new(ThreadState { vm: self, trace: RefCell::default(), crumbs: RefCell::default() });
        thread.set_runtime((&raw const *state).cast());
        (observer().attached)(&thread);
        Attached { thread, state }
    }
}

/// Throws the error of a full heap.
fn out_of_memory(cx: &mut Thread) -> Thrown {
    if cx.vm().last_resort.get().is_none() {
        // The core is not there yet, nor any type of errors: what is thrown only ends the start.
        return Thrown::set(cx, cx.root_word(Word::NULL));
    }
    let thrown = cx.throw(crate::runtime::fault::errors::ErrorKind::OutOfMemory, HEAP_IS_FULL);
    match cx.vm().last_resort.get() {
        Some(word) if cx.exception().is_null() => {
            // SAFETY: a permanent object: it never moves and never dies.
            let error = cx.root(unsafe { gc::Value::from_raw(cx, Word(*word)) });
            Thrown::set(cx, error)
        }
        _ => thrown,
    }
}

const HEAP_IS_FULL: &str = "the heap is full (see --max-heap)";

/// The error of a full heap where not even an error finds room: the system itself gives no more memory.
fn make_last_resort(cx: &mut Thread) -> Result<u64, Thrown> {
    let layout = cx.vm().types.error_layout(crate::runtime::fault::errors::ErrorKind::OutOfMemory);
    let message = cx.alloc_permanent_string(HEAP_IS_FULL)?;
    let location = cx.alloc_permanent_string("")?;
    let error = cx.allocate_permanent(layout, ERROR_FIELDS.len(), 0, |cx, mut fresh| {
        fresh.set(ERROR_MESSAGE, cx.get(message));
        fresh.set(ERROR_LOCATION, cx.get(location));
    })?;
    Ok(cx.get(error).word().0)
}

/// The stubs of a machine.
pub type Stubs = crate::stubs::Stubs<Thunk>;

/// What stubs call that are there from the start.
fn functions() -> Functions {
    Functions {
        unwind: trace::unwind as *const () as usize,
        entry: resolve::entry as *const () as usize,
        thunk: resolve::thunk as *const () as usize,
        packed: resolve::call_packed as *const () as usize,
        apply: resolve::apply as *const () as usize,
        apply_many: resolve::apply_many as *const () as usize,
        counter: observer().counter,
    }
}

/// What the heap asks of the machine.
fn hooks(later: &Arc<Later>) -> gc::Hooks {
    let (wants, code, frame, collected) = (later.clone(), later.clone(), later.clone(), later.clone());
    let finalizers = later.clone();
    gc::Hooks {
        out_of_memory,
        visit_roots: None,
        wants_code: Some(Box::new(move || wants.get().is_some_and(|vm| vm.reclaim.wanted()))),
        visit_code: Some(Box::new(move |address| {
            if let Some(vm) = code.get() {
                // SAFETY: closures hold addresses of code records only.
                vm.reclaim.reached(unsafe { super::Code::at(address) });
            }
        })),
        visit_frame: Some(Box::new(move |address| {
            if let Some(vm) = frame.get() {
                vm.reclaim.frame(address);
            }
        })),
        collected: Some(Box::new(move || {
            if let Some(vm) = collected.get().filter(|vm| vm.reclaim.wanted()) {
                vm.reclaim.collected(vm);
            }
        })),
        ended: (observer().collections)(),
        finalizers: Some(Box::new(move || {
            if let Some(vm) = finalizers.get() {
                finalizers::run(vm);
            }
        })),
    }
}
