//! Link cells: what code calls a global function through.
//!
//! Owns the filling of the cells of a binding, and [`Binding::define`], the only way to change a binding's value.
//!
//! Invariant: under the lock of a binding's cells, every cell holds the body or stub that the present value wants for its
//! number of arguments, or the thunk that finds it.

use std::sync::atomic::{AtomicUsize, Ordering, fence};

use super::binding::{Binding, BindingKind};
use super::code::{ArityInfo, Code, CodeSource, Destination, MANY};
use super::entry::{code_of, not_callable};
use super::resolve::Thunk;
use crate::asm::memory::MemoryError;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::vm::Vm;
use crate::windows::window;

/// The cell of a binding for one number of arguments.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkCell {
    argc: u32,
    /// A data cell that holds a code address.
    cell: &'static AtomicUsize,
    /// What it holds while the target is unknown.
    thunk: usize,
}

impl Binding {
    /// The link cell for calls with `argc` arguments. Some when the binding holds a function without captures that takes
    /// exactly so many. Arguments beyond the fifth are in the spill area; `arg_count` need not be set.
    pub fn link_cell(&'static self, cx: &Thread, argc: usize) -> Result<Option<usize>, MemoryError> {
        if self.kind() == BindingKind::Dynamic {
            return Ok(None);
        }
        let vm = cx.vm();
        let mut cells = crate::runtime::lock(&self.cells);
        if let Some(known) = cells.iter().find(|c| c.argc as usize == argc) {
            return Ok(Some(known.cell as *const AtomicUsize as usize));
        }
        let Some(code) = self.get(cx).and_then(code_of) else { return Ok(None) };
        let fits = match &code.source {
            CodeSource::Builtin(builtin) => builtin.accepts(argc),
            _ => code.exact(argc).is_some(),
        };
        if !fits || code.captures != 0 {
            return Ok(None);
        }
        let cell = vm.memory.alloc_data(8, 8)?.cast::<AtomicUsize>();
        // SAFETY: fresh zeroed memory, a valid AtomicUsize, that nobody frees.
        let cell: &'static AtomicUsize = unsafe { cell.as_ref() };
        let thunk = vm.stubs.thunk(&vm.publisher, Thunk::Link(self, argc as u32))?;
        let entry = LinkCell { argc: argc as u32, cell, thunk };
        crate::runtime::push_first(&mut cells, entry);
        code.follow(self);
        cell.store(known_target(code, argc).unwrap_or(thunk), Ordering::Release);
        Ok(Some(cell as *const AtomicUsize as usize))
    }

    /// The link cells that there are: numbers of arguments, and addresses.
    pub(in crate::runtime) fn known_cells(&self) -> Vec<(u32, usize)> {
        crate::runtime::lock(&self.cells).iter().map(|cell| (cell.argc, cell.cell.as_ptr() as usize)).collect()
    }

    /// Gives the binding a value, and lets all link cells follow.
    pub fn define(&'static self, cx: &Thread, value: Value<'_>) {
        self.give(cx, value, false);
    }

    /// Does so unless another thread has given it one since this one found that it has none.
    pub fn define_once(&'static self, cx: &Thread, value: Value<'_>) {
        self.give(cx, value, true);
    }

    fn give(&'static self, cx: &Thread, value: Value<'_>, once: bool) {
        let after = code_of(value);
        let (known, before) = {
            let cells = crate::runtime::lock(&self.cells);
            // Under the lock: what another thread defines in between is what was there before.
            let (known, before) = (self.is_defined(), self.get(cx).and_then(code_of));
            if known && once {
                return;
            }
            self.store(cx, value);
            let code = after.filter(|c| c.captures == 0);
            if !cells.is_empty()
                && let Some(code) = code
            {
                code.follow(self);
            }
            window();
            for cell in cells.iter() {
                let target = code.and_then(|code| known_target(code, cell.argc as usize)).unwrap_or(cell.thunk);
                cell.cell.store(target, Ordering::Release);
            }
            self.assert_cells(cx, &cells);
            (known, before)
        };
        if !known || before.map(Code::address) != after.map(Code::address) {
            cx.vm().loader.names_changed();
        }
        let same = before.zip(after).is_some_and(|(a, b)| std::ptr::eq(a, b));
        if !same {
            for code in [before, after].into_iter().flatten() {
                if let CodeSource::Method(method) = code.source {
                    cx.vm().dispatch.name_changed(cx, self, method);
                }
            }
            if known {
                self.reset_dependents(cx);
            } else {
                // Frames that run the present bodies still depend on what these have taken for granted.
                self.dependents().into_iter().for_each(|code| code.forget_bodies(cx, false));
            }
        }
    }

    /// The functions that take something for granted of the name are compiled anew.
    pub(in crate::runtime) fn reset_dependents(&self, cx: &Thread) {
        self.dependents().into_iter().for_each(|code| code.reset(cx));
    }

    /// Tells the cells of a function's binding that an arity has a body now (0: not any more).
    fn body_changed(&'static self, cx: &Thread, code: &Code, arity: &ArityInfo, body: usize) {
        let cells = crate::runtime::lock(&self.cells);
        // Under the lock, as in `define`: another function that the binding gets at this moment keeps its cells.
        if !self.get(cx).and_then(code_of).is_some_and(|c| std::ptr::eq(c, code)) || arity.rest {
            return;
        }
        for cell in cells.iter().filter(|c| c.argc == arity.params) {
            cell.cell.store(if body == 0 { cell.thunk } else { body }, Ordering::Release);
        }
        self.assert_cells(cx, &cells);
    }

    /// In a checked build: each cell leads to a body that the binding's function has, of an arity of so many parameters, or to the
    /// thunk. (Which of its bodies, another thread may be about to change.)
    fn assert_cells(&self, cx: &Thread, cells: &[LinkCell]) {
        if !cfg!(debug_assertions) {
            return;
        }
        let code = self.get(cx).and_then(code_of);
        for cell in cells {
            let target = cell.cell.load(Ordering::Acquire);
            let fits = |code: &Code| match &code.source {
                CodeSource::Builtin(builtin) => builtin.accepts(cell.argc as usize),
                CodeSource::Method(_) => code.exact(cell.argc as usize).is_some(),
                CodeSource::Function { .. } => code.captures == 0 && code.has_body(cell.argc, target),
            };
            assert!(
                target == cell.thunk || code.is_some_and(fits),
                "a cell of {self:?} for {} arguments leads to what is not its function",
                cell.argc
            );
        }
    }
}

/// Where a call goes, if that is known already.
fn known_target(code: &Code, argc: usize) -> Option<usize> {
    match &code.source {
        CodeSource::Function { .. } => code.body(code.exact(argc)?),
        _ => None,
    }
}

impl Code {
    /// Is there a body of an arity of so many parameters at the address?
    fn has_body(&self, params: u32, address: usize) -> bool {
        let Some(arity) = self.exact(params as usize) else { return false };
        crate::runtime::lock(&self.owned).iter().any(|owned| {
            owned.arity == arity.index && owned.place.as_ref().is_some_and(|place| place.code.start == address)
        })
    }

    /// Notes that a binding has link cells to this function.
    fn follow(&'static self, binding: &'static Binding) {
        let mut followers = crate::runtime::lock(&self.followers);
        if !followers.iter().any(|b| std::ptr::eq(*b, binding)) {
            crate::runtime::push_first(&mut followers, binding);
        }
    }

    /// An arity has another body, or none: 0.
    fn tell_followers(&self, cx: &Thread, arity: &ArityInfo, body: usize) {
        // The list is not locked while they are told: who holds the cells of a binding adds it to the list.
        let followers = crate::runtime::lock(&self.followers).clone();
        for binding in followers {
            binding.body_changed(cx, self, arity, body);
        }
    }

    /// An arity has got a body: entries and link cells go there from now on. `resets` is as it was before the compiler of this body
    /// looked at anything. Of several threads that have compiled it at once the first decides: dispatch tables may hold its body
    /// already, and what is the present body is replaced by a reset alone, which they are told of.
    pub(in crate::runtime) fn publish(&'static self, cx: &Thread, arity: &ArityInfo, body: usize, resets: u32) {
        if arity.body.compare_exchange(0, body, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        window();
        // Behind what a thread has stored that found the body before this one still there: its entry is not to overwrite ours. (Processors
        // order that by the body alone; Rust's memory does not: `tools/models`.)
        fence(Ordering::SeqCst);
        if arity.rest {
            self.packed.store(body, Ordering::Release);
        } else if (arity.params as usize) < MANY {
            self.entry[arity.params as usize].store(body, Ordering::Release);
        }
        self.tell_followers(cx, arity, body);
        window();
        // Here and in `reset`: stored, then looked, on both sides. One of the two must see the other.
        fence(Ordering::SeqCst);
        if self.body(arity) != Some(body) || self.resets.load(Ordering::SeqCst) != resets {
            // Another thread has made it forget this body meanwhile, or one that would have been like it; perhaps also what the body
            // depends on, so frames that run it already are told.
            self.reset(cx);
        }
    }

    /// Something has changed that its code took for granted: the next call of each arity compiles it anew. Frames that run the old
    /// code go on, and call what was written in place of calls.
    pub fn reset(&'static self, cx: &Thread) {
        self.revision.fetch_add(1, Ordering::SeqCst);
        self.forget_bodies(cx, true);
    }

    /// Forgets the compiled bodies, and perhaps what they depend on.
    fn forget_bodies(&'static self, cx: &Thread, dependencies: bool) {
        // The next body says anew what it takes for granted. Before the count: a body whose compiler has looked at the count already is
        // forgotten when it is published, so it may lose what it depends on here; one whose compiler looks later must not.
        if dependencies {
            self.forget_dependencies();
        }
        window();
        self.resets.fetch_add(1, Ordering::SeqCst);
        window();
        crate::runtime::lock(&self.owned).iter_mut().for_each(|owned| owned.ahead = None);
        for arity in &self.arities {
            arity.body.swap(0, Ordering::AcqRel);
        }
        fence(Ordering::SeqCst);
        window();
        // After the bodies are gone: who stores one to a table looks afterwards whether it is still there.
        if self.in_tables.swap(false, Ordering::AcqRel) {
            cx.vm().dispatch.reset(|_| true);
        }
        for arity in &self.arities {
            let n = arity.params as usize;
            if arity.rest {
                window();
                self.packed.store(cx.vm().stubs.packed_resolver, Ordering::Release);
            } else if n < MANY {
                window();
                self.entry[n].store(cx.vm().stubs.entry_resolvers[n], Ordering::Release);
            }
            self.tell_followers(cx, arity, 0);
        }
    }
}

/// Behind the thunk of a link cell: the arguments are in the spill area.
pub(super) fn resolve<'h>(
    cx: &'h mut Thread,
    binding: &'static Binding,
    argc: usize,
) -> Result<Destination<'h>, Thrown> {
    let Some(value) = binding.get(cx) else { return Err(undefined(cx, binding)) };
    let value = cx.root(value);
    let Some(code) = code_of(cx.get(value)) else { return Err(not_callable(cx, value)) };
    cx.set_spilled_closure(value);
    let vm: &'static Vm = cx.vm();
    // A stub that reads the number of arguments from the context needs one more that writes it.
    let counted = match &code.source {
        CodeSource::Builtin(builtin) if argc >= MANY && builtin.accepts(argc) => {
            Some(super::resolve::with_memory(cx, || vm.stubs.counted_builtin(&vm.publisher, *builtin, argc))?)
        }
        _ => None,
    };
    let target = super::resolve::resolve_code(cx, code, argc)?;
    let (cx, stable) = (target.thread(), counted.unwrap_or(target.address()));
    if code.function().is_some() && (code.captures != 0 || code.exact(argc).is_none()) {
        return Ok(target);
    }
    let cells = crate::runtime::lock(&binding.cells);
    if let Some(cell) = cells.iter().find(|c| c.argc as usize == argc)
        && binding.get(cx).and_then(code_of).is_some_and(|now| std::ptr::eq(now, code))
        && (code.function().is_none() || known_target(code, argc) == Some(stable))
    {
        cell.cell.store(stable, Ordering::Release);
    }
    Ok(Destination::new(cx, stable))
}

/// The error of a name without a value.
#[cold]
pub(in crate::runtime) fn undefined(cx: &mut Thread, binding: &'static Binding) -> Thrown {
    let message = match (binding.is_declared(), binding.namespace.outer()) {
        (true, Some(_)) => "is no longer kept: what is left to run of the function does not use it",
        (true, None) => "has no value yet: its definition has not run",
        (false, _) => "has no value yet: nothing has defined it",
    };
    cx.throw(ErrorKind::TypeError, format!("{} {message}", binding.name))
}

/// Defines a binding with a rooted value.
pub fn define(cx: &Thread, binding: &'static Binding, value: Handle) {
    binding.define(cx, cx.get(value));
}
