//! What the generator asks of the rest of the system, as one interface.
//!
//! The generator knows no namespaces, types or code memory: whoever compiles hands it a [`Link`] that answers with plain data
//! (addresses of data cells, layouts, words). That keeps the arrow of dependence in one place, and lets tests generate code
//! without a running system.

pub use crate::emit::exits::SideExit;
use std::borrow::Cow;

use super::facts::Seen;
use super::failure::GivenUp;
use super::trials::Trials;
use crate::object::Word;
use crate::object::layout::LayoutId;
use crate::reader::tree::{FunctionId, GlobalId};

/// Helpers of the runtime that generated code calls through exit stubs: arguments and result are tagged words unless said
/// otherwise. All may collect and may throw.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[rustfmt::skip]
pub enum Helper {
    /// Arithmetic on any two values: the operators' general meaning.
    Add, Subtract, Multiply, Divide, Remainder, Concat,
    /// Shifts and bits.
    ShiftLeft, ShiftRight, ShiftRightLogical, BitAnd, BitXor, BitOr,
    /// `-a`
    Negate,
    /// Comparisons; a Bool comes back.
    Less, LessEqual, Greater, GreaterEqual, Equal,
    /// `o[i]`, `o[i] = v`
    GetIndex, SetIndex,
    /// `(object, raw address of the site)`: fills the site. `(object, value, raw address of the site)`: gives the value.
    GetField, SetField,
    /// `(raw count)`: elements in the thread's argument area.
    MakeVector, MakeMap, MakeSet, Interpolate,
    /// `(vector, raw count)`: a vector with the elements in the argument area added; `(map, raw count)`, `(set, raw count)`,
    /// `(string, raw count)`.
    ExtendVector, ExtendMap, ExtendSet, ExtendText,
    /// `(raw payload bytes with header)`: the raw address of fresh memory; the header is not written.
    Allocate,
    /// `(value, type)`: is it one of the type? A Bool comes back.
    InstanceOf,
    /// Safepoint.
    Poll,
    /// `()`: throws it; called in place of a function whose frame does not fit.
    StackOverflow,
    /// `(value)`: throws it for the first time; never returns a value.
    Throw,
    /// `(value)`: throws from within a handler; what was caught there keeps the stack trace it came with.
    Rethrow,
    /// `(value)`: throws MatchError.
    MatchError,
    /// `(collection)`: a cursor. `(cursor)`: the next chunk or null.
    Iterate, NextChunk,
    /// `(callee)`: throws TypeError.
    NotCallable,
    /// `(raw address of the binding)`: throws that it has no value (yet).
    Undefined,
    /// `(raw address of the binding, value)`
    Define,
    /// `(raw address of the binding, value)`: unless another thread has given it one.
    DefineOnce,
    /// `(raw address of the binding)`: value of a dynamic variable.
    DynamicGet,
    /// `(raw address of the binding, value)`: binds it; gives the bindings as they were.
    DynamicBind,
    /// `(bindings as they were)`: makes them so again and gives what they were; UNDEFINED changes nothing.
    DynamicRestore,
    /// `(base, raw layout, raw: is a copy wanted?)`: throws TypeError when base is no instance of the layout's type; gives base in
    /// this layout, or in the present one where this is no longer it.
    StructBase,
    /// `(object, base or null, raw address and length of the names given, raw layout)`: an object whose layout was the present one
    /// when its literal was compiled, and is no more. Throws FieldError when the type has a given field no more or wants
    /// another; gives one of the present layout.
    Remake,
    /// `(raw layout)`: throws FieldError where an enum has no such variant without fields any more.
    NoVariant,
    /// `(message)`: throws FieldError.
    NoLiteral,
    /// `(value, raw layout, address and length of names)`: the object as it is in this layout of its type and variant, `null` where
    /// it is of another, or lacks one of these fields. For patterns.
    InLayout,
    /// value → Is it what the interrupt key throws?
    IsInterrupt,
    /// `(vector, from, after)`: the elements from `from` on, without the last `after`, as a vector.
    SubVector,
    /// `(from, to)`: throws what `range(from, to)` throws where one is no Int.
    CheckRange,
    /// `(collection)`: its elements as a vector; throws what `enumerate` throws.
    Enumerated,
    /// `(map, key)`: the value, or UNDEFINED.
    MapFind,
    /// `()`: a builder of a vector. `(builder, value)`. `(builder)`: the vector.
    NewBuilder, BuilderPush, BuilderDone,
    /// `(collection, key, default)`, `(collection, x)`, `(collection)`: `get`, `contains?`, `length` of what may be a map that
    /// one variable holds.
    GetOr, Contains, Length,
    /// `(collection, key, value)`, `(collection, key)`: `assoc` and `dissoc` whose result takes the place of the collection in
    /// the one variable that holds it.
    AssocInPlace, DissocInPlace,
    /// `(set, x)`: the same for `set-add` and `set-remove`.
    SetAddInPlace, SetRemoveInPlace,
    /// `(vector, value)`, `(vector)`: the same for `push` and `butlast`.
    PushInPlace, ButlastInPlace,
    /// `(collection)`: `count` of what may be a collection that one variable holds.
    Count,
    /// `(keyword naming the feature)`: throws "not yet".
    NotYet,
}

/// What a name outside of the function stands for.
#[derive(Clone, Copy, Debug)]
pub struct Global {
    /// Address of the binding; its value is the word there.
    pub binding: usize,
    /// How it is used.
    pub kind: GlobalKind,
    /// It is (or may end in) a builtin, and no such that ends in a call itself: the caller's frame stays during a call even in tail position, so that errors, and
    /// builtins that ask who calls them, find it.
    pub builtin: bool,
    /// A call of it never runs the program.
    pub quiet: bool,
    /// Which function on collections of `core` it is.
    pub collection: Option<CollectionCall>,
    /// During a call of it somebody looks at the variables in view: they are kept until then.
    pub shows: bool,
}

/// Functions of `core` that look into a collection, their first argument, or give a changed one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[rustfmt::skip]
#[allow(missing_docs)]
pub enum CollectionCall {
    /// `get(c, k)`, `c[k]`
    Index,
    /// `get(c, k, default)`
    GetOr,
    Contains, Length, Count, Assoc, Update, Dissoc, SetContains, SetAdd, SetRemove, Push, Butlast,
    /// `last(c)`, `nth(c, i)` and others that look into a collection of a builtin type and ask nobody else.
    Look,
}

/// How a global is read and called.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum GlobalKind {
    /// An ordinary binding.
    Plain,
    /// A dynamic variable.
    Dynamic,
    /// A constant of `core` that nobody can redefine.
    Constant(Word),
    /// A function of `core` that the generator knows.
    Intrinsic(Intrinsic),
    /// A protocol method: called through its dispatch table.
    Method,
}

/// Functions of `core` that the generator writes inline where the facts allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[rustfmt::skip]
pub enum Intrinsic {
    /// `(x)`
    ToFloat, Sqrt, Abs, Floor, Ceil, Truncate, ToInt, Not, Even, Odd, Length,
    /// `(x)`: predicates.
    IsNull, IsSome, IsFunction, IsInt, IsFloat, IsNumber, IsString, IsVector, IsMap, IsSet, IsArray, IsAtom,
    /// `(a, b)`
    Range, Get, InstanceOf, Min, Max,
    /// `(collection)`: what a `for` goes through.
    Enumerate,
    /// `()`, `(builder, value)`, `(builder)`: the library's way to make vectors.
    NewBuilder, BuilderPush, BuilderDone,
}

impl Intrinsic {
    /// Does a call change something?
    pub fn has_effects(self) -> bool {
        use Intrinsic::*;
        // Each is asked: one that is added says what it does.
        match self {
            NewBuilder | BuilderPush | BuilderDone => true,
            ToFloat | Sqrt | Abs | Floor | Ceil | Truncate | ToInt | Not | Even | Odd | Length => false,
            IsNull | IsSome | IsFunction | IsInt | IsFloat | IsNumber | IsString | IsVector | IsMap | IsSet => false,
            IsArray | IsAtom | Range | Enumerate | Get | InstanceOf | Min | Max => false,
        }
    }
}

/// Layouts that a call meets in turn, where it is likely to meet several: 0 is none.
pub type Receivers = [LayoutId; 4];

/// A global function that could be written in place of its calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inlinable {
    /// The function, of the unit that is being compiled.
    pub function: FunctionId,
    /// Which of its arities takes the arguments, one for each.
    pub arity: usize,
}

/// A struct or a variant.
#[derive(Clone, Debug)]
pub struct StructType {
    /// The layout of new instances.
    pub layout: LayoutId,
    /// A data cell that is not 0 as soon as it is the layout of new instances no more.
    pub outdated: usize,
    /// A data cell that counts the declarations of its type, and what stood there when the others of these were read.
    pub declarations: (usize, i32),
    /// Instances of other layouts may exist (the struct was redefined).
    pub redefined: bool,
    /// The fields in the order of the slots.
    pub fields: Vec<FieldType>,
    /// The data cell that holds the only value of a variant without fields.
    pub singleton: Option<usize>,
}

/// A field of a struct or variant.
#[derive(Clone, Debug)]
pub struct FieldType {
    /// Its name.
    pub name: String,
    /// May it be assigned?
    pub mutable: bool,
    /// The data cell that holds the function without parameters that gives the default.
    pub default: Option<usize>,
}

/// A literal whose value can be made once and for all, for nobody can change it.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal<'a> {
    /// A value that is a word.
    Word(Word),
    /// A Float, in its 64 bits.
    Float(u64),
    /// A String.
    String(&'a str),
    /// An Int of any size: its decimal digits.
    BigInt(Cow<'a, str>),
    /// A vector.
    Vector(Vec<Literal<'a>>),
}

/// The surroundings of the function that is being compiled. Whoever cannot answer does not invent something, but leaves the
/// generator: see [`super::failure`].
pub trait Link {
    /// The code address of the helper's exit stub.
    fn helper(&mut self, helper: Helper) -> usize;
    /// The code address of the stub that boxes the float in FSCRATCH into the scratch register and keeps all other registers.
    fn box_float_stub(&mut self) -> usize;
    /// The stub to call, as no safepoint, where an old object was stored to: see `emit/store.rs`. None where the plan does not ask for it.
    fn remember_stub(&mut self) -> Option<usize> {
        None
    }
    /// Is there memory for more of what is made for a function, and does anybody still want it?
    fn may_go_on(&mut self) -> Result<(), GivenUp> {
        Ok(())
    }
    /// The stub to call, as no safepoint, where a hot region is left: it counts, and keeps all registers. None when nobody counts.
    fn side_exit(&mut self, _reason: SideExit) -> Option<usize> {
        None
    }
    /// The code that looks into maps: see `runtime/helpers/lookup.rs`. It takes collection and key like a helper, and is no safepoint.
    fn look_up(&mut self) -> usize;
    /// The data cell with the array of the Strings of the ASCII characters, when it is there.
    fn characters(&mut self) -> Option<usize> {
        None
    }
    /// A data cell that holds the value of a literal.
    fn literal(&mut self, literal: &Literal<'_>) -> usize;
    /// The keyword.
    fn keyword(&mut self, name: &str) -> Word;
    /// A new inline cache for accesses to this field: its first word is `header_low | displacement << 32` once it is filled.
    fn site(&mut self, field: &str) -> usize;
    /// What the name stands for; none when nothing (the loader has reported it).
    fn global(&mut self, global: GlobalId) -> Option<Global>;
    /// The function of the library that gives what `update` puts under a key.
    fn updated(&mut self) -> Global;
    /// The binding that a top-level `let` of the unit being compiled defines.
    fn own_binding(&mut self, name: &str) -> usize;
    /// The link cell for calls of the binding's function with this many arguments, when it can be called directly.
    fn link_cell(&mut self, binding: usize, arguments: usize) -> Option<usize>;
    /// The function bound there, when it is one of the unit being compiled that captures nothing and takes so many arguments.
    fn inlinable(&mut self, binding: usize, arguments: usize) -> Option<Inlinable>;
    /// A data cell that holds this number, of 31 bits, for as long as nothing has changed that the code takes for granted.
    fn revision(&mut self) -> (usize, i32);
    /// The code takes for granted that the binding holds this function, and is to be made anew when that changes. Does it hold it still?
    fn relies_on(&mut self, binding: usize, arguments: usize, found: Inlinable) -> bool;
    /// The data cell with the address of the dispatch table of the method bound there.
    fn method_table(&mut self, binding: usize, arguments: usize) -> Option<usize>;
    /// For a method of `core`, which is a builtin for builtin types: what the entries of its dispatch table hold where nobody has
    /// implemented it, or where that is not known yet.
    fn builtin_entries(&mut self, binding: usize, arguments: usize) -> Option<[usize; 2]>;
    /// The layouts that calls of the method bound there probably meet.
    fn method_receivers(&mut self, _binding: usize) -> Receivers {
        Receivers::default()
    }
    /// The same for `v.name(…)`.
    fn selector_receivers(&mut self, _name: &str) -> Receivers {
        Receivers::default()
    }
    /// The data cell with the address of the dispatch table for `v.name(…)`; `arguments` counts v.
    fn selector_table(&mut self, name: &str, arguments: usize) -> usize;
    /// The function that `T.name(…)` calls, where the global is a type that has one of its own: never anything but plain.
    fn associated(&mut self, _global: GlobalId, _name: &str) -> Option<Global> {
        None
    }
    /// The struct that the name stands for, for what is compiled anew when the name stands for something else.
    fn named_struct(&mut self, global: GlobalId) -> Option<StructType> {
        self.struct_type(global, None)
    }
    /// The struct type, or the variant of the enum, that the name was declared as.
    fn struct_type(&mut self, global: GlobalId, variant: Option<&str>) -> Option<StructType>;
    /// Has the program extended a builtin type with a protocol of `core`? Then who indexes or counts asks whose method it is: what
    /// is written in place would pass it by. The library means its own vectors and arrays as they are.
    fn builtin_extended(&self) -> bool;
    /// Does the name stand for the type of what the interrupt key throws?
    fn is_interrupt(&mut self, global: GlobalId) -> bool;
    /// The names of fields that a literal gives, separated by spaces: address and length of a text that stays.
    fn field_names(&mut self, names: &str) -> (usize, usize);
    /// The slot of a field in objects of this layout, and whether it may be written.
    fn slot_of(&mut self, layout: LayoutId, field: &str) -> Option<(u32, bool)>;
    /// A layout that an object with this field probably has.
    fn guess_layout(&mut self, field: &str) -> Option<LayoutId>;
    /// The record of a nested function.
    fn code(&mut self, function: FunctionId) -> usize;
    /// A data cell that holds the function value of a nested function without captures.
    fn closure_cell(&mut self, function: FunctionId) -> usize;
    /// What a call of the binding's function with this many arguments probably gives.
    fn result(&mut self, _binding: usize, _arguments: usize) -> Seen {
        Seen::None
    }
    /// What the binding's value looks like now.
    fn seen(&mut self, binding: usize) -> Seen;
    /// What a captured value looks like now, when the function is compiled for a call.
    fn captured(&mut self, index: u32) -> Seen;
    /// Are comments for listings wanted?
    fn notes(&self) -> bool;

    /// What is to be tried.
    fn trials(&self) -> Trials {
        Trials::default()
    }

    /// Does anybody want to know where variables live?
    fn variables(&self) -> bool;

    /// Has the arity been found before to be one whose first parameter may be a collection that changes in place?
    fn takes_marked(&self) -> bool {
        false
    }

    /// Does anybody look at errors where they are thrown? Then all variables in view are kept for what may throw.
    fn errors_stop(&self) -> bool {
        false
    }
}
