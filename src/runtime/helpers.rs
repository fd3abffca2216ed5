//! The functions that generated code calls when its inline paths do not suffice.
//!
//! Owns the table [`Helper`]: one row for each, with the C function behind it; [`Helpers`] holds the exit stubs. A helper gets
//! the context and up to five words, may collect, and gives a word or [`Word::THROWN`], in which case the stub throws the
//! exception in the context. Parameters called `word` are bits, all others are values.

use super::binding::Binding;
use super::errors::ErrorKind;
use super::operators;
use super::sites::FieldSite;
use super::vm::StartError;
use crate::asm::memory::CodeMemory;
use crate::gc::slow::{Poll, allocate_slow, safepoint};
use crate::gc::{Handle, Thread, Thrown, Value, Word, layout};

macro_rules! helpers {
    ($($(#[doc = $doc:literal])+ $name:ident ($($param:ident: $kind:ident),*) = $function:expr;)*) => {
        /// A function that generated code can call.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(usize)]
        pub enum Helper { $($(#[doc = $doc])+ $name,)* }

        impl Helper {
            /// All of them, in order.
            pub const ALL: &'static [Helper] = &[$(Helper::$name),*];

            /// Its name in listings.
            pub fn name(self) -> &'static str {
                match self { $(Helper::$name => stringify!($name)),* }
            }

            /// The C function.
            pub fn function(self) -> usize {
                match self { $(Helper::$name => {
                    #[allow(unused_assignments, unused_variables, unused_mut)]
                    unsafe extern "C" fn helper(cx: *mut Thread, $($param: u64),*) -> Word {
                        // SAFETY: generated code passes the context of its thread; no other reference to it exists now.
                        let cx = unsafe { &mut *cx };
                        super::boundary(cx, stringify!($name), |cx| {
                            let mark = cx.mark();
                            $(let $param = helpers!(@root cx, $param, $kind);)*
                            let result = $function(cx, $($param),*);
                            let word = helpers!(@word cx, result);
                            cx.release(mark);
                            word
                        })
                    }
                    helper as *const () as usize
                }),* }
            }
        }
    };
    // SAFETY (of the expansion): a value that generated code has just passed; nothing has allocated since.
    (@root $cx:ident, $param:ident, value) => { $cx.root(unsafe { Value::from_raw($cx, Word($param)) }) };
    (@root $cx:ident, $param:ident, word) => { $param };
    (@word $cx:ident, $result:ident) => { IntoWord::into_word($result, $cx) };
}

/// What a helper may give.
trait IntoWord {
    fn into_word(self, cx: &Thread) -> Result<Word, Thrown>;
}

impl IntoWord for Result<Handle, Thrown> {
    fn into_word(self, cx: &Thread) -> Result<Word, Thrown> {
        self.map(|h| cx.get(h).word())
    }
}

impl IntoWord for Result<bool, Thrown> {
    fn into_word(self, _cx: &Thread) -> Result<Word, Thrown> {
        self.map(Word::bool)
    }
}

impl IntoWord for Result<Word, Thrown> {
    fn into_word(self, _cx: &Thread) -> Result<Word, Thrown> {
        self
    }
}

impl IntoWord for Thrown {
    fn into_word(self, _cx: &Thread) -> Result<Word, Thrown> {
        Err(self)
    }
}

helpers! {
    /// Room for an object of so many bytes, header included: its untagged address.
    Allocate(bytes: word) = allocate;
    /// The slow path of a safepoint.
    Poll() = poll;
    /// Throws a value.
    Throw(value: value) = |cx: &mut Thread, value| Thrown::set(cx, value);
    /// Throws again what a `finally` or a `catch` that does not fit has caught: the first stack trace stays.
    Rethrow(value: value) = |cx: &mut Thread, value| Thrown::set(cx, value);
    /// `object.name` where the inline cache of the site misses.
    GetField(object: value, site: word) = get_field;
    /// `object.name = value` where the inline cache of the site misses.
    SetField(object: value, value: value, site: word) = set_field;
    /// The callee is no function.
    NotCallable(callee: value) = super::entry::not_callable;
    /// A name without a value is read: the address of the binding.
    Undefined(binding: word) = |cx: &mut Thread, binding| super::link::undefined(cx, binding_at(binding));
    /// Defines a global: the address of the binding, the value; gives the value.
    DefineGlobal(binding: word, value: value) = define_global;
    /// Does the value have this type (by number)? For enums and structs of several layouts.
    InstanceOf(value: value, type_: word) = instance_of;
    /// `a + b` where the inline path does not suffice; so the others.
    Add(a: value, b: value) = operators::add;
    /// `a - b`
    Subtract(a: value, b: value) = operators::subtract;
    /// `a * b`
    Multiply(a: value, b: value) = operators::multiply;
    /// `a / b`
    Divide(a: value, b: value) = operators::divide;
    /// `a % b`
    Remainder(a: value, b: value) = operators::remainder;
    /// `-a`
    Negate(a: value) = super::numbers::arith::negate;
    /// `a ++ b`
    Concat(a: value, b: value) = operators::concat;
    /// `a << b`
    ShiftLeft(a: value, b: value) = operators::shift_left;
    /// `a >> b`
    ShiftRight(a: value, b: value) = operators::shift_right;
    /// `a >>> b`
    ShiftRightLogical(a: value, b: value) = operators::shift_right_logical;
    /// `a & b`
    BitAnd(a: value, b: value) = operators::bit_and;
    /// `a | b`
    BitOr(a: value, b: value) = operators::bit_or;
    /// `a ^ b`
    BitXor(a: value, b: value) = operators::bit_xor;
    /// `a < b`: a Bool.
    CompareLess(a: value, b: value) = operators::less;
    /// `a <= b`
    CompareLessEqual(a: value, b: value) = operators::less_equal;
    /// `a > b`
    CompareGreater(a: value, b: value) = operators::greater;
    /// `a >= b`
    CompareGreaterEqual(a: value, b: value) = operators::greater_equal;
    /// `a == b`: a Bool.
    Equal(a: value, b: value) = operators::equal;
    /// `coll[key]`
    GetIndex(coll: value, key: value) = super::builtins::access::get_index;
    /// `coll[key] = value`: the value.
    SetIndex(coll: value, key: value, value: value) = super::builtins::access::set_index;
    /// A vector of the first `count` words of the spill area.
    MakeVector(count: word) = operators::make_vector;
    /// A map of the first `count` words of the spill area: keys and values in turn.
    MakeMap(count: word) = operators::make_map;
    /// A set of the first `count` words of the spill area.
    MakeSet(count: word) = operators::make_set;
    /// A String of the texts of the first `count` words of the spill area.
    Interpolate(count: word) = operators::interpolate;
    /// A builder for literals with more parts than the spill area holds.
    LiteralStart() = operators::literal_start;
    /// Adds a part (keys and values of a map in turn); the builder.
    LiteralPush(list: value, value: value) = operators::literal_push;
    /// The vector of a builder.
    LiteralVector(list: value) = operators::literal_vector;
    /// The map of a builder.
    LiteralMap(list: value) = operators::literal_map;
    /// The set of a builder.
    LiteralSet(list: value) = operators::literal_set;
    /// A cursor over anything seqable.
    Iterate(coll: value) = super::iterate::iterate;
    /// The next elements of a cursor: an ARRAY or NODE, `null` at the end.
    NextChunk(cursor: value) = super::iterate::next_chunk;
}

/// The exit stubs of all helpers.
#[derive(Debug)]
pub struct Helpers {
    stubs: Vec<usize>,
}

impl Helpers {
    pub(super) fn new(memory: &CodeMemory, stubs: &super::stubs::Stubs) -> Result<Helpers, StartError> {
        let functions: Vec<usize> = Helper::ALL.iter().map(|h| h.function()).collect();
        Ok(Helpers { stubs: stubs.exits(memory, &functions)? })
    }

    /// The code that calls a helper.
    pub fn address(&self, helper: Helper) -> usize {
        self.stubs[helper as usize]
    }
}

fn binding_at(address: u64) -> &'static Binding {
    // SAFETY: code embeds the addresses of bindings only.
    unsafe { Binding::at(address as usize) }
}

fn site_at(address: u64) -> &'static FieldSite {
    // SAFETY: code embeds the addresses of sites only.
    unsafe { FieldSite::at(address as usize) }
}

fn allocate(cx: &mut Thread, bytes: u64) -> Result<Word, Thrown> {
    // SAFETY: `cx` is this thread's context, and a helper runs with its exit frame set.
    match unsafe { allocate_slow(cx, bytes) } {
        0 => Err(Thrown::pending()),
        address => Ok(Word(address)),
    }
}

fn poll(cx: &mut Thread) -> Result<Word, Thrown> {
    // SAFETY: `cx` is this thread's context, and a helper runs with its exit frame set.
    match unsafe { safepoint(cx) } {
        Poll::Continue => Ok(Word::NULL),
        Poll::Interrupted => Err(cx.throw(ErrorKind::Interrupted, "interrupted")),
        Poll::StackOverflow => Err(cx.throw(ErrorKind::StackOverflow, "calls are nested too deeply")),
    }
}

fn define_global(cx: &mut Thread, binding: u64, value: Handle) -> Result<Handle, Thrown> {
    binding_at(binding).define(cx, cx.get(value));
    Ok(value)
}

fn instance_of(cx: &mut Thread, value: Handle, type_: u64) -> Result<bool, Thrown> {
    let layout = cx.vm().types.layout(cx.get(value).layout());
    Ok(layout.is_some_and(|l| u64::from(l.type_.0) == type_))
}

/// `object.name`, whatever the object. Fills the site.
fn get_field(cx: &mut Thread, object: Handle, site: u64) -> Result<Handle, Thrown> {
    let site = site_at(site);
    let value = cx.get(object);
    if value.layout() >= layout::FIRST_USER_LAYOUT
        && let Some(slot) = cx.vm().types.layout(value.layout()).and_then(|info| info.slot(site.name()))
    {
        site.fill(value.layout(), slot);
        return Ok(cx.root(value.slot(slot)));
    }
    super::fields::missing(cx, object, site.name())
}

/// `object.name = value`. Fills the site.
fn set_field(cx: &mut Thread, object: Handle, value: Handle, site: u64) -> Result<Handle, Thrown> {
    let site = site_at(site);
    let target = cx.get(object);
    if target.layout() >= layout::FIRST_USER_LAYOUT
        && let Some(info) = cx.vm().types.layout(target.layout())
        && let Some(slot) = info.slot(site.name())
        && info.fields[slot].mutable
    {
        site.fill(target.layout(), slot);
        cx.set_slot(target, slot, cx.get(value));
        return Ok(value);
    }
    super::fields::cannot_set(cx, object, site.name())
}
