//! The door from Rust into generated code, and the words of a call that generated code left in the context.
//!
//! Owns [`Thread::call`]: nobody else jumps into generated code. Owns the reading and writing of the spill area, which is
//! valid only at the boundary of a call.

use crate::mutations::{Mutation, mutated};
use crate::runtime::fault::advice;
use crate::runtime::fault::explain;
use crate::runtime::values::foreign;
use std::sync::atomic::Ordering;

use super::builtin;
use super::code::{ArityInfo, MANY};
use crate::gc::mutator::call::MAX_SPILLED;
use crate::gc::mutator::thread as context;
use crate::gc::{Handle, Poll, Thread, Thrown, Value};
use crate::locks;
use crate::object::{Word, layout};
use crate::runtime::Code;
use crate::runtime::program::errors::ErrorKind;
use crate::stack;
use crate::stubs::Enter;

impl Thread {
    /// Calls a function of the language.
    pub fn call(&mut self, function: Handle, args: &[Handle]) -> Result<Handle, Thrown> {
        self.call_holding(function, args, true)
    }

    /// Calls a function of the language and lets go of it and of the arguments: their handles stand for `null` from then on.
    /// For a caller to whom nothing else is left to do, so that what the call goes through is held by nobody.
    pub fn call_last(&mut self, function: Handle, args: &[Handle]) -> Result<Handle, Thrown> {
        self.call_holding(function, args, false)
    }

    /// The end of a builtin, or a helper, that generated code called: a call of a function of the language, which takes its place on
    /// the stack, and that of the function that called it, if nothing is left to do there either. The result goes out as it
    /// is; who calls a builtin from Rust makes the call (`builtin::call`).
    pub fn jump(&mut self, function: Handle, args: &[Handle]) -> Result<Handle, Thrown> {
        builtin::check_claims();
        // The function that called need not have asked for stack, nor stop for anybody: it sees no call here.
        match self.poll() {
            Poll::Continue => {}
            Poll::Interrupted => return Err(self.throw_interrupt()),
            Poll::StackOverflow => return Err(self.stack_overflow()),
        }
        let Some(code) = code_of(self.get(function)) else { return Err(not_callable(self, function)) };
        if code.builtin().is_some() || args.len() > MAX_SPILLED || mutated(Mutation::CallsAtTheEnd) {
            return self.call_last(function, args);
        }
        self.spill(function, args);
        Err(self.jump_to(code.entry[args.len().min(MANY)].load(Ordering::Acquire)))
    }

    /// Makes the call that a builtin wants to jump to.
    pub(in crate::runtime) fn call_instead(&mut self) -> Result<Handle, Thrown> {
        self.take_jump();
        let argc = self.arg_count();
        let function = self.root(self.spilled_closure());
        let args: Vec<Handle> = (0..argc).map(|i| self.root(self.spilled_arg(i))).collect();
        self.forget_spilled();
        self.call_last(function, &args)
    }

    /// Leaves a function and its arguments in the spill area.
    pub(super) fn spill(&mut self, function: Handle, args: &[Handle]) {
        self.set_spilled_closure(function);
        for (i, &arg) in args.iter().enumerate() {
            self.set_spilled_arg(i, self.get(arg));
        }
        self.set_arg_count(args.len());
        self.set_spilled_roots(args.len());
    }

    fn call_holding(&mut self, function: Handle, args: &[Handle], hold: bool) -> Result<Handle, Thrown> {
        let Some(code) = code_of(self.get(function)) else { return Err(not_callable(self, function)) };
        if let Some(builtin) = code.builtin() {
            self.check_native_stack()?;
            return builtin::call(self, builtin, args);
        }
        if args.len() > MAX_SPILLED {
            return call_with_many(self, function, code, args);
        }
        self.enter(code.entry[args.len().min(MANY)].load(Ordering::Acquire), function, args, hold)
    }

    /// Runs the code at an address with these arguments.
    fn enter(&mut self, address: usize, function: Handle, args: &[Handle], hold: bool) -> Result<Handle, Thrown> {
        builtin::check_claims();
        locks::assert_none("runs the program");
        self.check_native_stack()?;
        let vm = self.vm();
        let mut words = [Word::NULL; 5];
        for (i, &arg) in args.iter().enumerate() {
            let value = self.get(arg);
            match words.get_mut(i) {
                Some(word) => *word = value.word(),
                None => self.set_spilled_arg(i, value),
            }
        }
        self.set_arg_count(args.len());
        let closure = self.get(function).word();
        if !hold {
            args.iter().for_each(|&arg| self.let_go(arg));
            self.let_go(function);
        }
        let cx: *mut Thread = self;
        // SAFETY: `enter` is the stub of this signature; the address is that of code that takes these arguments; nothing has
        // allocated since the words were read; the stub keeps to the C convention.
        let result = unsafe {
            let enter = std::mem::transmute::<usize, Enter>(vm.stubs.enter);
            enter(cx, address, closure, &words)
        };
        if result == Word::THROWN {
            return Err(Thrown::pending(self));
        }
        // SAFETY: the result has just been returned.
        Ok(self.root(unsafe { Value::from_raw(self, result) }))
    }

    /// Throws StackOverflow when the thread has passed its floor: see [`stack`].
    #[inline]
    pub fn check_native_stack(&mut self) -> Result<(), Thrown> {
        if stack::is_low() { Err(self.stack_overflow()) } else { Ok(()) }
    }

    /// The error of a stack that is used up.
    #[cold]
    pub fn stack_overflow(&mut self) -> Thrown {
        self.throw(ErrorKind::StackOverflow, "calls are nested too deeply")
    }

    /// The function value of the call that is being resolved.
    pub(super) fn spilled_closure(&self) -> Value<'_> {
        // SAFETY: the field is a Word within the context, written by a resolve stub just now; `self` is borrowed.
        unsafe {
            let word = *(&raw const *self).byte_add(context::OFFSET_CLOSURE_SPILL as usize).cast::<Word>();
            Value::from_raw(self, word)
        }
    }

    /// The function value of the call that is being resolved, if one is.
    pub(in crate::runtime) fn called_closure(&self) -> Option<Value<'_>> {
        // SAFETY: the field is a u64 within the context; `self` is borrowed.
        let spilled = unsafe { *(&raw const *self).byte_add(context::OFFSET_SPILLED as usize).cast::<u64>() };
        // Only then is what lies there a root.
        (spilled > 0).then(|| self.spilled_closure())
    }

    /// Lets the call that is being resolved have another function value.
    pub(super) fn set_spilled_closure(&mut self, function: Handle) {
        let word = self.get(function).word();
        // SAFETY: the field is a Word within the context, which we hold alone.
        unsafe { *(&raw mut *self).byte_add(context::OFFSET_CLOSURE_SPILL as usize).cast::<Word>() = word };
    }

    /// Nothing in the spill area is wanted any more.
    pub(super) fn forget_spilled(&mut self) {
        // SAFETY: the field is a u64 within the context, which we hold alone.
        unsafe { *(&raw mut *self).byte_add(context::OFFSET_SPILLED as usize).cast::<u64>() = 0 };
    }

    /// Says how many words of the spill area are values (the closure counts as one more).
    pub(super) fn set_spilled_roots(&mut self, argc: usize) {
        // SAFETY: the field is a u64 within the context, which we hold alone.
        unsafe { *(&raw mut *self).byte_add(context::OFFSET_SPILLED as usize).cast::<u64>() = argc as u64 + 1 };
    }
}

/// A function with a rest parameter (or a builtin) can be applied to more arguments than a call can pass.
fn call_with_many(cx: &mut Thread, function: Handle, code: &'static Code, args: &[Handle]) -> Result<Handle, Thrown> {
    let (arity, packed) = pack_many(cx, code, args)?;
    let body = super::resolve::compiled(cx, code, arity, 0)?.address();
    cx.enter(body, function, &packed, true)
}

/// More arguments than a call can pass, the rest of them in a vector, and the arity that takes them.
pub(super) fn pack_many(
    cx: &mut Thread,
    code: &'static Code,
    args: &[Handle],
) -> Result<(&'static ArityInfo, Vec<Handle>), Thrown> {
    let Some(arity) = code.arity_for(args.len()).filter(|a| a.rest) else {
        return Err(super::resolve::arity_error(cx, code, args.len()));
    };
    let params = arity.params as usize;
    // A method only says which function it is that packs them.
    if params >= MAX_SPILLED || matches!(code.source, super::code::CodeSource::Method(_)) {
        return Err(cx.throw(ErrorKind::ArgumentError, format!("a call can pass at most {MAX_SPILLED} arguments")));
    }
    let rest = foreign::vector_of(cx, &args[params..])?;
    let mut packed = args[..params].to_vec();
    packed.push(rest);
    Ok((arity, packed))
}

/// The code record of a function value.
pub fn code_of(value: Value<'_>) -> Option<&'static Code> {
    // SAFETY: closures hold addresses of code records only.
    value.code().map(|address| unsafe { Code::at(address) })
}

/// The error of calling what is no function.
#[cold]
pub fn not_callable(cx: &mut Thread, value: Handle) -> Thrown {
    let what = cx.describe(value);
    let more = match explain::callee(cx) {
        Some(whence) if cx.get(value).is_null() => whence,
        _ if cx.get(value).as_keyword().is_some() => "; `m[:key]` reads the value of a key".into(),
        _ if cx.get(value).is(layout::MAP) => "; `m[key]` reads the value of a key".into(),
        _ if cx.get(value).is(layout::VECTOR) => "; `v[i]` reads an element".into(),
        _ if cx.get(value).is(layout::TYPE) => advice::making(&what).into(),
        _ => explain::hidden_function(cx).map_or(String::new(), |name| {
            format!("; `{name}` is a variable here, the function of that name is `core/{name}`")
        }),
    };
    cx.throw(ErrorKind::TypeError, format!("{what} cannot be called: it is not a function{more}"))
}

/// Roots the arguments of a builtin that was called with more than five.
pub(in crate::runtime) fn spilled_arguments(cx: &mut Thread, words: [Word; 5], argc: usize) -> Vec<Handle> {
    let argc = argc.min(MAX_SPILLED);
    (0..argc)
        .map(|i| match words.get(i) {
            // SAFETY: an argument that generated code has just passed; rooting does not allocate in the heap.
            Some(&word) => cx.root(unsafe { Value::from_raw(cx, word) }),
            None => cx.root(cx.spilled_arg(i)),
        })
        .collect()
}
