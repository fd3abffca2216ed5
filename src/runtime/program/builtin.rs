//! The table of builtins, and the common entry through which generated code calls them.
//!
//! Owns what every builtin shares: its row in the table ([`Builtin`]), the names of parameter types and the check of
//! arguments against them, and the C wrapper that roots the arguments, runs the function and cuts the handle stack back.
//! Must not know what any builtin does.
//!
//! Invariants: a builtin's function runs only after its arguments are counted (by the `Code` entries) and checked (here,
//! architecture section 11.5); no panic leaves the wrapper, it becomes the report of an internal error.
//!
//! A file of builtins declares its rows with [`builtins!`]:
//!
//! ```text
//! builtins! { pub static TABLE: "core";
//!     /// The text in capital letters.
//!     "uppercase" (text: String) = uppercase;
//!     /// The value at an index or key, `null` (or `default`) when there is none.
//!     "get" (coll: Any, key: Any, default: opt(Any)) = get;
//!     /// The largest argument.
//!     "max" (first: Number, others: rest(Number)) = max;
//! }
//! fn uppercase(cx: &mut Thread, args: &Args) -> Result<Handle, Thrown> { … }
//! ```
//!
//! and `library/mod.rs` lists the file's table. `-> VECTOR` in front of `=` says of which layout what it gives is, `[Clamp, 3..=3]`
//! which machine code stands in front of it, for how many arguments (`stubs/front.rs`). `= sqrt, quiet;` claims that the builtin never runs the program, which the generator
//! believes; a debug build checks it at each call into the program. `= sqrt => leaf_sqrt;` names a leaf, which is asked before the
//! builtin: see [`leaves`](crate::runtime::values::leaves).

use crate::runtime::fault::advice;
use crate::runtime::fault::errors;
use std::ops::{Index, RangeInclusive};

use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::object::layout::{self, FIRST_USER_LAYOUT, LayoutId};
use crate::reader::stops::{BREAKPOINT, LEAVES, STEP};
use crate::stubs::LeafEntry;
use crate::stubs::front::Front;

/// The Rust function behind a builtin.
pub type BuiltinFn = fn(&mut Thread, &Args<'_>) -> Result<Handle, Thrown>;

/// The C function that generated code calls: the context, then the first five arguments. The number of arguments is in the
/// context (`arg_count`), further arguments in its spill area.
pub type BuiltinEntry = unsafe extern "C" fn(*mut Thread, Word, Word, Word, Word, Word) -> Word;

/// One builtin.
#[derive(Clone, Debug)]
pub struct Builtin {
    /// The namespace it is a member of.
    pub namespace: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// Its parameters: required ones, then optional ones, then at most one rest parameter.
    pub params: &'static [Param],
    /// The doc comment, lines joined by newlines.
    pub doc: &'static str,
    /// What it gives whenever it gives anything, as far as its name says so: a hint for who compiles calls of it.
    pub gives: Option<LayoutId>,
    /// It never runs the program: no function that it was given, no method of a type. What calls it needs no stack for that.
    pub quiet: bool,
    /// What it does.
    pub function: BuiltinFn,
    /// The wrapper.
    pub entry: BuiltinEntry,
    /// What is asked before it, where it has that.
    pub leaf: Option<LeafEntry>,
    /// The machine code in front of it, and for how many arguments.
    pub front: Option<(Front, RangeInclusive<usize>)>,
    /// The table that it is in.
    pub table: fn() -> &'static [&'static Builtin],
}

impl Builtin {
    /// `core/get`
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// A parameter of a builtin.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name, for help and messages.
    pub name: &'static str,
    /// What it accepts.
    pub spec: Spec,
}

/// What a parameter accepts, and whether it must be there.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The accepted types: a set of bits of [`kinds`].
    pub kinds: u32,
    /// The name in messages: `String`, `Number`, …; for `or` the second name too.
    pub name: &'static str,
    /// The second name of an `or`.
    pub or_name: Option<&'static str>,
    /// Required, optional or rest.
    pub mode: Mode,
}

/// How often a parameter occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Exactly once.
    Required,
    /// At most once.
    Optional,
    /// Any number of times.
    Rest,
}

/// The bits of [`Spec::kinds`].
pub mod kinds {
    macro_rules! bits {
        ($($name:ident = $bit:literal;)*) => { $(#[allow(missing_docs)] pub const $name: u32 = 1 << $bit;)* };
    }
    bits! {
        INT = 0; FLOAT = 1; STRING = 2; VECTOR = 3; MAP = 4; SET = 5; ARRAY = 6; FUNCTION = 7; KEYWORD = 8; ATOM = 9;
        NULL = 10; BOOL = 11; TYPE = 12; NAMESPACE = 13; RANGE = 14; SEQ = 15; STRING_BUILDER = 16; MUTABLE_LIST = 17;
        MUTABLE_MAP = 18; THREAD = 19; PROTOCOL = 20; NATIVE = 21; USER = 22; OTHER = 23; MUTABLE_SET = 24;
    }
    /// Everything.
    pub const ANY: u32 = u32::MAX;
    /// What all have a `seq`.
    pub const SEQABLE: u32 =
        NULL | STRING | VECTOR | MAP | SET | ARRAY | RANGE | SEQ | MUTABLE_LIST | MUTABLE_MAP | MUTABLE_SET;
}

/// The vocabulary of parameter types, as it is written in [`builtins!`].
#[allow(non_upper_case_globals, missing_docs)]
pub mod specs {
    use super::{Mode, Spec, kinds::*};

    const fn spec(kinds: u32, name: &'static str) -> Spec {
        Spec { kinds, name, or_name: None, mode: Mode::Required }
    }

    pub const Any: Spec = spec(ANY, "value");
    pub const Int: Spec = spec(INT, "Int");
    pub const Float: Spec = spec(FLOAT, "Float");
    pub const Number: Spec = spec(INT | FLOAT, "Number");
    pub const String: Spec = spec(STRING, "String");
    pub const Vector: Spec = spec(VECTOR, "Vector");
    pub const Map: Spec = spec(MAP, "Map");
    pub const Set: Spec = spec(SET, "Set");
    pub const Array: Spec = spec(ARRAY, "Array");
    /// Anything that can be called.
    pub const Function: Spec = spec(FUNCTION, "Function");
    pub const Keyword: Spec = spec(KEYWORD, "Keyword");
    pub const Atom: Spec = spec(ATOM, "Atom");
    pub const Null: Spec = spec(NULL, "Null");
    pub const Bool: Spec = spec(BOOL, "Bool");
    pub const Type: Spec = spec(TYPE | PROTOCOL, "type");
    /// How `format-number` is to write.
    pub const NumberForm: Spec = spec(INT | KEYWORD | MAP, "Int (decimals), Keyword or Map (options)");
    pub const Namespace: Spec = spec(NAMESPACE, "Namespace");
    pub const Range: Spec = spec(RANGE, "Range");
    pub const StringBuilder: Spec = spec(STRING_BUILDER, "StringBuilder");
    pub const MutableList: Spec = spec(MUTABLE_LIST, "MutableList");
    pub const MutableMap: Spec = spec(MUTABLE_MAP, "MutableMap");
    pub const MutableSet: Spec = spec(MUTABLE_SET, "MutableSet");
    pub const ThreadHandle: Spec = spec(THREAD, "Thread");
    /// A value of a native type, as messages name it; which one it is the function must find out itself.
    pub const fn native(name: &'static str) -> Spec {
        spec(NATIVE, name)
    }

    /// Whatever `for` may go over. Values of user types pass: `iterate` finds out.
    pub const Seqable: Spec = spec(SEQABLE | NATIVE | USER | OTHER, "collection");

    /// The parameter may be left out; optional parameters follow the required ones.
    pub const fn opt(s: Spec) -> Spec {
        Spec { mode: Mode::Optional, ..s }
    }

    /// Any number of these, at the end.
    pub const fn rest(s: Spec) -> Spec {
        Spec { mode: Mode::Rest, ..s }
    }

    /// One or the other.
    pub const fn or(a: Spec, b: Spec) -> Spec {
        Spec { kinds: a.kinds | b.kinds, name: a.name, or_name: Some(b.name), mode: a.mode }
    }
}

/// Declares a table of builtins; see the head of this file.
#[macro_export]
macro_rules! builtins {
    ($vis:vis static $table:ident: $namespace:literal;
     $($(#[doc = $doc:literal])+ $name:literal ($($param:ident: $spec:expr),* $(,)?) $(-> $gives:ident)? $([$front:expr, $takes:expr])? = $function:expr $(, $quiet:ident)?
       $(=> $leaf:path)?;)*) => {
        /// The builtins of this file.
        $vis static $table: &[&$crate::runtime::program::builtin::Builtin] = &[$({
            #[allow(unused_imports)]
            const PARAMS: &[$crate::runtime::program::builtin::Param] = {
                use $crate::runtime::program::builtin::specs::*;
                &[$($crate::runtime::program::builtin::Param { name: stringify!($param), spec: $spec }),*]
            };
            static BUILTIN: $crate::runtime::program::builtin::Builtin = $crate::runtime::program::builtin::Builtin {
                namespace: $namespace,
                name: $name,
                params: PARAMS,
                doc: concat!($($doc, "\n"),+),
                gives: $crate::builtins!(@gives $($gives)?),
                quiet: $crate::builtins!(@quiet $($quiet)?),
                function: $function,
                entry,
                leaf: $crate::builtins!(@leaf $($leaf)?),
                front: $crate::builtins!(@front $($front, $takes)?),
                table: || $table,
            };
            unsafe extern "C" fn entry(
                cx: *mut $crate::gc::Thread,
                a: $crate::object::Word,
                b: $crate::object::Word,
                c: $crate::object::Word,
                d: $crate::object::Word,
                e: $crate::object::Word,
            ) -> $crate::object::Word {
                // SAFETY: generated code calls this through an exit stub with the context of its thread and, as the Code
                // entries have settled the count, with `arg_count` arguments.
                unsafe { $crate::runtime::program::builtin::enter(cx, &BUILTIN, [a, b, c, d, e]) }
            }
            &BUILTIN
        }),*];
    };
    (@front) => { None };
    (@front $front:expr, $takes:expr) => {{
        #[allow(unused_imports)]
        use $crate::object::layout::{ARRAY, MUTABLE_LIST};
        #[allow(unused_imports)]
        use $crate::stubs::front::{ELEMENTS, Front::*, LENGTHS};
        Some(($front, $takes))
    }};
    (@gives) => { None };
    (@gives $gives:ident) => { Some($crate::object::layout::$gives) };
    (@leaf) => { None };
    (@leaf $leaf:path) => { Some($crate::leaf_entry!($leaf)) };
    (@quiet) => { false };
    (@quiet quiet) => { true };
}

/// The arguments of a builtin, rooted; they are as many as its row allows and of the types it names.
#[derive(Debug)]
pub struct Args<'a> {
    handles: &'a [Handle],
    fixed: usize,
}

impl<'a> Args<'a> {
    /// Arguments for a builtin; `fixed` is the number of parameters that are not the rest.
    pub fn new(handles: &'a [Handle], fixed: usize) -> Args<'a> {
        Args { handles, fixed }
    }

    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.handles.len()
    }

    /// Are there none?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }

    /// Argument `i`, if it was given.
    #[inline]
    pub fn opt(&self, i: usize) -> Option<Handle> {
        self.handles.get(i).copied()
    }

    /// What the rest parameter got.
    #[inline]
    pub fn rest(&self) -> &'a [Handle] {
        self.handles.get(self.fixed..).unwrap_or(&[])
    }

    /// All of them.
    #[inline]
    pub fn all(&self) -> &'a [Handle] {
        self.handles
    }
}

impl Index<usize> for Args<'_> {
    type Output = Handle;

    #[inline]
    fn index(&self, i: usize) -> &Handle {
        &self.handles[i]
    }
}

impl Builtin {
    /// The number of required parameters.
    pub fn required(&self) -> usize {
        self.params.iter().filter(|p| p.spec.mode == Mode::Required).count()
    }

    /// The number of parameters that are not the rest.
    pub fn fixed(&self) -> usize {
        self.params.iter().filter(|p| p.spec.mode != Mode::Rest).count()
    }

    /// Does it take any number of further arguments?
    pub fn has_rest(&self) -> bool {
        self.params.last().is_some_and(|p| p.spec.mode == Mode::Rest)
    }

    /// Does it end in a call of its first argument? Such a call is a jump, from the program's code at least: see
    /// [`resolve::apply`](resolve::apply).
    pub fn ends_in_call(&self) -> bool {
        matches!(self.front, Some((Front::Apply, _)))
    }

    /// May it stop the program, for somebody to look at the variables of its caller?
    pub fn stops(&self) -> bool {
        self.namespace == "core" && [BREAKPOINT, STEP, LEAVES].contains(&self.name)
    }

    /// May it be called with `argc` arguments?
    pub fn accepts(&self, argc: usize) -> bool {
        argc >= self.required() && (argc <= self.fixed() || self.has_rest())
    }

    /// The numbers of arguments it takes; `true` for "or more".
    pub fn numbers_taken(&self) -> Vec<(usize, bool)> {
        if self.has_rest() {
            return vec![(self.required(), true)];
        }
        (self.required()..=self.fixed()).map(|n| (n, false)).collect()
    }

    /// Its parameters as help shows them: `(coll, key, [default], ...rest)`.
    pub fn signature(&self) -> String {
        let params = self.params.iter().map(|p| match p.spec.mode {
            Mode::Required => p.name.replace('_', "-"),
            Mode::Optional => format!("[{}]", p.name.replace('_', "-")),
            Mode::Rest => format!("...{}", p.name.replace('_', "-")),
        });
        format!("({})", params.collect::<Vec<_>>().join(", "))
    }
}

/// The bit of [`kinds`] that a value has.
#[inline]
pub fn kind_of(value: Value<'_>) -> u32 {
    let layout = value.layout();
    match KINDS.get(layout as usize) {
        Some(&kind) => kind,
        None => kinds::USER,
    }
}

/// [`kinds`] of the fixed layouts.
static KINDS: [u32; FIRST_USER_LAYOUT as usize] = {
    let mut table = [kinds::OTHER; FIRST_USER_LAYOUT as usize];
    let rows: [(LayoutId, u32); 26] = [
        (layout::INT, kinds::INT),
        (layout::BIG_INT, kinds::INT),
        (layout::NULL, kinds::NULL),
        (layout::BOOL, kinds::BOOL),
        (layout::KEYWORD, kinds::KEYWORD),
        (layout::FLOAT, kinds::FLOAT),
        (layout::STRING, kinds::STRING),
        (layout::STRING_PREFIX, kinds::STRING),
        (layout::ARRAY, kinds::ARRAY),
        (layout::VECTOR, kinds::VECTOR),
        (layout::MAP, kinds::MAP),
        (layout::SET, kinds::SET),
        (layout::ATOM, kinds::ATOM),
        (layout::RANGE, kinds::RANGE),
        (layout::CLOSURE, kinds::FUNCTION),
        (layout::TYPE, kinds::TYPE),
        (layout::NAMESPACE, kinds::NAMESPACE),
        (layout::NATIVE, kinds::NATIVE),
        (layout::SEQ, kinds::SEQ),
        (layout::LAZY, kinds::SEQ),
        (layout::STRING_BUILDER, kinds::STRING_BUILDER),
        (layout::MUTABLE_LIST, kinds::MUTABLE_LIST),
        (layout::MUTABLE_MAP, kinds::MUTABLE_MAP),
        (layout::MUTABLE_SET, kinds::MUTABLE_SET),
        (layout::THREAD_HANDLE, kinds::THREAD),
        (layout::PROTOCOL, kinds::PROTOCOL),
    ];
    let mut i = 0;
    while i < rows.len() {
        table[rows[i].0 as usize] = rows[i].1;
        i += 1;
    }
    table
};

/// Checks arguments against the parameters of a builtin.
fn check(cx: &mut Thread, builtin: &Builtin, handles: &[Handle]) -> Result<(), Thrown> {
    for (i, &handle) in handles.iter().enumerate() {
        let Some(param) = builtin.params.get(i).or(builtin.params.last()) else { break };
        if param.spec.kinds == kinds::ANY || param.spec.kinds & kind_of(cx.get(handle)) != 0 {
            continue;
        }
        // A builtin type that somebody extended with Seqable.
        if param.spec.kinds & kinds::SEQABLE == kinds::SEQABLE && super::methods::is_seqable(cx.get(handle)) {
            continue;
        }
        return Err(wrong_type(cx, builtin, i, param.spec, handles));
    }
    Ok(())
}

#[cold]
fn wrong_type(cx: &mut Thread, builtin: &Builtin, i: usize, spec: Spec, handles: &[Handle]) -> Thrown {
    let expected = match spec.or_name {
        Some(other) => format!("{} or {}", with_article(spec.name), with_article(other)),
        None => with_article(spec.name),
    };
    let help = advice::argument(cx, builtin, i, handles);
    errors::argument(cx, builtin.name, i + 1, &expected, handles[i], &help)
}

/// `a String`, `an Int`.
pub fn with_article(name: &str) -> String {
    let an = name.starts_with(['A', 'E', 'I', 'O', 'U', 'a', 'e', 'i', 'o', 'u']);
    format!("{} {name}", if an { "an" } else { "a" })
}

/// Runs a builtin with arguments that are rooted already. Checks count and types.
pub fn call(cx: &mut Thread, builtin: &'static Builtin, handles: &[Handle]) -> Result<Handle, Thrown> {
    if !builtin.accepts(handles.len()) {
        return Err(errors::builtin_arity(cx, builtin, handles.len()));
    }
    check(cx, builtin, handles)?;
    cx.scoped(|cx| {
        // A builtin may let go of its arguments; the caller's handles are not its own.
        let own: Vec<Handle> = handles.iter().map(|&handle| cx.root(cx.get(handle))).collect();
        match run(cx, builtin, &own) {
            Err(_) if cx.jumps() => cx.call_instead(),
            result => result,
        }
    })
}

#[cfg(debug_assertions)]
thread_local! {
    /// The builtin that runs on this thread and claims to be quiet.
    static CLAIMS: std::cell::Cell<Option<&'static str>> = const { std::cell::Cell::new(None) };
}

/// While it is there, a builtin's claims are checked, in a debug build.
struct Claim(#[cfg(debug_assertions)] Option<&'static str>);

impl Claim {
    #[inline]
    fn of(builtin: &'static Builtin) -> Claim {
        let _ = builtin;
        Claim(
            #[cfg(debug_assertions)]
            CLAIMS.replace(builtin.quiet.then_some(builtin.name)),
        )
    }
}

#[cfg(debug_assertions)]
impl Drop for Claim {
    fn drop(&mut self) {
        CLAIMS.set(self.0);
    }
}

/// Runs a builtin's function.
#[inline]
fn run(cx: &mut Thread, builtin: &'static Builtin, handles: &[Handle]) -> Result<Handle, Thrown> {
    let _claim = Claim::of(builtin);
    (builtin.function)(cx, &Args::new(handles, builtin.fixed()))
}

/// Rust is about to run the program.
#[inline]
pub fn check_claims() {
    #[cfg(debug_assertions)]
    if let Some(name) = CLAIMS.get() {
        panic!("{name} claims that it never runs the program");
    }
}

/// The common entry of all builtins.
///
/// # Safety
/// `cx` must be the calling thread's context with its exit frame set, `words` and the spill area must hold `arg_count`
/// arguments that the builtin accepts by count.
pub unsafe fn enter(cx: *mut Thread, builtin: &'static Builtin, words: [Word; 5]) -> Word {
    // SAFETY: the caller's; no other reference to the context exists while generated code runs.
    let cx = unsafe { &mut *cx };
    crate::runtime::boundary(cx, builtin.name, |cx| {
        let argc = cx.arg_count();
        let mark = cx.mark();
        let mut handles = [cx.root_word(Word::NULL); 5];
        let result = if argc <= 5 {
            for i in 0..argc {
                // SAFETY: the words are arguments that generated code has just passed; nothing has allocated since.
                handles[i] = cx.root(unsafe { Value::from_raw(cx, words[i]) });
            }
            let handles = &handles[..argc];
            check(cx, builtin, handles).and_then(|()| run(cx, builtin, handles))
        } else {
            let handles = crate::runtime::program::entry::spilled_arguments(cx, words, argc);
            check(cx, builtin, &handles).and_then(|()| run(cx, builtin, &handles))
        };
        let word = result.map(|handle| cx.get(handle).word());
        cx.release(mark);
        word
    })
}
