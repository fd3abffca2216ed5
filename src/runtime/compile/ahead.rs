//! Compiling ahead of the calls: several small functions share a chunk.
//!
//! A chunk is at least a page, and a first call costs two system calls for it. That is nothing for a program of a thousand
//! functions and too much for a generated one of half a million. So when the first calls of a unit's functions come in the
//! order of its text, ever more of those that follow are compiled together with the one that is called: two, four, and so on.
//! And when much of code memory is taken, by calls in whatever order, the neighbours of the called function are.
//!
//! Owns the choice of these functions, and the decision at their first call whether what was compiled is what the call would
//! have made. Nobody may notice but by the clock: a function that fails here is compiled again when it is called, and says
//! then what is wrong.

use crate::runtime::program::entry;
use std::hash::Hasher;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use rustc_hash::FxHasher;

use crate::codegen::facts::Seen;
use crate::gc::{Thread, Value};
use crate::reader::tree::{FunctionId, Unit};
use crate::runtime::program::binding::BindingKind;
use crate::runtime::program::code::{ArityInfo, Code};
use crate::runtime::program::linked::LinkedUnit;
use crate::runtime::vm::Vm;

/// At most so many functions are compiled together, as a power of two.
const WINDOW_LOG: u8 = 8;
/// The pattern may skip so many functions.
const SKIPPED: usize = 3;
/// This part of the code memory may be used before neighbours are compiled whatever the order of calls.
const PLENTY: usize = 16;
/// The neighbours: a block of so many functions.
const BLOCK: usize = 32;
/// What is a small function: nodes, and bytes of text (for its constants).
const SMALL_SIZE: u32 = 60;
const SMALL_TEXT: u32 = 4000;
/// Of what was compiled ahead a quarter may be in vain, and so many besides.
const IN_VAIN: u32 = 64;

/// What a unit remembers of the first calls of its functions.
#[derive(Debug)]
pub struct Order {
    /// By function: how many to compile together, as a power of two, if the next first call is its.
    windows: Box<[AtomicU8]>,
    /// What became of the functions of the top level, and of those inside of others.
    outer: Guesses,
    inner: Guesses,
}

/// Bodies compiled ahead that a first call took, and that it did not.
#[derive(Debug, Default)]
struct Guesses {
    taken: AtomicU32,
    vain: AtomicU32,
}

impl Guesses {
    fn are_good(&self) -> bool {
        self.vain.load(Ordering::Relaxed) <= self.taken.load(Ordering::Relaxed) / 4 + IN_VAIN
    }
}

/// A body that no call has asked for yet.
#[derive(Clone, Copy, Debug)]
pub struct Ahead {
    /// [`print_of`] the hints it was compiled with.
    print: u64,
    /// How often the function had forgotten its bodies before the compiler looked at anything.
    resets: u32,
}

/// Functions to compile together with one that is called.
pub(super) struct Plan {
    /// Where to look.
    pub range: Range<usize>,
    /// How many, at most.
    pub count: usize,
}

impl Order {
    /// Of a unit with so many functions.
    pub fn new(functions: usize) -> Order {
        let windows = (0..functions).map(|_| AtomicU8::new(0)).collect();
        Order { windows, outer: Guesses::default(), inner: Guesses::default() }
    }

    /// What to compile ahead at the first call of this function.
    pub(super) fn plan(&self, vm: &Vm, function: FunctionId) -> Plan {
        let k = function.index();
        let seen = &self.windows[k.saturating_sub(SKIPPED)..=k];
        let mut window = seen.iter().map(|w| w.swap(0, Ordering::Relaxed)).max().unwrap_or(0);
        if !self.outer.are_good() && !self.inner.are_good() {
            window = 0;
        }
        let count = (1 << window) - 1;
        if count < BLOCK && vm.memory.stats().code_bytes > vm.memory.range().len() / PLENTY {
            let start = k - k % BLOCK;
            return Plan { range: start..self.windows.len().min(start + BLOCK), count: BLOCK };
        }
        // Between the small functions there may be others.
        Plan { range: k + 1..self.windows.len().min(k + 1 + 4 * count), count }
    }

    fn guesses(&self, unit: &Unit, function: FunctionId) -> &Guesses {
        if unit.function(function).parent.is_none() { &self.outer } else { &self.inner }
    }

    /// This function was compiled ahead for nothing.
    pub(super) fn in_vain(&self, unit: &Unit, function: FunctionId) {
        self.guesses(unit, function).vain.fetch_add(1, Ordering::Relaxed);
    }

    /// So many functions were compiled together, the last one before this: if it is called next, the pattern goes on.
    pub(super) fn expect(&self, next: usize, compiled: usize) {
        if let Some(next) = self.windows.get(next) {
            let doubled = compiled.ilog2() as u8 + 1;
            next.store(doubled.min(WINDOW_LOG), Ordering::Relaxed);
        }
    }
}

impl Ahead {
    /// A body that was compiled with these hints, when the function had forgotten its bodies so often.
    pub(super) fn with(hints: &[Seen], resets: u32) -> Ahead {
        Ahead { print: print_of(hints), resets }
    }
}

/// The record of a function that may be compiled ahead, and the function value that keeps the record alive: its own, or that
/// of the function of the top level in which it stands.
pub(super) fn candidate<'h>(
    cx: &'h Thread,
    unit: &Arc<LinkedUnit>,
    id: FunctionId,
) -> Option<(Value<'h>, &'static Code)> {
    if !is_small(&unit.unit, id) || !unit.order.guesses(&unit.unit, id).are_good() {
        return None;
    }
    let outermost = outermost(&unit.unit, id);
    let name = unit.unit.name(unit.unit.function(outermost).name?);
    let binding = unit.namespace.member(name).filter(|b| b.kind() == BindingKind::Plain)?;
    // Only what the name stands for now: who holds this value holds the record.
    let value = binding.get(cx)?;
    let around = entry::code_of(value)?;
    let (its_unit, function) = around.function()?;
    if !Arc::ptr_eq(unit, its_unit) || function != outermost {
        return None;
    }
    let code = if id == outermost { around } else { unit.code(cx.vm(), id).ok()? };
    crate::runtime::lock(&code.owned).is_empty().then_some((value, code))
}

fn outermost(unit: &Unit, id: FunctionId) -> FunctionId {
    std::iter::successors(Some(id), |id| unit.function(*id).parent).last().unwrap_or(id)
}

/// Small, and of one arity.
fn is_small(unit: &Unit, id: FunctionId) -> bool {
    let function = unit.function(id);
    let [arity] = &function.arities[..] else { return false };
    let text = function.span.end - function.span.start;
    arity.size <= SMALL_SIZE && text <= SMALL_TEXT && arity.rest.is_none()
}

/// What to expect of the arguments of a function when those of another are known: functions that stand together are often
/// called with the same kinds of arguments, but not those inside of others with the kinds of these.
pub(super) fn expected<'a>(unit: &Unit, id: FunctionId, known: FunctionId, hints: &'a [Seen]) -> &'a [Seen] {
    let inner = |id: FunctionId| unit.function(id).parent.is_some();
    let alike =
        unit.function(id).arities.first().is_some_and(|a| a.params.len() == hints.len()) && inner(id) == inner(known);
    if alike { hints } else { &[] }
}

/// The body that was compiled ahead for this arity, if this call would have made the same one, and how often the function had
/// forgotten its bodies before it was compiled.
pub(in crate::runtime) fn take(
    code: &Code,
    arity: &ArityInfo,
    hints: &[Seen],
    captured: &[Seen],
) -> Option<(usize, u32)> {
    let (unit, function) = code.function()?;
    let mut owned = crate::runtime::lock(&code.owned);
    let body = owned.iter_mut().find(|o| o.ahead.is_some() && o.arity == arity.index)?;
    // Taken or in vain, it is not ahead any more. What is in vain goes with the next search for dead code.
    let ahead = body.ahead.take()?;
    // Of what a function has captured nothing was known.
    if ahead.print == print_of(hints) && print_of(captured) == print_of(&[]) {
        unit.order.guesses(&unit.unit, function).taken.fetch_add(1, Ordering::Relaxed);
        return Some((body.place.as_ref()?.code.start, ahead.resets));
    }
    unit.order.in_vain(&unit.unit, function);
    None
}

/// A number for what hints say that the generator makes use of. (Equal numbers of different hints cost speed, nothing else.)
fn print_of(hints: &[Seen]) -> u64 {
    let mut hasher = FxHasher::default();
    note(hints, &mut hasher);
    hasher.finish()
}

/// Ints and what is no object leave no trace, wherever they stand. Each layout does: also where nothing is written inline for its
/// objects, they are not asked for as Ints first.
fn note(hints: &[Seen], hasher: &mut FxHasher) {
    for (i, hint) in hints.iter().enumerate() {
        match hint {
            Seen::Float => hasher.write_u64(1 + 2 * i as u64),
            Seen::Object(id, slots) => {
                hasher.write_u64(2 + 2 * i as u64);
                hasher.write_u32(*id);
                note(slots, hasher);
                hasher.write_u64(0);
            }
            _ => {}
        }
    }
}
