//! Structural equality.
//!
//! Runs no user code and allocates nothing in the heap, so bare values may be held throughout. Nested values are compared
//! with a list of open pairs instead of recursion; only maps within keys of maps recurse, and check the native stack.
//!
//! Termination: after [`STEPS_BEFORE_MEMORY`] pairs, pairs of objects are remembered and not compared a second time. As one
//! difference ends everything, a pair that is being compared may be taken for equal: cycles and shared parts end.
//!
//! There are two relations, [`equal`] (`==`) and [`same_key`], by which maps and sets tell their keys apart. They differ in NaN,
//! which equals nothing, and is one key; wherever it stands in the key. `collections` use the second alone.
//!
//! So one object may differ from itself: `==` looks at its parts where it has some ([`is_itself`] alone says when it need not).

use rustc_hash::FxHashSet;

use super::collections::view::{Slots, field};
use super::collections::{List, map, mutable, set, vector};
use super::numbers::{self, Number};
use super::ranges::Range;
use crate::gc::{Thread, Thrown, Value};
use crate::mutations::{Mutation, mutated};
use crate::object::Word;
use crate::object::layout::{self, FIRST_USER_LAYOUT};
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::program::present;
use crate::stack;

/// So many pairs are compared before it is remembered which.
const STEPS_BEFORE_MEMORY: usize = 4096;

/// Why two values cannot be compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TooDeep {
    /// They are nested too deeply for the native stack.
    Stack,
    /// They have more parts than the system has memory to note.
    Memory,
}

impl TooDeep {
    /// The error a program sees.
    #[cold]
    pub fn throw(self, cx: &mut Thread) -> Thrown {
        match self {
            TooDeep::Stack => cx.throw(ErrorKind::StackOverflow, "values are nested too deeply"),
            TooDeep::Memory => cx.out_of_memory(),
        }
    }
}

/// `a == b`
#[inline]
pub fn equal(a: Value<'_>, b: Value<'_>) -> Result<bool, TooDeep> {
    related::<false>(a, b)
}

/// Are these one key of a map, one member of a set?
#[inline]
pub fn same_key(a: Value<'_>, b: Value<'_>) -> Result<bool, TooDeep> {
    related::<true>(a, b)
}

/// Are these one object? A number that does not fit a word is as much itself as one that does.
#[inline]
pub fn identical(a: Value<'_>, b: Value<'_>) -> bool {
    a == b || a.word().is_object() && b.word().is_object() && same_number(a, b)
}

fn same_number(a: Value<'_>, b: Value<'_>) -> bool {
    match (Number::of(a), Number::of(b)) {
        (Some(Number::Float(a)), Some(Number::Float(b))) => a.to_bits() == b.to_bits(),
        (Some(Number::Big(m, a)), Some(Number::Big(n, b))) => (m, a) == (n, b),
        _ => false,
    }
}

#[inline]
fn related<const KEYS: bool>(a: Value<'_>, b: Value<'_>) -> Result<bool, TooDeep> {
    let (x, y) = (a.word(), b.word());
    if x == y && is_itself::<KEYS>(a) {
        return Ok(true);
    }
    if x.is_int() && y.is_int() {
        return Ok(false);
    }
    match shallow::<KEYS>(a, b) {
        Shallow::Equal => Ok(true),
        Shallow::Different => Ok(false),
        Shallow::Open => few(a, b).map_or_else(|| deep::<KEYS>(a, b), Ok),
    }
}

/// What [`deep`] says of two short vectors as far as they begin with Ints and keywords: none where something else decides.
fn few(a: Value<'_>, b: Value<'_>) -> Option<bool> {
    let (a, b) = (vector::only_tail(a)?, vector::only_tail(b)?);
    if a.len() != b.len() {
        return Some(false);
    }
    for (x, y) in a.iter().zip(b.iter()) {
        let simple = |word: Word| word.is_int() || word.is_keyword();
        if !simple(x.word()) || !simple(y.word()) {
            return None;
        }
        if x != y {
            return Some(false);
        }
    }
    Some(true)
}

/// Does a value certainly stand in the relation to itself? NaN does not, nor does what it is in; as a key, everything does.
#[inline]
fn is_itself<const KEYS: bool>(a: Value<'_>) -> bool {
    let word = a.word();
    KEYS && !mutated(Mutation::NanIsNoKey) || !word.is_tagged_float() && (!word.is_object() || has_identity(a))
}

/// Is it an object without parts of which one may be NaN? What a set has are keys.
fn has_identity(a: Value<'_>) -> bool {
    match a.layout() {
        layout::VECTOR | layout::ARRAY | layout::NODE | layout::SEQ => false,
        layout::MAP | layout::MUTABLE_MAP | layout::MUTABLE_LIST | layout::FLOAT => false,
        l => l < FIRST_USER_LAYOUT || a.words() == 0 || a.thread().vm().types.is_lazy(l),
    }
}

/// What can be said without looking at elements.
enum Shallow {
    Equal,
    Different,
    Open,
}

#[inline]
fn shallow<const KEYS: bool>(a: Value<'_>, b: Value<'_>) -> Shallow {
    let (x, y) = (a.word(), b.word());
    if x == y && is_itself::<KEYS>(a) {
        return Shallow::Equal;
    }
    let certain = |equal| if equal { Shallow::Equal } else { Shallow::Different };
    if x.is_object() && y.is_object() {
        let (la, lb) = (a.layout(), b.layout());
        return match (la, lb) {
            (layout::STRING | layout::STRING_PREFIX, layout::STRING | layout::STRING_PREFIX) => certain(strings(a, b)),
            (layout::BIG_INT | layout::FLOAT, layout::BIG_INT | layout::FLOAT) => certain(number::<KEYS>(a, b)),
            _ if la == lb => Shallow::Open,
            _ if la >= FIRST_USER_LAYOUT && lb >= FIRST_USER_LAYOUT && present::comparable(a, b) => Shallow::Open,
            _ => Shallow::Different,
        };
    }
    // One of them is an immediate: only numbers can be equal without being the same.
    certain(numbers::is_number(a) && numbers::is_number(b) && number::<KEYS>(a, b))
}

fn number<const KEYS: bool>(a: Value<'_>, b: Value<'_>) -> bool {
    match (Number::of(a), Number::of(b)) {
        (Some(Number::Float(a)), Some(Number::Float(b))) => {
            a == b || KEYS && a.is_nan() && b.is_nan() && !mutated(Mutation::NanIsNoKey)
        }
        (Some(a), Some(b)) => numbers::compare::equal(a, b),
        _ => false,
    }
}

#[inline]
fn strings(a: Value<'_>, b: Value<'_>) -> bool {
    match (a.string_hash(), b.string_hash()) {
        (Some(x), Some(y)) if x != 0 && y != 0 && x != y => false,
        _ => a.str() == b.str(),
    }
}

/// Open pairs.
struct Pairs<'h, const KEYS: bool> {
    open: Vec<(Value<'h>, Value<'h>)>,
    steps: usize,
    seen: FxHashSet<(u64, u64)>,
    /// There was no memory for another open pair.
    full: bool,
}

impl<'h, const KEYS: bool> Pairs<'h, KEYS> {
    /// Notes a pair; false when it is certainly different, or when there is no memory.
    #[inline]
    fn add(&mut self, a: Value<'h>, b: Value<'h>) -> bool {
        if a.is_int() && b.is_int() {
            return a == b;
        }
        match shallow::<KEYS>(a, b) {
            Shallow::Equal => true,
            Shallow::Different => false,
            Shallow::Open => {
                if self.open.len() == self.open.capacity() && !self.grow() {
                    return false;
                }
                self.open.push((a, b));
                true
            }
        }
    }

    fn add_all(&mut self, a: impl Iterator<Item = Value<'h>>, b: impl Iterator<Item = Value<'h>>) -> bool {
        a.zip(b).all(|(x, y)| self.add(x, y))
    }

    #[cold]
    fn grow(&mut self) -> bool {
        self.full = self.open.try_reserve(self.open.len().max(4)).is_err();
        !self.full
    }

    fn known(&mut self, a: Value<'h>, b: Value<'h>) -> Result<bool, TooDeep> {
        self.steps += 1;
        if self.steps <= STEPS_BEFORE_MEMORY {
            return Ok(false);
        }
        self.seen.try_reserve(1).map_err(|_| TooDeep::Memory)?;
        Ok(!self.seen.insert((a.word().0, b.word().0)))
    }
}

fn deep<const KEYS: bool>(a: Value<'_>, b: Value<'_>) -> Result<bool, TooDeep> {
    if stack::is_low() {
        return Err(TooDeep::Stack);
    }
    let mut pairs = Pairs::<'_, KEYS> { open: Vec::new(), steps: 0, seen: FxHashSet::default(), full: false };
    let mut next = Some((a, b));
    while let Some((a, b)) = next {
        if !pairs.known(a, b)? && !elements(&mut pairs, a, b)? {
            return if pairs.full { Err(TooDeep::Memory) } else { Ok(false) };
        }
        next = pairs.open.pop();
    }
    Ok(true)
}

/// Compares two objects of one layout, or of two that one type has had, as far as can be seen; notes their elements.
fn elements<'h, const KEYS: bool>(pairs: &mut Pairs<'h, KEYS>, a: Value<'h>, b: Value<'h>) -> Result<bool, TooDeep> {
    Ok(match a.layout() {
        layout::VECTOR => vector::len(a) == vector::len(b) && vectors(pairs, a, b),
        layout::ARRAY | layout::NODE => {
            let (a, b) = (Slots::of(a), Slots::of(b));
            a.len() == b.len() && pairs.add_all(a.iter(), b.iter())
        }
        layout::MUTABLE_LIST => {
            let ((a, n), (b, m)) = (List::view(a), List::view(b));
            n == m && pairs.add_all(a.iter().take(n), b.iter().take(m))
        }
        layout::NATIVE => match (a.thread().native(a), b.thread().native(b)) {
            (Some(a), Some(b)) => a.equals(&*b),
            _ => false,
        },
        layout::MAP => maps(pairs, a, b)?,
        layout::MUTABLE_MAP | layout::MUTABLE_SET => maps(pairs, mutable::map_of(a), mutable::map_of(b))?,
        layout::SET => {
            set::len(a) == set::len(b) && {
                let mut all = true;
                for member in set::iter(a) {
                    all = all && set::contains(b, member)?;
                }
                all
            }
        }
        layout::RANGE => Range::of(a).equals(0, &Range::of(b), 0),
        layout::SEQ => {
            let (rest_a, rest_b) = (super::sequences::seq_len(a), super::sequences::seq_len(b));
            rest_a == rest_b && super::sequences::seqs_equal(a, b, |x, y| pairs.add(x, y))
        }
        layout::TYPE | layout::PROTOCOL | layout::NAMESPACE => {
            a.slot(layout::ENTRY_INDEX) == b.slot(layout::ENTRY_INDEX)
        }
        l if l >= FIRST_USER_LAYOUT && !a.thread().vm().types.is_lazy(l) => {
            let by_declaration = present::compare(a, b, |x, y| pairs.add(x, y));
            by_declaration.unwrap_or_else(|| (0..a.words()).all(|i| pairs.add(a.slot(i), b.slot(i))))
        }
        // Functions, atoms, builders, threads, lazy sequences: identity.
        _ => false,
    })
}

/// Vectors of one length.
fn vectors<'h, const KEYS: bool>(pairs: &mut Pairs<'h, KEYS>, a: Value<'h>, b: Value<'h>) -> bool {
    let len = vector::len(a);
    if len <= vector::WIDTH
        && let (Some((x, 0)), Some((y, 0))) = (vector::leaf(a, 0), vector::leaf(b, 0))
        && [x.len(), y.len()] == [len; 2]
    {
        // All elements of both are in one node each, as those of small vectors are.
        return pairs.add_all(x.iter(), y.iter());
    }
    // As much at a time as lies side by side in both.
    let mut i = 0;
    while let (Some((x, from)), Some((y, at))) = (vector::leaf(a, i), vector::leaf(b, i)) {
        let n = (x.len() - from).min(y.len() - at);
        if !(0..n).all(|k| pairs.add(x.get(from + k), y.get(at + k))) {
            return false;
        }
        i += n;
    }
    true
}

fn maps<'h, const KEYS: bool>(pairs: &mut Pairs<'h, KEYS>, a: Value<'h>, b: Value<'h>) -> Result<bool, TooDeep> {
    if map::len(a) != map::len(b) {
        return Ok(false);
    }
    if field(a, layout::MAP, layout::MAP_ROOT) == field(b, layout::MAP, layout::MAP_ROOT) {
        return Ok(KEYS || map::iter(a).all(|(_, value)| pairs.add(value, value)));
    }
    for (key, value) in map::iter(a) {
        match map::get(b, key)? {
            Some(other) if pairs.add(value, other) => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Stores into an atom if it holds this very value.
pub fn swap_if_identical(cx: &Thread, atom: Value<'_>, old: Value<'_>, new: Value<'_>) -> bool {
    loop {
        let now = atom.slot(layout::ATOM_VALUE);
        if !identical(now, old) {
            return false;
        }
        if cx.compare_and_swap_slot(atom, layout::ATOM_VALUE, now, new) {
            return true;
        }
    }
}
