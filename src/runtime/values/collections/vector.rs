//! Persistent vectors: a trie of 32-way nodes with the last elements in a tail.
//!
//! ```text
//! VECTOR count | shift | root | tail
//!                │        │      └─ NODE of the last 1 … 32 elements (0 in the empty vector)
//!                │        └─ null while all elements are in the tail; else levels of NODEs of NODEs above leaves of exactly
//!                │           32 elements
//!                └─ 5 × the levels above the leaves, 0 with a null root; plus 256 × the first elements of the tree that are
//!                   not the vector's
//! ```
//!
//! A level's nodes have as many children as they need. Up to 32 elements are all in the tail. What is left of a vector without
//! its first elements shares its tree, and skips them: taking one element after the other off the front of a vector takes time
//! that is linear, not quadratic. When much more would be skipped than is left, the rest is copied.

use super::view::{Slots, append, copy_array, count_bits, count_field, field, replace};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
use crate::object::layout::{
    ARRAY_ELEMENTS, ARRAY_LENGTH, NODE, VECTOR, VECTOR_COUNT, VECTOR_ROOT, VECTOR_SHAPE, VECTOR_TAIL, slots,
};

use crate::object::collections::{
    VECTOR_MOST_SKIPPED as MOST_SKIPPED, VECTOR_SHIFT_MASK as SHIFT_MASK, VECTOR_SKIP_SHIFT as SKIP_SHIFT,
};
pub use crate::object::layout::{VECTOR_BITS as BITS, VECTOR_WIDTH as WIDTH};
const MASK: usize = WIDTH - 1;

/// How many elements.
#[inline]
pub fn len(vector: Value<'_>) -> usize {
    count_field(vector, VECTOR, VECTOR_COUNT)
}

/// 5 × the levels of nodes above the leaves, and how many elements of the tree are skipped.
#[inline]
pub(super) fn shape(vector: Value<'_>) -> (usize, usize) {
    let word = count_field(vector, VECTOR, VECTOR_SHAPE);
    (word & SHIFT_MASK, word >> SKIP_SHIFT)
}

/// The other way.
pub(super) fn shape_bits(shift: usize, skip: usize) -> u64 {
    count_bits(shift | skip << SKIP_SHIFT)
}

/// The index of the first element of the tail.
#[inline]
pub(super) fn tail_start(vector: Value<'_>) -> usize {
    len(vector) - Slots::of(field(vector, VECTOR, VECTOR_TAIL)).len()
}

/// The node that holds element `i`, and its index there.
#[inline]
pub fn leaf(vector: Value<'_>, i: usize) -> Option<(Slots<'_>, usize)> {
    let n = len(vector);
    if i >= n {
        return None;
    }
    let tail = Slots::of(field(vector, VECTOR, VECTOR_TAIL));
    let start = n - tail.len();
    if i >= start {
        return Some((tail, i - start));
    }
    let mut node = Slots::of(field(vector, VECTOR, VECTOR_ROOT));
    let (mut level, skip) = shape(vector);
    let i = i + skip;
    while level > 0 {
        node = Slots::of(node.get(i >> level & MASK));
        level -= BITS;
    }
    Some((node, i & MASK))
}

/// Where element `i` stands: what says so at each level, the level above the leaves, and whether it is in the tail.
#[inline]
pub(super) fn position(vector: Value<'_>, i: usize) -> Option<(usize, usize, bool)> {
    let (n, start, (level, skip)) = (len(vector), tail_start(vector), shape(vector));
    let in_tail = i >= start;
    (i < n).then_some(if in_tail { (i - start, 0, true) } else { (i + skip, level, false) })
}

/// Element `i`.
#[inline]
pub fn get(vector: Value<'_>, i: usize) -> Option<Value<'_>> {
    leaf(vector, i).map(|(node, at)| node.get(at))
}

/// The elements of a vector that has no tree.
#[inline]
pub fn only_tail<'h>(vector: Value<'h>) -> Option<Slots<'h>> {
    if !vector.is(VECTOR) {
        return None;
    }
    let tail = Slots::if_is(field(vector, VECTOR, VECTOR_TAIL), NODE)?;
    (tail.len() == len(vector)).then_some(tail)
}

/// All elements in order.
pub fn iter<'h>(vector: Value<'h>) -> Iter<'h> {
    iter_from(vector, 0)
}

/// The elements from an index on.
pub fn iter_from<'h>(vector: Value<'h>, next: usize) -> Iter<'h> {
    Iter { vector, next, len: len(vector), chunk: None }
}

/// See [`iter`].
#[derive(Clone, Debug)]
pub struct Iter<'h> {
    vector: Value<'h>,
    next: usize,
    len: usize,
    /// The node that holds `next`, and where.
    chunk: Option<(Slots<'h>, usize)>,
}

impl<'h> Iterator for Iter<'h> {
    type Item = Value<'h>;

    #[inline]
    fn next(&mut self) -> Option<Value<'h>> {
        let (node, at) = match self.chunk {
            Some((node, at)) if at < node.len() => (node, at),
            _ => leaf(self.vector, self.next)?,
        };
        self.chunk = Some((node, at + 1));
        self.next += 1;
        Some(node.get(at))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len - self.next, Some(self.len - self.next))
    }
}

impl ExactSizeIterator for Iter<'_> {}

fn make(cx: &mut Thread, count: usize, shift: usize, root: Option<Handle>, tail: Handle) -> Result<Handle, Thrown> {
    make_skipping(cx, count, (shift, 0), root, tail)
}

fn make_skipping(
    cx: &mut Thread,
    count: usize,
    (shift, skip): (usize, usize),
    root: Option<Handle>,
    tail: Handle,
) -> Result<Handle, Thrown> {
    cx.allocate(VECTOR, slots(VECTOR), 0, |cx, mut fresh| {
        fresh.set_raw(VECTOR_COUNT, count_bits(count));
        fresh.set_raw(VECTOR_SHAPE, shape_bits(shift, skip));
        match root {
            Some(root) => fresh.set(VECTOR_ROOT, cx.get(root)),
            None => fresh.set_raw(VECTOR_ROOT, Word::NULL.0),
        }
        fresh.set(VECTOR_TAIL, cx.get(tail));
    })
}

/// The vector without elements.
pub fn empty(cx: &mut Thread) -> Result<Handle, Thrown> {
    let tail = cx.alloc_array_of(NODE, &[])?;
    make(cx, 0, 0, None, tail)
}

/// A vector of a few values.
pub fn of(cx: &mut Thread, elements: &[Handle]) -> Result<Handle, Thrown> {
    let node = cx.alloc_array_of(NODE, elements)?;
    from_array(cx, node, elements.len())
}

/// A vector of the first `n` elements of an array or NODE, which nobody may change afterwards when `n` is its whole length.
pub fn from_array(cx: &mut Thread, array: Handle, n: usize) -> Result<Handle, Thrown> {
    if n <= WIDTH {
        let whole = Slots::of(cx.get(array)).len() == n && cx.get(array).is(NODE);
        let tail = if whole { array } else { copy_array(cx, NODE, array, 0, n)? };
        return make(cx, n, 0, None, tail);
    }
    let tail_len = (n - 1) % WIDTH + 1;
    let tail = copy_array(cx, NODE, array, n - tail_len, tail_len)?;
    let leaves = (n - tail_len) / WIDTH;
    let level = (0..leaves).map(|i| copy_array(cx, NODE, array, i * WIDTH, WIDTH)).collect::<Result<Vec<_>, _>>()?;
    let (root, shift) = pile(cx, level)?;
    make(cx, n, shift, Some(root), tail)
}

/// Piles levels of nodes on leaves until there is one root above them; gives its shift too.
fn pile(cx: &mut Thread, mut level: Vec<Handle>) -> Result<(Handle, usize), Thrown> {
    let mut shift = 0;
    loop {
        shift += BITS;
        level = level.chunks(WIDTH).map(|children| cx.alloc_array_of(NODE, children)).collect::<Result<Vec<_>, _>>()?;
        if let [root] = level[..] {
            return Ok((root, shift));
        }
    }
}

/// The vector with one more element.
pub fn push(cx: &mut Thread, vector: Handle, value: Handle) -> Result<Handle, Thrown> {
    let v = cx.get(vector);
    let n = len(v);
    let tail_len = n - tail_start(v);
    let mark = cx.mark();
    let result = if tail_len < WIDTH {
        let tail = cx.root(field(v, VECTOR, VECTOR_TAIL));
        let tail = append(cx, tail, value)?;
        with_tail(cx, vector, n + 1, tail)?
    } else {
        let (root, shape) = push_leaf(cx, vector)?;
        let tail = cx.alloc_array_of(NODE, &[value])?;
        make_skipping(cx, n + 1, shape, Some(root), tail)?
    };
    Ok(cx.keep(mark, result))
}

/// The vector with the 1 … 32 elements of a NODE after those of another one whose tail is full (none: after nothing). Nobody may
/// change the NODE afterwards.
pub fn append_leaf(cx: &mut Thread, vector: Option<Handle>, leaf: Handle) -> Result<Handle, Thrown> {
    let n = Slots::of(cx.get(leaf)).len();
    let Some(vector) = vector else { return make(cx, n, 0, None, leaf) };
    let (root, shape) = push_leaf(cx, vector)?;
    let count = len(cx.get(vector)) + n;
    make_skipping(cx, count, shape, Some(root), leaf)
}

/// A vector of the first `n` full leaves (at most 32) of a NODE and the 1 … 32 elements of another one. Nobody may change the
/// leaves afterwards.
pub fn from_leaves(cx: &mut Thread, leaves: Handle, n: usize, tail: Handle) -> Result<Handle, Thrown> {
    let count = n * WIDTH + Slots::of(cx.get(tail)).len();
    if n == 0 {
        return make(cx, count, 0, None, tail);
    }
    let root = copy_array(cx, NODE, leaves, 0, n)?;
    make(cx, count, BITS, Some(root), tail)
}

/// The vector with another count and tail.
fn with_tail(cx: &mut Thread, vector: Handle, count: usize, tail: Handle) -> Result<Handle, Thrown> {
    cx.allocate(VECTOR, slots(VECTOR), 0, |cx, mut fresh| {
        fresh.set_raw(VECTOR_COUNT, count_bits(count));
        fresh.copy(VECTOR_SHAPE, cx.get(vector), VECTOR_SHAPE, 2);
        fresh.set(VECTOR_TAIL, cx.get(tail));
    })
}

/// Root and shape of a vector whose full tail has become a leaf.
fn push_leaf(cx: &mut Thread, vector: Handle) -> Result<(Handle, (usize, usize)), Thrown> {
    let v = cx.get(vector);
    let (shift, skip) = shape(v);
    let start = tail_start(v) + skip;
    let leaf = cx.root(field(v, VECTOR, VECTOR_TAIL));
    if start == 0 {
        return Ok((cx.alloc_array_of(NODE, &[leaf])?, (BITS, 0)));
    }
    let root = cx.root(field(v, VECTOR, VECTOR_ROOT));
    if start >> (shift + BITS) > 0 {
        let branch = new_path(cx, leaf, shift)?;
        return Ok((cx.alloc_array_of(NODE, &[root, branch])?, (shift + BITS, skip)));
    }
    // Down to where the path to the new leaf leaves the tree.
    let mut path = Vec::with_capacity(shift / BITS);
    let (mut node, mut level) = (root, shift);
    loop {
        let at = start >> level & MASK;
        path.push((node, at));
        let slots = Slots::of(cx.get(node));
        if at == slots.len() || level == BITS {
            break;
        }
        node = cx.root(slots.get(at));
        level -= BITS;
    }
    let mut new = new_path(cx, leaf, level - BITS)?;
    for (node, at) in path.into_iter().rev() {
        let len = Slots::of(cx.get(node)).len();
        new = if at == len { append(cx, node, new)? } else { replace(cx, node, at, new)? };
    }
    Ok((new, (shift, skip)))
}

/// A chain of nodes of one child, `shift` high, above a leaf.
fn new_path(cx: &mut Thread, leaf: Handle, shift: usize) -> Result<Handle, Thrown> {
    let mut node = leaf;
    for _ in 0..shift / BITS {
        node = cx.alloc_array_of(NODE, &[node])?;
    }
    Ok(node)
}

/// The vector with element `i` replaced; `i` must be less than its length.
pub fn assoc(cx: &mut Thread, vector: Handle, i: usize, value: Handle) -> Result<Handle, Thrown> {
    let v = cx.get(vector);
    let (n, start) = (len(v), tail_start(v));
    assert!(i < n, "index {i} of {n}");
    let mark = cx.mark();
    let result = if i >= start {
        let tail = cx.root(field(v, VECTOR, VECTOR_TAIL));
        let tail = replace(cx, tail, i - start, value)?;
        with_tail(cx, vector, n, tail)?
    } else {
        let (mut level, skip) = shape(v);
        let i = i + skip;
        let mut node = cx.root(field(v, VECTOR, VECTOR_ROOT));
        let mut path = Vec::with_capacity(level / BITS + 1);
        loop {
            let at = i >> level & MASK;
            path.push((node, at));
            if level == 0 {
                break;
            }
            node = cx.root(Slots::of(cx.get(node)).get(at));
            level -= BITS;
        }
        let mut new = value;
        for (node, at) in path.into_iter().rev() {
            new = replace(cx, node, at, new)?;
        }
        cx.allocate(VECTOR, slots(VECTOR), 0, |cx, mut fresh| {
            fresh.copy(VECTOR_COUNT, cx.get(vector), VECTOR_COUNT, slots(VECTOR));
            fresh.set(VECTOR_ROOT, cx.get(new));
        })?
    };
    Ok(cx.keep(mark, result))
}

/// The vector with element `i` replaced, as [`assoc`] gives it, of spare memory: where there is no more than a node above the leaves.
pub fn spare_assoc<'h>(vector: Value<'h>, i: usize, value: Value<'h>) -> Option<Value<'h>> {
    let (at, level, in_tail) = position(vector, i)?;
    let (slot, node) = if in_tail {
        (VECTOR_TAIL, spare_replace(field(vector, VECTOR, VECTOR_TAIL), at, value)?)
    } else if level == BITS {
        let root = field(vector, VECTOR, VECTOR_ROOT);
        let leaf = spare_replace(Slots::of(root).get(at >> BITS), at & MASK, value)?;
        (VECTOR_ROOT, spare_replace(root, at >> BITS, leaf)?)
    } else {
        return None;
    };
    vector.thread().spare(VECTOR, slots(VECTOR), |_, mut fresh| {
        fresh.copy(VECTOR_COUNT, vector, VECTOR_COUNT, slots(VECTOR));
        fresh.set(slot, node);
    })
}

/// A copy of a NODE with one element replaced.
fn spare_replace<'h>(node: Value<'h>, i: usize, value: Value<'h>) -> Option<Value<'h>> {
    let n = Slots::of(node).len();
    node.thread().spare(NODE, n + 1, |_, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(n));
        fresh.copy(ARRAY_ELEMENTS, node, ARRAY_ELEMENTS, n);
        fresh.set(ARRAY_ELEMENTS + i, value);
    })
}

/// The vector without its last element; it must have one.
pub fn pop(cx: &mut Thread, vector: Handle) -> Result<Handle, Thrown> {
    let n = len(cx.get(vector));
    assert!(n > 0, "pop of an empty vector");
    let mark = cx.mark();
    let result = if n == 1 { empty(cx)? } else { first(cx, vector, n - 1)? };
    Ok(cx.keep(mark, result))
}

/// The vector of the first `n` elements, of which there must be as many, and one at least.
fn first(cx: &mut Thread, vector: Handle, n: usize) -> Result<Handle, Thrown> {
    let v = cx.get(vector);
    let start = tail_start(v);
    if n <= WIDTH {
        return small(cx, vector, 0, n);
    }
    if n > start {
        let tail = cx.root(field(v, VECTOR, VECTOR_TAIL));
        let tail = copy_array(cx, NODE, tail, 0, n - start)?;
        return with_tail(cx, vector, n, tail);
    }
    // The leaf of the last element becomes the tail, and the tree ends before it.
    let (mut level, skip) = shape(v);
    let Some((leaf, at)) = leaf(v, n - 1) else { return Ok(vector) };
    let (leaf, whole) = (cx.root(leaf.object()), at + 1 == leaf.len());
    let mut root = cx.root(field(v, VECTOR, VECTOR_ROOT));
    let tail = if whole { leaf } else { copy_array(cx, NODE, leaf, 0, at + 1)? };
    let end = n + skip - (at + 1);
    // A root with one child above other nodes is one level too many.
    while level > BITS && end <= 1 << level {
        root = cx.root(Slots::of(cx.get(root)).get(0));
        level -= BITS;
    }
    let root = prefix(cx, root, level, end)?;
    make_skipping(cx, n, (level, skip), Some(root), tail)
}

/// The part of a node, `level` above the leaves, with its first `n` elements: whole leaves, one at least.
fn prefix(cx: &mut Thread, node: Handle, level: usize, n: usize) -> Result<Handle, Thrown> {
    let last = (n - 1) >> level;
    if level == BITS || n == (last + 1) << level {
        return copy_array(cx, NODE, node, 0, last + 1);
    }
    let child = cx.root(Slots::of(cx.get(node)).get(last));
    let child = prefix(cx, child, level - BITS, n - (last << level))?;
    let children = copy_array(cx, NODE, node, 0, last + 1)?;
    replace(cx, children, last, child)
}

/// A vector of its own of at most 32 elements from index `from` on.
fn small(cx: &mut Thread, vector: Handle, from: usize, n: usize) -> Result<Handle, Thrown> {
    let null = cx.root_word(Word::NULL);
    let node = cx.alloc_array(NODE, n, null)?;
    copy_range(cx, vector, from, from + n, node, 0);
    make(cx, n, 0, None, node)
}

/// The elements from index `from` up to but not including `to`; the bounds must be right.
pub fn slice(cx: &mut Thread, vector: Handle, from: usize, to: usize) -> Result<Handle, Thrown> {
    let n = len(cx.get(vector));
    assert!(from <= to && to <= n, "slice {from}..{to} of {n}");
    if from == 0 && to == n {
        return Ok(vector);
    }
    cx.scoped(|cx| {
        let left = to - from;
        if left <= WIDTH {
            return small(cx, vector, from, left);
        }
        let (_, skip) = shape(cx.get(vector));
        if (skip + from) / MOST_SKIPPED > left {
            let null = cx.root_word(Word::NULL);
            let node = cx.alloc_array(NODE, left, null)?;
            copy_range(cx, vector, from, to, node, 0);
            return from_array(cx, node, left);
        }
        let vector = if to < n { first(cx, vector, to)? } else { vector };
        // More elements than a tail holds are left: those that go are all in the tree.
        cx.allocate(VECTOR, slots(VECTOR), 0, |cx, mut fresh| {
            let (shift, skip) = shape(cx.get(vector));
            fresh.set_raw(VECTOR_COUNT, count_bits(left));
            fresh.set_raw(VECTOR_SHAPE, shape_bits(shift, skip + from));
            fresh.copy(VECTOR_ROOT, cx.get(vector), VECTOR_ROOT, 2);
        })
    })
}

/// What is left of a vector without its first elements, as `slice` gives it, of spare memory: where no element need be copied.
pub fn spare_rest<'h>(cx: &'h Thread, vector: Value<'h>, from: usize) -> Option<Value<'h>> {
    let left = len(vector).checked_sub(from).filter(|left| *left > WIDTH)?;
    let (shift, skip) = shape(vector);
    if (skip + from) / MOST_SKIPPED > left {
        return None;
    }
    cx.spare(VECTOR, slots(VECTOR), |_, mut fresh| {
        fresh.set_raw(VECTOR_COUNT, count_bits(left));
        fresh.set_raw(VECTOR_SHAPE, shape_bits(shift, skip + from));
        fresh.copy(VECTOR_ROOT, vector, VECTOR_ROOT, 2);
    })
}

/// Copies elements `from..to` of a vector to an array or fresh NODE, from its element `at` on.
pub fn copy_range(cx: &Thread, vector: Handle, from: usize, to: usize, array: Handle, at: usize) {
    let (v, target) = (cx.get(vector), cx.get(array));
    let mut i = from;
    while i < to {
        let Some((node, start)) = leaf(v, i) else { break };
        let n = (node.len() - start).min(to - i);
        for k in 0..n {
            cx.set_slot(target, ARRAY_ELEMENTS + at + (i - from) + k, node.get(start + k));
        }
        i += n;
    }
}

/// The elements of one vector after those of another.
pub fn concat(cx: &mut Thread, a: Handle, b: Handle) -> Result<Handle, Thrown> {
    let (n, m) = (len(cx.get(a)), len(cx.get(b)));
    if m == 0 {
        return Ok(a);
    }
    if n == 0 {
        return Ok(b);
    }
    if m < n / 8 {
        let mark = cx.mark();
        let result = cx.root(cx.get(a));
        let inner = cx.mark();
        for i in 0..m {
            let Some(x) = get(cx.get(b), i) else { break };
            let x = cx.root(x);
            let next = push(cx, result, x)?;
            cx.set(result, cx.get(next));
            cx.release(inner);
        }
        return Ok(cx.keep(mark, result));
    }
    cx.scoped(|cx| {
        let null = cx.root_word(Word::NULL);
        let node = cx.alloc_array(NODE, n + m, null)?;
        copy_range(cx, a, 0, n, node, 0);
        copy_range(cx, b, 0, m, node, n);
        from_array(cx, node, n + m)
    })
}
