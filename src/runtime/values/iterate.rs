//! Going through anything seqable, in chunks.
//!
//! ```text
//! CURSOR source | position | kind | extra
//! ```
//!
//! [`next_chunk`] gives an ARRAY or NODE whose elements come next, or `null`: the collection's own node where it has one, up to
//! [`CHUNK`] computed elements elsewhere, one element at a time of user types (so that their side effects stay in step).
//! Rust code uses [`Items`].

use super::collections::trie::{self, Step};
use super::collections::view::{Slots, copy_array, count_bits, count_field, field};
use super::collections::{List, map, mutable, set, vector, walk};
use super::leaves::{self, Answer, LEAF_ARGS};
use super::ranges::Range;
use super::text::strings;
use crate::gc::{Handle, Mark, Thread, Thrown, Value};
use crate::object::Word;
use crate::object::collections::OVER_VECTOR;
use crate::object::layout::{
    self, ARRAY_ELEMENTS, ARRAY_LENGTH, CURSOR, CURSOR_IS_SET, CURSOR_KIND, CURSOR_POSITION, CURSOR_SOURCE,
    FIRST_USER_LAYOUT, MAP_ROOT, NODE, SEQ_INDEX, SEQ_POSITION, SEQ_SOURCE, slots,
};
use crate::runtime::program::errors::ErrorKind;

use crate::runtime::program::methods::Method;
use crate::runtime::system::threads;

/// The most elements that are computed at once.
pub const CHUNK: usize = 32;

/// What a cursor goes over: its `CURSOR_KIND`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
enum Kind {
    /// Nothing is left.
    Done,
    /// A VECTOR; position: index.
    Vector,
    /// An ARRAY or NODE that is given whole.
    Whole,
    /// A String; position: byte offset.
    Text,
    /// A RANGE; position: index.
    Range,
    /// The entries of a trie; source: NODE of nodes and next elements in turn, position: depth; extra: `true` for a set.
    Trie,
    /// The NODE of a small map; position: index; extra: `true` for a set.
    Small,
    /// An ARRAY of which a part is given at a time; position: index.
    Parts,
    /// A seq of a user type; position: 0 when its first element has not been given yet.
    User,
}

const _: () = assert!(Kind::Vector as usize == OVER_VECTOR, "machine code knows this kind by its number");

const KINDS: [Kind; 9] =
    [Kind::Done, Kind::Vector, Kind::Whole, Kind::Text, Kind::Range, Kind::Trie, Kind::Small, Kind::Parts, Kind::User];

/// Levels of the deepest trie, the node below the last digit included.
const TRIE_DEPTH: usize = 18;

/// What is to be gone through, before a cursor stands on it.
struct Start {
    kind: Kind,
    source: Handle,
    position: usize,
    extra: bool,
}

/// A cursor at the beginning of a collection; TypeError when it is not seqable.
pub fn iterate(cx: &mut Thread, coll: Handle) -> Result<Handle, Thrown> {
    cx.scoped(|cx| {
        let start = start(cx, coll)?;
        let position = cx.root_word(Word(count_bits(start.position)));
        let kind = cx.root_word(Word(count_bits(start.kind as usize)));
        let extra = cx.root_word(Word::bool(start.extra));
        cx.alloc_slots(CURSOR, &[start.source, position, kind, extra])
    })
}

/// The same as a leaf, for what is gone through as it is.
pub fn leaf_iterate<'h>(cx: &'h Thread, [coll, ..]: [Value<'h>; LEAF_ARGS]) -> Answer<'h> {
    let (kind, source, set) = match coll.layout() {
        layout::VECTOR => (Kind::Vector, coll, false),
        layout::ARRAY => (Kind::Whole, coll, false),
        layout::STRING | layout::STRING_PREFIX => (Kind::Text, coll, false),
        layout::RANGE => (Kind::Range, coll, false),
        layout::MAP | layout::SET => {
            let set = coll.is(layout::SET);
            let root = field(if set { set::map_of(coll) } else { coll }, layout::MAP, MAP_ROOT);
            (Kind::Small, Some(root).filter(|root| root.is(NODE))?, set)
        }
        _ => return None,
    };
    cx.spare(CURSOR, slots(CURSOR), |_, mut fresh| {
        fresh.set(CURSOR_SOURCE, source);
        fresh.set_raw(CURSOR_POSITION, count_bits(0));
        fresh.set_raw(CURSOR_KIND, count_bits(kind as usize));
        fresh.set_raw(CURSOR_IS_SET, Word::bool(set).0);
    })
}

fn start(cx: &mut Thread, coll: Handle) -> Result<Start, Thrown> {
    if let Some(start) = builtin(cx, coll)? {
        return Ok(start);
    }
    // A user type, or a builtin one that somebody extended.
    let value = cx.get(coll);
    let seq = if Method::Seq.is_extended(value) {
        Method::Seq.call(cx, &[coll])?
    } else if Method::First.is_extended(value) {
        coll
    } else {
        let number = super::numbers::is_int(cx.get(coll));
        let help = if number { "; `range(n)` has the numbers below n" } else { "" };
        let message = format!("for: cannot go through {}{help}", cx.describe(coll));
        return Err(cx.throw(ErrorKind::TypeError, message));
    };
    seq_start(cx, seq)
}

/// The start of what `seq` or `next` has given.
fn seq_start(cx: &mut Thread, seq: Handle) -> Result<Start, Thrown> {
    match builtin(cx, seq)? {
        Some(start) => Ok(start),
        None => Ok(Start { kind: Kind::User, source: seq, position: 0, extra: false }),
    }
}

fn builtin(cx: &mut Thread, coll: Handle) -> Result<Option<Start>, Thrown> {
    let value = cx.get(coll);
    let plain = |kind, position| Some(Start { kind, source: coll, position, extra: false });
    Ok(match value.layout() {
        layout::NULL => plain(Kind::Done, 0),
        layout::VECTOR => plain(Kind::Vector, 0),
        layout::ARRAY | layout::NODE => plain(Kind::Whole, 0),
        layout::STRING | layout::STRING_PREFIX => plain(Kind::Text, 0),
        layout::RANGE => plain(Kind::Range, 0),
        layout::MAP => Some(entries(cx, coll, false)?),
        layout::MUTABLE_MAP => {
            // The entries are those of now, whatever happens to the mutable map meanwhile.
            let map = mutable::to_walk(cx, coll)?;
            Some(entries(cx, map, false)?)
        }
        layout::MUTABLE_SET => {
            let map = mutable::to_walk(cx, coll)?;
            Some(entries(cx, map, true)?)
        }
        layout::SET => {
            let map = cx.root(set::map_of(value));
            Some(entries(cx, map, true)?)
        }
        layout::MUTABLE_LIST => {
            let (slots, n) = List::view(value);
            let node = cx.root(slots.object());
            let source = copy_array(cx, NODE, node, 0, n)?;
            Some(Start { kind: Kind::Whole, source, position: 0, extra: false })
        }
        layout::SEQ => {
            let source = cx.root(field(value, layout::SEQ, SEQ_SOURCE));
            let (offset, index) =
                (count_field(value, layout::SEQ, SEQ_POSITION), count_field(value, layout::SEQ, SEQ_INDEX));
            let (kind, position) = match cx.get(source).layout() {
                NODE => return along(cx, source, offset).map(Some),
                layout::VECTOR => (Kind::Vector, index),
                layout::RANGE => (Kind::Range, index),
                layout::STRING | layout::STRING_PREFIX => (Kind::Text, offset),
                _ => (Kind::Parts, index),
            };
            Some(Start { kind, source, position, extra: false })
        }
        _ => None,
    })
}

/// The start of the entries of a MAP.
fn entries(cx: &mut Thread, map: Handle, set: bool) -> Result<Start, Thrown> {
    let root = cx.root(field(cx.get(map), layout::MAP, MAP_ROOT));
    if cx.get(root).is(NODE) {
        return Ok(Start { kind: Kind::Small, source: root, position: 0, extra: set });
    }
    let null = cx.root_word(Word::NULL);
    let stack = cx.alloc_array(NODE, 2 * TRIE_DEPTH, null)?;
    push_node(cx.get(stack), 0, cx.get(root));
    Ok(Start { kind: Kind::Trie, source: stack, position: 1, extra: set })
}

/// The start of what is left from a place in a large map on.
fn along(cx: &mut Thread, path: Handle, position: usize) -> Result<Start, Thrown> {
    let null = cx.root_word(Word::NULL);
    let stack = cx.alloc_array(NODE, 2 * TRIE_DEPTH, null)?;
    let place = walk::entries(cx.get(path), position);
    put_place(cx.get(stack), place.stack());
    let (depth, extra) = (place.stack().len(), walk::is_set(cx.get(path)));
    Ok(Start { kind: Kind::Trie, source: stack, position: depth, extra })
}

/// Makes the stack of a cursor say where a walk stands.
fn put_place<'h>(stack: Value<'h>, place: &[(Slots<'h>, usize)]) {
    for (depth, (node, at)) in place.iter().enumerate() {
        stack.thread().set_slot(stack, ARRAY_ELEMENTS + 2 * depth, node.object());
        put_count(stack, ARRAY_ELEMENTS + 2 * depth + 1, *at);
    }
}

/// Puts a trie's node on the stack of a cursor.
fn push_node(stack: Value<'_>, depth: usize, node: Value<'_>) {
    stack.thread().set_slot(stack, ARRAY_ELEMENTS + 2 * depth, node);
    put_count(stack, ARRAY_ELEMENTS + 2 * depth + 1, trie::first_position(node));
}

/// Stores a count to word `i` of an object.
fn set_count(cx: &Thread, object: Handle, i: usize, n: usize) {
    put_count(cx.get(object), i, n);
}

fn put_count(object: Value<'_>, i: usize, n: usize) {
    let cx = object.thread();
    if let Some(number) = Value::immediate(cx, Word(count_bits(n))) {
        cx.set_slot(object, i, number);
    }
}

/// The next elements as an ARRAY or NODE, or `null` at the end.
pub fn next_chunk(cx: &mut Thread, cursor: Handle) -> Result<Handle, Thrown> {
    threads::glance(cx)?;
    let c = cx.get(cursor);
    let position = count_field(c, CURSOR, CURSOR_POSITION);
    let kind = KINDS.get(count_field(c, CURSOR, CURSOR_KIND)).copied().unwrap_or(Kind::Done);
    let source = field(c, CURSOR, CURSOR_SOURCE);
    let set = field(c, CURSOR, CURSOR_IS_SET).word() == Word::TRUE;
    match kind {
        Kind::Done => {}
        Kind::Vector => {
            if let Some((node, at)) = vector::leaf(source, position) {
                let (n, node) = (node.len(), cx.root(node.object()));
                set_count(cx, cursor, CURSOR_POSITION, position + n - at);
                return if at == 0 { Ok(node) } else { copy_array(cx, NODE, node, at, n - at) };
            }
        }
        Kind::Whole => {
            let whole = cx.root(source);
            finish(cx, cursor);
            return Ok(whole);
        }
        Kind::Text => {
            let source = cx.root(source);
            return text_chunk(cx, cursor, source, position);
        }
        Kind::Range => {
            let range = Range::of(source);
            let n = range.len().saturating_sub(position).min(CHUNK);
            if n > 0 {
                set_count(cx, cursor, CURSOR_POSITION, position + n);
                return range_chunk(cx, &range, position, n);
            }
        }
        Kind::Parts => {
            let n = Slots::of(source).len().saturating_sub(position).min(CHUNK);
            if n > 0 {
                let source = cx.root(source);
                set_count(cx, cursor, CURSOR_POSITION, position + n);
                return copy_array(cx, NODE, source, position, n);
            }
        }
        Kind::Small => {
            let node = cx.root(source);
            finish(cx, cursor);
            let n = Slots::of(cx.get(node)).len() / 2;
            return small_chunk(cx, node, n, set);
        }
        Kind::Trie => {
            let stack = cx.root(source);
            return trie_chunk(cx, cursor, stack, position, set);
        }
        Kind::User => {
            let seq = cx.root(source);
            return user_chunk(cx, cursor, seq, position);
        }
    }
    finish(cx, cursor);
    Ok(cx.root_word(Word::NULL))
}

/// The same as a leaf, for chunks of what is simple.
pub fn leaf_next_chunk<'h>(cx: &'h Thread, [cursor, ..]: [Value<'h>; LEAF_ARGS]) -> Answer<'h> {
    let kind = KINDS.get(count_field(cursor, CURSOR, CURSOR_KIND))?;
    let (source, position) = (field(cursor, CURSOR, CURSOR_SOURCE), count_field(cursor, CURSOR, CURSOR_POSITION));
    match kind {
        Kind::Done => leaves::null(cx),
        Kind::Whole => finish_at(cx, cursor).map(|()| source),
        Kind::Range => {
            let range = Range::of(source);
            let Range::Inline { from, step, .. } = range else { return None };
            let n = range.len().saturating_sub(position).min(CHUNK);
            if n == 0 {
                finish_at(cx, cursor)?;
                return leaves::null(cx);
            }
            let first = Word::int(from + step * position as i64)?;
            let chunk = cx.spare(NODE, n + 1, |_, mut fresh| {
                fresh.set_raw(ARRAY_LENGTH, count_bits(n));
                fresh.set_ints(ARRAY_ELEMENTS, n, first, step);
            })?;
            cx.set_slot(cursor, CURSOR_POSITION, leaves::count(cx, position + n)?);
            Some(chunk)
        }
        Kind::Text => {
            let rest = source.str()?.get(position..)?;
            // Characters that all are bytes.
            let bytes = &rest.as_bytes()[..rest.len().min(CHUNK)];
            if bytes.is_empty() {
                finish_at(cx, cursor)?;
                return leaves::null(cx);
            }
            let table = Slots::of(cx.vm().text.ascii.get(cx)?);
            if !bytes.is_ascii() {
                return None;
            }
            let chunk = cx.spare(NODE, bytes.len() + 1, |_, mut fresh| {
                fresh.set_raw(ARRAY_LENGTH, count_bits(bytes.len()));
                for (i, &byte) in bytes.iter().enumerate() {
                    fresh.set(ARRAY_ELEMENTS + i, table.get(byte.into()));
                }
            })?;
            cx.set_slot(cursor, CURSOR_POSITION, leaves::count(cx, position + bytes.len())?);
            Some(chunk)
        }
        Kind::Small => {
            let node = Slots::of(source);
            let (n, set) = (node.len() / 2, field(cursor, CURSOR, CURSOR_IS_SET).word() == Word::TRUE);
            let mut elements = [leaves::null(cx)?; map::SMALL];
            for (i, element) in elements.iter_mut().take(n).enumerate() {
                let key = node.get(2 * i);
                *element = if set { key } else { leaves::collections::vector_of(cx, &[key, node.get(2 * i + 1)])? };
            }
            let chunk = leaves::collections::node_of(cx, elements.get(..n)?)?;
            finish_at(cx, cursor)?;
            Some(chunk)
        }
        Kind::Vector => {
            let (node, at) = vector::leaf(source, position)?;
            let chunk = match at {
                0 => node.object(),
                _ => leaves::collections::node_of(cx, &node.iter().skip(at).collect::<Vec<_>>())?,
            };
            cx.set_slot(cursor, CURSOR_POSITION, leaves::count(cx, position + node.len() - at)?);
            Some(chunk)
        }
        Kind::Trie => leaf_trie_chunk(cx, cursor),
        Kind::Parts | Kind::User => None,
    }
}

/// [`trie_chunk`] of what the allocation buffer has left.
fn leaf_trie_chunk<'h>(cx: &'h Thread, cursor: Value<'h>) -> Answer<'h> {
    // A chunk, and a VECTOR of a NODE for each entry: all of it must be there, for the cursor moves on with each entry.
    const ENTRY: usize = 5 + 4;
    if !cx.has_spare(CHUNK * ENTRY + CHUNK + 2) {
        return None;
    }
    let (stack, set) =
        (field(cursor, CURSOR, CURSOR_SOURCE), field(cursor, CURSOR, CURSOR_IS_SET).word() == Word::TRUE);
    let top = Slots::of(stack);
    let at = |depth: usize| top.get(2 * depth + 1).as_int().unwrap_or(0) as usize;
    let nodes =
        (0..count_field(cursor, CURSOR, CURSOR_POSITION)).map(|depth| (Slots::of(top.get(2 * depth)), at(depth)));
    let mut place = trie::Entries::at(nodes.collect());
    let (mut elements, mut filled) = ([leaves::null(cx)?; CHUNK], 0);
    for (key, value) in place.by_ref().take(CHUNK) {
        elements[filled] = if set { key } else { leaves::collections::vector_of(cx, &[key, value])? };
        filled += 1;
    }
    put_place(stack, place.stack());
    put_count(cursor, CURSOR_POSITION, place.stack().len());
    if filled == 0 {
        finish_at(cx, cursor)?;
        return leaves::null(cx);
    }
    leaves::collections::node_of(cx, &elements[..filled])
}

/// Lets go of the source.
fn finish(cx: &Thread, cursor: Handle) {
    finish_at(cx, cx.get(cursor));
}

fn finish_at(cx: &Thread, cursor: Value<'_>) -> Option<()> {
    cx.set_slot(cursor, CURSOR_KIND, leaves::count(cx, Kind::Done as usize)?);
    cx.set_slot(cursor, CURSOR_SOURCE, leaves::null(cx)?);
    Some(())
}

fn text_chunk(cx: &mut Thread, cursor: Handle, source: Handle, mut position: usize) -> Result<Handle, Thrown> {
    let rest = cx.get(source).str().and_then(|text| text.get(position..)).unwrap_or("");
    let n = rest.chars().take(CHUNK).count();
    if n == 0 {
        finish(cx, cursor);
        return Ok(cx.root_word(Word::NULL));
    }
    let null = cx.root_word(Word::NULL);
    let node = cx.alloc_array(NODE, n, null)?;
    for i in 0..n {
        let c = cx.get(source).str().and_then(|text| text.get(position..)?.chars().next()).unwrap_or('\0');
        position += c.len_utf8();
        let mark = cx.mark();
        let character = strings::of_char(cx, c)?;
        cx.set_slot(cx.get(node), ARRAY_ELEMENTS + i, cx.get(character));
        cx.release(mark);
    }
    set_count(cx, cursor, CURSOR_POSITION, position);
    Ok(node)
}

fn range_chunk(cx: &mut Thread, range: &Range, position: usize, n: usize) -> Result<Handle, Thrown> {
    if let &Range::Inline { from, step, .. } = range {
        return cx.allocate(NODE, n + 1, 0, |_, mut fresh| {
            fresh.set_raw(ARRAY_LENGTH, count_bits(n));
            for i in 0..n {
                let word = Word::int(from + step * (position + i) as i64).unwrap_or(Word::NULL);
                fresh.set_raw(ARRAY_ELEMENTS + i, word.0);
            }
        });
    }
    let null = cx.root_word(Word::NULL);
    let chunk = cx.alloc_array(NODE, n, null)?;
    for i in 0..n {
        let mark = cx.mark();
        let element = range.get(cx, position + i)?;
        cx.set_slot(cx.get(chunk), ARRAY_ELEMENTS + i, cx.get(element));
        cx.release(mark);
    }
    Ok(chunk)
}

fn small_chunk(cx: &mut Thread, node: Handle, n: usize, set: bool) -> Result<Handle, Thrown> {
    let null = cx.root_word(Word::NULL);
    let chunk = cx.alloc_array(NODE, n, null)?;
    for i in 0..n {
        let entry = Slots::of(cx.get(node));
        let (key, value) = (cx.root(entry.get(2 * i)), cx.root(entry.get(2 * i + 1)));
        store_entry(cx, chunk, i, key, value, set)?;
    }
    Ok(chunk)
}

/// Stores `[key, value]`, or the key alone for a set, as element `i` of a chunk.
fn store_entry(cx: &mut Thread, chunk: Handle, i: usize, key: Handle, value: Handle, set: bool) -> Result<(), Thrown> {
    let mark = cx.mark();
    let element = if set { key } else { vector::of(cx, &[key, value])? };
    cx.set_slot(cx.get(chunk), ARRAY_ELEMENTS + i, cx.get(element));
    cx.release(mark);
    Ok(())
}

/// The next entry of the trie on the stack of a cursor, which is passed by; none at the end.
fn next_entry<'h>(stack: Value<'h>, depth: &mut usize) -> Option<(Value<'h>, Value<'h>)> {
    while *depth > 0 {
        let top = Slots::of(stack);
        let at = top.get(2 * *depth - 1).as_int().unwrap_or(0) as usize;
        match trie::step(Slots::of(top.get(2 * *depth - 2)), at) {
            Step::Entry(key, value, next) => {
                put_count(stack, 2 * *depth, next);
                return Some((key, value));
            }
            Step::Child(child, next) => {
                put_count(stack, 2 * *depth, next);
                push_node(stack, *depth, child);
                *depth += 1;
            }
            Step::End => *depth -= 1,
        }
    }
    None
}

fn trie_chunk(cx: &mut Thread, cursor: Handle, stack: Handle, mut depth: usize, set: bool) -> Result<Handle, Thrown> {
    let null = cx.root_word(Word::NULL);
    let chunk = cx.alloc_array(NODE, CHUNK, null)?;
    let mut filled = 0;
    while filled < CHUNK
        && let Some((key, value)) = next_entry(cx.get(stack), &mut depth)
    {
        let (key, value) = (cx.root(key), cx.root(value));
        store_entry(cx, chunk, filled, key, value, set)?;
        filled += 1;
    }
    set_count(cx, cursor, CURSOR_POSITION, depth);
    match filled {
        0 => {
            finish(cx, cursor);
            Ok(cx.root_word(Word::NULL))
        }
        CHUNK => Ok(chunk),
        n => copy_array(cx, NODE, chunk, 0, n),
    }
}

/// Passes by entries; false when there are not so many.
fn skip_entries(cx: &mut Thread, cursor: Handle, n: usize) -> Result<bool, Thrown> {
    let stack = cx.root(field(cx.get(cursor), CURSOR, CURSOR_SOURCE));
    let (mut depth, mut left) = (count_field(cx.get(cursor), CURSOR, CURSOR_POSITION), n);
    while left > 0 && next_entry(cx.get(stack), &mut depth).is_some() {
        left -= 1;
        if left.is_multiple_of(CHUNK) {
            threads::glance(cx)?;
        }
    }
    set_count(cx, cursor, CURSOR_POSITION, depth);
    Ok(left == 0)
}

fn user_chunk(cx: &mut Thread, cursor: Handle, seq: Handle, position: usize) -> Result<Handle, Thrown> {
    let mut seq = seq;
    if position > 0 {
        let rest = Method::Next.call(cx, &[seq])?;
        let start = seq_start(cx, rest)?;
        cx.set_slot(cx.get(cursor), CURSOR_SOURCE, cx.get(start.source));
        set_count(cx, cursor, CURSOR_POSITION, start.position);
        set_count(cx, cursor, CURSOR_KIND, start.kind as usize);
        let extra = cx.root_word(Word::bool(start.extra));
        cx.set_slot(cx.get(cursor), CURSOR_IS_SET, cx.get(extra));
        if start.kind != Kind::User {
            return next_chunk(cx, cursor);
        }
        seq = start.source;
    }
    set_count(cx, cursor, CURSOR_POSITION, 1);
    let first = Method::First.call(cx, &[seq])?;
    cx.alloc_array_of(NODE, &[first])
}

/// Rust's way through anything seqable, an element at a time.
#[derive(Debug)]
pub struct Items {
    cursor: Handle,
    chunk: Handle,
    element: Handle,
    at: usize,
    len: usize,
    inner: Mark,
}

impl Items {
    /// At the beginning of a collection. A collection of the program's own is let go of ([`Thread::let_go`]): its handle would
    /// hold all that is passed by.
    pub fn of(cx: &mut Thread, coll: Handle) -> Result<Items, Thrown> {
        let cursor = iterate(cx, coll)?;
        if cx.get(coll).layout() >= FIRST_USER_LAYOUT {
            cx.let_go(coll);
        }
        let chunk = cx.root_word(Word::NULL);
        let element = cx.root_word(Word::NULL);
        Ok(Items { cursor, chunk, element, at: 0, len: 0, inner: cx.mark() })
    }

    /// Passes by elements, before the first is asked for; false when there are not so many. Where elements have a place, nobody
    /// looks at them, and of maps no entries are made.
    pub fn skip(&mut self, cx: &mut Thread, n: usize) -> Result<bool, Thrown> {
        let c = cx.get(self.cursor);
        let (kind, position) = (count_field(c, CURSOR, CURSOR_KIND), count_field(c, CURSOR, CURSOR_POSITION));
        let len = match KINDS.get(kind) {
            Some(Kind::Vector) => Some(vector::len(field(c, CURSOR, CURSOR_SOURCE))),
            Some(Kind::Range) => Some(Range::of(field(c, CURSOR, CURSOR_SOURCE)).len()),
            Some(Kind::Parts) => Some(Slots::of(field(c, CURSOR, CURSOR_SOURCE)).len()),
            Some(Kind::Trie) => return skip_entries(cx, self.cursor, n),
            Some(Kind::Text) => {
                let rest = field(c, CURSOR, CURSOR_SOURCE).str().and_then(|text| text.get(position..)).unwrap_or("");
                let place = rest.char_indices().map(|(at, _)| at).chain([rest.len()]).nth(n);
                set_count(cx, self.cursor, 1, position + place.unwrap_or(rest.len()));
                return Ok(place.is_some());
            }
            _ => None,
        };
        if let Some(len) = len {
            set_count(cx, self.cursor, 1, position.saturating_add(n).min(len));
            return Ok(len - position >= n);
        }
        for _ in 0..n {
            if self.next(cx)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The next element. The handle stands for another one after the next call, and all handles made since the last call
    /// are forgotten.
    pub fn next(&mut self, cx: &mut Thread) -> Result<Option<Handle>, Thrown> {
        cx.release(self.inner);
        if self.at >= self.len {
            let chunk = next_chunk(cx, self.cursor)?;
            if cx.get(chunk).is_null() {
                return Ok(None);
            }
            cx.set(self.chunk, cx.get(chunk));
            cx.release(self.inner);
            self.len = Slots::of(cx.get(self.chunk)).len();
            self.at = 0;
            if self.len == 0 {
                return self.next(cx);
            }
        }
        cx.set(self.element, Slots::of(cx.get(self.chunk)).get(self.at));
        self.at += 1;
        Ok(Some(self.element))
    }

    /// Like [`Items::next`], but handles made since the last call stay.
    pub fn next_kept(&mut self, cx: &mut Thread) -> Result<Option<Handle>, Thrown> {
        self.inner = cx.mark();
        match self.next(cx)? {
            Some(element) => Ok(Some(cx.root(cx.get(element)))),
            None => Ok(None),
        }
    }
}

/// OutOfMemory when a collection has more elements than memory can hold. Who keeps something for each of them asks first: it
/// is told at once then, and not when memory is full.
pub fn expect_room(cx: &mut Thread, coll: Handle) -> Result<(), Thrown> {
    // Only what is computed can be so long.
    match cx.get(coll).layout() {
        layout::RANGE | layout::SEQ => {
            let n = super::sequences::length(cx.get(coll)).unwrap_or(0);
            cx.expect_words(n)
        }
        _ => Ok(()),
    }
}

/// Has a collection no elements? Of a seq of the program's own nobody asks the first: there is one.
pub fn is_empty(cx: &mut Thread, coll: Handle) -> Result<bool, Thrown> {
    let mut items = Items::of(cx, coll)?;
    if KINDS.get(count_field(cx.get(items.cursor), CURSOR, CURSOR_KIND)) == Some(&Kind::User) {
        return Ok(false);
    }
    Ok(items.next(cx)?.is_none())
}

/// A vector of all elements: the collection itself when it is one.
pub fn to_vector(cx: &mut Thread, coll: Handle) -> Result<Handle, Thrown> {
    if cx.get(coll).is(layout::VECTOR) {
        return Ok(coll);
    }
    cx.scoped(|cx| {
        let list = to_list(cx, coll)?;
        list.finish(cx)
    })
}

/// A fresh list of all elements.
pub fn to_list(cx: &mut Thread, coll: Handle) -> Result<List, Thrown> {
    if cx.get(coll).is(layout::VECTOR) {
        return List::of_vector(cx, coll);
    }
    expect_room(cx, coll)?;
    let list = List::new(cx, 0)?;
    let mut items = Items::of(cx, coll)?;
    while let Some(x) = items.next(cx)? {
        list.push(cx, x)?;
    }
    Ok(list)
}
