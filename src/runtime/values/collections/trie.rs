//! Large maps: a compressed hash trie of 16-way nodes (CHAMP: Steindorfer and Vinju, "Optimizing Hash-Array Mapped Tries for
//! Fast and Lean Immutable JVM Collections", OOPSLA 2015).
//!
//! ```text
//! MAP_NODE        bitmap (Int: bits 0…15 which hash digits have an entry here, 16…31 which have a child)
//!                 key, value … of the entries in the order of digits, then the children in the order of digits
//! COLLISION_NODE  key, value … of entries whose whole hashes are equal; below the last digit only
//! GROUP_NODE      values of neighbouring Ints (see group.rs), wherever a child can stand
//! ```
//!
//! A digit is 4 bits of the hash, lowest first: the path of a key depends on its hash alone, so the order is the same in every
//! run. A child holds at least two entries; removal keeps it so.
//!
//! Ownership: a node whose header count is the (non-zero) `owner` of an operation belongs to one map that is being built, and
//! is changed in place where its size allows. The nodes of an owner that no other thread can know
//! ([`is_private`]) have room to grow: their last elements may be unused, and null.

use super::group;
use super::view::{Slots, count_bits};
use crate::gc::mutator::owners::is_private;
pub use crate::gc::mutator::owners::{LATER, LATER_PRIVATE, OWNERS, SHARED};
use crate::gc::trace::prefetch;
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::object::Word;
pub(super) use crate::object::collections::{TRIE_BITS as BITS, TRIE_CHILDREN_SHIFT as CHILDREN_SHIFT};
use crate::object::layout::{
    ARRAY_ELEMENTS, ARRAY_LENGTH, COLLISION_NODE, GROUP_NODE, LayoutId, MAP_NODE, MAP_NODE_BITMAP, MAP_NODE_PARTS,
    element,
};
use crate::object::word::INT_SHIFT;
use crate::runtime::values::equality::{TooDeep, same_key};
use crate::runtime::values::hashing;

const MASK: u64 = (1 << BITS) - 1;
/// From here on the hash has no digits left.
const HASH_BITS: u32 = 64;
/// Elements before the entries of a MAP_NODE.
const FIRST: usize = element(MAP_NODE_PARTS);

/// The two halves of a bitmap.
#[derive(Clone, Copy)]
pub(super) struct Bitmap(pub(super) u64);

impl Bitmap {
    #[inline]
    pub(super) fn of(node: Slots<'_>) -> Bitmap {
        Bitmap(node.get(element(MAP_NODE_BITMAP)).word().0 >> INT_SHIFT)
    }

    /// What a walk finds at a digit.
    #[inline]
    pub(super) fn at(self, bit: u64) -> At {
        if self.0 & bit != 0 {
            At::Entry(self.entry_index(bit))
        } else if self.0 & bit << CHILDREN_SHIFT != 0 {
            At::Child(self.child_index(bit))
        } else {
            At::Nothing
        }
    }

    #[inline]
    fn entries(self) -> usize {
        (self.0 & 0xFFFF).count_ones() as usize
    }

    #[inline]
    fn children(self) -> usize {
        (self.0 >> CHILDREN_SHIFT).count_ones() as usize
    }

    /// The index of the key of the entry at a digit.
    #[inline]
    pub(super) fn entry_index(self, bit: u64) -> usize {
        FIRST + 2 * (self.0 & (bit - 1)).count_ones() as usize
    }

    /// The index of the child at a digit.
    #[inline]
    pub(super) fn child_index(self, bit: u64) -> usize {
        FIRST + 2 * self.entries() + (self.0 >> CHILDREN_SHIFT & (bit - 1)).count_ones() as usize
    }

    fn bits(self) -> u64 {
        self.0 << INT_SHIFT
    }

    pub(super) fn word(self) -> Word {
        Word(self.bits())
    }
}

/// What stands at a digit of a MAP_NODE.
pub(super) enum At {
    /// An entry: the index of its key.
    Entry(usize),
    /// A child: its index.
    Child(usize),
    Nothing,
}

#[inline]
pub(super) fn digit(hash: u64, shift: u32) -> u64 {
    1 << (hash >> (shift & (HASH_BITS - 1)) & MASK)
}

/// The hash that decides where a key stands.
#[inline]
pub fn hash(key: Value<'_>) -> u64 {
    match key.as_int() {
        Some(i) => group::hash(group::number(i)),
        None => hashing::hash(key),
    }
}

/// The entry of a key: key and value as they are stored. `hash` is the key's ([`hash`]).
#[inline]
pub fn find<'h>(root: Value<'h>, key: Value<'h>, hash: u64) -> Result<Option<(Value<'h>, Value<'h>)>, TooDeep> {
    let mut node = root;
    let mut shift = 0;
    while let Some(slots) = Slots::if_is(node, MAP_NODE) {
        match Bitmap::of(slots).at(digit(hash, shift)) {
            At::Entry(i) => {
                let found = slots.get(i);
                return Ok(if same_key(found, key)? { Some((found, slots.get(i + 1))) } else { None });
            }
            At::Child(i) => node = slots.get(i),
            At::Nothing => return Ok(None),
        }
        approach(node, key);
        shift += BITS;
    }
    if let Some(slots) = Slots::if_is(node, GROUP_NODE) {
        return Ok(group::find(slots, key).map(|value| (key, value)));
    }
    let slots = Slots::of(node);
    Ok(collision_index(slots, key)?.map(|i| (slots.get(i), slots.get(i + 1))))
}

/// Gives a key that is there another value, in a node that is the owner's own: false, and nothing is done, where that cannot be.
/// Who asks knows that the key has one place only. Groups are for the machine code of `stubs/maps.rs`.
pub(super) fn replace<'h>(root: Value<'h>, key: Value<'h>, hash: u64, value: Value<'h>, owner: u32) -> bool {
    let mut node = root;
    let mut shift = 0;
    while let Some(slots) = Slots::if_is(node, MAP_NODE) {
        match Bitmap::of(slots).at(digit(hash, shift)) {
            At::Entry(i) => {
                let own = owner != SHARED && node.count() == owner;
                if !own || same_key(slots.get(i), key) != Ok(true) {
                    return false;
                }
                node.thread().set_slot(node, ARRAY_ELEMENTS + i + 1, value);
                return true;
            }
            At::Child(i) => node = slots.get(i),
            At::Nothing => return false,
        }
        shift += BITS;
    }
    false
}

/// A node is about to be looked into for a key. Its beginning says where to look further; in large maps neither is in the
/// cache, so what is likely needed next is fetched together with it.
#[inline]
pub(super) fn approach(node: Value<'_>, key: Value<'_>) {
    let start = node.word().0;
    prefetch::line(start + prefetch::LINE as u64);
    if let Some(i) = key.as_int() {
        prefetch::line(start + group::likely_offset(i) as u64);
    }
}

fn collision_index(node: Slots<'_>, key: Value<'_>) -> Result<Option<usize>, TooDeep> {
    for i in (0..node.len()).step_by(2) {
        if same_key(node.get(i), key)? {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

/// An empty node.
pub fn empty(cx: &mut Thread, owner: u32) -> Result<Handle, Thrown> {
    cx.allocate(MAP_NODE, MAP_NODE_PARTS, owner, |_, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(1));
        fresh.set_raw(MAP_NODE_BITMAP, Bitmap(0).bits());
    })
}

/// How many elements of a node are in use.
#[inline]
pub(super) fn used(node: Slots<'_>) -> usize {
    match node.object().layout() {
        MAP_NODE => {
            let bitmap = Bitmap::of(node);
            1 + 2 * bitmap.entries() + bitmap.children()
        }
        GROUP_NODE => group::used(node),
        _ => node.len(),
    }
}

/// The length of a new node of so many elements: with some room, when there is somebody who can use it.
pub(super) fn roomy(elements: usize, layout: LayoutId, owner: u32) -> usize {
    // Header and length are words, too.
    const BEFORE: usize = 2;
    if !is_private(owner) || layout == COLLISION_NODE {
        return elements;
    }
    (elements + BEFORE).next_multiple_of(if elements < 16 { 4 } else { 8 }) - BEFORE
}

/// The node with `removed` elements from `at` on replaced by `inserted`, and the first ones by immediate words: itself when it
/// belongs to a private owner and has room.
pub(super) fn splice(
    cx: &mut Thread,
    node: Handle,
    owner: u32,
    first: &[Word],
    at: usize,
    removed: usize,
    inserted: &[Handle],
) -> Result<Handle, Thrown> {
    let source = cx.get(node);
    let (layout, len, capacity) = (source.layout(), used(Slots::of(source)), Slots::of(source).len());
    let new_len = len - removed + inserted.len();
    // What has but one entry left gives it to its parent, for which there may be no memory: the node must still be as it was.
    let may_be_single = new_len <= group::FIRST + 1;
    let in_place = is_private(owner) && source.count() == owner && layout != COLLISION_NODE;
    if in_place && new_len <= capacity && !may_be_single {
        cx.splice_slots(
            source,
            ARRAY_ELEMENTS + at,
            removed,
            inserted.iter().map(|value| cx.get(*value).word()),
            ARRAY_ELEMENTS + len,
        );
        for (i, &word) in first.iter().enumerate() {
            if let Some(word) = Value::immediate(cx, word) {
                cx.set_slot(source, ARRAY_ELEMENTS + i, word);
            }
        }
        return Ok(node);
    }
    let capacity = roomy(new_len, layout, owner);
    cx.allocate(layout, capacity + 1, owner, |cx, mut fresh| {
        let source = cx.get(node);
        fresh.set_raw(ARRAY_LENGTH, count_bits(capacity));
        for i in new_len..capacity {
            fresh.set_raw(ARRAY_ELEMENTS + i, Word::NULL.0);
        }
        fresh.copy(ARRAY_ELEMENTS, source, ARRAY_ELEMENTS, at);
        for (k, &value) in inserted.iter().enumerate() {
            fresh.set(ARRAY_ELEMENTS + at + k, cx.get(value));
        }
        fresh.copy(ARRAY_ELEMENTS + at + inserted.len(), source, ARRAY_ELEMENTS + at + removed, len - at - removed);
        for (i, word) in first.iter().enumerate() {
            fresh.set_raw(ARRAY_ELEMENTS + i, word.0);
        }
    })
}

/// The node with element `i` replaced: itself when it belongs to `owner`.
#[inline]
pub(super) fn store(cx: &mut Thread, node: Handle, owner: u32, i: usize, value: Handle) -> Result<Handle, Thrown> {
    let target = cx.get(node);
    if owner != SHARED && target.count() == owner {
        cx.set_slot(target, ARRAY_ELEMENTS + i, cx.get(value));
        return Ok(node);
    }
    let (layout, len) = (target.layout(), used(Slots::of(target)));
    cx.allocate(layout, len + 1, owner, |cx, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(len));
        fresh.copy(ARRAY_ELEMENTS, cx.get(node), ARRAY_ELEMENTS, len);
        fresh.set(ARRAY_ELEMENTS + i, cx.get(value));
    })
}

/// The trie with an entry added or replaced, and whether the key is new. A known key stays as it is stored.
pub fn assoc(
    cx: &mut Thread,
    root: Handle,
    key: Handle,
    hash: u64,
    value: Handle,
    owner: u32,
) -> Result<(Handle, bool), Thrown> {
    let mut path = Path::new(root);
    let mut node = root;
    let mut shift = 0;
    let (leaf, added) = loop {
        let target = cx.get(node);
        if target.is(GROUP_NODE) {
            break assoc_group(cx, node, shift, (key, hash, value), owner)?;
        }
        if target.is(COLLISION_NODE) {
            break assoc_collision(cx, node, key, value, owner)?;
        }
        let slots = Slots::of(target);
        let bitmap = Bitmap::of(slots);
        let bit = digit(hash, shift);
        match bitmap.at(bit) {
            At::Child(i) => {
                approach(slots.get(i), cx.get(key));
                let child = cx.root(slots.get(i));
                path.push(node, i);
                node = child;
                shift += BITS;
            }
            At::Entry(i) => {
                let found = slots.get(i);
                match same_key(found, cx.get(key)) {
                    Ok(true) if slots.get(i + 1) == cx.get(value) => return Ok((root, false)),
                    Ok(true) => break (store(cx, node, owner, i + 1, value)?, false),
                    Ok(false) => {}
                    Err(deep) => return Err(deep.throw(cx)),
                }
                let (found, other) = (cx.root(found), cx.root(slots.get(i + 1)));
                let child = if group::same(cx.get(found), cx.get(key)) {
                    group::of_two(cx, (found, other), (key, value), owner)?
                } else {
                    let found_hash = self::hash(cx.get(found));
                    pair(cx, shift + BITS, (found, found_hash, other), (key, hash, value), owner)?
                };
                break (entry_to_child(cx, node, bitmap, bit, child, owner)?, true);
            }
            At::Nothing => {
                let i = bitmap.entry_index(bit);
                break (splice(cx, node, owner, &[Bitmap(bitmap.0 | bit).word()], i, 0, &[key, value])?, true);
            }
        }
    };
    Ok((path.rebuild(cx, leaf, owner)?, added))
}

/// Adds an entry where a group stands.
fn assoc_group(
    cx: &mut Thread,
    node: Handle,
    shift: u32,
    entry: (Handle, u64, Handle),
    owner: u32,
) -> Result<(Handle, bool), Thrown> {
    let (key, hash, value) = entry;
    if let Some(result) = group::assoc(cx, node, key, value, owner)? {
        return Ok(result);
    }
    // The key belongs elsewhere: the group moves down to where the ways part.
    let group_hash = group::hash(group::number_of(Slots::of(cx.get(node))));
    let mut differ = shift;
    while differ < HASH_BITS && digit(group_hash, differ) == digit(hash, differ) {
        differ += BITS;
    }
    if differ >= HASH_BITS {
        let mut entries = group::entries(cx, node);
        entries.extend([key, value]);
        let bottom = collision(cx, &entries, owner)?;
        return Ok((chain(cx, bottom, hash, shift, HASH_BITS, owner)?, true));
    }
    let bitmap = Bitmap(digit(hash, differ) | digit(group_hash, differ) << CHILDREN_SHIFT);
    let bottom = cx.allocate(MAP_NODE, MAP_NODE_PARTS + 3, owner, |cx, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(4));
        fresh.set_raw(MAP_NODE_BITMAP, bitmap.bits());
        for (i, part) in [key, value, node].into_iter().enumerate() {
            fresh.set(MAP_NODE_PARTS + i, cx.get(part));
        }
    })?;
    Ok((chain(cx, bottom, hash, shift, differ, owner)?, true))
}

/// A node of entries whose hashes are equal.
fn collision(cx: &mut Thread, entries: &[Handle], owner: u32) -> Result<Handle, Thrown> {
    cx.allocate(COLLISION_NODE, entries.len() + 1, owner, |cx, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(entries.len()));
        for (i, &part) in entries.iter().enumerate() {
            fresh.set(ARRAY_ELEMENTS + i, cx.get(part));
        }
    })
}

/// Nodes of one child each, from the digit at `shift` down to a node that stands at `bottom_shift`.
fn chain(
    cx: &mut Thread,
    bottom: Handle,
    hash: u64,
    shift: u32,
    bottom_shift: u32,
    owner: u32,
) -> Result<Handle, Thrown> {
    let mut node = bottom;
    let mut at = bottom_shift;
    while at > shift {
        at -= BITS;
        let bit = digit(hash, at);
        node = cx.allocate(MAP_NODE, MAP_NODE_PARTS + 1, owner, |cx, mut fresh| {
            fresh.set_raw(ARRAY_LENGTH, count_bits(2));
            fresh.set_raw(MAP_NODE_BITMAP, Bitmap(bit << CHILDREN_SHIFT).bits());
            fresh.set(MAP_NODE_PARTS, cx.get(node));
        })?;
    }
    Ok(node)
}

fn assoc_collision(
    cx: &mut Thread,
    node: Handle,
    key: Handle,
    value: Handle,
    owner: u32,
) -> Result<(Handle, bool), Thrown> {
    let slots = Slots::of(cx.get(node));
    let len = slots.len();
    match collision_index(slots, cx.get(key)) {
        Ok(Some(i)) => Ok((store(cx, node, owner, i + 1, value)?, false)),
        Ok(None) => Ok((splice(cx, node, owner, &[], len, 0, &[key, value])?, true)),
        Err(deep) => Err(deep.throw(cx)),
    }
}

/// The nodes above the place of an operation, with the index of the child that leads there.
struct Path {
    steps: [(Handle, u8); (HASH_BITS / BITS) as usize],
    root: Handle,
    len: usize,
}

impl Path {
    #[inline]
    fn new(root: Handle) -> Path {
        Path { steps: [(root, 0); (HASH_BITS / BITS) as usize], root, len: 0 }
    }

    #[inline]
    fn push(&mut self, node: Handle, i: usize) {
        self.steps[self.len] = (node, i as u8);
        self.len += 1;
    }

    #[inline]
    fn pop(&mut self) -> Option<(Handle, usize)> {
        self.len = self.len.checked_sub(1)?;
        let (node, i) = self.steps[self.len];
        Some((node, usize::from(i)))
    }

    /// Puts a new node in the place of the old one, up to the root.
    #[inline]
    fn rebuild(mut self, cx: &mut Thread, leaf: Handle, owner: u32) -> Result<Handle, Thrown> {
        let mut new = leaf;
        while let Some((node, i)) = self.pop() {
            new = store(cx, node, owner, i, new)?;
            if new == node {
                // Changed in place: what is above knows it.
                return Ok(self.root);
            }
        }
        Ok(new)
    }
}

/// A copy of a node in which the entry at a digit has become a child.
fn entry_to_child(
    cx: &mut Thread,
    node: Handle,
    bitmap: Bitmap,
    bit: u64,
    child: Handle,
    owner: u32,
) -> Result<Handle, Thrown> {
    let new_bitmap = Bitmap(bitmap.0 & !bit | bit << CHILDREN_SHIFT);
    let (from, to) = (bitmap.entry_index(bit), new_bitmap.child_index(bit));
    let len = used(Slots::of(cx.get(node)));
    cx.allocate(MAP_NODE, len, owner, |cx, mut fresh| {
        let source = cx.get(node);
        fresh.set_raw(ARRAY_LENGTH, count_bits(len - 1));
        // What lies before the entry; what lies between; the child; what lies behind.
        fresh.copy(ARRAY_ELEMENTS, source, ARRAY_ELEMENTS, from);
        fresh.copy(ARRAY_ELEMENTS + from, source, ARRAY_ELEMENTS + from + 2, to - from);
        fresh.set(ARRAY_ELEMENTS + to, cx.get(child));
        fresh.copy(ARRAY_ELEMENTS + to + 1, source, ARRAY_ELEMENTS + to + 2, len - to - 2);
        fresh.set_raw(MAP_NODE_BITMAP, new_bitmap.bits());
    })
}

/// A node of two entries with different keys.
fn pair(
    cx: &mut Thread,
    shift: u32,
    a: (Handle, u64, Handle),
    b: (Handle, u64, Handle),
    owner: u32,
) -> Result<Handle, Thrown> {
    // How many digits they share from here on.
    let mut differ = shift;
    while differ < HASH_BITS && digit(a.1, differ) == digit(b.1, differ) {
        differ += BITS;
    }
    let bottom = if differ >= HASH_BITS {
        collision(cx, &[a.0, a.2, b.0, b.2], owner)?
    } else {
        let (x, y) = (digit(a.1, differ), digit(b.1, differ));
        let (first, second) = if x < y { (a, b) } else { (b, a) };
        cx.allocate(MAP_NODE, MAP_NODE_PARTS + 4, owner, |cx, mut fresh| {
            fresh.set_raw(ARRAY_LENGTH, count_bits(5));
            fresh.set_raw(MAP_NODE_BITMAP, Bitmap(x | y).bits());
            for (i, value) in [first.0, first.2, second.0, second.2].into_iter().enumerate() {
                fresh.set(MAP_NODE_PARTS + i, cx.get(value));
            }
        })?
    };
    chain(cx, bottom, a.1, shift, differ, owner)
}

/// The trie without a key; none when it has no such key.
pub fn dissoc(cx: &mut Thread, root: Handle, key: Handle, hash: u64, owner: u32) -> Result<Option<Handle>, Thrown> {
    let mut path = Path::new(root);
    let mut node = root;
    let mut shift = 0;
    let mut leaf = loop {
        let target = cx.get(node);
        if target.is(GROUP_NODE) {
            match group::dissoc(cx, node, key, owner)? {
                Some(leaf) => break leaf,
                None => return Ok(None),
            }
        }
        let slots = Slots::of(target);
        if target.is(COLLISION_NODE) {
            match collision_index(slots, cx.get(key)) {
                Ok(Some(i)) => break splice(cx, node, owner, &[], i, 2, &[])?,
                Ok(None) => return Ok(None),
                Err(deep) => return Err(deep.throw(cx)),
            }
        }
        let bitmap = Bitmap::of(slots);
        let bit = digit(hash, shift);
        match bitmap.at(bit) {
            At::Child(i) => {
                let child = cx.root(slots.get(i));
                path.push(node, i);
                node = child;
                shift += BITS;
            }
            At::Entry(i) => match same_key(slots.get(i), cx.get(key)) {
                Ok(true) => break splice(cx, node, owner, &[Bitmap(bitmap.0 & !bit).word()], i, 2, &[])?,
                Ok(false) => return Ok(None),
                Err(deep) => return Err(deep.throw(cx)),
            },
            At::Nothing => return Ok(None),
        }
    };
    // A node that is left with one entry and no child gives it to its parent.
    while let Some((key, value)) = single(cx.get(leaf)) {
        let (key, value) = (cx.root(key), cx.root(value));
        let Some((parent, i)) = path.pop() else { break };
        shift -= BITS;
        leaf = child_to_entry(cx, parent, digit(hash, shift), i, key, value, owner)?;
    }
    path.rebuild(cx, leaf, owner).map(Some)
}

/// The only entry of a node, when it has no child.
fn single(node: Value<'_>) -> Option<(Value<'_>, Value<'_>)> {
    let slots = Slots::of(node);
    if node.is(GROUP_NODE) {
        return group::single(slots);
    }
    if node.is(COLLISION_NODE) {
        return (slots.len() == 2).then(|| (slots.get(0), slots.get(1)));
    }
    let bitmap = Bitmap::of(slots);
    (bitmap.entries() == 1 && bitmap.children() == 0).then(|| (slots.get(FIRST), slots.get(FIRST + 1)))
}

/// A copy of a node in which the child at a digit has become an entry.
fn child_to_entry(
    cx: &mut Thread,
    node: Handle,
    bit: u64,
    i: usize,
    key: Handle,
    value: Handle,
    owner: u32,
) -> Result<Handle, Thrown> {
    let slots = Slots::of(cx.get(node));
    let (bitmap, len) = (Bitmap::of(slots), used(slots));
    let new_bitmap = Bitmap(bitmap.0 & !(bit << CHILDREN_SHIFT) | bit);
    let at = new_bitmap.entry_index(bit);
    cx.allocate(MAP_NODE, len + 2, owner, |cx, mut fresh| {
        let source = cx.get(node);
        fresh.set_raw(ARRAY_LENGTH, count_bits(len + 1));
        fresh.copy(ARRAY_ELEMENTS, source, ARRAY_ELEMENTS, at);
        fresh.set(ARRAY_ELEMENTS + at, cx.get(key));
        fresh.set(ARRAY_ELEMENTS + at + 1, cx.get(value));
        fresh.copy(ARRAY_ELEMENTS + at + 2, source, ARRAY_ELEMENTS + at, i - at);
        fresh.copy(ARRAY_ELEMENTS + i + 2, source, ARRAY_ELEMENTS + i + 1, len - i - 1);
        fresh.set_raw(MAP_NODE_BITMAP, new_bitmap.bits());
    })
}

/// A copy of the whole trie, nobody's, of nodes in which other threads may be replacing values.
pub fn copy(cx: &mut Thread, node: Handle) -> Result<Handle, Thrown> {
    let source = cx.get(node);
    let (layout, len) = (source.layout(), used(Slots::of(source)));
    let first_child = if layout == MAP_NODE { 1 + 2 * Bitmap::of(Slots::of(source)).entries() } else { len };
    let copied = cx.allocate(layout, len + 1, SHARED, |cx, mut fresh| {
        fresh.set_raw(ARRAY_LENGTH, count_bits(len));
        fresh.copy(ARRAY_ELEMENTS, cx.get(node), ARRAY_ELEMENTS, len);
    })?;
    for i in first_child..len {
        let mark = cx.mark();
        let child = cx.root(Slots::of(cx.get(copied)).get(i));
        let child = copy(cx, child)?;
        cx.set_slot(cx.get(copied), ARRAY_ELEMENTS + i, cx.get(child));
        cx.release(mark);
    }
    Ok(copied)
}

/// The last entry of a trie.
pub fn last(root: Value<'_>) -> Option<(Value<'_>, Value<'_>)> {
    let mut slots = Slots::of(root);
    loop {
        if slots.object().is(GROUP_NODE) {
            return group::last(slots);
        }
        let end = used(slots);
        let is_entry = !slots.object().is(MAP_NODE) || Bitmap::of(slots).children() == 0;
        if is_entry {
            return Some((slots.get(end.checked_sub(2)?), slots.get(end - 1)));
        }
        slots = Slots::of(slots.get(end - 1));
    }
}

/// Where a walk through a node begins.
#[inline]
pub fn first_position(node: Value<'_>) -> usize {
    usize::from(node.is(MAP_NODE))
}

/// What a walk through a node comes to next.
#[derive(Clone, Copy, Debug)]
pub enum Step<'h> {
    /// An entry, and the position after it.
    Entry(Value<'h>, Value<'h>, usize),
    /// A child, and the position after it.
    Child(Value<'h>, usize),
    /// The end.
    End,
}

/// What stands at a position of a node: first the entries, then the children.
#[inline]
pub fn step(slots: Slots<'_>, at: usize) -> Step<'_> {
    let node = slots.object();
    if node.is(GROUP_NODE) {
        return match group::entry_from(slots, at) {
            Some((key, value, next)) => Step::Entry(key, value, next),
            None => Step::End,
        };
    }
    let entries_end = if node.is(MAP_NODE) { 1 + 2 * Bitmap::of(slots).entries() } else { slots.len() };
    if at < entries_end {
        Step::Entry(slots.get(at), slots.get(at + 1), at + 2)
    } else if at < used(slots) {
        Step::Child(slots.get(at), at + 1)
    } else {
        Step::End
    }
}

/// In a checked build: a trie that is small has so many entries, and no child that would be an entry of its parent.
pub(super) fn assert_sound(root: Value<'_>, count: usize) {
    // Those of more entries are made of such.
    const MOST: usize = 100;
    if count > MOST {
        return;
    }
    let mut found = 0;
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        let (slots, before, children) = (Slots::of(node), found, open.len());
        let mut at = first_position(node);
        loop {
            match step(slots, at) {
                Step::Entry(_, _, next) => (found, at) = (found + 1, next),
                Step::Child(child, next) => {
                    open.push(child);
                    at = next;
                }
                Step::End => break,
            }
        }
        let own = found - before + 2 * (open.len() - children);
        assert!(node == root || own >= 2, "a child of a trie has {own} entries");
    }
    assert!(found == count, "a map of {count} has {found} entries");
}

/// Walks the entries of a trie in order, without recursion.
#[derive(Clone, Debug)]
pub struct Entries<'h> {
    /// Nodes and the next position of each.
    stack: Vec<(Slots<'h>, usize)>,
}

impl<'h> Entries<'h> {
    /// The entries of a trie.
    pub fn of(root: Value<'h>) -> Entries<'h> {
        let mut entries = Entries { stack: Vec::with_capacity(8) };
        entries.stack.push((Slots::of(root), first_position(root)));
        entries
    }

    /// The entries from a place on: nodes from the root on, each but the last with the position behind the child that follows.
    pub fn at(stack: Vec<(Slots<'h>, usize)>) -> Entries<'h> {
        Entries { stack }
    }

    /// The place: see [`Entries::at`].
    pub fn stack(&self) -> &[(Slots<'h>, usize)] {
        &self.stack
    }

    /// Goes on to where the next entry stands: that entry, and the position behind it.
    #[inline]
    pub fn arrive(&mut self) -> Option<(Value<'h>, Value<'h>, usize)> {
        loop {
            let (slots, at) = self.stack.last_mut()?;
            match step(*slots, *at) {
                Step::Entry(key, value, next) => return Some((key, value, next)),
                Step::Child(child, next) => {
                    *at = next;
                    self.stack.push((Slots::of(child), first_position(child)));
                }
                Step::End => {
                    self.stack.pop();
                }
            }
        }
    }
}

impl<'h> Iterator for Entries<'h> {
    type Item = (Value<'h>, Value<'h>);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, value, next) = self.arrive()?;
        self.stack.last_mut()?.1 = next;
        Some((key, value))
    }
}
