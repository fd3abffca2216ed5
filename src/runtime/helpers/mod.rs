//! The functions that generated code calls when its inline paths do not suffice.
//!
//! Owns the table [`Helper`]: one row for each, with the C function behind it; [`Helpers`] holds the exit stubs. A helper gets
//! the context and up to five words, may collect, and gives a word or [`Word::THROWN`], in which case the stub throws the
//! exception in the context. Parameters called `word` are bits, all others are values.

mod fast;
pub(super) mod fields;
pub mod leaf;
pub(super) mod literals;
pub mod lookup;

use std::sync::atomic::{Ordering, fence};

use crate::runtime::fault::errors;
use crate::runtime::fault::explain;
use crate::runtime::fault::report;
use crate::runtime::fault::trace;
use crate::runtime::load::install;
use crate::runtime::program::binding::Binding;
use crate::runtime::program::entry;
use crate::runtime::program::link;
use crate::runtime::program::present::write_added;
use crate::runtime::values::compare::Comparison;

use crate::runtime::fault::errors::ErrorKind;

use super::vm::StartError;
use crate::asm::Host;
use crate::asm::code_map::Kind;
use crate::asm::publish::{Piece, Publisher};
use crate::asm::stubs::counting_stub;
use crate::codegen::link::{Helper, SideExit};
use crate::gc::mutator::slow::{Poll, allocate_slow, safepoint};
use crate::gc::plan::Barrier;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::{Word, layout};
use crate::runtime::compile::sites::FieldSite;
use crate::runtime::observe::observer;
use crate::runtime::values::numbers::arith::Op;
use crate::runtime::values::numbers::bits::{BitOp, Shift};
use crate::runtime::values::{dynamic, operators};
use crate::stubs;
use crate::stubs::claims::{Claim, Claims, Does, Takes};

macro_rules! helpers {
    ($($name:ident ($($param:ident: $kind:ident),*) = $function:expr;)*) => {
        /// All helpers, in the order of the table.
        pub const ALL: &[Helper] = &[$(Helper::$name),*];

        /// Its name in listings.
        pub fn name(helper: Helper) -> &'static str {
            match helper { $(Helper::$name => stringify!($name)),* }
        }

        /// What a helper takes.
        pub fn takes(helper: Helper) -> &'static [Takes] {
            match helper { $(Helper::$name => &[$(helpers!(@takes $kind)),*]),* }
        }

        /// The C function behind a helper.
        fn function(helper: Helper) -> usize {
            match helper { $(Helper::$name => {
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
    };
    (@takes value) => { Takes::Value };
    (@takes word) => { Takes::Raw };
    (@root $cx:ident, $param:ident, value) => {
        // SAFETY: a value that generated code has just passed; rooting does not allocate in the heap.
        $cx.root(unsafe { Value::from_raw($cx, Word($param)) })
    };
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
    Add(a: value, b: value) = |cx: &mut Thread, a, b| operators::arithmetic(cx, Op::Add, a, b);
    Subtract(a: value, b: value) = |cx: &mut Thread, a, b| operators::arithmetic(cx, Op::Subtract, a, b);
    Multiply(a: value, b: value) = |cx: &mut Thread, a, b| operators::arithmetic(cx, Op::Multiply, a, b);
    Divide(a: value, b: value) = |cx: &mut Thread, a, b| operators::arithmetic(cx, Op::Divide, a, b);
    Remainder(a: value, b: value) = |cx: &mut Thread, a, b| operators::arithmetic(cx, Op::Remainder, a, b);
    Concat(a: value, b: value) = operators::concat;
    ShiftLeft(a: value, b: value) = |cx: &mut Thread, a, b| operators::shift(cx, Shift::Left, a, b);
    ShiftRight(a: value, b: value) = |cx: &mut Thread, a, b| operators::shift(cx, Shift::Right, a, b);
    ShiftRightLogical(a: value, b: value) = |cx: &mut Thread, a, b| operators::shift(cx, Shift::Logical, a, b);
    BitAnd(a: value, b: value) = |cx: &mut Thread, a, b| operators::bits(cx, BitOp::And, a, b);
    BitXor(a: value, b: value) = |cx: &mut Thread, a, b| operators::bits(cx, BitOp::Xor, a, b);
    BitOr(a: value, b: value) = |cx: &mut Thread, a, b| operators::bits(cx, BitOp::Or, a, b);
    Negate(a: value) = operators::negate;
    Less(a: value, b: value) = |cx: &mut Thread, a, b| operators::compare(cx, Comparison::Less, a, b);
    LessEqual(a: value, b: value) = |cx: &mut Thread, a, b| operators::compare(cx, Comparison::LessEqual, a, b);
    Greater(a: value, b: value) = |cx: &mut Thread, a, b| operators::compare(cx, Comparison::Greater, a, b);
    GreaterEqual(a: value, b: value) = |cx: &mut Thread, a, b| operators::compare(cx, Comparison::GreaterEqual, a, b);
    Equal(a: value, b: value) = operators::equal;
    GetIndex(object: value, index: value) = super::values::access::get_index;
    SetIndex(object: value, index: value, value: value) = super::values::access::set_index;
    GetField(object: value, site: word) = get_field;
    SetField(object: value, value: value, site: word) = set_field;
    MakeVector(count: word) = operators::make_vector;
    MakeMap(count: word) = operators::make_map;
    MakeSet(count: word) = operators::make_set;
    Interpolate(count: word) = operators::interpolate;
    ExtendVector(vector: value, count: word) = operators::extend_vector;
    ExtendMap(map: value, count: word) = operators::extend_map;
    ExtendSet(set: value, count: word) = operators::extend_set;
    ExtendText(text: value, count: word) = operators::extend_text;
    Allocate(bytes: word) = allocate;
    Poll() = poll;
    StackOverflow() = |cx: &mut Thread| cx.stack_overflow();
    Throw(value: value) = |cx: &mut Thread, value| {
        // The same constant may have been thrown and caught here before.
        cx.set_traced(None);
        cx.throw_value(value)
    };
    Rethrow(value: value) = |cx: &mut Thread, value| match cx.is_traced(cx.get(value)) {
        true => Thrown::set(cx, value),
        false => cx.throw_value(value),
    };
    MatchError(value: value) = match_error;
    Iterate(collection: value) = operators::iterate;
    NextChunk(cursor: value) = operators::next_chunk;
    NotCallable(callee: value) = entry::not_callable;
    Undefined(binding: word) = |cx: &mut Thread, binding| link::undefined(cx, binding_at(binding));
    Define(binding: word, value: value) = define_global;
    DefineOnce(binding: word, value: value) = define_once;
    DynamicGet(binding: word) = |cx: &mut Thread, binding| dynamic::get(cx, binding_at(binding));
    DynamicBind(binding: word, value: value) = |cx: &mut Thread, binding, value| dynamic::bind(cx, binding_at(binding), value);
    DynamicRestore(old: value) = dynamic::restore;
    StructBase(base: value, layout: word, copy: word) = literals::base;
    Remake(object: value, base: value, names: word, length: word, layout: word) = literals::remake;
    NoVariant(layout: word) = literals::no_variant;
    NoLiteral(message: value) = literals::refuse;
    InLayout(value: value, layout: word, names: word, length: word) = literals::in_layout;
    IsInterrupt(value: value) = is_interrupt;
    InstanceOf(value: value, type_: value) = super::program::instances::is_instance;
    SubVector(vector: value, from: value, after: value) = operators::sub_vector;
    CheckRange(from: value, to: value) = operators::check_range;
    Enumerated(coll: value) = super::values::access::enumerated;
    MapFind(map: value, key: value) = operators::map_find;
    BuilderDone(builder: value) = operators::builder_done;
    NewBuilder() = crate::runtime::values::collections::builder::new;
    BuilderPush(builder: value, value: value) = operators::builder_push;
    GetOr(coll: value, key: value, default: value) = super::values::access::get_or;
    Contains(coll: value, x: value) = super::values::access::contains_in;
    Length(coll: value) = super::values::access::length_of;
    AssocInPlace(coll: value, key: value, value: value) = super::values::access::assoc_in_place;
    DissocInPlace(coll: value, key: value) = super::values::access::dissoc_in_place;
    SetAddInPlace(set: value, x: value) = super::values::access::set_add_in_place;
    SetRemoveInPlace(set: value, x: value) = super::values::access::set_remove_in_place;
    PushInPlace(vector: value, value: value) = super::values::access::push_in_place;
    ButlastInPlace(vector: value) = super::values::access::butlast_in_place;
    Count(coll: value) = super::values::access::count_of;
    NotYet(feature: value) = not_yet;
}

/// Its name in the code map: `get_index` for `GetIndex`, `alloc_slow` for what code calls when it finds no room.
fn symbol(helper: Helper) -> String {
    if helper == Helper::Allocate {
        return "alloc_slow".into();
    }
    let mut symbol = String::new();
    for c in name(helper).chars() {
        if c.is_uppercase() && !symbol.is_empty() {
            symbol.push('_');
        }
        symbol.push(c.to_ascii_lowercase());
    }
    symbol
}

/// The code through which helpers are called: exit stubs, or what stands in front of them.
#[derive(Debug)]
pub struct Helpers {
    stubs: [usize; ALL.len()],
    /// Boxes the float in FSCRATCH into the scratch register; keeps all other registers.
    pub box_float: usize,
    /// The stub that remembers stores into old objects, where the plan wants that.
    pub remember: Option<usize>,
    /// Looks into maps: see `runtime/helpers/lookup.rs`.
    pub look_up: usize,
    /// By reason, the stubs that count side exits; empty when nobody counts.
    pub side_exits: Vec<usize>,
}

impl Helpers {
    pub(super) fn new(
        publisher: &Publisher,
        table: &super::vm::Stubs,
        outside: stubs::Outside,
    ) -> Result<Helpers, StartError> {
        let exits = table.exits(publisher, ALL.iter().map(|h| (symbol(*h), function(*h))))?;
        let mut addresses = [0; ALL.len()];
        for (helper, exit) in ALL.iter().zip(exits) {
            addresses[*helper as usize] = exit;
        }
        let (mut codes, mut in_front) = (Vec::new(), Vec::new());
        for helper in ALL {
            if let Some(code) = fast::code::<Host>(*helper, addresses[*helper as usize], outside) {
                codes.push((symbol(*helper), code?));
                in_front.push(*helper);
            }
        }
        for (helper, start) in in_front.iter().zip(stubs::publish(publisher, Kind::Fast, &codes)?) {
            addresses[*helper as usize] = start;
        }
        let function = crate::gc::mutator::slow::box_float as *const () as usize;
        let box_float = stubs::box_float::<Host>(function, (observer().counter)("box_float"))?;
        let box_float = publisher.publish_one(Piece::stub(&box_float, Kind::Stub, "box_float"))?;
        let look_up = stubs::look_up::<Host>(lookup::look_up as *const () as usize, outside)?;
        let look_up = publisher.publish_one(Piece::stub(&look_up, Kind::Fast, "look_up"))?;
        let mut side_exits = Vec::new();
        for counter in SideExit::ALL.iter().filter_map(|(_, name)| (observer().counter)(name)) {
            let code = counting_stub::<Host>(counter)?;
            side_exits.push(publisher.publish_one(Piece::stub(&code, Kind::Stub, "side_exit"))?);
        }
        Ok(Helpers { stubs: addresses, box_float, remember: outside.remember, look_up, side_exits })
    }

    /// The stub that remembers stores into old objects, where the plan wants that.
    pub(super) fn remembering(publisher: &Publisher, barrier: Barrier) -> Result<Option<usize>, StartError> {
        if barrier == Barrier::None {
            return Ok(None);
        }
        let code = stubs::remember::<Host>(crate::gc::mutator::slow::remember as *const () as usize)?;
        Ok(Some(publisher.publish_one(Piece::stub(&code, Kind::Stub, "remember"))?))
    }

    /// What may be claimed of this code to who verifies bodies that call it.
    pub fn claims(&self) -> Claims {
        let mut claims = claims(|helper| self.address(helper), self.box_float, self.look_up);
        claims.extend(self.remember.map(|stub| (stub, REMEMBERS)));
        claims.extend(self.side_exits.iter().map(|stub| (*stub, Claim { takes: &[], does: Does::Count })));
        claims
    }

    /// The name of the helper that is called by the code at this address.
    pub fn name_at(&self, address: usize) -> Option<&'static str> {
        ALL.iter().find(|helper| self.address(**helper) == address).map(|helper| name(*helper))
    }

    /// The code that calls a helper.
    pub fn address(&self, helper: Helper) -> usize {
        self.stubs[helper as usize]
    }
}

/// What may be claimed of the stub that remembers stores.
pub const REMEMBERS: Claim = Claim { takes: &[], does: Does::Remember };

/// What may be claimed of the helpers at these addresses, of the stub that boxes Floats, and of the code that looks up keys.
pub fn claims(mut address: impl FnMut(Helper) -> usize, box_float: usize, look_up: usize) -> Claims {
    let helper = |helper: &Helper| {
        let does = if *helper == Helper::Allocate { Does::Allocate } else { Does::Collect };
        (address(*helper), Claim { takes: takes(*helper), does })
    };
    let looks = (look_up, Claim { takes: &[Takes::Value, Takes::Value], does: Does::Look });
    let boxes = (box_float, Claim { takes: &[], does: Does::Box });
    ALL.iter().map(helper).chain([looks, boxes]).collect()
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
    match Word(unsafe { allocate_slow(cx, bytes) }) {
        Word::THROWN => Err(Thrown::pending(cx)),
        address => Ok(address),
    }
}

fn poll(cx: &mut Thread) -> Result<Word, Thrown> {
    // SAFETY: `cx` is this thread's context, and a helper runs with its exit frame set.
    match unsafe { safepoint(cx) } {
        Poll::Continue => Ok(Word::NULL),
        Poll::Interrupted => Err(cx.throw_interrupt()),
        Poll::StackOverflow => Err(cx.stack_overflow()),
    }
}

fn define_global(cx: &mut Thread, binding: u64, value: Handle) -> Result<Handle, Thrown> {
    let binding = binding_at(binding);
    binding.define(cx, cx.get(value));
    // It may have been declared as a type since this `let` was.
    if binding.type_id().is_some() {
        install::is_no_type(cx, binding)?;
    }
    Ok(value)
}

/// `letonce`, where the name had no value a moment ago.
fn define_once(cx: &mut Thread, binding: u64, value: Handle) -> Result<Handle, Thrown> {
    binding_at(binding).define_once(cx, cx.get(value));
    Ok(value)
}

fn match_error(cx: &mut Thread, value: Handle) -> Thrown {
    // What went wrong first is what whoever reads this wants to know.
    let what = match report::kind_of(cx, value) {
        Some(_) => {
            let title = report::title(cx, value);
            format!("the error that was caught ({title}); `_ => throw e`, with its name, passes on what no arm is for")
        }
        None => cx.describe(value),
    };
    let misfit = explain::misfit(cx, value);
    if let Some((_, Some(span))) = misfit {
        trace::focus_on(cx, span);
    }
    let why = misfit.map_or(String::new(), |(why, _)| format!(": {why}"));
    cx.throw(ErrorKind::MatchError, format!("no pattern fits {what}{why}"))
}

fn not_yet(cx: &mut Thread, feature: Handle) -> Thrown {
    let name = cx.get(feature).word().as_keyword().map_or("this", |k| cx.vm().keywords.text(k));
    cx.throw(ErrorKind::CompileError, format!("{name}: not yet in this version of Harrier"))
}

/// Is it what the interrupt key throws?
fn is_interrupt(cx: &mut Thread, value: Handle) -> Result<bool, Thrown> {
    Ok(errors::is_interrupt(cx.get(value)))
}

/// Fills a site, unless the field is removed meanwhile.
fn fill(site: &FieldSite, info: &super::LayoutInfo, slot: usize) {
    site.fill(info.id, slot);
    // Stored, then looked; `redeclare` takes the field away, and then clears the sites.
    fence(Ordering::SeqCst);
    if info.slot(site.name()) != Some(slot) {
        site.clear();
    }
}

/// `object.name`, whatever the object. Fills the site.
fn get_field(cx: &mut Thread, object: Handle, site: u64) -> Result<Handle, Thrown> {
    let site = site_at(site);
    let value = cx.get(object);
    if value.layout() >= layout::FIRST_USER_LAYOUT
        && let Some(info) = cx.vm().types.layout(value.layout())
        && let Some(slot) = info.slot(site.name())
    {
        fill(site, info, slot);
        return Ok(cx.root(value.slot(slot)));
    }
    fields::missing(cx, object, site.name())
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
        fill(site, info, slot);
        cx.set_slot(target, slot, cx.get(value));
        return Ok(value);
    }
    if write_added(cx, target, site.name(), cx.get(value)) {
        return Ok(value);
    }
    fields::cannot_set(cx, object, site.name())
}
